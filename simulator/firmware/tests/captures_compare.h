/* Envelopes compared as a device writes them: elements, their order, prefixes, declarations, values. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_CAPTURES_COMPARE_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_CAPTURES_COMPARE_H

#include "base/arena.h"
#include "base/text.h"

/* An element as written: prefixed name, attributes in their order. White space that a capture has
 * between elements, around texts and in tags is gone. */
struct written {
    const char *name;       /* "g:Antecedent" */
    const char *attributes; /* "xmlns:a=\"...\" xmlns:b=..." */
    const char *text;       /* trimmed, escaped as written */
    struct written *first, *next;
};
/* The root element. NULL for what is no XML (or without memory). */
struct written *written_read(struct arena *arena, const char *xml);
/* The first descendant with that local name; NULL. */
const struct written *written_find(const struct written *node, const char *local_name);
/* Its name without prefix. */
const char *written_local(const struct written *node);

/* What differs, one line each: "kind path" and, behind " -- ", what was expected and found. Kinds:
 * value, missing, extra, order, attributes, prefix. Header/MessageID and EnumerationContext are only
 * checked for their form. */
struct differences {
    struct arena *arena;
    const char *lines[256];
    uint32_t count;
};
/* with_values: also texts have to be equal; without, they have to be of one kind (number, boolean,
 * other text). */
void written_compare(const struct written *expected, const struct written *found, bool with_values,
                     struct differences *differences);

#endif
