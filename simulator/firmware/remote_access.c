/* Remote access: which classes, what triggers a call, and to whom (wsman.md 4.7; apf.md 13). */
#include "simulator/firmware/remote_access.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "simulator/firmware/legality.h"
#include "simulator/firmware/remote_access_internal.h"

#define HOUR_S        3600u
#define DAY_S         86400u
#define NO_KEEPALIVE  4294967295u
#define INTERVAL_DATA 0u /* first word of the ExtendedData of a periodic policy */

static uint32_t word_at(const uint8_t *bytes)
{
    return ((uint32_t)bytes[0] << 24) | ((uint32_t)bytes[1] << 16) | ((uint32_t)bytes[2] << 8) |
           bytes[3];
}

uint32_t remote_access_apf_reason(enum remote_access_trigger trigger)
{
    static const uint32_t k_reasons[] = { [REMOTE_ACCESS_USER] = 1,
                                          [REMOTE_ACCESS_ALERT] = 2,
                                          [REMOTE_ACCESS_PERIODIC] = 4,
                                          [REMOTE_ACCESS_HOME] = 3 };
    return (uint32_t)trigger < REMOTE_ACCESS_TRIGGER_COUNT_ ? k_reasons[trigger] : 0;
}

uint32_t remote_access_limit(const struct firmware *firmware, const char *property, uint32_t most)
{
    const struct profile_class *class =
        firmware_profile_class(firmware->profile, "AMT_RemoteAccessCapabilities");
    uint64_t limit = wsman_get_u64(class == NULL ? NULL : class->instances, property, most);
    return limit < most ? (uint32_t)limit : most;
}

static void tell_caller(struct firmware *firmware)
{
    if (firmware->hooks.remote_access_changed != NULL) {
        firmware->hooks.remote_access_changed(firmware->hooks.ctx);
    }
}

void remote_access_changed(struct firmware_call *call)
{
    firmware_changed(call->firmware);
    call->afterwards = tell_caller; /* the answer may have to leave through the tunnel that ends */
}

bool remote_access_host_is_valid(const char *text, uint32_t format)
{
    uint8_t address[16];
    if (format == REMOTE_ACCESS_IPV4) {
        return inet_pton(AF_INET, text, address) == 1;
    }
    if (format == REMOTE_ACCESS_IPV6) {
        return inet_pton(AF_INET6, text, address) == 1;
    }
    size_t len = strlen(text);
    if (format != REMOTE_ACCESS_NAME || len == 0 || len > REMOTE_ACCESS_HOST_BYTES) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c) == 0 && strchr("-._", *c) == NULL) {
            return false;
        }
    }
    return true;
}

bool remote_access_copy(char *out, size_t cap, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    if (len >= cap) {
        return false;
    }
    if (len > 0) {
        memcpy(out, text, len);
    }
    out[len] = '\0';
    return true;
}

bool remote_access_is_outside(const struct firmware *firmware)
{
    const struct remote_access *r = firmware->remote_access;
    if (r->domains.count == 0 && r->prefixes.count == 0) {
        return false; /* detection is off: nobody is outside (apf.md 13.4) */
    }
    for (uint32_t i = 0; i < r->domains.count && r->network != NULL; i++) {
        if (strcasecmp(r->domains.items[i], r->network) == 0) {
            return false;
        }
    }
    return true;
}

/* APF-DEV-047: an external server is for the outside, an internal one for the inside; without
 * detection there is neither. */
static bool may_call(const struct firmware *firmware, const struct remote_access_link *link)
{
    const struct remote_access *r = firmware->remote_access;
    if (r->domains.count == 0 && r->prefixes.count == 0) {
        return false;
    }
    return link->mps_type == MPS_BOTH ||
           (link->mps_type == MPS_EXTERNAL) == remote_access_is_outside(firmware);
}

/* The at-th link that may be used, lowest OrderOfAccess first; NULL. */
static const struct remote_access_link *
usable_link(const struct firmware *firmware, const struct remote_access_policy *policy, uint32_t at)
{
    const struct remote_access_link *found[REMOTE_ACCESS_LINKS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < policy->link_count; i++) {
        const struct remote_access_link *link = &policy->links[i];
        if (!may_call(firmware, link)) {
            continue;
        }
        uint32_t place = count++;
        for (; place > 0 && found[place - 1]->order > link->order; place--) {
            found[place] = found[place - 1];
        }
        found[place] = link;
    }
    return at < count ? found[at] : NULL;
}

bool remote_access_target(const struct firmware *firmware, enum remote_access_trigger trigger,
                          uint32_t at, struct remote_access_target *target)
{
    const struct remote_access_policy *policy = remote_access_policy(firmware, trigger);
    const struct remote_access_link *link =
        policy == NULL ? NULL : usable_link(firmware, policy, at);
    if (link == NULL) {
        return false;
    }
    const struct remote_access_server *server = firmware->remote_access->servers[link->server];
    *target = (struct remote_access_target){
        .access_info = server->access_info,
        .common_name = server->common_name[0] == '\0' ? NULL : server->common_name,
        .user = server->user,
        .password = server->password,
        .port = server->port,
        .is_mutual = server->is_mutual,
        .certificate = server->certificate,
        .lifetime_s = policy->lifetime_s,
    };
    return true;
}

/* Until the next hour:minute of the device's clock. */
static uint64_t daily_wait_s(const struct firmware *firmware, const uint8_t *data)
{
    uint64_t wanted_s = word_at(data + 4) * (uint64_t)HOUR_S + word_at(data + 8) * (uint64_t)60;
    uint64_t now_s = firmware_time_s(firmware) % DAY_S;
    return wanted_s > now_s ? wanted_s - now_s : wanted_s + DAY_S - now_s;
}

bool remote_access_periodic_wait(const struct firmware *firmware, uint64_t *wait_us)
{
    const struct remote_access_policy *policy =
        remote_access_policy(firmware, REMOTE_ACCESS_PERIODIC);
    if (policy == NULL || usable_link(firmware, policy, 0) == NULL) {
        return false;
    }
    uint64_t wait_s = word_at(policy->data) == INTERVAL_DATA ? word_at(policy->data + 4)
                                                             : daily_wait_s(firmware, policy->data);
    *wait_us = wait_s * US_PER_SECOND;
    return true;
}

bool remote_access_is_daily(const struct firmware *firmware)
{
    const struct remote_access_policy *policy =
        remote_access_policy(firmware, REMOTE_ACCESS_PERIODIC);
    return policy != NULL && word_at(policy->data) != INTERVAL_DATA;
}

static void call_home(struct firmware *firmware, enum remote_access_trigger trigger)
{
    if (firmware->hooks.call_home != NULL) {
        firmware->hooks.call_home(firmware->hooks.ctx, trigger);
    }
}

static bool has_target(const struct firmware *firmware, enum remote_access_trigger trigger)
{
    struct remote_access_target target;
    return remote_access_target(firmware, trigger, 0, &target);
}

/* A network of another name may be the outside: then the rule for a PC at home applies at once. */
void remote_access_set_network(struct firmware *firmware, const char *dns_suffix)
{
    struct remote_access *r = firmware->remote_access;
    amt_free(r->network);
    r->network = dns_suffix == NULL ? NULL : amt_strdup(dns_suffix);
    tell_caller(firmware);
    if (remote_access_is_outside(firmware) && has_target(firmware, REMOTE_ACCESS_HOME)) {
        call_home(firmware, REMOTE_ACCESS_HOME);
    }
}

void remote_access_alert(struct firmware *firmware)
{
    if (!firmware->remote_access->is_tunnel_up && has_target(firmware, REMOTE_ACCESS_ALERT)) {
        call_home(firmware, REMOTE_ACCESS_ALERT);
    }
}

struct stream *remote_access_connect(struct firmware *firmware, const struct address *to,
                                     uint64_t limit_us, bool *is_later)
{
    static const struct stream_handler k_nothing = { NULL, NULL, NULL, NULL };
    bool is_outside = remote_access_is_outside(firmware);
    *is_later = false;
    if (is_outside && firmware->remote_access->is_tunnel_up) {
        return firmware->hooks.connect == NULL
                   ? NULL
                   : firmware->hooks.connect(firmware->hooks.ctx, to); /* APF-DEV-048 */
    }
    if (is_outside && has_target(firmware, REMOTE_ACCESS_ALERT)) {
        remote_access_alert(firmware);
        *is_later = true;
        return NULL;
    }
    return net_connect(firmware->loop, to, limit_us, &k_nothing, NULL);
}

enum amt_err remote_access_user_connect(struct firmware *firmware, bool from_bios)
{
    struct remote_access *r = firmware->remote_access;
    uint32_t interface = from_bios ? USER_INTERFACE_BIOS : USER_INTERFACE_OS;
    if ((r->user_interfaces & interface) == 0 || !has_target(firmware, REMOTE_ACCESS_USER)) {
        return AMT_ESTATE;
    }
    r->has_user_asked = true;
    r->user_asked_from_bios = from_bios;
    firmware_changed(firmware);
    call_home(firmware, REMOTE_ACCESS_USER);
    return AMT_OK;
}

void remote_access_call_started(struct firmware *firmware, enum remote_access_trigger trigger)
{
    firmware->remote_access->has_called = true;
    firmware->remote_access->last_trigger = trigger;
}

void remote_access_tunnel_changed(struct firmware *firmware, bool is_up)
{
    firmware->remote_access->is_tunnel_up = is_up;
    if (!is_up) {
        firmware->remote_access->keepalive_s = 0;
    }
}

void remote_access_set_keepalive(struct firmware *firmware, uint32_t seconds)
{
    firmware->remote_access->keepalive_s = seconds;
}

bool remote_access_uses_certificate(const struct firmware *firmware, const char *instance_id)
{
    for (uint32_t i = 0; i < REMOTE_ACCESS_SERVERS_MAX; i++) {
        const struct remote_access_server *server = firmware->remote_access->servers[i];
        if (server != NULL && server->is_mutual && strcmp(server->certificate, instance_id) == 0) {
            return true;
        }
    }
    return false;
}

static void fill_service(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct remote_access *r = call->firmware->remote_access;
    wsman_set_bool(instance, "IsRemoteTunnelConnected", r->is_tunnel_up);
    wsman_set_u64(instance, "RemoteTunnelKeepAliveTimeout",
                  r->keepalive_s == 0 ? NO_KEEPALIVE : r->keepalive_s);
}

static void fill_capabilities(struct firmware_call *call, struct wsman_instance *instance)
{
    static const char *const k_names[] = { "User Initiated", "Alert", "Periodic",
                                           "Home Provisioning" };
    const struct remote_access *r = call->firmware->remote_access;
    if (r->has_called) { /* absent until then, as captured */
        wsman_set(instance, "LastRemoteAccessTrigger", k_names[r->last_trigger]);
    }
}

static void fill_user_service(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct remote_access *r = call->firmware->remote_access;
    wsman_set_u64(instance, "EnabledState", USER_INTERFACES_NONE + r->user_interfaces);
    if (r->has_user_asked) {
        wsman_set(instance, "LastConnectionReason", r->user_asked_from_bios ? "BIOS" : "OS");
    }
}

/* Values of RequestStateChange, a method of CIM (wsman.md 4.0). */
enum state_change { STATE_DONE = 0, STATE_FAILED = 4, STATE_INVALID_PARAMETER = 5 };

static uint32_t request_state_change(struct firmware_call *call,
                                     const struct wsman_instance *target,
                                     const struct wsman_instance *in, struct wsman_instance *out)
{
    const uint32_t both = USER_INTERFACE_BIOS | USER_INTERFACE_OS;
    uint64_t requested = wsman_get_u64(in, "RequestedState", 0);
    (void)target;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        (void)legality_deny(call, true);
        return STATE_FAILED;
    }
    if (requested == 2 || requested == 3) { /* Enabled, Disabled */
        requested = USER_INTERFACES_NONE + (requested == 2 ? both : 0);
    }
    if (requested < USER_INTERFACES_NONE || requested > USER_INTERFACES_NONE + both) {
        return STATE_INVALID_PARAMETER;
    }
    call->firmware->remote_access->user_interfaces = (uint32_t)(requested - USER_INTERFACES_NONE);
    firmware_changed(call->firmware);
    return STATE_DONE;
}

static void close_tunnel(struct firmware *firmware)
{
    if (firmware->hooks.close_tunnel != NULL) {
        firmware->hooks.close_tunnel(firmware->hooks.ctx);
    }
}

static uint32_t close_connection(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    call->afterwards = close_tunnel; /* the answer may leave through it */
    return PT_SUCCESS;
}

/* A credential context has nothing but its keys: a Put of the same is no change. */
static void put_nothing(struct firmware_call *call, const struct wsman_instance *old,
                        const struct wsman_instance *changed)
{
    (void)call;
    (void)old;
    (void)changed;
}

static void set_factory_state(struct firmware *firmware)
{
    const struct profile_class *class =
        firmware_profile_class(firmware->profile, "AMT_UserInitiatedConnectionService");
    struct remote_access *r = firmware->remote_access;
    uint64_t state = wsman_get_u64(class == NULL ? NULL : class->instances, "EnabledState",
                                   USER_INTERFACES_NONE);
    r->user_interfaces =
        state >= USER_INTERFACES_NONE ? (uint32_t)(state - USER_INTERFACES_NONE) & 3u : 0;
}

static enum amt_err init(struct firmware *firmware)
{
    firmware->remote_access = amt_alloc(sizeof *firmware->remote_access);
    if (firmware->remote_access == NULL) {
        return AMT_ENOMEM;
    }
    set_factory_state(firmware);
    const char *suffix = firmware->profile->config.network_suffix;
    if (suffix != NULL) {
        firmware->remote_access->network = amt_strdup(suffix);
        return firmware->remote_access->network == NULL ? AMT_ENOMEM : AMT_OK;
    }
    return AMT_OK;
}

static void fini(struct firmware *firmware)
{
    if (firmware->remote_access != NULL) {
        remote_access_clear(firmware->remote_access);
        amt_free(firmware->remote_access->network);
        amt_free(firmware->remote_access);
        firmware->remote_access = NULL;
    }
}

/* wsman.md 5.3: servers, policies and environment detection go, the tunnel is closed (WSM-077). */
static void unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    remote_access_clear(firmware->remote_access);
    set_factory_state(firmware);
    close_tunnel(firmware);
    tell_caller(firmware);
}

static const struct firmware_method k_service_methods[] = {
    { "AddMpServer", remote_access_add_server },
    { "AddRemoteAccessPolicyRule", remote_access_add_policy },
    { "CloseRemoteAccessConnection", close_connection },
    { .name = NULL },
};
static const struct firmware_method k_user_methods[] = {
    { "RequestStateChange", request_state_change },
    { .name = NULL },
};
static const struct firmware_method k_environment_methods[] = {
    { "EnableVpnRouting", remote_access_enable_vpn },
    { .name = NULL },
};
static const struct firmware_method k_proxy_service_methods[] = {
    { "AddProxyAccessPoint", remote_access_add_proxy },
    { .name = NULL },
};
static const struct firmware_method k_proxy_methods[] = {
    { "UpdatePriority", remote_access_raise_proxy },
    { .name = NULL },
};

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_ManagementPresenceRemoteSAP",
      .list = remote_access_list_servers,
      .remove = remote_access_remove_server },
    { .class_name = "AMT_MPSUsernamePassword",
      .list = remote_access_list_logins,
      .put = remote_access_put_login,
      .answers_put_empty = true },
    { .class_name = "AMT_RemoteAccessCredentialContext",
      .list = remote_access_list_contexts,
      .put = put_nothing },
    { .class_name = "AMT_RemoteAccessPolicyRule",
      .list = remote_access_list_policies,
      .put = remote_access_put_policy,
      .remove = remote_access_remove_policy },
    { .class_name = "AMT_RemoteAccessPolicyAppliesToMPS",
      .list = remote_access_list_links,
      .put = remote_access_put_link,
      .answers_put_empty = true },
    { .class_name = "AMT_RemoteAccessService", .fill = fill_service, .methods = k_service_methods },
    { .class_name = "AMT_RemoteAccessCapabilities", .fill = fill_capabilities },
    { .class_name = "AMT_UserInitiatedConnectionService",
      .fill = fill_user_service,
      .methods = k_user_methods },
    { .class_name = "AMT_EnvironmentDetectionSettingData",
      .fill = remote_access_fill_environment,
      .put = remote_access_put_environment,
      .methods = k_environment_methods },
    { .class_name = "IPS_HTTPProxyAccessPoint",
      .list = remote_access_list_proxies,
      .remove = remote_access_remove_proxy,
      .methods = k_proxy_methods },
    { .class_name = "IPS_HTTPProxyService",
      .fill = remote_access_fill_proxy_service,
      .put = remote_access_put_proxy_service,
      .methods = k_proxy_service_methods },
    { .class_name = "CIM_RemoteAccessAvailableToElement", .list = remote_access_list_available },
    { .class_name = NULL },
};

const struct firmware_part k_remote_access_part = { .name = "remote_access",
                                                    .init = init,
                                                    .fini = fini,
                                                    .unprovision = unprovision,
                                                    .save = remote_access_save,
                                                    .load = remote_access_load,
                                                    .behaviours = k_behaviours };
