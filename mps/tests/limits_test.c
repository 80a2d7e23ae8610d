/* What strangers may cost: apf.md 12.1, rules 1 and 5. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/tests/world.h"

static void silent(bool is_tls)
{
    struct world w;
    struct peer mute, babbler;
    struct bytes out = { .max = 0 };
    world_init(&w, is_tls);
    world_set(&w, "pre_auth_limit", "10s");
    world_start(&w);
    peer_connect(&w, &mute);
    peer_connect(&w, &babbler);
    assert_int_equal(mps_statistics(w.mps)->unauthenticated, 2);
    for (uint32_t i = 0; i < 9; i++) {
        say_keepalive(&out, i); /* answered in every state, but no progress (APF-MPS-040) */
        peer_say(&babbler, &out);
        assert_int_equal(peer_expect(&babbler, APF_KEEPALIVE_REPLY).cookie, i);
        world_run(&w, SECOND_US);
    }
    assert_false(mute.has_ended || babbler.has_ended);
    world_run(&w, 2 * SECOND_US);
    assert_true(mute.has_ended);
    peer_expect_disconnect(&babbler, APF_CONNECTION_TIMED_OUT);
    assert_int_equal(mps_statistics(w.mps)->unauthenticated, 0);
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
    peer_close(&mute);
    peer_close(&babbler);
    world_fini(&w);
}

/* APF-MPS-008 */
static void who_does_not_log_in_in_time_is_closed(void **state)
{
    (void)state;
    world_both(silent);
}

static void a_handshake_that_never_ends_is_cut(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, true);
    world_start(&w);
    w.is_tls = false; /* the peer speaks no TLS */
    peer_connect(&w, &p);
    peer_send(&p, "\x16\x03\x01", 3);
    world_run(&w, 29 * SECOND_US);
    assert_false(p.has_ended);
    world_run(&w, 2 * SECOND_US);
    assert_true(p.has_ended);
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
    peer_close(&p);
    world_fini(&w);
}

static void failed_handshakes_are_reported_and_forgotten(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, true);
    world_start(&w);
    w.is_tls = false;
    peer_connect(&w, &p);
    peer_send(&p, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_true(p.has_ended);
    world_expect_event(&w, "connection.tls_failed", "peer=127.0.0.1");
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
    peer_close(&p);
    world_fini(&w);
}

static void expect_limit(const char *key, const char *limit_name, bool logs_in)
{
    struct world w;
    struct peer peers[3];
    world_init(&w, false);
    world_set(&w, key, "2");
    world_start(&w);
    for (uint32_t i = 0; i < 3; i++) {
        peer_connect(&w, &peers[i]);
        if (logs_in && i < 2) {
            peer_log_in(&peers[i], i, USER, PASSWORD);
        }
    }
    assert_false(peers[0].has_ended || peers[1].has_ended);
    assert_true(peers[2].has_ended);
    assert_int_equal(mps_statistics(w.mps)->refused_connections, 1);
    world_expect_event(&w, "connection.refused", limit_name);
    peer_close(&peers[0]);
    peer_close(&peers[2]);
    world_run(&w, SECOND_US);
    peer_connect(&w, &peers[2]); /* there is room again */
    assert_false(peers[2].has_ended);
    peer_close(&peers[1]);
    peer_close(&peers[2]);
    world_fini(&w);
}

static void connections_above_a_limit_are_refused_until_others_end(void **state)
{
    (void)state;
    expect_limit("max_sessions", "limit=max_sessions", true);
    expect_limit("max_unauthenticated", "limit=max_unauthenticated", false);
    expect_limit("max_unauthenticated_per_address", "limit=max_unauthenticated_per_address", false);
}

static void who_has_logged_in_does_not_count_as_a_stranger(void **state)
{
    (void)state;
    struct world w;
    struct peer peers[3];
    world_init(&w, true);
    world_set(&w, "max_unauthenticated", "1");
    world_set(&w, "max_unauthenticated_per_address", "1");
    world_start(&w);
    for (uint32_t i = 0; i < 3; i++) {
        peer_connect(&w, &peers[i]);
        peer_log_in(&peers[i], i, USER, PASSWORD);
    }
    assert_int_equal(mps_statistics(w.mps)->sessions, 3);
    for (uint32_t i = 0; i < 3; i++) {
        peer_close(&peers[i]);
    }
    world_fini(&w);
}

/* APF-MPS-009, APF-COM-024 */
static void an_announced_length_costs_nothing(void **state)
{
    static const uint8_t k_huge[] = "\x50\0\0\0\x0dtcpip-forward\x01\xff\xff\xff\xff";
    static const uint8_t k_name[] = "\x05\0\0\x08\0";
    (void)state;
    struct world w;
    struct peer p;
    uint8_t filler[2047];
    memset(filler, 'x', sizeof filler);
    world_init(&w, false);
    world_start(&w);
    peer_connect(&w, &p);
    peer_send(&p, k_huge, sizeof k_huge - 1);
    peer_expect_disconnect(&p, APF_PROTOCOL_ERROR);
    peer_close(&p);
    peer_connect(&w, &p);
    peer_send(&p, k_name, sizeof k_name - 1); /* the longest name there is, one byte short */
    peer_send(&p, filler, sizeof filler);
    assert_false(p.has_ended);
    world_run(&w, 31 * SECOND_US);
    assert_true(p.has_ended);
    peer_close(&p);
    world_fini(&w);
}

/* The server accepts what it has room for, refuses the rest, and serves a device meanwhile. */
static void ten_thousand_silent_connections_are_survived(void **state)
{
    enum { MANY = 10000 };
    (void)state;
    struct world w;
    struct peer device;
    struct peer *peers = amt_alloc_array(MANY, sizeof *peers);
    assert_non_null(peers);
    world_init(&w, false);
    world_set(&w, "max_sessions", "20000");
    world_set(&w, "max_unauthenticated", "9000");
    world_set(&w, "max_unauthenticated_per_address", "0");
    world_start(&w);
    for (uint32_t i = 0; i < MANY; i++) {
        peer_begin(&w, &peers[i]);
    }
    world_run(&w, SECOND_US);
    assert_int_equal(mps_statistics(w.mps)->unauthenticated, 9000);
    assert_int_equal(mps_statistics(w.mps)->refused_connections, 1000);
    world_run(&w, 31 * SECOND_US); /* pre_auth_limit */
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
    peer_connect(&w, &device);
    peer_go_online(&device, 7, 16992);
    assert_true(is_online(&w, 7));
    peer_close(&device);
    for (uint32_t i = 0; i < MANY; i++) {
        peer_close(&peers[i]);
    }
    amt_free(peers);
    world_fini(&w);
}

/* After a failed allocation the connection dies, the server does not. */
static void no_memory_ends_a_connection_and_not_the_server(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    world_start(&w);
    for (uint64_t k = 1; k < 40; k++) {
        struct peer p;
        struct bytes out = { .max = 0 };
        peer_connect(&w, &p);
        say_version(&out, 7);
        say_service(&out, APF_SERVICE_AUTH);
        say_userauth(&out, USER, APF_METHOD_NAME_PASSWORD, PASSWORD);
        say_service(&out, APF_SERVICE_PFWD);
        say_request(&out, APF_REQUEST_FORWARD, 16992);
        assert_int_equal(bytes_append(&p.received, "", 1), AMT_OK);
        p.received.len = 0;
        (void)!stream_write(p.stream, bytes_front(&out), out.len);
        amt_memory_fail_after(k);
        stream_pause(p.stream); /* what the peer allocates is not under test */
        world_run(&w, 2 * MS_US);
        amt_memory_fail_after(0);
        bytes_fini(&out);
        peer_close(&p);
        world_run(&w, SECOND_US);
        assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
        assert_int_equal(mps_statistics(w.mps)->sessions, 0);
    }
    struct peer good;
    peer_connect(&w, &good);
    peer_go_online(&good, 7, 16992);
    peer_close(&good);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_does_not_log_in_in_time_is_closed),
        cmocka_unit_test(a_handshake_that_never_ends_is_cut),
        cmocka_unit_test(failed_handshakes_are_reported_and_forgotten),
        cmocka_unit_test(connections_above_a_limit_are_refused_until_others_end),
        cmocka_unit_test(who_has_logged_in_does_not_count_as_a_stranger),
        cmocka_unit_test(an_announced_length_costs_nothing),
        cmocka_unit_test(ten_thousand_silent_connections_are_survived),
        cmocka_unit_test(no_memory_ends_a_connection_and_not_the_server),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
