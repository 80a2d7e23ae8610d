#include "mps/tests/events_doc.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/unit.h"

static char *document(void)
{
    static char text[65536]; /* read once per program */
    if (text[0] == '\0') {
        FILE *f = fopen(AMTLAB_SOURCE_DIR "/docs/events.md", "re");
        assert_non_null(f);
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        assert_int_equal(fclose(f), 0);
    }
    return text;
}

void events_doc_check(const char *name, enum log_level level, const struct log_field *fields)
{
    static const char *const k_levels[] = { "error", "warn", "info", "debug", "trace" };
    struct text row = { 0 };
    text_printf(&row, "\n| `%s` | %s |", name, k_levels[level]);
    for (; fields->kind != LOG_FIELD_END; fields++) {
        text_printf(&row, " %s", fields->name);
    }
    text_puts(&row, " | ");
    const char *part = strstr(document(), "\n## The server\n");
    const char *end = part == NULL ? NULL : strstr(part, "\n## Devices");
    const char *found = part == NULL ? NULL : strstr(part, text_chars(&row));
    if (found == NULL || end == NULL || found > end) {
        fail_msg("docs/events.md has no row that begins with: %s", text_chars(&row));
    }
    text_fini(&row);
}
