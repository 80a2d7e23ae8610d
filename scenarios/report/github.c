/*
 * Annotations of GitHub workflows (harness.md 13.5). A step may make ten of each kind and the rest vanish in
 * silence, so one annotation covers a file, and the tenth counts what is left.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/format.h"
#include "scenarios/report/report.h"

#define ANNOTATIONS_MAX 10u
#define CASES_NAMED     5u

enum kind { KIND_NONE = -1, KIND_ERROR, KIND_WARNING, KIND_NOTICE, KIND_COUNT_ };
static const char *const k_commands[KIND_COUNT_] = { "error", "warning", "notice" };

/* A file with what is to be said about it. */
struct entry {
    const char *file;
    const struct result_case *first; /* the worst, and of these the first */
    uint32_t cases, order;
};

static enum kind kind_of(const struct results *results, const struct result_case *c)
{
    if (result_verdict_is_bad(c->verdict, results->run.strict)) {
        return KIND_ERROR;
    }
    return c->verdict == RESULT_NOT_STRICT || c->verdict == RESULT_FLAKY ? KIND_WARNING
           : c->verdict == RESULT_KNOWN_FAILURE                          ? KIND_NOTICE
                                                                         : KIND_NONE;
}

/* is_property: before the second pair of colons, where commas and colons separate. */
static void escape(struct text *out, const char *text, bool is_property)
{
    for (; *text != '\0'; text++) {
        bool is_sign = *text == '%' || *text == '\r' || *text == '\n' ||
                       (is_property && (*text == ':' || *text == ','));
        if (is_sign) {
            text_printf(out, "%%%02X", (unsigned)(uint8_t)*text);
        } else if ((uint8_t)*text >= 0x20 || *text == '\t') {
            text_append(out, text, 1);
        }
    }
}

static const char *file_of(const struct result_case *c)
{
    return c->failure != NULL && c->failure->file[0] != '\0' ? c->failure->file : c->file;
}

/* The most important first: worse verdict, more cases, earlier in the run. */
static int compare(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    if (left->first->verdict != right->first->verdict) {
        return left->first->verdict > right->first->verdict ? -1 : 1;
    }
    if (left->cases != right->cases) {
        return left->cases > right->cases ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

static uint32_t gather(const struct results *results, enum kind kind, struct entry *entries)
{
    uint32_t count = 0;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        if (kind_of(results, c) != kind) {
            continue;
        }
        uint32_t at = 0;
        while (at < count && strcmp(entries[at].file, file_of(c)) != 0) {
            at += 1;
        }
        if (at == count) {
            entries[count] = (struct entry){ .file = file_of(c), .first = c, .order = count };
            count += 1;
        }
        entries[at].cases += 1;
        if (c->verdict > entries[at].first->verdict) {
            entries[at].first = c;
        }
    }
    qsort(entries, count, sizeof *entries, compare);
    return count;
}

static const char *message_of(const struct result_case *c)
{
    return c->failure != NULL     ? c->failure->message
           : c->reason[0] != '\0' ? c->reason
                                  : result_verdict_meaning(c->verdict);
}

/* The other cases of the file, so that nobody has to look for them. */
static void write_others(struct text *out, const struct results *results, enum kind kind,
                         const struct entry *entry)
{
    uint32_t named = 0;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        bool is_other = c != entry->first && kind_of(results, c) == kind &&
                        strcmp(file_of(c), entry->file) == 0;
        if (is_other && named < CASES_NAMED) {
            text_puts(out, "%0A");
            escape(out, c->id, false);
            text_puts(out, ": ");
            escape(out, message_of(c), false);
            named += 1;
        }
    }
    if (entry->cases - 1 > named) {
        text_printf(out, "%%0Aand %u more cases of this file", entry->cases - 1 - named);
    }
}

static void write_entry(struct text *out, const struct results *results, enum kind kind,
                        const struct entry *entry)
{
    const struct result_case *c = entry->first;
    uint32_t line = c->failure != NULL && c->failure->line > 0 ? c->failure->line : c->line;
    text_printf(out, "::%s file=", k_commands[kind]);
    escape(out, entry->file, true);
    text_printf(out, ",line=%u,title=", line == 0 ? 1 : line);
    escape(out, result_verdict_name(c->verdict), true);
    text_puts(out, "%3A ");
    escape(out, c->id, true);
    text_puts(out, "::");
    escape(out, message_of(c), false);
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        if (format_is_violated(c, spec)) {
            text_puts(out, "%0A");
            escape(out, spec->id, false);
            text_puts(out, spec->text[0] == '\0' ? "" : ": ");
            escape(out, spec->text, false);
        }
    }
    if (c->repro[0] != '\0') {
        text_puts(out, "%0Aagain: ");
        escape(out, c->repro, false);
    }
    write_others(out, results, kind, entry);
    text_puts(out, "\n");
}

static void write_rest(struct text *out, enum kind kind, const struct entry *rest, uint32_t count)
{
    uint32_t cases = 0;
    for (uint32_t i = 0; i < count; i++) {
        cases += rest[i].cases;
    }
    text_printf(out,
                "::%s title=amtlab::%u more cases in %u more files; the step summary and the other "
                "reports have them\n",
                k_commands[kind], cases, count);
}

static void write_stale(struct text *out, const struct results *results)
{
    uint32_t count = 0;
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        count += 1;
    }
    if (count == 0) {
        return;
    }
    text_puts(out, "::error title=amtlab%3A stale expectations::");
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        escape(out, p->name, false);
        text_puts(out, ": ");
        escape(out, p->value, false);
        text_puts(out, p->next == NULL ? "\n" : "%0A");
    }
}

void report_github(struct text *out, const struct results *results)
{
    struct entry *entries = amt_alloc_array(results->case_count + 1u, sizeof *entries);
    if (entries == NULL) {
        out->failed = true;
        return;
    }
    for (int kind = KIND_ERROR; kind < KIND_COUNT_; kind++) {
        uint32_t count = gather(results, (enum kind)kind, entries);
        bool has_stale = kind == KIND_ERROR && results->run.stale_first != NULL;
        uint32_t room = ANNOTATIONS_MAX - (has_stale ? 1 : 0);
        uint32_t shown = count > room ? room - 1 : count;
        if (has_stale) {
            write_stale(out, results);
        }
        for (uint32_t i = 0; i < shown; i++) {
            write_entry(out, results, (enum kind)kind, &entries[i]);
        }
        if (shown < count) {
            write_rest(out, (enum kind)kind, &entries[shown], count - shown);
        }
    }
    amt_free(entries);
}
