#define _XOPEN_SOURCE 700 /* nftw */

#include "conformance/citations.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unit.h"

/* Ids are put together so that this file does not cite them. */
#define ID(prefix, number) prefix "-" number

struct fixture {
    char folder[64];
    struct registry *registry;
};

static void write_file(struct fixture *f, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    for (char *slash = strchr(path + strlen(f->folder) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* may be there already */
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    (void)snprintf(fixture.folder, sizeof fixture.folder, "/tmp/amtlab-citations-XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
    write_file(
        &fixture, "conformance/requirements.yaml",
        "version: 1\nrequirements:\n"
        "- {id: " ID("XA-MPS", "001") ", text: one}\n"
                                      "- {id: " ID("XA-MPS",
                                                   "002") ", text: two}\n"
                                                          "- {id: " ID("XB",
                                                                       "001") ", text: three}\n");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/conformance/requirements.yaml", fixture.folder);
    fixture.registry = registry_load(path, NULL);
    assert_non_null(fixture.registry);
    *state = &fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    registry_free(f->registry);
    return nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void assert_counts(const struct citations *citations, uint32_t index, uint32_t code,
                          uint32_t test, uint32_t scenario)
{
    assert_int_equal(citations->counts[index][CITATION_CODE], code);
    assert_int_equal(citations->counts[index][CITATION_TEST], test);
    assert_int_equal(citations->counts[index][CITATION_SCENARIO], scenario);
}

static void citations_are_counted_by_kind_of_file(void **state)
{
    struct fixture *f = *state;
    write_file(f, "mps/a.c", "/* " ID("XA-MPS", "001") ", " ID("XB", "001") " */\n");
    write_file(f, "mps/a.h", "/* " ID("XA-MPS", "001") " */\n");
    write_file(f, "mps/tests/a_test.c", "/* " ID("XA-MPS", "001") " */\n");
    write_file(f, "fuzz/a.c", "/* " ID("XB", "001") " */\n");
    write_file(f, "scenarios/library/s.yaml",
               "# " ID("XB", "001") " in a comment does not count\n"
                                    "spec:\n  - { id: " ID(
                                        "XA-MPS", "002") ", level: must }\n"
                                                         "steps:\n  - { expect: {}, spec: [" ID(
                                                             "XA-MPS", "001") "] }\n");
    write_file(f, "docs/page.md", ID("XB", "001") "\n");
    write_file(f, "build/a.c", ID("XB", "001") "\n");
    write_file(f, ".git/a.c", ID("XB", "001") "\n");
    write_file(f, "mps/a.bin", ID("XB", "001") "\n");
    struct citations citations;
    assert_int_equal(citations_read(&citations, f->registry, f->folder, NULL), AMT_OK);
    assert_int_equal(citations.file_count, 6);
    assert_counts(&citations, 0, 2, 1, 1);
    assert_counts(&citations, 1, 0, 0, 1);
    assert_counts(&citations, 2, 1, 1, 0);
    assert_null(citations.unknown_first);
    citations_fini(&citations);
}

static void unknown_ids_are_found_in_order_with_their_place(void **state)
{
    struct fixture *f = *state;
    write_file(f, "mps/b.c", "\n\n/* " ID("XA-MPS", "999") " " ID("XA-MSP", "001") " */\n");
    write_file(f, "mps/a.c", "/* " ID("SHA", "256") " " ID("ZZ", "100") " */\n");
    write_file(f, "scenarios/s.yaml", "spec: [" ID("XB", "009") "]\n");
    struct citations citations;
    assert_int_equal(citations_read(&citations, f->registry, f->folder, NULL), AMT_OK);
    const struct unknown_citation *u = citations.unknown_first;
    assert_string_equal(u->id, ID("XA-MPS", "999"));
    assert_string_equal(u->file, "mps/b.c");
    assert_int_equal(u->line, 3);
    assert_string_equal(u->next->id, ID("XA-MSP", "001"));
    assert_string_equal(u->next->next->file, "scenarios/s.yaml");
    assert_null(u->next->next->next);
    citations_fini(&citations);
}

static void a_scenario_that_is_not_yaml_is_an_error(void **state)
{
    struct fixture *f = *state;
    write_file(f, "scenarios/s.yaml", "spec: [\n");
    struct amt_diag_list errors = { 0 };
    struct citations citations;
    assert_int_equal(citations_read(&citations, f->registry, f->folder, &errors), AMT_ECONFIG);
    assert_int_equal(errors.count, 1);
    assert_non_null(strstr(errors.items[0].file, "scenarios/s.yaml"));
    citations_fini(&citations);
    amt_diag_list_fini(&errors);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct amt_diag_list errors = { 0 };
    struct citations citations;
    assert_int_equal(citations_read(&citations, f->registry, "/nowhere/at/all", &errors), AMT_ESYS);
    assert_string_equal(errors.items[0].text, "cannot read this folder: No such file or directory");
    citations_fini(&citations);
    amt_diag_list_fini(&errors);
}

static void an_id_stands_between_other_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text, *id; /* id NULL: none */
    } k_rows[] = {
        { "(" ID("XA-MPS", "001") ")", ID("XA-MPS", "001") },
        { ID("XB", "001") ",", ID("XB", "001") },
        { "x" ID("XB", "001"), NULL },
        { "_" ID("XB", "001"), NULL },
        { "-" ID("XB", "001"), NULL },
        { ID("XB", "0011"), NULL },
        { ID("XB", "01"), NULL },
        { ID("X", "001"), NULL },
        { ID("A-XB", "001"), NULL },
        { ID("xb", "001"), NULL },
        { "XB-", NULL },
        { "", NULL },
        { ID("xx", "1") " " ID("XB", "001"), ID("XB", "001") },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        size_t len = 0;
        const char *found = citation_next(k_rows[i].text, &len);
        if (k_rows[i].id == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_int_equal(len, strlen(k_rows[i].id));
            assert_memory_equal(found, k_rows[i].id, len);
        }
    }
}

/* Not only of an example: this very source tree cites no requirement that does not exist. */
static void the_source_tree_cites_only_known_requirements(void **state)
{
    (void)state;
    struct amt_diag_list errors = { 0 };
    struct registry *registry =
        registry_load(AMTLAB_SOURCE_DIR "/conformance/requirements.yaml", &errors);
    assert_non_null(registry);
    struct citations citations;
    enum amt_err err = citations_read(&citations, registry, AMTLAB_SOURCE_DIR, &errors);
    amt_diag_list_print(&errors, stderr);
    assert_int_equal(err, AMT_OK);
    assert_true(citations.file_count > 10);
    for (const struct unknown_citation *u = citations.unknown_first; u != NULL; u = u->next) {
        (void)fprintf(stderr, "%s:%u: %s is not in the registry\n", u->file, u->line, u->id);
    }
    assert_null(citations.unknown_first);
    citations_fini(&citations);
    registry_free(registry);
    amt_diag_list_fini(&errors);
}

int main(void)
{
#define UNIT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        UNIT(citations_are_counted_by_kind_of_file),
        UNIT(unknown_ids_are_found_in_order_with_their_place),
        UNIT(a_scenario_that_is_not_yaml_is_an_error),
        UNIT(a_folder_that_is_not_there_is_an_error),
        cmocka_unit_test(an_id_stands_between_other_characters),
        cmocka_unit_test(the_source_tree_cites_only_known_requirements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
