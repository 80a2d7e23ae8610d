/* Two machines with one UUID: when changes between sessions mean that. */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "mps/cira/duplicates.h"

#define SECOND ((uint64_t)1000000)

static const struct session_look k_a = { "192.0.2.1", "pc-a" }, k_b = { "192.0.2.1", "pc-b" },
                                 k_moved = { "192.0.2.9", "pc-a" };
static const struct uuid k_id = { { 1 } };

static void three_changes_within_two_minutes_are_two_machines(void **state)
{
    (void)state;
    struct duplicates *d = duplicates_new();
    assert_false(duplicates_changed(d, &k_id, &k_a, &k_b, 10 * SECOND));
    assert_false(duplicates_changed(d, &k_id, &k_b, &k_a, 20 * SECOND));
    assert_false(duplicates_has(d, &k_id, 20 * SECOND));
    assert_true(duplicates_changed(d, &k_id, &k_a, &k_b, 30 * SECOND));
    assert_true(duplicates_has(d, &k_id, 31 * SECOND));
    assert_true(duplicates_changed(d, &k_id, &k_b, &k_a, 200 * SECOND));
    assert_false(duplicates_has(d, &k_id, 801 * SECOND));
    duplicates_free(d);
}

static void a_machine_that_comes_back_or_moves_is_one(void **state)
{
    (void)state;
    struct duplicates *d = duplicates_new();
    static const struct session_look k_silent = { "192.0.2.1", "" };
    for (uint64_t i = 0; i < 10; i++) {
        assert_false(duplicates_changed(d, &k_id, &k_a, &k_a, i * SECOND));
        assert_false(duplicates_changed(d, &k_id, &k_a, &k_silent, i * SECOND));
    }
    assert_false(duplicates_changed(d, &k_id, &k_a, &k_moved, 10 * SECOND));
    assert_false(duplicates_changed(d, &k_id, &k_moved, &k_a, 20 * SECOND));
    /* Slowly is not how two machines behave. */
    assert_false(duplicates_changed(d, &k_id, &k_a, &k_moved, 200 * SECOND));
    duplicates_free(d);
}

static void many_ids_push_out_the_oldest(void **state)
{
    (void)state;
    struct duplicates *d = duplicates_new();
    struct uuid uuid = k_id;
    for (uint32_t i = 0; i < 300; i++) {
        memcpy(&uuid, &i, sizeof i);
        for (uint64_t n = 1; n <= 3; n++) {
            (void)duplicates_changed(d, &uuid, &k_a, &k_b, (i * 10 + n) * 1000);
        }
        assert_true(duplicates_has(d, &uuid, i * 10000 + 4000));
    }
    uint32_t first = 0;
    memcpy(&uuid, &first, sizeof first);
    assert_false(duplicates_has(d, &uuid, 300 * 10000));
    duplicates_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_changes_within_two_minutes_are_two_machines),
        cmocka_unit_test(a_machine_that_comes_back_or_moves_is_one),
        cmocka_unit_test(many_ids_push_out_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
