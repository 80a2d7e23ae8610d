/* Memory that is freed as a whole: for trees whose parts live and die together. */
#ifndef AMTLAB_BASE_ARENA_H
#define AMTLAB_BASE_ARENA_H

#include <stddef.h>

/* Zero-initialised is empty. */
struct arena {
    struct arena_block *blocks;
    size_t used; /* in the newest block */
};

/* Zeroed, aligned for every type; lives until arena_fini. NULL without memory. Size 0 counts as 1. */
void *arena_alloc(struct arena *arena, size_t size);
/* Copies chars[0, len) and puts a 0 behind. NULL without memory. */
char *arena_text(struct arena *arena, const char *chars, size_t len);
/* Frees everything; the arena is empty again. */
void arena_fini(struct arena *arena);

#endif
