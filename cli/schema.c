/* `amtlab schema`: JSON Schema of scenarios and profiles, for editors. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "scenarios/engine/schema.h"

struct schema_options {
    bool unused;
};
static const struct cli_option k_options[] = { { .name = NULL } };

static int run_schema(const void *options, int argument_count, char **arguments)
{
    (void)options;
    const char *what = argument_count == 0 ? "scenario" : arguments[0];
    struct text out = { 0 };
    enum amt_err err = AMT_EUNKNOWN;
    if (strcmp(what, "scenario") == 0) {
        err = schema_scenario(&out);
    } else if (strcmp(what, "profile") == 0) {
        err = schema_profile(&out);
    }
    (void)fputs(text_chars(&out), stdout);
    text_fini(&out);
    if (err == AMT_EUNKNOWN) {
        (void)fprintf(stderr, "amtlab schema: there is none of '%s': scenario or profile\n", what);
        return CLI_USAGE;
    }
    if (err != AMT_OK) {
        (void)fputs("amtlab schema: out of memory\n", stderr);
        return CLI_INTERNAL;
    }
    return fflush(stdout) == 0 ? CLI_OK : CLI_ENVIRONMENT;
}

const struct cli_command k_command_schema = {
    .name = "schema",
    .arguments = "[scenario|profile]",
    .summary = "print the JSON Schema of scenarios or profiles, for editors",
    .details =
        "The schema (draft 7) is made from the tables that `amtlab validate` checks with. An\n"
        "editor with a YAML language server completes keys and shows what they mean when a\n"
        "file begins with\n\n"
        "  # yaml-language-server: $schema=PATH/scenario.schema.json\n\n"
        "  amtlab schema > scenario.schema.json\n"
        "  amtlab schema profile > profile.schema.json\n\n"
        "Exit codes: 0, 2 usage, 4 it could not be written.",
    .options = k_options,
    .options_bytes = sizeof(struct schema_options),
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run_schema
};
