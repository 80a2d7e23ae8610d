#include "protocol/activation/mesh.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const k_actions[] = {
    [MESH_CONNECTION_TYPE] = "connType",
    [MESH_STATE] = "meiState",
    [MESH_CONSOLE] = "console",
    [MESH_ASK_STATE] = "mestate",
    [MESH_DEACTIVATE] = "deactivate",
    [MESH_STOP] = "stopConfiguration",
    [MESH_START_TLS] = "startTlsHostConfig",
    [MESH_CLOSE] = "close",
};

static const char *keep(struct arena *arena, const char *text)
{
    char *copy = text == NULL ? NULL : arena_text(arena, text, strlen(text));
    return copy == NULL ? "" : copy;
}

static const char *text_of(struct arena *arena, const json_t *object, const char *key)
{
    return keep(arena, json_string_value(json_object_get(object, key)));
}

static uint64_t number_of(const json_t *object, const char *key)
{
    double value = json_number_value(json_object_get(object, key)); /* 0: none, or no number */
    return value >= 1 && value <= 4294967295.0 ? (uint64_t)value : 0;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static uint32_t read_hex(const char *text, uint8_t *out, uint32_t cap)
{
    uint32_t len = 0;
    for (; text[0] != '\0' && text[1] != '\0' && len < cap; text += 2) {
        if (digit(text[0]) < 0 || digit(text[1]) < 0) {
            return 0;
        }
        out[len++] = (uint8_t)(digit(text[0]) * 16 + digit(text[1]));
    }
    return text[0] == '\0' ? len : 0;
}

static void read_hashes(struct arena *arena, const json_t *list, struct activation_report *report)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        struct activation_hash *hash = &report->hashes[report->hash_count];
        const char *hex = json_string_value(json_object_get(item, "certificateHash"));
        if (report->hash_count == ACTIVATION_HASHES_MAX || hex == NULL) {
            continue;
        }
        hash->len = read_hex(hex, hash->bytes, sizeof hash->bytes);
        if (activation_hash_of_length(hash->len, &hash->type)) {
            hash->is_active = number_of(item, "isActive") == 1;
            hash->is_default = number_of(item, "isDefault") == 1;
            hash->has_flags = true;
            hash->name = text_of(arena, item, "name");
            report->hash_count += 1;
        }
    }
}

/* Flags: 2 CCM, 4 ACM. */
static uint32_t control_mode(uint64_t flags)
{
    return (flags & 4u) != 0 ? 2 : (flags & 2u) != 0 ? 1 : 0;
}

static void read_network(const json_t *value, struct activation_report *report)
{
    const json_t *wired = json_object_get(value, "net0");
    report->wired_link = -1;
    if (json_is_object(wired) && number_of(wired, "enabled") == 0) {
        report->wired_link = 0;
    }
}

static void read_state(struct arena *arena, const json_t *value, struct activation_report *report)
{
    const json_t *versions = json_object_get(value, "Versions");
    const json_t *account = json_object_get(value, "OsAdmin");
    const char *password = json_string_value(json_object_get(account, "pass"));
    const char *uuid = json_string_value(json_object_get(value, "UUID"));
    *report = (struct activation_report){ .conversation = ACTIVATION_BY_MESH };
    if (uuid == NULL || uuid_parse(uuid, &report->uuid) != AMT_OK) {
        report->uuid = (struct uuid){ { 0 } };
    }
    report->version = text_of(arena, versions, "AMT");
    report->build = text_of(arena, versions, "Build Number");
    report->sku = text_of(arena, versions, "Sku");
    report->host_name = text_of(arena, value, "OsHostname");
    report->dns_suffix = text_of(arena, value, "DnsSuffix");
    report->os_dns_suffix = text_of(arena, value, "OsDnsSuffix");
    report->control_mode = control_mode(number_of(value, "Flags"));
    report->provisioning_state = (uint32_t)number_of(value, "ProvisioningState");
    report->has_core_version = number_of(value, "core-ver") > 0;
    report->local_user = text_of(arena, account, "user");
    report->profile = "";
    report->client = "meshcmd";
    report->peer = "";
    bool has_user = report->local_user != NULL && report->local_user[0] != '\0';
    if (has_user && password != NULL && /* without a user it opens nothing */
        secret_set(&report->local_password, password, (uint32_t)strlen(password)) != AMT_OK) {
        report->local_user = "";
    }
    read_network(value, report);
    read_hashes(arena, json_object_get(value, "Hashes"), report);
}

/* An answer's value is a number, or an object with `status`; the reference client once says `state`. */
static void read_value(struct arena *arena, const json_t *object, struct mesh_message *message)
{
    const json_t *value = json_object_get(object, "value");
    if (value == NULL) {
        value = json_object_get(object, "state");
    }
    const json_t *status = json_is_object(value) ? json_object_get(value, "status") : value;
    message->has_value = json_is_number(status);
    double number = json_number_value(status);
    message->value = number >= -2147483648.0 && number <= 2147483647.0 ? (int64_t)number : -1;
    if (json_is_object(value)) {
        message->text = text_of(arena, value, "hash");
    }
}

static enum mesh_action action_of(const char *text)
{
    for (int i = 0; i < MESH_UNKNOWN; i++) {
        if (strcmp(k_actions[i], text) == 0) {
            return (enum mesh_action)i;
        }
    }
    return MESH_UNKNOWN;
}

static void read_object(struct arena *arena, const json_t *object, struct mesh_message *message,
                        struct activation_report *report)
{
    message->action = action_of(message->action_text);
    message->text = "";
    if (message->action == MESH_CONSOLE) {
        message->text = text_of(arena, object, "msg");
    } else if (message->action == MESH_STATE && report != NULL) {
        read_state(arena, json_object_get(object, "value"), report);
    } else if (message->action == MESH_START_TLS && json_object_get(object, "hash") != NULL) {
        message->text = text_of(arena, object, "hash");
    } else {
        read_value(arena, object, message);
    }
}

enum amt_err mesh_read(struct arena *arena, const char *json, size_t len,
                       struct mesh_message *message, struct activation_report *report,
                       struct amt_diag *diag)
{
    json_error_t error;
    json_t *object = json_loadb(json, len, 0, &error);
    const char *action = json_string_value(json_object_get(object, "action"));
    *message = (struct mesh_message){ .action = MESH_UNKNOWN, .action_text = "", .text = "" };
    if (object == NULL) {
        return amt_diag_set(diag, AMT_EMALFORMED, "JSON_CONTROL: %s (column %d)", error.text,
                            error.column);
    }
    if (action == NULL) {
        json_decref(object);
        return amt_diag_set(diag, AMT_EMALFORMED, "JSON_CONTROL: no text \"action\"");
    }
    message->action_text = keep(arena, action);
    read_object(arena, object, message, report);
    json_decref(object);
    return AMT_OK;
}

/* --- writing --- */

static void put(struct text *out, json_t *object)
{
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (text == NULL) {
        out->failed = true;
    } else {
        text_puts(out, text);
    }
    free(text);
    json_decref(object);
}

void mesh_write_connection_type(struct text *out, int type)
{
    put(out, json_pack("{s:s,s:i}", "action", "connType", "value", type));
}

void mesh_write_console(struct text *out, const char *message)
{
    put(out, json_pack("{s:s,s:s}", "action", "console", "msg", message));
}

void mesh_write_plain(struct text *out, enum mesh_action action)
{
    put(out, json_pack("{s:s}", "action", k_actions[action]));
}

void mesh_write_status(struct text *out, enum mesh_action action, int status)
{
    put(out, json_pack("{s:s,s:i}", "action", k_actions[action], "value", status));
}

void mesh_write_start_tls(struct text *out, const char *hash_hex)
{
    put(out, json_pack("{s:s,s:s,s:b,s:n}", "action", "startTlsHostConfig", "hash", hash_hex,
                       "hostVpn", 0, "dnsSuffixList"));
}

void mesh_write_tls_started(struct text *out, int status, const char *hash_hex)
{
    json_t *value = json_pack("{s:i}", "status", status);
    if (hash_hex != NULL && json_object_set_new(value, "hash", json_string(hash_hex)) != 0) {
        json_decref(value);
        value = NULL;
    }
    put(out, json_pack("{s:s,s:o}", "action", "startTlsHostConfig", "value", value));
}

static json_t *hash_object(const struct activation_hash *hash)
{
    static const struct {
        int number;
        const char *name;
    } k_types[] = { [ACTIVATION_HASH_MD5] = { 0, "MD5" },
                    [ACTIVATION_HASH_SHA1] = { 1, "SHA1" },
                    [ACTIVATION_HASH_SHA256] = { 2, "SHA256" },
                    [ACTIVATION_HASH_SHA384] = { 3, "SHA384" } };
    char hex[2 * ACTIVATION_HASH_MAX_BYTES + 1];
    for (uint32_t i = 0; i < hash->len; i++) {
        (void)snprintf(hex + (size_t)2 * i, 3, "%02X", hash->bytes[i]);
    }
    hex[(size_t)2 * hash->len] = '\0';
    return json_pack("{s:i,s:i,s:i,s:s,s:i,s:s,s:s}", "isDefault", hash->is_default ? 1 : 0,
                     "isActive", hash->is_active ? 1 : 0, "hashAlgorithm",
                     k_types[hash->type].number, "hashAlgorithmStr", k_types[hash->type].name,
                     "hashAlgorithmSize", (int)hash->len, "certificateHash", hex, "name",
                     hash->name == NULL ? "" : hash->name);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)json_object_set_new(object, key, json_string(text));
    }
}

static json_t *hash_list(const struct activation_report *report)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < report->hash_count; i++) {
        (void)json_array_append_new(list, hash_object(&report->hashes[i]));
    }
    return list;
}

static json_t *versions_of(const struct activation_report *report)
{
    json_t *versions = json_object();
    set_text(versions, "AMT", report->version);
    set_text(versions, "Sku", report->sku);
    set_text(versions, "Build Number", report->build);
    return versions;
}

void mesh_write_state(struct text *out, const struct activation_report *report)
{
    char uuid[UUID_TEXT_BYTES];
    char password[SECRET_MAX_BYTES + 1];
    json_t *value = json_object();
    uuid_format(&report->uuid, uuid);
    memcpy(password, report->local_password.bytes, report->local_password.len);
    password[report->local_password.len] = '\0';
    (void)json_object_set_new(value, "core-ver", json_integer(report->has_core_version ? 1 : 0));
    set_text(value, "OsHostname", report->host_name);
    set_text(value, "OsDnsSuffix", report->os_dns_suffix);
    (void)json_object_set_new(value, "Flags",
                              json_integer(report->control_mode == 2   ? 4
                                           : report->control_mode == 1 ? 2
                                                                       : 0));
    (void)json_object_set_new(value, "MeiVersion", json_string("MKHI"));
    (void)json_object_set_new(value, "UUID", json_string(uuid));
    (void)json_object_set_new(value, "ProvisioningState",
                              json_integer((json_int_t)report->provisioning_state));
    (void)json_object_set_new(value, "ProvisioningMode",
                              json_integer(report->control_mode == 1 ? 4 : 1)); /* wsman.md 4.2 */
    (void)json_object_set_new(value, "Versions", versions_of(report));
    if (report->local_user != NULL && report->local_user[0] != '\0') {
        (void)json_object_set_new(
            value, "OsAdmin", json_pack("{s:s,s:s}", "user", report->local_user, "pass", password));
    }
    if (report->wired_link >= 0) {
        (void)json_object_set_new(value, "net0", json_pack("{s:i}", "enabled", report->wired_link));
    }
    set_text(value, "DnsSuffix", report->dns_suffix);
    (void)json_object_set_new(value, "Hashes", hash_list(report));
    put(out, json_pack("{s:s,s:o}", "action", "meiState", "value", value));
}
