#include "scenarios/engine/wsman_value.h"

#include <ctype.h>
#include <string.h>

#include "client/compose.h"

/* Only what would be written back the same way is a number: "00001234" stays text. */
static bool is_plain_number(const char *text)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t len = strspn(digits, "0123456789");
    return len > 0 && len <= 18 && digits[len] == '\0' &&
           (digits[0] != '0' || (len == 1 && digits == text));
}

static struct value *text_value(struct arena *pool, const char *text)
{
    bool is_word = strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    return value_from_scalar(pool, text, !is_word && !is_plain_number(text));
}

struct value *wsman_value_of_ref(struct arena *pool, const struct wsman_ref *ref)
{
    if (ref == NULL) {
        return value_null(pool);
    }
    struct value *map = value_map(pool), *selectors = value_map(pool);
    for (const struct wsman_selector *at = ref->selectors; at != NULL; at = at->next) {
        value_put(pool, selectors, at->name,
                  at->ref != NULL ? wsman_value_of_ref(pool, at->ref)
                                  : value_text(pool, at->text == NULL ? "" : at->text));
    }
    value_put(pool, map, "class", value_text(pool, ref->class_name));
    value_put(pool, map, "selectors", selectors);
    return map;
}

static struct value *one_value(struct arena *pool, const struct wsman_value *value)
{
    if (value->kind == WSMAN_REF) {
        return wsman_value_of_ref(pool, value->ref);
    }
    if (value->kind == WSMAN_EMBEDDED) {
        return wsman_value(pool, value->embedded);
    }
    return text_value(pool, value->text);
}

struct value *wsman_value(struct arena *pool, const struct wsman_instance *instance)
{
    if (instance == NULL) {
        return value_null(pool);
    }
    struct value *map = value_map(pool);
    for (const struct wsman_property *p = instance->first; p != NULL; p = p->next) {
        if (p->values == NULL) {
            continue;
        }
        struct value *value = one_value(pool, p->values);
        if (p->values->next != NULL) {
            value = value_list(pool);
            for (const struct wsman_value *at = p->values; at != NULL; at = at->next) {
                value_append(value, one_value(pool, at));
            }
        }
        value_put(pool, map, p->name, value);
    }
    return map;
}

static const char *wrong(struct arena *pool, const char *name, const char *wanted)
{
    return pool_printf(pool, "'%s' wants %s", name, wanted);
}

static bool make_ref(struct arena *pool, const struct value *map, const struct wsman_ref **out,
                     const char **why)
{
    struct wsman_ref *ref = pool_alloc(pool, sizeof *ref);
    const struct value *class_name = value_get(map, "ref");
    if (class_name->kind != VALUE_TEXT || !compose_is_name(class_name->text)) {
        *why = wrong(pool, "ref", "a class");
        return false;
    }
    ref->class_name = class_name->text;
    *out = ref;
    return wsman_value_selectors(pool, value_get(map, "selectors"), &ref->selectors, why);
}

bool wsman_value_selectors(struct arena *pool, const struct value *map,
                           const struct wsman_selector **out, const char **why)
{
    const struct wsman_selector **end = out;
    *out = NULL;
    for (const struct value *at = map == NULL ? NULL : map->first; at != NULL; at = at->next) {
        struct wsman_selector *selector = pool_alloc(pool, sizeof *selector);
        selector->name = at->key;
        if (!compose_is_name(at->key)) {
            *why = wrong(pool, "selectors", "names of properties");
            return false;
        }
        if (at->kind == VALUE_MAP && value_get(at, "ref") != NULL) {
            if (!make_ref(pool, at, &selector->ref, why)) {
                return false;
            }
        } else {
            selector->text = value_written(pool, at);
        }
        *end = selector;
        end = &selector->next;
    }
    return true;
}

static bool make_value(struct arena *pool, const struct value *given, struct wsman_value *out,
                       const char **why)
{
    const struct value *ref = value_get(given, "ref"), *embedded = value_get(given, "embedded"),
                       *datetime = value_get(given, "datetime"),
                       *interval = value_get(given, "interval");
    if (given->kind != VALUE_MAP) {
        out->kind = WSMAN_TEXT;
        out->text = value_written(pool, given);
        return true;
    }
    if (ref != NULL) {
        out->kind = WSMAN_REF;
        return make_ref(pool, given, &out->ref, why);
    }
    if (embedded != NULL && embedded->kind == VALUE_TEXT) {
        struct wsman_instance *inner = pool_checked(wsman_instance_new(pool, embedded->text));
        out->kind = WSMAN_EMBEDDED;
        out->embedded = inner;
        return wsman_value_apply(pool, value_get(given, "values"), inner, why);
    }
    if (datetime != NULL || interval != NULL) {
        out->kind = datetime != NULL ? WSMAN_DATETIME : WSMAN_INTERVAL;
        out->text = value_written(pool, datetime != NULL ? datetime : interval);
        return true;
    }
    *why = wrong(pool, given->key == NULL ? "values" : given->key,
                 "text, a list, or a map with ref, embedded, datetime or interval");
    return false;
}

bool wsman_value_apply(struct arena *pool, const struct value *values,
                       struct wsman_instance *instance, const char **why)
{
    for (const struct value *at = values == NULL ? NULL : values->first; at != NULL;
         at = at->next) {
        struct wsman_value *first = NULL, **end = &first;
        const struct value *item = at->kind == VALUE_LIST ? at->first : at;
        if (!compose_is_name(at->key)) {
            *why = wrong(pool, "values", "names of properties");
            return false;
        }
        for (; item != NULL; item = at->kind == VALUE_LIST ? item->next : NULL) {
            struct wsman_value *value = pool_alloc(pool, sizeof *value);
            if (!make_value(pool, item, value, why)) {
                return false;
            }
            *end = value;
            end = (struct wsman_value **)&value->next;
        }
        wsman_set_values(instance, at->key, first);
    }
    (void)pool_checked(instance->failed ? NULL : instance);
    return true;
}

static void put_reply(struct arena *pool, struct value *map, const struct wsman_reply *reply)
{
    if (reply->is_fault) {
        const char *name =
            reply->fault.subcode[0] == '\0' ? reply->fault.code : reply->fault.subcode;
        value_put(pool, map, "fault", value_text(pool, name));
        value_put(pool, map, "reason", value_text(pool, reply->fault.reason));
        value_put(pool, map, "detail", value_text(pool, reply->fault.detail));
    } else if (reply->created != NULL) {
        value_put(pool, map, "created", wsman_value_of_ref(pool, reply->created));
    } else if (reply->instance != NULL) {
        value_put(pool, map, "body", wsman_value(pool, reply->instance));
        value_put(pool, map, "class", value_text(pool, reply->instance->class_name));
    }
    if (reply->context != NULL) {
        value_put(pool, map, "context", value_text(pool, reply->context));
    }
}

static void put_items(struct arena *pool, struct value *map, const struct wsman_instance *first,
                      uint32_t count)
{
    struct value *items = value_list(pool), *classes = value_list(pool);
    for (const struct wsman_instance *at = first; at != NULL; at = at->next) {
        value_append(items, wsman_value(pool, at));
        value_append(classes, value_text(pool, at->class_name));
    }
    value_put(pool, map, "items", items);
    value_put(pool, map, "classes", classes);
    value_put(pool, map, "count", value_int(pool, count));
}

struct value *wsman_value_of_outcome(struct arena *pool, const struct wsman_outcome *outcome)
{
    struct value *map = value_map(pool);
    value_put(pool, map, "result", value_text(pool, wsman_result_name(outcome->result)));
    value_put(pool, map, "status", value_int(pool, outcome->status));
    value_put(pool, map, "challenges", value_int(pool, outcome->challenges));
    value_put(pool, map, "took_ms", value_int(pool, (int64_t)(outcome->took_us / US_PER_MS)));
    value_put(pool, map, "error", value_text(pool, outcome->diag.text));
    if (outcome->has_return_value) {
        value_put(pool, map, "return_value", value_int(pool, outcome->return_value));
    }
    if (outcome->reply != NULL) {
        put_reply(pool, map, outcome->reply);
    }
    if (outcome->is_enumeration && outcome->result == WSMAN_DONE) {
        put_items(pool, map, outcome->items, outcome->item_count);
        value_put(pool, map, "pulls", value_int(pool, outcome->pulls));
    }
    return map;
}
