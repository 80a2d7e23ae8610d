#include "simulator/firmware/event_log.h"

const struct firmware_part k_event_log_part = { .name = "event_log" };
