/* JUnit XML (harness.md 13.2): one testsuite per folder, exactly one of failure, error, skipped. */
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/report.h"

/* What is kept of one text; servers refuse or drop files with larger ones. */
#define BODY_MAX_BYTES ((size_t)64 * 1024)

static void escaped(struct text *out, const char *text)
{
    text_xml(out, text, strlen(text));
}

static void attribute(struct text *out, const char *name, const char *value)
{
    text_printf(out, " %s=\"", name);
    for (; *value != '\0';) { /* an attribute's line ends are read as spaces: keep them as such */
        size_t len = strcspn(value, "\n\t");
        text_xml(out, value, len);
        value += len;
        if (*value != '\0') {
            text_puts(out, " ");
            value += 1;
        }
    }
    text_puts(out, "\"");
}

static void seconds_attribute(struct text *out, uint64_t us)
{
    text_puts(out, " time=\"");
    format_seconds(out, us);
    text_puts(out, "\"");
}

/* What stands before the last slash of the id's path: "apf/userauth" of "apf/userauth/split#x=1/2". */
static size_t folder_length(const char *id)
{
    size_t path = strcspn(id, "#");
    while (path > 0 && id[path - 1] != '/') {
        path -= 1;
    }
    return path > 0 ? path - 1 : 0;
}

static bool is_same_folder(const char *a, const char *b)
{
    size_t len = folder_length(a);
    return len == folder_length(b) && strncmp(a, b, len) == 0;
}

/* Dots for slashes, as viewers expect of a class name. */
static void class_attribute(struct text *out, const char *id)
{
    size_t len = folder_length(id);
    text_puts(out, " classname=\"");
    text_puts(out, len == 0 ? "amtlab" : "");
    for (size_t i = 0; i < len;) {
        size_t part = 0;
        while (i + part < len && id[i + part] != '/') {
            part += 1;
        }
        text_xml(out, id + i, part);
        i += part;
        if (i < len) {
            text_puts(out, ".");
            i += 1;
        }
    }
    text_puts(out, "\"");
}

static void property(struct text *out, const char *name, const char *value)
{
    if (value[0] != '\0') {
        text_puts(out, "        <property");
        attribute(out, "name", name);
        attribute(out, "value", value);
        text_puts(out, "/>\n");
    }
}

static void write_properties(struct text *out, const struct results *results,
                             const struct result_case *c)
{
    text_puts(out, "      <properties>\n");
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        property(out, "spec", spec->id);
        property(out, "level", result_level_name(spec->level));
    }
    property(out, "verdict", result_verdict_name(c->verdict));
    struct text seed = { 0 };
    text_printf(&seed, "%llu", (unsigned long long)results->run.seed);
    property(out, "seed", text_chars(&seed));
    text_fini(&seed);
    property(out, "target", results->run.target);
    property(out, "trace", c->trace);
    text_puts(out, "      </properties>\n");
}

/* The first line is the message, the body is what the terminal shows. */
static void write_problem(struct text *out, const struct results *results,
                          const struct result_case *c, const char *element)
{
    const struct report_style plain = { .plain = true };
    const char *message = c->failure != NULL     ? c->failure->message
                          : c->reason[0] != '\0' ? c->reason
                                                 : result_verdict_meaning(c->verdict);
    text_printf(out, "      <%s", element);
    attribute(out, "message", message);
    attribute(out, "type", c->failure != NULL ? c->failure->kind : result_verdict_name(c->verdict));
    text_puts(out, ">");
    struct text body = { 0 };
    report_terminal_failure(&body, results, c, &plain);
    text_xml(out, text_chars(&body), body.len > BODY_MAX_BYTES ? BODY_MAX_BYTES : body.len);
    out->failed = out->failed || body.failed;
    text_fini(&body);
    text_printf(out, "</%s>\n", element);
}

static void write_skipped(struct text *out, const struct result_case *c)
{
    text_puts(out, "      <skipped");
    struct text message = { 0 };
    text_printf(&message, "%s%s%s",
                c->verdict == RESULT_KNOWN_FAILURE ? "known failure" : "unsupported",
                c->reason[0] == '\0' ? "" : ": ", c->reason);
    attribute(out, "message", text_chars(&message));
    text_fini(&message);
    text_puts(out, "/>\n");
}

enum outcome { OUTCOME_PASSED, OUTCOME_FAILURE, OUTCOME_ERROR, OUTCOME_SKIPPED };

static enum outcome outcome_of(const struct results *results, const struct result_case *c)
{
    if (c->verdict == RESULT_ERROR) {
        return OUTCOME_ERROR;
    }
    if (result_verdict_is_bad(c->verdict, results->run.strict)) {
        return OUTCOME_FAILURE;
    }
    bool is_skipped = c->verdict == RESULT_KNOWN_FAILURE || c->verdict == RESULT_UNSUPPORTED;
    return is_skipped ? OUTCOME_SKIPPED : OUTCOME_PASSED;
}

static void write_outcome(struct text *out, const struct results *results,
                          const struct result_case *c)
{
    switch (outcome_of(results, c)) {
    case OUTCOME_FAILURE:
        write_problem(out, results, c, "failure");
        break;
    case OUTCOME_ERROR:
        write_problem(out, results, c, "error");
        break;
    case OUTCOME_SKIPPED:
        write_skipped(out, c);
        break;
    case OUTCOME_PASSED:
        if (c->verdict == RESULT_FLAKY) {
            write_problem(out, results, c, "flakyFailure");
        }
        break;
    }
}

static void write_output(struct text *out, const struct result_case *c)
{
    if (c->step_first == NULL) {
        return;
    }
    struct text body = { 0 };
    for (const struct result_step *step = c->step_first; step != NULL; step = step->next) {
        text_printf(&body, "%-11s %3u ", result_step_verdict_name(step->verdict), step->n);
        text_terminal(&body, step->name, strlen(step->name));
        text_puts(&body, "  ");
        format_moment(&body, step->took_us);
        text_puts(&body, "\n");
    }
    text_puts(out, "      <system-out>");
    text_xml(out, text_chars(&body), body.len > BODY_MAX_BYTES ? BODY_MAX_BYTES : body.len);
    text_puts(out, "</system-out>\n");
    out->failed = out->failed || body.failed;
    text_fini(&body);
}

static void write_case(struct text *out, const struct results *results, const struct result_case *c)
{
    text_puts(out, "    <testcase");
    class_attribute(out, c->id);
    attribute(out, "name", c->id);
    attribute(out, "file", c->file);
    text_printf(out, " line=\"%u\"", c->line);
    seconds_attribute(out, c->duration_us);
    text_puts(out, ">\n");
    write_properties(out, results, c);
    write_outcome(out, results, c);
    write_output(out, c);
    text_puts(out, "    </testcase>\n");
}

struct counts {
    uint32_t tests, failures, errors, skipped;
    uint64_t duration_us;
};

static void count(struct counts *counts, const struct results *results, const struct result_case *c)
{
    enum outcome outcome = outcome_of(results, c);
    counts->tests += 1;
    counts->failures += outcome == OUTCOME_FAILURE ? 1 : 0;
    counts->errors += outcome == OUTCOME_ERROR ? 1 : 0;
    counts->skipped += outcome == OUTCOME_SKIPPED ? 1 : 0;
    counts->duration_us += c->duration_us;
}

static void count_attributes(struct text *out, const struct counts *counts)
{
    text_printf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\"", counts->tests,
                counts->failures, counts->errors, counts->skipped);
    seconds_attribute(out, counts->duration_us);
}

/* Is there a case of the same folder before c? Then its suite is written already. */
static bool is_written(const struct results *results, const struct result_case *c)
{
    for (const struct result_case *d = results->case_first; d != c; d = d->next) {
        if (is_same_folder(d->id, c->id)) {
            return true;
        }
    }
    return false;
}

static void write_suite(struct text *out, const struct results *results,
                        const struct result_case *first)
{
    struct counts counts = { 0 };
    for (const struct result_case *c = first; c != NULL; c = c->next) {
        if (is_same_folder(first->id, c->id)) {
            count(&counts, results, c);
        }
    }
    size_t len = folder_length(first->id);
    text_puts(out, "  <testsuite name=\"");
    text_xml(out, len == 0 ? "amtlab" : first->id, len == 0 ? strlen("amtlab") : len);
    text_puts(out, "\"");
    count_attributes(out, &counts);
    text_puts(out, ">\n");
    for (const struct result_case *c = first; c != NULL; c = c->next) {
        if (is_same_folder(first->id, c->id)) {
            write_case(out, results, c);
        }
    }
    text_puts(out, "  </testsuite>\n");
}

/* A stale expectation fails the run and must not vanish behind passed cases. */
static void write_stale(struct text *out, const struct results *results)
{
    uint32_t stale = 0;
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        stale += 1;
    }
    text_printf(out,
                "  <testsuite name=\"expectations\" tests=\"%u\" failures=\"%u\" errors=\"0\" "
                "skipped=\"0\" time=\"0.000000\">\n",
                stale, stale);
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        text_puts(out, "    <testcase classname=\"expectations\"");
        attribute(out, "name", p->name);
        text_puts(out, " time=\"0.000000\">\n      <failure type=\"stale\"");
        attribute(out, "message", p->value[0] == '\0' ? "stale expectation" : p->value);
        text_puts(out, "/>\n    </testcase>\n");
    }
    text_puts(out, "  </testsuite>\n");
}

void report_junit(struct text *out, const struct results *results)
{
    struct counts counts = { 0 };
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        count(&counts, results, c);
    }
    for (const struct result_pair *p = results->run.stale_first; p != NULL; p = p->next) {
        counts.tests += 1;
        counts.failures += 1;
    }
    text_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"amtlab ");
    escaped(out, results->run.version);
    text_puts(out, "\"");
    count_attributes(out, &counts);
    text_puts(out, ">\n");
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        if (!is_written(results, c)) {
            write_suite(out, results, c);
        }
    }
    if (results->run.stale_first != NULL) {
        write_stale(out, results);
    }
    text_puts(out, "</testsuites>\n");
}
