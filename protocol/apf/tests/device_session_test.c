#include <string.h>

#include "base/unit.h"
#include "protocol/apf/tests/device_fixture.h"
#include "protocol/apf/tests/wire.h"

/* --- the grid of apf.md 4.2 --- */

/* clang-format off */
enum cell_message {
    ACCEPT_AUTH, ACCEPT_PFWD, ACCEPT_OTHER, ACCEPT_EMPTY, AUTH_SUCCESS, AUTH_FAILURE, SUCCESS, FAILURE,
    OPTIONS, KEEPALIVE, REPLY, VERSION, OPEN, DATA, ADJUST, CLOSE,
    DISCONNECT_11, UNKNOWN, WRONG_DIRECTION, MESSAGES
};
/* clang-format on */

static void put_cell(struct bytes *out, enum cell_message which)
{
    static const struct apf_message k_plain[MESSAGES] = {
        [AUTH_SUCCESS] = { .type = APF_USERAUTH_SUCCESS },
        [AUTH_FAILURE] = { .type = APF_USERAUTH_FAILURE },
        [SUCCESS] = { .type = APF_REQUEST_SUCCESS, .request = APF_REQUEST_FORWARD, .port = 16992 },
        [FAILURE] = { .type = APF_REQUEST_FAILURE },
        [OPTIONS] = { .type = APF_KEEPALIVE_OPTIONS_REQUEST, .interval = 5 },
        [KEEPALIVE] = { .type = APF_KEEPALIVE_REQUEST, .cookie = 9 },
        [REPLY] = { .type = APF_KEEPALIVE_REPLY, .cookie = 9 },
        [DATA] = { .type = APF_CHANNEL_DATA, .recipient_channel = 5 },
        [ADJUST] = { .type = APF_CHANNEL_WINDOW_ADJUST, .recipient_channel = 5 },
        [CLOSE] = { .type = APF_CHANNEL_CLOSE, .recipient_channel = 5 },
        [DISCONNECT_11] = { .type = APF_DISCONNECT, .reason = 11 },
        [WRONG_DIRECTION] = { .type = APF_KEEPALIVE_OPTIONS_REPLY },
    };
    switch ((int)which) {
    case ACCEPT_AUTH:
        wire_service(out, APF_SERVICE_ACCEPT, APF_SERVICE_AUTH);
        break;
    case ACCEPT_PFWD:
        wire_service(out, APF_SERVICE_ACCEPT, APF_SERVICE_PFWD);
        break;
    case ACCEPT_OTHER:
        wire_service(out, APF_SERVICE_ACCEPT, "echo@amt.intel.com");
        break;
    case ACCEPT_EMPTY:
        wire_service(out, APF_SERVICE_ACCEPT, "");
        break;
    case VERSION:
        wire_version(out, 1);
        break;
    case OPEN:
        wire_open(out, APF_CHANNEL_NAME_FORWARDED, 1, 4096, 16992);
        break;
    case UNKNOWN:
        assert_int_equal(bytes_append(out, "\x60", 1), AMT_OK);
        break;
    default:
        wire_plain(out, &k_plain[which]);
        break;
    }
}

#define P 1002 /* DISCONNECT 2 and the end */
#define C 1000 /* the end without a word */

/* What each cell sends: a type, 0 for nothing, or P or C. */
static const int k_cells[MESSAGES][APF_DEVICE_ENDED] = {
    [ACCEPT_AUTH] = { APF_USERAUTH_REQUEST, P, P, P, P },
    [ACCEPT_PFWD] = { P, P, APF_GLOBAL_REQUEST, P, P },
    [ACCEPT_OTHER] = { P, P, P, P, P },
    [ACCEPT_EMPTY] = { P, P, P, P, P },
    [AUTH_SUCCESS] = { P, APF_SERVICE_REQUEST, 0, 0, 0 },
    [AUTH_FAILURE] = { P, C, P, P, P },
    [SUCCESS] = { P, P, P, APF_GLOBAL_REQUEST, P },
    [FAILURE] = { P, P, P, APF_GLOBAL_REQUEST, P },
    [OPTIONS] = { APF_KEEPALIVE_OPTIONS_REPLY, APF_KEEPALIVE_OPTIONS_REPLY,
                  APF_KEEPALIVE_OPTIONS_REPLY, APF_KEEPALIVE_OPTIONS_REPLY,
                  APF_KEEPALIVE_OPTIONS_REPLY },
    [KEEPALIVE] = { APF_KEEPALIVE_REPLY, APF_KEEPALIVE_REPLY, APF_KEEPALIVE_REPLY,
                    APF_KEEPALIVE_REPLY, APF_KEEPALIVE_REPLY },
    [REPLY] = { 0, 0, 0, 0, 0 },
    [VERSION] = { 0, 0, 0, 0, 0 },
    [OPEN] = { APF_CHANNEL_OPEN_FAILURE, APF_CHANNEL_OPEN_FAILURE, APF_CHANNEL_OPEN_FAILURE,
               APF_CHANNEL_OPEN_FAILURE, APF_CHANNEL_OPEN_CONFIRMATION },
    [DATA] = { 0, 0, 0, 0, 0 },
    [ADJUST] = { 0, 0, 0, 0, 0 },
    [CLOSE] = { 0, 0, 0, 0, 0 },
    [DISCONNECT_11] = { C, C, C, C, C },
    [UNKNOWN] = { P, P, P, P, P },
    [WRONG_DIRECTION] = { P, P, P, P, P },
};

/* APF-DEV-009 APF-DEV-019 APF-DEV-020 APF-DEV-021 APF-DEV-022 APF-DEV-029 APF-DEV-040 APF-DEV-041
 * APF-DEV-042 */
static void every_message_in_every_state_does_what_the_table_says(void **state)
{
    (void)state;
    for (int which = 0; which < MESSAGES; which++) {
        for (int place = 0; place < APF_DEVICE_ENDED; place++) {
            struct device_fixture f;
            device_init(&f);
            device_reach(&f, (enum apf_device_state)place);
            put_cell(&f.in, (enum cell_message)which);
            device_feed(&f);
            int cell = k_cells[which][place];
            if (f.ends != (cell >= C ? 1u : 0u)) {
                fail_msg("message %d in state %d: %u ends", which, place, f.ends);
            }
            if (cell == P) {
                device_expect_disconnect(&f, APF_PROTOCOL_ERROR, APF_END_PROTOCOL_ERROR);
            } else if (cell != C && cell != 0) {
                (void)device_expect(&f, (uint8_t)cell);
            }
            wire_expect_silence(&f.sent);
            device_fini(&f);
        }
    }
}

/* APF-DEV-043 */
static void no_progress_in_a_handshake_state_ends_with_disconnect_16(void **state)
{
    (void)state;
    for (int place = 0; place < APF_DEVICE_UP; place++) {
        struct device_fixture f;
        device_init(&f);
        device_reach(&f, (enum apf_device_state)place);
        device_tick_at(&f, 31 * SECOND - 1);
        wire_expect_silence(&f.sent);
        assert_int_equal(apf_device_session_next_deadline_us(f.session), 31 * SECOND);
        device_tick_at(&f, 31 * SECOND);
        device_expect_disconnect(&f, APF_CONNECTION_TIMED_OUT, APF_END_TIMEOUT);
        device_fini(&f);
    }
}

/* APF-DEV-044 */
static void the_lifetime_ends_every_state_with_disconnect_11(void **state)
{
    (void)state;
    for (int place = 0; place <= APF_DEVICE_UP; place++) {
        struct device_fixture f;
        device_init(&f);
        f.config.lifetime_us = 10 * SECOND;
        device_reach(&f, (enum apf_device_state)place);
        device_tick_at(&f, 11 * SECOND);
        device_expect_disconnect(&f, APF_BY_APPLICATION, APF_END_LOCAL);
        device_fini(&f);
    }
}

/* apf.md 13.3: another trigger, the longer of two lifetimes */
static void a_lifetime_may_become_longer_never_shorter(void **state)
{
    static const struct {
        uint64_t added_us, due_us; /* added at the second second */
    } k_cases[] = { { 3 * SECOND, 11 * SECOND }, { 20 * SECOND, 22 * SECOND } };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct device_fixture f;
        device_init(&f);
        f.config.lifetime_us = 10 * SECOND;
        device_reach(&f, APF_DEVICE_UP);
        apf_device_session_extend(f.session, k_cases[i].added_us, 2 * SECOND);
        device_tick_at(&f, k_cases[i].due_us - 1);
        assert_int_equal(f.ends, 0);
        device_tick_at(&f, k_cases[i].due_us);
        assert_int_equal(f.ends, 1);
        device_fini(&f);
    }
}

static void a_lifetime_without_end_replaces_any_other(void **state)
{
    struct device_fixture f;
    (void)state;
    device_init(&f);
    f.config.lifetime_us = 10 * SECOND;
    device_reach(&f, APF_DEVICE_UP);
    apf_device_session_extend(f.session, 0, 2 * SECOND);
    device_tick_at(&f, 20 * SECOND);
    assert_int_equal(f.ends, 0);
    device_fini(&f);
}

/* --- handshake --- */

/* APF-DEV-004 APF-DEV-005 */
static void the_first_two_messages_come_in_the_order_of_the_option(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct device_fixture f;
        device_init(&f);
        f.config.service_request_first = first == 1;
        device_start(&f);
        assert_int_equal(f.sent.len, 116);
        if (first == 1) {
            assert_int_equal(device_expect(&f, APF_SERVICE_REQUEST).service.len, 18);
        }
        struct apf_message version = device_expect(&f, APF_PROTOCOLVERSION);
        assert_int_equal(version.major, 1);
        assert_int_equal(version.minor, 0);
        assert_int_equal(version.trigger, APF_TRIGGER_PERIODIC);
        assert_int_equal(version.uuid[15], 7);
        if (first == 0) {
            assert_int_equal(device_expect(&f, APF_SERVICE_REQUEST).service.len, 18);
        }
        wire_expect_silence(&f.sent);
        device_fini(&f);
    }
}

/* APF-DEV-006 APF-DEV-007 APF-DEV-008 */
static void the_login_names_the_method_and_waits_for_the_answer(void **state)
{
    (void)state;
    for (int mutual = 0; mutual < 2; mutual++) {
        struct device_fixture f;
        device_init(&f);
        f.config.mutual_tls = mutual == 1;
        device_start(&f);
        bytes_consume(&f.sent, 116);
        wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_AUTH);
        device_feed(&f);
        struct bytes want = { .max = 0 };
        wire_userauth(&want, "user", mutual == 1 ? "none" : "password", mutual == 1 ? NULL : "pw");
        assert_int_equal(f.sent.len, want.len);
        assert_memory_equal(bytes_front(&f.sent), bytes_front(&want), want.len);
        bytes_fini(&want);
        device_fini(&f);
    }
}

/* APF-DEV-012 APF-DEV-013 */
static void pipelined_forwards_go_out_at_once_and_are_answered_in_order(void **state)
{
    (void)state;
    struct device_fixture f;
    device_init(&f);
    f.config.pipelined_forwards = true;
    device_start(&f);
    wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_AUTH);
    wire_plain(&f.in, &(struct apf_message){ .type = APF_USERAUTH_SUCCESS });
    wire_service(&f.in, APF_SERVICE_ACCEPT, APF_SERVICE_PFWD);
    device_feed(&f);
    (void)device_expect(&f, APF_PROTOCOLVERSION);
    (void)device_expect(&f, APF_SERVICE_REQUEST);
    (void)device_expect(&f, APF_USERAUTH_REQUEST);
    (void)device_expect(&f, APF_SERVICE_REQUEST);
    struct apf_message request = device_expect(&f, APF_GLOBAL_REQUEST);
    assert_int_equal(request.port, 16992);
    assert_int_equal(request.want_reply, 1);
    assert_int_equal(device_expect(&f, APF_GLOBAL_REQUEST).port, 5900);
    device_feed_success(&f, 16992);
    assert_int_equal(f.up, 0);
    device_feed_success(&f, 5900);
    assert_int_equal(f.up, 1);
    assert_int_equal(f.granted, 2);
    device_fini(&f);
}

/* APF-DEV-014 APF-DEV-024 */
static void a_refused_port_is_not_served_and_the_session_goes_on(void **state)
{
    (void)state;
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_FORWARD);
    device_feed_type(&f, APF_REQUEST_FAILURE);
    (void)device_expect(&f, APF_GLOBAL_REQUEST);
    device_feed_success(&f, 5900);
    assert_int_equal(f.up, 1);
    assert_int_equal(f.refused, 1);
    wire_open(&f.in, APF_CHANNEL_NAME_FORWARDED, 1, 4096, 16992);
    device_feed(&f);
    assert_int_equal(device_expect(&f, APF_CHANNEL_OPEN_FAILURE).reason,
                     APF_ADMINISTRATIVELY_PROHIBITED);
    device_fini(&f);
}

/* APF-DEV-015 */
static void a_grant_for_another_port_is_an_error_unless_lenient(void **state)
{
    (void)state;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct device_fixture f;
        device_init(&f);
        f.config.lenient = lenient == 1;
        device_reach(&f, APF_DEVICE_FORWARD);
        device_feed_success(&f, 5900);
        if (lenient == 1) {
            (void)device_expect(&f, APF_GLOBAL_REQUEST);
        } else {
            device_expect_disconnect(&f, APF_PROTOCOL_ERROR, APF_END_PROTOCOL_ERROR);
            assert_string_equal(f.end.requirement, "APF-DEV-015");
        }
        device_fini(&f);
    }
}

/* APF-DEV-010 APF-DEV-011 */
static void a_refused_login_ends_in_silence_whatever_byte_follows(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct device_fixture f;
        device_init(&f);
        device_reach(&f, APF_DEVICE_AUTH);
        wire_plain(&f.in, &(struct apf_message){ .type = APF_USERAUTH_FAILURE });
        if (same == 0) {
            device_feed(&f);
        }
        assert_int_equal(bytes_append(&f.in, "", 1), AMT_OK);
        device_feed(&f);
        assert_int_equal(f.ends, 1);
        assert_int_equal(f.end.kind, APF_END_AUTH_FAILED);
        wire_expect_silence(&f.sent);
        device_fini(&f);
    }
}

/* --- keepalive --- */

/* APF-DEV-017 */
static void keepalives_go_out_each_interval_with_changing_cookies(void **state)
{
    (void)state;
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_UP);
    uint32_t last = 0;
    for (uint32_t i = 1; i <= 5; i++) {
        device_tick_at(&f, (1 + 30 * i) * SECOND - 1);
        wire_expect_silence(&f.sent);
        device_tick_at(&f, (1 + 30 * i) * SECOND);
        uint32_t cookie = device_expect(&f, APF_KEEPALIVE_REQUEST).cookie;
        assert_int_not_equal(cookie, last);
        last = cookie;
        device_feed_plain(&f, &(struct apf_message){ .type = APF_KEEPALIVE_REPLY,
                                                     .cookie = i == 3 ? 77 : cookie });
    }
    assert_int_equal(f.replies, 5);
    assert_int_equal(f.mismatches, 1);
    device_fini(&f);
}

/* APF-DEV-018 */
static void a_missing_reply_ends_the_tunnel_unless_nobody_cares(void **state)
{
    (void)state;
    for (int cares = 0; cares < 2; cares++) {
        struct device_fixture f;
        device_init(&f);
        f.config.keepalive_reply_limit_us = cares == 1 ? 20 * SECOND : 0;
        device_reach(&f, APF_DEVICE_UP);
        device_tick_at(&f, 31 * SECOND);
        (void)device_expect(&f, APF_KEEPALIVE_REQUEST);
        device_tick_at(&f, 51 * SECOND);
        if (cares == 1) {
            device_expect_disconnect(&f, APF_CONNECTION_LOST, APF_END_TIMEOUT);
        } else {
            wire_expect_silence(&f.sent);
        }
        device_fini(&f);
    }
}

/* APF-DEV-016 */
static void keepalive_options_change_the_interval_as_the_profile_allows(void **state)
{
    (void)state;
    for (int mode = 0; mode < 3; mode++) { /* takes it, keeps its own, says nothing */
        struct device_fixture f;
        device_init(&f);
        f.config.accepts_keepalive_options = mode == 0;
        f.config.answers_keepalive_options = mode < 2;
        device_reach(&f, APF_DEVICE_UP);
        device_feed_plain(
            &f, &(struct apf_message){ .type = APF_KEEPALIVE_OPTIONS_REQUEST, .interval = 5 });
        if (mode < 2) {
            struct apf_message reply = device_expect(&f, APF_KEEPALIVE_OPTIONS_REPLY);
            assert_int_equal(reply.interval, mode == 0 ? 5 : 30);
            assert_int_equal(reply.timeout, 0);
        }
        wire_expect_silence(&f.sent);
        assert_int_equal(apf_device_session_next_deadline_us(f.session),
                         (mode == 0 ? 6 : 31) * SECOND);
        device_fini(&f);
    }
}

/* --- channels --- */

/* APF-DEV-023 APF-DEV-025 APF-DEV-036 */
static void eight_slots_are_used_and_the_ninth_channel_is_refused(void **state)
{
    (void)state;
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_UP);
    for (uint32_t i = 0; i < 8; i++) {
        device_open_channel(&f, 100 + i, 4096, i);
    }
    wire_open(&f.in, APF_CHANNEL_NAME_FORWARDED, 200, 4096, 16992);
    device_feed(&f);
    struct apf_message failure = device_expect(&f, APF_CHANNEL_OPEN_FAILURE);
    assert_int_equal(failure.reason, APF_RESOURCE_SHORTAGE);
    assert_int_equal(failure.recipient_channel, 200);
    device_feed_close(&f, 3);
    assert_int_equal(device_expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 103);
    device_open_channel(&f, 201, 4096, 3); /* free at once, and the lowest */
    device_fini(&f);
}

/* APF-DEV-024 APF-DEV-026 APF-DEV-027 */
static void refusals_carry_their_reason(void **state)
{
    (void)state;
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_UP);
    wire_open(&f.in, APF_CHANNEL_NAME_FORWARDED, 1, 4096, 22);
    wire_open(&f.in, "session", 2, 4096, 16992);
    wire_open(&f.in, APF_CHANNEL_NAME_DIRECT, 3, 4096, 16992);
    device_feed(&f);
    assert_int_equal(device_expect(&f, APF_CHANNEL_OPEN_FAILURE).reason,
                     APF_ADMINISTRATIVELY_PROHIBITED);
    assert_int_equal(device_expect(&f, APF_CHANNEL_OPEN_FAILURE).reason, APF_UNKNOWN_CHANNEL_TYPE);
    assert_int_equal(device_expect(&f, APF_CHANNEL_OPEN_FAILURE).reason, APF_UNKNOWN_CHANNEL_TYPE);
    f.refuses = true;
    wire_open(&f.in, APF_CHANNEL_NAME_FORWARDED, 4, 4096, 16992);
    device_feed(&f);
    assert_int_equal(device_expect(&f, APF_CHANNEL_OPEN_FAILURE).reason, APF_CONNECT_FAILED);
    device_fini(&f);
}

/* APF-DEV-030 APF-DEV-033 */
static void no_more_is_sent_than_was_credited(void **state)
{
    (void)state;
    static const uint8_t k_body[10000];
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_UP);
    device_open_channel(&f, 9, 0, 0);
    assert_int_equal(apf_channel_write(f.opened, k_body, sizeof k_body), AMT_OK);
    wire_expect_silence(&f.sent);
    static const uint32_t k_credit[] = { 1, 100, 4096 };
    static const uint32_t k_messages[][2] = { { 1, 0 }, { 100, 0 }, { 4087, 9 } };
    for (uint32_t i = 0; i < 3; i++) {
        device_feed_plain(&f, &(struct apf_message){ .type = APF_CHANNEL_WINDOW_ADJUST,
                                                     .bytes_to_add = k_credit[i] });
        assert_int_equal(device_expect(&f, APF_CHANNEL_DATA).data.len, k_messages[i][0]);
        if (k_messages[i][1] != 0) {
            assert_int_equal(device_expect(&f, APF_CHANNEL_DATA).data.len, k_messages[i][1]);
        }
        wire_expect_silence(&f.sent);
    }
    device_fini(&f);
}

/* APF-DEV-031 APF-DEV-039 */
static void credit_is_given_for_each_message_or_for_half_of_the_window(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        struct device_fixture f;
        device_init(&f);
        f.consumes = true;
        f.config.mux.credit = half == 1 ? APF_CREDIT_HALF : APF_CREDIT_EACH;
        device_reach(&f, APF_DEVICE_UP);
        device_open_channel(&f, 9, 0, 0);
        wire_data(&f.in, 0, 0);
        device_feed(&f);
        wire_expect_silence(&f.sent);
        for (uint32_t i = 1; i <= 5; i++) {
            wire_data(&f.in, 0, 499);
            device_feed(&f);
            if (half == 0 || i == 5) {
                assert_int_equal(device_expect(&f, APF_CHANNEL_WINDOW_ADJUST).bytes_to_add,
                                 half == 0 ? 499 : 2495);
            }
            wire_expect_silence(&f.sent);
        }
        device_fini(&f);
    }
}

/* APF-DEV-032 */
static void data_beyond_the_window_is_an_error_or_is_counted(void **state)
{
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        struct device_fixture f;
        device_init(&f);
        f.config.mux.strict = strict == 1;
        device_reach(&f, APF_DEVICE_UP);
        device_open_channel(&f, 9, 0, 0);
        wire_data(&f.in, 0, 4096);
        device_feed(&f);
        assert_int_equal(f.ends, 0);
        wire_data(&f.in, 0, 1);
        device_feed(&f);
        if (strict == 1) {
            device_expect_disconnect(&f, APF_PROTOCOL_ERROR, APF_END_PROTOCOL_ERROR);
        } else {
            assert_int_equal(f.received_bytes, 4097);
            const struct apf_mux *mux = apf_device_session_mux(f.session);
            assert_int_equal(apf_mux_statistics(mux)->window_overruns, 1);
        }
        device_fini(&f);
    }
}

/* APF-DEV-037 */
static void a_slot_closed_by_the_device_is_held_for_ten_seconds(void **state)
{
    (void)state;
    struct device_fixture f;
    device_init(&f);
    device_reach(&f, APF_DEVICE_UP);
    device_open_channel(&f, 9, 0, 0);
    apf_channel_close(f.opened, f.now_us);
    assert_int_equal(device_expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 9);
    device_open_channel(&f, 10, 0, 1); /* slot 0 is still held */
    device_tick_at(&f, 11 * SECOND);
    assert_int_equal(f.channel_ends, 1);
    wire_expect_silence(&f.sent);
    device_open_channel(&f, 11, 0, 0);
    device_fini(&f);
}

/* APF-DEV-038 */
static void a_second_close_hits_the_new_channel_unless_it_is_ignored(void **state)
{
    (void)state;
    for (int ignores = 0; ignores < 2; ignores++) {
        struct device_fixture f;
        device_init(&f);
        f.config.mux.ignore_stray_close = ignores == 1;
        device_reach(&f, APF_DEVICE_UP);
        device_open_channel(&f, 9, 0, 0);
        device_feed_close(&f, 0);
        (void)device_expect(&f, APF_CHANNEL_CLOSE);
        device_open_channel(&f, 10, 0, 0);
        device_feed_close(&f, 0);
        if (ignores == 0) {
            assert_int_equal(device_expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 10);
        }
        wire_expect_silence(&f.sent);
        device_fini(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_in_every_state_does_what_the_table_says),
        cmocka_unit_test(no_progress_in_a_handshake_state_ends_with_disconnect_16),
        cmocka_unit_test(the_lifetime_ends_every_state_with_disconnect_11),
        cmocka_unit_test(a_lifetime_may_become_longer_never_shorter),
        cmocka_unit_test(a_lifetime_without_end_replaces_any_other),
        cmocka_unit_test(the_first_two_messages_come_in_the_order_of_the_option),
        cmocka_unit_test(the_login_names_the_method_and_waits_for_the_answer),
        cmocka_unit_test(pipelined_forwards_go_out_at_once_and_are_answered_in_order),
        cmocka_unit_test(a_refused_port_is_not_served_and_the_session_goes_on),
        cmocka_unit_test(a_grant_for_another_port_is_an_error_unless_lenient),
        cmocka_unit_test(a_refused_login_ends_in_silence_whatever_byte_follows),
        cmocka_unit_test(keepalives_go_out_each_interval_with_changing_cookies),
        cmocka_unit_test(a_missing_reply_ends_the_tunnel_unless_nobody_cares),
        cmocka_unit_test(keepalive_options_change_the_interval_as_the_profile_allows),
        cmocka_unit_test(eight_slots_are_used_and_the_ninth_channel_is_refused),
        cmocka_unit_test(refusals_carry_their_reason),
        cmocka_unit_test(no_more_is_sent_than_was_credited),
        cmocka_unit_test(credit_is_given_for_each_message_or_for_half_of_the_window),
        cmocka_unit_test(data_beyond_the_window_is_an_error_or_is_counted),
        cmocka_unit_test(a_slot_closed_by_the_device_is_held_for_ten_seconds),
        cmocka_unit_test(a_second_close_hits_the_new_channel_unless_it_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
