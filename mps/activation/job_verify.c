/* After a setup: the administrator logs on and looks; settings are committed where the release wants it. */
#include <stdlib.h>
#include <string.h>

#include "mps/activation/job_internal.h"

#define HOLD_US (10u * (uint64_t)US_PER_SECOND) /* ACT-SRV-035 */

static void on_policy_mebx(struct activation_job *job, const struct wsman_outcome *outcome);

/* The device is what it shall be. A profile's MEBx password is the last thing (4.5 step 7). */
static void go_on(struct activation_job *job)
{
    void (*next)(struct activation_job * job) = job->after_verify;
    if (job->control_mode == 2 && job->action != ACTIVATION_BARE_METAL &&
        job->settings.policy->mebx_password.len > 0 && !job->has_set_mebx) {
        job_set_mebx_password(job, on_policy_mebx);
        return;
    }
    job->after_verify = NULL;
    if (next != NULL) {
        next(job);
    } else {
        job_cira(job);
    }
}

static void on_policy_mebx(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (job_is_good(outcome)) {
        go_on(job);
    } else {
        job_fail(job, ACT_F_MEBX_PASSWORD_REQUIRED,
                 "the device is activated, but SetMEBxPassword: %s %u",
                 wsman_result_name(outcome->result), outcome->return_value);
    }
}

static void on_committed(struct activation_job *job, const struct wsman_outcome *outcome);

static void commit(struct activation_job *job)
{
    job_invoke(job, "AMT_SetupAndConfigurationService", "CommitChanges", job_input(job),
               on_committed);
}

static void on_mebx_password(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE && outcome->return_value == 0) {
        commit(job); /* ACT-SRV-050: once */
    } else {
        job_fail(job, ACT_F_MEBX_PASSWORD_REQUIRED, "SetMEBxPassword: %s %u",
                 wsman_result_name(outcome->result), outcome->return_value);
    }
}

static void on_committed(struct activation_job *job, const struct wsman_outcome *outcome)
{
    bool has_answered = outcome->result == WSMAN_DONE && outcome->has_return_value;
    if (has_answered && outcome->return_value == 2057 && !job->has_set_mebx) {
        job_set_mebx_password(job, on_mebx_password);
    } else if (has_answered && outcome->return_value != 0) {
        job_fail(job,
                 outcome->return_value == 38     ? ACT_F_FLASH_WEAR_OUT
                 : outcome->return_value == 2057 ? ACT_F_MEBX_PASSWORD_REQUIRED
                                                 : ACT_F_INTERNAL_ERROR,
                 "CommitChanges: %u", outcome->return_value);
    } else {
        go_on(job); /* a dropped connection is how some releases answer */
    }
}

static void finish(struct activation_job *job)
{
    bool commits = job->action != ACTIVATION_BARE_METAL && /* it has committed already */
                   strtoul(job->report.version, NULL, 10) >= 19;
    if (commits) {
        commit(job);
    } else {
        go_on(job);
    }
}

static void after_read(struct activation_job *job)
{
    uint32_t wanted = job->action == ACTIVATION_CCM ? 1 : 2;
    if (job->control_mode != wanted) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the device says control mode %u after the setup",
                 job->control_mode);
    } else {
        finish(job);
    }
}

/* The first request as admin tells whether the password hash was right (F32, F50). */
static void on_general(struct activation_job *job, const struct wsman_outcome *outcome)
{
    const char *realm =
        outcome->result == WSMAN_DONE ? wsman_get(outcome->reply->instance, "DigestRealm") : NULL;
    if (outcome->result == WSMAN_REFUSED) {
        job_fail(job, ACT_F_PASSWORD_HASH_WRONG, "admin is refused after the setup");
    } else if (outcome->result != WSMAN_DONE) {
        job_fail_outcome(job, outcome, "Get AMT_GeneralSettings as admin");
    } else if (realm == NULL || strcmp(realm, job->realm) != 0) {
        job_fail(job, ACT_F_REALM_DIFFERS, "hashed for \"%s\", the device says \"%s\"", job->realm,
                 realm == NULL ? "" : realm);
    } else {
        job_read(job, after_read);
    }
}

static void log_on(struct activation_job *job)
{
    if (job_connect(job, job->port, "admin", &job->password)) {
        job_get(job, "AMT_GeneralSettings", on_general);
    }
}

void job_verify(struct activation_job *job)
{
    job->undoes_client_mode = job->undoes_client_mode && job->control_mode != 2;
    job_say(job, "Succesfully activated in %s mode, holding 10 seconds...",
            job->action == ACTIVATION_CCM ? "CCM" : "ACM");
    job_hold(job, HOLD_US, log_on);
}
