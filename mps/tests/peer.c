/* Peers: raw bytes to and from the server of a world. */
#include <string.h>

#include "base/unit.h"
#include "mps/tests/world.h"

static void on_open(void *ctx)
{
    ((struct peer *)ctx)->is_open = true;
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct peer *p = ctx;
    p->reads += 1;
    assert_int_equal(bytes_append(&p->received, in, len), AMT_OK);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct peer *p = ctx;
    p->has_ended = true;
    p->end = *end;
}

static const struct stream_handler k_handler = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
};

static struct tls_context *client_context(struct world *w)
{
    struct tls_settings settings = { .identity = w->client_identity,
                                     .verifies_peer = true,
                                     .trust = w->client_trust != NULL ? w->client_trust
                                                                      : world_pki()->trust };
    struct amt_diag diag = { .err = AMT_OK };
    if (w->client == NULL) {
        w->client = tls_context_new(&settings, &diag);
    }
    if (w->client == NULL) {
        fail_msg("%s", diag.text);
    }
    return w->client;
}

struct stream *world_connect(struct world *w, const struct stream_handler *handler, void *ctx)
{
    static const struct tls_name_check k_check = { .name = "mps.lab.test" };
    struct address address;
    mps_listener_address(w->mps, 0, &address);
    struct stream *s = net_connect(w->loop, &address, 0, w->is_tls ? NULL : handler, ctx);
    assert_non_null(s);
    if (w->is_tls) {
        s = tls_connect(w->loop, client_context(w), &k_check, s, handler, ctx);
        assert_non_null(s);
    }
    return s;
}

void peer_begin(struct world *w, struct peer *p)
{
    memset(p, 0, sizeof *p);
    p->world = w;
    p->pending = APF_REQUEST_FORWARD;
    p->stream = world_connect(w, &k_handler, p);
}

void peer_connect(struct world *w, struct peer *p)
{
    peer_begin(w, p);
    world_run(w, 10 * MS_US);
}

void peer_close(struct peer *p)
{
    stream_close(p->stream);
    p->stream = NULL;
    bytes_fini(&p->received);
}

void peer_send(struct peer *p, const void *bytes, uint32_t len)
{
    if (len > 0) {
        /* The server may have closed meanwhile; what matters is what it does. */
        (void)!stream_write(p->stream, bytes, len);
    }
    world_run(p->world, 5 * MS_US);
}

void peer_send_pieces(struct peer *p, const void *bytes, uint32_t len, uint32_t piece)
{
    const uint8_t *at = bytes;
    for (uint32_t pos = 0; pos < len; pos += piece) {
        peer_send(p, at + pos, len - pos < piece ? len - pos : piece);
    }
}

bool peer_take(struct peer *p, struct apf_message *message)
{
    struct apf_context context = { .direction = APF_MPS_TO_DEV, .pending = p->pending };
    uint32_t count = 0;
    if (p->received.len == 0) {
        return false;
    }
    assert_int_equal(
        apf_decode(bytes_front(&p->received), p->received.len, &context, message, &count), APF_OK);
    bytes_consume(&p->received, count);
    return true;
}

struct apf_message peer_expect(struct peer *p, enum apf_type type)
{
    struct apf_message message = { .type = 0 };
    if (!peer_take(p, &message)) {
        fail_msg("nothing came, %s is expected", apf_type_name((uint8_t)type));
    }
    if (message.type != type) {
        fail_msg("%s came, %s is expected", apf_type_name(message.type),
                 apf_type_name((uint8_t)type));
    }
    return message;
}

void peer_expect_bytes(struct peer *p, const void *bytes, uint32_t len)
{
    assert_int_equal(p->received.len, len);
    assert_memory_equal(bytes_front(&p->received), bytes, len);
    bytes_consume(&p->received, len);
}

void peer_expect_silence(const struct peer *p)
{
    assert_int_equal(p->received.len, 0);
}

void peer_expect_disconnect(struct peer *p, uint32_t reason)
{
    assert_int_equal(peer_expect(p, APF_DISCONNECT).reason, reason);
    peer_expect_silence(p);
    assert_true(p->has_ended);
    assert_int_equal(p->end.kind, STREAM_END_FIN);
}

static void append(struct bytes *out, const struct apf_message *message, const void *source)
{
    uint8_t bytes[8192];
    uint32_t len = apf_encode(message, source, false, bytes, sizeof bytes);
    assert_true(len > 0 && len <= sizeof bytes);
    assert_int_equal(bytes_append(out, bytes, len), AMT_OK);
}

struct uuid uuid_of_number(uint32_t number)
{
    struct uuid uuid = { .bytes = { 0 } };
    uuid.bytes[15] = (uint8_t)number;
    uuid.bytes[14] = (uint8_t)(number >> 8);
    return uuid;
}

void say_plain(struct bytes *out, const struct apf_message *message)
{
    append(out, message, NULL);
}

void say_version(struct bytes *out, uint32_t number)
{
    struct apf_message version = { .type = APF_PROTOCOLVERSION, .major = 1, .trigger = 4 };
    struct uuid uuid = uuid_of_number(number);
    uuid_to_wire(&uuid, version.uuid);
    append(out, &version, NULL);
}

void say_service(struct bytes *out, const char *service)
{
    struct apf_message message = { .type = APF_SERVICE_REQUEST,
                                   .service = { 0, (uint32_t)strlen(service) } };
    append(out, &message, service);
}

static struct view put(char *source, size_t cap, size_t *at, const char *text)
{
    struct view view = { (uint32_t)*at, (uint32_t)strlen(text) };
    assert_true(view.len <= cap - *at);
    memcpy(source + *at, text, view.len);
    *at += view.len;
    return view;
}

void say_userauth(struct bytes *out, const char *user, const char *method, const char *password)
{
    char source[512];
    size_t at = 0;
    struct apf_message auth = { .type = APF_USERAUTH_REQUEST, .has_password = password != NULL };
    auth.user = put(source, sizeof source, &at, user);
    auth.service = put(source, sizeof source, &at, APF_SERVICE_PFWD);
    auth.method = put(source, sizeof source, &at, method);
    if (password != NULL) {
        auth.password = put(source, sizeof source, &at, password);
    }
    append(out, &auth, source);
}

void say_request(struct bytes *out, enum apf_request request, uint32_t port)
{
    struct apf_message message = { .type = APF_GLOBAL_REQUEST,
                                   .request = (uint8_t)request,
                                   .want_reply = 1,
                                   .address = { 0, 4 },
                                   .port = port };
    append(out, &message, "pc17");
}

void say_keepalive(struct bytes *out, uint32_t cookie)
{
    struct apf_message message = { .type = APF_KEEPALIVE_REQUEST, .cookie = cookie };
    append(out, &message, NULL);
}

void peer_say(struct peer *p, struct bytes *out)
{
    peer_send(p, bytes_front(out), out->len);
    bytes_fini(out);
}

void peer_hello(struct peer *p, uint32_t number)
{
    struct bytes out = { .max = 0 };
    say_version(&out, number);
    say_service(&out, APF_SERVICE_AUTH);
    peer_say(p, &out);
    (void)peer_expect(p, APF_SERVICE_ACCEPT);
}

void peer_log_in(struct peer *p, uint32_t number, const char *user, const char *password)
{
    struct bytes out = { .max = 0 };
    peer_hello(p, number);
    say_userauth(&out, user, APF_METHOD_NAME_PASSWORD, password);
    peer_say(p, &out);
    (void)peer_expect(p, APF_USERAUTH_SUCCESS);
}

void peer_go_online(struct peer *p, uint32_t number, uint32_t port)
{
    struct bytes out = { .max = 0 };
    peer_log_in(p, number, USER, PASSWORD);
    say_service(&out, APF_SERVICE_PFWD);
    say_request(&out, APF_REQUEST_FORWARD, port);
    peer_say(p, &out);
    (void)peer_expect(p, APF_SERVICE_ACCEPT);
    (void)peer_expect(p, APF_REQUEST_SUCCESS);
    world_run(p->world, 400 * MS_US);
}
