/* A strand: one sequence of steps being carried out; `parallel` makes more of them (harness.md 18.4). */
#ifndef AMTLAB_SCENARIOS_ENGINE_STRAND_H
#define AMTLAB_SCENARIOS_ENGINE_STRAND_H

#include "scenarios/engine/case_run.h"

struct verb_def;
struct call;

enum step_state { STEP_DONE, STEP_WAITS, STEP_FAILED };

struct step {
    const struct yaml_node *node, *verb_node;
    const struct verb_def *verb;
    struct actor *actor;     /* NULL: none */
    struct value *arguments; /* evaluated; a scalar has become a map where the verb says so */
    uint64_t started_us, within_us;
    bool has_within;
    enum result_level grade;
    struct result_step *result;
    const struct value *outcome; /* for `as` */
    void *state;                 /* of the verb */
    struct failure failure;
    bool is_skipped; /* nothing could be judged: a target does not show its inside */
    bool has_waited;
    uint32_t attempts;
    bool is_between_attempts;
};

struct frame {
    const struct yaml_node *first, *at; /* at: next step to do; NULL at the end */
    uint32_t repeats_left;
    struct actor *actor;
    struct call *call; /* NULL: not the steps of a called file */
};

enum strand_state { STRAND_READY, STRAND_WAITS, STRAND_JOINS, STRAND_DONE, STRAND_FAILED };

struct strand {
    struct case_run *run;
    struct strand *parent; /* waits for us; NULL for the main strand */
    enum strand_state state;
    struct frame frames[SCENARIO_STEPS_DEPTH_MAX];
    uint32_t depth, children_left;
    const struct yaml_node *steps; /* all of them */
    struct value *variables;       /* those its steps see */
    const char *path;              /* of the file its steps stand in */
    bool is_released;              /* the barrier it stands at has opened */
    struct step step;
    struct timer timer;
    struct strand *next;
};

struct strand *strand_new(struct case_run *run, const struct yaml_node *steps, struct actor *actor,
                          struct strand *parent);
/* Goes on as far as it can. True when something changed. */
bool strand_run(struct strand *strand);
bool strand_is_over(const struct strand *strand);
/* Gives up waiting: the case's time is over. */
void strand_abort(struct strand *strand, const char *kind, const char *message);

/* For verbs. Each notes the failure and returns STEP_FAILED. */
enum step_state step_fail(struct strand *strand, const char *kind, const char *format, ...)
    AMT_PRINTF(3, 4);
/* The actor's state of its kind. */
#define STEP_STATE_OF(strand_, type_) ((type_ *)(strand_)->step.actor->state)
uint64_t step_deadline_us(const struct strand *strand); /* since the start of the case */
bool step_is_late(const struct strand *strand);
/* Argument of the step; NULL. */
const struct value *step_argument(const struct strand *strand, const char *name);
const char *step_text(const struct strand *strand, const char *name, const char *fallback);
uint64_t step_number(const struct strand *strand, const char *name, uint64_t fallback);
bool step_bool(const struct strand *strand, const char *name, bool fallback);
/* fallback when absent; what cannot be read was refused before. */
uint64_t step_duration(const struct strand *strand, const char *name, uint64_t fallback_us);
/* Wakes the strand at that time (since the start of the case). */
void step_wake_at(struct strand *strand, uint64_t at_us);

#endif
