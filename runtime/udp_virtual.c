/* Datagrams of the virtual network: each arrives after the latency, or nobody is there to take it. */
#include <string.h>

#include "base/memory.h"
#include "runtime/loop_virtual.h"

struct virtual_socket {
    struct udp_socket socket;
    struct virtual_loop *loop;
    struct virtual_socket *next;
    struct address address;
    udp_receive_fn *on_receive;
    void *ctx;
};

struct virtual_datagram {
    struct timer timer;
    struct virtual_datagram *previous, *next;
    struct address from, to;
    uint32_t len;
    uint8_t bytes[UDP_MAX_BYTES];
};

static struct virtual_socket *find_socket(const struct virtual_loop *v, const struct address *to)
{
    struct virtual_socket *of_all = NULL;
    for (struct virtual_socket *s = v->sockets; s != NULL; s = s->next) {
        if (s->address.port != to->port) {
            continue;
        }
        if (virtual_host_is_any(s->address.host)) {
            of_all = s;
        } else if (virtual_host_is_same(s->address.host, to->host)) {
            return s;
        }
    }
    return of_all;
}

static void drop_datagram(struct virtual_loop *v, struct virtual_datagram *d)
{
    timer_stop(&d->timer);
    if (d->previous == NULL) {
        v->datagrams = d->next;
    } else {
        d->previous->next = d->next;
    }
    if (d->next != NULL) {
        d->next->previous = d->previous;
    }
    amt_free(d);
}

static void on_arrival(void *ctx)
{
    struct virtual_datagram *d = ctx;
    struct virtual_loop *v = (struct virtual_loop *)d->timer.loop;
    struct virtual_socket *s = find_socket(v, &d->to);
    if (s != NULL) {
        s->on_receive(s->ctx, &d->from, d->bytes, d->len); /* may close s */
    }
    drop_datagram(v, d);
}

static void virtual_socket_address(const struct udp_socket *socket, struct address *address)
{
    *address = ((const struct virtual_socket *)socket)->address;
}

static enum amt_err virtual_socket_send(struct udp_socket *socket, const struct address *to,
                                        const void *out, uint32_t len)
{
    struct virtual_socket *s = (struct virtual_socket *)socket;
    struct virtual_loop *v = s->loop;
    struct virtual_datagram *d = amt_alloc(sizeof *d);
    if (d == NULL) {
        return AMT_ENOMEM;
    }
    d->from = s->address;
    if (virtual_host_is_any(d->from.host)) {
        (void)memcpy(d->from.host, "127.0.0.1", sizeof "127.0.0.1");
    }
    d->to = *to;
    d->len = len;
    memcpy(d->bytes, out, len);
    d->next = v->datagrams;
    if (d->next != NULL) {
        d->next->previous = d;
    }
    v->datagrams = d;
    timer_init(&d->timer, &v->loop, on_arrival, d);
    timer_start(&d->timer,
                v->world.latency_us + amt_random_below(&v->jitter, v->world.jitter_us + 1));
    return AMT_OK;
}

static void virtual_socket_close(struct udp_socket *socket)
{
    struct virtual_socket *s = (struct virtual_socket *)socket;
    struct virtual_socket **at = &s->loop->sockets;
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    amt_free(s);
}

static const struct udp_class k_virtual_socket_class = {
    .address = virtual_socket_address,
    .send = virtual_socket_send,
    .close = virtual_socket_close,
};

static bool is_taken(const struct virtual_loop *v, const struct address *address)
{
    for (const struct virtual_socket *s = v->sockets; s != NULL; s = s->next) {
        if (s->address.port == address->port &&
            (virtual_host_is_any(s->address.host) || virtual_host_is_any(address->host) ||
             virtual_host_is_same(s->address.host, address->host))) {
            return true;
        }
    }
    return false;
}

struct udp_socket *virtual_udp_open(struct loop *loop, const struct address *address,
                                    udp_receive_fn *on_receive, void *ctx, struct amt_diag *diag)
{
    struct virtual_loop *v = (struct virtual_loop *)loop;
    struct address wanted = *address;
    uint32_t port = wanted.port == 0 ? FIRST_PORT : wanted.port;
    wanted.port = (uint16_t)port;
    while (address->port == 0 && is_taken(v, &wanted) && port < UINT16_MAX) {
        port += 1;
        wanted.port = (uint16_t)port;
    }
    if (is_taken(v, &wanted)) {
        char text[ADDRESS_HOST_BYTES + 10];
        address_format(&wanted, text);
        (void)amt_diag_set(diag, AMT_ESYS, "cannot receive datagrams on %s: address already in use",
                           text);
        (void)amt_diag_hint(diag, "another actor has it; port 0 picks a free one");
        return NULL;
    }
    struct virtual_socket *s = amt_alloc(sizeof *s);
    if (s == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    s->socket.class = &k_virtual_socket_class;
    s->loop = v;
    s->address = wanted;
    s->on_receive = on_receive;
    s->ctx = ctx;
    s->next = v->sockets;
    v->sockets = s;
    return &s->socket;
}

void virtual_udp_free(struct virtual_loop *loop)
{
    while (loop->datagrams != NULL) {
        drop_datagram(loop, loop->datagrams);
    }
    while (loop->sockets != NULL) {
        virtual_socket_close(&loop->sockets->socket);
    }
}
