/* Two streams coupled into one pipe, backpressure included: relays, port forwarding, stdin/stdout. */
#ifndef AMTLAB_RUNTIME_JOIN_H
#define AMTLAB_RUNTIME_JOIN_H

#include "runtime/loop.h"
#include "runtime/stream.h"

struct join_side {
    struct stream *stream; /* taken */
    /* An APF channel cannot be closed in one direction (apf.md 5.5): the end of the other side's input
     * is then not passed on; the pair ends when this side has been silent for quiet_us. */
    bool cannot_half_close;
};

struct join;
/*
 * Takes both streams and copies until both have ended, or one has failed; then closes both and calls
 * on_done with the bytes that went from a to b and back. At most 64 KiB wait on either side: a slow
 * reader slows the writer. quiet_us 0 = 5 s. NULL without memory (both streams are closed).
 */
struct join *join_streams(struct loop *loop, struct join_side a, struct join_side b,
                          uint64_t quiet_us,
                          void (*on_done)(void *ctx, uint64_t a_to_b, uint64_t b_to_a), void *ctx);
/* Cuts both; no on_done. NULL is allowed. */
void join_cut(struct join *join);

#endif
