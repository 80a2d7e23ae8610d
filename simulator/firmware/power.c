#include "simulator/firmware/power.h"

const struct firmware_part k_power_part = { .name = "power" };
