#include "simulator/firmware/provisioning.h"

const struct firmware_part k_provisioning_part = { .name = "provisioning" };
