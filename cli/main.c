#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/options.h"

/* In the order of `amtlab --help`. */
/* clang-format off */
static const struct cli_command *const k_commands[] = {
    &k_command_run,
    &k_command_list,
    &k_command_validate,
    &k_command_explain,
    &k_command_mps,
    &k_command_admin,
    &k_command_activations,
    &k_command_scan,
    &k_command_connect,
    &k_command_device,
    &k_command_profiles,
    &k_command_info,
    &k_command_power,
    &k_command_boot,
    &k_command_logs,
    &k_command_users,
    &k_command_cira,
    &k_command_wsman,
    &k_command_decode,
    &k_command_encode,
    &k_command_spec,
    &k_command_import,
    &k_command_replay,
    &k_command_report,
    &k_command_pki,
    &k_command_activate,
    &k_command_setupbin, &k_command_doctor,
    &k_command_schema,
    &k_command_completion,
    &k_command_version,
    NULL,
};
/* clang-format on */
#define COMMAND_COUNT (sizeof k_commands / sizeof k_commands[0] - 1)

const struct cli_command *const *cli_commands(void)
{
    return k_commands;
}

static void help(FILE *out)
{
    (void)fputs("amtlab: a laboratory for Intel AMT remote management: a Management Presence "
                "Server,\na simulated device, and scenarios that put either of them, or somebody "
                "else's, to the test.\n\nUsage: amtlab COMMAND [OPTION]... [ARGUMENT]...\n\n",
                out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(out, "  %-11s %s\n", k_commands[i]->name, k_commands[i]->summary);
    }
    (void)fputs("\n`amtlab COMMAND --help` tells more. Exit codes of all commands: "
                "`amtlab explain exit`.\n",
                out);
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT + 1];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = k_commands[i]->name;
    }
    names[COMMAND_COUNT] = NULL;
    int near = text_nearest(name, names);
    (void)fprintf(stderr, "amtlab: unknown command \"%s\"", name);
    if (near >= 0) {
        (void)fprintf(stderr, "; did you mean \"%s\"?", names[near]);
    }
    (void)fputs(" See: amtlab --help\n", stderr);
    return CLI_USAGE;
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
    void *options = amt_alloc(command->options_bytes);
    char **rest = amt_alloc_array((size_t)argc + 1, sizeof *rest);
    int rest_count = 0;
    int result = CLI_INTERNAL;
    if (options == NULL || rest == NULL) {
        (void)fputs("amtlab: out of memory\n", stderr);
    } else {
        result = cli_parse(command, argc, argv, options, rest, &rest_count, stderr);
        if (result < 0) {
            result = command->run(options, rest_count, rest);
        }
        cli_options_fini(command, options);
    }
    amt_free(rest);
    amt_free(options);
    return result;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help(stdout);
        return CLI_OK;
    }
    if (strcmp(name, "--version") == 0) {
        name = k_command_version.name;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, k_commands[i]->name) == 0) {
            return run_command(k_commands[i], argc - 2, argv + 2);
        }
    }
    return unknown_command(name);
}
