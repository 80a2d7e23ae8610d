/* One JSON object per line in, one line out: the form of `amtlab decode` and `amtlab encode`. */
#ifndef AMTLAB_CLI_JSON_LINES_H
#define AMTLAB_CLI_JSON_LINES_H

#include <jansson.h>

#include "base/diag.h"
#include "base/text.h"

/* Answers one object into out (a whole JSON object). AMT_OK, or an error whose diag becomes
 * {"verdict":"invalid","error":"line N: ..."}. */
typedef enum amt_err json_line_fn(const json_t *object, struct text *out, struct amt_diag *diag);

/* Reads standard input to its end. Returns CLI_OK, or CLI_INVALID when a line was invalid. */
int cli_json_lines(json_line_fn *answer);

#endif
