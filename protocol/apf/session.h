/* What the two ends of an APF session have in common: how a session ends, and what it says then. */
#ifndef AMTLAB_PROTOCOL_APF_SESSION_H
#define AMTLAB_PROTOCOL_APF_SESSION_H

#include "protocol/apf/input.h"
#include "protocol/apf/mps_session.h"

#define APF_END_TEXT_BYTES 160u

/* Both sessions begin with this. */
struct apf_session {
    struct apf_mux *mux;
    const struct apf_mux_handler *handler;
    void *ctx;
    void (*on_end)(void *ctx, const struct apf_end *end);
    uint64_t now_us; /* of the latest call that told the time */
    struct apf_input input;
    bool has_ended;
};

/* Borrows config, handler and ctx until apf_session_fini. on_end stays for the caller to set. False
 * without memory. input_max_bytes: a message may not need more. */
bool apf_session_init(struct apf_session *session, const struct apf_mux_config *config,
                      const struct apf_mux_handler *handler, void *ctx, uint32_t input_max_bytes,
                      uint64_t now_us);
void apf_session_send(struct apf_session *session, const struct apf_message *message,
                      const uint8_t *source);
/*
 * Ends the session: DISCONNECT end->code if sends_disconnect, then the channels, then on_end. Only the
 * first call has an effect, from wherever it comes.
 */
void apf_session_finish(struct apf_session *session, const struct apf_end *end,
                        bool sends_disconnect);
/* The same for the endings that both sides know. */
void apf_session_violated(struct apf_session *session, const char *text, const char *requirement);
void apf_session_peer_disconnected(struct apf_session *session, uint32_t reason);
void apf_session_out_of_memory(struct apf_session *session);
void apf_session_decode_error(struct apf_session *session, enum apf_verdict verdict, uint8_t type,
                              uint32_t offset);
/* Passes a channel message on and judges the result. */
void apf_session_channel_message(struct apf_session *session, const struct apf_message *message,
                                 const uint8_t *in, bool is_forwarded);
/* Answers KEEPALIVE_REQUEST (APF-MPS-040, APF-DEV-019). */
void apf_session_reply_keepalive(struct apf_session *session, const struct apf_message *message);
void apf_session_fini(struct apf_session *session);

#endif
