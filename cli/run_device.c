#include "cli/run_device.h"

#include <string.h>

#define PORT_HTTP 16992u
#define PORT_TLS  16993u
#define PORT_CIRA 4433u

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

enum amt_err run_device_target(const char *text, struct engine_target *target,
                               struct amt_diag *diag)
{
    const char *listen = after(text, "listen:"), *tls = after(text, "tls:");
    uint64_t port = 0;
    enum amt_err err = AMT_OK;
    if (listen != NULL && text_parse_u64(listen, 65535, &port) == AMT_OK) {
        target->calls_us = true;
        target->address.host[0] = '\0'; /* all addresses */
        target->address.port = (uint16_t)port;
        return AMT_OK;
    }
    if (listen != NULL) {
        target->calls_us = true;
        err = address_parse(listen, PORT_CIRA, &target->address, diag);
    } else {
        err = address_parse(tls != NULL ? tls : text, tls != NULL ? PORT_TLS : PORT_HTTP,
                            &target->address, diag);
        target->speaks_tls = tls != NULL || target->address.port == PORT_TLS;
    }
    if (err != AMT_OK) {
        amt_diag_hint(diag, "a device is device=HOST[:16992], device=HOST:16993, "
                            "device=tls:HOST:PORT, or device=listen:PORT when it calls home");
    }
    return err;
}
