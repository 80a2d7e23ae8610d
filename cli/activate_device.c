/* The simulated device that `amtlab activate` runs on: its firmware is this process's ME. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/activate.h"
#include "cli/service.h"
#include "scenarios/engine/device_host.h"
#include "simulator/device.h"

#define SETTLE_LIMIT_US (30u * (uint64_t)US_PER_SECOND)

struct activate_device {
    struct loop *loop;
    struct device_config config;
    struct device *device;
    struct firmware *firmware;
    struct device_host host;
};

static enum amt_err set_key(struct activate_device *d, const char *key, const char *value,
                            struct amt_diag *diag)
{
    return value == NULL ? AMT_OK : config_set(device_config_keys, key, value, &d->config, diag);
}

static enum amt_err configure(struct activate_device *d, const struct activate_options *o,
                              struct amt_diag *diag)
{
    struct amt_diag_list errors = { .count = 0 };
    enum amt_err err = device_config_load(o->device_profile, NULL, NULL, &d->config, &errors);
    if (err != AMT_OK && errors.count > 0) {
        *diag = errors.items[0];
    }
    amt_diag_list_fini(&errors);
    if (err != AMT_OK) {
        return err;
    }
    TRY(set_key(d, "firmware.control_mode", "none", diag)); /* born unprovisioned */
    TRY(set_key(d, "state_dir", o->device_state, diag));
    TRY(set_key(d, "uuid", o->device_uuid, diag));
    TRY(set_key(d, "dhcp.interface", o->dhcp, diag));
    TRY(cli_apply_sets(device_config_keys, &o->device_sets, &d->config, diag));
    amt_free(d->config.direct.address); /* its network ports are not served here */
    d->config.direct.address = NULL;
    return AMT_OK;
}

/* The DHCP server of --dhcp has answered, or is not there. */
static bool has_settled(void *ctx)
{
    return !device_waits_for_lease(((const struct activate_device *)ctx)->device);
}

/* The operating system shares the wired port; what DHCP does not tell it may have from elsewhere (F13). */
static const char *os_suffix(const struct activate_device *d)
{
    const char *of_lease = device_lease_suffix(d->device);
    const char *of_system = d->config.firmware.network_suffix;
    return of_lease != NULL && of_lease[0] != '\0' ? of_lease : of_system != NULL ? of_system : "";
}

struct activate_device *activate_device_open(struct loop *loop, struct log *log,
                                             const struct activate_options *options,
                                             struct activation_host *host, struct amt_diag *diag)
{
    struct activate_device *d = amt_alloc(sizeof *d);
    if (d == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    d->loop = loop;
    if (configure(d, options, diag) == AMT_OK) {
        d->device = device_new(loop, &d->config, 1, 0, log, diag);
    }
    if (d->device != NULL) {
        d->firmware = device_firmware(d->device, diag);
    }
    if (d->firmware == NULL) {
        activate_device_close(d);
        return NULL;
    }
    (void)loop_run_until(loop, has_settled, d, LOOP_NO_DEADLINE);
    d->host = (struct device_host){ .loop = loop, .firmware = d->firmware };
    *host = device_host_door(&d->host, d->config.host_name, os_suffix(d));
    return d;
}

static bool is_forgotten(void *ctx)
{
    const struct activate_device *d = ctx;
    return firmware_mode(d->firmware) == FIRMWARE_NOT_PROVISIONED;
}

void activate_device_settle(struct activate_device *d)
{
    (void)loop_run_until(d->loop, is_forgotten, d, loop_now_us(d->loop) + SETTLE_LIMIT_US);
}

void activate_device_close(struct activate_device *d)
{
    if (d == NULL) {
        return;
    }
    device_free(d->device);
    device_config_fini(&d->config);
    amt_free(d);
}
