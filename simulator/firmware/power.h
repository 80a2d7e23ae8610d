/* Host power and the simulated host (booting, BIOS, operating system, hung, off, asleep). */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_POWER_H
#define AMTLAB_SIMULATOR_FIRMWARE_POWER_H

#include "simulator/firmware/firmware_internal.h"

/* What the host is doing. */
enum firmware_host {
    HOST_OFF,
    HOST_BOOTING,
    HOST_BIOS, /* in BIOS setup */
    HOST_OS,
    HOST_HUNG,
    HOST_ASLEEP,    /* S3 */
    HOST_HIBERNATED /* S4 */
};
const char *firmware_host_name(enum firmware_host host);

extern const struct firmware_part k_power_part; /* power, boot control, host boot reason */
enum firmware_host power_host(const struct firmware *firmware);
/* CIM power state: 2 on, 4 sleep, 7 hibernate, 8 off. */
uint32_t power_state(const struct firmware *firmware);
/* A request by its CIM number as RequestPowerStateChange takes it: 0, or its return code. */
uint32_t power_request(struct firmware *firmware, uint32_t requested_state);
/* What scenarios and the front panel do: "power-button", "reset-button", "hang", "shutdown", "sleep",
 * "hibernate", "wake", "boot-done". AMT_EUNKNOWN. */
enum amt_err power_host_event(struct firmware *firmware, const char *event) AMT_MUST_USE;

#endif
