/* Methods: input against its description, the rights, the behaviour, the output with its ReturnValue. */
#include <string.h>

#include "simulator/firmware/exchange.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/validate.h"

/* In the class, or in what it inherits from. */
static const struct class_method *find_method(const struct class_description *description,
                                              const char *name)
{
    const struct class_method *method = NULL;
    while (description != NULL && method == NULL) {
        method = class_method_find(description, name);
        description = class_find(description->super);
    }
    return method;
}

static firmware_method_fn *find_behaviour(const struct firmware_call *call, const char *name)
{
    const struct profile_class *slot =
        firmware_profile_class(call->firmware->profile, call->description->name);
    const struct firmware_method *method =
        slot == NULL || slot->behaviour == NULL ? NULL : slot->behaviour->methods;
    for (; method != NULL && method->name != NULL; method++) {
        if (strcmp(method->name, name) == 0) {
            return method->fn;
        }
    }
    return NULL;
}

static const char *joined(struct firmware_call *call, const char *name, const char *suffix)
{
    size_t name_len = strlen(name);
    size_t suffix_len = strlen(suffix);
    char *text = arena_alloc(call->arena, name_len + suffix_len + 1);
    if (text != NULL) {
        memcpy(text, name, name_len);
        memcpy(text + name_len, suffix, suffix_len);
    }
    return text;
}

/* <Method>_INPUT in the namespace of the class; an empty body stands for no parameters. */
static struct wsman_instance *read_input(struct firmware_call *call,
                                         const struct class_method *method)
{
    const struct xml_node *node = call->request->body;
    const char *expected = joined(call, method->name, "_INPUT");
    struct wsman_instance *in = NULL;
    if (expected == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        return NULL;
    }
    if (node == NULL) {
        in = wsman_instance_new(call->arena, expected);
    } else if (strcmp(node->name, expected) != 0 ||
               !wsman_uri_is_class(node->ns, call->description->name)) {
        (void)firmware_fault(call, WSMAN_SCHEMA_VALIDATION_ERROR, NULL);
        return NULL;
    } else {
        in = wsman_instance_read(call->arena, node);
    }
    if (in == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        return NULL;
    }
    call->fault = validate_body(in, call->description->name, method->in, method->in_count, true);
    return call->fault == WSMAN_OK ? in : NULL;
}

void firmware_finish_output(struct firmware_call *call, struct wsman_instance *out,
                            uint32_t return_value)
{
    static const struct wsman_ref k_default = { .class_name = "", .selectors = NULL };
    const struct class_method *method = find_method(call->description, call->request->method);
    bool is_intel = strncmp(call->description->name, "CIM_", 4) != 0;
    for (uint32_t i = 0; return_value != 0 && is_intel && i < method->out_count; i++) {
        const struct class_property *property = &method->out[i];
        if (property->type == TYPE_REF && strcmp(property->name, "Job") != 0 &&
            !wsman_has(out, property->name)) {
            wsman_set_ref(out, property->name, &k_default); /* WSM-050 */
        }
    }
    wsman_set_u64(out, "ReturnValue", return_value);
    if (out->failed) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
    }
}

struct wsman_instance *firmware_invoke(struct firmware_call *call,
                                       const struct wsman_instance *target)
{
    const char *name = call->request->method;
    const struct class_method *method = find_method(call->description, name);
    firmware_method_fn *behaviour = method == NULL ? NULL : find_behaviour(call, name);
    if (behaviour == NULL) {
        (void)firmware_fault(call, WSMAN_ACTION_NOT_SUPPORTED, NULL);
        return NULL;
    }
    const struct wsman_instance *in = read_input(call, method);
    const char *out_name = joined(call, name, "_OUTPUT");
    struct wsman_instance *out =
        in == NULL || out_name == NULL ? NULL : wsman_instance_new(call->arena, out_name);
    if (out == NULL) {
        if (call->fault == WSMAN_OK) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        }
        return NULL;
    }
    uint32_t return_value = firmware_may_call(call, name) ? behaviour(call, target, in, out)
                                                          : legality_deny(call, false);
    if (call->is_deferred || call->fault != WSMAN_OK) {
        call->output = out;
        return NULL;
    }
    firmware_finish_output(call, out, return_value);
    return out;
}
