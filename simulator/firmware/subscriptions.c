#include "simulator/firmware/subscriptions.h"

const struct firmware_part k_subscriptions_part = { .name = "subscriptions" };
