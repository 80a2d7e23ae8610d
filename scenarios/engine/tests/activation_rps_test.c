/* Activation by the RPS protocol from end to end: our client on our firmware against our server
 * (activation.md 7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/activation/rps.h"
#include "mps/activation/rps.h"
#include "mps/activation/rps_internal.h"
#include "runtime/tls.h"
#include "scenarios/engine/tests/activation_pc.h"

struct rps_bench {
    struct activation_pc pc;
    struct rps_server *server;
    struct rps_host_client *client;
    struct secret stored;
    bool has_stored, is_over;
    enum rps_host_result result;
    char text[600], notes[2000];
    enum activation_failure failure;
    uint32_t asked;       /* connections to the device */
    const char *password; /* of the profiles; NULL: the usual one */
};

static bool find_profile(void *ctx, const char *name, struct activation_policy *policy,
                         const char **group)
{
    struct rps_bench *b = ctx;
    *policy = (struct activation_policy){ .cira_setup = 0 };
    *group = "lab";
    policy->type = strcmp(name, "ccmlab") == 0 ? ACTIVATION_POLICY_CLIENT : ACTIVATION_POLICY_ADMIN;
    const char *password = b->password == NULL ? "Adm1n!pw" : b->password;
    assert_int_equal(secret_set(&policy->password, password, (uint32_t)strlen(password)), AMT_OK);
    return strcmp(name, "ccmlab") == 0 || strcmp(name, "acmlab") == 0;
}

static bool find_password(void *ctx, const struct uuid *uuid, struct secret *password)
{
    struct rps_bench *b = ctx;
    (void)uuid;
    *password = b->stored;
    return b->has_stored;
}

static void on_result(void *ctx, const struct uuid *uuid, const struct activation_result *result)
{
    struct rps_bench *b = ctx;
    (void)uuid;
    b->failure = result->failure;
    if (result->password != NULL) {
        b->stored = *result->password;
        b->has_stored = true;
    }
}

static void on_note(void *ctx, const char *text)
{
    struct rps_bench *b = ctx;
    size_t used = strlen(b->notes);
    (void)snprintf(b->notes + used, sizeof b->notes - used, "%s\n", text);
}

static void on_end(void *ctx, const struct rps_host_end *end)
{
    struct rps_bench *b = ctx;
    b->is_over = true;
    b->result = end->result;
    (void)snprintf(b->text, sizeof b->text, "%s", end->text);
}

static bool is_over(void *ctx)
{
    return ((struct rps_bench *)ctx)->is_over;
}

static struct stream *open_port(void *ctx, uint32_t port)
{
    struct rps_bench *b = ctx;
    b->asked += 1;
    return b->pc.channel.open_port(&b->pc, port);
}

static void read_report(struct rps_bench *b)
{
    activation_pc_report(&b->pc);
    b->pc.report.build = "2049";
}

static void bench_init(struct rps_bench *b)
{
    memset(b, 0, sizeof *b);
    activation_pc_init(&b->pc);
    activation_pc_start(&b->pc);
    activation_pc_certificate(&b->pc, "leaf", false);
    const struct rps_server_settings settings = { .activation = b->pc.settings,
                                                  .find_profile = find_profile,
                                                  .find_password = find_password,
                                                  .on_result = on_result,
                                                  .ctx = b };
    b->server = rps_server_new(&settings);
    assert_non_null(b->server);
    read_report(b);
}

static void bench_fini(struct rps_bench *b)
{
    rps_host_client_free(b->client);
    rps_server_free(b->server);
    activation_pc_fini(&b->pc);
}

/* One command of the client, to its end. The report is that of pc. */
static void command(struct rps_bench *b, const char *line, const char *password)
{
    static const struct websocket_request k_request = { .target = "/activate",
                                                        .host = "rps.example.com" };
    struct stream *here = NULL, *there = NULL;
    struct secret secret = { .len = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    struct rps_host_settings settings = { .loop = b->pc.loop,
                                          .host = { .open_port = open_port, .ctx = b },
                                          .report = &b->pc.report,
                                          .command = line,
                                          .version = "test",
                                          .on_note = on_note,
                                          .on_end = on_end,
                                          .ctx = b };
    if (password != NULL) {
        assert_int_equal(secret_set(&secret, password, (uint32_t)strlen(password)), AMT_OK);
        settings.password = &secret;
    }
    rps_host_client_free(b->client);
    b->is_over = false;
    b->notes[0] = '\0';
    b->text[0] = '\0';
    assert_int_equal(stream_memory_pair(b->pc.loop, &here, &there), AMT_OK);
    rps_server_serve(b->server, there);
    b->client = rps_host_client_new(&settings, here, &k_request, &diag);
    assert_non_null(b->client);
    assert_true(loop_run_until(b->pc.loop, is_over, b,
                               loop_now_us(b->pc.loop) + 600 * (uint64_t)US_PER_SECOND));
}

static void expect(const struct rps_bench *b, enum rps_host_result result, const char *text)
{
    if (b->result != result || strcmp(b->text, text) != 0) {
        fail_msg("%d %s\n%s", b->result, b->text, b->notes);
    }
}

/* ACT-SRV-043, ACT-SRV-046, ACT-CLI-014, ACT-CLI-015 */
static void a_device_is_activated_in_admin_mode(void **state)
{
    struct rps_bench b;
    (void)state;
    bench_init(&b);
    command(&b, "activate --profile acmlab", NULL);
    expect(&b, RPS_HOST_SUCCESS, "Admin control mode.");
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_ADMIN_CONTROL);
    assert_string_equal(b.notes, "");
    /* again: nothing is left to do */
    read_report(&b);
    command(&b, "activate --profile acmlab", "Adm1n!pw");
    expect(&b, RPS_HOST_SUCCESS, "already enabled in admin mode.");
    command(&b, "activate --profile ccmlab", "Adm1n!pw");
    expect(&b, RPS_HOST_ERROR,
           "Device 12345678-9abc-def0-1234-56789abcdef0 already enabled in admin control mode.");
    command(&b, "activate --profile acmlab", "wrong-Pw1");
    expect(&b, RPS_HOST_ERROR,
           "AMT password DOES NOT match stored version for Device "
           "12345678-9abc-def0-1234-56789abcdef0");
    /* and away with it */
    command(&b, "deactivate --password wrong-Pw1", NULL);
    assert_int_equal(b.result, RPS_HOST_ERROR);
    command(&b, "deactivate --password Adm1n!pw", NULL);
    expect(&b, RPS_HOST_SUCCESS, "Deactivated");
    (void)loop_run_until(b.pc.loop, NULL, NULL,
                         loop_now_us(b.pc.loop) + 60 * (uint64_t)US_PER_SECOND);
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_NOT_PROVISIONED);
    bench_fini(&b);
}

static void a_device_goes_through_client_mode(void **state)
{
    struct rps_bench b;
    (void)state;
    bench_init(&b);
    command(&b, "activate --profile ccmlab", NULL);
    expect(&b, RPS_HOST_SUCCESS, "Client control mode.");
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_CLIENT_CONTROL);
    read_report(&b);
    command(&b, "activate --profile ccmlab", "Adm1n!pw");
    expect(&b, RPS_HOST_SUCCESS, "already enabled in client mode.");
    command(&b, "activate --profile acmlab", "Adm1n!pw");
    expect(&b, RPS_HOST_SUCCESS, "Upgraded to admin control mode.");
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_ADMIN_CONTROL);
    bench_fini(&b);
}

/* 4.5: upgraded with the password it has, then it gets that of the profile, which is logged before. */
static void an_upgrade_ends_with_the_password_of_the_profile(void **state)
{
    struct rps_bench b;
    (void)state;
    bench_init(&b);
    b.password = "0ld-Passw0rd";
    command(&b, "activate --profile ccmlab", NULL);
    expect(&b, RPS_HOST_SUCCESS, "Client control mode.");
    b.password = NULL; /* the profile has changed since */
    read_report(&b);
    command(&b, "activate --profile acmlab", "0ld-Passw0rd");
    expect(&b, RPS_HOST_SUCCESS, "Upgraded to admin control mode.");
    struct secret logged[3] = { { .len = 0 } };
    uint32_t count = 0;
    assert_int_equal(
        activation_log_passwords(b.pc.log_path, &b.pc.report.uuid, logged, &count, NULL), AMT_OK);
    assert_true(count > 0 && secret_equal(&logged[0], (const uint8_t *)"Adm1n!pw", 8));
    b.stored = logged[0];
    read_report(&b);
    command(&b, "deactivate --password Adm1n!pw", NULL);
    expect(&b, RPS_HOST_SUCCESS, "Deactivated");
    bench_fini(&b);
}

static void a_forced_deactivation_still_needs_the_device(void **state)
{
    struct rps_bench b;
    (void)state;
    bench_init(&b);
    command(&b, "activate --profile ccmlab", NULL);
    read_report(&b);
    command(&b, "deactivate --password wrong-Pw1 -f", NULL);
    expect(&b, RPS_HOST_ERROR, "Unable to authenticate with AMT");
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_CLIENT_CONTROL);
    command(&b, "deactivate --password Adm1n!pw -f", NULL);
    expect(&b, RPS_HOST_SUCCESS, "Deactivated");
    bench_fini(&b);
}

/* What is known before the device is asked costs it no request (4.5, step 1). */
static void refusals_come_before_the_device_is_asked(void **state)
{
    struct rps_bench b;
    (void)state;
    bench_init(&b);
    command(&b, "activate --profile nolab", NULL);
    expect(&b, RPS_HOST_ERROR,
           "Device 12345678-9abc-def0-1234-56789abcdef0 activation failed. nolab does not match "
           "list of available AMT profiles.");
    b.pc.report.dns_suffix = b.pc.report.os_dns_suffix = "";
    command(&b, "activate --profile acmlab", NULL); /* ACT-CLI-014: it was sent all the same */
    expect(&b, RPS_HOST_ERROR,
           "Device 12345678-9abc-def0-1234-56789abcdef0 activation failed. Missing DNS Suffix.");
    b.pc.report.dns_suffix = "elsewhere.test";
    command(&b, "activate --profile acmlab", NULL);
    expect(&b, RPS_HOST_ERROR,
           "Device 12345678-9abc-def0-1234-56789abcdef0 activation failed. Specified AMT domain "
           "suffix: elsewhere.test does not match list of available AMT domain suffixes.");
    assert_int_equal(b.asked, 0);
    bench_fini(&b);
}

/* The codes of chapter 10 reach the person at the client. */
static void failures_say_their_code(void **state)
{
    struct rps_bench b;
    (void)state;
    bench_init(&b);
    b.pc.report.hash_count = 1; /* not the test root */
    command(&b, "activate --profile acmlab", NULL);
    assert_int_equal(b.result, RPS_HOST_ERROR);
    assert_int_equal(b.failure, ACT_F_ROOT_NOT_TRUSTED);
    assert_non_null(strstr(b.text, "ACT-F-07"));
    read_report(&b);
    assert_int_equal(secret_set(&b.pc.report.local_password, "wrong", 5), AMT_OK);
    command(&b, "activate --profile acmlab", NULL);
    assert_int_equal(b.failure, ACT_F_LOCAL_ACCOUNT_REJECTED);
    assert_non_null(strstr(b.text, "ACT-F-36"));
    assert_int_equal(firmware_mode(b.pc.firmware), FIRMWARE_NOT_PROVISIONED);
    read_report(&b);
    b.pc.refuses_ports = true;
    command(&b, "activate --profile acmlab", NULL);
    assert_int_equal(b.result, RPS_HOST_DEVICE);
    assert_non_null(strstr(b.text, "ACT-F-38"));
    bench_fini(&b);
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
                                                .on_end = on_end,
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
    bench_init(&t.b);
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
    bench_fini(&t.b);
}

/* ACT-CLI-018 */
static void a_server_that_leaves_is_a_failure_of_its_own(void **state)
{
    struct rps_bench b;
    struct stream *here = NULL, *there = NULL;
    static const struct websocket_request k_request = { .target = "/", .host = "x" };
    (void)state;
    bench_init(&b);
    const struct rps_host_settings settings = { .loop = b.pc.loop,
                                                .host = { .open_port = open_port, .ctx = &b },
                                                .report = &b.pc.report,
                                                .command = "activate --profile acmlab",
                                                .on_end = on_end,
                                                .ctx = &b };
    assert_int_equal(stream_memory_pair(b.pc.loop, &here, &there), AMT_OK);
    rps_server_serve(b.server, there);
    b.client = rps_host_client_new(&settings, here, &k_request, NULL);
    assert_non_null(b.client);
    (void)loop_run_until(b.pc.loop, is_over, &b, loop_now_us(b.pc.loop) + 5000);
    assert_int_equal(rps_server_count(b.server), 1);
    rps_server_free(b.server);
    b.server = NULL;
    assert_true(loop_run_until(b.pc.loop, is_over, &b,
                               loop_now_us(b.pc.loop) + 60 * (uint64_t)US_PER_SECOND));
    assert_int_equal(b.result, RPS_HOST_CLOSED);
    bench_fini(&b);
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
    bench_init(&b);
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
    bench_fini(&b);
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
