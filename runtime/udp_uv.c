/* Datagrams of the real world. */
#include <string.h>

#include "base/memory.h"
#include "runtime/loop_uv.h"

struct uv_socket {
    struct udp_socket socket;
    struct uv_world *world;
    uv_udp_t udp;
    udp_receive_fn *on_receive;
    void *ctx;
};

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    const struct uv_socket *u = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)u->world->read_buffer, UV_READ_BUFFER_BYTES);
}

static void to_address(const struct sockaddr *from, struct address *address)
{
    *address = (struct address){ .port = 0 };
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
        (void)uv_ip6_name(v6, address->host, sizeof address->host);
        address->port = ntohs(v6->sin6_port);
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
        (void)uv_ip4_name(v4, address->host, sizeof address->host);
        address->port = ntohs(v4->sin_port);
    }
}

static void on_datagram(uv_udp_t *udp, ssize_t len, const uv_buf_t *buffer,
                        const struct sockaddr *from, unsigned flags)
{
    struct uv_socket *u = udp->data;
    struct uv_world *world = u->world;
    struct address address;
    if (len < 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0) {
        return; /* nothing more to read, an error of an earlier send, or longer than we take */
    }
    to_address(from, &address);
    uv_world_turn_begin(world);
    u->on_receive(u->ctx, &address, (const uint8_t *)buffer->base, (uint32_t)len);
    uv_world_turn_end(world);
}

static void uv_socket_address(const struct udp_socket *socket, struct address *address)
{
    const struct uv_socket *u = (const struct uv_socket *)socket;
    struct sockaddr_storage storage = { 0 };
    int len = sizeof storage;
    (void)uv_udp_getsockname(&u->udp, (struct sockaddr *)&storage, &len);
    to_address((const struct sockaddr *)&storage, address);
}

/* "" is all addresses, IPv6 and IPv4. */
static int to_sockaddr(const struct address *address, struct sockaddr_storage *storage)
{
    const char *host = address->host[0] == '\0'                  ? "::"
                       : strcmp(address->host, "localhost") == 0 ? "127.0.0.1"
                                                                 : address->host;
    if (uv_ip4_addr(host, address->port, (struct sockaddr_in *)storage) == 0) {
        return 0;
    }
    return uv_ip6_addr(host, address->port, (struct sockaddr_in6 *)storage);
}

/* A socket of all addresses speaks IPv6 alone; IPv4 has a range of addresses there (RFC 4291 2.5.5.2). */
static void map_to_family(const struct uv_socket *u, struct sockaddr_storage *storage)
{
    struct address own;
    const struct sockaddr_in v4 = *(const struct sockaddr_in *)storage;
    uv_socket_address(&u->socket, &own);
    if (v4.sin_family != AF_INET || strchr(own.host, ':') == NULL) {
        return;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
    *v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = v4.sin_port };
    v6->sin6_addr.s6_addr[10] = 0xff;
    v6->sin6_addr.s6_addr[11] = 0xff;
    memcpy(v6->sin6_addr.s6_addr + 12, &v4.sin_addr, 4);
}

static enum amt_err uv_socket_send(struct udp_socket *socket, const struct address *to,
                                   const void *out, uint32_t len)
{
    struct uv_socket *u = (struct uv_socket *)socket;
    struct sockaddr_storage storage = { 0 };
    uint8_t copy[UDP_MAX_BYTES];
    if (to_sockaddr(to, &storage) != 0) {
        return AMT_ESYS;
    }
    map_to_family(u, &storage);
    memcpy(copy, out, len); /* uv_buf_t is not for const bytes */
    uv_buf_t buffer = uv_buf_init((char *)copy, len);
    int code = uv_udp_try_send(&u->udp, &buffer, 1, (const struct sockaddr *)&storage);
    if (code == UV_EAGAIN) {
        return AMT_ELIMIT;
    }
    return code < 0 ? AMT_ESYS : AMT_OK;
}

static void on_closed(uv_handle_t *handle)
{
    amt_free(handle->data);
}

static void uv_socket_close(struct udp_socket *socket)
{
    struct uv_socket *u = (struct uv_socket *)socket;
    uv_close((uv_handle_t *)&u->udp, on_closed);
}

void uv_world_drop_socket(uv_handle_t *handle)
{
    uv_close(handle, on_closed);
}

static const struct udp_class k_uv_socket_class = {
    .address = uv_socket_address,
    .send = uv_socket_send,
    .close = uv_socket_close,
};

static int bind_to(struct uv_socket *u, const struct address *address)
{
    struct sockaddr_storage storage = { 0 };
    int code = to_sockaddr(address, &storage);
    if (code != 0) {
        return code;
    }
    code = uv_udp_bind(&u->udp, (const struct sockaddr *)&storage, 0);
    if (code == UV_EAFNOSUPPORT && address->host[0] == '\0') { /* a kernel without IPv6 */
        (void)uv_ip4_addr("0.0.0.0", address->port, (struct sockaddr_in *)&storage);
        code = uv_udp_bind(&u->udp, (const struct sockaddr *)&storage, 0);
    }
    return code;
}

static struct udp_socket *report(const struct address *address, int code, struct amt_diag *diag)
{
    char text[ADDRESS_HOST_BYTES + 10];
    address_format(address, text);
    (void)amt_diag_set(diag, code == UV_ENOMEM ? AMT_ENOMEM : AMT_ESYS,
                       "cannot receive datagrams on %s: %s", text, uv_strerror(code));
    (void)amt_diag_hint(diag, "%s",
                        code == UV_EACCES ? "ports below 1024 need root or CAP_NET_BIND_SERVICE"
                                          : "ss -lunp shows who has it; port 0 picks a free one");
    return NULL;
}

struct udp_socket *uv_world_udp_open(struct loop *loop, const struct address *address,
                                     udp_receive_fn *on_receive, void *ctx, struct amt_diag *diag)
{
    struct uv_world *world = (struct uv_world *)loop;
    struct uv_socket *u = amt_alloc(sizeof *u);
    if (u == NULL) {
        return report(address, UV_ENOMEM, diag);
    }
    u->socket.class = &k_uv_socket_class;
    u->world = world;
    u->on_receive = on_receive;
    u->ctx = ctx;
    u->udp.data = u;
    (void)uv_udp_init(&world->uv, &u->udp);
    int code = bind_to(u, address);
    if (code == 0) {
        code = uv_udp_recv_start(&u->udp, on_buffer, on_datagram);
    }
    if (code != 0) {
        uv_socket_close(&u->socket);
        return report(address, code, diag);
    }
    return &u->socket;
}
