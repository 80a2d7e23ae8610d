#include "scenarios/engine/apf_flow.h"

#include "scenarios/engine/pool.h"

void apf_flow_input(struct apf_flow *flow, enum apf_direction direction, const uint8_t *in,
                    uint32_t len, apf_flow_fn *fn, void *ctx)
{
    if (apf_flow_feed(flow, direction, in, len, fn, ctx) != AMT_OK) {
        (void)pool_checked(NULL);
    }
}
