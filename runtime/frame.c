#include "runtime/frame.h"

#include <arpa/inet.h>
#include <string.h>

#include "runtime/net.h"
#include "runtime/pcapng.h"

#define IPV4_BYTES 20u
#define IPV6_BYTES 40u
#define TCP_BYTES  20u
#define TCP        6u
#define ETHER_IPV4 0x0800u
#define ETHER_IPV6 0x86ddu
#define ETHER_VLAN 0x8100u
#define EXTENSIONS 8u /* IPv6 extension headers that are looked behind */

/* ---- writing ---- */

/* Sum of 16-bit words (RFC 1071); every part but the last has an even length. */
static uint32_t sum_words(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
    for (uint32_t i = 0; i + 1 < len; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
        sum = (sum & 0xffffu) + (sum >> 16);
    }
    if (len % 2 != 0) {
        sum += (uint32_t)bytes[len - 1] << 8;
        sum = (sum & 0xffffu) + (sum >> 16);
    }
    return sum;
}

static void set16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8 & 0xffu);
    at[1] = (uint8_t)(value & 0xffu);
}

static void put_ipv4(struct writer *w, const struct frame *frame, uint32_t total)
{
    uint32_t at = w->pos;
    writer_u8(w, 0x45);
    writer_u8(w, 0);
    writer_u16(w, (uint16_t)total);
    writer_u32(w, 0x00004000u); /* not to be cut */
    writer_u8(w, 64);
    writer_u8(w, TCP);
    writer_u16(w, 0);
    writer_bytes(w, frame->from.ip, 4);
    writer_bytes(w, frame->to.ip, 4);
    set16(w->base + at + 10, ~sum_words(w->base + at, IPV4_BYTES, 0) & 0xffffu);
}

static void put_ipv6(struct writer *w, const struct frame *frame, uint32_t payload)
{
    writer_u32(w, 0x60000000u);
    writer_u16(w, (uint16_t)payload);
    writer_u8(w, TCP);
    writer_u8(w, 64);
    writer_bytes(w, frame->from.ip, 16);
    writer_bytes(w, frame->to.ip, 16);
}

uint32_t frame_encode(const struct frame *frame, const uint8_t *payload, uint32_t len, uint8_t *out)
{
    struct writer w = { .base = out, .cap = FRAME_HEADER_MAX_BYTES + len };
    uint32_t tcp_len = TCP_BYTES + len;
    if (frame->from.is_v6) {
        put_ipv6(&w, frame, tcp_len);
    } else {
        put_ipv4(&w, frame, IPV4_BYTES + tcp_len);
    }
    uint32_t at = w.pos;
    writer_u16(&w, frame->from.port);
    writer_u16(&w, frame->to.port);
    writer_u32(&w, frame->sequence);
    writer_u32(&w, frame->acknowledged);
    writer_u8(&w, TCP_BYTES / 4 << 4);
    writer_u8(&w, frame->flags);
    writer_u16(&w, 0xffff);
    writer_u32(&w, 0);
    writer_bytes(&w, payload, len);
    uint32_t address_bytes = frame->from.is_v6 ? 16 : 4;
    uint32_t sum = sum_words(frame->from.ip, address_bytes, TCP + tcp_len);
    sum = sum_words(frame->to.ip, address_bytes, sum);
    set16(out + at + 16, ~sum_words(out + at, tcp_len, sum) & 0xffffu);
    return w.pos;
}

/* ---- reading ---- */

static enum amt_err skip(struct cursor *c, uint32_t len)
{
    struct view skipped;
    return cursor_take(c, len, &skipped);
}

static enum amt_err read_tcp(struct cursor *c, uint32_t end, struct frame *frame, uint32_t *missing)
{
    uint8_t offset = 0;
    uint32_t at = c->pos;
    TRY(cursor_u16(c, &frame->from.port));
    TRY(cursor_u16(c, &frame->to.port));
    TRY(cursor_u32(c, &frame->sequence));
    TRY(cursor_u32(c, &frame->acknowledged));
    TRY(cursor_u8(c, &offset));
    TRY(cursor_u8(c, &frame->flags));
    uint32_t header = (uint32_t)(offset >> 4) * 4;
    if (header < TCP_BYTES || end - at < header || c->len < at + header) {
        return AMT_EMALFORMED;
    }
    uint32_t have = (end < c->len ? end : c->len) - at - header;
    *missing = end - at - header - have;
    frame->payload = (struct view){ at + header, have };
    return AMT_OK;
}

static enum amt_err read_ipv4(struct cursor *c, struct frame *frame, uint32_t *missing)
{
    uint32_t at = c->pos;
    uint8_t version = 0;
    uint8_t protocol = 0;
    uint16_t total = 0;
    uint16_t fragment = 0;
    TRY(cursor_u8(c, &version));
    TRY(skip(c, 1));
    TRY(cursor_u16(c, &total));
    TRY(skip(c, 2));
    TRY(cursor_u16(c, &fragment));
    TRY(skip(c, 1));
    TRY(cursor_u8(c, &protocol));
    TRY(skip(c, 2));
    TRY(cursor_copy(c, frame->from.ip, 4));
    TRY(cursor_copy(c, frame->to.ip, 4));
    uint32_t header = (uint32_t)(version & 0x0fu) * 4;
    if (header < IPV4_BYTES) {
        return AMT_EMALFORMED;
    }
    if (protocol != TCP || (fragment & 0x3fffu) != 0) {
        return AMT_EUNKNOWN;
    }
    TRY(skip(c, header - IPV4_BYTES));
    /* 0 stands for what the network card will cut (segmentation offload) */
    uint32_t length = total == 0 ? c->len - at : total;
    return length < header + TCP_BYTES ? AMT_EMALFORMED : read_tcp(c, at + length, frame, missing);
}

static enum amt_err read_ipv6(struct cursor *c, struct frame *frame, uint32_t *missing)
{
    uint16_t payload = 0;
    uint8_t next = 0;
    frame->from.is_v6 = frame->to.is_v6 = true;
    TRY(skip(c, 4));
    TRY(cursor_u16(c, &payload));
    TRY(cursor_u8(c, &next));
    TRY(skip(c, 1));
    TRY(cursor_copy(c, frame->from.ip, 16));
    TRY(cursor_copy(c, frame->to.ip, 16));
    uint32_t end = payload == 0 ? c->len : c->pos + payload;
    for (uint32_t i = 0; i < EXTENSIONS && (next == 0 || next == 43 || next == 60); i++) {
        uint8_t length = 0;
        TRY(cursor_u8(c, &next));
        TRY(cursor_u8(c, &length));
        TRY(skip(c, (uint32_t)length * 8 + 6));
    }
    if (next != TCP) {
        return AMT_EUNKNOWN;
    }
    return end < c->pos + TCP_BYTES ? AMT_EMALFORMED : read_tcp(c, end, frame, missing);
}

static enum amt_err read_ip(struct cursor *c, struct frame *frame, uint32_t *missing)
{
    if (c->pos == c->len) {
        return AMT_EMALFORMED;
    }
    switch (c->base[c->pos] >> 4) {
    case 4:
        return read_ipv4(c, frame, missing);
    case 6:
        return read_ipv6(c, frame, missing);
    default:
        return AMT_EUNKNOWN;
    }
}

/* Stands behind the link's header afterwards, where an IP packet begins. */
static enum amt_err skip_link(uint32_t link_type, struct cursor *c)
{
    uint16_t type = ETHER_IPV4;
    switch (link_type) {
    case PCAPNG_LINK_RAW:
        return AMT_OK;
    case PCAPNG_LINK_NULL:
    case PCAPNG_LINK_LOOP:
        return skip(c, 4);
    case PCAPNG_LINK_ETHERNET:
        TRY(skip(c, 12));
        TRY(cursor_u16(c, &type));
        if (type == ETHER_VLAN) {
            TRY(skip(c, 2));
            TRY(cursor_u16(c, &type));
        }
        break;
    case PCAPNG_LINK_LINUX_SLL:
        TRY(skip(c, 14));
        TRY(cursor_u16(c, &type));
        break;
    case PCAPNG_LINK_LINUX_SLL2:
        TRY(cursor_u16(c, &type));
        TRY(skip(c, 18));
        break;
    default:
        return AMT_EUNKNOWN;
    }
    return type == ETHER_IPV4 || type == ETHER_IPV6 ? AMT_OK : AMT_EUNKNOWN;
}

enum amt_err frame_decode(uint32_t link_type, const uint8_t *in, uint32_t len, struct frame *frame,
                          uint32_t *missing_bytes)
{
    struct cursor c = { .base = in, .len = len };
    *frame = (struct frame){ .flags = 0 };
    *missing_bytes = 0;
    if (len > CURSOR_MAX_BYTES) {
        return AMT_EMALFORMED;
    }
    enum amt_err err = skip_link(link_type, &c);
    if (err == AMT_OK) {
        err = read_ip(&c, frame, missing_bytes);
    }
    return err == AMT_NEED_MORE ? AMT_EMALFORMED : err;
}

/* ---- names ---- */

enum amt_err frame_end_parse(const char *name, struct frame_end *end)
{
    struct address address;
    *end = (struct frame_end){ .port = 0 };
    if (address_parse(name, 0, &address, NULL) != AMT_OK) {
        return AMT_EMALFORMED;
    }
    end->port = address.port;
    if (inet_pton(AF_INET, address.host, end->ip) == 1) {
        return AMT_OK;
    }
    end->is_v6 = true;
    return inet_pton(AF_INET6, address.host, end->ip) == 1 ? AMT_OK : AMT_EMALFORMED;
}

bool frame_end_equal(const struct frame_end *a, const struct frame_end *b)
{
    return a->is_v6 == b->is_v6 && a->port == b->port &&
           memcmp(a->ip, b->ip, a->is_v6 ? 16 : 4) == 0;
}
