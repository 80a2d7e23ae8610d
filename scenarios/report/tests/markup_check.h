/* A small strict reader of XML and of the HTML that the writers make: is it well-formed? */
#ifndef AMTLAB_SCENARIOS_REPORT_TESTS_MARKUP_CHECK_H
#define AMTLAB_SCENARIOS_REPORT_TESTS_MARKUP_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct markup_count {
    uint32_t elements;
    const char *counted; /* name of the element to count, or NULL */
    uint32_t matches;
    char error[200]; /* "" when well-formed */
};
/* Elements balanced, attributes quoted and not repeated, entities known, no control characters, no
 * bytes that are not UTF-8. is_html: void elements (meta, link, input) need no end. */
bool markup_is_well_formed(const char *text, bool is_html, struct markup_count *count);

#endif
