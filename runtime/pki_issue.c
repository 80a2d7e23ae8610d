/* Making keys and certificates. */
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "runtime/pki_internal.h"

/* The years MeshCentral's certificates are valid (apf.md 6.3): devices whose clock has lost its
 * battery still accept them. */
#define NOT_BEFORE_S 1514764800u /* 2018-01-01 */
#define NOT_AFTER_S  2524607999u /* 2049-12-31 */
#define SERIAL_BYTES 16

enum amt_err pki_key_parse(const char *text, enum pki_key *key)
{
    static const char *const k_names[] = { "rsa3072", "rsa2048", "p256" };
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, k_names[i]) == 0) {
            *key = (enum pki_key)i;
            return AMT_OK;
        }
    }
    return AMT_EMALFORMED;
}

static EVP_PKEY *make_key(const struct pki_request *request)
{
    if (request->given_key != NULL) {
        return EVP_PKEY_up_ref(request->given_key) == 1 ? request->given_key : NULL;
    }
    switch (request->key) {
    case PKI_RSA_3072:
        return EVP_RSA_gen(3072);
    case PKI_RSA_2048:
        return EVP_RSA_gen(2048);
    case PKI_P256:
        return EVP_EC_gen("P-256");
    }
    return NULL;
}

static bool add_name(X509_NAME *name, const char *field, const char *value)
{
    return value == NULL ||
           X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1,
                                      -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

/* An IP address if the text is one, else a DNS name. */
static GENERAL_NAME *make_alternative_name(const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    ASN1_IA5STRING *dns = address == NULL ? ASN1_IA5STRING_new() : NULL;
    if (name != NULL && address != NULL) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, address);
    } else if (name != NULL && dns != NULL && ASN1_STRING_set(dns, text, -1) == 1) {
        GENERAL_NAME_set0_value(name, GEN_DNS, dns);
    } else {
        ASN1_OCTET_STRING_free(address);
        ASN1_IA5STRING_free(dns);
        GENERAL_NAME_free(name);
        return NULL;
    }
    return name;
}

static bool push_name(GENERAL_NAMES *names, const char *text)
{
    GENERAL_NAME *name = make_alternative_name(text);
    if (name == NULL || sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

/* A server's CN is repeated as SAN (APF-MPS-006): readers differ in which of the two they look
 * at. A structure, not OpenSSL's text form, in which a comma in a name would begin another one. */
static bool add_names(X509 *certificate, const struct pki_request *request)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool good = names != NULL && (!request->for_server || push_name(names, request->common_name));
    for (size_t i = 0; good && request->names != NULL && request->names[i] != NULL; i++) {
        good = push_name(names, request->names[i]);
    }
    if (good && sk_GENERAL_NAME_num(names) > 0) {
        good = X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1;
    }
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    return good;
}

static bool add_usage(X509 *certificate, X509 *issuer, const struct pki_request *request)
{
    const char *purpose = request->for_server && request->for_client ? "serverAuth,clientAuth"
                          : request->for_server                      ? "serverAuth"
                                                                     : "clientAuth";
    const char *usage = request->key == PKI_P256 ? "critical,digitalSignature"
                                                 : "critical,digitalSignature,keyEncipherment";
    bool good = add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
                add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
    if (request->is_authority) {
        return good &&
               add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
               add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    good = good && add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, issuer, NID_key_usage, usage);
    if (request->usages != NULL) {
        good = good && (request->usages[0] == '\0' ||
                        add_extension(certificate, issuer, NID_ext_key_usage, request->usages));
    } else if (request->for_server || request->for_client) {
        good = good && add_extension(certificate, issuer, NID_ext_key_usage, purpose);
    }
    return good && add_names(certificate, request);
}

static bool set_serial(X509 *certificate, uint64_t serial)
{
    if (serial != 0) {
        return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1;
    }
    uint8_t bytes[SERIAL_BYTES];
    bool good = RAND_bytes(bytes, SERIAL_BYTES) == 1;
    /* Positive, and always of the same length: equal requests make certificates of equal size. */
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
    BIGNUM *number = good ? BN_bin2bn(bytes, SERIAL_BYTES, NULL) : NULL;
    good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return good;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const struct pki_request *request,
                 const struct pki_identity *issuer)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509 *above = issuer == NULL ? certificate : issuer->certificate;
    time_t not_before = (time_t)(request->not_before_s == 0 ? NOT_BEFORE_S : request->not_before_s);
    time_t not_after = (time_t)(request->not_after_s == 0 ? NOT_AFTER_S : request->not_after_s);
    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           set_serial(certificate, request->serial) &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), not_before) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), not_after) != NULL &&
           add_name(subject, "C", request->country) &&
           add_name(subject, "O", request->organization) &&
           add_name(subject, "OU", request->unit) &&
           add_name(subject, "CN", request->common_name) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(above)) == 1 &&
           X509_set_pubkey(certificate, key) == 1 && add_usage(certificate, above, request);
}

static bool add_issuers(struct pki_identity *identity, const struct pki_identity *issuer)
{
    bool good = X509_up_ref(issuer->certificate) == 1 &&
                sk_X509_push(identity->above, issuer->certificate) > 0;
    for (int i = 0; good && i < sk_X509_num(issuer->above); i++) {
        X509 *certificate = sk_X509_value(issuer->above, i);
        good = X509_up_ref(certificate) == 1 && sk_X509_push(identity->above, certificate) > 0;
    }
    return good;
}

/* The same certificate with the last bit of its signature, the last of its encoding, turned over. */
static X509 *break_signature(X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    X509 *broken = NULL;
    if (len > 0) {
        const unsigned char *at = der;
        der[len - 1] ^= 1;
        broken = d2i_X509(NULL, &at, len);
    }
    OPENSSL_free(der);
    X509_free(certificate);
    return broken;
}

struct pki_identity *pki_issue(const struct pki_request *request, const struct pki_identity *issuer,
                               struct amt_diag *diag)
{
    EVP_PKEY *key = make_key(request);
    X509 *certificate = X509_new();
    EVP_PKEY *signer = issuer == NULL ? key : issuer->key;
    bool is_rsa = signer != NULL && EVP_PKEY_get_base_id(signer) == EVP_PKEY_RSA;
    const EVP_MD *digest = is_rsa ? EVP_sha384() : EVP_sha256();
    digest = request->digest == NULL ? digest : EVP_get_digestbyname(request->digest);
    struct pki_identity *identity = NULL;
    if (key != NULL && certificate != NULL && digest != NULL &&
        fill(certificate, key, request, issuer) && X509_sign(certificate, signer, digest) > 0) {
        certificate = request->has_broken_signature ? break_signature(certificate) : certificate;
    } else {
        X509_free(certificate);
        certificate = NULL;
    }
    if (certificate != NULL) {
        identity = pki_identity_new(certificate, key);
    } else {
        EVP_PKEY_free(key);
    }
    if (identity != NULL && issuer != NULL && !add_issuers(identity, issuer)) {
        pki_identity_free(identity);
        identity = NULL;
    }
    if (identity == NULL) {
        char reason[160];
        pki_openssl_reason(reason, sizeof reason);
        (void)amt_diag_set(diag, AMT_EBUG, "no certificate for \"%s\" could be made: %s",
                           request->common_name == NULL ? "" : request->common_name, reason);
    }
    return identity;
}
