/* Blanking of the local screen, screen settings, and the firmware's on-screen messages: wsman.md
 * 4.13, 4.14. */
#include "simulator/firmware/consent_internal.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/settings.h"

enum { STATE_ENABLED = 2, STATE_DISABLED = 3 };

static const struct wsman_instance *of_profile(const struct firmware *firmware,
                                               const char *class_name)
{
    const struct profile_class *found = firmware_profile_class(firmware->profile, class_name);
    return found == NULL ? NULL : found->instances;
}

void screens_set_defaults(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    consent->screen_service_state = (uint32_t)wsman_get_u64(
        of_profile(firmware, "IPS_ScreenConfigurationService"), "EnabledState", STATE_ENABLED);
    consent->secio_state = (uint32_t)wsman_get_u64(of_profile(firmware, "IPS_SecIOService"),
                                                   "EnabledState", STATE_ENABLED);
    consent->blanks_screen = false;
    consent->blanked_reboots_left = 0;
}

void screens_session_ended(struct firmware *firmware)
{
    firmware->consent->blanks_screen = false;
    firmware->consent->blanked_reboots_left = 0;
}

void screens_boot_began(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    if (consent->blanked_reboots_left > 0) {
        consent->blanked_reboots_left--;
    } else {
        consent->blanks_screen = false;
    }
}

void screens_fill_service(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct consent *consent = call->firmware->consent;
    wsman_set_u64(instance, "CurrentState", consent->blanks_screen ? 1 : 0);
    wsman_set_u64(instance, "EnabledState", consent->screen_service_state);
    wsman_set_u64(instance, "RemainingConsecutiveRebootsNum", consent->blanked_reboots_left);
}

static bool set_service_state(struct firmware *firmware, uint64_t state)
{
    struct consent *consent = firmware->consent;
    if (state != STATE_ENABLED && state != STATE_DISABLED) {
        return false;
    }
    consent->screen_service_state = (uint32_t)state;
    if (state == STATE_DISABLED) {
        screens_session_ended(firmware);
    }
    firmware_changed(firmware);
    return true;
}

void screens_put_service(struct firmware_call *call, const struct wsman_instance *old,
                         const struct wsman_instance *changed)
{
    (void)old;
    const uint32_t now = call->firmware->consent->screen_service_state;
    const uint64_t state = wsman_get_u64(changed, "EnabledState", now);
    if (!legality_is_provisioned(call->firmware)) {
        legality_deny(call, true);
    } else if (state != now && !set_service_state(call->firmware, state)) {
        firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 36");
    }
}

static uint32_t request_service_state(struct firmware_call *call,
                                      const struct wsman_instance *target,
                                      const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    return set_service_state(call->firmware, wsman_get_u64(in, "RequestedState", 0))
               ? STATE_CHANGE_DONE
               : STATE_CHANGE_INVALID_PARAMETER;
}

/* Blanking is for admin control mode, during a KVM session (redirection.md 6.15). */
static uint32_t set_session_state(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct consent *consent = call->firmware->consent;
    if (provisioning_mode(call->firmware) != FIRMWARE_ADMIN_CONTROL) {
        return legality_deny(call, false);
    }
    const uint64_t state = wsman_get_u64(in, "SessionState", UINT8_MAX);
    if (state > 1) {
        return PT_INVALID_PARAMETER;
    }
    if (state == 1 && (consent->screen_service_state != STATE_ENABLED ||
                       !redirection_is_open(call->firmware, REDIRECTION_KVM))) {
        return PT_INTERNAL_ERROR;
    }
    consent->blanks_screen = state == 1;
    consent->blanked_reboots_left =
        state == 1 ? (uint32_t)wsman_get_u64(in, "ConsecutiveRebootsNum", 0) : 0;
    return PT_SUCCESS;
}

static uint32_t reset_to_default(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)in;
    (void)out;
    static const char *const k_indices[] = { "PrimaryIndex", "QuadraryIndex", "SecondaryIndex",
                                             "TertiaryIndex" };
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    const struct wsman_instance *profile = of_profile(call->firmware, "IPS_ScreenSettingData");
    struct wsman_instance *changed = wsman_instance_copy(call->arena, target);
    for (size_t i = 0; i < sizeof k_indices / sizeof k_indices[0]; i++) {
        const char *value = wsman_get(profile, k_indices[i]);
        if (value != NULL) {
            wsman_set(changed, k_indices[i], value);
        }
    }
    if (changed == NULL || changed->failed ||
        settings_keep(call->firmware, target, changed, firmware_instance_key(target)) != AMT_OK) {
        return PT_INTERNAL_ERROR;
    }
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

void screens_fill_secio(struct firmware_call *call, struct wsman_instance *instance)
{
    wsman_set_u64(instance, "EnabledState", call->firmware->consent->secio_state);
}

static uint32_t request_secio(struct firmware_call *call, const struct wsman_instance *target,
                              const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    const uint64_t state = wsman_get_u64(in, "RequestedState", 0);
    if (state != STATE_ENABLED && state != STATE_DISABLED) {
        return STATE_CHANGE_INVALID_PARAMETER;
    }
    call->firmware->consent->secio_state = (uint32_t)state;
    firmware_changed(call->firmware);
    return STATE_CHANGE_DONE;
}

const struct firmware_method k_screen_service_methods[] = {
    { "RequestStateChange", request_service_state },
    { "SetSessionState", set_session_state },
    { NULL, NULL },
};
const struct firmware_method k_screen_settings_methods[] = {
    { "ResetToDefault", reset_to_default },
    { NULL, NULL },
};
const struct firmware_method k_secio_methods[] = {
    { "RequestStateChange", request_secio },
    { NULL, NULL },
};
