/* Chances and rates, as scenarios write them (harness.md 6.1). */
#ifndef AMTLAB_SCENARIOS_ENGINE_QUANTITY_H
#define AMTLAB_SCENARIOS_ENGINE_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* "0", "0.01", "1": in parts per million; digits behind the sixth are dropped. False for all else. */
bool quantity_chance(const char *text, uint32_t *ppm);
/* "16KiB/s", "200/m": per second, at least 1. False for all else. */
bool quantity_rate(const char *text, uint64_t *per_second);

#endif
