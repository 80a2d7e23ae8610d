#include "protocol/apf/codec.h"

/* Fields stand in wire order, so that each function reads like its row of apf.md 3. An error of the
 * codec itself (not of the cursor) is kept in `why`, since the cursor knows only "need more" and "too
 * big". */
struct decoding {
    struct cursor cursor;
    const struct apf_context *context;
    struct apf_message *message;
    enum apf_verdict why;
    uint32_t field_start;
};

static enum amt_err fail(struct decoding *d, enum apf_verdict why)
{
    d->why = why;
    return AMT_EMALFORMED;
}

static enum amt_err name(struct decoding *d, struct view *view)
{
    d->field_start = d->cursor.pos;
    return cursor_counted(&d->cursor, APF_NAME_MAX_BYTES, view);
}

static enum amt_err blob(struct decoding *d, uint32_t max, struct view *view)
{
    d->field_start = d->cursor.pos;
    return cursor_counted(&d->cursor, max, view);
}

static enum amt_err number(struct decoding *d, uint32_t *value)
{
    d->field_start = d->cursor.pos;
    return cursor_u32(&d->cursor, value);
}

static enum amt_err disconnect(struct decoding *d)
{
    uint16_t reserved = 0;
    TRY(number(d, &d->message->reason));
    TRY(cursor_u16(&d->cursor, &reserved));
    d->message->reserved = reserved;
    return AMT_OK;
}

static enum amt_err service(struct decoding *d)
{
    return name(d, &d->message->service);
}

static enum amt_err userauth_request(struct decoding *d)
{
    struct apf_message *m = d->message;
    uint8_t is_change = 0;
    TRY(name(d, &m->user));
    TRY(name(d, &m->service));
    TRY(name(d, &m->method));
    if (cursor_just_read(&d->cursor, &m->method, APF_METHOD_NAME_NONE,
                         sizeof APF_METHOD_NAME_NONE - 1)) {
        return AMT_OK;
    }
    if (!cursor_just_read(&d->cursor, &m->method, APF_METHOD_NAME_PASSWORD,
                          sizeof APF_METHOD_NAME_PASSWORD - 1)) {
        return fail(d, APF_EUNKNOWN_METHOD); /* APF-COM-015: the body cannot be delimited */
    }
    m->has_password = true;
    d->field_start = d->cursor.pos;
    TRY(cursor_u8(&d->cursor, &is_change));
    if (is_change != 0) {
        return fail(d, APF_EBAD_VALUE); /* APF-COM-016 */
    }
    return name(d, &m->password);
}

static enum amt_err userauth_failure(struct decoding *d)
{
    TRY(name(d, &d->message->methods));
    return cursor_u8(&d->cursor, &d->message->partial);
}

static enum amt_err nothing(struct decoding *d)
{
    (void)d;
    return AMT_OK;
}

static uint8_t request_kind(const struct decoding *d)
{
    const struct view *view = &d->message->request_name;
    if (cursor_just_read(&d->cursor, view, APF_REQUEST_NAME_FORWARD,
                         sizeof APF_REQUEST_NAME_FORWARD - 1)) {
        return APF_REQUEST_FORWARD;
    }
    if (cursor_just_read(&d->cursor, view, APF_REQUEST_NAME_CANCEL,
                         sizeof APF_REQUEST_NAME_CANCEL - 1)) {
        return APF_REQUEST_CANCEL;
    }
    if (cursor_just_read(&d->cursor, view, APF_REQUEST_NAME_UDP, sizeof APF_REQUEST_NAME_UDP - 1)) {
        return APF_REQUEST_UDP;
    }
    return APF_REQUEST_NONE;
}

static enum amt_err global_request(struct decoding *d)
{
    struct apf_message *m = d->message;
    TRY(name(d, &m->request_name));
    m->request = request_kind(d);
    if (m->request == APF_REQUEST_NONE) {
        return fail(d, APF_EUNKNOWN_REQUEST); /* APF-COM-019 */
    }
    TRY(cursor_u8(&d->cursor, &m->want_reply));
    TRY(name(d, &m->address));
    TRY(number(d, &m->port));
    if (m->request != APF_REQUEST_UDP) {
        return AMT_OK;
    }
    TRY(name(d, &m->originator));
    TRY(number(d, &m->originator_port));
    return blob(d, APF_UDP_MAX_BYTES, &m->data);
}

/* APF-COM-012: nothing in the message says which form it has; the oldest request does. */
static enum amt_err request_success(struct decoding *d)
{
    d->field_start = 0;
    if (d->context->pending == APF_REQUEST_NONE) {
        return fail(d, APF_EUNEXPECTED);
    }
    d->message->request = (uint8_t)d->context->pending;
    if (d->context->pending == APF_REQUEST_FORWARD) {
        return number(d, &d->message->port);
    }
    return AMT_OK;
}

static enum amt_err request_failure(struct decoding *d)
{
    d->field_start = 0;
    if (d->context->pending == APF_REQUEST_NONE) {
        return fail(d, APF_EUNEXPECTED);
    }
    return AMT_OK;
}

static enum amt_err channel_open(struct decoding *d)
{
    struct apf_message *m = d->message;
    TRY(name(d, &m->channel_type));
    TRY(number(d, &m->sender_channel));
    TRY(number(d, &m->initial_window));
    TRY(number(d, &m->reserved));
    TRY(name(d, &m->address));
    TRY(number(d, &m->port));
    TRY(name(d, &m->originator));
    return number(d, &m->originator_port);
}

static enum amt_err channel_open_confirmation(struct decoding *d)
{
    TRY(number(d, &d->message->recipient_channel));
    TRY(number(d, &d->message->sender_channel));
    TRY(number(d, &d->message->initial_window));
    return number(d, &d->message->reserved);
}

/* APF-COM-011: 17 bytes whatever the reserved words hold; they are no string lengths. */
static enum amt_err channel_open_failure(struct decoding *d)
{
    TRY(number(d, &d->message->recipient_channel));
    TRY(number(d, &d->message->reason));
    TRY(number(d, &d->message->reserved));
    return number(d, &d->message->reserved2);
}

static enum amt_err channel_window_adjust(struct decoding *d)
{
    TRY(number(d, &d->message->recipient_channel));
    return number(d, &d->message->bytes_to_add);
}

static enum amt_err channel_data(struct decoding *d)
{
    TRY(number(d, &d->message->recipient_channel));
    return blob(d, APF_DATA_MAX_BYTES, &d->message->data);
}

static enum amt_err channel_close(struct decoding *d)
{
    return number(d, &d->message->recipient_channel);
}

static enum amt_err protocolversion(struct decoding *d)
{
    struct apf_message *m = d->message;
    TRY(number(d, &m->major));
    TRY(number(d, &m->minor));
    TRY(number(d, &m->trigger));
    TRY(cursor_copy(&d->cursor, m->uuid, sizeof m->uuid));
    return cursor_zeros(&d->cursor, 64, &m->reserved_zero);
}

static enum amt_err keepalive(struct decoding *d)
{
    return number(d, &d->message->cookie);
}

static enum amt_err keepalive_options(struct decoding *d)
{
    TRY(number(d, &d->message->interval));
    return number(d, &d->message->timeout);
}

static enum amt_err json_control(struct decoding *d)
{
    return blob(d, APF_JSON_MAX_BYTES, &d->message->json);
}

#define FROM_DEVICE 1u
#define FROM_MPS    2u
#define BOTH_WAYS   3u

static const struct rule {
    uint8_t type, directions;
    enum amt_err (*body)(struct decoding *d);
} k_rules[] = {
    { APF_CHANNEL_DATA, BOTH_WAYS, channel_data },
    { APF_CHANNEL_WINDOW_ADJUST, BOTH_WAYS, channel_window_adjust },
    { APF_KEEPALIVE_REQUEST, BOTH_WAYS, keepalive },
    { APF_KEEPALIVE_REPLY, BOTH_WAYS, keepalive },
    { APF_CHANNEL_OPEN, BOTH_WAYS, channel_open },
    { APF_CHANNEL_OPEN_CONFIRMATION, BOTH_WAYS, channel_open_confirmation },
    { APF_CHANNEL_OPEN_FAILURE, BOTH_WAYS, channel_open_failure },
    { APF_CHANNEL_CLOSE, BOTH_WAYS, channel_close },
    { APF_GLOBAL_REQUEST, FROM_DEVICE, global_request },
    { APF_REQUEST_SUCCESS, FROM_MPS, request_success },
    { APF_REQUEST_FAILURE, FROM_MPS, request_failure },
    { APF_PROTOCOLVERSION, BOTH_WAYS, protocolversion },
    { APF_SERVICE_REQUEST, FROM_DEVICE, service },
    { APF_SERVICE_ACCEPT, FROM_MPS, service },
    { APF_USERAUTH_REQUEST, FROM_DEVICE, userauth_request },
    { APF_USERAUTH_FAILURE, FROM_MPS, userauth_failure },
    { APF_USERAUTH_SUCCESS, FROM_MPS, nothing },
    { APF_KEEPALIVE_OPTIONS_REQUEST, FROM_MPS, keepalive_options },
    { APF_KEEPALIVE_OPTIONS_REPLY, FROM_DEVICE, keepalive_options },
    { APF_DISCONNECT, BOTH_WAYS, disconnect },
    { APF_JSON_CONTROL, BOTH_WAYS, json_control },
};

static const struct rule *find_rule(uint8_t type)
{
    for (uint32_t i = 0; i < sizeof k_rules / sizeof k_rules[0]; i++) {
        if (k_rules[i].type == type) {
            return &k_rules[i];
        }
    }
    return 0;
}

static enum amt_err message(struct decoding *d)
{
    TRY(cursor_u8(&d->cursor, &d->message->type));
    const struct rule *rule = find_rule(d->message->type);
    bool is_off = d->message->type == APF_JSON_CONTROL && !d->context->json_control;
    if (rule == 0 || is_off) {
        return fail(d, APF_EUNKNOWN_TYPE); /* APF-COM-006, APF-COM-022 */
    }
    uint32_t direction = d->context->direction == APF_DEV_TO_MPS ? FROM_DEVICE : FROM_MPS;
    if ((rule->directions & direction) == 0) {
        return fail(d, APF_EDIRECTION); /* APF-COM-007 */
    }
    return rule->body(d);
}

enum apf_verdict apf_decode(const uint8_t *in, uint32_t len, const struct apf_context *context,
                            struct apf_message *out, uint32_t *count)
{
    *out = (struct apf_message){ 0 };
    *count = 0;
    if (len > CURSOR_MAX_BYTES) {
        return APF_ELENGTH_LIMIT;
    }
    struct decoding d = { .cursor = { in, len, 0, 0 }, .context = context, .message = out };
    enum amt_err err = message(&d);
    if (err == AMT_OK) {
        *count = d.cursor.pos;
        return APF_OK;
    }
    if (err == AMT_NEED_MORE) {
        *count = d.cursor.need;
        return APF_NEED_MORE;
    }
    *count = d.field_start;
    return err == AMT_ETOOBIG ? APF_ELENGTH_LIMIT : d.why; /* APF-COM-004 */
}
