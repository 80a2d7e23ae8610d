/* The table behind a conformance run: what became of each chapter, which is a folder of a suite. */
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/report.h"

#define CHAPTERS_MAX 64u
#define NAME_COLUMNS 30
#define CONFORMANCE  "conformance"

enum column { PASSED, FAILED, KNOWN, NOT_STRICT, NOT_APPLICABLE, INCONCLUSIVE, COLUMNS };
static const char *const k_titles[COLUMNS] = { "passed",     "failed",         "known",
                                               "not strict", "not applicable", "inconclusive" };

struct chapter {
    const char *id; /* of its first case; name is id[0, len) */
    size_t len;
    uint32_t counts[COLUMNS];
};

static enum column column_of(enum result_verdict verdict)
{
    switch (verdict) {
    case RESULT_PASSED:
    case RESULT_INFO:
    case RESULT_FLAKY:
        return PASSED;
    case RESULT_KNOWN_FAILURE:
        return KNOWN;
    case RESULT_NOT_STRICT:
        return NOT_STRICT;
    case RESULT_UNSUPPORTED:
        return NOT_APPLICABLE;
    case RESULT_ERROR:
        return INCONCLUSIVE;
    case RESULT_FAILED:
    case RESULT_UNEXPECTED_PASS:
    case RESULT_VERDICT_COUNT:
        break;
    }
    return FAILED;
}

/* What stands before the last slash of "conformance/mps/login/cut#cut=1". */
static size_t name_length(const char *id)
{
    size_t len = strcspn(id, "#");
    while (len > 0 && id[len - 1] != '/') {
        len--;
    }
    return len > 0 ? len - 1 : 0;
}

static bool is_conformance(const struct result_case *c)
{
    for (const struct result_pair *tag = c->tag_first; tag != NULL; tag = tag->next) {
        if (strcmp(tag->name, CONFORMANCE) == 0) {
            return true;
        }
    }
    return false;
}

static struct chapter *chapter_of(struct chapter *chapters, uint32_t *count, const char *id)
{
    size_t len = name_length(id);
    for (uint32_t i = 0; i < *count; i++) {
        if (chapters[i].len == len && strncmp(chapters[i].id, id, len) == 0) {
            return &chapters[i];
        }
    }
    if (*count == CHAPTERS_MAX) {
        return &chapters[CHAPTERS_MAX - 1];
    }
    chapters[*count] = (struct chapter){ .id = id, .len = len };
    return &chapters[(*count)++];
}

void report_terminal_chapters(struct text *out, const struct results *results)
{
    struct chapter chapters[CHAPTERS_MAX];
    uint32_t count = 0;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        if (is_conformance(c)) {
            chapter_of(chapters, &count, c->id)->counts[column_of(c->verdict)]++;
        }
    }
    if (count < 2) {
        return;
    }
    text_printf(out, "%-*s", NAME_COLUMNS, "chapter");
    for (int column = 0; column < COLUMNS; column++) {
        text_printf(out, "  %s", k_titles[column]);
    }
    text_puts(out, "\n");
    for (uint32_t i = 0; i < count; i++) {
        text_terminal(out, chapters[i].id, chapters[i].len);
        text_printf(out, "%*s",
                    chapters[i].len < NAME_COLUMNS ? NAME_COLUMNS - (int)chapters[i].len : 0, "");
        for (int column = 0; column < COLUMNS; column++) {
            uint32_t n = chapters[i].counts[column];
            int width = (int)strlen(k_titles[column]) + 2;
            if (n == 0) {
                text_printf(out, "%*s", width, ".");
            } else {
                text_printf(out, "%*u", width, n);
            }
        }
        text_puts(out, "\n");
    }
    text_puts(out, "\n");
}
