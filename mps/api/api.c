#include "mps/api/api.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "mps/api/api_internal.h"

/* A bearer token on its way through the slow check. It outlives its connection if that ends first:
 * then `connection` is NULL. */
struct api_check {
    struct api_connection *connection;
    struct store *store;
    struct secret token;
    char operator_name[65];
    enum amt_err result;
    bool is_upgrade;
    char *method, *target, *body;
};

void api_error(struct api_connection *connection, int status, const char *message)
{
    struct text body = { 0 };
    text_puts(&body, "{\"error\":");
    text_json(&body, message, strlen(message));
    text_puts(&body, "}\n");
    const char *extra = status == 401 ? "WWW-Authenticate: Bearer realm=\"amtlab\"\r\n" : NULL;
    http_respond(connection->http, status, "application/json", extra, text_chars(&body),
                 (uint32_t)body.len);
    text_fini(&body);
}

static void check_free(struct api_check *check)
{
    secret_fini(&check->token);
    amt_free(check->method);
    amt_free(check->target);
    amt_free(check->body);
    amt_free(check);
}

static void check_work(void *ctx)
{
    struct api_check *check = ctx;
    check->result = store_token_check(check->store, check->token.bytes, check->token.len,
                                      check->operator_name, NULL);
}

static void check_after(void *ctx)
{
    struct api_check *check = ctx;
    struct api_connection *connection = check->connection;
    if (connection != NULL) {
        connection->check = NULL;
        if (check->result == AMT_OK) {
            const struct api_request request = { .method = check->method,
                                                 .target = check->target,
                                                 .body = check->body,
                                                 .is_upgrade = check->is_upgrade,
                                                 .operator_name = check->operator_name };
            api_answer(connection, &request);
        } else {
            LOG(connection->api->log, LOG_WARN, "api.unauthorized",
                log_text("target", check->target));
            api_error(connection, 401, "the operator token is not valid");
        }
    }
    check_free(check);
}

static const char *bearer_token(const struct http_request *request)
{
    const char *value = http_header_find(request->headers, request->header_count, "Authorization");
    if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0) {
        return NULL;
    }
    return value + 7 + strspn(value + 7, " ");
}

static void start_check(struct api_connection *connection, const struct http_request *request,
                        const char *token)
{
    struct api_check *check = amt_alloc(sizeof *check);
    size_t len = strlen(token);
    bool is_ready = check != NULL && len <= SECRET_MAX_BYTES &&
                    secret_set(&check->token, token, (uint32_t)len) == AMT_OK;
    if (is_ready) {
        check->connection = connection;
        check->store = connection->api->store;
        check->is_upgrade = request->is_upgrade;
        check->method = amt_strdup(request->method);
        check->target = amt_strdup(request->target);
        check->body = amt_alloc(request->body_len + 1u); /* ends with its 0 */
        if (check->body != NULL && request->body_len > 0) {
            memcpy(check->body, request->body, request->body_len);
        }
        is_ready = check->method != NULL && check->target != NULL && check->body != NULL &&
                   loop_work(connection->api->loop, check_work, check_after, check) == AMT_OK;
    }
    if (!is_ready) {
        if (check != NULL) {
            check_free(check);
        }
        api_error(connection, len > SECRET_MAX_BYTES ? 401 : 503, "the token cannot be checked");
        return;
    }
    connection->check = check;
}

static void answer_plain(struct api_connection *connection, int status, const char *text)
{
    http_respond(connection->http, status, "text/plain; charset=utf-8", NULL, text,
                 (uint32_t)strlen(text));
}

static void answer_ready(struct api_connection *connection)
{
    struct api *api = connection->api;
    struct amt_diag diag = { 0 };
    if (mps_listener_count(api->mps) == 0 && mps_mode(api->mps) != MPS_MODE_LAN) {
        answer_plain(connection, 503, "not ready: no CIRA listener\n");
    } else if (api->store != NULL && !store_is_writable(api->store, &diag)) {
        struct text body = { 0 };
        text_printf(&body, "not ready: %s\n", diag.text);
        answer_plain(connection, 503, text_chars(&body));
        text_fini(&body);
    } else {
        answer_plain(connection, 200, "ready\n");
    }
}

static void on_request(void *ctx, struct http_server_connection *http,
                       const struct http_request *request)
{
    struct api_connection *connection = ctx;
    (void)http;
    bool is_get = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (is_get && strcmp(request->target, "/healthz") == 0) {
        answer_plain(connection, 200, "ok\n");
        return;
    }
    if (is_get && strcmp(request->target, "/readyz") == 0) {
        answer_ready(connection);
        return;
    }
    const char *token = bearer_token(request);
    if (connection->api->store == NULL) {
        api_error(connection, 403, "this server has no data directory and so no operators");
    } else if (token == NULL) {
        api_error(connection, 401, "an operator token is required: Authorization: Bearer TOKEN");
    } else {
        start_check(connection, request, token);
    }
}

static void on_connection_end(void *ctx)
{
    struct api_connection *connection = ctx;
    if (connection->check != NULL) {
        connection->check->connection = NULL;
    }
    if (connection->relay != NULL) {
        api_relay_abandon(connection->relay);
    }
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        connection->api->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    amt_free(connection);
}

static void on_accept(void *ctx, struct stream *s)
{
    struct api *api = ctx;
    static const struct http_limits k_limits = { .head_max_bytes = 8192, .body_max_bytes = 65536 };
    struct api_connection *connection = amt_alloc(sizeof *connection);
    if (connection == NULL) {
        stream_reset(s);
        return;
    }
    connection->api = api;
    connection->http =
        http_serve(api->loop, s, &k_limits, on_request, on_connection_end, connection, NULL, 0);
    if (connection->http == NULL) {
        amt_free(connection);
        return;
    }
    connection->next = api->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    api->connections = connection;
}

static enum amt_err listen_all(struct api *api, const struct config_texts *listen,
                               struct amt_diag *diag)
{
    for (uint32_t i = 0; i < listen->count; i++) {
        struct address address;
        if (api->listener_count == API_LISTENERS_MAX) {
            return amt_diag_set(diag, AMT_ECONFIG, "more than %u API addresses", API_LISTENERS_MAX);
        }
        TRY(address_parse(listen->items[i], 0, &address, diag));
        struct listener *listener = net_listen(api->loop, &address, on_accept, api, diag);
        if (listener == NULL) {
            return AMT_ESYS;
        }
        api->listeners[api->listener_count++] = listener;
    }
    return AMT_OK;
}

struct api *api_start(struct loop *loop, struct mps *mps, struct store *store,
                      const struct config_texts *listen, struct log *log, struct amt_diag *diag)
{
    struct api *api = amt_alloc(sizeof *api);
    if (api == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    api->loop = loop;
    api->mps = mps;
    api->store = store;
    api->log = log;
    if (listen_all(api, listen, diag) != AMT_OK) {
        api_stop(api);
        return NULL;
    }
    return api;
}

void api_address(const struct api *api, struct address *address)
{
    listener_address(api->listeners[0], address);
}

void api_stop(struct api *api)
{
    if (api == NULL) {
        return;
    }
    for (uint32_t i = 0; i < api->listener_count; i++) {
        listener_close(api->listeners[i]);
    }
    while (api->connections != NULL) {
        http_server_close(api->connections->http); /* calls on_connection_end */
    }
    api_relays_stop(api);
    amt_free(api);
}
