/* From what happened to the result tree: failures, messages, faults. */
#ifndef AMTLAB_SCENARIOS_ENGINE_RECORD_H
#define AMTLAB_SCENARIOS_ENGINE_RECORD_H

#include "scenarios/engine/strand.h"

/* The step's failure; a `must` one becomes the case's (or an error, in `finally`), the first counts. */
void record_failure(struct strand *strand);
/* The requirements that this step alone proves (`spec` of the step). */
void record_step_specs(struct strand *strand, bool has_passed);
/* A message or event that an actor saw. from and to are actors' names. */
void record_event(struct case_run *run, const struct item *item, const char *from, const char *to);
/* A fault acted: text says what it did. */
void record_fault(struct case_run *run, const char *id, const char *at, const char *verb,
                  const char *text);
/* Compares paths with matchers; on the first that does not fit notes a failure of kind "check". */
bool check_values(struct strand *strand, const struct value *matchers);

#endif
