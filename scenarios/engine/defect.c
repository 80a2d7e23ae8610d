#include "scenarios/engine/defect.h"

#include <string.h>

const struct key_def k_defect_keys[] = {
    { "key", KEY_TEXT, true, "short name, part of the case's id", NULL, NULL },
    { "name", KEY_TEXT, true, "what is wrong with the server or the device", NULL, NULL },
    { "actors", KEY_MAP, false, "put over what the scenario says of its actors", NULL, NULL },
    { "vars", KEY_MAP, false, "values in place of the scenario's variables", NULL, NULL },
    { "faults", KEY_LIST, false, "faults besides the scenario's", NULL, NULL },
    { "case", KEY_MAP, false, "values of the matrix, default its first case", NULL, NULL },
    { "fails", KEY_TEXT, false, "words in the name or the message of the step that has to fail",
      NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

const struct yaml_node *defect_part(const struct yaml_node *defect, const char *key)
{
    const struct yaml_node *part = defect == NULL ? NULL : yaml_get(defect, key);
    return part != NULL && part->kind != YAML_SCALAR ? part : NULL;
}

/* Maps are merged, everything else is replaced. */
static void put_over(struct arena *pool, struct value *under, const struct value *over)
{
    for (const struct value *at = over->first; at != NULL; at = at->next) {
        const struct value *there = value_get(under, at->key);
        if (there == NULL || there->kind != VALUE_MAP || at->kind != VALUE_MAP) {
            value_put(pool, under, at->key, value_copy(pool, at));
            continue;
        }
        struct value *merged = value_map(pool);
        merged->place = there->place;
        put_over(pool, merged, there);
        put_over(pool, merged, at);
        value_put(pool, under, at->key, merged);
    }
}

bool defect_change_actor(struct case_run *run, const char *name, struct value *attributes,
                         const char **why)
{
    const struct yaml_node *actors = defect_part(run->defect, "actors");
    const struct yaml_node *node = actors == NULL ? NULL : yaml_get(actors, name);
    const struct value *changes = node == NULL ? NULL : case_evaluate(run, node, why);
    if (changes != NULL && changes->kind == VALUE_MAP) {
        put_over(&run->pool, attributes, changes);
    }
    return node == NULL || changes != NULL;
}

static bool is_where_it_should(const struct result_case *result, const char *words)
{
    if (result->failure == NULL || strstr(result->failure->message, words) != NULL) {
        return result->failure != NULL;
    }
    for (const struct result_step *step = result->step_first; step != NULL; step = step->next) {
        if (step->verdict == RESULT_STEP_FAILED && strstr(step->name, words) != NULL) {
            return true;
        }
    }
    return false;
}

void defect_judge(struct case_run *run)
{
    struct result_case *result = run->result;
    const struct yaml_node *words = yaml_get(run->defect, "fails");
    const char *name = yaml_get(run->defect, "name")->text;
    if (result->verdict == RESULT_PASSED || result->verdict == RESULT_INFO) {
        result->failure = NULL;
        (void)result_set_failure(
            run->results, result, "defect",
            results_printf(run->results, "nothing failed although this is wrong: %s", name));
        result->verdict = RESULT_FAILED;
        return;
    }
    if (result->verdict != RESULT_FAILED && result->verdict != RESULT_NOT_STRICT) {
        return;
    }
    const char *message = result->failure == NULL ? "" : result->failure->message;
    if (words != NULL && !is_where_it_should(result, words->text)) {
        (void)result_set_failure(
            run->results, result, "defect",
            results_printf(run->results,
                           "it failed, but not where '%s' should show (wanted '%s' in the step or "
                           "its message): %s",
                           name, words->text, message));
        result->verdict = RESULT_FAILED;
        return;
    }
    result->reason = results_printf(run->results, "%s: found (%s)", name, message);
    result->failure = NULL;
    result->verdict = RESULT_PASSED;
}
