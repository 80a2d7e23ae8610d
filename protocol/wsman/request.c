#include "protocol/wsman/request.h"

#include <inttypes.h>
#include <string.h>

#define DEFAULT_TIMEOUT_S 60u
/* What MeshCentral and its relatives write into references (wsman.md 2.6). */
#define REFERENCE_ADDRESS WSMAN_NS_ADDRESSING

/* NULL: nothing. */
static void puts_xml(struct text *out, const char *text)
{
    if (text != NULL) {
        text_xml(out, text, strlen(text));
    }
}

static void put_element(struct text *out, const char *name, const char *text)
{
    text_printf(out, "<%s>", name);
    puts_xml(out, text);
    text_printf(out, "</%s>", name);
}

/* A class of no known prefix is sent bare, so that the device can say what it thinks of it. */
static void put_class_uri(struct text *out, const char *class_name)
{
    const char *ns = wsman_class_namespace(class_name);
    puts_xml(out, ns);
    puts_xml(out, class_name);
}

static void put_reference(struct text *out, const struct wsman_ref *ref);

static void put_selectors(struct text *out, const struct wsman_selector *selectors)
{
    text_puts(out, "<w:SelectorSet>");
    for (const struct wsman_selector *at = selectors; at != NULL; at = at->next) {
        text_puts(out, "<w:Selector Name=\"");
        puts_xml(out, at->name);
        text_puts(out, "\">");
        if (at->ref != NULL) {
            text_puts(out, "<a:EndpointReference>");
            put_reference(out, at->ref);
            text_puts(out, "</a:EndpointReference>");
        } else {
            puts_xml(out, at->text);
        }
        text_puts(out, "</w:Selector>");
    }
    text_puts(out, "</w:SelectorSet>");
}

static void put_reference(struct text *out, const struct wsman_ref *ref)
{
    put_element(out, "a:Address", REFERENCE_ADDRESS);
    text_puts(out, "<a:ReferenceParameters><w:ResourceURI>");
    put_class_uri(out, ref->class_name);
    text_puts(out, "</w:ResourceURI>");
    put_selectors(out, ref->selectors);
    text_puts(out, "</a:ReferenceParameters>");
}

/* A date or interval stands in a child of the common namespace (wsman.md 2.7). */
static void put_time(struct text *out, const char *child, const char *text)
{
    text_printf(out, "<z:%s xmlns:z=\"" WSMAN_NS_COMMON "\">", child);
    puts_xml(out, text);
    text_printf(out, "</z:%s>", child);
}

static void put_properties(struct text *out, const struct wsman_instance *instance, char prefix);

/* The properties of an embedded instance are in the namespace of its own class: one prefix further. */
static void put_embedded(struct text *out, const char *name, const struct wsman_instance *instance,
                         char prefix)
{
    char own = prefix;
    text_printf(out, "<%c:%s", prefix, name);
    if (wsman_class_namespace(instance->class_name) != NULL) {
        own = (char)(prefix + 1);
        text_printf(out, " xmlns:%c=\"", own);
        put_class_uri(out, instance->class_name);
        text_puts(out, "\"");
    }
    text_puts(out, ">");
    put_properties(out, instance, own);
    text_printf(out, "</%c:%s>", prefix, name);
}

static void put_value(struct text *out, const char *name, const struct wsman_value *value,
                      char prefix)
{
    if (value->kind == WSMAN_EMBEDDED) {
        put_embedded(out, name, value->embedded, prefix);
        return;
    }
    text_printf(out, "<%c:%s>", prefix, name);
    if (value->kind == WSMAN_REF) {
        put_reference(out, value->ref);
    } else if (value->kind == WSMAN_TEXT) {
        puts_xml(out, value->text);
    } else {
        put_time(out, value->kind == WSMAN_DATETIME ? "Datetime" : "Interval", value->text);
    }
    text_printf(out, "</%c:%s>", prefix, name);
}

static void put_properties(struct text *out, const struct wsman_instance *instance, char prefix)
{
    for (const struct wsman_property *p = instance == NULL ? NULL : instance->first; p != NULL;
         p = p->next) {
        for (const struct wsman_value *v = p->values; v != NULL; v = v->next) {
            put_value(out, p->name, v, prefix);
        }
    }
}

/* <r:Name xmlns:r="class">…</r:Name>: the class itself, or <Method>_INPUT. */
static void put_instance(struct text *out, const struct wsman_call *call)
{
    bool is_method = call->operation == WSMAN_METHOD;
    const char *name = is_method ? call->method : call->class_name;
    const char *tail = is_method ? "_INPUT" : "";
    text_printf(out, "<r:%s%s xmlns:r=\"", name, tail);
    put_class_uri(out, call->class_name);
    text_puts(out, "\">");
    put_properties(out, call->body, 'r');
    text_printf(out, "</r:%s%s>", name, tail);
}

static void put_context(struct text *out, const struct wsman_call *call)
{
    put_element(out, "EnumerationContext", call->context == NULL ? "" : call->context);
}

static void put_body(struct text *out, const struct wsman_call *call)
{
    switch (call->operation) {
    case WSMAN_PUT:
    case WSMAN_CREATE:
    case WSMAN_METHOD:
        put_instance(out, call);
        break;
    case WSMAN_ENUMERATE:
        text_puts(out, "<Enumerate xmlns=\"" WSMAN_NS_ENUMERATION "\"></Enumerate>");
        break;
    case WSMAN_PULL:
        text_puts(out, "<Pull xmlns=\"" WSMAN_NS_ENUMERATION "\">");
        put_context(out, call);
        text_printf(out, "<MaxElements>%u</MaxElements><MaxCharacters>%u</MaxCharacters></Pull>",
                    call->max_elements == 0 ? WSMAN_PULL_ELEMENTS : call->max_elements,
                    WSMAN_PULL_CHARACTERS);
        break;
    case WSMAN_RELEASE:
        text_puts(out, "<Release xmlns=\"" WSMAN_NS_ENUMERATION "\">");
        put_context(out, call);
        text_puts(out, "</Release>");
        break;
    case WSMAN_IDENTIFY_OPERATION:
        text_puts(out, "<i:Identify xmlns:i=\"http://schemas.dmtf.org/wbem/wsman/identity/1/"
                       "wsmanidentity.xsd\"></i:Identify>");
        break;
    case WSMAN_GET:
    case WSMAN_DELETE:
    case WSMAN_SUBSCRIBE:
    case WSMAN_UNSUBSCRIBE:
    case WSMAN_RENEW:
    case WSMAN_UNKNOWN:
        break;
    }
}

static void put_action(struct text *out, const struct wsman_call *call)
{
    const char *action = wsman_operation_action(call->operation);
    text_puts(out, "<a:Action>");
    if (action != NULL) {
        puts_xml(out, action);
    } else {
        put_class_uri(out, call->class_name == NULL ? "" : call->class_name);
        text_puts(out, "/");
        puts_xml(out, call->method);
    }
    text_puts(out, "</a:Action>");
}

void wsman_write_call(struct text *out, const struct wsman_call *call)
{
    text_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope xmlns:xsi=\"" WSMAN_NS_XSI
                   "\" xmlns:a=\"" WSMAN_NS_ADDRESSING "\" xmlns:w=\"" WSMAN_NS_WSMAN
                   "\" xmlns=\"" WSMAN_NS_SOAP "\"><Header>");
    put_action(out, call);
    text_puts(out, "<a:To>/wsman</a:To>");
    if (call->class_name != NULL) {
        text_puts(out, "<w:ResourceURI>");
        put_class_uri(out, call->class_name);
        text_puts(out, "</w:ResourceURI>");
    }
    text_printf(out,
                "<a:MessageID>%" PRIu64 "</a:MessageID><a:ReplyTo><a:Address>" WSMAN_ANONYMOUS
                "</a:Address></a:ReplyTo><w:OperationTimeout>PT%uS</w:OperationTimeout>",
                call->message_id, call->timeout_s == 0 ? DEFAULT_TIMEOUT_S : call->timeout_s);
    if (call->selectors != NULL) {
        put_selectors(out, call->selectors);
    }
    text_puts(out, "</Header><Body>");
    put_body(out, call);
    text_puts(out, "</Body></Envelope>");
}

enum amt_err wsman_selector_add(struct arena *arena, const struct wsman_selector **list,
                                const char *name, const char *text)
{
    struct wsman_selector *added = arena_alloc(arena, sizeof *added);
    if (added == NULL) {
        return AMT_ENOMEM;
    }
    added->name = arena_text(arena, name, strlen(name));
    added->text = arena_text(arena, text, strlen(text));
    added->next = *list;
    if (added->name == NULL || added->text == NULL) {
        return AMT_ENOMEM;
    }
    *list = added;
    return AMT_OK;
}
