/* JSON Lines (harness.md 13.3): one object a line, for tools that read a run as it goes. */
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/json_write.h"
#include "scenarios/report/report.h"

void report_jsonl_run(struct text *out, const struct results *results)
{
    json_write_open(out, NULL, '{');
    json_write_text(out, "type", "run");
    json_write_text(out, "amtlab", results->run.version);
    json_write_number(out, "seed", results->run.seed);
    json_write_text(out, "target", results->run.target);
    json_write_bool(out, "strict", results->run.strict);
    json_write_close(out, '}');
    text_puts(out, "\n");
}

static void write_failure(struct text *out, const struct result_failure *failure)
{
    json_write_open(out, "failure", '{');
    json_write_text(out, "kind", failure->kind);
    json_write_text(out, "message", failure->message);
    json_write_text(out, "file", failure->file);
    json_write_number(out, "line", failure->line);
    json_write_number(out, "column", failure->column);
    json_write_text(out, "expected", failure->expected);
    json_write_text(out, "actual", failure->actual);
    json_write_close(out, '}');
}

void report_jsonl_case(struct text *out, bool strict, const struct result_case *c)
{
    json_write_open(out, NULL, '{');
    json_write_text(out, "type", "case");
    json_write_text(out, "id", c->id);
    json_write_text(out, "name", c->name);
    json_write_text(out, "file", c->file);
    json_write_number(out, "line", c->line);
    json_write_text(out, "verdict", result_verdict_name(c->verdict));
    json_write_bool(out, "is_bad", result_verdict_is_bad(c->verdict, strict));
    json_write_text(out, "reason", c->reason);
    json_write_number(out, "duration_us", c->duration_us);
    json_write_number(out, "virtual_us", c->virtual_us);
    json_write_open(out, "spec", '[');
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        json_write_open(out, NULL, '{');
        json_write_text(out, "id", spec->id);
        json_write_text(out, "level", result_level_name(spec->level));
        json_write_text(out, "verdict", result_verdict_name(spec->verdict));
        json_write_close(out, '}');
    }
    json_write_close(out, ']');
    if (c->failure != NULL) {
        write_failure(out, c->failure);
    }
    json_write_text(out, "again", c->repro);
    json_write_close(out, '}');
    text_puts(out, "\n");
}

void report_jsonl_end(struct text *out, const struct results *results)
{
    struct results_totals totals;
    results_count(results, &totals);
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        json_write_open(out, NULL, '{');
        json_write_text(out, "type", "stale");
        json_write_text(out, "pattern", p->name);
        json_write_text(out, "why", p->value);
        json_write_close(out, '}');
        text_puts(out, "\n");
    }
    json_write_open(out, NULL, '{');
    json_write_text(out, "type", "totals");
    json_write_number(out, "cases", totals.cases);
    json_write_number(out, "bad", totals.bad);
    for (uint32_t v = 0; v < RESULT_VERDICT_COUNT; v++) {
        json_write_number(out, result_verdict_name((enum result_verdict)v), totals.by_verdict[v]);
    }
    json_write_close(out, '}');
    text_puts(out, "\n");
}

void report_jsonl(struct text *out, const struct results *results)
{
    report_jsonl_run(out, results);
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        report_jsonl_case(out, results->run.strict, c);
    }
    report_jsonl_end(out, results);
}
