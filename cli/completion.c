/* `amtlab completion`: completion scripts for shells, from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

/* Commands whose arguments are scenarios. */
static bool takes_scenarios(const struct cli_command *command)
{
    return strstr(command->arguments, "PATH|ID|GLOB") != NULL ||
           strncmp(command->arguments, "ID", 2) == 0;
}

/* "auto|virtual|real" are words to choose from, "HOST:PORT" is not. */
static bool has_words(const struct cli_option *option)
{
    return option->value_name != NULL && strchr(option->value_name, '|') != NULL &&
           strpbrk(option->value_name, "[]<>= ") == NULL && option->value_name[0] >= 'a' &&
           option->value_name[0] <= 'z';
}

static void put_words(const struct cli_option *option, struct text *out)
{
    for (const char *p = option->value_name; *p != '\0'; p++) {
        text_printf(out, "%c", *p == '|' ? ' ' : *p);
    }
}

/* Within single quotes of a shell; also: characters that get a backslash there. */
static void put_quoted(struct text *out, const char *chars, const char *also)
{
    for (; *chars != '\0'; chars++) {
        if (*chars == '\'') {
            text_puts(out, "'\\''");
        } else {
            text_printf(out, "%s%c", strchr(also, *chars) != NULL ? "\\" : "", *chars);
        }
    }
}

static void put_names(struct text *out, bool (*wanted)(const struct cli_command *command),
                      const char *between)
{
    const char *separator = "";
    for (const struct cli_command *const *c = cli_commands(); *c != NULL; c++) {
        if (wanted == NULL || wanted(*c)) {
            text_printf(out, "%s%s", separator, (*c)->name);
            separator = between;
        }
    }
}

/* Arguments that are words to choose from: "[scenario|profile]". */
static void bash_arguments(const struct cli_command *command, struct text *out)
{
    const char *p = command->arguments;
    if (strchr(p, '|') == NULL || strspn(p, "[]|abcdefghijklmnopqrstuvwxyz") != strlen(p)) {
        return;
    }
    text_printf(out, "  %s) words='", command->name);
    for (; *p != '\0'; p++) {
        if (*p != '[' && *p != ']') {
            text_printf(out, "%c", *p == '|' ? ' ' : *p);
        }
    }
    text_puts(out, "'; COMPREPLY+=($(compgen -W \"$words\" -- \"$current\")) ;;\n");
}

static void bash_options(const struct cli_command *command, struct text *out)
{
    text_printf(out, "    %s) options='--help", command->name);
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        text_printf(out, " --%s", option->name);
    }
    text_puts(out, "' ;;\n");
}

static void bash_values(const struct cli_command *command, struct text *out)
{
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        if (option->kind == CLI_FLAG) {
            continue;
        }
        text_printf(out, "    '%s --%s') ", command->name, option->name);
        if (has_words(option)) {
            text_puts(out, "words='");
            put_words(option, out);
            text_puts(out, "' ;;\n");
        } else {
            text_puts(out, "takes_file=1 ;;\n");
        }
    }
}

static void bash(struct text *out)
{
    text_puts(out,
              "# bash completion of amtlab: source it, or put it into\n"
              "# ~/.local/share/bash-completion/completions/amtlab\n"
              "_amtlab() {\n"
              "  local current=\"${COMP_WORDS[COMP_CWORD]}\" command=\"${COMP_WORDS[1]}\"\n"
              "  local before=\"${COMP_WORDS[COMP_CWORD-1]}\" options='' words='' takes_file=''\n"
              "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
              "    COMPREPLY=($(compgen -W '");
    put_names(out, NULL, " ");
    text_puts(out, "' -- \"$current\"))\n    return\n  fi\n  case \"$command\" in\n");
    for (const struct cli_command *const *c = cli_commands(); *c != NULL; c++) {
        bash_options(*c, out);
    }
    text_puts(out, "  esac\n  case \"$command $before\" in\n");
    for (const struct cli_command *const *c = cli_commands(); *c != NULL; c++) {
        bash_values(*c, out);
    }
    text_puts(out, "  esac\n"
                   "  if [ -n \"$words\" ]; then\n"
                   "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                   "    return\n"
                   "  fi\n"
                   "  case \"$current\" in\n"
                   "  -*) COMPREPLY=($(compgen -W \"$options\" -- \"$current\")); return ;;\n"
                   "  esac\n"
                   "  COMPREPLY=($(compgen -f -- \"$current\"))\n"
                   "  [ -n \"$takes_file\" ] && return\n"
                   "  case \"$command\" in\n  ");
    put_names(out, takes_scenarios, "|");
    text_puts(out,
              ")\n"
              "    words=$(amtlab list 2>/dev/null | sed -n 's/^\\([^ ]*\\) .*[0-9]  .*/\\1/p')\n"
              "    COMPREPLY+=($(compgen -W \"$words\" -- \"$current\")) ;;\n");
    for (const struct cli_command *const *c = cli_commands(); *c != NULL; c++) {
        bash_arguments(*c, out);
    }
    text_puts(out, "  esac\n"
                   "}\n"
                   "complete -o filenames -F _amtlab amtlab\n");
}

static void zsh_option(const struct cli_option *option, struct text *out)
{
    text_printf(out, "        '%s--%s[", option->kind == CLI_TEXTS ? "*" : "", option->name);
    put_quoted(out, option->help, "[]:\\");
    text_puts(out, "]");
    if (has_words(option)) {
        text_puts(out, ":value:(");
        put_words(option, out);
        text_puts(out, ")");
    } else if (option->kind != CLI_FLAG) {
        text_puts(out, ":value:_files");
    }
    text_puts(out, "' \\\n");
}

static void zsh(struct text *out)
{
    text_puts(out, "#compdef amtlab\n"
                   "# zsh completion of amtlab: a file _amtlab in a folder of $fpath\n"
                   "_amtlab_scenarios() {\n"
                   "  local -a ids\n"
                   "  ids=(${(f)\"$(amtlab list 2>/dev/null | sed -n 's/^\\([^ ]*\\) .*[0-9]  "
                   ".*/\\1/p')\"})\n"
                   "  compadd -a ids\n"
                   "  _files\n"
                   "}\n"
                   "_amtlab() {\n"
                   "  local -a commands\n"
                   "  commands=(\n");
    for (const struct cli_command *const *c = cli_commands(); *c != NULL; c++) {
        text_printf(out, "    '%s:", (*c)->name);
        put_quoted(out, (*c)->summary, ":\\");
        text_puts(out, "'\n");
    }
    text_puts(out, "  )\n"
                   "  if (( CURRENT == 2 )); then\n"
                   "    _describe command commands\n"
                   "    return\n"
                   "  fi\n"
                   "  local command=$words[2]\n"
                   "  shift words\n"
                   "  (( CURRENT-- ))\n"
                   "  case $command in\n");
    for (const struct cli_command *const *c = cli_commands(); *c != NULL; c++) {
        text_printf(out, "    %s)\n      _arguments \\\n", (*c)->name);
        for (const struct cli_option *option = (*c)->options; option->name != NULL; option++) {
            zsh_option(option, out);
        }
        text_printf(out, "        '--help[how it is used]' '*:argument:%s' ;;\n",
                    takes_scenarios(*c) ? "_amtlab_scenarios" : "_files");
    }
    text_puts(out, "  esac\n}\n_amtlab \"$@\"\n");
}

static void fish_option(const struct cli_command *command, const struct cli_option *option,
                        struct text *out)
{
    text_printf(out, "complete -c amtlab -n '__fish_seen_subcommand_from %s' -l %s -d '",
                command->name, option->name);
    put_quoted(out, option->help, "\\");
    text_puts(out, "'");
    if (has_words(option)) {
        text_puts(out, " -x -a '");
        put_words(option, out);
        text_puts(out, "'");
    } else if (option->kind != CLI_FLAG) {
        text_puts(out, " -r -F");
    }
    text_puts(out, "\n");
}

static void fish(struct text *out)
{
    text_puts(out, "# fish completion of amtlab: ~/.config/fish/completions/amtlab.fish\n");
    for (const struct cli_command *const *c = cli_commands(); *c != NULL; c++) {
        text_printf(out, "complete -c amtlab -n __fish_use_subcommand -f -a %s -d '", (*c)->name);
        put_quoted(out, (*c)->summary, "\\");
        text_puts(out, "'\n");
        for (const struct cli_option *option = (*c)->options; option->name != NULL; option++) {
            fish_option(*c, option, out);
        }
        if (takes_scenarios(*c)) {
            text_printf(out,
                        "complete -c amtlab -n '__fish_seen_subcommand_from %s' -a '(amtlab list "
                        "2>/dev/null | string match -r \"^[a-z0-9]\\S*/\\S+\")'\n",
                        (*c)->name);
        }
    }
}

struct completion_options {
    bool unused;
};
static const struct cli_option k_options[] = { { .name = NULL } };

static int run_completion(const void *options, int argument_count, char **arguments)
{
    static const struct shell {
        const char *name;
        void (*write)(struct text *out);
    } k_shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };
    (void)options;
    (void)argument_count;
    for (size_t i = 0; i < sizeof k_shells / sizeof k_shells[0]; i++) {
        if (strcmp(k_shells[i].name, arguments[0]) == 0) {
            struct text out = { 0 };
            k_shells[i].write(&out);
            (void)fputs(text_chars(&out), stdout);
            text_fini(&out);
            return fflush(stdout) == 0 ? CLI_OK : CLI_ENVIRONMENT;
        }
    }
    (void)fprintf(stderr, "amtlab completion: '%s' is not bash, zsh or fish\n", arguments[0]);
    return CLI_USAGE;
}

const struct cli_command k_command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "print the completion script of a shell",
    .details = "Completes commands, options, their words, files and ids of scenarios.\n\n"
               "  source <(amtlab completion bash)\n"
               "  amtlab completion zsh > ~/.zfunc/_amtlab\n"
               "  amtlab completion fish > ~/.config/fish/completions/amtlab.fish\n\n"
               "Exit codes: 0, 2 usage, 4 it could not be written.",
    .options = k_options,
    .options_bytes = sizeof(struct completion_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_completion
};
