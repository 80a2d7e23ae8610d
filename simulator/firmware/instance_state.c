#include "simulator/firmware/instance_state.h"

static json_t *save_values(const struct wsman_value *values)
{
    if (values->next == NULL) {
        return json_string(values->text);
    }
    json_t *list = json_array();
    for (; values != NULL; values = values->next) {
        if (json_array_append_new(list, json_string(values->text)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *instance_state_save(const struct wsman_instance *instance)
{
    json_t *state = json_object();
    for (const struct wsman_property *p = instance == NULL ? NULL : instance->first; p != NULL;
         p = p->next) {
        if (p->values == NULL || p->values->kind != WSMAN_TEXT) {
            continue;
        }
        if (json_object_set_new(state, p->name, save_values(p->values)) != 0) {
            json_decref(state);
            return NULL;
        }
    }
    return state;
}

static void load_values(const json_t *value, const char *name, struct wsman_instance *instance)
{
    if (json_is_string(value)) {
        wsman_set(instance, name, json_string_value(value));
        return;
    }
    wsman_unset(instance, name);
    size_t at;
    json_t *item;
    json_array_foreach(value, at, item)
    {
        if (json_is_string(item)) {
            wsman_add(instance, name, json_string_value(item));
        }
    }
}

void instance_state_load(const json_t *state, struct wsman_instance *instance)
{
    const struct class_description *description =
        instance == NULL ? NULL : class_find(instance->class_name);
    const char *name;
    json_t *value;
    /* jansson's iteration takes no const, and changes nothing */
    json_object_foreach((json_t *)(uintptr_t)state, name, value)
    {
        const struct class_property *property =
            description == NULL ? NULL : class_property_find(description, name);
        if (property != NULL) {
            load_values(value, property->name, instance);
        }
    }
}
