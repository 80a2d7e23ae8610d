/*
 * The RPS websocket protocol, the client's side (activation.md 7): says who the device is and relays
 * the server's requests to its local ports. For our server and for an unmodified RPS.
 */
#ifndef AMTLAB_CLIENT_ACTIVATION_RPS_H
#define AMTLAB_CLIENT_ACTIVATION_RPS_H

#include "client/activation/host.h"
#include "protocol/activation/rps.h"
#include "runtime/loop.h"
#include "runtime/websocket.h"

enum rps_host_result {
    RPS_HOST_SUCCESS,
    RPS_HOST_ERROR,  /* the server says so */
    RPS_HOST_DEVICE, /* the device's local port cannot be used: F38, F39 */
    RPS_HOST_CLOSED  /* the server left before it said success or error (ACT-CLI-018) */
};
struct rps_host_end {
    enum rps_host_result result;
    const char *text; /* Status of the server, or why */
};

struct rps_host_settings {
    struct loop *loop;
    struct activation_host host; /* copied; open_port is used */
    /* As host_read_report gave it, with a local account; read during the call. An administrator's
     * password takes the place of the account's when the device is activated (7.3). */
    const struct activation_report *report;
    struct rps_ip ip;              /* of the operating system; for `maintenance` */
    bool is_tls_tunnel;            /* admin control mode by way of TLS (4.5) */
    const char *command;           /* "activate --profile NAME"; sent as it is */
    const struct secret *password; /* of admin; NULL */
    const char *version;           /* appVersion; borrowed */
    const char *tenant;            /* "" or NULL */
    uint64_t answer_limit_us;      /* of the device; 0 = 10 s: RPS waits for 12 */
    const char *protocol_version;  /* NULL: ours; of the first message, read during the call */
    void (*on_note)(void *ctx, const char *text); /* progress and warnings; may be NULL */
    void (*on_end)(void *ctx, const struct rps_host_end *end); /* once, behind everything */
    void *ctx;
};

struct rps_host_client;
/* Takes the stream, which may still be connecting. NULL with diag: the UUID is none (ACT-CLI-022), no
 * memory; the stream is closed then. */
struct rps_host_client *rps_host_client_new(const struct rps_host_settings *settings,
                                            struct stream *s,
                                            const struct websocket_request *request,
                                            struct amt_diag *diag);
/* NULL is allowed; no callbacks. */
void rps_host_client_free(struct rps_host_client *client);

#endif
