#include "scenarios/engine/call.h"

#include <string.h>

/* Root of a file that has been loaded; NULL. */
static const struct yaml_node *find_file(const struct scenario *scenario, const char *path)
{
    for (const struct scenario_file *file = scenario->files; file != NULL; file = file->next) {
        if (strcmp(yaml_path(file->document), path) == 0) {
            return yaml_root(file->document);
        }
    }
    return NULL;
}

static const char *path_of(struct arena *pool, const struct scenario *scenario, const char *name)
{
    return name[0] == '/' ? pool_strdup(pool, name)
                          : pool_printf(pool, "%s/%s", scenario->folder, name);
}

const struct key_def k_called_keys[] = {
    { "amtlab-part", KEY_NUMBER, true, "version of called files: 1", NULL, NULL },
    { "name", KEY_TEXT, false, "what it does", NULL, NULL },
    { "params", KEY_MAP, false, "its parameters with their defaults", NULL, NULL },
    { "steps", KEY_STEPS, true, "what it does", NULL, NULL },
    { "result", KEY_MAP, false, "what it gives back", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

static void check_parameters(struct check *check, const struct yaml_node *given,
                             const struct yaml_node *known)
{
    for (const struct yaml_node *at = given == NULL ? NULL : given->first; at != NULL;
         at = at->next) {
        if (known == NULL || yaml_get(known, at->key) == NULL) {
            struct amt_diag *diag = checker_report(check->checker, at, true);
            amt_diag_set(diag, AMT_ECONFIG, "the called file has no parameter '%s'", at->key);
            amt_diag_hint(diag, "its `params` must list it, with a default");
        }
    }
}

/* Its steps know its parameters, its own captures and the actors, nothing else. */
static void check_called_steps(struct check *check, const struct yaml_node *root, const char *path,
                               const char *actor, uint32_t depth)
{
    struct value *outer_known = check->known;
    const char *outer_path = check->checker->path;
    struct arena *pool = check->scope.pool;
    check->known = value_map(pool);
    check->checker->path = path;
    checker_map(check->checker, root, k_called_keys, "a called file");
    const struct yaml_node *params = yaml_get(root, "params");
    value_put(pool, check->known, "params",
              params == NULL ? value_map(pool) : value_copy(pool, check_value(check, params)));
    for (const struct scenario_part *part = check->scenario->actors; part != NULL;
         part = part->next) {
        value_put(pool, check->known, part->name, value_pending(pool));
    }
    check_collect_names(check, yaml_get(root, "steps"), 0);
    check_steps(check, yaml_get(root, "steps"), actor, depth + 1);
    if (yaml_get(root, "result") != NULL) {
        (void)check_value(check, yaml_get(root, "result"));
    }
    check->checker->path = outer_path;
    check->known = outer_known;
}

void check_call(struct check *check, const struct yaml_node *node, const char *actor,
                uint32_t depth)
{
    const struct yaml_node *file = node->kind == YAML_MAP ? yaml_get(node, "file") : NULL;
    if (file == NULL || file->kind != YAML_SCALAR || strstr(file->text, "${") != NULL) {
        return; /* the table has reported it; a computed name cannot be loaded beforehand */
    }
    const char *path = path_of(check->scope.pool, check->scenario, file->text);
    const struct yaml_node *root = find_file(check->scenario, path);
    bool is_new = root == NULL;
    if (is_new) {
        root = scenario_load_called(check->scenario, path, check->checker->errors);
    }
    if (root == NULL || root->kind != YAML_MAP || yaml_get(root, "steps") == NULL) {
        struct amt_diag *diag = checker_report(check->checker, file, false);
        amt_diag_set(diag, AMT_ECONFIG, "'%s' cannot be called", file->text);
        amt_diag_hint(diag, "it must be a file with `steps`; looked for %s", path);
        return;
    }
    check_parameters(check, yaml_get(node, "params"), yaml_get(root, "params"));
    if (is_new) {
        check_called_steps(check, root, path, actor, depth);
    }
}

const struct yaml_node *call_enter(struct strand *strand, struct call *call)
{
    struct case_run *run = strand->run;
    struct step *step = &strand->step;
    const char *why = NULL;
    const struct value *arguments = case_evaluate(run, step->verb_node, &why);
    const struct value *file = value_get(arguments, "file");
    if (file == NULL || file->kind != VALUE_TEXT) {
        (void)step_fail(strand, "setup", "call: %s", why == NULL ? "'file' is missing" : why);
        return NULL;
    }
    const char *path = path_of(&run->pool, run->scenario, file->text);
    const struct yaml_node *root = find_file(run->scenario, path);
    if (root == NULL) {
        (void)step_fail(strand, "setup", "call: '%s' was not loaded; its name must not be computed",
                        file->text);
        return NULL;
    }
    const struct yaml_node *defaults = yaml_get(root, "params");
    struct value *params =
        defaults == NULL ? value_map(&run->pool) : case_evaluate(run, defaults, &why);
    const struct value *given = value_get(arguments, "params");
    for (const struct value *at = given == NULL ? NULL : given->first; params != NULL && at != NULL;
         at = at->next) {
        value_put(&run->pool, params, at->key, value_copy(&run->pool, at));
    }
    if (params == NULL) {
        (void)step_fail(strand, "setup", "call: params: %s", why);
        return NULL;
    }
    *call = (struct call){ .outer_variables = strand->variables,
                           .outer_path = strand->path,
                           .as = yaml_get(step->node, "as"),
                           .result = yaml_get(root, "result") };
    strand->variables = value_map(&run->pool);
    strand->path = path;
    value_put(&run->pool, strand->variables, "params", value_copy(&run->pool, params));
    return yaml_get(root, "steps");
}

bool call_leave(struct strand *strand, const struct call *call)
{
    struct case_run *run = strand->run;
    const char *why = NULL;
    struct value *result =
        call->result == NULL ? value_null(&run->pool) : case_evaluate(run, call->result, &why);
    strand->variables = call->outer_variables;
    strand->path = call->outer_path;
    run->variables = strand->variables;
    run->path = strand->path;
    if (result == NULL) {
        (void)step_fail(strand, "setup", "result of the called file: %s", why);
        return false;
    }
    if (call->as != NULL && call->as->kind == YAML_SCALAR) {
        value_put(&run->pool, run->variables, call->as->text, value_copy(&run->pool, result));
    }
    return true;
}
