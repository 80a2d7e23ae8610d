#include "simulator/firmware/audit_log.h"

const struct firmware_part k_audit_log_part = { .name = "audit_log" };
