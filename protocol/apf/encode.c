#include "protocol/apf/codec.h"

struct encoding {
    struct writer writer;
    const struct apf_message *message;
    const uint8_t *source;
    bool raw_reserved;
    bool is_bad; /* cannot be encoded at all */
};

static void text(struct encoding *e, const struct view *view, uint32_t max)
{
    if (view->len > max || view->off > CURSOR_MAX_BYTES) {
        e->is_bad = true;
        return;
    }
    writer_u32(&e->writer, view->len);
    if (view->len > 0) {
        writer_bytes(&e->writer, e->source + view->off, view->len);
    }
}

static void name(struct encoding *e, const struct view *view)
{
    text(e, view, APF_NAME_MAX_BYTES);
}

static void number(struct encoding *e, uint32_t value)
{
    writer_u32(&e->writer, value);
}

/* APF-COM-010, APF-COM-018: what is reserved goes out as the specification says. */
static void reserved(struct encoding *e, uint32_t value, uint32_t proper)
{
    writer_u32(&e->writer, e->raw_reserved ? value : proper);
}

static void disconnect(struct encoding *e)
{
    number(e, e->message->reason);
    writer_u16(&e->writer, (uint16_t)(e->raw_reserved ? e->message->reserved & 0xffffu : 0));
}

static void service(struct encoding *e)
{
    name(e, &e->message->service);
}

static void userauth_request(struct encoding *e)
{
    const struct apf_message *m = e->message;
    name(e, &m->user);
    name(e, &m->service);
    name(e, &m->method);
    if (m->has_password) {
        writer_u8(&e->writer, 0);
        name(e, &m->password);
    }
}

static void userauth_failure(struct encoding *e)
{
    name(e, &e->message->methods);
    writer_u8(&e->writer, e->message->partial);
}

static void nothing(struct encoding *e)
{
    (void)e;
}

#define LITERAL(e, text) writer_counted(&(e)->writer, (const uint8_t *)(text), sizeof(text) - 1)

static void request_name(struct encoding *e)
{
    switch (e->message->request) {
    case APF_REQUEST_FORWARD:
        LITERAL(e, APF_REQUEST_NAME_FORWARD);
        break;
    case APF_REQUEST_CANCEL:
        LITERAL(e, APF_REQUEST_NAME_CANCEL);
        break;
    case APF_REQUEST_UDP:
        LITERAL(e, APF_REQUEST_NAME_UDP);
        break;
    default:
        e->is_bad = true;
        break;
    }
}

/* The name follows from the kind: the two cannot disagree. */
static void global_request(struct encoding *e)
{
    const struct apf_message *m = e->message;
    request_name(e);
    writer_u8(&e->writer, m->want_reply);
    name(e, &m->address);
    number(e, m->port);
    if (m->request == APF_REQUEST_UDP) {
        name(e, &m->originator);
        number(e, m->originator_port);
        text(e, &m->data, APF_UDP_MAX_BYTES);
    }
}

static void request_success(struct encoding *e)
{
    if (e->message->request == APF_REQUEST_FORWARD) {
        number(e, e->message->port);
    } else if (e->message->request == APF_REQUEST_NONE) {
        e->is_bad = true;
    }
}

static void channel_open(struct encoding *e)
{
    const struct apf_message *m = e->message;
    name(e, &m->channel_type);
    number(e, m->sender_channel);
    number(e, m->initial_window);
    reserved(e, m->reserved, APF_RESERVED_WORD);
    name(e, &m->address);
    number(e, m->port);
    name(e, &m->originator);
    number(e, m->originator_port);
}

static void channel_open_confirmation(struct encoding *e)
{
    number(e, e->message->recipient_channel);
    number(e, e->message->sender_channel);
    number(e, e->message->initial_window);
    reserved(e, e->message->reserved, APF_RESERVED_WORD);
}

static void channel_open_failure(struct encoding *e)
{
    number(e, e->message->recipient_channel);
    number(e, e->message->reason);
    reserved(e, e->message->reserved, 0);
    reserved(e, e->message->reserved2, 0);
}

static void channel_window_adjust(struct encoding *e)
{
    number(e, e->message->recipient_channel);
    number(e, e->message->bytes_to_add);
}

static void channel_data(struct encoding *e)
{
    number(e, e->message->recipient_channel);
    text(e, &e->message->data, APF_DATA_MAX_BYTES);
}

static void channel_close(struct encoding *e)
{
    number(e, e->message->recipient_channel);
}

static void protocolversion(struct encoding *e)
{
    number(e, e->message->major);
    number(e, e->message->minor);
    number(e, e->message->trigger);
    writer_bytes(&e->writer, e->message->uuid, sizeof e->message->uuid);
    writer_zero(&e->writer, 64);
}

static void keepalive(struct encoding *e)
{
    number(e, e->message->cookie);
}

static void keepalive_options(struct encoding *e)
{
    number(e, e->message->interval);
    number(e, e->message->timeout);
}

static void json_control(struct encoding *e)
{
    text(e, &e->message->json, APF_JSON_MAX_BYTES);
}

typedef void body_fn(struct encoding *e);

static body_fn *find_body(uint8_t type)
{
    static const struct {
        uint8_t type;
        body_fn *body;
    } k_bodies[] = {
        { APF_CHANNEL_DATA, channel_data },
        { APF_CHANNEL_WINDOW_ADJUST, channel_window_adjust },
        { APF_KEEPALIVE_REQUEST, keepalive },
        { APF_KEEPALIVE_REPLY, keepalive },
        { APF_CHANNEL_OPEN, channel_open },
        { APF_CHANNEL_OPEN_CONFIRMATION, channel_open_confirmation },
        { APF_CHANNEL_OPEN_FAILURE, channel_open_failure },
        { APF_CHANNEL_CLOSE, channel_close },
        { APF_GLOBAL_REQUEST, global_request },
        { APF_REQUEST_SUCCESS, request_success },
        { APF_REQUEST_FAILURE, nothing },
        { APF_PROTOCOLVERSION, protocolversion },
        { APF_SERVICE_REQUEST, service },
        { APF_SERVICE_ACCEPT, service },
        { APF_USERAUTH_REQUEST, userauth_request },
        { APF_USERAUTH_FAILURE, userauth_failure },
        { APF_USERAUTH_SUCCESS, nothing },
        { APF_KEEPALIVE_OPTIONS_REQUEST, keepalive_options },
        { APF_KEEPALIVE_OPTIONS_REPLY, keepalive_options },
        { APF_DISCONNECT, disconnect },
        { APF_JSON_CONTROL, json_control },
    };
    for (uint32_t i = 0; i < sizeof k_bodies / sizeof k_bodies[0]; i++) {
        if (k_bodies[i].type == type) {
            return k_bodies[i].body;
        }
    }
    return 0;
}

/* NOLINTBEGIN(readability-non-const-parameter): out is written through the writer. */
uint32_t apf_encode(const struct apf_message *message, const uint8_t *source, bool raw_reserved,
                    uint8_t *out, uint32_t cap)
/* NOLINTEND(readability-non-const-parameter) */
{
    body_fn *body = find_body(message->type);
    if (body == 0 || cap > CURSOR_MAX_BYTES) {
        return 0;
    }
    struct encoding e = { .writer = { out, cap, 0, false },
                          .message = message,
                          .source = source,
                          .raw_reserved = raw_reserved };
    writer_u8(&e.writer, message->type);
    body(&e);
    return e.is_bad ? 0 : e.writer.pos;
}
