/* The device clock, wsman.md 4.4: its distance from the host's wall clock, in seconds. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_CLOCK_H
#define AMTLAB_SIMULATOR_FIRMWARE_CLOCK_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_clock_part;

#endif
