/* The alarm clock, wsman.md 4.20. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_ALARMS_H
#define AMTLAB_SIMULATOR_FIRMWARE_ALARMS_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_alarms_part;
/* The device clock was set: alarms ring by the new time. (Without this call within a minute.) */
void alarms_clock_changed(struct firmware *firmware);

#endif
