/* MeshCentral's config.json as it is: activation.md 8; ACT-SRV-003, ACT-SRV-005,
 * ACT-SRV-058, ACT-SRV-059. */
#include "mps/activation/meshcentral_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/activation/tests/certificates_fixture.h"

struct reading {
    struct activation_config *config;
    struct amt_diag_list problems;
    enum amt_err err;
    char folder[64], path[128];
};

static void read_domain(struct reading *r, const char *json, const char *domain)
{
    memset(r, 0, sizeof *r);
    (void)snprintf(r->folder, sizeof r->folder, "/tmp/amtlab-mc-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(r->path, sizeof r->path, "%s/config.json", r->folder);
    FILE *file = fopen(r->path, "we");
    assert_non_null(file);
    assert_true(fputs(json, file) >= 0);
    assert_int_equal(fclose(file), 0);
    r->config = amt_alloc(sizeof *r->config);
    activation_config_init(r->config);
    r->err = meshcentral_config_read(r->path, domain, r->config, &r->problems);
}

static void read_text(struct reading *r, const char *json)
{
    read_domain(r, json, "");
}

static void done(struct reading *r)
{
    activation_config_fini(r->config);
    amt_free(r->config);
    amt_diag_list_fini(&r->problems);
    assert_int_equal(unlink(r->path), 0);
    assert_int_equal(rmdir(r->folder), 0);
}

static bool has_problem(const struct reading *r, const char *part)
{
    for (uint32_t i = 0; i < r->problems.count; i++) {
        if (strstr(r->problems.items[i].text, part) != NULL) {
            assert_int_equal(r->problems.items[i].err, AMT_OK);
            return true;
        }
    }
    return false;
}

static void expect_problem_at(const struct reading *r, const char *part, uint32_t line,
                              uint32_t column)
{
    const struct amt_diag *found = NULL;
    for (uint32_t i = 0; found == NULL && i < r->problems.count; i++) {
        found = strstr(r->problems.items[i].text, part) != NULL ? &r->problems.items[i] : NULL;
    }
    assert_non_null(found);
    assert_int_equal(found->err, AMT_OK);
    assert_int_equal(found->line, line);
    assert_int_equal(found->column, column);
}

static void expect_path(const struct reading *r, const char *path, const char *name)
{
    char expected[256];
    (void)snprintf(expected, sizeof expected, "%s/%s", r->folder, name);
    assert_string_equal(path, expected);
}

static const char k_whole[] =
    "{\"settings\":{\"Cert\":\"mc.example.com,US,Lab\",\"MpsPort\":4434,\"mpsaliasport\":443,"
    "\"MpsAliasHost\":\"mps.example.com\",\"MpsPass\":\"secret\",\"MpsTlsOffload\":true,"
    "\"CiraLocalFqdn\":\"a.lan,b.lan\",\"_MpsHighSecurity\":true,"
    "\"AmtProvisioningServer\":{\"port\":9972,\"deviceGroup\":\"mesh//x\","
    "\"newMebxPassword\":\"P@ssw0rd\",\"trustedFqdn\":\"example.com\",\"ip\":\"10.0.0.1\"}},"
    "\"domains\":{\"\":{"
    "\"AmtAcmActivation\":{\"LOG\":\"acm.log\",\"StrictCommonName\":true,\"certs\":{"
    "\"one\":{\"certpfx\":\"one.pfx\",\"CertPfxPass\":\"x\",\"certfiles\":[\"no.pem\"]},"
    "\"_two\":{\"certpfx\":\"two.pfx\",\"certpfxpass\":\"x\"},"
    "\"three\":{\"certfiles\":[\"/abs/leaf.pem\",\"root.pem\"],\"keyfile\":\"leaf.key\"},"
    "\"four\":{\"certfiles\":{\"a\":\"leaf.pem\",\"b\":\"root.pem\"},\"keyfile\":\"leaf.key\"}"
    "}},"
    "\"AmtManager\":{\"TlsAcmActivation\":true,\"TlsConnections\":false,"
    "\"EnvironmentDetection\":[\"Home.LAN\",\"home.lan\",\"b\",\"c\",\"d\",\"e\"],"
    "\"AdminAccounts\":[{\"pass\":\"p1\"},{\"user\":\"u\",\"pass\":\"p2\"},{\"user\":\"v\"}]}},"
    "\"lab\":{\"AmtAcmActivation\":{}}}}";

static void sets_of_all_forms_are_read_with_paths_of_the_data_folder(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, k_whole);
    assert_int_equal(r.err, AMT_OK);
    assert_int_equal(r.config->source_count, 3);
    const struct activation_certificate_source *sources = r.config->sources;
    assert_string_equal(sources[0].label, "one");
    expect_path(&r, sources[0].pfx_path, "one.pfx"); /* the PKCS#12 form wins */
    assert_string_equal(sources[0].pfx_password, "x");
    assert_null(sources[0].cert_paths);
    assert_true(sources[0].is_strict_common_name && sources[0].is_compatible);
    assert_string_equal(sources[1].label, "three");
    assert_string_equal(sources[1].cert_paths[0], "/abs/leaf.pem");
    expect_path(&r, sources[1].cert_paths[1], "root.pem");
    assert_null(sources[1].cert_paths[2]);
    expect_path(&r, sources[1].key_path, "leaf.key");
    expect_path(&r, sources[2].cert_paths[0], "leaf.pem");
    expect_path(&r, r.config->log_path, "acm.log");
    assert_true(r.config->has_own_root);
    expect_path(&r, r.config->own_root_certificate, "root-cert-public.crt");
    done(&r);
}

static void the_manager_section_is_read(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, k_whole);
    assert_true(r.config->allows_tls);
    assert_int_equal(r.config->account_count, 2);
    assert_string_equal(r.config->accounts[0].user, "admin");
    assert_string_equal(r.config->accounts[1].user, "u");
    assert_true(secret_equal(&r.config->accounts[1].password, (const uint8_t *)"p2", 2));
    assert_string_equal(r.config->home_domains[0], "home.lan");
    assert_string_equal(r.config->home_domains[1], "b");
    assert_string_equal(r.config->home_domains[3], "d");
    assert_null(r.config->home_domains[4]);
    assert_true(has_problem(&r, "AdminAccounts: entry 3"));
    assert_true(has_problem(&r, "EnvironmentDetection: entry 6"));
    done(&r);
}

/* TlsRootCert and WifiProfiles are used; what has no effect is told at its place. */
static void equipment_of_devices_is_read_and_the_rest_is_told(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r,
              "{\"domains\":{\"\":{\"AmtManager\":{\n"
              " \"TlsRootCert\":{\"certpfx\":\"r.pfx\",\"certpfxpass\":\"x\"},\n"
              " \"802.1x\":{\"authenticationProtocol\":0},\n"
              " \"WifiProfiles\":[\n"
              "  {\"ssid\":\"office\",\"password\":\"12345678\"},\n"
              "  {\"ssid\":\"old\",\"name\":\"n\",\"authentication\":\"WPA-PSK\",\"encryption\":"
              "\"tkip-rc4\",\"password\":\"12345678\"},\n"
              "  {\"ssid\":\"short\",\"password\":\"1234567\"},\n"
              "  {\"ssid\":\"eap\",\"authentication\":\"wpa2-802.1x\",\"802.1x\":{}},\n"
              "  {\"password\":\"12345678\",\"sid\":\"x\"}]\n"
              "}}},\"settings\":{\n"
              " \"MpsTlsOffload\":false}}");
    assert_int_equal(r.err, AMT_OK);
    const struct activation_equipment_config *equipment = &r.config->equipment;
    expect_path(&r, equipment->tls_pfx, "r.pfx");
    assert_string_equal(equipment->tls_password, "x");
    assert_int_equal(equipment->wifi_count, 2);
    assert_string_equal(equipment->wifi[0].name, "office");
    assert_int_equal(equipment->wifi[0].authentication, ACTIVATION_WIFI_WPA2);
    assert_int_equal(equipment->wifi[1].authentication, ACTIVATION_WIFI_WPA);
    assert_int_equal(equipment->wifi[1].encryption, ACTIVATION_WIFI_TKIP);
    assert_string_equal(equipment->wifi[1].name, "n");
    expect_problem_at(&r, "802.1x: has no effect here", 3, 2);
    expect_problem_at(&r, "WifiProfiles: entry 3 is passed over", 7, 3);
    expect_problem_at(&r, "WifiProfiles: entry 4 is passed over", 8, 3);
    expect_problem_at(&r, "WifiProfiles: entry 5 is passed over", 9, 3);
    expect_problem_at(&r, "unknown key \"sid\"", 9, 26);
    expect_problem_at(&r, "MpsTlsOffload: has no effect here", 11, 2);
    done(&r);
}

static void tls_of_devices_needs_both_settings(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, "{\"domains\":{\"\":{\"AmtManager\":{\"TlsConnections\":false,\n"
                  "\"TlsRootCert\":{\"certfile\":\"c\",\"keyfile\":\"k\"}}}}}");
    assert_null(r.config->equipment.tls_certificate);
    expect_problem_at(&r, "TlsRootCert: has no effect here", 2, 1);
    done(&r);
    read_text(&r, "{\"domains\":{\"\":{\"AmtManager\":{\"TlsConnections\":true,"
                  "\"TlsAcmActivation\":false,\"AdminAccounts\":[]}}}}");
    expect_problem_at(&r, "TlsConnections: has no effect here", 1, 31);
    assert_true(has_problem(&r, "TlsAcmActivation: has no effect here"));
    assert_true(has_problem(&r, "AdminAccounts: has no effect here"));
    done(&r);
    read_text(&r, "{\"domains\":{\"\":{\"AmtManager\":{\"TlsRootCert\":{\"certfile\":\"c\"}}}}}");
    expect_problem_at(&r, "names no certificate with its key", 1, 31);
    done(&r);
}

/* ACT-SRV-059 */
static void the_mps_settings_are_read(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, k_whole);
    const struct activation_mps_settings *mps = &r.config->mps;
    assert_string_equal(mps->name, "mc.example.com");
    assert_int_equal(mps->port, 4434);
    assert_int_equal(mps->alias_port, 443);
    assert_string_equal(r.config->cira_host, "mps.example.com");
    assert_int_equal(r.config->cira_port, 443);
    assert_true(secret_equal(&mps->password, (const uint8_t *)"secret", 6));
    assert_true(mps->is_tls_offloaded && mps->has_manager && !mps->is_high_security);
    assert_string_equal(mps->lan_names[1], "b.lan");
    assert_null(mps->lan_names[2]);
    assert_int_equal(r.config->provisioning.port, 9972);
    assert_true(r.config->provisioning.is_on);
    assert_string_equal(r.config->provisioning.trusted_fqdn, "example.com");
    done(&r);
    read_text(&r, "{\"settings\":{\"LANonly\":true,\"Cert\":\"a\"}}");
    assert_int_equal(r.config->mps.port, 0);
    done(&r);
    read_text(&r, "{\"settings\":{\"MpsPort\":0}}");
    assert_int_equal(r.config->mps.port, 0);
    assert_null(r.config->cira_host);
    done(&r);
    read_text(&r, "{\"settings\":{\"MpsPort\":\"4433\",\"MpsAliasHost\":\"h\",\"MpsCert\":\"n,C\","
                  "\"AmtManager\":false}}");
    assert_int_equal(r.config->mps.port, 4433);
    assert_true(has_problem(&r, "MpsPort: is no port number; 4433 is used"));
    assert_string_equal(r.config->cira_host, "n");
    assert_false(r.config->mps.has_manager);
    done(&r);
}

static void lan_names_are_four_and_not_for_one_mode_only(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, "{\"settings\":{\"CiraLocalFqdn\":\"a,b,c,d,e\"}}");
    assert_null(r.config->mps.lan_names);
    assert_true(has_problem(&r, "Can't have more than 4 CIRA local FQDN's. Ignoring value."));
    done(&r);
    read_text(&r, "{\"settings\":{\"CiraLocalFqdn\":\"a\",\"WANonly\":true}}");
    assert_null(r.config->mps.lan_names);
    assert_true(
        has_problem(&r, "CIRA local FQDN's ignored when server in LAN-only or WAN-only mode."));
    done(&r);
}

static void a_bare_metal_section_must_be_whole(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, "{\"settings\":{\"AmtProvisioningServer\":{\"port\":1,\"deviceGroup\":\"g\","
                  "\"newMebxPassword\":\"weak\",\"trustedFqdn\":\"e\",\"ip\":\"1.2.3.4\"}}}");
    assert_true(has_problem(&r, "Invalid MEBx password, must have 1 lower"));
    assert_int_equal(r.config->provisioning.port, 0);
    assert_false(r.config->provisioning.is_on);
    done(&r);
    read_text(&r, "{\"settings\":{\"AmtProvisioningServer\":{\"deviceGroup\":\"g\"}}}");
    assert_true(has_problem(&r, "without \"newMebxPassword\""));
    assert_int_equal(r.config->provisioning.port, 0);
    assert_false(r.config->provisioning.is_on);
    done(&r);
}

/* ACT-SRV-058 */
static void unknown_keys_are_warned_about_with_the_nearest(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, "{\"domains\":{\"\":{\"AmtAcmActivation\":{\"strictCommonNam\":true,\"_x\":1,"
                  "\"certs\":{\"a\":{\"certpfx\":\"a\",\"certpfxpas\":\"x\"}}}}}}");
    assert_int_equal(r.err, AMT_OK);
    assert_int_equal(r.problems.count, 2);
    assert_true(has_problem(&r, "AmtAcmActivation: unknown key \"strictCommonNam\""));
    assert_true(has_problem(&r, "AmtAcmActivation.certs: unknown key \"certpfxpas\""));
    assert_string_equal(r.problems.items[0].hint, "did you mean \"strictCommonName\"?");
    done(&r);
    read_text(&r, k_whole);
    for (uint32_t i = 0; i < r.problems.count; i++) {
        assert_null(strstr(r.problems.items[i].text, "unknown key"));
    }
    done(&r);
}

/* The example of the guide has a comma behind its last member. */
static void broken_json_has_line_column_and_reason(void **state)
{
    static const struct {
        const char *json;
        uint32_t line, column;
        const char *hint;
    } k_cases[] = {
        { "{\n \"settings\": {\n  \"a\": 1,\n }\n}", 4, 2,
          "remove the comma before the closing bracket" },
        { "{\n \"a\": [\"x\",]\n}", 2, 12, "remove the comma before the closing bracket" },
        { "{\n \"a\" 1\n}", 2, 6, "correct what stands before this place" },
        { "", 1, 0, "correct what stands before this place" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct reading r;
        read_text(&r, k_cases[i].json);
        assert_int_equal(r.err, AMT_ECONFIG);
        assert_int_equal(r.problems.count, 1);
        assert_string_equal(r.problems.items[0].file, r.path);
        assert_int_equal(r.problems.items[0].line, k_cases[i].line);
        assert_int_equal(r.problems.items[0].column, k_cases[i].column);
        assert_string_equal(r.problems.items[0].hint, k_cases[i].hint);
        assert_non_null(strstr(r.problems.items[0].text, "no valid JSON: "));
        done(&r);
    }
}

static void a_file_that_is_none_is_an_error(void **state)
{
    struct activation_config *config = amt_alloc(sizeof *config);
    struct amt_diag_list problems = { NULL, 0, 0 };
    struct reading r;
    (void)state;
    activation_config_init(config);
    assert_int_equal(meshcentral_config_read("/nonexistent/config.json", "", config, &problems),
                     AMT_ESYS);
    assert_int_equal(problems.count, 1);
    amt_diag_list_fini(&problems);
    activation_config_fini(config);
    amt_free(config);
    read_text(&r, "[1]");
    assert_int_equal(r.err, AMT_ECONFIG);
    done(&r);
    read_text(&r, "\xef\xbb\xbf{}"); /* editors of Windows write a mark in front */
    assert_int_equal(r.err, AMT_OK);
    expect_path(&r, r.config->log_path, "amtactivation.log");
    done(&r);
}

static void a_domain_has_a_log_of_its_own(void **state)
{
    struct reading r;
    (void)state;
    read_domain(&r, k_whole, "lab");
    expect_path(&r, r.config->log_path, "amtactivation-lab.log");
    assert_int_equal(r.config->source_count, 0);
    done(&r);
    read_domain(&r, k_whole, "other");
    assert_true(has_problem(&r, "there is no domain \"other\""));
    done(&r);
}

/* ACT-SRV-003: a set that fails does not keep the others from loading. */
static void good_sets_load_beside_bad_ones(void **state)
{
    char json[2048];
    struct reading r;
    (void)state;
    (void)snprintf(json, sizeof json,
                   "{\"domains\":{\"\":{\"AmtAcmActivation\":{\"certs\":{"
                   "\"bad\":{\"certpfx\":\"no.pfx\",\"certpfxpass\":\"x\"},"
                   "\"odd\":{\"foo\":1},"
                   "\"good\":{\"certpfx\":\"%s/chain.pfx\",\"certpfxpass\":\"%s\"},"
                   "\"pem\":{\"certfiles\":[\"%s/root.pem\",\"%s/leaf.pem\",\"%s/int1.pem\","
                   "\"%s/int2.pem\"],\"keyfile\":\"%s/leaf.key\"}}}}}}",
                   CERTS, PFX_PASSWORD, CERTS, CERTS, CERTS, CERTS, CERTS);
    read_text(&r, json);
    const struct mps_config mps = { .name = NULL };
    struct activation_certificates *set =
        activation_config_certificates(r.config, &mps, NOW_S, &r.problems);
    assert_int_equal(activation_certificates_count(set), 2);
    assert_string_equal(activation_certificates_at(set, 0)->label, "good");
    assert_int_equal(certificates_problems(&r.problems, NULL, AMT_ECERT, "ACT-F-02"), 2);
    activation_certificates_free(set);
    done(&r);
}

static void reading_survives_each_allocation_that_fails(void **state)
{
    struct activation_config *config = amt_alloc(sizeof *config);
    struct reading r;
    enum amt_err err = AMT_ENOMEM;
    (void)state;
    read_text(&r, k_whole);
    for (uint64_t k = 1; err != AMT_OK; k++) {
        activation_config_init(config);
        amt_memory_fail_after(k);
        err = meshcentral_config_read(r.path, "", config, NULL);
        amt_memory_fail_after(0);
        activation_config_fini(config);
        assert_true(k < 1000);
    }
    amt_free(config);
    done(&r);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(sets_of_all_forms_are_read_with_paths_of_the_data_folder),
        cmocka_unit_test(the_manager_section_is_read),
        cmocka_unit_test(equipment_of_devices_is_read_and_the_rest_is_told),
        cmocka_unit_test(tls_of_devices_needs_both_settings),
        cmocka_unit_test(the_mps_settings_are_read),
        cmocka_unit_test(lan_names_are_four_and_not_for_one_mode_only),
        cmocka_unit_test(a_bare_metal_section_must_be_whole),
        cmocka_unit_test(unknown_keys_are_warned_about_with_the_nearest),
        cmocka_unit_test(broken_json_has_line_column_and_reason),
        cmocka_unit_test(a_file_that_is_none_is_an_error),
        cmocka_unit_test(a_domain_has_a_log_of_its_own),
        cmocka_unit_test(good_sets_load_beside_bad_ones),
        cmocka_unit_test(reading_survives_each_allocation_that_fails),
    };
    return cmocka_run_group_tests(k_tests, NULL, NULL);
}
