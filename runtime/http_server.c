#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/http_internal.h"

#define IDLE_LIMIT_US (30u * (uint64_t)US_PER_SECOND)
/* With more than this unsent the next request waits: who asks much and reads little stores nothing. */
#define UNSENT_MAX_BYTES 65536u

struct http_server_connection {
    struct stream *stream;
    struct http_message message;
    struct bytes ahead;  /* bytes behind a request that is being answered */
    const uint8_t *rest; /* the same while on_request runs: borrowed from the data in hand */
    uint32_t rest_len;
    struct timer idle;
    uint64_t idle_limit_us;
    http_request_fn *on_request;
    void (*on_end)(void *ctx);
    void (*refuse)(void *ctx, struct http_server_connection *c, int status);
    void *ctx;
    uint32_t depth;
    bool is_answering; /* a request waits for its answer */
    bool is_head;      /* ... and is a HEAD */
    bool is_draining;  /* answers wait for the client to read them */
    bool closes;       /* after this answer */
    bool is_gone;
    bool input_ended;
};

static void destroy(struct http_server_connection *c)
{
    timer_stop(&c->idle);
    http_message_reset(&c->message);
    bytes_fini(&c->ahead);
    amt_free(c);
}

static void leave(struct http_server_connection *c)
{
    c->depth -= 1;
    if (c->depth == 0 && c->is_gone) {
        destroy(c);
    }
}

/* The end for the owner; the stream is closed or handed over by the caller. */
static void retire(struct http_server_connection *c)
{
    if (c->is_gone) {
        return;
    }
    c->is_gone = true;
    timer_stop(&c->idle);
    c->depth += 1;
    if (c->on_end != NULL) {
        c->on_end(c->ctx);
    }
    leave(c);
}

static void finish(struct http_server_connection *c)
{
    stream_close(c->stream);
    retire(c);
}

static void refuse(struct http_server_connection *c, int status)
{
    char body[64];
    int len =
        snprintf(body, sizeof body, "%d %s\n", status, http_status_str((enum http_status)status));
    c->closes = true;
    c->is_answering = true;
    c->is_head = false;
    if (c->refuse != NULL) {
        c->refuse(c->ctx, c, status);
        return;
    }
    http_respond(c, status, "text/plain", NULL, body, (uint32_t)len);
}

static void dispatch(struct http_server_connection *c)
{
    struct http_message *m = &c->message;
    struct http_request request = {
        .method = http_method_str((enum http_method)m->parser.method),
        .target = m->head.chars == NULL ? "" : m->head.chars + m->target,
        .headers = m->headers,
        .header_count = m->header_count,
        .body = m->body.len == 0 ? "" : (const char *)bytes_front(&m->body),
        .body_len = m->body.len,
        .is_upgrade = m->parser.upgrade != 0,
    };
    c->is_answering = true;
    c->is_head = m->parser.method == HTTP_HEAD;
    c->closes = http_should_keep_alive(&m->parser) == 0;
    timer_stop(&c->idle);
    c->on_request(c->ctx, c, &request);
}

/* One request at a time, and none while answers pile up. */
static bool must_wait(const struct http_server_connection *c)
{
    return c->is_answering || c->is_draining;
}

/* The client waits with the body until it is asked for it (RFC 9110, 10.1.1). */
static void allow_body(struct http_server_connection *c)
{
    static const char k_continue[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!c->is_gone && c->message.expects_continue && !c->message.is_whole) {
        c->message.expects_continue = false;
        if (stream_write(c->stream, k_continue, sizeof k_continue - 1) != AMT_OK) {
            finish(c);
        }
    }
}

/* Feeds in; what lies behind a whole request is kept until that is answered. */
static void feed(struct http_server_connection *c, const uint8_t *in, uint32_t len)
{
    uint32_t at = 0;
    while (!c->is_gone && !must_wait(c) && at < len) {
        bool was_started = c->message.is_started;
        at += (uint32_t)http_message_feed(&c->message, in + at, len - at);
        if (c->message.error_status != 0) {
            refuse(c, c->message.error_status);
            return;
        }
        if (c->message.is_whole) {
            c->rest = in + at;
            c->rest_len = len - at;
            dispatch(c);
            c->rest_len = 0;
        } else if (c->message.is_started && !was_started) {
            timer_start(&c->idle, c->idle_limit_us); /* the request's own time begins */
        }
        allow_body(c);
    }
    if (!c->is_gone && at < len) {
        if (bytes_append(&c->ahead, in + at, len - at) != AMT_OK) {
            finish(c);
        } else if (must_wait(c)) {
            stream_pause(c->stream);
        }
    }
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct http_server_connection *c = ctx;
    c->depth += 1;
    if (c->ahead.len > 0 || must_wait(c)) {
        stream_pause(c->stream); /* hold back who sends on while being answered */
        if (bytes_append(&c->ahead, in, len) != AMT_OK) {
            finish(c);
        }
    } else {
        feed(c, in, len);
    }
    leave(c);
}

/* After an answer: the requests that came early. */
static void go_on(struct http_server_connection *c)
{
    struct bytes ahead = c->ahead;
    c->ahead = (struct bytes){ .max = 0 };
    stream_resume(c->stream);
    if (ahead.len > 0) {
        feed(c, bytes_front(&ahead), ahead.len);
    }
    bytes_fini(&ahead);
    if (!c->is_gone && !must_wait(c) && c->input_ended) {
        finish(c);
    }
}

static void on_drain(void *ctx)
{
    struct http_server_connection *c = ctx;
    c->depth += 1;
    if (c->is_draining) {
        c->is_draining = false;
        go_on(c);
    }
    leave(c);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct http_server_connection *c = ctx;
    c->input_ended = true;
    if (end->kind != STREAM_END_FIN || !must_wait(c)) {
        finish(c);
    }
}

static void on_idle(void *ctx)
{
    struct http_server_connection *c = ctx;
    c->depth += 1;
    if (c->message.is_started && !c->is_answering) {
        refuse(c, 408);
    } else {
        finish(c);
    }
    leave(c);
}

static const struct stream_handler k_handler = { .on_data = on_data,
                                                 .on_drain = on_drain,
                                                 .on_end = on_end };

struct http_server_connection *http_serve(struct loop *loop, struct stream *s,
                                          const struct http_limits *limits,
                                          http_request_fn *on_request, void (*on_ended)(void *ctx),
                                          void *ctx, const uint8_t *pre, uint32_t pre_len)
{
    struct http_server_connection *c = amt_alloc(sizeof *c);
    if (c == NULL) {
        stream_close(s);
        return NULL;
    }
    c->stream = s;
    c->on_request = on_request;
    c->on_end = on_ended;
    c->ctx = ctx;
    c->idle_limit_us =
        limits != NULL && limits->idle_limit_us != 0 ? limits->idle_limit_us : IDLE_LIMIT_US;
    c->refuse = limits == NULL ? NULL : limits->refuse;
    http_message_init(&c->message, HTTP_REQUEST, limits);
    timer_init(&c->idle, loop, on_idle, c);
    timer_start(&c->idle, c->idle_limit_us);
    stream_set_handler(s, &k_handler, c);
    if (pre_len > 0) {
        c->depth += 1;
        feed(c, pre, pre_len);
        leave(c);
    }
    return c;
}

static void send_head(struct http_server_connection *c, int status, const char *content_type,
                      const char *headers, uint32_t body_len, struct text *out)
{
    text_printf(out, "HTTP/1.1 %d %s\r\n", status, http_status_str((enum http_status)status));
    if (content_type != NULL) {
        text_printf(out, "Content-Type: %s\r\n", content_type);
    }
    if (status != HTTP_STATUS_NO_CONTENT) {
        text_printf(out, "Content-Length: %u\r\n", body_len);
    }
    text_printf(out, "Connection: %s\r\n%s\r\n", c->closes ? "close" : "keep-alive",
                headers == NULL ? "" : headers);
}

void http_respond_raw(struct http_server_connection *c, const void *bytes, uint32_t len)
{
    if (c->is_gone || !c->is_answering) {
        return;
    }
    c->depth += 1;
    bool is_sent = stream_write(c->stream, bytes, len) == AMT_OK;
    c->is_answering = false;
    if (!is_sent || c->closes) {
        finish(c);
    } else {
        http_message_reset(&c->message);
        timer_start(&c->idle, c->idle_limit_us);
        c->is_draining = stream_queued_bytes(c->stream) > UNSENT_MAX_BYTES;
        /* Deep pipelines do not recurse: inside feed() the loop there goes on. */
        if (c->depth == 1 && !c->is_draining) {
            go_on(c);
        }
    }
    leave(c);
}

void http_respond(struct http_server_connection *c, int status, const char *content_type,
                  const char *headers, const void *body, uint32_t body_len)
{
    if (c->is_gone || !c->is_answering) {
        return;
    }
    struct text out = { 0 };
    send_head(c, status, content_type, headers, body_len, &out);
    if (!c->is_head && status != HTTP_STATUS_NO_CONTENT && body_len > 0) {
        text_append(&out, body, body_len);
    }
    if (out.failed) {
        finish(c);
    } else {
        http_respond_raw(c, out.chars, (uint32_t)out.len);
    }
    text_fini(&out);
}

struct stream *http_upgrade(struct http_server_connection *c, const char *headers,
                            struct text *read_ahead)
{
    if (c->is_gone) {
        return NULL;
    }
    struct text out = { 0 };
    text_printf(&out, "HTTP/1.1 101 Switching Protocols\r\n%s\r\n", headers);
    text_append(read_ahead, (const char *)bytes_front(&c->ahead), c->ahead.len);
    text_append(read_ahead, (const char *)c->rest, c->rest_len);
    struct stream *s = c->stream;
    /* The end of the input was told to us: the next owner would wait for it for ever. */
    bool is_good = !c->input_ended && !out.failed && !read_ahead->failed &&
                   stream_write(s, out.chars, (uint32_t)out.len) == AMT_OK;
    text_fini(&out);
    if (!is_good) {
        finish(c);
        return NULL;
    }
    stream_set_handler(s, NULL, NULL);
    stream_resume(s);
    retire(c);
    return s;
}

void http_close_after_response(struct http_server_connection *c)
{
    c->closes = true;
}

void http_server_close(struct http_server_connection *c)
{
    if (!c->is_gone) {
        finish(c);
    }
}
