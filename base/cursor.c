#include "base/cursor.h"

/* Every bound is one comparison of an end against the length; ends cannot wrap because positions stay
 * below CURSOR_MAX_BYTES and lengths are capped first. Reads use base + (end - n), so that the checked
 * variable stands in the address: this is the form the prover follows. */

static enum amt_err need(struct cursor *c, uint32_t end)
{
    c->need = end;
    return AMT_NEED_MORE;
}

enum amt_err cursor_u8(struct cursor *c, uint8_t *value)
{
    uint32_t end = c->pos + 1;
    if (end > c->len) {
        return need(c, end);
    }
    *value = c->base[end - 1];
    c->pos = end;
    return AMT_OK;
}

enum amt_err cursor_u16(struct cursor *c, uint16_t *value)
{
    uint32_t end = c->pos + 2;
    if (end > c->len) {
        return need(c, end);
    }
    const uint8_t *p = c->base + (end - 2);
    *value = (uint16_t)((p[0] * 256u + p[1]) & 0xffffu);
    c->pos = end;
    return AMT_OK;
}

enum amt_err cursor_u32(struct cursor *c, uint32_t *value)
{
    uint32_t end = c->pos + 4;
    if (end > c->len) {
        return need(c, end);
    }
    const uint8_t *p = c->base + (end - 4);
    *value = ((p[0] * 256u + p[1]) * 256u + p[2]) * 256u + p[3];
    c->pos = end;
    return AMT_OK;
}

enum amt_err cursor_skip(struct cursor *c, uint32_t len)
{
    struct view ignored = { 0, 0 };
    return cursor_take(c, len, &ignored);
}

enum amt_err cursor_take(struct cursor *c, uint32_t len, struct view *view)
{
    if (len > CURSOR_MAX_BYTES) {
        return AMT_ETOOBIG;
    }
    uint32_t end = c->pos + len;
    if (end > c->len) {
        return need(c, end);
    }
    view->off = c->pos;
    view->len = len;
    c->pos = end;
    return AMT_OK;
}

enum amt_err cursor_counted(struct cursor *c, uint32_t max, struct view *view)
{
    uint32_t len = 0;
    TRY(cursor_u32(c, &len));
    if (len > max) {
        return AMT_ETOOBIG; /* known before the bytes arrive: do not wait for them */
    }
    return cursor_take(c, len, view);
}

bool cursor_just_read(const struct cursor *c, const struct view *view, const char *literal,
                      uint32_t len)
{
    if (view->len != len || c->pos < len || c->pos > c->len) {
        return false;
    }
    const uint8_t *p = c->base + (c->pos - len);
    for (uint32_t i = 0; i < len; i++) {
        if (p[i] != (uint8_t)literal[i]) {
            return false;
        }
    }
    return true;
}

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
