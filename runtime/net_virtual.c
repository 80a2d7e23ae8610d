/* Listening and connecting on the virtual network: who listens where, and the answer to a SYN. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/loop_virtual.h"

struct virtual_listener {
    struct listener listener;
    struct virtual_loop *loop;
    struct virtual_listener *next;
    struct address address;
    accept_fn *on_accept;
    void *ctx;
    struct pipe *backlog, *backlog_last;
    struct loop_task accept; /* after a pause: never inside listener_resume */
    bool is_paused;
};

bool virtual_host_is_any(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static const char *plain_host(const char *host)
{
    return strcmp(host, "localhost") == 0 || host[0] == '\0' ? "127.0.0.1" : host;
}

bool virtual_host_is_same(const char *a, const char *b)
{
    return strcmp(plain_host(a), plain_host(b)) == 0;
}

/* The listener of exactly this host before one of all hosts, as a kernel chooses. */
static struct virtual_listener *find_listener(const struct virtual_loop *v,
                                              const struct address *target)
{
    struct virtual_listener *of_all = NULL;
    for (struct virtual_listener *l = v->listeners; l != NULL; l = l->next) {
        if (l->address.port != target->port) {
            continue;
        }
        if (virtual_host_is_any(l->address.host)) {
            of_all = l;
        } else if (virtual_host_is_same(l->address.host, target->host)) {
            return l;
        }
    }
    return of_all;
}

static bool is_taken(const struct virtual_loop *v, const struct address *address)
{
    for (const struct virtual_listener *l = v->listeners; l != NULL; l = l->next) {
        if (l->address.port == address->port &&
            (virtual_host_is_any(l->address.host) || virtual_host_is_any(address->host) ||
             virtual_host_is_same(l->address.host, address->host))) {
            return true;
        }
    }
    return false;
}

static void accept_pipe(struct virtual_listener *l, struct pipe *pipe)
{
    pipe_claim(pipe);
    l->on_accept(l->ctx, &pipe->ends[1].stream); /* the listener may be gone afterwards */
}

static void on_syn(struct pipe *pipe)
{
    struct virtual_loop *v = (struct virtual_loop *)pipe->loop;
    struct virtual_listener *l = find_listener(v, &pipe->target);
    if (l == NULL) {
        pipe_refuse(pipe);
        return;
    }
    pipe_accept(pipe);
    if (!l->is_paused) {
        accept_pipe(l, pipe);
        return;
    }
    if (l->backlog_last == NULL) {
        l->backlog = pipe;
    } else {
        l->backlog_last->backlog_next = pipe;
    }
    l->backlog_last = pipe;
}

static struct pipe *take_from_backlog(struct virtual_listener *l)
{
    struct pipe *pipe = l->backlog;
    l->backlog = pipe->backlog_next;
    if (l->backlog == NULL) {
        l->backlog_last = NULL;
    }
    return pipe;
}

/* One per turn: the owner may close the listener. */
static void accept_next(void *ctx)
{
    struct virtual_listener *l = ctx;
    if (l->is_paused || l->backlog == NULL) {
        return;
    }
    struct pipe *pipe = take_from_backlog(l);
    loop_task_post(&l->accept);
    pipe_hold(pipe);
    accept_pipe(l, pipe);
    pipe_release(pipe);
}

/* host:port that fits into a stream's name */
static void format_name(const struct address *address, char out[static STREAM_NAME_BYTES])
{
    bool is_v6 = strchr(address->host, ':') != NULL;
    (void)snprintf(out, STREAM_NAME_BYTES, is_v6 ? "[%.64s]:%u" : "%.64s:%u",
                   plain_host(address->host), address->port);
}

struct stream *virtual_connect(struct loop *loop, const struct address *address,
                               uint64_t connect_limit_us, const struct stream_handler *handler,
                               void *ctx)
{
    struct virtual_loop *v = (struct virtual_loop *)loop;
    struct pipe *pipe = pipe_new(loop, &v->link);
    if (pipe == NULL) {
        return NULL;
    }
    const struct address from = { "127.0.0.1", v->next_client_port };
    v->next_client_port = v->next_client_port == FIRST_PORT - 1
                              ? (uint16_t)FIRST_CLIENT_PORT
                              : (uint16_t)(v->next_client_port + 1);
    pipe->target = *address;
    format_name(&from, pipe->ends[0].name);
    format_name(address, pipe->ends[1].name);
    stream_set_handler(&pipe->ends[0].stream, handler, ctx);
    pipe_connect(pipe, on_syn, connect_limit_us);
    return &pipe->ends[0].stream;
}

static void virtual_listener_address(const struct listener *listener, struct address *address)
{
    *address = ((const struct virtual_listener *)listener)->address;
}

static void virtual_listener_pause(struct listener *listener)
{
    ((struct virtual_listener *)listener)->is_paused = true;
}

static void virtual_listener_resume(struct listener *listener)
{
    struct virtual_listener *l = (struct virtual_listener *)listener;
    l->is_paused = false;
    loop_task_post(&l->accept);
}

static void virtual_listener_close(struct listener *listener)
{
    struct virtual_listener *l = (struct virtual_listener *)listener;
    struct virtual_listener **at = &l->loop->listeners;
    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    loop_task_cancel(&l->accept);
    while (l->backlog != NULL) {
        struct pipe *pipe = take_from_backlog(l);
        stream_reset(&pipe->ends[1].stream); /* as a kernel does */
    }
    amt_free(l);
}

static const struct listener_class k_listener_class = {
    .address = virtual_listener_address,
    .pause = virtual_listener_pause,
    .resume = virtual_listener_resume,
    .close = virtual_listener_close,
};

/* The next free port from 49152 up; 0 when all are taken. */
static uint16_t pick_port(struct virtual_loop *v, const char *host)
{
    struct address candidate = { .port = 0 };
    (void)snprintf(candidate.host, sizeof candidate.host, "%s", host);
    for (uint32_t i = FIRST_PORT; i <= UINT16_MAX; i++) {
        candidate.port = v->next_port;
        v->next_port =
            v->next_port == UINT16_MAX ? (uint16_t)FIRST_PORT : (uint16_t)(v->next_port + 1);
        if (!is_taken(v, &candidate)) {
            return candidate.port;
        }
    }
    return 0;
}

static struct listener *report(const struct address *address, struct amt_diag *diag)
{
    char text[ADDRESS_HOST_BYTES + 10];
    address_format(address, text);
    (void)amt_diag_set(diag, AMT_ESYS, "cannot listen on %s: address already in use", text);
    (void)amt_diag_hint(diag, "another actor listens there: choose another port; port 0 picks a "
                              "free one");
    return NULL;
}

struct listener *virtual_listen(struct loop *loop, const struct address *address,
                                accept_fn *on_accept, void *ctx, struct amt_diag *diag)
{
    struct virtual_loop *v = (struct virtual_loop *)loop;
    struct address wanted = *address;
    if (wanted.port == 0) {
        wanted.port = pick_port(v, wanted.host);
    }
    if (wanted.port == 0 || is_taken(v, &wanted)) {
        return report(&wanted, diag);
    }
    struct virtual_listener *l = amt_alloc(sizeof *l);
    if (l == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    l->listener.class = &k_listener_class;
    l->loop = v;
    l->address = wanted;
    l->on_accept = on_accept;
    l->ctx = ctx;
    loop_task_init(&l->accept, loop, accept_next, l);
    l->next = v->listeners;
    v->listeners = l;
    return &l->listener;
}

void virtual_network_free(struct virtual_loop *loop)
{
    while (loop->listeners != NULL) {
        virtual_listener_close(&loop->listeners->listener);
    }
}
