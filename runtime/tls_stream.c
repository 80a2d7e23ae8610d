#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/cursor.h"
#include "base/memory.h"
#include "runtime/tls_internal.h"

#define WRITE_LIMIT_BYTES (1024u * 1024u)
/* The lower stream must take whole flights and records: its limit is ours plus room for those. */
#define LOWER_SLACK_BYTES 65536u
#define RECORD_BYTES      16384u

static const struct stream_class k_tls_class;

struct tls_stream *tls_of(struct stream *s)
{
    return s->class == &k_tls_class ? (struct tls_stream *)s : NULL;
}

static void tls_destroy(struct tls_stream *t)
{
    loop_task_cancel(&t->pump);
    SSL_free(t->ssl);
    bytes_fini(&t->kept);
    bytes_fini(&t->early);
    amt_free(t->expected_name);
    tls_context_free(t->context);
    amt_free(t);
}

static void enter(struct tls_stream *t)
{
    t->depth += 1;
}

/* False when the stream is gone. */
static bool leave(struct tls_stream *t)
{
    t->depth -= 1;
    if (t->depth == 0 && t->is_closed) {
        tls_destroy(t);
        return false;
    }
    return true;
}

static void report_end(struct tls_stream *t, const struct stream_end *end)
{
    if (!t->has_ended && !t->is_closed) {
        t->has_ended = true;
        stream_emit_end(&t->stream, end);
    }
}

static void end_with(struct tls_stream *t, enum stream_end_kind kind, const char *text)
{
    struct stream_end end = { .kind = kind,
                              .tls_alert = t->alert,
                              .alert_is_ours = t->alert_is_ours };
    (void)snprintf(end.text, sizeof end.text, "%s", text);
    report_end(t, &end);
}

/* OpenSSL has given up: say why, in the words of whoever knows best. */
static void fail(struct tls_stream *t)
{
    char reason[160];
    char text[STREAM_TEXT_BYTES];
    pki_openssl_reason(reason, sizeof reason);
    const char *stage = t->is_open ? "TLS" : "TLS handshake";
    if (t->why[0] != '\0') {
        (void)snprintf(text, sizeof text, "%s", t->why);
    } else if (t->alert >= 0 && !t->alert_is_ours) {
        (void)snprintf(text, sizeof text, "%s failed: the peer sent alert %d (%s)", stage, t->alert,
                       SSL_alert_desc_string_long(t->alert));
    } else {
        (void)snprintf(text, sizeof text, "%s failed: %s", stage, reason);
    }
    end_with(t, STREAM_END_TLS, text);
}

/* True while the stream may go on. */
static bool is_going(const struct tls_stream *t)
{
    return !t->is_closed && !t->has_ended;
}

/* One record for each write, as if it had come after the handshake. */
static void send_early(struct tls_stream *t)
{
    struct bytes early = t->early;
    t->early = (struct bytes){ .max = 0 };
    while (early.len > 0 && is_going(t)) {
        uint32_t len = 0;
        size_t written = 0;
        memcpy(&len, bytes_front(&early), sizeof len);
        bytes_consume(&early, sizeof len);
        if (SSL_write_ex(t->ssl, bytes_front(&early), len, &written) != 1) {
            fail(t);
        }
        bytes_consume(&early, len);
    }
    bytes_fini(&early);
}

static enum amt_err keep_early(struct tls_stream *t, const void *out, uint32_t len)
{
    uint8_t *room = len > CURSOR_MAX_BYTES ? NULL : bytes_reserve(&t->early, len + sizeof len);
    if (room == NULL) {
        return AMT_ENOMEM;
    }
    memcpy(room, &len, sizeof len);
    memcpy(room + sizeof len, out, len);
    bytes_grown(&t->early, len + sizeof len);
    return AMT_OK;
}

static void send_close_notify(struct tls_stream *t)
{
    if (!t->has_sent_close && t->is_open && !t->is_lower_ended) {
        t->has_sent_close = true;
        ERR_clear_error();
        (void)SSL_shutdown(t->ssl);
        ERR_clear_error();
    }
}

static void finish_writing(struct tls_stream *t)
{
    send_close_notify(t);
    stream_shutdown(t->lower);
}

/* The handshake is complete: what the owner asked for meanwhile is done now. */
static void take_up(struct tls_stream *t)
{
    bool had_early = t->early.len > 0;
    if (t->is_paused) {
        stream_pause(t->lower);
    }
    send_early(t);
    if (t->wants_shutdown && is_going(t)) {
        finish_writing(t);
    }
    if (is_going(t)) {
        stream_emit_open(&t->stream);
    }
    /* If the lower stream could not send it all, its own on_drain follows. */
    if (is_going(t) && had_early && stream_queued_bytes(t->lower) == 0) {
        stream_emit_drain(&t->stream);
    }
}

static bool handshake(struct tls_stream *t)
{
    ERR_clear_error();
    int result = SSL_do_handshake(t->ssl);
    if (result == 1) {
        t->is_open = true;
        take_up(t);
        return is_going(t);
    }
    int error = SSL_get_error(t->ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        fail(t);
    }
    return false;
}

static void read_records(struct tls_stream *t)
{
    uint8_t plain[RECORD_BYTES];
    while (is_going(t) && !t->is_paused) {
        size_t count = 0;
        ERR_clear_error();
        if (SSL_read_ex(t->ssl, plain, sizeof plain, &count) == 1) {
            stream_emit_data(&t->stream, plain, (uint32_t)count);
            continue;
        }
        int error = SSL_get_error(t->ssl, 0);
        if (error == SSL_ERROR_ZERO_RETURN) {
            end_with(t, STREAM_END_FIN, "the peer finished (close_notify)");
        } else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            fail(t);
        }
        return;
    }
}

/* Works with what is in hand; false when the stream has gone. */
static bool pump(struct tls_stream *t)
{
    enter(t);
    if (is_going(t) && (t->is_open || handshake(t))) {
        read_records(t);
    }
    if (is_going(t) && t->has_lower_fin && t->kept.len == 0) {
        end_with(t, STREAM_END_FIN, "the peer finished");
    }
    if (t->has_failed_write && !t->is_lower_ended) {
        end_with(t, STREAM_END_LOCAL, "out of memory: a TLS record could not be sent");
    }
    return leave(t);
}

static void on_pump(void *ctx)
{
    (void)pump(ctx);
}

static void lower_open(void *ctx)
{
    (void)pump(ctx); /* a client's first flight */
}

static void lower_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct tls_stream *t = ctx;
    enter(t);
    if (t->kept.len > 0) {
        if (bytes_append(&t->kept, in, len) != AMT_OK) {
            end_with(t, STREAM_END_LOCAL, "out of memory");
        }
        (void)pump(t);
    } else {
        t->in = in;
        t->in_len = len;
        (void)pump(t);
        if (t->in_len > 0 && is_going(t) && bytes_append(&t->kept, t->in, t->in_len) != AMT_OK) {
            end_with(t, STREAM_END_LOCAL, "out of memory");
        }
        t->in_len = 0;
    }
    (void)leave(t);
}

static void lower_drain(void *ctx)
{
    struct tls_stream *t = ctx;
    if (t->is_open) {
        stream_emit_drain(&t->stream);
    }
}

static void lower_end(void *ctx, const struct stream_end *end)
{
    struct tls_stream *t = ctx;
    enter(t);
    if (end->kind != STREAM_END_FIN) {
        t->is_lower_ended = true;
    }
    if (end->kind == STREAM_END_FIN && !t->is_open) {
        char text[STREAM_TEXT_BYTES];
        (void)snprintf(text, sizeof text,
                       "the peer closed the connection during the TLS handshake");
        end_with(t, STREAM_END_TLS, text);
    } else if (end->kind == STREAM_END_FIN && t->kept.len > 0) {
        t->has_lower_fin = true; /* the owner has paused and has not seen everything yet */
    } else {
        /* A bare FIN without close_notify is what firmware and Node.js servers do: tolerated. */
        report_end(t, end);
    }
    (void)leave(t);
}

static const struct stream_handler k_lower_handler = {
    .on_open = lower_open,
    .on_data = lower_data,
    .on_drain = lower_drain,
    .on_end = lower_end,
};

static void set_lower_limit(struct tls_stream *t)
{
    bool is_large = t->write_limit > UINT32_MAX - LOWER_SLACK_BYTES;
    stream_set_write_limit(t->lower, is_large ? UINT32_MAX : t->write_limit + LOWER_SLACK_BYTES);
}

static enum amt_err write_records(struct tls_stream *t, const void *out, uint32_t len)
{
    bool is_large = len > t->write_limit;
    if (is_large) { /* allowed on an empty queue, and not to fail between two records */
        stream_set_write_limit(t->lower, UINT32_MAX);
    }
    size_t written = 0;
    ERR_clear_error();
    bool is_written = SSL_write_ex(t->ssl, out, len, &written) == 1;
    if (is_large) {
        set_lower_limit(t);
    }
    if (!is_written) {
        ERR_clear_error();
        loop_task_post(&t->pump); /* reports the end, not from inside this call */
        return AMT_ECLOSED;
    }
    return AMT_OK;
}

static enum amt_err tls_write(struct stream *s, const void *out, uint32_t len)
{
    struct tls_stream *t = (struct tls_stream *)s;
    if (t->is_lower_ended || t->wants_shutdown || t->is_closed || t->has_failed_write ||
        (t->has_ended && !t->is_open)) {
        return AMT_ECLOSED;
    }
    uint32_t queued = stream_queued_bytes(t->lower) + t->early.len;
    if (queued > 0 && (len > t->write_limit || queued > t->write_limit - len)) {
        return AMT_ELIMIT;
    }
    if (len == 0) {
        return AMT_OK;
    }
    return t->is_open ? write_records(t, out, len) : keep_early(t, out, len);
}

static uint32_t tls_queued_bytes(const struct stream *s)
{
    const struct tls_stream *t = (const struct tls_stream *)s;
    return stream_queued_bytes(t->lower) + t->early.len;
}

static void tls_set_write_limit(struct stream *s, uint32_t bytes)
{
    struct tls_stream *t = (struct tls_stream *)s;
    t->write_limit = bytes;
    set_lower_limit(t);
}

static void tls_pause(struct stream *s)
{
    struct tls_stream *t = (struct tls_stream *)s;
    t->is_paused = true;
    if (t->is_open) {
        stream_pause(t->lower);
    }
}

static void tls_resume(struct stream *s)
{
    struct tls_stream *t = (struct tls_stream *)s;
    t->is_paused = false;
    stream_resume(t->lower);
    loop_task_post(
        &t->pump); /* what was decrypted or kept comes first, not from inside this call */
}

static void tls_shutdown(struct stream *s)
{
    struct tls_stream *t = (struct tls_stream *)s;
    if (t->wants_shutdown) {
        return;
    }
    t->wants_shutdown = true;
    if (t->is_open || t->has_ended) {
        finish_writing(t);
    }
}

static void let_go(struct tls_stream *t)
{
    t->is_closed = true;
    if (t->depth == 0) {
        tls_destroy(t);
    }
}

static void tls_close(struct stream *s)
{
    struct tls_stream *t = (struct tls_stream *)s;
    send_close_notify(t);
    stream_close(t->lower);
    let_go(t);
}

static void tls_reset(struct stream *s)
{
    struct tls_stream *t = (struct tls_stream *)s;
    stream_reset(t->lower);
    let_go(t);
}

static void tls_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_peer_name(((const struct tls_stream *)s)->lower, out);
}

static void tls_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_local_name(((const struct tls_stream *)s)->lower, out);
}

static struct ssl_st *tls_object(const struct stream *s)
{
    return ((const struct tls_stream *)s)->ssl;
}

static const struct stream_class k_tls_class = {
    .write = tls_write,
    .queued_bytes = tls_queued_bytes,
    .set_write_limit = tls_set_write_limit,
    .pause = tls_pause,
    .resume = tls_resume,
    .shutdown = tls_shutdown,
    .close = tls_close,
    .reset = tls_reset,
    .peer_name = tls_peer_name,
    .local_name = tls_local_name,
    .tls = tls_object,
};

static struct tls_stream *tls_new(struct loop *loop, struct tls_context *context,
                                  struct stream *lower, const struct stream_handler *handler,
                                  void *ctx)
{
    struct tls_stream *t = amt_alloc(sizeof *t);
    if (t == NULL) {
        stream_close(lower);
        return NULL;
    }
    stream_init(&t->stream, &k_tls_class);
    stream_set_handler(&t->stream, handler, ctx);
    t->loop = loop;
    t->context = context;
    context->references += 1;
    t->lower = lower;
    t->alert = -1;
    t->write_limit = WRITE_LIMIT_BYTES;
    loop_task_init(&t->pump, loop, on_pump, t);
    t->ssl = SSL_new(context->ssl);
    BIO *bio = t->ssl == NULL ? NULL : tls_bio_new(t);
    if (bio == NULL) {
        tls_destroy(t);
        stream_close(lower);
        return NULL;
    }
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    /* Validity is judged by the loop's clock, so that a device's clock can be wrong. */
    X509_VERIFY_PARAM_set_time(SSL_get0_param(t->ssl),
                               (time_t)(loop_wall_us(loop) / US_PER_SECOND));
    set_lower_limit(t);
    stream_set_handler(lower, &k_lower_handler, t);
    return t;
}

struct stream *tls_accept(struct loop *loop, struct tls_context *context, struct stream *lower,
                          const struct stream_handler *handler, void *ctx)
{
    struct tls_stream *t = tls_new(loop, context, lower, handler, ctx);
    if (t == NULL) {
        return NULL;
    }
    SSL_set_accept_state(t->ssl);
    return &t->stream;
}

struct stream *tls_connect(struct loop *loop, struct tls_context *context,
                           const struct tls_name_check *check, struct stream *lower,
                           const struct stream_handler *handler, void *ctx)
{
    struct tls_stream *t = tls_new(loop, context, lower, handler, ctx);
    if (t == NULL) {
        return NULL;
    }
    SSL_set_connect_state(t->ssl);
    t->accepts_san = check->or_san;
    if (check->name != NULL) {
        t->expected_name = amt_strdup(check->name);
    }
    if (check->sni != NULL) {
        (void)SSL_set_tlsext_host_name(t->ssl, check->sni);
    }
    if (check->name != NULL && t->expected_name == NULL) {
        stream_close(&t->stream);
        return NULL;
    }
    loop_task_post(&t->pump); /* lower may be connected already: then no on_open comes */
    return &t->stream;
}

bool tls_drop_without_close(struct stream *s)
{
    struct tls_stream *t = tls_of(s);
    if (t == NULL) {
        return false;
    }
    t->wants_shutdown = true;
    t->has_sent_close = true;
    stream_shutdown(t->lower);
    return true;
}
