/*
 * TCP segments in packets, as capture files hold them: IPv4 or IPv6 and TCP headers around a payload
 * (RFC 791, 8200, 9293). Pure; what is no TCP segment is told apart from what is broken.
 */
#ifndef AMTLAB_RUNTIME_FRAME_H
#define AMTLAB_RUNTIME_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

#define FRAME_FIN 0x01u
#define FRAME_SYN 0x02u
#define FRAME_RST 0x04u
#define FRAME_PSH 0x08u
#define FRAME_ACK 0x10u

#define FRAME_HEADER_MAX_BYTES  60u    /* IPv6 and TCP without options */
#define FRAME_PAYLOAD_MAX_BYTES 65475u /* what an IPv4 packet can carry behind them */

struct frame_end {
    bool is_v6;
    uint8_t ip[16]; /* the first 4 for IPv4 */
    uint16_t port;
};

struct frame {
    struct frame_end from, to; /* both of one family */
    uint32_t sequence, acknowledged;
    uint8_t flags;
    struct view payload; /* decoded: in the input */
};

/* Headers with their checksums, then payload[0, len), to out[0, FRAME_HEADER_MAX_BYTES + len), len <=
 * FRAME_PAYLOAD_MAX_BYTES. Returns the number of bytes. */
uint32_t frame_encode(const struct frame *frame, const uint8_t *payload, uint32_t len,
                      uint8_t *out);

/* A packet of a link type of pcapng.h. AMT_EUNKNOWN: no TCP segment, or a later fragment of one, or a
 * link type that is not known; AMT_EMALFORMED: headers that do not fit into the packet. Checksums are not
 * looked at: a capture on the sending host has none yet. A packet cut by the capture's snap length has
 * less payload than its headers say: *missing_bytes. */
enum amt_err frame_decode(uint32_t link_type, const uint8_t *in, uint32_t len, struct frame *frame,
                          uint32_t *missing_bytes) AMT_MUST_USE;

/* "192.0.2.7:51324", "[2001:db8::1]:4433" as stream_peer_name gives them. AMT_EMALFORMED. */
enum amt_err frame_end_parse(const char *name, struct frame_end *end) AMT_MUST_USE;
bool frame_end_equal(const struct frame_end *a, const struct frame_end *b);

#endif
