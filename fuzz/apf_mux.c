/*
 * Both ends of a session back to back, with channels: the input is a list of operations. Byte 0 picks
 * windows, chunk and how bytes travel (whole, or cut); then pairs of (operation, argument).
 * Oracles: the sessions never break the rules towards each other, DATA never exceeds the granted
 * window, one CLOSE per side and channel, every channel that was opened ends, nothing after the end.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/apf/device_session.h"
#include "protocol/apf/mps_session.h"

#define CHANNELS 12u

struct end {
    struct apf_mps_session *mps;
    struct apf_device_session *device;
    struct bytes out; /* on its way to the other end */
    bool has_ended;
    uint32_t live; /* channels opened and not ended, as this end sees them */
    uint64_t unread;
    struct apf_channel *channels[CHANNELS];
};

struct world {
    struct end mps, device;
    uint64_t now_us;
    uint32_t step;
    struct apf_mps_config mps_config;
    struct apf_device_config device_config;
};

static struct world *world; /* callbacks of both ends reach it */

static struct end *end_of(void *ctx)
{
    return ctx;
}

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct end *end = end_of(ctx);
    FUZZ_REQUIRE(!end->has_ended);
    FUZZ_REQUIRE(bytes_append(&end->out, out, len) == AMT_OK);
}

static void remember(struct end *end, struct apf_channel *channel)
{
    for (uint32_t i = 0; i < CHANNELS; i++) {
        if (end->channels[i] == NULL) {
            end->channels[i] = channel;
            end->live += 1;
            return;
        }
    }
}

static void on_open_request(void *ctx, struct apf_channel *channel, uint32_t port)
{
    remember(end_of(ctx), channel);
    if (port == 623) {
        return; /* answered later */
    }
    apf_channel_accept(channel, world->now_us);
}

static void on_opened(void *ctx, struct apf_channel *channel)
{
    FUZZ_REQUIRE(!end_of(ctx)->has_ended);
    FUZZ_REQUIRE(apf_channel_state(channel) == APF_CHANNEL_OPENED);
}

static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct end *end = end_of(ctx);
    uint8_t sum = 0;
    for (uint32_t i = 0; i < len; i++) {
        sum ^= in[i];
    }
    end->unread += len;
    if ((sum & 1) != 0 || len > 64) {
        apf_channel_consumed(channel, len);
        end->unread -= len;
    }
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    FUZZ_REQUIRE(!end_of(ctx)->has_ended);
    FUZZ_REQUIRE(apf_channel_queued_bytes(channel) == 0);
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end how,
                           uint32_t reason)
{
    struct end *end = end_of(ctx);
    (void)how;
    (void)reason;
    for (uint32_t i = 0; i < CHANNELS; i++) {
        if (end->channels[i] == channel) {
            end->channels[i] = NULL;
            end->live -= 1;
        }
    }
}

static void on_login(void *ctx, const struct apf_login *login)
{
    (void)login;
    apf_mps_session_verified(end_of(ctx)->mps, true, world->now_us);
}

static void on_ready(void *ctx)
{
    (void)ctx;
}

static void on_forward(void *ctx, const struct apf_forward *forward, bool listed)
{
    (void)ctx;
    (void)forward;
    (void)listed;
}

static void on_end(void *ctx, const struct apf_end *end)
{
    FUZZ_REQUIRE(!end_of(ctx)->has_ended); /* once */
    /* Two correct ends never accuse each other. */
    FUZZ_REQUIRE(end->kind != APF_END_PROTOCOL_ERROR && end->kind != APF_END_AUTH_FAILED);
    end_of(ctx)->has_ended = true;
}

static void on_device_forward(void *ctx, uint32_t port, bool granted)
{
    (void)ctx;
    (void)port;
    (void)granted;
}

static void on_reply(void *ctx, bool matches)
{
    (void)ctx;
    (void)matches;
}

static void on_options(void *ctx, uint32_t interval_s, uint32_t timeout_s)
{
    (void)ctx;
    (void)interval_s;
    (void)timeout_s;
}

static const struct apf_mps_handler k_mps = {
    .mux = { on_send, on_open_request, on_opened, on_data, on_drain, on_channel_end },
    .on_login = on_login,
    .on_ready = on_ready,
    .on_forward = on_forward,
    .on_end = on_end,
};
static const struct apf_device_handler k_device = {
    .mux = { on_send, on_open_request, on_opened, on_data, on_drain, on_channel_end },
    .on_authenticated = on_ready,
    .on_forward = on_device_forward,
    .on_up = on_ready,
    .on_keepalive_reply = on_reply,
    .on_keepalive_options = on_options,
    .on_end = on_end,
};

/* Delivers up to `step` bytes each way; true while something travelled. */
static bool travel(void)
{
    bool moved = false;
    for (int way = 0; way < 2; way++) {
        struct end *from = way == 0 ? &world->mps : &world->device;
        uint32_t n = from->out.len < world->step ? from->out.len : world->step;
        if (n == 0) {
            continue;
        }
        moved = true;
        uint8_t *piece = amt_memdup(bytes_front(&from->out), n);
        bytes_consume(&from->out, n);
        if (piece != NULL && way == 0) {
            apf_device_session_input(world->device.device, piece, n, world->now_us);
        } else if (piece != NULL) {
            apf_mps_session_input(world->mps.mps, piece, n, world->now_us);
        }
        amt_free(piece);
    }
    return moved;
}

static void settle(void)
{
    while (travel()) {
    }
}

static void set_up(uint8_t flavour)
{
    static const struct apf_forward k_forwards[] = { { 16992, "pc" },
                                                     { 623, "pc" },
                                                     { 5900, "pc" } };
    static const uint8_t k_text[] = "abc";
    uint32_t window = 1u + (flavour & 15u) * 37u;
    struct apf_mux_config mux = { .strict = true,
                                  .window_bytes = window,
                                  .chunk_bytes = 1u + (flavour >> 4) * 11u,
                                  .open_limit_us = 1000000,
                                  .close_limit_us = 1000000,
                                  .queue_max_bytes = 4096 };
    world->step = (flavour & 1) != 0 ? 1u + flavour % 7u : 100000u;
    world->mps_config = (struct apf_mps_config){ .mux = mux,
                                                 .auth_failures_max = 1,
                                                 .pre_auth_limit_us = 30000000,
                                                 .idle_limit_us = 90000000,
                                                 .keepalive_rule = APF_KEEPALIVE_ON_PORT_5900,
                                                 .keepalive_interval_s = 30 };
    world->mps_config.mux.sends = APF_MPS_TO_DEV;
    world->mps_config.mux.max_channels = 10;
    world->mps_config.mux.first_number = 1;
    world->device_config = (struct apf_device_config){ .mux = mux,
                                                       .answers_keepalive_options = true,
                                                       .accepts_keepalive_options = true,
                                                       .user = k_text,
                                                       .user_len = 3,
                                                       .password = k_text,
                                                       .password_len = 3,
                                                       .forwards = k_forwards,
                                                       .forward_count = 3,
                                                       .want_reply = 1,
                                                       .pipelined_forwards = (flavour & 2) != 0,
                                                       .progress_limit_us = 30000000 };
    world->device_config.mux.sends = APF_DEV_TO_MPS;
    world->device_config.mux.max_channels = 4;
    world->device_config.mux.reuse_lowest = true;
    world->device_config.mux.credit = (flavour & 4) != 0 ? APF_CREDIT_EACH : APF_CREDIT_HALF;
    world->mps.mps = apf_mps_session_new(&world->mps_config, &k_mps, &world->mps, 0);
    world->device.device =
        apf_device_session_new(&world->device_config, &k_device, &world->device, 0);
    FUZZ_REQUIRE(world->mps.mps != NULL && world->device.device != NULL);
    settle();
    FUZZ_REQUIRE(apf_device_session_state(world->device.device) == APF_DEVICE_UP);
}

static void open_channel(uint8_t argument)
{
    static const uint32_t k_ports[] = { 16992, 623, 5900, 22 };
    struct apf_channel *channel = NULL;
    enum amt_err err =
        apf_mps_session_open(world->mps.mps, k_ports[argument % 4], world->now_us, &channel);
    FUZZ_REQUIRE((err == AMT_OK) == (channel != NULL));
    if (channel != NULL) {
        remember(&world->mps, channel);
    }
}

static void operate(uint8_t operation, uint8_t argument)
{
    static const uint8_t k_payload[256] = { 1, 2, 3 };
    struct end *end = (operation & 128u) != 0 ? &world->device : &world->mps;
    struct apf_channel *channel = end->channels[argument % CHANNELS];
    switch (operation & 7u) {
    case 0:
        open_channel(argument);
        break;
    case 1:
    case 2:
        if (channel != NULL) {
            enum amt_err err = apf_channel_write(channel, k_payload, argument);
            FUZZ_REQUIRE(err == AMT_OK || err == AMT_ELIMIT || err == AMT_ECLOSED);
        }
        break;
    case 3:
        if (channel != NULL) {
            apf_channel_close(channel, world->now_us);
        }
        break;
    case 4:
        if (channel != NULL && end == &world->device) {
            if ((argument & 64u) != 0) {
                apf_channel_accept(channel, world->now_us);
            } else if (apf_channel_state(channel) == APF_CHANNEL_OPENING) {
                end->channels[argument % CHANNELS] = NULL;
                end->live -= 1;
                apf_channel_refuse(channel, APF_CONNECT_FAILED);
            }
        }
        break;
    case 5:
        (void)travel();
        break;
    case 6:
        /* Time limits are far longer than the way of a message: none is in flight when one passes,
         * or a number would be used anew below its old channel's last words. */
        settle();
        world->now_us += argument * UINT64_C(20000);
        apf_mps_session_tick(world->mps.mps, world->now_us);
        apf_device_session_tick(world->device.device, world->now_us);
        break;
    default:
        if (channel != NULL) {
            apf_channel_consumed(channel, argument);
        }
        break;
    }
}

static void check_books(void)
{
    const struct apf_mux_statistics *mps = apf_mux_statistics(apf_mps_session_mux(world->mps.mps));
    const struct apf_mux_statistics *device =
        apf_mux_statistics(apf_device_session_mux(world->device.device));
    FUZZ_REQUIRE(mps->window_overruns == 0 && device->window_overruns == 0);
    FUZZ_REQUIRE(mps->data_in_bytes <= device->data_out_bytes);
    FUZZ_REQUIRE(device->data_in_bytes <= mps->data_out_bytes);
    FUZZ_REQUIRE(mps->closes_received <= device->closes_sent);
    FUZZ_REQUIRE(device->closes_received <= mps->closes_sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world instance = { .now_us = 0 };
    if (size < 1 || size > 4096) {
        return 0;
    }
    world = &instance;
    set_up(data[0]);
    for (size_t at = 1; at + 1 < size; at += 2) {
        if (!world->mps.has_ended && !world->device.has_ended) {
            operate(data[at], data[at + 1]);
        }
    }
    settle();
    check_books();
    if (!world->mps.has_ended) {
        apf_mps_session_disconnect(world->mps.mps, APF_BY_APPLICATION, world->now_us);
    }
    settle();
    FUZZ_REQUIRE(world->mps.has_ended && world->mps.live == 0);
    FUZZ_REQUIRE(world->device.has_ended && world->device.live == 0);
    apf_mps_session_free(world->mps.mps);
    apf_device_session_free(world->device.device);
    bytes_fini(&world->mps.out);
    bytes_fini(&world->device.out);
    return 0;
}
