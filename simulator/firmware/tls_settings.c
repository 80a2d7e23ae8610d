#include "simulator/firmware/tls_settings.h"

const struct firmware_part k_tls_settings_part = { .name = "tls_settings" };
