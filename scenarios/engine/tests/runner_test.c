#include "scenarios/engine/runner.h"

#include <signal.h>
#include <string.h>

#include "base/unit.h"
#include "scenarios/engine/tests/play.h"
#include "scenarios/report/report.h"

#define THREE_CASES                                                                             \
    PLAY_HEAD "id: t\nmatrix: { n: [1, 2, 3] }\nsteps:\n  - { actor: dev, cira.connect: {} }\n" \
              "  - { actor: mps, expect: { event: device.online } }\n"                          \
              "  - { wait: 1s }\n  - check: { n: { ne: 2 } }\n"

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

static void run_three(struct play *play, struct pki_set *pki, const struct runner_options *how)
{
    struct runner_options options = *how;
    struct amt_diag diag = { 0 };
    play_load(play, THREE_CASES);
    assert_int_equal(play->errors.count, 0);
    options.engine = play->options;
    options.engine.pki = pki;
    assert_int_equal(runner_run(&play->suite, &options, &play->result, &diag), AMT_OK);
}

/* What does not depend on real time and on the name of the temporary file. */
static void describe(const struct result_case *c, struct text *out)
{
    text_printf(out, "%s %s %llu\n", c->id, result_verdict_name(c->verdict),
                (unsigned long long)c->virtual_us);
    for (const struct result_step *step = c->step_first; step != NULL; step = step->next) {
        text_printf(out, "  %s %llu %llu\n", step->name, (unsigned long long)step->at_us,
                    (unsigned long long)step->took_us);
    }
    if (c->failure != NULL) {
        text_printf(out, "  %s: %s\n", c->failure->kind, c->failure->message);
    }
}

static void workers_and_one_process_give_the_same_results_in_the_same_order(void **state)
{
    static const struct runner_options k_ways[] = { { .in_process = true },
                                                    { .workers = 1 },
                                                    { .workers = 3 } };
    struct text texts[3] = { { 0 } };
    for (size_t i = 0; i < 3; i++) {
        struct play play;
        run_three(&play, *state, &k_ways[i]);
        assert_int_equal(play.result.results->case_count, 3);
        for (const struct result_case *c = play.result.results->case_first; c != NULL;
             c = c->next) {
            describe(c, &texts[i]);
        }
        play_end(&play);
    }
    assert_non_null(strstr(text_chars(&texts[0]), "t#n=2 failed"));
    assert_string_equal(text_chars(&texts[0]), text_chars(&texts[1]));
    assert_string_equal(text_chars(&texts[0]), text_chars(&texts[2]));
    for (size_t i = 0; i < 3; i++) {
        text_fini(&texts[i]);
    }
}

static void a_crash_is_the_error_of_its_case_and_the_run_goes_on(void **state)
{
    (void)state;
    struct play play;
    struct runner_options options = { .workers = 2 };
    struct sigaction crash = { .sa_handler = SIG_DFL };
    assert_int_equal(sigaction(SIGSEGV, &crash, NULL), 0); /* CMocka would catch it in the worker */
    run_three(&play, NULL, &options); /* without certificates a case cannot but crash */
    assert_int_equal(play.result.results->case_count, 3);
    for (const struct result_case *c = play.result.results->case_first; c != NULL; c = c->next) {
        assert_int_equal(c->verdict, RESULT_ERROR);
        assert_string_equal(c->failure->kind, "crash");
        assert_non_null(strstr(c->reason, "process"));
    }
    play_end(&play);
}

static void after_enough_bad_cases_no_further_one_is_started(void **state)
{
    struct play play;
    struct runner_options options = { .in_process = true, .fail_limit = 1 };
    run_three(&play, *state, &options);
    assert_int_equal(play.result.results->case_count, 2);
    assert_true(play.result.was_stopped);
    play_end(&play);
}

static void each_case_is_run_as_often_as_asked(void **state)
{
    struct play play;
    struct runner_options options = { .in_process = true, .repeats = 2 };
    run_three(&play, *state, &options);
    assert_int_equal(play.result.results->case_count, 6);
    const struct result_case *first = play.result.results->case_first;
    assert_string_equal(first->id, first->next->next->next->id);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_and_one_process_give_the_same_results_in_the_same_order),
        cmocka_unit_test(a_crash_is_the_error_of_its_case_and_the_run_goes_on),
        cmocka_unit_test(after_enough_bad_cases_no_further_one_is_started),
        cmocka_unit_test(each_case_is_run_as_often_as_asked),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
