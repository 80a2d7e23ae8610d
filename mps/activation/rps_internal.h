/* Shared by the files of the RPS conversation. */
#ifndef AMTLAB_MPS_ACTIVATION_RPS_INTERNAL_H
#define AMTLAB_MPS_ACTIVATION_RPS_INTERNAL_H

#include "mps/activation/rps.h"
#include "protocol/activation/rps.h"
#include "runtime/websocket.h"

struct rps_stream;
struct wsman_client;

enum rps_phase { RPS_PHASE_FIRST, RPS_PHASE_RELAY, RPS_PHASE_ENDED };

struct rps_client {
    struct rps_server *server;
    struct rps_client *next;
    struct websocket *ws;
    enum rps_phase phase;
    enum activation_failure failure; /* why a check of 7.4 has refused it */
    const char *reason;              /* finer than that; NULL. Static */
    struct timer limit;              /* first message; after the end: the client's time to leave */
    struct loop_task reap;
    struct arena arena; /* texts of the first message */
    struct rps_device device;
    struct activation_policy policy;
    const char *group;
    struct activation_job *job;
    struct wsman_client *wsman;    /* deactivation; a new password after an upgrade */
    struct secret wanted_password; /* of the profile, while the device has another */
    uint32_t control_mode;         /* after the job */
    struct arena call_arena;
    struct rps_stream *streams; /* of the device's ports; the newest first */
    struct rps_stream *asking;  /* waits for a `response` */
    bool owes_reset;            /* an earlier TLS stream is closed here, perhaps not yet there */
    bool uses_tls;              /* the device's local port is TLS */
    bool has_given_tls;         /* with a certificate of ours */
    struct tls_context *tls;    /* for what is asked without a job; made when needed */
    char id[UUID_TEXT_BYTES];   /* for the texts of 7.4 */
    char peer[STREAM_NAME_BYTES];
    bool is_dying;
    bool is_maintained;    /* its command is `maintenance` */
    const char *host_name; /* that its device shall have */
};

/* One for each connection that is not yet a websocket. */
struct rps_connection {
    struct rps_server *server;
    struct rps_connection *next;
    struct http_server_connection *http;
    struct stream *tls; /* until its handshake is done */
};

struct rps_server {
    struct rps_server_settings settings;
    struct listener *listener;
    struct tls_context *tls;
    struct rps_connection *connections;
    struct rps_client *first;
    uint32_t count;
};

/* rps.c */
void rps_client_send(struct rps_client *c, enum rps_method method, const void *payload,
                     uint32_t len, const char *message);
/* The last message; the client then has some seconds to leave. */
void rps_client_finish(struct rps_client *c, bool is_good, const char *message);
/* With a JSON text (ACT-SRV-046). */
void rps_client_finish_status(struct rps_client *c, bool is_good, const char *status);
/* Now, at the end of the turn. */
void rps_client_die(struct rps_client *c);

/* rps_listen.c: connections that are no websocket yet */
void rps_connections_end(struct rps_server *server);

/* rps_checks.c: 7.4. False: why has the exact text. */
bool rps_check_activation(struct rps_client *c, const struct rps_command *command,
                          struct text *why);
bool rps_check_deactivation(struct rps_client *c, const struct rps_command *command,
                            struct text *why);
bool rps_check_maintenance(struct rps_client *c, const struct rps_command *command,
                           struct text *why);

/* rps_maintenance.c: the task of a command; the arena of the first message outlives it. */
void rps_maintain(struct rps_client *c, const struct rps_command *command);

/* rps_password.c: after an upgrade the administrator gets the password of the profile (4.5). Goes on with
 * rps_password_done; why NULL: done. */
void rps_password_set(struct rps_client *c);
void rps_password_done(struct rps_client *c, const char *why);
/* For wsman_client_settings.connect: port 16992, or 16993 where that is TLS. */
struct stream *rps_open_device(void *ctx);
/* What is done without a job: as the administrator. NULL without memory. */
struct wsman_client *rps_client_as_admin(struct rps_client *c, const struct secret *password);

/* rps_stream.c: a port of the device as a stream; for activation_channel.open_port */
struct stream *rps_stream_open(void *ctx, uint32_t port);
void rps_streams_response(struct rps_client *c, const uint8_t *in, uint32_t len);
void rps_streams_tls_data(struct rps_client *c, const uint8_t *in, uint32_t len);
void rps_streams_reset(struct rps_client *c, const char *why);
/* The client is gone: streams that others still hold come to their end. */
void rps_streams_end(struct rps_client *c);

#endif
