/* WS-Management clients of consoles: each keeps its connection and its nonce from step to step. */
#include <string.h>

#include "scenarios/engine/actor_console.h"
#include "scenarios/engine/actor_parts.h"

#define PORT_TLS 16993u

static bool is_same(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool fits(const struct console_client_key *a, const struct console_client_key *b)
{
    return uuid_equal(&a->device, &b->device) && a->port == b->port && is_same(a->user, b->user) &&
           is_same(a->password, b->password) && is_same(a->connection, b->connection);
}

/* The device's own port on the network. A closed one refuses, as a PC would. */
static struct stream *connect_directly(struct console_client *c, struct actor *to)
{
    struct address address = { .host = "127.0.0.1", .port = (uint16_t)c->key.port };
    if (to->is_external) {
        address = to->address;
    } else {
        (void)device_direct_address(actor_device(to), c->key.port, &address);
    }
    return net_connect(c->actor->run->loop, &address, 0, NULL, NULL);
}

/* Whoever reaches a device takes its certificate as it is: what it says is judged, not who it is. */
static struct stream *connect_client(void *ctx)
{
    static const struct tls_name_check k_any_name = { .name = NULL };
    struct console_client *c = ctx;
    struct actor *to = actor_console_to(c->actor);
    struct stream *s = NULL;
    if (to != NULL) {
        s = connect_directly(c, to);
    } else {
        struct mps *mps = actor_mps_server(actor_console_via(c->actor));
        s = mps_open_channel(mps, &c->key.device, c->key.port, NULL, NULL);
    }
    return s == NULL || c->tls == NULL
               ? s
               : tls_connect(c->actor->run->loop, c->tls, &k_any_name, s, NULL, NULL);
}

static bool speaks_tls(const struct console_client *c)
{
    const struct actor *to = actor_console_to(c->actor);
    return (to != NULL && to->is_external ? to->address.port : c->key.port) == PORT_TLS;
}

static void make_client(struct console_client *c)
{
    struct case_run *run = c->actor->run;
    struct secret password = { .len = 0 };
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&c->key.device, uuid);
    if (c->key.password != NULL) {
        size_t len = strlen(c->key.password);
        if (secret_set(&password, c->key.password,
                       (uint32_t)(len > SECRET_MAX_BYTES ? SECRET_MAX_BYTES : len)) != AMT_OK) {
            password.len = 0;
        }
        secrets_add(&run->secrets, c->key.password);
    }
    if (speaks_tls(c)) {
        c->tls = pool_checked(tls_context_new(&(struct tls_settings){ .legacy = true }, NULL));
    }
    /* The deadline of the step is the limit. */
    struct wsman_client_settings settings = {
        .loop = run->loop,
        .connect = connect_client,
        .ctx = c,
        .where = uuid,
        .host = pool_printf(&run->pool, "%s:%u", uuid, c->key.port),
        .user = c->key.user,
        .password = &password,
        .first_byte_limit_us = 3600u * (uint64_t)US_PER_SECOND,
        .limit_us = 3600u * (uint64_t)US_PER_SECOND,
    };
    c->client = pool_checked(wsman_client_new(&settings));
    secret_fini(&password);
}

struct console_client *console_client(struct actor *actor, const struct console_client_key *key)
{
    struct console *console = actor->state;
    for (struct console_client *c = console->clients; c != NULL; c = c->next) {
        if (fits(&c->key, key)) {
            return c;
        }
    }
    struct console_client *c = pool_alloc(&actor->run->pool, sizeof *c);
    c->actor = actor;
    c->key = *key;
    make_client(c);
    c->next = console->clients;
    console->clients = c;
    return c;
}

void console_client_drop(struct console_client *client)
{
    struct console *console = client->actor->state;
    for (struct console_client **at = &console->clients; *at != NULL; at = &(*at)->next) {
        if (*at == client) {
            *at = client->next;
            wsman_client_free(client->client);
            tls_context_free(client->tls);
            client->client = NULL;
            client->tls = NULL;
            return;
        }
    }
}
