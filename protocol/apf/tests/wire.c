#include "protocol/apf/tests/wire.h"

#include <string.h>

#include "base/unit.h"

static void append(struct bytes *out, const struct apf_message *message, const void *source)
{
    static uint8_t bytes[APF_MESSAGE_MAX_BYTES];
    uint32_t len = apf_encode(message, source, false, bytes, sizeof bytes);
    assert_true(len > 0 && len <= sizeof bytes);
    assert_int_equal(bytes_append(out, bytes, len), AMT_OK);
}

void wire_plain(struct bytes *out, const struct apf_message *message)
{
    append(out, message, NULL);
}

void wire_version(struct bytes *out, uint8_t last_uuid_byte)
{
    struct apf_message version = { .type = APF_PROTOCOLVERSION, .major = 1, .trigger = 4 };
    version.uuid[15] = last_uuid_byte;
    append(out, &version, NULL);
}

void wire_service(struct bytes *out, uint8_t type, const char *service)
{
    struct apf_message message = { .type = type, .service = { 0, (uint32_t)strlen(service) } };
    append(out, &message, service);
}

static struct view put(char *source, size_t *at, const char *text)
{
    struct view view = { (uint32_t)*at, (uint32_t)strlen(text) };
    memcpy(source + *at, text, view.len);
    *at += view.len;
    return view;
}

void wire_userauth(struct bytes *out, const char *user, const char *method, const char *password)
{
    char source[512];
    size_t at = 0;
    struct apf_message auth = { .type = APF_USERAUTH_REQUEST, .has_password = password != NULL };
    auth.user = put(source, &at, user);
    auth.service = put(source, &at, APF_SERVICE_PFWD);
    auth.method = put(source, &at, method);
    if (password != NULL) {
        auth.password = put(source, &at, password);
    }
    append(out, &auth, source);
}

void wire_request(struct bytes *out, enum apf_request request, uint8_t want_reply, uint32_t port)
{
    struct apf_message message = { .type = APF_GLOBAL_REQUEST,
                                   .request = (uint8_t)request,
                                   .want_reply = want_reply,
                                   .address = { 0, 4 },
                                   .port = port };
    append(out, &message, "pc17");
}

void wire_open(struct bytes *out, const char *type, uint32_t sender, uint32_t window, uint32_t port)
{
    struct apf_message open = { .type = APF_CHANNEL_OPEN,
                                .channel_type = { 0, (uint32_t)strlen(type) },
                                .sender_channel = sender,
                                .initial_window = window,
                                .port = port };
    append(out, &open, type);
}

void wire_data(struct bytes *out, uint32_t channel, uint32_t len)
{
    static const uint8_t k_payload[65536];
    struct apf_message data = { .type = APF_CHANNEL_DATA,
                                .recipient_channel = channel,
                                .data = { 0, len } };
    assert_true(len <= sizeof k_payload);
    append(out, &data, k_payload);
}

bool wire_take(struct bytes *sent, enum apf_direction direction, enum apf_request pending,
               struct apf_message *message)
{
    struct apf_context context = { .direction = direction, .pending = pending };
    uint32_t count = 0;
    if (sent->len == 0) {
        return false;
    }
    assert_int_equal(apf_decode(bytes_front(sent), sent->len, &context, message, &count), APF_OK);
    bytes_consume(sent, count);
    return true;
}

struct apf_message wire_expect(struct bytes *sent, enum apf_direction direction,
                               enum apf_request pending, uint8_t type)
{
    struct apf_message message = { .type = 0 };
    if (!wire_take(sent, direction, pending, &message)) {
        fail_msg("nothing was sent, %s is expected", apf_type_name(type));
    }
    if (message.type != type) {
        fail_msg("%s was sent, %s is expected", apf_type_name(message.type), apf_type_name(type));
    }
    return message;
}

void wire_expect_silence(const struct bytes *sent)
{
    if (sent->len > 0) {
        fail_msg("%s was sent, silence is expected", apf_type_name(bytes_front(sent)[0]));
    }
}
