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

enum amt_err cursor_copy(struct cursor *c, uint8_t *out, uint32_t len)
{
    uint32_t end = c->pos + len;
    if (end > c->len) {
        return need(c, end);
    }
    const uint8_t *p = c->base + (end - len);
    for (uint32_t i = 0; i < len; i++) {
        out[i] = p[i];
    }
    c->pos = end;
    return AMT_OK;
}

enum amt_err cursor_zeros(struct cursor *c, uint32_t len, bool *are_zero)
{
    uint32_t end = c->pos + len;
    if (end > c->len) {
        return need(c, end);
    }
    const uint8_t *p = c->base + (end - len);
    *are_zero = true;
    for (uint32_t i = 0; i < len; i++) {
        if (p[i] != 0) {
            *are_zero = false;
        }
    }
    c->pos = end;
    return AMT_OK;
}
