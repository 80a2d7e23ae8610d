/* Instances and other results, as JSON and as lines for people. */
#include <string.h>

#include "cli/reach.h"

#define COLUMN 34

json_t *cli_ref_json(const struct wsman_ref *ref)
{
    if (ref == NULL) {
        return json_null();
    }
    json_t *out = json_object(), *selectors = json_object();
    for (const struct wsman_selector *at = ref->selectors; at != NULL; at = at->next) {
        json_object_set_new(selectors, at->name,
                            at->ref != NULL ? cli_ref_json(at->ref) : json_string(at->text));
    }
    json_object_set_new(out, "class", json_string(ref->class_name));
    json_object_set_new(out, "selectors", selectors);
    return out;
}

static json_t *value_json(const struct wsman_value *value)
{
    switch (value->kind) {
    case WSMAN_REF:
        return cli_ref_json(value->ref);
    case WSMAN_EMBEDDED:
        return cli_instance_json(value->embedded);
    case WSMAN_TEXT:
    case WSMAN_DATETIME:
    case WSMAN_INTERVAL:
        break;
    }
    return json_string(value->text);
}

static json_t *values_json(const struct wsman_value *first)
{
    if (first == NULL) {
        return json_array();
    }
    if (first->next == NULL) {
        return value_json(first);
    }
    json_t *list = json_array();
    for (const struct wsman_value *at = first; at != NULL; at = at->next) {
        json_array_append_new(list, value_json(at));
    }
    return list;
}

json_t *cli_instance_json(const struct wsman_instance *instance)
{
    if (instance == NULL) {
        return json_null();
    }
    json_t *out = json_object();
    for (const struct wsman_property *p = instance->first; p != NULL; p = p->next) {
        json_object_set_new(out, p->name, values_json(p->values));
    }
    return out;
}

json_t *cli_instances_json(const struct wsman_instance *first)
{
    json_t *list = json_array();
    for (const struct wsman_instance *at = first; at != NULL; at = at->next) {
        json_t *item = json_object();
        json_object_set_new(item, "class", json_string(at->class_name));
        json_object_set_new(item, "properties", cli_instance_json(at));
        json_array_append_new(list, item);
    }
    return list;
}

static void put_scalar(struct text *out, const json_t *value)
{
    if (json_is_string(value)) {
        text_terminal(out, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        text_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        text_puts(out, json_is_true(value) ? "yes" : "no");
    } else {
        text_puts(out, "-");
    }
}

static bool is_reference(const json_t *value)
{
    return json_is_object(value) && json_object_size(value) == 2 &&
           json_object_get(value, "class") != NULL && json_object_get(value, "selectors") != NULL;
}

/* CLASS NAME=VALUE, NAME=VALUE */
static void put_reference(struct text *out, json_t *value)
{
    const char *name = NULL, *comma = " ";
    json_t *selector = NULL;
    put_scalar(out, json_object_get(value, "class"));
    json_object_foreach(json_object_get(value, "selectors"), name, selector)
    {
        text_printf(out, "%s%s=", comma, name);
        if (is_reference(selector)) {
            text_puts(out, "(");
            put_reference(out, selector);
            text_puts(out, ")");
        } else {
            put_scalar(out, selector);
        }
        comma = ", ";
    }
}

static bool is_line(const json_t *value)
{
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (json_is_object(json_array_get(value, i)) ||
                json_is_array(json_array_get(value, i))) {
                return false;
            }
        }
        return true;
    }
    return !json_is_object(value) || is_reference(value);
}

static void put_line(struct text *out, json_t *value)
{
    if (is_reference(value)) {
        put_reference(out, value);
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            text_puts(out, i == 0 ? "" : ", ");
            put_scalar(out, json_array_get(value, i));
        }
    } else {
        put_scalar(out, value);
    }
    text_puts(out, "\n");
}

static void put_value(struct text *out, json_t *value, int indent);

static void put_member(struct text *out, const char *name, json_t *value, int indent)
{
    text_printf(out, "%*s%s", indent, "", name);
    if (is_line(value)) {
        int used = indent + (int)strlen(name);
        text_printf(out, "%*s", used < COLUMN ? COLUMN - used : 1, "");
        put_line(out, value);
    } else {
        text_puts(out, "\n");
        put_value(out, value, indent + 2);
    }
}

static void put_value(struct text *out, json_t *value, int indent)
{
    const char *name = NULL;
    json_t *member = NULL;
    if (is_line(value)) {
        text_printf(out, "%*s", indent, "");
        put_line(out, value);
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            text_puts(out, i == 0 ? "" : "\n");
            put_value(out, json_array_get(value, i), indent);
        }
    } else {
        json_object_foreach(value, name, member)
        {
            put_member(out, name, member, indent);
        }
    }
}

void cli_show(const struct cli_reach *reach, json_t *value)
{
    if (reach->json) {
        (void)json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
        (void)fputc('\n', stdout);
    } else {
        struct text out = { 0 };
        put_value(&out, value, 0);
        (void)fputs(text_chars(&out), stdout);
        text_fini(&out);
    }
    json_decref(value);
}
