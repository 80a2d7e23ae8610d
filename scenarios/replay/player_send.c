/* A recorded message of ours as it has to be said now. */
#include <stdio.h>
#include <string.h>

#include "protocol/apf/fields.h"
#include "scenarios/replay/player_internal.h"

/* Whose number recipient_channel is: the peer's, which has chosen another one now. */
static bool map_channel(struct played_connection *c, struct apf_message *message)
{
    struct played_channel *channel = NULL;
    switch (message->type) {
    case APF_CHANNEL_OPEN_CONFIRMATION:
    case APF_CHANNEL_OPEN_FAILURE:
    case APF_CHANNEL_WINDOW_ADJUST:
    case APF_CHANNEL_DATA:
    case APF_CHANNEL_CLOSE:
        channel = channel_by_recorded(c, message->recipient_channel);
        break;
    default:
        break;
    }
    if (channel != NULL) {
        message->recipient_channel = channel->peer;
    }
    return channel != NULL;
}

static enum amt_err set_field(struct apf_message *message, const struct apf_field *field,
                              const char *value, struct text *source)
{
    uint8_t *member = (uint8_t *)message + field->offset;
    struct view view = { (uint32_t)source->len, (uint32_t)strlen(value) };
    struct uuid uuid;
    uint64_t number = 0;
    switch (field->kind) {
    case APF_FIELD_TEXT:
    case APF_FIELD_BYTES:
        text_puts(source, value);
        memcpy(member, &view, sizeof view);
        return AMT_OK;
    case APF_FIELD_UUID:
        TRY(uuid_parse(value, &uuid));
        uuid_to_wire(&uuid, message->uuid);
        return AMT_OK;
    case APF_FIELD_U8:
    case APF_FIELD_BOOL:
        TRY(text_parse_u64(value, field->kind == APF_FIELD_U8 ? 255 : 1, &number));
        *member = (uint8_t)number;
        return AMT_OK;
    case APF_FIELD_U32:
        TRY(text_parse_u64(value, UINT32_MAX, &number));
        uint32_t word = (uint32_t)number;
        memcpy(member, &word, sizeof word);
        return AMT_OK;
    }
    return AMT_OK;
}

static enum amt_err set_given(struct played_connection *c, const struct recording_step *step,
                              struct apf_message *message, struct text *source, bool *is_changed)
{
    struct player *p = c->player;
    uint32_t count = 0;
    struct text name = { 0 };
    enum amt_err err = AMT_OK;
    recording_step_name(step, &name);
    const struct apf_field *fields = apf_fields(&step->message, &count);
    for (uint32_t i = 0; i < count && err == AMT_OK; i++) {
        struct text path = { 0 };
        text_printf(&path, "%s.%s", text_chars(&name), fields[i].name);
        const char *given = p->handler->given(p->ctx, text_chars(&path));
        if (given != NULL) {
            err = set_field(message, &fields[i], given, source);
            *is_changed = true;
        }
        text_fini(&path);
    }
    text_fini(&name);
    return err;
}

/* Into out, as apf_encode gives it. */
static enum amt_err encode(const struct apf_message *message, const struct text *source,
                           struct text *out)
{
    static const uint8_t k_zeros[64];
    const uint8_t *bytes = (const uint8_t *)text_chars(source);
    uint32_t len = apf_encode(message, bytes, true, NULL, 0);
    if (len == 0 || source->failed) {
        return AMT_EMALFORMED;
    }
    size_t before = out->len;
    for (uint32_t left = len; left > 0; left -= left < sizeof k_zeros ? left : sizeof k_zeros) {
        text_append(out, (const char *)k_zeros, left < sizeof k_zeros ? left : sizeof k_zeros);
    }
    if (out->failed) {
        return AMT_ENOMEM;
    }
    (void)apf_encode(message, bytes, true, (uint8_t *)out->chars + before, len);
    return AMT_OK;
}

enum amt_err message_adapt(struct played_connection *c, const struct recording_step *step,
                           struct text *out)
{
    struct apf_message message = step->message;
    struct text source = { 0 };
    enum amt_err err = AMT_OK;
    if (!step->is_apf) {
        text_append(out, (const char *)step->bytes, step->len);
        return AMT_OK;
    }
    text_append(&source, (const char *)step->bytes, step->len);
    bool is_changed = map_channel(c, &message);
    if (message.type == APF_KEEPALIVE_REPLY) {
        message.cookie = c->cookie;
        is_changed = true;
    } else if (message.type == APF_CHANNEL_DATA) {
        message.data.off = (uint32_t)source.len;
        err = channel_say(c, step, &source);
        message.data.len = (uint32_t)source.len - message.data.off;
    }
    if (err == AMT_OK) {
        err = set_given(c, step, &message, &source, &is_changed);
    }
    if (err == AMT_OK && !is_changed) {
        text_append(out, (const char *)step->bytes,
                    step->len); /* also what no encoder would write */
    } else if (err == AMT_OK) {
        err = encode(&message, &source, out);
    }
    text_fini(&source);
    return err;
}
