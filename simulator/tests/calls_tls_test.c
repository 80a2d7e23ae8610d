/* Whom a device believes when it calls by its policies: the roots and keys that were put into it. */
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "simulator/device_internal.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/remote_access_internal.h"

#define SECOND UINT64_C(1000000)
/* A server at a.example, and a periodic policy for it; what differs is put in. */
#define STATE                                                                          \
    "{\"servers\":[{\"number\":0,\"host\":\"a.example\",\"format\":201,\"port\":4433," \
    "\"user\":\"user\",\"password\":\"secret\"%s}],\"policies\":[{\"trigger\":2,"      \
    "\"lifetime_s\":0,\"data\":\"0000000000000019\",\"servers\":[{\"server\":0}]}],"   \
    "\"domains\":[\"corp.example\"]}"

static struct pki_identity *g_root, *g_stranger, *g_server, *g_client;

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
    g_stranger = issue("stranger", true, false, NULL);
    g_server = issue("a.example", false, true, g_root);
    g_client = issue("device", false, false, g_root);
    return 0;
}

static int free_pki(void **state)
{
    (void)state;
    pki_identity_free(g_client);
    pki_identity_free(g_server);
    pki_identity_free(g_stranger);
    pki_identity_free(g_root);
    return 0;
}

struct home {
    struct loop *loop;
    struct device_config device_config;
    struct device *device;
    struct firmware *firmware; /* the device's */
    struct listener *listener;
    struct tls_context *context;
    struct stream *stream;
    bool is_open;
    char fingerprint[65]; /* of the device's certificate */
    uint8_t first_byte;
};

static void on_open(void *ctx)
{
    struct home *h = ctx;
    h->is_open = true;
    tls_peer_fingerprint(h->stream, h->fingerprint);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct home *h = ctx;
    if (h->first_byte == 0 && len > 0) {
        h->first_byte = in[0];
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct home *h = ctx;
    (void)end;
    stream_close(h->stream);
    h->stream = NULL;
}

static const struct stream_handler k_server = { .on_open = on_open,
                                                .on_data = on_data,
                                                .on_end = on_end };

static void on_accept(void *ctx, struct stream *s)
{
    struct home *h = ctx;
    stream_close(h->stream);
    h->stream = tls_accept(h->loop, h->context, s, &k_server, h);
    assert_non_null(h->stream);
}

static void listen_tls(struct home *h)
{
    const struct address address = { .host = "a.example", .port = 4433 };
    const struct tls_settings settings = { .is_server = true, .identity = g_server };
    h->context = tls_context_new(&settings, NULL);
    assert_non_null(h->context);
    h->listener = net_listen(h->loop, &address, on_accept, h, NULL);
    assert_non_null(h->listener);
}

static void load(struct home *h, const char *server_fields)
{
    char json[1024];
    struct amt_diag diag = { .err = AMT_OK };
    (void)snprintf(json, sizeof json, STATE, server_fields);
    json_t *state = json_loads(json, 0, NULL);
    assert_non_null(state);
    if (k_remote_access_part.load(h->firmware, state, &diag) != AMT_OK) {
        fail_msg("%s", diag.text);
    }
    json_decref(state);
}

static void init(struct home *h, const char *server_fields)
{
    static const struct virtual_world k_world = { .seed = 1 };
    memset(h, 0, sizeof *h);
    h->loop = loop_new_virtual(&k_world, NULL);
    assert_int_equal(device_config_load(NULL, NULL, NULL, &h->device_config, NULL), AMT_OK);
    h->device_config.direct.address = amt_strdup("127.0.0.1");
    h->device = device_new(h->loop, &h->device_config, 1, 0, NULL, NULL);
    assert_non_null(h->device);
    h->firmware = device_firmware(h->device, NULL);
    assert_non_null(h->firmware);
    load(h, server_fields);
    listen_tls(h);
}

static void fini(struct home *h)
{
    device_free(h->device);
    device_config_fini(&h->device_config);
    stream_close(h->stream);
    listener_close(h->listener);
    tls_context_free(h->context);
    loop_free(h->loop);
}

/* As AddTrustedRootCertificate and AddCertificate store them. */
static uint32_t store(struct home *h, const struct pki_identity *identity, bool is_root)
{
    X509 *certificate = pki_certificate(identity);
    assert_int_equal(X509_up_ref(certificate), 1);
    return keys_store_certificate(h->firmware->keys, certificate, is_root);
}

static void call(struct home *h)
{
    device_connect(h->device, 0);
    (void)loop_run_until(h->loop, NULL, NULL, loop_now_us(h->loop) + SECOND);
}

static void a_server_under_an_added_root_is_believed(void **state)
{
    struct home h;
    (void)state;
    init(&h, "");
    (void)store(&h, g_stranger, true);
    (void)store(&h, g_root, true);
    call(&h);
    assert_true(h.is_open);
    assert_int_equal(h.first_byte, APF_PROTOCOLVERSION);
    assert_string_equal(h.fingerprint, "");
    fini(&h);
}

static void without_its_root_no_server_is_believed(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct home h;
        init(&h, "");
        if (i == 1) {
            (void)store(&h, g_stranger, true);
        } else if (i == 2) {
            (void)store(&h, g_root, false); /* a certificate, but not one to trust */
        }
        call(&h);
        assert_int_equal(h.first_byte, 0);
        assert_int_equal(device_state(h.device), DEVICE_WAITING);
        assert_int_not_equal(device_connection_log(h.device)->tls_alert, -1);
        fini(&h);
    }
}

/* apf.md 6.3: AccessInfo when it is a name, else the Common Name that came with the address */
static void the_name_of_the_server_is_checked(void **state)
{
    static const struct {
        const char *fields;
        bool is_believed;
    } k_cases[] = {
        { ",\"host\":\"b.example\"", false },
        { ",\"host\":\"127.0.0.1\",\"format\":3,\"common_name\":\"a.example\"", true },
        { ",\"host\":\"127.0.0.1\",\"format\":3,\"common_name\":\"b.example\"", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct home h;
        init(&h, "");
        remote_access_clear(h.firmware->remote_access);
        load(&h, k_cases[i].fields); /* the later field of a name wins */
        (void)store(&h, g_root, true);
        listener_close(h.listener);
        const struct address everywhere = { .port = 4433 };
        h.listener = net_listen(h.loop, &everywhere, on_accept, &h, NULL);
        assert_non_null(h.listener);
        call(&h);
        assert_int_equal(h.first_byte != 0, k_cases[i].is_believed);
        fini(&h);
    }
}

static void mutual_login_shows_the_provisioned_certificate(void **state)
{
    struct home h;
    char fingerprint[65], fields[128], id[KEYS_ID_BYTES];
    (void)state;
    init(&h, "");
    (void)store(&h, g_root, true);
    keys_certificate_id(store(&h, g_client, false), id);
    EVP_PKEY *key = pki_key(g_client);
    assert_int_equal(EVP_PKEY_up_ref(key), 1);
    assert_int_equal(keys_store_pair(h.firmware->keys, key), 0);
    remote_access_clear(h.firmware->remote_access);
    (void)snprintf(fields, sizeof fields, ",\"mutual\":true,\"certificate\":\"%s\"", id);
    load(&h, fields);
    assert_true(remote_access_uses_certificate(h.firmware, id));
    call(&h);
    pki_fingerprint(g_client, fingerprint);
    assert_string_equal(h.fingerprint, fingerprint);
    assert_true(h.device->is_mutual);
    fini(&h);
}

/* What was trusted at the last call need not be trusted at the next. */
static void each_call_looks_at_the_roots_anew(void **state)
{
    struct home h;
    (void)state;
    init(&h, "");
    call(&h);
    assert_int_equal(h.first_byte, 0);
    (void)store(&h, g_root, true);
    (void)loop_run_until(h.loop, NULL, NULL, loop_now_us(h.loop) + 27 * SECOND);
    assert_int_equal(h.first_byte, APF_PROTOCOLVERSION);
    fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_under_an_added_root_is_believed),
        cmocka_unit_test(without_its_root_no_server_is_believed),
        cmocka_unit_test(the_name_of_the_server_is_checked),
        cmocka_unit_test(mutual_login_shows_the_provisioned_certificate),
        cmocka_unit_test(each_call_looks_at_the_roots_anew),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
