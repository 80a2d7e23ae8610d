/* Actor kind `wire`. */
#include "scenarios/engine/actor_wire.h"

#include <stdio.h>
#include <string.h>

#include "protocol/apf/fields.h"
#include "runtime/net.h"
#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/record.h"
#include "scenarios/engine/target_device.h"

#define CONNECT_LIMIT_US (30u * (uint64_t)US_PER_SECOND)
#define PRINT_BYTES      400u

static const char *const k_codecs[] = { "apf", "none", NULL };
static const char *const k_roles[] = { "device", "mps", NULL };
static const struct key_def k_tls_keys[] = {
    { "verify", KEY_BOOL, false, "verify the server's certificate, default false", NULL, NULL },
    { "min", KEY_TEXT, false, "lowest TLS version", NULL, NULL },
    { "max", KEY_TEXT, false, "highest TLS version", NULL, NULL },
    { "ciphers", KEY_TEXT, false, "OpenSSL cipher list", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};
static const struct key_def k_keys[] = {
    { "kind", KEY_TEXT, true, "wire", NULL, NULL },
    { "to", KEY_TEXT, false, "actor or address to connect to", NULL, NULL },
    { "listen", KEY_TEXT, false, "true, or an address: waits for a connection instead", NULL,
      NULL },
    { "name", KEY_TEXT, false, "Common Name of its certificate when it listens", NULL, NULL },
    { "codec", KEY_WORD, false, "apf, or none for bytes", k_codecs, NULL },
    { "role", KEY_WORD, false, "the end it plays: device, or mps when it listens", k_roles, NULL },
    { "tls", KEY_MAP, false, "defaults of tls.handshake", NULL, k_tls_keys },
    { "answers", KEY_TEXTS, false,
      "what it answers by itself, as a server would: forwards (each request for one), keepalives",
      NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

enum apf_direction wire_direction(const struct wire *wire)
{
    return wire->is_server ? APF_MPS_TO_DEV : APF_DEV_TO_MPS;
}

static void on_message(void *ctx, enum apf_direction direction, const struct apf_message *message,
                       const uint8_t *bytes, uint32_t len, const char *why)
{
    struct wire *wire = ctx;
    struct actor *actor = wire->actor;
    struct arena *pool = &actor->run->pool;
    struct item *item =
        actor_add_item(actor, ITEM_MESSAGE,
                       message == NULL ? "apf.malformed" : apf_value_name(pool, message->type));
    item->is_out = direction == wire_direction(wire);
    item->bytes = (const uint8_t *)pool_text(pool, (const char *)bytes, len);
    item->len = len;
    item->from = item->is_out ? actor->name : wire->peer;
    item->to = item->is_out ? wire->peer : actor->name;
    item->fields = value_map(pool);
    item->text = pool_printf(pool, "not APF (%s), %u bytes", why == NULL ? "" : why, len);
    if (message != NULL) {
        char text[PRINT_BYTES];
        apf_print(message, bytes, text, sizeof text);
        item->fields = apf_value_fields(pool, message, bytes);
        item->text = pool_strdup(pool, text);
        if (!item->is_out) {
            wire_answer(wire, message);
        }
    }
    /* A built-in server at the other end notes what we send when it arrives. */
    const struct actor *peer = case_actor(actor->run, wire->peer);
    if (!item->is_out || peer == NULL || peer->is_external || !peer->is_started) {
        record_event(actor->run, item, item->from, item->to);
    }
}

static void add_raw(struct wire *wire, const uint8_t *bytes, uint32_t len)
{
    struct arena *pool = &wire->actor->run->pool;
    if (bytes_append(&wire->received, bytes, len) != AMT_OK) {
        (void)pool_checked(NULL);
    }
    struct item *item = actor_add_item(wire->actor, ITEM_MESSAGE, "tcp.data");
    struct value *fields = value_map(pool);
    value_put(pool, fields, "data", value_bytes(pool, bytes, len));
    item->fields = fields;
    item->bytes = (const uint8_t *)pool_text(pool, (const char *)bytes, len);
    item->len = len;
    item->text = pool_printf(pool, "%u bytes", len);
    item->from = wire->peer;
    item->to = wire->actor->name;
    record_event(wire->actor->run, item, item->from, item->to);
}

static void on_open(void *ctx)
{
    struct wire *wire = ctx;
    wire->is_open = true;
    wire->is_secure = wire->is_tls;
    if (wire->stream != NULL) {
        stream_local_name(wire->stream, wire->actor->local_name);
    }
    case_wake(wire->actor->run);
}

/* Messages of one TLS record: `alone` is one that fills it (apf.md 4.6). */
static void mark_alone(const struct wire *wire, const struct item *before, bool was_cut)
{
    struct item *first = before == NULL ? wire->actor->items : before->next;
    bool is_alone = first != NULL && first->next == NULL && !was_cut &&
                    wire->flow.waiting[wire->is_server ? APF_DEV_TO_MPS : APF_MPS_TO_DEV].len == 0;
    for (struct item *at = first; at != NULL; at = at->next) {
        struct arena *pool = &wire->actor->run->pool;
        struct value *fields = value_map(pool);
        for (const struct value *field = at->fields->first; field != NULL; field = field->next) {
            value_put(pool, fields, field->key, value_copy(pool, field));
        }
        value_put(pool, fields, ITEM_ALONE, value_bool(pool, is_alone));
        at->fields = fields;
    }
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct wire *wire = ctx;
    enum apf_direction direction = wire->is_server ? APF_DEV_TO_MPS : APF_MPS_TO_DEV;
    if (wire->is_raw) {
        add_raw(wire, in, len);
        return;
    }
    struct item *before = wire->actor->last_item;
    bool was_cut = wire->flow.waiting[direction].len > 0;
    apf_flow_input(&wire->flow, direction, in, len, on_message, wire);
    mark_alone(wire, before, was_cut);
}

static void note_end(struct wire *wire, const char *by, const struct stream_end *end)
{
    struct item *item = actor_add_item(wire->actor, ITEM_CLOSED, "closed");
    item->by = by;
    item->how = item_end_how(end, wire->is_secure);
    item->alert = end->tls_alert;
    item->fields = value_map(&wire->actor->run->pool);
    item->text = pool_strdup(&wire->actor->run->pool, end->text);
    struct item shown = *item;
    shown.kind = ITEM_EVENT;
    shown.text =
        pool_printf(&wire->actor->run->pool, "closed by %s (%s) %s", by, item->how, end->text);
    record_event(wire->actor->run, &shown, wire->actor->name, wire->actor->name);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct wire *wire = ctx;
    wire->has_ended = true;
    wire->end = *end;
    note_end(wire, end->alert_is_ours ? "us" : "peer", end);
}

static const struct stream_handler k_handler = { .on_open = on_open,
                                                 .on_data = on_data,
                                                 .on_end = on_end };

/* A new connection starts from nothing. */
static void take_stream(struct wire *wire, struct stream *s)
{
    apf_flow_fini(&wire->flow);
    bytes_fini(&wire->received);
    wire->flow = (struct apf_flow){ .is_lost = { false } };
    wire->stream = s;
    wire->is_tls = wire->is_open = wire->is_secure = wire->has_ended = false;
    stream_set_handler(s, &k_handler, wire);
    stream_local_name(s, wire->actor->local_name);
}

void wire_connect(struct wire *wire)
{
    struct loop *loop = wire->actor->run->loop;
    stream_close(wire->stream);
    take_stream(wire, pool_checked(net_connect(loop, &wire->to, CONNECT_LIMIT_US, NULL, NULL)));
}

static void on_accept(void *ctx, struct stream *s)
{
    struct wire *wire = ctx;
    if (wire->waiting != NULL) {
        stream_reset(s); /* one at a time */
        return;
    }
    wire->waiting = s;
    stream_pause(s);
    case_wake(wire->actor->run);
}

enum amt_err wire_listen(struct wire *wire, const char *at, struct amt_diag *diag)
{
    struct address address;
    if (wire->listener != NULL) {
        return AMT_OK;
    }
    if (target_device_calls(wire->actor->run)) {
        address = target_device(wire->actor->run)->address;
        TRY(target_device_identity(wire->actor->run, &wire->identity, diag));
    } else {
        TRY(address_parse(strcmp(at, "true") == 0 ? "127.0.0.1:0" : at, 0, &address, diag));
    }
    wire->listener = net_listen(wire->actor->run->loop, &address, on_accept, wire, diag);
    if (wire->listener == NULL) {
        return diag->err;
    }
    listener_address(wire->listener, &address);
    actor_listens_at(wire->actor, &address);
    return AMT_OK;
}

bool wire_accept(struct wire *wire)
{
    if (wire->waiting == NULL) {
        return false;
    }
    struct stream *s = wire->waiting;
    wire->waiting = NULL;
    stream_close(wire->stream);
    take_stream(wire, s);
    wire->is_open = true;
    stream_resume(s);
    return true;
}

enum amt_err wire_secure(struct wire *wire, const struct tls_settings *settings, const char *sni,
                         struct amt_diag *diag)
{
    struct loop *loop = wire->actor->run->loop;
    struct tls_context *context = tls_context_new(settings, diag);
    if (context == NULL) {
        return AMT_ETLS;
    }
    struct tls_name_check check = { .sni = sni };
    wire->is_tls = true;
    wire->is_open = false;
    wire->stream = settings->is_server
                       ? tls_accept(loop, context, wire->stream, &k_handler, wire)
                       : tls_connect(loop, context, &check, wire->stream, &k_handler, wire);
    tls_context_free(context);
    (void)pool_checked(wire->stream);
    return AMT_OK;
}

enum amt_err wire_write(struct wire *wire, const uint8_t *bytes, uint32_t len)
{
    if (wire->stream == NULL) {
        return AMT_ECLOSED;
    }
    if (!wire->is_raw && len > 0) {
        apf_flow_input(&wire->flow, wire_direction(wire), bytes, len, on_message, wire);
    }
    return len == 0 ? AMT_OK : stream_write(wire->stream, bytes, len);
}

void wire_reset(struct wire *wire)
{
    struct stream_end end = { .kind = STREAM_END_RESET, .tls_alert = -1 };
    if (wire->stream != NULL) {
        stream_reset(wire->stream);
        wire->stream = NULL;
        note_end(wire, "us", &end);
    }
}

static void write_answers(void *ctx)
{
    struct wire *wire = ctx;
    if (wire->stream != NULL && wire->answers.len > 0) {
        (void)wire_write(wire, bytes_front(&wire->answers), wire->answers.len);
    }
    bytes_consume(&wire->answers, wire->answers.len);
}

static enum amt_err read_answers(struct wire *wire, struct amt_diag *diag)
{
    const struct value *answers = actor_get(wire->actor, "answers");
    bool is_list = answers != NULL && answers->kind == VALUE_LIST;
    loop_task_init(&wire->answering, wire->actor->run->loop, write_answers, wire);
    for (const struct value *at = is_list ? answers->first : answers; at != NULL;
         at = is_list ? at->next : NULL) {
        const char *word = at->kind == VALUE_TEXT ? at->text : "";
        if (strcmp(word, "forwards") == 0) {
            wire->answers_forwards = true;
        } else if (strcmp(word, "keepalives") == 0) {
            wire->answers_keepalives = true;
        } else {
            return amt_diag_set(diag, AMT_ECONFIG,
                                "'answers' is '%.40s'; there are forwards and keepalives", word);
        }
    }
    return AMT_OK;
}

void wire_answer(struct wire *wire, const struct apf_message *message)
{
    struct apf_message answer = { .type = 0 };
    if (wire->answers_keepalives && message->type == APF_KEEPALIVE_REQUEST) {
        answer = (struct apf_message){ .type = APF_KEEPALIVE_REPLY, .cookie = message->cookie };
    } else if (wire->answers_forwards && message->type == APF_GLOBAL_REQUEST &&
               message->want_reply) {
        answer = (struct apf_message){ .type = APF_REQUEST_SUCCESS,
                                       .request = message->request,
                                       .port = message->port };
    } else {
        return;
    }
    uint32_t len = 0;
    const uint8_t *bytes = apf_value_bytes(&wire->actor->run->pool, &answer, NULL, &len);
    if (bytes == NULL || bytes_append(&wire->answers, bytes, len) != AMT_OK) {
        (void)pool_checked(NULL);
    }
    loop_task_post(&wire->answering);
}

static enum amt_err start(struct actor *actor, struct amt_diag *diag)
{
    struct wire *wire = pool_alloc(&actor->run->pool, sizeof *wire);
    const struct actor *server = NULL;
    const struct value *listen = actor_get(actor, "listen");
    const char *to = actor_text(actor, "to", NULL);
    wire->actor = actor;
    wire->peer = to == NULL ? "peer" : to;
    wire->is_raw = strcmp(actor_text(actor, "codec", "apf"), "apf") != 0;
    wire->is_server =
        strcmp(actor_text(actor, "role", listen == NULL ? "device" : "mps"), "mps") == 0;
    actor->state = wire;
    TRY(read_answers(wire, diag));
    if (listen != NULL && expr_holds(listen)) {
        return wire_listen(wire, listen->kind == VALUE_TEXT ? listen->text : "true", diag);
    }
    if (to == NULL) {
        return amt_diag_set(diag, AMT_ECONFIG, "a wire needs 'to' or 'listen'");
    }
    return actor_resolve(actor->run, to, &wire->to, &server, diag);
}

static void stop(struct actor *actor)
{
    struct wire *wire = actor->state;
    loop_task_cancel(&wire->answering);
    listener_close(wire->listener);
    stream_reset(wire->waiting);
    stream_reset(wire->stream);
    wire->listener = NULL;
    wire->waiting = wire->stream = NULL;
}

static void free_state(struct actor *actor)
{
    struct wire *wire = actor->state;
    apf_flow_fini(&wire->flow);
    bytes_fini(&wire->joined);
    bytes_fini(&wire->answers);
    pki_identity_free(wire->identity);
    bytes_fini(&wire->received);
}

static struct value *show(struct actor *actor)
{
    struct wire *wire = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *map = value_map(pool);
    if (wire->stream != NULL && wire->is_secure) {
        char tls[80], name[256], fingerprint[65];
        tls_describe(wire->stream, tls, sizeof tls);
        tls_peer_common_name(wire->stream, name, sizeof name);
        tls_peer_fingerprint(wire->stream, fingerprint);
        value_put(pool, map, "tls_version", value_text(pool, tls));
        value_put(pool, map, "peer_name", value_text(pool, name));
        value_put(pool, map, "peer_sha256", value_text(pool, fingerprint));
        value_put(pool, map, "peer_name_in_san",
                  value_bool(pool, tls_peer_has_alternative(wire->stream, name)));
    }
    if (actor->is_listening) {
        value_put(pool, map, "address", value_text(pool, actor->listen_name));
        value_put(pool, map, "port", value_int(pool, actor->address.port));
    }
    if (wire->is_raw) {
        value_put(pool, map, "received",
                  value_bytes(pool, wire->received.len == 0 ? NULL : bytes_front(&wire->received),
                              wire->received.len));
    }
    value_put(pool, map, "is_open",
              value_bool(pool, wire->stream != NULL && wire->is_open && !wire->has_ended));
    return map;
}

const struct actor_kind k_actor_wire = { .name = "wire",
                                         .role = ACTOR_WIRE,
                                         .start_order = 1,
                                         .doc = "naked connection with a codec, no behaviour",
                                         .keys = k_keys,
                                         .start = start,
                                         .stop = stop,
                                         .free = free_state,
                                         .show = show };
