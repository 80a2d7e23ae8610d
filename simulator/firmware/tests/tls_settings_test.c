/* TLS of the two interfaces: wsman.md 4.10, with real handshakes. */
#include <string.h>

#include <openssl/ssl.h>

#include "keys_fixture.h"
#include "simulator/firmware/provisioning_internal.h"

static const char k_settings[] = "AMT_TLSSettingData";
static const char k_context[] = "AMT_TLSCredentialContext";
static const char k_network[] = "Intel(r) AMT 802.3 TLS Settings";
static const char k_local[] = "Intel(r) AMT LMS TLS Settings";

/* --- handshakes --- */

struct end {
    struct stream *stream;
    bool is_open, has_ended;
    struct stream_end why;
    char received[16];
};

static void on_open(void *ctx)
{
    ((struct end *)ctx)->is_open = true;
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct end *end = ctx;
    memcpy(end->received, in, len < sizeof end->received ? len : sizeof end->received - 1);
}

static void on_end(void *ctx, const struct stream_end *why)
{
    struct end *end = ctx;
    end->has_ended = true;
    end->why = *why;
}

static const struct stream_handler k_handler = { .on_open = on_open,
                                                 .on_data = on_data,
                                                 .on_end = on_end };

static const char *s_ciphers; /* that the console offers; NULL: the default */

struct handshake {
    struct end device, console;
    struct tls_context *context;
};

/* A console connects to the device's TLS port: identity may be NULL, version 0 for any. */
static void shake(struct keys_fixture *f, struct handshake *h, enum firmware_door door,
                  const struct pki_identity *identity, enum tls_version version)
{
    struct tls_settings settings = { .identity = identity,
                                     .ciphers = s_ciphers,
                                     .sends_chain = true,
                                     .legacy = true,
                                     .min_version = version,
                                     .max_version = version };
    static const struct tls_name_check k_no_check = { .name = NULL };
    struct stream *a = NULL;
    struct stream *b = NULL;
    *h = (struct handshake){ .context = tls_context_new(&settings, NULL) };
    struct tls_context *own = tls_settings_context(f->firmware, door);
    assert_non_null(h->context);
    assert_non_null(own);
    assert_int_equal(stream_memory_pair(f->loop, &a, &b), AMT_OK);
    h->device.stream = tls_accept(f->loop, own, a, &k_handler, &h->device);
    h->console.stream = tls_connect(f->loop, h->context, &k_no_check, b, &k_handler, &h->console);
    loop_run(f->loop);
    if (h->console.is_open && h->device.is_open) {
        assert_int_equal(stream_write(h->console.stream, "hello", 5), AMT_OK);
        loop_run(f->loop);
        assert_string_equal(h->device.received, "hello");
    }
}

static void hang_up(struct keys_fixture *f, struct handshake *h)
{
    stream_close(h->console.stream);
    stream_close(h->device.stream);
    loop_run(f->loop);
    tls_context_free(h->context);
}

/* Common Name that the device shows; "" when the handshake fails. */
static const char *shown_name(struct keys_fixture *f, enum firmware_door door)
{
    static char name[80];
    struct handshake h;
    shake(f, &h, door, NULL, TLS_VERSION_DEFAULT);
    name[0] = '\0';
    if (h.console.is_open && h.device.is_open) {
        tls_peer_common_name(h.console.stream, name, sizeof name);
    }
    hang_up(f, &h);
    return name;
}

/* --- settings --- */

static enum wsman_fault put(struct keys_fixture *f, const char *id, const char *property,
                            bool value)
{
    struct wsman_instance *changed = keys_input(f);
    wsman_set_bool(changed, property, value);
    return keys_put(f, k_settings, id, changed);
}

static enum wsman_fault put_names(struct keys_fixture *f, const char *const *names)
{
    struct wsman_instance *changed = keys_input(f);
    for (size_t i = 0; names[i] != NULL; i++) {
        wsman_add(changed, "TrustedCN", names[i]);
    }
    return keys_put(f, k_settings, k_network, changed);
}

static const char *get(struct keys_fixture *f, const char *id, const char *property)
{
    struct wsman_instance *list = keys_list(f, k_settings);
    while (strcmp(wsman_get(list, "InstanceID"), id) != 0) {
        list = list->next;
    }
    return wsman_get(list, property);
}

static struct wsman_instance *context_of(struct keys_fixture *f, const char *certificate,
                                         const char *collection)
{
    struct wsman_instance *instance = wsman_instance_new(&f->arena, k_context);
    wsman_set_ref(
        instance, "ElementInContext",
        wsman_ref_new(&f->arena, "AMT_PublicKeyCertificate", 1, "InstanceID", certificate));
    wsman_set_ref(instance, "ElementProvidingContext",
                  wsman_ref_new(&f->arena, "AMT_TLSProtocolEndpointCollection", 1, "ElementName",
                                collection));
    return instance;
}

static const char k_certificate_0[] = "Intel(r) AMT Certificate: Handle: 0";
static const char k_certificate_1[] = "Intel(r) AMT Certificate: Handle: 1";
static const char k_spelling[] = "TLSProtocolEndpoint Instances Collection";
static const char k_other_spelling[] = "TLSProtocolEndpointInstances Collection";

/* Key, certificate and context, the way of all clients. */
static void equip(struct keys_fixture *f)
{
    assert_int_equal(keys_add_key(f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(f, keys_pki.certificate, false), PT_SUCCESS);
    assert_non_null(keys_create(f, context_of(f, k_certificate_0, k_other_spelling)));
}

static void enable(struct keys_fixture *f)
{
    equip(f);
    assert_int_equal(put(f, k_network, "Enabled", true), WSMAN_OK);
    assert_int_equal(put(f, k_local, "Enabled", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f->firmware), PT_SUCCESS);
}

static void a_new_device_shows_the_captured_values(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    struct wsman_instance *list = keys_list(&f, k_settings);
    assert_string_equal(wsman_get(list, "InstanceID"), k_network);
    assert_string_equal(wsman_get(list, "ElementName"), k_network);
    assert_string_equal(wsman_get(list, "AcceptNonSecureConnections"), "false");
    assert_string_equal(wsman_get(list, "Enabled"), "false");
    assert_string_equal(wsman_get(list, "MutualAuthentication"), "false");
    assert_false(wsman_has(list, "NonSecureConnectionsSupported"));
    assert_false(wsman_has(list, "TrustedCN"));
    assert_string_equal(wsman_get(list->next, "InstanceID"), k_local);
    assert_string_equal(wsman_get(list->next, "AcceptNonSecureConnections"), "true");
    assert_null(list->next->next);
    assert_null(keys_list(&f, k_context));
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
    equip(&f);
    assert_int_equal(put(&f, k_network, "Enabled", true), WSMAN_OK);
    assert_string_equal(get(&f, k_network, "Enabled"), "true");
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_NETWORK));
    assert_null(tls_settings_context(f.firmware, FIRMWARE_NETWORK));
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_true(tls_settings_enabled(f.firmware, FIRMWARE_NETWORK));
    assert_true(tls_settings_enabled(f.firmware, FIRMWARE_CIRA));
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_LOCAL));
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_LOCAL));
    assert_null(tls_settings_context(f.firmware, FIRMWARE_LOCAL));
    assert_int_equal(put(&f, k_network, "AcceptNonSecureConnections", true), WSMAN_OK);
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
    assert_int_equal(put(&f, k_local, "Enabled", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_NO_ASSOCIATION);
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_LOCAL));
    equip(&f);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_true(tls_settings_enabled(f.firmware, FIRMWARE_LOCAL));
    keys_fixture_fini(&f);
}

static void the_device_shows_its_certificate_and_has_its_key(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    enable(&f);
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "device.lab.test");
    assert_string_equal(shown_name(&f, FIRMWARE_LOCAL), "device.lab.test");
    struct handshake h;
    shake(&f, &h, FIRMWARE_NETWORK, keys_pki.console, TLS_VERSION_DEFAULT);
    assert_true(h.device.is_open && h.console.is_open);
    /* without mutual authentication nobody is asked for a certificate */
    assert_null(SSL_get0_peer_certificate(stream_tls(h.device.stream)));
    X509 *shown = SSL_get0_peer_certificate(stream_tls(h.console.stream));
    assert_int_equal(X509_cmp(shown, keys_pki.certificate), 0);
    hang_up(&f, &h);
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
        enable(&f);
        for (int version = 0; version < 4; version++) {
            struct handshake h;
            shake(&f, &h, FIRMWARE_NETWORK, NULL, (enum tls_version)(TLS_VERSION_1_0 + version));
            assert_int_equal(h.console.is_open, k_cases[i].speaks[version]);
            hang_up(&f, &h);
        }
        keys_fixture_fini(&f);
    }
}

static void make_mutual(struct keys_fixture *f)
{
    assert_int_equal(keys_add_certificate(f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    assert_int_equal(put(f, k_network, "MutualAuthentication", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f->firmware), PT_SUCCESS);
}

static bool accepts(struct keys_fixture *f, enum firmware_door door,
                    const struct pki_identity *console)
{
    struct handshake h;
    shake(f, &h, door, console, TLS_VERSION_DEFAULT);
    bool is_open = h.device.is_open;
    assert_int_equal(h.console.is_open, is_open);
    assert_int_equal(h.device.has_ended, !is_open);
    hang_up(f, &h);
    return is_open;
}

static void mutual_tls_accepts_consoles_of_trusted_roots_only(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    enable(&f);
    assert_true(accepts(&f, FIRMWARE_NETWORK, NULL));
    make_mutual(&f);
    assert_true(accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
    assert_false(accepts(&f, FIRMWARE_NETWORK, NULL));
    assert_false(accepts(&f, FIRMWARE_NETWORK, keys_pki.stranger));
    assert_true(accepts(&f, FIRMWARE_LOCAL, NULL)); /* its own setting */
    keys_fixture_fini(&f);
}

static void mutual_tls_needs_a_trusted_root(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    enable(&f);
    assert_int_equal(put(&f, k_network, "MutualAuthentication", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_DATA_MISSING);
    assert_true(accepts(&f, FIRMWARE_NETWORK, NULL));
    make_mutual(&f);
    assert_false(accepts(&f, FIRMWARE_NETWORK, NULL));
    keys_fixture_fini(&f);
}

static void trusted_names_act_at_once(void **state)
{
    (void)state;
    static const char *const k_domain[] = { "other.test", "lab.test", NULL };
    static const char *const k_other[] = { "other.test", NULL };
    static const char *const k_clear[] = { "", NULL };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    enable(&f);
    make_mutual(&f);
    assert_int_equal(put_names(&f, k_other), WSMAN_OK);
    assert_false(accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
    assert_int_equal(put_names(&f, k_domain), WSMAN_OK);
    assert_true(accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
    assert_string_equal(get(&f, k_network, "TrustedCN"), "other.test");
    assert_int_equal(put_names(&f, k_clear), WSMAN_OK);
    assert_null(get(&f, k_network, "TrustedCN"));
    assert_true(accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
    keys_fixture_fini(&f);
}

static uint32_t add_crl(struct keys_fixture *f, const char *url, const char *const *serials)
{
    struct wsman_instance *in = keys_input(f);
    wsman_set(in, "Url", url);
    for (size_t i = 0; serials[i] != NULL; i++) {
        wsman_add(in, "SerialNumbers", serials[i]);
    }
    return keys_call(f, "AddCRL", in);
}

/* AMT_CRL */
static void a_revoked_console_is_refused(void **state)
{
    (void)state;
    static const char k_url[] = "http://pki.lab.test/crl";
    static const char *const k_serials[] = { "01", "00aB", NULL };
    struct pki_identity *revoked = keys_issue_console(0xab, "URI:http://pki.lab.test/crl");
    struct pki_identity *other = keys_issue_console(0xac, "URI:http://pki.lab.test/crl");
    struct pki_identity *elsewhere = keys_issue_console(0xab, "URI:http://pki.lab.test/crl2");
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    enable(&f);
    make_mutual(&f);
    assert_true(accepts(&f, FIRMWARE_NETWORK, revoked));
    assert_int_equal(add_crl(&f, k_url, k_serials), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CRL"), "Intel(r) AMT CRL: Handle: 0");
    assert_false(accepts(&f, FIRMWARE_NETWORK, revoked));
    assert_true(accepts(&f, FIRMWARE_NETWORK, other));
    assert_true(accepts(&f, FIRMWARE_NETWORK, elsewhere));
    assert_true(accepts(&f, FIRMWARE_NETWORK, keys_pki.console)); /* names no list */
    json_t *saved = k_keys_part.save(f.firmware);
    assert_int_equal(keys_call(&f, "ResetCRLList", keys_input(&f)), PT_SUCCESS);
    assert_true(accepts(&f, FIRMWARE_NETWORK, revoked));
    assert_null(keys_list(&f, "AMT_CRL"));
    struct keys_fixture g;
    keys_fixture_init(&g, 1200);
    assert_int_equal(k_keys_part.load(g.firmware, saved, NULL), AMT_OK);
    struct wsman_instance *shown = keys_list(&g, "AMT_CRL");
    assert_string_equal(wsman_get(shown, "Url"), k_url);
    assert_string_equal(wsman_get_values(shown, "SerialNumbers")->next->text, "00aB");
    assert_int_equal(keys_delete(&g, "AMT_CRL", "Intel(r) AMT CRL: Handle: 0"), WSMAN_OK);
    assert_null(keys_list(&g, "AMT_CRL"));
    json_decref(saved);
    keys_fixture_fini(&g);
    keys_fixture_fini(&f);
    pki_identity_free(revoked);
    pki_identity_free(other);
    pki_identity_free(elsewhere);
}

static void a_bad_list_of_revoked_certificates_is_refused(void **state)
{
    (void)state;
    static const char *const k_good[] = { "1", NULL };
    static const char *const k_none[] = { NULL };
    static const char *const k_no_number[] = { "1", "0x2", NULL };
    static const char *const k_long[] = { "12345678901234567890123456789012345678901", NULL };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(add_crl(&f, "http://a", k_none), PT_INVALID_PARAMETER);
    assert_int_equal(add_crl(&f, "", k_good), PT_INVALID_PARAMETER);
    assert_int_equal(add_crl(&f, "http://a", k_no_number), PT_INVALID_PARAMETER);
    assert_int_equal(add_crl(&f, "http://a", k_long), PT_INVALID_PARAMETER);
    assert_int_equal(add_crl(&f, "http://a", k_good), PT_SUCCESS);
    assert_int_equal(add_crl(&f, "http://a", k_good), PT_DUPLICATE);
    assert_int_equal(add_crl(&f, "http://b", k_good), PT_SUCCESS);
    assert_int_equal(add_crl(&f, "http://c", k_good), PT_SUCCESS);
    assert_int_equal(add_crl(&f, "http://d", k_good), PT_SUCCESS);
    assert_int_equal(add_crl(&f, "http://e", k_good), PT_MAX_LIMIT_REACHED);
    k_keys_part.unprovision(f.firmware, false);
    assert_null(keys_list(&f, "AMT_CRL"));
    f.firmware->provisioning->state = PROVISIONING_PRE;
    (void)add_crl(&f, "http://a", k_good);
    assert_int_equal(f.call.fault, WSMAN_ACCESS_DENIED);
    keys_fixture_fini(&f);
}

/* wsman.md 1.1: during a provisioning session 16993 is open; activation.md 4.7 */
static void a_provisioning_session_is_tls_with_the_factory_certificate(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1500);
    f.firmware->provisioning->state = PROVISIONING_IN;
    assert_true(firmware_port_is_open(f.firmware, 16993, FIRMWARE_NETWORK));
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    struct handshake h;
    shake(&f, &h, FIRMWARE_LOCAL, keys_pki.stranger, TLS_VERSION_DEFAULT);
    assert_true(h.device.is_open);
    /* the setup judges the client's certificate itself, so it has to see it */
    assert_non_null(SSL_get0_peer_certificate(stream_tls(h.device.stream)));
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(stream_tls(h.console.stream)),
                              tls_settings_factory_certificate(f.firmware)),
                     0);
    hang_up(&f, &h);
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
            enable(&f);
        } /* else TLS only, with the factory certificate */
        struct handshake h;
        s_ciphers = "RSA+AES:!aNULL:!MD5:!DSS";
        shake(&f, &h, FIRMWARE_NETWORK, NULL, TLS_VERSION_DEFAULT);
        s_ciphers = NULL;
        assert_true(h.device.is_open && h.console.is_open);
        hang_up(&f, &h);
        keys_fixture_fini(&f);
    }
}

static void bad_trusted_names_are_refused(void **state)
{
    (void)state;
    static const char *const k_many[] = { "a", "b", "c", "d", "e", NULL };
    static const char *const k_four[] = { "a", "b", "c", "d", NULL };
    static const char *const k_empty[] = { "a", "", NULL };
    static const char *const k_long[] = {
        "a234567890123456789012345678901234567890123456789012345678901234", NULL
    };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(put_names(&f, k_many), WSMAN_INVALID_REPRESENTATION);
    assert_int_equal(put_names(&f, k_empty), WSMAN_INVALID_REPRESENTATION);
    assert_int_equal(put_names(&f, k_long), WSMAN_INVALID_REPRESENTATION);
    assert_int_equal(put_names(&f, k_four), WSMAN_OK);
    keys_fixture_fini(&f);
}

/* WSM-099 */
static void there_is_one_context_and_both_spellings_make_it(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, keys_pki.certificate, false), PT_SUCCESS);
    static const char *const k_spellings[] = { k_spelling, k_other_spelling };
    for (int i = 0; i < 2; i++) {
        const struct wsman_ref *made =
            keys_create(&f, context_of(&f, k_certificate_0, k_spellings[i]));
        assert_string_equal(made->class_name, k_context);
        assert_string_equal(made->selectors->name, "ElementInContext");
        assert_string_equal(wsman_ref_selector(made->selectors->ref, "InstanceID"),
                            k_certificate_0);
        assert_string_equal(made->selectors->next->name, "ElementProvidingContext");
        assert_string_equal(wsman_ref_selector(made->selectors->next->ref, "ElementName"),
                            k_spelling);
        struct wsman_instance *shown = keys_list(&f, k_context);
        assert_string_equal(
            wsman_ref_selector(wsman_get_ref(shown, "ElementInContext"), "InstanceID"),
            k_certificate_0);
        assert_null(keys_create(&f, context_of(&f, k_certificate_0, k_spellings[i])));
        assert_int_equal(f.call.fault, WSMAN_ALREADY_EXISTS);
        assert_int_equal(keys_delete(&f, k_context, NULL), WSMAN_OK);
        assert_null(keys_list(&f, k_context));
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
    assert_null(keys_create(&f, context_of(&f, k_certificate_0, k_spelling))); /* no key */
    assert_int_equal(f.call.fault, WSMAN_INTERNAL_ERROR);
    assert_string_equal(f.call.detail, "AMT-STATUS 2060");
    assert_null(keys_create(&f, context_of(&f, k_certificate_1, k_spelling))); /* a root */
    assert_int_equal(f.call.fault, WSMAN_INVALID_REPRESENTATION);
    assert_null(keys_create(&f, context_of(&f, "Intel(r) AMT Certificate: Handle: 3", k_spelling)));
    assert_int_equal(f.call.fault, WSMAN_INVALID_REPRESENTATION);
    assert_int_equal(keys_add_key(&f, keys_pki.rsa), PT_SUCCESS);
    assert_null(keys_create(&f, context_of(&f, k_certificate_0, "Something Else")));
    assert_int_equal(f.call.fault, WSMAN_INVALID_REPRESENTATION);
    assert_non_null(keys_create(&f, context_of(&f, k_certificate_0, k_spelling)));
    keys_fixture_fini(&f);
}

static void a_put_changes_the_certificate_at_the_next_commit(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    enable(&f);
    X509 *renewed = keys_issue(keys_pki.other_rsa, "renewed.lab.test");
    assert_int_equal(keys_add_key(&f, keys_pki.other_rsa), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(&f, renewed, false), PT_SUCCESS);
    X509_free(renewed);
    assert_int_equal(
        keys_put(&f, k_context, NULL, context_of(&f, k_certificate_1, k_other_spelling)), WSMAN_OK);
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "device.lab.test");
    /* both are in use until then */
    static const char k_class[] = "AMT_PublicKeyCertificate";
    assert_int_equal(keys_delete(&f, k_class, k_certificate_0), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, k_class, k_certificate_1), WSMAN_ACCESS_DENIED);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "renewed.lab.test");
    assert_int_equal(keys_delete(&f, k_class, k_certificate_0), WSMAN_OK);
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
    enable(&f);
    assert_int_equal(keys_delete(&f, k_certificates, k_certificate_0), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, k_pairs, k_key_0), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, k_context, NULL), WSMAN_ACCESS_DENIED);
    make_mutual(&f);
    assert_int_equal(keys_delete(&f, k_certificates, k_certificate_1), WSMAN_ACCESS_DENIED);
    /* wsman.md 4.9: with mutual TLS no root is added */
    assert_int_equal(keys_add_certificate(&f, pki_certificate(keys_pki.other_root), true),
                     PT_NOT_PERMITTED);
    /* the way back: off, commit, context, certificate, key */
    assert_int_equal(put(&f, k_network, "Enabled", false), WSMAN_OK);
    assert_int_equal(put(&f, k_local, "Enabled", false), WSMAN_OK);
    assert_int_equal(keys_delete(&f, k_context, NULL), WSMAN_ACCESS_DENIED);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_int_equal(keys_delete(&f, k_certificates, k_certificate_0), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, k_context, NULL), WSMAN_OK);
    assert_int_equal(keys_delete(&f, k_certificates, k_certificate_0), WSMAN_OK);
    assert_int_equal(keys_delete(&f, k_certificates, k_certificate_1), WSMAN_OK);
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
    assert_string_equal(get(&f, k_network, "NonSecureConnectionsSupported"), "false");
    assert_string_equal(get(&f, k_network, "Enabled"), "true");
    assert_string_equal(get(&f, k_local, "NonSecureConnectionsSupported"), "true");
    assert_string_equal(get(&f, k_local, "Enabled"), "false");
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_CIRA));
    assert_true(tls_settings_plain_allowed(f.firmware, FIRMWARE_LOCAL));
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    assert_null(tls_settings_context(f.firmware, FIRMWARE_LOCAL));
    keys_fixture_fini(&f);
    keys_fixture_init(&f, 1900);
    f.firmware->provisioning->state = PROVISIONING_PRE;
    assert_string_equal(shown_name(&f, FIRMWARE_LOCAL), "AMT RCFG");
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_LOCAL));
    keys_fixture_fini(&f);
}

static void a_tls_only_interface_takes_a_certificate_and_gives_it_back(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1610);
    struct pki_identity *factory = NULL;
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    X509 *before = tls_settings_factory_certificate(f.firmware);
    /* written back as read, and MeshCentral's AcceptNonSecureConnections */
    assert_int_equal(put(&f, k_network, "AcceptNonSecureConnections", true), WSMAN_OK);
    assert_string_equal(get(&f, k_network, "AcceptNonSecureConnections"), "false");
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    equip(&f);
    assert_int_equal(put(&f, k_network, "Enabled", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "device.lab.test");
    assert_false(tls_settings_plain_allowed(f.firmware, FIRMWARE_NETWORK));
    assert_int_equal(put(&f, k_network, "Enabled", false), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    assert_string_equal(get(&f, k_network, "Enabled"), "true");
    assert_string_equal(shown_name(&f, FIRMWARE_NETWORK), "AMT RCFG");
    assert_int_equal(keys_delete(&f, k_context, NULL), WSMAN_OK);
    assert_int_equal(keys_delete(&f, "AMT_PublicKeyCertificate", k_certificate_0), WSMAN_OK);
    assert_ptr_equal(tls_settings_factory_certificate(f.firmware), before);
    pki_identity_free(factory);
    keys_fixture_fini(&f);
}

static void connections_outlive_a_commit(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    enable(&f);
    struct handshake h;
    shake(&f, &h, FIRMWARE_NETWORK, NULL, TLS_VERSION_DEFAULT);
    assert_int_equal(put(&f, k_network, "Enabled", false), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    k_tls_settings_part.unprovision(f.firmware, false);
    k_keys_part.unprovision(f.firmware, false);
    assert_int_equal(stream_write(h.console.stream, "again", 5), AMT_OK);
    loop_run(f.loop);
    assert_string_equal(h.device.received, "again");
    hang_up(&f, &h);
    keys_fixture_fini(&f);
}

static void unprovisioning_forgets_the_settings(void **state)
{
    (void)state;
    static const char *const k_names[] = { "lab.test", NULL };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    enable(&f);
    make_mutual(&f);
    assert_int_equal(put_names(&f, k_names), WSMAN_OK);
    k_tls_settings_part.unprovision(f.firmware, false);
    k_keys_part.unprovision(f.firmware, false);
    assert_false(tls_settings_enabled(f.firmware, FIRMWARE_NETWORK));
    assert_false(tls_settings_are_mutual(f.firmware));
    assert_null(keys_list(&f, k_context));
    assert_string_equal(get(&f, k_network, "Enabled"), "false");
    assert_null(get(&f, k_network, "TrustedCN"));
    assert_int_equal(tls_settings_commit(f.firmware), PT_SUCCESS);
    keys_fixture_fini(&f);
}

/* wsman.md 5.2 */
static void before_provisioning_nothing_is_written(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    equip(&f);
    f.firmware->provisioning->state = PROVISIONING_PRE;
    assert_int_equal(put(&f, k_network, "Enabled", true), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, k_context, NULL), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_put(&f, k_context, NULL, context_of(&f, k_certificate_0, k_spelling)),
                     WSMAN_ACCESS_DENIED);
    assert_null(keys_create(&f, context_of(&f, k_certificate_0, k_spelling)));
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
    enable(&f);
    make_mutual(&f);
    assert_int_equal(put_names(&f, k_names), WSMAN_OK);
    assert_int_equal(put(&f, k_local, "Enabled", false), WSMAN_OK); /* not committed */
    json_t *saved_keys = k_keys_part.save(f.firmware);
    json_t *saved_tls = k_tls_settings_part.save(f.firmware);
    assert_int_equal(k_keys_part.load(g.firmware, saved_keys, NULL), AMT_OK);
    assert_int_equal(k_tls_settings_part.load(g.firmware, saved_tls, NULL), AMT_OK);
    json_decref(saved_keys);
    json_decref(saved_tls);
    assert_int_equal(X509_cmp(tls_settings_factory_certificate(g.firmware), factory), 0);
    assert_true(accepts(&g, FIRMWARE_NETWORK, keys_pki.console));
    assert_false(accepts(&g, FIRMWARE_NETWORK, NULL));
    assert_string_equal(get(&g, k_network, "TrustedCN"), "lab.test");
    assert_true(tls_settings_enabled(g.firmware, FIRMWARE_LOCAL));
    assert_string_equal(shown_name(&g, FIRMWARE_LOCAL), "device.lab.test");
    assert_string_equal(get(&g, k_local, "Enabled"), "false");
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
        enable(&f);
        make_mutual(&f);
        tls_settings_renew(f.firmware);
        amt_memory_fail_after(k);
        struct tls_context *context = tls_settings_context(f.firmware, FIRMWARE_NETWORK);
        json_t *saved = k_tls_settings_part.save(f.firmware);
        amt_memory_fail_after(0);
        has_failed = context == NULL || saved == NULL;
        json_decref(saved);
        assert_false(accepts(&f, FIRMWARE_NETWORK, NULL)); /* never opens what is closed */
        assert_true(accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
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
        cmocka_unit_test(mutual_tls_accepts_consoles_of_trusted_roots_only),
        cmocka_unit_test(mutual_tls_needs_a_trusted_root),
        cmocka_unit_test(trusted_names_act_at_once),
        cmocka_unit_test(bad_trusted_names_are_refused),
        cmocka_unit_test(a_revoked_console_is_refused),
        cmocka_unit_test(a_bad_list_of_revoked_certificates_is_refused),
        cmocka_unit_test(a_provisioning_session_is_tls_with_the_factory_certificate),
        cmocka_unit_test(meshcentrals_ciphers_are_enough),
        cmocka_unit_test(there_is_one_context_and_both_spellings_make_it),
        cmocka_unit_test(what_cannot_serve_is_not_associated),
        cmocka_unit_test(a_put_changes_the_certificate_at_the_next_commit),
        cmocka_unit_test(what_tls_uses_cannot_be_deleted),
        cmocka_unit_test(a_tls_only_interface_speaks_tls_from_birth),
        cmocka_unit_test(a_tls_only_interface_takes_a_certificate_and_gives_it_back),
        cmocka_unit_test(connections_outlive_a_commit),
        cmocka_unit_test(unprovisioning_forgets_the_settings),
        cmocka_unit_test(before_provisioning_nothing_is_written),
        cmocka_unit_test(tls_outlives_a_power_cut),
        cmocka_unit_test(without_memory_nothing_breaks),
        cmocka_unit_test(damaged_settings_are_an_error),
    };
    return cmocka_run_group_tests(k_tests, keys_make_pki, keys_free_pki);
}
