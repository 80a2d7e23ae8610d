/* The schema, as numbered steps. A step that was released is never changed; new ones are appended. */
#include <stdio.h>

#include "mps/store/store_internal.h"

static const char *const k_steps[] = {
    /* 1: first contact */
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE groups("
    "  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, user TEXT NOT NULL UNIQUE,"
    "  password BLOB NOT NULL, created_us INTEGER NOT NULL);"
    "CREATE TABLE devices("
    "  uuid TEXT PRIMARY KEY, group_id INTEGER REFERENCES groups(id) ON DELETE SET NULL,"
    "  user TEXT, password BLOB, certificate TEXT,"
    "  first_seen_us INTEGER NOT NULL DEFAULT 0, last_seen_us INTEGER NOT NULL DEFAULT 0"
    ") WITHOUT ROWID;"
    "CREATE UNIQUE INDEX devices_certificate ON devices(certificate) WHERE certificate IS NOT NULL;"
    "CREATE TABLE operators("
    "  name TEXT PRIMARY KEY, salt BLOB NOT NULL, hash BLOB NOT NULL, created_us INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE events("
    "  id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL,"
    "  wall_us INTEGER NOT NULL);"
    "CREATE INDEX events_uuid ON events(uuid, id);",
    /* 2: kinds of groups, devices of the local network */
    "ALTER TABLE groups ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE devices ADD COLUMN host TEXT;",
};
#define STEP_COUNT ((int)(sizeof k_steps / sizeof k_steps[0]))

static enum amt_err read_version(struct store *store, int *version, struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(store, "PRAGMA user_version", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    bool has_row = sqlite3_step(statement) == SQLITE_ROW;
    *version = has_row ? sqlite3_column_int(statement, 0) : 0;
    (void)sqlite3_finalize(statement);
    return has_row ? AMT_OK : store_failed(store, diag, "reading the schema version");
}

/* One step and its number in one transaction: a crash leaves the old schema or the new one. */
static enum amt_err apply(struct store *store, int step, struct amt_diag *diag)
{
    char set_version[48];
    (void)snprintf(set_version, sizeof set_version, "PRAGMA user_version=%d; COMMIT", step + 1);
    enum amt_err err = store_execute(store, "BEGIN IMMEDIATE", diag);
    int version = 0;
    if (err == AMT_OK) {
        err = read_version(store, &version, diag);
    }
    if (err == AMT_OK && version > step) {
        /* Another process was faster. */
        return store_execute(store, "ROLLBACK", diag);
    }
    if (err == AMT_OK) {
        err = store_execute(store, k_steps[step], diag);
    }
    if (err == AMT_OK) {
        err = store_execute(store, set_version, diag);
    }
    if (err != AMT_OK) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        return amt_diag_while(diag, err, "migrating to schema %d", step + 1);
    }
    return AMT_OK;
}

enum amt_err store_migrate(struct store *store, struct amt_diag *diag)
{
    int version = 0;
    TRY(read_version(store, &version, diag));
    if (version > STEP_COUNT) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "%s has schema %d, this program knows up to %d",
                           store->path, version, STEP_COUNT);
        (void)amt_diag_hint(diag, "use the newer amtlab that wrote it");
        return AMT_ECONFIG;
    }
    for (int step = version; step < STEP_COUNT; step++) {
        TRY(apply(store, step, diag));
    }
    return AMT_OK;
}
