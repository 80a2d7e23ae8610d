/* The only place that calls malloc and free; tests can make the k-th allocation fail. */
#ifndef AMTLAB_BASE_MEMORY_H
#define AMTLAB_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory, to be freed with amt_free. NULL when there is none. Size 0 counts as 1. */
void *amt_alloc(size_t size) __attribute__((malloc));
/* Zeroed array; NULL also when count * size overflows. */
void *amt_alloc_array(size_t count, size_t size) __attribute__((malloc));
/* Grows or shrinks; NULL leaves the old block untouched. New bytes are not zeroed. */
void *amt_resize(void *block, size_t size);
/* NULL is allowed. */
void amt_free(void *block);
/* Copies of text and bytes; the byte copy has a 0 behind it. NULL without memory. */
char *amt_strdup(const char *text);
void *amt_memdup(const void *bytes, size_t len);
/* Overwrites in a way the compiler keeps. */
void amt_wipe(void *block, size_t len);

/* Tests: the k-th allocation from now on (1 = next) and all later ones fail; 0 switches it off. */
void amt_memory_fail_after(uint64_t k);

#endif
