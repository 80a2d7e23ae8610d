/* Named counters and gauges of a component: for Prometheus, scenario checks and reports. */
#ifndef AMTLAB_RUNTIME_METRICS_H
#define AMTLAB_RUNTIME_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* One row of a component's constant table; values are uint64_t members of a plain struct. */
struct metric {
    const char *name; /* "keepalives_in" */
    const char *help;
    bool is_gauge;
    size_t offset;
};

/* Value by name; false if there is none. table ends with a NULL name. */
bool metric_find(const struct metric *table, const void *values, const char *name, uint64_t *value);
/* Prometheus text format; names become prefix_name, counters get _total. */
void metrics_prometheus(const struct metric *table, const void *values, const char *prefix,
                        struct text *out);

#endif
