/* Reading PKCS#12 and PEM: bytes to certificates and a key. Needs no file and keeps nothing. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "mps/activation/certificates_internal.h"

#define CERTIFICATES_MAX 64 /* in one file */

enum amt_err certificate_bag_init(struct certificate_bag *bag)
{
    memset(bag, 0, sizeof *bag);
    bag->primary = sk_X509_new_null();
    bag->further = sk_X509_new_null();
    bag->authorities = sk_X509_new_null();
    if (bag->primary == NULL || bag->further == NULL || bag->authorities == NULL) {
        certificate_bag_fini(bag);
        return AMT_ENOMEM;
    }
    return AMT_OK;
}

void certificate_bag_fini(struct certificate_bag *bag)
{
    sk_X509_pop_free(bag->primary, X509_free);
    sk_X509_pop_free(bag->further, X509_free);
    sk_X509_pop_free(bag->authorities, X509_free);
    EVP_PKEY_free(bag->key);
    memset(bag, 0, sizeof *bag);
}

static enum amt_err fail(char reason[static 160], const char *why)
{
    unsigned long code = ERR_peek_last_error();
    const char *words = code == 0 ? NULL : ERR_reason_error_string(code);
    (void)snprintf(reason, 160, "%s%s%s", why, words == NULL ? "" : ": ",
                   words == NULL ? "" : words);
    ERR_clear_error();
    return AMT_ECERT;
}

/* Takes certificate. */
static enum amt_err push(STACK_OF(X509) * to, X509 *certificate, char reason[static 160])
{
    if (sk_X509_num(to) >= CERTIFICATES_MAX) {
        X509_free(certificate);
        return fail(reason, "more certificates than any chain has");
    }
    if (sk_X509_push(to, certificate) <= 0) {
        X509_free(certificate);
        return AMT_ENOMEM;
    }
    return AMT_OK;
}

/* --- PEM --- */

static int no_passphrase(char *out, int cap, int is_writing, void *ctx)
{
    (void)is_writing;
    (void)ctx;
    if (cap > 0) {
        out[0] = '\0';
    }
    return -1; /* a service has nobody to ask */
}

enum amt_err pem_read_certificates(const uint8_t *bytes, uint32_t len, STACK_OF(X509) * first,
                                   STACK_OF(X509) * others, char reason[static 160])
{
    BIO *bio = BIO_new_mem_buf(bytes, (int)len);
    uint32_t count = 0;
    enum amt_err err = bio == NULL ? AMT_ENOMEM : AMT_OK;
    while (err == AMT_OK) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        if (certificate == NULL) {
            break;
        }
        err = push(count == 0 ? first : others, certificate, reason);
        count += 1;
    }
    if (err == AMT_OK) {
        unsigned long code = ERR_peek_last_error();
        bool is_end = ERR_GET_LIB(code) == ERR_LIB_PEM &&
                      ERR_GET_REASON(code) == PEM_R_NO_START_LINE && count > 0;
        if (count == 0) {
            err = fail(reason, "no certificate in PEM form");
        } else if (!is_end) {
            err = fail(reason, "a damaged certificate");
        }
    }
    ERR_clear_error();
    BIO_free(bio);
    return err;
}

EVP_PKEY *pem_read_key(const uint8_t *bytes, uint32_t len, char reason[static 160])
{
    BIO *bio = BIO_new_mem_buf(bytes, (int)len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    if (key == NULL) {
        (void)fail(reason, "no private key in PEM form without a passphrase");
    }
    ERR_clear_error();
    BIO_free(bio);
    return key;
}

/* --- PKCS#12 --- */

struct pfx {
    const struct pki_providers *providers;
    const char *password; /* NULL: none, which is not the same as an empty one */
    int password_len;
    uint32_t iterations_max;
    struct certificate_bag *bag;
    char *reason; /* 160 bytes */
};

/* Iterations of an encryption by password; UINT32_MAX when they cannot be told. */
static uint64_t iterations_of(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    const void *parameter = NULL;
    int type = 0;
    int64_t count = -1;
    X509_ALGOR_get0(&object, &type, &parameter, algorithm);
    if (type != V_ASN1_SEQUENCE) {
        return UINT32_MAX;
    }
    if (OBJ_obj2nid(object) != NID_pbes2) {
        PBEPARAM *pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
        bool good = pbe != NULL && ASN1_INTEGER_get_int64(&count, pbe->iter) == 1;
        PBEPARAM_free(pbe);
        return good && count >= 0 ? (uint64_t)count : UINT32_MAX;
    }
    PBE2PARAM *pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
    PBKDF2PARAM *kdf = pbe2 == NULL ? NULL
                                    : ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM),
                                                                pbe2->keyfunc->parameter);
    bool good = kdf != NULL && ASN1_INTEGER_get_int64(&count, kdf->iter) == 1;
    PBKDF2PARAM_free(kdf);
    PBE2PARAM_free(pbe2);
    return good && count >= 0 ? (uint64_t)count : UINT32_MAX;
}

static bool is_affordable(const struct pfx *pfx, const X509_ALGOR *algorithm)
{
    return algorithm != NULL && iterations_of(algorithm) <= pfx->iterations_max;
}

static enum amt_err take_key(const struct pfx *pfx, const PKCS12_SAFEBAG *shrouded)
{
    const X509_SIG *sealed = PKCS12_SAFEBAG_get0_pkcs8(shrouded);
    const X509_ALGOR *algorithm = NULL;
    pfx->bag->key_count += 1;
    if (sealed == NULL) {
        return fail(pfx->reason, "the key cannot be read");
    }
    X509_SIG_get0(sealed, &algorithm, NULL);
    if (!is_affordable(pfx, algorithm)) {
        return fail(pfx->reason, "the encryption of the key is unknown or too costly");
    }
    PKCS8_PRIV_KEY_INFO *clear = PKCS12_decrypt_skey_ex(shrouded, pfx->password, pfx->password_len,
                                                        pfx->providers->context, NULL);
    /* Into the default context: the key outlives the reader. */
    EVP_PKEY *key = clear == NULL ? NULL : EVP_PKCS82PKEY(clear);
    PKCS8_PRIV_KEY_INFO_free(clear);
    if (key == NULL) {
        return fail(pfx->reason, "the key cannot be decrypted");
    }
    EVP_PKEY_free(pfx->bag->key);
    pfx->bag->key = key;
    return AMT_OK;
}

static enum amt_err take_bags(const struct pfx *pfx, const STACK_OF(PKCS12_SAFEBAG) * bags)
{
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        int kind = PKCS12_SAFEBAG_get_nid(bag);
        if (kind == NID_pkcs8ShroudedKeyBag) {
            TRY(take_key(pfx, bag));
        } else if (kind == NID_certBag && PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate) {
            X509 *certificate = PKCS12_SAFEBAG_get1_cert(bag);
            if (certificate == NULL) {
                return fail(pfx->reason, "a certificate cannot be read");
            }
            TRY(push(pfx->bag->primary, certificate, pfx->reason));
        }
    }
    return AMT_OK;
}

static enum amt_err take_safe(const struct pfx *pfx, PKCS7 *safe)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    if (PKCS7_type_is_data(safe)) {
        bags = PKCS12_unpack_p7data(safe);
    } else if (PKCS7_type_is_encrypted(safe) && safe->d.encrypted != NULL &&
               safe->d.encrypted->enc_data != NULL) {
        if (!is_affordable(pfx, safe->d.encrypted->enc_data->algorithm)) {
            return fail(pfx->reason, "the encryption is unknown or too costly");
        }
        bags = PKCS12_unpack_p7encdata(safe, pfx->password, pfx->password_len);
    } else {
        return AMT_OK; /* sealed for somebody's public key: not ours */
    }
    if (bags == NULL) {
        return fail(pfx->reason, pfx->providers->legacy == NULL
                                     ? "it cannot be decrypted (OpenSSL's legacy provider, which "
                                       "old files need, is not installed)"
                                     : "it cannot be decrypted");
    }
    enum amt_err err = take_bags(pfx, bags);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return err;
}

/* A file made without a password differs from one with an empty password; both are asked for as "". */
static enum amt_err check_password(struct pfx *pfx, PKCS12 *file)
{
    const ASN1_INTEGER *count = NULL;
    int64_t iterations = 1;
    if (!PKCS12_mac_present(file)) {
        return AMT_OK;
    }
    PKCS12_get0_mac(NULL, NULL, NULL, &count, file);
    if (count != NULL && (ASN1_INTEGER_get_int64(&iterations, count) != 1 || iterations < 1 ||
                          iterations > pfx->iterations_max)) {
        return fail(pfx->reason, "its checksum is too costly");
    }
    if (PKCS12_verify_mac(file, pfx->password, pfx->password_len) == 1) {
        return AMT_OK;
    }
    if (pfx->password_len == 0 && PKCS12_verify_mac(file, NULL, 0) == 1) {
        pfx->password = NULL;
        return AMT_OK;
    }
    ERR_clear_error();
    return fail(pfx->reason, "wrong password, or damaged");
}

enum amt_err pfx_read(const struct pki_providers *providers, const uint8_t *bytes, uint32_t len,
                      const char *password, uint32_t iterations_max, struct certificate_bag *bag,
                      char reason[static 160])
{
    struct pfx pfx = { providers, password, (int)strlen(password), iterations_max, bag, reason };
    PKCS12 *file = PKCS12_init_ex(NID_pkcs7_data, providers->context, NULL);
    if (file == NULL) {
        return AMT_ENOMEM;
    }
    PKCS12 *room = file;
    const unsigned char *at = bytes;
    if (d2i_PKCS12(&room, &at, (long)len) == NULL) {
        PKCS12_free(room); /* NULL when d2i has freed it, as it mostly does */
        return fail(reason, "not PKCS#12");
    }
    file = room;
    enum amt_err err = check_password(&pfx, file);
    STACK_OF(PKCS7) *safes = err == AMT_OK ? PKCS12_unpack_authsafes(file) : NULL;
    if (err == AMT_OK && safes == NULL) {
        err = fail(reason, "its content cannot be read");
    }
    for (int i = 0; err == AMT_OK && i < sk_PKCS7_num(safes); i++) {
        err = take_safe(&pfx, sk_PKCS7_value(safes, i));
    }
    sk_PKCS7_pop_free(safes, PKCS7_free);
    PKCS12_free(file);
    ERR_clear_error();
    return err;
}
