/* AMT_SetupAndConfigurationService: commit, unprovision, MEBx password (wsman.md 4.2). */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/subscriptions.h"
#include "simulator/firmware/tls_settings.h"
#include "simulator/firmware/users.h"

#define MODE_ENTERPRISE        1u
#define MODE_CLIENT_CONTROL    4u
#define PERIOD_MAX_HOURS       24u
#define MEBX_PASSWORD_FROM     1900u /* release: part of activation */
#define AUDITOR_BLOCKS_BEFORE  1200u /* release: later ones can always be unprovisioned */
#define PROVISIONING_COMPLETED 1u    /* event of the security administration application */
#define METHOD_REMOTE          2u    /* and what it tells of the method */
#define UNPROVISIONING_STARTED 19u   /* event of the security administration application */
#define PROVISIONING_OTP_BYTES 32u

void provisioning_fill_service(struct firmware_call *call, struct wsman_instance *instance)
{
    static const uint8_t k_no_password[PROVISIONING_OTP_BYTES];
    const struct provisioning *provisioning = call->firmware->provisioning;
    bool is_client = provisioning->mode == FIRMWARE_CLIENT_CONTROL;
    wsman_set_u64(instance, "ProvisioningMode", is_client ? MODE_CLIENT_CONTROL : MODE_ENTERPRISE);
    wsman_set_u64(instance, "ProvisioningState", provisioning->state);
    if (provisioning->state != PROVISIONING_IN) {
        wsman_set_base64(instance, "ProvisioningServerOTP", k_no_password, sizeof k_no_password);
    }
    if (provisioning->trusted_suffix[0] != 0) {
        wsman_set(instance, "TrustedDNSSuffix", provisioning->trusted_suffix);
    }
    /* A captured device that is provisioned does not show it. */
    const char *dhcp_suffix = provisioning_dhcp_suffix(call->firmware);
    if (dhcp_suffix[0] != 0 && provisioning->state != PROVISIONING_POST) {
        wsman_set(instance, "DhcpDNSSuffix", dhcp_suffix);
    }
}

static bool is_administrator(const struct firmware_call *call)
{
    return users_may(call->user, REALM_ADMINISTRATION);
}

/* Before provisioning the local system account is the only one there is; later it sets nothing up. */
static bool may_set_up(const struct firmware_call *call)
{
    return is_administrator(call) || call->firmware->provisioning->state != PROVISIONING_POST;
}

/* Where the server is and its one-time password: part of setting up. */
void provisioning_put_service(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed)
{
    if (!may_set_up(call)) {
        firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return;
    }
    (void)provisioning_keep(call, old, changed);
}

/* In provisioning becomes admin control (activation.md 4.8). */
static void end_setup(struct firmware_call *call)
{
    static const uint8_t k_method = METHOD_REMOTE;
    provisioning_record_add(call->firmware, RECORD_TLS, NULL);
    provisioning_activate(call->firmware, FIRMWARE_ADMIN_CONTROL);
    audit_log_add(call->firmware, call, AUDIT_SECURITY_ADMIN, PROVISIONING_COMPLETED, &k_method,
                  sizeof k_method);
}

static uint32_t commit_changes(struct firmware_call *call, const struct wsman_instance *target,
                               const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    const struct provisioning *provisioning = call->firmware->provisioning;
    bool ends_setup = provisioning->state == PROVISIONING_IN;
    if (!may_set_up(call)) {
        return PT_NOT_PERMITTED;
    }
    /* In a session over TLS a password must have been set; from release 19 on that of the MEBx too. */
    if ((ends_setup && (provisioning->session.count == 0 || !users_have_admin(call->firmware))) ||
        (firmware_is_release(call->firmware, MEBX_PASSWORD_FROM) &&
         !provisioning->mebx_password_is_set)) {
        return PT_DATA_MISSING;
    }
    uint32_t status = tls_settings_commit(call->firmware);
    if (ends_setup && status == PT_SUCCESS) {
        end_setup(call);
    }
    return status;
}

static void forget(struct firmware *firmware, bool is_partial)
{
    if (firmware->provisioning->state != PROVISIONING_POST) {
        return; /* two requests, one after the other: the second finds nothing to do */
    }
    firmware_unprovision(firmware, is_partial);
}

static void forget_all(struct firmware *firmware)
{
    forget(firmware, false);
}

static void forget_part(struct firmware *firmware)
{
    forget(firmware, true);
}

/* WSM-077: the answer leaves first. */
static uint32_t begin_unprovision(struct firmware_call *call, firmware_afterwards_fn *afterwards)
{
    struct firmware *firmware = call->firmware;
    if (firmware->provisioning->state != PROVISIONING_POST) {
        return PT_INVALID_PROVISIONING_STATE;
    }
    if (!is_administrator(call)) {
        return PT_NOT_PERMITTED;
    }
    if (!firmware_is_release(firmware, AUDITOR_BLOCKS_BEFORE) &&
        audit_log_blocks_unprovision(firmware)) {
        return PT_AUDIT_FAIL;
    }
    audit_log_add(firmware, call, AUDIT_SECURITY_ADMIN, UNPROVISIONING_STARTED, NULL, 0);
    provisioning_tell_user(firmware, "3");
    subscriptions_alert(firmware, "iAMT0038",
                        (const char *const[]){ call->door == FIRMWARE_LOCAL ? "2" : "3" }, 1, 2);
    call->afterwards = afterwards;
    return PT_SUCCESS;
}

/* Any ProvisioningMode: clients send 1 or 2 (wsman.md 4.2). */
static uint32_t unprovision(struct firmware_call *call, const struct wsman_instance *target,
                            const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    return begin_unprovision(call, forget_all);
}

static uint32_t partial_unprovision(struct firmware_call *call, const struct wsman_instance *target,
                                    const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    return begin_unprovision(call, forget_part);
}

static uint32_t extend_period(struct firmware_call *call, const struct wsman_instance *target,
                              const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct provisioning *provisioning = call->firmware->provisioning;
    uint64_t hours = wsman_get_u64(in, "Duration", 0);
    if (provisioning->state != PROVISIONING_IN) {
        return PT_INVALID_PROVISIONING_STATE;
    }
    if (hours == 0 || hours > PERIOD_MAX_HOURS) {
        return PT_INVALID_PARAMETER;
    }
    timer_start(&provisioning->period, hours * 3600 * US_PER_SECOND);
    return PT_SUCCESS;
}

static uint32_t set_mebx_password(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const struct provisioning *provisioning = call->firmware->provisioning;
    bool is_part_of_activation = firmware_is_release(call->firmware, MEBX_PASSWORD_FROM);
    if (!may_set_up(call) || (provisioning->mode != FIRMWARE_ADMIN_CONTROL &&
                              provisioning->state != PROVISIONING_IN && !is_part_of_activation)) {
        return PT_NOT_PERMITTED; /* ACT-DEV-033: client control mode above all */
    }
    enum amt_err err = mebx_set_password(call->firmware, wsman_get(in, "Password"));
    return err == AMT_OK ? PT_SUCCESS : err == AMT_EAUTH ? PT_INVALID_PASSWORD : PT_INTERNAL_ERROR;
}

/* WSM-106: the bytes that the tunnel announces. */
static uint32_t get_uuid(struct firmware_call *call, const struct wsman_instance *target,
                         const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    uint8_t wire[16];
    uuid_to_wire(&call->firmware->uuid, wire);
    wsman_set_base64(out, "UUID", wire, sizeof wire);
    return PT_SUCCESS;
}

/* No component of this device keeps it from being unprovisioned. */
static uint32_t get_blocking_components(struct firmware_call *call,
                                        const struct wsman_instance *target,
                                        const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)call;
    (void)target;
    (void)in;
    (void)out;
    return PT_SUCCESS;
}

const struct firmware_method k_provisioning_service_methods[] = {
    { "CommitChanges", commit_changes },
    { "ExtendProvisioningPeriod", extend_period },
    { "GetUnprovisionBlockingComponents", get_blocking_components },
    { "GetUuid", get_uuid },
    { "PartialUnprovision", partial_unprovision },
    { "SetMEBxPassword", set_mebx_password },
    { "Unprovision", unprovision },
    { NULL, NULL },
};
