/* Environment detection: the domains that are inside (wsman.md 4.7; apf.md 13.4). */
#include <arpa/inet.h>
#include <string.h>

#include "simulator/firmware/legality.h"
#include "simulator/firmware/remote_access_internal.h"

void remote_access_texts_clear(struct remote_access_texts *texts)
{
    for (uint32_t i = 0; i < texts->count; i++) {
        amt_free(texts->items[i]);
        texts->items[i] = NULL;
    }
    texts->count = 0;
}

enum amt_err remote_access_texts_add(struct remote_access_texts *texts, const char *text)
{
    if (texts->count == REMOTE_ACCESS_DOMAINS_MAX) {
        return AMT_ELIMIT;
    }
    texts->items[texts->count] = amt_strdup(text);
    if (texts->items[texts->count] == NULL) {
        return AMT_ENOMEM;
    }
    texts->count += 1;
    return AMT_OK;
}

void remote_access_fill_environment(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct remote_access *r = call->firmware->remote_access;
    wsman_unset(instance, "DetectionStrings");
    wsman_unset(instance, "DetectionIPv6LocalPrefixes");
    for (uint32_t i = 0; i < r->domains.count; i++) {
        wsman_add(instance, "DetectionStrings", r->domains.items[i]);
    }
    for (uint32_t i = 0; i < r->prefixes.count; i++) {
        wsman_add(instance, "DetectionIPv6LocalPrefixes", r->prefixes.items[i]);
    }
}

static bool is_domain(const char *text)
{
    return strlen(text) <= REMOTE_ACCESS_DOMAIN_BYTES &&
           remote_access_host_is_valid(text, REMOTE_ACCESS_NAME);
}

/* "2001:db8::/32", or without a length. */
static bool is_prefix(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (len >= sizeof address) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, bytes) == 1;
}

/* An array that a Put does not carry is empty, not unchanged (WSM-085). */
static const struct wsman_value *values_of(const struct firmware_call *call,
                                           const struct wsman_instance *changed, const char *name)
{
    bool is_put = call->request == NULL || xml_child(call->request->body, NULL, name) != NULL;
    return is_put ? wsman_get_values(changed, name) : NULL;
}

static enum amt_err read_texts(const struct wsman_value *value, bool (*is_valid)(const char *text),
                               struct remote_access_texts *texts)
{
    for (; value != NULL; value = value->next) {
        if (!is_valid(value->text)) {
            return AMT_EMALFORMED;
        }
        TRY(remote_access_texts_add(texts, value->text));
    }
    return AMT_OK;
}

void remote_access_put_environment(struct firmware_call *call, const struct wsman_instance *old,
                                   const struct wsman_instance *changed)
{
    struct remote_access *r = call->firmware->remote_access;
    struct remote_access_texts domains = { .count = 0 };
    struct remote_access_texts prefixes = { .count = 0 };
    (void)old;
    if (!legality_is_provisioned(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    enum amt_err err =
        read_texts(values_of(call, changed, "DetectionStrings"), is_domain, &domains);
    if (err == AMT_OK) {
        err = read_texts(values_of(call, changed, "DetectionIPv6LocalPrefixes"), is_prefix,
                         &prefixes);
    }
    /* only the local domains: there are no URLs to probe in the simulated network */
    if (err == AMT_OK && wsman_get_u64(changed, "DetectionAlgorithm", 0) != 0) {
        err = AMT_EMALFORMED;
    }
    if (err != AMT_OK) {
        remote_access_texts_clear(&domains);
        remote_access_texts_clear(&prefixes);
        bool is_ours = err == AMT_ENOMEM;
        (void)firmware_fault(call, is_ours ? WSMAN_INTERNAL_ERROR : WSMAN_INVALID_REPRESENTATION,
                             is_ours ? NULL : "InvalidValues");
        return;
    }
    remote_access_texts_clear(&r->domains);
    remote_access_texts_clear(&r->prefixes);
    r->domains = domains;
    r->prefixes = prefixes;
    remote_access_changed(call);
}

uint32_t remote_access_enable_vpn(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    call->firmware->remote_access->routes_vpn = wsman_get_bool(in, "Enable", false);
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

#define DEFENSE_CLASS "AMT_SystemDefensePolicy"

/* The policy with these selectors; NULL. */
static struct wsman_instance *defense_policy(struct firmware_call *call,
                                             const struct wsman_selector *selectors)
{
    struct wsman_instance *all = firmware_instances(call, DEFENSE_CLASS);
    return all == NULL ? NULL : firmware_select(all, selectors);
}

/* The policy that guards the ports while the device is outside; none takes it away. */
uint32_t remote_access_set_defense(struct firmware_call *call, const struct wsman_instance *target,
                                   const struct wsman_instance *in, struct wsman_instance *out)
{
    struct remote_access *r = call->firmware->remote_access;
    const struct wsman_ref *ref = wsman_get_ref(in, "Policy");
    (void)target;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    const struct wsman_instance *policy = ref == NULL || strcmp(ref->class_name, DEFENSE_CLASS) != 0
                                              ? NULL
                                              : defense_policy(call, ref->selectors);
    const char *id = policy == NULL ? NULL : wsman_get(policy, "InstanceID");
    if ((ref != NULL && id == NULL) ||
        !remote_access_copy(r->defense_policy, sizeof r->defense_policy, id)) {
        return PT_INVALID_PARAMETER;
    }
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

struct wsman_instance *remote_access_list_defense(struct firmware_call *call)
{
    const char *id = call->firmware->remote_access->defense_policy;
    const struct wsman_selector selector = { .name = "InstanceID", .text = id };
    const struct wsman_instance *policy = id[0] == '\0' ? NULL : defense_policy(call, &selector);
    struct wsman_instance *port =
        policy == NULL ? NULL : firmware_instances(call, "CIM_EthernetPort");
    struct wsman_instance *instance =
        port == NULL ? NULL
                     : firmware_instance_new(call, "AMT_EnvironmentDetectionInterfacePolicy");
    if (instance != NULL) {
        wsman_set_ref(instance, "Antecedent", firmware_ref_to(call, port));
        wsman_set_ref(instance, "Dependent", firmware_ref_to(call, policy));
        wsman_set_bool(instance, "Enabled", true);
    }
    return instance;
}
