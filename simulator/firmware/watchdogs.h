/* Agent presence, wsman.md 4.21. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_WATCHDOGS_H
#define AMTLAB_SIMULATOR_FIRMWARE_WATCHDOGS_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_watchdogs_part;
/* The host sleeps, wakes, goes off or boots: agents with it. */
void watchdogs_host_changed(struct firmware *firmware);

#endif
