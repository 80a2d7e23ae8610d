/* Classes that only show how others belong together, and inventory: wsman.md 4.23, 4.25, 4.26. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_ASSOCIATIONS_H
#define AMTLAB_SIMULATOR_FIRMWARE_ASSOCIATIONS_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_inventory_part;

#endif
