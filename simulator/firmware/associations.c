#include "simulator/firmware/associations.h"

const struct firmware_part k_inventory_part = { .name = "inventory" };
