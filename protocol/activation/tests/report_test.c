/* Suffixes as devices and hosts report them: activation.md 3.1, ACT-SRV-015. */
#include "protocol/activation/report.h"

#include <string.h>

#include "base/unit.h"

static void blanks_and_one_dot_at_the_end_are_removed(void **state)
{
    static const char *const k_rows[][2] = {
        { "example.com", "example.com" },
        { " example.com.\n", "example.com" },
        { "example.com..", "example.com." },
        { ".", "" },
        { "", "" },
        { " \t ", "" },
        { "a b", "a b" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        char out[ACTIVATION_SUFFIX_BYTES];
        activation_suffix_clean(k_rows[i][0], out);
        assert_string_equal(out, k_rows[i][1]);
    }
}

static void an_endless_suffix_is_cut(void **state)
{
    char in[600];
    char out[ACTIVATION_SUFFIX_BYTES];
    (void)state;
    memset(in, 'a', sizeof in);
    in[sizeof in - 1] = '\0';
    activation_suffix_clean(in, out);
    assert_int_equal(strlen(out), ACTIVATION_SUFFIX_BYTES - 1);
    assert_false(activation_suffix_is_name(out));
}

static void names_are_told_from_other_texts(void **state)
{
    static const struct {
        const char *text;
        bool is_name;
    } k_rows[] = { { "example.com", true }, { "a", true },       { "", false },
                   { ".a", false },         { "a.", false },     { "a..b", false },
                   { "a b.c", false },      { "a-b_1.c", true }, { "a/b", false } };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        assert_int_equal(activation_suffix_is_name(k_rows[i].text), k_rows[i].is_name);
    }
}

static void the_pki_suffix_counts_unless_it_is_as_good_as_empty(void **state)
{
    static const char *const k_rows[][3] = {
        { "a.test", "b.test", "a.test" }, { "", "b.test", "b.test" }, { ".", "b.test", "b.test" },
        { NULL, "b.test", "b.test" },     { NULL, NULL, "" },         { " ", ".", "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct activation_report report = { .dns_suffix = k_rows[i][0],
                                            .os_dns_suffix = k_rows[i][1] };
        assert_string_equal(activation_report_suffix(&report), k_rows[i][2]);
    }
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(blanks_and_one_dot_at_the_end_are_removed),
        cmocka_unit_test(an_endless_suffix_is_cut),
        cmocka_unit_test(names_are_told_from_other_texts),
        cmocka_unit_test(the_pki_suffix_counts_unless_it_is_as_good_as_empty),
    };
    return cmocka_run_group_tests(k_tests, NULL, NULL);
}
