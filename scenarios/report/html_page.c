#include <string.h>

#include "scenarios/report/html.h"

#define NAME_CHARS_MAX 80u

void html_text(struct text *out, const char *text)
{
    text_xml(out, text, strlen(text));
}

static void begin_head(struct text *out, const char *title)
{
    text_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_text(out, title);
    text_puts(out, "</title>\n");
}

void html_head(struct text *out, const char *title)
{
    begin_head(out, title);
    text_puts(out, "<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n");
}

void html_head_alone(struct text *out, const char *title)
{
    begin_head(out, title);
    text_puts(out, "<style>\n");
    report_html_style(out);
    text_puts(out, "</style>\n</head>\n<body>\n");
}

void html_foot(struct text *out, const struct results *results)
{
    text_puts(out, "<footer>amtlab ");
    html_text(out, results->run.version);
    text_printf(out, " \xc2\xb7 seed %llu", (unsigned long long)results->run.seed);
    if (results->run.started[0] != '\0') {
        text_puts(out, " \xc2\xb7 ");
        html_text(out, results->run.started);
    }
    text_puts(out, "</footer>\n</body>\n</html>\n");
}

const char *html_verdict_words(enum result_verdict verdict)
{
    switch (verdict) {
    case RESULT_NOT_STRICT:
        return "not strict";
    case RESULT_KNOWN_FAILURE:
        return "known failure";
    case RESULT_UNEXPECTED_PASS:
        return "unexpected pass";
    case RESULT_PASSED:
    case RESULT_INFO:
    case RESULT_FLAKY:
    case RESULT_UNSUPPORTED:
    case RESULT_FAILED:
    case RESULT_ERROR:
    case RESULT_VERDICT_COUNT:
        break;
    }
    return result_verdict_name(verdict);
}

void html_verdict(struct text *out, enum result_verdict verdict)
{
    text_printf(out, "<span class=\"pill v-%s\" title=\"%s\">%s</span>",
                result_verdict_name(verdict), result_verdict_meaning(verdict),
                html_verdict_words(verdict));
}

void html_term(struct text *out, const char *name)
{
    text_puts(out, "<dt>");
    html_text(out, name);
    text_puts(out, "</dt><dd>");
}

/* FNV-1a: different ids that look alike in safe characters get different names. */
static uint64_t hash_of(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *id != '\0'; id++) {
        hash = (hash ^ (uint8_t)*id) * 0x100000001b3u;
    }
    return hash;
}

static bool is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void html_anchor(struct text *out, const struct html_place *place)
{
    if (place->page > 0) {
        text_printf(out, "c%u-", place->page);
    }
}

void html_case_link(struct text *out, const struct html_place *place, const struct result_case *c)
{
    if (place->is_alone) {
        text_printf(out, "#c%u", place->page);
    } else {
        report_html_name(out, c);
    }
}

void report_html_name(struct text *out, const struct result_case *c)
{
    text_puts(out, "case-");
    for (size_t i = 0; c->id[i] != '\0' && i < NAME_CHARS_MAX; i++) {
        text_append(out, is_safe(c->id[i]) ? &c->id[i] : "-", 1);
    }
    text_printf(out, "-%016llx.html", (unsigned long long)hash_of(c->id));
}
