/* The scenario with its lines marked, and the failure in words and bytes. */
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/format.h"
#include "scenarios/report/html.h"

#define HEX_LINE_BYTES 16u
#define HEX_LINES_MAX  16u

/* The step that a line belongs to: the last one that begins at or before it and whose successor begins
 * after it. Steps without a line are passed over. */
static const struct result_step *step_at(const struct result_case *c, uint32_t line)
{
    const struct result_step *found = NULL;
    for (const struct result_step *step = c->step_first; step != NULL; step = step->next) {
        if (step->line > 0 && step->line <= line && (found == NULL || step->line >= found->line)) {
            found = step;
        }
    }
    return found;
}

static void write_caret(struct text *out, const struct result_failure *failure)
{
    text_puts(out, "<span class=\"ln failed note\"><i></i>");
    text_printf(out, "%*s<b>^", (int)(failure->column > 0 ? failure->column - 1 : 0), "");
    for (uint32_t i = failure->column; i < failure->column_end; i++) {
        text_puts(out, "~");
    }
    text_puts(out, " ");
    html_text(out, failure->caret[0] == '\0' ? failure->message : failure->caret);
    text_puts(out, "</b></span>");
}

/* When the step that begins in this line began, at the right end. */
static void write_took(struct text *out, const struct result_step *step, uint32_t line)
{
    if (step != NULL && step->line == line && step->verdict <= RESULT_STEP_FAILED) {
        text_puts(out, "<em>");
        format_moment(out, step->took_us);
        text_puts(out, "</em>");
    }
}

static bool points_here(const struct result_case *c, uint32_t line)
{
    return c->failure != NULL && c->failure->line == line && strcmp(c->failure->file, c->file) == 0;
}

void html_source(struct text *out, const struct results *results, const struct result_case *c,
                 const struct html_place *place)
{
    const char *at = results_source(results, c->file);
    if (at == NULL) {
        return;
    }
    text_puts(out, "<section><h2>Scenario</h2>\n<p class=\"dim\">");
    html_text(out, c->file);
    text_puts(out, "</p>\n<pre class=\"source\">");
    uint32_t first_step = c->step_first == NULL ? 0 : c->step_first->line;
    for (uint32_t line = 1; *at != '\0'; line++) {
        size_t len = strcspn(at, "\r\n");
        const struct result_step *step =
            first_step > 0 && line >= first_step ? step_at(c, line) : NULL;
        text_printf(out, "<span class=\"ln%s%s\" id=\"", step == NULL ? "" : " ",
                    step == NULL ? "" : result_step_verdict_name(step->verdict));
        html_anchor(out, place);
        text_printf(out, "l%u\"><i>%u</i>", line, line);
        write_took(out, step, line);
        text_xml(out, at, len);
        text_puts(out, "</span>");
        if (points_here(c, line)) {
            write_caret(out, c->failure);
        }
        at += len;
        at += *at == '\r' ? 1 : 0;
        at += *at == '\n' ? 1 : 0;
    }
    text_puts(out, "</pre></section>\n");
}

uint32_t html_source_number(const struct results *results, const char *path)
{
    uint32_t number = 1;
    const struct result_source *source = results->source_first;
    while (source != NULL && strcmp(source->path, path) != 0) {
        source = source->next;
        number += 1;
    }
    return source == NULL ? 0 : number;
}

void html_source_plain(struct text *out, const struct result_source *source)
{
    const char *at = source->text;
    text_puts(out, "<section><pre class=\"source\">");
    for (uint32_t line = 1; *at != '\0'; line++) {
        size_t len = strcspn(at, "\r\n");
        text_printf(out, "<span class=\"ln\"><i>%u</i>", line);
        text_xml(out, at, len);
        text_puts(out, "</span>");
        at += len;
        at += *at == '\r' ? 1 : 0;
        at += *at == '\n' ? 1 : 0;
    }
    text_puts(out, "</pre></section>\n");
}

static void write_value(struct text *out, const char *label, const char *class, const char *value)
{
    if (value[0] != '\0') {
        text_printf(out, "<div class=\"%s\"><h3>%s</h3><pre>", class, label);
        html_text(out, value);
        text_puts(out, "</pre></div>");
    }
}

/* Offset, hex and characters, the byte at mark highlighted. */
static void write_hex(struct text *out, const uint8_t *bytes, uint32_t len, uint32_t mark)
{
    text_puts(out, "<pre class=\"hex\">");
    uint32_t shown = len > HEX_LINES_MAX * HEX_LINE_BYTES ? HEX_LINES_MAX * HEX_LINE_BYTES : len;
    for (uint32_t line = 0; line < shown; line += HEX_LINE_BYTES) {
        text_printf(out, "<i>%04x</i>  ", line);
        for (uint32_t i = line; i < line + HEX_LINE_BYTES; i++) {
            text_puts(out, i % 8 == 0 && i > line ? " " : "");
            if (i >= shown) {
                text_puts(out, "   ");
            } else {
                text_printf(out, i == mark ? "<b>%02x</b> " : "%02x ", bytes[i]);
            }
        }
        text_puts(out, " ");
        for (uint32_t i = line; i < line + HEX_LINE_BYTES && i < shown; i++) {
            bool is_printable = bytes[i] >= 0x20 && bytes[i] < 0x7f;
            text_xml(out, is_printable ? (const char *)&bytes[i] : ".", 1);
        }
        text_puts(out, "\n");
    }
    if (shown < len) {
        text_printf(out, "%u more bytes\n", len - shown);
    }
    text_puts(out, "</pre>");
}

static void write_wires(struct text *out, const struct result_failure *failure)
{
    for (const struct result_wire *wire = failure->wire_first; wire != NULL; wire = wire->next) {
        text_puts(out, "<div class=\"wire\"><h3>");
        html_text(out, wire->from);
        text_puts(out, " \xe2\x86\x92 ");
        html_text(out, wire->to);
        text_printf(out, " <span class=\"dim\">%u bytes at ", wire->len);
        format_moment(out, wire->at_us);
        text_puts(out, "</span></h3>");
        write_hex(out, wire->bytes, wire->len, wire->mark);
        text_puts(out, "<p class=\"dim\">");
        html_text(out, wire->text);
        text_puts(out, "</p></div>");
    }
}

static void write_violated(struct text *out, const struct result_case *c)
{
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        if (format_is_violated(c, spec)) {
            text_puts(out, "<p class=\"requires\"><b>");
            html_text(out, spec->id);
            text_printf(out, "</b> <span class=\"level\">%s</span> ",
                        result_level_name(spec->level));
            html_text(out, spec->text);
            text_puts(out, "</p>");
        }
    }
}

void html_failure(struct text *out, const struct result_case *c, const struct html_place *place)
{
    const struct result_failure *failure = c->failure;
    if (failure == NULL) {
        return;
    }
    text_puts(out, "<section class=\"failure\"><h2>");
    html_text(out, failure->message);
    text_puts(out, "</h2>");
    if (failure->line > 0) {
        text_printf(out, "<p class=\"dim\">step %u, at ", failure->step);
        format_moment(out, failure->at_us);
        text_puts(out, ", <a href=\"#");
        html_anchor(out, place);
        text_printf(out, "l%u\">", failure->line);
        html_text(out, failure->file);
        text_printf(out, ":%u</a></p>", failure->line);
    }
    text_puts(out, "<div class=\"pair\">");
    write_value(out, "wanted", "wanted", failure->expected);
    write_value(out, "got", "got", failure->actual);
    text_puts(out, "</div>");
    if (failure->field[0] != '\0') {
        text_puts(out, "<p>field <code>");
        html_text(out, failure->field);
        text_puts(out, "</code>");
        if (failure->has_offset) {
            text_printf(out, " at byte %llu", (unsigned long long)failure->offset);
        }
        text_puts(out, "</p>");
    }
    if (failure->bytes_len > 0) {
        uint32_t mark = failure->has_offset && failure->offset < failure->bytes_len
                            ? (uint32_t)failure->offset
                            : failure->bytes_len;
        write_hex(out, failure->bytes, failure->bytes_len, mark);
    }
    write_violated(out, c);
    write_wires(out, failure);
    text_puts(out, "</section>\n");
}
