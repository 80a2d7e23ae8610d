/* Channels that a console actor has opened. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTOR_CONSOLE_H
#define AMTLAB_SCENARIOS_ENGINE_ACTOR_CONSOLE_H

#include "base/uuid.h"
#include "runtime/stream.h"
#include "scenarios/engine/actor.h"

struct console_channel {
    struct actor *actor;
    const char *name; /* `as` of the step that opened it */
    struct stream *stream;
    struct text received;
    bool is_open, has_ended;
    struct stream_end end;
    struct console_channel *next; /* older */
};
struct console {
    struct console_channel *channels; /* newest first */
};

struct console_channel *console_open(struct actor *actor, const char *name,
                                     const struct uuid *device, uint32_t port);
/* The newest open channel of that name, or the newest still opening; NULL. */
struct console_channel *console_find(struct actor *actor, const char *name);

#endif
