/* Actor kind `activation`, for the verbs of devices that are activated by it. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTOR_ACTIVATION_H
#define AMTLAB_SCENARIOS_ENGINE_ACTOR_ACTIVATION_H

#include "scenarios/engine/activation_pki.h"
#include "scenarios/engine/actor.h"

/* The groups (of MeshCentral's protocol) and profiles (of RPS) that an activation actor has, one for each
 * policy; NULL behind the last. */
extern const char *const k_activation_groups[];
/* The id of a group for --id, whether or not it exists: 64 characters, in pool. */
const char *activation_actor_group_id(struct arena *pool, const char *group);
/* The mode of its `policy`, for devices that say none. */
const char *activation_actor_mode(const struct actor *actor);
bool activation_actor_speaks_tls(const struct actor *actor);
/* Where devices say hello; false: it has no `provisioning`. */
bool activation_actor_hello_address(const struct actor *actor, struct address *address);
/* The `pki` of an actor or of a step. NULL with diag. */
const struct activation_pki *activation_actor_pki(struct case_run *run, const struct value *path,
                                                  struct amt_diag *diag);

#endif
