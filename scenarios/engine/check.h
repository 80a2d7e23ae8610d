/* Static checks of a scenario beyond its top-level keys: actors, steps, faults, expressions. */
#ifndef AMTLAB_SCENARIOS_ENGINE_CHECK_H
#define AMTLAB_SCENARIOS_ENGINE_CHECK_H

#include "scenarios/engine/actor.h"
#include "scenarios/engine/grammar.h"
#include "scenarios/engine/scenario.h"

/* Everything; what needs another part is added to scenario->needs, which is no error. */
void check_scenario(struct scenario *scenario, struct checker *checker);

/* What a check knows while it goes through the steps. */
struct check {
    struct scenario *scenario;
    struct checker *checker;
    struct expr_scope scope;
    struct amt_random random;
    struct value *known; /* MAP: names that expressions may use */
};

/* The entries of a `spec` list. */
void scenario_check_specs(struct checker *checker, const struct yaml_node *list);

/* Evaluates as far as possible (unknown parts PENDING); errors are reported. */
struct value *check_value(struct check *check, const struct yaml_node *node);
void check_need(struct check *check, const struct yaml_node *node, const char *what,
                const char *part);
/* role of an actor of the scenario; NULL if there is none of that name. */
const struct actor_kind *check_actor(const struct check *check, const char *name);

void check_steps(struct check *check, const struct yaml_node *steps, const char *actor,
                 uint32_t depth);
/* Captures (`as`, `save`, `set`) of all steps become known names. */
void check_collect_names(struct check *check, const struct yaml_node *steps, uint32_t depth);
void check_expect(struct check *check, const struct yaml_node *node, const struct value *value);
/* "apf.channel_open": known message? */
void check_message_name(struct check *check, const struct yaml_node *node, const char *name);
void check_actor_node(struct check *check, const struct scenario_part *part);
void check_fault(struct check *check, const struct scenario_part *part);
void check_defects(struct check *check, const struct yaml_node *list);

#endif
