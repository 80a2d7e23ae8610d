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
};

struct pki_trust {
    X509_STORE *store;
    uint32_t references;
};

/* Takes certificate and key (also on failure). above may be NULL. */
struct pki_identity *pki_identity_new(X509 *certificate, EVP_PKEY *key);
/* Empties OpenSSL's error queue; the first reason in words, or "no reason given". */
void pki_openssl_reason(char *out, size_t cap);

#endif
