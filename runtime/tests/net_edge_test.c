/* What happens at the edges of a connection's life; each case runs in both worlds. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/tests/net_fixture.h"

static bool client_closed(void *ctx)
{
    return ((struct fixture *)ctx)->client.stream == NULL;
}

static void closing_inside_on_open_is_allowed(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    f.client.when_open = side_close;
    begin_connect(&f);
    assert_true(until(&f, client_closed));
    assert_true(until(&f, server_ended));
    assert_int_equal(f.client.opens, 1);
    assert_int_equal(f.server.end, STREAM_END_FIN);
    fixture_close(&f);
}

static void closing_inside_on_data_stops_the_data(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    f.client.when_data = side_close;
    (void)write_pattern(f.server.stream, 400000, 0);
    assert_true(until(&f, client_closed));
    run_for(&f, 20000);
    assert_int_equal(f.client.reads, 1);
    fixture_close(&f);
}

static void closing_inside_on_end_is_allowed(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    f.client.when_ended = side_close;
    f.server.when_ended = side_close;
    stream_shutdown(f.server.stream);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.client.end, STREAM_END_FIN);
    assert_int_equal(f.server.end, STREAM_END_FIN);
    fixture_close(&f);
}

static void closing_inside_on_drain_is_allowed(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    stream_set_write_limit(f.client.stream, 20000000);
    stream_pause(f.server.stream);
    uint64_t sum = write_pattern(f.client.stream, 8000000, 0);
    run_for(&f, 20000);
    assert_true(stream_queued_bytes(f.client.stream) > 0);
    f.client.when_drained = side_close;
    stream_resume(f.server.stream);
    assert_true(until(&f, server_ended));
    assert_null(f.client.stream);
    assert_int_equal(f.client.drains, 1);
    assert_int_equal(f.server.received_bytes, 8000000);
    assert_true(f.server.sum == sum);
    fixture_close(&f);
}

static void closing_inside_accept_is_allowed(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    f.when_accepted = side_close;
    begin_connect(&f);
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_FIN);
    assert_int_equal(f.accepted, 1);
    fixture_close(&f);
}

static void side_reset(struct side *side)
{
    stream_reset(side->stream);
    side->stream = NULL;
}

static void resetting_inside_on_data_is_allowed(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    f.server.when_data = side_reset;
    assert_int_equal(stream_write(f.client.stream, "x", 1), AMT_OK);
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_RESET);
    assert_int_equal(stream_write(f.client.stream, "x", 1), AMT_ECLOSED);
    fixture_close(&f);
}

static void what_was_written_before_the_connection_stands_arrives(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    begin_connect(&f);
    assert_int_equal(stream_write(f.client.stream, "early ", 6), AMT_OK);
    assert_int_equal(stream_queued_bytes(f.client.stream), 6);
    assert_int_equal(stream_write(f.client.stream, "bird", 4), AMT_OK);
    stream_shutdown(f.client.stream);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.received_bytes, 10);
    assert_memory_equal(f.server.received, "early bird", 10);
    assert_int_equal(f.client.drains, 1);
    fixture_close(&f);
}

static void a_stream_closed_while_connecting_still_delivers_its_bytes(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    begin_connect(&f);
    assert_int_equal(stream_write(f.client.stream, "last will", 9), AMT_OK);
    side_close(&f.client);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.end, STREAM_END_FIN);
    assert_memory_equal(f.server.received, "last will", 9);
    assert_int_equal(f.client.opens, 0);
    fixture_close(&f);
}

static void a_reset_while_connecting_is_quiet(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    begin_connect(&f);
    assert_int_equal(stream_write(f.client.stream, "never", 5), AMT_OK);
    side_reset(&f.client);
    run_for(&f, 20000);
    assert_int_equal(f.client.opens, 0);
    assert_false(f.client.has_ended);
    assert_int_equal(f.server.received_bytes, 0);
    fixture_close(&f);
}

static void a_stream_to_nobody_closed_with_bytes_goes_away(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    listener_close(f.listener);
    f.listener = NULL;
    begin_connect(&f);
    assert_int_equal(stream_write(f.client.stream, "x", 1), AMT_OK);
    side_close(&f.client);
    loop_run(f.loop); /* nothing is left */
    assert_false(f.client.has_ended);
    fixture_close(&f);
}

static void the_last_words_are_read_before_a_broken_write_is_told(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    stream_pause(f.client.stream);
    assert_int_equal(stream_write(f.server.stream, "last words", 10), AMT_OK);
    side_close(&f.server);
    run_for(&f, 20000);
    /* Nobody is there: this is answered with a RST, and the next write fails. */
    for (int i = 0; i < 3; i++) {
        enum amt_err err = stream_write(f.client.stream, "hello?", 6);
        assert_true(err == AMT_OK || err == AMT_ECLOSED);
        run_for(&f, 20000);
    }
    assert_false(f.client.has_ended);
    stream_resume(f.client.stream);
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.received_bytes, 10);
    assert_memory_equal(f.client.received, "last words", 10);
    fixture_close(&f);
}

static void after_the_peers_fin_the_queue_still_drains(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    stream_set_write_limit(f.client.stream, 20000000);
    stream_pause(f.server.stream);
    uint64_t sum = write_pattern(f.client.stream, 8000000, 0);
    stream_shutdown(f.server.stream);
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_FIN);
    assert_true(stream_queued_bytes(f.client.stream) > 0);
    stream_resume(f.server.stream);
    assert_true(until(&f, client_drained));
    assert_int_equal(stream_queued_bytes(f.client.stream), 0);
    side_close(&f.client);
    assert_true(until(&f, server_ended));
    assert_true(f.server.sum == sum);
    fixture_close(&f);
}

static void a_half_closed_writer_hears_when_the_connection_breaks(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    stream_set_write_limit(f.client.stream, 20000000);
    stream_pause(f.server.stream);
    (void)write_pattern(f.client.stream, 8000000, 0);
    stream_shutdown(f.server.stream);
    assert_true(until(&f, client_ended));
    side_reset(&f.server);
    assert_true(until(&f, client_drained));
    assert_int_equal(stream_write(f.client.stream, "x", 1), AMT_ECLOSED);
    fixture_close(&f);
}

static void side_resume(struct side *side)
{
    stream_resume(side->stream);
}

static void a_closed_stream_reads_on_so_that_two_writers_do_not_block_each_other(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    stream_set_write_limit(f.client.stream, 20000000);
    stream_set_write_limit(f.server.stream, 20000000);
    stream_pause(f.server.stream);
    stream_pause(f.client.stream); /* reads nothing before it has written everything */
    f.client.when_drained = side_resume;
    (void)write_pattern(f.client.stream, 8000000, 0);
    uint64_t sum = write_pattern(f.server.stream, 8000000, 0);
    run_for(&f, 20000);
    assert_false(f.client.has_drained);
    side_close(&f.server);
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_FIN);
    assert_true(f.client.sum == sum);
    fixture_close(&f);
}

static void side_pause(struct side *side)
{
    stream_pause(side->stream);
}

static void a_pause_inside_on_data_holds_at_once(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    f.client.when_data = side_pause;
    uint64_t sum = write_pattern(f.server.stream, 300000, 0);
    side_close(&f.server);
    uint32_t rounds = 0;
    for (; !f.client.has_ended && rounds < 1000; rounds++) {
        uint32_t reads = f.client.reads;
        stream_resume(f.client.stream);
        run_for(&f, 5000);
        assert_true(f.client.reads <= reads + 1);
    }
    assert_int_equal(f.client.received_bytes, 300000);
    assert_true(f.client.sum == sum);
    fixture_close(&f);
}

static void both_ends_agree_on_their_names(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    connect_pair(&f);
    char expected[ADDRESS_HOST_BYTES + 10];
    char name[4][STREAM_NAME_BYTES];
    address_format(&f.address, expected);
    stream_peer_name(f.client.stream, name[0]);
    stream_local_name(f.server.stream, name[1]);
    stream_local_name(f.client.stream, name[2]);
    stream_peer_name(f.server.stream, name[3]);
    assert_string_equal(name[0], expected);
    assert_string_equal(name[1], expected);
    assert_string_equal(name[2], name[3]);
    side_reset(&f.client);
    assert_true(until(&f, server_ended));
    stream_peer_name(f.server.stream, name[3]); /* logs name a peer that has gone */
    assert_string_equal(name[2], name[3]);
    fixture_close(&f);
}

struct echo {
    struct fixture f;
    struct timer resume;
    uint64_t wanted;
};

static bool echo_is_done(void *ctx)
{
    const struct echo *e = ctx;
    return e->f.client.received_bytes == e->wanted;
}

static void echo_back(void *ctx, const uint8_t *in, uint32_t len)
{
    struct echo *e = ctx;
    assert_int_equal(stream_write(e->f.server.stream, in, len), AMT_OK);
    if (stream_queued_bytes(e->f.server.stream) > 100000) {
        stream_pause(e->f.server.stream);
    }
}

static void echo_drain(void *ctx)
{
    stream_resume(((struct echo *)ctx)->f.server.stream);
}

static void resume_client(void *ctx)
{
    stream_resume(((struct echo *)ctx)->f.client.stream);
}

static void ten_megabytes_come_back_through_two_pausing_readers(bool is_virtual)
{
    static const struct stream_handler k_echo = { .on_data = echo_back, .on_drain = echo_drain };
    struct echo e = { .wanted = 10000000 };
    fixture_open(&e.f, is_virtual);
    connect_pair(&e.f);
    stream_set_handler(e.f.server.stream, &k_echo, &e);
    stream_set_write_limit(e.f.client.stream, 20000000);
    timer_init(&e.resume, e.f.loop, resume_client, &e);
    uint64_t sum = write_pattern(e.f.client.stream, e.wanted, 0);
    stream_pause(e.f.client.stream);
    timer_start(&e.resume, 10000);
    assert_true(loop_run_until(e.f.loop, echo_is_done, &e, loop_now_us(e.f.loop) + LIMIT_US));
    assert_true(e.f.client.sum == sum);
    assert_int_equal(stream_queued_bytes(e.f.client.stream), 0);
    fixture_close(&e.f);
}

#define CROWD 300

struct crowd {
    struct loop *loop;
    struct stream *servers[CROWD];
    struct side clients[CROWD];
    uint32_t accepted, answered;
};

static void crowd_answer(void *ctx, const uint8_t *in, uint32_t len)
{
    struct stream **s = ctx;
    assert_int_equal(stream_write(*s, in, len), AMT_OK);
}

static void crowd_accept(void *ctx, struct stream *s)
{
    static const struct stream_handler k_answer = { .on_data = crowd_answer };
    struct crowd *crowd = ctx;
    assert_true(crowd->accepted < CROWD);
    crowd->servers[crowd->accepted] = s;
    stream_set_handler(s, &k_answer, &crowd->servers[crowd->accepted]);
    crowd->accepted += 1;
}

static bool crowd_is_served(void *ctx)
{
    struct crowd *crowd = ctx;
    for (uint32_t i = 0; i < CROWD; i++) {
        if (crowd->clients[i].received_bytes < 5) {
            return false;
        }
    }
    return true;
}

static void hundreds_connect_at_once_and_each_is_served(bool is_virtual)
{
    static struct crowd crowd;
    static const struct virtual_world k_world = { .seed = 5, .jitter_us = 5000 };
    struct address any = { "127.0.0.1", 0 };
    memset(&crowd, 0, sizeof crowd);
    crowd.loop = is_virtual ? loop_new_virtual(&k_world, NULL) : loop_new_uv(NULL);
    struct listener *listener = net_listen(crowd.loop, &any, crowd_accept, &crowd, NULL);
    assert_non_null(listener);
    listener_address(listener, &any);
    for (uint32_t i = 0; i < CROWD; i++) {
        struct side *client = &crowd.clients[i];
        client->stream = net_connect(crowd.loop, &any, 0, &k_net_side, client);
        assert_non_null(client->stream);
        assert_int_equal(stream_write(client->stream, "hello", 5), AMT_OK);
    }
    assert_true(
        loop_run_until(crowd.loop, crowd_is_served, &crowd, loop_now_us(crowd.loop) + LIMIT_US));
    assert_int_equal(crowd.accepted, CROWD);
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_memory_equal(crowd.clients[i].received, "hello", 5);
        stream_close(crowd.clients[i].stream);
        stream_close(crowd.servers[i]);
    }
    listener_close(listener);
    loop_run(crowd.loop); /* no stream stays behind */
    loop_free(crowd.loop);
}

/* The listener of the fixture whose callback runs: one accept each, then pause or close. */
struct gate {
    struct fixture f;
    bool closes;
    struct stream *extra[2];
};

static void gate_accept(void *ctx, struct stream *s)
{
    struct gate *gate = ctx;
    fixture_accept(&gate->f, s);
    if (gate->closes) {
        listener_close(gate->f.listener);
        gate->f.listener = NULL;
    } else {
        listener_pause(gate->f.listener);
    }
    if (gate->f.accepted <= 2) {
        gate->extra[gate->f.accepted - 1] = s;
    }
}

static void gate_open(struct gate *gate, bool is_virtual, bool closes)
{
    memset(gate, 0, sizeof *gate);
    fixture_open(&gate->f, is_virtual);
    gate->closes = closes;
    listener_close(gate->f.listener);
    struct address any = { "127.0.0.1", 0 };
    gate->f.listener = net_listen(gate->f.loop, &any, gate_accept, gate, NULL);
    assert_non_null(gate->f.listener);
    listener_address(gate->f.listener, &gate->f.address);
}

static void gate_close(struct gate *gate, struct stream *second_client)
{
    stream_close(second_client);
    stream_close(gate->extra[0]);
    stream_close(gate->extra[1]);
    gate->f.server.stream = NULL;
    fixture_close(&gate->f);
}

static bool has_two(void *ctx)
{
    return ((struct fixture *)ctx)->accepted == 2;
}

static void a_listener_paused_while_accepting_takes_one(bool is_virtual)
{
    struct gate gate;
    gate_open(&gate, is_virtual, false);
    begin_connect(&gate.f);
    struct side second = { .opens = 0 };
    second.stream = net_connect(gate.f.loop, &gate.f.address, 0, &k_net_side, &second);
    run_for(&gate.f, 20000);
    assert_int_equal(gate.f.accepted, 1);
    assert_true(second.is_open); /* the kernel has answered for us */
    listener_resume(gate.f.listener);
    assert_true(until(&gate.f, has_two));
    gate_close(&gate, second.stream);
}

static void a_listener_may_be_closed_while_accepting(bool is_virtual)
{
    struct gate gate;
    gate_open(&gate, is_virtual, true);
    begin_connect(&gate.f);
    struct side second = { .opens = 0 };
    second.stream = net_connect(gate.f.loop, &gate.f.address, 0, &k_net_side, &second);
    run_for(&gate.f, 50000);
    assert_int_equal(gate.f.accepted, 1);
    assert_true(second.has_ended != gate.f.client.has_ended); /* whoever came second */
    gate_close(&gate, second.stream);
}

static void connections_that_wait_when_the_listener_closes_are_reset(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    listener_pause(f.listener);
    begin_connect(&f);
    run_for(&f, 20000);
    listener_close(f.listener);
    f.listener = NULL;
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_RESET);
    fixture_close(&f);
}

static void the_write_limit_counts_what_is_queued_before_the_connection(bool is_virtual)
{
    struct fixture f;
    fixture_open(&f, is_virtual);
    begin_connect(&f);
    stream_set_write_limit(f.client.stream, 100);
    uint8_t bytes[90] = { 0 };
    assert_int_equal(stream_write(f.client.stream, bytes, 90), AMT_OK);
    assert_int_equal(stream_write(f.client.stream, bytes, 11), AMT_ELIMIT);
    assert_int_equal(stream_write(f.client.stream, bytes, 10), AMT_OK);
    assert_int_equal(stream_queued_bytes(f.client.stream), 100);
    assert_int_equal(stream_write(f.client.stream, bytes, 0), AMT_OK);
    side_close(&f.client);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.received_bytes, 100);
    fixture_close(&f);
}

static void allocation_failures_end_connections_and_nothing_else(bool is_virtual)
{
    for (uint64_t k = 1; k < 12; k++) {
        struct fixture f;
        fixture_open(&f, is_virtual);
        amt_memory_fail_after(k);
        f.client.stream = net_connect(f.loop, &f.address, 0, &k_net_side, &f.client);
        if (f.client.stream != NULL) {
            (void)!stream_write(f.client.stream, "x", 1);
            run_for(&f, 5000);
        }
        amt_memory_fail_after(0);
        fixture_close(&f);
    }
}

static case_fn *const k_cases[] = {
    closing_inside_on_open_is_allowed,
    closing_inside_on_data_stops_the_data,
    closing_inside_on_end_is_allowed,
    closing_inside_on_drain_is_allowed,
    closing_inside_accept_is_allowed,
    resetting_inside_on_data_is_allowed,
    what_was_written_before_the_connection_stands_arrives,
    a_stream_closed_while_connecting_still_delivers_its_bytes,
    a_reset_while_connecting_is_quiet,
    a_stream_to_nobody_closed_with_bytes_goes_away,
    the_last_words_are_read_before_a_broken_write_is_told,
    after_the_peers_fin_the_queue_still_drains,
    a_half_closed_writer_hears_when_the_connection_breaks,
    a_closed_stream_reads_on_so_that_two_writers_do_not_block_each_other,
    a_pause_inside_on_data_holds_at_once,
    both_ends_agree_on_their_names,
    ten_megabytes_come_back_through_two_pausing_readers,
    hundreds_connect_at_once_and_each_is_served,
    a_listener_paused_while_accepting_takes_one,
    a_listener_may_be_closed_while_accepting,
    connections_that_wait_when_the_listener_closes_are_reset,
    the_write_limit_counts_what_is_queued_before_the_connection,
    allocation_failures_end_connections_and_nothing_else,
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
