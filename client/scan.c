#include "client/scan.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define BATCH 64u
#define PAUSE_US \
    5000u /* 12800 pings a second: a /16 in five seconds, and no burst that switches drop */

struct client_scan {
    struct client_scan_settings settings;
    struct udp_socket *socket;
    struct timer timer;
    uint64_t next; /* address, above last when all are sent */
    uint32_t unsent;
    uint8_t *seen; /* a bit for each address */
    bool is_waiting;
};

/* A decimal number up to max at the beginning of text; *text moves behind it. */
static bool read_number(const char **text, uint32_t max, uint32_t *out)
{
    const char *at = *text;
    for (*out = 0; *at >= '0' && *at <= '9' && *out <= max; at++) {
        *out = *out * 10 + (uint32_t)(*at - '0');
    }
    bool is_number = at > *text && *out <= max;
    *text = at;
    return is_number;
}

/* All of text[0, len). */
static bool read_address(const char *text, size_t len, uint32_t *out)
{
    const char *at = text;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t part = 0;
        if ((i > 0 && *at++ != '.') || !read_number(&at, 255, &part)) {
            return false;
        }
        *out = *out << 8 | part;
    }
    return at == text + len;
}

static bool read_prefix(const char *text, uint32_t address, struct client_scan_range *range)
{
    uint32_t bits = 0;
    if (!read_number(&text, 32, &bits) || *text != '\0') {
        return false;
    }
    uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    range->first = address & mask;
    range->last = range->first | ~mask;
    if (bits < 31) { /* network and broadcast address are no device's */
        range->first += 1;
        range->last -= 1;
    }
    return true;
}

enum amt_err client_scan_range(const char *text, struct client_scan_range *range,
                               struct amt_diag *diag)
{
    size_t len = strcspn(text, "/-");
    uint32_t address = 0;
    bool is_good = read_address(text, len, &address);
    if (is_good && text[len] == '/') {
        is_good = read_prefix(text + len + 1, address, range);
    } else if (is_good) {
        const char *end = text[len] == '-' ? text + len + 1 : text;
        range->first = address;
        is_good = read_address(end, text[len] == '-' ? strlen(end) : len, &range->last) &&
                  range->last >= range->first;
    }
    if (!is_good) {
        (void)amt_diag_set(diag, AMT_EMALFORMED, "\"%s\" is no range of IPv4 addresses", text);
        (void)amt_diag_hint(diag, "192.0.2.0/24, 192.0.2.1-192.0.2.9, or 192.0.2.7");
        return AMT_EMALFORMED;
    }
    if (range->last - range->first >= CLIENT_SCAN_MAX) {
        (void)amt_diag_set(diag, AMT_ELIMIT, "%s are more than %u addresses", text,
                           CLIENT_SCAN_MAX);
        (void)amt_diag_hint(diag, "scan a part, /16 at most");
        return AMT_ELIMIT;
    }
    return AMT_OK;
}

static void on_receive(void *ctx, const struct address *from, const uint8_t *in, uint32_t len)
{
    struct client_scan *scan = ctx;
    struct rmcp_message message;
    uint32_t address = 0;
    const struct client_scan_range *range = &scan->settings.range;
    if (!read_address(from->host, strlen(from->host), &address) || address < range->first ||
        address > range->last || rmcp_decode(in, len, &message) != AMT_OK ||
        message.kind != RMCP_PONG) {
        return;
    }
    uint32_t at = address - range->first;
    if ((scan->seen[at / 8] & 1u << at % 8) == 0) {
        scan->seen[at / 8] |= (uint8_t)(1u << at % 8);
        scan->settings.on_found(scan->settings.ctx, from->host, &message.presence);
    }
}

static void ping(struct client_scan *scan, uint32_t address)
{
    const struct rmcp_message message = { .kind = RMCP_PING, .sequence = RMCP_NO_ACKNOWLEDGE };
    uint8_t out[RMCP_PING_BYTES];
    struct address to = { .port = scan->settings.port };
    uint32_t len = rmcp_encode(&message, out, sizeof out);
    (void)snprintf(to.host, sizeof to.host, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                   address >> 8 & 255, address & 255);
    if (udp_send(scan->socket, &to, out, len) != AMT_OK) {
        scan->unsent += 1;
    }
}

static void on_timer(void *ctx)
{
    struct client_scan *scan = ctx;
    if (scan->is_waiting) {
        scan->settings.on_done(scan->settings.ctx);
        return;
    }
    for (uint32_t i = 0; i < BATCH && scan->next <= scan->settings.range.last; i++) {
        ping(scan, (uint32_t)scan->next++);
    }
    scan->is_waiting = scan->next > scan->settings.range.last;
    timer_start(&scan->timer, scan->is_waiting ? scan->settings.wait_us : PAUSE_US);
}

struct client_scan *client_scan_start(const struct client_scan_settings *settings,
                                      struct amt_diag *diag)
{
    const struct address any = { .host = "0.0.0.0" };
    struct client_scan *scan = amt_alloc(sizeof *scan);
    uint32_t count = settings->range.last - settings->range.first + 1;
    if (scan == NULL || (scan->seen = amt_alloc(count / 8 + 1)) == NULL) {
        amt_free(scan);
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    scan->settings = *settings;
    scan->next = settings->range.first;
    timer_init(&scan->timer, settings->loop, on_timer, scan);
    scan->socket = udp_open(settings->loop, &any, on_receive, scan, diag);
    if (scan->socket == NULL) {
        client_scan_free(scan);
        return NULL;
    }
    timer_start(&scan->timer, 0);
    return scan;
}

uint32_t client_scan_unsent(const struct client_scan *scan)
{
    return scan->unsent;
}

void client_scan_free(struct client_scan *scan)
{
    if (scan != NULL) {
        timer_stop(&scan->timer);
        udp_close(scan->socket);
        amt_free(scan->seen);
        amt_free(scan);
    }
}
