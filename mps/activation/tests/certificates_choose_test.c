/* Names, choosing and signing: activation.md 3.3, 5.1, 10 (F1 to F8, F16, F59, F60); ACT-SRV-008,
 * ACT-SRV-012 and later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "base/base64.h"
#include "base/memory.h"
#include "base/unit.h"
#include "mps/activation/tests/certificates_fixture.h"

/* ACT-SRV-008: 52 names as MeshCentral's own code took them. */
static void names_match_as_in_meshcentral(void **state)
{
    json_t *results = certificates_json("meshcentral-loader-results.json");
    size_t at;
    json_t *entry;
    (void)state;
    assert_int_equal(json_array_size(json_object_get(results, "name")), 52);
    json_array_foreach(json_object_get(results, "name"), at, entry)
    {
        char *name = activation_name_of(json_string_value(json_object_get(entry, "cn")),
                                        json_is_true(json_object_get(entry, "strict")));
        const char *fqdn = json_string_value(json_object_get(entry, "fqdn"));
        assert_string_equal(name, json_string_value(json_object_get(entry, "storedCn")));
        if (strlen(fqdn) >= 4) { /* shorter ones MeshCentral refuses before it looks */
            assert_int_equal(activation_name_covers(name, fqdn),
                             json_is_true(json_object_get(entry, "match")));
        }
        amt_free(name);
    }
    json_decref(results);
}

static void rows_of_the_table_of_names(void **state)
{
    static const struct {
        const char *common_name;
        bool is_strict;
        const char *suffix;
        bool matches;
    } k_rows[] = {
        { "vpro.example.com", true, "x.vpro.example.com", true },
        { "vpro.example.com", true, "corp.example.com", false },
        { "VPRO.EXAMPLE.COM", false, "corp.example.com", true },
        { "vpro.example.com", false, "com", false },
        { "vpro.example.com", false, "", false },
        { "com", false, "com", true },
        { "*.", true, "example.com", false },
        { "*", true, "abc", false },
        { "*", true, "a.bc", true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        char *name = activation_name_of(k_rows[i].common_name, k_rows[i].is_strict);
        assert_int_equal(activation_name_covers(name, k_rows[i].suffix), k_rows[i].matches);
        amt_free(name);
    }
}

/* --- choosing --- */

static void add_hash(struct activation_report *report, enum activation_hash_type type,
                     const uint8_t *bytes, uint32_t len, bool is_active)
{
    struct activation_hash *hash = &report->hashes[report->hash_count];
    hash->type = type;
    hash->len = len;
    hash->has_flags = true;
    hash->is_active = is_active;
    memcpy(hash->bytes, bytes, len);
    report->hash_count += 1;
}

/* What a device reports that knows the root of a certificate. */
static struct activation_report report_for(const struct activation_certificate *certificate,
                                           const char *suffix)
{
    struct activation_report report = { .conversation = ACTIVATION_BY_MESH, .dns_suffix = suffix };
    static const uint8_t k_other[32] = { 1, 2, 3 };
    add_hash(&report, ACTIVATION_HASH_SHA256, k_other, 32, true);
    if (certificate != NULL) {
        add_hash(&report, ACTIVATION_HASH_SHA256, certificate->root_sha256, 32, true);
    }
    return report;
}

static enum activation_failure failure_of(struct activation_certificates *set,
                                          const struct activation_report *report)
{
    const struct activation_hash *hash = NULL;
    enum activation_failure failure = ACT_F_INTERNAL_ERROR;
    const struct activation_certificate *certificate =
        activation_certificates_choose(set, report, &hash, &failure, NULL);
    assert_int_equal(certificate == NULL, failure != ACTIVATION_NO_FAILURE);
    assert_true(certificate == NULL || hash != NULL);
    return failure;
}

struct bench {
    struct activation_certificates *set;
    const struct activation_certificate *leaf;
};

static void begin(struct bench *b)
{
    b->set = activation_certificates_new();
    b->leaf = certificates_get(b->set, "leaf int2 int1 root", "leaf.key");
    assert_non_null(b->leaf);
}

static void each_reason_for_no_certificate_has_its_failure(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    struct activation_certificates *none = activation_certificates_new();
    struct activation_report report = report_for(b.leaf, "corp.example.com");
    assert_int_equal(failure_of(b.set, &report), ACTIVATION_NO_FAILURE);
    assert_int_equal(failure_of(none, &report), ACT_F_NO_CERTIFICATES);
    report = report_for(b.leaf, "corp.example.net");
    assert_int_equal(failure_of(b.set, &report), ACT_F_NO_CERTIFICATE_FOR_SUFFIX);
    report = report_for(NULL, "corp.example.com");
    assert_int_equal(failure_of(b.set, &report), ACT_F_ROOT_NOT_TRUSTED);
    report.hash_count = 0;
    assert_int_equal(failure_of(b.set, &report), ACT_F_NO_HASHES);
    report = report_for(b.leaf, NULL);
    assert_int_equal(failure_of(b.set, &report), ACT_F_NO_SUFFIX);
    report = report_for(b.leaf, "corp example..net");
    assert_int_equal(failure_of(b.set, &report), ACT_F_SUFFIX_MALFORMED);
    activation_certificates_free(none);
    activation_certificates_free(b.set);
}

/* ACT-SRV-013 */
static void an_inactive_hash_never_matches(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    struct activation_report report = report_for(b.leaf, "example.com");
    report.hashes[1].is_active = false;
    assert_int_equal(failure_of(b.set, &report), ACT_F_ROOT_NOT_TRUSTED);
    report.hashes[0].is_active = false;
    assert_int_equal(failure_of(b.set, &report), ACT_F_HASHES_INACTIVE);
    report.hashes[1].has_flags = false; /* RPS and hello say nothing: taken for active */
    assert_int_equal(failure_of(b.set, &report), ACTIVATION_NO_FAILURE);
    activation_certificates_free(b.set);
}

/* ACT-SRV-014 */
static void each_kind_of_hash_is_compared(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    struct activation_report report = report_for(NULL, "example.com");
    add_hash(&report, ACTIVATION_HASH_SHA384, b.leaf->root_sha384, 48, true);
    assert_int_equal(failure_of(b.set, &report), ACTIVATION_NO_FAILURE);
    report = report_for(NULL, "example.com");
    add_hash(&report, ACTIVATION_HASH_SHA1, b.leaf->root_sha1, 20, true);
    assert_int_equal(failure_of(b.set, &report), ACTIVATION_NO_FAILURE);
    report.hashes[1].type = ACTIVATION_HASH_MD5;
    assert_int_equal(failure_of(b.set, &report), ACT_F_ROOT_NOT_TRUSTED);
    activation_certificates_free(b.set);
}

static void sha384_can_be_ignored_as_meshcentral_does(void **state)
{
    struct files files;
    (void)state;
    struct activation_certificates *set = activation_certificates_new();
    files_set(&files, "leaf int2 int1 root", "leaf.key");
    files.source.ignores_sha384 = true;
    assert_int_equal(activation_certificates_load(set, &files.source, NOW_S, NULL), AMT_OK);
    struct activation_report report = report_for(NULL, "example.com");
    add_hash(&report, ACTIVATION_HASH_SHA384, activation_certificates_at(set, 0)->root_sha384, 48,
             true);
    assert_int_equal(failure_of(set, &report), ACT_F_ROOT_ONLY_SHA384);
    activation_certificates_free(set);
}

/* ACT-SRV-015 */
static void the_suffix_is_cleaned_and_the_pki_one_wins(void **state)
{
    static const struct {
        const char *dns, *os;
        enum activation_failure failure;
    } k_rows[] = {
        { "example.com.", NULL, ACTIVATION_NO_FAILURE },
        { " example.com ", NULL, ACTIVATION_NO_FAILURE },
        { "", "example.com", ACTIVATION_NO_FAILURE },
        { ".", "example.com", ACTIVATION_NO_FAILURE },
        { "example.net", "example.com", ACT_F_NO_CERTIFICATE_FOR_SUFFIX },
        { ".", " . ", ACT_F_NO_SUFFIX },
        { "example.com..", NULL, ACT_F_SUFFIX_MALFORMED },
    };
    struct bench b;
    (void)state;
    begin(&b);
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct activation_report report = report_for(b.leaf, k_rows[i].dns);
        report.os_dns_suffix = k_rows[i].os;
        assert_int_equal(failure_of(b.set, &report), k_rows[i].failure);
    }
    activation_certificates_free(b.set);
}

/* ACT-SRV-055 */
static void bare_metal_matches_alike_and_has_failures_of_its_own(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    struct activation_report report = report_for(b.leaf, "corp.example.com");
    report.conversation = ACTIVATION_BY_BARE_METAL;
    assert_int_equal(failure_of(b.set, &report), ACTIVATION_NO_FAILURE);
    report.dns_suffix = "corp.example.net";
    assert_int_equal(failure_of(b.set, &report), ACT_F_TRUSTED_FQDN_DIFFERS);
    report.dns_suffix = "corp.example.com";
    report.hashes[1].bytes[0] ^= 1;
    assert_int_equal(failure_of(b.set, &report), ACT_F_HELLO_NO_MATCH);
    report.hash_count = 0;
    assert_int_equal(failure_of(b.set, &report), ACT_F_HELLO_NO_MATCH);
    activation_certificates_free(b.set);
}

static void a_set_without_warning_goes_before_one_with(void **state)
{
    (void)state;
    struct activation_certificates *set = activation_certificates_new();
    const struct activation_certificate *expired =
        certificates_get(set, "leaf-expired int2 int1 root", "leaf-expired.key");
    struct activation_report report = report_for(expired, "example.com");
    const struct activation_hash *hash = NULL;
    enum activation_failure failure;
    assert_ptr_equal(activation_certificates_choose(set, &report, &hash, &failure, NULL), expired);
    const struct activation_certificate *good =
        certificates_get(set, "leaf int2 int1 root", "leaf.key");
    assert_non_null(certificates_get(set, "leaf-ou int2 int1 root", "leaf-ou.key"));
    assert_ptr_equal(activation_certificates_choose(set, &report, &hash, &failure, NULL), good);
    assert_ptr_equal(hash, &report.hashes[1]);
    activation_certificates_free(set);
}

/* ACT-SRV-060 */
static void facts_name_suffix_certificates_and_hashes(void **state)
{
    struct bench b;
    struct text facts = { 0 };
    const struct activation_hash *hash = NULL;
    enum activation_failure failure;
    (void)state;
    begin(&b);
    struct activation_report report = report_for(NULL, "example.com");
    report.hashes[0].is_active = false;
    assert_null(activation_certificates_choose(b.set, &report, &hash, &failure, &facts));
    assert_string_equal(text_chars(&facts),
                        "suffix \"example.com\" (PKI DNS suffix); certificates: example.com under "
                        "sha256 6dbed506612f8cc8; hashes of the device: sha256 0102030000000000 "
                        "(inactive)");
    text_fini(&facts);
    activation_certificates_free(b.set);
}

/* ACT-SRV-016, ACT-SRV-017 */
static void refusals_are_in_meshcentrals_words(void **state)
{
    static const struct {
        enum activation_failure failure;
        const char *text;
    } k_rows[] = {
        { ACT_F_NO_CERTIFICATES, "No opportunity for ACM activation: Server does not have any ACM "
                                 "activation certificates." },
        { ACT_F_NO_HASHES, "Intel AMT did not report any trusted hashes." },
        { ACT_F_HASHES_INACTIVE, "Intel AMT has no trusted root hashes for \"s.test\"." },
        { ACT_F_NO_SUFFIX, "No trusted DNS suffix reported" },
        { ACT_F_NO_CERTIFICATE_FOR_SUFFIX,
          "No matching ACM activation certificate for \"s.test\"." },
        { ACT_F_ROOT_NOT_TRUSTED, "Certificate root hash matching failed for \"s.test\"." },
        { ACT_F_CLIENT_TOO_OLD, "This software is to old to support ACM activation, pleasse update "
                                "and try again." },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct text out = { 0 };
        activation_refusal(k_rows[i].failure, "s.test", &out);
        assert_string_equal(text_chars(&out), k_rows[i].text);
        text_fini(&out);
    }
}

/* --- the own root --- */

static struct pki_identity *make_root(void)
{
    struct pki_request request = { .common_name = "own root",
                                   .key = PKI_RSA_2048,
                                   .is_authority = true };
    struct pki_identity *root = pki_issue(&request, NULL, NULL);
    assert_non_null(root);
    return root;
}

/* ACT-SRV-012 */
static void the_own_root_makes_leaves_for_any_suffix_after_all_sets(void **state)
{
    (void)state;
    struct pki_identity *root = make_root();
    struct activation_certificates *set = activation_certificates_new();
    const struct activation_hash *hash = NULL;
    enum activation_failure failure;
    assert_int_equal(activation_certificates_add_root(set, root), AMT_OK);
    assert_int_equal(activation_certificates_add_root(set, root), AMT_EEXISTS);
    const struct activation_certificate *own = activation_certificates_at(set, 0);
    assert_string_equal(own->name, "*");
    struct activation_report report = report_for(own, "corp.example.com");
    const struct activation_certificate *leaf =
        activation_certificates_choose(set, &report, &hash, &failure, NULL);
    assert_non_null(leaf);
    assert_string_equal(leaf->name, "corp.example.com");
    assert_int_equal(leaf->chain_count, 2);
    assert_int_equal(X509_verify(leaf->chain[0], pki_key(root)), 1);
    assert_int_equal(X509_check_host(leaf->chain[0], "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(leaf->chain[0], "127.0.0.1", 0), 1);
    assert_ptr_equal(activation_certificates_choose(set, &report, &hash, &failure, NULL), leaf);
    /* a configured set wins, and is listed before it */
    assert_non_null(certificates_get(set, "leaf int2 int1 root", "leaf.key"));
    const struct activation_certificate *real = activation_certificates_at(set, 0);
    assert_string_equal(real->name, "example.com");
    assert_string_equal(activation_certificates_at(set, 1)->name, "*");
    add_hash(&report, ACTIVATION_HASH_SHA256, real->root_sha256, 32, true);
    assert_ptr_equal(activation_certificates_choose(set, &report, &hash, &failure, NULL), real);
    report.dns_suffix = "elsewhere.test";
    leaf = activation_certificates_choose(set, &report, &hash, &failure, NULL);
    assert_non_null(leaf);
    assert_string_equal(leaf->name, "elsewhere.test");
    activation_certificates_free(set);
    pki_identity_free(root);
}

/* The leaf of the own root passes the checks of a loaded one. */
static void a_leaf_of_the_own_root_can_be_loaded(void **state)
{
    (void)state;
    struct pki_identity *root = make_root();
    struct activation_certificates *set = activation_certificates_new();
    const struct activation_hash *hash = NULL;
    enum activation_failure failure;
    assert_int_equal(activation_certificates_add_root(set, root), AMT_OK);
    struct activation_report report =
        report_for(activation_certificates_at(set, 0), "corp.example.com");
    const struct activation_certificate *leaf =
        activation_certificates_choose(set, &report, &hash, &failure, NULL);
    struct pki_identity *identity = pki_identity_of(leaf->chain[0], leaf->key);
    char directory[] = "/tmp/amtlab-own-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char paths[3][64];
    (void)snprintf(paths[0], 64, "%s/leaf.pem", directory);
    (void)snprintf(paths[1], 64, "%s/leaf.key", directory);
    (void)snprintf(paths[2], 64, "%s/root.pem", directory);
    assert_int_equal(pki_save(identity, paths[0], paths[1], NULL), AMT_OK);
    assert_int_equal(pki_save(root, paths[2], NULL, NULL), AMT_OK);
    const char *const k_files[] = { paths[2], paths[0], NULL };
    struct activation_certificate_source source = { .label = "own",
                                                    .cert_paths = k_files,
                                                    .key_path = paths[1] };
    struct amt_diag_list problems = { NULL, 0, 0 };
    assert_int_equal(activation_certificates_load(set, &source, NOW_S, &problems), AMT_OK);
    assert_int_equal(problems.count, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(unlink(paths[i]), 0);
    }
    assert_int_equal(rmdir(directory), 0);
    pki_identity_free(identity);
    activation_certificates_free(set);
    pki_identity_free(root);
}

/* With the own root only, MeshCentral says F6 where without it it would say F1 (row F1). */
static void with_the_own_root_only_the_failure_is_of_the_suffix(void **state)
{
    (void)state;
    struct pki_identity *root = make_root();
    struct activation_certificates *set = activation_certificates_new();
    assert_int_equal(activation_certificates_add_root(set, root), AMT_OK);
    struct activation_report report = report_for(NULL, "corp.example.com");
    assert_int_equal(failure_of(set, &report), ACT_F_NO_CERTIFICATE_FOR_SUFFIX);
    report.hashes[0].is_active = false;
    assert_int_equal(failure_of(set, &report), ACT_F_HASHES_INACTIVE);
    report = report_for(activation_certificates_at(set, 0), "x y z");
    assert_int_equal(failure_of(set, &report), ACT_F_SUFFIX_MALFORMED);
    activation_certificates_free(set);
    pki_identity_free(root);
}

/* Without memory there is no certificate, and nothing is lost or left. */
static void choosing_survives_each_allocation_that_fails(void **state)
{
    (void)state;
    struct pki_identity *root = make_root();
    enum activation_failure failure = ACT_F_INTERNAL_ERROR;
    for (uint64_t k = 1; failure != ACTIVATION_NO_FAILURE; k++) {
        struct activation_certificates *set = activation_certificates_new();
        const struct activation_hash *hash = NULL;
        struct text facts = { 0 };
        amt_memory_fail_after(k);
        enum amt_err err = activation_certificates_add_root(set, root);
        if (err == AMT_OK) {
            struct activation_report report =
                report_for(activation_certificates_at(set, 0), "corp.example.com");
            const struct activation_certificate *leaf =
                activation_certificates_choose(set, &report, &hash, &failure, &facts);
            assert_int_equal(leaf == NULL, failure != ACTIVATION_NO_FAILURE);
        }
        amt_memory_fail_after(0);
        text_fini(&facts);
        activation_certificates_free(set);
        assert_true(k < 100);
    }
    pki_identity_free(root);
}

/* --- signing --- */

static void nonce_of(const json_t *vectors, const char *name, uint8_t out[static 20])
{
    uint8_t bytes[64];
    size_t len = 0;
    const char *text = json_string_value(json_object_get(vectors, name));
    assert_int_equal(base64_decode(text, strlen(text), bytes, &len), AMT_OK);
    assert_int_equal(len, 20);
    memcpy(out, bytes, 20);
}

/* ACT-SRV-021, ACT-SRV-023 */
static void signatures_are_those_of_the_vectors(void **state)
{
    struct bench b;
    uint8_t device[20];
    uint8_t server[20];
    struct text signature = { 0 };
    (void)state;
    begin(&b);
    json_t *vectors = certificates_json("vectors.json");
    nonce_of(vectors, "fwNonceBase64", device);
    nonce_of(vectors, "mcNonceBase64", server);
    assert_int_equal(activation_sign(b.leaf, device, server, &signature), AMT_OK);
    assert_string_equal(text_chars(&signature),
                        json_string_value(json_object_get(vectors, "signatureSha256Base64")));
    text_fini(&signature);
    assert_int_equal(activation_sign_sha1(b.leaf, device, server, &signature), AMT_OK);
    assert_string_equal(text_chars(&signature),
                        json_string_value(json_object_get(vectors, "signatureSha1Base64")));
    text_fini(&signature);
    assert_int_equal(activation_sign(b.leaf, server, device, &signature), AMT_OK);
    assert_string_equal(text_chars(&signature),
                        json_string_value(json_object_get(vectors, "signatureWrongOrderBase64")));
    text_fini(&signature);
    json_decref(vectors);
    activation_certificates_free(b.set);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(names_match_as_in_meshcentral),
        cmocka_unit_test(rows_of_the_table_of_names),
        cmocka_unit_test(each_reason_for_no_certificate_has_its_failure),
        cmocka_unit_test(an_inactive_hash_never_matches),
        cmocka_unit_test(each_kind_of_hash_is_compared),
        cmocka_unit_test(sha384_can_be_ignored_as_meshcentral_does),
        cmocka_unit_test(the_suffix_is_cleaned_and_the_pki_one_wins),
        cmocka_unit_test(bare_metal_matches_alike_and_has_failures_of_its_own),
        cmocka_unit_test(a_set_without_warning_goes_before_one_with),
        cmocka_unit_test(facts_name_suffix_certificates_and_hashes),
        cmocka_unit_test(refusals_are_in_meshcentrals_words),
        cmocka_unit_test(the_own_root_makes_leaves_for_any_suffix_after_all_sets),
        cmocka_unit_test(a_leaf_of_the_own_root_can_be_loaded),
        cmocka_unit_test(with_the_own_root_only_the_failure_is_of_the_suffix),
        cmocka_unit_test(choosing_survives_each_allocation_that_fails),
        cmocka_unit_test(signatures_are_those_of_the_vectors),
    };
    return cmocka_run_group_tests(k_tests, NULL, NULL);
}
