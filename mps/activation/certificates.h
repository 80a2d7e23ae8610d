/*
 * Provisioning certificates: loaded from PKCS#12 or PEM files in any order, completed, ordered and
 * checked (activation.md 2); chosen for a device by its suffix and root hashes (2.5, 3).
 */
#ifndef AMTLAB_MPS_ACTIVATION_CERTIFICATES_H
#define AMTLAB_MPS_ACTIVATION_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/diag.h"
#include "base/text.h"
#include "protocol/activation/failures.h"
#include "protocol/activation/report.h"
#include "runtime/pki.h"

#define ACTIVATION_CHAIN_MAX 8u

/* One set: what is in a `certs` entry. */
struct activation_certificate {
    char *label;                       /* key of the set in the configuration */
    X509 *chain[ACTIVATION_CHAIN_MAX]; /* leaf first, root last */
    uint32_t chain_count;
    EVP_PKEY *key;
    char *
        name; /* the domain it stands for (3.3); "*" for the server's own root, which has no chain */
    uint8_t root_sha1[20], root_sha256[32], root_sha384[48];
    enum activation_failure warning; /* worst of what is wrong with it but not fatal; or none */
    bool ignores_sha384;             /* as of its source */
};

struct activation_certificate_source {
    const char *label;
    const char *pfx_path, *pfx_password; /* PKCS#12, or NULL */
    const char *const *cert_paths;       /* PEM files, any order; NULL-terminated */
    const char *key_path;
    bool is_strict_common_name; /* the CN as it is, not its domain */
    bool is_compatible;         /* what MeshCentral accepts is a warning, not an error */
    bool refuses_expired;       /* dates are an error, as on upload to RPS (F54); else a warning */
    /* A root that the device knows by its SHA-384 hash alone is no match, as in MeshCentral (F8). */
    bool ignores_sha384;
    /* PEM of intermediates and roots that may complete a chain; NULL: only what the files hold. */
    const char *authorities_path;
};

/* A set that could not be loaded. */
struct activation_refused_set {
    char *label;
    char *name; /* the domain it would stand for; NULL: unknown, so any */
    enum activation_failure failure;
    const char
        *reason;   /* finer than the code: "chain_incomplete", "chain_signature"; NULL. Static */
    char *text;    /* what the first error said */
    bool has_root; /* one self-signed certificate was there, of no use to the chain */
    uint8_t root_sha256[32], root_sha384[48], root_sha1[20];
};

struct activation_certificates;
struct activation_certificates *activation_certificates_new(void);
void activation_certificates_free(struct activation_certificates *set); /* NULL is allowed */
/* Loads a set. On an error nothing is added, and problems gets a diagnostic for each (message of
 * activation.md 2.2 or our own, file, what to do, code ACT-F-nn as its requirement); warnings are added
 * too, with err AMT_OK. AMT_ECERT: not usable, see problems. AMT_ENOMEM. */
enum amt_err activation_certificates_load(struct activation_certificates *set,
                                          const struct activation_certificate_source *source,
                                          uint64_t now_s,
                                          struct amt_diag_list *problems) AMT_MUST_USE;
/* The first refused set that would have stood for a device's suffix (cleaned); NULL. Borrowed. A device for
 * which there is no other certificate fails with its failure (F2 and the rows of 2.2). */
const struct activation_refused_set *
activation_certificates_refused(const struct activation_certificates *set, const char *suffix);
/* The server's own root as an entry named "*" (2.6): leaves are made when needed. */
enum amt_err activation_certificates_add_root(struct activation_certificates *set,
                                              const struct pki_identity *root) AMT_MUST_USE;
/* Sets and own root; leaves made on demand do not count. */
uint32_t activation_certificates_count(const struct activation_certificates *set);
/* Until when any set, valid at that time, stays valid (Unix seconds): only so long are ACM policy and
 * activation link offered. 0: none is valid then. ACTIVATION_NO_END: the own root, for ever. */
#define ACTIVATION_NO_END ((uint64_t)INT64_MAX)
uint64_t activation_certificates_usable_until(const struct activation_certificates *set,
                                              uint64_t now_s);
/* While withdrawn, no certificate is chosen (F54). */
void activation_certificates_withdraw(struct activation_certificates *set, bool is_withdrawn);
const struct activation_certificate *
activation_certificates_at(const struct activation_certificates *set, uint32_t at);

/* The certificate for a device, or the failure that says why there is none (F1, F3 to F8, F16, F59,
 * F60); facts gets what separates those: suffix, names, hashes with flags. Borrowed until the set
 * changes; a leaf made under the own root is kept in the set. hash gets the device's hash that fits. */
const struct activation_certificate *activation_certificates_choose(
    struct activation_certificates *set, const struct activation_report *report,
    const struct activation_hash **hash, enum activation_failure *failure, struct text *facts);
/* What the person at the client is told, with the texts of MeshCentral where it has one (10, F1 to F7);
 * suffix as reported. */
void activation_refusal(enum activation_failure failure, const char *suffix, struct text *out);
/* The name under which a certificate with that Common Name is kept (3.3): its domain by the table of
 * top level domains, or the whole if that is strict. NULL without memory; amt_free. */
char *activation_name_of(const char *common_name, bool is_strict);
/* Whether a name of a certificate covers a DNS suffix (3.3), letter case aside; blanks and dots at the
 * end of the suffix are not looked away from here. "*" covers 4 to 256 characters. */
bool activation_name_covers(const char *name, const char *suffix);
/* RSA PKCS#1 v1.5 with SHA-256 over device nonce and server nonce (5.1). AMT_ECERT, AMT_ENOMEM. */
enum amt_err activation_sign(const struct activation_certificate *certificate,
                             const uint8_t device_nonce[static 20],
                             const uint8_t server_nonce[static 20],
                             struct text *base64) AMT_MUST_USE;
/* The same with SHA-1, as MeshCentral signs when a SHA-1 hash matched: by an explicit switch only
 * (ACT-SRV-023). */
enum amt_err activation_sign_sha1(const struct activation_certificate *certificate,
                                  const uint8_t device_nonce[static 20],
                                  const uint8_t server_nonce[static 20],
                                  struct text *base64) AMT_MUST_USE;

#endif
