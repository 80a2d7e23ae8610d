#include "protocol/apf/session.h"

#include <stdio.h>

#include "protocol/apf/output.h"

const char *apf_session_end_name(enum apf_session_end end)
{
    switch (end) {
    case APF_END_PEER_DISCONNECT:
        return "peer_disconnect";
    case APF_END_PROTOCOL_ERROR:
        return "protocol_error";
    case APF_END_AUTH_FAILED:
        return "auth_failed";
    case APF_END_IDLE:
        return "idle_timeout";
    case APF_END_TIMEOUT:
        return "timeout";
    case APF_END_LOCAL:
        return "local";
    case APF_END_TRANSPORT:
        return "transport";
    }
    return "unknown";
}

bool apf_session_init(struct apf_session *session, const struct apf_mux_config *config,
                      const struct apf_mux_handler *handler, void *ctx, uint32_t input_max_bytes,
                      uint64_t now_us)
{
    *session = (struct apf_session){ .mux = apf_mux_new(config, handler, ctx),
                                     .handler = handler,
                                     .ctx = ctx,
                                     .now_us = now_us,
                                     .input = { .max_bytes = input_max_bytes } };
    return session->mux != NULL;
}

void apf_session_send(struct apf_session *session, const struct apf_message *message,
                      const uint8_t *source)
{
    if (!session->has_ended) {
        apf_send(session->handler, session->ctx, message, source);
    }
}

void apf_session_finish(struct apf_session *session, const struct apf_end *end,
                        bool sends_disconnect)
{
    if (session->has_ended) {
        return;
    }
    session->has_ended = true; /* first: everything below may call back into the session */
    if (sends_disconnect) {
        apf_send_disconnect(session->handler, session->ctx, end->code);
    }
    apf_mux_end(session->mux);
    session->input.finished = true;
    if (!session->input.busy) {
        apf_input_fini(&session->input);
    }
    session->on_end(session->ctx, end);
}

void apf_session_violated(struct apf_session *session, const char *text, const char *requirement)
{
    const struct apf_end end = { APF_END_PROTOCOL_ERROR, APF_PROTOCOL_ERROR, text, requirement };
    apf_session_finish(session, &end, true);
}

void apf_session_peer_disconnected(struct apf_session *session, uint32_t reason)
{
    char text[APF_END_TEXT_BYTES];
    const char *name = apf_disconnect_name(reason);
    (void)snprintf(text, sizeof text, "the peer sent DISCONNECT %u (%s)", reason,
                   name == NULL ? "not an assigned reason" : name);
    const struct apf_end end = { APF_END_PEER_DISCONNECT, reason, text, NULL };
    apf_session_finish(session, &end, false);
}

void apf_session_out_of_memory(struct apf_session *session)
{
    const struct apf_end end = { APF_END_LOCAL, APF_BY_APPLICATION,
                                 "out of memory for bytes of a message that is not complete",
                                 NULL };
    apf_session_finish(session, &end, true);
}

void apf_session_decode_error(struct apf_session *session, enum apf_verdict verdict, uint8_t type,
                              uint32_t offset)
{
    char text[APF_END_TEXT_BYTES];
    const char *name = apf_type_name(type);
    if (name == NULL) {
        (void)snprintf(text, sizeof text, "message type %u is not assigned (%s)", type,
                       apf_verdict_name(verdict));
    } else {
        (void)snprintf(text, sizeof text, "%s: %s at byte %u", name, apf_verdict_name(verdict),
                       offset);
    }
    apf_session_violated(session, text, apf_verdict_requirement(verdict));
}

void apf_session_channel_message(struct apf_session *session, const struct apf_message *message,
                                 const uint8_t *in, bool is_forwarded)
{
    if (apf_mux_input(session->mux, message, in, session->now_us, is_forwarded) == AMT_OK) {
        return;
    }
    const char *requirement = NULL;
    const char *violation = apf_mux_violation(session->mux, &requirement);
    char text[APF_END_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%s (channel %u)", violation, message->recipient_channel);
    apf_session_violated(session, text, requirement);
}

void apf_session_reply_keepalive(struct apf_session *session, const struct apf_message *message)
{
    const struct apf_message reply = { .type = APF_KEEPALIVE_REPLY, .cookie = message->cookie };
    apf_session_send(session, &reply, NULL);
}

void apf_session_fini(struct apf_session *session)
{
    apf_input_fini(&session->input);
    apf_mux_free(session->mux);
    session->mux = NULL;
}
