#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/pki_internal.h"
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
        { "mps.lab.test", "certificate is not yet valid", 1, -20 * 365, 45 },
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

/* For Wireshark; whoever reads it reads everything, so nobody else may. */
static void session_keys_are_logged_when_asked_for(void **state)
{
    (void)state;
    char path[] = "/tmp/amtlab-keys-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && close(fd) == 0);
    assert_int_equal(unlink(path), 0);
    for (int round = 0; round < 2; round++) { /* the second run adds to the file */
        struct fixture f;
        fixture_init(&f);
        f.server_settings.key_log_path = path;
        fixture_connect(&f);
        assert_true(f.server.is_open);
        fixture_fini(&f);
    }
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[400];
    int secrets = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        secrets += strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0 ? 1 : 0;
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(secrets, 2);
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

/* A certificate no sane CA would make, signed by the test root: name[0, len) as its Common Name. */
static struct pki_identity *make_odd(EVP_PKEY *key, const char *name, int len)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 77), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), 1514764800));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), 2524607999));
    assert_int_equal(X509_NAME_add_entry_by_NID(subject, NID_commonName, V_ASN1_UTF8STRING,
                                                (const unsigned char *)name, len, -1, 0),
                     1);
    assert_int_equal(
        X509_set_issuer_name(certificate, X509_get_subject_name(pki.root->certificate)), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, pki.root->key, EVP_sha256()) > 0);
    struct pki_identity *identity = pki_identity_new(certificate, key);
    assert_non_null(identity);
    return identity;
}

/* To a reader of C strings the name would end at the 0 byte (APF-DEV-002). */
static void a_common_name_with_a_zero_byte_matches_nothing(void **state)
{
    (void)state;
    static const char k_name[] = "mps.lab.test\0.attacker.test";
    struct pki_identity *odd = make_odd(EVP_EC_gen("P-256"), k_name, sizeof k_name - 1);
    struct fixture f;
    fixture_init(&f);
    f.server_settings.identity = odd;
    fixture_connect(&f);
    assert_false(f.client.is_open);
    assert_int_equal(f.client.end.tls_alert, 42);
    fixture_fini(&f);
    pki_identity_free(odd);
}

static void the_most_specific_common_name_is_the_one_that_counts(void **state)
{
    (void)state;
    struct pki_identity *odd = make_odd(EVP_EC_gen("P-256"), "first", 5);
    X509_NAME *subject = X509_get_subject_name(odd->certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)"MPS.Lab.Test", -1, -1, 0),
                     1);
    assert_true(X509_sign(odd->certificate, pki.root->key, EVP_sha256()) > 0);
    struct fixture f;
    fixture_init(&f);
    f.server_settings.identity = odd;
    fixture_connect(&f);
    assert_true(f.client.is_open); /* DNS names do not distinguish case */
    char name[64];
    tls_peer_common_name(f.client.stream, name, sizeof name);
    assert_string_equal(name, "MPS.Lab.Test");
    fixture_fini(&f);
    pki_identity_free(odd);
}

/* APF-MPS-004: a good chain with a key of 1024 bits proves nothing, unless old firmware is
 * wanted. */
static void a_weak_client_key_is_trusted_by_a_legacy_server_only(void **state)
{
    (void)state;
    struct pki_identity *weak = make_odd(EVP_RSA_gen(1024), "device-1", 8);
    for (int legacy = 0; legacy < 2; legacy++) {
        struct fixture f;
        fixture_init(&f);
        f.client_settings.identity = weak;
        f.client_settings.legacy = true; /* else the client would not use the key */
        f.server_settings.legacy = legacy != 0;
        fixture_connect(&f);
        assert_true(f.server.is_open);
        struct amt_diag diag = { .err = AMT_OK };
        assert_int_equal(tls_peer_is_trusted(f.server.stream, &diag), legacy != 0);
        if (legacy == 0) {
            assert_non_null(strstr(diag.text, "key too weak"));
        }
        fixture_fini(&f);
    }
    pki_identity_free(weak);
}

/* The certificate is judged when it is used, by the clock of that moment. */
static void a_client_certificate_expires_while_the_connection_lasts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.client_settings.identity = pki.client;
    fixture_connect(&f);
    assert_true(tls_peer_is_trusted(f.server.stream, NULL));
    loop_wall_shift(f.loop, (int64_t)40 * 365 * 86400 * 1000000);
    struct amt_diag diag = { .err = AMT_OK };
    assert_false(tls_peer_is_trusted(f.server.stream, &diag));
    assert_non_null(strstr(diag.text, "expired"));
    fixture_fini(&f);
}

static void a_client_chain_with_an_intermediate_is_followed(void **state)
{
    (void)state;
    struct pki_identity *middle = NULL;
    struct pki_request request = { .common_name = "Middle", .key = PKI_P256, .is_authority = true };
    middle = pki_issue(&request, pki.root, NULL);
    struct pki_identity *leaf = issue("device-2", false, false, middle);
    for (int sends = 0; sends < 2; sends++) {
        struct fixture f;
        fixture_init(&f);
        f.client_settings.identity = leaf;
        f.client_settings.sends_chain = sends != 0;
        fixture_connect(&f);
        assert_int_equal(tls_peer_is_trusted(f.server.stream, NULL), sends != 0);
        fixture_fini(&f);
    }
    pki_identity_free(leaf);
    pki_identity_free(middle);
}

/* APF-MPS-003: the list of acceptable issuers is empty, so that every device offers what it has. */
static void the_request_for_a_certificate_names_no_issuers(void **state)
{
    (void)state;
    for (int version = TLS_VERSION_1_2; version <= (int)TLS_VERSION_1_3; version++) {
        struct fixture f;
        fixture_init(&f);
        f.client_settings.min_version = (enum tls_version)version;
        f.client_settings.max_version = (enum tls_version)version;
        fixture_connect(&f);
        SSL *ssl = stream_tls(f.client.stream);
        assert_true(SSL_get0_peer_CA_list(ssl) == NULL ||
                    sk_X509_NAME_num(SSL_get0_peer_CA_list(ssl)) == 0);
        fixture_fini(&f);
    }
}

static void a_client_that_does_not_verify_takes_any_server(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.client_settings = (struct tls_settings){ .verifies_peer = false };
    f.check.name = "another.name";
    fixture_connect(&f);
    assert_true(f.client.is_open && f.server.is_open);
    fixture_fini(&f);
}

static void the_highest_version_alone_may_be_set(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.server_settings.legacy = true;
    f.client_settings.max_version = TLS_VERSION_1_1;
    fixture_connect(&f);
    assert_true(f.client.is_open);
    assert_string_equal(SSL_get_version(stream_tls(f.client.stream)), "TLSv1.1");
    fixture_fini(&f);
}

static void versions_the_wrong_way_round_are_an_error(void **state)
{
    (void)state;
    struct amt_diag diag = { .err = AMT_OK };
    struct tls_settings settings = { .min_version = TLS_VERSION_1_3,
                                     .max_version = TLS_VERSION_1_2 };
    assert_null(tls_context_new(&settings, &diag));
    assert_int_equal(diag.err, AMT_ECONFIG);
    assert_non_null(strstr(diag.text, "TLS"));
    enum tls_version version = TLS_VERSION_1_2;
    assert_int_equal(tls_version_parse("1.0", &version), AMT_OK);
    assert_int_equal(version, TLS_VERSION_1_0);
    assert_int_equal(tls_version_parse("1.4", &version), AMT_EMALFORMED);
    assert_int_equal(tls_version_parse("", &version), AMT_EMALFORMED);
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
        cmocka_unit_test(session_keys_are_logged_when_asked_for),
        cmocka_unit_test(unusable_settings_are_told),
        cmocka_unit_test(a_common_name_with_a_zero_byte_matches_nothing),
        cmocka_unit_test(the_most_specific_common_name_is_the_one_that_counts),
        cmocka_unit_test(a_weak_client_key_is_trusted_by_a_legacy_server_only),
        cmocka_unit_test(a_client_certificate_expires_while_the_connection_lasts),
        cmocka_unit_test(a_client_chain_with_an_intermediate_is_followed),
        cmocka_unit_test(the_request_for_a_certificate_names_no_issuers),
        cmocka_unit_test(a_client_that_does_not_verify_takes_any_server),
        cmocka_unit_test(the_highest_version_alone_may_be_set),
        cmocka_unit_test(versions_the_wrong_way_round_are_an_error),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
