/*
 * A whole MPS in the virtual world; the input is what the device sends. Byte 0: bit 0 deny or accept
 * logins, bits 1-2 size of the pieces, bit 3 lenient, bit 4 JSON_CONTROL, bit 5 no operator, bit 6 an
 * operator that does not read; the rest is the byte stream, in pieces with virtual time between them.
 * As soon as the device is in the list, the operator opens channels to its ports and echoes.
 * Oracles: nothing is served before login, channels give back what they got and no more, no leak, the
 * server lives on and serves the next device, and in the end nothing is left.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "mps/mps.h"

struct device {
    struct stream *stream;
    uint8_t received[1024]; /* the first bytes */
    uint32_t len;
    bool has_ended;
};

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct device *d = ctx;
    for (uint32_t i = 0; i < len && d->len < sizeof d->received; i++) {
        d->received[d->len++] = in[i];
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    ((struct device *)ctx)->has_ended = true;
}

static const struct stream_handler k_device = { .on_data = on_data, .on_end = on_end };

static void run_for(struct loop *loop, uint64_t us)
{
    (void)loop_run_until(loop, NULL, NULL, loop_now_us(loop) + us);
}

/* A login that must always work, whatever the other connection did. */
static const uint8_t k_login[] =
    "\xc0\0\0\0\1\0\0\0\0\0\0\0\4"
    "0123456789abcdef"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "\x05\0\0\0\x12" APF_SERVICE_AUTH "\x32\0\0\0\1u\0\0\0\x12" APF_SERVICE_PFWD
    "\0\0\0\x08password\0\0\0\0\1p";

static void connect_device(struct loop *loop, struct mps *mps, struct device *d)
{
    struct address address;
    mps_listener_address(mps, 0, &address);
    d->stream = net_connect(loop, &address, 0, &k_device, d);
    FUZZ_REQUIRE(d->stream != NULL);
    run_for(loop, 2000);
}

static bool is_allowed_before_login(uint8_t type)
{
    return type == APF_SERVICE_ACCEPT || type == APF_KEEPALIVE_REPLY ||
           type == APF_USERAUTH_FAILURE || type == APF_DISCONNECT;
}

/* Bytes of the next message, which must be one of those; 0 for one that our buffer has cut. */
static uint32_t unserved_message(const struct device *d, uint32_t at)
{
    static const struct apf_context k_context = { .direction = APF_MPS_TO_DEV };
    struct apf_message message;
    uint32_t count = 0;
    FUZZ_REQUIRE(is_allowed_before_login(d->received[at]));
    if (apf_decode(d->received + at, d->len - at, &k_context, &message, &count) == APF_OK) {
        return count;
    }
    FUZZ_REQUIRE(d->len == sizeof d->received); /* never by the server */
    return 0;
}

/* APF-MPS-020: what comes up to USERAUTH_SUCCESS; `deny` never has a success. */
static void check_unserved(const struct device *d, bool may_succeed)
{
    bool is_http = d->len > 0 && d->received[0] == 'H';
    uint32_t at = 0;
    uint32_t count = is_http ? 0 : 1;
    while (count > 0 && at < d->len && !(d->received[at] == APF_USERAUTH_SUCCESS && may_succeed)) {
        count = unserved_message(d, at);
        at += count;
    }
}

/* Operators on the device's channels. */
struct visitor {
    struct stream *stream;
    uint64_t taken, returned;
    bool is_open, has_ended;
};

static void visitor_open(void *ctx)
{
    struct visitor *v = ctx;
    FUZZ_REQUIRE(!v->is_open && !v->has_ended);
    v->is_open = true;
}

static void visitor_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct visitor *v = ctx;
    FUZZ_REQUIRE(v->is_open && !v->has_ended);
    v->taken += len;
    if (stream_write(v->stream, in, len) == AMT_OK) {
        v->returned += len;
    }
}

static void visitor_end(void *ctx, const struct stream_end *end)
{
    struct visitor *v = ctx;
    FUZZ_REQUIRE(!v->has_ended && end->text[0] != '\0');
    v->has_ended = true;
}

static const struct stream_handler k_visitor = {
    .on_open = visitor_open,
    .on_data = visitor_data,
    .on_end = visitor_end,
};

#define VISITORS 3u

struct visit {
    struct mps *mps;
    struct visitor visitors[VISITORS];
    uint32_t count;
    bool pauses;
};

static void visit_device(void *ctx, const struct mps_device_view *view)
{
    struct visit *visit = ctx;
    if (view->forward_count <= visit->count || visit->count == VISITORS) {
        return;
    }
    struct visitor *v = &visit->visitors[visit->count];
    v->stream =
        mps_open_channel(visit->mps, &view->uuid, view->forwards[visit->count].port, &k_visitor, v);
    FUZZ_REQUIRE(v->stream != NULL);
    if (visit->pauses) {
        stream_pause(v->stream);
    }
    visit->count += 1;
}

static void end_visit(struct visit *visit)
{
    for (uint32_t i = 0; i < visit->count; i++) {
        stream_close(visit->visitors[i].stream);
    }
}

static void send_pieces(struct loop *loop, struct device *d, const uint8_t *in, size_t len,
                        size_t piece, struct visit *visit)
{
    for (size_t at = 0; at < len && !d->has_ended; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        if (stream_write(d->stream, in + at, (uint32_t)n) != AMT_OK) {
            return;
        }
        run_for(loop, 1000);
        if (visit != NULL) {
            mps_each_device(visit->mps, visit_device, visit);
        }
    }
}

static void check_next_device(struct loop *loop, struct mps *mps)
{
    struct device next = { .len = 0 };
    connect_device(loop, mps, &next);
    FUZZ_REQUIRE(stream_write(next.stream, k_login, sizeof k_login - 1) == AMT_OK);
    run_for(loop, 10000);
    FUZZ_REQUIRE(next.len == 24 && next.received[23] == APF_USERAUTH_SUCCESS);
    stream_close(next.stream);
}

static struct mps *start(struct loop *loop, struct mps_config *config, uint8_t flavour)
{
    FUZZ_REQUIRE(config_read(mps_config_keys, NULL, "fuzz", config, NULL) == AMT_OK);
    FUZZ_REQUIRE(config_set(mps_config_keys, "listen", "127.0.0.1:0", config, NULL) == AMT_OK);
    config->tls = MPS_TLS_OFFLOAD;
    config->auth = (flavour & 1) != 0 ? MPS_AUTH_DENY : MPS_AUTH_ANY;
    config->lenient = (flavour & 8) != 0;
    config->json_control = (flavour & 16) != 0;
    config->auth_failures_per_address = 0;
    config->auth_failures_per_user = 0;
    struct mps *mps = mps_start(loop, config, NULL, NULL);
    FUZZ_REQUIRE(mps != NULL);
    return mps;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t k_pieces[] = { 1, 7, 64, 65536 };
    static const struct virtual_world k_world = { .seed = 1 };
    struct mps_config config = { .name = NULL };
    struct device d = { .len = 0 };
    if (size < 1 || size > 4096) {
        return 0;
    }
    struct loop *loop = loop_new_virtual(&k_world, NULL);
    FUZZ_REQUIRE(loop != NULL);
    struct mps *mps = start(loop, &config, data[0]);
    connect_device(loop, mps, &d);
    struct visit visit = { .mps = mps, .pauses = (data[0] & 64) != 0 };
    send_pieces(loop, &d, data + 1, size - 1, k_pieces[data[0] >> 1 & 3u],
                (data[0] & 32) != 0 ? NULL : &visit);
    check_unserved(&d, config.auth == MPS_AUTH_ANY);
    config.auth = MPS_AUTH_ANY; /* for the one that follows */
    run_for(loop, 400000);
    check_next_device(loop, mps);
    run_for(loop, 1000u * (uint64_t)US_PER_SECOND); /* every limit passes */
    end_visit(&visit);
    FUZZ_REQUIRE(mps_statistics(mps)->open_sockets == 0);
    FUZZ_REQUIRE(mps_statistics(mps)->sessions == 0);
    FUZZ_REQUIRE(mps_statistics(mps)->channels_open == 0);
    stream_close(d.stream);
    mps_free(mps);
    run_for(loop, 1000);
    loop_free(loop);
    config_fini(mps_config_keys, &config);
    return 0;
}
