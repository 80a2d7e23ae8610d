/*
 * A device's channel as a stream. Backpressure is the channel's window: what the reader has not taken
 * is not given back as credit. A device that is short of slots makes the open wait and try again
 * (FF-061), within open_limit.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "mps/mps_internal.h"
#include "runtime/stream_class.h"

#define RETRY_US        250000u
#define EARLY_MAX_BYTES 262144u

struct channel_stream {
    struct stream stream;
    struct loop *loop;
    struct connection *connection; /* NULL once the session has ended */
    struct apf_channel *channel;   /* NULL while waiting for a slot, and after the end */
    struct channel_stream *next;
    uint32_t port;
    uint64_t deadline_us;  /* for getting a slot */
    struct loop_task task; /* what must not happen inside the owner's call */
    struct bytes early;    /* written before the channel is open */
    struct bytes kept;     /* received while paused; not yet given back as credit */
    bool is_open, is_paused, is_waiting, has_shut_down;
    bool has_ended; /* on_end is due or was called */
    bool was_told;
    struct stream_end end;
    char peer[STREAM_NAME_BYTES];
};

static void set_end(struct channel_stream *s, enum stream_end_kind kind, const char *text)
{
    if (!s->has_ended) {
        s->has_ended = true;
        s->end = (struct stream_end){ .kind = kind, .tls_alert = -1 };
        (void)snprintf(s->end.text, sizeof s->end.text, "%s", text);
        loop_task_post(&s->task);
    }
}

static void unlink_stream(struct channel_stream *s)
{
    struct connection *c = s->connection;
    if (c == NULL) {
        return;
    }
    struct channel_stream **at = &c->streams;
    while (*at != NULL && *at != s) {
        at = &(*at)->next;
    }
    if (*at == s) {
        *at = s->next;
        c->mps->statistics.channels_open -= 1;
    }
    s->connection = NULL;
}

static void link_stream(struct channel_stream *s, struct connection *c)
{
    struct channel_stream **at = &c->streams;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = s;
    s->next = NULL;
    s->connection = c;
    c->mps->statistics.channels_open += 1;
}

/* Credit goes back when the reader has taken the bytes. */
static void give_back(struct channel_stream *s, uint32_t len)
{
    if (s->channel != NULL) {
        apf_channel_consumed(s->channel, len);
    }
}

/* Data first, then the end (APF-MPS-053). Runs from the loop, never inside the owner's calls. */
static void on_task(void *ctx)
{
    struct channel_stream *s = ctx;
    if (s->kept.len > 0 && !s->is_paused) {
        struct bytes kept = s->kept;
        s->kept = (struct bytes){ .max = 0 };
        give_back(s, kept.len);
        loop_task_post(&s->task); /* whatever is still due comes after this */
        stream_emit_data(&s->stream, bytes_front(&kept), kept.len);
        bytes_fini(&kept);
        return;
    }
    if (s->has_ended && !s->was_told && s->kept.len == 0) {
        s->was_told = true;
        stream_emit_end(&s->stream, &s->end);
    }
}

static void wait_for_slot(struct channel_stream *s)
{
    struct connection *c = s->connection;
    s->is_waiting = true;
    uint64_t at_us = loop_now_us(s->loop) + RETRY_US;
    if (at_us < c->retry_at_us) {
        c->retry_at_us = at_us;
    }
    connection_set_timer(c);
}

static void try_open(struct channel_stream *s)
{
    struct connection *c = s->connection;
    uint64_t now_us = loop_now_us(s->loop);
    char text[STREAM_TEXT_BYTES];
    s->is_waiting = false;
    enum amt_err err = apf_mps_session_open(c->session, s->port, now_us, &s->channel);
    if (err == AMT_OK) {
        apf_channel_set_ctx(s->channel, s);
        if (s->early.len > 0 &&
            apf_channel_write(s->channel, bytes_front(&s->early), s->early.len) != AMT_OK) {
            set_end(s, STREAM_END_LOCAL, "out of memory");
        }
        bytes_fini(&s->early);
        connection_set_timer(c);
        return;
    }
    s->channel = NULL;
    if (err == AMT_ELIMIT && now_us < s->deadline_us) {
        wait_for_slot(s);
    } else if (err == AMT_EUNKNOWN) {
        (void)snprintf(text, sizeof text, "the device does not forward port %u (APF-MPS-044)",
                       s->port);
        set_end(s, STREAM_END_REFUSED, text);
    } else {
        (void)snprintf(text, sizeof text, "no channel can be opened now: %s", amt_err_text(err));
        set_end(s, STREAM_END_REFUSED, text);
    }
}

void channel_streams_retry(struct connection *c)
{
    struct channel_stream *next = NULL;
    for (struct channel_stream *s = c->streams; s != NULL; s = next) {
        next = s->next;
        if (!s->is_waiting) {
            continue;
        }
        if (loop_now_us(s->loop) >= s->deadline_us) {
            s->is_waiting = false;
            set_end(s, STREAM_END_TIMEOUT, "the device had no free channel within open_limit");
        } else {
            try_open(s);
        }
    }
}

void channel_streams_end(struct connection *c, const char *why)
{
    while (c->streams != NULL) {
        struct channel_stream *s = c->streams;
        unlink_stream(s);
        s->channel = NULL;
        s->is_waiting = false;
        set_end(s, STREAM_END_RESET, why);
    }
}

void channel_opened(void *ctx, struct apf_channel *channel)
{
    struct channel_stream *s = apf_channel_ctx(channel);
    (void)ctx;
    if (s == NULL) {
        return;
    }
    s->is_open = true;
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&s->connection->uuid, uuid);
    LOG(s->connection->mps->log, LOG_DEBUG, "channel.opened", log_text("uuid", uuid),
        log_u64("port", s->port), log_u64("channel", apf_channel_local_number(channel)),
        log_u64("device_channel", apf_channel_remote_number(channel)));
    stream_emit_open(&s->stream);
}

void channel_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct channel_stream *s = apf_channel_ctx(channel);
    (void)ctx;
    if (s == NULL) {
        return;
    }
    if (s->is_paused || s->kept.len > 0) {
        /* Bounded by the window: the device has no more credit. */
        if (bytes_append(&s->kept, in, len) != AMT_OK) {
            set_end(s, STREAM_END_LOCAL, "out of memory");
        }
        return;
    }
    stream_emit_data(&s->stream, in, len);
    /* The callback may have closed the stream; the channel knows. */
    if (apf_channel_ctx(channel) == s) {
        apf_channel_consumed(channel, len);
    }
}

void channel_drain(void *ctx, struct apf_channel *channel)
{
    struct channel_stream *s = apf_channel_ctx(channel);
    (void)ctx;
    if (s != NULL) {
        stream_emit_drain(&s->stream);
    }
}

static bool is_retryable(uint32_t reason)
{
    return reason == APF_RESOURCE_SHORTAGE || reason == APF_CONNECT_FAILED; /* APF-MPS-051 */
}

static void refused(struct channel_stream *s, uint32_t reason)
{
    char text[STREAM_TEXT_BYTES];
    if (is_retryable(reason) && loop_now_us(s->loop) + RETRY_US < s->deadline_us) {
        wait_for_slot(s);
        return;
    }
    const char *name = apf_open_failure_name(reason);
    (void)snprintf(text, sizeof text, "the device refuses port %u: %s (reason %u)", s->port,
                   name == NULL ? "unknown reason" : name, reason);
    set_end(s, STREAM_END_REFUSED, text);
}

void channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end, uint32_t reason)
{
    struct connection *c = ctx;
    struct channel_stream *s = apf_channel_ctx(channel);
    if (s != NULL) {
        s->channel = NULL;
        switch (end) {
        case APF_CHANNEL_END_CLOSED:
            set_end(s, s->is_open ? STREAM_END_FIN : STREAM_END_REFUSED,
                    s->is_open ? "the device closed the channel"
                               : "the device closed the channel before it was open");
            break;
        case APF_CHANNEL_END_REFUSED:
            refused(s, reason);
            break;
        case APF_CHANNEL_END_TIMEOUT:
            set_end(s, STREAM_END_TIMEOUT, "the device did not answer CHANNEL_OPEN in time");
            break;
        case APF_CHANNEL_END_SESSION:
            set_end(s, STREAM_END_RESET, "the device's session has ended");
            break;
        }
    }
    /* A slot is free: whoever waits tries again in the next turn. */
    if (end != APF_CHANNEL_END_SESSION && end != APF_CHANNEL_END_REFUSED) {
        for (struct channel_stream *other = c->streams; other != NULL; other = other->next) {
            if (other->is_waiting) {
                c->retry_at_us = loop_now_us(c->mps->loop);
            }
        }
    }
}

static struct channel_stream *channel_of(struct stream *s)
{
    return (struct channel_stream *)s;
}

static enum amt_err channel_write(struct stream *base, const void *out, uint32_t len)
{
    struct channel_stream *s = channel_of(base);
    if (s->has_ended || s->has_shut_down) {
        return AMT_ECLOSED;
    }
    if (s->channel == NULL) {
        s->early.max = EARLY_MAX_BYTES;
        return bytes_append(&s->early, out, len);
    }
    return apf_channel_write(s->channel, out, len);
}

static uint32_t channel_queued(const struct stream *base)
{
    const struct channel_stream *s = (const struct channel_stream *)base;
    return s->early.len + (s->channel == NULL ? 0 : apf_channel_queued_bytes(s->channel));
}

static void channel_set_limit(struct stream *base, uint32_t bytes)
{
    (void)base;
    (void)bytes; /* the limit is config key channel_queue */
}

static void channel_pause(struct stream *base)
{
    channel_of(base)->is_paused = true;
}

static void channel_resume(struct stream *base)
{
    struct channel_stream *s = channel_of(base);
    s->is_paused = false;
    loop_task_post(&s->task);
}

/* APF has no half-close (apf.md 5.5): only our own writing ends. */
static void channel_shutdown(struct stream *base)
{
    channel_of(base)->has_shut_down = true;
}

static void channel_close(struct stream *base)
{
    struct channel_stream *s = channel_of(base);
    struct apf_channel *channel = s->channel;
    loop_task_cancel(&s->task);
    unlink_stream(s);
    bytes_fini(&s->early);
    bytes_fini(&s->kept);
    if (channel != NULL) {
        apf_channel_set_ctx(channel, NULL);
        apf_channel_close(channel, loop_now_us(s->loop));
    }
    amt_free(s);
}

static void channel_peer_name(const struct stream *base, char out[static STREAM_NAME_BYTES])
{
    (void)snprintf(out, STREAM_NAME_BYTES, "%s", ((const struct channel_stream *)base)->peer);
}

static void channel_local_name(const struct stream *base, char out[static STREAM_NAME_BYTES])
{
    (void)base;
    (void)snprintf(out, STREAM_NAME_BYTES, "mps");
}

static const struct stream_class k_class = {
    .write = channel_write,
    .queued_bytes = channel_queued,
    .set_write_limit = channel_set_limit,
    .pause = channel_pause,
    .resume = channel_resume,
    .shutdown = channel_shutdown,
    .close = channel_close,
    .reset = channel_close,
    .peer_name = channel_peer_name,
    .local_name = channel_local_name,
};

struct stream *mps_open_channel(struct mps *mps, const struct uuid *uuid, uint32_t port,
                                const struct stream_handler *handler, void *ctx)
{
    struct channel_stream *s = amt_alloc(sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid, text);
    (void)snprintf(s->peer, sizeof s->peer, "%s:%u", text, port);
    stream_init(&s->stream, &k_class);
    stream_set_handler(&s->stream, handler, ctx);
    s->loop = mps->loop;
    s->port = port;
    s->deadline_us = loop_now_us(mps->loop) + mps->config->open_limit_us;
    loop_task_init(&s->task, mps->loop, on_task, s);
    struct connection *c = mps_find_connection(mps, uuid);
    if (c == NULL || c->is_dying) {
        set_end(s, STREAM_END_REFUSED, "the device is not online");
        return &s->stream;
    }
    link_stream(s, c);
    try_open(s);
    return &s->stream;
}
