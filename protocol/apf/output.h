/* Sending of one APF message through a session's handler: encode, hand over, forget. */
#ifndef AMTLAB_PROTOCOL_APF_OUTPUT_H
#define AMTLAB_PROTOCOL_APF_OUTPUT_H

#include "protocol/apf/mux.h"

/*
 * Encodes message (views are offsets into source, NULL when it has none) and passes it whole to
 * handler->send. Messages other than CHANNEL_DATA only: those always fit the buffer on the stack, so
 * that nothing is allocated. What the codec cannot encode (a text above its limit) is not sent; the
 * callers' inputs are bounded, and their tests look at the bytes.
 */
void apf_send(const struct apf_mux_handler *handler, void *ctx, const struct apf_message *message,
              const uint8_t *source);

/* DISCONNECT with the reason given (apf.md 3.2). */
void apf_send_disconnect(const struct apf_mux_handler *handler, void *ctx, uint32_t reason);

#endif
