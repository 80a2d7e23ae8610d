/* How tunnels come up, what is sent in them, how they end, and what the events say about it. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/tests/world.h"

/* APF-DEV-051 APF-DEV-006 APF-DEV-050: apf.md 4.6 */
static void each_send_mode_cuts_messages_in_its_way(void **state)
{
    /* version 93, auth 23, login 50, pfwd 23, and 7 forwards of 29 bytes */
    static const struct {
        const char *mode;
        uint32_t writes, smallest, largest;
    } k_modes[] = { { "aligned", 11, 23, 93 },
                    { "coalesced", 4, 23, 203 },
                    { "dribble", 392, 1, 1 } };
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct world w;
        world_init(&w, "default");
        world_tap(&w);
        world_set(&w, "cira.send_mode", k_modes[i].mode);
        world_set(&w, "cira.pipelined_forwards", "true");
        world_up(&w);
        assert_int_equal(w.tap.writes, k_modes[i].writes);
        assert_int_equal(w.tap.smallest, k_modes[i].smallest);
        assert_int_equal(w.tap.largest, k_modes[i].largest);
        world_fini(&w);
    }
}

/* APF-DEV-052 APF-DEV-020 APF-DEV-016 */
static void joined_answers_of_the_server_are_taken_apart(void **state)
{
    struct world w;
    uint32_t count = 0;
    (void)state;
    world_init(&w, "default");
    w.joins_messages = true;
    w.mps_config.echo_protocol_version = true;
    w.mps_config.keepalive_rule = APF_KEEPALIVE_ON_PORT_5900;
    w.mps_config.keepalive_interval_s = 25;
    world_set(&w, "cira.send_mode", "coalesced");
    world_set(&w, "cira.pipelined_forwards", "true");
    world_up(&w);
    (void)apf_mps_session_forwards(w.session, &count);
    assert_int_equal(count, 7);
    assert_int_equal(device_connection_log(w.device)->keepalive_interval_s, 25);
    world_fini(&w);
}

/* APF-DEV-051: Console never closes slot 0, so a device may begin at 1 */
static void the_first_slot_can_have_another_number(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "cira.first_number", "1");
    world_up(&w);
    world_open(&w, 16992);
    world_run(&w, 2 * SECOND);
    assert_true(w.is_open);
    assert_int_equal(apf_channel_remote_number(w.channel), 1);
    world_fini(&w);
}

/* APF-DEV-010 APF-DEV-011 */
static void a_padded_refusal_is_one_refusal(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "cira.reconnect.disabled", "true");
    w.refuses_login = true;
    w.mps_config.failure_15_bytes = true;
    world_listen(&w, 4433);
    world_call(&w);
    world_run(&w, SECOND);
    assert_int_equal(world_count(&w, "cira.failed"), 1);
    assert_int_equal(world_count(&w, "reason=auth_failed"), 2); /* cira.failed and cira.closed */
    assert_int_equal(device_state(w.device), DEVICE_OFF);
    world_fini(&w);
}

/* APF-DEV-049 */
static void the_events_of_a_life_come_in_order(void **state)
{
    static const char *const k_order[] = {
        "cira.connecting", "cira.connected", "cira.authenticated", "cira.forward", "cira.up",
        "channel.opened",  "channel.closed", "cira.closed",        "cira.retry"
    };
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    world_open(&w, 16992);
    world_run(&w, 2 * SECOND);
    apf_channel_close(w.channel, loop_now_us(w.loop));
    world_run(&w, 3 * SECOND);
    world_drop(&w);
    world_run(&w, 4 * SECOND);
    const char *at = text_chars(&w.events);
    for (uint32_t i = 0; i < sizeof k_order / sizeof k_order[0]; i++) {
        at = strstr(at, k_order[i]);
        if (at == NULL) {
            fail_msg("%s is missing or too early in:\n%s", k_order[i], text_chars(&w.events));
        }
    }
    assert_int_equal(world_count(&w, "ports=16993,16992,664,623,16995,16994,5900"), 1);
    assert_int_equal(world_count(&w, "closed_by=mps closure_reason=4"), 1);
    assert_int_equal(world_count(&w, "in_us=10000000 attempt=1"), 1);
    assert_int_equal(world_count(&w, "uuid="), world_count(&w, " ")); /* all events have it */
    world_fini(&w);
}

/* APF-DEV-018 APF-DEV-049 */
static void a_missed_keepalive_has_an_event(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    stream_pause(w.stream);
    world_run(&w, 65 * SECOND);
    assert_int_equal(world_count(&w, "keepalive.missed"), 1);
    assert_int_equal(world_count(&w, "cira.closed"), 1);
    assert_int_equal(world_count(&w, "closed_by=device closure_reason=3 code=10"), 1);
    world_fini(&w);
}

/* APF-DEV-042 APF-DEV-049: the MPS has no part in what a cable or a reboot does */
static void a_pulled_cable_or_a_reboot_is_not_the_doing_of_the_server(void **state)
{
    (void)state;
    for (int reboot = 0; reboot < 2; reboot++) {
        struct world w;
        world_init(&w, "default");
        world_up(&w);
        if (reboot == 1) {
            device_reboot(w.device, 60 * SECOND);
        } else {
            device_set_link(w.device, false);
        }
        world_run(&w, 2 * SECOND);
        assert_int_equal(world_count(&w, "closed_by=device closure_reason=4"), 1);
        assert_false(device_connection_log(w.device)->closed_by_mps);
        assert_non_null(w.stream); /* the server has not been told */
        world_fini(&w);
    }
}

/* APF-DEV-045: the last state of the cable counts, and nothing is left of the tunnels before */
static void a_cable_that_wobbles_within_one_turn_leaves_one_tunnel(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    for (int i = 0; i < 3; i++) {
        device_set_link(w.device, false);
        device_set_link(w.device, true);
    }
    world_run(&w, 3 * SECOND);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    assert_int_equal(apf_mps_session_state(w.session), APF_MPS_FWD);
    world_fini(&w);
}

/* APF-DEV-044 */
static void hanging_up_during_the_handshake_is_no_failure(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_listen(&w, 4433);
    world_call(&w);
    while (device_state(w.device) != DEVICE_HANDSHAKE) {
        world_run(&w, loop_now_us(w.loop) + 100);
    }
    device_disconnect(w.device, APF_BY_APPLICATION);
    world_run(&w, 20 * SECOND);
    assert_int_equal(world_count(&w, "cira.failed"), 0);
    assert_int_equal(world_count(&w, "cira.closed"), 1);
    assert_int_equal(w.connects, 1);
    assert_int_equal(device_state(w.device), DEVICE_OFF);
    world_fini(&w);
}

/* An APF message lost is a tunnel lost: here the server stops reading for good. */
static void a_full_send_queue_ends_the_tunnel(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    stream_set_write_limit(device_transport(w.device), 10);
    stream_pause(w.stream);
    for (int i = 0; i < 20000 && device_state(w.device) == DEVICE_UP; i++) {
        apf_device_session_keepalive(device_session(w.device), loop_now_us(w.loop));
        world_run(&w, loop_now_us(w.loop) + 1);
    }
    assert_int_equal(device_state(w.device), DEVICE_WAITING);
    assert_int_equal(world_count(&w, "cira.send_failed"), 1);
    assert_int_equal(world_count(&w, "closed_by=device"), 1);
    assert_non_null(strstr(device_connection_log(w.device)->failure, "does not read"));
    world_fini(&w);
}

/* APF-DEV-043 APF-DEV-049 */
static void a_silent_server_is_left_after_thirty_seconds(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_listen(&w, 4433);
    world_call(&w);
    while (w.stream == NULL) {
        world_run(&w, loop_now_us(w.loop) + 100);
    }
    stream_pause(w.stream);
    world_run(&w, 35 * SECOND);
    assert_int_equal(world_count(&w, "cira.failed"), 1);
    assert_int_equal(device_connection_log(w.device)->disconnect_reason, APF_CONNECTION_TIMED_OUT);
    assert_non_null(strstr(device_connection_log(w.device)->failure, "HELLO"));
    world_fini(&w);
}

/* APF-DEV-049: what kept the device from connecting is told apart */
static void a_refused_connection_is_logged_as_such(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_call(&w);
    world_run(&w, SECOND);
    assert_int_equal(world_count(&w, "cira.failed"), 1);
    assert_int_equal(world_count(&w, "reason=refused"), 1);
    assert_true(device_connection_log(w.device)->failure[0] != '\0');
    assert_int_equal(device_connection_log(w.device)->opened_us, 0);
    assert_int_equal(device_connection_log(w.device)->closure_reason, 255);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_send_mode_cuts_messages_in_its_way),
        cmocka_unit_test(joined_answers_of_the_server_are_taken_apart),
        cmocka_unit_test(the_first_slot_can_have_another_number),
        cmocka_unit_test(a_padded_refusal_is_one_refusal),
        cmocka_unit_test(the_events_of_a_life_come_in_order),
        cmocka_unit_test(a_missed_keepalive_has_an_event),
        cmocka_unit_test(a_pulled_cable_or_a_reboot_is_not_the_doing_of_the_server),
        cmocka_unit_test(a_cable_that_wobbles_within_one_turn_leaves_one_tunnel),
        cmocka_unit_test(hanging_up_during_the_handshake_is_no_failure),
        cmocka_unit_test(a_full_send_queue_ends_the_tunnel),
        cmocka_unit_test(a_silent_server_is_left_after_thirty_seconds),
        cmocka_unit_test(a_refused_connection_is_logged_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
