/* The event (message) log, wsman.md 4.18. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_EVENT_LOG_H
#define AMTLAB_SIMULATOR_FIRMWARE_EVENT_LOG_H

#include "simulator/firmware/firmware_internal.h"

#define EVENT_LOG_RECORDS_MAX 390u
#define EVENT_RECORD_BYTES    21u

/* Without the time, which is the device's. */
struct event_record {
    uint8_t device_address, sensor_type, type, offset, source_type, severity, sensor_number, entity,
        entity_instance;
    uint8_t data[8];
};
extern const struct firmware_part k_event_log_part;
/* Appends (the oldest goes when it is full; nothing when frozen) and raises the alert that
 * subscribers get. */
void event_log_add(struct firmware *firmware, const struct event_record *record);
/* Firmware progress: "started", "disk", "bios" (setup), "pxe", "wake", "os"; others are unspecified. */
void event_log_boot(struct firmware *firmware, const char *what);
/* So many logons in a row have failed. */
void event_log_auth_failed(struct firmware *firmware, uint32_t times);

#endif
