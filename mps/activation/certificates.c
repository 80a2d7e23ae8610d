/* The sets of provisioning certificates: loading, the own root, choosing one for a device. */
#include "mps/activation/certificates_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/base64.h"
#include "base/memory.h"

#define FILE_MAX_BYTES    (1024u * 1024u)
#define SETS_MAX          256u
#define DEMAND_LEAVES_MAX 4096u
#define NONCE_BYTES       20u
#define HASH_SHOWN_BYTES  8u
#define NAMES_SHOWN_MAX   32u
#define DEMAND_UNIT       "Intel(R) Client Setup Certificate"
#define DEMAND_USAGES     "serverAuth,2.16.840.1.113741.1.2.3"

struct activation_certificates {
    struct activation_certificate *sets[SETS_MAX];
    uint32_t count;
    struct activation_certificate *own; /* entry "*"; in sets too, as the last */
    struct pki_identity *own_root;
    EVP_PKEY *demand_key; /* one for all leaves under the own root: making keys is slow */
    struct activation_certificate **leaves;
    uint32_t leaf_count;
    bool is_withdrawn;
    struct activation_refused_set *refused[SETS_MAX];
    uint32_t refused_count;
};

struct activation_certificates *activation_certificates_new(void)
{
    return amt_alloc(sizeof(struct activation_certificates));
}

static void certificate_free(struct activation_certificate *certificate)
{
    if (certificate == NULL) {
        return;
    }
    for (uint32_t i = 0; i < certificate->chain_count; i++) {
        X509_free(certificate->chain[i]);
    }
    EVP_PKEY_free(certificate->key);
    amt_free(certificate->label);
    amt_free(certificate->name);
    amt_free(certificate);
}

void activation_certificates_free(struct activation_certificates *set)
{
    if (set == NULL) {
        return;
    }
    for (uint32_t i = 0; i < set->refused_count; i++) {
        refused_set_free(set->refused[i]);
    }
    for (uint32_t i = 0; i < set->count; i++) {
        certificate_free(set->sets[i]);
    }
    for (uint32_t i = 0; i < set->leaf_count; i++) {
        certificate_free(set->leaves[i]);
    }
    amt_free(set->leaves);
    EVP_PKEY_free(set->demand_key);
    pki_identity_free(set->own_root);
    amt_free(set);
}

uint32_t activation_certificates_count(const struct activation_certificates *set)
{
    return set->count;
}

const struct activation_certificate *
activation_certificates_at(const struct activation_certificates *set, uint32_t at)
{
    return at < set->count ? set->sets[at] : NULL;
}

#define SECONDS_PER_DAY 86400

/* Until when, in Unix seconds, a set that is valid at that time stays so; 0: it is not valid then. */
static uint64_t valid_until(const struct activation_certificate *certificate, uint64_t now_s)
{
    time_t now = (time_t)now_s;
    uint64_t until_s = ACTIVATION_NO_END;
    for (uint32_t i = 0; i < certificate->chain_count; i++) {
        const ASN1_TIME *end = X509_get0_notAfter(certificate->chain[i]);
        ASN1_TIME *from = ASN1_TIME_set(NULL, now);
        int days = 0;
        int seconds = 0;
        bool is_valid =
            from != NULL && X509_cmp_time(X509_get0_notBefore(certificate->chain[i]), &now) <= 0 &&
            X509_cmp_time(end, &now) > 0 && ASN1_TIME_diff(&days, &seconds, from, end) == 1;
        ASN1_TIME_free(from);
        if (!is_valid) {
            return 0;
        }
        uint64_t left_s = (uint64_t)days * SECONDS_PER_DAY + (uint64_t)seconds;
        until_s = now_s + left_s < until_s ? now_s + left_s : until_s;
    }
    return until_s;
}

uint64_t activation_certificates_usable_until(const struct activation_certificates *set,
                                              uint64_t now_s)
{
    uint64_t latest_s = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        uint64_t until_s = valid_until(set->sets[i], now_s);
        latest_s = until_s > latest_s ? until_s : latest_s;
    }
    return latest_s;
}

void activation_certificates_withdraw(struct activation_certificates *set, bool is_withdrawn)
{
    set->is_withdrawn = is_withdrawn;
}

/* --- loading --- */

static uint8_t *read_whole(const char *path, uint32_t *len, bool *is_open_to_all)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    uint8_t *bytes = NULL;
    if (file != NULL && fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size > 0 && status.st_size <= (off_t)FILE_MAX_BYTES) {
        bytes = amt_alloc((size_t)status.st_size + 1);
        *is_open_to_all = (status.st_mode & 077) != 0;
    }
    if (bytes != NULL) {
        *len = (uint32_t)fread(bytes, 1, (size_t)status.st_size, file);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

static void wipe_free(uint8_t *bytes, uint32_t len)
{
    if (bytes != NULL) {
        amt_wipe(bytes, len);
        amt_free(bytes);
    }
}

static void unreadable(struct certificate_problems *problems, bool is_fatal, const char *path,
                       const char *reason)
{
    problems->file = path;
    certificate_problem(problems, is_fatal, ACT_F_CERTIFICATE_LOAD, reason,
                        "Unable to load certificate file: %s.", path);
}

static void warn_of_rights(struct certificate_problems *problems, const char *path)
{
    enum activation_failure worst = problems->worst; /* says nothing of the certificate */
    certificate_problem(problems, false, ACT_F_CERTIFICATE_LOAD, "chmod 600 FILE",
                        "the private key in %s can be read by others", path);
    problems->worst = worst;
}

static enum amt_err load_pfx(const struct activation_certificate_source *source,
                             struct certificate_bag *bag, struct certificate_problems *problems)
{
    struct pki_providers providers;
    char reason[160] = "the file cannot be read: check its path and rights";
    uint32_t len = 0;
    bool is_open = false;
    problems->file = source->pfx_path;
    TRY(pki_providers_init(&providers));
    uint8_t *bytes = read_whole(source->pfx_path, &len, &is_open);
    enum amt_err err = bytes == NULL ? AMT_ECERT
                                     : pfx_read(&providers, bytes, len, source->pfx_password,
                                                PFX_ITERATIONS_MAX, bag, reason);
    wipe_free(bytes, len);
    pki_providers_fini(&providers);
    if (err == AMT_ECERT) {
        unreadable(problems, true, source->pfx_path, reason);
    } else if (err == AMT_OK && sk_X509_num(bag->primary) < 2) {
        certificate_problem(
            problems, true, ACT_F_CERTIFICATE_LOAD, "export it with the whole chain up to the root",
            "Certificate file contains less then 2 certificates: %s.", source->pfx_path);
    } else if (err == AMT_OK && (bag->key_count != 1 || bag->key == NULL)) {
        certificate_problem(problems, true, ACT_F_CERTIFICATE_LOAD,
                            "export the certificate with its private key, and with no other",
                            "Certificate file must contain exactly one private key: %s.",
                            source->pfx_path);
    }
    return err == AMT_ECERT ? AMT_OK : err;
}

static enum amt_err load_pem_file(const char *path, STACK_OF(X509) * first, STACK_OF(X509) * others,
                                  struct certificate_problems *problems)
{
    char reason[160] = "the file cannot be read: check its path and rights";
    uint32_t len = 0;
    bool is_open = false;
    uint8_t *bytes = read_whole(path, &len, &is_open);
    enum amt_err err =
        bytes == NULL ? AMT_ECERT : pem_read_certificates(bytes, len, first, others, reason);
    amt_free(bytes);
    if (err == AMT_ECERT) {
        unreadable(problems, false, path, reason); /* the others may still do */
        err = AMT_OK;
    }
    return err;
}

static enum amt_err load_key(const struct activation_certificate_source *source,
                             struct certificate_bag *bag, struct certificate_problems *problems)
{
    char reason[160] = "the file cannot be read: check its path and rights";
    uint32_t len = 0;
    bool is_open = false;
    uint8_t *bytes = source->key_path == NULL ? NULL : read_whole(source->key_path, &len, &is_open);
    bag->key = bytes == NULL ? NULL : pem_read_key(bytes, len, reason);
    wipe_free(bytes, len);
    if (bag->key == NULL) { /* ACT-SRV-004 */
        problems->file = source->key_path == NULL ? "" : source->key_path;
        certificate_problem(problems, true, ACT_F_CERTIFICATE_LOAD,
                            source->key_path == NULL ? "name the key file" : reason,
                            "Unable to load private key file: %s.", problems->file);
    } else if (is_open) {
        warn_of_rights(problems, source->key_path);
    }
    return AMT_OK;
}

static enum amt_err load_pem(const struct activation_certificate_source *source,
                             struct certificate_bag *bag, struct certificate_problems *problems)
{
    enum activation_failure worst = problems->worst;
    for (size_t i = 0; source->cert_paths[i] != NULL; i++) {
        TRY(load_pem_file(source->cert_paths[i], bag->primary, bag->further, problems));
    }
    problems->worst = worst; /* a file too many is no fault of the chain */
    problems->file = source->cert_paths[0] == NULL ? "" : source->cert_paths[0];
    TRY(load_key(source, bag, problems));
    int found =
        sk_X509_num(bag->primary) + sk_X509_num(bag->further) + sk_X509_num(bag->authorities);
    if (!problems->is_refused && (sk_X509_num(bag->primary) == 0 || found < 2)) { /* ACT-SRV-004 */
        certificate_problem(problems, true, ACT_F_CERTIFICATE_LOAD,
                            "name the certificate, its intermediates and the root",
                            "Certificate file contains less then 2 certificates: %s.",
                            problems->file);
    }
    return AMT_OK;
}

static enum amt_err load_files(const struct activation_certificate_source *source,
                               struct certificate_bag *bag, struct certificate_problems *problems)
{
    if (source->authorities_path != NULL) {
        TRY(load_pem_file(source->authorities_path, bag->authorities, bag->authorities, problems));
        problems->worst = ACTIVATION_NO_FAILURE;
    }
    if (source->pfx_path != NULL && source->pfx_password != NULL) {
        return load_pfx(source, bag, problems); /* wins when both forms are there (8.1) */
    }
    if (source->cert_paths != NULL) {
        return load_pem(source, bag, problems);
    }
    certificate_problem(problems, true, ACT_F_CERTIFICATE_LOAD, /* ACT-SRV-004 */
                        "give certpfx and certpfxpass, or certfiles and keyfile",
                        "The certificate set names no certificate files.");
    return AMT_OK;
}

/* ACT-SRV-009 */
static bool hash_root(struct activation_certificate *certificate)
{
    X509 *root = certificate->chain[certificate->chain_count - 1];
    return X509_digest(root, EVP_sha1(), certificate->root_sha1, NULL) == 1 &&
           X509_digest(root, EVP_sha256(), certificate->root_sha256, NULL) == 1 &&
           X509_digest(root, EVP_sha384(), certificate->root_sha384, NULL) == 1;
}

static enum amt_err fill(struct activation_certificate *certificate,
                         const struct activation_certificate_source *source,
                         const struct certificate_bag *bag, uint64_t now_s,
                         struct certificate_problems *problems)
{
    char reason[200] = "";
    X509 *chain[ACTIVATION_CHAIN_MAX] = { NULL };
    uint32_t count = 0;
    if (!certificates_complete(bag, chain, &count, reason)) {
        problems->reason = "chain_incomplete";
        certificate_problem(problems, true, ACT_F_CHAIN_BROKEN, reason,
                            "Unable to order Intel AMT ACM activation certificates to create a "
                            "full chain.");
        return AMT_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        (void)X509_up_ref(chain[i]);
        certificate->chain[i] = chain[i];
    }
    certificate->chain_count = count;
    (void)EVP_PKEY_up_ref(bag->key);
    certificate->key = bag->key;
    certificate->ignores_sha384 = source->ignores_sha384;
    certificate->label = amt_strdup(source->label);
    char *common_name = provisioning_common_name(chain[0]);
    certificate->name =
        common_name == NULL ? NULL : activation_name_of(common_name, source->is_strict_common_name);
    bool has_memory = certificate->label != NULL && (common_name == NULL || certificate->name);
    amt_free(common_name);
    if (!has_memory) {
        return AMT_ENOMEM;
    }
    certificates_check(certificate, source, now_s, problems);
    if (!hash_root(certificate)) {
        certificate_problem(problems, true, ACT_F_CERTIFICATE_LOAD, "look for a damaged root",
                            "Unable to compute Intel AMT activation certificate SHA1 and SHA256 "
                            "hashes.");
    }
    certificate->warning = problems->worst;
    return AMT_OK;
}

/* Before the own root, which stays the last: configured sets win (ACT-SRV-012). */
static enum amt_err add(struct activation_certificates *set,
                        struct activation_certificate *certificate)
{
    if (set->count == SETS_MAX) {
        return AMT_ELIMIT;
    }
    set->sets[set->count] = certificate;
    if (set->own != NULL) {
        set->sets[set->count] = set->own;
        set->sets[set->count - 1] = certificate;
    }
    set->count += 1;
    return AMT_OK;
}

/* So that a device for which there is nothing else learns why (F2). */
static enum amt_err remember(struct activation_certificates *set,
                             const struct activation_certificate_source *source,
                             const struct certificate_bag *bag,
                             const struct certificate_problems *problems)
{
    if (set->refused_count == SETS_MAX) {
        return AMT_ECERT; /* the problems have been told */
    }
    struct activation_refused_set *refused = refused_set_new(source, bag, problems);
    if (refused == NULL) {
        return AMT_ENOMEM;
    }
    set->refused[set->refused_count++] = refused;
    return AMT_ECERT;
}

const struct activation_refused_set *
activation_certificates_refused(const struct activation_certificates *set, const char *suffix)
{
    for (uint32_t i = 0; i < set->refused_count; i++) {
        const char *name = set->refused[i]->name;
        if (name == NULL || activation_name_covers(name, suffix)) {
            return set->refused[i];
        }
    }
    return NULL;
}

enum amt_err activation_certificates_load(struct activation_certificates *set,
                                          const struct activation_certificate_source *source,
                                          uint64_t now_s, struct amt_diag_list *list)
{
    struct certificate_problems problems = { .list = list, .label = source->label, .file = "" };
    struct certificate_bag bag;
    struct activation_certificate *certificate = amt_alloc(sizeof *certificate);
    enum amt_err err = certificate == NULL ? AMT_ENOMEM : certificate_bag_init(&bag);
    if (err != AMT_OK) {
        amt_free(certificate);
        return err;
    }
    err = load_files(source, &bag, &problems);
    if (err == AMT_OK && !problems.is_refused) {
        err = fill(certificate, source, &bag, now_s, &problems);
    }
    if (err == AMT_OK && problems.is_refused) {
        err = remember(set, source, &bag, &problems);
    }
    if (err == AMT_OK) {
        err = add(set, certificate);
    }
    if (err != AMT_OK) {
        certificate_free(certificate);
    }
    certificate_bag_fini(&bag);
    ERR_clear_error();
    return err;
}

/* --- the own root --- */

enum amt_err activation_certificates_add_root(struct activation_certificates *set,
                                              const struct pki_identity *root)
{
    struct activation_certificate *own = amt_alloc(sizeof *own);
    if (own == NULL || set->own != NULL) {
        amt_free(own);
        return set->own != NULL ? AMT_EEXISTS : AMT_ENOMEM;
    }
    own->label = amt_strdup("*");
    own->name = amt_strdup("*");
    own->chain[0] = pki_certificate(root);
    own->chain_count = 1;
    (void)X509_up_ref(own->chain[0]);
    bool good = own->label != NULL && own->name != NULL && hash_root(own);
    enum amt_err err = good ? add(set, own) : AMT_ENOMEM;
    if (err != AMT_OK) {
        certificate_free(own);
        return err;
    }
    set->own = own;
    set->own_root = pki_identity_ref(root);
    return AMT_OK;
}

/* A leaf as MeshCentral makes it (2.6). */
static struct pki_identity *issue_leaf(struct activation_certificates *set, const char *suffix)
{
    const char *const k_names[] = { suffix, "localhost", "127.0.0.1", NULL };
    struct pki_request request = { .common_name = suffix,
                                   .country = "mc",
                                   .organization = DEMAND_UNIT,
                                   .usages = DEMAND_USAGES,
                                   .names = k_names,
                                   .key = PKI_RSA_2048,
                                   .given_key = set->demand_key };
    struct pki_identity *identity = pki_issue(&request, set->own_root, NULL);
    if (identity != NULL && set->demand_key == NULL) {
        set->demand_key = pki_key(identity);
        (void)EVP_PKEY_up_ref(set->demand_key);
    }
    return identity;
}

static struct activation_certificate *leaf_of(const struct activation_certificates *set,
                                              struct pki_identity *identity, const char *suffix)
{
    struct activation_certificate *leaf = amt_alloc(sizeof *leaf);
    if (leaf == NULL) {
        return NULL;
    }
    leaf->label = amt_strdup("*");
    leaf->name = amt_strdup(suffix);
    leaf->chain[0] = pki_certificate(identity);
    leaf->chain[1] = set->own->chain[0];
    leaf->chain_count = 2;
    leaf->key = pki_key(identity);
    (void)X509_up_ref(leaf->chain[0]);
    (void)X509_up_ref(leaf->chain[1]);
    (void)EVP_PKEY_up_ref(leaf->key);
    memcpy(leaf->root_sha1, set->own->root_sha1, sizeof leaf->root_sha1);
    memcpy(leaf->root_sha256, set->own->root_sha256, sizeof leaf->root_sha256);
    memcpy(leaf->root_sha384, set->own->root_sha384, sizeof leaf->root_sha384);
    if (leaf->label == NULL || leaf->name == NULL) {
        certificate_free(leaf);
        return NULL;
    }
    return leaf;
}

/* The leaf for a suffix; kept, because callers borrow it for as long as the set lives. */
static const struct activation_certificate *demand(struct activation_certificates *set,
                                                   const char *suffix)
{
    for (uint32_t i = 0; i < set->leaf_count; i++) {
        if (strcmp(set->leaves[i]->name, suffix) == 0) {
            return set->leaves[i];
        }
    }
    struct activation_certificate **leaves =
        set->leaf_count == DEMAND_LEAVES_MAX
            ? NULL
            : amt_resize(set->leaves, (set->leaf_count + 1u) * sizeof(void *));
    if (leaves == NULL) {
        return NULL;
    }
    set->leaves = leaves;
    struct pki_identity *identity = issue_leaf(set, suffix);
    struct activation_certificate *leaf = identity == NULL ? NULL : leaf_of(set, identity, suffix);
    pki_identity_free(identity);
    if (leaf != NULL) {
        set->leaves[set->leaf_count] = leaf;
        set->leaf_count += 1;
    }
    return leaf;
}

/* --- choosing --- */

static bool is_active(const struct activation_hash *hash)
{
    return !hash->has_flags || hash->is_active; /* ACT-SRV-013 */
}

/* The device's entry for the root of a certificate, by that kind of hash. */
static const struct activation_hash *find_hash(const struct activation_report *report,
                                               enum activation_hash_type type, const uint8_t *bytes,
                                               uint32_t len)
{
    for (uint32_t i = 0; i < report->hash_count && i < ACTIVATION_HASHES_MAX; i++) {
        const struct activation_hash *hash = &report->hashes[i];
        if (is_active(hash) && hash->type == type && hash->len >= len &&
            memcmp(hash->bytes, bytes, len) == 0) {
            return hash;
        }
    }
    return NULL;
}

/* ACT-SRV-014. is_only_sha384: it would fit, but for ignores_sha384. */
static const struct activation_hash *trusting_hash(const struct activation_report *report,
                                                   const struct activation_certificate *certificate,
                                                   bool *is_only_sha384)
{
    const struct activation_hash *hash =
        find_hash(report, ACTIVATION_HASH_SHA256, certificate->root_sha256, 32);
    if (hash == NULL) {
        hash = find_hash(report, ACTIVATION_HASH_SHA1, certificate->root_sha1, 20);
    }
    if (hash == NULL) {
        hash = find_hash(report, ACTIVATION_HASH_SHA384, certificate->root_sha384, 48);
        if (hash != NULL && certificate->ignores_sha384) {
            *is_only_sha384 = true;
            return NULL;
        }
    }
    return hash;
}

struct choice {
    const struct activation_certificate *certificate;
    const struct activation_hash *hash;
    bool has_name, is_only_sha384;
};

/* The first set whose name and root fit; one with a warning only when there is none without, so that a
 * renewed certificate beside an expired one is taken. */
static void look(const struct activation_certificates *set, const struct activation_report *report,
                 const char *suffix, struct choice *choice)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct activation_certificate *at = set->sets[i];
        if (at == set->own || !activation_name_covers(at->name, suffix)) {
            continue;
        }
        choice->has_name = true;
        const struct activation_hash *hash = trusting_hash(report, at, &choice->is_only_sha384);
        bool is_better =
            choice->certificate == NULL || (choice->certificate->warning != ACTIVATION_NO_FAILURE &&
                                            at->warning == ACTIVATION_NO_FAILURE);
        if (hash != NULL && is_better) {
            choice->certificate = at;
            choice->hash = hash;
        }
    }
}

static bool has_active_hash(const struct activation_report *report)
{
    for (uint32_t i = 0; i < report->hash_count && i < ACTIVATION_HASHES_MAX; i++) {
        if (is_active(&report->hashes[i])) {
            return true;
        }
    }
    return false;
}

/* Why there is none: rows F4, F6 to F8, F16, F59, F60 of activation.md 10. */
static enum activation_failure why_none(const struct activation_certificates *set,
                                        const struct activation_report *report, const char *suffix,
                                        const struct choice *choice)
{
    bool is_bare_metal = report->conversation == ACTIVATION_BY_BARE_METAL;
    bool has_only_own = set->own != NULL && set->count == 1;
    if ((choice->has_name || has_only_own) && !has_active_hash(report)) {
        return ACT_F_HASHES_INACTIVE;
    }
    if (choice->has_name && choice->is_only_sha384) {
        return ACT_F_ROOT_ONLY_SHA384;
    }
    if (choice->has_name) {
        return is_bare_metal ? ACT_F_HELLO_NO_MATCH : ACT_F_ROOT_NOT_TRUSTED;
    }
    if (!activation_suffix_is_name(suffix)) {
        return ACT_F_SUFFIX_MALFORMED;
    }
    return is_bare_metal ? ACT_F_TRUSTED_FQDN_DIFFERS : ACT_F_NO_CERTIFICATE_FOR_SUFFIX;
}

/* What kept the set from being loaded; a chain that has no end, beside a root of which the device knows
 * nothing, would be of no use to this device with any end (F7). */
static enum activation_failure why_refused(const struct activation_report *report,
                                           const struct activation_refused_set *refused)
{
    bool is_open_ended =
        refused->reason != NULL && strcmp(refused->reason, "chain_incomplete") == 0;
    bool is_trusted = find_hash(report, ACTIVATION_HASH_SHA256, refused->root_sha256, 32) != NULL ||
                      find_hash(report, ACTIVATION_HASH_SHA1, refused->root_sha1, 20) != NULL ||
                      find_hash(report, ACTIVATION_HASH_SHA384, refused->root_sha384, 48) != NULL;
    return is_open_ended && refused->has_root && !is_trusted ? ACT_F_ROOT_NOT_TRUSTED
                                                             : refused->failure;
}

static enum activation_failure choose(struct activation_certificates *set,
                                      const struct activation_report *report, const char *suffix,
                                      struct choice *choice)
{
    bool is_bare_metal = report->conversation == ACTIVATION_BY_BARE_METAL;
    const struct activation_refused_set *refused = activation_certificates_refused(set, suffix);
    if (set->count == 0 && set->refused_count == 0) {
        return ACT_F_NO_CERTIFICATES;
    }
    if (set->count > 0 && set->is_withdrawn) {
        return ACT_F_CERTIFICATE_EXPIRED;
    }
    if (report->hash_count == 0) {
        return is_bare_metal ? ACT_F_HELLO_NO_MATCH : ACT_F_NO_HASHES;
    }
    if (suffix[0] == '\0') {
        return ACT_F_NO_SUFFIX;
    }
    look(set, report, suffix, choice);
    if (choice->certificate != NULL) {
        return ACTIVATION_NO_FAILURE;
    }
    bool is_ignored = false;
    if (set->own != NULL && activation_suffix_is_name(suffix) &&
        activation_name_covers("*", suffix)) {
        choice->hash = trusting_hash(report, set->own, &is_ignored);
    }
    if (choice->hash == NULL) {
        return refused != NULL && !choice->has_name ? why_refused(report, refused)
                                                    : why_none(set, report, suffix, choice);
    }
    choice->certificate = demand(set, suffix);
    return choice->certificate == NULL ? ACT_F_CERTIFICATE_LOAD : ACTIVATION_NO_FAILURE;
}

/* ACT-SRV-060: what separates the failures of the choice from each other. */
static void write_facts(const struct activation_certificates *set,
                        const struct activation_report *report, struct text *facts)
{
    static const char *const k_types[] = { "md5", "sha1", "sha256", "sha384" };
    const char *suffix = activation_report_suffix(report);
    const char *source = suffix == report->dns_suffix ? "PKI DNS suffix" : "operating system";
    text_puts(facts, "suffix ");
    text_json(facts, suffix, strlen(suffix));
    text_printf(facts, " (%s); certificates:", suffix[0] == '\0' ? "none reported" : source);
    for (uint32_t i = 0; i < set->count && i < NAMES_SHOWN_MAX; i++) {
        const struct activation_certificate *at = set->sets[i];
        text_printf(facts, "%s %s under sha256 ", i == 0 ? "" : ",", at->name);
        text_hex(facts, at->root_sha256, HASH_SHOWN_BYTES);
    }
    text_puts(facts, set->count == 0 ? " none" : "");
    for (uint32_t i = 0; i < set->refused_count && i < NAMES_SHOWN_MAX; i++) {
        text_printf(facts, "; not loaded: \"%s\" (%s)", set->refused[i]->label,
                    set->refused[i]->text);
    }
    text_puts(facts, "; hashes of the device:");
    for (uint32_t i = 0; i < report->hash_count && i < ACTIVATION_HASHES_MAX; i++) {
        const struct activation_hash *hash = &report->hashes[i];
        text_printf(facts, "%s %s ", i == 0 ? "" : ",", k_types[hash->type]);
        text_hex(facts, hash->bytes, hash->len < HASH_SHOWN_BYTES ? hash->len : HASH_SHOWN_BYTES);
        text_puts(facts, is_active(hash) ? "" : " (inactive)");
    }
    text_puts(facts, report->hash_count == 0 ? " none" : "");
}

const struct activation_certificate *activation_certificates_choose(
    struct activation_certificates *set, const struct activation_report *report,
    const struct activation_hash **hash, enum activation_failure *failure, struct text *facts)
{
    char suffix[ACTIVATION_SUFFIX_BYTES];
    struct choice choice = { 0 };
    activation_suffix_clean(activation_report_suffix(report), suffix); /* ACT-SRV-015 */
    *failure = choose(set, report, suffix, &choice);
    *hash = choice.hash;
    if (facts != NULL) {
        write_facts(set, report, facts);
    }
    return *failure == ACTIVATION_NO_FAILURE ? choice.certificate : NULL;
}

void activation_refusal(enum activation_failure failure, const char *suffix, struct text *out)
{
    /* ACT-SRV-016, ACT-SRV-017: the texts of MeshCentral. */
    if (failure == ACT_F_NO_CERTIFICATES) {
        text_puts(out, "No opportunity for ACM activation: Server does not have any ACM activation "
                       "certificates.");
    } else if (failure == ACT_F_NO_HASHES) {
        text_puts(out, "Intel AMT did not report any trusted hashes.");
    } else if (failure == ACT_F_HASHES_INACTIVE) {
        text_printf(out, "Intel AMT has no trusted root hashes for \"%s\".", suffix);
    } else if (failure == ACT_F_NO_SUFFIX) {
        text_puts(out, "No trusted DNS suffix reported");
    } else if (failure == ACT_F_NO_CERTIFICATE_FOR_SUFFIX) {
        text_printf(out, "No matching ACM activation certificate for \"%s\".", suffix);
    } else if (failure == ACT_F_ROOT_NOT_TRUSTED || failure == ACT_F_ROOT_ONLY_SHA384) {
        text_printf(out, "Certificate root hash matching failed for \"%s\".", suffix);
    } else if (failure == ACT_F_CLIENT_TOO_OLD) {
        text_puts(out, "This software is to old to support ACM activation, pleasse update and try "
                       "again.");
    } else {
        text_puts(out, activation_failure_cause(failure));
    }
}

/* --- signing --- */

static enum amt_err sign(const struct activation_certificate *certificate, const EVP_MD *digest,
                         const uint8_t device_nonce[static 20],
                         const uint8_t server_nonce[static 20], struct text *base64)
{
    uint8_t both[2 * NONCE_BYTES]; /* ACT-SRV-021: the device's first, both decoded */
    uint8_t signature[1024];
    size_t len = sizeof signature;
    EVP_PKEY_CTX *key_context = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    memcpy(both, device_nonce, NONCE_BYTES);
    memcpy(both + NONCE_BYTES, server_nonce, NONCE_BYTES);
    bool good = context != NULL && certificate->key != NULL &&
                EVP_DigestSignInit(context, &key_context, digest, NULL, certificate->key) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PADDING) == 1 &&
                EVP_DigestSign(context, signature, &len, both, sizeof both) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    if (!good) {
        return AMT_ECERT;
    }
    base64_encode(base64, signature, len);
    return base64->failed ? AMT_ENOMEM : AMT_OK;
}

enum amt_err activation_sign(const struct activation_certificate *certificate,
                             const uint8_t device_nonce[static 20],
                             const uint8_t server_nonce[static 20], struct text *base64)
{
    return sign(certificate, EVP_sha256(), device_nonce, server_nonce, base64);
}

enum amt_err activation_sign_sha1(const struct activation_certificate *certificate,
                                  const uint8_t device_nonce[static 20],
                                  const uint8_t server_nonce[static 20], struct text *base64)
{
    return sign(certificate, EVP_sha1(), device_nonce, server_nonce, base64);
}
