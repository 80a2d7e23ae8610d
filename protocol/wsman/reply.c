/* Answers and faults as a client reads them. */
#include <string.h>

#include "protocol/wsman/request.h"

static const char *without_prefix(const char *name)
{
    const char *colon = name == NULL ? NULL : strchr(name, ':');
    return colon != NULL ? colon + 1 : name == NULL ? "" : name;
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* "MissingValues" of a FaultDetail URI; else the text as it stands ("AMT-STATUS 36"). */
static const char *detail_of(const struct xml_node *fault)
{
    const struct xml_node *detail = xml_child(fault, WSMAN_NS_SOAP, "Detail");
    if (detail == NULL) {
        return "";
    }
    const struct xml_node *inner = xml_child(detail, NULL, "FaultDetail");
    const char *text = inner != NULL ? inner->text : detail->text;
    if (inner == NULL && text[0] == '\0' && detail->first != NULL) {
        text = detail->first->text;
    }
    const char *slash = inner == NULL ? NULL : strrchr(text, '/');
    return slash == NULL ? text : slash + 1;
}

static void read_fault(const struct xml_node *fault, struct wsman_reply *reply)
{
    const struct xml_node *code = xml_child(fault, WSMAN_NS_SOAP, "Code");
    const struct xml_node *subcode = xml_child(code, WSMAN_NS_SOAP, "Subcode");
    const struct xml_node *reason = xml_child(fault, WSMAN_NS_SOAP, "Reason");
    reply->is_fault = true;
    reply->fault.code = without_prefix(xml_child_text(code, WSMAN_NS_SOAP, "Value"));
    reply->fault.subcode = without_prefix(xml_child_text(subcode, WSMAN_NS_SOAP, "Value"));
    reply->fault.reason = or_empty(xml_child_text(reason, WSMAN_NS_SOAP, "Text"));
    reply->fault.detail = detail_of(fault);
}

static void read_header(const struct xml_node *header, struct wsman_reply *reply)
{
    reply->action = or_empty(xml_child_text(header, WSMAN_NS_ADDRESSING, "Action"));
    reply->relates_to = or_empty(xml_child_text(header, WSMAN_NS_ADDRESSING, "RelatesTo"));
    reply->message_id = or_empty(xml_child_text(header, WSMAN_NS_ADDRESSING, "MessageID"));
    reply->resource_uri = or_empty(xml_child_text(header, WSMAN_NS_WSMAN, "ResourceURI"));
}

static enum amt_err does_not_fit(struct amt_diag *diag, const char *wanted,
                                 const struct xml_node *found)
{
    return amt_diag_set(diag, AMT_EMALFORMED, "the answer's body holds %s instead of %s",
                        found == NULL ? "nothing" : found->name, wanted);
}

static enum amt_err read_items(struct arena *arena, const struct xml_node *pull,
                               struct wsman_reply *reply)
{
    const struct xml_node *items = xml_child(pull, WSMAN_NS_ENUMERATION, "Items");
    struct wsman_instance **end = &reply->items;
    for (const struct xml_node *at = items == NULL ? NULL : items->first; at != NULL;
         at = at->next) {
        struct wsman_instance *item = wsman_instance_read(arena, at);
        if (item == NULL) {
            return AMT_ENOMEM;
        }
        *end = item;
        end = &item->next;
        reply->item_count += 1;
    }
    return AMT_OK;
}

static enum amt_err read_enumeration(struct arena *arena, const struct xml_node *body, bool is_pull,
                                     struct wsman_reply *reply, struct amt_diag *diag)
{
    const char *name = is_pull ? "PullResponse" : "EnumerateResponse";
    const struct xml_node *answer = xml_child(body, WSMAN_NS_ENUMERATION, name);
    if (answer == NULL) {
        return does_not_fit(diag, name, body->first);
    }
    const char *context = xml_child_text(answer, WSMAN_NS_ENUMERATION, "EnumerationContext");
    reply->context = context == NULL || context[0] == '\0' ? NULL : context;
    reply->is_end = xml_child(answer, WSMAN_NS_ENUMERATION, "EndOfSequence") != NULL;
    if (!is_pull) {
        return reply->context != NULL ? AMT_OK
                                      : amt_diag_set(diag, AMT_EMALFORMED,
                                                     "the EnumerateResponse has no "
                                                     "EnumerationContext");
    }
    TRY(read_items(arena, answer, reply));
    if (!reply->is_end && reply->context == NULL) {
        reply->is_end = true; /* nothing to pull with: firmware that leaves the mark out (2.5) */
    }
    return AMT_OK;
}

static enum amt_err read_created(struct arena *arena, const struct xml_node *body,
                                 struct wsman_reply *reply, struct amt_diag *diag)
{
    const struct xml_node *created = xml_child(body, WSMAN_NS_TRANSFER, "ResourceCreated");
    if (created == NULL) {
        return does_not_fit(diag, "ResourceCreated", body->first);
    }
    const struct xml_node *inner = xml_child(created, WSMAN_NS_ADDRESSING, "EndpointReference");
    reply->created = wsman_ref_read(arena, inner == NULL ? created : inner);
    return reply->created == NULL ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err read_instance(struct arena *arena, const struct xml_node *body,
                                  struct wsman_reply *reply)
{
    if (body->first == NULL) {
        return AMT_OK;
    }
    reply->instance = wsman_instance_read(arena, body->first);
    return reply->instance == NULL || reply->instance->failed ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err read_body(struct arena *arena, const struct xml_node *body,
                              enum wsman_operation operation, struct wsman_reply *reply,
                              struct amt_diag *diag)
{
    switch (operation) {
    case WSMAN_ENUMERATE:
    case WSMAN_PULL:
        return read_enumeration(arena, body, operation == WSMAN_PULL, reply, diag);
    case WSMAN_CREATE:
        return read_created(arena, body, reply, diag);
    case WSMAN_DELETE:
    case WSMAN_RELEASE:
        return AMT_OK;
    case WSMAN_GET:
    case WSMAN_METHOD:
    case WSMAN_IDENTIFY_OPERATION:
        if (body->first == NULL) {
            return does_not_fit(diag, "an instance", NULL);
        }
        return read_instance(arena, body, reply);
    case WSMAN_PUT:
    case WSMAN_SUBSCRIBE:
    case WSMAN_UNSUBSCRIBE:
    case WSMAN_RENEW:
    case WSMAN_UNKNOWN:
        break;
    }
    return read_instance(arena, body, reply);
}

enum amt_err wsman_read_reply(struct arena *arena, const void *bytes, size_t len,
                              enum wsman_operation operation, struct wsman_reply *reply,
                              struct amt_diag *diag)
{
    *reply = (struct wsman_reply){ .fault = { "", "", "", "" } };
    read_header(NULL, reply);
    struct amt_diag own = { .err = AMT_OK };
    struct amt_diag *d = diag == NULL ? &own : diag;
    const struct xml_node *envelope = xml_parse(arena, bytes, len, d);
    if (envelope == NULL) {
        return d->err == AMT_OK ? AMT_ENOMEM : d->err;
    }
    const struct xml_node *body = xml_child(envelope, WSMAN_NS_SOAP, "Body");
    if (strcmp(envelope->ns, WSMAN_NS_SOAP) != 0 || strcmp(envelope->name, "Envelope") != 0 ||
        body == NULL) {
        return amt_diag_set(d, AMT_EMALFORMED,
                            "the answer is XML but no SOAP 1.2 envelope (its root is %s)",
                            envelope->name);
    }
    read_header(xml_child(envelope, WSMAN_NS_SOAP, "Header"), reply);
    const struct xml_node *fault = xml_child(body, WSMAN_NS_SOAP, "Fault");
    if (fault != NULL) {
        read_fault(fault, reply);
        return AMT_OK;
    }
    return read_body(arena, body, operation, reply, d);
}
