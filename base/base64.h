/* Base64, strict as AMT is from release 7 on (wsman.md 2.7): one text for each value of bytes. */
#ifndef AMTLAB_BASE_BASE64_H
#define AMTLAB_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define BASE64_BYTES(chars) (((chars) / 4 + 1) * 3) /* room that is always enough */

/* Appends the text of bytes[0, len), with padding and without line breaks. */
void base64_encode(struct text *out, const void *bytes, size_t len);
/* chars[0, len) to out, which has room for BASE64_BYTES(len). AMT_EMALFORMED: a character outside the
 * alphabet, a length that is no multiple of 4, padding in the middle or with bits that are not 0. */
enum amt_err base64_decode(const char *chars, size_t len, uint8_t *out,
                           size_t *out_len) AMT_MUST_USE;

#endif
