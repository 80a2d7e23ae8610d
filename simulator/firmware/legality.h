/* What the provisioning state allows: wsman.md 5.2. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_LEGALITY_H
#define AMTLAB_SIMULATOR_FIRMWARE_LEGALITY_H

#include "simulator/firmware/firmware_internal.h"

/* Whether the device is provisioned (in either control mode), or a server is at it. */
bool legality_is_provisioned(const struct firmware *firmware);
/* Refuses a call in the way of the profile (`denial`): with the fault AccessDenied, or with return
 * value 16. Returns what the method returns. A Put can only fault: is_put. */
uint32_t legality_deny(struct firmware_call *call, bool is_put);

#endif
