#include "runtime/segment.h"

#include <string.h>

#include "base/memory.h"

#define SMALL_BYTES 216u /* with its head 256: a record with a keepalive, a request line */
#define SPARE_MAX   4096u

static struct segment *segment_new(struct loop *loop, uint32_t len)
{
    struct segment *segment = loop->spare_segments;
    if (len <= SMALL_BYTES && segment != NULL) {
        loop->spare_segments = segment->next;
        loop->spare_segment_count -= 1;
    } else {
        uint32_t cap = len <= SMALL_BYTES ? SMALL_BYTES : len;
        segment = amt_alloc(sizeof *segment + cap);
        if (segment == NULL) {
            return NULL;
        }
        segment->cap = cap;
    }
    segment->next = NULL;
    segment->len = 0;
    return segment;
}

void segment_free(struct loop *loop, struct segment *segment)
{
    if (segment->cap == SMALL_BYTES && loop->spare_segment_count < SPARE_MAX) {
        segment->next = loop->spare_segments;
        loop->spare_segments = segment;
        loop->spare_segment_count += 1;
    } else {
        amt_free(segment);
    }
}

void loop_drop_segments(struct loop *loop)
{
    while (loop->spare_segments != NULL) {
        struct segment *segment = loop->spare_segments;
        loop->spare_segments = segment->next;
        amt_free(segment);
    }
}

void segments_push(struct segment_queue *queue, struct segment *segment)
{
    segment->next = NULL;
    if (queue->last == NULL) {
        queue->first = segment;
    } else {
        queue->last->next = segment;
    }
    queue->last = segment;
    queue->bytes += segment->len;
}

struct segment *segments_pop(struct segment_queue *queue)
{
    struct segment *segment = queue->first;
    queue->first = segment->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    queue->bytes -= segment->len;
    return segment;
}

void segments_clear(struct loop *loop, struct segment_queue *queue)
{
    while (queue->first != NULL) {
        segment_free(loop, segments_pop(queue));
    }
}

void segments_join(struct segment_queue *queue, struct segment_queue *chain)
{
    if (chain->first != NULL) {
        if (queue->last == NULL) {
            queue->first = chain->first;
        } else {
            queue->last->next = chain->first;
        }
        queue->last = chain->last;
        queue->bytes += chain->bytes;
        *chain = (struct segment_queue){ .bytes = 0 };
    }
}

uint32_t segments_spare(const struct segment_queue *queue, uint32_t piece_bytes)
{
    const struct segment *last = queue->last;
    if (last == NULL) {
        return 0;
    }
    uint32_t limit = last->cap < piece_bytes ? last->cap : piece_bytes;
    return limit > last->len ? limit - last->len : 0;
}

void segments_fill(struct segment_queue *queue, const uint8_t *bytes, uint32_t len)
{
    if (len > 0) {
        memcpy(queue->last->data + queue->last->len, bytes, len);
        queue->last->len += len;
        queue->bytes += len;
    }
}

enum amt_err segments_make(struct loop *loop, const uint8_t *bytes, uint32_t len,
                           uint32_t piece_bytes, struct segment_queue *chain)
{
    *chain = (struct segment_queue){ .bytes = 0 };
    for (uint32_t at = 0; at < len;) {
        uint32_t n = len - at < piece_bytes ? len - at : piece_bytes;
        struct segment *segment = segment_new(loop, n);
        if (segment == NULL) {
            segments_clear(loop, chain);
            return AMT_ENOMEM;
        }
        segments_push(chain, segment);
        segments_fill(chain, bytes + at, n);
        at += n;
    }
    return AMT_OK;
}
