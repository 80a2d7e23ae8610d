/*
 * The hello packet of remote configuration (activation.md 11.1): what a device that is not provisioned
 * sends to its configuration server over TCP, port 9971, and then closes the connection.
 */
#ifndef AMTLAB_PROTOCOL_PROVISIONING_HELLO_H
#define AMTLAB_PROTOCOL_PROVISIONING_HELLO_H

#include "base/cursor.h"
#include "base/uuid.h"

#define HELLO_PORT          9971u
#define HELLO_HASHES_MAX    255u /* that the count can say */
#define HELLO_DEVICE_HASHES 23u  /* that a device sends at most (ACT-DEV-045) */
#define HELLO_PID_BYTES     8u
/* The longest packet: 255 SHA-384 hashes. */
#define HELLO_PACKET_MAX_BYTES (25u + HELLO_HASHES_MAX * 50u)

enum hello_version { HELLO_PSK = 2, HELLO_PKI = 3 };
enum hello_hash_type { HELLO_SHA1 = 1, HELLO_SHA256 = 2, HELLO_SHA384 = 3 };

struct hello_hash {
    uint8_t type;      /* enum hello_hash_type */
    struct view bytes; /* in the buffer the packet was read from, or that it is written from */
};
struct hello_packet {
    bool has_credentials; /* the device has an administrator already */
    uint16_t version;     /* enum hello_version */
    uint32_t retries;     /* 0, then one more for each packet; devices end at 14 */
    struct uuid uuid;
    uint8_t pid[HELLO_PID_BYTES]; /* HELLO_PSK */
    uint32_t hash_count;          /* HELLO_PKI; the active ones of the device's list */
    struct hello_hash hashes[HELLO_HASHES_MAX];
    uint32_t bytes; /* that the packet takes */
};

/* Why a packet is none, and where. */
struct hello_problem {
    uint32_t offset,
        need;         /* need: with AMT_NEED_MORE, the length with which the next field is whole */
    const char *text; /* static; NULL with AMT_NEED_MORE */
};

/* Bytes of a hash of that type; 0: no such type. */
uint32_t hello_hash_bytes(uint8_t type);

/*
 * Reads a packet at the beginning of in[0, len). Bytes behind it are not looked at.
 *
 * AMT_OK          out is filled
 * AMT_NEED_MORE   it goes on; when the connection is closed now, the packet was cut short
 * AMT_EMALFORMED  the flag is neither 0 nor 1, the version neither 2 nor 3, or a hash has an unknown type
 *                 or a length that is not its type's
 */
enum amt_err hello_decode(const uint8_t *in, uint32_t len, struct hello_packet *out,
                          struct hello_problem *problem) AMT_MUST_USE;

/* Writes a packet into out[0, cap); the views of the hashes are in from[0, from_len). Returns the bytes it
 * takes; above cap, what stands in out means nothing. Hashes of unknown types or sizes, or whose view
 * is not inside, are left out. */
uint32_t hello_encode(const struct hello_packet *hello, const uint8_t *from, uint32_t from_len,
                      uint8_t *out, uint32_t cap);

#endif
