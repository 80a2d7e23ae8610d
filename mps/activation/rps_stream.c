/*
 * The device's ports behind an RPS client, as streams. 16992: each HTTP request that is written leaves
 * in one `wsman` message, as RPS writes it, and what the `response` holds arrives. 16993: bytes both
 * ways in `tls_data`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "mps/activation/rps_internal.h"
#include "runtime/stream_class.h"

#define PORT_PLAIN        16992u
#define ANSWER_LIMIT_US   (12u * (uint64_t)US_PER_SECOND)
#define TRIES_MAX         3u     /* wsman_max_attempts of RPS (7.6) */
#define REQUEST_MAX_BYTES 65536u /* in base64 it fits into a message */
#define MESSAGE_ID_BYTES  64

struct rps_stream {
    struct stream stream;
    struct rps_client *client; /* NULL: it has left */
    struct rps_stream *next;
    uint32_t port;
    struct bytes request; /* what is being written */
    struct text message;  /* the HTTP request that is out; it holds a digest, no password */
    struct bytes kept;    /* has arrived and is not read */
    struct loop_task task;
    struct timer answer;
    uint32_t tries;
    char message_id[MESSAGE_ID_BYTES];
    bool is_read_only; /* the request changes nothing: it may be sent again */
    bool owes_fin;     /* an answer has arrived: the connection ends unless it is used again */
    bool has_answered; /* TLS: bytes of this connection have come */
    bool is_paused, has_ended, was_told;
    struct stream_end end;
};

static struct rps_stream *stream_of(struct stream *s)
{
    return (struct rps_stream *)s;
}

static void end_stream(struct rps_stream *s, enum stream_end_kind kind, const char *text)
{
    if (!s->has_ended) {
        s->has_ended = true;
        s->end = (struct stream_end){ .kind = kind, .tls_alert = -1 };
        (void)snprintf(s->end.text, sizeof s->end.text, "%s", text);
        loop_task_post(&s->task);
    }
}

/* Data first, then the end; never from inside the reader's calls. */
static void on_task(void *ctx)
{
    struct rps_stream *s = ctx;
    if (s->kept.len > 0 && !s->is_paused) {
        struct bytes kept = s->kept;
        s->kept = (struct bytes){ .max = 0 };
        loop_task_post(&s->task);
        stream_emit_data(&s->stream, bytes_front(&kept), kept.len);
        bytes_fini(&kept);
        return;
    }
    if (s->owes_fin && s->kept.len == 0) {
        s->owes_fin = false;
        end_stream(s, STREAM_END_FIN, "the device closed the connection");
    }
    if (s->has_ended && !s->was_told && s->kept.len == 0) {
        s->was_told = true;
        stream_emit_end(&s->stream, &s->end);
    }
}

/* --- the request ------------------------------------------------------------------------------- */

/* From needle on; NULL when it is not in bytes[0, len). */
static const char *find(const char *bytes, size_t len, const char *needle)
{
    size_t n = strlen(needle);
    for (size_t at = 0; at + n <= len; at++) {
        if (memcmp(bytes + at, needle, n) == 0) {
            return bytes + at;
        }
    }
    return NULL;
}

/* The line of a header in head[0, len), with its CRLF; NULL. */
static const char *header_line(const char *head, size_t len, const char *name, size_t *line_len)
{
    size_t name_len = strlen(name);
    const char *at = find(head, len, "\r\n");
    while (at != NULL) {
        at += 2;
        size_t left = len - (size_t)(at - head);
        const char *end = find(at, left, "\r\n");
        if (end != NULL && left > name_len && strncasecmp(at, name, name_len) == 0 &&
            at[name_len] == ':') {
            *line_len = (size_t)(end - at) + 2;
            return at;
        }
        at = end;
    }
    return NULL;
}

/* Whether a whole request has been written; head_len and body_len get its parts. */
static bool is_whole(const struct bytes *request, size_t *head_len, size_t *body_len)
{
    const char *bytes = (const char *)bytes_front(request);
    const char *end = bytes == NULL ? NULL : find(bytes, request->len, "\r\n\r\n");
    size_t line_len = 0;
    if (end == NULL) {
        return false;
    }
    *head_len = (size_t)(end - bytes) + 4;
    const char *length = header_line(bytes, *head_len, "Content-Length", &line_len);
    *body_len = length == NULL ? 0 : strtoul(length + 15, NULL, 10);
    return *body_len <= request->len - *head_len;
}

static void note_message_id(struct rps_stream *s, const char *body, size_t len)
{
    const char *at = find(body, len, "MessageID>");
    const char *action = find(body, len, "Action>");
    s->message_id[0] = '\0';
    s->is_read_only = false;
    if (at != NULL) {
        at += 10;
        const char *end = memchr(at, '<', len - (size_t)(at - body));
        int n = end == NULL ? 0 : (int)(end - at);
        (void)snprintf(s->message_id, sizeof s->message_id, "%.*s", n, at);
    }
    if (action != NULL) {
        action += 7;
        const char *end = memchr(action, '<', len - (size_t)(action - body));
        size_t n = end == NULL ? 0 : (size_t)(end - action);
        s->is_read_only =
            find(action, n, "/transfer/Get") != NULL || find(action, n, "/enumeration/") != NULL;
    }
}

/* The request as RPS writes it (7.5): chunked, one chunk, closed afterwards. */
static void rewrite(struct rps_stream *s, size_t head_len, size_t body_len)
{
    const char *head = (const char *)bytes_front(&s->request);
    size_t first_len = (size_t)(find(head, head_len, "\r\n") - head) + 2;
    size_t line_len = 0;
    const char *authorization = header_line(head, head_len, "Authorization", &line_len);
    text_fini(&s->message);
    text_append(&s->message, head, first_len);
    if (authorization != NULL) {
        text_append(&s->message, authorization, line_len);
    }
    text_printf(&s->message,
                "Host: %s:%u\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
                s->client->device.uuid, s->port);
    if (body_len > 0) {
        text_printf(&s->message, "%zX\r\n", body_len);
        text_append(&s->message, head + head_len, body_len);
        text_puts(&s->message, "\r\n");
    }
    text_puts(&s->message, "0\r\n\r\n");
    note_message_id(s, head + head_len, body_len);
}

static void send_request(struct rps_stream *s)
{
    uint64_t limit = s->client->server->settings.answer_limit_us;
    s->tries += 1;
    s->client->asking = s;
    timer_start(&s->answer, limit == 0 ? ANSWER_LIMIT_US : limit);
    rps_client_send(s->client, RPS_WSMAN, s->message.chars, (uint32_t)s->message.len, NULL);
}

/* No answer in time: once more, unless that could do something twice (7.6). */
static void on_late(void *ctx)
{
    struct rps_stream *s = ctx;
    if (s->client == NULL || s->has_ended) {
        return;
    }
    if (s->port != PORT_PLAIN) {
        end_stream(s, STREAM_END_RESET, "the client relayed no answer to the TLS handshake");
        return;
    }
    if (s->is_read_only && s->tries < TRIES_MAX) {
        send_request(s);
        return;
    }
    s->client->asking = NULL;
    end_stream(s, STREAM_END_RESET, "the client sent no response in time");
}

/* --- the class --------------------------------------------------------------------------------- */

static enum amt_err write_plain(struct rps_stream *s, const void *out, uint32_t len)
{
    size_t head_len = 0, body_len = 0;
    s->request.max = REQUEST_MAX_BYTES;
    TRY(bytes_append(&s->request, out, len));
    if (!is_whole(&s->request, &head_len, &body_len)) {
        return AMT_OK;
    }
    rewrite(s, head_len, body_len);
    bytes_consume(&s->request, (uint32_t)(head_len + body_len));
    if (s->message.failed) {
        return AMT_ENOMEM;
    }
    s->owes_fin = false;
    s->tries = 0;
    send_request(s);
    return AMT_OK;
}

static enum amt_err port_write(struct stream *base, const void *out, uint32_t len)
{
    struct rps_stream *s = stream_of(base);
    if (s->client == NULL || s->has_ended) {
        return AMT_ECLOSED;
    }
    if (s->port == PORT_PLAIN) {
        return write_plain(s, out, len);
    }
    if (!s->has_answered) {
        uint64_t limit = s->client->server->settings.answer_limit_us;
        timer_start(&s->answer, limit == 0 ? ANSWER_LIMIT_US : limit);
    }
    rps_client_send(s->client, RPS_TLS_DATA, out, len, NULL);
    return AMT_OK;
}

static uint32_t port_queued(const struct stream *base)
{
    (void)base;
    return 0; /* the websocket's queue is the queue, and its limit ends the client */
}

static void port_set_limit(struct stream *base, uint32_t bytes)
{
    (void)base;
    (void)bytes;
}

static void port_pause(struct stream *base)
{
    stream_of(base)->is_paused = true;
}

static void port_resume(struct stream *base)
{
    struct rps_stream *s = stream_of(base);
    s->is_paused = false;
    loop_task_post(&s->task);
}

static void port_shutdown(struct stream *base)
{
    (void)base; /* the protocol has no word for it */
}

static void port_close(struct stream *base)
{
    struct rps_stream *s = stream_of(base);
    if (s->client != NULL) {
        struct rps_stream **at = &s->client->streams;
        while (*at != s) {
            at = &(*at)->next;
        }
        *at = s->next;
        if (s->client->asking == s) {
            s->client->asking = NULL;
        }
        /* The client learns of it with the next ClientHello; what it says of this one until then is not
         * meant for the next. */
        s->client->owes_reset =
            s->client->owes_reset || (s->port != PORT_PLAIN && s->has_answered && !s->has_ended);
    }
    loop_task_cancel(&s->task);
    timer_stop(&s->answer);
    bytes_fini(&s->request);
    bytes_fini(&s->kept);
    text_fini(&s->message);
    amt_free(s);
}

static void port_peer_name(const struct stream *base, char out[static STREAM_NAME_BYTES])
{
    const struct rps_stream *s = (const struct rps_stream *)base;
    (void)snprintf(out, STREAM_NAME_BYTES, "rps:%u", s->port);
}

struct stream *rps_stream_open(void *ctx, uint32_t port)
{
    static const struct stream_class k_class = {
        .write = port_write,
        .queued_bytes = port_queued,
        .set_write_limit = port_set_limit,
        .pause = port_pause,
        .resume = port_resume,
        .shutdown = port_shutdown,
        .close = port_close,
        .reset = port_close,
        .peer_name = port_peer_name,
        .local_name = port_peer_name,
    };
    struct rps_client *c = ctx;
    struct loop *loop = c->server->settings.activation.loop;
    struct rps_stream *s = amt_alloc(sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    stream_init(&s->stream, &k_class);
    s->client = c;
    s->port = port;
    s->next = c->streams;
    c->streams = s;
    loop_task_init(&s->task, loop, on_task, s);
    timer_init(&s->answer, loop, on_late, s);
    return &s->stream;
}

/* --- from the client --------------------------------------------------------------------------- */

/* An answer to an earlier request, that came too late. */
static bool is_stale(const struct rps_stream *s, const char *in, size_t len)
{
    const char *at = find(in, len, "RelatesTo>");
    if (at == NULL || s->message_id[0] == '\0') {
        return false;
    }
    at += 10;
    size_t left = len - (size_t)(at - in);
    size_t n = strlen(s->message_id);
    return left < n + 1 || memcmp(at, s->message_id, n) != 0 || at[n] != '<';
}

/* RPS takes a 200 that is not chunked for a parse error (7.5, F57). */
static void note_form(const struct rps_client *c, const char *in, size_t len)
{
    size_t line_len = 0;
    const char *end = find(in, len, "\r\n\r\n");
    bool is_good = len > 12 && memcmp(in + 8, " 200", 4) == 0;
    if (is_good && end != NULL &&
        header_line(in, (size_t)(end - in) + 4, "Transfer-Encoding", &line_len) == NULL) {
        LOG(c->server->settings.activation.log, LOG_WARN, "rps.not_chunked",
            log_text("code", activation_failure_code(ACT_F_ANSWER_NOT_CHUNKED)),
            log_text("uuid", c->device.uuid), log_text("peer", c->peer));
    }
}

static void arrive(struct rps_stream *s, const uint8_t *in, uint32_t len)
{
    if (bytes_append(&s->kept, in, len) != AMT_OK) {
        end_stream(s, STREAM_END_LOCAL, "out of memory");
    }
    loop_task_post(&s->task);
}

void rps_streams_response(struct rps_client *c, const uint8_t *in, uint32_t len)
{
    struct rps_stream *s = c->asking;
    if (s == NULL || len == 0 || is_stale(s, (const char *)in, len)) {
        LOG(c->server->settings.activation.log, LOG_INFO, "rps.response_ignored",
            log_text("peer", c->peer), log_u64("bytes", len));
        return;
    }
    note_form(c, (const char *)in, len);
    c->asking = NULL;
    timer_stop(&s->answer);
    s->owes_fin = true; /* every request has a connection of its own */
    arrive(s, in, len);
}

static struct rps_stream *tls_stream(const struct rps_client *c)
{
    struct rps_stream *s = c->streams;
    while (s != NULL && s->port == PORT_PLAIN) {
        s = s->next;
    }
    return s;
}

#define TLS_ALERT        0x15
#define TLS_HANDSHAKE    0x16
#define TLS_SERVER_HELLO 2
#define PLAIN_ALERT_LEN  2

/* What a server's first bytes on a connection can be: ServerHello, or an alert that is not encrypted. Other
 * records belong to the connection before. */
static bool begins_connection(const uint8_t *in, uint32_t len)
{
    return len > 5 && ((in[0] == TLS_HANDSHAKE && in[5] == TLS_SERVER_HELLO) ||
                       (in[0] == TLS_ALERT && in[3] == 0 && in[4] == PLAIN_ALERT_LEN));
}

void rps_streams_tls_data(struct rps_client *c, const uint8_t *in, uint32_t len)
{
    struct rps_stream *s = tls_stream(c);
    if (s == NULL || s->has_ended || (!s->has_answered && !begins_connection(in, len))) {
        return;
    }
    if (!s->has_answered) {
        s->has_answered = true;
        timer_stop(&s->answer);
        c->owes_reset = false;
    }
    arrive(s, in, len);
}

void rps_streams_reset(struct rps_client *c, const char *why)
{
    struct rps_stream *tls = tls_stream(c); /* what is meant, when there is one (7.5) */
    struct rps_stream *s = tls != NULL ? tls : c->asking;
    if (s == NULL) {
        c->owes_reset = false;
        return;
    }
    if (s == tls && !s->has_answered && c->owes_reset) {
        c->owes_reset = false; /* of the connection before */
        return;
    }
    if (s == c->asking) {
        c->asking = NULL;
    }
    timer_stop(&s->answer);
    end_stream(s, STREAM_END_RESET, why);
}

void rps_streams_end(struct rps_client *c)
{
    while (c->streams != NULL) {
        struct rps_stream *s = c->streams;
        c->streams = s->next;
        s->client = NULL;
        timer_stop(&s->answer);
        end_stream(s, STREAM_END_RESET, "the client has left");
    }
    c->asking = NULL;
}
