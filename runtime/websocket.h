/*
 * WebSocket (RFC 6455), both sides, over any stream; frames by wslay. No extensions. Messages come
 * whole; pings are answered. A websocket can be looked at as a stream, too: websocket_stream.
 */
#ifndef AMTLAB_RUNTIME_WEBSOCKET_H
#define AMTLAB_RUNTIME_WEBSOCKET_H

#include "base/diag.h"
#include "runtime/http.h"
#include "runtime/loop.h"
#include "runtime/stream.h"

#define WEBSOCKET_MESSAGE_MAX_BYTES (1024u * 1024u)
#define WEBSOCKET_REASON_BYTES      124 /* with its 0 */

enum websocket_kind { WEBSOCKET_TEXT, WEBSOCKET_BINARY };

/* Codes of a close frame (RFC 6455, 7.4.1); 1005 and 1006 are never sent. */
enum websocket_code {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_UNSUPPORTED = 1003, /* a kind of message that is not taken */
    WEBSOCKET_NO_CODE = 1005,     /* a close frame without a code */
    WEBSOCKET_ABNORMAL = 1006,    /* no close frame came */
    WEBSOCKET_NOT_UTF8 = 1007,
    WEBSOCKET_POLICY = 1008,
    WEBSOCKET_TOO_BIG = 1009,
    WEBSOCKET_INTERNAL = 1011
};

struct websocket_end {
    uint16_t code;                       /* of the peer's close frame or of ours */
    bool is_by_peer;                     /* the peer closed in order */
    int http_status;                     /* client: the answer that refused the upgrade; else 0 */
    char reason[WEBSOCKET_REASON_BYTES]; /* of the peer's close frame */
    struct stream_end stream; /* how the connection itself ended, and the whole in one text */
};

/* Callbacks to the owner; any may be NULL. They may call everything here, also websocket_close. */
struct websocket_handler {
    void (*on_open)(void *ctx); /* client: the server has agreed. Not called on a server */
    void (*on_message)(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len);
    void (*on_drain)(void *ctx); /* the write queue has become empty after it was not */
    /* At most once, behind the last message: nothing more comes, only websocket_close is left. */
    void (*on_end)(void *ctx, const struct websocket_end *end);
};

/* Zero-initialised fields take the defaults in brackets. Read during the call only. */
struct websocket_settings {
    uint32_t message_max_bytes; /* longer ones end it with 1009 [WEBSOCKET_MESSAGE_MAX_BYTES] */
    uint32_t write_limit_bytes; /* [1 MiB] */
    bool refuses_text, refuses_binary; /* such a message ends it with 1003 */
    uint64_t ping_interval_us;   /* a ping after so much silence, the end after twice that [none] */
    uint64_t handshake_limit_us; /* client: connect and upgrade [60 s] */
    /* Server: Origin must be one of these when it is there; NULL-terminated. NULL: any. */
    const char *const *origins;
    /* Server: the first of these that the client offers is agreed. Client: offered. NULL: none. */
    const char *const *subprotocols;
    bool needs_subprotocol; /* none agreed: the upgrade fails */
};

struct websocket;

/* Server: answers an upgrade request from inside its http_request_fn. NULL: the request was no proper
 * WebSocket upgrade or may not come in, and has been answered (400, 403, 405, 426), or memory is short,
 * or the client has left. Callbacks come from later turns only. */
struct websocket *websocket_accept(struct loop *loop, struct http_server_connection *connection,
                                   const struct http_request *request,
                                   const struct websocket_settings *settings,
                                   const struct websocket_handler *handler, void *ctx);

/* ws://host[:port]/path or wss://…; query stays in target, a fragment is not allowed. */
struct websocket_url {
    bool is_tls;
    char host[254]; /* IPv6 without brackets */
    uint16_t port;  /* 80 and 443 if none is there */
    char host_header[264];
    char target[1024];
};
/* AMT_EMALFORMED with diag: what is wrong with it. */
enum amt_err websocket_url_parse(const char *text, struct websocket_url *url,
                                 struct amt_diag *diag) AMT_MUST_USE;

struct websocket_request {
    const char *target, *host; /* of the request line and the Host header */
    const char *origin;        /* NULL: not sent */
    const char *headers;       /* further lines with CRLF, or NULL */
};
/* Client: takes the stream, which may still be connecting, and asks for the upgrade. on_open or on_end
 * follows, never from inside this call. NULL without memory (the stream is closed then). */
struct websocket *websocket_connect(struct loop *loop, struct stream *s,
                                    const struct websocket_request *request,
                                    const struct websocket_settings *settings,
                                    const struct websocket_handler *handler, void *ctx);

void websocket_set_handler(struct websocket *ws, const struct websocket_handler *handler,
                           void *ctx);
/* The subprotocol that was agreed, or "". */
const char *websocket_subprotocol(const struct websocket *ws);
/* One message in one frame; before on_open it is queued. AMT_ELIMIT when bytes are queued and the
 * queue would pass the write limit, AMT_ECLOSED after the end, AMT_ENOMEM; nothing is taken then. */
enum amt_err websocket_send(struct websocket *ws, enum websocket_kind kind, const void *out,
                            uint32_t len) AMT_MUST_USE;
uint32_t websocket_queued_bytes(const struct websocket *ws);
/* No on_message until resume: the peer's writes back up. */
void websocket_pause(struct websocket *ws);
void websocket_resume(struct websocket *ws);
/* "192.0.2.7:51324" */
void websocket_peer_name(const struct websocket *ws, char out[static STREAM_NAME_BYTES]);
/* A close frame with this code, if none was sent; no further callbacks, the pointer is dead. What is
 * queued still goes out (stream_close). NULL is allowed. */
void websocket_close(struct websocket *ws, uint16_t code, const char *reason);

/*
 * The websocket as a stream; from here on only stream.h is used with it (stream_close closes it).
 * Each write is one binary message, binary messages are bytes that arrive, on_open and on_end are the
 * stream's; a text message ends it. A close frame with 1000, 1001 or without a code is a FIN, anything
 * else a reset with its text.
 */
struct stream *websocket_stream(struct websocket *ws);

#endif
