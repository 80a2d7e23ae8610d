#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static bool make_room(struct text *t, size_t more)
{
    if (t->failed) {
        return false;
    }
    size_t wanted = t->len + more + 1;
    if (wanted <= t->cap) {
        return true;
    }
    size_t cap = t->cap == 0 ? 128 : t->cap;
    while (cap < wanted) {
        cap *= 2;
    }
    char *chars = amt_resize(t->chars, cap);
    if (chars == NULL) {
        t->failed = true;
        return false;
    }
    t->chars = chars;
    t->cap = cap;
    return true;
}

void text_append(struct text *t, const char *chars, size_t len)
{
    if (!make_room(t, len) || t->chars == NULL) {
        return;
    }
    if (len > 0) {
        memcpy(t->chars + t->len, chars, len);
    }
    t->len += len;
    t->chars[t->len] = '\0';
}

void text_puts(struct text *t, const char *chars)
{
    text_append(t, chars, strlen(chars));
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0 || !make_room(t, (size_t)len)) {
        t->failed = true;
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(t->chars + t->len, (size_t)len + 1, format, arguments);
    va_end(arguments);
    t->len += (size_t)len;
}

void text_hex(struct text *t, const uint8_t *bytes, size_t len)
{
    static const char k_digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        const char pair[2] = { k_digits[bytes[i] >> 4], k_digits[bytes[i] & 15] };
        text_append(t, pair, 2);
    }
}

const char *text_chars(const struct text *t)
{
    return t->chars == NULL ? "" : t->chars;
}

char *text_take(struct text *t)
{
    if (!t->failed && t->chars == NULL) {
        text_append(t, "", 0);
    }
    if (t->failed) {
        text_fini(t);
        return NULL;
    }
    char *chars = t->chars;
    memset(t, 0, sizeof *t);
    return chars;
}

void text_fini(struct text *t)
{
    amt_free(t->chars);
    memset(t, 0, sizeof *t);
}
