/*
 * What the server remembers: groups, devices, credentials, operators' tokens, connection events.
 * SQLite in WAL mode, one file `amtlab.db` in the data directory; numbered migrations; survives
 * kill -9. CIRA passwords are sealed at rest (AES-256-GCM) under the key file `seal.key` (0600);
 * operators' tokens and passwords are kept as salted scrypt hashes.
 */
#ifndef AMTLAB_MPS_STORE_STORE_H
#define AMTLAB_MPS_STORE_STORE_H

#include "base/diag.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/uuid.h"

struct store;
/* Creates the directory (0700), the database and the key file when they are missing. diag says which
 * file, why (permissions too open, full disk, newer schema, key does not fit) and what to do. */
struct store *store_open(const char *directory, struct amt_diag *diag);
void store_close(struct store *store);

/* AMT: no software of ours on the devices, a person runs a command. AGENT: a program on each device
 * activates it by itself. They differ in the ways in that are offered (mps/onboarding.h). */
enum store_group_kind { STORE_GROUP_AMT, STORE_GROUP_AGENT };
/* "amt", "agent". */
const char *store_group_kind_name(enum store_group_kind kind);
/* AMT_EUNKNOWN. */
enum amt_err store_group_kind_find(const char *name, enum store_group_kind *kind) AMT_MUST_USE;

/* Group: `name` is for people; its CIRA user name is 16 letters and digits (apf.md 8.1). */
struct store_group {
    int64_t id;
    char name[65], user[17];
    enum store_group_kind kind;
    uint64_t created_us;
};
/* user NULL or password NULL: generated. The plain password is returned once, in *password. */
enum amt_err store_group_add(struct store *store, const char *name, const char *user,
                             const struct secret *password, enum store_group_kind kind,
                             struct store_group *group, struct secret *plain,
                             struct amt_diag *diag) AMT_MUST_USE;
enum amt_err store_group_remove(struct store *store, const char *name,
                                struct amt_diag *diag) AMT_MUST_USE;
/* AMT_EUNKNOWN. */
enum amt_err store_group_find(struct store *store, const char *name, struct store_group *group,
                              struct amt_diag *diag) AMT_MUST_USE;
enum amt_err store_each_group(struct store *store,
                              void (*fn)(void *ctx, const struct store_group *group), void *ctx,
                              struct amt_diag *diag) AMT_MUST_USE;

struct store_device {
    struct uuid uuid;
    char group[65];
    bool has_own_password;
    uint64_t first_seen_us, last_seen_us; /* 0 = never */
    char certificate[65];                 /* SHA-256 of its client certificate, or "" */
    char host[256];                       /* its name or address on the local network, or "" */
};
/* Registers, or changes what is not NULL: own user and password override the group's. */
enum amt_err store_device_put(struct store *store, const struct uuid *uuid, const char *group,
                              const char *user, const struct secret *password,
                              const char *certificate, struct amt_diag *diag) AMT_MUST_USE;
/* Where a registered device is found on the local network. AMT_EUNKNOWN. */
enum amt_err store_device_place(struct store *store, const struct uuid *uuid, const char *host,
                                struct amt_diag *diag) AMT_MUST_USE;
enum amt_err store_device_remove(struct store *store, const struct uuid *uuid,
                                 struct amt_diag *diag) AMT_MUST_USE;
enum amt_err store_each_device(struct store *store,
                               void (*fn)(void *ctx, const struct store_device *device), void *ctx,
                               struct amt_diag *diag) AMT_MUST_USE;
bool store_has_device(struct store *store, const struct uuid *uuid);

/*
 * The credential that a login with this uuid and user must match: the device's own, else the one of
 * the group with that user name. An unknown device of a known group is admitted (and remembered by
 * store_seen). AMT_EUNKNOWN when there is none: the caller then compares against a dummy so that
 * timing tells nothing (APF-MPS-026).
 */
enum amt_err store_credential(struct store *store, const struct uuid *uuid, const char *user,
                              struct secret *password, char group[static 65],
                              struct amt_diag *diag) AMT_MUST_USE;
/* The device whose client certificate has this fingerprint (64 hex digits). AMT_EUNKNOWN. */
enum amt_err store_find_certificate(struct store *store, const char *fingerprint, struct uuid *uuid,
                                    struct amt_diag *diag) AMT_MUST_USE;

/* Connection events, kept for event_keep_days; written in batches by store_flush (the owner calls it
 * at least every second) in one transaction. A full disk is reported once and events are dropped
 * with a count; logins go on. */
enum amt_err store_event(struct store *store, const struct uuid *uuid, const char *event,
                         const char *detail, uint64_t wall_us) AMT_MUST_USE;
/* A device came online: registers it in the group if new and sets last_seen. Same batching. */
enum amt_err store_seen(struct store *store, const struct uuid *uuid, const char *group,
                        uint64_t wall_us) AMT_MUST_USE;
/* AMT_ESYS or AMT_ELIMIT's kin of the first failed write, once; AMT_ELIMIT once when writing works again:
 * diag says how many events were lost meanwhile. */
enum amt_err store_flush(struct store *store, struct amt_diag *diag) AMT_MUST_USE;
/* False while writes fail (full disk, lost permission); diag says why. */
bool store_is_writable(struct store *store, struct amt_diag *diag);
enum amt_err store_each_event(struct store *store, const struct uuid *uuid, uint32_t limit,
                              void (*fn)(void *ctx, uint64_t wall_us, const char *event,
                                         const char *detail),
                              void *ctx, struct amt_diag *diag) AMT_MUST_USE;

/* What the server says about itself, under a name; the last word holds. Commands beside it read that. */
enum amt_err store_note(struct store *store, const char *key, const char *text,
                        struct amt_diag *diag) AMT_MUST_USE;
/* Appends it to text. AMT_EUNKNOWN: nothing was said yet. */
enum amt_err store_noted(struct store *store, const char *key, struct text *text,
                         struct amt_diag *diag) AMT_MUST_USE;

/* Operators. A token is returned once; only its scrypt hash is kept. */
enum amt_err store_token_add(struct store *store, const char *operator_name, struct secret *token,
                             struct amt_diag *diag) AMT_MUST_USE;
enum amt_err store_token_remove(struct store *store, const char *operator_name,
                                struct amt_diag *diag) AMT_MUST_USE;
/* Slow on purpose: call on a worker. A token once checked is remembered for the process's life as a
 * keyed fast hash. AMT_EAUTH. */
enum amt_err store_token_check(struct store *store, const uint8_t *token, uint32_t len,
                               char operator_name[static 65], struct amt_diag *diag) AMT_MUST_USE;

#endif
