/* The catalogue of field failures: each entry has a scenario that replays it and can fail, or says why
 * not (library/failures/index.yaml). */
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "scenarios/engine/suite.h"

#define INDEX "scenarios/library/failures/index.yaml"

struct catalogue {
    struct suite suite;
    struct yaml_document *index;
};

/* From whatever folder ctest was started. */
static void go_to_source(void)
{
    for (uint32_t i = 0; i < 6 && access(INDEX, R_OK) != 0; i++) {
        assert_int_equal(chdir(".."), 0);
    }
}

static int load(void **state)
{
    static struct catalogue catalogue;
    struct amt_diag_list errors = { 0 };
    go_to_source();
    catalogue.index = yaml_load_file(INDEX, &errors);
    assert_non_null(catalogue.index);
    assert_int_equal(suite_add(&catalogue.suite, "scenarios/library", NULL, &errors), AMT_OK);
    assert_int_equal(errors.count, 0);
    amt_diag_list_fini(&errors);
    *state = &catalogue;
    return 0;
}

static int unload(void **state)
{
    struct catalogue *catalogue = *state;
    suite_free(&catalogue->suite);
    yaml_free(catalogue->index);
    return 0;
}

static const char *text(const struct yaml_node *entry, const char *key)
{
    const struct yaml_node *node = yaml_get(entry, key);
    return node == NULL ? NULL : node->text;
}

static const struct yaml_node *entries(const struct catalogue *catalogue)
{
    return yaml_get(yaml_root(catalogue->index), "failures");
}

static bool cites(const struct scenario *scenario, const char *id)
{
    for (const struct scenario_word *at = scenario->fields; at != NULL; at = at->next) {
        if (strcmp(at->text, id) == 0) {
            return true;
        }
    }
    return false;
}

static void every_entry_has_a_scenario_that_can_fail_or_says_why_not(void **state)
{
    const struct catalogue *catalogue = *state;
    uint32_t missing = 0;
    for (const struct yaml_node *at = entries(catalogue)->first; at != NULL; at = at->next) {
        const char *id = text(at, "id"), *not_yet = text(at, "not_yet");
        uint32_t scenarios = 0, defects = 0;
        for (const struct scenario *s = catalogue->suite.scenarios; s != NULL; s = s->next) {
            bool is_replay = cites(s, id) && s->needs == NULL;
            scenarios += is_replay ? 1 : 0;
            defects += is_replay && s->defects != NULL && scenario_has_tag(s, text(at, "priority"))
                           ? s->defects->count
                           : 0;
        }
        if (not_yet == NULL && (scenarios == 0 || defects == 0)) {
            print_error("%s (%s) has %u scenarios, and those with its priority as a tag name %u "
                        "defects\n",
                        id, text(at, "title"), scenarios, defects);
            missing++;
        }
        if (not_yet != NULL && (strlen(not_yet) < 20 || defects > 0)) {
            print_error("%s: 'not_yet: %s' is no reason, or there is a scenario already\n", id,
                        not_yet);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void every_entry_that_is_cited_is_in_the_catalogue(void **state)
{
    const struct catalogue *catalogue = *state;
    for (const struct scenario *s = catalogue->suite.scenarios; s != NULL; s = s->next) {
        for (const struct scenario_word *field = s->fields; field != NULL; field = field->next) {
            const struct yaml_node *at = entries(catalogue)->first;
            while (at != NULL && strcmp(text(at, "id"), field->text) != 0) {
                at = at->next;
            }
            if (at == NULL) {
                fail_msg("%s cites %s, which is not in %s", s->path, field->text, INDEX);
            }
        }
    }
}

static void the_catalogue_is_complete(void **state)
{
    const struct catalogue *catalogue = *state;
    uint32_t p0 = 0, p1 = 0, p2 = 0;
    for (const struct yaml_node *at = entries(catalogue)->first; at != NULL; at = at->next) {
        const char *priority = text(at, "priority");
        p0 += strcmp(priority, "p0") == 0 ? 1 : 0;
        p1 += strcmp(priority, "p1") == 0 ? 1 : 0;
        p2 += strcmp(priority, "p2") == 0 ? 1 : 0;
        for (const struct yaml_node *next = at->next; next != NULL; next = next->next) {
            assert_string_not_equal(text(at, "id"), text(next, "id"));
        }
    }
    assert_int_equal(p0, 37);
    assert_int_equal(p1, 78);
    assert_int_equal(p2, 26);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_is_complete),
        cmocka_unit_test(every_entry_that_is_cited_is_in_the_catalogue),
        cmocka_unit_test(every_entry_has_a_scenario_that_can_fail_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
