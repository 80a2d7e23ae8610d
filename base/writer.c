#include "base/cursor.h"

/* Counts len more bytes; true when they fit and may be written. */
static bool writer_room(struct writer *w, uint32_t len)
{
    if (len > CURSOR_MAX_BYTES || w->pos > CURSOR_MAX_BYTES - len) {
        w->pos = CURSOR_MAX_BYTES;
        w->failed = true;
        return false;
    }
    uint32_t end = w->pos + len;
    w->pos = end;
    if (end > w->cap) {
        w->failed = true;
    }
    return !w->failed;
}

void writer_u8(struct writer *w, uint8_t value)
{
    if (!writer_room(w, 1)) {
        return;
    }
    uint32_t end = w->pos;
    if (end >= 1 && end <= w->cap) {
        w->base[end - 1] = value;
    }
}

void writer_u16(struct writer *w, uint16_t value)
{
    writer_u8(w, (uint8_t)(value / 256u & 0xffu));
    writer_u8(w, (uint8_t)(value & 0xffu));
}

void writer_u32(struct writer *w, uint32_t value)
{
    if (!writer_room(w, 4)) {
        return;
    }
    uint32_t end = w->pos;
    if (end >= 4 && end <= w->cap) {
        uint8_t *p = w->base + (end - 4);
        p[0] = (uint8_t)(value >> 24 & 0xffu);
        p[1] = (uint8_t)(value >> 16 & 0xffu);
        p[2] = (uint8_t)(value >> 8 & 0xffu);
        p[3] = (uint8_t)(value & 0xffu);
    }
}

void writer_zero(struct writer *w, uint32_t len)
{
    uint32_t at = w->pos;
    if (!writer_room(w, len)) {
        return;
    }
    for (uint32_t i = 0; i < len && at < w->cap; i++) {
        w->base[at++] = 0;
    }
}

void writer_bytes(struct writer *w, const uint8_t *bytes, uint32_t len)
{
    uint32_t at = w->pos;
    if (!writer_room(w, len)) {
        return;
    }
    for (uint32_t i = 0; i < len && at < w->cap; i++) {
        w->base[at++] = bytes[i];
    }
}

void writer_counted(struct writer *w, const uint8_t *bytes, uint32_t len)
{
    writer_u32(w, len);
    writer_bytes(w, bytes, len);
}
