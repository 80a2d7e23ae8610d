/* Connecting on the real network: resolve the name on a worker, then try the addresses in order, each
 * with a socket of its own, until one answers or the limit has passed. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/stream_uv.h"

struct uv_connect {
    struct uv_stream *u; /* NULL once the stream has gone and libuv still holds a request */
    uv_getaddrinfo_t resolve;
    uv_connect_t request;
    struct loop_task next; /* tries the next address; never inside net_connect itself */
    struct timer limit;
    struct addrinfo *resolved; /* libuv's; NULL for a numeric host */
    struct addrinfo numeric;
    struct sockaddr_storage numeric_address;
    const struct addrinfo *at; /* the address to try next */
    enum stream_end_kind end_kind;
    int code;
    bool is_resolving, is_connecting; /* libuv holds the request */
};

static void connect_free(struct uv_connect *c)
{
    loop_task_cancel(&c->next);
    timer_stop(&c->limit);
    uv_freeaddrinfo(c->resolved);
    amt_free(c);
}

/* Takes the attempt away from its stream. */
static void detach(struct uv_connect *c)
{
    c->u->connect = NULL;
    c->u = NULL;
    loop_task_cancel(&c->next);
    timer_stop(&c->limit);
    if (!c->is_resolving && !c->is_connecting) {
        connect_free(c);
    }
}

void uv_connect_abandon(struct uv_stream *u)
{
    struct uv_connect *c = u->connect;
    if (c == NULL) {
        return;
    }
    if (c->is_resolving) {
        (void)uv_cancel((uv_req_t *)&c->resolve); /* fails once a worker has it: harmless */
    }
    detach(c);
}

static void give_up(struct uv_connect *c, enum stream_end_kind kind, int code, const char *text)
{
    struct uv_stream *u = c->u;
    detach(c);
    if (u->is_closed) {
        uv_stream_destroy(u);
    } else {
        uv_stream_end(u, kind, code, text);
    }
}

static enum stream_end_kind kind_of(int code)
{
    switch (code) {
    case UV_ETIMEDOUT:
        return STREAM_END_TIMEOUT;
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOBUFS:
    case UV_ENOMEM:
        return STREAM_END_LOCAL;
    default:
        return STREAM_END_REFUSED;
    }
}

/* A socket that has failed to connect cannot be used again, least of all for the other family. */
static void on_attempt_closed(uv_handle_t *handle)
{
    struct uv_stream *u = handle->data;
    if (u->is_destroyed) {
        uv_stream_handle_closed(handle);
        return;
    }
    (void)uv_tcp_init(&u->world->uv, &u->tcp);
    if (u->connect != NULL) { /* else the limit has passed; the owner has yet to close */
        loop_task_post(&u->connect->next);
    }
}

static void on_connect(uv_connect_t *request, int status)
{
    struct uv_connect *c = request->data;
    struct uv_stream *u = c->u;
    c->is_connecting = false;
    if (u == NULL) {
        connect_free(c);
        return;
    }
    struct uv_world *world = u->world;
    uv_world_turn_begin(world);
    if (status != 0) {
        c->code = status;
        c->end_kind = kind_of(status);
        uv_close((uv_handle_t *)&u->tcp, on_attempt_closed);
    } else {
        detach(c);
        uv_stream_opened(u);
        stream_emit_open(&u->stream);
    }
    uv_world_turn_end(world);
}

static void try_next(void *ctx)
{
    struct uv_connect *c = ctx;
    while (c->at != NULL) {
        const struct addrinfo *at = c->at;
        c->at = at->ai_next;
        c->request.data = c;
        c->is_connecting = true;
        int code = uv_tcp_connect(&c->request, &c->u->tcp, at->ai_addr, on_connect);
        if (code == 0) {
            return;
        }
        c->is_connecting = false;
        c->code = code;
        c->end_kind = kind_of(code);
    }
    give_up(c, c->end_kind, c->code, NULL);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *all)
{
    struct uv_connect *c = request->data;
    c->is_resolving = false;
    c->resolved = all;
    if (c->u == NULL) {
        connect_free(c);
        return;
    }
    struct uv_world *world = c->u->world;
    uv_world_turn_begin(world);
    c->at = all;
    if (status != 0) {
        c->code = status;
        c->end_kind = STREAM_END_RESOLVE;
    }
    try_next(c);
    uv_world_turn_end(world);
}

static void on_limit(void *ctx)
{
    struct uv_connect *c = ctx;
    struct uv_stream *u = c->u;
    give_up(c, STREAM_END_TIMEOUT, UV_ETIMEDOUT, "no answer to the connection attempt in time");
    if (!u->is_destroyed && !uv_is_closing((uv_handle_t *)&u->tcp)) {
        uv_close((uv_handle_t *)&u->tcp, on_attempt_closed); /* no more SYNs from here */
    }
}

static void start(struct uv_connect *c, const struct address *address)
{
    const char *host = address->host[0] == '\0' ? "127.0.0.1" : address->host;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&c->numeric_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&c->numeric_address;
    c->end_kind = STREAM_END_RESOLVE;
    c->code = UV_EAI_NONAME;
    if (uv_ip4_addr(host, address->port, v4) == 0 || uv_ip6_addr(host, address->port, v6) == 0) {
        c->numeric.ai_addr = (struct sockaddr *)&c->numeric_address;
        c->at = &c->numeric;
        loop_task_post(&c->next);
        return;
    }
    char port[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    (void)snprintf(port, sizeof port, "%u", address->port);
    c->resolve.data = c;
    c->code = uv_getaddrinfo(&c->u->world->uv, &c->resolve, on_resolved, host, port, &hints);
    c->is_resolving = c->code == 0;
    if (!c->is_resolving) {
        loop_task_post(&c->next); /* it finds no address and says so */
    }
}

struct stream *uv_world_connect(struct loop *loop, const struct address *address,
                                uint64_t connect_limit_us, const struct stream_handler *handler,
                                void *ctx)
{
    struct uv_world *world = (struct uv_world *)loop;
    struct uv_stream *u = amt_alloc(sizeof *u);
    struct uv_connect *c = amt_alloc(sizeof *c);
    if (u == NULL || c == NULL) {
        amt_free(u);
        amt_free(c);
        return NULL;
    }
    uv_stream_init(u, world);
    (void)uv_tcp_init(&world->uv, &u->tcp);
    u->tcp.data = u;
    u->reader = (uv_stream_t *)&u->tcp;
    u->writer = u->reader;
    u->handles = 1;
    u->connect = c;
    c->u = u;
    loop_task_init(&c->next, loop, try_next, c);
    timer_init(&c->limit, loop, on_limit, c);
    timer_start(&c->limit, connect_limit_us);
    stream_set_handler(&u->stream, handler, ctx);
    start(c, address);
    return &u->stream;
}
