/* What the HTML pages share. */
#ifndef AMTLAB_SCENARIOS_REPORT_HTML_H
#define AMTLAB_SCENARIOS_REPORT_HTML_H

#include "scenarios/report/report.h"

/* Where something is written: a page of its own, or a part of the one file. */
struct html_place {
    bool is_alone;         /* everything is in one file */
    uint32_t page;         /* of the case in it, from 1; 0: a page of its own, or the overview */
    uint32_t events_drawn; /* in the one file, of a case that passed */
};
/* What ids of this place begin with: "" or "c12-". */
void html_anchor(struct text *out, const struct html_place *place);
/* The target of a link to a case; place->page is that case's. */
void html_case_link(struct text *out, const struct html_place *place, const struct result_case *c);
/* As html_head, with the style sheet inside. */
void html_head_alone(struct text *out, const char *title);
/* Header and main part, without <html> and <body>. */
void html_overview(struct text *out, const struct results *results, bool is_alone);
void html_case(struct text *out, const struct results *results, const struct result_case *c,
               const struct html_place *place);
bool html_run_is_bad(const struct results *results);

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
void html_source(struct text *out, const struct results *results, const struct result_case *c,
                 const struct html_place *place);
/* Which of the tree's sources that is, from 1; 0: none. */
uint32_t html_source_number(const struct results *results, const char *path);
/* A source without marks. */
void html_source_plain(struct text *out, const struct result_source *source);
/* What was wanted, what came, which bytes, which requirement, how to run it again. */
void html_failure(struct text *out, const struct result_case *c, const struct html_place *place);

#endif
