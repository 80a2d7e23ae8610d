#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "protocol/apf/mps_session.h"
#include "protocol/apf/tests/wire.h"

#define SECOND UINT64_C(1000000)

struct fixture {
    struct apf_mps_config config;
    struct apf_mps_session *session;
    struct bytes sent, in;
    uint64_t now_us;
    bool answers_at_once, verdict, has_no_memory;
    uint32_t logins, ends, ready, listed, unlisted, udp, sends;
    struct apf_end end;
    char end_text[200];
    struct apf_channel *opened;
    uint64_t received_bytes;
    uint32_t drains, channel_ends, end_reason;
    enum apf_channel_end channel_end;
};

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct fixture *f = ctx;
    f->sends += 1;
    assert_int_equal(f->ends, 0); /* nothing after the end */
    if (!f->has_no_memory) {
        assert_int_equal(bytes_append(&f->sent, out, len), AMT_OK);
    }
}

static void on_login(void *ctx, const struct apf_login *login)
{
    struct fixture *f = ctx;
    f->logins += 1;
    assert_int_equal(login->user_len, 4);
    assert_memory_equal(login->user, "user", 4);
    if (f->answers_at_once) {
        apf_mps_session_verified(f->session, f->verdict, f->now_us);
    }
}

static void on_ready(void *ctx)
{
    ((struct fixture *)ctx)->ready += 1;
}

static void on_forward(void *ctx, const struct apf_forward *forward, bool listed)
{
    struct fixture *f = ctx;
    assert_string_equal(forward->address, "pc17");
    f->listed += listed ? 1 : 0;
    f->unlisted += listed ? 0 : 1;
}

static void on_end(void *ctx, const struct apf_end *end)
{
    struct fixture *f = ctx;
    f->ends += 1;
    f->end = *end;
    (void)snprintf(f->end_text, sizeof f->end_text, "%s", end->text);
}

static void on_opened(void *ctx, struct apf_channel *channel)
{
    ((struct fixture *)ctx)->opened = channel;
}

static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    (void)channel;
    (void)in;
    ((struct fixture *)ctx)->received_bytes += len;
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    (void)channel;
    ((struct fixture *)ctx)->drains += 1;
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason)
{
    struct fixture *f = ctx;
    (void)channel;
    f->channel_ends += 1;
    f->channel_end = end;
    f->end_reason = reason;
}

static const struct apf_mps_handler k_handler = {
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

static void init(struct fixture *f)
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

static void start(struct fixture *f)
{
    f->now_us = SECOND;
    f->session = apf_mps_session_new(&f->config, &k_handler, f, f->now_us);
    assert_non_null(f->session);
}

static void fini(struct fixture *f)
{
    apf_mps_session_free(f->session);
    bytes_fini(&f->sent);
    bytes_fini(&f->in);
}

/* Feeds what was built, whole. */
static void feed(struct fixture *f)
{
    struct bytes in = f->in;
    f->in = (struct bytes){ .max = 0 };
    apf_mps_session_input(f->session, bytes_front(&in), in.len, f->now_us);
    bytes_fini(&in);
}

static struct apf_message expect(struct fixture *f, uint8_t type)
{
    return wire_expect(&f->sent, APF_MPS_TO_DEV, APF_REQUEST_FORWARD, type);
}

static void expect_disconnect(struct fixture *f, uint32_t reason, const char *requirement)
{
    struct apf_message message = expect(f, APF_DISCONNECT);
    assert_int_equal(message.reason, reason);
    assert_int_equal(f->ends, 1);
    assert_non_null(f->end.requirement);
    assert_string_equal(f->end.requirement, requirement);
    wire_expect_silence(&f->sent);
}

static void hello(struct fixture *f)
{
    wire_version(&f->in, 1);
    wire_service(&f->in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
    feed(f);
    (void)expect(f, APF_SERVICE_ACCEPT);
}

static void log_in(struct fixture *f)
{
    hello(f);
    wire_userauth(&f->in, "user", "password", "pw");
    feed(f);
    (void)expect(f, APF_USERAUTH_SUCCESS);
}

static void pfwd(struct fixture *f)
{
    log_in(f);
    wire_service(&f->in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
    feed(f);
    (void)expect(f, APF_SERVICE_ACCEPT);
    assert_int_equal(f->ready, 1);
}

static void forward(struct fixture *f, uint32_t port)
{
    wire_request(&f->in, APF_REQUEST_FORWARD, 1, port);
    feed(f);
    assert_int_equal(expect(f, APF_REQUEST_SUCCESS).port, port);
}

static void tick_at(struct fixture *f, uint64_t now_us)
{
    f->now_us = now_us;
    apf_mps_session_tick(f->session, now_us);
}

/* --- login --- */

/* APF-MPS-015 APF-MPS-016 APF-MPS-023 APF-MPS-037 APF-COM-020 */
static void a_login_works_under_every_cutting(void **state)
{
    (void)state;
    for (uint32_t step = 1; step < 400; step += step < 8 ? 1 : 37) {
        struct fixture f;
        init(&f);
        start(&f);
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
        (void)expect(&f, APF_SERVICE_ACCEPT);
        (void)expect(&f, APF_USERAUTH_SUCCESS);
        (void)expect(&f, APF_SERVICE_ACCEPT);
        assert_int_equal(expect(&f, APF_REQUEST_SUCCESS).port, 16992);
        assert_int_equal(expect(&f, APF_REQUEST_SUCCESS).port, 5900);
        (void)wire_expect(&f.sent, APF_MPS_TO_DEV, APF_REQUEST_CANCEL, APF_REQUEST_SUCCESS);
        wire_expect_silence(&f.sent);
        assert_int_equal(f.logins, 1);
        assert_int_equal(f.sends, 6); /* each message is a write of its own */
        fini(&f);
    }
}

/* APF-MPS-015 */
static void version_and_service_come_in_either_order(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    start(&f);
    wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
    wire_version(&f.in, 1);
    wire_userauth(&f.in, "user", "password", "pw");
    feed(&f);
    (void)expect(&f, APF_SERVICE_ACCEPT);
    (void)expect(&f, APF_USERAUTH_SUCCESS);
    fini(&f);
}

/* APF-MPS-017 APF-MPS-018 */
static void unknown_services_and_versions_are_refused_with_their_reason(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    start(&f);
    wire_service(&f.in, APF_SERVICE_REQUEST, "ssh-userauth");
    feed(&f);
    expect_disconnect(&f, APF_SERVICE_NOT_AVAILABLE, "APF-MPS-017");
    fini(&f);

    init(&f);
    start(&f);
    struct apf_message version = { .type = APF_PROTOCOLVERSION, .major = 2 };
    wire_plain(&f.in, &version);
    feed(&f);
    expect_disconnect(&f, APF_PROTOCOL_VERSION_NOT_SUPPORTED, "APF-MPS-018");
    assert_non_null(strstr(f.end_text, "2.0"));
    fini(&f);

    init(&f);
    start(&f);
    version = (struct apf_message){ .type = APF_PROTOCOLVERSION, .major = 1, .minor = 7 };
    wire_plain(&f.in, &version);
    feed(&f);
    assert_int_equal(f.ends, 0);
    fini(&f);
}

/* APF-MPS-024 APF-MPS-025 APF-MPS-029 */
static void a_refused_login_gets_failure_in_the_form_configured(void **state)
{
    (void)state;
    for (int padded = 0; padded < 2; padded++) {
        struct fixture f;
        init(&f);
        f.verdict = false;
        f.config.failure_15_bytes = padded != 0;
        start(&f);
        hello(&f);
        wire_userauth(&f.in, "user", "password", "pw");
        feed(&f);
        static const uint8_t k_bytes[15] = "\x33\0\0\0\x08password\0\0";
        assert_int_equal(f.sent.len, padded != 0 ? 15 : 14);
        assert_memory_equal(bytes_front(&f.sent), k_bytes, f.sent.len);
        assert_int_equal(f.end.kind, APF_END_AUTH_FAILED);
        fini(&f);
    }
}

/* APF-MPS-029 */
static void more_attempts_are_given_when_configured(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    f.verdict = false;
    f.config.auth_failures_max = 2;
    start(&f);
    hello(&f);
    wire_userauth(&f.in, "user", "password", "pw");
    feed(&f);
    (void)expect(&f, APF_USERAUTH_FAILURE);
    assert_int_equal(f.ends, 0);
    f.verdict = true;
    wire_userauth(&f.in, "user", "password", "pw2");
    feed(&f);
    (void)expect(&f, APF_USERAUTH_SUCCESS);
    fini(&f);
}

/* APF-MPS-030 */
static void what_comes_during_the_check_waits_for_its_result(void **state)
{
    (void)state;
    for (int good = 0; good < 2; good++) {
        struct fixture f;
        init(&f);
        f.answers_at_once = false;
        start(&f);
        hello(&f);
        wire_userauth(&f.in, "user", "password", "pw");
        wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
        wire_request(&f.in, APF_REQUEST_FORWARD, 1, 16992);
        feed(&f);
        wire_expect_silence(&f.sent);
        apf_mps_session_verified(f.session, good != 0, f.now_us);
        if (good != 0) {
            (void)expect(&f, APF_USERAUTH_SUCCESS);
            (void)expect(&f, APF_SERVICE_ACCEPT);
            (void)expect(&f, APF_REQUEST_SUCCESS);
        } else {
            (void)expect(&f, APF_USERAUTH_FAILURE);
            assert_int_equal(f.ends, 1);
        }
        wire_expect_silence(&f.sent);
        fini(&f);
    }
}

/* APF-MPS-028 APF-COM-015 APF-COM-016 */
static void odd_logins_end_as_the_decoder_rules_say(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    start(&f);
    hello(&f);
    wire_userauth(&f.in, "user", "digest", NULL);
    feed(&f);
    (void)expect(&f, APF_USERAUTH_FAILURE);
    assert_int_equal(expect(&f, APF_DISCONNECT).reason, APF_NO_MORE_AUTH_METHODS_AVAILABLE);
    assert_int_equal(f.end.kind, APF_END_AUTH_FAILED);
    fini(&f);
}

/* --- every state, every message: apf.md 4.3 --- */

enum place { HELLO, CRED, AUTHED, FWD, PLACES };

static void go_to(struct fixture *f, enum place place)
{
    init(f);
    start(f);
    if (place == CRED) {
        hello(f);
    } else if (place == AUTHED) {
        log_in(f);
    } else if (place == FWD) {
        pfwd(f);
        forward(f, 16992);
    }
}

static void put_message(struct fixture *f, int which)
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

/* APF-MPS-014 APF-MPS-019 APF-MPS-020 APF-MPS-022 APF-MPS-034 APF-MPS-038 APF-MPS-040 APF-MPS-041
 * APF-MPS-043 APF-MPS-057 APF-MPS-058 APF-MPS-061 APF-MPS-062 */
static void every_message_in_every_state_does_what_the_table_says(void **state)
{
    (void)state;
    static const int k_cells[18][PLACES] = {
        /* HELLO, CRED, AUTHED, FWD */
        { 0, D2, D2, D2 },                        /* version */
        { APF_SERVICE_ACCEPT, D2, D2, D2 },       /* auth */
        { D2, D2, APF_SERVICE_ACCEPT, D2 },       /* pfwd */
        { D7, D7, D7, D7 },                       /* other service */
        { D2, APF_USERAUTH_SUCCESS, D2, D2 },     /* userauth */
        { D2, D2, D2, APF_REQUEST_SUCCESS },      /* forward */
        { D2, D2, D2, APF_REQUEST_SUCCESS },      /* cancel */
        { D2, D2, D2, APF_REQUEST_FAILURE },      /* udp */
        { D2, D2, D2, APF_CHANNEL_OPEN_FAILURE }, /* open */
        { D2, D2, D2, 0 },                        /* data */
        { D2, D2, D2, 0 },                        /* confirmation */
        { D2, D2, D2, 0 },                        /* failure */
        { D2, D2, D2, 0 },                        /* adjust */
        { D2, D2, D2, 0 },                        /* close */
        { APF_KEEPALIVE_REPLY, APF_KEEPALIVE_REPLY, APF_KEEPALIVE_REPLY,
          APF_KEEPALIVE_REPLY }, /* keepalive */
        { 0, 0, 0, 0 },          /* reply */
        { 0, 0, 0, 0 },          /* options reply */
        { C, C, C, C },          /* disconnect */
    };
    for (int which = 0; which < 18; which++) {
        for (int place = 0; place < PLACES; place++) {
            struct fixture f;
            go_to(&f, (enum place)place);
            put_message(&f, which);
            feed(&f);
            int cell = k_cells[which][place];
            enum apf_request pending = which == 6 ? APF_REQUEST_CANCEL : APF_REQUEST_FORWARD;
            if (cell == C) {
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
            fini(&f);
        }
    }
}

/* APF-MPS-061 */
static void lenient_mode_tolerates_repeats_but_no_other_uuid(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    f.config.lenient = true;
    start(&f);
    pfwd(&f);
    wire_version(&f.in, 1);
    wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_AUTH);
    wire_service(&f.in, APF_SERVICE_REQUEST, APF_SERVICE_PFWD);
    feed(&f);
    (void)expect(&f, APF_SERVICE_ACCEPT);
    (void)expect(&f, APF_SERVICE_ACCEPT);
    assert_int_equal(f.ends, 0);
    wire_version(&f.in, 2);
    feed(&f);
    expect_disconnect(&f, APF_PROTOCOL_ERROR, "APF-MPS-061");
    fini(&f);
}

/* APF-MPS-066 */
static void the_version_is_echoed_only_when_configured(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    f.config.echo_protocol_version = true;
    start(&f);
    wire_version(&f.in, 5);
    feed(&f);
    assert_int_equal(expect(&f, APF_PROTOCOLVERSION).uuid[15], 5);
    fini(&f);
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
        struct fixture f;
        init(&f);
        start(&f);
        apf_mps_session_input(f.session, (const uint8_t *)k_cases[i].bytes, k_cases[i].len,
                              f.now_us);
        expect_disconnect(&f, APF_PROTOCOL_ERROR, k_cases[i].requirement);
        fini(&f);
    }
}

/* APF-MPS-009 APF-COM-024 */
static void a_stranger_costs_little_memory_whatever_he_announces(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    f.answers_at_once = false;
    start(&f);
    hello(&f);
    wire_userauth(&f.in, "user", "password", "pw");
    feed(&f);
    /* held while the check runs: at most 16 KiB */
    static const uint8_t k_block[4096] = { APF_KEEPALIVE_REQUEST };
    for (int i = 0; i < 4; i++) {
        apf_mps_session_input(f.session, k_block, sizeof k_block, f.now_us);
    }
    assert_int_equal(f.ends, 0);
    apf_mps_session_input(f.session, k_block, sizeof k_block, f.now_us);
    expect_disconnect(&f, APF_PROTOCOL_ERROR, "APF-MPS-009");
    fini(&f);
}

/* --- forwards and keepalive --- */

/* APF-MPS-032 APF-MPS-033 APF-MPS-034 APF-MPS-035 APF-MPS-036 */
static void forwards_are_listed_once_and_replies_are_truthful(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    start(&f);
    pfwd(&f);
    forward(&f, 16992);
    forward(&f, 16992);
    assert_int_equal(f.listed, 1);
    wire_request(&f.in, APF_REQUEST_FORWARD, 0, 623); /* no reply wanted */
    feed(&f);
    wire_expect_silence(&f.sent);
    assert_int_equal(f.listed, 2);
    static const uint32_t k_bad_ports[] = { 0, 65536, 4294967295u };
    for (int i = 0; i < 3; i++) {
        wire_request(&f.in, APF_REQUEST_FORWARD, 1, k_bad_ports[i]);
        feed(&f);
        (void)expect(&f, APF_REQUEST_FAILURE);
    }
    wire_request(&f.in, APF_REQUEST_CANCEL, 1, 16992);
    wire_request(&f.in, APF_REQUEST_CANCEL, 1, 16992);
    feed(&f);
    (void)wire_expect(&f.sent, APF_MPS_TO_DEV, APF_REQUEST_CANCEL, APF_REQUEST_SUCCESS);
    (void)wire_expect(&f.sent, APF_MPS_TO_DEV, APF_REQUEST_CANCEL, APF_REQUEST_FAILURE);
    uint32_t count = 0;
    (void)apf_mps_session_forwards(f.session, &count);
    assert_int_equal(count, 1);
    fini(&f);
}

/* APF-MPS-039 */
static void keepalive_options_are_sent_once_by_each_rule(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    start(&f);
    pfwd(&f);
    forward(&f, 16992);
    tick_at(&f, f.now_us + SECOND);
    wire_expect_silence(&f.sent);
    forward(&f, 16993);
    tick_at(&f, f.now_us + 2 * SECOND);
    struct apf_message options = expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST);
    assert_int_equal(options.interval, 30);
    forward(&f, 623);
    tick_at(&f, f.now_us + 3 * SECOND);
    wire_expect_silence(&f.sent);
    fini(&f);

    init(&f);
    f.config.keepalive_rule = APF_KEEPALIVE_ON_PORT_5900;
    start(&f);
    pfwd(&f);
    forward(&f, 16992);
    wire_expect_silence(&f.sent);
    forward(&f, 5900);
    (void)expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST);
    fini(&f);

    init(&f);
    f.config.keepalive_rule = APF_KEEPALIVE_ON_FOURTH_REQUEST;
    start(&f);
    pfwd(&f);
    for (uint32_t port = 1; port < 4; port++) {
        forward(&f, port);
        wire_expect_silence(&f.sent);
    }
    forward(&f, 4);
    (void)expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST);
    fini(&f);
}

/* APF-MPS-042 */
static void the_idle_limit_follows_the_device_but_not_without_bound(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    start(&f);
    pfwd(&f);
    /* unknown interval: half as much again */
    assert_true(apf_mps_session_idle_limit_us(f.session) == 135 * SECOND);
    struct apf_message reply = { .type = APF_KEEPALIVE_OPTIONS_REPLY, .interval = 30 };
    wire_plain(&f.in, &reply);
    feed(&f);
    assert_true(apf_mps_session_idle_limit_us(f.session) == 90 * SECOND);
    reply.interval = 60;
    wire_plain(&f.in, &reply);
    feed(&f);
    assert_true(apf_mps_session_idle_limit_us(f.session) == 180 * SECOND);
    reply.interval = 290000; /* what a fuzz target claimed */
    wire_plain(&f.in, &reply);
    feed(&f);
    assert_true(apf_mps_session_idle_limit_us(f.session) == 900 * SECOND);
    tick_at(&f, f.now_us + 899 * SECOND);
    assert_int_equal(f.ends, 0);
    tick_at(&f, f.now_us + SECOND);
    assert_int_equal(f.end.kind, APF_END_IDLE);
    fini(&f);
}

/* APF-MPS-042, FF-040: 90 s of keepalive against 90 s of limit, options ignored */
static void a_keepalive_equal_to_the_limit_does_not_flap(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    start(&f);
    pfwd(&f);
    struct apf_message keepalive = { .type = APF_KEEPALIVE_REQUEST };
    for (int i = 0; i < 50; i++) {
        for (int second = 0; second < 90; second++) {
            tick_at(&f, f.now_us + SECOND);
            assert_int_equal(f.ends, 0);
        }
        wire_plain(&f.in, &keepalive);
        feed(&f);
    }
    fini(&f);
}

/* APF-MPS-008 */
static void a_login_must_come_in_time(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    start(&f);
    assert_true(apf_mps_session_next_deadline_us(f.session) == 31 * SECOND);
    hello(&f);
    tick_at(&f, 30 * SECOND);
    assert_int_equal(f.ends, 0);
    tick_at(&f, 31 * SECOND);
    assert_int_equal(f.end.kind, APF_END_TIMEOUT);
    assert_string_equal(f.end.requirement, "APF-MPS-008");
    fini(&f);
}

/* --- channels --- */

static struct apf_channel *open_channel(struct fixture *f, uint32_t device_number, uint32_t window)
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
    feed(f);
    assert_ptr_equal(f->opened, channel);
    return channel;
}

static void ready_to_open(struct fixture *f)
{
    init(f);
    start(f);
    pfwd(f);
    forward(f, 16992);
}

/* APF-MPS-044 */
static void channels_open_only_to_listed_ports_and_after_pfwd(void **state)
{
    (void)state;
    struct fixture f;
    struct apf_channel *channel = NULL;
    init(&f);
    start(&f);
    assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_ESTATE);
    pfwd(&f);
    assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_EUNKNOWN);
    wire_expect_silence(&f.sent);
    fini(&f);
}

/* APF-MPS-045 APF-MPS-046 APF-MPS-047 APF-MPS-050 */
static void data_waits_for_confirmation_and_credit(void **state)
{
    (void)state;
    static const uint32_t k_numbers[] = { 0, 0x80000000u, 0xffffffffu };
    for (int i = 0; i < 3; i++) {
        struct fixture f;
        struct apf_channel *channel = NULL;
        ready_to_open(&f);
        assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_OK);
        (void)expect(&f, APF_CHANNEL_OPEN);
        static const uint8_t k_block[250];
        assert_int_equal(apf_channel_write(channel, k_block, sizeof k_block), AMT_OK);
        wire_expect_silence(&f.sent);
        struct apf_message confirm = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                       .recipient_channel = apf_channel_local_number(channel),
                                       .sender_channel = k_numbers[i],
                                       .initial_window = 100 };
        wire_plain(&f.in, &confirm);
        feed(&f);
        struct apf_message data = expect(&f, APF_CHANNEL_DATA);
        assert_int_equal(data.recipient_channel, k_numbers[i]);
        assert_int_equal(data.data.len, 100);
        wire_expect_silence(&f.sent);
        struct apf_message adjust = { .type = APF_CHANNEL_WINDOW_ADJUST,
                                      .recipient_channel = apf_channel_local_number(channel),
                                      .bytes_to_add = 1 };
        wire_plain(&f.in, &adjust);
        feed(&f);
        assert_int_equal(expect(&f, APF_CHANNEL_DATA).data.len, 1);
        adjust.bytes_to_add = 0xffffffffu;
        wire_plain(&f.in, &adjust);
        wire_plain(&f.in, &adjust);
        feed(&f);
        assert_int_equal(expect(&f, APF_CHANNEL_DATA).data.len, 149);
        wire_expect_silence(&f.sent);
        assert_int_equal(f.drains, 1);
        assert_true(apf_mux_statistics(apf_mps_session_mux(f.session))->credit_saturated > 0);
        fini(&f);
    }
}

/* APF-MPS-048 */
static void credit_is_given_when_more_than_half_is_consumed(void **state)
{
    (void)state;
    struct fixture f;
    ready_to_open(&f);
    struct apf_channel *channel = open_channel(&f, 3, 4096);
    wire_data(&f.in, apf_channel_local_number(channel), 16384);
    feed(&f);
    apf_channel_consumed(channel, 16384);
    wire_expect_silence(&f.sent);
    wire_data(&f.in, apf_channel_local_number(channel), 1);
    feed(&f);
    apf_channel_consumed(channel, 1);
    struct apf_message adjust = expect(&f, APF_CHANNEL_WINDOW_ADJUST);
    assert_int_equal(adjust.recipient_channel, 3);
    assert_int_equal(adjust.bytes_to_add, 16385);
    fini(&f);
}

/* APF-MPS-049 */
static void data_beyond_the_window_ends_a_strict_session_only(void **state)
{
    (void)state;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct fixture f;
        init(&f);
        f.config.lenient = lenient != 0;
        f.config.mux.strict = lenient == 0;
        start(&f);
        pfwd(&f);
        forward(&f, 16992);
        struct apf_channel *channel = open_channel(&f, 3, 4096);
        wire_data(&f.in, apf_channel_local_number(channel), 32768);
        wire_data(&f.in, apf_channel_local_number(channel), 1);
        feed(&f);
        assert_int_equal(apf_mux_statistics(apf_mps_session_mux(f.session))->window_overruns, 1);
        if (lenient != 0) {
            assert_true(f.received_bytes == 32769 && f.ends == 0);
        } else {
            expect_disconnect(&f, APF_PROTOCOL_ERROR, "APF-MPS-049");
        }
        fini(&f);
    }
}

/* APF-MPS-051 */
static void a_refused_channel_reports_the_devices_reason(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < 6; reason++) {
        struct fixture f;
        struct apf_channel *channel = NULL;
        ready_to_open(&f);
        assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_OK);
        struct apf_message failure = { .type = APF_CHANNEL_OPEN_FAILURE,
                                       .recipient_channel =
                                           expect(&f, APF_CHANNEL_OPEN).sender_channel,
                                       .reason = reason };
        wire_plain(&f.in, &failure);
        feed(&f);
        assert_int_equal(f.channel_end, APF_CHANNEL_END_REFUSED);
        assert_int_equal(f.end_reason, reason);
        assert_int_equal(apf_mux_channel_count(apf_mps_session_mux(f.session)), 0);
        fini(&f);
    }
}

/* APF-MPS-052 */
static void a_late_confirmation_is_closed(void **state)
{
    (void)state;
    struct fixture f;
    struct apf_channel *channel = NULL;
    ready_to_open(&f);
    assert_int_equal(apf_mps_session_open(f.session, 16992, f.now_us, &channel), AMT_OK);
    uint32_t number = expect(&f, APF_CHANNEL_OPEN).sender_channel;
    tick_at(&f, f.now_us + 30 * SECOND);
    (void)expect(&f, APF_KEEPALIVE_OPTIONS_REQUEST);
    assert_int_equal(f.channel_end, APF_CHANNEL_END_TIMEOUT);
    struct apf_message confirm = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                   .recipient_channel = number,
                                   .sender_channel = 6,
                                   .initial_window = 1 };
    wire_plain(&f.in, &confirm);
    feed(&f);
    assert_int_equal(expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 6);
    assert_int_equal(f.channel_ends, 1);
    fini(&f);
}

/* APF-MPS-053 APF-MPS-054 APF-MPS-055 APF-MPS-056 */
static void each_side_closes_once(void **state)
{
    (void)state;
    struct fixture f;
    ready_to_open(&f);
    for (int i = 0; i < 1000; i++) {
        struct apf_channel *channel = open_channel(&f, 3, 4096);
        struct apf_message close = { .type = APF_CHANNEL_CLOSE,
                                     .recipient_channel = apf_channel_local_number(channel) };
        if (i % 2 == 0) { /* the device closes, after data */
            wire_data(&f.in, close.recipient_channel, 10);
            wire_plain(&f.in, &close);
            feed(&f);
            assert_int_equal(expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 3);
        } else { /* crossing */
            apf_channel_close(channel, f.now_us);
            assert_int_equal(expect(&f, APF_CHANNEL_CLOSE).recipient_channel, 3);
            wire_plain(&f.in, &close);
            feed(&f);
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
                                 .recipient_channel = expect(&f, APF_CHANNEL_OPEN).sender_channel };
    wire_plain(&f.in, &close);
    feed(&f);
    wire_expect_silence(&f.sent);
    assert_int_equal(f.channel_ends, 1001);
    fini(&f);
}

/* APF-MPS-057 */
static void messages_for_unknown_channels_have_a_limit_when_configured(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    f.config.mux.unknown_channel_max = 3;
    start(&f);
    pfwd(&f);
    for (int i = 0; i < 3; i++) {
        wire_data(&f.in, 77, 1);
        feed(&f);
        assert_int_equal(f.ends, 0);
    }
    wire_data(&f.in, 77, 1);
    feed(&f);
    assert_int_equal(f.end.kind, APF_END_PROTOCOL_ERROR);
    fini(&f);
}

/* APF-MPS-069 */
static void the_end_of_a_session_ends_its_channels_once(void **state)
{
    (void)state;
    struct fixture f;
    ready_to_open(&f);
    (void)open_channel(&f, 0, 1);
    (void)open_channel(&f, 1, 1);
    apf_mps_session_disconnect(f.session, APF_BY_APPLICATION, f.now_us);
    assert_int_equal(expect(&f, APF_DISCONNECT).reason, APF_BY_APPLICATION);
    assert_int_equal(f.channel_ends, 2);
    assert_int_equal(f.channel_end, APF_CHANNEL_END_SESSION);
    apf_mps_session_transport_ended(f.session, f.now_us);
    assert_int_equal(f.ends, 1);
    fini(&f);
}

static void no_memory_ends_the_session_and_nothing_else(void **state)
{
    (void)state;
    struct fixture f;
    for (uint64_t k = 1; k < 3; k++) {
        init(&f);
        amt_memory_fail_after(k);
        assert_null(apf_mps_session_new(&f.config, &k_handler, &f, 0));
        amt_memory_fail_after(0);
    }
    init(&f);
    start(&f);
    wire_version(&f.in, 1);
    f.has_no_memory = true;
    amt_memory_fail_after(1);
    apf_mps_session_input(f.session, bytes_front(&f.in), 50,
                          f.now_us); /* the half cannot be kept */
    amt_memory_fail_after(0);
    assert_int_equal(f.ends, 1);
    assert_int_equal(f.end.kind, APF_END_LOCAL);
    fini(&f);
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
        cmocka_unit_test(channels_open_only_to_listed_ports_and_after_pfwd),
        cmocka_unit_test(data_waits_for_confirmation_and_credit),
        cmocka_unit_test(credit_is_given_when_more_than_half_is_consumed),
        cmocka_unit_test(data_beyond_the_window_ends_a_strict_session_only),
        cmocka_unit_test(a_refused_channel_reports_the_devices_reason),
        cmocka_unit_test(a_late_confirmation_is_closed),
        cmocka_unit_test(each_side_closes_once),
        cmocka_unit_test(messages_for_unknown_channels_have_a_limit_when_configured),
        cmocka_unit_test(the_end_of_a_session_ends_its_channels_once),
        cmocka_unit_test(no_memory_ends_the_session_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
