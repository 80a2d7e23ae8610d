/* The audit log and the event log, record by record (wsman.md 4.17, 4.18). */
#ifndef AMTLAB_CLIENT_LOGS_H
#define AMTLAB_CLIENT_LOGS_H

#include "client/device.h"

struct client_audit_record {
    uint32_t application, event, initiator, time_s, location;
    const char *user, *address; /* "" */
    const uint8_t *extra;
    uint32_t extra_bytes;
    const char *raw;  /* base64 as received */
    bool is_readable; /* false: raw alone counts */
    struct client_audit_record *next;
};
/* All records, in the order of the device. False when it failed; what was read before stays. */
bool client_audit_log(struct client_device *device, struct client_audit_record **first,
                      uint32_t *count);
/* "Security Admin", ...; "unknown application" */
const char *client_audit_application(uint32_t application);
/* "digest", "kerberos", "local", "KVM"; "?" */
const char *client_audit_initiator(uint32_t initiator);

struct client_event_record {
    uint32_t time_s;
    uint8_t address, sensor_type, type, offset, source, severity, sensor, entity, entity_instance;
    uint8_t data[8];
    const char *raw;
    bool is_readable;
    struct client_event_record *next;
};
bool client_event_log(struct client_device *device, struct client_event_record **first,
                      uint32_t *count);
/* "critical", ... of the PET severity */
const char *client_event_severity(uint8_t severity);

#endif
