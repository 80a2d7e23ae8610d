#include "simulator/firmware/state_fields.h"

#include <string.h>

#include "base/text.h"

bool state_put_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len)
{
    struct text hex = { 0 };
    text_hex(&hex, bytes, len);
    bool is_put =
        !hex.failed && json_object_set_new(object, key, json_string(text_chars(&hex))) == 0;
    text_fini(&hex);
    return is_put;
}

bool state_put_u64(json_t *object, const char *key, uint64_t value)
{
    return json_object_set_new(object, key, json_integer((json_int_t)value)) == 0;
}

bool state_put_bool(json_t *object, const char *key, bool value)
{
    return json_object_set_new(object, key, json_boolean(value)) == 0;
}

bool state_put_text(json_t *object, const char *key, const char *text)
{
    return text == NULL || json_object_set_new(object, key, json_string(text)) == 0;
}

static enum amt_err wrong(struct amt_diag *diag, const char *key, const char *what)
{
    return amt_diag_set(diag, AMT_ECONFIG, "saved state: %s is not %s", key, what);
}

enum amt_err state_get_bytes(const json_t *object, const char *key, uint8_t *bytes, size_t cap,
                             size_t *len, struct amt_diag *diag)
{
    const json_t *field = json_object_get(object, key);
    if (field == NULL) {
        return AMT_OK;
    }
    if (!json_is_string(field) || strlen(json_string_value(field)) > 2 * cap ||
        text_parse_hex(json_string_value(field), bytes, cap, len) != AMT_OK) {
        return wrong(diag, key, "a row of hexadecimal bytes");
    }
    return AMT_OK;
}

enum amt_err state_get_hex(const json_t *object, const char *key, uint8_t *bytes, size_t len,
                           struct amt_diag *diag)
{
    size_t count = len;
    TRY(state_get_bytes(object, key, bytes, len, &count, diag));
    return count == len ? AMT_OK : wrong(diag, key, "of the right length");
}

enum amt_err state_get_u64(const json_t *object, const char *key, uint64_t max, uint64_t *value,
                           struct amt_diag *diag)
{
    const json_t *field = json_object_get(object, key);
    if (field == NULL) {
        return AMT_OK;
    }
    if (!json_is_integer(field) || json_integer_value(field) < 0 ||
        (uint64_t)json_integer_value(field) > max) {
        return wrong(diag, key, "a number in its range");
    }
    *value = (uint64_t)json_integer_value(field);
    return AMT_OK;
}

enum amt_err state_get_u32(const json_t *object, const char *key, uint32_t max, uint32_t *value,
                           struct amt_diag *diag)
{
    uint64_t wide = *value;
    TRY(state_get_u64(object, key, max, &wide, diag));
    *value = (uint32_t)wide;
    return AMT_OK;
}

enum amt_err state_get_bool(const json_t *object, const char *key, bool *value,
                            struct amt_diag *diag)
{
    const json_t *field = json_object_get(object, key);
    if (field == NULL) {
        return AMT_OK;
    }
    if (!json_is_boolean(field)) {
        return wrong(diag, key, "true or false");
    }
    *value = json_is_true(field);
    return AMT_OK;
}

enum amt_err state_get_text(const json_t *object, const char *key, char *out, size_t cap,
                            struct amt_diag *diag)
{
    const json_t *field = json_object_get(object, key);
    if (field == NULL) {
        return AMT_OK;
    }
    if (!json_is_string(field) || strlen(json_string_value(field)) >= cap) {
        return wrong(diag, key, "a text of its length");
    }
    memcpy(out, json_string_value(field), strlen(json_string_value(field)) + 1);
    return AMT_OK;
}
