/* Certificates and key pairs: wsman.md 4.9. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "keys_fixture.h"
#include "simulator/firmware/provisioning_internal.h"

static uint32_t generate(struct keys_fixture *f, uint64_t algorithm, uint64_t length)
{
    struct wsman_instance *in = keys_input(f);
    wsman_set_u64(in, "KeyAlgorithm", algorithm);
    wsman_set_u64(in, "KeyLength", length);
    return keys_call(f, "GenerateKeyPair", in);
}

static uint32_t add_blob(struct keys_fixture *f, const char *method, const char *parameter,
                         const void *bytes, size_t len)
{
    struct wsman_instance *in = keys_input(f);
    wsman_set_base64(in, parameter, bytes, len);
    return keys_call(f, method, in);
}

static const uint8_t *shown_key(struct keys_fixture *f, size_t *len)
{
    return wsman_get_base64(keys_list(f, "AMT_PublicPrivateKeyPair"), "DERKey", len);
}

/* WSM-096 */
static void a_generated_key_is_in_the_list_under_its_id(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(generate(&f, 0, 2048), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "KeyPair"), "Intel(r) AMT Key: Handle: 0");
    assert_string_equal(wsman_get_ref(f.out, "KeyPair")->class_name, "AMT_PublicPrivateKeyPair");
    struct wsman_instance *shown = keys_list(&f, "AMT_PublicPrivateKeyPair");
    assert_string_equal(wsman_get(shown, "InstanceID"), "Intel(r) AMT Key: Handle: 0");
    assert_string_equal(wsman_get(shown, "ElementName"), "Intel(r) AMT Key");
    keys_fixture_fini(&f);
}

static void the_form_of_the_public_key_is_that_of_the_profile(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    size_t len = 0;
    const unsigned char *at = shown_key(&f, &len);
    assert_int_equal(len, 270); /* wsman.md 4.9 */
    EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)len);
    assert_int_equal(EVP_PKEY_eq(key, keys_pki.rsa), 1);
    EVP_PKEY_free(key);
    f.profile->config.der_key = 1;
    at = shown_key(&f, &len);
    assert_int_equal(len, 294);
    key = d2i_PUBKEY(NULL, &at, (long)len);
    assert_int_equal(EVP_PKEY_eq(key, keys_pki.rsa), 1);
    EVP_PKEY_free(key);
    keys_fixture_fini(&f);
}

static void only_rsa_of_known_lengths_is_made(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(generate(&f, 1, 2048), PT_INVALID_PARAMETER);
    assert_int_equal(generate(&f, 0, 512), PT_INVALID_PARAMETER);
    assert_int_equal(generate(&f, 0, 2049), PT_INVALID_PARAMETER);
    assert_int_equal(generate(&f, 0, 1024), PT_SUCCESS);
    f.profile->release = 1600;
    assert_int_equal(generate(&f, 0, 1024), PT_INVALID_PARAMETER);
    keys_fixture_fini(&f);
}

static void making_a_key_takes_its_time_and_answers_then(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    keys_fixture_defer(&f);
    (void)generate(&f, 0, 2048);
    struct wsman_instance *out = f.out;
    assert_true(f.call.is_deferred);
    loop_run_until(f.loop, NULL, NULL, 4 * US_PER_SECOND);
    assert_int_equal(f.answers, 0);
    assert_int_equal(keys_count(&f, "AMT_PublicPrivateKeyPair"), 0);
    loop_run_until(f.loop, NULL, NULL, 6 * US_PER_SECOND);
    assert_int_equal(f.answers, 1);
    assert_int_equal(f.answered_status, PT_SUCCESS);
    f.out = out;
    assert_string_equal(keys_made(&f, "KeyPair"), "Intel(r) AMT Key: Handle: 0");
    assert_int_equal(keys_count(&f, "AMT_PublicPrivateKeyPair"), 1);
    keys_fixture_fini(&f);
}

static void meanwhile_the_store_is_busy(void **state)
{
    (void)state;
    static const struct {
        uint32_t release, status;
    } k_cases[] = { { 1200, PT_OPERATION_IN_PROGRESS }, { 900, PT_PKI_GENERATING_KEYS } };
    for (int i = 0; i < 2; i++) {
        struct keys_fixture f;
        keys_fixture_init(&f, k_cases[i].release);
        keys_fixture_defer(&f);
        (void)generate(&f, 0, 2048);
        assert_int_equal(generate(&f, 0, 2048), k_cases[i].status);
        assert_false(f.call.is_deferred);
        assert_int_equal(keys_add_key(&f, keys_pki.rsa), k_cases[i].status);
        assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), k_cases[i].status);
        loop_run_until(f.loop, NULL, NULL, 6 * US_PER_SECOND);
        assert_int_equal(f.answers, 1);
        assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
        keys_fixture_fini(&f);
    }
}

static void unprovisioning_ends_the_making_of_a_key(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < 2; at++) {
        struct keys_fixture f;
        keys_fixture_init(&f, 1200);
        keys_fixture_defer(&f);
        (void)generate(&f, 0, 2048);
        loop_run_until(f.loop, NULL, NULL, at * US_PER_SECOND);
        k_keys_part.unprovision(f.firmware, false);
        assert_int_equal(f.answers, 1);
        assert_int_equal(f.answered_status, PT_INTERNAL_ERROR);
        loop_run_until(f.loop, NULL, NULL, 9 * US_PER_SECOND);
        assert_int_equal(f.answers, 1);
        assert_int_equal(keys_count(&f, "AMT_PublicPrivateKeyPair"), 0);
        keys_fixture_fini(&f);
    }
}

static void a_device_can_go_while_it_makes_a_key(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    keys_fixture_defer(&f);
    (void)generate(&f, 0, 2048);
    keys_fixture_fini(&f);
    assert_int_equal(f.answers, 0);
}

static void the_store_of_keys_is_full_at_its_limit(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    f.firmware->keys->pairs_max = 1;
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_add_key(&f, keys_pki.other_rsa), PT_MAX_LIMIT_REACHED);
    assert_int_equal(generate(&f, 0, 2048), PT_MAX_LIMIT_REACHED);
    keys_fixture_fini(&f);
}

static void a_key_is_added_in_both_forms_but_once(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1600);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CreatedKey"), "Intel(r) AMT Key: Handle: 0");
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_DUPLICATE);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(keys_pki.other_rsa);
    unsigned char *der = NULL;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    assert_int_equal(add_blob(&f, "AddKey", "KeyBlob", der, (size_t)len), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CreatedKey"), "Intel(r) AMT Key: Handle: 1");
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    keys_fixture_fini(&f);
}

static void what_is_no_usable_key_is_refused(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1600);
    assert_int_equal(add_blob(&f, "AddKey", "KeyBlob", "nonsense", 8), PT_INVALID_KEY);
    assert_int_equal(keys_add_key(&f, pki_key(keys_pki.root)), PT_INVALID_KEY); /* P-256 */
    EVP_PKEY *small = EVP_RSA_gen(1024);
    assert_int_equal(keys_add_key(&f, small), PT_INVALID_KEY);
    f.profile->release = 1200;
    assert_int_equal(keys_add_key(&f, small), PT_SUCCESS);
    EVP_PKEY_free(small);
    unsigned char *der = NULL;
    int len = i2d_PrivateKey(keys_pki.rsa, &der);
    unsigned char *longer = amt_memdup(der, (size_t)len); /* and a 0 behind it */
    assert_int_equal(add_blob(&f, "AddKey", "KeyBlob", longer, (size_t)len + 1), PT_INVALID_KEY);
    amt_free(longer);
    der[40] ^= 0x55; /* inside the modulus: the key no longer fits itself */
    assert_int_equal(add_blob(&f, "AddKey", "KeyBlob", der, (size_t)len), PT_INVALID_KEY);
    OPENSSL_free(der);
    keys_fixture_fini(&f);
}

/* WSM-097 */
static void a_certificate_is_added_once(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    X509 *root = pki_certificate(keys_pki.root);
    assert_int_equal(keys_add_certificate(&f, root, true), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CreatedCertificate"), "Intel(r) AMT Certificate: Handle: 0");
    assert_string_equal(wsman_get_ref(f.out, "CreatedCertificate")->class_name,
                        "AMT_PublicKeyCertificate");
    assert_int_equal(keys_add_certificate(&f, root, true), PT_DUPLICATE);
    assert_false(wsman_has(f.out, "CreatedCertificate"));
    assert_int_equal(keys_add_certificate(&f, root, false), PT_DUPLICATE);
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CreatedCertificate"), "Intel(r) AMT Certificate: Handle: 1");
    struct wsman_instance *shown = keys_list(&f, "AMT_PublicKeyCertificate");
    assert_string_equal(wsman_get(shown, "TrustedRootCertficate"), "true");
    assert_string_equal(wsman_get(shown->next, "TrustedRootCertficate"), "false");
    assert_string_equal(wsman_get(shown, "ElementName"), "Intel(r) AMT Certificate");
    assert_null(shown->next->next);
    size_t len = 0;
    const unsigned char *der = wsman_get_base64(shown, "X509Certificate", &len);
    X509 *again = d2i_X509(NULL, &der, (long)len);
    assert_int_equal(X509_cmp(again, root), 0);
    X509_free(again);
    keys_fixture_fini(&f);
}

/* wsman.md 4.9: C, O, CN with commas and without blanks, whatever their order in the certificate */
static void names_are_written_country_first(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    struct wsman_instance *shown = keys_list(&f, "AMT_PublicKeyCertificate");
    assert_string_equal(wsman_get(shown, "Subject"), "C=US,ST=OR,O=Lab,CN=device.lab.test");
    assert_string_equal(wsman_get(shown, "Issuer"), "O=Lab,CN=Lab Root");
    X509 *odd = keys_issue(keys_pki.other_rsa, "a,b+c \"d\"");
    X509_NAME *name = X509_get_subject_name(odd);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "L", MBSTRING_UTF8,
                                                (const unsigned char *)"Here", -1, 0, 0),
                     1);
    assert_true(X509_sign(odd, pki_key(keys_pki.root), EVP_sha256()) > 0);
    assert_int_equal(keys_add_certificate(&f, odd, false), PT_SUCCESS);
    X509_free(odd);
    shown = keys_list(&f, "AMT_PublicKeyCertificate")->next;
    assert_string_equal(wsman_get(shown, "Subject"),
                        "C=US,ST=OR,L=Here,O=Lab,CN=a\\,b\\+c \\\"d\\\"");
    keys_fixture_fini(&f);
}

static void what_is_no_certificate_is_refused(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    static const char k_method[] = "AddCertificate", k_blob[] = "CertificateBlob";
    assert_int_equal(add_blob(&f, k_method, k_blob, "nonsense", 8), PT_INVALID_CERT);
    assert_int_equal(keys_call(&f, k_method, keys_input(&f)), PT_INVALID_CERT);
    unsigned char *der = NULL;
    int len = i2d_X509(keys_pki.certificate, &der);
    unsigned char *longer = amt_memdup(der, (size_t)len); /* and a 0 behind it */
    assert_int_equal(add_blob(&f, k_method, k_blob, longer, (size_t)len + 1), PT_INVALID_CERT);
    assert_int_equal(add_blob(&f, k_method, k_blob, der, (size_t)len - 1), PT_INVALID_CERT);
    amt_free(longer);
    OPENSSL_free(der);
    keys_fixture_fini(&f);
}

/* A certificate of exactly that many bytes: a comment fills it up. */
static X509 *issue_of_size(int wanted)
{
    int room = wanted / 2;
    for (int tries = 0; tries < 5; tries++) {
        X509 *certificate = keys_issue(keys_pki.rsa, "long.lab.test");
        char *comment = amt_alloc((size_t)room);
        memset(comment, 'x', (size_t)room);
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        assert_int_equal(ASN1_STRING_set(text, comment, room), 1);
        assert_int_equal(X509_add1_ext_i2d(certificate, NID_netscape_comment, text, 0, 0), 1);
        assert_true(X509_sign(certificate, keys_pki.other_rsa, EVP_sha256()) > 0);
        ASN1_IA5STRING_free(text);
        amt_free(comment);
        int size = i2d_X509(certificate, NULL);
        if (size == wanted) {
            return certificate;
        }
        X509_free(certificate);
        room += wanted - size;
    }
    fail_msg("no certificate of %d bytes", wanted);
    return NULL;
}

static void a_certificate_has_at_most_4100_bytes(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    X509 *fits = issue_of_size(4100);
    X509 *is_too_long = issue_of_size(4101);
    assert_int_equal(keys_add_certificate(&f, is_too_long, false), PT_INVALID_CERT);
    assert_int_equal(keys_add_certificate(&f, fits, false), PT_SUCCESS);
    X509_free(fits);
    X509_free(is_too_long);
    keys_fixture_fini(&f);
}

static void handles_are_the_lowest_free_numbers(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    static const char k_class[] = "AMT_PublicKeyCertificate";
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    assert_int_equal(keys_delete(&f, k_class, "Intel(r) AMT Certificate: Handle: 0"), WSMAN_OK);
    assert_int_equal(keys_count(&f, k_class), 1);
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.leaf), false), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CreatedCertificate"), "Intel(r) AMT Certificate: Handle: 0");
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CreatedCertificate"), "Intel(r) AMT Certificate: Handle: 2");
    f.firmware->keys->certificates_max = 3;
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.console), false),
                     PT_MAX_LIMIT_REACHED);
    f.firmware->keys->certificates_max = 6;
    keys_fixture_fini(&f);
}

static void intermediates_are_trusted_from_release_11_8_on(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1160);
    X509 *middle = pki_certificate(keys_pki.middle);
    assert_int_equal(keys_add_certificate(&f, middle, true), PT_INVALID_CERT);
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    f.profile->release = 1180;
    assert_int_equal(keys_add_certificate(&f, middle, true), PT_SUCCESS);
    assert_ptr_not_equal(keys_trusted_root(f.firmware, 0), NULL);
    assert_int_equal(X509_cmp(keys_trusted_root(f.firmware, 1), middle), 0);
    assert_null(keys_trusted_root(f.firmware, 2));
    keys_fixture_fini(&f);
}

static void certificate_and_key_are_linked_by_the_public_key(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_key(&f, keys_pki.other_rsa), PT_SUCCESS);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    assert_null(keys_list(&f, "CIM_ConcreteDependency"));
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    struct wsman_instance *link = keys_list(&f, "CIM_ConcreteDependency");
    assert_string_equal(wsman_ref_selector(wsman_get_ref(link, "Antecedent"), "InstanceID"),
                        "Intel(r) AMT Certificate: Handle: 1");
    assert_string_equal(wsman_ref_selector(wsman_get_ref(link, "Dependent"), "InstanceID"),
                        "Intel(r) AMT Key: Handle: 1");
    assert_null(link->next);
    X509 *certificate = keys_certificate(f.firmware, "Intel(r) AMT Certificate: Handle: 1");
    assert_int_equal(EVP_PKEY_eq(keys_private_key(f.firmware, certificate), keys_pki.rsa), 1);
    X509 *root = keys_certificate(f.firmware, "Intel(r) AMT Certificate: Handle: 0");
    assert_null(keys_private_key(f.firmware, root));
    assert_null(keys_certificate(f.firmware, "Intel(r) AMT Certificate: Handle: 5"));
    assert_null(keys_certificate(f.firmware, "Intel(r) AMT Certificate: Handle: 1x"));
    assert_null(keys_certificate(f.firmware, "Intel(r) AMT Key: Handle: 1"));
    keys_fixture_fini(&f);
}

/* As clients make one: the public key they have read, and a signature of zeros. */
static struct wsman_instance *null_signed(struct keys_fixture *f, EVP_PKEY *public_key,
                                          const char *key_id, uint64_t algorithm)
{
    X509_REQ *request = X509_REQ_new();
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN",
                                                MBSTRING_UTF8, (const unsigned char *)"client", -1,
                                                -1, 0),
                     1);
    assert_int_equal(X509_REQ_set_pubkey(request, public_key), 1);
    assert_true(X509_REQ_sign(request, keys_pki.other_rsa, EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int len = i2d_X509_REQ(request, &der);
    memset(der + len - 256, 0, 256);
    struct wsman_instance *in = keys_input(f);
    wsman_set_base64(in, "NullSignedCertificateRequest", der, (size_t)len);
    wsman_set_u64(in, "SigningAlgorithm", algorithm);
    wsman_set_ref(in, "KeyPair",
                  wsman_ref_new(&f->arena, "AMT_PublicPrivateKeyPair", 1, "InstanceID", key_id));
    OPENSSL_free(der);
    X509_REQ_free(request);
    return in;
}

static void a_null_signed_request_is_signed(void **state)
{
    (void)state;
    static const int k_signatures[] = { NID_sha1WithRSAEncryption, NID_sha256WithRSAEncryption,
                                        NID_sha384WithRSAEncryption };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    for (uint64_t i = 0; i < 3; i++) {
        struct wsman_instance *in = null_signed(&f, keys_pki.rsa, "Intel(r) AMT Key: Handle: 0", i);
        assert_int_equal(keys_call(&f, "GeneratePKCS10RequestEx", in), PT_SUCCESS);
        size_t len = 0;
        const unsigned char *der = wsman_get_base64(f.out, "SignedCertificateRequest", &len);
        X509_REQ *request = d2i_X509_REQ(NULL, &der, (long)len);
        assert_non_null(request);
        assert_int_equal(X509_REQ_verify(request, keys_pki.rsa), 1);
        assert_int_equal(X509_REQ_get_signature_nid(request), k_signatures[i]);
        char name[64];
        assert_true(X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName,
                                              name, sizeof name) > 0);
        assert_string_equal(name, "client");
        X509_REQ_free(request);
    }
    keys_fixture_fini(&f);
}

static void a_request_for_another_key_is_refused(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    static const char k_method[] = "GeneratePKCS10RequestEx";
    static const char k_id[] = "Intel(r) AMT Key: Handle: 0";
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_call(&f, k_method, null_signed(&f, keys_pki.other_rsa, k_id, 1)),
                     PT_INVALID_KEY);
    assert_false(wsman_has(f.out, "SignedCertificateRequest"));
    assert_int_equal(keys_call(&f, k_method, null_signed(&f, keys_pki.rsa, k_id, 3)),
                     PT_INVALID_PARAMETER);
    struct wsman_instance *in = null_signed(&f, keys_pki.rsa, "Intel(r) AMT Key: Handle: 1", 1);
    assert_int_equal(keys_call(&f, k_method, in), PT_INVALID_PARAMETER);
    in = null_signed(&f, keys_pki.rsa, k_id, 1);
    size_t len = 0;
    const uint8_t *request = wsman_get_base64(in, "NullSignedCertificateRequest", &len);
    uint8_t *longer = amt_memdup(request, len); /* and a 0 behind it */
    wsman_set_base64(in, "NullSignedCertificateRequest", longer, len + 1);
    assert_int_equal(keys_call(&f, k_method, in), PT_INVALID_PARAMETER);
    amt_free(longer);
    wsman_set_base64(in, "NullSignedCertificateRequest", "nonsense", 8);
    assert_int_equal(keys_call(&f, k_method, in), PT_INVALID_PARAMETER);
    keys_fixture_fini(&f);
}

/* OpenSSL has no short name for it. */
static void an_unknown_part_of_a_name_is_written_by_its_number(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    X509 *odd = keys_issue(keys_pki.rsa, "device.lab.test");
    ASN1_OBJECT *type = OBJ_txt2obj("1.2.840.113741.1.2.99", 1);
    assert_int_equal(X509_NAME_add_entry_by_OBJ(X509_get_subject_name(odd), type, MBSTRING_UTF8,
                                                (const unsigned char *)"x", -1, -1, 0),
                     1);
    ASN1_OBJECT_free(type);
    assert_true(X509_sign(odd, pki_key(keys_pki.root), EVP_sha256()) > 0);
    assert_int_equal(keys_add_certificate(&f, odd, false), PT_SUCCESS);
    X509_free(odd);
    assert_string_equal(wsman_get(keys_list(&f, "AMT_PublicKeyCertificate"), "Subject"),
                        "1.2.840.113741.1.2.99=x,C=US,ST=OR,O=Lab,CN=device.lab.test");
    keys_fixture_fini(&f);
}

static void two_of_one_handle_are_an_error(void **state)
{
    (void)state;
    static const char *const k_lists[] = { "pairs", "certificates" };
    for (int i = 0; i < 2; i++) {
        struct keys_fixture f;
        struct keys_fixture g;
        keys_fixture_init(&f, 1200);
        keys_fixture_init(&g, 1200);
        assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
        assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
        json_t *saved = k_keys_part.save(f.firmware);
        json_t *list = json_object_get(saved, k_lists[i]);
        assert_int_equal(json_array_append(list, json_array_get(list, 0)), 0);
        struct amt_diag diag = { .err = AMT_OK };
        assert_int_equal(k_keys_part.load(g.firmware, saved, &diag), AMT_ECONFIG);
        assert_non_null(strstr(diag.text, "same handle"));
        json_decref(saved);
        keys_fixture_fini(&g);
        keys_fixture_fini(&f);
    }
}

static void a_certificate_can_be_replaced(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    static const char k_class[] = "AMT_PublicKeyCertificate";
    static const char k_id[] = "Intel(r) AMT Certificate: Handle: 0";
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    X509 *renewed = keys_issue(keys_pki.rsa, "renewed.lab.test");
    X509 *offered[] = { keys_pki.certificate, pki_certificate(keys_pki.root), renewed };
    static const enum wsman_fault k_faults[] = { WSMAN_OK, WSMAN_ALREADY_EXISTS, WSMAN_OK };
    for (int i = 0; i < 3; i++) {
        unsigned char *der = NULL;
        int len = i2d_X509(offered[i], &der);
        struct wsman_instance *in = keys_input(&f);
        wsman_set_base64(in, "X509Certificate", der, (size_t)len);
        OPENSSL_free(der);
        assert_int_equal(keys_put(&f, k_class, k_id, in), k_faults[i]);
    }
    assert_int_equal(X509_cmp(keys_certificate(f.firmware, k_id), renewed), 0);
    struct wsman_instance *in = keys_input(&f);
    wsman_set_base64(in, "X509Certificate", "nonsense", 8);
    assert_int_equal(keys_put(&f, k_class, k_id, in), WSMAN_INVALID_REPRESENTATION);
    X509_free(renewed);
    keys_fixture_fini(&f);
}

static void a_free_key_can_be_deleted(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    /* a certificate that nothing uses does not hold the key */
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    assert_int_equal(keys_delete(&f, "AMT_PublicPrivateKeyPair", "Intel(r) AMT Key: Handle: 0"),
                     WSMAN_OK);
    assert_null(keys_list(&f, "AMT_PublicPrivateKeyPair"));
    keys_fixture_fini(&f);
}

/* wsman.md 5.2 */
static void before_provisioning_nothing_is_written(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.leaf), false), PT_SUCCESS);
    assert_int_equal(keys_add_key(&f, keys_pki.other_rsa), PT_SUCCESS);
    f.firmware->provisioning->state = PROVISIONING_PRE;
    assert_int_equal(keys_delete(&f, "AMT_PublicPrivateKeyPair", NULL), WSMAN_ACCESS_DENIED);
    (void)keys_add_certificate(&f, pki_certificate(keys_pki.root), true);
    assert_int_equal(f.call.fault, WSMAN_ACCESS_DENIED);
    (void)keys_add_key(&f, keys_pki.rsa);
    assert_int_equal(f.call.fault, WSMAN_ACCESS_DENIED);
    (void)generate(&f, 0, 2048);
    assert_int_equal(f.call.fault, WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, "AMT_PublicKeyCertificate", NULL), WSMAN_ACCESS_DENIED);
    f.profile->config.denial = 1; /* status */
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_NOT_PERMITTED);
    assert_int_equal(f.call.fault, WSMAN_OK);
    assert_int_equal(keys_count(&f, "AMT_PublicPrivateKeyPair"), 1);
    f.firmware->provisioning->state = PROVISIONING_IN; /* over a provisioning session */
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    keys_fixture_fini(&f);
}

static void unprovisioning_empties_the_store(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    k_keys_part.unprovision(f.firmware, false);
    assert_null(keys_list(&f, "AMT_PublicPrivateKeyPair"));
    assert_null(keys_list(&f, "AMT_PublicKeyCertificate"));
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CreatedKey"), "Intel(r) AMT Key: Handle: 0");
    keys_fixture_fini(&f);
}

static void the_capabilities_are_those_of_the_store(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1600);
    struct wsman_instance *shown =
        firmware_instances(&f.call, "AMT_PublicKeyManagementCapabilities");
    assert_int_equal(wsman_get_u64(shown, "RootCertMaxCount", 0), 6);
    assert_int_equal(wsman_get_u64(shown, "RootCertMaxSize", 0), 4100);
    const struct wsman_value *length = wsman_get_values(shown, "SupportedKeyLengths");
    assert_string_equal(length->text, "2048");
    assert_string_equal(length->next->text, "3072");
    assert_null(length->next->next);
    keys_fixture_fini(&f);
}

static void the_store_outlives_a_power_cut(void **state)
{
    (void)state;
    struct keys_fixture f;
    struct keys_fixture g;
    keys_fixture_init(&f, 1200);
    keys_fixture_init(&g, 1200);
    assert_int_equal(keys_add_key(&f, keys_pki.other_rsa), PT_SUCCESS);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_delete(&f, "AMT_PublicPrivateKeyPair", NULL),
                     WSMAN_OK); /* leaves a gap */
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    json_t *saved = k_keys_part.save(f.firmware);
    assert_non_null(saved);
    struct amt_diag diag = { .err = AMT_OK };
    assert_int_equal(k_keys_part.load(g.firmware, saved, &diag), AMT_OK);
    json_decref(saved);
    struct wsman_instance *pair = keys_list(&g, "AMT_PublicPrivateKeyPair");
    assert_string_equal(wsman_get(pair, "InstanceID"), "Intel(r) AMT Key: Handle: 1");
    assert_null(pair->next);
    X509 *certificate = keys_certificate(g.firmware, "Intel(r) AMT Certificate: Handle: 1");
    assert_int_equal(X509_cmp(certificate, keys_pki.certificate), 0);
    EVP_PKEY *key = keys_private_key(g.firmware, certificate);
    assert_int_equal(EVP_PKEY_eq(key, keys_pki.rsa), 1);
    struct wsman_instance *in = null_signed(&g, keys_pki.rsa, "Intel(r) AMT Key: Handle: 1", 1);
    assert_int_equal(keys_call(&g, "GeneratePKCS10RequestEx", in), PT_SUCCESS); /* it is private */
    assert_int_equal(X509_cmp(keys_trusted_root(g.firmware, 0), pki_certificate(keys_pki.root)), 0);
    keys_fixture_fini(&g);
    keys_fixture_fini(&f);
}

/* Everything once, with the k-th allocation and all later ones failing. Whether it all went well. */
static bool work_without_memory(struct keys_fixture *f, uint64_t k)
{
    static const uint8_t k_hash[32] = { 1 };
    static const char *const k_shown[] = { "AMT_PublicKeyCertificate", "AMT_PublicPrivateKeyPair",
                                           "CIM_ConcreteDependency",
                                           "AMT_ProvisioningCertificateHash", "AMT_CRL" };
    struct wsman_instance *request = null_signed(f, keys_pki.rsa, "Intel(r) AMT Key: Handle: 0", 1);
    struct wsman_instance *crl = keys_input(f);
    wsman_set(crl, "Url", "http://pki.lab.test/");
    wsman_add(crl, "SerialNumbers", "1");
    amt_memory_fail_after(k);
    bool is_good = keys_add_key(f, keys_pki.rsa) == PT_SUCCESS;
    is_good = keys_add_certificate(f, keys_pki.certificate, false) == PT_SUCCESS && is_good;
    is_good = keys_call(f, "GeneratePKCS10RequestEx", request) == PT_SUCCESS && is_good;
    is_good = keys_call(f, "AddCRL", crl) == PT_SUCCESS && is_good;
    is_good = keys_hash_add(f->firmware, "Lab", KEYS_HASH_SHA256, k_hash) == AMT_OK && is_good;
    for (size_t i = 0; i < sizeof k_shown / sizeof k_shown[0]; i++) {
        is_good = keys_try_list(f, k_shown[i]) && is_good;
    }
    json_t *saved = k_keys_part.save(f->firmware);
    is_good = saved != NULL && is_good;
    json_decref(saved);
    amt_memory_fail_after(0);
    return is_good;
}

static void without_memory_no_key_is_made(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 5; k++) {
        struct keys_fixture f;
        keys_fixture_init(&f, 1200);
        keys_fixture_defer(&f);
        struct wsman_instance *in = keys_input(&f);
        wsman_set_u64(in, "KeyAlgorithm", 0);
        wsman_set_u64(in, "KeyLength", 1024);
        amt_memory_fail_after(k);
        uint32_t status = keys_call(&f, "GenerateKeyPair", in);
        amt_memory_fail_after(0);
        bool is_under_way = f.call.is_deferred;
        assert_true(is_under_way || status == PT_INTERNAL_ERROR);
        loop_run_until(f.loop, NULL, NULL, 6 * US_PER_SECOND);
        assert_int_equal(f.answers, is_under_way);
        assert_int_equal(keys_count(&f, "AMT_PublicPrivateKeyPair"), is_under_way);
        keys_fixture_fini(&f);
    }
}

static void without_memory_nothing_breaks(void **state)
{
    (void)state;
    bool is_good = false;
    for (uint64_t k = 1; !is_good && k < 2000; k += 1 + k / 16) {
        struct keys_fixture f;
        keys_fixture_init(&f, 1200);
        is_good = work_without_memory(&f, k);
        (void)keys_list(&f, "AMT_PublicKeyCertificate");
        k_keys_part.unprovision(f.firmware, false);
        assert_int_equal(keys_add_key(&f, keys_pki.other_rsa), PT_SUCCESS);
        assert_string_equal(keys_made(&f, "CreatedKey"), "Intel(r) AMT Key: Handle: 0");
        keys_fixture_fini(&f);
    }
    assert_true(is_good);
}

static void a_damaged_store_is_an_error(void **state)
{
    (void)state;
    static const char *const k_states[] = {
        "{\"pairs\": 1}",
        "{\"pairs\": [{\"handle\": 0, \"pem\": \"no key\"}]}",
        "{\"pairs\": [{\"handle\": 4, \"pem\": \"\"}]}",
        "{\"pairs\": [{\"pem\": \"\"}]}",
        "{\"certificates\": [{\"handle\": 0, \"root\": true, \"pem\": \"x\"}]}",
        "{\"certificates\": [{\"handle\": 0, \"root\": 1, \"pem\": \"\"}]}",
        "{\"hashes\": [{\"place\": 3}]}",
        "{\"revoked\": [{\"handle\": 4}]}",
        "{\"revoked\": [{\"handle\": 0, \"url\": \"\"}]}",
        "{\"revoked\": [{\"handle\": 0, \"url\": \"u\", \"serials\": [\"x\"]}]}",
        "{\"hashes\": [{\"place\": 0, \"name\": \"a\", \"type\": 2, \"bytes\": \"00\"}]}",
        "{\"hashes\": [{\"place\": 0, \"name\": \"\"}]}",
        "{\"disabled_hashes\": [1]}",
    };
    for (size_t i = 0; i < sizeof k_states / sizeof k_states[0]; i++) {
        struct keys_fixture f;
        keys_fixture_init(&f, 1200);
        json_t *saved = json_loads(k_states[i], 0, NULL);
        struct amt_diag diag = { .err = AMT_OK };
        assert_non_null(saved);
        assert_int_equal(k_keys_part.load(f.firmware, saved, &diag), AMT_ECONFIG);
        assert_non_null(strstr(diag.text, "saved state"));
        json_decref(saved);
        keys_fixture_fini(&f);
    }
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(a_generated_key_is_in_the_list_under_its_id),
        cmocka_unit_test(the_form_of_the_public_key_is_that_of_the_profile),
        cmocka_unit_test(only_rsa_of_known_lengths_is_made),
        cmocka_unit_test(making_a_key_takes_its_time_and_answers_then),
        cmocka_unit_test(meanwhile_the_store_is_busy),
        cmocka_unit_test(unprovisioning_ends_the_making_of_a_key),
        cmocka_unit_test(a_device_can_go_while_it_makes_a_key),
        cmocka_unit_test(the_store_of_keys_is_full_at_its_limit),
        cmocka_unit_test(a_key_is_added_in_both_forms_but_once),
        cmocka_unit_test(what_is_no_usable_key_is_refused),
        cmocka_unit_test(a_certificate_is_added_once),
        cmocka_unit_test(names_are_written_country_first),
        cmocka_unit_test(what_is_no_certificate_is_refused),
        cmocka_unit_test(a_certificate_has_at_most_4100_bytes),
        cmocka_unit_test(handles_are_the_lowest_free_numbers),
        cmocka_unit_test(intermediates_are_trusted_from_release_11_8_on),
        cmocka_unit_test(certificate_and_key_are_linked_by_the_public_key),
        cmocka_unit_test(a_null_signed_request_is_signed),
        cmocka_unit_test(a_request_for_another_key_is_refused),
        cmocka_unit_test(an_unknown_part_of_a_name_is_written_by_its_number),
        cmocka_unit_test(two_of_one_handle_are_an_error),
        cmocka_unit_test(a_certificate_can_be_replaced),
        cmocka_unit_test(a_free_key_can_be_deleted),
        cmocka_unit_test(before_provisioning_nothing_is_written),
        cmocka_unit_test(unprovisioning_empties_the_store),
        cmocka_unit_test(the_capabilities_are_those_of_the_store),
        cmocka_unit_test(the_store_outlives_a_power_cut),
        cmocka_unit_test(without_memory_no_key_is_made),
        cmocka_unit_test(without_memory_nothing_breaks),
        cmocka_unit_test(a_damaged_store_is_an_error),
    };
    return cmocka_run_group_tests(k_tests, keys_make_pki, keys_free_pki);
}
