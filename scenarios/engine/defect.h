/*
 * Deliberate defects of a scenario: settings under which it must fail. A check that cannot fail is a
 * defect itself; this is how one is found. `amtlab run --defects` plays the scenario once with each,
 * and passes when the scenario does not.
 *
 *   defects:
 *     - key: deaf                          # part of the case's id: ID#defect=deaf
 *       name: the server never gives up    # what is wrong with server or device
 *       actors: { mps: { idle_limit: 0 } } # put over what the scenario says of them
 *       vars: { closes: 2 }                # put in place of the scenario's variables
 *       faults: [{ at: mps.apf.out, do: { drop: true } }]
 *       case: { slots: 8 }                 # of the matrix; default: its first case
 *       fails: "not once more"             # in the name or the message of the step that has to fail
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_DEFECT_H
#define AMTLAB_SCENARIOS_ENGINE_DEFECT_H

#include "scenarios/engine/case_run.h"
#include "scenarios/engine/grammar.h"

extern const struct key_def k_defect_keys[];

/* The `actors`, `vars` ... of the defect that the case has; NULL. */
const struct yaml_node *defect_part(const struct yaml_node *defect, const char *key);
/* What the defect changes about an actor is put over its attributes. False with *why. */
bool defect_change_actor(struct case_run *run, const char *name, struct value *attributes,
                         const char **why);
/* After the verdict: a case that failed where it should has passed, one that passed has failed. */
void defect_judge(struct case_run *run);

#endif
