/* Where in a JSON text something stands: jansson keeps no positions of what it has read. */
#ifndef AMTLAB_MPS_ACTIVATION_JSON_PLACE_H
#define AMTLAB_MPS_ACTIVATION_JSON_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_step {
    const char *key; /* letter case aside, the last of that name; NULL: an element of a list */
    size_t index;    /* of the list; in an object whose key is NULL: the value of that member */
};
/* The line and column, from 1, of what the steps lead to in a valid JSON text: the key of a member, or the
 * first character of an element. False, and both 0, when there is no such thing. */
bool json_place(const char *text, size_t len, const struct json_step *steps, uint32_t step_count,
                uint32_t *line, uint32_t *column);

#endif
