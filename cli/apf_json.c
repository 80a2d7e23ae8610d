#include "cli/apf_json.h"

#include <string.h>

#include "base/uuid.h"

/* {"pending", "json_control"}, both optional; NULL for none. */
static enum amt_err read_context(const json_t *context, struct apf_context *out,
                                 struct amt_diag *diag)
{
    static const char *const k_requests[] = { "", APF_REQUEST_NAME_FORWARD, APF_REQUEST_NAME_CANCEL,
                                              APF_REQUEST_NAME_UDP };
    if (context == NULL || json_is_null(context)) {
        return AMT_OK;
    }
    if (!json_is_object(context)) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"context\" is no object");
    }
    const json_t *pending = json_object_get(context, "pending");
    const char *name = json_string_value(pending);
    for (int i = 1; i < 4 && name != NULL; i++) {
        if (strcmp(name, k_requests[i]) == 0) {
            out->pending = (enum apf_request)i;
        }
    }
    if (pending != NULL && !json_is_null(pending) && out->pending == APF_REQUEST_NONE) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"pending\" is %s, %s or %s", k_requests[1],
                            k_requests[2], k_requests[3]);
    }
    const json_t *json_control = json_object_get(context, "json_control");
    if (json_control != NULL && !json_is_boolean(json_control)) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"json_control\" is true or false");
    }
    out->json_control = json_is_true(json_control);
    return AMT_OK;
}

enum amt_err apf_context_from_json(const char *direction, const json_t *context,
                                   struct apf_context *out, struct amt_diag *diag)
{
    static const struct {
        const char *name;
        enum apf_direction direction;
    } k_directions[] = { { "dev2mps", APF_DEV_TO_MPS },
                         { "mps2dev", APF_MPS_TO_DEV },
                         { "me2host", APF_DEV_TO_MPS },
                         { "host2me", APF_MPS_TO_DEV } };
    *out = (struct apf_context){ .pending = APF_REQUEST_NONE };
    bool is_known = false;
    for (int i = 0; i < 4; i++) {
        if (direction != NULL && strcmp(direction, k_directions[i].name) == 0) {
            out->direction = k_directions[i].direction;
            is_known = true;
        }
    }
    if (!is_known) {
        return amt_diag_set(diag, AMT_EMALFORMED,
                            "\"dir\" is dev2mps, mps2dev, me2host or host2me");
    }
    return read_context(context, out, diag);
}

static bool is_plain(const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (bytes[i] < 0x20 || bytes[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static void put_view(const struct apf_field *field, struct view view, const uint8_t *source,
                     struct text *out)
{
    const uint8_t *bytes = view.len == 0 ? (const uint8_t *)"" : source + view.off;
    if (field->kind == APF_FIELD_TEXT && is_plain(bytes, view.len)) {
        text_printf(out, ",\"%s\":", field->name);
        text_json(out, (const char *)bytes, view.len);
    } else {
        text_printf(out, ",\"%s_hex\":\"", field->name);
        text_hex(out, bytes, view.len);
        text_puts(out, "\"");
    }
}

void apf_fields_to_json(const struct apf_message *message, const uint8_t *source, struct text *out)
{
    uint32_t count = 0;
    const struct apf_field *fields = apf_fields(message, &count);
    text_printf(out, "{\"type\":\"%s\"", apf_type_name(message->type));
    for (uint32_t i = 0; i < count; i++) {
        const struct apf_field *field = &fields[i];
        char uuid_text[UUID_TEXT_BYTES];
        struct uuid uuid;
        switch (field->kind) {
        case APF_FIELD_U8:
        case APF_FIELD_U32:
            text_printf(out, ",\"%s\":%u", field->name, apf_field_number(message, field));
            break;
        case APF_FIELD_BOOL:
            text_printf(out, ",\"%s\":%s", field->name,
                        apf_field_number(message, field) != 0 ? "true" : "false");
            break;
        case APF_FIELD_UUID:
            uuid_from_wire(message->uuid, &uuid);
            uuid_format(&uuid, uuid_text);
            text_printf(out, ",\"%s\":\"%s\"", field->name, uuid_text);
            break;
        case APF_FIELD_TEXT:
        case APF_FIELD_BYTES:
            put_view(field, apf_field_view(message, field), source, out);
            break;
        }
    }
    text_puts(out, "}");
}

struct filling {
    struct apf_message *message;
    uint8_t *source;
    uint32_t cap, len;
    struct amt_diag *diag;
};

static enum amt_err set_bytes(struct filling *f, const struct apf_field *field, const char *value,
                              bool is_hex)
{
    size_t len = strlen(value);
    struct view view = { f->len, 0 };
    if (is_hex) {
        enum amt_err err = text_parse_hex(value, f->source + f->len, f->cap - f->len, &len);
        if (err != AMT_OK) {
            return amt_diag_set(f->diag, err, "\"%s_hex\" is no hex text", field->name);
        }
    } else if (len > f->cap - f->len) {
        return amt_diag_set(f->diag, AMT_ETOOBIG, "\"%s\" is too long", field->name);
    } else {
        memcpy(f->source + f->len, value, len);
    }
    view.len = (uint32_t)len;
    f->len += view.len;
    memcpy((char *)f->message + field->offset, &view, sizeof view);
    if (strcmp(field->name, "password") == 0) {
        f->message->has_password = true;
    }
    return AMT_OK;
}

static enum amt_err set_number(struct filling *f, const struct apf_field *field, json_int_t value)
{
    json_int_t most = field->kind == APF_FIELD_U8 ? 255 : 4294967295LL;
    if (value < 0 || value > most) {
        return amt_diag_set(f->diag, AMT_EMALFORMED, "\"%s\" is 0 to %lld", field->name,
                            (long long)most);
    }
    uint32_t wide = (uint32_t)value;
    uint8_t narrow = (uint8_t)(value & 0xff);
    char *at = (char *)f->message + field->offset;
    if (field->kind == APF_FIELD_U8) {
        memcpy(at, &narrow, sizeof narrow);
    } else {
        memcpy(at, &wide, sizeof wide);
    }
    return AMT_OK;
}

static enum amt_err set_field(struct filling *f, const char *name, const json_t *value)
{
    char bare[40];
    size_t len = strlen(name);
    bool is_hex = len > 4 && len < sizeof bare && strcmp(name + len - 4, "_hex") == 0;
    (void)snprintf(bare, sizeof bare, "%.*s", (int)(is_hex ? len - 4 : len), name);
    const struct apf_field *field = apf_field_find(f->message->type, bare);
    if (field == NULL) {
        return amt_diag_set(f->diag, AMT_EMALFORMED, "%s has no field \"%s\"",
                            apf_type_name(f->message->type), name);
    }
    bool is_bytes = field->kind == APF_FIELD_TEXT || field->kind == APF_FIELD_BYTES;
    if (is_bytes && json_is_string(value)) {
        return set_bytes(f, field, json_string_value(value), is_hex);
    }
    if (field->kind == APF_FIELD_BOOL && json_is_boolean(value)) {
        return AMT_OK; /* reserved_zero: tells what was received, and is always true when sent */
    }
    if (field->kind == APF_FIELD_UUID && json_is_string(value)) {
        struct uuid uuid;
        if (uuid_parse(json_string_value(value), &uuid) != AMT_OK) {
            return amt_diag_set(f->diag, AMT_EMALFORMED, "\"uuid\" is no UUID");
        }
        uuid_to_wire(&uuid, f->message->uuid);
        return AMT_OK;
    }
    bool is_number = field->kind == APF_FIELD_U8 || field->kind == APF_FIELD_U32;
    if (is_number && json_is_integer(value)) {
        return set_number(f, field, json_integer_value(value));
    }
    return amt_diag_set(f->diag, AMT_EMALFORMED, "\"%s\" has the wrong type", name);
}

static bool view_is(const struct filling *f, const struct view *view, const char *literal)
{
    size_t len = strlen(literal);
    return view->len == len && memcmp(f->source + view->off, literal, len) == 0;
}

/* What the codec wants to know besides the fields: which form of its type the message has. */
static enum amt_err derive(struct filling *f, const json_t *fields)
{
    struct apf_message *m = f->message;
    if (m->type == APF_REQUEST_SUCCESS) {
        m->request =
            json_object_get(fields, "port") != NULL ? APF_REQUEST_FORWARD : APF_REQUEST_CANCEL;
    } else if (m->type == APF_USERAUTH_REQUEST) {
        m->has_password = m->has_password || view_is(f, &m->method, APF_METHOD_NAME_PASSWORD);
    } else if (m->type == APF_GLOBAL_REQUEST) {
        if (view_is(f, &m->request_name, APF_REQUEST_NAME_FORWARD)) {
            m->request = APF_REQUEST_FORWARD;
        } else if (view_is(f, &m->request_name, APF_REQUEST_NAME_CANCEL)) {
            m->request = APF_REQUEST_CANCEL;
        } else if (view_is(f, &m->request_name, APF_REQUEST_NAME_UDP)) {
            m->request = APF_REQUEST_UDP;
        } else {
            return amt_diag_set(f->diag, AMT_EMALFORMED, "\"request\" is %s, %s or %s",
                                APF_REQUEST_NAME_FORWARD, APF_REQUEST_NAME_CANCEL,
                                APF_REQUEST_NAME_UDP);
        }
    }
    return AMT_OK;
}

/* NOLINTBEGIN(readability-non-const-parameter): source is written through a helper struct. */
enum amt_err apf_fields_from_json(const json_t *fields, struct apf_message *message,
                                  uint8_t *source, uint32_t source_cap, uint32_t *source_len,
                                  struct amt_diag *diag)
/* NOLINTEND(readability-non-const-parameter) */
{
    *message = (struct apf_message){ .type = 0 };
    *source_len = 0;
    const char *type = json_string_value(json_object_get(fields, "type"));
    message->type = type == NULL ? 0 : apf_type_find(type);
    if (message->type == 0) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"type\": \"%s\" is no message",
                            type == NULL ? "" : type);
    }
    struct filling f = { message, source, source_cap, 0, diag };
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)fields, name, value)
    {
        if (strcmp(name, "type") != 0) {
            TRY(set_field(&f, name, value));
        }
    }
    *source_len = f.len;
    return derive(&f, fields);
}
