/* The TLS stream as a stream: records, backpressure, ends, hostile cutting. */
#include <string.h>

#include <openssl/ssl.h>

#include "base/memory.h"
#include "base/unit.h"
#include "tls_fixture.h"

#define APPLICATION_DATA 23

static void set_version(struct fixture *f, enum tls_version version)
{
    f->server_settings.legacy = version < TLS_VERSION_1_2;
    f->client_settings.min_version = version;
    f->client_settings.max_version = version;
}

/* apf.md 4.6: some servers lose what does not come in a record of its own. TLS 1.3 also sends
 * alerts as type 23, hence the counting between two moments. */
static void each_write_is_one_record_on_the_wire_in_every_version(void **state)
{
    (void)state;
    static const uint32_t k_lengths[] = { 1, 93, 4096, 16384 };
    static const uint8_t k_block[16384] = { 7 };
    for (int version = TLS_VERSION_1_0; version <= (int)TLS_VERSION_1_3; version++) {
        struct fixture f;
        fixture_init(&f);
        set_version(&f, (enum tls_version)version);
        fixture_connect(&f);
        assert_true(f.client.is_open && f.server.is_open);
        for (size_t i = 0; i < sizeof k_lengths / sizeof k_lengths[0]; i++) {
            uint32_t before = f.client.tap->records[APPLICATION_DATA];
            uint32_t deliveries = f.server.deliveries;
            assert_int_equal(stream_write(f.client.stream, k_block, k_lengths[i]), AMT_OK);
            loop_run(f.loop);
            assert_int_equal(f.client.tap->records[APPLICATION_DATA] - before, 1);
            assert_int_equal(f.server.deliveries - deliveries, 1);
        }
        fixture_fini(&f);
    }
}

static void a_write_above_16_kib_is_cut_into_full_records(void **state)
{
    (void)state;
    struct fixture f;
    static const uint8_t k_block[40000] = { 7 };
    fixture_init(&f);
    fixture_connect(&f);
    uint32_t before = f.client.tap->records[APPLICATION_DATA];
    assert_int_equal(stream_write(f.client.stream, k_block, sizeof k_block), AMT_OK);
    loop_run(f.loop);
    assert_int_equal(f.client.tap->records[APPLICATION_DATA] - before, 3);
    assert_int_equal(f.server.largest, 16384);
    assert_true(f.server.received_bytes == sizeof k_block);
    fixture_fini(&f);
}

static void writes_before_the_handshake_keep_their_records(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f);
    assert_int_equal(stream_write(f.client.stream, "one", 3), AMT_OK);
    assert_int_equal(stream_write(f.client.stream, "", 0), AMT_OK);
    assert_int_equal(stream_write(f.client.stream, "three", 5), AMT_OK);
    assert_true(stream_queued_bytes(f.client.stream) >= 8);
    loop_run(f.loop);
    assert_int_equal(stream_queued_bytes(f.client.stream), 0);
    assert_int_equal(f.server.deliveries, 2);
    assert_true(f.server.sum == sum_bytes(0, (const uint8_t *)"onethree", 8));
    fixture_fini(&f);
}

static void a_shutdown_before_the_handshake_waits_for_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f);
    assert_int_equal(stream_write(f.client.stream, "all", 3), AMT_OK);
    stream_shutdown(f.client.stream);
    assert_int_equal(stream_write(f.client.stream, "more", 4), AMT_ECLOSED);
    loop_run(f.loop);
    assert_true(f.server.received_bytes == 3);
    assert_int_equal(f.server.end.kind, STREAM_END_FIN);
    assert_false(f.client.has_ended);
    fixture_fini(&f);
}

static void half_a_connection_goes_on_after_the_other_half_has_finished(void **state)
{
    (void)state;
    for (int version = TLS_VERSION_1_2; version <= (int)TLS_VERSION_1_3; version++) {
        struct fixture f;
        fixture_init(&f);
        set_version(&f, (enum tls_version)version);
        fixture_connect(&f);
        stream_shutdown(f.client.stream);
        loop_run(f.loop);
        assert_int_equal(f.server.end.kind, STREAM_END_FIN);
        assert_int_equal(f.server.end.tls_alert, -1);
        assert_int_equal(stream_write(f.server.stream, "answer", 6), AMT_OK);
        stream_shutdown(f.server.stream);
        loop_run(f.loop);
        assert_true(f.client.received_bytes == 6);
        assert_int_equal(f.client.end.kind, STREAM_END_FIN);
        fixture_fini(&f);
    }
}

static void everything_works_when_bytes_come_one_by_one(void **state)
{
    (void)state;
    static uint8_t block[3000];
    memset(block, 0x5a, sizeof block);
    for (int version = TLS_VERSION_1_0; version <= (int)TLS_VERSION_1_3; version++) {
        struct fixture f;
        fixture_init(&f);
        set_version(&f, (enum tls_version)version);
        fixture_start(&f);
        f.client.tap->dribbles = true;
        f.server.tap->dribbles = true;
        loop_run(f.loop);
        assert_true(f.client.is_open && f.server.is_open);
        assert_int_equal(stream_write(f.client.stream, block, sizeof block), AMT_OK);
        assert_int_equal(stream_write(f.server.stream, block, sizeof block), AMT_OK);
        stream_shutdown(f.client.stream);
        loop_run(f.loop);
        assert_true(f.client.sum == sum_bytes(0, block, sizeof block));
        assert_true(f.server.sum == f.client.sum);
        assert_int_equal(f.server.end.kind, STREAM_END_FIN);
        fixture_fini(&f);
    }
}

/* Several records in one segment, read one at a time, and the FIN already known. */
static void what_came_before_the_end_is_delivered_before_it(void **state)
{
    (void)state;
    for (int has_close_notify = 0; has_close_notify < 2; has_close_notify++) {
        struct fixture f;
        fixture_init(&f);
        fixture_connect(&f);
        f.client.tap->gathers = true;
        f.server.pauses_on_data = true;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(stream_write(f.client.stream, "record", 6), AMT_OK);
        }
        if (has_close_notify != 0) {
            stream_shutdown(f.client.stream);
        } else {
            assert_true(tls_drop_without_close(f.client.stream));
        }
        for (uint32_t i = 1; i <= 3; i++) {
            loop_run(f.loop);
            assert_int_equal(f.server.deliveries, i);
            assert_true(i == 3 || !f.server.has_ended);
            stream_resume(f.server.stream);
        }
        loop_run(f.loop);
        assert_true(f.server.has_ended);
        assert_int_equal(f.server.end.kind, STREAM_END_FIN);
        fixture_fini(&f);
    }
}

static void a_reader_paused_before_the_handshake_holds_its_peer_back(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t *block = amt_alloc(800000);
    fixture_init(&f);
    fixture_start(&f);
    stream_pause(f.server.stream);
    loop_run(f.loop);
    assert_true(f.server.is_open);
    assert_int_equal(stream_write(f.client.stream, block, 800000), AMT_OK);
    loop_run(f.loop);
    assert_true(f.server.received_bytes == 0);
    /* all but the window of the virtual network and a record waits at the writer */
    assert_true(stream_queued_bytes(f.client.stream) > 800000 - 65536 - 2 * 16500);
    stream_resume(f.server.stream);
    loop_run(f.loop);
    assert_true(f.server.received_bytes == 800000);
    assert_true(f.client.drains > 0);
    amt_free(block);
    fixture_fini(&f);
}

static void both_directions_carry_a_megabyte_with_pauses(void **state)
{
    (void)state;
    struct fixture f;
    static uint8_t block[50000];
    fixture_init(&f);
    fixture_connect(&f);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 20; i++) {
        memset(block, (int)i + 1, sizeof block);
        sum = sum_bytes(sum, block, sizeof block);
        assert_int_equal(stream_write(f.client.stream, block, sizeof block), AMT_OK);
        assert_int_equal(stream_write(f.server.stream, block, sizeof block), AMT_OK);
    }
    f.client.pauses_on_data = true;
    f.server.pauses_on_data = true;
    for (uint32_t i = 0; i < 200 && f.client.received_bytes + f.server.received_bytes < 2000000;
         i++) {
        loop_run(f.loop);
        stream_resume(f.client.stream);
        stream_resume(f.server.stream);
    }
    assert_true(f.client.sum == sum && f.server.sum == sum);
    assert_true(f.client.received_bytes == 1000000 && f.server.received_bytes == 1000000);
    fixture_fini(&f);
}

static void one_write_may_pass_the_limit_only_on_an_empty_queue(void **state)
{
    (void)state;
    struct fixture f;
    const uint32_t len = 3 * 1024 * 1024;
    uint8_t *block = amt_alloc(len);
    fixture_init(&f);
    fixture_connect(&f);
    assert_int_equal(stream_write(f.client.stream, block, len), AMT_OK);
    assert_true(stream_queued_bytes(f.client.stream) > 1024 * 1024);
    assert_int_equal(stream_write(f.client.stream, block, 1), AMT_ELIMIT);
    loop_run(f.loop);
    assert_true(f.server.received_bytes == len);
    assert_int_equal(stream_queued_bytes(f.client.stream), 0);
    assert_int_equal(stream_write(f.client.stream, block, 1), AMT_OK);
    loop_run(f.loop);
    assert_true(f.server.received_bytes == len + 1);
    amt_free(block);
    fixture_fini(&f);
}

static void a_smaller_write_limit_is_kept(void **state)
{
    (void)state;
    struct fixture f;
    static const uint8_t k_block[50000] = { 1 };
    fixture_init(&f);
    fixture_connect(&f);
    stream_set_write_limit(f.client.stream, 100000);
    stream_pause(f.server.stream);
    uint32_t taken = 0;
    while (stream_write(f.client.stream, k_block, sizeof k_block) == AMT_OK) {
        taken += 1;
        assert_true(taken < 10);
    }
    assert_true(stream_queued_bytes(f.client.stream) <= 100000 + 8 * 64);
    stream_resume(f.server.stream);
    loop_run(f.loop);
    assert_true(f.server.received_bytes == taken * sizeof k_block);
    fixture_fini(&f);
}

static void a_spoiled_record_ends_both_sides_with_an_alert(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_connect(&f);
    f.client.tap->spoils = true;
    assert_int_equal(stream_write(f.client.stream, "spoiled", 7), AMT_OK);
    loop_run(f.loop);
    assert_true(f.server.received_bytes == 0);
    assert_int_equal(f.server.end.kind, STREAM_END_TLS);
    assert_int_equal(f.server.end.tls_alert, 20); /* bad_record_mac */
    assert_true(f.server.end.alert_is_ours);
    assert_int_equal(f.client.end.kind, STREAM_END_TLS);
    assert_int_equal(f.client.end.tls_alert, 20);
    assert_false(f.client.end.alert_is_ours);
    assert_non_null(strstr(f.client.end.text, "alert 20"));
    assert_int_equal(stream_write(f.server.stream, "x", 1), AMT_ECLOSED);
    fixture_fini(&f);
}

static void no_common_cipher_is_told_to_both_sides(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.server_settings.max_version = TLS_VERSION_1_2;
    f.server_settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    f.client_settings.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    fixture_connect(&f);
    assert_int_equal(f.server.end.tls_alert, 40); /* handshake_failure */
    assert_true(f.server.end.alert_is_ours);
    assert_non_null(strstr(f.server.end.text, "no shared cipher"));
    assert_int_equal(f.client.end.tls_alert, 40);
    assert_false(f.client.end.alert_is_ours);
    fixture_fini(&f);
}

/* A handshake that stops at any byte is an error, never an open stream. */
static void a_handshake_cut_at_any_byte_fails(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_connect(&f);
    uint32_t whole = f.client.tap->sent_bytes;
    fixture_fini(&f);
    for (uint32_t cut = 1; cut < whole; cut += cut < 80 ? 1 : 7) {
        fixture_init(&f);
        fixture_start(&f);
        f.client.tap->cut_after = cut;
        loop_run(f.loop);
        assert_false(f.server.is_open);
        stream_reset(f.client.stream);
        f.client.stream = NULL;
        loop_run(f.loop);
        assert_true(f.server.has_ended);
        assert_int_equal(f.server.end.kind, STREAM_END_RESET);
        fixture_fini(&f);
    }
}

static void a_reset_is_passed_on_as_one(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_connect(&f);
    stream_reset(f.client.stream);
    f.client.stream = NULL;
    loop_run(f.loop);
    assert_int_equal(f.server.end.kind, STREAM_END_RESET);
    assert_int_equal(stream_write(f.server.stream, "x", 1), AMT_ECLOSED);
    fixture_fini(&f);
}

static void the_owner_may_close_in_every_callback(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 64; flags++) {
        struct fixture f;
        fixture_init(&f);
        fixture_start(&f);
        f.client.closes_on_open = (flags & 1u) != 0;
        f.client.closes_on_data = (flags & 2u) != 0;
        f.client.closes_on_end = (flags & 4u) != 0;
        f.server.closes_on_open = (flags & 8u) != 0;
        f.server.closes_on_data = (flags & 16u) != 0;
        f.server.closes_on_end = (flags & 32u) != 0;
        assert_int_equal(stream_write(f.client.stream, "hello", 5), AMT_OK);
        assert_int_equal(stream_write(f.server.stream, "hello", 5), AMT_OK);
        stream_shutdown(f.client.stream);
        loop_run(f.loop);
        assert_true(f.client.is_open || f.client.has_ended || f.client.stream == NULL);
        fixture_fini(&f);
    }
}

/* APF-MPS-005 */
static void any_and_no_server_name_is_accepted(void **state)
{
    (void)state;
    static const char *const k_names[] = { NULL, "mps.lab.test", "quite.another.name" };
    for (size_t i = 0; i < 3; i++) {
        struct fixture f;
        fixture_init(&f);
        f.check.sni = k_names[i];
        fixture_connect(&f);
        assert_true(f.client.is_open && f.server.is_open);
        const char *seen =
            SSL_get_servername(stream_tls(f.server.stream), TLSEXT_NAMETYPE_host_name);
        if (k_names[i] == NULL) {
            assert_null(seen);
        } else {
            assert_string_equal(seen, k_names[i]);
        }
        fixture_fini(&f);
    }
}

/* Before login a peer may cost little: nothing is kept while nothing is under way. */
static void an_idle_stream_is_not_asked_for_tickets_and_resumes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_connect(&f);
    SSL_SESSION *session = SSL_get1_session(stream_tls(f.client.stream));
    assert_int_equal(SSL_SESSION_is_resumable(session), 0);
    SSL_SESSION_free(session);
    fixture_fini(&f);
}

/* Whatever allocation fails, nothing leaks, crashes or opens half. */
static void running_out_of_memory_ends_only_the_stream(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 40; k++) {
        struct fixture f;
        fixture_init(&f);
        fixture_start(&f);
        amt_memory_fail_after(k);
        loop_run(f.loop);
        if (f.client.is_open && !f.client.has_ended) {
            enum amt_err err = stream_write(f.client.stream, "x", 1);
            assert_true(err == AMT_OK || err == AMT_ENOMEM || err == AMT_ECLOSED);
        }
        loop_run(f.loop);
        amt_memory_fail_after(0);
        fixture_fini(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_write_is_one_record_on_the_wire_in_every_version),
        cmocka_unit_test(a_write_above_16_kib_is_cut_into_full_records),
        cmocka_unit_test(writes_before_the_handshake_keep_their_records),
        cmocka_unit_test(a_shutdown_before_the_handshake_waits_for_it),
        cmocka_unit_test(half_a_connection_goes_on_after_the_other_half_has_finished),
        cmocka_unit_test(everything_works_when_bytes_come_one_by_one),
        cmocka_unit_test(what_came_before_the_end_is_delivered_before_it),
        cmocka_unit_test(a_reader_paused_before_the_handshake_holds_its_peer_back),
        cmocka_unit_test(both_directions_carry_a_megabyte_with_pauses),
        cmocka_unit_test(one_write_may_pass_the_limit_only_on_an_empty_queue),
        cmocka_unit_test(a_smaller_write_limit_is_kept),
        cmocka_unit_test(a_spoiled_record_ends_both_sides_with_an_alert),
        cmocka_unit_test(no_common_cipher_is_told_to_both_sides),
        cmocka_unit_test(a_handshake_cut_at_any_byte_fails),
        cmocka_unit_test(a_reset_is_passed_on_as_one),
        cmocka_unit_test(the_owner_may_close_in_every_callback),
        cmocka_unit_test(any_and_no_server_name_is_accepted),
        cmocka_unit_test(an_idle_stream_is_not_asked_for_tickets_and_resumes_nothing),
        cmocka_unit_test(running_out_of_memory_ends_only_the_stream),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
