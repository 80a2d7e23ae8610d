/* For those who implement a stream: the table behind stream.h. */
#ifndef AMTLAB_RUNTIME_STREAM_CLASS_H
#define AMTLAB_RUNTIME_STREAM_CLASS_H

#include "runtime/stream.h"

struct stream_class {
    enum amt_err (*write)(struct stream *s, const void *out, uint32_t len);
    uint32_t (*queued_bytes)(const struct stream *s);
    void (*set_write_limit)(struct stream *s, uint32_t bytes);
    void (*pause)(struct stream *s);
    void (*resume)(struct stream *s);
    void (*shutdown)(struct stream *s);
    void (*close)(struct stream *s);
    void (*reset)(struct stream *s);
    void (*peer_name)(const struct stream *s, char out[static STREAM_NAME_BYTES]);
    void (*local_name)(const struct stream *s, char out[static STREAM_NAME_BYTES]);
    struct ssl_st *(*tls)(const struct stream *s); /* may be NULL */
};

/* First member of every implementation. */
struct stream {
    const struct stream_class *class;
    const struct stream_handler *handler; /* never NULL: an empty one stands in */
    void *ctx;
};

/* Sets class and the empty handler. */
void stream_init(struct stream *s, const struct stream_class *class);
/* Calls of the handler; NULL members are skipped. */
void stream_emit_open(struct stream *s);
void stream_emit_data(struct stream *s, const uint8_t *in, uint32_t len);
void stream_emit_drain(struct stream *s);
void stream_emit_end(struct stream *s, const struct stream_end *end);

#endif
