/* Both directions of one APF connection as messages, for those who only look on. */
#ifndef AMTLAB_PROTOCOL_APF_FLOW_H
#define AMTLAB_PROTOCOL_APF_FLOW_H

#include "base/bytes.h"
#include "protocol/apf/codec.h"

#define APF_FLOW_ASKED_MAX 64u

/* Zero-initialised is ready. */
struct apf_flow {
    struct bytes waiting[2]; /* by direction: the beginning of a message */
    bool is_lost[2];         /* what came cannot be decoded any more */
    uint8_t
        asked[APF_FLOW_ASKED_MAX]; /* unanswered GLOBAL_REQUESTs: the reply's form hangs on it */
    uint32_t asked_first, asked_count;
};

/* message NULL: the rest of this direction is not APF; why is then a sentence part. */
typedef void apf_flow_fn(void *ctx, enum apf_direction direction, const struct apf_message *message,
                         const uint8_t *bytes, uint32_t len, const char *why);

/* Bytes in any cutting; calls fn for each message that is complete. AMT_ENOMEM: nothing was taken. */
enum amt_err apf_flow_feed(struct apf_flow *flow, enum apf_direction direction, const uint8_t *in,
                           uint32_t len, apf_flow_fn *fn, void *ctx) AMT_MUST_USE;
void apf_flow_fini(struct apf_flow *flow);

#endif
