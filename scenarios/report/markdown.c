/* Markdown summary for job pages (harness.md 13.3): totals, failures folded, requirements. */
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/format.h"
#include "scenarios/report/report.h"

#define MAX_BYTES         ((size_t)1000 * 1000) /* the place that shows it takes 1 MiB */
#define FAILURE_MAX_BYTES ((size_t)16 * 1024)

/* Text between Markdown: its signs and HTML's mean nothing any more. */
static void plain(struct text *out, const char *text)
{
    for (; *text != '\0';) {
        size_t len = strcspn(text, "\\`*_{}[]()#+!|~<>&\"'\n\r");
        text_xml(out, text, len);
        text += len;
        if (*text == '\n' || *text == '\r') {
            text_puts(out, " ");
        } else if (*text != '\0') {
            text_printf(out, "&#%u;", (unsigned)(uint8_t)*text);
        }
        text += *text == '\0' ? 0 : 1;
    }
}

static void write_totals(struct text *out, const struct results *results)
{
    struct results_totals totals;
    results_count(results, &totals);
    bool is_bad = totals.bad > 0 || results->run.stale_first != NULL;
    text_printf(out, "## amtlab: %s\n\n", is_bad ? "failed" : "passed");
    format_totals(out, results);
    text_puts(out, " \xc2\xb7 ");
    format_took(out, results->run.duration_us);
    text_printf(out, " \xc2\xb7 seed %llu", (unsigned long long)results->run.seed);
    if (results->run.target[0] != '\0') {
        text_puts(out, " \xc2\xb7 target ");
        plain(out, results->run.target);
    }
    text_puts(out, "\n\n");
}

/* One folded failure: what the terminal shows, in a preformatted block. */
static void write_failure(struct text *out, const struct results *results,
                          const struct result_case *c)
{
    const struct report_style style = { .plain = true };
    struct text body = { 0 };
    report_terminal_failure(&body, results, c, &style);
    text_puts(out, "<details><summary>");
    plain(out, c->id);
    text_puts(out, ": ");
    plain(out, c->failure != NULL ? c->failure->message : result_verdict_meaning(c->verdict));
    text_puts(out, "</summary>\n\n<pre>\n");
    bool is_cut = body.len > FAILURE_MAX_BYTES;
    text_xml(out, text_chars(&body), is_cut ? FAILURE_MAX_BYTES : body.len);
    text_puts(out, is_cut ? "(cut)\n</pre></details>\n\n" : "</pre></details>\n\n");
    out->failed = out->failed || body.failed;
    text_fini(&body);
}

static void write_failures(struct text *out, const struct results *results)
{
    uint32_t left_out = 0;
    bool has_heading = false;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        if (!result_verdict_is_bad(c->verdict, results->run.strict)) {
            continue;
        }
        if (!has_heading) {
            text_puts(out, "### What failed\n\n");
            has_heading = true;
        }
        if (out->len > MAX_BYTES / 2) {
            left_out += 1;
        } else {
            write_failure(out, results, c);
        }
    }
    if (left_out > 0) {
        text_printf(out, "**%u more failures are left out here; the other reports have them.**\n\n",
                    left_out);
    }
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        text_puts(out, "* stale expectation ");
        plain(out, p->name);
        text_puts(out, ": ");
        plain(out, p->value);
        text_puts(out, p->next == NULL ? "\n\n" : "\n");
    }
}

static void write_specs(struct text *out, const struct results *results)
{
    struct results_spec *specs = NULL;
    uint32_t count = 0;
    if (!results_specs(results, &specs, &count)) {
        out->failed = true;
        return;
    }
    if (count > 0) {
        text_puts(out, "### Requirements\n\n| requirement | level | passed | verdict |\n"
                       "| --- | --- | --- | --- |\n");
    }
    uint32_t i = 0;
    for (; i < count && out->len < MAX_BYTES - 4096; i++) {
        text_puts(out, "| ");
        plain(out, specs[i].id);
        text_printf(out, " | %s | %u of %u | ", result_level_name(specs[i].level), specs[i].passed,
                    specs[i].cases);
        plain(out, result_verdict_name(specs[i].verdict));
        text_puts(out, " |\n");
    }
    if (i < count) {
        text_printf(out, "\n**%u more requirements are left out here.**\n", count - i);
    }
    amt_free(specs);
}

void report_markdown(struct text *out, const struct results *results)
{
    write_totals(out, results);
    write_failures(out, results);
    write_specs(out, results);
}
