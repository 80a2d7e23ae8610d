#include "runtime/net.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "runtime/loop_world.h"

/* Splits "[v6]:port", "host:port", "host"; an address with several colons and no brackets is IPv6
 * without a port. */
static const char *split(const char *text, size_t *host_len, const char **host)
{
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
            return NULL;
        }
        *host = text + 1;
        *host_len = (size_t)(end - text - 1);
        return end[1] == ':' ? end + 2 : end + 1;
    }
    const char *colon = strchr(text, ':');
    *host = text;
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *host_len = (size_t)(colon - text);
        return colon + 1;
    }
    *host_len = strlen(text);
    return text + *host_len;
}

enum amt_err address_parse(const char *text, uint16_t default_port, struct address *address,
                           struct amt_diag *diag)
{
    const char *host = NULL;
    size_t host_len = 0;
    const char *port_text = split(text, &host_len, &host);
    uint64_t port = default_port;
    bool has_port = port_text != NULL && port_text[0] != '\0';
    if (port_text == NULL || host_len >= ADDRESS_HOST_BYTES ||
        (has_port && text_parse_u64(port_text, 65535, &port) != AMT_OK)) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "\"%s\" is no address", text);
        (void)amt_diag_hint(diag, "write host:port, for example 127.0.0.1:4433 or [::1]:4433; "
                                  "port 0 picks a free one");
        return AMT_ECONFIG;
    }
    memcpy(address->host, host, host_len);
    address->host[host_len] = '\0';
    address->port = (uint16_t)port;
    return AMT_OK;
}

void address_format(const struct address *address, char out[static ADDRESS_HOST_BYTES + 10])
{
    bool is_v6 = strchr(address->host, ':') != NULL;
    (void)snprintf(out, ADDRESS_HOST_BYTES + 10, is_v6 ? "[%s]:%u" : "%s:%u", address->host,
                   address->port);
}

struct listener *net_listen(struct loop *loop, const struct address *address, accept_fn *on_accept,
                            void *ctx, struct amt_diag *diag)
{
    return loop->world->listen(loop, address, on_accept, ctx, diag);
}

void listener_address(const struct listener *listener, struct address *address)
{
    listener->class->address(listener, address);
}

void listener_pause(struct listener *listener)
{
    listener->class->pause(listener);
}

void listener_resume(struct listener *listener)
{
    listener->class->resume(listener);
}

void listener_close(struct listener *listener)
{
    if (listener != NULL) {
        listener->class->close(listener);
    }
}

#define CONNECT_LIMIT_US (30u * (uint64_t)US_PER_SECOND)

struct stream *net_connect(struct loop *loop, const struct address *address,
                           uint64_t connect_limit_us, const struct stream_handler *handler,
                           void *ctx)
{
    uint64_t limit_us = connect_limit_us == 0 ? CONNECT_LIMIT_US : connect_limit_us;
    return loop->world->connect(loop, address, limit_us, handler, ctx);
}

struct stream *net_stdio(struct loop *loop, struct amt_diag *diag)
{
    if (loop->world->stdio == NULL) {
        (void)amt_diag_set(diag, AMT_ESTATE, "the virtual world has no standard input");
        return NULL;
    }
    return loop->world->stdio(loop, diag);
}
