/*
 * A device that is not ours (`--target device=...`): reached at its address, or awaited until it calls
 * home to the server of the scenario. Its inside cannot be seen; what passes the wire is judged.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_TARGET_DEVICE_H
#define AMTLAB_SCENARIOS_ENGINE_TARGET_DEVICE_H

#include "scenarios/engine/actor.h"

#define TARGET_DEVICE_WAIT_US \
    (20u * 60u * (uint64_t)US_PER_SECOND) /* default: firmware pauses 15 min */

/* The target whose role is device; NULL. */
const struct engine_target *target_device(const struct case_run *run);
/* Does the target call us? Then mps and wire actors listen where the target says. */
bool target_device_calls(const struct case_run *run);
bool target_device_speaks_tls(const struct case_run *run);
/* Why the scenario of this actor cannot be run with the target: it sets up what a target does not take,
 * has several devices, or waits for a call. NULL: it can. */
const char *target_device_unfit(const struct actor *actor);
/* The certificate that was given for the server the device calls; NULL: none was. Owned by the caller. */
enum amt_err target_device_identity(const struct case_run *run, struct pki_identity **identity,
                                    struct amt_diag *diag);
/* Before the first step: waits until the device has called one of the actors. AMT_ETIMEOUT with diag. */
enum amt_err target_device_await(struct case_run *run, struct amt_diag *diag);
/* Attributes that are known of it: its uuid, once it is online at an mps actor, and as os_password what
 * the variable os_pass says. */
struct value *target_device_show(struct actor *actor);

#endif
