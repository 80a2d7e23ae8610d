/*
 * Operators' tokens: NAME.SECRET. The store keeps a salted scrypt hash of the secret; once a token has
 * passed that slow check it is remembered, for this process, as an HMAC under a random key.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/memory.h"
#include "mps/store/store_internal.h"

#define TOKEN_SECRET_CHARS 40u
#define SALT_BYTES         16u
#define HASH_BYTES         32u
/* RFC 7914 parameters: 32 MiB and about 0.1 s on the machines of 2026. */
#define SCRYPT_N          32768u
#define SCRYPT_R          8u
#define SCRYPT_P          1u
#define SCRYPT_MAX_MEMORY (64u * 1024 * 1024)

static bool slow_hash(const uint8_t *secret, uint32_t len, const uint8_t salt[static SALT_BYTES],
                      uint8_t hash[static HASH_BYTES])
{
    return EVP_PBE_scrypt((const char *)secret, len, salt, SALT_BYTES, SCRYPT_N, SCRYPT_R, SCRYPT_P,
                          SCRYPT_MAX_MEMORY, hash, HASH_BYTES) == 1;
}

static enum amt_err check_name(const char *name, struct amt_diag *diag)
{
    size_t len = strlen(name);
    bool is_plain =
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == len;
    if (len < 1 || len > 64 || !is_plain) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "an operator name has 1 to 64 letters, digits, - and _");
    }
    return AMT_OK;
}

enum amt_err store_token_add(struct store *store, const char *operator_name, struct secret *token,
                             struct amt_diag *diag)
{
    TRY(check_name(operator_name, diag));
    char made[TOKEN_SECRET_CHARS + 1];
    uint8_t salt[SALT_BYTES];
    uint8_t hash[HASH_BYTES];
    TRY(store_random_text(made, TOKEN_SECRET_CHARS));
    bool good = RAND_bytes(salt, SALT_BYTES) == 1 &&
                slow_hash((const uint8_t *)made, TOKEN_SECRET_CHARS, salt, hash);
    if (!good) {
        return amt_diag_set(diag, AMT_EBUG, "the token could not be hashed");
    }
    char whole[65 + TOKEN_SECRET_CHARS + 2];
    int len = snprintf(whole, sizeof whole, "%s.%s", operator_name, made);
    TRY(secret_set(token, whole, (uint32_t)len));
    amt_wipe(whole, sizeof whole);
    amt_wipe(made, sizeof made);

    sqlite3_stmt *statement = store_prepare(
        store, "INSERT INTO operators(name,salt,hash,created_us) VALUES(?1,?2,?3,?4)", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, operator_name);
    (void)sqlite3_bind_blob(statement, 2, salt, (int)SALT_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_blob(statement, 3, hash, (int)HASH_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 4, (sqlite3_int64)store_now_us());
    char doing[96];
    (void)snprintf(doing, sizeof doing, "adding operator %s", operator_name);
    return store_finish(store, statement, doing, diag);
}

enum amt_err store_token_remove(struct store *store, const char *operator_name,
                                struct amt_diag *diag)
{
    sqlite3_stmt *statement = store_prepare(store, "DELETE FROM operators WHERE name=?1", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, operator_name);
    TRY(store_finish(store, statement, "removing the operator", diag));
    if (sqlite3_changes(store->db) == 0) {
        return amt_diag_set(diag, AMT_EUNKNOWN, "there is no operator %s", operator_name);
    }
    return AMT_OK;
}

struct stored_hash {
    uint8_t salt[SALT_BYTES], hash[HASH_BYTES];
};

static enum amt_err load_hash(struct store *store, const char *name, struct stored_hash *stored,
                              struct amt_diag *diag)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT salt,hash FROM operators WHERE name=?1", diag);
    if (statement == NULL) {
        return AMT_ESYS;
    }
    store_bind_text(statement, 1, name);
    enum amt_err err = AMT_EAUTH;
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == SALT_BYTES &&
        sqlite3_column_bytes(statement, 1) == HASH_BYTES) {
        memcpy(stored->salt, sqlite3_column_blob(statement, 0), SALT_BYTES);
        memcpy(stored->hash, sqlite3_column_blob(statement, 1), HASH_BYTES);
        err = AMT_OK;
    }
    (void)sqlite3_finalize(statement);
    return err;
}

static bool keyed_hash(const struct store *store, const uint8_t *token, uint32_t len,
                       uint8_t mac[static HASH_BYTES])
{
    unsigned mac_len = HASH_BYTES;
    return HMAC(EVP_sha256(), store->token_key, sizeof store->token_key, token, len, mac,
                &mac_len) != NULL;
}

static bool was_checked(struct store *store, const uint8_t mac[static HASH_BYTES],
                        const struct stored_hash *stored, const char *name)
{
    bool found = false;
    for (uint32_t i = 0; i < store->checked_count; i++) {
        const struct checked_token *checked = &store->checked[i];
        if (CRYPTO_memcmp(checked->mac, mac, HASH_BYTES) == 0 &&
            memcmp(checked->hash, stored->hash, HASH_BYTES) == 0 &&
            strcmp(checked->operator_name, name) == 0) {
            found = true;
        }
    }
    return found;
}

static void remember(struct store *store, const uint8_t mac[static HASH_BYTES],
                     const struct stored_hash *stored, const char *name)
{
    /* Full: start over; the next use of a token costs one slow check. */
    if (store->checked_count >= STORE_CHECKED_MAX) {
        store->checked_count = 0;
    }
    struct checked_token *checked = &store->checked[store->checked_count++];
    memcpy(checked->mac, mac, HASH_BYTES);
    memcpy(checked->hash, stored->hash, HASH_BYTES);
    (void)snprintf(checked->operator_name, sizeof checked->operator_name, "%s", name);
}

enum amt_err store_token_check(struct store *store, const uint8_t *token, uint32_t len,
                               char operator_name[static 65], struct amt_diag *diag)
{
    const uint8_t *dot = len == 0 ? NULL : memchr(token, '.', len);
    size_t name_len = dot == NULL ? 0 : (size_t)(dot - token);
    if (name_len < 1 || name_len > 64 || len > SECRET_MAX_BYTES) {
        return amt_diag_set(diag, AMT_EAUTH, "that is no operator token (NAME.SECRET)");
    }
    memcpy(operator_name, token, name_len);
    operator_name[name_len] = '\0';

    struct stored_hash stored = { .salt = { 0 } };
    uint8_t mac[HASH_BYTES];
    uint8_t hash[HASH_BYTES];
    (void)pthread_mutex_lock(&store->token_lock);
    enum amt_err err = load_hash(store, operator_name, &stored, diag);
    bool is_known = err == AMT_OK && keyed_hash(store, token, len, mac) &&
                    was_checked(store, mac, &stored, operator_name);
    (void)pthread_mutex_unlock(&store->token_lock);
    if (err == AMT_ESYS || is_known) {
        return err;
    }
    /* An unknown operator costs the same time as a wrong secret. */
    uint32_t secret_len = len - (uint32_t)name_len - 1;
    bool good = slow_hash(dot + 1, secret_len, stored.salt, hash) && err == AMT_OK &&
                CRYPTO_memcmp(hash, stored.hash, HASH_BYTES) == 0;
    if (!good) {
        return amt_diag_set(diag, AMT_EAUTH, "the operator token is not valid");
    }
    (void)pthread_mutex_lock(&store->token_lock);
    remember(store, mac, &stored, operator_name);
    (void)pthread_mutex_unlock(&store->token_lock);
    return AMT_OK;
}
