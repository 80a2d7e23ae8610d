/*
 * What stands between an actor and its connection: looks at what passes, and lets faults act on it
 * (harness.md 7.3). A stream over another stream, put there by the actor's stream_wrap hook; one for
 * each layer. Bytes pass as they come, in the same cutting, unless a fault is bound to the place.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_FILTER_H
#define AMTLAB_SCENARIOS_ENGINE_FILTER_H

#include "runtime/stream_class.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/apf_flow.h"

struct filter;

/* Something on its way through one direction of a filter. */
struct unit {
    uint8_t *bytes;
    uint32_t len;
    bool is_end;      /* in: the peer has ended; out: the owner has finished writing */
    bool is_message;  /* message describes bytes */
    bool is_joinable; /* later units within its time are appended (coalesce) */
    struct apf_message message;
    uint64_t due_us; /* loop time; 0: at once */
    struct unit *next;
};

struct lane {
    struct filter *filter;
    bool is_out;
    struct unit *first, *last; /* waiting for their time, in order */
    struct unit *held;         /* reorder: goes behind the next one */
    struct timer timer;
    uint64_t last_due_us;
    uint64_t free_us;          /* throttle: when the line is free again */
    uint64_t position_bytes;   /* passed so far */
    uint64_t stalled_until_us; /* loop time; LOOP_NO_DEADLINE: until further notice */
    bool is_shut;              /* half_close: nothing passes any more */
};

struct filter {
    struct stream stream;
    struct actor *actor;
    enum stream_layer layer;
    struct stream *inner; /* NULL when it is gone */
    struct lane in, out;
    struct apf_flow seen;  /* what the actor sees and says */
    struct apf_flow ruled; /* what faults are asked about */
    struct stream_end end;
    struct timer open_limit; /* a connection that was swallowed ends after this */
    struct loop_task reap;
    bool is_open, is_owner_gone, is_owner_paused, has_ended, is_vanished, is_closing, is_reported;
    const char *peer; /* name of the actor at the other end, once known */
    struct filter *next;
};

/* For struct stream_wrap; ctx is the actor. */
struct stream *filter_wrap(void *ctx, enum stream_layer layer, struct stream *inner);
/* Frees all filters of the case, cutting what is left. */
void filters_close(struct case_run *run);

/* For faults. Each takes bytes. */
struct unit *unit_new(const uint8_t *bytes, uint32_t len);
void unit_free(struct unit *unit); /* NULL is allowed */
/* Puts the unit (taken) at the end of the lane. */
void lane_push(struct lane *lane, struct unit *unit);
/* Delivers what is due. */
void lane_pump(struct lane *lane);
/* Due time of what a fault lets arrive: never inside the call of the owner that triggered it, because
 * no real stream calls back from a write. */
uint64_t lane_soon_us(const struct lane *lane);
/* Nothing passes any more in either direction and nobody is told. */
void filter_vanish(struct filter *filter);
/* Both ends see the connection end: kind FIN or RESET. */
void filter_cut(struct filter *filter, enum stream_end_kind kind);
/* Ends one direction: its receiver sees FIN, the other direction goes on. */
void lane_shut(struct lane *lane);
/* The other direction of the same filter. */
struct lane *lane_other(struct lane *lane);
struct loop *filter_loop(const struct filter *filter);
/* Which way messages in this lane travel. */
enum apf_direction lane_direction(const struct lane *lane);

/* filter_trace.c: notes what the actor sees and says. */
void filter_note(struct filter *filter, bool is_out, const uint8_t *bytes, uint32_t len);
void filter_note_end(struct filter *filter, const char *by, const struct stream_end *end);

#endif
