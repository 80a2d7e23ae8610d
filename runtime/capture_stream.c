/* The stream that looks on: everything passes as it is, in the same cutting. */
#include <stdio.h>

#include "base/memory.h"
#include "runtime/capture_internal.h"
#include "runtime/stream_class.h"
#include "runtime/tls.h"

struct capture_stream {
    struct stream stream;
    struct capture *capture;
    struct capture_session *session; /* NULL: not open yet, or without memory */
    struct stream *inner;            /* NULL once the owner has let go */
    uint32_t depth;                  /* calls into the owner that are under way */
    bool is_device;
};

static struct capture_stream *self(struct stream *s)
{
    return (struct capture_stream *)(void *)s;
}

static const struct capture_stream *self_const(const struct stream *s)
{
    return (const struct capture_stream *)(const void *)s;
}

static void begin(struct capture_stream *c)
{
    char own[STREAM_NAME_BYTES] = "";
    char peer[STREAM_NAME_BYTES] = "";
    char tls[64];
    char comment[96];
    if (c->session != NULL || c->inner == NULL) {
        return;
    }
    stream_local_name(c->inner, own);
    stream_peer_name(c->inner, peer);
    tls_describe(c->inner, tls, sizeof tls);
    (void)snprintf(comment, sizeof comment, "a session begins; TLS: %.60s", tls);
    c->session = capture_session_new(c->capture, c->is_device ? own : peer,
                                     c->is_device ? peer : own, comment);
}

static void note_end(struct capture_stream *c, bool by_owner, bool is_reset, const char *comment)
{
    if (c->session != NULL) {
        capture_session_end(c->session, by_owner == c->is_device, is_reset, comment);
    }
}

/* The owner may let go inside a call of ours; then the call's end frees. */
static void leave(struct capture_stream *c)
{
    if (--c->depth == 0 && c->inner == NULL) {
        capture_session_free(c->session);
        capture_release(c->capture);
        amt_free(c);
    }
}

/* ---- from the inner stream ---- */

static void on_open(void *ctx)
{
    struct capture_stream *c = ctx;
    c->depth++;
    begin(c);
    stream_emit_open(&c->stream);
    leave(c);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct capture_stream *c = ctx;
    c->depth++;
    begin(c); /* accepted TCP is open from the start */
    if (c->session != NULL) {
        capture_session_data(c->session, !c->is_device, in, len);
    }
    stream_emit_data(&c->stream, in, len);
    leave(c);
}

static void on_drain(void *ctx)
{
    struct capture_stream *c = ctx;
    c->depth++;
    stream_emit_drain(&c->stream);
    leave(c);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct capture_stream *c = ctx;
    c->depth++;
    note_end(c, false, end->kind != STREAM_END_FIN, end->text[0] == '\0' ? NULL : end->text);
    stream_emit_end(&c->stream, end);
    leave(c);
}

static const struct stream_handler k_inner = {
    .on_open = on_open, .on_data = on_data, .on_drain = on_drain, .on_end = on_end
};

/* ---- from the owner ---- */

static enum amt_err do_write(struct stream *s, const void *out, uint32_t len)
{
    struct capture_stream *c = self(s);
    enum amt_err err = stream_write(c->inner, out, len);
    if (err == AMT_OK) {
        begin(c);
        if (c->session != NULL) {
            capture_session_data(c->session, c->is_device, out, len);
        }
    }
    return err;
}

static uint32_t do_queued_bytes(const struct stream *s)
{
    return stream_queued_bytes(self_const(s)->inner);
}

static void do_set_write_limit(struct stream *s, uint32_t bytes)
{
    stream_set_write_limit(self(s)->inner, bytes);
}

static void do_pause(struct stream *s)
{
    stream_pause(self(s)->inner);
}

static void do_resume(struct stream *s)
{
    stream_resume(self(s)->inner);
}

static void do_shutdown(struct stream *s)
{
    note_end(self(s), true, false, NULL);
    stream_shutdown(self(s)->inner);
}

static void let_go(struct capture_stream *c)
{
    c->depth++;
    c->inner = NULL;
    leave(c);
}

static void do_close(struct stream *s)
{
    struct capture_stream *c = self(s);
    note_end(c, true, false, NULL);
    stream_close(c->inner);
    let_go(c);
}

static void do_reset(struct stream *s)
{
    struct capture_stream *c = self(s);
    note_end(c, true, true, "cut by its owner");
    stream_reset(c->inner);
    let_go(c);
}

static void do_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_peer_name(self_const(s)->inner, out);
}

static void do_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_local_name(self_const(s)->inner, out);
}

static struct ssl_st *do_tls(const struct stream *s)
{
    return stream_tls(self_const(s)->inner);
}

static const struct stream_class k_class = { .write = do_write,
                                             .queued_bytes = do_queued_bytes,
                                             .set_write_limit = do_set_write_limit,
                                             .pause = do_pause,
                                             .resume = do_resume,
                                             .shutdown = do_shutdown,
                                             .close = do_close,
                                             .reset = do_reset,
                                             .peer_name = do_peer_name,
                                             .local_name = do_local_name,
                                             .tls = do_tls };

struct stream *capture_stream(struct capture *capture, bool is_device, struct stream *inner)
{
    struct capture_stream *c = capture == NULL ? NULL : amt_alloc(sizeof *c);
    if (c == NULL) {
        return inner;
    }
    stream_init(&c->stream, &k_class);
    c->capture = capture;
    capture->references++;
    c->inner = inner;
    c->is_device = is_device;
    stream_set_handler(inner, &k_inner, c);
    return &c->stream;
}
