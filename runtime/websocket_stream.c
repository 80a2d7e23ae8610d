/* A websocket as a stream of the bytes of its binary messages. */
#include "runtime/websocket_internal.h"

static struct websocket *websocket_of(struct stream *s)
{
    return (struct websocket *)s;
}

static void view_opened(void *ctx)
{
    stream_emit_open(ctx);
}

static void view_message(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len)
{
    (void)kind;
    if (len > 0) {
        stream_emit_data(ctx, in, len);
    }
}

static void view_drained(void *ctx)
{
    stream_emit_drain(ctx);
}

static void view_ended(void *ctx, const struct websocket_end *end)
{
    stream_emit_end(ctx, &end->stream);
}

static enum amt_err view_write(struct stream *s, const void *out, uint32_t len)
{
    return websocket_send(websocket_of(s), WEBSOCKET_BINARY, out, len);
}

static uint32_t view_queued(const struct stream *s)
{
    return websocket_queued_bytes((const struct websocket *)s);
}

static void view_set_limit(struct stream *s, uint32_t bytes)
{
    websocket_set_write_limit(websocket_of(s), bytes);
}

static void view_pause(struct stream *s)
{
    websocket_pause(websocket_of(s));
}

static void view_resume(struct stream *s)
{
    websocket_resume(websocket_of(s));
}

/* Reading goes on until the peer answers the close frame. */
static void view_shutdown(struct stream *s)
{
    struct websocket *ws = websocket_of(s);
    if (!ws->has_ended) {
        websocket_say_close(ws, WEBSOCKET_NORMAL, "");
    }
}

static void view_close(struct stream *s)
{
    websocket_close(websocket_of(s), WEBSOCKET_NORMAL, "");
}

static void view_reset(struct stream *s)
{
    websocket_drop(websocket_of(s));
}

static void view_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_peer_name(((const struct websocket *)s)->lower, out);
}

static void view_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_local_name(((const struct websocket *)s)->lower, out);
}

static struct ssl_st *view_tls(const struct stream *s)
{
    return stream_tls(((const struct websocket *)s)->lower);
}

struct stream *websocket_stream(struct websocket *ws)
{
    static const struct stream_class k_class = {
        .write = view_write,
        .queued_bytes = view_queued,
        .set_write_limit = view_set_limit,
        .pause = view_pause,
        .resume = view_resume,
        .shutdown = view_shutdown,
        .close = view_close,
        .reset = view_reset,
        .peer_name = view_peer_name,
        .local_name = view_local_name,
        .tls = view_tls,
    };
    static const struct websocket_handler k_view = { .on_open = view_opened,
                                                     .on_message = view_message,
                                                     .on_drain = view_drained,
                                                     .on_end = view_ended };
    stream_init(&ws->view, &k_class);
    ws->refuses_text = true;
    websocket_set_handler(ws, &k_view, &ws->view);
    return &ws->view;
}
