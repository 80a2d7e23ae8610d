#include "protocol/apf/tests/device_fixture.h"

#include <string.h>

#include "base/unit.h"
#include "protocol/apf/tests/wire.h"

const struct apf_forward k_device_forwards[2] = { { 16992, "pc17" }, { 5900, "pc17" } };

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct device_fixture *f = ctx;
    assert_int_equal(f->ends, 0); /* nothing after the end */
    assert_int_equal(bytes_append(&f->sent, out, len), AMT_OK);
}

static void on_open_request(void *ctx, struct apf_channel *channel, uint32_t port)
{
    struct device_fixture *f = ctx;
    assert_int_equal(apf_channel_port(channel), port);
    if (f->refuses) {
        apf_channel_refuse(channel, APF_CONNECT_FAILED);
    } else {
        f->opened = channel;
        apf_channel_accept(channel, f->now_us);
    }
}

static void on_opened(void *ctx, struct apf_channel *channel)
{
    ((struct device_fixture *)ctx)->opened = channel;
}

static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct device_fixture *f = ctx;
    (void)in;
    f->received_bytes += len;
    if (f->consumes) {
        apf_channel_consumed(channel, len);
    }
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    (void)channel;
    ((struct device_fixture *)ctx)->drains += 1;
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason)
{
    struct device_fixture *f = ctx;
    (void)channel;
    (void)end;
    (void)reason;
    f->channel_ends += 1;
}

static void on_authenticated(void *ctx)
{
    ((struct device_fixture *)ctx)->authenticated += 1;
}

static void on_forward(void *ctx, uint32_t port, bool granted)
{
    struct device_fixture *f = ctx;
    (void)port;
    f->granted += granted ? 1 : 0;
    f->refused += granted ? 0 : 1;
}

static void on_up(void *ctx)
{
    ((struct device_fixture *)ctx)->up += 1;
}

static void on_keepalive_reply(void *ctx, bool cookie_matches)
{
    struct device_fixture *f = ctx;
    f->replies += 1;
    f->mismatches += cookie_matches ? 0 : 1;
}

static void on_keepalive_options(void *ctx, uint32_t interval_s, uint32_t timeout_s)
{
    (void)interval_s;
    (void)timeout_s;
    ((struct device_fixture *)ctx)->options += 1;
}

static void on_end(void *ctx, const struct apf_end *end)
{
    struct device_fixture *f = ctx;
    f->ends += 1;
    f->end = *end;
}

const struct apf_device_handler k_device_handler = {
    .mux = { .send = on_send,
             .on_open_request = on_open_request,
             .on_opened = on_opened,
             .on_data = on_data,
             .on_drain = on_drain,
             .on_channel_end = on_channel_end },
    .on_authenticated = on_authenticated,
    .on_forward = on_forward,
    .on_up = on_up,
    .on_keepalive_reply = on_keepalive_reply,
    .on_keepalive_options = on_keepalive_options,
    .on_end = on_end,
};

void device_init(struct device_fixture *f)
{
    memset(f, 0, sizeof *f);
    f->now_us = SECOND;
    f->config = (struct apf_device_config){
        .mux = { .sends = APF_DEV_TO_MPS,
                 .strict = true,
                 .window_bytes = 4096,
                 .max_channels = 8,
                 .reuse_lowest = true,
                 .credit = APF_CREDIT_EACH,
                 .open_limit_us = 10 * SECOND,
                 .close_limit_us = 10 * SECOND,
                 .queue_max_bytes = 1048576 },
        .answers_keepalive_options = true,
        .accepts_keepalive_options = true,
        .trigger = APF_TRIGGER_PERIODIC,
        .user = (const uint8_t *)"user",
        .user_len = 4,
        .password = (const uint8_t *)"pw",
        .password_len = 2,
        .forwards = k_device_forwards,
        .forward_count = 2,
        .want_reply = 1,
        .progress_limit_us = 30 * SECOND,
        .keepalive_interval_us = 30 * SECOND,
        .keepalive_reply_limit_us = 30 * SECOND,
    };
    f->config.uuid.bytes[15] = 7;
}

void device_start(struct device_fixture *f)
{
    f->session = apf_device_session_new(&f->config, &k_device_handler, f, f->now_us);
    assert_non_null(f->session);
}

void device_fini(struct device_fixture *f)
{
    apf_device_session_free(f->session);
    bytes_fini(&f->sent);
    bytes_fini(&f->in);
}

void device_feed(struct device_fixture *f)
{
    struct bytes in = f->in;
    f->in = (struct bytes){ .max = 0 };
    apf_device_session_input(f->session, bytes_front(&in), in.len, f->now_us);
    bytes_fini(&in);
}

void device_feed_plain(struct device_fixture *f, const struct apf_message *message)
{
    wire_plain(&f->in, message);
    device_feed(f);
}

void device_feed_type(struct device_fixture *f, uint8_t type)
{
    device_feed_plain(f, &(struct apf_message){ .type = type });
}

void device_feed_success(struct device_fixture *f, uint32_t port)
{
    device_feed_plain(f, &(struct apf_message){ .type = APF_REQUEST_SUCCESS,
                                                .request = APF_REQUEST_FORWARD,
                                                .port = port });
}

struct apf_message device_expect(struct device_fixture *f, uint8_t type)
{
    return wire_expect(&f->sent, APF_DEV_TO_MPS, APF_REQUEST_NONE, type);
}

void device_expect_disconnect(struct device_fixture *f, uint32_t reason, enum apf_session_end kind)
{
    assert_int_equal(device_expect(f, APF_DISCONNECT).reason, reason);
    wire_expect_silence(&f->sent);
    assert_int_equal(f->ends, 1);
    assert_int_equal(f->end.kind, kind);
    assert_int_equal(apf_device_session_state(f->session), APF_DEVICE_ENDED);
}

void device_tick_at(struct device_fixture *f, uint64_t now_us)
{
    f->now_us = now_us;
    apf_device_session_tick(f->session, now_us);
}

void device_reach(struct device_fixture *f, enum apf_device_state state)
{
    device_start(f);
    (void)device_expect(f, APF_PROTOCOLVERSION);
    (void)device_expect(f, APF_SERVICE_REQUEST);
    if (state >= APF_DEVICE_AUTH) {
        wire_service(&f->in, APF_SERVICE_ACCEPT, APF_SERVICE_AUTH);
        device_feed(f);
        (void)device_expect(f, APF_USERAUTH_REQUEST);
    }
    if (state >= APF_DEVICE_PFWD) {
        device_feed_type(f, APF_USERAUTH_SUCCESS);
        (void)device_expect(f, APF_SERVICE_REQUEST);
    }
    if (state >= APF_DEVICE_FORWARD) {
        wire_service(&f->in, APF_SERVICE_ACCEPT, APF_SERVICE_PFWD);
        device_feed(f);
        assert_int_equal(device_expect(f, APF_GLOBAL_REQUEST).port, 16992);
    }
    if (state >= APF_DEVICE_UP) {
        device_feed_success(f, 16992);
        assert_int_equal(device_expect(f, APF_GLOBAL_REQUEST).port, 5900);
        device_feed_success(f, 5900);
    }
    wire_expect_silence(&f->sent);
    assert_int_equal(apf_device_session_state(f->session), state);
}

void device_open_channel(struct device_fixture *f, uint32_t sender, uint32_t window, uint32_t slot)
{
    wire_open(&f->in, APF_CHANNEL_NAME_FORWARDED, sender, window, 16992);
    device_feed(f);
    struct apf_message message = device_expect(f, APF_CHANNEL_OPEN_CONFIRMATION);
    assert_int_equal(message.recipient_channel, sender);
    assert_int_equal(message.sender_channel, slot);
    assert_int_equal(message.initial_window, f->config.mux.window_bytes);
    assert_int_equal(message.reserved, APF_RESERVED_WORD);
}

void device_feed_close(struct device_fixture *f, uint32_t channel)
{
    device_feed_plain(
        f, &(struct apf_message){ .type = APF_CHANNEL_CLOSE, .recipient_channel = channel });
}
