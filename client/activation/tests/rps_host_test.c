/* The client's side of RPS against a server and a device by hand (activation.md 7.5). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/unit.h"
#include "client/activation/http_end.h"
#include "client/activation/rps.h"
#include "protocol/activation/rps.h"

#define DEVICES_MAX 16

struct rps_host_bench {
    struct loop *loop;
    struct rps_host_client *client;
    struct activation_report report;
    /* the server */
    struct websocket *ws;
    struct arena arena;
    struct rps_message last;
    uint32_t received;
    /* the device: connections in the order they came */
    struct stream *devices[DEVICES_MAX];
    uint32_t ports[DEVICES_MAX];
    struct text asked[DEVICES_MAX];
    bool left[DEVICES_MAX];
    uint32_t connections, refusals; /* so many are refused first */
    const char *answer;             /* to each connection on 16992, once something came */
    bool closes;                    /* and then the connection */
    /* the client's words */
    char notes[1000], text[600];
    enum rps_host_result result;
    bool is_over;
};

static struct rps_host_bench *s_bench; /* handlers of devices know only their number */

static void device_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct rps_host_bench *b = s_bench;
    size_t at = (size_t)((struct text *)ctx - b->asked);
    bool is_first = b->asked[at].len == 0;
    text_append(ctx, (const char *)in, len);
    if (is_first && b->answer != NULL && b->ports[at] == 16992) {
        assert_int_equal(stream_write(b->devices[at], b->answer, (uint32_t)strlen(b->answer)),
                         AMT_OK);
        if (b->closes) {
            stream_close(b->devices[at]);
            b->devices[at] = NULL;
        }
    }
}

static void device_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    s_bench->left[(struct text *)ctx - s_bench->asked] = true;
}

static struct stream *open_port(void *ctx, uint32_t port)
{
    static const struct stream_handler k_handler = { .on_data = device_data, .on_end = device_end };
    struct rps_host_bench *b = ctx;
    struct stream *ours = NULL, *theirs = NULL;
    uint32_t at = b->connections++;
    assert_true(at < DEVICES_MAX);
    assert_int_equal(stream_memory_pair(b->loop, &ours, &theirs), AMT_OK);
    b->ports[at] = port;
    if (b->refusals > 0) {
        b->refusals -= 1;
        stream_reset(theirs);
    } else {
        b->devices[at] = theirs;
        stream_set_handler(theirs, &k_handler, &b->asked[at]);
    }
    return ours;
}

static void on_message(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len)
{
    struct rps_host_bench *b = ctx;
    assert_int_equal(kind, WEBSOCKET_TEXT);
    assert_int_equal(rps_read((const char *)in, len, &b->arena, &b->last, NULL), AMT_OK);
    b->received += 1;
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    static const struct websocket_handler k_handler = { .on_message = on_message };
    static const struct websocket_settings k_settings = { .refuses_binary = true };
    struct rps_host_bench *b = ctx;
    b->ws = websocket_accept(b->loop, connection, request, &k_settings, &k_handler, b);
}

static void on_note(void *ctx, const char *text)
{
    struct rps_host_bench *b = ctx;
    size_t used = strlen(b->notes);
    (void)snprintf(b->notes + used, sizeof b->notes - used, "%s\n", text);
}

static void on_end(void *ctx, const struct rps_host_end *end)
{
    struct rps_host_bench *b = ctx;
    b->is_over = true;
    b->result = end->result;
    (void)snprintf(b->text, sizeof b->text, "%s", end->text);
}

static void run_for(struct rps_host_bench *b, uint64_t us)
{
    (void)loop_run_until(b->loop, NULL, NULL, loop_now_us(b->loop) + us);
}

static void bench_init(struct rps_host_bench *b)
{
    static const struct virtual_world k_world = { .seed = 5 };
    static const struct websocket_request k_request = { .target = "/activate", .host = "rps" };
    struct stream *here = NULL, *there = NULL;
    memset(b, 0, sizeof *b);
    s_bench = b;
    b->loop = loop_new_virtual(&k_world, NULL);
    b->report = (struct activation_report){
        .version = "16.1.25", .build = "2049", .local_user = "$$OsAdmin", .wired_link = -1
    };
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &b->report.uuid), AMT_OK);
    assert_int_equal(secret_set(&b->report.local_password, "secret", 6), AMT_OK);
    const struct rps_host_settings settings = { .loop = b->loop,
                                                .host = { .open_port = open_port, .ctx = b },
                                                .report = &b->report,
                                                .command = "activate --profile a",
                                                .on_note = on_note,
                                                .on_end = on_end,
                                                .ctx = b };
    assert_int_equal(stream_memory_pair(b->loop, &here, &there), AMT_OK);
    assert_non_null(http_serve(b->loop, there, NULL, on_request, NULL, b, NULL, 0));
    b->client = rps_host_client_new(&settings, here, &k_request, NULL);
    assert_non_null(b->client);
    run_for(b, 10000);
    assert_int_equal(b->received, 1);
    assert_int_equal(b->last.method, RPS_COMMAND);
}

static void bench_fini(struct rps_host_bench *b)
{
    rps_host_client_free(b->client);
    websocket_close(b->ws, WEBSOCKET_NORMAL, "");
    for (uint32_t i = 0; i < b->connections; i++) {
        stream_close(b->devices[i]);
        text_fini(&b->asked[i]);
    }
    loop_run(b->loop);
    loop_free(b->loop);
    arena_fini(&b->arena);
}

static void say(struct rps_host_bench *b, enum rps_method method, const void *payload, uint32_t len)
{
    struct text out = { 0 };
    const struct rps_message m = { .method = method,
                                   .method_text = "strange",
                                   .message = "",
                                   .payload = payload,
                                   .payload_len = len };
    rps_write(&out, RPS_FROM_SERVER, &m);
    assert_int_equal(websocket_send(b->ws, WEBSOCKET_TEXT, out.chars, (uint32_t)out.len), AMT_OK);
    text_fini(&out);
    run_for(b, 10000);
}

#define CHUNKED                                                              \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n" \
    "0123456789\r\n0\r\n\r\n"

static void assert_payload(const struct rps_host_bench *b, const char *text)
{
    assert_int_equal(b->last.payload_len, strlen(text));
    assert_memory_equal(b->last.payload, text, b->last.payload_len);
}

/* ACT-CLI-015: each on a connection of its own; the answer as it is, once it is whole. */
static void requests_are_forwarded_one_by_one(void **state)
{
    struct rps_host_bench b;
    (void)state;
    bench_init(&b);
    b.answer = CHUNKED;
    say(&b, RPS_WSMAN, "POST one", 8);
    assert_int_equal(b.received, 2);
    assert_int_equal(b.last.method, RPS_RESPONSE);
    assert_payload(&b, CHUNKED);
    assert_string_equal(b.asked[0].chars, "POST one");
    assert_true(b.left[0]);
    say(&b, RPS_OTHER, "POST two", 8); /* any other method with a payload, as rpc-go */
    assert_int_equal(b.received, 3);
    assert_int_equal(b.connections, 2);
    assert_string_equal(b.asked[1].chars, "POST two");
    say(&b, RPS_WSMAN, NULL, 0); /* ACT-CLI-016: nothing to forward */
    assert_int_equal(b.connections, 2);
    assert_string_equal(b.notes, "");
    /* up to the end of the connection */
    b.answer = "HTTP/1.0 200 OK\r\n\r\nbody";
    b.closes = true;
    say(&b, RPS_WSMAN, "POST three", 10);
    assert_payload(&b, b.answer);
    assert_non_null(strstr(b.notes, "ACT-F-57"));
    bench_fini(&b);
}

/* F57: RPS will not take it, so it is said; a 401 may have a length. */
static void answers_that_are_not_chunked_are_noted(void **state)
{
    struct rps_host_bench b;
    (void)state;
    bench_init(&b);
    b.answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno";
    say(&b, RPS_WSMAN, "POST", 4);
    assert_int_equal(b.received, 2);
    assert_string_equal(b.notes, "");
    b.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    say(&b, RPS_WSMAN, "POST", 4);
    assert_int_equal(b.received, 3);
    assert_payload(&b, b.answer);
    assert_non_null(strstr(b.notes, "ACT-F-57"));
    bench_fini(&b);
}

/* 7.6: without an answer nothing is sent; the next request is taken all the same. */
static void a_silent_device_is_not_waited_for(void **state)
{
    struct rps_host_bench b;
    (void)state;
    bench_init(&b);
    say(&b, RPS_WSMAN, "POST", 4);
    run_for(&b, 11 * (uint64_t)US_PER_SECOND);
    assert_int_equal(b.received, 1);
    assert_true(b.left[0]);
    assert_non_null(strstr(b.notes, "in time"));
    b.answer = CHUNKED;
    say(&b, RPS_WSMAN, "POST", 4);
    assert_int_equal(b.received, 2);
    bench_fini(&b);
}

static void a_refused_port_ends_it(void **state)
{
    struct rps_host_bench b;
    (void)state;
    bench_init(&b);
    b.refusals = 1;
    say(&b, RPS_WSMAN, "POST", 4);
    assert_true(b.is_over);
    assert_int_equal(b.result, RPS_HOST_DEVICE);
    assert_memory_equal(b.text, "ACT-F-38", 8);
    bench_fini(&b);
}

static const char k_hello[] = "\x16\x03\x01\x00\x05\x01xxxx";

/* ACT-CLI-015 */
static void tls_records_keep_their_connection(void **state)
{
    struct rps_host_bench b;
    (void)state;
    bench_init(&b);
    say(&b, RPS_TLS_DATA, k_hello, sizeof k_hello - 1);
    say(&b, RPS_TLS_DATA, "\x17more", 5);
    assert_int_equal(b.connections, 1);
    assert_int_equal(b.ports[0], 16993);
    assert_int_equal(b.asked[0].len, sizeof k_hello - 1 + 5);
    assert_int_equal(stream_write(b.devices[0], "\x16reply", 6), AMT_OK);
    run_for(&b, 10000);
    assert_int_equal(b.last.method, RPS_TLS_DATA);
    assert_payload(&b, "\x16reply");
    say(&b, RPS_TLS_DATA, k_hello, sizeof k_hello - 1); /* a new session: a new connection */
    assert_int_equal(b.connections, 2);
    assert_true(b.left[0]);
    stream_close(b.devices[1]);
    b.devices[1] = NULL;
    run_for(&b, 10000);
    assert_int_equal(b.last.method, RPS_CONNECTION_RESET);
    assert_payload(&b, "connection_closed");
    say(&b, RPS_TLS_DATA, "\x17late", 5);
    assert_int_equal(b.connections, 3);
    bench_fini(&b);
}

/* ACT-CLI-016 */
static void heartbeats_are_echoed(void **state)
{
    static const char k_request[] =
        "{\"method\":\"heartbeat_request\",\"apiKey\":\"xxxxx\",\"appVersion\":\"2.40.0\","
        "\"protocolVersion\":\"4.0.0\",\"status\":\"heartbeat\",\"message\":\"\",\"payload\":null}";
    struct rps_host_bench b;
    (void)state;
    bench_init(&b);
    assert_int_equal(websocket_send(b.ws, WEBSOCKET_TEXT, k_request, sizeof k_request - 1), AMT_OK);
    run_for(&b, 10000);
    assert_int_equal(b.last.method, RPS_HEARTBEAT_RESPONSE);
    assert_string_equal(b.last.status, "success");
    assert_string_equal(b.last.app_version, "2.40.0");
    bench_fini(&b);
}

/* ACT-CLI-017 */
static void ports_are_switched(void **state)
{
    static const char k_switch[] = "{\"port\":\"16993\",\"delay\":600}";
    struct rps_host_bench b;
    (void)state;
    bench_init(&b);
    say(&b, RPS_PORT_SWITCH, k_switch, sizeof k_switch - 1);
    run_for(&b, 59 * (uint64_t)US_PER_SECOND);
    assert_int_equal(b.connections, 0);
    b.refusals = 4;
    run_for(&b, 2 * (uint64_t)US_PER_SECOND); /* 60 s, not 600 */
    assert_int_equal(b.connections, 1);
    assert_int_equal(b.received, 1);
    run_for(&b, 21 * (uint64_t)US_PER_SECOND);
    assert_int_equal(b.connections, 5);
    assert_int_equal(b.received, 2);
    assert_int_equal(b.last.method, RPS_PORT_SWITCH_ACK);
    assert_payload(&b, "ok");
    say(&b, RPS_TLS_DATA, "\x17on it", 6);
    assert_int_equal(b.connections, 5); /* the connection that was made */
    b.refusals = 5;
    say(&b, RPS_PORT_SWITCH, "{\"port\":16993}", 14);
    run_for(&b, 60 * (uint64_t)US_PER_SECOND);
    assert_true(b.is_over);
    assert_int_equal(b.result, RPS_HOST_DEVICE);
    bench_fini(&b);
}

static void what_cannot_be_read_is_noted(void **state)
{
    struct rps_host_bench b;
    (void)state;
    bench_init(&b);
    assert_int_equal(websocket_send(b.ws, WEBSOCKET_TEXT, "{]", 2), AMT_OK);
    say(&b, RPS_PORT_SWITCH, "{}", 2);
    assert_non_null(strstr(b.notes, "malformed: not JSON"));
    assert_non_null(strstr(b.notes, "names no port"));
    assert_false(b.is_over);
    say(&b, RPS_SUCCESS, NULL, 0);
    assert_int_equal(b.result, RPS_HOST_SUCCESS);
    bench_fini(&b);
}

/* Byte by byte and at once, an answer ends at the same place. */
static void the_end_of_an_answer_is_found(void **state)
{
    static const struct {
        const char *text;
        bool is_whole;
        enum http_end_form form;
        int status;
    } k_cases[] = {
        { CHUNKED, true, HTTP_END_CHUNKED, 200 },
        { "HTTP/1.1 200 OK\r\ntransfer-encoding:CHUNKED\r\nContent-Length: 3\r\n\r\n0\r\nX: y\r\n"
          "\r\n",
          true, HTTP_END_CHUNKED, 200 },
        { "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", true, HTTP_END_LENGTH, 200 },
        { "HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n", true, HTTP_END_LENGTH, 204 },
        { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nab", false, HTTP_END_LENGTH,
          200 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
          "chunked\r\n\r\nffffffffffffffff\r\nab\r\n0\r\n\r\n",
          false, HTTP_END_CHUNKED, 200 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\n0\r\n\r\n", false,
          HTTP_END_CHUNKED, 200 },
        { "HTTP/1.1 500 X\r\n\r\nbody", false, HTTP_END_CLOSE, 500 },
        { "HTTP/1.1 200 OK\r\n", false, HTTP_END_UNKNOWN, 200 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        const uint8_t *bytes = (const uint8_t *)k_cases[i].text;
        uint32_t len = (uint32_t)strlen(k_cases[i].text);
        struct http_end whole = { .at = 0 }, cut = { .at = 0 };
        assert_int_equal(http_end_is_whole(&whole, bytes, len), k_cases[i].is_whole);
        for (uint32_t n = 1; n < len; n++) {
            if (http_end_is_whole(&cut, bytes, n)) {
                fail_msg("case %zu: whole at %u of %u", i, n, len);
            }
        }
        assert_int_equal(http_end_is_whole(&cut, bytes, len), k_cases[i].is_whole);
        assert_int_equal(whole.form, k_cases[i].form);
        assert_int_equal(whole.status, k_cases[i].status);
        assert_int_equal(cut.form, whole.form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_forwarded_one_by_one),
        cmocka_unit_test(answers_that_are_not_chunked_are_noted),
        cmocka_unit_test(a_silent_device_is_not_waited_for),
        cmocka_unit_test(a_refused_port_ends_it),
        cmocka_unit_test(tls_records_keep_their_connection),
        cmocka_unit_test(heartbeats_are_echoed),
        cmocka_unit_test(ports_are_switched),
        cmocka_unit_test(what_cannot_be_read_is_noted),
        cmocka_unit_test(the_end_of_an_answer_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
