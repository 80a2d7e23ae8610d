/* How a client gets to a device: a socket, a channel of an MPS, and TLS on either. */
#ifndef AMTLAB_CLIENT_REACH_H
#define AMTLAB_CLIENT_REACH_H

#include "client/channel.h"
#include "runtime/tls.h"

struct client_reach {
    struct loop *loop;
    struct address address;               /* the device's; not used with uuid */
    const char *uuid;                     /* of a device behind an MPS; NULL: direct */
    struct client_channel_target channel; /* with uuid; its uuid and port are set by the call */
    uint32_t port;                        /* on the device */
    struct tls_context *tls;              /* NULL: no TLS */
    const char *tls_name;                 /* what the certificate must name; NULL: not checked */
    uint64_t connect_limit_us;            /* 0: 30 s */
};
/* For wsman_client_settings.connect; ctx is a struct client_reach. */
struct stream *client_reach_connect(void *ctx);

#endif
