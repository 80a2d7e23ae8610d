#include "protocol/wsman/instance.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"

struct wsman_instance *wsman_instance_new(struct arena *arena, const char *class_name)
{
    struct wsman_instance *instance = arena_alloc(arena, sizeof *instance);
    if (instance != NULL) {
        instance->arena = arena;
        instance->class_name = class_name;
    }
    return instance;
}

struct wsman_instance *wsman_instance_copy(struct arena *arena, const struct wsman_instance *from)
{
    struct wsman_instance *copy = wsman_instance_new(arena, from->class_name);
    if (copy == NULL) {
        return NULL;
    }
    struct wsman_property **last = &copy->first;
    for (const struct wsman_property *p = from->first; p != NULL; p = p->next) {
        *last = arena_alloc(arena, sizeof **last);
        if (*last == NULL) {
            return NULL;
        }
        **last = *p;
        (*last)->next = NULL;
        last = &(*last)->next;
    }
    return copy;
}

static struct wsman_property *find(const struct wsman_instance *instance, const char *name)
{
    struct wsman_property *p = instance == NULL ? NULL : instance->first;
    while (p != NULL && strcmp(p->name, name) != 0) {
        p = p->next;
    }
    return p;
}

/* The property, made at the end if it is new. */
static struct wsman_property *reach(struct wsman_instance *instance, const char *name)
{
    struct wsman_property **last = &instance->first;
    for (; *last != NULL; last = &(*last)->next) {
        if (strcmp((*last)->name, name) == 0) {
            return *last;
        }
    }
    *last = arena_alloc(instance->arena, sizeof **last);
    if (*last == NULL) {
        instance->failed = true;
        return NULL;
    }
    (*last)->name = name;
    return *last;
}

static struct wsman_value *value_new(struct wsman_instance *instance, enum wsman_value_kind kind)
{
    struct wsman_value *value = arena_alloc(instance->arena, sizeof *value);
    if (value == NULL) {
        instance->failed = true;
    } else {
        value->kind = kind;
        value->text = "";
    }
    return value;
}

static struct wsman_value *text_value(struct wsman_instance *instance, enum wsman_value_kind kind,
                                      const char *text, size_t len)
{
    struct wsman_value *value = value_new(instance, kind);
    char *copy = value == NULL ? NULL : arena_text(instance->arena, text, len);
    if (copy == NULL) {
        instance->failed = true;
        return NULL;
    }
    value->text = copy;
    return value;
}

void wsman_set_values(struct wsman_instance *instance, const char *name,
                      const struct wsman_value *values)
{
    struct wsman_property *p = instance == NULL ? NULL : reach(instance, name);
    if (p != NULL) {
        p->values = values;
    }
}

static void set_kind(struct wsman_instance *instance, const char *name, enum wsman_value_kind kind,
                     const char *text)
{
    if (instance != NULL) {
        wsman_set_values(instance, name, text_value(instance, kind, text, strlen(text)));
    }
}

static void append(struct wsman_instance *instance, const char *name,
                   const struct wsman_value *value)
{
    struct wsman_property *p = value == NULL ? NULL : reach(instance, name);
    if (p == NULL) {
        return;
    }
    /* Values are shared between copies, so the list is made anew; arrays are short. */
    const struct wsman_value *first = NULL;
    struct wsman_value *last = NULL;
    for (const struct wsman_value *v = p->values; v != NULL; v = v->next) {
        struct wsman_value *copy = value_new(instance, v->kind);
        if (copy == NULL) {
            return;
        }
        *copy = *v;
        copy->next = NULL;
        if (last == NULL) {
            first = copy;
        } else {
            last->next = copy;
        }
        last = copy;
    }
    if (last == NULL) {
        p->values = value;
    } else {
        last->next = value;
        p->values = first;
    }
}

void wsman_set(struct wsman_instance *instance, const char *name, const char *text)
{
    set_kind(instance, name, WSMAN_TEXT, text);
}

void wsman_set_u64(struct wsman_instance *instance, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    set_kind(instance, name, WSMAN_TEXT, text);
}

void wsman_set_bool(struct wsman_instance *instance, const char *name, bool value)
{
    set_kind(instance, name, WSMAN_TEXT, value ? "true" : "false");
}

void wsman_set_base64(struct wsman_instance *instance, const char *name, const void *bytes,
                      size_t len)
{
    struct text text = { 0 };
    if (instance == NULL) {
        return;
    }
    base64_encode(&text, bytes, len);
    if (text.failed) {
        instance->failed = true;
    } else {
        set_kind(instance, name, WSMAN_TEXT, text_chars(&text));
    }
    text_fini(&text);
}

void wsman_set_time(struct wsman_instance *instance, const char *name, uint64_t unix_seconds)
{
    char text[40];
    struct tm tm;
    time_t seconds = (time_t)unix_seconds;
    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        text[0] = '\0';
    }
    set_kind(instance, name, WSMAN_DATETIME, text);
}

void wsman_set_interval(struct wsman_instance *instance, const char *name, const char *text)
{
    set_kind(instance, name, WSMAN_INTERVAL, text);
}

static struct wsman_value *ref_value(struct wsman_instance *instance, const struct wsman_ref *ref)
{
    struct wsman_value *value = ref == NULL ? NULL : value_new(instance, WSMAN_REF);
    if (value == NULL) {
        instance->failed = true;
        return NULL;
    }
    value->ref = ref;
    return value;
}

void wsman_set_ref(struct wsman_instance *instance, const char *name, const struct wsman_ref *ref)
{
    if (instance != NULL) {
        wsman_set_values(instance, name, ref_value(instance, ref));
    }
}

void wsman_add(struct wsman_instance *instance, const char *name, const char *text)
{
    if (instance != NULL) {
        append(instance, name, text_value(instance, WSMAN_TEXT, text, strlen(text)));
    }
}

void wsman_add_u64(struct wsman_instance *instance, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    wsman_add(instance, name, text);
}

void wsman_add_ref(struct wsman_instance *instance, const char *name, const struct wsman_ref *ref)
{
    if (instance != NULL) {
        append(instance, name, ref_value(instance, ref));
    }
}

void wsman_unset(struct wsman_instance *instance, const char *name)
{
    struct wsman_property **at = instance == NULL ? NULL : &instance->first;
    while (at != NULL && *at != NULL) {
        if (strcmp((*at)->name, name) == 0) {
            *at = (*at)->next;
            return;
        }
        at = &(*at)->next;
    }
}

const struct wsman_value *wsman_get_values(const struct wsman_instance *instance, const char *name)
{
    const struct wsman_property *p = find(instance, name);
    return p == NULL ? NULL : p->values;
}

const char *wsman_get(const struct wsman_instance *instance, const char *name)
{
    const struct wsman_value *value = wsman_get_values(instance, name);
    return value == NULL || value->kind > WSMAN_INTERVAL ? NULL : value->text;
}

const struct wsman_ref *wsman_get_ref(const struct wsman_instance *instance, const char *name)
{
    const struct wsman_value *value = wsman_get_values(instance, name);
    return value == NULL || value->kind != WSMAN_REF ? NULL : value->ref;
}

const struct wsman_instance *wsman_get_embedded(const struct wsman_instance *instance,
                                                const char *name)
{
    const struct wsman_value *value = wsman_get_values(instance, name);
    return value == NULL || value->kind != WSMAN_EMBEDDED ? NULL : value->embedded;
}

uint64_t wsman_get_u64(const struct wsman_instance *instance, const char *name, uint64_t fallback)
{
    const char *text = wsman_get(instance, name);
    uint64_t value;
    return text == NULL || text_parse_u64(text, UINT64_MAX, &value) != AMT_OK ? fallback : value;
}

bool wsman_get_bool(const struct wsman_instance *instance, const char *name, bool fallback)
{
    const char *text = wsman_get(instance, name);
    if (text == NULL) {
        return fallback;
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "True") == 0 || strcmp(text, "1") == 0) {
        return true;
    }
    bool is_false =
        strcmp(text, "false") == 0 || strcmp(text, "False") == 0 || strcmp(text, "0") == 0;
    return is_false ? false : fallback;
}

const uint8_t *wsman_get_base64(const struct wsman_instance *instance, const char *name,
                                size_t *len)
{
    const char *text = wsman_get(instance, name);
    size_t chars = text == NULL ? 0 : strlen(text);
    uint8_t *bytes = text == NULL ? NULL : arena_alloc(instance->arena, BASE64_BYTES(chars));
    *len = 0;
    if (bytes == NULL || base64_decode(text, chars, bytes, len) != AMT_OK) {
        *len = 0;
        return NULL;
    }
    return bytes;
}

bool wsman_has(const struct wsman_instance *instance, const char *name)
{
    return wsman_get_values(instance, name) != NULL;
}

const struct wsman_ref *wsman_ref_new(struct arena *arena, const char *class_name, uint32_t count,
                                      ...)
{
    struct wsman_ref *ref = arena_alloc(arena, sizeof *ref);
    const struct wsman_selector **last = ref == NULL ? NULL : &ref->selectors;
    va_list pairs;
    va_start(pairs, count);
    for (uint32_t i = 0; i < count && last != NULL; i++) {
        const char *name = va_arg(pairs, const char *);
        const char *text = va_arg(pairs, const char *);
        struct wsman_selector *selector = arena_alloc(arena, sizeof *selector);
        char *copy = arena_text(arena, text, strlen(text));
        if (selector == NULL || copy == NULL) {
            ref = NULL;
            break;
        }
        selector->name = name;
        selector->text = copy;
        *last = selector;
        last = &selector->next;
    }
    va_end(pairs);
    if (ref != NULL) {
        ref->class_name = class_name;
    }
    return ref;
}

const char *wsman_ref_selector(const struct wsman_ref *ref, const char *name)
{
    const struct wsman_selector *selector = ref == NULL ? NULL : ref->selectors;
    for (; selector != NULL; selector = selector->next) {
        if (strcmp(selector->name, name) == 0) {
            return selector->text;
        }
    }
    return NULL;
}
