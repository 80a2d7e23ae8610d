/* A growable queue of bytes with a maximum from birth. Holds no memory while empty. */
#ifndef AMTLAB_BASE_BYTES_H
#define AMTLAB_BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Zero-initialised is empty with max 0 = CURSOR_MAX_BYTES. */
struct bytes {
    uint8_t *block;
    uint32_t start, len, cap, max;
};

/* First queued byte; NULL while empty. Valid until the next change. */
const uint8_t *bytes_front(const struct bytes *b);
/* AMT_ELIMIT when max would be passed, AMT_ENOMEM; nothing is appended then. */
enum amt_err bytes_append(struct bytes *b, const void *data, uint32_t len) AMT_MUST_USE;
/* Room for len more bytes at the back, to be filled and then counted with bytes_grown. */
uint8_t *bytes_reserve(struct bytes *b, uint32_t len);
void bytes_grown(struct bytes *b, uint32_t len);
/* Drops len bytes at the front (all of them if there are fewer). Amortised constant time per byte;
 * frees the block when nothing is left. */
void bytes_consume(struct bytes *b, uint32_t len);
void bytes_fini(struct bytes *b);

#endif
