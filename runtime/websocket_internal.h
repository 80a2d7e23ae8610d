/* What the frames (websocket.c), the handshake (websocket_handshake.c) and the view as a stream
 * (websocket_stream.c) share. */
#ifndef AMTLAB_RUNTIME_WEBSOCKET_INTERNAL_H
#define AMTLAB_RUNTIME_WEBSOCKET_INTERNAL_H

#include <wslay/wslay.h>

#include "base/bytes.h"
#include "runtime/http_internal.h"
#include "runtime/stream_class.h"
#include "runtime/websocket.h"

#define WEBSOCKET_ACCEPT_BYTES      29 /* base64 of SHA-1, with its 0 */
#define WEBSOCKET_SUBPROTOCOL_BYTES 64

/* A message that waits for its owner. */
struct websocket_message {
    struct websocket_message *next;
    enum websocket_kind kind;
    uint32_t len;
    uint8_t bytes[];
};

/* A client's upgrade that is under way. */
struct websocket_upgrade {
    struct http_message message;
    char accept[WEBSOCKET_ACCEPT_BYTES];
    char **offered; /* NULL-terminated copies */
    bool needs_subprotocol;
};

struct websocket {
    struct stream view; /* first: websocket_stream */
    struct loop *loop;
    struct stream *lower;
    wslay_event_context_ptr frames;
    const struct websocket_handler *handler;
    void *ctx;
    struct websocket_upgrade *upgrade; /* NULL: done */
    char subprotocol[WEBSOCKET_SUBPROTOCOL_BYTES];
    struct bytes out;  /* frames that are not in the lower stream yet */
    const uint8_t *in; /* while wslay reads */
    uint32_t in_len;
    struct websocket_message *first, *last;
    struct loop_task task;  /* delivers what has come */
    struct timer handshake; /* client: limit */
    struct timer ping;
    uint64_t ping_interval_us;
    struct websocket_end end;
    uint32_t write_limit_bytes, depth;
    bool refuses_text, refuses_binary;
    bool is_client, is_paused, owes_open;
    bool is_heard;    /* bytes came since the last look of the ping timer */
    bool is_pinged;   /* a ping went out and nothing came since */
    bool is_closing;  /* our close frame is out */
    bool has_ended;   /* end is set */
    bool was_told;    /* and told */
    bool is_released; /* the owner has let go */
};

/* NULL without memory; lower is closed then. */
struct websocket *websocket_new(struct loop *loop, struct stream *lower, bool is_client,
                                const struct websocket_settings *settings,
                                const struct websocket_handler *handler, void *ctx);
/* Bytes of frames from the peer; delivery comes later. */
void websocket_feed(struct websocket *ws, const uint8_t *in, uint32_t len);
/* The end, unless there was one: told behind what has come. */
void websocket_fail(struct websocket *ws, uint16_t code, enum stream_end_kind kind,
                    const char *text);
/* The upgrade is done: what was written meanwhile goes out. */
void websocket_opened(struct websocket *ws);
/* Our close frame, once. */
void websocket_say_close(struct websocket *ws, uint16_t code, const char *reason);

void websocket_set_write_limit(struct websocket *ws, uint32_t bytes);
/* Without a close frame, at once. */
void websocket_drop(struct websocket *ws);

/* Feeds the answer to the upgrade; returns the bytes used. Opens or fails the websocket. */
uint32_t websocket_upgrade_feed(struct websocket *ws, const uint8_t *in, uint32_t len);
void websocket_upgrade_free(struct websocket_upgrade *upgrade);
/* Sec-WebSocket-Accept for a key. */
enum amt_err websocket_accept_value(const char *key,
                                    char out[static WEBSOCKET_ACCEPT_BYTES]) AMT_MUST_USE;

#endif
