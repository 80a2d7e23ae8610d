#include "simulator/firmware/alarms.h"

const struct firmware_part k_alarms_part = { .name = "alarms" };
