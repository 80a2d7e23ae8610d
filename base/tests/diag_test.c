#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/memory.h"
#include "base/unit.h"

static char *print(const struct amt_diag *diag, char *out, size_t cap)
{
    FILE *file = fmemopen(out, cap, "w");
    assert_non_null(file);
    amt_diag_print(diag, file);
    assert_int_equal(fclose(file), 0);
    return out;
}

static void a_diagnostic_says_what_where_and_what_to_do(void **state)
{
    (void)state;
    struct amt_diag diag = { 0 };
    char out[1024];
    assert_int_equal(amt_diag_set(&diag, AMT_ECONFIG, "unknown key \"%s\"", "lisen"), AMT_ECONFIG);
    assert_int_equal(amt_diag_hint(&diag, "did you mean \"listen\"?"), AMT_ECONFIG);
    amt_diag_at(&diag, "mps.yaml", 3, 1);
    assert_string_equal(print(&diag, out, sizeof out),
                        "mps.yaml:3:1: unknown key \"lisen\"\n    did you mean \"listen\"?\n");
}

static void system_errors_and_frames_are_appended(void **state)
{
    (void)state;
    struct amt_diag diag = { 0 };
    assert_int_equal(amt_diag_errno(&diag, ENOSPC, "cannot write %s", "x.db"), AMT_ESYS);
    assert_int_equal(amt_diag_while(&diag, AMT_ESYS, "adding group %s", "lab"), AMT_ESYS);
    assert_string_equal(diag.text,
                        "cannot write x.db: No space left on device (while adding group lab)");
}

static void every_function_accepts_no_diagnostic(void **state)
{
    (void)state;
    assert_int_equal(amt_diag_set(NULL, AMT_EBUG, "x"), AMT_EBUG);
    assert_int_equal(amt_diag_errno(NULL, EIO, "x"), AMT_ESYS);
    assert_int_equal(amt_diag_while(NULL, AMT_EBUG, "x"), AMT_EBUG);
    assert_int_equal(amt_diag_hint(NULL, "x"), AMT_OK);
    amt_diag_at(NULL, "x", 1, 1);
    assert_null(amt_diag_list_add(NULL, AMT_EBUG, "x", 1, 1));
}

static void a_list_keeps_all_errors_in_order(void **state)
{
    (void)state;
    struct amt_diag_list list = { 0 };
    for (uint32_t i = 0; i < 20; i++) {
        struct amt_diag *diag = amt_diag_list_add(&list, AMT_ECONFIG, "f", i + 1, 1);
        assert_non_null(diag);
        (void)amt_diag_set(diag, AMT_ECONFIG, "error %u", i);
    }
    assert_int_equal(list.count, 20);
    assert_string_equal(list.items[19].text, "error 19");
    assert_int_equal(list.items[19].line, 20);
    amt_diag_list_fini(&list);
}

static void every_error_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i <= AMT_ERROR_COUNT_; i++) {
        assert_true(strlen(amt_err_text((enum amt_err)i)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_diagnostic_says_what_where_and_what_to_do),
        cmocka_unit_test(system_errors_and_frames_are_appended),
        cmocka_unit_test(every_function_accepts_no_diagnostic),
        cmocka_unit_test(a_list_keeps_all_errors_in_order),
        cmocka_unit_test(every_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
