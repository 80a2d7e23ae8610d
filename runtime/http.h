/* HTTP/1.1 over any stream, both sides; parsing by http_parser (docs/adr/0001). */
#ifndef AMTLAB_RUNTIME_HTTP_H
#define AMTLAB_RUNTIME_HTTP_H

#include "base/text.h"
#include "runtime/loop.h"
#include "runtime/stream.h"

#define HTTP_HEAD_MAX_BYTES 16384u
#define HTTP_BODY_MAX_BYTES (1024u * 1024u)

struct http_header {
    const char *name, *value;
};
struct http_request {
    const char *method, *target; /* target as sent: path and query */
    const struct http_header *headers;
    uint32_t header_count;
    const char *body;
    uint32_t body_len;
    bool is_upgrade; /* Connection: upgrade was asked */
};
/* Value of a header, case-insensitive; NULL. */
const char *http_header_find(const struct http_header *headers, uint32_t count, const char *name);

struct http_server_connection;
struct http_limits {
    uint32_t head_max_bytes, body_max_bytes; /* 0 = the defaults above */
    uint64_t idle_limit_us;                  /* between requests, and per request; 0 = 30 s */
    /* Answers instead of us what is no HTTP or above a limit; must call http_respond or
     * http_respond_raw. NULL: a short text. The connection ends with the answer. */
    void (*refuse)(void *ctx, struct http_server_connection *connection, int status);
};
/* One whole request; answer with http_respond, at once or later (until then the next one waits). */
typedef void http_request_fn(void *ctx, struct http_server_connection *connection,
                             const struct http_request *request);
/* on_end: the connection is gone (last callback, exactly one; also after http_server_close and
 * http_upgrade, from inside them). Takes the stream. pre[0, pre_len) are bytes already read from
 * it. NULL without memory. What is no HTTP or above a limit is answered with 400, 408, 413 or
 * 431. */
struct http_server_connection *http_serve(struct loop *loop, struct stream *s,
                                          const struct http_limits *limits,
                                          http_request_fn *on_request, void (*on_end)(void *ctx),
                                          void *ctx, const uint8_t *pre, uint32_t pre_len);
/* headers: extra "Name: value\r\n" lines or NULL. Content-Length and Connection are added; HEAD and
 * 204 send no body. */
void http_respond(struct http_server_connection *connection, int status, const char *content_type,
                  const char *headers, const void *body, uint32_t body_len);
/* A whole answer, head and body as they shall be on the wire. */
void http_respond_raw(struct http_server_connection *connection, const void *bytes, uint32_t len);
/* Answers 101 with headers (Upgrade and Connection among them) and hands the stream over,
 * without a handler, with the bytes read ahead. NULL if the client has left or memory is short.
 * Either way the connection is gone. */
struct stream *http_upgrade(struct http_server_connection *connection, const char *headers,
                            struct text *read_ahead);
/* The next answer carries "Connection: close" and ends the connection. */
void http_close_after_response(struct http_server_connection *connection);
void http_server_close(struct http_server_connection *connection);

struct http_response {
    int status;
    const struct http_header *headers;
    uint32_t header_count;
    const char *body;
    uint32_t body_len;
    const char *error; /* NULL, or why there is no whole response; status and headers are those of a
                          head that came all the same, else 0 */
    const struct stream_end *end; /* with error: how the connection ended; NULL */
    bool has_started;             /* bytes of an answer came */
    bool is_late;                 /* with error: a limit of time passed */
};
typedef void http_response_fn(void *ctx, const struct http_response *response);
/* What to ask; read during the call only. */
struct http_request_spec {
    const char *method, *target, *host;
    const char *headers; /* lines with CRLF, or NULL */
    const void *body;
    uint32_t body_len;
    uint64_t limit_us;            /* for the whole exchange */
    uint64_t first_byte_limit_us; /* until the answer begins; 0: only limit_us counts */
};
/* One request on a connected (or connecting) stream, which it takes and closes. on_response comes
 * exactly once, from inside this call only if the request cannot be sent; what response points to
 * lives until it returns. */
void http_fetch(struct loop *loop, struct stream *s, const struct http_request_spec *request,
                http_response_fn *on_response, void *ctx);

/* A client's connection for several requests, one at a time (no pipelining). Takes the stream, which
 * may still be connecting. NULL without memory. */
struct http_client;
struct http_client *http_client_new(struct loop *loop, struct stream *s);
/* Whether another request may be sent: none is under way, the connection lives, and the last answer
 * allows it. Bytes that nobody asked for end the connection. */
bool http_client_is_usable(const struct http_client *client);
/* As http_fetch, but the connection stays where both sides allow it. From on_response the client may
 * be asked again or closed. */
void http_client_ask(struct http_client *client, const struct http_request_spec *request,
                     http_response_fn *on_response, void *ctx);
/* A request under way gets no answer any more. NULL is allowed. */
void http_client_close(struct http_client *client);

#endif
