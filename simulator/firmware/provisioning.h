/* Provisioning state, control mode, host based setup, general settings: wsman.md 4.1-4.3, 5. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_PROVISIONING_H
#define AMTLAB_SIMULATOR_FIRMWARE_PROVISIONING_H

#include "simulator/firmware/firmware_internal.h"

enum provisioning_state { PROVISIONING_PRE, PROVISIONING_IN, PROVISIONING_POST };

extern const struct firmware_part k_provisioning_part;
enum provisioning_state provisioning_state(const struct firmware *firmware);
enum firmware_mode provisioning_mode(const struct firmware *firmware);
/* "Digest:" and 32 digits (WSM-013). */
const char *provisioning_realm(const struct firmware *firmware);
/* For factory-provisioned devices (config control_mode) and for Setup: sets mode and state, new nonce,
 * tells all parts. */
void provisioning_activate(struct firmware *firmware, enum firmware_mode mode);

#endif
