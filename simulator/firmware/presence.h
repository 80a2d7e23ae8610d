/* Discovery: the answer to RMCP presence pings on UDP port 623 (wsman.md 1.10). */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_PRESENCE_H
#define AMTLAB_SIMULATOR_FIRMWARE_PRESENCE_H

#include "protocol/rmcp/codec.h"
#include "runtime/udp.h"
#include "simulator/firmware/firmware.h"

/* The answer to the datagram in[0, len): how many bytes of out it takes, or 0 when there is none: no
 * ping, answering is switched off (AMT_GeneralSettings.RmcpPingResponseEnabled), or the device is not
 * provisioned and silent on the network. */
uint32_t presence_answer(const struct firmware *firmware, const uint8_t *in, uint32_t len,
                         uint8_t out[static RMCP_PONG_BYTES]);

struct presence;
/* Answers on an address until presence_close. Borrows firmware. NULL with diag: as udp_open. */
struct presence *presence_open(struct loop *loop, struct firmware *firmware,
                               const struct address *address, struct amt_diag *diag);
void presence_address(const struct presence *presence, struct address *address);
void presence_close(struct presence *presence); /* NULL is allowed */

#endif
