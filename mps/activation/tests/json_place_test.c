#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mps/activation/json_place.h"

static const char k_text[] = "{\n"
                             "  \"a\": { \"Key\" : [1, \"}]\\\"\", {\"x\":true}], \"key\": 2 },\n"
                             "\t\"b\":{\"\":{\"deep\": null}}\n"
                             "}\n";

static void expect(const struct json_step *steps, uint32_t count, uint32_t line, uint32_t column)
{
    uint32_t found_line = 9;
    uint32_t found_column = 9;
    assert_true(json_place(k_text, strlen(k_text), steps, count, &found_line, &found_column) ==
                (line > 0));
    assert_int_equal(found_line, line);
    assert_int_equal(found_column, column);
}

static void keys_and_elements_are_found(void **state)
{
    (void)state;
    expect(NULL, 0, 1, 1);
    expect((const struct json_step[]){ { "a", 0 } }, 1, 2, 3);
    expect((const struct json_step[]){ { "A", 0 }, { "KEY", 0 } }, 2, 2, 43); /* the last one */
    expect((const struct json_step[]){ { "b", 0 } }, 1, 3, 2);
    expect((const struct json_step[]){ { "b", 0 }, { "", 0 }, { "deep", 0 } }, 3, 3, 11);
    expect((const struct json_step[]){ { "b", 0 }, { NULL, 0 } }, 2, 3, 7);
}

static void elements_of_lists_are_counted(void **state)
{
    static const char k_list[] = "{\"l\":[ \"a,]\",\n {\"x\":[[],{}]}, 7 ]}";
    uint32_t line = 0;
    uint32_t column = 0;
    (void)state;
    const struct json_step steps[] = { { "l", 0 }, { NULL, 1 }, { "x", 0 } };
    assert_true(json_place(k_list, strlen(k_list), steps, 3, &line, &column));
    assert_int_equal(line, 2);
    assert_int_equal(column, 3);
    const struct json_step third[] = { { "l", 0 }, { NULL, 2 } };
    assert_true(json_place(k_list, strlen(k_list), third, 2, &line, &column));
    assert_int_equal(column, 17);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    expect((const struct json_step[]){ { "c", 0 } }, 1, 0, 0);
    expect((const struct json_step[]){ { "a", 0 }, { "x", 0 } }, 2, 0, 0);
    expect((const struct json_step[]){ { "a", 0 }, { NULL, 2 } }, 2, 0, 0);
    expect((const struct json_step[]){ { "a", 0 }, { "key", 0 }, { "y", 0 } }, 3, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_elements_are_found),
        cmocka_unit_test(elements_of_lists_are_counted),
        cmocka_unit_test(what_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
