/* Verbs of consoles: chan.open, chan.send, chan.close, http.request. */
#include <string.h>

#include "base/bytes.h"
#include "runtime/http.h"
#include "scenarios/engine/actor_console.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/bytes_value.h"
#include "scenarios/engine/verb.h"

static enum step_state read_device(struct strand *strand, struct uuid *device)
{
    const char *why = NULL;
    return console_device(strand->step.actor, step_text(strand, "device", ""), device, &why)
               ? STEP_DONE
               : step_fail(strand, "setup", "%s", why);
}

static enum step_state server_runs(struct strand *strand)
{
    struct actor *console = strand->step.actor, *via = actor_console_via(console);
    return actor_console_to(console) != NULL || via == NULL || via->is_external ||
                   actor_mps_server(via) != NULL
               ? STEP_DONE
               : step_fail(strand, "setup", "the server that it works through is stopped");
}

static const char *capture_name(const struct strand *strand, const char *fallback)
{
    const struct yaml_node *as = yaml_get(strand->step.node, "as");
    return as == NULL || as->kind != YAML_SCALAR ? fallback : as->text;
}

enum step_state verb_chan_open_start(struct strand *strand)
{
    struct uuid device;
    if (read_device(strand, &device) == STEP_FAILED || server_runs(strand) == STEP_FAILED) {
        return STEP_FAILED;
    }
    strand->step.state = console_open(strand->step.actor, capture_name(strand, "chan"), &device,
                                      (uint32_t)step_number(strand, "port", CONSOLE_PORT_HTTP));
    return step_bool(strand, "wait", true) ? verb_chan_open_poll(strand) : STEP_DONE;
}

enum step_state verb_chan_open_poll(struct strand *strand)
{
    struct console_channel *c = strand->step.state;
    struct arena *pool = &strand->run->pool;
    if (c->is_open) {
        struct value *handle = value_map(pool);
        value_put(pool, handle, "name", value_text(pool, c->name));
        strand->step.outcome = handle;
        return STEP_DONE;
    }
    if (c->has_ended) {
        return step_fail(strand, "refused", "the channel was not opened: %s",
                         c->end.text[0] == '\0' ? stream_end_name(c->end.kind) : c->end.text);
    }
    return step_is_late(strand) ? step_fail(strand, "timeout", "the channel was not opened in time")
                                : STEP_WAITS;
}

static struct console_channel *find_channel(struct strand *strand)
{
    const char *name = step_text(strand, "channel", "chan");
    const struct value *given = step_argument(strand, "channel");
    if (given != NULL && given->kind == VALUE_MAP && value_get(given, "name") != NULL) {
        name = value_get(given, "name")->text;
    }
    struct console_channel *c = console_find(strand->step.actor, name);
    if (c == NULL) {
        (void)step_fail(strand, "setup", "there is no open channel '%s'", name);
    }
    return c;
}

/* The bytes of a step: `data`, or one of hex, text ... beside the other arguments. */
static enum step_state read_bytes(struct strand *strand, struct bytes *bytes)
{
    struct amt_diag diag = { 0 };
    const struct value *data = step_argument(strand, "data");
    for (const struct value *at = strand->step.arguments->first; data == NULL && at != NULL;
         at = at->next) {
        if (bytes_value_is_key(at->key)) {
            struct value *map = value_map(&strand->run->pool);
            value_put(&strand->run->pool, map, at->key, value_copy(&strand->run->pool, at));
            data = map;
        }
    }
    if (data == NULL) {
        return step_fail(strand, "setup", "no bytes are given: use text, hex ...");
    }
    return bytes_value(data, strand->run->scenario->folder, bytes, &diag) == AMT_OK
               ? STEP_DONE
               : step_fail(strand, "setup", "%s", diag.text);
}

enum step_state verb_chan_send(struct strand *strand)
{
    struct console_channel *c = find_channel(strand);
    struct bytes bytes = { 0 };
    enum step_state state = c == NULL ? STEP_FAILED : read_bytes(strand, &bytes);
    if (state == STEP_DONE && bytes.len > 0) {
        enum amt_err err = stream_write(c->stream, bytes_front(&bytes), bytes.len);
        if (err != AMT_OK) {
            state = step_fail(strand, "send", "the channel takes no data: %s", amt_err_text(err));
        }
    }
    bytes_fini(&bytes);
    return state;
}

enum step_state verb_chan_close(struct strand *strand)
{
    struct console_channel *c = find_channel(strand);
    if (c == NULL) {
        return STEP_FAILED;
    }
    stream_close(c->stream);
    c->stream = NULL;
    return STEP_DONE;
}

struct request {
    struct case_run *run;
    struct value *answer; /* NULL: none yet */
    const char *error;
};

static void on_response(void *ctx, const struct http_response *response)
{
    struct request *request = ctx;
    struct arena *pool = &request->run->pool;
    if (response->error != NULL) {
        request->error = pool_strdup(pool, response->error);
        case_wake(request->run);
        return;
    }
    struct value *headers = value_map(pool);
    for (uint32_t i = 0; i < response->header_count; i++) {
        value_put(pool, headers, response->headers[i].name,
                  value_text(pool, response->headers[i].value));
    }
    request->answer = value_map(pool);
    value_put(pool, request->answer, "status", value_int(pool, response->status));
    value_put(pool, request->answer, "headers", headers);
    value_put(pool, request->answer, "body",
              value_text_n(pool, response->body == NULL ? "" : response->body, response->body_len));
    case_wake(request->run);
}

enum step_state verb_http_request_start(struct strand *strand)
{
    struct case_run *run = strand->run;
    struct uuid device;
    struct request *request = pool_alloc(&run->pool, sizeof *request);
    request->run = run;
    strand->step.state = request;
    if (read_device(strand, &device) == STEP_FAILED || server_runs(strand) == STEP_FAILED) {
        return STEP_FAILED;
    }
    const struct value *headers = step_argument(strand, "headers");
    struct text lines = { 0 };
    for (const struct value *at = headers == NULL ? NULL : headers->first; at != NULL;
         at = at->next) {
        text_printf(&lines, "%s: ", at->key);
        value_write(at, &lines);
        text_puts(&lines, "\r\n");
    }
    const char *body = step_text(strand, "body", "");
    struct stream *s =
        console_connect(strand->step.actor, &device,
                        (uint32_t)step_number(strand, "port", CONSOLE_PORT_HTTP), NULL, NULL);
    struct http_request_spec spec = { .method = step_text(strand, "method", "GET"),
                                      .target = step_text(strand, "path", "/"),
                                      .host = step_text(strand, "host", "device"),
                                      .headers = pool_take(&run->pool, &lines),
                                      .body = body,
                                      .body_len = (uint32_t)strlen(body),
                                      .limit_us = strand->step.within_us };
    http_fetch(run->loop, pool_checked(s), &spec, on_response, request);
    return STEP_WAITS;
}

enum step_state verb_http_request_poll(struct strand *strand)
{
    const struct request *request = strand->step.state;
    if (request->error != NULL) {
        return step_fail(strand, "http", "no answer: %s", request->error);
    }
    if (request->answer == NULL) {
        return STEP_WAITS; /* http_fetch keeps the time itself */
    }
    strand->step.outcome = request->answer;
    return STEP_DONE;
}
