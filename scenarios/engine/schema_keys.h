/* Tables of keys as JSON Schema: what is common to documents, steps, actors and faults. */
#ifndef AMTLAB_SCENARIOS_ENGINE_SCHEMA_KEYS_H
#define AMTLAB_SCENARIOS_ENGINE_SCHEMA_KEYS_H

#include <jansson.h>

#include "runtime/config.h"
#include "scenarios/engine/grammar.h"

/*
 * All of these return what the caller owns, or NULL without memory; a member that is NULL is refused by
 * schema_put, which remembers it: look at schema_has_failed in the end.
 */
struct schema {
    bool has_failed;
};

/* Takes value over; notes when it, or object, is NULL. */
void schema_put(struct schema *schema, json_t *object, const char *key, json_t *value);
void schema_append(struct schema *schema, json_t *list, json_t *value);
/* { "$ref": "#/definitions/name" } */
json_t *schema_reference(struct schema *schema, const char *name);
/* What there is, or an expression that gives it. Takes value over. */
json_t *schema_or_expression(struct schema *schema, json_t *value);
/* A map of exactly these keys (further ones too if it is open). */
json_t *schema_map(struct schema *schema, const struct key_def *keys, bool is_open);
json_t *schema_value(struct schema *schema, const struct key_def *key);
json_t *schema_type(struct schema *schema, enum key_type type);
/* The same for a product's configuration. Adds to properties what is not there. */
void schema_config_keys(struct schema *schema, json_t *properties, const struct config_key *keys);
/* The definitions that the others refer to: expression, duration, size ... */
void schema_add_types(struct schema *schema, json_t *definitions);

#endif
