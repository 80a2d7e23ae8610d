/* Which of the cases of a suite are run, and in which order: --shard, --failed, --order. */
#ifndef AMTLAB_CLI_RUN_SELECT_H
#define AMTLAB_CLI_RUN_SELECT_H

#include "scenarios/engine/suite.h"

struct run_selection {
    const char *shard;  /* "2/5": every fifth case, from the second on; NULL: all */
    const char *failed; /* results.json, or the folder that has it: its bad cases only; NULL: all */
    const char *order;  /* "file" or "random" */
    uint64_t seed;      /* of the random order */
    bool strict;        /* what failed counts as with --strict */
};

/* Takes the others out of suite->cases. AMT_ECONFIG with diag: a wrong word, or a file that holds no
 * results; AMT_ESYS: one that cannot be read. */
enum amt_err run_select(struct suite *suite, const struct run_selection *selection,
                        struct amt_diag *diag) AMT_MUST_USE;

#endif
