/* Listening and connecting, on the real or the virtual network. */
#ifndef AMTLAB_RUNTIME_NET_H
#define AMTLAB_RUNTIME_NET_H

#include "base/diag.h"
#include "runtime/loop.h"
#include "runtime/stream.h"

#define ADDRESS_HOST_BYTES 254

struct address {
    char host[ADDRESS_HOST_BYTES]; /* IPv4, IPv6 without brackets, or a name */
    uint16_t port;
};

/* "host:port", "[v6]:port", "host", ":port" (host = ""), with a default port. */
enum amt_err address_parse(const char *text, uint16_t default_port, struct address *address,
                           struct amt_diag *diag) AMT_MUST_USE;
/* "[::1]:4433" */
void address_format(const struct address *address, char out[static ADDRESS_HOST_BYTES + 10]);

struct listener;
/* Takes the stream; it must set a handler before it returns, or close it. */
typedef void accept_fn(void *ctx, struct stream *s);

/* Port 0 picks a free one. host "" listens on all addresses, IPv6 and IPv4. NULL with diag: AMT_ESYS
 * says which address and why (in use, not ours, no permission). TCP_NODELAY on every connection. */
struct listener *net_listen(struct loop *loop, const struct address *address, accept_fn *on_accept,
                            void *ctx, struct amt_diag *diag);
void listener_address(const struct listener *listener, struct address *address);
/* While paused, connections wait in the backlog (descriptor shortage, connection limits). */
void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);
void listener_close(struct listener *listener); /* NULL is allowed */

/* Always answers through the handler: on_open or on_end. Names are resolved on a worker. Gives up
 * after connect_limit_us (0 = 30 s). NULL only without memory. */
struct stream *net_connect(struct loop *loop, const struct address *address,
                           uint64_t connect_limit_us, const struct stream_handler *handler,
                           void *ctx);

/* Real world: stdin and stdout of this process as one stream. */
struct stream *net_stdio(struct loop *loop, struct amt_diag *diag);

#endif
