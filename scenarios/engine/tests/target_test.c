/* Target files, outcomes, sanity and retries (harness.md 12). */
#include "scenarios/engine/target.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unit.h"
#include "scenarios/engine/tests/play.h"

static int make_pki(void **state)
{
    *state = pki_set_new(NULL);
    return *state == NULL ? -1 : 0;
}

static int free_pki(void **state)
{
    pki_set_free(*state);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct target_file *load(const char *text, struct amt_diag_list *errors)
{
    char path[] = "/tmp/amtlab-target-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(close(descriptor), 0);
    write_file(path, text);
    struct target_file *target = target_load(path, errors);
    assert_int_equal(unlink(path), 0);
    return target;
}

#define HEAD "amtlab-target: 1\nname: Mesh\nrole: mps\naddress: 127.0.0.1:4433\n"

static void wrong_files_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct row {
        const char *text;
        uint32_t line, column;
        const char *says, *hint;
    } k_rows[] = {
        { "amtlab-target: 1\nname: M\nrole: mpss\naddress: a:1\n", 3, 7, "cannot be 'mpss'",
          "mps" },
        { "amtlab-target: 1\nname: M\nrole: mps\n", 1, 1, "needs 'address'", "host:port" },
        { "amtlab-target: 2\nname: M\nrole: mps\naddress: a:1\n", 1, 16, "version 2", "version 1" },
        { HEAD "adress: x\n", 5, 1, "unknown key 'adress'", "'address'" },
        { "amtlab-target: 1\nname: M\nrole: mps\naddress: a:99999\n", 4, 10, "", "" },
        { HEAD "error_map: { auth.refuse: { closed: {} } }\n", 5, 14, "no outcome 'auth.refuse'",
          "'auth.refused'" },
        { HEAD "error_map: { auth.refused: { clsed: {} } }\n", 5, 28, "one of msg", "" },
        { HEAD "error_map: { auth.refused: [{ msg: apf.usrauth }] }\n", 5, 36, "unknown message",
          "" },
        { HEAD "users: [{ name: a }]\n", 5, 9, "needs 'password'", "" },
        { HEAD "users: [{ name: a, password: \"${env('NO_SUCH_VARIABLE_HERE')}\" }]\n", 5, 30,
          "NO_SUCH_VARIABLE_HERE", "" },
        { HEAD "start: { command: ./run.sh }\n", 5, 19, "wanted a list", "" },
        { HEAD "tolerance: 3\n", 5, 12, "duration", "" },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct amt_diag_list errors = { 0 };
        assert_null(load(k_rows[i].text, &errors));
        assert_true(errors.count >= 1);
        assert_int_equal(errors.items[0].line, k_rows[i].line);
        assert_int_equal(errors.items[0].column, k_rows[i].column);
        assert_non_null(strstr(errors.items[0].text, k_rows[i].says));
        assert_non_null(strstr(errors.items[0].hint, k_rows[i].hint));
        amt_diag_list_fini(&errors);
    }
}

static void a_good_file_says_all_of_it(void **state)
{
    (void)state;
    struct amt_diag_list errors = { 0 };
    assert_int_equal(setenv("AMTLAB_TEST_SECRET", "s3cret-word", 1), 0);
    struct target_file *target = load(
        HEAD "version: 1.1.55\nusers: [{ name: u, password: \"${env('AMTLAB_TEST_SECRET')}\" }]\n"
             "capabilities: [cira, console.relay]\ntolerance: 200ms\n"
             "tls: { name: mps.lab, trust: roots.pem }\n"
             "start: { command: [./run.sh, -p, 4433], ready: { tcp: 4433, within: 3s },\n"
             "         stop: { signal: INT } }\n"
             "error_map: { protocol_error: { closed: { by: peer } } }\n",
        &errors);
    assert_non_null(target);
    assert_string_equal(target->name, "Mesh");
    assert_string_equal(target->version, "1.1.55");
    assert_int_equal(target->address.port, 4433);
    assert_true(target_has(target, "console.relay"));
    assert_false(target_has(target, "apf"));
    assert_int_equal(target->tolerance_us, 200000);
    assert_string_equal(target->trust, "/tmp/roots.pem");
    assert_string_equal(target->start.command[2], "4433");
    assert_null(target->start.command[3]);
    assert_int_equal(target->start.ready_within_us, 3000000);
    assert_int_equal(target->start.stop_signal, SIGINT);
    assert_string_equal(target->secrets.first->text, "s3cret-word");
    target_free(target);
    amt_diag_list_fini(&errors);
}

/* A login that is refused, and how that is expected to look. */
#define REFUSED(expectation)                                                                    \
    PLAY_HEAD "steps:\n  - actor: raw\n    do:\n      - tls.handshake: {}\n"                    \
              "      - apf.send: { type: protocol_version }\n"                                  \
              "      - apf.send: { type: service_request }\n"                                   \
              "      - expect: { msg: apf.service_accept }\n"                                   \
              "      - apf.send: { type: userauth_request, user: nobody, password: nothing }\n" \
              "      - expect: " expectation "\n"

static void an_outcome_is_what_the_specification_says(void **state)
{
    struct play play;
    assert_int_equal(play_text(&play, *state, REFUSED("{ outcome: auth.refused }"))->verdict,
                     RESULT_PASSED);
    play_end(&play);
    const struct result_case *c = play_text(&play, *state, REFUSED("{ outcome: protocol_error }"));
    assert_int_equal(c->verdict, RESULT_FAILED);
    assert_non_null(strstr(c->failure->expected, "apf.disconnect"));
    play_end(&play);
    play_load(&play, REFUSED("{ outcome: auth.refuse }"));
    assert_int_equal(play.errors.count, 1);
    assert_non_null(strstr(play.errors.items[0].hint, "auth.refused"));
    play_end(&play);
}

/* What the last stage of an outcome wants is looked at, not only the first. */
static void every_stage_of_an_outcome_counts(void **state)
{
    struct play play;
    const struct result_case *c = play_text(
        &play, *state,
        REFUSED("{ outcome: auth.refused }") "faults:\n  - { at: mps.tcp.out, when: { after: 50ms "
                                             "}, do: { delay: 0ms } }\n"
                                             "  - { at: mps.apf.out, when: { msg: userauth_failure "
                                             "}, do: { duplicate: true } }\n");
    assert_int_equal(c->verdict, RESULT_FAILED);
    assert_non_null(strstr(c->failure->message, "userauth_failure"));
    play_end(&play);
}

/* A server and a wire: what a target of which only the address is known can be asked. */
#define WIRE_HEAD                                                                     \
    "amtlab: 1\nname: a scenario of the tests\nactors:\n"                             \
    "  mps: { kind: mps, users: [{ name: ABCDEFGHIJKLMNOP, password: P@ssw0rd }] }\n" \
    "  raw: { kind: wire, to: mps }\n"

/* Two scenarios in a folder; nobody listens at the target. */
static void a_case_whose_sanity_fails_is_an_error(void **state)
{
    char folder[] = "/tmp/amtlab-sanity-XXXXXX", good[64], bad[64];
    static struct engine_target target = { .role = "mps", .address = { "127.0.0.1", 1 } };
    struct suite suite = { .case_count = 0 };
    struct amt_diag_list errors = { 0 };
    struct runner_result result = { .results = NULL };
    struct amt_diag diag = { 0 };
    assert_non_null(mkdtemp(folder));
    (void)snprintf(good, sizeof good, "%s/z-connect.yaml", folder);
    (void)snprintf(bad, sizeof bad, "%s/negative.yaml", folder);
    write_file(good, WIRE_HEAD "id: sane\nsteps:\n  - { actor: raw, tls.handshake: {} }\n");
    write_file(bad, WIRE_HEAD "id: negative\nsanity: z-connect.yaml\nspec: [{ id: APF-MPS-014 }]\n"
                              "steps:\n  - { actor: raw, tcp.connect: {}, grade: info }\n");
    assert_int_equal(suite_add(&suite, bad, NULL, &errors), AMT_OK);
    suite_add_sanity(&suite, &errors);
    assert_int_equal(errors.count, 0);
    assert_int_equal(suite.case_count, 2);
    assert_string_equal(suite.cases->id, "sane");
    struct runner_options options = {
        .engine = { .seed = 1, .command_options = "", .targets = &target, .pki = *state },
        .workers = 4
    };
    assert_int_equal(runner_run(&suite, &options, &result, &diag), AMT_OK);
    const struct result_case *c = result.results->case_first->next;
    assert_string_equal(c->id, "negative");
    assert_int_equal(c->verdict, RESULT_ERROR);
    assert_non_null(strstr(c->reason, "sane is failed"));
    assert_int_equal(c->spec_first->verdict, RESULT_ERROR);
    runner_free(&result);
    suite_free(&suite);
    amt_diag_list_fini(&errors);
    assert_int_equal(unlink(good), 0);
    assert_int_equal(unlink(bad), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void destructive_cases_spare_a_target(void **state)
{
    static struct engine_target target = { .role = "mps", .address = { "127.0.0.1", 1 } };
    static const char k_text[] =
        WIRE_HEAD "tags: [destructive]\nsteps:\n  - { actor: raw, tls.handshake: {} }\n";
    struct play play;
    for (int allowed = 0; allowed < 2; allowed++) {
        play_load(&play, k_text);
        play.pki = *state;
        play.options.targets = &target;
        play.options.allows_destructive = allowed == 1;
        play_run(&play);
        assert_int_equal(play.result.results->case_first->verdict,
                         allowed == 1 ? RESULT_FAILED : RESULT_UNSUPPORTED);
        play_end(&play);
    }
    assert_int_equal(play_text(&play, *state, k_text)->verdict, RESULT_PASSED);
    play_end(&play);
}

static void what_a_target_cannot_do_is_unsupported(void **state)
{
    struct play play;
    struct amt_diag_list errors = { 0 };
    struct target_file *file = load(HEAD "capabilities: [cira]\n", &errors);
    assert_non_null(file);
    struct engine_target target = { .role = "mps", .address = file->address, .file = file };
    play_load(&play, PLAY_HEAD "requires: [console.relay]\nsteps:\n  - { wait: 1s }\n");
    play.pki = *state;
    play.options.targets = &target;
    play_run(&play);
    assert_int_equal(play.result.results->case_first->verdict, RESULT_UNSUPPORTED);
    assert_non_null(strstr(play.result.results->case_first->reason, "console.relay"));
    play_end(&play);
    target_free(file);
    amt_diag_list_fini(&errors);
}

/* The same failure at each try: it stays one, and is said to have been tried so often. */
static void retries_are_counted(void **state)
{
    struct play play;
    struct amt_diag diag = { 0 };
    play_load(&play, PLAY_HEAD "matrix: { n: [1, 2] }\nsteps:\n  - { check: { n: 2 } }\n");
    for (int in_process = 0; in_process < 2; in_process++) {
        struct runner_options options = {
            .engine = play.options, .workers = 2, .retries = 2, .in_process = in_process == 1
        };
        options.engine.pki = *state;
        assert_int_equal(runner_run(&play.suite, &options, &play.result, &diag), AMT_OK);
        const struct result_case *c = play.result.results->case_first;
        assert_int_equal(c->verdict, RESULT_FAILED);
        assert_int_equal(c->attempts, 3);
        assert_int_equal(c->next->verdict, RESULT_PASSED);
        assert_int_equal(c->next->attempts, 1);
        runner_free(&play.result);
    }
    play_end(&play);
}

static void a_product_that_the_harness_runs_is_watched(void **state)
{
    (void)state;
    static const struct row {
        const char *command, *says; /* NULL: it goes on */
    } k_rows[] = {
        { "[sh, -c, exit 3]", "ended with status 3" },
        { "[sh, -c, 'kill -9 $$']", "ended by signal 9" },
        { "[sleep, 100]", NULL },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct amt_diag_list errors = { 0 };
        struct amt_diag diag = { 0 };
        char text[300], how[80] = "";
        (void)snprintf(text, sizeof text, HEAD "start: { command: %s }\n", k_rows[i].command);
        struct target_file *file = load(text, &errors);
        assert_non_null(file);
        struct target_process process = { .target = file, .log_path = "/dev/null" };
        assert_int_equal(target_process_start(&process, &diag), AMT_OK);
        while (k_rows[i].says != NULL && !target_process_has_ended(&process, how, sizeof how)) {
            (void)sched_yield();
        }
        if (k_rows[i].says != NULL) {
            assert_string_equal(how, k_rows[i].says);
            assert_int_equal(process.pid, 0);
        }
        target_process_stop(&process);
        assert_int_equal(process.pid, 0);
        target_free(file);
    }
}

static void a_product_that_does_not_come_up_is_an_error(void **state)
{
    (void)state;
    struct amt_diag_list errors = { 0 };
    struct amt_diag diag = { 0 };
    struct target_file *file =
        load(HEAD "start: { command: [sh, -c, exit 4], ready: { tcp: 1, within: 5s } }\n", &errors);
    assert_non_null(file);
    struct target_process process = { .target = file, .log_path = "/dev/null" };
    assert_int_equal(target_process_start(&process, &diag), AMT_ESYS);
    assert_non_null(strstr(diag.text, "ended with status 4 before it was ready"));
    target_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_are_refused_with_their_place),
        cmocka_unit_test(a_good_file_says_all_of_it),
        cmocka_unit_test(an_outcome_is_what_the_specification_says),
        cmocka_unit_test(every_stage_of_an_outcome_counts),
        cmocka_unit_test(a_case_whose_sanity_fails_is_an_error),
        cmocka_unit_test(destructive_cases_spare_a_target),
        cmocka_unit_test(what_a_target_cannot_do_is_unsupported),
        cmocka_unit_test(retries_are_counted),
        cmocka_unit_test(a_product_that_the_harness_runs_is_watched),
        cmocka_unit_test(a_product_that_does_not_come_up_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
