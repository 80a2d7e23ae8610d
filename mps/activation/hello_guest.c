/* A connection to the hello port: until the packet is whole, is none, or time is up (ACT-SRV-053, 054). */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/activation/hello_internal.h"

#define PACKET_MAX_BYTES 16000u /* as MeshCentral */
#define CONNECTIONS_MAX  100u
#define PER_ADDRESS_MAX  4u
#define TIME_LIMIT_US    (10u * (uint64_t)US_PER_SECOND)

struct hello_guest {
    struct hello_server *server;
    struct hello_guest *next, *previous;
    struct stream *stream;
    struct bytes received;
    struct timer limit;
    char peer[STREAM_NAME_BYTES], host[ADDRESS_HOST_BYTES];
};

static void leave(struct hello_guest *g)
{
    struct hello_server *server = g->server;
    if (g->previous != NULL) {
        g->previous->next = g->next;
    } else {
        server->guests = g->next;
    }
    if (g->next != NULL) {
        g->next->previous = g->previous;
    }
    server->guest_count -= 1;
    timer_stop(&g->limit);
    bytes_fini(&g->received);
    stream_close(g->stream);
    amt_free(g);
}

static void refuse(struct hello_guest *g, const char *reason, uint32_t offset)
{
    LOG(g->server->settings.activation.log, LOG_WARN, "hello.refused", log_text("peer", g->peer),
        log_text("reason", reason), log_u64("offset", offset));
    hello_server_shun(g->server, g->host);
    leave(g);
}

static void on_limit(void *ctx)
{
    struct hello_guest *g = ctx;
    refuse(g, "the packet is not whole in time", g->received.len);
}

/* Somebody with a browser, or a monitor. */
static bool is_browser(const struct hello_guest *g)
{
    return g->received.len >= 4 && memcmp(bytes_front(&g->received), "GET ", 4) == 0;
}

static bool has_blank_line(const uint8_t *in, uint32_t len)
{
    for (uint32_t i = 0; i + 4 <= len; i++) {
        if (memcmp(in + i, "\r\n\r\n", 4) == 0) {
            return true;
        }
    }
    return false;
}

static void answer_browser(struct hello_guest *g)
{
    static const char k_page[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\nConnection: close"
        "\r\n\r\n"
        "<!DOCTYPE html><html><head><title>amtlab</title></head><body>Devices say hello "
        "here.</body></html>\r\n";
    if (has_blank_line(bytes_front(&g->received), g->received.len)) {
        enum amt_err err = stream_write(g->stream, k_page, sizeof k_page - 1);
        (void)err; /* whoever asks can ask again */
        leave(g);
    }
}

static void look(struct hello_guest *g, bool is_end)
{
    struct hello_packet packet;
    struct hello_problem problem;
    const uint8_t *bytes = g->received.len == 0 ? (const uint8_t *)"" : bytes_front(&g->received);
    enum amt_err err = hello_decode(bytes, g->received.len, &packet, &problem);
    if (err == AMT_OK) {
        hello_server_take(g->server, &packet, bytes, g->peer, g->host);
        leave(g);
    } else if (err == AMT_NEED_MORE && !is_end) {
        return;
    } else if (err == AMT_NEED_MORE) {
        refuse(g, "the packet is cut short", problem.offset);
    } else {
        refuse(g, problem.text, problem.offset);
    }
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct hello_guest *g = ctx;
    g->received.max = PACKET_MAX_BYTES;
    if (bytes_append(&g->received, in, len) != AMT_OK) {
        refuse(g, "more than 16000 bytes", g->received.len);
    } else if (is_browser(g)) {
        answer_browser(g);
    } else {
        look(g, false);
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct hello_guest *g = ctx;
    if (g->received.len == 0) {
        leave(g); /* a port scan */
    } else if (end->kind == STREAM_END_FIN) {
        look(g, true);
    } else {
        refuse(g, end->text, g->received.len);
    }
}

/* "192.0.2.7:51324", "[2001:db8::1]:51324": without port, brackets and the prefix of mapped addresses. */
static void host_of(const char *peer, char out[static ADDRESS_HOST_BYTES])
{
    struct address address = { .port = 0 };
    static const char k_mapped[] = "::ffff:";
    if (address_parse(peer, 0, &address, NULL) != AMT_OK) {
        (void)snprintf(address.host, sizeof address.host, "%s", peer);
    }
    bool is_mapped = strncmp(address.host, k_mapped, sizeof k_mapped - 1) == 0 &&
                     strchr(address.host, '.') != NULL;
    (void)snprintf(out, ADDRESS_HOST_BYTES, "%s",
                   address.host + (is_mapped ? sizeof k_mapped - 1 : 0));
}

static uint32_t count_of(const struct hello_server *server, const char *host)
{
    uint32_t count = 0;
    for (const struct hello_guest *g = server->guests; g != NULL; g = g->next) {
        count += strcmp(g->host, host) == 0 ? 1 : 0;
    }
    return count;
}

void hello_guest_new(struct hello_server *server, struct stream *s)
{
    static const struct stream_handler k_handler = { .on_data = on_data, .on_end = on_end };
    const struct hello_limits *limits = &server->settings.limits;
    char peer[STREAM_NAME_BYTES];
    char host[ADDRESS_HOST_BYTES];
    uint32_t max = limits->connections == 0 ? CONNECTIONS_MAX : limits->connections;
    uint32_t per_address =
        limits->connections_per_address == 0 ? PER_ADDRESS_MAX : limits->connections_per_address;
    stream_peer_name(s, peer);
    host_of(peer, host);
    bool is_welcome = server->guest_count < max && count_of(server, host) < per_address &&
                      !hello_server_shuns(server, host);
    struct hello_guest *g = is_welcome ? amt_alloc(sizeof *g) : NULL;
    if (g == NULL) {
        LOG(server->settings.activation.log, LOG_DEBUG, "hello.turned_away",
            log_text("peer", peer));
        stream_reset(s);
        return;
    }
    g->server = server;
    g->stream = s;
    (void)snprintf(g->peer, sizeof g->peer, "%s", peer);
    (void)snprintf(g->host, sizeof g->host, "%s", host);
    g->next = server->guests;
    if (g->next != NULL) {
        g->next->previous = g;
    }
    server->guests = g;
    server->guest_count += 1;
    timer_init(&g->limit, server->settings.activation.loop, on_limit, g);
    timer_start(&g->limit, limits->time_us == 0 ? TIME_LIMIT_US : limits->time_us);
    stream_set_handler(s, &k_handler, g);
}

void hello_guests_end(struct hello_server *server)
{
    while (server->guests != NULL) {
        leave(server->guests);
    }
}
