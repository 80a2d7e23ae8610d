#include "protocol/apf/output.h"

#include "base/memory.h"

void apf_send(const struct apf_mux_handler *handler, void *ctx, const struct apf_message *message,
              const uint8_t *source)
{
    uint8_t out[APF_PRE_AUTH_MAX_BYTES];
    uint32_t len = apf_encode(message, source, false, out, sizeof out);
    if (len > 0 && len <= sizeof out) {
        handler->send(ctx, out, len);
    }
    if (message->has_password && len <= sizeof out) {
        amt_wipe(out, len); /* APF-MPS-068: no copy of a password stays on the stack */
    }
}

void apf_send_disconnect(const struct apf_mux_handler *handler, void *ctx, uint32_t reason)
{
    const struct apf_message message = { .type = APF_DISCONNECT, .reason = reason };
    apf_send(handler, ctx, &message, NULL);
}
