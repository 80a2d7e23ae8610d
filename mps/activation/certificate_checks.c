/* What is wrong with a provisioning certificate: activation.md 2.1 and 2.2. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/memory.h"
#include "mps/activation/certificates_internal.h"

#define ACTIVATION_USAGE "2.16.840.1.113741.1.2.3"
#define ACTIVATION_UNIT  "Intel(R) Client Setup Certificate"
#define RSA_MIN_BITS     2048
#define CHAIN_KNOWN_MAX  4u /* certificates that firmware is known to take */

void certificate_problem(struct certificate_problems *problems, bool is_fatal,
                         enum activation_failure failure, const char *hint, const char *format, ...)
{
    char text[AMT_DIAG_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (is_fatal && !problems->is_refused) {
        problems->refusal = failure;
        (void)snprintf(problems->text, sizeof problems->text, "%.199s", text);
    }
    problems->is_refused = problems->is_refused || is_fatal;
    if (!is_fatal && problems->worst == ACTIVATION_NO_FAILURE) {
        problems->worst = failure;
    }
    enum amt_err err = is_fatal ? AMT_ECERT : AMT_OK;
    struct amt_diag *diag = problems->list == NULL
                                ? NULL
                                : amt_diag_list_add(problems->list, err, problems->file, 0, 0);
    if (diag == NULL) {
        return;
    }
    (void)amt_diag_set(diag, err, "%s", text);
    (void)amt_diag_hint(diag, "set \"%s\": %s", problems->label, hint);
    diag->requirement = activation_failure_code(failure);
}

/* ACT-SRV-007 */
bool certificate_has_key(X509 *certificate, EVP_PKEY *key)
{
    EVP_PKEY *public_key = X509_get0_pubkey(certificate);
    bool is_equal = public_key != NULL && key != NULL &&
                    EVP_PKEY_get_base_id(public_key) == EVP_PKEY_RSA &&
                    EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_eq(public_key, key) == 1;
    ERR_clear_error();
    return is_equal;
}

static char *entry_text(X509_NAME *name, int at)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    char *text = NULL;
    if (len > 0 && strlen((const char *)utf8) == (size_t)len) {
        text = amt_strdup((const char *)utf8);
    }
    OPENSSL_free(utf8);
    ERR_clear_error();
    return text;
}

char *provisioning_common_name(X509 *certificate)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    return at < 0 ? NULL : entry_text(subject, at);
}

/* 2: exactly, 1: but for letter case. */
static int unit_match(X509 *leaf)
{
    X509_NAME *subject = X509_get_subject_name(leaf);
    int best = 0;
    for (int at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, -1); at >= 0;
         at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, at)) {
        char *unit = entry_text(subject, at);
        if (unit != NULL && strcmp(unit, ACTIVATION_UNIT) == 0) {
            best = 2;
        } else if (unit != NULL && strcasecmp(unit, ACTIVATION_UNIT) == 0 && best == 0) {
            best = 1;
        }
        amt_free(unit);
    }
    return best;
}

static bool has_usage(X509 *leaf, const char *oid)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    bool is_there = false;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        char text[80];
        int len = OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usages, i), 1);
        is_there = is_there || (len > 0 && len < (int)sizeof text && strcmp(text, oid) == 0);
    }
    sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
    ERR_clear_error();
    return is_there;
}

/* ACT-SRV-006 */
static void check_usage(X509 *leaf, struct certificate_problems *problems)
{
    int unit = unit_match(leaf);
    bool has_oid = has_usage(leaf, ACTIVATION_USAGE);
    if (!has_oid && unit < 2) {
        enum activation_failure failure = unit == 1 ? ACT_F_OU_WRONG_CASE : ACT_F_USAGE_MISSING;
        certificate_problem(problems, true, failure, activation_failure_cure(failure),
                            "Intel AMT activation certificate must have usage OID "
                            "\"" ACTIVATION_USAGE "\" or organization name "
                            "\"" ACTIVATION_UNIT "\".");
    }
    if (!has_usage(leaf, "1.3.6.1.5.5.7.3.1")) {
        certificate_problem(problems, false, ACT_F_SERVER_AUTH_MISSING,
                            activation_failure_cure(ACT_F_SERVER_AUTH_MISSING),
                            "certificate 0 lacks the usage serverAuth");
    }
}

/* The signature first: without it all else that a certificate says is worth nothing. */
static void check_signature(const struct activation_certificate *set, uint32_t at, bool is_fatal,
                            struct certificate_problems *problems)
{
    X509 *above = set->chain[at + 1 < set->chain_count ? at + 1 : at];
    EVP_PKEY *key = X509_get0_pubkey(above);
    bool is_good = key != NULL && X509_verify(set->chain[at], key) == 1;
    ERR_clear_error();
    if (!is_good) {
        if (is_fatal && !problems->is_refused) {
            problems->reason = "chain_signature";
        }
        certificate_problem(problems, is_fatal, ACT_F_CHAIN_BROKEN,
                            "the issuer's key has not signed it: get the file again from the "
                            "authority, or take the issuer's certificate that fits",
                            "signature of certificate %u does not verify", at);
    }
}

static void time_text(const ASN1_TIME *time, char out[static 32])
{
    struct tm parts = { 0 };
    out[0] = '\0';
    if (ASN1_TIME_to_tm(time, &parts) == 1) {
        (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
}

static void check_dates(const struct activation_certificate *set, uint32_t at, bool is_fatal,
                        uint64_t now_s, struct certificate_problems *problems)
{
    time_t now = (time_t)now_s;
    char text[32];
    int after_begin = X509_cmp_time(X509_get0_notBefore(set->chain[at]), &now);
    int after_end = X509_cmp_time(X509_get0_notAfter(set->chain[at]), &now);
    if (after_begin > 0) {
        time_text(X509_get0_notBefore(set->chain[at]), text);
        certificate_problem(problems, is_fatal, ACT_F_CERTIFICATE_EXPIRED,
                            "wait until then, or set the clock of this computer",
                            "certificate %u is not yet valid: notBefore %s is in the future", at,
                            text);
    } else if (after_end <= 0) {
        time_text(X509_get0_notAfter(set->chain[at]), text);
        certificate_problem(problems, is_fatal, ACT_F_CERTIFICATE_EXPIRED,
                            activation_failure_cure(ACT_F_CERTIFICATE_EXPIRED),
                            "certificate %u has expired: notAfter was %s", at, text);
    }
}

static void check_strength(X509 *certificate, uint32_t at, struct certificate_problems *problems)
{
    int digest = NID_undef;
    EVP_PKEY *key = X509_get0_pubkey(certificate); /* NULL: its signature check has failed */
    int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
    (void)X509_get_signature_info(certificate, &digest, NULL, NULL, NULL);
    ERR_clear_error();
    if (digest == NID_sha1 || digest == NID_md5) {
        certificate_problem(problems, false, ACT_F_SHA1_NOT_SUPPORTED,
                            activation_failure_cure(ACT_F_SHA1_NOT_SUPPORTED),
                            "certificate %u is signed with %s, which AMT 16 and later refuse", at,
                            digest == NID_sha1 ? "SHA-1" : "MD5");
    }
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && bits < RSA_MIN_BITS) {
        certificate_problem(problems, false, ACT_F_KEY_TOO_SHORT,
                            activation_failure_cure(ACT_F_KEY_TOO_SHORT),
                            "certificate %u has a key of %d bits; AMT 16 and later want %d", at,
                            bits, RSA_MIN_BITS);
    }
}

static void check_authority(X509 *certificate, uint32_t at, struct certificate_problems *problems)
{
    if (X509_check_ca(certificate) == 0) {
        certificate_problem(problems, false, ACT_F_CHAIN_BROKEN,
                            "only a certificate with basicConstraints CA:TRUE may issue others",
                            "certificate %u is no authority", at);
    }
    ERR_clear_error();
}

void certificates_check(const struct activation_certificate *set,
                        const struct activation_certificate_source *source, uint64_t now_s,
                        struct certificate_problems *problems)
{
    X509 *leaf = set->chain[0];
    if (!certificate_has_key(leaf, set->key)) {
        certificate_problem(problems, true, ACT_F_WRONG_PRIVATE_KEY,
                            activation_failure_cure(ACT_F_WRONG_PRIVATE_KEY),
                            "Intel AMT activation certificate provided with a mismatching private "
                            "key.");
        return; /* as MeshCentral: the first of checks 9 to 12 that fails is the one reported */
    }
    for (uint32_t i = 0; i < set->chain_count; i++) {
        check_signature(set, i, !source->is_compatible, problems); /* ACT-SRV-011 */
    }
    for (uint32_t i = 0; i < set->chain_count; i++) { /* ACT-SRV-010 */
        check_dates(set, i, source->refuses_expired, now_s, problems);
        check_strength(set->chain[i], i, problems);
        if (i > 0) {
            check_authority(set->chain[i], i, problems);
        }
    }
    check_usage(leaf, problems);
    if (set->chain_count > CHAIN_KNOWN_MAX) {
        certificate_problem(problems, false, ACT_F_CHAIN_TOO_LONG,
                            activation_failure_cure(ACT_F_CHAIN_TOO_LONG),
                            "the chain has %u certificates; firmware is known to take %u",
                            set->chain_count, CHAIN_KNOWN_MAX);
    }
    if (set->name == NULL && !problems->is_refused) {
        certificate_problem(problems, true, ACT_F_CERTIFICATE_LOAD,
                            "its subject needs a CN with the domain: get it reissued",
                            "Unable to get Intel AMT activation certificate common name.");
    }
}
