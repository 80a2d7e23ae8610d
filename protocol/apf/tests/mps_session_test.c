#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "protocol/apf/tests/mps_fixture.h"
#include "protocol/apf/tests/wire.h"

/* --- login --- */

/* APF-MPS-015 APF-MPS-016 APF-MPS-023 APF-MPS-037 APF-COM-020 */
static void a_login_works_under_every_cutting(void **state)
{
    (void)state;
    for (uint32_t step = 1; step < 400; step += step < 8 ? 1 : 37) {
        struct mps_fixture f;
        mps_init(&f);
        mps_start(&f);
        wire_version(&f.in, 1);
        wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
        wire_userauth(&f.in, "user", "password", "pw");
        wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
        wire_request(&f.in, APF_REQUEST_FORWARD, 1, 16992);
        wire_request(&f.in, APF_REQUEST_FORWARD, 1, 5900);
        wire_request(&f.in, APF_REQUEST_CANCEL, 1, 5900);
        for (uint32_t at = 0; at < f.in.len; at += step) {
            uint32_t n = f.in.len - at < step ? f.in.len - at : step;
            apf_mps_session_input(f.session, bytes_front(&f.in) + at, n, f.now_us);
        }
        (void)mps_expect(&f, APF_SERVICE_ACCEPT);
        (void)mps_expect(&f, APF_USERAUTH_SUCCESS);
        (void)mps_expect(&f, APF_SERVICE_ACCEPT);
        assert_int_equal(mps_expect(&f, APF_REQUEST_SUCCESS).port, 16992);
        assert_int_equal(mps_expect(&f, APF_REQUEST_SUCCESS).port, 5900);
        (void)wire_expect(&f.sent, APF_MPS_TO_DEV, APF_REQUEST_CANCEL, APF_REQUEST_SUCCESS);
        wire_expect_silence(&f.sent);
        assert_int_equal(f.logins, 1);
        assert_int_equal(f.sends, 6); /* each message is a write of its own */
        mps_fini(&f);
    }
}

/* APF-MPS-015 */
static void version_and_service_come_in_either_order(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    mps_start(&f);
    wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
    wire_version(&f.in, 1);
    wire_userauth(&f.in, "user", "password", "pw");
    mps_feed(&f);
    (void)mps_expect(&f, APF_SERVICE_ACCEPT);
    (void)mps_expect(&f, APF_USERAUTH_SUCCESS);
    mps_fini(&f);
}

/* APF-MPS-017 APF-MPS-018 */
static void unknown_services_and_versions_are_refused_with_their_reason(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    mps_start(&f);
    wire_service(&f.in, APF_SERVICE_REQUEST, "ssh-userauth");
    mps_feed(&f);
    mps_expect_disconnect(&f, APF_SERVICE_NOT_AVAILABLE, "APF-MPS-017");
    mps_fini(&f);

    mps_init(&f);
    mps_start(&f);
    struct apf_message version = { .type = APF_PROTOCOLVERSION, .major = 2 };
    wire_plain(&f.in, &version);
    mps_feed(&f);
    mps_expect_disconnect(&f, APF_PROTOCOL_VERSION_NOT_SUPPORTED, "APF-MPS-018");
    assert_non_null(strstr(f.end_text, "2.0"));
    mps_fini(&f);

    mps_init(&f);
    mps_start(&f);
    version = (struct apf_message){ .type = APF_PROTOCOLVERSION, .major = 1, .minor = 7 };
    wire_plain(&f.in, &version);
    mps_feed(&f);
    assert_int_equal(f.ends, 0);
    mps_fini(&f);
}

/* APF-MPS-024 APF-MPS-025 APF-MPS-029 */
static void a_refused_login_gets_failure_in_the_form_configured(void **state)
{
    (void)state;
    for (int padded = 0; padded < 2; padded++) {
        struct mps_fixture f;
        mps_init(&f);
        f.verdict = false;
        f.config.failure_15_bytes = padded != 0;
        mps_start(&f);
        mps_hello(&f);
        wire_userauth(&f.in, "user", "password", "pw");
        mps_feed(&f);
        static const uint8_t k_bytes[15] = "\x33\0\0\0\x08password\0\0";
        assert_int_equal(f.sent.len, padded != 0 ? 15 : 14);
        assert_memory_equal(bytes_front(&f.sent), k_bytes, f.sent.len);
        assert_int_equal(f.end.kind, APF_END_AUTH_FAILED);
        mps_fini(&f);
    }
}

/* APF-MPS-029 */
static void more_attempts_are_given_when_configured(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    f.verdict = false;
    f.config.auth_failures_max = 2;
    mps_start(&f);
    mps_hello(&f);
    wire_userauth(&f.in, "user", "password", "pw");
    mps_feed(&f);
    (void)mps_expect(&f, APF_USERAUTH_FAILURE);
    assert_int_equal(f.ends, 0);
    f.verdict = true;
    wire_userauth(&f.in, "user", "password", "pw2");
    mps_feed(&f);
    (void)mps_expect(&f, APF_USERAUTH_SUCCESS);
    mps_fini(&f);
}

/* APF-MPS-030 */
static void what_comes_during_the_check_waits_for_its_result(void **state)
{
    (void)state;
    for (int good = 0; good < 2; good++) {
        struct mps_fixture f;
        mps_init(&f);
        f.answers_at_once = false;
        mps_start(&f);
        mps_hello(&f);
        wire_userauth(&f.in, "user", "password", "pw");
        wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
        wire_request(&f.in, APF_REQUEST_FORWARD, 1, 16992);
        mps_feed(&f);
        wire_expect_silence(&f.sent);
        apf_mps_session_verified(f.session, good != 0, f.now_us);
        if (good != 0) {
            (void)mps_expect(&f, APF_USERAUTH_SUCCESS);
            (void)mps_expect(&f, APF_SERVICE_ACCEPT);
            (void)mps_expect(&f, APF_REQUEST_SUCCESS);
        } else {
            (void)mps_expect(&f, APF_USERAUTH_FAILURE);
            assert_int_equal(f.ends, 1);
        }
        wire_expect_silence(&f.sent);
        mps_fini(&f);
    }
}

/* APF-MPS-028 APF-COM-015 APF-COM-016 */
static void odd_logins_end_as_the_decoder_rules_say(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    mps_start(&f);
    mps_hello(&f);
    wire_userauth(&f.in, "user", "digest", NULL);
    mps_feed(&f);
    (void)mps_expect(&f, APF_USERAUTH_FAILURE);
    assert_int_equal(mps_expect(&f, APF_DISCONNECT).reason, APF_NO_MORE_AUTH_METHODS_AVAILABLE);
    assert_int_equal(f.end.kind, APF_END_AUTH_FAILED);
    mps_fini(&f);
}

/* --- every state, every message: apf.md 4.3 --- */

enum place { HELLO, CRED, VERIFY, AUTHED, FWD, PLACES };

static void go_to(struct mps_fixture *f, enum place place)
{
    mps_init(f);
    mps_start(f);
    if (place == CRED) {
        mps_hello(f);
    } else if (place == VERIFY) {
        f->answers_at_once = false;
        mps_hello(f);
        wire_userauth(&f->in, "user", "password", "pw");
        mps_feed(f);
    } else if (place == AUTHED) {
        mps_log_in(f);
    } else if (place == FWD) {
        mps_pfwd(f);
        mps_forward(f, 16992);
    }
}

static void put_message(struct mps_fixture *f, int which)
{
    struct apf_message plain = { .recipient_channel = 99, .cookie = 7, .interval = 30 };
    static const uint8_t k_plain[] = { APF_CHANNEL_OPEN_CONFIRMATION, APF_CHANNEL_OPEN_FAILURE,
                                       APF_CHANNEL_WINDOW_ADJUST,     APF_CHANNEL_CLOSE,
                                       APF_KEEPALIVE_REQUEST,         APF_KEEPALIVE_REPLY,
                                       APF_KEEPALIVE_OPTIONS_REPLY,   APF_DISCONNECT };
    switch (which) {
    case 0:
        wire_version(&f->in, 1);
        break;
    case 1:
        wire_service(&f->in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
        break;
    case 2:
        wire_service(&f->in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
        break;
    case 3:
        wire_service(&f->in, APF_SERVICE_REQUEST, "other");
        break;
    case 4:
        wire_userauth(&f->in, "user", "password", "pw");
        break;
    case 5:
        wire_request(&f->in, APF_REQUEST_FORWARD, 1, 623);
        break;
    case 6:
        wire_request(&f->in, APF_REQUEST_CANCEL, 1, 16992);
        break;
    case 7:
        wire_request(&f->in, APF_REQUEST_UDP, 1, 162);
        break;
    case 8:
        wire_open(&f->in, APF_CHANNEL_NAME_DIRECT, 9, 4096, 80);
        break;
    case 9:
        wire_data(&f->in, 99, 1);
        break;
    default:
        plain.type = k_plain[which - 10];
        wire_plain(&f->in, &plain);
        break;
    }
}

/* Answer of each cell: message type sent, 0 nothing, or Dn for DISCONNECT n and the end, C the end. */
#define D2 1002
#define D7 1007
#define C  2000
#define H  3000 /* waits for the result of the check (APF-MPS-030): a keepalive behind it too */
#define K  APF_KEEPALIVE_REPLY

/* APF-MPS-014 APF-MPS-019 APF-MPS-020 APF-MPS-022 APF-MPS-034 APF-MPS-038 APF-MPS-040 APF-MPS-041
 * APF-MPS-043 APF-MPS-057 APF-MPS-058 APF-MPS-061 APF-MPS-062 */
static void every_message_in_every_state_does_what_the_table_says(void **state)
{
    (void)state;
    static const int k_cells[18][PLACES] = {
        /* HELLO, CRED, VERIFY, AUTHED, FWD */
        { 0, D2, D2, D2, D2 },                       /* version */
        { APF_SERVICE_ACCEPT, D2, H, D2, D2 },       /* auth */
        { D2, D2, H, APF_SERVICE_ACCEPT, D2 },       /* pfwd */
        { D7, D7, H, D7, D7 },                       /* other service */
        { D2, APF_USERAUTH_SUCCESS, D2, D2, D2 },    /* userauth */
        { D2, D2, H, D2, APF_REQUEST_SUCCESS },      /* forward */
        { D2, D2, H, D2, APF_REQUEST_SUCCESS },      /* cancel */
        { D2, D2, H, D2, APF_REQUEST_FAILURE },      /* udp */
        { D2, D2, H, D2, APF_CHANNEL_OPEN_FAILURE }, /* open */
        { D2, D2, D2, D2, 0 },                       /* data */
        { D2, D2, D2, D2, 0 },                       /* confirmation */
        { D2, D2, D2, D2, 0 },                       /* failure */
        { D2, D2, D2, D2, 0 },                       /* adjust */
        { D2, D2, D2, D2, 0 },                       /* close */
        { K, K, K, K, K },                           /* keepalive */
        { 0, 0, 0, 0, 0 },                           /* reply */
        { 0, 0, 0, 0, 0 },                           /* options reply */
        { C, C, C, C, C },                           /* disconnect */
    };
    for (int which = 0; which < 18; which++) {
        for (int place = 0; place < PLACES; place++) {
            struct mps_fixture f;
            go_to(&f, (enum place)place);
            put_message(&f, which);
            mps_feed(&f);
            int cell = k_cells[which][place];
            enum apf_request pending = which == 6 ? APF_REQUEST_CANCEL : APF_REQUEST_FORWARD;
            if (cell == H) {
                wire_plain(&f.in, &(struct apf_message){ .type = APF_KEEPALIVE_REQUEST });
                mps_feed(&f);
                assert_int_equal(f.ends, 0);
            } else if (cell == C) {
                wire_expect_silence(&f.sent);
                assert_int_equal(f.end.kind, APF_END_PEER_DISCONNECT);
            } else if (cell > 1000) {
                struct apf_message sent =
                    wire_expect(&f.sent, APF_MPS_TO_DEV, pending, APF_DISCONNECT);
                assert_int_equal(sent.reason, cell - 1000);
                assert_int_equal(f.ends, 1);
                assert_non_null(f.end.requirement);
            } else {
                if (cell != 0) {
                    (void)wire_expect(&f.sent, APF_MPS_TO_DEV, pending, (uint8_t)cell);
                }
                assert_int_equal(f.ends, 0);
            }
            wire_expect_silence(&f.sent);
            mps_fini(&f);
        }
    }
}

/* APF-MPS-061 */
static void lenient_mode_tolerates_repeats_but_no_other_uuid(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    f.config.lenient = true;
    mps_start(&f);
    mps_pfwd(&f);
    wire_version(&f.in, 1);
    wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
    wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
    mps_feed(&f);
    (void)mps_expect(&f, APF_SERVICE_ACCEPT);
    (void)mps_expect(&f, APF_SERVICE_ACCEPT);
    assert_int_equal(f.ends, 0);
    wire_version(&f.in, 2);
    mps_feed(&f);
    mps_expect_disconnect(&f, APF_PROTOCOL_ERROR, "APF-MPS-061");
    mps_fini(&f);
}

/* APF-MPS-066 */
static void the_version_is_echoed_only_when_configured(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    f.config.echo_protocol_version = true;
    mps_start(&f);
    wire_version(&f.in, 5);
    mps_feed(&f);
    assert_int_equal(mps_expect(&f, APF_PROTOCOLVERSION).uuid[15], 5);
    mps_fini(&f);
}

/* APF-MPS-063 APF-MPS-014 */
static void what_is_no_message_ends_the_session_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t len;
        const char *requirement;
    } k_cases[] = {
        { "POST / HTTP/1.1\r\n", 17, "APF-MPS-019" }, /* 50 = GLOBAL_REQUEST before login */
        { "\x16\x03\x01\x02", 4, "APF-COM-006" },     /* a TLS hello on an offloaded port */
        { "SSH-2.0-x\r\n", 11, "APF-COM-006" },
        { "\x10\x0cMQTT", 6, "APF-COM-006" },
        { "\x34", 1, "APF-COM-007" },
        { "\x05\x00\x00\x08\x01", 5, "APF-COM-004" },
        { "\xfa\0\0\0\x02{}", 7, "APF-COM-006" },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct mps_fixture f;
        mps_init(&f);
        mps_start(&f);
        apf_mps_session_input(f.session, (const uint8_t *)k_cases[i].bytes, k_cases[i].len,
                              f.now_us);
        mps_expect_disconnect(&f, APF_PROTOCOL_ERROR, k_cases[i].requirement);
        mps_fini(&f);
    }
}

/* APF-MPS-009 APF-COM-024 */
static void a_stranger_costs_little_memory_whatever_he_announces(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    f.answers_at_once = false;
    mps_start(&f);
    mps_hello(&f);
    wire_userauth(&f.in, "user", "password", "pw");
    mps_feed(&f);
    /* held while the check runs: at most 16 KiB */
    static const uint8_t k_block[4096] = { APF_GLOBAL_REQUEST };
    for (int i = 0; i < 4; i++) {
        apf_mps_session_input(f.session, k_block, sizeof k_block, f.now_us);
    }
    assert_int_equal(f.ends, 0);
    apf_mps_session_input(f.session, k_block, sizeof k_block, f.now_us);
    mps_expect_disconnect(&f, APF_PROTOCOL_ERROR, "APF-MPS-009");
    mps_fini(&f);
}

/* --- forwards and keepalive --- */

/* APF-MPS-032 APF-MPS-033 APF-MPS-034 APF-MPS-035 APF-MPS-036 */
static void forwards_are_listed_once_and_replies_are_truthful(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    mps_start(&f);
    mps_pfwd(&f);
    mps_forward(&f, 16992);
    mps_forward(&f, 16992);
    assert_int_equal(f.listed, 1);
    wire_request(&f.in, APF_REQUEST_FORWARD, 0, 623); /* no reply wanted */
    mps_feed(&f);
    wire_expect_silence(&f.sent);
    assert_int_equal(f.listed, 2);
    static const uint32_t k_bad_ports[] = { 0, 65536, 4294967295u };
    for (int i = 0; i < 3; i++) {
        wire_request(&f.in, APF_REQUEST_FORWARD, 1, k_bad_ports[i]);
        mps_feed(&f);
        (void)mps_expect(&f, APF_REQUEST_FAILURE);
    }
    wire_request(&f.in, APF_REQUEST_CANCEL, 1, 16992);
    wire_request(&f.in, APF_REQUEST_CANCEL, 1, 16992);
    mps_feed(&f);
    (void)wire_expect(&f.sent, APF_MPS_TO_DEV, APF_REQUEST_CANCEL, APF_REQUEST_SUCCESS);
    (void)wire_expect(&f.sent, APF_MPS_TO_DEV, APF_REQUEST_CANCEL, APF_REQUEST_FAILURE);
    uint32_t count = 0;
    (void)apf_mps_session_forwards(f.session, &count);
    assert_int_equal(count, 1);
    mps_fini(&f);
}

/* APF-MPS-039 */
static void keepalive_options_are_sent_once_by_each_rule(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    mps_start(&f);
    mps_pfwd(&f);
    mps_forward(&f, 16992);
    mps_tick_at(&f, f.now_us + SECOND);
    wire_expect_silence(&f.sent);
    mps_forward(&f, 16993);
    mps_tick_at(&f, f.now_us + 2 * SECOND);
    struct apf_message options = mps_expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST);
    assert_int_equal(options.interval, 30);
    mps_forward(&f, 623);
    mps_tick_at(&f, f.now_us + 3 * SECOND);
    wire_expect_silence(&f.sent);
    mps_fini(&f);

    mps_init(&f);
    f.config.keepalive_rule = APF_KEEPALIVE_ON_PORT_5900;
    mps_start(&f);
    mps_pfwd(&f);
    mps_forward(&f, 16992);
    wire_expect_silence(&f.sent);
    mps_forward(&f, 5900);
    (void)mps_expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST);
    mps_fini(&f);

    mps_init(&f);
    f.config.keepalive_rule = APF_KEEPALIVE_ON_FOURTH_REQUEST;
    mps_start(&f);
    mps_pfwd(&f);
    for (uint32_t port = 1; port < 4; port++) {
        mps_forward(&f, port);
        wire_expect_silence(&f.sent);
    }
    mps_forward(&f, 4);
    (void)mps_expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST);
    mps_fini(&f);
}

/* APF-MPS-042 */
static void the_idle_limit_follows_the_device_but_not_without_bound(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    mps_start(&f);
    mps_pfwd(&f);
    /* unknown interval: half as much again */
    assert_true(apf_mps_session_idle_limit_us(f.session) == 135 * SECOND);
    struct apf_message reply = { .type = APF_KEEPALIVE_OPTIONS_REPLY, .interval = 30 };
    wire_plain(&f.in, &reply);
    mps_feed(&f);
    assert_true(apf_mps_session_idle_limit_us(f.session) == 135 * SECOND); /* not shown yet */
    reply.interval = 60;
    wire_plain(&f.in, &reply);
    mps_feed(&f);
    assert_true(apf_mps_session_idle_limit_us(f.session) == 180 * SECOND);
    reply.interval = 290000; /* what a fuzz target claimed */
    wire_plain(&f.in, &reply);
    mps_feed(&f);
    assert_true(apf_mps_session_idle_limit_us(f.session) == 900 * SECOND);
    mps_tick_at(&f, f.now_us + 899 * SECOND);
    assert_int_equal(f.ends, 0);
    mps_tick_at(&f, f.now_us + SECOND);
    assert_int_equal(f.end.kind, APF_END_IDLE);
    mps_fini(&f);
}

/* APF-MPS-042, FF-040: 90 s of keepalive, one late, against 90 s of limit; the options are not
 * answered, or the device agrees to 30 s and does not keep its word (S2 of failures.md, b and d) */
static void a_keepalive_equal_to_the_limit_does_not_flap(void **state)
{
    (void)state;
    for (int agrees = 0; agrees < 2; agrees++) {
        struct mps_fixture f;
        mps_init(&f);
        mps_start(&f);
        mps_pfwd(&f);
        if (agrees != 0) {
            wire_plain(&f.in, &(struct apf_message){ .type = APF_KEEPALIVE_OPTIONS_REPLY,
                                                     .interval = 30 });
            mps_feed(&f);
        }
        struct apf_message keepalive = { .type = APF_KEEPALIVE_REQUEST };
        for (int i = 0; i < 50; i++) {
            for (int second = 0; second < (i == 1 ? 91 : 90); second++) {
                mps_tick_at(&f, f.now_us + SECOND);
                assert_int_equal(f.ends, 0);
            }
            wire_plain(&f.in, &keepalive);
            mps_feed(&f);
        }
        assert_true(apf_mps_session_idle_limit_us(f.session) >= 180 * SECOND);
        mps_fini(&f);
    }
}

/* APF-MPS-008 */
static void a_login_must_come_in_time(void **state)
{
    (void)state;
    struct mps_fixture f;
    mps_init(&f);
    mps_start(&f);
    assert_true(apf_mps_session_next_deadline_us(f.session) == 31 * SECOND);
    mps_hello(&f);
    mps_tick_at(&f, 30 * SECOND);
    assert_int_equal(f.ends, 0);
    mps_tick_at(&f, 31 * SECOND);
    assert_int_equal(f.end.kind, APF_END_TIMEOUT);
    assert_string_equal(f.end.requirement, "APF-MPS-008");
    mps_fini(&f);
}

/* --- memory --- */

static void no_memory_ends_the_session_and_nothing_else(void **state)
{
    (void)state;
    struct mps_fixture f;
    for (uint64_t k = 1; k < 3; k++) {
        mps_init(&f);
        amt_memory_fail_after(k);
        assert_null(apf_mps_session_new(&f.config, &k_mps_handler, &f, 0));
        amt_memory_fail_after(0);
    }
    mps_init(&f);
    mps_start(&f);
    wire_version(&f.in, 1);
    f.has_no_memory = true;
    amt_memory_fail_after(1);
    apf_mps_session_input(f.session, bytes_front(&f.in), 50,
                          f.now_us); /* the half cannot be kept */
    amt_memory_fail_after(0);
    assert_int_equal(f.ends, 1);
    assert_int_equal(f.end.kind, APF_END_LOCAL);
    mps_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_works_under_every_cutting),
        cmocka_unit_test(version_and_service_come_in_either_order),
        cmocka_unit_test(unknown_services_and_versions_are_refused_with_their_reason),
        cmocka_unit_test(a_refused_login_gets_failure_in_the_form_configured),
        cmocka_unit_test(more_attempts_are_given_when_configured),
        cmocka_unit_test(what_comes_during_the_check_waits_for_its_result),
        cmocka_unit_test(odd_logins_end_as_the_decoder_rules_say),
        cmocka_unit_test(every_message_in_every_state_does_what_the_table_says),
        cmocka_unit_test(lenient_mode_tolerates_repeats_but_no_other_uuid),
        cmocka_unit_test(the_version_is_echoed_only_when_configured),
        cmocka_unit_test(what_is_no_message_ends_the_session_with_a_reason),
        cmocka_unit_test(a_stranger_costs_little_memory_whatever_he_announces),
        cmocka_unit_test(forwards_are_listed_once_and_replies_are_truthful),
        cmocka_unit_test(keepalive_options_are_sent_once_by_each_rule),
        cmocka_unit_test(the_idle_limit_follows_the_device_but_not_without_bound),
        cmocka_unit_test(a_keepalive_equal_to_the_limit_does_not_flap),
        cmocka_unit_test(a_login_must_come_in_time),
        cmocka_unit_test(no_memory_ends_the_session_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
