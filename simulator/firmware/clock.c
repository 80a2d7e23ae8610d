#include "simulator/firmware/clock.h"

const struct firmware_part k_clock_part = { .name = "clock" };
