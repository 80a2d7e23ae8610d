#include "scenarios/engine/activation_explain.h"

#include <string.h>

#include <openssl/err.h>

#define MODERN_RELEASE 1500u /* the first that refuses SHA-1 and short keys on some chipsets */
#define RSA_MIN_BITS   2048

static bool is_sha1(const X509 *certificate)
{
    int digest = NID_undef;
    return OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, NULL) == 1 &&
           digest == NID_sha1;
}

static bool fits_issuer(X509 *certificate, X509 *issuer)
{
    bool fits =
        X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
        X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return fits;
}

/* 4: the certificate itself, its place in the chain, or the device's list of roots. */
static enum activation_failure explain_verification(const struct activation_chain_refusal *r)
{
    X509 *certificate = r->chain[r->at];
    if (r->at > 0 && !fits_issuer(r->chain[r->at - 1], certificate)) {
        return ACT_F_CHAIN_BROKEN;
    }
    if (r->release >= MODERN_RELEASE && is_sha1(certificate)) {
        return ACT_F_SHA1_NOT_SUPPORTED;
    }
    if (r->release >= MODERN_RELEASE &&
        EVP_PKEY_get_bits(X509_get0_pubkey(certificate)) < RSA_MIN_BITS) {
        return ACT_F_KEY_TOO_SHORT;
    }
    return r->is_last && fits_issuer(certificate, certificate) ? ACT_F_ROOT_HASH_GONE
                                                               : ACT_F_CHAIN_BROKEN;
}

enum activation_failure activation_explain_chain(const struct activation_chain_refusal *refusal)
{
    if (refusal->is_fault) {
        return ACT_F_CERTIFICATE_ENCODING;
    }
    switch (refusal->return_value) {
    case 0:
        return ACTIVATION_NO_FAILURE;
    case 1:
        return ACT_F_CERTIFICATE_ENCODING;
    case 3:
        return ACT_F_LEAF_NOT_FIRST;
    case 4:
        return explain_verification(refusal);
    case 5:
        return ACT_F_CHAIN_TOO_LONG;
    default:
        return ACT_F_INTERNAL_ERROR;
    }
}

static bool verifies(EVP_PKEY *key, const EVP_MD *digest, const uint8_t *first,
                     const uint8_t *second, const uint8_t *signature, size_t len)
{
    uint8_t both[2 * ACTIVATION_NONCE_BYTES];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    memcpy(both, first, ACTIVATION_NONCE_BYTES);
    memcpy(both + ACTIVATION_NONCE_BYTES, second, ACTIVATION_NONCE_BYTES);
    bool is_good = context != NULL && EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
                   EVP_DigestVerify(context, signature, len, both, sizeof both) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return is_good;
}

/* Whether it was made with this key at all: then the padding is right, whatever was signed. */
static bool has_padding(EVP_PKEY *key, const uint8_t *signature, size_t len)
{
    uint8_t content[1024];
    size_t content_len = sizeof content;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool is_good = context != NULL && EVP_PKEY_verify_recover_init(context) == 1 &&
                   EVP_PKEY_verify_recover(context, content, &content_len, signature, len) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return is_good;
}

enum activation_failure activation_explain_signature(
    EVP_PKEY *leaf_key, const uint8_t device_nonce[static ACTIVATION_NONCE_BYTES],
    const uint8_t server_nonce[static ACTIVATION_NONCE_BYTES], const uint8_t *signature, size_t len)
{
    if (verifies(leaf_key, EVP_sha256(), device_nonce, server_nonce, signature, len)) {
        return ACTIVATION_NO_FAILURE;
    }
    if (verifies(leaf_key, EVP_sha1(), device_nonce, server_nonce, signature, len)) {
        return ACT_F_SIGNATURE_SHA1;
    }
    return has_padding(leaf_key, signature, len) ? ACT_F_SIGNATURE_REJECTED
                                                 : ACT_F_WRONG_PRIVATE_KEY;
}
