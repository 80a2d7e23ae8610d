#include "simulator/firmware/users.h"

const struct firmware_part k_users_part = { .name = "users" };
