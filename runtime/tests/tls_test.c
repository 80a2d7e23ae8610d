#include <string.h>

#include <openssl/ssl.h>

#include "base/memory.h"
#include "base/unit.h"
#include "tls_fixture.h"

static void a_good_server_is_accepted(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_connect(&f);
    assert_true(f.client.is_open && f.server.is_open);
    char text[80];
    tls_describe(f.client.stream, text, sizeof text);
    assert_non_null(strstr(text, "TLSv1.3"));
    tls_peer_common_name(f.client.stream, text, sizeof text);
    assert_string_equal(text, "mps.lab.test");
    fixture_fini(&f);
}

/* APF-MPS-002 */
static void each_version_is_negotiated_and_old_ones_need_legacy(void **state)
{
    (void)state;
    static const struct {
        enum tls_version version;
        bool is_legacy, works;
        const char *name;
    } k_cases[] = {
        { TLS_VERSION_1_3, false, true, "TLSv1.3" }, { TLS_VERSION_1_2, false, true, "TLSv1.2" },
        { TLS_VERSION_1_1, false, false, "" },       { TLS_VERSION_1_0, false, false, "" },
        { TLS_VERSION_1_1, true, true, "TLSv1.1" },  { TLS_VERSION_1_0, true, true, "TLSv1" },
        { TLS_VERSION_1_3, true, true, "TLSv1.3" },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        f.server_settings.legacy = k_cases[i].is_legacy;
        f.client_settings.min_version = k_cases[i].version;
        f.client_settings.max_version = k_cases[i].version;
        fixture_connect(&f);
        assert_int_equal(f.client.is_open, k_cases[i].works);
        if (k_cases[i].works) {
            assert_string_equal(SSL_get_version(stream_tls(f.client.stream)), k_cases[i].name);
        } else {
            assert_int_equal(f.client.end.kind, STREAM_END_TLS);
            assert_int_equal(f.client.end.tls_alert, 70); /* protocol_version */
            assert_false(f.client.end.alert_is_ours);
            assert_true(f.server.end.alert_is_ours);
        }
        fixture_fini(&f);
    }
}

/* APF-DEV-002 */
static void a_wrong_server_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
        int trust, shift_days, alert;
    } k_cases[] = {
        { "other.lab.test", "Common Name \"mps.lab.test\", but \"other.lab.test\"", 1, 0, 42 },
        { "mps.lab.test", "unable to get local issuer", 2, 0, 48 },
        { "mps.lab.test", "unable to get local issuer", 0, 0, 48 },
        { "mps.lab.test", "certificate has expired", 1, 40 * 365, 45 },
        { "mps.lab.test", "certificate is not yet valid", 1, -20 * 365, 42 },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        f.check.name = k_cases[i].name;
        f.client_settings.trust = k_cases[i].trust == 1   ? pki.trust
                                  : k_cases[i].trust == 2 ? pki.other_trust
                                                          : NULL;
        loop_wall_shift(f.loop, (int64_t)k_cases[i].shift_days * 86400 * 1000000);
        fixture_connect(&f);
        assert_false(f.client.is_open);
        assert_int_equal(f.client.end.kind, STREAM_END_TLS);
        if (strstr(f.client.end.text, k_cases[i].says) == NULL) {
            fail_msg("case %zu: %s", i, f.client.end.text);
        }
        assert_true(f.client.end.alert_is_ours);
        assert_int_equal(f.client.end.tls_alert, k_cases[i].alert);
        /* In TLS 1.3 the server has finished before it hears of it. */
        assert_int_equal(f.server.end.kind, STREAM_END_TLS);
        assert_int_equal(f.server.end.tls_alert, k_cases[i].alert);
        fixture_fini(&f);
    }
}

static void an_alternative_name_counts_only_when_asked_for(void **state)
{
    (void)state;
    struct pki_request request = { .common_name = "first.test",
                                   .names =
                                       (const char *const[]){ "second.test", "192.0.2.7", NULL },
                                   .key = PKI_P256,
                                   .for_server = true };
    struct pki_identity *server = pki_issue(&request, pki.root, NULL);
    assert_true(pki_has_name(server, "first.test"));
    assert_false(pki_has_name(server, "second.test"));
    for (int or_san = 0; or_san < 2; or_san++) {
        static const char *const k_names[] = { "second.test", "192.0.2.7" };
        for (int i = 0; i < 2; i++) {
            struct fixture f;
            fixture_init(&f);
            f.server_settings.identity = server;
            f.check = (struct tls_name_check){ .name = k_names[i], .or_san = or_san != 0 };
            fixture_connect(&f);
            assert_int_equal(f.client.is_open, or_san != 0);
            fixture_fini(&f);
        }
    }
    pki_identity_free(server);
}

/* APF-MPS-003, APF-MPS-004 */
static void a_client_certificate_is_asked_for_and_judged_by_its_chain(void **state)
{
    (void)state;
    const struct pki_identity *const identities[] = { NULL, pki.client, pki.stranger, pki.server };
    static const bool k_trusted[] = { false, true, false, false };
    for (int i = 0; i < 4; i++) {
        struct fixture f;
        fixture_init(&f);
        f.client_settings.identity = identities[i];
        fixture_connect(&f);
        assert_true(f.server.is_open); /* never required */
        struct amt_diag diag = { .err = AMT_OK };
        assert_int_equal(tls_peer_is_trusted(f.server.stream, &diag), k_trusted[i]);
        assert_int_equal(diag.text[0] == '\0', k_trusted[i]);
        char print[65];
        tls_peer_fingerprint(f.server.stream, print);
        assert_int_equal(strlen(print), identities[i] == NULL ? 0 : 64);
        fixture_fini(&f);
    }
}

/* APF-MPS-007 */
static void the_chain_is_sent_only_when_asked_for(void **state)
{
    (void)state;
    for (int sends = 0; sends < 2; sends++) {
        struct fixture f;
        fixture_init(&f);
        f.server_settings.sends_chain = sends != 0;
        fixture_connect(&f);
        STACK_OF(X509) *chain = SSL_get_peer_cert_chain(stream_tls(f.client.stream));
        assert_int_equal(sk_X509_num(chain), sends == 0 ? 1 : 2);
        fixture_fini(&f);
    }
}

/* APF-COM-021: one write is one record, and arrives as one piece. */
static void one_write_is_one_record(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_connect(&f);
    static const uint8_t k_block[4096] = { 1 };
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(stream_write(f.client.stream, k_block, sizeof k_block), AMT_OK);
    }
    loop_run(f.loop);
    assert_int_equal(f.server.deliveries, 5);
    assert_int_equal(f.server.largest, 4096);
    fixture_fini(&f);
}

static void large_transfers_survive_pauses(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_connect(&f);
    uint8_t *block = amt_alloc(50000);
    uint64_t sum = 0;
    stream_pause(f.server.stream);
    for (uint32_t i = 0; i < 20; i++) {
        memset(block, (int)i, 50000);
        for (uint32_t k = 0; k < 50000; k++) {
            sum = sum * 31 + block[k];
        }
        assert_int_equal(stream_write(f.client.stream, block, 50000), AMT_OK);
    }
    stream_shutdown(f.client.stream);
    loop_run(f.loop);
    assert_int_equal(f.server.received_bytes, 0);
    assert_true(stream_queued_bytes(f.client.stream) > 0);
    assert_int_equal(stream_write(f.client.stream, block, 1), AMT_ECLOSED);
    stream_resume(f.server.stream);
    loop_run(f.loop);
    assert_true(f.server.received_bytes == 1000000 && f.server.sum == sum);
    assert_int_equal(f.server.end.kind, STREAM_END_FIN);
    amt_free(block);
    fixture_fini(&f);
}

static void what_is_written_before_the_handshake_follows_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stream *a = NULL;
    struct stream *b = NULL;
    f.server_context = tls_context_new(&f.server_settings, NULL);
    f.client_context = tls_context_new(&f.client_settings, NULL);
    assert_int_equal(stream_memory_pair(f.loop, &a, &b), AMT_OK);
    f.server.stream = tls_accept(f.loop, f.server_context, a, &k_side, &f.server);
    f.client.stream = tls_connect(f.loop, f.client_context, &f.check, b, &k_side, &f.client);
    assert_int_equal(stream_write(f.client.stream, "early", 5), AMT_OK);
    loop_run(f.loop);
    assert_int_equal(f.server.received_bytes, 5);
    fixture_fini(&f);
}

static void garbage_and_silence_end_the_handshake(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stream *a = NULL;
    struct stream *b = NULL;
    f.server_context = tls_context_new(&f.server_settings, NULL);
    assert_int_equal(stream_memory_pair(f.loop, &a, &b), AMT_OK);
    f.server.stream = tls_accept(f.loop, f.server_context, a, &k_side, &f.server);
    assert_int_equal(stream_write(b, "GET / HTTP/1.1\r\n\r\n", 18), AMT_OK);
    loop_run(f.loop);
    assert_int_equal(f.server.end.kind, STREAM_END_TLS);
    assert_non_null(strstr(f.server.end.text, "http request"));
    stream_close(b);
    fixture_fini(&f);

    fixture_init(&f);
    f.server_context = tls_context_new(&f.server_settings, NULL);
    assert_int_equal(stream_memory_pair(f.loop, &a, &b), AMT_OK);
    f.server.stream = tls_accept(f.loop, f.server_context, a, &k_side, &f.server);
    stream_close(b);
    loop_run(f.loop);
    assert_int_equal(f.server.end.kind, STREAM_END_TLS);
    assert_non_null(strstr(f.server.end.text, "during the TLS handshake"));
    fixture_fini(&f);
}

static void a_bare_fin_counts_as_the_end(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_connect(&f);
    assert_true(tls_drop_without_close(f.client.stream));
    loop_run(f.loop);
    assert_int_equal(f.server.end.kind, STREAM_END_FIN);
    fixture_fini(&f);
}

static void unusable_settings_are_told(void **state)
{
    (void)state;
    struct amt_diag diag = { .err = AMT_OK };
    struct tls_settings settings = { .is_server = true,
                                     .identity = pki.server,
                                     .ciphers = "NO-SUCH-CIPHER" };
    assert_null(tls_context_new(&settings, &diag));
    assert_non_null(strstr(diag.text, "no cipher match"));
    settings = (struct tls_settings){ .key_log_path = "/nonexistent/keys" };
    assert_null(tls_context_new(&settings, &diag));
    assert_non_null(strstr(diag.text, "/nonexistent/keys"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server_is_accepted),
        cmocka_unit_test(each_version_is_negotiated_and_old_ones_need_legacy),
        cmocka_unit_test(a_wrong_server_is_refused_with_the_reason),
        cmocka_unit_test(an_alternative_name_counts_only_when_asked_for),
        cmocka_unit_test(a_client_certificate_is_asked_for_and_judged_by_its_chain),
        cmocka_unit_test(the_chain_is_sent_only_when_asked_for),
        cmocka_unit_test(one_write_is_one_record),
        cmocka_unit_test(large_transfers_survive_pauses),
        cmocka_unit_test(what_is_written_before_the_handshake_follows_it),
        cmocka_unit_test(garbage_and_silence_end_the_handshake),
        cmocka_unit_test(a_bare_fin_counts_as_the_end),
        cmocka_unit_test(unusable_settings_are_told),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
