/* Network ports, wireless, 802.1X, and the identity of the PC on the network: wsman.md 4.5, 4.6. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_NETWORK_H
#define AMTLAB_SIMULATOR_FIRMWARE_NETWORK_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_network_part;
/* Whether an 802.1X setting or a wireless profile names the certificate. */
bool network_uses_certificate(const struct firmware *firmware, const char *instance_id);
/* The wired port's address: by DHCP, or static and the device's own; as a Put would set it. AMT_ENOMEM. */
enum amt_err network_set_static(struct firmware *firmware, bool is_static) AMT_MUST_USE;
/* What the cable of the wired port leads to, when that is a real network; addresses in host order, 0 none.
 * From the first call on, the port shows this instead of the profile's addresses and link. */
struct network_wire {
    bool has_link;
    uint32_t address, mask, router, dns[2];
};
void network_set_wire(struct firmware *firmware, const struct network_wire *wire);
/* The cable of the wired port: without it there is no link, no address, and no suffix from DHCP. */
void network_set_cable(struct firmware *firmware, bool is_in);
/* IPv6 of port 0 (wired) or 1 (wireless), switched through CIM_ElementSettingData. */
bool network_ipv6_is_on(const struct firmware *firmware, uint32_t port);
void network_ipv6_switch(struct firmware *firmware, uint32_t port, bool is_on);

#endif
