/* Network ports, wireless, 802.1X, and the identity of the PC on the network: wsman.md 4.5, 4.6. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_NETWORK_H
#define AMTLAB_SIMULATOR_FIRMWARE_NETWORK_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_network_part;
bool network_uses_certificate(const struct firmware *firmware, const char *instance_id);

#endif
