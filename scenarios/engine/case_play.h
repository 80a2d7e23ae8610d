/* The whole life of one case: world, actors, steps, verdict. */
#ifndef AMTLAB_SCENARIOS_ENGINE_CASE_PLAY_H
#define AMTLAB_SCENARIOS_ENGINE_CASE_PLAY_H

#include "scenarios/engine/case_run.h"
#include "scenarios/engine/matrix.h"

/* Runs the case and fills result (made by results_add_case with its id): verdict, steps, failure,
 * faults, events. Real time is measured by the caller. */
void case_play(const struct scenario *scenario, const struct matrix_case *c,
               const struct engine_options *options, struct results *results,
               struct result_case *result);

#endif
