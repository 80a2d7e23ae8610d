/*
 * An APF channel as a stream: plumbing for both ends. Backpressure is the channel's window: what the
 * reader has not taken is not given back as credit. Channels have no half-close (apf.md 5.5): after
 * stream_shutdown only our own writing has ended.
 */
#ifndef AMTLAB_RUNTIME_APF_STREAM_H
#define AMTLAB_RUNTIME_APF_STREAM_H

#include "base/bytes.h"
#include "protocol/apf/mux.h"
#include "runtime/loop.h"
#include "runtime/stream_class.h"

/* Embedded in the owner's struct; the channel's ctx points to it. */
struct apf_stream {
    struct stream stream;
    struct loop *loop;
    struct apf_channel *channel; /* NULL before it is attached, and after its end */
    /* The reader closed the stream: its channel is being closed; frees the container. */
    void (*on_release)(struct apf_stream *s);
    struct loop_task task; /* what must not happen inside the reader's calls */
    struct bytes early;    /* written before the channel was open */
    struct bytes kept;     /* received while paused; not given back yet */
    struct stream_end end;
    bool is_open, is_paused, has_shut_down;
    bool has_ended; /* on_end is due or was called */
    bool was_told;
    char peer[STREAM_NAME_BYTES];
};

void apf_stream_init(struct apf_stream *s, struct loop *loop, const char *peer,
                     void (*on_release)(struct apf_stream *s));
/* Takes a channel whose open is on its way; what was written early waits for apf_stream_opened. */
void apf_stream_attach(struct apf_stream *s, struct apf_channel *channel);
/* Takes a channel that the peer opened: it carries data at once. */
void apf_stream_accept(struct apf_stream *s, struct apf_channel *channel);
/* The channel has no stream any more (it is gone, or tried elsewhere). */
void apf_stream_detach(struct apf_stream *s);

/* The mux's callbacks, passed on. */
void apf_stream_opened(struct apf_stream *s);
void apf_stream_data(struct apf_stream *s, const uint8_t *in, uint32_t len);
void apf_stream_drain(struct apf_stream *s);
/* Tells the reader once everything received was read; later calls are ignored. */
void apf_stream_end(struct apf_stream *s, enum stream_end_kind kind, const char *text);

#endif
