/* The simulated device that `amtlab activate` runs on: its firmware is this process's ME. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/activate.h"
#include "cli/service.h"
#include "simulator/device.h"
#include "simulator/host/pthi.h"

#define SETTLE_LIMIT_US (30u * (uint64_t)US_PER_SECOND)

struct activate_device {
    struct loop *loop;
    struct device_config config;
    struct device *device;
    struct firmware *firmware;
};

static enum amt_err command(void *ctx, const uint8_t *in, uint32_t in_len, uint8_t *out,
                            uint32_t cap, uint32_t *len, struct amt_diag *diag)
{
    struct activate_device *d = ctx;
    (void)host_pthi_answer(d->firmware, in, in_len, out, cap, len);
    return *len != 0
               ? AMT_OK
               : amt_diag_set(diag, AMT_ESYS, "the simulated ME does not answer that command");
}

static struct stream *open_port(void *ctx, uint32_t port)
{
    struct activate_device *d = ctx;
    struct stream *ours = NULL;
    struct stream *theirs = NULL;
    if (stream_memory_pair(d->loop, &ours, &theirs) != AMT_OK) {
        return NULL;
    }
    if (!firmware_port_is_open(d->firmware, port, FIRMWARE_LOCAL)) {
        stream_reset(theirs);
    } else if (port == 16993) {
        firmware_serve_tls(d->firmware, theirs, FIRMWARE_LOCAL);
    } else {
        firmware_serve(d->firmware, theirs, FIRMWARE_LOCAL);
    }
    return ours;
}

static bool is_tls_enforced(void *ctx)
{
    const struct activate_device *d = ctx;
    return !firmware_port_is_open(d->firmware, 16992, FIRMWARE_LOCAL) &&
           firmware_port_is_open(d->firmware, 16993, FIRMWARE_LOCAL);
}

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
    *host = (struct activation_host){ .command = command,
                                      .open_port = open_port,
                                      .is_tls_enforced = is_tls_enforced,
                                      .host_name = d->config.host_name,
                                      .os_dns_suffix = os_suffix(d),
                                      .ctx = d };
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
