/* TAP version 14 (harness.md 13.3): YAML diagnostics, TODO for known failures. */
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/report.h"

static void json(struct text *out, const char *text)
{
    text_json(out, text, strlen(text));
}

/* In a description `#` begins a directive and `\` escapes. */
static void description(struct text *out, const char *text)
{
    for (; *text != '\0';) {
        size_t len = strcspn(text, "#\\");
        text_terminal(out, text, len);
        text += len;
        if (*text != '\0') {
            const char pair[2] = { '\\', *text };
            text_append(out, pair, 2);
            text += 1;
        }
    }
}

/* Values are JSON strings, which YAML reads as they are. */
static void diagnostic(struct text *out, const char *name, const char *value)
{
    if (value[0] != '\0') {
        text_printf(out, "  %s: ", name);
        json(out, value);
        text_puts(out, "\n");
    }
}

static void write_diagnostics(struct text *out, const struct result_case *c)
{
    text_puts(out, "  ---\n");
    diagnostic(out, "verdict", result_verdict_name(c->verdict));
    diagnostic(out, "reason", c->reason);
    diagnostic(out, "file", c->file);
    text_printf(out, "  duration_ms: %llu\n", (unsigned long long)(c->duration_us / 1000));
    if (c->failure != NULL) {
        diagnostic(out, "message", c->failure->message);
        text_printf(out, "  line: %u\n", c->failure->line);
        diagnostic(out, "kind", c->failure->kind);
        diagnostic(out, "expected", c->failure->expected);
        diagnostic(out, "actual", c->failure->actual);
    }
    if (c->spec_first != NULL) {
        text_puts(out, "  spec: [");
        for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
            json(out, spec->id);
            text_puts(out, spec->next == NULL ? "]\n" : ", ");
        }
    }
    diagnostic(out, "again", c->repro);
    text_puts(out, "  ...\n");
}

/* A known failure is `not ok` with TODO, which readers count as expected. */
static bool is_ok(const struct results *results, const struct result_case *c)
{
    return c->verdict != RESULT_KNOWN_FAILURE &&
           !result_verdict_is_bad(c->verdict, results->run.strict);
}

static void write_case(struct text *out, const struct results *results, const struct result_case *c,
                       uint32_t number)
{
    bool ok = is_ok(results, c);
    text_printf(out, "%s %u - ", ok ? "ok" : "not ok", number);
    description(out, c->id);
    const char *directive = c->verdict == RESULT_KNOWN_FAILURE ? " # TODO "
                            : c->verdict == RESULT_UNSUPPORTED ? " # SKIP "
                                                               : "";
    text_puts(out, directive);
    if (directive[0] != '\0') {
        text_terminal(out, c->reason, strlen(c->reason));
    }
    text_puts(out, "\n");
    if (!ok || c->verdict == RESULT_FLAKY || c->verdict == RESULT_NOT_STRICT) {
        write_diagnostics(out, c);
    }
}

void report_tap(struct text *out, const struct results *results)
{
    uint32_t stale = 0;
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        stale += 1;
    }
    text_printf(out, "TAP version 14\n1..%u\n", results->case_count + stale);
    uint32_t number = 0;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        write_case(out, results, c, ++number);
    }
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        text_printf(out, "not ok %u - stale expectation ", ++number);
        description(out, p->name);
        text_puts(out, "\n  ---\n");
        diagnostic(out, "message", p->value);
        text_puts(out, "  ...\n");
    }
}
