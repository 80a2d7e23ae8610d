/* Requests damaged and cut at random, from a fixed seed: whatever comes, answers stay whole and the
 * connection ends. */
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/unit.h"
#include "runtime/http.h"

static const char *const k_seeds[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /c HTTP/1.1\r\nContent-Length: 7\r\n\r\nabcdefgGET /d HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET /f HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "GET /g HTTP/1.1\r\nUpgrade: raw\r\nConnection: Upgrade\r\n\r\nafterwards",
    "POST /h HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    "GET http://a:1/i HTTP/1.1\r\nA: b\r\n c\r\nConnection: close\r\n\r\nGET /",
};

struct run {
    struct amt_random random;
    struct loop *loop;
    struct stream *raw, *upgraded;
    struct http_server_connection *connection;
    struct timer later;
    struct text received, read_ahead;
    uint32_t requests, longest_body;
    bool has_ended;
};

static void react(struct run *run)
{
    if (amt_random_below(&run->random, 8) == 0) {
        run->upgraded = http_upgrade(run->connection, "Upgrade: raw\r\n", &run->read_ahead);
    } else {
        http_respond(run->connection, 200, "text/plain", NULL, "ok", 2);
    }
}

static void on_later(void *ctx)
{
    struct run *run = ctx;
    if (!run->has_ended) {
        react(run);
    }
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    struct run *run = ctx;
    assert_false(run->has_ended);
    assert_false(timer_is_running(&run->later)); /* one request at a time */
    run->requests += 1;
    run->connection = connection;
    run->longest_body =
        request->body_len > run->longest_body ? request->body_len : run->longest_body;
    /* every text ends where it says */
    size_t len = strlen(request->target) + strlen(request->method);
    for (uint32_t i = 0; i < request->header_count; i++) {
        len += strlen(request->headers[i].name) + strlen(request->headers[i].value);
    }
    assert_true(len <= 1000);
    if (amt_random_below(&run->random, 2) == 0) {
        timer_start(&run->later, 1000);
    } else {
        react(run);
    }
}

static void on_end(void *ctx)
{
    struct run *run = ctx;
    assert_false(run->has_ended);
    run->has_ended = true;
    timer_stop(&run->later);
}

static void raw_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct run *)ctx)->received, (const char *)in, len);
}

static const struct stream_handler k_raw = { .on_data = raw_data };

/* Copies a seed with a few bytes changed, a piece left out, or a piece doubled. */
static void damage(struct amt_random *random, struct bytes *out)
{
    const char *seed = k_seeds[amt_random_below(random, sizeof k_seeds / sizeof k_seeds[0])];
    uint32_t len = (uint32_t)strlen(seed);
    uint32_t from = (uint32_t)amt_random_below(random, len);
    uint32_t to = from + (uint32_t)amt_random_below(random, len - from + 1);
    uint64_t kind = amt_random_below(random, 4);
    assert_int_equal(bytes_append(out, seed, kind == 0 ? from : len), AMT_OK);
    if (kind <= 1) {
        assert_int_equal(
            bytes_append(out, seed + (kind == 0 ? to : from), kind == 0 ? len - to : to - from),
            AMT_OK);
    }
    for (uint64_t i = amt_random_below(random, 4); i > 0 && out->len > 0; i--) {
        static const char k_bytes[] = "\r\n :;0123456789abcdefx-\x01\x7f\xff";
        uint8_t *at = out->block + out->start + amt_random_below(random, out->len);
        *at = (uint8_t)k_bytes[amt_random_below(random, sizeof k_bytes)];
    }
}

static void play(struct run *run, const struct bytes *input)
{
    static const struct virtual_world k_world = { .seed = 1 };
    static const struct http_limits k_limits = { .head_max_bytes = 1000,
                                                 .body_max_bytes = 100,
                                                 .idle_limit_us = US_PER_SECOND };
    struct stream *server = NULL;
    run->loop = loop_new_virtual(&k_world, NULL);
    timer_init(&run->later, run->loop, on_later, run);
    assert_int_equal(stream_memory_pair(run->loop, &run->raw, &server), AMT_OK);
    stream_set_handler(run->raw, &k_raw, run);
    assert_non_null(http_serve(run->loop, server, &k_limits, on_request, on_end, run, NULL, 0));
    for (uint32_t at = 0; at < input->len;) {
        uint32_t n = 1 + (uint32_t)amt_random_below(&run->random, input->len - at);
        if (stream_write(run->raw, bytes_front(input) + at, n) != AMT_OK) {
            break; /* refused and closed already */
        }
        at += n;
        (void)loop_run_until(run->loop, NULL, NULL, loop_now_us(run->loop) + 500);
    }
    if (amt_random_below(&run->random, 2) == 0) {
        stream_shutdown(run->raw);
    }
    (void)loop_run_until(run->loop, NULL, NULL, loop_now_us(run->loop) + 3 * US_PER_SECOND);
}

static uint32_t count(const char *text, const char *word)
{
    uint32_t n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        n += 1;
    }
    return n;
}

static void damaged_requests_never_harm_the_server(void **state)
{
    (void)state;
    uint32_t answered = 0;
    uint32_t refused = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct run run = { .requests = 0 };
        struct bytes input = { .max = 0 };
        amt_random_seed(&run.random, seed, "http");
        damage(&run.random, &input);
        if (input.len > 0) {
            play(&run, &input);
            assert_true(run.has_ended);
            assert_true(run.longest_body <= 100);
            const char *text = text_chars(&run.received);
            assert_true(text[0] == '\0' || strncmp(text, "HTTP/1.1 ", 9) == 0);
            uint32_t good = count(text, "HTTP/1.1 200 OK\r\n") + count(text, "HTTP/1.1 101 ");
            assert_true(good <= run.requests);
            answered += good;
            refused += count(text, "HTTP/1.1 4");
            stream_close(run.raw);
            stream_close(run.upgraded);
            loop_run(run.loop);
            loop_free(run.loop);
        }
        bytes_fini(&input);
        text_fini(&run.received);
        text_fini(&run.read_ahead);
    }
    /* the damage is of a strength that lets both paths be walked often */
    assert_true(answered > 500 && refused > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_requests_never_harm_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
