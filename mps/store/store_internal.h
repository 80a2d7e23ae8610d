/* Shared by the files of the store. */
#ifndef AMTLAB_MPS_STORE_STORE_INTERNAL_H
#define AMTLAB_MPS_STORE_STORE_INTERNAL_H

#include <sqlite3.h>

#include <pthread.h>

#include "mps/store/seal.h"
#include "mps/store/store.h"

#define STORE_PENDING_MAX  10000u
#define STORE_DETAIL_BYTES 160

struct pending_event {
    struct uuid uuid;
    bool is_seen; /* a device came online: detail is its group */
    char event[48];
    char detail[STORE_DETAIL_BYTES];
    uint64_t wall_us;
};

/* A token that has passed the slow check once, as a keyed fast hash. */
struct checked_token {
    uint8_t mac[32];
    uint8_t hash[32]; /* the stored slow hash it belongs to: a changed token is checked anew */
    char operator_name[65];
};
#define STORE_CHECKED_MAX 64u

struct store {
    sqlite3 *db;
    char *path;
    struct seal seal;
    struct pending_event *pending;
    uint32_t pending_count, pending_capacity;
    uint64_t dropped_events;
    bool is_full;               /* the last flush found the disk full */
    pthread_mutex_t token_lock; /* token checks run on workers */
    uint8_t token_key[32];
    struct checked_token checked[STORE_CHECKED_MAX];
    uint32_t checked_count;
};

/* Diagnostic for a failed SQLite call: what was done, SQLite's words, and what to do about a full
 * disk, a locked or a damaged file. */
enum amt_err store_failed(struct store *store, struct amt_diag *diag, const char *doing);
/* Prepared statement, or NULL with diag. */
sqlite3_stmt *store_prepare(struct store *store, const char *sql, struct amt_diag *diag);
/* Runs a statement without rows to its end and finalizes it. AMT_EEXISTS for a broken constraint. */
enum amt_err store_finish(struct store *store, sqlite3_stmt *statement, const char *doing,
                          struct amt_diag *diag);
enum amt_err store_execute(struct store *store, const char *sql, struct amt_diag *diag);
void store_bind_uuid(sqlite3_stmt *statement, int at, const struct uuid *uuid);
void store_bind_text(sqlite3_stmt *statement, int at, const char *text); /* NULL binds NULL */
/* Copies a text column, cut to fit, "" for NULL. */
void store_column_text(sqlite3_stmt *statement, int at, char *out, size_t cap);
uint64_t store_now_us(void);
/* Letters and digits from the system's generator, without those that are read wrongly. */
enum amt_err store_random_text(char *out, uint32_t len);
enum amt_err store_migrate(struct store *store, struct amt_diag *diag);

#endif
