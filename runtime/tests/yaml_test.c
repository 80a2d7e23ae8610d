#include "runtime/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"

static struct yaml_document *load_good(const char *text)
{
    struct amt_diag_list errors = { 0 };
    struct yaml_document *document = yaml_load_text(text, "good.yaml", &errors);
    if (errors.count > 0) {
        amt_diag_list_print(&errors, stderr);
    }
    assert_int_equal(errors.count, 0);
    assert_non_null(document);
    amt_diag_list_fini(&errors);
    return document;
}

/* What amt_diag_list_print says about a text that must be refused. amt_free it. */
static char *errors_of(const char *text)
{
    struct amt_diag_list errors = { 0 };
    assert_null(yaml_load_text(text, "bad.yaml", &errors));
    assert_true(errors.count > 0);
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);
    assert_non_null(out);
    amt_diag_list_print(&errors, out);
    assert_int_equal(fclose(out), 0);
    amt_diag_list_fini(&errors);
    return printed;
}

static void assert_errors(const char *text, const char *wanted)
{
    char *printed = errors_of(text);
    assert_string_equal(printed, wanted);
    amt_free(printed);
}

static void every_node_knows_its_place_and_how_it_was_written(void **state)
{
    (void)state;
    struct yaml_document *document = load_good("# a comment\n"
                                               "listen: 0.0.0.0:4433\n"
                                               "users:\n"
                                               "  - { name: \"a\", password: 'b' }\n"
                                               "note: |\n"
                                               "  two\n"
                                               "  lines\n"
                                               "empty:\n");
    const struct yaml_node *root = yaml_root(document);
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->count, 4);
    const struct yaml_node *listen = yaml_get(root, "listen");
    assert_string_equal(listen->text, "0.0.0.0:4433");
    assert_string_equal(listen->key, "listen");
    assert_false(listen->is_quoted);
    assert_int_equal(listen->line, 2);
    assert_int_equal(listen->column, 9);
    assert_int_equal(listen->key_line, 2);
    assert_int_equal(listen->key_column, 1);
    const struct yaml_node *users = yaml_get(root, "users");
    assert_int_equal(users->kind, YAML_LIST);
    assert_int_equal(users->count, 1);
    const struct yaml_node *name = yaml_get(users->first, "name");
    assert_null(users->first->key);
    assert_string_equal(name->text, "a");
    assert_true(name->is_quoted);
    assert_int_equal(name->line, 4);
    assert_int_equal(name->column, 13);
    assert_string_equal(yaml_get(root, "note")->text, "two\nlines\n");
    assert_true(yaml_get(root, "note")->is_quoted);
    assert_string_equal(yaml_get(root, "empty")->text, "");
    assert_false(yaml_get(root, "empty")->is_quoted);
    assert_null(yaml_get(root, "absent"));
    assert_null(yaml_get(listen, "absent"));
    assert_string_equal(yaml_path(document), "good.yaml");
    yaml_free(document);
}

static void scalars_stay_text_whatever_yaml_would_make_of_them(void **state)
{
    (void)state;
    static const char *const k_words[] = {
        "no", "on", "0755", "1e3", "12:30", "null", "~", "0x1F"
    };
    for (size_t i = 0; i < sizeof k_words / sizeof k_words[0]; i++) {
        struct text text = { 0 };
        text_printf(&text, "k: %s\n", k_words[i]);
        struct yaml_document *document = load_good(text_chars(&text));
        assert_string_equal(yaml_get(yaml_root(document), "k")->text, k_words[i]);
        yaml_free(document);
        text_fini(&text);
    }
}

static void json_is_read_the_same_way(void **state)
{
    (void)state;
    struct yaml_document *document = load_good("{\"a\": [1, \"x\\u00e9\\n\"],\n\t\"b\": {}}");
    const struct yaml_node *a = yaml_get(yaml_root(document), "a");
    assert_string_equal(a->first->text, "1");
    assert_string_equal(a->first->next->text, "x\xc3\xa9\n");
    assert_int_equal(yaml_get(yaml_root(document), "b")->count, 0);
    yaml_free(document);
}

static void aliases_are_copies_with_their_own_place(void **state)
{
    (void)state;
    struct yaml_document *document = load_good("base: &b { x: 1, y: [2, 3] }\n"
                                               "list: [*b, &s word, *s]\n"
                                               "again: *b\n");
    const struct yaml_node *list = yaml_get(yaml_root(document), "list");
    assert_int_equal(list->count, 3);
    assert_null(list->first->key);
    assert_string_equal(yaml_get(list->first, "x")->text, "1");
    assert_string_equal(list->first->next->next->text, "word");
    const struct yaml_node *again = yaml_get(yaml_root(document), "again");
    assert_string_equal(again->key, "again");
    assert_int_equal(again->line, 3);
    assert_int_equal(again->column, 8);
    assert_string_equal(yaml_get(again, "y")->first->next->text, "3");
    assert_int_equal(yaml_get(again, "y")->line, 1);
    yaml_free(document);
}

static void an_anchor_of_the_same_name_replaces_the_earlier_one(void **state)
{
    (void)state;
    struct yaml_document *document = load_good("[&a 1, *a, &a 2, *a]");
    const struct yaml_node *second = yaml_root(document)->first->next;
    assert_string_equal(second->text, "1");
    assert_string_equal(second->next->next->text, "2");
    yaml_free(document);
}

static void source_lines_are_given_back_without_their_end(void **state)
{
    (void)state;
    struct yaml_document *document = load_good("a: 1\r\nb: 2\n\nc: 3");
    static const char *const k_lines[] = { "a: 1", "b: 2", "", "c: 3" };
    for (uint32_t i = 0; i < 4; i++) {
        char *line = yaml_source_line(document, i + 1);
        assert_string_equal(line, k_lines[i]);
        amt_free(line);
    }
    assert_null(yaml_source_line(document, 0));
    assert_null(yaml_source_line(document, 5));
    yaml_free(document);
}

static void all_findings_are_reported_in_order_of_their_place(void **state)
{
    (void)state;
    assert_errors("b: !!int 1\n"
                  "a: 1\n"
                  "z: { b: 1, <<: { c: 2 }, b: 3 }\n"
                  "a: 2\n",
                  "bad.yaml:1:4: the tag tag:yaml.org,2002:int is not allowed\n"
                  "    leave it out: the key says what type its value has\n"
                  "bad.yaml:3:12: merge keys (<<) are not allowed\n"
                  "    write the keys out, or use an alias for the whole value\n"
                  "bad.yaml:3:26: the key \"b\" is there twice\n"
                  "    first in line 3, column 6: keep one of the two\n"
                  "bad.yaml:4:1: the key \"a\" is there twice\n"
                  "    first in line 2, column 1: keep one of the two\n");
}

static void syntax_errors_say_where_and_what_to_do(void **state)
{
    (void)state;
    assert_errors("a: 1\n\tb: 2\n",
                  "bad.yaml:2:1: YAML: found a tab character that violates indentation (while "
                  "scanning a plain scalar that began in line 1)\n"
                  "    a tab is not allowed here: indent with spaces\n");
    assert_errors("a: b: c\n",
                  "bad.yaml:1:5: YAML: mapping values are not allowed in this context\n"
                  "    a text that contains \": \" needs quotes\n");
    assert_errors("a: @x\n", "bad.yaml:1:4: YAML: found character that cannot start any token\n"
                             "    a text that begins with this character needs quotes\n");
    assert_errors("a: [1, 2\nb: 3\n",
                  "bad.yaml:2:2: YAML: did not find expected ',' or ']' (while parsing a flow "
                  "sequence that began in line 1)\n"
                  "    check the indentation and the quotes of this line and the one before\n");
}

static void what_the_subset_does_not_have_is_refused(void **state)
{
    (void)state;
    assert_errors("", "bad.yaml:1:1: the file is empty\n");
    assert_errors("# only a comment\n", "bad.yaml:1:1: the file is empty\n");
    assert_errors("a: 1\n---\nb: 2\n",
                  "bad.yaml:2:1: a second document begins here; one file holds one\n"
                  "    put it in a file of its own\n");
    assert_errors("{ [1]: 2 }\n", "bad.yaml:1:3: a key must be a text, not a list, map or alias\n");
    assert_errors("{ &k a: 1 }\n", "bad.yaml:1:3: a key may not have an anchor\n");
    assert_errors("[&k a, { *k : 1 }]\n",
                  "bad.yaml:1:10: a key must be a text, not a list, map or alias\n");
    assert_errors("a: \"x\\0y\"\n", "bad.yaml:1:4: a text may not contain the character \\0\n");
    assert_errors("a: *b\n", "bad.yaml:1:4: the alias *b has no anchor &b before it\n");
    assert_errors("&a [1, *a]\n", "bad.yaml:1:8: the alias *a stands inside its own anchor &a\n");
    assert_errors("a: \xff\n", "bad.yaml:1:1: not readable as UTF-8 text: invalid leading UTF-8 "
                               "octet (byte 3)\n");
}

static void nesting_is_capped_in_the_file_and_through_aliases(void **state)
{
    (void)state;
    char deepest[2 * YAML_DEPTH_MAX + 1];
    memset(deepest, '[', YAML_DEPTH_MAX);
    memset(deepest + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
    deepest[sizeof deepest - 1] = '\0';
    yaml_free(load_good(deepest));

    struct text deeper = { 0 };
    text_printf(&deeper, "[%s]", deepest);
    assert_errors(text_chars(&deeper), "bad.yaml:1:33: lists and maps are nested deeper than 32\n");
    text_fini(&deeper);

    struct text alias = { 0 };
    text_printf(&alias, "a: &a %s\nb: [*a]\n", deepest + 1);
    alias.chars[strlen("a: &a ") + sizeof deepest - 3] = '\n'; /* one closing bracket less */
    assert_errors(text_chars(&alias),
                  "bad.yaml:3:5: this alias nests lists and maps deeper than 32\n");
    text_fini(&alias);
}

static void an_alias_bomb_stops_at_the_node_cap(void **state)
{
    (void)state;
    struct text bomb = { 0 };
    text_puts(&bomb, "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
    for (unsigned i = 1; i < 10; i++) {
        unsigned b = i - 1;
        text_printf(&bomb, "a%u: &a%u [*a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u]\n", i, i, b,
                    b, b, b, b, b, b, b);
    }
    char *printed = errors_of(text_chars(&bomb));
    assert_non_null(strstr(printed, "more than 100000 values, aliases counted as expanded\n"
                                    "    split the file, or use fewer aliases\n"));
    amt_free(printed);
    text_fini(&bomb);
}

static void anchors_are_capped(void **state)
{
    (void)state;
    struct text many = { 0 };
    for (unsigned i = 0; i < 1001; i++) {
        text_printf(&many, "- &a%u 1\n", i);
    }
    assert_errors(text_chars(&many), "bad.yaml:1001:3: more than 1000 anchors\n");
    text_fini(&many);
}

static void a_file_that_is_too_large_is_refused(void **state)
{
    (void)state;
    char *large = amt_alloc(YAML_FILE_MAX_BYTES + 2);
    assert_non_null(large);
    memset(large, '#', YAML_FILE_MAX_BYTES + 1);
    assert_errors(large, "bad.yaml: larger than 1048576 bytes\n");
    amt_free(large);
}

static void files_are_read_and_missing_ones_explained(void **state)
{
    (void)state;
    char path[] = "/tmp/amtlab-yaml-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 1\n", 5), 5);
    struct amt_diag_list errors = { 0 };
    struct yaml_document *document = yaml_load_file(path, &errors);
    assert_non_null(document);
    assert_string_equal(yaml_get(yaml_root(document), "a")->text, "1");
    yaml_free(document);
    assert_int_equal(write(fd, "\0b", 2), 2);
    assert_null(yaml_load_file(path, &errors));
    assert_string_equal(errors.items[0].text, "not a text file: byte 5 is 0");
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_null(yaml_load_file(path, &errors));
    assert_string_equal(errors.items[1].text, "cannot read this file: No such file or directory");
    assert_string_equal(errors.items[1].file, path);
    assert_int_equal(errors.items[1].err, AMT_ESYS);
    assert_null(yaml_load_file("/tmp", &errors));
    assert_string_equal(errors.items[2].text, "cannot read this file: Is a directory");
    amt_diag_list_fini(&errors);
}

static void a_failed_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    static const char k_text[] = "a: &x { b: [1, 2], c: \"three\" }\nd: *x\n";
    struct yaml_document *document = NULL;
    for (uint64_t k = 1; document == NULL; k++) {
        assert_true(k < 200);
        amt_memory_fail_after(k);
        document = yaml_load_text(k_text, "good.yaml", NULL);
        amt_memory_fail_after(0);
    }
    yaml_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_its_place_and_how_it_was_written),
        cmocka_unit_test(scalars_stay_text_whatever_yaml_would_make_of_them),
        cmocka_unit_test(json_is_read_the_same_way),
        cmocka_unit_test(aliases_are_copies_with_their_own_place),
        cmocka_unit_test(an_anchor_of_the_same_name_replaces_the_earlier_one),
        cmocka_unit_test(source_lines_are_given_back_without_their_end),
        cmocka_unit_test(all_findings_are_reported_in_order_of_their_place),
        cmocka_unit_test(syntax_errors_say_where_and_what_to_do),
        cmocka_unit_test(what_the_subset_does_not_have_is_refused),
        cmocka_unit_test(nesting_is_capped_in_the_file_and_through_aliases),
        cmocka_unit_test(an_alias_bomb_stops_at_the_node_cap),
        cmocka_unit_test(anchors_are_capped),
        cmocka_unit_test(a_file_that_is_too_large_is_refused),
        cmocka_unit_test(files_are_read_and_missing_ones_explained),
        cmocka_unit_test(a_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
