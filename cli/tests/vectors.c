#include "cli/tests/vectors.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "cli/apf_json.h"

static json_t *to_json(const struct yaml_node *node)
{
    if (node->kind == YAML_MAP) {
        json_t *object = json_object();
        for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
            assert_int_equal(json_object_set_new(object, value->key, to_json(value)), 0);
        }
        return object;
    }
    uint64_t number = 0;
    if (!node->is_quoted && text_parse_u64(node->text, UINT32_MAX, &number) == AMT_OK) {
        return json_integer((json_int_t)number);
    }
    bool is_true = strcmp(node->text, "true") == 0;
    if (!node->is_quoted && (is_true || strcmp(node->text, "false") == 0)) {
        return json_boolean(is_true);
    }
    return json_string(node->text);
}

static void load_one(const struct yaml_node *node, struct vector *vector)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct yaml_node *context = yaml_get(node, "context");
    vector->id = yaml_get(node, "id")->text;
    vector->direction = yaml_get(node, "dir")->text;
    vector->hex = yaml_get(node, "hex")->text;
    vector->context = context == NULL ? NULL : to_json(context);
    vector->expect = to_json(yaml_get(node, "expect"));
    vector->len = (uint32_t)strlen(vector->hex) / 2;
    vector->bytes = malloc(vector->len == 0 ? 1 : vector->len); /* one byte more is a fault */
    size_t len = 0;
    assert_int_equal(text_parse_hex(vector->hex, vector->bytes, vector->len, &len), AMT_OK);
    assert_int_equal(len, vector->len);
    assert_int_equal(
        apf_context_from_json(vector->direction, vector->context, &vector->decoder, &diag), AMT_OK);
}

void vectors_load(struct vectors *vectors)
{
    static const char k_path[] = AMTLAB_SOURCE_DIR "/protocol/apf/tests/vectors/apf-vectors.yaml";
    struct amt_diag_list errors = { .count = 0 };
    memset(vectors, 0, sizeof *vectors);
    vectors->document = yaml_load_file(k_path, &errors);
    amt_diag_list_print(&errors, stderr);
    assert_non_null(vectors->document);
    const struct yaml_node *list = yaml_get(yaml_root(vectors->document), "vectors");
    assert_int_equal(list->count, VECTOR_COUNT);
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        load_one(node, &vectors->items[vectors->count++]);
    }
}

void vectors_free(struct vectors *vectors)
{
    for (uint32_t i = 0; i < vectors->count; i++) {
        json_decref(vectors->items[i].context);
        json_decref(vectors->items[i].expect);
        free(vectors->items[i].bytes);
    }
    yaml_free(vectors->document);
}

json_t *vector_expected(const struct vector *vector)
{
    json_t *expected = json_deep_copy(vector->expect);
    const char *verdict = json_string_value(json_object_get(expected, "verdict"));
    if (strncmp(verdict, "error:", 6) == 0) {
        assert_int_equal(json_object_set_new(expected, "error", json_string(verdict + 6)), 0);
    }
    return expected;
}
