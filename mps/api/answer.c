/* Which call is it, and its answer. */
#include <string.h>

#include "base/memory.h"
#include "mps/api/api_internal.h"

#define DEVICES_PATH "/api/v1/devices"
#define GROUPS_PATH  "/api/v1/groups"

static void answer_json(struct api_connection *connection, const struct text *body)
{
    http_respond(connection->http, 200, "application/json", NULL, text_chars(body),
                 (uint32_t)body->len);
}

static void answer_metrics(struct api_connection *connection)
{
    struct text body = { 0 };
    api_metrics_text(connection->api, &body);
    http_respond(connection->http, 200, "text/plain; version=0.0.4", NULL, text_chars(&body),
                 (uint32_t)body.len);
    text_fini(&body);
}

static void answer_devices(struct api_connection *connection, const struct uuid *uuid)
{
    struct text body = { 0 };
    if (api_devices_json(connection->api, uuid, &body)) {
        answer_json(connection, &body);
    } else {
        api_error(connection, 404, "there is no such device");
    }
    text_fini(&body);
}

static void answer_events(struct api_connection *connection, const struct uuid *uuid)
{
    struct text body = { 0 };
    struct amt_diag diag = { 0 };
    if (api_events_json(connection->api, uuid, &body, &diag)) {
        answer_json(connection, &body);
    } else {
        api_error(connection, 500, diag.text);
    }
    text_fini(&body);
}

static void answer_disconnect(struct api_connection *connection, const struct uuid *uuid,
                              const char *operator_name)
{
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid, text);
    if (mps_disconnect_device(connection->api->mps, uuid, APF_BY_APPLICATION) == AMT_OK) {
        LOG(connection->api->log, LOG_INFO, "api.disconnect", log_text("uuid", text),
            log_text("operator", operator_name));
        http_respond(connection->http, 202, "application/json", NULL, "{}\n", 3);
    } else {
        api_error(connection, 409, "the device is not online");
    }
}

static void answer_channel(struct api_connection *connection, const struct uuid *uuid,
                           const char *port_text, bool is_upgrade, const char *operator_name)
{
    uint64_t port = 0;
    if (text_parse_u64(port_text, 65535, &port) != AMT_OK || port == 0) {
        api_error(connection, 400, "a port is a number from 1 to 65535");
    } else if (!is_upgrade) {
        api_error(connection, 426,
                  "this call needs \"Connection: Upgrade\" and \"Upgrade: "
                  "amtlab-tcp\"; `amtlab connect` does that");
    } else {
        api_relay_start(connection, uuid, (uint32_t)port, operator_name);
    }
}

/* rest: what follows the UUID in the path, "" or "/events" ... */
static void answer_device_call(struct api_connection *connection, const struct uuid *uuid,
                               const char *method, const char *rest, bool is_upgrade,
                               const char *operator_name)
{
    bool is_get = strcmp(method, "GET") == 0;
    bool is_post = strcmp(method, "POST") == 0;
    static const char k_channels[] = "/channels/";
    if (is_get && rest[0] == '\0') {
        answer_devices(connection, uuid);
    } else if (is_get && strcmp(rest, "/events") == 0) {
        answer_events(connection, uuid);
    } else if (is_post && strcmp(rest, "/disconnect") == 0) {
        answer_disconnect(connection, uuid, operator_name);
    } else if (is_get && strncmp(rest, k_channels, sizeof k_channels - 1) == 0) {
        answer_channel(connection, uuid, rest + sizeof k_channels - 1, is_upgrade, operator_name);
    } else {
        api_error(connection, 404, "there is no such call; see docs/api.md");
    }
}

static void answer_device_path(struct api_connection *connection, const char *rest,
                               const struct api_request *request)
{
    if (rest[0] == '\0' && strcmp(request->method, "GET") == 0) {
        answer_devices(connection, NULL);
        return;
    }
    if (rest[0] == '\0' && strcmp(request->method, "POST") == 0) {
        api_device_add(connection, request->body, request->operator_name);
        return;
    }
    char text[UUID_TEXT_BYTES] = "";
    struct uuid uuid;
    size_t rest_len = strlen(rest);
    if (rest_len >= UUID_TEXT_BYTES && rest[0] == '/') {
        memcpy(text, rest + 1, UUID_TEXT_BYTES - 1);
    }
    if (uuid_parse(text, &uuid) != AMT_OK) {
        api_error(connection, 404, "that is no device UUID");
        return;
    }
    answer_device_call(connection, &uuid, request->method, rest + UUID_TEXT_BYTES,
                       request->is_upgrade, request->operator_name);
}

void api_answer(struct api_connection *connection, const struct api_request *request)
{
    bool is_get = strcmp(request->method, "GET") == 0;
    const char *target = request->target;
    if (is_get && strcmp(target, "/metrics") == 0) {
        answer_metrics(connection);
    } else if (is_get && strcmp(target, GROUPS_PATH) == 0) {
        api_groups(connection);
    } else if (is_get && strncmp(target, GROUPS_PATH "/", sizeof GROUPS_PATH) == 0) {
        api_group(connection, target + sizeof GROUPS_PATH);
    } else if (strncmp(target, DEVICES_PATH, sizeof DEVICES_PATH - 1) == 0) {
        answer_device_path(connection, target + sizeof DEVICES_PATH - 1, request);
    } else {
        api_error(connection, 404, "there is no such call; see docs/api.md");
    }
}
