#include "scenarios/report/format.h"

#include <stdio.h>
#include <string.h>

#define US_PER_MS     1000u
#define US_PER_SECOND 1000000u

#define HEX_LINE_BYTES  32u
#define HEX_SHOWN_BYTES 96u
#define HEX_GROUP_BYTES 4u

void format_took(struct text *out, uint64_t us)
{
    uint64_t seconds = us / US_PER_SECOND;
    if (seconds < 60) {
        uint64_t hundredths = us % US_PER_SECOND / 10000;
        text_printf(out, "%llu.%02llus", (unsigned long long)seconds,
                    (unsigned long long)hundredths);
    } else if (seconds < 3600) {
        text_printf(out, "%llum%02llus", (unsigned long long)(seconds / 60),
                    (unsigned long long)(seconds % 60));
    } else {
        text_printf(out, "%lluh%02llum", (unsigned long long)(seconds / 3600),
                    (unsigned long long)(seconds % 3600 / 60));
    }
}

/* value / scale with as many decimals as it needs, three at most */
static void decimal(struct text *out, uint64_t value, uint64_t scale, const char *unit)
{
    uint64_t thousandths = value % scale * 1000 / scale;
    text_printf(out, "%llu", (unsigned long long)(value / scale));
    if (thousandths != 0) {
        char digits[24]; /* of any 64 bit number: what gcc can see */
        (void)snprintf(digits, sizeof digits, "%03llu", (unsigned long long)thousandths);
        size_t len = 3;
        while (digits[len - 1] == '0') {
            len -= 1;
        }
        text_puts(out, ".");
        text_append(out, digits, len);
    }
    text_puts(out, unit);
}

void format_moment(struct text *out, uint64_t us)
{
    if (us == 0) {
        text_puts(out, "0");
    } else if (us < US_PER_MS) {
        text_printf(out, "%llu\xc2\xb5s", (unsigned long long)us);
    } else if (us < US_PER_SECOND) {
        decimal(out, us, US_PER_MS, "ms");
    } else if (us < 60ull * US_PER_SECOND) {
        decimal(out, us, US_PER_SECOND, "s");
    } else {
        format_took(out, us);
    }
}

void format_size(struct text *out, uint64_t bytes)
{
    static const char *const k_units[] = { "KiB", "MiB", "GiB" };
    if (bytes < 1024) {
        text_printf(out, "%llu B", (unsigned long long)bytes);
        return;
    }
    size_t unit = 0;
    uint64_t scale = 1024;
    while (unit < 2 && bytes / scale >= 1024) {
        scale *= 1024;
        unit += 1;
    }
    text_printf(out, "%llu.%llu %s", (unsigned long long)(bytes / scale),
                (unsigned long long)(bytes % scale * 10 / scale), k_units[unit]);
}

void format_seconds(struct text *out, uint64_t us)
{
    text_printf(out, "%llu.%06llu", (unsigned long long)(us / US_PER_SECOND),
                (unsigned long long)(us % US_PER_SECOND));
}

static const char *count_words(enum result_verdict verdict, uint32_t count)
{
    switch (verdict) {
    case RESULT_PASSED:
        return "passed";
    case RESULT_INFO:
        return "info";
    case RESULT_NOT_STRICT:
        return "not strict";
    case RESULT_KNOWN_FAILURE:
        return count == 1 ? "known failure" : "known failures";
    case RESULT_FLAKY:
        return "flaky";
    case RESULT_UNSUPPORTED:
        return "unsupported";
    case RESULT_UNEXPECTED_PASS:
        return count == 1 ? "unexpected pass" : "unexpected passes";
    case RESULT_FAILED:
        return "failed";
    case RESULT_ERROR:
        return count == 1 ? "error" : "errors";
    case RESULT_VERDICT_COUNT:
        break;
    }
    return "?";
}

void format_count(struct text *out, enum result_verdict verdict, uint32_t count)
{
    text_printf(out, "%u %s", count, count_words(verdict, count));
}

void format_totals(struct text *out, const struct results *results)
{
    static const enum result_verdict k_order[RESULT_VERDICT_COUNT] = {
        RESULT_PASSED,          RESULT_FAILED,      RESULT_ERROR,
        RESULT_UNEXPECTED_PASS, RESULT_FLAKY,       RESULT_KNOWN_FAILURE,
        RESULT_NOT_STRICT,      RESULT_UNSUPPORTED, RESULT_INFO,
    };
    struct results_totals totals;
    results_count(results, &totals);
    text_printf(out, "%u ran: ", totals.cases);
    for (size_t i = 0; i < RESULT_VERDICT_COUNT; i++) {
        uint32_t count = totals.by_verdict[k_order[i]];
        if (i == 0 || count > 0) {
            text_puts(out, i == 0 ? "" : ", ");
            format_count(out, k_order[i], count);
        }
    }
}

void format_lines(struct text *out, const char *text, const char *indent, escape_fn *escape)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        escape(out, text, len);
        text += len;
        if (text[0] == '\n' && text[1] != '\0') {
            text_puts(out, "\n");
            text_puts(out, indent);
        }
        text += *text == '\n' ? 1 : 0;
    }
}

void format_wire_hex(struct text *out, const struct result_wire *wire, const char *indent)
{
    uint32_t first = 0;
    if (wire->mark > HEX_SHOWN_BYTES / 2 && wire->len > HEX_SHOWN_BYTES) {
        first = (wire->mark - HEX_SHOWN_BYTES / 2) / HEX_LINE_BYTES * HEX_LINE_BYTES;
    }
    uint32_t end = wire->len - first > HEX_SHOWN_BYTES ? first + HEX_SHOWN_BYTES : wire->len;
    if (first > 0) {
        text_printf(out, "(%u bytes before) ", first);
    }
    for (uint32_t i = first; i < end; i++) {
        uint32_t column = (i - first) % HEX_LINE_BYTES;
        if (column == 0 && i > first) {
            text_printf(out, "\n%s", indent);
        } else if (column % HEX_GROUP_BYTES == 0 && i > first) {
            text_puts(out, " ");
        }
        if (i == wire->mark) {
            text_puts(out, "\xe2\x80\x96"); /* double bar */
        }
        text_hex(out, &wire->bytes[i], 1);
    }
    if (end < wire->len) {
        text_printf(out, " (%u more bytes)", wire->len - end);
    }
}

bool format_is_violated(const struct result_case *c, const struct result_spec *spec)
{
    bool any_marked = false;
    for (const struct result_spec *s = c->spec_first; s != NULL; s = s->next) {
        any_marked = any_marked || s->verdict > RESULT_NOT_STRICT;
    }
    return !any_marked || spec->verdict > RESULT_NOT_STRICT;
}

size_t format_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((uint8_t)*text & 0xc0) == 0x80 ? 0 : 1;
    }
    return width;
}
