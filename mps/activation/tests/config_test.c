/* `activation:` of our own YAML. */
#include "mps/activation/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/activation/tests/certificates_fixture.h"
#include "mps/mps.h"

struct reading {
    struct yaml_document *document;
    struct activation_config *config;
    struct amt_diag_list problems;
    enum amt_err err;
};

static void read_text(struct reading *r, const char *yaml)
{
    memset(r, 0, sizeof *r);
    r->document = yaml_load_text(yaml, "mps.yaml", NULL);
    assert_non_null(r->document);
    r->config = amt_alloc(sizeof *r->config);
    r->err = activation_config_read(yaml_root(r->document), "mps.yaml", r->config, &r->problems);
}

static void done(struct reading *r)
{
    activation_config_fini(r->config);
    amt_free(r->config);
    amt_diag_list_fini(&r->problems);
    yaml_free(r->document);
}

static const char k_whole[] =
    "certificates:\n"
    "  - { name: main, pfx: '" CERTS "/chain.pfx', password: 'P@ssw0rd' }\n"
    "  - name: pem\n"
    "    files: ['" CERTS "/root.pem', '" CERTS "/leaf.pem', '" CERTS "/int2.pem']\n"
    "    key: '" CERTS "/leaf.key'\n"
    "    strict_common_name: true\n"
    "    compatible: true\n"
    "    sha384: false\n"
    "  - { name: _off, pfx: none.pfx }\n"
    "authorities: '" CERTS "/int1.pem'\n"
    "own_root: true\n"
    "log: acm.log\n"
    "recipient: safe.pem\n"
    "policies:\n"
    "  - { group: office, type: admin, fallback: use, cira: set, password: 'P@ssw0rd' }\n"
    "  - { group: '*', type: automatic }\n"
    "cira: { host: mps.example.com, port: 443, home_domains: [corp.example.com, lab] }\n"
    "provisioning: { port: 9971, group: office, mebx_password: 'P@ssw0rd', trusted_fqdn: "
    "example.com }\n"
    "prefers_upgrade: true\n"
    "hold: 20ms\n";

static void all_keys_are_read(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, k_whole);
    assert_int_equal(r.err, AMT_OK);
    assert_int_equal(r.problems.count, 0);
    assert_int_equal(r.config->source_count, 2);
    assert_string_equal(r.config->sources[0].pfx_password, "P@ssw0rd");
    assert_false(r.config->sources[0].is_compatible);
    assert_false(r.config->sources[0].ignores_sha384);
    assert_true(r.config->sources[1].is_compatible && r.config->sources[1].ignores_sha384 &&
                r.config->sources[1].is_strict_common_name);
    assert_string_equal(r.config->log_path, "acm.log");
    assert_string_equal(r.config->recipient, "safe.pem");
    assert_string_equal(r.config->cira_host, "mps.example.com");
    assert_int_equal(r.config->cira_port, 443);
    assert_string_equal(r.config->home_domains[1], "lab");
    assert_null(r.config->home_domains[2]);
    assert_int_equal(r.config->provisioning.port, 9971);
    assert_true(r.config->provisioning.is_on);
    assert_int_equal(r.config->provisioning.device_port, 16993);
    assert_int_equal(r.config->provisioning.limits.devices, 20);
    assert_true(r.config->prefers_upgrade && r.config->has_own_root);
    assert_int_equal(r.config->hold_us, 20000);
    done(&r);
}

static void a_group_has_its_policy_or_that_of_all(void **state)
{
    struct reading r;
    (void)state;
    read_text(&r, k_whole);
    const struct activation_policy *policy = activation_config_policy(r.config, "office");
    assert_int_equal(policy->type, ACTIVATION_POLICY_ADMIN);
    assert_int_equal(policy->fallback, ACTIVATION_USE_CLIENT);
    assert_int_equal(policy->cira_setup, 2);
    assert_true(secret_equal(&policy->password, (const uint8_t *)"P@ssw0rd", 8));
    policy = activation_config_policy(r.config, "elsewhere");
    assert_int_equal(policy->type, ACTIVATION_POLICY_AUTOMATIC);
    assert_true(policy->replaces_bad_password); /* activation.md 6.5 */
    assert_int_equal(policy->cira_setup, 2);
    done(&r);
    read_text(&r, "{}");
    assert_null(activation_config_policy(r.config, "office"));
    done(&r);
}

static void its_sets_load_with_authorities_and_own_root(void **state)
{
    struct reading r;
    char folder[] = "/tmp/amtlab-own-XXXXXX";
    char paths[2][64];
    struct mps_config mps = { .data = folder };
    struct pki_request request = { .common_name = "own", .key = PKI_P256, .is_authority = true };
    struct pki_identity *root = pki_issue(&request, NULL, NULL);
    (void)state;
    assert_non_null(mkdtemp(folder));
    read_text(&r, k_whole);
    struct activation_certificates *set =
        activation_config_certificates(r.config, &mps, NOW_S, &r.problems);
    assert_int_equal(activation_certificates_count(set), 2); /* no root there yet */
    assert_int_equal(certificates_problems(&r.problems, NULL, AMT_OK, NULL), 1);
    activation_certificates_free(set);
    (void)snprintf(paths[0], sizeof paths[0], "%s/root.crt", folder);
    (void)snprintf(paths[1], sizeof paths[1], "%s/root.key", folder);
    assert_int_equal(pki_save(root, paths[0], paths[1], NULL), AMT_OK);
    set = activation_config_certificates(r.config, &mps, NOW_S, NULL);
    assert_int_equal(activation_certificates_count(set), 3);
    assert_int_equal(activation_certificates_at(set, 1)->chain_count, 4);
    assert_string_equal(activation_certificates_at(set, 1)->name, "vpro.example.com");
    assert_string_equal(activation_certificates_at(set, 2)->name, "*");
    assert_int_equal(X509_cmp(activation_certificates_at(set, 2)->chain[0], pki_certificate(root)),
                     0);
    activation_certificates_free(set);
    assert_int_equal(unlink(paths[0]), 0);
    assert_int_equal(unlink(paths[1]), 0);
    assert_int_equal(rmdir(folder), 0);
    pki_identity_free(root);
    done(&r);
}

static void each_mistake_has_its_place_and_cure(void **state)
{
    static const struct {
        const char *yaml;
        uint32_t line;
        const char *part;
    } k_cases[] = {
        { "certificates:\n  - { name: x }\n", 2, "either pfx with a password, or files and key" },
        { "certificates:\n  - { files: [a.pem] }\n", 2, "either pfx" },
        { "certificates:\n  - { pfx: a, files: [b], key: c }\n", 2, "either pfx" },
        { "certificates:\n  - { pfx: a, password: x, password_file: b }\n", 2, "" },
        { "certificates:\n  - { pfx: a, password_file: /nonexistent/pass }\n", 2,
          "password_file cannot be read" },
        { "certificates: { pfx: a }\n", 1, "are lists" },
        { "certificates:\n  - a.pfx\n", 2, "is a map of keys" },
        { "certificates:\n  - { pfxx: a }\n", 2, "" },
        { "policies:\n  - { type: admin }\n", 2, "a policy needs a group" },
        { "policies:\n  - { group: a, type: admin, password: weak }\n", 2, "none that AMT takes" },
        { "policies:\n  - { group: a, type: acm }\n", 2, "" },
        { "cira: { home_domains: [a, b, c, d, e] }\n", 1, "four home domains" },
        { "provisioning: { port: 9971 }\n", 1, "provisioning needs a group" },
        { "a: 1\n", 1, "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct reading r;
        read_text(&r, k_cases[i].yaml);
        assert_int_equal(r.err, AMT_ECONFIG);
        assert_true(r.problems.count >= 1);
        assert_int_equal(r.problems.items[0].line, k_cases[i].line);
        assert_string_not_equal(r.problems.items[0].hint, "");
        if (strstr(r.problems.items[0].text, k_cases[i].part) == NULL) {
            fail_msg("\"%s\" is not in \"%s\"", k_cases[i].part, r.problems.items[0].text);
        }
        assert_null(strstr(r.problems.items[0].text, "weak"));
        done(&r);
    }
}

static void passwords_follow_the_rule(void **state)
{
    (void)state;
    assert_true(activation_password_is_good("P@ssw0rd"));
    assert_false(activation_password_is_good("P@ssw0r"));
    assert_false(activation_password_is_good("p@ssw0rd"));
    assert_false(activation_password_is_good("P@SSW0RD"));
    assert_false(activation_password_is_good("P@ssword"));
    assert_false(activation_password_is_good("Passw0rd"));
    assert_true(activation_password_is_good("P@ssw0rdP@ssw0rdP@ssw0rdP@ssw0rd"));
    assert_false(activation_password_is_good("P@ssw0rdP@ssw0rdP@ssw0rdP@ssw0rdx"));
}

/* The key of the MPS configuration; its errors are those of the file. */
static void the_mps_configuration_holds_it(void **state)
{
    struct mps_config config = { .name = NULL };
    struct amt_diag_list errors = { NULL, 0, 0 };
    (void)state;
    struct yaml_document *document = yaml_load_text(
        "name: x\nactivation:\n  policies:\n    - { type: admin }\n", "mps.yaml", NULL);
    assert_int_equal(config_read(mps_config_keys, yaml_root(document), "mps.yaml", &config, NULL),
                     AMT_OK);
    assert_int_equal(mps_config_check(&config, "mps.yaml", &errors), AMT_ECONFIG);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.items[0].line, 4);
    amt_diag_list_fini(&errors);
    config_fini(mps_config_keys, &config);
    yaml_free(document);
}

static void reading_survives_each_allocation_that_fails(void **state)
{
    struct activation_config *config = amt_alloc(sizeof *config);
    struct yaml_document *document = yaml_load_text(k_whole, "mps.yaml", NULL);
    enum amt_err err = AMT_ENOMEM;
    (void)state;
    for (uint64_t k = 1; err != AMT_OK; k++) {
        amt_memory_fail_after(k);
        err = activation_config_read(yaml_root(document), "mps.yaml", config, NULL);
        amt_memory_fail_after(0);
        activation_config_fini(config);
        assert_true(k < 1000);
    }
    yaml_free(document);
    amt_free(config);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(all_keys_are_read),
        cmocka_unit_test(a_group_has_its_policy_or_that_of_all),
        cmocka_unit_test(its_sets_load_with_authorities_and_own_root),
        cmocka_unit_test(each_mistake_has_its_place_and_cure),
        cmocka_unit_test(passwords_follow_the_rule),
        cmocka_unit_test(the_mps_configuration_holds_it),
        cmocka_unit_test(reading_survives_each_allocation_that_fails),
    };
    return cmocka_run_group_tests(k_tests, NULL, NULL);
}
