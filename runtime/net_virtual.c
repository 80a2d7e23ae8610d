/*
 * The virtual network. A connection is two ends; each direction is a queue of segments with a due
 * time, and one timer that delivers what is due. Bytes beyond the window wait at the writer, so a
 * reader that pauses slows its peer as TCP would.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/loop_virtual.h"
#include "runtime/stream_class.h"

enum segment_kind { SEGMENT_DATA, SEGMENT_FIN, SEGMENT_RESET };

struct segment {
    struct segment *next;
    uint64_t due_us;
    enum segment_kind kind;
    uint32_t len;
    uint8_t data[];
};

struct segment_queue {
    struct segment *first, *last;
    uint32_t bytes;
};

/* One end, and the direction that leads away from it. */
struct virtual_end {
    struct stream stream;
    struct virtual_connection *connection;
    struct virtual_end *peer;
    struct segment_queue flight; /* under way to the peer, or waiting for it to resume */
    struct segment_queue queued; /* beyond the window */
    struct timer deliver;
    uint64_t last_due_us;
    uint32_t write_limit;
    bool is_open;       /* connected */
    bool is_paused;     /* this end does not read */
    bool is_closed;     /* the owner has let go of it */
    bool has_ended;     /* on_end was called, or must not be any more */
    bool has_shut_down; /* FIN is queued or sent */
    bool is_cut;        /* a reset passed: nothing travels any more */
    char name[STREAM_NAME_BYTES];
};

struct virtual_connection {
    struct virtual_loop *loop;
    struct virtual_end ends[2]; /* 0 connected, 1 accepted */
    struct virtual_connection *previous, *next;
    struct virtual_listener *waiting_at; /* in that paused listener's backlog */
    struct virtual_connection *backlog_next;
    struct timer setup;
    struct address target;
    bool is_accepted;
    bool is_delivering; /* a callback runs: freeing waits */
};

struct virtual_listener {
    struct listener listener;
    struct virtual_loop *loop;
    struct address address;
    accept_fn *on_accept;
    void *ctx;
    bool is_paused;
    struct virtual_connection *backlog, *backlog_last;
    struct virtual_listener *next;
};

static void push(struct segment_queue *queue, struct segment *segment)
{
    segment->next = NULL;
    if (queue->last == NULL) {
        queue->first = segment;
    } else {
        queue->last->next = segment;
    }
    queue->last = segment;
    queue->bytes += segment->len;
}

static struct segment *pop(struct segment_queue *queue)
{
    struct segment *segment = queue->first;
    queue->first = segment->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    queue->bytes -= segment->len;
    return segment;
}

static void clear(struct segment_queue *queue)
{
    while (queue->first != NULL) {
        amt_free(pop(queue));
    }
}

static void connection_free(struct virtual_connection *c)
{
    for (int i = 0; i < 2; i++) {
        clear(&c->ends[i].flight);
        clear(&c->ends[i].queued);
        timer_stop(&c->ends[i].deliver);
    }
    timer_stop(&c->setup);
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        c->loop->connections = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    amt_free(c);
}

/* Gone when both owners have let go and nothing is under way to an end that still has one. */
static void connection_check(struct virtual_connection *c)
{
    struct virtual_end *a = &c->ends[0];
    struct virtual_end *b = &c->ends[1];
    bool b_is_gone = b->is_closed || !c->is_accepted;
    if (!c->is_delivering && a->is_closed && b_is_gone && c->waiting_at == NULL) {
        connection_free(c);
    }
}

/* Arms the delivery of what leads away from this end, if the peer would take it. */
static void arm(struct virtual_end *from)
{
    struct virtual_end *to = from->peer;
    struct segment *first = from->flight.first;
    bool is_held = to->is_paused && first != NULL && first->kind == SEGMENT_DATA && !to->is_closed;
    if (first == NULL || is_held || !from->is_open) {
        timer_stop(&from->deliver);
    } else if (!timer_is_running(&from->deliver)) {
        uint64_t now_us = loop_now_us(from->deliver.loop);
        timer_start_at(&from->deliver, first->due_us > now_us ? first->due_us : now_us);
    }
}

static void send_segment(struct virtual_end *from, struct segment *segment)
{
    struct virtual_loop *loop = from->connection->loop;
    uint64_t due_us = loop->loop.now_us + loop->world.latency_us +
                      amt_random_below(&loop->jitter, loop->world.jitter_us);
    if (due_us < from->last_due_us) {
        due_us = from->last_due_us; /* jitter never overtakes */
    }
    from->last_due_us = due_us;
    segment->due_us = due_us;
    push(&from->flight, segment);
    arm(from);
}

static struct segment *new_segment(enum segment_kind kind, const void *data, uint32_t len)
{
    struct segment *segment = amt_alloc(sizeof *segment + len);
    if (segment != NULL) {
        segment->kind = kind;
        segment->len = len;
        if (len > 0) {
            memcpy(segment->data, data, len);
        }
    }
    return segment;
}

/* Moves what now fits into the window. */
static void advance(struct virtual_end *from)
{
    uint32_t window = from->connection->loop->world.window_bytes;
    while (from->is_open && from->queued.first != NULL &&
           (from->flight.bytes < window || from->queued.first->len == 0)) {
        send_segment(from, pop(&from->queued));
    }
}

static void send_control(struct virtual_end *from, enum segment_kind kind)
{
    struct segment *segment = new_segment(kind, NULL, 0);
    if (segment == NULL) {
        return; /* as if the packet was lost: the other side has its own time limits */
    }
    if (kind == SEGMENT_RESET || from->queued.first == NULL) {
        send_segment(from, segment);
    } else {
        push(&from->queued, segment);
    }
}

static void end_stream(struct virtual_end *end, enum stream_end_kind kind, const char *text)
{
    if (end->has_ended || end->is_closed) {
        return;
    }
    end->has_ended = true;
    struct stream_end info = { .kind = kind, .tls_alert = -1 };
    (void)snprintf(info.text, sizeof info.text, "%s", text);
    stream_emit_end(&end->stream, &info);
}

static void deliver_segment(struct virtual_end *from, const struct segment *segment)
{
    struct virtual_end *to = from->peer;
    switch (segment->kind) {
    case SEGMENT_DATA:
        if (to->is_closed && !to->is_cut && !from->is_cut) {
            to->is_cut = true;
            send_control(to, SEGMENT_RESET); /* nobody reads there any more */
        } else if (!to->has_ended) {
            stream_emit_data(&to->stream, segment->data, segment->len);
        }
        break;
    case SEGMENT_FIN:
        end_stream(to, STREAM_END_FIN, "the peer finished");
        break;
    case SEGMENT_RESET:
        to->is_cut = true;
        clear(&to->queued);
        end_stream(to, STREAM_END_RESET, "connection reset by peer");
        break;
    }
}

static void on_deliver(void *ctx)
{
    struct virtual_end *from = ctx;
    struct virtual_connection *c = from->connection;
    bool had_queue = from->queued.bytes > 0;
    uint64_t now_us = loop_now_us(&c->loop->loop);
    c->is_delivering = true;
    while (from->flight.first != NULL && from->flight.first->due_us <= now_us) {
        bool is_data = from->flight.first->kind == SEGMENT_DATA;
        if (is_data && from->peer->is_paused && !from->peer->is_closed) {
            break;
        }
        struct segment *segment = pop(&from->flight);
        deliver_segment(from, segment);
        amt_free(segment);
    }
    advance(from);
    if (had_queue && from->queued.bytes == 0 && !from->is_closed && !from->has_ended) {
        stream_emit_drain(&from->stream);
    }
    c->is_delivering = false;
    arm(from);
    connection_check(c);
}

static struct virtual_end *end_of(struct stream *s)
{
    return (struct virtual_end *)s;
}

static enum amt_err end_write(struct stream *s, const void *out, uint32_t len)
{
    struct virtual_end *end = end_of(s);
    if (end->is_closed || end->is_cut || end->has_shut_down) {
        return AMT_ECLOSED;
    }
    if (len == 0) {
        return AMT_OK;
    }
    bool fits = end->is_open && end->queued.first == NULL &&
                end->flight.bytes < end->connection->loop->world.window_bytes;
    if (!fits && (len > end->write_limit || end->queued.bytes > end->write_limit - len)) {
        return AMT_ELIMIT;
    }
    struct segment *segment = new_segment(SEGMENT_DATA, out, len);
    if (segment == NULL) {
        return AMT_ENOMEM;
    }
    if (fits) {
        send_segment(end, segment);
    } else {
        push(&end->queued, segment);
    }
    return AMT_OK;
}

static uint32_t end_queued_bytes(const struct stream *s)
{
    return ((const struct virtual_end *)s)->queued.bytes;
}

static void end_set_write_limit(struct stream *s, uint32_t bytes)
{
    end_of(s)->write_limit = bytes;
}

static void end_pause(struct stream *s)
{
    struct virtual_end *end = end_of(s);
    end->is_paused = true;
    arm(end->peer);
}

static void end_resume(struct stream *s)
{
    struct virtual_end *end = end_of(s);
    end->is_paused = false;
    arm(end->peer);
}

static void end_shutdown(struct stream *s)
{
    struct virtual_end *end = end_of(s);
    if (!end->has_shut_down && !end->is_cut) {
        end->has_shut_down = true;
        send_control(end, SEGMENT_FIN);
    }
}

static void let_go(struct virtual_end *end)
{
    end->is_closed = true;
    arm(end->peer); /* what it did not read is thrown away now */
    connection_check(end->connection);
}

static void end_close(struct stream *s)
{
    end_shutdown(s);
    let_go(end_of(s));
}

static void end_reset(struct stream *s)
{
    struct virtual_end *end = end_of(s);
    clear(&end->queued);
    if (!end->is_cut) {
        end->is_cut = true;
        send_control(end, SEGMENT_RESET);
    }
    let_go(end);
}

static void end_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    (void)snprintf(out, STREAM_NAME_BYTES, "%s", ((const struct virtual_end *)s)->peer->name);
}

static void end_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    (void)snprintf(out, STREAM_NAME_BYTES, "%s", ((const struct virtual_end *)s)->name);
}

static const struct stream_class k_end_class = {
    .write = end_write,
    .queued_bytes = end_queued_bytes,
    .set_write_limit = end_set_write_limit,
    .pause = end_pause,
    .resume = end_resume,
    .shutdown = end_shutdown,
    .close = end_close,
    .reset = end_reset,
    .peer_name = end_peer_name,
    .local_name = end_local_name,
};

#define WRITE_LIMIT_BYTES (1024u * 1024u)

static struct virtual_connection *connection_new(struct virtual_loop *loop, timer_fn *setup)
{
    struct virtual_connection *c = amt_alloc(sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->loop = loop;
    c->next = loop->connections;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    loop->connections = c;
    timer_init(&c->setup, &loop->loop, setup, c);
    for (int i = 0; i < 2; i++) {
        struct virtual_end *end = &c->ends[i];
        stream_init(&end->stream, &k_end_class);
        end->connection = c;
        end->peer = &c->ends[1 - i];
        end->write_limit = WRITE_LIMIT_BYTES;
        timer_init(&end->deliver, &loop->loop, on_deliver, end);
    }
    return c;
}

/* Setting up: SYN arrives at the listener, then the answer at the one who connects. */

static bool is_any(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static const char *plain_host(const char *host)
{
    return strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
}

static struct virtual_listener *find_listener(struct virtual_loop *loop,
                                              const struct address *target)
{
    struct virtual_listener *listener = loop->listeners;
    for (; listener != NULL; listener = listener->next) {
        bool same_host = is_any(listener->address.host) ||
                         strcmp(plain_host(listener->address.host), plain_host(target->host)) == 0;
        if (same_host && listener->address.port == target->port) {
            return listener;
        }
    }
    return NULL;
}

static void on_connected(void *ctx)
{
    struct virtual_connection *c = ctx;
    struct virtual_end *end = &c->ends[0];
    end->is_open = true;
    c->is_delivering = true;
    if (!end->is_closed) {
        stream_emit_open(&end->stream);
    }
    advance(end);
    arm(end);
    c->is_delivering = false;
    connection_check(c);
}

static void on_refused(void *ctx)
{
    struct virtual_connection *c = ctx;
    c->is_delivering = true;
    c->ends[0].is_cut = true;
    clear(&c->ends[0].queued);
    end_stream(&c->ends[0], STREAM_END_REFUSED, "connection refused: nobody listens there");
    c->is_delivering = false;
    connection_check(c);
}

static void accept_connection(struct virtual_connection *c, struct virtual_listener *listener)
{
    struct virtual_end *end = &c->ends[1];
    c->is_accepted = true;
    end->is_open = true;
    timer_init(&c->setup, &c->loop->loop, on_connected, c);
    timer_start(&c->setup, c->loop->world.latency_us);
    c->is_delivering = true;
    listener->on_accept(listener->ctx, &end->stream);
    c->is_delivering = false;
    connection_check(c);
}

static void on_syn(void *ctx)
{
    struct virtual_connection *c = ctx;
    struct virtual_listener *listener = find_listener(c->loop, &c->target);
    if (listener == NULL) {
        timer_init(&c->setup, &c->loop->loop, on_refused, c);
        timer_start(&c->setup, c->loop->world.latency_us);
    } else if (listener->is_paused) {
        c->waiting_at = listener;
        if (listener->backlog_last == NULL) {
            listener->backlog = c;
        } else {
            listener->backlog_last->backlog_next = c;
        }
        listener->backlog_last = c;
    } else {
        accept_connection(c, listener);
    }
}

struct stream *virtual_connect(struct loop *loop, const struct address *address,
                               uint64_t connect_limit_us, const struct stream_handler *handler,
                               void *ctx)
{
    struct virtual_loop *v = (struct virtual_loop *)loop;
    struct virtual_connection *c = connection_new(v, on_syn);
    (void)connect_limit_us; /* no packet is lost here: an answer always comes */
    if (c == NULL) {
        return NULL;
    }
    c->target = *address;
    (void)snprintf(c->ends[0].name, STREAM_NAME_BYTES, "127.0.0.1:%u", v->next_client_port);
    v->next_client_port = v->next_client_port == 49151 ? 20000 : v->next_client_port + 1;
    (void)snprintf(c->ends[1].name, STREAM_NAME_BYTES, "%.60s:%u", plain_host(address->host),
                   address->port);
    stream_set_handler(&c->ends[0].stream, handler, ctx);
    timer_start(&c->setup, v->world.latency_us);
    return &c->ends[0].stream;
}

static void listener_get_address(const struct listener *l, struct address *address)
{
    *address = ((const struct virtual_listener *)l)->address;
}

static void virtual_listener_pause(struct listener *l)
{
    ((struct virtual_listener *)l)->is_paused = true;
}

static void virtual_listener_resume(struct listener *l)
{
    struct virtual_listener *listener = (struct virtual_listener *)l;
    listener->is_paused = false;
    while (listener->backlog != NULL && !listener->is_paused) {
        struct virtual_connection *c = listener->backlog;
        listener->backlog = c->backlog_next;
        if (listener->backlog == NULL) {
            listener->backlog_last = NULL;
        }
        c->backlog_next = NULL;
        c->waiting_at = NULL;
        accept_connection(c, listener);
    }
}

static void virtual_listener_close(struct listener *l)
{
    struct virtual_listener *listener = (struct virtual_listener *)l;
    struct virtual_listener **at = &listener->loop->listeners;
    while (*at != listener) {
        at = &(*at)->next;
    }
    *at = listener->next;
    while (listener->backlog != NULL) {
        struct virtual_connection *c = listener->backlog;
        listener->backlog = c->backlog_next;
        c->backlog_next = NULL;
        c->waiting_at = NULL;
        timer_init(&c->setup, &c->loop->loop, on_refused, c);
        timer_start(&c->setup, c->loop->world.latency_us);
    }
    amt_free(listener);
}

static const struct listener_class k_listener_class = {
    .address = listener_get_address,
    .pause = virtual_listener_pause,
    .resume = virtual_listener_resume,
    .close = virtual_listener_close,
};

struct listener *virtual_listen(struct loop *loop, const struct address *address,
                                accept_fn *on_accept, void *ctx, struct amt_diag *diag)
{
    struct virtual_loop *v = (struct virtual_loop *)loop;
    struct address wanted = *address;
    if (wanted.port == 0) {
        wanted.port = v->next_port++;
    }
    if (find_listener(v, &wanted) != NULL) {
        char text[ADDRESS_HOST_BYTES + 10];
        address_format(&wanted, text);
        (void)amt_diag_set(diag, AMT_ESYS, "cannot listen on %s: address already in use", text);
        return NULL;
    }
    struct virtual_listener *listener = amt_alloc(sizeof *listener);
    if (listener == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    listener->listener.class = &k_listener_class;
    listener->loop = v;
    listener->address = wanted;
    listener->on_accept = on_accept;
    listener->ctx = ctx;
    listener->next = v->listeners;
    v->listeners = listener;
    return &listener->listener;
}

void virtual_network_free(struct virtual_loop *loop)
{
    while (loop->connections != NULL) {
        connection_free(loop->connections);
    }
}

enum amt_err stream_memory_pair(struct loop *loop, struct stream **a, struct stream **b)
{
    if (!loop_is_virtual(loop)) {
        return AMT_ESTATE;
    }
    struct virtual_connection *c = connection_new((struct virtual_loop *)loop, on_connected);
    if (c == NULL) {
        return AMT_ENOMEM;
    }
    c->is_accepted = true;
    for (int i = 0; i < 2; i++) {
        c->ends[i].is_open = true;
        (void)snprintf(c->ends[i].name, STREAM_NAME_BYTES, "memory:%d", i);
    }
    *a = &c->ends[0].stream;
    *b = &c->ends[1].stream;
    return AMT_OK;
}
