/* The page of one case: what it is, what failed, the scenario, the picture, the messages. */
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/html.h"

/* A report of hundreds of cases has to stay small; a failure may take room. */
#define EVENTS_DRAWN_PASSED 60u
#define EVENTS_DRAWN_FAILED 400u
#define EVENTS_LISTED       2000u
#define HEX_SHOWN_BYTES     64u

static bool is_detailed(const struct result_case *c)
{
    return c->failure != NULL || c->verdict > RESULT_INFO;
}

static void write_header(struct text *out, const struct result_case *c)
{
    text_printf(out,
                "<header class=\"top v-%s\"><div class=\"wrap\"><p class=\"brand\">"
                "<a href=\"index.html\">amtlab</a> / <code>",
                result_verdict_name(c->verdict));
    html_text(out, c->id);
    text_puts(out, "</code></p><h1>");
    html_text(out, c->name[0] == '\0' ? c->id : c->name);
    text_puts(out, "</h1><p class=\"lead\">");
    html_verdict(out, c->verdict);
    text_puts(out, " ");
    html_text(out, c->reason);
    text_puts(out, "</p></div></header>\n");
}

static void write_specs(struct text *out, const struct result_case *c)
{
    if (c->spec_first == NULL) {
        return;
    }
    html_term(out, "requirements");
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        text_puts(out, "<span class=\"req\"><a href=\"index.html#r-");
        html_text(out, spec->id);
        text_puts(out, "\" title=\"");
        html_text(out, spec->text);
        text_puts(out, "\">");
        html_text(out, spec->id);
        text_printf(out, "</a> <span class=\"level\">%s</span></span> ",
                    result_level_name(spec->level));
    }
    text_puts(out, "</dd>");
}

static void write_term(struct text *out, const char *name, const char *value)
{
    if (value[0] != '\0') {
        html_term(out, name);
        html_text(out, value);
        text_puts(out, "</dd>");
    }
}

static void write_facts(struct text *out, const struct result_case *c)
{
    text_puts(out, "<dl class=\"facts\">");
    write_specs(out, c);
    write_term(out, "matrix", c->matrix);
    if (c->tag_first != NULL) {
        html_term(out, "tags");
        for (const struct result_pair *p = c->tag_first; p != NULL; p = p->next) {
            text_puts(out, "<span class=\"tag\">");
            html_text(out, p->name);
            text_puts(out, "</span> ");
        }
        text_puts(out, "</dd>");
    }
    if (c->virtual_us > 0) {
        html_term(out, "virtual time");
        format_took(out, c->virtual_us);
        text_puts(out, "</dd>");
    }
    html_term(out, "real time");
    format_took(out, c->duration_us);
    text_puts(out, "</dd>");
    if (c->attempts > 1) {
        html_term(out, "attempts");
        text_printf(out, "%u</dd>", c->attempts);
    }
    write_term(out, "trace", c->trace);
    write_term(out, "link", c->link);
    text_puts(out, "</dl>\n");
    if (c->repro[0] != '\0') {
        text_puts(out, "<pre class=\"again\">");
        html_text(out, c->repro);
        text_puts(out, "</pre>\n");
    }
}

static void write_steps(struct text *out, const struct result_case *c)
{
    if (c->step_first == NULL) {
        return;
    }
    text_puts(out,
              "<section><h2>Steps</h2>\n<table class=\"steps\"><thead><tr><th class=\"num\">#</th>"
              "<th>step</th><th>actor</th><th>verdict</th><th class=\"num\">at</th>"
              "<th class=\"num\">took</th></tr></thead><tbody>\n");
    for (const struct result_step *step = c->step_first; step != NULL; step = step->next) {
        const char *verdict = result_step_verdict_name(step->verdict);
        text_printf(out, "<tr class=\"%s\"><td class=\"num\">%u</td><td><a href=\"#l%u\">", verdict,
                    step->n, step->line);
        html_text(out, step->name);
        text_puts(out, "</a></td><td>");
        html_text(out, step->actor);
        text_printf(out, "</td><td>%s</td><td class=\"num\">",
                    step->verdict == RESULT_STEP_NOT_REACHED ? "not reached" : verdict);
        if (step->verdict <= RESULT_STEP_FAILED) {
            format_moment(out, step->at_us);
            text_puts(out, "</td><td class=\"num\">");
            format_moment(out, step->took_us);
        } else {
            text_puts(out, "</td><td class=\"num\">");
        }
        text_puts(out, "</td></tr>\n");
    }
    text_puts(out, "</tbody></table></section>\n");
}

static void write_event(struct text *out, const struct result_event *event, uint32_t n)
{
    text_printf(out, "<tr id=\"e%u\"%s><td class=\"num\">%u</td><td class=\"num\">", n,
                event->is_fault || event->is_lost ? " class=\"fault\"" : "", n);
    format_moment(out, event->at_us);
    text_puts(out, "</td><td>");
    html_text(out, event->from);
    if (strcmp(event->from, event->to) != 0) {
        text_puts(out, " \xe2\x86\x92 ");
        html_text(out, event->to);
    }
    text_puts(out, "</td><td><span class=\"layer\">");
    html_text(out, event->layer);
    text_puts(out, "</span> <b>");
    html_text(out, event->name);
    text_puts(out, event->is_lost ? "</b> lost" : "</b>");
    text_puts(out, "<div class=\"dim\">");
    html_text(out, event->text);
    text_puts(out, "</div>");
    if (event->len > 0) {
        uint32_t shown = event->len > HEX_SHOWN_BYTES ? HEX_SHOWN_BYTES : event->len;
        text_puts(out, "<code class=\"bytes\">");
        text_hex(out, event->bytes, shown);
        text_puts(out, shown < event->size_bytes ? "\xe2\x80\xa6</code>" : "</code>");
    }
    text_puts(out, "</td><td class=\"num\">");
    if (event->size_bytes > 0) {
        format_size(out, event->size_bytes);
    }
    text_puts(out, "</td></tr>\n");
}

static void write_events(struct text *out, const struct result_case *c)
{
    if (c->event_first == NULL) {
        return;
    }
    text_puts(out, "<section><h2>Messages</h2>\n<table class=\"events\"><thead><tr>"
                   "<th class=\"num\">#</th><th class=\"num\">at</th><th>who</th><th>message</th>"
                   "<th class=\"num\">size</th></tr></thead><tbody>\n");
    uint32_t n = 0;
    for (const struct result_event *event = c->event_first; event != NULL; event = event->next) {
        n += 1;
        if (n <= EVENTS_LISTED) {
            write_event(out, event, n);
        }
    }
    text_puts(out, "</tbody></table>");
    if (n > EVENTS_LISTED) {
        text_printf(out, "<p class=\"dim\">%u more are in the JSON report.</p>", n - EVENTS_LISTED);
    }
    text_puts(out, "</section>\n");
}

static void write_faults(struct text *out, const struct result_case *c)
{
    if (c->fault_first == NULL) {
        return;
    }
    text_puts(out, "<section><h2>Faults applied</h2>\n<table><thead><tr><th class=\"num\">at</th>"
                   "<th>where</th><th>fault</th><th>what it did</th></tr></thead><tbody>\n");
    for (const struct result_fault *fault = c->fault_first; fault != NULL; fault = fault->next) {
        text_puts(out, "<tr><td class=\"num\">");
        format_moment(out, fault->at_us);
        text_puts(out, "</td><td><code>");
        html_text(out, fault->at);
        text_puts(out, "</code></td><td>");
        html_text(out, fault->verb);
        text_puts(out, fault->id[0] == '\0' ? "" : " <span class=\"dim\">");
        html_text(out, fault->id);
        text_puts(out, fault->id[0] == '\0' ? "</td><td>" : "</span></td><td>");
        html_text(out, fault->text);
        text_puts(out, "</td></tr>\n");
    }
    text_puts(out, "</tbody></table></section>\n");
}

static void write_metrics(struct text *out, const struct result_case *c)
{
    if (c->metric_first == NULL) {
        return;
    }
    text_puts(out, "<section><h2>Metrics</h2>\n<dl class=\"facts\">");
    for (const struct result_pair *p = c->metric_first; p != NULL; p = p->next) {
        write_term(out, p->name, p->value);
    }
    text_puts(out, "</dl></section>\n");
}

void report_html_case(struct text *out, const struct results *results, const struct result_case *c)
{
    bool detailed = is_detailed(c);
    html_head(out, c->id);
    write_header(out, c);
    text_puts(out, "<main class=\"wrap\">\n");
    if (c->summary[0] != '\0') {
        text_puts(out, "<p class=\"summary\">");
        html_text(out, c->summary);
        text_puts(out, "</p>\n");
    }
    html_failure(out, c);
    write_facts(out, c);
    if (c->event_first != NULL) {
        text_puts(out, "<section><h2>Sequence</h2>\n<div class=\"figure\">");
        const struct report_picture picture = {
            .max_events = detailed ? EVENTS_DRAWN_FAILED : EVENTS_DRAWN_PASSED,
            .has_links = detailed,
        };
        report_sequence_svg(out, c, &picture);
        text_puts(out, "</div></section>\n");
    }
    html_source(out, results, c);
    if (detailed || results_source(results, c->file) == NULL) {
        write_steps(out, c); /* otherwise the marked scenario says the same */
    }
    write_faults(out, c);
    write_metrics(out, c);
    if (detailed) {
        write_events(out, c);
    }
    text_puts(out, "</main>\n");
    html_foot(out, results);
}
