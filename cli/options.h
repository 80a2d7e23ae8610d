/* Parsing of a subcommand's options from its table, and its --help. */
#ifndef AMTLAB_CLI_OPTIONS_H
#define AMTLAB_CLI_OPTIONS_H

#include <stdio.h>

#include "cli/cli.h"

/*
 * Fills out (command->options_bytes, zeroed first) from the defaults, the environment
 * (AMTLAB_<NAME>, upper case, '-' as '_') and argv[0, argc), the later winning. What is no option goes
 * to rest (room for argc entries), *rest_count counts it. "--" ends the options.
 *
 * Returns -1 to go on; CLI_OK after --help (printed to stdout); CLI_USAGE after one line on err.
 */
int cli_parse(const struct cli_command *command, int argc, char **argv, void *out, char **rest,
              int *rest_count, FILE *err);
/* Frees the lists that cli_parse made. */
void cli_options_fini(const struct cli_command *command, void *out);
void cli_help(const struct cli_command *command, FILE *out);

#endif
