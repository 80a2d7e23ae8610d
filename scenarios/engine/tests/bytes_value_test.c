#include "scenarios/engine/bytes_value.h"

#include <string.h>

#include "base/unit.h"

static struct value *one(struct arena *pool, const char *key, struct value *value)
{
    struct value *map = value_map(pool);
    value_put(pool, map, key, value);
    return map;
}

static void each_form_gives_its_bytes(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    struct bytes out = { 0 };
    struct value *list = value_list(&pool);
    value_append(list, one(&pool, "hex", value_text(&pool, "c0 00")));
    value_append(list, one(&pool, "text", value_text(&pool, "hi")));
    value_append(list, one(&pool, "base64", value_text(&pool, "AQID")));
    value_append(list, one(&pool, "base64", value_text(&pool, "AQI=")));
    value_append(list, one(&pool, "zeros", value_int(&pool, 2)));
    value_append(list, one(&pool, "pattern", one(&pool, "counter", value_int(&pool, 3))));
    assert_int_equal(bytes_value(one(&pool, "concat", list), NULL, &out, NULL), AMT_OK);
    static const uint8_t k_wanted[] = { 0xc0, 0, 'h', 'i', 1, 2, 3, 1, 2, 0, 0, 0, 1, 2 };
    assert_int_equal(out.len, sizeof k_wanted);
    assert_memory_equal(bytes_front(&out), k_wanted, sizeof k_wanted);
    bytes_fini(&out);
    arena_fini(&pool);
}

static void nothing_is_bytes_too(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    struct bytes out = { 0 };
    assert_int_equal(bytes_value(one(&pool, "zeros", value_int(&pool, 0)), NULL, &out, NULL),
                     AMT_OK);
    assert_int_equal(out.len, 0);
    bytes_fini(&out);
    arena_fini(&pool);
}

static void what_is_no_bytes_is_refused(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    struct bytes out = { 0 };
    struct value *two = one(&pool, "hex", value_text(&pool, "00"));
    value_put(&pool, two, "text", value_text(&pool, "x"));
    assert_int_equal(bytes_value(two, NULL, &out, NULL), AMT_ECONFIG);
    assert_int_equal(bytes_value(one(&pool, "hex", value_text(&pool, "0")), NULL, &out, NULL),
                     AMT_ECONFIG);
    assert_int_equal(bytes_value(one(&pool, "zeros", value_int(&pool, -1)), NULL, &out, NULL),
                     AMT_ECONFIG);
    assert_int_equal(bytes_value(one(&pool, "zeros", value_text(&pool, "17MiB")), NULL, &out, NULL),
                     AMT_ECONFIG);
    assert_int_equal(bytes_value(one(&pool, "file", value_text(&pool, "x")), NULL, &out, NULL),
                     AMT_ECONFIG);
    bytes_fini(&out);
    arena_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_gives_its_bytes),
        cmocka_unit_test(nothing_is_bytes_too),
        cmocka_unit_test(what_is_no_bytes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
