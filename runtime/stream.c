#include "runtime/stream.h"

#include <string.h>

#include "runtime/stream_class.h"

static const struct stream_handler k_no_handler = { .on_open = NULL };

void stream_init(struct stream *s, const struct stream_class *class)
{
    s->class = class;
    s->handler = &k_no_handler;
    s->ctx = NULL;
}

void stream_set_handler(struct stream *s, const struct stream_handler *handler, void *ctx)
{
    s->handler = handler == NULL ? &k_no_handler : handler;
    s->ctx = ctx;
}

void stream_emit_open(struct stream *s)
{
    if (s->handler->on_open != NULL) {
        s->handler->on_open(s->ctx);
    }
}

void stream_emit_data(struct stream *s, const uint8_t *in, uint32_t len)
{
    if (s->handler->on_data != NULL) {
        s->handler->on_data(s->ctx, in, len);
    }
}

void stream_emit_drain(struct stream *s)
{
    if (s->handler->on_drain != NULL) {
        s->handler->on_drain(s->ctx);
    }
}

void stream_emit_end(struct stream *s, const struct stream_end *end)
{
    if (s->handler->on_end != NULL) {
        s->handler->on_end(s->ctx, end);
    }
}

enum amt_err stream_write(struct stream *s, const void *out, uint32_t len)
{
    return s->class->write(s, out, len);
}

uint32_t stream_queued_bytes(const struct stream *s)
{
    return s->class->queued_bytes(s);
}

void stream_set_write_limit(struct stream *s, uint32_t bytes)
{
    s->class->set_write_limit(s, bytes);
}

void stream_pause(struct stream *s)
{
    s->class->pause(s);
}

void stream_resume(struct stream *s)
{
    s->class->resume(s);
}

void stream_shutdown(struct stream *s)
{
    s->class->shutdown(s);
}

void stream_close(struct stream *s)
{
    if (s != NULL) {
        stream_set_handler(s, NULL, NULL);
        s->class->close(s);
    }
}

void stream_reset(struct stream *s)
{
    if (s != NULL) {
        stream_set_handler(s, NULL, NULL);
        s->class->reset(s);
    }
}

void stream_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    s->class->peer_name(s, out);
}

void stream_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    s->class->local_name(s, out);
}

struct ssl_st *stream_tls(const struct stream *s)
{
    return s->class->tls == NULL ? NULL : s->class->tls(s);
}

const char *stream_end_name(enum stream_end_kind kind)
{
    switch (kind) {
    case STREAM_END_FIN:
        return "fin";
    case STREAM_END_RESET:
        return "reset";
    case STREAM_END_REFUSED:
        return "refused";
    case STREAM_END_RESOLVE:
        return "resolve";
    case STREAM_END_TIMEOUT:
        return "timeout";
    case STREAM_END_TLS:
        return "tls";
    case STREAM_END_LOCAL:
        return "local";
    }
    return "unknown";
}
