/*
 * The keys of the language as tables: of documents, steps, verbs, actors, faults. One checker walks
 * them; `explain` and the schema come from them too.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_GRAMMAR_H
#define AMTLAB_SCENARIOS_ENGINE_GRAMMAR_H

#include "scenarios/engine/value.h"

enum key_type {
    KEY_TEXT,
    KEY_NUMBER,
    KEY_COUNT,  /* a number from 1 */
    KEY_CHANCE, /* a number from 0 to 1 */
    KEY_RATE,
    KEY_PIECE, /* a size from 1 byte, or each */
    KEY_BOOL,
    KEY_DURATION,
    KEY_SIZE,
    KEY_WORD,     /* one of words */
    KEY_NAME,     /* a-z, digits, underscore */
    KEY_BYTES,    /* text, or a map with hex, text, base64, file, zeros, pattern, concat */
    KEY_LIST,     /* of anything */
    KEY_TEXTS,    /* a list of texts, or one */
    KEY_NUMBERS,  /* a list of numbers, or one */
    KEY_MAP,      /* children, or anything if there are none */
    KEY_MATCHERS, /* a map of matchers */
    KEY_STEPS,
    KEY_ANY
};

struct key_def {
    const char *name; /* NULL ends a table */
    enum key_type type;
    bool is_required;
    const char *doc;
    const char *const *words;       /* WORD: NULL-terminated */
    const struct key_def *children; /* MAP */
};

/* Errors of one file are collected here. */
struct checker {
    const char *path;
    struct amt_diag_list *errors;
    bool has_failed;
};

/* Notes an error at the node (its key if at_key) and returns the diagnostic, NULL without memory. */
struct amt_diag *checker_report(struct checker *checker, const struct yaml_node *node, bool at_key);
/* Checks a map against a table: unknown keys with the nearest known one, missing keys, types of
 * literal values (those with `${` are left to evaluation). what is "step", "actor" ... */
void checker_map(struct checker *checker, const struct yaml_node *map, const struct key_def *keys,
                 const char *what);
void checker_value(struct checker *checker, const struct yaml_node *node,
                   const struct key_def *key);
const struct key_def *key_find(const struct key_def *keys, const char *name);
/* What was left to evaluation: NULL when each entry of the evaluated map has the type of its key, else
 * what is wrong, in pool. Entries that are no keys and keys that are absent are not looked at. */
const char *key_values_misfit(struct arena *pool, const struct key_def *keys,
                              const struct value *map);
/* The same for one value. */
const char *key_value_misfit(struct arena *pool, const struct key_def *key,
                             const struct value *value);
/* "a duration such as 40ms", for messages and manuals */
const char *key_type_words(enum key_type type);
/* Nearest of up to 64 names to word, NULL. */
const char *key_nearest(const char *word, const struct key_def *keys);

#endif
