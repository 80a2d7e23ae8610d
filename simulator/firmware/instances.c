/* Instances as a Get shows them, and how selectors choose among them (wsman.md 2.6). */
#include <string.h>

#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/identity.h"
#include "simulator/firmware/settings.h"

uint32_t firmware_fault(struct firmware_call *call, enum wsman_fault fault, const char *detail)
{
    call->fault = fault;
    call->detail = detail;
    return PT_INTERNAL_ERROR;
}

struct wsman_instance *firmware_instance_new(struct firmware_call *call, const char *class_name)
{
    struct wsman_instance *instance = wsman_instance_new(call->arena, class_name);
    const struct class_description *description = class_find(class_name);
    if (instance == NULL || description == NULL) {
        return instance;
    }
    if (class_property_find(description, "CreationClassName") != NULL) {
        wsman_set(instance, "CreationClassName", class_name);
    }
    if (class_property_find(description, "SystemCreationClassName") != NULL) {
        wsman_set(instance, "SystemCreationClassName", "CIM_ComputerSystem");
    }
    if (class_property_find(description, "SystemName") != NULL) {
        wsman_set(instance, "SystemName", "Intel(r) AMT");
    }
    return instance;
}

static bool is_scoping(const char *name)
{
    return strcmp(name, "CreationClassName") == 0 || strcmp(name, "SystemCreationClassName") == 0 ||
           strcmp(name, "SystemName") == 0;
}

const char *firmware_instance_key(const struct wsman_instance *instance)
{
    const struct class_description *description = class_find(instance->class_name);
    if (description == NULL || description->is_singleton) {
        return "";
    }
    for (uint32_t i = 0; i < description->property_count; i++) {
        const struct class_property *property = &description->properties[i];
        if (property->is_key && !is_scoping(property->name)) {
            const char *text = wsman_get(instance, property->name);
            return text == NULL ? "" : text;
        }
    }
    return "";
}

static void drop_absent(const struct firmware *firmware, struct wsman_instance *instance)
{
    const struct config_texts *absent = &firmware->profile->config.absent_properties;
    size_t len = strlen(instance->class_name);
    for (uint32_t i = 0; i < absent->count; i++) {
        const char *name = absent->items[i];
        if (strncmp(name, instance->class_name, len) == 0 && name[len] == '.') {
            wsman_unset(instance, name + len + 1);
        }
    }
}

static struct wsman_instance *born_instances(struct firmware_call *call,
                                             const struct profile_class *slot)
{
    struct wsman_instance *first = NULL;
    struct wsman_instance **last = &first;
    for (const struct wsman_instance *born = slot->instances; born != NULL; born = born->next) {
        struct wsman_instance *instance = wsman_instance_copy(call->arena, born);
        if (instance == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
            return NULL;
        }
        identity_expand(call->firmware, instance);
        settings_apply(call->firmware, instance, firmware_instance_key(instance));
        if (slot->behaviour != NULL && slot->behaviour->fill != NULL) {
            slot->behaviour->fill(call, instance);
        }
        *last = instance;
        last = &instance->next;
    }
    return first;
}

struct wsman_instance *firmware_instances(struct firmware_call *call, const char *class_name)
{
    const struct profile_class *slot = firmware_profile_class(call->firmware->profile, class_name);
    if (slot == NULL) {
        return NULL;
    }
    struct wsman_instance *list = slot->behaviour != NULL && slot->behaviour->list != NULL
                                      ? slot->behaviour->list(call)
                                      : born_instances(call, slot);
    for (struct wsman_instance *instance = list; instance != NULL; instance = instance->next) {
        drop_absent(call->firmware, instance);
        if (instance->failed) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
            return NULL;
        }
    }
    return list;
}

static bool ref_matches(const struct wsman_ref *have, const struct wsman_ref *want)
{
    if (have == NULL || strcmp(have->class_name, want->class_name) != 0) {
        return false;
    }
    for (const struct wsman_selector *s = want->selectors; s != NULL; s = s->next) {
        const struct wsman_selector *h = have->selectors;
        while (h != NULL && strcmp(h->name, s->name) != 0) {
            h = h->next;
        }
        if (h == NULL) {
            return false;
        }
        if (s->ref != NULL ? !ref_matches(h->ref, s->ref)
                           : h->text == NULL || strcmp(h->text, s->text) != 0) {
            return false;
        }
    }
    return true;
}

bool firmware_ref_matches(const struct wsman_ref *have, const struct wsman_ref *want)
{
    return ref_matches(have, want);
}

static bool selector_matches(const struct wsman_instance *instance,
                             const struct wsman_selector *selector)
{
    if (selector->ref != NULL) {
        return ref_matches(wsman_get_ref(instance, selector->name), selector->ref);
    }
    const char *text = wsman_get(instance, selector->name);
    return text != NULL && strcmp(text, selector->text) == 0;
}

static bool has_key_selector(const struct class_description *description,
                             const struct wsman_selector *selector)
{
    for (; selector != NULL; selector = selector->next) {
        const struct class_property *property = class_property_find(description, selector->name);
        if (property != NULL && property->is_key) {
            return true;
        }
    }
    return false;
}

/* Keys decide. Clients send other properties too, some with the value they want to write (MeshCentral
 * for AMT_TLSSettingData): beside a key those are ignored. */
static bool matches(const struct wsman_instance *instance, const struct wsman_selector *selectors)
{
    const struct class_description *description = class_find(instance->class_name);
    bool by_key = description != NULL && has_key_selector(description, selectors);
    for (const struct wsman_selector *s = selectors; s != NULL; s = s->next) {
        const struct class_property *property =
            description == NULL ? NULL : class_property_find(description, s->name);
        if (by_key && (property == NULL || !property->is_key)) {
            continue;
        }
        if (!selector_matches(instance, s)) {
            return false;
        }
    }
    return true;
}

struct wsman_instance *firmware_select(struct wsman_instance *list,
                                       const struct wsman_selector *selectors)
{
    struct wsman_instance *found = NULL;
    for (struct wsman_instance *instance = list; instance != NULL; instance = instance->next) {
        if (matches(instance, selectors)) {
            if (found != NULL) {
                return NULL; /* WSM-047: a subset must be unambiguous */
            }
            found = instance;
        }
    }
    return found;
}

/* Selectors in ASCII order: k_classes has the properties in that order (WSM-049). */
const struct wsman_ref *firmware_ref_to(struct firmware_call *call,
                                        const struct wsman_instance *instance)
{
    const struct class_description *description = class_find(instance->class_name);
    struct wsman_ref *ref = arena_alloc(call->arena, sizeof *ref);
    const struct wsman_selector **last = ref == NULL ? NULL : &ref->selectors;
    for (uint32_t i = 0; last != NULL && i < description->property_count; i++) {
        const struct class_property *property = &description->properties[i];
        const struct wsman_value *value =
            property->is_key ? wsman_get_values(instance, property->name) : NULL;
        if (value == NULL) {
            continue;
        }
        struct wsman_selector *selector = arena_alloc(call->arena, sizeof *selector);
        if (selector == NULL) {
            ref = NULL;
            break;
        }
        selector->name = property->name;
        selector->text = value->ref == NULL ? value->text : NULL;
        selector->ref = value->ref;
        *last = selector;
        last = &selector->next;
    }
    if (ref == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
    } else {
        ref->class_name = description->name;
    }
    return ref;
}
