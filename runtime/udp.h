/*
 * Datagrams, on the real or the virtual network. As on every network they may be lost: a sender hears
 * of it only when the loss is its own. Hosts are numeric addresses; "" receives on all addresses.
 */
#ifndef AMTLAB_RUNTIME_UDP_H
#define AMTLAB_RUNTIME_UDP_H

#include "runtime/net.h"

#define UDP_MAX_BYTES 1472u /* what fits into an Ethernet frame; longer ones are not for us */

struct udp_socket;
/* A datagram has come. The socket may be closed from here. */
typedef void udp_receive_fn(void *ctx, const struct address *from, const uint8_t *in, uint32_t len);

/* Port 0 picks a free one. NULL with diag: AMT_ESYS says which address and why, AMT_ENOMEM. */
struct udp_socket *udp_open(struct loop *loop, const struct address *address,
                            udp_receive_fn *on_receive, void *ctx, struct amt_diag *diag);
void udp_address(const struct udp_socket *socket, struct address *address);
/* AMT_ETOOBIG (above UDP_MAX_BYTES), AMT_ELIMIT (no room to send), AMT_ESYS (no such host, refused by
 * the system), AMT_ENOMEM. */
enum amt_err udp_send(struct udp_socket *socket, const struct address *to, const void *out,
                      uint32_t len) AMT_MUST_USE;
void udp_close(struct udp_socket *socket); /* NULL is allowed */

#endif
