/*
 * Who answers on a channel: the firmware; or, for tests of servers, an echo, or a small HTTP service
 * that shows what it was asked; or nobody, in the ways a device fails.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/http.h"
#include "simulator/chunk_end.h"
#include "simulator/device_internal.h"

/* A channel that has a stream, or waits for its service. */
struct device_channel {
    struct apf_stream apf;
    struct device *device;
    uint32_t port;
    struct timer delay;
    struct chunk_end chunk_end;
    bool wants_whole_end; /* of chunked bodies (APF-DEV-035) */
    bool is_ours;         /* direct-tcpip: an event on its way (APF-DEV-048) */
};

struct echo {
    struct stream *stream;
    bool closes_first;
};

static void echo_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct echo *echo = ctx;
    bool is_written = stream_write(echo->stream, in, len) == AMT_OK;
    if (!is_written || echo->closes_first) { /* an echo with a hole in it would be a lie */
        stream_close(echo->stream);
        amt_free(echo);
    } else if (stream_queued_bytes(echo->stream) > 65536) {
        stream_pause(echo->stream); /* the reader is slow: let the window close */
    }
}

static void echo_drain(void *ctx)
{
    stream_resume(((struct echo *)ctx)->stream);
}

static void echo_end(void *ctx, const struct stream_end *end)
{
    struct echo *echo = ctx;
    (void)end;
    stream_close(echo->stream);
    amt_free(echo);
}

static const struct stream_handler k_echo = { .on_data = echo_data,
                                              .on_drain = echo_drain,
                                              .on_end = echo_end };

static void silent_data(void *ctx, const uint8_t *in, uint32_t len)
{
    (void)ctx;
    (void)in;
    (void)len;
}

static const struct stream_handler k_silent = { .on_data = silent_data, .on_end = echo_end };

static void start_stream_service(struct stream *s, const struct stream_handler *handler,
                                 bool closes_first)
{
    struct echo *echo = amt_alloc(sizeof *echo);
    if (echo == NULL) {
        stream_close(s);
        return;
    }
    echo->stream = s;
    echo->closes_first = closes_first;
    stream_set_handler(s, handler, echo);
}

/* HTTP: GET shows who the device is, POST gives the body back. */

struct web {
    struct http_server_connection *http;
    char uuid[UUID_TEXT_BYTES];
    bool closes_first;
};

static void web_request(void *ctx, struct http_server_connection *http,
                        const struct http_request *request)
{
    struct web *web = ctx;
    struct text page = { 0 };
    if (web->closes_first) {
        http_close_after_response(http);
    }
    if (strcmp(request->method, "POST") == 0) {
        http_respond(http, 200, "application/octet-stream", "Server: amtlab device\r\n",
                     request->body, request->body_len);
        return;
    }
    text_printf(&page, "<!DOCTYPE html><html><body>simulated device %s<br />%s ", web->uuid,
                request->method);
    text_xml(&page, request->target, strlen(request->target));
    text_puts(&page, "</body></html>");
    http_respond(http, 200, "text/html", "Server: amtlab device\r\n", text_chars(&page),
                 (uint32_t)page.len);
    text_fini(&page);
}

static void web_end(void *ctx)
{
    amt_free(ctx);
}

static void start_web(struct device *device, struct stream *s)
{
    struct web *web = amt_alloc(sizeof *web);
    if (web == NULL) {
        stream_close(s);
        return;
    }
    web->closes_first = device->config->service.closes_first;
    memcpy(web->uuid, device->uuid_text, sizeof web->uuid);
    if (http_serve(device->loop, s, NULL, web_request, web_end, web, NULL, 0) == NULL) {
        amt_free(web);
    }
}

static const struct own_service *find_own(const struct device *device, uint32_t port)
{
    for (uint32_t i = 0; i < device->service_count; i++) {
        if (device->services[i].port == port) {
            return &device->services[i];
        }
    }
    return NULL;
}

/* The small web service is for the ports where AMT has one. */
static enum device_service kind_for(const struct device *device, uint32_t port)
{
    enum device_service kind = (enum device_service)device->config->service.kind;
    bool is_web = port == 16992 || port == 623;
    return kind == DEVICE_SERVICE_HTTP && !is_web ? DEVICE_SERVICE_ECHO : kind;
}

static bool is_firmware_port(const struct device *device, uint32_t port)
{
    return device->config->service.kind == DEVICE_SERVICE_AUTO && (port == 16992 || port == 16993);
}

static void start_firmware(struct device *device, uint32_t port, struct stream *s)
{
    if (port == 16993) {
        firmware_serve_tls(device->firmware, s, FIRMWARE_CIRA);
    } else {
        firmware_serve(device->firmware, s, FIRMWARE_CIRA);
    }
}

/* Whether somebody would answer on the port now (APF-DEV-026). */
static bool is_served(struct device *device, uint32_t port)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (find_own(device, port) != NULL) {
        return true;
    }
    if (!is_firmware_port(device, port)) {
        return device->config->service.kind != DEVICE_SERVICE_REFUSE;
    }
    if (device_firmware(device, &diag) == NULL) {
        LOG(device->log, LOG_ERROR, "device.no_firmware", log_text("uuid", device->uuid_text),
            log_text("reason", diag.text));
        return false;
    }
    return firmware_port_is_open(device->firmware, port, FIRMWARE_CIRA);
}

static void attach_service(struct device_channel *c)
{
    struct device *device = c->device;
    const struct own_service *own = find_own(device, c->port);
    struct stream *s = &c->apf.stream;
    if (own != NULL) {
        own->on_stream(own->ctx, s);
        return;
    }
    if (is_firmware_port(device, c->port)) {
        /* Behind TLS the end of a chunk cannot be seen here. */
        c->wants_whole_end =
            c->port == 16992 && device->config->service.chunk_parser == DEVICE_CHUNK_STRICT;
        start_firmware(device, c->port, s);
        return;
    }
    switch (kind_for(device, c->port)) {
    case DEVICE_SERVICE_HTTP:
        c->wants_whole_end = device->config->service.chunk_parser == DEVICE_CHUNK_STRICT;
        start_web(device, s);
        break;
    case DEVICE_SERVICE_SILENT:
        start_stream_service(s, &k_silent, false);
        break;
    case DEVICE_SERVICE_AUTO:
    case DEVICE_SERVICE_ECHO:
    case DEVICE_SERVICE_REFUSE:
        start_stream_service(s, &k_echo, device->config->service.closes_first);
        break;
    }
}

static void log_channel(const struct device *device, const char *event,
                        const struct apf_channel *channel)
{
    LOG(device->log, LOG_DEBUG, event, log_text("uuid", device->uuid_text),
        log_u64("port", apf_channel_port(channel)),
        log_u64("slot", apf_channel_local_number(channel)));
}

/* The stream of a channel; NULL after its reader closed it, and for one that device_open_direct made. */
static struct apf_stream *stream_of(const struct tunnel *t, const struct apf_channel *channel)
{
    void *ctx = apf_channel_ctx(channel);
    return ctx == &t->device->direct_mark ? NULL : ctx;
}

/* The service is there before the MPS is told (apf.md 5.2, APF-DEV-023). */
static void accept_channel(struct device_channel *c)
{
    struct apf_channel *channel = c->apf.channel;
    struct device *device = c->device;
    attach_service(c); /* may close it at once: c is gone then */
    if (apf_channel_ctx(channel) != NULL) {
        log_channel(device, "channel.opened", channel);
        apf_channel_accept(channel, loop_now_us(device->loop));
    }
}

static void on_delay(void *ctx)
{
    accept_channel(ctx);
}

static void on_release(struct apf_stream *apf)
{
    struct device_channel *c = (struct device_channel *)apf;
    timer_stop(&c->delay);
    amt_free(c);
}

void service_request(struct device *device, struct apf_channel *channel, uint32_t port)
{
    struct device_channel *c = is_served(device, port) ? amt_alloc(sizeof *c) : NULL;
    if (c == NULL) {
        apf_channel_refuse(channel, APF_CONNECT_FAILED); /* APF-DEV-026 */
        return;
    }
    char peer[32];
    (void)snprintf(peer, sizeof peer, "mps:%u", port);
    apf_stream_init(&c->apf, device->loop, peer, on_release);
    c->device = device;
    c->port = port;
    timer_init(&c->delay, device->loop, on_delay, c);
    apf_stream_accept(&c->apf, channel);
    if (device->config->service.delay_us != 0) {
        timer_start(&c->delay, device->config->service.delay_us);
    } else {
        accept_channel(c);
    }
}

struct stream *service_connect(struct device *device, const struct address *to)
{
    struct apf_device_session *session = device_session(device);
    struct apf_mux *mux = session == NULL ? NULL : apf_device_session_mux(session);
    struct apf_channel *channel = NULL;
    struct device_channel *c =
        mux == NULL || device->state != DEVICE_UP ? NULL : amt_alloc(sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    char peer[STREAM_NAME_BYTES];
    (void)snprintf(peer, sizeof peer, "%.64s:%u", to->host, to->port);
    apf_stream_init(&c->apf, device->loop, peer, on_release);
    c->device = device;
    c->port = to->port;
    c->is_ours = true;
    timer_init(&c->delay, device->loop, on_delay, c);
    const char *originator = device->config->host_name;
    if (apf_mux_open(mux, to->port, to->host, originator == NULL ? "" : originator, 0,
                     loop_now_us(device->loop), &channel) != AMT_OK) {
        on_release(&c->apf);
        return NULL;
    }
    apf_stream_attach(&c->apf, channel);
    tunnel_set_timer(device->tunnel);
    return &c->apf.stream;
}

/* direct-tcpip, the only kind that is opened by us. One that nobody wants any more is closed. */
void device_channel_opened(void *ctx, struct apf_channel *channel)
{
    struct tunnel *t = ctx;
    struct apf_stream *s = stream_of(t, channel);
    log_channel(t->device, "channel.direct_opened", channel);
    if (s != NULL) {
        apf_stream_opened(s);
    } else {
        apf_channel_close(channel, loop_now_us(t->device->loop));
    }
}

/* The rest of the request is not looked at any more: 400, and the connection is over. */
static void reject_request(struct apf_stream *s, struct apf_channel *channel, uint32_t len)
{
    static const char k_answer[] = "HTTP/1.1 400 Bad Request\r\nServer: amtlab device\r\n"
                                   "Content-Length: 0\r\nConnection: close\r\n\r\n";
    apf_channel_consumed(channel, len);
    if (stream_write(&s->stream, k_answer, sizeof k_answer - 1) == AMT_OK) {
        apf_stream_end(s, STREAM_END_RESET, "the last chunk was split over two messages");
    }
}

void device_channel_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct apf_stream *s = stream_of(ctx, channel);
    struct device_channel *c = (struct device_channel *)s;
    if (s == NULL) {
        return;
    }
    if (c->wants_whole_end && chunk_end_is_split(&c->chunk_end, in, len)) {
        reject_request(s, channel, len);
    } else {
        apf_stream_data(s, in, len);
    }
}

void device_channel_drain(void *ctx, struct apf_channel *channel)
{
    struct apf_stream *s = stream_of(ctx, channel);
    if (s != NULL) {
        apf_stream_drain(s);
    }
}

/* APF-DEV-048: a refused or unanswered event channel is reported and disturbs nothing. */
static void direct_end(const struct tunnel *t, const struct apf_channel *channel,
                       enum apf_channel_end end, uint32_t reason)
{
    if (end == APF_CHANNEL_END_REFUSED || end == APF_CHANNEL_END_TIMEOUT) {
        LOG(t->device->log, LOG_WARN, "channel.direct_failed",
            log_text("uuid", t->device->uuid_text), log_u64("port", apf_channel_port(channel)),
            log_u64("reason", reason),
            log_text("text", end == APF_CHANNEL_END_TIMEOUT ? "the MPS did not answer"
                                                            : apf_open_failure_name(reason)));
    }
}

static void log_end(const struct tunnel *t, const struct apf_channel *channel,
                    enum apf_channel_end end)
{
    static const char *const k_ends[] = { [APF_CHANNEL_END_CLOSED] = "closed",
                                          [APF_CHANNEL_END_TIMEOUT] = "timeout",
                                          [APF_CHANNEL_END_SESSION] = "session" };
    if (end != APF_CHANNEL_END_REFUSED) { /* that one was never open */
        LOG(t->device->log, LOG_DEBUG, "channel.closed", log_text("uuid", t->device->uuid_text),
            log_u64("port", apf_channel_port(channel)),
            log_u64("slot", apf_channel_local_number(channel)), log_text("reason", k_ends[end]));
    }
}

void device_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                        uint32_t reason)
{
    struct tunnel *t = ctx;
    struct apf_stream *s = stream_of(t, channel);
    if (apf_channel_ctx(channel) == &t->device->direct_mark) {
        direct_end(t, channel, end, reason);
        return;
    }
    struct device_channel *c = (struct device_channel *)s;
    log_end(t, channel, end);
    if (s == NULL) {
        return;
    }
    if (c->is_ours) {
        direct_end(t, channel, end, reason);
    }
    bool is_waiting = timer_is_running(&c->delay);
    timer_stop(&c->delay);
    apf_stream_detach(s);
    if (is_waiting) {
        stream_close(&s->stream); /* nobody has it yet */
    } else {
        apf_stream_end(s, end == APF_CHANNEL_END_CLOSED ? STREAM_END_FIN : STREAM_END_RESET,
                       "the channel has ended");
    }
}
