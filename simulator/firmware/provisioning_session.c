/*
 * Setting up over TLS with the provisioning certificate as the client's: from the network after a
 * hello, or from the host (activation.md 4.7, 11.3). Nobody logs on there: the certificate is enough.
 */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <string.h>

#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/users.h"

static const EVP_MD *digest_of(enum keys_hash_type type)
{
    return type == KEYS_HASH_SHA384 ? EVP_sha384() : EVP_sha256();
}

enum amt_err provisioning_start_host_based(struct firmware *firmware, enum keys_hash_type type,
                                           const uint8_t *hash)
{
    struct provisioning *provisioning = firmware->provisioning;
    if (type != KEYS_HASH_SHA256 && type != KEYS_HASH_SHA384) {
        return AMT_EMALFORMED;
    }
    TRY(provisioning_start(firmware));
    provisioning_hello_end(firmware); /* its client is there already */
    provisioning->announced_type = type;
    provisioning->announced_len = (uint32_t)EVP_MD_get_size(digest_of(type));
    memcpy(provisioning->announced, hash, provisioning->announced_len);
    return AMT_OK;
}

/* ACT-DEV-041 */
static bool is_announced(const struct provisioning *provisioning, X509 *leaf)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    return provisioning->announced_len == 0 ||
           (X509_digest(leaf, digest_of(provisioning->announced_type), hash, &len) == 1 &&
            len == provisioning->announced_len && memcmp(hash, provisioning->announced, len) == 0);
}

static bool is_self_signed(X509 *certificate)
{
    return X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(certificate)) ==
           0;
}

static X509 *issuer_among(const STACK_OF(X509) * sent, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(sent); i++) {
        X509 *candidate = sk_X509_value(sent, i);
        if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(candidate)) ==
            0) {
            return candidate;
        }
    }
    return NULL;
}

/* The chain from the leaf to its root, in whatever order it was sent; the root must be among it. */
static bool take_chain(struct firmware *firmware, struct setup_chain *chain, X509 *leaf,
                       const STACK_OF(X509) * sent)
{
    X509 *at = leaf;
    while (at != NULL && chain->status != CHAIN_COMPLETE) {
        if (setup_chain_append(firmware, chain, at, is_self_signed(at)) != CHAIN_OK) {
            return false;
        }
        X509_up_ref(at); /* it is the chain's */
        at = is_self_signed(at) ? NULL : issuer_among(sent, at);
    }
    return chain->status == CHAIN_COMPLETE;
}

#define ALERT_BAD_CERTIFICATE 42
#define ALERT_UNKNOWN_CA      48

/* Why this client does not get in; NULL: it does. */
static const char *judge(struct firmware *firmware, struct setup_chain *chain, X509 *leaf,
                         const STACK_OF(X509) * sent, int *alert)
{
    *alert = ALERT_BAD_CERTIFICATE;
    if (EVP_PKEY_get_base_id(X509_get0_pubkey(leaf)) != EVP_PKEY_RSA) {
        return "not an RSA certificate";
    }
    if (!is_announced(firmware->provisioning, leaf)) {
        return "another certificate than the one that was announced";
    }
    if (!take_chain(firmware, chain, leaf, sent)) {
        *alert = ALERT_UNKNOWN_CA;
        return chain->why == NULL ? "the chain ends before a root" : chain->why;
    }
    return setup_chain_leaf_fault(firmware, chain);
}

const char *provisioning_session_judge(void *ctx, X509 *leaf, const STACK_OF(X509) * sent,
                                       int *alert)
{
    struct firmware *firmware = ctx;
    struct setup_chain chain = { .count = 0 };
    const char *why = judge(firmware, &chain, leaf, sent, alert);
    setup_chain_clear(&chain);
    if (why != NULL) {
        LOG(firmware->log, LOG_INFO, "provisioning.session", log_text("uuid", firmware->uuid_text),
            log_text("why", why));
    }
    return why;
}

bool provisioning_session_begins(struct firmware *firmware, const struct stream *s)
{
    struct provisioning *provisioning = firmware->provisioning;
    struct ssl_st *ssl = stream_tls(s);
    X509 *leaf = ssl == NULL ? NULL : SSL_get0_peer_certificate(ssl);
    struct setup_chain chain = { .count = 0 };
    int alert = 0;
    if (provisioning->state != PROVISIONING_IN) {
        return false;
    }
    const char *why = leaf == NULL
                          ? "it showed no certificate"
                          : judge(firmware, &chain, leaf, SSL_get_peer_cert_chain(ssl), &alert);
    LOG(firmware->log, LOG_INFO, "provisioning.session", log_text("uuid", firmware->uuid_text),
        log_text("why", why == NULL ? "" : why));
    if (why != NULL) {
        setup_chain_clear(&chain);
        return false;
    }
    setup_chain_clear(&provisioning->session);
    provisioning->session = chain;
    return true;
}

bool provisioning_session_user(const struct firmware *firmware, struct firmware_user *user)
{
    if (firmware->provisioning->state != PROVISIONING_IN) {
        return false; /* committed or given up: from here on as everybody */
    }
    users_administrator(firmware, user);
    return true;
}
