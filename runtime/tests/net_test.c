/* The same cases on both worlds: what holds on the virtual network holds on real sockets. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/join.h"
#include "runtime/tests/net_fixture.h"

static void bytes_arrive_in_order_and_a_fin_leaves_the_other_way_open(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    assert_int_equal(stream_write(f.client.stream, "hello ", 6), AMT_OK);
    assert_int_equal(stream_write(f.client.stream, "world", 5), AMT_OK);
    stream_shutdown(f.client.stream);
    assert_int_equal(stream_write(f.client.stream, "x", 1), AMT_ECLOSED);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.end, STREAM_END_FIN);
    assert_memory_equal(f.server.received, "hello world", 11);
    assert_int_equal(stream_write(f.server.stream, "answer", 6), AMT_OK);
    stream_close(f.server.stream);
    f.server.stream = NULL;
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_FIN);
    assert_memory_equal(f.client.received, "answer", 6);
    fixture_close(&f);
}

static void a_reset_is_seen_as_one(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    stream_reset(f.server.stream);
    f.server.stream = NULL;
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_RESET);
    fixture_close(&f);
}

static void nobody_listening_is_refused(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    listener_close(f.listener);
    f.listener = NULL;
    f.client.stream = net_connect(f.loop, &f.address, 0, &k_net_side, &f.client);
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_REFUSED);
    fixture_close(&f);
}

#define BLOCK_BYTES 60000u
#define BLOCKS      100u

static bool everything_arrived(void *ctx)
{
    return ((struct fixture *)ctx)->server.received_bytes == (uint64_t)BLOCK_BYTES * BLOCKS;
}

static void a_paused_reader_backs_up_the_writer_and_nothing_is_lost(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    uint8_t *block = amt_alloc(BLOCK_BYTES);
    uint64_t sum = 0;
    stream_set_write_limit(f.client.stream, BLOCK_BYTES * BLOCKS);
    stream_pause(f.server.stream);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        for (uint32_t k = 0; k < BLOCK_BYTES; k++) {
            block[k] = (uint8_t)(i * 7 + k);
            sum = sum * 31 + block[k];
        }
        assert_int_equal(stream_write(f.client.stream, block, BLOCK_BYTES), AMT_OK);
    }
    /* Time passes, but a paused reader takes nothing. */
    (void)loop_run_until(f.loop, NULL, NULL, loop_now_us(f.loop) + 50000);
    assert_int_equal(f.server.received_bytes, 0);
    assert_true(stream_queued_bytes(f.client.stream) > 0);
    stream_resume(f.server.stream);
    assert_true(until(&f, everything_arrived));
    assert_true(f.server.sum == sum);
    assert_true(until(&f, client_drained));
    amt_free(block);
    fixture_close(&f);
}

static void the_write_limit_refuses_whole_writes(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    uint8_t *block = amt_alloc(BLOCK_BYTES);
    stream_pause(f.server.stream);
    stream_set_write_limit(f.client.stream, 2 * BLOCK_BYTES);
    enum amt_err err = AMT_OK;
    for (uint32_t i = 0; i < 1000 && err == AMT_OK; i++) {
        err = stream_write(f.client.stream, block, BLOCK_BYTES);
        (void)loop_run_until(f.loop, NULL, NULL, loop_now_us(f.loop) + 1000);
    }
    assert_int_equal(err, AMT_ELIMIT);
    amt_free(block);
    fixture_close(&f);
}

static void closing_sends_what_is_queued(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    uint8_t *block = amt_alloc(BLOCK_BYTES);
    stream_set_write_limit(f.client.stream, BLOCK_BYTES * BLOCKS);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        assert_int_equal(stream_write(f.client.stream, block, BLOCK_BYTES), AMT_OK);
    }
    stream_close(f.client.stream);
    f.client.stream = NULL;
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.end, STREAM_END_FIN);
    assert_true(everything_arrived(&f));
    amt_free(block);
    fixture_close(&f);
}

static void closing_before_the_connection_stands_is_quiet(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    f.client.stream = net_connect(f.loop, &f.address, 0, &k_net_side, &f.client);
    stream_close(f.client.stream);
    f.client.stream = NULL;
    (void)loop_run_until(f.loop, NULL, NULL, loop_now_us(f.loop) + 20000);
    assert_false(f.client.is_open);
    assert_false(f.client.has_ended);
    fixture_close(&f);
}

static void a_paused_listener_lets_connections_wait(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    listener_pause(f.listener);
    f.client.stream = net_connect(f.loop, &f.address, 0, &k_net_side, &f.client);
    (void)loop_run_until(f.loop, NULL, NULL, loop_now_us(f.loop) + 20000);
    assert_null(f.server.stream);
    listener_resume(f.listener);
    assert_true(until(&f, are_connected));
    fixture_close(&f);
}

static void the_same_port_twice_is_told(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    struct amt_diag diag = { .err = AMT_OK };
    assert_null(net_listen(f.loop, &f.address, fixture_accept, &f, &diag));
    assert_non_null(strstr(diag.text, "cannot listen on 127.0.0.1:"));
    assert_non_null(strstr(diag.text, "already in use"));
    fixture_close(&f);
}

struct joined {
    bool is_done;
    uint64_t a_to_b, b_to_a;
};

static void on_joined(void *ctx, uint64_t a_to_b, uint64_t b_to_a)
{
    struct joined *joined = ctx;
    *joined = (struct joined){ true, a_to_b, b_to_a };
}

struct relay {
    struct fixture front, back;
    struct joined joined;
};

static bool relay_connected(void *ctx)
{
    struct relay *r = ctx;
    return are_connected(&r->front) && are_connected(&r->back);
}

static bool relay_done(void *ctx)
{
    return ((struct relay *)ctx)->joined.is_done;
}

/* client -> [front.server = join = back.client] -> back.server */
static void relay_open(struct relay *r, bool is_virtual, bool cannot_half_close)
{
    memset(r, 0, sizeof *r);
    fixture_open(&r->front, is_virtual);
    r->back.loop = r->front.loop;
    struct address any;
    assert_int_equal(address_parse("127.0.0.1:0", 1, &any, NULL), AMT_OK);
    r->back.listener = net_listen(r->back.loop, &any, fixture_accept, &r->back, NULL);
    listener_address(r->back.listener, &r->back.address);
    r->front.client.stream =
        net_connect(r->front.loop, &r->front.address, 0, &k_net_side, &r->front.client);
    r->back.client.stream =
        net_connect(r->back.loop, &r->back.address, 0, &k_net_side, &r->back.client);
    assert_true(loop_run_until(r->front.loop, relay_connected, r, LOOP_NO_DEADLINE));
    struct join_side device = { r->back.client.stream, cannot_half_close };
    struct join_side person = { r->front.server.stream, false };
    r->back.client.stream = NULL;
    r->front.server.stream = NULL;
    assert_non_null(join_streams(r->front.loop, device, person, 100000, on_joined, &r->joined));
}

static void relay_close(struct relay *r)
{
    stream_close(r->back.server.stream);
    listener_close(r->back.listener);
    fixture_close(&r->front);
}

static void a_join_copies_both_ways_until_both_have_ended(bool is_virtual)
{
    struct relay r;
    relay_open(&r, is_virtual, false);
    assert_int_equal(stream_write(r.front.client.stream, "ping", 4), AMT_OK);
    stream_shutdown(r.front.client.stream);
    assert_true(until(&r.back, server_ended));
    assert_memory_equal(r.back.server.received, "ping", 4);
    assert_int_equal(stream_write(r.back.server.stream, "pong!", 5), AMT_OK);
    stream_close(r.back.server.stream);
    r.back.server.stream = NULL;
    assert_true(until(&r.front, client_ended));
    assert_memory_equal(r.front.client.received, "pong!", 5);
    assert_true(loop_run_until(r.front.loop, relay_done, &r, LOOP_NO_DEADLINE));
    assert_int_equal(r.joined.a_to_b, 5);
    assert_int_equal(r.joined.b_to_a, 4);
    relay_close(&r);
}

static void a_join_waits_for_the_answer_of_what_cannot_half_close(bool is_virtual)
{
    struct relay r;
    relay_open(&r, is_virtual, true);
    assert_int_equal(stream_write(r.front.client.stream, "ping", 4), AMT_OK);
    stream_shutdown(r.front.client.stream);
    (void)loop_run_until(r.front.loop, NULL, NULL, loop_now_us(r.front.loop) + 50000);
    assert_false(r.back.server.has_ended); /* the end of input was not passed on */
    assert_int_equal(stream_write(r.back.server.stream, "pong", 4), AMT_OK);
    assert_true(until(&r.front, client_ended)); /* by the quiet time */
    assert_memory_equal(r.front.client.received, "pong", 4);
    relay_close(&r);
}

static case_fn *const k_cases[] = {
    bytes_arrive_in_order_and_a_fin_leaves_the_other_way_open,
    a_reset_is_seen_as_one,
    nobody_listening_is_refused,
    a_paused_reader_backs_up_the_writer_and_nothing_is_lost,
    the_write_limit_refuses_whole_writes,
    closing_sends_what_is_queued,
    closing_before_the_connection_stands_is_quiet,
    a_paused_listener_lets_connections_wait,
    the_same_port_twice_is_told,
    a_join_copies_both_ways_until_both_have_ended,
    a_join_waits_for_the_answer_of_what_cannot_half_close,
};

static void every_case_holds_in_the_virtual_world(void **state)
{
    (void)state;
    run_cases(k_cases, sizeof k_cases / sizeof k_cases[0], true);
}

static void every_case_holds_in_the_real_world(void **state)
{
    (void)state;
    run_cases(k_cases, sizeof k_cases / sizeof k_cases[0], false);
}

static void addresses_are_parsed_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
    } k_texts[] = {
        { "127.0.0.1:4433", "127.0.0.1", 4433 },
        { "[::1]:0", "::1", 0 },
        { "mps.lab.test", "mps.lab.test", 9 },
        { ":80", "", 80 },
        { "::1", "::1", 9 },
        { "[::1]", "::1", 9 },
    };
    for (size_t i = 0; i < sizeof k_texts / sizeof k_texts[0]; i++) {
        struct address address;
        assert_int_equal(address_parse(k_texts[i].text, 9, &address, NULL), AMT_OK);
        assert_string_equal(address.host, k_texts[i].host);
        assert_int_equal(address.port, k_texts[i].port);
    }
    struct address address;
    struct amt_diag diag = { .err = AMT_OK };
    assert_int_equal(address_parse("host:99999", 9, &address, &diag), AMT_ECONFIG);
    assert_int_equal(address_parse("host:x", 9, &address, &diag), AMT_ECONFIG);
    assert_int_equal(address_parse("[::1", 9, &address, &diag), AMT_ECONFIG);
    assert_non_null(strstr(diag.hint, "host:port"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_holds_in_the_virtual_world),
        cmocka_unit_test(every_case_holds_in_the_real_world),
        cmocka_unit_test(addresses_are_parsed_and_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
