#include "scenarios/engine/case_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "scenarios/engine/activation_pki.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/case_play.h"
#include "scenarios/engine/defect.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/filter.h"
#include "scenarios/engine/strand.h"
#include "scenarios/engine/target.h"
#include "scenarios/engine/target_device.h"

/* After the end everything is cut; this is how long the pieces may take to fall. */
#define DRAIN_US (10u * (uint64_t)US_PER_SECOND)

uint64_t case_now_us(const struct case_run *run)
{
    return loop_now_us(run->loop) - run->start_us;
}

void case_wake(struct case_run *run)
{
    loop_task_post(&run->poll);
}

struct actor *case_actor(const struct case_run *run, const char *name)
{
    for (struct actor *actor = run->actors; actor != NULL; actor = actor->next) {
        if (strcmp(actor->name, name) == 0) {
            return actor;
        }
    }
    return NULL;
}

const char *case_hide(struct case_run *run, const char *text)
{
    return secrets_hide(&run->secrets, &run->pool, text);
}

void case_random(const struct case_run *run, struct amt_random *random, const char *purpose)
{
    struct text name = { 0 };
    text_printf(&name, "%s@%u/%s", run->result->id, run->options->attempt, purpose);
    amt_random_seed(random, run->scenario->has_seed ? run->scenario->seed : run->options->seed,
                    text_chars(&name));
    text_fini(&name);
}

static const struct value *find_of_actor(struct case_run *run, const char *path,
                                         struct amt_diag *diag)
{
    size_t len = strcspn(path, ".");
    const char *name = pool_text(&run->pool, path, len);
    struct actor *actor = case_actor(run, name);
    if (actor == NULL && strcmp(name, "faults") == 0) {
        return value_path(faults_show(run), path[len] == '.' ? path + len + 1 : "");
    }
    if (actor == NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "there is no variable, capture or actor '%s'", name);
        return NULL;
    }
    const struct value *value = actor_path(actor, path[len] == '.' ? path + len + 1 : "");
    if (value == NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "'%s' has no attribute '%s'", name,
                     path[len] == '.' ? path + len + 1 : "");
    }
    return value;
}

const char *case_tmp(struct case_run *run)
{
    if (run->tmp == NULL) {
        const char *folder = getenv("TMPDIR");
        run->tmp = pool_checked(
            mkdtemp(pool_printf(&run->pool, "%s/amtlab-case-XXXXXX",
                                folder == NULL || folder[0] == '\0' ? "/tmp" : folder)));
        secrets_add(&run->secrets, run->tmp); /* another name each time: not in results */
    }
    return run->tmp;
}

static void remove_tmp(const struct case_run *run)
{
    DIR *folder = run->tmp == NULL ? NULL : opendir(run->tmp);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = NULL; (entry = readdir(folder)) != NULL;) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0); /* scenarios make no folders in it */
    }
    (void)closedir(folder);
    (void)rmdir(run->tmp);
}

/* A part of the test PKI that a variable names by its file. */
static const struct value *find_in_pki(struct case_run *run, const struct value *file,
                                       const char *path, struct amt_diag *diag)
{
    const struct activation_pki *pki =
        activation_pki_open(run->options->pki, &run->pool, run->scenario->folder, file->text, diag);
    return pki == NULL ? NULL : activation_pki_value(pki, &run->pool, path, diag);
}

const struct value *case_find(void *ctx, const char *path, struct amt_diag *diag)
{
    struct case_run *run = ctx;
    const struct value *value = value_path(run->variables, path);
    if (value != NULL) {
        return value;
    }
    const char *root = pool_text(&run->pool, path, strcspn(path, "."));
    const struct value *known = value_get(run->variables, root);
    if (known != NULL && known->kind == VALUE_TEXT && activation_pki_is_path(known->text)) {
        return find_in_pki(run, known, path + strlen(root) + 1, diag);
    }
    if (known != NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "'%s' has no part '%s'", root, path + strlen(root) + 1);
        return NULL;
    }
    return strcmp(path, "tmp") == 0 ? value_text(&run->pool, case_tmp(run))
                                    : find_of_actor(run, path, diag);
}

struct expr_scope case_scope(struct case_run *run)
{
    return (struct expr_scope){ .pool = &run->pool,
                                .find = case_find,
                                .ctx = run,
                                .random = &run->random,
                                .wall_us = loop_wall_us(run->loop),
                                .folder = run->scenario->folder,
                                .secrets = &run->secrets };
}

struct value *case_evaluate(struct case_run *run, const struct yaml_node *node, const char **why)
{
    struct amt_diag_list errors = { 0 };
    struct expr_scope scope = case_scope(run);
    struct value *value = NULL;
    bool is_good = expr_node(&scope, node, run->path, &errors, &value);
    if (!is_good) {
        *why = case_hide(run, errors.count == 0 ? "out of memory" : errors.items[0].text);
    }
    amt_diag_list_fini(&errors);
    return is_good ? value : NULL;
}

static void fail_setup(struct case_run *run, const char *kind, const char *text, const char *hint,
                       const char *path, const struct yaml_node *node)
{
    struct result_failure *failure = result_set_failure(
        run->results, run->result, kind, results_text(run->results, case_hide(run, text)));
    run->has_error = true;
    if (node != NULL) {
        failure->file = results_text(run->results, path);
        failure->line = node->line;
        failure->column = node->column;
    }
    failure->caret = results_text(run->results, hint);
    run->result->reason = results_text(run->results, case_hide(run, text));
}

static void put_variable(struct case_run *run, const char *name, const struct yaml_node *node,
                         const char *path)
{
    const char *why = NULL;
    run->path = path;
    struct value *value = case_evaluate(run, node, &why);
    if (value == NULL) {
        fail_setup(run, "setup", pool_printf(&run->pool, "variable '%s': %s", name, why), "", path,
                   node);
        value = value_null(&run->pool);
    }
    value_put(&run->pool, run->variables, name, value);
}

/* What a target file says of a variable that every suite for servers has; NULL. */
static const struct value *of_target(struct case_run *run, const char *name)
{
    static const char *const k_of_user[][2] = { { "user", "0.name" },
                                                { "pass", "0.password" },
                                                { "uuid", "0.uuid" } };
    for (const struct engine_target *at = run->options->targets; at != NULL; at = at->next) {
        for (size_t i = 0; at->file != NULL && i < sizeof k_of_user / sizeof k_of_user[0]; i++) {
            const struct value *value =
                strcmp(name, k_of_user[i][0]) != 0 || at->file->users == NULL
                    ? NULL
                    : value_path(at->file->users, k_of_user[i][1]);
            if (value != NULL) {
                return value;
            }
        }
        if (at->file != NULL && at->file->tls_name != NULL && strcmp(name, "mps_name") == 0) {
            return value_text(&run->pool, at->file->tls_name);
        }
    }
    return NULL;
}

static void hide_secrets_of_targets(struct case_run *run)
{
    for (const struct engine_target *at = run->options->targets; at != NULL; at = at->next) {
        for (const struct secret_text *secret = at->file == NULL ? NULL : at->file->secrets.first;
             secret != NULL; secret = secret->next) {
            secrets_add(&run->secrets, secret->text);
        }
    }
}

/* Command line wins over environment (AMTLAB_VAR_x) over target file over the scenario (harness.md
 * 6.3). */
static bool put_from_outside(struct case_run *run, const char *name)
{
    const char *text = NULL;
    for (const struct engine_variable *at = run->options->variables; at != NULL; at = at->next) {
        text = strcmp(at->name, name) == 0 ? at->value : text;
    }
    if (text == NULL) {
        text = getenv(pool_printf(&run->pool, "AMTLAB_VAR_%s", name));
        if (text != NULL) {
            secrets_add(&run->secrets, text); /* given there because it is one */
        }
    }
    const struct value *value = text == NULL ? of_target(run, name) : NULL;
    if (text != NULL) {
        value_put(&run->pool, run->variables, name, value_from_scalar(&run->pool, text, false));
    } else if (value != NULL) {
        value_put(&run->pool, run->variables, name, value_copy(&run->pool, value));
    }
    return text != NULL || value != NULL;
}

static void put_variables(struct case_run *run, const struct matrix_case *c)
{
    run->variables = value_map(&run->pool);
    for (const struct engine_variable *at = run->options->variables; at != NULL; at = at->next) {
        (void)put_from_outside(run, at->name);
    }
    const struct yaml_node *changed = defect_part(run->defect, "vars");
    for (const struct matrix_choice *choice = c->choices; choice != NULL; choice = choice->next) {
        const struct yaml_node *node = changed == NULL ? NULL : yaml_get(changed, choice->name);
        put_variable(run, choice->name, node == NULL ? choice->node : node, run->scenario->path);
    }
    for (const struct scenario_part *part = run->scenario->variables; part != NULL;
         part = part->next) {
        const struct yaml_node *node = changed == NULL ? NULL : yaml_get(changed, part->name);
        if (!put_from_outside(run, part->name)) {
            put_variable(run, part->name, node == NULL ? part->node : node, part->path);
        }
    }
}

static void describe(struct case_run *run, const struct matrix_case *c)
{
    const struct scenario *scenario = run->scenario;
    struct results *results = run->results;
    struct result_case *result = run->result;
    result->name = results_text(results, scenario->name);
    result->summary = results_text(results, scenario->summary);
    result->file = results_text(results, scenario->path);
    result->line = 1;
    result->matrix = results_text(results, c->key);
    result->attempts = 1;
    for (const struct scenario_word *tag = scenario->tags; tag != NULL; tag = tag->next) {
        result_add_tag(results, result, tag->text);
    }
    for (const struct scenario_word *field = scenario->fields; field != NULL; field = field->next) {
        result_add_tag(results, result, field->text);
    }
    for (const struct scenario_spec *spec = run->defect == NULL ? scenario->specs : NULL;
         spec != NULL; spec = spec->next) {
        (void)result_add_spec(results, result, spec->id, spec->level);
    }
    run->last_case_spec = result->spec_last;
    struct text repro = { 0 };
    text_printf(&repro, "amtlab run '%s%s%s'%s --seed %llu", scenario->path,
                c->key[0] == '\0' ? "" : "#", c->key, run->options->command_options,
                (unsigned long long)run->options->seed);
    result->repro = results_text(results, case_hide(run, text_chars(&repro)));
    text_fini(&repro);
}

static void poll_strands(void *ctx)
{
    struct case_run *run = ctx;
    for (bool has_changed = true; has_changed && !run->has_failed;) {
        has_changed = false;
        for (struct strand *strand = run->strands; strand != NULL && !run->has_failed;
             strand = strand->next) {
            has_changed = strand_run(strand) || has_changed;
        }
    }
}

static bool is_over(void *ctx)
{
    const struct case_run *run = ctx;
    return run->has_failed || strand_is_over(run->strands);
}

static void play_steps(struct case_run *run, const struct yaml_node *steps, uint64_t limit_us)
{
    run->path = run->scenario->path;
    run->strands = run->last_strand = NULL;
    struct strand *main_strand = strand_new(run, steps, NULL, NULL);
    case_wake(run);
    bool is_in_time = loop_run_until(run->loop, is_over, run, loop_now_us(run->loop) + limit_us);
    for (struct strand *strand = run->strands; strand != NULL; strand = strand->next) {
        timer_stop(&strand->timer);
    }
    if (!is_in_time && !run->has_failed) {
        char limit[24];
        text_format_duration(limit_us, limit);
        strand_abort(main_strand, "timeout",
                     pool_printf(&run->pool, "the case took longer than its timeout of %s", limit));
    }
    loop_task_cancel(&run->poll);
}

/* A target lives in real time, and so does what talks to it. */
static bool is_real_time(const struct case_run *run)
{
    enum scenario_clock clock =
        run->options->clock != SCENARIO_CLOCK_AUTO ? run->options->clock : run->scenario->clock;
    return clock == SCENARIO_CLOCK_REAL || run->options->targets != NULL;
}

static struct loop *new_loop(struct case_run *run, struct amt_diag *diag)
{
    if (is_real_time(run)) {
        if (run->scenario->clock == SCENARIO_CLOCK_VIRTUAL) {
            run->unsupported = "it needs virtual time";
        }
        return loop_new_uv(diag);
    }
    struct amt_random random;
    case_random(run, &random, "world");
    struct virtual_world world = { .seed = amt_random_u64(&random) };
    return loop_new_virtual(&world, diag);
}

static void set_verdict(struct case_run *run)
{
    struct result_case *result = run->result;
    result->grade = run->failed_grade;
    if (run->unsupported != NULL) {
        result->verdict = RESULT_UNSUPPORTED;
        result->reason = results_text(run->results, run->unsupported);
    } else if (run->has_error) {
        result->verdict = RESULT_ERROR;
    } else if (run->has_failed) {
        result->verdict = RESULT_FAILED;
    } else if (run->has_graded_failure) {
        result->verdict = run->failed_grade == RESULT_SHOULD ? RESULT_NOT_STRICT : RESULT_INFO;
    } else if (run->has_unseen && !run->has_judged) {
        result->verdict = RESULT_UNSUPPORTED;
        result->reason = results_text(run->results, "nothing of it can be seen at a target");
    } else {
        result->verdict = RESULT_PASSED;
    }
    /* What a target did not show is not claimed; steps name what they prove alone. */
    enum result_verdict claimed =
        result->verdict == RESULT_PASSED && run->has_unseen ? RESULT_UNSUPPORTED : result->verdict;
    for (struct result_spec *spec = run->last_case_spec == NULL ? NULL : result->spec_first;
         spec != NULL; spec = spec == run->last_case_spec ? NULL : spec->next) {
        spec->verdict = claimed;
    }
}

/* What built-in actors can do. */
static const char *const k_built_in[] = { "cira",          "apf",     "apf.keepalive_options",
                                          "console.relay", "tls.1.3", NULL };
/* What a target is taken to have of which only the address is known. */
#define BASIC_CAPABILITIES 2u

static bool has_capability(const struct case_run *run, const char *name)
{
    const struct engine_target *target = run->options->targets;
    if (target != NULL && target->file != NULL && target->file->capabilities != NULL) {
        return target_has(target->file, name);
    }
    for (uint32_t i = 0; k_built_in[i] != NULL && (target == NULL || i < BASIC_CAPABILITIES); i++) {
        if (strcmp(k_built_in[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* NULL, or why the case cannot be run here. */
static const char *missing(struct case_run *run)
{
    const struct scenario_need *need = run->scenario->needs;
    if (need != NULL) {
        return pool_printf(&run->pool, "'%s' needs the %s part, which this version does not have",
                           need->what, need->part);
    }
    for (const struct scenario_word *word = run->scenario->capabilities; word != NULL;
         word = word->next) {
        if (!has_capability(run, word->text)) {
            return pool_printf(&run->pool, "requires '%s'", word->text);
        }
    }
    bool is_risky = run->options->targets != NULL && !run->options->allows_destructive &&
                    scenario_has_tag(run->scenario, SCENARIO_TAG_DESTRUCTIVE);
    return is_risky ? "it may harm the target: --destructive runs it nevertheless" : NULL;
}

static void play(struct case_run *run, const struct matrix_case *c)
{
    struct amt_diag diag = { 0 };
    run->loop = new_loop(run, &diag);
    if (run->loop == NULL) {
        fail_setup(run, "setup", diag.text, diag.hint, "", NULL);
        return;
    }
    run->start_us = loop_now_us(run->loop);
    loop_task_init(&run->poll, run->loop, poll_strands, run);
    hide_secrets_of_targets(run);
    put_variables(run, c);
    if (!run->has_error && run->unsupported == NULL &&
        (faults_start(run, &diag) != AMT_OK || actors_start(run, &diag) != AMT_OK ||
         (run->unsupported == NULL && target_device_await(run, &diag) != AMT_OK))) {
        fail_setup(run, "setup", diag.text, diag.hint, "", NULL);
    }
    for (const struct fault *fault = run->faults; fault != NULL; fault = fault->next) {
        const struct actor *actor = case_actor(run, fault->actor);
        if (actor != NULL && actor->is_external) {
            run->unsupported = "faults cannot be put into a target";
        }
    }
    bool can_play = !run->has_error && run->unsupported == NULL;
    if (can_play && run->scenario->steps != NULL) {
        play_steps(run, run->scenario->steps,
                   run->options->timeout_us != 0 ? run->options->timeout_us
                                                 : run->scenario->timeout_us);
    }
    if (can_play && run->scenario->finally != NULL) {
        bool has_failed = run->has_failed;
        run->has_failed = false;
        run->is_in_finally = true;
        play_steps(run, run->scenario->finally, SCENARIO_TIMEOUT_US);
        run->has_error = run->has_error || run->has_failed;
        run->has_failed = has_failed;
    }
    run->result->virtual_us = loop_is_virtual(run->loop) ? case_now_us(run) : 0;
    actors_stop(run);
    filters_close(run);
    (void)loop_run_until(run->loop, NULL, NULL, loop_now_us(run->loop) + DRAIN_US);
    actors_free(run);
    loop_free(run->loop);
    remove_tmp(run);
}

void case_play(const struct scenario *scenario, const struct matrix_case *c,
               const struct engine_options *options, struct results *results,
               struct result_case *result)
{
    struct case_run run = { .scenario = scenario,
                            .defect = c->defect,
                            .options = options,
                            .results = results,
                            .result = result,
                            .path = scenario->path };
    run.secrets.pool = &run.pool;
    case_random(&run, &run.random, "values");
    describe(&run, c);
    run.unsupported = missing(&run);
    if (run.unsupported == NULL) {
        play(&run, c);
    }
    set_verdict(&run);
    if (run.defect != NULL && run.unsupported == NULL) {
        defect_judge(&run);
    }
    arena_fini(&run.pool);
}
