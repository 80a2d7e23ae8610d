/*
 * Listening on the real network. The listening socket is watched with uv_poll, not with uv_listen:
 * only so can accepting pause with the connections left in the kernel's backlog, and a shortage of
 * descriptors neither spins nor drops connections (libuv accepts and closes them).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/stream_uv.h"

#define BACKLOG         4096
#define ACCEPT_PAUSE_US 100000u
#define ACCEPTS_AT_ONCE 64 /* then the others have their turn */

struct uv_listener {
    struct listener listener;
    struct uv_world *world;
    uv_poll_t poll;
    int fd;
    accept_fn *on_accept;
    void *ctx;
    struct timer retry; /* after a shortage of descriptors or memory */
    bool is_paused, is_closed;
};

static void on_readable(uv_poll_t *handle, int status, int events);

static void update_polling(struct uv_listener *l)
{
    if (l->is_closed) {
        return;
    }
    if (l->is_paused || timer_is_running(&l->retry)) {
        (void)uv_poll_stop(&l->poll);
    } else {
        (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
    }
}

static void on_retry(void *ctx)
{
    update_polling(ctx);
}

static void wait_for_resources(struct uv_listener *l)
{
    timer_start(&l->retry, ACCEPT_PAUSE_US);
    update_polling(l);
}

/* Makes a stream of an accepted descriptor; NULL without memory (fd is closed then). */
static struct uv_stream *stream_of(struct uv_world *world, int fd)
{
    struct uv_stream *u = amt_alloc(sizeof *u);
    if (u == NULL) {
        (void)close(fd);
        return NULL;
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    uv_stream_init(u, world);
    (void)uv_tcp_init(&world->uv, &u->tcp);
    u->tcp.data = u;
    u->reader = (uv_stream_t *)&u->tcp;
    u->writer = u->reader;
    u->handles = 1;
    if (uv_tcp_open(&u->tcp, fd) != 0) {
        (void)close(fd);
        uv_stream_destroy(u);
        return NULL;
    }
    return u;
}

/* Accepts one connection; false when there is none, or accepting must wait. */
static bool accept_one(struct uv_listener *l)
{
    int fd = accept(l->fd, NULL, NULL);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            wait_for_resources(l);
            return false;
        }
        /* Connections that died in the backlog report their own error: the next one may live. */
        return errno != EAGAIN && errno != EWOULDBLOCK;
    }
    struct uv_stream *u = stream_of(l->world, fd);
    if (u == NULL) {
        wait_for_resources(l);
        return false;
    }
    uv_stream_opened(u);
    l->on_accept(l->ctx, &u->stream);
    return true;
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    struct uv_listener *l = handle->data;
    struct uv_world *world = l->world;
    (void)status;
    (void)events;
    bool has_more = true;
    for (int i = 0; i < ACCEPTS_AT_ONCE && has_more; i++) {
        uv_world_turn_begin(world);
        has_more = accept_one(l);
        uv_world_turn_end(world);
        has_more = has_more && !l->is_paused && !l->is_closed;
    }
}

static void uv_listener_address(const struct listener *listener, struct address *address)
{
    const struct uv_listener *l = (const struct uv_listener *)listener;
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof storage;
    *address = (struct address){ .port = 0 };
    (void)getsockname(l->fd, (struct sockaddr *)&storage, &len);
    if (storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
        (void)uv_ip6_name(v6, address->host, sizeof address->host);
        address->port = ntohs(v6->sin6_port);
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
        (void)uv_ip4_name(v4, address->host, sizeof address->host);
        address->port = ntohs(v4->sin_port);
    }
}

static void uv_listener_pause(struct listener *listener)
{
    struct uv_listener *l = (struct uv_listener *)listener;
    l->is_paused = true;
    update_polling(l);
}

static void uv_listener_resume(struct listener *listener)
{
    struct uv_listener *l = (struct uv_listener *)listener;
    l->is_paused = false;
    update_polling(l);
}

static void on_poll_closed(uv_handle_t *handle)
{
    amt_free(handle->data);
}

static void uv_listener_close(struct listener *listener)
{
    struct uv_listener *l = (struct uv_listener *)listener;
    l->is_closed = true;
    timer_stop(&l->retry);
    uv_close((uv_handle_t *)&l->poll, on_poll_closed);
    (void)close(l->fd);
}

void uv_world_drop_listener(uv_handle_t *handle)
{
    uv_listener_close(handle->data);
}

static const struct listener_class k_uv_listener_class = {
    .address = uv_listener_address,
    .pause = uv_listener_pause,
    .resume = uv_listener_resume,
    .close = uv_listener_close,
};

/* Numeric hosts and "" at once; a name is looked up here and now, as listening is part of starting. */
static int resolve_here(struct uv_world *world, const struct address *address,
                        struct sockaddr_storage *storage)
{
    const char *host = address->host;
    if (host[0] == '\0') {
        host = "::";
    } else if (strcmp(host, "localhost") == 0) {
        host = "127.0.0.1";
    }
    if (uv_ip4_addr(host, address->port, (struct sockaddr_in *)storage) == 0 ||
        uv_ip6_addr(host, address->port, (struct sockaddr_in6 *)storage) == 0) {
        return 0;
    }
    uv_getaddrinfo_t request;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    int code = uv_getaddrinfo(&world->uv, &request, NULL, host, NULL, &hints);
    if (code == 0) {
        memcpy(storage, request.addrinfo->ai_addr, request.addrinfo->ai_addrlen);
        /* The port is at the same place in both families. */
        ((struct sockaddr_in *)storage)->sin_port = htons(address->port);
        uv_freeaddrinfo(request.addrinfo);
    }
    return code;
}

/* A listening descriptor, or a negative code of libuv. */
static int open_socket(const struct sockaddr_storage *storage)
{
    bool is_v6 = storage->ss_family == AF_INET6;
    socklen_t len = is_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    const int on = 1;
    const int off = 0;
    int fd = socket(storage->ss_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return uv_translate_sys_error(errno);
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (is_v6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, (const struct sockaddr *)storage, len) != 0 || listen(fd, BACKLOG) != 0) {
        int code = uv_translate_sys_error(errno);
        (void)close(fd);
        return code;
    }
    return fd;
}

static int listen_on(struct uv_world *world, const struct address *address)
{
    struct sockaddr_storage storage = { 0 };
    int code = resolve_here(world, address, &storage);
    if (code != 0) {
        return code;
    }
    int fd = open_socket(&storage);
    if (fd < 0 && address->host[0] == '\0' && fd != UV_EADDRINUSE && fd != UV_EACCES) {
        /* a kernel without IPv6 */
        (void)uv_ip4_addr("0.0.0.0", address->port, (struct sockaddr_in *)&storage);
        fd = open_socket(&storage);
    }
    return fd;
}

static const char *listen_hint(int code)
{
    switch (code) {
    case UV_EADDRINUSE:
        return "another program listens there (ss -ltnp shows which): stop it, or choose another "
               "port; port 0 picks a free one";
    case UV_EACCES:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE";
    case UV_EADDRNOTAVAIL:
        return "this machine has no such address; `ip addr` lists those it has";
    case UV_EMFILE:
        return "too many files are open; raise the limit (ulimit -n)";
    default:
        return "write an IP address of this machine, or nothing before the colon for all of them";
    }
}

static struct listener *report(const struct address *address, int code, struct amt_diag *diag)
{
    char text[ADDRESS_HOST_BYTES + 10];
    address_format(address, text);
    (void)amt_diag_set(diag, code == UV_ENOMEM ? AMT_ENOMEM : AMT_ESYS, "cannot listen on %s: %s",
                       text, uv_strerror(code));
    (void)amt_diag_hint(diag, "%s", listen_hint(code));
    return NULL;
}

struct listener *uv_world_listen(struct loop *loop, const struct address *address,
                                 accept_fn *on_accept, void *ctx, struct amt_diag *diag)
{
    struct uv_world *world = (struct uv_world *)loop;
    int fd = listen_on(world, address);
    if (fd < 0) {
        return report(address, fd, diag);
    }
    struct uv_listener *l = amt_alloc(sizeof *l);
    int code = l == NULL ? UV_ENOMEM : uv_poll_init(&world->uv, &l->poll, fd);
    if (code != 0) {
        (void)close(fd);
        amt_free(l);
        return report(address, code, diag);
    }
    l->listener.class = &k_uv_listener_class;
    l->world = world;
    l->poll.data = l;
    l->fd = fd;
    l->on_accept = on_accept;
    l->ctx = ctx;
    timer_init(&l->retry, loop, on_retry, l);
    update_polling(l);
    return &l->listener;
}
