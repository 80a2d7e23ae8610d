#include "simulator/firmware/associations.h"

#include <string.h>

#include "simulator/firmware/legality.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/power.h"

#define AMT_SYSTEM  "Intel(r) AMT"
#define HOST_SYSTEM "ManagedSystem"

/* One end of an association: the instances of a class (of all its subclasses when `with_subclasses`),
 * or the one that has `name` as Name, InstanceID or DeviceID. */
struct end {
    const char *property, *class_name, *name;
    bool with_subclasses;
};
/* Every instance of one end with every instance of the other. */
struct rule {
    const char *class_name;
    struct end one, other;
};

static const struct rule k_rules[] = {
    /* systems and what they consist of */
    { "CIM_SystemDevice",
      { "GroupComponent", "CIM_ComputerSystem", HOST_SYSTEM, false },
      { "PartComponent", "CIM_Processor", NULL, false } },
    { "CIM_SystemDevice",
      { "GroupComponent", "CIM_ComputerSystem", HOST_SYSTEM, false },
      { "PartComponent", "CIM_MediaAccessDevice", NULL, false } },
    { "CIM_SystemDevice",
      { "GroupComponent", "CIM_ComputerSystem", HOST_SYSTEM, false },
      { "PartComponent", "CIM_Sensor", NULL, false } },
    { "CIM_SystemDevice",
      { "GroupComponent", "CIM_ComputerSystem", HOST_SYSTEM, false },
      { "PartComponent", "CIM_Fan", NULL, false } },
    { "CIM_SystemDevice",
      { "GroupComponent", "CIM_ComputerSystem", HOST_SYSTEM, false },
      { "PartComponent", "CIM_PowerSupply", NULL, false } },
    { "CIM_SystemDevice",
      { "GroupComponent", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "PartComponent", "CIM_NetworkPort", NULL, true } },
    { "CIM_SystemDevice",
      { "GroupComponent", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "PartComponent", "CIM_Watchdog", NULL, true } },
    { "CIM_SystemBIOS",
      { "GroupComponent", "CIM_ComputerSystem", HOST_SYSTEM, false },
      { "PartComponent", "CIM_BIOSElement", NULL, false } },
    { "CIM_BIOSFeatureBIOSElements",
      { "GroupComponent", "CIM_BIOSFeature", NULL, false },
      { "PartComponent", "CIM_BIOSElement", NULL, false } },
    { "CIM_InstalledSoftwareIdentity",
      { "System", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "InstalledSoftware", "CIM_SoftwareIdentity", NULL, false } },
    { "CIM_ElementSoftwareIdentity",
      { "Antecedent", "CIM_SoftwareIdentity", NULL, false },
      { "Dependent", "CIM_ComputerSystem", AMT_SYSTEM, false } },
    { "CIM_Realizes",
      { "Antecedent", "CIM_Chip", NULL, false },
      { "Dependent", "CIM_Processor", NULL, false } },
    /* services, access points, logs */
    { "CIM_HostedService",
      { "Antecedent", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "Dependent", "CIM_Service", NULL, true } },
    { "CIM_HostedAccessPoint",
      { "Antecedent", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "Dependent", "CIM_ServiceAccessPoint", NULL, true } },
    { "CIM_SAPAvailableForElement",
      { "AvailableSAP", "CIM_KVMRedirectionSAP", NULL, false },
      { "ManagedElement", "CIM_ComputerSystem", HOST_SYSTEM, false } },
    { "CIM_ServiceAccessBySAP",
      { "Antecedent", "CIM_RedirectionService", NULL, false },
      { "Dependent", "CIM_KVMRedirectionSAP", NULL, false } },
    { "CIM_RemoteAccessAvailableToElement",
      { "Antecedent", "CIM_RemoteServiceAccessPoint", NULL, true },
      { "Dependent", "CIM_ComputerSystem", AMT_SYSTEM, false } },
    { "CIM_DeviceSAPImplementation",
      { "Antecedent", "CIM_EthernetPort", NULL, false },
      { "Dependent", "IPS_LANEndpoint", NULL, false } },
    { "CIM_DeviceSAPImplementation",
      { "Antecedent", "CIM_WiFiPort", NULL, false },
      { "Dependent", "CIM_WiFiEndpoint", NULL, false } },
    { "CIM_ServiceAffectsElement",
      { "AffectingElement", "CIM_BootService", NULL, false },
      { "AffectedElement", "CIM_ComputerSystem", HOST_SYSTEM, false } },
    { "CIM_ServiceAffectsElement",
      { "AffectingElement", "AMT_WiFiPortConfigurationService", NULL, false },
      { "AffectedElement", "CIM_WiFiEndpoint", NULL, false } },
    { "CIM_UseOfLog",
      { "Antecedent", "CIM_Log", NULL, true },
      { "Dependent", "CIM_ComputerSystem", AMT_SYSTEM, false } },
    { "CIM_LogManagesRecord",
      { "Log", "AMT_MessageLog", NULL, false },
      { "Record", "AMT_EventLogEntry", NULL, false } },
    /* collections and policies */
    { "CIM_OwningCollectionElement",
      { "OwningElement", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "OwnedElement", "CIM_Collection", NULL, true } },
    { "CIM_MemberOfCollection",
      { "Collection", "AMT_TLSProtocolEndpointCollection", NULL, false },
      { "Member", "AMT_TLSProtocolEndpoint", NULL, false } },
    { "CIM_PolicySetInSystem",
      { "Antecedent", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "Dependent", "CIM_PolicyRule", NULL, true } },
    { "AMT_SystemDefensePolicyInService",
      { "Antecedent", "AMT_SystemDefenseService", NULL, false },
      { "Dependent", "AMT_SystemDefensePolicy", NULL, false } },
    { "CIM_OrderedComponent",
      { "GroupComponent", "CIM_BootConfigSetting", NULL, false },
      { "PartComponent", "CIM_BootSourceSetting", NULL, false } },
    { "CIM_ConcreteComponent",
      { "GroupComponent", "CIM_BootConfigSetting", NULL, false },
      { "PartComponent", "AMT_BootSettingData", NULL, false } },
    { "CIM_ElementConformsToProfile",
      { "ConformantStandard", "CIM_RegisteredProfile", NULL, false },
      { "ManagedElement", "CIM_ComputerSystem", NULL, false } },
    /* capabilities */
    { "CIM_ElementCapabilities",
      { "Capabilities", "AMT_BootCapabilities", NULL, false },
      { "ManagedElement", "CIM_ComputerSystem", HOST_SYSTEM, false } },
    { "CIM_ElementCapabilities",
      { "Capabilities", "CIM_PowerManagementCapabilities", NULL, false },
      { "ManagedElement", "CIM_PowerManagementService", NULL, false } },
    { "CIM_ElementCapabilities",
      { "Capabilities", "IPS_PowerManagementCapabilities", NULL, false },
      { "ManagedElement", "IPS_PowerManagementService", NULL, false } },
    { "CIM_ElementCapabilities",
      { "Capabilities", "AMT_RemoteAccessCapabilities", NULL, false },
      { "ManagedElement", "AMT_RemoteAccessService", NULL, false } },
    { "CIM_ElementCapabilities",
      { "Capabilities", "AMT_CryptographicCapabilities", NULL, false },
      { "ManagedElement", "CIM_ComputerSystem", AMT_SYSTEM, false } },
    { "CIM_ElementCapabilities",
      { "Capabilities", "AMT_GeneralSystemDefenseCapabilities", NULL, false },
      { "ManagedElement", "AMT_SystemDefenseService", NULL, false } },
    { "CIM_ElementCapabilities",
      { "Capabilities", "CIM_WiFiEndpointCapabilities", NULL, false },
      { "ManagedElement", "CIM_WiFiEndpoint", NULL, false } },
    { "CIM_ElementCapabilities",
      { "Capabilities", "CIM_WiFiPortCapabilities", NULL, false },
      { "ManagedElement", "CIM_WiFiPort", NULL, false } },
    /* setting data (wsman.md 4.25) */
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "SettingData", "AMT_GeneralSettings", NULL, false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_ComputerSystem", AMT_SYSTEM, false },
      { "SettingData", "AMT_SystemPowerScheme", NULL, false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_ComputerSystem", HOST_SYSTEM, false },
      { "SettingData", "CIM_BootConfigSetting", NULL, false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_ComputerSystem", HOST_SYSTEM, false },
      { "SettingData", "AMT_BootSettingData", NULL, false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_EthernetPort", NULL, false },
      { "SettingData", "AMT_EthernetPortSettings", "Intel(r) AMT Ethernet Port Settings 0",
        false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_WiFiPort", NULL, false },
      { "SettingData", "AMT_EthernetPortSettings", "Intel(r) AMT Ethernet Port Settings 1",
        false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_EthernetPort", NULL, false },
      { "SettingData", "IPS_IPv6PortSettings", "Intel(r) IPS IPv6 Settings 0", false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_WiFiPort", NULL, false },
      { "SettingData", "IPS_IPv6PortSettings", "Intel(r) IPS IPv6 Settings 1", false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_EthernetPort", NULL, false },
      { "SettingData", "IPS_IEEE8021xSettings", NULL, false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_WiFiEndpoint", NULL, false },
      { "SettingData", "CIM_WiFiEndpointSettings", NULL, false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "AMT_TLSProtocolEndpointCollection", NULL, false },
      { "SettingData", "AMT_TLSSettingData", NULL, false } },
    { "CIM_ElementSettingData",
      { "ManagedElement", "CIM_KVMRedirectionSAP", NULL, false },
      { "SettingData", "IPS_KVMRedirectionSettingData", NULL, false } },
};

/* --- the instances of an end --- */

static bool has_name(const struct wsman_instance *instance, const char *name)
{
    static const char *const k_names[] = { "Name", "InstanceID", "DeviceID" };
    for (size_t i = 0; i < sizeof k_names / sizeof *k_names; i++) {
        const char *text = wsman_get(instance, k_names[i]);
        if (text != NULL && strcmp(text, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The references to the instances of a class, as a list of values behind *last. */
static const struct wsman_value **add_refs(struct firmware_call *call, const char *class_name,
                                           const char *name, const struct wsman_value **last)
{
    struct wsman_instance *instance = firmware_instances(call, class_name);
    for (; instance != NULL; instance = instance->next) {
        if (strcmp(instance->class_name, class_name) != 0 ||
            (name != NULL && !has_name(instance, name))) {
            continue;
        }
        struct wsman_value *value = arena_alloc(call->arena, sizeof *value);
        if (value == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return last;
        }
        value->kind = WSMAN_REF;
        value->ref = firmware_ref_to(call, instance);
        *last = value;
        last = &value->next;
    }
    return last;
}

static const struct wsman_value *refs_of(struct firmware_call *call, const struct end *end)
{
    const struct wsman_value *first = NULL, **last = &first;
    if (!end->with_subclasses) {
        (void)add_refs(call, end->class_name, end->name, last);
        return first;
    }
    for (uint32_t i = 0; i < k_class_count; i++) {
        if (class_is_a(&k_classes[i], end->class_name) &&
            firmware_profile_class(call->firmware->profile, k_classes[i].name) != NULL) {
            last = add_refs(call, k_classes[i].name, end->name, last);
        }
    }
    return first;
}

/* --- the associations --- */

/* The port that an IPS_IPv6PortSettings reference belongs to; -1 for any other reference. */
static int ipv6_port(const struct wsman_ref *ref)
{
    const char *id = wsman_ref_selector(ref, "InstanceID");
    if (id == NULL || id[0] == '\0' || strcmp(ref->class_name, "IPS_IPv6PortSettings") != 0) {
        return -1;
    }
    return id[strlen(id) - 1] == '1' ? 1 : 0;
}

/* 1 it is, 2 it is not. Switchable are IPv6 and the power scheme; all else is always current. */
static void add_currency(struct firmware_call *call, struct wsman_instance *instance,
                         const struct wsman_ref *setting)
{
    const char *id = wsman_ref_selector(setting, "InstanceID");
    bool is_current = true;
    if (ipv6_port(setting) >= 0) {
        is_current = network_ipv6_is_on(call->firmware, (uint32_t)ipv6_port(setting));
    } else if (setting != NULL && strcmp(setting->class_name, "AMT_SystemPowerScheme") == 0) {
        is_current = id != NULL && strcmp(id, power_scheme(call->firmware)) == 0;
    }
    wsman_set_u64(instance, "IsCurrent", is_current ? 1 : 2);
    wsman_set_u64(instance, "IsNext", is_current ? 1 : 2);
}

static struct wsman_instance *make(struct firmware_call *call, const struct rule *rule,
                                   const struct wsman_value *one, const struct wsman_value *other)
{
    struct wsman_instance *instance = wsman_instance_new(call->arena, rule->class_name);
    wsman_set_ref(instance, rule->one.property, one->ref);
    wsman_set_ref(instance, rule->other.property, other->ref);
    if (strcmp(rule->class_name, "CIM_ElementSettingData") == 0) {
        add_currency(call, instance, other->ref);
    }
    if (instance == NULL || instance->failed) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
        return NULL;
    }
    return instance;
}

static struct wsman_instance **apply(struct firmware_call *call, const struct rule *rule,
                                     struct wsman_instance **last)
{
    const struct wsman_value *others = refs_of(call, &rule->other);
    uint64_t sequence = 0;
    for (const struct wsman_value *one = refs_of(call, &rule->one); one != NULL; one = one->next) {
        for (const struct wsman_value *other = others; other != NULL; other = other->next) {
            *last = make(call, rule, one, other);
            if (*last == NULL) {
                return last;
            }
            if (strcmp(rule->class_name, "CIM_OrderedComponent") == 0) {
                sequence += 1;
                wsman_set_u64(*last, "AssignedSequence", sequence);
            }
            last = &(*last)->next;
        }
    }
    return last;
}

static struct wsman_instance *associations(struct firmware_call *call, const char *class_name)
{
    struct wsman_instance *first = NULL, **last = &first;
    for (size_t i = 0; i < sizeof k_rules / sizeof *k_rules; i++) {
        if (strcmp(k_rules[i].class_name, class_name) == 0 && call->fault == WSMAN_OK) {
            last = apply(call, &k_rules[i], last);
        }
    }
    return first;
}

/* Switches IPv6, the one setting that a client makes current here (wsman.md 4.25, MeshCommander). */
static void put_setting(struct firmware_call *call, const struct wsman_instance *old,
                        const struct wsman_instance *changed)
{
    int port = ipv6_port(wsman_get_ref(old, "SettingData"));
    uint64_t was = wsman_get_u64(old, "IsCurrent", 0);
    uint64_t next = wsman_get_u64(changed, "IsNext", was);
    uint64_t wanted = next != was ? next : wsman_get_u64(changed, "IsCurrent", was);
    if (!legality_is_provisioned(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    if (wanted == was) {
        return;
    }
    if (port < 0 || (wanted != 1 && wanted != 2)) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    network_ipv6_switch(call->firmware, (uint32_t)port, wanted == 1);
}

/* --- inventory is profile data (wsman.md 4.23) --- */

static uint32_t update_media_table(struct firmware_call *call, const struct wsman_instance *target,
                                   const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    /* the BIOS gives its tables while the machine starts; here they are always fresh */
    return legality_is_provisioned(call->firmware) ? PT_SUCCESS : legality_deny(call, false);
}

static const struct firmware_method k_asset_methods[] = {
    { "RequestMediaDeviceTableUpdate", update_media_table },
    { NULL, NULL },
};

#define ASSOCIATION(name)                                                 \
    static struct wsman_instance *list_##name(struct firmware_call *call) \
    {                                                                     \
        return associations(call, #name);                                 \
    }
ASSOCIATION(CIM_SystemDevice)
ASSOCIATION(CIM_SystemBIOS)
ASSOCIATION(CIM_BIOSFeatureBIOSElements)
ASSOCIATION(CIM_InstalledSoftwareIdentity)
ASSOCIATION(CIM_ElementSoftwareIdentity)
ASSOCIATION(CIM_Realizes)
ASSOCIATION(CIM_HostedService)
ASSOCIATION(CIM_HostedAccessPoint)
ASSOCIATION(CIM_SAPAvailableForElement)
ASSOCIATION(CIM_ServiceAccessBySAP)
ASSOCIATION(CIM_RemoteAccessAvailableToElement)
ASSOCIATION(CIM_DeviceSAPImplementation)
ASSOCIATION(CIM_ServiceAffectsElement)
ASSOCIATION(CIM_UseOfLog)
ASSOCIATION(CIM_LogManagesRecord)
ASSOCIATION(CIM_OwningCollectionElement)
ASSOCIATION(CIM_MemberOfCollection)
ASSOCIATION(CIM_PolicySetInSystem)
ASSOCIATION(AMT_SystemDefensePolicyInService)
ASSOCIATION(CIM_OrderedComponent)
ASSOCIATION(CIM_ConcreteComponent)
ASSOCIATION(CIM_ElementConformsToProfile)
ASSOCIATION(CIM_ElementCapabilities)
ASSOCIATION(CIM_ElementSettingData)

#define LIST(name)                                 \
    {                                              \
        .class_name = #name, .list = (list_##name) \
    }
static const struct firmware_behaviour k_behaviours[] = {
    LIST(CIM_SystemDevice),
    LIST(CIM_SystemBIOS),
    LIST(CIM_BIOSFeatureBIOSElements),
    LIST(CIM_InstalledSoftwareIdentity),
    LIST(CIM_ElementSoftwareIdentity),
    LIST(CIM_Realizes),
    LIST(CIM_HostedService),
    LIST(CIM_HostedAccessPoint),
    LIST(CIM_SAPAvailableForElement),
    LIST(CIM_ServiceAccessBySAP),
    LIST(CIM_RemoteAccessAvailableToElement),
    LIST(CIM_DeviceSAPImplementation),
    LIST(CIM_ServiceAffectsElement),
    LIST(CIM_UseOfLog),
    LIST(CIM_LogManagesRecord),
    LIST(CIM_OwningCollectionElement),
    LIST(CIM_MemberOfCollection),
    LIST(CIM_PolicySetInSystem),
    LIST(AMT_SystemDefensePolicyInService),
    LIST(CIM_OrderedComponent),
    LIST(CIM_ConcreteComponent),
    LIST(CIM_ElementConformsToProfile),
    LIST(CIM_ElementCapabilities),
    { .class_name = "CIM_ElementSettingData",
      .list = list_CIM_ElementSettingData,
      .put = put_setting },
    { .class_name = "AMT_AssetTableService", .methods = k_asset_methods },
    { .class_name = NULL },
};

const struct firmware_part k_inventory_part = {
    .name = "inventory",
    .behaviours = k_behaviours,
};
