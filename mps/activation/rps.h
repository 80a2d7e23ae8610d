/*
 * The RPS websocket protocol, the server's side (activation.md 7): an unmodified rpc-go is activated
 * by an activation job whose requests travel in `wsman` and `tls_data` messages.
 */
#ifndef AMTLAB_MPS_ACTIVATION_RPS_H
#define AMTLAB_MPS_ACTIVATION_RPS_H

#include "mps/activation/job.h"
#include "protocol/activation/rps.h"
#include "runtime/http.h"
#include "runtime/net.h"

struct rps_server;
struct rps_server_settings {
    /* policy and group are filled for each client; the others hold for all. */
    struct activation_settings activation;
    /* The profile that a client names: its policy, and a group that is borrowed while it runs. False:
     * there is none. */
    bool (*find_profile)(void *ctx, const char *name, struct activation_policy *policy,
                         const char **group);
    /* The administrator's password that is known of a device; false: none is. May be NULL: then what
     * the client says is not compared. */
    bool (*find_password)(void *ctx, const struct uuid *uuid, struct secret *password);
    /* A job has ended; may be NULL. */
    void (*on_result)(void *ctx, const struct uuid *uuid, const struct activation_result *result);
    /* syncdeviceinfo; may be NULL. */
    void (*on_device_info)(void *ctx, const struct rps_device *device);
    void *ctx;
    const char *version;             /* appVersion; NULL = "amtlab". Borrowed */
    uint32_t max_clients;            /* 0 = 1000; more are answered with 503 */
    uint64_t first_message_limit_us; /* 0 = 30 s */
    uint64_t answer_limit_us;        /* of a wsman message; 0 = 12 s (7.6) */
};

/* NULL without memory. settings is copied. */
struct rps_server *rps_server_new(const struct rps_server_settings *settings);
/* Ends all conversations and stops listening. NULL is allowed. */
void rps_server_free(struct rps_server *server);
/* Answers an HTTP request with a websocket, whatever its path (ACT-SRV-044); from inside the
 * http_request_fn of any server. */
void rps_server_request(struct rps_server *server, struct http_server_connection *connection,
                        const struct http_request *request);
/* Serves one connection, which it takes: HTTP and the upgrade. */
void rps_server_serve(struct rps_server *server, struct stream *s);
/* Listens on an address, once: ws, or wss with a TLS context (borrowed). AMT_ESYS, AMT_ENOMEM. */
struct tls_context;
enum amt_err rps_server_listen(struct rps_server *server, const struct address *address,
                               struct tls_context *tls, struct amt_diag *diag) AMT_MUST_USE;
/* Where it listens, with the port that was picked. */
void rps_server_address(const struct rps_server *server, struct address *address);
uint32_t rps_server_count(const struct rps_server *server);

#endif
