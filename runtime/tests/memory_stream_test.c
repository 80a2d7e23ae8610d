/* Memory pairs behave alike on both loops. */
#include "base/memory.h"
#include "base/unit.h"
#include "runtime/tests/net_fixture.h"

static void pair_open(struct fixture *f, bool is_virtual)
{
    fixture_open(f, is_virtual);
    listener_close(f->listener);
    f->listener = NULL;
    assert_int_equal(stream_memory_pair(f->loop, &f->client.stream, &f->server.stream), AMT_OK);
    stream_set_handler(f->client.stream, &k_net_side, &f->client);
    stream_set_handler(f->server.stream, &k_net_side, &f->server);
}

static void bytes_arrive_in_a_later_turn_and_in_order(bool is_virtual)
{
    struct fixture f;
    pair_open(&f, is_virtual);
    uint64_t sum = write_pattern(f.client.stream, 500000, 0);
    assert_int_equal(f.server.received_bytes, 0);
    stream_shutdown(f.client.stream);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.received_bytes, 500000);
    assert_true(f.server.sum == sum);
    assert_int_equal(f.server.end, STREAM_END_FIN);
    assert_int_equal(f.client.opens + f.server.opens, 0); /* it is open from the start */
    assert_int_equal(stream_write(f.server.stream, "back", 4), AMT_OK);
    side_close(&f.server);
    assert_true(until(&f, client_ended));
    assert_memory_equal(f.client.received, "back", 4);
    fixture_close(&f);
}

static void a_paused_reader_holds_the_writer_at_64_kib(bool is_virtual)
{
    struct fixture f;
    pair_open(&f, is_virtual);
    stream_pause(f.server.stream);
    uint64_t sum = write_pattern(f.client.stream, 100000, 0);
    assert_int_equal(stream_queued_bytes(f.client.stream), 100000 - 65536);
    run_for(&f, 10000);
    assert_int_equal(f.server.received_bytes, 0);
    stream_resume(f.server.stream);
    assert_true(until(&f, client_drained));
    side_close(&f.client);
    assert_true(until(&f, server_ended));
    assert_true(f.server.sum == sum);
    fixture_close(&f);
}

static void a_reset_comes_behind_what_was_sent(bool is_virtual)
{
    struct fixture f;
    pair_open(&f, is_virtual);
    assert_int_equal(stream_write(f.client.stream, "abc", 3), AMT_OK);
    stream_reset(f.client.stream);
    f.client.stream = NULL;
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.end, STREAM_END_RESET);
    assert_int_equal(f.server.received_bytes, 3);
    fixture_close(&f);
}

static void without_memory_nothing_is_taken(bool is_virtual)
{
    struct fixture f;
    pair_open(&f, is_virtual);
    struct stream *a = NULL;
    struct stream *b = NULL;
    uint8_t *large = amt_alloc(200000);
    assert_non_null(large);
    amt_memory_fail_after(1);
    assert_int_equal(stream_memory_pair(f.loop, &a, &b), AMT_ENOMEM);
    amt_memory_fail_after(1);
    assert_int_equal(stream_write(f.client.stream, large, 200000), AMT_ENOMEM);
    amt_memory_fail_after(6); /* in the middle of the pieces */
    assert_int_equal(stream_write(f.client.stream, large, 200000), AMT_ENOMEM);
    amt_memory_fail_after(0);
    amt_free(large);
    assert_null(a);
    assert_null(b);
    assert_int_equal(stream_queued_bytes(f.client.stream), 0);
    side_close(&f.client);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.received_bytes, 0);
    fixture_close(&f);
}

static case_fn *const k_cases[] = {
    bytes_arrive_in_a_later_turn_and_in_order,
    a_paused_reader_holds_the_writer_at_64_kib,
    a_reset_comes_behind_what_was_sent,
    without_memory_nothing_is_taken,
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_holds_in_the_virtual_world),
        cmocka_unit_test(every_case_holds_in_the_real_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
