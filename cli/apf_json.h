/* APF messages as JSON, in the form of apf-vectors.yaml. */
#ifndef AMTLAB_CLI_APF_JSON_H
#define AMTLAB_CLI_APF_JSON_H

#include <jansson.h>

#include "base/diag.h"
#include "base/text.h"
#include "protocol/apf/fields.h"

/* "dev2mps" "mps2dev" "me2host" "host2me" and {"pending","json_control"} (NULL: none).
 * AMT_EMALFORMED with diag. */
enum amt_err apf_context_from_json(const char *direction, const json_t *context,
                                   struct apf_context *out, struct amt_diag *diag) AMT_MUST_USE;

/* The fields object: numbers as they are; text one character per byte, or NAME_hex when it holds
 * bytes outside 20..7e; data always data_hex; uuid canonical; reserved_zero a boolean. Appended. */
void apf_fields_to_json(const struct apf_message *message, const uint8_t *source, struct text *out);

/* The inverse: fills message, whose views refer to source (written front to back, *source_len bytes
 * used). AMT_EMALFORMED with diag: unknown type, unknown field, wrong value; AMT_ETOOBIG. */
enum amt_err apf_fields_from_json(const json_t *fields, struct apf_message *message,
                                  uint8_t *source, uint32_t source_cap, uint32_t *source_len,
                                  struct amt_diag *diag) AMT_MUST_USE;

#endif
