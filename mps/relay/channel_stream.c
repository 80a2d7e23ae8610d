/*
 * A device's channel for an operator. A device that is short of slots makes the open wait and try
 * again (FF-061), within open_limit.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/mps_internal.h"
#include "runtime/apf_stream.h"

#define RETRY_US 250000u

struct channel_stream {
    struct apf_stream apf;
    struct connection *connection; /* NULL once the session has ended */
    struct channel_stream *next;
    uint32_t port;
    uint64_t deadline_us; /* for getting a slot */
    bool is_waiting;
};

static void unlink_stream(struct channel_stream *s)
{
    struct connection *c = s->connection;
    if (c == NULL) {
        return;
    }
    struct channel_stream **at = &c->streams;
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    c->mps->statistics.channels_open -= 1;
    s->connection = NULL;
}

static void link_stream(struct channel_stream *s, struct connection *c)
{
    struct channel_stream **at = &c->streams;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = s;
    s->connection = c;
    c->mps->statistics.channels_open += 1;
}

/* Every stream ends here, whatever became of its channel (APF-MPS-056). */
static void on_release(struct apf_stream *apf)
{
    struct channel_stream *s = (struct channel_stream *)apf;
    if (s->connection != NULL) {
        connection_look_again(s->connection); /* the channel's CLOSE has a time limit */
    }
    unlink_stream(s);
    amt_free(s);
}

static void wait_for_slot(struct channel_stream *s)
{
    struct connection *c = s->connection;
    uint64_t at_us = loop_now_us(s->apf.loop) + RETRY_US;
    s->is_waiting = true;
    if (at_us < c->retry_at_us) {
        c->retry_at_us = at_us;
    }
    connection_set_timer(c);
}

static void try_open(struct channel_stream *s)
{
    struct connection *c = s->connection;
    uint64_t now_us = loop_now_us(s->apf.loop);
    char text[STREAM_TEXT_BYTES];
    struct apf_channel *channel = NULL;
    s->is_waiting = false;
    enum amt_err err = apf_mps_session_open(c->session, s->port, now_us, &channel);
    if (err == AMT_OK) {
        apf_stream_attach(&s->apf, channel); /* what was written waits there (APF-MPS-045) */
        connection_set_timer(c);
    } else if (err == AMT_ELIMIT && now_us < s->deadline_us) {
        wait_for_slot(s);
    } else if (err == AMT_EUNKNOWN) {
        (void)snprintf(text, sizeof text, "the device does not forward port %u (APF-MPS-044)",
                       s->port);
        apf_stream_end(&s->apf, STREAM_END_REFUSED, text);
    } else {
        (void)snprintf(text, sizeof text, "no channel can be opened now: %s", amt_err_text(err));
        apf_stream_end(&s->apf, STREAM_END_REFUSED, text);
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
        if (loop_now_us(s->apf.loop) >= s->deadline_us) {
            s->is_waiting = false;
            apf_stream_end(&s->apf, STREAM_END_TIMEOUT,
                           "the device had no free channel within open_limit");
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
        apf_stream_detach(&s->apf);
        s->is_waiting = false;
        apf_stream_end(&s->apf, STREAM_END_RESET, why);
    }
}

void channel_opened(void *ctx, struct apf_channel *channel)
{
    struct connection *c = ctx;
    struct channel_stream *s = apf_channel_ctx(channel);
    if (s == NULL) {
        return;
    }
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&c->uuid, uuid);
    LOG(c->mps->log, LOG_DEBUG, "channel.opened", log_text("uuid", uuid), log_u64("port", s->port),
        log_u64("channel", apf_channel_local_number(channel)),
        log_u64("device_channel", apf_channel_remote_number(channel)));
    apf_stream_opened(&s->apf);
}

/* A lenient session does not hold the device to its window: what a slow operator has not read has a
 * limit all the same. */
static bool is_overrun(const struct connection *c, const struct channel_stream *s, uint32_t len)
{
    const struct mps_config *config = c->mps->config;
    uint32_t max =
        config->queue_bytes > config->window_bytes ? config->queue_bytes : config->window_bytes;
    return s->apf.kept.len > 0 && (len > max || s->apf.kept.len > max - len);
}

void channel_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct connection *c = ctx;
    struct channel_stream *s = apf_channel_ctx(channel);
    if (s == NULL) {
        return;
    }
    if (is_overrun(c, s, len)) {
        apf_channel_set_ctx(channel, NULL);
        apf_stream_detach(&s->apf);
        apf_stream_end(&s->apf, STREAM_END_LOCAL,
                       "the device sent far more than its window while nobody read");
        apf_channel_close(channel, loop_now_us(c->mps->loop));
        return;
    }
    apf_stream_data(&s->apf, in, len);
}

void channel_drain(void *ctx, struct apf_channel *channel)
{
    struct channel_stream *s = apf_channel_ctx(channel);
    (void)ctx;
    if (s != NULL) {
        apf_stream_drain(&s->apf);
    }
}

static void refused(struct channel_stream *s, uint32_t reason)
{
    char text[STREAM_TEXT_BYTES];
    /* APF-MPS-051: these two pass by themselves. */
    bool is_passing = reason == APF_RESOURCE_SHORTAGE || reason == APF_CONNECT_FAILED;
    if (is_passing && loop_now_us(s->apf.loop) + RETRY_US < s->deadline_us) {
        wait_for_slot(s);
        return;
    }
    const char *name = apf_open_failure_name(reason);
    (void)snprintf(text, sizeof text, "the device refuses port %u: %s (reason %u)", s->port,
                   name == NULL ? "unknown reason" : name, reason);
    apf_stream_end(&s->apf, STREAM_END_REFUSED, text);
}

static void tell_end(struct channel_stream *s, enum apf_channel_end end, uint32_t reason)
{
    apf_stream_detach(&s->apf);
    switch (end) {
    case APF_CHANNEL_END_CLOSED:
        apf_stream_end(&s->apf, s->apf.is_open ? STREAM_END_FIN : STREAM_END_REFUSED,
                       s->apf.is_open ? "the device closed the channel"
                                      : "the device closed the channel before it was open");
        break;
    case APF_CHANNEL_END_REFUSED:
        refused(s, reason);
        break;
    case APF_CHANNEL_END_TIMEOUT:
        apf_stream_end(&s->apf, STREAM_END_TIMEOUT,
                       "the device did not answer CHANNEL_OPEN in time");
        break;
    case APF_CHANNEL_END_SESSION:
        apf_stream_end(&s->apf, STREAM_END_RESET, "the device's session has ended");
        break;
    }
}

static void log_channel_end(const struct connection *c, const struct apf_channel *channel,
                            enum apf_channel_end end, uint32_t reason)
{
    static const char *const k_ends[] = { [APF_CHANNEL_END_CLOSED] = "closed",
                                          [APF_CHANNEL_END_REFUSED] = "refused",
                                          [APF_CHANNEL_END_TIMEOUT] = "timeout",
                                          [APF_CHANNEL_END_SESSION] = "session" };
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&c->uuid, uuid);
    LOG(c->mps->log, LOG_DEBUG, "channel.ended", log_text("uuid", uuid),
        log_u64("port", apf_channel_port(channel)),
        log_u64("channel", apf_channel_local_number(channel)), log_text("end", k_ends[end]),
        log_u64("reason", reason));
}

void channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end, uint32_t reason)
{
    struct connection *c = ctx;
    struct channel_stream *s = apf_channel_ctx(channel);
    log_channel_end(c, channel, end, reason);
    if (s != NULL) {
        tell_end(s, end, reason);
    }
    /* A slot is free: whoever waits tries again as soon as this message is dealt with. */
    bool frees_slot = end == APF_CHANNEL_END_CLOSED || end == APF_CHANNEL_END_TIMEOUT;
    for (struct channel_stream *w = c->streams; frees_slot && w != NULL; w = w->next) {
        if (w->is_waiting) {
            c->retry_at_us = loop_now_us(c->mps->loop);
        }
    }
}

struct stream *mps_open_channel(struct mps *mps, const struct uuid *uuid, uint32_t port,
                                const struct stream_handler *handler, void *ctx)
{
    struct channel_stream *s = amt_alloc(sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    char peer[STREAM_NAME_BYTES];
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid, text);
    (void)snprintf(peer, sizeof peer, "%s:%u", text, port);
    apf_stream_init(&s->apf, mps->loop, peer, on_release);
    stream_set_handler(&s->apf.stream, handler, ctx);
    s->port = port;
    s->deadline_us = loop_now_us(mps->loop) + mps->config->open_limit_us;
    struct connection *c = mps_find_connection(mps, uuid);
    if (c == NULL || c->is_dying) {
        apf_stream_end(&s->apf, STREAM_END_REFUSED, "the device is not online");
        return &s->apf.stream;
    }
    link_stream(s, c);
    try_open(s);
    return &s->apf.stream;
}
