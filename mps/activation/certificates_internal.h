/* Between the files that read, order, check and choose provisioning certificates. */
#ifndef AMTLAB_MPS_ACTIVATION_CERTIFICATES_INTERNAL_H
#define AMTLAB_MPS_ACTIVATION_CERTIFICATES_INTERNAL_H

#include <openssl/pkcs12.h>

#include "mps/activation/certificates.h"

/* What the files of a set hold. */
struct certificate_bag {
    STACK_OF(X509) * primary; /* each of a PKCS#12 file; the first of each PEM file */
    STACK_OF(X509) * further; /* what else is in the PEM files */
    STACK_OF(X509) * authorities;
    EVP_PKEY *key;
    uint32_t key_count;
};
enum amt_err certificate_bag_init(struct certificate_bag *bag) AMT_MUST_USE;
void certificate_bag_fini(struct certificate_bag *bag);

#define PFX_ITERATIONS_MAX 10000000u /* of a key derivation: seconds, not hours */
/* AMT_ECERT: not PKCS#12, wrong password, damaged, more than iterations_max. reason: why, one line.
 * Certificates and the key of shrouded key bags are added to bag. */
enum amt_err pfx_read(const struct pki_providers *providers, const uint8_t *bytes, uint32_t len,
                      const char *password, uint32_t iterations_max, struct certificate_bag *bag,
                      char reason[static 160]) AMT_MUST_USE;
/* Certificates of a PEM text: the first to first, the others to others. AMT_ECERT: none, or a damaged
 * one. */
enum amt_err pem_read_certificates(const uint8_t *bytes, uint32_t len, STACK_OF(X509) * first,
                                   STACK_OF(X509) * others, char reason[static 160]) AMT_MUST_USE;
/* A private key without a passphrase. NULL with reason. */
EVP_PKEY *pem_read_key(const uint8_t *bytes, uint32_t len, char reason[static 160]);

/* Orders certificates as MeshCentral does (2.3): leaf first, root last, all used. False with the reason
 * in words when that cannot be done. */
bool certificates_order(STACK_OF(X509) * all, X509 *chain[static ACTIVATION_CHAIN_MAX],
                        uint32_t *count, char reason[static 200]);
/* The same, adding from bag what is missing, for the key that is there. */
bool certificates_complete(const struct certificate_bag *bag,
                           X509 *chain[static ACTIVATION_CHAIN_MAX], uint32_t *count,
                           char reason[static 200]);
/* Whether both have one RSA modulus and exponent. */
bool certificate_has_key(X509 *certificate, EVP_PKEY *key);
/* The first Common Name as UTF-8 (amt_free); NULL if there is none, or it holds a 0 byte. */
char *provisioning_common_name(X509 *certificate);

struct certificate_problems {
    struct amt_diag_list *list; /* NULL: lost */
    const char *label, *file;
    enum activation_failure worst; /* of the warnings */
    bool is_refused;
    enum activation_failure refusal; /* the first error */
    const char *reason;              /* static; see activation_refused_set */
    char text[200];                  /* of the first error */
};
/* What is remembered of a set that is not loaded (certificate_refused.c). NULL without memory. */
struct activation_refused_set *refused_set_new(const struct activation_certificate_source *source,
                                               const struct certificate_bag *bag,
                                               const struct certificate_problems *problems);
void refused_set_free(struct activation_refused_set *refused); /* NULL is allowed */
/* A text of activation.md 2.2 or our own, what to do, and the code. is_fatal: the set is not added. */
void certificate_problem(struct certificate_problems *problems, bool is_fatal,
                         enum activation_failure failure, const char *hint, const char *format, ...)
    AMT_PRINTF(5, 6);
/* Checks 9 to 12 of 2.2 and our own of 2.1 (ACT-SRV-010, 011) on an ordered chain. */
void certificates_check(const struct activation_certificate *certificate,
                        const struct activation_certificate_source *source, uint64_t now_s,
                        struct certificate_problems *problems);

#endif
