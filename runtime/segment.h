/* Pieces of bytes on their way through a pipe. Small ones are reused, so that the keepalives of ten
 * thousand devices allocate nothing. */
#ifndef AMTLAB_RUNTIME_SEGMENT_H
#define AMTLAB_RUNTIME_SEGMENT_H

#include "runtime/loop_world.h"

struct segment {
    struct segment *next;
    uint64_t sent_us, due_us; /* due_us is set when it leaves */
    uint32_t len, cap;
    uint8_t data[];
};

struct segment_queue {
    struct segment *first, *last;
    uint32_t bytes;
};

/* A chain that holds bytes[0, len) in pieces of at most piece_bytes. AMT_ENOMEM: nothing was made. */
enum amt_err segments_make(struct loop *loop, const uint8_t *bytes, uint32_t len,
                           uint32_t piece_bytes, struct segment_queue *chain);
void segment_free(struct loop *loop, struct segment *segment);

void segments_push(struct segment_queue *queue, struct segment *segment);
struct segment *segments_pop(struct segment_queue *queue);
void segments_clear(struct loop *loop, struct segment_queue *queue);
/* Moves all of chain behind queue. */
void segments_join(struct segment_queue *queue, struct segment_queue *chain);
/* Room in the last piece, which shall not become longer than piece_bytes. */
uint32_t segments_spare(const struct segment_queue *queue, uint32_t piece_bytes);
/* Fills that room; len must fit. */
void segments_fill(struct segment_queue *queue, const uint8_t *bytes, uint32_t len);

#endif
