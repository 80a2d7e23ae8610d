/*
 * The report as one file: overview and cases are parts of one page. Which part is seen is up to the address:
 * the style sheet shows the case that it names and hides the others, so that a browser lays out one at
 * a time, and back and forward lead from case to case, all without script.
 */
#include "scenarios/report/html.h"

#define EVENTS_DRAWN_ALL 4000u /* over all cases that passed: a report of hundreds stays small */
#define EVENTS_DRAWN_MIN 8u
#define EVENTS_DRAWN_MAX 60u

static uint32_t share_of_events(uint32_t cases)
{
    uint32_t share = EVENTS_DRAWN_ALL / (cases == 0 ? 1 : cases);
    return share < EVENTS_DRAWN_MIN   ? EVENTS_DRAWN_MIN
           : share > EVENTS_DRAWN_MAX ? EVENTS_DRAWN_MAX
                                      : share;
}

static void write_sources(struct text *out, const struct results *results)
{
    uint32_t number = 0;
    for (const struct result_source *s = results->source_first; s != NULL; s = s->next) {
        text_printf(
            out,
            "<article class=\"case\" id=\"s%u\">\n<header class=\"top\"><div class=\"wrap\">"
            "<p class=\"brand\"><a href=\"#top\">amtlab</a> / scenario</p><h1>",
            ++number);
        html_text(out, s->path);
        text_puts(out, "</h1></div></header>\n<div class=\"wrap\">\n");
        html_source_plain(out, s);
        text_puts(out, "</div>\n</article>\n");
    }
}

void report_html(struct text *out, const struct results *results)
{
    struct html_place place = { .is_alone = true,
                                .events_drawn = share_of_events(results->case_count) };
    html_head_alone(out, html_run_is_bad(results) ? "failed - amtlab" : "passed - amtlab");
    text_puts(out, "<main class=\"alone\" id=\"top\">\n");
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        place.page += 1;
        text_printf(out, "<article class=\"case\" id=\"c%u\">\n", place.page);
        html_case(out, results, c, &place);
        text_puts(out, "</article>\n");
    }
    write_sources(out, results);
    text_puts(out, "<div class=\"overview\">\n");
    html_overview(out, results, true);
    text_puts(out, "</div>\n</main>\n");
    html_foot(out, results);
}
