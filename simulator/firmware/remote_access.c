/* Remote access: its classes, and what they show and change (wsman.md 4.7). */
#include "simulator/firmware/remote_access.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "simulator/firmware/legality.h"
#include "simulator/firmware/remote_access_internal.h"

#define NO_KEEPALIVE 4294967295u

uint32_t remote_access_limit(const struct firmware *firmware, const char *property, uint32_t most)
{
    const struct profile_class *class =
        firmware_profile_class(firmware->profile, "AMT_RemoteAccessCapabilities");
    uint64_t limit = wsman_get_u64(class == NULL ? NULL : class->instances, property, most);
    return limit < most ? (uint32_t)limit : most;
}

void remote_access_tell_caller(struct firmware *firmware)
{
    remote_access_log_place(firmware);
    if (firmware->hooks.remote_access_changed != NULL) {
        firmware->hooks.remote_access_changed(firmware->hooks.ctx);
    }
}

void remote_access_changed(struct firmware_call *call)
{
    firmware_changed(call->firmware);
    /* The answer may have to leave through the tunnel that ends. */
    call->afterwards = remote_access_tell_caller;
}

void remote_access_network_changed(struct firmware_call *call)
{
    call->afterwards = remote_access_tell_caller;
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
        if (firmware->remote_access->network == NULL) {
            return AMT_ENOMEM;
        }
    }
    bool is_set_up = firmware->profile->config.control_mode != FIRMWARE_NOT_PROVISIONED;
    return is_set_up ? remote_access_born(firmware) : AMT_OK;
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
    remote_access_tell_caller(firmware);
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
    { "SetSystemDefensePolicy", remote_access_set_defense },
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
    { .class_name = "AMT_EnvironmentDetectionInterfacePolicy", .list = remote_access_list_defense },
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
