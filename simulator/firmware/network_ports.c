#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/identity.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/network_internal.h"
#include "simulator/firmware/remote_access.h"
#include "simulator/firmware/settings.h"

#define LINK_TIMEOUT_MAX_S 65535u

static const char *const k_addresses[] = { "DefaultGateway", "IPAddress", "PrimaryDNS",
                                           "SecondaryDNS", "SubnetMask" };
#define ADDRESSES (sizeof k_addresses / sizeof *k_addresses)

bool network_link_is_up(const struct firmware *firmware, uint32_t port)
{
    const struct firmware_config *config = &firmware->profile->config;
    const struct network *network = firmware->network;
    return port == 0 ? config->has_wired && !network->is_unplugged &&
                           (!network->has_wire || network->wire.has_link)
                     : config->has_wireless && network_wifi_active(firmware) != NULL;
}

void network_set_cable(struct firmware *firmware, bool is_in)
{
    firmware->network->is_unplugged = !is_in;
}

/* The ports of the profile with what was written; those that this machine has. */
static struct wsman_instance *list_of_profile(struct firmware_call *call, const char *class_name,
                                              void (*fill)(struct firmware_call *call,
                                                           struct wsman_instance *instance))
{
    const struct profile_class *class = firmware_profile_class(call->firmware->profile, class_name);
    struct wsman_instance *first = NULL, **last = &first;
    for (const struct wsman_instance *from = class == NULL ? NULL : class->instances; from != NULL;
         from = from->next) {
        struct wsman_instance *copy = wsman_instance_copy(call->arena, from);
        if (copy == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return NULL;
        }
        copy->next = NULL;
        if (network_port_of(copy) == 1 && !call->firmware->profile->config.has_wireless) {
            continue;
        }
        identity_expand(call->firmware, copy);
        const char *id = wsman_get(copy, "InstanceID");
        settings_apply(call->firmware, copy, id == NULL ? "" : id);
        fill(call, copy);
        *last = copy;
        last = &copy->next;
    }
    return first;
}

/* --- AMT_EthernetPortSettings --- */

static bool link_is_with_me(const struct firmware *firmware)
{
    return loop_now_us(firmware->loop) < firmware->network->link_me_until_us;
}

static void fill_wireless(struct firmware_call *call, struct wsman_instance *instance)
{
    uint64_t holder = link_is_with_me(call->firmware) ? 1 : 2;
    if (wsman_has(instance, "LinkPreference")) {
        wsman_set_u64(instance, "LinkPreference", holder);
        wsman_set_u64(instance, "LinkControl", holder);
    }
    if (call->firmware->network->link_override) {
        wsman_set_u64(instance, "WLANLinkProtectionLevel", 0);
    }
    if (network_wifi_active(call->firmware) != NULL) {
        wsman_set_bool(instance, "LinkIsUp", true);
    }
}

/* A machine without a wired port still shows its instance, half empty (rps #633). */
static void fill_absent_wired(struct wsman_instance *instance)
{
    wsman_unset(instance, "PhysicalConnectionType");
    wsman_set(instance, "MACAddress", "00-00-00-00-00-00");
    wsman_set_bool(instance, "LinkIsUp", false);
}

/* Addresses: those that were written when the port is static on its own, those of the network or the
 * host otherwise, none without a link (WSM-101). */
static void fill_addresses(const struct network *network, struct wsman_instance *instance)
{
    bool is_own = network_port_of(instance) == 0 &&
                  !wsman_get_bool(instance, "DHCPEnabled", true) &&
                  !wsman_get_bool(instance, "SharedStaticIp", false);
    bool is_up = wsman_get_bool(instance, "LinkIsUp", false);
    for (size_t i = 0; i < ADDRESSES; i++) {
        const char *own = json_string_value(json_object_get(network->addresses, k_addresses[i]));
        if (!is_up || (is_own && own == NULL)) {
            wsman_unset(instance, k_addresses[i]);
        } else if (is_own) {
            wsman_set(instance, k_addresses[i], own);
        }
    }
}

static void set_address(struct wsman_instance *instance, const char *name, uint32_t address)
{
    const struct in_addr in = { .s_addr = htonl(address) };
    char text[INET_ADDRSTRLEN];
    if (address == 0 || inet_ntop(AF_INET, &in, text, sizeof text) == NULL) {
        wsman_unset(instance, name);
    } else {
        wsman_set(instance, name, text);
    }
}

/* A real network says itself what it gave. */
static void fill_wire(const struct network_wire *wire, struct wsman_instance *instance)
{
    wsman_set_bool(instance, "LinkIsUp", wire->has_link);
    set_address(instance, "IPAddress", wire->address);
    set_address(instance, "SubnetMask", wire->mask);
    set_address(instance, "DefaultGateway", wire->router);
    set_address(instance, "PrimaryDNS", wire->dns[0]);
    set_address(instance, "SecondaryDNS", wire->dns[1]);
}

void network_set_wire(struct firmware *firmware, const struct network_wire *wire)
{
    firmware->network->wire = *wire;
    firmware->network->has_wire = true;
}

void network_fill_port(struct firmware_call *call, struct wsman_instance *instance)
{
    if (network_port_of(instance) == 1) {
        fill_wireless(call, instance);
    } else if (!call->firmware->profile->config.has_wired) {
        fill_absent_wired(instance);
    } else if (call->firmware->network->has_wire) {
        fill_wire(&call->firmware->network->wire, instance);
    } else if (!network_link_is_up(call->firmware, 0)) {
        wsman_set_bool(instance, "LinkIsUp", false);
    }
    fill_addresses(call->firmware->network, instance);
}

struct wsman_instance *network_list_ports(struct firmware_call *call)
{
    return list_of_profile(call, "AMT_EthernetPortSettings", network_fill_port);
}

/* What the Put says itself; NULL when it leaves the property out. */
static const char *written(const struct firmware_call *call, const char *name)
{
    return xml_child_text(call->request->body, NULL, name);
}

static bool is_ipv4(const char *text)
{
    struct in_addr address;
    return text != NULL && inet_pton(AF_INET, text, &address) == 1;
}

static bool is_netmask(const char *text)
{
    struct in_addr address;
    if (text == NULL || inet_pton(AF_INET, text, &address) != 1) {
        return false;
    }
    uint32_t zeros = ~ntohl(address.s_addr);
    return (zeros & (zeros + 1)) == 0 && zeros != UINT32_MAX;
}

/* xx-xx-xx-xx-xx-xx, also with colons. */
static bool is_mac(const char *text)
{
    size_t at = 0;
    for (; text[at] != '\0'; at++) {
        bool is_separator = at % 3 == 2;
        if (is_separator ? text[at] != '-' && text[at] != ':'
                         : strchr("0123456789abcdefABCDEF", text[at]) == NULL) {
            return false;
        }
    }
    return at == 17;
}

static bool are_policies(const struct wsman_value *values)
{
    for (; values != NULL; values = values->next) {
        static const char *const k_known[] = { "1", "14", "16", "224" };
        bool is_known = false;
        for (size_t i = 0; i < sizeof k_known / sizeof *k_known; i++) {
            is_known = is_known || strcmp(values->text, k_known[i]) == 0;
        }
        if (!is_known) {
            return false;
        }
    }
    return true;
}

/* Why a Put cannot be: a word for the fault's detail; NULL when it can. */
static const char *port_trouble(const struct firmware_call *call,
                                const struct wsman_instance *changed)
{
    const char *mac = written(call, "MACAddress");
    if ((mac != NULL && !is_mac(mac)) || !are_policies(wsman_get_values(changed, "LinkPolicy"))) {
        return "InvalidValues"; /* "undefined" as address: deployment #118 */
    }
    for (size_t i = 0; i < ADDRESSES; i++) {
        const char *text = written(call, k_addresses[i]);
        if (text != NULL &&
            !(strcmp(k_addresses[i], "SubnetMask") == 0 ? is_netmask(text) : is_ipv4(text))) {
            return "InvalidValues"; /* also an empty element: addresses are left out instead */
        }
    }
    bool is_dhcp = wsman_get_bool(changed, "DHCPEnabled", true);
    if (network_port_of(changed) == 1) {
        return is_dhcp ? NULL : "InvalidValues"; /* the wireless port knows DHCP alone */
    }
    if (!is_dhcp && !wsman_get_bool(changed, "SharedStaticIp", false) &&
        (written(call, "IPAddress") == NULL || written(call, "SubnetMask") == NULL)) {
        return "MissingValues";
    }
    return NULL;
}

static bool keep_addresses(const struct firmware_call *call, const struct wsman_instance *changed)
{
    json_t *addresses = call->firmware->network->addresses;
    if (network_port_of(changed) != 0 || wsman_get_bool(changed, "DHCPEnabled", true) ||
        wsman_get_bool(changed, "SharedStaticIp", false)) {
        return true;
    }
    (void)json_object_clear(addresses);
    for (size_t i = 0; i < ADDRESSES; i++) {
        const char *text = written(call, k_addresses[i]);
        if (text != NULL &&
            json_object_set_new(addresses, k_addresses[i], json_string(text)) != 0) {
            return false;
        }
    }
    return true;
}

void network_put_port(struct firmware_call *call, const struct wsman_instance *old,
                      const struct wsman_instance *changed)
{
    const char *trouble = port_trouble(call, changed);
    if (!network_may_write(call)) {
        return;
    }
    if (trouble != NULL) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, trouble);
        return;
    }
    struct wsman_instance *kept = wsman_instance_copy(call->arena, changed);
    for (size_t i = 0; i < ADDRESSES; i++) { /* those are kept here */
        wsman_set_values(kept, k_addresses[i], wsman_get_values(old, k_addresses[i]));
    }
    if (!keep_addresses(call, changed) || kept == NULL || kept->failed ||
        settings_keep(call->firmware, old, kept, wsman_get(old, "InstanceID")) != AMT_OK) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
        return;
    }
    firmware_changed(call->firmware);
    remote_access_network_changed(call); /* a static address ends environment detection (FF-153) */
}

enum amt_err network_set_static(struct firmware *firmware, bool is_static)
{
    static const char k_class[] = "AMT_EthernetPortSettings";
    static const char k_wired[] = "Intel(r) AMT Ethernet Port Settings 0";
    TRY(settings_set(firmware, k_class, k_wired, "DHCPEnabled", is_static ? "false" : "true"));
    return settings_set(firmware, k_class, k_wired, "SharedStaticIp", "false");
}

static uint32_t set_link_preference(struct firmware_call *call, const struct wsman_instance *target,
                                    const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)out;
    uint64_t preference = wsman_get_u64(in, "LinkPreference", 0);
    uint64_t timeout_s = wsman_get_u64(in, "Timeout", 0);
    struct network *network = call->firmware->network;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    if (network_port_of(target) != 1 || (preference != 1 && preference != 2)) {
        return PT_INVALID_PARAMETER; /* the wired link is nobody's to keep */
    }
    if (preference == 2) {
        network->link_me_until_us = 0;
        return PT_SUCCESS;
    }
    if (timeout_s < 1 || timeout_s > LINK_TIMEOUT_MAX_S) {
        return PT_INVALID_PARAMETER;
    }
    network->link_me_until_us = loop_now_us(call->firmware->loop) + timeout_s * US_PER_SECOND;
    return PT_SUCCESS;
}

static uint32_t override_protection(struct firmware_call *call, const struct wsman_instance *target,
                                    bool is_on)
{
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    if (network_port_of(target) != 1) {
        return PT_INVALID_PARAMETER;
    }
    call->firmware->network->link_override = is_on;
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

static uint32_t cancel_link_protection(struct firmware_call *call,
                                       const struct wsman_instance *target,
                                       const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)in;
    (void)out;
    return override_protection(call, target, true);
}

static uint32_t restore_link_protection(struct firmware_call *call,
                                        const struct wsman_instance *target,
                                        const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)in;
    (void)out;
    return override_protection(call, target, false);
}

const struct firmware_method k_network_port_methods[] = {
    { "SetLinkPreference", set_link_preference },
    { "CancelLinkProtection", cancel_link_protection },
    { "RestoreLinkProtection", restore_link_protection },
    { NULL, NULL },
};

/* --- CIM_EthernetPort --- */

void network_fill_ethernet(struct firmware_call *call, struct wsman_instance *instance)
{
    if (!call->firmware->profile->config.has_wired) {
        wsman_set_u64(instance, "EnabledState", 6); /* enabled but offline */
        wsman_unset(instance, "PermanentAddress");
        wsman_unset(instance, "NetworkAddresses");
        wsman_unset(instance, "Speed");
    }
}

/* --- IPS_IPv6PortSettings --- */

/* fe80:: and the address that the hardware address makes. */
static void add_link_local(struct firmware_call *call, struct wsman_instance *instance)
{
    uint8_t mac[IDENTITY_MAC_BYTES];
    identity_mac(call->firmware,
                 network_port_of(instance) == 1 ? IDENTITY_WIRELESS : IDENTITY_WIRED, mac);
    struct in6_addr address = { .s6_addr = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, (uint8_t)(mac[0] ^ 2u),
                                             mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] } };
    char text[INET6_ADDRSTRLEN], line[INET6_ADDRSTRLEN + 32];
    if (inet_ntop(AF_INET6, &address, text, sizeof text) != NULL) {
        (void)snprintf(line, sizeof line, "%s,LINK-LOCAL,PREFERRED", text);
        wsman_add(instance, "CurrentAddressInfo", line);
    }
}

static void fill_ipv6(struct firmware_call *call, struct wsman_instance *instance)
{
    uint32_t port = network_port_of(instance);
    if (!call->firmware->network->ipv6[port] || !network_link_is_up(call->firmware, port)) {
        return;
    }
    add_link_local(call, instance);
    const char *address = wsman_get(instance, "IPv6Address");
    if (address != NULL && strcmp(address, "::") != 0) {
        char line[INET6_ADDRSTRLEN + 32];
        (void)snprintf(line, sizeof line, "%s,GLOBAL,PREFERRED", address);
        wsman_add(instance, "CurrentAddressInfo", line);
    }
    static const char *const k_current[][2] = { { "CurrentDefaultRouter", "DefaultRouter" },
                                                { "CurrentPrimaryDNS", "PrimaryDNS" },
                                                { "CurrentSecondaryDNS", "SecondaryDNS" } };
    for (size_t i = 0; i < sizeof k_current / sizeof *k_current; i++) {
        wsman_set_values(instance, k_current[i][0], wsman_get_values(instance, k_current[i][1]));
    }
}

struct wsman_instance *network_list_ipv6(struct firmware_call *call)
{
    return list_of_profile(call, "IPS_IPv6PortSettings", fill_ipv6);
}

void network_put_ipv6(struct firmware_call *call, const struct wsman_instance *old,
                      const struct wsman_instance *changed)
{
    static const char *const k_names[] = { "IPv6Address", "DefaultRouter", "PrimaryDNS",
                                           "SecondaryDNS" };
    if (!network_may_write(call)) {
        return;
    }
    struct in6_addr address;
    bool is_good = wsman_get_u64(changed, "InterfaceIDType", 0) <= 2;
    for (size_t i = 0; i < sizeof k_names / sizeof *k_names; i++) {
        const char *text = wsman_get(changed, k_names[i]);
        is_good = is_good && (text == NULL || inet_pton(AF_INET6, text, &address) == 1);
    }
    const char *interface_id = wsman_get(changed, "ManualInterfaceID");
    is_good = is_good && (interface_id == NULL || strlen(interface_id) == 16);
    if (!is_good) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
    } else if (settings_keep(call->firmware, old, changed, wsman_get(old, "InstanceID")) !=
               AMT_OK) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
    } else {
        firmware_changed(call->firmware);
    }
}
