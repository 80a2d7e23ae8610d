#include "simulator/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "simulator/device_internal.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/setup_file.h"

#define MPS_PORT 4433u

const char *device_state_name(enum device_state state)
{
    static const char *const k_names[] = { "off", "waiting", "connecting", "handshake", "up" };
    return (uint32_t)state < sizeof k_names / sizeof k_names[0] ? k_names[state] : "unknown";
}

static enum amt_err set_identity(struct device *device, uint64_t seed, uint32_t index,
                                 struct amt_diag *diag)
{
    const struct device_config *config = device->config;
    char purpose[48];
    (void)snprintf(purpose, sizeof purpose, "device %u", index);
    amt_random_seed(&device->random, seed, purpose);
    if (config->uuid == NULL) {
        amt_random_uuid(&device->random, device->uuid.bytes);
    } else if (uuid_parse(config->uuid, &device->uuid) != AMT_OK) {
        return amt_diag_set(diag, AMT_ECONFIG, "uuid: \"%s\" is no UUID", config->uuid);
    }
    uuid_format(&device->uuid, device->uuid_text);
    return AMT_OK;
}

static enum amt_err set_password(struct device *device, const char *bytes, size_t len,
                                 struct amt_diag *diag)
{
    if (secret_set(&device->password, bytes, (uint32_t)len) != AMT_OK) {
        (void)amt_diag_set(diag, AMT_ETOOBIG, "the CIRA password is longer than %u bytes",
                           SECRET_MAX_BYTES);
        (void)amt_diag_hint(diag, "firmware takes at most 16"); /* apf.md 13.1 */
        return AMT_ETOOBIG;
    }
    return AMT_OK;
}

static enum amt_err read_password_file(struct device *device, const char *path,
                                       struct amt_diag *diag)
{
    char line[SECRET_MAX_BYTES + 2];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return amt_diag_errno(diag, errno, "cannot read the password file %s", path);
    }
    bool has_line = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    if (!has_line) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "the password file %s is empty", path);
        (void)amt_diag_hint(diag, "its first line is the password");
        return AMT_ECONFIG;
    }
    enum amt_err err = set_password(device, line, strcspn(line, "\r\n"), diag);
    amt_wipe(line, sizeof line);
    return err;
}

bool device_is_ip_address(const char *text)
{
    uint8_t address[16];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* apf.md 6.3: AccessInfo when it is a name, else the Common Name that was provisioned with it. */
static const char *expected_name(const struct device *device)
{
    const struct device_config *config = device->config;
    const char *access_info = config->cira.access_info;
    if (access_info != NULL && !device_is_ip_address(access_info)) {
        return access_info;
    }
    if (config->cira.common_name != NULL) {
        return config->cira.common_name;
    }
    return access_info != NULL ? access_info : device->server.host;
}

static enum amt_err set_server(struct device *device, struct amt_diag *diag)
{
    const struct device_config *config = device->config;
    device->user = config->cira.user == NULL ? "" : config->cira.user;
    device->lifetime_us = config->cira.lifetime_us;
    device->calls.is_by_policy = config->cira.to == NULL && device->firmware != NULL;
    if (device->calls.is_by_policy) {
        return AMT_OK;
    }
    if (config->cira.to == NULL) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "cira.to is missing: the address of the MPS");
        (void)amt_diag_hint(diag, "for example cira: { to: mps.example.org:4433 }");
        return AMT_ECONFIG;
    }
    TRY(address_parse(config->cira.to, MPS_PORT, &device->server, diag));
    device->expected_name = expected_name(device);
    if (config->cira.password_file != NULL) {
        return read_password_file(device, config->cira.password_file, diag);
    }
    if (config->cira.password != NULL) {
        return set_password(device, config->cira.password, strlen(config->cira.password), diag);
    }
    return AMT_OK;
}

static enum amt_err set_forwards(struct device *device, struct amt_diag *diag)
{
    const struct device_config *config = device->config;
    device->forward_count = config->forward.count;
    if (device->forward_count > APF_FORWARDS_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG, "forward: at most %u ports", APF_FORWARDS_MAX);
    }
    device->forwards = amt_alloc_array(device->forward_count, sizeof *device->forwards);
    if (device->forwards == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    const char *address = config->forward_address != NULL ? config->forward_address
                          : config->host_name != NULL     ? config->host_name
                                                          : "";
    for (uint32_t i = 0; i < device->forward_count; i++) {
        device->forwards[i].port = config->forward.items[i];
        (void)snprintf(device->forwards[i].address, sizeof device->forwards[i].address, "%s",
                       address);
    }
    return AMT_OK;
}

static struct pki_trust *load_trust(const struct device_config *config, struct amt_diag *diag)
{
    if (config->trust != NULL) {
        return pki_trust_ref(config->trust);
    }
    struct pki_trust *trust = pki_trust_new();
    if (trust != NULL && config->cira.trust != NULL &&
        pki_trust_load(trust, config->cira.trust, diag) != AMT_OK) {
        pki_trust_free(trust);
        return NULL;
    }
    return trust;
}

struct tls_context *device_tls_context(const struct device_config *config, struct amt_diag *diag)
{
    struct pki_identity *identity = NULL;
    if (config->identity != NULL) {
        identity = pki_identity_ref(config->identity);
    } else if (config->cira.certificate != NULL) {
        const char *key = config->cira.key == NULL ? config->cira.certificate : config->cira.key;
        identity = pki_load(config->cira.certificate, key, diag);
        if (identity == NULL) {
            return NULL;
        }
    }
    struct pki_trust *trust = load_trust(config, diag);
    struct tls_settings settings = { .identity = identity,
                                     .min_version = (enum tls_version)config->tls.min_version,
                                     .max_version = (enum tls_version)config->tls.max_version,
                                     .ciphers = config->tls.ciphers,
                                     .verifies_peer = config->cira.verify,
                                     .trust = trust,
                                     .key_log_path = config->tls.key_log };
    struct tls_context *context = trust == NULL ? NULL : tls_context_new(&settings, diag);
    pki_trust_free(trust);
    pki_identity_free(identity);
    return context;
}

static enum amt_err set_capture(struct device *device, struct amt_diag *diag)
{
    const struct device_config *config = device->config;
    device->owns_capture = config->shared_capture == NULL && config->capture.path != NULL;
    device->capture = config->shared_capture;
    if (device->owns_capture) {
        device->capture =
            capture_open(device->loop, &config->capture, "amtlab device", device->log, diag);
    }
    return device->owns_capture && device->capture == NULL ? AMT_ESYS : AMT_OK;
}

static enum amt_err set_tls(struct device *device, struct amt_diag *diag)
{
    const struct device_config *config = device->config;
    device->is_mutual = config->identity != NULL || config->cira.certificate != NULL;
    if (config->tls.offload || device->calls.is_by_policy) {
        return AMT_OK;
    }
    device->owns_tls = config->tls_context == NULL;
    device->tls = device->owns_tls ? device_tls_context(config, diag) : config->tls_context;
    return device->tls == NULL ? AMT_ECERT : AMT_OK;
}

static void call(struct device *device)
{
    if (device->calls.is_by_policy) {
        calls_begin(device);
    } else {
        tunnel_start(device);
    }
}

static void on_retry(void *ctx)
{
    struct device *device = ctx;
    if (device->tunnel == NULL && device->wants_tunnel) {
        call(device);
    }
}

struct firmware_profile *device_profile(const struct device_config *config, struct amt_diag *diag)
{
    struct amt_diag_list errors = { .count = 0 };
    struct firmware_profile *profile = firmware_profile_new(&config->firmware, "firmware", &errors);
    if (profile != NULL && profile->config.host_name == NULL) {
        profile->config.host_name = config->host_name;
    }
    if (profile == NULL && errors.count > 0 && diag != NULL) {
        *diag = errors.items[0];
    } else if (profile == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    amt_diag_list_fini(&errors);
    return profile;
}

static void on_listeners_changed(void *ctx)
{
    direct_update(ctx);
}

/* A file that a BIOS would refuse is refused here, and the PC starts all the same; a file that is not
 * there is a mistake of the configuration. */
static bool plug_in_setup_file(struct device *device, struct amt_diag *diag)
{
    struct setup_file_result result;
    struct amt_diag why = { .err = AMT_OK };
    enum amt_err err =
        setup_file_insert(device->firmware, device->config->setup_file, &result, &why);
    if (err == AMT_OK) {
        LOG(device->log, LOG_INFO, "setup_file.applied", log_text("uuid", device->uuid_text),
            log_text("path", device->config->setup_file), log_u64("record", result.record));
    } else if (err != AMT_ESYS && err != AMT_ENOMEM) {
        LOG(device->log, LOG_WARN, "setup_file.refused", log_text("uuid", device->uuid_text),
            log_text("path", device->config->setup_file), log_u64("record", result.record),
            log_text("reason", why.text));
    } else if (diag != NULL) {
        *diag = why;
    }
    setup_file_result_fini(&result);
    return err != AMT_ESYS && err != AMT_ENOMEM;
}

struct firmware *device_firmware(struct device *device, struct amt_diag *diag)
{
    if (device->firmware != NULL) {
        return device->firmware;
    }
    const struct device_config *config = device->config;
    if (config->firmware_profile == NULL && device->profile == NULL) {
        device->profile = device_profile(config, diag);
    }
    struct firmware_settings settings = {
        .profile = config->firmware_profile != NULL ? config->firmware_profile : device->profile,
        .uuid = device->uuid,
        .seed = device->seed,
        .index = device->index,
        .state_dir = config->state_dir,
        .log = device->log,
        .hooks = { .listeners_changed = on_listeners_changed },
    };
    calls_set_hooks(device, &settings.hooks);
    device->firmware =
        settings.profile == NULL ? NULL : firmware_new(device->loop, &settings, diag);
    calls_tunnel_changed(device, device->state == DEVICE_UP);
    if (device->firmware != NULL && config->setup_file != NULL &&
        !plug_in_setup_file(device, diag)) {
        firmware_free(device->firmware);
        device->firmware = NULL;
    }
    return device->firmware;
}

/* Now, when it has something to do before it is asked: own ports, a state to go on from. */
static enum amt_err set_firmware(struct device *device, struct amt_diag *diag)
{
    const struct device_config *config = device->config;
    bool may_know_server = config->cira.to == NULL && config->firmware.instance_set_count > 0;
    bool is_needed = config->state_dir != NULL || config->direct.address != NULL ||
                     config->setup_file != NULL || config->dhcp.interface != NULL ||
                     may_know_server;
    return is_needed && device_firmware(device, diag) == NULL ? AMT_ECONFIG : AMT_OK;
}

struct device *device_new(struct loop *loop, const struct device_config *config, uint64_t seed,
                          uint32_t index, struct log *log, struct amt_diag *diag)
{
    struct device *device = amt_alloc(sizeof *device);
    if (device == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    device->loop = loop;
    device->config = config;
    device->log = log;
    device->seed = seed;
    device->index = index;
    device->has_link = true;
    device->connection_log.tls_alert = -1;
    device->connection_log.closure_reason = 255;
    timer_init(&device->retry, loop, on_retry, device);
    calls_init(device);
    loop_task_init(&device->reap, loop, tunnels_reap, device);
    if (set_identity(device, seed, index, diag) != AMT_OK || set_firmware(device, diag) != AMT_OK ||
        set_server(device, diag) != AMT_OK || set_forwards(device, diag) != AMT_OK ||
        set_tls(device, diag) != AMT_OK || set_capture(device, diag) != AMT_OK ||
        direct_start(device, diag) != AMT_OK || device_dhcp_start(device, diag) != AMT_OK) {
        device_free(device);
        return NULL;
    }
    return device;
}

void device_free(struct device *device)
{
    if (device == NULL) {
        return;
    }
    device->wants_tunnel = false;
    tunnel_cut(device);
    tunnels_reap(device);
    loop_task_cancel(&device->reap);
    timer_stop(&device->retry);
    calls_fini(device);
    stream_reset(device->orphan);
    direct_stop(device);
    device_dhcp_stop(device);
    firmware_free(device->firmware);
    firmware_profile_free(device->profile);
    if (device->owns_capture) {
        capture_free(device->capture);
    }
    if (device->owns_tls) {
        tls_context_free(device->tls);
    }
    secret_fini(&device->password);
    amt_free(device->forwards);
    amt_free(device);
}

void device_connect(struct device *device, uint32_t trigger)
{
    device->wants_tunnel = true;
    if (device->calls.is_by_policy) {
        calls_start(device, trigger);
        return;
    }
    device->trigger = trigger != 0 ? trigger : (uint32_t)device->config->cira.trigger;
    device->attempts_since_up = 0;
    if (device->tunnel == NULL && device->has_link) {
        timer_stop(&device->retry);
        tunnel_start(device);
    }
}

void device_disconnect(struct device *device, uint32_t reason)
{
    device->wants_tunnel = false;
    timer_stop(&device->retry);
    if (device->tunnel != NULL && device->tunnel->session != NULL) {
        apf_device_session_disconnect(device->tunnel->session, reason, loop_now_us(device->loop));
    } else {
        tunnel_cut(device);
    }
    device->state = DEVICE_OFF;
}

void device_go_online(struct device *device, bool is_online)
{
    if (device->has_link == is_online) {
        return;
    }
    device->has_link = is_online;
    if (!is_online) {
        timer_stop(&device->retry);
        tunnel_vanish(device);
    } else if (device->wants_tunnel) {
        device->attempts_since_up = 0;
        call(device);
    }
}

void device_set_link(struct device *device, bool is_up)
{
    if (device->has_link != is_up) {
        LOG(device->log, LOG_INFO, is_up ? "device.plugged" : "device.unplugged",
            log_text("uuid", device->uuid_text));
        if (device->firmware != NULL) {
            network_set_cable(device->firmware, is_up);
        }
        device_go_online(device, is_up);
    }
}

void device_reboot(struct device *device, uint64_t delay_us)
{
    LOG(device->log, LOG_INFO, "device.reboot", log_text("uuid", device->uuid_text));
    calls_power_cut(device);
    tunnel_vanish(device);
    device->attempts_since_up = 0;
    if (device->wants_tunnel && device->has_link) {
        timer_start(&device->retry, delay_us);
    }
}

enum amt_err device_open_direct(struct device *device, uint32_t port)
{
    struct apf_device_session *session = device_session(device);
    struct apf_mux *mux = session == NULL ? NULL : apf_device_session_mux(session);
    struct apf_channel *channel = NULL;
    if (mux == NULL || device->state != DEVICE_UP) {
        return AMT_ESTATE;
    }
    const char *originator = device->config->host_name;
    TRY(apf_mux_open(mux, port, "localhost", originator == NULL ? "" : originator, 0,
                     loop_now_us(device->loop), &channel));
    apf_channel_set_ctx(channel, &device->direct_mark);
    tunnel_set_timer(device->tunnel);
    return AMT_OK;
}

enum device_state device_state(const struct device *device)
{
    return device->state;
}

const struct uuid *device_uuid(const struct device *device)
{
    return &device->uuid;
}

const struct device_connection_log *device_connection_log(const struct device *device)
{
    return &device->connection_log;
}

struct stream *device_transport(struct device *device)
{
    return device->tunnel == NULL ? NULL : device->tunnel->stream;
}

struct apf_device_session *device_session(struct device *device)
{
    return device->tunnel == NULL ? NULL : device->tunnel->session;
}

void device_serve(struct device *device, uint32_t port,
                  void (*on_stream)(void *ctx, struct stream *s), void *ctx)
{
    if (device->service_count < DEVICE_SERVICES_MAX) {
        device->services[device->service_count++] =
            (struct own_service){ .port = port, .on_stream = on_stream, .ctx = ctx };
    }
}
