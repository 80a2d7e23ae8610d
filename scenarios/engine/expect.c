/* The verb `expect` (harness.md 6.6). */
#include <string.h>

#include "scenarios/engine/match.h"
#include "scenarios/engine/outcome.h"
#include "scenarios/engine/record.h"
#include "scenarios/engine/target.h"
#include "scenarios/engine/verb.h"

#define SEEN_MAX 8u

/* One thing that would do. */
struct wish {
    const struct value *value; /* as written: msg, event or closed, fields, grade */
    const struct value *message, *event, *closed;
    bool is_met;
};

struct expectation {
    struct wish *wishes; /* in the case's pool */
    uint32_t wish_count;
    bool needs_all;                 /* all_of; otherwise any one */
    bool is_eventual;               /* mode: eventually */
    const struct value *none;       /* a message that must not come, "*" for any */
    const struct item *none_from;   /* last item before the step; NULL: from the beginning */
    const struct item *none_cursor; /* wires: first item that no step has taken; NULL: none */
    uint64_t none_until_us;         /* case time */
    uint32_t count_left;
    const struct item *seen[SEEN_MAX]; /* passed over */
    uint32_t seen_count;
    const struct value *later; /* outcome: the stages behind this one; NULL */
};

/* "" for what is not a text */
static const char *word(const struct value *value)
{
    return value == NULL || value->kind != VALUE_TEXT ? "" : value->text;
}

/* Keys of an expectation that are not fields of the message or event. */
static bool is_field(const char *key)
{
    static const char *const k_keys[] = { "msg",  "event", "closed", "none",     "for",
                                          "mode", "count", "save",   "at_least", "between",
                                          "note", "grade", "any_of", "all_of",   "outcome" };
    for (size_t i = 0; i < sizeof k_keys / sizeof k_keys[0]; i++) {
        if (strcmp(k_keys[i], key) == 0) {
            return false;
        }
    }
    return true;
}

static void add_wish(struct expectation *e, const struct value *value)
{
    e->wishes[e->wish_count++] = (struct wish){ .value = value,
                                                .message = value_get(value, "msg"),
                                                .event = value_get(value, "event"),
                                                .closed = value_get(value, "closed") };
}

/* What a field is called in the message: harness.md has short names for some. */
static const struct value *field_of(const struct item *item, const char *key)
{
    const struct value *value = value_path(item->fields, key);
    if (value == NULL && strcmp(key, "window") == 0) {
        value = value_get(item->fields, "initial_window");
    }
    return value;
}

/* A failure of activation goes by its code (ACT-F-07) or by its word (root_not_trusted). */
static bool fits_reason(const struct value *wanted, const struct item *item)
{
    const struct value *reason = value_get(item->fields, "reason");
    return strcmp(wanted->key, "code") == 0 && reason != NULL && match(wanted, reason, NULL);
}

static bool fields_fit(const struct value *wanted, const struct item *item, struct text *why,
                       const char **field)
{
    for (const struct value *at = wanted->first; at != NULL; at = at->next) {
        if (!is_field(at->key)) {
            continue;
        }
        struct text reason = { 0 };
        if (!match(at, field_of(item, at->key), &reason) && !fits_reason(at, item)) {
            text_printf(why, "%s %s", at->key, text_chars(&reason));
            *field = at->key;
            text_fini(&reason);
            return false;
        }
        text_fini(&reason);
    }
    return true;
}

static bool closed_fits(const struct value *wanted, const struct item *item, struct text *why)
{
    const struct value *by = value_get(wanted, "by"), *how = value_get(wanted, "how"),
                       *alert = value_get(wanted, "alert");
    if (by != NULL && strcmp(word(by), "any") != 0 && strcmp(word(by), item->by) != 0) {
        text_printf(why, "closed by %s, wanted by %s", item->by, word(by));
        return false;
    }
    if (how != NULL && strcmp(word(how), "any") != 0 && strcmp(word(how), item->how) != 0) {
        text_printf(why, "closed by %s, wanted %s", item->how, word(how));
        return false;
    }
    struct value number = { .kind = VALUE_INT, .number = item->alert };
    return alert == NULL || match(alert, item->alert < 0 ? NULL : &number, why);
}

/* Does the item fulfil the wish? why and field describe a near miss. */
static bool fits(const struct wish *wish, const struct item *item, struct text *why,
                 const char **field)
{
    if (item->kind == ITEM_CLOSED) {
        return wish->closed != NULL && closed_fits(wish->closed, item, why);
    }
    const struct value *name = item->kind == ITEM_MESSAGE ? wish->message : wish->event;
    return name != NULL && strcmp(word(name), item->name) == 0 &&
           fields_fit(wish->value, item, why, field);
}

static bool is_ignored(const struct case_run *run, const struct item *item)
{
    for (const struct scenario_word *word = run->scenario->ignored; word != NULL;
         word = word->next) {
        if (strcmp(word->text, item->name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *describe_item(struct case_run *run, const struct item *item)
{
    char at[24];
    text_format_duration(item->at_us, at);
    if (item->kind == ITEM_CLOSED) {
        return pool_printf(&run->pool, "closed by %s (%s) at %s%s%s", item->by, item->how, at,
                           item->text[0] == '\0' ? "" : ": ", item->text);
    }
    return pool_printf(&run->pool, "%s at %s", item->text, at);
}

static const char *describe_wishes(struct case_run *run, const struct expectation *e)
{
    struct text out = { 0 };
    for (uint32_t i = 0; i < e->wish_count; i++) {
        const struct wish *wish = &e->wishes[i];
        if (wish->is_met) {
            continue;
        }
        const struct value *name = wish->message != NULL ? wish->message : wish->event;
        text_puts(&out, out.len == 0 ? "" : e->needs_all ? " and " : " or ");
        if (name != NULL) {
            text_puts(&out, word(name));
        } else {
            text_puts(&out, "closed ");
            value_print(wish->closed, &out);
        }
        for (const struct value *at = wish->value->first; at != NULL; at = at->next) {
            if (is_field(at->key)) {
                text_printf(&out, " %s=", at->key);
                match_describe(at, &out);
            }
        }
    }
    return pool_take(&run->pool, &out);
}

static enum step_state fail_at(struct strand *strand, const struct expectation *e,
                               const struct item *item, const char *kind, const char *message,
                               const char *field)
{
    struct case_run *run = strand->run;
    strand->step.failure =
        (struct failure){ .expected = describe_wishes(run, e),
                          .actual = item == NULL ? NULL : describe_item(run, item),
                          .field = field,
                          .item = item };
    return step_fail(strand, kind, "%s", message);
}

/* Text of the nearest miss: the alternative of the same name whose fields differ. */
static enum step_state fail_mismatch(struct strand *strand, const struct expectation *e,
                                     const struct item *item)
{
    const char *field = NULL;
    struct text why = { 0 };
    for (uint32_t i = 0; i < e->wish_count && why.len == 0; i++) {
        (void)fits(&e->wishes[i], item, &why, &field);
    }
    const char *reason = pool_take(&strand->run->pool, &why);
    if (item->kind == ITEM_CLOSED) {
        return fail_at(strand, e, item, "closed",
                       reason[0] != '\0' ? reason
                                         : "the connection was closed while an answer was expected",
                       NULL);
    }
    return fail_at(strand, e, item, "mismatch",
                   reason[0] != '\0'
                       ? pool_printf(&strand->run->pool, "%s: %s", item->name, reason)
                       : pool_printf(&strand->run->pool, "%s came instead", item->name),
                   field);
}

static bool is_any_wish_for(const struct expectation *e, bool for_events)
{
    for (uint32_t i = 0; i < e->wish_count; i++) {
        if (!e->wishes[i].is_met && (e->wishes[i].event != NULL) == for_events) {
            return true;
        }
    }
    return false;
}

static struct wish *wish_for(struct expectation *e, const struct item *item)
{
    for (uint32_t i = 0; i < e->wish_count; i++) {
        const char *field = NULL;
        struct text why = { 0 };
        bool is_fit = !e->wishes[i].is_met && fits(&e->wishes[i], item, &why, &field);
        text_fini(&why);
        if (is_fit) {
            return &e->wishes[i];
        }
    }
    return NULL;
}

static void save(struct strand *strand, const struct wish *wish, const struct item *item)
{
    struct arena *pool = &strand->run->pool;
    const struct value *names = value_get(wish->value, "save");
    if (names == NULL) {
        names = value_get(strand->step.arguments, "save");
    }
    for (const struct value *at = names == NULL ? NULL : names->first; at != NULL; at = at->next) {
        const struct value *value = at->kind == VALUE_TEXT ? field_of(item, at->text) : NULL;
        if (value != NULL) {
            value_put(pool, strand->run->variables, at->key, value_copy(pool, value));
        }
    }
    if (item->fields != NULL) {
        strand->step.outcome = item->fields;
    }
}

/* A hit: true when the expectation is fulfilled by it. */
static bool take(struct strand *strand, struct expectation *e, struct wish *wish,
                 const struct item *item)
{
    save(strand, wish, item);
    if (e->needs_all) {
        wish->is_met = true;
        return !is_any_wish_for(e, true) && !is_any_wish_for(e, false);
    }
    return --e->count_left == 0;
}

/* An alternative below `must` that was the one to fit: the step fails with that grade. */
static enum step_state finish(struct strand *strand, const struct wish *wish,
                              const struct item *item)
{
    const struct value *grade = value_get(wish->value, "grade");
    const struct value *note = value_get(wish->value, "note");
    enum result_level level = RESULT_MUST;
    if (grade == NULL || wish->value == strand->step.arguments ||
        !result_level_parse(word(grade), &level) || level == RESULT_MUST) {
        return STEP_DONE;
    }
    strand->step.grade = level;
    strand->step.failure.actual = describe_item(strand->run, item);
    strand->step.failure.caret = "a better alternative was hoped for";
    return step_fail(strand, "alternative", "%s",
                     note == NULL ? "only a weaker alternative was met" : word(note));
}

/* Of the target that is the slowest by its own account. */
static uint64_t tolerance_us(const struct case_run *run)
{
    uint64_t us = 50u * (uint64_t)US_PER_MS;
    for (const struct engine_target *at = run->options->targets; at != NULL; at = at->next) {
        us = at->file != NULL && at->file->tolerance_us > us ? at->file->tolerance_us : us;
    }
    return us;
}

static enum step_state check_time(struct strand *strand)
{
    const struct step *step = &strand->step;
    uint64_t took_us = case_now_us(strand->run) - step->started_us;
    uint64_t least_us = step_duration(strand, "at_least", 0), most_us = UINT64_MAX;
    const struct value *between = step_argument(strand, "between");
    if (between != NULL && between->count == 2) {
        int64_t least = 0, most = 0;
        if (!value_number(value_at(between, 0), &least) ||
            !value_number(value_at(between, 1), &most) || least < 0 || most < least) {
            return step_fail(strand, "setup", "between wants two durations: [2s, 3s]");
        }
        least_us = (uint64_t)least;
        most_us = (uint64_t)most;
    }
    /* real time: the scheduler's and the network's share (harness.md 6.7) */
    uint64_t slack_us =
        loop_is_virtual(strand->run->loop) ? 0 : tolerance_us(strand->run) + took_us / 10;
    if (took_us + slack_us >= least_us &&
        (most_us == UINT64_MAX || took_us <= most_us + slack_us)) {
        return STEP_DONE;
    }
    char took[24];
    text_format_duration(took_us, took);
    return step_fail(strand, "timing", "it came after %s, which is too %s", took,
                     took_us < least_us ? "early" : "late");
}

static enum step_state hit(struct strand *strand, struct expectation *e, struct wish *wish,
                           const struct item *item, bool *is_over)
{
    *is_over = take(strand, e, wish, item);
    if (!*is_over) {
        return STEP_WAITS;
    }
    enum step_state state = check_time(strand);
    return state == STEP_DONE ? finish(strand, wish, item) : state;
}

/* Goes on from where message expectations of this actor stopped. */
static enum step_state look_at_messages(struct strand *strand, struct expectation *e)
{
    struct actor *actor = strand->step.actor;
    while (actor->cursor != NULL) {
        struct item *item = actor->cursor;
        if (item->kind == ITEM_EVENT || item->is_out ||
            (item->kind == ITEM_MESSAGE && is_ignored(strand->run, item) &&
             wish_for(e, item) == NULL)) {
            actor->cursor = item->next;
            continue;
        }
        struct wish *wish = wish_for(e, item);
        bool is_over = false;
        if (wish == NULL && e->is_eventual && item->kind == ITEM_MESSAGE) {
            e->seen[e->seen_count++ % SEEN_MAX] = item;
            actor->cursor = item->next;
            continue;
        }
        actor->cursor = item->next;
        if (wish == NULL) {
            return fail_mismatch(strand, e, item);
        }
        enum step_state state = hit(strand, e, wish, item, &is_over);
        if (is_over) {
            return state;
        }
    }
    return STEP_WAITS;
}

/* What happened to one device before the event is history: later expectations start behind it. */
static void use_up_to(struct actor *actor, const struct item *last)
{
    const struct value *uuid = value_get(last->fields, "uuid");
    for (struct item *at = actor->items; at != NULL; at = at->next) {
        if (at->kind == ITEM_EVENT) {
            const struct value *other = value_get(at->fields, "uuid");
            bool is_same = (uuid == NULL && other == NULL) ||
                           (uuid != NULL && other != NULL && value_equal(uuid, other));
            at->is_used = at->is_used || is_same;
        }
        if (at == last) {
            break;
        }
    }
}

static enum step_state look_at_events(struct strand *strand, struct expectation *e)
{
    struct actor *actor = strand->step.actor;
    for (struct item *at = actor->items; at != NULL; at = at->next) {
        if (at->kind != ITEM_EVENT || at->is_used) {
            continue;
        }
        struct wish *wish = wish_for(e, at);
        if (wish == NULL) {
            continue;
        }
        bool is_over = false;
        use_up_to(actor, at);
        enum step_state state = hit(strand, e, wish, at, &is_over);
        if (is_over) {
            return state;
        }
    }
    return STEP_WAITS;
}

static bool is_unwanted(const struct expectation *e, const struct item *item)
{
    if (item->kind == ITEM_EVENT) {
        return strcmp(word(e->none), item->name) == 0;
    }
    if (item->kind != ITEM_MESSAGE || item->is_out) {
        return false;
    }
    return strcmp(word(e->none), "*") == 0 || strcmp(word(e->none), item->name) == 0;
}

static enum step_state look_for_none(struct strand *strand, struct expectation *e)
{
    struct actor *actor = strand->step.actor;
    const struct item *at = e->none_from == NULL ? actor->items : e->none_from->next;
    if (actor->kind->role == ACTOR_WIRE && e->none_cursor != NULL) {
        at = e->none_cursor; /* what came before the step and no step has looked at */
    }
    for (; at != NULL; at = at->next) {
        const char *field = NULL;
        struct text why = { 0 };
        bool is_it = is_unwanted(e, at) && !is_ignored(strand->run, at) &&
                     fields_fit(strand->step.arguments, at, &why, &field);
        text_fini(&why);
        if (is_it) {
            strand->step.failure = (struct failure){ .expected = "nothing",
                                                     .actual = describe_item(strand->run, at),
                                                     .item = at };
            return step_fail(strand, "unwanted", "%s came although none was expected", at->name);
        }
    }
    bool is_over = case_now_us(strand->run) >= e->none_until_us;
    return is_over ? STEP_DONE : STEP_WAITS;
}

/* Events that came while one was waited for, those of the wanted name with what did not fit. */
static void add_other_events(struct strand *strand, const struct expectation *e, struct text *out)
{
    uint32_t shown = 0;
    for (const struct item *at = strand->step.actor->items; at != NULL && shown < SEEN_MAX;
         at = at->next) {
        bool is_recent = at->at_us >= strand->step.started_us;
        for (uint32_t i = 0; at->kind == ITEM_EVENT && !at->is_used && i < e->wish_count; i++) {
            const struct value *name = e->wishes[i].event;
            bool is_namesake = name != NULL && strcmp(word(name), at->name) == 0;
            if (name == NULL || (!is_recent && !is_namesake)) {
                continue;
            }
            const char *field = NULL;
            struct text why = { 0 };
            (void)fits(&e->wishes[i], at, &why, &field);
            text_printf(out, "%s%s%s%s", out->len == 0 ? "" : "\n", describe_item(strand->run, at),
                        why.len == 0 ? "" : ": ", text_chars(&why));
            text_fini(&why);
            shown++;
        }
    }
}

static enum step_state fail_late(struct strand *strand, const struct expectation *e)
{
    char within[24];
    text_format_duration(strand->step.within_us, within);
    struct case_run *run = strand->run;
    enum step_state state =
        fail_at(strand, e, NULL, "timeout",
                pool_printf(&run->pool, "it did not come within %s", within), NULL);
    struct text seen = { 0 };
    uint32_t first = e->seen_count > SEEN_MAX ? e->seen_count - SEEN_MAX : 0;
    for (uint32_t i = first; i < e->seen_count; i++) {
        text_printf(&seen, "%s%s", seen.len == 0 ? "" : "\n",
                    describe_item(run, e->seen[i % SEEN_MAX]));
    }
    if (seen.len > 0) {
        text_printf(&seen, "\n(%u other messages came)", e->seen_count);
    }
    add_other_events(strand, e, &seen);
    if (seen.len == 0) {
        text_puts(&seen, "nothing");
    }
    strand->step.failure.actual = pool_take(&run->pool, &seen);
    return state;
}

/* What the arguments of the step say now. */
static void begin(struct strand *strand, struct expectation *e)
{
    struct step *step = &strand->step;
    const struct value *later = e->later;
    const struct value *any_of = step_argument(strand, "any_of"),
                       *all_of = step_argument(strand, "all_of"),
                       *mode = step_argument(strand, "mode");
    const struct value *list = any_of != NULL ? any_of : all_of;
    *e = (struct expectation){ .later = later };
    e->wishes = pool_alloc(&strand->run->pool,
                           ((list == NULL ? 0 : (size_t)list->count) + 1) * sizeof *e->wishes);
    for (const struct value *at = list == NULL ? NULL : list->first; at != NULL; at = at->next) {
        add_wish(e, at);
    }
    e->none = step_argument(strand, "none");
    e->none_from = step->actor->last_item;
    e->none_cursor = step->actor->cursor;
    e->none_until_us = case_now_us(strand->run) + step_duration(strand, "for", step->within_us);
    if (list == NULL && e->none == NULL) {
        add_wish(e, step->arguments);
    }
    e->needs_all = all_of != NULL;
    e->is_eventual = e->needs_all || (mode != NULL && strcmp(word(mode), "eventually") == 0);
    e->count_left = (uint32_t)step_number(strand, "count", 1);
    if (e->none != NULL) {
        step_wake_at(strand, e->none_until_us);
    }
}

/* Stages of an outcome stand in the step's place of arguments, one after the other. */
static void begin_stage(struct strand *strand, struct expectation *e, const struct value *stage)
{
    e->later = stage->next;
    strand->step.arguments = value_copy(&strand->run->pool, stage);
    begin(strand, e);
}

enum step_state verb_expect_start(struct strand *strand)
{
    struct expectation *e = pool_alloc(&strand->run->pool, sizeof *e);
    const char *outcome = step_text(strand, "outcome", NULL), *why = NULL;
    strand->step.state = e;
    if (outcome == NULL) {
        begin(strand, e);
        return verb_expect_poll(strand);
    }
    struct value *stages = outcome_stages(strand->run, outcome, &why);
    if (stages == NULL || stages->first == NULL) {
        return step_fail(strand, "setup", "outcome: %s", why == NULL ? "it has no stage" : why);
    }
    begin_stage(strand, e, stages->first);
    return verb_expect_poll(strand);
}

static enum step_state look(struct strand *strand, struct expectation *e)
{
    if (e->none != NULL) {
        return look_for_none(strand, e);
    }
    enum step_state state = STEP_WAITS;
    if (is_any_wish_for(e, false)) {
        state = look_at_messages(strand, e);
    }
    if (state == STEP_WAITS && is_any_wish_for(e, true)) {
        state = look_at_events(strand, e);
    }
    return state == STEP_WAITS && step_is_late(strand) ? fail_late(strand, e) : state;
}

enum step_state verb_expect_poll(struct strand *strand)
{
    struct expectation *e = strand->step.state;
    enum step_state state = look(strand, e);
    while (state == STEP_DONE && e->later != NULL) {
        begin_stage(strand, e, e->later);
        state = look(strand, e);
    }
    return state;
}
