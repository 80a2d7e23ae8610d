#include "runtime/config_value.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define QUOTE_MAX_CHARS 40u

struct amt_diag *config_report(struct config_reader *reader, enum amt_err err, uint32_t line,
                               uint32_t column)
{
    reader->has_failed = true;
    return amt_diag_list_add(reader->errors, err, reader->path, line, column);
}

const char *config_kind_name(enum yaml_kind kind)
{
    switch (kind) {
    case YAML_SCALAR:
        return "a text";
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    }
    return "something else";
}

void config_quote(struct text *out, const char *word)
{
    size_t len = strlen(word);
    size_t shown = len > QUOTE_MAX_CHARS ? QUOTE_MAX_CHARS : len;
    /* not in the middle of a UTF-8 character */
    while (shown < len && shown > 0 && ((uint8_t)word[shown] & 0xc0) == 0x80) {
        shown -= 1;
    }
    text_json(out, word, shown);
    if (shown < len) {
        text_puts(out, "...");
    }
}

static void write_names(const char *const *names, struct text *out)
{
    for (uint32_t i = 0; names[i] != NULL; i++) {
        bool is_last = names[i + 1] == NULL;
        text_printf(out, "%s%s", i == 0 ? "" : is_last ? " or " : ", ", names[i]);
    }
}

static void write_bound(const struct config_key *key, uint64_t bound, struct text *out)
{
    if (key->type == CONFIG_DURATION) {
        char text[24];
        text_format_duration(bound, text);
        text_puts(out, text);
    } else if (key->type == CONFIG_SIZE && bound >= 1024 && bound % 1024 == 0) {
        bool is_mib = bound % ((uint64_t)1024 * 1024) == 0;
        text_printf(out, "%llu%s", (unsigned long long)(bound / (is_mib ? 1024u * 1024u : 1024u)),
                    is_mib ? "MiB" : "KiB");
    } else {
        text_printf(out, "%llu", (unsigned long long)bound);
    }
}

/* What the key takes, in words. */
static void write_wanted(const struct config_key *key, struct text *out)
{
    switch (key->type) {
    case CONFIG_BOOL:
        text_puts(out, "true or false");
        break;
    case CONFIG_U32:
        text_puts(out, "a whole number, decimal or 0x...");
        break;
    case CONFIG_TEXT:
        text_puts(out, "a text");
        break;
    case CONFIG_DURATION:
        text_puts(out, "a duration with its unit (us, ms, s, m, h, d), such as 250ms or 90s");
        break;
    case CONFIG_SIZE:
        text_puts(out, "a size (B, KiB, MiB, GiB), such as 512B or 64KiB");
        break;
    case CONFIG_ENUM:
        write_names(key->names, out);
        break;
    case CONFIG_TEXTS:
        text_puts(out, "a list of texts, or one text");
        break;
    case CONFIG_NUMBERS:
        text_puts(out, "a list of whole numbers, or one of them");
        break;
    case CONFIG_MAP:
        text_puts(out, "a map: lines of \"key: value\"");
        break;
    case CONFIG_NODE:
        text_puts(out, "any value");
        break;
    }
    if (key->min != 0 || key->max != 0) {
        text_puts(out, ", from ");
        write_bound(key, key->min, out);
        text_puts(out, " to ");
        write_bound(key, key->max, out);
    } else if (key->type == CONFIG_U32 || key->type == CONFIG_SIZE) {
        text_printf(out, ", up to %u", UINT32_MAX);
    }
}

/* The values of texts are never shown: they may be secrets. */
void config_report_type(struct config_reader *reader, const struct config_key *key,
                        const char *name, const struct yaml_node *node)
{
    struct amt_diag *diag = config_report(reader, AMT_ECONFIG, node->line, node->column);
    struct text found = { 0 };
    bool is_shown = node->kind == YAML_SCALAR && key->type != CONFIG_TEXT &&
                    key->type != CONFIG_TEXTS && key->type != CONFIG_MAP;
    if (node->kind == YAML_SCALAR && node->text[0] == '\0') {
        text_puts(&found, "nothing");
    } else if (is_shown) {
        config_quote(&found, node->text);
    } else {
        text_puts(&found, config_kind_name(node->kind));
    }
    struct text wanted = { 0 };
    write_wanted(key, &wanted);
    (void)amt_diag_set(diag, AMT_ECONFIG, "%.80s: found %s", name, text_chars(&found));
    (void)amt_diag_hint(diag, "wanted: %s", text_chars(&wanted));
    text_fini(&found);
    text_fini(&wanted);
}

static void report_no_memory(struct config_reader *reader, const struct yaml_node *node)
{
    (void)amt_diag_set(config_report(reader, AMT_ENOMEM, node->line, node->column), AMT_ENOMEM,
                       "out of memory");
}

static bool is_absent(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->text[0] == '\0' && !node->is_quoted;
}

static bool is_in_bounds(const struct config_key *key, uint64_t value)
{
    return (key->min == 0 && key->max == 0) || (value >= key->min && value <= key->max);
}

static enum amt_err parse_number(const struct config_key *key, const char *text, uint64_t *value)
{
    switch (key->type) {
    case CONFIG_DURATION:
        TRY(text_parse_duration(text, value));
        break;
    case CONFIG_SIZE:
        TRY(text_parse_size(text, value));
        break;
    case CONFIG_BOOL:
    case CONFIG_U32:
    case CONFIG_TEXT:
    case CONFIG_ENUM:
    case CONFIG_TEXTS:
    case CONFIG_NUMBERS:
    case CONFIG_MAP:
    case CONFIG_NODE:
        TRY(text_parse_u64(text, UINT32_MAX, value));
        break;
    }
    bool fits = key->type == CONFIG_DURATION || *value <= UINT32_MAX;
    return fits && is_in_bounds(key, *value) ? AMT_OK : AMT_ETOOBIG;
}

static void read_number(struct config_reader *reader, const struct config_key *key,
                        const char *name, const struct yaml_node *node, void *member)
{
    uint64_t value = 0;
    if (node->kind != YAML_SCALAR || parse_number(key, node->text, &value) != AMT_OK) {
        config_report_type(reader, key, name, node);
    } else if (key->type == CONFIG_DURATION) {
        *(uint64_t *)member = value;
    } else {
        *(uint32_t *)member = (uint32_t)value;
    }
}

static void read_bool(struct config_reader *reader, const struct config_key *key, const char *name,
                      const struct yaml_node *node, bool *member)
{
    bool is_true = node->kind == YAML_SCALAR && strcmp(node->text, "true") == 0;
    bool is_false = node->kind == YAML_SCALAR && strcmp(node->text, "false") == 0;
    if (is_true || is_false) {
        *member = is_true;
    } else {
        config_report_type(reader, key, name, node);
    }
}

static void read_enum(struct config_reader *reader, const struct config_key *key, const char *name,
                      const struct yaml_node *node, int *member)
{
    for (int i = 0; node->kind == YAML_SCALAR && key->names[i] != NULL; i++) {
        if (strcmp(node->text, key->names[i]) == 0) {
            *member = i;
            return;
        }
    }
    config_report_type(reader, key, name, node);
}

static void read_text(struct config_reader *reader, const struct config_key *key, const char *name,
                      const struct yaml_node *node, char **member)
{
    if (node->kind != YAML_SCALAR || is_absent(node)) {
        config_report_type(reader, key, name, node);
        return;
    }
    char *copy = amt_strdup(node->text);
    if (copy == NULL) {
        report_no_memory(reader, node);
        return;
    }
    amt_free(*member);
    *member = copy;
}

/* The items of a list, or a lone text as its only item. */
static const struct yaml_node *first_item(const struct yaml_node *node, uint32_t *count)
{
    bool is_list = node->kind == YAML_LIST;
    *count = is_list ? node->count : 1;
    return is_list ? node->first : node;
}

static void read_texts(struct config_reader *reader, const struct config_key *key, const char *name,
                       const struct yaml_node *node, struct config_texts *member)
{
    struct config_texts texts = { 0 };
    uint32_t wanted = 0;
    const struct yaml_node *item = first_item(node, &wanted);
    texts.items = amt_alloc_array((size_t)wanted + 1, sizeof(char *));
    if (texts.items == NULL) {
        report_no_memory(reader, node);
        return;
    }
    for (uint32_t i = 0; i < wanted; i++, item = item->next) {
        const uint32_t before = texts.count;
        if (item->kind != YAML_SCALAR || is_absent(item)) {
            config_report_type(reader, key, name, item);
        } else {
            read_text(reader, key, name, item, &texts.items[before]);
            texts.count += texts.items[before] != NULL ? 1 : 0;
        }
    }
    if (texts.count == wanted) {
        config_release(key, member);
        *member = texts;
    } else {
        config_release(key, &texts);
    }
}

static void read_numbers(struct config_reader *reader, const struct config_key *key,
                         const char *name, const struct yaml_node *node,
                         struct config_numbers *member)
{
    struct config_numbers numbers = { 0 };
    uint32_t wanted = 0;
    const struct yaml_node *item = first_item(node, &wanted);
    numbers.items = amt_alloc_array((size_t)wanted + 1, sizeof(uint32_t));
    if (numbers.items == NULL) {
        report_no_memory(reader, node);
        return;
    }
    for (uint32_t i = 0; i < wanted; i++, item = item->next) {
        uint64_t value = 0;
        if (item->kind != YAML_SCALAR || parse_number(key, item->text, &value) != AMT_OK) {
            config_report_type(reader, key, name, item);
        } else {
            numbers.items[numbers.count++] = (uint32_t)value;
        }
    }
    if (numbers.count == wanted) {
        config_release(key, member);
        *member = numbers;
    } else {
        config_release(key, &numbers);
    }
}

void config_read_value(struct config_reader *reader, const struct config_key *key, const char *name,
                       const struct yaml_node *node, void *member)
{
    switch (key->type) {
    case CONFIG_BOOL:
        read_bool(reader, key, name, node, member);
        return;
    case CONFIG_U32:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        read_number(reader, key, name, node, member);
        return;
    case CONFIG_TEXT:
        read_text(reader, key, name, node, member);
        return;
    case CONFIG_ENUM:
        read_enum(reader, key, name, node, member);
        return;
    case CONFIG_TEXTS:
        read_texts(reader, key, name, node, member);
        return;
    case CONFIG_NUMBERS:
        read_numbers(reader, key, name, node, member);
        return;
    case CONFIG_NODE:
        *(const struct yaml_node **)member = node;
        return;
    case CONFIG_MAP:
        return;
    }
}

void config_read_text(struct config_reader *reader, const struct config_key *key, const char *name,
                      const char *text, void *member)
{
    size_t len = strlen(text);
    bool may_be_list = key->type == CONFIG_TEXTS || key->type == CONFIG_NUMBERS;
    /* "[::1]:4433" is an address */
    bool is_list = may_be_list && text[0] == '[' && text[len - 1] == ']';
    if (!is_list) {
        const struct yaml_node node = { .kind = YAML_SCALAR, .is_quoted = true, .text = text };
        config_read_value(reader, key, name, &node, member);
        return;
    }
    struct amt_diag_list errors = { 0 };
    struct yaml_document *document = yaml_load_text(text, "", &errors);
    if (document == NULL) {
        (void)amt_diag_set(config_report(reader, AMT_ECONFIG, 0, 0), AMT_ECONFIG,
                           "%.80s: the list cannot be read: %s", name,
                           errors.count > 0 ? errors.items[0].text : "out of memory");
    } else {
        config_read_value(reader, key, name, yaml_root(document), member);
        yaml_free(document);
    }
    amt_diag_list_fini(&errors);
}

static size_t member_bytes(enum config_type type)
{
    switch (type) {
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_U32:
    case CONFIG_SIZE:
        return sizeof(uint32_t);
    case CONFIG_TEXT:
        return sizeof(char *);
    case CONFIG_DURATION:
        return sizeof(uint64_t);
    case CONFIG_ENUM:
        return sizeof(int);
    case CONFIG_TEXTS:
        return sizeof(struct config_texts);
    case CONFIG_NUMBERS:
        return sizeof(struct config_numbers);
    case CONFIG_NODE:
        return sizeof(const struct yaml_node *);
    case CONFIG_MAP:
        return 0;
    }
    return 0;
}

void config_clear(const struct config_key *key, void *member)
{
    memset(member, 0, member_bytes(key->type));
}

void config_release(const struct config_key *key, void *member)
{
    if (key->type == CONFIG_TEXT) {
        char *text = *(char **)member;
        amt_free(text);
    } else if (key->type == CONFIG_TEXTS) {
        struct config_texts *texts = member;
        for (uint32_t i = 0; i < texts->count; i++) {
            amt_free(texts->items[i]);
        }
        amt_free(texts->items);
    } else if (key->type == CONFIG_NUMBERS) {
        amt_free(((struct config_numbers *)member)->items);
    }
    config_clear(key, member);
}
