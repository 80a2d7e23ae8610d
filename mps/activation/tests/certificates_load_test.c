/* Loading sets: activation.md 2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/activation/tests/certificates_fixture.h"

static void hex_of(const uint8_t *bytes, size_t len, char out[static 97])
{
    for (size_t i = 0; i < len; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void check_order(const struct activation_certificate *certificate, const json_t *order)
{
    assert_int_equal(certificate->chain_count, json_array_size(order));
    for (uint32_t i = 0; i < certificate->chain_count; i++) {
        uint8_t digest[32];
        char hex[97];
        assert_int_equal(X509_digest(certificate->chain[i], EVP_sha256(), digest, NULL), 1);
        hex_of(digest, 32, hex);
        assert_string_equal(hex, json_string_value(json_array_get(order, i)));
    }
}

/* The texts MeshCentral gave are ours, and we refuse with no other text. */
static void check_errors(const json_t *entry, const struct amt_diag_list *problems)
{
    size_t at;
    json_t *error;
    uint32_t known_fatal = 0;
    json_array_foreach(json_object_get(entry, "errors"), at, error)
    {
        char text[400];
        const char *from = json_string_value(error);
        const char *place = strstr(from, "<datapath>/");
        if (place == NULL) {
            (void)snprintf(text, sizeof text, "%s", from);
        } else {
            (void)snprintf(text, sizeof text, "%.*s%s/%s", (int)(place - from), from, CERTS,
                           place + strlen("<datapath>/"));
        }
        assert_int_equal(certificates_problems(problems, text, -1, NULL), 1);
        known_fatal += certificates_problems(problems, text, AMT_ECERT, NULL);
    }
    if (json_object_get(entry, "exception") == NULL) {
        assert_int_equal(certificates_problems(problems, NULL, AMT_ECERT, NULL), known_fatal);
    }
}

static void check_case(const json_t *entry)
{
    char names[200] = "";
    size_t at;
    json_t *file;
    struct files files;
    struct amt_diag_list problems = { NULL, 0, 0 };
    json_array_foreach(json_object_get(entry, "certfiles"), at, file)
    {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s", at == 0 ? "" : " ",
                       json_string_value(file));
    }
    files_set(&files, names, json_string_value(json_object_get(entry, "key")));
    files.source.is_compatible = true;
    struct activation_certificates *set = activation_certificates_new();
    enum amt_err err = activation_certificates_load(set, &files.source, NOW_S, &problems);
    const char *name = json_string_value(json_object_get(entry, "cn"));
    assert_int_equal(err, name == NULL ? AMT_ECERT : AMT_OK);
    check_errors(entry, &problems);
    if (name != NULL) {
        const struct activation_certificate *certificate = activation_certificates_at(set, 0);
        char hex[97];
        assert_string_equal(certificate->name, name);
        hex_of(certificate->root_sha256, 32, hex);
        assert_string_equal(hex, json_string_value(json_object_get(entry, "sha256")));
        hex_of(certificate->root_sha1, 20, hex);
        assert_string_equal(hex, json_string_value(json_object_get(entry, "sha1")));
        check_order(certificate, json_object_get(entry, "orderSha256"));
    }
    amt_diag_list_fini(&problems);
    activation_certificates_free(set);
}

/* ACT-SRV-003: 27 sets, as MeshCentral's own loader took them. */
static void what_meshcentral_loads_we_load_and_with_its_words(void **state)
{
    json_t *results = certificates_json("meshcentral-loader-results.json");
    size_t at;
    json_t *entry;
    uint32_t checked = 0;
    (void)state;
    json_array_foreach(json_object_get(results, "loader"), at, entry)
    {
        if (json_object_get(entry, "certfiles") != NULL) {
            check_case(entry);
            checked += 1;
        }
    }
    assert_int_equal(checked, 27);
    json_decref(results);
}

/* ACT-SRV-002 */
static void any_order_of_the_files_gives_one_chain(void **state)
{
    static const char *const k_names[] = { "leaf", "int2", "int1", "root" };
    (void)state;
    struct activation_certificates *set = activation_certificates_new();
    const struct activation_certificate *first = NULL;
    uint32_t orders = 0;
    for (int code = 0; code < 256; code++) {
        int at[4] = { code & 3, (code >> 2) & 3, (code >> 4) & 3, code >> 6 };
        char names[64] = "";
        int seen = 0;
        for (int i = 0; i < 4; i++) {
            size_t used = strlen(names);
            seen |= 1 << at[i];
            (void)snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : " ",
                           k_names[at[i]]);
        }
        if (seen == 15) {
            const struct activation_certificate *loaded = certificates_get(set, names, "leaf.key");
            assert_non_null(loaded);
            first = first == NULL ? loaded : first;
            assert_int_equal(loaded->chain_count, 4);
            assert_int_equal(loaded->warning, ACTIVATION_NO_FAILURE);
            for (uint32_t i = 0; i < 4; i++) {
                assert_int_equal(X509_cmp(loaded->chain[i], first->chain[i]), 0);
            }
            orders += 1;
        }
    }
    assert_int_equal(orders, 24);
    activation_certificates_free(set);
}

static enum amt_err load_pfx(struct activation_certificates *set, const char *name,
                             const char *password, struct amt_diag_list *problems)
{
    char path[192];
    (void)snprintf(path, sizeof path, "%s/%s", CERTS, name);
    struct activation_certificate_source source = { .label = "pfx",
                                                    .pfx_path = path,
                                                    .pfx_password = password };
    return activation_certificates_load(set, &source, NOW_S, problems);
}

/* ACT-SRV-001, ACT-SRV-009 */
static void pfx_files_modern_and_legacy_give_the_chain(void **state)
{
    (void)state;
    json_t *vectors = certificates_json("vectors.json");
    struct activation_certificates *set = activation_certificates_new();
    struct amt_diag_list problems = { NULL, 0, 0 };
    assert_int_equal(load_pfx(set, "chain.pfx", PFX_PASSWORD, &problems), AMT_OK);
    assert_int_equal(load_pfx(set, "chain-legacy.pfx", PFX_PASSWORD, &problems), AMT_OK);
    assert_int_equal(problems.count, 0);
    for (uint32_t i = 0; i < 2; i++) {
        const struct activation_certificate *at = activation_certificates_at(set, i);
        char hex[97];
        assert_int_equal(at->chain_count, 4);
        assert_string_equal(at->name, "example.com");
        hex_of(at->root_sha384, 48, hex);
        assert_string_equal(hex, json_string_value(json_object_get(vectors, "rootSha384")));
        hex_of(at->root_sha256, 32, hex);
        assert_string_equal(hex, json_string_value(json_object_get(vectors, "rootSha256")));
        hex_of(at->root_sha1, 20, hex);
        assert_string_equal(hex, json_string_value(json_object_get(vectors, "rootSha1")));
    }
    activation_certificates_free(set);
    json_decref(vectors);
}

/* 2.2 check 1 */
static void a_pfx_that_does_not_open_has_meshcentrals_words(void **state)
{
    static const struct {
        const char *file, *password;
    } k_cases[] = { { "chain.pfx", "wrong" },
                    { "chain.pfx", "" },
                    { "chain-legacy.pfx", "wrong" },
                    { "nofile.pfx", "x" },
                    { "leaf.pem", "x" } };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct activation_certificates *set = activation_certificates_new();
        struct amt_diag_list problems = { NULL, 0, 0 };
        char text[300];
        (void)snprintf(text, sizeof text, "Unable to load certificate file: %s/%s.", CERTS,
                       k_cases[i].file);
        assert_int_equal(load_pfx(set, k_cases[i].file, k_cases[i].password, &problems), AMT_ECERT);
        assert_int_equal(certificates_problems(&problems, text, AMT_ECERT, "ACT-F-02"), 1);
        assert_int_equal(problems.count, 1);
        amt_diag_list_fini(&problems);
        activation_certificates_free(set);
    }
}

static X509 *read_certificate(const char *name)
{
    char path[192];
    (void)snprintf(path, sizeof path, "%s/%s", CERTS, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    return certificate;
}

static EVP_PKEY *read_key(const char *name)
{
    char path[192];
    (void)snprintf(path, sizeof path, "%s/%s", CERTS, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    return key;
}

/* Writes a PKCS#12 file of the certificates and the key of leaf. */
static void write_pfx(const char *path, bool has_key, bool has_issuers, const char *password)
{
    static const char *const k_above[] = { "int1.pem", "root.pem", "int2.pem" };
    X509 *leaf = read_certificate("leaf.pem");
    EVP_PKEY *key = has_key ? read_key("leaf.key") : NULL;
    STACK_OF(X509) *above = sk_X509_new_null();
    for (size_t i = 0; has_issuers && i < 3; i++) {
        assert_true(sk_X509_push(above, read_certificate(k_above[i])) > 0);
    }
    PKCS12 *pfx = PKCS12_create(password, "x", key, leaf, above, 0, 0, 0, 0, 0);
    FILE *file = fopen(path, "we");
    assert_non_null(pfx);
    assert_non_null(file);
    assert_int_equal(i2d_PKCS12_fp(file, pfx), 1);
    (void)fclose(file);
    PKCS12_free(pfx);
    sk_X509_pop_free(above, X509_free);
    X509_free(leaf);
    EVP_PKEY_free(key);
}

/* 2.2 checks 2 and 3; an empty password is one. */
static void a_pfx_needs_a_chain_and_one_key(void **state)
{
    static const struct {
        bool has_key, has_issuers;
        const char *password, *format;
    } k_cases[] = {
        { true, false, "pw", "Certificate file contains less then 2 certificates: %s." },
        { false, true, "pw", "Certificate file must contain exactly one private key: %s." },
        { true, true, "", NULL },
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char path[] = "/tmp/amtlab-pfx-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        (void)close(fd);
        write_pfx(path, k_cases[i].has_key, k_cases[i].has_issuers, k_cases[i].password);
        struct activation_certificates *set = activation_certificates_new();
        struct amt_diag_list problems = { NULL, 0, 0 };
        struct activation_certificate_source source = { .label = "pfx",
                                                        .pfx_path = path,
                                                        .pfx_password = k_cases[i].password };
        enum amt_err err = activation_certificates_load(set, &source, NOW_S, &problems);
        assert_int_equal(err, k_cases[i].format == NULL ? AMT_OK : AMT_ECERT);
        if (k_cases[i].format != NULL) {
            char text[200];
            size_t before = (size_t)(strstr(k_cases[i].format, "%s") - k_cases[i].format);
            (void)snprintf(text, sizeof text, "%.*s%s.", (int)before, k_cases[i].format, path);
            assert_int_equal(certificates_problems(&problems, text, AMT_ECERT, NULL), 1);
        }
        assert_int_equal(unlink(path), 0);
        amt_diag_list_fini(&problems);
        activation_certificates_free(set);
    }
}

struct verdict {
    const char *names, *key, *code, *text;
    enum activation_failure warning;
    bool is_refused;
};

/* Each wrong chain has a code and words of its own: ACT-SRV-006, ACT-SRV-007, ACT-SRV-010,
 * ACT-SRV-011. */
static const struct verdict k_verdicts[] = {
    { "leaf-nousage int2 int1 root", "leaf-nousage.key", "ACT-F-21", NULL, 0, true },
    { "leaf-oucase int2 int1 root", "leaf-oucase.key", "ACT-F-22", NULL, 0, true },
    { "leaf int2 int1 root", "leaf-ou.key", "ACT-F-28",
      "Intel AMT activation certificate provided with a mismatching private key.", 0, true },
    { "leaf-badsig int2 int1 root", "leaf.key", "ACT-F-17",
      "signature of certificate 0 does not verify", 0, true },
    { "leaf int2 root", "leaf.key", "ACT-F-17",
      "Unable to order Intel AMT ACM activation certificates to create a full chain.", 0, true },
    { "leaf-nocn int2 int1 root", "leaf-nocn.key", "ACT-F-02",
      "Unable to get Intel AMT activation certificate common name.", 0, true },
    { "leaf", "leaf.key", "ACT-F-02",
      "Certificate file contains less then 2 certificates: " CERTS "/leaf.pem.", 0, true },
    { "leaf int2 int1 root", "nokey.key", "ACT-F-02",
      "Unable to load private key file: " CERTS "/nokey.key.", 0, true },
    { "leaf-ou int2 int1 root", "leaf-ou.key", NULL, NULL, 0, false },
    { "leaf-expired int2 int1 root", "leaf-expired.key", "ACT-F-54",
      "certificate 0 has expired: notAfter was 2020-12-31T23:59:59Z", ACT_F_CERTIFICATE_EXPIRED,
      false },
    { "leaf-future int2 int1 root", "leaf-future.key", "ACT-F-54",
      "certificate 0 is not yet valid: notBefore 2048-01-01T00:00:00Z is in the future",
      ACT_F_CERTIFICATE_EXPIRED, false },
    { "leaf-noserverauth int2 int1 root", "leaf-noserverauth.key", "ACT-F-23",
      "certificate 0 lacks the usage serverAuth", ACT_F_SERVER_AUTH_MISSING, false },
    { "leaf-1024 int2 int1 root", "leaf-1024.key", "ACT-F-20",
      "certificate 0 has a key of 1024 bits; AMT 16 and later want 2048", ACT_F_KEY_TOO_SHORT,
      false },
    { "leaf-sha1 int2 int1 root", "leaf-sha1.key", "ACT-F-19",
      "certificate 0 is signed with SHA-1, which AMT 16 and later refuse", ACT_F_SHA1_NOT_SUPPORTED,
      false },
    { "leaf-root-sha1 root-sha1", "leaf-root-sha1.key", "ACT-F-19",
      "certificate 1 is signed with SHA-1, which AMT 16 and later refuse", ACT_F_SHA1_NOT_SUPPORTED,
      false },
    { "leaf-root-1024 root-1024", "leaf-root-1024.key", "ACT-F-20",
      "certificate 1 has a key of 1024 bits; AMT 16 and later want 2048", ACT_F_KEY_TOO_SHORT,
      false },
    { "leaf-5chain int3 int2 int1 root", "leaf-5chain.key", "ACT-F-24",
      "the chain has 5 certificates; firmware is known to take 4", ACT_F_CHAIN_TOO_LONG, false },
};

static void each_fault_has_its_code_and_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_verdicts / sizeof k_verdicts[0]; i++) {
        const struct verdict *v = &k_verdicts[i];
        struct activation_certificates *set = activation_certificates_new();
        struct amt_diag_list problems = { NULL, 0, 0 };
        struct files files;
        files_set(&files, v->names, v->key);
        enum amt_err err = activation_certificates_load(set, &files.source, NOW_S, &problems);
        assert_int_equal(err, v->is_refused ? AMT_ECERT : AMT_OK);
        assert_int_equal(certificates_problems(&problems, NULL, -1, NULL), v->code == NULL ? 0 : 1);
        if (v->code != NULL) {
            assert_int_equal(certificates_problems(&problems, v->text, -1, v->code), 1);
        }
        if (!v->is_refused) {
            assert_int_equal(activation_certificates_at(set, 0)->warning, v->warning);
        }
        for (uint32_t k = 0; k < problems.count; k++) {
            assert_string_not_equal(problems.items[k].hint, "");
        }
        amt_diag_list_fini(&problems);
        activation_certificates_free(set);
    }
}

/* ACT-SRV-011: the compatibility switch makes a bad signature a warning. */
static void compatible_mode_takes_a_bad_signature_with_a_warning(void **state)
{
    (void)state;
    struct activation_certificates *set = activation_certificates_new();
    struct amt_diag_list problems = { NULL, 0, 0 };
    struct files files;
    files_set(&files, "leaf-badsig int2 int1 root", "leaf.key");
    files.source.is_compatible = true;
    assert_int_equal(activation_certificates_load(set, &files.source, NOW_S, &problems), AMT_OK);
    assert_int_equal(certificates_problems(&problems, "signature of certificate 0 does not verify",
                                           AMT_OK, "ACT-F-17"),
                     1);
    assert_int_equal(activation_certificates_at(set, 0)->warning, ACT_F_CHAIN_BROKEN);
    amt_diag_list_fini(&problems);
    activation_certificates_free(set);
}

/* A bundle holds the rest of the chain, or an authorities file does. */
static void chains_are_completed_from_bundles_and_authorities(void **state)
{
    static const struct {
        const char *names, *authorities;
        bool is_loaded;
    } k_cases[] = {
        { "leaf ca-chain", NULL, true },
        { "chain-ordered", NULL, true },
        { "chain-shuffled", NULL, true },
        { "leaf", CERTS "/ca-chain.pem", true },
        { "leaf int2", CERTS "/ca-chain.pem", true },
        { "leaf", CERTS "/int2.pem", false },
        { "leaf-otherroot", CERTS "/ca-chain.pem", false },
        { "leaf int2 int3", CERTS "/ca-chain.pem", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct activation_certificates *set = activation_certificates_new();
        struct files files;
        files_set(&files, k_cases[i].names, "leaf.key");
        files.source.authorities_path = k_cases[i].authorities;
        enum amt_err err = activation_certificates_load(set, &files.source, NOW_S, NULL);
        assert_int_equal(err, k_cases[i].is_loaded ? AMT_OK : AMT_ECERT);
        if (k_cases[i].is_loaded) {
            assert_int_equal(activation_certificates_at(set, 0)->chain_count, 4);
        }
        activation_certificates_free(set);
    }
}

/* ACT-SRV-004 */
static void neither_form_is_a_problem_and_no_abort(void **state)
{
    (void)state;
    struct activation_certificates *set = activation_certificates_new();
    struct amt_diag_list problems = { NULL, 0, 0 };
    struct activation_certificate_source source = { .label = "x" };
    assert_int_equal(activation_certificates_load(set, &source, NOW_S, &problems), AMT_ECERT);
    assert_int_equal(problems.count, 1);
    assert_non_null(certificates_get(set, "leaf int2 int1 root", "leaf.key"));
    amt_diag_list_fini(&problems);
    activation_certificates_free(set);
}

static void usable_means_valid_now(void **state)
{
    (void)state;
    struct activation_certificates *set = activation_certificates_new();
    assert_int_equal(activation_certificates_usable_until(set, NOW_S), 0);
    assert_non_null(certificates_get(set, "leaf-expired int2 int1 root", "leaf-expired.key"));
    assert_int_equal(activation_certificates_usable_until(set, NOW_S), 0);
    assert_non_null(certificates_get(set, "leaf int2 int1 root", "leaf.key"));
    uint64_t until_s = activation_certificates_usable_until(set, NOW_S);
    assert_true(until_s > NOW_S);
    assert_int_equal(activation_certificates_usable_until(set, until_s - 1), until_s);
    assert_int_equal(activation_certificates_usable_until(set, until_s), 0);
    activation_certificates_free(set);
}

static void loading_survives_each_allocation_that_fails(void **state)
{
    (void)state;
    enum amt_err err = AMT_ENOMEM;
    for (uint64_t k = 1; err != AMT_OK; k++) {
        struct activation_certificates *set = activation_certificates_new();
        struct files files;
        files_set(&files, "leaf ca-chain", "leaf.key");
        amt_memory_fail_after(k);
        err = activation_certificates_load(set, &files.source, NOW_S, NULL);
        amt_memory_fail_after(0);
        assert_true(k < 100);
        activation_certificates_free(set);
    }
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(what_meshcentral_loads_we_load_and_with_its_words),
        cmocka_unit_test(any_order_of_the_files_gives_one_chain),
        cmocka_unit_test(pfx_files_modern_and_legacy_give_the_chain),
        cmocka_unit_test(a_pfx_that_does_not_open_has_meshcentrals_words),
        cmocka_unit_test(a_pfx_needs_a_chain_and_one_key),
        cmocka_unit_test(each_fault_has_its_code_and_words),
        cmocka_unit_test(compatible_mode_takes_a_bad_signature_with_a_warning),
        cmocka_unit_test(chains_are_completed_from_bundles_and_authorities),
        cmocka_unit_test(neither_form_is_a_problem_and_no_abort),
        cmocka_unit_test(usable_means_valid_now),
        cmocka_unit_test(loading_survives_each_allocation_that_fails),
    };
    return cmocka_run_group_tests(k_tests, NULL, NULL);
}
