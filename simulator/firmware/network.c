#include "simulator/firmware/network.h"

const struct firmware_part k_network_part = { .name = "network" };
