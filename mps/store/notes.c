/* What the server says about itself, for commands that run beside it. */
#include "mps/store/store_internal.h"

enum amt_err store_note(struct store *store, const char *key, const char *text,
                        struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO meta(key,value) VALUES('note:'||?1,?2) ON CONFLICT(key) DO UPDATE SET "
        "value=?2",
        diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, key);
    store_bind_text(statement, 2, text);
    return store_finish(store, statement, "leaving a note", diag);
}

enum amt_err store_noted(struct store *store, const char *key, struct text *text,
                         struct amt_diag *diag)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT value FROM meta WHERE key='note:'||?1", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, key);
    bool is_found = sqlite3_step(statement) == SQLITE_ROW;
    if (is_found) {
        text_append(text, (const char *)sqlite3_column_text(statement, 0),
                    (size_t)sqlite3_column_bytes(statement, 0));
    }
    (void)sqlite3_finalize(statement);
    return !is_found ? AMT_EUNKNOWN : text->failed ? AMT_ENOMEM : AMT_OK;
}
