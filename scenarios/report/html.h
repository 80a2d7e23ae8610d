/* What the HTML pages share. */
#ifndef AMTLAB_SCENARIOS_REPORT_HTML_H
#define AMTLAB_SCENARIOS_REPORT_HTML_H

#include "scenarios/report/report.h"

/* From the doctype to the opening of <body>; title is plain text. */
void html_head(struct text *out, const char *title);
void html_foot(struct text *out, const struct results *results);
/* Plain text, escaped. */
void html_text(struct text *out, const char *text);
/* <span class="pill v-failed">failed</span> */
void html_verdict(struct text *out, enum result_verdict verdict);
/* "not strict" for people */
const char *html_verdict_words(enum result_verdict verdict);
/* "<dt>name</dt><dd>", the value and its end follow */
void html_term(struct text *out, const char *name);
/* The rules of sequence diagrams, for style.css and for pictures that stand alone. */
void html_sequence_style(struct text *out);
/* The scenario's source, each line marked by its step's verdict, the failure shown under its line. */
void html_source(struct text *out, const struct results *results, const struct result_case *c);
/* What was wanted, what came, which bytes, which requirement, how to run it again. */
void html_failure(struct text *out, const struct result_case *c);

#endif
