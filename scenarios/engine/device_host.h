/* The PC of a simulated device, as activation clients see it: the firmware behind the host interface and
 * the local ports. */
#ifndef AMTLAB_SCENARIOS_ENGINE_DEVICE_HOST_H
#define AMTLAB_SCENARIOS_ENGINE_DEVICE_HOST_H

#include "client/activation/host.h"
#include "runtime/loop.h"
#include "simulator/firmware/firmware.h"

#define DEVICE_HOST_STATUSES_MAX 8u

/* What is wrong with it; zero: nothing. */
struct device_host_faults {
    bool refuses_ports; /* LMS does not run (F38) */
    bool
        shows_other_hash; /* StartConfigurationHBased answers with a hash that is not the device's (F42) */
    bool takes_other_hash; /* it hands on another hash than the client's (F43) */
    /* Commands that are answered with a status and not carried out. */
    struct device_host_status {
        uint32_t command, status;
    } statuses[DEVICE_HOST_STATUSES_MAX];
    uint32_t status_count;
};

struct device_host {
    struct loop *loop;
    struct firmware *firmware;
    struct device_host_faults faults;
};
/* For the clients; texts are borrowed, NULL is "". */
struct activation_host device_host_door(struct device_host *host, const char *host_name,
                                        const char *os_dns_suffix);
/* For activation_host.open_port, with a device_host. */
struct stream *device_host_open_port(void *ctx, uint32_t port);

#endif
