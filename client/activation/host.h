/* The host side of a device for activation clients: what a program with administrator rights on the PC
 * can do. The simulated device offers it; later the real MEI driver does. */
#ifndef AMTLAB_CLIENT_ACTIVATION_HOST_H
#define AMTLAB_CLIENT_ACTIVATION_HOST_H

#include "base/diag.h"
#include "protocol/activation/report.h"
#include "runtime/stream.h"

struct activation_host {
    /* One PTHI command (activation.md 1.5): the whole request, the whole response in out[0, cap). *len gets its
     * length. AMT_ESYS with diag when there is no ME. */
    enum amt_err (*command)(void *ctx, const uint8_t *in, uint32_t in_len, uint8_t *out,
                            uint32_t cap, uint32_t *len, struct amt_diag *diag);
    /* A new connection to a local port (16992, 16993); NULL without memory; refused: by its on_end. */
    struct stream *(*open_port)(void *ctx, uint32_t port);
    /* Whether only 16993 answers on this computer (mei.md: IsChangeToAMTEnabled, bit 6). NULL: it does not. */
    bool (*is_tls_enforced)(void *ctx);
    const char *host_name, *os_dns_suffix; /* of the operating system; "" */
    void *ctx;
};

/* host.c: what clients do with it. Statuses are those of PTHI; -100: the ME cannot be reached. */
int host_unprovision(const struct activation_host *host);        /* mode 1 (ACT-CLI-007) */
int host_stop_configuration(const struct activation_host *host); /* 3: there was none */
/* hash_hex: SHA-256 or SHA-384 of the provisioning leaf. Status 0 gives the hash of the device's TLS
 * certificate in out (hex, up to 96 digits). -101: a hash of another length. */
int host_start_tls(const struct activation_host *host, const char *hash_hex, char out[static 129]);
/* Versions, modes, suffixes, hashes, the local account: everything a server asks for. Texts live in
 * arena. AMT_ESYS with diag when the ME cannot be reached. */
enum amt_err host_read_report(const struct activation_host *host, struct arena *arena,
                              struct activation_report *report, struct amt_diag *diag) AMT_MUST_USE;

#endif
