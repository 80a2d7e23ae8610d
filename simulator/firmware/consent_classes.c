/* IPS_OptInService, and the table of all classes of this part. */
#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/consent_internal.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/user_alerts.h"

/* Events of the application User Opt-In in the audit log. */
enum { OPT_IN_POLICY_CHANGED = 0, OPT_IN_CODE_SENT = 1, OPT_IN_START_BLOCKED = 2 };

static void fill_opt_in(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct consent *consent = call->firmware->consent;
    wsman_set_u64(instance, "OptInCodeTimeout", consent->code_timeout_s);
    wsman_set_u64(instance, "OptInDisplayTimeout", consent->display_timeout_s);
    wsman_set_u64(instance, "OptInRequired", consent_required(call->firmware));
    wsman_set_u64(instance, "OptInState", consent->state);
}

static bool timeouts_are_valid(uint64_t code_s, uint64_t display_s)
{
    return code_s >= CONSENT_CODE_TIMEOUT_MIN && code_s <= CONSENT_CODE_TIMEOUT_MAX &&
           display_s > 0 && display_s <= UINT16_MAX;
}

/* WSM-090 */
static void put_opt_in(struct firmware_call *call, const struct wsman_instance *old,
                       const struct wsman_instance *changed)
{
    struct firmware *firmware = call->firmware;
    struct consent *consent = firmware->consent;
    const uint64_t required = wsman_get_u64(changed, "OptInRequired", consent->required);
    const uint64_t code_s = wsman_get_u64(changed, "OptInCodeTimeout", consent->code_timeout_s);
    const uint64_t display_s =
        wsman_get_u64(changed, "OptInDisplayTimeout", consent->display_timeout_s);
    const bool is_new_policy = required != consent_required(firmware);
    if (!legality_is_provisioned(firmware)) {
        legality_deny(call, true);
        return;
    }
    if (is_new_policy && (provisioning_mode(firmware) != FIRMWARE_ADMIN_CONTROL ||
                          wsman_get_u64(old, "CanModifyOptInPolicy", 1) == 0)) {
        firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return;
    }
    if ((required != CONSENT_NONE && required != CONSENT_KVM && required != CONSENT_ALL) ||
        !timeouts_are_valid(code_s, display_s)) {
        firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 36");
        return;
    }
    if (is_new_policy) {
        consent->required = (uint32_t)required;
        audit_log_add(firmware, call, AUDIT_USER_OPT_IN, OPT_IN_POLICY_CHANGED, NULL, 0);
        user_alert(firmware, USER_ALERT_CONSENT_POLICY);
    }
    consent->code_timeout_s = (uint32_t)code_s;
    consent->display_timeout_s = (uint32_t)display_s;
    firmware_changed(firmware);
}

static uint32_t start_opt_in(struct firmware_call *call, const struct wsman_instance *target,
                             const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    const uint32_t result = consent_start(call->firmware);
    if (result == OPT_IN_BLOCKED) {
        audit_log_add(call->firmware, call, AUDIT_USER_OPT_IN, OPT_IN_START_BLOCKED, NULL, 0);
    }
    return result;
}

static uint32_t cancel_opt_in(struct firmware_call *call, const struct wsman_instance *target,
                              const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    return consent_cancel(call->firmware);
}

static uint32_t send_opt_in_code(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const uint32_t result =
        consent_enter(call->firmware, (uint32_t)wsman_get_u64(in, "OptInCode", UINT32_MAX));
    if (result != OPT_IN_INVALID_STATE) {
        const uint8_t outcome = result == OPT_IN_DONE ? 0 : 1;
        audit_log_add(call->firmware, call, AUDIT_USER_OPT_IN, OPT_IN_CODE_SENT, &outcome, 1);
    }
    return result;
}

static const struct firmware_method k_opt_in_methods[] = {
    { "CancelOptIn", cancel_opt_in },
    { "SendOptInCode", send_opt_in_code },
    { "StartOptIn", start_opt_in },
    { NULL, NULL },
};
const struct firmware_behaviour k_consent_behaviours[] = {
    { .class_name = "AMT_RedirectionService",
      .fill = redirection_fill_service,
      .put = redirection_put_service,
      .methods = k_redirection_methods },
    { .class_name = "CIM_KVMRedirectionSAP",
      .fill = redirection_fill_kvm,
      .methods = k_kvm_methods },
    { .class_name = "CIM_RedirectionService",
      .fill = redirection_fill_kvm_service,
      .methods = k_kvm_service_methods },
    { .class_name = "IPS_IderSessionUsingPort", .list = redirection_list_ider_ports },
    { .class_name = "IPS_KVMRedirectionSettingData",
      .fill = redirection_fill_kvm_settings,
      .put = redirection_put_kvm_settings,
      .methods = k_kvm_settings_methods },
    { .class_name = "IPS_KvmSessionUsingPort", .list = redirection_list_kvm_ports },
    { .class_name = "IPS_OptInService",
      .fill = fill_opt_in,
      .put = put_opt_in,
      .methods = k_opt_in_methods },
    { .class_name = "IPS_ScreenConfigurationService",
      .fill = screens_fill_service,
      .put = screens_put_service,
      .methods = k_screen_service_methods },
    /* The host's service tells about its screens and sets the language. */
    { .class_name = "IPS_ScreenSettingData",
      .write_realm = REALM_LOCAL_SYSTEM,
      .methods = k_screen_settings_methods },
    { .class_name = "IPS_SecIOService",
      .write_realm = REALM_LOCAL_SYSTEM,
      .fill = screens_fill_secio,
      .methods = k_secio_methods },
    { .class_name = "IPS_SolSessionUsingPort", .list = redirection_list_sol_ports },
    { .class_name = NULL },
};
