/*
 * Presence ping and pong of ASF over RMCP, UDP port 623, as Intel AMT speaks them (DSP0136 3.2.4;
 * wsman.md 1.10): how a scanner finds managed devices on a network. One datagram is one message.
 */
#ifndef AMTLAB_PROTOCOL_RMCP_CODEC_H
#define AMTLAB_PROTOCOL_RMCP_CODEC_H

#include "base/cursor.h"

#define RMCP_PORT             623u
#define RMCP_PING_BYTES       12u
#define RMCP_PONG_BYTES       28u
#define RMCP_NO_ACKNOWLEDGE   255u /* sequence number: the sender wants no RMCP acknowledge */
#define RMCP_ENTERPRISE_INTEL 343u

enum rmcp_kind { RMCP_PING, RMCP_PONG };

/* What a pong tells about the device. */
struct rmcp_presence {
    uint32_t enterprise;         /* of the OEM bytes; the four fields below are Intel's */
    uint16_t open_port;          /* 16992 or 16993; 0 when no port is open */
    uint8_t major, minor;        /* version, 0..15 each: the wire has four bits for either */
    uint8_t provisioning;        /* 0 pre, 1 in, 2 post */
    bool has_both_ports;         /* 16992 and 16993 are open */
    uint8_t asf_version;         /* 1; 0 when ASF is not supported */
    bool supports_ipmi, is_dash; /* AMT says DASH from release 3.2 on; scanners look for it */
};
struct rmcp_message {
    enum rmcp_kind kind;
    uint8_t sequence; /* of RMCP; a pong repeats that of the ping */
    uint8_t tag;      /* of ASF; a pong repeats that of the ping */
    struct rmcp_presence presence;
};

/*
 * Decode the datagram in[0, len).
 *
 * AMT_OK          out is filled (presence only for a pong). Bytes behind the message are ignored, as
 *                 RMCP pads; reserved bytes are not looked at.
 * AMT_EUNKNOWN    well-formed as far as it was read, but of another RMCP version or class, another
 *                 enterprise or another ASF type.
 * AMT_EMALFORMED  too short, or a length that contradicts the type.
 */
enum amt_err rmcp_decode(const uint8_t *in, uint32_t len, struct rmcp_message *out) AMT_MUST_USE;

/* Encode into out[0, cap); returns the bytes it takes, 12 or 28. When that is above cap, what stands
 * in out means nothing. Fields wider than their bits are cut to them. */
uint32_t rmcp_encode(const struct rmcp_message *message, uint8_t *out, uint32_t cap);

#endif
