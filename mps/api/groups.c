/* Groups, the ways into them, and devices that are added by hand. */
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "mps/api/api_internal.h"
#include "mps/onboarding.h"

#define NAME_BYTES 65

static void answer(struct api_connection *connection, int status, const struct text *body)
{
    http_respond(connection->http, status, "application/json", NULL, text_chars(body),
                 (uint32_t)body->len);
}

static void put_group(void *ctx, const struct store_group *group)
{
    struct text *out = ctx;
    text_puts(out, out->chars[out->len - 1] == '[' ? "{\"group\":" : ",{\"group\":");
    text_json(out, group->name, strlen(group->name));
    text_printf(out, ",\"user\":\"%s\",\"kind\":\"%s\"}", group->user,
                store_group_kind_name(group->kind));
}

void api_groups(struct api_connection *connection)
{
    struct text body = { 0 };
    struct amt_diag diag = { .err = AMT_OK };
    text_puts(&body, "{\"groups\":[");
    if (store_each_group(connection->api->store, put_group, &body, &diag) == AMT_OK) {
        text_puts(&body, "]}\n");
        answer(connection, 200, &body);
    } else {
        api_error(connection, 500, diag.text);
    }
    text_fini(&body);
}

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* A path segment as a name; false if it is none. */
static bool read_name(const char *in, char out[static NAME_BYTES])
{
    size_t len = 0;
    for (; *in != '\0'; in++) {
        int high = *in == '%' ? hex_value(in[1]) : -1;
        int low = high < 0 ? -1 : hex_value(in[2]);
        if (*in == '/' || len + 1 == NAME_BYTES || (*in == '%' && low < 0) ||
            (low >= 0 && high * 16 + low == 0)) {
            return false;
        }
        uint8_t byte = (uint8_t)(high * 16 + low);
        out[len++] = *in;
        if (low >= 0) {
            memcpy(out + len - 1, &byte, 1);
        }
        in += low < 0 ? 0 : 2;
    }
    out[len] = '\0';
    return len > 0;
}

void api_group(struct api_connection *connection, const char *segment)
{
    struct api *api = connection->api;
    struct amt_diag diag = { .err = AMT_OK };
    struct text body = { 0 };
    struct onboarding ways;
    char name[NAME_BYTES];
    const struct onboarding_question question = { .store = api->store,
                                                  .data = mps_data(api->mps),
                                                  .now_s =
                                                      loop_wall_us(api->loop) / US_PER_SECOND };
    if (!read_name(segment, name)) {
        api_error(connection, 404, "that is no name of a group");
        return;
    }
    enum amt_err err = onboarding_ask(&question, name, &ways, &diag);
    if (err == AMT_OK) {
        onboarding_json(&ways, &body);
        answer(connection, 200, &body);
    } else {
        api_error(connection, err == AMT_EUNKNOWN ? 404 : 500, diag.text);
    }
    onboarding_fini(&ways);
    text_fini(&body);
}

/* {"uuid":…,"group":…,"host":…}: a device of the local network, registered by hand. */
void api_device_add(struct api_connection *connection, const char *json, const char *operator_name)
{
    struct api *api = connection->api;
    struct amt_diag diag = { .err = AMT_OK };
    struct uuid uuid;
    json_t *body = json_loads(json, 0, NULL);
    const char *text = json_string_value(json_object_get(body, "uuid"));
    const char *group = json_string_value(json_object_get(body, "group"));
    const char *host = json_string_value(json_object_get(body, "host"));
    if (text == NULL || group == NULL || host == NULL || uuid_parse(text, &uuid) != AMT_OK) {
        api_error(connection, 400, "the body is {\"uuid\":UUID,\"group\":NAME,\"host\":HOST}");
    } else if (mps_mode(api->mps) == MPS_MODE_WAN) {
        api_error(connection, 409, "the server is in WAN mode: it reaches no local network");
    } else {
        enum amt_err err = store_device_put(api->store, &uuid, group, NULL, NULL, NULL, &diag);
        err = err == AMT_OK ? store_device_place(api->store, &uuid, host, &diag) : err;
        if (err == AMT_OK) {
            LOG(api->log, LOG_INFO, "api.device_added", log_text("uuid", text),
                log_text("group", group), log_text("operator", operator_name));
            http_respond(connection->http, 201, "application/json", NULL, "{}\n", 3);
        } else {
            api_error(connection, err == AMT_EUNKNOWN ? 404 : 500, diag.text);
        }
    }
    json_decref(body);
}
