/*
 * Abstract outcomes (harness.md 12.3): a scenario expects `outcome: auth.refused`, the table here says
 * what that is on the wire by the specification, and a target file may say how a product shows it.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_OUTCOME_H
#define AMTLAB_SCENARIOS_ENGINE_OUTCOME_H

#include "scenarios/engine/grammar.h"

struct case_run;

#define OUTCOME_STAGES_MAX 3u
#define OUTCOME_FIELDS_MAX 2u

/* One message, or the end of the connection (message NULL). */
struct outcome_stage {
    const char *message;
    struct {
        const char *name, *text; /* text NULL: number */
        int64_t number;
    } fields[OUTCOME_FIELDS_MAX];
};
struct outcome {
    const char *name, *doc;
    uint32_t stage_count;
    struct outcome_stage stages[OUTCOME_STAGES_MAX];
};
/* Ends with a NULL name. */
extern const struct outcome k_outcomes[];
const struct outcome *outcome_find(const char *name);

/* What must come, one expectation after the other, as a LIST of maps in the case's pool: as the target
 * file says, else by the table. NULL with *why: no such outcome. */
struct value *outcome_stages(struct case_run *run, const char *name, const char **why);
/* Is it known? Reports at the node, with the nearest name. */
bool outcome_check_name(struct checker *checker, const struct yaml_node *node, const char *name,
                        bool at_key);
/* An entry of error_map: a known outcome, an expectation or a list of them. */
void outcome_check(struct checker *checker, const struct yaml_node *entry);

#endif
