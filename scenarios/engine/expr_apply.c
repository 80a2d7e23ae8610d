#include "scenarios/engine/expr_apply.h"

#include <openssl/evp.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/uuid.h"
#include "protocol/http/digest.h"
#include "runtime/loop.h"
#include "scenarios/engine/secrets.h"

static const char *const k_operator_texts[] = { "or", "and", "==", "!=", "<", "<=", ">",
                                                ">=", "in",  "+",  "-",  "*", "" };

const char *expr_operator_text(enum expr_operator op)
{
    return k_operator_texts[op];
}

static struct value *operands_do_not_fit(enum expr_operator op, const struct value *left,
                                         const struct value *right, struct amt_diag *diag)
{
    amt_diag_set(diag, AMT_ECONFIG, "'%s' cannot take %s and %s", expr_operator_text(op),
                 value_kind_name(left->kind), value_kind_name(right->kind));
    amt_diag_hint(diag, "both sides must be numbers, durations or sizes%s",
                  op == EXPR_ADD ? ", or texts, or lists" : "");
    return NULL;
}

static bool is_duration(const struct value *value)
{
    uint64_t us = 0, ignored = 0;
    return value->kind == VALUE_TEXT && text_parse_duration(value->text, &us) == AMT_OK &&
           text_parse_u64(value->text, UINT64_MAX, &ignored) != AMT_OK;
}

/* A sum with a duration in it is a duration again: units are mandatory. */
static struct value *quantity(const struct expr_scope *scope, const struct value *left,
                              const struct value *right, int64_t number)
{
    if (number >= 0 && (is_duration(left) || is_duration(right))) {
        char text[24];
        text_format_duration((uint64_t)number, text);
        return value_text(scope->pool, text);
    }
    return value_int(scope->pool, number);
}

static struct value *join(const struct expr_scope *scope, const struct value *left,
                          const struct value *right)
{
    if (left->kind == VALUE_LIST) {
        struct value *list = value_list(scope->pool);
        for (const struct value *at = left->first; at != NULL; at = at->next) {
            value_append(list, value_copy(scope->pool, at));
        }
        for (const struct value *at = right->first; at != NULL; at = at->next) {
            value_append(list, value_copy(scope->pool, at));
        }
        return list;
    }
    struct text out = { 0 };
    value_write(left, &out);
    value_write(right, &out);
    struct value *value = value_text(scope->pool, pool_take(scope->pool, &out));
    value->is_secret = left->is_secret || right->is_secret;
    return value;
}

static struct value *arithmetic(const struct expr_scope *scope, enum expr_operator op,
                                const struct value *left, const struct value *right,
                                struct amt_diag *diag)
{
    int64_t a = 0, b = 0, result = 0;
    if (!value_number(left, &a) || !value_number(right, &b)) {
        bool can_join = op == EXPR_ADD && (left->kind == VALUE_LIST) == (right->kind == VALUE_LIST);
        return can_join ? join(scope, left, right) : operands_do_not_fit(op, left, right, diag);
    }
    bool is_lost = op == EXPR_ADD        ? __builtin_add_overflow(a, b, &result)
                   : op == EXPR_SUBTRACT ? __builtin_sub_overflow(a, b, &result)
                                         : __builtin_mul_overflow(a, b, &result);
    if (is_lost) {
        amt_diag_set(diag, AMT_ECONFIG, "the result of '%s' does not fit 64 bits",
                     expr_operator_text(op));
        return NULL;
    }
    return quantity(scope, left, right, result);
}

static struct value *order(const struct expr_scope *scope, enum expr_operator op,
                           const struct value *left, const struct value *right,
                           struct amt_diag *diag)
{
    int64_t a = 0, b = 0;
    if (!value_number(left, &a) || !value_number(right, &b)) {
        return operands_do_not_fit(op, left, right, diag);
    }
    bool holds = op == EXPR_LT ? a < b : op == EXPR_LE ? a <= b : op == EXPR_GT ? a > b : a >= b;
    return value_bool(scope->pool, holds);
}

static struct value *membership(const struct expr_scope *scope, const struct value *left,
                                const struct value *right, struct amt_diag *diag)
{
    if (right->kind == VALUE_TEXT && left->kind == VALUE_TEXT) {
        return value_bool(scope->pool, strstr(right->text, left->text) != NULL);
    }
    if (right->kind != VALUE_LIST) {
        return operands_do_not_fit(EXPR_IN, left, right, diag);
    }
    for (const struct value *at = right->first; at != NULL; at = at->next) {
        if (value_equal(left, at)) {
            return value_bool(scope->pool, true);
        }
    }
    return value_bool(scope->pool, false);
}

struct value *expr_apply(const struct expr_scope *scope, enum expr_operator op,
                         const struct value *left, const struct value *right, struct amt_diag *diag)
{
    if (left->kind == VALUE_PENDING || right->kind == VALUE_PENDING) {
        return value_pending(scope->pool);
    }
    switch (op) {
    case EXPR_OR:
        return value_bool(scope->pool, expr_holds(left) || expr_holds(right));
    case EXPR_AND:
        return value_bool(scope->pool, expr_holds(left) && expr_holds(right));
    case EXPR_EQ:
    case EXPR_NE:
        return value_bool(scope->pool, value_equal(left, right) == (op == EXPR_EQ));
    case EXPR_LT:
    case EXPR_LE:
    case EXPR_GT:
    case EXPR_GE:
        return order(scope, op, left, right, diag);
    case EXPR_IN:
        return membership(scope, left, right, diag);
    case EXPR_ADD:
    case EXPR_SUBTRACT:
    case EXPR_MULTIPLY:
        return arithmetic(scope, op, left, right, diag);
    case EXPR_NONE:
        break;
    }
    return NULL;
}

typedef struct value *function_fn(const struct expr_scope *scope,
                                  const struct value *const *arguments, uint32_t count,
                                  struct amt_diag *diag);

static struct value *call_uuid(const struct expr_scope *scope, const struct value *const *arguments,
                               uint32_t count, struct amt_diag *diag)
{
    (void)arguments;
    (void)count;
    (void)diag;
    struct uuid uuid;
    char text[UUID_TEXT_BYTES];
    amt_random_uuid(scope->random, uuid.bytes);
    uuid_format(&uuid, text);
    return value_text(scope->pool, text);
}

/* rand(n) is in [0, n), rand(a, b) in [a, b]. */
static struct value *call_rand(const struct expr_scope *scope, const struct value *const *arguments,
                               uint32_t count, struct amt_diag *diag)
{
    int64_t low = 0, high = 0;
    bool is_range = count == 2;
    if (!value_number(arguments[0], is_range ? &low : &high) ||
        (is_range && !value_number(arguments[1], &high)) || high < low ||
        (!is_range && high == 0)) {
        amt_diag_set(diag, AMT_ECONFIG,
                     "rand() wants a number above 0, or two with the lower first");
        return NULL;
    }
    uint64_t span = (uint64_t)high - (uint64_t)low + (is_range ? 1u : 0u);
    return value_int(scope->pool, (int64_t)((uint64_t)low + amt_random_below(scope->random, span)));
}

static struct value *call_bytes(const struct expr_scope *scope,
                                const struct value *const *arguments, uint32_t count,
                                struct amt_diag *diag)
{
    (void)count;
    int64_t len = 0;
    if (!value_number(arguments[0], &len) || len < 0 || len > (int64_t)EXPR_BYTES_MAX) {
        amt_diag_set(diag, AMT_ECONFIG, "bytes() wants a number from 0 to %u", EXPR_BYTES_MAX);
        return NULL;
    }
    uint8_t *block = pool_alloc(scope->pool, (size_t)len);
    amt_random_fill(scope->random, block, (size_t)len);
    return value_bytes(scope->pool, block, (uint32_t)len);
}

static struct value *call_now(const struct expr_scope *scope, const struct value *const *arguments,
                              uint32_t count, struct amt_diag *diag)
{
    (void)arguments;
    (void)count;
    (void)diag;
    return value_int(scope->pool, (int64_t)(scope->wall_us / US_PER_SECOND));
}

static struct value *secret_value(const struct expr_scope *scope, const char *text, size_t len)
{
    struct value *value = value_text_n(scope->pool, text, (uint32_t)len);
    value->is_secret = true;
    if (scope->secrets != NULL) {
        secrets_add(scope->secrets, value->text);
    }
    return value;
}

static struct value *call_env(const struct expr_scope *scope, const struct value *const *arguments,
                              uint32_t count, struct amt_diag *diag)
{
    if (scope->is_check) {
        return value_pending(scope->pool);
    }
    const char *found = getenv(arguments[0]->text == NULL ? "" : arguments[0]->text);
    if (found != NULL) {
        return secret_value(scope, found, strlen(found));
    }
    if (count == 2) {
        return value_copy(scope->pool, arguments[1]);
    }
    amt_diag_set(diag, AMT_ECONFIG, "environment variable %s is not set",
                 arguments[0]->text == NULL ? "" : arguments[0]->text);
    amt_diag_hint(diag, "set it, or give a default: env(NAME, default)");
    return NULL;
}

static struct value *call_file(const struct expr_scope *scope, const struct value *const *arguments,
                               uint32_t count, struct amt_diag *diag)
{
    (void)count;
    if (scope->is_check) {
        return value_pending(scope->pool);
    }
    const char *name = arguments[0]->text == NULL ? "" : arguments[0]->text;
    const char *path =
        name[0] == '/' ? name : pool_printf(scope->pool, "%s/%s", scope->folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "file(%s): %s cannot be read", name, path);
        return NULL;
    }
    char *content = pool_alloc(scope->pool, EXPR_FILE_MAX_BYTES);
    size_t len = fread(content, 1, EXPR_FILE_MAX_BYTES, file);
    (void)fclose(file);
    if (len == EXPR_FILE_MAX_BYTES) {
        amt_diag_set(diag, AMT_ECONFIG, "file(%s): longer than %u bytes", name,
                     EXPR_FILE_MAX_BYTES);
        return NULL;
    }
    while (len > 0 && content[len - 1] == '\n') {
        len--;
    }
    return secret_value(scope, content, len);
}

static struct value *call_hex(const struct expr_scope *scope, const struct value *const *arguments,
                              uint32_t count, struct amt_diag *diag)
{
    (void)count;
    (void)diag;
    if (arguments[0]->kind == VALUE_INT) {
        return value_text(scope->pool, pool_printf(scope->pool, "%llx",
                                                   (unsigned long long)arguments[0]->number));
    }
    struct text plain = { 0 }, out = { 0 };
    if (arguments[0]->kind == VALUE_BYTES) {
        text_append(&plain, arguments[0]->text, arguments[0]->len);
    } else {
        value_write(arguments[0], &plain);
    }
    text_hex(&out, (const uint8_t *)text_chars(&plain), plain.len);
    text_fini(&plain);
    struct value *value = value_text(scope->pool, pool_take(scope->pool, &out));
    value->is_secret = arguments[0]->is_secret;
    return value;
}

static struct value *call_len(const struct expr_scope *scope, const struct value *const *arguments,
                              uint32_t count, struct amt_diag *diag)
{
    (void)count;
    const struct value *of = arguments[0];
    if (of->kind == VALUE_LIST || of->kind == VALUE_MAP) {
        return value_int(scope->pool, of->count);
    }
    if (of->kind == VALUE_TEXT || of->kind == VALUE_BYTES) {
        return value_int(scope->pool, of->len);
    }
    amt_diag_set(diag, AMT_ECONFIG, "len() wants a text, bytes, a list or a map, not %s",
                 value_kind_name(of->kind));
    return NULL;
}

static struct value *hash_of(const struct expr_scope *scope, const struct value *const *arguments,
                             const EVP_MD *kind, struct amt_diag *diag)
{
    struct text plain = { 0 }, out = { 0 };
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (arguments[0]->kind == VALUE_BYTES) {
        text_append(&plain, arguments[0]->text, arguments[0]->len);
    } else {
        value_write(arguments[0], &plain);
    }
    int is_done = EVP_Digest(text_chars(&plain), plain.len, digest, &len, kind, NULL);
    text_fini(&plain);
    if (is_done != 1) {
        amt_diag_set(diag, AMT_EBUG, "OpenSSL could not make a hash");
        return NULL;
    }
    text_hex(&out, digest, len);
    return value_text(scope->pool, pool_take(scope->pool, &out));
}

static struct value *call_sha256(const struct expr_scope *scope,
                                 const struct value *const *arguments, uint32_t count,
                                 struct amt_diag *diag)
{
    (void)count;
    return hash_of(scope, arguments, EVP_sha256(), diag);
}

static struct value *call_md5(const struct expr_scope *scope, const struct value *const *arguments,
                              uint32_t count, struct amt_diag *diag)
{
    (void)count;
    return hash_of(scope, arguments, EVP_md5(), diag);
}

/* without(text, pattern): the text with everything taken out that the pattern matches. */
static struct value *call_without(const struct expr_scope *scope,
                                  const struct value *const *arguments, uint32_t count,
                                  struct amt_diag *diag)
{
    (void)count;
    regex_t regex;
    regmatch_t part;
    struct text in = { 0 }, out = { 0 };
    if (arguments[1]->kind != VALUE_TEXT ||
        regcomp(&regex, arguments[1]->text, REG_EXTENDED | REG_NEWLINE) != 0) {
        amt_diag_set(diag, AMT_ECONFIG, "without() wants a POSIX extended regular expression");
        return NULL;
    }
    if (arguments[0]->kind == VALUE_BYTES) {
        text_append(&in, arguments[0]->text, arguments[0]->len);
    } else {
        value_write(arguments[0], &in);
    }
    const char *at = text_chars(&in);
    while (regexec(&regex, at, 1, &part, 0) == 0 && part.rm_eo > part.rm_so) {
        text_append(&out, at, (size_t)part.rm_so);
        at += part.rm_eo;
    }
    text_puts(&out, at);
    struct value *value = value_text(scope->pool, pool_take(scope->pool, &out));
    value->is_secret = arguments[0]->is_secret;
    regfree(&regex);
    text_fini(&in);
    return value;
}

/* found(text, pattern): what the first ( ) of the pattern matched, or all of it; "" when nothing did. */
static struct value *call_found(const struct expr_scope *scope,
                                const struct value *const *arguments, uint32_t count,
                                struct amt_diag *diag)
{
    (void)count;
    regex_t regex;
    regmatch_t parts[2];
    struct text in = { 0 };
    if (arguments[1]->kind != VALUE_TEXT ||
        regcomp(&regex, arguments[1]->text, REG_EXTENDED | REG_NEWLINE) != 0) {
        amt_diag_set(diag, AMT_ECONFIG, "found() wants a POSIX extended regular expression");
        return NULL;
    }
    if (arguments[0]->kind == VALUE_BYTES) {
        text_append(&in, arguments[0]->text, arguments[0]->len);
    } else {
        value_write(arguments[0], &in);
    }
    bool is_found = regexec(&regex, text_chars(&in), 2, parts, 0) == 0;
    const regmatch_t *part = is_found && regex.re_nsub > 0 ? &parts[1] : &parts[0];
    struct value *value = is_found && part->rm_so >= 0
                              ? value_text_n(scope->pool, text_chars(&in) + part->rm_so,
                                             (uint32_t)(part->rm_eo - part->rm_so))
                              : value_text(scope->pool, "");
    value->is_secret = arguments[0]->is_secret;
    regfree(&regex);
    text_fini(&in);
    return value;
}

static struct value *change_case(const struct expr_scope *scope, const struct value *of,
                                 bool to_upper)
{
    struct text out = { 0 };
    value_write(of, &out);
    char *text = pool_take(scope->pool, &out);
    for (char *at = text; *at != '\0'; at++) {
        bool is_lower = *at >= 'a' && *at <= 'z', is_upper = *at >= 'A' && *at <= 'Z';
        if (to_upper ? is_lower : is_upper) {
            *at = (char)(*at ^ 0x20);
        }
    }
    struct value *value = value_text(scope->pool, text);
    value->is_secret = of->is_secret;
    return value;
}

static struct value *call_upper(const struct expr_scope *scope,
                                const struct value *const *arguments, uint32_t count,
                                struct amt_diag *diag)
{
    (void)count;
    (void)diag;
    return change_case(scope, arguments[0], true);
}

static struct value *call_lower(const struct expr_scope *scope,
                                const struct value *const *arguments, uint32_t count,
                                struct amt_diag *diag)
{
    (void)count;
    (void)diag;
    return change_case(scope, arguments[0], false);
}

/* ha1(user, realm, password): the digest hash that devices keep, as base64 (wsman.md 3.1). */
static struct value *call_ha1(const struct expr_scope *scope, const struct value *const *arguments,
                              uint32_t count, struct amt_diag *diag)
{
    (void)count;
    uint8_t hash[DIGEST_MD5_BYTES];
    char base64[(DIGEST_MD5_BYTES + 2) / 3 * 4 + 1];
    for (uint32_t i = 0; i < 3; i++) {
        if (arguments[i]->kind != VALUE_TEXT) {
            amt_diag_set(diag, AMT_ECONFIG, "ha1() wants three texts: user, realm, password");
            return NULL;
        }
    }
    digest_ha1(arguments[0]->text, arguments[1]->text, arguments[2]->text, arguments[2]->len, hash);
    (void)EVP_EncodeBlock((unsigned char *)base64, hash, sizeof hash);
    return value_text(scope->pool, base64);
}

static const struct function {
    const char *name;
    uint32_t least, most;
    function_fn *call;
    const char *use, *doc;
} k_functions[] = {
    { "uuid", 0, 0, call_uuid, "uuid()", "a random UUID" },
    { "rand", 1, 2, call_rand, "rand(n), rand(a, b)", "a number below n, or from a to b" },
    { "bytes", 1, 1, call_bytes, "bytes(n)", "n random bytes" },
    { "now", 0, 0, call_now, "now()", "the wall clock, seconds since 1970" },
    { "env", 1, 2, call_env, "env(NAME, default)", "a variable of the environment; a secret" },
    { "file", 1, 1, call_file, "file(path)",
      "the text of a file, relative to the scenario; a secret" },
    { "hex", 1, 1, call_hex, "hex(x)", "as hexadecimal digits" },
    { "len", 1, 1, call_len, "len(x)", "length of a text, bytes, a list or a map" },
    { "upper", 1, 1, call_upper, "upper(x)", "in upper case" },
    { "lower", 1, 1, call_lower, "lower(x)", "in lower case" },
    { "sha256", 1, 1, call_sha256, "sha256(x)", "hash as hexadecimal digits" },
    { "md5", 1, 1, call_md5, "md5(x)", "hash as hexadecimal digits, for logins made by hand" },
    { "ha1", 3, 3, call_ha1, "ha1(user, realm, password)",
      "what a device keeps of a password, as base64" },
    { "without", 2, 2, call_without, "without(text, pattern)",
      "the text without what a POSIX extended expression matches" },
    { "found", 2, 2, call_found, "found(text, pattern)",
      "what the first ( ) of a POSIX extended expression matched, else all of it; empty when "
      "nothing did" },
};

const char *expr_function(uint32_t index, const char **doc)
{
    if (index >= sizeof k_functions / sizeof k_functions[0]) {
        return NULL;
    }
    *doc = k_functions[index].doc;
    return k_functions[index].use;
}

struct value *expr_call(const struct expr_scope *scope, const char *name,
                        const struct value *const *arguments, uint32_t count, struct amt_diag *diag)
{
    for (size_t i = 0; i < sizeof k_functions / sizeof k_functions[0]; i++) {
        const struct function *function = &k_functions[i];
        if (strcmp(function->name, name) != 0) {
            continue;
        }
        if (count < function->least || count > function->most) {
            amt_diag_set(diag, AMT_ECONFIG, "%s() takes %u to %u values, not %u", name,
                         function->least, function->most, count);
            return NULL;
        }
        for (uint32_t n = 0; n < count; n++) {
            if (arguments[n]->kind == VALUE_PENDING) {
                return value_pending(scope->pool);
            }
        }
        return function->call(scope, arguments, count, diag);
    }
    amt_diag_set(diag, AMT_ECONFIG, "unknown function %s()", name);
    amt_diag_hint(diag, "there are uuid rand bytes now env file hex len sha256 upper lower ha1 md5 "
                        "found without");
    return NULL;
}
