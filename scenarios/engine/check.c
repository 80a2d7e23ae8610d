#include "scenarios/engine/check.h"

#include <string.h>

#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/match.h"
#include "scenarios/engine/matrix.h"

/* harness.md 16: validation sees no secrets, no files, no chance. */
#define CHECK_WALL_US 1767225600000000u

static const struct value *find_known(void *ctx, const char *path, struct amt_diag *diag)
{
    struct check *check = ctx;
    const struct value *value = value_path(check->known, path);
    if (value != NULL) {
        return value;
    }
    const char *names[65];
    uint32_t n = 0;
    for (const struct value *at = check->known->first; at != NULL && n < 64; at = at->next) {
        names[n++] = at->key;
    }
    names[n] = NULL;
    const char *root = pool_text(check->scope.pool, path, strcspn(path, "."));
    const struct value *known = value_get(check->known, root);
    if (known != NULL && known->kind == VALUE_TEXT && strstr(known->text, ".yaml") != NULL) {
        return value_pending(check->scope.pool); /* names a file that another part reads */
    }
    if (known != NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "'%s' has no part '%s'", root, path + strlen(root) + 1);
        return NULL;
    }
    int nearest = text_nearest(root, names);
    amt_diag_set(diag, AMT_ECONFIG, "there is no variable, capture or actor '%s'", root);
    if (nearest >= 0) {
        amt_diag_hint(diag, "did you mean '%s'?", names[nearest]);
    } else {
        amt_diag_hint(diag, "names come from vars, matrix, actors, `as`, `save` and `set`");
    }
    return NULL;
}

struct value *check_value(struct check *check, const struct yaml_node *node)
{
    struct value *value = NULL;
    if (!expr_node(&check->scope, node, check->checker->path, check->checker->errors, &value)) {
        check->checker->has_failed = true;
    }
    return value;
}

void check_need(struct check *check, const struct yaml_node *node, const char *what,
                const char *part)
{
    struct scenario_need **end = &check->scenario->needs;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = pool_alloc(&check->scenario->pool, sizeof **end);
    (*end)->what = what;
    (*end)->part = part;
    (*end)->node = node;
}

const struct actor_kind *check_actor(const struct check *check, const char *name)
{
    for (const struct scenario_part *part = check->scenario->actors; part != NULL;
         part = part->next) {
        const struct yaml_node *kind = yaml_get(part->node, "kind");
        if (strcmp(part->name, name) == 0) {
            return kind == NULL || kind->kind != YAML_SCALAR ? NULL : actor_kind_find(kind->text);
        }
    }
    return NULL;
}

static void know(struct check *check, const char *name, struct value *value)
{
    value_put(check->scope.pool, check->known, name, value);
}

/* A matrix key is known by its only value, or as something of which any value has that part. */
static void know_matrix(struct check *check)
{
    for (const struct scenario_part *part = check->scenario->matrix; part != NULL;
         part = part->next) {
        struct value *value = value_pending(check->scope.pool);
        if (part->node->kind == YAML_LIST && part->node->count == 1) {
            value = value_copy(check->scope.pool, check_value(check, part->node->first));
        }
        know(check, part->name, value);
    }
}

static void know_variables(struct check *check)
{
    for (const struct scenario_part *part = check->scenario->variables; part != NULL;
         part = part->next) {
        check->checker->path = part->path;
        know(check, part->name, value_copy(check->scope.pool, check_value(check, part->node)));
    }
    check->checker->path = check->scenario->path;
}

static void know_name(struct check *check, const struct yaml_node *node)
{
    if (node->key != NULL && value_get(check->known, node->key) == NULL) {
        know(check, node->key, value_pending(check->scope.pool));
    }
}

static void know_saved(struct check *check, const struct yaml_node *expect, uint32_t depth)
{
    if (expect == NULL || expect->kind == YAML_SCALAR || depth == 4) {
        return;
    }
    for (const struct yaml_node *at = expect->first; at != NULL; at = at->next) {
        if (at->key != NULL && strcmp(at->key, "save") == 0) {
            for (const struct yaml_node *name = at->first; name != NULL; name = name->next) {
                know_name(check, name);
            }
        } else {
            know_saved(check, at, depth + 1);
        }
    }
}

void check_collect_names(struct check *check, const struct yaml_node *steps, uint32_t depth)
{
    if (steps == NULL || steps->kind != YAML_LIST || depth == SCENARIO_STEPS_DEPTH_MAX) {
        return;
    }
    for (const struct yaml_node *step = steps->first; step != NULL; step = step->next) {
        if (step->kind != YAML_MAP) {
            continue;
        }
        const struct yaml_node *as = yaml_get(step, "as"), *set = yaml_get(step, "set");
        if (as != NULL && as->kind == YAML_SCALAR && value_get(check->known, as->text) == NULL) {
            know(check, as->text, value_pending(check->scope.pool));
        }
        for (const struct yaml_node *at = set == NULL ? NULL : set->first; at != NULL;
             at = at->next) {
            know_name(check, at);
        }
        know_saved(check, yaml_get(step, "expect"), 0);
        check_collect_names(check, yaml_get(step, "do"), depth + 1);
        check_collect_names(check, yaml_get(step, "parallel"), depth + 1);
    }
}

void check_message_name(struct check *check, const struct yaml_node *node, const char *name)
{
    static const char *const k_layers[] = { "tcp.",   "tls.",   "chan.",    "http.",
                                            "wsman.", "redir.", "activate." };
    if (strcmp(name, "tcp.data") == 0 || strcmp(name, "apf.malformed") == 0 ||
        (strncmp(name, "apf.", 4) == 0 && apf_value_type(name) != 0)) {
        return;
    }
    for (size_t i = 0; i < sizeof k_layers / sizeof k_layers[0]; i++) {
        if (strncmp(name, k_layers[i], strlen(k_layers[i])) == 0) {
            check_need(check, node, name, "messages above APF");
            return;
        }
    }
    const char *names[64];
    uint32_t n = 0;
    for (uint32_t type = 1; type < 256 && n < 63; type++) {
        if (apf_type_name((uint8_t)type) != NULL) {
            names[n++] = apf_value_name(check->scope.pool, (uint8_t)type);
        }
    }
    names[n] = NULL;
    struct amt_diag *diag = checker_report(check->checker, node, false);
    int nearest = text_nearest(name, names);
    amt_diag_set(diag, AMT_ECONFIG, "unknown message '%.60s'", name);
    amt_diag_hint(diag, "%s%s%smessages are apf.<name>, such as apf.channel_open",
                  nearest < 0 ? "" : "did you mean '", nearest < 0 ? "" : names[nearest],
                  nearest < 0 ? "" : "'? ");
}

static void check_ignored(struct check *check)
{
    for (const struct scenario_word *word = check->scenario->ignored; word != NULL;
         word = word->next) {
        check_message_name(check, word->node, word->text);
    }
}

static void check_matrix(struct check *check)
{
    uint32_t count = 0;
    if (check->scenario->matrix != NULL && !check->checker->has_failed &&
        matrix_expand(check->scenario, &count) == NULL) {
        struct amt_diag *diag = checker_report(check->checker, check->scenario->matrix->node, true);
        amt_diag_set(diag, AMT_ECONFIG, "the matrix gives no case, or more than %u",
                     MATRIX_CASES_MAX);
    }
}

static void check_phases(struct check *check)
{
    const struct yaml_node *root = yaml_root(check->scenario->files->document);
    static const char *const k_keys[] = { "phases", "slo", "abort_if" };
    for (size_t i = 0; i < sizeof k_keys / sizeof k_keys[0]; i++) {
        const struct yaml_node *node = yaml_get(root, k_keys[i]);
        if (node != NULL) {
            check_need(check, node, k_keys[i], "fleet");
        }
    }
}

void check_scenario(struct scenario *scenario, struct checker *checker)
{
    struct check check = { .scenario = scenario, .checker = checker };
    check.known = value_map(&scenario->pool);
    check.scope = (struct expr_scope){ .pool = &scenario->pool,
                                       .find = find_known,
                                       .ctx = &check,
                                       .random = &check.random,
                                       .wall_us = CHECK_WALL_US,
                                       .folder = scenario->folder,
                                       .is_check = true };
    amt_random_seed(&check.random, 0, "check");
    know(&check, "faults", value_pending(&scenario->pool));
    know(&check, "tmp", value_pending(&scenario->pool));
    for (const struct scenario_part *part = scenario->actors; part != NULL; part = part->next) {
        know(&check, part->name, value_pending(&scenario->pool));
    }
    know_matrix(&check);
    know_variables(&check);
    check_collect_names(&check, scenario->steps, 0);
    check_collect_names(&check, scenario->finally, 0);
    for (const struct scenario_part *part = scenario->actors; part != NULL; part = part->next) {
        checker->path = part->path;
        check_actor_node(&check, part);
    }
    for (const struct scenario_part *part = scenario->faults; part != NULL; part = part->next) {
        checker->path = part->path;
        check_fault(&check, part);
    }
    checker->path = scenario->path;
    check_ignored(&check);
    check_steps(&check, scenario->steps, NULL, 0);
    check_steps(&check, scenario->finally, NULL, 0);
    check_defects(&check, scenario->defects);
    check_phases(&check);
    check_matrix(&check);
}
