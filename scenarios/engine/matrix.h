/* The product of a scenario's matrix (harness.md 6.8). */
#ifndef AMTLAB_SCENARIOS_ENGINE_MATRIX_H
#define AMTLAB_SCENARIOS_ENGINE_MATRIX_H

#include "scenarios/engine/scenario.h"

#define MATRIX_CASES_MAX 10000u

struct matrix_choice {
    const char *name;
    const struct yaml_node *node;
    struct matrix_choice *next;
};
/* One case: which value each key has. Without a matrix there is one, with key "". */
struct matrix_case {
    const char *key; /* "cut=5,gap=0ms" */
    struct matrix_choice *choices;
    const struct yaml_node *defect; /* one of `defects`; NULL */
    struct matrix_case *next;
};

/* All combinations in file order, without the excluded ones, in the scenario's pool; *count is their
 * number. NULL when everything is excluded or there are more than MATRIX_CASES_MAX. */
struct matrix_case *matrix_expand(struct scenario *scenario, uint32_t *count);
/* The same for `defects` (defect.h): one case of each, key "defect=deaf,cut=5". */
struct matrix_case *matrix_defects(struct scenario *scenario, uint32_t *count);
/* "apf/userauth/split#cut=5,gap=0ms" */
const char *matrix_case_id(struct arena *pool, const struct scenario *scenario,
                           const struct matrix_case *c);

#endif
