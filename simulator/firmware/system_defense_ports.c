/* Which policy is on which port, and what follows from it. */
#include <string.h>

#include "simulator/firmware/system_defense_internal.h"

bool defense_is_port(struct firmware_call *call, const struct wsman_ref *ref)
{
    if (ref == NULL || (strcmp(ref->class_name, "CIM_EthernetPort") != 0 &&
                        strcmp(ref->class_name, "CIM_WiFiPort") != 0)) {
        return false;
    }
    return firmware_select(firmware_instances(call, ref->class_name), ref->selectors) != NULL;
}

/* The references of a binding: port and policy. */
struct binding {
    const json_t *policy, *port;
    size_t port_at;
};

static const struct wsman_ref *port_ref(struct firmware_call *call, const json_t *port)
{
    struct wsman_instance *instance = firmware_instances(call, defense_text(port, "class"));
    for (; instance != NULL; instance = instance->next) {
        const char *id = wsman_get(instance, "DeviceID");
        if (id != NULL && strcmp(id, defense_text(port, "id")) == 0) {
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
                  firmware_ref_to(call, defense_policy(call, binding->policy)));
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

struct wsman_instance *defense_list_bindings(struct firmware_call *call)
{
    struct wsman_instance *first = NULL, **last = &first;
    struct binding binding = { 0 };
    for (size_t at = 0; next_binding(defense_state(call->firmware), &at, &binding);) {
        *last = binding_instance(call, &binding);
        if (*last == NULL) {
            defense_fail(call, WSMAN_INTERNAL_ERROR, NULL);
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
        if (strcmp(defense_text(port, "class"), class_name) == 0 &&
            strcmp(defense_text(port, "id"), id) == 0) {
            return (int)at;
        }
    }
    return -1;
}

const struct wsman_ref *defense_create_binding(struct firmware_call *call,
                                               const struct wsman_instance *instance)
{
    struct system_defense *state = defense_state(call->firmware);
    const struct wsman_ref *port = wsman_get_ref(instance, "Antecedent");
    const char *id = wsman_ref_selector(port, "DeviceID");
    int found =
        defense_find(state->policies, false,
                     wsman_ref_selector(wsman_get_ref(instance, "Dependent"), "InstanceID"));
    if (!defense_is_legal(call)) {
        return NULL;
    }
    if (found < 0 || id == NULL || !defense_is_port(call, port)) {
        defense_fail(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return NULL;
    }
    const json_t *policy = json_array_get(state->policies, (size_t)found);
    json_t *ports = json_object_get(policy, "ports");
    if (find_port(ports, port->class_name, id) >= 0) {
        defense_fail(call, WSMAN_ALREADY_EXISTS, NULL);
        return NULL;
    }
    json_t *entry = json_pack("{ss ss sb}", "class", port->class_name, "id", id, "enabled",
                              (int)wsman_get_bool(instance, "Enabled", true));
    if (json_array_append_new(ports, entry) != 0) {
        defense_fail(call, WSMAN_INTERNAL_ERROR, NULL);
        return NULL;
    }
    firmware_changed(call->firmware);
    struct binding binding = { .policy = policy, .port = entry };
    return firmware_ref_to(call, binding_instance(call, &binding));
}

void defense_remove_binding(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct system_defense *state = defense_state(call->firmware);
    const struct wsman_ref *port = wsman_get_ref(instance, "Antecedent");
    const char *id = wsman_ref_selector(port, "DeviceID");
    int found =
        defense_find(state->policies, false,
                     wsman_ref_selector(wsman_get_ref(instance, "Dependent"), "InstanceID"));
    if (!defense_is_legal(call) || found < 0 || id == NULL) {
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
    json_array_foreach(defense_state(call->firmware)->filters, at, filter)
    {
        if (defense_policy_has_filter(policy, defense_handle(filter))) {
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
        defense_fail(call, WSMAN_INTERNAL_ERROR, NULL);
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
    wsman_set_ref(instance, "Antecedent", firmware_ref_to(call, defense_filter(call, filter)));
    wsman_set_ref(instance, "Dependent", port_ref(call, tail->port));
    wsman_set_bool(instance, "FilterMatched", false);
    wsman_set_u64(instance, "ReadCount", 0);
    wsman_set_time(instance, "LastResetTime", defense_state(call->firmware)->reset_s);
    append_to(call, tail, instance);
}

/* The simulated network carries no traffic that a filter could match. */
struct wsman_instance *defense_list_statistics(struct firmware_call *call)
{
    struct tail tail = { .last = &tail.first };
    struct binding binding = { 0 };
    for (size_t at = 0; next_binding(defense_state(call->firmware), &at, &binding);) {
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
    wsman_set_ref(instance, "Antecedent", firmware_ref_to(call, defense_policy(call, policy)));
    wsman_set_ref(instance, "Dependent", firmware_ref_to(call, defense_filter(call, filter)));
    append_to(call, tail, instance);
}

struct wsman_instance *defense_list_filters_in_policies(struct firmware_call *call)
{
    struct tail tail = { .last = &tail.first };
    size_t at;
    json_t *policy;
    json_array_foreach(defense_state(call->firmware)->policies, at, policy)
    {
        each_filter(call, policy, add_filter_in_policy, &tail);
    }
    return tail.first;
}
