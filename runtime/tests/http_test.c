#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/http.h"

struct fixture {
    struct loop *loop;
    struct stream *raw; /* the client's end, bytes as they are */
    struct http_server_connection *server;
    struct text received;
    uint32_t requests;
    bool server_ended, raw_ended;
    bool answers_later;
    struct timer later;
    char seen[200]; /* last request: method, target, a header, the body */
};

static void answer(struct fixture *f)
{
    char body[240];
    int len = snprintf(body, sizeof body, "#%u %s", f->requests, f->seen);
    http_respond(f->server, 200, "text/plain", NULL, body, (uint32_t)len);
}

static void on_later(void *ctx)
{
    answer(ctx);
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    struct fixture *f = ctx;
    f->server = connection;
    f->requests += 1;
    const char *host = http_header_find(request->headers, request->header_count, "host");
    (void)snprintf(f->seen, sizeof f->seen, "%s %s %s [%.*s]", request->method, request->target,
                   host == NULL ? "-" : host, (int)request->body_len, request->body);
    if (f->answers_later) {
        timer_start(&f->later, 1000);
    } else {
        answer(f);
    }
}

static void on_server_end(void *ctx)
{
    struct fixture *f = ctx;
    assert_false(f->server_ended);
    f->server_ended = true;
}

static void raw_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct fixture *)ctx)->received, (const char *)in, len);
}

static void raw_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    ((struct fixture *)ctx)->raw_ended = true;
}

static const struct stream_handler k_raw = { .on_data = raw_data, .on_end = raw_end };

static void fixture_open(struct fixture *f, const struct http_limits *limits)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct stream *server = NULL;
    memset(f, 0, sizeof *f);
    f->loop = loop_new_virtual(&k_world, NULL);
    timer_init(&f->later, f->loop, on_later, f);
    assert_int_equal(stream_memory_pair(f->loop, &f->raw, &server), AMT_OK);
    stream_set_handler(f->raw, &k_raw, f);
    f->server = http_serve(f->loop, server, limits, on_request, on_server_end, f, NULL, 0);
    assert_non_null(f->server);
}

static void run_a_while(struct fixture *f)
{
    (void)loop_run_until(f->loop, NULL, NULL, loop_now_us(f->loop) + 100000);
}

static void fixture_close(struct fixture *f)
{
    stream_close(f->raw);
    loop_run(f->loop);
    assert_true(f->server_ended);
    text_fini(&f->received);
    loop_free(f->loop);
}

static void send_text(struct fixture *f, const char *text)
{
    assert_int_equal(stream_write(f->raw, text, (uint32_t)strlen(text)), AMT_OK);
}

static void expect_text(struct fixture *f, const char *text)
{
    if (strstr(text_chars(&f->received), text) == NULL) {
        fail_msg("wanted \"%s\" in:\n%s", text, text_chars(&f->received));
    }
}

static void a_request_is_understood_however_it_is_cut(void **state)
{
    (void)state;
    static const char k_request[] =
        "POST /a?b=c HTTP/1.1\r\nHost: x.test\r\nContent-Length: 5\r\n\r\nhello";
    for (size_t cut = 0; cut < sizeof k_request; cut++) {
        struct fixture f;
        fixture_open(&f, NULL);
        assert_int_equal(stream_write(f.raw, k_request, (uint32_t)cut), AMT_OK);
        run_a_while(&f);
        send_text(&f, k_request + cut);
        run_a_while(&f);
        assert_int_equal(f.requests, 1);
        assert_string_equal(f.seen, "POST /a?b=c x.test [hello]");
        expect_text(&f, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 29\r\n");
        fixture_close(&f);
    }
}

static void chunks_are_joined(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NULL);
    send_text(
        &f,
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    run_a_while(&f);
    assert_string_equal(f.seen, "POST / - [abcde]");
    fixture_close(&f);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    for (int later = 0; later < 2; later++) {
        struct fixture f;
        fixture_open(&f, NULL);
        f.answers_later = later != 0;
        send_text(&f, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
        run_a_while(&f);
        assert_int_equal(f.requests, 3);
        const char *first = strstr(text_chars(&f.received), "#1 GET /1");
        const char *second = first == NULL ? NULL : strstr(first, "#2 GET /2");
        assert_non_null(second);
        assert_non_null(strstr(second, "#3 GET /3"));
        fixture_close(&f);
    }
}

static void head_is_answered_without_a_body(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NULL);
    send_text(&f, "HEAD /x HTTP/1.1\r\n\r\n");
    run_a_while(&f);
    expect_text(&f, "Content-Length: 15\r\n");
    assert_null(strstr(text_chars(&f.received), "HEAD /x"));
    fixture_close(&f);
}

static void the_connection_closes_when_asked_to(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NULL);
    send_text(&f, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    run_a_while(&f);
    expect_text(&f, "Connection: close\r\n");
    assert_true(f.raw_ended && f.server_ended);
    fixture_close(&f);
}

static void what_is_too_long_or_no_http_is_refused(void **state)
{
    (void)state;
    static const struct http_limits k_limits = { .head_max_bytes = 300, .body_max_bytes = 10 };
    static const struct {
        const char *text, *status;
    } k_cases[] = {
        { "GET / HTTP/1.1\r\nX: 0123456789012345678901234567890123456789012345678901234567890123456"
          "7890123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
          "5678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
          "34567890123456789012345678901234567890123456789012345678901234567890\r\n\r\n",
          "431 Request Header Fields Too Large" },
        { "POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", "413 Payload Too Large" },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n",
          "413 Payload Too Large" },
        { "\x16\x03\x01 nonsense\r\n\r\n", "400 Bad Request" },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct fixture f;
        fixture_open(&f, &k_limits);
        send_text(&f, k_cases[i].text);
        run_a_while(&f);
        expect_text(&f, k_cases[i].status);
        assert_true(f.server_ended);
        assert_int_equal(f.requests, 0);
        fixture_close(&f);
    }
}

static void a_request_that_never_ends_and_an_idle_connection_time_out(void **state)
{
    (void)state;
    static const struct http_limits k_limits = { .idle_limit_us = 2 * US_PER_SECOND };
    struct fixture f;
    fixture_open(&f, &k_limits);
    send_text(&f, "GET / HT");
    loop_run(f.loop);
    expect_text(&f, "408 Request Timeout");
    assert_true(f.server_ended);
    fixture_close(&f);

    fixture_open(&f, &k_limits);
    loop_run(f.loop);
    assert_string_equal(text_chars(&f.received), "");
    assert_true(f.server_ended);
    fixture_close(&f);
}

struct fetched {
    int status, calls;
    char body[64], error[200];
};

static void on_response(void *ctx, const struct http_response *response)
{
    struct fetched *got = ctx;
    got->calls += 1;
    got->status = response->status;
    (void)snprintf(got->body, sizeof got->body, "%.*s", (int)response->body_len,
                   response->body == NULL ? "" : response->body);
    (void)snprintf(got->error, sizeof got->error, "%s",
                   response->error == NULL ? "" : response->error);
}

static void fetch_from(const char *answer_text, bool closes, struct fetched *got)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct loop *loop = loop_new_virtual(&k_world, NULL);
    struct stream *client = NULL;
    struct stream *server = NULL;
    memset(got, 0, sizeof *got);
    assert_int_equal(stream_memory_pair(loop, &client, &server), AMT_OK);
    assert_int_equal(stream_write(server, answer_text, (uint32_t)strlen(answer_text)), AMT_OK);
    if (closes) {
        stream_shutdown(server);
    }
    struct http_request_spec get = {
        .method = "GET", .target = "/", .host = "h", .limit_us = US_PER_SECOND
    };
    http_fetch(loop, client, &get, on_response, got);
    loop_run(loop);
    stream_close(server);
    loop_run(loop);
    loop_free(loop);
    assert_int_equal(got->calls, 1);
}

static void an_answer_is_read_in_each_of_its_forms(void **state)
{
    (void)state;
    struct fetched got;
    fetch_from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "hi");
    fetch_from("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", false,
               &got);
    assert_int_equal(got.status, 404);
    assert_string_equal(got.body, "no");
    fetch_from("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", true, &got);
    assert_string_equal(got.body, "until the end");
    fetch_from("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort", true, &got);
    assert_string_equal(got.error, "the connection closed before the answer was complete");
    fetch_from("SSH-2.0\r\n", false, &got);
    assert_string_equal(got.error, "the answer is not HTTP/1.1");
    fetch_from("", false, &got);
    assert_string_equal(got.error, "no answer in time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_understood_however_it_is_cut),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(head_is_answered_without_a_body),
        cmocka_unit_test(the_connection_closes_when_asked_to),
        cmocka_unit_test(what_is_too_long_or_no_http_is_refused),
        cmocka_unit_test(a_request_that_never_ends_and_an_idle_connection_time_out),
        cmocka_unit_test(an_answer_is_read_in_each_of_its_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
