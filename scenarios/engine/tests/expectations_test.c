/* Expectation files (harness.md 12.2): what they accept, what they make of verdicts, when they are stale. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/unit.h"
#include "scenarios/engine/expectations.h"

#define TODAY "2026-06-15"

static struct expectations *load(const char *text, struct amt_diag_list *errors)
{
    char path[] = "/tmp/amtlab-expectations-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_true(write(descriptor, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(close(descriptor), 0);
    struct expectations *expectations = expectations_load(path, TODAY, errors);
    assert_int_equal(unlink(path), 0);
    return expectations;
}

#define HEAD "amtlab-expectations: 1\ntarget: Mesh >= 1.1.50\nentries:\n"

static void wrong_files_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct row {
        const char *text;
        uint32_t line, column;
        const char *says;
    } k_rows[] = {
        { HEAD "  - { id: a, expect: fail, reason: \"\" }\n", 4, 36, "'reason' is empty" },
        { HEAD "  - { id: a, expect: fail, reason: \" \" }\n", 4, 36, "'reason' is empty" },
        { HEAD "  - { id: a, expect: fail }\n", 4, 5, "needs 'reason'" },
        { HEAD "  - { id: a, expect: fails, reason: x }\n", 4, 22, "cannot be 'fails'" },
        { HEAD "  - { id: a, expect: fail, reason: x, untill: 1 }\n", 4, 39, "unknown key" },
        { HEAD "  - { id: a, expect: fail, reason: x, until: soon }\n", 4, 46, "wants a day" },
        { "amtlab-expectations: 2\nentries: []\n", 1, 22, "version" },
        { "amtlab-expectations: 1\n", 1, 1, "needs 'entries'" },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct amt_diag_list errors = { 0 };
        assert_null(load(k_rows[i].text, &errors));
        assert_int_equal(errors.count, 1);
        assert_int_equal(errors.items[0].line, k_rows[i].line);
        assert_int_equal(errors.items[0].column, k_rows[i].column);
        assert_non_null(strstr(errors.items[0].text, k_rows[i].says));
        amt_diag_list_fini(&errors);
    }
}

static enum result_verdict judged(struct expectations *expectations, struct results *results,
                                  const char *id, enum result_verdict verdict, const char *message)
{
    struct result_case *c = results_add_case(results, id);
    c->verdict = verdict;
    if (message != NULL) {
        (void)result_set_failure(results, c, "mismatch", message);
    }
    expectations_judge(expectations, results, c);
    return c->verdict;
}

static void verdicts_become_what_the_list_says(void **state)
{
    (void)state;
    struct amt_diag_list errors = { 0 };
    struct results *results = results_new();
    struct expectations *e = load(
        HEAD "  - { id: known, expect: fail, like: closed by peer, reason: it closes, link: l }\n"
             "  - { id: any, expect: fail, reason: whatever }\n"
             "  - { id: fixed, expect: fail, reason: was broken }\n"
             "  - { id: over, expect: fail, reason: r, until: 2026-06-14 }\n"
             "  - { id: today, expect: fail, reason: r, until: 2026-06-15 }\n"
             "  - { id: 'split#*', expect: fail, reason: cut }\n"
             "  - { id: loose, expect: flaky, reason: races }\n",
        &errors);
    assert_non_null(e);
    assert_int_equal(judged(e, results, "known", RESULT_FAILED, "closed by peer at 3ms"),
                     RESULT_KNOWN_FAILURE);
    assert_string_equal(results->case_last->reason, "it closes");
    assert_string_equal(results->case_last->link, "l");
    assert_int_equal(judged(e, results, "known", RESULT_FAILED, "timeout"), RESULT_FAILED);
    assert_int_equal(judged(e, results, "known", RESULT_ERROR, "closed by peer"), RESULT_ERROR);
    assert_int_equal(judged(e, results, "any", RESULT_NOT_STRICT, "x"), RESULT_KNOWN_FAILURE);
    assert_int_equal(judged(e, results, "fixed", RESULT_PASSED, NULL), RESULT_UNEXPECTED_PASS);
    assert_int_equal(judged(e, results, "over", RESULT_FAILED, "x"), RESULT_FAILED);
    assert_int_equal(judged(e, results, "today", RESULT_FAILED, "x"), RESULT_KNOWN_FAILURE);
    assert_int_equal(judged(e, results, "split#cut=1", RESULT_PASSED, NULL), RESULT_PASSED);
    assert_int_equal(judged(e, results, "split#cut=2", RESULT_FAILED, "x"), RESULT_KNOWN_FAILURE);
    assert_int_equal(judged(e, results, "loose", RESULT_FAILED, "x"), RESULT_FLAKY);
    assert_int_equal(judged(e, results, "loose", RESULT_PASSED, NULL), RESULT_PASSED);
    assert_int_equal(judged(e, results, "other", RESULT_FAILED, "x"), RESULT_FAILED);
    assert_int_equal(judged(e, results, "other", RESULT_PASSED, NULL), RESULT_PASSED);
    assert_int_equal(expectations_close(e, results), 0);
    expectations_free(e);
    results_free(results);
    amt_diag_list_fini(&errors);
}

static void what_holds_no_more_is_stale(void **state)
{
    (void)state;
    struct amt_diag_list errors = { 0 };
    struct results *results = results_new();
    struct expectations *e = load(HEAD "  - { id: gone, expect: fail, reason: r }\n"
                                       "  - { id: 'all#*', expect: fail, reason: r }\n"
                                       "  - { id: out, expect: skip, reason: it hangs }\n",
                                  &errors);
    assert_non_null(e);
    assert_int_equal(judged(e, results, "all#1", RESULT_PASSED, NULL), RESULT_PASSED);
    assert_int_equal(judged(e, results, "all#2", RESULT_PASSED, NULL), RESULT_PASSED);
    assert_non_null(expectations_skip(e, "out"));
    assert_null(expectations_skip(e, "all#1"));
    expectations_note_skipped(e, "out");
    assert_int_equal(expectations_close(e, results), 2);
    assert_string_equal(results->run.stale_first->name, "gone");
    assert_string_equal(results->run.stale_last->name, "all#*");
    expectations_free(e);
    results_free(results);
    amt_diag_list_fini(&errors);
}

static void a_list_is_for_its_product(void **state)
{
    (void)state;
    struct amt_diag_list errors = { 0 };
    struct expectations *e = load(HEAD "  []\n", &errors);
    assert_non_null(e);
    assert_true(expectations_fit(e, "Mesh", "1.1.50", NULL));
    assert_true(expectations_fit(e, "Mesh", "1.1.100", NULL));
    assert_true(expectations_fit(e, "Mesh", "", NULL));
    assert_true(expectations_fit(e, "", "", NULL));
    assert_false(expectations_fit(e, "Mesh", "1.1.6", NULL));
    assert_false(expectations_fit(e, "Mes", "1.1.50", NULL));
    assert_false(expectations_fit(e, "Other", "", NULL));
    expectations_free(e);
    amt_diag_list_fini(&errors);
}

static void a_written_list_wants_reasons(void **state)
{
    (void)state;
    struct amt_diag_list errors = { 0 };
    struct text out = { 0 };
    struct results *results = results_new();
    struct result_case *c = results_add_case(results, "a/b#c=1");
    c->verdict = RESULT_FAILED;
    (void)result_set_failure(results, c, "mismatch", "said \"no\"");
    results_add_case(results, "good")->verdict = RESULT_PASSED;
    expectations_write(results, "Mesh = 1.1.55", &out);
    assert_null(load(text_chars(&out), &errors));
    assert_int_equal(errors.count, 1);
    assert_non_null(strstr(errors.items[0].text, "'reason' is empty"));
    amt_diag_list_fini(&errors);
    results_free(results);
    text_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_are_refused_with_their_place),
        cmocka_unit_test(verdicts_become_what_the_list_says),
        cmocka_unit_test(what_holds_no_more_is_stale),
        cmocka_unit_test(a_list_is_for_its_product),
        cmocka_unit_test(a_written_list_wants_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
