#include "runtime/lan.h"

#include "runtime/loop_world.h"

struct lan *lan_open(struct loop *loop, const char *interface, uint16_t port,
                     const struct lan_handler *handler, void *ctx, struct amt_diag *diag)
{
    return loop->world->lan_open(loop, interface, port, handler, ctx, diag);
}

void lan_close(struct lan *lan)
{
    if (lan != NULL) {
        lan->class->close(lan);
    }
}

bool lan_has_link(const struct lan *lan)
{
    return lan->has_link;
}

enum amt_err lan_send(struct lan *lan, const struct lan_datagram *datagram)
{
    return datagram->len > LAN_MOST_BYTES ? AMT_ETOOBIG : lan->class->send(lan, datagram);
}

void lan_set_address(struct lan *lan, uint32_t address)
{
    lan->address = address;
}
