/*
 * Real sockets. Bytes written during one callback leave together at the end of the turn; what the
 * kernel does not take waits in one queue with one write in flight.
 *
 * A failed write does not end the stream by itself: the peer's last words may still lie in the
 * kernel. Reading goes on and reports the end behind them.
 */
#include "runtime/stream_uv.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

#define WRITE_LIMIT_BYTES (1024u * 1024u)
#define BATCH_BYTES       65536u /* more is given to the kernel at once: a turn may write megabytes */

static struct uv_stream *uv_of(struct stream *s)
{
    return (struct uv_stream *)s;
}

int uv_stream_fd(const struct uv_stream *u)
{
    uv_os_fd_t fd = -1;
    (void)uv_fileno((const uv_handle_t *)&u->tcp, &fd);
    return fd;
}

static bool is_socket(const struct uv_stream *u)
{
    return u->writer == (const uv_stream_t *)&u->tcp;
}

void uv_stream_handle_closed(uv_handle_t *handle)
{
    struct uv_stream *u = handle->data;
    u->handles -= 1;
    if (u->handles == 0) {
        bytes_fini(&u->queue);
        bytes_fini(&u->flight);
        amt_free(u);
    }
}

void uv_stream_destroy(struct uv_stream *u)
{
    if (u->is_destroyed) {
        return;
    }
    u->is_destroyed = true;
    u->world->lingering -= u->is_closed;
    timer_stop(&u->limit);
    loop_task_cancel(&u->flush);
    uv_connect_abandon(u);
    if (is_socket(u)) {
        if (!uv_is_closing((uv_handle_t *)&u->tcp)) { /* it is, between two attempts to connect */
            uv_close((uv_handle_t *)&u->tcp, uv_stream_handle_closed);
        }
    } else {
        uv_stdio_close(u);
    }
}

void uv_stream_end(struct uv_stream *u, enum stream_end_kind kind, int code, const char *text)
{
    if (u->has_ended) {
        return;
    }
    u->has_ended = true;
    if (kind != STREAM_END_FIN) {
        u->write_code = code;
        u->was_told_failure = true;
        bytes_fini(&u->queue);
    }
    struct stream_end end = { .kind = kind, .tls_alert = -1 };
    (void)snprintf(end.text, sizeof end.text, "%s", text != NULL ? text : uv_strerror(code));
    stream_emit_end(&u->stream, &end);
}

void uv_stream_received(struct uv_stream *u, const uint8_t *in, uint32_t len)
{
    if (!u->has_ended) {
        stream_emit_data(&u->stream, in, len);
    }
}

void uv_stream_input_ended(struct uv_stream *u, int code)
{
    if (code == 0 && u->write_code == 0) {
        uv_stream_end(u, STREAM_END_FIN, 0, "the peer finished");
    } else {
        int why = code != 0 ? code : u->write_code;
        uv_stream_end(u, why == UV_ETIMEDOUT ? STREAM_END_TIMEOUT : STREAM_END_RESET, why, NULL);
    }
    if (u->is_closed) {
        uv_linger_check(u);
    }
}

/* One buffer serves all streams: libuv asks for it, fills it and hands it over in one go. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct uv_stream *u = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)u->world->read_buffer, UV_READ_BUFFER_BYTES);
}

static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buffer)
{
    struct uv_stream *u = handle->data;
    struct uv_world *world = u->world;
    if (count == 0) {
        return;
    }
    uv_world_turn_begin(world);
    if (count > 0) {
        uv_stream_received(u, (const uint8_t *)buffer->base, (uint32_t)count);
    } else {
        (void)uv_read_stop(handle);
        u->is_reading = false;
        uv_stream_input_ended(u, count == UV_EOF ? 0 : (int)count);
    }
    uv_world_turn_end(world);
}

static void update_reading(struct uv_stream *u)
{
    bool wants = u->is_open && !u->has_ended && !u->is_paused && !u->is_destroyed;
    if (u->reader == NULL) {
        uv_stdio_update_reading(u);
    } else if (wants && !u->is_reading) {
        u->is_reading = uv_read_start(u->reader, on_alloc, on_read) == 0;
    } else if (!wants && u->is_reading) {
        (void)uv_read_stop(u->reader);
        u->is_reading = false;
    }
}

static void fail_writing(struct uv_stream *u, int code)
{
    u->write_code = code;
    bytes_fini(&u->queue);
    loop_task_post(&u->flush); /* from there it is told: never inside the owner's own call */
}

static void on_written(uv_write_t *request, int status);

/* What the kernel did not take at once goes with the one write in progress. */
static void start_flight(struct uv_stream *u)
{
    u->flight = u->queue;
    u->queue = (struct bytes){ .max = 0 };
    u->is_writing = true;
    u->owes_drain = true;
    u->write.data = u;
    uv_buf_t buffer = uv_buf_init((char *)(u->flight.block + u->flight.start), u->flight.len);
    int code = uv_write(&u->write, u->writer, &buffer, 1, on_written);
    if (code != 0) {
        u->is_writing = false;
        bytes_fini(&u->flight);
        fail_writing(u, code);
    }
}

static void write_queue(struct uv_stream *u)
{
    if (u->writer == NULL) {
        int code = uv_stdio_write_file(bytes_front(&u->queue), u->queue.len);
        bytes_fini(&u->queue);
        if (code != 0) {
            fail_writing(u, code);
        }
        return;
    }
    uv_buf_t buffer = uv_buf_init((char *)(u->queue.block + u->queue.start), u->queue.len);
    int n = uv_try_write(u->writer, &buffer, 1);
    if (n < 0 && n != UV_EAGAIN) {
        fail_writing(u, n);
        return;
    }
    bytes_consume(&u->queue, n > 0 ? (uint32_t)n : 0);
    if (u->queue.len > 0) {
        start_flight(u);
    }
}

static void send_fin(struct uv_stream *u)
{
    u->is_fin_sent = true;
    if (!is_socket(u)) {
        uv_stdio_close_writer(u);
    } else if (shutdown(uv_stream_fd(u), SHUT_WR) != 0) {
        fail_writing(u, UV_ENOTCONN);
    }
}

/* Nothing can be written any more. Who reads learns it from there, behind the last bytes; who waits
 * for the queue to empty, paused or half closed, goes on. */
static void tell_failure(struct uv_stream *u)
{
    u->was_told_failure = true;
    if (!u->has_ended && !is_socket(u)) { /* input and output have nothing to do with each other */
        uv_stream_input_ended(u, u->write_code);
    } else if (u->owes_drain && !u->is_reading) {
        u->owes_drain = false;
        stream_emit_drain(&u->stream);
    }
}

static void tell_drain(struct uv_stream *u)
{
    if (u->owes_drain && u->queue.len == 0 && !u->is_writing) {
        u->owes_drain = false;
        stream_emit_drain(&u->stream);
    }
}

static void on_flush(void *ctx)
{
    struct uv_stream *u = ctx;
    if (!u->is_open || u->is_writing || u->is_destroyed) {
        return;
    }
    if (u->queue.len > 0 && u->write_code == 0) {
        write_queue(u);
    }
    if (u->queue.len == 0 && !u->is_writing && u->has_shut_down && !u->is_fin_sent &&
        u->write_code == 0) {
        send_fin(u);
    }
    if (u->is_closed) {
        uv_linger_check(u);
    } else if (u->write_code != 0) {
        if (!u->was_told_failure) {
            tell_failure(u);
        }
    } else {
        tell_drain(u);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct uv_stream *u = request->data;
    struct uv_world *world = u->world;
    u->is_writing = false;
    bytes_fini(&u->flight);
    if (u->is_destroyed) {
        return;
    }
    uv_world_turn_begin(world);
    if (status < 0) {
        fail_writing(u, status);
    } else {
        on_flush(u);
    }
    uv_world_turn_end(world);
}

static enum amt_err uv_stream_write(struct stream *s, const void *out, uint32_t len)
{
    struct uv_stream *u = uv_of(s);
    if (u->write_code != 0 || u->has_shut_down) {
        return AMT_ECLOSED;
    }
    bool is_queueing = u->is_writing || !u->is_open;
    uint32_t queued = u->queue.len + u->flight.len;
    if (is_queueing && queued > 0 && (len > u->write_limit || queued > u->write_limit - len)) {
        return AMT_ELIMIT;
    }
    TRY(bytes_append(&u->queue, out, len));
    if (is_queueing) {
        u->owes_drain = true;
    } else if (u->queue.len >= BATCH_BYTES) {
        write_queue(u);
    }
    if (!u->is_writing) {
        loop_task_post(&u->flush);
    }
    return AMT_OK;
}

static uint32_t uv_stream_queued(const struct stream *s)
{
    const struct uv_stream *u = (const struct uv_stream *)s;
    /* What only waits for the end of this turn is no queue yet. */
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
    u->has_shut_down = true;
    loop_task_post(&u->flush);
}

static void uv_stream_close(struct stream *s)
{
    struct uv_stream *u = uv_of(s);
    u->is_closed = true;
    u->world->lingering += 1;
    if (u->write_code != 0 || (!u->is_open && u->queue.len == 0)) {
        uv_stream_destroy(u);
        return;
    }
    u->has_shut_down = true;
    u->is_paused = false; /* the handler is gone: what still arrives is thrown away */
    uv_linger_begin(u);
    update_reading(u);
    on_flush(u);
}

static void uv_stream_reset(struct stream *s)
{
    struct uv_stream *u = uv_of(s);
    u->is_closed = true;
    u->world->lingering += 1;
    uv_stream_cut(u);
}

void uv_stream_cut(struct uv_stream *u)
{
    if (u->is_open && is_socket(u)) {
        /* uv_tcp_close_reset refuses this after a shutdown; the socket option does not. */
        const struct linger k_at_once = { .l_onoff = 1, .l_linger = 0 };
        (void)setsockopt(uv_stream_fd(u), SOL_SOCKET, SO_LINGER, &k_at_once, sizeof k_at_once);
    }
    uv_stream_destroy(u);
}

void uv_format_name(const struct sockaddr_storage *address, char out[static STREAM_NAME_BYTES])
{
    char host[64] = "?";
    unsigned port = 0;
    bool is_v6 = address->ss_family == AF_INET6;
    if (is_v6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        (void)uv_ip6_name(v6, host, sizeof host);
        port = ntohs(v6->sin6_port);
    } else if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
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
    if (is_socket(u)) {
        memcpy(&storage, &u->peer, sizeof u->peer);
        uv_format_name(&storage, out);
    } else {
        (void)snprintf(out, STREAM_NAME_BYTES, "stdio");
    }
}

static void uv_stream_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    const struct uv_stream *u = (const struct uv_stream *)s;
    struct sockaddr_storage storage = { 0 };
    int len = sizeof storage;
    if (is_socket(u)) {
        (void)uv_tcp_getsockname(&u->tcp, (struct sockaddr *)&storage, &len);
        uv_format_name(&storage, out);
    } else {
        (void)snprintf(out, STREAM_NAME_BYTES, "stdio");
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

void uv_stream_init(struct uv_stream *u, struct uv_world *world)
{
    stream_init(&u->stream, &k_uv_stream_class);
    u->world = world;
    u->write_limit = WRITE_LIMIT_BYTES;
    loop_task_init(&u->flush, &world->loop, on_flush, u);
    timer_init(&u->limit, &world->loop, uv_linger_timer, u);
}

void uv_stream_opened(struct uv_stream *u)
{
    u->is_open = true;
    if (is_socket(u)) {
        int len = sizeof u->peer;
        (void)uv_tcp_nodelay(&u->tcp, 1);
        (void)uv_tcp_getpeername(&u->tcp, (struct sockaddr *)&u->peer, &len);
    }
    update_reading(u);
    loop_task_post(&u->flush);
}

void uv_world_drop_stream(uv_handle_t *handle)
{
    struct uv_stream *u = handle->data;
    stream_set_handler(&u->stream, NULL, NULL);
    uv_stream_destroy(u);
}
