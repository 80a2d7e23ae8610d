/* results.json back into the tree, so that any report can be made later. */
#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/report.h"

#define SCHEMA_VERSION 1

struct reader {
    struct results *results;
};

static const char *text_of(struct reader *reader, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return results_text_n(reader->results, json_is_string(value) ? json_string_value(value) : "",
                          json_is_string(value) ? json_string_length(value) : 0);
}

/* 0 for what is not there or negative. */
static uint64_t number_of(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

static uint32_t small_number_of(const json_t *object, const char *name)
{
    uint64_t value = number_of(object, name);
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static bool bool_of(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static const uint8_t *bytes_of(struct reader *reader, const json_t *object, const char *name,
                               uint32_t *len)
{
    const char *hex = json_string_value(json_object_get(object, name));
    size_t cap = hex == NULL ? 0 : strlen(hex) / 2;
    uint8_t *bytes = cap == 0 ? NULL : arena_alloc(&reader->results->arena, cap);
    size_t count = 0;
    *len = 0;
    if (bytes == NULL) {
        reader->results->failed = reader->results->failed || cap > 0;
        return NULL;
    }
    if (text_parse_hex(hex, bytes, cap, &count) != AMT_OK) {
        return NULL;
    }
    *len = (uint32_t)count;
    return bytes;
}

static enum result_level level_of(const json_t *object, const char *name)
{
    enum result_level level = RESULT_MUST;
    const char *word = json_string_value(json_object_get(object, name));
    (void)(word != NULL && result_level_parse(word, &level)); /* an unknown one counts in full */
    return level;
}

static enum result_verdict verdict_of(const json_t *object)
{
    enum result_verdict verdict = RESULT_ERROR;
    const char *word = json_string_value(json_object_get(object, "verdict"));
    (void)(word != NULL && result_verdict_parse(word, &verdict)); /* an unknown one is no pass */
    return verdict;
}

static enum result_step_verdict step_verdict_of(const json_t *object)
{
    const char *word = json_string_value(json_object_get(object, "verdict"));
    for (int i = RESULT_STEP_PASSED; word != NULL && i < RESULT_STEP_NOT_REACHED; i++) {
        if (strcmp(word, result_step_verdict_name((enum result_step_verdict)i)) == 0) {
            return (enum result_step_verdict)i;
        }
    }
    return RESULT_STEP_NOT_REACHED;
}

static void read_wires(struct reader *reader, const json_t *list, struct result_failure *failure)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        uint32_t len = 0;
        const uint8_t *bytes = bytes_of(reader, item, "bytes", &len);
        struct result_wire *wire = result_add_wire(reader->results, failure, "", "", bytes, len);
        wire->from = text_of(reader, item, "from");
        wire->to = text_of(reader, item, "to");
        wire->text = text_of(reader, item, "text");
        wire->at_us = number_of(item, "at_us");
        wire->mark = small_number_of(item, "mark");
    }
}

static void read_failure(struct reader *reader, const json_t *object, struct result_case *c)
{
    if (!json_is_object(object)) {
        return;
    }
    struct result_failure *failure = result_set_failure(reader->results, c, "", "");
    failure->kind = text_of(reader, object, "kind");
    failure->message = text_of(reader, object, "message");
    failure->step = small_number_of(object, "step");
    failure->at_us = number_of(object, "at_us");
    failure->file = text_of(reader, object, "file");
    failure->line = small_number_of(object, "line");
    failure->column = small_number_of(object, "column");
    failure->column_end = small_number_of(object, "column_end");
    failure->caret = text_of(reader, object, "caret");
    failure->expected = text_of(reader, object, "expected");
    failure->actual = text_of(reader, object, "actual");
    failure->field = text_of(reader, object, "field");
    failure->has_offset = json_object_get(object, "offset") != NULL;
    failure->offset = number_of(object, "offset");
    failure->bytes = bytes_of(reader, object, "bytes", &failure->bytes_len);
    read_wires(reader, json_object_get(object, "last_bytes"), failure);
}

static void read_specs(struct reader *reader, const json_t *list, struct result_case *c)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct result_spec *spec = result_add_spec(reader->results, c, "", level_of(item, "level"));
        spec->id = text_of(reader, item, "id");
        spec->text = text_of(reader, item, "text");
        spec->verdict = verdict_of(item);
    }
}

static void read_steps(struct reader *reader, const json_t *list, struct result_case *c)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct result_step *step = result_add_step(reader->results, c, "");
        step->n = small_number_of(item, "n");
        step->name = text_of(reader, item, "name");
        step->actor = text_of(reader, item, "actor");
        step->line = small_number_of(item, "line");
        step->grade = level_of(item, "grade");
        step->verdict = step_verdict_of(item);
        step->at_us = number_of(item, "at_us");
        step->took_us = number_of(item, "took_us");
    }
}

static void read_faults(struct reader *reader, const json_t *list, struct result_case *c)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct result_fault *fault = result_add_fault(reader->results, c, "", "");
        fault->at = text_of(reader, item, "at");
        fault->verb = text_of(reader, item, "verb");
        fault->id = text_of(reader, item, "id");
        fault->text = text_of(reader, item, "text");
        fault->at_us = number_of(item, "at_us");
    }
}

static void read_events(struct reader *reader, const json_t *list, struct result_case *c)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct result_event *event = result_add_event(reader->results, c, "", "", "", "");
        event->from = text_of(reader, item, "from");
        event->to = text_of(reader, item, "to");
        event->layer = text_of(reader, item, "layer");
        event->name = text_of(reader, item, "name");
        event->text = text_of(reader, item, "text");
        event->at_us = number_of(item, "at_us");
        event->arrive_us = number_of(item, "arrive_us");
        event->size_bytes = number_of(item, "size_bytes");
        event->bytes = bytes_of(reader, item, "bytes", &event->len);
        event->is_fault = bool_of(item, "is_fault");
        event->is_lost = bool_of(item, "is_lost");
        event->step = small_number_of(item, "step");
    }
}

static void read_lists(struct reader *reader, const json_t *object, struct result_case *c)
{
    const json_t *tags = json_object_get(object, "tags");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        result_add_tag(reader->results, c, tag == NULL ? "" : tag);
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(json_object_get(object, "metrics"), name, value)
    {
        json_int_t number = json_integer_value(value);
        result_add_metric(reader->results, c, name, number > 0 ? (uint64_t)number : 0);
    }
    read_specs(reader, json_object_get(object, "spec"), c);
    read_steps(reader, json_object_get(object, "steps"), c);
    read_faults(reader, json_object_get(object, "faults"), c);
    read_events(reader, json_object_get(object, "events"), c);
}

static void read_case(struct reader *reader, const json_t *object, const json_t *duration_us)
{
    struct result_case *c = results_add_case(reader->results, "");
    json_int_t duration = json_integer_value(duration_us);
    c->id = text_of(reader, object, "id");
    c->name = text_of(reader, object, "name");
    c->summary = text_of(reader, object, "summary");
    c->file = text_of(reader, object, "file");
    c->line = small_number_of(object, "line");
    c->matrix = text_of(reader, object, "matrix");
    c->verdict = verdict_of(object);
    c->grade = level_of(object, "grade");
    c->reason = text_of(reader, object, "reason");
    c->link = text_of(reader, object, "link");
    c->duration_us = duration > 0 ? (uint64_t)duration : 0;
    c->virtual_us = number_of(object, "virtual_us");
    c->attempts = small_number_of(object, "attempts");
    c->trace = text_of(reader, object, "trace");
    c->repro = text_of(reader, object, "repro");
    read_failure(reader, json_object_get(object, "failure"), c);
    read_lists(reader, object, c);
}

typedef void add_pair_fn(struct results *results, const char *name, const char *value);

static void read_pairs(struct reader *reader, const json_t *object, add_pair_fn *add)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)object, name, value)
    {
        const char *text = json_string_value(value);
        add(reader->results, name, text == NULL ? "" : text);
    }
}

static void read_run(struct reader *reader, const json_t *root)
{
    struct result_run *run = &reader->results->run;
    const json_t *object = json_object_get(root, "run");
    const json_t *real_time = json_object_get(root, "real_time");
    const json_t *expectations = json_object_get(root, "expectations");
    run->version = text_of(reader, root, "amtlab");
    run->target = text_of(reader, root, "target");
    run->id = text_of(reader, object, "id");
    const char *seed = json_string_value(json_object_get(object, "seed"));
    if (seed == NULL || text_parse_u64(seed, UINT64_MAX, &run->seed) != AMT_OK) {
        run->seed = 0;
    }
    run->strict = bool_of(object, "strict");
    run->started = text_of(reader, real_time, "started");
    run->duration_us = number_of(real_time, "run_duration_us");
    read_pairs(reader, json_object_get(object, "options"), results_add_option);
    read_pairs(reader, json_object_get(expectations, "used"), results_add_expectation);
    read_pairs(reader, json_object_get(expectations, "stale"), results_add_stale);
}

static void read_all(struct reader *reader, const json_t *root)
{
    const json_t *sources = json_object_get(root, "sources");
    const json_t *cases = json_object_get(root, "cases");
    const json_t *durations =
        json_object_get(json_object_get(root, "real_time"), "case_duration_us");
    read_run(reader, root);
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *item = json_array_get(sources, i);
        results_add_source(reader->results, text_of(reader, item, "path"),
                           text_of(reader, item, "text"));
    }
    for (size_t i = 0; i < json_array_size(cases); i++) {
        read_case(reader, json_array_get(cases, i), json_array_get(durations, i));
    }
}

static bool is_results(const json_t *root, const char *path, struct amt_diag *diag)
{
    if (json_integer_value(json_object_get(root, "schema")) != SCHEMA_VERSION ||
        !json_is_array(json_object_get(root, "cases"))) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "not a result file of schema %d", SCHEMA_VERSION);
        (void)amt_diag_hint(diag, "write one with: amtlab run --report json=FILE");
        amt_diag_at(diag, path, 0, 0);
        return false;
    }
    return true;
}

struct results *report_json_read(const char *text, const char *path, struct amt_diag *diag)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "not JSON: %s", error.text);
        (void)amt_diag_hint(diag, "write one with: amtlab run --report json=FILE");
        amt_diag_at(diag, path, (uint32_t)error.line, (uint32_t)error.column);
        return NULL;
    }
    struct results *results = NULL;
    if (is_results(root, path, diag)) {
        results = results_new();
        if (results != NULL) {
            struct reader reader = { results };
            read_all(&reader, root);
        }
        if (results == NULL || results->failed) {
            (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory while reading %.200s", path);
            results_free(results);
            results = NULL;
        }
    }
    json_decref(root);
    return results;
}
