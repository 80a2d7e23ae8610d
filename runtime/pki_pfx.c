/* PKCS#12 files. OpenSSL's own PKCS12_create takes salts and IVs from its generator alone; here they may
 * come from a seed, so that a test PKI has the same bytes each time. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "base/memory.h"
#include "runtime/pki_internal.h"

#define ITERATIONS   2048
#define SALT_BYTES   8
#define IV_BYTES     16
#define KEY_ID_BYTES 20

enum amt_err pki_providers_init(struct pki_providers *providers)
{
    memset(providers, 0, sizeof *providers);
    providers->context = OSSL_LIB_CTX_new();
    if (providers->context == NULL) {
        return AMT_ENOMEM;
    }
    providers->modern = OSSL_PROVIDER_load(providers->context, "default");
    providers->legacy = OSSL_PROVIDER_load(providers->context, "legacy");
    ERR_clear_error();
    if (providers->modern == NULL) {
        pki_providers_fini(providers);
        return AMT_ENOMEM;
    }
    return AMT_OK;
}

void pki_providers_fini(struct pki_providers *providers)
{
    if (providers->legacy != NULL) {
        (void)OSSL_PROVIDER_unload(providers->legacy);
    }
    if (providers->modern != NULL) {
        (void)OSSL_PROVIDER_unload(providers->modern);
    }
    OSSL_LIB_CTX_free(providers->context);
    memset(providers, 0, sizeof *providers);
}

struct writer {
    const struct pki_pfx *pfx;
    const struct pki_identity *identity;
    struct pki_providers providers;
    int password_len;
};

static bool get_bytes(const struct writer *w, const char *purpose, uint8_t *out, int len)
{
    if (w->pfx->seed == NULL) {
        return RAND_bytes(out, len) == 1;
    }
    char name[64];
    uint8_t digest[EVP_MAX_MD_SIZE];
    /* The certificate too: two files of one seed have different salts. */
    if (X509_digest(w->identity->certificate, EVP_sha256(), digest, NULL) != 1) {
        return false;
    }
    (void)snprintf(name, sizeof name, "pfx/%s/%d/%02x%02x%02x%02x", purpose,
                   w->pfx->is_legacy ? 1 : 0, digest[0], digest[1], digest[2], digest[3]);
    pki_seed_bytes(w->pfx->seed, name, out, (size_t)len);
    return true;
}

static X509_ALGOR *encryption(const struct writer *w, const char *purpose, int legacy_nid)
{
    uint8_t salt[SALT_BYTES];
    uint8_t iv[IV_BYTES];
    char iv_purpose[32];
    (void)snprintf(iv_purpose, sizeof iv_purpose, "%s-iv", purpose);
    if (!get_bytes(w, purpose, salt, SALT_BYTES) || !get_bytes(w, iv_purpose, iv, IV_BYTES)) {
        return NULL;
    }
    return w->pfx->is_legacy ? PKCS5_pbe_set(legacy_nid, ITERATIONS, salt, SALT_BYTES)
                             : PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), ITERATIONS, salt, SALT_BYTES,
                                                 iv, NID_hmacWithSHA256);
}

static bool mark_own(const struct writer *w, PKCS12_SAFEBAG *bag)
{
    uint8_t id[EVP_MAX_MD_SIZE];
    return bag != NULL && X509_digest(w->identity->certificate, EVP_sha1(), id, NULL) == 1 &&
           PKCS12_add_localkeyid(bag, id, KEY_ID_BYTES) == 1;
}

static bool push_certificate(const struct writer *w, STACK_OF(PKCS12_SAFEBAG) * bags,
                             X509 *certificate)
{
    PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(certificate);
    bool is_own = certificate == w->identity->certificate;
    if (bag == NULL || (is_own && !mark_own(w, bag)) || sk_PKCS12_SAFEBAG_push(bags, bag) <= 0) {
        PKCS12_SAFEBAG_free(bag);
        return false;
    }
    return true;
}

static bool push_certificates(const struct writer *w, STACK_OF(PKCS12_SAFEBAG) * bags)
{
    int above = sk_X509_num(w->identity->above);
    int skipped = (int)w->pfx->skip_from_above;
    int count = 1 + (above > skipped ? above - skipped : 0);
    for (int i = 0; i < count; i++) {
        int at = w->pfx->is_reversed ? count - 1 - i : i;
        X509 *certificate =
            at == 0 ? w->identity->certificate : sk_X509_value(w->identity->above, at - 1);
        if (!push_certificate(w, bags, certificate)) {
            return false;
        }
    }
    return true;
}

/* The certificates, encrypted. */
static PKCS7 *seal_certificates(const struct writer *w)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    PKCS7 *sealed = PKCS7_new();
    X509_ALGOR *algorithm = encryption(w, "certificates", NID_pbe_WithSHA1And40BitRC2_CBC);
    bool good = bags != NULL && sealed != NULL && algorithm != NULL && push_certificates(w, bags) &&
                PKCS7_set_type(sealed, NID_pkcs7_encrypted) == 1;
    if (good) {
        PKCS7_ENC_CONTENT *content = sealed->d.encrypted->enc_data;
        X509_ALGOR_free(content->algorithm);
        content->algorithm = algorithm;
        algorithm = NULL;
        content->enc_data = PKCS12_item_i2d_encrypt_ex(
            content->algorithm, ASN1_ITEM_rptr(PKCS12_SAFEBAGS), w->pfx->password, w->password_len,
            bags, 1, w->providers.context, NULL);
        good = content->enc_data != NULL;
    }
    X509_ALGOR_free(algorithm);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    if (!good) {
        PKCS7_free(sealed);
        return NULL;
    }
    return sealed;
}

/* The key in a shrouded bag. */
static PKCS12_SAFEBAG *seal_key(const struct writer *w)
{
    PKCS8_PRIV_KEY_INFO *clear = EVP_PKEY2PKCS8(w->identity->key);
    X509_ALGOR *algorithm = encryption(w, "key", NID_pbe_WithSHA1And3_Key_TripleDES_CBC);
    X509_SIG *sealed = clear == NULL || algorithm == NULL
                           ? NULL
                           : PKCS8_set0_pbe_ex(w->pfx->password, w->password_len, clear, algorithm,
                                               w->providers.context, NULL);
    if (sealed == NULL) {
        X509_ALGOR_free(algorithm);
    }
    PKCS8_PRIV_KEY_INFO_free(clear);
    PKCS12_SAFEBAG *bag = sealed == NULL ? NULL : PKCS12_SAFEBAG_create0_pkcs8(sealed);
    if (bag == NULL) {
        X509_SIG_free(sealed);
    } else if (!mark_own(w, bag)) {
        PKCS12_SAFEBAG_free(bag);
        bag = NULL;
    }
    return bag;
}

static bool push_safe(STACK_OF(PKCS7) * safes, PKCS7 *safe)
{
    if (safe == NULL || sk_PKCS7_push(safes, safe) <= 0) {
        PKCS7_free(safe);
        return false;
    }
    return true;
}

static bool push_key(const struct writer *w, STACK_OF(PKCS7) * safes)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    PKCS12_SAFEBAG *bag = seal_key(w);
    bool good = bags != NULL && bag != NULL && sk_PKCS12_SAFEBAG_push(bags, bag) > 0;
    if (!good) {
        PKCS12_SAFEBAG_free(bag);
    }
    good = good && push_safe(safes, PKCS12_pack_p7data(bags));
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return good;
}

static PKCS12 *make(const struct writer *w)
{
    uint8_t salt[SALT_BYTES];
    STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
    PKCS12 *file = NULL;
    bool good = safes != NULL && get_bytes(w, "checksum", salt, SALT_BYTES) &&
                push_safe(safes, seal_certificates(w)) && push_key(w, safes);
    if (good) {
        file = PKCS12_init_ex(NID_pkcs7_data, w->providers.context, NULL);
        good = file != NULL && PKCS12_pack_authsafes(file, safes) == 1 &&
               PKCS12_set_mac(file, w->pfx->password, w->password_len, salt, SALT_BYTES, ITERATIONS,
                              w->pfx->is_legacy ? EVP_sha1() : EVP_sha256()) == 1;
    }
    sk_PKCS7_pop_free(safes, PKCS7_free);
    if (!good) {
        PKCS12_free(file);
        return NULL;
    }
    return file;
}

static bool write_pfx(BIO *bio, const void *what)
{
    return i2d_PKCS12_bio(bio, what) == 1;
}

enum amt_err pki_save_pfx(const struct pki_identity *identity, const char *path,
                          const struct pki_pfx *pfx, struct amt_diag *diag)
{
    struct writer w = { pfx, identity, { NULL, NULL, NULL }, (int)strlen(pfx->password) };
    if (pki_providers_init(&w.providers) != AMT_OK) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    PKCS12 *file = make(&w);
    enum amt_err err = AMT_EBUG;
    if (file == NULL) {
        char reason[160];
        pki_openssl_reason(reason, sizeof reason);
        (void)amt_diag_set(diag, AMT_EBUG, "no PKCS#12 file could be made: %s", reason);
        (void)amt_diag_hint(diag, pfx->is_legacy && w.providers.legacy == NULL
                                      ? "install OpenSSL's legacy provider"
                                      : "look at the certificate and its key");
    } else {
        err = pki_write_file(path, 0600, write_pfx, file, diag);
    }
    PKCS12_free(file);
    pki_providers_fini(&w.providers);
    return err;
}
