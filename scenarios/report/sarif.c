/*
 * SARIF 2.1.0 (harness.md 13.5): a rule per requirement, a result per requirement that is violated, at the
 * line of the scenario that shows it first; other cases are related locations. Known failures are there as
 * suppressed results, stale expectations and failures that cite no requirement under rules of their own.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/format.h"
#include "scenarios/report/json_write.h"
#include "scenarios/report/report.h"

#define RELATED_MAX 20u /* readers show few of them */

static const char k_case_rule[] = "amtlab/case";
static const char k_stale_rule[] = "amtlab/stale-expectation";

struct writer {
    struct text *out;
    const struct results *results;
    const struct results_spec *specs;
    uint32_t spec_count;
};

static const char *level_of(enum result_level level)
{
    return level == RESULT_MUST ? "error" : level == RESULT_SHOULD ? "warning" : "note";
}

static void message(struct text *out, const char *name, const char *text)
{
    json_write_open(out, name, '{');
    json_write_text(out, "text", text);
    json_write_close(out, '}');
}

/* --- rules --- */

static void write_rule(struct text *out, const char *id, const char *text, enum result_level level)
{
    json_write_open(out, NULL, '{');
    json_write_text(out, "id", id);
    message(out, "shortDescription", text[0] == '\0' ? id : text);
    message(out, "fullDescription", text[0] == '\0' ? id : text);
    json_write_open(out, "defaultConfiguration", '{');
    json_write_text(out, "level", level_of(level));
    json_write_close(out, '}');
    json_write_open(out, "properties", '{');
    json_write_text(out, "level", result_level_name(level));
    json_write_close(out, '}');
    json_write_close(out, '}');
}

static void write_rules(const struct writer *w)
{
    json_write_open(w->out, "rules", '[');
    for (uint32_t i = 0; i < w->spec_count; i++) {
        write_rule(w->out, w->specs[i].id, w->specs[i].text, w->specs[i].level);
    }
    write_rule(w->out, k_case_rule, "A scenario that cites no requirement fails.", RESULT_MUST);
    write_rule(w->out, k_stale_rule,
               "An expectation that a case fails no longer holds: remove or change it.",
               RESULT_MUST);
    json_write_close(w->out, ']');
}

/* --- results --- */

static bool is_shown(const struct writer *w, const struct result_case *c)
{
    return result_verdict_is_bad(c->verdict, w->results->run.strict) ||
           c->verdict == RESULT_KNOWN_FAILURE || c->verdict == RESULT_NOT_STRICT ||
           c->verdict == RESULT_FLAKY;
}

/* rule NULL: cases that cite nothing. */
static bool violates(const struct result_case *c, const char *rule)
{
    const struct result_spec *spec = c->spec_first;
    while (spec != NULL && rule != NULL && strcmp(spec->id, rule) != 0) {
        spec = spec->next;
    }
    return rule == NULL ? c->spec_first == NULL : spec != NULL && format_is_violated(c, spec);
}

/* A path as a URI reference: all but unreserved characters and slashes percent-encoded. */
static void write_uri(struct text *out, const char *path)
{
    static const char k_plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    struct text uri = { 0 };
    bool is_absolute = path[0] == '/';
    text_puts(&uri, is_absolute ? "file://" : "");
    while (strncmp(path, "./", 2) == 0) {
        path += 2;
    }
    for (; *path != '\0'; path++) {
        if (strchr(k_plain, *path) != NULL) {
            text_append(&uri, path, 1);
        } else {
            text_printf(&uri, "%%%02X", (unsigned)(uint8_t)*path);
        }
    }
    json_write_open(out, "artifactLocation", '{');
    json_write_text(out, "uri", text_chars(&uri));
    if (!is_absolute) {
        json_write_text(out, "uriBaseId", "%SRCROOT%");
    }
    json_write_close(out, '}');
    out->failed = out->failed || uri.failed;
    text_fini(&uri);
}

/* id above 0: of a related location, with the case as its message. */
static void write_location(struct text *out, const struct result_case *c, uint32_t id)
{
    const struct result_failure *failure = c->failure;
    uint32_t line = failure != NULL && failure->line > 0 ? failure->line : c->line;
    json_write_open(out, NULL, '{');
    if (id > 0) {
        json_write_number(out, "id", id);
        message(out, "message", c->id);
    }
    json_write_open(out, "physicalLocation", '{');
    write_uri(out, failure != NULL && failure->file[0] != '\0' ? failure->file : c->file);
    json_write_open(out, "region", '{');
    json_write_number(out, "startLine", line == 0 ? 1 : line);
    if (failure != NULL && line == failure->line && failure->column > 0) {
        json_write_number(out, "startColumn", failure->column);
        if (failure->column_end >= failure->column) {
            json_write_number(out, "endColumn", failure->column_end + 1u); /* behind it */
        }
    }
    json_write_close(out, '}');
    json_write_close(out, '}');
    json_write_open(out, "logicalLocations", '[');
    json_write_open(out, NULL, '{');
    json_write_text(out, "fullyQualifiedName", c->id);
    json_write_close(out, '}');
    json_write_close(out, ']');
    json_write_close(out, '}');
}

/* FNV-1a over requirement and scenario: it stays when other values of a matrix fail. */
static void write_fingerprint(struct text *out, const char *rule, const char *case_id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    char hex[20];
    for (const char *at = rule; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    }
    hash *= 0x100000001b3u;
    for (const char *at = case_id; *at != '\0' && *at != '#'; at++) {
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    }
    (void)snprintf(hex, sizeof hex, "%016llx", (unsigned long long)hash);
    json_write_open(out, "partialFingerprints", '{');
    json_write_text(out, "requirementAndCase/v1", hex);
    json_write_close(out, '}');
}

static void write_text(struct text *out, const char *rule, const struct result_case *c,
                       uint32_t count)
{
    struct text text = { 0 };
    const struct result_failure *failure = c->failure;
    text_printf(&text, "%s: %s", c->id,
                failure != NULL        ? failure->message
                : c->reason[0] != '\0' ? c->reason
                                       : result_verdict_meaning(c->verdict));
    if (failure != NULL && failure->expected[0] != '\0') {
        text_printf(&text, "\nexpected: %s\nactual: %s", failure->expected, failure->actual);
    }
    for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
        if (strcmp(spec->id, rule) == 0 && spec->text[0] != '\0') {
            text_printf(&text, "\n%s (%s): %s", spec->id, result_level_name(spec->level),
                        spec->text);
        }
    }
    if (count > 1) {
        text_printf(&text, "\n%u more cases violate it.", count - 1);
    }
    if (c->repro[0] != '\0') {
        text_printf(&text, "\nagain: %s", c->repro);
    }
    message(out, "message", text_chars(&text));
    out->failed = out->failed || text.failed;
    text_fini(&text);
}

static void write_properties(const struct writer *w, const struct result_case *c, uint32_t count)
{
    json_write_open(w->out, "properties", '{');
    json_write_text(w->out, "target",
                    w->results->run.target[0] == '\0' ? "built in" : w->results->run.target);
    json_write_text(w->out, "verdict", result_verdict_name(c->verdict));
    json_write_number(w->out, "cases", count);
    json_write_number(w->out, "seed", w->results->run.seed);
    json_write_close(w->out, '}');
}

static void write_related(const struct writer *w, const struct result_case *first, const char *rule)
{
    uint32_t id = 0;
    json_write_open(w->out, "relatedLocations", '[');
    for (const struct result_case *c = first->next; c != NULL && id < RELATED_MAX; c = c->next) {
        if (is_shown(w, c) && violates(c, rule)) {
            write_location(w->out, c, ++id);
        }
    }
    json_write_close(w->out, ']');
}

/* One of the cases that show a violation; count of them all. */
static void write_result(const struct writer *w, const struct result_case *c, const char *rule,
                         uint32_t rule_index, enum result_level level, uint32_t count)
{
    const char *rule_id = rule == NULL ? k_case_rule : rule;
    bool is_bad = result_verdict_is_bad(c->verdict, w->results->run.strict);
    json_write_open(w->out, NULL, '{');
    json_write_text(w->out, "ruleId", rule_id);
    json_write_number(w->out, "ruleIndex", rule_index);
    json_write_text(w->out, "level",
                    is_bad || c->verdict == RESULT_KNOWN_FAILURE ? level_of(level) : "warning");
    write_text(w->out, rule_id, c, count);
    json_write_open(w->out, "locations", '[');
    write_location(w->out, c, 0);
    json_write_close(w->out, ']');
    if (count > 1) {
        write_related(w, c, rule);
    }
    write_fingerprint(w->out, rule_id, c->id);
    if (c->verdict == RESULT_KNOWN_FAILURE) {
        json_write_open(w->out, "suppressions", '[');
        json_write_open(w->out, NULL, '{');
        json_write_text(w->out, "kind", "external");
        json_write_text(w->out, "justification", c->reason);
        json_write_close(w->out, '}');
        json_write_close(w->out, ']');
    }
    write_properties(w, c, count);
    json_write_close(w->out, '}');
}

/* The worst case first shows what is wrong; a known failure only when there is nothing else. */
static void write_violation(const struct writer *w, const char *rule, uint32_t rule_index,
                            enum result_level level)
{
    const struct result_case *worst = NULL;
    uint32_t count = 0;
    for (const struct result_case *c = w->results->case_first; c != NULL; c = c->next) {
        if (is_shown(w, c) && violates(c, rule)) {
            worst = worst == NULL || c->verdict > worst->verdict ? c : worst;
            count += 1;
        }
    }
    if (worst != NULL) {
        write_result(w, worst, rule, rule_index, level, count);
    }
}

static void write_stale(const struct writer *w)
{
    for (const struct result_pair *p = w->results->run.stale_first; p != NULL; p = p->next) {
        struct text text = { 0 };
        text_printf(&text, "stale expectation %s: %s", p->name, p->value);
        json_write_open(w->out, NULL, '{');
        json_write_text(w->out, "ruleId", k_stale_rule);
        json_write_number(w->out, "ruleIndex", w->spec_count + 1u);
        json_write_text(w->out, "level", "error");
        message(w->out, "message", text_chars(&text));
        write_fingerprint(w->out, k_stale_rule, p->name);
        json_write_close(w->out, '}');
        w->out->failed = w->out->failed || text.failed;
        text_fini(&text);
    }
}

static void write_results(const struct writer *w)
{
    json_write_open(w->out, "results", '[');
    for (uint32_t i = 0; i < w->spec_count; i++) {
        write_violation(w, w->specs[i].id, i, w->specs[i].level);
    }
    for (const struct result_case *c = w->results->case_first; c != NULL; c = c->next) {
        if (is_shown(w, c) && c->spec_first == NULL) {
            write_result(w, c, NULL, w->spec_count, c->grade, 1);
        }
    }
    write_stale(w);
    json_write_close(w->out, ']');
}

void report_sarif(struct text *out, const struct results *results)
{
    struct results_spec *specs = NULL;
    struct writer w = { .out = out, .results = results };
    struct text category = { 0 };
    if (!results_specs(results, &specs, &w.spec_count)) {
        out->failed = true;
        return;
    }
    w.specs = specs;
    text_printf(&category, "amtlab/%s/",
                results->run.target[0] == '\0' ? "built in" : results->run.target);
    json_write_open(out, NULL, '{');
    json_write_text(out, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    json_write_text(out, "version", "2.1.0");
    json_write_open(out, "runs", '[');
    json_write_open(out, NULL, '{');
    json_write_open(out, "tool", '{');
    json_write_open(out, "driver", '{');
    json_write_text(out, "name", "amtlab");
    json_write_text(out, "version", results->run.version);
    write_rules(&w);
    json_write_close(out, '}');
    json_write_close(out, '}');
    json_write_open(out, "automationDetails", '{');
    json_write_text(out, "id", text_chars(&category));
    json_write_close(out, '}');
    json_write_text(out, "columnKind", "unicodeCodePoints");
    write_results(&w);
    json_write_close(out, '}');
    json_write_close(out, ']');
    json_write_close(out, '}');
    text_puts(out, "\n");
    out->failed = out->failed || category.failed;
    text_fini(&category);
    amt_free(specs);
}
