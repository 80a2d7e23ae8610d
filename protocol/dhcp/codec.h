/*
 * DHCP messages on the wire (RFC 2131, RFC 2132; long options RFC 3396). One datagram is one message.
 * Addresses are in host order: 10.0.0.1 is 0x0a000001; 0 is none.
 */
#ifndef AMTLAB_PROTOCOL_DHCP_CODEC_H
#define AMTLAB_PROTOCOL_DHCP_CODEC_H

#include "base/cursor.h"

#define DHCP_SERVER_PORT    67u
#define DHCP_CLIENT_PORT    68u
#define DHCP_HEAD_BYTES     240u /* BOOTP's fixed part and the magic cookie */
#define DHCP_LEAST_BYTES    300u /* relays drop what is shorter (RFC 1542 2.1); sent padded */
#define DHCP_MOST_BYTES     1472u
#define DHCP_HARDWARE_BYTES 6u /* Ethernet alone */

enum dhcp_type {
    DHCP_DISCOVER = 1,
    DHCP_OFFER = 2,
    DHCP_REQUEST = 3,
    DHCP_DECLINE = 4,
    DHCP_ACK = 5,
    DHCP_NAK = 6,
    DHCP_RELEASE = 7,
    DHCP_INFORM = 8
};

enum dhcp_code {
    DHCP_PAD = 0,
    DHCP_SUBNET_MASK = 1,
    DHCP_ROUTER = 3,
    DHCP_DNS_SERVER = 6,
    DHCP_HOST_NAME = 12,
    DHCP_DOMAIN_NAME = 15, /* what Intel AMT takes its DNS suffix from (activation.md 3.1) */
    DHCP_REQUESTED_ADDRESS = 50,
    DHCP_LEASE_TIME = 51,
    DHCP_OVERLOAD = 52,
    DHCP_MESSAGE_TYPE = 53,
    DHCP_SERVER_ID = 54,
    DHCP_PARAMETERS = 55,
    DHCP_TEXT = 56,
    DHCP_MESSAGE_SIZE = 57,
    DHCP_RENEWAL_TIME = 58,   /* T1 */
    DHCP_REBINDING_TIME = 59, /* T2 */
    DHCP_CLIENT_ID = 61,
    DHCP_END = 255
};

#define DHCP_AREAS_MAX 3u /* the options field, and sname and file when option 52 says so */

struct dhcp_message {
    enum dhcp_type type;
    bool is_reply; /* from a server */
    bool wants_broadcast;
    uint32_t xid;
    uint16_t seconds;                      /* since the client began */
    uint32_t client, yours, server, relay; /* ciaddr, yiaddr, siaddr, giaddr */
    uint8_t hardware[DHCP_HARDWARE_BYTES]; /* chaddr */
    struct view areas[DHCP_AREAS_MAX];     /* in the order in which options count */
    uint32_t area_count;
};

/* What is wrong with a datagram, and at which offset. */
struct dhcp_fault {
    uint32_t offset;
    const char *what; /* static */
};

/*
 * Decode the datagram in[0, len).
 *
 * AMT_OK          out is filled; every option of every area lies inside it.
 * AMT_EUNKNOWN    no DHCP: another op or hardware type, no cookie, no or an unknown message type.
 * AMT_EMALFORMED  cut, or an option that runs over the end of its area. A missing END is let pass.
 * In both refusals *fault (may be NULL) says why.
 */
enum amt_err dhcp_decode(const uint8_t *in, uint32_t len, struct dhcp_message *out,
                         struct dhcp_fault *fault) AMT_MUST_USE;

/*
 * The value of an option of a decoded message, in is the same datagram: all pieces of it put together,
 * those of the options field first, then file, then sname (RFC 3396 5, 7). *len gets the length of the
 * whole value; *pieces (may be NULL) how often the code stood there. AMT_EUNKNOWN: it is absent.
 * AMT_ETOOBIG: longer than cap, out has the first cap bytes.
 */
enum amt_err dhcp_option(const uint8_t *in, const struct dhcp_message *message, enum dhcp_code code,
                         uint8_t *out, uint32_t cap, uint32_t *len, uint32_t *pieces) AMT_MUST_USE;
/* An option of four bytes, as an address or a number. AMT_EUNKNOWN: absent; AMT_EMALFORMED: another
 * length. Of a list of addresses (at least one, DHCP_ROUTER and DHCP_DNS_SERVER) dhcp_address gives
 * the at-th. */
enum amt_err dhcp_u32(const uint8_t *in, const struct dhcp_message *message, enum dhcp_code code,
                      uint32_t *value) AMT_MUST_USE;
enum amt_err dhcp_address(const uint8_t *in, const struct dhcp_message *message,
                          enum dhcp_code code, uint32_t at, uint32_t *value) AMT_MUST_USE;

struct dhcp_value {
    enum dhcp_code code;
    const uint8_t *bytes;
    uint32_t len; /* above 255 it is cut into pieces (RFC 3396) */
};

/* Encode into out[0, cap): the message, its type as the first option, then these; areas are not looked
 * at. Returns the bytes it takes, at least DHCP_LEAST_BYTES; when that is above cap, what stands in out
 * means nothing. */
uint32_t dhcp_encode(const struct dhcp_message *message, const struct dhcp_value *values,
                     uint32_t count, uint8_t *out, uint32_t cap);

/* "DISCOVER", "ACK"; never NULL. */
const char *dhcp_type_name(enum dhcp_type type);

#endif
