#include "simulator/firmware/profile_values.h"

#include <string.h>

#include "simulator/firmware/validate.h"

struct reader {
    struct arena *arena;
    const char *path;
    struct amt_diag_list *errors;
    enum amt_err err;
};

static void report(struct reader *r, const struct yaml_node *node, const char *what,
                   const char *name)
{
    struct amt_diag *diag =
        amt_diag_list_add(r->errors, AMT_ECONFIG, r->path, node->line, node->column);
    r->err = amt_diag_set(diag, AMT_ECONFIG, "%s: %s", name, what);
}

static const char *keep(struct reader *r, const char *text)
{
    char *copy = arena_text(r->arena, text, strlen(text));
    if (copy == NULL) {
        r->err = AMT_ENOMEM;
        return "";
    }
    return copy;
}

static const struct wsman_ref *read_ref(struct reader *r, const struct yaml_node *node);

static const struct wsman_selector *read_selectors(struct reader *r, const struct yaml_node *map)
{
    const struct wsman_selector *first = NULL;
    const struct wsman_selector **last = &first;
    const struct yaml_node *node = map == NULL ? NULL : map->first;
    for (; node != NULL; node = node->next) {
        struct wsman_selector *selector = arena_alloc(r->arena, sizeof *selector);
        if (selector == NULL) {
            r->err = AMT_ENOMEM;
            break;
        }
        selector->name = keep(r, node->key);
        if (node->kind == YAML_MAP) {
            selector->ref = read_ref(r, node);
        } else {
            selector->text = keep(r, node->text == NULL ? "" : node->text);
        }
        *last = selector;
        last = &selector->next;
    }
    return first;
}

static const struct wsman_ref *read_ref(struct reader *r, const struct yaml_node *node)
{
    struct wsman_ref *ref = arena_alloc(r->arena, sizeof *ref);
    const struct yaml_node *class_name = yaml_get(node, "ref");
    if (ref == NULL) {
        r->err = AMT_ENOMEM;
        return NULL;
    }
    ref->class_name = keep(r, class_name == NULL ? "" : class_name->text);
    ref->selectors = read_selectors(r, yaml_get(node, "selectors"));
    return ref;
}

static void read_value(struct reader *r, const struct yaml_node *node, struct wsman_value *value,
                       const char *name)
{
    value->text = "";
    if (node->kind == YAML_SCALAR) {
        value->kind = WSMAN_TEXT;
        value->text = keep(r, node->text);
    } else if (node->kind == YAML_MAP && yaml_get(node, "ref") != NULL) {
        value->kind = WSMAN_REF;
        value->ref = read_ref(r, node);
    } else if (node->kind == YAML_MAP && yaml_get(node, "datetime") != NULL) {
        value->kind = WSMAN_DATETIME;
        value->text = keep(r, yaml_get(node, "datetime")->text);
    } else if (node->kind == YAML_MAP && yaml_get(node, "interval") != NULL) {
        value->kind = WSMAN_INTERVAL;
        value->text = keep(r, yaml_get(node, "interval")->text);
    } else {
        report(r, node, "not a text, { datetime }, { interval } or { ref, selectors }", name);
    }
}

static const struct wsman_value *read_values(struct reader *r, const struct yaml_node *node,
                                             const char *name)
{
    const struct wsman_value *first = NULL;
    const struct wsman_value **last = &first;
    const struct yaml_node *item = node->kind == YAML_LIST ? node->first : node;
    while (item != NULL) {
        struct wsman_value *value = arena_alloc(r->arena, sizeof *value);
        if (value == NULL) {
            r->err = AMT_ENOMEM;
            return NULL;
        }
        read_value(r, item, value, name);
        *last = value;
        last = &value->next;
        item = node->kind == YAML_LIST ? item->next : NULL;
    }
    return first;
}

static struct wsman_instance *read_instance(struct reader *r,
                                            const struct class_description *description,
                                            const struct yaml_node *map)
{
    struct wsman_instance *instance = wsman_instance_new(r->arena, description->name);
    if (instance == NULL || map->kind != YAML_MAP) {
        report(r, map, "an instance is a map of properties", description->name);
        return NULL;
    }
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        const struct class_property *property = class_property_find(description, node->key);
        if (property == NULL) {
            report(r, node, "the class has no such property", node->key);
            continue;
        }
        const struct wsman_value *values = read_values(r, node, node->key);
        const char *wrong = validate_values(property, values);
        if (wrong != NULL) {
            report(r, node, wrong, node->key);
        }
        wsman_set_values(instance, property->name, values);
    }
    return instance;
}

enum amt_err profile_instances_read(struct arena *arena,
                                    const struct class_description *description,
                                    const struct yaml_node *list, const char *path,
                                    const struct wsman_instance **instances,
                                    struct amt_diag_list *errors)
{
    struct reader r = { .arena = arena, .path = path, .errors = errors, .err = AMT_OK };
    const struct wsman_instance *first = NULL;
    struct wsman_instance *last = NULL;
    if (list->kind != YAML_LIST) {
        report(&r, list, "a class has a list of instances", description->name);
        return r.err;
    }
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        struct wsman_instance *instance = read_instance(&r, description, node);
        if (instance == NULL) {
            continue;
        }
        if (last == NULL) {
            first = instance;
        } else {
            last->next = instance;
        }
        last = instance;
    }
    *instances = first;
    return r.err;
}
