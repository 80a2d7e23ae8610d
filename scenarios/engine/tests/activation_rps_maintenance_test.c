/* `maintenance` of RPS on both sides: our client on our firmware, and our server (activation.md 7.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/http/digest.h"
#include "scenarios/engine/tests/activation_rps_pc.h"
#include "simulator/firmware/meddle.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/users.h"

#define PASSWORD "Adm1n!pw"
#define U        "12345678-9abc-def0-1234-56789abcdef0"

/* Activated, with the password of the profile. */
static void begin(struct rps_bench *b, const char *profile)
{
    char line[64];
    rps_bench_init(b);
    (void)snprintf(line, sizeof line, "activate --profile %s", profile);
    rps_bench_command(b, line, NULL);
    assert_int_equal(b->result, RPS_HOST_SUCCESS);
    rps_bench_report(b);
    b->pc.report.host_name = "pc-01";
    b->pc.report.os_dns_suffix = "corp.example.com";
}

static void maintain(struct rps_bench *b, const char *task)
{
    char line[160];
    (void)snprintf(line, sizeof line, "maintenance -password " PASSWORD " %s", task);
    rps_bench_command(b, line, NULL);
}

static void expect_setting(const struct rps_bench *b, const char *class_name, const char *key,
                           const char *property, const char *value)
{
    const char *found = settings_get(b->pc.firmware, class_name, key, property);
    assert_non_null(found);
    assert_string_equal(found, value);
}

/* Whether the device takes a password. */
static bool opens(const struct rps_bench *b, const void *password, size_t len)
{
    struct firmware_user user;
    uint8_t wanted[DIGEST_MD5_BYTES];
    uint8_t ha1[DIGEST_MD5_BYTES];
    assert_true(users_find(b->pc.firmware, "admin", FIRMWARE_LOCAL, &user, wanted));
    digest_ha1("admin", provisioning_realm(b->pc.firmware), password, len, ha1);
    return memcmp(ha1, wanted, sizeof ha1) == 0;
}

struct watch {
    uint32_t high, low, puts;
    const char *refuses; /* an operation that is not carried out */
};

static void look(void *ctx, struct firmware_passing *passing)
{
    struct watch *watch = ctx;
    if (passing->is_answer) {
        return;
    }
    watch->high += strcmp(passing->operation, "SetHighAccuracyTimeSynch") == 0 ? 1 : 0;
    watch->low += strcmp(passing->operation, "GetLowAccuracyTimeSynch") == 0 ? 1 : 0;
    watch->puts += strcmp(passing->operation, "Put") == 0 ? 1 : 0;
    if (watch->refuses != NULL && strcmp(passing->operation, watch->refuses) == 0) {
        text_puts(passing->bytes, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                                  "Connection: close\r\n\r\n");
        passing->hangs_up = true;
    }
}

static void the_clock(void **state)
{
    struct watch watch = { 0 };
    struct rps_bench b;
    (void)state;
    begin(&b, "ccmlab");
    firmware_set_meddler(b.pc.firmware, look, &watch);
    maintain(&b, "--synctime");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Clock synchronized.");
    assert_true(watch.low > 0 && watch.high > 0);
    rps_bench_fini(&b);
}

static void the_host_name(void **state)
{
    struct rps_bench b;
    (void)state;
    begin(&b, "acmlab");
    maintain(&b, "--synchostname");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Host name synchronized.");
    expect_setting(&b, "AMT_GeneralSettings", "", "HostName", "pc-01");
    expect_setting(&b, "AMT_GeneralSettings", "", "DomainName", "corp.example.com");
    maintain(&b, "--synchostname other-name");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Host name synchronized.");
    expect_setting(&b, "AMT_GeneralSettings", "", "HostName", "other-name");
    b.pc.report.host_name = "";
    maintain(&b, "--synchostname");
    rps_bench_expect(&b, RPS_HOST_ERROR,
                     "Device " U " maintenance failed. The client told no host name.");
    rps_bench_fini(&b);
}

#define PORT  "AMT_EthernetPortSettings"
#define WIRED "Intel(r) AMT Ethernet Port Settings 0"
static void the_address(void **state)
{
    struct watch watch = { 0 };
    struct rps_bench b;
    (void)state;
    begin(&b, "acmlab");
    b.ip = (struct rps_ip){ .is_static = true,
                            .address = "192.0.2.77",
                            .netmask = "255.255.255.0",
                            .gateway = "192.0.2.1",
                            .primary_dns = "192.0.2.53" };
    maintain(&b, "--syncip");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Network configuration synchronized.");
    expect_setting(&b, PORT, WIRED, "DHCPEnabled", "false");
    b.ip = (struct rps_ip){ .is_static = true, .is_synced = true };
    maintain(&b, "--syncip");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Network configuration synchronized.");
    expect_setting(&b, PORT, WIRED, "SharedStaticIp", "true");
    b.ip = (struct rps_ip){ .is_dhcp = true };
    maintain(&b, "--syncip");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Network configuration synchronized.");
    expect_setting(&b, PORT, WIRED, "DHCPEnabled", "true");
    firmware_set_meddler(b.pc.firmware, look, &watch);
    b.ip = (struct rps_ip){ .is_static = true, .address = "192.0.2.77" };
    maintain(&b, "--syncip");
    rps_bench_expect(&b, RPS_HOST_ERROR,
                     "Device " U
                     " maintenance failed. The client told neither DHCP nor address and netmask.");
    assert_int_equal(watch.puts, 0);
    b.ip.netmask = "no netmask";
    maintain(&b, "--syncip"); /* what the device refuses is said */
    assert_int_equal(b.result, RPS_HOST_ERROR);
    assert_non_null(strstr(b.text, "Put AMT_EthernetPortSettings"));
    rps_bench_fini(&b);
}

/* The newest password of the log is the one the device has, whatever happened (F46). */
static void expect_logged(const struct rps_bench *b)
{
    struct secret logged[3] = { { .len = 0 } };
    uint32_t count = 0;
    assert_int_equal(
        activation_log_passwords(b->pc.log_path, &b->pc.report.uuid, logged, &count, NULL), AMT_OK);
    assert_true(count > 0 && opens(b, logged[0].bytes, logged[0].len));
    for (int i = 0; i < 3; i++) {
        secret_fini(&logged[i]);
    }
}

static void the_password(void **state)
{
    struct rps_bench b;
    (void)state;
    begin(&b, "acmlab");
    maintain(&b, "--changepassword weak");
    assert_int_equal(b.result, RPS_HOST_ERROR);
    assert_true(opens(&b, PASSWORD, strlen(PASSWORD)));
    maintain(&b, "--changepassword N3w=P@ssw0rd");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Password changed.");
    assert_true(opens(&b, "N3w=P@ssw0rd", 12));
    expect_logged(&b);
    assert_int_equal(secret_set(&b.stored, "N3w=P@ssw0rd", 12), AMT_OK);
    maintain(&b, "--synctime"); /* with the old one */
    rps_bench_expect(&b, RPS_HOST_ERROR,
                     "AMT password DOES NOT match stored version for Device " U);
    rps_bench_command(&b, "maintenance -password N3w=P@ssw0rd --changepassword", NULL);
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Password changed."); /* to one that the server made */
    assert_false(opens(&b, "N3w=P@ssw0rd", 12));
    expect_logged(&b);
    rps_bench_fini(&b);
}

static void a_password_that_the_device_does_not_take(void **state)
{
    struct watch watch = { .refuses = "SetAdminAclEntryEx" };
    struct rps_bench b;
    (void)state;
    begin(&b, "acmlab");
    firmware_set_meddler(b.pc.firmware, look, &watch);
    maintain(&b, "--changepassword N3w=P@ssw0rd");
    assert_int_equal(b.result, RPS_HOST_ERROR);
    assert_non_null(strstr(b.text, "keeps its password"));
    assert_true(opens(&b, PASSWORD, strlen(PASSWORD)));
    rps_bench_fini(&b);
}

static void what_is_known_of_the_device(void **state)
{
    struct rps_bench b;
    (void)state;
    begin(&b, "acmlab");
    uint32_t asked = b.asked;
    maintain(&b, "--syncdeviceinfo");
    rps_bench_expect(&b, RPS_HOST_SUCCESS, "Device information synchronized.");
    assert_int_equal(b.asked, asked); /* the device was left alone */
    rps_bench_fini(&b);
}

static void refusals(void **state)
{
    struct rps_bench b;
    (void)state;
    rps_bench_init(&b);
    maintain(&b, "--synctime");
    rps_bench_expect(&b, RPS_HOST_ERROR, "Device " U " is in pre-provisioning mode.");
    rps_bench_fini(&b);
    begin(&b, "acmlab");
    maintain(&b, "");
    assert_int_equal(b.result, RPS_HOST_ERROR);
    assert_non_null(strstr(b.text, "No task"));
    rps_bench_command(&b, "maintenance -password wrong-Pw1 --synctime", NULL);
    rps_bench_expect(&b, RPS_HOST_ERROR,
                     "AMT password DOES NOT match stored version for Device " U);
    rps_bench_command(&b, "maintenance -password wrong-Pw1 --synctime -f", NULL);
    rps_bench_expect(&b, RPS_HOST_ERROR, "Unable to authenticate with AMT");
    rps_bench_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock),
        cmocka_unit_test(the_host_name),
        cmocka_unit_test(the_address),
        cmocka_unit_test(the_password),
        cmocka_unit_test(a_password_that_the_device_does_not_take),
        cmocka_unit_test(what_is_known_of_the_device),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
