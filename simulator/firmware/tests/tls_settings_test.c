/* TLS of the two interfaces: wsman.md 4.10, with real handshakes. */
#include <string.h>

#include <openssl/ssl.h>

#include "simulator/firmware/provisioning_internal.h"
#include "tls_rig.h"

static void a_new_device_shows_the_captured_values(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    struct wsman_instance *list = keys_list(&f, TLS_RIG_SETTINGS);
    assert_string_equal(wsman_get(list, "InstanceID"), TLS_RIG_NETWORK);
    assert_string_equal(wsman_get(list, "ElementName"), TLS_RIG_NETWORK);
    assert_string_equal(wsman_get(list, "AcceptNonSecureConnections"), "false");
    assert_string_equal(wsman_get(list, "Enabled"), "false");
    assert_string_equal(wsman_get(list, "MutualAuthentication"), "false");
    assert_false(wsman_has(list, "NonSecureConnectionsSupported"));
    assert_false(wsman_has(list, "TrustedCN"));
    assert_string_equal(wsman_get(list->next, "InstanceID"), TLS_RIG_LOCAL);
    assert_string_equal(wsman_get(list->next, "AcceptNonSecureConnections"), "true");
    assert_null(list->next->next);
    assert_null(keys_list(&f, TLS_RIG_CONTEXT));
    assert_null(tls_settings_context(f.firmware, FIRMWARE_NETWORK));
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_NETWORK));
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    keys_fixture_fini(&f);
}

/* WSM-100 */
static void settings_act_at_the_commit(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_equip(&f);
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "Enabled", true), WSMAN_OK);
    assert_string_equal(tls_rig_get(&f, TLS_RIG_NETWORK, "Enabled"), "true");
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_NETWORK));
    assert_null(tls_settings_context(f.firmware, FIRMWARE_NETWORK));
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_true(tls_settings_enabled(f.firmware, FIRMWARE_NETWORK));
    assert_true(tls_settings_enabled(f.firmware, FIRMWARE_CIRA));
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_LOCAL));
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_LOCAL));
    assert_null(tls_settings_context(f.firmware, FIRMWARE_LOCAL));
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "AcceptNonSecureConnections", true),
                     WSMAN_OK);
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    keys_fixture_fini(&f);
}

static void tls_needs_a_credential_context(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(tls_rig_put(&f, TLS_RIG_LOCAL, "Enabled", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_NO_ASSOCIATION);
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_LOCAL));
    tls_rig_equip(&f);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_true(tls_settings_enabled(f.firmware, FIRMWARE_LOCAL));
    keys_fixture_fini(&f);
}

static void the_device_shows_its_certificate_and_has_its_key(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_enable(&f);
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "device.lab.test");
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_LOCAL), "device.lab.test");
    struct tls_rig_handshake h;
    tls_rig_shake(&f, &h, FIRMWARE_NETWORK, keys_pki.console, TLS_VERSION_DEFAULT);
    assert_true(h.device.is_open && h.console.is_open);
    /* without mutual authentication nobody is asked for a certificate */
    assert_null(SSL_get0_peer_certificate(stream_tls(h.device.stream)));
    X509 *shown = SSL_get0_peer_certificate(stream_tls(h.console.stream));
    assert_int_equal(X509_cmp(shown, keys_pki.certificate), 0);
    tls_rig_hang_up(&f, &h);
    keys_fixture_fini(&f);
}

/* wsman.md 1.1 */
static void each_release_speaks_its_versions_of_tls(void **state)
{
    (void)state;
    static const struct {
        uint32_t release;
        bool speaks[4]; /* 1.0 ... 1.3 */
    } k_cases[] = {
        { 1100, { true, true, false, false } },  { 1200, { false, true, true, false } },
        { 1500, { false, true, true, false } },  { 1600, { false, false, true, false } },
        { 1900, { false, false, true, false } },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct keys_fixture f;
        keys_fixture_init(&f, k_cases[i].release);
        tls_rig_enable(&f);
        for (int version = 0; version < 4; version++) {
            struct tls_rig_handshake h;
            tls_rig_shake(&f, &h, FIRMWARE_NETWORK, NULL,
                          (enum tls_version)(TLS_VERSION_1_0 + version));
            assert_int_equal(h.console.is_open, k_cases[i].speaks[version]);
            tls_rig_hang_up(&f, &h);
        }
        keys_fixture_fini(&f);
    }
}

/* wsman.md 1.1: during a provisioning session 16993 is open; activation.md 4.7 */
static void a_provisioning_session_is_tls_with_the_factory_certificate(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1500);
    f.firmware->provisioning->state = PROVISIONING_IN;
    assert_true(firmware_port_is_open(f.firmware, 16993, FIRMWARE_NETWORK));
    assert_false(tls_rig_accepts(&f, FIRMWARE_NETWORK, NULL)); /* nobody without a certificate */
    struct tls_rig_handshake h;
    char name[80];
    tls_rig_shake(&f, &h, FIRMWARE_LOCAL, keys_pki.stranger, TLS_VERSION_DEFAULT);
    assert_false(h.device.is_open); /* the setup judges it in the handshake */
    tls_peer_common_name(h.console.stream, name, sizeof name);
    assert_string_equal(name, "AMT RCFG");
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(stream_tls(h.console.stream)),
                              tls_settings_factory_certificate(f.firmware)),
                     0);
    tls_rig_hang_up(&f, &h);
    f.firmware->provisioning->state = PROVISIONING_POST;
    assert_null(tls_settings_context(f.firmware, FIRMWARE_NETWORK));
    keys_fixture_fini(&f);
}

/* MeshCentral offers RSA key exchange with AES only (wsman.md 1.1) */
static void meshcentrals_ciphers_are_enough(void **state)
{
    (void)state;
    static const uint32_t k_releases[] = { 1100, 1200, 1600, 1610 };
    for (size_t i = 0; i < 4; i++) {
        struct keys_fixture f;
        keys_fixture_init(&f, k_releases[i]);
        if (k_releases[i] < 1610) {
            tls_rig_enable(&f);
        } /* else TLS only, with the factory certificate */
        struct tls_rig_handshake h;
        tls_rig_ciphers = "RSA+AES:!aNULL:!MD5:!DSS";
        tls_rig_shake(&f, &h, FIRMWARE_NETWORK, NULL, TLS_VERSION_DEFAULT);
        tls_rig_ciphers = NULL;
        assert_true(h.device.is_open && h.console.is_open);
        tls_rig_hang_up(&f, &h);
        keys_fixture_fini(&f);
    }
}

/* WSM-099 */
static void there_is_one_context_and_both_spellings_make_it(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    static const char *const k_spellings[] = { TLS_RIG_SPELLING, TLS_RIG_OTHER_SPELLING };
    for (int i = 0; i < 2; i++) {
        const struct wsman_ref *made =
            keys_create(&f, tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_0, k_spellings[i]));
        assert_string_equal(made->class_name, TLS_RIG_CONTEXT);
        assert_string_equal(made->selectors->name, "ElementInContext");
        assert_string_equal(wsman_ref_selector(made->selectors->ref, "InstanceID"),
                            TLS_RIG_CERTIFICATE_0);
        assert_string_equal(made->selectors->next->name, "ElementProvidingContext");
        assert_string_equal(wsman_ref_selector(made->selectors->next->ref, "ElementName"),
                            TLS_RIG_SPELLING);
        struct wsman_instance *shown = keys_list(&f, TLS_RIG_CONTEXT);
        assert_string_equal(
            wsman_ref_selector(wsman_get_ref(shown, "ElementInContext"), "InstanceID"),
            TLS_RIG_CERTIFICATE_0);
        assert_null(keys_create(&f, tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_0, k_spellings[i])));
        assert_int_equal(f.call.fault, WSMAN_ALREADY_EXISTS);
        assert_int_equal(keys_delete(&f, TLS_RIG_CONTEXT, NULL), WSMAN_OK);
        assert_null(keys_list(&f, TLS_RIG_CONTEXT));
    }
    keys_fixture_fini(&f);
}

static void what_cannot_serve_is_not_associated(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    assert_null(keys_create(
        &f, tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_0, TLS_RIG_SPELLING))); /* no key */
    assert_int_equal(f.call.fault, WSMAN_INTERNAL_ERROR);
    assert_string_equal(f.call.detail, "AMT-STATUS 2060");
    assert_null(keys_create(
        &f, tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_1, TLS_RIG_SPELLING))); /* a root */
    assert_int_equal(f.call.fault, WSMAN_INVALID_REPRESENTATION);
    assert_null(keys_create(
        &f, tls_rig_context_of(&f, "Intel(r) AMT Certificate: Handle: 3", TLS_RIG_SPELLING)));
    assert_int_equal(f.call.fault, WSMAN_INVALID_REPRESENTATION);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_null(keys_create(&f, tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_0, "Something Else")));
    assert_int_equal(f.call.fault, WSMAN_INVALID_REPRESENTATION);
    assert_non_null(
        keys_create(&f, tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_0, TLS_RIG_SPELLING)));
    keys_fixture_fini(&f);
}

static void a_put_changes_the_certificate_at_the_next_commit(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_enable(&f);
    X509 *renewed = keys_issue(keys_pki.other_rsa, "renewed.lab.test");
    assert_int_equal(keys_add_key(&f, keys_pki.other_rsa), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, renewed, false), PT_SUCCESS);
    X509_free(renewed);
    assert_int_equal(
        keys_put(&f, TLS_RIG_CONTEXT, NULL,
                 tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_1, TLS_RIG_OTHER_SPELLING)),
        WSMAN_OK);
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "device.lab.test");
    /* both are in use until then */
    static const char k_class[] = "AMT_PublicKeyCertificate";
    assert_int_equal(keys_delete(&f, k_class, TLS_RIG_CERTIFICATE_0), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, k_class, TLS_RIG_CERTIFICATE_1), WSMAN_ACCESS_DENIED);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "renewed.lab.test");
    assert_int_equal(keys_delete(&f, k_class, TLS_RIG_CERTIFICATE_0), WSMAN_OK);
    keys_fixture_fini(&f);
}

/* WSM-098 */
static void what_tls_uses_cannot_be_deleted(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    static const char k_certificates[] = "AMT_PublicKeyCertificate";
    static const char k_pairs[] = "AMT_PublicPrivateKeyPair";
    static const char k_key_0[] = "Intel(r) AMT Key: Handle: 0";
    tls_rig_enable(&f);
    assert_int_equal(keys_delete(&f, k_certificates, TLS_RIG_CERTIFICATE_0), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, k_pairs, k_key_0), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, TLS_RIG_CONTEXT, NULL), WSMAN_ACCESS_DENIED);
    X509 *renewed = keys_issue(keys_pki.rsa, "renewed.lab.test");
    unsigned char *der = NULL;
    int len = i2d_X509(renewed, &der);
    struct wsman_instance *in = keys_input(&f);
    wsman_set_base64(in, "X509Certificate", der, (size_t)len);
    assert_int_equal(keys_put(&f, k_certificates, TLS_RIG_CERTIFICATE_0, in), WSMAN_ACCESS_DENIED);
    OPENSSL_free(der);
    X509_free(renewed);
    tls_rig_make_mutual(&f);
    assert_int_equal(keys_delete(&f, k_certificates, TLS_RIG_CERTIFICATE_1), WSMAN_ACCESS_DENIED);
    /* wsman.md 4.9: with mutual TLS no root is added */
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.other_root), true),
                     PT_NOT_PERMITTED);
    /* the way back: off, commit, context, certificate, key */
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "Enabled", false), WSMAN_OK);
    assert_int_equal(tls_rig_put(&f, TLS_RIG_LOCAL, "Enabled", false), WSMAN_OK);
    assert_int_equal(keys_delete(&f, TLS_RIG_CONTEXT, NULL), WSMAN_ACCESS_DENIED);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_int_equal(keys_delete(&f, k_certificates, TLS_RIG_CERTIFICATE_0), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, TLS_RIG_CONTEXT, NULL), WSMAN_OK);
    assert_int_equal(keys_delete(&f, k_certificates, TLS_RIG_CERTIFICATE_0), WSMAN_OK);
    assert_int_equal(keys_delete(&f, k_certificates, TLS_RIG_CERTIFICATE_1), WSMAN_OK);
    assert_int_equal(keys_delete(&f, k_pairs, k_key_0), WSMAN_OK);
    assert_null(tls_settings_context(f.firmware, FIRMWARE_NETWORK));
    keys_fixture_fini(&f);
}

/* wsman.md 5.4: from 16.1 on the network has no plain port, from 19 on the host neither */
static void a_tls_only_interface_speaks_tls_from_birth(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1610);
    assert_string_equal(tls_rig_get(&f, TLS_RIG_NETWORK, "NonSecureConnectionsSupported"), "false");
    assert_string_equal(tls_rig_get(&f, TLS_RIG_NETWORK, "Enabled"), "false");
    assert_string_equal(tls_rig_get(&f, TLS_RIG_LOCAL, "NonSecureConnectionsSupported"), "true");
    assert_string_equal(tls_rig_get(&f, TLS_RIG_LOCAL, "Enabled"), "false");
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_CIRA));
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_LOCAL));
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    assert_null(tls_settings_context(f.firmware, FIRMWARE_LOCAL));
    keys_fixture_fini(&f);
    keys_fixture_init(&f, 1900);
    f.firmware->provisioning->state = PROVISIONING_PRE;
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_LOCAL), "AMT RCFG");
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_LOCAL));
    keys_fixture_fini(&f);
}

static void a_tls_only_interface_takes_a_certificate_and_gives_it_back(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1610);
    struct pki_identity *factory = NULL;
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    X509 *before = tls_settings_factory_certificate(f.firmware);
    /* written back as read, and MeshCentral's AcceptNonSecureConnections */
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "AcceptNonSecureConnections", true),
                     WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    tls_rig_equip(&f);
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "Enabled", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "device.lab.test");
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "Enabled", false), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_int_equal(keys_delete(&f, TLS_RIG_CONTEXT, NULL), WSMAN_OK);
    assert_int_equal(keys_delete(&f, "AMT_PublicKeyCertificate", TLS_RIG_CERTIFICATE_0), WSMAN_OK);
    assert_ptr_equal(tls_settings_factory_certificate(f.firmware), before);
    pki_identity_free(factory);
    keys_fixture_fini(&f);
}

static void the_profile_says_how_a_device_is_born(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    struct wsman_instance *born = wsman_instance_new(&f.profile->arena, TLS_RIG_SETTINGS);
    wsman_set(born, "InstanceID", TLS_RIG_NETWORK);
    wsman_set(born, "AcceptNonSecureConnections", "true");
    wsman_set(born, "Enabled", "true");
    for (uint32_t i = 0; i < k_class_count; i++) {
        if (strcmp(k_classes[i].name, TLS_RIG_SETTINGS) == 0) {
            f.profile->classes[i].instances = born;
        }
    }
    k_tls_settings_part.unprovision(f.firmware, false);
    assert_string_equal(tls_rig_get(&f, TLS_RIG_NETWORK, "Enabled"), "true");
    assert_string_equal(tls_rig_get(&f, TLS_RIG_LOCAL, "Enabled"), "false");
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_string_equal(tls_rig_shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    keys_fixture_fini(&f);
}

static void connections_outlive_a_commit(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_enable(&f);
    struct tls_rig_handshake h;
    tls_rig_shake(&f, &h, FIRMWARE_NETWORK, NULL, TLS_VERSION_DEFAULT);
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "Enabled", false), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    k_tls_settings_part.unprovision(f.firmware, false);
    k_keys_part.unprovision(f.firmware, false);
    assert_int_equal(stream_write(h.console.stream, "again", 5), AMT_OK);
    loop_run(f.loop);
    assert_string_equal(h.device.received, "again");
    tls_rig_hang_up(&f, &h);
    keys_fixture_fini(&f);
}

static void unprovisioning_forgets_the_settings(void **state)
{
    (void)state;
    static const char *const k_names[] = { "lab.test", NULL };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_enable(&f);
    tls_rig_make_mutual(&f);
    assert_int_equal(tls_rig_put_names(&f, k_names), WSMAN_OK);
    k_tls_settings_part.unprovision(f.firmware, false);
    k_keys_part.unprovision(f.firmware, false);
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_NETWORK));
    assert_false(tls_settings_are_mutual(f.firmware));
    assert_null(keys_list(&f, TLS_RIG_CONTEXT));
    assert_string_equal(tls_rig_get(&f, TLS_RIG_NETWORK, "Enabled"), "false");
    assert_null(tls_rig_get(&f, TLS_RIG_NETWORK, "TrustedCN"));
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    keys_fixture_fini(&f);
}

/* wsman.md 5.2 */
static void before_provisioning_nothing_is_written(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_equip(&f);
    f.firmware->provisioning->state = PROVISIONING_PRE;
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "Enabled", true), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, TLS_RIG_CONTEXT, NULL), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_put(&f, TLS_RIG_CONTEXT, NULL,
                              tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_0, TLS_RIG_SPELLING)),
                     WSMAN_ACCESS_DENIED);
    assert_null(keys_create(&f, tls_rig_context_of(&f, TLS_RIG_CERTIFICATE_0, TLS_RIG_SPELLING)));
    assert_int_equal(f.call.fault, WSMAN_ACCESS_DENIED);
    keys_fixture_fini(&f);
}

static void tls_outlives_a_power_cut(void **state)
{
    (void)state;
    static const char *const k_names[] = { "lab.test", NULL };
    struct keys_fixture f;
    struct keys_fixture g;
    keys_fixture_init(&f, 1610);
    keys_fixture_init(&g, 1610);
    X509 *factory = tls_settings_factory_certificate(f.firmware);
    tls_rig_enable(&f);
    tls_rig_make_mutual(&f);
    assert_int_equal(tls_rig_put_names(&f, k_names), WSMAN_OK);
    assert_int_equal(tls_rig_put(&f, TLS_RIG_LOCAL, "Enabled", false),
                     WSMAN_OK); /* not committed */
    json_t *saved_keys = k_keys_part.save(f.firmware);
    json_t *saved_tls = k_tls_settings_part.save(f.firmware);
    assert_int_equal(k_keys_part.load(g.firmware, saved_keys, NULL), AMT_OK);
    assert_int_equal(k_tls_settings_part.load(g.firmware, saved_tls, NULL), AMT_OK);
    json_decref(saved_keys);
    json_decref(saved_tls);
    assert_int_equal(X509_cmp(tls_settings_factory_certificate(g.firmware), factory), 0);
    assert_true(tls_rig_accepts(&g, FIRMWARE_NETWORK, keys_pki.console));
    assert_false(tls_rig_accepts(&g, FIRMWARE_NETWORK, NULL));
    assert_string_equal(tls_rig_get(&g, TLS_RIG_NETWORK, "TrustedCN"), "lab.test");
    assert_true(tls_settings_enabled(g.firmware, FIRMWARE_LOCAL));
    assert_string_equal(tls_rig_shown_name(&g, FIRMWARE_LOCAL), "device.lab.test");
    assert_string_equal(tls_rig_get(&g, TLS_RIG_LOCAL, "Enabled"), "false");
    assert_int_equal(tls_settings_commit(g.firmware), PT_SUCCESS);
    assert_false(tls_settings_enabled(g.firmware, FIRMWARE_LOCAL));
    keys_fixture_fini(&g);
    keys_fixture_fini(&f);
}

static void without_memory_nothing_breaks(void **state)
{
    (void)state;
    bool has_failed = true;
    for (uint64_t k = 1; has_failed && k < 400; k += 1 + k / 16) {
        struct keys_fixture f;
        keys_fixture_init(&f, 1200);
        tls_rig_enable(&f);
        tls_rig_make_mutual(&f);
        tls_settings_renew(f.firmware);
        amt_memory_fail_after(k);
        struct tls_context *context = tls_settings_context(f.firmware, FIRMWARE_NETWORK);
        json_t *saved = k_tls_settings_part.save(f.firmware);
        amt_memory_fail_after(0);
        has_failed = context == NULL || saved == NULL;
        json_decref(saved);
        assert_false(tls_rig_accepts(&f, FIRMWARE_NETWORK, NULL)); /* never opens what is closed */
        assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
        keys_fixture_fini(&f);
    }
    assert_false(has_failed);
}

static void damaged_settings_are_an_error(void **state)
{
    (void)state;
    static const char *const k_states[] = {
        "{\"pending\": {\"network\": {\"enabled\": 1}}}",
        "{\"active\": {\"local\": {\"plain\": \"yes\"}}}",
        "{\"trusted_names\": {\"local\": [1]}}",
        "{\"trusted_names\": {\"local\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}}",
        "{\"associated\": 1}",
        "{\"factory_key\": \"x\", \"factory_certificate\": \"y\"}",
    };
    for (size_t i = 0; i < sizeof k_states / sizeof k_states[0]; i++) {
        struct keys_fixture f;
        keys_fixture_init(&f, 1200);
        json_t *saved = json_loads(k_states[i], 0, NULL);
        struct amt_diag diag = { .err = AMT_OK };
        assert_non_null(saved);
        assert_int_equal(k_tls_settings_part.load(f.firmware, saved, &diag), AMT_ECONFIG);
        assert_non_null(strstr(diag.text, "saved state"));
        json_decref(saved);
        keys_fixture_fini(&f);
    }
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(a_new_device_shows_the_captured_values),
        cmocka_unit_test(settings_act_at_the_commit),
        cmocka_unit_test(tls_needs_a_credential_context),
        cmocka_unit_test(the_device_shows_its_certificate_and_has_its_key),
        cmocka_unit_test(each_release_speaks_its_versions_of_tls),
        cmocka_unit_test(a_provisioning_session_is_tls_with_the_factory_certificate),
        cmocka_unit_test(meshcentrals_ciphers_are_enough),
        cmocka_unit_test(there_is_one_context_and_both_spellings_make_it),
        cmocka_unit_test(what_cannot_serve_is_not_associated),
        cmocka_unit_test(a_put_changes_the_certificate_at_the_next_commit),
        cmocka_unit_test(what_tls_uses_cannot_be_deleted),
        cmocka_unit_test(a_tls_only_interface_speaks_tls_from_birth),
        cmocka_unit_test(a_tls_only_interface_takes_a_certificate_and_gives_it_back),
        cmocka_unit_test(the_profile_says_how_a_device_is_born),
        cmocka_unit_test(connections_outlive_a_commit),
        cmocka_unit_test(unprovisioning_forgets_the_settings),
        cmocka_unit_test(before_provisioning_nothing_is_written),
        cmocka_unit_test(tls_outlives_a_power_cut),
        cmocka_unit_test(without_memory_nothing_breaks),
        cmocka_unit_test(damaged_settings_are_an_error),
    };
    return cmocka_run_group_tests(k_tests, keys_make_pki, keys_free_pki);
}
