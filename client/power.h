/* Power of the host (wsman.md 4.15). */
#ifndef AMTLAB_CLIENT_POWER_H
#define AMTLAB_CLIENT_POWER_H

#include "client/device.h"

struct client_power {
    uint32_t state;                     /* PowerState: 2 on, 4 sleep, 7 hibernate, 8 off */
    const struct wsman_value *possible; /* AvailableRequestedPowerStates; NULL: not told */
    uint32_t os_saving;                 /* OSPowerSavingState; 0: not told (before AMT 10) */
};
bool client_power_read(struct client_device *device, struct client_power *power);

/* "on" "sleep" "cycle" "hibernate" "off" "reset" "nmi" "soft-off" "soft-reset"; 0: none of them. */
uint32_t client_power_number(const char *word);
/* The words, NULL-terminated. */
extern const char *const k_client_power_words[];
/* "on", "off (soft)", ... of a PowerState. */
const char *client_power_state_name(uint32_t state);

/* RequestPowerStateChange; before a 2 the operating system is woken from power saving, as management
 * software does. */
bool client_power_request(struct client_device *device, uint32_t requested);
/* Asks every second until `is_on` is so, at most limit_us. */
bool client_power_wait(struct client_device *device, struct loop *loop, bool is_on,
                       uint64_t limit_us);

#endif
