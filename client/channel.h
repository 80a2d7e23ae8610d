/* A port of a device as a stream, through the operator API of an MPS (docs/api.md). */
#ifndef AMTLAB_CLIENT_CHANNEL_H
#define AMTLAB_CLIENT_CHANNEL_H

#include "base/secret.h"
#include "runtime/net.h"

struct client_channel_target {
    struct address api;
    const char *uuid; /* canonical text */
    uint32_t port;    /* on the device */
    const struct secret *token;
};
/* Connects and asks for the channel: on_open when the server has switched, on_end (REFUSED, with the
 * server's reason) when it does not. TLS and HTTP can be put on it at once. Reads target during the
 * call only. NULL without memory. */
struct stream *client_channel_open(struct loop *loop, const struct client_channel_target *target,
                                   const struct stream_handler *handler, void *ctx);

#endif
