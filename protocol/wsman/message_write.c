/* Answers as firmware writes them (wsman.md 2.3): prefix letters, order, no white space. */
#include <string.h>

#include "protocol/wsman/message.h"

/* Declares the letters g, h, i in order of use; returns the next free one. */
static char declare(struct text *out, char letter, const char *ns, const char *name)
{
    text_printf(out, " xmlns:%c=\"%s%s\"", letter, ns, name);
    return (char)(letter + 1);
}

/* The letters that are the answer's own. */
struct letters {
    char envelope_namespace; /* transfer, enumeration or eventing; 0 */
    char class_namespace, common;
};

static void write_header(struct text *out, const struct wsman_answer *answer)
{
    const struct wsman_request *request = answer->request;
    text_puts(out, "<a:Header><b:To>" WSMAN_ANONYMOUS "</b:To><b:RelatesTo>");
    text_xml(out, request->message_id, strlen(request->message_id));
    text_puts(out, "</b:RelatesTo><b:Action a:mustUnderstand=\"true\">");
    text_xml(out, request->action, strlen(request->action));
    text_printf(out,
                "Response</b:Action><b:MessageID>uuid:00000000-8086-8086-8086-%012llX"
                "</b:MessageID><c:ResourceURI>",
                (unsigned long long)answer->message_counter);
    text_xml(out, request->resource_uri, strlen(request->resource_uri));
    text_puts(out, "</c:ResourceURI></a:Header><a:Body>");
}

static struct letters begin(struct text *out, const struct wsman_answer *answer, const char *ns)
{
    struct letters letters = { 0 };
    char next = 'g';
    text_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope"
                   " xmlns:a=\"" WSMAN_NS_SOAP "\" xmlns:b=\"" WSMAN_NS_ADDRESSING
                   "\" xmlns:c=\"" WSMAN_NS_WSMAN "\" xmlns:d=\"" WSMAN_NS_TRUST
                   "\" xmlns:e=\"" WSMAN_NS_SECURITY "\" xmlns:f=\"" WSMAN_NS_CIMBINDING "\"");
    if (ns != NULL) {
        letters.envelope_namespace = next;
        next = declare(out, next, ns, "");
    }
    if (answer->class_name != NULL) {
        const char *class_ns = wsman_class_namespace(answer->class_name);
        letters.class_namespace = next;
        next = declare(out, next, class_ns == NULL ? "" : class_ns, answer->class_name);
    }
    if (answer->class_name != NULL && answer->declares_common) {
        letters.common = next;
        (void)declare(out, next, WSMAN_NS_COMMON, "");
    }
    text_puts(out, " xmlns:xsi=\"" WSMAN_NS_XSI "\">");
    write_header(out, answer);
    return letters;
}

static void end(struct text *out)
{
    text_puts(out, "</a:Body></a:Envelope>");
}

void wsman_write_instance_answer(struct text *out, const struct wsman_answer *answer,
                                 const struct wsman_instance *instance)
{
    struct letters letters = begin(out, answer, NULL);
    if (instance != NULL) {
        wsman_instance_write(out, instance, letters.class_namespace, letters.common, false);
    }
    end(out);
}

void wsman_write_method_answer(struct text *out, const struct wsman_answer *answer,
                               const struct wsman_instance *output)
{
    struct wsman_answer without_common = *answer;
    without_common.declares_common = false; /* wsman.md 2.3 */
    struct letters letters = begin(out, &without_common, NULL);
    wsman_instance_write(out, output, letters.class_namespace, '\0', true);
    end(out);
}

void wsman_write_created_answer(struct text *out, const struct wsman_answer *answer,
                                const struct wsman_ref *created)
{
    struct wsman_answer without_class = *answer;
    without_class.class_name = NULL;
    (void)begin(out, &without_class, WSMAN_NS_TRANSFER);
    text_puts(out, "<g:ResourceCreated>");
    wsman_ref_write(out, created);
    text_puts(out, "</g:ResourceCreated>");
    end(out);
}

void wsman_write_empty_answer(struct text *out, const struct wsman_answer *answer)
{
    struct wsman_answer without_class = *answer;
    without_class.class_name = NULL;
    (void)begin(out, &without_class, NULL);
    end(out);
}

void wsman_write_enumerate_answer(struct text *out, const struct wsman_answer *answer,
                                  const char *context)
{
    struct wsman_answer without_class = *answer;
    without_class.class_name = NULL;
    (void)begin(out, &without_class, WSMAN_NS_ENUMERATION);
    text_printf(out,
                "<g:EnumerateResponse><g:EnumerationContext>%s</g:EnumerationContext>"
                "</g:EnumerateResponse>",
                context);
    end(out);
}

void wsman_write_pull_answer(struct text *out, const struct wsman_answer *answer,
                             const struct wsman_instance *items, const char *context)
{
    struct wsman_answer head = *answer;
    if (items == NULL) {
        head.class_name = NULL; /* an empty page declares no class */
    }
    struct letters letters = begin(out, &head, WSMAN_NS_ENUMERATION);
    text_puts(out, "<g:PullResponse>");
    if (context != NULL) { /* WSM-042: before the items */
        text_printf(out, "<g:EnumerationContext>%s</g:EnumerationContext>", context);
    }
    text_puts(out, "<g:Items>");
    for (const struct wsman_instance *item = items; item != NULL; item = item->next) {
        wsman_instance_write(out, item, letters.class_namespace, letters.common, false);
    }
    text_puts(out, "</g:Items>");
    if (context == NULL) {
        text_puts(out, "<g:EndOfSequence></g:EndOfSequence>");
    }
    text_puts(out, "</g:PullResponse>");
    end(out);
}

void wsman_write_subscribe_answer(struct text *out, const struct wsman_answer *answer,
                                  const struct wsman_ref *manager)
{
    struct wsman_answer without_class = *answer;
    without_class.class_name = NULL;
    (void)begin(out, &without_class, WSMAN_NS_EVENTING);
    text_puts(out, "<g:SubscribeResponse><g:SubscriptionManager>");
    wsman_ref_write(out, manager);
    text_puts(out, "</g:SubscriptionManager><g:Expires>PT0.000000S</g:Expires>"
                   "</g:SubscribeResponse>");
    end(out);
}
