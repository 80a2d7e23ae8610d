#include "runtime/join.h"

#include "base/memory.h"

#define JOIN_QUEUE_BYTES 65536u
#define JOIN_QUIET_US    (5u * US_PER_SECOND)

struct half {
    struct join *join;
    struct half *other;
    struct stream *stream;
    bool cannot_half_close, has_ended, is_paused;
    uint64_t copied_bytes; /* read from this side */
};

struct join {
    struct half a, b;
    struct timer quiet;
    uint64_t quiet_us;
    void (*on_done)(void *ctx, uint64_t a_to_b, uint64_t b_to_a);
    void *ctx;
};

static void finish(struct join *join)
{
    timer_stop(&join->quiet);
    stream_close(join->a.stream);
    stream_close(join->b.stream);
    uint64_t a_to_b = join->a.copied_bytes;
    uint64_t b_to_a = join->b.copied_bytes;
    void (*on_done)(void *, uint64_t, uint64_t) = join->on_done;
    void *ctx = join->ctx;
    amt_free(join);
    if (on_done != NULL) {
        on_done(ctx, a_to_b, b_to_a);
    }
}

static void on_quiet(void *ctx)
{
    finish(ctx);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct half *from = ctx;
    struct half *to = from->other;
    if (stream_write(to->stream, in, len) != AMT_OK) {
        finish(from->join);
        return;
    }
    from->copied_bytes += len;
    if (timer_is_running(&from->join->quiet)) {
        timer_start(&from->join->quiet, from->join->quiet_us);
    }
    if (stream_queued_bytes(to->stream) >= JOIN_QUEUE_BYTES && !from->is_paused) {
        from->is_paused = true;
        stream_pause(from->stream);
    }
}

static void on_drain(void *ctx)
{
    struct half *drained = ctx;
    if (drained->other->is_paused) {
        drained->other->is_paused = false;
        stream_resume(drained->other->stream);
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct half *from = ctx;
    struct half *to = from->other;
    from->has_ended = true;
    /* What has no half-close is over in both directions when it ends. */
    bool is_over = end->kind != STREAM_END_FIN || to->has_ended || from->cannot_half_close;
    if (is_over) {
        finish(from->join);
    } else if (to->cannot_half_close) {
        timer_start(&from->join->quiet, from->join->quiet_us);
    } else {
        stream_shutdown(to->stream);
    }
}

static const struct stream_handler k_handler = {
    .on_data = on_data,
    .on_drain = on_drain,
    .on_end = on_end,
};

static void set_half(struct half *half, struct join *join, struct half *other,
                     const struct join_side *side)
{
    half->join = join;
    half->other = other;
    half->stream = side->stream;
    half->cannot_half_close = side->cannot_half_close;
}

struct join *join_streams(struct loop *loop, struct join_side a, struct join_side b,
                          uint64_t quiet_us,
                          void (*on_done)(void *ctx, uint64_t a_to_b, uint64_t b_to_a), void *ctx)
{
    struct join *join = amt_alloc(sizeof *join);
    if (join == NULL) {
        stream_close(a.stream);
        stream_close(b.stream);
        return NULL;
    }
    join->on_done = on_done;
    join->ctx = ctx;
    join->quiet_us = quiet_us == 0 ? JOIN_QUIET_US : quiet_us;
    timer_init(&join->quiet, loop, on_quiet, join);
    set_half(&join->a, join, &join->b, &a);
    set_half(&join->b, join, &join->a, &b);
    stream_set_handler(a.stream, &k_handler, &join->a);
    stream_set_handler(b.stream, &k_handler, &join->b);
    return join;
}

void join_cut(struct join *join)
{
    if (join == NULL) {
        return;
    }
    timer_stop(&join->quiet);
    stream_reset(join->a.stream);
    stream_reset(join->b.stream);
    amt_free(join);
}
