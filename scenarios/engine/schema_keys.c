#include "scenarios/engine/schema_keys.h"

#include <string.h>

#include "scenarios/engine/match.h"

#define EXPRESSION "\\\\$\\\\{"

/* What scalar_fits and structure_fits of grammar.c take, in the same order. A text may look like a number
 * to other YAML readers. */
static const struct type_row {
    const char *name, *json;
} k_types[] = {
    [KEY_TEXT] = { "text", "{\"type\": [\"string\", \"number\", \"boolean\"]}" },
    [KEY_NUMBER] = { "number", "{\"type\": [\"integer\", \"string\"], \"pattern\": "
                               "\"^-?([0-9]+|0x[0-9a-fA-F]+)$|" EXPRESSION "\"}" },
    [KEY_COUNT] = { "count", "{\"type\": [\"integer\", \"string\"], \"minimum\": 1, \"pattern\": "
                             "\"^([1-9][0-9]*|0x[0-9a-fA-F]+)$|" EXPRESSION "\"}" },
    [KEY_CHANCE] = { "chance",
                     "{\"type\": [\"number\", \"string\"], \"minimum\": 0, \"maximum\": 1, "
                     "\"pattern\": \"^(0|1|[01][.][0-9]+)$|" EXPRESSION "\"}" },
    [KEY_RATE] = { "rate", "{\"type\": \"string\", \"pattern\": "
                           "\"^[0-9]+([.][0-9]+)?(B|KiB|MiB|GiB)?/[sm]$|" EXPRESSION "\"}" },
    [KEY_PIECE] = { "piece", "{\"type\": [\"integer\", \"string\"], \"minimum\": 1, \"pattern\": "
                             "\"^each$|^[0-9]+([.][0-9]+)?(B|KiB|MiB|GiB)?$|" EXPRESSION "\"}" },
    [KEY_BOOL] = { "boolean",
                   "{\"type\": [\"boolean\", \"string\"], \"pattern\": \"^(true|false)$|" EXPRESSION
                   "\"}" },
    [KEY_DURATION] = { "duration",
                       "{\"type\": [\"string\", \"integer\"], \"minimum\": 0, \"maximum\": 0, "
                       "\"pattern\": \"^(0|[0-9]+([.][0-9]+)?(us|ms|s|m|h|d))$|" EXPRESSION "\"}" },
    [KEY_SIZE] = { "size", "{\"type\": [\"integer\", \"string\"], \"minimum\": 0, \"pattern\": "
                           "\"^[0-9]+([.][0-9]+)?(B|KiB|MiB|GiB)?$|" EXPRESSION "\"}" },
    [KEY_WORD] = { "word", "{\"type\": \"string\"}" },
    [KEY_NAME] = { "name",
                   "{\"type\": \"string\", \"pattern\": \"^[a-z][a-z0-9_]*$|" EXPRESSION "\"}" },
    [KEY_BYTES] = { "bytes",
                    "{\"type\": [\"string\", \"number\", \"object\"], \"minProperties\": 1, "
                    "\"properties\": {"
                    "\"hex\": {\"type\": [\"string\", \"integer\"]}, \"text\": {}, "
                    "\"base64\": {\"type\": \"string\"}, \"file\": {\"type\": \"string\"}, "
                    "\"zeros\": {\"$ref\": \"#/definitions/size\"}, \"pattern\": {}, "
                    "\"concat\": {}}, \"additionalProperties\": false}" },
    [KEY_LIST] = { "list", "{\"type\": [\"array\", \"string\"], \"pattern\": \"" EXPRESSION "\"}" },
    [KEY_TEXTS] = { "texts", "{\"type\": [\"array\", \"string\", \"number\", \"boolean\"]}" },
    [KEY_NUMBERS] = { "numbers", "{\"type\": [\"array\", \"integer\", \"string\"], \"pattern\": "
                                 "\"^-?([0-9]+|0x[0-9a-fA-F]+)$|" EXPRESSION "\"}" },
    [KEY_MAP] = { "map", "{\"type\": [\"object\", \"string\"], \"pattern\": \"" EXPRESSION "\"}" },
    [KEY_MATCHERS] = { "matchers",
                       "{\"type\": [\"object\", \"string\"], \"pattern\": \"" EXPRESSION
                       "\", \"additionalProperties\": {\"$ref\": \"#/definitions/matcher\"}}" },
    [KEY_STEPS] = { "steps",
                    "{\"type\": \"array\", \"items\": {\"$ref\": \"#/definitions/step\"}}" },
    [KEY_ANY] = { "any", "{}" },
};
#define TYPE_COUNT (sizeof k_types / sizeof k_types[0])

void schema_put(struct schema *schema, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) {
        schema->has_failed = true;
    }
}

void schema_append(struct schema *schema, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0) {
        schema->has_failed = true;
    }
}

json_t *schema_reference(struct schema *schema, const char *name)
{
    json_t *reference = json_object();
    schema_put(schema, reference, "$ref", json_sprintf("#/definitions/%s", name));
    return reference;
}

json_t *schema_or_expression(struct schema *schema, json_t *value)
{
    json_t *either = json_object(), *list = json_array();
    schema_append(schema, list, value);
    schema_append(schema, list, schema_reference(schema, "expression"));
    schema_put(schema, either, "anyOf", list);
    return either;
}

json_t *schema_type(struct schema *schema, enum key_type type)
{
    return schema_reference(schema, k_types[type].name);
}

static json_t *words(struct schema *schema, const char *const *names)
{
    json_t *value = json_object(), *list = json_array();
    for (; *names != NULL; names++) {
        schema_append(schema, list, json_string(*names));
    }
    schema_put(schema, value, "enum", list);
    return schema_or_expression(schema, value);
}

/* A reference stands alone in draft 7: what is said beside it goes around it. */
static json_t *described(struct schema *schema, json_t *value, const char *doc)
{
    json_t *outer = value;
    if (json_object_get(value, "$ref") != NULL) {
        json_t *list = json_array();
        outer = json_object();
        schema_append(schema, list, value);
        schema_put(schema, outer, "description", json_string(doc));
        schema_put(schema, outer, "allOf", list);
    } else {
        schema_put(schema, outer, "description", json_string(doc));
    }
    return outer;
}

json_t *schema_value(struct schema *schema, const struct key_def *key)
{
    json_t *value = NULL;
    if (key->type == KEY_WORD) {
        value = words(schema, key->words);
    } else if (key->children != NULL && key->type == KEY_MAP) {
        value = schema_or_expression(schema, schema_map(schema, key->children, false));
    } else {
        value = schema_type(schema, key->type);
    }
    return described(schema, value, key->doc == NULL ? "" : key->doc);
}

json_t *schema_map(struct schema *schema, const struct key_def *keys, bool is_open)
{
    json_t *map = json_object(), *properties = json_object(), *required = json_array();
    for (const struct key_def *key = keys; key->name != NULL; key++) {
        schema_put(schema, properties, key->name, schema_value(schema, key));
        if (key->is_required) {
            schema_append(schema, required, json_string(key->name));
        }
    }
    schema_put(schema, map, "type", json_string("object"));
    schema_put(schema, map, "properties", properties);
    if (json_array_size(required) > 0) {
        schema_put(schema, map, "required", required);
    } else {
        json_decref(required);
    }
    schema_put(schema, map, "additionalProperties", json_boolean(is_open));
    return map;
}

static json_t *config_value(struct schema *schema, const struct config_key *key)
{
    static const enum key_type k_key_types[] = {
        [CONFIG_BOOL] = KEY_BOOL,         [CONFIG_U32] = KEY_NUMBER,      [CONFIG_TEXT] = KEY_TEXT,
        [CONFIG_DURATION] = KEY_DURATION, [CONFIG_SIZE] = KEY_SIZE,       [CONFIG_ENUM] = KEY_WORD,
        [CONFIG_TEXTS] = KEY_TEXTS,       [CONFIG_NUMBERS] = KEY_NUMBERS, [CONFIG_MAP] = KEY_MAP,
        [CONFIG_NODE] = KEY_ANY,
    };
    if (key->type == CONFIG_ENUM) {
        return words(schema, key->names);
    }
    if (key->type == CONFIG_MAP) {
        json_t *map = json_object(), *properties = json_object();
        schema_config_keys(schema, properties, key->children);
        schema_put(schema, map, "type", json_string("object"));
        schema_put(schema, map, "properties", properties);
        schema_put(schema, map, "additionalProperties", json_false());
        return schema_or_expression(schema, map);
    }
    return schema_type(schema, k_key_types[key->type]);
}

void schema_config_keys(struct schema *schema, json_t *properties, const struct config_key *keys)
{
    for (const struct config_key *key = keys; key->name != NULL; key++) {
        if (json_object_get(properties, key->name) != NULL) {
            continue; /* the engine's own word on it stands */
        }
        json_t *value =
            described(schema, config_value(schema, key), key->help == NULL ? "" : key->help);
        if (key->fallback != NULL) {
            schema_put(schema, value, "default", json_string(key->fallback));
        }
        schema_put(schema, properties, key->name, value);
    }
}

/* A value, a list, or a map of operators or of values. */
static json_t *matcher(struct schema *schema)
{
    json_t *value = json_object(), *properties = json_object();
    const char *doc = "", *name = match_name(0, &doc);
    for (uint32_t i = 0; name != NULL; name = match_name(++i, &doc)) {
        json_t *operand = json_object();
        schema_put(schema, operand, "description",
                   json_sprintf("operator: %s ...", doc[0] == '\0' ? "equal to" : doc));
        schema_put(schema, properties, name, operand);
    }
    schema_put(schema, value, "description",
               json_string("a value to be equal to, or a map of operators"));
    schema_put(schema, value, "properties", properties);
    return value;
}

void schema_add_types(struct schema *schema, json_t *definitions)
{
    schema_put(schema, definitions, "expression",
               json_loads("{\"type\": \"string\", \"pattern\": \"" EXPRESSION "\"}", 0, NULL));
    schema_put(schema, definitions, "matcher", matcher(schema));
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        schema_put(schema, definitions, k_types[i].name, json_loads(k_types[i].json, 0, NULL));
    }
}
