/*
 * Expressions and texts with `${...}` (harness.md 6.3): a precedence parser that computes while it
 * reads. No loops, no user code; depth and length are limited.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_EXPR_H
#define AMTLAB_SCENARIOS_ENGINE_EXPR_H

#include "base/random.h"
#include "scenarios/engine/value.h"

#define EXPR_DEPTH_MAX      16u
#define EXPR_FILE_MAX_BYTES 65536u
#define EXPR_BYTES_MAX      1048576u

struct secrets; /* texts to be hidden, see secrets.h */

struct expr_scope {
    struct arena *pool;
    /* Value of a dotted path, or NULL with diag: not known (and what is). */
    const struct value *(*find)(void *ctx, const char *path, struct amt_diag *diag);
    void *ctx;
    struct amt_random *random; /* for uuid() rand() bytes() */
    uint64_t wall_us;          /* for now(): Unix time */
    const char *folder;        /* file() paths are relative to it */
    struct secrets *secrets;   /* what env() and file() give is added here; NULL in validation */
    bool is_check; /* validation: functions with outside effects give PENDING, nothing is read */
};

/* The value of a scalar as written: without `${` its own value, a scalar that is one reference keeps
 * its type, otherwise text. NULL with diag (AMT_ECONFIG): syntax, unknown name, wrong operand. */
struct value *expr_scalar(const struct expr_scope *scope, const char *text, bool is_quoted,
                          struct amt_diag *diag);
/* A whole node; lists and maps item by item. Places are kept. All errors are added to errors under
 * path; parts with an error become PENDING. False when there was any. */
bool expr_node(const struct expr_scope *scope, const struct yaml_node *node, const char *path,
               struct amt_diag_list *errors, struct value **value);
/* false, null, 0, "" and "false" do not hold. */
bool expr_holds(const struct value *value);

#endif
