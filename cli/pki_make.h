/* The test PKI: provisioning certificates right and wrong, certificates of devices and of an MPS. */
#ifndef AMTLAB_CLI_PKI_MAKE_H
#define AMTLAB_CLI_PKI_MAKE_H

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

struct pki_settings {
    const char *folder, *seed, *domain, *mps_name, *password;
    const char *const *mps_names; /* further SANs; NULL-terminated, or NULL */
    const char *const *devices;   /* names; NULL-terminated; NULL: amt.DOMAIN */
};
/* Writes all files into the folder, which is made if it is not there. AMT_ESYS, AMT_EBUG, AMT_ENOMEM,
 * with diag. count gets the number of files. */
enum amt_err pki_make(const struct pki_settings *settings, uint32_t *count,
                      struct amt_diag *diag) AMT_MUST_USE;

#endif
