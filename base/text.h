/* Text: a growing builder with escaping writers, and strict parsers. */
#ifndef AMTLAB_BASE_TEXT_H
#define AMTLAB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Zero-initialised is empty. `failed` sticks after an allocation failure: write all, test once. */
struct text {
    char *chars; /* 0-terminated once something was written; NULL before */
    size_t len, cap;
    bool failed;
};

void text_append(struct text *t, const char *chars, size_t len);
void text_puts(struct text *t, const char *chars);
void text_printf(struct text *t, const char *format, ...) AMT_PRINTF(2, 3);
void text_hex(struct text *t, const uint8_t *bytes, size_t len); /* lower case, no separators */
/* JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void text_json(struct text *t, const char *chars, size_t len);
/* Escaped for XML and HTML text and attributes; characters XML forbids become U+FFFD. */
void text_xml(struct text *t, const char *chars, size_t len);
/* logfmt value: bare when it is plain, else quoted; controls and non-ASCII as \xNN. */
void text_logfmt(struct text *t, const char *chars, size_t len);
/* For a terminal: UTF-8 stays, but what could steer the terminal or turn the reading direction does
 * not: controls and bytes that are not UTF-8 become \xNN, direction marks \u{N}; a tab is a space. */
void text_terminal(struct text *t, const char *chars, size_t len);
/* "" instead of NULL. */
const char *text_chars(const struct text *t);
/* Hands the characters over (amt_free), leaves t empty; NULL after a failure. */
char *text_take(struct text *t);
void text_fini(struct text *t);

/* Whole-string decimal (or 0x…) number up to max. AMT_EMALFORMED, AMT_ETOOBIG. */
enum amt_err text_parse_u64(const char *text, uint64_t max, uint64_t *value) AMT_MUST_USE;
/* "250us" "40ms" "10s" "2m" "3h" "1d" "1.5s" "0" to microseconds. AMT_EMALFORMED, AMT_ETOOBIG. */
enum amt_err text_parse_duration(const char *text, uint64_t *us) AMT_MUST_USE;
/* "512B" "64KiB" "1MiB" "2GiB" or plain bytes. */
enum amt_err text_parse_size(const char *text, uint64_t *bytes) AMT_MUST_USE;
/* Hex digits, white space allowed between bytes, to out[0, cap). *len gets the count. */
enum amt_err text_parse_hex(const char *text, uint8_t *out, size_t cap, size_t *len) AMT_MUST_USE;
/* Writes a duration the short way ("1.5s", "90s", "15m") into out. */
void text_format_duration(uint64_t us, char out[static 24]);
/* Index of the candidate (NULL-terminated list) nearest to word, or -1 when none is near. */
int text_nearest(const char *word, const char *const *candidates);

#endif
