#include "cli/explain_event.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "simulator/firmware/embedded.h"

#define NAMES_MAX  511u
#define NAME_BYTES 64u
#define CELL_BYTES 600u

extern const struct embedded_file k_embedded_events[];

/* A row "| `name` | level | fields | when |", taken apart. */
struct row {
    char name[NAME_BYTES];
    char cells[3][CELL_BYTES]; /* level, fields, when */
};

static void copy_cell(char *out, size_t cap, const char *from, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < cap; i++) {
        if (from[i] != '`') {
            out[n++] = from[i];
        }
    }
    out[n] = '\0';
}

/* line ends with a newline or the text. False: no row of an event. */
static bool read_row(const char *line, struct row *row)
{
    const char *end = strchr(line, '\n');
    end = end == NULL ? line + strlen(line) : end;
    const char *name = line + 3;
    const char *tick =
        strncmp(line, "| `", 3) == 0 ? memchr(name, '`', (size_t)(end - name)) : NULL;
    if (tick == NULL || memchr(name, '.', (size_t)(tick - name)) == NULL) {
        return false;
    }
    copy_cell(row->name, sizeof row->name, name, (size_t)(tick - name));
    const char *at = tick + 1;
    for (uint32_t i = 0; i < 3; i++) {
        const char *start = strstr(at, "| "),
                   *stop = start == NULL ? NULL : strstr(start + 2, " |");
        if (stop == NULL || stop > end) {
            return false;
        }
        copy_cell(row->cells[i], CELL_BYTES, start + 2, (size_t)(stop - start - 2));
        at = stop + 1;
    }
    return true;
}

static void print_row(const struct row *row, bool is_short)
{
    if (is_short) {
        (void)printf("  %-30s %s\n", row->name, row->cells[2]);
    } else {
        (void)printf("%s (%s): %s\n    fields: %s\n    expect: { event: %s }\n", row->name,
                     row->cells[0], row->cells[2], row->cells[1], row->name);
    }
}

static int report_unknown(const char *name)
{
    static char words[NAMES_MAX][NAME_BYTES];
    const char *names[NAMES_MAX + 1];
    struct row row;
    uint32_t count = 0;
    for (const char *line = k_embedded_events[0].text; line != NULL && count < NAMES_MAX;) {
        if (read_row(line, &row)) {
            memcpy(words[count], row.name, sizeof row.name);
            names[count] = words[count];
            count++;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    names[count] = NULL;
    int nearest = text_nearest(name, names);
    (void)fprintf(stderr, "amtlab explain: there is no event '%s'", name);
    if (nearest >= 0) {
        (void)fprintf(stderr, "; did you mean '%s'?", names[nearest]);
    }
    (void)fputs("\n    `amtlab explain event` lists all, `amtlab explain event 'cira.*'` some\n",
                stderr);
    return CLI_NOTHING;
}

int explain_event(const char *name)
{
    bool is_pattern = name == NULL || strpbrk(name, "*?[") != NULL, has_printed = false;
    struct row row;
    for (const char *line = k_embedded_events[0].text; line != NULL;) {
        if (read_row(line, &row) && (name == NULL || fnmatch(name, row.name, 0) == 0)) {
            print_row(&row, is_pattern);
            has_printed = true;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return has_printed ? CLI_OK : report_unknown(name == NULL ? "" : name);
}
