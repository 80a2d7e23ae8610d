/* Secrets: bounded, wiped, compared in constant time, never printed. */
#ifndef AMTLAB_BASE_SECRET_H
#define AMTLAB_BASE_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define SECRET_MAX_BYTES 256

struct secret {
    uint8_t bytes[SECRET_MAX_BYTES];
    uint32_t len;
};

/* AMT_ETOOBIG above SECRET_MAX_BYTES; the secret is then empty. */
enum amt_err secret_set(struct secret *secret, const void *bytes, uint32_t len) AMT_MUST_USE;
void secret_fini(struct secret *secret);
/* Time depends on neither content; lengths may show. */
bool secret_equal(const struct secret *secret, const uint8_t *bytes, uint32_t len);

#endif
