/*
 * The wired port in a real network: the device asks the DHCP server there, with its own hardware address,
 * for an address and the domain of option 15 (activation.md 3.1). What the server gives, the firmware
 * shows; without a lease the device has no suffix and reaches nobody, as without a cable.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/dhcp/client.h"
#include "runtime/lan.h"
#include "simulator/device_internal.h"
#include "simulator/firmware/identity.h"
#include "simulator/firmware/network.h"

struct device_dhcp {
    struct device *device;
    struct lan *lan;
    struct dhcp_client client;
    struct timer timer;
    bool has_applied; /* the firmware has the client's lease */
};

static const char *address_text(uint32_t address, char out[static INET_ADDRSTRLEN])
{
    const struct in_addr in = { .s_addr = htonl(address) };
    return inet_ntop(AF_INET, &in, out, INET_ADDRSTRLEN) == NULL ? "" : out;
}

static void arm(struct device_dhcp *dhcp)
{
    timer_start_at(&dhcp->timer, dhcp->client.deadline_us);
}

static void show_wire(struct device_dhcp *dhcp)
{
    const struct dhcp_lease *lease = &dhcp->client.lease;
    struct network_wire wire = { .has_link = lan_has_link(dhcp->lan) };
    if (dhcp->has_applied) {
        wire = (struct network_wire){ .has_link = wire.has_link,
                                      .address = lease->address,
                                      .mask = lease->mask,
                                      .router = lease->router,
                                      .dns = { lease->dns[0], lease->dns[1] } };
    }
    network_set_wire(dhcp->device->firmware, &wire);
}

static void log_lease(const struct device_dhcp *dhcp)
{
    const struct dhcp_lease *lease = &dhcp->client.lease;
    char address[INET_ADDRSTRLEN], server[INET_ADDRSTRLEN];
    bool has_suffix = lease->domain == DHCP_DOMAIN_GIVEN;
    LOG(dhcp->device->log, has_suffix ? LOG_INFO : LOG_WARN, "dhcp.lease",
        log_text("uuid", dhcp->device->uuid_text),
        log_text("interface", dhcp->device->config->dhcp.interface),
        log_text("address", address_text(lease->address, address)),
        log_text("server", address_text(lease->server, server)), log_u64("time_s", lease->time_s),
        log_text("dns_suffix", lease->suffix), log_text("why", dhcp_domain_text(lease->domain)));
}

/* The lease is ours now: first the network's name, then whoever may be called from there. */
static void apply(struct device_dhcp *dhcp)
{
    const struct dhcp_lease *lease = &dhcp->client.lease;
    dhcp->has_applied = true;
    lan_set_address(dhcp->lan, lease->address);
    show_wire(dhcp);
    calls_network_changed(dhcp->device, lease->suffix[0] == '\0' ? NULL : lease->suffix);
    device_go_online(dhcp->device, true);
}

/* Offline first: nobody is called because the name of the network is gone. */
static void withdraw(struct device_dhcp *dhcp)
{
    device_go_online(dhcp->device, false);
    dhcp->has_applied = false;
    lan_set_address(dhcp->lan, 0);
    show_wire(dhcp);
    calls_network_changed(dhcp->device, NULL);
}

static void log_trouble(const struct device_dhcp *dhcp, const char *event, const char *reason)
{
    LOG(dhcp->device->log, LOG_WARN, event, log_text("uuid", dhcp->device->uuid_text),
        log_text("interface", dhcp->device->config->dhcp.interface), log_text("reason", reason));
}

static void on_event(void *ctx, enum dhcp_event event, const char *text)
{
    struct device_dhcp *dhcp = ctx;
    switch (event) {
    case DHCP_GOT_LEASE:
        log_lease(dhcp);
        apply(dhcp);
        break;
    case DHCP_RENEWED:
        LOG(dhcp->device->log, LOG_DEBUG, "dhcp.renewed", log_text("uuid", dhcp->device->uuid_text),
            log_u64("time_s", dhcp->client.lease.time_s));
        if (!dhcp->has_applied) {
            apply(dhcp);
        }
        break;
    case DHCP_NO_SERVER:
        log_trouble(dhcp, "dhcp.no_server",
                    "nobody has answered on this network yet; it is asked again for ever. Is the "
                    "interface in the network of the DHCP server, and does a pool fit?");
        break;
    case DHCP_REFUSED:
        log_trouble(dhcp, "dhcp.refused", text);
        withdraw(dhcp);
        break;
    case DHCP_EXPIRED:
        log_trouble(dhcp, "dhcp.expired", "no server has renewed the lease in time");
        withdraw(dhcp);
        break;
    case DHCP_BAD_ANSWER:
        log_trouble(dhcp, "dhcp.bad_answer", text);
        break;
    }
}

static void on_send(void *ctx, uint32_t to, const uint8_t *out, uint32_t len)
{
    struct device_dhcp *dhcp = ctx;
    bool is_to_all = to == DHCP_ALL;
    const struct lan_datagram datagram = { .from = is_to_all ? 0 : dhcp->client.lease.address,
                                           .to = is_to_all ? LAN_EVERYBODY : to,
                                           .from_port = DHCP_CLIENT_PORT,
                                           .to_port = DHCP_SERVER_PORT,
                                           .bytes = out,
                                           .len = len };
    enum amt_err err = lan_send(dhcp->lan, &datagram);
    if (err != AMT_OK) { /* it is asked again, as when the network had lost it */
        LOG(dhcp->device->log, LOG_DEBUG, "dhcp.not_sent",
            log_text("uuid", dhcp->device->uuid_text), log_text("reason", amt_err_text(err)));
    }
}

static void on_timer(void *ctx)
{
    struct device_dhcp *dhcp = ctx;
    dhcp_client_wake(&dhcp->client, loop_now_us(dhcp->device->loop));
    arm(dhcp);
}

static void on_datagram(void *ctx, const struct lan_datagram *datagram)
{
    struct device_dhcp *dhcp = ctx;
    dhcp_client_input(&dhcp->client, loop_now_us(dhcp->device->loop), datagram->bytes,
                      datagram->len);
    arm(dhcp);
}

static void on_link(void *ctx, bool is_up)
{
    struct device_dhcp *dhcp = ctx;
    LOG(dhcp->device->log, LOG_INFO, is_up ? "device.plugged" : "device.unplugged",
        log_text("uuid", dhcp->device->uuid_text));
    if (is_up) {
        show_wire(dhcp);
        dhcp_client_start(&dhcp->client, loop_now_us(dhcp->device->loop));
    } else {
        dhcp_client_stop(&dhcp->client);
        withdraw(dhcp);
    }
    arm(dhcp);
}

static void begin(struct device_dhcp *dhcp)
{
    struct device *device = dhcp->device;
    dhcp->client.hooks = (struct dhcp_hooks){ .send = on_send, .event = on_event, .ctx = dhcp };
    dhcp->client.random = device->random;
    dhcp->client.host_name = device->config->host_name;
    identity_mac(device->firmware, IDENTITY_WIRED, dhcp->client.hardware);
    if (!loop_is_virtual(device->loop)) { /* two runs of one seed are two PCs to the server */
        uint64_t seed = 0;
        loop_random(device->loop, &seed, sizeof seed);
        amt_random_seed(&dhcp->client.random, seed, "dhcp");
    }
    timer_init(&dhcp->timer, device->loop, on_timer, dhcp);
    withdraw(dhcp);
    if (lan_has_link(dhcp->lan)) {
        dhcp_client_start(&dhcp->client, loop_now_us(device->loop));
    } else {
        LOG(device->log, LOG_WARN, "device.unplugged", log_text("uuid", device->uuid_text));
        dhcp_client_stop(&dhcp->client);
    }
    arm(dhcp);
}

const char *device_lease_suffix(const struct device *device)
{
    const struct device_dhcp *dhcp = device->dhcp;
    return dhcp == NULL || !dhcp->has_applied ? NULL : dhcp->client.lease.suffix;
}

bool device_waits_for_lease(const struct device *device)
{
    const struct device_dhcp *dhcp = device->dhcp;
    return dhcp != NULL && dhcp->client.state != DHCP_STOPPED && !dhcp->has_applied &&
           !dhcp->client.has_told_no_server;
}

enum amt_err device_dhcp_start(struct device *device, struct amt_diag *diag)
{
    static const struct lan_handler k_handler = { .on_datagram = on_datagram, .on_link = on_link };
    const char *interface = device->config->dhcp.interface;
    if (interface == NULL) {
        return AMT_OK;
    }
    if (!device->firmware->profile->config.has_wired) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "dhcp.interface: this PC has no wired port");
        (void)amt_diag_hint(diag, "Intel AMT takes its domain from the wired port alone; leave "
                                  "dhcp out, or take a profile with firmware.has_wired");
        return AMT_ECONFIG;
    }
    struct device_dhcp *dhcp = amt_alloc(sizeof *dhcp);
    if (dhcp == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    dhcp->device = device;
    dhcp->lan = lan_open(device->loop, interface, DHCP_CLIENT_PORT, &k_handler, dhcp, diag);
    if (dhcp->lan == NULL) {
        amt_free(dhcp);
        return AMT_ESYS;
    }
    device->dhcp = dhcp;
    begin(dhcp);
    return AMT_OK;
}

void device_dhcp_stop(struct device *device)
{
    if (device->dhcp != NULL) {
        timer_stop(&device->dhcp->timer);
        lan_close(device->dhcp->lan);
        amt_free(device->dhcp);
        device->dhcp = NULL;
    }
}
