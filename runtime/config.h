/*
 * Binding of YAML maps to structs by a table of keys. One table drives the reader, its errors
 * (file:line:column, what is allowed, the nearest known key), the defaults and the manual.
 */
#ifndef AMTLAB_RUNTIME_CONFIG_H
#define AMTLAB_RUNTIME_CONFIG_H

#include <stddef.h>

#include "runtime/yaml.h"

enum config_type {
    CONFIG_BOOL,     /* bool: true or false */
    CONFIG_U32,      /* uint32_t, decimal or 0x */
    CONFIG_TEXT,     /* char *: owned copy */
    CONFIG_DURATION, /* uint64_t microseconds */
    CONFIG_SIZE,     /* uint32_t bytes */
    CONFIG_ENUM,     /* int: index into names */
    CONFIG_TEXTS,    /* struct config_texts: a list of texts, or one text */
    CONFIG_NUMBERS,  /* struct config_numbers: a list of uint32_t */
    CONFIG_MAP,      /* nested struct: children */
    CONFIG_NODE      /* const struct yaml_node *: the caller reads it; borrowed from the document */
};

struct config_texts {
    char **items; /* owned; NULL-terminated */
    uint32_t count;
};
struct config_numbers {
    uint32_t *items;
    uint32_t count;
};

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;
    const char *fallback;              /* default in YAML text; NULL: zero / absent */
    const char *help;                  /* one sentence for the manual and --help */
    const char *const *names;          /* ENUM: NULL-terminated */
    const struct config_key *children; /* MAP */
    uint64_t min, max;                 /* numbers, durations, sizes; 0,0 = no bound */
};

/* Sets defaults, then binds map (NULL: defaults only). All errors are added to errors (may be NULL).
 * AMT_OK, or AMT_ECONFIG when there was any; a member with an error keeps its default. path names the
 * file in errors. keys ends with a NULL name. What was in *out before is overwritten, not freed; call
 * config_fini in either case. */
enum amt_err config_read(const struct config_key *keys, const struct yaml_node *map,
                         const char *path, void *out, struct amt_diag_list *errors) AMT_MUST_USE;
/* Binds map over what config_read has put there; keys that map does not have stay. Errors as there. */
enum amt_err config_overlay(const struct config_key *keys, const struct yaml_node *map,
                            const char *path, void *out, struct amt_diag_list *errors) AMT_MUST_USE;
/* Sets one key by its dotted name from text (command line), over what config_read has put there.
 * Lists: "[a, b]" or one item. AMT_ECONFIG with diag: unknown key, wrong value, or a key that holds
 * more than a value; *out is unchanged then. */
enum amt_err config_set(const struct config_key *keys, const char *dotted, const char *value,
                        void *out, struct amt_diag *diag) AMT_MUST_USE;
/* Frees what the table owns and clears it; calling it twice is harmless. */
void config_fini(const struct config_key *keys, void *out);
/* "key  type  default  help" lines for manuals and `--help-config`. */
void config_manual(const struct config_key *keys, FILE *out);

#endif
