/* What several writers need: durations, counts in words, hex, indentation. */
#ifndef AMTLAB_SCENARIOS_REPORT_FORMAT_H
#define AMTLAB_SCENARIOS_REPORT_FORMAT_H

#include "base/text.h"
#include "scenarios/report/results.h"

/* One of the text_* escaping writers. */
typedef void escape_fn(struct text *out, const char *chars, size_t len);

/* "0.02s" "12.50s" "3m07s" "2h00m": how long something took, for people */
void format_took(struct text *out, uint64_t us);
/* "0" "250µs" "4.1ms" "1.234s" "1m02s": a moment in a trace */
void format_moment(struct text *out, uint64_t us);
/* "0" "93 B" "4.0 KiB" */
void format_size(struct text *out, uint64_t bytes);
/* Seconds with six decimals, "0.020000": for JUnit */
void format_seconds(struct text *out, uint64_t us);
/* "411 ran: 396 passed, 1 failed, 9 known failures" */
void format_totals(struct text *out, const struct results *results);
/* "1 failed", "9 known failures": a count of a verdict in words */
void format_count(struct text *out, enum result_verdict verdict, uint32_t count);

/* Writes text through escape; each line but the first begins with indent. */
void format_lines(struct text *out, const char *text, const char *indent, escape_fn *escape);
/* bytes in groups of four, lines of 32, at most 96 around mark; each line but the first begins with
 * indent. Before the byte at mark stands a bar. */
void format_wire_hex(struct text *out, const struct result_wire *wire, const char *indent);
/* The requirements that a failure of this case violates: those with a bad verdict, or all of them. */
bool format_is_violated(const struct result_case *c, const struct result_spec *spec);
/* Characters of a UTF-8 text. */
size_t format_width(const char *text);

#endif
