#include "base/cursor.h"

/* Counts len more bytes; those below cap are the caller's to write. The sum cannot wrap: pos is at most
 * CURSOR_MAX_BYTES, and one more than that is added at most. */
static void advance(struct writer *w, uint32_t len)
{
    uint32_t end = w->pos + (len <= CURSOR_MAX_BYTES ? len : CURSOR_MAX_BYTES + 1);
    if (end > w->cap) {
        w->failed = true;
    }
    w->pos = end <= CURSOR_MAX_BYTES ? end : CURSOR_MAX_BYTES;
}

void writer_u8(struct writer *w, uint8_t value)
{
    uint32_t at = w->pos;
    advance(w, 1);
    if (at < w->cap) {
        w->base[at] = value;
    }
}

void writer_u16(struct writer *w, uint16_t value)
{
    writer_u8(w, (uint8_t)(value / 256u & 0xffu));
    writer_u8(w, (uint8_t)(value & 0xffu));
}

void writer_u32(struct writer *w, uint32_t value)
{
    uint32_t end = w->pos + 4;
    advance(w, 4);
    if (end <= w->cap) {
        uint8_t *p = w->base + (end - 4);
        p[0] = (uint8_t)(value >> 24 & 0xffu);
        p[1] = (uint8_t)(value >> 16 & 0xffu);
        p[2] = (uint8_t)(value >> 8 & 0xffu);
        p[3] = (uint8_t)(value & 0xffu);
    }
}

/* Both bounds stand in the condition of the loop, which is what the prover follows. */
void writer_zero(struct writer *w, uint32_t len)
{
    uint32_t at = w->pos;
    advance(w, len);
    for (uint32_t i = 0; i < len && at < w->cap; i++) {
        w->base[at++] = 0;
    }
}

void writer_bytes(struct writer *w, const uint8_t *bytes, uint32_t len)
{
    uint32_t at = w->pos;
    advance(w, len);
    for (uint32_t i = 0; i < len && at < w->cap; i++) {
        w->base[at++] = bytes[i];
    }
}

void writer_counted(struct writer *w, const uint8_t *bytes, uint32_t len)
{
    writer_u32(w, len);
    writer_bytes(w, bytes, len);
}
