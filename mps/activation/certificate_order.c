/* Ordering and completing chains: activation.md 2.3. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/memory.h"
#include "mps/activation/certificates_internal.h"

static bool is_self_issued(X509 *certificate)
{
    return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) ==
           0;
}

static bool is_issued_by_name(X509 *below, X509 *above)
{
    return X509_NAME_cmp(X509_get_issuer_name(below), X509_get_subject_name(above)) == 0;
}

static void name_text(const X509_NAME *name, char out[static 80])
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *chars = NULL;
    long len = 0;
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        len = BIO_get_mem_data(bio, &chars);
    }
    (void)snprintf(out, 80, "%.*s", (int)(len > 79 ? 79 : len), len > 0 ? chars : "");
    BIO_free(bio);
    ERR_clear_error();
}

/* Why a set is no chain: what a person has to look for. */
static void explain(STACK_OF(X509) * all, const bool *is_placed, char reason[static 200])
{
    char name[80];
    for (int i = 0; i < sk_X509_num(all); i++) {
        for (int k = 0; k < i; k++) {
            if (X509_cmp(sk_X509_value(all, i), sk_X509_value(all, k)) == 0) {
                name_text(X509_get_subject_name(sk_X509_value(all, i)), name);
                (void)snprintf(reason, 200, "\"%s\" is there twice", name);
                return;
            }
        }
    }
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *certificate = sk_X509_value(all, i);
        bool has_issuer = false;
        for (int k = 0; k < sk_X509_num(all); k++) {
            has_issuer = has_issuer || is_issued_by_name(certificate, sk_X509_value(all, k));
        }
        if (!has_issuer) {
            name_text(X509_get_issuer_name(certificate), name);
            (void)snprintf(reason, 200, "the issuer \"%s\" is missing", name);
            return;
        }
    }
    for (int i = 0; i < sk_X509_num(all); i++) {
        if (!is_placed[i]) {
            name_text(X509_get_subject_name(sk_X509_value(all, i)), name);
            (void)snprintf(reason, 200, "\"%s\" does not belong into one chain with the others",
                           name);
            return;
        }
    }
    (void)snprintf(reason, 200, "there is no self-signed root");
}

#define PLACES_MAX 256 /* above what any reader here hands over */

static int find_root(STACK_OF(X509) * all)
{
    for (int i = 0; i < sk_X509_num(all); i++) {
        if (is_self_issued(sk_X509_value(all, i))) {
            return i;
        }
    }
    return -1;
}

/* The certificate that is to stand below last, or -1. */
static int find_below(STACK_OF(X509) * all, const bool *is_placed, X509 *last)
{
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *certificate = sk_X509_value(all, i);
        if (!is_placed[i] && !is_self_issued(certificate) && is_issued_by_name(certificate, last)) {
            return i;
        }
    }
    return -1;
}

bool certificates_order(STACK_OF(X509) * all, X509 *chain[static ACTIVATION_CHAIN_MAX],
                        uint32_t *count, char reason[static 200])
{
    bool is_placed[PLACES_MAX] = { false };
    X509 *upward[ACTIVATION_CHAIN_MAX];
    int total = sk_X509_num(all);
    *count = 0;
    if (total > PLACES_MAX) {
        (void)snprintf(reason, 200, "these are more certificates than any chain has");
        return false;
    }
    int next = find_root(all);
    while (next >= 0 && *count < ACTIVATION_CHAIN_MAX) {
        upward[*count] = sk_X509_value(all, next);
        is_placed[next] = true;
        *count += 1;
        next = find_below(all, is_placed, upward[*count - 1]);
    }
    if (total == 0 || *count != (uint32_t)total) {
        explain(all, is_placed, reason);
        if (*count == ACTIVATION_CHAIN_MAX) {
            (void)snprintf(reason, 200, "the chain is longer than %u certificates",
                           ACTIVATION_CHAIN_MAX);
        }
        return false;
    }
    for (uint32_t i = 0; i < *count; i++) {
        chain[i] = upward[*count - 1 - i];
    }
    return true;
}

/* --- completing --- */

static bool holds(STACK_OF(X509) * all, X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(all); i++) {
        if (X509_cmp(sk_X509_value(all, i), certificate) == 0) {
            return true;
        }
    }
    return false;
}

/* The issuer by name and signature, so that of two with one name the right one is taken. */
static X509 *find_issuer(STACK_OF(X509) * pool, X509 *below)
{
    for (int i = 0; i < sk_X509_num(pool); i++) {
        X509 *above = sk_X509_value(pool, i);
        bool is_it =
            is_issued_by_name(below, above) && X509_verify(below, X509_get0_pubkey(above)) == 1;
        ERR_clear_error();
        if (is_it) {
            return above;
        }
    }
    return NULL;
}

/* The certificate of the key, wherever it stands. */
static X509 *find_leaf(const struct certificate_bag *bag)
{
    STACK_OF(X509) *const k_pools[] = { bag->primary, bag->further };
    for (size_t p = 0; p < 2; p++) {
        for (int i = 0; i < sk_X509_num(k_pools[p]); i++) {
            if (certificate_has_key(sk_X509_value(k_pools[p], i), bag->key)) {
                return sk_X509_value(k_pools[p], i);
            }
        }
    }
    return NULL;
}

/* Walks from the leaf to a root through all that is there. Every certificate that was named in the
 * configuration must be on that way: one that is not is a mistake there (2.3). */
static bool walk_up(const struct certificate_bag *bag, X509 *chain[static ACTIVATION_CHAIN_MAX],
                    uint32_t *count)
{
    STACK_OF(X509) *const k_pools[] = { bag->primary, bag->further, bag->authorities };
    X509 *at = find_leaf(bag);
    int used = 0;
    *count = 0;
    while (at != NULL && *count < ACTIVATION_CHAIN_MAX) {
        chain[*count] = at;
        *count += 1;
        used += holds(bag->primary, at) ? 1 : 0;
        if (is_self_issued(at)) {
            return used == sk_X509_num(bag->primary) && *count > 1;
        }
        X509 *above = NULL;
        for (size_t p = 0; p < 3 && above == NULL; p++) {
            above = find_issuer(k_pools[p], at);
        }
        at = above;
    }
    return false;
}

bool certificates_complete(const struct certificate_bag *bag,
                           X509 *chain[static ACTIVATION_CHAIN_MAX], uint32_t *count,
                           char reason[static 200])
{
    bool is_ordered = certificates_order(bag->primary, chain, count, reason);
    if (is_ordered && *count > 1 && certificate_has_key(chain[0], bag->key)) {
        return true;
    }
    X509 *walked[ACTIVATION_CHAIN_MAX] = { NULL };
    uint32_t walked_count = 0;
    if (walk_up(bag, walked, &walked_count)) {
        memcpy(chain, walked, sizeof walked);
        *count = walked_count;
        return true;
    }
    return is_ordered; /* check 9 has its own text for a leaf that is missing */
}
