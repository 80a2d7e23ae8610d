#include "scenarios/replay/compare.h"

#include <stdio.h>
#include <string.h>

#include "protocol/apf/fields.h"

#define VALUE_BYTES 48u
#define PATH_BYTES  96u

/* Fields in which two runs may differ although they mean the same: numbers that the sender chooses, how
 * much it grants, where a connection came from, cookies of its own requests, reserved words. */
static bool is_free(const struct apf_message *message, const char *field)
{
    static const struct {
        uint8_t type;
        const char *field;
    } k_free[] = {
        { APF_CHANNEL_OPEN, "sender_channel" },
        { APF_CHANNEL_OPEN, "initial_window" },
        { APF_CHANNEL_OPEN, "originator" },
        { APF_CHANNEL_OPEN, "originator_port" },
        { APF_CHANNEL_OPEN, "address" },
        { APF_CHANNEL_OPEN_CONFIRMATION, "sender_channel" },
        { APF_CHANNEL_OPEN_CONFIRMATION, "initial_window" },
        { APF_CHANNEL_WINDOW_ADJUST, "bytes_to_add" },
        { APF_KEEPALIVE_REQUEST, "cookie" },
        { APF_USERAUTH_FAILURE, "partial" },
    };
    for (uint32_t i = 0; i < sizeof k_free / sizeof k_free[0]; i++) {
        if (k_free[i].type == message->type && strcmp(k_free[i].field, field) == 0) {
            return true;
        }
    }
    return strncmp(field, "reserved", 8) == 0;
}

static void field_path(const struct recording_step *step, const char *field,
                       char out[static PATH_BYTES])
{
    struct text name = { 0 };
    recording_step_name(step, &name);
    (void)snprintf(out, PATH_BYTES, "%s.%s", text_chars(&name), field);
    text_fini(&name);
}

void compare_value(const struct recording_step *step, const struct apf_field *field,
                   struct text *out)
{
    struct view view = apf_field_view(&step->message, field);
    struct uuid uuid;
    char text[UUID_TEXT_BYTES];
    switch (field->kind) {
    case APF_FIELD_U8:
    case APF_FIELD_U32:
    case APF_FIELD_BOOL:
        text_printf(out, "%u", apf_field_number(&step->message, field));
        return;
    case APF_FIELD_TEXT:
    case APF_FIELD_BYTES:
        text_append(out, (const char *)step->bytes + view.off, view.len);
        return;
    case APF_FIELD_UUID:
        uuid_from_wire(step->message.uuid, &uuid);
        uuid_format(&uuid, text);
        text_puts(out, text);
        return;
    }
}

static bool is_overwritten(const struct text *value)
{
    const char *chars = text_chars(value);
    return value->len > 0 && strspn(chars, "*") == value->len;
}

static bool is_same_value(const struct recording_step *recorded, const struct recording_step *now,
                          const struct apf_field *field, const char *given)
{
    struct text a = { 0 };
    struct text b = { 0 };
    if (given != NULL) {
        text_puts(&a, given);
    } else {
        compare_value(recorded, field, &a);
    }
    compare_value(now, field, &b);
    /* a capture without secrets has '*' where they were */
    bool is_same = (field->secret && is_overwritten(&a)) ||
                   (a.len == b.len && memcmp(text_chars(&a), text_chars(&b), a.len) == 0);
    text_fini(&a);
    text_fini(&b);
    return is_same;
}

static uint32_t first_difference(const uint8_t *a, uint32_t a_len, const uint8_t *b, uint32_t b_len)
{
    uint32_t at = 0;
    while (at < a_len && at < b_len && a[at] == b[at]) {
        at++;
    }
    return at;
}

/* Where a field lies in its message: the first byte that changes when its value does. */
static uint32_t offset_of(const struct recording_step *step, const struct apf_field *field)
{
    uint8_t before[512];
    uint8_t after[512];
    struct view view = apf_field_view(&step->message, field);
    if (field->kind == APF_FIELD_TEXT || field->kind == APF_FIELD_BYTES) {
        return view.off;
    }
    struct apf_message changed = step->message;
    uint8_t *member = (uint8_t *)&changed + field->offset;
    uint32_t len = apf_encode(&step->message, step->bytes, true, before, sizeof before);
    for (uint32_t i = 0; i < (field->kind == APF_FIELD_U32    ? 4u
                              : field->kind == APF_FIELD_UUID ? 16u
                                                              : 1u);
         i++) {
        member[i] = field->kind == APF_FIELD_BOOL ? !member[i] : (uint8_t)~member[i];
    }
    uint32_t changed_len = apf_encode(&changed, step->bytes, true, after, sizeof after);
    return len == 0 || len > sizeof before || changed_len != len
               ? 0
               : first_difference(before, len, after, len);
}

static bool differs(const struct recording_step *recorded, const struct recording_step *now,
                    const struct apf_field *field, const struct compare_rules *rules)
{
    char path[PATH_BYTES];
    const char *given = NULL;
    field_path(recorded, field->name, path);
    enum compare_rule rule = rules->rule(rules->ctx, path, &given);
    if (rule == COMPARE_ANYTHING ||
        (rule == COMPARE_EQUAL && is_free(&recorded->message, field->name))) {
        return false;
    }
    return !is_same_value(recorded, now, field, given);
}

static bool compare_fields(const struct recording_step *recorded, const struct recording_step *now,
                           const struct compare_rules *rules, struct compare_difference *difference)
{
    uint32_t count = 0;
    uint32_t now_count = 0;
    const struct apf_field *fields = apf_fields(&recorded->message, &count);
    (void)apf_fields(&now->message, &now_count);
    if (count != now_count) {
        (void)snprintf(difference->field, sizeof difference->field, "the number of fields");
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (differs(recorded, now, &fields[i], rules)) {
            field_path(recorded, fields[i].name, difference->field);
            difference->offset = offset_of(now, &fields[i]);
            return false;
        }
    }
    return true;
}

bool compare_messages(const struct recording_step *recorded, const struct recording_step *now,
                      enum compare_how how, const struct compare_rules *rules,
                      struct compare_difference *difference)
{
    *difference = (struct compare_difference){ .offset = 0 };
    bool is_same_kind = recorded->is_apf == now->is_apf &&
                        (!recorded->is_apf || recorded->message.type == now->message.type);
    if (!is_same_kind) {
        (void)snprintf(difference->field, sizeof difference->field, "type");
        return false;
    }
    if (how == COMPARE_NONE) {
        return true;
    }
    if (how == COMPARE_BYTES || !recorded->is_apf) {
        difference->offset = first_difference(recorded->bytes, recorded->len, now->bytes, now->len);
        return difference->offset == recorded->len && recorded->len == now->len;
    }
    return compare_fields(recorded, now, rules, difference);
}

/* ---- for people ---- */

static void put_shown(const struct recording_step *step, const struct apf_field *field,
                      struct text *out)
{
    struct text value = { 0 };
    struct text shown = { 0 };
    if (field->secret) {
        text_puts(&shown, "(hidden)");
    } else if (field->kind == APF_FIELD_BYTES) {
        struct view view = apf_field_view(&step->message, field);
        text_printf(&shown, "%u bytes ", view.len);
        text_logfmt(&shown, (const char *)step->bytes + view.off, view.len < 24 ? view.len : 24);
    } else {
        compare_value(step, field, &value);
        text_logfmt(&shown, text_chars(&value), value.len);
    }
    text_printf(out, "%.*s", (int)VALUE_BYTES, text_chars(&shown));
    text_fini(&value);
    text_fini(&shown);
}

static void put_cell(const struct recording_step *step, const char *name, struct text *out)
{
    uint32_t count = 0;
    const struct apf_field *fields =
        step == NULL || !step->is_apf ? NULL : apf_fields(&step->message, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            put_shown(step, &fields[i], out);
        }
    }
}

static void put_row(const char *label, const struct text *left, const struct text *right,
                    bool is_marked, struct text *out)
{
    text_printf(out, "%c %-20s %-36s %s\n", is_marked ? '!' : ' ', label, text_chars(left),
                text_chars(right));
}

static void put_fields_of(const struct recording_step *of, const struct recording_step *recorded,
                          const struct recording_step *now, const char *field, bool only_missing,
                          struct text *out)
{
    uint32_t count = 0;
    const struct apf_field *fields =
        of == NULL || !of->is_apf ? NULL : apf_fields(&of->message, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct text left = { 0 };
        struct text right = { 0 };
        const char *last = strrchr(field, '.');
        put_cell(recorded, fields[i].name, &left);
        put_cell(now, fields[i].name, &right);
        if (!only_missing || left.len == 0) {
            put_row(fields[i].name, &left, &right,
                    last != NULL && strcmp(last + 1, fields[i].name) == 0, out);
        }
        text_fini(&left);
        text_fini(&right);
    }
}

static void put_name(const struct recording_step *step, struct text *out)
{
    if (step == NULL) {
        text_puts(out, "nothing");
        return;
    }
    recording_step_name(step, out);
    if (step->what == RECORDING_DATA) {
        text_printf(out, ", %u bytes", step->len);
    }
}

void compare_print(const struct recording_step *recorded, const struct recording_step *now,
                   const char *field, struct text *out)
{
    struct text left = { 0 };
    struct text right = { 0 };
    put_name(recorded, &left);
    put_name(now, &right);
    text_printf(out, "  %-20s %-36s %s\n", "", "recorded", "now");
    put_row("message", &left, &right, strcmp(field, "type") == 0 || recorded == NULL || now == NULL,
            out);
    put_fields_of(recorded, recorded, now, field, false, out);
    if (recorded == NULL || now == NULL || recorded->message.type != now->message.type) {
        put_fields_of(now, recorded, now, field, true, out);
    }
    text_fini(&left);
    text_fini(&right);
}
