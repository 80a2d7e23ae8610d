/*
 * The device end of one APF session: the state machine of apf.md 4.2 over bytes, sans-I/O.
 */
#ifndef AMTLAB_PROTOCOL_APF_DEVICE_SESSION_H
#define AMTLAB_PROTOCOL_APF_DEVICE_SESSION_H

#include "protocol/apf/mps_session.h"

enum apf_device_state {
    APF_DEVICE_HELLO,   /* PROTOCOLVERSION and SERVICE_REQUEST(auth) sent */
    APF_DEVICE_AUTH,    /* USERAUTH_REQUEST sent */
    APF_DEVICE_PFWD,    /* SERVICE_REQUEST(pfwd) sent */
    APF_DEVICE_FORWARD, /* forwards outstanding */
    APF_DEVICE_UP,      /* all forwards answered */
    APF_DEVICE_ENDED,
    APF_DEVICE_STATE_COUNT_
};

struct apf_device_config {
    struct apf_mux_config mux;
    bool lenient;                   /* P cells that some server needs are tolerated */
    bool service_request_first;     /* APF-DEV-005 */
    bool pipelined_forwards;        /* APF-DEV-013 */
    bool mutual_tls;                /* method `none` (APF-DEV-008) */
    bool answers_keepalive_options; /* APF-DEV-016; false: ignores the request */
    bool accepts_keepalive_options; /* takes the requested interval; false: replies own values */
    struct uuid uuid;
    uint32_t trigger;
    const uint8_t *user, *password; /* borrowed until free */
    uint32_t user_len, password_len;
    const struct apf_forward *forwards;
    uint32_t forward_count;
    uint8_t want_reply;                /* 1 */
    uint64_t progress_limit_us;        /* per handshake state: 30 s (APF-DEV-043) */
    uint64_t keepalive_interval_us;    /* 30 s; 0 = never */
    uint64_t keepalive_reply_limit_us; /* 30 s; 0 = do not care (APF-DEV-018) */
    bool json_control;                 /* message 250 is enabled */
    uint64_t lifetime_us;              /* 0 = unlimited; DISCONNECT 11 afterwards (APF-DEV-044) */
};

struct apf_device_session;

/* mux and on_end must be there; what else is NULL is not told. */
struct apf_device_handler {
    struct apf_mux_handler mux; /* on_open_request is called for forwarded ports */
    void (*on_authenticated)(void *ctx);
    /* One forward was answered; granted false for REQUEST_FAILURE (APF-DEV-014). With want_reply 0 it
     * counts as granted when it is sent. */
    void (*on_forward)(void *ctx, uint32_t port, bool granted);
    void (*on_up)(void *ctx);
    void (*on_keepalive_reply)(void *ctx, bool cookie_matches);
    void (*on_keepalive_options)(void *ctx, uint32_t interval_s, uint32_t timeout_s);
    void (*on_json)(void *ctx, const uint8_t *json, uint32_t len);
    void (*on_end)(void *ctx, const struct apf_end *end);
};

/* Sends the first two messages before it returns. Borrows config and handler until free. NULL
 * without memory, or when user or password are above APF_NAME_MAX_BYTES. */
struct apf_device_session *apf_device_session_new(const struct apf_device_config *config,
                                                  const struct apf_device_handler *handler,
                                                  void *ctx, uint64_t now_us);
void apf_device_session_free(struct apf_device_session *session);
void apf_device_session_input(struct apf_device_session *session, const uint8_t *in, uint32_t len,
                              uint64_t now_us);
void apf_device_session_disconnect(struct apf_device_session *session, uint32_t reason,
                                   uint64_t now_us);
void apf_device_session_transport_ended(struct apf_device_session *session, uint64_t now_us);
uint64_t apf_device_session_next_deadline_us(const struct apf_device_session *session);
void apf_device_session_tick(struct apf_device_session *session, uint64_t now_us);

/* Sends one KEEPALIVE_REQUEST now. */
void apf_device_session_keepalive(struct apf_device_session *session, uint64_t now_us);
/* Announces or cancels a port after the session is up (AMT_ESTATE before). */
enum amt_err apf_device_session_forward(struct apf_device_session *session, uint32_t port,
                                        bool listed, uint64_t now_us) AMT_MUST_USE;

/* Lets the session live lifetime_us more from now on, 0 = without end; never shorter than it would
 * have lived (apf.md 13.3: another trigger, a longer lifetime). */
void apf_device_session_extend(struct apf_device_session *session, uint64_t lifetime_us,
                               uint64_t now_us);

enum apf_device_state apf_device_session_state(const struct apf_device_session *session);
uint64_t apf_device_session_keepalive_interval_us(const struct apf_device_session *session);
struct apf_mux *apf_device_session_mux(struct apf_device_session *session);

#endif
