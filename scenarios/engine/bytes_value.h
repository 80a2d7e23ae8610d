/* Bytes as written in scenarios (harness.md 6.1): hex, text, base64, file, zeros, pattern, concat. */
#ifndef AMTLAB_SCENARIOS_ENGINE_BYTES_VALUE_H
#define AMTLAB_SCENARIOS_ENGINE_BYTES_VALUE_H

#include "base/bytes.h"
#include "scenarios/engine/value.h"

#define BYTES_VALUE_MAX   16777216u /* 16 MiB */
#define BYTES_VALUE_DEPTH 4u

/* Is there a key of that name that makes bytes? */
bool bytes_value_is_key(const char *key);
/* Appends what value describes: a text or bytes as they are, or a map with one of the keys above.
 * folder: where `file` paths start; NULL refuses them. AMT_ECONFIG with diag. */
enum amt_err bytes_value(const struct value *value, const char *folder, struct bytes *out,
                         struct amt_diag *diag) AMT_MUST_USE;

#endif
