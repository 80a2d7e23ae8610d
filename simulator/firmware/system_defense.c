#include "simulator/firmware/system_defense.h"

#include <stdio.h>
#include <string.h>

#include "simulator/firmware/instance_state.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/provisioning.h"

#define FILTERS_MAX     32u
#define POLICIES_MAX    32u
#define POLICY_NAME_MAX 16u

/* What was made, as texts: each entry has its number `handle`, from which its InstanceID is made. */
struct system_defense {
    json_t *filters;  /* [{class, handle, settings}] */
    json_t *policies; /* [{handle, settings, timeout, ports: [{class, id, enabled}]}] */
    uint32_t next_handle;
    uint64_t reset_s; /* when the statistics were last reset */
};

static struct system_defense *state_of(const struct firmware *firmware)
{
    return firmware->system_defense;
}

/* System defense is for Admin Control Mode alone (wsman.md 5.2). */
static bool is_legal(struct firmware_call *call)
{
    if (provisioning_mode(call->firmware) == FIRMWARE_ADMIN_CONTROL) {
        return true;
    }
    (void)legality_deny(call, true);
    return false;
}

static uint32_t handle_of(const json_t *entry)
{
    return (uint32_t)json_integer_value(json_object_get(entry, "handle"));
}

static const char *text_of(const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));
    return text == NULL ? "" : text;
}

/* "... Filter 3", "... Policy 3". */
static void format_id(const json_t *entry, bool is_filter, char id[static 64])
{
    (void)snprintf(id, 64, "Intel(r) AMT System Defense %s %u", is_filter ? "Filter" : "Policy",
                   (unsigned)handle_of(entry));
}

/* Index of the entry with that InstanceID; -1. */
static int find(const json_t *entries, bool is_filter, const char *instance_id)
{
    size_t at;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)entries, at, entry)
    {
        char id[64];
        format_id(entry, is_filter, id);
        if (instance_id != NULL && strcmp(id, instance_id) == 0) {
            return (int)at;
        }
    }
    return -1;
}

static void fail(struct firmware_call *call, enum wsman_fault fault, const char *detail)
{
    (void)firmware_fault(call, fault, detail);
}

/* --- filters --- */

static struct wsman_instance *filter_instance(struct firmware_call *call, const json_t *entry)
{
    const char *name = class_find(text_of(entry, "class"))->name;
    struct wsman_instance *instance = firmware_instance_new(call, name);
    char id[64];
    format_id(entry, true, id);
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
    json_array_foreach(state_of(call->firmware)->filters, at, entry)
    {
        if (strcmp(text_of(entry, "class"), class_name) != 0) {
            continue;
        }
        *last = filter_instance(call, entry);
        if (*last == NULL) {
            fail(call, WSMAN_INTERNAL_ERROR, NULL);
            return first;
        }
        last = &(*last)->next;
    }
    return first;
}

static struct wsman_instance *list_hdr8021(struct firmware_call *call)
{
    return list_filters(call, "AMT_Hdr8021Filter");
}

static struct wsman_instance *list_ip(struct firmware_call *call)
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
    struct system_defense *state = state_of(call->firmware);
    if (json_array_append_new(entries, entry) != 0) {
        fail(call, WSMAN_INTERNAL_ERROR, NULL);
        return NULL;
    }
    state->next_handle += 1;
    firmware_changed(call->firmware);
    return firmware_ref_to(call, show(call, entry));
}

static const struct wsman_ref *create_filter(struct firmware_call *call,
                                             const struct wsman_instance *instance)
{
    struct system_defense *state = state_of(call->firmware);
    if (!is_legal(call)) {
        return NULL;
    }
    if (!filter_fits(instance)) {
        fail(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return NULL;
    }
    if (json_array_size(state->filters) >= FILTERS_MAX) {
        fail(call, WSMAN_QUOTA_LIMIT, NULL);
        return NULL;
    }
    json_t *entry =
        json_pack("{ss sI so}", "class", instance->class_name, "handle",
                  (json_int_t)state->next_handle, "settings", instance_state_save(instance));
    return append(call, state->filters, entry, filter_instance);
}

/* Whether the policy lists the filter among its FilterCreationHandles. */
static bool policy_has_filter(const json_t *policy, uint32_t handle)
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

static void remove_filter(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct system_defense *state = state_of(call->firmware);
    int found = find(state->filters, true, wsman_get(instance, "InstanceID"));
    if (!is_legal(call)) {
        return;
    }
    size_t at;
    json_t *policy;
    json_array_foreach(state->policies, at, policy)
    {
        if (found >= 0 &&
            policy_has_filter(policy, handle_of(json_array_get(state->filters, (size_t)found)))) {
            fail(call, WSMAN_ACCESS_DENIED, NULL); /* in use */
            return;
        }
    }
    if (found >= 0 && json_array_remove(state->filters, (size_t)found) == 0) {
        firmware_changed(call->firmware);
    }
}

/* --- policies --- */

static struct wsman_instance *policy_instance(struct firmware_call *call, const json_t *entry)
{
    struct wsman_instance *instance = wsman_instance_new(call->arena, "AMT_SystemDefensePolicy");
    char id[64];
    format_id(entry, false, id);
    instance_state_load(json_object_get(entry, "settings"), instance);
    wsman_set(instance, "InstanceID", id);
    return instance;
}

static struct wsman_instance *list_policies(struct firmware_call *call)
{
    struct wsman_instance *first = NULL, **last = &first;
    size_t at;
    json_t *entry;
    json_array_foreach(state_of(call->firmware)->policies, at, entry)
    {
        *last = policy_instance(call, entry);
        if (*last == NULL) {
            fail(call, WSMAN_INTERNAL_ERROR, NULL);
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
            is_known = is_known || handle_of(filter) == handle;
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
        if (strcmp(text_of(json_object_get(policy, "settings"), "PolicyName"), name) == 0) {
            return true;
        }
    }
    return false;
}

static const struct wsman_ref *create_policy(struct firmware_call *call,
                                             const struct wsman_instance *instance)
{
    struct system_defense *state = state_of(call->firmware);
    if (!is_legal(call)) {
        return NULL;
    }
    if (!policy_fits(state, instance)) {
        fail(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return NULL;
    }
    if (name_is_taken(state, wsman_get(instance, "PolicyName"))) {
        fail(call, WSMAN_ALREADY_EXISTS, NULL);
        return NULL;
    }
    if (json_array_size(state->policies) >= POLICIES_MAX) {
        fail(call, WSMAN_QUOTA_LIMIT, NULL);
        return NULL;
    }
    json_t *entry = json_pack("{sI so si so}", "handle", (json_int_t)state->next_handle, "settings",
                              instance_state_save(instance), "timeout", 0, "ports", json_array());
    return append(call, state->policies, entry, policy_instance);
}

static void put_policy(struct firmware_call *call, const struct wsman_instance *old,
                       const struct wsman_instance *changed)
{
    struct system_defense *state = state_of(call->firmware);
    int found = find(state->policies, false, wsman_get(old, "InstanceID"));
    if (!is_legal(call)) {
        return;
    }
    if (!policy_fits(state, changed)) {
        fail(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    json_t *entry = found < 0 ? NULL : json_array_get(state->policies, (size_t)found);
    if (json_object_set_new(entry, "settings", instance_state_save(changed)) != 0) {
        fail(call, WSMAN_INTERNAL_ERROR, NULL);
        return;
    }
    firmware_changed(call->firmware);
}

static void remove_policy(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct system_defense *state = state_of(call->firmware);
    int found = find(state->policies, false, wsman_get(instance, "InstanceID"));
    if (!is_legal(call) || found < 0) {
        return;
    }
    json_t *entry = json_array_get(state->policies, (size_t)found);
    if (json_array_size(json_object_get(entry, "ports")) > 0) {
        fail(call, WSMAN_ACCESS_DENIED, NULL); /* a port uses it */
    } else if (json_array_remove(state->policies, (size_t)found) == 0) {
        firmware_changed(call->firmware);
    }
}

static json_t *policy_of(struct firmware_call *call, const struct wsman_instance *target)
{
    struct system_defense *state = state_of(call->firmware);
    int found = find(state->policies, false, wsman_get(target, "InstanceID"));
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

/* Whether the reference is to a port of this machine. */
static bool is_port(struct firmware_call *call, const struct wsman_ref *ref)
{
    if (ref == NULL || (strcmp(ref->class_name, "CIM_EthernetPort") != 0 &&
                        strcmp(ref->class_name, "CIM_WiFiPort") != 0)) {
        return false;
    }
    return firmware_select(firmware_instances(call, ref->class_name), ref->selectors) != NULL;
}

static uint32_t update_statistics(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (!is_port(call, wsman_get_ref(in, "NetworkInterface"))) {
        return PT_INVALID_PARAMETER;
    }
    if (wsman_get_bool(in, "ResetOnRead", false)) {
        state_of(call->firmware)->reset_s = firmware_time_s(call->firmware);
        firmware_changed(call->firmware);
    }
    return PT_SUCCESS;
}

static const struct firmware_method k_policy_methods[] = {
    { "GetTimeout", get_timeout },
    { "SetTimeout", set_timeout },
    { "UpdateStatistics", update_statistics },
    { NULL, NULL },
};

/* --- policies on ports --- */

/* The references of a binding: port and policy. */
struct binding {
    const json_t *policy, *port;
    size_t port_at;
};

static const struct wsman_ref *port_ref(struct firmware_call *call, const json_t *port)
{
    struct wsman_instance *instance = firmware_instances(call, text_of(port, "class"));
    for (; instance != NULL; instance = instance->next) {
        const char *id = wsman_get(instance, "DeviceID");
        if (id != NULL && strcmp(id, text_of(port, "id")) == 0) {
            return firmware_ref_to(call, instance);
        }
    }
    return NULL;
}

static struct wsman_instance *binding_instance(struct firmware_call *call,
                                               const struct binding *binding)
{
    struct wsman_instance *instance =
        wsman_instance_new(call->arena, "AMT_NetworkPortSystemDefensePolicy");
    wsman_set_ref(instance, "Antecedent", port_ref(call, binding->port));
    wsman_set_ref(instance, "Dependent",
                  firmware_ref_to(call, policy_instance(call, binding->policy)));
    wsman_set_bool(instance, "Enabled", json_is_true(json_object_get(binding->port, "enabled")));
    return instance;
}

/* The binding after *binding, or the first for a zeroed one; false after the last. */
static bool next_binding(const struct system_defense *state, size_t *policy_at,
                         struct binding *binding)
{
    for (; *policy_at < json_array_size(state->policies); *policy_at += 1, binding->port_at = 0) {
        binding->policy = json_array_get(state->policies, *policy_at);
        binding->port = json_array_get(json_object_get(binding->policy, "ports"), binding->port_at);
        if (binding->port != NULL) {
            binding->port_at += 1;
            return true;
        }
    }
    return false;
}

static struct wsman_instance *list_bindings(struct firmware_call *call)
{
    struct wsman_instance *first = NULL, **last = &first;
    struct binding binding = { 0 };
    for (size_t at = 0; next_binding(state_of(call->firmware), &at, &binding);) {
        *last = binding_instance(call, &binding);
        if (*last == NULL) {
            fail(call, WSMAN_INTERNAL_ERROR, NULL);
            return first;
        }
        last = &(*last)->next;
    }
    return first;
}

static int find_port(const json_t *ports, const char *class_name, const char *id)
{
    size_t at;
    json_t *port;
    json_array_foreach((json_t *)(uintptr_t)ports, at, port)
    {
        if (strcmp(text_of(port, "class"), class_name) == 0 &&
            strcmp(text_of(port, "id"), id) == 0) {
            return (int)at;
        }
    }
    return -1;
}

static const struct wsman_ref *create_binding(struct firmware_call *call,
                                              const struct wsman_instance *instance)
{
    struct system_defense *state = state_of(call->firmware);
    const struct wsman_ref *port = wsman_get_ref(instance, "Antecedent");
    const char *id = wsman_ref_selector(port, "DeviceID");
    int found = find(state->policies, false,
                     wsman_ref_selector(wsman_get_ref(instance, "Dependent"), "InstanceID"));
    if (!is_legal(call)) {
        return NULL;
    }
    if (found < 0 || id == NULL || !is_port(call, port)) {
        fail(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return NULL;
    }
    const json_t *policy = json_array_get(state->policies, (size_t)found);
    json_t *ports = json_object_get(policy, "ports");
    if (find_port(ports, port->class_name, id) >= 0) {
        fail(call, WSMAN_ALREADY_EXISTS, NULL);
        return NULL;
    }
    json_t *entry = json_pack("{ss ss sb}", "class", port->class_name, "id", id, "enabled",
                              (int)wsman_get_bool(instance, "Enabled", true));
    if (json_array_append_new(ports, entry) != 0) {
        fail(call, WSMAN_INTERNAL_ERROR, NULL);
        return NULL;
    }
    firmware_changed(call->firmware);
    struct binding binding = { .policy = policy, .port = entry };
    return firmware_ref_to(call, binding_instance(call, &binding));
}

static void remove_binding(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct system_defense *state = state_of(call->firmware);
    const struct wsman_ref *port = wsman_get_ref(instance, "Antecedent");
    const char *id = wsman_ref_selector(port, "DeviceID");
    int found = find(state->policies, false,
                     wsman_ref_selector(wsman_get_ref(instance, "Dependent"), "InstanceID"));
    if (!is_legal(call) || found < 0 || id == NULL) {
        return;
    }
    json_t *ports = json_object_get(json_array_get(state->policies, (size_t)found), "ports");
    int at = find_port(ports, port->class_name, id);
    if (at >= 0 && json_array_remove(ports, (size_t)at) == 0) {
        firmware_changed(call->firmware);
    }
}

/* --- what follows from these --- */

/* Calls visit for every filter of a policy. */
static void each_filter(struct firmware_call *call, const json_t *policy,
                        void (*visit)(struct firmware_call *call, const json_t *policy,
                                      const json_t *filter, void *ctx),
                        void *ctx)
{
    size_t at;
    json_t *filter;
    json_array_foreach(state_of(call->firmware)->filters, at, filter)
    {
        if (policy_has_filter(policy, handle_of(filter))) {
            visit(call, policy, filter, ctx);
        }
    }
}

struct tail {
    struct wsman_instance *first, **last;
    const json_t *port;
};

static void append_to(struct firmware_call *call, struct tail *tail,
                      struct wsman_instance *instance)
{
    if (instance == NULL) {
        fail(call, WSMAN_INTERNAL_ERROR, NULL);
        return;
    }
    *tail->last = instance;
    tail->last = &instance->next;
}

static void add_statistics(struct firmware_call *call, const json_t *policy, const json_t *filter,
                           void *ctx)
{
    (void)policy;
    struct tail *tail = ctx;
    struct wsman_instance *instance = wsman_instance_new(call->arena, "AMT_ActiveFilterStatistics");
    wsman_set_ref(instance, "Antecedent", firmware_ref_to(call, filter_instance(call, filter)));
    wsman_set_ref(instance, "Dependent", port_ref(call, tail->port));
    wsman_set_bool(instance, "FilterMatched", false);
    wsman_set_u64(instance, "ReadCount", 0);
    wsman_set_time(instance, "LastResetTime", state_of(call->firmware)->reset_s);
    append_to(call, tail, instance);
}

/* The simulated network carries no traffic that a filter could match. */
static struct wsman_instance *list_statistics(struct firmware_call *call)
{
    struct tail tail = { .last = &tail.first };
    struct binding binding = { 0 };
    for (size_t at = 0; next_binding(state_of(call->firmware), &at, &binding);) {
        tail.port = binding.port;
        each_filter(call, binding.policy, add_statistics, &tail);
    }
    return tail.first;
}

static void add_filter_in_policy(struct firmware_call *call, const json_t *policy,
                                 const json_t *filter, void *ctx)
{
    struct tail *tail = ctx;
    struct wsman_instance *instance =
        wsman_instance_new(call->arena, "AMT_FilterInSystemDefensePolicy");
    wsman_set_ref(instance, "Antecedent", firmware_ref_to(call, policy_instance(call, policy)));
    wsman_set_ref(instance, "Dependent", firmware_ref_to(call, filter_instance(call, filter)));
    append_to(call, tail, instance);
}

static struct wsman_instance *list_filters_in_policies(struct firmware_call *call)
{
    struct tail tail = { .last = &tail.first };
    size_t at;
    json_t *policy;
    json_array_foreach(state_of(call->firmware)->policies, at, policy)
    {
        each_filter(call, policy, add_filter_in_policy, &tail);
    }
    return tail.first;
}

/* --- the part --- */

static void defense_fini(struct firmware *firmware)
{
    struct system_defense *state = state_of(firmware);
    if (state != NULL) {
        json_decref(state->filters);
        json_decref(state->policies);
    }
    amt_free(state);
    firmware->system_defense = NULL;
}

static enum amt_err defense_init(struct firmware *firmware)
{
    struct system_defense *state = amt_alloc(sizeof *state);
    firmware->system_defense = state;
    if (state == NULL) {
        return AMT_ENOMEM;
    }
    state->filters = json_array();
    state->policies = json_array();
    state->next_handle = 1;
    return state->filters == NULL || state->policies == NULL ? AMT_ENOMEM : AMT_OK;
}

static void defense_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    struct system_defense *state = state_of(firmware);
    (void)json_array_clear(state->filters);
    (void)json_array_clear(state->policies);
    state->next_handle = 1;
    state->reset_s = 0;
}

static json_t *defense_save(struct firmware *firmware)
{
    const struct system_defense *state = state_of(firmware);
    return json_pack("{so so sI sI}", "filters", json_deep_copy(state->filters), "policies",
                     json_deep_copy(state->policies), "next_handle", (json_int_t)state->next_handle,
                     "reset_s", (json_int_t)state->reset_s);
}

static bool entries_fit(const json_t *entries, bool are_filters)
{
    size_t at;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)entries, at, entry)
    {
        const struct class_description *class = class_find(text_of(entry, "class"));
        if (!json_is_integer(json_object_get(entry, "handle")) ||
            !json_is_object(json_object_get(entry, "settings")) ||
            (are_filters ? class == NULL : !json_is_array(json_object_get(entry, "ports")))) {
            return false;
        }
    }
    return json_is_array(entries);
}

static enum amt_err defense_load(struct firmware *firmware, const json_t *from,
                                 struct amt_diag *diag)
{
    struct system_defense *state = state_of(firmware);
    json_t *filters, *policies;
    json_int_t next_handle, reset_s;
    if (json_unpack((json_t *)(uintptr_t)from, "{so so sI sI}", "filters", &filters, "policies",
                    &policies, "next_handle", &next_handle, "reset_s", &reset_s) != 0 ||
        !entries_fit(filters, true) || !entries_fit(policies, false) || next_handle < 1 ||
        next_handle > UINT32_MAX || reset_s < 0) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "the system defense settings in the state are damaged");
    }
    json_decref(state->filters);
    json_decref(state->policies);
    state->filters = json_deep_copy(filters);
    state->policies = json_deep_copy(policies);
    state->next_handle = (uint32_t)next_handle;
    state->reset_s = (uint64_t)reset_s;
    return state->filters == NULL || state->policies == NULL ? AMT_ENOMEM : AMT_OK;
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_Hdr8021Filter",
      .list = list_hdr8021,
      .create = create_filter,
      .remove = remove_filter },
    { .class_name = "AMT_IPHeadersFilter",
      .list = list_ip,
      .create = create_filter,
      .remove = remove_filter },
    { .class_name = "AMT_SystemDefensePolicy",
      .list = list_policies,
      .put = put_policy,
      .create = create_policy,
      .remove = remove_policy,
      .methods = k_policy_methods },
    { .class_name = "AMT_NetworkPortSystemDefensePolicy",
      .list = list_bindings,
      .create = create_binding,
      .remove = remove_binding },
    { .class_name = "AMT_ActiveFilterStatistics", .list = list_statistics },
    { .class_name = "AMT_FilterInSystemDefensePolicy", .list = list_filters_in_policies },
    { .class_name = NULL },
};

const struct firmware_part k_system_defense_part = {
    .name = "system_defense",
    .init = defense_init,
    .fini = defense_fini,
    .unprovision = defense_unprovision,
    .save = defense_save,
    .load = defense_load,
    .behaviours = k_behaviours,
};
