/* One value of a configuration: for config.c. */
#ifndef AMTLAB_RUNTIME_CONFIG_VALUE_H
#define AMTLAB_RUNTIME_CONFIG_VALUE_H

#include "base/text.h"
#include "runtime/config.h"

struct config_reader {
    const char *path;
    struct amt_diag_list *errors; /* may be NULL */
    bool has_failed;
};

/* Notes that reading failed and returns the diagnostic to fill; NULL is possible. */
struct amt_diag *config_report(struct config_reader *reader, enum amt_err err, uint32_t line,
                               uint32_t column);
/* "found a list; wanted a duration such as 90s": node is not what the key takes. */
void config_report_type(struct config_reader *reader, const struct config_key *key,
                        const char *name, const struct yaml_node *node);
/* "a text", "a list", "a map" */
const char *config_kind_name(enum yaml_kind kind);
/* word in quotes, controls escaped, cut when it is long */
void config_quote(struct text *out, const char *word);

/* Replaces the member (freeing what it owned); on an error it stays as it was. name is the dotted
 * one. Not for CONFIG_MAP. */
void config_read_value(struct config_reader *reader, const struct config_key *key, const char *name,
                       const struct yaml_node *node, void *member);
/* The same from YAML text (defaults, command line); a list may be written [a, b] or, with one item,
 * without the brackets. Not for CONFIG_MAP and CONFIG_NODE. */
void config_read_text(struct config_reader *reader, const struct config_key *key, const char *name,
                      const char *text, void *member);

/* Overwrites with zero / absent; frees nothing. */
void config_clear(const struct config_key *key, void *member);
/* Frees what the member owns and clears it. */
void config_release(const struct config_key *key, void *member);

#endif
