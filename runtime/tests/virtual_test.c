/* What only the virtual world promises: exact times, exact windows, the same run from the same seed. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/unit.h"
#include "runtime/tests/net_fixture.h"

/* A small crowd that writes, pauses, resumes and leaves at random, and a trace of all that was seen. */
#define TALKERS 6
#define STEPS   300

struct talker {
    struct chatter *chatter;
    uint32_t number;
    struct stream *client, *server;
};

struct chatter {
    struct loop *loop;
    struct amt_random random;
    struct talker talkers[TALKERS];
    uint32_t accepted;
    struct text trace;
};

static void trace(const struct talker *talker, char who, const char *what, uint64_t number)
{
    text_printf(&talker->chatter->trace, "%llu %c%u %s %llu\n",
                (unsigned long long)loop_now_us(talker->chatter->loop), who, talker->number, what,
                (unsigned long long)number);
}

static void client_data(void *ctx, const uint8_t *in, uint32_t len)
{
    trace(ctx, 'c', "data", pattern_sum(0, in, len));
}

static void client_open(void *ctx)
{
    trace(ctx, 'c', "open", 0);
}

static void client_drain(void *ctx)
{
    trace(ctx, 'c', "drain", 0);
}

static void client_end(void *ctx, const struct stream_end *end)
{
    trace(ctx, 'c', stream_end_name(end->kind), 0);
}

static void server_data(void *ctx, const uint8_t *in, uint32_t len)
{
    const struct talker *talker = ctx;
    trace(talker, 's', "data", pattern_sum(0, in, len));
    (void)!stream_write(talker->server, in, len / 2 + 1);
}

static void server_end(void *ctx, const struct stream_end *end)
{
    trace(ctx, 's', stream_end_name(end->kind), 0);
}

static const struct stream_handler k_client = { client_open, client_data, client_drain,
                                                client_end };
static const struct stream_handler k_server = { NULL, server_data, NULL, server_end };

static void chatter_accept(void *ctx, struct stream *s)
{
    struct chatter *chatter = ctx;
    struct talker *talker = &chatter->talkers[chatter->accepted++];
    talker->server = s;
    stream_set_handler(s, &k_server, talker);
}

static void act(struct chatter *chatter)
{
    static const uint8_t k_bytes[9000] = { 1, 2, 3 };
    struct talker *talker = &chatter->talkers[amt_random_below(&chatter->random, TALKERS)];
    uint32_t len = (uint32_t)amt_random_below(&chatter->random, sizeof k_bytes);
    switch (amt_random_below(&chatter->random, 6)) {
    case 0:
        stream_pause(talker->client);
        break;
    case 1:
        stream_resume(talker->client);
        break;
    case 2:
        if (amt_random_below(&chatter->random, 20) == 0) {
            stream_shutdown(talker->client);
        }
        break;
    default:
        (void)!stream_write(talker->client, k_bytes, len);
        break;
    }
}

/* The trace, to be freed. */
static char *chat(uint64_t seed)
{
    const struct virtual_world world = { .seed = seed, .jitter_us = 5000, .window_bytes = 4000 };
    struct chatter chatter = { .accepted = 0 };
    chatter.loop = loop_new_virtual(&world, NULL);
    assert_non_null(chatter.loop);
    amt_random_seed(&chatter.random, 1, "the same acts in each run");
    struct address address = { "", 1 };
    struct listener *listener = net_listen(chatter.loop, &address, chatter_accept, &chatter, NULL);
    for (uint32_t i = 0; i < TALKERS; i++) {
        struct talker *talker = &chatter.talkers[i];
        talker->chatter = &chatter;
        talker->number = i;
        talker->client = net_connect(chatter.loop, &address, 0, &k_client, talker);
    }
    for (uint32_t i = 0; i < STEPS; i++) {
        act(&chatter);
        (void)loop_run_until(chatter.loop, NULL, NULL,
                             loop_now_us(chatter.loop) + amt_random_below(&chatter.random, 3000));
    }
    for (uint32_t i = 0; i < TALKERS; i++) {
        stream_close(chatter.talkers[i].client);
        stream_close(chatter.talkers[i].server);
    }
    listener_close(listener);
    loop_free(chatter.loop);
    char *text = text_take(&chatter.trace);
    assert_non_null(text);
    return text;
}

static void the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    char *first = chat(11);
    char *second = chat(11);
    char *other = chat(12);
    assert_true(strlen(first) > 1000);
    assert_string_equal(first, second);
    assert_string_not_equal(first, other);
    amt_free(first);
    amt_free(second);
    amt_free(other);
}

static void a_byte_takes_one_latency_and_a_connection_two(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 1, .latency_us = 7000 };
    struct fixture f;
    fixture_open_world(&f, &k_world, "");
    connect_pair(&f);
    assert_int_equal(loop_now_us(f.loop), 14000);
    assert_int_equal(stream_write(f.client.stream, "x", 1), AMT_OK);
    (void)loop_run_until(f.loop, NULL, NULL, 20999);
    assert_int_equal(f.server.received_bytes, 0);
    (void)loop_run_until(f.loop, NULL, NULL, 21000);
    assert_int_equal(f.server.received_bytes, 1);
    assert_int_equal(f.server.last_data_us, 21000);
    fixture_close(&f);
}

static void time_without_events_costs_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, true);
    connect_pair(&f);
    uint64_t year_us = 365ull * 24 * 3600 * US_PER_SECOND;
    run_for(&f, year_us);
    assert_true(loop_now_us(f.loop) >= year_us);
    assert_int_equal(stream_write(f.client.stream, "still there", 11), AMT_OK);
    run_for(&f, 10000);
    assert_int_equal(f.server.received_bytes, 11);
    fixture_close(&f);
}

static void jitter_keeps_the_order_of_a_connection(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 9, .jitter_us = 100000 };
    struct fixture f;
    fixture_open_world(&f, &k_world, "");
    connect_pair(&f);
    uint64_t sum = 0;
    uint32_t moments = 0;
    for (uint32_t i = 0; i < 500; i++) {
        uint8_t byte = (uint8_t)(i * 13);
        sum = pattern_sum(sum, &byte, 1);
        assert_int_equal(stream_write(f.client.stream, &byte, 1), AMT_OK);
        uint64_t before_us = f.server.last_data_us;
        run_for(&f, 1000);
        moments += f.server.last_data_us != before_us;
    }
    run_for(&f, 200000);
    assert_int_equal(f.server.received_bytes, 500);
    assert_true(f.server.sum == sum);
    assert_true(moments > 10); /* and it did spread them */
    fixture_close(&f);
}

static void greet(struct side *side)
{
    assert_int_equal(stream_write(side->stream, "welcome", 7), AMT_OK);
}

static void expect_open(struct side *side)
{
    assert_true(side->is_open);
}

static void a_greeting_does_not_overtake_the_connection(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        const struct virtual_world world = { .seed = seed, .jitter_us = 100000 };
        struct fixture f;
        fixture_open_world(&f, &world, "");
        f.when_accepted = greet;
        f.client.when_data = expect_open;
        connect_pair(&f);
        run_for(&f, 200000);
        assert_int_equal(f.client.received_bytes, 7);
        fixture_close(&f);
    }
}

static void the_window_is_exact(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 1, .window_bytes = 1000 };
    struct fixture f;
    fixture_open_world(&f, &k_world, "");
    connect_pair(&f);
    stream_pause(f.server.stream);
    uint64_t sum = write_pattern(f.client.stream, 1000, 0);
    assert_int_equal(stream_queued_bytes(f.client.stream), 0);
    assert_int_equal(stream_write(f.client.stream, "abc", 3), AMT_OK);
    assert_int_equal(stream_queued_bytes(f.client.stream), 3);
    sum = pattern_sum(sum, (const uint8_t *)"abc", 3);
    run_for(&f, US_PER_SECOND);
    assert_int_equal(stream_queued_bytes(f.client.stream), 3);
    assert_false(f.client.has_drained);
    stream_resume(f.server.stream);
    assert_true(until(&f, client_drained));
    run_for(&f, US_PER_SECOND);
    assert_int_equal(f.server.received_bytes, 1003);
    assert_true(f.server.sum == sum);
    fixture_close(&f);
}

static void every_window_passes_every_message(void **state)
{
    (void)state;
    for (uint32_t window = 1; window < 600; window = window * 2 + 1) {
        const struct virtual_world world = { .seed = window, .window_bytes = window };
        struct fixture f;
        fixture_open_world(&f, &world, "");
        connect_pair(&f);
        uint64_t sum = 0;
        for (uint32_t len = 1; len < 700; len += 37) {
            sum = write_pattern(f.client.stream, len, sum);
        }
        side_close(&f.client);
        assert_true(until(&f, server_ended));
        assert_int_equal(f.server.end, STREAM_END_FIN);
        assert_true(f.server.sum == sum);
        fixture_close(&f);
    }
}

static void the_write_limit_counts_what_is_beyond_the_window(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 1, .window_bytes = 100 };
    struct fixture f;
    fixture_open_world(&f, &k_world, "");
    connect_pair(&f);
    stream_pause(f.server.stream);
    stream_set_write_limit(f.client.stream, 50);
    (void)write_pattern(f.client.stream, 120, 0);
    assert_int_equal(stream_queued_bytes(f.client.stream), 20);
    uint8_t more[31] = { 0 };
    assert_int_equal(stream_write(f.client.stream, more, 31), AMT_ELIMIT);
    assert_int_equal(stream_queued_bytes(f.client.stream), 20);
    assert_int_equal(stream_write(f.client.stream, more, 30), AMT_OK);
    assert_int_equal(stream_write(f.client.stream, more, 1), AMT_ELIMIT);
    fixture_close(&f);
}

static void a_closed_stream_flushes_for_five_seconds_and_then_resets(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 1, .window_bytes = 100 };
    struct fixture f;
    fixture_open_world(&f, &k_world, "");
    connect_pair(&f);
    stream_pause(f.server.stream);
    (void)write_pattern(f.client.stream, 500, 0);
    side_close(&f.client);
    run_for(&f, 4900000);
    assert_int_equal(stream_write(f.server.stream, "x", 1), AMT_OK); /* the connection stands */
    run_for(&f, 200000);
    assert_int_equal(stream_write(f.server.stream, "x", 1), AMT_ECLOSED);
    stream_resume(f.server.stream);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.end, STREAM_END_RESET);
    assert_int_equal(f.server.received_bytes, 100); /* what had arrived is not lost */
    fixture_close(&f);
}

static void connecting_gives_up_after_its_limit(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 1, .latency_us = 2000000 };
    static const uint64_t k_limits_us[] = { 1000000,
                                            3000000 }; /* before and after the SYN arrived */
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        fixture_open_world(&f, &k_world, "");
        f.client.stream = net_connect(f.loop, &f.address, k_limits_us[i], &k_net_side, &f.client);
        assert_true(until(&f, client_ended));
        assert_int_equal(f.client.end, STREAM_END_TIMEOUT);
        assert_int_equal(loop_now_us(f.loop), k_limits_us[i]);
        run_for(&f, 10000000);
        assert_false(f.client.is_open);
        assert_int_equal(f.accepted, i);
        assert_true(i == 0 || f.server.end == STREAM_END_RESET);
        fixture_close(&f);
    }
}

static void note_host(void *ctx, struct stream *s)
{
    *(uint32_t *)ctx += 1;
    stream_close(s);
}

static enum stream_end_kind try_host(struct loop *loop, const char *host)
{
    struct address address = { .port = 16992 };
    struct side side = { .opens = 0 };
    (void)snprintf(address.host, sizeof address.host, "%s", host);
    side.stream = net_connect(loop, &address, 0, &k_net_side, &side);
    loop_run(loop);
    assert_true(side.has_ended);
    stream_close(side.stream);
    return side.end;
}

static void the_host_decides_which_listener_answers(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 1 };
    struct loop *loop = loop_new_virtual(&k_world, NULL);
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t all = 0;
    struct listener *listeners[3];
    const struct address addresses[3] = { { "10.0.0.1", 16992 }, { "localhost", 16992 } };
    listeners[0] = net_listen(loop, &addresses[0], note_host, &a, NULL);
    listeners[1] = net_listen(loop, &addresses[1], note_host, &b, NULL);
    assert_int_equal(try_host(loop, "10.0.0.1"), STREAM_END_FIN);
    assert_int_equal(try_host(loop, "127.0.0.1"), STREAM_END_FIN);
    assert_int_equal(try_host(loop, "10.0.0.2"), STREAM_END_REFUSED);
    const struct address any = { "::", 16992 };
    struct amt_diag diag = { .err = AMT_OK };
    assert_null(net_listen(loop, &any, note_host, &all, &diag)); /* the port is taken */
    assert_non_null(strstr(diag.text, "[::]:16992: address already in use"));
    listener_close(listeners[0]);
    listener_close(listeners[1]);
    listeners[2] = net_listen(loop, &any, note_host, &all, NULL);
    assert_non_null(listeners[2]);
    assert_int_equal(try_host(loop, "pc7.lab.test"), STREAM_END_FIN);
    listener_close(listeners[2]);
    assert_int_equal(a, 1);
    assert_int_equal(b, 1);
    assert_int_equal(all, 1);
    loop_free(loop);
}

static void port_0_counts_up_from_49152(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 1 };
    struct loop *loop = loop_new_virtual(&k_world, NULL);
    uint32_t seen = 0;
    struct listener *listeners[3];
    const struct address taken = { "", 49153 };
    const struct address any = { "", 0 };
    listeners[0] = net_listen(loop, &taken, note_host, &seen, NULL);
    listeners[1] = net_listen(loop, &any, note_host, &seen, NULL);
    listeners[2] = net_listen(loop, &any, note_host, &seen, NULL);
    static const uint16_t k_ports[3] = { 49153, 49152, 49154 };
    for (size_t i = 0; i < 3; i++) {
        struct address address;
        listener_address(listeners[i], &address);
        assert_int_equal(address.port, k_ports[i]);
        listener_close(listeners[i]);
    }
    loop_free(loop);
}

static void bytes_still_under_way_are_freed_with_the_loop(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, true);
    begin_connect(&f);
    assert_int_equal(stream_write(f.client.stream, "x", 1), AMT_OK);
    fixture_close(&f); /* closed before the SYN arrived; nothing may leak */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(a_byte_takes_one_latency_and_a_connection_two),
        cmocka_unit_test(time_without_events_costs_nothing),
        cmocka_unit_test(jitter_keeps_the_order_of_a_connection),
        cmocka_unit_test(a_greeting_does_not_overtake_the_connection),
        cmocka_unit_test(the_window_is_exact),
        cmocka_unit_test(every_window_passes_every_message),
        cmocka_unit_test(the_write_limit_counts_what_is_beyond_the_window),
        cmocka_unit_test(a_closed_stream_flushes_for_five_seconds_and_then_resets),
        cmocka_unit_test(connecting_gives_up_after_its_limit),
        cmocka_unit_test(the_host_decides_which_listener_answers),
        cmocka_unit_test(port_0_counts_up_from_49152),
        cmocka_unit_test(bytes_still_under_way_are_freed_with_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
