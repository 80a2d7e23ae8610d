/* An event as a line of text: for log.c, and for whoever shows events elsewhere. */
#ifndef AMTLAB_RUNTIME_LOG_FORMAT_H
#define AMTLAB_RUNTIME_LOG_FORMAT_H

#include "base/text.h"
#include "runtime/log.h"

/* Longest text of one field in a line; the rest is cut and "..." says so. */
#define LOG_FIELD_MAX_BYTES 1024u

#define LOG_TIME_BYTES 32 /* "2026-01-01T00:00:00.000Z" and room for far years */

/* Unix microseconds as UTC with milliseconds. */
void log_format_time(uint64_t wall_us, char out[static LOG_TIME_BYTES]);
/* The level as it stands in a line: "info". */
const char *log_level_name(enum log_level level);

struct log_event {
    uint64_t wall_us;
    enum log_level level;
    const char *name;
    const struct log_field *fields; /* ends with LOG_FIELD_END */
};
/* One line with its end. No control character, no byte above 0x7f in logfmt, no secret. */
void log_format_line(struct text *out, enum log_format format, const struct log_event *event);

#endif
