#include "simulator/firmware/tests/captures_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/memory.h"
#include "protocol/http/digest.h"
#include "protocol/wsman/names.h"

#define SILENCE_US (30 * (uint64_t)US_PER_SECOND)

void captures_profile_init(struct captures_profile *profile, const char *yaml)
{
    struct amt_diag_list errors = { 0 };
    *profile = (struct captures_profile){ 0 };
    profile->document = yaml[0] == '\0' ? NULL : yaml_load_text(yaml, "captures", &errors);
    const struct yaml_node *root = profile->document == NULL ? NULL : yaml_root(profile->document);
    if (config_read(firmware_config_keys, root, "captures", &profile->config, &errors) == AMT_OK) {
        profile->config.instance_sets[0] = profile->config.instances;
        profile->config.instance_set_count = profile->config.instances == NULL ? 0 : 1;
        profile->profile = firmware_profile_new(&profile->config, "captures", &errors);
    }
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    assert_non_null(profile->profile);
}

void captures_profile_fini(struct captures_profile *profile)
{
    firmware_profile_free(profile->profile);
    config_fini(firmware_config_keys, &profile->config);
    yaml_free(profile->document);
}

void captures_device_init(struct captures_device *device, const struct captures_profile *profile)
{
    struct virtual_world world = { .seed = 5 };
    struct amt_diag diag = { 0 };
    *device = (struct captures_device){ 0 };
    device->loop = loop_new_virtual(&world, &diag);
    assert_non_null(device->loop);
    device->log = log_new(device->loop);
    struct firmware_settings settings = { .profile = profile->profile,
                                          .seed = 1,
                                          .log = device->log };
    assert_int_equal(uuid_parse("55e3ae13-bfd2-61bb-17a0-88aedd7037ea", &settings.uuid), AMT_OK);
    device->firmware = firmware_new(device->loop, &settings, &diag);
    if (device->firmware == NULL) {
        amt_diag_print(&diag, stderr);
    }
    assert_non_null(device->firmware);
}

void captures_device_fini(struct captures_device *device)
{
    stream_close(device->stream);
    firmware_free(device->firmware);
    (void)loop_run_until(device->loop, NULL, NULL, loop_now_us(device->loop) + SILENCE_US);
    log_free(device->log);
    loop_free(device->loop);
    text_fini(&device->raw);
    arena_fini(&device->arena);
}

/* --- HTTP --- */

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct captures_device *device = ctx;
    text_append(&device->raw, (const char *)in, len);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    struct captures_device *device = ctx;
    device->is_closed = true;
}

/* Whole chunks of upper-case size lines (WSM-005), joined. */
static const char *dechunk(struct captures_device *device, const char *at)
{
    struct text body = { 0 };
    for (;;) {
        char *end;
        unsigned long size = strtoul(at, &end, 16);
        if (end == at || end[0] != '\r' || end[1] != '\n' || size == 0) {
            break;
        }
        text_append(&body, end + 2, size);
        at = end + 2 + size + 2;
    }
    const char *kept = arena_text(&device->arena, text_chars(&body), body.len);
    text_fini(&body);
    return kept;
}

static void split_answer(struct captures_device *device)
{
    const char *raw = text_chars(&device->raw), *end = strstr(raw, "\r\n\r\n");
    device->status = 0;
    device->head = "";
    device->body = "";
    if (end == NULL || strncmp(raw, "HTTP/1.1 ", 9) != 0) {
        return;
    }
    device->status = (int)strtol(raw + 9, NULL, 10);
    device->head = arena_text(&device->arena, raw, (size_t)(end - raw) + 2);
    device->body = captures_header(device, "Transfer-Encoding") == NULL
                       ? arena_text(&device->arena, end + 4, strlen(end + 4))
                       : dechunk(device, end + 4);
}

const char *captures_header(struct captures_device *device, const char *name)
{
    const char *line = device->head;
    size_t len = strlen(name);
    for (; line != NULL; line = strstr(line, "\r\n"), line = line == NULL ? NULL : line + 2) {
        if (strncasecmp(line, name, len) == 0 && line[len] == ':' && line[len + 1] == ' ') {
            return arena_text(&device->arena, line + len + 2, strcspn(line + len + 2, "\r"));
        }
    }
    return NULL;
}

static void connect_device(struct captures_device *device)
{
    static const struct stream_handler k_handler = { .on_data = on_data, .on_end = on_end };
    struct stream *served;
    stream_close(device->stream);
    assert_int_equal(stream_memory_pair(device->loop, &device->stream, &served), AMT_OK);
    stream_set_handler(device->stream, &k_handler, device);
    device->is_closed = false;
    firmware_serve(device->firmware, served, FIRMWARE_NETWORK);
}

static bool has_answer(void *ctx)
{
    struct captures_device *device = ctx;
    const char *raw = text_chars(&device->raw);
    return device->is_closed || strstr(raw, "\r\n0\r\n\r\n") != NULL;
}

void captures_send(struct captures_device *device, const char *bytes, size_t len)
{
    if (device->stream == NULL || device->is_closed) {
        connect_device(device);
    }
    text_fini(&device->raw);
    assert_int_equal(stream_write(device->stream, bytes, (uint32_t)len), AMT_OK);
    (void)loop_run_until(device->loop, has_answer, device, loop_now_us(device->loop) + SILENCE_US);
    split_answer(device);
}

static void send_post(struct captures_device *device, const char *envelope)
{
    struct text message = { 0 };
    struct digest_header challenge;
    text_puts(&message, "POST /wsman HTTP/1.1\r\n");
    if (device->challenge[0] != '\0') {
        assert_int_equal(digest_header_read(device->challenge, &challenge), AMT_OK);
        struct digest_client client = { .user = "admin",
                                        .password = "P@ssw0rd",
                                        .password_len = 8,
                                        .method = "POST",
                                        .uri = "/wsman",
                                        .cnonce = "0a4f113b",
                                        .nc = ++device->nc,
                                        .body = envelope,
                                        .body_len = strlen(envelope) };
        text_puts(&message, "Authorization: ");
        digest_authorize(&message, &challenge, &client);
        text_puts(&message, "\r\n");
    }
    text_printf(&message, "Host: device:16992\r\nContent-Length: %zu\r\n\r\n%s", strlen(envelope),
                envelope);
    captures_send(device, message.chars, message.len);
    text_fini(&message);
}

int captures_post(struct captures_device *device, const char *envelope)
{
    send_post(device, envelope);
    if (device->status == 401) {
        const char *challenge = captures_header(device, "WWW-Authenticate");
        assert_non_null(challenge);
        (void)snprintf(device->challenge, sizeof device->challenge, "%s", challenge);
        device->nc = 0;
        send_post(device, envelope);
    }
    return device->status;
}

/* --- SOAP --- */

const char *captures_envelope(struct captures_device *device, const char *action,
                              const char *class_name, const char *message_id, const char *selectors,
                              const char *body)
{
    struct text out = { 0 };
    const char *base = wsman_class_namespace(class_name);
    text_printf(
        &out,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><a:Envelope xmlns:a=\"%s\" xmlns:b=\"%s\" "
        "xmlns:c=\"%s\" xmlns:n=\"%s\" xmlns:h=\"%s\" xmlns:p=\"%s%s\"><a:Header>"
        "<b:Action>%s</b:Action><b:To>/wsman</b:To><c:ResourceURI>%s%s</c:ResourceURI>"
        "<b:MessageID>%s</b:MessageID><b:ReplyTo><b:Address>%s</b:Address></b:ReplyTo>",
        WSMAN_NS_SOAP, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN, WSMAN_NS_ENUMERATION, WSMAN_NS_COMMON,
        base, class_name, action, base, class_name, message_id, WSMAN_ANONYMOUS);
    if (selectors != NULL && selectors[0] != '\0') {
        text_printf(&out, "<c:SelectorSet>%s</c:SelectorSet>", selectors);
    }
    text_printf(&out, "</a:Header><a:Body>%s</a:Body></a:Envelope>", body);
    const char *kept = arena_text(&device->arena, text_chars(&out), out.len);
    text_fini(&out);
    return kept;
}

void captures_call(struct captures_device *device, const char *class_name, const char *method,
                   const char *selectors, const char *parameters)
{
    struct text action = { 0 }, body = { 0 };
    text_printf(&action, "%s%s/%s", wsman_class_namespace(class_name), class_name, method);
    text_printf(&body, "<p:%s_INPUT>%s</p:%s_INPUT>", method, parameters, method);
    int status = captures_post(
        device, captures_envelope(device, action.chars, class_name, "1", selectors, body.chars));
    text_fini(&action);
    text_fini(&body);
    if (status != 200 || strstr(device->body, "ReturnValue>0<") == NULL) {
        print_error("%s.%s: %d %s\n", class_name, method, status, device->body);
        device->has_trouble = true;
    }
}

void captures_wait(struct captures_device *device, uint64_t us)
{
    (void)loop_run_until(device->loop, NULL, NULL, loop_now_us(device->loop) + us);
}

char *captures_file(struct arena *arena, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s/%s", AMTLAB_SOURCE_DIR, CAPTURES_DATA, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s cannot be read", path);
    }
    struct text text = { 0 };
    char buffer[4096];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;) {
        text_append(&text, buffer, n);
    }
    (void)fclose(file);
    char *kept = arena_text(arena, text_chars(&text), text.len);
    text_fini(&text);
    return kept;
}
