/* Several requests over one connection, the client's side; the server is played byte by byte. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/unit.h"
#include "runtime/http.h"

struct play {
    struct loop *loop;
    struct stream *server;
    struct http_client *client;
    struct text asked;
    uint32_t responses;
    int status;
    char body[64], error[STREAM_TEXT_BYTES];
    bool is_late, has_started;
    bool asks_again, closes_inside;
};

static const struct http_request_spec k_spec = { .method = "GET",
                                                 .target = "/",
                                                 .host = "x",
                                                 .limit_us = 10u * US_PER_SECOND,
                                                 .first_byte_limit_us = 2u * US_PER_SECOND };

static void server_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct play *)ctx)->asked, (const char *)in, len);
}

static const struct stream_handler k_server = { .on_data = server_data };

static void begin(struct play *p)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct stream *ours = NULL;
    memset(p, 0, sizeof *p);
    p->loop = loop_new_virtual(&k_world, NULL);
    assert_int_equal(stream_memory_pair(p->loop, &ours, &p->server), AMT_OK);
    stream_set_handler(p->server, &k_server, p);
    p->client = http_client_new(p->loop, ours);
    assert_non_null(p->client);
}

static void end(struct play *p)
{
    http_client_close(p->client);
    stream_close(p->server);
    text_fini(&p->asked);
    loop_free(p->loop);
}

static void run(struct play *p, uint64_t us)
{
    (void)loop_run_until(p->loop, NULL, NULL, loop_now_us(p->loop) + us);
}

static void on_response(void *ctx, const struct http_response *response)
{
    struct play *p = ctx;
    p->responses += 1;
    p->status = response->status;
    p->is_late = response->is_late;
    p->has_started = response->has_started;
    (void)snprintf(p->body, sizeof p->body, "%.*s", (int)response->body_len,
                   response->body == NULL ? "" : response->body);
    (void)snprintf(p->error, sizeof p->error, "%s", response->error == NULL ? "" : response->error);
    if (p->closes_inside) {
        http_client_close(p->client);
        p->client = NULL;
    } else if (p->asks_again) {
        p->asks_again = false;
        http_client_ask(p->client, &k_spec, on_response, p);
    }
}

static void ask(struct play *p)
{
    assert_true(http_client_is_usable(p->client));
    http_client_ask(p->client, &k_spec, on_response, p);
    if (p->client != NULL) {
        assert_false(http_client_is_usable(p->client));
    }
}

static void answer(struct play *p, const char *bytes)
{
    run(p, US_PER_MS);
    assert_int_equal(stream_write(p->server, bytes, (uint32_t)strlen(bytes)), AMT_OK);
    run(p, US_PER_MS);
}

#define ANSWER(body) "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" body

static void one_connection_serves_many(void **state)
{
    struct play p;
    (void)state;
    begin(&p);
    for (int i = 0; i < 3; i++) {
        ask(&p);
        answer(&p, ANSWER("abc"));
        assert_string_equal(p.body, "abc");
    }
    assert_int_equal(p.responses, 3);
    end(&p);
}

/* Connection: close, HTTP/1.0 and a body until the end all use the connection up. */
static void the_answer_says_whether_it_goes_on(void **state)
{
    static const char *const k_last[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_last / sizeof k_last[0]; i++) {
        struct play p;
        begin(&p);
        ask(&p);
        answer(&p, k_last[i]);
        assert_string_equal(p.body, "abc");
        assert_false(http_client_is_usable(p.client));
        end(&p);
    }
}

static void what_nobody_asked_for_ends_it(void **state)
{
    struct play p;
    (void)state;
    begin(&p);
    ask(&p);
    answer(&p, ANSWER("abc") ANSWER("def"));
    assert_string_equal(p.body, "abc");
    assert_false(http_client_is_usable(p.client));
    end(&p);
    begin(&p);
    ask(&p);
    answer(&p, ANSWER("abc"));
    assert_true(http_client_is_usable(p.client));
    answer(&p, "x");
    assert_false(http_client_is_usable(p.client));
    assert_int_equal(p.responses, 1);
    end(&p);
}

static void an_idle_connection_that_closes_is_noticed(void **state)
{
    struct play p;
    (void)state;
    begin(&p);
    ask(&p);
    answer(&p, ANSWER("abc"));
    stream_close(p.server);
    p.server = NULL;
    run(&p, US_PER_SECOND);
    assert_false(http_client_is_usable(p.client));
    assert_int_equal(p.responses, 1);
    end(&p);
}

/* The head of an answer that is cut short still tells its status. */
static void a_cut_answer_keeps_its_head(void **state)
{
    struct play p;
    (void)state;
    begin(&p);
    ask(&p);
    answer(&p, "HTTP/1.1 401 No\r\nContent-Length: 30\r\n\r\nabc");
    stream_close(p.server);
    p.server = NULL;
    run(&p, US_PER_SECOND);
    assert_int_equal(p.status, 401);
    assert_true(p.error[0] != '\0');
    assert_true(p.has_started);
    end(&p);
}

static void two_limits_of_time(void **state)
{
    struct play p;
    (void)state;
    begin(&p); /* nothing at all */
    ask(&p);
    run(&p, 3u * US_PER_SECOND);
    assert_true(p.is_late);
    assert_false(p.has_started);
    end(&p);
    begin(&p); /* begun in time, never complete */
    ask(&p);
    run(&p, US_PER_SECOND);
    answer(&p, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    run(&p, 5u * US_PER_SECOND);
    assert_int_equal(p.responses, 0);
    run(&p, 5u * US_PER_SECOND);
    assert_int_equal(p.responses, 1);
    assert_true(p.is_late);
    assert_true(p.has_started);
    end(&p);
}

static void the_callback_may_ask_again_or_close(void **state)
{
    struct play p;
    (void)state;
    begin(&p);
    p.asks_again = true;
    ask(&p);
    answer(&p, ANSWER("abc"));
    assert_int_equal(p.responses, 1);
    answer(&p, ANSWER("def"));
    assert_int_equal(p.responses, 2);
    assert_string_equal(p.body, "def");
    end(&p);
    begin(&p);
    p.closes_inside = true;
    ask(&p);
    answer(&p, ANSWER("abc"));
    assert_int_equal(p.responses, 1);
    end(&p);
}

static void closing_takes_the_answer_back(void **state)
{
    struct play p;
    (void)state;
    begin(&p);
    ask(&p);
    http_client_close(p.client);
    p.client = NULL;
    run(&p, 20u * US_PER_SECOND);
    assert_int_equal(p.responses, 0);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_serves_many),
        cmocka_unit_test(the_answer_says_whether_it_goes_on),
        cmocka_unit_test(what_nobody_asked_for_ends_it),
        cmocka_unit_test(an_idle_connection_that_closes_is_noticed),
        cmocka_unit_test(a_cut_answer_keeps_its_head),
        cmocka_unit_test(two_limits_of_time),
        cmocka_unit_test(the_callback_may_ask_again_or_close),
        cmocka_unit_test(closing_takes_the_answer_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
