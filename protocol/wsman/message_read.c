/* A request's envelope, read. */
#include <string.h>

#include "protocol/wsman/message.h"

/* Headers that this service understands; any other one marked mustUnderstand is refused. */
static bool is_known_header(const struct xml_node *node)
{
    static const char *const k_wsman[] = { "ResourceURI",     "SelectorSet", "OperationTimeout",
                                           "MaxEnvelopeSize", "Locale",      NULL };
    if (strcmp(node->ns, WSMAN_NS_ADDRESSING) == 0 || strcmp(node->ns, WSMAN_NS_TRUST) == 0) {
        return true;
    }
    for (int i = 0; strcmp(node->ns, WSMAN_NS_WSMAN) == 0 && k_wsman[i] != NULL; i++) {
        if (strcmp(node->name, k_wsman[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool must_be_understood(const struct xml_node *node)
{
    const char *value = xml_attribute(node, "mustUnderstand");
    return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static enum wsman_fault check_headers(const struct xml_node *header)
{
    for (const struct xml_node *node = header->first; node != NULL; node = node->next) {
        if (!is_known_header(node) && must_be_understood(node)) {
            return WSMAN_MUST_UNDERSTAND;
        }
    }
    return WSMAN_OK;
}

static const char *header_text(const struct wsman_request *request, const char *ns,
                               const char *name)
{
    const char *text = xml_child_text(request->header, ns, name);
    return text == NULL ? "" : text;
}

static void read_operation(struct wsman_request *request)
{
    const char *uri = request->resource_uri;
    size_t len = strlen(uri);
    request->operation = WSMAN_UNKNOWN;
    for (int i = WSMAN_GET; i < WSMAN_METHOD; i++) {
        if (strcmp(request->action, wsman_operation_action((enum wsman_operation)i)) == 0) {
            request->operation = (enum wsman_operation)i;
            return;
        }
    }
    /* A method: the resource URI, a slash, its name. */
    if (len > 0 && strncmp(request->action, uri, len) == 0 && request->action[len] == '/' &&
        request->action[len + 1] != '\0' && strchr(request->action + len + 1, '/') == NULL) {
        request->operation = WSMAN_METHOD;
        request->method = request->action + len + 1;
    }
}

static void read_pull(struct wsman_request *request)
{
    const char *context = xml_child_text(request->body, WSMAN_NS_ENUMERATION, "EnumerationContext");
    const char *elements = xml_child_text(request->body, WSMAN_NS_ENUMERATION, "MaxElements");
    request->enumeration_context = context == NULL ? "" : context;
    if (elements != NULL &&
        text_parse_u64(elements, UINT32_MAX, &request->max_elements) != AMT_OK) {
        request->max_elements = 0;
    }
}

static enum wsman_fault read_header(struct arena *arena, struct wsman_request *request)
{
    request->message_id = header_text(request, WSMAN_NS_ADDRESSING, "MessageID");
    request->action = header_text(request, WSMAN_NS_ADDRESSING, "Action");
    request->resource_uri = header_text(request, WSMAN_NS_WSMAN, "ResourceURI");
    request->class_name = wsman_class_of_uri(request->resource_uri);
    request->reply_to = "";
    const struct xml_node *reply_to = xml_child(request->header, WSMAN_NS_ADDRESSING, "ReplyTo");
    const char *address = xml_child_text(reply_to, WSMAN_NS_ADDRESSING, "Address");
    if (address != NULL) {
        request->reply_to = address;
    }
    const char *size = xml_child_text(request->header, WSMAN_NS_WSMAN, "MaxEnvelopeSize");
    if (size != NULL && text_parse_u64(size, UINT32_MAX, &request->max_envelope_size) != AMT_OK) {
        return WSMAN_INVALID_HEADER;
    }
    request->selectors =
        wsman_selectors_read(arena, xml_child(request->header, WSMAN_NS_WSMAN, "SelectorSet"));
    read_operation(request);
    if (request->action[0] == '\0' || request->message_id[0] == '\0') {
        return WSMAN_HEADER_REQUIRED;
    }
    return check_headers(request->header);
}

static enum wsman_fault not_soap(const struct xml_node *root)
{
    bool is_older = strcmp(root->name, "Envelope") == 0 &&
                    strcmp(root->ns, "http://schemas.xmlsoap.org/soap/envelope/") == 0;
    return is_older ? WSMAN_VERSION_MISMATCH : WSMAN_SCHEMA_VALIDATION_ERROR;
}

enum wsman_fault wsman_request_read(struct arena *arena, const void *bytes, size_t len,
                                    struct wsman_request *request, struct amt_diag *diag)
{
    *request = (struct wsman_request){ .operation = WSMAN_UNKNOWN,
                                       .action = "",
                                       .resource_uri = "",
                                       .class_name = "",
                                       .method = "",
                                       .message_id = "",
                                       .reply_to = "",
                                       .enumeration_context = "" };
    const struct xml_node *root = xml_parse(arena, bytes, len, diag);
    if (root == NULL) {
        return WSMAN_SCHEMA_VALIDATION_ERROR;
    }
    request->envelope = root;
    if (strcmp(root->name, "Envelope") != 0 || strcmp(root->ns, WSMAN_NS_SOAP) != 0) {
        (void)amt_diag_set(diag, AMT_EMALFORMED, "the root element is no SOAP 1.2 Envelope");
        return not_soap(root);
    }
    request->header = xml_child(root, WSMAN_NS_SOAP, "Header");
    const struct xml_node *body = xml_child(root, WSMAN_NS_SOAP, "Body");
    if (request->header == NULL || body == NULL) {
        (void)amt_diag_set(diag, AMT_EMALFORMED, "the envelope has no Header or no Body");
        return request->header == NULL ? WSMAN_HEADER_REQUIRED : WSMAN_SCHEMA_VALIDATION_ERROR;
    }
    request->body = body->first;
    enum wsman_fault fault = read_header(arena, request);
    read_pull(request);
    return fault;
}
