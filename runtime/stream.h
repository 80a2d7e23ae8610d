/*
 * A stream: an ordered byte pipe with backpressure. Implementations: tcp (real or virtual network),
 * tls over any stream, memory pair, APF channel, fault filters. HTTP, WS-Man and redirection run over
 * a stream, so the same code serves a socket, a CIRA channel and a test.
 */
#ifndef AMTLAB_RUNTIME_STREAM_H
#define AMTLAB_RUNTIME_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define STREAM_NAME_BYTES 80
#define STREAM_TEXT_BYTES 256

enum stream_end_kind {
    STREAM_END_FIN, /* the peer finished in order (TLS: close_notify or, if tolerated, bare FIN) */
    STREAM_END_RESET,   /* connection reset, by peer or network */
    STREAM_END_REFUSED, /* connect: refused or unreachable */
    STREAM_END_RESOLVE, /* connect: name not known */
    STREAM_END_TIMEOUT, /* connect or close took too long */
    STREAM_END_TLS,     /* handshake or record failure; tls_alert if one was sent or received */
    STREAM_END_LOCAL    /* no memory, or a limit of ours */
};
/* "fin", "reset", "refused", ... */
const char *stream_end_name(enum stream_end_kind kind);

struct stream_end {
    enum stream_end_kind kind;
    int tls_alert;                /* TLS alert number, -1 for none */
    bool alert_is_ours;           /* we sent it (we refused the peer's certificate, say) */
    char text[STREAM_TEXT_BYTES]; /* for people, e.g. "certificate verify failed: unknown CA" */
};

/* Callbacks to the owner; any may be NULL. They may call any stream function, also close. */
struct stream_handler {
    void (*on_open)(
        void *ctx); /* connected; TLS: handshake complete. Not called for accepted tcp. */
    /* Borrowed bytes; the owner must take them all (pause first to get no more afterwards). */
    void (*on_data)(void *ctx, const uint8_t *in, uint32_t len);
    void (*on_drain)(void *ctx); /* the write queue has become empty after it was not */
    /* Called at most once: nothing more will arrive. After FIN the owner may still write; after any
     * other kind only stream_close is left to do. The stream lives until the owner closes it. The end
     * comes behind the last bytes, so a paused stream may be told it only after stream_resume; if a
     * connection breaks while bytes are queued, the paused or half-closed owner gets on_drain. */
    void (*on_end)(void *ctx, const struct stream_end *end);
};

struct stream;
struct ssl_st;

void stream_set_handler(struct stream *s, const struct stream_handler *handler, void *ctx);

/* Takes all bytes: sends what it can, queues the rest. AMT_ELIMIT when bytes are queued and the queue
 * would pass the write limit (nothing is taken; into an empty queue a message of any size goes),
 * AMT_ECLOSED after an end or shutdown, AMT_ENOMEM. Before on_open bytes are queued. */
enum amt_err stream_write(struct stream *s, const void *out, uint32_t len) AMT_MUST_USE;
uint32_t stream_queued_bytes(const struct stream *s);
/* Default 1 MiB. */
void stream_set_write_limit(struct stream *s, uint32_t bytes);
/* No on_data until resume: the peer's writes back up. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
/* FIN (TLS: close_notify, then FIN) after the queue; reading goes on. */
void stream_shutdown(struct stream *s);
/* Orderly: no further callbacks, the pointer is dead for the caller; queued bytes and a FIN still go
 * out in the background for at most 5 s. NULL is allowed. */
void stream_close(struct stream *s);
/* At once, with a RST and without flushing. NULL is allowed. */
void stream_reset(struct stream *s);

/* "192.0.2.7:51324" */
void stream_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES]);
void stream_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES]);
/* The TLS object of this stream or of one below; NULL for plain ones. */
struct ssl_st *stream_tls(const struct stream *s);

/* Two streams that are each other's peer, in either world: open from the start (no on_open), 64 KiB of
 * window, delivery in later turns of the loop, in order. AMT_ENOMEM. */
struct loop;
enum amt_err stream_memory_pair(struct loop *loop, struct stream **a,
                                struct stream **b) AMT_MUST_USE;

/*
 * Where a filter may be put into an actor's stack: under TLS (`tcp`) or above it (`apf`).
 * wrap returns the stream the actor shall use, usually a filter that owns inner; it never fails: on
 * error it returns inner. A NULL hook wraps nothing.
 */
enum stream_layer { STREAM_LAYER_TCP, STREAM_LAYER_APF };
struct stream_wrap {
    struct stream *(*wrap)(void *ctx, enum stream_layer layer, struct stream *inner);
    void *ctx;
};

#endif
