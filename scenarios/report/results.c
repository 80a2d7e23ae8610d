#include "scenarios/report/results.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* One of each, so that an element added to a spare one does not overwrite it. */
struct result_spares {
    struct result_case c;
    struct result_spec spec;
    struct result_step step;
    struct result_fault fault;
    struct result_event event;
    struct result_failure failure;
    struct result_wire wire;
    struct result_pair pair;
    struct result_source source;
};

/* Appends to a list with the members <list>_first and <list>_last, unless element is a spare one. */
#define APPEND(owner, list, element, spare)             \
    do {                                                \
        if ((element) != (spare)) {                     \
            if ((owner)->list##_last == NULL) {         \
                (owner)->list##_first = (element);      \
            } else {                                    \
                (owner)->list##_last->next = (element); \
            }                                           \
            (owner)->list##_last = (element);           \
        }                                               \
    } while (0)

struct results *results_new(void)
{
    struct results *results = amt_alloc(sizeof *results);
    struct result_spares *spares = amt_alloc(sizeof *spares);
    if (results == NULL || spares == NULL) {
        amt_free(results);
        amt_free(spares);
        return NULL;
    }
    results->spares = spares;
    results->run.version = "";
    results->run.id = "";
    results->run.started = "";
    results->run.target = "";
    return results;
}

void results_free(struct results *results)
{
    if (results != NULL) {
        arena_fini(&results->arena);
        amt_free(results->spares);
        amt_free(results);
    }
}

/* A zeroed element; after a failure always the zeroed spare. */
static void *make(struct results *results, size_t size, void *spare)
{
    void *element = results->failed ? NULL : arena_alloc(&results->arena, size);
    if (element == NULL) {
        results->failed = true;
        memset(spare, 0, size);
        element = spare;
    }
    return element;
}

const char *results_text_n(struct results *results, const char *text, size_t len)
{
    if (len == 0) {
        return "";
    }
    const char *copy = arena_text(&results->arena, text, len);
    if (copy == NULL) {
        results->failed = true;
        return "";
    }
    return copy;
}

const char *results_text(struct results *results, const char *text)
{
    return text == NULL ? "" : results_text_n(results, text, strlen(text));
}

const char *results_printf(struct results *results, const char *format, ...)
{
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    char *text = len < 0 ? NULL : arena_alloc(&results->arena, (size_t)len + 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    va_end(arguments);
    results->failed = results->failed || text == NULL;
    return text == NULL ? "" : text;
}

const uint8_t *results_bytes(struct results *results, const void *bytes, size_t len)
{
    if (len == 0) {
        return NULL;
    }
    uint8_t *copy = arena_alloc(&results->arena, len);
    if (copy == NULL) {
        results->failed = true;
        return NULL;
    }
    memcpy(copy, bytes, len);
    return copy;
}

struct result_case *results_add_case(struct results *results, const char *id)
{
    struct result_case *spare = &results->spares->c;
    struct result_case *c = make(results, sizeof *c, spare);
    c->id = results_text(results, id);
    c->name = "";
    c->summary = "";
    c->file = "";
    c->matrix = "";
    c->reason = "";
    c->link = "";
    c->trace = "";
    c->repro = "";
    c->attempts = 1;
    results->case_count += c != spare ? 1 : 0;
    APPEND(results, case, c, spare);
    return c;
}

struct result_spec *result_add_spec(struct results *results, struct result_case *c, const char *id,
                                    enum result_level level)
{
    struct result_spec *spare = &results->spares->spec;
    struct result_spec *spec = make(results, sizeof *spec, spare);
    spec->id = results_text(results, id);
    spec->level = level;
    spec->text = "";
    APPEND(c, spec, spec, spare);
    return spec;
}

struct result_step *result_add_step(struct results *results, struct result_case *c,
                                    const char *name)
{
    struct result_step *spare = &results->spares->step;
    struct result_step *step = make(results, sizeof *step, spare);
    step->n = c->step_last == NULL ? 1 : c->step_last->n + 1;
    step->name = results_text(results, name);
    step->actor = "";
    APPEND(c, step, step, spare);
    return step;
}

struct result_fault *result_add_fault(struct results *results, struct result_case *c,
                                      const char *at, const char *verb)
{
    struct result_fault *spare = &results->spares->fault;
    struct result_fault *fault = make(results, sizeof *fault, spare);
    fault->id = "";
    fault->at = results_text(results, at);
    fault->verb = results_text(results, verb);
    fault->text = "";
    APPEND(c, fault, fault, spare);
    return fault;
}

struct result_event *result_add_event(struct results *results, struct result_case *c,
                                      const char *from, const char *to, const char *layer,
                                      const char *name)
{
    struct result_event *spare = &results->spares->event;
    struct result_event *event = make(results, sizeof *event, spare);
    event->from = results_text(results, from);
    event->to = results_text(results, to);
    event->layer = results_text(results, layer);
    event->name = results_text(results, name);
    event->text = "";
    APPEND(c, event, event, spare);
    return event;
}

struct result_failure *result_set_failure(struct results *results, struct result_case *c,
                                          const char *kind, const char *message)
{
    struct result_failure *spare = &results->spares->failure;
    struct result_failure *failure = make(results, sizeof *failure, spare);
    failure->kind = results_text(results, kind);
    failure->message = results_text(results, message);
    failure->file = c->file;
    failure->line = c->line;
    failure->caret = "";
    failure->expected = "";
    failure->actual = "";
    failure->field = "";
    c->failure = failure == spare ? NULL : failure;
    return failure;
}

struct result_wire *result_add_wire(struct results *results, struct result_failure *failure,
                                    const char *from, const char *to, const void *bytes,
                                    uint32_t len)
{
    struct result_wire *spare = &results->spares->wire;
    struct result_wire *wire = make(results, sizeof *wire, spare);
    wire->from = results_text(results, from);
    wire->to = results_text(results, to);
    wire->bytes = results_bytes(results, bytes, len);
    wire->len = wire->bytes == NULL ? 0 : len;
    wire->mark = wire->len;
    wire->text = "";
    APPEND(failure, wire, wire, spare);
    return wire;
}

static struct result_pair *make_pair(struct results *results, const char *name, const char *value)
{
    struct result_pair *pair = make(results, sizeof *pair, &results->spares->pair);
    pair->name = results_text(results, name);
    pair->value = results_text(results, value);
    return pair;
}

void result_add_tag(struct results *results, struct result_case *c, const char *tag)
{
    struct result_pair *pair = make_pair(results, tag, "");
    APPEND(c, tag, pair, &results->spares->pair);
}

void result_add_metric(struct results *results, struct result_case *c, const char *name,
                       uint64_t value)
{
    struct result_pair *pair = make_pair(results, name, "");
    pair->value = results_printf(results, "%llu", (unsigned long long)value);
    APPEND(c, metric, pair, &results->spares->pair);
}

void results_add_option(struct results *results, const char *name, const char *value)
{
    struct result_pair *pair = make_pair(results, name, value);
    APPEND(&results->run, option, pair, &results->spares->pair);
}

void results_add_expectation(struct results *results, const char *pattern, const char *reason)
{
    struct result_pair *pair = make_pair(results, pattern, reason);
    APPEND(&results->run, expectation, pair, &results->spares->pair);
}

void results_add_stale(struct results *results, const char *pattern, const char *why)
{
    struct result_pair *pair = make_pair(results, pattern, why);
    APPEND(&results->run, stale, pair, &results->spares->pair);
}

void results_add_source(struct results *results, const char *path, const char *text)
{
    if (results_source(results, path) != NULL) {
        return;
    }
    struct result_source *spare = &results->spares->source;
    struct result_source *source = make(results, sizeof *source, spare);
    source->path = results_text(results, path);
    source->text = results_text(results, text);
    APPEND(results, source, source, spare);
}

const char *results_source(const struct results *results, const char *path)
{
    for (const struct result_source *s = results->source_first; s != NULL; s = s->next) {
        if (strcmp(s->path, path) == 0) {
            return s->text;
        }
    }
    return NULL;
}

const char *result_line_at(const char *text, uint32_t line, size_t *len)
{
    for (uint32_t i = 1; i < line && text != NULL; i++) {
        text = strchr(text, '\n');
        text = text == NULL ? NULL : text + 1;
    }
    if (line == 0 || text == NULL || *text == '\0') {
        return NULL;
    }
    *len = strcspn(text, "\r\n");
    return text;
}
