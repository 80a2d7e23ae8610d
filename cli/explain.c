/* `amtlab explain`: a scenario in words, verbs, faults, requirements, exit codes. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "conformance/registry.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/suite.h"
#include "scenarios/engine/verb.h"

#define REGISTRY_FILE "conformance/requirements.yaml"

static void explain_keys(const struct key_def *keys)
{
    for (const struct key_def *key = keys; key != NULL && key->name != NULL; key++) {
        (void)printf("    %-12s %s%s\n", key->name, key->doc, key->is_required ? " (needed)" : "");
    }
}

static int explain_verb(const char *name)
{
    const struct verb_def *verb = verb_find(name);
    const struct fault_verb *fault = fault_verb_find(name);
    if (verb == NULL && fault == NULL) {
        (void)fprintf(stderr, "amtlab explain: there is no verb '%s'; see: amtlab explain verbs\n",
                      name);
        return CLI_NOTHING;
    }
    if (verb != NULL) {
        (void)printf("%s: %s\n", name, verb->doc);
        if (verb->part != NULL) {
            (void)printf("    needs the %s part, which this version does not have\n", verb->part);
        }
        for (uint32_t i = 0; verb->roles != 0 && k_actor_kinds[i] != NULL; i++) {
            if ((k_actor_kinds[i]->role & verb->roles) != 0) {
                (void)printf("    done by: %s\n", k_actor_kinds[i]->name);
            }
        }
        explain_keys(verb->arguments);
    }
    if (fault != NULL) {
        (void)printf("fault %s: %s\n", name, fault->doc);
        explain_keys(fault->arguments);
    }
    return CLI_OK;
}

static int explain_verbs(void)
{
    for (const struct verb_def *verb = k_verbs; verb->name != NULL; verb++) {
        if (verb->part == NULL) {
            (void)printf("  %-24s %s\n", verb->name, verb->doc);
        }
    }
    (void)fputs("faults:\n", stdout);
    for (const struct fault_verb *verb = k_fault_verbs; verb->name != NULL; verb++) {
        if (verb->part == NULL) {
            (void)printf("  %-24s %s\n", verb->name, verb->doc);
        }
    }
    return CLI_OK;
}

static int explain_spec(const char *id)
{
    struct amt_diag_list errors = { 0 };
    struct registry *registry = registry_load(REGISTRY_FILE, &errors);
    int status = CLI_OK;
    if (registry == NULL) {
        amt_diag_list_print(&errors, stderr);
        status = CLI_ENVIRONMENT;
    } else {
        const struct requirement *found = registry_find(registry, id);
        if (found == NULL) {
            (void)fprintf(stderr, "amtlab explain: there is no requirement '%s'\n", id);
            status = CLI_NOTHING;
        } else {
            (void)printf("%s (%s, %s)\n  %s\n  stated in: %s\n  checked by: %s\n", found->id,
                         found->document, found->chapter, found->text, found->source, found->test);
        }
    }
    registry_free(registry);
    amt_diag_list_fini(&errors);
    return status;
}

static const struct exit_row {
    int code;
    const char *text;
} k_exits[] = {
    { CLI_OK, "everything as expected" },
    { CLI_FAILED, "a case failed, passed unexpectedly, or an objective was missed" },
    { CLI_USAGE, "usage: an option or argument is wrong" },
    { CLI_INVALID, "a scenario, profile, configuration or input file is invalid" },
    { CLI_ENVIRONMENT,
      "environment: cannot bind, resolve, connect, read keys; target unreachable" },
    { CLI_NOTHING, "nothing selected, or every selected case unsupported" },
    { CLI_NOT_VALID, "the result does not count: the harness lagged, the clock jumped" },
    { CLI_UNFINISHED, "a server left before it said how it ended" },
    { CLI_INTERNAL, "internal error" },
    { CLI_DEADLINE, "overall deadline" },
    { CLI_INTERRUPTED, "interrupted" },
    { CLI_TERMINATED, "terminated" },
};

static int explain_exit(const char *word)
{
    uint64_t code = UINT64_MAX;
    if (word != NULL && text_parse_u64(word, 255, &code) != AMT_OK) {
        (void)fprintf(stderr, "amtlab explain: '%s' is no exit code\n", word);
        return CLI_USAGE;
    }
    bool is_known = false;
    for (size_t i = 0; i < sizeof k_exits / sizeof k_exits[0]; i++) {
        if (word == NULL || (uint64_t)k_exits[i].code == code) {
            (void)printf("  %3d  %s\n", k_exits[i].code, k_exits[i].text);
            is_known = true;
        }
    }
    if (!is_known) {
        (void)fprintf(stderr, "amtlab explain: %s is not used; see: amtlab explain exit\n", word);
    }
    return is_known ? CLI_OK : CLI_NOTHING;
}

/* ---- a scenario ---- */

static void explain_steps(const struct yaml_node *steps, const char *actor, uint32_t depth);

static void indent(uint32_t depth)
{
    (void)printf("%*s", (int)(4 + 2 * depth), "");
}

static void print_node(const struct yaml_node *node, uint32_t depth)
{
    if (node->kind == YAML_SCALAR) {
        (void)fputs(node->text, stdout);
        return;
    }
    (void)fputs(node->kind == YAML_LIST ? "[" : "{ ", stdout);
    for (const struct yaml_node *at = node->first; at != NULL && depth < 8; at = at->next) {
        (void)printf("%s%s%s", at == node->first ? "" : ", ", at->key == NULL ? "" : at->key,
                     at->key == NULL ? "" : ": ");
        bool is_secret = at->key != NULL && strstr(at->key, "pass") != NULL;
        if (is_secret) {
            (void)fputs("(hidden)", stdout);
        } else {
            print_node(at, depth + 1);
        }
    }
    (void)fputs(node->kind == YAML_LIST ? "]" : " }", stdout);
}

static void explain_step(const struct yaml_node *step, const char *outer, uint32_t depth)
{
    const struct yaml_node *name = yaml_get(step, "name"), *who = yaml_get(step, "actor");
    const char *actor = who == NULL ? outer : who->text;
    indent(depth);
    if (name != NULL) {
        (void)printf("(%s) ", name->text);
    }
    if (actor != NULL) {
        (void)printf("%s: ", actor);
    }
    const struct yaml_node *body = NULL;
    for (const struct yaml_node *at = step->first; at != NULL; at = at->next) {
        bool is_steps = strcmp(at->key, "do") == 0 || strcmp(at->key, "parallel") == 0;
        if (is_steps) {
            body = at;
            (void)printf("%s ", at->key);
        } else if (at != name && at != who) {
            (void)printf("%s ", at->key);
            print_node(at, 0);
            (void)fputs("  ", stdout);
        }
    }
    (void)fputs("\n", stdout);
    if (body != NULL) {
        explain_steps(body, actor, depth + 1);
    }
}

static void explain_steps(const struct yaml_node *steps, const char *actor, uint32_t depth)
{
    for (const struct yaml_node *at = steps == NULL ? NULL : steps->first;
         at != NULL && depth < SCENARIO_STEPS_DEPTH_MAX; at = at->next) {
        explain_step(at, actor, depth);
    }
}

static void explain_specs(const struct scenario *scenario)
{
    struct amt_diag_list errors = { 0 };
    struct registry *registry =
        access(REGISTRY_FILE, R_OK) == 0 ? registry_load(REGISTRY_FILE, &errors) : NULL;
    for (const struct scenario_spec *spec = scenario->specs; spec != NULL; spec = spec->next) {
        const struct requirement *found =
            registry == NULL ? NULL : registry_find(registry, spec->id);
        (void)printf("  requires %s (%s)%s%s\n", spec->id, result_level_name(spec->level),
                     found == NULL ? "" : ": ", found == NULL ? "" : found->text);
    }
    registry_free(registry);
    amt_diag_list_fini(&errors);
}

static void explain_scenario(const struct suite *suite, const struct scenario *scenario)
{
    (void)printf("%s: %s\n", scenario->id, scenario->name);
    if (scenario->summary[0] != '\0') {
        (void)printf("%s\n", scenario->summary);
    }
    (void)printf("  file     %s\n", scenario->path);
    explain_specs(scenario);
    for (const struct scenario_part *at = scenario->variables; at != NULL; at = at->next) {
        bool is_secret = strstr(at->name, "pass") != NULL;
        (void)printf("  variable %s = ", at->name);
        if (is_secret) {
            (void)fputs("(hidden)", stdout);
        } else {
            print_node(at->node, 0);
        }
        (void)fputs("\n", stdout);
    }
    for (const struct scenario_part *at = scenario->actors; at != NULL; at = at->next) {
        (void)printf("  actor    %s ", at->name);
        print_node(at->node, 0);
        (void)fputs("\n", stdout);
    }
    for (const struct scenario_part *at = scenario->faults; at != NULL; at = at->next) {
        (void)fputs("  fault    ", stdout);
        print_node(at->node, 0);
        (void)fputs("\n", stdout);
    }
    (void)fputs("  steps\n", stdout);
    explain_steps(scenario->steps, NULL, 0);
    if (scenario->finally != NULL) {
        (void)fputs("  finally\n", stdout);
        explain_steps(scenario->finally, NULL, 0);
    }
    (void)fputs("  cases\n", stdout);
    for (const struct suite_case *c = suite->cases; c != NULL; c = c->next) {
        if (c->scenario == scenario) {
            (void)printf("    %s\n", c->id);
        }
    }
}

static int explain_id(const char *id)
{
    struct suite suite = { .case_count = 0 };
    struct amt_diag_list errors = { 0 };
    int status = CLI_OK;
    if (suite_add(&suite, id, NULL, &errors) == AMT_EUNKNOWN) {
        (void)fprintf(stderr, "amtlab explain: no scenario is called '%s'; see: amtlab list\n", id);
        status = CLI_NOTHING;
    }
    if (errors.count > 0) {
        amt_diag_list_print(&errors, stderr);
        status = CLI_INVALID;
    }
    for (const struct scenario *at = suite.scenarios; at != NULL; at = at->next) {
        explain_scenario(&suite, at);
    }
    amt_diag_list_fini(&errors);
    suite_free(&suite);
    return status;
}

struct explain_options {
    bool unused;
};
static const struct cli_option k_options[] = { { .name = NULL } };

static int run_explain(const void *options, int argument_count, char **arguments)
{
    (void)options;
    const char *what = arguments[0], *word = argument_count > 1 ? arguments[1] : NULL;
    if (strcmp(what, "verbs") == 0) {
        return explain_verbs();
    }
    if (strcmp(what, "exit") == 0) {
        return explain_exit(word);
    }
    if (strcmp(what, "verb") == 0 && word != NULL) {
        return explain_verb(word);
    }
    if (strcmp(what, "spec") == 0 && word != NULL) {
        return explain_spec(word);
    }
    if (word != NULL) {
        (void)fprintf(stderr, "amtlab explain: '%s' is not verb, spec or exit\n", what);
        return CLI_USAGE;
    }
    return explain_id(what);
}

const struct cli_command k_command_explain = {
    .name = "explain",
    .arguments = "ID | verbs | verb NAME | spec ID | exit [CODE]",
    .summary = "explain a scenario, a verb, a requirement or an exit code",
    .details = "  amtlab explain basic/first-contact   variables, actors, faults, steps, cases\n"
               "  amtlab explain verb apf.send         who can do it, its arguments\n"
               "  amtlab explain verbs                 all verbs and faults\n"
               "  amtlab explain spec APF-MPS-024      the requirement and how it is checked\n"
               "  amtlab explain exit 4                what an exit code means\n\n"
               "Exit codes: 0, 2 usage, 3 a file is invalid, 5 there is nothing of that name.",
    .options = k_options,
    .options_bytes = sizeof(struct explain_options),
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_explain
};
