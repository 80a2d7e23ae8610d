/* One request, one answer. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/http_internal.h"

struct fetch {
    struct stream *stream;
    struct http_message message;
    struct text request;
    struct timer limit;
    http_response_fn *on_response;
    void *ctx;
};

static void finish(struct fetch *f, const char *error)
{
    struct http_message *m = &f->message;
    char text[STREAM_TEXT_BYTES]; /* the error may lie in the stream, which goes first */
    struct http_response response = { .error = error == NULL ? NULL : text };
    if (error != NULL) {
        (void)snprintf(text, sizeof text, "%s", error);
    } else {
        response.status = (int)m->parser.status_code;
        response.headers = m->headers;
        response.header_count = m->header_count;
        response.body = m->body.len == 0 ? "" : (const char *)bytes_front(&m->body);
        response.body_len = m->body.len;
    }
    timer_stop(&f->limit);
    stream_close(f->stream);
    f->on_response(f->ctx, &response);
    http_message_reset(m);
    if (f->request.chars != NULL) {
        amt_wipe(f->request.chars, f->request.len);
    }
    text_fini(&f->request);
    amt_free(f);
}

/* "100 Continue" and its like announce the answer (RFC 9110, 15.2); 101 is one. */
static bool is_interim(const struct http_message *m)
{
    return m->parser.status_code < HTTP_STATUS_OK &&
           m->parser.status_code != HTTP_STATUS_SWITCHING_PROTOCOLS;
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct fetch *f = ctx;
    struct http_message *m = &f->message;
    for (uint32_t at = 0; at < len;) {
        at += (uint32_t)http_message_feed(m, in + at, len - at);
        if (m->error_status != 0) {
            finish(f, m->error_status == HTTP_STATUS_BAD_REQUEST ? "the answer is not HTTP/1.1"
                                                                 : "the answer is too long");
            return;
        }
        if (m->is_whole && !is_interim(m)) {
            finish(f, NULL);
            return;
        }
        if (m->is_whole) {
            http_message_reset(m);
        }
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct fetch *f = ctx;
    if (end->kind == STREAM_END_FIN) {
        (void)http_message_feed(&f->message, (const uint8_t *)"", 0); /* a body until the end */
        bool is_whole =
            f->message.is_whole && f->message.error_status == 0 && !is_interim(&f->message);
        finish(f, is_whole ? NULL : "the connection closed before the answer was complete");
    } else {
        finish(f, end->text);
    }
}

static void on_limit(void *ctx)
{
    finish(ctx, "no answer in time");
}

static const struct stream_handler k_handler = { .on_data = on_data, .on_end = on_end };

void http_fetch(struct loop *loop, struct stream *s, const struct http_request_spec *request,
                http_response_fn *on_response, void *ctx)
{
    struct fetch *f = amt_alloc(sizeof *f);
    if (f == NULL) {
        struct http_response response = { .error = "out of memory" };
        stream_close(s);
        on_response(ctx, &response);
        return;
    }
    f->stream = s;
    f->on_response = on_response;
    f->ctx = ctx;
    http_message_init(&f->message, HTTP_RESPONSE, NULL);
    f->message.has_no_body = strcmp(request->method, "HEAD") == 0;
    timer_init(&f->limit, loop, on_limit, f);
    timer_start(&f->limit, request->limit_us);
    stream_set_handler(s, &k_handler, f);
    text_printf(&f->request, "%s %s HTTP/1.1\r\nHost: %s\r\n%s", request->method, request->target,
                request->host, request->headers == NULL ? "" : request->headers);
    bool may_have_body =
        strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0;
    if (request->body_len > 0 || may_have_body) {
        text_printf(&f->request, "Content-Length: %u\r\n", request->body_len);
    }
    text_puts(&f->request, "\r\n");
    text_append(&f->request, request->body, request->body_len);
    if (f->request.failed ||
        stream_write(s, f->request.chars, (uint32_t)f->request.len) != AMT_OK) {
        finish(f, "the request cannot be sent");
    }
}
