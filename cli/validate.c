/* `amtlab validate`: loads scenarios and shows all errors with their lines. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "runtime/yaml.h"
#include "scenarios/engine/expectations.h"
#include "scenarios/engine/suite.h"
#include "scenarios/engine/target.h"

struct validate_options {
    bool quiet;
};

static const struct cli_option k_options[] = {
    { "quiet", 'q', CLI_FLAG, offsetof(struct validate_options, quiet), NULL, NULL, "only errors" },
    { .name = NULL },
};

/* The line and a caret below the place. Files are read again: an error may stand in any of them. */
static void print_line(const struct amt_diag *diag)
{
    struct yaml_document *document =
        diag->file[0] == '\0' || diag->line == 0 ? NULL : yaml_load_file(diag->file, NULL);
    char *line = document == NULL ? NULL : yaml_source_line(document, diag->line);
    if (line != NULL) {
        struct text shown = { 0 };
        text_terminal(&shown, line, strlen(line));
        (void)fprintf(stderr, "  %5u | %s\n        | ", diag->line, text_chars(&shown));
        for (uint32_t i = 1; i < diag->column; i++) {
            (void)fputc(' ', stderr);
        }
        (void)fputs("^\n", stderr);
        text_fini(&shown);
    }
    amt_free(line);
    yaml_free(document);
}

static void print_errors(const struct amt_diag_list *errors)
{
    for (uint32_t i = 0; i < errors->count; i++) {
        amt_diag_print(&errors->items[i], stderr);
        print_line(&errors->items[i]);
    }
}

static void print_needs(const struct suite *suite)
{
    for (const struct scenario *scenario = suite->scenarios; scenario != NULL;
         scenario = scenario->next) {
        for (const struct scenario_need *need = scenario->needs; need != NULL; need = need->next) {
            (void)printf("%s:%u:%u: '%s' needs the %s part, which this version does not have\n",
                         scenario->path, need->node->line, need->node->column, need->what,
                         need->part);
        }
    }
}

/* Target files and expectation files are read as `run` reads them. False: it is none of both. */
static bool validate_other(const char *path, struct amt_diag_list *errors)
{
    if (target_is_file_of(path, "amtlab-target")) {
        target_free(target_load(path, errors));
        return true;
    }
    if (target_is_file_of(path, "amtlab-expectations")) {
        expectations_free(expectations_load(path, "", errors));
        return true;
    }
    return false;
}

static int run_validate(const void *options_, int argument_count, char **arguments)
{
    const struct validate_options *options = options_;
    struct suite suite = { .case_count = 0 };
    struct amt_diag_list errors = { 0 };
    const char *fallback = suite_default_folder(&suite.pool);
    int status = CLI_OK;
    for (int i = 0; i < (argument_count == 0 ? 1 : argument_count); i++) {
        const char *argument = argument_count == 0 ? fallback : arguments[i];
        if (validate_other(argument, &errors)) {
            suite.files_seen++;
        } else if (suite_add(&suite, argument, NULL, &errors) == AMT_EUNKNOWN) {
            (void)fprintf(stderr, "amtlab validate: no scenario is called '%s'\n", argument);
            status = CLI_NOTHING;
        }
    }
    if (errors.count > 0) {
        print_errors(&errors);
        status = CLI_INVALID;
    }
    if (!options->quiet) {
        print_needs(&suite);
        (void)printf("%u files, %u cases, %u errors\n", suite.files_seen, suite.case_count,
                     errors.count);
    }
    amt_diag_list_fini(&errors);
    suite_free(&suite);
    return status;
}

const struct cli_command k_command_validate = {
    .name = "validate",
    .arguments = "[PATH|ID|GLOB]...",
    .summary = "check scenario files; shows all errors, touches no network",
    .details =
        "Loads what is named (default: everything below scenarios/library) and reports all\n"
        "errors with file, line and column, what is allowed there, and the nearest known\n"
        "word. What belongs to parts this version does not have is listed, and is no error.\n\n"
        "Target files and expectation files are checked, too (what ${env()} names must be set).\n\n"
        "Exit codes: 0 all valid, 3 an error was found, 5 nothing has that name.",
    .options = k_options,
    .options_bytes = sizeof(struct validate_options),
    .arguments_min = 0,
    .arguments_max = 1000,
    .run = run_validate
};
