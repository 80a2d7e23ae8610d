/* What an MPS session owes to devices that are slow, silent, talkative or odd. */
#include <string.h>

#include "base/unit.h"
#include "protocol/apf/tests/mps_fixture.h"
#include "protocol/apf/tests/wire.h"

static void keepalive(struct mps_fixture *f, uint32_t cookie)
{
    wire_plain(&f->in, &(struct apf_message){ .type = APF_KEEPALIVE_REQUEST, .cookie = cookie });
}

/* APF-MPS-040 APF-MPS-030 */
static void a_keepalive_is_answered_while_the_login_is_checked(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    f.answers_at_once = false;
    mps_start(&f);
    mps_hello(&f);
    wire_userauth(&f.in, "user", "password", "pw");
    keepalive(&f, 1);
    wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
    keepalive(&f, 2);
    mps_feed(&f);
    assert_int_equal(mps_expect(&f, APF_KEEPALIVE_REPLY).cookie, 1);
    wire_expect_silence(&f.sent);
    apf_mps_session_verified(f.session, true, f.now_us);
    (void)mps_expect(&f, APF_USERAUTH_SUCCESS);
    (void)mps_expect(&f, APF_SERVICE_ACCEPT);
    assert_int_equal(mps_expect(&f, APF_KEEPALIVE_REPLY).cookie, 2);
    mps_fini(&f);
}

/* APF-MPS-021 APF-MPS-030: the check ends while a message is half there */
static void a_message_cut_by_the_end_of_the_check_is_whole(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    f.answers_at_once = false;
    mps_start(&f);
    mps_hello(&f);
    wire_userauth(&f.in, "user", "password", "pw");
    mps_feed(&f);
    for (int type = 0; type < 2; type++) {
        if (type == 0) {
            keepalive(&f, 9);
        } else {
            wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
        }
        struct bytes in = f.in;
        f.in = (struct bytes){ .max = 0 };
        apf_mps_session_input(f.session, bytes_front(&in), 3, f.now_us);
        if (type == 1) {
            apf_mps_session_verified(f.session, true, f.now_us);
        }
        apf_mps_session_input(f.session, bytes_front(&in) + 3, in.len - 3, f.now_us);
        bytes_fini(&in);
    }
    (void)mps_expect(&f, APF_KEEPALIVE_REPLY);
    (void)mps_expect(&f, APF_USERAUTH_SUCCESS);
    (void)mps_expect(&f, APF_SERVICE_ACCEPT);
    wire_expect_silence(&f.sent);
    mps_fini(&f);
}

/* APF-MPS-039, FF-041 */
static void a_device_that_forwards_nothing_is_asked_for_keepalives(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    mps_start(&f);
    mps_pfwd(&f);
    assert_true(apf_mps_session_next_deadline_us(f.session) == f.now_us + 2 * SECOND);
    mps_tick_at(&f, f.now_us + 2 * SECOND);
    assert_int_equal(mps_expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST).interval, 30);
    mps_tick_at(&f, f.now_us + 60 * SECOND);
    wire_expect_silence(&f.sent);
    mps_fini(&f);
}

/* apf.md 4.3, lenient: amtsim logs in and waits */
static void a_silent_device_is_ready_once_in_lenient_mode(void **state)
{
    (void)state;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct mps_fixture f;
        mps_init(&f);
        f.config.lenient = lenient != 0;
        mps_start(&f);
        mps_log_in(&f);
        mps_tick_at(&f, f.now_us + 200000);
        keepalive(&f, 1); /* not silent yet */
        mps_feed(&f);
        (void)mps_expect(&f, APF_KEEPALIVE_REPLY);
        mps_tick_at(&f, f.now_us + 299999);
        assert_int_equal(f.ready, 0);
        mps_tick_at(&f, f.now_us + 1);
        assert_int_equal(f.ready, lenient);
        wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
        mps_feed(&f);
        (void)mps_expect(&f, APF_SERVICE_ACCEPT);
        assert_int_equal(f.ready, 1);
        mps_fini(&f);
    }
}

static bool deliver(void *ctx, const struct apf_message *message, const uint8_t *in)
{
    struct mps_fixture *f = ctx;
    (void)in;
    f->udp += message->port == 162 ? 1 : 0;
    return true;
}

static void count_json(void *ctx, const uint8_t *json, uint32_t len)
{
    assert_memory_equal(json, "{}", len);
    ((struct mps_fixture *)ctx)->json += 1;
}

static void start_with_extras(struct mps_fixture *f, struct apf_mps_handler *handler)
{
    *handler = k_mps_handler;
    handler->on_udp = deliver;
    handler->on_json = count_json;
    f->config.json_control = true;
    f->now_us = SECOND;
    f->session = apf_mps_session_new(&f->config, handler, f, f->now_us);
    assert_non_null(f->session);
}

/* APF-MPS-038 APF-MPS-037 */
static void a_delivered_datagram_is_answered_in_order(void **state)
{
    (void)state;
    struct mps_fixture f;
    struct apf_mps_handler handler;
    mps_init(&f);
    start_with_extras(&f, &handler);
    mps_pfwd(&f);
    wire_request(&f.in, APF_REQUEST_UDP, 1, 162);
    wire_request(&f.in, APF_REQUEST_UDP, 0, 162);
    wire_request(&f.in, APF_REQUEST_FORWARD, 1, 623);
    mps_feed(&f);
    (void)wire_expect(&f.sent, APF_MPS_TO_DEV, APF_REQUEST_UDP, APF_REQUEST_SUCCESS);
    assert_int_equal(mps_expect(&f, APF_REQUEST_SUCCESS).port, 623);
    wire_expect_silence(&f.sent);
    assert_int_equal(f.udp, 2);
    mps_fini(&f);
}

/* APF-MPS-020 APF-COM-022, MC-08 */
static void json_control_of_strangers_changes_nothing(void **state)
{
    (void)state;
    struct mps_fixture f;
    struct apf_mps_handler handler;
    static const uint8_t k_json[] = { APF_JSON_CONTROL, 0, 0, 0, 2, '{', '}' };
    mps_init(&f);
    start_with_extras(&f, &handler);
    apf_mps_session_input(f.session, k_json, sizeof k_json, f.now_us);
    mps_log_in(&f);
    assert_int_equal(f.json, 0);
    apf_mps_session_input(f.session, k_json, sizeof k_json, f.now_us);
    assert_int_equal(f.json, 1);
    assert_int_equal(f.ends, 0);
    mps_fini(&f);
}

/* APF-MPS-064 APF-COM-020 APF-COM-023: a quadratic reader would need hours for this */
static void a_mebibyte_that_dribbles_in_costs_linear_work(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    f.config.mux.window_bytes = APF_DATA_MAX_BYTES;
    mps_start(&f);
    mps_pfwd(&f);
    mps_forward(&f, 16992);
    struct apf_channel *channel = NULL;
    assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_OK);
    wire_plain(&f.in,
               &(struct apf_message){ .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                      .recipient_channel = apf_channel_local_number(channel) });
    mps_feed(&f);
    uint8_t header[9] = { APF_CHANNEL_DATA, 0, 0, 0, 4, 0, 0x10, 0, 0 };
    uint32_t number = apf_channel_local_number(channel);
    assert_int_equal(number, 4);
    for (uint32_t i = 0; i < sizeof header; i++) {
        apf_mps_session_input(f.session, header + i, 1, f.now_us);
    }
    static const uint8_t k_byte[1] = { 'x' };
    for (uint32_t i = 0; i < APF_DATA_MAX_BYTES; i++) {
        assert_true(f.received_bytes == 0);
        apf_mps_session_input(f.session, k_byte, 1, f.now_us);
    }
    assert_true(f.received_bytes == APF_DATA_MAX_BYTES);
    static const uint8_t k_empty[9] = { APF_CHANNEL_DATA, 0, 0, 0, 4 };
    apf_mps_session_input(f.session, k_empty, sizeof k_empty, f.now_us);
    assert_int_equal(f.ends, 0);
    mps_fini(&f);
}

/* Feeds more from inside send and on_forward. */
static void feed_more(struct mps_fixture *f)
{
    uint8_t next = f->nested < 3 ? (uint8_t)++f->nested : 0;
    if (next != 0) {
        uint8_t request[5] = { APF_KEEPALIVE_REQUEST, 0, 0, 0, next };
        apf_mps_session_input(f->session, request, 2, f->now_us);
        apf_mps_session_input(f->session, request + 2, 3, f->now_us);
    }
}

static void send_and_feed(void *ctx, const uint8_t *out, uint32_t len)
{
    k_mps_handler.mux.send(ctx, out, len);
    feed_more(ctx);
}

/* APF-COM-020: the order of bytes is the order of calls, also when a handler calls */
static void input_from_inside_a_handler_is_taken_in_order(void **state)
{
    (void)state;
    for (uint32_t cut = 0; cut < 5; cut++) {
        struct mps_fixture f;
        mps_init(&f);
        struct apf_mps_handler handler = k_mps_handler;
        handler.mux.send = send_and_feed;
        f.session = apf_mps_session_new(&f.config, &handler, &f, f.now_us);
        uint8_t outer[10] = { APF_KEEPALIVE_REQUEST, 0, 0, 0, 100,
                              APF_KEEPALIVE_REQUEST, 0, 0, 0, 101 };
        apf_mps_session_input(f.session, outer, cut, f.now_us);
        apf_mps_session_input(f.session, outer + cut, sizeof outer - cut, f.now_us);
        static const uint32_t k_cookies[] = { 100, 101, 1, 2, 3 };
        for (size_t i = 0; i < sizeof k_cookies / sizeof k_cookies[0]; i++) {
            assert_int_equal(mps_expect(&f, APF_KEEPALIVE_REPLY).cookie, k_cookies[i]);
        }
        wire_expect_silence(&f.sent);
        mps_fini(&f);
    }
}

static void end_in_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct mps_fixture *f = ctx;
    k_mps_handler.mux.send(ctx, out, len);
    if (f->sends == f->ends_at_send) {
        apf_mps_session_transport_ended(f->session, f->now_us);
    }
}

/* A transport that fails below any message ends the session once, and nothing follows. */
static void the_end_may_come_from_inside_any_send(void **state)
{
    (void)state;
    for (uint32_t at = 1; at <= 7; at++) {
        struct mps_fixture f;
        mps_init(&f);
        f.ends_at_send = at;
        struct apf_mps_handler handler = k_mps_handler;
        handler.mux.send = end_in_send;
        f.session = apf_mps_session_new(&f.config, &handler, &f, f.now_us);
        wire_version(&f.in, 1);
        wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
        wire_userauth(&f.in, "user", "password", "pw");
        wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
        wire_request(&f.in, APF_REQUEST_FORWARD, 1, 16992);
        wire_request(&f.in, APF_REQUEST_CANCEL, 1, 16992);
        keepalive(&f, 1);
        wire_open(&f.in, APF_CHANNEL_NAME_DIRECT, 1, 1, 1);
        mps_feed(&f);
        assert_int_equal(f.sends, at); /* ACCEPT SUCCESS ACCEPT SUCCESS SUCCESS REPLY FAILURE */
        assert_int_equal(f.ends, 1);
        assert_int_equal(f.end.kind, APF_END_TRANSPORT);
        mps_fini(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keepalive_is_answered_while_the_login_is_checked),
        cmocka_unit_test(a_message_cut_by_the_end_of_the_check_is_whole),
        cmocka_unit_test(a_device_that_forwards_nothing_is_asked_for_keepalives),
        cmocka_unit_test(a_silent_device_is_ready_once_in_lenient_mode),
        cmocka_unit_test(a_delivered_datagram_is_answered_in_order),
        cmocka_unit_test(json_control_of_strangers_changes_nothing),
        cmocka_unit_test(a_mebibyte_that_dribbles_in_costs_linear_work),
        cmocka_unit_test(input_from_inside_a_handler_is_taken_in_order),
        cmocka_unit_test(the_end_may_come_from_inside_any_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
