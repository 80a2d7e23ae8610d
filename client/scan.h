/*
 * Looks for AMT devices on a network by presence pings (RMCP, UDP port 623; wsman.md 1.10). Sends one ping
 * to each address, paced, and waits for pongs.
 */
#ifndef AMTLAB_CLIENT_SCAN_H
#define AMTLAB_CLIENT_SCAN_H

#include "base/diag.h"
#include "protocol/rmcp/codec.h"
#include "runtime/udp.h"

#define CLIENT_SCAN_MAX 65536u /* addresses */

struct client_scan_range {
    uint32_t first, last; /* IPv4, both in */
};
/* "192.0.2.0/24" (without network and broadcast address below /31), "192.0.2.1-192.0.2.9", "192.0.2.7".
 * AMT_EMALFORMED, AMT_ELIMIT (more than CLIENT_SCAN_MAX) with diag. */
enum amt_err client_scan_range(const char *text, struct client_scan_range *range,
                               struct amt_diag *diag) AMT_MUST_USE;

struct client_scan_settings {
    struct loop *loop;
    struct client_scan_range range;
    uint16_t port;    /* 623 where devices are real */
    uint64_t wait_us; /* for pongs, behind the last ping */
    /* Each address once, when its pong comes. */
    void (*on_found)(void *ctx, const char *host, const struct rmcp_presence *presence);
    void (*on_done)(void *ctx);
    void *ctx;
};
struct client_scan;
/* NULL with diag: no socket, no memory. */
struct client_scan *client_scan_start(const struct client_scan_settings *settings,
                                      struct amt_diag *diag);
/* Pings the system would not send (no route, say). */
uint32_t client_scan_unsent(const struct client_scan *scan);
void client_scan_free(struct client_scan *scan); /* NULL is allowed */

#endif
