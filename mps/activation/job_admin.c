/* Admin control mode by the host's local port: chain, signature, AdminSetup (activation.md 4.2). */
#include "mps/activation/job_internal.h"

static const char k_service[] = "IPS_HostBasedSetupService";

static void send_next(struct activation_job *job);

static void on_set_up(struct activation_job *job, const struct wsman_outcome *outcome)
{
    const char *method = job->action == ACTIVATION_UPGRADE ? "UpgradeClientToAdmin" : "AdminSetup";
    job->is_changing = false;
    if (outcome->result != WSMAN_DONE || !outcome->has_return_value) {
        job_diagnose_lost(job, method, outcome);
    } else if (outcome->return_value != 0) {
        job_diagnose_setup(job, method, outcome->return_value);
    } else {
        job->control_mode = 2;
        job_verify(job);
    }
}

static void sign_and_set_up(struct activation_job *job)
{
    struct text signature = { 0 };
    struct wsman_instance *input = job_input(job);
    loop_random(job->settings.loop, job->server_nonce, NONCE_BYTES);
    if (activation_sign(job->certificate, job->device_nonce, job->server_nonce, &signature) !=
        AMT_OK) {
        text_fini(&signature);
        job_fail(job, ACT_F_WRONG_PRIVATE_KEY, "the nonces could not be signed");
        return;
    }
    bool is_upgrade = job->action == ACTIVATION_UPGRADE;
    if (!is_upgrade) {
        char hash[33];
        job_password_hash(job, hash);
        wsman_set(input, "NetAdminPassEncryptionType", "2");
        wsman_set(input, "NetworkAdminPassword", hash);
    }
    wsman_set_base64(input, "McNonce", job->server_nonce, NONCE_BYTES);
    wsman_set(input, "SigningAlgorithm", "2");
    wsman_set(input, "DigitalSignature", text_chars(&signature));
    text_fini(&signature);
    job->is_changing = true;
    job_invoke(job, k_service, is_upgrade ? "UpgradeClientToAdmin" : "AdminSetup", input,
               on_set_up);
}

static void on_certificate(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE || !outcome->has_return_value) {
        job_diagnose_lost(job, "AddNextCertInChain", outcome);
    } else if (outcome->return_value != 0) {
        job_diagnose_chain(job, outcome->return_value);
    } else {
        job->chain_at += 1;
        send_next(job);
    }
}

static void send_next(struct activation_job *job)
{
    const struct activation_certificate *certificate = job->certificate;
    if (job->chain_at == certificate->chain_count) {
        sign_and_set_up(job);
        return;
    }
    struct wsman_instance *input = job_input(job);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate->chain[job->chain_at], &der);
    wsman_set_base64(input, "NextCertificate", der, len > 0 ? (size_t)len : 0);
    wsman_set_bool(input, "IsLeafCertificate", job->chain_at == 0);
    wsman_set_bool(input, "IsRootCertificate", job->chain_at + 1 == certificate->chain_count);
    OPENSSL_free(der);
    job_invoke(job, k_service, "AddNextCertInChain", input, on_certificate);
}

static void after_read(struct activation_job *job)
{
    bool is_upgrade = job->action == ACTIVATION_UPGRADE;
    if (job->control_mode == 2) {
        job->failure = ACT_F_ALREADY_ADMIN_MODE;
        job_succeed(job, ACTIVATION_NOTHING_TO_DO);
        return;
    }
    if (!job_prepare(job, is_upgrade ? ACTIVATION_UPGRADE : ACTIVATION_ACM)) {
        return; /* nothing was sent but reads (ACT-SRV-030) */
    }
    job_say(job, "Performing ACM activation...");
    job->chain_at = 0;
    send_next(job);
}

void job_admin(struct activation_job *job)
{
    bool is_upgrade = job->action == ACTIVATION_UPGRADE;
    const char *user = is_upgrade ? "admin" : job->report.local_user;
    const struct secret *password = is_upgrade ? &job->password : &job->report.local_password;
    if (job_connect_local(job, user, password)) {
        job_read(job, after_read);
    }
}

/* The device has another nonce than the one that was signed: once more, with that (F31). */
void job_admin_again(struct activation_job *job)
{
    job->has_retried_nonce = true;
    sign_and_set_up(job); /* the chain is still in the device */
}
