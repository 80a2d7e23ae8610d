#include "mps/certificates.h"

#include <errno.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define RENEW_BEFORE_S (30u * 86400u)
#define FILES          4

enum file { ROOT_CERT, ROOT_KEY, MPS_CERT, MPS_KEY };

struct files {
    char *paths[FILES];
};

static bool make_paths(struct files *files, const char *directory)
{
    static const char *const k_names[FILES] = { "root.crt", "root.key", "mps.crt", "mps.key" };
    for (int i = 0; i < FILES; i++) {
        struct text path = { 0 };
        text_printf(&path, "%s/%s", directory, k_names[i]);
        files->paths[i] = text_take(&path);
        if (files->paths[i] == NULL) {
            return false;
        }
    }
    return true;
}

static void free_paths(struct files *files)
{
    for (int i = 0; i < FILES; i++) {
        amt_free(files->paths[i]);
    }
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0 || errno != ENOENT;
}

static struct pki_identity *issue_root(const struct mps_config *config, struct amt_diag *diag)
{
    uint8_t id[3];
    char name[32];
    if (RAND_bytes(id, sizeof id) != 1) {
        (void)amt_diag_set(diag, AMT_EBUG, "no random numbers for the root's name");
        return NULL;
    }
    /* Roots of several servers are told apart by their names, as with MeshCentral (apf.md 6.3). */
    (void)snprintf(name, sizeof name, "amtlabRoot-%02x%02x%02x", id[0], id[1], id[2]);
    struct pki_request request = { .common_name = name,
                                   .key = (enum pki_key)config->key,
                                   .is_authority = true };
    return pki_issue(&request, NULL, diag);
}

static struct pki_identity *issue_mps(const struct mps_config *config,
                                      const struct pki_identity *root, struct amt_diag *diag)
{
    struct pki_request request = { .common_name = config->name,
                                   .names = (const char *const *)config->names.items,
                                   .key = (enum pki_key)config->key,
                                   .for_server = true };
    return pki_issue(&request, root, diag);
}

/* NULL when it fits, else why it does not. */
static const char *misfit(const struct mps_config *config, const struct pki_identity *identity,
                          uint64_t wall_us)
{
    if (!pki_has_name(identity, config->name)) {
        return "the MPS name has changed";
    }
    for (uint32_t i = 0; i < config->names.count; i++) {
        if (!pki_has_alternative_name(identity, config->names.items[i])) {
            return "a further name was added";
        }
    }
    if (!pki_is_key(identity, (enum pki_key)config->key)) {
        return "another kind of key is configured";
    }
    if (pki_not_after_s(identity) < wall_us / US_PER_SECOND + RENEW_BEFORE_S) {
        return "it ends within 30 days";
    }
    return NULL;
}

static void log_made(struct log *log, const struct pki_identity *identity, const char *what,
                     const char *path, const char *why)
{
    char print[65];
    pki_fingerprint(identity, print);
    LOG(log, LOG_INFO, "mps.certificate", log_text("made", what), log_text("path", path),
        log_text("sha256", print), log_text("why", why));
}

static struct pki_identity *load_root(const struct mps_config *config, const struct files *files,
                                      struct log *log, struct amt_diag *diag)
{
    bool has_cert = exists(files->paths[ROOT_CERT]);
    bool has_key = exists(files->paths[ROOT_KEY]);
    if (has_cert && has_key) {
        return pki_load(files->paths[ROOT_CERT], files->paths[ROOT_KEY], diag);
    }
    if (has_cert || has_key) {
        /* A new root would lock out every device that trusts the old one (FF-026). */
        const char *missing = files->paths[has_cert ? ROOT_KEY : ROOT_CERT];
        (void)amt_diag_set(diag, AMT_ECERT,
                           "%s is missing, but the other half of the root is there", missing);
        (void)amt_diag_hint(diag,
                            "restore it from a backup; to start over with a new root that no "
                            "device trusts yet, remove %s",
                            files->paths[has_cert ? ROOT_CERT : ROOT_KEY]);
        return NULL;
    }
    struct pki_identity *root = issue_root(config, diag);
    if (root != NULL &&
        pki_save(root, files->paths[ROOT_CERT], files->paths[ROOT_KEY], diag) != AMT_OK) {
        pki_identity_free(root);
        return NULL;
    }
    if (root != NULL) {
        log_made(log, root, "root", files->paths[ROOT_CERT], "first start");
    }
    return root;
}

/* NULL with no error in diag when there is none yet. */
static struct pki_identity *load_present(const struct files *files, struct amt_diag *diag)
{
    if (!exists(files->paths[MPS_CERT]) || !exists(files->paths[MPS_KEY])) {
        return NULL;
    }
    return pki_load(files->paths[MPS_CERT], files->paths[MPS_KEY], diag);
}

/* Whoever put a certificate of another authority here would not want it overwritten. */
static bool is_ours(const struct pki_identity *present, const struct pki_identity *root)
{
    return X509_verify(pki_certificate(present), X509_get0_pubkey(pki_certificate(root))) == 1;
}

static void refuse_foreign(const struct files *files, const char *why, struct amt_diag *diag)
{
    (void)amt_diag_set(diag, AMT_ECERT, "%s was not made by this server and cannot be used: %s",
                       files->paths[MPS_CERT], why);
    (void)amt_diag_hint(diag,
                        "replace %s and %s by a pair that fits, or move them away to have one made",
                        files->paths[MPS_CERT], files->paths[MPS_KEY]);
}

static struct pki_identity *make_mps(const struct mps_config *config, const struct files *files,
                                     const struct pki_identity *root, const char *why,
                                     struct log *log, struct amt_diag *diag)
{
    struct pki_identity *identity = issue_mps(config, root, diag);
    if (identity != NULL &&
        pki_save(identity, files->paths[MPS_CERT], files->paths[MPS_KEY], diag) != AMT_OK) {
        pki_identity_free(identity);
        return NULL;
    }
    if (identity != NULL) {
        log_made(log, identity, "mps", files->paths[MPS_CERT], why);
    }
    return identity;
}

static struct pki_identity *load_mps(const struct mps_config *config, const struct files *files,
                                     uint64_t wall_us, struct log *log, struct amt_diag *diag)
{
    struct amt_diag problem = { .err = AMT_OK };
    struct pki_identity *present = load_present(files, &problem);
    if (present == NULL && problem.err != AMT_OK) {
        if (diag != NULL) {
            *diag = problem;
        }
        return NULL;
    }
    const char *why = present == NULL ? "first start" : misfit(config, present, wall_us);
    if (why == NULL) {
        return present;
    }
    bool is_rootless = !exists(files->paths[ROOT_CERT]) && !exists(files->paths[ROOT_KEY]);
    struct pki_identity *root =
        present != NULL && is_rootless ? NULL : load_root(config, files, log, diag);
    struct pki_identity *made = NULL;
    if (present != NULL && (root == NULL ? is_rootless : !is_ours(present, root))) {
        refuse_foreign(files, why, diag);
    } else if (root != NULL) {
        made = make_mps(config, files, root, why, log, diag);
    }
    pki_identity_free(present);
    pki_identity_free(root);
    return made;
}

static struct pki_identity *in_memory(const struct mps_config *config, struct amt_diag *diag)
{
    struct pki_identity *root = issue_root(config, diag);
    struct pki_identity *identity = root == NULL ? NULL : issue_mps(config, root, diag);
    pki_identity_free(root);
    return identity;
}

struct pki_identity *mps_certificates(const struct mps_config *config, uint64_t wall_us,
                                      struct log *log, struct amt_diag *diag)
{
    if (config->data == NULL) {
        return in_memory(config, diag);
    }
    if (mkdir(config->data, 0700) != 0 && errno != EEXIST) {
        (void)amt_diag_errno(diag, errno, "cannot create the data directory %s", config->data);
        (void)amt_diag_hint(diag, "create it, or choose another with --data");
        return NULL;
    }
    struct files files = { .paths = { NULL } };
    struct pki_identity *identity = NULL;
    if (make_paths(&files, config->data)) {
        identity = load_mps(config, &files, wall_us, log, diag);
    } else {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    free_paths(&files);
    return identity;
}

struct pki_identity *mps_own_root(const struct mps_config *config, struct amt_diag *diag)
{
    struct text certificate = { 0 };
    struct text key = { 0 };
    struct pki_identity *root = NULL;
    if (config->data == NULL) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "without a data directory the MPS keeps no root");
        (void)amt_diag_hint(diag, "set data: DIR (or --data DIR)");
        return NULL;
    }
    text_printf(&certificate, "%s/root.crt", config->data);
    text_printf(&key, "%s/root.key", config->data);
    if (certificate.failed || key.failed) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    } else {
        root = pki_load(text_chars(&certificate), text_chars(&key), diag);
    }
    text_fini(&certificate);
    text_fini(&key);
    return root;
}
