#include "scenarios/engine/console_relay.h"

#include <stdio.h>
#include <string.h>

#include "runtime/net.h"
#include "runtime/tls.h"
#include "runtime/websocket.h"
#include "scenarios/engine/target.h"

#define CONNECT_LIMIT_US (10u * (uint64_t)US_PER_SECOND)
#define NODE_REPEATS     3u
#define NODE_BYTES       16u
#define NODE_CHARS       (NODE_REPEATS * NODE_BYTES / 3u * 4u)

static const struct value *driver_of(const struct actor *mps)
{
    for (const struct engine_target *at = mps->run->options->targets; at != NULL; at = at->next) {
        if (at->file != NULL && strcmp(at->role, mps->kind->name) == 0) {
            return at->file->console;
        }
    }
    return NULL;
}

bool console_relay_is_there(const struct actor *mps)
{
    return driver_of(mps) != NULL;
}

/* MeshCentral's name of a device in a group without agents: its UUID three times, in base64 with @ and $
 * for + and / (apf.md 8.1). Percent-encoded. */
static const char *node_of(struct arena *pool, const struct uuid *device)
{
    static const char k_digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@$";
    uint8_t bytes[NODE_REPEATS * NODE_BYTES];
    struct text out = { 0 };
    for (uint32_t i = 0; i < NODE_REPEATS; i++) {
        memcpy(bytes + (size_t)i * NODE_BYTES, device->bytes, NODE_BYTES);
    }
    for (uint32_t i = 0; i < NODE_CHARS; i++) {
        uint32_t bit = 6 * i, at = bit / 8, shift = bit % 8;
        uint32_t word = (uint32_t)bytes[at] << 8 | (at + 1 < sizeof bytes ? bytes[at + 1] : 0u);
        char digit = k_digits[(word >> (10 - shift)) & 63u];
        if (digit == '@' || digit == '$') {
            text_printf(&out, "%%%02X", (unsigned)digit);
        } else {
            text_append(&out, &digit, 1);
        }
    }
    return pool_take(pool, &out);
}

/* The URL with what stands in braces filled in. */
static const char *fill_in(struct arena *pool, const char *url, const struct uuid *device,
                           uint32_t port)
{
    struct text out = { 0 };
    char uuid[UUID_TEXT_BYTES];
    uuid_format(device, uuid);
    for (const char *at = url; *at != '\0';) {
        if (strncmp(at, "{uuid}", 6) == 0) {
            text_puts(&out, uuid);
            at += 6;
        } else if (strncmp(at, "{port}", 6) == 0) {
            text_printf(&out, "%u", port);
            at += 6;
        } else if (strncmp(at, "{node}", 6) == 0) {
            text_puts(&out, node_of(pool, device));
            at += 6;
        } else {
            text_append(&out, at++, 1);
        }
    }
    return pool_take(pool, &out);
}

static struct stream *connect_to(struct actor *mps, const struct websocket_url *url)
{
    struct loop *loop = mps->run->loop;
    struct address address = { .port = url->port };
    (void)snprintf(address.host, sizeof address.host, "%.*s", (int)sizeof address.host - 1,
                   url->host);
    struct stream *s = pool_checked(net_connect(loop, &address, CONNECT_LIMIT_US, NULL, NULL));
    if (!url->is_tls) {
        return s;
    }
    struct tls_settings settings = { .is_server = false };
    struct tls_name_check check = { .sni = NULL };
    struct tls_context *context = pool_checked(tls_context_new(&settings, NULL));
    s = pool_checked(tls_connect(loop, context, &check, s, NULL, NULL));
    tls_context_free(context);
    return s;
}

static const char *header_lines(struct arena *pool, const struct value *headers)
{
    struct text out = { 0 };
    for (const struct value *at = headers == NULL ? NULL : headers->first; at != NULL;
         at = at->next) {
        text_printf(&out, "%s: %s\r\n", at->key, value_written(pool, at));
    }
    return out.len == 0 ? NULL : pool_take(pool, &out);
}

struct stream *console_relay_open(struct actor *mps, const struct uuid *device, uint32_t port,
                                  const struct stream_handler *handler, void *ctx)
{
    static const struct websocket_settings k_settings = { .refuses_text = true };
    struct arena *pool = &mps->run->pool;
    const struct value *driver = driver_of(mps);
    struct websocket_url url = { .is_tls = false };
    const char *written = value_written(pool, value_get(driver, "url"));
    if (websocket_url_parse(fill_in(pool, written, device, port), &url, NULL) != AMT_OK) {
        url = (struct websocket_url){ .is_tls = false }; /* too long: a host that nobody finds */
    }
    struct websocket_request request = { .target = url.target,
                                         .host = url.host_header,
                                         .headers =
                                             header_lines(pool, value_get(driver, "headers")) };
    struct websocket *ws = pool_checked(websocket_connect(mps->run->loop, connect_to(mps, &url),
                                                          &request, &k_settings, NULL, NULL));
    struct stream *s = websocket_stream(ws);
    stream_set_handler(s, handler, ctx);
    return s;
}
