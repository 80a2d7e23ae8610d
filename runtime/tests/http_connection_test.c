/* The server's side of a connection: upgrades, early bytes, slow answers, hostile clients. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/http.h"

enum reaction {
    ANSWER,
    ANSWER_LATER,
    ANSWER_AND_CLOSE,
    UPGRADE,
    UPGRADE_LATER,
    CLOSE,
    KEEP_SILENT
};

struct fixture {
    struct loop *loop;
    struct stream *raw; /* the client's end */
    struct http_server_connection *server;
    struct stream *upgraded;
    struct text received, read_ahead, upgraded_data;
    enum reaction reaction;
    uint32_t requests, header_count, body_len;
    int status;
    uint32_t answer_len;
    bool server_ended, raw_ended, upgraded_ended, is_upgrade;
    struct timer later;
    char trailer[16];
};

static void upgraded_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct fixture *)ctx)->upgraded_data, (const char *)in, len);
}

static void upgraded_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    ((struct fixture *)ctx)->upgraded_ended = true;
}

static void react(struct fixture *f, enum reaction reaction)
{
    static const struct stream_handler k_upgraded = { .on_data = upgraded_data,
                                                      .on_end = upgraded_end };
    if (reaction == ANSWER_AND_CLOSE) {
        http_close_after_response(f->server);
    }
    if (reaction == ANSWER || reaction == ANSWER_AND_CLOSE) {
        char *body = amt_alloc(f->answer_len + 1);
        memset(body, 'b', f->answer_len);
        http_respond(f->server, f->status, NULL, NULL, body, f->answer_len);
        amt_free(body);
    } else if (reaction == UPGRADE) {
        f->upgraded = http_upgrade(f->server, "Upgrade: raw\r\n", &f->read_ahead);
        if (f->upgraded != NULL) {
            stream_set_handler(f->upgraded, &k_upgraded, f);
        }
    } else if (reaction == CLOSE) {
        http_server_close(f->server);
    }
}

static void on_later(void *ctx)
{
    struct fixture *f = ctx;
    if (!f->server_ended) {
        react(f, f->reaction == UPGRADE_LATER ? UPGRADE : ANSWER);
    }
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    struct fixture *f = ctx;
    f->server = connection;
    f->requests += 1;
    f->is_upgrade = request->is_upgrade;
    f->header_count = request->header_count;
    f->body_len = request->body_len;
    const char *trailer = http_header_find(request->headers, request->header_count, "X-Late");
    (void)snprintf(f->trailer, sizeof f->trailer, "%s", trailer == NULL ? "none" : trailer);
    if (f->reaction == ANSWER_LATER || f->reaction == UPGRADE_LATER) {
        timer_start(&f->later, 50000);
    } else {
        react(f, f->reaction);
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

static void fixture_open(struct fixture *f, enum reaction reaction, const char *pre)
{
    static const struct virtual_world k_world = { .seed = 1 };
    static const struct http_limits k_limits = { .idle_limit_us = 10 * US_PER_SECOND };
    struct stream *server = NULL;
    memset(f, 0, sizeof *f);
    f->reaction = reaction;
    f->status = 200;
    f->answer_len = 2;
    f->loop = loop_new_virtual(&k_world, NULL);
    timer_init(&f->later, f->loop, on_later, f);
    assert_int_equal(stream_memory_pair(f->loop, &f->raw, &server), AMT_OK);
    stream_set_handler(f->raw, &k_raw, f);
    struct http_server_connection *connection =
        http_serve(f->loop, server, &k_limits, on_request, on_server_end, f, (const uint8_t *)pre,
                   (uint32_t)strlen(pre));
    assert_non_null(connection);
    f->server = connection;
}

static void run_for(struct fixture *f, uint64_t us)
{
    (void)loop_run_until(f->loop, NULL, NULL, loop_now_us(f->loop) + us);
}

static void fixture_close(struct fixture *f)
{
    stream_close(f->raw);
    stream_close(f->upgraded);
    loop_run(f->loop);
    assert_true(f->server_ended);
    text_fini(&f->received);
    text_fini(&f->read_ahead);
    text_fini(&f->upgraded_data);
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

#define UPGRADE_REQUEST "GET /r HTTP/1.1\r\nUpgrade: raw\r\nConnection: Upgrade\r\n\r\n"

/* Whatever the client sent behind its request belongs to the new protocol, at once or later. */
static void an_upgrade_hands_over_every_byte_behind_the_request(void **state)
{
    (void)state;
    for (int later = 0; later < 2; later++) {
        struct fixture f;
        fixture_open(&f, later != 0 ? UPGRADE_LATER : UPGRADE, "");
        send_text(&f, UPGRADE_REQUEST "early");
        run_for(&f, 10000);
        send_text(&f, "-and");
        run_for(&f, 100000);
        send_text(&f, "-late");
        run_for(&f, 100000);
        assert_true(f.is_upgrade);
        expect_text(&f, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: raw\r\n\r\n");
        assert_true(f.server_ended);
        struct text all = { 0 };
        text_puts(&all, text_chars(&f.read_ahead));
        text_puts(&all, text_chars(&f.upgraded_data));
        assert_string_equal(text_chars(&all), "early-and-late");
        text_fini(&all);
        assert_int_equal(stream_write(f.upgraded, "raw", 3), AMT_OK);
        run_for(&f, 100000);
        expect_text(&f, "\r\n\r\nraw");
        fixture_close(&f);
        assert_false(f.upgraded_ended); /* closed by its owner: no callback */
    }
}

/* The stream's end was told to HTTP already: its new owner would wait for ever. */
static void a_client_that_has_left_is_not_upgraded(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, UPGRADE_LATER, "");
    send_text(&f, UPGRADE_REQUEST);
    stream_shutdown(f.raw);
    run_for(&f, 100000);
    assert_int_equal(f.requests, 1);
    assert_null(f.upgraded);
    assert_true(f.server_ended);
    fixture_close(&f);
}

static void an_offered_upgrade_may_be_declined(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER, "");
    send_text(&f, UPGRADE_REQUEST UPGRADE_REQUEST);
    run_for(&f, 100000);
    assert_int_equal(f.requests, 2);
    expect_text(&f, "HTTP/1.1 200 OK");
    fixture_close(&f);
}

static void bytes_read_before_are_part_of_the_first_request(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER, "GET / HT");
    send_text(&f, "TP/1.1\r\n\r\n");
    run_for(&f, 100000);
    assert_int_equal(f.requests, 1);
    fixture_close(&f);
    fixture_open(&f, ANSWER, "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    run_for(&f, 100000);
    assert_int_equal(f.requests, 2);
    fixture_close(&f);
}

/* A client that goes on sending while its request is being answered is held back, not stored. */
static void a_sender_is_held_back_while_its_request_is_answered(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t *block = amt_alloc(900000);
    fixture_open(&f, KEEP_SILENT, "");
    send_text(&f, "GET / HTTP/1.1\r\n\r\n");
    run_for(&f, 100000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stream_write(f.raw, block, 300000), AMT_OK);
        run_for(&f, 100000);
    }
    /* first block taken whole, then no more than the window of the virtual network */
    assert_true(stream_queued_bytes(f.raw) >= 300000);
    react(&f, ANSWER); /* now it is read, and found to be no request */
    run_for(&f, US_PER_SECOND);
    expect_text(&f, "HTTP/1.1 400 Bad Request");
    amt_free(block);
    fixture_close(&f);
}

static void a_client_that_only_finished_sending_gets_its_answer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER_LATER, "");
    send_text(&f, "GET / HTTP/1.1\r\n\r\n");
    stream_shutdown(f.raw);
    run_for(&f, 200000);
    expect_text(&f, "HTTP/1.1 200 OK");
    assert_true(f.raw_ended && f.server_ended);
    fixture_close(&f);
}

static void a_client_that_resets_ends_the_connection_at_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, KEEP_SILENT, "");
    send_text(&f, "GET / HTTP/1.1\r\n\r\n");
    run_for(&f, 100000);
    stream_reset(f.raw);
    f.raw = NULL;
    run_for(&f, 100000);
    assert_true(f.server_ended);
    fixture_close(&f);
}

static void the_owner_may_close_inside_the_request(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CLOSE, "");
    send_text(&f, "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    run_for(&f, 100000);
    assert_int_equal(f.requests, 1);
    assert_true(f.server_ended && f.raw_ended);
    fixture_close(&f);
}

static void the_owner_may_make_an_answer_the_last(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER_AND_CLOSE, "");
    send_text(&f, "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    run_for(&f, 100000);
    assert_int_equal(f.requests, 1);
    expect_text(&f, "Connection: close\r\n");
    assert_true(f.server_ended && f.raw_ended);
    fixture_close(&f);
}

/* .NET and curl wait for it before they send a body. */
static void expect_100_continue_is_answered(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER, "");
    send_text(&f, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    run_for(&f, 100000);
    assert_string_equal(text_chars(&f.received), "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(&f, "abc");
    run_for(&f, 100000);
    assert_int_equal(f.body_len, 3);
    expect_text(&f, "HTTP/1.1 200 OK");
    fixture_close(&f);
}

/* RFC 9110, 6.5.1: fields behind the body must not pass for fields before it. */
static void trailer_fields_are_not_headers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER, "");
    send_text(&f, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "1\r\na\r\n0\r\nX-Late: yes\r\n\r\n");
    run_for(&f, 100000);
    assert_int_equal(f.body_len, 1);
    assert_int_equal(f.header_count, 2);
    assert_string_equal(f.trailer, "none");
    fixture_close(&f);
}

/* Two lengths are how requests are smuggled past a proxy. */
static void ambiguous_lengths_are_refused(void **state)
{
    (void)state;
    static const char *const k_requests[] = {
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "GET / HTTP/1.1\r\nA: b\x01\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof k_requests / sizeof k_requests[0]; i++) {
        struct fixture f;
        fixture_open(&f, ANSWER, "");
        send_text(&f, k_requests[i]);
        run_for(&f, 100000);
        assert_int_equal(f.requests, 0);
        expect_text(&f, "HTTP/1.1 400 Bad Request\r\n");
        expect_text(&f, "Connection: close\r\n");
        fixture_close(&f);
    }
}

static void many_headers_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER, "");
    send_text(&f, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 200; i++) {
        send_text(&f, "A: b\r\n");
    }
    run_for(&f, 100000);
    expect_text(&f, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
    fixture_close(&f);
}

static void an_error_after_head_has_a_body_again(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER, "");
    send_text(&f, "HEAD / HTTP/1.1\r\n\r\n\x01\r\n\r\n");
    run_for(&f, 100000);
    expect_text(&f, "\r\n\r\n400 Bad Request\n");
    fixture_close(&f);
}

static void each_status_has_its_own_words(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *line;
    } k_cases[] = {
        { 201, "HTTP/1.1 201 Created\r\n" },         { 204, "HTTP/1.1 204 No Content\r\n" },
        { 401, "HTTP/1.1 401 Unauthorized\r\n" },    { 429, "HTTP/1.1 429 Too Many Requests\r\n" },
        { 504, "HTTP/1.1 504 Gateway Timeout\r\n" },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct fixture f;
        fixture_open(&f, ANSWER, "");
        f.status = k_cases[i].status;
        f.answer_len = 0;
        send_text(&f, "GET / HTTP/1.1\r\n\r\n");
        run_for(&f, 100000);
        expect_text(&f, k_cases[i].line);
        /* RFC 9110, 8.6: 204 has no length */
        bool has_length = strstr(text_chars(&f.received), "Content-Length") != NULL;
        assert_int_equal(has_length, k_cases[i].status != 204);
        fixture_close(&f);
    }
}

/* The time limit counts per request, not from the last one's end. */
static void a_request_has_its_whole_time_after_an_idle_while(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER, "");
    run_for(&f, 9 * US_PER_SECOND);
    send_text(&f, "GET / HT");
    run_for(&f, 9 * US_PER_SECOND);
    assert_false(f.server_ended);
    send_text(&f, "TP/1.1\r\n\r\n");
    run_for(&f, US_PER_SECOND);
    assert_int_equal(f.requests, 1);
    send_text(&f, "GET / H");
    for (int i = 0; i < 8; i++) { /* dribbling does not stretch it */
        run_for(&f, 2 * US_PER_SECOND);
        enum amt_err err = stream_write(f.raw, "T", 1);
        assert_true(err == AMT_OK || f.server_ended);
    }
    assert_true(f.server_ended);
    expect_text(&f, "408 Request Timeout");
    fixture_close(&f);
}

static void an_answer_of_megabytes_arrives_whole(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ANSWER, "");
    f.answer_len = 5 * 1024 * 1024;
    send_text(&f, "GET / HTTP/1.1\r\n\r\n");
    run_for(&f, US_PER_SECOND);
    expect_text(&f, "Content-Length: 5242880\r\n");
    const char *body = strstr(text_chars(&f.received), "\r\n\r\n");
    assert_non_null(body);
    assert_true(strlen(body + 4) == f.answer_len);
    fixture_close(&f);
}

/* Answers that wait to be read hold back the next requests; they do not end the connection. */
static void many_requests_ahead_with_long_answers_are_all_answered(void **state)
{
    (void)state;
    struct fixture f;
    struct text requests = { 0 };
    fixture_open(&f, ANSWER, "");
    f.answer_len = 100000;
    for (int i = 0; i < 40; i++) {
        text_puts(&requests, "GET / HTTP/1.1\r\n\r\n");
    }
    send_text(&f, text_chars(&requests));
    stream_pause(f.raw);
    run_for(&f, US_PER_SECOND);
    assert_in_range(f.requests, 1, 3);
    stream_resume(f.raw);
    stream_shutdown(f.raw);
    run_for(&f, US_PER_SECOND);
    assert_int_equal(f.requests, 40);
    assert_true(f.received.len > 4000000);
    assert_true(f.server_ended); /* by the client's FIN, behind the last answer */
    text_fini(&requests);
    fixture_close(&f);
}

static void running_out_of_memory_ends_only_the_connection(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 30; k++) {
        struct fixture f;
        fixture_open(&f, ANSWER_LATER, "");
        send_text(
            &f, "POST /abc HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n");
        f.answer_len = 0;
        amt_memory_fail_after(k);
        run_for(&f, 40000);
        amt_memory_fail_after(0);
        run_for(&f, 100000);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_hands_over_every_byte_behind_the_request),
        cmocka_unit_test(a_client_that_has_left_is_not_upgraded),
        cmocka_unit_test(an_offered_upgrade_may_be_declined),
        cmocka_unit_test(bytes_read_before_are_part_of_the_first_request),
        cmocka_unit_test(a_sender_is_held_back_while_its_request_is_answered),
        cmocka_unit_test(a_client_that_only_finished_sending_gets_its_answer),
        cmocka_unit_test(a_client_that_resets_ends_the_connection_at_once),
        cmocka_unit_test(the_owner_may_close_inside_the_request),
        cmocka_unit_test(the_owner_may_make_an_answer_the_last),
        cmocka_unit_test(expect_100_continue_is_answered),
        cmocka_unit_test(trailer_fields_are_not_headers),
        cmocka_unit_test(ambiguous_lengths_are_refused),
        cmocka_unit_test(many_headers_are_refused),
        cmocka_unit_test(an_error_after_head_has_a_body_again),
        cmocka_unit_test(each_status_has_its_own_words),
        cmocka_unit_test(a_request_has_its_whole_time_after_an_idle_while),
        cmocka_unit_test(an_answer_of_megabytes_arrives_whole),
        cmocka_unit_test(many_requests_ahead_with_long_answers_are_all_answered),
        cmocka_unit_test(running_out_of_memory_ends_only_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
