#include "simulator/firmware/exchange.h"

#include <string.h>

#define ENVELOPE_SIZE_MIN 50000u /* wsman.md 2.8: EncodingLimit below */

struct firmware_exchange {
    struct firmware_call call;
    struct firmware_user user;
    struct wsman_request request;
    struct arena arena;
    char peer[STREAM_NAME_BYTES];
    firmware_reply_fn *reply; /* NULL: the client has left */
    void *ctx;
    struct firmware_exchange *next, *previous; /* of firmware->deferred */
};

void firmware_run_afterwards(void *ctx)
{
    struct firmware *firmware = ctx;
    uint32_t count = firmware->afterwards_count;
    firmware_afterwards_fn *due[FIRMWARE_AFTERWARDS_MAX];
    memcpy(due, firmware->afterwards, sizeof due);
    firmware->afterwards_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        due[i](firmware);
    }
}

#define AFTERWARDS_US (200u * (uint64_t)US_PER_MS)

/* The answer has a moment to leave. What earlier answers have left to do is done as well: the end of
 * provisioning is not forgotten because somebody asks for something else. */
static void schedule(struct firmware *firmware, firmware_afterwards_fn *afterwards)
{
    uint32_t at = 0;
    while (at < firmware->afterwards_count && firmware->afterwards[at] != afterwards) {
        at++;
    }
    if (at < FIRMWARE_AFTERWARDS_MAX) {
        firmware->afterwards[at] = afterwards;
        firmware->afterwards_count += at == firmware->afterwards_count ? 1 : 0;
    }
    timer_start(&firmware->afterwards_timer, AFTERWARDS_US);
}

static void log_answer(const struct firmware_exchange *e, int status)
{
    const struct wsman_request *request = &e->request;
    LOG(e->call.firmware->log, e->call.fault == WSMAN_OK ? LOG_DEBUG : LOG_INFO, "wsman.request",
        log_text("uuid", e->call.firmware->uuid_text), log_text("class", request->class_name),
        log_text("operation", request->operation == WSMAN_METHOD
                                  ? request->method
                                  : wsman_operation_name(request->operation)),
        log_text("user", e->user.name), log_u64("status", (uint64_t)status),
        log_text("fault", wsman_fault_name(e->call.fault)));
}

/* What must last is on disk before the client is told. */
static void keep_state(struct firmware_exchange *e)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (e->call.firmware->is_dirty && firmware_state_save(e->call.firmware, &diag) != AMT_OK) {
        LOG(e->call.firmware->log, LOG_ERROR, "state.save_failed",
            log_text("uuid", e->call.firmware->uuid_text), log_text("reason", diag.text));
        (void)firmware_fault(&e->call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 38");
    }
}

static void finish(struct firmware_exchange *e, struct text *body)
{
    keep_state(e);
    if (body->failed && e->call.fault == WSMAN_OK) {
        (void)firmware_fault(&e->call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
    }
    if (e->call.fault != WSMAN_OK) {
        struct wsman_answer answer = firmware_answer(&e->call, NULL);
        text_fini(body);
        *body = (struct text){ 0 };
        wsman_write_fault(body, &answer, e->call.fault, e->call.detail);
    }
    int status = wsman_fault_status(e->call.fault);
    log_answer(e, status);
    if (e->call.afterwards != NULL) {
        schedule(e->call.firmware, e->call.afterwards);
    }
    if (e->reply != NULL) {
        e->reply(e->ctx, status, body);
    }
    text_fini(body);
    arena_fini(&e->arena);
    amt_free(e);
}

static void defer(struct firmware_exchange *e)
{
    struct firmware_exchange *first = e->call.firmware->deferred;
    e->next = first;
    if (first != NULL) {
        first->previous = e;
    }
    e->call.firmware->deferred = e;
}

static void undefer(struct firmware_exchange *e)
{
    if (e->previous != NULL) {
        e->previous->next = e->next;
    } else {
        e->call.firmware->deferred = e->next;
    }
    if (e->next != NULL) {
        e->next->previous = e->previous;
    }
}

/* Methods that will not finish any more: the device goes. */
void firmware_exchanges_fini(struct firmware *firmware)
{
    while (firmware->deferred != NULL) {
        struct firmware_exchange *e = firmware->deferred;
        undefer(e);
        arena_fini(&e->arena);
        amt_free(e);
    }
}

static void on_method_done(struct firmware_call *call, uint32_t return_value)
{
    struct firmware_exchange *e = call->exchange;
    struct text body = { 0 };
    undefer(e);
    if (call->fault == WSMAN_OK) {
        firmware_finish_output(call, call->output, return_value);
    }
    if (call->fault == WSMAN_OK) {
        firmware_answer_method(call, call->output, &body);
    }
    finish(e, &body);
}

static enum wsman_fault find_class(struct firmware_exchange *e)
{
    const struct profile_class *slot =
        firmware_profile_class(e->call.firmware->profile, e->request.class_name);
    if (slot == NULL || !wsman_uri_is_class(e->request.resource_uri, e->request.class_name)) {
        return WSMAN_DESTINATION_UNREACHABLE; /* WSM-055 */
    }
    e->call.description = slot->description;
    return WSMAN_OK;
}

/* True when the answer is in body, false when it comes later. */
static bool run(struct firmware_exchange *e, const void *bytes, size_t len, struct text *body)
{
    struct amt_diag diag = { .err = AMT_OK };
    e->call.fault = wsman_request_read(&e->arena, bytes, len, &e->request, &diag);
    if (e->call.fault != WSMAN_OK && diag.text[0] != '\0') {
        LOG(e->call.firmware->log, LOG_INFO, "wsman.malformed",
            log_text("uuid", e->call.firmware->uuid_text), log_text("reason", diag.text),
            log_u64("line", diag.line), log_u64("column", diag.column));
    }
    if (e->call.fault == WSMAN_OK && e->request.max_envelope_size != 0 &&
        e->request.max_envelope_size < ENVELOPE_SIZE_MIN) {
        (void)firmware_fault(&e->call, WSMAN_ENCODING_LIMIT, "MinimumEnvelopeLimit");
    }
    if (e->call.fault == WSMAN_OK) {
        e->call.fault = find_class(e);
    }
    return e->call.fault != WSMAN_OK || firmware_dispatch(&e->call, body);
}

struct firmware_exchange *firmware_exchange(struct firmware *firmware,
                                            const struct firmware_user *user,
                                            enum firmware_door door, const char *peer,
                                            const void *bytes, size_t len, firmware_reply_fn *reply,
                                            void *ctx)
{
    struct firmware_exchange *e = amt_alloc(sizeof *e);
    struct text body = { 0 };
    if (e == NULL) {
        reply(ctx, 500, &body);
        return NULL;
    }
    e->user = *user;
    e->reply = reply;
    e->ctx = ctx;
    (void)strncpy(e->peer, peer, sizeof e->peer - 1);
    e->call = (struct firmware_call){ .firmware = firmware,
                                      .arena = &e->arena,
                                      .user = &e->user,
                                      .door = door,
                                      .peer = e->peer,
                                      .request = &e->request,
                                      .finish = on_method_done,
                                      .exchange = e };
    if (!run(e, bytes, len, &body)) {
        text_fini(&body);
        defer(e);
        return e;
    }
    finish(e, &body);
    return NULL;
}

void firmware_exchange_forget(struct firmware_exchange *exchange)
{
    exchange->reply = NULL;
}
