/* The scenarios that a command names: files, folders, ids and patterns. */
#ifndef AMTLAB_SCENARIOS_ENGINE_SUITE_H
#define AMTLAB_SCENARIOS_ENGINE_SUITE_H

#include "scenarios/engine/matrix.h"

/* Selection by words; NULL lists select everything. Patterns are those of the shell. */
struct suite_filter {
    const char *const *tags, *const *skip_tags, *const *specs, *const *fields;
    uint32_t tag_count, skip_tag_count, spec_count, field_count;
    bool wants_defects; /* the cases of `defects` (defect.h) instead of the others */
    bool has_level;     /* only cases that claim a requirement at least this strict */
    enum result_level level;
};

struct suite_case {
    const struct scenario *scenario;
    const struct matrix_case *matrix;
    const char *id;
    struct suite_case *next;
};

struct suite {
    struct arena pool;
    struct scenario *scenarios, *last_scenario; /* in order of their paths per argument */
    struct suite_case *cases, *last_case;
    uint32_t scenario_count, case_count, files_seen;
};

/*
 * A file or folder that comes with amtlab, "conformance/mps" or "scenarios/library": as it is named from
 * here, else below the folder that the program belongs to (where it was built, or PREFIX/share/amtlab).
 * NULL if it is nowhere. In pool.
 */
const char *suite_find(struct arena *pool, const char *path);
/* Folder of the scenarios when a command names none: AMTLAB_SCENARIOS or "scenarios/library". */
const char *suite_default_folder(struct arena *pool);

/*
 * Adds what argument names: a file or folder (all scenario files below it, sorted), FILE#key for cases
 * of a matrix, or an id or pattern of ids below the default folder, "apf/userauth" with or without
 * "#key". Errors of files go to errors; loading goes on. AMT_EUNKNOWN when nothing has that name.
 */
enum amt_err suite_add(struct suite *suite, const char *argument, const struct suite_filter *filter,
                       struct amt_diag_list *errors);
/* Puts the scenarios that others name as their `sanity` before all others, whatever the filter said.
 * They are files beside them, or ids below the default folder. Unknown ones are errors. */
void suite_add_sanity(struct suite *suite, struct amt_diag_list *errors);
void suite_free(struct suite *suite);

#endif
