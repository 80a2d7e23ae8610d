#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"

#define BLOCK_BYTES ((size_t)16 * 1024)

struct arena_block {
    struct arena_block *older;
    size_t size;
    max_align_t memory[]; /* keeps what follows aligned */
};

static size_t round_up(size_t size)
{
    size_t step = _Alignof(max_align_t);
    return (size + step - 1) / step * step;
}

static struct arena_block *new_block(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_block)) {
        return NULL;
    }
    struct arena_block *block = amt_alloc(sizeof *block + size);
    if (block != NULL) {
        block->size = size;
    }
    return block;
}

/* A large piece gets its own block behind the newest, whose free room stays in use. */
static void *alloc_large(struct arena *arena, size_t size)
{
    struct arena_block *block = new_block(size);
    if (block == NULL) {
        return NULL;
    }
    if (arena->blocks == NULL) {
        arena->blocks = block;
        arena->used = size;
    } else {
        block->older = arena->blocks->older;
        arena->blocks->older = block;
    }
    return block->memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = round_up(size == 0 ? 1 : size);
    if (size > BLOCK_BYTES / 4) {
        return alloc_large(arena, size);
    }
    if (arena->blocks == NULL || size > arena->blocks->size - arena->used) {
        struct arena_block *block = new_block(BLOCK_BYTES);
        if (block == NULL) {
            return NULL;
        }
        block->older = arena->blocks;
        arena->blocks = block;
        arena->used = 0;
    }
    void *piece = (char *)arena->blocks->memory + arena->used;
    arena->used += size;
    return piece;
}

char *arena_text(struct arena *arena, const char *chars, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : arena_alloc(arena, len + 1);
    if (copy != NULL && len > 0) {
        memcpy(copy, chars, len);
    }
    return copy;
}

void arena_fini(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->older;
        amt_free(block);
    }
    arena->used = 0;
}
