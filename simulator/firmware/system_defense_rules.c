#include <string.h>

#include "simulator/firmware/instance_state.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/system_defense_internal.h"

#define FILTERS_MAX     32u
#define POLICIES_MAX    32u
#define POLICY_NAME_MAX 16u

/* --- filters --- */

struct wsman_instance *defense_filter(struct firmware_call *call, const json_t *entry)
{
    const char *name = class_find(defense_text(entry, "class"))->name;
    struct wsman_instance *instance = firmware_instance_new(call, name);
    char id[64];
    defense_format_id(entry, true, id);
    instance_state_load(json_object_get(entry, "settings"), instance);
    wsman_set(instance, "CreationClassName", name);
    wsman_set(instance, "SystemCreationClassName", "CIM_ComputerSystem");
    wsman_set(instance, "SystemName", "Intel(r) AMT");
    wsman_set(instance, "InstanceID", id);
    if (!wsman_has(instance, "Name")) {
        wsman_set(instance, "Name", id);
    }
    return instance;
}

static struct wsman_instance *list_filters(struct firmware_call *call, const char *class_name)
{
    struct wsman_instance *first = NULL, **last = &first;
    size_t at;
    json_t *entry;
    json_array_foreach(defense_state(call->firmware)->filters, at, entry)
    {
        if (strcmp(defense_text(entry, "class"), class_name) != 0) {
            continue;
        }
        *last = defense_filter(call, entry);
        if (*last == NULL) {
            defense_fail(call, WSMAN_INTERNAL_ERROR, NULL);
            return first;
        }
        last = &(*last)->next;
    }
    return first;
}

struct wsman_instance *defense_list_hdr8021(struct firmware_call *call)
{
    return list_filters(call, "AMT_Hdr8021Filter");
}

struct wsman_instance *defense_list_ip(struct firmware_call *call)
{
    return list_filters(call, "AMT_IPHeadersFilter");
}

static bool filter_fits(const struct wsman_instance *filter)
{
    bool is_ip = strcmp(filter->class_name, "AMT_IPHeadersFilter") == 0;
    uint64_t protocol = wsman_get_u64(filter, "HdrProtocolID8021", 0);
    uint64_t version = wsman_get_u64(filter, "HdrIPVersion", 0);
    uint64_t profile = wsman_get_u64(filter, "FilterProfile", UINT64_MAX);
    bool has_header = is_ip ? version == 4 || version == 6 : protocol == 2048 || protocol == 2054;
    return has_header && wsman_get_u64(filter, "FilterDirection", UINT64_MAX) <= 1 &&
           profile <= 4 &&
           (profile != 2 || wsman_has(filter, "FilterProfileData")); /* a rate limit has a rate */
}

static const struct wsman_ref *append(struct firmware_call *call, json_t *entries, json_t *entry,
                                      struct wsman_instance *(*show)(struct firmware_call *call,
                                                                     const json_t *entry))
{
    struct system_defense *state = defense_state(call->firmware);
    if (json_array_append_new(entries, entry) != 0) {
        defense_fail(call, WSMAN_INTERNAL_ERROR, NULL);
        return NULL;
    }
    state->next_handle += 1;
    firmware_changed(call->firmware);
    return firmware_ref_to(call, show(call, entry));
}

const struct wsman_ref *defense_create_filter(struct firmware_call *call,
                                              const struct wsman_instance *instance)
{
    struct system_defense *state = defense_state(call->firmware);
    if (!defense_is_legal(call)) {
        return NULL;
    }
    if (!filter_fits(instance)) {
        defense_fail(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return NULL;
    }
    if (json_array_size(state->filters) >= FILTERS_MAX) {
        defense_fail(call, WSMAN_QUOTA_LIMIT, NULL);
        return NULL;
    }
    json_t *entry =
        json_pack("{ss sI so}", "class", instance->class_name, "handle",
                  (json_int_t)state->next_handle, "settings", instance_state_save(instance));
    return append(call, state->filters, entry, defense_filter);
}

bool defense_policy_has_filter(const json_t *policy, uint32_t handle)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", (unsigned)handle);
    const json_t *handles =
        json_object_get(json_object_get(policy, "settings"), "FilterCreationHandles");
    if (json_is_string(handles)) {
        return strcmp(json_string_value(handles), text) == 0;
    }
    size_t at;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)handles, at, item)
    {
        if (strcmp(json_string_value(item), text) == 0) {
            return true;
        }
    }
    return false;
}

void defense_remove_filter(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct system_defense *state = defense_state(call->firmware);
    int found = defense_find(state->filters, true, wsman_get(instance, "InstanceID"));
    if (!defense_is_legal(call)) {
        return;
    }
    size_t at;
    json_t *policy;
    json_array_foreach(state->policies, at, policy)
    {
        if (found >= 0 && defense_policy_has_filter(policy, defense_handle(json_array_get(
                                                                state->filters, (size_t)found)))) {
            defense_fail(call, WSMAN_ACCESS_DENIED, NULL); /* in use */
            return;
        }
    }
    if (found >= 0 && json_array_remove(state->filters, (size_t)found) == 0) {
        firmware_changed(call->firmware);
    }
}

/* --- policies --- */

struct wsman_instance *defense_policy(struct firmware_call *call, const json_t *entry)
{
    struct wsman_instance *instance = wsman_instance_new(call->arena, "AMT_SystemDefensePolicy");
    char id[64];
    defense_format_id(entry, false, id);
    instance_state_load(json_object_get(entry, "settings"), instance);
    wsman_set(instance, "InstanceID", id);
    return instance;
}

struct wsman_instance *defense_list_policies(struct firmware_call *call)
{
    struct wsman_instance *first = NULL, **last = &first;
    size_t at;
    json_t *entry;
    json_array_foreach(defense_state(call->firmware)->policies, at, entry)
    {
        *last = defense_policy(call, entry);
        if (*last == NULL) {
            defense_fail(call, WSMAN_INTERNAL_ERROR, NULL);
            return first;
        }
        last = &(*last)->next;
    }
    return first;
}

static bool handles_exist(const struct system_defense *state, const struct wsman_instance *policy)
{
    const struct wsman_value *value = wsman_get_values(policy, "FilterCreationHandles");
    for (; value != NULL; value = value->next) {
        uint64_t handle = 0;
        bool is_known = false;
        size_t at;
        json_t *filter;
        if (text_parse_u64(value->text, UINT32_MAX, &handle) != AMT_OK) {
            return false;
        }
        json_array_foreach(state->filters, at, filter)
        {
            is_known = is_known || defense_handle(filter) == handle;
        }
        if (!is_known) {
            return false;
        }
    }
    return true;
}

static bool policy_fits(const struct system_defense *state, const struct wsman_instance *policy)
{
    const char *name = wsman_get(policy, "PolicyName");
    return name != NULL && name[0] != '\0' && strlen(name) <= POLICY_NAME_MAX &&
           handles_exist(state, policy);
}

static bool name_is_taken(const struct system_defense *state, const char *name)
{
    size_t at;
    json_t *policy;
    json_array_foreach(state->policies, at, policy)
    {
        if (strcmp(defense_text(json_object_get(policy, "settings"), "PolicyName"), name) == 0) {
            return true;
        }
    }
    return false;
}

const struct wsman_ref *defense_create_policy(struct firmware_call *call,
                                              const struct wsman_instance *instance)
{
    struct system_defense *state = defense_state(call->firmware);
    if (!defense_is_legal(call)) {
        return NULL;
    }
    if (!policy_fits(state, instance)) {
        defense_fail(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return NULL;
    }
    if (name_is_taken(state, wsman_get(instance, "PolicyName"))) {
        defense_fail(call, WSMAN_ALREADY_EXISTS, NULL);
        return NULL;
    }
    if (json_array_size(state->policies) >= POLICIES_MAX) {
        defense_fail(call, WSMAN_QUOTA_LIMIT, NULL);
        return NULL;
    }
    json_t *entry = json_pack("{sI so si so}", "handle", (json_int_t)state->next_handle, "settings",
                              instance_state_save(instance), "timeout", 0, "ports", json_array());
    return append(call, state->policies, entry, defense_policy);
}

void defense_put_policy(struct firmware_call *call, const struct wsman_instance *old,
                        const struct wsman_instance *changed)
{
    struct system_defense *state = defense_state(call->firmware);
    int found = defense_find(state->policies, false, wsman_get(old, "InstanceID"));
    if (!defense_is_legal(call)) {
        return;
    }
    if (!policy_fits(state, changed)) {
        defense_fail(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    json_t *entry = found < 0 ? NULL : json_array_get(state->policies, (size_t)found);
    if (json_object_set_new(entry, "settings", instance_state_save(changed)) != 0) {
        defense_fail(call, WSMAN_INTERNAL_ERROR, NULL);
        return;
    }
    firmware_changed(call->firmware);
}

void defense_remove_policy(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct system_defense *state = defense_state(call->firmware);
    int found = defense_find(state->policies, false, wsman_get(instance, "InstanceID"));
    if (!defense_is_legal(call) || found < 0) {
        return;
    }
    json_t *entry = json_array_get(state->policies, (size_t)found);
    if (json_array_size(json_object_get(entry, "ports")) > 0) {
        defense_fail(call, WSMAN_ACCESS_DENIED, NULL); /* a port uses it */
    } else if (json_array_remove(state->policies, (size_t)found) == 0) {
        firmware_changed(call->firmware);
    }
}

static json_t *policy_of(struct firmware_call *call, const struct wsman_instance *target)
{
    struct system_defense *state = defense_state(call->firmware);
    int found = defense_find(state->policies, false, wsman_get(target, "InstanceID"));
    return found < 0 ? NULL : json_array_get(state->policies, (size_t)found);
}

static uint32_t get_timeout(struct firmware_call *call, const struct wsman_instance *target,
                            const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)in;
    json_int_t timeout = json_integer_value(json_object_get(policy_of(call, target), "timeout"));
    wsman_set_u64(out, "Timeout", (uint64_t)timeout);
    return PT_SUCCESS;
}

static uint32_t set_timeout(struct firmware_call *call, const struct wsman_instance *target,
                            const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)out;
    json_int_t timeout = (json_int_t)wsman_get_u64(in, "Timeout", 0);
    if (provisioning_mode(call->firmware) != FIRMWARE_ADMIN_CONTROL) {
        return legality_deny(call, false);
    }
    if (json_object_set_new(policy_of(call, target), "timeout", json_integer(timeout)) != 0) {
        return PT_INTERNAL_ERROR;
    }
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

static uint32_t update_statistics(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (!defense_is_port(call, wsman_get_ref(in, "NetworkInterface"))) {
        return PT_INVALID_PARAMETER;
    }
    if (wsman_get_bool(in, "ResetOnRead", false)) {
        defense_state(call->firmware)->reset_s = firmware_time_s(call->firmware);
        firmware_changed(call->firmware);
    }
    return PT_SUCCESS;
}

const struct firmware_method k_defense_policy_methods[] = {
    { "GetTimeout", get_timeout },
    { "SetTimeout", set_timeout },
    { "UpdateStatistics", update_statistics },
    { NULL, NULL },
};
