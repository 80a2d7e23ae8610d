#include <stdio.h>

#include "cli/cli.h"

struct version_options {
    bool json;
};

static const struct cli_option k_options[] = {
    { "json", 0, CLI_FLAG, offsetof(struct version_options, json), "", NULL,
      "one JSON object instead of text" },
    { .name = NULL },
};

static int run_version(const void *options, int argument_count, char **arguments)
{
    const struct version_options *o = options;
    (void)argument_count;
    (void)arguments;
    if (o->json) {
        (void)printf("{\"amtlab\":\"%s\",\"language\":1}\n", AMTLAB_VERSION);
    } else {
        (void)printf("amtlab %s, scenario language 1\n", AMTLAB_VERSION);
    }
    return CLI_OK;
}

const struct cli_command k_command_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the version",
    .details = "",
    .options = k_options,
    .options_bytes = sizeof(struct version_options),
    .run = run_version,
};
