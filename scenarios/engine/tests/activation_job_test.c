/* Activation from end to end: our server's job against our firmware, and why it fails (activation.md 4, 5, 10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "scenarios/engine/tests/activation_pc.h"
#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/network_internal.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/remote_access.h"
#include "simulator/firmware/tls_settings_internal.h"

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

/* --- what a device gets besides --- */

enum { DER_PKCS1, DER_SPKI }; /* config der_key */

static struct pki_identity *make_root(void)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct pki_request request = { .common_name = "Device Root",
                                         .key = PKI_RSA_2048,
                                         .is_authority = true };
    struct pki_identity *root = pki_issue(&request, NULL, &diag);
    assert_non_null(root);
    return root;
}

static void activate_with(struct activation_pc *pc, const struct activation_equipment *equipment,
                          const struct pki_identity *root, int der_key)
{
    activation_pc_init(pc);
    pc->config.der_key = der_key;
    activation_pc_start(pc);
    activation_pc_certificate(pc, "leaf", false);
    pc->settings.equipment = equipment;
    pc->settings.tls_issuer = root;
    activation_pc_report(pc);
    pc->report.host_name = "pc17";
    activation_pc_run(pc);
}

/* TlsRootCert (activation.md 8.2): the job itself looks at what port 16993 shows afterwards. */
static void a_tls_certificate_of_the_configured_root(int der_key)
{
    struct activation_pc pc;
    struct pki_identity *root = make_root();
    const struct activation_equipment equipment = { .switches_tls_on = true };
    activate_with(&pc, &equipment, root, der_key);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_true(tls_settings_enabled(pc.firmware, FIRMWARE_NETWORK));
    assert_true(tls_settings_enabled(pc.firmware, FIRMWARE_LOCAL));
    assert_true(tls_settings_plain_allowed(pc.firmware, FIRMWARE_NETWORK));
    assert_string_equal(pc.firmware->tls->served, pc.firmware->tls->associated);
    uint32_t handle = keys_certificate_find(pc.firmware->keys, pc.firmware->tls->served);
    X509 *shown = pc.firmware->keys->certificates[handle].x509;
    assert_int_equal(X509_verify(shown, pki_key(root)), 1);
    assert_non_null(strstr(pc.said, "Done."));
    activation_pc_fini(&pc);
    pki_identity_free(root);
}

static void test_a_tls_certificate_of_the_configured_root(void **state)
{
    (void)state;
    a_tls_certificate_of_the_configured_root(DER_SPKI);
    a_tls_certificate_of_the_configured_root(DER_PKCS1);
}

static struct activation_wifi wifi_of(const char *ssid, const char *password)
{
    struct activation_wifi wifi = { .name = ssid,
                                    .ssid = ssid,
                                    .authentication = ACTIVATION_WIFI_WPA2,
                                    .encryption = ACTIVATION_WIFI_CCMP };
    assert_int_equal(secret_set(&wifi.password, password, (uint32_t)strlen(password)), AMT_OK);
    return wifi;
}

static void test_wifi_profiles(void **state)
{
    struct activation_pc pc;
    const struct activation_wifi wifi[] = { wifi_of("office", "correct horse"),
                                            wifi_of("lab <1>", "battery staple") };
    const struct activation_equipment equipment = { .wifi = wifi, .wifi_count = 2 };
    (void)state;
    activate_with(&pc, &equipment, NULL, DER_SPKI);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    const json_t *profiles = pc.firmware->network->wifi;
    assert_int_equal(json_array_size(profiles), 2);
    const json_t *second = json_object_get(json_array_get(profiles, 1), "settings");
    assert_string_equal(json_string_value(json_object_get(second, "SSID")), "lab <1>");
    assert_string_equal(json_string_value(json_object_get(second, "PSKPassPhrase")),
                        "battery staple");
    assert_null(strstr(pc.said, "battery"));
    activation_pc_fini(&pc);
}

/* It is activated, and the log has its password: the failure says that and what did not work. */
static void test_equipment_that_is_refused_is_named(void **state)
{
    struct activation_pc pc;
    const struct activation_wifi wifi[] = { wifi_of("twice", "correct horse"),
                                            wifi_of("twice", "correct horse") };
    const struct activation_equipment equipment = { .wifi = wifi, .wifi_count = 2 };
    (void)state;
    activate_with(&pc, &equipment, NULL, DER_SPKI);
    expect(&pc, ACTIVATION_FAILED, ACT_F_INTERNAL_ERROR);
    assert_non_null(strstr(pc.detail, "adding a Wi-Fi profile"));
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    assert_int_equal(log_lines(&pc, "acmactivate"), 1);
    activation_pc_fini(&pc);
}

/* A desktop without Wi-Fi is activated all the same. */
static void test_profiles_for_a_device_without_wifi(void **state)
{
    struct activation_pc pc;
    const struct activation_wifi wifi[] = { wifi_of("office", "correct horse") };
    const struct activation_equipment equipment = { .wifi = wifi, .wifi_count = 1 };
    (void)state;
    activation_pc_init(&pc);
    pc.config.has_wireless = false;
    activation_pc_start(&pc);
    activation_pc_certificate(&pc, "leaf", false);
    pc.settings.equipment = &equipment;
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    expect(&pc, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_non_null(strstr(pc.said, "has no Wi-Fi"));
    activation_pc_fini(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tls_certificate_of_the_configured_root),
        cmocka_unit_test(test_wifi_profiles),
        cmocka_unit_test(test_equipment_that_is_refused_is_named),
        cmocka_unit_test(test_profiles_for_a_device_without_wifi),
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
