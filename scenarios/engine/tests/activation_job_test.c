/* Activation from end to end: our server's job against our firmware, and why it fails (activation.md 4, 5, 10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "scenarios/engine/tests/activation_pc.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/remote_access.h"

static void expect(struct activation_pc *pc, enum activation_outcome outcome,
                   enum activation_failure failure)
{
    if (pc->result.outcome != outcome || pc->result.failure != failure) {
        print_message("%s %s\n%s", activation_failure_code(pc->result.failure), pc->detail,
                      pc->said);
    }
    assert_int_equal(pc->result.outcome, outcome);
    assert_string_equal(activation_failure_code(pc->result.failure),
                        activation_failure_code(failure));
}

static uint32_t log_lines(const struct activation_pc *pc, const char *word)
{
    char line[2048];
    uint32_t count = 0;
    FILE *file = fopen(pc->log_path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        count += strstr(line, word) != NULL ? 1 : 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return count;
}

static void test_admin_control_mode(void **state)
{
    struct activation_pc pc;
    (void)state;
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    activation_pc_certificate(&pc, "leaf", false);
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    assert_int_equal(log_lines(&pc, "\"action\":\"acmactivate\""), 1); /* before it was done */
    assert_string_equal(pc.result.user, "admin");
    activation_pc_report(&pc); /* F9: there is nothing left to do */
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_NOTHING_TO_DO, ACT_F_ALREADY_ADMIN_MODE);
    activation_pc_fini(&pc);
}

/* 4.5 step 7: a profile has a password for the MEBx too. */
static void test_mebx_password_of_the_policy(void **state)
{
    struct activation_pc pc;
    (void)state;
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    activation_pc_certificate(&pc, "leaf", false);
    assert_int_equal(secret_set(&pc.policy.mebx_password, "M3bx@Pass", 9), AMT_OK);
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_true(mebx_password_is(pc.firmware, "M3bx@Pass", 9));
    activation_pc_fini(&pc);
    /* not in client control mode, where there is none to set (ACT-DEV-033) */
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    pc.policy.type = ACTIVATION_POLICY_CLIENT;
    assert_int_equal(secret_set(&pc.policy.mebx_password, "M3bx@Pass", 9), AMT_OK);
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_true(mebx_password_is(pc.firmware, "admin", 5));
    activation_pc_fini(&pc);
}

static void test_client_control_mode_and_upgrade(void **state)
{
    struct activation_pc pc;
    (void)state;
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    pc.policy.type = ACTIVATION_POLICY_CLIENT;
    assert_int_equal(secret_set(&pc.policy.password, "Adm1n!pw", 8), AMT_OK);
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_CLIENT_CONTROL);
    assert_int_equal(log_lines(&pc, "\"action\":\"ccmactivate\""), 1);
    pc.policy.type = ACTIVATION_POLICY_ADMIN;
    pc.settings.prefers_upgrade = true;
    activation_pc_certificate(&pc, "leaf", false);
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    activation_pc_fini(&pc);
}

/* ACT-SRV-036: without an upgrade the device is deactivated first. */
static void test_client_mode_is_left_for_admin_mode(void **state)
{
    struct activation_pc pc;
    (void)state;
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    pc.policy.type = ACTIVATION_POLICY_CLIENT;
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    pc.policy.type = ACTIVATION_POLICY_AUTOMATIC;
    activation_pc_certificate(&pc, "leaf", false);
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    pc.policy.type = ACTIVATION_POLICY_DEACTIVATE;
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_NOTHING_TO_DO, ACTIVATION_NO_FAILURE); /* only CCM is deactivated */
    activation_pc_fini(&pc);
}

static void test_automatic_falls_back(void **state)
{
    struct activation_pc pc;
    (void)state;
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    pc.policy.type = ACTIVATION_POLICY_AUTOMATIC; /* and no certificate */
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_CLIENT_CONTROL);
    pc.policy.type = ACTIVATION_POLICY_DEACTIVATE;
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_NOT_PROVISIONED);
    activation_pc_fini(&pc);
}

/* After the activation the device has the server, the policy and the root (step 13). */
static void test_cira_is_set_up(void **state)
{
    struct activation_pc pc;
    struct secret password = { .len = 0 };
    struct remote_access_target target;
    static const struct pki_request k_root = { .common_name = "MPSRoot",
                                               .key = PKI_RSA_2048,
                                               .is_authority = true };
    struct pki_identity *root = pki_issue(&k_root, NULL, NULL);
    (void)state;
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    activation_pc_certificate(&pc, "leaf", false);
    activation_pc_report(&pc);
    assert_int_equal(secret_set(&password, "P@ssw0rd", 8), AMT_OK);
    const struct activation_cira cira = { .access_info = "mps.example.com",
                                          .port = 4433,
                                          .user = "ABCDEFGHIJKLMNOP",
                                          .password = &password,
                                          .root = pki_certificate(root) };
    pc.settings.cira = &cira;
    pc.policy.cira_setup = 2;
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_true(remote_access_is_outside(pc.firmware));
    assert_true(remote_access_target(pc.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    assert_string_equal(target.access_info, "mps.example.com");
    assert_string_equal(target.user, "ABCDEFGHIJKLMNOP");
    pki_identity_free(root);
    activation_pc_fini(&pc);
}

/* --- failures --- */

static void expect_failure(struct activation_pc *pc, enum activation_failure failure)
{
    activation_pc_run(pc);
    expect(pc, ACTIVATION_FAILED, failure);
    assert_int_equal(firmware_mode(pc->firmware), FIRMWARE_NOT_PROVISIONED);
    assert_non_null(strstr(pc->said, activation_failure_code(failure))); /* the client is told */
    activation_pc_fini(pc);
}

static void begin(struct activation_pc *pc)
{
    activation_pc_init(pc);
    activation_pc_start(pc);
    activation_pc_certificate(pc, "leaf", false);
    activation_pc_report(pc);
}

static void test_before_the_device_is_asked(void **state)
{
    struct activation_pc pc;
    (void)state;
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    activation_pc_report(&pc);
    expect_failure(&pc, ACT_F_NO_CERTIFICATES);
    begin(&pc);
    pc.report.hash_count = 0;
    expect_failure(&pc, ACT_F_NO_HASHES);
    begin(&pc);
    pc.report.dns_suffix = "";
    expect_failure(&pc, ACT_F_NO_SUFFIX);
    begin(&pc);
    pc.report.dns_suffix = "other.test";
    expect_failure(&pc, ACT_F_NO_CERTIFICATE_FOR_SUFFIX);
    begin(&pc);
    pc.report.has_core_version = false;
    expect_failure(&pc, ACT_F_CLIENT_TOO_OLD);
    begin(&pc);
    pc.report.local_user = "";
    expect_failure(&pc, ACT_F_NO_HOST_ACCESS);
    begin(&pc);
    pc.policy.type = ACTIVATION_POLICY_NONE;
    expect_failure(&pc, ACT_F_POLICY_NONE);
}

static void test_the_host_side(void **state)
{
    struct activation_pc pc;
    (void)state;
    begin(&pc);
    assert_int_equal(secret_set(&pc.report.local_password, "wrong", 5), AMT_OK);
    expect_failure(&pc, ACT_F_LOCAL_ACCOUNT_REJECTED);
    begin(&pc);
    pc.refuses_ports = true;
    expect_failure(&pc, ACT_F_LOCAL_PORT_REFUSED);
    begin(&pc); /* F46: nothing is done that cannot be logged */
    assert_int_equal(chmod(pc.log_path, 0644), 0);
    expect_failure(&pc, ACT_F_LOG_NOT_WRITABLE);
}

static void test_the_suffix_is_another_one(void **state)
{
    struct activation_pc pc;
    (void)state;
    begin(&pc);
    assert_int_equal(provisioning_set_dhcp_suffix(pc.firmware, "elsewhere.test"), AMT_OK);
    expect_failure(&pc, ACT_F_SUFFIX_DIFFERS);
    begin(&pc);
    assert_int_equal(provisioning_set_dhcp_suffix(pc.firmware, ""), AMT_OK);
    expect_failure(&pc, ACT_F_DHCP_OPTION_MISSING);
    begin(&pc);
    assert_int_equal(provisioning_set_trusted_suffix(pc.firmware, "wrong.test"), AMT_OK);
    expect_failure(&pc, ACT_F_MEBX_SUFFIX_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admin_control_mode),
        cmocka_unit_test(test_mebx_password_of_the_policy),
        cmocka_unit_test(test_client_control_mode_and_upgrade),
        cmocka_unit_test(test_client_mode_is_left_for_admin_mode),
        cmocka_unit_test(test_automatic_falls_back),
        cmocka_unit_test(test_cira_is_set_up),
        cmocka_unit_test(test_before_the_device_is_asked),
        cmocka_unit_test(test_the_host_side),
        cmocka_unit_test(test_the_suffix_is_another_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
