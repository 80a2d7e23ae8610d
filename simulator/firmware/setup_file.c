#include "simulator/firmware/setup_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/keys.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/setup_file_internal.h"

#define FILE_MAX_BYTES  1048576u /* 2047 records */
#define USER_HASHES_MAX 3u

/* The first release that reads a file version; later ones read all before (activation.md 9.2). Which
 * one began with version 4 is not known: the same as 3. */
static uint32_t first_release(const struct setupbin_header *header)
{
    static const uint32_t k_releases[SETUPBIN_VERSION_MAX] = { 200, 300, 600, 600 };
    return header->major == 2 && header->minor > 0 ? 400 : k_releases[header->major - 1];
}

static enum amt_err check_version(const struct firmware *firmware,
                                  const struct setupbin_header *header, struct amt_diag *diag)
{
    if (firmware_is_release(firmware, first_release(header))) {
        return AMT_OK;
    }
    (void)amt_diag_set(diag, AMT_EUNKNOWN,
                       "the file has version %u.%u, which AMT reads from release %u on; this "
                       "device has %s",
                       header->major, header->minor, first_release(header) / 100,
                       firmware->profile->config.version);
    return amt_diag_hint(diag, "make a file of an older version");
}

static void keep_first(void *ctx, const struct setupbin_fault *fault)
{
    struct setupbin_fault *first = ctx;
    if (first->code == SETUPBIN_SOUND && !setupbin_is_warning(fault->code)) {
        *first = *fault;
    }
}

static enum amt_err check_password(const struct firmware *firmware,
                                   const struct setupbin_record *record, uint32_t number,
                                   struct amt_diag *diag)
{
    const struct setupbin_variable *password =
        setupbin_find(record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD);
    if (password != NULL &&
        mebx_password_is(firmware, record->body + password->value.off, password->value.len)) {
        return AMT_OK;
    }
    (void)amt_diag_set(diag, AMT_EAUTH,
                       "record %u: its current MEBx password (variable 1,1) is not the one of this "
                       "device",
                       number);
    return amt_diag_hint(diag, "a device from the factory has the password admin; after a setup it "
                               "has the new one");
}

/* Whether the list has the hash already; with users' entries or without. */
static bool is_listed(const struct firmware *firmware, const struct setupbin_record *record,
                      const struct setupbin_hash *wanted, bool with_users)
{
    struct keys_hash hash;
    for (uint32_t at = 0; keys_hash_at(firmware, at, &hash); at++) {
        if ((hash.is_default || with_users) && (uint32_t)hash.type == wanted->algorithm &&
            memcmp(hash.bytes, record->body + wanted->digest.off, hash.len) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t count_users(const struct firmware *firmware)
{
    struct keys_hash hash;
    uint32_t count = 0;
    for (uint32_t at = 0; keys_hash_at(firmware, at, &hash); at++) {
        count += hash.is_default ? 0 : 1;
    }
    return count;
}

static enum amt_err check_hash(const struct firmware *firmware, uint8_t algorithm, bool has_room,
                               uint32_t number, struct amt_diag *diag)
{
    if (!keys_hash_may_add(firmware, (enum keys_hash_type)algorithm)) {
        (void)amt_diag_set(diag, AMT_ECERT,
                           "record %u, variable 2,8: AMT %s takes no root hash of algorithm %u",
                           number, firmware->profile->config.version, algorithm);
        return amt_diag_hint(diag, "1 is SHA-1, 2 SHA-256, 3 SHA-384; releases from 16 on take no "
                                   "SHA-1");
    }
    if (!has_room) {
        (void)amt_diag_set(diag, AMT_ELIMIT,
                           "record %u, variable 2,8: there is no room for the root hash", number);
        return amt_diag_hint(diag, "a device has three places; variable 2,7 = 2 before it empties "
                                   "them");
    }
    return AMT_OK;
}

/* ACT-DEV-049: before anything is changed. */
static enum amt_err check_hashes(const struct firmware *firmware,
                                 const struct setupbin_record *record, uint32_t number,
                                 struct amt_diag *diag)
{
    bool with_users = true;
    uint32_t taken = count_users(firmware);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct setupbin_variable *variable = &record->variables[i];
        struct setupbin_hash hash;
        if (variable->module != SETUPBIN_AMT) {
            continue;
        }
        if (variable->id == SETUPBIN_USER_HASHES && setupbin_number(record, variable) > 1) {
            with_users = false;
            taken = 0;
        }
        if (variable->id == SETUPBIN_ADD_HASH &&
            setupbin_read_hash(record, variable, &hash) == AMT_OK) {
            bool is_new = !is_listed(firmware, record, &hash, with_users);
            taken += is_new ? 1 : 0;
            TRY(check_hash(firmware, hash.algorithm, !is_new || taken <= USER_HASHES_MAX, number,
                           diag));
        }
    }
    return AMT_OK;
}

static enum amt_err apply_record(struct firmware *firmware, const struct setupbin_header *header,
                                 const struct setupbin_record *record, uint32_t index,
                                 struct setup_file_result *result, struct amt_diag *diag)
{
    struct setupbin_fault fault = { .code = SETUPBIN_SOUND };
    if (setupbin_check(header, index, record, keep_first, &fault) > 0) {
        return setupbin_describe(&fault, diag);
    }
    TRY(check_password(firmware, record, index + 1, diag));
    TRY(check_hashes(firmware, record, index + 1, diag));
    return setup_file_set(firmware, record, &result->story, diag);
}

/* A kept file begins with its first record in every PC, whatever its counter says. */
static enum amt_err apply_next(struct firmware *firmware, const uint8_t *file, uint32_t len,
                               const struct setupbin_header *header,
                               struct setup_file_result *result, struct amt_diag *diag)
{
    bool is_kept = (header->flags & SETUPBIN_KEEP_RECORDS) != 0;
    enum amt_err err = AMT_ESTATE;
    for (uint32_t i = is_kept ? 0 : header->consumed; i < header->record_count; i++) {
        struct setupbin_record record;
        struct setupbin_fault fault;
        if (setupbin_decode_record(file, len, header, i, &record, &fault) != AMT_OK) {
            result->record = i + 1;
            return setupbin_describe(&fault, diag);
        }
        if (record.type != SETUPBIN_DATA_RECORD || (record.flags & SETUPBIN_VALID) == 0) {
            text_printf(&result->story, "record %u is marked as not valid: passed over\n", i + 1);
            continue;
        }
        result->record = i + 1;
        err = apply_record(firmware, header, &record, i, result, diag);
        amt_wipe(&record, sizeof record);
        if (err == AMT_OK || !is_kept) {
            return err;
        }
    }
    return result->record != 0 ? err
                               : amt_diag_set(diag, AMT_ESTATE,
                                              "the file has no record left: of %u, %u are consumed",
                                              header->record_count, header->consumed);
}

enum amt_err setup_file_apply(struct firmware *firmware, uint8_t *file, size_t len,
                              struct setup_file_result *result, struct amt_diag *diag)
{
    struct setupbin_header header;
    struct setupbin_fault fault;
    uint32_t bytes = len > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : (uint32_t)len;
    *result = (struct setup_file_result){ .record = 0 };
    if (setupbin_decode_header(file, bytes, &header, &fault) != AMT_OK) {
        return setupbin_describe(&fault, diag);
    }
    TRY(check_version(firmware, &header, diag));
    TRY(apply_next(firmware, file, bytes, &header, result, diag));
    if ((header.flags & SETUPBIN_KEEP_RECORDS) == 0) { /* ACT-DEV-047 */
        setupbin_mark_consumed(file, bytes, result->record);
        result->is_file_changed = true;
    }
    return AMT_OK;
}

static enum amt_err write_back(const char *path, const uint8_t *file, size_t len,
                               struct amt_diag *diag)
{
    FILE *out = fopen(path, "r+be");
    bool is_written = out != NULL && fwrite(file, 1, len, out) == len;
    int reason = errno;
    if (out != NULL && fclose(out) != 0) {
        is_written = false;
        reason = errno;
    }
    return is_written
               ? AMT_OK
               : amt_diag_errno(diag, reason, "cannot mark the record as consumed in %s", path);
}

enum amt_err setup_file_insert(struct firmware *firmware, const char *path,
                               struct setup_file_result *result, struct amt_diag *diag)
{
    *result = (struct setup_file_result){ .record = 0 };
    FILE *in = fopen(path, "rbe");
    if (in == NULL) {
        return amt_diag_errno(diag, errno, "cannot read the setup file %s", path);
    }
    uint8_t *file = amt_alloc(FILE_MAX_BYTES);
    size_t len = file == NULL ? 0 : fread(file, 1, FILE_MAX_BYTES, in);
    (void)fclose(in);
    enum amt_err err =
        file == NULL ? AMT_ENOMEM : setup_file_apply(firmware, file, len, result, diag);
    if (err == AMT_OK && result->is_file_changed) {
        err = write_back(path, file, len, diag);
    }
    if (file != NULL) {
        amt_wipe(file, len);
    }
    amt_free(file);
    return err == AMT_OK ? AMT_OK : amt_diag_while(diag, err, "applying %s", path);
}

void setup_file_result_fini(struct setup_file_result *result)
{
    text_fini(&result->story);
}
