#include "scenarios/engine/schema.h"

#include <stdlib.h>
#include <string.h>

#include "scenarios/engine/actor.h"
#include "scenarios/engine/call.h"
#include "scenarios/engine/defect.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/schema_keys.h"
#include "scenarios/engine/verb.h"
#include "simulator/device.h"

#define DRAFT "http://json-schema.org/draft-07/schema#"

/* { "type": "array", "items": reference } */
static json_t *list_of(struct schema *schema, const char *name)
{
    json_t *list = json_object();
    schema_put(schema, list, "type", json_string("array"));
    schema_put(schema, list, "items", schema_reference(schema, name));
    return list;
}

/* { "type": "object", "additionalProperties": value } */
static json_t *map_of(struct schema *schema, json_t *value)
{
    json_t *map = json_object();
    schema_put(schema, map, "type", json_string("object"));
    schema_put(schema, map, "additionalProperties", value);
    return map;
}

/* Keys whose value is more than its type says: the checks beyond the tables know them too. */
static void refine(struct schema *schema, json_t *map)
{
    static const struct refined {
        const char *key, *definition;
    } k_lists[] = { { "spec", "requirement" },
                    { "faults", "fault" },
                    { "defects", "defect" },
                    { "any_of", "verb.expect" },
                    { "all_of", "verb.expect" } };
    json_t *properties = json_object_get(map, "properties");
    for (size_t i = 0; i < sizeof k_lists / sizeof k_lists[0]; i++) {
        json_t *value = json_object_get(properties, k_lists[i].key);
        if (value != NULL) {
            (void)json_object_del(value, "allOf");
            json_t *refined = list_of(schema, k_lists[i].definition);
            if (json_object_update(value, refined) != 0) {
                schema->has_failed = true;
            }
            json_decref(refined);
        }
    }
}

static json_t *arguments(struct schema *schema, const struct key_def *keys, bool is_open,
                         const char *main_argument)
{
    json_t *map = schema_map(schema, keys, is_open), *either = json_object(), *list = json_array();
    refine(schema, map);
    schema_append(schema, list, map);
    if (main_argument != NULL) {
        const struct key_def *key = key_find(keys, main_argument);
        schema_append(schema, list, key == NULL ? json_object() : schema_value(schema, key));
    }
    schema_append(schema, list, schema_reference(schema, "expression"));
    schema_put(schema, either, "anyOf", list);
    return either;
}

static json_t *verb_value(struct schema *schema, const struct verb_def *verb)
{
    if (verb->arguments != NULL) {
        return arguments(schema, verb->arguments, verb->is_open, verb->main_argument);
    }
    json_t *list = json_array(), *outer = json_object();
    schema_append(schema, list, schema_type(schema, verb->value_type));
    schema_put(schema, outer, "allOf", list);
    return outer;
}

/* A row that ends with a dot stands for all further verbs of its layer. */
static bool is_layer(const struct verb_def *verb)
{
    return verb->name[strlen(verb->name) - 1] == '.';
}

static void add_step(struct schema *schema, json_t *definitions)
{
    json_t *step = schema_map(schema, k_step_keys, false), *layers = json_object();
    json_t *properties = json_object_get(step, "properties");
    refine(schema, step);
    for (const struct verb_def *verb = k_verbs; verb->name != NULL; verb++) {
        if (is_layer(verb)) {
            json_t *later = json_object();
            schema_put(schema, later, "description",
                       json_sprintf("not in this version: %s", verb->doc));
            struct text pattern = { 0 };
            text_printf(&pattern, "^%.*s[.]", (int)strlen(verb->name) - 1, verb->name);
            schema_put(schema, layers, text_chars(&pattern), later);
            text_fini(&pattern);
            continue;
        }
        json_t *value = verb_value(schema, verb);
        schema_put(schema, value, "description", json_string(verb->doc));
        struct text name = { 0 };
        text_printf(&name, "verb.%s", verb->name);
        schema_put(schema, definitions, text_chars(&name), value);
        schema_put(schema, properties, verb->name, schema_reference(schema, text_chars(&name)));
        text_fini(&name);
    }
    schema_put(schema, step, "patternProperties", layers);
    schema_put(schema, step, "minProperties", json_integer(1));
    schema_put(schema, definitions, "step", step);
}

static void add_fault(struct schema *schema, json_t *definitions)
{
    json_t *action = json_object(), *verbs = json_object();
    for (const struct fault_verb *verb = k_fault_verbs; verb->name != NULL; verb++) {
        json_t *value = verb->arguments == NULL || verb->arguments->name == NULL
                            ? json_object()
                            : arguments(schema, verb->arguments, false, verb->main_argument);
        schema_put(schema, value, "description", json_string(verb->doc));
        schema_put(schema, verbs, verb->name, value);
    }
    schema_put(schema, action, "type", json_string("object"));
    schema_put(schema, action, "minProperties", json_integer(1));
    schema_put(schema, action, "maxProperties", json_integer(1));
    schema_put(schema, action, "properties", verbs);
    schema_put(schema, action, "additionalProperties", json_false());
    json_t *fault = schema_map(schema, k_fault_keys, false);
    json_t *properties = json_object_get(fault, "properties");
    schema_put(schema, properties, "do", schema_or_expression(schema, action));
    schema_put(schema, properties, "when",
               schema_or_expression(schema, schema_map(schema, k_condition_keys, true)));
    schema_put(schema, definitions, "fault", fault);
}

/* Of one kind: the engine's keys, then the product's. */
static json_t *actor_of_kind(struct schema *schema, const struct actor_kind *kind)
{
    json_t *map = schema_map(schema, kind->keys, false);
    if (kind->config_keys != NULL) {
        schema_config_keys(schema, json_object_get(map, "properties"), kind->config_keys);
    }
    /* A map or a scalar: no type of the tables, but its children are. */
    for (const struct key_def *key = kind->keys; key->name != NULL; key++) {
        if (key->type == KEY_ANY && key->children != NULL) {
            json_t *either = schema_map(schema, key->children, false);
            schema_put(schema, either, "type", json_pack("[ss]", "object", "string"));
            schema_put(schema, either, "description", json_string(key->doc));
            schema_put(schema, json_object_get(map, "properties"), key->name, either);
        }
    }
    return map;
}

static void add_actor(struct schema *schema, json_t *definitions)
{
    json_t *actor = json_object(), *names = json_array(), *rules = json_array();
    for (uint32_t i = 0; k_actor_kinds[i] != NULL; i++) {
        const struct actor_kind *kind = k_actor_kinds[i];
        schema_append(schema, names, json_string(kind->name));
        if (kind->part == NULL) {
            schema_append(schema, rules,
                          json_pack("{s:{s:{s:{s:s}}}, s:o}", "if", "properties", "kind", "const",
                                    kind->name, "then", actor_of_kind(schema, kind)));
        }
    }
    schema_put(schema, actor, "type", json_string("object"));
    schema_put(schema, actor, "required", json_pack("[s]", "kind"));
    schema_put(schema, actor, "properties", json_pack("{s:{s:o}}", "kind", "enum", names));
    schema_put(schema, actor, "allOf", rules);
    schema_put(schema, definitions, "actor", actor);
}

static json_t *document(struct schema *schema, const struct key_def *keys)
{
    json_t *map = schema_map(schema, keys, false);
    json_t *properties = json_object_get(map, "properties");
    refine(schema, map);
    if (json_object_get(properties, "actors") != NULL) {
        schema_put(schema, properties, "actors", map_of(schema, schema_reference(schema, "actor")));
    }
    if (json_object_get(properties, "matrix") != NULL) {
        schema_put(schema, properties, "matrix",
                   map_of(schema, json_pack("{s:s, s:i}", "type", "array", "minItems", 1)));
    }
    return map;
}

static json_t *scenario(struct schema *schema)
{
    json_t *map = document(schema, k_scenario_keys);
    schema_put(schema, json_object_get(map, "properties"), "amtlab",
               json_pack("{s:i, s:s}", "const", 1, "description", k_scenario_keys->doc));
    schema_put(schema, map, "anyOf",
               json_pack("[{s:[s]}, {s:[s]}]", "required", "steps", "required", "phases"));
    return map;
}

/* Included and called files begin with the same word: steps tell one from the other. */
static json_t *part(struct schema *schema)
{
    return json_pack("{s:{s:[s]}, s:o, s:o}", "if", "required", "steps", "then",
                     document(schema, k_called_keys), "else", document(schema, k_part_keys));
}

static enum amt_err print(struct schema *schema, json_t *root, struct text *out)
{
    char *dump = schema->has_failed ? NULL : json_dumps(root, JSON_INDENT(1));
    if (dump != NULL) {
        text_puts(out, dump);
        text_puts(out, "\n");
    }
    json_decref(root);
    free(dump); /* jansson's own */
    return dump == NULL ? AMT_ENOMEM : AMT_OK;
}

enum amt_err schema_scenario(struct text *out)
{
    struct schema schema = { .has_failed = false };
    json_t *root = json_object(), *definitions = json_object();
    schema_put(&schema, root, "$schema", json_string(DRAFT));
    schema_put(&schema, root, "$id",
               json_string("https://amtlab.invalid/schema/1/scenario.schema.json"));
    schema_put(&schema, root, "title", json_string("amtlab scenario, language version 1"));
    schema_put(&schema, root, "if", json_pack("{s:[s]}", "required", "amtlab-part"));
    schema_put(&schema, root, "then", schema_reference(&schema, "part"));
    schema_put(&schema, root, "else", schema_reference(&schema, "scenario"));
    schema_put(&schema, definitions, "scenario", scenario(&schema));
    schema_put(&schema, definitions, "part", part(&schema));
    schema_put(&schema, definitions, "requirement", schema_map(&schema, k_spec_keys, false));
    add_actor(&schema, definitions);
    add_fault(&schema, definitions);
    json_t *defect = schema_map(&schema, k_defect_keys, false);
    refine(&schema, defect);
    schema_put(&schema, definitions, "defect", defect);
    add_step(&schema, definitions);
    schema_add_types(&schema, definitions);
    schema_put(&schema, root, "definitions", definitions);
    return print(&schema, root, out);
}

enum amt_err schema_profile(struct text *out)
{
    struct schema schema = { .has_failed = false };
    json_t *root = json_object(), *properties = json_object(), *definitions = json_object();
    schema_put(&schema, root, "$schema", json_string(DRAFT));
    schema_put(&schema, root, "$id",
               json_string("https://amtlab.invalid/schema/1/profile.schema.json"));
    schema_put(&schema, root, "title", json_string("amtlab device profile, version 1"));
    schema_put(&schema, root, "type", json_string("object"));
    schema_put(&schema, root, "required", json_pack("[s]", "amtlab-profile"));
    schema_put(&schema, properties, "amtlab-profile", json_pack("{s:i}", "const", 1));
    schema_put(&schema, properties, "summary", json_pack("{s:s}", "type", "string"));
    schema_put(&schema, properties, "extends", json_pack("{s:s}", "type", "string"));
    schema_config_keys(&schema, properties, device_config_keys);
    schema_put(&schema, root, "properties", properties);
    schema_put(&schema, root, "additionalProperties", json_false());
    schema_add_types(&schema, definitions);
    schema_put(&schema, definitions, "step", json_object());
    schema_put(&schema, root, "definitions", definitions);
    return print(&schema, root, out);
}
