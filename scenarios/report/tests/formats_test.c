/* JSON, JUnit, TAP and Markdown: right for a usual run, and unharmed by hostile texts. */
#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "markup_check.h"
#include "sample.h"

typedef void write_fn(struct text *out, const struct results *results);

static struct text written(write_fn *write, const struct results *results)
{
    struct text out = { 0 };
    write(&out, results);
    assert_false(out.failed);
    return out;
}

static json_t *parsed(const struct text *out)
{
    json_error_t error;
    json_t *root = json_loads(text_chars(out), JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    return root;
}

static void assert_keys_sorted(const json_t *value, unsigned depth)
{
    assert_true(depth < 12);
    const char *before = "";
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach((json_t *)value, key, member)
    {
        assert_true(strcmp(before, key) < 0);
        before = key;
        assert_keys_sorted(member, depth + 1);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        assert_keys_sorted(json_array_get(value, i), depth + 1);
    }
}

static void json_has_all_of_the_tree_with_sorted_keys(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = written(report_json, results);
    json_t *root = parsed(&out);
    assert_keys_sorted(root, 0);
    assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
    const json_t *c = json_array_get(json_object_get(root, "cases"), 1);
    assert_string_equal(json_string_value(json_object_get(c, "verdict")), "failed");
    const json_t *failure = json_object_get(c, "failure");
    assert_string_equal(json_string_value(json_object_get(failure, "actual")),
                        "closed by peer (FIN) 3 ms after byte 20 of 71");
    assert_int_equal(json_integer_value(json_object_get(failure, "offset")), 5);
    const json_t *wire = json_array_get(json_object_get(failure, "last_bytes"), 0);
    assert_memory_equal(json_string_value(json_object_get(wire, "bytes")), "3200000010", 10);
    assert_int_equal(json_array_size(json_object_get(c, "steps")), 8);
    assert_int_equal(json_array_size(json_object_get(c, "events")), 7);
    const json_t *totals = json_object_get(root, "totals");
    assert_int_equal(json_integer_value(json_object_get(totals, "bad")), 3);
    json_decref(root);
    text_fini(&out);
    results_free(results);
}

static void json_differs_only_in_real_time_between_runs(void **state)
{
    (void)state;
    struct results *a = sample_results();
    struct results *b = sample_results();
    b->run.started = "2031-12-31T23:59:59Z";
    b->run.duration_us += 7;
    b->case_last->duration_us += 9;
    struct text text_a = written(report_json, a);
    struct text text_b = written(report_json, b);
    assert_string_not_equal(text_chars(&text_a), text_chars(&text_b));
    json_t *root_a = parsed(&text_a);
    json_t *root_b = parsed(&text_b);
    assert_int_equal(json_object_del(root_a, "real_time"), 0);
    assert_int_equal(json_object_del(root_b, "real_time"), 0);
    assert_true(json_equal(root_a, root_b));
    json_decref(root_a);
    json_decref(root_b);
    text_fini(&text_a);
    text_fini(&text_b);
    results_free(a);
    results_free(b);
}

static void json_of_hostile_texts_is_json(void **state)
{
    (void)state;
    struct results *results = sample_hostile();
    struct text out = written(report_json, results);
    json_t *root = parsed(&out);
    const json_t *c = json_array_get(json_object_get(root, "cases"), 0);
    assert_string_equal(json_string_value(json_object_get(c, "name")),
                        "<b>&\"'</b>]]>\x1b[31m\r\n#|`*\\ \xef\xbf\xbd\xef\xbf\xbd${x}--");
    json_decref(root);
    text_fini(&out);
    results_free(results);
}

/* Written, read and written again it must be the same to the byte. */
static void check_round_trip(const struct results *results)
{
    struct text first = written(report_json, results);
    struct amt_diag diag = { 0 };
    struct results *read = report_json_read(text_chars(&first), "r.json", &diag);
    assert_string_equal(diag.text, "");
    assert_non_null(read);
    struct text second = written(report_json, read);
    assert_string_equal(text_chars(&first), text_chars(&second));
    text_fini(&first);
    text_fini(&second);
    results_free(read);
}

static void json_read_back_is_the_same_tree(void **state)
{
    (void)state;
    struct results *results = sample_results();
    results->run.seed = UINT64_MAX;
    check_round_trip(results);
    results_free(results);
    results = sample_hostile();
    check_round_trip(results);
    results_free(results);
}

static void other_json_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
        uint32_t line;
    } k_rows[] = {
        { "{\n\"cases\": [}\n", "not JSON: unexpected token near '}'", 2 },
        { "{}", "not a result file of schema 1", 0 },
        { "[]", "not a result file of schema 1", 0 },
        { "{\"schema\": 2, \"cases\": []}", "not a result file of schema 1", 0 },
        { "{\"schema\": 1, \"cases\": {}}", "not a result file of schema 1", 0 },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct amt_diag diag = { 0 };
        assert_null(report_json_read(k_rows[i].json, "r.json", &diag));
        assert_string_equal(diag.text, k_rows[i].text);
        assert_string_equal(diag.file, "r.json");
        assert_int_equal(diag.line, k_rows[i].line);
        assert_string_equal(diag.hint, "write one with: amtlab run --report json=FILE");
    }
}

static void json_with_wrong_types_counts_as_the_worst(void **state)
{
    (void)state;
    static const char k_json[] =
        "{\"schema\": 1, \"cases\": [7, {\"id\": 3, \"verdict\": \"splendid\", \"line\": -4,"
        " \"steps\": [{\"verdict\": []}], \"failure\": {\"bytes\": \"zz\", \"step\": 1e9},"
        " \"spec\": \"none\", \"attempts\": 99999999999}]}";
    struct results *results = report_json_read(k_json, "r.json", NULL);
    assert_non_null(results);
    assert_int_equal(results->case_count, 2);
    assert_int_equal(results->case_first->verdict, RESULT_ERROR);
    const struct result_case *c = results->case_last;
    assert_int_equal(c->verdict, RESULT_ERROR);
    assert_string_equal(c->id, "");
    assert_int_equal(c->line, 0);
    assert_int_equal(c->attempts, UINT32_MAX);
    assert_int_equal(c->step_first->verdict, RESULT_STEP_NOT_REACHED);
    assert_int_equal(c->failure->bytes_len, 0);
    results_free(results);
}

static uint32_t count_of(const char *text, const char *word)
{
    uint32_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count += 1;
    }
    return count;
}

static void assert_markup(const struct text *out, const char *counted, uint32_t matches)
{
    struct markup_count count = { .counted = counted };
    if (!markup_is_well_formed(text_chars(out), false, &count)) {
        fail_msg("%s", count.error);
    }
    assert_int_equal(count.matches, matches);
}

static void junit_has_one_outcome_per_case(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = written(report_junit, results);
    assert_markup(&out, "testcase", 9);
    assert_markup(&out, "failure", 2);
    assert_markup(&out, "error", 1);
    assert_markup(&out, "skipped", 2);
    assert_markup(&out, "flakyFailure", 1);
    assert_markup(&out, "testsuite", 4);
    const char *xml = text_chars(&out);
    assert_non_null(strstr(xml, "<testsuites name=\"amtlab 1.0\" tests=\"9\" failures=\"2\" "
                                "errors=\"1\" skipped=\"2\" time=\"0.111105\">"));
    assert_non_null(
        strstr(xml, "<testcase classname=\"apf.userauth\" "
                    "name=\"apf/userauth/split#cut=20,gap=0ms\" "
                    "file=\"conformance/apf/userauth-split.yaml\" line=\"2\" time=\"0.012345\">"));
    assert_non_null(strstr(xml, "<property name=\"spec\" value=\"APF-MPS-021\"/>"));
    assert_non_null(strstr(xml, "<failure message=\"the server closed the connection while an "
                                "answer was expected\" type=\"closed\">FAILED"));
    assert_non_null(
        strstr(xml, "<skipped message=\"known failure: MC-01 no cap on CHANNEL_DATA\""));
    text_fini(&out);
    results_free(results);
}

static void junit_of_a_strict_run_fails_what_is_not_strict(void **state)
{
    (void)state;
    struct results *results = sample_results();
    results->run.strict = true;
    results_add_stale(results, "apf/old/*", "matches no case");
    struct text out = written(report_junit, results);
    assert_markup(&out, "failure", 5); /* two as before, not strict, flaky, stale */
    assert_markup(&out, "flakyFailure", 0);
    assert_non_null(strstr(text_chars(&out), "tests=\"10\" failures=\"5\" errors=\"1\""));
    text_fini(&out);
    results_free(results);
}

static void junit_of_hostile_texts_is_xml(void **state)
{
    (void)state;
    struct results *results = sample_hostile();
    struct text out = written(report_junit, results);
    assert_markup(&out, "b", 0);
    assert_markup(&out, "testcase", RESULT_VERDICT_COUNT + 1);
    text_fini(&out);
    results_free(results);
}

static void a_junit_body_is_bounded(void **state)
{
    (void)state;
    struct results *results = results_new();
    char *large = amt_alloc(300001);
    memset(large, 'x', 300000);
    struct result_case *c = results_add_case(results, "large");
    c->verdict = RESULT_FAILED;
    result_set_failure(results, c, "mismatch", "large")->actual = results_text(results, large);
    struct text out = written(report_junit, results);
    assert_true(out.len < 80000);
    assert_markup(&out, "failure", 1);
    amt_free(large);
    text_fini(&out);
    results_free(results);
}

static void tap_has_a_plan_and_a_line_per_case(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = written(report_tap, results);
    const char *tap = text_chars(&out);
    assert_memory_equal(
        tap, "TAP version 14\n1..9\nok 1 - apf/userauth/split\\#cut=1,gap=0ms\n",
        strlen("TAP version 14\n1..9\nok 1 - apf/userauth/split\\#cut=1,gap=0ms\n"));
    assert_non_null(strstr(tap, "\nnot ok 2 - apf/userauth/split\\#cut=20,gap=0ms\n  ---\n"
                                "  verdict: \"failed\"\n"));
    assert_non_null(strstr(tap, "\nnot ok 3 - apf/channel/data-cap # TODO MC-01 no cap"));
    assert_non_null(strstr(tap, "\nok 5 - basic/sol # SKIP the target has no console.relay\n"));
    assert_non_null(strstr(tap, "  spec: [\"APF-MPS-021\", \"APF-MPS-023\"]\n"));
    assert_int_equal(count_of(tap, "\n  ---\n"), count_of(tap, "\n  ...\n"));
    text_fini(&out);
    results_free(results);
}

static void tap_of_hostile_texts_keeps_its_lines(void **state)
{
    (void)state;
    struct results *results = sample_hostile();
    struct text out = written(report_tap, results);
    const char *at = text_chars(&out);
    uint32_t tests = 0;
    while (*at != '\0') {
        tests += strncmp(at, "ok ", 3) == 0 || strncmp(at, "not ok ", 7) == 0 ? 1 : 0;
        assert_true(*at == 'o' || *at == 'n' || *at == ' ' || *at == '1' || *at == 'T');
        at = strchr(at, '\n') + 1;
    }
    assert_int_equal(tests, RESULT_VERDICT_COUNT + 1);
    text_fini(&out);
    results_free(results);
}

static void markdown_has_totals_failures_and_requirements(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = written(report_markdown, results);
    const char *md = text_chars(&out);
    assert_memory_equal(md, "## amtlab: failed\n\n9 ran: 1 passed, 1 failed",
                        strlen("## amtlab: failed\n\n9 ran: 1 passed, 1 failed"));
    assert_int_equal(count_of(md, "<details>"), 3);
    assert_int_equal(count_of(md, "</pre></details>"), 3);
    assert_non_null(strstr(md, "| APF-MPS-021 | must | 1 of 2 | failed |\n"));
    text_fini(&out);
    results_free(results);
}

static void markdown_of_hostile_texts_has_no_markup_of_theirs(void **state)
{
    (void)state;
    struct results *results = sample_hostile();
    struct text out = written(report_markdown, results);
    const char *md = text_chars(&out);
    assert_null(strstr(md, "<b>"));
    assert_null(strchr(md, '\x1b'));
    assert_int_equal(count_of(md, "</pre>"), count_of(md, "<pre>"));
    text_fini(&out);
    results_free(results);
}

static void markdown_of_many_failures_says_what_was_cut(void **state)
{
    (void)state;
    struct results *results = results_new();
    char text[8000];
    memset(text, '<', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (uint32_t i = 0; i < 100; i++) {
        struct result_case *c = results_add_case(results, "c");
        c->verdict = RESULT_FAILED;
        result_set_failure(results, c, "mismatch", "m")->actual = results_text(results, text);
    }
    struct text out = written(report_markdown, results);
    assert_true(out.len < 1024u * 1024u);
    assert_non_null(strstr(text_chars(&out), " more failures are left out here"));
    text_fini(&out);
    results_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_all_of_the_tree_with_sorted_keys),
        cmocka_unit_test(json_differs_only_in_real_time_between_runs),
        cmocka_unit_test(json_of_hostile_texts_is_json),
        cmocka_unit_test(json_read_back_is_the_same_tree),
        cmocka_unit_test(other_json_is_refused_with_its_place),
        cmocka_unit_test(json_with_wrong_types_counts_as_the_worst),
        cmocka_unit_test(junit_has_one_outcome_per_case),
        cmocka_unit_test(junit_of_a_strict_run_fails_what_is_not_strict),
        cmocka_unit_test(junit_of_hostile_texts_is_xml),
        cmocka_unit_test(a_junit_body_is_bounded),
        cmocka_unit_test(tap_has_a_plan_and_a_line_per_case),
        cmocka_unit_test(tap_of_hostile_texts_keeps_its_lines),
        cmocka_unit_test(markdown_has_totals_failures_and_requirements),
        cmocka_unit_test(markdown_of_hostile_texts_has_no_markup_of_theirs),
        cmocka_unit_test(markdown_of_many_failures_says_what_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
