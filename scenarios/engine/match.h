/* Matchers (harness.md 6.6): does a value fit what a scenario expects, and if not, why. */
#ifndef AMTLAB_SCENARIOS_ENGINE_MATCH_H
#define AMTLAB_SCENARIOS_ENGINE_MATCH_H

#include "scenarios/engine/value.h"

/* Is this map a matcher, i.e. are all of its keys operators? An empty map is not. */
bool match_is_matcher(const struct value *expected);
/* actual NULL: not there. On false, why (may be NULL) gets a sentence part such as
 * "is 401, wanted 200". */
bool match(const struct value *expected, const struct value *actual, struct text *why);
/* The operators one after the other, NULL at the end; *words: "at least " ... */
const char *match_name(uint32_t index, const char **words);
/* In words: "200", "at least 75", "one of [6, 8]". */
void match_describe(const struct value *expected, struct text *out);
/* Wrong use of operators inside expected (unknown operator mixed with known ones, a bad expression,
 * `between` without two values): errors with their places. False when there was any. */
bool match_check(const struct value *expected, const char *path, struct amt_diag_list *errors);

#endif
