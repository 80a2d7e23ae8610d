#include "scenarios/engine/record.h"

#include <string.h>

#include "scenarios/engine/actor.h"
#include "scenarios/engine/match.h"
#include "scenarios/engine/verb.h"

#define WIRE_MESSAGES_MAX 6u
#define BYTES_KEPT_MAX    256u
#define EVENTS_MAX        2000u

/* The bytes of a message as reports may show them: a password is its last field, whatever its length;
 * other secrets may stand anywhere. */
static const uint8_t *shown_bytes(struct case_run *run, const struct item *item)
{
    const struct value *password = value_get(item->fields, "password");
    const uint8_t *bytes = item->bytes;
    if (password != NULL && password->len > 0 && password->len <= item->len) {
        uint8_t *copy = pool_alloc(&run->pool, item->len);
        memcpy(copy, item->bytes, item->len);
        memset(copy + (item->len - password->len), '*', password->len);
        bytes = copy;
    }
    return secrets_hide_bytes(&run->secrets, &run->pool, bytes, item->len);
}

static void add_last_messages(struct case_run *run, struct result_failure *failure,
                              const struct actor *actor)
{
    uint32_t count = 0;
    for (const struct item *at = actor->items; at != NULL; at = at->next) {
        count += at->kind == ITEM_MESSAGE ? 1 : 0;
    }
    uint32_t skipped = count > WIRE_MESSAGES_MAX ? count - WIRE_MESSAGES_MAX : 0;
    for (const struct item *at = actor->items; at != NULL; at = at->next) {
        if (at->kind != ITEM_MESSAGE || skipped > 0) {
            skipped -= at->kind == ITEM_MESSAGE ? 1 : 0;
            continue;
        }
        struct result_wire *wire =
            result_add_wire(run->results, failure, at->from, at->to, shown_bytes(run, at),
                            at->len < BYTES_KEPT_MAX ? at->len : BYTES_KEPT_MAX);
        wire->at_us = at->at_us;
        wire->mark = wire->len;
        wire->text = results_text(run->results, case_hide(run, at->text));
    }
}

static const char *caret_text(struct strand *strand)
{
    if (strand->step.failure.caret != NULL) {
        return strand->step.failure.caret;
    }
    char within[24];
    text_format_duration(strand->step.within_us, within);
    return pool_printf(&strand->run->pool, "wanted this within %s", within);
}

static void fill_failure(struct strand *strand, struct result_failure *out)
{
    struct case_run *run = strand->run;
    const struct step *step = &strand->step;
    const struct failure *failure = &step->failure;
    const struct yaml_node *node = failure->node != NULL     ? failure->node
                                   : step->verb_node != NULL ? step->verb_node
                                                             : step->node;
    out->step = step->result->n;
    out->at_us = case_now_us(run);
    out->file = results_text(run->results, run->path);
    out->line = node->key != NULL ? node->key_line : node->line;
    out->column = node->key != NULL ? node->key_column : node->column;
    out->caret = results_text(run->results, case_hide(run, caret_text(strand)));
    if (failure->expected != NULL) {
        out->expected = results_text(run->results, case_hide(run, failure->expected));
    }
    if (failure->actual != NULL) {
        out->actual = results_text(run->results, case_hide(run, failure->actual));
    }
    if (failure->field != NULL) {
        out->field = results_text(run->results, failure->field);
    }
    if (failure->item != NULL && failure->item->len > 0) {
        out->bytes_len = failure->item->len < BYTES_KEPT_MAX ? failure->item->len : BYTES_KEPT_MAX;
        out->bytes = results_bytes(run->results, shown_bytes(run, failure->item), out->bytes_len);
    }
    if (step->actor != NULL) {
        add_last_messages(run, out, step->actor);
    }
}

void record_failure(struct strand *strand)
{
    struct case_run *run = strand->run;
    const struct step *step = &strand->step;
    const char *kind = step->failure.kind == NULL ? "failed" : step->failure.kind;
    const char *message = step->failure.message == NULL ? "the step failed" : step->failure.message;
    /* A `must` failure takes the place of a weaker one seen before. */
    bool is_first = run->result->failure == NULL;
    if (is_first || (step->grade == RESULT_MUST && !run->has_failed && !run->has_error)) {
        if (is_first || run->has_graded_failure) {
            fill_failure(strand, result_set_failure(run->results, run->result, kind,
                                                    results_text(run->results, message)));
        }
    }
    if (strcmp(kind, "setup") == 0 || run->is_in_finally) {
        run->has_error = true;
        run->result->reason = results_text(run->results, message);
    }
    if (!run->has_graded_failure || step->grade < run->failed_grade) {
        run->failed_grade = step->grade;
    }
    run->has_graded_failure = true;
}

void record_step_specs(struct strand *strand, bool has_passed)
{
    struct case_run *run = strand->run;
    const struct yaml_node *list = yaml_get(strand->step.node, "spec");
    for (const struct yaml_node *at = list == NULL ? NULL : list->first; at != NULL;
         at = at->next) {
        const struct yaml_node *id = at->kind == YAML_MAP ? yaml_get(at, "id") : at;
        const struct yaml_node *level = at->kind == YAML_MAP ? yaml_get(at, "level") : NULL;
        enum result_level claimed = RESULT_MUST;
        if (level != NULL && level->kind == YAML_SCALAR) {
            (void)result_level_parse(level->text, &claimed); /* checked when loaded */
        }
        if (id != NULL && id->kind == YAML_SCALAR) {
            result_add_spec(run->results, run->result, id->text, claimed)->verdict =
                has_passed ? RESULT_PASSED : RESULT_FAILED;
        }
    }
}

void record_event(struct case_run *run, const struct item *item, const char *from, const char *to)
{
    bool is_message = item->kind == ITEM_MESSAGE;
    if (run->result->event_last != NULL && run->event_count >= EVENTS_MAX) {
        return; /* the beginning is what explains; counted in the metrics */
    }
    run->event_count++;
    const char *dot = strchr(item->name, '.');
    struct result_event *event =
        result_add_event(run->results, run->result, from, to, is_message ? "apf" : "event",
                         is_message && dot != NULL ? dot + 1 : item->name);
    event->at_us = item->at_us;
    event->size_bytes = item->len;
    event->text = results_text(run->results, case_hide(run, item->text));
    event->step = run->step_count;
    if (is_message) {
        event->len = item->len < BYTES_KEPT_MAX ? item->len : BYTES_KEPT_MAX;
        event->bytes = results_bytes(run->results, shown_bytes(run, item), event->len);
    }
}

void record_fault(struct case_run *run, const char *id, const char *at, const char *verb,
                  const char *text)
{
    struct result_fault *fault = result_add_fault(run->results, run->result, at, verb);
    fault->at_us = case_now_us(run);
    fault->id = results_text(run->results, id);
    fault->text = results_text(run->results, text);
}

/* A path into an actor that is not ours. */
static bool is_of_target(const struct case_run *run, const char *path)
{
    for (const struct actor *actor = run->actors; actor != NULL; actor = actor->next) {
        size_t len = strlen(actor->name);
        if (actor->is_external && strncmp(path, actor->name, len) == 0 && path[len] == '.') {
            return true;
        }
    }
    return false;
}

bool check_values(struct strand *strand, const struct value *matchers)
{
    struct case_run *run = strand->run;
    strand->step.is_skipped = matchers->count > 0;
    for (const struct value *at = matchers->first; at != NULL; at = at->next) {
        struct amt_diag diag = { 0 };
        if (is_of_target(run, at->key)) {
            run->has_unseen = true;
            continue;
        }
        strand->step.is_skipped = false;
        const struct value *actual = case_find(run, at->key, &diag);
        struct text why = { 0 };
        if (match(at, actual, &why)) {
            text_fini(&why);
            continue;
        }
        const char *reason = pool_take(&run->pool, &why);
        struct text expected = { 0 };
        match_describe(at, &expected);
        strand->step.failure = (struct failure){
            .node = at->place,
            .caret = "checked here",
            .expected = pool_take(&run->pool, &expected),
            .actual = actual == NULL
                          ? diag.text[0] == '\0' ? "not there" : pool_strdup(&run->pool, diag.text)
                          : value_show(&run->pool, actual),
            .field = at->key,
        };
        (void)step_fail(strand, "check", "%s %s", at->key, reason);
        return false;
    }
    return true;
}
