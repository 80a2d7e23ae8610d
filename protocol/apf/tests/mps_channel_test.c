#include <string.h>

#include "base/unit.h"
#include "protocol/apf/tests/mps_fixture.h"
#include "protocol/apf/tests/wire.h"

/* --- channels --- */

static struct apf_channel *open_channel(struct mps_fixture *f, uint32_t device_number,
                                        uint32_t window)
{
    struct apf_channel *channel = NULL;
    assert_int_equal(apf_mps_session_open(f->session, 16992, f->now_us, &channel), AMT_OK);
    struct apf_message open =
        wire_expect(&f->sent, APF_MPS_TO_DEV, APF_REQUEST_NONE, APF_CHANNEL_OPEN);
    assert_int_equal(open.port, 16992);
    assert_int_equal(open.initial_window, 32768);
    assert_int_equal(open.reserved, APF_RESERVED_WORD);
    struct apf_message confirm = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                   .recipient_channel = open.sender_channel,
                                   .sender_channel = device_number,
                                   .initial_window = window };
    wire_plain(&f->in, &confirm);
    mps_feed(f);
    assert_ptr_equal(f->opened, channel);
    return channel;
}

static void ready_to_open(struct mps_fixture *f)
{
    mps_init(f);
    mps_start(f);
    mps_pfwd(f);
    mps_forward(f, 16992);
}

/* APF-MPS-044 */
static void channels_open_only_to_listed_ports_and_after_pfwd(void **state)
{
    (void)state;
    struct mps_fixture f;
    struct apf_channel *channel = NULL;
    mps_init(&f);
    mps_start(&f);
    assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_ESTATE);
    mps_pfwd(&f);
    assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_EUNKNOWN);
    wire_expect_silence(&f.sent);
    mps_fini(&f);
}

/* APF-MPS-045 APF-MPS-046 APF-MPS-047 APF-MPS-050 */
static void data_waits_for_confirmation_and_credit(void **state)
{
    (void)state;
    static const uint32_t k_numbers[] = { 0, 0x80000000u, 0xffffffffu };
    for (int i = 0; i < 3; i++) {
        struct mps_fixture f;
        struct apf_channel *channel = NULL;
        ready_to_open(&f);
        assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_OK);
        (void)mps_expect(&f, APF_CHANNEL_OPEN);
        static const uint8_t k_block[250];
        assert_int_equal(apf_channel_write(channel, k_block, sizeof k_block), AMT_OK);
        wire_expect_silence(&f.sent);
        struct apf_message confirm = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                       .recipient_channel = apf_channel_local_number(channel),
                                       .sender_channel = k_numbers[i],
                                       .initial_window = 100 };
        wire_plain(&f.in, &confirm);
        mps_feed(&f);
        struct apf_message data = mps_expect(&f, APF_CHANNEL_DATA);
        assert_int_equal(data.recipient_channel, k_numbers[i]);
        assert_int_equal(data.data.len, 100);
        wire_expect_silence(&f.sent);
        struct apf_message adjust = { .type = APF_CHANNEL_WINDOW_ADJUST,
                                      .recipient_channel = apf_channel_local_number(channel),
                                      .bytes_to_add = 1 };
        wire_plain(&f.in, &adjust);
        mps_feed(&f);
        assert_int_equal(mps_expect(&f, APF_CHANNEL_DATA).data.len, 1);
        adjust.bytes_to_add = 0xffffffffu;
        wire_plain(&f.in, &adjust);
        wire_plain(&f.in, &adjust);
        mps_feed(&f);
        assert_int_equal(mps_expect(&f, APF_CHANNEL_DATA).data.len, 149);
        wire_expect_silence(&f.sent);
        assert_int_equal(f.drains, 1);
        assert_true(apf_mux_statistics(apf_mps_session_mux(f.session))->credit_saturated > 0);
        mps_fini(&f);
    }
}

/* APF-MPS-048 */
static void credit_is_given_when_more_than_half_is_consumed(void **state)
{
    (void)state;
    struct mps_fixture f;
    ready_to_open(&f);
    struct apf_channel *channel = open_channel(&f, 3, 4096);
    wire_data(&f.in, apf_channel_local_number(channel), 16384);
    mps_feed(&f);
    apf_channel_consumed(channel, 16384);
    wire_expect_silence(&f.sent);
    wire_data(&f.in, apf_channel_local_number(channel), 1);
    mps_feed(&f);
    apf_channel_consumed(channel, 1);
    struct apf_message adjust = mps_expect(&f, APF_CHANNEL_WINDOW_ADJUST);
    assert_int_equal(adjust.recipient_channel, 3);
    assert_int_equal(adjust.bytes_to_add, 16385);
    mps_fini(&f);
}

/* APF-MPS-049 */
static void data_beyond_the_window_ends_a_strict_session_only(void **state)
{
    (void)state;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct mps_fixture f;
        mps_init(&f);
        f.config.lenient = lenient != 0;
        f.config.mux.strict = lenient == 0;
        mps_start(&f);
        mps_pfwd(&f);
        mps_forward(&f, 16992);
        struct apf_channel *channel = open_channel(&f, 3, 4096);
        wire_data(&f.in, apf_channel_local_number(channel), 32768);
        wire_data(&f.in, apf_channel_local_number(channel), 1);
        mps_feed(&f);
        assert_int_equal(apf_mux_statistics(apf_mps_session_mux(f.session))->window_overruns, 1);
        if (lenient != 0) {
            assert_true(f.received_bytes == 32769 && f.ends == 0);
        } else {
            mps_expect_disconnect(&f, APF_PROTOCOL_ERROR, "APF-MPS-049");
        }
        mps_fini(&f);
    }
}

/* APF-MPS-051 */
static void a_refused_channel_reports_the_devices_reason(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < 6; reason++) {
        struct mps_fixture f;
        struct apf_channel *channel = NULL;
        ready_to_open(&f);
        assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_OK);
        struct apf_message failure = { .type = APF_CHANNEL_OPEN_FAILURE,
                                       .recipient_channel =
                                           mps_expect(&f, APF_CHANNEL_OPEN).sender_channel,
                                       .reason = reason };
        wire_plain(&f.in, &failure);
        mps_feed(&f);
        assert_int_equal(f.channel_end, APF_CHANNEL_END_REFUSED);
        assert_int_equal(f.end_reason, reason);
        assert_int_equal(apf_mux_channel_count(apf_mps_session_mux(f.session)), 0);
        mps_fini(&f);
    }
}

/* APF-MPS-052 */
static void a_late_confirmation_is_closed(void **state)
{
    (void)state;
    struct mps_fixture f;
    struct apf_channel *channel = NULL;
    ready_to_open(&f);
    assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_OK);
    uint32_t number = mps_expect(&f, APF_CHANNEL_OPEN).sender_channel;
    mps_tick_at(&f, f.now_us + 30 * SECOND);
    (void)mps_expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST);
    assert_int_equal(f.channel_end, APF_CHANNEL_END_TIMEOUT);
    struct apf_message confirm = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                   .recipient_channel = number,
                                   .sender_channel = 6,
                                   .initial_window = 1 };
    wire_plain(&f.in, &confirm);
    mps_feed(&f);
    assert_int_equal(mps_expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 6);
    assert_int_equal(f.channel_ends, 1);
    mps_fini(&f);
}

/* APF-MPS-053 APF-MPS-054 APF-MPS-055 APF-MPS-056 */
static void each_side_closes_once(void **state)
{
    (void)state;
    struct mps_fixture f;
    ready_to_open(&f);
    for (int i = 0; i < 1000; i++) {
        struct apf_channel *channel = open_channel(&f, 3, 4096);
        struct apf_message close = { .type = APF_CHANNEL_CLOSE,
                                     .recipient_channel = apf_channel_local_number(channel) };
        if (i % 2 == 0) { /* the device closes, after data */
            wire_data(&f.in, close.recipient_channel, 10);
            wire_plain(&f.in, &close);
            mps_feed(&f);
            assert_int_equal(mps_expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 3);
        } else { /* crossing */
            apf_channel_close(channel, f.now_us);
            assert_int_equal(mps_expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 3);
            wire_plain(&f.in, &close);
            mps_feed(&f);
        }
        wire_expect_silence(&f.sent);
        assert_int_equal(apf_mux_channel_count(apf_mps_session_mux(f.session)), 0);
    }
    assert_int_equal(f.channel_ends, 1000);
    assert_true(f.received_bytes == 5000);
    /* a CLOSE before the confirmation is not answered to channel 0 */
    struct apf_channel *channel = NULL;
    assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_OK);
    struct apf_message close = { .type = APF_CHANNEL_CLOSE,
                                 .recipient_channel =
                                     mps_expect(&f, APF_CHANNEL_OPEN).sender_channel };
    wire_plain(&f.in, &close);
    mps_feed(&f);
    wire_expect_silence(&f.sent);
    assert_int_equal(f.channel_ends, 1001);
    mps_fini(&f);
}

/* APF-MPS-057 */
static void messages_for_unknown_channels_have_a_limit_when_configured(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    f.config.mux.unknown_channel_max = 3;
    mps_start(&f);
    mps_pfwd(&f);
    for (int i = 0; i < 3; i++) {
        wire_data(&f.in, 77, 1);
        mps_feed(&f);
        assert_int_equal(f.ends, 0);
    }
    wire_data(&f.in, 77, 1);
    mps_feed(&f);
    assert_int_equal(f.end.kind, APF_END_PROTOCOL_ERROR);
    mps_fini(&f);
}

/* APF-MPS-069 */
static void the_end_of_a_session_ends_its_channels_once(void **state)
{
    (void)state;
    struct mps_fixture f;
    ready_to_open(&f);
    (void)open_channel(&f, 0, 1);
    (void)open_channel(&f, 1, 1);
    apf_mps_session_disconnect(f.session, APF_BY_APPLICATION, f.now_us);
    assert_int_equal(mps_expect(&f, APF_DISCONNECT).reason, APF_BY_APPLICATION);
    assert_int_equal(f.channel_ends, 2);
    assert_int_equal(f.channel_end, APF_CHANNEL_END_SESSION);
    apf_mps_session_transport_ended(f.session, f.now_us);
    assert_int_equal(f.ends, 1);
    mps_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_open_only_to_listed_ports_and_after_pfwd),
        cmocka_unit_test(data_waits_for_confirmation_and_credit),
        cmocka_unit_test(credit_is_given_when_more_than_half_is_consumed),
        cmocka_unit_test(data_beyond_the_window_ends_a_strict_session_only),
        cmocka_unit_test(a_refused_channel_reports_the_devices_reason),
        cmocka_unit_test(a_late_confirmation_is_closed),
        cmocka_unit_test(each_side_closes_once),
        cmocka_unit_test(messages_for_unknown_channels_have_a_limit_when_configured),
        cmocka_unit_test(the_end_of_a_session_ends_its_channels_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
