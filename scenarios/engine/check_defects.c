/* Static checks of `defects`. */
#include <string.h>

#include "scenarios/engine/check.h"
#include "scenarios/engine/defect.h"
#include "scenarios/engine/matrix.h"

static bool is_named(const struct scenario_part *part, const char *name)
{
    while (part != NULL && strcmp(part->name, name) != 0) {
        part = part->next;
    }
    return part != NULL;
}

static void check_variables(struct check *check, const struct yaml_node *variables)
{
    for (const struct yaml_node *at = variables == NULL ? NULL : variables->first; at != NULL;
         at = at->next) {
        if (!is_named(check->scenario->variables, at->key) &&
            !is_named(check->scenario->matrix, at->key)) {
            struct amt_diag *diag = checker_report(check->checker, at, true);
            amt_diag_set(diag, AMT_ECONFIG, "the scenario has no variable '%s'", at->key);
            amt_diag_hint(diag, "a defect changes what stands in 'vars' or 'matrix'");
        }
        (void)check_value(check, at);
    }
}

/* An actor with the changed keys in place of its own, judged like any other. */
static void check_actor_changes(struct check *check, const struct yaml_node *actors)
{
    for (const struct yaml_node *at = actors == NULL ? NULL : actors->first; at != NULL;
         at = at->next) {
        if (check_actor(check, at->key) == NULL) {
            struct amt_diag *diag = checker_report(check->checker, at, true);
            amt_diag_set(diag, AMT_ECONFIG, "there is no actor '%s'", at->key);
            amt_diag_hint(diag, "a defect changes actors of this scenario");
        }
        (void)check_value(check, at);
    }
}

static void check_faults(struct check *check, const struct yaml_node *faults)
{
    for (const struct yaml_node *at = faults == NULL ? NULL : faults->first; at != NULL;
         at = at->next) {
        struct scenario_part part = { .node = at, .path = check->checker->path };
        check_fault(check, &part);
    }
}

static void check_found(struct check *check, const struct yaml_node *list)
{
    uint32_t count = 0;
    if (!check->checker->has_failed) {
        (void)matrix_defects(check->scenario, &count);
    }
    if (!check->checker->has_failed && count != list->count) {
        struct amt_diag *diag = checker_report(check->checker, list, true);
        amt_diag_set(diag, AMT_ECONFIG, "the 'case' of a defect fits no case of the matrix");
        amt_diag_hint(diag, "name values of the matrix as they stand in a case's id");
    }
}

void check_defects(struct check *check, const struct yaml_node *list)
{
    if (list == NULL || list->kind != YAML_LIST) {
        return;
    }
    for (const struct yaml_node *at = list->first; at != NULL; at = at->next) {
        checker_map(check->checker, at, k_defect_keys, "a defect");
        if (at->kind != YAML_MAP) {
            continue;
        }
        const struct yaml_node *vars = defect_part(at, "vars"), *actors = defect_part(at, "actors"),
                               *faults = defect_part(at, "faults");
        check_variables(check, vars);
        check_actor_changes(check, actors);
        check_faults(check, faults);
        if (vars == NULL && actors == NULL && faults == NULL) {
            struct amt_diag *diag = checker_report(check->checker, at, false);
            amt_diag_set(diag, AMT_ECONFIG, "a defect that changes nothing");
            amt_diag_hint(diag, "give it 'actors', 'vars' or 'faults'");
        }
    }
    check_found(check, list);
}
