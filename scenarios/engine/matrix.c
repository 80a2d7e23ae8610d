#include "scenarios/engine/matrix.h"

#include <string.h>

#define KEYS_MAX 8u

/* What stands for a value in the id: its text, or the `key` of a map. */
static const char *value_key(struct arena *pool, const struct yaml_node *node, uint32_t index)
{
    const struct yaml_node *named = node->kind == YAML_MAP ? yaml_get(node, "key") : node;
    if (named != NULL && named->kind == YAML_SCALAR) {
        return named->text;
    }
    return pool_printf(pool, "%u", index);
}

static const struct yaml_node *item_at(const struct yaml_node *list, uint32_t index)
{
    const struct yaml_node *at = list->first;
    for (; at != NULL && index > 0; index--) {
        at = at->next;
    }
    return at;
}

/* Does the entry of `exclude` name only values of this case? */
static bool entry_fits(struct arena *pool, const struct yaml_node *entry,
                       const struct matrix_case *c)
{
    for (const struct yaml_node *at = entry->first; at != NULL; at = at->next) {
        bool is_same = false;
        for (const struct matrix_choice *choice = c->choices; choice != NULL;
             choice = choice->next) {
            is_same = is_same || (strcmp(choice->name, at->key) == 0 && at->kind == YAML_SCALAR &&
                                  strcmp(value_key(pool, choice->node, 0), at->text) == 0);
        }
        if (!is_same) {
            return false;
        }
    }
    return entry->kind == YAML_MAP && entry->count > 0;
}

static bool is_excluded(struct scenario *scenario, const struct matrix_case *c)
{
    const struct yaml_node *list = scenario->excluded == NULL ? NULL : scenario->excluded->node;
    for (const struct yaml_node *at = list == NULL ? NULL : list->first; at != NULL;
         at = at->next) {
        if (entry_fits(&scenario->pool, at, c)) {
            return true;
        }
    }
    return false;
}

static struct matrix_case *make_case(struct scenario *scenario, const uint32_t *picks)
{
    struct matrix_case *c = pool_alloc(&scenario->pool, sizeof *c);
    struct matrix_choice **end = &c->choices;
    struct text key = { 0 };
    uint32_t n = 0;
    for (const struct scenario_part *part = scenario->matrix; part != NULL && n < KEYS_MAX;
         part = part->next, n++) {
        struct matrix_choice *choice = pool_alloc(&scenario->pool, sizeof *choice);
        choice->name = part->name;
        choice->node = item_at(part->node, picks[n]);
        *end = choice;
        end = &choice->next;
        text_printf(&key, "%s%s=%s", n == 0 ? "" : ",", part->name,
                    value_key(&scenario->pool, choice->node, picks[n]));
    }
    c->key = pool_take(&scenario->pool, &key);
    return c;
}

/* Counts up like an odometer, the last key fastest; false after the last combination. */
static bool next_picks(const struct scenario *scenario, uint32_t *picks, uint32_t keys)
{
    for (uint32_t n = keys; n > 0; n--) {
        const struct scenario_part *part = scenario->matrix;
        for (uint32_t i = 1; i < n; i++) {
            part = part->next;
        }
        if (++picks[n - 1] < part->node->count) {
            return true;
        }
        picks[n - 1] = 0;
    }
    return false;
}

struct matrix_case *matrix_expand(struct scenario *scenario, uint32_t *count)
{
    uint32_t picks[KEYS_MAX] = { 0 };
    uint32_t keys = 0;
    *count = 0;
    for (const struct scenario_part *part = scenario->matrix; part != NULL; part = part->next) {
        keys++;
        if (part->node->kind != YAML_LIST || part->node->count == 0 || keys > KEYS_MAX) {
            return NULL;
        }
    }
    struct matrix_case *first = NULL;
    struct matrix_case **end = &first;
    do {
        struct matrix_case *c = make_case(scenario, picks);
        if (is_excluded(scenario, c)) {
            continue;
        }
        *end = c;
        end = &c->next;
        if (++*count > MATRIX_CASES_MAX) {
            return NULL;
        }
    } while (next_picks(scenario, picks, keys));
    return first;
}

struct matrix_case *matrix_defects(struct scenario *scenario, uint32_t *count)
{
    struct matrix_case *first = NULL;
    struct matrix_case **end = &first;
    uint32_t all = 0;
    *count = 0;
    const struct matrix_case *cases = matrix_expand(scenario, &all);
    for (const struct yaml_node *at = scenario->defects == NULL ? NULL : scenario->defects->first;
         at != NULL; at = at->next) {
        const struct yaml_node *wanted = yaml_get(at, "case"), *key = yaml_get(at, "key");
        const struct matrix_case *from = cases;
        while (from != NULL && wanted != NULL && !entry_fits(&scenario->pool, wanted, from)) {
            from = from->next;
        }
        if (from == NULL || key == NULL || key->kind != YAML_SCALAR) {
            continue; /* reported by the checks */
        }
        struct matrix_case *c = pool_alloc(&scenario->pool, sizeof *c);
        c->choices = from->choices;
        c->defect = at;
        c->key = pool_printf(&scenario->pool, "defect=%s%s%s", key->text,
                             from->key[0] == '\0' ? "" : ",", from->key);
        *end = c;
        end = &c->next;
        ++*count;
    }
    return first;
}

const char *matrix_case_id(struct arena *pool, const struct scenario *scenario,
                           const struct matrix_case *c)
{
    return c->key[0] == '\0' ? pool_strdup(pool, scenario->id)
                             : pool_printf(pool, "%s#%s", scenario->id, c->key);
}
