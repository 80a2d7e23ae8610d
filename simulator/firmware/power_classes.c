/* The classes of power management, wsman.md 4.15. */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/power_internal.h"

/* OSPowerSavingState */
enum { SAVING_UNKNOWN = 0, SAVING_FULL_POWER = 2, SAVING_ON = 3 };

static void fill_association(struct firmware_call *call, struct wsman_instance *instance)
{
    uint32_t states[POWER_STATES_MAX];
    const uint32_t count = power_available(call->firmware, states);
    wsman_unset(instance, "AvailableRequestedPowerStates");
    for (uint32_t i = 0; i < count; i++) {
        wsman_add_u64(instance, "AvailableRequestedPowerStates", states[i]);
    }
    wsman_set_u64(instance, "PowerState", power_state(call->firmware));
}

/* Clients may leave out selectors; what they give must mean the managed system. */
static bool is_managed_system(const struct wsman_ref *ref)
{
    if (ref == NULL || ref->class_name[0] == '\0') {
        return true;
    }
    const char *name = wsman_ref_selector(ref, "Name");
    return strcmp(ref->class_name, "CIM_ComputerSystem") == 0 &&
           (name == NULL || strcmp(name, "ManagedSystem") == 0);
}

static void audit_request(const struct firmware_call *call, uint32_t value)
{
    /* Event numbers of the application Remote Control as MeshCentral names them. */
    static const struct {
        uint32_t value;
        uint16_t event;
    } k_events[] = {
        { POWER_ON, 0 },    { POWER_OFF, 1 },          { POWER_CYCLE, 2 },
        { POWER_RESET, 3 }, { POWER_OFF_GRACEFUL, 5 }, { POWER_RESET_GRACEFUL, 6 },
        { POWER_SLEEP, 7 }, { POWER_HIBERNATE, 8 },    { POWER_NMI, 9 },
    };
    for (size_t i = 0; i < sizeof k_events / sizeof k_events[0]; i++) {
        if (k_events[i].value == value) {
            audit_log_add(call->firmware, call, AUDIT_REMOTE_CONTROL, k_events[i].event, NULL, 0);
        }
    }
}

static uint32_t request_power_state_change(struct firmware_call *call,
                                           const struct wsman_instance *target,
                                           const struct wsman_instance *in,
                                           struct wsman_instance *out)
{
    (void)target;
    (void)out; /* no Job: the change needs none (CAP) */
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    if (!is_managed_system(wsman_get_ref(in, "ManagedElement"))) {
        return STATE_CHANGE_INVALID_PARAMETER;
    }
    const uint32_t value = (uint32_t)wsman_get_u64(in, "PowerState", 0);
    const uint32_t result = power_request(call->firmware, value);
    if (result == STATE_CHANGE_DONE) {
        audit_request(call, value);
    }
    return result;
}

static void fill_saving(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct power *power = call->firmware->power;
    uint64_t state = SAVING_UNKNOWN;
    if (power_is_on(call->firmware)) {
        state = power->saves_power ? SAVING_ON : SAVING_FULL_POWER;
    }
    wsman_set_u64(instance, "OSPowerSavingState", state);
}

static uint32_t request_saving(struct firmware_call *call, const struct wsman_instance *target,
                               const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct power *power = call->firmware->power;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    const uint64_t wanted = wsman_get_u64(in, "OSPowerSavingState", 0);
    if ((wanted != SAVING_FULL_POWER && wanted != SAVING_ON) ||
        !is_managed_system(wsman_get_ref(in, "ManagedElement"))) {
        return STATE_CHANGE_INVALID_PARAMETER;
    }
    if (power->host != HOST_OS) {
        return STATE_CHANGE_FAILED;
    }
    power->saves_power = wanted == SAVING_ON;
    firmware_changed(call->firmware);
    return STATE_CHANGE_DONE;
}

static uint32_t set_power_scheme(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)in;
    (void)out;
    struct power *power = call->firmware->power;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    const char *scheme = wsman_get(target, "InstanceID");
    if (scheme == NULL || strlen(scheme) >= sizeof power->scheme) {
        return PT_INVALID_PARAMETER;
    }
    memcpy(power->scheme, scheme, strlen(scheme) + 1);
    audit_log_add(call->firmware, call, AUDIT_SECURITY_ADMIN, 16, NULL, 0);
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

static const struct firmware_method k_power_methods[] = {
    { "RequestPowerStateChange", request_power_state_change },
    { NULL, NULL },
};
static const struct firmware_method k_saving_methods[] = {
    { "RequestOSPowerSavingStateChange", request_saving },
    { NULL, NULL },
};
static const struct firmware_method k_scheme_methods[] = {
    { "SetPowerScheme", set_power_scheme },
    { NULL, NULL },
};
const struct firmware_behaviour k_power_behaviours[] = {
    { .class_name = "AMT_SystemPowerScheme", .methods = k_scheme_methods },
    { .class_name = "CIM_AssociatedPowerManagementService", .fill = fill_association },
    { .class_name = "CIM_PowerManagementService", .methods = k_power_methods },
    { .class_name = "IPS_PowerManagementService",
      .fill = fill_saving,
      .methods = k_saving_methods },
    { .class_name = NULL },
};
