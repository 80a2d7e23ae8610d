/* Activation by the RPS protocol from end to end: our client on our firmware against our server
 * (activation.md 7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mps/activation/rps_internal.h"
#include "runtime/tls.h"
#include "scenarios/engine/tests/activation_rps_pc.h"

/* ACT-SRV-043, ACT-SRV-046, ACT-CLI-014, ACT-CLI-015 */
static void a_device_is_activated_in_admin_mode(void **state)
{
    struct rps_bench b;
    (void)state;
    rps_bench_init(&b);
    rps_bench_command(&b, "activate --profile acmlab", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Admin control mode.");
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_ADMIN_CONTROL);
    assert_string_equal(b.notes, "");
    /* again: nothing is left to do */
    rps_bench_report(&b);
    rps_bench_command(&b, "activate --profile acmlab", "Adm1n!pw");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "already enabled in admin mode.");
    rps_bench_command(&b, "activate --profile ccmlab", "Adm1n!pw");
    rps_bench_expect(
        &b, RPS_HOST_ERROR,
        "Device 12345678-9abc-def0-1234-56789abcdef0 already enabled in admin control mode.");
    rps_bench_command(&b, "activate --profile acmlab", "wrong-Pw1");
    rps_bench_expect(&b, RPS_HOST_ERROR,
                     "AMT password DOES NOT match stored version for Device "
                     "12345678-9abc-def0-1234-56789abcdef0");
    /* and away with it */
    rps_bench_command(&b, "deactivate --password wrong-Pw1", NULL);
    assert_int_equal(b.result, RPS_HOST_ERROR);
    rps_bench_command(&b, "deactivate --password Adm1n!pw", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Deactivated");
    (void)loop_run_until(b.pc.loop, NULL, NULL,
                         loop_now_us(b.pc.loop) + 60 * (uint64_t)US_PER_SECOND);
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_NOT_PROVISIONED);
    rps_bench_fini(&b);
}

static void a_device_goes_through_client_mode(void **state)
{
    struct rps_bench b;
    (void)state;
    rps_bench_init(&b);
    rps_bench_command(&b, "activate --profile ccmlab", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Client control mode.");
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_CLIENT_CONTROL);
    rps_bench_report(&b);
    rps_bench_command(&b, "activate --profile ccmlab", "Adm1n!pw");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "already enabled in client mode.");
    rps_bench_command(&b, "activate --profile acmlab", "Adm1n!pw");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Upgraded to admin control mode.");
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_ADMIN_CONTROL);
    rps_bench_fini(&b);
}

/* 4.5: upgraded with the password it has, then it gets that of the profile, which is logged before. */
static void an_upgrade_ends_with_the_password_of_the_profile(void **state)
{
    struct rps_bench b;
    (void)state;
    rps_bench_init(&b);
    b.password = "0ld-Passw0rd";
    rps_bench_command(&b, "activate --profile ccmlab", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Client control mode.");
    b.password = NULL; /* the profile has changed since */
    rps_bench_report(&b);
    rps_bench_command(&b, "activate --profile acmlab", "0ld-Passw0rd");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Upgraded to admin control mode.");
    struct secret logged[3] = { { .len = 0 } };
    uint32_t count = 0;
    assert_int_equal(
        activation_log_passwords(b.pc.log_path, &b.pc.report.uuid, logged, &count, NULL), AMT_OK);
    assert_true(count > 0 && secret_equal(&logged[0], (const uint8_t *)"Adm1n!pw", 8));
    b.stored = logged[0];
    rps_bench_report(&b);
    rps_bench_command(&b, "deactivate --password Adm1n!pw", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Deactivated");
    rps_bench_fini(&b);
}

static void a_forced_deactivation_still_needs_the_device(void **state)
{
    struct rps_bench b;
    (void)state;
    rps_bench_init(&b);
    rps_bench_command(&b, "activate --profile ccmlab", NULL);
    rps_bench_report(&b);
    rps_bench_command(&b, "deactivate --password wrong-Pw1 -f", NULL);
    rps_bench_expect(&b, RPS_HOST_ERROR, "Unable to authenticate with AMT");
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_CLIENT_CONTROL);
    rps_bench_command(&b, "deactivate --password Adm1n!pw -f", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Deactivated");
    rps_bench_fini(&b);
}

/* What is known before the device is asked costs it no request (4.5, step 1). */
static void refusals_come_before_the_device_is_asked(void **state)
{
    struct rps_bench b;
    (void)state;
    rps_bench_init(&b);
    rps_bench_command(&b, "activate --profile nolab", NULL);
    rps_bench_expect(
        &b, RPS_HOST_ERROR,
        "Device 12345678-9abc-def0-1234-56789abcdef0 activation failed. nolab does not match "
        "list of available AMT profiles.");
    b.pc.report.dns_suffix = b.pc.report.os_dns_suffix = "";
    rps_bench_command(&b, "activate --profile acmlab",
                      NULL); /* ACT-CLI-014: it was sent all the same */
    rps_bench_expect(
        &b, RPS_HOST_ERROR,
        "Device 12345678-9abc-def0-1234-56789abcdef0 activation failed. Missing DNS Suffix.");
    b.pc.report.dns_suffix = "elsewhere.test";
    rps_bench_command(&b, "activate --profile acmlab", NULL);
    rps_bench_expect(
        &b, RPS_HOST_ERROR,
        "Device 12345678-9abc-def0-1234-56789abcdef0 activation failed. Specified AMT domain "
        "suffix: elsewhere.test does not match list of available AMT domain suffixes.");
    assert_int_equal(b.asked, 0);
    rps_bench_fini(&b);
}

/* The codes of chapter 10 reach the person at the client. */
static void failures_say_their_code(void **state)
{
    struct rps_bench b;
    (void)state;
    rps_bench_init(&b);
    b.pc.report.hash_count = 1; /* not the test root */
    rps_bench_command(&b, "activate --profile acmlab", NULL);
    assert_int_equal(b.result, RPS_HOST_ERROR);
    assert_int_equal(b.failure, ACT_F_ROOT_NOT_TRUSTED);
    assert_non_null(strstr(b.text, "ACT-F-07"));
    rps_bench_report(&b);
    assert_int_equal(secret_set(&b.pc.report.local_password, "wrong", 5), AMT_OK);
    rps_bench_command(&b, "activate --profile acmlab", NULL);
    assert_int_equal(b.failure, ACT_F_LOCAL_ACCOUNT_REJECTED);
    assert_non_null(strstr(b.text, "ACT-F-36"));
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_NOT_PROVISIONED);
    rps_bench_report(&b);
    b.pc.refuses_ports = true;
    rps_bench_command(&b, "activate --profile acmlab", NULL);
    assert_int_equal(b.result, RPS_HOST_DEVICE);
    assert_non_null(strstr(b.text, "ACT-F-38"));
    rps_bench_fini(&b);
}

/* A device whose plain port is silent and whose TLS port echoes. */
struct tls_bench {
    struct rps_bench b;
    struct tls_context *device_tls, *server_tls;
    struct stream *device[4], *silent[4], *session;
    uint32_t sessions, silents;
    struct text got;
    bool is_open, has_ended;
};

static void echo_data(void *ctx, const uint8_t *in, uint32_t len)
{
    assert_int_equal(stream_write(*(struct stream **)ctx, in, len), AMT_OK);
}

static struct stream *open_tls_port(void *ctx, uint32_t port)
{
    static const struct stream_handler k_echo = { .on_data = echo_data };
    struct tls_bench *t = ctx;
    struct stream *ours = NULL, *theirs = NULL;
    assert_int_equal(stream_memory_pair(t->b.pc.loop, &ours, &theirs), AMT_OK);
    if (port == 16992) {
        t->silent[t->silents++] = theirs;
    } else {
        uint32_t at = t->sessions++;
        t->device[at] = tls_accept(t->b.pc.loop, t->device_tls, theirs, &k_echo, &t->device[at]);
    }
    return ours;
}

static void session_open(void *ctx)
{
    ((struct tls_bench *)ctx)->is_open = true;
}

static void session_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct tls_bench *)ctx)->got, (const char *)in, len);
}

static void session_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    ((struct tls_bench *)ctx)->has_ended = true;
}

static const struct stream_handler k_session = { .on_open = session_open,
                                                 .on_data = session_data,
                                                 .on_end = session_end };

static void open_session(struct tls_bench *t)
{
    const struct tls_name_check check = { .name = NULL };
    struct loop *loop = t->b.pc.loop;
    t->is_open = false;
    t->session = tls_connect(loop, t->server_tls, &check,
                             rps_stream_open(t->b.server->first, 16993), &k_session, t);
    (void)loop_run_until(loop, NULL, NULL, loop_now_us(loop) + 1000000);
    assert_true(t->is_open);
    assert_int_equal(stream_write(t->session, "through the tunnel", 18), AMT_OK);
    (void)loop_run_until(loop, NULL, NULL, loop_now_us(loop) + 1000000);
    assert_string_equal(text_chars(&t->got), "through the tunnel");
    text_fini(&t->got);
}

static void start_session(struct tls_bench *t, const struct pki_identity *identity)
{
    static const struct websocket_request k_request = { .target = "/", .host = "x" };
    struct stream *here = NULL, *there = NULL;
    const struct tls_settings device = { .is_server = true, .identity = identity };
    const struct tls_settings server = { .verifies_peer = false };
    const struct rps_host_settings settings = { .loop = t->b.pc.loop,
                                                .host = { .open_port = open_tls_port, .ctx = t },
                                                .report = &t->b.pc.report,
                                                .command = "activate --profile acmlab",
                                                .on_end = rps_bench_end,
                                                .ctx = &t->b };
    t->device_tls = tls_context_new(&device, NULL);
    t->server_tls = tls_context_new(&server, NULL);
    assert_int_equal(stream_memory_pair(t->b.pc.loop, &here, &there), AMT_OK);
    rps_server_serve(t->b.server, there);
    t->b.client = rps_host_client_new(&settings, here, &k_request, NULL);
    assert_non_null(t->b.client);
    (void)loop_run_until(t->b.pc.loop, NULL, NULL, loop_now_us(t->b.pc.loop) + 100000);
    assert_int_equal(rps_server_count(t->b.server), 1);
}

/* ACT-CLI-015: whole TLS sessions pass through `tls_data`; a second one gets a new connection, and the
 * server learns when one is lost. */
static void tls_sessions_pass_both_sides(void **state)
{
    static const struct pki_request k_request = { .common_name = "amt",
                                                  .key = PKI_RSA_2048,
                                                  .for_server = true };
    struct pki_identity *identity = pki_issue(&k_request, NULL, NULL);
    struct tls_bench t;
    (void)state;
    memset(&t, 0, sizeof t);
    rps_bench_init(&t.b);
    start_session(&t, identity);
    open_session(&t);
    stream_close(t.session);
    open_session(&t);
    assert_int_equal(t.sessions, 2);
    stream_reset(t.device[1]); /* the device drops it */
    t.device[1] = NULL;
    (void)loop_run_until(t.b.pc.loop, NULL, NULL, loop_now_us(t.b.pc.loop) + 1000000);
    assert_true(t.has_ended);
    stream_close(t.session);
    for (uint32_t i = 0; i < 4; i++) {
        stream_close(t.device[i]);
        stream_close(t.silent[i]);
    }
    tls_context_free(t.device_tls);
    tls_context_free(t.server_tls);
    pki_identity_free(identity);
    rps_bench_fini(&t.b);
}

/* ACT-CLI-018 */
static void a_server_that_leaves_is_a_failure_of_its_own(void **state)
{
    struct rps_bench b;
    struct stream *here = NULL, *there = NULL;
    static const struct websocket_request k_request = { .target = "/", .host = "x" };
    (void)state;
    rps_bench_init(&b);
    const struct rps_host_settings settings = { .loop = b.pc.loop,
                                                .host = { .open_port = rps_bench_open_port,
                                                          .ctx = &b },
                                                .report = &b.pc.report,
                                                .command = "activate --profile acmlab",
                                                .on_end = rps_bench_end,
                                                .ctx = &b };
    assert_int_equal(stream_memory_pair(b.pc.loop, &here, &there), AMT_OK);
    rps_server_serve(b.server, there);
    b.client = rps_host_client_new(&settings, here, &k_request, NULL);
    assert_non_null(b.client);
    (void)loop_run_until(b.pc.loop, rps_bench_is_over, &b, loop_now_us(b.pc.loop) + 5000);
    assert_int_equal(rps_server_count(b.server), 1);
    rps_server_free(b.server);
    b.server = NULL;
    assert_true(loop_run_until(b.pc.loop, rps_bench_is_over, &b,
                               loop_now_us(b.pc.loop) + 60 * (uint64_t)US_PER_SECOND));
    assert_int_equal(b.result, RPS_HOST_CLOSED);
    rps_bench_fini(&b);
}

/* ACT-CLI-022 */
static void a_uuid_that_many_have_is_refused(void **state)
{
    static const char *const k_uuids[] = { "00000000-0000-0000-0000-000000000000",
                                           "ffffffff-ffff-ffff-ffff-ffffffffffff",
                                           "03000200-0400-0500-0006-000700080009" };
    struct rps_bench b;
    static const struct websocket_request k_request = { .target = "/", .host = "x" };
    (void)state;
    rps_bench_init(&b);
    for (size_t i = 0; i < 3; i++) {
        struct stream *here = NULL, *there = NULL;
        struct amt_diag diag = { .err = AMT_OK };
        const struct rps_host_settings settings = { .loop = b.pc.loop, .report = &b.pc.report };
        assert_int_equal(uuid_parse(k_uuids[i], &b.pc.report.uuid), AMT_OK);
        assert_int_equal(stream_memory_pair(b.pc.loop, &here, &there), AMT_OK);
        assert_null(rps_host_client_new(&settings, here, &k_request, &diag));
        assert_int_equal(diag.err, AMT_ECONFIG);
        stream_close(there);
    }
    rps_bench_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_activated_in_admin_mode),
        cmocka_unit_test(a_device_goes_through_client_mode),
        cmocka_unit_test(an_upgrade_ends_with_the_password_of_the_profile),
        cmocka_unit_test(a_forced_deactivation_still_needs_the_device),
        cmocka_unit_test(refusals_come_before_the_device_is_asked),
        cmocka_unit_test(failures_say_their_code),
        cmocka_unit_test(tls_sessions_pass_both_sides),
        cmocka_unit_test(a_server_that_leaves_is_a_failure_of_its_own),
        cmocka_unit_test(a_uuid_that_many_have_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
