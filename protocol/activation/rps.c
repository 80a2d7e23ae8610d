#include "protocol/activation/rps.h"

#include <jansson.h>
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"

static const char *const k_names[] = {
    [RPS_COMMAND] = "",
    [RPS_WSMAN] = "wsman",
    [RPS_RESPONSE] = "response",
    [RPS_TLS_DATA] = "tls_data",
    [RPS_PORT_SWITCH] = "port_switch",
    [RPS_PORT_SWITCH_ACK] = "port_switch_ack",
    [RPS_CONNECTION_RESET] = "connection_reset",
    [RPS_HEARTBEAT_REQUEST] = "heartbeat_request",
    [RPS_HEARTBEAT_RESPONSE] = "heartbeat_response",
    [RPS_PROGRESS] = "progress",
    [RPS_SUCCESS] = "success",
    [RPS_ERROR] = "error",
    [RPS_OTHER] = "",
};

const char *rps_method_name(enum rps_method method)
{
    return k_names[method];
}

/* The first word of a command line is one of three. */
static bool is_command(const char *text)
{
    static const char *const k_commands[] = { "activate", "deactivate", "maintenance" };
    size_t len = strcspn(text, " ");
    for (size_t i = 0; i < sizeof k_commands / sizeof *k_commands; i++) {
        if (strlen(k_commands[i]) == len && strncmp(text, k_commands[i], len) == 0) {
            return true;
        }
    }
    return false;
}

static enum rps_method method_of(const char *text)
{
    for (enum rps_method method = RPS_WSMAN; method < RPS_OTHER; method++) {
        if (strcmp(k_names[method], text) == 0) {
            return method;
        }
    }
    return is_command(text) ? RPS_COMMAND : RPS_OTHER;
}

/* --- reading ----------------------------------------------------------------------------------- */

/* A text of an object into arena; null and absence are "". */
static enum amt_err get_text(const json_t *object, const char *key, struct arena *arena,
                             const char **out, struct amt_diag *diag)
{
    const json_t *value = json_object_get(object, key);
    *out = "";
    if (value == NULL || json_is_null(value)) {
        return AMT_OK;
    }
    if (!json_is_string(value)) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"%s\" is not a string", key);
    }
    *out = arena_text(arena, json_string_value(value), json_string_length(value));
    return *out == NULL ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err get_payload(const json_t *object, struct arena *arena, struct rps_message *m,
                                struct amt_diag *diag)
{
    const char *text = NULL;
    TRY(get_text(object, "payload", arena, &text, diag));
    size_t len = strlen(text);
    if (m->method == RPS_PORT_SWITCH) {
        m->payload = (const uint8_t *)text;
        m->payload_len = (uint32_t)len;
        return AMT_OK;
    }
    uint8_t *bytes = arena_alloc(arena, BASE64_BYTES(len));
    size_t out_len = 0;
    if (bytes == NULL) {
        return AMT_ENOMEM;
    }
    if (base64_decode(text, len, bytes, &out_len) != AMT_OK) {
        return amt_diag_set(diag, AMT_EMALFORMED, "the payload of \"%s\" is not base64",
                            m->method == RPS_COMMAND ? "a command" : m->method_text);
    }
    m->payload = bytes;
    m->payload_len = (uint32_t)out_len;
    return AMT_OK;
}

static enum amt_err read_object(const json_t *object, struct arena *arena, struct rps_message *m,
                                struct amt_diag *diag)
{
    if (!json_is_object(object)) {
        return amt_diag_set(diag, AMT_EMALFORMED, "the message is not a JSON object");
    }
    TRY(get_text(object, "method", arena, &m->method_text, diag));
    if (m->method_text[0] == '\0') {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"method\" is missing");
    }
    m->method = method_of(m->method_text);
    TRY(get_text(object, "appVersion", arena, &m->app_version, diag));
    TRY(get_text(object, "protocolVersion", arena, &m->protocol_version, diag));
    TRY(get_text(object, "status", arena, &m->status, diag));
    TRY(get_text(object, "message", arena, &m->message, diag));
    TRY(get_text(object, "tenantId", arena, &m->tenant, diag));
    return get_payload(object, arena, m, diag);
}

enum amt_err rps_read(const char *json, size_t len, struct arena *arena, struct rps_message *m,
                      struct amt_diag *diag)
{
    json_error_t error;
    memset(m, 0, sizeof *m);
    json_t *object = json_loadb(json, len, 0, &error);
    if (object == NULL) {
        return amt_diag_set(diag, AMT_EMALFORMED, "not JSON: line %d, column %d: %s", error.line,
                            error.column, error.text);
    }
    enum amt_err err = read_object(object, arena, m, diag);
    json_decref(object);
    return err;
}

/* --- writing ----------------------------------------------------------------------------------- */

static void put_key(struct text *out, const char *key, const char *value)
{
    text_printf(out, "%s\"%s\":", out->chars[out->len - 1] == '{' ? "" : ",", key);
    text_json(out, value == NULL ? "" : value, value == NULL ? 0 : strlen(value));
}

static const char *status_of(enum rps_side side, const struct rps_message *m)
{
    if (m->status != NULL) {
        return m->status;
    }
    if (m->method == RPS_SUCCESS || m->method == RPS_HEARTBEAT_RESPONSE) {
        return "success";
    }
    if (m->method == RPS_ERROR) {
        return "failed";
    }
    return m->method == RPS_HEARTBEAT_REQUEST && side == RPS_FROM_SERVER ? "heartbeat" : "ok";
}

static void put_payload(struct text *out, const struct rps_message *m)
{
    if (m->method == RPS_SUCCESS || m->method == RPS_ERROR) {
        text_puts(out, ",\"payload\":null");
    } else if (m->method == RPS_PORT_SWITCH) {
        text_puts(out, ",\"payload\":");
        text_json(out, (const char *)m->payload, m->payload_len);
    } else {
        text_puts(out, ",\"payload\":\"");
        base64_encode(out, m->payload, m->payload_len);
        text_puts(out, "\"");
    }
}

void rps_write(struct text *out, enum rps_side side, const struct rps_message *m)
{
    bool is_named = m->method != RPS_COMMAND && m->method != RPS_OTHER;
    bool is_echo = m->method == RPS_HEARTBEAT_RESPONSE;
    bool is_client = side == RPS_FROM_CLIENT && !is_echo;
    text_puts(out, "{");
    if (out->failed) {
        return;
    }
    put_key(out, "method", is_named ? k_names[m->method] : m->method_text);
    put_key(out, "apiKey", is_client ? "key" : "xxxxx");
    put_key(out, "appVersion", m->app_version);
    put_key(out, "protocolVersion",
            m->protocol_version == NULL ? RPS_PROTOCOL_VERSION : m->protocol_version);
    put_key(out, "status", status_of(side, m));
    put_key(out, "message", is_client && m->message == NULL ? "ok" : m->message);
    if (is_client) {
        put_key(out, "fqdn", "");
    }
    put_payload(out, m);
    put_key(out, "tenantId", m->tenant);
    if (is_echo) {
        put_key(out, "fqdn", "");
    }
    text_puts(out, "}");
}

/* --- version ----------------------------------------------------------------------------------- */

/* One to three numbers with dots between; missing ones are 0. */
static bool read_version(const char *text, uint32_t out[static 3])
{
    out[0] = out[1] = out[2] = 0;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 6; text++, digits++) {
            out[i] = out[i] * 10 + (uint32_t)(*text - '0');
        }
        if (digits == 0) {
            return false;
        }
        if (*text == '\0') {
            return true;
        }
        if (*text != '.') {
            return false;
        }
        text += 1;
    }
    return false;
}

bool rps_version_is_supported(const char *version, const char *server_version)
{
    uint32_t client[3], server[3];
    if (version[0] == '\0') {
        return true;
    }
    if (!read_version(version, client) || !read_version(server_version, server)) {
        return false;
    }
    return client[0] == server[0] &&
           (client[1] < server[1] || (client[1] == server[1] && client[2] <= server[2]));
}

/* --- status ------------------------------------------------------------------------------------ */

void rps_status_write(struct text *out, const struct rps_status *status)
{
    text_puts(out, "{");
    if (out->failed) {
        return;
    }
    put_key(out, "Status", status->status);
    if (status->network != NULL) {
        put_key(out, "Network", status->network);
    }
    if (status->cira_connection != NULL) {
        put_key(out, "CIRAConnection", status->cira_connection);
    }
    if (status->tls_configuration != NULL) {
        put_key(out, "TLSConfiguration", status->tls_configuration);
    }
    text_puts(out, "}");
}

const char *rps_status_text(const char *message, struct arena *arena)
{
    json_t *object = json_loads(message, 0, NULL);
    const char *status = json_string_value(json_object_get(object, "Status"));
    if (status == NULL) {
        status = message;
    }
    const char *copy = arena_text(arena, status, strlen(status));
    json_decref(object);
    return copy == NULL ? "" : copy;
}

void rps_port_switch_write(struct text *out, uint32_t port, uint32_t delay_s)
{
    text_printf(out, "{\"port\":\"%u\",\"delay\":%u}", port, delay_s);
}

enum amt_err rps_port_switch_read(const uint8_t *json, uint32_t len, uint32_t *port,
                                  uint32_t *delay_s, struct amt_diag *diag)
{
    json_error_t error;
    uint64_t number = 0;
    json_t *object = json_loadb((const char *)json, len, 0, &error);
    const json_t *at = json_object_get(object, "port");
    const json_t *delay = json_object_get(object, "delay");
    enum amt_err err = AMT_EMALFORMED;
    if (json_is_string(at)) {
        err = text_parse_u64(json_string_value(at), 65535, &number);
    } else if (json_is_integer(at) && json_integer_value(at) > 0 &&
               json_integer_value(at) <= 65535) {
        number = (uint64_t)json_integer_value(at);
        err = AMT_OK;
    }
    json_int_t seconds = json_is_integer(delay) ? json_integer_value(delay) : 0;
    json_decref(object);
    if (object == NULL || err != AMT_OK || number == 0) {
        return amt_diag_set(diag, AMT_EMALFORMED, "the payload of port_switch names no port");
    }
    *port = (uint32_t)number;
    *delay_s = seconds < 0 ? 0 : (uint32_t)(seconds > 60 ? 60 : seconds);
    return AMT_OK;
}
