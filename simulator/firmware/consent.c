#include "simulator/firmware/consent.h"

const struct firmware_part k_consent_part = { .name = "consent" };
