/* UUIDs: canonical text, and the mixed-endian SMBIOS form that APF carries (apf.md 3.18). */
#ifndef AMTLAB_BASE_UUID_H
#define AMTLAB_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define UUID_TEXT_BYTES 37 /* with the terminating 0 */

/* Bytes in the order of the canonical text. */
struct uuid {
    uint8_t bytes[16];
};

/* Canonical form, either case; anything else is AMT_EMALFORMED. */
enum amt_err uuid_parse(const char *text, struct uuid *uuid) AMT_MUST_USE;
/* Lower case. */
void uuid_format(const struct uuid *uuid, char out[static UUID_TEXT_BYTES]);
void uuid_from_wire(const uint8_t wire[static 16], struct uuid *uuid);
void uuid_to_wire(const struct uuid *uuid, uint8_t wire[static 16]);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_zero(const struct uuid *uuid);

#endif
