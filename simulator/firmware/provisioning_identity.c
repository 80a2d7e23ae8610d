/* What the device says it is: general settings, software, UUID (wsman.md 4.1). */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/settings.h"

#define GENERAL               "AMT_GeneralSettings"
#define HOST_NAME_MAX_CHARS   63u
#define DOMAIN_NAME_MAX_CHARS 192u
#define DDNS_INTERVAL_MIN     20u /* minutes; 0 switches it off */
#define PRESENCE_INTERVAL_MIN 15u

/* Events of the network administration application in the audit log. */
enum network_event { HOST_NAME_SET = 1, DOMAIN_NAME_SET = 2 };

static void set_unless_written(struct firmware_call *call, struct wsman_instance *instance,
                               const char *property, const char *configured)
{
    if (configured != NULL && configured[0] != 0 &&
        settings_get(call->firmware, GENERAL, firmware_instance_key(instance), property) == NULL) {
        wsman_set(instance, property, configured);
    }
}

void provisioning_fill_general(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct firmware_config *config = &call->firmware->profile->config;
    wsman_set(instance, "DigestRealm", call->firmware->provisioning->realm); /* WSM-013 */
    set_unless_written(call, instance, "DomainName", config->domain_name);
    set_unless_written(call, instance, "HostName", config->host_name);
}

bool provisioning_keep(struct firmware_call *call, const struct wsman_instance *old,
                       const struct wsman_instance *changed)
{
    struct wsman_instance *kept = wsman_instance_copy(call->arena, old);
    for (const struct wsman_property *p = changed->first; p != NULL; p = p->next) {
        const struct class_property *property = class_property_find(call->description, p->name);
        if (property != NULL && property->is_writable) {
            wsman_set_values(kept, property->name, p->values);
        }
    }
    if (kept == NULL || kept->failed ||
        settings_keep(call->firmware, old, kept, firmware_instance_key(old)) != AMT_OK) {
        firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        return false;
    }
    return true;
}

bool provisioning_network_is_on(const struct firmware *firmware)
{
    const char *written = settings_get(firmware, GENERAL, "", "AMTNetworkEnabled");
    return written == NULL || strcmp(written, "0") != 0;
}

/* The answer may leave through what goes now. */
static void network_switched(struct firmware *firmware)
{
    if (!provisioning_network_is_on(firmware) && firmware->hooks.close_tunnel != NULL) {
        firmware->hooks.close_tunnel(firmware->hooks.ctx);
    }
    if (firmware->hooks.listeners_changed != NULL) {
        firmware->hooks.listeners_changed(firmware->hooks.ctx);
    }
    if (firmware->hooks.remote_access_changed != NULL) {
        firmware->hooks.remote_access_changed(firmware->hooks.ctx);
    }
}

static bool is_zero_or_at_least(const struct wsman_instance *instance, const char *property,
                                uint64_t least)
{
    uint64_t value = wsman_get_u64(instance, property, 0);
    return value == 0 || value >= least;
}

static bool is_short_enough(const struct wsman_instance *instance, const char *property, size_t max)
{
    const char *text = wsman_get(instance, property);
    return text == NULL || strlen(text) <= max;
}

static bool is_other(const struct wsman_instance *old, const struct wsman_instance *changed,
                     const char *property)
{
    const char *before = wsman_get(old, property), *now = wsman_get(changed, property);
    return strcmp(before == NULL ? "" : before, now == NULL ? "" : now) != 0;
}

static void tell_audit_log(struct firmware_call *call, enum network_event event, const char *name)
{
    size_t len = name == NULL ? 0 : strlen(name);
    audit_log_add(call->firmware, call, AUDIT_NETWORK_ADMIN, (uint16_t)event, name, (uint8_t)len);
}

void provisioning_put_general(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed)
{
    bool is_valid =
        is_zero_or_at_least(changed, "DDNSPeriodicUpdateInterval", DDNS_INTERVAL_MIN) &&
        is_zero_or_at_least(changed, "PresenceNotificationInterval", PRESENCE_INTERVAL_MIN) &&
        wsman_get_u64(changed, "AMTNetworkEnabled", 1) <= 1 &&
        is_short_enough(changed, "HostName", HOST_NAME_MAX_CHARS) &&
        is_short_enough(changed, "DomainName", DOMAIN_NAME_MAX_CHARS);
    if (!is_valid) {
        firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 36");
        return;
    }
    if (!provisioning_keep(call, old, changed)) {
        return;
    }
    if (is_other(old, changed, "AMTNetworkEnabled")) {
        call->afterwards = network_switched;
    }
    if (is_other(old, changed, "HostName")) {
        tell_audit_log(call, HOST_NAME_SET, wsman_get(changed, "HostName"));
    }
    if (is_other(old, changed, "DomainName")) {
        tell_audit_log(call, DOMAIN_NAME_SET, wsman_get(changed, "DomainName"));
    }
    firmware_changed(call->firmware);
}

/* How long the first three parts of "16.1.25.2124" are, and where the fourth begins. */
static size_t three_parts(const char *version, const char **fourth)
{
    const char *at = version;
    for (uint32_t dots = 0; *at != 0; at++) {
        if (*at == '.' && ++dots == 3) {
            *fourth = at + 1;
            return (size_t)(at - version);
        }
    }
    *fourth = "0";
    return (size_t)(at - version);
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (size_t i = 0; name != NULL && names[i] != NULL; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* WSM-072: three parts of the version that the Server header tells. */
void provisioning_fill_software(struct firmware_call *call, struct wsman_instance *instance)
{
    static const char *const k_versions[] = { "AMT",      "AMTApps",          "Flash",
                                              "Netstack", "Recovery Version", "AMT FW Core Version",
                                              NULL };
    static const char *const k_builds[] = { "Build Number", "Recovery Build Num", NULL };
    const struct firmware_config *config = &call->firmware->profile->config;
    const char *id = wsman_get(instance, "InstanceID"), *fourth = NULL;
    size_t len = three_parts(config->version, &fourth);
    if (is_one_of(id, k_versions)) {
        wsman_set(instance, "VersionString", arena_text(call->arena, config->version, len));
    } else if (is_one_of(id, k_builds)) {
        wsman_set(instance, "VersionString",
                  config->build_number == NULL ? fourth : config->build_number);
    } else if (id != NULL && strcmp(id, "Sku") == 0) {
        wsman_set_u64(instance, "VersionString", config->sku);
    }
}

/* The host and the engine (wsman.md 4.1). */
struct wsman_instance *provisioning_list_systems(struct firmware_call *call)
{
    struct wsman_instance *host = firmware_instance_new(call, "CIM_ComputerSystem");
    struct wsman_instance *engine = firmware_instance_new(call, "CIM_ComputerSystem");
    wsman_set(host, "Name", "ManagedSystem");
    wsman_set(engine, "Name", "Intel(r) AMT");
    if (host != NULL) {
        host->next = engine;
    }
    return host;
}

/* WSM-106: 32 upper-case digits in the order of SMBIOS. */
void provisioning_fill_package(struct firmware_call *call, struct wsman_instance *instance)
{
    static const char k_digits[] = "0123456789ABCDEF";
    uint8_t wire[16];
    char guid[2 * sizeof wire + 1] = "";
    uuid_to_wire(&call->firmware->uuid, wire);
    for (size_t i = 0; i < sizeof wire; i++) {
        guid[2 * i] = k_digits[wire[i] >> 4];
        guid[2 * i + 1] = k_digits[wire[i] & 15];
    }
    wsman_set(instance, "PlatformGUID", guid);
}
