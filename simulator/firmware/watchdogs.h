/* Agent presence, wsman.md 4.21. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_WATCHDOGS_H
#define AMTLAB_SIMULATOR_FIRMWARE_WATCHDOGS_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_watchdogs_part;

#endif
