/*
 * Real sockets. Bytes written during one callback leave together at the end of the turn; what the
 * kernel does not take waits in one queue with one write in flight. Closing flushes in the background.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "runtime/loop_uv.h"
#include "runtime/stream_class.h"

#define WRITE_LIMIT_BYTES (1024u * 1024u)
#define LINGER_US         (5u * (uint64_t)US_PER_SECOND)
#define BACKLOG           4096
#define ACCEPT_PAUSE_US   100000u

struct uv_stream {
    struct stream stream;
    struct uv_world *world;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_tty_t tty;
    } in;
    uv_file out_fd;      /* stdio only: the descriptor that is written; -1 for sockets */
    struct bytes queue;  /* not yet given to the kernel */
    struct bytes flight; /* the one write that is in progress */
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct loop_task flush;
    struct timer limit; /* connect limit, later the linger limit */
    uint32_t write_limit;
    bool is_open, is_reading, is_writing, is_paused;
    bool wants_shutdown, has_shut_down;
    bool is_closed; /* the owner has let go */
    bool has_ended; /* nothing more arrives */
    bool is_broken; /* nothing more can be written */
    bool had_queue;
    struct uv_connect *connect;
};

/* Connecting: resolve, then try the addresses in order. */

struct uv_connect {
    uv_getaddrinfo_t resolve;
    uv_connect_t request;
    struct uv_stream *u; /* NULL once the stream has gone */
    struct addrinfo *all, *at;
    int last_code;
};

static struct uv_stream *uv_of(struct stream *s)
{
    return (struct uv_stream *)s;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct uv_stream *u = handle->data;
    loop_task_cancel(&u->flush);
    timer_stop(&u->limit);
    bytes_fini(&u->queue);
    bytes_fini(&u->flight);
    amt_free(u);
}

static void destroy(struct uv_stream *u)
{
    if (u->connect != NULL) {
        u->connect->u = NULL; /* its callback may still come */
        u->connect = NULL;
    }
    if (!uv_is_closing(&u->in.handle)) {
        timer_stop(&u->limit);
        loop_task_cancel(&u->flush);
        uv_close(&u->in.handle, on_handle_closed);
    }
}

static void end_stream(struct uv_stream *u, enum stream_end_kind kind, const char *text)
{
    if (u->has_ended) {
        return;
    }
    u->has_ended = true;
    if (kind != STREAM_END_FIN) {
        u->is_broken = true;
        bytes_fini(&u->queue);
    }
    if (u->is_closed) {
        return;
    }
    struct stream_end end = { .kind = kind, .tls_alert = -1 };
    (void)snprintf(end.text, sizeof end.text, "%s", text);
    stream_emit_end(&u->stream, &end);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct uv_stream *u = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)u->world->read_buffer, UV_READ_BUFFER_BYTES);
}

/* After the owner's close: is everything said, and has the peer finished too? */
static void check_lingering(struct uv_stream *u)
{
    bool is_quiet = !u->is_writing && u->queue.len == 0 && (u->has_shut_down || u->is_broken);
    if (u->is_closed && is_quiet && (u->has_ended || u->out_fd >= 0)) {
        destroy(u);
    }
}

static void take_read(struct uv_stream *u, ssize_t count, const uv_buf_t *buffer)
{
    if (count > 0) {
        if (!u->is_closed && !u->has_ended) {
            stream_emit_data(&u->stream, (const uint8_t *)buffer->base, (uint32_t)count);
        }
        return;
    }
    if (count == 0) {
        return;
    }
    (void)uv_read_stop(&u->in.stream);
    u->is_reading = false;
    if (count == UV_EOF) {
        end_stream(u, STREAM_END_FIN, "the peer finished");
    } else if (count == UV_ETIMEDOUT) {
        end_stream(u, STREAM_END_TIMEOUT, uv_strerror((int)count));
    } else {
        end_stream(u, STREAM_END_RESET, uv_strerror((int)count));
    }
    check_lingering(u);
}

static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buffer)
{
    struct uv_stream *u = handle->data;
    struct uv_world *world = u->world;
    uv_world_turn_begin(world);
    take_read(u, count, buffer);
    uv_world_turn_end(world);
}

static void update_reading(struct uv_stream *u)
{
    bool wants = u->is_open && !u->has_ended && (!u->is_paused || u->is_closed) &&
                 !uv_is_closing(&u->in.handle);
    if (wants && !u->is_reading) {
        u->is_reading = uv_read_start(&u->in.stream, on_alloc, on_read) == 0;
    } else if (!wants && u->is_reading) {
        (void)uv_read_stop(&u->in.stream);
        u->is_reading = false;
    }
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct uv_stream *u = request->handle->data;
    u->has_shut_down = true;
    if (status < 0) {
        u->is_broken = true;
        u->has_ended = true;
    }
    check_lingering(u);
}

static void start_shutdown(struct uv_stream *u)
{
    if (u->has_shut_down || uv_is_closing(&u->in.handle)) {
        return;
    }
    if (u->out_fd >= 0) {
        u->has_shut_down = true;
        check_lingering(u);
        return;
    }
    u->wants_shutdown = false;
    if (uv_shutdown(&u->shutdown, &u->in.stream, on_shutdown) != 0) {
        u->has_shut_down = true;
        u->is_broken = true;
        check_lingering(u);
    }
}

static void flush_queue(struct uv_stream *u);

static void report_drain(struct uv_stream *u)
{
    if (u->queue.len == 0 && !u->is_writing && u->had_queue) {
        u->had_queue = false;
        if (!u->is_closed && !u->is_broken) {
            stream_emit_drain(&u->stream);
        }
    }
}

static void take_written(struct uv_stream *u, int status)
{
    u->is_writing = false;
    bytes_fini(&u->flight);
    if (status < 0 && status != UV_ECANCELED) {
        u->is_broken = true;
        bytes_fini(&u->queue);
        end_stream(u, STREAM_END_RESET, uv_strerror(status));
        check_lingering(u);
        return;
    }
    flush_queue(u);
}

static void on_written(uv_write_t *request, int status)
{
    struct uv_stream *u = request->data;
    struct uv_world *world = u->world;
    uv_world_turn_begin(world);
    take_written(u, status);
    uv_world_turn_end(world);
}

static void write_failed(struct uv_stream *u, int code)
{
    u->is_broken = true;
    bytes_fini(&u->queue);
    if (u->is_closed) {
        destroy(u);
    } else {
        end_stream(u, STREAM_END_RESET, uv_strerror(code));
    }
}

/* stdio: written at once; a terminal or pipe of an operator is fast enough, and blocks if not. */
static void write_descriptor(struct uv_stream *u)
{
    while (u->queue.len > 0) {
        ssize_t n = write(u->out_fd, bytes_front(&u->queue), u->queue.len);
        if (n <= 0) {
            write_failed(u, UV_EPIPE);
            return;
        }
        bytes_consume(&u->queue, (uint32_t)n);
    }
}

static void write_socket(struct uv_stream *u)
{
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes_front(&u->queue), u->queue.len);
    int n = uv_try_write(&u->in.stream, &buffer, 1);
    if (n < 0 && n != UV_EAGAIN) {
        write_failed(u, n);
        return;
    }
    if (n > 0) {
        bytes_consume(&u->queue, (uint32_t)n);
    }
    if (u->queue.len == 0) {
        return;
    }
    u->flight = u->queue;
    u->queue = (struct bytes){ .max = 0 };
    u->is_writing = true;
    u->had_queue = true;
    u->write.data = u;
    buffer = uv_buf_init((char *)(uintptr_t)bytes_front(&u->flight), u->flight.len);
    int code = uv_write(&u->write, &u->in.stream, &buffer, 1, on_written);
    if (code != 0) {
        u->is_writing = false;
        bytes_fini(&u->flight);
        write_failed(u, code);
    }
}

static void flush_queue(struct uv_stream *u)
{
    if (!u->is_open || u->is_writing || uv_is_closing(&u->in.handle)) {
        return;
    }
    if (u->queue.len > 0 && !u->is_broken) {
        if (u->out_fd >= 0) {
            write_descriptor(u);
        } else {
            write_socket(u);
        }
    }
    if (uv_is_closing(&u->in.handle)) {
        return;
    }
    if (u->queue.len == 0 && !u->is_writing && u->wants_shutdown) {
        start_shutdown(u);
        return;
    }
    report_drain(u);
}

static void on_flush(void *ctx)
{
    flush_queue(ctx);
}

static enum amt_err uv_stream_write(struct stream *s, const void *out, uint32_t len)
{
    struct uv_stream *u = uv_of(s);
    if (u->is_broken || u->is_closed || u->wants_shutdown || u->has_shut_down) {
        return AMT_ECLOSED;
    }
    uint32_t waiting = u->queue.len + u->flight.len;
    if (u->is_writing && (len > u->write_limit || waiting > u->write_limit - len)) {
        return AMT_ELIMIT;
    }
    TRY(bytes_append(&u->queue, out, len));
    loop_task_post(&u->flush);
    return AMT_OK;
}

static uint32_t uv_stream_queued(const struct stream *s)
{
    const struct uv_stream *u = (const struct uv_stream *)s;
    /* What waits for the end of this turn is not a queue yet. */
    return u->is_writing || !u->is_open ? u->queue.len + u->flight.len : 0;
}

static void uv_stream_set_limit(struct stream *s, uint32_t bytes)
{
    uv_of(s)->write_limit = bytes;
}

static void uv_stream_pause(struct stream *s)
{
    uv_of(s)->is_paused = true;
    update_reading(uv_of(s));
}

static void uv_stream_resume(struct stream *s)
{
    uv_of(s)->is_paused = false;
    update_reading(uv_of(s));
}

static void uv_stream_shutdown(struct stream *s)
{
    struct uv_stream *u = uv_of(s);
    if (!u->wants_shutdown && !u->has_shut_down && !u->is_broken) {
        u->wants_shutdown = true;
        loop_task_post(&u->flush);
    }
}

static void on_limit(void *ctx);

static void uv_stream_close(struct stream *s)
{
    struct uv_stream *u = uv_of(s);
    u->is_closed = true;
    if (!u->is_open || u->is_broken || u->world->is_freeing) {
        destroy(u);
        return;
    }
    uv_stream_shutdown(s);
    update_reading(
        u); /* what still arrives is thrown away: unread bytes would make the FIN a RST */
    timer_start(&u->limit, LINGER_US);
    check_lingering(u);
}

static void uv_stream_reset(struct stream *s)
{
    struct uv_stream *u = uv_of(s);
    u->is_closed = true;
    if (u->is_open && u->out_fd < 0 && !u->has_shut_down && !uv_is_closing(&u->in.handle) &&
        uv_tcp_close_reset(&u->in.tcp, on_handle_closed) == 0) {
        timer_stop(&u->limit);
        loop_task_cancel(&u->flush);
        return;
    }
    destroy(u);
}

static void format_name(const struct sockaddr_storage *storage, char out[static STREAM_NAME_BYTES])
{
    char host[64] = "?";
    unsigned port = 0;
    bool is_v6 = storage->ss_family == AF_INET6;
    if (is_v6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)storage;
        (void)uv_ip6_name(v6, host, sizeof host);
        port = ntohs(v6->sin6_port);
    } else if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)storage;
        (void)uv_ip4_name(v4, host, sizeof host);
        port = ntohs(v4->sin_port);
    }
    /* An IPv4 peer on a dual-stack listener is shown as what it is. */
    const char *shown = strncmp(host, "::ffff:", 7) == 0 ? host + 7 : host;
    bool brackets = is_v6 && shown == host;
    (void)snprintf(out, STREAM_NAME_BYTES, brackets ? "[%s]:%u" : "%s:%u", shown, port);
}

static void uv_stream_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    const struct uv_stream *u = (const struct uv_stream *)s;
    struct sockaddr_storage storage = { 0 };
    int len = sizeof storage;
    (void)snprintf(out, STREAM_NAME_BYTES, "stdio");
    if (u->out_fd < 0) {
        (void)uv_tcp_getpeername(&u->in.tcp, (struct sockaddr *)&storage, &len);
        format_name(&storage, out);
    }
}

static void uv_stream_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    const struct uv_stream *u = (const struct uv_stream *)s;
    struct sockaddr_storage storage = { 0 };
    int len = sizeof storage;
    (void)snprintf(out, STREAM_NAME_BYTES, "stdio");
    if (u->out_fd < 0) {
        (void)uv_tcp_getsockname(&u->in.tcp, (struct sockaddr *)&storage, &len);
        format_name(&storage, out);
    }
}

static const struct stream_class k_uv_stream_class = {
    .write = uv_stream_write,
    .queued_bytes = uv_stream_queued,
    .set_write_limit = uv_stream_set_limit,
    .pause = uv_stream_pause,
    .resume = uv_stream_resume,
    .shutdown = uv_stream_shutdown,
    .close = uv_stream_close,
    .reset = uv_stream_reset,
    .peer_name = uv_stream_peer_name,
    .local_name = uv_stream_local_name,
};

static struct uv_stream *uv_stream_new(struct uv_world *world)
{
    struct uv_stream *u = amt_alloc(sizeof *u);
    if (u != NULL) {
        stream_init(&u->stream, &k_uv_stream_class);
        u->world = world;
        u->out_fd = -1;
        u->write_limit = WRITE_LIMIT_BYTES;
        loop_task_init(&u->flush, &world->loop, on_flush, u);
        timer_init(&u->limit, &world->loop, on_limit, u);
    }
    return u;
}

static void start_open(struct uv_stream *u)
{
    u->is_open = true;
    if (u->out_fd < 0) {
        (void)uv_tcp_nodelay(&u->in.tcp, 1);
    }
    update_reading(u);
}

static void connect_done(struct uv_connect *c)
{
    if (c->u != NULL) {
        c->u->connect = NULL;
    }
    uv_freeaddrinfo(c->all);
    amt_free(c);
}

static void try_next(struct uv_connect *c);

static void take_connected(struct uv_connect *c, int status)
{
    struct uv_stream *u = c->u;
    if (u == NULL || status == UV_ECANCELED || uv_is_closing(&u->in.handle)) {
        connect_done(c);
        return;
    }
    if (status != 0) {
        c->last_code = status;
        c->at = c->at->ai_next;
        try_next(c);
        return;
    }
    connect_done(c);
    timer_stop(&u->limit);
    start_open(u);
    stream_emit_open(&u->stream);
    /* The owner may have closed it; the handle lives until the loop's next turn. */
    if (!uv_is_closing(&u->in.handle)) {
        loop_task_post(&u->flush);
    }
}

static void on_connect(uv_connect_t *request, int status)
{
    struct uv_world *world = request->handle->loop->data;
    uv_world_turn_begin(world);
    take_connected(request->data, status);
    uv_world_turn_end(world);
}

static void connect_failed(struct uv_connect *c, enum stream_end_kind kind, int code)
{
    struct uv_stream *u = c->u;
    connect_done(c);
    timer_stop(&u->limit);
    end_stream(u, kind, uv_strerror(code));
}

static void try_next(struct uv_connect *c)
{
    struct uv_stream *u = c->u;
    while (c->at != NULL) {
        int code = uv_tcp_connect(&c->request, &u->in.tcp, c->at->ai_addr, on_connect);
        if (code == 0) {
            return;
        }
        c->last_code = code;
        c->at = c->at->ai_next;
    }
    bool is_timeout = c->last_code == UV_ETIMEDOUT;
    connect_failed(c, is_timeout ? STREAM_END_TIMEOUT : STREAM_END_REFUSED, c->last_code);
}

static void take_resolved(struct uv_connect *c, int status, struct addrinfo *all)
{
    c->all = all;
    if (c->u == NULL || uv_is_closing(&c->u->in.handle)) {
        connect_done(c);
    } else if (status != 0) {
        connect_failed(c, STREAM_END_RESOLVE, status);
    } else {
        c->at = all;
        c->request.data = c;
        try_next(c);
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *all)
{
    struct uv_world *world = request->loop->data;
    uv_world_turn_begin(world);
    take_resolved(request->data, status, all);
    uv_world_turn_end(world);
}

static void on_limit(void *ctx)
{
    struct uv_stream *u = ctx;
    if (u->is_closed) {
        u->has_shut_down = false; /* lingered long enough: cut it */
        destroy(u);
        return;
    }
    if (u->connect != NULL) {
        u->connect->u = NULL;
        u->connect = NULL;
    }
    end_stream(u, STREAM_END_TIMEOUT, "no answer to the connection attempt in time");
}

struct stream *uv_world_connect(struct loop *loop, const struct address *address,
                                uint64_t connect_limit_us, const struct stream_handler *handler,
                                void *ctx)
{
    struct uv_world *world = (struct uv_world *)loop;
    struct uv_stream *u = uv_stream_new(world);
    struct uv_connect *c = amt_alloc(sizeof *c);
    if (u == NULL || c == NULL) {
        amt_free(u);
        amt_free(c);
        return NULL;
    }
    (void)uv_tcp_init(&world->uv, &u->in.tcp);
    u->in.handle.data = u;
    c->u = u;
    c->resolve.data = c;
    c->last_code = UV_EADDRNOTAVAIL;
    u->connect = c;
    stream_set_handler(&u->stream, handler, ctx);
    timer_start(&u->limit, connect_limit_us);
    char port[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    (void)snprintf(port, sizeof port, "%u", address->port);
    const char *host = address->host[0] == '\0' ? "127.0.0.1" : address->host;
    if (uv_getaddrinfo(&world->uv, &c->resolve, on_resolved, host, port, &hints) != 0) {
        u->connect = NULL;
        amt_free(c);
        timer_stop(&u->limit);
        uv_close(&u->in.handle, on_handle_closed);
        return NULL;
    }
    return &u->stream;
}

/* Listening */

struct uv_listener {
    struct listener listener;
    uv_tcp_t tcp;
    struct uv_world *world;
    accept_fn *on_accept;
    void *ctx;
    struct timer retry; /* after a shortage of descriptors */
    bool is_paused;
    bool has_pending; /* a connection was announced while paused */
    bool is_closed;
};

static void accept_one(struct uv_listener *l)
{
    struct uv_stream *u = uv_stream_new(l->world);
    if (u == NULL) {
        timer_start(&l->retry, ACCEPT_PAUSE_US);
        return;
    }
    (void)uv_tcp_init(&l->world->uv, &u->in.tcp);
    u->in.handle.data = u;
    int code = uv_accept((uv_stream_t *)&l->tcp, &u->in.stream);
    if (code != 0) {
        u->is_closed = true;
        destroy(u);
        return;
    }
    start_open(u);
    l->on_accept(l->ctx, &u->stream);
}

static void take_connection(struct uv_listener *l, int status)
{
    if (l->is_closed) {
        return;
    }
    if (status < 0) {
        /* libuv has taken and dropped the connection with its spare descriptor, or the peer left. */
        return;
    }
    if (l->is_paused) {
        l->has_pending = true; /* left in the kernel's queue: libuv asks for no more until then */
        return;
    }
    accept_one(l);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct uv_listener *l = server->data;
    struct uv_world *world = l->world;
    uv_world_turn_begin(world);
    take_connection(l, status);
    uv_world_turn_end(world);
}

static void on_retry(void *ctx)
{
    struct uv_listener *l = ctx;
    if (!l->is_paused && !l->is_closed) {
        accept_one(l);
    }
}

static void uv_listener_address(const struct listener *listener, struct address *address)
{
    const struct uv_listener *l = (const struct uv_listener *)listener;
    struct sockaddr_storage storage = { 0 };
    int len = sizeof storage;
    char name[STREAM_NAME_BYTES];
    (void)uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&storage, &len);
    format_name(&storage, name);
    if (address_parse(name, 0, address, NULL) != AMT_OK) {
        *address = (struct address){ .port = 0 };
    }
}

static void uv_listener_pause(struct listener *listener)
{
    ((struct uv_listener *)listener)->is_paused = true;
}

static void uv_listener_resume(struct listener *listener)
{
    struct uv_listener *l = (struct uv_listener *)listener;
    l->is_paused = false;
    if (l->has_pending) {
        l->has_pending = false;
        accept_one(l);
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    amt_free(handle->data);
}

static void uv_listener_close(struct listener *listener)
{
    struct uv_listener *l = (struct uv_listener *)listener;
    l->is_closed = true;
    timer_stop(&l->retry);
    if (!uv_is_closing((uv_handle_t *)&l->tcp)) {
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
    }
}

static const struct listener_class k_uv_listener_class = {
    .address = uv_listener_address,
    .pause = uv_listener_pause,
    .resume = uv_listener_resume,
    .close = uv_listener_close,
};

static int parse_host(const struct address *address, struct sockaddr_storage *storage)
{
    const char *host = address->host;
    if (host[0] == '\0') {
        host = "::";
    } else if (strcmp(host, "localhost") == 0) {
        host = "127.0.0.1";
    }
    if (strchr(host, ':') != NULL) {
        return uv_ip6_addr(host, address->port, (struct sockaddr_in6 *)storage);
    }
    return uv_ip4_addr(host, address->port, (struct sockaddr_in *)storage);
}

static const char *listen_hint(int code)
{
    switch (code) {
    case UV_EADDRINUSE:
        return "another program listens there; stop it, choose another port, or port 0 for a free "
               "one";
    case UV_EACCES:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE";
    case UV_EADDRNOTAVAIL:
        return "this machine has no such address; `ip addr` lists those it has";
    case UV_EINVAL:
        return "write an IP address of this machine, or nothing before the colon for all of them";
    default:
        return "see the system's message above";
    }
}

struct listener *uv_world_listen(struct loop *loop, const struct address *address,
                                 accept_fn *on_accept, void *ctx, struct amt_diag *diag)
{
    struct uv_world *world = (struct uv_world *)loop;
    struct uv_listener *l = amt_alloc(sizeof *l);
    struct sockaddr_storage storage = { 0 };
    if (l == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    l->listener.class = &k_uv_listener_class;
    l->world = world;
    l->on_accept = on_accept;
    l->ctx = ctx;
    timer_init(&l->retry, loop, on_retry, l);
    (void)uv_tcp_init(&world->uv, &l->tcp);
    l->tcp.data = l;
    int code = parse_host(address, &storage);
    if (code == 0) {
        code = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&storage, 0);
    }
    if (code == 0) {
        code = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    }
    if (code != 0) {
        char text[ADDRESS_HOST_BYTES + 10];
        address_format(address, text);
        (void)amt_diag_set(diag, AMT_ESYS, "cannot listen on %s: %s", text, uv_strerror(code));
        (void)amt_diag_hint(diag, "%s", listen_hint(code));
        uv_listener_close(&l->listener);
        return NULL;
    }
    return &l->listener;
}

struct stream *uv_world_stdio(struct loop *loop, struct amt_diag *diag)
{
    struct uv_world *world = (struct uv_world *)loop;
    struct uv_stream *u = uv_stream_new(world);
    if (u == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    u->out_fd = STDOUT_FILENO;
    int code = 0;
    if (uv_guess_handle(STDIN_FILENO) == UV_TTY) {
        code = uv_tty_init(&world->uv, &u->in.tty, STDIN_FILENO, 0);
    } else {
        code = uv_pipe_init(&world->uv, &u->in.pipe, 0);
        if (code == 0) {
            code = uv_pipe_open(&u->in.pipe, STDIN_FILENO);
        }
    }
    u->in.handle.data = u;
    if (code != 0) {
        (void)amt_diag_set(diag, AMT_ESYS, "standard input cannot be read: %s", uv_strerror(code));
        (void)amt_diag_hint(diag, "use a terminal or a pipe; for a file: cat FILE | amtlab ...");
        amt_free(u);
        return NULL;
    }
    start_open(u);
    return &u->stream;
}

void uv_world_cut(uv_handle_t *handle)
{
    if (handle->type == UV_TCP && handle->data != NULL) {
        const struct stream_class *class = ((struct stream *)handle->data)->class;
        const void *tag = class;
        if (tag == (const void *)&k_uv_listener_class) {
            uv_listener_close(handle->data);
            return;
        }
    }
    if (handle->data != NULL) {
        struct uv_stream *u = handle->data;
        stream_set_handler(&u->stream, NULL, NULL);
        u->is_closed = true;
        destroy(u);
    }
}
