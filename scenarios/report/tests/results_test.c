#include "scenarios/report/results.h"

#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "sample.h"

static void lists_keep_the_order_of_adding(void **state)
{
    (void)state;
    struct results *results = results_new();
    struct result_case *a = results_add_case(results, "a");
    (void)results_add_case(results, "b");
    (void)result_add_step(results, a, "first");
    (void)result_add_step(results, a, "second");
    assert_string_equal(results->case_first->id, "a");
    assert_string_equal(results->case_first->next->id, "b");
    assert_ptr_equal(results->case_last, results->case_first->next);
    assert_int_equal(results->case_count, 2);
    assert_int_equal(a->step_first->n, 1);
    assert_int_equal(a->step_last->n, 2);
    assert_string_equal(a->step_last->name, "second");
    assert_string_equal(a->repro, "");
    assert_null(a->failure);
    results_free(results);
}

static void texts_are_copies_and_never_null(void **state)
{
    (void)state;
    struct results *results = results_new();
    char text[] = "abc";
    const char *copy = results_text(results, text);
    text[0] = 'x';
    assert_string_equal(copy, "abc");
    assert_string_equal(results_text(results, NULL), "");
    assert_string_equal(results_text_n(results, "abcdef", 2), "ab");
    assert_string_equal(results_printf(results, "%s-%d", "n", 7), "n-7");
    assert_null(results_bytes(results, NULL, 0));
    assert_memory_equal(results_bytes(results, "\0\1", 2), "\0\1", 2);
    results_free(results);
}

static void without_memory_elements_are_spare_and_failure_sticks(void **state)
{
    (void)state;
    struct results *results = results_new();
    struct result_case *before = results_add_case(results, "before");
    results->failed = true; /* as an allocation leaves it */
    struct result_case *c = results_add_case(results, "lost");
    struct result_step *step = result_add_step(results, c, "lost step");
    struct result_failure *failure = result_set_failure(results, before, "k", "m");
    assert_non_null(c);
    assert_non_null(step);
    (void)result_add_wire(results, failure, "a", "b", "xyz", 3);
    (void)result_add_event(results, c, "a", "b", "apf", "m");
    result_add_metric(results, c, "n", 1);
    assert_int_equal(results->case_count, 1);
    assert_null(results->case_first->next);
    assert_null(c->step_first);
    assert_null(before->failure);
    assert_true(results->failed);
    results_free(results);
}

static void every_failing_allocation_is_noticed_and_nothing_leaks(void **state)
{
    (void)state;
    static char large[9000];
    memset(large, 'x', sizeof large - 1);
    bool is_complete = false;
    for (uint64_t k = 1; !is_complete; k++) {
        assert_true(k < 100);
        amt_memory_fail_after(k);
        struct results *results = results_new();
        if (results != NULL) {
            struct result_case *c = results_add_case(results, large);
            result_add_spec(results, c, large, RESULT_MUST)->text = results_text(results, large);
            (void)result_add_fault(results, c, large, large);
            results_add_source(results, large, large);
        }
        amt_memory_fail_after(0);
        is_complete = results != NULL && !results->failed;
        results_free(results);
    }
}

static void verdict_names_go_there_and_back(void **state)
{
    (void)state;
    for (int i = 0; i < RESULT_VERDICT_COUNT; i++) {
        enum result_verdict verdict = RESULT_ERROR;
        assert_true(result_verdict_parse(result_verdict_name((enum result_verdict)i), &verdict));
        assert_int_equal(verdict, i);
        assert_true(strlen(result_verdict_meaning(verdict)) > 0);
    }
    enum result_level level = RESULT_MAY;
    assert_true(result_level_parse("should", &level));
    assert_int_equal(level, RESULT_SHOULD);
    assert_false(result_level_parse("Must", &level));
    assert_int_equal(level, RESULT_SHOULD);
    enum result_verdict verdict = RESULT_FLAKY;
    assert_false(result_verdict_parse("", &verdict));
    assert_int_equal(verdict, RESULT_FLAKY);
    assert_string_equal(result_step_verdict_name(RESULT_STEP_NOT_REACHED), "not_reached");
}

static void only_strict_runs_mind_should_and_flaky(void **state)
{
    (void)state;
    static const struct {
        enum result_verdict verdict;
        bool bad, bad_if_strict;
    } k_rows[] = { { RESULT_PASSED, false, false },
                   { RESULT_INFO, false, false },
                   { RESULT_NOT_STRICT, false, true },
                   { RESULT_KNOWN_FAILURE, false, false },
                   { RESULT_FLAKY, false, true },
                   { RESULT_UNSUPPORTED, false, false },
                   { RESULT_UNEXPECTED_PASS, true, true },
                   { RESULT_FAILED, true, true },
                   { RESULT_ERROR, true, true } };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        assert_int_equal(result_verdict_is_bad(k_rows[i].verdict, false), k_rows[i].bad);
        assert_int_equal(result_verdict_is_bad(k_rows[i].verdict, true), k_rows[i].bad_if_strict);
    }
}

static void totals_count_each_verdict(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct results_totals totals;
    results_count(results, &totals);
    assert_int_equal(totals.cases, 9);
    assert_int_equal(totals.bad, 3);
    for (size_t i = 0; i < RESULT_VERDICT_COUNT; i++) {
        assert_int_equal(totals.by_verdict[i], 1);
    }
    results->run.strict = true;
    results_count(results, &totals);
    assert_int_equal(totals.bad, 5);
    results_free(results);
}

static void a_requirement_has_the_worst_verdict_of_its_cases(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct results_spec *specs = NULL;
    uint32_t count = 0;
    assert_true(results_specs(results, &specs, &count));
    assert_int_equal(count, 4);
    assert_string_equal(specs[0].id, "APF-COM-004");
    assert_string_equal(specs[1].id, "APF-MPS-021");
    assert_int_equal(specs[1].verdict, RESULT_FAILED);
    assert_int_equal(specs[1].cases, 2);
    assert_int_equal(specs[1].passed, 1);
    assert_int_equal(specs[1].level, RESULT_MUST);
    assert_int_equal(specs[2].verdict, RESULT_PASSED);
    assert_string_equal(specs[2].text, "Good credentials: exactly one USERAUTH_SUCCESS byte.");
    amt_free(specs);
    results_free(results);
}

static void sources_are_kept_once_and_read_by_line(void **state)
{
    (void)state;
    struct results *results = results_new();
    results_add_source(results, "a.yaml", "one\r\n\nthree");
    results_add_source(results, "a.yaml", "other");
    const char *source = results_source(results, "a.yaml");
    size_t len = 0;
    assert_memory_equal(result_line_at(source, 1, &len), "one", 3);
    assert_int_equal(len, 3);
    assert_non_null(result_line_at(source, 2, &len));
    assert_int_equal(len, 0);
    assert_memory_equal(result_line_at(source, 3, &len), "three", 5);
    assert_null(result_line_at(source, 4, &len));
    assert_null(result_line_at(source, 0, &len));
    assert_null(results_source(results, "b.yaml"));
    results_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_keep_the_order_of_adding),
        cmocka_unit_test(texts_are_copies_and_never_null),
        cmocka_unit_test(without_memory_elements_are_spare_and_failure_sticks),
        cmocka_unit_test(every_failing_allocation_is_noticed_and_nothing_leaks),
        cmocka_unit_test(verdict_names_go_there_and_back),
        cmocka_unit_test(only_strict_runs_mind_should_and_flaky),
        cmocka_unit_test(totals_count_each_verdict),
        cmocka_unit_test(a_requirement_has_the_worst_verdict_of_its_cases),
        cmocka_unit_test(sources_are_kept_once_and_read_by_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
