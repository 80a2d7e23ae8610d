#include "runtime/pcapng.h"

#include <string.h>

#define OPTION_MAX_BYTES 65532u
#define OVERHEAD_BYTES \
    64u /* fixed members of the longest block, two option heads, end of options */

/* A block under construction at the back of out; nothing counts before it is finished. */
struct block {
    struct bytes *out;
    uint8_t *base;
    uint32_t len;
};

static void put8(struct block *b, uint32_t value)
{
    b->base[b->len++] = (uint8_t)(value & 0xffu);
}

static void put16(struct block *b, uint32_t value)
{
    put8(b, value);
    put8(b, value >> 8);
}

static void put32(struct block *b, uint32_t value)
{
    put16(b, value);
    put16(b, value >> 16);
}

static void put_padded(struct block *b, const void *bytes, uint32_t len)
{
    if (len > 0) {
        memcpy(b->base + b->len, bytes, len);
        b->len += len;
    }
    while (b->len % 4 != 0) {
        put8(b, 0);
    }
}

static uint32_t text_bytes(const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    return len > OPTION_MAX_BYTES ? OPTION_MAX_BYTES : (uint32_t)len;
}

static void put_option(struct block *b, uint32_t code, const char *text)
{
    uint32_t len = text_bytes(text);
    if (len > 0) {
        put16(b, code);
        put16(b, len);
        put_padded(b, text, len);
    }
}

static enum amt_err begin(struct block *b, struct bytes *out, uint32_t type, uint64_t body_bytes)
{
    if (body_bytes > PCAPNG_BLOCK_MAX_BYTES - OVERHEAD_BYTES) {
        return AMT_ETOOBIG;
    }
    *b = (struct block){ .out = out,
                         .base = bytes_reserve(out, (uint32_t)body_bytes + OVERHEAD_BYTES) };
    if (b->base == NULL) {
        return AMT_ENOMEM;
    }
    put32(b, type);
    put32(b, 0);
    return AMT_OK;
}

static enum amt_err finish(struct block *b)
{
    uint32_t total = b->len + 4;
    put32(b, total);
    b->len = 4;
    put32(b, total);
    bytes_grown(b->out, total);
    return AMT_OK;
}

enum amt_err pcapng_write_section(struct bytes *out, const char *program, const char *comment)
{
    struct block b;
    TRY(begin(&b, out, 0x0a0d0d0au, (uint64_t)text_bytes(program) + text_bytes(comment)));
    put32(&b, 0x1a2b3c4du);
    put16(&b, 1);
    put16(&b, 0);
    put32(&b, 0xffffffffu); /* section length: not told */
    put32(&b, 0xffffffffu);
    put_option(&b, 1, comment);
    put_option(&b, 4, program);
    put32(&b, 0);
    return finish(&b);
}

enum amt_err pcapng_write_interface(struct bytes *out, uint16_t link_type, const char *name)
{
    struct block b;
    TRY(begin(&b, out, 1, text_bytes(name)));
    put16(&b, link_type);
    put16(&b, 0);
    put32(&b, 0); /* nothing is cut */
    put_option(&b, 2, name);
    put32(&b, 0);
    return finish(&b);
}

enum amt_err pcapng_write_packet(struct bytes *out, uint32_t interface_id, uint64_t time_us,
                                 const uint8_t *data, uint32_t len, const char *comment)
{
    struct block b;
    TRY(begin(&b, out, 6, (uint64_t)len + text_bytes(comment)));
    put32(&b, interface_id);
    put32(&b, (uint32_t)(time_us >> 32));
    put32(&b, (uint32_t)(time_us & 0xffffffffu));
    put32(&b, len);
    put32(&b, len);
    put_padded(&b, data, len);
    put_option(&b, 1, comment);
    put32(&b, 0);
    return finish(&b);
}

enum amt_err pcapng_write_name(struct bytes *out, const uint8_t *address, uint32_t address_bytes,
                               const char *name)
{
    struct block b;
    uint32_t len = text_bytes(name);
    len = len > 255 ? 255 : len;
    TRY(begin(&b, out, 4, (uint64_t)address_bytes + len));
    put16(&b, address_bytes == PCAPNG_NAME_IPV4_BYTES ? 1 : 2);
    put16(&b, address_bytes + len + 1);
    memcpy(b.base + b.len, address, address_bytes);
    b.len += address_bytes;
    if (len > 0) {
        memcpy(b.base + b.len, name, len);
        b.len += len;
    }
    put8(&b, 0);
    put_padded(&b, NULL, 0);
    put32(&b, 0);
    return finish(&b);
}

enum amt_err pcapng_write_secrets(struct bytes *out, uint32_t secrets_type, const uint8_t *data,
                                  uint32_t len)
{
    struct block b;
    TRY(begin(&b, out, 10, len));
    put32(&b, secrets_type);
    put32(&b, len);
    put_padded(&b, data, len);
    put32(&b, 0);
    return finish(&b);
}
