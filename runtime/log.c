#include "runtime/log.h"

#include <string.h>

#include "base/arena.h"
#include "base/memory.h"
#include "base/text.h"
#include "runtime/log_format.h"

#define COMPONENT_BYTES  24u
#define COMPONENTS_MAX   32u
#define LINES_PER_SECOND 20u
#define RATED_NAMES_MAX  512u /* event names are few and constant; this bounds a mistake */
#define SUPPRESSED_EVENT "log.suppressed"

struct component {
    char name[COMPONENT_BYTES];
    enum log_level level;
};

struct observer {
    log_observe_fn *fn; /* NULL: removed while events were being given out */
    void *ctx;
};

/* How many lines of an event there were in the second that began at start_us. */
struct rate {
    const char *name;
    uint64_t start_us;
    uint32_t lines;
    uint64_t suppressed;
    enum log_level level;
    struct rate *next;
};

struct log {
    struct loop *loop;
    FILE *out;
    enum log_format format;
    enum log_level level; /* of components without their own */
    struct component components[COMPONENTS_MAX];
    uint32_t component_count;
    struct observer *observers;
    uint32_t observer_count, observer_capacity;
    uint32_t dispatch_depth;
    struct arena arena;
    struct rate *rates;
    uint32_t rate_count;
    bool has_suppressed; /* some rate has a number to report */
};

struct log_field log_text(const char *name, const char *text)
{
    text = text == NULL ? "" : text;
    return log_bytes(name, text, (uint32_t)strlen(text));
}

struct log_field log_bytes(const char *name, const void *text, uint32_t len)
{
    return (struct log_field){
        .name = name, .kind = LOG_FIELD_TEXT, .text = len == 0 ? "" : text, .len = len
    };
}

struct log_field log_u64(const char *name, uint64_t number)
{
    return (struct log_field){ .name = name, .kind = LOG_FIELD_U64, .number = number };
}

struct log_field log_i64(const char *name, int64_t number)
{
    return (struct log_field){ .name = name, .kind = LOG_FIELD_I64, .number = (uint64_t)number };
}

struct log_field log_bool(const char *name, bool value)
{
    return (struct log_field){ .name = name, .kind = LOG_FIELD_BOOL, .number = value ? 1 : 0 };
}

struct log_field log_list(const char *name, const uint32_t *list, uint32_t len)
{
    return (struct log_field){ .name = name, .kind = LOG_FIELD_LIST, .list = list, .len = len };
}

struct log_field log_secret(const char *name)
{
    return (struct log_field){ .name = name, .kind = LOG_FIELD_SECRET };
}

struct log *log_new(struct loop *loop)
{
    struct log *log = amt_alloc(sizeof *log);
    if (log != NULL) {
        log->loop = loop;
        log->level = LOG_INFO;
    }
    return log;
}

void log_open(struct log *log, FILE *out, enum log_format format)
{
    log->out = out;
    log->format = format;
}

static void print_line(struct log *log, const struct log_event *event)
{
    struct text line = { 0 };
    log_format_line(&line, log->format, event);
    if (!line.failed) {
        (void)fwrite(text_chars(&line), 1, line.len, log->out);
        (void)fflush(log->out);
    }
    text_fini(&line);
}

static void report_suppressed(struct log *log, struct rate *rate)
{
    const struct log_field fields[] = { log_text("event", rate->name),
                                        log_u64("count", rate->suppressed),
                                        { .kind = LOG_FIELD_END } };
    const struct log_event event = { loop_wall_us(log->loop), rate->level, SUPPRESSED_EVENT,
                                     fields };
    rate->suppressed = 0;
    print_line(log, &event);
}

/* Reports what was suppressed in seconds that are over; in all of them with is_last. */
static void report_finished(struct log *log, uint64_t now_us, bool is_last)
{
    if (!log->has_suppressed) {
        return;
    }
    log->has_suppressed = false;
    for (struct rate *rate = log->rates; rate != NULL; rate = rate->next) {
        bool is_over = is_last || now_us - rate->start_us >= US_PER_SECOND;
        if (rate->suppressed > 0 && is_over) {
            report_suppressed(log, rate);
        } else if (rate->suppressed > 0) {
            log->has_suppressed = true;
        }
    }
}

void log_free(struct log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->out != NULL) {
        report_finished(log, 0, true);
    }
    arena_fini(&log->arena);
    amt_free(log->observers);
    amt_free(log);
}

static struct rate *rate_of(struct log *log, const char *name)
{
    for (struct rate *rate = log->rates; rate != NULL; rate = rate->next) {
        if (strcmp(rate->name, name) == 0) {
            return rate;
        }
    }
    if (log->rate_count >= RATED_NAMES_MAX) {
        return NULL;
    }
    struct rate *rate = arena_alloc(&log->arena, sizeof *rate);
    char *copy = arena_text(&log->arena, name, strlen(name));
    if (rate == NULL || copy == NULL) {
        return NULL;
    }
    rate->name = copy;
    rate->next = log->rates;
    log->rates = rate;
    log->rate_count += 1;
    return rate;
}

/* False when this line is one too many in its second. */
static bool may_print(struct log *log, const char *name, enum log_level level, uint64_t now_us)
{
    struct rate *rate = rate_of(log, name);
    if (rate == NULL) {
        return true;
    }
    if (rate->lines == 0 || now_us - rate->start_us >= US_PER_SECOND) {
        rate->start_us = now_us;
        rate->lines = 0;
    }
    if (rate->lines < LINES_PER_SECOND) {
        rate->lines += 1;
        return true;
    }
    rate->suppressed += 1;
    rate->level = level;
    log->has_suppressed = true;
    return false;
}

static const struct component *find_component(const struct log *log, const char *name, size_t len)
{
    for (uint32_t i = 0; i < log->component_count; i++) {
        const struct component *component = &log->components[i];
        if (strlen(component->name) == len && memcmp(component->name, name, len) == 0) {
            return component;
        }
    }
    return NULL;
}

bool log_is_on(const struct log *log, const char *name, enum log_level level)
{
    if (log == NULL || log->out == NULL) {
        return false;
    }
    const struct component *component = find_component(log, name, strcspn(name, "."));
    return level <= (component == NULL ? log->level : component->level);
}

/* What a level list is read into, so that a wrong one changes nothing. */
struct levels {
    enum log_level level;
    struct component components[COMPONENTS_MAX];
    uint32_t count;
};

static enum amt_err refuse(struct amt_diag *diag, const char *part, size_t len)
{
    (void)amt_diag_set(diag, AMT_EMALFORMED, "log levels: \"%.*s\" is not understood",
                       (int)(len > 40 ? 40 : len), part);
    (void)amt_diag_hint(diag, "write a level (error, warn, info, debug, trace) and, after commas, "
                              "component=level, as in info,mps=debug");
    return AMT_EMALFORMED;
}

/* One part of the list, "debug" or "mps=debug". */
static enum amt_err read_part(struct levels *levels, const char *part, size_t len,
                              struct amt_diag *diag)
{
    const char *equals = memchr(part, '=', len);
    const char *word = equals == NULL ? part : equals + 1;
    size_t word_len = len - (size_t)(word - part);
    char text[16] = { 0 };
    enum log_level level = LOG_INFO;
    if (word_len >= sizeof text) {
        return refuse(diag, part, len);
    }
    memcpy(text, word, word_len);
    if (log_level_parse(text, &level) != AMT_OK) {
        return refuse(diag, part, len);
    }
    if (equals == NULL) {
        levels->level = level;
        return AMT_OK;
    }
    size_t name_len = (size_t)(equals - part);
    if (name_len == 0 || name_len >= COMPONENT_BYTES || levels->count >= COMPONENTS_MAX) {
        return refuse(diag, part, len);
    }
    struct component *component = &levels->components[levels->count++];
    memcpy(component->name, part, name_len);
    component->level = level;
    return AMT_OK;
}

enum amt_err log_set_levels(struct log *log, const char *spec, struct amt_diag *diag)
{
    struct levels levels = { .level = LOG_INFO };
    const char *part = spec;
    while (part != NULL) {
        size_t len = strcspn(part, ",");
        TRY(read_part(&levels, part, len, diag));
        part = part[len] == ',' ? part + len + 1 : NULL;
    }
    log->level = levels.level;
    log->component_count = levels.count;
    memcpy(log->components, levels.components, sizeof log->components);
    return AMT_OK;
}

enum amt_err log_observe(struct log *log, log_observe_fn *fn, void *ctx)
{
    if (log->observer_count >= log->observer_capacity) {
        uint32_t capacity = log->observer_capacity == 0 ? 4 : log->observer_capacity * 2;
        struct observer *larger = amt_resize(log->observers, capacity * sizeof *larger);
        if (larger == NULL) {
            return AMT_ENOMEM;
        }
        log->observers = larger;
        log->observer_capacity = capacity;
    }
    log->observers[log->observer_count++] = (struct observer){ fn, ctx };
    return AMT_OK;
}

/* Entries must not move while events are being given out. */
static void drop_removed(struct log *log)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < log->observer_count; i++) {
        if (log->observers[i].fn != NULL) {
            log->observers[kept++] = log->observers[i];
        }
    }
    log->observer_count = kept;
}

void log_unobserve(struct log *log, log_observe_fn *fn, void *ctx)
{
    for (uint32_t i = 0; i < log->observer_count; i++) {
        if (log->observers[i].fn == fn && log->observers[i].ctx == ctx) {
            log->observers[i].fn = NULL;
            break;
        }
    }
    if (log->dispatch_depth == 0) {
        drop_removed(log);
    }
}

static void tell_observers(struct log *log, enum log_level level, const char *name,
                           const struct log_field *fields)
{
    uint32_t count = log->observer_count; /* those added meanwhile hear the next event */
    log->dispatch_depth += 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct observer observer = log->observers[i];
        if (observer.fn != NULL) {
            observer.fn(observer.ctx, name, level, fields);
        }
    }
    log->dispatch_depth -= 1;
    if (log->dispatch_depth == 0) {
        drop_removed(log);
    }
}

void log_write(struct log *log, enum log_level level, const char *name,
               const struct log_field *fields)
{
    if (log == NULL) {
        return;
    }
    if (log_is_on(log, name, level)) {
        uint64_t now_us = loop_now_us(log->loop);
        report_finished(log, now_us, false);
        if (may_print(log, name, level, now_us)) {
            const struct log_event event = { loop_wall_us(log->loop), level, name, fields };
            print_line(log, &event);
        }
    }
    tell_observers(log, level, name, fields);
}
