/*
 * Values of the scenario language (harness.md 6.3): what expressions give, messages and events are
 * compared as, and actors show. Trees live in a pool; a value never changes once it is in a tree.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_VALUE_H
#define AMTLAB_SCENARIOS_ENGINE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/yaml.h"
#include "scenarios/engine/pool.h"

enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_TEXT,
    VALUE_BYTES,
    VALUE_LIST,
    VALUE_MAP,
    VALUE_PENDING /* validation only: known at run time, fits everywhere */
};
/* "null" "bool" "int" "string" "bytes" "list" "map" "unknown" */
const char *value_kind_name(enum value_kind kind);

struct value {
    enum value_kind kind;
    bool is_secret;   /* came from env() or file(): hidden in all output */
    int64_t number;   /* INT; BOOL as 0 or 1 */
    const char *text; /* TEXT, BYTES: 0-terminated */
    uint32_t len;
    uint32_t count; /* LIST, MAP */
    struct value *first, *last;
    struct value *next;            /* sibling */
    const char *key;               /* in a map */
    const struct yaml_node *place; /* where it is written; NULL if nowhere */
};

struct value *value_null(struct arena *pool);
struct value *value_bool(struct arena *pool, bool is_true);
struct value *value_int(struct arena *pool, int64_t number);
struct value *value_text(struct arena *pool, const char *text);
struct value *value_text_n(struct arena *pool, const char *text, uint32_t len);
struct value *value_bytes(struct arena *pool, const void *bytes, uint32_t len);
struct value *value_list(struct arena *pool);
struct value *value_map(struct arena *pool);
struct value *value_pending(struct arena *pool);
/* Shallow copy with its own place in a list: children are shared. */
struct value *value_copy(struct arena *pool, const struct value *value);
/* item must not be in another list or map (value_copy it). */
void value_append(struct value *list, struct value *item);
/* Replaces an entry of that key. */
void value_put(struct arena *pool, struct value *map, const char *key, struct value *item);

/* NULL if there is none. */
const struct value *value_get(const struct value *map, const char *key);
const struct value *value_at(const struct value *list, uint32_t index);
/* "a.b.0.c": map keys and list indices; "" is the value itself. Keys may themselves contain dots: the
 * longest key that fits is taken. NULL if there is none; PENDING below PENDING. */
const struct value *value_path(const struct value *value, const char *path);

/* A plain scalar becomes INT or BOOL when it looks like one, a quoted one stays TEXT. */
struct value *value_from_scalar(struct arena *pool, const char *text, bool is_quoted);
bool value_equal(const struct value *a, const struct value *b);
/* Numbers, and texts that are numbers, durations ("40ms": in us) or sizes ("4KiB": in bytes). */
bool value_number(const struct value *value, int64_t *number);
/* For messages: "16992", "\"text\"", "[1, 2]", "{a: 1}", "(hidden)"; long ones are cut. */
void value_print(const struct value *value, struct text *out);
/* value_print into pool. */
const char *value_show(struct arena *pool, const struct value *value);
/* As it stands in a text when interpolated: no quotes; bytes as hex. */
void value_write(const struct value *value, struct text *out);
/* value_write into pool. */
const char *value_written(struct arena *pool, const struct value *value);
/* The tree as YAML nodes (scalars as text), each with the place of the value it came from. */
struct yaml_node *value_to_yaml(struct arena *pool, const struct value *value);

#endif
