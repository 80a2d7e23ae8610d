/*
 * Answers of a device as a client reads them. Byte 0 modulo 13: the operation that was asked; the rest
 * is the body of the answer.
 * Oracles: it is read, or there is an error with words; every text is there; what an operation promises
 * is there (a context, a reference, the number of items); a fault can be explained; reading is pure.
 */
#include <string.h>

#include "base/memory.h"
#include "client/wsman.h"
#include "fuzz/target.h"

static void check_instance(const struct wsman_instance *instance)
{
    FUZZ_REQUIRE(instance->class_name[0] != '\0' && !instance->failed);
    for (const struct wsman_property *p = instance->first; p != NULL; p = p->next) {
        FUZZ_REQUIRE(p->name[0] != '\0' && p->ns != NULL && p->values != NULL);
        for (const struct wsman_value *v = p->values; v != NULL; v = v->next) {
            FUZZ_REQUIRE(v->kind == WSMAN_REF ? v->ref != NULL : v->text != NULL);
            if (v->kind == WSMAN_EMBEDDED) {
                check_instance(v->embedded);
            }
        }
        size_t len = 0;
        const uint8_t *bytes = wsman_get_base64(instance, p->name, &len);
        FUZZ_REQUIRE(bytes != NULL || len == 0);
        (void)wsman_get_bool(instance, p->name, false);
        (void)wsman_get_u64(instance, p->name, 0);
    }
}

static void check_fault(const struct wsman_reply *reply)
{
    struct amt_diag diag = { .err = AMT_OK };
    FUZZ_REQUIRE(reply->fault.code != NULL && reply->fault.subcode != NULL);
    FUZZ_REQUIRE(reply->fault.reason != NULL && reply->fault.detail != NULL);
    wsman_explain_fault(&reply->fault, &diag);
    FUZZ_REQUIRE(diag.text[0] != '\0');
}

static void check_return_value(const struct wsman_instance *output)
{
    uint64_t value = wsman_get_u64(output, "ReturnValue", 0);
    const char *name =
        wsman_return_name("AMT_TimeSynchronizationService", output->class_name, (uint32_t)value);
    FUZZ_REQUIRE(name != NULL && name[0] != '\0');
}

static void check_reply(enum wsman_operation operation, const struct wsman_reply *reply)
{
    uint32_t items = 0;
    FUZZ_REQUIRE(reply->action != NULL && reply->relates_to != NULL);
    FUZZ_REQUIRE(reply->message_id != NULL && reply->resource_uri != NULL);
    if (reply->is_fault) {
        check_fault(reply);
        return;
    }
    for (const struct wsman_instance *at = reply->items; at != NULL; at = at->next) {
        check_instance(at);
        items += 1;
    }
    FUZZ_REQUIRE(items == reply->item_count);
    if (reply->instance != NULL) {
        check_instance(reply->instance);
        check_return_value(reply->instance);
    }
    FUZZ_REQUIRE(operation != WSMAN_ENUMERATE || reply->context != NULL);
    FUZZ_REQUIRE(operation != WSMAN_PULL || reply->is_end || reply->context != NULL);
    FUZZ_REQUIRE(operation != WSMAN_CREATE || reply->created != NULL);
    FUZZ_REQUIRE(operation != WSMAN_GET || reply->instance != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct amt_diag diag = { .err = AMT_OK };
    struct wsman_reply reply;
    struct wsman_reply again;
    if (size < 1 || size > 16384) {
        return 0;
    }
    enum wsman_operation operation = (enum wsman_operation)(data[0] % (WSMAN_UNKNOWN + 1));
    enum amt_err err = wsman_read_reply(&arena, data + 1, size - 1, operation, &reply, &diag);
    FUZZ_REQUIRE((err == AMT_OK) == (diag.text[0] == '\0'));
    FUZZ_REQUIRE(wsman_read_reply(&arena, data + 1, size - 1, operation, &again, NULL) == err);
    if (err == AMT_OK) {
        check_reply(operation, &reply);
        FUZZ_REQUIRE(reply.is_fault == again.is_fault && reply.item_count == again.item_count);
    }
    arena_fini(&arena);
    return 0;
}
