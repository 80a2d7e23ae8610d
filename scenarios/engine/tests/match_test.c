#include "scenarios/engine/match.h"

#include <string.h>

#include "base/unit.h"
#include "scenarios/engine/expr.h"

static const struct value *nothing_known(void *ctx, const char *path, struct amt_diag *diag)
{
    (void)ctx;
    (void)amt_diag_set(diag, AMT_ECONFIG, "unknown %s", path);
    return NULL;
}

#define DOCUMENTS_MAX 128u

/* Values borrow their keys from the documents, which live until the test ends. */
struct documents {
    struct yaml_document *items[DOCUMENTS_MAX];
    uint32_t count;
};

static void free_documents(struct documents *documents)
{
    while (documents->count > 0) {
        yaml_free(documents->items[--documents->count]);
    }
}

/* A value from YAML text: { v: ... } */
static struct value *read_value(struct arena *pool, struct documents *documents, const char *yaml)
{
    struct amt_diag_list errors = { 0 };
    struct text text = { 0 };
    struct expr_scope scope = { .pool = pool, .find = nothing_known };
    struct value *value = NULL;
    text_printf(&text, "v: %s\n", yaml);
    struct yaml_document *document = yaml_load_text(text_chars(&text), "test", &errors);
    assert_non_null(document);
    assert_true(documents->count < DOCUMENTS_MAX);
    documents->items[documents->count++] = document;
    assert_true(expr_node(&scope, yaml_root(document), "test", &errors, &value));
    text_fini(&text);
    amt_diag_list_fini(&errors);
    return value_copy(pool, value_get(value, "v"));
}

static bool fits(const char *expected, const char *actual)
{
    struct arena pool = { 0 };
    struct documents documents = { .count = 0 };
    bool result = match(read_value(&pool, &documents, expected),
                        actual == NULL ? NULL : read_value(&pool, &documents, actual), NULL);
    arena_fini(&pool);
    free_documents(&documents);
    return result;
}

static void each_matcher_accepts_what_it_should_and_nothing_else(void **state)
{
    (void)state;
    static const struct row {
        const char *expected, *good, *bad;
    } k_rows[] = {
        { "200", "200", "404" },
        { "{ eq: 5 }", "5", "6" },
        { "{ ne: 5 }", "6", "5" },
        { "{ lt: 5 }", "4", "5" },
        { "{ le: 5 }", "5", "6" },
        { "{ gt: 5 }", "6", "5" },
        { "{ ge: 5 }", "5", "4" },
        { "{ ge: 4KiB }", "4096", "4095" },
        { "{ between: [2, 4] }", "4", "5" },
        { "{ in: [6, 8] }", "8", "7" },
        { "{ starts: ab }", "abc", "bab" },
        { "{ ends: bc }", "abc", "abcd" },
        { "{ contains: 16992 }", "[16993, 16992]", "[16993]" },
        { "{ contains: ell }", "hello", "help" },
        { "{ contains: { ge: 10 } }", "[1, 12]", "[1, 2]" },
        { "{ matches: '^a+$' }", "aaa", "ab" },
        { "{ hex: '61 ?? 63' }", "abc", "abd" },
        { "{ hex: '61 62' }", "ab", "abc" },
        { "{ len: 3 }", "[1, 2, 3]", "[1]" },
        { "{ len: { gt: 2 } }", "abc", "ab" },
        { "{ type: string }", "x", "1" },
        { "{ type: int }", "1", "x" },
        { "{ each: { gt: 0 } }", "[1, 2]", "[1, 0]" },
        { "{ any: { gt: 5 } }", "[1, 9]", "[1, 2]" },
        { "{ any_of: [1, { ge: 10 }] }", "11", "5" },
        { "{ all_of: [{ ge: 1 }, { le: 3 }] }", "2", "4" },
        { "{ not: 5 }", "6", "5" },
        { "{ gt: 1, lt: 3 }", "2", "3" },
        { "[1, { ge: 2 }]", "[1, 5]", "[1, 1]" },
        { "[1, 2]", "[1, 2]", "[1, 2, 3]" },
        { "{ present: true }", "1", NULL },
        { "{ present: false }", NULL, "1" },
        { "'0600'", "'0600'", "'600'" },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        assert_true(fits(k_rows[i].expected, k_rows[i].good));
        assert_false(fits(k_rows[i].expected, k_rows[i].bad));
    }
}

static void what_is_not_there_fits_nothing_but_absence(void **state)
{
    (void)state;
    assert_false(fits("5", NULL));
    assert_false(fits("{ ne: 5 }", NULL));
    assert_false(fits("{ len: 0 }", NULL));
    assert_true(fits("{ not: { present: true } }", NULL));
}

static void a_miss_is_explained(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    struct documents documents = { .count = 0 };
    struct text why = { 0 };
    assert_false(match(read_value(&pool, &documents, "{ ge: 75 }"),
                       read_value(&pool, &documents, "3"), &why));
    assert_string_equal(text_chars(&why), "is 3, wanted at least 75");
    text_fini(&why);
    assert_false(match(read_value(&pool, &documents, "{ in: [6, 8] }"), NULL, &why));
    assert_string_equal(text_chars(&why), "is not there, wanted one of [6, 8]");
    text_fini(&why);
    arena_fini(&pool);
    free_documents(&documents);
}

static void wrong_matchers_are_found_before_anything_runs(void **state)
{
    (void)state;
    static const char *const k_wrong[] = { "{ in: 5 }", "{ between: [1] }", "{ present: 3 }",
                                           "{ matches: '(' }", "{ ge: 1, gr: 2 }" };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        struct arena pool = { 0 };
        struct documents documents = { .count = 0 };
        struct amt_diag_list errors = { 0 };
        assert_false(match_check(read_value(&pool, &documents, k_wrong[i]), "test", &errors));
        assert_int_equal(errors.count, 1);
        amt_diag_list_fini(&errors);
        arena_fini(&pool);
        free_documents(&documents);
    }
    struct arena pool = { 0 };
    struct documents documents = { .count = 0 };
    assert_true(
        match_check(read_value(&pool, &documents, "{ in: [1], not: { ge: 3 } }"), "test", NULL));
    arena_fini(&pool);
    free_documents(&documents);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_matcher_accepts_what_it_should_and_nothing_else),
        cmocka_unit_test(what_is_not_there_fits_nothing_but_absence),
        cmocka_unit_test(a_miss_is_explained),
        cmocka_unit_test(wrong_matchers_are_found_before_anything_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
