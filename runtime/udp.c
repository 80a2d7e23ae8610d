#include "runtime/udp.h"

#include "runtime/loop_world.h"

struct udp_socket *udp_open(struct loop *loop, const struct address *address,
                            udp_receive_fn *on_receive, void *ctx, struct amt_diag *diag)
{
    return loop->world->udp_open(loop, address, on_receive, ctx, diag);
}

void udp_address(const struct udp_socket *socket, struct address *address)
{
    socket->class->address(socket, address);
}

enum amt_err udp_send(struct udp_socket *socket, const struct address *to, const void *out,
                      uint32_t len)
{
    return len > UDP_MAX_BYTES ? AMT_ETOOBIG : socket->class->send(socket, to, out, len);
}

void udp_close(struct udp_socket *socket)
{
    if (socket != NULL) {
        socket->class->close(socket);
    }
}
