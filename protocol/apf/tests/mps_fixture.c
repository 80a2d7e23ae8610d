#include "protocol/apf/tests/mps_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "protocol/apf/tests/wire.h"

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct mps_fixture *f = ctx;
    f->sends += 1;
    assert_int_equal(f->ends, 0); /* nothing after the end */
    if (!f->has_no_memory) {
        assert_int_equal(bytes_append(&f->sent, out, len), AMT_OK);
    }
}

static void on_login(void *ctx, const struct apf_login *login)
{
    struct mps_fixture *f = ctx;
    f->logins += 1;
    assert_int_equal(login->user_len, 4);
    assert_memory_equal(login->user, "user", 4);
    if (f->answers_at_once) {
        apf_mps_session_verified(f->session, f->verdict, f->now_us);
    }
}

static void on_ready(void *ctx)
{
    ((struct mps_fixture *)ctx)->ready += 1;
}

static void on_forward(void *ctx, const struct apf_forward *forward, bool listed)
{
    struct mps_fixture *f = ctx;
    assert_string_equal(forward->address, "pc17");
    f->listed += listed ? 1 : 0;
    f->unlisted += listed ? 0 : 1;
}

static void on_end(void *ctx, const struct apf_end *end)
{
    struct mps_fixture *f = ctx;
    f->ends += 1;
    f->end = *end;
    (void)snprintf(f->end_text, sizeof f->end_text, "%s", end->text);
}

static void on_opened(void *ctx, struct apf_channel *channel)
{
    ((struct mps_fixture *)ctx)->opened = channel;
}

static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    (void)channel;
    (void)in;
    ((struct mps_fixture *)ctx)->received_bytes += len;
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    (void)channel;
    ((struct mps_fixture *)ctx)->drains += 1;
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason)
{
    struct mps_fixture *f = ctx;
    (void)channel;
    f->channel_ends += 1;
    f->channel_end = end;
    f->end_reason = reason;
}

const struct apf_mps_handler k_mps_handler = {
    .mux = { .send = on_send,
             .on_opened = on_opened,
             .on_data = on_data,
             .on_drain = on_drain,
             .on_channel_end = on_channel_end },
    .on_login = on_login,
    .on_ready = on_ready,
    .on_forward = on_forward,
    .on_end = on_end,
};

void mps_init(struct mps_fixture *f)
{
    memset(f, 0, sizeof *f);
    f->answers_at_once = true;
    f->verdict = true;
    f->config = (struct apf_mps_config){
        .mux = { .sends = APF_MPS_TO_DEV,
                 .strict = true,
                 .window_bytes = 32768,
                 .max_channels = 64,
                 .first_number = 4,
                 .open_limit_us = 30 * SECOND,
                 .close_limit_us = 10 * SECOND,
                 .queue_max_bytes = 262144 },
        .auth_failures_max = 1,
        .pre_auth_limit_us = 30 * SECOND,
        .idle_limit_us = 90 * SECOND,
        .quiet_us = 2 * SECOND,
        .keepalive_interval_s = 30,
    };
}

void mps_start(struct mps_fixture *f)
{
    f->now_us = SECOND;
    f->session = apf_mps_session_new(&f->config, &k_mps_handler, f, f->now_us);
    assert_non_null(f->session);
}

void mps_fini(struct mps_fixture *f)
{
    apf_mps_session_free(f->session);
    bytes_fini(&f->sent);
    bytes_fini(&f->in);
}

void mps_feed(struct mps_fixture *f)
{
    struct bytes in = f->in;
    f->in = (struct bytes){ .max = 0 };
    apf_mps_session_input(f->session, bytes_front(&in), in.len, f->now_us);
    bytes_fini(&in);
}

struct apf_message mps_expect(struct mps_fixture *f, uint8_t type)
{
    return wire_expect(&f->sent, APF_MPS_TO_DEV, APF_REQUEST_FORWARD, type);
}

void mps_expect_disconnect(struct mps_fixture *f, uint32_t reason, const char *requirement)
{
    struct apf_message message = mps_expect(f, APF_DISCONNECT);
    assert_int_equal(message.reason, reason);
    assert_int_equal(f->ends, 1);
    assert_non_null(f->end.requirement);
    assert_string_equal(f->end.requirement, requirement);
    wire_expect_silence(&f->sent);
}

void mps_hello(struct mps_fixture *f)
{
    wire_version(&f->in, 1);
    wire_service(&f->in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
    mps_feed(f);
    (void)mps_expect(f, APF_SERVICE_ACCEPT);
}

void mps_log_in(struct mps_fixture *f)
{
    mps_hello(f);
    wire_userauth(&f->in, "user", "password", "pw");
    mps_feed(f);
    (void)mps_expect(f, APF_USERAUTH_SUCCESS);
}

void mps_pfwd(struct mps_fixture *f)
{
    mps_log_in(f);
    wire_service(&f->in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
    mps_feed(f);
    (void)mps_expect(f, APF_SERVICE_ACCEPT);
    assert_int_equal(f->ready, 1);
}

void mps_forward(struct mps_fixture *f, uint32_t port)
{
    wire_request(&f->in, APF_REQUEST_FORWARD, 1, port);
    mps_feed(f);
    assert_int_equal(mps_expect(f, APF_REQUEST_SUCCESS).port, port);
}

void mps_tick_at(struct mps_fixture *f, uint64_t now_us)
{
    f->now_us = now_us;
    apf_mps_session_tick(f->session, now_us);
}
