#include "scenarios/engine/expr.h"

#include <ctype.h>
#include <string.h>

#include "scenarios/engine/expr_apply.h"

#define PATH_MAX_BYTES 200u

/* Reads from `at` on; a failure sticks in has_failed and is described in diag once. */
struct parser {
    const struct expr_scope *scope;
    const char *at;
    struct amt_diag *diag;
    uint32_t depth;
    bool has_failed;
};

static struct value *parse_level(struct parser *p, uint32_t level);

static struct value *fail(struct parser *p)
{
    p->has_failed = true;
    return value_pending(p->scope->pool);
}

static struct value *fail_at(struct parser *p, const char *wanted)
{
    if (!p->has_failed) {
        size_t shown = strcspn(p->at, "}\n");
        if (shown == 0) {
            amt_diag_set(p->diag, AMT_ECONFIG, "expression ends where %s should stand", wanted);
        } else {
            amt_diag_set(p->diag, AMT_ECONFIG, "expression: %s wanted before '%.*s'", wanted,
                         (int)(shown > 40 ? 40 : shown), p->at);
        }
    }
    return fail(p);
}

static void skip_spaces(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n') {
        p->at++;
    }
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_';
}

/* Takes token when it stands next; words only as whole words. */
static bool take(struct parser *p, const char *token)
{
    skip_spaces(p);
    size_t len = strlen(token);
    if (strncmp(p->at, token, len) != 0) {
        return false;
    }
    if (is_word_char(token[0]) && (is_word_char(p->at[len]) || p->at[len] == '.')) {
        return false;
    }
    p->at += len;
    return true;
}

static struct value *parse_string(struct parser *p)
{
    char quote = *p->at++;
    struct text out = { 0 };
    while (*p->at != quote && *p->at != '\0') {
        if (*p->at == '\\' && p->at[1] != '\0') {
            p->at++;
        }
        text_append(&out, p->at, 1);
        p->at++;
    }
    const char *text = pool_take(p->scope->pool, &out);
    if (*p->at != quote) {
        return fail_at(p, "the closing quote of a text");
    }
    p->at++;
    return value_text(p->scope->pool, text);
}

/* 12, 0x1f, and quantities with a unit, which are texts: 40ms, 4KiB. */
static struct value *parse_number(struct parser *p)
{
    size_t len = 0;
    while (is_word_char(p->at[len]) ||
           (p->at[len] == '.' && isdigit((unsigned char)p->at[len + 1]))) {
        len++;
    }
    const char *word = pool_text(p->scope->pool, p->at, len);
    struct value *value = value_from_scalar(p->scope->pool, word, false);
    int64_t number = 0;
    if (!value_number(value, &number)) {
        return fail_at(p, "a number, a duration such as 40ms or a size such as 4KiB");
    }
    p->at += len;
    return value;
}

static struct value *parse_list(struct parser *p)
{
    struct value *list = value_list(p->scope->pool);
    if (take(p, "]")) {
        return list;
    }
    do {
        value_append(list, value_copy(p->scope->pool, parse_level(p, 0)));
    } while (!p->has_failed && take(p, ","));
    return take(p, "]") ? list : fail_at(p, "']'");
}

static struct value *parse_call(struct parser *p, const char *name)
{
    const struct value *arguments[EXPR_ARGUMENTS_MAX];
    uint32_t count = 0;
    while (!p->has_failed && !take(p, ")")) {
        if (count == EXPR_ARGUMENTS_MAX || (count > 0 && !take(p, ","))) {
            return fail_at(p, "')'");
        }
        arguments[count++] = parse_level(p, 0);
    }
    if (p->has_failed) {
        return fail(p);
    }
    struct value *value = expr_call(p->scope, name, arguments, count, p->diag);
    return value == NULL ? fail(p) : value;
}

static struct value *parse_name(struct parser *p)
{
    size_t len = 0;
    while (is_word_char(p->at[len]) || (p->at[len] == '.' && is_word_char(p->at[len + 1]))) {
        len++;
    }
    if (len == 0 || len > PATH_MAX_BYTES) {
        return fail_at(p, "a value");
    }
    const char *name = pool_text(p->scope->pool, p->at, len);
    p->at += len;
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
        return value_bool(p->scope->pool, name[0] == 't');
    }
    if (strcmp(name, "null") == 0) {
        return value_null(p->scope->pool);
    }
    if (take(p, "(")) {
        return parse_call(p, name);
    }
    const struct value *found = p->scope->find(p->scope->ctx, name, p->diag);
    return found == NULL ? fail(p) : value_copy(p->scope->pool, found);
}

static struct value *parse_negative(struct parser *p)
{
    struct value *zero = value_int(p->scope->pool, 0);
    struct value *value = parse_level(p, 5);
    if (p->has_failed) {
        return fail(p);
    }
    struct value *result = expr_apply(p->scope, EXPR_SUBTRACT, zero, value, p->diag);
    return result == NULL ? fail(p) : result;
}

static struct value *parse_primary(struct parser *p)
{
    skip_spaces(p);
    if (*p->at == '"' || *p->at == '\'') {
        return parse_string(p);
    }
    if (isdigit((unsigned char)*p->at)) {
        return parse_number(p);
    }
    if (take(p, "-")) {
        return parse_negative(p);
    }
    if (take(p, "[")) {
        return parse_list(p);
    }
    if (take(p, "(")) {
        struct value *value = parse_level(p, 0);
        return take(p, ")") ? value : fail_at(p, "')'");
    }
    return parse_name(p);
}

/* Operators by level, weakest first. Longer tokens stand before their prefixes. */
static const struct operator_row {
    const char *token;
    uint32_t level;
    enum expr_operator op;
} k_operators[] = {
    { "or", 0, EXPR_OR }, { "and", 1, EXPR_AND },    { "==", 3, EXPR_EQ },
    { "!=", 3, EXPR_NE }, { "<=", 3, EXPR_LE },      { ">=", 3, EXPR_GE },
    { "<", 3, EXPR_LT },  { ">", 3, EXPR_GT },       { "in", 3, EXPR_IN },
    { "+", 4, EXPR_ADD }, { "-", 4, EXPR_SUBTRACT }, { "*", 5, EXPR_MULTIPLY },
};
#define LEVEL_NOT     2u
#define LEVEL_PRIMARY 6u

static enum expr_operator take_operator(struct parser *p, uint32_t level)
{
    for (size_t i = 0; i < sizeof k_operators / sizeof k_operators[0]; i++) {
        if (k_operators[i].level == level && take(p, k_operators[i].token)) {
            return k_operators[i].op;
        }
    }
    return EXPR_NONE;
}

static struct value *parse_not(struct parser *p)
{
    if (!take(p, "not")) {
        return parse_level(p, LEVEL_NOT + 1);
    }
    struct value *value = parse_level(p, LEVEL_NOT);
    if (value->kind == VALUE_PENDING) {
        return value;
    }
    return value_bool(p->scope->pool, !expr_holds(value));
}

static struct value *parse_level(struct parser *p, uint32_t level)
{
    if (level == LEVEL_PRIMARY) {
        if (p->depth == EXPR_DEPTH_MAX) {
            return fail_at(p, "less nesting");
        }
        p->depth++;
        struct value *value = parse_primary(p);
        p->depth--;
        return value;
    }
    if (level == LEVEL_NOT) {
        return parse_not(p);
    }
    struct value *left = parse_level(p, level + 1);
    for (;;) {
        enum expr_operator op = p->has_failed ? EXPR_NONE : take_operator(p, level);
        if (op == EXPR_NONE) {
            return left;
        }
        struct value *right = parse_level(p, level + 1);
        if (p->has_failed) {
            return fail(p);
        }
        left = expr_apply(p->scope, op, left, right, p->diag);
        if (left == NULL) {
            return fail(p);
        }
    }
}

/* text stands behind "${"; *end gets the place behind "}". */
static struct value *parse_reference(const struct expr_scope *scope, const char *text,
                                     const char **end, struct amt_diag *diag)
{
    struct parser p = { .scope = scope, .at = text, .diag = diag };
    struct value *value = parse_level(&p, 0);
    if (!p.has_failed && !take(&p, "}")) {
        (void)fail_at(&p, "an operator or '}'");
    }
    *end = p.at;
    return p.has_failed ? NULL : value;
}

static struct value *interpolate(const struct expr_scope *scope, const char *text,
                                 struct amt_diag *diag)
{
    struct text out = { 0 };
    bool is_secret = false, is_pending = false;
    while (*text != '\0') {
        if (strncmp(text, "$${", 3) == 0) {
            text_puts(&out, "${");
            text += 3;
        } else if (strncmp(text, "${", 2) == 0) {
            struct value *part = parse_reference(scope, text + 2, &text, diag);
            if (part == NULL) {
                text_fini(&out);
                return NULL;
            }
            is_secret = is_secret || part->is_secret;
            is_pending = is_pending || part->kind == VALUE_PENDING;
            value_write(part->kind == VALUE_PENDING ? value_null(scope->pool) : part, &out);
        } else {
            text_append(&out, text, 1);
            text++;
        }
    }
    struct value *value = value_text(scope->pool, pool_take(scope->pool, &out));
    value->is_secret = is_secret;
    return is_pending ? value_pending(scope->pool) : value;
}

struct value *expr_scalar(const struct expr_scope *scope, const char *text, bool is_quoted,
                          struct amt_diag *diag)
{
    if (strstr(text, "${") == NULL) {
        return value_from_scalar(scope->pool, text, is_quoted);
    }
    if (strncmp(text, "${", 2) == 0) {
        const char *end = NULL;
        struct value *value = parse_reference(scope, text + 2, &end, diag);
        if (value == NULL || *end == '\0') {
            return value;
        }
    }
    return interpolate(scope, text, diag);
}

static bool scalar_node(const struct expr_scope *scope, const struct yaml_node *node,
                        const char *path, struct amt_diag_list *errors, struct value **value)
{
    struct amt_diag diag = { 0 };
    *value = expr_scalar(scope, node->text, node->is_quoted, &diag);
    if (*value != NULL) {
        return true;
    }
    struct amt_diag *entry = amt_diag_list_add(errors, AMT_ECONFIG, path, node->line, node->column);
    amt_diag_set(entry, AMT_ECONFIG, "%s", diag.text);
    if (diag.hint[0] != '\0') {
        amt_diag_hint(entry, "%s", diag.hint);
    }
    *value = value_pending(scope->pool);
    return false;
}

bool expr_node(const struct expr_scope *scope, const struct yaml_node *node, const char *path,
               struct amt_diag_list *errors, struct value **value)
{
    bool is_good = true;
    if (node->kind == YAML_SCALAR) {
        is_good = scalar_node(scope, node, path, errors, value);
    } else {
        *value = node->kind == YAML_LIST ? value_list(scope->pool) : value_map(scope->pool);
        for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
            struct value *item = NULL;
            is_good = expr_node(scope, at, path, errors, &item) && is_good;
            if (node->kind == YAML_MAP) {
                item->key = at->key;
            }
            value_append(*value, item);
        }
    }
    (*value)->place = node;
    return is_good;
}

bool expr_holds(const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        return false;
    case VALUE_BOOL:
    case VALUE_INT:
        return value->number != 0;
    case VALUE_TEXT:
        return value->len > 0 && strcmp(value->text, "false") != 0;
    case VALUE_BYTES:
        return value->len > 0;
    case VALUE_LIST:
    case VALUE_MAP:
        return value->count > 0;
    case VALUE_PENDING:
        break;
    }
    return true;
}
