#include "runtime/pcapng.h"

#include <string.h>

#define SECTION_TYPE   0x0a0d0d0au
#define INTERFACE_TYPE 1u
#define SIMPLE_TYPE    3u
#define NAMES_TYPE     4u
#define ENHANCED_TYPE  6u
#define SECRETS_TYPE   10u
#define BYTE_ORDER     0x1a2b3c4du
#define OLD_MAGIC      0xa1b2c3d4u
#define OLD_NANO_MAGIC 0xa1b23c4du

#define BLOCK_MIN_BYTES  12u /* type, length, length again */
#define OLD_FILE_BYTES   24u
#define OLD_RECORD_BYTES 16u

enum option { OPTION_END = 0, OPTION_COMMENT = 1, OPTION_IF_NAME = 2, OPTION_USER_APPLICATION = 4 };
#define OPTION_IF_TSRESOL  9u
#define OPTION_IF_TSOFFSET 14u

static uint32_t swap32(uint32_t x)
{
    return x >> 24 | (x >> 8 & 0xff00u) | (x << 8 & 0xff0000u) | x << 24;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t get32(const struct pcapng_reader *r, const uint8_t *p)
{
    return r->is_big_endian ? big32(p) : swap32(big32(p));
}

static uint32_t get16(const struct pcapng_reader *r, const uint8_t *p)
{
    return r->is_big_endian ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static enum amt_err malformed(struct pcapng_reader *r, uint32_t at, const char *why)
{
    r->why = why;
    r->at = at;
    return AMT_EMALFORMED;
}

static enum amt_err too_big(struct pcapng_reader *r, uint32_t at, const char *why)
{
    r->why = why;
    r->at = at;
    return AMT_ETOOBIG;
}

static enum amt_err need(uint32_t total, uint32_t *used)
{
    *used = total;
    return AMT_NEED_MORE;
}

/* count units of 10^-n or 2^-n seconds; what is above 2^64 microseconds wraps, as no clock does. */
static uint64_t to_us(uint8_t resolution, uint64_t count)
{
    if ((resolution & 0x80u) != 0) {
        uint32_t shift = resolution & 0x7fu;
        if (shift >= 64) {
            return 0;
        }
        uint64_t rest = shift == 0 ? 0 : count & ((UINT64_C(1) << shift) - 1);
        for (; shift > 44; shift--) {
            rest >>= 1; /* so that the product below fits */
        }
        return (count >> (resolution & 0x7fu)) * 1000000u + (rest * 1000000u >> shift);
    }
    uint64_t us = count;
    for (uint32_t digits = resolution; digits > 6 && us > 0; digits--) {
        us /= 10;
    }
    for (uint32_t digits = resolution; digits < 6; digits++) {
        us *= 10;
    }
    return us;
}

/* ---- options ---- */

struct option_seen {
    uint32_t code;
    struct view value;
};

/* The next option in in[*at, end); false at the end. A length that does not fit ends the list: the block's
 * own members are good, and tools write odd options. */
static bool next_option(const struct pcapng_reader *r, const uint8_t *in, uint32_t *at,
                        uint32_t end, struct option_seen *option)
{
    if (end - *at < 4) {
        return false;
    }
    uint32_t code = get16(r, in + *at);
    uint32_t len = get16(r, in + *at + 2);
    uint32_t left = end - *at - 4;
    if (code == OPTION_END || len > left) {
        return false;
    }
    *option = (struct option_seen){ code, { *at + 4, len } };
    uint32_t padded = (len + 3) / 4 * 4;
    *at += 4 + (padded < left ? padded : left);
    return true;
}

static void read_texts(const struct pcapng_reader *r, const uint8_t *in, uint32_t at, uint32_t end,
                       uint32_t name_code, struct pcapng_block *block)
{
    struct option_seen option;
    while (next_option(r, in, &at, end, &option)) {
        if (option.code == OPTION_COMMENT && block->comment.len == 0) {
            block->comment = option.value;
        } else if (option.code == name_code && name_code != 0) {
            block->name = option.value;
        }
    }
}

/* ---- blocks; [at, end) is the body ---- */

static enum amt_err read_section(struct pcapng_reader *r, const uint8_t *in, uint32_t at,
                                 uint32_t end, struct pcapng_block *block)
{
    if (end - at < 16) {
        return malformed(r, at, "a section header is too short");
    }
    if (get16(r, in + at + 4) != 1) {
        return malformed(r, at + 4, "a version of pcapng that is not 1");
    }
    r->interface_count = 0;
    read_texts(r, in, at + 16, end, OPTION_USER_APPLICATION, block);
    return AMT_OK;
}

static enum amt_err read_interface(struct pcapng_reader *r, const uint8_t *in, uint32_t at,
                                   uint32_t end, struct pcapng_block *block)
{
    if (end - at < 8) {
        return malformed(r, at, "an interface description is too short");
    }
    if (r->interface_count == PCAPNG_INTERFACES_MAX) {
        return too_big(r, at, "more than 64 interfaces");
    }
    uint32_t index = r->interface_count++;
    block->link_type = get16(r, in + at);
    r->interfaces[index].link_type = block->link_type;
    r->interfaces[index].snap_bytes = get32(r, in + at + 4);
    r->interfaces[index].resolution = 6;
    r->interfaces[index].offset_s = 0;
    read_texts(r, in, at + 8, end, OPTION_IF_NAME, block);
    struct option_seen option;
    for (uint32_t pos = at + 8; next_option(r, in, &pos, end, &option);) {
        const uint8_t *value = in + option.value.off;
        if (option.code == OPTION_IF_TSRESOL && option.value.len == 1) {
            r->interfaces[index].resolution = value[0];
        } else if (option.code == OPTION_IF_TSOFFSET && option.value.len == 8) {
            uint32_t low = get32(r, value + (r->is_big_endian ? 4 : 0));
            uint32_t high = get32(r, value + (r->is_big_endian ? 0 : 4));
            r->interfaces[index].offset_s = (int64_t)((uint64_t)high << 32 | low);
        }
    }
    return AMT_OK;
}

static enum amt_err read_enhanced(struct pcapng_reader *r, const uint8_t *in, uint32_t at,
                                  uint32_t end, struct pcapng_block *block)
{
    if (end - at < 20) {
        return malformed(r, at, "a packet block is too short");
    }
    uint32_t index = get32(r, in + at);
    if (index >= r->interface_count) {
        return malformed(r, at, "a packet of an interface that is not described");
    }
    uint32_t len = get32(r, in + at + 12);
    if (len > end - at - 20) {
        return malformed(r, at + 12, "a packet longer than its block");
    }
    uint64_t count = (uint64_t)get32(r, in + at + 4) << 32 | get32(r, in + at + 8);
    block->interface_id = index;
    block->link_type = r->interfaces[index].link_type;
    block->time_us = to_us(r->interfaces[index].resolution, count) +
                     (uint64_t)r->interfaces[index].offset_s * 1000000u;
    block->original_bytes = get32(r, in + at + 16);
    block->data = (struct view){ at + 20, len };
    uint32_t padded = (len + 3) / 4 * 4;
    if (padded <= end - at - 20) {
        read_texts(r, in, at + 20 + padded, end, 0, block);
    }
    return AMT_OK;
}

static enum amt_err read_simple(struct pcapng_reader *r, const uint8_t *in, uint32_t at,
                                uint32_t end, struct pcapng_block *block)
{
    if (end - at < 4 || r->interface_count == 0) {
        return malformed(r, at, "a simple packet is too short, or no interface is described");
    }
    uint32_t len = get32(r, in + at);
    block->original_bytes = len;
    block->link_type = r->interfaces[0].link_type;
    uint32_t snap = r->interfaces[0].snap_bytes;
    len = snap != 0 && len > snap ? snap : len;
    if (len > end - at - 4) {
        return malformed(r, at, "a packet longer than its block");
    }
    block->data = (struct view){ at + 4, len };
    return AMT_OK;
}

static enum amt_err read_secrets(struct pcapng_reader *r, const uint8_t *in, uint32_t at,
                                 uint32_t end, struct pcapng_block *block)
{
    if (end - at < 8 || get32(r, in + at + 4) > end - at - 8) {
        return malformed(r, at, "decryption secrets longer than their block");
    }
    block->secrets_type = get32(r, in + at);
    block->data = (struct view){ at + 8, get32(r, in + at + 4) };
    return AMT_OK;
}

static enum amt_err read_body(struct pcapng_reader *r, const uint8_t *in, uint32_t at, uint32_t end,
                              struct pcapng_block *block)
{
    switch (block->type) {
    case SECTION_TYPE:
        block->kind = PCAPNG_SECTION;
        return read_section(r, in, at, end, block);
    case INTERFACE_TYPE:
        block->kind = PCAPNG_INTERFACE;
        return read_interface(r, in, at, end, block);
    case ENHANCED_TYPE:
        block->kind = PCAPNG_PACKET;
        return read_enhanced(r, in, at, end, block);
    case SIMPLE_TYPE:
        block->kind = PCAPNG_PACKET;
        return read_simple(r, in, at, end, block);
    case NAMES_TYPE:
        block->kind = PCAPNG_NAMES;
        block->data = (struct view){ at, end - at };
        return AMT_OK;
    case SECRETS_TYPE:
        block->kind = PCAPNG_SECRETS;
        return read_secrets(r, in, at, end, block);
    default:
        block->kind = PCAPNG_OTHER;
        return AMT_OK;
    }
}

/* Byte order of the section that begins here. */
static enum amt_err begin_section(struct pcapng_reader *r, const uint8_t *in)
{
    uint32_t order = big32(in + 8);
    if (order != BYTE_ORDER && swap32(order) != BYTE_ORDER) {
        return malformed(r, 8, "a section header without its byte-order magic");
    }
    r->is_big_endian = order == BYTE_ORDER;
    r->has_begun = true;
    return AMT_OK;
}

static enum amt_err read_block(struct pcapng_reader *r, const uint8_t *in, uint32_t len,
                               struct pcapng_block *block, uint32_t *used)
{
    if (len < BLOCK_MIN_BYTES) {
        return need(BLOCK_MIN_BYTES, used);
    }
    block->type = big32(in);
    if (block->type == SECTION_TYPE) { /* reads the same in both orders */
        TRY(begin_section(r, in));
    }
    block->type = get32(r, in);
    uint32_t total = get32(r, in + 4);
    if (total < BLOCK_MIN_BYTES || total % 4 != 0) {
        return malformed(r, 4, "a block length below 12 or not a multiple of 4");
    }
    if (total > PCAPNG_BLOCK_MAX_BYTES) {
        return too_big(r, 4, "a block above 16 MiB");
    }
    if (len < total) {
        return need(total, used);
    }
    if (get32(r, in + total - 4) != total) {
        return malformed(r, total - 4, "the two lengths of a block differ");
    }
    *used = total;
    return read_body(r, in, 8, total - 4, block);
}

/* ---- the old format ---- */

static enum amt_err begin_old(struct pcapng_reader *r, const uint8_t *in, uint32_t len,
                              struct pcapng_block *block, uint32_t *used)
{
    if (len < OLD_FILE_BYTES) {
        return need(OLD_FILE_BYTES, used);
    }
    r->has_begun = r->is_old = true;
    r->old_snap_bytes = get32(r, in + 16);
    r->old_link_type = get32(r, in + 20) & 0x0fffffffu;
    block->kind = PCAPNG_INTERFACE;
    block->link_type = r->old_link_type;
    *used = OLD_FILE_BYTES;
    return AMT_OK;
}

static enum amt_err read_record(struct pcapng_reader *r, const uint8_t *in, uint32_t len,
                                struct pcapng_block *block, uint32_t *used)
{
    if (len < OLD_RECORD_BYTES) {
        return need(OLD_RECORD_BYTES, used);
    }
    uint32_t bytes = get32(r, in + 8);
    if (bytes > PCAPNG_BLOCK_MAX_BYTES) {
        return too_big(r, 8, "a packet above 16 MiB");
    }
    if (len < OLD_RECORD_BYTES + bytes) {
        return need(OLD_RECORD_BYTES + bytes, used);
    }
    uint32_t fraction = get32(r, in + 4);
    block->kind = PCAPNG_PACKET;
    block->link_type = r->old_link_type;
    block->time_us =
        (uint64_t)get32(r, in) * 1000000u + (r->is_nanoseconds ? fraction / 1000 : fraction);
    block->original_bytes = get32(r, in + 12);
    block->data = (struct view){ OLD_RECORD_BYTES, bytes };
    *used = OLD_RECORD_BYTES + bytes;
    return AMT_OK;
}

enum amt_err pcapng_read(struct pcapng_reader *reader, const uint8_t *in, uint32_t len,
                         struct pcapng_block *block, uint32_t *used)
{
    *block = (struct pcapng_block){ .kind = PCAPNG_OTHER };
    *used = 0;
    if (reader->is_old) {
        return read_record(reader, in, len, block, used);
    }
    if (reader->has_begun) {
        return read_block(reader, in, len, block, used);
    }
    if (len < 4) {
        return need(4, used);
    }
    uint32_t magic = big32(in);
    uint32_t swapped = swap32(magic);
    reader->is_big_endian = magic == OLD_MAGIC || magic == OLD_NANO_MAGIC;
    reader->is_nanoseconds = magic == OLD_NANO_MAGIC || swapped == OLD_NANO_MAGIC;
    if (reader->is_big_endian || reader->is_nanoseconds || swapped == OLD_MAGIC) {
        return begin_old(reader, in, len, block, used);
    }
    if (magic != SECTION_TYPE) {
        return malformed(reader, 0, "neither pcapng nor pcap");
    }
    return read_block(reader, in, len, block, used);
}

bool pcapng_name_next(const struct pcapng_reader *reader, const struct pcapng_block *block,
                      const uint8_t *in, uint32_t *at, struct pcapng_name *name)
{
    const uint8_t *records = in + block->data.off;
    while (block->data.len - *at >= 4) {
        uint32_t kind = get16(reader, records + *at);
        uint32_t len = get16(reader, records + *at + 2);
        const uint8_t *value = records + *at + 4;
        uint32_t left = block->data.len - *at - 4;
        if (kind == 0 || len > left) {
            return false;
        }
        uint32_t padded = (len + 3) / 4 * 4;
        uint32_t value_off = block->data.off + *at + 4;
        *at += 4 + (padded < left ? padded : left);
        uint32_t address_bytes = kind == 1 ? PCAPNG_NAME_IPV4_BYTES : PCAPNG_NAME_IPV6_BYTES;
        if (kind > 2 || len <= address_bytes) {
            continue;
        }
        const uint8_t *end = memchr(value + address_bytes, 0, len - address_bytes);
        *name = (struct pcapng_name){
            .address = value,
            .address_bytes = address_bytes,
            .name = { value_off + address_bytes,
                      end == NULL ? len - address_bytes : (uint32_t)(end - value) - address_bytes }
        };
        return true;
    }
    return false;
}
