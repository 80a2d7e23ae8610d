#include "scenarios/engine/grammar.h"

#include <string.h>
#include <strings.h>

#include "scenarios/engine/quantity.h"

#define NAMES_MAX 64u

static const char *const k_type_words[] = {
    "a text",
    "a number",
    "a number from 1",
    "a number from 0 to 1",
    "a rate such as 16KiB/s or 200/m",
    "a size such as 4KiB, or each",
    "true or false",
    "a duration such as 40ms or 90s",
    "a size such as 4KiB",
    "one of the words below",
    "a name of letters, digits and underscores",
    "bytes, such as { hex: \"c0 00\" } (also text, base64, file, zeros, pattern, concat)",
    "a list",
    "a text or a list of texts",
    "a number or a list of numbers",
    "a map",
    "a map of values to be compared",
    "a list of steps",
    "a value"
};

const char *key_type_words(enum key_type type)
{
    return k_type_words[type];
}

const struct key_def *key_find(const struct key_def *keys, const char *name)
{
    for (const struct key_def *key = keys; key->name != NULL; key++) {
        if (strcmp(key->name, name) == 0) {
            return key;
        }
    }
    return NULL;
}

const char *key_nearest(const char *word, const struct key_def *keys)
{
    const char *names[NAMES_MAX + 1];
    uint32_t n = 0;
    for (const struct key_def *key = keys; key->name != NULL && n < NAMES_MAX; key++) {
        names[n++] = key->name;
    }
    names[n] = NULL;
    int nearest = text_nearest(word, names);
    return nearest < 0 ? NULL : names[nearest];
}

struct amt_diag *checker_report(struct checker *checker, const struct yaml_node *node, bool at_key)
{
    checker->has_failed = true;
    bool has_key = at_key && node->key != NULL;
    return amt_diag_list_add(checker->errors, AMT_ECONFIG, checker->path,
                             has_key ? node->key_line : node->line,
                             has_key ? node->key_column : node->column);
}

static void list_names(const struct key_def *keys, struct text *out)
{
    for (const struct key_def *key = keys; key->name != NULL; key++) {
        text_printf(out, "%s%s", key == keys ? "" : " ", key->name);
    }
}

static void unknown_key(struct checker *checker, const struct yaml_node *node,
                        const struct key_def *keys, const char *what)
{
    struct amt_diag *diag = checker_report(checker, node, true);
    amt_diag_set(diag, AMT_ECONFIG, "unknown key '%s' in %s", node->key, what);
    const char *nearest = key_nearest(node->key, keys);
    struct text names = { 0 };
    list_names(keys, &names);
    if (nearest != NULL) {
        amt_diag_hint(diag, "did you mean '%s'? known: %s", nearest, text_chars(&names));
    } else {
        amt_diag_hint(diag, "known: %s", text_chars(&names));
    }
    text_fini(&names);
}

static void wrong_type(struct checker *checker, const struct yaml_node *node,
                       const struct key_def *key)
{
    struct amt_diag *diag = checker_report(checker, node, false);
    if (node->kind == YAML_SCALAR) {
        amt_diag_set(diag, AMT_ECONFIG, "'%s' is '%.60s'; wanted %s", key->name, node->text,
                     key_type_words(key->type));
    } else {
        amt_diag_set(diag, AMT_ECONFIG, "'%s' is %s; wanted %s", key->name,
                     node->kind == YAML_LIST ? "a list" : "a map", key_type_words(key->type));
    }
}

static bool is_name(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return len > 0 && text[len] == '\0' && text[0] >= 'a' && text[0] <= 'z';
}

static bool is_number(const char *text)
{
    uint64_t number = 0;
    return text_parse_u64(text[0] == '-' ? text + 1 : text, INT64_MAX, &number) == AMT_OK;
}

static bool scalar_fits(const struct yaml_node *node, enum key_type type)
{
    uint64_t amount = 0;
    uint32_t ppm = 0;
    switch (type) {
    case KEY_COUNT:
        return text_parse_u64(node->text, UINT32_MAX, &amount) == AMT_OK && amount > 0;
    case KEY_CHANCE:
        return quantity_chance(node->text, &ppm);
    case KEY_RATE:
        return quantity_rate(node->text, &amount);
    case KEY_PIECE:
        return strcmp(node->text, "each") == 0 ||
               (text_parse_size(node->text, &amount) == AMT_OK && amount > 0);
    case KEY_NUMBER:
    case KEY_NUMBERS:
        return is_number(node->text);
    case KEY_BOOL:
        return strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0;
    case KEY_DURATION:
        return text_parse_duration(node->text, &amount) == AMT_OK;
    case KEY_SIZE:
        return text_parse_size(node->text, &amount) == AMT_OK;
    case KEY_NAME:
        return is_name(node->text);
    case KEY_TEXT:
    case KEY_TEXTS:
    case KEY_WORD:
    case KEY_BYTES:
    case KEY_ANY:
        return true;
    case KEY_LIST:
    case KEY_MAP:
    case KEY_MATCHERS:
    case KEY_STEPS:
        break;
    }
    return false;
}

static bool structure_fits(enum yaml_kind kind, enum key_type type)
{
    switch (type) {
    case KEY_ANY:
        return true;
    case KEY_LIST:
    case KEY_TEXTS:
    case KEY_NUMBERS:
    case KEY_STEPS:
        return kind == YAML_LIST;
    case KEY_BYTES:
    case KEY_MAP:
    case KEY_MATCHERS:
        return kind == YAML_MAP;
    case KEY_TEXT:
    case KEY_NUMBER:
    case KEY_COUNT:
    case KEY_CHANCE:
    case KEY_RATE:
    case KEY_PIECE:
    case KEY_BOOL:
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_WORD:
    case KEY_NAME:
        break;
    }
    return false;
}

static void check_word(struct checker *checker, const struct yaml_node *node,
                       const struct key_def *key)
{
    struct text words = { 0 };
    for (uint32_t i = 0; key->words[i] != NULL; i++) {
        if (strcmp(key->words[i], node->text) == 0) {
            text_fini(&words);
            return;
        }
        text_printf(&words, "%s%s", i == 0 ? "" : " ", key->words[i]);
    }
    struct amt_diag *diag = checker_report(checker, node, false);
    amt_diag_set(diag, AMT_ECONFIG, "'%s' cannot be '%.60s'", key->name, node->text);
    int nearest = text_nearest(node->text, key->words);
    if (nearest >= 0) {
        amt_diag_hint(diag, "did you mean '%s'? allowed: %s", key->words[nearest],
                      text_chars(&words));
    } else {
        amt_diag_hint(diag, "allowed: %s", text_chars(&words));
    }
    text_fini(&words);
}

/* `no`, `on` ... mean a boolean to other YAML readers (harness.md 6.1). */
static void warn_boolean_word(struct checker *checker, const struct yaml_node *node,
                              const struct key_def *key)
{
    static const char *const k_words[] = { "yes", "no", "on", "off", "y", "n", NULL };
    for (uint32_t i = 0; !node->is_quoted && k_words[i] != NULL; i++) {
        if (strcasecmp(node->text, k_words[i]) == 0) {
            struct amt_diag *diag = checker_report(checker, node, false);
            amt_diag_set(diag, AMT_ECONFIG, "'%s' is the bare word %s", key->name, node->text);
            amt_diag_hint(diag, "other YAML readers take it for a boolean: write \"%s\" or %s",
                          node->text, i % 2 == 0 ? "true" : "false");
        }
    }
}

void checker_value(struct checker *checker, const struct yaml_node *node, const struct key_def *key)
{
    if (node->kind != YAML_SCALAR) {
        if (!structure_fits(node->kind, key->type)) {
            wrong_type(checker, node, key);
        } else if (key->type == KEY_MAP && key->children != NULL) {
            checker_map(checker, node, key->children, key->name);
        }
        return;
    }
    if (strstr(node->text, "${") != NULL) {
        return;
    }
    if (key->type == KEY_WORD) {
        check_word(checker, node, key);
    } else if (!scalar_fits(node, key->type)) {
        wrong_type(checker, node, key);
    } else if (key->type == KEY_TEXT || key->type == KEY_TEXTS) {
        warn_boolean_word(checker, node, key);
    }
}

void checker_map(struct checker *checker, const struct yaml_node *map, const struct key_def *keys,
                 const char *what)
{
    if (map->kind != YAML_MAP) {
        struct amt_diag *diag = checker_report(checker, map, false);
        amt_diag_set(diag, AMT_ECONFIG, "%s must be a map of keys and values", what);
        return;
    }
    for (const struct yaml_node *at = map->first; at != NULL; at = at->next) {
        const struct key_def *key = key_find(keys, at->key);
        if (key == NULL) {
            unknown_key(checker, at, keys, what);
        } else {
            checker_value(checker, at, key);
        }
    }
    for (const struct key_def *key = keys; key->name != NULL; key++) {
        if (key->is_required && yaml_get(map, key->name) == NULL) {
            struct amt_diag *diag = checker_report(checker, map, false);
            amt_diag_set(diag, AMT_ECONFIG, "%s needs '%s'", what, key->name);
            amt_diag_hint(diag, "%s: %s", key->name, key->doc);
        }
    }
}

static const char *first_error(struct arena *pool, struct amt_diag_list *errors)
{
    const char *text = errors->count == 0 ? NULL : pool_strdup(pool, errors->items[0].text);
    amt_diag_list_fini(errors);
    return text;
}

/* The evaluated value goes the way of a literal one. `null` stands for an absent key. */
static void check_evaluated(struct checker *checker, struct arena *pool, const struct key_def *key,
                            const struct value *value)
{
    if (value->kind != VALUE_NULL) {
        checker_value(checker, value_to_yaml(pool, value), key);
    }
}

const char *key_value_misfit(struct arena *pool, const struct key_def *key,
                             const struct value *value)
{
    struct amt_diag_list errors = { 0 };
    struct checker checker = { .path = "", .errors = &errors };
    check_evaluated(&checker, pool, key, value);
    return first_error(pool, &errors);
}

const char *key_values_misfit(struct arena *pool, const struct key_def *keys,
                              const struct value *map)
{
    struct amt_diag_list errors = { 0 };
    struct checker checker = { .path = "", .errors = &errors };
    for (const struct value *at = map->first; at != NULL; at = at->next) {
        const struct key_def *key = key_find(keys, at->key);
        if (key != NULL) {
            check_evaluated(&checker, pool, key, at);
        }
    }
    return first_error(pool, &errors);
}
