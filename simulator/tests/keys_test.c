/* What the keys of a profile change on the wire. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/tests/world.h"

static void init(struct world *w, const char *key, const char *value)
{
    world_init(w, "default");
    if (key != NULL) {
        world_set(w, key, value);
    }
}

/* An open channel to port 5900, whose service is an echo. */
static void echo(struct world *w)
{
    world_up(w);
    world_open(w, 5900);
    world_run(w, 2 * SECOND);
    assert_true(w->is_open);
}

/* APF-DEV-025 */
static void slots_bounds_the_channels(void **state)
{
    struct world w;
    (void)state;
    init(&w, "cira.slots", "2");
    world_up(&w);
    for (uint32_t i = 0; i < 3; i++) {
        world_open(&w, 5900);
        world_run(&w, loop_now_us(w.loop) + SECOND);
        assert_int_equal(w.is_open, i < 2);
    }
    assert_int_equal(w.refuse_reason, APF_RESOURCE_SHORTAGE);
    world_fini(&w);
}

/* APF-DEV-033 */
static void chunk_bounds_the_payload_of_a_message(void **state)
{
    uint8_t bytes[100] = { 1 };
    struct world w;
    (void)state;
    init(&w, "cira.chunk", "10B");
    world_tap(&w);
    echo(&w);
    w.tap.largest = 0;
    world_write(&w, bytes, sizeof bytes);
    world_run(&w, 3 * SECOND);
    assert_int_equal(w.received_len, sizeof bytes);
    assert_int_equal(w.tap.largest, APF_DATA_HEADER_BYTES + 10);
    world_fini(&w);
}

/* APF-DEV-031 */
static void credit_comes_for_each_message_or_for_half_of_the_window(void **state)
{
    uint8_t bytes[499] = { 1 };
    (void)state;
    for (int half = 0; half < 2; half++) {
        struct world w;
        init(&w, "cira.credit", half == 1 ? "half" : "each");
        echo(&w);
        for (int i = 0; i < 5; i++) {
            world_write(&w, bytes, sizeof bytes);
        }
        world_run(&w, 3 * SECOND);
        /* half of 4096 bytes: once 2048 are passed, with the fifth message */
        assert_int_equal(apf_mux_statistics(apf_mps_session_mux(w.session))->adjusts_in,
                         half == 1 ? 1 : 5);
        world_fini(&w);
    }
}

/* APF-DEV-005 */
static void the_service_request_can_come_first(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct world w;
        init(&w, "cira.service_request_first", first == 1 ? "true" : "false");
        world_tap(&w);
        world_up(&w);
        assert_int_equal(w.tap.first, first == 1 ? APF_SERVICE_REQUEST : APF_PROTOCOLVERSION);
        world_fini(&w);
    }
}

/* APF-DEV-016 APF-DEV-017 FF-040 */
static void keepalive_options_are_taken_or_answered_or_ignored(void **state)
{
    static const struct {
        const char *key;
        uint32_t interval_s, answers;
        uint64_t keepalives; /* in the first 100 seconds */
    } k_rows[] = { { NULL, 12, 1, 8 },
                   { "cira.keepalive_negotiable", 30, 1, 3 },
                   { "cira.keepalive_answers", 30, 0, 3 } };
    (void)state;
    for (uint32_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct world w;
        init(&w, k_rows[i].key, "false");
        w.mps_config.keepalive_rule = APF_KEEPALIVE_ON_PORT_5900;
        w.mps_config.keepalive_interval_s = 12;
        world_up(&w);
        world_run(&w, 100 * SECOND);
        assert_int_equal(w.options, k_rows[i].answers);
        assert_int_equal(device_connection_log(w.device)->keepalive_interval_s,
                         k_rows[i].interval_s);
        assert_int_equal(device_statistics(w.device)->keepalives_out, k_rows[i].keepalives);
        assert_int_equal(device_statistics(w.device)->keepalive_replies_in, k_rows[i].keepalives);
        world_fini(&w);
    }
}

/* APF-DEV-032 */
static void data_beyond_the_window_ends_a_strict_tunnel_only(void **state)
{
    static const uint8_t k_bytes[20] = { 1 };
    static const struct apf_message k_data = { .type = APF_CHANNEL_DATA,
                                               .data = { 0, sizeof k_bytes } };
    (void)state;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct world w;
        init(&w, "cira.lenient", lenient == 1 ? "true" : "false");
        world_set(&w, "cira.window", "10B");
        echo(&w);
        world_send_raw(&w, &k_data, k_bytes); /* to slot 0 */
        world_run(&w, 3 * SECOND);
        assert_int_equal(device_state(w.device), lenient == 1 ? DEVICE_UP : DEVICE_WAITING);
        assert_int_equal(device_statistics(w.device)->window_overruns, 1);
        assert_int_equal(device_connection_log(w.device)->closure_reason, lenient == 1 ? 255 : 5);
        assert_int_equal(device_connection_log(w.device)->disconnect_reason,
                         lenient == 1 ? 0 : APF_PROTOCOL_ERROR);
        world_fini(&w);
    }
}

/* APF-DEV-022 */
static void an_unasked_accept_ends_a_strict_tunnel_only(void **state)
{
    static const char k_service[] = APF_SERVICE_AUTH;
    static const struct apf_message k_accept = { .type = APF_SERVICE_ACCEPT,
                                                 .service = { 0, sizeof k_service - 1 } };
    (void)state;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct world w;
        init(&w, "cira.lenient", lenient == 1 ? "true" : "false");
        world_up(&w);
        world_send_raw(&w, &k_accept, (const uint8_t *)k_service);
        world_run(&w, 2 * SECOND);
        assert_int_equal(device_state(w.device), lenient == 1 ? DEVICE_UP : DEVICE_WAITING);
        world_fini(&w);
    }
}

/* APF-DEV-038 FF-062 */
static void a_second_close_hits_the_next_channel_unless_it_is_ignored(void **state)
{
    static const struct apf_message k_close = { .type = APF_CHANNEL_CLOSE };
    (void)state;
    for (int ignored = 0; ignored < 2; ignored++) {
        struct world w;
        init(&w, "cira.ignore_stray_close", ignored == 1 ? "true" : "false");
        echo(&w);
        apf_channel_close(w.channel, loop_now_us(w.loop));
        world_run(&w, 3 * SECOND);
        world_open(&w, 5900);
        world_run(&w, 4 * SECOND);
        assert_int_equal(apf_channel_remote_number(w.channel), 0);
        world_send_raw(&w, &k_close, NULL);
        world_run(&w, 5 * SECOND);
        assert_int_equal(w.has_channel_end, ignored == 0);
        /* the ignored one; else the server's answer to the CLOSE of a slot that is free by then */
        assert_int_equal(device_statistics(w.device)->stray_closes, 1);
        world_fini(&w);
    }
}

/* APF-DEV-004 APF-DEV-012 */
static void trigger_and_addresses_are_told_to_the_server(void **state)
{
    struct world w;
    uint32_t count = 0;
    (void)state;
    init(&w, "cira.trigger", "alert");
    world_set(&w, "forward_address", "lab-7");
    world_set(&w, "forward", "[5900, 16992]");
    world_up(&w);
    const struct apf_forward *forwards = apf_mps_session_forwards(w.session, &count);
    assert_int_equal(count, 2);
    assert_int_equal(forwards[0].port, 5900);
    assert_string_equal(forwards[0].address, "lab-7");
    assert_int_equal(w.trigger, APF_TRIGGER_ALERT);
    assert_true(uuid_equal(apf_mps_session_uuid(w.session), device_uuid(w.device)));
    world_fini(&w);
}

/* APF-DEV-045: quick attempts begin anew after a tunnel that was up */
static void a_tunnel_that_was_up_makes_attempts_quick_again(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "firmware");
    w.refuses_login = true;
    world_listen(&w, 4433);
    world_call(&w);
    world_run(&w, 15 * SECOND); /* two attempts have failed */
    w.refuses_login = false;
    world_run(&w, 25 * SECOND);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    world_drop(&w);
    world_run(&w, 40 * SECOND);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    assert_int_equal(w.connects, 4);
    world_fini(&w);
}

/* The device's own memory is bounded: an echo whose reader is slow lets the window close. */
static void a_slow_reader_stops_the_echo(void **state)
{
    struct world w;
    uint8_t *bytes = amt_alloc(200000);
    (void)state;
    init(&w, NULL, NULL);
    echo(&w);
    w.hoards = true;
    world_write(&w, bytes, 200000);
    world_run(&w, 20 * SECOND);
    assert_int_equal(w.received_len, 32768); /* the double's window */
    assert_true(device_statistics(w.device)->data_in_bytes < 32768 + 65536 + 2 * 4096);
    w.hoards = false;
    apf_channel_consumed(w.channel, 32768);
    world_run(&w, 30 * SECOND);
    assert_int_equal(w.received_len, 200000);
    amt_free(bytes);
    world_fini(&w);
}

static struct device *new_with_password_file(struct world *w, const char *content,
                                             struct amt_diag *diag)
{
    char path[] = "/tmp/amtlab-password-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    (void)close(fd);
    world_set(w, "cira.password_file", path);
    struct device *device = device_new(w->loop, &w->config, 1, 0, w->log, diag);
    (void)unlink(path);
    return device;
}

/* APF-DEV-007 */
static void the_password_is_the_first_line_of_its_file(void **state)
{
    static const char *const k_contents[] = { "from-a-file\n", "from-a-file\r\nmore\n",
                                              "from-a-file" };
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct world w;
        init(&w, NULL, NULL);
        world_listen(&w, 4433);
        w.device = new_with_password_file(&w, k_contents[i], NULL);
        assert_non_null(w.device);
        device_connect(w.device, 0);
        world_run(&w, SECOND);
        assert_string_equal(w.password, "from-a-file");
        world_fini(&w);
    }
}

static void a_bad_password_file_is_named_and_its_content_is_not(void **state)
{
    struct world w;
    struct amt_diag diag = { .err = AMT_OK };
    char longest[300];
    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    init(&w, NULL, NULL);
    assert_null(new_with_password_file(&w, longest, &diag));
    assert_int_equal(diag.err, AMT_ETOOBIG);
    assert_null(strstr(diag.text, "xxx"));
    assert_null(new_with_password_file(&w, "", &diag));
    assert_non_null(strstr(diag.text, "/tmp/amtlab-password-"));
    world_set(&w, "cira.password_file", "/nonexistent/password");
    assert_null(device_new(w.loop, &w.config, 1, 0, w.log, &diag));
    assert_int_equal(diag.err, AMT_ESYS);
    assert_non_null(strstr(diag.text, "No such file"));
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_bounds_the_channels),
        cmocka_unit_test(chunk_bounds_the_payload_of_a_message),
        cmocka_unit_test(credit_comes_for_each_message_or_for_half_of_the_window),
        cmocka_unit_test(the_service_request_can_come_first),
        cmocka_unit_test(keepalive_options_are_taken_or_answered_or_ignored),
        cmocka_unit_test(data_beyond_the_window_ends_a_strict_tunnel_only),
        cmocka_unit_test(an_unasked_accept_ends_a_strict_tunnel_only),
        cmocka_unit_test(a_second_close_hits_the_next_channel_unless_it_is_ignored),
        cmocka_unit_test(trigger_and_addresses_are_told_to_the_server),
        cmocka_unit_test(a_tunnel_that_was_up_makes_attempts_quick_again),
        cmocka_unit_test(a_slow_reader_stops_the_echo),
        cmocka_unit_test(the_password_is_the_first_line_of_its_file),
        cmocka_unit_test(a_bad_password_file_is_named_and_its_content_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
