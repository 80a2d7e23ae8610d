/*
 * What stands around a datagram of a host that the system's own network stack does not know: IPv4 with
 * UDP (RFC 791, RFC 768), and ARP on Ethernet (RFC 826). Each is what an Ethernet frame carries, without
 * the Ethernet header. Addresses in host order.
 */
#ifndef AMTLAB_PROTOCOL_DHCP_FRAME_H
#define AMTLAB_PROTOCOL_DHCP_FRAME_H

#include "base/cursor.h"

#define FRAME_ETHERNET_BYTES 6u
#define FRAME_UDP_HEAD_BYTES 28u /* IPv4 without options, and UDP */
#define FRAME_ARP_BYTES      28u

struct frame_udp {
    uint32_t from, to;
    uint16_t from_port, to_port;
    struct view payload; /* of what was decoded */
};

/* AMT_OK: payload lies inside in. AMT_EUNKNOWN: no IPv4, no UDP, or a fragment. AMT_EMALFORMED: lengths
 * that contradict each other. Checksums are not looked at: between two interfaces of one machine they
 * are never computed, and everywhere else the frame has one of its own. */
enum amt_err frame_udp_decode(const uint8_t *in, uint32_t len, struct frame_udp *out) AMT_MUST_USE;
/* Both heads and len bytes of payload into out[0, cap), with both checksums. Returns the bytes it takes;
 * above cap, what stands there means nothing. len is at most 65507. */
uint32_t frame_udp_encode(const struct frame_udp *head, const uint8_t *payload, uint32_t len,
                          uint8_t *out, uint32_t cap);

struct frame_arp {
    bool is_reply;
    uint8_t from_hardware[FRAME_ETHERNET_BYTES], to_hardware[FRAME_ETHERNET_BYTES];
    uint32_t from, to;
};
/* AMT_EUNKNOWN: not of IPv4 on Ethernet, or neither request nor reply; AMT_EMALFORMED: cut. */
enum amt_err frame_arp_decode(const uint8_t *in, uint32_t len, struct frame_arp *out) AMT_MUST_USE;
void frame_arp_encode(const struct frame_arp *arp, uint8_t out[static FRAME_ARP_BYTES]);

#endif
