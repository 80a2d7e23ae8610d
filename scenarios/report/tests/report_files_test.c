#define _XOPEN_SOURCE 700 /* nftw */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unit.h"
#include "sample.h"

struct fixture {
    struct results *results;
    char folder[64];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.results = sample_results();
    (void)snprintf(fixture.folder, sizeof fixture.folder, "/tmp/amtlab-report-XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
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
    results_free(f->results);
    return nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes spec with every %s replaced by the folder. */
static enum amt_err write_set(struct fixture *f, const char *spec, struct amt_diag *diag)
{
    struct text filled = { 0 };
    for (const char *at = spec; *at != '\0'; at++) {
        if (at[0] == '@') {
            text_puts(&filled, f->folder);
        } else {
            text_append(&filled, at, 1);
        }
    }
    enum amt_err err = report_write_files(f->results, text_chars(&filled), diag);
    text_fini(&filled);
    return err;
}

static bool is_there(struct fixture *f, const char *name)
{
    char path[256];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return stat(path, &info) == 0 && (S_ISDIR(info.st_mode) || info.st_size > 0);
}

static void all_formats_are_written_and_folders_made(void **state)
{
    struct fixture *f = *state;
    struct amt_diag diag = { 0 };
    assert_int_equal(write_set(f,
                               "junit=@/a/b/j.xml,json=@/r.json,html=@/c/html,tap=@/t.tap,"
                               "md=@/s.md,txt=@/t.txt",
                               &diag),
                     AMT_OK);
    static const char *const k_names[] = {
        "a/b/j.xml",        "r.json",           "t.tap", "s.md", "t.txt", "c/html",
        "c/html/style.css", "c/html/index.html"
    };
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        assert_true(is_there(f, k_names[i]));
    }
    assert_false(is_there(f, "r.json.new"));
    struct text name = { 0 };
    text_puts(&name, "c/html/");
    report_html_name(&name, f->results->case_last);
    assert_true(is_there(f, text_chars(&name)));
    text_fini(&name);
    assert_int_equal(write_set(f, "json=@/r.json", &diag), AMT_OK); /* again, over it */
}

static void a_wrong_list_is_explained(void **state)
{
    (void)state;
    static const char *const k_wrong[] = { "",         "junit", "junit=",       "xml=f",
                                           "junit=a,", "=f",    "junit=a,pdf=b" };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        struct amt_diag diag = { 0 };
        assert_int_equal(report_check_spec(k_wrong[i], &diag), AMT_ECONFIG);
        assert_non_null(strstr(diag.text, "is not understood"));
        assert_non_null(strstr(diag.hint, "write one or more of: junit=FILE, json=FILE, "));
        assert_non_null(strstr(diag.hint, "sarif=FILE"));
    }
    struct amt_diag diag = { 0 };
    assert_int_equal(report_check_spec("junit=a,pdf=b", &diag), AMT_ECONFIG);
    assert_string_equal(diag.text, "--report: \"pdf=b\" is not understood");
    assert_int_equal(report_check_spec("junit=a,html=b", NULL), AMT_OK);
}

static void a_file_in_the_place_of_a_folder_is_explained(void **state)
{
    struct fixture *f = *state;
    struct amt_diag diag = { 0 };
    assert_int_equal(write_set(f, "json=@/file", &diag), AMT_OK);
    assert_int_equal(write_set(f, "html=@/file", &diag), AMT_ESYS);
    assert_non_null(strstr(diag.text, "/file\" cannot be written: Not a directory"));
    assert_string_equal(diag.hint, "a file stands where a folder is wanted, or the reverse");
    assert_int_equal(write_set(f, "json=@/file/x/r.json", &diag), AMT_ESYS);
    assert_int_equal(write_set(f, "html=@/folder", &diag), AMT_OK);
    assert_int_equal(write_set(f, "json=@/folder", &diag), AMT_ESYS);
    assert_non_null(strstr(diag.text, "Is a directory"));
    assert_false(is_there(f, "folder.new"));
}

static void a_full_disk_is_explained(void **state)
{
    struct fixture *f = *state;
    struct amt_diag diag = { 0 };
    /* the temporary name leads to a device that is always full */
    char link_path[128];
    (void)snprintf(link_path, sizeof link_path, "%s/r.json.new", f->folder);
    assert_int_equal(symlink("/dev/full", link_path), 0);
    assert_int_equal(write_set(f, "json=@/r.json", &diag), AMT_ESYS);
    assert_non_null(strstr(diag.text, "r.json\" cannot be written: No space left on device"));
    assert_string_equal(diag.hint, "make room on this disk; what was there before is unchanged");
    assert_false(is_there(f, "r.json"));
}

static void an_incomplete_tree_is_not_published(void **state)
{
    struct fixture *f = *state;
    struct amt_diag diag = { 0 };
    f->results->failed = true;
    assert_int_equal(write_set(f, "json=@/r.json", &diag), AMT_ESTATE);
    assert_string_equal(diag.text, "no report is written: memory ran out during the run");
    assert_false(is_there(f, "r.json"));
}

int main(void)
{
#define UNIT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        UNIT(all_formats_are_written_and_folders_made),     UNIT(a_wrong_list_is_explained),
        UNIT(a_file_in_the_place_of_a_folder_is_explained), UNIT(a_full_disk_is_explained),
        UNIT(an_incomplete_tree_is_not_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
