/* The device's own network ports: 16992, 16993, when the profile and the TLS settings have them open;
 * and 623 on UDP, where it answers presence pings. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "simulator/device_internal.h"
#include "simulator/firmware/presence.h"

struct direct_port {
    struct device *device;
    struct listener *listener;
    uint32_t port;   /* of AMT */
    uint16_t number; /* on this host, once it has listened; 0 before */
};

struct direct {
    struct direct_port plain, tls;
    struct presence *presence; /* NULL when the port could not be had */
    char host[ADDRESS_HOST_BYTES];
};

static void on_accept(void *ctx, struct stream *s)
{
    struct direct_port *port = ctx;
    enum firmware_door door =
        port->device->config->direct.local ? FIRMWARE_LOCAL : FIRMWARE_NETWORK;
    if (!firmware_port_is_open(port->device->firmware, port->port, door)) {
        stream_reset(s);
    } else if (port->port == 16993) {
        firmware_serve_tls(port->device->firmware, s, door);
    } else {
        firmware_serve(port->device->firmware, s, door);
    }
}

static enum amt_err open_port(struct device *device, struct direct_port *port,
                              struct amt_diag *diag)
{
    struct address address = { .port = port->number };
    (void)snprintf(address.host, sizeof address.host, "%s", device->direct->host);
    port->listener = net_listen(device->loop, &address, on_accept, port, diag);
    if (port->listener == NULL) {
        return AMT_ESYS;
    }
    listener_address(port->listener, &address);
    port->number = address.port;
    LOG(device->log, LOG_INFO, "direct.listening", log_text("uuid", device->uuid_text),
        log_text("address", address.host), log_u64("port", address.port),
        log_u64("amt_port", port->port));
    return AMT_OK;
}

static enum amt_err set_port(struct device *device, struct direct_port *port, struct amt_diag *diag)
{
    enum firmware_door door = device->config->direct.local ? FIRMWARE_LOCAL : FIRMWARE_NETWORK;
    bool is_open = firmware_port_is_open(device->firmware, port->port, door);
    if (is_open && port->listener == NULL) {
        return open_port(device, port, diag);
    }
    if (!is_open && port->listener != NULL) {
        listener_close(port->listener);
        port->listener = NULL;
        LOG(device->log, LOG_INFO, "direct.closed", log_text("uuid", device->uuid_text),
            log_u64("amt_port", port->port));
    }
    return AMT_OK;
}

/* The index-th address from the configured one on, for fleets: 127.0.0.2, 127.0.0.3, ... */
static enum amt_err set_host(struct direct *direct, const char *first, uint32_t index,
                             struct amt_diag *diag)
{
    struct in_addr address;
    if (index == 0) {
        (void)snprintf(direct->host, sizeof direct->host, "%s", first);
        return AMT_OK;
    }
    if (inet_pton(AF_INET, first, &address) != 1) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "direct.address: several devices need an IPv4 address to count from, "
                            "not \"%s\"",
                            first);
    }
    address.s_addr = htonl(ntohl(address.s_addr) + index);
    (void)inet_ntop(AF_INET, &address, direct->host, sizeof direct->host);
    return AMT_OK;
}

/* Port 623 belongs to root, and to one program: a device without it is still a device. */
static void start_presence(struct device *device)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct address address = { .port = (uint16_t)device->config->direct.presence_port };
    (void)snprintf(address.host, sizeof address.host, "%s", device->direct->host);
    device->direct->presence = presence_open(device->loop, device->firmware, &address, &diag);
    if (device->direct->presence == NULL) {
        LOG(device->log, LOG_WARN, "presence.not_heard", log_text("uuid", device->uuid_text),
            log_text("reason", diag.text));
        return;
    }
    presence_address(device->direct->presence, &address);
    LOG(device->log, LOG_INFO, "direct.listening", log_text("uuid", device->uuid_text),
        log_text("address", address.host), log_u64("port", address.port),
        log_u64("amt_port", RMCP_PORT));
}

enum amt_err direct_start(struct device *device, struct amt_diag *diag)
{
    const struct device_config *config = device->config;
    if (config->direct.address == NULL) {
        return AMT_OK;
    }
    device->direct = amt_alloc(sizeof *device->direct);
    if (device->direct == NULL || device_firmware(device, diag) == NULL) {
        return AMT_ENOMEM;
    }
    struct direct *direct = device->direct;
    direct->plain = (struct direct_port){ .device = device,
                                          .port = 16992,
                                          .number = (uint16_t)config->direct.plain_port };
    direct->tls = (struct direct_port){ .device = device,
                                        .port = 16993,
                                        .number = (uint16_t)config->direct.tls_port };
    TRY(set_host(direct, config->direct.address, device->index, diag));
    TRY(set_port(device, &direct->plain, diag));
    TRY(set_port(device, &direct->tls, diag));
    start_presence(device);
    return AMT_OK;
}

void direct_update(struct device *device)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (device->direct == NULL) {
        return;
    }
    if (set_port(device, &device->direct->plain, &diag) != AMT_OK ||
        set_port(device, &device->direct->tls, &diag) != AMT_OK) {
        LOG(device->log, LOG_ERROR, "direct.failed", log_text("uuid", device->uuid_text),
            log_text("reason", diag.text));
    }
}

void direct_stop(struct device *device)
{
    if (device->direct != NULL) {
        listener_close(device->direct->plain.listener);
        listener_close(device->direct->tls.listener);
        presence_close(device->direct->presence);
        amt_free(device->direct);
        device->direct = NULL;
    }
}

bool device_direct_address(const struct device *device, uint32_t port, struct address *address)
{
    const struct direct *direct = device->direct;
    if (port == RMCP_PORT && direct != NULL && direct->presence != NULL) {
        presence_address(direct->presence, address);
        return true;
    }
    const struct direct_port *found = direct == NULL  ? NULL
                                      : port == 16992 ? &direct->plain
                                                      : &direct->tls;
    if (found == NULL || found->listener == NULL) {
        return false;
    }
    listener_address(found->listener, address);
    return true;
}
