#include "mps/cira/attempts.h"

#include <stdio.h>

#include "base/unit.h"

#define SECOND_US UINT64_C(1000000)

static const struct mps_config k_config = { .auth_failures_per_address = 3,
                                            .auth_failures_per_user = 5,
                                            .auth_failure_window_us = 60 * SECOND_US };

static void an_address_is_locked_out_at_its_limit_and_free_after_the_window(void **state)
{
    (void)state;
    struct attempts *a = attempts_new();
    for (int i = 0; i < 3; i++) {
        assert_true(attempts_allow(a, &k_config, "192.0.2.7", "u", 10 * SECOND_US));
        attempts_failed(a, &k_config, "192.0.2.7", i == 0 ? "u" : "v", 10 * SECOND_US);
    }
    assert_false(attempts_allow(a, &k_config, "192.0.2.7", "w", 69 * SECOND_US));
    assert_true(attempts_allow(a, &k_config, "192.0.2.8", "w", 69 * SECOND_US));
    assert_true(attempts_allow(a, &k_config, "192.0.2.7", "w", 70 * SECOND_US));
    attempts_free(a);
}

static void a_user_is_locked_out_whatever_the_address(void **state)
{
    (void)state;
    struct attempts *a = attempts_new();
    for (int i = 0; i < 5; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "192.0.2.%d", i);
        attempts_failed(a, &k_config, address, "u", 0);
    }
    assert_false(attempts_allow(a, &k_config, "192.0.2.200", "u", SECOND_US));
    assert_true(attempts_allow(a, &k_config, "192.0.2.200", "v", SECOND_US));
    attempts_free(a);
}

static void an_address_is_no_user(void **state)
{
    (void)state;
    struct attempts *a = attempts_new();
    for (int i = 0; i < 3; i++) {
        attempts_failed(a, &k_config, "same", "other", 0);
    }
    assert_false(attempts_allow(a, &k_config, "same", "x", 0));
    assert_true(attempts_allow(a, &k_config, "x", "same", 0));
    attempts_free(a);
}

static void zero_is_no_limit(void **state)
{
    static const struct mps_config k_off = { .auth_failure_window_us = 60 * SECOND_US };
    (void)state;
    struct attempts *a = attempts_new();
    for (int i = 0; i < 1000; i++) {
        attempts_failed(a, &k_off, "a", "u", 0);
    }
    assert_true(attempts_allow(a, &k_off, "a", "u", 0));
    attempts_free(a);
}

static void the_table_forgets_the_oldest_when_it_is_full(void **state)
{
    (void)state;
    struct attempts *a = attempts_new();
    for (int i = 0; i < 3; i++) {
        attempts_failed(a, &k_config, "first", "u", 0);
    }
    assert_false(attempts_allow(a, &k_config, "first", "x", 0));
    for (int i = 0; i < 20000; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a%d", i);
        attempts_failed(a, &k_config, address, "u", 0);
    }
    assert_true(attempts_allow(a, &k_config, "first", "x", 0));
    attempts_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_locked_out_at_its_limit_and_free_after_the_window),
        cmocka_unit_test(a_user_is_locked_out_whatever_the_address),
        cmocka_unit_test(an_address_is_no_user),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(the_table_forgets_the_oldest_when_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
