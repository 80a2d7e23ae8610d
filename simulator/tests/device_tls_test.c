/* What firmware checks of its server, over TLS in the virtual world. */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "simulator/device.h"

#define SECOND UINT64_C(1000000)
#define YEAR_S INT64_C(31557600)

static struct pki_identity *g_root, *g_server, *g_client;
static struct pki_trust *g_trust, *g_empty;

struct world {
    struct loop *loop;
    struct device_config config;
    struct device *device;
    struct listener *listener;
    struct tls_context *context;
    struct stream *stream;
    bool is_open, has_ended;
    char fingerprint[65];
    uint8_t first_byte;
};

static struct pki_identity *issue(const char *name, bool is_authority, bool for_server,
                                  const struct pki_identity *issuer)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_request request = { .common_name = name,
                                   .key = PKI_P256,
                                   .is_authority = is_authority,
                                   .for_server = for_server,
                                   .for_client = !is_authority && !for_server };
    struct pki_identity *identity = pki_issue(&request, issuer, &diag);
    assert_non_null(identity);
    return identity;
}

static int make_pki(void **state)
{
    (void)state;
    g_root = issue("root", true, false, NULL);
    g_server = issue("mps.lab.test", false, true, g_root);
    g_client = issue("device", false, false, g_root);
    g_trust = pki_trust_new();
    g_empty = pki_trust_new();
    return pki_trust_add(g_trust, g_root) == AMT_OK ? 0 : -1;
}

static int free_pki(void **state)
{
    (void)state;
    pki_trust_free(g_trust);
    pki_trust_free(g_empty);
    pki_identity_free(g_client);
    pki_identity_free(g_server);
    pki_identity_free(g_root);
    return 0;
}

static void on_open(void *ctx)
{
    struct world *w = ctx;
    w->is_open = true;
    tls_peer_fingerprint(w->stream, w->fingerprint);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct world *w = ctx;
    if (w->first_byte == 0 && len > 0) {
        w->first_byte = in[0];
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct world *w = ctx;
    (void)end;
    w->has_ended = true;
    stream_close(w->stream);
    w->stream = NULL;
}

static const struct stream_handler k_server = { .on_open = on_open,
                                                .on_data = on_data,
                                                .on_end = on_end };

static void on_accept(void *ctx, struct stream *s)
{
    struct world *w = ctx;
    stream_close(w->stream);
    w->stream = tls_accept(w->loop, w->context, s, &k_server, w);
    assert_non_null(w->stream);
}

static void set(struct world *w, const char *key, const char *value)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (config_set(device_config_keys, key, value, &w->config, &diag) != AMT_OK) {
        fail_msg("%s: %s", key, diag.text);
    }
}

/* profile NULL: default.yaml; version DEFAULT: what a server usually offers. */
static void init_with(struct world *w, const char *profile, enum tls_version version)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct amt_diag diag = { .err = AMT_OK };
    struct address address = { .host = "127.0.0.1", .port = 4433 };
    memset(w, 0, sizeof *w);
    w->loop = loop_new_virtual(&k_world, NULL);
    struct tls_settings settings = { .is_server = true,
                                     .identity = g_server,
                                     .legacy = true,
                                     .min_version = version,
                                     .max_version = version };
    w->context = tls_context_new(&settings, &diag);
    assert_non_null(w->context);
    w->listener = net_listen(w->loop, &address, on_accept, w, &diag);
    assert_non_null(w->listener);
    char path[512];
    (void)snprintf(path, sizeof path, AMTLAB_SOURCE_DIR "/scenarios/profiles/%s.yaml",
                   profile == NULL ? "default" : profile);
    assert_int_equal(device_config_load(path, NULL, NULL, &w->config, NULL), AMT_OK);
    set(w, "cira.to", "127.0.0.1:4433");
    set(w, "cira.common_name", "mps.lab.test");
    w->config.trust = g_trust;
}

static void init(struct world *w)
{
    init_with(w, NULL, TLS_VERSION_DEFAULT);
}

static void call(struct world *w)
{
    struct amt_diag diag = { .err = AMT_OK };
    w->device = device_new(w->loop, &w->config, 1, 0, NULL, &diag);
    assert_non_null(w->device);
    device_connect(w->device, 0);
    (void)loop_run_until(w->loop, NULL, NULL, SECOND);
}

static void fini(struct world *w)
{
    device_free(w->device);
    stream_close(w->stream);
    listener_close(w->listener);
    (void)loop_run_until(w->loop, NULL, NULL, 20 * SECOND);
    tls_context_free(w->context);
    loop_free(w->loop);
    device_config_fini(&w->config);
}

static void expect_refusal(struct world *w, int alert)
{
    call(w);
    const struct device_connection_log *log = device_connection_log(w->device);
    assert_int_equal(device_state(w->device), DEVICE_WAITING);
    assert_true(log->failure[0] != '\0');
    assert_int_equal(log->tls_alert, alert);
    assert_int_equal(w->first_byte, 0); /* no APF, and no plain TCP either */
    assert_int_equal(device_statistics(w->device)->cira_failures, 1);
    fini(w);
}

/* APF-DEV-002 APF-DEV-003 */
static void a_client_certificate_is_shown_in_mutual_mode_only(void **state)
{
    (void)state;
    for (int mutual = 0; mutual < 2; mutual++) {
        struct world w;
        char want[65] = "";
        init(&w);
        if (mutual == 1) {
            w.config.identity = g_client;
            pki_fingerprint(g_client, want);
        }
        call(&w);
        assert_int_equal(device_state(w.device), DEVICE_HANDSHAKE);
        assert_true(w.is_open);
        assert_string_equal(w.fingerprint, want);
        assert_int_equal(w.first_byte, APF_PROTOCOLVERSION);
        assert_int_equal(device_connection_log(w.device)->is_mutual_tls, mutual == 1);
        fini(&w);
    }
}

/* APF-DEV-002 */
static void a_wrong_common_name_is_refused(void **state)
{
    struct world w;
    (void)state;
    init(&w);
    set(&w, "cira.common_name", "other.lab.test");
    expect_refusal(&w, 42);
}

/* APF-DEV-002: apf.md 6.3 */
static void access_info_decides_unless_it_is_an_address(void **state)
{
    static const struct {
        const char *access_info, *common_name;
        bool is_accepted;
    } k_cases[] = { { "mps.lab.test", "other.lab.test", true },
                    { "other.lab.test", "mps.lab.test", false },
                    { "127.0.0.1", "mps.lab.test", true },
                    { "::1", "other.lab.test", false } };
    (void)state;
    for (uint32_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct world w;
        init(&w);
        set(&w, "cira.access_info", k_cases[i].access_info);
        set(&w, "cira.common_name", k_cases[i].common_name);
        call(&w);
        assert_int_equal(device_state(w.device) == DEVICE_HANDSHAKE, k_cases[i].is_accepted);
        fini(&w);
    }
}

/* APF-DEV-001: apf.md 6.2 */
static void each_profile_offers_the_versions_of_its_generation(void **state)
{
    static const struct {
        const char *profile;
        bool takes[4]; /* 1.0 to 1.3 */
    } k_rows[] = {
        { "amt-11.8", { true, true, true, false } },
        { "amt-12.0", { false, true, true, false } },
        { "amt-15.0", { false, false, true, false } },
        { "amt-16.1", { false, false, true, false } },
        { "amt-18.0", { false, false, true, true } },
        { "amt-19.0", { false, false, true, true } },
    };
    (void)state;
    for (uint32_t row = 0; row < sizeof k_rows / sizeof k_rows[0]; row++) {
        for (uint32_t version = 0; version < 4; version++) {
            struct world w;
            init_with(&w, k_rows[row].profile, (enum tls_version)(TLS_VERSION_1_0 + version));
            call(&w);
            bool has_connected = device_state(w.device) == DEVICE_HANDSHAKE;
            int alert = device_connection_log(w.device)->tls_alert;
            fini(&w);
            if (has_connected != k_rows[row].takes[version] || (!has_connected && alert != 70)) {
                fail_msg("%s and a server of TLS 1.%u: connected %d, alert %d", k_rows[row].profile,
                         version, has_connected, alert);
            }
        }
    }
}

/* APF-DEV-002 */
static void an_unknown_root_is_refused(void **state)
{
    struct world w;
    (void)state;
    init(&w);
    w.config.trust = g_empty;
    expect_refusal(&w, 48);
}

/* APF-DEV-002 */
static void a_clock_after_the_certificate_refuses_it(void **state)
{
    struct world w;
    (void)state;
    init(&w);
    loop_wall_shift(w.loop, 30 * YEAR_S * (int64_t)SECOND);
    expect_refusal(&w, 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_certificate_is_shown_in_mutual_mode_only),
        cmocka_unit_test(a_wrong_common_name_is_refused),
        cmocka_unit_test(access_info_decides_unless_it_is_an_address),
        cmocka_unit_test(each_profile_offers_the_versions_of_its_generation),
        cmocka_unit_test(an_unknown_root_is_refused),
        cmocka_unit_test(a_clock_after_the_certificate_refuses_it),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
