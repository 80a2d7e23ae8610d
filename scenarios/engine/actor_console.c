/* Actor kind `console`: an operator who reaches devices through the server. */
#include "scenarios/engine/actor_console.h"

#include <string.h>

#include "base/memory.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/console_relay.h"
#include "scenarios/engine/filter.h"
#include "scenarios/engine/target_device.h"

static const struct key_def k_keys[] = {
    { "kind", KEY_TEXT, true, "console", NULL, NULL },
    { "via", KEY_TEXT, false, "the mps actor it works through", NULL, NULL },
    { "to", KEY_TEXT, false, "or the device actor it reaches directly, for wsman steps", NULL,
      NULL },
    { "device", KEY_TEXT, false,
      "the device actor that steps mean which name none; with via: through its tunnel, unless it "
      "is a "
      "target with an address",
      NULL, NULL },
    { "auth", KEY_MAP, false, "{ user, password } on devices, for steps that give none", NULL,
      NULL },
    { "port", KEY_NUMBER, false, "on devices, for wsman steps that give none, default 16992", NULL,
      NULL },
    { "connections", KEY_NUMBER, false, "connections of a load run (needs the fleet part)", NULL,
      NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

struct actor *actor_console_via(struct actor *actor)
{
    return case_actor(actor->run, actor_text(actor, "via", ""));
}

struct actor *actor_console_to(struct actor *actor)
{
    struct actor *device = case_actor(actor->run, actor_text(actor, "device", ""));
    if (device != NULL && device->is_external && !target_device_calls(actor->run)) {
        return device;
    }
    return case_actor(actor->run, actor_text(actor, "to", ""));
}

bool console_device(struct actor *actor, const char *given, struct uuid *uuid, const char **why)
{
    struct arena *pool = &actor->run->pool;
    memset(uuid, 0, sizeof *uuid);
    if (actor_console_to(actor) != NULL) {
        return true;
    }
    struct actor *device = case_actor(actor->run, actor_text(actor, "device", ""));
    const struct value *known =
        given[0] == '\0' && device != NULL ? actor_path(device, "uuid") : NULL;
    const char *text = known != NULL && known->kind == VALUE_TEXT ? known->text : given;
    if (uuid_parse(text, uuid) == AMT_OK) {
        return true;
    }
    *why = pool_printf(pool, "'device' is '%s'; wanted a UUID%s", text,
                       device == NULL ? "" : " (the device has not called yet)");
    return false;
}

/* The device's own port on the network. A closed one refuses, as a PC would. */
static struct stream *connect_directly(struct actor *console, struct actor *to, uint32_t port)
{
    struct address address = { .host = "127.0.0.1", .port = (uint16_t)port };
    if (to->is_external) {
        bool is_usual = port == CONSOLE_PORT_HTTP || port == CONSOLE_PORT_TLS;
        address = to->address;
        address.port = is_usual ? address.port : (uint16_t)port;
    } else {
        (void)device_direct_address(actor_device(to), port, &address);
    }
    return net_connect(console->run->loop, &address, 0, NULL, NULL);
}

struct stream *console_connect(struct actor *actor, const struct uuid *device, uint32_t port,
                               const struct stream_handler *handler, void *ctx)
{
    struct actor *to = actor_console_to(actor), *via = actor_console_via(actor);
    if (to == NULL && via != NULL && via->is_external) {
        return console_relay_open(via, device, port, handler, ctx);
    }
    if (to == NULL) {
        struct mps *mps = actor_mps_server(actor_console_via(actor));
        return mps == NULL ? NULL /* stopped */
                           : mps_open_channel(mps, device, port, handler, ctx);
    }
    struct stream *s = connect_directly(actor, to, port);
    if (s != NULL && handler != NULL) {
        stream_set_handler(s, handler, ctx);
    }
    return s;
}

struct stream *console_connect_secure(struct actor *actor, const struct uuid *device, uint32_t port,
                                      const struct stream_handler *handler, void *ctx)
{
    static const struct tls_name_check k_any_name = { .name = NULL };
    const struct actor *to = actor_console_to(actor);
    if (to == NULL || !to->is_external || !target_device_speaks_tls(actor->run)) {
        return console_connect(actor, device, port, handler, ctx);
    }
    struct tls_context *tls =
        pool_checked(tls_context_new(&(struct tls_settings){ .legacy = true }, NULL));
    struct stream *s = console_connect(actor, device, port, NULL, NULL);
    s = s == NULL ? NULL : tls_connect(actor->run->loop, tls, &k_any_name, s, handler, ctx);
    tls_context_free(tls);
    return s;
}

bool console_speaks_tls(struct actor *actor, uint32_t port)
{
    const struct actor *to = actor_console_to(actor);
    return to != NULL && to->is_external ? target_device_speaks_tls(actor->run)
                                         : port == CONSOLE_PORT_TLS;
}

static enum amt_err start(struct actor *actor, struct amt_diag *diag)
{
    struct actor *via = actor_console_via(actor), *to = actor_console_to(actor);
    const struct actor *device = case_actor(actor->run, actor_text(actor, "device", ""));
    actor->state = pool_alloc(&actor->run->pool, sizeof(struct console));
    if (actor_get(actor, "device") != NULL && (device == NULL || device->kind != &k_actor_device)) {
        return amt_diag_set(diag, AMT_ECONFIG, "'device: %s' is no device actor",
                            actor_text(actor, "device", ""));
    }
    if (to != NULL && to == device) {
        return AMT_OK; /* a target that is reached by its address */
    }
    if (actor_get(actor, "to") != NULL) {
        return to != NULL && to->kind == &k_actor_device && actor_get(actor, "via") == NULL
                   ? AMT_OK
                   : amt_diag_set(diag, AMT_ECONFIG,
                                  "'to: %s' is no device actor, or there is 'via' beside it",
                                  actor_text(actor, "to", ""));
    }
    if (via == NULL || via->kind != &k_actor_mps) {
        return amt_diag_set(diag, AMT_ECONFIG, "'via: %s' is no mps actor",
                            actor_text(actor, "via", ""));
    }
    if (via->is_external && !console_relay_is_there(via)) {
        actor->run->unsupported = "opening channels through a target needs a `console` in its file";
    }
    return AMT_OK;
}

static void stop(struct actor *actor)
{
    struct console *console = actor->state;
    for (struct console_channel *c = console->channels; c != NULL; c = c->next) {
        stream_reset(c->stream);
        c->stream = NULL;
    }
    while (console->clients != NULL) {
        console_client_drop(console->clients);
    }
}

static void on_open(void *ctx)
{
    struct console_channel *c = ctx;
    c->is_open = true;
    case_wake(c->actor->run);
}

static struct item *add_item(struct console_channel *c, const char *name)
{
    struct arena *pool = &c->actor->run->pool;
    struct item *item = actor_add_item(c->actor, ITEM_EVENT, name);
    struct value *fields = value_map(pool);
    value_put(pool, fields, "channel", value_text(pool, c->name));
    item->fields = fields;
    return item;
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct console_channel *c = ctx;
    struct arena *pool = &c->actor->run->pool;
    struct item *item = add_item(c, "chan.data");
    struct value *fields = value_map(pool);
    text_append(&c->received, (const char *)in, len);
    value_put(pool, fields, "channel", value_text(pool, c->name));
    value_put(pool, fields, "data", value_bytes(pool, in, len));
    value_put(pool, fields, "received",
              value_bytes(pool, text_chars(&c->received), (uint32_t)c->received.len));
    item->fields = fields;
    item->text = pool_printf(pool, "chan.data channel=%s (%u bytes)", c->name, len);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct console_channel *c = ctx;
    struct arena *pool = &c->actor->run->pool;
    struct item *item = add_item(c, "chan.closed");
    struct value *fields = value_map(pool);
    value_put(pool, fields, "channel", value_text(pool, c->name));
    value_put(pool, fields, "how", value_text(pool, stream_end_name(end->kind)));
    value_put(pool, fields, "text", value_text(pool, end->text));
    item->fields = fields;
    item->text = pool_printf(pool, "chan.closed channel=%s %s %s", c->name,
                             stream_end_name(end->kind), end->text);
    c->has_ended = true;
    c->end = *end;
    stream_close(c->stream); /* end lives in the stream: used above for the last time */
    c->stream = NULL;
    case_wake(c->actor->run);
}

static const struct stream_handler k_handler = { .on_open = on_open,
                                                 .on_data = on_data,
                                                 .on_end = on_end };

struct console_channel *console_open(struct actor *actor, const char *name,
                                     const struct uuid *device, uint32_t port)
{
    struct console *console = actor->state;
    struct arena *pool = &actor->run->pool;
    struct console_channel *c = pool_alloc(pool, sizeof *c);
    c->actor = actor;
    c->name = pool_strdup(pool, name);
    c->next = console->channels;
    console->channels = c;
    c->stream = console_connect_secure(actor, device, port, &k_handler, c);
    (void)pool_checked(c->stream);
    return c;
}

struct console_channel *console_find(struct actor *actor, const char *name)
{
    struct console *console = actor->state;
    struct console_channel *found = NULL;
    for (struct console_channel *c = console->channels; c != NULL; c = c->next) {
        bool is_it = strcmp(c->name, name) == 0 && c->stream != NULL;
        if (is_it && (found == NULL || (c->is_open && !found->is_open))) {
            found = c;
        }
    }
    return found;
}

static void free_state(struct actor *actor)
{
    struct console *console = actor->state;
    for (struct console_channel *c = console->channels; c != NULL; c = c->next) {
        text_fini(&c->received);
    }
}

/* channels by name: received bytes, open or not */
static struct value *show(struct actor *actor)
{
    struct console *console = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *map = value_map(pool), *channels = value_map(pool);
    for (struct console_channel *c = console->channels; c != NULL; c = c->next) {
        struct value *channel = value_map(pool);
        value_put(pool, channel, "received",
                  value_bytes(pool, text_chars(&c->received), (uint32_t)c->received.len));
        value_put(pool, channel, "is_open", value_bool(pool, c->is_open && !c->has_ended));
        if (value_get(channels, c->name) == NULL) {
            value_put(pool, channels, c->name, channel);
        }
    }
    value_put(pool, map, "channels", channels);
    return map;
}

const struct actor_kind k_actor_console = { .name = "console",
                                            .role = ACTOR_CONSOLE,
                                            .start_order = 1,
                                            .doc =
                                                "operator: channels and requests through the mps",
                                            .keys = k_keys,
                                            .start = start,
                                            .stop = stop,
                                            .free = free_state,
                                            .show = show };
