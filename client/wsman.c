#include "client/wsman.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "client/credentials.h"

#define TARGET          "/wsman"
#define EMPTY_PAGES_MAX 100u

/* One call, with the requests it takes. */
struct ticket {
    struct wsman_client *client;
    enum wsman_operation
        operation; /* of the request under way: Enumerate, then Pull, then Release */
    bool is_enumeration;
    char *class_name;
    struct text envelope;
    uint64_t message_id;
    struct client_attempt attempt;
    bool was_sent_again;
    uint32_t empty_pages;
    const char *context; /* of the Pull under way */
    struct wsman_instance **items_end;
    struct wsman_outcome outcome;
    uint64_t started_us;
    struct arena *arena;
    wsman_done_fn *done;
    void *ctx;
    struct ticket *next;
};

struct wsman_client {
    struct loop *loop;
    struct stream *(*connect)(void *ctx);
    void *ctx;
    char *where, *host;
    uint64_t first_byte_limit_us, limit_us;
    struct client_credentials credentials;
    struct http_client *http; /* NULL: no connection */
    uint64_t message_id;
    struct ticket *first, **last; /* first is under way */
    bool is_busy;
    struct loop_task start;
};

static const char *const k_result_names[] = { "done", "fault", "http",    "refused",  "unreachable",
                                              "lost", "late",  "garbled", "no memory" };

const char *wsman_result_name(enum wsman_result result)
{
    return k_result_names[result];
}

static void ticket_free(struct ticket *t)
{
    text_fini(&t->envelope);
    amt_free(t->class_name);
    amt_free(t);
}

/* The ticket goes; what comes next is started by the loop, because done may free the client. */
static void finish(struct ticket *t)
{
    struct wsman_client *client = t->client;
    t->outcome.took_us = loop_now_us(client->loop) - t->started_us;
    client->first = t->next;
    if (client->first == NULL) {
        client->last = &client->first;
    }
    client->is_busy = false;
    loop_task_post(&client->start);
    struct wsman_outcome outcome = t->outcome;
    wsman_done_fn *done = t->done;
    void *ctx = t->ctx;
    ticket_free(t);
    done(ctx, &outcome);
}

static struct amt_diag *set_result(struct ticket *t, enum wsman_result result)
{
    t->outcome.result = result;
    t->outcome.reply = result == WSMAN_DONE || result == WSMAN_FAULTED ? t->outcome.reply : NULL;
    memset(&t->outcome.diag, 0, sizeof t->outcome.diag);
    return &t->outcome.diag;
}

static void out_of_memory(struct ticket *t)
{
    (void)amt_diag_set(set_result(t, WSMAN_NO_MEMORY), AMT_ENOMEM, "out of memory");
    finish(t);
}

static void send_request(struct ticket *t);

/* Pull and Release follow from an Enumerate. */
static void send_next(struct ticket *t, enum wsman_operation operation, const char *context)
{
    struct wsman_call call = { .operation = operation,
                               .class_name = t->class_name,
                               .context = context,
                               .message_id = t->client->message_id++ };
    text_fini(&t->envelope);
    wsman_write_call(&t->envelope, &call);
    t->message_id = call.message_id;
    t->operation = operation;
    t->context = context;
    t->attempt = (struct client_attempt){ .stale = 0 };
    t->was_sent_again = false;
    send_request(t);
}

/* Asking twice must change nothing on the device (FF-107). A Pull moves its context on. */
static bool may_be_sent_again(const struct ticket *t)
{
    return !t->was_sent_again && (t->operation == WSMAN_GET || t->operation == WSMAN_ENUMERATE ||
                                  t->operation == WSMAN_IDENTIFY_OPERATION);
}

static void hint_for_end(struct amt_diag *diag, const struct stream_end *end)
{
    if (end->kind == STREAM_END_TLS) {
        (void)amt_diag_hint(diag, "a port without TLS, another TLS version, or a certificate that "
                                  "is not trusted: see --tls, --trust and --insecure");
    } else if (end->kind == STREAM_END_REFUSED || end->kind == STREAM_END_TIMEOUT) {
        (void)amt_diag_hint(diag,
                            "is the device provisioned and in reach? 16993 (--tls) is open once "
                            "TLS is set up; 16992 is closed on the network from AMT 16.1 on");
    }
}

static bool is_no_connection(const struct http_response *response)
{
    const struct stream_end *end = response->end;
    return end != NULL && !response->has_started &&
           (end->kind == STREAM_END_REFUSED || end->kind == STREAM_END_RESOLVE ||
            end->kind == STREAM_END_TIMEOUT || end->kind == STREAM_END_TLS ||
            end->kind == STREAM_END_LOCAL);
}

/* There is no whole answer. */
static void report_broken(struct ticket *t, const struct http_response *response)
{
    const char *where = t->client->where;
    if (is_no_connection(response)) {
        bool is_tls = response->end->kind == STREAM_END_TLS;
        struct amt_diag *diag = set_result(t, WSMAN_UNREACHABLE);
        (void)amt_diag_set(diag, is_tls ? AMT_ETLS : AMT_ECLOSED, "%s: %s", where, response->error);
        hint_for_end(diag, response->end);
        return;
    }
    struct amt_diag *diag = set_result(t, response->is_late ? WSMAN_LATE : WSMAN_LOST);
    (void)amt_diag_set(diag, response->is_late ? AMT_ETIMEOUT : AMT_ECLOSED, "%s: %s", where,
                       response->error);
    (void)amt_diag_hint(diag,
                        "the device may have carried it out all the same: read the state back "
                        "before doing it again");
}

static void report_status(struct ticket *t, int status)
{
    struct amt_diag *diag = set_result(t, WSMAN_HTTP);
    (void)amt_diag_set(diag, AMT_EPEER, "%s: HTTP status %d without a SOAP answer",
                       t->client->where, status);
    (void)amt_diag_hint(diag, status == 400 ? "the device took the request for malformed, or does "
                                              "not know the class or method (FF-116)"
                              : status == 404 ? "there is no WS-Management here; is it an AMT port?"
                                              : "nothing more is known");
}

static void report_fault(struct ticket *t)
{
    struct amt_diag *diag = set_result(t, WSMAN_FAULTED);
    diag->err = AMT_EPEER;
    wsman_explain_fault(&t->outcome.reply->fault, diag);
}

/* RelatesTo tells which call is answered; only faults may lack it (FF-108). */
static bool is_for(const struct ticket *t, const struct wsman_reply *reply)
{
    char wanted[24];
    (void)snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)t->message_id);
    return reply->relates_to[0] == '\0' ? reply->is_fault : strcmp(reply->relates_to, wanted) == 0;
}

static void take_return_value(struct ticket *t)
{
    struct wsman_outcome *outcome = &t->outcome;
    const struct wsman_instance *output = outcome->reply->instance;
    outcome->has_return_value = wsman_has(output, "ReturnValue");
    if (!outcome->has_return_value) {
        struct amt_diag *diag = set_result(t, WSMAN_GARBLED);
        (void)amt_diag_set(diag, AMT_EMALFORMED, "the method's output has no ReturnValue");
        return;
    }
    outcome->return_value = (uint32_t)wsman_get_u64(output, "ReturnValue", UINT32_MAX);
    if (outcome->return_value != 0) {
        (void)amt_diag_set(
            &outcome->diag, AMT_EPEER, "the method returns %u (%s)", outcome->return_value,
            wsman_return_name(t->class_name, output->class_name, outcome->return_value));
    }
}

/* Appends a page. False: the enumeration is over, one way or the other. */
static bool take_page(struct ticket *t)
{
    struct wsman_outcome *outcome = &t->outcome;
    const struct wsman_reply *reply = outcome->reply;
    if (t->operation == WSMAN_PULL) {
        *t->items_end = reply->items;
        while (*t->items_end != NULL) {
            t->items_end = &(*t->items_end)->next;
        }
        outcome->item_count += reply->item_count;
        outcome->pulls += 1;
        t->empty_pages = reply->item_count == 0 ? t->empty_pages + 1 : 0;
    }
    if (reply->context == NULL || reply->is_end) {
        return false;
    }
    if (t->empty_pages == EMPTY_PAGES_MAX) {
        (void)amt_diag_set(set_result(t, WSMAN_GARBLED), AMT_EMALFORMED,
                           "%u pages without an item, and the enumeration does not end",
                           EMPTY_PAGES_MAX);
        return false;
    }
    return true;
}

/* The envelope is whole and no fault. */
static void take_reply(struct ticket *t)
{
    bool has_more = t->outcome.is_enumeration && take_page(t);
    if (has_more && t->is_enumeration) {
        send_next(t, WSMAN_PULL, t->outcome.reply->context);
        return;
    }
    if (t->operation == WSMAN_METHOD) {
        take_return_value(t);
    }
    finish(t);
}

static void take_fault(struct ticket *t)
{
    report_fault(t);
    /* A context whose Pull was refused occupies one of few places (FF-113). */
    bool has_context = t->operation == WSMAN_PULL && t->is_enumeration &&
                       strcmp(t->outcome.reply->fault.subcode, "InvalidEnumerationContext") != 0;
    if (has_context) {
        send_next(t, WSMAN_RELEASE, t->context);
        return;
    }
    finish(t);
}

static bool looks_like_xml(const struct http_response *response)
{
    const char *type = http_header_find(response->headers, response->header_count, "Content-Type");
    if (type != NULL && strstr(type, "html") != NULL) {
        return false;
    }
    uint32_t at = 0;
    while (at < response->body_len && strchr(" \t\r\n", response->body[at]) != NULL) {
        at += 1;
    }
    return at < response->body_len && response->body[at] == '<';
}

static void take_answer(struct ticket *t, const struct http_response *response)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (!looks_like_xml(response)) {
        report_status(t, response->status);
        finish(t);
        return;
    }
    struct wsman_reply *reply = arena_alloc(t->arena, sizeof *reply);
    enum amt_err err = reply == NULL
                           ? AMT_ENOMEM
                           : wsman_read_reply(t->arena, response->body, response->body_len,
                                              t->operation, reply, &diag);
    if (err == AMT_OK && !is_for(t, reply)) {
        err = amt_diag_set(&diag, AMT_EMALFORMED,
                           "the answer relates to message \"%s\" instead of "
                           "%llu",
                           reply->relates_to, (unsigned long long)t->message_id);
        http_client_close(t->client->http); /* nobody knows what else is on the way */
        t->client->http = NULL;
    }
    if (err == AMT_ENOMEM) {
        out_of_memory(t);
        return;
    }
    if (err != AMT_OK) {
        struct amt_diag *out = set_result(t, WSMAN_GARBLED);
        (void)amt_diag_set(out, err, "%s: %s", t->client->where, diag.text);
        finish(t);
        return;
    }
    t->outcome.reply = reply;
    if (reply->is_fault) {
        take_fault(t);
    } else if (response->status != 200) {
        report_status(t, response->status);
        finish(t);
    } else {
        take_reply(t);
    }
}

static void take_challenge(struct ticket *t, const struct http_response *response)
{
    struct amt_diag diag = { .err = AMT_OK };
    t->outcome.challenges += 1;
    enum amt_err err =
        client_credentials_challenged(&t->client->credentials, response, &t->attempt, &diag);
    if (err == AMT_OK) {
        send_request(t);
        return;
    }
    if (err == AMT_ENOMEM) {
        out_of_memory(t);
        return;
    }
    *set_result(t, WSMAN_REFUSED) = diag;
    finish(t);
}

static void on_response(void *ctx, const struct http_response *response)
{
    struct ticket *t = ctx;
    if (t->operation == WSMAN_RELEASE && t->is_enumeration) {
        finish(t); /* whatever it says: the outcome is that of the Pull */
        return;
    }
    t->outcome.status = response->status;
    if (response->status == 401) {
        take_challenge(t, response); /* also when the connection went before its body (FF-103) */
        return;
    }
    if (response->error == NULL) {
        take_answer(t, response);
        return;
    }
    if (!response->is_late && !is_no_connection(response) && may_be_sent_again(t)) {
        t->was_sent_again = true;
        send_request(t);
        return;
    }
    report_broken(t, response);
    finish(t);
}

/* A connection that can take a request. */
static bool ensure_connection(struct wsman_client *client)
{
    if (client->http != NULL && http_client_is_usable(client->http)) {
        return true;
    }
    http_client_close(client->http);
    struct stream *s = client->connect(client->ctx);
    client->http = s == NULL ? NULL : http_client_new(client->loop, s);
    return client->http != NULL;
}

static void send_request(struct ticket *t)
{
    struct wsman_client *client = t->client;
    struct text headers = { 0 };
    text_puts(&headers, "Content-Type: application/soap+xml; charset=utf-8\r\n");
    client_credentials_write(&client->credentials, TARGET, t->envelope.chars, t->envelope.len,
                             &headers, &t->attempt);
    if (t->envelope.failed || headers.failed || !ensure_connection(client)) {
        text_fini(&headers);
        out_of_memory(t);
        return;
    }
    struct http_request_spec spec = { .method = "POST",
                                      .target = TARGET,
                                      .host = client->host,
                                      .headers = headers.chars,
                                      .body = t->envelope.chars,
                                      .body_len = (uint32_t)t->envelope.len,
                                      .first_byte_limit_us = client->first_byte_limit_us,
                                      .limit_us = client->limit_us };
    http_client_ask(client->http, &spec, on_response, t);
    text_fini(&headers);
}

static void on_start(void *ctx)
{
    struct wsman_client *client = ctx;
    struct ticket *t = client->first;
    if (client->is_busy || t == NULL) {
        return;
    }
    client->is_busy = true;
    t->started_us = loop_now_us(client->loop);
    if (client->credentials.is_refused) {
        struct amt_diag *diag = set_result(t, WSMAN_REFUSED);
        (void)amt_diag_set(diag, AMT_EAUTH, "%s refused this password before: it is not sent again",
                           client->where);
        finish(t);
        return;
    }
    send_request(t);
}

static void make_cnonce(struct wsman_client *client)
{
    uint8_t bytes[(CLIENT_CNONCE_BYTES - 1) / 2];
    loop_random(client->loop, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(client->credentials.cnonce + 2 * i, 3, "%02x", bytes[i]);
    }
}

struct wsman_client *wsman_client_new(const struct wsman_client_settings *settings)
{
    struct wsman_client *client = amt_alloc(sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    client->loop = settings->loop;
    client->connect = settings->connect;
    client->ctx = settings->ctx;
    client->where = amt_strdup(settings->where);
    client->host = amt_strdup(settings->host);
    client->first_byte_limit_us = settings->first_byte_limit_us == 0
                                      ? WSMAN_CLIENT_FIRST_BYTE_US
                                      : settings->first_byte_limit_us;
    client->limit_us = settings->limit_us == 0 ? WSMAN_CLIENT_LIMIT_US : settings->limit_us;
    client->credentials.prefers_auth_int = settings->prefers_auth_int;
    client->last = &client->first;
    loop_task_init(&client->start, client->loop, on_start, client);
    make_cnonce(client);
    enum amt_err err =
        client_credentials_set(&client->credentials, settings->user, settings->password);
    if (err != AMT_OK || client->where == NULL || client->host == NULL) {
        wsman_client_free(client);
        return NULL;
    }
    return client;
}

void wsman_client_free(struct wsman_client *client)
{
    if (client == NULL) {
        return;
    }
    loop_task_cancel(&client->start);
    http_client_close(client->http);
    while (client->first != NULL) {
        struct ticket *t = client->first;
        client->first = t->next;
        ticket_free(t);
    }
    client_credentials_fini(&client->credentials);
    amt_free(client->where);
    amt_free(client->host);
    amt_free(client);
}

enum amt_err wsman_client_set_user(struct wsman_client *client, const char *user,
                                   const struct secret *password)
{
    return client_credentials_set(&client->credentials, user, password);
}

static struct ticket *ticket_new(struct wsman_client *client, const struct wsman_call *call)
{
    struct ticket *t = amt_alloc(sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    struct wsman_call numbered = *call;
    t->message_id = client->message_id++;
    numbered.message_id = t->message_id;
    t->client = client;
    t->operation = call->operation;
    t->is_enumeration = call->operation == WSMAN_ENUMERATE && !call->is_single;
    t->outcome.is_enumeration = t->is_enumeration || call->operation == WSMAN_PULL;
    t->class_name = amt_strdup(call->class_name == NULL ? "" : call->class_name);
    t->items_end = &t->outcome.items;
    wsman_write_call(&t->envelope, &numbered);
    if (t->class_name == NULL) {
        ticket_free(t);
        return NULL;
    }
    return t;
}

enum amt_err wsman_client_call(struct wsman_client *client, const struct wsman_call *call,
                               struct arena *arena, wsman_done_fn *done, void *ctx)
{
    struct ticket *t = ticket_new(client, call);
    if (t == NULL) {
        return AMT_ENOMEM;
    }
    t->arena = arena;
    t->done = done;
    t->ctx = ctx;
    *client->last = t;
    client->last = &t->next;
    loop_task_post(&client->start);
    return AMT_OK;
}

struct waiting {
    struct wsman_outcome *outcome;
    bool is_done;
};

static void on_waited(void *ctx, const struct wsman_outcome *outcome)
{
    struct waiting *waiting = ctx;
    *waiting->outcome = *outcome;
    waiting->is_done = true;
}

static bool is_waited(void *ctx)
{
    return ((const struct waiting *)ctx)->is_done;
}

void wsman_client_wait(struct wsman_client *client, const struct wsman_call *call,
                       struct arena *arena, struct wsman_outcome *outcome)
{
    struct waiting waiting = { .outcome = outcome };
    if (wsman_client_call(client, call, arena, on_waited, &waiting) == AMT_OK &&
        loop_run_until(client->loop, is_waited, &waiting, LOOP_NO_DEADLINE)) {
        return;
    }
    *outcome = (struct wsman_outcome){ .result = WSMAN_NO_MEMORY };
    (void)amt_diag_set(&outcome->diag, AMT_ENOMEM, "the call cannot be made: out of memory");
}
