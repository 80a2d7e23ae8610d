/* Operators and functions of expressions: for expr.c. */
#ifndef AMTLAB_SCENARIOS_ENGINE_EXPR_APPLY_H
#define AMTLAB_SCENARIOS_ENGINE_EXPR_APPLY_H

#include "scenarios/engine/expr.h"

enum expr_operator {
    EXPR_OR,
    EXPR_AND,
    EXPR_EQ,
    EXPR_NE,
    EXPR_LT,
    EXPR_LE,
    EXPR_GT,
    EXPR_GE,
    EXPR_IN,
    EXPR_ADD,
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_NONE
};
const char *expr_operator_text(enum expr_operator op);

/* NULL with diag when the operands do not fit. */
struct value *expr_apply(const struct expr_scope *scope, enum expr_operator op,
                         const struct value *left, const struct value *right,
                         struct amt_diag *diag);

/* The functions one after the other, "rand(n), rand(a, b)"; NULL at the end. For manuals. */
const char *expr_function(uint32_t index, const char **doc);

#define EXPR_ARGUMENTS_MAX 4u
/* NULL with diag: unknown function, wrong number or kind of arguments, unreadable file. */
struct value *expr_call(const struct expr_scope *scope, const char *name,
                        const struct value *const *arguments, uint32_t count,
                        struct amt_diag *diag);

#endif
