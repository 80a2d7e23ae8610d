/*
 * JSON Schema (draft 7) of scenario files, made from the tables that the parser checks with, so that an
 * editor knows what the parser knows (harness.md 10).
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_SCHEMA_H
#define AMTLAB_SCENARIOS_ENGINE_SCHEMA_H

#include "base/text.h"

/* Appends the schema of scenarios and of included and called files. AMT_ENOMEM. */
enum amt_err schema_scenario(struct text *out) AMT_MUST_USE;
/* Appends the schema of device profiles. AMT_ENOMEM. */
enum amt_err schema_profile(struct text *out) AMT_MUST_USE;

#endif
