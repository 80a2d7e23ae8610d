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

static void write_header(struct text *out, const struct result_case *c,
                         const struct html_place *place)
{
    text_printf(out,
                "<header class=\"top v-%s\"><div class=\"wrap\"><p class=\"brand\">"
                "<a href=\"%s\">amtlab</a> / <code>",
                result_verdict_name(c->verdict), place->is_alone ? "#top" : "index.html");
    html_text(out, c->id);
    text_puts(out, "</code></p><h1>");
    html_text(out, c->name[0] == '\0' ? c->id : c->name);
    text_puts(out, "</h1><p class=\"lead\">");
    html_verdict(out, c->verdict);
    text_puts(out, " ");
    html_text(out, c->reason);
    text_puts(out, "</p></div></header>\n");
}

static void write_specs(struct text *out, const struct result_case *c,
                        const struct html_place *place)
{
    if (c->spec_first == NULL) {
        return;
    }
    html_term(out, "requirements");
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        text_printf(out, "<div class=\"req\"><a href=\"%s#r-", place->is_alone ? "" : "index.html");
        html_text(out, spec->id);
        text_puts(out, "\">");
        html_text(out, spec->id);
        text_printf(out, "</a> <span class=\"level\">%s</span> <span class=\"dim\">",
                    result_level_name(spec->level));
        html_text(out, c->failure == NULL ? spec->text : ""); /* else it stands above */
        text_puts(out, "</span></div>");
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

static void write_facts(struct text *out, const struct result_case *c,
                        const struct html_place *place)
{
    text_puts(out, "<dl class=\"facts\">");
    write_specs(out, c, place);
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

static void write_steps(struct text *out, const struct result_case *c,
                        const struct html_place *place)
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
        text_printf(out, "<tr class=\"%s\"><td class=\"num\">%u</td><td><a href=\"#", verdict,
                    step->n);
        html_anchor(out, place);
        text_printf(out, "l%u\">", step->line);
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

static void write_event(struct text *out, const struct result_event *event, uint32_t n,
                        const struct html_place *place)
{
    text_puts(out, "<tr id=\"");
    html_anchor(out, place);
    text_printf(out, "e%u\"%s><td class=\"num\">%u</td><td class=\"num\">", n,
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

static void write_events(struct text *out, const struct result_case *c,
                         const struct html_place *place)
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
            write_event(out, event, n, place);
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

static void write_picture(struct text *out, const struct result_case *c,
                          const struct html_place *place, bool is_detailed)
{
    struct text anchor = { 0 };
    html_anchor(&anchor, place);
    text_puts(out, "<section><h2>Sequence</h2>\n<div class=\"figure\">");
    const struct report_picture picture = {
        .max_events = is_detailed       ? EVENTS_DRAWN_FAILED
                      : place->is_alone ? place->events_drawn
                                        : EVENTS_DRAWN_PASSED,
        .has_links = is_detailed,
        .anchor = text_chars(&anchor),
    };
    report_sequence_svg(out, c, &picture);
    text_puts(out, "</div></section>\n");
    text_fini(&anchor);
}

/* Of many cases that passed, one listing of their scenario is enough. */
static void write_shared_source(struct text *out, const struct result_case *c, uint32_t number)
{
    uint32_t steps = 0;
    for (const struct result_step *step = c->step_first; step != NULL; step = step->next) {
        steps += step->verdict == RESULT_STEP_PASSED ? 1 : 0;
    }
    text_printf(out,
                "<section><h2>Scenario</h2>\n<p class=\"dim\">%u steps passed: <a href=\"#s%u\">",
                steps, number);
    html_text(out, c->file);
    text_puts(out, "</a></p></section>\n");
}

void html_case(struct text *out, const struct results *results, const struct result_case *c,
               const struct html_place *place)
{
    bool detailed = is_detailed(c);
    write_header(out, c, place);
    text_puts(out, "<div class=\"wrap\">\n");
    if (c->summary[0] != '\0') {
        text_puts(out, "<p class=\"summary\">");
        html_text(out, c->summary);
        text_puts(out, "</p>\n");
    }
    html_failure(out, c, place);
    write_facts(out, c, place);
    if (c->event_first != NULL) {
        write_picture(out, c, place, detailed);
    }
    uint32_t shared = place->is_alone && !detailed ? html_source_number(results, c->file) : 0;
    if (shared > 0) {
        write_shared_source(out, c, shared);
    } else {
        html_source(out, results, c, place);
    }
    if (detailed || results_source(results, c->file) == NULL) {
        write_steps(out, c, place); /* otherwise the marked scenario says the same */
    }
    write_faults(out, c);
    write_metrics(out, c);
    if (detailed) {
        write_events(out, c, place);
    }
    text_puts(out, "</div>\n");
}

void report_html_case(struct text *out, const struct results *results, const struct result_case *c)
{
    const struct html_place place = { .is_alone = false };
    html_head(out, c->id);
    text_puts(out, "<main>\n");
    html_case(out, results, c, &place);
    text_puts(out, "</main>\n");
    html_foot(out, results);
}
