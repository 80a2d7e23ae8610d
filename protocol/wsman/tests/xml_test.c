/* The tree: namespaces, text, limits, and what is refused. */
#include "protocol/wsman/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static struct xml_node *parse(struct arena *arena, const char *text, struct amt_diag *diag)
{
    return xml_parse(arena, text, strlen(text), diag);
}

static void test_namespaces_and_text(void **state)
{
    struct arena arena = { 0 };
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    struct xml_node *root = parse(
        &arena,
        "<?xml version=\"1.0\"?><a xmlns=\"urn:one\" xmlns:p=\"urn:two\"> <p:b p:x=\"1\" y=\"2\">"
        "\n te&lt;xt \n</p:b><b>second</b><b>third</b><c/></a>",
        &diag);
    assert_non_null(root);
    assert_string_equal(root->ns, "urn:one");
    const struct xml_node *first = xml_child(root, NULL, "b");
    assert_string_equal(first->ns, "urn:two");
    assert_string_equal(first->text, "te<xt");
    assert_string_equal(xml_attribute(first, "x"), "1");
    assert_string_equal(xml_attribute(first, "y"), "2");
    assert_null(xml_attribute(first, "z"));
    const struct xml_node *second = xml_child(root, "urn:one", "b");
    assert_string_equal(second->text, "second");
    assert_string_equal(xml_again(second)->text, "third");
    assert_null(xml_again(xml_again(second)));
    assert_string_equal(xml_child_text(root, NULL, "c"), "");
    assert_null(xml_child_text(root, NULL, "d"));
    assert_null(xml_child(NULL, NULL, "d"));
    arena_fini(&arena);
}

static void expect_refused(const char *text, enum amt_err err)
{
    struct arena arena = { 0 };
    struct amt_diag diag = { .err = AMT_OK };
    assert_null(parse(&arena, text, &diag));
    assert_int_equal(diag.err, err);
    assert_true(diag.line >= 1);
    arena_fini(&arena);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    expect_refused("", AMT_EMALFORMED);
    expect_refused("<a>", AMT_EMALFORMED);
    expect_refused("<a></b>", AMT_EMALFORMED);
    expect_refused("<p:a/>", AMT_EMALFORMED);
    expect_refused("<a/>x", AMT_EMALFORMED);
    expect_refused("<a>\xff</a>", AMT_EMALFORMED);
    expect_refused("<a>&bomb;</a>", AMT_EMALFORMED);
    expect_refused("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", AMT_ELIMIT);
}

static void test_limits(void **state)
{
    struct text deep = { 0 };
    struct text wide = { 0 };
    struct text rich = { 0 };
    (void)state;
    for (unsigned i = 0; i <= XML_DEPTH_MAX; i++) {
        text_puts(&deep, "<a>");
    }
    for (unsigned i = 0; i <= XML_DEPTH_MAX; i++) {
        text_puts(&deep, "</a>");
    }
    expect_refused(text_chars(&deep), AMT_ELIMIT);
    text_puts(&wide, "<a>");
    for (unsigned i = 0; i < XML_NODES_MAX; i++) {
        text_puts(&wide, "<b/>");
    }
    text_puts(&wide, "</a>");
    expect_refused(text_chars(&wide), AMT_ELIMIT);
    text_puts(&rich, "<a");
    for (unsigned i = 0; i <= XML_ATTRIBUTES_MAX; i++) {
        text_printf(&rich, " a%u=\"\"", i);
    }
    text_puts(&rich, "/>");
    expect_refused(text_chars(&rich), AMT_ELIMIT);
    text_fini(&deep);
    text_fini(&wide);
    text_fini(&rich);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_namespaces_and_text),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
