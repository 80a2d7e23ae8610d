/* What a device session owes to servers that answer too much, too little, or all at once. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "protocol/apf/tests/device_fixture.h"
#include "protocol/apf/tests/wire.h"

static void reach_up_without_replies(struct device_fixture *f)
{
    device_init(f);
    f->config.want_reply = 0;
    device_reach(f, APF_DEVICE_PFWD);
    wire_service(&f->in, APF_SERVICE_ACCEPT, APF_SERVICE_PFWD);
    device_feed(f);
    assert_int_equal(device_expect(f, APF_GLOBAL_REQUEST).want_reply, 0);
    (void)device_expect(f, APF_GLOBAL_REQUEST);
    assert_int_equal(f->up, 1);
    assert_int_equal(f->granted, 2);
}

/* APF-DEV-012, apf.md 3.9: an MPS that keeps to the rule is silent */
static void ports_announced_without_reply_are_served(void **state)
{
    (void)state;
    struct device_fixture f;
    reach_up_without_replies(&f);
    device_open_channel(&f, 4, 100, 0);
    assert_int_equal(apf_device_session_forward(f.session, 16992, false, f.now_us), AMT_OK);
    (void)device_expect(&f, APF_GLOBAL_REQUEST);
    wire_open(&f.in, APF_CHANNEL_NAME_FORWARDED, 5, 100, 16992);
    device_feed(&f);
    (void)device_expect(&f, APF_CHANNEL_OPEN_FAILURE);
    device_fini(&f);
}

/* APF-DEV-013, apf.md 3.9: MeshCentral, Open AMT MPS and Console answer all the same */
static void answers_that_nobody_asked_for_are_attributed(void **state)
{
    (void)state;
    struct device_fixture f;
    reach_up_without_replies(&f);
    device_feed_success(&f, 16992);
    assert_int_equal(f.granted, 2);
    device_feed_type(&f, APF_REQUEST_FAILURE); /* 5900 after all not */
    assert_int_equal(f.refused, 1);
    wire_open(&f.in, APF_CHANNEL_NAME_FORWARDED, 4, 100, 5900);
    device_feed(&f);
    (void)device_expect(&f, APF_CHANNEL_OPEN_FAILURE);
    assert_int_equal(apf_device_session_forward(f.session, 16992, false, f.now_us), AMT_OK);
    (void)device_expect(&f, APF_GLOBAL_REQUEST);
    wire_plain(&f.in,
               &(struct apf_message){ .type = APF_REQUEST_SUCCESS, .request = APF_REQUEST_CANCEL });
    wire_plain(&f.in, &(struct apf_message){ .type = APF_KEEPALIVE_REQUEST, .cookie = 3 });
    device_feed(&f);
    assert_int_equal(device_expect(&f, APF_KEEPALIVE_REPLY).cookie, 3);
    assert_int_equal(f.ends, 0);
    device_fini(&f);
}

/* A rule-abiding MPS never answers; the list of what it might answer stays bounded. */
static void many_requests_without_reply_do_not_fill_the_list(void **state)
{
    (void)state;
    struct device_fixture f;
    reach_up_without_replies(&f);
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(apf_device_session_forward(f.session, 623, i % 2 == 0, f.now_us), AMT_OK);
    }
    device_fini(&f);
}

static void requests_with_reply_have_a_limit(void **state)
{
    (void)state;
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_UP);
    enum amt_err err = AMT_OK;
    uint32_t sent = 0;
    while (err == AMT_OK) {
        err = apf_device_session_forward(f.session, 623, true, f.now_us);
        sent += err == AMT_OK ? 1 : 0;
    }
    assert_int_equal(err, AMT_ELIMIT);
    assert_int_equal(sent, 64);
    device_fini(&f);
}

/* APF-DEV-007: whatever length the codec can carry */
static void a_long_user_name_is_sent_whole(void **state)
{
    (void)state;
    static uint8_t text[APF_NAME_MAX_BYTES + 1];
    struct device_fixture f;
    device_init(&f);
    memset(text, 'u', sizeof text);
    f.config.user = text;
    f.config.user_len = APF_NAME_MAX_BYTES;
    f.config.password = text;
    f.config.password_len = APF_NAME_MAX_BYTES;
    device_start(&f);
    bytes_consume(&f.sent, 116);
    wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_AUTH);
    device_feed(&f);
    struct apf_message auth = device_expect(&f, APF_USERAUTH_REQUEST);
    assert_int_equal(auth.user.len, APF_NAME_MAX_BYTES);
    assert_int_equal(auth.password.len, APF_NAME_MAX_BYTES);
    device_fini(&f);
    device_init(&f);
    f.config.user = text;
    f.config.user_len = sizeof text;
    assert_null(apf_device_session_new(&f.config, &k_device_handler, &f, 0));
}

/* APF-DEV-052, M-01 */
static void an_accept_joined_with_other_messages_is_handled(void **state)
{
    (void)state;
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_HELLO);
    wire_version(&f.in, 1);
    wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_AUTH);
    wire_plain(&f.in, &(struct apf_message){ .type = APF_KEEPALIVE_REQUEST, .cookie = 1 });
    wire_plain(&f.in, &(struct apf_message){ .type = APF_USERAUTH_SUCCESS });
    wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_PFWD);
    device_feed(&f);
    (void)device_expect(&f, APF_USERAUTH_REQUEST);
    (void)device_expect(&f, APF_KEEPALIVE_REPLY);
    (void)device_expect(&f, APF_SERVICE_REQUEST);
    (void)device_expect(&f, APF_GLOBAL_REQUEST);
    assert_int_equal(f.ends, 0);
    device_fini(&f);
}

/* APF-DEV-029 APF-DEV-027 */
static void before_pfwd_no_channel_of_any_type_is_opened(void **state)
{
    (void)state;
    static const char *const k_types[] = { APF_CHANNEL_NAME_FORWARDED, "session" };
    for (int place = APF_DEVICE_HELLO; place <= APF_DEVICE_UP; place++) {
        for (int i = 0; i < 2; i++) {
            struct device_fixture f;
            device_init(&f);
            device_reach(&f, (enum apf_device_state)place);
            wire_open(&f.in, k_types[i], 7, 100, 623);
            device_feed(&f);
            struct apf_message failure = device_expect(&f, APF_CHANNEL_OPEN_FAILURE);
            assert_int_equal(failure.recipient_channel, 7);
            assert_int_equal(failure.reason, place >= APF_DEVICE_FORWARD && i == 1
                                                 ? APF_UNKNOWN_CHANNEL_TYPE
                                                 : APF_ADMINISTRATIVELY_PROHIBITED);
            device_fini(&f);
        }
    }
}

/* APF-DEV-028 */
static void texts_of_channel_open_have_no_influence(void **state)
{
    (void)state;
    static char source[15 + 2 * APF_NAME_MAX_BYTES];
    static const uint32_t k_lengths[] = { 0, 3, 255, APF_NAME_MAX_BYTES };
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_UP);
    memset(source, ':', sizeof source);
    memcpy(source, APF_CHANNEL_NAME_FORWARDED, 15);
    for (uint32_t i = 0; i < 4; i++) {
        struct apf_message open = { .type = APF_CHANNEL_OPEN, .sender_channel = i, .port = 16992 };
        uint8_t out[8300];
        open.channel_type = (struct view){ 0, 15 };
        open.address = (struct view){ 15, k_lengths[i] };
        open.originator = (struct view){ 15 + k_lengths[i], k_lengths[i] };
        open.originator_port = 70000;
        uint32_t len = apf_encode(&open, (const uint8_t *)source, false, out, sizeof out);
        apf_device_session_input(f.session, out, len, f.now_us);
        assert_int_equal(device_expect(&f, APF_CHANNEL_OPEN_CONFIRMATION).sender_channel, i);
    }
    device_fini(&f);
}

/* APF-DEV-048, CO-11: refused, or never answered; the session goes on */
static void an_event_channel_may_fail_in_both_ways(void **state)
{
    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        struct device_fixture f;
        device_init(&f);
        device_reach(&f, APF_DEVICE_UP);
        struct apf_channel *channel = NULL;
        struct apf_mux *mux = apf_device_session_mux(f.session);
        assert_int_equal(
            apf_mux_open(mux, 16997, "192.0.2.1", "192.0.2.7", 16992, f.now_us, &channel), AMT_OK);
        struct apf_message open = device_expect(&f, APF_CHANNEL_OPEN);
        assert_int_equal(open.channel_type.len, strlen(APF_CHANNEL_NAME_DIRECT));
        if (answers == 1) {
            device_feed_plain(&f, &(struct apf_message){ .type = APF_CHANNEL_OPEN_FAILURE,
                                                         .recipient_channel = open.sender_channel,
                                                         .reason = APF_UNKNOWN_CHANNEL_TYPE });
        } else {
            device_tick_at(&f, f.now_us + 10 * SECOND);
        }
        assert_int_equal(f.channel_ends, 1);
        assert_int_equal(f.ends, 0);
        assert_int_equal(apf_mux_channel_count(mux), 0);
        device_open_channel(&f, 9, 1,
                            answers == 1 ? 0 : 1); /* a late answer would still be known */
        device_fini(&f);
    }
}

/* APF-COM-020 */
static void a_session_dribbled_byte_by_byte_is_the_same(void **state)
{
    (void)state;
    struct bytes whole = { .max = 0 };
    for (uint32_t step = 1000; step > 0; step = step == 1000 ? 7 : step == 7 ? 1 : 0) {
        struct device_fixture f;
        device_init(&f);
        f.consumes = true;
        device_start(&f);
        wire_version(&f.in, 1);
        wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_AUTH);
        wire_plain(&f.in, &(struct apf_message){ .type = APF_USERAUTH_SUCCESS });
        wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_PFWD);
        for (int i = 0; i < 2; i++) {
            wire_plain(&f.in, &(struct apf_message){ .type = APF_REQUEST_SUCCESS,
                                                     .request = APF_REQUEST_FORWARD,
                                                     .port = k_device_forwards[i].port });
        }
        wire_open(&f.in, APF_CHANNEL_NAME_FORWARDED, 4, 100, 16992);
        wire_data(&f.in, 0, 4000);
        wire_plain(&f.in, &(struct apf_message){ .type = APF_CHANNEL_CLOSE });
        for (uint32_t at = 0; at < f.in.len; at += step) {
            uint32_t n = f.in.len - at < step ? f.in.len - at : step;
            apf_device_session_input(f.session, bytes_front(&f.in) + at, n, f.now_us);
        }
        assert_int_equal(f.channel_ends, 1);
        if (step == 1000) {
            assert_int_equal(bytes_append(&whole, bytes_front(&f.sent), f.sent.len), AMT_OK);
        }
        assert_int_equal(f.sent.len, whole.len);
        assert_memory_equal(bytes_front(&f.sent), bytes_front(&whole), whole.len);
        device_fini(&f);
    }
    bytes_fini(&whole);
}

static void drop(void *ctx, const uint8_t *out, uint32_t len)
{
    (void)out;
    assert_int_equal(((struct device_fixture *)ctx)->ends, 0);
    assert_true(len > 0);
}

/* Every allocation may fail: the session ends or refuses, and nothing is lost or kept. */
static void no_memory_is_survived_at_every_step(void **state)
{
    (void)state;
    struct apf_device_handler handler = k_device_handler;
    handler.mux.send = drop;
    for (uint64_t k = 1; k < 12; k++) {
        struct device_fixture f;
        device_init(&f);
        wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_AUTH);
        wire_plain(&f.in, &(struct apf_message){ .type = APF_USERAUTH_SUCCESS });
        wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_PFWD);
        wire_plain(&f.in, &(struct apf_message){ .type = APF_REQUEST_SUCCESS,
                                                 .request = APF_REQUEST_FORWARD,
                                                 .port = 16992 });
        wire_open(&f.in, APF_CHANNEL_NAME_FORWARDED, 4, 0, 16992);
        amt_memory_fail_after(k);
        f.session = apf_device_session_new(&f.config, &handler, &f, f.now_us);
        for (uint32_t at = 0; f.session != NULL && at < f.in.len; at += 11) {
            uint32_t n = f.in.len - at < 11 ? f.in.len - at : 11;
            apf_device_session_input(f.session, bytes_front(&f.in) + at, n, f.now_us);
        }
        if (f.opened != NULL && f.ends == 0) {
            enum amt_err err = apf_channel_write(f.opened, (const uint8_t *)"abc", 3);
            assert_true(err == AMT_OK || err == AMT_ENOMEM);
            assert_int_equal(apf_channel_queued_bytes(f.opened), err == AMT_OK ? 3 : 0);
        }
        amt_memory_fail_after(0);
        assert_true(f.ends <= 1);
        device_fini(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_announced_without_reply_are_served),
        cmocka_unit_test(answers_that_nobody_asked_for_are_attributed),
        cmocka_unit_test(many_requests_without_reply_do_not_fill_the_list),
        cmocka_unit_test(requests_with_reply_have_a_limit),
        cmocka_unit_test(a_long_user_name_is_sent_whole),
        cmocka_unit_test(an_accept_joined_with_other_messages_is_handled),
        cmocka_unit_test(before_pfwd_no_channel_of_any_type_is_opened),
        cmocka_unit_test(texts_of_channel_open_have_no_influence),
        cmocka_unit_test(an_event_channel_may_fail_in_both_ways),
        cmocka_unit_test(a_session_dribbled_byte_by_byte_is_the_same),
        cmocka_unit_test(no_memory_is_survived_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
