/* One attempt to call home: TCP, TLS with the checks of firmware, then the APF session. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "simulator/device_internal.h"

static uint64_t now_of(const struct tunnel *t)
{
    return loop_now_us(t->device->loop);
}

/* The tunnel is over: freed at the end of the turn, and the schedule goes on. */
static void finish(struct tunnel *t, bool is_cut)
{
    struct device *device = t->device;
    if (t->is_ended) {
        return;
    }
    t->is_ended = true;
    timer_stop(&t->timer);
    proxy_forget(t);
    loop_task_cancel(&t->settle);
    if (t->coalesced.len > 0 && t->stream != NULL && !is_cut) {
        enum amt_err err = stream_write(t->stream, bytes_front(&t->coalesced), t->coalesced.len);
        is_cut = err != AMT_OK;
    }
    if (is_cut) {
        stream_reset(t->stream);
    } else {
        stream_close(t->stream);
    }
    t->stream = NULL;
    device->tunnel = NULL;
    t->next = device->ended; /* a cable pulled, plugged and pulled again in one turn makes two */
    device->ended = t;
    loop_task_post(&device->reap);
    calls_tunnel_changed(device, false);
    schedule_next(device, t->was_up);
}

void tunnels_reap(void *ctx)
{
    struct device *device = ctx;
    while (device->ended != NULL) {
        struct tunnel *t = device->ended;
        device->ended = t->next;
        apf_device_session_free(t->session);
        bytes_fini(&t->coalesced);
        amt_free(t);
    }
}

/* apf.md 4.6: how messages are cut into writes, and so into TLS records. */
static enum amt_err write_message(struct tunnel *t, const uint8_t *out, uint32_t len)
{
    enum amt_err err = AMT_OK;
    switch ((enum device_send_mode)t->device->config->cira.send_mode) {
    case DEVICE_SEND_ALIGNED:
        return stream_write(t->stream, out, len);
    case DEVICE_SEND_COALESCED:
        return bytes_append(&t->coalesced, out, len);
    case DEVICE_SEND_DRIBBLE:
        for (uint32_t i = 0; i < len && err == AMT_OK; i++) {
            err = stream_write(t->stream, out + i, 1);
        }
        return err;
    }
    return AMT_EBUG;
}

/* APF has no resynchronisation: after a message that did not go out whole the tunnel is lost. After
 * AMT_ECLOSED the stream's own end tells the story. */
static void judge_write(struct tunnel *t, enum amt_err err)
{
    if (err == AMT_OK || err == AMT_ECLOSED || t->has_lost) {
        return;
    }
    t->has_lost = true;
    LOG(t->device->log, LOG_WARN, "cira.send_failed", log_text("uuid", t->device->uuid_text),
        log_text("reason", amt_err_text(err)),
        log_u64("queued_bytes", stream_queued_bytes(t->stream)));
}

static void note_refusal(const struct tunnel *t, const uint8_t *out, uint32_t len)
{
    const struct apf_context context = { .direction = APF_DEV_TO_MPS };
    struct apf_message message;
    uint32_t count = 0;
    if (apf_decode(out, len, &context, &message, &count) == APF_OK) {
        LOG(t->device->log, LOG_DEBUG, "channel.refused", log_text("uuid", t->device->uuid_text),
            log_u64("channel", message.recipient_channel), log_u64("reason", message.reason),
            log_text("text", apf_open_failure_name(message.reason)));
    }
}

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct tunnel *t = ctx;
    if (t->stream == NULL || t->has_lost) {
        return;
    }
    judge_write(t, write_message(t, out, len));
    if (out[0] == APF_KEEPALIVE_REQUEST) {
        t->device->statistics.keepalives_out += 1;
        t->device->connection_log.last_keepalive_us = loop_wall_us(t->device->loop);
    } else if (out[0] == APF_CHANNEL_OPEN_FAILURE) {
        note_refusal(t, out, len); /* the only place that sees all refusals: port, slot, service */
    }
    loop_task_post(&t->settle);
}

/* Services send outside of input and timers too: what they sent goes out now, and it may have set a
 * deadline (CLOSE: APF-DEV-037). */
static void on_settle(void *ctx)
{
    struct tunnel *t = ctx;
    struct bytes out = t->coalesced;
    t->coalesced = (struct bytes){ .max = 0 };
    if (t->stream != NULL && out.len > 0) {
        judge_write(t, stream_write(t->stream, bytes_front(&out), out.len));
    }
    bytes_fini(&out);
    if (t->has_lost) {
        t->is_cut_by_us = true;
        connection_log_failure(t->device, "the MPS does not read: the send queue is full", -1);
        apf_device_session_transport_ended(t->session, now_of(t));
    } else {
        tunnel_set_timer(t);
    }
}

static void on_authenticated(void *ctx)
{
    struct tunnel *t = ctx;
    LOG(t->device->log, LOG_DEBUG, "cira.authenticated", log_text("uuid", t->device->uuid_text));
}

static void on_forward(void *ctx, uint32_t port, bool granted)
{
    struct tunnel *t = ctx;
    LOG(t->device->log, granted ? LOG_DEBUG : LOG_WARN, "cira.forward",
        log_text("uuid", t->device->uuid_text), log_u64("port", port),
        log_bool("granted", granted));
}

static void on_up(void *ctx)
{
    struct tunnel *t = ctx;
    struct device *device = t->device;
    char tls[64];
    uint32_t ports[APF_FORWARDS_MAX];
    for (uint32_t i = 0; i < device->forward_count; i++) {
        ports[i] = device->forwards[i].port;
    }
    uint32_t keepalive_s =
        (uint32_t)(apf_device_session_keepalive_interval_us(t->session) / US_PER_SECOND);
    device->state = DEVICE_UP;
    t->was_up = true;
    device->attempts_since_up = 0;
    device->statistics.cira_connects += 1;
    tls_describe(t->stream, tls, sizeof tls);
    connection_log_up(device, keepalive_s);
    calls_tunnel_changed(device, true);
    calls_keepalive_changed(device, keepalive_s);
    LOG(device->log, LOG_INFO, "cira.up", log_text("uuid", device->uuid_text),
        log_text("server", device->connection_log.server),
        log_list("ports", ports, device->forward_count), log_text("tls", tls));
}

static void on_keepalive_reply(void *ctx, bool cookie_matches)
{
    struct tunnel *t = ctx;
    t->device->statistics.keepalive_replies_in += 1;
    t->device->statistics.cookie_mismatches += cookie_matches ? 0 : 1;
}

static void on_keepalive_options(void *ctx, uint32_t interval_s, uint32_t timeout_s)
{
    struct tunnel *t = ctx;
    t->device->connection_log.keepalive_interval_s =
        (uint32_t)(apf_device_session_keepalive_interval_us(t->session) / US_PER_SECOND);
    calls_keepalive_changed(t->device, t->device->connection_log.keepalive_interval_s);
    LOG(t->device->log, LOG_DEBUG, "cira.keepalive_options", log_text("uuid", t->device->uuid_text),
        log_u64("interval_s", interval_s), log_u64("timeout_s", timeout_s));
}

static void add_mux_numbers(struct device_statistics *all, const struct apf_mux *mux)
{
    const struct apf_mux_statistics *own = apf_mux_statistics(mux);
    all->window_overruns += own->window_overruns;
    all->data_in_bytes += own->data_in_bytes;
    all->data_out_bytes += own->data_out_bytes;
    all->stray_closes += own->stray_closes;
    all->unknown_channel += own->unknown_channel;
    all->channels_accepted += own->opened;
    all->channels_refused += own->refused;
}

const struct device_statistics *device_statistics(struct device *device)
{
    device->answer = device->statistics;
    if (device->tunnel != NULL && device->tunnel->session != NULL) {
        const struct apf_mux *mux = apf_device_session_mux(device->tunnel->session);
        if (mux != NULL) {
            add_mux_numbers(&device->answer, mux);
            device->answer.slots_used = apf_mux_channel_count(mux);
        }
    }
    return &device->answer;
}

/* An attempt that did not become a tunnel. */
static void log_failure(struct device *device, const char *reason)
{
    device->statistics.cira_failures += 1;
    LOG(device->log, LOG_WARN, "cira.failed", log_text("uuid", device->uuid_text),
        log_text("reason", reason), log_text("text", device->connection_log.failure),
        log_i64("tls_alert", device->connection_log.tls_alert));
}

static void log_no_memory(struct device *device)
{
    connection_log_failure(device, "out of memory", -1);
    log_failure(device, stream_end_name(STREAM_END_LOCAL));
}

static void on_session_end(void *ctx, const struct apf_end *end)
{
    struct tunnel *t = ctx;
    struct device *device = t->device;
    bool was_up = device->state == DEVICE_UP;
    const struct apf_mux *mux = apf_device_session_mux(t->session);
    if (mux != NULL) {
        add_mux_numbers(&device->statistics, mux);
    }
    connection_log_close(device, end, t->is_cut_by_us);
    if (!was_up && end->kind != APF_END_LOCAL) { /* who hangs up himself has not failed */
        if (device->connection_log.failure[0] == '\0') {
            connection_log_failure(device, end->text, -1);
        }
        log_failure(device, apf_session_end_name(end->kind));
    } else if (end->kind == APF_END_TIMEOUT && end->code == APF_CONNECTION_LOST) {
        LOG(device->log, LOG_WARN, "keepalive.missed", log_text("uuid", device->uuid_text),
            log_u64("limit_us", t->apf.keepalive_reply_limit_us));
    }
    LOG(device->log, LOG_INFO, "cira.closed", log_text("uuid", device->uuid_text),
        log_text("reason", apf_session_end_name(end->kind)),
        log_text("closed_by", device->connection_log.closed_by_mps ? "mps" : "device"),
        log_i64("closure_reason", device->connection_log.closure_reason),
        log_u64("code", end->code), log_text("text", end->text),
        log_text("requirement", end->requirement));
    finish(t, t->has_lost);
}

static void on_open_request(void *ctx, struct apf_channel *channel, uint32_t port)
{
    service_request(((struct tunnel *)ctx)->device, channel, port);
}

static const struct apf_device_handler k_session = {
    .mux = { .send = on_send,
             .on_open_request = on_open_request,
             .on_opened = device_channel_opened,
             .on_data = device_channel_data,
             .on_drain = device_channel_drain,
             .on_channel_end = device_channel_end },
    .on_authenticated = on_authenticated,
    .on_forward = on_forward,
    .on_up = on_up,
    .on_keepalive_reply = on_keepalive_reply,
    .on_keepalive_options = on_keepalive_options,
    .on_end = on_session_end,
};

void tunnel_set_timer(struct tunnel *t)
{
    if (t->is_ended || t->session == NULL) {
        return;
    }
    uint64_t deadline_us = apf_device_session_next_deadline_us(t->session);
    /* Early is fine: on_timer looks again. */
    if (!timer_is_running(&t->timer) || t->timer.deadline_us > deadline_us) {
        timer_start_at(&t->timer, deadline_us);
    }
}

/* Who takes the connection and never answers TLS has not connected (FF-006). */
static void give_up_tls(struct tunnel *t)
{
    char text[80], limit[24];
    text_format_duration(t->device->config->cira.connect_limit_us, limit);
    (void)snprintf(text, sizeof text, "the TLS handshake was not over within %s", limit);
    connection_log_failure(t->device, text, -1);
    log_failure(t->device, stream_end_name(STREAM_END_TIMEOUT));
    finish(t, true);
}

static void on_timer(void *ctx)
{
    struct tunnel *t = ctx;
    if (t->session == NULL) {
        give_up_tls(t);
        return;
    }
    apf_device_session_tick(t->session, now_of(t));
    tunnel_set_timer(t);
}

static void fill_apf_config(struct tunnel *t)
{
    struct device *device = t->device;
    const struct device_config *config = device->config;
    t->apf = (struct apf_device_config){
        .mux = { .sends = APF_DEV_TO_MPS,
                 .strict = !config->cira.lenient,
                 .window_bytes = config->cira.window_bytes,
                 .chunk_bytes = config->cira.chunk_bytes,
                 .max_channels = config->cira.slots,
                 .first_number = config->cira.first_number,
                 .reuse_lowest = true,
                 .credit = (enum apf_credit_policy)config->cira.credit,
                 .open_limit_us = 10u * (uint64_t)US_PER_SECOND,  /* APF-DEV-048 */
                 .close_limit_us = 10u * (uint64_t)US_PER_SECOND, /* APF-DEV-037 */
                 .queue_max_bytes = 1048576,
                 .unknown_channel_max = 0,
                 .ignore_stray_close = config->cira.ignore_stray_close },
        .lenient = config->cira.lenient,
        .service_request_first = config->cira.service_request_first,
        .pipelined_forwards = config->cira.pipelined_forwards,
        .mutual_tls = device->is_mutual,
        .answers_keepalive_options = config->cira.keepalive_answers,
        .accepts_keepalive_options = config->cira.keepalive_negotiable,
        .uuid = device->uuid,
        .trigger = device->trigger,
        .user = (const uint8_t *)device->user,
        .user_len = (uint32_t)strlen(device->user),
        .password = device->password.bytes,
        .password_len = device->password.len,
        .forwards = device->forwards,
        .forward_count = device->forward_count,
        .want_reply = 1,
        .progress_limit_us = 30u * (uint64_t)US_PER_SECOND, /* APF-DEV-043 */
        .keepalive_interval_us = config->cira.keepalive_us,
        .keepalive_reply_limit_us = config->cira.keepalive_reply_limit_us,
        .lifetime_us = device->lifetime_us,
    };
}

static void on_open(void *ctx)
{
    struct tunnel *t = ctx;
    char tls[64];
    t->device->state = DEVICE_HANDSHAKE;
    tls_describe(t->stream, tls, sizeof tls);
    LOG(t->device->log, LOG_DEBUG, "cira.connected", log_text("uuid", t->device->uuid_text),
        log_text("server", t->device->connection_log.server), log_text("tls", tls),
        log_bool("mutual_tls", t->device->is_mutual));
    fill_apf_config(t);
    t->session = apf_device_session_new(&t->apf, &k_session, t, now_of(t));
    if (t->session == NULL) {
        log_no_memory(t->device);
        finish(t, true);
        return;
    }
    tunnel_set_timer(t);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct tunnel *t = ctx;
    apf_device_session_input(t->session, in, len, now_of(t));
    tunnel_set_timer(t);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct tunnel *t = ctx;
    struct device *device = t->device;
    if (t->session != NULL) {
        if (end->kind == STREAM_END_TLS) {
            connection_log_failure(device, end->text, end->tls_alert);
        }
        apf_device_session_transport_ended(t->session, now_of(t));
        return;
    }
    connection_log_failure(device, end->text, end->tls_alert);
    log_failure(device, stream_end_name(end->kind));
    finish(t, true);
}

void tunnel_stream_ended(struct tunnel *t, const struct stream_end *end)
{
    on_end(t, end);
}

static const struct stream_handler k_stream = { .on_open = on_open,
                                                .on_data = on_data,
                                                .on_end = on_end };

static struct stream *wrap(struct device *device, enum stream_layer layer, struct stream *s)
{
    const struct stream_wrap *hook = &device->config->wrap;
    return hook->wrap == NULL ? s : hook->wrap(hook->ctx, layer, s);
}

struct stream *tunnel_secure(struct tunnel *t, struct stream *s)
{
    struct device *device = t->device;
    const struct device_config *config = device->config;
    if (device->tls != NULL) {
        /* apf.md 6.3: the name is AccessInfo, or the CN given for an IP address. */
        struct tls_name_check check = {
            .name = config->cira.verify ? device->expected_name : NULL,
            .or_san = config->tls.accepts_san,
            .sni = config->tls.sends_sni ? device->expected_name : NULL,
        };
        s = tls_connect(device->loop, device->tls, &check, s, NULL, NULL);
        if (s == NULL) {
            return NULL;
        }
    }
    s = capture_stream(device->capture, true, wrap(device, STREAM_LAYER_APF, s));
    stream_set_handler(s, &k_stream, t);
    return s;
}

void tunnel_opened(struct tunnel *t)
{
    on_open(t);
}

static struct stream *connect_stream(struct tunnel *t)
{
    struct device *device = t->device;
    bool has_proxy = device->proxy.port != 0;
    struct stream *s = net_connect(device->loop, has_proxy ? &device->proxy : &device->server,
                                   device->config->cira.connect_limit_us, NULL, NULL);
    if (s == NULL) {
        return NULL;
    }
    s = wrap(device, STREAM_LAYER_TCP, s);
    if (has_proxy) {
        proxy_ask(t, s);
        return s;
    }
    return tunnel_secure(t, s);
}

void tunnel_start(struct device *device)
{
    struct tunnel *t = amt_alloc(sizeof *t);
    device->state = DEVICE_CONNECTING;
    device->statistics.cira_attempts += 1;
    connection_log_open(device);
    LOG(device->log, LOG_INFO, "cira.connecting", log_text("uuid", device->uuid_text),
        log_text("server", device->connection_log.server), log_u64("trigger", device->trigger));
    if (t == NULL) {
        log_no_memory(device);
        schedule_next(device, false);
        return;
    }
    t->device = device;
    timer_init(&t->timer, device->loop, on_timer, t);
    loop_task_init(&t->settle, device->loop, on_settle, t);
    proxy_init(t);
    device->tunnel = t;
    t->stream = connect_stream(t);
    if (t->stream == NULL) {
        log_no_memory(device);
        finish(t, true);
        return;
    }
    /* The connection itself has a limit of its own; so long again for what follows. */
    timer_start(&t->timer, 2 * device->config->cira.connect_limit_us);
}

void tunnel_refuse(struct device *device, const char *text)
{
    device->statistics.cira_attempts += 1;
    connection_log_open(device);
    connection_log_failure(device, text, -1);
    log_failure(device, stream_end_name(STREAM_END_LOCAL));
    calls_tunnel_changed(device, false);
    schedule_next(device, false);
}

void tunnel_vanish(struct device *device)
{
    struct tunnel *t = device->tunnel;
    if (t == NULL) {
        return;
    }
    /* The socket stays open and silent, as after a pulled cable: only the peer's limits end it. */
    stream_reset(device->orphan);
    device->orphan = t->stream;
    stream_set_handler(device->orphan, NULL, NULL);
    stream_pause(device->orphan);
    t->stream = NULL;
    t->is_cut_by_us = true;
    LOG(device->log, LOG_INFO, "cira.vanished", log_text("uuid", device->uuid_text));
    if (t->session != NULL) {
        apf_device_session_transport_ended(t->session, now_of(t));
    } else {
        finish(t, true);
    }
}

void tunnel_cut(struct device *device)
{
    struct tunnel *t = device->tunnel;
    if (t != NULL && t->session != NULL) {
        t->is_cut_by_us = true;
        apf_device_session_transport_ended(t->session, now_of(t));
    } else if (t != NULL) {
        finish(t, true);
    }
}
