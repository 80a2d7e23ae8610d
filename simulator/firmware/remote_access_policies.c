/* Policies: one per trigger, each with up to two servers (wsman.md 4.7). */
#include <string.h>

#include "simulator/firmware/legality.h"
#include "simulator/firmware/remote_access_internal.h"

#define RULE_CLASS     "AMT_RemoteAccessPolicyRule"
#define LINK_CLASS     "AMT_RemoteAccessPolicyAppliesToMPS"
#define INTERNAL_SINCE 1160u /* release of InternalMpServer (CILA) */

static const char *const k_rule_names[] = { [REMOTE_ACCESS_USER] = "User Initiated",
                                            [REMOTE_ACCESS_ALERT] = "Alert",
                                            [REMOTE_ACCESS_PERIODIC] = "Periodic",
                                            [REMOTE_ACCESS_HOME] = "Home Provisioning" };

struct remote_access_policy *remote_access_policy(const struct firmware *firmware,
                                                  enum remote_access_trigger trigger)
{
    const struct remote_access *r = firmware->remote_access;
    for (uint32_t i = 0; i < r->policy_count; i++) {
        if (r->policies[i]->trigger == trigger) {
            return r->policies[i];
        }
    }
    return NULL;
}

struct remote_access_policy *remote_access_policy_named(const struct firmware *firmware,
                                                        const char *name)
{
    for (uint32_t i = 0; name != NULL && i < REMOTE_ACCESS_TRIGGER_COUNT_; i++) {
        if (strcmp(k_rule_names[i], name) == 0) {
            return remote_access_policy(firmware, (enum remote_access_trigger)i);
        }
    }
    return NULL;
}

static const struct wsman_ref *rule_ref(struct firmware_call *call,
                                        enum remote_access_trigger trigger)
{
    return wsman_ref_new(call->arena, RULE_CLASS, 4, "CreationClassName", RULE_CLASS,
                         "PolicyRuleName", k_rule_names[trigger], "SystemCreationClassName",
                         "CIM_ComputerSystem", "SystemName", "Intel(r) AMT");
}

struct wsman_instance *remote_access_list_policies(struct firmware_call *call)
{
    const struct remote_access *r = call->firmware->remote_access;
    struct wsman_instance *first = NULL;
    struct wsman_instance **end = &first;
    for (uint32_t i = 0; i < r->policy_count; i++) {
        const struct remote_access_policy *policy = r->policies[i];
        struct wsman_instance *instance = firmware_instance_new(call, RULE_CLASS);
        if (instance == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return NULL;
        }
        wsman_set(instance, "ElementName", "Inte(r) AMT:Remote Access Policy"); /* sic */
        if (policy->data_len > 0) {
            wsman_set_base64(instance, "ExtendedData", policy->data, policy->data_len);
        }
        wsman_set(instance, "PolicyRuleName", k_rule_names[policy->trigger]);
        wsman_set_u64(instance, "Trigger", policy->trigger);
        wsman_set_u64(instance, "TunnelLifeTime", policy->lifetime_s);
        *end = instance;
        end = &instance->next;
    }
    return first;
}

/* In the order in which policies were made, and of servers within each (WSM-081, WSM-082). */
struct wsman_instance *remote_access_list_links(struct firmware_call *call)
{
    const struct remote_access *r = call->firmware->remote_access;
    struct wsman_instance *first = NULL;
    struct wsman_instance **end = &first;
    for (uint32_t i = 0; i < REMOTE_ACCESS_LINKS_MAX * r->policy_count; i++) {
        const struct remote_access_policy *policy = r->policies[i / REMOTE_ACCESS_LINKS_MAX];
        const struct remote_access_link *link = &policy->links[i % REMOTE_ACCESS_LINKS_MAX];
        if (i % REMOTE_ACCESS_LINKS_MAX >= policy->link_count) {
            continue;
        }
        struct wsman_instance *instance = firmware_instance_new(call, LINK_CLASS);
        if (instance == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return NULL;
        }
        wsman_set_ref(instance, "ManagedElement", remote_access_server_ref(call, link->server));
        wsman_set_u64(instance, "MpsType", link->mps_type);
        wsman_set_u64(instance, "OrderOfAccess", link->order);
        wsman_set_ref(instance, "PolicySet", rule_ref(call, policy->trigger));
        *end = instance;
        end = &instance->next;
    }
    return first;
}

uint32_t remote_access_word(const uint8_t *bytes)
{
    return ((uint32_t)bytes[0] << 24) | ((uint32_t)bytes[1] << 16) | ((uint32_t)bytes[2] << 8) |
           bytes[3];
}

/* Periodic: 0 and seconds, or 1, hour and minute; other triggers have nothing to say there. */
bool remote_access_policy_is_valid(enum remote_access_trigger trigger, const uint8_t *data,
                                   size_t len)
{
    if (len > REMOTE_ACCESS_DATA_BYTES) {
        return false;
    }
    if (trigger != REMOTE_ACCESS_PERIODIC) {
        return true;
    }
    if (len == 8) {
        return remote_access_word(data) == 0 && remote_access_word(data + 4) > 0;
    }
    return len == 12 && remote_access_word(data) == 1 && remote_access_word(data + 4) < 24 &&
           remote_access_word(data + 8) < 60;
}

/* Adds the servers that a parameter names, each once. */
static bool add_links(const struct firmware *firmware, struct remote_access_policy *policy,
                      const struct wsman_value *value, enum remote_access_mps_type type,
                      uint32_t most)
{
    for (; value != NULL; value = value->next) {
        int server = remote_access_server_of(firmware, value->ref);
        if (server < 0 || policy->link_count >= most) {
            return false;
        }
        for (uint32_t i = 0; i < policy->link_count; i++) {
            if (policy->links[i].server == (uint32_t)server) {
                return false;
            }
        }
        policy->links[policy->link_count] = (struct remote_access_link){
            .server = (uint32_t)server, .mps_type = (uint32_t)type, .order = policy->link_count
        };
        policy->link_count += 1;
    }
    return true;
}

/* Absent or empty is nothing; false when it is not valid for the trigger. */
static bool read_data(const struct wsman_instance *in, struct remote_access_policy *policy)
{
    const char *text = wsman_get(in, "ExtendedData");
    size_t len = 0;
    const uint8_t *bytes = text == NULL || text[0] == '\0'
                               ? (const uint8_t *)""
                               : wsman_get_base64(in, "ExtendedData", &len);
    if (bytes == NULL || !remote_access_policy_is_valid(policy->trigger, bytes, len)) {
        return false;
    }
    memcpy(policy->data, bytes, len);
    policy->data_len = (uint32_t)len;
    return true;
}

static bool read_policy(const struct firmware *firmware, const struct wsman_instance *in,
                        struct remote_access_policy *policy)
{
    uint64_t trigger = wsman_get_u64(in, "Trigger", REMOTE_ACCESS_TRIGGER_COUNT_);
    uint32_t most = remote_access_limit(firmware, "MaxMpsPerPolicy", REMOTE_ACCESS_LINKS_MAX);
    const struct wsman_value *internal = wsman_get_values(in, "InternalMpServer");
    if (trigger >= REMOTE_ACCESS_TRIGGER_COUNT_ ||
        (internal != NULL && !firmware_is_release(firmware, INTERNAL_SINCE))) {
        return false;
    }
    policy->trigger = (enum remote_access_trigger)trigger;
    policy->lifetime_s = (uint32_t)wsman_get_u64(in, "TunnelLifeTime", 0);
    return read_data(in, policy) &&
           add_links(firmware, policy, wsman_get_values(in, "MpServer"), MPS_EXTERNAL, most) &&
           add_links(firmware, policy, internal, MPS_INTERNAL, most) && policy->link_count > 0;
}

static uint32_t add_policy(struct firmware_call *call, const struct wsman_instance *in,
                           enum remote_access_trigger *trigger)
{
    struct firmware *firmware = call->firmware;
    struct remote_access *r = firmware->remote_access;
    struct remote_access_policy *policy = amt_alloc(sizeof *policy);
    if (policy == NULL) {
        return PT_INTERNAL_ERROR;
    }
    uint32_t status = PT_SUCCESS;
    if (!read_policy(firmware, in, policy)) {
        status = PT_INVALID_PARAMETER;
    } else if (remote_access_policy(firmware, policy->trigger) != NULL) {
        status = PT_DUPLICATE;
    } else if (r->policy_count >=
               remote_access_limit(firmware, "MaxTotalPolicies", REMOTE_ACCESS_POLICIES_MAX)) {
        status = PT_MAX_LIMIT_REACHED;
    }
    if (status != PT_SUCCESS) {
        amt_free(policy);
        return status;
    }
    *trigger = policy->trigger;
    r->policies[r->policy_count++] = policy;
    remote_access_changed(call);
    return PT_SUCCESS;
}

uint32_t remote_access_add_policy(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    enum remote_access_trigger trigger = REMOTE_ACCESS_USER;
    (void)target;
    wsman_set_ref(out, "PolicyRule", wsman_ref_new(call->arena, "", 0)); /* WSM-050 */
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    uint32_t status = add_policy(call, in, &trigger);
    if (status == PT_SUCCESS) {
        wsman_set_ref(out, "PolicyRule", rule_ref(call, trigger));
    }
    return status;
}

void remote_access_put_policy(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed)
{
    struct remote_access_policy *policy =
        remote_access_policy_named(call->firmware, wsman_get(old, "PolicyRuleName"));
    if (!legality_is_provisioned(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    if (policy == NULL) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    struct remote_access_policy fresh = *policy;
    fresh.lifetime_s = (uint32_t)wsman_get_u64(changed, "TunnelLifeTime", policy->lifetime_s);
    if (wsman_get_u64(changed, "Trigger", policy->trigger) != policy->trigger ||
        !read_data(changed, &fresh)) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    *policy = fresh;
    remote_access_changed(call);
}

/* wsman.md 5.3: its associations go with it. */
void remote_access_remove_policy(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct remote_access *r = call->firmware->remote_access;
    const struct remote_access_policy *policy =
        remote_access_policy_named(call->firmware, wsman_get(instance, "PolicyRuleName"));
    uint32_t at = 0;
    while (at < r->policy_count && r->policies[at] != policy) {
        at += 1;
    }
    if (at == r->policy_count) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    amt_free(r->policies[at]);
    r->policy_count -= 1;
    for (; at < r->policy_count; at++) {
        r->policies[at] = r->policies[at + 1];
    }
    r->policies[at] = NULL;
    remote_access_changed(call);
}

static struct remote_access_link *find_link(const struct firmware *firmware,
                                            const struct wsman_instance *instance)
{
    int server = remote_access_server_of(firmware, wsman_get_ref(instance, "ManagedElement"));
    struct remote_access_policy *policy = remote_access_policy_named(
        firmware, wsman_ref_selector(wsman_get_ref(instance, "PolicySet"), "PolicyRuleName"));
    for (uint32_t i = 0; policy != NULL && i < policy->link_count; i++) {
        if ((int)policy->links[i].server == server) {
            return &policy->links[i];
        }
    }
    return NULL;
}

/* WSM-083. The keys are those of `old`: the selectors chose it. */
void remote_access_put_link(struct firmware_call *call, const struct wsman_instance *old,
                            const struct wsman_instance *changed)
{
    struct remote_access_link *link = find_link(call->firmware, old);
    uint64_t type = wsman_get_u64(changed, "MpsType", MPS_EXTERNAL);
    uint64_t order = wsman_get_u64(changed, "OrderOfAccess", 0);
    if (!legality_is_provisioned(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    if (link == NULL) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    if (type > MPS_BOTH || order > UINT16_MAX) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    link->mps_type = (uint32_t)type;
    link->order = (uint32_t)order;
    remote_access_changed(call);
}
