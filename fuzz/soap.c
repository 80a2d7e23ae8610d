/*
 * WS-Management envelopes as a device reads and answers them: the input is the body of a request.
 * Oracles: the tree keeps its limits and holds each text; a request that is refused says why; whatever
 * was asked, each form of answer is well-formed XML, relates to the request and parses as what was
 * written; an instance that was read and written is from then on written the same.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/wsman/message.h"

static uint32_t check_tree(const struct xml_node *node, uint32_t depth)
{
    uint32_t count = 0;
    FUZZ_REQUIRE(depth <= XML_DEPTH_MAX);
    for (; node != NULL; node = node->next) {
        uint32_t attributes = 0;
        FUZZ_REQUIRE(node->ns != NULL && node->name[0] != '\0' && node->text != NULL);
        for (const struct xml_attribute *a = node->attributes; a != NULL; a = a->next) {
            FUZZ_REQUIRE(a->ns != NULL && a->name[0] != '\0' && a->value != NULL);
            attributes += 1;
        }
        FUZZ_REQUIRE(attributes <= XML_ATTRIBUTES_MAX);
        count += 1 + check_tree(node->first, depth + 1);
    }
    return count;
}

static const struct xml_node *body_of(struct arena *arena, const struct text *out,
                                      const struct wsman_request *request)
{
    struct amt_diag diag = { .err = AMT_OK };
    FUZZ_REQUIRE(!out->failed);
    const struct xml_node *root = xml_parse(arena, out->chars, out->len, &diag);
    FUZZ_REQUIRE(root != NULL);
    const struct xml_node *header = xml_child(root, WSMAN_NS_SOAP, "Header");
    const char *relates_to = xml_child_text(header, WSMAN_NS_ADDRESSING, "RelatesTo");
    FUZZ_REQUIRE(relates_to != NULL && strcmp(relates_to, request->message_id) == 0);
    const struct xml_node *body = xml_child(root, WSMAN_NS_SOAP, "Body");
    FUZZ_REQUIRE(body != NULL);
    return body->first;
}

static void check_fault(struct arena *arena, const struct wsman_answer *answer,
                        enum wsman_fault fault)
{
    struct text out = { 0 };
    wsman_write_fault(&out, answer, fault, answer->request->class_name);
    const struct xml_node *node = body_of(arena, &out, answer->request);
    FUZZ_REQUIRE(node != NULL && strcmp(node->name, "Fault") == 0);
    text_fini(&out);
}

static bool is_plain(const struct wsman_instance *instance)
{
    uint32_t count = 0;
    for (const struct wsman_property *p = instance->first; p != NULL; p = p->next) {
        count += 1;
        for (const struct wsman_value *v = p->values; v != NULL; v = v->next) {
            if (v->kind == WSMAN_EMBEDDED) {
                return false; /* is written as a class of its own, one level deeper */
            }
        }
    }
    return count < 128; /* the writer's limit, which no class reaches */
}

/* One instance as an answer to a Get; the instance that such an answer holds. */
static struct wsman_instance *write_and_read(struct arena *arena, const struct wsman_answer *answer,
                                             const struct wsman_instance *instance,
                                             struct text *out)
{
    wsman_write_instance_answer(out, answer, instance);
    const struct xml_node *node = body_of(arena, out, answer->request);
    FUZZ_REQUIRE(node != NULL && strcmp(node->name, instance->class_name) == 0);
    return wsman_instance_read(arena, node);
}

static void check_instance(struct arena *arena, struct wsman_answer *answer,
                           const struct xml_node *node)
{
    struct text once = { 0 };
    struct text twice = { 0 };
    struct wsman_instance *first = wsman_instance_read(arena, node);
    FUZZ_REQUIRE(first != NULL);
    if (!is_plain(first)) {
        return;
    }
    answer->class_name = first->class_name;
    struct wsman_instance *second = write_and_read(arena, answer, first, &once);
    FUZZ_REQUIRE(second != NULL);
    /* A line break in the name of a selector is a blank from now on: the rules of attributes. */
    text_fini(&once);
    second = write_and_read(arena, answer, second, &once);
    FUZZ_REQUIRE(second != NULL);
    (void)write_and_read(arena, answer, second, &twice);
    FUZZ_REQUIRE(once.len == twice.len && memcmp(once.chars, twice.chars, once.len) == 0);
    text_fini(&once);
    text_fini(&twice);
}

static void check_answers(struct arena *arena, struct wsman_answer *answer)
{
    const struct wsman_request *request = answer->request;
    struct text out = { 0 };
    wsman_write_empty_answer(&out, answer);
    FUZZ_REQUIRE(body_of(arena, &out, request) == NULL);
    text_fini(&out);
    struct wsman_ref ref = { .class_name = request->class_name, .selectors = request->selectors };
    wsman_write_created_answer(&out, answer, &ref);
    const struct xml_node *created = body_of(arena, &out, request);
    FUZZ_REQUIRE(created != NULL && created->first != NULL);
    text_fini(&out);
    wsman_write_pull_answer(&out, answer, NULL, NULL);
    FUZZ_REQUIRE(body_of(arena, &out, request) != NULL);
    text_fini(&out);
    for (const struct xml_node *node = request->body; node != NULL; node = node->next) {
        check_instance(arena, answer, node);
    }
}

static void check_request(const struct wsman_request *request)
{
    FUZZ_REQUIRE(request->action != NULL && request->resource_uri != NULL);
    FUZZ_REQUIRE(request->class_name != NULL && request->method != NULL);
    FUZZ_REQUIRE(request->message_id != NULL && request->reply_to != NULL);
    FUZZ_REQUIRE(request->enumeration_context != NULL);
    FUZZ_REQUIRE(strchr(request->class_name, '/') == NULL);
    FUZZ_REQUIRE(request->operation != WSMAN_METHOD || request->method[0] != '\0');
    FUZZ_REQUIRE(wsman_operation_name(request->operation)[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct amt_diag diag = { .err = AMT_OK };
    struct wsman_request request;
    if (size > 16384) {
        return 0;
    }
    enum wsman_fault fault = wsman_request_read(&arena, data, size, &request, &diag);
    check_request(&request);
    FUZZ_REQUIRE(request.envelope != NULL || diag.err != AMT_OK);
    FUZZ_REQUIRE(fault == WSMAN_OK || wsman_fault_status(fault) >= 400);
    FUZZ_REQUIRE(fault != WSMAN_OK || (request.action[0] != '\0' && request.message_id[0] != '\0'));
    if (request.envelope != NULL) {
        FUZZ_REQUIRE(check_tree(request.envelope, 1) <= XML_NODES_MAX);
    }
    struct wsman_answer answer = { .request = &request, .message_counter = 740 };
    if (fault != WSMAN_OK) {
        check_fault(&arena, &answer, fault);
    } else {
        check_fault(&arena, &answer, (enum wsman_fault)(1 + size % (WSMAN_FAULT_COUNT_ - 1)));
        answer.declares_common = (size & 1) != 0;
        check_answers(&arena, &answer);
    }
    arena_fini(&arena);
    return 0;
}
