/* Answers of the host interface that WS-Man gives as well: taken from the same instances (mei.md 4.10). */
#include <arpa/inet.h>
#include <string.h>

#include "simulator/firmware/consent.h"
#include "simulator/firmware/identity.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/remote_access_internal.h"
#include "simulator/firmware/tls_settings.h"
#include "simulator/host/pthi_internal.h"

#define VERSION_CHARS_MAX 19u /* MEI-026: one older reader wants a 0 behind */
#define DHCP_STATIC       1u
#define DHCP_ENABLED      2u
#define DHCP_ACTIVE       1u
#define DHCP_PASSIVE      2u
#define REMOTE_CONNECTING 1u
#define REMOTE_CONNECTED  2u

/* As a Get by the host shows them. */
static const struct wsman_instance *instances(struct pthi_exchange *x, const char *class_name)
{
    static const struct firmware_user k_host = { .name = "$$OsAdmin", .is_os_admin = true };
    static const struct wsman_request k_request = { .operation = WSMAN_GET,
                                                    .message_id = "",
                                                    .class_name = "",
                                                    .resource_uri = "",
                                                    .action = "",
                                                    .method = "" };
    const struct profile_class *slot = firmware_profile_class(x->firmware->profile, class_name);
    struct firmware_call call = { .firmware = x->firmware,
                                  .arena = &x->arena,
                                  .user = &k_host,
                                  .door = FIRMWARE_LOCAL,
                                  .peer = "",
                                  .request = &k_request };
    if (slot == NULL) {
        return NULL;
    }
    call.description = slot->description;
    return firmware_instances(&call, class_name);
}

static const char *text_of(const struct wsman_instance *instance, const char *property)
{
    const char *text = instance == NULL ? NULL : wsman_get(instance, property);
    return text == NULL ? "" : text;
}

static const struct wsman_instance *port(struct pthi_exchange *x, uint32_t number)
{
    static const char *const k_ids[] = { "Intel(r) AMT Ethernet Port Settings 0",
                                         "Intel(r) AMT Ethernet Port Settings 1" };
    const struct wsman_instance *at = instances(x, "AMT_EthernetPortSettings");
    while (at != NULL && number < 2 && strcmp(text_of(at, "InstanceID"), k_ids[number]) != 0) {
        at = at->next;
    }
    return number < 2 ? at : NULL;
}

/* Most significant byte first, as the interface counts; 0 for none. */
static uint32_t ipv4(const char *text)
{
    struct in_addr address;
    return inet_pton(AF_INET, text, &address) == 1 ? ntohl(address.s_addr) : 0;
}

/* xx-xx-xx-xx-xx-xx */
static void read_mac(const char *text, uint8_t mac[static 6])
{
    struct text digits = { 0 };
    size_t len = 0;
    for (; *text != '\0'; text++) {
        if (*text != '-' && *text != ':') {
            text_append(&digits, text, 1);
        }
    }
    if (text_parse_hex(text_chars(&digits), mac, 6, &len) != AMT_OK || len != 6) {
        memset(mac, 0, 6);
    }
    text_fini(&digits);
}

static void put_version(struct pthi_versions *versions, const char *name, const char *version)
{
    if (versions->count == PTHI_VERSIONS_MAX || name[0] == '\0' || version[0] == '\0') {
        return;
    }
    struct pthi_version *entry = &versions->entries[versions->count++];
    size_t name_len = strlen(name), version_len = strlen(version);
    memcpy(entry->name, name, name_len > VERSION_CHARS_MAX ? VERSION_CHARS_MAX : name_len);
    memcpy(entry->version, version,
           version_len > VERSION_CHARS_MAX ? VERSION_CHARS_MAX : version_len);
}

/* MEI-026 */
uint32_t pthi_code_versions(struct pthi_exchange *x)
{
    struct pthi_versions *versions = &x->response->versions;
    const char *bios = text_of(instances(x, "CIM_BIOSElement"), "Version");
    size_t len = strlen(bios);
    memcpy(versions->bios, bios, len >= PTHI_BIOS_BYTES ? PTHI_BIOS_BYTES - 1 : len);
    const struct wsman_instance *at = instances(x, "CIM_SoftwareIdentity");
    for (; at != NULL; at = at->next) {
        put_version(versions, text_of(at, "InstanceID"), text_of(at, "VersionString"));
    }
    return versions->count == 0 ? PTHI_NOT_READY : PTHI_SUCCESS;
}

/* MEI-032. The wired port asks DHCP itself when it has an address of its own; the wireless one listens to
 * what the host asks. */
uint32_t pthi_lan_interface(struct pthi_exchange *x)
{
    const struct wsman_instance *settings = port(x, x->request->number);
    struct pthi_lan *lan = &x->response->lan;
    bool is_there = x->request->number == 0 ? x->firmware->profile->config.has_wired
                                            : x->firmware->profile->config.has_wireless;
    if (settings == NULL) {
        return PTHI_INVALID_PARAMETER;
    }
    lan->is_enabled = is_there && provisioning_network_is_on(x->firmware) ? 1 : 0;
    lan->ipv4 = ipv4(text_of(settings, "IPAddress"));
    lan->dhcp_is_enabled = wsman_get_bool(settings, "DHCPEnabled", false) ? 1 : 0;
    lan->dhcp_mode = x->request->number == 0 ? DHCP_ACTIVE : DHCP_PASSIVE;
    lan->link = wsman_get_bool(settings, "LinkIsUp", false) ? 1 : 0;
    read_mac(text_of(settings, "MACAddress"), lan->mac);
    return PTHI_SUCCESS;
}

uint32_t pthi_tcpip_parameters(struct pthi_exchange *x)
{
    const struct wsman_instance *settings = port(x, 0);
    bool has_dhcp = wsman_get_bool(settings, "DHCPEnabled", true);
    pthi_text(x, text_of(instances(x, "AMT_GeneralSettings"), "DomainName"));
    return pthi_numbers(
        x, 6, has_dhcp ? DHCP_ENABLED : DHCP_STATIC, ipv4(text_of(settings, "IPAddress")),
        ipv4(text_of(settings, "SubnetMask")), ipv4(text_of(settings, "DefaultGateway")),
        ipv4(text_of(settings, "PrimaryDNS")), ipv4(text_of(settings, "SecondaryDNS")));
}

uint32_t pthi_mac_addresses(struct pthi_exchange *x)
{
    uint8_t macs[12] = { 0 };
    read_mac(text_of(port(x, 0), "MACAddress"), macs);
    memcpy(macs + 6, macs, 6); /* AMT and the host share the port */
    x->response->bytes = (struct view){ .off = 0, .len = sizeof macs };
    text_append(&x->bytes, (const char *)macs, sizeof macs);
    return PTHI_SUCCESS;
}

uint32_t pthi_fqdn(struct pthi_exchange *x)
{
    const struct wsman_instance *general = instances(x, "AMT_GeneralSettings");
    const char *host = text_of(general, "HostName"), *domain = text_of(general, "DomainName");
    struct text fqdn = { 0 };
    text_printf(&fqdn, "%s%s%s", host, host[0] != '\0' && domain[0] != '\0' ? "." : "", domain);
    pthi_text(x, text_chars(&fqdn));
    text_fini(&fqdn);
    return pthi_numbers(x, 5, (uint32_t)wsman_get_bool(general, "SharedFQDN", true),
                        (uint32_t)wsman_get_bool(general, "DDNSUpdateEnabled", false),
                        (uint32_t)wsman_get_u64(general, "DDNSPeriodicUpdateInterval", 0),
                        (uint32_t)wsman_get_u64(general, "DDNSTTL", 0), (uint32_t)strlen(host));
}

/* The domains of environment detection, each with a 0 behind it. */
uint32_t pthi_dns_suffix_list(struct pthi_exchange *x)
{
    const struct wsman_instance *detection = instances(x, "AMT_EnvironmentDetectionSettingData");
    const struct wsman_value *value =
        detection == NULL ? NULL : wsman_get_values(detection, "DetectionStrings");
    for (; value != NULL; value = value->next) {
        text_append(&x->bytes, value->text, strlen(value->text) + 1);
    }
    x->response->bytes.len = (uint32_t)x->bytes.len;
    return PTHI_SUCCESS;
}

uint32_t pthi_power_policy(struct pthi_exchange *x)
{
    const char *in_force = power_scheme(x->firmware);
    const struct wsman_instance *at = instances(x, "AMT_SystemPowerScheme");
    while (at != NULL && strcmp(text_of(at, "InstanceID"), in_force) != 0) {
        at = at->next;
    }
    pthi_text(x, text_of(at, "Description"));
    return PTHI_SUCCESS;
}

uint32_t pthi_redirection(struct pthi_exchange *x)
{
    uint32_t bits = 0;
    bits |= redirection_is_enabled(x->firmware, REDIRECTION_SOL) ? 1u : 0;
    bits |= redirection_is_enabled(x->firmware, REDIRECTION_IDER) ? 2u : 0;
    bits |= redirection_is_enabled(x->firmware, REDIRECTION_KVM) ? 4u : 0;
    return pthi_numbers(x, 1, bits);
}

static bool is_waiting_for_consent(const struct firmware *firmware)
{
    return consent_state(firmware) == CONSENT_REQUESTED ||
           consent_state(firmware) == CONSENT_DISPLAYED;
}

/* System defense and access control are not told apart from the network here: not active. */
uint32_t pthi_features(struct pthi_exchange *x)
{
    enum { SESSIONS, SYSTEM_DEFENSE, WEB_UI, ENDPOINT_ACCESS, KVM };
    uint32_t feature = x->request->number, first = 0, second = 0;
    switch (feature) {
    case SESSIONS:
        first = redirection_is_open(x->firmware, REDIRECTION_IDER) ? 1 : 0;
        second = redirection_is_open(x->firmware, REDIRECTION_SOL) ? 1 : 0;
        break;
    case WEB_UI:
        first = provisioning_state(x->firmware) == PROVISIONING_POST ? 1 : 0;
        break;
    case KVM:
        first = (redirection_is_open(x->firmware, REDIRECTION_KVM) ? 1u : 0) |
                (is_waiting_for_consent(x->firmware) ? 2u : 0);
        break;
    case SYSTEM_DEFENSE:
    case ENDPOINT_ACCESS:
        break;
    default:
        return PTHI_INVALID_PARAMETER;
    }
    return pthi_numbers(x, 4, feature, first, second, 0u);
}

/* MEI-033 */
uint32_t pthi_remote_access(struct pthi_exchange *x)
{
    static const uint32_t k_places[] = {
        [REMOTE_ACCESS_INSIDE] = 0, [REMOTE_ACCESS_OUTSIDE] = 2, [REMOTE_ACCESS_UNKNOWN] = 3
    };
    const struct remote_access *r = x->firmware->remote_access;
    uint32_t place = k_places[remote_access_place(x->firmware)];
    struct remote_access_target target;
    bool has_target =
        r->is_tunnel_up && remote_access_target(x->firmware, r->last_trigger, r->last_at, &target);
    pthi_text(x, has_target && target.access_info != NULL ? target.access_info : "");
    return pthi_numbers(x, 3, place,
                        r->is_tunnel_up ? REMOTE_CONNECTED
                        : r->is_calling ? REMOTE_CONNECTING
                                        : 0u,
                        r->is_tunnel_up ? (uint32_t)r->last_trigger : 0u);
}

uint32_t pthi_security_parameters(struct pthi_exchange *x)
{
    const struct firmware *firmware = x->firmware;
    return pthi_numbers(
        x, PTHI_NUMBERS_MAX, 1u, (uint32_t)tls_settings_enabled(firmware, FIRMWARE_NETWORK), 1u,
        (uint32_t)provisioning_state(firmware), (uint32_t)provisioning_network_is_on(firmware),
        (uint32_t)redirection_is_enabled(firmware, REDIRECTION_SOL),
        (uint32_t)redirection_is_enabled(firmware, REDIRECTION_IDER), 0u,
        (uint32_t)wsman_get_bool(port(x, 0), "LinkIsUp", false),
        (uint32_t)redirection_is_enabled(firmware, REDIRECTION_KVM), 0u, 0u, 0u, 0u, 0u, 0u, 0u);
}
