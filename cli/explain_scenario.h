/* A scenario in words: who takes part, what goes wrong, what is done, which requirements it proves. */
#ifndef AMTLAB_CLI_EXPLAIN_SCENARIO_H
#define AMTLAB_CLI_EXPLAIN_SCENARIO_H

#include "scenarios/engine/suite.h"

#define EXPLAIN_REGISTRY_FILE "conformance/requirements.yaml"

/* Prints it with those of its cases that are in the suite. */
void explain_scenario(const struct suite *suite, const struct scenario *scenario);

#endif
