/* Exit codes of run, list, validate and explain (harness.md 11.4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "cli/options.h"

#define WORDS_MAX 8

static int run_command(const struct cli_command *command, const char *const *words)
{
    char *arguments[WORDS_MAX + 1] = { NULL };
    char *rest[WORDS_MAX + 1] = { NULL };
    int count = 0, rest_count = 0;
    for (; words[count] != NULL && count < WORDS_MAX; count++) {
        arguments[count] = amt_strdup(words[count]);
        assert_non_null(arguments[count]);
    }
    void *options = amt_alloc(command->options_bytes);
    assert_non_null(options);
    int status = cli_parse(command, count, arguments, options, rest, &rest_count, stderr);
    if (status < 0) {
        status = command->run(options, rest_count, rest);
    }
    cli_options_fini(command, options);
    amt_free(options);
    for (int i = 0; i < count; i++) {
        amt_free(arguments[i]);
    }
    return status;
}

#define RUN(command, ...) run_command(&(command), (const char *const[]){ __VA_ARGS__, NULL })

static void write_text(char *path, size_t cap, const char *text)
{
    (void)snprintf(path, cap, "/tmp/amtlab-command-XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A scenario file whose only step is the one given. */
static void write_scenario(char *path, size_t cap, const char *step)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "amtlab: 1\nname: a scenario of the tests\n"
                   "actors: { mps: { kind: mps } }\nsteps: [%s]\n",
                   step);
    write_text(path, cap, text);
}

static void run_says_by_its_exit_code_what_came_of_it(void **state)
{
    (void)state;
    static const struct row {
        const char *step;
        int code;
    } k_rows[] = {
        { "{ wait: 1s }", CLI_OK },
        { "{ check: { mps.port: 1 } }", CLI_FAILED },
        { "{ check: { mps.port: 1 }, grade: should }", CLI_OK },
        { "{ nosuch: 1 }", CLI_INVALID },
        { "{ kvm.open: {} }", CLI_NOTHING },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        char path[64];
        write_scenario(path, sizeof path, k_rows[i].step);
        assert_int_equal(RUN(k_command_run, path, "--jobs", "1", "--quiet"), k_rows[i].code);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(RUN(k_command_run, "no/such/scenario"), CLI_NOTHING);
    assert_int_equal(RUN(k_command_run, "--clock", "fast"), CLI_USAGE);
    assert_int_equal(RUN(k_command_run, "--target", "nobody"), CLI_USAGE);
    assert_int_equal(RUN(k_command_run, "--target", "mps"), CLI_USAGE);
    assert_int_equal(RUN(k_command_run, "--var", "x"), CLI_USAGE);
    assert_int_equal(RUN(k_command_run, "--report", "nosuch=x"), CLI_USAGE);
}

static void strict_counts_what_should_hold(void **state)
{
    (void)state;
    char path[64];
    write_scenario(path, sizeof path, "{ check: { mps.port: 1 }, grade: should }");
    assert_int_equal(RUN(k_command_run, path, "--jobs", "1", "--quiet", "--strict"), CLI_FAILED);
    assert_int_equal(unlink(path), 0);
}

static void a_part_of_the_cases_is_run(void **state)
{
    (void)state;
    char path[64], out[] = "/tmp/amtlab-out-XXXXXX";
    write_scenario(path, sizeof path,
                   "{ check: { n: { ne: 3 } } }]\nmatrix: { n: [1, 2, 3, 4] }\ntags: [x");
    assert_non_null(mkdtemp(out));
    assert_int_equal(RUN(k_command_run, path, "--quiet", "--shard", "1/2"), CLI_FAILED);
    assert_int_equal(RUN(k_command_run, path, "--quiet", "--shard", "2/2"), CLI_OK);
    assert_int_equal(RUN(k_command_run, path, "--quiet", "--shard", "9/9"), CLI_NOTHING);
    assert_int_equal(RUN(k_command_run, path, "--quiet", "--order", "random", "--out", out),
                     CLI_FAILED);
    /* the one of four that failed, and of that no second shard */
    assert_int_equal(RUN(k_command_run, path, "--quiet", "--failed", out), CLI_FAILED);
    assert_int_equal(RUN(k_command_run, path, "--failed", out, "--shard", "2/2"), CLI_NOTHING);
    assert_int_equal(RUN(k_command_run, path, "--quiet", "--until-fail"), CLI_FAILED);
    assert_int_equal(RUN(k_command_run, path, "--shard", "3/2"), CLI_USAGE);
    assert_int_equal(RUN(k_command_run, path, "--shard", "x"), CLI_USAGE);
    assert_int_equal(RUN(k_command_run, path, "--order", "up"), CLI_USAGE);
    assert_int_equal(RUN(k_command_run, path, "--failed", "/no/such"), CLI_ENVIRONMENT);
    assert_int_equal(unlink(path), 0);
    char command[80];
    (void)snprintf(command, sizeof command, "rm -r %s", out);
    assert_int_equal(system(command), 0);
}

static void validate_and_list_find_what_is_wrong(void **state)
{
    (void)state;
    char good[64], bad[64], other[64];
    write_scenario(good, sizeof good, "{ wait: 1s }");
    write_scenario(bad, sizeof bad, "{ wiat: 1s }");
    assert_int_equal(RUN(k_command_validate, good), CLI_OK);
    assert_int_equal(RUN(k_command_validate, bad), CLI_INVALID);
    assert_int_equal(RUN(k_command_validate, "no/such"), CLI_NOTHING);
    write_text(other, sizeof other, "amtlab-expectations: 1\nentries: []\n");
    assert_int_equal(RUN(k_command_validate, other), CLI_OK);
    assert_int_equal(unlink(other), 0);
    write_text(other, sizeof other,
               "amtlab-expectations: 1\nentries: [{ id: a, expect: fail, reason: \"\" }]\n");
    assert_int_equal(RUN(k_command_validate, other), CLI_INVALID);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(RUN(k_command_list, good, "--json"), CLI_OK);
    assert_int_equal(RUN(k_command_list, bad), CLI_INVALID);
    assert_int_equal(RUN(k_command_explain, good), CLI_OK);
    assert_int_equal(unlink(good), 0);
    assert_int_equal(unlink(bad), 0);
}

static void explain_knows_verbs_events_and_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(RUN(k_command_explain, "verb", "apf.send"), CLI_OK);
    assert_int_equal(RUN(k_command_explain, "verb", "delay"), CLI_OK);
    assert_int_equal(RUN(k_command_explain, "verb", "nosuch"), CLI_NOTHING);
    assert_int_equal(RUN(k_command_explain, "verbs"), CLI_OK);
    assert_int_equal(RUN(k_command_explain, "exit", "4"), CLI_OK);
    assert_int_equal(RUN(k_command_explain, "exit", "99"), CLI_NOTHING);
    assert_int_equal(RUN(k_command_explain, "exit", "four"), CLI_USAGE);
    assert_int_equal(RUN(k_command_explain, "event"), CLI_OK);
    assert_int_equal(RUN(k_command_explain, "event", "device.online"), CLI_OK);
    assert_int_equal(RUN(k_command_explain, "event", "cira.*"), CLI_OK);
    assert_int_equal(RUN(k_command_explain, "event", "device.onlin"), CLI_NOTHING);
    assert_int_equal(RUN(k_command_explain, "what", "ever"), CLI_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_says_by_its_exit_code_what_came_of_it),
        cmocka_unit_test(strict_counts_what_should_hold),
        cmocka_unit_test(a_part_of_the_cases_is_run),
        cmocka_unit_test(validate_and_list_find_what_is_wrong),
        cmocka_unit_test(explain_knows_verbs_events_and_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
