#include "client/tests/fake_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "protocol/http/digest.h"

static void copy_between(const char *text, const char *from, const char *to, char *out, size_t cap)
{
    const char *at = strstr(text, from);
    out[0] = '\0';
    if (at != NULL) {
        at += strlen(from);
        const char *end = strstr(at, to);
        assert_non_null(end);
        (void)snprintf(out, cap, "%.*s", (int)(end - at), at);
    }
}

/* Takes one whole request off device->in. */
static bool take_request(struct fake_device *device)
{
    const char *in = text_chars(&device->in);
    const char *end = strstr(in, "\r\n\r\n");
    const char *length = strstr(in, "Content-Length: ");
    if (end == NULL) {
        return false;
    }
    assert_non_null(length); /* FF-102: never chunked */
    size_t whole = (size_t)(end + 4 - in) + (size_t)strtoul(length + 16, NULL, 10);
    if (device->in.len < whole) {
        return false;
    }
    text_fini(&device->request);
    text_append(&device->request, in, whole);
    struct text rest = { 0 };
    text_append(&rest, in + whole, device->in.len - whole);
    text_fini(&device->in);
    device->in = rest;
    const char *request = text_chars(&device->request);
    copy_between(request, "<a:MessageID>", "</a:MessageID>", device->message_id,
                 sizeof device->message_id);
    copy_between(request, "<a:Action>", "</a:Action>", device->action, sizeof device->action);
    return true;
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct fake_device *device = ctx;
    text_append(&device->in, (const char *)in, len);
    while (take_request(device)) {
        device->requests += 1;
        device->answer(device);
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    fake_hang_up(ctx);
}

static const struct stream_handler k_handler = { .on_data = on_data, .on_end = on_end };

static void on_accept(void *ctx, struct stream *s)
{
    struct fake_device *device = ctx;
    fake_hang_up(device);
    device->s = s;
    device->connections += 1;
    stream_set_handler(s, &k_handler, device);
}

static struct stream *connect_client(void *ctx)
{
    struct fake_device *device = ctx;
    return net_connect(device->loop, &device->address, 0, NULL, NULL);
}

void fake_open(struct fake_device *device, void (*answer)(struct fake_device *device),
               const char *password)
{
    static const struct virtual_world k_world = { .seed = 1 };
    static const struct address k_any = { .host = "127.0.0.1" };
    struct secret secret = { .len = 0 };
    memset(device, 0, sizeof *device);
    device->loop = loop_new_virtual(&k_world, NULL);
    device->answer = answer;
    device->listener = net_listen(device->loop, &k_any, on_accept, device, NULL);
    assert_non_null(device->listener);
    listener_address(device->listener, &device->address);
    assert_int_equal(secret_set(&secret, password, (uint32_t)strlen(password)), AMT_OK);
    struct wsman_client_settings settings = { .loop = device->loop,
                                              .connect = connect_client,
                                              .ctx = device,
                                              .where = "the device",
                                              .host = "device:16992",
                                              .user = "admin",
                                              .password = &secret };
    device->client = wsman_client_new(&settings);
    assert_non_null(device->client);
}

void fake_close(struct fake_device *device)
{
    wsman_client_free(device->client);
    fake_hang_up(device);
    listener_close(device->listener);
    arena_fini(&device->arena);
    text_fini(&device->in);
    text_fini(&device->request);
    amt_free(device->file);
    loop_free(device->loop);
}

void fake_hang_up(struct fake_device *device)
{
    stream_close(device->s);
    device->s = NULL;
    text_fini(&device->in);
}

static void nonce_text(const struct fake_device *device, char out[static 33])
{
    (void)snprintf(out, 33, "QYePBLMVAAAAAAAAjfXveceOM5bN%04u", device->nonce);
}

bool fake_is_authorized(struct fake_device *device)
{
    char line[600], nonce[33], expected[DIGEST_HEX_BYTES];
    uint8_t ha1[DIGEST_MD5_BYTES];
    struct digest_header header;
    copy_between(text_chars(&device->request), "Authorization: ", "\r\n", line, sizeof line);
    if (line[0] == '\0' || digest_header_read(line, &header) != AMT_OK) {
        return false;
    }
    nonce_text(device, nonce);
    (void)snprintf(device->nc, sizeof device->nc, "%.*s", (int)header.nc.len, header.nc.text);
    digest_ha1("admin", FAKE_REALM, FAKE_PASSWORD, strlen(FAKE_PASSWORD), ha1);
    const char *body = strstr(text_chars(&device->request), "\r\n\r\n") + 4;
    struct digest_input input = { .ha1 = ha1,
                                  .method = "POST",
                                  .nonce = header.nonce,
                                  .nc = header.nc,
                                  .cnonce = header.cnonce,
                                  .qop = header.qop,
                                  .uri = header.uri,
                                  .body = body,
                                  .body_len = strlen(body) };
    digest_response(&input, expected);
    bool is_right = digest_field_is(&header.nonce, nonce) &&
                    digest_field_is(&header.uri, "/wsman") &&
                    digest_response_is(&header.response, expected);
    device->authorized += is_right ? 1 : 0;
    return is_right;
}

void fake_send(struct fake_device *device, const char *bytes)
{
    if (device->s != NULL) {
        assert_int_equal(stream_write(device->s, bytes, (uint32_t)strlen(bytes)), AMT_OK);
    }
}

void fake_challenge(struct fake_device *device, const char *stale)
{
    char head[500], nonce[33];
    nonce_text(device, nonce);
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"" FAKE_REALM
                   "\", nonce=\"%s\",stale=\"%s\",qop=\"auth\"\r\nContent-Type: text/html\r\n"
                   "Content-Length: 6\r\nConnection: close\r\n\r\n<html>",
                   nonce, stale);
    fake_send(device, head);
    fake_hang_up(device);
}

void fake_soap(struct fake_device *device, const char *status, const char *body)
{
    struct text envelope = { 0 }, out = { 0 };
    text_printf(&envelope,
                "<a:Envelope xmlns:a=\"" WSMAN_NS_SOAP "\" xmlns:b=\"" WSMAN_NS_ADDRESSING
                "\" xmlns:n=\"" WSMAN_NS_ENUMERATION "\" xmlns:g=\"" WSMAN_NS_AMT
                "AMT_GeneralSettings\"><a:Header><b:RelatesTo>%s</b:RelatesTo></a:Header><a:Body>"
                "%s</a:Body></a:Envelope>",
                device->message_id, body);
    size_t half = envelope.len / 2;
    text_printf(&out,
                "HTTP/1.1 %s\r\nServer: Intel(R) Active Management Technology 15.0.23.1706\r\n"
                "Content-Type: application/soap+xml; charset=UTF-8\r\nTransfer-Encoding: chunked"
                "\r\n\r\n%04zX\r\n",
                status, half);
    text_append(&out, envelope.chars, half);
    text_printf(&out, "\r\n%04zX\r\n%s\r\n0\r\n\r\n", envelope.len - half, envelope.chars + half);
    fake_send(device, text_chars(&out));
    text_fini(&envelope);
    text_fini(&out);
}

void fake_fault(struct fake_device *device, const char *status, const char *subcode,
                const char *detail)
{
    char body[600];
    (void)snprintf(body, sizeof body,
                   "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>b:%s</a:Value>"
                   "</a:Subcode></a:Code><a:Reason><a:Text>why</a:Text></a:Reason><a:Detail>%s"
                   "</a:Detail></a:Fault>",
                   subcode, detail);
    fake_soap(device, status, body);
}

void fake_settings(struct fake_device *device)
{
    fake_soap(device, "200 OK",
              "<g:AMT_GeneralSettings><g:HostName>pc17</g:HostName></g:AMT_GeneralSettings>");
}

const char *fake_file(struct fake_device *device, const char *name)
{
    char path[500];
    (void)snprintf(path, sizeof path, "%s/client/tests/data/%s", AMTLAB_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    amt_free(device->file);
    device->file = amt_alloc(65536);
    assert_true(fread(device->file, 1, 65535, file) > 0);
    (void)fclose(file);
    return device->file;
}

static const struct wsman_outcome *wait(struct fake_device *device, const struct wsman_call *call)
{
    wsman_client_wait(device->client, call, &device->arena, &device->outcome);
    return &device->outcome;
}

const struct wsman_outcome *fake_get(struct fake_device *device, const char *class_name)
{
    struct wsman_call call = { .operation = WSMAN_GET, .class_name = class_name };
    return wait(device, &call);
}

const struct wsman_outcome *fake_enumerate(struct fake_device *device, const char *class_name)
{
    struct wsman_call call = { .operation = WSMAN_ENUMERATE, .class_name = class_name };
    return wait(device, &call);
}

const struct wsman_outcome *fake_invoke(struct fake_device *device, const char *class_name,
                                        const char *method)
{
    struct wsman_call call = { .operation = WSMAN_METHOD,
                               .class_name = class_name,
                               .method = method };
    return wait(device, &call);
}
