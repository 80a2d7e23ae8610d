/* The provisioning certificate: its chain, its marks, its domain, its signature (activation.md 2, 3, 5). */
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "simulator/firmware/keys.h"
#include "simulator/firmware/provisioning_internal.h"

#define SETUP_USAGE     "2.16.840.1.113741.1.2.3"
#define SETUP_UNIT      "Intel(R) Client Setup Certificate"
#define MODERN_RELEASE  1600u /* from here on no SHA-1 and no short keys (ACT-DEV-015) */
#define MODERN_KEY_BITS 2048
#define NAME_LABELS_MAX 128u

void setup_chain_clear(struct setup_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        X509_free(chain->certificates[i]);
    }
    *chain = (struct setup_chain){ 0 };
}

static X509 *read_certificate(const uint8_t *der, size_t len)
{
    if (der == NULL || len == 0 || len > INT32_MAX) {
        return NULL;
    }
    const unsigned char *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)len);
    bool is_whole = certificate != NULL && at == der + len;
    EVP_PKEY *key = is_whole ? X509_get0_pubkey(certificate) : NULL;
    ERR_clear_error();
    if (key == NULL || EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static bool is_strong_enough(const struct firmware *firmware, X509 *certificate)
{
    if (!firmware_is_release(firmware, MODERN_RELEASE)) {
        return true;
    }
    int digest = NID_undef;
    X509_get_signature_info(certificate, &digest, NULL, NULL, NULL);
    return digest != NID_sha1 && digest != NID_md5 &&
           EVP_PKEY_bits(X509_get0_pubkey(certificate)) >= MODERN_KEY_BITS;
}

static bool is_issued_by(X509 *certificate, X509 *issuer)
{
    bool is =
        X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
        X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return is;
}

/* Among the active entries of AMT_ProvisioningCertificateHash. */
static bool root_is_known(const struct firmware *firmware, X509 *root, struct setup_chain *chain)
{
    struct keys_hash hash;
    if (!keys_hash_of_root(firmware, root, &hash)) {
        return false;
    }
    chain->hash_type = (uint32_t)hash.type;
    chain->hash_len = hash.len;
    memcpy(chain->hash, hash.bytes, hash.len);
    chain->hash_is_default = hash.is_default;
    return true;
}

static enum chain_result refuse(struct setup_chain *chain, enum chain_result result,
                                const char *why)
{
    chain->why = why;
    return result;
}

enum chain_result setup_chain_append(struct firmware *firmware, struct setup_chain *chain,
                                     X509 *certificate, bool is_root)
{
    if (chain->count >= CHAIN_MAX) {
        return refuse(chain, CHAIN_TOO_LONG, "the chain is too long");
    }
    if (chain->count > 0 && !is_issued_by(chain->certificates[chain->count - 1], certificate)) {
        return refuse(chain, CHAIN_VERIFY_FAILED, "it did not issue the one before");
    }
    if (!is_strong_enough(firmware, certificate)) {
        return refuse(chain, CHAIN_VERIFY_FAILED, "SHA-1 or a short key, from release 16 on");
    }
    if (is_root && !is_issued_by(certificate, certificate)) {
        return refuse(chain, CHAIN_VERIFY_FAILED, "a root that did not sign itself");
    }
    if (is_root && !root_is_known(firmware, certificate, chain)) {
        return refuse(chain, CHAIN_VERIFY_FAILED, "the root is not among the active hashes");
    }
    chain->certificates[chain->count++] = certificate;
    chain->status = is_root ? CHAIN_COMPLETE : CHAIN_IN_PROGRESS;
    chain->why = NULL;
    return CHAIN_OK;
}

enum chain_result setup_chain_add(struct firmware *firmware, const uint8_t *der, size_t len,
                                  bool is_leaf, bool is_root)
{
    struct setup_chain *chain = &firmware->provisioning->chain;
    X509 *certificate = read_certificate(der, len);
    if (certificate == NULL) {
        return refuse(chain, CHAIN_INVALID_PARAMETER, "not an RSA certificate");
    }
    if (is_leaf) {
        setup_chain_clear(chain); /* ACT-DEV-009: a new leaf starts over */
    } else if (chain->status != CHAIN_IN_PROGRESS) {
        X509_free(certificate);
        return refuse(chain, CHAIN_INVALID_STATE, "no leaf has come, or the chain is complete");
    }
    enum chain_result result = setup_chain_append(firmware, chain, certificate, is_root);
    if (result != CHAIN_OK) {
        const char *why = chain->why;
        X509_free(certificate);
        setup_chain_clear(chain);
        chain->why = why;
    }
    return result;
}

static bool has_usage(const EXTENDED_KEY_USAGE *usages, const char *wanted)
{
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        char oid[80];
        OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(usages, i), 1);
        if (strcmp(oid, wanted) == 0) {
            return true;
        }
    }
    return false;
}

static bool entry_is(const X509_NAME_ENTRY *entry, const char *text)
{
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
    return (size_t)ASN1_STRING_length(value) == strlen(text) &&
           memcmp(ASN1_STRING_get0_data(value), text, strlen(text)) == 0;
}

static bool has_setup_unit(X509 *leaf)
{
    const X509_NAME *subject = X509_get_subject_name(leaf);
    for (int at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, -1); at >= 0;
         at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, at)) {
        if (entry_is(X509_NAME_get_entry(subject, at), SETUP_UNIT)) {
            return true;
        }
    }
    return false;
}

/* Marked by the usage or the unit, and for servers too (activation.md 2.1). */
static bool is_marked(X509 *leaf)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    bool is = usages != NULL && has_usage(usages, "1.3.6.1.5.5.7.3.1") &&
              (has_usage(usages, SETUP_USAGE) || has_setup_unit(leaf));
    EXTENDED_KEY_USAGE_free(usages);
    return is;
}

bool certificate_common_name(X509 *certificate, char *out, size_t cap)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) {
        return false;
    }
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    size_t len = (size_t)ASN1_STRING_length(value);
    if (len == 0 || len >= cap || memchr(ASN1_STRING_get0_data(value), 0, len) != NULL) {
        return false;
    }
    memcpy(out, ASN1_STRING_get0_data(value), len);
    out[len] = 0;
    return true;
}

/* How many labels of a name count below this top level domain; all for others. */
static uint32_t labels_that_count(const char *top)
{
    static const char *const k_two[] = { "com", "net", "org", "gov", "edu", "de",
                                         "ch",  "dk",  "cz",  "cl",  "ua",  NULL };
    static const char *const k_three[] = { "arpa", "fr", "cn", "nl", "br", "mx", "uk", "pl",
                                           "tw",   "ca", "fi", "be", "ru", "se", "ar", "es",
                                           "no",   "at", "in", "tr", "ro", "hu", "nz", "pt",
                                           "il",   "gr", "co", "ie", "za", "th", "sg", "hk",
                                           "lt",   "id", "hr", "ee", "bg", NULL };
    for (size_t i = 0; k_two[i] != NULL; i++) {
        if (strcasecmp(k_two[i], top) == 0) {
            return 2;
        }
    }
    for (size_t i = 0; k_three[i] != NULL; i++) {
        if (strcasecmp(k_three[i], top) == 0) {
            return 3;
        }
    }
    return NAME_LABELS_MAX;
}

/* The part of a certificate's name that counts; begins inside name. */
static const char *zone_of(const char *name, enum domain_rule rule)
{
    if (strncmp(name, "*.", 2) == 0) {
        name += 2;
    }
    const char *top = strrchr(name, '.');
    if (top == NULL || rule != DOMAIN_TABLE) {
        return name;
    }
    uint32_t labels = labels_that_count(top + 1);
    const char *at = name + strlen(name);
    for (uint32_t seen = 0; at > name; at--) {
        if (at[-1] == '.' && ++seen == labels) {
            break;
        }
    }
    return at;
}

static bool copy_without_last_dot(char out[static RECORD_NAME_BYTES], const char *name)
{
    size_t len = strlen(name);
    len -= len > 0 && name[len - 1] == '.';
    if (len == 0 || len >= RECORD_NAME_BYTES) {
        return false;
    }
    memcpy(out, name, len);
    out[len] = 0;
    return true;
}

bool provisioning_domain_matches(const char *common_name, const char *suffix, enum domain_rule rule)
{
    char name[RECORD_NAME_BYTES], domain[RECORD_NAME_BYTES];
    if (suffix == NULL || !copy_without_last_dot(name, common_name) ||
        !copy_without_last_dot(domain, suffix)) {
        return false;
    }
    const char *zone = zone_of(name, rule);
    size_t zone_len = strlen(zone), domain_len = strlen(domain);
    if (zone_len == 0 || domain_len < zone_len) {
        return false;
    }
    const char *end = domain + domain_len - zone_len;
    return strcasecmp(end, zone) == 0 &&
           (end == domain || (end[-1] == '.' && rule != DOMAIN_EXACT));
}

const char *setup_chain_leaf_fault(const struct firmware *firmware, const struct setup_chain *chain)
{
    X509 *leaf = chain->certificates[0];
    char name[RECORD_NAME_BYTES];
    const char *suffix = provisioning_suffix(firmware);
    if (!certificate_common_name(leaf, name, sizeof name)) {
        return "the leaf has no common name";
    }
    if (!is_marked(leaf)) {
        return "the leaf is not marked for setup, or not for servers";
    }
    if (suffix == NULL) {
        return "the device has no DNS suffix";
    }
    return provisioning_domain_matches(name, suffix,
                                       (enum domain_rule)firmware->profile->config.domain_match)
               ? NULL
               : "the leaf's name does not fit the DNS suffix";
}

bool setup_signature_is_right(const struct firmware *firmware, X509 *certificate,
                              const uint8_t their_nonce[static NONCE_BYTES],
                              const uint8_t *signature, size_t len)
{
    uint8_t signed_bytes[2 * NONCE_BYTES];
    memcpy(signed_bytes, firmware->provisioning->nonce, NONCE_BYTES);
    memcpy(signed_bytes + NONCE_BYTES, their_nonce, NONCE_BYTES);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_right =
        ctx != NULL &&
        EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(certificate)) == 1 &&
        EVP_DigestVerify(ctx, signature, len, signed_bytes, sizeof signed_bytes) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return is_right;
}
