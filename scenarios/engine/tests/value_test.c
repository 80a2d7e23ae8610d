#include "scenarios/engine/value.h"

#include <string.h>

#include "base/unit.h"

static void plain_scalars_get_their_type_and_quoted_ones_stay_text(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    assert_int_equal(value_from_scalar(&pool, "12", false)->kind, VALUE_INT);
    assert_int_equal(value_from_scalar(&pool, "0x10", false)->number, 16);
    assert_int_equal(value_from_scalar(&pool, "-3", false)->number, -3);
    assert_int_equal(value_from_scalar(&pool, "true", false)->kind, VALUE_BOOL);
    assert_int_equal(value_from_scalar(&pool, "no", false)->kind, VALUE_TEXT);
    assert_int_equal(value_from_scalar(&pool, "40ms", false)->kind, VALUE_TEXT);
    assert_int_equal(value_from_scalar(&pool, "12", true)->kind, VALUE_TEXT);
    assert_int_equal(value_from_scalar(&pool, "", false)->kind, VALUE_NULL);
    arena_fini(&pool);
}

static void a_path_leads_through_maps_and_lists_and_prefers_long_keys(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    struct value *root = value_map(&pool), *list = value_list(&pool), *inner = value_map(&pool);
    value_put(&pool, inner, "x", value_int(&pool, 7));
    value_append(list, inner);
    value_put(&pool, root, "a", list);
    value_put(&pool, root, "a.b", value_int(&pool, 8));
    assert_int_equal(value_path(root, "a.0.x")->number, 7);
    assert_int_equal(value_path(root, "a.b")->number, 8);
    assert_ptr_equal(value_path(root, ""), root);
    assert_null(value_path(root, "a.1.x"));
    assert_null(value_path(root, "a.0.y"));
    assert_null(value_path(root, "a.0.x.z"));
    arena_fini(&pool);
}

static void putting_a_key_again_replaces_it_in_its_place(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    struct value *map = value_map(&pool);
    value_put(&pool, map, "a", value_int(&pool, 1));
    value_put(&pool, map, "b", value_int(&pool, 2));
    value_put(&pool, map, "a", value_int(&pool, 3));
    value_put(&pool, map, "b", value_int(&pool, 4));
    value_put(&pool, map, "c", value_int(&pool, 5));
    assert_string_equal(value_show(&pool, map), "{a: 3, b: 4, c: 5}");
    assert_int_equal(map->count, 3);
    arena_fini(&pool);
}

static void quantities_compare_as_numbers_whatever_their_unit(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    int64_t number = 0;
    assert_true(value_number(value_text(&pool, "40ms"), &number));
    assert_int_equal(number, 40000);
    assert_true(value_number(value_text(&pool, "4KiB"), &number));
    assert_int_equal(number, 4096);
    assert_false(value_number(value_text(&pool, "four"), &number));
    assert_true(value_equal(value_int(&pool, 4096), value_text(&pool, "4KiB")));
    assert_false(value_equal(value_int(&pool, 1), value_bool(&pool, true)));
    assert_false(value_equal(value_text(&pool, "1s"), value_text(&pool, "1000ms")));
    arena_fini(&pool);
}

static void a_secret_is_never_printed(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    struct value *list = value_list(&pool), *secret = value_text(&pool, "P@ssw0rd");
    secret->is_secret = true;
    value_append(list, secret);
    assert_string_equal(value_show(&pool, list), "[(hidden)]");
    arena_fini(&pool);
}

static void long_values_are_cut_when_shown(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    char text[1000];
    memset(text, 'x', sizeof text);
    const char *shown = value_show(&pool, value_bytes(&pool, text, sizeof text));
    assert_non_null(strstr(shown, "(1000 bytes)"));
    assert_true(strlen(shown) < 500);
    arena_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_get_their_type_and_quoted_ones_stay_text),
        cmocka_unit_test(a_path_leads_through_maps_and_lists_and_prefers_long_keys),
        cmocka_unit_test(putting_a_key_again_replaces_it_in_its_place),
        cmocka_unit_test(quantities_compare_as_numbers_whatever_their_unit),
        cmocka_unit_test(a_secret_is_never_printed),
        cmocka_unit_test(long_values_are_cut_when_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
