/* Watchdogs as instances, and the methods of operators and agents (wsman.md 4.21). */
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/users.h"
#include "simulator/firmware/watchdogs_internal.h"

#define NAME_BYTES    64u
#define POLICY_CLASS  "AMT_AgentPresenceWatchdog"
#define STARTUP_MAX_S UINT16_MAX
#define TIMEOUT_MIN_S 1u
#define TIMEOUT_MAX_S UINT16_MAX /* what RegisterAgent can answer */

/* Events of the agent presence application in the audit log. */
enum agent_event { AGENT_ADDED = 0, AGENT_REMOVED = 1, AGENT_ACTION_SET = 2 };

static bool may_manage(const struct firmware_call *call)
{
    return users_may(call->user, REALM_AGENT_PRESENCE_REMOTE);
}

/* Agents run on the host. */
static bool is_agent(const struct firmware_call *call)
{
    return call->door == FIRMWARE_LOCAL &&
           (call->user->is_admin || (call->user->realms & (REALM_BIT(REALM_AGENT_PRESENCE_LOCAL) |
                                                           REALM_BIT(REALM_ADMINISTRATION))) != 0);
}

static bool read_guid(const struct wsman_instance *instance,
                      uint8_t guid[static WATCHDOG_GUID_BYTES])
{
    size_t len = 0;
    const uint8_t *bytes = wsman_get_base64(instance, "DeviceID", &len);
    if (bytes == NULL || len != WATCHDOG_GUID_BYTES) {
        return false;
    }
    memcpy(guid, bytes, WATCHDOG_GUID_BYTES);
    return true;
}

static struct watchdog *watchdog_of(const struct firmware_call *call,
                                    const struct wsman_instance *instance)
{
    uint8_t guid[WATCHDOG_GUID_BYTES];
    return read_guid(instance, guid) ? watchdogs_find(call->firmware, guid) : NULL;
}

static struct wsman_instance *watchdog_instance(struct firmware_call *call,
                                                const struct watchdog *watchdog)
{
    struct wsman_instance *instance = firmware_instance_new(call, "AMT_AgentPresenceWatchdog");
    wsman_set_u64(instance, "CurrentState", watchdog->state);
    wsman_set_base64(instance, "DeviceID", watchdog->guid, sizeof watchdog->guid);
    wsman_set(instance, "MonitoredEntityDescription", watchdog->description);
    wsman_set_u64(instance, "StartupInterval", watchdog->startup_s);
    wsman_set_u64(instance, "TimeoutInterval", watchdog->timeout_s);
    return instance;
}

struct wsman_instance *watchdogs_list(struct firmware_call *call)
{
    const struct watchdogs *watchdogs = call->firmware->watchdogs;
    struct wsman_instance *first = NULL, **end = &first;
    for (uint32_t i = 0; i < watchdogs->count; i++) {
        *end = watchdog_instance(call, watchdogs->items[i]);
        if (*end == NULL) {
            break;
        }
        end = &(*end)->next;
    }
    return first;
}

struct wsman_instance *watchdogs_list_capabilities(struct firmware_call *call)
{
    struct wsman_instance *instance = firmware_instance_new(call, "AMT_AgentPresenceCapabilities");
    wsman_set(instance, "InstanceID", "Intel(r) AMT Agent Presence Capabilities");
    wsman_set_u64(instance, "MaxEacAgents", 0);
    wsman_set_u64(instance, "MaxTotalActions", WATCHDOGS_MAX * WATCHDOG_ACTIONS_MAX);
    wsman_set_u64(instance, "MaxTotalAgents", WATCHDOGS_MAX);
    wsman_set_u64(instance, "MinGuaranteedActionListSize", WATCHDOG_ACTIONS_MAX);
    return instance;
}

/* One action is shown as a policy rule: what happens, and at which transition. */
typedef void show_fn(struct wsman_instance *instance, const struct watchdog_action *action,
                     const char *name);

static void show_action(struct wsman_instance *instance, const struct watchdog_action *action,
                        const char *name)
{
    wsman_set(instance, "PolicyActionName", name);
    wsman_set_bool(instance, "EventOnTransition", action->tells);
    if (action->has_policy) {
        wsman_set_u64(instance, "ActionSd", action->policy);
    }
}

static void show_condition(struct wsman_instance *instance, const struct watchdog_action *action,
                           const char *name)
{
    wsman_set(instance, "PolicyConditionName", name);
    wsman_set_u64(instance, "OldState", action->old_states);
    wsman_set_u64(instance, "NewState", action->new_states);
}

static struct wsman_instance *rule_instance(struct firmware_call *call, const char *class_name,
                                            const struct watchdog *watchdog)
{
    struct wsman_instance *instance = firmware_instance_new(call, class_name);
    wsman_set(instance, "PolicyRuleCreationClassName", POLICY_CLASS);
    wsman_set_base64(instance, "PolicyRuleName", watchdog->guid, sizeof watchdog->guid);
    return instance;
}

static struct wsman_instance *list_rules(struct firmware_call *call, const char *class_name,
                                         show_fn *show)
{
    const struct watchdogs *watchdogs = call->firmware->watchdogs;
    struct wsman_instance *first = NULL, **end = &first;
    for (uint32_t i = 0; i < watchdogs->count; i++) {
        const struct watchdog *watchdog = watchdogs->items[i];
        for (uint32_t at = 0; at < watchdog->action_count; at++) {
            char name[NAME_BYTES];
            (void)snprintf(name, sizeof name, "%u", at);
            struct wsman_instance *instance = rule_instance(call, class_name, watchdog);
            if (instance == NULL) {
                return first;
            }
            show(instance, &watchdog->actions[at], name);
            *end = instance;
            end = &instance->next;
        }
    }
    return first;
}

struct wsman_instance *watchdogs_list_actions(struct firmware_call *call)
{
    return list_rules(call, "AMT_AgentPresenceWatchdogAction", show_action);
}

struct wsman_instance *watchdogs_list_conditions(struct firmware_call *call)
{
    return list_rules(call, "AMT_StateTransitionCondition", show_condition);
}

/* Intervals and description; false for values that cannot be. */
static bool take_values(const struct wsman_instance *instance, struct watchdog *watchdog)
{
    const char *description = wsman_get(instance, "MonitoredEntityDescription");
    uint64_t startup_s = wsman_get_u64(instance, "StartupInterval", UINT64_MAX);
    uint64_t timeout_s = wsman_get_u64(instance, "TimeoutInterval", 0);
    if (startup_s > STARTUP_MAX_S || timeout_s < TIMEOUT_MIN_S || timeout_s > TIMEOUT_MAX_S ||
        (description != NULL && strlen(description) > WATCHDOG_DESCRIPTION_MAX)) {
        return false;
    }
    watchdog->startup_s = (uint32_t)startup_s;
    watchdog->timeout_s = (uint32_t)timeout_s;
    if (description != NULL) {
        memcpy(watchdog->description, description, strlen(description) + 1);
    }
    return true;
}

const struct wsman_ref *watchdogs_create(struct firmware_call *call,
                                         const struct wsman_instance *instance)
{
    struct watchdog values = { 0 };
    if (!may_manage(call)) {
        firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return NULL;
    }
    if (!read_guid(instance, values.guid) || !take_values(instance, &values)) {
        firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return NULL;
    }
    if (watchdogs_find(call->firmware, values.guid) != NULL) {
        firmware_fault(call, WSMAN_ALREADY_EXISTS, NULL);
        return NULL;
    }
    struct watchdog *watchdog = watchdogs_new(call->firmware);
    if (watchdog == NULL) {
        firmware_fault(call, WSMAN_QUOTA_LIMIT, NULL);
        return NULL;
    }
    memcpy(watchdog->guid, values.guid, sizeof watchdog->guid);
    (void)take_values(instance, watchdog);
    watchdog_start(watchdog);
    audit_log_add(call->firmware, call, AUDIT_AGENT_PRESENCE, AGENT_ADDED, watchdog->guid,
                  sizeof watchdog->guid);
    firmware_changed(call->firmware);
    return firmware_ref_to(call, watchdog_instance(call, watchdog));
}

void watchdogs_put(struct firmware_call *call, const struct wsman_instance *old,
                   const struct wsman_instance *changed)
{
    struct watchdog *watchdog = watchdog_of(call, old);
    if (watchdog == NULL || !may_manage(call)) {
        firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return;
    }
    if (!take_values(changed, watchdog)) {
        firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    firmware_changed(call->firmware);
}

void watchdogs_delete(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct watchdog *watchdog = watchdog_of(call, instance);
    if (watchdog == NULL || !may_manage(call)) {
        firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return;
    }
    audit_log_add(call->firmware, call, AUDIT_AGENT_PRESENCE, AGENT_REMOVED, watchdog->guid,
                  sizeof watchdog->guid);
    watchdogs_remove(call->firmware, watchdog);
}

static void run(struct watchdog *watchdog)
{
    watchdog_enter(watchdog, WATCHDOG_RUNNING);
    timer_start(&watchdog->timer, watchdog->timeout_s * (uint64_t)US_PER_SECOND);
}

/* A new session; an agent that crashed may come back at any time. */
static uint32_t register_agent(struct firmware_call *call, const struct wsman_instance *target,
                               const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)in;
    struct watchdog *watchdog = watchdog_of(call, target);
    if (!is_agent(call)) {
        return PT_NOT_PERMITTED;
    }
    if (watchdog == NULL) {
        return PT_NOT_FOUND;
    }
    loop_random(call->firmware->loop, &watchdog->sequence, sizeof watchdog->sequence);
    wsman_set_u64(out, "SessionSequenceNumber", watchdog->sequence);
    wsman_set_u64(out, "TimeoutInterval", watchdog->timeout_s);
    watchdog->sequence++;
    run(watchdog);
    return PT_SUCCESS;
}

/* The number of a live session that is due; others are of agents that the device does not know. */
static uint32_t check_sequence(struct firmware_call *call, const struct watchdog *watchdog,
                               const struct wsman_instance *in)
{
    if (!is_agent(call)) {
        return PT_NOT_PERMITTED;
    }
    if (watchdog == NULL) {
        return PT_NOT_FOUND;
    }
    bool is_live = watchdog->state == WATCHDOG_RUNNING || watchdog->state == WATCHDOG_SUSPENDED;
    return is_live && wsman_get_u64(in, "SequenceNumber", UINT64_MAX) == watchdog->sequence
               ? PT_SUCCESS
               : PT_INVALID_PARAMETER;
}

static uint32_t assert_presence(struct firmware_call *call, const struct wsman_instance *target,
                                const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)out;
    struct watchdog *watchdog = watchdog_of(call, target);
    uint32_t status = check_sequence(call, watchdog, in);
    if (status == PT_SUCCESS) {
        watchdog->sequence++;
        run(watchdog);
    }
    return status;
}

static uint32_t assert_shutdown(struct firmware_call *call, const struct wsman_instance *target,
                                const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)out;
    struct watchdog *watchdog = watchdog_of(call, target);
    uint32_t status = check_sequence(call, watchdog, in);
    if (status == PT_SUCCESS) {
        timer_stop(&watchdog->timer);
        watchdog_enter(watchdog, WATCHDOG_STOPPED);
    }
    return status;
}

static bool is_states(uint64_t mask)
{
    return mask != 0 && mask <= WATCHDOG_STATES;
}

static uint32_t add_action(struct firmware_call *call, const struct wsman_instance *target,
                           const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)out;
    struct watchdog *watchdog = watchdog_of(call, target);
    uint64_t old_states = wsman_get_u64(in, "OldState", 0);
    uint64_t new_states = wsman_get_u64(in, "NewState", 0);
    uint64_t policy = wsman_get_u64(in, "ActionSd", 0);
    if (!may_manage(call)) {
        return PT_NOT_PERMITTED;
    }
    if (watchdog == NULL) {
        return PT_NOT_FOUND;
    }
    if (!is_states(old_states) || !is_states(new_states) || policy > 1) {
        return PT_INVALID_PARAMETER;
    }
    if (watchdog->action_count == WATCHDOG_ACTIONS_MAX) {
        return PT_MAX_LIMIT_REACHED;
    }
    watchdog->actions[watchdog->action_count++] =
        (struct watchdog_action){ .old_states = (uint32_t)old_states,
                                  .new_states = (uint32_t)new_states,
                                  .tells = wsman_get_bool(in, "EventOnTransition", false),
                                  .has_policy = wsman_has(in, "ActionSd"),
                                  .policy = (uint32_t)policy,
                                  .eac = wsman_get_bool(in, "ActionEac", false) };
    audit_log_add(call->firmware, call, AUDIT_AGENT_PRESENCE, AGENT_ACTION_SET, watchdog->guid,
                  sizeof watchdog->guid);
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

static uint32_t delete_actions(struct firmware_call *call, const struct wsman_instance *target,
                               const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)in;
    (void)out;
    struct watchdog *watchdog = watchdog_of(call, target);
    if (!may_manage(call)) {
        return PT_NOT_PERMITTED;
    }
    if (watchdog == NULL) {
        return PT_NOT_FOUND;
    }
    watchdog->action_count = 0;
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

const struct firmware_method k_watchdog_methods[] = {
    { "AddAction", add_action },           { "AssertPresence", assert_presence },
    { "AssertShutdown", assert_shutdown }, { "DeleteAllActions", delete_actions },
    { "RegisterAgent", register_agent },   { NULL, NULL },
};

static uint32_t get_action_eac(struct firmware_call *call, const struct wsman_instance *target,
                               const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)in;
    size_t len = 0;
    uint64_t at = 0;
    const uint8_t *guid = wsman_get_base64(target, "PolicyRuleName", &len);
    const char *name = wsman_get(target, "PolicyActionName");
    const struct watchdog *watchdog =
        guid == NULL || len != WATCHDOG_GUID_BYTES ? NULL : watchdogs_find(call->firmware, guid);
    if (watchdog == NULL || name == NULL || text_parse_u64(name, UINT32_MAX, &at) != AMT_OK ||
        at >= watchdog->action_count) {
        return PT_INVALID_PARAMETER;
    }
    wsman_set_bool(out, "ActionEac", watchdog->actions[at].eac);
    return PT_SUCCESS;
}

const struct firmware_method k_watchdog_action_methods[] = {
    { "GetActionEac", get_action_eac },
    { NULL, NULL },
};
