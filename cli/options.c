#include "cli/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define NAMES_MAX 64

static void *member(void *out, const struct cli_option *option)
{
    return (char *)out + option->offset;
}

static bool add_text(struct cli_texts *texts, const char *value)
{
    const char **items = amt_resize(texts->items, (texts->count + 1) * sizeof *items);
    if (items == NULL) {
        return false;
    }
    items[texts->count++] = value;
    texts->items = items;
    return true;
}

/* False when value is no value for the option. */
static bool set_option(const struct cli_option *option, void *out, const char *value)
{
    void *place = member(out, option);
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)place = strcmp(value, "false") != 0 && strcmp(value, "0") != 0;
        return true;
    case CLI_TEXT:
        *(const char **)place = value;
        return true;
    case CLI_TEXTS:
        return add_text(place, value);
    case CLI_NUMBER:
        return text_parse_u64(value, UINT64_MAX, place) == AMT_OK;
    case CLI_DURATION:
        return text_parse_duration(value, place) == AMT_OK;
    }
    return false;
}

static const char *wants(const struct cli_option *option)
{
    switch (option->kind) {
    case CLI_NUMBER:
        return "a whole number";
    case CLI_DURATION:
        return "a duration with its unit, such as 500ms, 30s or 2m";
    case CLI_FLAG:
    case CLI_TEXT:
    case CLI_TEXTS:
        break;
    }
    return "a value";
}

static const char *from_environment(const struct cli_option *option)
{
    char name[80] = "AMTLAB_";
    size_t at = strlen(name);
    for (const char *p = option->name; *p != '\0' && at + 1 < sizeof name; p++) {
        name[at++] = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
    }
    name[at] = '\0';
    return getenv(name);
}

static int set_defaults(const struct cli_command *command, void *out, FILE *err)
{
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        const char *value = from_environment(option);
        if (value == NULL) {
            value = option->fallback;
        }
        if (value != NULL && !set_option(option, out, value)) {
            (void)fprintf(err, "amtlab %s: the environment's value \"%s\" for --%s is not %s\n",
                          command->name, value, option->name, wants(option));
            return CLI_USAGE;
        }
    }
    return -1;
}

static const struct cli_option *find_long(const struct cli_command *command, const char *name,
                                          size_t len)
{
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0) {
            return option;
        }
    }
    return NULL;
}

static const struct cli_option *find_letter(const struct cli_command *command, char letter)
{
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        if (option->letter != 0 && option->letter == letter) {
            return option;
        }
    }
    return NULL;
}

static int unknown_option(const struct cli_command *command, const char *word, FILE *err)
{
    const char *names[NAMES_MAX + 1];
    int count = 0;
    for (const struct cli_option *o = command->options; o->name != NULL && count < NAMES_MAX; o++) {
        names[count++] = o->name;
    }
    names[count] = NULL;
    const char *bare = word + strspn(word, "-");
    int near = text_nearest(bare, names);
    (void)fprintf(err, "amtlab %s: unknown option %s", command->name, word);
    if (near >= 0) {
        (void)fprintf(err, "; did you mean --%s?", names[near]);
    }
    (void)fprintf(err, " See: amtlab %s --help\n", command->name);
    return CLI_USAGE;
}

/* One option word at argv[*at]; moves *at over a separate value. */
static int take_option(const struct cli_command *command, int argc, char **argv, int *at, void *out,
                       FILE *err)
{
    const char *word = argv[*at];
    const struct cli_option *option = NULL;
    const char *value = NULL;
    if (word[1] == '-') {
        const char *equals = strchr(word, '=');
        size_t len = equals == NULL ? strlen(word + 2) : (size_t)(equals - word - 2);
        option = find_long(command, word + 2, len);
        value = equals == NULL ? NULL : equals + 1;
    } else {
        option = find_letter(command, word[1]);
        value = word[2] == '\0' ? NULL : word + 2;
    }
    if (option == NULL) {
        return unknown_option(command, word, err);
    }
    if (option->kind == CLI_FLAG && value == NULL) {
        value = "true";
    } else if (value == NULL) {
        if (*at + 1 >= argc) {
            (void)fprintf(err, "amtlab %s: --%s needs %s. See: amtlab %s --help\n", command->name,
                          option->name, wants(option), command->name);
            return CLI_USAGE;
        }
        *at += 1;
        value = argv[*at];
    }
    if (!set_option(option, out, value)) {
        (void)fprintf(err, "amtlab %s: \"%s\" for --%s is not %s\n", command->name, value,
                      option->name, wants(option));
        return CLI_USAGE;
    }
    return -1;
}

static int check_count(const struct cli_command *command, int count, FILE *err)
{
    if ((uint32_t)count < command->arguments_min) {
        (void)fprintf(err, "amtlab %s: missing argument. Usage: amtlab %s [OPTION]... %s\n",
                      command->name, command->name, command->arguments);
        return CLI_USAGE;
    }
    if ((uint32_t)count > command->arguments_max) {
        (void)fprintf(err, "amtlab %s: too many arguments. Usage: amtlab %s [OPTION]... %s\n",
                      command->name, command->name, command->arguments);
        return CLI_USAGE;
    }
    return -1;
}

int cli_parse(const struct cli_command *command, int argc, char **argv, void *out, char **rest,
              int *rest_count, FILE *err)
{
    memset(out, 0, command->options_bytes);
    *rest_count = 0;
    int result = set_defaults(command, out, err);
    bool options_ended = false;
    for (int at = 0; result < 0 && at < argc; at++) {
        char *word = argv[at];
        bool is_option = !options_ended && word[0] == '-' && word[1] != '\0';
        if (!is_option) {
            rest[(*rest_count)++] = word;
        } else if (strcmp(word, "--") == 0) {
            options_ended = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            cli_help(command, stdout);
            result = CLI_OK;
        } else {
            result = take_option(command, argc, argv, &at, out, err);
        }
    }
    return result >= 0 ? result : check_count(command, *rest_count, err);
}

void cli_options_fini(const struct cli_command *command, void *out)
{
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        if (option->kind == CLI_TEXTS) {
            struct cli_texts *texts = member(out, option);
            amt_free(texts->items);
            memset(texts, 0, sizeof *texts);
        }
    }
}

static void help_option(const struct cli_option *option, FILE *out)
{
    char left[64];
    char letter[8] = "    ";
    if (option->letter != 0) {
        (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    }
    const char *value = option->kind == CLI_FLAG ? "" : option->value_name;
    (void)snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name,
                   value[0] == '\0' ? "" : " ", value);
    (void)fprintf(out, "  %-34s %s", left, option->help);
    if (option->fallback != NULL && option->fallback[0] != '\0') {
        (void)fprintf(out, " [%s]", option->fallback);
    }
    (void)fputc('\n', out);
}

void cli_help(const struct cli_command *command, FILE *out)
{
    (void)fprintf(out, "%s\n\nUsage: amtlab %s [OPTION]... %s\n\nOptions:\n", command->summary,
                  command->name, command->arguments);
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        help_option(option, out);
    }
    (void)fprintf(out, "  %-34s %s\n", "-h, --help", "show this text");
    if (command->details != NULL && command->details[0] != '\0') {
        (void)fprintf(out, "\n%s", command->details);
    }
    (void)fputs("\nEvery option can also be given in the environment: --listen as AMTLAB_LISTEN.\n",
                out);
}
