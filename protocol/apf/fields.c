#include "protocol/apf/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/uuid.h"

#define AT(member) offsetof(struct apf_message, member)
#define U8(member)                               \
    {                                            \
#        member, APF_FIELD_U8, AT(member), false \
    }
#define U32(member)                               \
    {                                             \
#        member, APF_FIELD_U32, AT(member), false \
    }
#define FLAG(member)                               \
    {                                              \
#        member, APF_FIELD_BOOL, AT(member), false \
    }
#define TEXT(member)                               \
    {                                              \
#        member, APF_FIELD_TEXT, AT(member), false \
    }
#define BYTES(member)                               \
    {                                               \
#        member, APF_FIELD_BYTES, AT(member), false \
    }

static const struct apf_field k_disconnect[] = { U32(reason), U32(reserved) };
static const struct apf_field k_service[] = { TEXT(service) };
static const struct apf_field k_userauth_request[] = {
    TEXT(user), TEXT(service), TEXT(method), { "password", APF_FIELD_TEXT, AT(password), true }
};
static const struct apf_field k_userauth_failure[] = { TEXT(methods), U8(partial) };
static const struct apf_field k_global_request[] = {
    { "request", APF_FIELD_TEXT, AT(request_name), false },
    U8(want_reply),
    TEXT(address),
    U32(port),
    TEXT(originator),
    U32(originator_port),
    BYTES(data),
};
#define GLOBAL_REQUEST_PLAIN_FIELDS 4u
static const struct apf_field k_request_success[] = { U32(port) };
static const struct apf_field k_channel_open[] = {
    TEXT(channel_type), U32(sender_channel), U32(initial_window), U32(reserved),
    TEXT(address),      U32(port),           TEXT(originator),    U32(originator_port),
};
static const struct apf_field k_confirmation[] = { U32(recipient_channel), U32(sender_channel),
                                                   U32(initial_window), U32(reserved) };
static const struct apf_field k_failure[] = { U32(recipient_channel), U32(reason), U32(reserved),
                                              U32(reserved2) };
static const struct apf_field k_adjust[] = { U32(recipient_channel), U32(bytes_to_add) };
static const struct apf_field k_data[] = { U32(recipient_channel), BYTES(data) };
static const struct apf_field k_close[] = { U32(recipient_channel) };
static const struct apf_field k_version[] = {
    U32(major),          U32(minor), U32(trigger), { "uuid", APF_FIELD_UUID, AT(uuid), false },
    FLAG(reserved_zero),
};
static const struct apf_field k_keepalive[] = { U32(cookie) };
static const struct apf_field k_options[] = { U32(interval), U32(timeout) };
static const struct apf_field k_json[] = { TEXT(json) };

#define ROW(type, fields)                                      \
    {                                                          \
        (type), (fields), sizeof(fields) / sizeof((fields)[0]) \
    }

static const struct row {
    uint8_t type;
    const struct apf_field *fields;
    uint32_t count;
} k_rows[] = {
    ROW(APF_DISCONNECT, k_disconnect),
    ROW(APF_SERVICE_REQUEST, k_service),
    ROW(APF_SERVICE_ACCEPT, k_service),
    ROW(APF_USERAUTH_REQUEST, k_userauth_request),
    ROW(APF_USERAUTH_FAILURE, k_userauth_failure),
    { APF_USERAUTH_SUCCESS, k_json, 0 },
    ROW(APF_GLOBAL_REQUEST, k_global_request),
    ROW(APF_REQUEST_SUCCESS, k_request_success),
    { APF_REQUEST_FAILURE, k_json, 0 },
    ROW(APF_CHANNEL_OPEN, k_channel_open),
    ROW(APF_CHANNEL_OPEN_CONFIRMATION, k_confirmation),
    ROW(APF_CHANNEL_OPEN_FAILURE, k_failure),
    ROW(APF_CHANNEL_WINDOW_ADJUST, k_adjust),
    ROW(APF_CHANNEL_DATA, k_data),
    ROW(APF_CHANNEL_CLOSE, k_close),
    ROW(APF_PROTOCOLVERSION, k_version),
    ROW(APF_KEEPALIVE_REQUEST, k_keepalive),
    ROW(APF_KEEPALIVE_REPLY, k_keepalive),
    ROW(APF_KEEPALIVE_OPTIONS_REQUEST, k_options),
    ROW(APF_KEEPALIVE_OPTIONS_REPLY, k_options),
    ROW(APF_JSON_CONTROL, k_json),
};

const struct apf_field *apf_fields_of_type(uint8_t type, uint32_t *count)
{
    for (uint32_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        if (k_rows[i].type == type) {
            *count = k_rows[i].count;
            return k_rows[i].fields;
        }
    }
    *count = 0;
    return NULL;
}

const struct apf_field *apf_fields(const struct apf_message *message, uint32_t *count)
{
    const struct apf_field *fields = apf_fields_of_type(message->type, count);
    if (message->type == APF_USERAUTH_REQUEST && !message->has_password) {
        *count -= 1;
    } else if (message->type == APF_GLOBAL_REQUEST && message->request != APF_REQUEST_UDP) {
        *count = GLOBAL_REQUEST_PLAIN_FIELDS;
    } else if (message->type == APF_REQUEST_SUCCESS && message->request != APF_REQUEST_FORWARD) {
        *count = 0;
    }
    return fields;
}

const struct apf_field *apf_field_find(uint8_t type, const char *name)
{
    uint32_t count = 0;
    const struct apf_field *fields = apf_fields_of_type(type, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

uint32_t apf_field_number(const struct apf_message *message, const struct apf_field *field)
{
    const char *at = (const char *)message + field->offset;
    uint32_t number = 0;
    bool flag = false;
    if (field->kind == APF_FIELD_U8) {
        number = *(const uint8_t *)at;
    } else if (field->kind == APF_FIELD_U32) {
        memcpy(&number, at, sizeof number);
    } else if (field->kind == APF_FIELD_BOOL) {
        memcpy(&flag, at, sizeof flag);
        number = flag ? 1 : 0;
    }
    return number;
}

struct view apf_field_view(const struct apf_message *message, const struct apf_field *field)
{
    struct view view = { 0, 0 };
    if (field->kind == APF_FIELD_TEXT || field->kind == APF_FIELD_BYTES) {
        memcpy(&view, (const char *)message + field->offset, sizeof view);
    }
    return view;
}

/* A fixed buffer that stays 0-terminated and drops what does not fit. */
struct line {
    char *out;
    size_t cap, len;
};

#define PRINT_VALUE_MAX_BYTES 48u

static void put(struct line *line, const char *chars, size_t len)
{
    size_t room = line->cap - 1 - line->len;
    size_t n = len < room ? len : room;
    memcpy(line->out + line->len, chars, n);
    line->len += n;
    line->out[line->len] = '\0';
}

static void put_escaped(struct line *line, const uint8_t *bytes, uint32_t len)
{
    uint32_t shown = len < PRINT_VALUE_MAX_BYTES ? len : PRINT_VALUE_MAX_BYTES;
    put(line, "\"", 1);
    for (uint32_t i = 0; i < shown; i++) {
        bool is_plain = bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '"' && bytes[i] != '\\';
        char text[8];
        int n = snprintf(text, sizeof text, is_plain ? "%c" : "\\x%02x", bytes[i]);
        put(line, text, (size_t)n);
    }
    put(line, "\"", 1);
    if (shown < len) {
        char text[32];
        int n = snprintf(text, sizeof text, "...(%u bytes)", len);
        put(line, text, (size_t)n);
    }
}

static void put_field(struct line *line, const struct apf_message *message, const uint8_t *source,
                      const struct apf_field *field)
{
    char text[96];
    struct view view = apf_field_view(message, field);
    int n = snprintf(text, sizeof text, " %s=", field->name);
    put(line, text, (size_t)n);
    if (field->secret) {
        put(line, "(hidden)", 8);
    } else if (field->kind == APF_FIELD_BYTES) {
        n = snprintf(text, sizeof text, "(%u bytes)", view.len);
        put(line, text, (size_t)n);
    } else if (field->kind == APF_FIELD_TEXT) {
        put_escaped(line, view.len == 0 ? (const uint8_t *)"" : source + view.off, view.len);
    } else if (field->kind == APF_FIELD_UUID) {
        struct uuid uuid;
        uuid_from_wire(message->uuid, &uuid);
        uuid_format(&uuid, text);
        put(line, text, strlen(text));
    } else {
        n = snprintf(text, sizeof text, "%u", apf_field_number(message, field));
        put(line, text, (size_t)n);
    }
}

void apf_print(const struct apf_message *message, const uint8_t *source, char *out, size_t cap)
{
    if (cap == 0) {
        return;
    }
    struct line line = { out, cap, 0 };
    out[0] = '\0';
    const char *name = apf_type_name(message->type);
    uint32_t count = 0;
    const struct apf_field *fields = apf_fields(message, &count);
    put(&line, name == NULL ? "unknown" : name, strlen(name == NULL ? "unknown" : name));
    for (uint32_t i = 0; i < count; i++) {
        put_field(&line, message, source, &fields[i]);
    }
}
