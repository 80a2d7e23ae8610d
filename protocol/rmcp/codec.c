#include "protocol/rmcp/codec.h"

#define RMCP_VERSION        0x06u /* ASF 1.0 and later */
#define RMCP_CLASS_ASF      0x06u
#define ASF_ENTERPRISE      4542u
#define ASF_PRESENCE_PING   0x80u
#define ASF_PRESENCE_PONG   0x40u
#define ASF_PONG_DATA_BYTES 16u

#define STATE_PROVISIONING 0x03u
#define STATE_BOTH_PORTS   0x04u
#define ENTITY_IPMI        0x80u
#define ENTITY_ASF_VERSION 0x0fu
#define INTERACTION_DASH   0x20u

static enum amt_err read_u8(struct cursor *c, uint8_t *value)
{
    return cursor_u8(c, value) == AMT_OK ? AMT_OK : AMT_EMALFORMED;
}

static enum amt_err read_u32(struct cursor *c, uint32_t *value)
{
    return cursor_u32(c, value) == AMT_OK ? AMT_OK : AMT_EMALFORMED;
}

/* RMCP header and ASF head; leaves the cursor at the data. */
static enum amt_err read_head(struct cursor *c, struct rmcp_message *out, uint8_t *type,
                              uint8_t *data_len)
{
    uint8_t version = 0;
    uint8_t reserved = 0;
    uint8_t class = 0;
    uint32_t enterprise = 0;
    TRY(read_u8(c, &version));
    TRY(read_u8(c, &reserved));
    TRY(read_u8(c, &out->sequence));
    TRY(read_u8(c, &class));
    if (version != RMCP_VERSION || class != RMCP_CLASS_ASF) {
        return AMT_EUNKNOWN; /* an acknowledge (class bit 7) ends here too: it has no more bytes */
    }
    TRY(read_u32(c, &enterprise));
    TRY(read_u8(c, type));
    TRY(read_u8(c, &out->tag));
    TRY(read_u8(c, &reserved));
    TRY(read_u8(c, data_len));
    return enterprise == ASF_ENTERPRISE ? AMT_OK : AMT_EUNKNOWN;
}

static enum amt_err read_presence(struct cursor *c, struct rmcp_presence *presence)
{
    uint8_t version = 0;
    uint8_t state = 0;
    uint8_t entities = 0;
    uint8_t interactions = 0;
    struct view reserved;
    TRY(read_u32(c, &presence->enterprise));
    if (cursor_u16(c, &presence->open_port) != AMT_OK) {
        return AMT_EMALFORMED;
    }
    TRY(read_u8(c, &version));
    TRY(read_u8(c, &state));
    TRY(read_u8(c, &entities));
    TRY(read_u8(c, &interactions));
    if (cursor_take(c, 6, &reserved) != AMT_OK) {
        return AMT_EMALFORMED;
    }
    presence->major = (uint8_t)(version >> 4);
    presence->minor = (uint8_t)(version & 0x0fu);
    presence->provisioning = (uint8_t)(state & STATE_PROVISIONING);
    presence->has_both_ports = (state & STATE_BOTH_PORTS) != 0;
    presence->supports_ipmi = (entities & ENTITY_IPMI) != 0;
    presence->asf_version = (uint8_t)(entities & ENTITY_ASF_VERSION);
    presence->is_dash = (interactions & INTERACTION_DASH) != 0;
    return AMT_OK;
}

enum amt_err rmcp_decode(const uint8_t *in, uint32_t len, struct rmcp_message *out)
{
    struct cursor c = { .base = in, .len = len > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : len };
    uint8_t type = 0;
    uint8_t data_len = 0;
    *out = (struct rmcp_message){ .kind = RMCP_PING };
    TRY(read_head(&c, out, &type, &data_len));
    if (type == ASF_PRESENCE_PING) {
        return data_len == 0 ? AMT_OK : AMT_EMALFORMED;
    }
    if (type == ASF_PRESENCE_PONG) {
        out->kind = RMCP_PONG;
        return data_len == ASF_PONG_DATA_BYTES ? read_presence(&c, &out->presence) : AMT_EMALFORMED;
    }
    return AMT_EUNKNOWN;
}

static void write_presence(struct writer *w, const struct rmcp_presence *presence)
{
    writer_u32(w, presence->enterprise);
    writer_u16(w, presence->open_port);
    writer_u8(w, (uint8_t)((presence->major & 0x0fu) << 4 | (presence->minor & 0x0fu)));
    writer_u8(w, (uint8_t)((presence->provisioning & STATE_PROVISIONING) |
                           (presence->has_both_ports ? STATE_BOTH_PORTS : 0)));
    writer_u8(w, (uint8_t)((presence->asf_version & ENTITY_ASF_VERSION) |
                           (presence->supports_ipmi ? ENTITY_IPMI : 0)));
    writer_u8(w, presence->is_dash ? INTERACTION_DASH : 0);
    writer_zero(w, 6);
}

uint32_t rmcp_encode(const struct rmcp_message *message, uint8_t *out, uint32_t cap)
{
    struct writer w = { .cap = cap > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : cap };
    w.base = out;
    bool is_pong = message->kind == RMCP_PONG;
    writer_u8(&w, RMCP_VERSION);
    writer_u8(&w, 0);
    writer_u8(&w, message->sequence);
    writer_u8(&w, RMCP_CLASS_ASF);
    writer_u32(&w, ASF_ENTERPRISE);
    writer_u8(&w, is_pong ? ASF_PRESENCE_PONG : ASF_PRESENCE_PING);
    writer_u8(&w, message->tag);
    writer_u8(&w, 0);
    writer_u8(&w, is_pong ? ASF_PONG_DATA_BYTES : 0);
    if (is_pong) {
        write_presence(&w, &message->presence);
    }
    return w.pos;
}
