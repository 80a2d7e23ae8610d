/* activation.md 10: sixty rows, each with a code, a name, a cause and a cure of its own. */
#include "protocol/activation/failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_rows(void **state)
{
    (void)state;
    assert_int_equal(ACTIVATION_FAILURE_END_, 61);
    for (int i = 1; i < ACTIVATION_FAILURE_END_; i++) {
        enum activation_failure failure = (enum activation_failure)i;
        char code[16];
        (void)snprintf(code, sizeof code, "ACT-F-%02d", i);
        assert_string_equal(activation_failure_code(failure), code);
        assert_int_equal(activation_failure_find(code), failure);
        assert_int_equal(activation_failure_find(activation_failure_name(failure)), failure);
        assert_true(strlen(activation_failure_cause(failure)) > 10);
        assert_true(strlen(activation_failure_cure(failure)) > 10);
        for (int j = 1; j < i; j++) {
            assert_string_not_equal(activation_failure_cause(failure),
                                    activation_failure_cause((enum activation_failure)j));
        }
    }
    assert_int_equal(activation_failure_find("ACT-F-61"), ACTIVATION_NO_FAILURE);
    assert_string_equal(activation_failure_code(ACTIVATION_NO_FAILURE), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
