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
    uint32_t asked; /* connections to the device */
};

static bool find_profile(void *ctx, const char *name, struct activation_policy *policy,
                         const char **group)
{
    struct rps_bench *b = ctx;
    *policy = (struct activation_policy){ .cira_setup = 0 };
    *group = "lab";
    policy->type = strcmp(name, "ccmlab") == 0 ? ACTIVATION_POLICY_CLIENT : ACTIVATION_POLICY_ADMIN;
    assert_int_equal(secret_set(&policy->password, "Adm1n!pw", 8), AMT_OK);
    return strcmp(name, "ccmlab") == 0 || strcmp(name, "acmlab") == 0 || b == NULL;
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
        cmocka_unit_test(a_forced_deactivation_still_needs_the_device),
        cmocka_unit_test(refusals_come_before_the_device_is_asked),
        cmocka_unit_test(failures_say_their_code),
        cmocka_unit_test(a_server_that_leaves_is_a_failure_of_its_own),
        cmocka_unit_test(a_uuid_that_many_have_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
