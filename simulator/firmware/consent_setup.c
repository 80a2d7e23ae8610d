/* What the BIOS sets of consent and redirection, besides WS-Man. */
#include "simulator/firmware/consent_internal.h"
#include "simulator/firmware/settings.h"

#define REDIRECTION_NONE 32768u
#define REDIRECTION_IDER 1u
#define REDIRECTION_SOL  2u
#define ENABLED          2u
#define DISABLED         3u

void redirection_set_up(struct firmware *firmware, bool has_sol, bool has_ider)
{
    firmware->consent->redirection_state =
        REDIRECTION_NONE + (has_ider ? REDIRECTION_IDER : 0) + (has_sol ? REDIRECTION_SOL : 0);
    redirection_end(firmware, (has_ider ? 0 : 1u << REDIRECTION_IDER) |
                                  (has_sol ? 0 : 1u << REDIRECTION_SOL));
    firmware_changed(firmware);
}

void redirection_set_up_kvm(struct firmware *firmware, bool is_on)
{
    struct consent *consent = firmware->consent;
    consent->is_kvm_enabled = is_on && firmware->profile->config.has_kvm;
    consent->kvm_requested = is_on ? ENABLED : DISABLED;
    consent->kvm_service_state = consent->kvm_requested;
    if (!is_on) {
        redirection_end(firmware, 1u << REDIRECTION_KVM);
    }
    firmware_changed(firmware);
}

void consent_set_up(struct firmware *firmware, uint32_t required)
{
    firmware->consent->required = required;
    firmware_changed(firmware);
}

enum amt_err consent_set_up_policy(struct firmware *firmware, bool may_change)
{
    return settings_set(firmware, "IPS_OptInService", "", "CanModifyOptInPolicy",
                        may_change ? "1" : "0");
}
