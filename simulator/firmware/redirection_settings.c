/* What is switched on of redirection: wsman.md 4.12. */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/consent_internal.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/user_alerts.h"

/* EnabledState and RequestedState */
enum {
    STATE_ENABLED = 2,
    STATE_DISABLED = 3,
    STATE_OFFLINE = 6, /* enabled, no session */
    REDIRECTION_NONE = 32768,
    REDIRECTION_IDER_BIT = 1,
    REDIRECTION_SOL_BIT = 2,
    REDIRECTION_BOTH = 32771
};

/* Events of the application Redirection Manager in the audit log: enabled; the next one: disabled. */
static const uint16_t k_enabled_events[REDIRECTION_KINDS] = {
    [REDIRECTION_IDER] = 2, [REDIRECTION_SOL] = 6, [REDIRECTION_KVM] = 10
};

bool redirection_listens(const struct firmware *firmware)
{
    return firmware->consent->is_listening && legality_is_provisioned(firmware);
}

bool redirection_is_enabled(const struct firmware *firmware, enum redirection_kind kind)
{
    const struct consent *consent = firmware->consent;
    if (kind == REDIRECTION_KVM) {
        return consent->is_kvm_enabled;
    }
    const uint32_t bit = kind == REDIRECTION_IDER ? REDIRECTION_IDER_BIT : REDIRECTION_SOL_BIT;
    return (consent->redirection_state & bit) != 0;
}

static const struct wsman_instance *of_profile(const struct firmware *firmware,
                                               const char *class_name)
{
    const struct profile_class *found = firmware_profile_class(firmware->profile, class_name);
    return found == NULL ? NULL : found->instances;
}

void redirection_set_defaults(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    const struct wsman_instance *service = of_profile(firmware, "AMT_RedirectionService");
    const struct wsman_instance *kvm = of_profile(firmware, "CIM_KVMRedirectionSAP");
    consent->redirection_state = (uint32_t)wsman_get_u64(service, "EnabledState", REDIRECTION_BOTH);
    consent->is_listening = wsman_get_bool(service, "ListenerEnabled", false);
    const uint64_t kvm_state = wsman_get_u64(kvm, "EnabledState", STATE_DISABLED);
    consent->is_kvm_enabled = kvm_state == STATE_ENABLED || kvm_state == STATE_OFFLINE;
    consent->kvm_requested = (uint32_t)wsman_get_u64(kvm, "RequestedState", STATE_DISABLED);
    consent->kvm_service_state = (uint32_t)wsman_get_u64(
        of_profile(firmware, "CIM_RedirectionService"), "EnabledState", STATE_DISABLED);
    amt_wipe(consent->rfb_password, sizeof consent->rfb_password);
}

void redirection_fill_service(struct firmware_call *call, struct wsman_instance *instance)
{
    wsman_set_u64(instance, "EnabledState", call->firmware->consent->redirection_state);
    wsman_set_bool(instance, "ListenerEnabled", call->firmware->consent->is_listening);
}

/* WSM-086: EnabledState is changed by RequestStateChange alone; clients carry the new one back. */
void redirection_put_service(struct firmware_call *call, const struct wsman_instance *old,
                             const struct wsman_instance *changed)
{
    (void)old;
    struct consent *consent = call->firmware->consent;
    if (!legality_is_provisioned(call->firmware)) {
        legality_deny(call, true);
        return;
    }
    if (wsman_get_u64(changed, "EnabledState", consent->redirection_state) !=
        consent->redirection_state) {
        firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    const bool is_listening = wsman_get_bool(changed, "ListenerEnabled", consent->is_listening);
    if (is_listening != consent->is_listening) {
        consent->is_listening = is_listening;
        if (!is_listening) {
            redirection_end(call->firmware, UINT32_MAX);
        }
        if (call->firmware->hooks.listeners_changed != NULL) {
            call->firmware->hooks.listeners_changed(call->firmware->hooks.ctx);
        }
        firmware_changed(call->firmware);
    }
}

static void audit_switch(struct firmware_call *call, enum redirection_kind kind, bool was_enabled)
{
    const bool is_enabled = redirection_is_enabled(call->firmware, kind);
    if (is_enabled != was_enabled) {
        audit_log_add(call->firmware, call, AUDIT_REDIRECTION,
                      (uint16_t)(k_enabled_events[kind] + (is_enabled ? 0 : 1)), NULL, 0);
    }
    if (!is_enabled) {
        redirection_end(call->firmware, 1u << kind);
    }
}

/* WSM-086 */
static uint32_t request_redirection(struct firmware_call *call, const struct wsman_instance *target,
                                    const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct consent *consent = call->firmware->consent;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    uint64_t state = wsman_get_u64(in, "RequestedState", 0);
    if (state == STATE_ENABLED) {
        state = REDIRECTION_BOTH;
    } else if (state == STATE_DISABLED) {
        state = REDIRECTION_NONE;
    }
    if (state < REDIRECTION_NONE || state > REDIRECTION_BOTH) {
        return STATE_CHANGE_INVALID_PARAMETER;
    }
    const bool had_ider = redirection_is_enabled(call->firmware, REDIRECTION_IDER);
    const bool had_sol = redirection_is_enabled(call->firmware, REDIRECTION_SOL);
    consent->redirection_state = (uint32_t)state;
    audit_switch(call, REDIRECTION_IDER, had_ider);
    audit_switch(call, REDIRECTION_SOL, had_sol);
    firmware_changed(call->firmware);
    return STATE_CHANGE_DONE;
}

static uint32_t terminate_session(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const uint64_t type = wsman_get_u64(in, "SessionType", UINT32_MAX);
    if (type > REDIRECTION_SOL) {
        return PT_INVALID_PARAMETER;
    }
    if (!call->firmware->consent->is_open[type]) {
        return PT_INTERNAL_ERROR;
    }
    redirection_end(call->firmware, 1u << type);
    return PT_SUCCESS;
}

/* WSM-087 */
void redirection_fill_kvm(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct consent *consent = call->firmware->consent;
    uint64_t state = STATE_DISABLED;
    if (consent->is_kvm_enabled) {
        state = consent->is_open[REDIRECTION_KVM] ? STATE_ENABLED : STATE_OFFLINE;
    }
    wsman_set_u64(instance, "EnabledState", state);
    wsman_set_u64(instance, "RequestedState", consent->kvm_requested);
}

void redirection_fill_kvm_service(struct firmware_call *call, struct wsman_instance *instance)
{
    wsman_set_u64(instance, "EnabledState", call->firmware->consent->kvm_service_state);
}

static uint32_t switch_kvm(struct firmware_call *call, const struct wsman_instance *in)
{
    struct consent *consent = call->firmware->consent;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    const uint64_t state = wsman_get_u64(in, "RequestedState", 0);
    if (state != STATE_ENABLED && state != STATE_DISABLED) {
        return STATE_CHANGE_INVALID_PARAMETER;
    }
    if (!wsman_get_bool(of_profile(call->firmware, "IPS_KVMRedirectionSettingData"),
                        "EnabledByMEBx", true)) {
        return STATE_CHANGE_NOT_SUPPORTED;
    }
    const bool was_enabled = consent->is_kvm_enabled;
    consent->is_kvm_enabled = state == STATE_ENABLED;
    consent->kvm_requested = (uint32_t)state;
    audit_switch(call, REDIRECTION_KVM, was_enabled);
    if (consent->is_kvm_enabled != was_enabled) {
        user_alert(call->firmware, was_enabled ? USER_ALERT_KVM_DISABLED : USER_ALERT_KVM_ENABLED);
    }
    firmware_changed(call->firmware);
    return STATE_CHANGE_DONE;
}

/* WSM-087 */
static uint32_t request_kvm(struct firmware_call *call, const struct wsman_instance *target,
                            const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    return switch_kvm(call, in);
}

static uint32_t request_kvm_service(struct firmware_call *call, const struct wsman_instance *target,
                                    const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const uint32_t result = switch_kvm(call, in);
    if (result == STATE_CHANGE_DONE) {
        call->firmware->consent->kvm_service_state =
            (uint32_t)wsman_get_u64(in, "RequestedState", 0);
    }
    return result;
}

void redirection_fill_kvm_settings(struct firmware_call *call, struct wsman_instance *instance)
{
    (void)call;
    if (wsman_has(instance, "RFBPassword")) {
        wsman_set(instance, "RFBPassword", ""); /* write only */
    }
}

/* Exactly eight characters: upper and lower case, digit, special; no quote, comma, colon. */
static bool rfb_password_is_strong(const char *password)
{
    bool has_upper = false, has_lower = false, has_digit = false, has_special = false;
    for (const char *at = password; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || strchr("\"',:", *at) != NULL) {
            return false;
        }
        const bool is_upper = *at >= 'A' && *at <= 'Z', is_lower = *at >= 'a' && *at <= 'z',
                   is_digit = *at >= '0' && *at <= '9';
        has_upper = has_upper || is_upper;
        has_lower = has_lower || is_lower;
        has_digit = has_digit || is_digit;
        has_special = has_special || !(is_upper || is_lower || is_digit);
    }
    return strlen(password) == RFB_PASSWORD_CHARS && has_upper && has_lower && has_digit &&
           has_special;
}

static const char *check_kvm_settings(const struct firmware *firmware,
                                      const struct wsman_instance *old,
                                      const struct wsman_instance *changed, const char *password)
{
    if (password != NULL && password[0] != '\0') {
        if (firmware_is_release(firmware, 1610)) {
            return "AMT-STATUS 2066"; /* redirection.md 6.13 */
        }
        if (!rfb_password_is_strong(password)) {
            return "AMT-STATUS 2054";
        }
    }
    if (wsman_get_u64(changed, "DefaultScreen", 0) > 3 ||
        wsman_get_u64(changed, "SessionTimeout", 0) > UINT8_MAX ||
        wsman_get_u64(changed, "InitialDecimationModeForLowRes", 0) > 3) {
        return "AMT-STATUS 36";
    }
    /* Client control mode takes no consent away. */
    if (provisioning_mode(firmware) == FIRMWARE_CLIENT_CONTROL &&
        wsman_get_bool(old, "OptInPolicy", true) && !wsman_get_bool(changed, "OptInPolicy", true)) {
        return "AMT-STATUS 16";
    }
    return NULL;
}

/* What clients write and may read again: old with those of the new values. */
static const struct wsman_instance *kvm_settings_kept(struct firmware_call *call,
                                                      const struct wsman_instance *old,
                                                      const struct wsman_instance *changed)
{
    struct wsman_instance *kept = wsman_instance_copy(call->arena, old);
    const struct class_description *description = class_find("IPS_KVMRedirectionSettingData");
    for (const struct wsman_property *p = changed->first; p != NULL; p = p->next) {
        const struct class_property *property = class_property_find(description, p->name);
        if (property != NULL && property->is_writable && strcmp(p->name, "RFBPassword") != 0) {
            wsman_set_values(kept, property->name, p->values);
        }
    }
    return kept;
}

void redirection_put_kvm_settings(struct firmware_call *call, const struct wsman_instance *old,
                                  const struct wsman_instance *changed)
{
    struct firmware *firmware = call->firmware;
    struct consent *consent = firmware->consent;
    if (!legality_is_provisioned(firmware)) {
        legality_deny(call, true);
        return;
    }
    const char *password = wsman_get(changed, "RFBPassword");
    const char *trouble = check_kvm_settings(firmware, old, changed, password);
    if (trouble != NULL) {
        firmware_fault(call, WSMAN_INTERNAL_ERROR, trouble);
        return;
    }
    const struct wsman_instance *kept = kvm_settings_kept(call, old, changed);
    if (kept == NULL || kept->failed ||
        settings_keep(firmware, old, kept, firmware_instance_key(old)) != AMT_OK) {
        firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        return;
    }
    if (password != NULL && password[0] != '\0') {
        memcpy(consent->rfb_password, password, sizeof consent->rfb_password);
        audit_log_add(firmware, call, AUDIT_KVM, 2, NULL, 0);
    }
    firmware_changed(firmware);
}

const struct firmware_method k_redirection_methods[] = {
    { "RequestStateChange", request_redirection },
    { "TerminateSession", terminate_session },
    { NULL, NULL },
};
const struct firmware_method k_kvm_methods[] = {
    { "RequestStateChange", request_kvm },
    { NULL, NULL },
};
const struct firmware_method k_kvm_service_methods[] = {
    { "RequestStateChange", request_kvm_service },
    { NULL, NULL },
};
