/* What the firmware says of itself before it is asked to change: realm, modes, nonce, suffixes. */
#include <stdio.h>
#include <string.h>

#include "mps/activation/job_internal.h"

/* "Digest:" and 32 hexadecimal digits (F51). */
bool job_realm_is_good(const char *realm)
{
    return realm != NULL && strlen(realm) == 39 && strncmp(realm, "Digest:", 7) == 0 &&
           strspn(realm + 7, "0123456789abcdefABCDEF") == 32;
}

static void go_on(struct activation_job *job)
{
    void (*next)(struct activation_job * job) = job->after_hold;
    job->after_hold = NULL;
    if (next != NULL) {
        next(job);
    }
}

static void take_suffix(char out[static SUFFIX_BYTES], const struct wsman_instance *instance,
                        const char *name)
{
    const char *text = wsman_get(instance, name);
    (void)snprintf(out, SUFFIX_BYTES, "%s", text == NULL ? "" : text);
}

/* Only for the diagnosis: that it cannot be read is no failure. */
static void on_setup_service(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE) {
        take_suffix(job->trusted_suffix, outcome->reply->instance, "TrustedDNSSuffix");
        take_suffix(job->dhcp_suffix, outcome->reply->instance, "DhcpDNSSuffix");
        job->is_in_provisioning =
            wsman_get_u64(outcome->reply->instance, "ProvisioningState", 0) == 1;
    }
    go_on(job);
}

static bool take_setup(struct activation_job *job, const struct wsman_instance *instance)
{
    size_t len = 0;
    const uint8_t *nonce = wsman_get_base64(instance, "ConfigurationNonce", &len);
    job->control_mode = (uint32_t)wsman_get_u64(instance, "CurrentControlMode", 0);
    job->allows_client = false;
    job->allows_admin = false;
    const struct wsman_value *mode = wsman_get_values(instance, "AllowedControlModes");
    for (; mode != NULL; mode = mode->next) { /* ACT-SRV-037: one element or two */
        job->allows_client = job->allows_client || strcmp(mode->text, "1") == 0;
        job->allows_admin = job->allows_admin || strcmp(mode->text, "2") == 0;
    }
    if (nonce == NULL || len != NONCE_BYTES) {
        return false;
    }
    memcpy(job->device_nonce, nonce, NONCE_BYTES);
    return true;
}

static void on_setup(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE) {
        job_fail_outcome(job, outcome, "Get IPS_HostBasedSetupService");
    } else if (!take_setup(job, outcome->reply->instance)) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "ConfigurationNonce is not 20 bytes");
    } else {
        job_get(job, "AMT_SetupAndConfigurationService", on_setup_service);
    }
}

static void on_general(struct activation_job *job, const struct wsman_outcome *outcome)
{
    const char *realm =
        outcome->result == WSMAN_DONE ? wsman_get(outcome->reply->instance, "DigestRealm") : NULL;
    if (outcome->result != WSMAN_DONE) {
        job_fail_outcome(job, outcome, "Get AMT_GeneralSettings");
    } else if (!job_realm_is_good(realm)) {
        job_fail(job, ACT_F_REALM_MALFORMED, "DigestRealm is \"%s\"", realm == NULL ? "" : realm);
    } else {
        (void)snprintf(job->realm, sizeof job->realm, "%s", realm);
        job_get(job, "IPS_HostBasedSetupService", on_setup);
    }
}

void job_read(struct activation_job *job, void (*next)(struct activation_job *job))
{
    job->after_hold = next;
    job_get(job, "AMT_GeneralSettings", on_general);
}
