#include "simulator/firmware/system_defense.h"

const struct firmware_part k_system_defense_part = { .name = "system_defense" };
