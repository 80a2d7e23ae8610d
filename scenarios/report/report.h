/*
 * Report writers: one format each, all over the same result tree. Each appends to a text; when memory
 * ran out, out->failed is set and nothing of it may be used. None prints a secret: the tree has none.
 */
#ifndef AMTLAB_SCENARIOS_REPORT_REPORT_H
#define AMTLAB_SCENARIOS_REPORT_REPORT_H

#include "base/diag.h"
#include "base/text.h"
#include "scenarios/report/results.h"

/* For people at a terminal, or in a log of a pipeline (harness.md 11.3). */
struct report_style {
    bool colour; /* escape sequences; the caller knows about NO_COLOR and terminals */
    bool plain;  /* words instead of signs, and nothing that needs a wide terminal */
};
/* "amtlab 1.0  seed 7  target mps=...  412 cases" and an empty line */
void report_terminal_header(struct text *out, const struct results *results,
                            const struct report_style *style);
/* The one line of a finished case, with its end. */
void report_terminal_case(struct text *out, const struct result_case *c,
                          const struct report_style *style);
/* What failed, where in the scenario, what was expected, which requirement, how to run it again.
 * Nothing for a case without a failure. */
void report_terminal_failure(struct text *out, const struct results *results,
                             const struct result_case *c, const struct report_style *style);
/* One row per chapter of the conformance suites in the run; nothing when there is one or none. */
void report_terminal_chapters(struct text *out, const struct results *results);
/* Counts, stale expectations, real time; report_path: "" or where the other reports are. */
void report_terminal_summary(struct text *out, const struct results *results,
                             const struct report_style *style, const char *report_path);
/* All of the above. */
void report_terminal(struct text *out, const struct results *results,
                     const struct report_style *style);

/* harness.md 13.1. Byte-identical for equal seeds in virtual time but for the object "real_time". */
void report_json(struct text *out, const struct results *results);
/* The tree that report_json wrote. NULL with diag: AMT_ECONFIG (not JSON, not a result file; path is
 * what the error names), AMT_ENOMEM. Words it does not know count as the worst. */
struct results *report_json_read(const char *text, const char *path, struct amt_diag *diag);
/* harness.md 13.2. */
void report_junit(struct text *out, const struct results *results);
/* TAP 14, harness.md 13.3. */
void report_tap(struct text *out, const struct results *results);
/* Markdown summary below 1 MiB; says what was cut (harness.md 13.3). */
void report_markdown(struct text *out, const struct results *results);

/* One object a line: the run, each case, stale expectations, totals (harness.md 13.3). The parts are for
 * who writes them while it runs. */
void report_jsonl(struct text *out, const struct results *results);
void report_jsonl_run(struct text *out, const struct results *results);
void report_jsonl_case(struct text *out, bool strict, const struct result_case *c);
void report_jsonl_end(struct text *out, const struct results *results);
/* SARIF 2.1.0 for code scanning (harness.md 13.5). */
void report_sarif(struct text *out, const struct results *results);
/* Workflow commands of GitHub that annotate files, at most ten of a kind (harness.md 13.5). */
void report_github(struct text *out, const struct results *results);
/* "conformance 148/152 must" for shields.io's endpoint, and as a picture (harness.md 13.3). */
void report_badge_json(struct text *out, const struct results *results);
void report_badge_svg(struct text *out, const struct results *results);
/* What changed from one run to a later one, for people. Returns whether nothing got worse: no case fails
 * that passed or was not there; also false, with out->failed, without memory. */
bool report_diff(struct text *out, const struct results *before, const struct results *after);

/* HTML, harness.md 13.4: one file with everything in it, or a folder of pages: the overview (index.html)
 * and one for each case. Neither needs network or script. */
void report_html(struct text *out, const struct results *results);
void report_html_index(struct text *out, const struct results *results);
void report_html_case(struct text *out, const struct results *results, const struct result_case *c);
/* The page's file name: safe characters only, different for each id. */
void report_html_name(struct text *out, const struct result_case *c);
/* The style sheet of all, style.css. */
void report_html_style(struct text *out);
struct report_picture {
    uint32_t max_events; /* of more, the last ones are drawn, and the picture says so */
    bool has_links;      /* a click on a message leads to #<anchor>e<n>, n from 1 */
    const char *anchor;  /* NULL: "" */
    bool stands_alone;   /* has its own style; otherwise style.css dresses it */
};
/* The case's messages as a picture, one SVG element: a lane per actor, an arrow per message. Nothing
 * for a case without messages and actors. */
void report_sequence_svg(struct text *out, const struct result_case *c,
                         const struct report_picture *picture);

/*
 * Writes the set of reports that spec asks for, "junit=F,json=F,html=F.html,sarif=F,...": folders are made,
 * files are replaced whole or not at all; "-" is standard output. A path of html that does not end in
 * ".html" is a folder; badge is a picture when it ends in ".svg". github also appends the Markdown summary
 * to the file that GITHUB_STEP_SUMMARY names, as a step of a workflow shall. AMT_ECONFIG: spec is not understood (hint: the formats);
 * AMT_ESYS: which file, why, what to do; AMT_ENOMEM; AMT_ESTATE: the tree is incomplete.
 */
enum amt_err report_write_files(const struct results *results, const char *spec,
                                struct amt_diag *diag) AMT_MUST_USE;
/* Only the check of spec, before anything runs. */
enum amt_err report_check_spec(const char *spec, struct amt_diag *diag) AMT_MUST_USE;

#endif
