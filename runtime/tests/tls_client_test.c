/* Servers that require a client's certificate, and servers that do not ask for one. */
#include <string.h>

#include <openssl/ssl.h>

#include "base/unit.h"
#include "tls_fixture.h"

static void start(struct fixture *f, enum tls_client_certificate asks,
                  const struct pki_identity *client)
{
    fixture_init(f);
    f->server_settings.client_certificate = asks;
    f->client_settings.identity = client;
    f->client_settings.max_version = TLS_VERSION_1_2; /* so that the client sees the refusal */
}

static void a_server_that_does_not_ask_gets_no_certificate(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TLS_CLIENT_NOT_ASKED, pki.client);
    fixture_connect(&f);
    assert_true(f.client.is_open && f.server.is_open);
    assert_null(SSL_get0_peer_certificate(stream_tls(f.server.stream)));
    fixture_fini(&f);
}

static void a_required_client_certificate_is_accepted(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TLS_CLIENT_REQUIRED, pki.client);
    fixture_connect(&f);
    assert_true(f.client.is_open && f.server.is_open);
    char name[80];
    tls_peer_common_name(f.server.stream, name, sizeof name);
    assert_string_equal(name, "device-1");
    fixture_fini(&f);
}

static void without_a_certificate_the_handshake_fails(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TLS_CLIENT_REQUIRED, NULL);
    fixture_connect(&f);
    assert_false(f.client.is_open || f.server.is_open);
    assert_int_equal(f.server.end.kind, STREAM_END_TLS);
    assert_true(f.server.end.alert_is_ours);
    assert_int_equal(f.client.end.tls_alert, SSL_AD_HANDSHAKE_FAILURE);
    fixture_fini(&f);
}

static void a_certificate_of_another_root_fails_the_handshake(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TLS_CLIENT_REQUIRED, pki.stranger);
    fixture_connect(&f);
    assert_false(f.client.is_open || f.server.is_open);
    assert_non_null(strstr(f.server.end.text, "the client's certificate is not accepted"));
    fixture_fini(&f);
}

static void a_server_without_roots_accepts_nobody(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TLS_CLIENT_REQUIRED, pki.client);
    f.server_settings.trust = NULL;
    fixture_connect(&f);
    assert_false(f.client.is_open || f.server.is_open);
    fixture_fini(&f);
}

static void a_servers_certificate_is_no_clients(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TLS_CLIENT_REQUIRED, pki.server);
    fixture_connect(&f);
    assert_false(f.client.is_open || f.server.is_open);
    assert_non_null(strstr(f.server.end.text, "purpose"));
    fixture_fini(&f);
}

static void validity_of_the_client_is_judged_by_the_loops_clock(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, TLS_CLIENT_REQUIRED, pki.client);
    f.client_settings.verifies_peer = false;
    loop_wall_shift(f.loop, INT64_C(40) * 365 * 86400 * 1000000);
    fixture_connect(&f);
    assert_false(f.client.is_open || f.server.is_open);
    assert_non_null(strstr(f.server.end.text, "expired"));
    fixture_fini(&f);
}

/* wsman.md 4.10, TrustedCN */
static void the_clients_name_is_in_the_list_or_below_one_of_it(void **state)
{
    (void)state;
    static const struct {
        const char *names[3];
        bool works;
    } k_cases[] = {
        { { "device-1" }, true }, { { "other", "DEVICE-1" }, true },  { { "other.test" }, false },
        { { "vice-1" }, false },  { { "device-1.lab.test" }, false }, { { NULL }, true },
        { { "" }, false },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct fixture f;
        start(&f, TLS_CLIENT_REQUIRED, pki.client);
        f.server_settings.client_names = k_cases[i].names;
        fixture_connect(&f);
        assert_int_equal(f.server.is_open, k_cases[i].works);
        if (!k_cases[i].works) {
            assert_non_null(strstr(f.server.end.text, "not among the trusted names"));
        }
        fixture_fini(&f);
    }
}

static void a_name_below_a_trusted_domain_is_accepted(void **state)
{
    (void)state;
    static const char *const k_names[] = { "lab.test", NULL };
    static const char *const k_near[] = { "ab.test", NULL };
    struct pki_identity *console = issue("console.lab.test", false, false, pki.root);
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        start(&f, TLS_CLIENT_REQUIRED, console);
        f.server_settings.client_names = i == 0 ? k_names : k_near;
        fixture_connect(&f);
        assert_int_equal(f.server.is_open, i == 0);
        fixture_fini(&f);
    }
    pki_identity_free(console);
}

/* wsman.md 4.9: an intermediate certificate can be the trusted one. */
static void an_intermediate_certificate_can_be_the_trust_anchor(void **state)
{
    (void)state;
    struct pki_identity *middle = issue("Middle", true, false, pki.root);
    struct pki_identity *client = issue("below", false, false, middle);
    struct pki_trust *trust = pki_trust_new();
    assert_int_equal(pki_trust_add_certificate(trust, pki_certificate(middle)), AMT_OK);
    struct pki_identity *alone = pki_identity_of(pki_certificate(client), pki_key(client));
    struct fixture f;
    start(&f, TLS_CLIENT_REQUIRED, alone);
    f.server_settings.trust = trust;
    fixture_connect(&f);
    assert_true(f.server.is_open);
    fixture_fini(&f);
    pki_identity_free(alone);
    pki_identity_free(client);
    pki_identity_free(middle);
    pki_trust_free(trust);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(a_server_that_does_not_ask_gets_no_certificate),
        cmocka_unit_test(a_required_client_certificate_is_accepted),
        cmocka_unit_test(without_a_certificate_the_handshake_fails),
        cmocka_unit_test(a_certificate_of_another_root_fails_the_handshake),
        cmocka_unit_test(a_server_without_roots_accepts_nobody),
        cmocka_unit_test(a_servers_certificate_is_no_clients),
        cmocka_unit_test(validity_of_the_client_is_judged_by_the_loops_clock),
        cmocka_unit_test(the_clients_name_is_in_the_list_or_below_one_of_it),
        cmocka_unit_test(a_name_below_a_trusted_domain_is_accepted),
        cmocka_unit_test(an_intermediate_certificate_can_be_the_trust_anchor),
    };
    return cmocka_run_group_tests(k_tests, make_pki, free_pki);
}
