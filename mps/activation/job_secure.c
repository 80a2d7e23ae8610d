/*
 * Admin control mode by RPS where the local port is TLS, or shall be (activation.md 4.5): client control mode
 * first; then the device gets a TLS certificate of ours, which is the one it must show on its port from then on;
 * then the upgrade. What fails behind client control mode takes the device out of it again.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mps/activation/job_internal.h"
#include "runtime/stream.h"

#define PORT_TLS       16993u
#define SWITCH_DELAY_S 5u  /* the web server of the device starts anew */
#define SWITCH_LIMIT_S 60u /* 7.6 */

static const char k_service[] = "AMT_SetupAndConfigurationService";

/* --- the upgrade --- */

static void on_mebx_password(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (job_is_good(outcome)) {
        job_cira(job);
    } else {
        job_fail(job, ACT_F_MEBX_PASSWORD_REQUIRED,
                 "the device is activated, but SetMEBxPassword: %s %u",
                 wsman_result_name(outcome->result), outcome->return_value);
    }
}

static void set_mebx_password(struct activation_job *job)
{
    if (job->has_set_mebx) {
        job_cira(job);
    } else {
        job_set_mebx_password(job, on_mebx_password);
    }
}

static void upgrade(struct activation_job *job)
{
    job->action = ACTIVATION_UPGRADE;
    job->after_verify = set_mebx_password;
    job_admin(job);
}

static void on_shown(struct activation_job *job, const char *fingerprint)
{
    if (job->tls_hash[0] != '\0' && strcasecmp(fingerprint, job->tls_hash) != 0) {
        job_fail(job, ACT_F_TLS_HASH_DIFFERS,
                 "the device shows another TLS certificate than the one it was given");
    } else {
        upgrade(job);
    }
}

static void on_turned_away(struct activation_job *job, const struct stream_end *end)
{
    job_fail(job, ACT_F_LOCAL_PORT_REFUSED, "port 16993 after the device got TLS: %s", end->text);
}

void job_secure_switched(struct activation_job *job)
{
    job->uses_tls = true;
    job_tls_probe(job, JOB_TLS_ANONYMOUS, on_shown, on_turned_away);
}

/* --- TLS --- */

static void on_no_switch(struct activation_job *job)
{
    job_fail(job, ACT_F_DEVICE_TOO_SLOW, "the client did not answer port_switch");
}

static void on_committed(struct activation_job *job, const struct wsman_outcome *outcome)
{
    bool has_answered = outcome->result == WSMAN_DONE && outcome->has_return_value;
    uint32_t delay_s = job->settings.hold_us != 0 ? 0 : SWITCH_DELAY_S;
    if (has_answered && outcome->return_value != 0) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "CommitChanges of TLS: %u", outcome->return_value);
        return;
    }
    /* Without an answer too: the port starts anew, and the new session shows what came of it. */
    job->wait = WAIT_SWITCH;
    job_wait(job, (delay_s + SWITCH_LIMIT_S) * (uint64_t)US_PER_SECOND, on_no_switch);
    job->channel.switch_port(job->channel.ctx, PORT_TLS, delay_s);
}

static void commit(struct activation_job *job)
{
    job_invoke(job, k_service, "CommitChanges", job_input(job), on_committed);
}

static void equip(struct activation_job *job)
{
    job_say(job, "Setting up TLS...");
    job_equip(job, true, commit);
}

/* --- client control mode --- */

static void after_client_mode(struct activation_job *job)
{
    job->undoes_client_mode = true;
    equip(job);
}

void job_secure(struct activation_job *job)
{
    if (job->control_mode == 0) {
        job->after_verify = after_client_mode;
        job_client(job);
    } else if (job_connect_local(job, "admin", &job->password)) {
        job_read(job, equip); /* its own client control mode stays whatever happens */
    }
}

/* --- back --- */

static void on_undone(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (job_is_good(outcome)) {
        job->control_mode = 0;
    }
    size_t len = strlen(job->why);
    (void)snprintf(job->why + len, sizeof job->why - len, "; client control mode %s undone",
                   job->control_mode == 0 ? "was" : "could not be");
    job_give_up(job);
}

void job_secure_undo(struct activation_job *job)
{
    job->wait = WAIT_NOTHING;
    job_stop_waiting(job);
    if (!job_connect_local(job, "admin", &job->password)) {
        return; /* that has failed the job */
    }
    struct wsman_instance *input = job_input(job);
    wsman_set(input, "ProvisioningMode", "1");
    job_invoke(job, k_service, "Unprovision", input, on_undone);
}
