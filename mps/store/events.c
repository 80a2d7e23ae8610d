/* Connection events: collected in memory, written in one transaction by store_flush, so that a storm
 * of logins costs one sync and not thousands. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/store/store_internal.h"

#define EVENTS_KEPT 1000000 /* rows; the oldest go first */

static struct pending_event *add_pending(struct store *store)
{
    if (store->pending_count >= STORE_PENDING_MAX) {
        store->dropped_events += 1;
        return NULL;
    }
    if (store->pending_count >= store->pending_capacity) {
        uint32_t capacity = store->pending_capacity == 0 ? 64 : store->pending_capacity * 2;
        struct pending_event *pending = amt_resize(store->pending, capacity * sizeof *pending);
        if (pending == NULL) {
            store->dropped_events += 1;
            return NULL;
        }
        store->pending = pending;
        store->pending_capacity = capacity;
    }
    struct pending_event *event = &store->pending[store->pending_count++];
    memset(event, 0, sizeof *event);
    return event;
}

enum amt_err store_event(struct store *store, const struct uuid *uuid, const char *event,
                         const char *detail, uint64_t wall_us)
{
    struct pending_event *pending = add_pending(store);
    if (pending == NULL) {
        return AMT_ELIMIT;
    }
    pending->uuid = *uuid;
    pending->wall_us = wall_us;
    (void)snprintf(pending->event, sizeof pending->event, "%s", event);
    (void)snprintf(pending->detail, sizeof pending->detail, "%s", detail);
    return AMT_OK;
}

enum amt_err store_seen(struct store *store, const struct uuid *uuid, const char *group,
                        uint64_t wall_us)
{
    struct pending_event *pending = add_pending(store);
    if (pending == NULL) {
        return AMT_ELIMIT;
    }
    pending->uuid = *uuid;
    pending->is_seen = true;
    pending->wall_us = wall_us;
    (void)snprintf(pending->detail, sizeof pending->detail, "%s", group);
    return AMT_OK;
}

static const char k_insert_event[] =
    "INSERT INTO events(uuid,wall_us,event,detail) VALUES(?1,?2,?3,?4)";
static const char k_upsert_seen[] =
    "INSERT INTO devices(uuid,group_id,first_seen_us,last_seen_us) "
    "VALUES(?1,(SELECT id FROM groups WHERE name=?3),?2,?2) "
    "ON CONFLICT(uuid) DO UPDATE SET last_seen_us=?2,"
    "first_seen_us=CASE first_seen_us WHEN 0 THEN ?2 ELSE first_seen_us END,"
    "group_id=coalesce(group_id,excluded.group_id)";

static enum amt_err write_one(struct store *store, sqlite3_stmt *statement,
                              const struct pending_event *event, struct amt_diag *diag)
{
    store_bind_uuid(statement, 1, &event->uuid);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)event->wall_us);
    store_bind_text(statement, 3, event->is_seen ? event->detail : event->event);
    if (!event->is_seen) {
        store_bind_text(statement, 4, event->detail);
    }
    int code = sqlite3_step(statement);
    enum amt_err err = code == SQLITE_DONE ? AMT_OK : store_failed(store, diag, "writing events");
    (void)sqlite3_reset(statement);
    return err;
}

static enum amt_err write_all(struct store *store, struct amt_diag *diag)
{
    sqlite3_stmt *event = store_prepare(store, k_insert_event, diag);
    sqlite3_stmt *seen = store_prepare(store, k_upsert_seen, diag);
    enum amt_err err = event == NULL || seen == NULL ? AMT_ESYS : AMT_OK;
    for (uint32_t i = 0; err == AMT_OK && i < store->pending_count; i++) {
        const struct pending_event *pending = &store->pending[i];
        err = write_one(store, pending->is_seen ? seen : event, pending, diag);
    }
    (void)sqlite3_finalize(event);
    (void)sqlite3_finalize(seen);
    return err;
}

static enum amt_err flush_in_transaction(struct store *store, struct amt_diag *diag)
{
    TRY(store_execute(store, "BEGIN IMMEDIATE", diag));
    enum amt_err err = write_all(store, diag);
    if (err == AMT_OK) {
        char prune[96];
        (void)snprintf(prune, sizeof prune,
                       "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - %d; COMMIT",
                       EVENTS_KEPT);
        err = store_execute(store, prune, diag);
    }
    if (err != AMT_OK) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return err;
}

enum amt_err store_flush(struct store *store, struct amt_diag *diag)
{
    if (store->pending_count == 0) {
        return AMT_OK;
    }
    enum amt_err err = flush_in_transaction(store, diag);
    if (err == AMT_OK) {
        amt_free(store->pending);
        store->pending = NULL;
        store->pending_count = 0;
        store->pending_capacity = 0;
        if (store->is_full) {
            store->is_full = false;
            (void)amt_diag_set(diag, AMT_ELIMIT,
                               "the store can be written again; %llu events were dropped meanwhile",
                               (unsigned long long)store->dropped_events);
            store->dropped_events = 0;
            return AMT_ELIMIT;
        }
        return AMT_OK;
    }
    /* Kept for the next flush, up to the bound; reported once until it works again. */
    bool is_news = !store->is_full;
    store->is_full = true;
    return is_news ? err : AMT_OK;
}

bool store_is_writable(struct store *store, struct amt_diag *diag)
{
    bool can_write =
        !store->is_full &&
        store_execute(store,
                      "INSERT INTO meta(key,value) VALUES('probe',0) ON CONFLICT(key) DO "
                      "UPDATE SET value=value+1",
                      diag) == AMT_OK;
    if (store->is_full) {
        (void)amt_diag_set(diag, AMT_ESYS, "%s cannot be written; events wait", store->path);
    }
    return can_write;
}

enum amt_err store_each_event(struct store *store, const struct uuid *uuid, uint32_t limit,
                              void (*fn)(void *ctx, uint64_t wall_us, const char *event,
                                         const char *detail),
                              void *ctx, struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT wall_us,event,detail FROM events WHERE uuid=?1 ORDER BY id DESC LIMIT ?2",
        diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_uuid(statement, 1, uuid);
    (void)sqlite3_bind_int64(statement, 2, limit);
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
        char event[48];
        char detail[STORE_DETAIL_BYTES];
        store_column_text(statement, 1, event, sizeof event);
        store_column_text(statement, 2, detail, sizeof detail);
        fn(ctx, (uint64_t)sqlite3_column_int64(statement, 0), event, detail);
    }
    enum amt_err err = code == SQLITE_DONE ? AMT_OK : store_failed(store, diag, "reading events");
    (void)sqlite3_finalize(statement);
    return err;
}
