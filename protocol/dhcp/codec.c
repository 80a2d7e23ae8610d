#include "protocol/dhcp/codec.h"

#include <stddef.h>

#define OP_REQUEST     1u
#define OP_REPLY       2u
#define ETHERNET       1u
#define COOKIE         0x63825363u
#define FLAG_BROADCAST 0x8000u
#define CHADDR_BYTES   16u
#define SNAME_OFFSET   44u
#define SNAME_BYTES    64u
#define FILE_OFFSET    108u
#define FILE_BYTES     128u
#define PIECE_BYTES    255u
#define OVERLOAD_FILE  1u
#define OVERLOAD_SNAME 2u

static enum amt_err refuse(struct dhcp_fault *fault, enum amt_err err, uint32_t offset,
                           const char *what)
{
    if (fault != NULL) {
        fault->offset = offset;
        fault->what = what;
    }
    return err;
}

/* One step through an area. AMT_OK with an option; AMT_EUNKNOWN at its end; AMT_EMALFORMED when the
 * option runs over the end, the cursor then stands on it. */
static enum amt_err next_option(struct cursor *c, uint8_t *code, struct view *value)
{
    uint8_t len = 0;
    do {
        if (cursor_u8(c, code) != AMT_OK) {
            return AMT_EUNKNOWN; /* no END; what came before is complete */
        }
    } while (*code == DHCP_PAD);
    if (*code == DHCP_END) {
        return AMT_EUNKNOWN;
    }
    uint32_t start = c->pos - 1;
    if (cursor_u8(c, &len) != AMT_OK || cursor_take(c, len, value) != AMT_OK) {
        c->pos = start;
        return AMT_EMALFORMED;
    }
    return AMT_OK;
}

static struct cursor area_cursor(const uint8_t *in, const struct view *area)
{
    return (struct cursor){ .base = in, .len = area->off + area->len, .pos = area->off };
}

static enum amt_err check_area(const uint8_t *in, const struct view *area, struct dhcp_fault *fault)
{
    struct cursor c = area_cursor(in, area);
    uint8_t code = 0;
    struct view value;
    enum amt_err err = AMT_OK;
    while (err == AMT_OK) {
        err = next_option(&c, &code, &value);
    }
    return err == AMT_EUNKNOWN
               ? AMT_OK
               : refuse(fault, AMT_EMALFORMED, c.pos, "the option runs over the end of its field");
}

static enum amt_err read_head(struct cursor *c, struct dhcp_message *out, struct dhcp_fault *fault)
{
    uint8_t op = 0, type = 0, hardware_len = 0, hops = 0;
    uint16_t flags = 0;
    uint32_t cookie = 0;
    struct view skipped;
    if (c->len < DHCP_HEAD_BYTES) {
        return refuse(fault, AMT_EMALFORMED, c->len, "the datagram is shorter than 240 bytes");
    }
    TRY(cursor_u8(c, &op));
    TRY(cursor_u8(c, &type));
    TRY(cursor_u8(c, &hardware_len));
    TRY(cursor_u8(c, &hops));
    TRY(cursor_u32(c, &out->xid));
    TRY(cursor_u16(c, &out->seconds));
    TRY(cursor_u16(c, &flags));
    TRY(cursor_u32(c, &out->client));
    TRY(cursor_u32(c, &out->yours));
    TRY(cursor_u32(c, &out->server));
    TRY(cursor_u32(c, &out->relay));
    TRY(cursor_copy(c, out->hardware, DHCP_HARDWARE_BYTES));
    TRY(cursor_take(c, CHADDR_BYTES - DHCP_HARDWARE_BYTES + SNAME_BYTES + FILE_BYTES, &skipped));
    TRY(cursor_u32(c, &cookie));
    if (op != OP_REQUEST && op != OP_REPLY) {
        return refuse(fault, AMT_EUNKNOWN, 0, "op is neither 1 nor 2");
    }
    if (type != ETHERNET || hardware_len != DHCP_HARDWARE_BYTES) {
        return refuse(fault, AMT_EUNKNOWN, 1, "the hardware is no Ethernet");
    }
    if (cookie != COOKIE) {
        return refuse(fault, AMT_EUNKNOWN, DHCP_HEAD_BYTES - 4, "the cookie is not that of DHCP");
    }
    out->is_reply = op == OP_REPLY;
    out->wants_broadcast = (flags & FLAG_BROADCAST) != 0;
    return AMT_OK;
}

static void add_area(struct dhcp_message *out, uint32_t offset, uint32_t len)
{
    out->areas[out->area_count] = (struct view){ .off = offset, .len = len };
    out->area_count += 1;
}

/* Option 52 counts in the options field alone; file comes before sname (RFC 2131 4.1). */
static enum amt_err find_areas(const uint8_t *in, uint32_t len, struct dhcp_message *out,
                               struct dhcp_fault *fault)
{
    uint8_t overload = 0;
    uint32_t overload_len = 0;
    add_area(out, DHCP_HEAD_BYTES, len - DHCP_HEAD_BYTES);
    TRY(check_area(in, &out->areas[0], fault));
    if (dhcp_option(in, out, DHCP_OVERLOAD, &overload, 1, &overload_len, NULL) != AMT_OK) {
        return AMT_OK;
    }
    if ((overload & OVERLOAD_FILE) != 0) {
        add_area(out, FILE_OFFSET, FILE_BYTES);
        TRY(check_area(in, &out->areas[out->area_count - 1], fault));
    }
    if ((overload & OVERLOAD_SNAME) != 0) {
        add_area(out, SNAME_OFFSET, SNAME_BYTES);
        TRY(check_area(in, &out->areas[out->area_count - 1], fault));
    }
    return AMT_OK;
}

enum amt_err dhcp_decode(const uint8_t *in, uint32_t len, struct dhcp_message *out,
                         struct dhcp_fault *fault)
{
    struct cursor c = { .base = in, .len = len > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : len };
    uint8_t type = 0;
    uint32_t type_len = 0;
    *out = (struct dhcp_message){ .area_count = 0 };
    TRY(read_head(&c, out, fault));
    TRY(find_areas(in, c.len, out, fault));
    if (dhcp_option(in, out, DHCP_MESSAGE_TYPE, &type, 1, &type_len, NULL) != AMT_OK ||
        type_len != 1 || type < DHCP_DISCOVER || type > DHCP_INFORM) {
        return refuse(fault, AMT_EUNKNOWN, DHCP_HEAD_BYTES, "option 53 names no message type");
    }
    out->type = (enum dhcp_type)type;
    return AMT_OK;
}

enum amt_err dhcp_option(const uint8_t *in, const struct dhcp_message *message, enum dhcp_code code,
                         uint8_t *out, uint32_t cap, uint32_t *len, uint32_t *pieces)
{
    uint32_t total = 0, count = 0;
    for (uint32_t i = 0; i < message->area_count; i++) {
        struct cursor c = area_cursor(in, &message->areas[i]);
        struct view value = { 0, 0 };
        uint8_t found = 0;
        while (next_option(&c, &found, &value) == AMT_OK) {
            for (uint32_t at = 0; found == code && at < value.len; at++, total++) {
                if (total < cap) {
                    out[total] = in[value.off + at];
                }
            }
            count += found == code ? 1 : 0;
        }
    }
    *len = total;
    if (pieces != NULL) {
        *pieces = count;
    }
    return count == 0 ? AMT_EUNKNOWN : total > cap ? AMT_ETOOBIG : AMT_OK;
}

enum amt_err dhcp_address(const uint8_t *in, const struct dhcp_message *message,
                          enum dhcp_code code, uint32_t at, uint32_t *value)
{
    uint8_t bytes[64]; /* sixteen addresses; nobody looks for a later one */
    uint32_t len = 0;
    enum amt_err err = dhcp_option(in, message, code, bytes, sizeof bytes, &len, NULL);
    if (err == AMT_EUNKNOWN) {
        return err;
    }
    if (len == 0 || len % 4 != 0) {
        return AMT_EMALFORMED;
    }
    struct cursor c = { .base = bytes, .len = err == AMT_OK ? len : (uint32_t)sizeof bytes };
    if (at >= c.len / 4) {
        return AMT_EUNKNOWN;
    }
    c.pos = at * 4;
    return cursor_u32(&c, value);
}

enum amt_err dhcp_u32(const uint8_t *in, const struct dhcp_message *message, enum dhcp_code code,
                      uint32_t *value)
{
    uint32_t second = 0;
    enum amt_err err = dhcp_address(in, message, code, 0, value);
    if (err == AMT_OK && dhcp_address(in, message, code, 1, &second) == AMT_OK) {
        return AMT_EMALFORMED;
    }
    return err;
}

static void write_value(struct writer *w, const struct dhcp_value *value)
{
    uint32_t done = 0;
    do {
        uint32_t piece = value->len - done;
        piece = piece > PIECE_BYTES ? PIECE_BYTES : piece;
        writer_u8(w, (uint8_t)value->code);
        writer_u8(w, (uint8_t)piece);
        for (uint32_t i = 0; i < piece; i++) {
            writer_u8(w, value->bytes[done + i]);
        }
        done += piece;
    } while (done < value->len);
}

uint32_t dhcp_encode(const struct dhcp_message *message, const struct dhcp_value *values,
                     uint32_t count, uint8_t *out, uint32_t cap)
{
    struct writer w = { .cap = cap > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : cap };
    w.base = out;
    writer_u8(&w, message->is_reply ? OP_REPLY : OP_REQUEST);
    writer_u8(&w, ETHERNET);
    writer_u8(&w, DHCP_HARDWARE_BYTES);
    writer_u8(&w, 0);
    writer_u32(&w, message->xid);
    writer_u16(&w, message->seconds);
    writer_u16(&w, message->wants_broadcast ? FLAG_BROADCAST : 0);
    writer_u32(&w, message->client);
    writer_u32(&w, message->yours);
    writer_u32(&w, message->server);
    writer_u32(&w, message->relay);
    writer_bytes(&w, message->hardware, DHCP_HARDWARE_BYTES);
    writer_zero(&w, CHADDR_BYTES - DHCP_HARDWARE_BYTES + SNAME_BYTES + FILE_BYTES);
    writer_u32(&w, COOKIE);
    writer_u8(&w, DHCP_MESSAGE_TYPE);
    writer_u8(&w, 1);
    writer_u8(&w, (uint8_t)message->type);
    for (uint32_t i = 0; i < count; i++) {
        write_value(&w, &values[i]);
    }
    writer_u8(&w, DHCP_END);
    if (w.pos < DHCP_LEAST_BYTES) {
        writer_zero(&w, DHCP_LEAST_BYTES - w.pos);
    }
    return w.pos;
}

const char *dhcp_type_name(enum dhcp_type type)
{
    static const char *const k_names[] = { "?",   "DISCOVER", "OFFER",   "REQUEST", "DECLINE",
                                           "ACK", "NAK",      "RELEASE", "INFORM" };
    return (uint32_t)type < sizeof k_names / sizeof *k_names ? k_names[type] : k_names[0];
}
