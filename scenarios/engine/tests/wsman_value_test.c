/* Instances as values of the language, and back. */
#include <string.h>

#include "base/unit.h"
#include "scenarios/engine/wsman_value.h"

struct fixture {
    struct arena pool;
    struct yaml_document *document;
};

static struct value *from_yaml(struct arena *pool, const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR) {
        return value_from_scalar(pool, node->text, node->is_quoted);
    }
    struct value *out = node->kind == YAML_LIST ? value_list(pool) : value_map(pool);
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (node->kind == YAML_LIST) {
            value_append(out, from_yaml(pool, at));
        } else {
            value_put(pool, out, at->key, from_yaml(pool, at));
        }
    }
    return out;
}

static struct value *parse(struct fixture *f, const char *yaml)
{
    struct amt_diag_list errors = { .count = 0 };
    f->document = yaml_load_text(yaml, "test", &errors);
    assert_non_null(f->document);
    return from_yaml(&f->pool, yaml_root(f->document));
}

static void end(struct fixture *f)
{
    yaml_free(f->document);
    arena_fini(&f->pool);
}

static const char k_values[] =
    "Flag: true\nNumber: 42\nText: hello\nMask: \"00001234\"\nList: [1, 2]\n"
    "Ref: { ref: CIM_ComputerSystem, selectors: { Name: ManagedSystem } }\n"
    "Alarm: { embedded: IPS_AlarmClockOccurrence, values: { InstanceID: wake, StartTime: { "
    "datetime: 2026-01-01T00:00:00Z } } }\n";

static void every_kind_goes_there_and_back(void **state)
{
    struct fixture f = { .document = NULL };
    const char *why = NULL;
    (void)state;
    const struct value *values = parse(&f, k_values);
    struct wsman_instance *instance = wsman_instance_new(&f.pool, "AMT_X");
    wsman_set(instance, "Text", "is replaced");
    assert_true(wsman_value_apply(&f.pool, values, instance, &why));
    const struct value *back = wsman_value(&f.pool, instance);
    assert_int_equal(value_get(back, "Flag")->kind, VALUE_BOOL);
    assert_int_equal(value_get(back, "Number")->number, 42);
    assert_string_equal(value_get(back, "Text")->text, "hello");
    assert_int_equal(value_path(back, "List.1")->number, 2);
    assert_string_equal(value_path(back, "Ref.class")->text, "CIM_ComputerSystem");
    assert_string_equal(value_path(back, "Ref.selectors.Name")->text, "ManagedSystem");
    assert_string_equal(value_path(back, "Alarm.StartTime")->text, "2026-01-01T00:00:00Z");
    assert_int_equal(wsman_get_values(wsman_get_embedded(instance, "Alarm"), "StartTime")->kind,
                     WSMAN_DATETIME);
    end(&f);
}

/* What would not be written back the same way is no number. */
static void only_plain_numbers_are_numbers(void **state)
{
    static const char *const k_texts[] = { "00001234", "-0", "12345678901234567890",
                                           "1e3",      "",   "True" };
    struct arena pool = { NULL, 0 };
    (void)state;
    for (size_t i = 0; i < sizeof k_texts / sizeof k_texts[0]; i++) {
        struct wsman_instance *instance = wsman_instance_new(&pool, "AMT_X");
        wsman_set(instance, "P", k_texts[i]);
        const struct value *value = value_get(wsman_value(&pool, instance), "P");
        assert_int_equal(value->kind, VALUE_TEXT);
        assert_string_equal(value->text, k_texts[i]);
    }
    arena_fini(&pool);
}

static void names_that_would_break_the_envelope_are_refused(void **state)
{
    static const char *const k_wrong[] = { "\"a><b\": 1\n", "A: { nonsense: 1 }\n",
                                           "A: { ref: \"x y\" }\n",
                                           "A: { ref: CIM_X, selectors: { \"a b\": 1 } }\n" };
    (void)state;
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        struct fixture f = { .document = NULL };
        const char *why = NULL;
        const struct value *values = parse(&f, k_wrong[i]);
        struct wsman_instance *instance = wsman_instance_new(&f.pool, "AMT_X");
        assert_false(wsman_value_apply(&f.pool, values, instance, &why));
        assert_non_null(why);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_goes_there_and_back),
        cmocka_unit_test(only_plain_numbers_are_numbers),
        cmocka_unit_test(names_that_would_break_the_envelope_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
