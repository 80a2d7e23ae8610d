/* How a websocket begins: the URL, the client's request and the server's answer (RFC 6455, 4). */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/memory.h"
#include "runtime/net.h"
#include "runtime/websocket_internal.h"

#define KEY_BYTES          16u
#define HANDSHAKE_LIMIT_US (60u * (uint64_t)US_PER_SECOND)
#define VERSION_LINE       "Sec-WebSocket-Version: 13\r\n"

enum amt_err websocket_accept_value(const char *key, char out[static WEBSOCKET_ACCEPT_BYTES])
{
    static const char k_suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    struct text text = { 0 };
    uint8_t digest[EVP_MAX_MD_SIZE];
    text_printf(&text, "%s%s", key, k_suffix);
    bool is_made =
        !text.failed && EVP_Digest(text.chars, text.len, digest, NULL, EVP_sha1(), NULL) == 1;
    text_fini(&text);
    if (!is_made) {
        return AMT_ENOMEM;
    }
    base64_encode(&text, digest, 20);
    (void)snprintf(out, WEBSOCKET_ACCEPT_BYTES, "%s", text_chars(&text));
    enum amt_err err = text.failed ? AMT_ENOMEM : AMT_OK;
    text_fini(&text);
    return err;
}

/* The next element of a comma list, without blanks; NULL at its end. */
static const char *next_token(const char **list, size_t *len)
{
    const char *at = *list + strspn(*list, ", \t");
    size_t n = strcspn(at, ",");
    *list = at + n;
    while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t')) {
        n -= 1;
    }
    *len = n;
    return n == 0 ? NULL : at;
}

static bool list_has(const char *list, const char *word, bool is_exact)
{
    size_t len = 0;
    for (const char *token = next_token(&list, &len); token != NULL;
         token = next_token(&list, &len)) {
        int differs = is_exact ? strncmp(token, word, len) : strncasecmp(token, word, len);
        if (len == strlen(word) && differs == 0) {
            return true;
        }
    }
    return false;
}

/* --- server ------------------------------------------------------------------------------------ */

/* All headers of that name are one list (RFC 9110, 5.3). */
static bool headers_have(const struct http_request *request, const char *name, const char *word,
                         bool is_exact)
{
    for (uint32_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0 &&
            list_has(request->headers[i].value, word, is_exact)) {
            return true;
        }
    }
    return false;
}

static const char *header_of(const struct http_request *request, const char *name)
{
    return http_header_find(request->headers, request->header_count, name);
}

static bool is_key(const char *key)
{
    uint8_t bytes[BASE64_BYTES(24)];
    size_t len = 0;
    return key != NULL && strlen(key) == 24 && base64_decode(key, 24, bytes, &len) == AMT_OK &&
           len == KEY_BYTES;
}

static const char *find_in(const char *const *list, const char *word)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcasecmp(*list, word) == 0) {
            return *list;
        }
    }
    return NULL;
}

static const char *agree(const struct http_request *request, const char *const *subprotocols)
{
    for (; subprotocols != NULL && *subprotocols != NULL; subprotocols++) {
        if (headers_have(request, "Sec-WebSocket-Protocol", *subprotocols, true)) {
            return *subprotocols;
        }
    }
    return NULL;
}

struct refusal {
    int status;
    const char *text, *headers;
};

/* Why this is no upgrade that may come in; status 0: it may. */
static struct refusal judge(const struct http_request *request,
                            const struct websocket_settings *settings)
{
    const char *version = header_of(request, "Sec-WebSocket-Version");
    const char *origin = header_of(request, "Origin");
    if (strcmp(request->method, "GET") != 0) {
        return (struct refusal){ 405, "a websocket begins with GET\n", "Allow: GET\r\n" };
    }
    if (!headers_have(request, "Upgrade", "websocket", false) ||
        !headers_have(request, "Connection", "upgrade", false)) {
        return (struct refusal){ 426, "this is a websocket: ask for an upgrade\n",
                                 "Upgrade: websocket\r\n" VERSION_LINE };
    }
    if (version == NULL || strcmp(version, "13") != 0) {
        return (struct refusal){ 426, "only version 13 of the websocket protocol is spoken\n",
                                 "Upgrade: websocket\r\n" VERSION_LINE };
    }
    if (!is_key(header_of(request, "Sec-WebSocket-Key"))) {
        return (struct refusal){ 400, "Sec-WebSocket-Key is not base64 of 16 bytes\n", NULL };
    }
    if (settings->origins != NULL && origin != NULL && find_in(settings->origins, origin) == NULL) {
        return (struct refusal){ 403, "this Origin may not open a websocket here\n", NULL };
    }
    if (settings->needs_subprotocol && agree(request, settings->subprotocols) == NULL) {
        return (struct refusal){ 400, "none of the subprotocols offered is spoken here\n", NULL };
    }
    return (struct refusal){ 0 };
}

static struct stream *upgrade(struct http_server_connection *connection,
                              const struct http_request *request, const char *subprotocol,
                              struct text *read_ahead)
{
    char accept[WEBSOCKET_ACCEPT_BYTES];
    struct text headers = { 0 };
    if (websocket_accept_value(header_of(request, "Sec-WebSocket-Key"), accept) != AMT_OK) {
        http_server_close(connection);
        return NULL;
    }
    text_printf(&headers,
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
                accept);
    if (subprotocol != NULL) {
        text_printf(&headers, "Sec-WebSocket-Protocol: %s\r\n", subprotocol);
    }
    struct stream *s = NULL;
    if (headers.failed) {
        http_server_close(connection);
    } else {
        s = http_upgrade(connection, headers.chars, read_ahead);
    }
    text_fini(&headers);
    return s;
}

struct websocket *websocket_accept(struct loop *loop, struct http_server_connection *connection,
                                   const struct http_request *request,
                                   const struct websocket_settings *settings,
                                   const struct websocket_handler *handler, void *ctx)
{
    struct refusal refusal = judge(request, settings);
    if (refusal.status != 0) {
        http_close_after_response(connection);
        http_respond(connection, refusal.status, "text/plain", refusal.headers, refusal.text,
                     (uint32_t)strlen(refusal.text));
        return NULL;
    }
    const char *subprotocol = agree(request, settings->subprotocols);
    struct text read_ahead = { 0 };
    struct stream *s = upgrade(connection, request, subprotocol, &read_ahead);
    struct websocket *ws = NULL;
    if (s != NULL) {
        ws = websocket_new(loop, s, false, settings, handler, ctx);
    }
    if (ws != NULL) {
        (void)snprintf(ws->subprotocol, sizeof ws->subprotocol, "%s",
                       subprotocol == NULL ? "" : subprotocol);
        websocket_opened(ws);
    }
    if (ws != NULL && read_ahead.len > 0) {
        websocket_feed(ws, (const uint8_t *)read_ahead.chars, (uint32_t)read_ahead.len);
        loop_task_post(&ws->task);
    }
    text_fini(&read_ahead);
    return ws;
}

/* --- client ------------------------------------------------------------------------------------ */

/* host, [v6], :port up to the path; *at moves behind it. */
static enum amt_err url_authority(const char **at, struct websocket_url *url)
{
    char authority[ADDRESS_HOST_BYTES + 10];
    size_t len = strcspn(*at, "/?#");
    struct address address;
    if (len == 0 || len >= sizeof authority || memchr(*at, '@', len) != NULL) {
        return AMT_EMALFORMED;
    }
    (void)snprintf(authority, sizeof authority, "%.*s", (int)len, *at);
    *at += len;
    if (address_parse(authority, url->is_tls ? 443 : 80, &address, NULL) != AMT_OK ||
        address.host[0] == '\0' || address.port == 0) {
        return AMT_EMALFORMED;
    }
    (void)snprintf(url->host, sizeof url->host, "%s", address.host);
    (void)snprintf(url->host_header, sizeof url->host_header, "%s", authority);
    url->port = address.port;
    return AMT_OK;
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

enum amt_err websocket_url_parse(const char *text, struct websocket_url *url, struct amt_diag *diag)
{
    const char *at = text;
    memset(url, 0, sizeof *url);
    if (strncasecmp(text, "wss://", 6) == 0) {
        url->is_tls = true;
        at += 6;
    } else if (strncasecmp(text, "ws://", 5) == 0) {
        at += 5;
    } else {
        (void)amt_diag_set(diag, AMT_EMALFORMED, "\"%s\" is not a websocket URL", text);
        return amt_diag_hint(diag, "write ws://HOST[:PORT]/PATH, or wss:// for TLS"),
               AMT_EMALFORMED;
    }
    if (!is_plain(text) || url_authority(&at, url) != AMT_OK) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"%s\" has no proper host and port", text);
    }
    if (strchr(at, '#') != NULL) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"%s\" has a fragment (#…)", text);
    }
    int len = snprintf(url->target, sizeof url->target, "%s%s", *at == '/' ? "" : "/", at);
    if (len < 0 || (size_t)len >= sizeof url->target) {
        return amt_diag_set(diag, AMT_EMALFORMED, "the path of the URL is too long");
    }
    return AMT_OK;
}

void websocket_upgrade_free(struct websocket_upgrade *upgrade)
{
    if (upgrade == NULL) {
        return;
    }
    for (char **offered = upgrade->offered; offered != NULL && *offered != NULL; offered++) {
        amt_free(*offered);
    }
    amt_free(upgrade->offered);
    http_message_reset(&upgrade->message);
    amt_free(upgrade);
}

static enum amt_err copy_offers(struct websocket_upgrade *u, const char *const *subprotocols)
{
    size_t count = 0;
    while (subprotocols != NULL && subprotocols[count] != NULL) {
        count += 1;
    }
    u->offered = amt_alloc_array(count + 1, sizeof *u->offered);
    for (size_t i = 0; u->offered != NULL && i < count; i++) {
        u->offered[i] = amt_strdup(subprotocols[i]);
        if (u->offered[i] == NULL) {
            return AMT_ENOMEM;
        }
    }
    return u->offered == NULL ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err ask(struct websocket *ws, const struct websocket_request *request)
{
    uint8_t bytes[KEY_BYTES];
    struct text key = { 0 }, out = { 0 };
    loop_random(ws->loop, bytes, sizeof bytes);
    base64_encode(&key, bytes, sizeof bytes);
    text_printf(&out,
                "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: %s\r\n" VERSION_LINE,
                request->target, request->host, text_chars(&key));
    for (char **offered = ws->upgrade->offered; *offered != NULL; offered++) {
        text_printf(&out, "Sec-WebSocket-Protocol: %s\r\n", *offered);
    }
    if (request->origin != NULL) {
        text_printf(&out, "Origin: %s\r\n", request->origin);
    }
    text_printf(&out, "%s\r\n", request->headers == NULL ? "" : request->headers);
    enum amt_err err = AMT_ENOMEM;
    if (!key.failed && !out.failed) {
        err = websocket_accept_value(key.chars, ws->upgrade->accept);
    }
    if (err == AMT_OK) {
        err = stream_write(ws->lower, out.chars, (uint32_t)out.len);
    }
    text_fini(&key);
    text_fini(&out);
    return err;
}

struct websocket *websocket_connect(struct loop *loop, struct stream *s,
                                    const struct websocket_request *request,
                                    const struct websocket_settings *settings,
                                    const struct websocket_handler *handler, void *ctx)
{
    struct websocket *ws = websocket_new(loop, s, true, settings, handler, ctx);
    if (ws == NULL) {
        return NULL;
    }
    ws->upgrade = amt_alloc(sizeof *ws->upgrade);
    enum amt_err err = AMT_ENOMEM;
    if (ws->upgrade != NULL) {
        http_message_init(&ws->upgrade->message, HTTP_RESPONSE, NULL);
        ws->upgrade->needs_subprotocol = settings->needs_subprotocol;
        err = copy_offers(ws->upgrade, settings->subprotocols);
    }
    if (err == AMT_OK) {
        err = ask(ws, request);
    }
    if (err == AMT_ENOMEM) {
        websocket_drop(ws);
        return NULL;
    }
    if (err != AMT_OK) {
        websocket_fail(ws, WEBSOCKET_ABNORMAL, STREAM_END_RESET, "the connection is closed");
        return ws;
    }
    timer_start(&ws->handshake, settings->handshake_limit_us == 0 ? HANDSHAKE_LIMIT_US
                                                                  : settings->handshake_limit_us);
    return ws;
}

static const char *answer_of(const struct http_message *m, const char *name)
{
    return http_header_find(m->headers, m->header_count, name);
}

/* What is wrong with a 101; NULL: nothing. */
static const char *fault_of(struct websocket *ws)
{
    const struct websocket_upgrade *u = ws->upgrade;
    const char *upgrade_to = answer_of(&u->message, "Upgrade");
    const char *connection = answer_of(&u->message, "Connection");
    const char *accept = answer_of(&u->message, "Sec-WebSocket-Accept");
    const char *subprotocol = answer_of(&u->message, "Sec-WebSocket-Protocol");
    if (upgrade_to == NULL || !list_has(upgrade_to, "websocket", false) || connection == NULL ||
        !list_has(connection, "upgrade", false)) {
        return "the server switched to something that is no websocket";
    }
    if (accept == NULL || strcmp(accept, u->accept) != 0) {
        return "the Sec-WebSocket-Accept of the server does not fit the key";
    }
    if (answer_of(&u->message, "Sec-WebSocket-Extensions") != NULL) {
        return "the server uses an extension that was not offered";
    }
    if (subprotocol != NULL && find_in((const char *const *)u->offered, subprotocol) == NULL) {
        return "the server chose a subprotocol that was not offered";
    }
    if (subprotocol == NULL && u->needs_subprotocol) {
        return "the server agreed to no subprotocol";
    }
    (void)snprintf(ws->subprotocol, sizeof ws->subprotocol, "%s",
                   subprotocol == NULL ? "" : subprotocol);
    return NULL;
}

static void judge_answer(struct websocket *ws)
{
    char text[STREAM_TEXT_BYTES];
    unsigned status = ws->upgrade->message.parser.status_code;
    if (status != HTTP_STATUS_SWITCHING_PROTOCOLS) {
        (void)snprintf(text, sizeof text, "the server answered %u %s instead of the upgrade",
                       status, http_status_str((enum http_status)status));
        ws->end.http_status = (int)status;
        websocket_fail(ws, WEBSOCKET_ABNORMAL, STREAM_END_REFUSED, text);
        return;
    }
    const char *fault = fault_of(ws);
    if (fault != NULL) {
        ws->end.http_status = (int)status;
        websocket_fail(ws, WEBSOCKET_ABNORMAL, STREAM_END_REFUSED, fault);
        return;
    }
    ws->owes_open = true;
    websocket_opened(ws);
}

uint32_t websocket_upgrade_feed(struct websocket *ws, const uint8_t *in, uint32_t len)
{
    struct http_message *m = &ws->upgrade->message;
    if (ws->has_ended) {
        return len;
    }
    uint32_t used = (uint32_t)http_message_feed(m, in, len);
    if (m->error_status != 0 && !m->is_head_done) {
        websocket_fail(ws, WEBSOCKET_ABNORMAL, STREAM_END_REFUSED,
                       "the answer to the upgrade is not HTTP/1.1");
    } else if (m->is_head_done) {
        judge_answer(ws);
    }
    return used;
}
