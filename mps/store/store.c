#include "mps/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/memory.h"
#include "base/text.h"
#include "mps/store/store_internal.h"

#define BUSY_TIMEOUT_MS 5000

enum amt_err store_failed(struct store *store, struct amt_diag *diag, const char *doing)
{
    int code = sqlite3_errcode(store->db);
    (void)amt_diag_set(diag, AMT_ESYS, "%s in %s failed: %s", doing, store->path,
                       sqlite3_errmsg(store->db));
    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
        (void)amt_diag_hint(diag, "free some space on the disk that holds the data directory");
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        (void)amt_diag_hint(diag, "another program holds the database; close it and try again");
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        (void)amt_diag_hint(diag, "the file is damaged or no amtlab database; restore a backup");
        break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        (void)amt_diag_hint(diag, "check that this user may write to the data directory");
        break;
    default:
        break;
    }
    return AMT_ESYS;
}

sqlite3_stmt *store_prepare(struct store *store, const char *sql, struct amt_diag *diag)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        (void)store_failed(store, diag, "reading");
        return NULL;
    }
    return statement;
}

enum amt_err store_finish(struct store *store, sqlite3_stmt *statement, const char *doing,
                          struct amt_diag *diag)
{
    int code = sqlite3_step(statement);
    enum amt_err err = AMT_OK;
    if ((code & 0xff) == SQLITE_CONSTRAINT) {
        err = amt_diag_set(diag, AMT_EEXISTS, "%s: it exists already", doing);
    } else if (code != SQLITE_DONE && code != SQLITE_ROW) {
        err = store_failed(store, diag, doing);
    }
    (void)sqlite3_finalize(statement);
    return err;
}

enum amt_err store_execute(struct store *store, const char *sql, struct amt_diag *diag)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return store_failed(store, diag, "writing");
    }
    return AMT_OK;
}

void store_bind_uuid(sqlite3_stmt *statement, int at, const struct uuid *uuid)
{
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid, text);
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

void store_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

void store_column_text(sqlite3_stmt *statement, int at, char *out, size_t cap)
{
    const unsigned char *text = sqlite3_column_text(statement, at);
    (void)snprintf(out, cap, "%s", text == NULL ? "" : (const char *)text);
}

uint64_t store_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

enum amt_err store_random_text(char *out, uint32_t len)
{
    /* None that is read wrongly (0 O 1 I l). Bytes above the last whole multiple are drawn again, so none is favoured. */
    static const char k_letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
    const unsigned count = sizeof k_letters - 1;
    uint32_t at = 0;
    while (at < len) {
        uint8_t byte = 0;
        if (RAND_bytes(&byte, 1) != 1) {
            return AMT_EBUG;
        }
        if (byte < 256 / count * count) {
            out[at++] = k_letters[byte % count];
        }
    }
    out[len] = '\0';
    return AMT_OK;
}

static char *join(const char *directory, const char *name)
{
    struct text path = { 0 };
    text_printf(&path, "%s/%s", directory, name);
    return text_take(&path);
}

static enum amt_err open_database(struct store *store, struct amt_diag *diag)
{
    mode_t old_mask = umask(077); /* the database and its WAL hold names and sealed secrets */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
    int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    enum amt_err err = code == SQLITE_OK ? AMT_OK : store_failed(store, diag, "opening");
    if (err == AMT_OK) {
        (void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
        err = store_execute(store,
                            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                            "PRAGMA foreign_keys=ON;",
                            diag);
    }
    if (err == AMT_OK) {
        err = store_migrate(store, diag);
    }
    (void)umask(old_mask);
    return err;
}

/* A value sealed at the first start tells a key file that does not belong to this database. */
static enum amt_err check_key(struct store *store, const char *key_path, struct amt_diag *diag)
{
    static const char k_label[] = "meta:check";
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT value FROM meta WHERE key='seal_check'", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    struct secret plain = { 0 };
    enum amt_err err = AMT_OK;
    bool is_new = sqlite3_step(statement) != SQLITE_ROW;
    if (!is_new) {
        err = seal_open(&store->seal, k_label, sqlite3_column_blob(statement, 0),
                        (uint32_t)sqlite3_column_bytes(statement, 0), &plain);
    }
    (void)sqlite3_finalize(statement);
    if (err != AMT_OK) {
        (void)amt_diag_set(diag, err, "the key file %s does not belong to %s", key_path,
                           store->path);
        (void)amt_diag_hint(diag, "restore the key file that was made with this database");
        return err;
    }
    if (!is_new) {
        return AMT_OK;
    }
    struct sealed sealed;
    TRY(secret_set(&plain, "amtlab", 6));
    TRY(seal_close(&store->seal, k_label, &plain, &sealed));
    statement = store_prepare(store, "INSERT INTO meta(key,value) VALUES('seal_check',?1)", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    (void)sqlite3_bind_blob(statement, 1, sealed.bytes, (int)sealed.len, SQLITE_STATIC);
    return store_finish(store, statement, "writing the key check", diag);
}

static enum amt_err open_in(struct store *store, const char *directory, struct amt_diag *diag)
{
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        (void)amt_diag_errno(diag, errno, "cannot create the data directory %s", directory);
        (void)amt_diag_hint(diag, "create it, or choose another with --data");
        return AMT_ESYS;
    }
    store->path = join(directory, "amtlab.db");
    char *key_path = join(directory, "seal.key");
    enum amt_err err = AMT_ENOMEM;
    if (store->path != NULL && key_path != NULL) {
        err = seal_load(key_path, &store->seal, diag);
    }
    if (err == AMT_OK) {
        err = open_database(store, diag);
    }
    if (err == AMT_OK) {
        err = check_key(store, key_path, diag);
    }
    if (err == AMT_OK && RAND_bytes(store->token_key, sizeof store->token_key) != 1) {
        err = amt_diag_set(diag, AMT_EBUG, "no random numbers");
    }
    amt_free(key_path);
    return err;
}

struct store *store_open(const char *directory, struct amt_diag *diag)
{
    struct store *store = amt_alloc(sizeof *store);
    if (store == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    (void)pthread_mutex_init(&store->token_lock, NULL);
    if (open_in(store, directory, diag) != AMT_OK) {
        store_close(store);
        return NULL;
    }
    return store;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    enum amt_err flushed = store_flush(store, NULL);
    (void)flushed; /* the disk's trouble was reported by earlier flushes */
    (void)sqlite3_close_v2(store->db);
    (void)pthread_mutex_destroy(&store->token_lock);
    seal_fini(&store->seal);
    amt_free(store->pending);
    amt_free(store->path);
    amt_wipe(store, sizeof *store);
    amt_free(store);
}
