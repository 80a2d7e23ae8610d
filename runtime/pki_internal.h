/* Shared by the files that make, load and use certificates. */
#ifndef AMTLAB_RUNTIME_PKI_INTERNAL_H
#define AMTLAB_RUNTIME_PKI_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "runtime/pki.h"

struct pki_identity {
    X509 *certificate;
    EVP_PKEY *key;
    STACK_OF(X509) * above; /* issuers, nearest first; may be empty */
    uint32_t references;
    struct pki_identity *self; /* counting references changes nothing a const pointer promises */
};

struct pki_trust {
    X509_STORE *store;
    uint32_t references;
    struct pki_trust *self;
};

/* Takes certificate and key (also on failure). NULL without memory. */
struct pki_identity *pki_identity_new(X509 *certificate, EVP_PKEY *key);
/* The most specific Common Name as UTF-8 into out, cut to cap; "" if there is none, or if it
 * holds a 0 byte, at which a reader of C strings would see another name end. */
void pki_common_name(X509 *certificate, char *out, size_t cap);
/* True when a SAN entry, DNS name or IP address, covers name. */
bool pki_covers_alternative_name(X509 *certificate, const char *name);
typedef bool pki_write_fn(BIO *bio, const void *what);
/* Writes a file atomically: temporary file, fsync, rename, fsync of the folder. */
enum amt_err pki_write_file(const char *path, uint32_t mode, pki_write_fn *write, const void *what,
                            struct amt_diag *diag) AMT_MUST_USE;
/* Empties OpenSSL's error queue; the first reason in words, or "no reason given". */
void pki_openssl_reason(char *out, size_t cap);

#endif
