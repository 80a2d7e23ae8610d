#include "simulator/firmware/remote_access.h"

const struct firmware_part k_remote_access_part = { .name = "remote_access" };
