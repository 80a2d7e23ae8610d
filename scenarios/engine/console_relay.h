/* An operator's channel through a target (`console` of a target file, harness.md 12.3). */
#ifndef AMTLAB_SCENARIOS_ENGINE_CONSOLE_RELAY_H
#define AMTLAB_SCENARIOS_ENGINE_CONSOLE_RELAY_H

#include "base/uuid.h"
#include "runtime/stream.h"
#include "scenarios/engine/actor.h"

/* Has the target a console driver? */
bool console_relay_is_there(const struct actor *mps);
/*
 * A port of a device as a stream, by the target's own WebSocket relay: binary messages are the channel's
 * bytes, the channel is open when the server agrees to the upgrade. Never NULL; a URL that is wrong was
 * refused when the file was read.
 */
struct stream *console_relay_open(struct actor *mps, const struct uuid *device, uint32_t port,
                                  const struct stream_handler *handler, void *ctx);

#endif
