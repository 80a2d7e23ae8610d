/*
 * Reading and writing wire bytes inside a borrowed buffer: the only functions that touch them.
 *
 * The form (index cursors, offset views, checks as `end > len`) is the one that Frama-C/Eva proves
 * free of run-time errors; fuzz/proof/ runs that proof.
 */
#ifndef AMTLAB_BASE_CURSOR_H
#define AMTLAB_BASE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Largest buffer a cursor may stand on; sums of two positions below it cannot wrap. */
#define CURSOR_MAX_BYTES 0x3fffffffu

/* Borrowed reader. Invariant: pos <= len <= CURSOR_MAX_BYTES. After AMT_NEED_MORE `need` holds the
 * smallest total length with which the field that was asked for is complete. */
struct cursor {
    const uint8_t *base;
    uint32_t len, pos, need;
};

/* Bytes of a message as offset and length, so that nothing dangles when the buffer moves. */
struct view {
    uint32_t off, len;
};

/* Each reads big-endian, moves on and returns AMT_OK; AMT_NEED_MORE (pos unchanged, need set) when
 * the field is not complete. */
enum amt_err cursor_u8(struct cursor *c, uint8_t *value);
enum amt_err cursor_u16(struct cursor *c, uint16_t *value);
enum amt_err cursor_u32(struct cursor *c, uint32_t *value);

/* The next len bytes (at most CURSOR_MAX_BYTES) into out; whether the next len bytes are all 0. */
enum amt_err cursor_copy(struct cursor *c, uint8_t *out, uint32_t len);
enum amt_err cursor_zeros(struct cursor *c, uint32_t len, bool *are_zero);

/* Takes len bytes as a view. */
enum amt_err cursor_take(struct cursor *c, uint32_t len, struct view *view);

/* A u32 length and that many bytes. AMT_ETOOBIG as soon as the length word is complete and above
 * max, even if the bytes are missing. */
enum amt_err cursor_counted(struct cursor *c, uint32_t max, struct view *view);

/* True when the bytes that ended at the cursor's position, seen as view, equal literal[0, len). */
bool cursor_just_read(const struct cursor *c, const struct view *view, const char *literal,
                      uint32_t len);

/* Borrowed writer, cap <= CURSOR_MAX_BYTES. Writing past cap sets `failed` and counts on in pos, so
 * that at the end pos is the size that would have been needed (saturating at CURSOR_MAX_BYTES). No
 * byte at or behind cap is touched; what stands below cap after a failure means nothing. */
struct writer {
    uint8_t *base;
    uint32_t cap, pos;
    bool failed;
};

void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value);
void writer_u32(struct writer *w, uint32_t value);
void writer_zero(struct writer *w, uint32_t len);
void writer_bytes(struct writer *w, const uint8_t *bytes, uint32_t len);
/* u32 length, then the bytes */
void writer_counted(struct writer *w, const uint8_t *bytes, uint32_t len);

#endif
