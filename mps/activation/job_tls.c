/* Admin control mode over mutual TLS from the host ("TLS-ACM", activation.md 4.7). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "mps/activation/job_internal.h"
#include "runtime/tls.h"

#define TRIES_MAX  3u
#define BETWEEN_US (2u * (uint64_t)US_PER_SECOND)

static void leaf_hash(const struct activation_job *job, char out[static 65])
{
    struct text hex = { 0 };
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    (void)X509_digest(job->certificate->chain[0], EVP_sha256(), hash, &len);
    text_hex(&hex, hash, len);
    (void)snprintf(out, 65, "%s", text_chars(&hex));
    text_fini(&hex);
}

static void start(struct activation_job *job)
{
    char hash[65];
    leaf_hash(job, hash);
    job->wait = WAIT_START_TLS;
    job->tls_tries += 1;
    job->channel.start_tls_configuration(job->channel.ctx, hash);
}

/* --- the certificate that the device announced must be the one it shows (F42) --- */

static void on_committed(struct activation_job *job, const struct wsman_outcome *outcome);

static void commit(struct activation_job *job)
{
    job->is_changing = true;
    job_invoke(job, "AMT_SetupAndConfigurationService", "CommitChanges", job_input(job),
               on_committed);
}

static void fail(struct activation_job *job, enum activation_failure failure, const char *text)
{
    job_fail(job, failure, "%s", text);
}

static void on_mebx_password(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE && outcome->return_value == 0) {
        commit(job);
    } else {
        fail(job, ACT_F_MEBX_PASSWORD_REQUIRED, "SetMEBxPassword was refused");
    }
}

static void on_committed(struct activation_job *job, const struct wsman_outcome *outcome)
{
    bool has_answered = outcome->result == WSMAN_DONE && outcome->has_return_value;
    if (has_answered && outcome->return_value == 2057 && !job->has_set_mebx) {
        job_set_mebx_password(job, on_mebx_password); /* ACT-SRV-050 */
    } else if (has_answered && outcome->return_value != 0) {
        fail(job,
             outcome->return_value == 2057 ? ACT_F_MEBX_PASSWORD_REQUIRED : ACT_F_INTERNAL_ERROR,
             "CommitChanges was refused");
    } else {
        /* Also when the connection broke: the administrator's logon tells (ACT-SRV-051). */
        job->was_lost = !has_answered;
        job->control_mode = 2;
        job_verify(job);
    }
}

static void on_admin_set(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE || outcome->return_value != 0) {
        fail(job, ACT_F_PASSWORD_HASH_MALFORMED, "SetAdminAclEntryEx was refused");
    } else {
        commit(job);
    }
}

static void on_general(struct activation_job *job, const struct wsman_outcome *outcome)
{
    const char *realm =
        outcome->result == WSMAN_DONE ? wsman_get(outcome->reply->instance, "DigestRealm") : NULL;
    bool is_sent_away = outcome->result == WSMAN_REFUSED || outcome->result == WSMAN_LOST ||
                        outcome->result == WSMAN_UNREACHABLE;
    if (is_sent_away) { /* after the handshake: with TLS 1.2 it need not be an alert (F43) */
        fail(job, ACT_F_PROVISIONING_HASH_DIFFERS,
             "the device ends the TLS connection of this provisioning certificate");
        return;
    }
    if (realm == NULL) {
        job_fail_outcome(job, outcome, "Get AMT_GeneralSettings over TLS");
        return;
    }
    (void)snprintf(job->realm, sizeof job->realm, "%s", realm);
    if (!job_prepare(job, ACTIVATION_ACM_TLS)) {
        return;
    }
    job_say(job, "Performing TLS ACM activation...");
    job_set_admin(job, on_admin_set);
}

static void on_shown(struct activation_job *job, const char *fingerprint)
{
    if (strcasecmp(fingerprint, job->tls_hash) != 0) {
        fail(job, ACT_F_TLS_HASH_DIFFERS, "Failed to perform ACM TLS connection, status 998.");
    } else if (job_connect(job, 16993, NULL, NULL)) {
        job_get(job, "AMT_GeneralSettings", on_general);
    }
}

/* An alert of the device: it does not take our certificate (F43). */
static void on_turned_away(struct activation_job *job, const struct stream_end *end)
{
    char text[STREAM_TEXT_BYTES + 80];
    (void)snprintf(text, sizeof text, "Failed to perform ACM TLS connection: %s", end->text);
    /* Without an alert, and with the plain port silent too, nobody is there at all (F38). */
    bool is_device = end->kind == STREAM_END_TLS && (end->tls_alert >= 0 || !job->tls_is_guessed);
    fail(job, is_device ? ACT_F_PROVISIONING_HASH_DIFFERS : ACT_F_LOCAL_PORT_REFUSED, text);
}

void job_tls_started(struct activation_job *job, int status, const char *hash_hex)
{
    if (status != 0 && job->tls_tries < TRIES_MAX) {
        job_hold(job, BETWEEN_US, start); /* the generator or the certificate is not ready */
        return;
    }
    if (status != 0) {
        job_fail(job, ACT_F_START_CONFIGURATION_REFUSED,
                 "Failed to startConfigurationHBased(), status = %d", status);
        return;
    }
    (void)snprintf(job->tls_hash, sizeof job->tls_hash, "%s", hash_hex == NULL ? "" : hash_hex);
    job_tls_probe(job, JOB_TLS_HOST, on_shown, on_turned_away);
}

void job_tls(struct activation_job *job)
{
    job->tls_tries = 0;
    start(job);
}
