/* Binding of faults, their conditions, and the way of bytes through them. */
#include "scenarios/engine/fault.h"

#include <string.h>

#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/defect.h"
#include "scenarios/engine/match.h"
#include "scenarios/engine/quantity.h"
#include "scenarios/engine/record.h"

uint32_t fault_layer_parse(const char *word, size_t len)
{
    static const struct layer_word {
        const char *word;
        uint32_t layer;
    } k_layers[] = { { "tcp", FAULT_LAYER_TCP },    { "tls", FAULT_LAYER_TLS },
                     { "apf", FAULT_LAYER_APF },    { "chan", FAULT_LAYER_LATER },
                     { "http", FAULT_LAYER_HTTP },  { "wsman", FAULT_LAYER_WSMAN },
                     { "redir", FAULT_LAYER_LATER } };
    for (size_t i = 0; i < sizeof k_layers / sizeof k_layers[0]; i++) {
        if (strlen(k_layers[i].word) == len && strncmp(k_layers[i].word, word, len) == 0) {
            return k_layers[i].layer;
        }
    }
    return 0;
}

const struct value *fault_argument(const struct fault *fault, const char *name)
{
    return value_get(fault->arguments, name);
}

uint64_t fault_number(const struct fault *fault, const char *name, uint64_t fallback)
{
    const struct value *value = fault_argument(fault, name);
    int64_t number = 0;
    return value == NULL || !value_number(value, &number) ? fallback : (uint64_t)number;
}

/* "dev.tcp.out" */
static bool read_place(struct fault *fault, const char *at)
{
    const char *first = strchr(at, '.'), *last = strrchr(at, '.');
    if (first == NULL || first == last) {
        return false;
    }
    fault->at = at;
    fault->actor = pool_text(&fault->run->pool, at, (size_t)(first - at));
    fault->layer = fault_layer_parse(first + 1, (size_t)(last - first) - 1);
    fault->is_in = strcmp(last + 1, "out") != 0;
    fault->is_out = strcmp(last + 1, "in") != 0;
    return fault->layer != 0;
}

static bool read_action(struct fault *fault, const struct value *action)
{
    if (action == NULL || action->kind != VALUE_MAP || action->count != 1) {
        return false;
    }
    fault->verb = fault_verb_find(action->first->key);
    if (fault->verb == NULL) {
        return false;
    }
    struct value *arguments = value_map(&fault->run->pool);
    if (action->first->kind == VALUE_MAP) {
        fault->arguments = action->first;
    } else {
        if (fault->verb->main_argument != NULL) {
            value_put(&fault->run->pool, arguments, fault->verb->main_argument,
                      value_copy(&fault->run->pool, action->first));
        }
        fault->arguments = arguments;
    }
    return true;
}

/* NULL, or what evaluation gave that is of the wrong type: a default in its place would change what
 * the scenario proves. */
static const char *misfit(const struct fault *fault, const struct value *value)
{
    struct arena *pool = &fault->run->pool;
    const char *why = key_values_misfit(pool, k_fault_keys, value);
    if (why == NULL && fault->when != NULL) {
        why = key_values_misfit(pool, k_condition_keys, fault->when);
    }
    if (why == NULL && fault->verb->arguments != NULL) {
        why = key_values_misfit(pool, fault->verb->arguments, fault->arguments);
    }
    return why;
}

static bool bind(struct fault *fault, const struct value *value)
{
    const struct value *id = value_get(value, "id"), *at = value_get(value, "at"),
                       *armed = value_get(value, "armed"), *times = value_get(value, "times"),
                       *probability = value_get(value, "probability");
    int64_t count = 0;
    fault->id = id == NULL ? "" : id->text;
    fault->is_armed = armed == NULL || expr_holds(armed);
    fault->times_left = times != NULL && value_number(times, &count) ? (uint32_t)count : UINT32_MAX;
    fault->probability_ppm = 1000000;
    if (probability != NULL) {
        (void)quantity_chance(value_written(&fault->run->pool, probability),
                              &fault->probability_ppm);
    }
    fault->when = value_get(value, "when");
    return at != NULL && at->kind == VALUE_TEXT && read_place(fault, at->text) &&
           read_action(fault, value_get(value, "do"));
}

static enum amt_err start_fault(struct case_run *run, const struct yaml_node *node,
                                const char *path, struct amt_diag *diag)
{
    const char *why = "a fault needs 'at: actor.layer.direction' and one verb in 'do'";
    struct fault **end = &run->faults;
    run->path = path;
    struct value *value = case_evaluate(run, node, &why);
    struct fault *fault = pool_alloc(&run->pool, sizeof *fault);
    fault->run = run;
    fault->path = path;
    bool is_bound = value != NULL && bind(fault, value);
    const char *wrong = is_bound ? misfit(fault, value) : NULL;
    why = wrong != NULL ? wrong : why;
    if (!is_bound || wrong != NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "fault: %s", why);
        amt_diag_at(diag, path, node->line, node->column);
        return AMT_ECONFIG;
    }
    case_random(run, &fault->random, pool_printf(&run->pool, "fault %s %s", fault->at, fault->id));
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = fault;
    return AMT_OK;
}

enum amt_err faults_start(struct case_run *run, struct amt_diag *diag)
{
    const struct yaml_node *further = defect_part(run->defect, "faults");
    for (const struct scenario_part *part = run->scenario->faults; part != NULL;
         part = part->next) {
        TRY(start_fault(run, part->node, part->path, diag));
    }
    for (const struct yaml_node *at = further == NULL ? NULL : further->first; at != NULL;
         at = at->next) {
        TRY(start_fault(run, at, run->scenario->path, diag));
    }
    return AMT_OK;
}

bool fault_switch(struct case_run *run, const char *id, bool is_armed)
{
    bool is_known = false;
    for (struct fault *fault = run->faults; fault != NULL; fault = fault->next) {
        if (strcmp(fault->id, id) == 0) {
            is_known = true;
            fault->is_armed = is_armed;
            fault->armed_us = case_now_us(run);
        }
    }
    for (struct actor *actor = run->actors; actor != NULL && is_known; actor = actor->next) {
        for (struct filter *filter = actor->filters; filter != NULL; filter = filter->next) {
            fault_release(&filter->in);
            fault_release(&filter->out);
        }
    }
    return is_known;
}

struct value *faults_show(struct case_run *run)
{
    struct value *map = value_map(&run->pool);
    for (const struct fault *fault = run->faults; fault != NULL; fault = fault->next) {
        struct value *entry = value_map(&run->pool);
        value_put(&run->pool, entry, "acted", value_int(&run->pool, (int64_t)fault->applied));
        value_put(&run->pool, entry, "is_armed", value_bool(&run->pool, fault->is_armed));
        if (fault->id[0] != '\0') {
            value_put(&run->pool, map, fault->id, entry);
        }
    }
    return map;
}

static bool is_bound(const struct fault *fault, const struct lane *lane)
{
    uint32_t layer = lane->filter->layer == STREAM_LAYER_TCP ? FAULT_LAYER_TCP : FAULT_LAYER_APF;
    return fault->layer == layer && (lane->is_out ? fault->is_out : fault->is_in) &&
           strcmp(fault->actor, lane->filter->actor->name) == 0;
}

/* Messages of both directions are followed when a fault asks for them in one: whether a reply can be
 * decoded hangs on the request. */
bool faults_at(const struct lane *lane)
{
    bool is_apf = lane->filter->layer == STREAM_LAYER_APF;
    for (const struct fault *fault = lane->filter->actor->run->faults; fault != NULL;
         fault = fault->next) {
        if (is_bound(fault, lane) || (is_apf && (is_bound(fault, &lane->filter->in) ||
                                                 is_bound(fault, &lane->filter->out)))) {
            return true;
        }
    }
    return false;
}

struct fault *fault_find(struct case_run *run, const char *actor, uint32_t layer, const char *verb)
{
    for (struct fault *fault = run->faults; fault != NULL; fault = fault->next) {
        if (fault->layer == layer && fault->is_armed && strcmp(fault->actor, actor) == 0 &&
            strcmp(fault->verb->name, verb) == 0) {
            return fault;
        }
    }
    return NULL;
}

void fault_acted(struct fault *fault, const char *text)
{
    fault->applied++;
    if (fault->times_left != UINT32_MAX) {
        fault->times_left--;
    }
    if (fault->applied <= FAULT_RECORDS_MAX) {
        record_fault(fault->run, fault->id, fault->at, fault->verb->name, text);
    }
}

bool faults_swallow_end(const struct lane *lane)
{
    for (const struct fault *fault = lane->filter->actor->run->faults; fault != NULL;
         fault = fault->next) {
        if (is_bound(fault, lane) && fault->is_armed && fault->when == NULL &&
            fault->times_left > 0 && fault->verb->apply == fault_blackhole) {
            return true;
        }
    }
    return false;
}

enum fault_open faults_at_open(struct filter *filter)
{
    for (struct fault *fault = filter->actor->run->faults; fault != NULL; fault = fault->next) {
        if (!fault->is_armed || fault->times_left == 0 ||
            !(is_bound(fault, &filter->in) || is_bound(fault, &filter->out))) {
            continue;
        }
        if (strcmp(fault->verb->name, "refuse") == 0) {
            fault_acted(fault, "refused the connection");
            return FAULT_OPEN_REFUSED;
        }
        if (fault->verb->apply == fault_blackhole && fault->when == NULL) {
            fault_acted(fault, "swallowed the connection request");
            return FAULT_OPEN_VANISHED;
        }
    }
    return FAULT_OPEN_PASSES;
}

/* msg and fields of the message */
static bool message_fits(const struct fault *fault, const struct unit *unit)
{
    const struct value *msg = value_get(fault->when, "msg");
    struct arena *pool = &fault->run->pool;
    const struct value *fields = NULL;
    if (msg != NULL && (!unit->is_message || apf_value_type(msg->text) != unit->message.type)) {
        return false;
    }
    for (const struct value *at = fault->when->first; at != NULL; at = at->next) {
        if (key_find(k_condition_keys, at->key) != NULL) {
            continue;
        }
        if (!unit->is_message) {
            return false;
        }
        fields = fields == NULL ? apf_value_fields(pool, &unit->message, unit->bytes) : fields;
        if (!match(at, value_get(fields, at->key), NULL)) {
            return false;
        }
    }
    return true;
}

bool fault_is_due(struct fault *fault)
{
    const struct value *after = value_get(fault->when, "after"),
                       *nth = value_get(fault->when, "nth"),
                       *every = value_get(fault->when, "every");
    int64_t number = 0;
    fault->matched++;
    if ((nth != NULL && value_number(nth, &number) && fault->matched != (uint64_t)number) ||
        (every != NULL && value_number(every, &number) && number > 0 &&
         fault->matched % (uint64_t)number != 0) ||
        (after != NULL && value_number(after, &number) &&
         case_now_us(fault->run) < fault->armed_us + (uint64_t)number)) {
        return false;
    }
    return fault->probability_ppm >= 1000000 ||
           amt_random_below(&fault->random, 1000000) < fault->probability_ppm;
}

static bool applies(struct fault *fault, const struct lane *lane, const struct unit *unit)
{
    const struct value *from_byte = value_get(fault->when, "from_byte");
    int64_t number = 0;
    if (fault->when != NULL && !message_fits(fault, unit)) {
        return false;
    }
    bool is_far_enough = from_byte == NULL || !value_number(from_byte, &number) ||
                         lane->position_bytes + unit->len > (uint64_t)number;
    if (!is_far_enough) {
        fault->matched++;
        return false;
    }
    return fault_is_due(fault);
}

static void pass_unit(struct lane *lane, struct unit *unit)
{
    for (struct fault *fault = lane->filter->actor->run->faults; fault != NULL;
         fault = fault->next) {
        if (!is_bound(fault, lane) || !fault->is_armed || fault->times_left == 0 ||
            fault->verb->apply == NULL || !applies(fault, lane, unit)) {
            continue;
        }
        struct text text = { 0 };
        bool goes_on = fault->verb->apply(fault, lane, unit, &text);
        fault_acted(fault, text_chars(&text));
        text_fini(&text);
        if (!goes_on) {
            return;
        }
    }
    lane_push(lane, unit);
}

static void on_message(void *ctx, enum apf_direction direction, const struct apf_message *message,
                       const uint8_t *bytes, uint32_t len, const char *why)
{
    (void)direction;
    (void)why;
    struct unit *unit = unit_new(bytes, len);
    unit->is_message = message != NULL;
    if (message != NULL) {
        unit->message = *message;
    }
    pass_unit(ctx, unit);
}

void faults_pass(struct lane *lane, const uint8_t *bytes, uint32_t len)
{
    struct filter *filter = lane->filter;
    if (!faults_at(lane)) {
        lane_push(lane, unit_new(bytes, len));
    } else if (filter->layer == STREAM_LAYER_APF) {
        apf_flow_input(&filter->ruled, lane_direction(lane), bytes, len, on_message, lane);
    } else {
        pass_unit(lane, unit_new(bytes, len));
    }
}
