#include <stdio.h>
#include <string.h>

#include "mps/store/store_internal.h"

#define GROUP_USER_CHARS     16u
#define GROUP_PASSWORD_CHARS 16u /* firmware keeps at most 16 (apf.md 2.2) */

static const char *const k_kinds[] = { "amt", "agent" };

const char *store_group_kind_name(enum store_group_kind kind)
{
    return k_kinds[kind];
}

enum amt_err store_group_kind_find(const char *name, enum store_group_kind *kind)
{
    for (int i = 0; i < 2; i++) {
        if (strcmp(name, k_kinds[i]) == 0) {
            *kind = (enum store_group_kind)i;
            return AMT_OK;
        }
    }
    return AMT_EUNKNOWN;
}

static bool is_alphanumeric(const char *text)
{
    return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")] ==
           '\0';
}

static enum amt_err check_group(const char *name, const char *user, const struct secret *password,
                                struct amt_diag *diag)
{
    size_t name_len = strlen(name);
    if (name_len < 1 || name_len > 64) {
        return amt_diag_set(diag, AMT_ECONFIG, "a group name has 1 to 64 bytes, not %zu", name_len);
    }
    if (user != NULL && (strlen(user) < 1 || strlen(user) > 16 || !is_alphanumeric(user))) {
        (void)amt_diag_set(diag, AMT_ECONFIG,
                           "\"%s\" is no CIRA user name: 1 to 16 letters and digits", user);
        (void)amt_diag_hint(diag, "firmware takes no others; leave it out to have one made");
        return AMT_ECONFIG;
    }
    if (password != NULL && (password->len < 1 || password->len > GROUP_PASSWORD_CHARS)) {
        return amt_diag_set(diag, AMT_ECONFIG, "a CIRA password has 1 to 16 bytes, not %u",
                            password->len);
    }
    return AMT_OK;
}

static enum amt_err fill_in(const char *user, const struct secret *password,
                            struct store_group *group, struct secret *plain)
{
    if (user != NULL) {
        (void)snprintf(group->user, sizeof group->user, "%s", user);
    } else {
        TRY(store_random_text(group->user, GROUP_USER_CHARS));
    }
    if (password != NULL) {
        *plain = *password;
        return AMT_OK;
    }
    char made[GROUP_PASSWORD_CHARS + 1];
    TRY(store_random_text(made, GROUP_PASSWORD_CHARS));
    return secret_set(plain, made, GROUP_PASSWORD_CHARS);
}

enum amt_err store_group_add(struct store *store, const char *name, const char *user,
                             const struct secret *password, enum store_group_kind kind,
                             struct store_group *group, struct secret *plain, struct amt_diag *diag)
{
    memset(group, 0, sizeof *group);
    TRY(check_group(name, user, password, diag));
    TRY(fill_in(user, password, group, plain));
    (void)snprintf(group->name, sizeof group->name, "%s", name);
    group->kind = kind;
    group->created_us = store_now_us();

    char label[32];
    struct sealed sealed;
    (void)snprintf(label, sizeof label, "group:%s", group->user);
    TRY(seal_close(&store->seal, label, plain, &sealed));
    sqlite3_stmt *statement = store_prepare(
        store, "INSERT INTO groups(name,user,password,created_us,kind) VALUES(?1,?2,?3,?4,?5)",
        diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, group->name);
    store_bind_text(statement, 2, group->user);
    (void)sqlite3_bind_blob(statement, 3, sealed.bytes, (int)sealed.len, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 4, (sqlite3_int64)group->created_us);
    (void)sqlite3_bind_int(statement, 5, (int)kind);
    char doing[128];
    (void)snprintf(doing, sizeof doing, "adding group %s with user %s", name, group->user);
    TRY(store_finish(store, statement, doing, diag));
    group->id = sqlite3_last_insert_rowid(store->db);
    return AMT_OK;
}

struct by_name {
    const char *name;
    struct store_group *found;
    bool is_found;
};

static void look_at(void *ctx, const struct store_group *group)
{
    struct by_name *search = ctx;
    if (strcmp(group->name, search->name) == 0) {
        *search->found = *group;
        search->is_found = true;
    }
}

enum amt_err store_group_find(struct store *store, const char *name, struct store_group *group,
                              struct amt_diag *diag)
{
    struct by_name search = { .name = name, .found = group };
    TRY(store_each_group(store, look_at, &search, diag));
    if (!search.is_found) {
        (void)amt_diag_set(diag, AMT_EUNKNOWN, "there is no group \"%s\"", name);
        (void)amt_diag_hint(diag, "amtlab admin group list shows those that are");
        return AMT_EUNKNOWN;
    }
    return AMT_OK;
}

enum amt_err store_group_remove(struct store *store, const char *name, struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(store, "DELETE FROM groups WHERE name=?1", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, name);
    TRY(store_finish(store, statement, "removing the group", diag));
    if (sqlite3_changes(store->db) == 0) {
        return amt_diag_set(diag, AMT_EUNKNOWN, "there is no group %s", name);
    }
    return AMT_OK;
}

enum amt_err store_each_group(struct store *store,
                              void (*fn)(void *ctx, const struct store_group *group), void *ctx,
                              struct amt_diag *diag)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT id,name,user,created_us,kind FROM groups ORDER BY id", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
        struct store_group group = { .id = sqlite3_column_int64(statement, 0),
                                     .created_us = (uint64_t)sqlite3_column_int64(statement, 3) };
        store_column_text(statement, 1, group.name, sizeof group.name);
        store_column_text(statement, 2, group.user, sizeof group.user);
        group.kind = sqlite3_column_int(statement, 4) == 1 ? STORE_GROUP_AGENT : STORE_GROUP_AMT;
        fn(ctx, &group);
    }
    enum amt_err err = code == SQLITE_DONE ? AMT_OK : store_failed(store, diag, "reading groups");
    (void)sqlite3_finalize(statement);
    return err;
}
