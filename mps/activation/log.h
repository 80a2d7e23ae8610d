/*
 * The activation log (activation.md 6.6): every attempt with the admin password that it uses, written
 * and synced before the device is told. Lines are MeshCentral's; a structured twin is in the store.
 */
#ifndef AMTLAB_MPS_ACTIVATION_LOG_H
#define AMTLAB_MPS_ACTIVATION_LOG_H

#include <jansson.h>

#include "base/diag.h"
#include "base/secret.h"
#include "protocol/activation/failures.h"
#include "protocol/activation/report.h"

enum activation_action {
    ACTIVATION_ACM,        /* acmactivate */
    ACTIVATION_CCM,        /* ccmactivate */
    ACTIVATION_ACM_TLS,    /* acmactivate-tls */
    ACTIVATION_UPGRADE,    /* acmactivate, by UpgradeClientToAdmin */
    ACTIVATION_BARE_METAL, /* acmactivate-bare-metal */
    ACTIVATION_PASSWORD,   /* amtpassword */
    ACTIVATION_DEACTIVATE  /* without a password */
};

struct activation_log_entry {
    uint64_t time_ms; /* Unix */
    enum activation_action action;
    struct uuid uuid;
    const char *realm, *fqdn, *user;
    const struct secret *password;
    const char *mebx_password;                /* bare metal; NULL */
    const char *certificate_hash, *hash_type; /* hex of the root; "sha256", "sha1"; NULL */
    const char *peer, *group, *host_name, *client, *version;
};

struct activation_log;
/* Opens or makes the file, mode 0600. AMT_EAUTH when others may read it, AMT_ESYS; both with what to
 * do. recipient: PEM certificate to which passwords are encrypted (CMS), or NULL for clear text. */
enum amt_err activation_log_open(const char *path, const char *recipient_path,
                                 struct activation_log **log, struct amt_diag *diag) AMT_MUST_USE;
void activation_log_close(struct activation_log *log); /* NULL is allowed */
/* Appends and syncs. On an error nothing may be sent to the device (F46). */
enum amt_err activation_log_append(struct activation_log *log,
                                   const struct activation_log_entry *entry,
                                   struct amt_diag *diag) AMT_MUST_USE;
/* "acmactivate", ... */
const char *activation_action_name(enum activation_action action);
/* Every line of a log, in order: its number from 1 and its object, NULL for a damaged line. AMT_ESYS. */
typedef void activation_log_line_fn(void *ctx, uint32_t number, const json_t *object);
enum amt_err activation_log_each(const char *path, activation_log_line_fn *on_line, void *ctx,
                                 struct amt_diag *diag) AMT_MUST_USE;
/* The last passwords that were logged for a device, newest first, at most three different ones; count
 * gets how many. Entries that are encrypted are passed over. AMT_ESYS. */
enum amt_err activation_log_passwords(const char *path, const struct uuid *uuid,
                                      struct secret passwords[static 3], uint32_t *count,
                                      struct amt_diag *diag) AMT_MUST_USE;
/* The same with encrypted ones, by the recipient's private key (PEM); those that it does not open are passed
 * over. AMT_ECERT: it is no key. */
enum amt_err activation_log_open_passwords(const char *path, const struct uuid *uuid,
                                           const char *key_path, struct secret passwords[static 3],
                                           uint32_t *count, struct amt_diag *diag) AMT_MUST_USE;

#endif
