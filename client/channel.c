#include "client/channel.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text.h"
#include "runtime/stream_class.h"

#define ANSWER_MAX_BYTES 16384u
#define EARLY_MAX_BYTES  (1024u * 1024u)
#define ANSWER_LIMIT_US  (60u * US_PER_SECOND)
#define CONNECT_LIMIT_US (10u * US_PER_SECOND)

struct channel {
    struct stream stream;
    struct stream *lower;
    struct loop *loop;
    struct timer limit;    /* for the server's answer */
    struct loop_task task; /* what was read while the owner did not read */
    struct text request;
    struct bytes answer; /* the server's, until it has switched */
    struct bytes early;  /* the owner's, until then */
    struct bytes kept;   /* the device's, while paused */
    bool is_open, is_paused, has_shut_down, has_ended;
    bool *is_gone; /* set when the owner closes from inside a callback */
};

static struct channel *channel_of(struct stream *s)
{
    return (struct channel *)s;
}

static void wipe_request(struct channel *c)
{
    if (c->request.chars != NULL) {
        amt_wipe(c->request.chars, c->request.len); /* it holds the token */
    }
    text_fini(&c->request);
}

static void release(struct channel *c)
{
    timer_stop(&c->limit);
    loop_task_cancel(&c->task);
    wipe_request(c);
    bytes_fini(&c->answer);
    bytes_fini(&c->early);
    bytes_fini(&c->kept);
    if (c->is_gone != NULL) {
        *c->is_gone = true;
    }
    amt_free(c);
}

static void end_channel(struct channel *c, const struct stream_end *end)
{
    timer_stop(&c->limit);
    if (!c->has_ended) {
        c->has_ended = true;
        stream_emit_end(&c->stream, end);
    }
}

static void refuse(struct channel *c, const char *text)
{
    struct stream_end end = { .kind = STREAM_END_REFUSED, .tls_alert = -1 };
    (void)snprintf(end.text, sizeof end.text, "%s", text);
    end_channel(c, &end);
}

/* The API's errors are {"error":"..."}; anything else is shown as its status line. */
static void report_refusal(struct channel *c)
{
    char copy[ANSWER_MAX_BYTES + 1], message[STREAM_TEXT_BYTES];
    uint32_t len = c->answer.len < ANSWER_MAX_BYTES ? c->answer.len : ANSWER_MAX_BYTES;
    if (len == 0) {
        refuse(c, "the server closed the connection without an answer");
        return;
    }
    memcpy(copy, bytes_front(&c->answer), len);
    copy[len] = '\0';
    const char *error = strstr(copy, "{\"error\":\"");
    const char *from = error == NULL ? copy : error + 10;
    size_t text_len = strcspn(from, error == NULL ? "\r\n" : "\"");
    (void)snprintf(message, sizeof message, "the server refuses: %.*s", (int)text_len, from);
    refuse(c, message);
}

/* Offset behind the head; 0: not there yet. */
static uint32_t head_end(const struct channel *c)
{
    const uint8_t *answer = bytes_front(&c->answer);
    for (uint32_t end = 4; end <= c->answer.len; end++) {
        if (memcmp(answer + end - 4, "\r\n\r\n", 4) == 0) {
            return end;
        }
    }
    return 0;
}

static void deliver(struct channel *c, const uint8_t *in, uint32_t len)
{
    if (c->is_paused || c->kept.len > 0) {
        if (bytes_append(&c->kept, in, len) != AMT_OK) {
            refuse(c, "out of memory");
        }
        return;
    }
    stream_emit_data(&c->stream, in, len);
}

static void switched(struct channel *c, uint32_t head_bytes)
{
    bool is_gone = false;
    struct bytes answer = c->answer;
    struct bytes early = c->early;
    c->answer = (struct bytes){ .max = ANSWER_MAX_BYTES };
    c->early = (struct bytes){ .max = EARLY_MAX_BYTES };
    timer_stop(&c->limit);
    c->is_open = true;
    enum amt_err err =
        early.len == 0 ? AMT_OK : stream_write(c->lower, bytes_front(&early), early.len);
    bytes_fini(&early);
    if (c->has_shut_down) {
        stream_shutdown(c->lower);
    }
    if (c->is_paused) {
        stream_pause(c->lower);
    }
    c->is_gone = &is_gone;
    if (err != AMT_OK) {
        refuse(c, "the request cannot be sent");
    } else {
        stream_emit_open(&c->stream);
        if (!is_gone && answer.len > head_bytes) {
            deliver(c, bytes_front(&answer) + head_bytes, answer.len - head_bytes);
        }
    }
    if (!is_gone) {
        c->is_gone = NULL;
    }
    bytes_fini(&answer);
}

static void on_lower_open(void *ctx)
{
    struct channel *c = ctx;
    enum amt_err err = stream_write(c->lower, c->request.chars, (uint32_t)c->request.len);
    wipe_request(c);
    if (err != AMT_OK) {
        refuse(c, "the request cannot be sent");
    }
}

static void on_lower_data(void *ctx, const uint8_t *in, uint32_t len)
{
    static const char k_switching[] = "HTTP/1.1 101 ";
    struct channel *c = ctx;
    if (c->is_open) {
        deliver(c, in, len);
        return;
    }
    if (bytes_append(&c->answer, in, len) != AMT_OK) {
        refuse(c, "the server's answer is too long");
        return;
    }
    uint32_t end = head_end(c);
    const char *answer = (const char *)bytes_front(&c->answer);
    if (end == 0) {
        return;
    }
    if (strncmp(answer, k_switching, sizeof k_switching - 1) == 0) {
        switched(c, end);
    } else if (answer[c->answer.len - 1] == '\n' && c->answer.len > end) {
        report_refusal(c); /* the error body ends with a line end */
    }
}

static void on_lower_drain(void *ctx)
{
    stream_emit_drain(&((struct channel *)ctx)->stream);
}

static void on_lower_end(void *ctx, const struct stream_end *end)
{
    struct channel *c = ctx;
    if (c->is_open) {
        end_channel(c, end);
    } else if (end->kind == STREAM_END_FIN) {
        report_refusal(c);
    } else {
        struct stream_end own = *end;
        (void)snprintf(own.text, sizeof own.text, "no connection to the operator API: %.180s",
                       end->text);
        end_channel(c, &own);
    }
}

static const struct stream_handler k_lower = { .on_open = on_lower_open,
                                               .on_data = on_lower_data,
                                               .on_drain = on_lower_drain,
                                               .on_end = on_lower_end };

static void on_limit(void *ctx)
{
    refuse(ctx, "the server did not answer within 60 s");
}

static void on_task(void *ctx)
{
    struct channel *c = ctx;
    struct bytes kept = c->kept;
    if (c->is_paused) {
        return;
    }
    c->kept = (struct bytes){ .max = 0 };
    if (kept.len > 0) {
        bool is_gone = false;
        c->is_gone = &is_gone;
        stream_emit_data(&c->stream, bytes_front(&kept), kept.len);
        bytes_fini(&kept);
        if (is_gone) {
            return;
        }
        c->is_gone = NULL;
    }
    if (!c->is_paused && c->is_open) {
        stream_resume(c->lower);
    }
}

static enum amt_err channel_write(struct stream *s, const void *out, uint32_t len)
{
    struct channel *c = channel_of(s);
    if (c->has_ended || c->has_shut_down) {
        return AMT_ECLOSED;
    }
    return c->is_open ? stream_write(c->lower, out, len) : bytes_append(&c->early, out, len);
}

static uint32_t channel_queued(const struct stream *s)
{
    const struct channel *c = (const struct channel *)s;
    return c->is_open ? stream_queued_bytes(c->lower) : c->early.len;
}

static void channel_set_limit(struct stream *s, uint32_t bytes)
{
    stream_set_write_limit(channel_of(s)->lower, bytes);
}

static void channel_pause(struct stream *s)
{
    struct channel *c = channel_of(s);
    c->is_paused = true;
    if (c->is_open) {
        stream_pause(c->lower);
    }
}

static void channel_resume(struct stream *s)
{
    channel_of(s)->is_paused = false;
    loop_task_post(&channel_of(s)->task);
}

static void channel_shutdown(struct stream *s)
{
    struct channel *c = channel_of(s);
    c->has_shut_down = true;
    if (c->is_open) {
        stream_shutdown(c->lower);
    }
}

static void channel_close(struct stream *s)
{
    stream_close(channel_of(s)->lower);
    release(channel_of(s));
}

static void channel_reset(struct stream *s)
{
    stream_reset(channel_of(s)->lower);
    release(channel_of(s));
}

static void channel_peer(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_peer_name(((const struct channel *)s)->lower, out);
}

static void channel_local(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    stream_local_name(((const struct channel *)s)->lower, out);
}

static const struct stream_class k_class = { .write = channel_write,
                                             .queued_bytes = channel_queued,
                                             .set_write_limit = channel_set_limit,
                                             .pause = channel_pause,
                                             .resume = channel_resume,
                                             .shutdown = channel_shutdown,
                                             .close = channel_close,
                                             .reset = channel_reset,
                                             .peer_name = channel_peer,
                                             .local_name = channel_local };

static void write_request(struct channel *c, const struct client_channel_target *target)
{
    char host[ADDRESS_HOST_BYTES + 10];
    address_format(&target->api, host);
    text_printf(&c->request,
                "GET /api/v1/devices/%s/channels/%u HTTP/1.1\r\nHost: %s\r\n"
                "Authorization: Bearer %.*s\r\nConnection: Upgrade\r\nUpgrade: amtlab-tcp\r\n\r\n",
                target->uuid, target->port, host, (int)target->token->len,
                (const char *)target->token->bytes);
}

struct stream *client_channel_open(struct loop *loop, const struct client_channel_target *target,
                                   const struct stream_handler *handler, void *ctx)
{
    struct channel *c = amt_alloc(sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    stream_init(&c->stream, &k_class);
    if (handler != NULL) {
        stream_set_handler(&c->stream, handler, ctx);
    }
    c->loop = loop;
    c->answer.max = ANSWER_MAX_BYTES;
    c->early.max = EARLY_MAX_BYTES;
    timer_init(&c->limit, loop, on_limit, c);
    loop_task_init(&c->task, loop, on_task, c);
    write_request(c, target);
    c->lower =
        c->request.failed ? NULL : net_connect(loop, &target->api, CONNECT_LIMIT_US, &k_lower, c);
    if (c->lower == NULL) {
        release(c);
        return NULL;
    }
    timer_start(&c->limit, ANSWER_LIMIT_US);
    return &c->stream;
}
