/* Badges (harness.md 13.3): "conformance 148/152 must", as JSON for shields.io's endpoint and as SVG. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/format.h"
#include "scenarios/report/json_write.h"
#include "scenarios/report/report.h"

struct badge {
    const char *label;
    char message[64];
    bool is_bad, is_known; /* known: nothing fails but what is expected to */
};

/* Requirements that could be tried count; without any, the cases. */
static bool make_badge(const struct results *results, struct badge *badge)
{
    struct results_spec *specs = NULL;
    uint32_t count = 0;
    uint32_t tried = 0;
    uint32_t held = 0;
    struct results_totals totals;
    if (!results_specs(results, &specs, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_tried = specs[i].level == RESULT_MUST && specs[i].verdict != RESULT_UNSUPPORTED;
        tried += is_tried ? 1 : 0;
        held += is_tried && specs[i].verdict < RESULT_KNOWN_FAILURE ? 1 : 0;
    }
    amt_free(specs);
    results_count(results, &totals);
    *badge = (struct badge){
        .label = tried > 0 ? "conformance" : "amtlab",
        .is_bad = totals.bad > 0 || results->run.stale_first != NULL,
        .is_known = totals.by_verdict[RESULT_KNOWN_FAILURE] > 0 ||
                    totals.by_verdict[RESULT_FLAKY] > 0 || totals.by_verdict[RESULT_NOT_STRICT] > 0,
    };
    uint32_t good = totals.by_verdict[RESULT_PASSED] + totals.by_verdict[RESULT_INFO];
    uint32_t all = totals.cases - totals.by_verdict[RESULT_UNSUPPORTED];
    (void)snprintf(badge->message, sizeof badge->message, tried > 0 ? "%u/%u must" : "%u/%u cases",
                   tried > 0 ? held : good, tried > 0 ? tried : all);
    return true;
}

void report_badge_json(struct text *out, const struct results *results)
{
    struct badge badge;
    if (!make_badge(results, &badge)) {
        out->failed = true;
        return;
    }
    json_write_open(out, NULL, '{');
    json_write_number(out, "schemaVersion", 1);
    json_write_text(out, "label", badge.label);
    json_write_text(out, "message", badge.message);
    json_write_text(out, "color",
                    badge.is_bad     ? "red"
                    : badge.is_known ? "yellowgreen"
                                     : "brightgreen");
    json_write_close(out, '}');
    text_puts(out, "\n");
}

#define CHAR_WIDTH 7u /* of 11 px sans-serif, on the generous side; textLength fits the text */
#define PADDING    12u

void report_badge_svg(struct text *out, const struct results *results)
{
    struct badge badge;
    if (!make_badge(results, &badge)) {
        out->failed = true;
        return;
    }
    uint32_t left_text = (uint32_t)strlen(badge.label) * CHAR_WIDTH;
    uint32_t right_text = (uint32_t)strlen(badge.message) * CHAR_WIDTH;
    uint32_t left = left_text + PADDING;
    uint32_t whole = left + right_text + PADDING;
    text_printf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"20\" role=\"img\" "
                "aria-label=\"%s: %s\"><title>%s: %s</title>"
                "<rect width=\"%u\" height=\"20\" rx=\"3\" fill=\"#444d56\"/>"
                "<path d=\"M%u 0h%uq3 0 3 3v14q0 3-3 3h-%uz\" fill=\"%s\"/>"
                "<g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">"
                "<text x=\"%u\" y=\"14\" textLength=\"%u\" lengthAdjust=\"spacingAndGlyphs\">%s"
                "</text><text x=\"%u\" y=\"14\" textLength=\"%u\" "
                "lengthAdjust=\"spacingAndGlyphs\">%s</text></g></svg>\n",
                whole, badge.label, badge.message, badge.label, badge.message, whole, left,
                whole - left - 3, whole - left - 3,
                badge.is_bad     ? "#c62828"
                : badge.is_known ? "#8a7a12"
                                 : "#1e7e34",
                PADDING / 2, left_text, badge.label, left + PADDING / 2, right_text, badge.message);
}
