#include "simulator/firmware/watchdogs.h"

const struct firmware_part k_watchdogs_part = { .name = "watchdogs" };
