#include <stdio.h>
#include <string.h>

#include "mps/store/store_internal.h"

static void device_label(const struct uuid *uuid, char out[static 48])
{
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid, text);
    (void)snprintf(out, 48, "device:%s", text);
}

static enum amt_err find_group_id(struct store *store, const char *name, sqlite3_int64 *id,
                                  struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(store, "SELECT id FROM groups WHERE name=?1", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, name);
    bool is_found = sqlite3_step(statement) == SQLITE_ROW;
    *id = is_found ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_finalize(statement);
    if (!is_found) {
        (void)amt_diag_set(diag, AMT_EUNKNOWN, "there is no group %s", name);
        (void)amt_diag_hint(diag, "amtlab admin group add %s", name);
        return AMT_EUNKNOWN;
    }
    return AMT_OK;
}

enum amt_err store_device_put(struct store *store, const struct uuid *uuid, const char *group,
                              const char *user, const struct secret *password,
                              const char *certificate, struct amt_diag *diag)
{
    sqlite3_int64 group_id = 0;
    if (group != NULL) {
        TRY(find_group_id(store, group, &group_id, diag));
    }
    struct sealed sealed = { .len = 0 };
    if (password != NULL) {
        char label[48];
        device_label(uuid, label);
        TRY(seal_close(&store->seal, label, password, &sealed));
    }
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO devices(uuid,group_id,user,password,certificate) VALUES(?1,?2,?3,?4,?5) "
        "ON CONFLICT(uuid) DO UPDATE SET group_id=coalesce(?2,group_id), user=coalesce(?3,user), "
        "password=coalesce(?4,password), certificate=coalesce(?5,certificate)",
        diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_uuid(statement, 1, uuid);
    if (group != NULL) {
        (void)sqlite3_bind_int64(statement, 2, group_id);
    }
    store_bind_text(statement, 3, user);
    if (password != NULL) {
        (void)sqlite3_bind_blob(statement, 4, sealed.bytes, (int)sealed.len, SQLITE_STATIC);
    }
    store_bind_text(statement, 5, certificate);
    return store_finish(store, statement, "storing the device", diag);
}

enum amt_err store_device_place(struct store *store, const struct uuid *uuid, const char *host,
                                struct amt_diag *diag)
{
    sqlite3_stmt *statement =
        store_prepare(store, "UPDATE devices SET host=?2 WHERE uuid=?1", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_uuid(statement, 1, uuid);
    store_bind_text(statement, 2, host);
    TRY(store_finish(store, statement, "storing where the device is", diag));
    if (sqlite3_changes(store->db) == 0) {
        return amt_diag_set(diag, AMT_EUNKNOWN, "there is no such device");
    }
    return AMT_OK;
}

enum amt_err store_device_remove(struct store *store, const struct uuid *uuid,
                                 struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(store, "DELETE FROM devices WHERE uuid=?1", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_uuid(statement, 1, uuid);
    TRY(store_finish(store, statement, "removing the device", diag));
    if (sqlite3_changes(store->db) == 0) {
        return amt_diag_set(diag, AMT_EUNKNOWN, "there is no such device");
    }
    return AMT_OK;
}

bool store_has_device(struct store *store, const struct uuid *uuid)
{
    sqlite3_stmt *statement = store_prepare(store, "SELECT 1 FROM devices WHERE uuid=?1", NULL);
    if (statement == NULL) {
        return false;
    }
    store_bind_uuid(statement, 1, uuid);
    bool is_found = sqlite3_step(statement) == SQLITE_ROW;
    (void)sqlite3_finalize(statement);
    return is_found;
}

enum amt_err store_each_device(struct store *store,
                               void (*fn)(void *ctx, const struct store_device *device), void *ctx,
                               struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT d.uuid,g.name,d.password IS NOT NULL,d.first_seen_us,d.last_seen_us,d.certificate,"
        "d.host "
        "FROM devices d LEFT JOIN groups g ON g.id=d.group_id ORDER BY d.uuid",
        diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
        struct store_device device = {
            .has_own_password = sqlite3_column_int(statement, 2) != 0,
            .first_seen_us = (uint64_t)sqlite3_column_int64(statement, 3),
            .last_seen_us = (uint64_t)sqlite3_column_int64(statement, 4),
        };
        char text[UUID_TEXT_BYTES];
        store_column_text(statement, 0, text, sizeof text);
        if (uuid_parse(text, &device.uuid) != AMT_OK) {
            continue; /* only a hand-edited database has such a row */
        }
        store_column_text(statement, 1, device.group, sizeof device.group);
        store_column_text(statement, 5, device.certificate, sizeof device.certificate);
        store_column_text(statement, 6, device.host, sizeof device.host);
        fn(ctx, &device);
    }
    enum amt_err err = code == SQLITE_DONE ? AMT_OK : store_failed(store, diag, "reading devices");
    (void)sqlite3_finalize(statement);
    return err;
}

/* Opens the sealed password in column 0 of the row that the statement stands on. */
static enum amt_err open_password(struct store *store, sqlite3_stmt *statement, const char *label,
                                  struct secret *password, struct amt_diag *diag)
{
    enum amt_err err = seal_open(&store->seal, label, sqlite3_column_blob(statement, 0),
                                 (uint32_t)sqlite3_column_bytes(statement, 0), password);
    if (err != AMT_OK) {
        (void)amt_diag_set(diag, err, "the sealed password of %s does not open", label);
        (void)amt_diag_hint(diag, "it was changed outside amtlab; set the password again");
    }
    return err;
}

static enum amt_err own_credential(struct store *store, const struct uuid *uuid, const char *user,
                                   struct secret *password, char group[static 65],
                                   struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT d.password,g.name FROM devices d LEFT JOIN groups g ON g.id=d.group_id "
        "WHERE d.uuid=?1 AND d.password IS NOT NULL AND coalesce(d.user,g.user)=?2",
        diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_uuid(statement, 1, uuid);
    store_bind_text(statement, 2, user);
    enum amt_err err = AMT_EUNKNOWN;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        char label[48];
        device_label(uuid, label);
        store_column_text(statement, 1, group, 65);
        err = open_password(store, statement, label, password, diag);
    }
    (void)sqlite3_finalize(statement);
    return err;
}

/* The group of that user, unless the device has a credential of its own or is in another group. */
static enum amt_err group_credential(struct store *store, const struct uuid *uuid, const char *user,
                                     struct secret *password, char group[static 65],
                                     struct amt_diag *diag)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT g.password,g.name FROM groups g WHERE g.user=?2 AND NOT EXISTS("
                      "SELECT 1 FROM devices d WHERE d.uuid=?1 AND (d.password IS NOT NULL OR "
                      "(d.group_id IS NOT NULL AND d.group_id<>g.id)))",
                      diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_uuid(statement, 1, uuid);
    store_bind_text(statement, 2, user);
    enum amt_err err = AMT_EUNKNOWN;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        char label[96];
        (void)snprintf(label, sizeof label, "group:%s", user);
        store_column_text(statement, 1, group, 65);
        err = open_password(store, statement, label, password, diag);
    }
    (void)sqlite3_finalize(statement);
    return err;
}

enum amt_err store_credential(struct store *store, const struct uuid *uuid, const char *user,
                              struct secret *password, char group[static 65], struct amt_diag *diag)
{
    group[0] = '\0';
    enum amt_err err = own_credential(store, uuid, user, password, group, diag);
    if (err == AMT_EUNKNOWN) {
        err = group_credential(store, uuid, user, password, group, diag);
    }
    return err;
}

enum amt_err store_find_certificate(struct store *store, const char *fingerprint, struct uuid *uuid,
                                    struct amt_diag *diag)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT uuid FROM devices WHERE certificate=?1", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, fingerprint);
    enum amt_err err = AMT_EUNKNOWN;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        char text[UUID_TEXT_BYTES];
        store_column_text(statement, 0, text, sizeof text);
        err = uuid_parse(text, uuid);
    }
    (void)sqlite3_finalize(statement);
    return err;
}
