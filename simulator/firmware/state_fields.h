/* Reading and writing the fields of a part's saved state; every read checks what it gets. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_STATE_FIELDS_H
#define AMTLAB_SIMULATOR_FIRMWARE_STATE_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/* All writers take a NULL object quietly and return false without memory. */
bool state_put_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len);
bool state_put_u64(json_t *object, const char *key, uint64_t value);
bool state_put_bool(json_t *object, const char *key, bool value);
/* NULL text: no field. */
bool state_put_text(json_t *object, const char *key, const char *text);

/* All readers leave the value alone when the field is absent. AMT_ECONFIG with diag, which names the
 * field, when it is of another type, too long or out of range. */
enum amt_err state_get_hex(const json_t *object, const char *key, uint8_t *bytes, size_t len,
                           struct amt_diag *diag) AMT_MUST_USE;
/* Up to cap bytes; *len gets how many. */
enum amt_err state_get_bytes(const json_t *object, const char *key, uint8_t *bytes, size_t cap,
                             size_t *len, struct amt_diag *diag) AMT_MUST_USE;
enum amt_err state_get_u64(const json_t *object, const char *key, uint64_t max, uint64_t *value,
                           struct amt_diag *diag) AMT_MUST_USE;
enum amt_err state_get_u32(const json_t *object, const char *key, uint32_t max, uint32_t *value,
                           struct amt_diag *diag) AMT_MUST_USE;
enum amt_err state_get_bool(const json_t *object, const char *key, bool *value,
                            struct amt_diag *diag) AMT_MUST_USE;
/* Copies into out[0, cap) with its 0. */
enum amt_err state_get_text(const json_t *object, const char *key, char *out, size_t cap,
                            struct amt_diag *diag) AMT_MUST_USE;

#endif
