#include "simulator/firmware/keys.h"

const struct firmware_part k_keys_part = { .name = "keys" };
