#include "protocol/wsman/xml.h"

#include <expat.h>
#include <string.h>

#include "base/text.h"

/* Namespace and local name come from expat as one text with this between them: no URI has it. */
#define SEPARATOR '\n'

struct level {
    struct xml_node *node;
    struct xml_node **next; /* where the next child is hung in */
    struct text text;       /* character data so far */
};

struct parse {
    XML_Parser parser;
    struct arena *arena;
    struct xml_node *root;
    struct level levels[XML_DEPTH_MAX];
    uint32_t depth, nodes;
    enum amt_err err;
    const char *reason;
};

static void stop(struct parse *p, enum amt_err err, const char *reason)
{
    if (p->err == AMT_OK) {
        p->err = err;
        p->reason = reason;
        (void)XML_StopParser(p->parser, XML_FALSE);
    }
}

static bool split_name(struct parse *p, const char *full, const char **ns, const char **name)
{
    const char *at = strchr(full, SEPARATOR);
    *ns = at == NULL ? "" : arena_text(p->arena, full, (size_t)(at - full));
    const char *local = at == NULL ? full : at + 1;
    *name = arena_text(p->arena, local, strlen(local));
    return *ns != NULL && *name != NULL;
}

static const struct xml_attribute *read_attributes(struct parse *p, const char **attributes)
{
    struct xml_attribute *first = NULL;
    struct xml_attribute **last = &first;
    uint32_t count = 0;
    for (; attributes[0] != NULL; attributes += 2) {
        struct xml_attribute *attribute = arena_alloc(p->arena, sizeof *attribute);
        if (attribute == NULL || !split_name(p, attributes[0], &attribute->ns, &attribute->name)) {
            stop(p, AMT_ENOMEM, "out of memory");
            return NULL;
        }
        attribute->value = arena_text(p->arena, attributes[1], strlen(attributes[1]));
        count += 1;
        if (attribute->value == NULL || count > XML_ATTRIBUTES_MAX) {
            stop(p, AMT_ELIMIT, "too many attributes");
            return NULL;
        }
        *last = attribute;
        last = (struct xml_attribute **)&attribute->next;
    }
    return first;
}

static void XMLCALL on_start(void *ctx, const char *full, const char **attributes)
{
    struct parse *p = ctx;
    if (p->err != AMT_OK) {
        return;
    }
    struct xml_node *node = arena_alloc(p->arena, sizeof *node);
    p->nodes += 1;
    if (node == NULL || !split_name(p, full, &node->ns, &node->name)) {
        stop(p, AMT_ENOMEM, "out of memory");
        return;
    }
    if (p->depth == XML_DEPTH_MAX || p->nodes > XML_NODES_MAX) {
        stop(p, AMT_ELIMIT,
             p->depth == XML_DEPTH_MAX ? "elements are nested too deep" : "too many elements");
        return;
    }
    node->text = "";
    node->attributes = read_attributes(p, attributes);
    if (p->depth == 0) {
        p->root = node;
    } else {
        struct level *parent = &p->levels[p->depth - 1];
        *parent->next = node;
        parent->next = &node->next;
    }
    p->levels[p->depth++] = (struct level){ .node = node, .next = &node->first };
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Character data without the white space around it. */
static const char *trimmed(struct parse *p, const struct text *text)
{
    size_t from = 0;
    size_t to = text->len;
    while (from < to && is_space(text->chars[from])) {
        from += 1;
    }
    while (to > from && is_space(text->chars[to - 1])) {
        to -= 1;
    }
    return from == to ? "" : arena_text(p->arena, text->chars + from, to - from);
}

static void XMLCALL on_stop(void *ctx, const char *full)
{
    struct parse *p = ctx;
    (void)full;
    if (p->err != AMT_OK || p->depth == 0) {
        return;
    }
    struct level *level = &p->levels[--p->depth];
    const char *text = level->text.failed ? NULL : trimmed(p, &level->text);
    text_fini(&level->text);
    if (text == NULL) {
        stop(p, AMT_ENOMEM, "out of memory");
    } else {
        level->node->text = text;
    }
}

static void XMLCALL on_text(void *ctx, const char *chars, int len)
{
    struct parse *p = ctx;
    if (p->err == AMT_OK && p->depth > 0) {
        text_append(&p->levels[p->depth - 1].text, chars, (size_t)len);
    }
}

/* No document type: entities have no place in an envelope, and are how parsers are attacked. */
static void XMLCALL on_doctype(void *ctx, const char *name, const char *system_id,
                               const char *public_id, int has_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_subset;
    stop(ctx, AMT_ELIMIT, "a document type is not allowed");
}

static enum amt_err report(const struct parse *p, struct amt_diag *diag)
{
    enum amt_err err = p->err == AMT_OK ? AMT_EMALFORMED : p->err;
    const char *reason =
        p->reason == NULL ? XML_ErrorString(XML_GetErrorCode(p->parser)) : p->reason;
    (void)amt_diag_set(diag, err, "XML: %s", reason);
    amt_diag_at(diag, "", (uint32_t)XML_GetCurrentLineNumber(p->parser),
                (uint32_t)XML_GetCurrentColumnNumber(p->parser) + 1);
    return err;
}

struct xml_node *xml_parse(struct arena *arena, const void *bytes, size_t len,
                           struct amt_diag *diag)
{
    struct parse p = { .arena = arena, .err = AMT_OK };
    if (len > INT32_MAX) {
        (void)amt_diag_set(diag, AMT_ELIMIT, "XML: longer than 2 GiB");
        return NULL;
    }
    p.parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
    if (p.parser == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "XML: out of memory");
        return NULL;
    }
    XML_SetUserData(p.parser, &p);
    XML_SetElementHandler(p.parser, on_start, on_stop);
    XML_SetCharacterDataHandler(p.parser, on_text);
    XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
    (void)XML_SetHashSalt(p.parser,
                          1); /* the world is deterministic; the node limit bounds a flood */
    bool is_good = XML_Parse(p.parser, bytes, (int)len, XML_TRUE) == XML_STATUS_OK;
    if (!is_good || p.err != AMT_OK) {
        (void)report(&p, diag);
        p.root = NULL;
    }
    for (uint32_t i = 0; i < p.depth; i++) {
        text_fini(&p.levels[i].text);
    }
    XML_ParserFree(p.parser);
    return p.root;
}

static const struct xml_node *find(const struct xml_node *from, const char *ns, const char *name)
{
    for (const struct xml_node *node = from; node != NULL; node = node->next) {
        if (strcmp(node->name, name) == 0 && (ns == NULL || strcmp(node->ns, ns) == 0)) {
            return node;
        }
    }
    return NULL;
}

const struct xml_node *xml_child(const struct xml_node *parent, const char *ns, const char *name)
{
    return parent == NULL ? NULL : find(parent->first, ns, name);
}

const struct xml_node *xml_again(const struct xml_node *node)
{
    return find(node->next, node->ns, node->name);
}

const char *xml_child_text(const struct xml_node *parent, const char *ns, const char *name)
{
    const struct xml_node *child = xml_child(parent, ns, name);
    return child == NULL ? NULL : child->text;
}

const char *xml_attribute(const struct xml_node *node, const char *name)
{
    const struct xml_attribute *attribute = node == NULL ? NULL : node->attributes;
    for (; attribute != NULL; attribute = attribute->next) {
        if (strcmp(attribute->name, name) == 0) {
            return attribute->value;
        }
    }
    return NULL;
}
