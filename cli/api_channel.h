/* A device's channel as a stream, opened through the operator API of an MPS. */
#ifndef AMTLAB_CLI_API_CHANNEL_H
#define AMTLAB_CLI_API_CHANNEL_H

#include "base/secret.h"
#include "runtime/net.h"

struct api_channel_target {
    struct address api;
    const char *uuid;
    uint32_t port;
    const struct secret *token;
};

/*
 * Connects, sends the upgrade request and waits for 101. on_result gets the stream and the bytes that
 * came with the answer (read them first), or NULL and the reason in words. Called once.
 */
typedef void api_channel_fn(void *ctx, struct stream *s, const uint8_t *early, uint32_t early_len,
                            const char *error);
void api_channel_open(struct loop *loop, const struct api_channel_target *target,
                      api_channel_fn *on_result, void *ctx);

#endif
