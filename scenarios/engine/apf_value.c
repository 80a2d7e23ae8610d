#include "scenarios/engine/apf_value.h"

#include <string.h>

#include "protocol/apf/fields.h"
#include "scenarios/engine/bytes_value.h"

const char *apf_value_name(struct arena *pool, uint8_t type)
{
    const char *name = type == APF_PROTOCOLVERSION ? "PROTOCOL_VERSION" : apf_type_name(type);
    char *out = pool_printf(pool, "apf.%s", name == NULL ? "unknown" : name);
    for (char *at = out; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            *at = "abcdefghijklmnopqrstuvwxyz"[*at - 'A'];
        }
    }
    return out;
}

uint8_t apf_value_type(const char *name)
{
    return apf_type_find(strncmp(name, "apf.", 4) == 0 ? name + 4 : name);
}

static struct value *field_value(struct arena *pool, const struct apf_message *message,
                                 const struct apf_field *field, const uint8_t *source)
{
    struct view view = apf_field_view(message, field);
    const uint8_t *bytes = view.len == 0 ? (const uint8_t *)"" : source + view.off;
    char text[UUID_TEXT_BYTES];
    struct uuid uuid;
    switch (field->kind) {
    case APF_FIELD_U8:
    case APF_FIELD_U32:
        return value_int(pool, apf_field_number(message, field));
    case APF_FIELD_BOOL:
        return value_bool(pool, apf_field_number(message, field) != 0);
    case APF_FIELD_TEXT: {
        struct value *value = value_text_n(pool, (const char *)bytes, view.len);
        value->is_secret = field->secret;
        return value;
    }
    case APF_FIELD_BYTES:
        return value_bytes(pool, bytes, view.len);
    case APF_FIELD_UUID:
        uuid_from_wire(message->uuid, &uuid);
        uuid_format(&uuid, text);
        return value_text(pool, text);
    }
    return value_null(pool);
}

struct value *apf_value_fields(struct arena *pool, const struct apf_message *message,
                               const uint8_t *source)
{
    struct value *map = value_map(pool);
    uint32_t count = 0;
    const struct apf_field *fields = apf_fields(message, &count);
    for (uint32_t i = 0; i < count; i++) {
        value_put(pool, map, fields[i].name, field_value(pool, message, &fields[i], source));
    }
    return map;
}

#define DEFAULT_WINDOW_BYTES 16384u

/* What a sender would normally say; text is put into source by apf_value_set. */
static const struct text_default {
    uint8_t type;
    const char *field, *text;
} k_text_defaults[] = {
    { APF_SERVICE_REQUEST, "service", APF_SERVICE_AUTH },
    { APF_SERVICE_ACCEPT, "service", APF_SERVICE_AUTH },
    { APF_USERAUTH_REQUEST, "service", APF_SERVICE_PFWD },
    { APF_USERAUTH_FAILURE, "methods", APF_METHOD_NAME_PASSWORD },
    { APF_GLOBAL_REQUEST, "request", APF_REQUEST_NAME_FORWARD },
    { APF_GLOBAL_REQUEST, "address", "pc" },
    { APF_CHANNEL_OPEN, "channel_type", APF_CHANNEL_NAME_FORWARDED },
    { APF_CHANNEL_OPEN, "address", "127.0.0.1" },
    { APF_CHANNEL_OPEN, "originator", "127.0.0.1" },
};

static void set_defaults(struct apf_message *message, struct text *source)
{
    message->major = 1;
    message->trigger = APF_TRIGGER_USER;
    message->reserved = message->reserved2 = APF_RESERVED_WORD;
    message->initial_window = DEFAULT_WINDOW_BYTES;
    message->want_reply = 1;
    message->interval = 30;
    if (message->type == APF_DISCONNECT) {
        message->reason = APF_BY_APPLICATION;
        message->reserved = 0;
    } else if (message->type == APF_CHANNEL_OPEN_FAILURE) {
        message->reason = APF_CONNECT_FAILED;
    }
    for (size_t i = 0; i < sizeof k_text_defaults / sizeof k_text_defaults[0]; i++) {
        const struct text_default *row = &k_text_defaults[i];
        if (row->type == message->type) {
            struct value value = { .kind = VALUE_TEXT,
                                   .text = row->text,
                                   .len = (uint32_t)strlen(row->text) };
            (void)apf_value_set(message, source, row->field, &value, NULL);
        }
    }
}

static enum amt_err wrong_value(const char *name, const char *wanted, struct amt_diag *diag)
{
    return amt_diag_set(diag, AMT_ECONFIG, "field '%s' wants %s", name, wanted);
}

static enum amt_err set_number(struct apf_message *message, const struct apf_field *field,
                               const struct value *value, struct amt_diag *diag)
{
    int64_t number = 0;
    int64_t max = field->kind == APF_FIELD_U8 ? UINT8_MAX : UINT32_MAX;
    char *at = (char *)message + field->offset;
    if (value->kind == VALUE_BOOL) {
        number = value->number;
    } else if (!value_number(value, &number) || number < 0 || number > max) {
        return wrong_value(field->name, "a number that fits it", diag);
    }
    if (field->kind == APF_FIELD_BOOL) {
        bool flag = number != 0;
        memcpy(at, &flag, sizeof flag);
    } else if (field->kind == APF_FIELD_U8) {
        *(uint8_t *)at = (uint8_t)number;
    } else {
        uint32_t word = (uint32_t)number;
        memcpy(at, &word, sizeof word);
    }
    return AMT_OK;
}

static enum amt_err set_text(struct apf_message *message, struct text *source,
                             const struct apf_field *field, const struct value *value,
                             struct amt_diag *diag)
{
    struct bytes bytes = { 0 };
    enum amt_err err = bytes_value(value, NULL, &bytes, diag);
    if (err == AMT_OK) {
        struct view view = { (uint32_t)source->len, bytes.len };
        text_append(source, bytes.len == 0 ? "" : (const char *)bytes_front(&bytes), bytes.len);
        memcpy((char *)message + field->offset, &view, sizeof view);
    }
    bytes_fini(&bytes);
    return err;
}

enum amt_err apf_value_set(struct apf_message *message, struct text *source, const char *name,
                           const struct value *value, struct amt_diag *diag)
{
    if (strcmp(name, "window") == 0) {
        name = "initial_window";
    }
    const struct apf_field *field = apf_field_find(message->type, name);
    if (field == NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "%s has no field '%s'", apf_type_name(message->type), name);
        return AMT_ECONFIG;
    }
    struct uuid uuid;
    switch (field->kind) {
    case APF_FIELD_U8:
    case APF_FIELD_U32:
    case APF_FIELD_BOOL:
        return set_number(message, field, value, diag);
    case APF_FIELD_TEXT:
    case APF_FIELD_BYTES:
        return set_text(message, source, field, value, diag);
    case APF_FIELD_UUID:
        if (value->kind != VALUE_TEXT || uuid_parse(value->text, &uuid) != AMT_OK) {
            return wrong_value(name, "a UUID such as 4c4c4544-004b-4210-8033-b6c04f504633", diag);
        }
        uuid_to_wire(&uuid, message->uuid);
        return AMT_OK;
    }
    return AMT_EBUG;
}

uint32_t apf_length_offset(uint8_t type)
{
    switch (type) {
    case APF_SERVICE_REQUEST:
    case APF_SERVICE_ACCEPT:
    case APF_USERAUTH_REQUEST:
    case APF_USERAUTH_FAILURE:
    case APF_GLOBAL_REQUEST:
    case APF_CHANNEL_OPEN:
    case APF_JSON_CONTROL:
        return 1;
    case APF_CHANNEL_DATA:
        return 5;
    default:
        return 0;
    }
}

const uint8_t *apf_value_bytes(struct arena *pool, const struct apf_message *message,
                               const uint8_t *source, uint32_t *len)
{
    *len = apf_encode(message, source, true, NULL, 0);
    if (*len == 0) {
        return NULL;
    }
    uint8_t *out = pool_alloc(pool, *len);
    (void)apf_encode(message, source, true, out, *len);
    return out;
}

static bool is_own_key(const char *key)
{
    return strcmp(key, "type") == 0 || strcmp(key, "raw") == 0 || strcmp(key, "override") == 0;
}

/* The request's name decides which fields the encoder writes. */
static void settle_forms(struct apf_message *message, const struct text *source,
                         const struct value *description)
{
    const char *name = text_chars(source) + message->request_name.off;
    message->has_password = value_get(description, "password") != NULL;
    if (message->type == APF_GLOBAL_REQUEST) {
        message->request = strncmp(name, APF_REQUEST_NAME_UDP, message->request_name.len) == 0 &&
                                   message->request_name.len == strlen(APF_REQUEST_NAME_UDP)
                               ? APF_REQUEST_UDP
                           : name[0] == 'c' ? APF_REQUEST_CANCEL
                                            : APF_REQUEST_FORWARD;
    } else if (message->type == APF_REQUEST_SUCCESS) {
        message->request =
            value_get(description, "port") == NULL ? APF_REQUEST_CANCEL : APF_REQUEST_FORWARD;
    }
}

static enum amt_err read_fields(const struct value *description, struct apf_message *message,
                                struct text *source, struct amt_diag *diag)
{
    set_defaults(message, source);
    if (message->type == APF_USERAUTH_REQUEST && value_get(description, "method") == NULL) {
        const char *method = value_get(description, "password") == NULL ? APF_METHOD_NAME_NONE
                                                                        : APF_METHOD_NAME_PASSWORD;
        struct value value = { .kind = VALUE_TEXT,
                               .text = method,
                               .len = (uint32_t)strlen(method) };
        TRY(apf_value_set(message, source, "method", &value, diag));
    }
    enum amt_err err = AMT_OK;
    for (const struct value *at = description->first; at != NULL && err == AMT_OK; at = at->next) {
        err = is_own_key(at->key) ? AMT_OK : apf_value_set(message, source, at->key, at, diag);
    }
    TRY(err);
    settle_forms(message, source, description);
    return AMT_OK;
}

static enum amt_err apply_override(const struct value *override, uint8_t type, uint8_t *bytes,
                                   uint32_t len, struct amt_diag *diag)
{
    for (const struct value *at = override == NULL ? NULL : override->first; at != NULL;
         at = at->next) {
        int64_t number = 0;
        uint32_t offset = apf_length_offset(type);
        if (!value_number(at, &number) || number < 0 || number > UINT32_MAX) {
            return amt_diag_set(diag, AMT_ECONFIG, "override '%s' wants a number", at->key);
        }
        if (strcmp(at->key, "type") == 0) {
            bytes[0] = (uint8_t)number;
            continue;
        }
        if (strcmp(at->key, "length") != 0 || offset == 0 || offset + 4 > len) {
            amt_diag_set(diag, AMT_ECONFIG, "cannot override '%s' in this message", at->key);
            amt_diag_hint(diag, "there are length (of messages that have one) and type");
            return AMT_ECONFIG;
        }
        for (uint32_t i = 0; i < 4; i++) {
            bytes[offset + i] = (uint8_t)((uint32_t)number >> (24 - 8 * i));
        }
    }
    return AMT_OK;
}

static const uint8_t *copy_raw(struct arena *pool, const struct value *raw, uint32_t *len,
                               struct amt_diag *diag)
{
    struct bytes bytes = { 0 };
    const uint8_t *out = NULL;
    if (bytes_value(raw, NULL, &bytes, diag) == AMT_OK) {
        *len = bytes.len;
        out = (const uint8_t *)pool_text(
            pool, bytes.len == 0 ? "" : (const char *)bytes_front(&bytes), bytes.len);
    }
    bytes_fini(&bytes);
    return out;
}

const uint8_t *apf_value_encode(struct arena *pool, const struct value *description, uint32_t *len,
                                struct amt_diag *diag)
{
    const struct value *type = value_get(description, "type");
    const struct value *raw = value_get(description, "raw");
    struct apf_message message = { 0 };
    if (raw != NULL) {
        return copy_raw(pool, raw, len, diag);
    }
    message.type = type == NULL || type->kind != VALUE_TEXT ? 0 : apf_value_type(type->text);
    if (message.type == 0) {
        amt_diag_set(diag, AMT_ECONFIG, "unknown APF message '%s'",
                     type == NULL || type->kind != VALUE_TEXT ? "" : type->text);
        return NULL;
    }
    struct text source = { 0 };
    uint8_t *out = NULL;
    if (read_fields(description, &message, &source, diag) == AMT_OK) {
        const uint8_t *bytes =
            apf_value_bytes(pool, &message, (const uint8_t *)text_chars(&source), len);
        if (bytes == NULL) {
            amt_diag_set(diag, AMT_ECONFIG, "a field is longer than APF allows");
            amt_diag_hint(diag, "use raw: or override: for what the encoder refuses");
        } else {
            out = (uint8_t *)pool_text(pool, (const char *)bytes, *len);
        }
    }
    text_fini(&source);
    if (out != NULL && apply_override(value_get(description, "override"), message.type, out, *len,
                                      diag) != AMT_OK) {
        return NULL;
    }
    return out;
}
