/* Sessions and what they may do to each other: apf.md 4.3, 9 and 12.1. */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "mps/tests/world.h"

/* Bytes of a message that a test says without caring for the answer. */
static void say_disconnect(struct bytes *out)
{
    const struct apf_message message = { .type = APF_DISCONNECT, .reason = APF_BY_APPLICATION };
    say_plain(out, &message);
}

static void online(bool is_tls)
{
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    world_init(&w, is_tls);
    world_start(&w);
    peer_connect(&w, &p);
    peer_log_in(&p, 7, USER, PASSWORD);
    assert_int_equal(world_count(&w, "device.online"), 0);
    say_service(&out, APF_SERVICE_PFWD);
    say_request(&out, APF_REQUEST_FORWARD, 16993);
    peer_say(&p, &out);
    world_run(&w, 200 * MS_US);
    say_request(&out, APF_REQUEST_FORWARD, 16992);
    peer_say(&p, &out);
    world_run(&w, 200 * MS_US);
    assert_int_equal(world_count(&w, "device.online"), 0);
    world_run(&w, 200 * MS_US);
    assert_int_equal(world_count(&w, "device.online"), 1);
    world_expect_event(&w, "device.online", "uuid=00000000-0000-0000-0000-000000000007");
    world_expect_event(&w, "device.online", " user=" USER);
    world_expect_event(&w, "device.online", " ports=16993,16992 ");
    world_expect_event(&w, "device.online", " trigger=4 major=1 minor=0 ");
    world_expect_event(&w, "device.online", is_tls ? "tls=TLSv1.3" : "tls=plain ");
    world_expect_event(&w, "device.forward", "port=16992 address=pc17 listed=1");
    peer_close(&p);
    world_run(&w, SECOND_US);
    world_expect_event(&w, "device.offline", "reason=transport");
    world_fini(&w);
}

/* apf.md 4.5: the forwards have settled; APF-MPS-067, APF-MPS-070 */
static void a_device_is_online_when_its_forwards_have_settled(void **state)
{
    (void)state;
    world_both(online);
}

static void a_device_without_ports_is_not_online(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    world_init(&w, false);
    world_start(&w);
    peer_connect(&w, &p);
    peer_log_in(&p, 7, USER, PASSWORD);
    say_service(&out, APF_SERVICE_PFWD);
    say_request(&out, APF_REQUEST_FORWARD, 16992);
    say_request(&out, APF_REQUEST_CANCEL, 16992);
    peer_say(&p, &out);
    world_run(&w, SECOND_US);
    assert_int_equal(world_count(&w, "device.online"), 0);
    peer_close(&p);
    world_run(&w, SECOND_US);
    assert_int_equal(world_count(&w, "device.offline"), 0);
    assert_int_equal(world_count(&w, "session.ended"), 1);
    world_fini(&w);
}

static void views(void *ctx, const struct mps_device_view *view)
{
    uint32_t *sum = ctx;
    *sum = *sum * 10 + view->uuid.bytes[15];
    assert_int_equal(view->forward_count, 1);
    assert_int_equal(view->forwards[0].port, 16992);
    assert_string_equal(view->user, USER);
    assert_int_equal(view->trigger, APF_TRIGGER_PERIODIC);
    assert_int_equal(view->channels, 0);
    assert_non_null(strstr(view->peer, "127.0.0.1"));
    assert_non_null(strstr(view->tls, "TLSv1.3"));
}

static void devices_are_listed_in_order_of_login_and_can_be_sent_away(void **state)
{
    (void)state;
    struct world w;
    struct peer peers[3];
    uint32_t sum = 0;
    const struct uuid second = uuid_of_number(2);
    const struct uuid none = uuid_of_number(9);
    world_init(&w, true);
    world_start(&w);
    for (uint32_t i = 0; i < 3; i++) {
        peer_connect(&w, &peers[i]);
        peer_go_online(&peers[i], 3 - i, 16992);
    }
    mps_each_device(w.mps, views, &sum);
    assert_int_equal(sum, 321);
    assert_int_equal(mps_disconnect_device(w.mps, &second, APF_BY_APPLICATION), AMT_OK);
    assert_int_equal(mps_disconnect_device(w.mps, &none, APF_BY_APPLICATION), AMT_EUNKNOWN);
    world_run(&w, SECOND_US);
    peer_expect_disconnect(&peers[1], APF_BY_APPLICATION);
    assert_false(is_online(&w, 2));
    assert_true(is_online(&w, 1) && is_online(&w, 3));
    for (uint32_t i = 0; i < 3; i++) {
        peer_close(&peers[i]);
    }
    world_fini(&w);
}

static void replaced(bool is_tls)
{
    struct world w;
    struct peer old, fresh;
    struct bytes out = { .max = 0 };
    world_init(&w, is_tls);
    world_start(&w);
    peer_connect(&w, &old);
    peer_go_online(&old, 7, 16992);
    peer_connect(&w, &fresh);
    peer_hello(&fresh, 7);
    peer_expect_silence(&old); /* APF-MPS-060: not yet authenticated */
    say_userauth(&out, USER, APF_METHOD_NAME_PASSWORD, PASSWORD);
    peer_say(&fresh, &out);
    (void)peer_expect(&fresh, APF_USERAUTH_SUCCESS);
    peer_expect_disconnect(&old, APF_TOO_MANY_CONNECTIONS);
    world_expect_event(&w, "device.offline", "reason=replaced");
    assert_int_equal(mps_statistics(w.mps)->replaced_sessions, 1);
    peer_close(&old); /* late: must not touch the new one (CO-08) */
    world_run(&w, 10 * SECOND_US);
    assert_true(is_online(&w, 7));
    assert_int_equal(mps_statistics(w.mps)->sessions, 1);
    peer_close(&fresh);
    world_run(&w, SECOND_US);
    assert_false(is_online(&w, 7));
    world_fini(&w);
}

/* APF-MPS-059 */
static void a_second_login_of_a_device_replaces_the_first(void **state)
{
    (void)state;
    world_both(replaced);
}

/* Runs what an attacker says as device 7 while device 7 is online; the victim must not notice. */
static void attack(struct world *w, struct peer *victim, struct bytes *out)
{
    struct peer attacker;
    peer_connect(w, &attacker);
    peer_say(&attacker, out);
    world_run(w, SECOND_US);
    peer_close(&attacker);
    world_run(w, SECOND_US);
    assert_true(is_online(w, 7));
    assert_false(victim->has_ended);
    say_keepalive(out, 77);
    peer_say(victim, out);
    assert_int_equal(peer_expect(victim, APF_KEEPALIVE_REPLY).cookie, 77);
    peer_expect_silence(victim);
}

static void victim(bool is_tls)
{
    struct world w;
    struct peer p;
    struct mps_device_view before, after;
    struct bytes out = { .max = 0 };
    const struct uuid uuid = uuid_of_number(7);
    world_init(&w, is_tls);
    world_set(&w, "keepalive_rule", "never");
    world_start(&w);
    peer_connect(&w, &p);
    peer_go_online(&p, 7, 16992);
    assert_true(mps_find_device(w.mps, &uuid, &before));
    say_version(&out, 7);
    say_disconnect(&out);
    attack(&w, &p, &out);
    say_version(&out, 7);
    say_keepalive(&out, 1);
    say_disconnect(&out);
    attack(&w, &p, &out);
    say_version(&out, 7);
    say_request(&out, APF_REQUEST_CANCEL, 16992);
    attack(&w, &p, &out);
    say_version(&out, 7);
    say_service(&out, APF_SERVICE_AUTH);
    say_userauth(&out, USER, APF_METHOD_NAME_PASSWORD, "wrong");
    attack(&w, &p, &out);
    assert_true(mps_find_device(w.mps, &uuid, &after));
    assert_int_equal(after.forward_count, before.forward_count);
    assert_true(after.connected_us == before.connected_us);
    assert_int_equal(world_count(&w, "device.offline"), 0);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-020, APF-MPS-060, OA-01, OA-02 */
static void strangers_cannot_touch_a_device_that_is_online(void **state)
{
    (void)state;
    world_both(victim);
}

/* APF-MPS-061, APF-MPS-062, OA-07, MC-20 */
static void repeating_version_or_login_ends_the_session_without_a_trace(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    world_start(&w);
    for (int i = 0; i < 2; i++) {
        struct peer p;
        struct bytes out = { .max = 0 };
        peer_connect(&w, &p);
        peer_log_in(&p, 7, USER, PASSWORD);
        if (i == 0) {
            say_version(&out, 8);
        } else {
            say_userauth(&out, USER, APF_METHOD_NAME_PASSWORD, PASSWORD);
        }
        peer_say(&p, &out);
        peer_expect_disconnect(&p, APF_PROTOCOL_ERROR);
        assert_false(is_online(&w, 7));
        assert_false(is_online(&w, 8));
        peer_close(&p);
    }
    assert_int_equal(mps_statistics(w.mps)->sessions, 0);
    world_fini(&w);
}

/* APF-MPS-058, MC-16 */
static void a_device_that_says_disconnect_is_gone(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    world_init(&w, true);
    world_start(&w);
    peer_connect(&w, &p);
    peer_go_online(&p, 7, 16992);
    say_disconnect(&out);
    say_keepalive(&out, 1);
    peer_say(&p, &out);
    assert_true(p.has_ended);
    peer_expect_silence(&p);
    assert_false(is_online(&w, 7));
    world_expect_event(&w, "device.offline", "reason=peer_disconnect code=11");
    peer_close(&p);
    world_fini(&w);
}

static void idle(bool is_tls)
{
    struct world w;
    struct peer p;
    world_init(&w, is_tls);
    world_set(&w, "idle_limit", "10s");
    world_set(&w, "keepalive_rule", "never");
    world_start(&w);
    peer_connect(&w, &p);
    peer_go_online(&p, 7, 16992);
    world_run(&w, 9 * SECOND_US);
    assert_false(p.has_ended);
    world_run(&w, 10 * SECOND_US);
    peer_expect_disconnect(&p, APF_CONNECTION_TIMED_OUT);
    world_expect_event(&w, "device.offline", "reason=idle_timeout");
    assert_int_equal(mps_statistics(w.mps)->idle_timeouts, 1);
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-042 */
static void a_silent_device_is_closed_after_the_idle_limit(void **state)
{
    (void)state;
    world_both(idle);
}

/* APF-MPS-040, APF-MPS-042 */
static void keepalives_hold_a_session_open_and_are_counted(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, true);
    world_set(&w, "idle_limit", "10s");
    world_set(&w, "keepalive_rule", "never");
    world_start(&w);
    peer_connect(&w, &p);
    peer_go_online(&p, 7, 16992);
    for (uint32_t i = 0; i < 20; i++) {
        struct bytes out = { .max = 0 };
        world_run(&w, 9 * SECOND_US);
        say_keepalive(&out, i);
        peer_say(&p, &out);
        assert_int_equal(peer_expect(&p, APF_KEEPALIVE_REPLY).cookie, i);
    }
    assert_true(is_online(&w, 7));
    assert_int_equal(mps_statistics(w.mps)->keepalives_in, 20);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-039, APF-MPS-041 */
static void keepalive_options_are_asked_for_and_the_answer_is_reported(void **state)
{
    const struct apf_message reply = { .type = APF_KEEPALIVE_OPTIONS_REPLY,
                                       .interval = 45,
                                       .timeout = 5 };
    (void)state;
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    struct mps_device_view view;
    const struct uuid uuid = uuid_of_number(7);
    world_init(&w, true);
    world_set(&w, "keepalive_quiet", "3s");
    world_set(&w, "keepalive_interval", "60s");
    world_start(&w);
    peer_connect(&w, &p);
    peer_go_online(&p, 7, 16992);
    world_run(&w, 2 * SECOND_US);
    peer_expect_silence(&p);
    world_run(&w, SECOND_US);
    assert_int_equal(peer_expect(&p, APF_KEEPALIVE_OPTIONS_REQUEST).interval, 60);
    say_plain(&out, &reply);
    peer_say(&p, &out);
    world_expect_event(&w, "device.keepalive_options", "interval_s=45 timeout_s=5");
    assert_true(mps_find_device(w.mps, &uuid, &view));
    assert_int_equal(view.keepalive_interval_s, 45);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-065 */
static void a_device_that_does_not_read_is_closed(void **state)
{
    (void)state;
    struct world w;
    struct peer p, other;
    struct bytes out = { .max = 0 };
    world_init(&w, false);
    world_set(&w, "send_queue", "16KiB");
    world_start(&w);
    peer_connect(&w, &other);
    peer_go_online(&other, 8, 16992);
    peer_connect(&w, &p);
    peer_go_online(&p, 7, 16992);
    stream_pause(p.stream);
    for (uint32_t i = 0; i < 100000 && is_online(&w, 7); i += 1000) {
        for (uint32_t k = 0; k < 1000; k++) {
            say_keepalive(&out, i + k);
        }
        peer_say(&p, &out);
    }
    assert_false(is_online(&w, 7));
    assert_int_equal(world_count(&w, "session.slow_reader"), 1);
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 1);
    assert_true(is_online(&w, 8));
    peer_close(&p);
    peer_close(&other);
    world_fini(&w);
}

/* APF-MPS-063, APF-MPS-022: a hostile session dies alone */
static void garbage_ends_one_session_and_no_other(void **state)
{
    (void)state;
    struct world w;
    struct peer good;
    struct bytes out = { .max = 0 };
    world_init(&w, true);
    world_set(&w, "keepalive_rule", "never");
    world_start(&w);
    peer_connect(&w, &good);
    peer_go_online(&good, 7, 16992);
    for (uint32_t type = 0; type < 256; type++) {
        uint8_t bytes[64];
        struct peer p;
        memset(bytes, (int)type, sizeof bytes);
        peer_connect(&w, &p);
        peer_log_in(&p, 2, USER, PASSWORD);
        peer_send(&p, bytes, sizeof bytes);
        peer_close(&p);
    }
    say_userauth(&out, USER, APF_METHOD_NAME_PASSWORD, PASSWORD); /* before any version */
    attack(&w, &good, &out);
    peer_close(&good);
    world_fini(&w);
}

/* APF-MPS-064: 100 KB of one message, byte by byte */
static void a_dribbling_session_does_not_hold_up_another(void **state)
{
    (void)state;
    struct world w;
    struct peer slow, quick;
    struct bytes out = { .max = 0 };
    world_init(&w, false);
    world_set(&w, "keepalive_rule", "never");
    world_start(&w);
    peer_connect(&w, &slow);
    peer_go_online(&slow, 1, 16992);
    peer_connect(&w, &quick);
    peer_go_online(&quick, 2, 16992);
    static const uint8_t k_header[] = { 0x5e, 0, 0, 0, 1, 0, 1, 0, 0 };
    peer_send(&slow, k_header, sizeof k_header);
    for (uint32_t i = 0; i < 2000; i++) {
        assert_int_equal(stream_write(slow.stream, "x", 1), AMT_OK);
        if (i % 100 == 0) {
            say_keepalive(&out, i);
            peer_say(&quick, &out);
            assert_int_equal(peer_expect(&quick, APF_KEEPALIVE_REPLY).cookie, i);
        }
    }
    assert_true(is_online(&w, 1));
    peer_close(&slow);
    peer_close(&quick);
    world_fini(&w);
}

static void on_stopped(void *ctx)
{
    ((struct world *)ctx)->is_stopped = true;
}

static void stopped(bool is_tls)
{
    struct world w;
    struct peer device, stranger, browser, late;
    world_init(&w, is_tls);
    world_start(&w);
    peer_connect(&w, &device);
    peer_go_online(&device, 7, 16992);
    peer_connect(&w, &stranger);
    peer_connect(&w, &browser);
    peer_send(&browser, "GET / HTTP/1.1\r\nHost: m\r\n\r\n", 27);
    peer_begin(&w, &late);
    mps_stop(w.mps, on_stopped, &w);
    world_run(&w, SECOND_US);
    assert_true(w.is_stopped);
    peer_expect_disconnect(&device, APF_BY_APPLICATION);
    assert_true(stranger.has_ended && browser.has_ended && late.has_ended);
    world_expect_event(&w, "mps.stopped", "sessions=1");
    world_expect_event(&w, "device.offline", "reason=local code=11");
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
    peer_close(&device);
    peer_close(&stranger);
    peer_close(&browser);
    peer_close(&late);
    world_fini(&w);
}

/* APF-MPS-069 */
static void stopping_says_disconnect_11_and_closes_everything(void **state)
{
    (void)state;
    world_both(stopped);
}

static void freeing_a_running_server_cuts_every_connection(void **state)
{
    (void)state;
    struct world w;
    struct peer device;
    world_init(&w, true);
    world_start(&w);
    peer_connect(&w, &device);
    peer_go_online(&device, 7, 16992);
    mps_free(w.mps);
    w.mps = NULL;
    world_run(&w, SECOND_US);
    assert_true(device.has_ended);
    peer_close(&device);
    world_fini(&w);
}

/* APF-COM-021, APF-MPS-016: one message, one record */
static void each_message_travels_in_a_record_of_its_own(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    world_init(&w, true);
    world_start(&w);
    peer_connect(&w, &p);
    say_version(&out, 7);
    say_service(&out, APF_SERVICE_AUTH);
    say_userauth(&out, USER, APF_METHOD_NAME_PASSWORD, PASSWORD);
    say_service(&out, APF_SERVICE_PFWD);
    say_request(&out, APF_REQUEST_FORWARD, 16992);
    peer_say(&p, &out);
    assert_int_equal(p.reads, 4);
    (void)peer_expect(&p, APF_SERVICE_ACCEPT);
    (void)peer_expect(&p, APF_USERAUTH_SUCCESS);
    (void)peer_expect(&p, APF_SERVICE_ACCEPT);
    (void)peer_expect(&p, APF_REQUEST_SUCCESS);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-066 */
static void the_version_is_echoed_on_request(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    const struct uuid uuid = uuid_of_number(7);
    uint8_t wire[16];
    world_init(&w, true);
    world_set(&w, "echo_protocol_version", "true");
    world_start(&w);
    peer_connect(&w, &p);
    say_version(&out, 7);
    peer_say(&p, &out);
    uuid_to_wire(&uuid, wire);
    assert_memory_equal(peer_expect(&p, APF_PROTOCOLVERSION).uuid, wire, sizeof wire);
    peer_close(&p);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_online_when_its_forwards_have_settled),
        cmocka_unit_test(a_device_without_ports_is_not_online),
        cmocka_unit_test(devices_are_listed_in_order_of_login_and_can_be_sent_away),
        cmocka_unit_test(a_second_login_of_a_device_replaces_the_first),
        cmocka_unit_test(strangers_cannot_touch_a_device_that_is_online),
        cmocka_unit_test(repeating_version_or_login_ends_the_session_without_a_trace),
        cmocka_unit_test(a_device_that_says_disconnect_is_gone),
        cmocka_unit_test(a_silent_device_is_closed_after_the_idle_limit),
        cmocka_unit_test(keepalives_hold_a_session_open_and_are_counted),
        cmocka_unit_test(keepalive_options_are_asked_for_and_the_answer_is_reported),
        cmocka_unit_test(a_device_that_does_not_read_is_closed),
        cmocka_unit_test(garbage_ends_one_session_and_no_other),
        cmocka_unit_test(a_dribbling_session_does_not_hold_up_another),
        cmocka_unit_test(stopping_says_disconnect_11_and_closes_everything),
        cmocka_unit_test(freeing_a_running_server_cuts_every_connection),
        cmocka_unit_test(each_message_travels_in_a_record_of_its_own),
        cmocka_unit_test(the_version_is_echoed_on_request),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
