/* One side of a recording, played. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTOR_REPLAY_H
#define AMTLAB_SCENARIOS_ENGINE_ACTOR_REPLAY_H

#include "scenarios/engine/actor.h"
#include "scenarios/replay/player.h"

struct replay {
    struct actor *actor;
    struct recording *recording;
    struct player *player;
    struct tls_context *tls;
    const char *peer; /* as results name it */
};

/* The player of an actor of this kind. */
struct player *actor_replay_player(struct actor *actor);

#endif
