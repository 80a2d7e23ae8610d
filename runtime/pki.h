/* Certificates and keys: making, loading, saving. OpenSSL underneath. */
#ifndef AMTLAB_RUNTIME_PKI_H
#define AMTLAB_RUNTIME_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* Certificate, private key, and the certificates above it; reference counted, for one thread. */
struct pki_identity;
/* Set of trusted roots; reference counted, for one thread. */
struct pki_trust;
struct x509_st;
struct evp_pkey_st;

enum pki_key { PKI_RSA_3072, PKI_RSA_2048, PKI_P256 };
/* "rsa3072" "rsa2048" "p256" */
enum amt_err pki_key_parse(const char *text, enum pki_key *key) AMT_MUST_USE;

struct pki_request {
    const char *common_name;
    const char *organization; /* NULL: none */
    const char *const
        *names; /* further SANs, DNS names and IP addresses; NULL-terminated, or NULL */
    enum pki_key key;
    bool is_authority;           /* CA with keyCertSign */
    bool for_server, for_client; /* extended key usage */
    uint64_t not_before_s,
        not_after_s; /* Unix seconds; 0: 2018-01-01 and 2049-12-31, as MeshCentral */
    /* For certificates that must be of a certain kind, wrong ones included: */
    const char *country, *unit; /* C and OU; NULL: none */
    const char *usages;         /* extended key usages as OpenSSL writes them ("serverAuth,1.2.3"),
                                      instead of for_server and for_client; "": none */
    struct evp_pkey_st *given_key; /* borrowed; NULL: a new one of the kind `key` */
    uint64_t serial;               /* 0: random */
    const char *digest;            /* "sha1" "sha256" "sha384"; NULL: by the issuer's key */
    bool has_broken_signature;     /* its last bit is the wrong one */
};

/* Self-signed with issuer NULL. common_name may be NULL: no CN. AMT_EBUG only when OpenSSL fails. */
struct pki_identity *pki_issue(const struct pki_request *request, const struct pki_identity *issuer,
                               struct amt_diag *diag);
/* PEM files; cert_path may hold a chain in any order after the leaf. NULL with diag, which names
 * the file: AMT_ESYS (cannot be read), AMT_ECERT (not PEM, damaged, key encrypted, readable by
 * others or not the certificate's, a certificate that belongs to no chain), AMT_ETOOBIG,
 * AMT_ENOMEM. */
struct pki_identity *pki_load(const char *cert_path, const char *key_path, struct amt_diag *diag);
/* Writes atomically (temporary file, fsync, rename); key_path gets mode 0600. NULL: not written. */
enum amt_err pki_save(const struct pki_identity *identity, const char *cert_path,
                      const char *key_path, struct amt_diag *diag) AMT_MUST_USE;
/* From certificate and key in memory, of which it keeps references. NULL without memory. */
struct pki_identity *pki_identity_of(struct x509_st *certificate, struct evp_pkey_st *key);
/* Puts an issuer behind those that are there; keeps a reference. AMT_ENOMEM. */
enum amt_err pki_identity_add_issuer(struct pki_identity *identity,
                                     struct x509_st *issuer) AMT_MUST_USE;
struct pki_identity *pki_identity_ref(const struct pki_identity *identity);
void pki_identity_free(struct pki_identity *identity); /* drops one reference; NULL is allowed */
struct x509_st *pki_certificate(const struct pki_identity *identity); /* borrowed */
struct evp_pkey_st *pki_key(const struct pki_identity *identity);     /* borrowed */
/* The topmost certificate: the last issuer, or its own; borrowed. */
struct x509_st *pki_root(const struct pki_identity *identity);
/* SHA-256 in hex, lower case. */
void pki_fingerprint(const struct pki_identity *identity, char out[static 65]);
/* True when the certificate carries name as CN and repeats it as SAN (APF-MPS-006). */
bool pki_has_name(const struct pki_identity *identity, const char *name);
/* True when a SAN entry holds name (DNS name or IP address). */
bool pki_has_alternative_name(const struct pki_identity *identity, const char *name);
/* End of validity, Unix seconds. */
uint64_t pki_not_after_s(const struct pki_identity *identity);
/* True when the key is of that kind. */
bool pki_is_key(const struct pki_identity *identity, enum pki_key key);
/* The first certificate of a PEM file as DER (amt_free). NULL with diag, as pki_load. */
uint8_t *pki_load_der(const char *path, uint32_t *len, struct amt_diag *diag);
/* PEM text of the certificate alone (amt_free). */
char *pki_certificate_pem(const struct pki_identity *identity);

/*
 * A library context of OpenSSL with the legacy algorithms (RC2 of old PKCS#12 files), so that nothing
 * else of the program gets to use them.
 */
struct pki_providers {
    struct ossl_lib_ctx_st *context;
    struct ossl_provider_st *modern, *legacy; /* legacy: NULL when it is not installed */
};
enum amt_err pki_providers_init(struct pki_providers *providers) AMT_MUST_USE; /* AMT_ENOMEM */
void pki_providers_fini(struct pki_providers *providers);

/*
 * For tests only: what is made from a seed is no secret. The same seed and purpose give the same bytes
 * (SHA-256 over both and a counter), on every computer.
 */
void pki_seed_bytes(const char *seed, const char *purpose, void *out, size_t len);
/* An RSA key of that many bits (512 to 8192) from a seed: each prime is the first behind a number of
 * pki_seed_bytes. NULL when OpenSSL fails. EVP_PKEY_free. */
struct evp_pkey_st *pki_seed_rsa(const char *seed, const char *purpose, uint32_t bits);

struct pki_pfx {
    const char *password;
    const char *seed;         /* salts and IVs from it; NULL: random */
    bool is_legacy;           /* RC2-40, 3DES and SHA-1 as Windows XP; else AES-256 and SHA-256 */
    bool is_reversed;         /* certificates root first */
    uint32_t skip_from_above; /* leaves out that many of the chain at its root end */
};
/* Certificate, key and the chain above as PKCS#12, mode 0600; atomically, as pki_save. */
enum amt_err pki_save_pfx(const struct pki_identity *identity, const char *path,
                          const struct pki_pfx *pfx, struct amt_diag *diag) AMT_MUST_USE;

struct pki_trust *pki_trust_new(void);
enum amt_err pki_trust_add(struct pki_trust *trust, const struct pki_identity *root) AMT_MUST_USE;
enum amt_err pki_trust_add_certificate(struct pki_trust *trust, struct x509_st *root) AMT_MUST_USE;
/* All certificates of a PEM file, or none: AMT_ESYS, AMT_ECERT, AMT_ENOMEM. */
enum amt_err pki_trust_load(struct pki_trust *trust, const char *path,
                            struct amt_diag *diag) AMT_MUST_USE;
struct pki_trust *pki_trust_ref(const struct pki_trust *trust);
void pki_trust_free(struct pki_trust *trust);

#endif
