/* The host side of a device for activation clients: what a program with administrator rights on the PC
 * can do. The simulated device offers it; later the real MEI driver does. */
#ifndef AMTLAB_CLIENT_ACTIVATION_HOST_H
#define AMTLAB_CLIENT_ACTIVATION_HOST_H

#include "base/diag.h"
#include "runtime/stream.h"

struct activation_host {
    /* One PTHI command (activation.md 1.5): the whole request, the whole response in out[0, cap). *len gets its
     * length. AMT_ESYS with diag when there is no ME. */
    enum amt_err (*command)(void *ctx, const uint8_t *in, uint32_t in_len, uint8_t *out,
                            uint32_t cap, uint32_t *len, struct amt_diag *diag);
    /* A new connection to a local port (16992, 16993); NULL without memory; refused: by its on_end. */
    struct stream *(*open_port)(void *ctx, uint32_t port);
    const char *host_name, *os_dns_suffix; /* of the operating system; "" */
    void *ctx;
};

#endif
