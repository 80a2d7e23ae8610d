/* What pipelines read: SARIF, annotations, badges, JSON Lines; and what changed between runs. */
#include <jansson.h>
#include <stdio.h>
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

static json_t *parsed(const char *text, size_t len)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    return root;
}

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const json_t *sarif_results(const json_t *root)
{
    return json_object_get(json_array_get(json_object_get(root, "runs"), 0), "results");
}

static const json_t *result_of(const json_t *root, const char *rule)
{
    size_t at;
    json_t *result;
    json_array_foreach(sarif_results(root), at, result)
    {
        if (strcmp(string_of(result, "ruleId"), rule) == 0) {
            return result;
        }
    }
    fail_msg("no result of %s", rule);
    return NULL;
}

static void sarif_has_a_rule_per_requirement_and_a_result_per_violation(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = written(report_sarif, results);
    json_t *root = parsed(text_chars(&out), out.len);
    assert_string_equal(string_of(root, "version"), "2.1.0");
    const json_t *result = result_of(root, "APF-MPS-021");
    assert_string_equal(string_of(result, "level"), "error");
    const json_t *place = json_object_get(json_array_get(json_object_get(result, "locations"), 0),
                                          "physicalLocation");
    const json_t *region = json_object_get(place, "region");
    assert_int_equal(json_integer_value(json_object_get(region, "startLine")),
                     results->case_first->next->failure->line);
    assert_string_equal(string_of(json_object_get(place, "artifactLocation"), "uriBaseId"),
                        "%SRCROOT%");
    const json_t *driver = json_object_get(
        json_object_get(json_array_get(json_object_get(root, "runs"), 0), "tool"), "driver");
    const json_t *rule =
        json_array_get(json_object_get(driver, "rules"),
                       (size_t)json_integer_value(json_object_get(result, "ruleIndex")));
    assert_string_equal(string_of(rule, "id"), "APF-MPS-021");
    assert_string_equal(string_of(json_object_get(rule, "fullDescription"), "text"),
                        "A USERAUTH_REQUEST may arrive in any number of pieces.");
    json_decref(root);
    text_fini(&out);
    results_free(results);
}

/* Other values of a matrix fail, or more of them: it is the same finding. */
static void sarif_fingerprints_stay_with_requirement_and_scenario(void **state)
{
    (void)state;
    static const char *const k_ids[] = { "a/b#n=1", "a/b#n=2", "a/c#n=1" };
    char prints[3][40];
    for (size_t i = 0; i < 3; i++) {
        struct results *results = results_new();
        struct result_case *c = results_add_case(results, k_ids[i]);
        c->verdict = RESULT_FAILED;
        c->file = "dir with space/a%b.yaml";
        (void)result_add_spec(results, c, "X-1", RESULT_SHOULD);
        struct text out = written(report_sarif, results);
        json_t *root = parsed(text_chars(&out), out.len);
        const json_t *result = result_of(root, "X-1");
        assert_string_equal(string_of(result, "level"), "warning");
        assert_non_null(strstr(text_chars(&out), "\"uri\":\"dir%20with%20space/a%25b.yaml\""));
        (void)snprintf(
            prints[i], sizeof prints[i], "%s",
            string_of(json_object_get(result, "partialFingerprints"), "requirementAndCase/v1"));
        json_decref(root);
        text_fini(&out);
        results_free(results);
    }
    assert_string_equal(prints[0], prints[1]);
    assert_string_not_equal(prints[0], prints[2]);
}

static void many_cases_of_one_requirement_are_one_result(void **state)
{
    (void)state;
    struct results *results = results_new();
    for (int i = 0; i < 30; i++) {
        struct result_case *c = results_add_case(results, results_printf(results, "a/b#n=%d", i));
        c->verdict = i == 7 ? RESULT_FAILED : RESULT_KNOWN_FAILURE;
        c->reason = results_text(results, "their defect 4711");
        (void)result_add_spec(results, c, "X-1", RESULT_MUST);
    }
    struct text out = written(report_sarif, results);
    json_t *root = parsed(text_chars(&out), out.len);
    assert_int_equal(json_array_size(sarif_results(root)), 1);
    const json_t *result = result_of(root, "X-1");
    assert_null(json_object_get(result, "suppressions")); /* one of them is new */
    assert_non_null(
        strstr(string_of(json_object_get(result, "message"), "text"), "29 more cases violate it"));
    json_decref(root);
    text_fini(&out);
    results->case_first->next->next->next->next->next->next->next->verdict = RESULT_KNOWN_FAILURE;
    out = written(report_sarif, results);
    root = parsed(text_chars(&out), out.len);
    const json_t *suppression =
        json_array_get(json_object_get(result_of(root, "X-1"), "suppressions"), 0);
    assert_string_equal(string_of(suppression, "justification"), "their defect 4711");
    json_decref(root);
    text_fini(&out);
    results_free(results);
}

static void hostile_texts_break_none_of_them(void **state)
{
    (void)state;
    static write_fn *const k_objects[] = { report_sarif, report_badge_json };
    struct results *results = sample_hostile();
    for (size_t i = 0; i < 2; i++) {
        struct text out = written(k_objects[i], results);
        json_decref(parsed(text_chars(&out), out.len));
        text_fini(&out);
    }
    struct text out = written(report_jsonl, results);
    for (const char *at = text_chars(&out); *at != '\0'; at += strcspn(at, "\n") + 1) {
        json_decref(parsed(at, strcspn(at, "\n")));
    }
    text_fini(&out);
    out = written(report_github, results);
    for (const char *at = text_chars(&out); *at != '\0'; at += strcspn(at, "\n") + 1) {
        assert_memory_equal(at, "::", 2); /* no text has made a line of its own */
        assert_true(memchr(at, '\x1b', strcspn(at, "\n")) == NULL);
    }
    text_fini(&out);
    out = written(report_badge_svg, results);
    struct markup_count count = { .counted = "text" };
    assert_true(markup_is_well_formed(text_chars(&out), false, &count));
    assert_int_equal(count.matches, 2);
    text_fini(&out);
    results_free(results);
}

static uint32_t lines_with(const char *text, const char *start)
{
    uint32_t count = 0;
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n") + 1) {
        count += strncmp(at, start, strlen(start)) == 0 ? 1 : 0;
    }
    return count;
}

static void annotations_are_ten_of_a_kind_and_one_per_file(void **state)
{
    (void)state;
    struct results *results = results_new();
    for (int i = 0; i < 60; i++) {
        struct result_case *c =
            results_add_case(results, results_printf(results, "s%d#n=%d", i % 15, i));
        c->verdict = i == 59 ? RESULT_ERROR : RESULT_FAILED;
        c->file = results_printf(results, "s%d.yaml", i % 15);
        c->line = 3;
    }
    struct text out = written(report_github, results);
    const char *text = text_chars(&out);
    assert_int_equal(lines_with(text, "::error "), 10);
    assert_int_equal(strncmp(text, "::error file=s14.yaml,line=3,title=error%3A s14#n=59::", 54),
                     0);
    assert_non_null(strstr(text, "::error title=amtlab::24 more cases in 6 more files; the step "));
    text_fini(&out);
    results_add_stale(results, "x/*", "passes");
    out = written(report_github, results);
    assert_int_equal(lines_with(text_chars(&out), "::error "), 10);
    text_fini(&out);
    results_free(results);
}

static void badges_count_must_requirements(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = written(report_badge_json, results);
    json_t *root = parsed(text_chars(&out), out.len);
    assert_string_equal(string_of(root, "label"), "conformance");
    assert_string_equal(string_of(root, "color"), "red");
    assert_non_null(strstr(string_of(root, "message"), " must"));
    json_decref(root);
    text_fini(&out);
    results_free(results);
    results = results_new();
    results_add_case(results, "a")->verdict = RESULT_PASSED;
    results_add_case(results, "b")->verdict = RESULT_UNSUPPORTED;
    out = written(report_badge_json, results);
    assert_string_equal(text_chars(&out),
                        "{\"schemaVersion\":1,\"label\":\"amtlab\",\"message\":\"1/1 "
                        "cases\",\"color\":\"brightgreen\"}\n");
    text_fini(&out);
    results_free(results);
}

static struct results *run_of(const char *const *ids, const enum result_verdict *verdicts)
{
    struct results *results = results_new();
    for (; *ids != NULL; ids++, verdicts++) {
        results_add_case(results, *ids)->verdict = *verdicts;
    }
    return results;
}

static void a_diff_says_what_got_worse(void **state)
{
    (void)state;
    static const char *const k_before[] = { "gone", "fixed", "broken", "same", "known", NULL };
    static const char *const k_after[] = { "same", "broken", "fixed", "known", "new", NULL };
    struct results *before =
        run_of(k_before, (const enum result_verdict[]){ RESULT_PASSED, RESULT_FAILED, RESULT_PASSED,
                                                        RESULT_FAILED, RESULT_PASSED });
    struct results *after =
        run_of(k_after, (const enum result_verdict[]){ RESULT_FAILED, RESULT_FAILED, RESULT_PASSED,
                                                       RESULT_KNOWN_FAILURE, RESULT_PASSED });
    struct text out = { 0 };
    assert_false(report_diff(&out, before, after));
    assert_string_equal(text_chars(&out),
                        "Fails now, did not before:\n"
                        "  broken  passed -> failed\n\n"
                        "Fails no longer:\n"
                        "  fixed  failed -> passed\n\n"
                        "Another verdict:\n"
                        "  known  passed -> known_failure\n\n"
                        "New:\n"
                        "  new  (new) -> passed\n\n"
                        "Gone:\n"
                        "  gone  passed -> (gone)\n\n"
                        "1 worse, 1 better, 1 other, 1 new, 1 gone, 1 the same\n");
    text_fini(&out);
    assert_true(report_diff(&out, after, after));
    assert_string_equal(text_chars(&out),
                        "0 worse, 0 better, 0 other, 0 new, 0 gone, 5 the same\n");
    text_fini(&out);
    results_free(before);
    results_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sarif_has_a_rule_per_requirement_and_a_result_per_violation),
        cmocka_unit_test(sarif_fingerprints_stay_with_requirement_and_scenario),
        cmocka_unit_test(many_cases_of_one_requirement_are_one_result),
        cmocka_unit_test(hostile_texts_break_none_of_them),
        cmocka_unit_test(annotations_are_ten_of_a_kind_and_one_per_file),
        cmocka_unit_test(badges_count_must_requirements),
        cmocka_unit_test(a_diff_says_what_got_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
