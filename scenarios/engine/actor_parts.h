/* What actors of one kind offer to verbs of another. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTOR_PARTS_H
#define AMTLAB_SCENARIOS_ENGINE_ACTOR_PARTS_H

#include "mps/mps.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/device_host.h"
#include "simulator/device.h"

/* NULL when the actor is not a built-in server. */
struct mps *actor_mps_server(struct actor *actor);
/* Its configured name; NULL. */
const char *actor_mps_name(const struct actor *actor);
/* Cuts all sockets; actor_mps_server gives NULL then. */
void actor_mps_stop(struct actor *actor);
/* Starts it again at its address. certificates: see data_folder_damage; with diag as mps_start. */
enum amt_err actor_mps_start(struct actor *actor, const char *certificates, struct amt_diag *diag);
/* NULL when the actor is not a built-in device. */
struct device *actor_device(struct actor *actor);
/* For devices: the PC of a built-in one, NULL without firmware; what activates it. */
struct device_host *actor_device_host(struct actor *actor);
struct activation_client;
struct activation_steps;
struct activation_client **actor_device_clients(struct actor *actor);
struct activation_steps **actor_device_steps(struct actor *actor);
/* The server that a console works through. */
struct actor *actor_console_via(struct actor *actor);
/* The device that a console reaches directly; NULL. */
struct actor *actor_console_to(struct actor *actor);

#endif
