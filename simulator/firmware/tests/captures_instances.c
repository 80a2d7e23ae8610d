#include "simulator/firmware/tests/captures_instances.h"

#include <string.h>

static void quote(struct text *out, const char *escaped)
{
    static const char *const k_entities[][2] = {
        { "&quot;", "\"" }, { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" }, { "&apos;", "'" }
    };
    text_puts(out, "'");
    for (const char *at = escaped; *at != '\0';) {
        const char *plain = NULL;
        for (size_t i = 0; plain == NULL && i < sizeof k_entities / sizeof *k_entities; i++) {
            if (strncmp(at, k_entities[i][0], strlen(k_entities[i][0])) == 0) {
                plain = k_entities[i][1];
                at += strlen(k_entities[i][0]);
            }
        }
        text_append(out, plain != NULL ? plain : at, 1);
        if (*(plain != NULL ? plain : at) == '\'') {
            text_puts(out, "'");
        }
        at += plain == NULL ? 1 : 0;
    }
    text_puts(out, "'");
}

/* The class at the end of a resource URI. */
static const char *class_of(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

static void put_reference(struct text *out, const struct written *node)
{
    const struct written *uri = written_find(node, "ResourceURI");
    const struct written *set = written_find(node, "SelectorSet");
    text_printf(out, "{ref: %s, selectors: {", class_of(uri->text));
    const char *comma = "";
    for (const struct written *s = set->first; s != NULL; s = s->next, comma = ", ") {
        const char *name = strchr(s->attributes, '"') + 1;
        text_printf(out, "%s%.*s: ", comma, (int)strcspn(name, "\""), name);
        if (s->first != NULL) {
            put_reference(out, s);
        } else {
            quote(out, s->text);
        }
    }
    text_puts(out, "}}");
}

static void put_value(struct text *out, const struct written *node)
{
    if (written_find(node, "Datetime") != NULL) {
        text_printf(out, "{datetime: '%s'}", written_find(node, "Datetime")->text);
    } else if (written_find(node, "Interval") != NULL) {
        text_printf(out, "{interval: '%s'}", written_find(node, "Interval")->text);
    } else if (written_find(node, "ResourceURI") != NULL) {
        put_reference(out, node);
    } else {
        quote(out, node->text);
    }
}

static void put_instance(struct text *out, const struct written *instance)
{
    text_puts(out, "  - {");
    const char *comma = "";
    for (const struct written *p = instance->first; p != NULL; comma = ", ") {
        const char *name = written_local(p);
        text_printf(out, "%s%s: [", comma, name);
        const char *inner = "";
        for (; p != NULL && strcmp(written_local(p), name) == 0; p = p->next, inner = ", ") {
            text_puts(out, inner);
            put_value(out, p);
        }
        text_puts(out, "]");
    }
    text_puts(out, "}\n");
}

static bool is_class(const struct written *node)
{
    const char *name = written_local(node);
    return strncmp(name, "AMT_", 4) == 0 || strncmp(name, "CIM_", 4) == 0 ||
           strncmp(name, "IPS_", 4) == 0;
}

void captures_instances(struct text *out, const struct written *envelope)
{
    const struct written *items = written_find(envelope, "Items");
    const struct written *body = written_find(envelope, "Body");
    const struct written *first = items != NULL ? items->first : body == NULL ? NULL : body->first;
    const char *class_name = "";
    if (first != NULL && is_class(first)) {
        text_puts(out, "instances:\n");
    }
    for (; first != NULL && is_class(first); first = items != NULL ? first->next : NULL) {
        if (strcmp(class_name, written_local(first)) != 0) {
            class_name = written_local(first);
            text_printf(out, "  %s:\n", class_name);
        }
        put_instance(out, first);
    }
}
