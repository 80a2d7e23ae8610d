/*
 * Expectation files (harness.md 12.2): which cases a product is known to fail, with the reason. What is
 * listed does not fail the run; what is not listed does, and so does a list that has gone stale.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_EXPECTATIONS_H
#define AMTLAB_SCENARIOS_ENGINE_EXPECTATIONS_H

#include "base/diag.h"
#include "scenarios/engine/value.h"
#include "scenarios/report/results.h"

enum expectation_kind { EXPECTATION_FAIL, EXPECTATION_FLAKY, EXPECTATION_SKIP };

struct expectation_entry {
    const char *id; /* of a case, or a pattern */
    enum expectation_kind kind;
    const char *like; /* what the failure must say; NULL */
    const char *reason, *link, *until;
    bool is_over;                   /* `until` has passed: it counts again */
    uint32_t cases, failed, passed; /* seen in this run */
    struct expectation_entry *next;
};

struct expectations {
    struct arena pool;
    struct yaml_document *document;
    const char *path, *target; /* "" or "MeshCentral >= 1.1.50" */
    struct expectation_entry *first, *last;
};

/* Reads and checks a file; today ("2026-12-31") decides what is over. NULL with all errors in errors:
 * AMT_ECONFIG with file, line, column; AMT_ESYS. */
struct expectations *expectations_load(const char *path, const char *today,
                                       struct amt_diag_list *errors);
void expectations_free(struct expectations *expectations); /* NULL is allowed */
/* Is the list made for this product? False with diag. name and version may be "": not stated. */
bool expectations_fit(const struct expectations *expectations, const char *name,
                      const char *version, struct amt_diag *diag);

/* The entry that says the case is not to be run; NULL. */
const struct expectation_entry *expectations_skip(const struct expectations *expectations,
                                                  const char *id);
/* Notes that it was left out. */
void expectations_note_skipped(struct expectations *expectations, const char *id);
/* Turns the verdict of a finished case into what it means with the list. */
void expectations_judge(struct expectations *expectations, struct results *results,
                        struct result_case *c);
/* After the last case: used and stale entries go into the results. Number of stale ones. */
uint32_t expectations_close(const struct expectations *expectations, struct results *results);
/* A first version of a file from what failed, every reason empty. */
void expectations_write(const struct results *results, const char *target, struct text *out);

#endif
