/* A test PKI from a seed: the same bytes each time, and files that OpenSSL itself reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/pki.h"

#define FILE_MAX_BYTES 16384

static void bytes_depend_on_seed_and_purpose_alone(void **state)
{
    uint8_t a[100];
    uint8_t b[100];
    (void)state;
    pki_seed_bytes("1", "x", a, sizeof a);
    pki_seed_bytes("1", "x", b, sizeof b);
    assert_memory_equal(a, b, sizeof a);
    pki_seed_bytes("1x", "", b, sizeof b);
    assert_memory_not_equal(a, b, 32);
    pki_seed_bytes("1", "y", b, sizeof b);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, a + 32, 32);
    /* SHA-256("1" 00 "x" 00 00000000): the method itself is a promise */
    uint8_t digest[32];
    assert_int_equal(EVP_Digest("1\0x\0\0\0\0\0", 8, digest, NULL, EVP_sha256(), NULL), 1);
    pki_seed_bytes("1", "x", a, 4);
    assert_memory_equal(a, digest, 4);
}

static void keys_of_one_seed_are_equal_and_good(void **state)
{
    (void)state;
    EVP_PKEY *a = pki_seed_rsa("seed", "leaf", 1024);
    EVP_PKEY *b = pki_seed_rsa("seed", "leaf", 1024);
    EVP_PKEY *other = pki_seed_rsa("seed", "root", 1024);
    assert_non_null(a);
    assert_int_equal(EVP_PKEY_get_bits(a), 1024);
    assert_int_equal(EVP_PKEY_eq(a, b), 1);
    assert_int_not_equal(EVP_PKEY_eq(a, other), 1);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(a, NULL);
    assert_int_equal(EVP_PKEY_check(context), 1);
    EVP_PKEY_CTX_free(context);
    assert_null(pki_seed_rsa("seed", "x", 100));
    assert_null(pki_seed_rsa("seed", "x", 1000));
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
    EVP_PKEY_free(other);
}

static struct pki_identity *issue(const char *name, const struct pki_identity *issuer)
{
    EVP_PKEY *key = pki_seed_rsa("seed", name, 1024);
    struct pki_request request = { .common_name = name,
                                   .country = "DE",
                                   .unit = "unit",
                                   .usages = "serverAuth,1.2.3.4",
                                   .given_key = key,
                                   .serial = 4711,
                                   .digest = "sha256",
                                   .is_authority = issuer == NULL };
    struct pki_identity *identity = pki_issue(&request, issuer, NULL);
    EVP_PKEY_free(key);
    assert_non_null(identity);
    return identity;
}

static void certificates_from_given_parts_are_reproducible(void **state)
{
    (void)state;
    struct pki_identity *root = issue("root", NULL);
    struct pki_identity *one = issue("leaf", root);
    struct pki_identity *two = issue("leaf", root);
    char prints[2][65];
    pki_fingerprint(one, prints[0]);
    pki_fingerprint(two, prints[1]);
    assert_string_equal(prints[0], prints[1]);
    assert_int_equal(X509_verify(pki_certificate(one), pki_key(root)), 1);
    pki_identity_free(one);
    pki_identity_free(two);
    pki_identity_free(root);
}

static void a_broken_signature_does_not_verify(void **state)
{
    (void)state;
    struct pki_identity *root = issue("root", NULL);
    struct pki_request request = { .common_name = "x",
                                   .given_key = pki_key(root),
                                   .has_broken_signature = true };
    struct pki_identity *broken = pki_issue(&request, root, NULL);
    assert_non_null(broken);
    assert_int_not_equal(X509_verify(pki_certificate(broken), pki_key(root)), 1);
    pki_identity_free(broken);
    pki_identity_free(root);
}

/* --- PKCS#12 --- */

static size_t save(const struct pki_identity *identity, const struct pki_pfx *pfx,
                   uint8_t out[static FILE_MAX_BYTES])
{
    char folder[] = "/tmp/amtlab-pfx-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/x.pfx", folder);
    assert_int_equal(pki_save_pfx(identity, path, pfx, NULL), AMT_OK);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(out, 1, FILE_MAX_BYTES, file);
    (void)fclose(file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    return len;
}

/* What OpenSSL reads: the leaf and how many above it. */
static void check(const uint8_t *bytes, size_t len, const struct pki_identity *leaf, int above)
{
    struct pki_providers providers;
    STACK_OF(X509) *others = NULL;
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    assert_int_equal(pki_providers_init(&providers), AMT_OK);
    PKCS12 *pfx = PKCS12_init_ex(NID_pkcs7_data, providers.context, NULL);
    const unsigned char *at = bytes;
    assert_non_null(d2i_PKCS12(&pfx, &at, (long)len));
    assert_int_equal(PKCS12_parse(pfx, "pw", &key, &certificate, &others), 1);
    assert_int_equal(X509_cmp(certificate, pki_certificate(leaf)), 0);
    assert_int_equal(EVP_PKEY_get_size(key), EVP_PKEY_get_size(pki_key(leaf)));
    assert_int_equal(sk_X509_num(others) < 0 ? 0 : sk_X509_num(others), above);
    sk_X509_pop_free(others, X509_free);
    X509_free(certificate);
    EVP_PKEY_free(key);
    PKCS12_free(pfx);
    pki_providers_fini(&providers);
}

static void pfx_files_are_reproducible_and_open(void **state)
{
    static const struct pki_pfx k_kinds[] = {
        { .password = "pw", .seed = "s" },
        { .password = "pw", .seed = "s", .is_legacy = true },
        { .password = "pw", .seed = "s", .is_reversed = true },
        { .password = "pw", .seed = "s", .skip_from_above = 1 },
        { .password = "pw" },
    };
    static uint8_t one[FILE_MAX_BYTES];
    static uint8_t two[FILE_MAX_BYTES];
    (void)state;
    struct pki_identity *root = issue("root", NULL);
    struct pki_identity *leaf = issue("leaf", root);
    for (size_t i = 0; i < sizeof k_kinds / sizeof k_kinds[0]; i++) {
        size_t len = save(leaf, &k_kinds[i], one);
        size_t again = save(leaf, &k_kinds[i], two);
        check(one, len, leaf, k_kinds[i].skip_from_above == 1 ? 0 : 1);
        bool is_same = len == again && memcmp(one, two, len) == 0;
        assert_int_equal(is_same, k_kinds[i].seed != NULL);
    }
    pki_identity_free(leaf);
    pki_identity_free(root);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(bytes_depend_on_seed_and_purpose_alone),
        cmocka_unit_test(keys_of_one_seed_are_equal_and_good),
        cmocka_unit_test(certificates_from_given_parts_are_reproducible),
        cmocka_unit_test(a_broken_signature_does_not_verify),
        cmocka_unit_test(pfx_files_are_reproducible_and_open),
    };
    return cmocka_run_group_tests(k_tests, NULL, NULL);
}
