/* WS-Management clients of consoles: each keeps its connection and its nonce from step to step. */
#include <string.h>

#include "scenarios/engine/actor_console.h"
#include "scenarios/engine/actor_parts.h"

static bool is_same(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool fits(const struct console_client_key *a, const struct console_client_key *b)
{
    return uuid_equal(&a->device, &b->device) && a->port == b->port && is_same(a->user, b->user) &&
           is_same(a->password, b->password) && is_same(a->connection, b->connection);
}

/* Whoever reaches a device takes its certificate as it is: what it says is judged, not who it is. */
static struct stream *connect_client(void *ctx)
{
    static const struct tls_name_check k_any_name = { .name = NULL };
    struct console_client *c = ctx;
    struct stream *s = console_connect(c->actor, &c->key.device, c->key.port, NULL, NULL);
    return s == NULL || c->tls == NULL
               ? s
               : tls_connect(c->actor->run->loop, c->tls, &k_any_name, s, NULL, NULL);
}

static void make_client(struct console_client *c)
{
    struct case_run *run = c->actor->run;
    struct secret password = { .len = 0 };
    char uuid[UUID_TEXT_BYTES], address[ADDRESS_HOST_BYTES + 10];
    const struct actor *to = actor_console_to(c->actor);
    uuid_format(&c->key.device, uuid);
    if (to != NULL && to->is_external) {
        address_format(&to->address, address);
    }
    if (c->key.password != NULL) {
        size_t len = strlen(c->key.password);
        if (secret_set(&password, c->key.password,
                       (uint32_t)(len > SECRET_MAX_BYTES ? SECRET_MAX_BYTES : len)) != AMT_OK) {
            password.len = 0;
        }
        secrets_add(&run->secrets, c->key.password);
    }
    if (console_speaks_tls(c->actor, c->key.port)) {
        c->tls = pool_checked(tls_context_new(&(struct tls_settings){ .legacy = true }, NULL));
    }
    /* The deadline of the step is the limit. */
    struct wsman_client_settings settings = {
        .loop = run->loop,
        .connect = connect_client,
        .ctx = c,
        .where = to != NULL && to->is_external ? address : uuid,
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
