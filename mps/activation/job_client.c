/* Client control mode: Setup (activation.md 4.3). */
#include "mps/activation/job_internal.h"

static void on_set_up(struct activation_job *job, const struct wsman_outcome *outcome)
{
    job->is_changing = false;
    if (outcome->result != WSMAN_DONE || !outcome->has_return_value) {
        job_diagnose_lost(job, "Setup", outcome);
    } else if (outcome->return_value != 0) { /* MeshCentral takes this for success */
        job_diagnose_setup(job, "Setup", outcome->return_value);
    } else {
        job->control_mode = 1;
        job_verify(job);
    }
}

static void after_read(struct activation_job *job)
{
    char hash[33];
    if (job->control_mode != 0) {
        job_succeed(job, ACTIVATION_NOTHING_TO_DO);
        return;
    }
    if (!job->allows_client) {
        job_fail(job, ACT_F_CLIENT_MODE_DISABLED, "AllowedControlModes lacks 1");
        return;
    }
    if (!job_prepare(job, ACTIVATION_CCM)) {
        return;
    }
    struct wsman_instance *input = job_input(job);
    job_password_hash(job, hash);
    wsman_set(input, "NetAdminPassEncryptionType", "2");
    wsman_set(input, "NetworkAdminPassword", hash);
    job->is_changing = true;
    job_invoke(job, "IPS_HostBasedSetupService", "Setup", input, on_set_up);
}

void job_client(struct activation_job *job)
{
    if (job_connect_local(job, job->report.local_user, &job->report.local_password)) {
        job_read(job, after_read);
    }
}
