/* For people (harness.md 11.3): one line per case, failures in full, a summary. */
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/report.h"

#define ID_COLUMNS     58u
#define PLAIN_COLUMNS  15u
#define EXCERPT_BEFORE 2u

enum tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_WARN, TONE_DIM, TONE_BOLD };

static const char *sequence_of(enum tone tone)
{
    switch (tone) {
    case TONE_GOOD:
        return "\x1b[32m";
    case TONE_BAD:
        return "\x1b[31m";
    case TONE_WARN:
        return "\x1b[33m";
    case TONE_DIM:
        return "\x1b[2m";
    case TONE_BOLD:
        return "\x1b[1m";
    case TONE_PLAIN:
        break;
    }
    return "";
}

static void tone_on(struct text *out, const struct report_style *style, enum tone tone)
{
    text_puts(out, style->colour ? sequence_of(tone) : "");
}

static void tone_off(struct text *out, const struct report_style *style, enum tone tone)
{
    text_puts(out, style->colour && tone != TONE_PLAIN ? "\x1b[0m" : "");
}

static void safe(struct text *out, const char *text)
{
    text_terminal(out, text, strlen(text));
}

struct sign {
    const char *glyph, *word;
    enum tone tone;
};

static const struct sign k_signs[RESULT_VERDICT_COUNT] = {
    [RESULT_PASSED] = { "\xe2\x9c\x94", "passed", TONE_GOOD },
    [RESULT_INFO] = { "\xe2\x84\xb9", "info", TONE_DIM },
    [RESULT_NOT_STRICT] = { "\xe2\x89\x88", "not strict", TONE_WARN },
    [RESULT_KNOWN_FAILURE] = { "\xe2\x9a\x91", "known failure", TONE_WARN },
    [RESULT_FLAKY] = { "\xe2\x86\xbb", "flaky", TONE_WARN },
    [RESULT_UNSUPPORTED] = { "\xe2\x80\x93", "unsupported", TONE_DIM },
    [RESULT_UNEXPECTED_PASS] = { "\xe2\x9a\xa0", "UNEXPECTED PASS", TONE_BAD },
    [RESULT_FAILED] = { "\xe2\x9c\x98", "FAILED", TONE_BAD },
    [RESULT_ERROR] = { "\xe2\x9c\x96", "ERROR", TONE_BAD },
};

static void write_sign(struct text *out, enum result_verdict verdict,
                       const struct report_style *style)
{
    const struct sign *sign = &k_signs[verdict];
    tone_on(out, style, sign->tone);
    if (style->plain) {
        text_printf(out, "%-*s", (int)PLAIN_COLUMNS, sign->word);
    } else {
        text_puts(out, sign->glyph);
    }
    tone_off(out, style, sign->tone);
}

void report_terminal_header(struct text *out, const struct results *results,
                            const struct report_style *style)
{
    const struct result_run *run = &results->run;
    tone_on(out, style, TONE_BOLD);
    text_puts(out, "amtlab ");
    safe(out, run->version);
    tone_off(out, style, TONE_BOLD);
    text_printf(out, "  seed %llu", (unsigned long long)run->seed);
    if (run->target[0] != '\0') {
        text_puts(out, "  target ");
        safe(out, run->target);
    }
    if (results->case_count > 0) {
        text_printf(out, "  %u case%s", results->case_count, results->case_count == 1 ? "" : "s");
    }
    text_puts(out, "\n\n");
}

/* The requirement that the line of a failed case names. */
static const struct result_spec *first_violated(const struct result_case *c)
{
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        if (format_is_violated(c, spec)) {
            return spec;
        }
    }
    return NULL;
}

static void write_remark(struct text *out, const struct result_case *c)
{
    const struct result_spec *spec = first_violated(c);
    bool is_failure = c->verdict == RESULT_FAILED || c->verdict == RESULT_NOT_STRICT;
    if (is_failure && spec != NULL) {
        text_puts(out, "  ");
        safe(out, spec->id);
        text_printf(out, " %s", result_level_name(spec->level));
    } else if (c->verdict == RESULT_KNOWN_FAILURE && c->reason[0] != '\0') {
        text_puts(out, "  known: ");
        safe(out, c->reason);
    } else if (c->reason[0] != '\0') {
        text_puts(out, "  ");
        safe(out, c->reason);
    }
}

void report_terminal_case(struct text *out, const struct result_case *c,
                          const struct report_style *style)
{
    text_puts(out, style->plain ? "" : " ");
    write_sign(out, c->verdict, style);
    text_puts(out, " ");
    size_t before = out->len;
    safe(out, c->id);
    size_t width = out->failed ? 0 : format_width(out->chars + before);
    text_printf(out, "%*s ", (int)(width < ID_COLUMNS ? ID_COLUMNS - width : 0), "");
    format_took(out, c->duration_us);
    if (c->virtual_us > 0) {
        text_puts(out, " (virtual ");
        format_took(out, c->virtual_us);
        text_puts(out, ")");
    }
    write_remark(out, c);
    text_puts(out, "\n");
}

static void write_source_line(struct text *out, const char *source, uint32_t line,
                              const struct report_style *style)
{
    size_t len = 0;
    const char *at = result_line_at(source, line, &len);
    if (at == NULL) {
        return;
    }
    tone_on(out, style, TONE_DIM);
    text_printf(out, " %5u | ", line);
    tone_off(out, style, TONE_DIM);
    text_terminal(out, at, len);
    text_puts(out, "\n");
}

static void write_caret(struct text *out, const struct result_failure *failure,
                        const struct report_style *style)
{
    tone_on(out, style, TONE_DIM);
    text_puts(out, "       | ");
    tone_off(out, style, TONE_DIM);
    text_printf(out, "%*s", (int)(failure->column > 0 ? failure->column - 1 : 0), "");
    tone_on(out, style, TONE_BAD);
    text_puts(out, "^");
    for (uint32_t i = failure->column; i < failure->column_end; i++) {
        text_puts(out, "~");
    }
    if (failure->caret[0] != '\0') {
        text_puts(out, " ");
        safe(out, failure->caret);
    }
    tone_off(out, style, TONE_BAD);
    text_puts(out, "\n");
}

static void write_excerpt(struct text *out, const struct results *results,
                          const struct result_failure *failure, const struct report_style *style)
{
    if (failure->file[0] == '\0') {
        return;
    }
    text_puts(out, "\n  ");
    safe(out, failure->file);
    if (failure->line > 0) {
        text_printf(out, ":%u", failure->line);
    }
    text_puts(out, "\n");
    const char *source = results_source(results, failure->file);
    if (source == NULL || failure->line == 0) {
        return;
    }
    uint32_t first = failure->line > EXCERPT_BEFORE ? failure->line - EXCERPT_BEFORE : 1;
    for (uint32_t line = first; line <= failure->line; line++) {
        write_source_line(out, source, line, style);
    }
    if (failure->column > 0) {
        write_caret(out, failure, style);
    }
}

#define LABEL_INDENT "             "

/* "  got        text", further lines below the text; nothing for "" */
static void write_labelled(struct text *out, const char *label, const char *text,
                           const struct report_style *style)
{
    if (text[0] == '\0') {
        return;
    }
    tone_on(out, style, TONE_DIM);
    text_printf(out, "  %-10s ", label);
    tone_off(out, style, TONE_DIM);
    format_lines(out, text, LABEL_INDENT, text_terminal);
    text_puts(out, "\n");
}

static void write_field(struct text *out, const struct result_failure *failure,
                        const struct report_style *style)
{
    struct text where = { 0 };
    text_puts(&where, failure->field);
    if (failure->has_offset) {
        text_printf(&where, "%sat byte %llu", where.len > 0 ? ", " : "",
                    (unsigned long long)failure->offset);
    }
    write_labelled(out, "field", text_chars(&where), style);
    text_fini(&where);
}

static void write_requirements(struct text *out, const struct result_case *c,
                               const struct report_style *style)
{
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        if (format_is_violated(c, spec)) {
            struct text line = { 0 };
            text_printf(&line, "%s (%s)%s%s", spec->id, result_level_name(spec->level),
                        spec->text[0] == '\0' ? "" : ": ", spec->text);
            write_labelled(out, "requires", text_chars(&line), style);
            text_fini(&line);
        }
    }
}

static void write_wire(struct text *out, const struct result_failure *failure,
                       const struct report_style *style)
{
    const char *label = "last bytes";
    for (const struct result_wire *wire = failure->wire_first; wire != NULL; wire = wire->next) {
        struct text line = { 0 };
        text_printf(&line, "%s \xe2\x86\x92 %s, %u bytes at ", wire->from, wire->to, wire->len);
        format_moment(&line, wire->at_us);
        write_labelled(out, label, text_chars(&line), style);
        text_fini(&line);
        text_puts(out, LABEL_INDENT);
        format_wire_hex(out, wire, LABEL_INDENT);
        text_puts(out, "\n");
        write_labelled(out, "", wire->text, style);
        label = "";
    }
}

void report_terminal_failure(struct text *out, const struct results *results,
                             const struct result_case *c, const struct report_style *style)
{
    const struct result_failure *failure = c->failure;
    if (failure == NULL) {
        return;
    }
    write_sign(out, c->verdict, style);
    text_puts(out, " ");
    tone_on(out, style, TONE_BOLD);
    safe(out, c->id);
    tone_off(out, style, TONE_BOLD);
    text_puts(out, "\n  ");
    format_lines(out, failure->message, "  ", text_terminal);
    text_puts(out, "\n");
    write_excerpt(out, results, failure, style);
    write_labelled(out, "wanted", failure->expected, style);
    write_labelled(out, "got", failure->actual, style);
    write_field(out, failure, style);
    write_requirements(out, c, style);
    write_wire(out, failure, style);
    write_labelled(out, "trace", c->trace, style);
    write_labelled(out, "again", c->repro, style);
    text_puts(out, "\n");
}

void report_terminal_summary(struct text *out, const struct results *results,
                             const struct report_style *style, const char *report_path)
{
    struct results_totals totals;
    results_count(results, &totals);
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        tone_on(out, style, TONE_BAD);
        text_puts(out, "stale expectation ");
        safe(out, p->name);
        tone_off(out, style, TONE_BAD);
        text_puts(out, p->value[0] == '\0' ? "" : ": ");
        safe(out, p->value);
        text_puts(out, "\n");
    }
    enum tone tone = totals.bad > 0 || results->run.stale_first != NULL ? TONE_BAD : TONE_GOOD;
    tone_on(out, style, tone);
    format_totals(out, results);
    tone_off(out, style, tone);
    text_puts(out, "   ");
    format_took(out, results->run.duration_us);
    if (report_path[0] != '\0') {
        text_puts(out, "   report: ");
        safe(out, report_path);
    }
    text_puts(out, "\n");
}

void report_terminal(struct text *out, const struct results *results,
                     const struct report_style *style)
{
    report_terminal_header(out, results, style);
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        report_terminal_case(out, c, style);
    }
    text_puts(out, "\n");
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        if (result_verdict_is_bad(c->verdict, results->run.strict)) {
            report_terminal_failure(out, results, c, style);
        }
    }
    report_terminal_chapters(out, results);
    report_terminal_summary(out, results, style, "");
}
