/*
 * The event loop: time, timers, tasks, randomness, blocking work. Two worlds behind one interface:
 * `loop_new_uv` (libuv, real sockets) and `loop_new_virtual` (in-memory network, virtual clock, one
 * seed). Code above never asks which one it runs on. One loop belongs to one thread.
 */
#ifndef AMTLAB_RUNTIME_LOOP_H
#define AMTLAB_RUNTIME_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct loop;

#define US_PER_MS        1000u
#define US_PER_SECOND    1000000u
#define LOOP_NO_DEADLINE UINT64_MAX

/* Makes the process ignore SIGPIPE. AMT_ENOMEM, AMT_ESYS. */
struct loop *loop_new_uv(struct amt_diag *diag);

/* The virtual world. Zero-initialised fields take the defaults in brackets. */
struct virtual_world {
    uint64_t seed;
    uint64_t wall_start_us; /* Unix time at the start [2026-01-01T00:00:00Z] */
    uint64_t latency_us;    /* one way [200 us] */
    uint64_t jitter_us;     /* added, drawn per delivery, order is kept [0] */
    uint32_t window_bytes;  /* bytes in flight before a writer's queue grows [65536] */
};
struct loop *loop_new_virtual(const struct virtual_world *world, struct amt_diag *diag);

/* All streams, listeners and timers must be closed before. In the real world, what closed streams
 * still have to say gets one more second. Work under way is waited for, and its `after` is called.
 * NULL is allowed. */
void loop_free(struct loop *loop);
bool loop_is_virtual(const struct loop *loop);

/* Monotonic, microseconds; constant within one callback. The virtual world starts at 0. */
uint64_t loop_now_us(const struct loop *loop);
/* Unix time in microseconds. */
uint64_t loop_wall_us(const struct loop *loop);
/* Virtual world: moves the wall clock alone (clock jumps). Ignored in the real one. */
void loop_wall_shift(struct loop *loop, int64_t by_us);
/* Seeded in the virtual world, from the kernel in the real one. */
void loop_random(struct loop *loop, void *out, size_t len);

/* Runs until loop_stop, or until nothing is left that could happen. Not from inside a callback. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Runs until is_done(ctx) (asked after each turn; NULL = never), the deadline, or nothing is left.
 * Returns true when is_done said so. In the virtual world time then stands at the deadline, unless
 * it was LOOP_NO_DEADLINE. */
bool loop_run_until(struct loop *loop, bool (*is_done)(void *ctx), void *ctx, uint64_t deadline_us);

/* Timers: intrusive, one shot. Equal deadlines fire in the order they were started. */
typedef void timer_fn(void *ctx);
struct timer {
    struct loop *loop;
    timer_fn *fn;
    void *ctx;
    uint64_t deadline_us, order;
    /* intrusive pairing heap: starting a timer allocates nothing and so cannot fail */
    struct timer *child, *next, *previous;
    bool is_running;
};
void timer_init(struct timer *timer, struct loop *loop, timer_fn *fn, void *ctx);
void timer_start(struct timer *timer, uint64_t delay_us);       /* restarts a running one */
void timer_start_at(struct timer *timer, uint64_t deadline_us); /* LOOP_NO_DEADLINE stops it */
void timer_stop(struct timer *timer);                           /* idempotent */
bool timer_is_running(const struct timer *timer);

/* Runs fn(ctx) at the end of this turn (one event and what it set off), in order of posting.
 * Intrusive; a posted task is not posted twice. Tasks that tasks post belong to the same turn, for a
 * few rounds: a task that posts itself does not keep the network waiting. */
struct loop_task {
    struct loop *loop;
    void (*fn)(void *ctx);
    void *ctx;
    struct loop_task *next;
    bool is_posted;
};
void loop_task_init(struct loop_task *task, struct loop *loop, void (*fn)(void *ctx), void *ctx);
void loop_task_post(struct loop_task *task);
void loop_task_cancel(struct loop_task *task);

/* Blocking work (file sync, slow hashes): work runs on a worker thread, after on the loop, always. In
 * the virtual world work runs at once and after on the next turn. AMT_ENOMEM, AMT_ESYS: neither runs. */
enum amt_err loop_work(struct loop *loop, void (*work)(void *ctx), void (*after)(void *ctx),
                       void *ctx) AMT_MUST_USE;

/* Real world only (AMT_ESTATE in the virtual one): fn runs on the loop each time signal_number
 * arrives, until loop_free; that does not keep loop_run going. At most 4: AMT_ELIMIT. AMT_ESYS. */
enum amt_err loop_on_signal(struct loop *loop, int signal_number, void (*fn)(void *ctx), void *ctx);

#endif
