/*
 * A device from its first setting to its last: a console sets CIRA up over the network port, the device
 * calls the real server over TLS, the console goes on through the tunnel, and takes it all back
 * (wsman.md 5.3, 6.5). Nothing of the server's configuration is in the device's.
 */
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "client/cira.h"
#include "client/wsman.h"
#include "mps/mps.h"
#include "runtime/join.h"
#include "simulator/device.h"

#define SECOND  UINT64_C(1000000)
#define MPS     "mps.lab.test"
#define SERVICE "AMT_RemoteAccessService"
#define DOMAINS "AMT_EnvironmentDetectionSettingData"
#define USER    "cirauser"
#define SECRET  "C1raP@ss"

struct lab {
    struct loop *loop;
    struct log *log;
    struct pki_identity *root, *server;
    struct mps_user user;
    struct mps_config mps_config;
    struct mps *mps;
    struct device_config device_config;
    struct device *device;
    bool through_tunnel; /* how the console reaches the device */
    struct wsman_client *console;
    struct arena arena;
    struct wsman_outcome outcome;
};

static struct pki_identity *issue(const char *name, bool is_authority,
                                  const struct pki_identity *issuer)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct pki_request request = { .common_name = name,
                                         .key = PKI_P256,
                                         .is_authority = is_authority,
                                         .for_server = !is_authority };
    struct pki_identity *identity = pki_issue(&request, issuer, &diag);
    assert_non_null(identity);
    return identity;
}

static void start_mps(struct lab *lab)
{
    struct amt_diag diag = { .err = AMT_OK };
    lab->root = issue("root", true, NULL);
    lab->server = issue(MPS, false, lab->root);
    assert_int_equal(config_read(mps_config_keys, NULL, "lab", &lab->mps_config, NULL), AMT_OK);
    assert_int_equal(config_set(mps_config_keys, "listen", MPS ":4433", &lab->mps_config, &diag),
                     AMT_OK);
    lab->user = (struct mps_user){ .name = USER, .password = SECRET };
    lab->mps_config.users = &lab->user;
    lab->mps_config.user_count = 1;
    lab->mps_config.identity = lab->server;
    lab->mps = mps_start(lab->loop, &lab->mps_config, lab->log, &diag);
    if (lab->mps == NULL) {
        fail_msg("%s", diag.text);
    }
}

static void start_device(struct lab *lab)
{
    struct amt_diag diag = { .err = AMT_OK };
    assert_int_equal(device_config_load(NULL, NULL, NULL, &lab->device_config, NULL), AMT_OK);
    assert_int_equal(
        config_set(device_config_keys, "direct.address", "127.0.0.1", &lab->device_config, &diag),
        AMT_OK);
    assert_int_equal(config_set(device_config_keys, "firmware.network_suffix", "cafe.example",
                                &lab->device_config, &diag),
                     AMT_OK);
    lab->device = device_new(lab->loop, &lab->device_config, 1, 0, lab->log, &diag);
    if (lab->device == NULL) {
        fail_msg("%s", diag.text);
    }
    device_connect(lab->device, 0);
}

static struct stream *connect_console(void *ctx)
{
    struct lab *lab = ctx;
    struct address address;
    if (lab->through_tunnel) {
        return mps_open_channel(lab->mps, device_uuid(lab->device), 16992, NULL, NULL);
    }
    bool is_open = device_direct_address(lab->device, 16992, &address);
    if (!is_open) {
        address = (struct address){ .host = "127.0.0.1", .port = 16992 };
    }
    return net_connect(lab->loop, &address, SECOND, NULL, NULL);
}

static void lab_init(struct lab *lab)
{
    static const struct virtual_world k_world = { .seed = 3 };
    struct secret password = { .len = 0 };
    memset(lab, 0, sizeof *lab);
    lab->loop = loop_new_virtual(&k_world, NULL);
    lab->log = log_new(lab->loop);
    start_mps(lab);
    start_device(lab);
    assert_int_equal(secret_set(&password, "P@ssw0rd", 8), AMT_OK);
    const struct wsman_client_settings settings = { .loop = lab->loop,
                                                    .connect = connect_console,
                                                    .ctx = lab,
                                                    .where = "the device",
                                                    .host = "device:16992",
                                                    .user = "admin",
                                                    .password = &password };
    lab->console = wsman_client_new(&settings);
    assert_non_null(lab->console);
}

static void lab_fini(struct lab *lab)
{
    wsman_client_free(lab->console);
    device_free(lab->device);
    mps_free(lab->mps);
    (void)loop_run_until(lab->loop, NULL, NULL, loop_now_us(lab->loop) + 60 * SECOND);
    device_config_fini(&lab->device_config);
    config_fini(mps_config_keys, &lab->mps_config);
    pki_identity_free(lab->server);
    pki_identity_free(lab->root);
    arena_fini(&lab->arena);
    log_free(lab->log);
    loop_free(lab->loop);
}

static void run_for(struct lab *lab, uint64_t seconds)
{
    (void)loop_run_until(lab->loop, NULL, NULL, loop_now_us(lab->loop) + seconds * SECOND);
}

static struct wsman_instance *body(struct lab *lab, const char *name)
{
    struct wsman_instance *instance = wsman_instance_new(&lab->arena, name);
    assert_non_null(instance);
    return instance;
}

static void ask(struct lab *lab, const struct wsman_call *call)
{
    wsman_client_wait(lab->console, call, &lab->arena, &lab->outcome);
    if (lab->outcome.result != WSMAN_DONE) {
        fail_msg("%s %s: %s", call->class_name, call->method == NULL ? "" : call->method,
                 lab->outcome.diag.text);
    }
}

/* A method that answers 0. */
static void invoke(struct lab *lab, const char *class_name, const char *method,
                   const struct wsman_instance *in)
{
    const struct wsman_call call = {
        .operation = WSMAN_METHOD, .class_name = class_name, .method = method, .body = in
    };
    ask(lab, &call);
    assert_true(lab->outcome.has_return_value);
    if (lab->outcome.return_value != 0) {
        fail_msg("%s: %u", method, lab->outcome.return_value);
    }
}

static const struct wsman_instance *get(struct lab *lab, const char *class_name)
{
    const struct wsman_call call = { .operation = WSMAN_GET, .class_name = class_name };
    ask(lab, &call);
    return lab->outcome.reply->instance;
}

static void trust_root(struct lab *lab)
{
    unsigned char *der = NULL;
    int len = i2d_X509(pki_certificate(lab->root), &der);
    struct wsman_instance *in = body(lab, "INPUT");
    assert_true(len > 0);
    wsman_set_base64(in, "CertificateBlob", der, (size_t)len);
    OPENSSL_free(der);
    invoke(lab, "AMT_PublicKeyManagementService", "AddTrustedRootCertificate", in);
}

static void add_server_and_policy(struct lab *lab)
{
    struct wsman_instance *in = body(lab, "INPUT");
    wsman_set(in, "AccessInfo", MPS);
    wsman_set_u64(in, "InfoFormat", 201);
    wsman_set_u64(in, "Port", 4433);
    wsman_set_u64(in, "AuthMethod", 2);
    wsman_set(in, "Username", USER);
    wsman_set(in, "Password", SECRET);
    invoke(lab, SERVICE, "AddMpServer", in);
    const struct wsman_ref *server = wsman_get_ref(lab->outcome.reply->instance, "MpServer");
    assert_non_null(server);
    in = body(lab, "INPUT");
    wsman_set_u64(in, "Trigger", 2);
    wsman_set_u64(in, "TunnelLifeTime", 0);
    wsman_set(in, "ExtendedData", "AAAAAAAAABk=");
    wsman_add_ref(in, "MpServer", server);
    invoke(lab, SERVICE, "AddRemoteAccessPolicyRule", in);
}

/* As consoles do: all of what was read, with the list changed. */
static void put_domain(struct lab *lab, const char *domain)
{
    struct wsman_instance *settings = wsman_instance_copy(&lab->arena, get(lab, DOMAINS));
    wsman_unset(settings, "DetectionStrings");
    if (domain != NULL) {
        wsman_add(settings, "DetectionStrings", domain);
    }
    const struct wsman_call call = { .operation = WSMAN_PUT,
                                     .class_name = DOMAINS,
                                     .body = settings };
    ask(lab, &call);
}

static bool is_online(struct lab *lab, struct mps_device_view *view)
{
    return mps_find_device(lab->mps, device_uuid(lab->device), view);
}

static void a_device_is_set_up_calls_and_is_taken_back(void **state)
{
    struct lab lab;
    struct mps_device_view view;
    (void)state;
    lab_init(&lab);
    run_for(&lab, 60);
    assert_false(is_online(&lab, &view)); /* it has been told nothing */

    trust_root(&lab);
    add_server_and_policy(&lab);
    run_for(&lab, 60);
    assert_false(is_online(&lab, &view)); /* without domains it takes itself to be inside */
    put_domain(&lab, "random.example");
    run_for(&lab, 5);
    assert_true(is_online(&lab, &view));
    assert_int_equal(view.trigger, 4);
    assert_string_equal(view.user, USER);

    lab.through_tunnel = true;
    assert_string_equal(wsman_get(get(&lab, SERVICE), "IsRemoteTunnelConnected"), "true");
    assert_string_equal(
        wsman_get(get(&lab, "AMT_RemoteAccessCapabilities"), "LastRemoteAccessTrigger"),
        "Periodic");
    put_domain(&lab, NULL); /* the answer comes through the tunnel that this ends */
    run_for(&lab, 60);
    assert_false(is_online(&lab, &view));

    lab.through_tunnel = false;
    assert_string_equal(wsman_get(get(&lab, SERVICE), "IsRemoteTunnelConnected"), "false");
    put_domain(&lab, "random.example");
    run_for(&lab, 5);
    assert_true(is_online(&lab, &view));
    lab_fini(&lab);
}

static void unprovisioning_through_the_tunnel_is_the_last_thing_heard(void **state)
{
    struct lab lab;
    struct mps_device_view view;
    struct address address;
    (void)state;
    lab_init(&lab);
    trust_root(&lab);
    add_server_and_policy(&lab);
    put_domain(&lab, "random.example");
    run_for(&lab, 5);
    assert_true(is_online(&lab, &view));
    assert_true(device_direct_address(lab.device, 16992, &address));
    lab.through_tunnel = true;
    struct wsman_instance *in = body(&lab, "INPUT");
    wsman_set_u64(in, "ProvisioningMode", 1);
    invoke(&lab, "AMT_SetupAndConfigurationService", "Unprovision", in); /* WSM-077 */
    run_for(&lab, 600);
    assert_false(is_online(&lab, &view));
    assert_int_equal(device_state(lab.device), DEVICE_OFF);
    assert_false(device_direct_address(lab.device, 16992, &address));
    lab_fini(&lab);
}

static void without_the_root_the_server_is_not_believed(void **state)
{
    struct lab lab;
    struct mps_device_view view;
    (void)state;
    lab_init(&lab);
    add_server_and_policy(&lab);
    put_domain(&lab, "random.example");
    run_for(&lab, 40);
    assert_false(is_online(&lab, &view));
    assert_int_not_equal(device_connection_log(lab.device)->tls_alert, -1);
    trust_root(&lab);
    run_for(&lab, 40);
    assert_true(is_online(&lab, &view));
    lab_fini(&lab);
}

/* As `amtlab cira set` does it: with a home it calls outside alone, without one everywhere. */
static void set_cira(struct lab *lab, const char *home_suffix)
{
    unsigned char *der = NULL;
    int len = i2d_X509(pki_certificate(lab->root), &der);
    struct secret password = { .len = 0 };
    struct client_device device = { .client = lab->console, .arena = &lab->arena };
    assert_true(len > 0);
    assert_int_equal(secret_set(&password, SECRET, strlen(SECRET)), AMT_OK);
    const struct client_cira cira = { .host = MPS,
                                      .port = 4433,
                                      .user = USER,
                                      .password = &password,
                                      .root = der,
                                      .root_bytes = (uint32_t)len,
                                      .interval_s = 20,
                                      .user_initiated = true,
                                      .home_suffix = home_suffix };
    if (!client_cira_clear(&device) || !client_cira_set(&device, &cira)) {
        fail_msg("%s", device.outcome.diag.text);
    }
    OPENSSL_free(der);
}

static void at_home_a_device_does_not_call(void **state)
{
    static const struct {
        const char *home;
        bool is_online;
    } k_cases[] = { { "cafe.example", false }, { "corp.example", true }, { NULL, true } };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct lab lab;
        struct mps_device_view view;
        lab_init(&lab);
        set_cira(&lab, k_cases[i].home);
        run_for(&lab, 60);
        assert_int_equal(is_online(&lab, &view), k_cases[i].is_online);
        lab_fini(&lab);
    }
}

/* An HTTP proxy that knows one server. */
struct proxy {
    struct lab *lab;
    struct listener *listener;
    struct stream *stream;
    struct join *join;
};

static void proxy_data(void *ctx, const uint8_t *in, uint32_t len)
{
    static const char k_wanted[] = "CONNECT " MPS ":4433 HTTP/1.1\r\n";
    static const char k_answer[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    static const struct address k_server = { .host = MPS, .port = 4433 };
    struct proxy *p = ctx;
    assert_true(len > sizeof k_wanted);
    assert_memory_equal(in, k_wanted, sizeof k_wanted - 1);
    assert_int_equal(stream_write(p->stream, k_answer, sizeof k_answer - 1), AMT_OK);
    struct stream *server = net_connect(p->lab->loop, &k_server, SECOND, NULL, NULL);
    p->join = join_streams(p->lab->loop, (struct join_side){ .stream = p->stream },
                           (struct join_side){ .stream = server }, 0, NULL, NULL);
    p->stream = NULL;
}

static const struct stream_handler k_proxy = { .on_data = proxy_data };

static void proxy_accept(void *ctx, struct stream *s)
{
    struct proxy *p = ctx;
    assert_null(p->stream);
    p->stream = s;
    stream_set_handler(s, &k_proxy, p);
}

static void add_proxy(struct lab *lab)
{
    struct wsman_instance *in = body(lab, "INPUT");
    wsman_set(in, "AccessInfo", "proxy.cafe.example");
    wsman_set_u64(in, "InfoFormat", 201);
    wsman_set_u64(in, "Port", 3128);
    wsman_set(in, "NetworkDnsSuffix", "cafe.example");
    invoke(lab, "IPS_HTTPProxyService", "AddProxyAccessPoint", in);
}

/* wsman.md 4.8: TLS goes end to end through the proxy. */
static void a_device_behind_a_proxy_comes_through_it(void **state)
{
    static const struct address k_at = { .host = "proxy.cafe.example", .port = 3128 };
    struct lab lab;
    struct proxy proxy = { .lab = &lab };
    struct mps_device_view view;
    (void)state;
    lab_init(&lab);
    proxy.listener = net_listen(lab.loop, &k_at, proxy_accept, &proxy, NULL);
    assert_non_null(proxy.listener);
    trust_root(&lab);
    add_proxy(&lab);
    add_server_and_policy(&lab);
    put_domain(&lab, "random.example");
    run_for(&lab, 5);
    assert_true(is_online(&lab, &view));
    assert_non_null(proxy.join);
    lab.through_tunnel = true;
    assert_string_equal(wsman_get(get(&lab, SERVICE), "IsRemoteTunnelConnected"), "true");
    join_cut(proxy.join);
    listener_close(proxy.listener);
    lab_fini(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_set_up_calls_and_is_taken_back),
        cmocka_unit_test(unprovisioning_through_the_tunnel_is_the_last_thing_heard),
        cmocka_unit_test(without_the_root_the_server_is_not_believed),
        cmocka_unit_test(at_home_a_device_does_not_call),
        cmocka_unit_test(a_device_behind_a_proxy_comes_through_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
