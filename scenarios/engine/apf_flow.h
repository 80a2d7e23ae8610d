/* The flow of APF messages for actors: without memory a case cannot go on. */
#ifndef AMTLAB_SCENARIOS_ENGINE_APF_FLOW_H
#define AMTLAB_SCENARIOS_ENGINE_APF_FLOW_H

#include "protocol/apf/flow.h"

/* As apf_flow_feed. */
void apf_flow_input(struct apf_flow *flow, enum apf_direction direction, const uint8_t *in,
                    uint32_t len, apf_flow_fn *fn, void *ctx);

#endif
