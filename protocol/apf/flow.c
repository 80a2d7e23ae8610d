#include "protocol/apf/flow.h"

#include <stdio.h>

static enum apf_request oldest(const struct apf_flow *flow)
{
    return flow->asked_count == 0
               ? APF_REQUEST_NONE
               : (enum apf_request)flow->asked[flow->asked_first % APF_FLOW_ASKED_MAX];
}

static void follow(struct apf_flow *flow, const struct apf_message *message)
{
    if (message->type == APF_GLOBAL_REQUEST && message->want_reply != 0 &&
        flow->asked_count < APF_FLOW_ASKED_MAX) {
        flow->asked[(flow->asked_first + flow->asked_count) % APF_FLOW_ASKED_MAX] =
            message->request;
        flow->asked_count++;
    } else if ((message->type == APF_REQUEST_SUCCESS || message->type == APF_REQUEST_FAILURE) &&
               flow->asked_count > 0) {
        flow->asked_first++;
        flow->asked_count--;
    }
}

enum amt_err apf_flow_feed(struct apf_flow *flow, enum apf_direction direction, const uint8_t *in,
                           uint32_t len, apf_flow_fn *fn, void *ctx)
{
    struct bytes *waiting = &flow->waiting[direction];
    if (flow->is_lost[direction]) {
        fn(ctx, direction, NULL, in, len, "after what could not be decoded");
        return AMT_OK;
    }
    if (bytes_append(waiting, in, len) != AMT_OK) {
        return AMT_ENOMEM;
    }
    while (waiting->len > 0) {
        struct apf_context context = { .direction = direction, .pending = oldest(flow) };
        struct apf_message message;
        uint32_t count = 0;
        enum apf_verdict verdict =
            apf_decode(bytes_front(waiting), waiting->len, &context, &message, &count);
        if (verdict == APF_NEED_MORE) {
            return AMT_OK;
        }
        if (verdict != APF_OK) {
            char why[80];
            (void)snprintf(why, sizeof why, "%s at byte %u", apf_verdict_name(verdict), count);
            flow->is_lost[direction] = true;
            fn(ctx, direction, NULL, bytes_front(waiting), waiting->len, why);
            bytes_consume(waiting, waiting->len);
            return AMT_OK;
        }
        follow(flow, &message);
        fn(ctx, direction, &message, bytes_front(waiting), count, NULL);
        bytes_consume(waiting, count);
    }
    return AMT_OK;
}

void apf_flow_fini(struct apf_flow *flow)
{
    bytes_fini(&flow->waiting[0]);
    bytes_fini(&flow->waiting[1]);
}
