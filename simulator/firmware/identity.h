/*
 * What differs from one device to the next. A profile is shared by all devices that use it; its texts
 * name in braces what each device computes from its UUID: {mac} "c8-d9-d2-1f-30-aa", {mac:wifi},
 * {mac:plain} "C8D9D21F30AA", {mac:wifi-plain}, {ip}, {ip:wifi}, {gateway}, {guid} (32 digits as in
 * CIM_ComputerSystemPackage), {serial:N} and {digits:N} (N characters, at most 32).
 */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_IDENTITY_H
#define AMTLAB_SIMULATOR_FIRMWARE_IDENTITY_H

#include "simulator/firmware/firmware_internal.h"

#define IDENTITY_MAC_BYTES 6u
enum identity_port { IDENTITY_WIRED, IDENTITY_WIRELESS };

/* The hardware address of a port. */
void identity_mac(const struct firmware *firmware, enum identity_port port,
                  uint8_t mac[static IDENTITY_MAC_BYTES]);
/* Puts the device's own values into an instance made from profile data. */
void identity_expand(const struct firmware *firmware, struct wsman_instance *instance);

#endif
