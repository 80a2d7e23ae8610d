/*
 * Events: a name, a level and typed fields. The logfmt and JSON lines are derived from them, and so
 * are the scenario matchers (`expect: {event: ...}`) and the stored connection events: a log line is
 * an interface. docs/events.md lists all names.
 */
#ifndef AMTLAB_RUNTIME_LOG_H
#define AMTLAB_RUNTIME_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "runtime/loop.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };
/* "error" "warn" "info" "debug" "trace"; AMT_EMALFORMED */
enum amt_err log_level_parse(const char *text, enum log_level *level) AMT_MUST_USE;

enum log_field_kind {
    LOG_FIELD_END,
    LOG_FIELD_TEXT,
    LOG_FIELD_U64,
    LOG_FIELD_I64,
    LOG_FIELD_BOOL,
    LOG_FIELD_LIST,
    LOG_FIELD_SECRET
};
struct log_field {
    const char *name;
    enum log_field_kind kind;
    const char *text; /* TEXT (len bytes) */
    uint32_t len;
    uint64_t number;      /* U64, I64, BOOL */
    const uint32_t *list; /* LIST: len numbers */
};
struct log_field log_text(const char *name, const char *text); /* NULL text prints "" */
struct log_field log_bytes(const char *name, const void *text, uint32_t len);
struct log_field log_u64(const char *name, uint64_t number);
struct log_field log_i64(const char *name, int64_t number);
struct log_field log_bool(const char *name, bool value);
struct log_field log_list(const char *name, const uint32_t *list, uint32_t len);
struct log_field log_secret(const char *name); /* prints (hidden) */

struct log;
/* Time comes from the loop. Prints nothing until log_open is called. NULL without memory. */
struct log *log_new(struct loop *loop);
/* Before the loop is freed and out is closed. NULL is allowed. */
void log_free(struct log *log);

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
/* Lines go to out (borrowed). */
void log_open(struct log *log, FILE *out, enum log_format format);
/* "info", or "info,mps=debug,tls=warn": level per component, the part of the event name before the
 * first dot. The default is "info". AMT_EMALFORMED with diag; the levels stay as they were then. */
enum amt_err log_set_levels(struct log *log, const char *spec, struct amt_diag *diag) AMT_MUST_USE;
bool log_is_on(const struct log *log, const char *name, enum log_level level);

/* Every event goes to the observers, whatever the levels say. fields end with LOG_FIELD_END. */
typedef void log_observe_fn(void *ctx, const char *name, enum log_level level,
                            const struct log_field *fields);
/* AMT_ENOMEM: it will hear nothing. Both may be called from an observer. */
enum amt_err log_observe(struct log *log, log_observe_fn *fn, void *ctx);
void log_unobserve(struct log *log, log_observe_fn *fn, void *ctx);

/* At most 20 lines per event name and second; the number suppressed is reported afterwards. */
void log_write(struct log *log, enum log_level level, const char *name,
               const struct log_field *fields);
/* LOG(log, LOG_INFO, "device.online", log_text("uuid", u), log_u64("ports", 7)); log may be NULL */
#define LOG(log_, level_, event_, ...)    \
    log_write((log_), (level_), (event_), \
              (const struct log_field[]){ __VA_ARGS__, { .kind = LOG_FIELD_END } })

#endif
