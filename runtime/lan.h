/*
 * A network interface as a host uses it that has its own address there, which the system does not know:
 * a management engine beside the operating system. UDP over IPv4, answers to ARP, the state of the link.
 * In the real world a packet socket: it needs CAP_NET_RAW, takes no port away from anybody, and hears what
 * the system's own stack would drop. In the virtual world all who open the same name are one segment.
 */
#ifndef AMTLAB_RUNTIME_LAN_H
#define AMTLAB_RUNTIME_LAN_H

#include "base/diag.h"
#include "runtime/loop.h"

#define LAN_EVERYBODY  0xffffffffu /* the broadcast address; addresses are in host order */
#define LAN_MOST_BYTES 1472u

struct lan_datagram {
    uint32_t from, to;
    uint16_t from_port, to_port;
    const uint8_t *bytes;
    uint32_t len;
};
/* Neither may close it. on_link may be NULL. */
struct lan_handler {
    void (*on_datagram)(void *ctx, const struct lan_datagram *datagram);
    void (*on_link)(void *ctx, bool is_up);
};

struct lan;
/* Hears what comes to this port of any address. handler must live as long. NULL with diag: AMT_ECONFIG (no
 * such interface, or no Ethernet), AMT_ESYS (not permitted, and what is missing), AMT_ENOMEM. */
struct lan *lan_open(struct loop *loop, const char *interface, uint16_t port,
                     const struct lan_handler *handler, void *ctx, struct amt_diag *diag);
void lan_close(struct lan *lan); /* NULL is allowed */
/* Cable in, other end alive. */
bool lan_has_link(const struct lan *lan);
/* To everybody, or to one address: its frame goes to whoever sent the last datagram that was heard (the
 * server, or the relay before it). AMT_ETOOBIG, AMT_ELIMIT (no room), AMT_ESYS (link down), AMT_ENOMEM. */
enum amt_err lan_send(struct lan *lan, const struct lan_datagram *datagram) AMT_MUST_USE;
/* The address that it has now: who asks by ARP gets an answer. 0: none. */
void lan_set_address(struct lan *lan, uint32_t address);

/* Virtual world: pulls or plugs the cable of all who have opened this name. */
void lan_plug(struct loop *loop, const char *interface, bool is_in);

#endif
