/* results.json (harness.md 13.1): keys sorted in every object, lists in their own order. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/report.h"

#define SCHEMA_VERSION 1

/* Writes objects and lists with commas and indentation where they belong. */
struct json {
    struct text *out;
    unsigned depth;
    bool is_first;
};

static void next_item(struct json *json)
{
    text_puts(json->out, json->is_first ? "\n" : ",\n");
    text_printf(json->out, "%*s", (int)(2 * json->depth), "");
    json->is_first = false;
}

static void quoted(struct json *json, const char *text)
{
    text_json(json->out, text, strlen(text));
}

static void key(struct json *json, const char *name)
{
    next_item(json);
    quoted(json, name);
    text_puts(json->out, ": ");
}

static void open_bracket(struct json *json, const char *bracket)
{
    text_puts(json->out, bracket);
    json->depth += 1;
    json->is_first = true;
}

static void close_bracket(struct json *json, const char *bracket)
{
    json->depth -= 1;
    if (!json->is_first) {
        text_printf(json->out, "\n%*s", (int)(2 * json->depth), "");
    }
    text_puts(json->out, bracket);
    json->is_first = false;
}

static void text_member(struct json *json, const char *name, const char *value)
{
    key(json, name);
    quoted(json, value);
}

static void number_member(struct json *json, const char *name, uint64_t value)
{
    key(json, name);
    text_printf(json->out, "%llu", (unsigned long long)value);
}

static void bool_member(struct json *json, const char *name, bool value)
{
    key(json, name);
    text_puts(json->out, value ? "true" : "false");
}

static void hex_member(struct json *json, const char *name, const uint8_t *bytes, uint32_t len)
{
    key(json, name);
    text_puts(json->out, "\"");
    text_hex(json->out, bytes, len);
    text_puts(json->out, "\"");
}

static int compare_pairs(const void *a, const void *b)
{
    const struct result_pair *left = *(const struct result_pair *const *)a;
    const struct result_pair *right = *(const struct result_pair *const *)b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->value, right->value);
}

/* The pairs sorted by name (amt_free), NULL for none or without memory. */
static const struct result_pair **sorted_pairs(struct json *json, const struct result_pair *first,
                                               uint32_t *count)
{
    *count = 0;
    for (const struct result_pair *p = first; p != NULL; p = p->next) {
        *count += 1;
    }
    const struct result_pair **pairs = amt_alloc_array(*count, sizeof(struct result_pair *));
    if (pairs == NULL) {
        json->out->failed = true;
        *count = 0;
        return NULL;
    }
    uint32_t n = 0;
    for (const struct result_pair *p = first; p != NULL; p = p->next) {
        pairs[n++] = p;
    }
    qsort(pairs, n, sizeof(struct result_pair *), compare_pairs);
    return pairs;
}

/* An object of the pairs; are_numbers: values stand without quotes. */
static void pairs_member(struct json *json, const char *name, const struct result_pair *first,
                         bool are_numbers)
{
    uint32_t count = 0;
    const struct result_pair **pairs = sorted_pairs(json, first, &count);
    key(json, name);
    open_bracket(json, "{");
    for (uint32_t i = 0; i < count; i++) {
        bool is_repeated = i > 0 && strcmp(pairs[i]->name, pairs[i - 1]->name) == 0;
        if (!is_repeated) { /* a second key of that name would not be JSON for all readers */
            key(json, pairs[i]->name);
            if (are_numbers) {
                text_puts(json->out, pairs[i]->value);
            } else {
                quoted(json, pairs[i]->value);
            }
        }
    }
    close_bracket(json, "}");
    amt_free((void *)pairs);
}

static void tags_member(struct json *json, const struct result_pair *first)
{
    key(json, "tags");
    open_bracket(json, "[");
    for (const struct result_pair *p = first; p != NULL; p = p->next) {
        next_item(json);
        quoted(json, p->name);
    }
    close_bracket(json, "]");
}

static void write_wire(struct json *json, const struct result_wire *wire)
{
    next_item(json);
    open_bracket(json, "{");
    number_member(json, "at_us", wire->at_us);
    hex_member(json, "bytes", wire->bytes, wire->len);
    text_member(json, "from", wire->from);
    number_member(json, "mark", wire->mark);
    text_member(json, "text", wire->text);
    text_member(json, "to", wire->to);
    close_bracket(json, "}");
}

static void write_failure(struct json *json, const struct result_failure *failure)
{
    key(json, "failure");
    if (failure == NULL) {
        text_puts(json->out, "null");
        return;
    }
    open_bracket(json, "{");
    text_member(json, "actual", failure->actual);
    number_member(json, "at_us", failure->at_us);
    hex_member(json, "bytes", failure->bytes, failure->bytes_len);
    text_member(json, "caret", failure->caret);
    number_member(json, "column", failure->column);
    number_member(json, "column_end", failure->column_end);
    text_member(json, "expected", failure->expected);
    text_member(json, "field", failure->field);
    text_member(json, "file", failure->file);
    text_member(json, "kind", failure->kind);
    key(json, "last_bytes");
    open_bracket(json, "[");
    for (const struct result_wire *wire = failure->wire_first; wire != NULL; wire = wire->next) {
        write_wire(json, wire);
    }
    close_bracket(json, "]");
    number_member(json, "line", failure->line);
    text_member(json, "message", failure->message);
    if (failure->has_offset) {
        number_member(json, "offset", failure->offset);
    }
    number_member(json, "step", failure->step);
    close_bracket(json, "}");
}

static void write_steps(struct json *json, const struct result_case *c)
{
    key(json, "steps");
    open_bracket(json, "[");
    for (const struct result_step *step = c->step_first; step != NULL; step = step->next) {
        next_item(json);
        open_bracket(json, "{");
        text_member(json, "actor", step->actor);
        number_member(json, "at_us", step->at_us);
        text_member(json, "grade", result_level_name(step->grade));
        number_member(json, "line", step->line);
        number_member(json, "n", step->n);
        text_member(json, "name", step->name);
        number_member(json, "took_us", step->took_us);
        text_member(json, "verdict", result_step_verdict_name(step->verdict));
        close_bracket(json, "}");
    }
    close_bracket(json, "]");
}

static void write_specs(struct json *json, const struct result_case *c)
{
    key(json, "spec");
    open_bracket(json, "[");
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        next_item(json);
        open_bracket(json, "{");
        text_member(json, "id", spec->id);
        text_member(json, "level", result_level_name(spec->level));
        text_member(json, "text", spec->text);
        text_member(json, "verdict", result_verdict_name(spec->verdict));
        close_bracket(json, "}");
    }
    close_bracket(json, "]");
}

static void write_faults(struct json *json, const struct result_case *c)
{
    key(json, "faults");
    open_bracket(json, "[");
    for (const struct result_fault *fault = c->fault_first; fault != NULL; fault = fault->next) {
        next_item(json);
        open_bracket(json, "{");
        text_member(json, "at", fault->at);
        number_member(json, "at_us", fault->at_us);
        text_member(json, "id", fault->id);
        text_member(json, "text", fault->text);
        text_member(json, "verb", fault->verb);
        close_bracket(json, "}");
    }
    close_bracket(json, "]");
}

static void write_events(struct json *json, const struct result_case *c)
{
    key(json, "events");
    open_bracket(json, "[");
    for (const struct result_event *event = c->event_first; event != NULL; event = event->next) {
        next_item(json);
        open_bracket(json, "{");
        number_member(json, "arrive_us", event->arrive_us);
        number_member(json, "at_us", event->at_us);
        hex_member(json, "bytes", event->bytes, event->len);
        text_member(json, "from", event->from);
        bool_member(json, "is_fault", event->is_fault);
        bool_member(json, "is_lost", event->is_lost);
        text_member(json, "layer", event->layer);
        text_member(json, "name", event->name);
        number_member(json, "size_bytes", event->size_bytes);
        number_member(json, "step", event->step);
        text_member(json, "text", event->text);
        text_member(json, "to", event->to);
        close_bracket(json, "}");
    }
    close_bracket(json, "]");
}

static void write_case(struct json *json, const struct result_case *c)
{
    next_item(json);
    open_bracket(json, "{");
    number_member(json, "attempts", c->attempts);
    write_events(json, c);
    write_failure(json, c->failure);
    write_faults(json, c);
    text_member(json, "file", c->file);
    text_member(json, "grade", result_level_name(c->grade));
    text_member(json, "id", c->id);
    number_member(json, "line", c->line);
    text_member(json, "link", c->link);
    text_member(json, "matrix", c->matrix);
    pairs_member(json, "metrics", c->metric_first, true);
    text_member(json, "name", c->name);
    text_member(json, "reason", c->reason);
    text_member(json, "repro", c->repro);
    write_specs(json, c);
    write_steps(json, c);
    text_member(json, "summary", c->summary);
    tags_member(json, c->tag_first);
    text_member(json, "trace", c->trace);
    text_member(json, "verdict", result_verdict_name(c->verdict));
    number_member(json, "virtual_us", c->virtual_us);
    close_bracket(json, "}");
}

/* All that depends on the machine and the hour; the cases stand in their order. */
static void write_real_time(struct json *json, const struct results *results)
{
    key(json, "real_time");
    open_bracket(json, "{");
    key(json, "case_duration_us");
    open_bracket(json, "[");
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        next_item(json);
        text_printf(json->out, "%llu", (unsigned long long)c->duration_us);
    }
    close_bracket(json, "]");
    number_member(json, "run_duration_us", results->run.duration_us);
    text_member(json, "started", results->run.started);
    close_bracket(json, "}");
}

static void write_run(struct json *json, const struct results *results)
{
    const struct result_run *run = &results->run;
    key(json, "run");
    open_bracket(json, "{");
    text_member(json, "id", run->id);
    pairs_member(json, "options", run->option_first, false);
    struct text seed = { 0 }; /* as text: many readers hold integers only up to 2^53 */
    text_printf(&seed, "%llu", (unsigned long long)run->seed);
    text_member(json, "seed", text_chars(&seed));
    text_fini(&seed);
    bool_member(json, "strict", run->strict);
    close_bracket(json, "}");
}

static void write_coverage(struct json *json, const struct results *results)
{
    struct results_spec *specs = NULL;
    uint32_t count = 0;
    if (!results_specs(results, &specs, &count)) {
        json->out->failed = true;
    }
    key(json, "spec_coverage");
    open_bracket(json, "[");
    for (uint32_t i = 0; i < count; i++) {
        next_item(json);
        open_bracket(json, "{");
        number_member(json, "cases", specs[i].cases);
        text_member(json, "id", specs[i].id);
        text_member(json, "level", result_level_name(specs[i].level));
        number_member(json, "passed", specs[i].passed);
        text_member(json, "verdict", result_verdict_name(specs[i].verdict));
        close_bracket(json, "}");
    }
    close_bracket(json, "]");
    amt_free(specs);
}

static void write_totals(struct json *json, const struct results *results)
{
    static const enum result_verdict k_sorted[RESULT_VERDICT_COUNT] = {
        RESULT_ERROR,  RESULT_FAILED,          RESULT_FLAKY,
        RESULT_INFO,   RESULT_KNOWN_FAILURE,   RESULT_NOT_STRICT,
        RESULT_PASSED, RESULT_UNEXPECTED_PASS, RESULT_UNSUPPORTED,
    };
    struct results_totals totals;
    results_count(results, &totals);
    key(json, "totals");
    open_bracket(json, "{");
    number_member(json, "bad", totals.bad);
    number_member(json, "cases", totals.cases);
    key(json, "verdicts");
    open_bracket(json, "{");
    for (size_t i = 0; i < RESULT_VERDICT_COUNT; i++) {
        number_member(json, result_verdict_name(k_sorted[i]), totals.by_verdict[k_sorted[i]]);
    }
    close_bracket(json, "}");
    number_member(json, "virtual_us", totals.virtual_us);
    close_bracket(json, "}");
}

static void write_sources(struct json *json, const struct results *results)
{
    key(json, "sources");
    open_bracket(json, "[");
    for (const struct result_source *s = results->source_first; s != NULL; s = s->next) {
        next_item(json);
        open_bracket(json, "{");
        text_member(json, "path", s->path);
        text_member(json, "text", s->text);
        close_bracket(json, "}");
    }
    close_bracket(json, "]");
}

void report_json(struct text *out, const struct results *results)
{
    struct json json = { .out = out };
    open_bracket(&json, "{");
    text_member(&json, "amtlab", results->run.version);
    key(&json, "cases");
    open_bracket(&json, "[");
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        write_case(&json, c);
    }
    close_bracket(&json, "]");
    key(&json, "expectations");
    open_bracket(&json, "{");
    pairs_member(&json, "stale", results->run.stale_first, false);
    pairs_member(&json, "used", results->run.expectation_first, false);
    close_bracket(&json, "}");
    write_real_time(&json, results);
    write_run(&json, results);
    number_member(&json, "schema", SCHEMA_VERSION);
    write_sources(&json, results);
    write_coverage(&json, results);
    text_member(&json, "target", results->run.target);
    write_totals(&json, results);
    close_bracket(&json, "}");
    text_puts(out, "\n");
}
