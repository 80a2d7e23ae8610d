/* Any message, with texts of 0 to TEXT bytes each, into a buffer of exactly CAP bytes: any write past
 * its end, and any read past the texts, leaves the object. TEXT above a limit of apf.md 2.2 covers the
 * texts that are refused as well. */
#include "__fc_builtin.h"
#include "protocol/apf/codec.h"

static uint8_t out[(CAP) > 0 ? (CAP) : 1];
static uint8_t source[6 * (TEXT)];

static struct view any_view(uint32_t at)
{
    struct view view = { at * (TEXT), (uint32_t)Frama_C_interval(0, TEXT) };
    return view;
}

static uint32_t any_u32(void)
{
    return Frama_C_unsigned_int_interval(0, 0xffffffffu);
}

int main(void)
{
    Frama_C_make_unknown((char *)source, sizeof source);
    struct apf_message message = {
        .type = (uint8_t)Frama_C_interval(0, 255),
        .request = (uint8_t)Frama_C_interval(0, 255),
        .want_reply = (uint8_t)Frama_C_interval(0, 255),
        .partial = (uint8_t)Frama_C_interval(0, 255),
        .has_password = Frama_C_interval(0, 1) != 0,
        .major = any_u32(),
        .minor = any_u32(),
        .trigger = any_u32(),
        .reason = any_u32(),
        .reserved = any_u32(),
        .reserved2 = any_u32(),
        .recipient_channel = any_u32(),
        .sender_channel = any_u32(),
        .initial_window = any_u32(),
        .bytes_to_add = any_u32(),
        .port = any_u32(),
        .originator_port = any_u32(),
        .cookie = any_u32(),
        .interval = any_u32(),
        .timeout = any_u32(),
        .service = any_view(0),
        .user = any_view(1),
        .method = any_view(2),
        .password = any_view(3),
        .methods = any_view(0),
        .channel_type = any_view(1),
        .address = any_view(2),
        .originator = any_view(3),
        .data = any_view(4),
        .json = any_view(5),
    };
    Frama_C_make_unknown((char *)message.uuid, sizeof message.uuid);
    uint32_t len = apf_encode(&message, source, Frama_C_interval(0, 1) != 0, out, CAP);
    //@ assert bounded: len <= CURSOR_MAX_BYTES;
    return (int)(len & 1u);
}
