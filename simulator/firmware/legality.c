#include "simulator/firmware/legality.h"

#include "simulator/firmware/provisioning.h"

bool legality_is_provisioned(const struct firmware *firmware)
{
    return provisioning_state(firmware) != PROVISIONING_PRE;
}

uint32_t legality_deny(struct firmware_call *call, bool is_put)
{
    /* wsman.md 3.3, 5.2: which of the two is unverified, so the profile says it. */
    const bool answers_status = call->firmware->profile->config.denial == 1;
    if (is_put || !answers_status) {
        firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
    }
    return PT_NOT_PERMITTED;
}
