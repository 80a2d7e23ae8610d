/* System defense, wsman.md 4.22. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_SYSTEM_DEFENSE_H
#define AMTLAB_SIMULATOR_FIRMWARE_SYSTEM_DEFENSE_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_system_defense_part;

#endif
