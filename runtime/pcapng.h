/*
 * Capture files, bytes <-> blocks: pcapng as Wireshark reads and writes it (section header, interface,
 * enhanced and simple packets, name resolution, decryption secrets, comments), and the older pcap that
 * tcpdump writes. No I/O and no memory but the caller's. Layouts: IETF draft-ietf-opsawg-pcapng.
 */
#ifndef AMTLAB_RUNTIME_PCAPNG_H
#define AMTLAB_RUNTIME_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cursor.h"

#define PCAPNG_BLOCK_MAX_BYTES 16777216u
#define PCAPNG_INTERFACES_MAX  64u
#define PCAPNG_SECRETS_TLS     0x544c534bu /* key log lines as SSLKEYLOGFILE has them */
#define PCAPNG_LINK_NULL       0u
#define PCAPNG_LINK_ETHERNET   1u
#define PCAPNG_LINK_RAW        101u /* the packet begins with its IPv4 or IPv6 header */
#define PCAPNG_LINK_LOOP       108u
#define PCAPNG_LINK_LINUX_SLL  113u
#define PCAPNG_LINK_LINUX_SLL2 276u
#define PCAPNG_NAME_IPV4_BYTES 4u
#define PCAPNG_NAME_IPV6_BYTES 16u

enum pcapng_kind {
    PCAPNG_SECTION,
    PCAPNG_INTERFACE,
    PCAPNG_PACKET,
    PCAPNG_NAMES,
    PCAPNG_SECRETS,
    PCAPNG_OTHER /* a block that is skipped: statistics, custom ... */
};

/* Only the members of its kind are meaningful. Views refer to the input of the read. */
struct pcapng_block {
    enum pcapng_kind kind;
    uint32_t type;           /* as in the file; 0 for a record of the old format */
    uint32_t interface_id;   /* PACKET */
    uint32_t link_type;      /* INTERFACE; PACKET: that of its interface */
    uint64_t time_us;        /* PACKET: since 1970; 0 in a simple packet, which has no time */
    uint32_t original_bytes; /* PACKET: on the wire; data may be shorter */
    uint32_t secrets_type;   /* SECRETS */
    struct view data;    /* PACKET: its bytes; SECRETS; NAMES: the records, see pcapng_name_next */
    struct view comment; /* the first one */
    struct view name;    /* SECTION: the program that wrote it; INTERFACE: its name */
};

/* Zero-initialised is the beginning of a file. */
struct pcapng_reader {
    bool has_begun, is_big_endian, is_old, is_nanoseconds;
    uint32_t interface_count;
    uint32_t old_link_type;
    uint32_t old_snap_bytes;
    struct {
        uint32_t link_type, snap_bytes;
        uint8_t resolution; /* if_tsresol as written, 6 = microseconds */
        int64_t offset_s;
    } interfaces[PCAPNG_INTERFACES_MAX];
    const char *why; /* after AMT_EMALFORMED or AMT_ETOOBIG: what is wrong, for people */
    uint32_t at;     /* and the offset in the input */
};

/*
 * Reads one block from the front of in[0, len); *used gets its length. AMT_NEED_MORE: *used is the
 * smallest total length with which to try again. AMT_EMALFORMED: not a capture file, or lengths that
 * contradict each other; AMT_ETOOBIG: a block above PCAPNG_BLOCK_MAX_BYTES, an interface too many.
 */
enum amt_err pcapng_read(struct pcapng_reader *reader, const uint8_t *in, uint32_t len,
                         struct pcapng_block *block, uint32_t *used) AMT_MUST_USE;

/* A name of a NAMES block: address[0, address_bytes) (4 or 16 bytes) is called name. */
struct pcapng_name {
    const uint8_t *address;
    uint32_t address_bytes;
    struct view name; /* without its final 0; of several names the first */
};
/* The next one behind *at (0 at the beginning); false at the end, or where the records break off. in is
 * the input of the read that gave block. */
bool pcapng_name_next(const struct pcapng_reader *reader, const struct pcapng_block *block,
                      const uint8_t *in, uint32_t *at, struct pcapng_name *name);

/* Writing appends whole little-endian blocks to out. AMT_ENOMEM (also where out's maximum would be passed)
 * and AMT_ETOOBIG append nothing. Texts may be NULL; a comment is cut at 65532 bytes. */
enum amt_err pcapng_write_section(struct bytes *out, const char *program,
                                  const char *comment) AMT_MUST_USE;
enum amt_err pcapng_write_interface(struct bytes *out, uint16_t link_type,
                                    const char *name) AMT_MUST_USE;
enum amt_err pcapng_write_packet(struct bytes *out, uint32_t interface_id, uint64_t time_us,
                                 const uint8_t *data, uint32_t len,
                                 const char *comment) AMT_MUST_USE;
enum amt_err pcapng_write_name(struct bytes *out, const uint8_t *address, uint32_t address_bytes,
                               const char *name) AMT_MUST_USE;
enum amt_err pcapng_write_secrets(struct bytes *out, uint32_t secrets_type, const uint8_t *data,
                                  uint32_t len) AMT_MUST_USE;

#endif
