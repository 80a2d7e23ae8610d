#include "runtime/metrics.h"

#include "base/unit.h"

struct counters {
    uint64_t keepalives_in, sessions;
};

static const struct metric k_table[] = {
    { "keepalives_in", "keepalive requests \\ received\nso far", false,
      offsetof(struct counters, keepalives_in) },
    { "sessions", "sessions that are open", true, offsetof(struct counters, sessions) },
    { NULL, NULL, false, 0 },
};

static void a_value_is_found_by_its_name(void **state)
{
    (void)state;
    const struct counters counters = { 3, UINT64_MAX };
    uint64_t value = 0;
    assert_true(metric_find(k_table, &counters, "keepalives_in", &value));
    assert_int_equal(value, 3);
    assert_true(metric_find(k_table, &counters, "sessions", &value));
    assert_true(value == UINT64_MAX);
}

static void an_unknown_name_leaves_the_value_alone(void **state)
{
    (void)state;
    const struct counters counters = { 3, 4 };
    uint64_t value = 77;
    assert_false(metric_find(k_table, &counters, "keepalives", &value));
    assert_int_equal(value, 77);
}

static void prometheus_text_has_help_type_and_value(void **state)
{
    (void)state;
    const struct counters counters = { 3, UINT64_MAX };
    struct text out = { 0 };
    metrics_prometheus(k_table, &counters, "amtlab_mps", &out);
    assert_string_equal(text_chars(&out),
                        "# HELP amtlab_mps_keepalives_in_total keepalive requests \\\\ received"
                        "\\nso far\n"
                        "# TYPE amtlab_mps_keepalives_in_total counter\n"
                        "amtlab_mps_keepalives_in_total 3\n"
                        "# HELP amtlab_mps_sessions sessions that are open\n"
                        "# TYPE amtlab_mps_sessions gauge\n"
                        "amtlab_mps_sessions 18446744073709551615\n");
    text_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_by_its_name),
        cmocka_unit_test(an_unknown_name_leaves_the_value_alone),
        cmocka_unit_test(prometheus_text_has_help_type_and_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
