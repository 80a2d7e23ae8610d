#include "simulator/fleet/fleet.h"

#include <string.h>

#include "base/memory.h"

struct fleet {
    struct device **devices;
    uint32_t count, started;
    uint64_t stagger_us;
    struct timer start;
    struct device_config first, others; /* borrow all texts of the settings' config */
    struct tls_context *tls;            /* ours; NULL when plain, or when the config brought one */
    struct firmware_profile *profile;   /* ours; NULL when the config brought one */
    struct capture *capture;            /* ours; NULL: off */
};

static void on_start(void *ctx)
{
    struct fleet *fleet = ctx;
    device_connect(fleet->devices[fleet->started++], 0);
    if (fleet->started < fleet->count) {
        timer_start(&fleet->start, fleet->stagger_us);
    }
}

static enum amt_err make_devices(struct fleet *fleet, struct loop *loop,
                                 const struct fleet_settings *settings, struct log *log,
                                 struct amt_diag *diag)
{
    fleet->devices = amt_alloc_array(settings->count, sizeof(struct device *));
    if (fleet->devices == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "no memory for %u devices", settings->count);
    }
    /* A certificate and its roots are parsed once, not a thousand times. */
    if (!fleet->first.tls.offload && fleet->first.tls_context == NULL) {
        fleet->tls = device_tls_context(&fleet->first, diag);
        if (fleet->tls == NULL) {
            return AMT_ECERT;
        }
        fleet->first.tls_context = fleet->tls;
    }
    if (fleet->first.firmware_profile == NULL) {
        fleet->profile = device_profile(&fleet->first, diag);
        if (fleet->profile == NULL) {
            return AMT_ECONFIG;
        }
        fleet->first.firmware_profile = fleet->profile;
    }
    const struct capture_config *capture = &fleet->first.capture;
    if (capture->path != NULL && fleet->first.shared_capture == NULL) {
        fleet->capture = capture_open(loop, capture, "amtlab device", log, diag);
        if (fleet->capture == NULL) {
            return AMT_ESYS;
        }
        fleet->first.shared_capture = fleet->capture;
    }
    fleet->others = fleet->first;
    fleet->others.uuid = NULL;
    for (; fleet->count < settings->count; fleet->count++) {
        const struct device_config *config = fleet->count == 0 ? &fleet->first : &fleet->others;
        struct device *device = device_new(loop, config, settings->seed, fleet->count, log, diag);
        if (device == NULL) {
            return AMT_ECONFIG;
        }
        fleet->devices[fleet->count] = device;
    }
    return AMT_OK;
}

struct fleet *fleet_new(struct loop *loop, const struct fleet_settings *settings, struct log *log,
                        struct amt_diag *diag)
{
    if (settings->count < 1 || settings->count > FLEET_MAX) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "a fleet has 1 to %u devices, not %u", FLEET_MAX,
                           settings->count);
        return NULL;
    }
    struct fleet *fleet = amt_alloc(sizeof *fleet);
    if (fleet == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    timer_init(&fleet->start, loop, on_start, fleet);
    fleet->stagger_us = settings->stagger_us;
    fleet->first = *settings->config;
    if (make_devices(fleet, loop, settings, log, diag) != AMT_OK) {
        fleet_free(fleet);
        return NULL;
    }
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    timer_stop(&fleet->start);
    for (uint32_t i = 0; i < fleet->count; i++) {
        device_free(fleet->devices[i]);
    }
    amt_free(fleet->devices);
    capture_free(fleet->capture);
    tls_context_free(fleet->tls);
    firmware_profile_free(fleet->profile);
    amt_free(fleet);
}

void fleet_start(struct fleet *fleet)
{
    if (fleet->started == 0) {
        on_start(fleet);
    }
}

void fleet_disconnect(struct fleet *fleet, uint32_t reason)
{
    timer_stop(&fleet->start);
    for (uint32_t i = 0; i < fleet->started; i++) {
        device_disconnect(fleet->devices[i], reason);
    }
}

uint32_t fleet_count(const struct fleet *fleet)
{
    return fleet->count;
}

struct device *fleet_device(struct fleet *fleet, uint32_t index)
{
    return index < fleet->count ? fleet->devices[index] : NULL;
}

uint32_t fleet_count_in(const struct fleet *fleet, enum device_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fleet->count; i++) {
        count += device_state(fleet->devices[i]) == state ? 1 : 0;
    }
    return count;
}

static uint64_t *member(struct device_statistics *statistics, const struct metric *metric)
{
    return (uint64_t *)(void *)((char *)statistics + metric->offset);
}

void fleet_statistics(struct fleet *fleet, struct device_statistics *sum)
{
    memset(sum, 0, sizeof *sum);
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct device_statistics one = *device_statistics(fleet->devices[i]);
        for (const struct metric *metric = device_metrics; metric->name != NULL; metric++) {
            *member(sum, metric) += *member(&one, metric);
        }
    }
}
