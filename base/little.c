#include "base/little.h"

static uint16_t turn16(uint16_t value)
{
    return (uint16_t)((value & 0xffu) * 256u + value / 256u);
}

static uint32_t turn32(uint32_t value)
{
    return (value & 0xffu) << 24 | (value >> 8 & 0xffu) << 16 | (value >> 16 & 0xffu) << 8 |
           value >> 24;
}

enum amt_err cursor_le16(struct cursor *c, uint16_t *value)
{
    uint16_t big = 0;
    TRY(cursor_u16(c, &big));
    *value = turn16(big);
    return AMT_OK;
}

enum amt_err cursor_le32(struct cursor *c, uint32_t *value)
{
    uint32_t big = 0;
    TRY(cursor_u32(c, &big));
    *value = turn32(big);
    return AMT_OK;
}

void writer_le16(struct writer *w, uint16_t value)
{
    writer_u16(w, turn16(value));
}

void writer_le32(struct writer *w, uint32_t value)
{
    writer_u32(w, turn32(value));
}
