#include "simulator/firmware/settings.h"

#include <string.h>

/* One written value: class, key of the instance, property. Arrays are kept as several entries. */
struct setting {
    char *class_name, *key, *property, *value;
    enum wsman_value_kind kind;
    struct setting *next;
};

struct settings {
    struct setting *first;
};

static void setting_free(struct setting *setting)
{
    amt_free(setting->class_name);
    amt_free(setting->key);
    amt_free(setting->property);
    amt_free(setting->value);
    amt_free(setting);
}

static void clear(struct firmware *firmware)
{
    struct setting *setting = firmware->settings == NULL ? NULL : firmware->settings->first;
    while (setting != NULL) {
        struct setting *next = setting->next;
        setting_free(setting);
        setting = next;
    }
    if (firmware->settings != NULL) {
        firmware->settings->first = NULL;
    }
}

static bool is_of(const struct setting *setting, const char *class_name, const char *key,
                  const char *property)
{
    return strcmp(setting->class_name, class_name) == 0 && strcmp(setting->key, key) == 0 &&
           (property == NULL || strcmp(setting->property, property) == 0);
}

static void forget(struct firmware *firmware, const char *class_name, const char *key,
                   const char *property)
{
    struct setting **at = &firmware->settings->first;
    while (*at != NULL) {
        if (is_of(*at, class_name, key, property)) {
            struct setting *gone = *at;
            *at = gone->next;
            setting_free(gone);
        } else {
            at = &(*at)->next;
        }
    }
}

static enum amt_err append(struct firmware *firmware, const char *class_name, const char *key,
                           const char *property, enum wsman_value_kind kind, const char *value)
{
    struct setting *setting = amt_alloc(sizeof *setting);
    if (setting == NULL) {
        return AMT_ENOMEM;
    }
    *setting = (struct setting){ .class_name = amt_strdup(class_name),
                                 .key = amt_strdup(key),
                                 .property = amt_strdup(property),
                                 .value = amt_strdup(value),
                                 .kind = kind };
    if (setting->class_name == NULL || setting->key == NULL || setting->property == NULL ||
        setting->value == NULL) {
        setting_free(setting);
        return AMT_ENOMEM;
    }
    struct setting **last = &firmware->settings->first;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = setting;
    return AMT_OK;
}

void settings_apply(const struct firmware *firmware, struct wsman_instance *instance,
                    const char *key)
{
    const struct setting *setting = firmware->settings->first;
    const char *previous = "";
    for (; setting != NULL; setting = setting->next) {
        if (!is_of(setting, instance->class_name, key, NULL)) {
            continue;
        }
        const struct class_description *description = class_find(instance->class_name);
        const struct class_property *property =
            description == NULL ? NULL : class_property_find(description, setting->property);
        if (property == NULL || property->is_secret) {
            continue;
        }
        if (setting->kind == WSMAN_INTERVAL) {
            wsman_set_interval(instance, property->name, setting->value);
        } else if (strcmp(previous, setting->property) == 0) {
            wsman_add(instance, property->name, setting->value);
        } else {
            wsman_set(instance, property->name, setting->value);
        }
        if (setting->kind == WSMAN_DATETIME) {
            struct wsman_value *value = arena_alloc(instance->arena, sizeof *value);
            if (value != NULL) {
                *value = (struct wsman_value){ .kind = WSMAN_DATETIME,
                                               .text = wsman_get(instance, property->name) };
                wsman_set_values(instance, property->name, value);
            }
        }
        previous = setting->property;
    }
}

static bool equal(const struct wsman_value *a, const struct wsman_value *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        if (a->kind != b->kind || a->kind > WSMAN_INTERVAL || strcmp(a->text, b->text) != 0) {
            return false;
        }
    }
    return a == NULL && b == NULL;
}

enum amt_err settings_keep(struct firmware *firmware, const struct wsman_instance *old,
                           const struct wsman_instance *changed, const char *key)
{
    for (const struct wsman_property *p = changed->first; p != NULL; p = p->next) {
        if (equal(p->values, wsman_get_values(old, p->name))) {
            continue;
        }
        forget(firmware, changed->class_name, key, p->name);
        for (const struct wsman_value *v = p->values; v != NULL; v = v->next) {
            if (v->kind <= WSMAN_INTERVAL) {
                TRY(append(firmware, changed->class_name, key, p->name, v->kind, v->text));
            }
        }
    }
    firmware_changed(firmware);
    return AMT_OK;
}

const char *settings_get(const struct firmware *firmware, const char *class_name, const char *key,
                         const char *property)
{
    const struct setting *setting = firmware->settings->first;
    for (; setting != NULL; setting = setting->next) {
        if (is_of(setting, class_name, key, property)) {
            return setting->value;
        }
    }
    return NULL;
}

enum amt_err settings_set(struct firmware *firmware, const char *class_name, const char *key,
                          const char *property, const char *value)
{
    forget(firmware, class_name, key, property);
    firmware_changed(firmware);
    return append(firmware, class_name, key, property, WSMAN_TEXT, value);
}

static enum amt_err init(struct firmware *firmware)
{
    firmware->settings = amt_alloc(sizeof *firmware->settings);
    return firmware->settings == NULL ? AMT_ENOMEM : AMT_OK;
}

static void fini(struct firmware *firmware)
{
    clear(firmware);
    amt_free(firmware->settings);
    firmware->settings = NULL;
}

/* wsman.md 5.3: settings go back to what they were born with; a partial one keeps names. */
static void unprovision(struct firmware *firmware, bool is_partial)
{
    struct setting **at = &firmware->settings->first;
    while (*at != NULL) {
        bool is_name =
            strcmp((*at)->property, "HostName") == 0 || strcmp((*at)->property, "DomainName") == 0;
        if (is_partial && is_name) {
            at = &(*at)->next;
            continue;
        }
        struct setting *gone = *at;
        *at = gone->next;
        setting_free(gone);
    }
}

static json_t *save(struct firmware *firmware)
{
    json_t *list = json_array();
    for (const struct setting *s = firmware->settings->first; s != NULL; s = s->next) {
        json_t *item =
            json_pack("[s,s,s,i,s]", s->class_name, s->key, s->property, (int)s->kind, s->value);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum amt_err load(struct firmware *firmware, const json_t *state, struct amt_diag *diag)
{
    size_t index;
    json_t *item;
    if (!json_is_array(state)) {
        return amt_diag_set(diag, AMT_ECONFIG, "settings: not a list");
    }
    json_array_foreach(state, index, item)
    {
        const char *class_name;
        const char *key;
        const char *property;
        const char *value;
        int kind;
        if (json_unpack(item, "[s,s,s,i,s]", &class_name, &key, &property, &kind, &value) != 0 ||
            kind < WSMAN_TEXT || kind > WSMAN_INTERVAL) {
            return amt_diag_set(diag, AMT_ECONFIG, "settings: item %zu is none", index);
        }
        TRY(append(firmware, class_name, key, property, (enum wsman_value_kind)kind, value));
    }
    return AMT_OK;
}

const struct firmware_part k_settings_part = {
    .name = "settings",
    .init = init,
    .fini = fini,
    .unprovision = unprovision,
    .save = save,
    .load = load,
};
