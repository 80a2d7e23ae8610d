/* Runs the cases of a suite, in this process or in workers (harness.md 18.8). */
#ifndef AMTLAB_SCENARIOS_ENGINE_RUNNER_H
#define AMTLAB_SCENARIOS_ENGINE_RUNNER_H

#include "scenarios/engine/case_run.h"
#include "scenarios/engine/expectations.h"
#include "scenarios/engine/suite.h"
#include "scenarios/engine/target_process.h"

struct runner_options {
    struct engine_options engine;
    uint32_t workers;      /* processes at once, 1 or more; each case has a process of its own */
    uint32_t repeats;      /* runs of each case, 1 or more */
    uint32_t fail_limit;   /* stop after so many bad cases; 0: never */
    bool in_process;       /* no processes: for debuggers; a crash ends the run then */
    uint32_t retries;      /* further tries of a case that failed; passing then is flaky */
    uint64_t start_gap_us; /* least time between the starts of cases; 0: none */
    struct expectations *expectations; /* what is known to fail; NULL */
    struct target_process *processes;  /* products the harness runs; watched between cases */
    /* A case is finished; order is that of finishing. May be NULL. */
    void (*on_case)(void *ctx, const struct result_case *c);
    void *ctx;
    const volatile int *stop; /* not 0: start no further case; a second time: end at once */
};

struct runner_result {
    struct results *results;
    struct runner_tree *trees; /* of workers; the cases live there */
    uint32_t stale_count;      /* entries of the expectations that are not true any more */
    bool was_stopped;
};

/* Runs all cases; results are in the order of the suite. AMT_ESYS with diag: no process or pipe. Call
 * runner_free in either case. */
enum amt_err runner_run(const struct suite *suite, const struct runner_options *options,
                        struct runner_result *result, struct amt_diag *diag);
void runner_free(struct runner_result *result);

#endif
