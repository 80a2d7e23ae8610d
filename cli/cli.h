/* Subcommands, their options from one table, and the exit codes of all of them (harness.md 11.4). */
#ifndef AMTLAB_CLI_CLI_H
#define AMTLAB_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* a case failed, passed unexpectedly, or an objective was missed */
    CLI_USAGE = 2,
    CLI_INVALID = 3,     /* scenario, profile, configuration or input file */
    CLI_ENVIRONMENT = 4, /* cannot bind, resolve, connect, read keys; target unreachable */
    CLI_NOTHING = 5,     /* nothing selected */
    CLI_NOT_VALID = 6,   /* the result does not count: the harness lagged, the clock jumped */
    CLI_UNFINISHED = 7,  /* the server left before it said how it ended */
    CLI_INTERNAL = 70,
    CLI_DEADLINE = 124,
    CLI_INTERRUPTED = 130,
    CLI_TERMINATED = 143
};

enum cli_option_kind {
    CLI_FLAG,    /* bool */
    CLI_TEXT,    /* const char *, points into argv or the environment */
    CLI_TEXTS,   /* struct cli_texts, repeated flags add */
    CLI_NUMBER,  /* uint64_t */
    CLI_DURATION /* uint64_t microseconds */
};
struct cli_texts {
    const char **items;
    uint32_t count;
};
struct cli_option {
    const char *name; /* "listen" for --listen; also AMTLAB_LISTEN in the environment */
    char letter;      /* 'v' for -v, 0 for none */
    enum cli_option_kind kind;
    size_t offset;          /* in the command's options struct */
    const char *value_name; /* "HOST:PORT" */
    const char *fallback;   /* default as text, or NULL */
    const char *help;
};
struct cli_command {
    const char *name;                 /* "mps" */
    const char *arguments;            /* "[PATH|ID|GLOB]..." or "" */
    const char *summary;              /* one line */
    const char *details;              /* paragraphs of --help: what it does, examples, exit codes */
    const struct cli_option *options; /* ends with a NULL name */
    size_t options_bytes;             /* size of the options struct; it is zeroed, then filled */
    uint32_t arguments_min, arguments_max;
    /* returns an enum cli_exit */
    int (*run)(const void *options, int argument_count, char **arguments);
};

/* All of them in the order of `amtlab --help`, NULL at the end; of cli/main.c. */
const struct cli_command *const *cli_commands(void);

/* One per cli/<command>.c, listed in cli/main.c. */
extern const struct cli_command k_command_mps, k_command_device, k_command_connect, k_command_run,
    k_command_list, k_command_validate, k_command_explain, k_command_decode, k_command_encode,
    k_command_spec, k_command_admin, k_command_report, k_command_version, k_command_wsman,
    k_command_power, k_command_boot, k_command_info, k_command_logs, k_command_users,
    k_command_cira, k_command_profiles, k_command_pki, k_command_activate, k_command_activations,
    k_command_scan, k_command_setupbin, k_command_import, k_command_replay, k_command_schema,
    k_command_completion, k_command_doctor;

#endif
