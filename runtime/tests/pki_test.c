#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "runtime/pki_internal.h"

/* A folder of its own for each program run, and identities that several tests look at. */
static struct {
    char folder[64];
    struct pki_identity *root, *middle, *server;
} shared;

static struct pki_identity *make(const struct pki_request *request,
                                 const struct pki_identity *issuer)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_identity *identity = pki_issue(request, issuer, &diag);
    if (identity == NULL) {
        fail_msg("%s", diag.text);
    }
    return identity;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(shared.folder, sizeof shared.folder, "/tmp/amtlab-pki-XXXXXX");
    if (mkdtemp(shared.folder) == NULL) {
        return -1;
    }
    struct pki_request request = { .common_name = "Root", .key = PKI_P256, .is_authority = true };
    shared.root = make(&request, NULL);
    request.common_name = "Middle";
    shared.middle = make(&request, shared.root);
    static const char *const k_names[] = { "alias.test", "192.0.2.7", "2001:db8::1", NULL };
    request = (struct pki_request){ .common_name = "mps.test",
                                    .organization = "Laboratory",
                                    .names = k_names,
                                    .key = PKI_P256,
                                    .for_server = true };
    shared.server = make(&request, shared.middle);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pki_identity_free(shared.root);
    pki_identity_free(shared.middle);
    pki_identity_free(shared.server);
    return rmdir(shared.folder); /* also: nothing was left behind */
}

static const char *path_of(const char *name, char out[static 128])
{
    (void)snprintf(out, 128, "%s/%s", shared.folder, name);
    return out;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static bool has_usage(const struct pki_identity *identity, uint32_t usage)
{
    return X509_get_key_usage(identity->certificate) == usage;
}

static void an_authority_is_made_to_sign(void **state)
{
    (void)state;
    X509 *certificate = shared.root->certificate;
    assert_int_equal(X509_get_version(certificate), X509_VERSION_3);
    assert_true(X509_check_ca(certificate) == 1);
    assert_true(has_usage(shared.root, KU_KEY_CERT_SIGN | KU_CRL_SIGN));
    assert_int_equal(X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1), -1);
    assert_int_equal(X509_verify(certificate, shared.root->key), 1);
    assert_int_equal(X509_check_issued(certificate, certificate), X509_V_OK);
    assert_int_equal(sk_X509_num(shared.root->above), 0);
}

/* APF-MPS-006 */
static void a_server_certificate_repeats_its_name_beside_the_others(void **state)
{
    (void)state;
    X509 *certificate = shared.server->certificate;
    assert_true(X509_check_ca(certificate) == 0);
    assert_true(has_usage(shared.server, KU_DIGITAL_SIGNATURE));
    assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER);
    assert_true(pki_has_name(shared.server, "mps.test"));
    assert_true(pki_has_name(shared.server, "MPS.test"));
    assert_false(pki_has_name(shared.server, "alias.test"));
    assert_false(pki_has_name(shared.server, ""));
    assert_true(pki_has_alternative_name(shared.server, "alias.test"));
    assert_true(pki_has_alternative_name(shared.server, "192.0.2.7"));
    assert_true(pki_has_alternative_name(shared.server, "2001:db8:0:0::1"));
    assert_false(pki_has_alternative_name(shared.server, "192.0.2.8"));
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    static const int k_types[] = { GEN_DNS, GEN_DNS, GEN_IPADD, GEN_IPADD };
    assert_int_equal(sk_GENERAL_NAME_num(names), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(sk_GENERAL_NAME_value(names, i)->type, k_types[i]);
    }
    GENERAL_NAMES_free(names);
}

static void issuer_and_subject_keys_are_identified(void **state)
{
    (void)state;
    X509 *server = shared.server->certificate;
    assert_non_null(X509_get0_subject_key_id(server));
    assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(server),
                                           X509_get0_subject_key_id(shared.middle->certificate)),
                     0);
    assert_int_equal(sk_X509_num(shared.server->above), 2);
    assert_ptr_equal(sk_X509_value(shared.server->above, 0), shared.middle->certificate);
    assert_ptr_equal(sk_X509_value(shared.server->above, 1), shared.root->certificate);
}

static void a_client_certificate_may_have_names_and_both_purposes(void **state)
{
    (void)state;
    static const char *const k_names[] = { "device.test", NULL };
    struct pki_request request = { .common_name = "device-1", .names = k_names, .key = PKI_P256 };
    request.for_client = true;
    struct pki_identity *client = make(&request, shared.root);
    assert_int_equal(X509_get_extended_key_usage(client->certificate), XKU_SSL_CLIENT);
    assert_true(pki_has_alternative_name(client, "device.test"));
    assert_false(pki_has_alternative_name(client, "device-1"));
    pki_identity_free(client);
    request.for_server = true;
    client = make(&request, shared.root);
    assert_int_equal(X509_get_extended_key_usage(client->certificate),
                     XKU_SSL_CLIENT | XKU_SSL_SERVER);
    pki_identity_free(client);
}

/* apf.md 6.3 */
static void keys_and_signatures_are_those_of_the_peers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int signature, bits;
    } k_cases[] = {
        { "rsa3072", NID_sha384WithRSAEncryption, 3072 },
        { "rsa2048", NID_sha384WithRSAEncryption, 2048 },
        { "p256", NID_ecdsa_with_SHA256, 256 },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct pki_request request = { .common_name = "mps.test", .for_server = true };
        assert_int_equal(pki_key_parse(k_cases[i].name, &request.key), AMT_OK);
        struct pki_identity *identity = make(&request, NULL);
        assert_int_equal(X509_get_signature_nid(identity->certificate), k_cases[i].signature);
        assert_int_equal(EVP_PKEY_get_bits(identity->key), k_cases[i].bits);
        assert_true(pki_is_key(identity, request.key));
        assert_false(pki_is_key(identity, request.key == PKI_P256 ? PKI_RSA_2048 : PKI_P256));
        assert_true(has_usage(identity, request.key == PKI_P256
                                            ? KU_DIGITAL_SIGNATURE
                                            : KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT));
        pki_identity_free(identity);
    }
    enum pki_key key = PKI_P256;
    assert_int_equal(pki_key_parse("rsa1024", &key), AMT_EMALFORMED);
}

static void validity_is_that_of_meshcentral_unless_given(void **state)
{
    (void)state;
    const X509 *certificate = shared.server->certificate;
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), 1514764800), 0);
    assert_true(pki_not_after_s(shared.server) == 2524607999u);
    struct pki_request request = { .common_name = "x", .key = PKI_P256 };
    request.not_before_s = 1000;
    request.not_after_s = 4102444800u; /* 2100: a date of four digits */
    struct pki_identity *identity = make(&request, NULL);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(identity->certificate), 1000), 0);
    assert_true(pki_not_after_s(identity) == 4102444800u);
    pki_identity_free(identity);
}

static void serial_numbers_are_positive_and_differ(void **state)
{
    (void)state;
    const ASN1_INTEGER *a = X509_get0_serialNumber(shared.root->certificate);
    const ASN1_INTEGER *b = X509_get0_serialNumber(shared.middle->certificate);
    assert_true(ASN1_INTEGER_cmp(a, b) != 0);
    assert_int_equal(ASN1_STRING_type(a), V_ASN1_INTEGER); /* not V_ASN1_NEG_INTEGER */
    assert_int_equal(ASN1_STRING_length(a), 16);
    assert_int_equal(ASN1_STRING_length(b), 16);
}

static void a_comma_in_a_name_does_not_begin_another_one(void **state)
{
    (void)state;
    static const char *const k_names[] = { "b.test,DNS:c.test", NULL };
    struct pki_request request = {
        .common_name = "a.test,IP:192.0.2.1", .names = k_names, .key = PKI_P256, .for_server = true
    };
    struct pki_identity *identity = make(&request, NULL);
    GENERAL_NAMES *names =
        X509_get_ext_d2i(identity->certificate, NID_subject_alt_name, NULL, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(names), 2);
    assert_false(pki_has_alternative_name(identity, "c.test"));
    assert_false(pki_has_alternative_name(identity, "192.0.2.1"));
    GENERAL_NAMES_free(names);
    pki_identity_free(identity);
}

static void a_common_name_that_is_too_long_is_an_error_in_words(void **state)
{
    (void)state;
    char name[66];
    memset(name, 'n', sizeof name - 1);
    name[65] = '\0';
    struct pki_request request = { .common_name = name, .key = PKI_P256, .for_server = true };
    struct amt_diag diag = { .err = AMT_OK };
    assert_null(pki_issue(&request, NULL, &diag));
    assert_non_null(strstr(diag.text, "string too long"));
    name[64] =
        '\0'; /* the longest that X.509 allows; also the O of a MeshCentral group (apf.md 6.4) */
    request.organization = name;
    pki_identity_free(make(&request, NULL));
}

static void the_fingerprint_is_sha_256_of_the_der_form(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    unsigned char digest[32];
    char wanted[65];
    char found[65];
    int len = i2d_X509(shared.server->certificate, &der);
    assert_true(len > 0);
    assert_int_equal(EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL), 1);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(wanted + 2 * i, 3, "%02x", digest[i]);
    }
    OPENSSL_free(der);
    pki_fingerprint(shared.server, found);
    assert_string_equal(found, wanted);
}

static void what_is_saved_is_loaded_again_with_its_chain(void **state)
{
    (void)state;
    char cert[128];
    char key[128];
    struct stat status;
    struct amt_diag diag = { .err = AMT_OK };
    for (int round = 0; round < 2; round++) { /* the second one replaces files */
        assert_int_equal(
            pki_save(shared.server, path_of("c.pem", cert), path_of("k.pem", key), &diag), AMT_OK);
    }
    assert_int_equal(stat(key, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    struct pki_identity *loaded = pki_load(cert, key, &diag);
    if (loaded == NULL) {
        fail_msg("%s", diag.text);
    }
    assert_int_equal(X509_cmp(loaded->certificate, shared.server->certificate), 0);
    assert_int_equal(EVP_PKEY_eq(loaded->key, shared.server->key), 1);
    assert_int_equal(sk_X509_num(loaded->above), 2);
    assert_int_equal(unlink(cert), 0);
    assert_int_equal(unlink(key), 0);
    struct pki_identity *again = pki_identity_ref(loaded);
    pki_identity_free(loaded);
    assert_ptr_equal(pki_certificate(again), again->certificate);
    pki_identity_free(again);
}

static char *join_pem(const struct pki_identity *const *identities, size_t count)
{
    struct text all = { 0 };
    for (size_t i = 0; i < count; i++) {
        char *pem = pki_certificate_pem(identities[i]);
        text_puts(&all, pem);
        amt_free(pem);
    }
    return text_take(&all);
}

static void a_chain_in_any_order_is_put_in_order(void **state)
{
    (void)state;
    char cert[128];
    char key[128];
    struct amt_diag diag = { .err = AMT_OK };
    const struct pki_identity *const k_order[] = { shared.server, shared.root, shared.middle };
    char *pem = join_pem(k_order, 3);
    assert_int_equal(pki_save(shared.server, NULL, path_of("k.pem", key), &diag), AMT_OK);
    write_file(path_of("c.pem", cert), pem, 0644);
    struct pki_identity *loaded = pki_load(cert, key, &diag);
    assert_non_null(loaded);
    assert_int_equal(X509_cmp(sk_X509_value(loaded->above, 0), shared.middle->certificate), 0);
    assert_int_equal(X509_cmp(sk_X509_value(loaded->above, 1), shared.root->certificate), 0);
    pki_identity_free(loaded);
    amt_free(pem);
    assert_int_equal(unlink(cert), 0);
    assert_int_equal(unlink(key), 0);
}

/* Each case: what the files hold, and what the error must say. */
static void load_wrong(const char *cert_text, const char *key_text, mode_t key_mode,
                       const char *says, const char *hint)
{
    char cert[128];
    char key[128];
    struct amt_diag diag = { .err = AMT_OK };
    write_file(path_of("c.pem", cert), cert_text, 0644);
    write_file(path_of("k.pem", key), key_text, key_mode);
    assert_null(pki_load(cert, key, &diag));
    if (diag.err != AMT_ECERT || strstr(diag.text, says) == NULL ||
        strstr(diag.text, shared.folder) == NULL || strstr(diag.hint, hint) == NULL) {
        fail_msg("wanted \"%s\" / \"%s\": %s\n%s", says, hint, diag.text, diag.hint);
    }
    assert_int_equal(unlink(cert), 0);
    assert_int_equal(unlink(key), 0);
}

static char *key_pem(const struct pki_identity *identity, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *chars = NULL;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(
                         bio, identity->key, passphrase == NULL ? NULL : EVP_aes_128_cbc(),
                         passphrase, passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL),
                     1);
    long len = BIO_get_mem_data(bio, &chars);
    char *pem = amt_memdup(chars, (size_t)len);
    BIO_free(bio);
    return pem;
}

static void loading_errors_say_which_file_what_and_what_to_do(void **state)
{
    (void)state;
    const struct pki_identity *const k_server[] = { shared.server };
    const struct pki_identity *const k_unrelated[] = { shared.middle, shared.server };
    char *server = join_pem(k_server, 1);
    char *unrelated = join_pem(k_unrelated, 2);
    char *key = key_pem(shared.server, NULL);
    char *middle_key = key_pem(shared.middle, NULL);
    char *other_key = key_pem(shared.root, NULL);
    char *locked_key = key_pem(shared.server, "secret");
    load_wrong("hello", key, 0600, "no CERTIFICATE in PEM form", "BEGIN CERTIFICATE");
    load_wrong("", key, 0600, "no CERTIFICATE in PEM form", "BEGIN CERTIFICATE");
    load_wrong(server, "hello", 0600, "no PRIVATE KEY in PEM form", "BEGIN PRIVATE KEY");
    load_wrong(server, locked_key, 0600, "is encrypted", "openssl pkey");
    load_wrong(server, other_key, 0600, "does not belong to the certificate", "was made for");
    load_wrong(server, key, 0640, "can be read by others (mode 0640)", "chmod 600");
    load_wrong(server, key, 0604, "can be read by others (mode 0604)", "chmod 600");
    load_wrong(unrelated, middle_key, 0600, "\"mps.test\", that issued none", "to the root");
    struct text cut = { 0 };
    char *middle = pki_certificate_pem(shared.middle);
    text_puts(&cut, server);
    text_append(&cut, middle, strlen(middle) / 2);
    load_wrong(text_chars(&cut), key, 0600, "a certificate that cannot be read", "anew");
    text_fini(&cut);
    amt_free(middle);
    amt_free(server);
    amt_free(unrelated);
    amt_free(key);
    amt_free(middle_key);
    amt_free(other_key);
    amt_free(locked_key);
}

static void files_that_are_not_there_are_named(void **state)
{
    (void)state;
    char path[128];
    struct amt_diag diag = { .err = AMT_OK };
    assert_null(pki_load(path_of("none.pem", path), "k.pem", &diag));
    assert_int_equal(diag.err, AMT_ESYS);
    assert_non_null(strstr(diag.text, "none.pem: No such file"));
    assert_int_equal(pki_save(shared.server, path_of("no/c.pem", path), NULL, &diag), AMT_ESYS);
    assert_non_null(strstr(diag.text, "no/c.pem: No such file"));
    assert_non_null(strstr(diag.hint, "folder"));
}

static void trust_takes_all_roots_of_a_file_or_says_why_not(void **state)
{
    (void)state;
    char path[128];
    struct amt_diag diag = { .err = AMT_OK };
    const struct pki_identity *const k_roots[] = { shared.root, shared.middle };
    char *pem = join_pem(k_roots, 2);
    struct pki_trust *trust = pki_trust_new();
    write_file(path_of("roots.pem", path), pem, 0644);
    assert_int_equal(pki_trust_load(trust, path, &diag), AMT_OK);
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust->store);
    assert_int_equal(sk_X509_OBJECT_num(objects), 2);
    assert_int_equal(pki_trust_add(trust, shared.root), AMT_OK); /* twice is no error */
    assert_int_equal(sk_X509_OBJECT_num(objects), 2);

    write_file(path, "no certificate", 0644);
    assert_int_equal(pki_trust_load(trust, path, &diag), AMT_ECERT);
    assert_non_null(strstr(diag.text, "roots.pem holds no CERTIFICATE"));
    pem[strlen(pem) - 40] = '*';
    write_file(path, pem, 0644);
    assert_int_equal(pki_trust_load(trust, path, &diag), AMT_ECERT);
    assert_non_null(strstr(diag.text, "a certificate that cannot be read"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pki_trust_load(trust, path, &diag), AMT_ESYS);
    struct pki_trust *again = pki_trust_ref(trust);
    pki_trust_free(trust);
    pki_trust_free(again);
    amt_free(pem);
}

static void without_memory_nothing_is_made_and_nothing_leaks(void **state)
{
    (void)state;
    struct pki_request request = { .common_name = "x", .key = PKI_P256 };
    amt_memory_fail_after(1);
    struct pki_identity *identity = pki_issue(&request, shared.root, NULL);
    struct pki_trust *trust = pki_trust_new();
    char *pem = pki_certificate_pem(shared.root);
    amt_memory_fail_after(0);
    assert_null(identity);
    assert_null(trust);
    assert_null(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_authority_is_made_to_sign),
        cmocka_unit_test(a_server_certificate_repeats_its_name_beside_the_others),
        cmocka_unit_test(issuer_and_subject_keys_are_identified),
        cmocka_unit_test(a_client_certificate_may_have_names_and_both_purposes),
        cmocka_unit_test(keys_and_signatures_are_those_of_the_peers),
        cmocka_unit_test(validity_is_that_of_meshcentral_unless_given),
        cmocka_unit_test(serial_numbers_are_positive_and_differ),
        cmocka_unit_test(a_comma_in_a_name_does_not_begin_another_one),
        cmocka_unit_test(a_common_name_that_is_too_long_is_an_error_in_words),
        cmocka_unit_test(the_fingerprint_is_sha_256_of_the_der_form),
        cmocka_unit_test(what_is_saved_is_loaded_again_with_its_chain),
        cmocka_unit_test(a_chain_in_any_order_is_put_in_order),
        cmocka_unit_test(loading_errors_say_which_file_what_and_what_to_do),
        cmocka_unit_test(files_that_are_not_there_are_named),
        cmocka_unit_test(trust_takes_all_roots_of_a_file_or_says_why_not),
        cmocka_unit_test(without_memory_nothing_is_made_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
