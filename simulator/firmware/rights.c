/* Who may do what to which class: wsman.md 3.2, 3.3, 5.2. */
#include <string.h>

#include "simulator/firmware/exchange.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/users.h"

#define ANYBODY 0xffu /* every authenticated user */

/* The default mapping of wsman.md 3.3, by the beginning of the class name; the first one that fits. A
 * behaviour's own realms go before it. */
static const struct {
    const char *prefix;
    uint8_t read, write;
} k_realms[] = {
    { "AMT_GeneralSettings", ANYBODY, REALM_ADMINISTRATION },
    { "CIM_SoftwareIdentity", ANYBODY, REALM_ADMINISTRATION },
    { "AMT_SetupAndConfigurationService", ANYBODY, REALM_ADMINISTRATION },
    { "IPS_HostBasedSetupService", ANYBODY, REALM_ADMINISTRATION },
    { "AMT_Boot", REALM_REMOTE_CONTROL, REALM_REMOTE_CONTROL },
    { "CIM_Boot", REALM_REMOTE_CONTROL, REALM_REMOTE_CONTROL },
    { "CIM_PowerManagement", REALM_REMOTE_CONTROL, REALM_REMOTE_CONTROL },
    { "IPS_PowerManagement", REALM_REMOTE_CONTROL, REALM_REMOTE_CONTROL },
    { "CIM_AssociatedPowerManagement", REALM_REMOTE_CONTROL, REALM_REMOTE_CONTROL },
    { "CIM_ServiceAvailableToElement", REALM_REMOTE_CONTROL, REALM_REMOTE_CONTROL },
    { "IPS_HostBootReason", REALM_REMOTE_CONTROL, REALM_REMOTE_CONTROL },
    { "AMT_RedirectionService", REALM_REDIRECTION, REALM_REDIRECTION },
    { "CIM_RedirectionService", REALM_REDIRECTION, REALM_REDIRECTION },
    { "CIM_KVMRedirectionSAP", REALM_REDIRECTION, REALM_REDIRECTION },
    { "IPS_KVMRedirectionSettingData", REALM_REDIRECTION, REALM_REDIRECTION },
    { "IPS_OptInService", REALM_REDIRECTION, REALM_REDIRECTION },
    { "AMT_MessageLog", REALM_EVENT_LOG_READER, REALM_EVENT_MANAGER },
    { "AMT_EventLogEntry", REALM_EVENT_LOG_READER, REALM_EVENT_MANAGER },
    { "CIM_FilterCollection", REALM_EVENT_MANAGER, REALM_EVENT_MANAGER },
    { "CIM_ListenerDestination", REALM_EVENT_MANAGER, REALM_EVENT_MANAGER },
    { "AMT_AuditLog", REALM_AUDIT_LOG, REALM_AUDIT_LOG },
    { "AMT_AuditPolicyRule", REALM_AUDIT_LOG, REALM_AUDIT_LOG },
    { "AMT_TimeSynchronizationService", ANYBODY, REALM_NETWORK_TIME },
    { "AMT_AgentPresence", REALM_AGENT_PRESENCE_REMOTE, REALM_AGENT_PRESENCE_REMOTE },
    { "AMT_SystemDefense", REALM_SYSTEM_DEFENSE, REALM_SYSTEM_DEFENSE },
    { "AMT_NetworkPortSystemDefense", REALM_SYSTEM_DEFENSE, REALM_SYSTEM_DEFENSE },
    { "AMT_AuthorizationService", REALM_ACL, REALM_ACL },
    { "CIM_Chassis", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_Card", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_Chip", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_BIOSElement", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_Processor", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_PhysicalMemory", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_PhysicalPackage", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_SystemPackaging", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_MediaAccessDevice", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "CIM_ComputerSystemPackage", REALM_HARDWARE_ASSET, REALM_ADMINISTRATION },
    { "AMT_AssetTable", REALM_HARDWARE_ASSET, REALM_HARDWARE_ASSET },
    { "", REALM_ADMINISTRATION, REALM_ADMINISTRATION },
};

static uint8_t realm_of(const struct firmware_call *call, bool is_write)
{
    const char *name = call->description->name;
    const struct profile_class *slot = firmware_profile_class(call->firmware->profile, name);
    const struct firmware_behaviour *behaviour = slot == NULL ? NULL : slot->behaviour;
    if (behaviour != NULL && (is_write ? behaviour->write_realm : behaviour->read_realm) != 0) {
        return is_write ? behaviour->write_realm : behaviour->read_realm;
    }
    size_t i = 0;
    while (strncmp(name, k_realms[i].prefix, strlen(k_realms[i].prefix)) != 0) {
        i++;
    }
    return is_write ? k_realms[i].write : k_realms[i].read;
}

static bool has_realm(const struct firmware_call *call, uint8_t realm)
{
    return realm == ANYBODY || users_may(call->user, (enum realm)realm);
}

/* The services of the host read all but who may log on and what was audited (wsman.md 5.4, 6.0). */
static bool may_look(const struct firmware_call *call, uint8_t realm)
{
    return has_realm(call, realm) ||
           (call->user->is_os_admin && realm != REALM_ACL && realm != REALM_AUDIT_LOG);
}

/* Before provisioning only setting up is possible (wsman.md 5.2). */
static bool is_setup_class(const char *name)
{
    static const char *const k_names[] = {
        "IPS_HostBasedSetupService",       "AMT_SetupAndConfigurationService",
        "AMT_ProvisioningCertificateHash", "AMT_TimeSynchronizationService",
        "AMT_AuthorizationService",        "AMT_GeneralSettings"
    };
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        if (strcmp(name, k_names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool firmware_may_read(struct firmware_call *call)
{
    if (!may_look(call, realm_of(call, false))) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return false;
    }
    return true;
}

bool firmware_may_write(struct firmware_call *call)
{
    if (!has_realm(call, realm_of(call, true)) ||
        (!legality_is_provisioned(call->firmware) && !is_setup_class(call->description->name))) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return false;
    }
    return true;
}

/* Methods that only look. */
static bool is_reading(const char *method)
{
    static const char *const k_prefixes[] = { "Get", "Read", "Position", "Enumerate",
                                              "CancelIteration" };
    for (size_t i = 0; i < sizeof k_prefixes / sizeof k_prefixes[0]; i++) {
        if (strncmp(method, k_prefixes[i], strlen(k_prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

bool firmware_may_call(struct firmware_call *call, const char *method)
{
    if (is_reading(method)) {
        return may_look(call, realm_of(call, false));
    }
    return has_realm(call, realm_of(call, true)) &&
           (legality_is_provisioned(call->firmware) || is_setup_class(call->description->name));
}
