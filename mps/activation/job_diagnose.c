/*
 * What a refusal means (activation.md 5.4, 10). The device says a number; the facts that tell the causes
 * apart are in the certificate, in the report, and in what the device says of itself when asked again.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "mps/activation/job_internal.h"

static unsigned long release_of(const struct activation_job *job)
{
    return strtoul(job->report.version, NULL, 10);
}

static bool is_sha1(X509 *certificate)
{
    int digest = NID_undef;
    return OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, NULL) == 1 &&
           digest == NID_sha1;
}

static bool chain_has_sha1(const struct activation_certificate *certificate)
{
    for (uint32_t i = 0; i < certificate->chain_count; i++) {
        if (is_sha1(certificate->chain[i])) {
            return true;
        }
    }
    return false;
}

static bool chain_has_short_key(const struct activation_certificate *certificate)
{
    for (uint32_t i = 0; i < certificate->chain_count; i++) {
        if (EVP_PKEY_get_bits(X509_get0_pubkey(certificate->chain[i])) < 2048) {
            return true;
        }
    }
    return false;
}

static void subject_of(const struct activation_job *job, char *out, int cap)
{
    const struct activation_certificate *certificate = job->certificate;
    uint32_t at = job->chain_at < certificate->chain_count ? job->chain_at : 0;
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate->chain[at]), NID_commonName,
                                    out, cap);
}

/* 4: verification failed. The root last: then it is the firmware's list; else what this release
 * cannot take; else the chain. */
static enum activation_failure verification_failure(const struct activation_job *job)
{
    unsigned long release = release_of(job);
    if (release >= 15 && chain_has_sha1(job->certificate)) {
        return ACT_F_SHA1_NOT_SUPPORTED;
    }
    if (release >= 15 && chain_has_short_key(job->certificate)) {
        return ACT_F_KEY_TOO_SHORT;
    }
    if (job->chain_at + 1 == job->certificate->chain_count) {
        return ACT_F_ROOT_HASH_GONE;
    }
    /* The leaf alone: what marks it. */
    return job->chain_at == 0 && job->certificate->warning != ACTIVATION_NO_FAILURE
               ? job->certificate->warning
               : ACT_F_CHAIN_BROKEN;
}

void job_diagnose_chain(struct activation_job *job, uint32_t return_value)
{
    char subject[128] = "";
    enum activation_failure failure = ACT_F_INTERNAL_ERROR;
    subject_of(job, subject, sizeof subject);
    switch (return_value) {
    case 1:
        failure = ACT_F_CERTIFICATE_ENCODING;
        break;
    case 3:
        failure = ACT_F_LEAF_NOT_FIRST;
        break;
    case 4:
        failure = verification_failure(job);
        break;
    case 5:
        failure = ACT_F_CHAIN_TOO_LONG;
        break;
    default:
        break;
    }
    job_fail(job, failure,
             "Failed to set ACM certificate chain (ERR/%u): AddNextCertInChain, certificate %u of "
             "%u, \"%s\"",
             return_value, job->chain_at + 1, job->certificate->chain_count, subject);
}

/* --- AdminSetup and the others --- */

static void put_setup_failure(struct activation_job *job, enum activation_failure failure,
                              const char *method, uint32_t return_value)
{
    bool is_client = strcmp(method, "Setup") == 0;
    job_fail(job, failure,
             "Failed to complete %s activation (ERR/%u): %s; reported suffix \"%s\", device's own: "
             "MEBx \"%s\", DHCP \"%s\", certificate for \"%s\"",
             is_client ? "CCM" : "ACM", return_value, method,
             activation_report_suffix(&job->report), job->trusted_suffix, job->dhcp_suffix,
             job->certificate == NULL ? "-" : job->certificate->name);
}

/* 5: the domain, the certificate's marks, or the signature (F12 to F15, F21 to F23, F28 to F31). */
static enum activation_failure authentication_failure(const struct activation_job *job)
{
    const struct activation_certificate *certificate = job->certificate;
    bool has_mebx = job->trusted_suffix[0] != '\0';
    bool is_told = has_mebx || job->action != ACTIVATION_UPGRADE; /* a set-up device keeps it */
    if (certificate->warning == ACT_F_USAGE_MISSING ||
        certificate->warning == ACT_F_OU_WRONG_CASE ||
        certificate->warning == ACT_F_SERVER_AUTH_MISSING) {
        return certificate->warning;
    }
    if (has_mebx && !activation_name_covers(certificate->name, job->trusted_suffix)) {
        return ACT_F_MEBX_SUFFIX_WRONG;
    }
    if (!has_mebx && job->report.wired_link == 0) {
        return ACT_F_WIRED_LINK_DOWN;
    }
    if (!is_told) {
        return ACT_F_SUFFIX_DIFFERS;
    }
    if (!has_mebx && job->dhcp_suffix[0] == '\0') {
        return ACT_F_DHCP_OPTION_MISSING;
    }
    if (!has_mebx && !activation_name_covers(certificate->name, job->dhcp_suffix)) {
        return ACT_F_SUFFIX_DIFFERS;
    }
    return ACT_F_SIGNATURE_REJECTED;
}

/* The nonce and the suffixes were read again. */
static void on_read_again(struct activation_job *job)
{
    bool has_changed = memcmp(job->signed_nonce, job->device_nonce, NONCE_BYTES) != 0;
    if (has_changed && !job->has_retried_nonce) {
        job_say(job, "The device has a new nonce; signing again...");
        job_admin_again(job);
    } else {
        put_setup_failure(job, has_changed ? ACT_F_NONCE_STALE : authentication_failure(job),
                          job->action == ACTIVATION_UPGRADE ? "UpgradeClientToAdmin" : "AdminSetup",
                          5);
    }
}

void job_diagnose_setup(struct activation_job *job, const char *method, uint32_t return_value)
{
    bool is_client = strcmp(method, "Setup") == 0;
    if (return_value == 5 && !is_client) {
        memcpy(job->signed_nonce, job->device_nonce, NONCE_BYTES);
        job_read(job, on_read_again);
        return;
    }
    enum activation_failure failure = ACT_F_INTERNAL_ERROR;
    switch (return_value) {
    case 2:
        failure =
            is_client || job->is_in_provisioning ? ACT_F_IN_PROVISIONING : ACT_F_CHAIN_NOT_COMPLETE;
        break;
    case 3:
        failure = ACT_F_PASSWORD_HASH_MALFORMED;
        break;
    case 4:
        failure = ACT_F_CLIENT_MODE_DISABLED;
        break;
    case 6:
        failure = ACT_F_FLASH_WEAR_OUT;
        break;
    default:
        break;
    }
    put_setup_failure(job, failure, method, return_value);
}

/* --- no answer, or a fault --- */

/* The control mode was read back: has the change happened? (F45, F58) */
static void on_control_mode(struct activation_job *job, const struct wsman_outcome *outcome)
{
    uint32_t wanted = job->action == ACTIVATION_CCM ? 1 : 2;
    uint64_t mode = outcome->result == WSMAN_DONE
                        ? wsman_get_u64(outcome->reply->instance, "CurrentControlMode", 0)
                        : 0;
    if (mode == wanted) {
        job->was_lost = true;
        job->failure = ACT_F_REPLY_LOST;
        job->control_mode = wanted;
        job_verify(job);
    } else if (outcome->result == WSMAN_REFUSED) {
        /* The local account is gone: the device is provisioned. The administrator finds out. */
        job->was_lost = true;
        job->control_mode = wanted;
        job_verify(job);
    } else {
        job_fail(job, ACT_F_DEVICE_TOO_SLOW, "no answer to the setup, and the control mode is %llu",
                 (unsigned long long)mode);
    }
}

static void read_back(struct activation_job *job)
{
    job_get(job, "IPS_HostBasedSetupService", on_control_mode);
}

static enum activation_failure fault_failure(const struct activation_job *job, const char *method,
                                             const struct wsman_outcome *outcome)
{
    bool is_fault = outcome->result == WSMAN_FAULTED;
    if (is_fault && strcmp(method, "AddNextCertInChain") == 0) {
        return ACT_F_CERTIFICATE_ENCODING;
    }
    if (is_fault && strcmp(method, "AdminSetup") == 0 && release_of(job) >= 19) {
        return ACT_F_ADMIN_SETUP_ABSENT;
    }
    return is_fault ? ACT_F_PASSWORD_HASH_MALFORMED : ACT_F_INTERNAL_ERROR;
}

#define READ_BACK_US (3u * (uint64_t)US_PER_SECOND)

void job_diagnose_lost(struct activation_job *job, const char *method,
                       const struct wsman_outcome *outcome)
{
    bool may_have_worked = outcome->result == WSMAN_LOST || outcome->result == WSMAN_LATE ||
                           outcome->result == WSMAN_UNREACHABLE;
    if (may_have_worked && strcmp(method, "AddNextCertInChain") != 0) {
        job_hold(job, READ_BACK_US, read_back); /* never repeated: the state is read instead */
    } else if (outcome->result == WSMAN_FAULTED || outcome->result == WSMAN_HTTP ||
               outcome->result == WSMAN_DONE) {
        job_fail(job, fault_failure(job, method, outcome), "%s answered %d %s", method,
                 outcome->status, outcome->diag.text);
    } else {
        job_fail_outcome(job, outcome, method);
    }
}
