#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The countdown belongs to tests, which allocate from one thread. */
static uint64_t fail_in;

static int must_fail(void)
{
    if (fail_in == 0) {
        return 0;
    }
    if (fail_in > 1) {
        fail_in -= 1;
        return 0;
    }
    return 1;
}

void amt_memory_fail_after(uint64_t k)
{
    fail_in = k;
}

void *amt_alloc(size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    return calloc(1, size == 0 ? 1 : size);
}

void *amt_alloc_array(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return amt_alloc(count * size);
}

void *amt_resize(void *block, size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    return realloc(block, size == 0 ? 1 : size);
}

void amt_free(void *block)
{
    free(block);
}

char *amt_strdup(const char *text)
{
    return amt_memdup(text, strlen(text));
}

void *amt_memdup(const void *bytes, size_t len)
{
    if (len == SIZE_MAX) {
        return NULL;
    }
    char *copy = amt_alloc(len + 1);
    if (copy != NULL && len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

void amt_wipe(void *block, size_t len)
{
    volatile uint8_t *p = block;
    for (size_t i = 0; i < len; i++) {
        p[i] = 0;
    }
}
