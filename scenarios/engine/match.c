#include "scenarios/engine/match.h"

#include <regex.h>
#include <string.h>

#define REGEX_MAX_BYTES 1024u

typedef bool match_fn(const struct value *operand, const struct value *actual);

static bool is_chars(const struct value *value)
{
    return value->kind == VALUE_TEXT || value->kind == VALUE_BYTES;
}

static bool op_eq(const struct value *operand, const struct value *actual)
{
    return value_equal(operand, actual);
}

static bool op_ne(const struct value *operand, const struct value *actual)
{
    return !value_equal(operand, actual);
}

/* -1, 0, 1; false when the two cannot be ordered */
static bool order(const struct value *a, const struct value *b, int *result)
{
    int64_t x = 0, y = 0;
    if (!value_number(a, &x) || !value_number(b, &y)) {
        return false;
    }
    *result = x < y ? -1 : x > y ? 1 : 0;
    return true;
}

static bool op_lt(const struct value *operand, const struct value *actual)
{
    int result = 0;
    return order(actual, operand, &result) && result < 0;
}

static bool op_le(const struct value *operand, const struct value *actual)
{
    int result = 0;
    return order(actual, operand, &result) && result <= 0;
}

static bool op_gt(const struct value *operand, const struct value *actual)
{
    int result = 0;
    return order(actual, operand, &result) && result > 0;
}

static bool op_ge(const struct value *operand, const struct value *actual)
{
    int result = 0;
    return order(actual, operand, &result) && result >= 0;
}

static bool op_between(const struct value *operand, const struct value *actual)
{
    const struct value *low = value_at(operand, 0), *high = value_at(operand, 1);
    return low != NULL && high != NULL && op_ge(low, actual) && op_le(high, actual);
}

static bool op_in(const struct value *operand, const struct value *actual)
{
    for (const struct value *at = operand->first; at != NULL; at = at->next) {
        if (value_equal(at, actual)) {
            return true;
        }
    }
    return false;
}

static bool op_starts(const struct value *operand, const struct value *actual)
{
    return is_chars(operand) && is_chars(actual) && operand->len <= actual->len &&
           memcmp(operand->text, actual->text, operand->len) == 0;
}

static bool op_ends(const struct value *operand, const struct value *actual)
{
    return is_chars(operand) && is_chars(actual) && operand->len <= actual->len &&
           memcmp(operand->text, actual->text + (actual->len - operand->len), operand->len) == 0;
}

static bool op_contains(const struct value *operand, const struct value *actual)
{
    if (actual->kind == VALUE_LIST) {
        for (const struct value *at = actual->first; at != NULL; at = at->next) {
            if (match(operand, at, NULL)) {
                return true;
            }
        }
        return false;
    }
    struct text wanted = { 0 };
    value_write(operand, &wanted);
    bool is_found = false;
    for (uint32_t at = 0; is_chars(actual) && !is_found && at + wanted.len <= actual->len; at++) {
        is_found = memcmp(actual->text + at, text_chars(&wanted), wanted.len) == 0;
    }
    text_fini(&wanted);
    return is_found;
}

static bool op_matches(const struct value *operand, const struct value *actual)
{
    regex_t regex;
    if (operand->kind != VALUE_TEXT || !is_chars(actual) || operand->len > REGEX_MAX_BYTES ||
        regcomp(&regex, operand->text, REG_EXTENDED | REG_NOSUB) != 0) {
        return false;
    }
    bool fits = regexec(&regex, actual->text, 0, NULL, 0) == 0;
    regfree(&regex);
    return fits;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "c0 00 ?? 01": ?? stands for any byte */
static bool op_hex(const struct value *operand, const struct value *actual)
{
    if (!is_chars(operand) || !is_chars(actual)) {
        return false;
    }
    uint32_t n = 0;
    for (const char *at = operand->text; *at != '\0'; at++) {
        if (*at == ' ' || *at == '\n') {
            continue;
        }
        if (n >= actual->len || at[1] == '\0') {
            return false;
        }
        uint8_t byte = (uint8_t)actual->text[n++];
        bool is_any = at[0] == '?' && at[1] == '?';
        if (!is_any && hex_digit(at[0]) * 16 + hex_digit(at[1]) != byte) {
            return false;
        }
        at++;
    }
    return n == actual->len;
}

static bool op_len(const struct value *operand, const struct value *actual)
{
    struct value len = { .kind = VALUE_INT };
    if (actual->kind == VALUE_LIST || actual->kind == VALUE_MAP) {
        len.number = actual->count;
    } else if (is_chars(actual)) {
        len.number = actual->len;
    } else {
        return false;
    }
    return match(operand, &len, NULL);
}

static bool op_type(const struct value *operand, const struct value *actual)
{
    return operand->kind == VALUE_TEXT && strcmp(operand->text, value_kind_name(actual->kind)) == 0;
}

static bool op_each(const struct value *operand, const struct value *actual)
{
    for (const struct value *at = actual->first; at != NULL; at = at->next) {
        if (!match(operand, at, NULL)) {
            return false;
        }
    }
    return actual->kind == VALUE_LIST;
}

static bool op_any(const struct value *operand, const struct value *actual)
{
    return actual->kind == VALUE_LIST && op_contains(operand, actual);
}

static bool op_all_of(const struct value *operand, const struct value *actual)
{
    for (const struct value *at = operand->first; at != NULL; at = at->next) {
        if (!match(at, actual, NULL)) {
            return false;
        }
    }
    return true;
}

static bool op_any_of(const struct value *operand, const struct value *actual)
{
    for (const struct value *at = operand->first; at != NULL; at = at->next) {
        if (match(at, actual, NULL)) {
            return true;
        }
    }
    return false;
}

static bool op_not(const struct value *operand, const struct value *actual)
{
    return !match(operand, actual, NULL);
}

/* `present` looks at NULL itself, see fits(). */
static const struct matcher {
    const char *name;
    const char *words; /* before the operand when described */
    match_fn *fits;
    enum value_kind operand; /* LIST, TEXT, or NULL for any */
} k_matchers[] = {
    { "eq", "", op_eq, VALUE_NULL },
    { "ne", "not ", op_ne, VALUE_NULL },
    { "lt", "less than ", op_lt, VALUE_NULL },
    { "le", "at most ", op_le, VALUE_NULL },
    { "gt", "more than ", op_gt, VALUE_NULL },
    { "ge", "at least ", op_ge, VALUE_NULL },
    { "between", "between ", op_between, VALUE_LIST },
    { "in", "one of ", op_in, VALUE_LIST },
    { "starts", "starting with ", op_starts, VALUE_NULL },
    { "ends", "ending with ", op_ends, VALUE_NULL },
    { "contains", "containing ", op_contains, VALUE_NULL },
    { "matches", "matching ", op_matches, VALUE_TEXT },
    { "hex", "hex ", op_hex, VALUE_NULL },
    { "len", "of length ", op_len, VALUE_NULL },
    { "type", "of type ", op_type, VALUE_TEXT },
    { "present", "present: ", NULL, VALUE_NULL },
    { "each", "with each item ", op_each, VALUE_NULL },
    { "any", "with an item ", op_any, VALUE_NULL },
    { "all_of", "all of ", op_all_of, VALUE_LIST },
    { "any_of", "any of ", op_any_of, VALUE_LIST },
    { "not", "not ", op_not, VALUE_NULL },
};
#define MATCHER_COUNT (sizeof k_matchers / sizeof k_matchers[0])

const char *match_name(uint32_t index, const char **words)
{
    if (index >= MATCHER_COUNT) {
        return NULL;
    }
    *words = k_matchers[index].words;
    return k_matchers[index].name;
}

static const struct matcher *find_matcher(const char *name)
{
    for (size_t i = 0; i < MATCHER_COUNT; i++) {
        if (strcmp(k_matchers[i].name, name) == 0) {
            return &k_matchers[i];
        }
    }
    return NULL;
}

bool match_is_matcher(const struct value *expected)
{
    if (expected->kind != VALUE_MAP || expected->count == 0) {
        return false;
    }
    for (const struct value *at = expected->first; at != NULL; at = at->next) {
        if (find_matcher(at->key) == NULL) {
            return false;
        }
    }
    return true;
}

static bool fits(const struct matcher *matcher, const struct value *operand,
                 const struct value *actual)
{
    if (matcher == NULL) {
        return false; /* match_is_matcher has found them all */
    }
    if (matcher->fits == NULL) {
        return (actual != NULL) == (operand->number != 0);
    }
    if (actual == NULL) {
        return matcher->fits == op_not && !match(operand, NULL, NULL);
    }
    return actual->kind == VALUE_PENDING || matcher->fits(operand, actual);
}

static void explain(const struct value *expected, const struct value *actual, struct text *why)
{
    if (why == NULL) {
        return;
    }
    text_puts(why, "is ");
    if (actual == NULL) {
        text_puts(why, "not there");
    } else {
        value_print(actual, why);
    }
    text_puts(why, ", wanted ");
    match_describe(expected, why);
}

/* A list or map that holds matchers is compared item by item. */
static bool match_items(const struct value *expected, const struct value *actual)
{
    if (actual == NULL || actual->kind != expected->kind) {
        return false;
    }
    if (expected->kind == VALUE_LIST && expected->count != actual->count) {
        return false;
    }
    const struct value *item = actual->first;
    for (const struct value *at = expected->first; at != NULL; at = at->next) {
        const struct value *other = expected->kind == VALUE_MAP ? value_get(actual, at->key) : item;
        if (!match(at, other, NULL)) {
            return false;
        }
        item = item == NULL ? NULL : item->next;
    }
    return true;
}

bool match(const struct value *expected, const struct value *actual, struct text *why)
{
    bool is_good = true;
    if (expected->kind == VALUE_PENDING) {
        return true;
    }
    if (match_is_matcher(expected)) {
        for (const struct value *at = expected->first; is_good && at != NULL; at = at->next) {
            is_good = fits(find_matcher(at->key), at, actual);
        }
    } else if (expected->kind == VALUE_LIST || expected->kind == VALUE_MAP) {
        is_good = match_items(expected, actual);
    } else {
        is_good = actual != NULL && value_equal(expected, actual);
    }
    if (!is_good) {
        explain(expected, actual, why);
    }
    return is_good;
}

void match_describe(const struct value *expected, struct text *out)
{
    if (!match_is_matcher(expected)) {
        value_print(expected, out);
        return;
    }
    for (const struct value *at = expected->first; at != NULL; at = at->next) {
        text_puts(out, at == expected->first ? "" : " and ");
        const struct matcher *matcher = find_matcher(at->key);
        text_puts(out, matcher == NULL ? "" : matcher->words);
        match_describe(at, out);
    }
}

static bool report(const struct value *at, const char *path, struct amt_diag_list *errors,
                   const char *what)
{
    const struct yaml_node *node = at->place;
    struct amt_diag *diag = amt_diag_list_add(
        errors, AMT_ECONFIG, path, node == NULL ? 0 : node->line, node == NULL ? 0 : node->column);
    amt_diag_set(diag, AMT_ECONFIG, "matcher '%s' %s", at->key, what);
    return false;
}

static bool check_operand(const struct matcher *matcher, const struct value *operand,
                          const char *path, struct amt_diag_list *errors)
{
    if (operand->kind == VALUE_PENDING) {
        return true;
    }
    if (matcher->operand == VALUE_LIST && operand->kind != VALUE_LIST) {
        return report(operand, path, errors, "takes a list: [a, b]");
    }
    if (matcher->fits == op_between && operand->count != 2) {
        return report(operand, path, errors, "takes two values: [lowest, highest]");
    }
    if (matcher->fits == NULL && operand->kind != VALUE_BOOL) {
        return report(operand, path, errors, "takes true or false");
    }
    if (matcher->fits != op_matches) {
        return true;
    }
    regex_t regex;
    if (operand->kind != VALUE_TEXT || operand->len > REGEX_MAX_BYTES ||
        regcomp(&regex, operand->text, REG_EXTENDED | REG_NOSUB) != 0) {
        return report(operand, path, errors, "takes a POSIX extended regular expression");
    }
    regfree(&regex);
    return true;
}

bool match_check(const struct value *expected, const char *path, struct amt_diag_list *errors)
{
    bool is_good = true;
    bool is_map = expected->kind == VALUE_MAP;
    uint32_t known = 0;
    for (const struct value *at = expected->first; at != NULL; at = at->next) {
        known += is_map && find_matcher(at->key) != NULL ? 1 : 0;
    }
    for (const struct value *at = expected->first; at != NULL; at = at->next) {
        const struct matcher *matcher = is_map ? find_matcher(at->key) : NULL;
        if (matcher != NULL) {
            is_good = check_operand(matcher, at, path, errors) && is_good;
        } else if (is_map && known > 0) {
            is_good = report(at, path, errors,
                             "is not known; there are eq ne lt le gt ge between in starts ends "
                             "contains matches hex len type present each any all_of any_of not");
        }
        if (at->kind == VALUE_LIST || at->kind == VALUE_MAP) {
            is_good = match_check(at, path, errors) && is_good;
        }
    }
    return is_good;
}
