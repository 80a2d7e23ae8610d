#include "base/secret.h"

#include <string.h>

#include "base/memory.h"

enum amt_err secret_set(struct secret *secret, const void *bytes, uint32_t len)
{
    secret_fini(secret);
    if (len > SECRET_MAX_BYTES) {
        return AMT_ETOOBIG;
    }
    if (len > 0) {
        memcpy(secret->bytes, bytes, len);
    }
    secret->len = len;
    return AMT_OK;
}

void secret_fini(struct secret *secret)
{
    amt_wipe(secret, sizeof *secret);
}

bool secret_equal(const struct secret *secret, const uint8_t *bytes, uint32_t len)
{
    uint32_t differs = secret->len ^ len;
    /* Always the whole store: the time tells nothing of how much was right. */
    for (uint32_t i = 0; i < SECRET_MAX_BYTES; i++) {
        uint8_t theirs = i < len ? bytes[i] : 0;
        differs |= (uint32_t)(secret->bytes[i] ^ theirs);
    }
    return differs == 0;
}
