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

/* Values of RequestPowerStateChange and of PowerState (DMTF CIM_PowerManagementService). */
enum power_value {
    POWER_ON = 2,
    POWER_SLEEP = 4,
    POWER_CYCLE = 5,
    POWER_HIBERNATE = 7,
    POWER_OFF = 8,
    POWER_RESET = 10,
    POWER_NMI = 11,
    POWER_OFF_GRACEFUL = 12,
    POWER_RESET_GRACEFUL = 14
};

/* Values of CIM_ state change methods (wsman.md 4.0, DMTF). */
enum state_change {
    STATE_CHANGE_DONE = 0,
    STATE_CHANGE_NOT_SUPPORTED = 1,
    STATE_CHANGE_FAILED = 2, /* "unknown error"; what AMT answers when it refuses */
    STATE_CHANGE_INVALID_PARAMETER = 5
};

extern const struct firmware_part k_power_part;
enum firmware_host power_host(const struct firmware *firmware);
/* Whether the host is in S0, whatever runs there. */
bool power_is_on(const struct firmware *firmware);
/* Whether the BIOS is done with the last boot (false while it runs, and while the host is off). */
bool power_has_posted(const struct firmware *firmware);
/* CIM power state: 2 on, 4 sleep, 7 hibernate, 8 off. */
uint32_t power_state(const struct firmware *firmware);
/* A request by its CIM number as RequestPowerStateChange takes it: 0, or its return code. The new
 * state comes after the delay of the profile; until then another request is refused with 2. */
uint32_t power_request(struct firmware *firmware, uint32_t requested_state);
/* An alarm of the alarm clock: as power_request(POWER_ON), with the alarm as boot reason. */
void power_alarm(struct firmware *firmware);
/* What scenarios and the front panel do: "power-button", "reset-button", "hang", "shutdown",
 * "reboot", "sleep", "hibernate", "wake", "boot-done" (ends a boot or leaves BIOS setup).
 * AMT_EUNKNOWN: no such event; AMT_ESTATE: the host cannot do that now. */
enum amt_err power_host_event(struct firmware *firmware, const char *event) AMT_MUST_USE;
/* InstanceID of the AMT_SystemPowerScheme in force ("" if the profile has none); it is the one that
 * CIM_ElementSettingData marks with IsCurrent 1. */
const char *power_scheme(const struct firmware *firmware);

#endif
