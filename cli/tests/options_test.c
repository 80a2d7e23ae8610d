#include <stdlib.h>
#include <string.h>

#include "base/unit.h"
#include "cli/options.h"

struct sample {
    bool verbose;
    const char *listen;
    struct cli_texts sets;
    uint64_t count, limit_us;
};

static const struct cli_option k_options[] = {
    { "verbose", 'v', CLI_FLAG, offsetof(struct sample, verbose), "", NULL, "say more" },
    { "listen", 0, CLI_TEXT, offsetof(struct sample, listen), "HOST:PORT", "127.0.0.1:1", "where" },
    { "set", 0, CLI_TEXTS, offsetof(struct sample, sets), "K=V", NULL, "a key" },
    { "test-count", 'n', CLI_NUMBER, offsetof(struct sample, count), "N", "3", "how many" },
    { "limit", 0, CLI_DURATION, offsetof(struct sample, limit_us), "TIME", "30s", "how long" },
    { .name = NULL },
};
static const struct cli_command k_command = {
    .name = "sample",
    .arguments = "FILE",
    .summary = "A sample.",
    .options = k_options,
    .options_bytes = sizeof(struct sample),
    .arguments_max = 2,
};

struct parsed {
    struct sample options;
    char *rest[8];
    int rest_count, result;
    char error[400];
};

static void parse(struct parsed *p, int argc, const char *const *words)
{
    char *argv[8];
    for (int i = 0; i < argc; i++) {
        argv[i] = (char *)(uintptr_t)words[i];
    }
    memset(p, 0, sizeof *p);
    FILE *err = fmemopen(p->error, sizeof p->error - 1, "w");
    assert_non_null(err);
    p->result = cli_parse(&k_command, argc, argv, &p->options, p->rest, &p->rest_count, err);
    assert_int_equal(fclose(err), 0);
}

static void defaults_hold_until_something_else_is_said(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, 0, NULL);
    assert_int_equal(p.result, -1);
    assert_string_equal(p.options.listen, "127.0.0.1:1");
    assert_true(p.options.count == 3 && p.options.limit_us == 30000000);
    assert_false(p.options.verbose);
}

static void every_form_of_an_option_is_taken(void **state)
{
    (void)state;
    static const char *const k_words[] = { "-v",      "--listen=:0", "--set", "a=1",
                                           "--set=b", "-n5",         "file",  "--limit=2m" };
    struct parsed p;
    parse(&p, 8, k_words);
    assert_int_equal(p.result, -1);
    assert_true(p.options.verbose);
    assert_string_equal(p.options.listen, ":0");
    assert_int_equal(p.options.sets.count, 2);
    assert_string_equal(p.options.sets.items[1], "b");
    assert_true(p.options.count == 5 && p.options.limit_us == 120000000);
    assert_int_equal(p.rest_count, 1);
    assert_string_equal(p.rest[0], "file");
    cli_options_fini(&k_command, &p.options);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    static const char *const k_words[] = { "--", "--listen" };
    struct parsed p;
    parse(&p, 2, k_words);
    assert_int_equal(p.result, -1);
    assert_string_equal(p.rest[0], "--listen");
}

static void mistakes_are_told_with_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        int count;
        const char *says;
    } k_cases[] = {
        { { "--lisen", "x" }, 2, "did you mean --listen?" },
        { { "--nothing-like-it" },
          1,
          "unknown option --nothing-like-it See: amtlab sample --help" },
        { { "-x" }, 1, "unknown option -x" },
        { { "--listen" }, 1, "--listen needs a value" },
        { { "--limit", "10" }, 2, "is not a duration with its unit" },
        { { "--test-count=many" }, 1, "\"many\" for --test-count is not a whole number" },
        { { "a", "b", "c" }, 3, "too many arguments" },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct parsed p;
        parse(&p, k_cases[i].count, k_cases[i].words);
        assert_int_equal(p.result, CLI_USAGE);
        if (strstr(p.error, k_cases[i].says) == NULL) {
            fail_msg("wanted \"%s\" in: %s", k_cases[i].says, p.error);
        }
    }
}

static void the_environment_stands_between_default_and_command_line(void **state)
{
    (void)state;
    static const char *const k_words[] = { "-n", "9" };
    struct parsed p;
    assert_int_equal(setenv("AMTLAB_TEST_COUNT", "7", 1), 0);
    parse(&p, 0, NULL);
    assert_true(p.options.count == 7);
    parse(&p, 2, k_words);
    assert_true(p.options.count == 9);
    assert_int_equal(setenv("AMTLAB_TEST_COUNT", "seven", 1), 0);
    parse(&p, 0, NULL);
    assert_int_equal(p.result, CLI_USAGE);
    assert_non_null(strstr(p.error, "environment's value \"seven\" for --test-count"));
    assert_int_equal(unsetenv("AMTLAB_TEST_COUNT"), 0);
}

static void help_shows_every_option_with_its_default(void **state)
{
    (void)state;
    char help[2000] = "";
    FILE *out = fmemopen(help, sizeof help - 1, "w");
    cli_help(&k_command, out);
    assert_int_equal(fclose(out), 0);
    for (const struct cli_option *option = k_options; option->name != NULL; option++) {
        assert_non_null(strstr(help, option->name));
        assert_non_null(strstr(help, option->help));
    }
    assert_non_null(strstr(help, "[127.0.0.1:1]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_until_something_else_is_said),
        cmocka_unit_test(every_form_of_an_option_is_taken),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(mistakes_are_told_with_what_to_do),
        cmocka_unit_test(the_environment_stands_between_default_and_command_line),
        cmocka_unit_test(help_shows_every_option_with_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
