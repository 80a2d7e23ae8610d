/* A device for people: instances of its classes as text, as a Get shows them, so without secrets. */
#include "simulator/firmware/firmware_internal.h"

static void put_ref(struct text *out, const struct wsman_ref *ref)
{
    text_puts(out, ref->class_name[0] == '\0' ? "-" : ref->class_name);
    const char *separator = " ";
    for (const struct wsman_selector *s = ref->selectors; s != NULL; s = s->next) {
        if (s->text != NULL) {
            text_printf(out, "%s%s=%s", separator, s->name, s->text);
            separator = ", ";
        }
    }
}

static void put_values(struct text *out, const struct wsman_value *value)
{
    for (const char *separator = ""; value != NULL; value = value->next, separator = ", ") {
        text_puts(out, separator);
        if (value->kind == WSMAN_REF) {
            put_ref(out, value->ref);
        } else if (value->kind == WSMAN_EMBEDDED) {
            text_puts(out, value->embedded->class_name);
        } else {
            text_puts(out, value->text);
        }
    }
}

static void put_instance(struct text *out, const struct wsman_instance *instance)
{
    const struct class_description *description = class_find(instance->class_name);
    text_printf(out, "%s\n", instance->class_name);
    for (uint32_t i = 0; description != NULL && i < description->property_count; i++) {
        const struct wsman_value *values =
            wsman_get_values(instance, description->properties[i].name);
        if (values != NULL) {
            text_printf(out, "    %-32s ", description->properties[i].name);
            put_values(out, values);
            text_puts(out, "\n");
        }
    }
}

enum amt_err firmware_show(struct firmware *firmware, const char *class_name, struct text *out)
{
    static const struct firmware_user k_viewer = { .name = "viewer", .is_admin = true };
    static const struct wsman_request k_request = { .operation = WSMAN_GET,
                                                    .message_id = "",
                                                    .class_name = "",
                                                    .resource_uri = "",
                                                    .action = "",
                                                    .method = "" };
    const struct profile_class *slot = firmware_profile_class(firmware->profile, class_name);
    struct arena arena = { 0 };
    if (slot == NULL) {
        return AMT_EUNKNOWN;
    }
    struct firmware_call call = { .firmware = firmware,
                                  .arena = &arena,
                                  .user = &k_viewer,
                                  .door = FIRMWARE_LOCAL,
                                  .peer = "",
                                  .request = &k_request,
                                  .description = slot->description };
    const struct wsman_instance *instance = firmware_instances(&call, class_name);
    for (; instance != NULL; instance = instance->next) {
        put_instance(out, instance);
    }
    arena_fini(&arena);
    return call.fault == WSMAN_OK && !out->failed ? AMT_OK : AMT_ENOMEM;
}
