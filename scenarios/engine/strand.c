#include "scenarios/engine/strand.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/engine/actor.h"
#include "scenarios/engine/call.h"
#include "scenarios/engine/match.h"
#include "scenarios/engine/record.h"
#include "scenarios/engine/verb.h"

static void on_timer(void *ctx)
{
    struct strand *strand = ctx;
    case_wake(strand->run);
}

static void push(struct strand *strand, const struct yaml_node *steps, uint32_t repeats,
                 struct actor *actor)
{
    struct frame *frame = &strand->frames[strand->depth++];
    *frame = (struct frame){ .first = steps->first,
                             .at = repeats == 0 ? NULL : steps->first,
                             .repeats_left = repeats,
                             .actor = actor };
}

struct strand *strand_new(struct case_run *run, const struct yaml_node *steps, struct actor *actor,
                          struct strand *parent)
{
    struct strand *strand = pool_alloc(&run->pool, sizeof *strand);
    strand->run = run;
    strand->parent = parent;
    strand->steps = steps;
    strand->variables = run->variables;
    strand->path = run->path;
    timer_init(&strand->timer, run->loop, on_timer, strand);
    push(strand, steps, 1, actor);
    if (run->last_strand == NULL) {
        run->strands = strand;
    } else {
        run->last_strand->next = strand;
    }
    run->last_strand = strand;
    return strand;
}

bool strand_is_over(const struct strand *strand)
{
    return strand->state == STRAND_DONE || strand->state == STRAND_FAILED;
}

enum step_state step_fail(struct strand *strand, const char *kind, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    strand->step.failure.kind = kind;
    strand->step.failure.message = case_hide(strand->run, text);
    return STEP_FAILED;
}

uint64_t step_deadline_us(const struct strand *strand)
{
    return strand->step.started_us + strand->step.within_us;
}

bool step_is_late(const struct strand *strand)
{
    return case_now_us(strand->run) >= step_deadline_us(strand);
}

void step_wake_at(struct strand *strand, uint64_t at_us)
{
    timer_start_at(&strand->timer, strand->run->start_us + at_us);
}

const struct value *step_argument(const struct strand *strand, const char *name)
{
    return value_get(strand->step.arguments, name);
}

const char *step_text(const struct strand *strand, const char *name, const char *fallback)
{
    const struct value *value = step_argument(strand, name);
    if (value == NULL || value->kind == VALUE_NULL) {
        return fallback;
    }
    struct text out = { 0 };
    value_write(value, &out);
    return pool_take(&strand->run->pool, &out);
}

uint64_t step_number(const struct strand *strand, const char *name, uint64_t fallback)
{
    const struct value *value = step_argument(strand, name);
    int64_t number = 0;
    return value == NULL || !value_number(value, &number) ? fallback : (uint64_t)number;
}

bool step_bool(const struct strand *strand, const char *name, bool fallback)
{
    const struct value *value = step_argument(strand, name);
    return value == NULL ? fallback : expr_holds(value);
}

uint64_t step_duration(const struct strand *strand, const char *name, uint64_t fallback_us)
{
    uint64_t us = 0;
    const char *text = step_text(strand, name, NULL);
    return text == NULL || text_parse_duration(text, &us) != AMT_OK ? fallback_us : us;
}

static const struct verb_def *verb_of(const struct yaml_node *step, const struct yaml_node **node)
{
    const struct verb_def *found = NULL;
    for (const struct yaml_node *at = step->first; at != NULL; at = at->next) {
        const struct verb_def *verb = verb_find(at->key);
        /* `do` is also the body of `repeat` */
        if (verb != NULL && (found == NULL || strcmp(found->name, "do") == 0)) {
            found = verb;
            *node = at;
        }
    }
    return found;
}

/* "expect apf.userauth_success", "apf.send userauth_request" */
static const char *default_name(struct strand *strand)
{
    static const char *const k_telling[] = { "msg",  "event",  "type",   "closed",
                                             "none", "device", "outcome" };
    const struct step *step = &strand->step;
    for (size_t i = 0; step->arguments != NULL && i < sizeof k_telling / sizeof k_telling[0]; i++) {
        const struct value *value = value_get(step->arguments, k_telling[i]);
        if (value != NULL && (value->kind == VALUE_TEXT || value->kind == VALUE_MAP)) {
            return pool_printf(&strand->run->pool, "%s %s", step->verb->name,
                               value->kind == VALUE_TEXT ? value->text : k_telling[i]);
        }
    }
    return step->verb->name;
}

static const char *text_of(struct case_run *run, const struct yaml_node *node, const char *key)
{
    const struct yaml_node *at = yaml_get(node, key);
    const char *why = NULL;
    struct value *value = at == NULL ? NULL : case_evaluate(run, at, &why);
    if (value == NULL) {
        return NULL;
    }
    struct text out = { 0 };
    value_write(value, &out);
    return pool_take(&run->pool, &out);
}

static void add_result_step(struct strand *strand)
{
    struct case_run *run = strand->run;
    struct step *step = &strand->step;
    const char *name = text_of(run, step->node, "name");
    step->result = result_add_step(run->results, run->result,
                                   case_hide(run, name == NULL ? default_name(strand) : name));
    step->result->n = ++run->step_count;
    step->result->line = step->verb_node == NULL ? step->node->line : step->verb_node->key_line;
    step->result->actor = results_text(run->results, step->actor == NULL ? "" : step->actor->name);
    step->result->grade = step->grade;
    step->result->at_us = step->started_us;
}

/* A default in place of what cannot be read would make an empty check of it. */
static bool have_their_types(struct strand *strand)
{
    const struct step *step = &strand->step;
    const struct verb_def *verb = step->verb;
    struct arena *pool = &strand->run->pool;
    const char *wrong = NULL;
    if (verb->arguments != NULL) {
        wrong = key_values_misfit(pool, verb->arguments, step->arguments);
    } else if (verb->main_argument != NULL) {
        const struct key_def key = { .name = verb->name, .type = verb->value_type };
        const struct value *value = value_get(step->arguments, verb->main_argument);
        wrong = value == NULL ? NULL : key_value_misfit(pool, &key, value);
    }
    if (wrong != NULL) {
        (void)step_fail(strand, "setup", "%s: %s", verb->name, wrong);
    }
    return wrong == NULL;
}

/* Arguments as values; a scalar becomes the verb's main argument. */
static bool evaluate_arguments(struct strand *strand)
{
    struct step *step = &strand->step;
    const char *why = NULL;
    step->arguments = case_evaluate(strand->run, step->verb_node, &why);
    if (step->arguments == NULL) {
        (void)step_fail(strand, "setup", "%s: %s", step->verb->name, why);
        step->arguments = value_map(&strand->run->pool);
        return false;
    }
    if (step->verb->main_argument != NULL && step->arguments->kind != VALUE_MAP) {
        struct value *map = value_map(&strand->run->pool);
        map->place = step->arguments->place;
        value_put(&strand->run->pool, map, step->verb->main_argument, step->arguments);
        step->arguments = map;
    }
    return have_their_types(strand);
}

static bool read_modifiers(struct strand *strand)
{
    struct step *step = &strand->step;
    const char *within = text_of(strand->run, step->node, "within");
    const char *grade = text_of(strand->run, step->node, "grade");
    step->within_us = SCENARIO_STEP_LIMIT_US;
    if (within != NULL) {
        if (text_parse_duration(within, &step->within_us) != AMT_OK) {
            (void)step_fail(strand, "setup", "'within' is '%s'; wanted %s", within,
                            key_type_words(KEY_DURATION));
            return false;
        }
        step->has_within = true;
    }
    if (grade != NULL && !result_level_parse(grade, &step->grade)) {
        (void)step_fail(strand, "setup", "'grade' is '%s'; wanted must, should, may or info",
                        grade);
        return false;
    }
    return true;
}

/* A branch of `parallel` is a step of its own; children wait for nobody but are waited for. */
static void fork_children(struct strand *strand)
{
    struct step *step = &strand->step;
    for (const struct yaml_node *at = step->verb_node->first; at != NULL; at = at->next) {
        struct yaml_node *list = pool_alloc(&strand->run->pool, sizeof *list);
        struct yaml_node *only = pool_alloc(&strand->run->pool, sizeof *only);
        *only = *at;
        only->next = NULL;
        *list = (struct yaml_node){
            .kind = YAML_LIST, .line = at->line, .column = at->column, .first = only, .count = 1
        };
        (void)strand_new(strand->run, list, step->actor, strand);
        strand->children_left++;
    }
    strand->state = STRAND_JOINS;
}

static bool start_repeat(struct strand *strand)
{
    const char *why = NULL;
    struct value *times = case_evaluate(strand->run, strand->step.verb_node, &why);
    int64_t number = 0;
    if (times == NULL || !value_number(times, &number) || number < 0 || number > UINT32_MAX) {
        (void)step_fail(strand, "setup", "'repeat' wants a number%s%s", why == NULL ? "" : ": ",
                        why == NULL ? "" : why);
        return false;
    }
    push(strand, yaml_get(strand->step.node, "do"), (uint32_t)number, strand->step.actor);
    return true;
}

static bool start_call(struct strand *strand)
{
    struct call *call = pool_alloc(&strand->run->pool, sizeof *call);
    struct actor *actor = strand->step.actor;
    const struct yaml_node *steps = call_enter(strand, call);
    if (steps == NULL) {
        return false;
    }
    push(strand, steps, 1, actor);
    strand->frames[strand->depth - 1].call = call;
    return true;
}

static bool has_room(struct strand *strand)
{
    if (strand->depth < SCENARIO_STEPS_DEPTH_MAX) {
        return true;
    }
    (void)step_fail(strand, "setup", "steps are nested deeper than %u", SCENARIO_STEPS_DEPTH_MAX);
    return false;
}

/* Structure (do, parallel, repeat, call) has no result of its own. True when the step was one. */
static bool start_structure(struct strand *strand, bool *is_good)
{
    const char *name = strand->step.verb->name;
    *is_good = true;
    if (strcmp(name, "do") == 0) {
        *is_good = has_room(strand);
        if (*is_good) {
            push(strand, strand->step.verb_node, 1, strand->step.actor);
        }
    } else if (strcmp(name, "repeat") == 0) {
        *is_good = has_room(strand) && start_repeat(strand);
    } else if (strcmp(name, "call") == 0) {
        *is_good = has_room(strand) && start_call(strand);
    } else if (strcmp(name, "parallel") == 0) {
        fork_children(strand);
    } else {
        return false;
    }
    return true;
}

/* What a target sees and does cannot be looked at or ordered: expectations there are skipped (and
 * shown as such), anything else makes the case one for the built-in actor. True when the step is over. */
static bool is_for_target(struct strand *strand)
{
    struct step *step = &strand->step;
    if (step->actor == NULL || !step->actor->is_external || step->verb->roles == 0) {
        return false;
    }
    add_result_step(strand);
    step->result->verdict = RESULT_STEP_SKIPPED;
    if (strcmp(step->verb->name, "cira.connect") == 0 && step->actor->kind->role == ACTOR_DEVICE) {
        return true; /* it calls by itself, or is called: nothing is judged by this */
    }
    strand->run->has_unseen = true;
    if (strcmp(step->verb->name, "expect") != 0) {
        strand->run->unsupported =
            pool_printf(&strand->run->pool, "'%s' cannot be asked of a target", step->verb->name);
        strand->run->has_failed = true;
    }
    return true;
}

static bool holds_when(struct strand *strand, bool *holds)
{
    const struct yaml_node *when = yaml_get(strand->step.node, "when");
    *holds = true;
    if (when == NULL) {
        return true;
    }
    const char *why = NULL;
    struct value *value = case_evaluate(strand->run, when, &why);
    if (value == NULL) {
        (void)step_fail(strand, "setup", "when: %s", why);
        return false;
    }
    *holds = expr_holds(value);
    return true;
}

static void end_strand(struct strand *strand, bool is_good)
{
    strand->state = is_good ? STRAND_DONE : STRAND_FAILED;
    timer_stop(&strand->timer);
    if (strand->parent != NULL) {
        strand->parent->children_left--;
        case_wake(strand->run);
    }
}

/* Steps that say something about the other side: they compare, or waited for what it does. */
static bool has_judged(const struct step *step)
{
    const char *name = step->verb->name;
    return strcmp(name, "check") == 0 || strcmp(name, "expect") == 0 ||
           (step->has_waited && step->verb->roles != 0);
}

static void end_step(struct strand *strand, enum step_state state)
{
    struct step *step = &strand->step;
    struct case_run *run = strand->run;
    timer_stop(&strand->timer);
    if (step->result == NULL) {
        add_result_step(strand);
    }
    step->result->took_us = case_now_us(run) - step->started_us;
    strand->state = STRAND_READY;
    if (state == STEP_DONE) {
        step->result->verdict = step->is_skipped ? RESULT_STEP_SKIPPED : RESULT_STEP_PASSED;
        if (!step->is_skipped) {
            run->has_judged = run->has_judged || has_judged(step);
            record_step_specs(strand, true);
        }
        return;
    }
    step->result->verdict = RESULT_STEP_FAILED;
    record_step_specs(strand, false);
    record_failure(strand);
    if (step->grade == RESULT_MUST) {
        run->has_failed = true;
        end_strand(strand, false);
    }
}

static void capture(struct strand *strand)
{
    const struct yaml_node *as = yaml_get(strand->step.node, "as");
    if (as != NULL && as->kind == YAML_SCALAR && strand->step.outcome != NULL) {
        value_put(&strand->run->pool, strand->run->variables, as->text,
                  value_copy(&strand->run->pool, strand->step.outcome));
    }
}

struct retry {
    uint64_t every_us, for_us;
    const struct yaml_node *until;
};

static bool read_retry_time(struct strand *strand, const struct yaml_node *node, const char *name,
                            uint64_t *us)
{
    const char *text = text_of(strand->run, node, name);
    if (text == NULL || text_parse_duration(text, us) == AMT_OK) {
        return true;
    }
    (void)step_fail(strand, "setup", "retry: '%s' is '%s'; wanted %s", name, text,
                    key_type_words(KEY_DURATION));
    return false;
}

static bool read_retry(struct strand *strand, const struct yaml_node *node, struct retry *retry)
{
    *retry = (struct retry){ 100u * (uint64_t)US_PER_MS, SCENARIO_STEP_LIMIT_US,
                             yaml_get(node, "until") };
    return read_retry_time(strand, node, "every", &retry->every_us) &&
           read_retry_time(strand, node, "for", &retry->for_us);
}

/* After an attempt: STEP_DONE, STEP_FAILED, or STEP_WAITS until the next one is due. */
static enum step_state judge_attempt(struct strand *strand, enum step_state state)
{
    struct retry retry;
    const struct yaml_node *node = yaml_get(strand->step.node, "retry");
    if (node == NULL) {
        return state;
    }
    if (!read_retry(strand, node, &retry)) {
        return STEP_FAILED;
    }
    struct step *step = &strand->step;
    if (state == STEP_DONE) {
        capture(strand);
        const char *why = NULL;
        struct value *until = case_evaluate(strand->run, retry.until, &why);
        if (until == NULL) {
            return step_fail(strand, "setup", "retry until: %s", why);
        }
        if (check_values(strand, until)) {
            return STEP_DONE;
        }
    }
    if (case_now_us(strand->run) + retry.every_us > step->result->at_us + retry.for_us) {
        return STEP_FAILED; /* the failure of the last attempt stands */
    }
    step->attempts++;
    step->is_between_attempts = true;
    step_wake_at(strand, case_now_us(strand->run) + retry.every_us);
    return STEP_WAITS;
}

static enum step_state start_attempt(struct strand *strand)
{
    struct step *step = &strand->step;
    step->is_between_attempts = false;
    step->started_us = case_now_us(strand->run);
    step->failure = (struct failure){ .kind = NULL };
    step->outcome = NULL;
    step->state = NULL;
    step_wake_at(strand, step_deadline_us(strand));
    enum step_state state = step->verb->start(strand);
    return state == STEP_WAITS ? state : judge_attempt(strand, state);
}

static void settle(struct strand *strand, enum step_state state)
{
    if (state == STEP_WAITS) {
        strand->state = STRAND_WAITS;
        strand->step.has_waited = true;
        return;
    }
    if (state == STEP_DONE) {
        capture(strand);
    }
    end_step(strand, state);
}

/* An actor that was named by an expression could not be checked before. */
static bool can_act(struct strand *strand, const char *name)
{
    const struct step *step = &strand->step;
    if (name != NULL && step->actor == NULL) {
        (void)step_fail(strand, "setup", "there is no actor '%s'", name);
        return false;
    }
    bool fits = step->verb->roles == 0 ||
                (step->actor != NULL && (step->actor->kind->role & step->verb->roles) != 0);
    if (!fits) {
        (void)step_fail(strand, "setup", "'%s' cannot be done by %s", step->verb->name,
                        step->actor == NULL ? "nobody: it needs an actor" : step->actor->name);
    }
    return fits;
}

static void start_step(struct strand *strand, const struct yaml_node *node)
{
    struct step *step = &strand->step;
    struct case_run *run = strand->run;
    bool holds = false, is_good = false;
    *step = (struct step){ .node = node, .started_us = case_now_us(run) };
    step->verb = verb_of(node, &step->verb_node); /* checked when loaded: there is one */
    const char *name = text_of(run, node, "actor");
    step->actor = name == NULL ? strand->frames[strand->depth - 1].actor : case_actor(run, name);
    if (!can_act(strand, name) || !read_modifiers(strand) || !holds_when(strand, &holds)) {
        end_step(strand, STEP_FAILED);
        return;
    }
    if (!holds) {
        add_result_step(strand);
        step->result->verdict = RESULT_STEP_SKIPPED;
        return;
    }
    if (start_structure(strand, &is_good)) {
        if (!is_good) {
            end_step(strand, STEP_FAILED);
        }
        return;
    }
    if (is_for_target(strand)) {
        return;
    }
    is_good = evaluate_arguments(strand);
    add_result_step(strand);
    settle(strand, is_good ? start_attempt(strand) : STEP_FAILED);
}

/* Drops finished frames; false when nothing is left to do. */
static bool find_next(struct strand *strand)
{
    while (strand->depth > 0) {
        struct frame *frame = &strand->frames[strand->depth - 1];
        if (frame->at != NULL) {
            return true;
        }
        if (frame->repeats_left > 1) {
            frame->repeats_left--;
            frame->at = frame->first;
        } else {
            strand->depth--;
            if (frame->call != NULL && !call_leave(strand, frame->call)) {
                end_step(strand, STEP_FAILED);
            }
        }
    }
    return false;
}

static bool go_on_waiting(struct strand *strand)
{
    struct step *step = &strand->step;
    enum step_state state = STEP_WAITS;
    if (!step->is_between_attempts) {
        state = step->verb->poll(strand);
        state = state == STEP_WAITS ? state : judge_attempt(strand, state);
    } else if (!timer_is_running(&strand->timer)) {
        state = start_attempt(strand);
    }
    settle(strand, state);
    return state != STEP_WAITS;
}

bool strand_run(struct strand *strand)
{
    struct case_run *run = strand->run;
    bool has_changed = false;
    while (!run->has_failed) {
        run->variables = strand->variables;
        run->path = strand->path;
        if (strand->state == STRAND_WAITS) {
            if (!go_on_waiting(strand)) {
                return has_changed;
            }
        } else if (strand_is_over(strand) ||
                   (strand->state == STRAND_JOINS && strand->children_left > 0)) {
            return has_changed;
        } else if (find_next(strand)) {
            strand->state = STRAND_READY;
            struct frame *frame = &strand->frames[strand->depth - 1];
            const struct yaml_node *node = frame->at;
            frame->at = node->next;
            start_step(strand, node);
        } else {
            end_strand(strand, true);
        }
        has_changed = true;
    }
    return has_changed;
}

/* The strand that is in the way: a child if this one only waits for its children. */
static struct strand *waiting_strand(struct strand *strand)
{
    if (strand->state != STRAND_JOINS) {
        return strand;
    }
    for (struct strand *at = strand->run->strands; at != NULL; at = at->next) {
        if (at != strand && at->state == STRAND_WAITS) {
            return at;
        }
    }
    return strand;
}

void strand_abort(struct strand *strand, const char *kind, const char *message)
{
    struct strand *waiting = waiting_strand(strand);
    waiting->step.grade = RESULT_MUST;
    if (waiting->step.node != NULL) {
        (void)step_fail(waiting, kind, "%s", message);
        end_step(waiting, STEP_FAILED);
    }
    strand->run->has_failed = true;
}
