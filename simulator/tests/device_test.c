#include "simulator/device.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/tests/world.h"

#define BIG 100000u

/* --- profiles --- */

/* APF-DEV-001 */
static void every_profile_loads(void **state)
{
    static const char *const k_names[] = { "default",  "firmware", "amt-11.8", "amt-12.0",
                                           "amt-15.0", "amt-16.1", "amt-18.0", "amt-19.0" };
    (void)state;
    for (uint32_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        struct world w;
        world_init(&w, k_names[i]);
        assert_true(w.config.forward.count >= 4);
        world_fini(&w);
    }
}

/* APF-DEV-045 */
static void a_profile_takes_what_it_extends(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "amt-19.0");
    assert_int_equal(w.config.cira.reconnect.attempts, 2);
    assert_int_equal(w.config.cira.reconnect.pause_us, 900 * SECOND);
    assert_int_equal(w.config.forward.count, 4);
    assert_int_equal(w.config.forward.items[1], 664);
    world_fini(&w);
    world_init(&w, "amt-15.0");
    assert_int_equal(w.config.cira.keepalive_us, 90 * SECOND); /* FF-040 */
    assert_int_equal(w.config.cira.reconnect.attempts, 2);
    world_fini(&w);
}

/* --- sending --- */

/* APF-DEV-012 APF-DEV-051 */
static void all_send_modes_bring_the_tunnel_up(void **state)
{
    static const char *const k_modes[] = { "aligned", "coalesced", "dribble" };
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct world w;
        uint32_t count = 0;
        world_init(&w, "default");
        world_set(&w, "cira.send_mode", k_modes[i]);
        world_up(&w);
        assert_int_equal(apf_mps_session_forwards(w.session, &count)[0].port, 16993);
        assert_int_equal(count, 7);
        world_fini(&w);
    }
}

/* --- calling again --- */

/* APF-DEV-045 */
static void firmware_tries_twice_and_then_every_fifteen_minutes(void **state)
{
    static const uint64_t k_wait_us[] = { 10 * SECOND, 10 * SECOND, 900 * SECOND, 900 * SECOND };
    struct world w;
    (void)state;
    world_init(&w, "firmware");
    w.refuses_login = true;
    world_listen(&w, 4433);
    world_call(&w);
    world_run(&w, 2000 * SECOND);
    assert_int_equal(w.connects, 5);
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t wait_us = w.connected_us[i + 1] - w.connected_us[i];
        assert_true(wait_us >= k_wait_us[i] && wait_us < k_wait_us[i] + SECOND / 10);
    }
    world_fini(&w);
}

/* APF-DEV-045 */
static void a_fixed_interval_goes_on_for_ever_and_jitter_has_bounds(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    w.refuses_login = true;
    w.config.cira.reconnect.jitter_percent = 50;
    world_listen(&w, 4433);
    world_call(&w);
    world_run(&w, 200 * SECOND);
    assert_true(w.connects > 10);
    for (uint32_t i = 1; i < w.connects && i < WORLD_CONNECTS; i++) {
        uint64_t wait_us = w.connected_us[i] - w.connected_us[i - 1];
        assert_true(wait_us >= 10 * SECOND && wait_us <= 15 * SECOND + SECOND / 10);
    }
    world_fini(&w);
}

/* APF-DEV-010 APF-DEV-049 */
static void a_refused_login_is_logged_and_tried_again(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    w.refuses_login = true;
    world_listen(&w, 4433);
    world_call(&w);
    world_run(&w, SECOND);
    const struct device_connection_log *log = device_connection_log(w.device);
    assert_non_null(strstr(log->failure, "authentication failed"));
    assert_true(log->closed_by_mps);
    assert_int_equal(device_state(w.device), DEVICE_WAITING);
    w.refuses_login = false;
    world_run(&w, 12 * SECOND);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    world_fini(&w);
}

/* APF-DEV-045 */
static void a_link_that_comes_up_is_tried_at_once(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "firmware");
    world_up(&w);
    device_set_link(w.device, false);
    world_run(&w, 3600 * SECOND);
    assert_int_equal(w.connects, 1);
    device_set_link(w.device, true);
    world_run(&w, 3601 * SECOND);
    assert_int_equal(w.connects, 2);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    device_reboot(w.device, 60 * SECOND);
    world_run(&w, 3660 * SECOND);
    assert_int_equal(w.connects, 2);
    world_run(&w, 3663 * SECOND);
    assert_int_equal(w.connects, 3);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    world_fini(&w);
}

/* APF-DEV-045: link up is a new beginning, with quick attempts again */
static void a_link_that_comes_up_ends_the_long_pause(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "firmware");
    w.refuses_login = true;
    world_listen(&w, 4433);
    world_call(&w);
    world_run(&w, 30 * SECOND);
    assert_int_equal(w.connects, 3); /* the next one is 15 minutes away */
    device_set_link(w.device, false);
    device_set_link(w.device, true);
    world_run(&w, 31 * SECOND);
    assert_int_equal(w.connects, 4);
    world_run(&w, 60 * SECOND);
    assert_int_equal(w.connects, 6);
    world_run(&w, 900 * SECOND);
    assert_int_equal(w.connects, 6);
    world_fini(&w);
}

/* APF-DEV-044 APF-DEV-049 */
static void a_user_close_is_logged_and_not_followed_by_a_call(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    device_disconnect(w.device, APF_BY_APPLICATION);
    world_run(&w, 100 * SECOND);
    const struct device_connection_log *log = device_connection_log(w.device);
    assert_int_equal(log->closure_reason, 0);
    assert_int_equal(log->disconnect_reason, APF_BY_APPLICATION);
    assert_int_equal(log->trigger, APF_TRIGGER_PERIODIC);
    assert_false(log->closed_by_mps);
    assert_string_equal(log->server, "127.0.0.1:4433");
    assert_true(log->closed_us > log->opened_us && log->opened_us > 0);
    assert_int_equal(w.connects, 1);
    world_fini(&w);
}

/* --- services --- */

/* APF-DEV-030 APF-DEV-031 APF-DEV-034 */
static void echo_returns_all_bytes_whatever_the_window(void **state)
{
    static const char *const k_windows[] = { "1B", "100B", "4096B" };
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct world w;
        uint8_t *body = amt_alloc(BIG);
        for (uint32_t at = 0; at < BIG; at++) {
            body[at] = (uint8_t)(at * 7 + at / 251);
        }
        uint32_t len = i == 0 ? 1000 : BIG;
        world_init(&w, "default");
        world_set(&w, "cira.window", k_windows[i]);
        world_up(&w);
        world_open(&w, 5900);
        world_run(&w, 2 * SECOND);
        assert_true(w.is_open);
        world_write(&w, body, len);
        world_run(&w, 60 * SECOND);
        assert_int_equal(w.received_len, len);
        assert_memory_equal(w.received, body, len);
        amt_free(body);
        world_fini(&w);
    }
}

/* APF-DEV-026 */
static void a_service_refuses_or_stays_silent_or_is_slow(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    world_set(&w, "service.kind", "refuse");
    world_open(&w, 16992);
    world_run(&w, 2 * SECOND);
    assert_true(w.has_channel_end);
    assert_int_equal(w.refuse_reason, APF_CONNECT_FAILED);
    world_set(&w, "service.kind", "silent");
    world_open(&w, 16992);
    world_run(&w, 3 * SECOND);
    world_write(&w, "x", 1);
    world_run(&w, 20 * SECOND);
    assert_int_equal(w.received_len, 0);
    assert_false(w.has_channel_end);
    world_set(&w, "service.kind", "echo");
    world_set(&w, "service.delay", "5s");
    world_open(&w, 16993);
    world_run(&w, 24 * SECOND);
    assert_false(w.is_open);
    world_run(&w, 26 * SECOND);
    assert_true(w.is_open);
    world_fini(&w);
}

/* APF-DEV-037 */
static void http_answers_and_closes_first_when_told(void **state)
{
    static const char k_get[] = "GET /index.htm HTTP/1.1\r\nHost: pc\r\n\r\n";
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct world w;
        world_init(&w, "default");
        w.config.service.closes_first = closes == 1;
        world_up(&w);
        world_open(&w, 16992);
        world_run(&w, 2 * SECOND);
        world_write(&w, k_get, sizeof k_get - 1);
        world_run(&w, 4 * SECOND);
        w.received[w.received_len] = 0;
        assert_memory_equal(w.received, "HTTP/1.1 200", 12);
        assert_non_null(strstr((const char *)w.received, "simulated device"));
        assert_int_equal(w.has_channel_end, closes == 1);
        world_fini(&w);
    }
}

/* --- how tunnels end --- */

static void load_bad(const char *text, uint32_t line, uint32_t column)
{
    char path[] = "/tmp/amtlab-profile-XXXXXX";
    struct device_config config = { .uuid = NULL };
    struct amt_diag_list errors = { 0 };
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    assert_int_equal(device_config_load(path, NULL, NULL, &config, &errors), AMT_ECONFIG);
    assert_true(errors.count >= 1);
    assert_string_equal(errors.items[0].file, path);
    assert_int_equal(errors.items[0].line, line);
    assert_int_equal(errors.items[0].column, column);
    (void)unlink(path);
    amt_diag_list_fini(&errors);
    device_config_fini(&config);
}

/* APF-DEV-001 */
static void errors_of_a_profile_name_file_line_and_column(void **state)
{
    (void)state;
    load_bad("summary: no version\n", 1, 1);
    load_bad("amtlab-profile: 1\ncira:\n  windoww: 4096B\n", 3, 3);
    load_bad("amtlab-profile: 1\ncira:\n  window: none\n", 3, 11);
}

/* APF-DEV-018 APF-DEV-049 */
static void a_missing_keepalive_reply_is_logged_as_keepalive(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    stream_pause(w.stream); /* the server no longer reads */
    world_run(&w, 65 * SECOND);
    assert_int_equal(device_statistics(w.device)->keepalives_out, 1);
    assert_int_equal(device_connection_log(w.device)->closure_reason, 3);
    assert_int_equal(device_connection_log(w.device)->disconnect_reason, APF_CONNECTION_LOST);
    world_fini(&w);
}

/* APF-DEV-044 APF-DEV-049 */
static void the_lifetime_is_logged_as_such(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "cira.lifetime", "20s");
    world_up(&w);
    world_run(&w, 25 * SECOND);
    assert_int_equal(device_connection_log(w.device)->closure_reason, 1);
    assert_int_equal(device_connection_log(w.device)->disconnect_reason, APF_BY_APPLICATION);
    world_fini(&w);
}

/* APF-DEV-042 APF-DEV-049 */
static void the_server_ends_the_tunnel_and_the_device_calls_again(void **state)
{
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        struct world w;
        world_init(&w, "default");
        world_up(&w);
        if (bare == 0) {
            apf_mps_session_disconnect(w.session, APF_BY_APPLICATION, loop_now_us(w.loop));
        }
        world_drop(&w);
        world_run(&w, 2 * SECOND);
        const struct device_connection_log *log = device_connection_log(w.device);
        assert_true(log->closed_by_mps);
        assert_int_equal(log->closure_reason, 4);
        assert_int_equal(log->disconnect_reason, bare == 0 ? APF_BY_APPLICATION : 0);
        world_run(&w, 13 * SECOND);
        assert_int_equal(w.connects, 2);
        assert_int_equal(device_state(w.device), DEVICE_UP);
        world_fini(&w);
    }
}

/* APF-DEV-030 APF-DEV-031 */
static void http_returns_a_large_body_whatever_the_window(void **state)
{
    static const char *const k_windows[] = { "100B", "4096B" };
    static const char k_post[] = "POST / HTTP/1.1\r\nHost: pc\r\nContent-Length: 100000\r\n\r\n";
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct world w;
        uint8_t *body = amt_alloc(BIG);
        memset(body, 'b', BIG);
        world_init(&w, "default");
        world_set(&w, "cira.window", k_windows[i]);
        world_up(&w);
        world_open(&w, 16992);
        world_run(&w, 2 * SECOND);
        world_write(&w, k_post, sizeof k_post - 1);
        world_write(&w, body, BIG);
        world_run(&w, 60 * SECOND);
        assert_true(w.received_len > BIG);
        assert_memory_equal(w.received, "HTTP/1.1 200", 12);
        assert_memory_equal(w.received + w.received_len - BIG, body, BIG);
        amt_free(body);
        world_fini(&w);
    }
}

/* --- the real network --- */

static bool is_up(void *ctx)
{
    return device_state(((struct world *)ctx)->device) == DEVICE_UP;
}

/* APF-DEV-001 APF-DEV-004 */
static void a_device_calls_home_over_real_sockets(void **state)
{
    struct world w;
    struct amt_diag diag = { .err = AMT_OK };
    struct address address;
    char to[ADDRESS_HOST_BYTES + 10];
    (void)state;
    world_init_on(&w, loop_new_uv(&diag), "default");
    world_listen(&w, 0);
    listener_address(w.listener, &address);
    address_format(&address, to);
    world_set(&w, "cira.to", to);
    world_call(&w);
    assert_true(loop_run_until(w.loop, is_up, &w, loop_now_us(w.loop) + 10 * SECOND));
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_loads),
        cmocka_unit_test(a_profile_takes_what_it_extends),
        cmocka_unit_test(all_send_modes_bring_the_tunnel_up),
        cmocka_unit_test(firmware_tries_twice_and_then_every_fifteen_minutes),
        cmocka_unit_test(a_fixed_interval_goes_on_for_ever_and_jitter_has_bounds),
        cmocka_unit_test(a_refused_login_is_logged_and_tried_again),
        cmocka_unit_test(a_link_that_comes_up_is_tried_at_once),
        cmocka_unit_test(a_link_that_comes_up_ends_the_long_pause),
        cmocka_unit_test(a_user_close_is_logged_and_not_followed_by_a_call),
        cmocka_unit_test(echo_returns_all_bytes_whatever_the_window),
        cmocka_unit_test(a_service_refuses_or_stays_silent_or_is_slow),
        cmocka_unit_test(http_answers_and_closes_first_when_told),
        cmocka_unit_test(errors_of_a_profile_name_file_line_and_column),
        cmocka_unit_test(a_missing_keepalive_reply_is_logged_as_keepalive),
        cmocka_unit_test(the_lifetime_is_logged_as_such),
        cmocka_unit_test(the_server_ends_the_tunnel_and_the_device_calls_again),
        cmocka_unit_test(http_returns_a_large_body_whatever_the_window),
        cmocka_unit_test(a_device_calls_home_over_real_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
