#include "tls_fixture.h"

#include <string.h>

#include "base/memory.h"
#include "base/unit.h"

struct tls_pki pki;

struct pki_identity *issue(const char *name, bool is_authority, bool for_server,
                           const struct pki_identity *issuer)
{
    struct pki_request request = { .common_name = name,
                                   .key = PKI_P256,
                                   .is_authority = is_authority,
                                   .for_server = for_server,
                                   .for_client = !is_authority && !for_server };
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_identity *identity = pki_issue(&request, issuer, &diag);
    if (identity == NULL) {
        fail_msg("pki_issue: %s", diag.text);
    }
    return identity;
}

int make_pki(void **state)
{
    (void)state;
    pki.root = issue("Test Root", true, false, NULL);
    pki.other_root = issue("Other Root", true, false, NULL);
    pki.server = issue("mps.lab.test", false, true, pki.root);
    pki.client = issue("device-1", false, false, pki.root);
    pki.stranger = issue("device-1", false, false, NULL);
    pki.trust = pki_trust_new();
    pki.other_trust = pki_trust_new();
    assert_int_equal(pki_trust_add(pki.trust, pki.root), AMT_OK);
    assert_int_equal(pki_trust_add(pki.other_trust, pki.other_root), AMT_OK);
    return 0;
}

int free_pki(void **state)
{
    (void)state;
    pki_identity_free(pki.root);
    pki_identity_free(pki.other_root);
    pki_identity_free(pki.server);
    pki_identity_free(pki.client);
    pki_identity_free(pki.stranger);
    pki_trust_free(pki.trust);
    pki_trust_free(pki.other_trust);
    return 0;
}

uint64_t sum_bytes(uint64_t sum, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        sum = sum * 31 + bytes[i];
    }
    return sum;
}

static void close_side(struct side *side)
{
    stream_close(side->stream);
    side->stream = NULL;
    side->tap = NULL;
}

static void side_open(void *ctx)
{
    struct side *side = ctx;
    assert_false(side->is_open);
    side->is_open = true;
    if (side->closes_on_open) {
        close_side(side);
    }
}

static void side_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct side *side = ctx;
    assert_true(side->is_open && !side->has_ended);
    side->sum = sum_bytes(side->sum, in, len);
    side->received_bytes += len;
    side->deliveries += 1;
    side->largest = len > side->largest ? len : side->largest;
    if (side->pauses_on_data) {
        stream_pause(side->stream);
    }
    if (side->closes_on_data) {
        close_side(side);
    }
}

static void side_drain(void *ctx)
{
    ((struct side *)ctx)->drains += 1;
}

static void side_end(void *ctx, const struct stream_end *end)
{
    struct side *side = ctx;
    assert_false(side->has_ended);
    side->has_ended = true;
    side->end = *end;
    if (side->closes_on_end) {
        close_side(side);
    }
}

const struct stream_handler k_side = {
    .on_open = side_open, .on_data = side_data, .on_drain = side_drain, .on_end = side_end
};

static struct tap *tap_of(struct stream *s)
{
    return (struct tap *)s;
}

static void count_records(struct tap *tap, const uint8_t *out, uint32_t len)
{
    for (uint32_t at = 0; at < len;) {
        if (tap->header_len < 5) {
            tap->header[tap->header_len++] = out[at++];
            if (tap->header_len == 5) {
                tap->records[tap->header[0]] += 1;
                tap->record_left = (uint32_t)tap->header[3] << 8 | tap->header[4];
            }
        } else {
            uint32_t n = len - at < tap->record_left ? len - at : tap->record_left;
            at += n;
            tap->record_left -= n;
        }
        if (tap->header_len == 5 && tap->record_left == 0) {
            tap->header_len = 0;
        }
    }
}

static void flush_gathered(void *ctx)
{
    struct tap *tap = ctx;
    if (tap->gathered.len > 0) {
        assert_int_equal(stream_write(tap->inner, bytes_front(&tap->gathered), tap->gathered.len),
                         AMT_OK);
        bytes_fini(&tap->gathered);
    }
}

static enum amt_err tap_write(struct stream *s, const void *out, uint32_t len)
{
    struct tap *tap = tap_of(s);
    count_records(tap, out, len);
    if (tap->cut_after != 0 && tap->sent_bytes + len > tap->cut_after) {
        len = tap->cut_after > tap->sent_bytes ? tap->cut_after - tap->sent_bytes : 0;
    }
    tap->sent_bytes += len;
    if (tap->gathers) {
        loop_task_post(&tap->flush);
        return bytes_append(&tap->gathered, out, len);
    }
    if (tap->spoils) {
        uint8_t *copy = amt_memdup(out, len);
        copy[len - 1] ^= 1;
        tap->spoils = false;
        enum amt_err err = stream_write(tap->inner, copy, len);
        amt_free(copy);
        return err;
    }
    for (uint32_t i = 0; tap->dribbles && i + 1 < len; i++) {
        assert_int_equal(stream_write(tap->inner, out, 1), AMT_OK);
        out = (const uint8_t *)out + 1;
    }
    return len == 0 ? AMT_OK : stream_write(tap->inner, out, tap->dribbles ? 1 : len);
}

static uint32_t tap_queued_bytes(const struct stream *s)
{
    return stream_queued_bytes(((const struct tap *)s)->inner);
}

static void tap_set_write_limit(struct stream *s, uint32_t bytes)
{
    stream_set_write_limit(tap_of(s)->inner, bytes);
}

static void tap_pause(struct stream *s)
{
    stream_pause(tap_of(s)->inner);
}

static void tap_resume(struct stream *s)
{
    stream_resume(tap_of(s)->inner);
}

static void tap_shutdown(struct stream *s)
{
    flush_gathered(s);
    stream_shutdown(tap_of(s)->inner);
}

static void tap_free(struct tap *tap)
{
    loop_task_cancel(&tap->flush);
    bytes_fini(&tap->gathered);
    amt_free(tap);
}

static void tap_close(struct stream *s)
{
    flush_gathered(s);
    stream_close(tap_of(s)->inner);
    tap_free(tap_of(s));
}

static void tap_reset(struct stream *s)
{
    stream_reset(tap_of(s)->inner);
    tap_free(tap_of(s));
}

static void tap_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_peer_name(((const struct tap *)s)->inner, out);
}

static const struct stream_class k_tap_class = {
    .write = tap_write,
    .queued_bytes = tap_queued_bytes,
    .set_write_limit = tap_set_write_limit,
    .pause = tap_pause,
    .resume = tap_resume,
    .shutdown = tap_shutdown,
    .close = tap_close,
    .reset = tap_reset,
    .peer_name = tap_name,
    .local_name = tap_name,
};

static void inner_data(void *ctx, const uint8_t *in, uint32_t len)
{
    stream_emit_data(ctx, in, len);
}

static void inner_drain(void *ctx)
{
    stream_emit_drain(ctx);
}

static void inner_end(void *ctx, const struct stream_end *end)
{
    stream_emit_end(ctx, end);
}

struct tap *tap_new(struct loop *loop, struct stream *inner)
{
    static const struct stream_handler k_inner = { .on_data = inner_data,
                                                   .on_drain = inner_drain,
                                                   .on_end = inner_end };
    struct tap *tap = amt_alloc(sizeof *tap);
    assert_non_null(tap);
    stream_init(&tap->stream, &k_tap_class);
    tap->inner = inner;
    loop_task_init(&tap->flush, loop, flush_gathered, tap);
    stream_set_handler(inner, &k_inner, &tap->stream);
    return tap;
}

void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    static const struct virtual_world k_world = { .seed = 1 };
    f->loop = loop_new_virtual(&k_world, NULL);
    f->server_settings =
        (struct tls_settings){ .is_server = true, .identity = pki.server, .trust = pki.trust };
    f->client_settings = (struct tls_settings){ .verifies_peer = true, .trust = pki.trust };
    f->check = (struct tls_name_check){ .name = "mps.lab.test" };
}

void fixture_start(struct fixture *f)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct stream *a = NULL;
    struct stream *b = NULL;
    f->server_context = tls_context_new(&f->server_settings, &diag);
    f->client_context = tls_context_new(&f->client_settings, &diag);
    if (f->server_context == NULL || f->client_context == NULL) {
        fail_msg("%s", diag.text);
    }
    assert_int_equal(stream_memory_pair(f->loop, &a, &b), AMT_OK);
    f->server.tap = tap_new(f->loop, a);
    f->client.tap = tap_new(f->loop, b);
    f->server.stream =
        tls_accept(f->loop, f->server_context, &f->server.tap->stream, &k_side, &f->server);
    f->client.stream = tls_connect(f->loop, f->client_context, &f->check, &f->client.tap->stream,
                                   &k_side, &f->client);
}

void fixture_connect(struct fixture *f)
{
    fixture_start(f);
    loop_run(f->loop);
}

void fixture_fini(struct fixture *f)
{
    stream_close(f->client.stream);
    stream_close(f->server.stream);
    loop_run(f->loop);
    tls_context_free(f->server_context);
    tls_context_free(f->client_context);
    loop_free(f->loop);
}
