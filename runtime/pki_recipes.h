/*
 * The recipes of the test PKI: provisioning certificates that are right, or wrong in each way that
 * activation.md 2 and 10 name. For `amtlab pki` and for scenarios; from a seed, so no secrets.
 */
#ifndef AMTLAB_RUNTIME_PKI_RECIPES_H
#define AMTLAB_RUNTIME_PKI_RECIPES_H

#include "base/diag.h"
#include "protocol/activation/failures.h"
#include "runtime/pki.h"

enum pki_kind { PKI_AUTHORITY, PKI_PROVISIONING };

/* One line of the table: what is made, and what is wrong with it. */
struct pki_recipe {
    const char *name; /* of its files */
    enum pki_kind kind;
    const char *issuer;       /* name of another recipe above; NULL: self-signed */
    const char *what;         /* for people */
    const char *host, *other; /* Common Name: host.DOMAIN, or another name; both NULL: none */
    const char *unit, *usages;
    const char *digest;
    const char *key;                    /* purpose of the key; NULL: name */
    uint32_t bits;                      /* 0: 2048 */
    uint64_t not_before_s, not_after_s; /* 0: 2018 to 2049 */
    bool has_domain_names;              /* SANs in the domain */
    bool has_broken_signature;
    enum activation_failure failure; /* what the checks must say of it */
};
extern const struct pki_recipe k_pki_recipes[]; /* ends with a NULL name */

/* Its place in the table; -1. An underscore in name stands for a hyphen too: leaf_badsig. */
int pki_recipe_find(const char *name);

/* Certificates of one seed and domain, made when they are asked for. */
struct pki_kitchen;
/* host: of the leaves' Common Names instead of vpro; "": they are the domain itself, as top level domains
 * that are not in the table of activation.md 3.2 need it; NULL: vpro. All are copied. NULL without
 * memory. */
struct pki_kitchen *pki_kitchen_new(const char *seed, const char *domain, const char *host);
void pki_kitchen_free(struct pki_kitchen *kitchen); /* NULL is allowed */
/* Certificate, key, and the chain above. Borrowed. NULL with diag: AMT_EUNKNOWN (no such recipe),
 * AMT_EBUG, AMT_ENOMEM. */
const struct pki_identity *pki_kitchen_get(struct pki_kitchen *kitchen, const char *name,
                                           struct amt_diag *diag);
/* Any other certificate whose RSA key comes from the seed; bits 0: 2048. organization and digest are
 * filled in. The caller frees it. NULL with diag. */
struct pki_identity *pki_kitchen_issue(const struct pki_kitchen *kitchen, const char *key_purpose,
                                       uint32_t bits, struct pki_request *request,
                                       const struct pki_identity *issuer, struct amt_diag *diag);

#endif
