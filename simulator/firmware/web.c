#include "simulator/firmware/web.h"

#include <string.h>

#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/tls_settings.h"

#define IDLE_LIMIT_US (360u * (uint64_t)US_PER_SECOND) /* MeshCentral asks every 290 s */

struct web_connection {
    struct firmware *firmware;
    struct stream *tls; /* until the handshake is done */
    struct http_server_connection *http;
    struct firmware_exchange *exchange; /* a method that answers later */
    enum firmware_door door;
    bool is_tls, is_logged_on;
    bool is_setup; /* TLS with a provisioning certificate, while the device is set up */
    char peer[STREAM_NAME_BYTES];
    struct web_passage *passage; /* with a meddler: the request under way */
    struct web_connection *next, *previous;
};

/* What a meddler holds: a request before it is carried out, or its answer. */
struct web_passage {
    struct web_connection *connection;
    struct arena arena; /* of the texts in passing */
    struct firmware_passing passing;
    char *method, *target; /* copies: the request itself does not stay */
    struct http_header *headers;
    uint32_t header_count;
    char *body;
    uint32_t body_len;
    struct text answer;
    struct timer held;
};

enum amt_err web_init(struct firmware *firmware)
{
    firmware->web = amt_alloc(sizeof *firmware->web);
    if (firmware->web == NULL) {
        return AMT_ENOMEM;
    }
    logon_init(&firmware->web->logon, firmware);
    return AMT_OK;
}

void firmware_set_meddler(struct firmware *firmware, firmware_meddle_fn *fn, void *ctx)
{
    firmware->web->meddle = fn;
    firmware->web->meddle_ctx = ctx;
}

static void passage_free(struct web_passage *passage)
{
    if (passage != NULL) {
        timer_stop(&passage->held);
        arena_fini(&passage->arena);
        text_fini(&passage->answer);
        amt_free(passage);
    }
}

static void destroy(struct web_connection *c)
{
    passage_free(c->passage);
    if (c->exchange != NULL) {
        firmware_exchange_forget(c->exchange);
    }
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else if (c->firmware->web->first == c) {
        c->firmware->web->first = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    amt_free(c);
}

static void close_connection(struct web_connection *c)
{
    if (c->http != NULL) {
        http_server_close(c->http); /* on_http_end frees c */
    } else {
        stream_close(c->tls);
        destroy(c);
    }
}

void web_close_all(struct firmware *firmware)
{
    while (firmware->web->first != NULL) {
        close_connection(firmware->web->first);
    }
}

void web_fini(struct firmware *firmware)
{
    if (firmware->web != NULL) {
        web_close_all(firmware);
        amt_free(firmware->web);
        firmware->web = NULL;
    }
}

static void send_now(struct http_server_connection *http, struct text *out, bool closes)
{
    if (closes) {
        http_close_after_response(http);
    }
    if (out->failed) {
        http_server_close(http);
    } else {
        http_respond_raw(http, text_chars(out), (uint32_t)out->len);
    }
    text_fini(out);
}

/* The connection may be gone afterwards. */
static void release_answer(void *ctx)
{
    struct web_passage *passage = ctx;
    struct web_connection *c = passage->connection;
    struct text out = passage->answer;
    bool closes = passage->passing.hangs_up, is_dropped = passage->passing.is_dropped;
    passage->answer = (struct text){ 0 };
    c->passage = NULL;
    passage_free(passage);
    if (!is_dropped) {
        send_now(c->http, &out, closes);
        return;
    }
    text_fini(&out);
    if (closes) {
        close_connection(c);
    }
}

/* An answer goes to the client, past the meddler if there is one. */
static void send(struct web_connection *c, int status, struct text *out, bool closes)
{
    struct web_passage *passage = c->passage;
    if (passage == NULL || c->firmware->web->meddle == NULL) {
        send_now(c->http, out, closes);
        return;
    }
    passage->answer = *out;
    passage->passing.is_answer = true;
    passage->passing.status = status;
    passage->passing.bytes = &passage->answer;
    passage->passing.hangs_up = closes;
    passage->passing.is_dropped = false;
    passage->passing.delay_us = 0;
    c->firmware->web->meddle(c->firmware->web->meddle_ctx, &passage->passing);
    if (passage->passing.delay_us == 0) {
        release_answer(passage);
        return;
    }
    timer_init(&passage->held, c->firmware->loop, release_answer, passage);
    timer_start(&passage->held, passage->passing.delay_us);
}

static void on_envelope(void *ctx, int status, const struct text *envelope)
{
    struct web_connection *c = ctx;
    struct text out = { 0 };
    c->exchange = NULL;
    web_envelope(&out, c->firmware, status, envelope);
    send(c, status, &out, status == 400);
}

static void challenge(struct web_connection *c)
{
    struct text out = { 0 };
    web_challenge(&out, c->firmware);
    send(c, 401, &out, true); /* WSM-012 */
}

static void send_error(struct web_connection *c, int status)
{
    struct text out = { 0 };
    web_error(&out, c->firmware, status);
    send(c, status, &out, true);
}

static bool log_on(struct web_connection *c, const struct http_request *request,
                   struct firmware_user *user)
{
    bool keeps_nonce = c->is_tls && c->is_logged_on;
    if (c->is_setup && provisioning_session_user(c->firmware, user)) {
        return true; /* ACT-DEV-042: no challenge */
    }
    c->is_logged_on =
        logon_check(&c->firmware->web->logon, c->firmware, request, c->door, keeps_nonce, user);
    return c->is_logged_on;
}

static void serve_wsman(struct web_connection *c, const struct http_request *request)
{
    struct firmware_user user = { .name = "" };
    if (strcmp(request->method, "POST") != 0) {
        send_error(c, 405); /* WSM-028 */
    } else if (!log_on(c, request, &user)) {
        challenge(c);
    } else if (request->body_len == 0) {
        send_error(c, 400);
    } else {
        /* The answer may end the connection before the call returns: c is not touched after it, unless
         * an exchange goes on, which keeps it. */
        struct firmware_exchange *exchange = firmware_exchange(
            c->firmware, &user, c->door, c->peer, request->body, request->body_len, on_envelope, c);
        if (exchange != NULL) {
            c->exchange = exchange;
        }
    }
}

static void serve_page(struct web_connection *c, const struct http_request *request,
                       const char *path)
{
    struct firmware_user user = { .name = "" };
    struct text out = { 0 };
    bool is_get = strcmp(request->method, "GET") == 0;
    if (is_get && web_open_page(&out, c->firmware, path)) {
        send(c, 200, &out, false);
    } else if (strcmp(path, "/index.htm") != 0) {
        send_error(c, is_get ? 404 : 405);
    } else if (!log_on(c, request, &user)) { /* WSM-027 */
        challenge(c);
    } else {
        web_status_page(&out, c->firmware);
        send(c, 200, &out, false);
    }
}

static void serve(struct web_connection *c, const struct http_request *request)
{
    if (strcmp(request->target, "/wsman") == 0) {
        serve_wsman(c, request);
    } else {
        serve_page(c, request, request->target);
    }
}

/* A request that was held, or goes on at once. */
static void release_request(void *ctx)
{
    struct web_passage *passage = ctx;
    struct web_connection *c = passage->connection;
    struct http_request request = { .method = passage->method,
                                    .target = passage->target,
                                    .headers = passage->headers,
                                    .header_count = passage->header_count,
                                    .body = passage->body,
                                    .body_len = passage->body_len };
    if (passage->passing.is_dropped) {
        if (passage->passing.hangs_up) {
            close_connection(c);
        }
    } else if (passage->answer.len > 0) {
        struct text out = passage->answer;
        bool closes = passage->passing.hangs_up;
        passage->answer = (struct text){ 0 };
        c->passage = NULL;
        passage_free(passage);
        send_now(c->http, &out, closes);
    } else {
        serve(c, &request);
    }
}

static const char *keep(struct web_passage *passage, const char *text)
{
    const char *copy = arena_text(&passage->arena, text, strlen(text));
    return copy == NULL ? "" : copy;
}

/* The texts of a request that a meddler may look at, and the request itself, should it be held. */
static bool passage_fill(struct web_passage *passage, const struct http_request *request)
{
    struct wsman_request envelope = { .class_name = "", .message_id = "" };
    const char *operation = "";
    bool is_envelope = request->body_len > 0 && strcmp(request->target, "/wsman") == 0;
    passage->headers =
        arena_alloc(&passage->arena, (request->header_count + 1) * sizeof *passage->headers);
    passage->body =
        arena_text(&passage->arena, request->body_len == 0 ? "" : request->body, request->body_len);
    if (passage->headers == NULL || passage->body == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < request->header_count; i++) {
        passage->headers[i].name = keep(passage, request->headers[i].name);
        passage->headers[i].value = keep(passage, request->headers[i].value);
    }
    passage->header_count = request->header_count;
    passage->body_len = request->body_len;
    passage->method = (char *)keep(passage, request->method);
    passage->target = (char *)keep(passage, request->target);
    if (is_envelope && wsman_request_read(&passage->arena, passage->body, passage->body_len,
                                          &envelope, NULL) == WSMAN_OK) {
        operation = envelope.operation == WSMAN_METHOD ? envelope.method
                                                       : wsman_operation_name(envelope.operation);
    }
    passage->passing = (struct firmware_passing){ .is_wsman = operation[0] != '\0',
                                                  .target = passage->target,
                                                  .class_name = envelope.class_name,
                                                  .operation = operation,
                                                  .message_id = envelope.message_id,
                                                  .bytes = &passage->answer };
    return true;
}

static void meddle(struct web_connection *c, const struct http_request *request)
{
    struct web_passage *passage = amt_alloc(sizeof *passage);
    if (passage == NULL) {
        close_connection(c);
        return;
    }
    passage->connection = c;
    timer_init(&passage->held, c->firmware->loop, release_request, passage);
    passage_free(c->passage);
    c->passage = passage;
    if (!passage_fill(passage, request)) {
        close_connection(c);
        return;
    }
    c->firmware->web->meddle(c->firmware->web->meddle_ctx, &passage->passing);
    if (passage->passing.delay_us == 0) {
        release_request(passage);
    } else {
        timer_start(&passage->held, passage->passing.delay_us);
    }
}

static void on_request(void *ctx, struct http_server_connection *http,
                       const struct http_request *request)
{
    struct web_connection *c = ctx;
    c->http = http; /* the first request may come from inside http_serve */
    if (c->firmware->web->meddle != NULL) {
        meddle(c, request);
    } else {
        serve(c, request);
    }
}

static void on_refuse(void *ctx, struct http_server_connection *http, int status)
{
    struct web_connection *c = ctx;
    struct text out = { 0 };
    c->http = http;
    web_error(&out, c->firmware, status);
    send(c, status, &out, true);
}

static void on_http_end(void *ctx)
{
    destroy(ctx);
}

static struct web_connection *connection_new(struct firmware *firmware, struct stream *s,
                                             enum firmware_door door)
{
    struct web_connection *c = amt_alloc(sizeof *c);
    if (c == NULL) {
        stream_close(s);
        return NULL;
    }
    c->firmware = firmware;
    c->door = door;
    stream_peer_name(s, c->peer);
    c->next = firmware->web->first;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    firmware->web->first = c;
    return c;
}

static void start_http(struct web_connection *c, struct stream *s)
{
    const struct http_limits limits = { .body_max_bytes = WSMAN_REQUEST_MAX_BYTES,
                                        .idle_limit_us = IDLE_LIMIT_US,
                                        .refuse = on_refuse };
    struct http_server_connection *http =
        http_serve(c->firmware->loop, s, &limits, on_request, on_http_end, c, NULL, 0);
    if (http == NULL) {
        destroy(c);
    } else {
        c->http = http;
    }
}

void firmware_serve(struct firmware *firmware, struct stream *s, enum firmware_door door)
{
    struct web_connection *c = connection_new(firmware, s, door);
    if (c != NULL) {
        start_http(c, s);
    }
}

static void on_tls_open(void *ctx)
{
    struct web_connection *c = ctx;
    struct stream *s = c->tls;
    if (provisioning_state(c->firmware) == PROVISIONING_IN) {
        c->is_setup = provisioning_session_begins(c->firmware, s);
        if (!c->is_setup) {
            close_connection(c);
            return;
        }
    }
    c->tls = NULL;
    start_http(c, s);
}

static void on_tls_end(void *ctx, const struct stream_end *end)
{
    struct web_connection *c = ctx;
    LOG(c->firmware->log, LOG_INFO, "wsman.tls_failed", log_text("uuid", c->firmware->uuid_text),
        log_text("peer", c->peer), log_text("reason", end->text));
    stream_close(c->tls);
    destroy(c);
}

void firmware_serve_tls(struct firmware *firmware, struct stream *s, enum firmware_door door)
{
    static const struct stream_handler k_handler = { .on_open = on_tls_open, .on_end = on_tls_end };
    struct tls_context *context = tls_settings_context(firmware, door);
    struct web_connection *c = NULL;
    if (context == NULL) {
        stream_close(s);
        return;
    }
    c = connection_new(firmware, s, door);
    if (c == NULL) {
        return;
    }
    c->is_tls = true;
    c->tls = tls_accept(firmware->loop, context, s, &k_handler, c);
    if (c->tls == NULL) {
        destroy(c);
    }
}
