/*
 * Two streams that are each other's peer, with what a network does in between: latency, jitter, a
 * window, FIN and RST. The virtual network and memory pairs are made of it. It lives on timers alone
 * and so works on both loops.
 *
 * Each direction has one queue of what is under way, one of what waits for the window, and one timer.
 */
#ifndef AMTLAB_RUNTIME_PIPE_H
#define AMTLAB_RUNTIME_PIPE_H

#include "base/random.h"
#include "runtime/segment.h"
#include "runtime/stream_class.h"

struct pipe;

/* What lies between the two ends. */
struct pipe_link {
    uint64_t latency_us, jitter_us; /* one way; jitter is drawn per piece and keeps the order */
    struct amt_random *jitter;      /* borrowed; NULL without jitter */
    uint32_t window_bytes;          /* under way or not yet read by the peer */
};

/* The last things an end sends, and when they arrive; LOOP_NO_DEADLINE: not sent. */
struct pipe_signals {
    uint64_t syn_us, open_us, refuse_us; /* connecting (net_virtual.c) */
    uint64_t fin_us, reset_us;
};

/* One end, and the direction that leads away from it. */
struct pipe_end {
    struct stream stream;
    struct pipe *pipe;
    struct pipe_end *peer;
    struct segment_queue flight;  /* under way to the peer, or waiting for it to read */
    struct segment_queue waiting; /* beyond the window */
    struct pipe_signals sent;
    uint64_t last_due_us;
    struct timer deliver;
    struct timer limit; /* time to connect; with the owner gone: time to flush */
    struct loop_task drain;
    uint32_t write_limit;
    bool is_open;       /* may send */
    bool is_paused;     /* does not read */
    bool is_unclaimed;  /* waits in a backlog for its owner */
    bool is_closed;     /* the owner has let go, or never was */
    bool has_shut_down; /* nothing more is written */
    bool is_dead;       /* sends nothing any more */
    bool has_been_reset;
    bool has_ended; /* on_end was called */
    bool owes_drain;
    char name[STREAM_NAME_BYTES];
};

struct pipe {
    struct loop *loop;
    struct pipe *previous, *next; /* of this loop */
    struct pipe_link link;
    struct pipe_end ends[2];
    bool is_delivering; /* a callback of this pipe runs: freeing waits */
    /* The connection request has arrived at ends[1]; net_virtual.c answers it. */
    void (*on_syn)(struct pipe *pipe);
    struct address target;
    struct pipe *backlog_next;
};

/* NULL without memory. Both ends are not open yet. */
struct pipe *pipe_new(struct loop *loop, const struct pipe_link *link);
/* ends[0] asks for a connection; gives up after limit_us. */
void pipe_connect(struct pipe *pipe, void (*on_syn)(struct pipe *pipe), uint64_t limit_us);
/* ends[1] exists now (in a backlog, until pipe_claim) and says so. */
void pipe_accept(struct pipe *pipe);
/* ends[1] has an owner now: reading may begin. */
void pipe_claim(struct pipe *pipe);
/* Nobody listens there. */
void pipe_refuse(struct pipe *pipe);
/* Holds the pipe while callbacks to owners run; pipe_release frees it if both ends are closed. */
void pipe_hold(struct pipe *pipe);
void pipe_release(struct pipe *pipe);

#endif
