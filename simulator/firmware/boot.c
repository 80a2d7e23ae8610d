#include "simulator/firmware/boot.h"

const struct firmware_part k_boot_part = { .name = "boot" };
