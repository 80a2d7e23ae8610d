#include "runtime/metrics.h"

#include <string.h>

static uint64_t value_of(const struct metric *metric, const void *values)
{
    uint64_t value = 0;
    memcpy(&value, (const char *)values + metric->offset, sizeof value);
    return value;
}

bool metric_find(const struct metric *table, const void *values, const char *name, uint64_t *value)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0) {
            *value = value_of(table, values);
            return true;
        }
    }
    return false;
}

/* In a HELP line only the backslash and the end of line mean something. */
static void write_help(struct text *out, const char *help)
{
    for (; *help != '\0'; help++) {
        if (*help == '\\') {
            text_puts(out, "\\\\");
        } else if (*help == '\n') {
            text_puts(out, "\\n");
        } else {
            text_append(out, help, 1);
        }
    }
}

void metrics_prometheus(const struct metric *table, const void *values, const char *prefix,
                        struct text *out)
{
    for (; table->name != NULL; table++) {
        const char *suffix = table->is_gauge ? "" : "_total";
        text_printf(out, "# HELP %s_%s%s ", prefix, table->name, suffix);
        write_help(out, table->help);
        text_printf(out, "\n# TYPE %s_%s%s %s\n", prefix, table->name, suffix,
                    table->is_gauge ? "gauge" : "counter");
        text_printf(out, "%s_%s%s %llu\n", prefix, table->name, suffix,
                    (unsigned long long)value_of(table, values));
    }
}
