/* The audit log, wsman.md 4.17. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_AUDIT_LOG_H
#define AMTLAB_SIMULATOR_FIRMWARE_AUDIT_LOG_H

#include "simulator/firmware/firmware_internal.h"

/* Applications and their events (MeshCentral shows them by these numbers). */
enum audit_application {
    AUDIT_SECURITY_ADMIN = 16,
    AUDIT_REMOTE_CONTROL = 17,
    AUDIT_REDIRECTION = 18,
    AUDIT_FIRMWARE_UPDATE = 19,
    AUDIT_AUDIT_LOG = 20,
    AUDIT_NETWORK_TIME = 21,
    AUDIT_NETWORK_ADMIN = 22,
    AUDIT_STORAGE_ADMIN = 23,
    AUDIT_EVENT_MANAGER = 24,
    AUDIT_SYSTEM_DEFENSE = 25,
    AUDIT_AGENT_PRESENCE = 26,
    AUDIT_WIRELESS = 27,
    AUDIT_ENDPOINT_ACCESS = 28,
    AUDIT_KVM = 29,
    AUDIT_USER_OPT_IN = 30,
    AUDIT_SCREEN_BLANKING = 32,
    AUDIT_WATCHDOG = 33
};
extern const struct firmware_part k_audit_log_part;
/* Who did it comes from call (NULL: the local system). data: ExtendedData, at most 255 bytes. */
void audit_log_add(struct firmware *firmware, const struct firmware_call *call,
                   enum audit_application application, uint16_t event, const void *data,
                   uint8_t data_len);
/* Whether the auditor has locked the device against unprovisioning (SetAuditLock). */
bool audit_log_blocks_unprovision(const struct firmware *firmware);

#endif
