/* Keys and bytes from a seed: a test PKI that is the same everywhere. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

#include "base/memory.h"
#include "base/text.h"
#include "runtime/pki_internal.h"

#define EXPONENT      65537u
#define KEY_BITS_MIN  512u
#define KEY_BITS_MAX  8192u
#define PRIME_BYTES   (KEY_BITS_MAX / 16u)
#define COUNTER_BYTES 4u

static void hash_block(const char *seed, const char *purpose, uint32_t counter,
                       uint8_t out[static SHA256_DIGEST_LENGTH])
{
    const uint8_t k_counter[COUNTER_BYTES] = { (uint8_t)(counter >> 24), (uint8_t)(counter >> 16),
                                               (uint8_t)(counter >> 8), (uint8_t)counter };
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    /* With the 0 behind each text: no two pairs give the same bytes. */
    bool good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(context, seed, strlen(seed) + 1) == 1 &&
                EVP_DigestUpdate(context, purpose, strlen(purpose) + 1) == 1 &&
                EVP_DigestUpdate(context, k_counter, sizeof k_counter) == 1 &&
                EVP_DigestFinal_ex(context, out, NULL) == 1;
    if (!good) {
        memset(out, 0, SHA256_DIGEST_LENGTH);
    }
    EVP_MD_CTX_free(context);
}

void pki_seed_bytes(const char *seed, const char *purpose, void *out, size_t len)
{
    uint8_t block[SHA256_DIGEST_LENGTH];
    uint8_t *bytes = out;
    uint32_t counter = 0;
    for (size_t at = 0; at < len; at += sizeof block) {
        size_t part = len - at < sizeof block ? len - at : sizeof block;
        hash_block(seed, purpose, counter, block);
        memcpy(bytes + at, block, part);
        counter += 1;
    }
}

/* The first prime at or behind a number from the seed whose two highest bits are 1, so that a product
 * of two has all bits, and which e does not divide by one below it. */
static bool find_prime(BIGNUM *prime, const char *seed, const char *purpose, const char *which,
                       uint32_t bits, BN_CTX *context)
{
    uint8_t bytes[PRIME_BYTES] = { 0 };
    struct text name = { 0 };
    text_printf(&name, "%s/%s/%u", purpose, which, bits);
    if (name.failed) {
        return false;
    }
    pki_seed_bytes(seed, text_chars(&name), bytes, bits / 8);
    text_fini(&name);
    bytes[0] |= 0xc0;
    bytes[bits / 8 - 1] |= 1;
    bool good = BN_bin2bn(bytes, (int)(bits / 8), prime) != NULL;
    while (good) {
        int is_prime = BN_mod_word(prime, EXPONENT) == 1 ? 0 : BN_check_prime(prime, context, NULL);
        if (is_prime != 0) {
            return is_prime == 1;
        }
        good = BN_add_word(prime, 2) == 1;
    }
    return false;
}

struct rsa_numbers {
    BIGNUM *n, *e, *d, *p, *q, *dp, *dq, *qi;
};

static bool compute(struct rsa_numbers *r, BN_CTX *context)
{
    BIGNUM *p1 = BN_CTX_get(context);
    BIGNUM *q1 = BN_CTX_get(context);
    BIGNUM *phi = BN_CTX_get(context);
    if (BN_cmp(r->p, r->q) < 0) {
        BN_swap(r->p, r->q);
    }
    return phi != NULL && BN_mul(r->n, r->p, r->q, context) == 1 &&
           BN_set_word(r->e, EXPONENT) == 1 && BN_sub(p1, r->p, BN_value_one()) == 1 &&
           BN_sub(q1, r->q, BN_value_one()) == 1 && BN_mul(phi, p1, q1, context) == 1 &&
           BN_mod_inverse(r->d, r->e, phi, context) != NULL &&
           BN_mod(r->dp, r->d, p1, context) == 1 && BN_mod(r->dq, r->d, q1, context) == 1 &&
           BN_mod_inverse(r->qi, r->q, r->p, context) != NULL;
}

static EVP_PKEY *key_of(const struct rsa_numbers *r)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    bool good = builder != NULL && context != NULL &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, r->n) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, r->e) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, r->d) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR1, r->p) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR2, r->q) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT1, r->dp) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT2, r->dq) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, r->qi) == 1;
    if (good) {
        parameters = OSSL_PARAM_BLD_to_param(builder);
    }
    if (parameters == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters) != 1) {
        key = NULL;
    }
    OSSL_PARAM_free(parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

struct evp_pkey_st *pki_seed_rsa(const char *seed, const char *purpose, uint32_t bits)
{
    EVP_PKEY *key = NULL;
    BN_CTX *context = BN_CTX_new();
    if (context == NULL || bits < KEY_BITS_MIN || bits > KEY_BITS_MAX || bits % 16 != 0) {
        BN_CTX_free(context);
        return NULL;
    }
    BN_CTX_start(context);
    struct rsa_numbers r = { BN_CTX_get(context), BN_CTX_get(context), BN_CTX_get(context),
                             BN_CTX_get(context), BN_CTX_get(context), BN_CTX_get(context),
                             BN_CTX_get(context), BN_CTX_get(context) };
    if (r.qi != NULL && find_prime(r.p, seed, purpose, "p", bits / 2, context) &&
        find_prime(r.q, seed, purpose, "q", bits / 2, context) && compute(&r, context)) {
        key = key_of(&r);
    }
    BN_CTX_end(context);
    BN_CTX_free(context);
    ERR_clear_error();
    return key;
}
