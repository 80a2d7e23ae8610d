#include "conformance/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"

#define REGISTRY_PATH AMTLAB_SOURCE_DIR "/conformance/requirements.yaml"

static struct registry *load_text(const char *text, struct amt_diag_list *errors)
{
    char path[] = "/tmp/amtlab-registry-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    struct registry *registry = registry_load(path, errors);
    assert_int_equal(unlink(path), 0);
    return registry;
}

static void the_registry_of_this_project_is_complete(void **state)
{
    (void)state;
    struct amt_diag_list errors = { 0 };
    struct registry *registry = registry_load(REGISTRY_PATH, &errors);
    amt_diag_list_print(&errors, stderr);
    assert_non_null(registry);
    assert_true(registry_count(registry) >= 567); /* ids are added, never taken away */
    const struct requirement *found = registry_find(registry, "APF-MPS-021");
    assert_non_null(found);
    assert_string_equal(found->text, "A USERAUTH_REQUEST may arrive in any number of pieces.");
    assert_string_equal(found->document, "apf.md");
    registry_free(registry);
    amt_diag_list_fini(&errors);
}

static void every_requirement_is_found_by_its_id_and_no_other(void **state)
{
    (void)state;
    struct registry *registry = registry_load(REGISTRY_PATH, NULL);
    assert_non_null(registry);
    for (uint32_t i = 0; i < registry_count(registry); i++) {
        const char *id = registry_at(registry, i)->id;
        assert_int_equal(registry_index(registry, id, strlen(id)), i);
        assert_int_equal(registry_index(registry, id, strlen(id) - 1), registry_count(registry));
    }
    assert_null(registry_find(registry, "APF-MPS-"));
    assert_null(registry_find(registry, ""));
    assert_null(registry_find(registry, "ZZZ-"
                                        "001"));
    assert_true(registry_knows_family(registry, "APF-XYZ-"
                                                "001"));
    assert_false(registry_knows_family(registry, "SHA-"
                                                 "256"));
    assert_false(registry_knows_family(registry, "AP-"
                                                 "001"));
    registry_free(registry);
}

static void wrong_files_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *text;
        uint32_t line;
    } k_rows[] = {
        { "requirements: []\n", "not a registry of requirements", 1 },
        { "version: 1\n", "not a registry of requirements", 1 },
        { "version: 2\nrequirements: []\n", "version: found \"2\"", 1 },
        { "version: 1\nrequirements:\n- {id: AA-"
          "001, txt: x}\n",
          "unknown key \"txt\"", 3 },
        { "version: 1\nrequirements:\n- {id: AA-"
          "001}\n",
          "a requirement without a proper id or without text", 3 },
        { "version: 1\nrequirements:\n- {id: AA-1, text: x}\n",
          "a requirement without a proper id or without text", 3 },
        { "version: 1\nrequirements:\n- {id: aa-001, text: x}\n",
          "a requirement without a proper id or without text", 3 },
        { "version: 1\nrequirements:\n- {id: AA-"
          "001, text: x}\n- {id: AA-"
          "001, text: y}\n",
          "the id AA-"
          "001 is there twice",
          0 },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct amt_diag_list errors = { 0 };
        assert_null(load_text(k_rows[i].yaml, &errors));
        assert_true(errors.count >= 1);
        assert_string_equal(errors.items[0].text, k_rows[i].text);
        assert_int_equal(errors.items[0].line, k_rows[i].line);
        amt_diag_list_fini(&errors);
    }
}

static void a_result_tree_gets_the_words_it_lacks(void **state)
{
    (void)state;
    struct registry *registry = load_text("version: 1\nrequirements:\n- {id: AA-"
                                          "001, text: first}\n- {id: AA-"
                                          "002, text: second}\n",
                                          NULL);
    assert_non_null(registry);
    struct results *results = results_new();
    struct result_case *c = results_add_case(results, "x");
    struct result_spec *first = result_add_spec(results, c,
                                                "AA-"
                                                "001",
                                                RESULT_MUST);
    struct result_spec *second = result_add_spec(results, c,
                                                 "AA-"
                                                 "002",
                                                 RESULT_MUST);
    struct result_spec *other = result_add_spec(results, c,
                                                "AA-"
                                                "003",
                                                RESULT_MUST);
    second->text = "has words";
    registry_describe(registry, results);
    assert_string_equal(first->text, "first");
    assert_string_equal(second->text, "has words");
    assert_string_equal(other->text, "");
    results_free(results);
    registry_free(registry);
}

static void the_prefix_is_what_stands_before_the_number(void **state)
{
    (void)state;
    assert_int_equal(requirement_prefix("APF-MPS-"
                                        "021"),
                     7);
    assert_int_equal(requirement_prefix("RED-"
                                        "001"),
                     3);
    assert_int_equal(requirement_prefix("RED"), 3);
}

static void a_failed_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    static const char k_yaml[] = "version: 1\nrequirements:\n- {id: AA-"
                                 "001, text: first}\n";
    struct registry *registry = NULL;
    for (uint64_t k = 1; registry == NULL; k++) {
        assert_true(k < 300);
        amt_memory_fail_after(k);
        registry = load_text(k_yaml, NULL);
        amt_memory_fail_after(0);
    }
    registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registry_of_this_project_is_complete),
        cmocka_unit_test(every_requirement_is_found_by_its_id_and_no_other),
        cmocka_unit_test(wrong_files_are_refused_with_their_place),
        cmocka_unit_test(a_result_tree_gets_the_words_it_lacks),
        cmocka_unit_test(the_prefix_is_what_stands_before_the_number),
        cmocka_unit_test(a_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
