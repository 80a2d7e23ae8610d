/*
 * The server's side of HTTP on a memory stream. Byte 0: bits 0-1 size of the pieces, bits 2-4 what the
 * owner does with a request, bit 5 small limits, bit 6 the client sends FIN behind its bytes, bit 7 the
 * first bytes come as read ahead; the rest is what the client sends.
 * Oracles: cutting changes neither the requests nor what an upgraded stream gets; what the server says
 * is HTTP, one answer to each request that was answered and at most one refusal, which is the last; one
 * end; the owner is never called after it; nothing is left over.
 */
#include <http_parser.h>
#include <string.h>

#include "base/text.h"
#include "fuzz/target.h"
#include "runtime/http.h"

enum reaction {
    ANSWER,
    ANSWER_LATER,
    ANSWER_AND_CLOSE,
    ANSWER_BIG,
    UPGRADE,
    UPGRADE_LATER,
    CLOSE,
    KEEP_SILENT
};

#define REQUESTS_MAX 512u

struct run {
    struct loop *loop;
    struct stream *raw; /* the client's end */
    struct http_server_connection *server;
    struct stream *upgraded;
    struct timer later;
    struct text requests, received, handed_over;
    enum reaction reaction;
    bool has_ended;
    bool heads[REQUESTS_MAX]; /* which answered requests were HEAD */
    bool is_head;             /* the request in hand */
    uint32_t answered;
    /* What the answers were found to be. */
    uint32_t answers, refusals;
    bool is_raw; /* behind a 101 */
};

static void upgraded_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct run *)ctx)->handed_over, (const char *)in, len);
}

static const struct stream_handler k_upgraded = { .on_data = upgraded_data };

static void upgrade(struct run *r)
{
    struct text read_ahead = { 0 };
    r->upgraded = http_upgrade(r->server, "Upgrade: raw\r\nConnection: Upgrade\r\n", &read_ahead);
    if (r->upgraded != NULL) {
        stream_set_handler(r->upgraded, &k_upgraded, r);
        text_append(&r->handed_over, read_ahead.chars, read_ahead.len);
    }
    text_fini(&read_ahead);
}

static void answer(struct run *r, uint32_t body_len)
{
    static const char k_body[70000] = { 'b' };
    if (r->answered < REQUESTS_MAX) {
        r->heads[r->answered] = r->is_head;
    }
    r->answered += 1;
    http_respond(r->server, 200, "text/plain", "X-Extra: 1\r\n", k_body, body_len);
}

static void react(struct run *r)
{
    switch (r->reaction) {
    case ANSWER_AND_CLOSE:
        http_close_after_response(r->server);
        answer(r, 2);
        break;
    case ANSWER_BIG:
        answer(r, 70000);
        break;
    case UPGRADE:
    case UPGRADE_LATER:
        upgrade(r);
        break;
    case CLOSE:
        http_server_close(r->server);
        break;
    case KEEP_SILENT:
        break;
    case ANSWER:
    case ANSWER_LATER:
        answer(r, 2);
        break;
    }
}

static void on_later(void *ctx)
{
    struct run *r = ctx;
    if (!r->has_ended) {
        react(r);
    }
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    struct run *r = ctx;
    FUZZ_REQUIRE(!r->has_ended && !timer_is_running(&r->later));
    r->server = connection;
    r->is_head = strcmp(request->method, "HEAD") == 0;
    text_printf(&r->requests, "%s %s %d\n", request->method, request->target, request->is_upgrade);
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        text_printf(&r->requests, "%s: %s\n", header->name, header->value);
    }
    text_append(&r->requests, request->body, request->body_len);
    text_puts(&r->requests, "\n");
    if (r->reaction == ANSWER_LATER || r->reaction == UPGRADE_LATER) {
        timer_start(&r->later, 50000);
    } else {
        react(r);
    }
}

static void on_server_end(void *ctx)
{
    struct run *r = ctx;
    FUZZ_REQUIRE(!r->has_ended);
    r->has_ended = true;
}

static void raw_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct run *)ctx)->received, (const char *)in, len);
}

static const struct stream_handler k_raw = { .on_data = raw_data };

static void run_for(struct run *r, uint64_t us)
{
    (void)loop_run_until(r->loop, NULL, NULL, loop_now_us(r->loop) + us);
}

static void send_pieces(struct run *r, const uint8_t *in, size_t len, size_t piece)
{
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        if (stream_write(r->raw, in + at, (uint32_t)n) != AMT_OK) {
            return;
        }
        run_for(r, 1000);
    }
}

/* The parser asks here whether a body follows: none behind the answer to a HEAD. */
static int on_answer_head(http_parser *parser)
{
    struct run *r = parser->data;
    bool is_answer = parser->status_code == 200;
    return is_answer && r->answers < REQUESTS_MAX && r->heads[r->answers] ? 1 : 0;
}

static int on_answer(http_parser *parser)
{
    struct run *r = parser->data;
    FUZZ_REQUIRE(r->refusals == 0 && !r->is_raw);
    switch (parser->status_code) {
    case 100:
        break;
    case 200:
        r->answers += 1;
        break;
    case 101:
        r->is_raw = true;
        break;
    case 400:
    case 408:
    case 413:
    case 431:
        r->refusals += 1;
        break;
    default:
        FUZZ_REQUIRE(false);
    }
    return 0;
}

static void check_answers(struct run *r)
{
    static const http_parser_settings k_settings = { .on_headers_complete = on_answer_head,
                                                     .on_message_complete = on_answer };
    http_parser parser;
    http_parser_init(&parser, HTTP_RESPONSE);
    parser.data = r;
    size_t used = http_parser_execute(&parser, &k_settings, r->received.chars, r->received.len);
    FUZZ_REQUIRE(r->is_raw || used == r->received.len);
    FUZZ_REQUIRE(r->is_raw || HTTP_PARSER_ERRNO(&parser) == HPE_OK);
    FUZZ_REQUIRE(r->answers == r->answered);
}

static void run_once(struct run *r, uint8_t flavour, const uint8_t *in, size_t len, size_t piece)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct http_limits limits = { .idle_limit_us = 10u * (uint64_t)US_PER_SECOND };
    struct stream *server = NULL;
    size_t pre_len = (flavour & 128) != 0 && piece < len ? piece : 0;
    if ((flavour & 32) != 0) {
        limits.head_max_bytes = 64;
        limits.body_max_bytes = 32;
    }
    r->reaction = (enum reaction)(flavour >> 2 & 7);
    r->loop = loop_new_virtual(&k_world, NULL);
    FUZZ_REQUIRE(r->loop != NULL);
    timer_init(&r->later, r->loop, on_later, r);
    FUZZ_REQUIRE(stream_memory_pair(r->loop, &r->raw, &server) == AMT_OK);
    stream_set_handler(r->raw, &k_raw, r);
    FUZZ_REQUIRE(http_serve(r->loop, server, &limits, on_request, on_server_end, r, in,
                            (uint32_t)pre_len) != NULL);
    send_pieces(r, in + pre_len, len - pre_len, piece);
    if ((flavour & 64) != 0) {
        stream_shutdown(r->raw);
    }
    run_for(r, 60u * (uint64_t)US_PER_SECOND); /* every limit passes */
    if (r->reaction != KEEP_SILENT) {
        FUZZ_REQUIRE(r->has_ended);
    }
    stream_close(r->raw);
    stream_close(r->upgraded);
    loop_run(r->loop);
    if (!r->has_ended) {
        http_server_close(r->server); /* the silent owner lets go: a FIN alone ends nothing */
    }
    loop_run(r->loop);
    FUZZ_REQUIRE(r->has_ended);
    loop_free(r->loop);
    FUZZ_REQUIRE(!r->requests.failed && !r->received.failed && !r->handed_over.failed);
    check_answers(r);
}

static bool text_is_equal(const struct text *a, const struct text *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->chars, b->chars, a->len) == 0);
}

static void run_fini(struct run *r)
{
    text_fini(&r->requests);
    text_fini(&r->received);
    text_fini(&r->handed_over);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t k_pieces[] = { 1, 3, 17, 250 };
    if (size < 1 || size > 4096) {
        return 0;
    }
    struct run whole = { .loop = NULL }, cut = { .loop = NULL };
    run_once(&whole, data[0], data + 1, size - 1, 4096);
    run_once(&cut, data[0], data + 1, size - 1, k_pieces[data[0] & 3]);
    FUZZ_REQUIRE(text_is_equal(&whole.requests, &cut.requests));
    FUZZ_REQUIRE(text_is_equal(&whole.handed_over, &cut.handed_over));
    FUZZ_REQUIRE(whole.refusals == cut.refusals);
    run_fini(&whole);
    run_fini(&cut);
    return 0;
}
