/* Many devices from one configuration: identities from the seed, one TLS context, staggered starts. */
#ifndef AMTLAB_SIMULATOR_FLEET_FLEET_H
#define AMTLAB_SIMULATOR_FLEET_FLEET_H

#include "simulator/device.h"

#define FLEET_MAX 100000u

struct fleet_settings {
    const struct device_config *config; /* borrowed until fleet_free; its uuid is the first device's
                                           alone, the others' come from the seed */
    uint64_t seed;
    uint32_t count;      /* 1 to FLEET_MAX */
    uint64_t stagger_us; /* between the starts of two devices */
};

struct fleet;
/* Makes all devices; none connects yet. NULL with diag: what device_new says, or AMT_ECONFIG for a
 * count out of range. */
struct fleet *fleet_new(struct loop *loop, const struct fleet_settings *settings, struct log *log,
                        struct amt_diag *diag);
void fleet_free(struct fleet *fleet); /* cuts what is open; NULL is allowed */

/* The first device calls home now, each further one stagger_us later. */
void fleet_start(struct fleet *fleet);
/* DISCONNECT reason by all; who has not started yet will not. */
void fleet_disconnect(struct fleet *fleet, uint32_t reason);

uint32_t fleet_count(const struct fleet *fleet);
/* NULL when there are not so many. */
struct device *fleet_device(struct fleet *fleet, uint32_t index);
/* How many are in this state now. Linear in the size of the fleet. */
uint32_t fleet_count_in(const struct fleet *fleet, enum device_state state);
/* The sums of all devices' numbers. */
void fleet_statistics(struct fleet *fleet, struct device_statistics *sum);

#endif
