/* Faults in what a device is asked and answers: places dev.http.* and dev.wsman.* (harness.md 7.4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "protocol/wsman/message.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/match.h"
#include "simulator/firmware/meddle.h"

/* An answer taken apart: lines of the head, and the body without its framing. */
struct answer {
    struct text head; /* "HTTP/1.1 200 OK\r\nServer: …\r\n", no framing headers, no empty line */
    struct text body;
};

static bool is_framing(const char *line)
{
    return strncasecmp(line, "Transfer-Encoding:", 18) == 0 ||
           strncasecmp(line, "Content-Length:", 15) == 0;
}

static void join_chunks(struct text *body, const char *chunks)
{
    for (;;) {
        char *end = NULL;
        size_t size = strtoul(chunks, &end, 16);
        const char *data = strstr(end, "\r\n");
        if (size == 0 || data == NULL || strlen(data + 2) < size) {
            return;
        }
        text_append(body, data + 2, size);
        chunks = data + 2 + size + 2;
    }
}

static void take_apart(const struct text *bytes, struct answer *out)
{
    const char *at = text_chars(bytes);
    const char *end = strstr(at, "\r\n\r\n");
    bool is_chunked = false;
    *out = (struct answer){ .head = { 0 } };
    if (end == NULL) {
        return;
    }
    while (at < end + 2) {
        const char *next = strstr(at, "\r\n") + 2;
        is_chunked = is_chunked || strncasecmp(at, "Transfer-Encoding:", 18) == 0;
        if (!is_framing(at)) {
            text_append(&out->head, at, (size_t)(next - at));
        }
        at = next;
    }
    if (is_chunked) {
        join_chunks(&out->body, end + 4);
    } else {
        text_puts(&out->body, end + 4);
    }
}

static void answer_fini(struct answer *answer)
{
    text_fini(&answer->head);
    text_fini(&answer->body);
}

static void put_chunked(struct text *bytes, const struct answer *answer)
{
    text_fini(bytes);
    text_append(bytes, text_chars(&answer->head), answer->head.len);
    text_printf(bytes, "Transfer-Encoding: chunked\r\n\r\n");
    if (answer->body.len > 0) {
        text_printf(bytes, "%04zX\r\n", answer->body.len);
        text_append(bytes, answer->body.chars, answer->body.len);
        text_puts(bytes, "\r\n");
    }
    text_puts(bytes, "0\r\n\r\n");
}

static void put_length(struct text *bytes, const struct answer *answer, const char *header)
{
    text_fini(bytes);
    text_append(bytes, text_chars(&answer->head), answer->head.len);
    text_printf(bytes, "%s%zu\r\n\r\n", header, answer->body.len);
    text_append(bytes, text_chars(&answer->body), answer->body.len);
}

/* What each form of FF-101 and FF-104 looks like. */
static void set_framing(struct firmware_passing *passing, const char *form)
{
    struct answer answer;
    take_apart(passing->bytes, &answer);
    struct text *out = passing->bytes;
    if (strcmp(form, "length") == 0) {
        put_length(out, &answer, "Content-Length: ");
    } else if (strcmp(form, "lower_case") == 0) {
        put_length(out, &answer, "content-length: ");
    } else if (strcmp(form, "no_blank") == 0) {
        put_length(out, &answer, "Content-Length:");
    } else if (strcmp(form, "length_and_close") == 0) {
        put_length(out, &answer, "Connection: close\r\nContent-Length: ");
        passing->hangs_up = true;
    } else if (strcmp(form, "continue_first") == 0) {
        put_chunked(out, &answer);
        struct text both = { 0 };
        text_printf(&both, "HTTP/1.1 100 Continue\r\n\r\n%s", text_chars(out));
        text_fini(out);
        *out = both;
    } else if (strcmp(form, "until_close") == 0 || strcmp(form, "http_1_0") == 0) {
        bool is_old = strcmp(form, "http_1_0") == 0;
        text_fini(out);
        text_printf(out, "HTTP/1.%c%s", is_old ? '0' : '1', text_chars(&answer.head) + 8);
        text_printf(out, "%s\r\n", is_old ? "" : "Connection: close\r\n");
        text_append(out, text_chars(&answer.body), answer.body.len);
        passing->hangs_up = true;
    } else {
        put_chunked(out, &answer);
    }
    answer_fini(&answer);
}

typedef void answer_fn(struct fault *fault, struct firmware_passing *passing, struct text *text);

static void do_delay(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    uint64_t jitter = fault_number(fault, "jitter", 0);
    uint64_t us =
        fault_number(fault, "by", 0) + (jitter == 0 ? 0 : amt_random_below(&fault->random, jitter));
    passing->delay_us += us;
    text_printf(text, "held for %llu ms", (unsigned long long)(us / US_PER_MS));
}

static void do_drop(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    (void)fault;
    passing->is_dropped = true;
    text_puts(text, passing->is_answer ? "kept the answer back" : "did not carry out the request");
}

static void do_fin(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    (void)fault;
    passing->is_dropped = true;
    passing->hangs_up = true;
    text_puts(text, "closed the connection instead of answering");
}

/* A status with an empty, an HTML, or no longer any body. */
static void do_status(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    const struct value *body = fault_argument(fault, "body");
    bool is_html = body != NULL && strcmp(body->text, "html") == 0;
    bool is_chunked = body != NULL && strcmp(body->text, "chunked") == 0;
    unsigned status = (unsigned)fault_number(fault, "status", 500);
    text_fini(passing->bytes);
    text_printf(passing->bytes,
                "HTTP/1.1 %u Because\r\nServer: Intel(R) Active Management Technology\r\n", status);
    if (is_chunked) {
        text_puts(passing->bytes, "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    } else if (is_html) {
        text_puts(passing->bytes, "Content-Type: text/html\r\nContent-Length: 22\r\n\r\n"
                                  "<html>no, sorry</html>");
    } else {
        text_puts(passing->bytes, "Content-Length: 0\r\n\r\n");
    }
    passing->hangs_up = false;
    text_printf(text, "answered with status %u", status);
}

static void do_framing(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    const struct value *form = fault_argument(fault, "form");
    if (passing->is_answer && form != NULL && form->kind == VALUE_TEXT) {
        set_framing(passing, form->text);
        text_printf(text, "framed the answer as %s", form->text);
    }
}

/* The answer ends early and the connection with it. */
static void do_body(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    uint64_t by = fault_number(fault, "short", 0);
    if (passing->is_answer && by > 0 && by < passing->bytes->len) {
        passing->bytes->len -= (size_t)by;
        passing->bytes->chars[passing->bytes->len] = '\0';
        passing->hangs_up = true;
        text_printf(text, "cut %llu bytes off", (unsigned long long)by);
    }
}

static void do_soap_fault(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    const struct value *code = fault_argument(fault, "code"),
                       *detail = fault_argument(fault, "detail");
    enum wsman_fault number = wsman_fault_by_name(code == NULL ? "" : code->text);
    if (number == WSMAN_FAULT_COUNT_ || number == WSMAN_OK) {
        number = WSMAN_INTERNAL_ERROR;
    }
    struct wsman_request request = { .message_id = passing->message_id,
                                     .action = "",
                                     .resource_uri = "",
                                     .class_name = passing->class_name };
    struct wsman_answer head = { .request = &request, .message_counter = 1 };
    struct text envelope = { 0 };
    wsman_write_fault(&envelope, &head, number,
                      detail != NULL && detail->kind == VALUE_TEXT ? detail->text : NULL);
    struct answer answer = { .body = envelope };
    uint64_t status = fault_number(fault, "status", (uint64_t)wsman_fault_status(number));
    text_printf(&answer.head,
                "HTTP/1.1 %llu Fault\r\nServer: Intel(R) Active Management Technology\r\n"
                "Content-Type: application/soap+xml; charset=UTF-8\r\n",
                (unsigned long long)status);
    put_chunked(passing->bytes, &answer);
    passing->hangs_up = false;
    answer_fini(&answer);
    text_printf(text, "answered with the fault %s", wsman_fault_name(number));
}

/* Answered as if it had been carried out: firmware that says more than it does. */
static void do_pretend(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    struct answer answer = { .head = { 0 } };
    if (passing->is_answer) {
        return;
    }
    const char *side = strncmp(passing->class_name, "CIM_", 4) == 0
                           ? "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"
                       : strncmp(passing->class_name, "IPS_", 4) == 0
                           ? "http://intel.com/wbem/wscim/1/ips-schema/1"
                           : "http://intel.com/wbem/wscim/1/amt-schema/1";
    text_puts(&answer.head, "HTTP/1.1 200 OK\r\nServer: Intel(R) Active Management Technology\r\n"
                            "Content-Type: application/soap+xml; charset=UTF-8\r\n");
    text_printf(&answer.body,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" "
                "xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
                "xmlns:g=\"%s/%s\"><a:Header><b:To>"
                "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:To>"
                "<b:RelatesTo>%s</b:RelatesTo><b:Action a:mustUnderstand=\"true\">"
                "%s/%s/%sResponse</b:Action><b:MessageID>uuid:00000000-8086-8086-8086-000000000001"
                "</b:MessageID></a:Header><a:Body><g:%s_OUTPUT><g:ReturnValue>%llu</g:ReturnValue>"
                "</g:%s_OUTPUT></a:Body></a:Envelope>",
                side, passing->class_name, passing->message_id, side, passing->class_name,
                passing->operation, passing->operation,
                (unsigned long long)fault_number(fault, "value", 0), passing->operation);
    put_chunked(passing->bytes, &answer);
    passing->hangs_up = false;
    answer_fini(&answer);
    text_puts(text, "answered without doing it");
}

/* Puts `with` in the place of what lies between two marks of the body. */
static bool replace_between(struct text *body, const char *from, const char *to, const char *with)
{
    const char *start = strstr(text_chars(body), from);
    const char *end = start == NULL ? NULL : strstr(start + strlen(from), to);
    if (end == NULL) {
        return false;
    }
    struct text out = { 0 };
    text_append(&out, body->chars, (size_t)(start + strlen(from) - body->chars));
    text_puts(&out, with);
    text_puts(&out, end);
    text_fini(body);
    *body = out;
    return true;
}

static void do_return_value(struct fault *fault, struct firmware_passing *passing,
                            struct text *text)
{
    struct answer answer;
    char number[24];
    if (!passing->is_answer) {
        return;
    }
    (void)snprintf(number, sizeof number, "%llu",
                   (unsigned long long)fault_number(fault, "value", 1));
    take_apart(passing->bytes, &answer);
    if (replace_between(&answer.body, "ReturnValue>", "<", number)) {
        put_chunked(passing->bytes, &answer);
        text_printf(text, "made the return value %s", number);
    }
    answer_fini(&answer);
}

static void do_xml(struct fault *fault, struct firmware_passing *passing, struct text *text)
{
    const struct value *relates = fault_argument(fault, "relates_to"),
                       *cut = fault_argument(fault, "cut"), *deep = fault_argument(fault, "deep"),
                       *find = fault_argument(fault, "find"), *put = fault_argument(fault, "put");
    struct answer answer;
    if (!passing->is_answer) {
        return;
    }
    take_apart(passing->bytes, &answer);
    if (relates != NULL) {
        const char *with = value_written(&fault->run->pool, relates);
        (void)replace_between(&answer.body, "RelatesTo>", "<", with);
        text_printf(text, "made it relate to %s", with);
    } else if (find != NULL && put != NULL) {
        const char *from = value_written(&fault->run->pool, find);
        if (replace_between(&answer.body, from, "<", value_written(&fault->run->pool, put))) {
            text_printf(text, "wrote something else behind %s", from);
        }
    } else if (cut != NULL) {
        uint64_t keep = answer.body.len / 2;
        answer.body.len = (size_t)keep;
        text_puts(text, "sent half of the envelope as if it were whole");
    } else if (deep != NULL) {
        uint64_t depth = fault_number(fault, "deep", 0);
        text_fini(&answer.body);
        for (uint64_t i = 0; i < depth && i < 100000; i++) {
            text_puts(&answer.body, "<a>");
        }
        text_printf(text, "sent %llu open elements", (unsigned long long)depth);
    }
    put_chunked(passing->bytes, &answer);
    answer_fini(&answer);
}

static answer_fn *find_action(const char *verb)
{
    static const struct action {
        const char *verb;
        answer_fn *fn;
    } k_actions[] = { { "delay", do_delay },
                      { "drop", do_drop },
                      { "fin", do_fin },
                      { "http_status", do_status },
                      { "http_framing", do_framing },
                      { "http_body", do_body },
                      { "soap_fault", do_soap_fault },
                      { "return_value", do_return_value },
                      { "pretend", do_pretend },
                      { "xml", do_xml } };
    for (size_t i = 0; i < sizeof k_actions / sizeof k_actions[0]; i++) {
        if (strcmp(k_actions[i].verb, verb) == 0) {
            return k_actions[i].fn;
        }
    }
    return NULL;
}

static bool is_at(const struct fault *fault, const struct actor *actor)
{
    return (fault->layer & (FAULT_LAYER_HTTP | FAULT_LAYER_WSMAN)) != 0 &&
           strcmp(fault->actor, actor->name) == 0;
}

/* class, operation, target, status. */
static bool fits(struct fault *fault, const struct firmware_passing *passing)
{
    struct arena *pool = &fault->run->pool;
    if (fault->layer == FAULT_LAYER_WSMAN && !passing->is_wsman) {
        return false;
    }
    /* An answer to a request that was not let in is no answer of WS-Management. */
    if (fault->layer == FAULT_LAYER_WSMAN && passing->is_answer && passing->status == 401) {
        return false;
    }
    if (!(passing->is_answer ? fault->is_out : fault->is_in)) {
        return false;
    }
    struct value *fields = value_map(pool);
    value_put(pool, fields, "class", value_text(pool, passing->class_name));
    value_put(pool, fields, "operation", value_text(pool, passing->operation));
    value_put(pool, fields, "target", value_text(pool, passing->target));
    value_put(pool, fields, "status", value_int(pool, passing->status));
    for (const struct value *at = fault->when == NULL ? NULL : fault->when->first; at != NULL;
         at = at->next) {
        if (key_find(k_condition_keys, at->key) == NULL &&
            !match(at, value_get(fields, at->key), NULL)) {
            return false;
        }
    }
    return true;
}

#define OVERLOAD_PAUSE_US (60u * (uint64_t)US_PER_SECOND)

/* The device is gone for a while; not from inside a request that it is serving. */
static void give_up(void *ctx)
{
    const struct fault *fault = ctx;
    device_reboot(actor_device(case_actor(fault->run, fault->actor)), OVERLOAD_PAUSE_US);
}

/* Firmware that freezes, or loses its tunnel, under more requests than it can hold (FF-114). */
static void count_load(struct fault *fault, struct firmware_passing *passing)
{
    const struct value *action = fault_argument(fault, "action");
    bool drops = action != NULL && strcmp(action->text, "drop_tunnel") == 0;
    if (!passing->is_wsman || !fault->is_armed) {
        return;
    }
    if (passing->is_answer) {
        fault->in_flight -= fault->in_flight > 0 ? 1 : 0;
        return;
    }
    fault->in_flight += 1;
    if (!fault->is_over && fault->in_flight > fault_number(fault, "max_inflight", 4)) {
        fault->is_over = true;
        fault_acted(fault, drops ? "lost its tunnel under too many requests"
                                 : "froze under too many requests");
        if (drops) {
            loop_task_init(&fault->give_up, fault->run->loop, give_up, fault);
            loop_task_post(&fault->give_up);
        }
    }
    passing->is_dropped = fault->is_over;
}

static void meddle(void *ctx, struct firmware_passing *passing)
{
    struct actor *actor = ctx;
    for (struct fault *fault = actor->run->faults; fault != NULL; fault = fault->next) {
        if (is_at(fault, actor) && strcmp(fault->verb->name, "overload") == 0) {
            count_load(fault, passing);
        }
    }
    for (struct fault *fault = actor->run->faults; fault != NULL; fault = fault->next) {
        answer_fn *action = find_action(fault->verb->name);
        if (!is_at(fault, actor) || action == NULL || !fault->is_armed || fault->times_left == 0 ||
            !fits(fault, passing) || !fault_is_due(fault)) {
            continue;
        }
        struct text text = { 0 };
        action(fault, passing, &text);
        fault_acted(fault, text_chars(&text));
        text_fini(&text);
    }
}

enum amt_err fault_answers_start(struct actor *actor, struct amt_diag *diag)
{
    for (const struct fault *fault = actor->run->faults; fault != NULL; fault = fault->next) {
        if (is_at(fault, actor)) {
            struct firmware *firmware = device_firmware(actor_device(actor), diag);
            if (firmware == NULL) {
                return diag->err;
            }
            firmware_set_meddler(firmware, meddle, actor);
            return AMT_OK;
        }
    }
    return AMT_OK;
}
