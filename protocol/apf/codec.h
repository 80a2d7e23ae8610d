/*
 * APF messages: bytes <-> struct, both directions. Sources: apf.md 2 (verdicts, limits) and 3 (layouts).
 *
 * Pure: no I/O, no allocation, no globals. Decoded text is a view (offset, length) into the input, so
 * the input must outlive its use. fuzz/proof/ proves decoder and encoder free of run-time errors.
 */
#ifndef AMTLAB_PROTOCOL_APF_CODEC_H
#define AMTLAB_PROTOCOL_APF_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/uuid.h"

#define APF_NAME_MAX_BYTES        2048u    /* user, password, service, address ... (apf.md 2.2) */
#define APF_DATA_MAX_BYTES        1048576u /* CHANNEL_DATA payload */
#define APF_UDP_MAX_BYTES         65535u   /* udp-send-to payload */
#define APF_JSON_MAX_BYTES        1048576u /* JSON_CONTROL text */
#define APF_MESSAGE_MAX_BYTES     1048585u /* largest legal message */
#define APF_PRE_AUTH_MAX_BYTES    8210u    /* largest message legal before authentication */
#define APF_DATA_HEADER_BYTES     9u
#define APF_ALIGNED_PAYLOAD_BYTES 4087u /* CHANNEL_DATA payload every peer takes (apf.md 4.6) */
#define APF_RESERVED_WORD         0xffffffffu

#define APF_SERVICE_AUTH           "auth@amt.intel.com"
#define APF_SERVICE_PFWD           "pfwd@amt.intel.com"
#define APF_METHOD_NAME_NONE       "none"
#define APF_METHOD_NAME_PASSWORD   "password"
#define APF_REQUEST_NAME_FORWARD   "tcpip-forward"
#define APF_REQUEST_NAME_CANCEL    "cancel-tcpip-forward"
#define APF_REQUEST_NAME_UDP       "udp-send-to@amt.intel.com"
#define APF_CHANNEL_NAME_FORWARDED "forwarded-tcpip"
#define APF_CHANNEL_NAME_DIRECT    "direct-tcpip"

enum apf_type {
    APF_DISCONNECT = 1,
    APF_SERVICE_REQUEST = 5,
    APF_SERVICE_ACCEPT = 6,
    APF_USERAUTH_REQUEST = 50,
    APF_USERAUTH_FAILURE = 51,
    APF_USERAUTH_SUCCESS = 52,
    APF_GLOBAL_REQUEST = 80,
    APF_REQUEST_SUCCESS = 81,
    APF_REQUEST_FAILURE = 82,
    APF_CHANNEL_OPEN = 90,
    APF_CHANNEL_OPEN_CONFIRMATION = 91,
    APF_CHANNEL_OPEN_FAILURE = 92,
    APF_CHANNEL_WINDOW_ADJUST = 93,
    APF_CHANNEL_DATA = 94,
    APF_CHANNEL_CLOSE = 97,
    APF_PROTOCOLVERSION = 192,
    APF_KEEPALIVE_REQUEST = 208,
    APF_KEEPALIVE_REPLY = 209,
    APF_KEEPALIVE_OPTIONS_REQUEST = 210,
    APF_KEEPALIVE_OPTIONS_REPLY = 211,
    APF_JSON_CONTROL = 250
};

enum apf_direction { APF_DEV_TO_MPS, APF_MPS_TO_DEV };

/* Kind of a GLOBAL_REQUEST; as context: the oldest one unanswered. */
enum apf_request { APF_REQUEST_NONE, APF_REQUEST_FORWARD, APF_REQUEST_CANCEL, APF_REQUEST_UDP };

enum apf_verdict {
    APF_OK,
    APF_NEED_MORE,
    APF_EUNKNOWN_TYPE,
    APF_EDIRECTION,
    APF_ELENGTH_LIMIT,
    APF_EBAD_VALUE,
    APF_EUNKNOWN_METHOD,
    APF_EUNKNOWN_REQUEST,
    APF_EUNEXPECTED,
    APF_VERDICT_COUNT_
};

/* DISCONNECT reasons (apf.md 3.2) */
enum apf_disconnect_reason {
    APF_HOST_NOT_ALLOWED_TO_CONNECT = 1,
    APF_PROTOCOL_ERROR = 2,
    APF_SERVICE_NOT_AVAILABLE = 7,
    APF_PROTOCOL_VERSION_NOT_SUPPORTED = 8,
    APF_CONNECTION_LOST = 10,
    APF_BY_APPLICATION = 11,
    APF_TOO_MANY_CONNECTIONS = 12,
    APF_NO_MORE_AUTH_METHODS_AVAILABLE = 14,
    APF_ILLEGAL_USER_NAME = 15,
    APF_CONNECTION_TIMED_OUT = 16
};

/* CHANNEL_OPEN_FAILURE reasons (apf.md 3.14) */
enum apf_open_failure {
    APF_ADMINISTRATIVELY_PROHIBITED = 1,
    APF_CONNECT_FAILED = 2,
    APF_UNKNOWN_CHANNEL_TYPE = 3,
    APF_RESOURCE_SHORTAGE = 4
};

/* PROTOCOLVERSION trigger reasons (apf.md 3.18) */
enum apf_trigger {
    APF_TRIGGER_USER = 1,
    APF_TRIGGER_ALERT = 2,
    APF_TRIGGER_PROVISIONING = 3,
    APF_TRIGGER_PERIODIC = 4,
    APF_TRIGGER_LOCAL = 254
};

/* What a decoder must know of earlier traffic (apf.md 2.4). */
struct apf_context {
    enum apf_direction direction;
    enum apf_request pending; /* oldest unanswered GLOBAL_REQUEST; decides the form of type 81 */
    bool json_control;        /* MeshCentral's extension message 250 is enabled */
};

/*
 * One message, flat. Only the fields of its type are meaningful; the others are zero. In a decoded
 * message the views refer to the input; in a message to encode they refer to `source`.
 */
struct apf_message {
    uint8_t type;
    uint8_t request;    /* enum apf_request: GLOBAL_REQUEST; REQUEST_SUCCESS: which form */
    uint8_t want_reply; /* GLOBAL_REQUEST: byte as on the wire */
    uint8_t partial;    /* USERAUTH_FAILURE */
    bool has_password;  /* USERAUTH_REQUEST: method is `password` */
    bool reserved_zero; /* PROTOCOLVERSION: the 64 reserved bytes were zero (decoded only) */
    uint8_t uuid[16];   /* PROTOCOLVERSION: wire order */
    uint32_t major, minor, trigger;
    uint32_t reason;            /* DISCONNECT, CHANNEL_OPEN_FAILURE */
    uint32_t reserved;          /* DISCONNECT (16 bit), OPEN, CONFIRMATION, FAILURE: as received */
    uint32_t reserved2;         /* CHANNEL_OPEN_FAILURE */
    uint32_t recipient_channel; /* number chosen by the receiver of the message */
    uint32_t sender_channel;    /* OPEN, CONFIRMATION */
    uint32_t initial_window;    /* bytes; OPEN, CONFIRMATION */
    uint32_t bytes_to_add;      /* WINDOW_ADJUST */
    uint32_t port;              /* GLOBAL_REQUEST, REQUEST_SUCCESS, CHANNEL_OPEN */
    uint32_t originator_port;   /* CHANNEL_OPEN, udp-send-to */
    uint32_t cookie;            /* KEEPALIVE_* */
    uint32_t interval, timeout; /* KEEPALIVE_OPTIONS_*, seconds */
    struct view service;        /* SERVICE_*, USERAUTH_REQUEST */
    struct view user, method, password;
    struct view methods;      /* USERAUTH_FAILURE */
    struct view request_name; /* GLOBAL_REQUEST */
    struct view channel_type; /* CHANNEL_OPEN */
    struct view address;      /* GLOBAL_REQUEST, CHANNEL_OPEN */
    struct view originator;   /* CHANNEL_OPEN, udp-send-to */
    struct view data;         /* CHANNEL_DATA, udp-send-to */
    struct view json;         /* JSON_CONTROL */
};

/*
 * Decodes one message from the front of in[0, len), len <= CURSOR_MAX_BYTES.
 *
 * count   APF_OK: bytes of the message, 1..len. APF_NEED_MORE: smallest total number of bytes with
 *         which the next incomplete field is complete, > len. An error: offset of the field that
 *         caused it.
 *
 * APF_OK, APF_NEED_MORE or the error of apf.md 2.1, reported as soon as the field that causes it is
 * complete. After an error the stream is lost: APF has no length to skip by.
 */
enum apf_verdict apf_decode(const uint8_t *in, uint32_t len, const struct apf_context *context,
                            struct apf_message *message, uint32_t *count);

/*
 * Encodes message into out[0, cap); its views are offsets into source (NULL when it has none).
 *
 * Returns the number of bytes the message needs; it was written only if that is <= cap. 0 when it
 * cannot be encoded: unknown type, a view above its limit, or a REQUEST_SUCCESS without a form.
 * Reserved words go out as apf.md says (ffffffff or 0) unless `raw_reserved`: then as in message.
 */
uint32_t apf_encode(const struct apf_message *message, const uint8_t *source, bool raw_reserved,
                    uint8_t *out, uint32_t cap);

/* "CHANNEL_OPEN" ...; NULL for a number that is not assigned. */
const char *apf_type_name(uint8_t type);
/* Number of a name, upper or lower case; 0 for none. "PROTOCOL_VERSION" and the names of harness.md
 * (WINDOW_ADJUST without CHANNEL_ ...) are accepted too. */
uint8_t apf_type_find(const char *name);
/* "ok", "need-more", "unknown-type", "direction" ... as apf.md 2.1 spells them. */
const char *apf_verdict_name(enum apf_verdict verdict);
/* Requirement id behind an error verdict, e.g. "APF-COM-004". NULL for ok and need-more. */
const char *apf_verdict_requirement(enum apf_verdict verdict);
/* "PROTOCOL_ERROR" ...; "reason N" for others is the caller's business: NULL. */
const char *apf_disconnect_name(uint32_t reason);
const char *apf_open_failure_name(uint32_t reason);

#endif
