/* Captured instances as profile data. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_CAPTURES_INSTANCES_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_CAPTURES_INSTANCES_H

#include "simulator/firmware/tests/captures_compare.h"

/* The instances in the body of an envelope as `instances:` of a profile; nothing when there are none. */
void captures_instances(struct text *out, const struct written *envelope);

#endif
