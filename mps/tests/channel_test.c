/* Channels as streams: apf.md 5, backpressure both ways, slots. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/tests/double.h"

#define BIG_BYTES (1024u * 1024u)

static uint8_t *pattern(uint32_t len)
{
    uint8_t *bytes = amt_alloc(len);
    assert_non_null(bytes);
    for (uint32_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 13 + (i >> 9));
    }
    return bytes;
}

static void begin(struct world *w, struct device_double *d, bool is_tls, enum double_service kind)
{
    world_init(w, is_tls);
    world_set(w, "keepalive_rule", "never");
    world_set(w, "idle_limit", "0");
    world_start(w);
    double_init(d, w, 7, 8);
    d->service = kind;
    double_connect(d);
}

static void end(struct world *w, struct device_double *d)
{
    assert_int_equal(mps_statistics(w->mps)->channels_open, 0);
    double_close(d);
    world_run(w, SECOND_US);
    world_fini(w);
}

static void echo(bool is_tls)
{
    struct world w;
    struct device_double d;
    struct operator_end o;
    begin(&w, &d, is_tls, DOUBLE_ECHO);
    operator_open(&o, &w, 7, 16992);
    assert_int_equal(stream_write(o.stream, "before it is open", 17), AMT_OK); /* APF-MPS-045 */
    assert_int_equal(o.received_bytes, 0);
    world_run(&w, 10 * MS_US);
    assert_true(o.is_open);
    assert_int_equal(o.received_bytes, 17);
    assert_true(o.sum == double_sum(0, (const uint8_t *)"before it is open", 17));
    assert_int_equal(mps_statistics(w.mps)->channels_opened, 1);
    assert_int_equal(mps_statistics(w.mps)->channels_open, 1);
    world_expect_event(&w, "channel.opened", "port=16992 channel=1 device_channel=0");
    operator_close(&o);
    world_run(&w, 10 * MS_US);
    assert_int_equal(d.ends, 1);
    world_expect_event(&w, "channel.ended", "port=16992 channel=1 end=closed");
    end(&w, &d);
}

/* APF-MPS-044, APF-MPS-045, APF-MPS-046: device channel 0 */
static void bytes_go_to_the_device_and_back(void **state)
{
    (void)state;
    world_both(echo);
}

/* Writes in blocks, waiting for drain as an operator's relay does. */
static void write_all(struct operator_end *o, const uint8_t *bytes, uint32_t len)
{
    uint32_t at = 0;
    uint64_t until_us = world_now_us(o->world) + 600 * SECOND_US;
    while (at < len && world_now_us(o->world) < until_us) {
        uint32_t n = len - at < 65536 ? len - at : 65536;
        if (stream_write(o->stream, bytes + at, n) == AMT_OK) {
            at += n;
        } else {
            world_run(o->world, 100 * MS_US);
        }
    }
    assert_int_equal(at, len);
}

static void upload(bool is_tls)
{
    struct world w;
    struct device_double d;
    struct operator_end o;
    uint8_t *bytes = pattern(BIG_BYTES);
    begin(&w, &d, is_tls, DOUBLE_SINK);
    operator_open(&o, &w, 7, 16992);
    write_all(&o, bytes, BIG_BYTES);
    world_run(&w, 60 * SECOND_US);
    assert_int_equal(d.received_bytes, BIG_BYTES);
    assert_true(d.sum == double_sum(0, bytes, BIG_BYTES));
    assert_true(o.drains > 0);
    assert_int_equal(stream_queued_bytes(o.stream), 0);
    operator_close(&o);
    amt_free(bytes);
    world_run(&w, SECOND_US);
    end(&w, &d);
}

/* APF-MPS-047: strict on the device's side, any byte above the credit would end the session */
static void a_megabyte_goes_through_a_small_window(void **state)
{
    (void)state;
    world_both(upload);
}

static void a_stuck_device_holds_the_operator_back_within_a_bound(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o;
    uint8_t *bytes = pattern(65536);
    uint32_t taken = 0;
    begin(&w, &d, false, DOUBLE_STUCK);
    operator_open(&o, &w, 7, 16992);
    world_run(&w, SECOND_US);
    while (taken < BIG_BYTES && stream_write(o.stream, bytes, 65536) == AMT_OK) {
        taken += 65536;
        world_run(&w, 10 * MS_US);
    }
    assert_true(taken < BIG_BYTES);
    assert_true(stream_queued_bytes(o.stream) <= w.config.queue_bytes);
    assert_int_equal(d.received_bytes, 4096);
    assert_int_equal(o.drains, 0);
    operator_close(&o);
    amt_free(bytes);
    world_run(&w, 30 * SECOND_US); /* the rest is given up: CLOSE after close_limit */
    assert_int_equal(d.ends, 1);
    end(&w, &d);
}

static void download(bool is_tls)
{
    struct world w;
    struct device_double d;
    struct operator_end o;
    begin(&w, &d, is_tls, DOUBLE_SOURCE);
    d.source_bytes = BIG_BYTES;
    operator_open(&o, &w, 7, 16994);
    world_run(&w, 30 * SECOND_US);
    assert_int_equal(o.received_bytes, BIG_BYTES);
    assert_true(o.sum == d.sum);
    assert_true(mps_statistics(w.mps)->window_adjusts_out > 0);
    operator_close(&o);
    world_run(&w, SECOND_US);
    end(&w, &d);
}

/* APF-MPS-048 */
static void a_megabyte_comes_from_the_device(void **state)
{
    (void)state;
    world_both(download);
}

/* Credit is given for what the operator has taken, not for what has arrived. */
static void a_paused_operator_gives_the_device_no_credit(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o;
    begin(&w, &d, false, DOUBLE_SOURCE);
    d.source_bytes = 200000;
    operator_open(&o, &w, 7, 16992);
    stream_pause(o.stream);
    world_run(&w, 10 * SECOND_US);
    assert_true(o.is_open);
    assert_int_equal(o.received_bytes, 0);
    assert_int_equal(mps_statistics(w.mps)->window_adjusts_out, 0);
    assert_int_equal(mps_statistics(w.mps)->messages_in_bytes / 32768, 1); /* one window, no more */
    stream_resume(o.stream);
    world_run(&w, 10 * SECOND_US);
    assert_int_equal(o.received_bytes, 200000);
    assert_true(o.sum == d.sum);
    operator_close(&o);
    world_run(&w, SECOND_US);
    end(&w, &d);
}

/* APF-MPS-053: what came before CLOSE is delivered before the end, also to a paused reader */
static void data_before_close_is_delivered_first(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o;
    begin(&w, &d, true, DOUBLE_SOURCE);
    d.source_bytes = 30000;
    operator_open(&o, &w, 7, 16992);
    stream_pause(o.stream);
    world_run(&w, SECOND_US);
    double_close_channel(&d);
    world_run(&w, SECOND_US);
    assert_false(o.has_ended);
    stream_resume(o.stream);
    world_run(&w, SECOND_US);
    assert_int_equal(o.received_bytes, 30000);
    assert_true(o.sum == d.sum);
    assert_true(o.has_ended);
    assert_int_equal(o.end.kind, STREAM_END_FIN);
    operator_close(&o);
    end(&w, &d);
}

static void expect_refused(struct world *w, uint32_t number, uint32_t port, const char *text)
{
    struct operator_end o;
    operator_open(&o, w, number, port);
    assert_false(o.has_ended); /* never from inside the call */
    world_run(w, SECOND_US);
    assert_true(o.has_ended && !o.is_open);
    assert_int_equal(o.end.kind, STREAM_END_REFUSED);
    if (strstr(o.end.text, text) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", text, o.end.text);
    }
    operator_close(&o);
}

/* APF-MPS-044, APF-MPS-051 */
static void opens_that_cannot_work_say_why(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    begin(&w, &d, false, DOUBLE_REFUSE);
    expect_refused(&w, 8, 16992, "the device is not online");
    expect_refused(&w, 7, 22, "does not forward port 22");
    assert_int_equal(d.open_requests, 0);
    d.refusals = 2;
    d.refuse_reason = APF_ADMINISTRATIVELY_PROHIBITED;
    expect_refused(&w, 7, 16992, "ADMINISTRATIVELY_PROHIBITED (reason 1)");
    d.refuse_reason = 99;
    expect_refused(&w, 7, 16992, "unknown reason (reason 99)");
    assert_int_equal(mps_statistics(w.mps)->channels_refused, 2);
    end(&w, &d);
}

/* APF-MPS-052 */
static void an_open_without_an_answer_fails_in_time(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o;
    begin(&w, &d, false, DOUBLE_SILENT);
    operator_open(&o, &w, 7, 16992);
    world_run(&w, 29 * SECOND_US);
    assert_false(o.has_ended);
    world_run(&w, 2 * SECOND_US);
    assert_true(o.has_ended);
    assert_int_equal(o.end.kind, STREAM_END_TIMEOUT);
    operator_close(&o);
    end(&w, &d);
}

static void slots(uint32_t reason)
{
    struct world w;
    struct device_double d;
    struct operator_end o;
    begin(&w, &d, false, DOUBLE_REFUSE);
    d.refusals = 5;
    d.refuse_reason = reason;
    operator_open(&o, &w, 7, 16992);
    assert_int_equal(stream_write(o.stream, "kept", 4), AMT_OK);
    world_run(&w, 10 * SECOND_US);
    assert_true(o.is_open);
    assert_int_equal(d.open_requests, 6);
    assert_int_equal(o.received_bytes, 4); /* what was written while waiting comes back once */
    operator_close(&o);
    world_run(&w, SECOND_US);
    end(&w, &d);
}

/* FF-061, APF-MPS-051 */
static void shortage_makes_an_open_wait_and_try_again(void **state)
{
    (void)state;
    slots(APF_RESOURCE_SHORTAGE);
    slots(APF_CONNECT_FAILED);
}

/* FF-061 */
static void the_ninth_channel_gets_the_slot_that_becomes_free(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o[9];
    begin(&w, &d, true, DOUBLE_ECHO);
    for (uint32_t i = 0; i < 9; i++) {
        operator_open(&o[i], &w, 7, 16992);
        world_run(&w, 50 * MS_US);
    }
    world_run(&w, 5 * SECOND_US);
    assert_false(o[8].is_open || o[8].has_ended);
    operator_close(&o[3]);
    world_run(&w, SECOND_US);
    assert_true(o[8].is_open);
    for (uint32_t i = 0; i < 9; i++) {
        if (i != 3) {
            operator_close(&o[i]);
        }
    }
    world_run(&w, SECOND_US);
    assert_int_equal(d.open_count, 0);
    end(&w, &d);
}

/* FF-061: waiting ends with open_limit; max_channels is such a shortage too */
static void waiting_for_a_slot_has_an_end(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end first, second;
    world_init(&w, false);
    world_set(&w, "max_channels", "1");
    world_set(&w, "open_limit", "3s");
    world_start(&w);
    double_init(&d, &w, 7, 8);
    double_connect(&d);
    operator_open(&first, &w, 7, 16992);
    operator_open(&second, &w, 7, 16992);
    world_run(&w, 2 * SECOND_US);
    assert_true(first.is_open);
    assert_false(second.is_open || second.has_ended);
    world_run(&w, 2 * SECOND_US);
    assert_true(second.has_ended);
    assert_int_equal(second.end.kind, STREAM_END_TIMEOUT);
    operator_close(&first);
    operator_close(&second);
    world_run(&w, SECOND_US);
    end(&w, &d);
}

static void an_operator_may_leave_at_any_time(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o[3];
    begin(&w, &d, false, DOUBLE_REFUSE);
    d.refusals = 1000;
    d.refuse_reason = APF_RESOURCE_SHORTAGE;
    for (uint32_t i = 0; i < 3; i++) {
        operator_open(&o[i], &w, 7, 16992);
    }
    operator_close(&o[0]); /* still opening */
    world_run(&w, SECOND_US);
    operator_close(&o[1]); /* waiting for a slot */
    world_run(&w, SECOND_US);
    d.refusals = 0;
    world_run(&w, SECOND_US);
    assert_true(o[2].is_open);
    operator_close(&o[2]);
    world_run(&w, SECOND_US);
    assert_int_equal(d.open_count, 0);
    end(&w, &d);
}

static void the_end_of_a_session_ends_its_channels(void **state)
{
    (void)state;
    struct world w;
    struct device_double d, again;
    struct operator_end o;
    begin(&w, &d, true, DOUBLE_ECHO);
    operator_open(&o, &w, 7, 16992);
    world_run(&w, SECOND_US);
    assert_true(o.is_open);
    double_init(&again, &w, 7, 8);
    double_connect(&again); /* APF-MPS-059 */
    assert_true(o.has_ended);
    assert_int_equal(o.end.kind, STREAM_END_RESET);
    assert_int_equal(stream_write(o.stream, "x", 1), AMT_ECLOSED);
    operator_close(&o);
    operator_open(&o, &w, 7, 16992);
    world_run(&w, SECOND_US);
    assert_true(o.is_open);
    assert_int_equal(again.open_count, 1);
    operator_close(&o);
    world_run(&w, SECOND_US);
    double_close(&d);
    end(&w, &again);
}

static void streams_outlive_the_server(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o;
    begin(&w, &d, false, DOUBLE_ECHO);
    operator_open(&o, &w, 7, 16992);
    world_run(&w, SECOND_US);
    mps_free(w.mps);
    w.mps = NULL;
    world_run(&w, SECOND_US);
    assert_true(o.has_ended);
    operator_close(&o);
    double_close(&d);
    world_fini(&w);
}

/* APF-MPS-054, APF-MPS-056 */
static void ten_thousand_channels_leave_nothing_behind(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    begin(&w, &d, false, DOUBLE_ECHO);
    for (uint32_t i = 0; i < 10000; i++) {
        struct operator_end o;
        operator_open(&o, &w, 7, 16992);
        world_run(&w, 1 * MS_US);
        assert_true(o.is_open);
        if (i % 2 == 0) {
            double_close_channel(&d); /* crossing CLOSEs */
        }
        operator_close(&o);
        world_run(&w, 1 * MS_US);
    }
    assert_int_equal(mps_statistics(w.mps)->channels_opened, 10000);
    assert_int_equal(mps_statistics(w.mps)->stray_closes, 0);
    assert_int_equal(d.open_count, 0);
    end(&w, &d);
}

/* APF-MPS-049: lenient counts and goes on, but not without bound */
static void a_device_beyond_its_window_cannot_fill_the_memory(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o;
    world_init(&w, false);
    world_set(&w, "lenient", "true");
    world_start(&w);
    double_init(&d, &w, 7, 8);
    double_connect(&d);
    operator_open(&o, &w, 7, 16992);
    world_run(&w, SECOND_US);
    stream_pause(o.stream);
    static uint8_t message[9 + 40000] = { APF_CHANNEL_DATA, 0, 0, 0, 1, 0, 0, 0x9c, 0x40 };
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(stream_write(d.stream, message, sizeof message), AMT_OK);
        world_run(&w, 100 * MS_US);
    }
    assert_true(mps_statistics(w.mps)->window_overruns > 0);
    stream_resume(o.stream);
    world_run(&w, SECOND_US);
    assert_true(o.has_ended);
    assert_int_equal(o.end.kind, STREAM_END_LOCAL);
    assert_true(o.received_bytes <= w.config.queue_bytes);
    operator_close(&o);
    world_run(&w, 20 * SECOND_US);
    end(&w, &d);
}

/* APF-MPS-065: also when it is the operator who fills the queue, and nothing else happens */
static void a_device_that_stops_reading_under_an_upload_is_closed(void **state)
{
    (void)state;
    struct world w;
    struct device_double d;
    struct operator_end o;
    uint8_t *bytes = pattern(200000);
    world_init(&w, false);
    world_set(&w, "keepalive_rule", "never");
    world_set(&w, "idle_limit", "0");
    world_set(&w, "send_queue", "16KiB");
    world_start(&w);
    double_init(&d, &w, 7, 8);
    d.config.mux.window_bytes = BIG_BYTES;
    d.service = DOUBLE_SINK;
    double_connect(&d);
    operator_open(&o, &w, 7, 16992);
    world_run(&w, SECOND_US);
    assert_true(o.is_open);
    stream_pause(d.stream);
    (void)!stream_write(o.stream, bytes, 200000);
    amt_free(bytes);
    world_run(&w, SECOND_US);
    assert_false(is_online(&w, 7));
    assert_int_equal(world_count(&w, "session.slow_reader"), 1);
    assert_true(o.has_ended);
    assert_int_equal(o.end.kind, STREAM_END_RESET);
    operator_close(&o);
    end(&w, &d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_to_the_device_and_back),
        cmocka_unit_test(a_megabyte_goes_through_a_small_window),
        cmocka_unit_test(a_stuck_device_holds_the_operator_back_within_a_bound),
        cmocka_unit_test(a_megabyte_comes_from_the_device),
        cmocka_unit_test(a_paused_operator_gives_the_device_no_credit),
        cmocka_unit_test(data_before_close_is_delivered_first),
        cmocka_unit_test(opens_that_cannot_work_say_why),
        cmocka_unit_test(an_open_without_an_answer_fails_in_time),
        cmocka_unit_test(shortage_makes_an_open_wait_and_try_again),
        cmocka_unit_test(the_ninth_channel_gets_the_slot_that_becomes_free),
        cmocka_unit_test(waiting_for_a_slot_has_an_end),
        cmocka_unit_test(an_operator_may_leave_at_any_time),
        cmocka_unit_test(the_end_of_a_session_ends_its_channels),
        cmocka_unit_test(streams_outlive_the_server),
        cmocka_unit_test(ten_thousand_channels_leave_nothing_behind),
        cmocka_unit_test(a_device_that_stops_reading_under_an_upload_is_closed),
        cmocka_unit_test(a_device_beyond_its_window_cannot_fill_the_memory),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
