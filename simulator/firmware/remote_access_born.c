/*
 * What a device was born with: remote access from the instances of its profile, in the words of the
 * classes that show it (wsman.md 4.7, 4.8). For devices that somebody has set up before.
 */
#include <string.h>

#include "base/text.h"
#include "simulator/firmware/remote_access_internal.h"

static const struct wsman_instance *born_with(const struct firmware *firmware,
                                              const char *class_name)
{
    const struct profile_class *class = firmware_profile_class(firmware->profile, class_name);
    return class == NULL ? NULL : class->instances;
}

/* What does not fit the rest is left out, and said: the device works without it. */
static enum amt_err leave_out(const struct firmware *firmware, const char *class_name,
                              const char *why)
{
    LOG(firmware->log, LOG_WARN, "device.instance_left_out", log_text("uuid", firmware->uuid_text),
        log_text("class", class_name), log_text("why", why));
    return AMT_OK;
}

/* The number at the end of a name, "... Server 3"; other if there is none below max. */
static uint32_t number_of(const char *name, uint32_t max, uint32_t other)
{
    const char *blank = name == NULL ? NULL : strrchr(name, ' ');
    uint64_t number = 0;
    return blank != NULL && text_parse_u64(blank + 1, max - 1, &number) == AMT_OK ? (uint32_t)number
                                                                                  : other;
}

static bool fits(char *out, size_t cap, const struct wsman_instance *instance, const char *property)
{
    return remote_access_copy(out, cap, wsman_get(instance, property));
}

static enum amt_err take_server(struct firmware *firmware, const struct wsman_instance *instance,
                                uint32_t index)
{
    struct remote_access *r = firmware->remote_access;
    uint32_t number = number_of(wsman_get(instance, "Name"), REMOTE_ACCESS_SERVERS_MAX, index);
    if (number >= REMOTE_ACCESS_SERVERS_MAX || r->servers[number] != NULL) {
        return leave_out(firmware, instance->class_name, "there is no number for it");
    }
    struct remote_access_server *s = amt_alloc(sizeof *s);
    if (s == NULL) {
        return AMT_ENOMEM;
    }
    r->servers[number] = s;
    s->format = (uint32_t)wsman_get_u64(instance, "InfoFormat", REMOTE_ACCESS_NAME);
    s->port = (uint16_t)wsman_get_u64(instance, "Port", 0);
    bool is_whole = fits(s->access_info, sizeof s->access_info, instance, "AccessInfo") &&
                    fits(s->common_name, sizeof s->common_name, instance, "CN") && s->port != 0 &&
                    remote_access_host_is_valid(s->access_info, s->format);
    if (is_whole) {
        return AMT_OK;
    }
    remote_access_server_free(s);
    r->servers[number] = NULL;
    return leave_out(firmware, instance->class_name, "it has no address");
}

static enum amt_err take_login(struct firmware *firmware, const struct wsman_instance *instance,
                               uint32_t index)
{
    struct remote_access *r = firmware->remote_access;
    uint32_t number =
        number_of(wsman_get(instance, "InstanceID"), REMOTE_ACCESS_SERVERS_MAX, index);
    struct remote_access_server *s = number < REMOTE_ACCESS_SERVERS_MAX ? r->servers[number] : NULL;
    bool is_whole = s != NULL && fits(s->user, sizeof s->user, instance, "RemoteID") &&
                    fits(s->password, sizeof s->password, instance, "Secret");
    return is_whole ? AMT_OK : leave_out(firmware, instance->class_name, "its server is not there");
}

static enum amt_err take_policy(struct firmware *firmware, const struct wsman_instance *instance)
{
    struct remote_access *r = firmware->remote_access;
    uint64_t trigger = wsman_get_u64(instance, "Trigger", REMOTE_ACCESS_TRIGGER_COUNT_);
    size_t len = 0;
    const uint8_t *data = wsman_get_base64(instance, "ExtendedData", &len);
    if (trigger >= REMOTE_ACCESS_TRIGGER_COUNT_ ||
        remote_access_policy(firmware, (enum remote_access_trigger)trigger) != NULL ||
        !remote_access_policy_is_valid((enum remote_access_trigger)trigger, data, len)) {
        return leave_out(firmware, instance->class_name, "its trigger or time is not valid");
    }
    struct remote_access_policy *p = amt_alloc(sizeof *p);
    if (p == NULL) {
        return AMT_ENOMEM;
    }
    r->policies[r->policy_count++] = p;
    p->trigger = (enum remote_access_trigger)trigger;
    p->lifetime_s = (uint32_t)wsman_get_u64(instance, "TunnelLifeTime", 0);
    p->data_len = (uint32_t)len;
    if (len > 0) {
        memcpy(p->data, data, len);
    }
    return AMT_OK;
}

static enum amt_err take_link(struct firmware *firmware, const struct wsman_instance *instance)
{
    const struct wsman_ref *rule = wsman_get_ref(instance, "PolicySet");
    int server = remote_access_server_of(firmware, wsman_get_ref(instance, "ManagedElement"));
    struct remote_access_policy *p =
        remote_access_policy_named(firmware, wsman_ref_selector(rule, "PolicyRuleName"));
    uint64_t type = wsman_get_u64(instance, "MpsType", MPS_EXTERNAL);
    if (p == NULL || server < 0 || p->link_count == REMOTE_ACCESS_LINKS_MAX || type > MPS_BOTH) {
        return leave_out(firmware, instance->class_name, "its policy or server is not there");
    }
    uint64_t order = wsman_get_u64(instance, "OrderOfAccess", p->link_count);
    p->links[p->link_count++] = (struct remote_access_link){ .server = (uint32_t)server,
                                                             .mps_type = (uint32_t)type,
                                                             .order = (uint32_t)order };
    return AMT_OK;
}

static enum amt_err take_proxy(struct firmware *firmware, const struct wsman_instance *instance)
{
    struct remote_access *r = firmware->remote_access;
    if (r->proxy_count == REMOTE_ACCESS_PROXIES_MAX) {
        return leave_out(firmware, instance->class_name, "there are too many");
    }
    struct remote_access_proxy *p = amt_alloc(sizeof *p);
    if (p == NULL) {
        return AMT_ENOMEM;
    }
    p->number = number_of(wsman_get(instance, "Name"), REMOTE_ACCESS_PROXIES_MAX, r->proxy_count);
    p->format = (uint32_t)wsman_get_u64(instance, "InfoFormat", REMOTE_ACCESS_NAME);
    p->port = (uint16_t)wsman_get_u64(instance, "Port", 0);
    bool is_whole = fits(p->access_info, sizeof p->access_info, instance, "AccessInfo") &&
                    fits(p->suffix, sizeof p->suffix, instance, "NetworkDnsSuffix") &&
                    p->port != 0 && remote_access_host_is_valid(p->access_info, p->format);
    if (!is_whole) {
        amt_free(p);
        return leave_out(firmware, instance->class_name, "it has no address");
    }
    r->proxies[r->proxy_count++] = p;
    return AMT_OK;
}

/* A policy without a server cannot exist. */
static void drop_idle_policies(struct firmware *firmware)
{
    struct remote_access *r = firmware->remote_access;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->policy_count; i++) {
        if (r->policies[i]->link_count > 0) {
            r->policies[kept++] = r->policies[i];
            continue;
        }
        (void)leave_out(firmware, "AMT_RemoteAccessPolicyRule", "it has no server");
        amt_free(r->policies[i]);
    }
    r->policy_count = kept;
}

static enum amt_err take_texts(const struct firmware *firmware, const char *property,
                               struct remote_access_texts *texts)
{
    const struct wsman_instance *instance =
        born_with(firmware, "AMT_EnvironmentDetectionSettingData");
    const struct wsman_value *value = wsman_get_values(instance, property);
    for (; value != NULL; value = value->next) {
        if (strlen(value->text) > REMOTE_ACCESS_DOMAIN_BYTES ||
            texts->count == REMOTE_ACCESS_DOMAINS_MAX) {
            return leave_out(firmware, instance->class_name, "too many domains, or a long one");
        }
        TRY(remote_access_texts_add(texts, value->text));
    }
    return AMT_OK;
}

enum amt_err remote_access_born(struct firmware *firmware)
{
    struct remote_access *r = firmware->remote_access;
    uint32_t index = 0;
    const struct wsman_instance *at = born_with(firmware, "AMT_ManagementPresenceRemoteSAP");
    for (; at != NULL; at = at->next) {
        TRY(take_server(firmware, at, index++));
    }
    index = 0;
    for (at = born_with(firmware, "AMT_MPSUsernamePassword"); at != NULL; at = at->next) {
        TRY(take_login(firmware, at, index++));
    }
    for (at = born_with(firmware, "AMT_RemoteAccessPolicyRule"); at != NULL; at = at->next) {
        TRY(take_policy(firmware, at));
    }
    at = born_with(firmware, "AMT_RemoteAccessPolicyAppliesToMPS");
    for (; at != NULL; at = at->next) {
        TRY(take_link(firmware, at));
    }
    drop_idle_policies(firmware);
    for (at = born_with(firmware, "IPS_HTTPProxyAccessPoint"); at != NULL; at = at->next) {
        TRY(take_proxy(firmware, at));
    }
    TRY(take_texts(firmware, "DetectionStrings", &r->domains));
    return take_texts(firmware, "DetectionIPv6LocalPrefixes", &r->prefixes);
}
