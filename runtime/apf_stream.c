#include "runtime/apf_stream.h"

#include <stdio.h>
#include <string.h>

#define EARLY_MAX_BYTES 262144u

static struct apf_stream *apf_of(struct stream *s)
{
    return (struct apf_stream *)s;
}

void apf_stream_end(struct apf_stream *s, enum stream_end_kind kind, const char *text)
{
    if (!s->has_ended) {
        s->has_ended = true;
        s->end = (struct stream_end){ .kind = kind, .tls_alert = -1 };
        (void)snprintf(s->end.text, sizeof s->end.text, "%s", text);
        loop_task_post(&s->task);
    }
}

/* Data first, then the end (APF-MPS-053). Runs from the loop, never inside the reader's calls. */
static void on_task(void *ctx)
{
    struct apf_stream *s = ctx;
    if (s->kept.len > 0 && !s->is_paused) {
        struct bytes kept = s->kept;
        s->kept = (struct bytes){ .max = 0 };
        if (s->channel != NULL) {
            apf_channel_consumed(s->channel, kept.len);
        }
        loop_task_post(&s->task); /* whatever else is due comes after this */
        stream_emit_data(&s->stream, bytes_front(&kept), kept.len);
        bytes_fini(&kept);
        return;
    }
    if (s->has_ended && !s->was_told && s->kept.len == 0) {
        s->was_told = true;
        stream_emit_end(&s->stream, &s->end);
    }
}

void apf_stream_attach(struct apf_stream *s, struct apf_channel *channel)
{
    s->channel = channel;
    apf_channel_set_ctx(channel, s);
}

void apf_stream_accept(struct apf_stream *s, struct apf_channel *channel)
{
    apf_stream_attach(s, channel);
    s->is_open = true;
}

void apf_stream_detach(struct apf_stream *s)
{
    s->channel = NULL;
}

void apf_stream_opened(struct apf_stream *s)
{
    s->is_open = true;
    /* Not before: an open that is refused may be tried again on another channel (FF-061). */
    if (s->early.len > 0 &&
        apf_channel_write(s->channel, bytes_front(&s->early), s->early.len) != AMT_OK) {
        apf_stream_end(s, STREAM_END_LOCAL, "out of memory");
    }
    bytes_fini(&s->early);
    stream_emit_open(&s->stream);
}

void apf_stream_data(struct apf_stream *s, const uint8_t *in, uint32_t len)
{
    struct apf_channel *channel = s->channel;
    if (s->is_paused || s->kept.len > 0) {
        /* Bounded by the window: the peer has no more credit. */
        if (bytes_append(&s->kept, in, len) != AMT_OK) {
            apf_stream_end(s, STREAM_END_LOCAL, "out of memory");
        }
        return;
    }
    stream_emit_data(&s->stream, in, len);
    /* The reader may have closed the stream meanwhile; the channel knows. */
    if (apf_channel_ctx(channel) == s) {
        apf_channel_consumed(channel, len);
    }
}

void apf_stream_drain(struct apf_stream *s)
{
    stream_emit_drain(&s->stream);
}

static enum amt_err apf_write(struct stream *base, const void *out, uint32_t len)
{
    struct apf_stream *s = apf_of(base);
    if (s->has_ended || s->has_shut_down) {
        return AMT_ECLOSED;
    }
    if (!s->is_open) {
        s->early.max = EARLY_MAX_BYTES;
        return bytes_append(&s->early, out, len);
    }
    return apf_channel_write(s->channel, out, len);
}

static uint32_t apf_queued(const struct stream *base)
{
    const struct apf_stream *s = (const struct apf_stream *)base;
    return s->early.len + (s->channel == NULL ? 0 : apf_channel_queued_bytes(s->channel));
}

static void apf_set_limit(struct stream *base, uint32_t bytes)
{
    (void)base;
    (void)bytes; /* the mux's queue_max_bytes is the limit */
}

static void apf_pause(struct stream *base)
{
    apf_of(base)->is_paused = true;
}

static void apf_resume(struct stream *base)
{
    struct apf_stream *s = apf_of(base);
    s->is_paused = false;
    loop_task_post(&s->task);
}

static void apf_shutdown(struct stream *base)
{
    apf_of(base)->has_shut_down = true;
}

static void apf_close(struct stream *base)
{
    struct apf_stream *s = apf_of(base);
    struct apf_channel *channel = s->channel;
    struct loop *loop = s->loop;
    loop_task_cancel(&s->task);
    bytes_fini(&s->early);
    bytes_fini(&s->kept);
    s->channel = NULL;
    if (channel != NULL) {
        apf_channel_set_ctx(channel, NULL);
    }
    s->on_release(s);
    if (channel != NULL) {
        apf_channel_close(channel, loop_now_us(loop));
    }
}

static void apf_peer_name(const struct stream *base, char out[static STREAM_NAME_BYTES])
{
    (void)snprintf(out, STREAM_NAME_BYTES, "%s", ((const struct apf_stream *)base)->peer);
}

static void apf_local_name(const struct stream *base, char out[static STREAM_NAME_BYTES])
{
    (void)base;
    (void)snprintf(out, STREAM_NAME_BYTES, "channel");
}

static const struct stream_class k_class = {
    .write = apf_write,
    .queued_bytes = apf_queued,
    .set_write_limit = apf_set_limit,
    .pause = apf_pause,
    .resume = apf_resume,
    .shutdown = apf_shutdown,
    .close = apf_close,
    .reset = apf_close,
    .peer_name = apf_peer_name,
    .local_name = apf_local_name,
};

void apf_stream_init(struct apf_stream *s, struct loop *loop, const char *peer,
                     void (*on_release)(struct apf_stream *s))
{
    memset(s, 0, sizeof *s);
    stream_init(&s->stream, &k_class);
    s->loop = loop;
    s->on_release = on_release;
    loop_task_init(&s->task, loop, on_task, s);
    (void)snprintf(s->peer, sizeof s->peer, "%s", peer);
}
