/* Shared by the files of host power: power.c (requests), power_host.c (the host), power_classes.c. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_POWER_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_POWER_INTERNAL_H

#include "simulator/firmware/boot.h"
#include "simulator/firmware/power.h"

#define POWER_SCHEME_BYTES 65u
#define POWER_STATES_MAX   9u

struct power {
    struct firmware *firmware;
    enum firmware_host host;
    bool has_posted;       /* booting: the BIOS is done, the loader runs */
    bool saves_power;      /* modern standby: OSPowerSavingState 3 */
    uint32_t pending;      /* request that has been accepted and takes effect soon; 0 */
    enum boot_cause cause; /* of the pending request */
    bool is_cycling;       /* a power cycle in its off phase */
    struct timer request_timer, boot_timer;
    char scheme[POWER_SCHEME_BYTES];
};

/* Changes what the host is doing, tells the surroundings, stops a boot that is under way. */
void power_set_host(struct firmware *firmware, enum firmware_host host);
/* The host starts to boot, from whatever state it is in. */
void power_boot(struct firmware *firmware, enum boot_cause cause);
/* Out of sleep or hibernation, or on. */
void power_wake(struct firmware *firmware, enum boot_cause cause);
/* Goes on with a boot after the state was loaded. */
void power_boot_again(struct firmware *firmware);
void power_boot_timer(void *ctx);

/* Requests that are legal now, in the order of AvailableRequestedPowerStates; returns the count. */
uint32_t power_available(const struct firmware *firmware, uint32_t states[static POWER_STATES_MAX]);

extern const struct firmware_behaviour k_power_behaviours[];

#endif
