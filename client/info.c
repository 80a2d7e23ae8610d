#include "client/info.h"

#include <string.h>

#include "base/uuid.h"
#include "client/power.h"

const struct client_info_part k_client_info_parts[] = {
    { "general", "AMT_GeneralSettings", false, "host and domain name, digest realm" },
    { "setup", "AMT_SetupAndConfigurationService", false, "provisioning" },
    { "mode", "IPS_HostBasedSetupService", false, "control mode" },
    { "software", "CIM_SoftwareIdentity", true, "versions of the firmware's parts" },
    { "network", "AMT_EthernetPortSettings", true, "wired and wireless port" },
    { "tls", "AMT_TLSSettingData", true, "TLS of network and host" },
    { "redirection", "AMT_RedirectionService", false, "SOL and storage redirection" },
    { "kvm", "CIM_KVMRedirectionSAP", false, "KVM" },
    { "consent", "IPS_OptInService", false, "user consent" },
    { "system", "CIM_ComputerSystemPackage", false, "UUID" },
    { "chassis", "CIM_Chassis", false, "manufacturer, model, serial number" },
    { "board", "CIM_Card", false, "board" },
    { "bios", "CIM_BIOSElement", false, "BIOS" },
    { "processor", "CIM_Processor", true, "processors" },
    { "memory", "CIM_PhysicalMemory", true, "memory modules" },
    { "media", "CIM_MediaAccessDevice", true, "disks" },
    { "certificates", "AMT_PublicKeyCertificate", true, "certificates" },
    { NULL, NULL, false, NULL },
};

bool client_info_read(struct client_device *d, const struct client_info_part *part,
                      struct wsman_instance **items, bool *is_absent)
{
    *is_absent = false;
    bool is_done = false;
    if (part->is_list) {
        is_done = client_enumerate(d, part->class_name, items);
    } else {
        *items = client_get(d, part->class_name, NULL, NULL);
        is_done = *items != NULL;
    }
    if (!is_done && client_is_absent(d)) {
        *is_absent = true;
        return true;
    }
    return is_done;
}

const char *client_uuid_of_guid(struct arena *arena, const char *guid)
{
    uint8_t wire[16];
    size_t len = 0;
    struct uuid uuid;
    char text[UUID_TEXT_BYTES];
    if (guid == NULL || text_parse_hex(guid, wire, sizeof wire, &len) != AMT_OK ||
        len != sizeof wire) {
        return NULL;
    }
    uuid_from_wire(wire, &uuid);
    uuid_format(&uuid, text);
    return arena_text(arena, text, strlen(text));
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void note_failure(const struct client_device *d, struct client_summary *s, bool *goes_on)
{
    enum wsman_result result = d->outcome.result;
    *goes_on = result == WSMAN_FAULTED || result == WSMAN_HTTP || result == WSMAN_GARBLED ||
               result == WSMAN_DONE;
    s->absent += 1;
}

/* A Get whose absence is counted; *goes_on false: the device cannot be asked any more. */
static const struct wsman_instance *ask(struct client_device *d, struct client_summary *s,
                                        const char *class_name, bool *goes_on)
{
    const struct wsman_instance *instance = *goes_on ? client_get(d, class_name, NULL, NULL) : NULL;
    if (*goes_on && instance == NULL) {
        note_failure(d, s, goes_on);
    }
    return instance;
}

static void read_software(struct client_device *d, struct client_summary *s, bool *goes_on)
{
    struct wsman_instance *items = NULL;
    if (*goes_on && !client_enumerate(d, "CIM_SoftwareIdentity", &items)) {
        note_failure(d, s, goes_on);
    }
    for (const struct wsman_instance *at = items; at != NULL; at = at->next) {
        const char *id = or_empty(wsman_get(at, "InstanceID"));
        const char *version = or_empty(wsman_get(at, "VersionString"));
        if (strcmp(id, "AMT") == 0) {
            s->version = version;
        } else if (strcmp(id, "Build Number") == 0) {
            s->build = version;
        } else if (strcmp(id, "Sku") == 0) {
            s->sku = version;
        }
    }
}

static void read_network(struct client_device *d, struct client_summary *s, bool *goes_on)
{
    struct wsman_instance *items = NULL;
    if (*goes_on && !client_enumerate(d, "AMT_EthernetPortSettings", &items)) {
        note_failure(d, s, goes_on);
    }
    for (const struct wsman_instance *at = items; at != NULL; at = at->next) {
        const char *mac = or_empty(wsman_get(at, "MACAddress"));
        bool is_up = wsman_get_bool(at, "LinkIsUp", false);
        /* Wi-Fi-only machines show a wired port without an address (wsman.md 4.5). */
        if (mac[0] != '\0' && (s->mac[0] == '\0' || (is_up && !s->link_is_up))) {
            s->mac = mac;
            s->address = or_empty(wsman_get(at, "IPAddress"));
            s->link_is_up = is_up;
        }
    }
}

static const char *mode_name(const struct wsman_instance *service)
{
    static const char *const k_names[] = { "not provisioned", "client control", "admin control" };
    uint64_t mode = wsman_get_u64(service, "CurrentControlMode", UINT64_MAX);
    return mode < 3 ? k_names[mode] : "";
}

static void read_hardware(struct client_device *d, struct client_summary *s, bool *goes_on)
{
    const struct wsman_instance *system = ask(d, s, "CIM_ComputerSystemPackage", goes_on);
    s->uuid = or_empty(client_uuid_of_guid(d->arena, wsman_get(system, "PlatformGUID")));
    const struct wsman_instance *chassis = ask(d, s, "CIM_Chassis", goes_on);
    s->manufacturer = or_empty(wsman_get(chassis, "Manufacturer"));
    s->model = or_empty(wsman_get(chassis, "Model"));
    s->serial = or_empty(wsman_get(chassis, "SerialNumber"));
    s->bios = or_empty(wsman_get(ask(d, s, "CIM_BIOSElement", goes_on), "Version"));
}

bool client_summary_read(struct client_device *d, struct client_summary *s)
{
    bool goes_on = true;
    struct client_power power;
    *s = (struct client_summary){ .version = "",
                                  .build = "",
                                  .sku = "",
                                  .host = "",
                                  .domain = "",
                                  .realm = "",
                                  .uuid = "",
                                  .mode = "",
                                  .mac = "",
                                  .address = "",
                                  .model = "",
                                  .serial = "",
                                  .manufacturer = "",
                                  .bios = "",
                                  .power = "" };
    const struct wsman_instance *general = ask(d, s, "AMT_GeneralSettings", &goes_on);
    if (!goes_on) {
        return false;
    }
    s->host = or_empty(wsman_get(general, "HostName"));
    s->domain = or_empty(wsman_get(general, "DomainName"));
    s->realm = or_empty(wsman_get(general, "DigestRealm"));
    s->mode = mode_name(ask(d, s, "IPS_HostBasedSetupService", &goes_on));
    read_software(d, s, &goes_on);
    read_network(d, s, &goes_on);
    read_hardware(d, s, &goes_on);
    if (goes_on && client_power_read(d, &power)) {
        s->power = client_power_state_name(power.state);
    }
    return goes_on;
}
