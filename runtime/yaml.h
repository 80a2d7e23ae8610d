/*
 * YAML (and JSON, its subset) as a tree whose every node knows its line and column. Scalars are text;
 * the reader of a node gives it a type, so `no`, `on` and 0755 never change meaning (harness.md 6.1).
 */
#ifndef AMTLAB_RUNTIME_YAML_H
#define AMTLAB_RUNTIME_YAML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

#define YAML_FILE_MAX_BYTES 1048576u /* 1 MiB */
#define YAML_DEPTH_MAX      32u
#define YAML_NODES_MAX      100000u

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    bool is_quoted;        /* scalar written with quotes or as a block */
    uint32_t line, column; /* from 1 */
    const char *text;      /* scalar, 0-terminated (embedded 0 is refused) */
    const char *key;       /* when the parent is a map, else NULL */
    uint32_t key_line, key_column;
    struct yaml_node *first; /* list items or map values, in file order */
    struct yaml_node *next;
    uint32_t count;
};

struct yaml_document;
/* Reads one document. NULL on an error; errors (may be NULL) then has all that were found, in order
 * of their place: syntax, tags, merge keys, duplicate keys, depth, node count, size (AMT_ECONFIG,
 * AMT_ELIMIT), a file that cannot be read (AMT_ESYS), AMT_ENOMEM. Aliases are expanded. */
struct yaml_document *yaml_load_file(const char *path, struct amt_diag_list *errors);
/* name is what errors call it. */
struct yaml_document *yaml_load_text(const char *text, const char *name,
                                     struct amt_diag_list *errors);
/* libyaml exports a function yaml_free of its own and would call ours instead: the linker has to see
 * another name. */
#define yaml_free yaml_tree_free
/* Frees the tree with all its texts; NULL is allowed. */
void yaml_free(struct yaml_document *document);
const struct yaml_node *yaml_root(const struct yaml_document *document);
const char *yaml_path(const struct yaml_document *document);
/* Source line `line` without its end, for carets; NULL if there is none. amt_free it. */
char *yaml_source_line(const struct yaml_document *document, uint32_t line);

/* Value of key in a map; NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
