/* Little-endian words over cursor and writer: host interface, USB setup files, hello packets. */
#ifndef AMTLAB_BASE_LITTLE_H
#define AMTLAB_BASE_LITTLE_H

#include "base/cursor.h"

/* As cursor_u16 and cursor_u32, least significant byte first. */
enum amt_err cursor_le16(struct cursor *c, uint16_t *value);
enum amt_err cursor_le32(struct cursor *c, uint32_t *value);
void writer_le16(struct writer *w, uint16_t value);
void writer_le32(struct writer *w, uint32_t value);

#endif
