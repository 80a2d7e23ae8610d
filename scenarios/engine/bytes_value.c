#include "scenarios/engine/bytes_value.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define FILE_CHUNK_BYTES 4096u

static enum amt_err append(struct bytes *out, const void *bytes, uint32_t len,
                           struct amt_diag *diag)
{
    if (len > BYTES_VALUE_MAX - (out->len < BYTES_VALUE_MAX ? out->len : BYTES_VALUE_MAX) ||
        (len > 0 && bytes_append(out, bytes, len) != AMT_OK)) {
        return amt_diag_set(diag, AMT_ECONFIG, "more than %u bytes at once", BYTES_VALUE_MAX);
    }
    return AMT_OK;
}

static enum amt_err from_hex(const struct value *value, struct bytes *out, struct amt_diag *diag)
{
    struct text plain = { 0 };
    value_write(value,
                &plain); /* `hex: 00` may have been read as a number only if quoted wrongly */
    uint8_t *block = amt_alloc(plain.len + 1);
    size_t len = 0;
    enum amt_err err =
        block == NULL ? AMT_ENOMEM : text_parse_hex(text_chars(&plain), block, plain.len + 1, &len);
    if (err != AMT_OK || value->kind == VALUE_INT) {
        err = amt_diag_set(diag, AMT_ECONFIG, "'hex' wants pairs of hex digits in quotes");
    } else {
        err = append(out, block, (uint32_t)len, diag);
    }
    amt_free(block);
    text_fini(&plain);
    return err;
}

static enum amt_err from_base64(const struct value *value, struct bytes *out, struct amt_diag *diag)
{
    struct text plain = { 0 };
    value_write(value, &plain);
    uint8_t *block = amt_alloc(plain.len + 4);
    int len = block == NULL ? -1
                            : EVP_DecodeBlock(block, (const unsigned char *)text_chars(&plain),
                                              (int)plain.len);
    for (size_t i = plain.len; len > 0 && i > 0 && text_chars(&plain)[i - 1] == '='; i--) {
        len--;
    }
    enum amt_err err = len < 0 ? amt_diag_set(diag, AMT_ECONFIG, "'base64' is not base64")
                               : append(out, block, (uint32_t)len, diag);
    amt_free(block);
    text_fini(&plain);
    return err;
}

static enum amt_err from_file(const struct value *value, const char *folder, struct bytes *out,
                              struct amt_diag *diag)
{
    if (value->kind != VALUE_TEXT || folder == NULL) {
        return amt_diag_set(diag, AMT_ECONFIG, "'file' cannot be used here");
    }
    struct text path = { 0 };
    text_printf(&path, "%s%s%s", value->text[0] == '/' ? "" : folder,
                value->text[0] == '/' ? "" : "/", value->text);
    FILE *file = fopen(text_chars(&path), "rb");
    enum amt_err err = AMT_OK;
    if (file == NULL) {
        err = amt_diag_set(diag, AMT_ECONFIG, "%s cannot be read", text_chars(&path));
    }
    uint8_t chunk[FILE_CHUNK_BYTES];
    for (size_t n = 1; file != NULL && err == AMT_OK && n > 0;) {
        n = fread(chunk, 1, sizeof chunk, file);
        err = append(out, chunk, (uint32_t)n, diag);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    text_fini(&path);
    return err;
}

/* zeros: 64; pattern: { counter: 4KiB } counts 0, 1, ... 255, 0, ... */
static enum amt_err from_size(const struct value *value, bool is_counter, struct bytes *out,
                              struct amt_diag *diag)
{
    int64_t len = 0;
    const struct value *amount = is_counter ? value_get(value, "counter") : value;
    if (amount == NULL || !value_number(amount, &len) || len < 0 ||
        len > (int64_t)BYTES_VALUE_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG, "'%s' wants a size up to %u bytes",
                            is_counter ? "pattern: { counter: ... }" : "zeros", BYTES_VALUE_MAX);
    }
    uint8_t *block = len == 0 ? NULL : bytes_reserve(out, (uint32_t)len);
    if (block == NULL && len > 0) {
        return amt_diag_set(diag, AMT_ENOMEM, "no memory for %lld bytes", (long long)len);
    }
    for (uint32_t i = 0; i < (uint32_t)len; i++) {
        block[i] = is_counter ? (uint8_t)i : 0;
    }
    bytes_grown(out, (uint32_t)len);
    return AMT_OK;
}

static enum amt_err from_value(const struct value *value, const char *folder, struct bytes *out,
                               struct amt_diag *diag, uint32_t depth);

static enum amt_err from_list(const struct value *list, const char *folder, struct bytes *out,
                              struct amt_diag *diag, uint32_t depth)
{
    for (const struct value *at = list->first; at != NULL; at = at->next) {
        TRY(from_value(at, folder, out, diag, depth + 1));
    }
    return AMT_OK;
}

bool bytes_value_is_key(const char *key)
{
    static const char *const k_keys[] = { "hex",   "text",    "base64", "file",
                                          "zeros", "pattern", "concat" };
    for (size_t i = 0; i < sizeof k_keys / sizeof k_keys[0]; i++) {
        if (strcmp(k_keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static enum amt_err from_map(const struct value *map, const char *folder, struct bytes *out,
                             struct amt_diag *diag, uint32_t depth)
{
    for (const struct value *at = map->first; at != NULL; at = at->next) {
        switch (at->key[0]) {
        case 'h':
            return from_hex(at, out, diag);
        case 'b':
            return from_base64(at, out, diag);
        case 'f':
            return from_file(at, folder, out, diag);
        case 'z':
            return from_size(at, false, out, diag);
        case 'p':
            return from_size(at, true, out, diag);
        case 'c':
            return from_list(at, folder, out, diag, depth);
        default:
            return from_value(at, folder, out, diag, depth + 1);
        }
    }
    return amt_diag_set(diag, AMT_ECONFIG, "no bytes are given");
}

static enum amt_err from_value(const struct value *value, const char *folder, struct bytes *out,
                               struct amt_diag *diag, uint32_t depth)
{
    if (depth > BYTES_VALUE_DEPTH) {
        return amt_diag_set(diag, AMT_ECONFIG, "bytes are nested deeper than %u",
                            BYTES_VALUE_DEPTH);
    }
    if (value->kind == VALUE_TEXT || value->kind == VALUE_BYTES) {
        return append(out, value->text, value->len, diag);
    }
    if (value->kind == VALUE_LIST) {
        return from_list(value, folder, out, diag, depth);
    }
    if (value->kind == VALUE_MAP && value->count == 1 && bytes_value_is_key(value->first->key)) {
        return from_map(value, folder, out, diag, depth);
    }
    if (value->kind == VALUE_MAP) {
        amt_diag_set(diag, AMT_ECONFIG, "bytes want exactly one key");
        amt_diag_hint(diag, "there are hex text base64 file zeros pattern concat");
        return AMT_ECONFIG;
    }
    struct text plain = { 0 };
    value_write(value, &plain);
    enum amt_err err = append(out, text_chars(&plain), (uint32_t)plain.len, diag);
    text_fini(&plain);
    return err;
}

enum amt_err bytes_value(const struct value *value, const char *folder, struct bytes *out,
                         struct amt_diag *diag)
{
    return from_value(value, folder, out, diag, 0);
}
