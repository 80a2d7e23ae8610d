#include "mps/activation/hello.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/activation/hello_internal.h"

#define PORT_TLS         16993u
#define DEVICES_MAX      20u
#define PAUSE_US         (60u * (uint64_t)US_PER_SECOND)
#define CONNECT_LIMIT_US (10u * (uint64_t)US_PER_SECOND)

/* --- addresses that nobody listens to for a while --- */

void hello_server_shun(struct hello_server *server, const char *host)
{
    uint64_t pause = server->settings.limits.pause_us;
    struct hello_refusal *refusal = &server->refusals[server->refusal_next % HELLO_REFUSALS_MAX];
    server->refusal_next += 1;
    (void)snprintf(refusal->host, sizeof refusal->host, "%s", host);
    refusal->until_us =
        loop_now_us(server->settings.activation.loop) + (pause == 0 ? PAUSE_US : pause);
}

bool hello_server_shuns(const struct hello_server *server, const char *host)
{
    uint64_t now = loop_now_us(server->settings.activation.loop);
    for (uint32_t i = 0; i < HELLO_REFUSALS_MAX; i++) {
        const struct hello_refusal *refusal = &server->refusals[i];
        if (refusal->until_us > now && strcmp(refusal->host, host) == 0) {
            return true;
        }
    }
    return false;
}

/* --- a device --- */

static void forget(struct hello_device *device)
{
    struct hello_device **at = &device->server->devices;
    while (*at != device) {
        at = &(*at)->next;
    }
    *at = device->next;
    device->server->device_count -= 1;
    loop_task_cancel(&device->reap);
    activation_job_free(device->job);
    secret_fini(&device->policy.password);
    secret_fini(&device->policy.mebx_password);
    amt_free(device);
}

static void on_reap(void *ctx)
{
    forget(ctx);
}

static void on_done(void *ctx, const struct activation_result *result)
{
    struct hello_device *device = ctx;
    struct hello_server *server = device->server;
    if (server->settings.on_result != NULL) {
        server->settings.on_result(server->settings.ctx, &device->uuid, result);
    }
    if (result->outcome == ACTIVATION_FAILED) {
        hello_server_shun(server, device->host);
    }
    loop_task_post(&device->reap);
}

static struct stream *open_port(void *ctx, uint32_t port)
{
    static const struct stream_handler k_none = { .on_open = NULL };
    const struct hello_device *device = ctx;
    (void)port; /* there is only one */
    return net_connect(device->server->settings.activation.loop, &device->address, CONNECT_LIMIT_US,
                       &k_none, NULL);
}

static void take_hashes(const struct hello_packet *packet, const uint8_t *bytes,
                        struct activation_report *report)
{
    for (uint32_t i = 0; i < packet->hash_count && report->hash_count < ACTIVATION_HASHES_MAX;
         i++) {
        const struct hello_hash *from = &packet->hashes[i];
        struct activation_hash *hash = &report->hashes[report->hash_count];
        if (activation_hash_of_length(from->bytes.len, &hash->type)) {
            memcpy(hash->bytes, bytes + from->bytes.off, from->bytes.len);
            hash->len = from->bytes.len;
            hash->is_active = true; /* a hello lists nothing else */
            hash->name = "";
            report->hash_count += 1;
        }
    }
}

static bool start(struct hello_device *device, const struct hello_packet *packet,
                  const uint8_t *bytes)
{
    const struct hello_server_settings *settings = &device->server->settings;
    struct activation_settings activation = settings->activation;
    const struct activation_channel channel = { .open_port = open_port, .ctx = device };
    struct activation_report report = { .conversation = ACTIVATION_BY_BARE_METAL,
                                        .uuid = packet->uuid,
                                        .dns_suffix = settings->trusted_fqdn,
                                        .peer = device->peer,
                                        .wired_link = 1 };
    take_hashes(packet, bytes, &report);
    if (!settings->find_group(settings->ctx, &device->policy, &activation.group)) {
        activation.group = NULL; /* the job says so, with its code */
    }
    activation.policy = &device->policy;
    device->job = activation_job_new(&activation, &report, &channel, on_done, device);
    return device->job != NULL;
}

static const struct hello_device *find(const struct hello_server *server, const struct uuid *uuid,
                                       const struct address *address)
{
    const struct hello_device *at = server->devices;
    while (at != NULL && !uuid_equal(&at->uuid, uuid) &&
           (at->address.port != address->port || strcmp(at->address.host, address->host) != 0)) {
        at = at->next;
    }
    return at;
}

static void ignore(const struct hello_server *server, const char *uuid, const char *peer,
                   const char *reason)
{
    LOG(server->settings.activation.log, LOG_INFO, "hello.ignored", log_text("uuid", uuid),
        log_text("peer", peer), log_text("reason", reason));
}

void hello_server_take(struct hello_server *server, const struct hello_packet *packet,
                       const uint8_t *bytes, const char *peer, const char *host)
{
    const struct hello_server_settings *settings = &server->settings;
    uint32_t max = settings->limits.devices == 0 ? DEVICES_MAX : settings->limits.devices;
    char uuid[UUID_TEXT_BYTES];
    struct address address = { .port =
                                   settings->device_port == 0 ? PORT_TLS : settings->device_port };
    (void)snprintf(address.host, sizeof address.host, "%s",
                   settings->device_host != NULL ? settings->device_host : host);
    uuid_format(&packet->uuid, uuid);
    LOG(settings->activation.log, LOG_INFO, "hello.received", log_text("uuid", uuid),
        log_text("peer", peer), log_u64("version", packet->version),
        log_u64("retries", packet->retries), log_u64("hashes", packet->hash_count));
    if (find(server, &packet->uuid, &address) != NULL) {
        ignore(server, uuid, peer, "it is being set up already");
        return;
    }
    struct hello_device *device = server->device_count < max ? amt_alloc(sizeof *device) : NULL;
    if (device == NULL) {
        ignore(server, uuid, peer, "too many devices at once; its next hello may do better");
        return;
    }
    device->server = server;
    device->uuid = packet->uuid;
    device->address = address;
    (void)snprintf(device->peer, sizeof device->peer, "%s", peer);
    (void)snprintf(device->host, sizeof device->host, "%s", host);
    loop_task_init(&device->reap, settings->activation.loop, on_reap, device);
    device->next = server->devices;
    server->devices = device;
    server->device_count += 1;
    if (!start(device, packet, bytes)) {
        ignore(server, uuid, peer, "out of memory");
        forget(device);
    }
}

/* --- the server --- */

static void on_accept(void *ctx, struct stream *s)
{
    hello_guest_new(ctx, s);
}

enum amt_err hello_server_listen(struct hello_server *server, const struct address *address,
                                 struct amt_diag *diag)
{
    struct address bound;
    char shown[ADDRESS_HOST_BYTES + 10];
    if (server->listener_count == HELLO_LISTENERS_MAX) {
        return amt_diag_set(diag, AMT_ELIMIT, "provisioning.listen: at most %u addresses",
                            HELLO_LISTENERS_MAX);
    }
    struct listener *listener =
        net_listen(server->settings.activation.loop, address, on_accept, server, diag);
    if (listener == NULL) {
        return AMT_ESYS;
    }
    server->listeners[server->listener_count++] = listener;
    listener_address(listener, &bound);
    address_format(&bound, shown);
    LOG(server->settings.activation.log, LOG_INFO, "hello.listening", log_text("address", shown),
        log_text("trusted_fqdn", server->settings.trusted_fqdn));
    return AMT_OK;
}

bool hello_server_address(const struct hello_server *server, struct address *address)
{
    if (server == NULL || server->listener_count == 0) {
        return false;
    }
    listener_address(server->listeners[0], address);
    return true;
}

uint32_t hello_server_count(const struct hello_server *server)
{
    return server->device_count;
}

struct hello_server *hello_server_new(const struct hello_server_settings *settings)
{
    struct hello_server *server = amt_alloc(sizeof *server);
    if (server != NULL) {
        server->settings = *settings;
    }
    return server;
}

void hello_server_free(struct hello_server *server)
{
    if (server == NULL) {
        return;
    }
    for (uint32_t i = 0; i < server->listener_count; i++) {
        listener_close(server->listeners[i]);
    }
    hello_guests_end(server);
    while (server->devices != NULL) {
        forget(server->devices);
    }
    amt_free(server);
}
