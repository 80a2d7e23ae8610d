#include "runtime/pki.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/memory.h"
#include "runtime/pki_internal.h"

void pki_openssl_reason(char *out, size_t cap)
{
    unsigned long code = ERR_get_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    (void)snprintf(out, cap, "%s", reason == NULL ? "no reason given" : reason);
    ERR_clear_error();
}

struct pki_identity *pki_identity_new(X509 *certificate, EVP_PKEY *key)
{
    struct pki_identity *identity = amt_alloc(sizeof *identity);
    STACK_OF(X509) *above = sk_X509_new_null();
    if (identity == NULL || above == NULL) {
        amt_free(identity);
        sk_X509_free(above);
        X509_free(certificate);
        EVP_PKEY_free(key);
        return NULL;
    }
    identity->certificate = certificate;
    identity->key = key;
    identity->above = above;
    identity->references = 1;
    identity->self = identity;
    return identity;
}

struct pki_identity *pki_identity_of(struct x509_st *certificate, struct evp_pkey_st *key)
{
    (void)X509_up_ref(certificate);
    (void)EVP_PKEY_up_ref(key);
    return pki_identity_new(certificate, key);
}

enum amt_err pki_identity_add_issuer(struct pki_identity *identity, struct x509_st *issuer)
{
    if (sk_X509_push(identity->above, issuer) <= 0) {
        return AMT_ENOMEM;
    }
    (void)X509_up_ref(issuer);
    return AMT_OK;
}

struct x509_st *pki_root(const struct pki_identity *identity)
{
    int count = sk_X509_num(identity->above);
    return count > 0 ? sk_X509_value(identity->above, count - 1) : identity->certificate;
}

struct pki_identity *pki_identity_ref(const struct pki_identity *identity)
{
    identity->self->references += 1;
    return identity->self;
}

void pki_identity_free(struct pki_identity *identity)
{
    if (identity == NULL || --identity->references > 0) {
        return;
    }
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->above, X509_free);
    amt_free(identity);
}

struct x509_st *pki_certificate(const struct pki_identity *identity)
{
    return identity->certificate;
}

struct evp_pkey_st *pki_key(const struct pki_identity *identity)
{
    return identity->key;
}

void pki_fingerprint(const struct pki_identity *identity, char out[static 65])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    out[0] = '\0';
    if (X509_digest(identity->certificate, EVP_sha256(), digest, &len) == 1) {
        for (unsigned i = 0; i < len && i < 32; i++) {
            (void)snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
        }
    }
}

void pki_common_name(X509 *certificate, char *out, size_t cap)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int last = -1;
    for (int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0;
         at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) {
        last = at;
    }
    out[0] = '\0';
    if (last < 0) {
        return;
    }
    unsigned char *name = NULL;
    int len =
        ASN1_STRING_to_UTF8(&name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    if (len >= 0 && strlen((const char *)name) == (size_t)len) {
        (void)snprintf(out, cap, "%s", (const char *)name);
    }
    OPENSSL_free(name);
    ERR_clear_error();
}

bool pki_covers_alternative_name(X509 *certificate, const char *name)
{
    bool is_covered =
        X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1 ||
        X509_check_ip_asc(certificate, name, 0) == 1;
    ERR_clear_error();
    return is_covered;
}

bool pki_has_alternative_name(const struct pki_identity *identity, const char *name)
{
    return pki_covers_alternative_name(identity->certificate, name);
}

uint64_t pki_not_after_s(const struct pki_identity *identity)
{
    static const time_t k_epoch = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, k_epoch);
    int days = 0;
    int seconds = 0;
    bool good = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch,
                                                X509_get0_notAfter(identity->certificate)) == 1;
    ASN1_TIME_free(epoch);
    return good && days >= 0 && seconds >= 0 ? (uint64_t)days * 86400u + (uint64_t)seconds : 0;
}

bool pki_is_key(const struct pki_identity *identity, enum pki_key key)
{
    int kind = EVP_PKEY_get_base_id(identity->key);
    int bits = EVP_PKEY_get_bits(identity->key);
    switch (key) {
    case PKI_RSA_3072:
        return kind == EVP_PKEY_RSA && bits == 3072;
    case PKI_RSA_2048:
        return kind == EVP_PKEY_RSA && bits == 2048;
    case PKI_P256:
        return kind == EVP_PKEY_EC && bits == 256;
    }
    return false;
}

bool pki_has_name(const struct pki_identity *identity, const char *name)
{
    char common_name[256];
    pki_common_name(identity->certificate, common_name, sizeof common_name);
    return name[0] != '\0' && strcasecmp(common_name, name) == 0 &&
           pki_has_alternative_name(identity, name);
}

char *pki_certificate_pem(const struct pki_identity *identity)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (bio != NULL && PEM_write_bio_X509(bio, identity->certificate) == 1) {
        const char *chars = NULL;
        long len = BIO_get_mem_data(bio, &chars);
        text = len > 0 ? amt_memdup(chars, (size_t)len) : NULL;
    }
    BIO_free(bio);
    return text;
}

struct pki_trust *pki_trust_new(void)
{
    struct pki_trust *trust = amt_alloc(sizeof *trust);
    X509_STORE *store = X509_STORE_new();
    if (trust == NULL || store == NULL) {
        amt_free(trust);
        X509_STORE_free(store);
        return NULL;
    }
    trust->store = store;
    trust->references = 1;
    trust->self = trust;
    return trust;
}

enum amt_err pki_trust_add(struct pki_trust *trust, const struct pki_identity *root)
{
    return pki_trust_add_certificate(trust, root->certificate);
}

enum amt_err pki_trust_add_certificate(struct pki_trust *trust, struct x509_st *root)
{
    return X509_STORE_add_cert(trust->store, root) == 1 ? AMT_OK : AMT_ENOMEM;
}

struct pki_trust *pki_trust_ref(const struct pki_trust *trust)
{
    trust->self->references += 1;
    return trust->self;
}

void pki_trust_free(struct pki_trust *trust)
{
    if (trust == NULL || --trust->references > 0) {
        return;
    }
    X509_STORE_free(trust->store);
    amt_free(trust);
}
