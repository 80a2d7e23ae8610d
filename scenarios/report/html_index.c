/* The overview: what failed first, then every case by folder, then every requirement. */
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/format.h"
#include "scenarios/report/html.h"

bool html_run_is_bad(const struct results *results)
{
    struct results_totals totals;
    results_count(results, &totals);
    return totals.bad > 0 || results->run.stale_first != NULL;
}

static void write_bar(struct text *out, const struct results_totals *totals)
{
    text_puts(out, "<div class=\"bar\" aria-hidden=\"true\">");
    for (uint32_t v = 0; v < RESULT_VERDICT_COUNT; v++) {
        if (totals->by_verdict[v] > 0) {
            text_printf(out, "<i class=\"b-%s\" style=\"flex-grow:%u\"></i>",
                        result_verdict_name((enum result_verdict)v), totals->by_verdict[v]);
        }
    }
    text_puts(out, "</div>\n");
}

static void write_tiles(struct text *out, const struct results *results)
{
    static const struct {
        enum result_verdict verdict;
        bool is_always; /* there even when it is 0 */
    } k_tiles[] = { { RESULT_PASSED, true },      { RESULT_FAILED, true },
                    { RESULT_ERROR, true },       { RESULT_UNEXPECTED_PASS, false },
                    { RESULT_FLAKY, false },      { RESULT_KNOWN_FAILURE, false },
                    { RESULT_NOT_STRICT, false }, { RESULT_UNSUPPORTED, false },
                    { RESULT_INFO, false } };
    struct results_totals totals;
    results_count(results, &totals);
    text_puts(out, "<div class=\"tiles\">");
    for (size_t i = 0; i < sizeof k_tiles / sizeof k_tiles[0]; i++) {
        enum result_verdict v = k_tiles[i].verdict;
        if (k_tiles[i].is_always || totals.by_verdict[v] > 0) {
            text_printf(out, "<div class=\"tile v-%s%s\"><b>%u</b><span>%s</span></div>",
                        result_verdict_name(v), totals.by_verdict[v] == 0 ? " none" : "",
                        totals.by_verdict[v], html_verdict_words(v));
        }
    }
    text_puts(out, "</div>\n");
    write_bar(out, &totals);
}

static void write_run(struct text *out, const struct results *results)
{
    const struct result_run *run = &results->run;
    struct results_totals totals;
    results_count(results, &totals);
    text_puts(out, "<dl class=\"facts\">");
    html_term(out, "target");
    html_text(out, run->target[0] == '\0' ? "built in" : run->target);
    text_puts(out, "</dd>");
    html_term(out, "seed");
    text_printf(out, "%llu</dd>", (unsigned long long)run->seed);
    html_term(out, "real time");
    format_took(out, run->duration_us);
    text_puts(out, "</dd>");
    html_term(out, "virtual time");
    format_took(out, totals.virtual_us);
    text_puts(out, "</dd>");
    for (const struct result_pair *p = run->option_first; p != NULL; p = p->next) {
        html_term(out, p->name);
        html_text(out, p->value);
        text_puts(out, "</dd>");
    }
    text_puts(out, "</dl>\n");
}

static void write_headline(struct text *out, const struct results *results)
{
    struct results_totals totals;
    results_count(results, &totals);
    if (totals.bad > 0) {
        text_printf(out, "%u of %u cases failed", totals.bad, totals.cases);
    } else if (results->run.stale_first != NULL) {
        text_puts(out, "Expectations are stale");
    } else {
        text_puts(out, "Everything as expected");
    }
}

static void write_header(struct text *out, const struct results *results)
{
    text_printf(out,
                "<header class=\"top %s\"><div class=\"wrap\"><p class=\"brand\">amtlab</p><h1>",
                html_run_is_bad(results) ? "is-bad" : "is-good");
    write_headline(out, results);
    text_puts(out, "</h1><p class=\"lead\">");
    format_totals(out, results);
    text_puts(out, "</p></div></header>\n");
}

static void write_bad_case(struct text *out, const struct result_case *c,
                           const struct html_place *place)
{
    text_puts(out, "<a class=\"card bad\" href=\"");
    html_case_link(out, place, c);
    text_puts(out, "\"><div class=\"row\">");
    html_verdict(out, c->verdict);
    text_puts(out, "<code>");
    html_text(out, c->id);
    text_puts(out, "</code></div><p>");
    html_text(out, c->failure != NULL     ? c->failure->message
                   : c->reason[0] != '\0' ? c->reason
                                          : result_verdict_meaning(c->verdict));
    text_puts(out, "</p>");
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        if (format_is_violated(c, spec)) {
            text_puts(out, "<p class=\"dim\"><b>");
            html_text(out, spec->id);
            text_printf(out, "</b> %s \xc2\xb7 ", result_level_name(spec->level));
            html_text(out, spec->text);
            text_puts(out, "</p>");
        }
    }
    text_puts(out, "</a>\n");
}

static void write_bad_cases(struct text *out, const struct results *results, bool is_alone)
{
    struct html_place place = { .is_alone = is_alone };
    if (!html_run_is_bad(results)) {
        return;
    }
    text_puts(out, "<section><h2>What failed</h2>\n");
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        place.page += is_alone ? 1 : 0;
        if (result_verdict_is_bad(c->verdict, results->run.strict)) {
            write_bad_case(out, c, &place);
        }
    }
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        text_puts(out,
                  "<div class=\"card bad\"><div class=\"row\"><span class=\"pill v-failed\">stale"
                  "</span><code>");
        html_text(out, p->name);
        text_puts(out, "</code></div><p>");
        html_text(out, p->value);
        text_puts(out, "</p></div>\n");
    }
    text_puts(out, "</section>\n");
}

static size_t folder_length(const char *id)
{
    size_t path = strcspn(id, "#");
    while (path > 0 && id[path - 1] != '/') {
        path -= 1;
    }
    return path;
}

/* Which of the filters lets this case through. */
static const char *filter_class(const struct results *results, const struct result_case *c)
{
    if (result_verdict_is_bad(c->verdict, results->run.strict)) {
        return "bad";
    }
    return c->verdict == RESULT_PASSED ? "good" : "other";
}

static void write_case(struct text *out, const struct results *results, const struct result_case *c,
                       const struct html_place *place)
{
    size_t folder = folder_length(c->id);
    text_printf(out, "<tr class=\"%s\"><td>", filter_class(results, c));
    html_verdict(out, c->verdict);
    text_puts(out, "</td><td><a href=\"");
    html_case_link(out, place, c);
    text_puts(out, "\"><code>");
    html_text(out, c->id + folder);
    text_puts(out, "</code></a>");
    if (c->name[0] != '\0') {
        text_puts(out, "<div class=\"dim\">");
        html_text(out, c->name);
        text_puts(out, "</div>");
    }
    text_puts(out, "</td><td class=\"ids\">");
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        text_puts(out, "<a href=\"#r-");
        html_text(out, spec->id);
        text_puts(out, "\">");
        html_text(out, spec->id);
        text_puts(out, "</a> ");
    }
    text_puts(out, "</td><td class=\"num\">");
    if (c->virtual_us > 0) {
        format_took(out, c->virtual_us);
    }
    text_puts(out, "</td><td class=\"num dim\">");
    format_took(out, c->duration_us);
    text_puts(out, "</td></tr>\n");
}

static void write_folder_row(struct text *out, const char *id)
{
    size_t len = folder_length(id);
    text_puts(out, "<tr class=\"folder\"><th colspan=\"5\">");
    text_xml(out, len == 0 ? "/" : id, len == 0 ? 1 : len);
    text_puts(out, "</th></tr>\n");
}

static void write_cases(struct text *out, const struct results *results, bool is_alone)
{
    struct html_place place = { .is_alone = is_alone };
    text_puts(out, "<section><h2>Cases</h2>\n"
                   "<table class=\"cases\"><thead><tr><th>verdict</th><th>case</th>"
                   "<th>requirements</th><th class=\"num\">virtual</th><th class=\"num\">real</th>"
                   "</tr></thead><tbody>\n");
    const char *before = NULL;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        size_t len = folder_length(c->id);
        if (before == NULL || folder_length(before) != len || strncmp(before, c->id, len) != 0) {
            write_folder_row(out, c->id);
        }
        before = c->id;
        place.page += is_alone ? 1 : 0;
        write_case(out, results, c, &place);
    }
    text_puts(out, "</tbody></table></section>\n");
}

static void write_specs(struct text *out, const struct results *results)
{
    struct results_spec *specs = NULL;
    uint32_t count = 0;
    if (!results_specs(results, &specs, &count)) {
        out->failed = true;
    }
    if (count > 0) {
        text_puts(out, "<section><h2>Requirements</h2>\n<table class=\"specs\"><thead><tr>"
                       "<th>verdict</th><th>requirement</th><th>level</th>"
                       "<th class=\"num\">passed</th></tr></thead><tbody>\n");
    }
    for (uint32_t i = 0; i < count; i++) {
        text_puts(out, "<tr id=\"r-");
        html_text(out, specs[i].id);
        text_puts(out, "\"><td>");
        html_verdict(out, specs[i].verdict);
        text_puts(out, "</td><td><code>");
        html_text(out, specs[i].id);
        text_puts(out, "</code><div class=\"dim\">");
        html_text(out, specs[i].text);
        text_printf(out, "</div></td><td>%s</td><td class=\"num\">%u of %u</td></tr>\n",
                    result_level_name(specs[i].level), specs[i].passed, specs[i].cases);
    }
    text_puts(out, count > 0 ? "</tbody></table></section>\n" : "");
    amt_free(specs);
}

/* Works without script: the style sheet hides rows by the button that is chosen. */
static void write_filter(struct text *out)
{
    static const struct {
        const char *id, *label;
    } k_filters[] = { { "all", "all" },
                      { "bad", "failed" },
                      { "other", "known, flaky, unsupported" },
                      { "good", "passed" } };
    text_puts(out, "<nav class=\"filter\" aria-label=\"filter\">");
    for (size_t i = 0; i < sizeof k_filters / sizeof k_filters[0]; i++) {
        text_printf(out,
                    "<input type=\"radio\" name=\"filter\" id=\"f-%s\"%s><label for=\"f-%s\">%s"
                    "</label>",
                    k_filters[i].id, i == 0 ? " checked" : "", k_filters[i].id, k_filters[i].label);
    }
    text_puts(out, "</nav>\n");
}

void html_overview(struct text *out, const struct results *results, bool is_alone)
{
    write_header(out, results);
    text_puts(out, "<div class=\"wrap\">\n");
    write_tiles(out, results);
    write_run(out, results);
    write_bad_cases(out, results, is_alone);
    write_filter(out);
    write_cases(out, results, is_alone);
    write_specs(out, results);
    text_puts(out, "</div>\n");
}

void report_html_index(struct text *out, const struct results *results)
{
    html_head(out, html_run_is_bad(results) ? "failed - amtlab" : "passed - amtlab");
    text_puts(out, "<main>\n");
    html_overview(out, results, false);
    text_puts(out, "</main>\n");
    html_foot(out, results);
}
