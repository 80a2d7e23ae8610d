/*
 * Through an HTTP proxy to the server: CONNECT, and what follows is the server's (RFC 9110 9.3.6). How
 * firmware asks is not published (apf.md 13.6); no other method carries TLS.
 */
#include <stdio.h>
#include <string.h>

#include "simulator/device_internal.h"

#define ANSWER_MAX_BYTES 8192u
#define ANSWER_LIMIT_US  (30u * (uint64_t)US_PER_SECOND)

static void give_up(struct tunnel *t, enum stream_end_kind kind, const char *what)
{
    struct stream_end end = { .kind = kind, .tls_alert = -1 };
    char proxy[ADDRESS_HOST_BYTES + 10];
    address_format(&t->device->proxy, proxy);
    (void)snprintf(end.text, sizeof end.text, "the proxy %.100s %.120s", proxy, what);
    tunnel_stream_ended(t, &end);
}

static void on_late(void *ctx)
{
    give_up(ctx, STREAM_END_TIMEOUT, "did not answer");
}

static void on_open(void *ctx)
{
    struct tunnel *t = ctx;
    char server[ADDRESS_HOST_BYTES + 10];
    char request[2 * sizeof server + 48];
    address_format(&t->device->server, server);
    int len = snprintf(request, sizeof request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", server,
                       server);
    LOG(t->device->log, LOG_DEBUG, "cira.proxy", log_text("uuid", t->device->uuid_text),
        log_text("proxy", t->device->proxy.host), log_u64("port", t->device->proxy.port));
    timer_start(&t->proxy_limit, ANSWER_LIMIT_US);
    if (stream_write(t->stream, request, (uint32_t)len) != AMT_OK) {
        give_up(t, STREAM_END_LOCAL, "could not be asked");
    }
}

/* "HTTP/1.1 200 ..." to 200; 0 for anything else. */
static unsigned status_of(const char *answer)
{
    bool is_http = strncmp(answer, "HTTP/1.", 7) == 0 && answer[7] != '\0' && answer[8] == ' ';
    unsigned status = 0;
    for (uint32_t i = 9; is_http && i < 12; i++) {
        if (answer[i] < '0' || answer[i] > '9') {
            return 0;
        }
        status = status * 10 + (unsigned)(answer[i] - '0');
    }
    return status;
}

static void go_on(struct tunnel *t)
{
    struct stream *s = t->stream;
    proxy_forget(t);
    stream_set_handler(s, NULL, NULL);
    t->stream = tunnel_secure(t, s);
    if (t->stream == NULL) {
        give_up(t, STREAM_END_LOCAL, "is there, but no memory");
    } else if (t->device->tls == NULL) {
        tunnel_opened(t); /* the connection has been open for long */
    }
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct tunnel *t = ctx;
    char what[64];
    text_append(&t->proxy_answer, (const char *)in, len);
    const char *answer = text_chars(&t->proxy_answer);
    const char *end = strstr(answer, "\r\n\r\n");
    if (t->proxy_answer.failed) {
        give_up(t, STREAM_END_LOCAL, "answers, but no memory");
    } else if (end == NULL && t->proxy_answer.len > ANSWER_MAX_BYTES) {
        give_up(t, STREAM_END_REFUSED, "does not come to an end");
    } else if (end == NULL) {
        return;
    } else if (status_of(answer) / 100 != 2) {
        (void)snprintf(what, sizeof what, "answered %.40s", answer);
        what[strcspn(what, "\r\n")] = '\0';
        give_up(t, STREAM_END_REFUSED, what);
    } else if (end + 4 != answer + t->proxy_answer.len) {
        give_up(t, STREAM_END_REFUSED, "speaks before the server could");
    } else {
        go_on(t);
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct tunnel *t = ctx;
    give_up(t, end->kind, end->text);
}

static const struct stream_handler k_proxy = { .on_open = on_open,
                                               .on_data = on_data,
                                               .on_end = on_end };

void proxy_init(struct tunnel *t)
{
    timer_init(&t->proxy_limit, t->device->loop, on_late, t);
}

void proxy_ask(struct tunnel *t, struct stream *s)
{
    stream_set_handler(s, &k_proxy, t);
}

void proxy_forget(struct tunnel *t)
{
    timer_stop(&t->proxy_limit);
    text_fini(&t->proxy_answer);
    t->proxy_answer = (struct text){ .chars = NULL };
}
