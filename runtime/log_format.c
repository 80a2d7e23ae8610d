#include "runtime/log_format.h"

#include <string.h>
#include <time.h>

#define HIDDEN "(hidden)"

void log_format_time(uint64_t wall_us, char out[static LOG_TIME_BYTES])
{
    time_t seconds = (time_t)(wall_us / US_PER_SECOND);
    unsigned ms = (unsigned)(wall_us % US_PER_SECOND / US_PER_MS);
    struct tm parts = { 0 };
    (void)gmtime_r(&seconds, &parts);
    char date[24];
    if (strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        (void)snprintf(date, sizeof date, "0000-00-00T00:00:00");
    }
    (void)snprintf(out, LOG_TIME_BYTES, "%s.%03uZ", date, ms);
}

const char *log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARN:
        return "warn";
    case LOG_INFO:
        return "info";
    case LOG_DEBUG:
        return "debug";
    case LOG_TRACE:
        return "trace";
    }
    return "unknown";
}

enum amt_err log_level_parse(const char *text, enum log_level *level)
{
    for (int i = LOG_ERROR; i <= LOG_TRACE; i++) {
        if (strcmp(text, log_level_name((enum log_level)i)) == 0) {
            *level = (enum log_level)i;
            return AMT_OK;
        }
    }
    return AMT_EMALFORMED;
}

static void write_text(struct text *out, enum log_format format, const char *text, size_t len)
{
    bool is_json = format == LOG_FORMAT_JSON;
    if (len <= LOG_FIELD_MAX_BYTES) {
        (is_json ? text_json : text_logfmt)(out, text, len);
        return;
    }
    size_t kept = LOG_FIELD_MAX_BYTES;
    while (kept > 0 && ((uint8_t)text[kept] & 0xc0) == 0x80) {
        kept -= 1;
    }
    struct text cut = { 0 };
    text_append(&cut, text, kept);
    text_puts(&cut, "...");
    (is_json ? text_json : text_logfmt)(out, text_chars(&cut), cut.len);
    out->failed = out->failed || cut.failed;
    text_fini(&cut);
}

static void write_list(struct text *out, enum log_format format, const struct log_field *field)
{
    text_puts(out, format == LOG_FORMAT_JSON ? "[" : "");
    for (uint32_t i = 0; i < field->len; i++) {
        text_printf(out, "%s%u", i == 0 ? "" : ",", field->list[i]);
    }
    text_puts(out, format == LOG_FORMAT_JSON ? "]" : "");
}

static void write_value(struct text *out, enum log_format format, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_FIELD_END:
        break;
    case LOG_FIELD_TEXT:
        write_text(out, format, field->text, field->len);
        break;
    case LOG_FIELD_U64:
        text_printf(out, "%llu", (unsigned long long)field->number);
        break;
    case LOG_FIELD_I64:
        text_printf(out, "%lld", (long long)field->number);
        break;
    case LOG_FIELD_BOOL:
        text_puts(out, field->number != 0 ? "true" : "false");
        break;
    case LOG_FIELD_LIST:
        write_list(out, format, field);
        break;
    case LOG_FIELD_SECRET:
        text_puts(out, format == LOG_FORMAT_JSON ? "\"" HIDDEN "\"" : HIDDEN);
        break;
    }
}

void log_format_line(struct text *out, enum log_format format, const struct log_event *event)
{
    char time[LOG_TIME_BYTES];
    log_format_time(event->wall_us, time);
    const char *level = log_level_name(event->level);
    if (format == LOG_FORMAT_JSON) {
        text_printf(out, "{\"t\":\"%s\",\"lvl\":\"%s\",\"ev\":", time, level);
        text_json(out, event->name, strlen(event->name));
    } else {
        text_printf(out, "%s %-5s ", time, level);
        text_logfmt(out, event->name, strlen(event->name));
    }
    for (const struct log_field *field = event->fields; field->kind != LOG_FIELD_END; field++) {
        if (format == LOG_FORMAT_JSON) {
            text_puts(out, ",");
            text_json(out, field->name, strlen(field->name));
            text_puts(out, ":");
        } else {
            text_printf(out, " %s=", field->name);
        }
        write_value(out, format, field);
    }
    text_puts(out, format == LOG_FORMAT_JSON ? "}\n" : "\n");
}
