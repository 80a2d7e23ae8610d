/*
 * One end of a session against a hostile peer: the input is what the peer sends. Byte 0: bit 0 device
 * or MPS, bit 1 lenient, bit 2 the login is checked later, bit 3 JSON_CONTROL; byte 1: how the stream
 * is cut; then the stream. It is fed whole, and again in pieces.
 * Oracles: both ways give the same sends and the same end; every send is one whole message that the
 * peer may receive; DATA stays within what the peer granted; the end comes once and nothing after it;
 * nothing leaks.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/random.h"
#include "fuzz/target.h"
#include "protocol/apf/device_session.h"
#include "protocol/apf/mps_session.h"

#define SENT_MAX_BYTES 4000000u

struct run {
    struct apf_mps_config mps_config;
    struct apf_device_config device_config;
    struct apf_mps_session *mps;
    struct apf_device_session *device;
    struct bytes sent;
    enum apf_direction direction;
    uint32_t channels, ends;
    enum apf_session_end end;
    uint32_t code;
    bool checks_later;
};

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    static const enum apf_request k_forms[] = { APF_REQUEST_FORWARD, APF_REQUEST_CANCEL };
    struct run *run = ctx;
    struct apf_message message;
    uint32_t count = 0;
    bool is_whole = false;
    FUZZ_REQUIRE(run->ends == 0);
    for (int i = 0; i < 2; i++) {
        const struct apf_context context = { .direction = run->direction, .pending = k_forms[i] };
        enum apf_verdict verdict = apf_decode(out, len, &context, &message, &count);
        is_whole = is_whole || (verdict == APF_OK && count == len);
    }
    FUZZ_REQUIRE(is_whole);
    if (run->sent.len < SENT_MAX_BYTES) {
        FUZZ_REQUIRE(bytes_append(&run->sent, out, len) == AMT_OK);
    }
}

static void on_open_request(void *ctx, struct apf_channel *channel, uint32_t port)
{
    struct run *run = ctx;
    run->channels += 1;
    if (port == 16992) {
        apf_channel_accept(channel, 0);
    } else {
        run->channels -= 1; /* who refuses is told nothing more */
        apf_channel_refuse(channel, APF_CONNECT_FAILED);
    }
}

static void echo(struct apf_channel *channel, const uint8_t *out, uint32_t len)
{
    enum amt_err err = apf_channel_write(channel, out, len);
    FUZZ_REQUIRE(err == AMT_OK || err == AMT_ELIMIT || err == AMT_ECLOSED);
}

static void on_opened(void *ctx, struct apf_channel *channel)
{
    FUZZ_REQUIRE(((struct run *)ctx)->ends == 0);
    echo(channel, (const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18);
}

/* Echoes, within bounds; a byte of 0 in front closes. */
static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    FUZZ_REQUIRE(((struct run *)ctx)->ends == 0 && len > 0);
    echo(channel, in, len < 5000 ? len : 5000);
    apf_channel_consumed(channel, len);
    if (in[0] == 0) {
        apf_channel_close(channel, 0);
    }
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    FUZZ_REQUIRE(((struct run *)ctx)->ends == 0);
    FUZZ_REQUIRE(apf_channel_queued_bytes(channel) == 0);
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason)
{
    struct run *run = ctx;
    (void)channel;
    (void)end;
    (void)reason;
    FUZZ_REQUIRE(run->ends == 0 && run->channels > 0);
    run->channels -= 1;
}

static void on_login(void *ctx, const struct apf_login *login)
{
    struct run *run = ctx;
    FUZZ_REQUIRE(login->user_len <= APF_NAME_MAX_BYTES);
    if (!run->checks_later) {
        apf_mps_session_verified(run->mps, login->user_len != 0, 0);
    }
}

static void on_event(void *ctx)
{
    FUZZ_REQUIRE(((struct run *)ctx)->ends == 0);
}

static void on_forward(void *ctx, const struct apf_forward *forward, bool listed)
{
    struct run *run = ctx;
    struct apf_channel *channel = NULL;
    FUZZ_REQUIRE(run->ends == 0 && forward->port >= 1 && forward->port <= 65535);
    if (listed && apf_mps_session_open(run->mps, forward->port, 0, &channel) == AMT_OK) {
        run->channels += 1;
    }
}

static void on_options(void *ctx, uint32_t interval_s, uint32_t timeout_s)
{
    (void)interval_s;
    (void)timeout_s;
    on_event(ctx);
}

static void on_granted(void *ctx, uint32_t port, bool granted)
{
    (void)port;
    (void)granted;
    on_event(ctx);
}

static void on_reply(void *ctx, bool cookie_matches)
{
    (void)cookie_matches;
    on_event(ctx);
}

static void on_end(void *ctx, const struct apf_end *end)
{
    struct run *run = ctx;
    FUZZ_REQUIRE(run->ends == 0 && run->channels == 0);
    FUZZ_REQUIRE(end->text != NULL && end->text[0] != '\0');
    run->ends = 1;
    run->end = end->kind;
    run->code = end->code;
}

static const struct apf_mps_handler k_mps = {
    .mux = { on_send, on_open_request, on_opened, on_data, on_drain, on_channel_end },
    .on_login = on_login,
    .on_ready = on_event,
    .on_forward = on_forward,
    .on_keepalive = on_event,
    .on_keepalive_options = on_options,
    .on_end = on_end,
};
static const struct apf_device_handler k_device = {
    .mux = { on_send, on_open_request, on_opened, on_data, on_drain, on_channel_end },
    .on_authenticated = on_event,
    .on_forward = on_granted,
    .on_up = on_event,
    .on_keepalive_reply = on_reply,
    .on_keepalive_options = on_options,
    .on_end = on_end,
};

static struct apf_mux_config mux_config(enum apf_direction sends, bool lenient)
{
    return (struct apf_mux_config){ .sends = sends,
                                    .strict = !lenient,
                                    .window_bytes = 4096,
                                    .max_channels = 8,
                                    .reuse_lowest = sends == APF_DEV_TO_MPS,
                                    .first_number = sends == APF_DEV_TO_MPS ? 0 : 1,
                                    .credit = APF_CREDIT_HALF,
                                    .queue_max_bytes = 16384,
                                    .unknown_channel_max = 20 };
}

static void feed(struct run *run, const uint8_t *in, uint32_t len)
{
    if (run->mps != NULL) {
        apf_mps_session_input(run->mps, in, len, 0);
    } else {
        apf_device_session_input(run->device, in, len, 0);
    }
}

/* In pieces of the sizes that the seed says; 0 is whole. */
static void feed_cut(struct run *run, const uint8_t *in, uint32_t len, uint8_t cut)
{
    struct amt_random random;
    amt_random_seed(&random, cut, "cut");
    uint32_t at = 0;
    while (at < len) {
        uint32_t piece = cut == 0 ? len : 1 + (uint32_t)amt_random_below(&random, cut);
        piece = piece < len - at ? piece : len - at;
        feed(run, in + at, piece);
        at += piece;
    }
}

static void play(struct run *run, const uint8_t *in, uint32_t len, uint8_t flags, uint8_t cut)
{
    static const struct apf_forward k_forwards[] = { { 16992, "pc" }, { 623, "pc" } };
    bool lenient = (flags & 2u) != 0;
    run->mps_config = (struct apf_mps_config){ .mux = mux_config(APF_MPS_TO_DEV, lenient),
                                               .lenient = lenient,
                                               .json_control = (flags & 8u) != 0,
                                               .auth_failures_max = 2,
                                               .keepalive_rule = APF_KEEPALIVE_ON_PORT_5900 };
    run->device_config = (struct apf_device_config){ .mux = mux_config(APF_DEV_TO_MPS, lenient),
                                                     .lenient = lenient,
                                                     .answers_keepalive_options = true,
                                                     .accepts_keepalive_options = true,
                                                     .want_reply = (flags & 4u) == 0 ? 1 : 0,
                                                     .pipelined_forwards = (flags & 8u) != 0,
                                                     .forwards = k_forwards,
                                                     .forward_count = 2 };
    run->checks_later = (flags & 4u) != 0;
    if ((flags & 1u) == 0) {
        run->direction = APF_MPS_TO_DEV;
        run->mps = apf_mps_session_new(&run->mps_config, &k_mps, run, 0);
    } else {
        run->direction = APF_DEV_TO_MPS;
        run->device = apf_device_session_new(&run->device_config, &k_device, run, 0);
    }
    feed_cut(run, in, len, cut);
    if (run->mps != NULL) {
        apf_mps_session_verified(run->mps, true, 0);
    }
}

static void finish(struct run *run)
{
    if (run->mps != NULL) {
        apf_mps_session_transport_ended(run->mps, 0);
    } else {
        apf_device_session_transport_ended(run->device, 0);
    }
    FUZZ_REQUIRE(run->ends == 1);
    apf_mps_session_free(run->mps);
    apf_device_session_free(run->device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 20000) {
        return 0;
    }
    struct run whole = { .ends = 0 };
    struct run cut = { .ends = 0 };
    play(&whole, data + 2, (uint32_t)size - 2, data[0], 0);
    play(&cut, data + 2, (uint32_t)size - 2, data[0], data[1] == 0 ? 1 : data[1]);
    FUZZ_REQUIRE(whole.ends == cut.ends && whole.end == cut.end && whole.code == cut.code);
    FUZZ_REQUIRE(whole.sent.len == cut.sent.len);
    FUZZ_REQUIRE(whole.sent.len == 0 ||
                 memcmp(bytes_front(&whole.sent), bytes_front(&cut.sent), cut.sent.len) == 0);
    finish(&whole);
    finish(&cut);
    bytes_fini(&whole.sent);
    bytes_fini(&cut.sent);
    return 0;
}
