/* Strict parsers: the whole text is the value, or it is an error. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static int digit_of(char c, unsigned base)
{
    int value = -1;
    if (c >= '0' && c <= '9') {
        value = c - '0';
    } else if (c >= 'a' && c <= 'f') {
        value = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
        value = c - 'A' + 10;
    }
    return value < (int)base ? value : -1;
}

/* Digits at *text, which moves behind them. AMT_EMALFORMED without a digit, AMT_ETOOBIG. */
static enum amt_err take_digits(const char **text, unsigned base, uint64_t *value)
{
    const char *p = *text;
    uint64_t sum = 0;
    int digit = digit_of(*p, base);
    if (digit < 0) {
        return AMT_EMALFORMED;
    }
    for (; digit >= 0; digit = digit_of(*++p, base)) {
        if (sum > (UINT64_MAX - (uint64_t)digit) / base) {
            return AMT_ETOOBIG;
        }
        sum = sum * base + (uint64_t)digit;
    }
    *text = p;
    *value = sum;
    return AMT_OK;
}

enum amt_err text_parse_u64(const char *text, uint64_t max, uint64_t *value)
{
    unsigned base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    uint64_t sum = 0;
    TRY(take_digits(&text, base, &sum));
    if (*text != '\0') {
        return AMT_EMALFORMED;
    }
    if (sum > max) {
        return AMT_ETOOBIG;
    }
    *value = sum;
    return AMT_OK;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* number[.fraction]unit; the fraction may not be finer than the smallest unit. */
static enum amt_err parse_with_unit(const char *text, const struct unit *units, uint64_t *value)
{
    uint64_t whole = 0;
    uint64_t fraction = 0;
    uint64_t fraction_scale = 1;
    TRY(take_digits(&text, 10, &whole));
    if (*text == '.') {
        const char *first = ++text;
        TRY(take_digits(&text, 10, &fraction));
        if (text - first > 6) {
            return AMT_EMALFORMED;
        }
        for (; first < text; first++) {
            fraction_scale *= 10;
        }
    }
    for (; units->name != NULL; units++) {
        if (strcmp(units->name, text) == 0) {
            uint64_t part = fraction * units->factor; /* < 10^6 * largest factor: fits */
            if (part % fraction_scale != 0) {
                return AMT_EMALFORMED;
            }
            part /= fraction_scale;
            if (whole > (UINT64_MAX - part) / units->factor) {
                return AMT_ETOOBIG;
            }
            *value = whole * units->factor + part;
            return AMT_OK;
        }
    }
    return AMT_EMALFORMED;
}

enum amt_err text_parse_duration(const char *text, uint64_t *us)
{
    static const struct unit k_units[] = { { "us", 1 },
                                           { "ms", 1000 },
                                           { "s", 1000000 },
                                           { "m", 60u * 1000000 },
                                           { "h", (uint64_t)3600 * 1000000 },
                                           { "d", (uint64_t)86400 * 1000000 },
                                           { NULL, 0 } };
    if (strcmp(text, "0") == 0) {
        *us = 0;
        return AMT_OK;
    }
    return parse_with_unit(text, k_units, us);
}

enum amt_err text_parse_size(const char *text, uint64_t *bytes)
{
    static const struct unit k_units[] = { { "", 1 },           { "B", 1 },
                                           { "KiB", 1024 },     { "MiB", 1024u * 1024 },
                                           { "GiB", 1u << 30 }, { NULL, 0 } };
    return parse_with_unit(text, k_units, bytes);
}

enum amt_err text_parse_hex(const char *text, uint8_t *out, size_t cap, size_t *len)
{
    size_t count = 0;
    *len = 0;
    while (*text != '\0') {
        if (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r') {
            text++;
            continue;
        }
        int high = digit_of(text[0], 16);
        int low = high < 0 ? -1 : digit_of(text[1], 16);
        if (low < 0) {
            return AMT_EMALFORMED;
        }
        if (count >= cap) {
            return AMT_ETOOBIG;
        }
        out[count++] = (uint8_t)(high * 16 + low);
        text += 2;
    }
    *len = count;
    return AMT_OK;
}

void text_format_duration(uint64_t us, char out[static 24])
{
    static const struct unit k_units[] = { { "h", (uint64_t)3600 * 1000000 },
                                           { "m", 60u * 1000000 },
                                           { "s", 1000000 },
                                           { "ms", 1000 },
                                           { NULL, 0 } };
    for (const struct unit *unit = k_units; unit->name != NULL; unit++) {
        if (us != 0 && us % unit->factor == 0) {
            (void)snprintf(out, 24, "%llu%s", (unsigned long long)(us / unit->factor), unit->name);
            return;
        }
    }
    if (us >= 1000000) {
        (void)snprintf(out, 24, "%llu.%03llus", (unsigned long long)(us / 1000000),
                       (unsigned long long)(us % 1000000 / 1000));
    } else if (us >= 1000) {
        (void)snprintf(out, 24, "%llu.%03llums", (unsigned long long)(us / 1000),
                       (unsigned long long)(us % 1000));
    } else if (us > 0) {
        (void)snprintf(out, 24, "%lluus", (unsigned long long)us);
    } else {
        (void)snprintf(out, 24, "0s");
    }
}

#define NEAREST_MAX_CHARS 40u

/* Optimal string alignment distance of two short words. */
static unsigned distance(const char *a, const char *b)
{
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len > NEAREST_MAX_CHARS || b_len > NEAREST_MAX_CHARS) {
        return NEAREST_MAX_CHARS;
    }
    unsigned rows[3][NEAREST_MAX_CHARS + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *before = rows[(i + 2) % 3];
        const unsigned *two_before = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned best = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            best = before[j] + 1 < best ? before[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (is_swap && two_before[j - 2] + 1 < best) {
                best = two_before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[a_len % 3][b_len];
}

int text_nearest(const char *word, const char *const *candidates)
{
    int best = -1;
    unsigned best_distance = (unsigned)(strlen(word) / 3 + 2);
    for (int i = 0; candidates[i] != NULL; i++) {
        unsigned d = distance(word, candidates[i]);
        if (d < best_distance) {
            best = i;
            best_distance = d;
        }
    }
    return best;
}
