#include "protocol/dhcp/frame.h"

#define IPV4_BYTES           20u
#define UDP_BYTES            8u
#define PROTOCOL_UDP         17u
#define FLAG_DO_NOT_FRAGMENT 0x4000u
#define FRAGMENT_MASK        0x3fffu /* more fragments, and the offset */
#define TTL                  64u
#define ARP_ETHERNET         1u
#define ARP_IPV4             0x0800u

static enum amt_err read_ipv4(struct cursor *c, struct frame_udp *out, uint32_t *end)
{
    uint8_t version = 0, service = 0, ttl = 0, protocol = 0;
    uint16_t total = 0, id = 0, fragment = 0, checksum = 0;
    struct view options;
    if (c->len < IPV4_BYTES) {
        return AMT_EMALFORMED;
    }
    TRY(cursor_u8(c, &version));
    TRY(cursor_u8(c, &service));
    TRY(cursor_u16(c, &total));
    TRY(cursor_u16(c, &id));
    TRY(cursor_u16(c, &fragment));
    TRY(cursor_u8(c, &ttl));
    TRY(cursor_u8(c, &protocol));
    TRY(cursor_u16(c, &checksum));
    TRY(cursor_u32(c, &out->from));
    TRY(cursor_u32(c, &out->to));
    if (version >> 4 != 4 || protocol != PROTOCOL_UDP || (fragment & FRAGMENT_MASK) != 0) {
        return AMT_EUNKNOWN;
    }
    uint32_t head = (uint32_t)(version & 0x0fu) * 4;
    if (head < IPV4_BYTES || total > c->len || total < head + UDP_BYTES ||
        cursor_take(c, head - IPV4_BYTES, &options) != AMT_OK) {
        return AMT_EMALFORMED;
    }
    *end = total;
    return AMT_OK;
}

enum amt_err frame_udp_decode(const uint8_t *in, uint32_t len, struct frame_udp *out)
{
    struct cursor c = { .base = in, .len = len > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : len };
    uint16_t udp_len = 0, checksum = 0;
    uint32_t end = 0;
    *out = (struct frame_udp){ .from = 0 };
    TRY(read_ipv4(&c, out, &end));
    uint32_t start = c.pos;
    TRY(cursor_u16(&c, &out->from_port));
    TRY(cursor_u16(&c, &out->to_port));
    TRY(cursor_u16(&c, &udp_len));
    TRY(cursor_u16(&c, &checksum));
    if (udp_len < UDP_BYTES || udp_len > end - start) {
        return AMT_EMALFORMED;
    }
    out->payload = (struct view){ .off = c.pos, .len = udp_len - UDP_BYTES };
    return AMT_OK;
}

/* The Internet checksum's sum, not folded: at most 65535 bytes stay below 2^32. */
static uint32_t sum_of(const uint8_t *bytes, uint32_t len)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    }
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum > UINT16_MAX) {
        sum = (sum & UINT16_MAX) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void write_ipv4(struct writer *w, const struct frame_udp *head, uint32_t total,
                       uint16_t checksum)
{
    writer_u16(w, 0x4500);
    writer_u16(w, (uint16_t)total);
    writer_u16(w, 0);
    writer_u16(w, FLAG_DO_NOT_FRAGMENT);
    writer_u8(w, TTL);
    writer_u8(w, PROTOCOL_UDP);
    writer_u16(w, checksum);
    writer_u32(w, head->from);
    writer_u32(w, head->to);
}

static uint16_t udp_checksum(const struct frame_udp *head, const uint8_t *payload, uint32_t len)
{
    uint32_t udp_len = UDP_BYTES + len;
    uint32_t sum = (head->from >> 16) + (head->from & UINT16_MAX) + (head->to >> 16) +
                   (head->to & UINT16_MAX) + PROTOCOL_UDP + 2 * udp_len + head->from_port +
                   head->to_port + sum_of(payload, len);
    uint16_t folded = fold(sum);
    return folded == 0 ? UINT16_MAX : folded; /* 0 would say that there is none */
}

uint32_t frame_udp_encode(const struct frame_udp *head, const uint8_t *payload, uint32_t len,
                          uint8_t *out, uint32_t cap)
{
    uint8_t ip[IPV4_BYTES];
    struct writer draft = { .base = ip, .cap = sizeof ip };
    struct writer w = { .cap = cap > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : cap };
    w.base = out;
    uint32_t total = FRAME_UDP_HEAD_BYTES + len;
    write_ipv4(&draft, head, total, 0);
    write_ipv4(&w, head, total, fold(sum_of(ip, sizeof ip)));
    writer_u16(&w, head->from_port);
    writer_u16(&w, head->to_port);
    writer_u16(&w, (uint16_t)(UDP_BYTES + len));
    writer_u16(&w, udp_checksum(head, payload, len));
    writer_bytes(&w, payload, len);
    return w.pos;
}

enum amt_err frame_arp_decode(const uint8_t *in, uint32_t len, struct frame_arp *out)
{
    struct cursor c = { .base = in, .len = len > FRAME_ARP_BYTES ? FRAME_ARP_BYTES : len };
    uint16_t hardware = 0, protocol = 0, lengths = 0, operation = 0;
    *out = (struct frame_arp){ .is_reply = false };
    if (c.len < FRAME_ARP_BYTES) {
        return AMT_EMALFORMED;
    }
    TRY(cursor_u16(&c, &hardware));
    TRY(cursor_u16(&c, &protocol));
    TRY(cursor_u16(&c, &lengths));
    TRY(cursor_u16(&c, &operation));
    TRY(cursor_copy(&c, out->from_hardware, FRAME_ETHERNET_BYTES));
    TRY(cursor_u32(&c, &out->from));
    TRY(cursor_copy(&c, out->to_hardware, FRAME_ETHERNET_BYTES));
    TRY(cursor_u32(&c, &out->to));
    out->is_reply = operation == 2;
    bool is_ours = hardware == ARP_ETHERNET && protocol == ARP_IPV4 && lengths == 0x0604;
    return is_ours && (operation == 1 || operation == 2) ? AMT_OK : AMT_EUNKNOWN;
}

void frame_arp_encode(const struct frame_arp *arp, uint8_t out[static FRAME_ARP_BYTES])
{
    struct writer w = { .cap = FRAME_ARP_BYTES };
    w.base = out;
    writer_u16(&w, ARP_ETHERNET);
    writer_u16(&w, ARP_IPV4);
    writer_u16(&w, 0x0604);
    writer_u16(&w, arp->is_reply ? 2 : 1);
    writer_bytes(&w, arp->from_hardware, FRAME_ETHERNET_BYTES);
    writer_u32(&w, arp->from);
    writer_bytes(&w, arp->to_hardware, FRAME_ETHERNET_BYTES);
    writer_u32(&w, arp->to);
}
