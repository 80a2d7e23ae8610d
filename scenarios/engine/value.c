#include "scenarios/engine/value.h"

#include <stdio.h>
#include <string.h>

static const char *const k_kind_names[] = { "null",  "bool", "int", "string",
                                            "bytes", "list", "map", "unknown" };

const char *value_kind_name(enum value_kind kind)
{
    return k_kind_names[kind];
}

static struct value *new_value(struct arena *pool, enum value_kind kind)
{
    struct value *value = pool_alloc(pool, sizeof *value);
    value->kind = kind;
    return value;
}

struct value *value_null(struct arena *pool)
{
    return new_value(pool, VALUE_NULL);
}

struct value *value_bool(struct arena *pool, bool is_true)
{
    struct value *value = new_value(pool, VALUE_BOOL);
    value->number = is_true ? 1 : 0;
    return value;
}

struct value *value_int(struct arena *pool, int64_t number)
{
    struct value *value = new_value(pool, VALUE_INT);
    value->number = number;
    return value;
}

struct value *value_text_n(struct arena *pool, const char *text, uint32_t len)
{
    struct value *value = new_value(pool, VALUE_TEXT);
    value->text = pool_text(pool, text, len);
    value->len = len;
    return value;
}

struct value *value_text(struct arena *pool, const char *text)
{
    return value_text_n(pool, text, (uint32_t)strlen(text));
}

struct value *value_bytes(struct arena *pool, const void *bytes, uint32_t len)
{
    struct value *value = value_text_n(pool, bytes, len);
    value->kind = VALUE_BYTES;
    return value;
}

struct value *value_list(struct arena *pool)
{
    return new_value(pool, VALUE_LIST);
}

struct value *value_map(struct arena *pool)
{
    return new_value(pool, VALUE_MAP);
}

struct value *value_pending(struct arena *pool)
{
    return new_value(pool, VALUE_PENDING);
}

struct value *value_copy(struct arena *pool, const struct value *value)
{
    struct value *copy = pool_alloc(pool, sizeof *copy);
    *copy = *value;
    copy->next = NULL;
    copy->key = NULL;
    return copy;
}

void value_append(struct value *list, struct value *item)
{
    if (list->last == NULL) {
        list->first = item;
    } else {
        list->last->next = item;
    }
    list->last = item;
    list->count++;
}

void value_put(struct arena *pool, struct value *map, const char *key, struct value *item)
{
    item->key = pool_strdup(pool, key);
    struct value *before = NULL;
    for (struct value *at = map->first; at != NULL; before = at, at = at->next) {
        if (strcmp(at->key, key) != 0) {
            continue;
        }
        item->next = at->next;
        if (before == NULL) {
            map->first = item;
        } else {
            before->next = item;
        }
        if (map->last == at) {
            map->last = item;
        }
        return;
    }
    value_append(map, item);
}

const struct value *value_get(const struct value *map, const char *key)
{
    if (map == NULL || map->kind != VALUE_MAP) {
        return NULL;
    }
    for (const struct value *at = map->first; at != NULL; at = at->next) {
        if (strcmp(at->key, key) == 0) {
            return at;
        }
    }
    return NULL;
}

const struct value *value_at(const struct value *list, uint32_t index)
{
    const struct value *at = list == NULL || list->kind != VALUE_LIST ? NULL : list->first;
    for (; at != NULL && index > 0; index--) {
        at = at->next;
    }
    return at;
}

/* The entry whose key is the longest prefix of path that ends at a dot or the end. */
static const struct value *longest_key(const struct value *map, const char *path, size_t *used)
{
    const struct value *best = NULL;
    *used = 0;
    for (const struct value *at = map->first; at != NULL; at = at->next) {
        size_t len = strlen(at->key);
        if (strncmp(at->key, path, len) == 0 && (path[len] == '.' || path[len] == '\0') &&
            (best == NULL || len > *used)) {
            best = at;
            *used = len;
        }
    }
    return best;
}

static const struct value *list_step(const struct value *list, const char *path, size_t *used)
{
    uint32_t index = 0;
    size_t n = 0;
    for (; path[n] >= '0' && path[n] <= '9' && n < 6; n++) {
        index = index * 10 + (uint32_t)(path[n] - '0');
    }
    *used = n;
    return n == 0 || (path[n] != '.' && path[n] != '\0') ? NULL : value_at(list, index);
}

const struct value *value_path(const struct value *value, const char *path)
{
    while (value != NULL && path[0] != '\0' && value->kind != VALUE_PENDING) {
        size_t used = 0;
        if (value->kind == VALUE_MAP) {
            value = longest_key(value, path, &used);
        } else if (value->kind == VALUE_LIST) {
            value = list_step(value, path, &used);
        } else {
            return NULL;
        }
        path += used;
        if (path[0] == '.') {
            path++;
        }
    }
    return value;
}

static bool parse_int(const char *text, int64_t *number)
{
    bool is_negative = text[0] == '-';
    uint64_t magnitude = 0;
    const char *digits = is_negative ? text + 1 : text;
    if (digits[0] < '0' || digits[0] > '9' ||
        text_parse_u64(digits, INT64_MAX, &magnitude) != AMT_OK) {
        return false;
    }
    *number = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

struct value *value_from_scalar(struct arena *pool, const char *text, bool is_quoted)
{
    int64_t number = 0;
    if (!is_quoted && parse_int(text, &number)) {
        return value_int(pool, number);
    }
    if (!is_quoted && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        return value_bool(pool, text[0] == 't');
    }
    if (!is_quoted && (text[0] == '\0' || strcmp(text, "null") == 0)) {
        return value_null(pool);
    }
    return value_text(pool, text);
}

bool value_number(const struct value *value, int64_t *number)
{
    uint64_t amount = 0;
    if (value->kind == VALUE_INT) {
        *number = value->number;
        return true;
    }
    if (value->kind != VALUE_TEXT) {
        return false;
    }
    if (parse_int(value->text, number)) {
        return true;
    }
    if (text_parse_duration(value->text, &amount) != AMT_OK &&
        text_parse_size(value->text, &amount) != AMT_OK) {
        return false;
    }
    *number = amount > INT64_MAX ? INT64_MAX : (int64_t)amount;
    return true;
}

static bool lists_equal(const struct value *a, const struct value *b)
{
    if (a->count != b->count) {
        return false;
    }
    const struct value *y = b->first;
    for (const struct value *x = a->first; x != NULL; x = x->next, y = y->next) {
        if (!value_equal(x, y)) {
            return false;
        }
    }
    return true;
}

static bool maps_equal(const struct value *a, const struct value *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (const struct value *x = a->first; x != NULL; x = x->next) {
        const struct value *y = value_get(b, x->key);
        if (y == NULL || !value_equal(x, y)) {
            return false;
        }
    }
    return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_PENDING || b->kind == VALUE_PENDING) {
        return true;
    }
    if (a->kind == VALUE_LIST && b->kind == VALUE_LIST) {
        return lists_equal(a, b);
    }
    if (a->kind == VALUE_MAP && b->kind == VALUE_MAP) {
        return maps_equal(a, b);
    }
    bool are_chars = (a->kind == VALUE_TEXT || a->kind == VALUE_BYTES) &&
                     (b->kind == VALUE_TEXT || b->kind == VALUE_BYTES);
    if (are_chars) {
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    }
    int64_t x = 0, y = 0;
    if ((a->kind == VALUE_INT || b->kind == VALUE_INT) && value_number(a, &x) &&
        value_number(b, &y)) {
        return x == y;
    }
    return a->kind == b->kind && a->number == b->number;
}

#define SHOWN_MAX_BYTES 120u
#define SHOWN_MAX_CHARS 400u
#define SHOWN_MAX_ITEMS 16u

/* Bytes of a text protocol are read as text, not as hex. */
static bool is_readable(const struct value *value)
{
    for (uint32_t i = 0; i < value->len; i++) {
        char c = value->text[i];
        if ((c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t') {
            return false;
        }
    }
    return value->len > 0;
}

static void print_chars(const struct value *value, struct text *out)
{
    bool is_hex = value->kind == VALUE_BYTES && !is_readable(value);
    uint32_t most = is_hex ? SHOWN_MAX_BYTES : SHOWN_MAX_CHARS;
    uint32_t shown = value->len < most ? value->len : most;
    if (is_hex) {
        text_puts(out, "hex ");
        text_hex(out, (const uint8_t *)value->text, shown);
    } else {
        text_json(out, value->text, shown);
    }
    if (shown < value->len) {
        text_printf(out, "... (%u bytes)", value->len);
    }
}

static void print_items(const struct value *value, struct text *out)
{
    bool is_map = value->kind == VALUE_MAP;
    text_puts(out, is_map ? "{" : "[");
    uint32_t n = 0;
    for (const struct value *at = value->first; at != NULL; at = at->next, n++) {
        text_puts(out, n == 0 ? "" : ", ");
        if (n == SHOWN_MAX_ITEMS) {
            text_printf(out, "... %u more", value->count - n);
            break;
        }
        if (is_map) {
            text_printf(out, "%s: ", at->key);
        }
        value_print(at, out);
    }
    text_puts(out, is_map ? "}" : "]");
}

void value_print(const struct value *value, struct text *out)
{
    if (value->is_secret) {
        text_puts(out, "(hidden)");
        return;
    }
    switch (value->kind) {
    case VALUE_NULL:
        text_puts(out, "null");
        break;
    case VALUE_BOOL:
        text_puts(out, value->number != 0 ? "true" : "false");
        break;
    case VALUE_INT:
        text_printf(out, "%lld", (long long)value->number);
        break;
    case VALUE_TEXT:
    case VALUE_BYTES:
        print_chars(value, out);
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        print_items(value, out);
        break;
    case VALUE_PENDING:
        text_puts(out, "(known at run time)");
        break;
    }
}

const char *value_show(struct arena *pool, const struct value *value)
{
    struct text out = { 0 };
    value_print(value, &out);
    return pool_take(pool, &out);
}

void value_write(const struct value *value, struct text *out)
{
    if (value->kind == VALUE_TEXT) {
        text_append(out, value->text, value->len);
    } else if (value->kind == VALUE_BYTES) {
        text_hex(out, (const uint8_t *)value->text, value->len);
    } else {
        value_print(value, out);
    }
}

static struct yaml_node *new_node(struct arena *pool, const struct value *value)
{
    struct yaml_node *node = pool_alloc(pool, sizeof *node);
    if (value->place != NULL) {
        node->line = value->place->line;
        node->column = value->place->column;
        node->key_line = value->place->key_line;
        node->key_column = value->place->key_column;
    }
    node->key = value->key;
    return node;
}

const char *value_written(struct arena *pool, const struct value *value)
{
    struct text out = { 0 };
    value_write(value, &out);
    return pool_take(pool, &out);
}

struct yaml_node *value_to_yaml(struct arena *pool, const struct value *value)
{
    struct yaml_node *node = new_node(pool, value);
    if (value->kind != VALUE_LIST && value->kind != VALUE_MAP) {
        struct text out = { 0 };
        if (value->kind != VALUE_NULL) {
            struct value plain = *value;
            plain.is_secret = false; /* the reader of the node needs the value itself */
            value_write(&plain, &out);
        }
        node->kind = YAML_SCALAR;
        node->is_quoted = value->kind == VALUE_TEXT;
        node->text = pool_take(pool, &out);
        return node;
    }
    node->kind = value->kind == VALUE_LIST ? YAML_LIST : YAML_MAP;
    node->count = value->count;
    struct yaml_node **end = &node->first;
    for (const struct value *at = value->first; at != NULL; at = at->next) {
        *end = value_to_yaml(pool, at);
        end = &(*end)->next;
    }
    return node;
}
