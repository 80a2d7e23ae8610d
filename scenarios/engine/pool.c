#include "scenarios/engine/pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_INTERNAL 70 /* harness.md 11.4 */

void *pool_checked(void *block)
{
    if (block == NULL) {
        (void)fputs("amtlab: out of memory: run fewer workers (-j) or smaller scenarios\n", stderr);
        exit(EXIT_INTERNAL);
    }
    return block;
}

void *pool_alloc(struct arena *pool, size_t size)
{
    return pool_checked(arena_alloc(pool, size));
}

char *pool_text(struct arena *pool, const char *chars, size_t len)
{
    return pool_checked(arena_text(pool, chars, len));
}

char *pool_strdup(struct arena *pool, const char *text)
{
    return pool_text(pool, text, strlen(text));
}

char *pool_printf(struct arena *pool, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *out = pool_alloc(pool, len < 0 ? 1 : (size_t)len + 1);
    if (len > 0) {
        va_start(arguments, format);
        (void)vsnprintf(out, (size_t)len + 1, format, arguments);
        va_end(arguments);
    }
    return out;
}

char *pool_take(struct arena *pool, struct text *t)
{
    if (t->failed) {
        (void)pool_checked(NULL);
    }
    char *out = pool_text(pool, text_chars(t), t->len);
    text_fini(t);
    return out;
}
