/*
 * Memory of one scenario or case: given out piece by piece, freed as a whole. The harness cannot judge
 * anything without memory, so running out ends the process (exit 70) with a line on stderr; when cases
 * run in workers that is the error of one case.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_POOL_H
#define AMTLAB_SCENARIOS_ENGINE_POOL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Zeroed, never NULL. */
void *pool_alloc(struct arena *pool, size_t size);
/* Copy of chars[0, len) with a 0 behind it; never NULL. */
char *pool_text(struct arena *pool, const char *chars, size_t len);
char *pool_strdup(struct arena *pool, const char *text);
char *pool_printf(struct arena *pool, const char *format, ...) AMT_PRINTF(2, 3);
/* Copies what t holds and empties t. */
char *pool_take(struct arena *pool, struct text *t);
/* Ends the process when block is NULL; returns it otherwise. */
void *pool_checked(void *block);

#endif
