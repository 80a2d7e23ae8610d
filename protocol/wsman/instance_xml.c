/* Instances and references as XML: what comes in is read by names, what goes out has AMT's form. */
#include <stdlib.h>
#include <string.h>

#include "protocol/wsman/instance.h"
#include "protocol/wsman/names.h"

static bool is_reference(const struct xml_node *node)
{
    return xml_child(node, WSMAN_NS_ADDRESSING, "ReferenceParameters") != NULL ||
           xml_child(node, WSMAN_NS_ADDRESSING, "Address") != NULL ||
           xml_child(node, WSMAN_NS_ADDRESSING, "EndpointReference") != NULL;
}

static bool read_value(struct arena *arena, const struct xml_node *node, struct wsman_value *value)
{
    const struct xml_node *child = node->first;
    value->text = node->text;
    if (child == NULL) {
        value->kind = WSMAN_TEXT;
    } else if (is_reference(node)) {
        value->kind = WSMAN_REF;
        value->ref = wsman_ref_read(arena, node);
        return value->ref != NULL;
    } else if (child->next == NULL &&
               (strcmp(child->name, "Datetime") == 0 || strcmp(child->name, "Interval") == 0)) {
        value->kind = child->name[0] == 'D' ? WSMAN_DATETIME : WSMAN_INTERVAL;
        value->text = child->text;
    } else {
        value->kind = WSMAN_EMBEDDED;
        value->embedded = wsman_instance_read(arena, node);
        return value->embedded != NULL;
    }
    return true;
}

static struct wsman_property *property_of(struct arena *arena, struct wsman_instance *instance,
                                          struct wsman_property ***last,
                                          const struct xml_node *child)
{
    for (struct wsman_property *p = instance->first; p != NULL; p = p->next) {
        if (strcmp(p->name, child->name) == 0 && strcmp(p->ns, child->ns) == 0) {
            return p;
        }
    }
    struct wsman_property *p = arena_alloc(arena, sizeof *p);
    if (p != NULL) {
        p->name = child->name;
        p->ns = child->ns;
        **last = p;
        *last = &p->next;
    }
    return p;
}

struct wsman_instance *wsman_instance_read(struct arena *arena, const struct xml_node *node)
{
    struct wsman_instance *instance = wsman_instance_new(arena, node->name);
    struct wsman_property **last = instance == NULL ? NULL : &instance->first;
    struct wsman_property *previous = NULL;
    struct wsman_value *tail = NULL;
    for (const struct xml_node *child = node->first; child != NULL && last != NULL;
         child = child->next) {
        struct wsman_property *p = property_of(arena, instance, &last, child);
        struct wsman_value *value = arena_alloc(arena, sizeof *value);
        if (p == NULL || value == NULL || !read_value(arena, child, value)) {
            return NULL;
        }
        if (p != previous) { /* arrays are adjacent as a rule: the walk is short */
            tail = (struct wsman_value *)p->values;
            while (tail != NULL && tail->next != NULL) {
                tail = (struct wsman_value *)tail->next;
            }
        }
        if (tail == NULL) {
            p->values = value;
        } else {
            tail->next = value;
        }
        tail = value;
        previous = p;
    }
    return instance;
}

const struct wsman_selector *wsman_selectors_read(struct arena *arena,
                                                  const struct xml_node *selector_set)
{
    const struct wsman_selector *first = NULL;
    const struct wsman_selector **last = &first;
    const struct xml_node *node = xml_child(selector_set, WSMAN_NS_WSMAN, "Selector");
    for (; node != NULL; node = xml_again(node)) {
        struct wsman_selector *selector = arena_alloc(arena, sizeof *selector);
        const char *name = xml_attribute(node, "Name");
        if (selector == NULL) {
            return NULL;
        }
        selector->name = name == NULL ? "" : name;
        if (node->first != NULL) {
            selector->ref = wsman_ref_read(arena, node);
        } else {
            selector->text = node->text;
        }
        *last = selector;
        last = &selector->next;
    }
    return first;
}

const struct wsman_ref *wsman_ref_read(struct arena *arena, const struct xml_node *node)
{
    const struct xml_node *inner = xml_child(node, WSMAN_NS_ADDRESSING, "EndpointReference");
    const struct xml_node *parameters =
        xml_child(inner == NULL ? node : inner, WSMAN_NS_ADDRESSING, "ReferenceParameters");
    const char *uri = xml_child_text(parameters, WSMAN_NS_WSMAN, "ResourceURI");
    struct wsman_ref *ref = arena_alloc(arena, sizeof *ref);
    if (ref != NULL) {
        ref->class_name = uri == NULL ? "" : wsman_class_of_uri(uri);
        ref->selectors =
            wsman_selectors_read(arena, xml_child(parameters, WSMAN_NS_WSMAN, "SelectorSet"));
    }
    return ref;
}

static void escape(struct text *out, const char *text)
{
    text_xml(out, text, strlen(text));
}

static void write_selectors(struct text *out, const struct wsman_selector *selector)
{
    for (; selector != NULL; selector = selector->next) {
        text_puts(out, "<c:Selector Name=\"");
        escape(out, selector->name);
        text_puts(out, "\">");
        if (selector->ref != NULL) {
            text_puts(out, "<b:EndpointReference>");
            wsman_ref_write(out, selector->ref);
            text_puts(out, "</b:EndpointReference>");
        } else {
            escape(out, selector->text);
        }
        text_puts(out, "</c:Selector>");
    }
}

void wsman_ref_write(struct text *out, const struct wsman_ref *ref)
{
    bool is_empty = ref->class_name[0] == '\0';
    const char *ns = is_empty ? "" : wsman_class_namespace(ref->class_name);
    text_printf(out, "<b:Address>%s</b:Address><b:ReferenceParameters><c:ResourceURI>%s",
                is_empty ? "default" : WSMAN_ANONYMOUS, ns == NULL ? "" : ns);
    escape(out, ref->class_name);
    text_puts(out, "</c:ResourceURI><c:SelectorSet>");
    write_selectors(out, ref->selectors);
    text_puts(out, "</c:SelectorSet></b:ReferenceParameters>");
}

static void write_moment(struct text *out, const struct wsman_value *value, char common)
{
    const char *tag = value->kind == WSMAN_DATETIME ? "Datetime" : "Interval";
    if (common != '\0') {
        text_printf(out, "<%c:%s>", common, tag);
        escape(out, value->text);
        text_printf(out, "</%c:%s>", common, tag);
    } else {
        text_printf(out, "<%s xmlns=\"%s\">", tag, WSMAN_NS_COMMON);
        escape(out, value->text);
        text_printf(out, "</%s>", tag);
    }
}

static void write_embedded(struct text *out, const struct wsman_instance *instance, char common);

static void write_value(struct text *out, const struct wsman_value *value, char common)
{
    switch (value->kind) {
    case WSMAN_TEXT:
        escape(out, value->text);
        break;
    case WSMAN_DATETIME:
    case WSMAN_INTERVAL:
        write_moment(out, value, common);
        break;
    case WSMAN_REF:
        wsman_ref_write(out, value->ref);
        break;
    case WSMAN_EMBEDDED:
        write_embedded(out, value->embedded, common);
        break;
    }
}

static int by_name(const void *a, const void *b)
{
    const struct wsman_property *const *left = a;
    const struct wsman_property *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

#define PROPERTIES_MAX 128

static void write_properties(struct text *out, const struct wsman_instance *instance,
                             const char *open, char common, bool in_order)
{
    const struct wsman_property *order[PROPERTIES_MAX];
    size_t count = 0;
    for (const struct wsman_property *p = instance->first; p != NULL && count < PROPERTIES_MAX;
         p = p->next) {
        order[count++] = p;
    }
    if (instance->first != NULL && count == PROPERTIES_MAX) {
        out->failed = true; /* no class has that many: nothing is left out in silence */
        return;
    }
    if (!in_order) {
        qsort(order, count, sizeof order[0], by_name); /* NOLINT(bugprone-sizeof-expression) */
    }
    for (size_t i = 0; i < count; i++) {
        for (const struct wsman_value *v = order[i]->values; v != NULL; v = v->next) {
            text_printf(out, "<%s%s>", open, order[i]->name);
            write_value(out, v, common);
            text_printf(out, "</%s%s>", open, order[i]->name);
        }
    }
}

/* The namespace of the embedded class is declared where it begins. */
static void write_embedded(struct text *out, const struct wsman_instance *instance, char common)
{
    const char *ns = wsman_class_namespace(instance->class_name);
    text_printf(out, "<p:%s xmlns:p=\"%s%s\">", instance->class_name, ns == NULL ? "" : ns,
                instance->class_name);
    write_properties(out, instance, "p:", common, false);
    text_printf(out, "</p:%s>", instance->class_name);
}

void wsman_instance_write(struct text *out, const struct wsman_instance *instance, char prefix,
                          char common, bool in_order)
{
    const char open[] = { prefix, ':', '\0' };
    text_printf(out, "<%s%s>", open, instance->class_name);
    write_properties(out, instance, open, common, in_order);
    text_printf(out, "</%s%s>", open, instance->class_name);
    out->failed = out->failed || instance->failed;
}
