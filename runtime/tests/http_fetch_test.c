/* The client's side: one request, one answer, however the server behaves. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/http.h"

struct fetched {
    int status, calls;
    uint32_t body_len;
    char body[64], error[256], header[32];
};

static void on_response(void *ctx, const struct http_response *response)
{
    struct fetched *got = ctx;
    got->calls += 1;
    got->status = response->status;
    got->body_len = response->body_len;
    (void)snprintf(got->body, sizeof got->body, "%.*s", (int)response->body_len,
                   response->body == NULL ? "" : response->body);
    (void)snprintf(got->error, sizeof got->error, "%s",
                   response->error == NULL ? "" : response->error);
    const char *header = http_header_find(response->headers, response->header_count, "x-a");
    (void)snprintf(got->header, sizeof got->header, "%s", header == NULL ? "" : header);
}

/* The server's end: writes down what it gets and plays its part. */
struct peer {
    struct stream *stream;
    struct text received;
    bool has_ended;
};

static void peer_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct peer *)ctx)->received, (const char *)in, len);
}

static void peer_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    ((struct peer *)ctx)->has_ended = true;
}

struct call {
    const char *method, *headers, *body;
    const char *answer;
    bool finishes, resets, dribbles;
};

static void fetch(const struct call *call, struct peer *peer, struct fetched *got)
{
    static const struct virtual_world k_world = { .seed = 1 };
    static const struct stream_handler k_peer = { .on_data = peer_data, .on_end = peer_end };
    struct loop *loop = loop_new_virtual(&k_world, NULL);
    struct stream *client = NULL;
    memset(got, 0, sizeof *got);
    memset(peer, 0, sizeof *peer);
    assert_int_equal(stream_memory_pair(loop, &client, &peer->stream), AMT_OK);
    stream_set_handler(peer->stream, &k_peer, peer);
    struct http_request_spec request = { .method = call->method,
                                         .target = "/t?q=1",
                                         .host = "h.test:16992",
                                         .headers = call->headers,
                                         .body = call->body,
                                         .body_len =
                                             call->body == NULL ? 0 : (uint32_t)strlen(call->body),
                                         .limit_us = 5 * US_PER_SECOND };
    http_fetch(loop, client, &request, on_response, got);
    (void)loop_run_until(loop, NULL, NULL, 100000);
    uint32_t len = (uint32_t)strlen(call->answer);
    for (uint32_t i = 0; i < len; i += call->dribbles ? 1 : len) {
        assert_int_equal(stream_write(peer->stream, call->answer + i, call->dribbles ? 1 : len),
                         AMT_OK);
    }
    if (call->resets) {
        stream_reset(peer->stream);
        peer->stream = NULL;
    } else if (call->finishes) {
        stream_shutdown(peer->stream);
    }
    loop_run(loop);
    stream_close(peer->stream);
    loop_run(loop);
    loop_free(loop);
    assert_int_equal(got->calls, 1);
}

static void the_request_is_written_as_asked(void **state)
{
    (void)state;
    struct peer peer;
    struct fetched got;
    struct call call = { .method = "PUT",
                         .headers = "X-B: c\r\n",
                         .body = "body",
                         .answer = "HTTP/1.1 200 OK\r\nX-A: v\r\nContent-Length: 2\r\n\r\nhi" };
    fetch(&call, &peer, &got);
    assert_string_equal(text_chars(&peer.received),
                        "PUT /t?q=1 HTTP/1.1\r\nHost: h.test:16992\r\nX-B: c\r\n"
                        "Content-Length: 4\r\n\r\nbody");
    assert_true(peer.has_ended); /* one request for each connection */
    assert_int_equal(got.status, 200);
    assert_string_equal(got.header, "v");
    text_fini(&peer.received);
}

/* RFC 9110, 8.6: some servers wait for a body, or answer 411, when no length is given. */
static void a_post_without_a_body_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        bool has_length;
    } k_cases[] = { { "POST", true }, { "PUT", true }, { "GET", false }, { "DELETE", false } };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct peer peer;
        struct fetched got;
        struct call call = { .method = k_cases[i].method,
                             .answer = "HTTP/1.1 204 No Content\r\n\r\n" };
        fetch(&call, &peer, &got);
        assert_int_equal(got.status, 204);
        bool has_length = strstr(text_chars(&peer.received), "Content-Length: 0\r\n") != NULL;
        assert_int_equal(has_length, k_cases[i].has_length);
        text_fini(&peer.received);
    }
}

static void the_answer_to_head_has_a_length_but_no_body(void **state)
{
    (void)state;
    struct peer peer;
    struct fetched got;
    struct call call = { .method = "HEAD",
                         .answer = "HTTP/1.1 200 OK\r\nX-A: v\r\nContent-Length: 99\r\n\r\n" };
    fetch(&call, &peer, &got);
    assert_string_equal(got.error, "");
    assert_int_equal(got.status, 200);
    assert_int_equal(got.body_len, 0);
    text_fini(&peer.received);
}

static void interim_answers_are_passed_over(void **state)
{
    (void)state;
    for (int dribbles = 0; dribbles < 2; dribbles++) {
        struct peer peer;
        struct fetched got;
        struct call call = { .method = "GET",
                             .answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                                       "X-A: early\r\n\r\nHTTP/1.1 200 OK\r\nX-A: v\r\n"
                                       "Content-Length: 2\r\n\r\nhi",
                             .dribbles = dribbles != 0 };
        fetch(&call, &peer, &got);
        assert_int_equal(got.status, 200);
        assert_string_equal(got.body, "hi");
        assert_string_equal(got.header, "v");
        text_fini(&peer.received);
    }
}

static void what_is_too_long_is_not_stored(void **state)
{
    (void)state;
    struct peer peer;
    struct fetched got;
    struct call call = { .method = "GET",
                         .answer = "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n" };
    fetch(&call, &peer, &got);
    assert_string_equal(got.error, "the answer is too long");
    text_fini(&peer.received);
    struct text head = { 0 };
    text_puts(&head, "HTTP/1.1 200 OK\r\nX-A: ");
    for (int i = 0; i < 2000; i++) {
        text_puts(&head, "0123456789");
    }
    text_puts(&head, "\r\n\r\n");
    call.answer = text_chars(&head);
    fetch(&call, &peer, &got);
    assert_string_equal(got.error, "the answer is too long");
    text_fini(&head);
    text_fini(&peer.received);
}

static void a_connection_that_breaks_is_told_in_words(void **state)
{
    (void)state;
    struct peer peer;
    struct fetched got;
    struct call call = { .method = "GET", .answer = "", .resets = true };
    fetch(&call, &peer, &got);
    assert_string_equal(got.error, "connection reset by peer");
    text_fini(&peer.received);
    call = (struct call){ .method = "GET", .answer = "", .finishes = true };
    fetch(&call, &peer, &got);
    assert_string_equal(got.error, "the connection closed before the answer was complete");
    text_fini(&peer.received);
    call = (struct call){ .method = "GET",
                          .answer = "HTTP/1.1 100 Continue\r\n\r\n",
                          .finishes = true };
    fetch(&call, &peer, &got);
    assert_string_equal(got.error, "the connection closed before the answer was complete");
    text_fini(&peer.received);
}

/* A status has three digits (RFC 9112, 4); 0 would look like no answer at all. */
static void what_is_no_status_is_no_answer(void **state)
{
    (void)state;
    static const char *const k_answers[] = { "HTTP/1.1 0 x\r\n\r\n", "HTTP/1.1 99 x\r\n\r\n",
                                             "HTTP/1.1 1000 x\r\n\r\n" };
    for (size_t i = 0; i < sizeof k_answers / sizeof k_answers[0]; i++) {
        struct peer peer;
        struct fetched got;
        struct call call = { .method = "GET", .answer = k_answers[i], .finishes = true };
        fetch(&call, &peer, &got);
        assert_string_equal(got.error, "the answer is not HTTP/1.1");
        text_fini(&peer.received);
    }
}

/* An announcement without an end of its own, ended by the connection: still no answer. */
static void an_interim_answer_is_never_the_answer(void **state)
{
    (void)state;
    struct peer peer;
    struct fetched got;
    struct call call = { .method = "GET",
                         .answer = "HTTP/1.1 100 Continue\r\nTransfer-Encoding: odd\r\n\r\nx",
                         .finishes = true };
    fetch(&call, &peer, &got);
    assert_string_equal(got.error, "the connection closed before the answer was complete");
    text_fini(&peer.received);
}

static void without_memory_the_answer_is_an_error(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 1 };
    for (uint64_t k = 1; k < 4; k++) {
        struct loop *loop = loop_new_virtual(&k_world, NULL);
        struct stream *client = NULL;
        struct stream *server = NULL;
        struct fetched got = { .calls = 0 };
        assert_int_equal(stream_memory_pair(loop, &client, &server), AMT_OK);
        amt_memory_fail_after(k);
        struct http_request_spec get = {
            .method = "GET", .target = "/", .host = "h", .limit_us = US_PER_SECOND
        };
        http_fetch(loop, client, &get, on_response, &got);
        amt_memory_fail_after(0);
        loop_run(loop);
        assert_int_equal(got.calls, 1);
        assert_true(got.error[0] != '\0');
        stream_close(server);
        loop_run(loop);
        loop_free(loop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_written_as_asked),
        cmocka_unit_test(a_post_without_a_body_says_so),
        cmocka_unit_test(the_answer_to_head_has_a_length_but_no_body),
        cmocka_unit_test(interim_answers_are_passed_over),
        cmocka_unit_test(what_is_too_long_is_not_stored),
        cmocka_unit_test(a_connection_that_breaks_is_told_in_words),
        cmocka_unit_test(what_is_no_status_is_no_answer),
        cmocka_unit_test(an_interim_answer_is_never_the_answer),
        cmocka_unit_test(without_memory_the_answer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
