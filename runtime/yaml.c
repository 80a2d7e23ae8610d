/* libyaml's events become a tree in an arena. All findings that do not stop the parser are collected. */
#include "runtime/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/memory.h"
#include "runtime/yaml_file.h"

#define ANCHORS_MAX 1000u /* they are searched one after the other */

struct yaml_document {
    struct arena arena;
    char *path;
    char *text;
    struct yaml_node *root;
};

struct anchor {
    const char *name;
    const struct yaml_node *node;
    bool is_open; /* its list or map has not ended: an alias to it would contain itself */
    struct anchor *next;
};

struct open_node {
    struct yaml_node *node;
    struct yaml_node *last; /* child */
    struct anchor *anchor;
    /* map: the key whose value comes next */
    const char *key;
    uint32_t key_line, key_column;
};

struct loader {
    struct yaml_document *document;
    struct amt_diag_list *errors;
    struct anchor *anchors;
    struct open_node open[YAML_DEPTH_MAX];
    uint32_t depth;
    uint32_t node_count;
    uint32_t anchor_count;
    uint32_t document_count;
    bool has_errors;
    bool must_stop;
};

static struct amt_diag *add_error(struct loader *loader, enum amt_err err, yaml_mark_t mark)
{
    loader->has_errors = true;
    return amt_diag_list_add(loader->errors, err, loader->document->path, (uint32_t)mark.line + 1,
                             (uint32_t)mark.column + 1);
}

static void *no_memory(struct loader *loader, yaml_mark_t mark)
{
    (void)amt_diag_set(add_error(loader, AMT_ENOMEM, mark), AMT_ENOMEM,
                       "out of memory while reading this file");
    loader->must_stop = true;
    return NULL;
}

/* A node that counts against the cap; NULL (and must_stop) when it is one too many. */
static struct yaml_node *new_node(struct loader *loader, enum yaml_kind kind, yaml_mark_t mark)
{
    if (loader->node_count >= YAML_NODES_MAX) {
        struct amt_diag *diag = add_error(loader, AMT_ELIMIT, mark);
        (void)amt_diag_set(diag, AMT_ELIMIT, "more than %u values, aliases counted as expanded",
                           YAML_NODES_MAX);
        (void)amt_diag_hint(diag, "split the file, or use fewer aliases");
        loader->must_stop = true;
        return NULL;
    }
    struct yaml_node *node = arena_alloc(&loader->document->arena, sizeof *node);
    if (node == NULL) {
        return no_memory(loader, mark);
    }
    loader->node_count += 1;
    node->kind = kind;
    node->line = (uint32_t)mark.line + 1;
    node->column = (uint32_t)mark.column + 1;
    return node;
}

static void refuse_tag(struct loader *loader, const yaml_char_t *tag, yaml_mark_t mark)
{
    if (tag != NULL) {
        struct amt_diag *diag = add_error(loader, AMT_ECONFIG, mark);
        (void)amt_diag_set(diag, AMT_ECONFIG, "the tag %.60s is not allowed", (const char *)tag);
        (void)amt_diag_hint(diag, "leave it out: the key says what type its value has");
    }
}

/* Puts a finished or opened node where it belongs: under the innermost open node, or as the root. */
static void attach(struct loader *loader, struct yaml_node *node)
{
    if (loader->depth == 0) {
        loader->document->root = node;
        return;
    }
    struct open_node *parent = &loader->open[loader->depth - 1];
    if (parent->node->kind == YAML_MAP) {
        node->key = parent->key;
        node->key_line = parent->key_line;
        node->key_column = parent->key_column;
        parent->key = NULL;
    }
    if (parent->last == NULL) {
        parent->node->first = node;
    } else {
        parent->last->next = node;
    }
    parent->last = node;
    parent->node->count += 1;
}

static bool wants_key(const struct loader *loader)
{
    if (loader->depth == 0) {
        return false;
    }
    const struct open_node *parent = &loader->open[loader->depth - 1];
    return parent->node->kind == YAML_MAP && parent->key == NULL;
}

static struct anchor *add_anchor(struct loader *loader, const yaml_char_t *name,
                                 const struct yaml_node *node, yaml_mark_t mark)
{
    if (name == NULL) {
        return NULL;
    }
    if (loader->anchor_count >= ANCHORS_MAX) {
        (void)amt_diag_set(add_error(loader, AMT_ELIMIT, mark), AMT_ELIMIT, "more than %u anchors",
                           ANCHORS_MAX);
        loader->must_stop = true;
        return NULL;
    }
    loader->anchor_count += 1;
    struct anchor *anchor = arena_alloc(&loader->document->arena, sizeof *anchor);
    char *copy =
        arena_text(&loader->document->arena, (const char *)name, strlen((const char *)name));
    if (anchor == NULL || copy == NULL) {
        return no_memory(loader, mark);
    }
    anchor->name = copy;
    anchor->node = node;
    anchor->next = loader->anchors; /* the newest wins, as YAML says */
    loader->anchors = anchor;
    return anchor;
}

static const char *scalar_text(struct loader *loader, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (memchr(value, 0, len) != NULL) {
        (void)amt_diag_set(add_error(loader, AMT_ECONFIG, event->start_mark), AMT_ECONFIG,
                           "a text may not contain the character \\0");
        return "";
    }
    const char *copy = arena_text(&loader->document->arena, value, len);
    return copy == NULL ? no_memory(loader, event->start_mark) : copy;
}

static void on_key(struct loader *loader, const yaml_event_t *event)
{
    struct open_node *parent = &loader->open[loader->depth - 1];
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const char *text = scalar_text(loader, event);
    if (text == NULL) {
        return;
    }
    if (is_plain && strcmp(text, "<<") == 0) {
        struct amt_diag *diag = add_error(loader, AMT_ECONFIG, event->start_mark);
        (void)amt_diag_set(diag, AMT_ECONFIG, "merge keys (<<) are not allowed");
        (void)amt_diag_hint(diag, "write the keys out, or use an alias for the whole value");
    }
    parent->key = text;
    parent->key_line = (uint32_t)event->start_mark.line + 1;
    parent->key_column = (uint32_t)event->start_mark.column + 1;
}

static void on_scalar(struct loader *loader, const yaml_event_t *event)
{
    refuse_tag(loader, event->data.scalar.tag, event->start_mark);
    if (wants_key(loader)) {
        if (event->data.scalar.anchor != NULL) {
            (void)amt_diag_set(add_error(loader, AMT_ECONFIG, event->start_mark), AMT_ECONFIG,
                               "a key may not have an anchor");
        }
        on_key(loader, event);
        return;
    }
    struct yaml_node *node = new_node(loader, YAML_SCALAR, event->start_mark);
    if (node == NULL) {
        return;
    }
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = scalar_text(loader, event);
    (void)add_anchor(loader, event->data.scalar.anchor, node, event->start_mark);
    attach(loader, node);
}

static void refuse_key(struct loader *loader, yaml_mark_t mark)
{
    struct amt_diag *diag = add_error(loader, AMT_ECONFIG, mark);
    (void)amt_diag_set(diag, AMT_ECONFIG, "a key must be a text, not a list, map or alias");
    loader->must_stop = true; /* what follows would be taken for keys and values in turn */
}

static void on_open(struct loader *loader, enum yaml_kind kind, const yaml_char_t *tag,
                    const yaml_char_t *anchor, yaml_mark_t mark)
{
    refuse_tag(loader, tag, mark);
    if (wants_key(loader)) {
        refuse_key(loader, mark);
        return;
    }
    if (loader->depth >= YAML_DEPTH_MAX) {
        (void)amt_diag_set(add_error(loader, AMT_ELIMIT, mark), AMT_ELIMIT,
                           "lists and maps are nested deeper than %u", YAML_DEPTH_MAX);
        loader->must_stop = true;
        return;
    }
    struct yaml_node *node = new_node(loader, kind, mark);
    if (node == NULL) {
        return;
    }
    struct anchor *added = add_anchor(loader, anchor, node, mark);
    attach(loader, node);
    if (added != NULL) {
        added->is_open = true;
    }
    loader->open[loader->depth] = (struct open_node){ .node = node, .anchor = added };
    loader->depth += 1;
}

static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *left = *(const struct yaml_node *const *)a;
    const struct yaml_node *right = *(const struct yaml_node *const *)b;
    int order = strcmp(left->key, right->key);
    if (order == 0 && left->key_line != right->key_line) {
        order = left->key_line < right->key_line ? -1 : 1;
    } else if (order == 0) {
        order = left->key_column < right->key_column ? -1 : 1;
    }
    return order;
}

static void report_duplicate(struct loader *loader, const struct yaml_node *first,
                             const struct yaml_node *again)
{
    yaml_mark_t mark = { .line = again->key_line - 1, .column = again->key_column - 1 };
    struct amt_diag *diag = add_error(loader, AMT_ECONFIG, mark);
    (void)amt_diag_set(diag, AMT_ECONFIG, "the key \"%.60s\" is there twice", again->key);
    (void)amt_diag_hint(diag, "first in line %u, column %u: keep one of the two", first->key_line,
                        first->key_column);
}

/* By sorting, so that a hostile map of many keys costs no quadratic time. */
static void find_duplicate_keys(struct loader *loader, const struct yaml_node *map,
                                yaml_mark_t mark)
{
    if (map->count < 2) {
        return;
    }
    const struct yaml_node **sorted = amt_alloc_array(map->count, sizeof(struct yaml_node *));
    if (sorted == NULL) {
        (void)no_memory(loader, mark);
        return;
    }
    uint32_t count = 0;
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        sorted[count++] = node;
    }
    qsort(sorted, count, sizeof(struct yaml_node *), compare_keys);
    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0) {
            report_duplicate(loader, sorted[i - 1], sorted[i]);
        }
    }
    amt_free(sorted);
}

static void on_close(struct loader *loader, yaml_mark_t mark)
{
    loader->depth -= 1;
    struct open_node *closed = &loader->open[loader->depth];
    if (closed->anchor != NULL) {
        closed->anchor->is_open = false;
    }
    if (closed->node->kind == YAML_MAP) {
        find_duplicate_keys(loader, closed->node, mark);
    }
}

/* Copies a tree; depth counts from the root of the document and is capped like that of the file. */
static struct yaml_node *copy_tree(struct loader *loader, const struct yaml_node *from,
                                   uint32_t depth, yaml_mark_t mark)
{
    if (depth + (from->kind == YAML_SCALAR ? 0 : 1) > YAML_DEPTH_MAX) {
        (void)amt_diag_set(add_error(loader, AMT_ELIMIT, mark), AMT_ELIMIT,
                           "this alias nests lists and maps deeper than %u", YAML_DEPTH_MAX);
        loader->must_stop = true;
        return NULL;
    }
    struct yaml_node *node = new_node(loader, from->kind, mark);
    if (node == NULL) {
        return NULL;
    }
    *node = *from;
    node->next = NULL;
    node->key = depth == loader->depth ? NULL : from->key; /* the top gets its key from attach */
    struct yaml_node **end = &node->first;
    *end = NULL;
    for (const struct yaml_node *child = from->first; child != NULL; child = child->next) {
        *end = copy_tree(loader, child, depth + 1, mark);
        if (*end == NULL) {
            return NULL;
        }
        end = &(*end)->next;
    }
    return node;
}

static void on_alias(struct loader *loader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    if (wants_key(loader)) {
        refuse_key(loader, event->start_mark);
        return;
    }
    const struct anchor *anchor = loader->anchors;
    while (anchor != NULL && strcmp(anchor->name, name) != 0) {
        anchor = anchor->next;
    }
    if (anchor == NULL || anchor->is_open) {
        struct amt_diag *diag = add_error(loader, AMT_ECONFIG, event->start_mark);
        (void)amt_diag_set(diag, AMT_ECONFIG,
                           anchor == NULL ? "the alias *%.60s has no anchor &%.60s before it"
                                          : "the alias *%.60s stands inside its own anchor &%.60s",
                           name, name);
        loader->must_stop = true;
        return;
    }
    struct yaml_node *node = copy_tree(loader, anchor->node, loader->depth, event->start_mark);
    if (node != NULL) {
        node->line = (uint32_t)event->start_mark.line + 1;
        node->column = (uint32_t)event->start_mark.column + 1;
        attach(loader, node);
    }
}

static void on_document(struct loader *loader, yaml_mark_t mark)
{
    loader->document_count += 1;
    if (loader->document_count > 1) {
        struct amt_diag *diag = add_error(loader, AMT_ECONFIG, mark);
        (void)amt_diag_set(diag, AMT_ECONFIG, "a second document begins here; one file holds one");
        (void)amt_diag_hint(diag, "put it in a file of its own");
        loader->must_stop = true;
    }
}

static void on_event(struct loader *loader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        on_document(loader, event->start_mark);
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(loader, event);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(loader, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_open(loader, YAML_LIST, event->data.sequence_start.tag,
                event->data.sequence_start.anchor, event->start_mark);
        break;
    case YAML_MAPPING_START_EVENT:
        on_open(loader, YAML_MAP, event->data.mapping_start.tag, event->data.mapping_start.anchor,
                event->start_mark);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(loader, event->start_mark);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

static const char *syntax_hint(const char *text, const yaml_parser_t *parser)
{
    size_t index = parser->problem_mark.index;
    char found = '\0';
    if (index < strlen(text)) {
        found = text[index];
    }
    if (found == '\t') {
        return "a tab is not allowed here: indent with spaces";
    }
    if (found == '@' || found == '`' || found == '%') {
        return "a text that begins with this character needs quotes";
    }
    if (parser->problem != NULL && strstr(parser->problem, "mapping values") != NULL) {
        return "a text that contains \": \" needs quotes";
    }
    return "check the indentation and the quotes of this line and the one before";
}

static void on_syntax_error(struct loader *loader, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        (void)no_memory(loader, parser->mark);
        return;
    }
    bool is_reader = parser->error == YAML_READER_ERROR;
    struct amt_diag *diag =
        add_error(loader, AMT_ECONFIG, is_reader ? parser->mark : parser->problem_mark);
    const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;
    if (is_reader) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "not readable as UTF-8 text: %s (byte %zu)", problem,
                           parser->problem_offset);
        return;
    }
    if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "YAML: %s (%s that began in line %zu)", problem,
                           parser->context, parser->context_mark.line + 1);
    } else {
        (void)amt_diag_set(diag, AMT_ECONFIG, "YAML: %s", problem);
    }
    (void)amt_diag_hint(diag, "%s", syntax_hint(loader->document->text, parser));
}

static void run_parser(struct loader *loader, yaml_parser_t *parser)
{
    bool is_done = false;
    while (!is_done && !loader->must_stop) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            on_syntax_error(loader, parser);
            return;
        }
        on_event(loader, &event);
        is_done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
}

static int compare_places(const void *a, const void *b)
{
    const struct amt_diag *left = a;
    const struct amt_diag *right = b;
    if (left->line != right->line) {
        return left->line < right->line ? -1 : 1;
    }
    return left->column == right->column ? 0 : left->column < right->column ? -1 : 1;
}

static void parse(struct loader *loader)
{
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        (void)no_memory(loader, (yaml_mark_t){ 0 });
        return;
    }
    const char *text = loader->document->text;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    run_parser(loader, &parser);
    yaml_parser_delete(&parser);
    if (!loader->has_errors && loader->document->root == NULL) {
        (void)amt_diag_set(add_error(loader, AMT_ECONFIG, (yaml_mark_t){ 0 }), AMT_ECONFIG,
                           "the file is empty");
    }
}

/* Takes text, which may be NULL without memory. */
static struct yaml_document *load(char *text, const char *name, struct amt_diag_list *errors)
{
    struct yaml_document *document = amt_alloc(sizeof *document);
    struct loader *loader = amt_alloc(sizeof *loader);
    char *path = amt_strdup(name);
    if (document == NULL || loader == NULL || path == NULL || text == NULL) {
        (void)amt_diag_set(amt_diag_list_add(errors, AMT_ENOMEM, name, 0, 0), AMT_ENOMEM,
                           "out of memory while reading this file");
        amt_free(document);
        amt_free(loader);
        amt_free(path);
        amt_free(text);
        return NULL;
    }
    document->path = path;
    document->text = text;
    loader->document = document;
    loader->errors = errors;
    uint32_t errors_before = errors == NULL ? 0 : errors->count;
    parse(loader);
    if (errors != NULL && errors->count > errors_before) {
        qsort(errors->items + errors_before, errors->count - errors_before, sizeof *errors->items,
              compare_places);
    }
    if (loader->has_errors) {
        yaml_free(document);
        document = NULL;
    }
    amt_free(loader);
    return document;
}

struct yaml_document *yaml_load_text(const char *text, const char *name,
                                     struct amt_diag_list *errors)
{
    if (strlen(text) > YAML_FILE_MAX_BYTES) {
        (void)amt_diag_set(amt_diag_list_add(errors, AMT_ELIMIT, name, 0, 0), AMT_ELIMIT,
                           "larger than %u bytes", YAML_FILE_MAX_BYTES);
        return NULL;
    }
    return load(amt_strdup(text), name, errors);
}

struct yaml_document *yaml_load_file(const char *path, struct amt_diag_list *errors)
{
    char *text = yaml_read_file(path, errors);
    return text == NULL ? NULL : load(text, path, errors);
}

void yaml_free(struct yaml_document *document)
{
    if (document == NULL) {
        return;
    }
    arena_fini(&document->arena);
    amt_free(document->path);
    amt_free(document->text);
    amt_free(document);
}

const struct yaml_node *yaml_root(const struct yaml_document *document)
{
    return document->root;
}

const char *yaml_path(const struct yaml_document *document)
{
    return document->path;
}

char *yaml_source_line(const struct yaml_document *document, uint32_t line)
{
    const char *at = document->text;
    for (uint32_t i = 1; i < line && at != NULL; i++) {
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    if (line == 0 || at == NULL || *at == '\0') {
        return NULL;
    }
    size_t len = strcspn(at, "\r\n");
    char *copy = amt_alloc(len + 1);
    if (copy != NULL) {
        memcpy(copy, at, len);
    }
    return copy;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAP) {
        return NULL;
    }
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        if (strcmp(node->key, key) == 0) {
            return node;
        }
    }
    return NULL;
}
