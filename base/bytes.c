#include "base/bytes.h"

#include <string.h>

#include "base/cursor.h"
#include "base/memory.h"

#define BYTES_FIRST_BLOCK 512u

static uint32_t max_of(const struct bytes *b)
{
    return b->max == 0 ? CURSOR_MAX_BYTES : b->max;
}

const uint8_t *bytes_front(const struct bytes *b)
{
    return b->len == 0 ? NULL : b->block + b->start;
}

uint8_t *bytes_reserve(struct bytes *b, uint32_t len)
{
    uint32_t max = max_of(b);
    if (len > max || b->len > max - len) {
        return NULL;
    }
    uint32_t wanted = b->len + len;
    if (b->start > 0 && b->start + wanted > b->cap) {
        memmove(b->block, b->block + b->start, b->len);
        b->start = 0;
    }
    if (wanted > b->cap || b->block == NULL) {
        uint32_t cap = b->cap == 0 ? BYTES_FIRST_BLOCK : b->cap;
        while (cap < wanted) {
            cap *= 2; /* wanted <= CURSOR_MAX_BYTES, so this stays below 2^31 */
        }
        uint8_t *block = amt_resize(b->block, cap);
        if (block == NULL) {
            return NULL;
        }
        b->block = block;
        b->cap = cap;
    }
    return b->block + b->start + b->len;
}

void bytes_grown(struct bytes *b, uint32_t len)
{
    b->len += len;
}

enum amt_err bytes_append(struct bytes *b, const void *data, uint32_t len)
{
    if (len == 0) {
        return AMT_OK;
    }
    uint8_t *room = bytes_reserve(b, len);
    if (room == NULL) {
        uint32_t max = max_of(b);
        return len > max || b->len > max - len ? AMT_ELIMIT : AMT_ENOMEM;
    }
    memcpy(room, data, len);
    b->len += len;
    return AMT_OK;
}

void bytes_consume(struct bytes *b, uint32_t len)
{
    if (len >= b->len) {
        bytes_fini(b);
        return;
    }
    b->start += len;
    b->len -= len;
}

void bytes_fini(struct bytes *b)
{
    amt_free(b->block);
    b->block = NULL;
    b->start = 0;
    b->len = 0;
    b->cap = 0;
}
