#include "scenarios/report/json_write.h"

#include <string.h>

static void begin(struct text *out, const char *name)
{
    const char *chars = text_chars(out);
    const char *last = out->len == 0 ? "\n" : chars + out->len - 1;
    if (strchr("{[\n", *last) == NULL) {
        text_puts(out, ",");
    }
    if (name != NULL) {
        text_json(out, name, strlen(name));
        text_puts(out, ":");
    }
}

void json_write_open(struct text *out, const char *name, char bracket)
{
    begin(out, name);
    text_append(out, &bracket, 1);
}

void json_write_close(struct text *out, char bracket)
{
    text_append(out, &bracket, 1);
}

void json_write_text(struct text *out, const char *name, const char *value)
{
    begin(out, name);
    text_json(out, value, strlen(value));
}

void json_write_number(struct text *out, const char *name, uint64_t value)
{
    begin(out, name);
    text_printf(out, "%llu", (unsigned long long)value);
}

void json_write_bool(struct text *out, const char *name, bool value)
{
    begin(out, name);
    text_puts(out, value ? "true" : "false");
}
