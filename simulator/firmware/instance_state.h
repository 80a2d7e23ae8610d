/* Instances in saved state: their texts as JSON, lists for what comes more than once. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_INSTANCE_STATE_H
#define AMTLAB_SIMULATOR_FIRMWARE_INSTANCE_STATE_H

#include "simulator/firmware/firmware_internal.h"

/* Text properties of an instance ({} for NULL); references and embedded instances are left out. A new
 * reference; NULL without memory. */
json_t *instance_state_save(const struct wsman_instance *instance);
/* Puts them over an instance; what its class does not have is left out. */
void instance_state_load(const json_t *state, struct wsman_instance *instance);

#endif
