/* Both sides of a websocket over a memory pair, and each against bytes that are written by hand. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "runtime/websocket.h"

struct party {
    struct websocket *ws;
    struct text got; /* "t:" or "b:" and the message, "|" behind each */
    uint32_t opens, ends, messages, bytes;
    struct websocket_end end;
    bool pauses; /* after each message */
    bool closes; /* at the first message */
};

struct bench {
    struct loop *loop;
    struct http_server_connection *connection;
    struct party server, client;
    struct websocket_settings server_settings, client_settings;
    struct stream *raw; /* instead of one party */
    struct text raw_got;
    bool raw_ended;
};

static void on_open(void *ctx)
{
    ((struct party *)ctx)->opens += 1;
}

static void on_message(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len)
{
    struct party *p = ctx;
    p->messages += 1;
    p->bytes += len;
    if (len < 4096) {
        text_puts(&p->got, kind == WEBSOCKET_TEXT ? "t:" : "b:");
        text_append(&p->got, (const char *)in, len);
        text_puts(&p->got, "|");
    }
    if (p->pauses) {
        websocket_pause(p->ws);
    }
    if (p->closes) {
        websocket_close(p->ws, WEBSOCKET_GOING_AWAY, "enough");
        p->ws = NULL;
    }
}

static void on_end(void *ctx, const struct websocket_end *end)
{
    struct party *p = ctx;
    p->ends += 1;
    p->end = *end;
}

static const struct websocket_handler k_party = { .on_open = on_open,
                                                  .on_message = on_message,
                                                  .on_end = on_end };

static void run(struct bench *b)
{
    (void)loop_run_until(b->loop, NULL, NULL, loop_now_us(b->loop) + 100000);
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    struct bench *b = ctx;
    b->server.ws =
        websocket_accept(b->loop, connection, request, &b->server_settings, &k_party, &b->server);
}

static void raw_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct bench *)ctx)->raw_got, (const char *)in, len);
}

static void raw_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    ((struct bench *)ctx)->raw_ended = true;
}

static const struct stream_handler k_raw = { .on_data = raw_data, .on_end = raw_end };

static void bench_init(struct bench *b)
{
    static const struct virtual_world k_world = { .seed = 7 };
    *b = (struct bench){ .loop = loop_new_virtual(&k_world, NULL) };
    assert_non_null(b->loop);
}

static void bench_serve(struct bench *b, struct stream *s)
{
    b->connection = http_serve(b->loop, s, NULL, on_request, NULL, b, NULL, 0);
    assert_non_null(b->connection);
}

static void bench_ask(struct bench *b, struct stream *s)
{
    static const struct websocket_request k_request = { .target = "/activate?x=1",
                                                        .host = "rps.example.com",
                                                        .headers = "X-A: b\r\n" };
    b->client.ws =
        websocket_connect(b->loop, s, &k_request, &b->client_settings, &k_party, &b->client);
    assert_non_null(b->client.ws);
}

/* Both sides are ours. */
static void bench_open(struct bench *b)
{
    struct stream *here = NULL, *there = NULL;
    assert_int_equal(stream_memory_pair(b->loop, &here, &there), AMT_OK);
    bench_serve(b, there);
    bench_ask(b, here);
}

static void bench_close(struct bench *b)
{
    websocket_close(b->client.ws, WEBSOCKET_NORMAL, "");
    websocket_close(b->server.ws, WEBSOCKET_NORMAL, "");
    stream_close(b->raw);
    loop_run(b->loop);
    loop_free(b->loop);
    text_fini(&b->client.got);
    text_fini(&b->server.got);
    text_fini(&b->raw_got);
}

/* A server of ours and a client by hand, upgraded. */
static void bench_raw_client(struct bench *b)
{
    static const char k_request[] =
        "GET /any HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    struct stream *there = NULL;
    assert_int_equal(stream_memory_pair(b->loop, &b->raw, &there), AMT_OK);
    stream_set_handler(b->raw, &k_raw, b);
    bench_serve(b, there);
    assert_int_equal(stream_write(b->raw, k_request, sizeof k_request - 1), AMT_OK);
    run(b);
    assert_non_null(b->server.ws);
    /* RFC 6455, 1.3 */
    assert_non_null(
        strstr(b->raw_got.chars, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    text_fini(&b->raw_got);
}

static void raw_write(struct bench *b, const char *hex)
{
    uint8_t bytes[512];
    size_t len = 0;
    assert_int_equal(text_parse_hex(hex, bytes, sizeof bytes, &len), AMT_OK);
    assert_int_equal(stream_write(b->raw, bytes, (uint32_t)len), AMT_OK);
    run(b);
}

static void assert_raw(struct bench *b, const char *hex)
{
    struct text got = { 0 };
    text_hex(&got, (const uint8_t *)text_chars(&b->raw_got), b->raw_got.len);
    assert_string_equal(text_chars(&got), hex);
    text_fini(&got);
    text_fini(&b->raw_got);
}

static void messages_pass_both_ways(void **state)
{
    (void)state;
    struct bench b;
    uint8_t *large = amt_alloc(300000);
    bench_init(&b);
    bench_open(&b);
    /* before the server has agreed */
    assert_int_equal(websocket_send(b.client.ws, WEBSOCKET_TEXT, "hello", 5), AMT_OK);
    run(&b);
    assert_int_equal(b.client.opens, 1);
    assert_int_equal(b.server.opens, 0);
    assert_int_equal(websocket_send(b.client.ws, WEBSOCKET_BINARY, "", 0), AMT_OK);
    assert_int_equal(websocket_send(b.client.ws, WEBSOCKET_BINARY, large, 300000), AMT_OK);
    assert_int_equal(websocket_send(b.server.ws, WEBSOCKET_TEXT, "\xc3\xa9", 2), AMT_OK);
    run(&b);
    assert_string_equal(b.server.got.chars, "t:hello|b:|");
    assert_int_equal(b.server.bytes, 300005);
    assert_string_equal(b.client.got.chars, "t:\xc3\xa9|");
    websocket_close(b.client.ws, 4321, "done here");
    b.client.ws = NULL;
    run(&b);
    assert_int_equal(b.server.ends, 1);
    assert_int_equal(b.server.end.code, 4321);
    assert_true(b.server.end.is_by_peer);
    assert_string_equal(b.server.end.reason, "done here");
    assert_int_equal(b.server.end.stream.kind, STREAM_END_RESET);
    assert_int_equal(websocket_send(b.server.ws, WEBSOCKET_TEXT, "x", 1), AMT_ECLOSED);
    bench_close(&b);
    amt_free(large);
}

static void fragments_become_one_message_with_pings_between(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_raw_client(&b);
    /* "Hel" ping("?") "" "lo", each with mask 0 or 37fa213d */
    raw_write(&b, "01 83 00000000 48656c");
    raw_write(&b, "89 81 00000000 3f");
    raw_write(&b, "00 80 37fa213d");
    assert_raw(&b, "8a013f"); /* the pong, unmasked */
    assert_int_equal(b.server.messages, 0);
    raw_write(&b, "80 82 37fa213d 5b95");
    assert_string_equal(b.server.got.chars, "t:Hello|");
    raw_write(&b, "8a 80 00000000"); /* an unasked pong is nothing */
    raw_write(&b, "88 82 00000000 03e8");
    assert_int_equal(b.server.end.code, 1000);
    assert_int_equal(b.server.end.stream.kind, STREAM_END_FIN);
    assert_raw(&b, "880203e8");
    bench_close(&b);
}

/* Hex of what a client sends, the close frame that comes back, the code told to the owner. */
static void what_breaks_the_rules_ends_it_with_its_code(void **state)
{
    static const struct {
        const char *sends, *comes_back;
        uint16_t code;
    } k_cases[] = {
        { "81 01 41", "880203ea", WEBSOCKET_PROTOCOL_ERROR },          /* not masked */
        { "c1 81 00000000 41", "880203ea", WEBSOCKET_PROTOCOL_ERROR }, /* RSV1 */
        { "83 80 00000000", "880203ea", WEBSOCKET_PROTOCOL_ERROR },    /* opcode 3 */
        { "80 80 00000000", "880203ea", WEBSOCKET_PROTOCOL_ERROR },    /* continues nothing */
        { "01 81 00000000 41 81 81 00000000 41", "880203ea", WEBSOCKET_PROTOCOL_ERROR },
        { "81 81 00000000 ff", "880203ef", WEBSOCKET_NOT_UTF8 },
        { "82 fe 03e9 00000000 41", "880203f1", WEBSOCKET_TOO_BIG }, /* 1001 of 1000 bytes */
        { "82 ff 7fffffffffffffff 00000000 41", "880203f1", WEBSOCKET_TOO_BIG },
        { "88 82 00000000 03ee", "880203ea", WEBSOCKET_PROTOCOL_ERROR }, /* 1006 on the wire */
        { "82 81 00000000 41", "880203eb", WEBSOCKET_UNSUPPORTED },      /* binary */
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct bench b;
        bench_init(&b);
        b.server_settings.message_max_bytes = 1000;
        b.server_settings.refuses_binary = true;
        bench_raw_client(&b);
        raw_write(&b, k_cases[i].sends);
        assert_raw(&b, k_cases[i].comes_back);
        assert_int_equal(b.server.ends, 1);
        assert_int_equal(b.server.end.code, k_cases[i].code);
        assert_int_equal(b.server.messages, 0);
        assert_false(b.server.end.is_by_peer);
        bench_close(&b);
    }
}

/* wslay ends a control frame that is fragmented or long without a code of its own. */
static void bad_control_frames_end_it(void **state)
{
    static const char *const k_cases[] = { "09 80 00000000", "89 fe 007e 00000000" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        bench_init(&b);
        bench_raw_client(&b);
        raw_write(&b, k_cases[i]);
        assert_int_equal(b.server.ends, 1);
        assert_int_equal(b.server.end.code, WEBSOCKET_PROTOCOL_ERROR);
        bench_close(&b);
    }
}

static void a_connection_that_just_ends_is_abnormal(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_raw_client(&b);
    raw_write(&b, "81 85 000000"); /* in the middle of a frame */
    stream_shutdown(b.raw);
    run(&b);
    assert_int_equal(b.server.ends, 1);
    assert_int_equal(b.server.end.code, WEBSOCKET_ABNORMAL);
    assert_int_equal(b.server.end.stream.kind, STREAM_END_RESET);
    bench_close(&b);
}

static void a_paused_reader_gets_message_by_message_and_the_end_last(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_raw_client(&b);
    b.server.pauses = true;
    raw_write(&b, "81 81 00000000 61  81 81 00000000 62  88 80 00000000");
    assert_string_equal(b.server.got.chars, "t:a|");
    websocket_resume(b.server.ws);
    run(&b);
    assert_string_equal(b.server.got.chars, "t:a|t:b|");
    assert_int_equal(b.server.ends, 0);
    websocket_resume(b.server.ws);
    run(&b);
    assert_int_equal(b.server.ends, 1);
    assert_int_equal(b.server.end.code, WEBSOCKET_NO_CODE);
    bench_close(&b);
}

static void the_owner_may_close_from_a_message(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_raw_client(&b);
    b.server.closes = true;
    raw_write(&b, "81 81 00000000 61  81 81 00000000 62");
    assert_int_equal(b.server.messages, 1);
    assert_raw(&b, "880803e9656e6f756768");
    assert_true(b.raw_ended);
    bench_close(&b);
}

static void a_writer_is_held_at_its_limit(void **state)
{
    (void)state;
    struct bench b;
    uint8_t *block = amt_alloc(60000);
    bench_init(&b);
    b.client_settings.write_limit_bytes = 100000;
    bench_open(&b);
    run(&b);
    websocket_pause(b.server.ws);
    uint32_t sent = 0;
    while (websocket_send(b.client.ws, WEBSOCKET_BINARY, block, 60000) == AMT_OK) {
        sent += 1;
        assert_true(sent < 100);
    }
    assert_true(websocket_queued_bytes(b.client.ws) <= 100000);
    websocket_resume(b.server.ws);
    run(&b);
    assert_int_equal(b.server.bytes, sent * 60000);
    assert_int_equal(websocket_queued_bytes(b.client.ws), 0);
    bench_close(&b);
    amt_free(block);
}

static void who_pings_and_does_not_read_is_dropped(void **state)
{
    (void)state;
    struct bench b;
    uint8_t ping[131] = { 0x89, 0xfd };
    bench_init(&b);
    b.server_settings.write_limit_bytes = 1000;
    bench_raw_client(&b);
    stream_pause(b.raw);
    for (uint32_t i = 0; i < 3000 && b.server.ends == 0; i++) {
        if (stream_write(b.raw, ping, sizeof ping) != AMT_OK) {
            break;
        }
        run(&b);
    }
    assert_int_equal(b.server.ends, 1);
    assert_int_equal(b.server.end.code, WEBSOCKET_POLICY);
    bench_close(&b);
}

static void silence_is_pinged_and_then_ended(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.server_settings.ping_interval_us = 10u * (uint64_t)US_PER_SECOND;
    bench_open(&b);
    (void)loop_run_until(b.loop, NULL, NULL, 120u * (uint64_t)US_PER_SECOND);
    assert_int_equal(b.server.ends, 0); /* the client answers */
    bench_close(&b);
    bench_init(&b);
    b.server_settings.ping_interval_us = 10u * (uint64_t)US_PER_SECOND;
    bench_raw_client(&b);
    (void)loop_run_until(b.loop, NULL, NULL, 120u * (uint64_t)US_PER_SECOND);
    assert_raw(&b, "8900");
    assert_int_equal(b.server.ends, 1);
    assert_int_equal(b.server.end.stream.kind, STREAM_END_TIMEOUT);
    bench_close(&b);
}

#define GOOD_LINES                                                               \
    "Upgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void requests_that_are_no_upgrade_are_answered(void **state)
{
    static const struct {
        const char *first, *lines, *answer;
    } k_cases[] = {
        { "POST /", GOOD_LINES, "HTTP/1.1 405 " },
        { "GET /", "", "HTTP/1.1 426 " },
        { "GET /", "Upgrade: h2c\r\nConnection: Upgrade\r\n", "HTTP/1.1 426 " },
        { "GET /",
          "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
          "HTTP/1.1 426 " },
        { "GET /",
          "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: c2hvcnQ=\r\n",
          "HTTP/1.1 400 " },
        { "GET /", GOOD_LINES "Origin: https://evil.example\r\nSec-WebSocket-Protocol: apf\r\n",
          "HTTP/1.1 403 " },
        { "GET /", GOOD_LINES "Sec-WebSocket-Protocol: soap, wamp\r\n", "HTTP/1.1 400 " },
        { "GET /",
          GOOD_LINES "Origin: https://good.example\r\nSec-WebSocket-Protocol: soap,  apf \r\n",
          "HTTP/1.1 101 " },
    };
    static const char *const k_origins[] = { "https://good.example", NULL };
    static const char *const k_subprotocols[] = { "apf", NULL };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct bench b;
        char request[1024];
        struct stream *there = NULL;
        bench_init(&b);
        b.server_settings.origins = k_origins;
        b.server_settings.subprotocols = k_subprotocols;
        b.server_settings.needs_subprotocol = true;
        assert_int_equal(stream_memory_pair(b.loop, &b.raw, &there), AMT_OK);
        stream_set_handler(b.raw, &k_raw, &b);
        bench_serve(&b, there);
        int len = snprintf(request, sizeof request,
                           "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n%s\r\n",
                           k_cases[i].first, k_cases[i].lines);
        assert_int_equal(stream_write(b.raw, request, (uint32_t)len), AMT_OK);
        run(&b);
        if (strncmp(b.raw_got.chars, k_cases[i].answer, strlen(k_cases[i].answer)) != 0) {
            fail_msg("case %zu: %s", i, b.raw_got.chars);
        }
        bool is_open = b.server.ws != NULL;
        assert_int_equal(is_open, strstr(k_cases[i].answer, "101") != NULL);
        if (is_open) {
            assert_string_equal(websocket_subprotocol(b.server.ws), "apf");
            assert_non_null(strstr(b.raw_got.chars, "\r\nSec-WebSocket-Protocol: apf\r\n"));
        }
        bench_close(&b);
    }
}

static void frames_behind_the_request_are_not_lost(void **state)
{
    static const char k_request[] =
        "GET /any HTTP/1.1\r\nHost: x\r\n" GOOD_LINES "\r\n\x81\x81\0\0\0\0x";
    (void)state;
    struct bench b;
    struct stream *there = NULL;
    bench_init(&b);
    assert_int_equal(stream_memory_pair(b.loop, &b.raw, &there), AMT_OK);
    stream_set_handler(b.raw, &k_raw, &b);
    bench_serve(&b, there);
    assert_int_equal(stream_write(b.raw, k_request, sizeof k_request - 1), AMT_OK);
    run(&b);
    assert_string_equal(b.server.got.chars, "t:x|");
    bench_close(&b);
}

/* What a server by hand answers, and what the client says about it. */
static void a_client_checks_the_answer(void **state)
{
    static const struct {
        const char *answer, *text;
        int status;
    } k_cases[] = {
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno",
          "the server answered 404 Not Found instead of the upgrade", 404 },
        { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          "the Sec-WebSocket-Accept of the server does not fit the key", 101 },
        { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
          "the server switched to something that is no websocket", 101 },
        { "\x16\x03\x01\x02\x03", "the answer to the upgrade is not HTTP/1.1", 0 },
        { "HTTP/1.1 200", NULL, 0 }, /* and no more */
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct bench b;
        struct stream *here = NULL;
        bench_init(&b);
        assert_int_equal(stream_memory_pair(b.loop, &b.raw, &here), AMT_OK);
        stream_set_handler(b.raw, &k_raw, &b);
        bench_ask(&b, here);
        run(&b);
        assert_non_null(strstr(b.raw_got.chars, "GET /activate?x=1 HTTP/1.1\r\nHost: "
                                                "rps.example.com\r\n"));
        assert_non_null(strstr(b.raw_got.chars, "\r\nX-A: b\r\n\r\n"));
        assert_int_equal(
            stream_write(b.raw, k_cases[i].answer, (uint32_t)strlen(k_cases[i].answer)), AMT_OK);
        run(&b);
        assert_int_equal(b.client.ends, k_cases[i].text == NULL ? 0 : 1);
        (void)loop_run_until(b.loop, NULL, NULL, 61u * (uint64_t)US_PER_SECOND);
        assert_int_equal(b.client.ends, 1);
        assert_int_equal(b.client.opens, 0);
        assert_int_equal(b.client.end.http_status, k_cases[i].status);
        assert_string_equal(b.client.end.stream.text,
                            k_cases[i].text != NULL
                                ? k_cases[i].text
                                : "the server did not answer the upgrade in time");
        bench_close(&b);
    }
}

struct reader {
    struct text got;
    uint32_t opens;
    enum stream_end_kind end;
    bool has_ended;
};

static void reader_open(void *ctx)
{
    ((struct reader *)ctx)->opens += 1;
}

static void reader_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct reader *)ctx)->got, (const char *)in, len);
}

static void reader_end(void *ctx, const struct stream_end *end)
{
    struct reader *r = ctx;
    r->has_ended = true;
    r->end = end->kind;
}

static const struct stream_handler k_reader = { .on_open = reader_open,
                                                .on_data = reader_data,
                                                .on_end = reader_end };

static void a_websocket_is_a_stream(void **state)
{
    (void)state;
    struct bench b;
    struct reader here = { .opens = 0 }, there = { .opens = 0 };
    bench_init(&b);
    bench_open(&b);
    struct stream *client = websocket_stream(b.client.ws);
    stream_set_handler(client, &k_reader, &here);
    assert_int_equal(stream_write(client, "early ", 6), AMT_OK);
    run(&b);
    struct stream *server = websocket_stream(b.server.ws);
    stream_set_handler(server, &k_reader, &there);
    assert_int_equal(here.opens, 1);
    assert_int_equal(stream_write(client, "bird", 4), AMT_OK);
    assert_int_equal(stream_write(server, "\x00\xff", 2), AMT_OK);
    stream_pause(server);
    run(&b);
    assert_int_equal(here.got.len, 2);
    assert_string_equal(b.server.got.chars, "b:early |"); /* before it was a stream */
    assert_int_equal(there.got.len, 0);
    stream_resume(server);
    run(&b);
    assert_string_equal(there.got.chars, "bird");
    stream_shutdown(client);
    assert_int_equal(stream_write(client, "x", 1), AMT_ECLOSED);
    run(&b);
    assert_true(there.has_ended && there.end == STREAM_END_FIN);
    assert_true(here.has_ended && here.end == STREAM_END_FIN);
    stream_close(client);
    stream_close(server);
    b.client.ws = NULL;
    b.server.ws = NULL;
    text_fini(&here.got);
    text_fini(&there.got);
    bench_close(&b);
}

static void text_ends_a_stream_and_a_reset_is_one(void **state)
{
    (void)state;
    struct bench b;
    struct reader there = { .opens = 0 };
    bench_init(&b);
    bench_raw_client(&b);
    struct stream *server = websocket_stream(b.server.ws);
    stream_set_handler(server, &k_reader, &there);
    raw_write(&b, "81 81 00000000 61");
    assert_true(there.has_ended && there.end == STREAM_END_RESET);
    assert_raw(&b, "880203eb");
    stream_reset(server);
    b.server.ws = NULL;
    run(&b);
    assert_true(b.raw_ended);
    bench_close(&b);
}

static void urls_are_parsed(void **state)
{
    static const char *const k_bad[] = { "http://x/",      "ws://",        "ws:///a",
                                         "ws://u@x/",      "ws://x:0/",    "ws://x:70000/",
                                         "ws://x/a b",     "ws://x/#frag", "wss://[::1/",
                                         "ws://x\r\nA: b/" };
    (void)state;
    struct websocket_url url;
    assert_int_equal(websocket_url_parse("ws://rps.example.com/activate?a=b", &url, NULL), AMT_OK);
    assert_false(url.is_tls);
    assert_string_equal(url.host, "rps.example.com");
    assert_int_equal(url.port, 80);
    assert_string_equal(url.target, "/activate?a=b");
    assert_int_equal(websocket_url_parse("WSS://[::1]:8443", &url, NULL), AMT_OK);
    assert_true(url.is_tls);
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 8443);
    assert_string_equal(url.host_header, "[::1]:8443");
    assert_string_equal(url.target, "/");
    assert_int_equal(websocket_url_parse("wss://x?q", &url, NULL), AMT_OK);
    assert_int_equal(url.port, 443);
    assert_string_equal(url.target, "/?q");
    for (size_t i = 0; i < sizeof k_bad / sizeof *k_bad; i++) {
        struct amt_diag diag = { .err = AMT_OK };
        if (websocket_url_parse(k_bad[i], &url, &diag) != AMT_EMALFORMED || diag.text[0] == '\0') {
            fail_msg("%s", k_bad[i]);
        }
    }
}

static void without_memory_it_ends_cleanly(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 60; k++) {
        struct bench b;
        struct stream *here = NULL, *there = NULL;
        bench_init(&b);
        assert_int_equal(stream_memory_pair(b.loop, &here, &there), AMT_OK);
        bench_serve(&b, there);
        static const struct websocket_request k_request = { .target = "/", .host = "x" };
        amt_memory_fail_after(k);
        b.client.ws =
            websocket_connect(b.loop, here, &k_request, &b.client_settings, &k_party, &b.client);
        if (b.client.ws != NULL &&
            websocket_send(b.client.ws, WEBSOCKET_TEXT, "hello", 5) != AMT_OK) {
            assert_true(k < 30); /* later there was enough for this */
        }
        run(&b);
        amt_memory_fail_after(0);
        run(&b);
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_pass_both_ways),
        cmocka_unit_test(fragments_become_one_message_with_pings_between),
        cmocka_unit_test(what_breaks_the_rules_ends_it_with_its_code),
        cmocka_unit_test(bad_control_frames_end_it),
        cmocka_unit_test(a_connection_that_just_ends_is_abnormal),
        cmocka_unit_test(a_paused_reader_gets_message_by_message_and_the_end_last),
        cmocka_unit_test(the_owner_may_close_from_a_message),
        cmocka_unit_test(a_writer_is_held_at_its_limit),
        cmocka_unit_test(who_pings_and_does_not_read_is_dropped),
        cmocka_unit_test(silence_is_pinged_and_then_ended),
        cmocka_unit_test(requests_that_are_no_upgrade_are_answered),
        cmocka_unit_test(frames_behind_the_request_are_not_lost),
        cmocka_unit_test(a_client_checks_the_answer),
        cmocka_unit_test(a_websocket_is_a_stream),
        cmocka_unit_test(text_ends_a_stream_and_a_reset_is_one),
        cmocka_unit_test(urls_are_parsed),
        cmocka_unit_test(without_memory_it_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
