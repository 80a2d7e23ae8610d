/* Certificates for scenarios, made once per process: no scenario needs a real one (harness.md 16). */
#ifndef AMTLAB_SCENARIOS_ENGINE_PKI_SET_H
#define AMTLAB_SCENARIOS_ENGINE_PKI_SET_H

#include "runtime/pki.h"
#include "runtime/pki_recipes.h"

struct pki_set;
/* NULL with diag when OpenSSL fails. */
struct pki_set *pki_set_new(struct amt_diag *diag);
void pki_set_free(struct pki_set *set); /* NULL is allowed */

/* The authority that actors trust. Borrowed. */
const struct pki_trust *pki_set_trust(const struct pki_set *set);
/* The same with its key, for servers that issue certificates. Borrowed. */
const struct pki_identity *pki_set_authority(const struct pki_set *set);

/* What is wrong with a server certificate (harness.md 7.4, tls_cert). */
enum pki_flaw {
    PKI_FLAW_NONE,
    PKI_FLAW_EXPIRED,
    PKI_FLAW_WRONG_HOST,
    PKI_FLAW_UNKNOWN_CA,
    PKI_FLAW_COUNT_
};
/* A server certificate with that CN (repeated as SAN) and flaw; kept for the next caller. NULL with
 * diag. Borrowed. */
const struct pki_identity *pki_set_server(struct pki_set *set, const char *common_name,
                                          enum pki_flaw flaw, struct amt_diag *diag);
/* A client certificate of the same authority with that CN and O ("": none), or of an unknown one. */
const struct pki_identity *pki_set_client(struct pki_set *set, const char *common_name,
                                          const char *organization, enum pki_flaw flaw,
                                          struct amt_diag *diag);

/* The provisioning certificates of a seed, domain and host (pki_kitchen_new, never NULL), the same as
 * `amtlab pki` makes; kept. Borrowed. NULL without memory. */
struct pki_kitchen *pki_set_kitchen(struct pki_set *set, const char *seed, const char *domain,
                                    const char *host);

#endif
