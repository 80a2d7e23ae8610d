/* Channels of a device as its server sees them: opening, refusing, closing, and slots. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/tests/world.h"

/* APF-DEV-024 */
static void a_port_that_is_not_forwarded_is_refused_with_reason_1(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "forward", "[16992, 5900]");
    world_up(&w);
    world_open(&w, 16993);
    world_run(&w, 2 * SECOND);
    assert_true(w.has_channel_end);
    assert_int_equal(w.refuse_reason, APF_ADMINISTRATIVELY_PROHIBITED);
    assert_int_equal(world_count(&w, "channel.refused"), 1);
    assert_int_equal(world_count(&w, "reason=1"), 1);
    world_fini(&w);
}

/* APF-DEV-025 */
static void the_ninth_channel_is_refused_with_reason_4_until_a_slot_is_free(void **state)
{
    struct world w;
    struct apf_channel *eighth = NULL;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    for (uint32_t i = 0; i < 8; i++) {
        world_open(&w, 16992);
        world_run(&w, loop_now_us(w.loop) + SECOND);
        assert_true(w.is_open);
        assert_int_equal(apf_channel_remote_number(w.channel), i);
        eighth = w.channel;
    }
    assert_int_equal(device_statistics(w.device)->slots_used, 8);
    world_open(&w, 16992);
    world_run(&w, loop_now_us(w.loop) + SECOND);
    assert_int_equal(w.refuse_reason, APF_RESOURCE_SHORTAGE);
    apf_channel_close(eighth, loop_now_us(w.loop));
    world_run(&w, loop_now_us(w.loop) + SECOND);
    assert_int_equal(device_statistics(w.device)->slots_used, 7);
    world_open(&w, 16992);
    world_run(&w, loop_now_us(w.loop) + SECOND);
    assert_true(w.is_open);
    assert_int_equal(apf_channel_remote_number(w.channel), 7); /* APF-DEV-023: lowest free */
    assert_int_equal(device_statistics(w.device)->channels_refused, 1);
    world_fini(&w);
}

/* APF-DEV-028 */
static void address_and_originator_of_an_open_have_no_influence(void **state)
{
    static const char *const k_plain[] = { "", "::1", "192.0.2.1", "no-such-host.example" };
    struct world w;
    char *longest = amt_alloc(APF_NAME_MAX_BYTES + 1);
    (void)state;
    memset(longest, 'n', APF_NAME_MAX_BYTES);
    world_init(&w, "default");
    world_up(&w);
    for (uint32_t i = 0; i < 5; i++) {
        const char *name = i < 4 ? k_plain[i] : longest;
        world_open_from(&w, 16992, name, name);
        world_run(&w, loop_now_us(w.loop) + SECOND);
        assert_true(w.is_open);
        assert_false(w.has_channel_end);
    }
    amt_free(longest);
    world_fini(&w);
}

/* APF-DEV-026 */
static void a_service_that_refuses_gives_one_event_and_reason_2(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "service.kind", "refuse");
    world_up(&w);
    world_open(&w, 16992);
    world_run(&w, 2 * SECOND);
    assert_int_equal(w.refuse_reason, APF_CONNECT_FAILED);
    assert_int_equal(world_count(&w, "channel.refused"), 1);
    assert_int_equal(world_count(&w, "channel.closed"), 0);
    assert_int_equal(device_statistics(w.device)->slots_used, 0);
    world_fini(&w);
}

/* APF-DEV-026: a service that takes longer than firmware waits */
static void a_service_that_is_too_slow_is_a_service_that_refuses(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "service.delay", "15s");
    world_up(&w);
    world_open(&w, 16992);
    world_run(&w, 20 * SECOND);
    assert_true(w.has_channel_end);
    assert_int_equal(w.refuse_reason, APF_CONNECT_FAILED);
    assert_int_equal(device_statistics(w.device)->slots_used, 0);
    world_fini(&w);
}

/* APF-DEV-034 */
static void a_request_of_one_byte_per_message_is_one_request(void **state)
{
    static const char k_post[] =
        "POST /wsman HTTP/1.1\r\nHost: pc\r\nContent-Length: 5\r\n\r\nhello";
    struct world w;
    (void)state;
    world_init(&w, "default");
    w.mps_config.mux.chunk_bytes = 1;
    world_up(&w);
    world_open(&w, 16992);
    world_run(&w, 2 * SECOND);
    world_write(&w, k_post, sizeof k_post - 1);
    world_run(&w, 4 * SECOND);
    assert_memory_equal(w.received, "HTTP/1.1 200", 12);
    assert_memory_equal(w.received + w.received_len - 5, "hello", 5);
    world_fini(&w);
}

/* APF-DEV-037: the service's own clock ends the channel, and the server never answers CLOSE. No
 * keepalive is there to wake the device up. */
static void a_slot_is_free_ten_seconds_after_a_close_that_nobody_answers(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "cira.keepalive", "0");
    world_up(&w);
    world_open(&w, 16992);
    world_run(&w, 2 * SECOND);
    assert_true(w.is_open);
    stream_pause(w.stream);
    world_run(&w, 35 * SECOND); /* HTTP gives up on a connection without a request after 30 s */
    assert_int_equal(device_statistics(w.device)->slots_used, 1);
    world_run(&w, 43 * SECOND);
    assert_int_equal(device_statistics(w.device)->slots_used, 0);
    assert_int_equal(world_count(&w, "channel.closed"), 1);
    assert_int_equal(world_count(&w, "reason=timeout"), 1);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    world_fini(&w);
}

/* APF-DEV-048 */
static void an_event_channel_that_the_server_refuses_disturbs_nothing(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    assert_int_equal(device_open_direct(w.device, 16992), AMT_OK);
    world_run(&w, 2 * SECOND);
    assert_int_equal(world_count(&w, "channel.direct_failed"), 1);
    assert_int_equal(world_count(&w, "reason=3"), 1);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    world_fini(&w);
}

/* APF-DEV-048 */
static void an_event_channel_without_an_answer_is_reported_after_ten_seconds(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    stream_pause(w.stream);
    assert_int_equal(device_open_direct(w.device, 16992), AMT_OK);
    world_run(&w, 10 * SECOND);
    assert_int_equal(world_count(&w, "channel.direct_failed"), 0);
    world_run(&w, 12 * SECOND);
    assert_int_equal(world_count(&w, "channel.direct_failed"), 1);
    assert_int_equal(world_count(&w, "did not answer"), 1);
    stream_resume(w.stream); /* the late answer finds nobody, and is no error */
    world_run(&w, 20 * SECOND);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    assert_int_equal(w.connects, 1);
    world_fini(&w);
}

static void an_event_channel_needs_a_tunnel(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_call(&w);
    assert_int_equal(device_open_direct(w.device, 16992), AMT_ESTATE);
    world_fini(&w);
}

static void on_stream(void *ctx, struct stream *s)
{
    *(struct stream **)ctx = s;
}

/* The firmware part serves ports itself. */
static void a_port_with_an_own_service_goes_to_it(void **state)
{
    struct world w;
    struct stream *s = NULL;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "service.kind", "refuse");
    world_listen(&w, 4433);
    world_call(&w);
    device_serve(w.device, 16994, on_stream, &s);
    world_run(&w, SECOND);
    world_open(&w, 16994);
    world_run(&w, 2 * SECOND);
    assert_true(w.is_open);
    assert_non_null(s);
    assert_int_equal(stream_write(s, "welcome", 7), AMT_OK);
    stream_close(s);
    world_run(&w, 3 * SECOND);
    assert_int_equal(w.received_len, 7); /* APF-DEV-037: data first, then CLOSE */
    assert_true(w.has_channel_end);
    world_fini(&w);
}

/* FF-063 */
static void an_echo_that_closes_first_gives_its_bytes_before(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_set(&w, "service.closes_first", "true");
    world_up(&w);
    world_open(&w, 5900);
    world_run(&w, 2 * SECOND);
    world_write(&w, "RFB 003.008\n", 12);
    world_run(&w, 3 * SECOND);
    assert_memory_equal(w.received, "RFB 003.008\n", 12);
    assert_true(w.has_channel_end);
    assert_int_equal(device_statistics(w.device)->slots_used, 0);
    world_fini(&w);
}

static const char k_chunked[] = "POST /wsman HTTP/1.1\r\nHost: pc\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

/* Sends k_chunked in two messages, the second of so many bytes; is the answer a 200? */
static bool is_taken(const char *parser, uint32_t last)
{
    struct world w;
    uint32_t first = (uint32_t)sizeof k_chunked - 1 - last;
    world_init(&w, "default");
    world_set(&w, "service.chunk_parser", parser);
    world_up(&w);
    world_open(&w, 16992);
    world_run(&w, 2 * SECOND);
    world_write(&w, k_chunked, first);
    world_run(&w, 3 * SECOND);
    if (last > 0) {
        world_write(&w, k_chunked + first, last);
    }
    world_run(&w, 4 * SECOND);
    bool is_good = w.received_len > 12 && memcmp(w.received, "HTTP/1.1 200", 12) == 0;
    if (!is_good) {
        assert_memory_equal(w.received, "HTTP/1.1 400", 12);
        assert_true(w.has_channel_end);
    }
    world_fini(&w);
    return is_good;
}

/* APF-DEV-035 */
static void a_split_last_chunk_is_rejected_by_strict_firmware_only(void **state)
{
    (void)state;
    for (uint32_t last = 0; last <= 12; last++) {
        bool is_split = last >= 1 && last <= 4;
        assert_true(is_taken("tolerant", last));
        assert_int_equal(is_taken("strict", last), !is_split);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_that_is_not_forwarded_is_refused_with_reason_1),
        cmocka_unit_test(the_ninth_channel_is_refused_with_reason_4_until_a_slot_is_free),
        cmocka_unit_test(address_and_originator_of_an_open_have_no_influence),
        cmocka_unit_test(a_service_that_refuses_gives_one_event_and_reason_2),
        cmocka_unit_test(a_service_that_is_too_slow_is_a_service_that_refuses),
        cmocka_unit_test(a_request_of_one_byte_per_message_is_one_request),
        cmocka_unit_test(a_slot_is_free_ten_seconds_after_a_close_that_nobody_answers),
        cmocka_unit_test(an_event_channel_that_the_server_refuses_disturbs_nothing),
        cmocka_unit_test(an_event_channel_without_an_answer_is_reported_after_ten_seconds),
        cmocka_unit_test(an_event_channel_needs_a_tunnel),
        cmocka_unit_test(a_port_with_an_own_service_goes_to_it),
        cmocka_unit_test(an_echo_that_closes_first_gives_its_bytes_before),
        cmocka_unit_test(a_split_last_chunk_is_rejected_by_strict_firmware_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
