/* Verbs of consoles: wsman.*, power.request. */
#include <string.h>

#include "client/compose.h"
#include "client/power.h"
#include "scenarios/engine/actor_console.h"
#include "scenarios/engine/match.h"
#include "scenarios/engine/record.h"
#include "scenarios/engine/verb.h"
#include "scenarios/engine/wsman_value.h"

struct asking {
    struct case_run *run;
    struct console_client *client;
    struct wsman_call call;
    bool reads_first; /* a put that changes what the device has */
    bool is_done;
    struct wsman_outcome outcome;
};

static void ask(struct asking *asking, struct wsman_call *call);

/* The object as read, with the step's values over it. */
static void on_read(struct asking *asking, const struct wsman_outcome *outcome)
{
    asking->reads_first = false;
    if (outcome->result != WSMAN_DONE || outcome->reply->instance == NULL) {
        asking->outcome = *outcome;
        asking->is_done = true;
        return;
    }
    struct wsman_instance *body = outcome->reply->instance;
    for (const struct wsman_property *p = asking->call.body->first; p != NULL; p = p->next) {
        wsman_set_values(body, p->name, p->values);
    }
    asking->call.body = body;
    ask(asking, &asking->call);
}

static void on_done(void *ctx, const struct wsman_outcome *outcome)
{
    struct asking *asking = ctx;
    if (asking->reads_first) {
        on_read(asking, outcome);
    } else {
        asking->outcome = *outcome;
        asking->is_done = true;
    }
    case_wake(asking->run);
}

static void ask(struct asking *asking, struct wsman_call *call)
{
    enum amt_err err =
        wsman_client_call(asking->client->client, call, &asking->run->pool, on_done, asking);
    (void)pool_checked(err == AMT_OK ? asking : NULL);
}

static const char *argument_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);
    return value == NULL || value->kind != VALUE_TEXT ? NULL : value->text;
}

/* The client this step speaks through: one for each device, port, user and connection name. */
static struct console_client *find_client(struct strand *strand)
{
    struct actor *actor = strand->step.actor;
    const struct value *auth = step_argument(strand, "auth");
    const struct value *port = actor_get(actor, "port");
    int64_t usual_port = 16992;
    if (port != NULL) {
        (void)value_number(port, &usual_port);
    }
    struct console_client_key key = {
        .port = (uint32_t)step_number(strand, "port", (uint64_t)usual_port),
        .connection = step_text(strand, "connection", ""),
    };
    if (auth == NULL) {
        auth = actor_get(actor, "auth");
    }
    key.user = argument_of(auth, "user");
    key.password = argument_of(auth, "password");
    const char *why = NULL;
    if (!console_device(actor, step_text(strand, "device", ""), &key.device, &why)) {
        (void)step_fail(strand, "setup", "%s", why);
        return NULL;
    }
    return console_client(actor, &key);
}

static bool prepare(struct strand *strand, struct asking *asking)
{
    struct arena *pool = &strand->run->pool;
    struct wsman_call *call = &asking->call;
    const char *why = NULL;
    if (!wsman_value_selectors(pool, step_argument(strand, "selectors"), &call->selectors, &why)) {
        (void)step_fail(strand, "setup", "%s", why);
        return false;
    }
    if (call->operation == WSMAN_PUT || call->operation == WSMAN_CREATE ||
        (call->operation == WSMAN_METHOD && call->body == NULL)) {
        struct wsman_instance *body = pool_checked(wsman_instance_new(pool, call->class_name));
        if (!wsman_value_apply(pool, step_argument(strand, "values"), body, &why)) {
            (void)step_fail(strand, "setup", "%s", why);
            return false;
        }
        call->body = body;
    }
    return true;
}

static enum step_state start(struct strand *strand, const struct wsman_call *call)
{
    struct asking *asking = pool_alloc(&strand->run->pool, sizeof *asking);
    strand->step.state = asking;
    asking->run = strand->run;
    asking->call = *call;
    asking->client = find_client(strand);
    if (asking->client == NULL || !prepare(strand, asking)) {
        return STEP_FAILED;
    }
    asking->reads_first = call->operation == WSMAN_PUT && !step_bool(strand, "bare", false);
    struct wsman_call first = asking->call;
    if (asking->reads_first) {
        first.operation = WSMAN_GET;
        first.body = NULL;
    }
    ask(asking, &first);
    return STEP_WAITS;
}

static enum step_state start_operation(struct strand *strand, enum wsman_operation operation)
{
    const char *class_name = step_text(strand, "class", "");
    struct wsman_call call = { .operation = operation,
                               .class_name = class_name,
                               .method = step_text(strand, "method", NULL),
                               .context = step_text(strand, "context", NULL),
                               .max_elements = (uint32_t)step_number(strand, "max_elements", 0),
                               .is_single = !step_bool(strand, "pull", true) };
    if (!compose_is_name(class_name) || (call.method != NULL && !compose_is_name(call.method))) {
        return step_fail(strand, "setup",
                         "'class' is '%s'; wanted a class such as "
                         "AMT_GeneralSettings",
                         class_name);
    }
    return start(strand, &call);
}

enum step_state verb_wsman_get(struct strand *strand)
{
    return start_operation(strand, WSMAN_GET);
}

enum step_state verb_wsman_put(struct strand *strand)
{
    return start_operation(strand, WSMAN_PUT);
}

enum step_state verb_wsman_create(struct strand *strand)
{
    return start_operation(strand, WSMAN_CREATE);
}

enum step_state verb_wsman_delete(struct strand *strand)
{
    return start_operation(strand, WSMAN_DELETE);
}

enum step_state verb_wsman_enumerate(struct strand *strand)
{
    return start_operation(strand, WSMAN_ENUMERATE);
}

enum step_state verb_wsman_pull(struct strand *strand)
{
    return start_operation(strand, WSMAN_PULL);
}

enum step_state verb_wsman_release(struct strand *strand)
{
    return start_operation(strand, WSMAN_RELEASE);
}

enum step_state verb_wsman_invoke(struct strand *strand)
{
    return start_operation(strand, WSMAN_METHOD);
}

/* The words of `amtlab power`, written as scenarios write words: soft_off. */
static bool power_number(const char *word, uint64_t *number)
{
    char dashed[24];
    size_t len = strlen(word);
    if (len >= sizeof dashed) {
        return false;
    }
    for (size_t i = 0; i <= len; i++) {
        dashed[i] = (char)(word[i] == '_' ? '-' : word[i]);
    }
    *number = client_power_number(dashed);
    return *number != 0 || text_parse_u64(word, 65535, number) == AMT_OK;
}

enum step_state verb_power_request(struct strand *strand)
{
    struct arena *pool = &strand->run->pool;
    const struct value *state = step_argument(strand, "state");
    uint64_t number = 0;
    if (state == NULL || !power_number(value_written(pool, state), &number)) {
        return step_fail(strand, "setup",
                         "'state' wants on, off, cycle, reset, soft_off, soft_reset, sleep, "
                         "hibernate, nmi or a number");
    }
    struct wsman_instance *input =
        pool_checked(wsman_instance_new(pool, "CIM_PowerManagementService"));
    wsman_set_u64(input, "PowerState", number);
    wsman_set_ref(
        input, "ManagedElement",
        pool_checked((void *)wsman_ref_new(pool, "CIM_ComputerSystem", 2, "CreationClassName",
                                           "CIM_ComputerSystem", "Name", "ManagedSystem")));
    struct wsman_call call = { .operation = WSMAN_METHOD,
                               .class_name = "CIM_PowerManagementService",
                               .method = "RequestPowerStateChange",
                               .body = input };
    return start(strand, &call);
}

/* A line for the trace: who was asked what, and what came. */
static void record(struct strand *strand, const struct asking *asking)
{
    struct case_run *run = strand->run;
    const struct wsman_call *call = &asking->call;
    const struct wsman_outcome *outcome = &asking->outcome;
    bool is_method = call->operation == WSMAN_METHOD;
    struct item item = { .kind = ITEM_EVENT, .name = "wsman", .at_us = case_now_us(run) };
    item.text = pool_printf(&run->pool, "%s %s%s%s: %s, status %d%s%s",
                            is_method ? "Invoke" : wsman_operation_name(call->operation),
                            call->class_name, is_method ? "." : "", is_method ? call->method : "",
                            wsman_result_name(outcome->result), outcome->status,
                            outcome->diag.text[0] == '\0' ? "" : ", ", outcome->diag.text);
    record_event(run, &item, strand->step.actor->name, "device");
}

static enum step_state judge_expected(struct strand *strand, const struct value *expected)
{
    struct arena *pool = &strand->run->pool;
    for (const struct value *at = expected->first; at != NULL; at = at->next) {
        const struct value *actual = value_path(strand->step.outcome, at->key);
        struct text why = { 0 };
        if (match(at, actual, &why)) {
            text_fini(&why);
            continue;
        }
        const char *reason = pool_take(pool, &why);
        const struct value *error = value_get(strand->step.outcome, "error");
        struct text words = { 0 };
        match_describe(at, &words);
        strand->step.failure =
            (struct failure){ .node = at->place,
                              .caret = "wanted here",
                              .expected = pool_take(pool, &words),
                              .actual = actual == NULL ? "not there" : value_show(pool, actual),
                              .field = at->key };
        return step_fail(strand, "wsman", "%s %s%s%s", at->key, reason, error->len == 0 ? "" : "; ",
                         error->text);
    }
    return STEP_DONE;
}

/* Without `expect` only what was done counts: status 200, and 0 from a method. */
static enum step_state judge(struct strand *strand, const struct wsman_outcome *outcome)
{
    const struct value *expected = step_argument(strand, "expect");
    strand->step.outcome = wsman_value_of_outcome(&strand->run->pool, outcome);
    if (expected != NULL) {
        return judge_expected(strand, expected);
    }
    if (outcome->result == WSMAN_DONE && outcome->return_value == 0) {
        return STEP_DONE;
    }
    return step_fail(strand, "wsman", "%s", outcome->diag.text);
}

enum step_state verb_wsman_poll(struct strand *strand)
{
    struct asking *asking = strand->step.state;
    if (!asking->is_done && !step_is_late(strand)) {
        return STEP_WAITS;
    }
    if (!asking->is_done) {
        /* The answer may still come: nobody waits for it on that connection any more. */
        console_client_drop(asking->client);
        asking->outcome.result = WSMAN_LATE;
        (void)amt_diag_set(&asking->outcome.diag, AMT_ETIMEOUT, "no answer in time");
    }
    record(strand, asking);
    return judge(strand, &asking->outcome);
}
