#include "markup_check.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX      64u
#define NAME_MAX_BYTES 40u
#define ATTRIBUTES_MAX 16u

struct reader {
    const char *start, *at;
    bool is_html;
    char open[DEPTH_MAX][NAME_MAX_BYTES];
    uint32_t depth;
    struct markup_count *count;
};

static bool fail(struct reader *r, const char *what)
{
    (void)snprintf(r->count->error, sizeof r->count->error, "%s at byte %zu: %.60s", what,
                   (size_t)(r->at - r->start), r->at);
    return false;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == ':';
}

static bool read_name(struct reader *r, char out[static NAME_MAX_BYTES])
{
    size_t len = 0;
    while (is_name_char(r->at[len])) {
        len += 1;
    }
    if (len == 0 || len >= NAME_MAX_BYTES) {
        return fail(r, "no name");
    }
    memcpy(out, r->at, len);
    out[len] = '\0';
    r->at += len;
    return true;
}

static bool read_entity(struct reader *r)
{
    static const char *const k_named[] = { "&lt;", "&gt;", "&amp;", "&quot;", NULL };
    for (size_t i = 0; k_named[i] != NULL; i++) {
        if (strncmp(r->at, k_named[i], strlen(k_named[i])) == 0) {
            r->at += strlen(k_named[i]);
            return true;
        }
    }
    size_t digits = strncmp(r->at, "&#", 2) == 0 ? strspn(r->at + 2, "0123456789") : 0;
    if (digits == 0 || r->at[2 + digits] != ';') {
        return fail(r, "a bare ampersand");
    }
    r->at += digits + 3;
    return true;
}

/* One character of text or of an attribute's value. */
static bool read_char(struct reader *r)
{
    uint8_t c = (uint8_t)*r->at;
    if (c == '&') {
        return read_entity(r);
    }
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
        return fail(r, "a control character");
    }
    size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c >= 0x80 && (c < 0xc2 || c > 0xf4)) {
        return fail(r, "not UTF-8");
    }
    r->at += 1;
    for (; more > 0; more--, r->at++) {
        if (((uint8_t)*r->at & 0xc0) != 0x80) {
            return fail(r, "not UTF-8");
        }
    }
    return true;
}

static bool read_value(struct reader *r)
{
    if (strncmp(r->at, "=\"", 2) != 0) {
        return r->is_html ? true : fail(r, "an attribute without quotes");
    }
    r->at += 2;
    while (*r->at != '"') {
        if (*r->at == '\0' || *r->at == '<') {
            return fail(r, "an attribute that does not end");
        }
        if (!read_char(r)) {
            return false;
        }
    }
    r->at += 1;
    return true;
}

static bool read_attributes(struct reader *r)
{
    char names[ATTRIBUTES_MAX][NAME_MAX_BYTES];
    uint32_t count = 0;
    while (*r->at == ' ') {
        r->at += 1;
        if (count >= ATTRIBUTES_MAX || !read_name(r, names[count]) || !read_value(r)) {
            return r->count->error[0] != '\0' ? false : fail(r, "too many attributes");
        }
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(names[i], names[count]) == 0) {
                return fail(r, "an attribute twice");
            }
        }
        count += 1;
    }
    return true;
}

static bool is_void(const struct reader *r, const char *name)
{
    return r->is_html &&
           (strcmp(name, "meta") == 0 || strcmp(name, "link") == 0 || strcmp(name, "input") == 0);
}

static bool read_start(struct reader *r)
{
    char name[NAME_MAX_BYTES];
    r->at += 1;
    if (!read_name(r, name) || !read_attributes(r)) {
        return false;
    }
    r->count->elements += 1;
    bool is_match = r->count->counted != NULL && strcmp(name, r->count->counted) == 0;
    r->count->matches += is_match ? 1 : 0;
    bool is_empty = strncmp(r->at, "/>", 2) == 0;
    r->at += is_empty ? 1 : 0;
    if (*r->at != '>') {
        return fail(r, "a start tag that does not end");
    }
    r->at += 1;
    if (!is_empty && !is_void(r, name)) {
        if (r->depth >= DEPTH_MAX) {
            return fail(r, "too deep");
        }
        memcpy(r->open[r->depth++], name, sizeof name);
    }
    return true;
}

static bool read_end(struct reader *r)
{
    char name[NAME_MAX_BYTES];
    r->at += 2;
    if (!read_name(r, name)) {
        return false;
    }
    if (r->depth == 0 || strcmp(r->open[r->depth - 1], name) != 0) {
        return fail(r, "an end without its start");
    }
    r->depth -= 1;
    if (*r->at != '>') {
        return fail(r, "an end tag that does not end");
    }
    r->at += 1;
    return true;
}

static void skip_prologue(struct reader *r)
{
    static const char *const k_prologues[] = { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                                               "<!doctype html>\n", NULL };
    for (size_t i = 0; k_prologues[i] != NULL; i++) {
        if (strncmp(r->at, k_prologues[i], strlen(k_prologues[i])) == 0) {
            r->at += strlen(k_prologues[i]);
        }
    }
}

bool markup_is_well_formed(const char *text, bool is_html, struct markup_count *count)
{
    struct reader r = { .start = text, .at = text, .is_html = is_html, .count = count };
    count->error[0] = '\0';
    skip_prologue(&r);
    while (*r.at != '\0') {
        bool is_read = *r.at != '<'     ? read_char(&r)
                       : r.at[1] == '/' ? read_end(&r)
                                        : read_start(&r);
        if (!is_read) {
            return false;
        }
    }
    return r.depth == 0 ? true : fail(&r, "elements that do not end");
}
