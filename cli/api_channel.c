#include "cli/api_channel.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text.h"

#define ANSWER_MAX_BYTES 16384u
#define ANSWER_LIMIT_US  (60u * US_PER_SECOND)
#define CONNECT_LIMIT_US (10u * US_PER_SECOND)

struct opening {
    struct stream *stream;
    struct timer limit;
    struct bytes answer;
    struct text request;
    api_channel_fn *on_result;
    void *ctx;
};

static void finish(struct opening *opening, struct stream *s, const uint8_t *early,
                   uint32_t early_len, const char *error)
{
    timer_stop(&opening->limit);
    if (s == NULL) {
        stream_close(opening->stream);
    }
    opening->on_result(opening->ctx, s, early, early_len, error);
    if (opening->request.chars != NULL) {
        amt_wipe(opening->request.chars, opening->request.len); /* it holds the token */
    }
    text_fini(&opening->request);
    bytes_fini(&opening->answer);
    amt_free(opening);
}

/* The API's errors are {"error":"..."}; anything else is shown as its status line. */
static void refuse(struct opening *opening)
{
    char message[300] = "the server closed the connection without an answer";
    const char *answer = (const char *)bytes_front(&opening->answer);
    if (answer != NULL) {
        char copy[ANSWER_MAX_BYTES + 1];
        uint32_t len =
            opening->answer.len < ANSWER_MAX_BYTES ? opening->answer.len : ANSWER_MAX_BYTES;
        memcpy(copy, answer, len);
        copy[len] = '\0';
        const char *error = strstr(copy, "{\"error\":\"");
        const char *from = error == NULL ? copy : error + 10;
        size_t text_len = strcspn(from, error == NULL ? "\r\n" : "\"");
        (void)snprintf(message, sizeof message, "the server refuses: %.*s", (int)text_len, from);
    }
    finish(opening, NULL, NULL, 0, message);
}

static void on_open(void *ctx)
{
    struct opening *opening = ctx;
    if (stream_write(opening->stream, opening->request.chars, (uint32_t)opening->request.len) !=
        AMT_OK) {
        finish(opening, NULL, NULL, 0, "the request cannot be sent");
    }
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct opening *opening = ctx;
    if (bytes_append(&opening->answer, in, len) != AMT_OK) {
        finish(opening, NULL, NULL, 0, "the server's answer is too long");
        return;
    }
    const uint8_t *answer = bytes_front(&opening->answer);
    uint32_t have = opening->answer.len;
    static const char k_switching[] = "HTTP/1.1 101 ";
    bool is_switching =
        have >= sizeof k_switching - 1 && memcmp(answer, k_switching, sizeof k_switching - 1) == 0;
    for (uint32_t end = 4; is_switching && end <= have; end++) {
        if (memcmp(answer + end - 4, "\r\n\r\n", 4) == 0) {
            finish(opening, opening->stream, answer + end, have - end, NULL);
            return;
        }
    }
    if (!is_switching && have > 0 && answer[have - 1] == '\n') {
        /* The error body ends with a line end. */
        const char *body = have > 16 ? (const char *)answer : NULL;
        for (uint32_t i = 4; body != NULL && i < have; i++) {
            if (memcmp(body + i - 4, "\r\n\r\n", 4) == 0) {
                refuse(opening);
                return;
            }
        }
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct opening *opening = ctx;
    if (end->kind == STREAM_END_FIN) {
        refuse(opening);
        return;
    }
    char message[STREAM_TEXT_BYTES + 64];
    (void)snprintf(message, sizeof message, "no connection to the operator API: %s", end->text);
    finish(opening, NULL, NULL, 0, message);
}

static void on_limit(void *ctx)
{
    finish(ctx, NULL, NULL, 0, "the server did not answer within 60 s");
}

static const struct stream_handler k_handler = { .on_open = on_open,
                                                 .on_data = on_data,
                                                 .on_end = on_end };

void api_channel_open(struct loop *loop, const struct api_channel_target *target,
                      api_channel_fn *on_result, void *ctx)
{
    struct opening *opening = amt_alloc(sizeof *opening);
    if (opening == NULL) {
        on_result(ctx, NULL, NULL, 0, "out of memory");
        return;
    }
    char host[ADDRESS_HOST_BYTES + 10];
    address_format(&target->api, host);
    opening->on_result = on_result;
    opening->ctx = ctx;
    opening->answer.max = ANSWER_MAX_BYTES;
    timer_init(&opening->limit, loop, on_limit, opening);
    timer_start(&opening->limit, ANSWER_LIMIT_US);
    text_printf(&opening->request,
                "GET /api/v1/devices/%s/channels/%u HTTP/1.1\r\nHost: %s\r\n"
                "Authorization: Bearer %.*s\r\nConnection: Upgrade\r\nUpgrade: amtlab-tcp\r\n\r\n",
                target->uuid, target->port, host, (int)target->token->len,
                (const char *)target->token->bytes);
    opening->stream = net_connect(loop, &target->api, CONNECT_LIMIT_US, &k_handler, opening);
    if (opening->stream == NULL || opening->request.failed) {
        finish(opening, NULL, NULL, 0, "out of memory");
    }
}
