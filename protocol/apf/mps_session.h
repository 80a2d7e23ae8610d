/*
 * The MPS end of one APF session: the state machine of apf.md 4.3 over bytes, sans-I/O.
 *
 * The owner feeds received bytes and the time; the session answers through callbacks. It never
 * blocks, reads no clock, and holds no buffer while nothing is half received.
 */
#ifndef AMTLAB_PROTOCOL_APF_MPS_SESSION_H
#define AMTLAB_PROTOCOL_APF_MPS_SESSION_H

#include "base/uuid.h"
#include "protocol/apf/mux.h"

#define APF_FORWARDS_MAX       32u
#define APF_ADDRESS_KEEP_BYTES 64u

enum apf_mps_state {
    APF_MPS_HELLO,  /* waiting for version and auth service, in either order */
    APF_MPS_CRED,   /* both seen, waiting for USERAUTH_REQUEST */
    APF_MPS_VERIFY, /* the owner is checking; later bytes are held */
    APF_MPS_AUTHED, /* success sent */
    APF_MPS_FWD,    /* pfwd accepted */
    APF_MPS_ENDED,
    APF_MPS_STATE_COUNT_
};

/* When KEEPALIVE_OPTIONS_REQUEST is sent, once per session (APF-MPS-039). */
enum apf_keepalive_rule {
    APF_KEEPALIVE_AFTER_QUIET,       /* when no forward arrived for quiet_us (2 s) */
    APF_KEEPALIVE_ON_PORT_5900,      /* MeshCentral, Open AMT MPS */
    APF_KEEPALIVE_ON_FOURTH_REQUEST, /* Console */
    APF_KEEPALIVE_NEVER
};

struct apf_mps_config {
    struct apf_mux_config mux;
    bool lenient;               /* tolerances of apf.md 4.3; strict otherwise */
    bool json_control;          /* message 250 is enabled */
    bool json_before_login;     /* ... also from who has not logged in yet (activation.md 6.2) */
    bool echo_protocol_version; /* APF-MPS-066 */
    bool failure_15_bytes;      /* APF-MPS-025 */
    uint32_t auth_failures_max; /* failures per session before it ends: 1 (APF-MPS-029) */
    uint64_t pre_auth_limit_us; /* from start to USERAUTH_SUCCESS: 30 s (APF-MPS-008) */
    uint64_t idle_limit_us;     /* 90 s (APF-MPS-042); 0 = none */
    enum apf_keepalive_rule keepalive_rule;
    uint64_t quiet_us;             /* for APF_KEEPALIVE_AFTER_QUIET: 2 s */
    uint32_t keepalive_interval_s; /* 30 */
    uint32_t keepalive_timeout_s;  /* 0 */
};

struct apf_forward {
    uint32_t port;
    char address[APF_ADDRESS_KEEP_BYTES]; /* as announced, cut, 0-terminated */
};

enum apf_session_end {
    APF_END_PEER_DISCONNECT, /* DISCONNECT received; code = its reason */
    APF_END_PROTOCOL_ERROR,  /* we sent DISCONNECT; code = reason, text says why */
    APF_END_AUTH_FAILED,
    APF_END_IDLE,     /* idle limit */
    APF_END_TIMEOUT,  /* pre-authentication limit, handshake without progress, keepalive */
    APF_END_LOCAL,    /* apf_*_session_disconnect; code = reason sent */
    APF_END_TRANSPORT /* the stream below ended (told by the owner) */
};
/* "peer_disconnect", "protocol_error", "auth_failed", "idle_timeout", "timeout", "local", "transport" */
const char *apf_session_end_name(enum apf_session_end end);

/* Why a session ended. Strings are valid during the callback. */
struct apf_end {
    enum apf_session_end kind;
    uint32_t code;           /* DISCONNECT reason sent or received, 0 for none */
    const char *text;        /* e.g. "GLOBAL_REQUEST is not allowed in state HELLO" */
    const char *requirement; /* e.g. "APF-MPS-019", or NULL */
};

/* What the device claims; the bytes live during the callback only. */
struct apf_login {
    struct uuid uuid;
    const uint8_t *user, *password; /* password NULL for method none */
    uint32_t user_len, password_len;
    bool has_password;
    uint32_t trigger, major, minor;
};

struct apf_mps_session;

struct apf_mps_handler {
    /* Also on_open_request (never called here), on_opened, on_data, on_drain, on_channel_end, send. */
    struct apf_mux_handler mux;
    /* Check the login and call apf_mps_session_verified, now or later. */
    void (*on_login)(void *ctx, const struct apf_login *login);
    /* pfwd was accepted; in lenient mode also for a device that never asks (300 ms of silence). */
    void (*on_ready)(void *ctx);
    /* A port was added to or removed from the forward list. NULL here and below: not told. */
    void (*on_forward)(void *ctx, const struct apf_forward *forward, bool listed);
    void (*on_keepalive)(void *ctx);
    void (*on_keepalive_options)(void *ctx, uint32_t interval_s, uint32_t timeout_s);
    /* udp-send-to: true when delivered (APF-MPS-038). NULL: dropped. */
    bool (*on_udp)(void *ctx, const struct apf_message *message, const uint8_t *in);
    /* NULL: ignored. */
    void (*on_json)(void *ctx, const uint8_t *json, uint32_t len);
    /* Last callback: what was sent must still be flushed, then the transport is to be closed. */
    void (*on_end)(void *ctx, const struct apf_end *end);
};

/* Borrows config and handler until free. NULL without memory. */
struct apf_mps_session *apf_mps_session_new(const struct apf_mps_config *config,
                                            const struct apf_mps_handler *handler, void *ctx,
                                            uint64_t now_us);
/* No callbacks. */
void apf_mps_session_free(struct apf_mps_session *session);

/* Received bytes, any cutting. Held inside while VERIFY runs: at most 16 KiB before
 * authentication (APF-MPS-009), one message after. After the end it ignores input. */
void apf_mps_session_input(struct apf_mps_session *session, const uint8_t *in, uint32_t len,
                           uint64_t now_us);
/* The result of on_login. On true sends USERAUTH_SUCCESS and goes on with held bytes. */
void apf_mps_session_verified(struct apf_mps_session *session, bool good, uint64_t now_us);
/* Sends DISCONNECT reason and ends (APF_END_LOCAL). */
void apf_mps_session_disconnect(struct apf_mps_session *session, uint32_t reason, uint64_t now_us);
/* The stream below ended. Calls on_end if that has not happened. */
void apf_mps_session_transport_ended(struct apf_mps_session *session, uint64_t now_us);
uint64_t apf_mps_session_next_deadline_us(const struct apf_mps_session *session);
void apf_mps_session_tick(struct apf_mps_session *session, uint64_t now_us);

/* AMT_ESTATE before FWD; AMT_EUNKNOWN when the port is not forwarded (strict, APF-MPS-044). */
enum amt_err apf_mps_session_open(struct apf_mps_session *session, uint32_t port, uint64_t now_us,
                                  struct apf_channel **channel) AMT_MUST_USE;

enum apf_mps_state apf_mps_session_state(const struct apf_mps_session *session);
const struct uuid *apf_mps_session_uuid(const struct apf_mps_session *session);
const struct apf_forward *apf_mps_session_forwards(const struct apf_mps_session *session,
                                                   uint32_t *count);
/* The idle limit in force, raised by the negotiated or observed keepalive interval (FF-040). */
uint64_t apf_mps_session_idle_limit_us(const struct apf_mps_session *session);
uint64_t apf_mps_session_last_input_us(const struct apf_mps_session *session);
struct apf_mux *apf_mps_session_mux(struct apf_mps_session *session);

#endif
