/* RPS and devices whose local port is TLS, or shall be (activation.md 4.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scenarios/engine/tests/activation_rps_pc.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/meddle.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/tls_settings.h"

#define U "12345678-9abc-def0-1234-56789abcdef0"

static void set(struct rps_bench *b, const char *key, const char *value)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (config_set(firmware_config_keys, key, value, &b->pc.config, &diag) != AMT_OK) {
        fail_msg("%s", diag.text);
    }
}

/* What the client finds on this computer. */
static void report(struct rps_bench *b)
{
    rps_bench_report(b);
    b->pc.report.version = b->pc.config.version;
    b->pc.report.is_tls_enforced = !firmware_port_is_open(b->pc.firmware, 16992, FIRMWARE_LOCAL);
}

static void begin(struct rps_bench *b, const char *version, bool is_enforced)
{
    rps_bench_prepare(b);
    set(b, "version", version);
    if (is_enforced) {
        set(b, "plain_local_port", "false");
    }
    rps_bench_start(b);
    report(b);
    assert_int_equal(b->pc.report.is_tls_enforced, is_enforced);
}

static void expect_mode(const struct rps_bench *b, enum firmware_mode mode)
{
    assert_int_equal(firmware_mode(b->pc.firmware), mode);
}

static void wait(struct rps_bench *b, uint64_t seconds)
{
    (void)loop_run_until(b->pc.loop, NULL, NULL, loop_now_us(b->pc.loop) + seconds * US_PER_SECOND);
}

/* The release that has nothing else, and the one whose maker has chosen it. */
static void admin_mode_where_only_tls_answers(void **state)
{
    static const char *const k_versions[] = { "19.0.0.1800", "16.1.25.2124" };
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rps_bench b;
        begin(&b, k_versions[i], true);
        rps_bench_command(&b, "activate --profile acmlab", NULL);
        rps_bench_expect(&b, RPS_HOST_SUCCESS, "Admin control mode.");
        expect_mode(&b, FIRMWARE_ADMIN_CONTROL);
        assert_true(mebx_password_is(b.pc.firmware, "Adm1n!pw", 8));
        assert_true(tls_settings_enabled(b.pc.firmware, FIRMWARE_NETWORK));
        report(&b);
        rps_bench_command(&b, "activate --profile acmlab", "Adm1n!pw");
        rps_bench_expect(&b, RPS_HOST_SUCCESS, "already enabled in admin mode.");
        rps_bench_command(&b, "deactivate --password Adm1n!pw", NULL);
        rps_bench_expect(&b, RPS_HOST_SUCCESS, "Deactivated");
        wait(&b, 60);
        expect_mode(&b, FIRMWARE_NOT_PROVISIONED);
        rps_bench_fini(&b);
    }
}

static void client_mode_where_only_tls_answers(void **state)
{
    struct rps_bench b;
    (void)state;
    begin(&b, "19.0.0.1800", true);
    rps_bench_command(&b, "activate --profile ccmlab", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Client control mode.");
    expect_mode(&b, FIRMWARE_CLIENT_CONTROL);
    /* and up from there, with another password in the end */
    b.password = "0ther-Passw0rd";
    report(&b);
    rps_bench_command(&b, "activate --profile acmlab", "Adm1n!pw");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Upgraded to admin control mode.");
    expect_mode(&b, FIRMWARE_ADMIN_CONTROL);
    assert_int_equal(secret_set(&b.stored, "0ther-Passw0rd", 14), AMT_OK);
    report(&b);
    rps_bench_command(&b, "deactivate --password 0ther-Passw0rd", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Deactivated");
    rps_bench_fini(&b);
}

/* --tls-tunnel: the plain port first, then TLS of our own. */
static void admin_mode_by_a_tunnel_of_tls(void **state)
{
    struct rps_bench b;
    (void)state;
    begin(&b, "16.1.25.2124", false);
    b.is_tunnel = true;
    rps_bench_command(&b, "activate --profile acmlab", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Admin control mode.");
    expect_mode(&b, FIRMWARE_ADMIN_CONTROL);
    assert_true(tls_settings_enabled(b.pc.firmware, FIRMWARE_LOCAL));
    rps_bench_fini(&b);
}

/* Behind client control mode everything is undone. */
static void a_failed_upgrade_leaves_no_client_mode(void **state)
{
    struct rps_bench b;
    (void)state;
    begin(&b, "19.0.0.1800", true);
    assert_int_equal(provisioning_set_dhcp_suffix(b.pc.firmware, "elsewhere.test"), AMT_OK);
    rps_bench_command(&b, "activate --profile acmlab", NULL);
    assert_int_equal(b.result, RPS_HOST_ERROR);
    assert_int_equal(b.failure, ACT_F_SUFFIX_DIFFERS);
    assert_non_null(strstr(b.text, "client control mode was undone"));
    wait(&b, 60);
    expect_mode(&b, FIRMWARE_NOT_PROVISIONED);
    rps_bench_fini(&b);
}

/* F39: a client that does not know that only TLS answers. */
static void a_client_that_says_nothing_of_tls(void **state)
{
    struct rps_bench b;
    (void)state;
    begin(&b, "19.0.0.1800", true);
    b.pc.report.is_tls_enforced = false;
    rps_bench_command(&b, "activate --profile acmlab", NULL);
    assert_int_equal(b.result, RPS_HOST_DEVICE);
    assert_non_null(strstr(b.text, "ACT-F-38"));
    expect_mode(&b, FIRMWARE_NOT_PROVISIONED);
    rps_bench_fini(&b);
}

struct thief {
    const char *operation;
    uint32_t times;
};

static void steal(void *ctx, struct firmware_passing *passing)
{
    struct thief *thief = ctx;
    if (passing->is_answer && strcmp(passing->operation, thief->operation) == 0 &&
        thief->times > 0) {
        thief->times -= 1;
        passing->is_dropped = true;
        passing->hangs_up = true;
    }
}

/* ACT-SRV-029: what may have worked is read back, never repeated. */
static void lost_replies_are_read_back(void **state)
{
    static const char *const k_operations[] = { "Setup", "UpgradeClientToAdmin", "CommitChanges" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rps_bench b;
        struct thief thief = { k_operations[i], 1 };
        begin(&b, "16.1.25.2124", true);
        firmware_set_meddler(b.pc.firmware, steal, &thief);
        rps_bench_command(&b, "activate --profile acmlab", NULL);
        assert_int_equal(thief.times, 0);
        rps_bench_expect(&b, RPS_HOST_SUCCESS, "Admin control mode.");
        expect_mode(&b, FIRMWARE_ADMIN_CONTROL);
        rps_bench_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admin_mode_where_only_tls_answers),
        cmocka_unit_test(client_mode_where_only_tls_answers),
        cmocka_unit_test(admin_mode_by_a_tunnel_of_tls),
        cmocka_unit_test(a_failed_upgrade_leaves_no_client_mode),
        cmocka_unit_test(a_client_that_says_nothing_of_tls),
        cmocka_unit_test(lost_replies_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
