/* Words of a command line as properties and selectors. */
#include <string.h>

#include "base/unit.h"
#include "client/compose.h"

struct fixture {
    struct arena arena;
    struct wsman_instance *instance;
    struct amt_diag diag;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->instance = wsman_instance_new(&f->arena, "AMT_X");
}

static enum amt_err add(struct fixture *f, const char *word)
{
    return compose_property(&f->arena, f->instance, word, &f->diag);
}

static void every_form_of_a_value(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    assert_int_equal(add(&f, "Name=a=b c"), AMT_OK);
    assert_string_equal(wsman_get(f.instance, "Name"), "a=b c");
    assert_int_equal(add(&f, "Empty="), AMT_OK);
    assert_string_equal(wsman_get(f.instance, "Empty"), "");
    assert_int_equal(add(&f, "Url=text:ref:x"), AMT_OK);
    assert_string_equal(wsman_get(f.instance, "Url"), "ref:x");
    assert_int_equal(add(&f, "List=1"), AMT_OK);
    assert_int_equal(add(&f, "List=2"), AMT_OK);
    assert_string_equal(wsman_get_values(f.instance, "List")->next->text, "2");
    assert_int_equal(add(&f, "Ref=ref:CIM_ComputerSystem,Name=ManagedSystem,B=c"), AMT_OK);
    assert_string_equal(wsman_ref_selector(wsman_get_ref(f.instance, "Ref"), "Name"),
                        "ManagedSystem");
    assert_int_equal(add(&f, "T=time:2030-01-01T00:00:00Z"), AMT_OK);
    assert_int_equal(wsman_get_values(f.instance, "T")->kind, WSMAN_DATETIME);
    assert_int_equal(add(&f, "I=interval:P1DT0H0M"), AMT_OK);
    assert_int_equal(wsman_get_values(f.instance, "I")->kind, WSMAN_INTERVAL);
    assert_int_equal(add(&f, "A:IPS_AlarmClockOccurrence.InstanceID=wake"), AMT_OK);
    assert_int_equal(add(&f, "A:IPS_AlarmClockOccurrence.Other=x"), AMT_OK);
    assert_string_equal(wsman_get_embedded(f.instance, "A")->class_name,
                        "IPS_AlarmClockOccurrence");
    assert_string_equal(wsman_get(wsman_get_embedded(f.instance, "A"), "Other"), "x");
    arena_fini(&f.arena);
}

/* What would break the envelope does not get into it. */
static void wrong_words_are_refused(void **state)
{
    static const char *const k_wrong[] = {
        "",      "Name",   "=x",     "a b=1",     "<x>=1",          "1a=2",
        "A:B=1", "A:.C=1", "A=ref:", "A=ref:x y", "A=ref:C,novalue"
    };
    struct fixture f;
    (void)state;
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        begin(&f);
        assert_int_equal(add(&f, k_wrong[i]), AMT_EMALFORMED);
        assert_true(f.diag.text[0] != '\0');
        arena_fini(&f.arena);
    }
    begin(&f);
    assert_int_equal(add(&f, "A=file:/nonexistent/file"), AMT_ESYS);
    arena_fini(&f.arena);
}

static void a_file_becomes_base64(void **state)
{
    struct fixture f;
    size_t len = 0;
    (void)state;
    begin(&f);
    assert_int_equal(add(&f, "Blob=file:" AMTLAB_SOURCE_DIR "/client/CMakeLists.txt"), AMT_OK);
    const uint8_t *bytes = wsman_get_base64(f.instance, "Blob", &len);
    assert_non_null(bytes);
    assert_memory_equal(bytes, "amtlab_library(", 15);
    arena_fini(&f.arena);
}

/* A put replaces what the object has; only words that repeat make an array. */
static void words_replace_what_is_there(void **state)
{
    struct fixture f;
    char one[] = "List=9", two[] = "List=8";
    char *const words[] = { one, two };
    (void)state;
    begin(&f);
    wsman_set(f.instance, "List", "old");
    wsman_set(f.instance, "Other", "stays");
    assert_int_equal(compose_properties(&f.arena, f.instance, words, 2, &f.diag), AMT_OK);
    const struct wsman_value *values = wsman_get_values(f.instance, "List");
    assert_string_equal(values->text, "9");
    assert_string_equal(values->next->text, "8");
    assert_null(values->next->next);
    assert_string_equal(wsman_get(f.instance, "Other"), "stays");
    arena_fini(&f.arena);
}

static void selectors_take_text_and_references(void **state)
{
    struct fixture f;
    const struct wsman_selector *list = NULL;
    (void)state;
    begin(&f);
    assert_int_equal(compose_selector(&f.arena, &list, "InstanceID=Intel(r) AMT: x", &f.diag),
                     AMT_OK);
    assert_int_equal(compose_selector(&f.arena, &list, "PolicySet=ref:AMT_Y,Name=z", &f.diag),
                     AMT_OK);
    assert_string_equal(wsman_ref_selector(list->ref, "Name"), "z");
    assert_string_equal(list->next->text, "Intel(r) AMT: x");
    assert_int_equal(compose_selector(&f.arena, &list, "novalue", &f.diag), AMT_EMALFORMED);
    arena_fini(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_value),
        cmocka_unit_test(wrong_words_are_refused),
        cmocka_unit_test(a_file_becomes_base64),
        cmocka_unit_test(words_replace_what_is_there),
        cmocka_unit_test(selectors_take_text_and_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
