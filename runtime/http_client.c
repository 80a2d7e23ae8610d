/* Requests and their answers over one connection, one after the other. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/http_internal.h"

struct http_client {
    struct stream *stream; /* NULL: the connection is gone */
    struct http_message message;
    struct timer limit, first_byte_limit;
    http_response_fn *on_response; /* NULL: no request is under way */
    void *ctx;
    bool has_started;
};

struct failure {
    const char *text;
    const struct stream_end *end;
    bool is_late;
};

static void drop_stream(struct http_client *c)
{
    stream_close(c->stream);
    c->stream = NULL;
}

static void fill(struct http_response *response, const struct http_message *m)
{
    bool has_head = m->is_head_done;
    response->status = has_head ? (int)m->parser.status_code : 0;
    response->headers = m->headers;
    response->header_count = has_head ? m->header_count : 0;
    response->body = m->body.len == 0 ? "" : (const char *)bytes_front(&m->body);
    response->body_len = m->body.len;
}

/* The callback may close the client or ask again: what it is shown is moved out before, and nothing
 * of the client is touched afterwards. */
static void finish(struct http_client *c, const struct failure *failure)
{
    struct http_message message = c->message;
    http_response_fn *on_response = c->on_response;
    char text[STREAM_TEXT_BYTES]; /* failure may lie in the stream, which goes first */
    struct stream_end end;
    struct http_response response = { .has_started = c->has_started };
    fill(&response, &message);
    if (failure != NULL) {
        (void)snprintf(text, sizeof text, "%s", failure->text);
        response.error = text;
        response.is_late = failure->is_late;
    }
    if (failure != NULL && failure->end != NULL) {
        end = *failure->end;
        response.end = &end;
    }
    bool stays = failure == NULL && http_should_keep_alive(&message.parser) != 0;
    http_message_init(&c->message, HTTP_RESPONSE, NULL);
    timer_stop(&c->limit);
    timer_stop(&c->first_byte_limit);
    c->on_response = NULL;
    if (!stays) {
        drop_stream(c);
    }
    on_response(c->ctx, &response);
    http_message_reset(&message);
}

static void fail(struct http_client *c, const char *text)
{
    finish(c, &(struct failure){ .text = text });
}

/* "100 Continue" and its like announce the answer (RFC 9110, 15.2); 101 is one. */
static bool is_interim(const struct http_message *m)
{
    return m->parser.status_code < HTTP_STATUS_OK &&
           m->parser.status_code != HTTP_STATUS_SWITCHING_PROTOCOLS;
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct http_client *c = ctx;
    struct http_message *m = &c->message;
    if (c->on_response == NULL) {
        drop_stream(c); /* an answer to nothing: whatever follows cannot be told apart */
        return;
    }
    c->has_started = true;
    timer_stop(&c->first_byte_limit);
    for (uint32_t at = 0; at < len;) {
        at += (uint32_t)http_message_feed(m, in + at, len - at);
        if (m->error_status != 0) {
            fail(c, m->error_status == HTTP_STATUS_BAD_REQUEST ? "the answer is not HTTP/1.1"
                                                               : "the answer is too long");
            return;
        }
        if (m->is_whole && !is_interim(m)) {
            if (at < len) {
                m->parser.flags |= F_CONNECTION_CLOSE; /* more than one answer */
            }
            finish(c, NULL);
            return;
        }
        if (m->is_whole) {
            http_message_reset(m);
        }
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct http_client *c = ctx;
    if (c->on_response == NULL) {
        drop_stream(c);
        return;
    }
    if (end->kind != STREAM_END_FIN) {
        finish(c, &(struct failure){ .text = end->text, .end = end });
        return;
    }
    (void)http_message_feed(&c->message, (const uint8_t *)"", 0); /* a body until the end */
    if (c->message.is_whole && c->message.error_status == 0 && !is_interim(&c->message)) {
        finish(c, NULL);
        return;
    }
    finish(c, &(struct failure){ .text = "the connection closed before the answer was complete",
                                 .end = end });
}

static void on_limit(void *ctx)
{
    finish(ctx, &(struct failure){ .text = "no answer in time", .is_late = true });
}

static const struct stream_handler k_handler = { .on_data = on_data, .on_end = on_end };

struct http_client *http_client_new(struct loop *loop, struct stream *s)
{
    struct http_client *c = amt_alloc(sizeof *c);
    if (c == NULL) {
        stream_close(s);
        return NULL;
    }
    c->stream = s;
    http_message_init(&c->message, HTTP_RESPONSE, NULL);
    timer_init(&c->limit, loop, on_limit, c);
    timer_init(&c->first_byte_limit, loop, on_limit, c);
    stream_set_handler(s, &k_handler, c);
    return c;
}

bool http_client_is_usable(const struct http_client *c)
{
    return c->stream != NULL && c->on_response == NULL;
}

void http_client_close(struct http_client *c)
{
    if (c == NULL) {
        return;
    }
    timer_stop(&c->limit);
    timer_stop(&c->first_byte_limit);
    drop_stream(c);
    http_message_reset(&c->message);
    amt_free(c);
}

static void write_request(struct text *out, const struct http_request_spec *request)
{
    text_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n%s", request->method, request->target,
                request->host, request->headers == NULL ? "" : request->headers);
    bool may_have_body =
        strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0;
    if (request->body_len > 0 || may_have_body) {
        text_printf(out, "Content-Length: %u\r\n", request->body_len);
    }
    text_puts(out, "\r\n");
    text_append(out, request->body, request->body_len);
}

void http_client_ask(struct http_client *c, const struct http_request_spec *request,
                     http_response_fn *on_response, void *ctx)
{
    struct text out = { 0 };
    c->on_response = on_response;
    c->ctx = ctx;
    c->has_started = false;
    c->message.has_no_body = strcmp(request->method, "HEAD") == 0;
    timer_start(&c->limit, request->limit_us);
    if (request->first_byte_limit_us != 0) {
        timer_start(&c->first_byte_limit, request->first_byte_limit_us);
    }
    write_request(&out, request);
    bool is_sent = !out.failed && c->stream != NULL &&
                   stream_write(c->stream, out.chars, (uint32_t)out.len) == AMT_OK;
    if (out.chars != NULL) {
        amt_wipe(out.chars, out.len); /* tokens and the like */
    }
    text_fini(&out);
    if (!is_sent) {
        fail(c, "the request cannot be sent");
    }
}

struct fetch {
    struct http_client *client;
    http_response_fn *on_response;
    void *ctx;
};

static void on_fetched(void *ctx, const struct http_response *response)
{
    struct fetch fetch = *(struct fetch *)ctx;
    amt_free(ctx);
    http_client_close(fetch.client);
    fetch.on_response(fetch.ctx, response);
}

void http_fetch(struct loop *loop, struct stream *s, const struct http_request_spec *request,
                http_response_fn *on_response, void *ctx)
{
    struct fetch *fetch = amt_alloc(sizeof *fetch);
    struct http_client *client = NULL;
    if (fetch != NULL) {
        client = http_client_new(loop, s);
    } else {
        stream_close(s);
    }
    if (client == NULL) {
        struct http_response response = { .error = "out of memory" };
        amt_free(fetch);
        on_response(ctx, &response);
        return;
    }
    *fetch = (struct fetch){ .client = client, .on_response = on_response, .ctx = ctx };
    http_client_ask(client, request, on_fetched, fetch);
}
