#include "client/activation/rps.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "client/activation/http_end.h"
#include "protocol/activation/failures.h"
#include "protocol/activation/rps.h"

#define PORT_PLAIN        16992u
#define PORT_TLS          16993u
#define ANSWER_LIMIT_US   (10u * (uint64_t)US_PER_SECOND)
#define ANSWER_MAX_BYTES  65536u /* in base64 it fits into a message */
#define SWITCH_TRIES      5u
#define SWITCH_PAUSE_US   (5u * (uint64_t)US_PER_SECOND)
#define SWITCH_SETTLED_US (500u * (uint64_t)US_PER_MS)
#define CLIENT_HELLO      1

/* One `wsman`: a connection, a request, an answer. */
struct rps_exchange {
    struct stream *stream;
    struct bytes answer;
    struct http_end end;
    struct timer limit;
    bool has_opened;
};

/* `port_switch`: a wait, then up to five tries to connect. */
struct rps_switch {
    struct timer timer;
    uint32_t port, tries;
    bool is_under_way, is_trying;
};

struct rps_host_client {
    struct rps_host_settings settings;
    struct websocket *ws;
    struct rps_exchange exchange;
    struct stream *tls; /* `tls_data` */
    struct rps_switch port_switch;
    struct text first; /* the first message; wiped once it is out */
    struct arena arena;
    struct loop_task finish;
    struct rps_host_end end;
    bool is_over, is_tls_enforced;
};

/* --- the end ----------------------------------------------------------------------------------- */

static void on_finish(void *ctx)
{
    struct rps_host_client *c = ctx;
    c->settings.on_end(c->settings.ctx, &c->end);
}

static void drop_exchange(struct rps_host_client *c)
{
    stream_close(c->exchange.stream);
    c->exchange.stream = NULL;
    bytes_fini(&c->exchange.answer);
    timer_stop(&c->exchange.limit);
    c->exchange.end = (struct http_end){ .form = HTTP_END_UNKNOWN };
}

static void drop_tls(struct rps_host_client *c)
{
    stream_close(c->tls);
    c->tls = NULL;
}

static void end(struct rps_host_client *c, enum rps_host_result result, const char *text)
{
    if (c->is_over) {
        return;
    }
    const char *copy = arena_text(&c->arena, text, strlen(text));
    c->is_over = true;
    c->end = (struct rps_host_end){ .result = result, .text = copy == NULL ? "" : copy };
    timer_stop(&c->port_switch.timer);
    drop_exchange(c);
    drop_tls(c);
    loop_task_post(&c->finish);
}

static void note(const struct rps_host_client *c, const char *text)
{
    if (c->settings.on_note != NULL && !c->is_over) {
        c->settings.on_note(c->settings.ctx, text);
    }
}

static void end_with(struct rps_host_client *c, enum activation_failure failure, const char *fact)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s: %s %s (%s)", activation_failure_code(failure),
                   activation_failure_cause(failure), activation_failure_cure(failure), fact);
    end(c, RPS_HOST_DEVICE, text);
}

/* --- messages ---------------------------------------------------------------------------------- */

static void send_text(struct rps_host_client *c, struct text *out)
{
    bool is_sent = !out->failed &&
                   websocket_send(c->ws, WEBSOCKET_TEXT, out->chars, (uint32_t)out->len) == AMT_OK;
    if (out->chars != NULL) {
        amt_wipe(out->chars, out->len);
    }
    text_fini(out);
    if (!is_sent) {
        end(c, RPS_HOST_CLOSED, "the connection is lost, or memory is short");
    }
}

static void send_message(struct rps_host_client *c, enum rps_method method, const void *payload,
                         uint32_t len)
{
    struct text out = { 0 };
    const struct rps_message m = { .method = method,
                                   .app_version = c->settings.version,
                                   .tenant = c->settings.tenant,
                                   .payload = payload,
                                   .payload_len = len };
    if (!c->is_over) {
        rps_write(&out, RPS_FROM_CLIENT, &m);
        send_text(c, &out);
    }
}

/* --- wsman (ACT-CLI-015) ----------------------------------------------------------------------- */

/* F57: RPS takes such a 200 for a parse error and asks again. */
static void note_form(const struct rps_host_client *c)
{
    const struct http_end *http = &c->exchange.end;
    if (http->status == 200 && http->form != HTTP_END_CHUNKED) {
        char text[400];
        (void)snprintf(text, sizeof text, "%s: %s %s",
                       activation_failure_code(ACT_F_ANSWER_NOT_CHUNKED),
                       activation_failure_cause(ACT_F_ANSWER_NOT_CHUNKED),
                       activation_failure_cure(ACT_F_ANSWER_NOT_CHUNKED));
        note(c, text);
    }
}

static void respond(struct rps_host_client *c)
{
    struct bytes answer = c->exchange.answer;
    c->exchange.answer = (struct bytes){ .max = 0 };
    note_form(c);
    drop_exchange(c);
    send_message(c, RPS_RESPONSE, bytes_front(&answer), answer.len);
    bytes_fini(&answer);
}

static void on_answer(void *ctx, const uint8_t *in, uint32_t len)
{
    struct rps_host_client *c = ctx;
    struct rps_exchange *x = &c->exchange;
    x->answer.max = ANSWER_MAX_BYTES;
    if (bytes_append(&x->answer, in, len) != AMT_OK) {
        note(c, "the device's answer is longer than a message of RPS can be");
        drop_exchange(c);
    } else if (http_end_is_whole(&x->end, bytes_front(&x->answer), x->answer.len)) {
        respond(c);
    }
}

/* Without an answer rpc-go says nothing and waits for the next message (7.6). */
static void on_answer_end(void *ctx, const struct stream_end *stream_end)
{
    struct rps_host_client *c = ctx;
    if (c->exchange.answer.len > 0) {
        respond(c);
    } else if (stream_end->kind == STREAM_END_FIN || c->exchange.has_opened) {
        note(c, "the device closed the connection without an answer");
        drop_exchange(c);
    } else {
        end_with(c, c->is_tls_enforced ? ACT_F_LOCAL_TLS_ENFORCED : ACT_F_LOCAL_PORT_REFUSED,
                 "port 16992 of this computer");
    }
}

static void on_answer_open(void *ctx)
{
    ((struct rps_host_client *)ctx)->exchange.has_opened = true;
}

static void on_answer_late(void *ctx)
{
    struct rps_host_client *c = ctx;
    note(c, "the device does not answer in time");
    drop_exchange(c);
}

static void ask_device(struct rps_host_client *c, const uint8_t *request, uint32_t len)
{
    static const struct stream_handler k_handler = { .on_open = on_answer_open,
                                                     .on_data = on_answer,
                                                     .on_end = on_answer_end };
    uint64_t limit = c->settings.answer_limit_us;
    drop_exchange(c);
    if (len == 0) {
        return;
    }
    struct stream *s = c->settings.host.open_port(c->settings.host.ctx, PORT_PLAIN);
    if (s == NULL) {
        end(c, RPS_HOST_DEVICE, "out of memory");
        return;
    }
    c->exchange.stream = s;
    c->exchange.has_opened = false;
    stream_set_handler(s, &k_handler, c);
    timer_start(&c->exchange.limit, limit == 0 ? ANSWER_LIMIT_US : limit);
    if (stream_write(s, request, len) != AMT_OK) {
        drop_exchange(c);
    }
}

/* --- tls_data ---------------------------------------------------------------------------------- */

static void on_tls_data(void *ctx, const uint8_t *in, uint32_t len)
{
    send_message(ctx, RPS_TLS_DATA, in, len);
}

static void on_tls_end(void *ctx, const struct stream_end *stream_end)
{
    struct rps_host_client *c = ctx;
    (void)stream_end;
    drop_tls(c);
    if (c->port_switch.is_trying) {
        c->port_switch.is_trying = false;
        timer_start(&c->port_switch.timer, SWITCH_PAUSE_US);
        return;
    }
    static const char k_reason[] = "connection_closed";
    send_message(c, RPS_CONNECTION_RESET, k_reason, sizeof k_reason - 1);
}

static bool open_tls(struct rps_host_client *c, uint32_t port)
{
    static const struct stream_handler k_handler = { .on_data = on_tls_data, .on_end = on_tls_end };
    drop_tls(c);
    c->tls = c->settings.host.open_port(c->settings.host.ctx, port);
    if (c->tls != NULL) {
        stream_set_handler(c->tls, &k_handler, c);
    }
    return c->tls != NULL;
}

static bool is_client_hello(const uint8_t *in, uint32_t len)
{
    return len > 5 && in[0] == 0x16 && in[5] == CLIENT_HELLO;
}

static void relay_tls(struct rps_host_client *c, const uint8_t *in, uint32_t len)
{
    static const char k_reason[] = "lms_error";
    if (len == 0) {
        return;
    }
    bool is_new = c->tls == NULL || is_client_hello(in, len);
    if ((is_new && !open_tls(c, PORT_TLS)) || stream_write(c->tls, in, len) != AMT_OK) {
        drop_tls(c);
        send_message(c, RPS_CONNECTION_RESET, k_reason, sizeof k_reason - 1);
    }
}

/* --- port_switch (ACT-CLI-017) ----------------------------------------------------------------- */

static void try_switch(struct rps_host_client *c)
{
    struct rps_switch *s = &c->port_switch;
    if (s->tries == SWITCH_TRIES || !open_tls(c, s->port)) {
        end_with(c, ACT_F_LOCAL_PORT_REFUSED, "after a port switch");
        return;
    }
    s->tries += 1;
    s->is_trying = true; /* refusal comes by on_end; silence for a moment means connected */
    timer_start(&s->timer, SWITCH_SETTLED_US);
}

static void on_switch_timer(void *ctx)
{
    struct rps_host_client *c = ctx;
    if (!c->port_switch.is_trying) {
        try_switch(c);
        return;
    }
    c->port_switch.is_trying = false;
    c->port_switch.is_under_way = false;
    send_message(c, RPS_PORT_SWITCH_ACK, "ok", 2);
}

static void switch_port(struct rps_host_client *c, const struct rps_message *m)
{
    struct rps_switch *s = &c->port_switch;
    struct amt_diag diag = { .err = AMT_OK };
    uint32_t delay_s = 0;
    if (rps_port_switch_read(m->payload, m->payload_len, &s->port, &delay_s, &diag) != AMT_OK) {
        note(c, diag.text);
        return;
    }
    drop_tls(c);
    s->is_under_way = true;
    s->is_trying = false;
    s->tries = 0;
    timer_start(&s->timer, delay_s * (uint64_t)US_PER_SECOND);
}

/* --- from the server --------------------------------------------------------------------------- */

/* ACT-CLI-016 */
static void echo(struct rps_host_client *c, const struct rps_message *m)
{
    struct rps_message answer = *m;
    struct text out = { 0 };
    answer.method = RPS_HEARTBEAT_RESPONSE;
    answer.status = NULL;
    rps_write(&out, RPS_FROM_CLIENT, &answer);
    send_text(c, &out);
}

static void take(struct rps_host_client *c, const struct rps_message *m, struct arena *arena)
{
    switch (m->method) {
    case RPS_SUCCESS:
        end(c, RPS_HOST_SUCCESS, rps_status_text(m->message, arena));
        return;
    case RPS_ERROR:
        end(c, RPS_HOST_ERROR, rps_status_text(m->message, arena));
        return;
    case RPS_TLS_DATA:
        relay_tls(c, m->payload, m->payload_len);
        return;
    case RPS_PORT_SWITCH:
        switch_port(c, m);
        return;
    case RPS_HEARTBEAT_REQUEST:
        echo(c, m);
        return;
    case RPS_PROGRESS:
        note(c, m->message);
        return;
    case RPS_WSMAN:
    case RPS_OTHER: /* as rpc-go */
    case RPS_COMMAND:
    case RPS_RESPONSE:
    case RPS_PORT_SWITCH_ACK:
    case RPS_CONNECTION_RESET:
    case RPS_HEARTBEAT_RESPONSE:
        break;
    }
    ask_device(c, m->payload, m->payload_len);
}

static void on_message(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len)
{
    struct rps_host_client *c = ctx;
    struct arena arena = { 0 };
    struct rps_message m;
    struct amt_diag diag = { .err = AMT_OK };
    (void)kind;
    if (c->is_over) {
        return;
    }
    if (rps_read((const char *)in, len, &arena, &m, &diag) == AMT_OK) {
        take(c, &m, &arena);
    } else {
        char text[400];
        (void)snprintf(text, sizeof text, "a message of the server is malformed: %s", diag.text);
        note(c, text);
    }
    arena_fini(&arena);
}

static void on_end(void *ctx, const struct websocket_end *ws_end)
{
    struct rps_host_client *c = ctx;
    end(c, RPS_HOST_CLOSED, ws_end->stream.text);
}

/* At once after the connection (7.1). */
static void on_open(void *ctx)
{
    struct rps_host_client *c = ctx;
    send_text(c, &c->first);
}

/* --- life -------------------------------------------------------------------------------------- */

/* ACT-CLI-022 */
static bool is_usable(const struct uuid *uuid)
{
    static const char k_default[] = "03000200-0400-0500-0006-000700080009";
    struct uuid none;
    struct uuid ones;
    memset(ones.bytes, 0xff, sizeof ones.bytes);
    bool is_default = uuid_parse(k_default, &none) == AMT_OK && uuid_equal(uuid, &none);
    return !is_default && !uuid_is_zero(uuid) && !uuid_equal(uuid, &ones);
}

/* 7.3. Empty suffix and missing hashes are the server's business (ACT-CLI-014). */
static void write_first(struct rps_host_client *c)
{
    const struct rps_host_settings *settings = &c->settings;
    char uuid[UUID_TEXT_BYTES];
    struct text payload = { 0 };
    struct rps_device device = { .report = *settings->report,
                                 .uuid = uuid,
                                 .is_tls_tunnel = settings->is_tls_tunnel,
                                 .ip = settings->ip };
    struct activation_report *report = &device.report;
    uuid_format(&report->uuid, uuid);
    report->client = "RPC"; /* required to be that (7.3) */
    report->dns_suffix = activation_report_suffix(report);
    if (settings->password != NULL && report->control_mode != 0) {
        report->local_password = *settings->password;
    }
    rps_device_write(&payload, &device);
    const struct rps_message m = { .method = RPS_COMMAND,
                                   .method_text = settings->command,
                                   .app_version = settings->version,
                                   .protocol_version = settings->protocol_version,
                                   .tenant = settings->tenant,
                                   .payload = (const uint8_t *)payload.chars,
                                   .payload_len = payload.failed ? 0 : (uint32_t)payload.len };
    rps_write(&c->first, RPS_FROM_CLIENT, &m);
    c->first.failed = c->first.failed || payload.failed;
    if (payload.chars != NULL) {
        amt_wipe(payload.chars, payload.len);
    }
    text_fini(&payload);
    activation_report_wipe(report);
}

static struct rps_host_client *refuse(struct stream *s, struct amt_diag *diag, enum amt_err err,
                                      const char *text)
{
    stream_close(s);
    (void)amt_diag_set(diag, err, "%s", text);
    return NULL;
}

struct rps_host_client *rps_host_client_new(const struct rps_host_settings *settings,
                                            struct stream *s,
                                            const struct websocket_request *request,
                                            struct amt_diag *diag)
{
    static const struct websocket_handler k_handler = { .on_open = on_open,
                                                        .on_message = on_message,
                                                        .on_end = on_end };
    static const struct websocket_settings k_websocket = { .message_max_bytes =
                                                               4 * RPS_MESSAGE_MAX_BYTES };
    if (!is_usable(&settings->report->uuid)) {
        return refuse(s, diag, AMT_ECONFIG, "the device's UUID is not one of its own");
    }
    struct rps_host_client *c = amt_alloc(sizeof *c);
    if (c == NULL) {
        return refuse(s, diag, AMT_ENOMEM, "out of memory");
    }
    c->settings = *settings;
    c->is_tls_enforced = settings->report->is_tls_enforced;
    timer_init(&c->exchange.limit, settings->loop, on_answer_late, c);
    timer_init(&c->port_switch.timer, settings->loop, on_switch_timer, c);
    loop_task_init(&c->finish, settings->loop, on_finish, c);
    write_first(c);
    c->settings.report = NULL;
    c->settings.password = NULL;
    c->settings.protocol_version = NULL;
    c->ws = websocket_connect(settings->loop, s, request, &k_websocket, &k_handler, c);
    if (c->ws == NULL || c->first.failed) {
        rps_host_client_free(c);
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    return c;
}

void rps_host_client_free(struct rps_host_client *c)
{
    if (c == NULL) {
        return;
    }
    c->is_over = true;
    loop_task_cancel(&c->finish);
    timer_stop(&c->port_switch.timer);
    drop_exchange(c);
    drop_tls(c);
    websocket_close(c->ws, WEBSOCKET_NORMAL, "");
    if (c->first.chars != NULL) {
        amt_wipe(c->first.chars, c->first.len);
    }
    text_fini(&c->first);
    arena_fini(&c->arena);
    amt_free(c);
}
