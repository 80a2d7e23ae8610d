#include "simulator/firmware/network_internal.h"

#include <stdio.h>
#include <string.h>

#include "simulator/firmware/keys.h"
#include "simulator/firmware/legality.h"

bool network_may_write(struct firmware_call *call)
{
    if (!legality_is_provisioned(call->firmware)) {
        (void)legality_deny(call, true);
        return false;
    }
    return true;
}

uint32_t network_port_of(const struct wsman_instance *instance)
{
    const char *id = wsman_get(instance, "InstanceID");
    id = id != NULL ? id : wsman_get(instance, "Name");
    id = id != NULL ? id : wsman_get(instance, "DeviceID");
    return id != NULL && id[0] != '\0' && id[strlen(id) - 1] == '1' ? 1 : 0;
}

void network_hide_secrets(struct wsman_instance *instance)
{
    static const char *const k_secrets[] = { "Password", "PACPassword",
                                             "PSK",      "PSKPassPhrase",
                                             "PSKValue", "ProtectedAccessCredential",
                                             "Keys" };
    for (size_t i = 0; i < sizeof k_secrets / sizeof *k_secrets; i++) {
        wsman_unset(instance, k_secrets[i]);
    }
}

bool network_take_certificate(const struct firmware *firmware, const struct wsman_ref *ref,
                              char handle[static NETWORK_HANDLE_BYTES])
{
    handle[0] = '\0';
    const char *id = wsman_ref_selector(ref, "InstanceID");
    if (ref == NULL || ref->class_name[0] == '\0') {
        return true;
    }
    if (id == NULL || strlen(id) >= NETWORK_HANDLE_BYTES ||
        keys_certificate(firmware, id) == NULL) {
        return false;
    }
    (void)snprintf(handle, NETWORK_HANDLE_BYTES, "%s", id);
    return true;
}

bool network_uses_certificate(const struct firmware *firmware, const char *instance_id)
{
    const struct network *network = firmware->network;
    const struct network_certificates *wired = &network->wired, *profile = &network->profile;
    if (strcmp(wired->client, instance_id) == 0 || strcmp(wired->root, instance_id) == 0 ||
        strcmp(profile->client, instance_id) == 0 || strcmp(profile->root, instance_id) == 0) {
        return true;
    }
    size_t at;
    json_t *entry;
    json_array_foreach(network->wifi, at, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "client")), instance_id) == 0 ||
            strcmp(json_string_value(json_object_get(entry, "root")), instance_id) == 0) {
            return true;
        }
    }
    return false;
}

bool network_ipv6_is_on(const struct firmware *firmware, uint32_t port)
{
    return port < NETWORK_PORTS && firmware->network->ipv6[port];
}

void network_ipv6_switch(struct firmware *firmware, uint32_t port, bool is_on)
{
    if (port < NETWORK_PORTS && firmware->network->ipv6[port] != is_on) {
        firmware->network->ipv6[port] = is_on;
        firmware_changed(firmware);
    }
}

/* --- the part --- */

static void forget(struct network *network)
{
    json_decref(network->addresses);
    json_decref(network->wifi);
    *network = (struct network){ .wifi_state = NETWORK_WIFI_OFF,
                                 .addresses = json_object(),
                                 .wifi = json_array(),
                                 .wire = network->wire,
                                 .has_wire = network->has_wire };
}

static enum amt_err network_init(struct firmware *firmware)
{
    firmware->network = amt_alloc(sizeof *firmware->network);
    if (firmware->network == NULL) {
        return AMT_ENOMEM;
    }
    forget(firmware->network);
    return firmware->network->addresses == NULL || firmware->network->wifi == NULL ? AMT_ENOMEM
                                                                                   : AMT_OK;
}

static void network_fini(struct firmware *firmware)
{
    struct network *network = firmware->network;
    if (network != NULL) {
        json_decref(network->addresses);
        json_decref(network->wifi);
    }
    amt_free(network);
    firmware->network = NULL;
}

/* wsman.md 5.3: wireless profiles and 802.1X go in both kinds. Nothing here can fail: the lists are
 * emptied, not made again. */
static void network_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    struct network *network = firmware->network;
    (void)json_object_clear(network->addresses);
    (void)json_array_clear(network->wifi);
    *network = (struct network){ .wifi_state = NETWORK_WIFI_OFF,
                                 .addresses = network->addresses,
                                 .wifi = network->wifi,
                                 .wire = network->wire,
                                 .has_wire = network->has_wire,
                                 .is_unplugged = network->is_unplugged };
}

static json_t *save_certificates(const struct network_certificates *certificates)
{
    return json_pack("{ss ss}", "client", certificates->client, "root", certificates->root);
}

static json_t *network_save(struct firmware *firmware)
{
    const struct network *network = firmware->network;
    return json_pack("{so so s[bb] sI sb so so}", "addresses", json_deep_copy(network->addresses),
                     "wifi", json_deep_copy(network->wifi), "ipv6", (int)network->ipv6[0],
                     (int)network->ipv6[1], "wifi_state", (json_int_t)network->wifi_state,
                     "link_override", (int)network->link_override, "wired",
                     save_certificates(&network->wired), "profile",
                     save_certificates(&network->profile));
}

static bool load_certificates(const json_t *from, struct network_certificates *certificates)
{
    const char *client, *root;
    if (json_unpack((json_t *)(uintptr_t)from, "{ss ss}", "client", &client, "root", &root) != 0 ||
        strlen(client) >= NETWORK_HANDLE_BYTES || strlen(root) >= NETWORK_HANDLE_BYTES) {
        return false;
    }
    (void)snprintf(certificates->client, sizeof certificates->client, "%s", client);
    (void)snprintf(certificates->root, sizeof certificates->root, "%s", root);
    return true;
}

static bool is_wifi_entry(const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    return name != NULL && strlen(name) <= NETWORK_WIFI_NAME_MAX &&
           json_is_object(json_object_get(entry, "settings")) &&
           json_is_string(json_object_get(entry, "client")) &&
           json_is_string(json_object_get(entry, "root"));
}

static enum amt_err network_load(struct firmware *firmware, const json_t *state,
                                 struct amt_diag *diag)
{
    struct network *network = firmware->network;
    json_t *addresses, *wifi, *wired, *profile;
    int ipv6[NETWORK_PORTS], link_override;
    json_int_t wifi_state;
    bool is_ours = json_unpack((json_t *)(uintptr_t)state, "{so so s[bb] sI sb so so}", "addresses",
                               &addresses, "wifi", &wifi, "ipv6", &ipv6[0], &ipv6[1], "wifi_state",
                               &wifi_state, "link_override", &link_override, "wired", &wired,
                               "profile", &profile) == 0 &&
                   json_is_object(addresses) && json_is_array(wifi) && wifi_state >= 0 &&
                   wifi_state <= NETWORK_WIFI_ON_SX && load_certificates(wired, &network->wired) &&
                   load_certificates(profile, &network->profile);
    size_t at;
    json_t *entry;
    json_array_foreach(is_ours ? wifi : NULL, at, entry)
    {
        is_ours = is_ours && is_wifi_entry(entry);
    }
    if (!is_ours) {
        return amt_diag_set(diag, AMT_ECONFIG, "the network settings in the state are damaged");
    }
    json_decref(network->addresses);
    json_decref(network->wifi);
    network->addresses = json_deep_copy(addresses);
    network->wifi = json_deep_copy(wifi);
    network->ipv6[0] = ipv6[0] != 0;
    network->ipv6[1] = ipv6[1] != 0;
    network->link_override = link_override != 0;
    network->wifi_state = (uint32_t)wifi_state;
    return network->addresses == NULL || network->wifi == NULL ? AMT_ENOMEM : AMT_OK;
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_EthernetPortSettings",
      .list = network_list_ports,
      .put = network_put_port,
      .methods = k_network_port_methods },
    { .class_name = "CIM_EthernetPort", .fill = network_fill_ethernet },
    { .class_name = "IPS_IPv6PortSettings", .list = network_list_ipv6, .put = network_put_ipv6 },
    { .class_name = "AMT_WiFiPortConfigurationService",
      .fill = network_fill_wifi_service,
      .put = network_put_wifi_service,
      .methods = k_network_wifi_methods },
    { .class_name = "CIM_WiFiEndpointSettings",
      .list = network_list_wifi,
      .put = network_put_wifi,
      .remove = network_remove_wifi },
    { .class_name = "CIM_WiFiEndpoint", .fill = network_fill_wifi_endpoint },
    { .class_name = "CIM_WiFiPort",
      .fill = network_fill_wifi_port,
      .methods = k_network_wifi_port_methods },
    { .class_name = "CIM_IEEE8021xSettings", .list = network_list_eap, .put = network_put_eap },
    { .class_name = "IPS_IEEE8021xSettings",
      .fill = network_fill_wired_8021x,
      .put = network_put_wired_8021x,
      .methods = k_network_wired_8021x_methods },
    { .class_name = "AMT_8021XProfile",
      .fill = network_fill_profile_8021x,
      .put = network_put_profile_8021x },
    { .class_name = "AMT_8021xCredentialContext",
      .list = network_list_contexts,
      .create = network_create_context,
      .remove = network_remove_context },
    { .class_name = "IPS_8021xCredentialContext", .list = network_list_wired_contexts },
    { .class_name = NULL },
};

const struct firmware_part k_network_part = {
    .name = "network",
    .init = network_init,
    .fini = network_fini,
    .unprovision = network_unprovision,
    .save = network_save,
    .load = network_load,
    .behaviours = k_behaviours,
};
