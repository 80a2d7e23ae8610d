/* The verb `call`: the steps of another file, with parameters and a result (harness.md 6.9). */
#ifndef AMTLAB_SCENARIOS_ENGINE_CALL_H
#define AMTLAB_SCENARIOS_ENGINE_CALL_H

#include "scenarios/engine/check.h"
#include "scenarios/engine/strand.h"

/* What is outside of a call while its steps run. Nothing but parameters and result crosses over. */
struct call {
    struct value *outer_variables;
    const char *outer_path;
    const struct yaml_node *as;     /* where the result goes; NULL */
    const struct yaml_node *result; /* NULL: the file gives nothing back */
};

/* Keys of a called file. */
extern const struct key_def k_called_keys[];

/* Loads the file that the step names (it joins the scenario's files) and checks its steps and the
 * parameters given. */
void check_call(struct check *check, const struct yaml_node *node, const char *actor,
                uint32_t depth);

/* Enters: returns the steps to do and fills call; NULL when a failure has been noted. */
const struct yaml_node *call_enter(struct strand *strand, struct call *call);
/* Leaves: false when the result could not be evaluated, which has been noted. */
bool call_leave(struct strand *strand, const struct call *call);

#endif
