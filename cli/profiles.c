/* The generations of AMT that come with the program. */
#include "simulator/profiles.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "simulator/firmware/embedded.h"

struct profiles_options {
    bool names;
};

static const struct cli_option k_options[] = {
    { "names", 0, CLI_FLAG, offsetof(struct profiles_options, names), "", NULL,
      "names only, one per line" },
    { .name = NULL },
};

static int print_profile(const char *name)
{
    for (const struct embedded_file *file = k_embedded_profiles; file->name != NULL; file++) {
        if (strcmp(file->name, name) == 0) {
            (void)fputs(file->text, stdout);
            return CLI_OK;
        }
    }
    (void)fprintf(stderr, "amtlab profiles: there is no profile \"%s\"; see: amtlab profiles\n",
                  name);
    return CLI_INVALID;
}

static int run_profiles(const void *options, int argument_count, char **arguments)
{
    const struct profiles_options *o = options;
    char summary[200];
    const char *name;
    if (argument_count == 1) {
        return print_profile(arguments[0]);
    }
    for (uint32_t i = 0; profile_builtin(i, &name, summary, sizeof summary); i++) {
        if (o->names) {
            (void)puts(name);
        } else {
            (void)printf("  %-18s %s\n", name, summary);
        }
    }
    return CLI_OK;
}

const struct cli_command k_command_profiles = {
    .name = "profiles",
    .arguments = "[NAME]",
    .summary = "list the built-in device profiles, or print one",
    .details =
        "A profile is a generation of AMT as data: versions, classes, habits of its firmware.\n"
        "Use one with `amtlab device --profile NAME`, or write a file that extends it:\n\n"
        "  amtlab-profile: 1\n"
        "  extends: amt-16.1.yaml\n"
        "  firmware: { host_name: desk7, control_mode: client }\n\n"
        "`amtlab device --print-config` lists every key.\n\n"
        "Exit codes: 0, 3 there is no such profile.\n",
    .options = k_options,
    .options_bytes = sizeof(struct profiles_options),
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run_profiles,
};
