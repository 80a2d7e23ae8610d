/* `amtlab explain`: a scenario in words, verbs, faults, requirements, exit codes. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/explain_event.h"
#include "cli/explain_reference.h"
#include "cli/explain_scenario.h"
#include "conformance/registry.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/suite.h"
#include "scenarios/engine/verb.h"

static void explain_keys(const struct key_def *keys, int depth)
{
    for (const struct key_def *key = keys; key != NULL && key->name != NULL; key++) {
        (void)printf("    %*s%-12s %s%s", depth, "", key->name, key->doc,
                     key->is_required ? " (needed)" : "");
        if (key->type == KEY_WORD) {
            (void)fputs("; one of:", stdout);
            for (uint32_t i = 0; key->words[i] != NULL; i++) {
                (void)printf(" %s", key->words[i]);
            }
            (void)fputs("\n", stdout);
        } else {
            (void)printf("; %s\n", key_type_words(key->type));
        }
        explain_keys(key->children, depth + 2);
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
        explain_keys(verb->arguments, 0);
    }
    if (fault != NULL) {
        (void)printf("fault %s: %s\n", name, fault->doc);
        explain_keys(fault->arguments, 0);
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
    struct registry *registry = registry_load(EXPLAIN_REGISTRY_FILE, &errors);
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
    if (strcmp(what, "reference") == 0) {
        return explain_reference();
    }
    if (strcmp(what, "exit") == 0) {
        return explain_exit(word);
    }
    if (strcmp(what, "event") == 0) {
        return explain_event(word);
    }
    if (strcmp(what, "verb") == 0 && word != NULL) {
        return explain_verb(word);
    }
    if (strcmp(what, "spec") == 0 && word != NULL) {
        return explain_spec(word);
    }
    if (word != NULL) {
        (void)fprintf(stderr, "amtlab explain: '%s' is not verb, event, spec or exit\n", what);
        return CLI_USAGE;
    }
    return explain_id(what);
}

const struct cli_command k_command_explain = {
    .name = "explain",
    .arguments = "ID | verbs | reference | verb NAME | event [NAME] | spec ID | exit [CODE]",
    .summary = "explain a scenario, a verb, an event, a requirement or an exit code",
    .details =
        "  amtlab explain basic/first-contact   who takes part and what happens, in words\n"
        "  amtlab explain verb apf.send         who can do it, its arguments\n"
        "  amtlab explain verbs                 all verbs and faults\n"
        "  amtlab explain reference             every key, verb, fault and function, in Markdown\n"
        "  amtlab explain event device.online   when it happens, its fields; 'device.*' for some\n"
        "  amtlab explain spec APF-MPS-024      the requirement and how it is checked\n"
        "  amtlab explain exit 4                what an exit code means\n\n"
        "Exit codes: 0, 2 usage, 3 a file is invalid, 5 there is nothing of that name.",
    .options = k_options,
    .options_bytes = sizeof(struct explain_options),
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_explain
};
