/* Control verbs: check, set, wait, log, barrier, fault.arm, fault.disarm. */
#include <string.h>

#include "scenarios/engine/fault.h"
#include "scenarios/engine/record.h"
#include "scenarios/engine/verb.h"

enum step_state verb_check(struct strand *strand)
{
    return check_values(strand, strand->step.arguments) ? STEP_DONE : STEP_FAILED;
}

enum step_state verb_set(struct strand *strand)
{
    struct case_run *run = strand->run;
    for (const struct value *at = strand->step.arguments->first; at != NULL; at = at->next) {
        value_put(&run->pool, run->variables, at->key, value_copy(&run->pool, at));
    }
    return STEP_DONE;
}

enum step_state verb_wait_start(struct strand *strand)
{
    uint64_t us = step_duration(strand, "for", 0);
    strand->step.within_us = us;
    step_wake_at(strand, strand->step.started_us + us);
    return us == 0 ? STEP_DONE : STEP_WAITS;
}

enum step_state verb_wait_poll(struct strand *strand)
{
    return step_is_late(strand) ? STEP_DONE : STEP_WAITS;
}

enum step_state verb_log(struct strand *strand)
{
    struct item item = { .kind = ITEM_EVENT,
                         .name = "log",
                         .at_us = case_now_us(strand->run),
                         .text = step_text(strand, "text", "") };
    record_event(strand->run, &item, "scenario", "scenario");
    return STEP_DONE;
}

/* Every strand that names the barrier somewhere in its steps takes part. */
static bool names_barrier(const struct yaml_node *node, const char *name, uint32_t depth)
{
    if (node->kind == YAML_SCALAR || depth == SCENARIO_STEPS_DEPTH_MAX * 2) {
        return node->kind == YAML_SCALAR && node->key != NULL &&
               strcmp(node->key, "barrier") == 0 && strcmp(node->text, name) == 0;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (names_barrier(at, name, depth + 1)) {
            return true;
        }
    }
    return false;
}

enum step_state verb_barrier_start(struct strand *strand)
{
    strand->step.state = pool_strdup(&strand->run->pool, step_text(strand, "name", ""));
    return verb_barrier_poll(strand);
}

static bool stands_at(const struct strand *strand, const char *name)
{
    return (strand->state == STRAND_WAITS || strand->state == STRAND_READY) &&
           strand->step.verb != NULL && strcmp(strand->step.verb->name, "barrier") == 0 &&
           strand->step.state != NULL && strcmp(strand->step.state, name) == 0;
}

enum step_state verb_barrier_poll(struct strand *strand)
{
    const char *name = strand->step.state;
    if (strand->is_released) {
        strand->is_released = false;
        return STEP_DONE;
    }
    for (const struct strand *at = strand->run->strands; at != NULL; at = at->next) {
        bool takes_part = at != strand && !strand_is_over(at) &&
                          names_barrier(at->steps, name, 0) && at->state != STRAND_JOINS;
        if (takes_part && !stands_at(at, name)) {
            return step_is_late(strand) ? step_fail(strand, "timeout",
                                                    "the others did not come to barrier '%s'", name)
                                        : STEP_WAITS;
        }
    }
    for (struct strand *at = strand->run->strands; at != NULL; at = at->next) {
        at->is_released = at->is_released || (at != strand && stands_at(at, name));
    }
    case_wake(strand->run);
    return STEP_DONE;
}

static enum step_state switch_fault(struct strand *strand, bool is_armed)
{
    const char *id = step_text(strand, "id", "");
    return fault_switch(strand->run, id, is_armed)
               ? STEP_DONE
               : step_fail(strand, "setup", "there is no fault with id '%s'", id);
}

enum step_state verb_fault_arm(struct strand *strand)
{
    return switch_fault(strand, true);
}

enum step_state verb_fault_disarm(struct strand *strand)
{
    return switch_fault(strand, false);
}
