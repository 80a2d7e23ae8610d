/* The password of a device, its hash, and the line in the log before anything is sent. */
#include <string.h>

#include "mps/activation/config.h"
#include "mps/activation/job_internal.h"
#include "protocol/http/digest.h"

void job_password_hash(const struct activation_job *job, char out[static 33])
{
    static const char k_digits[] = "0123456789abcdef";
    uint8_t hash[DIGEST_MD5_BYTES];
    digest_ha1("admin", job->realm, (const char *)job->password.bytes, job->password.len, hash);
    for (int i = 0; i < DIGEST_MD5_BYTES; i++) {
        out[2 * i] = k_digits[hash[i] >> 4];
        out[2 * i + 1] = k_digits[hash[i] & 15];
    }
    out[32] = '\0';
    amt_wipe(hash, sizeof hash);
}

static void put_root_hash(const struct activation_job *job, struct text *hex)
{
    bool is_sha1 = job->hash != NULL && job->hash->type == ACTIVATION_HASH_SHA1;
    if (job->certificate != NULL) {
        text_hex(hex, is_sha1 ? job->certificate->root_sha1 : job->certificate->root_sha256,
                 is_sha1 ? sizeof job->certificate->root_sha1
                         : sizeof job->certificate->root_sha256);
    }
}

bool job_prepare(struct activation_job *job, enum activation_action action)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct text root = { 0 };
    const struct secret *mebx = job->settings.mebx_password;
    char mebx_text[SECRET_MAX_BYTES + 1] = "";
    job->action = action;
    if (action != ACTIVATION_UPGRADE) {
        job->password = job->settings.policy->password;
    }
    if (job->password.len == 0 && !activation_password_draw(job->settings.loop, &job->password)) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the server could not make a password");
        return false;
    }
    put_root_hash(job, &root);
    if (action == ACTIVATION_BARE_METAL && mebx != NULL) {
        memcpy(mebx_text, mebx->bytes, mebx->len);
    }
    const struct activation_log_entry entry = {
        .time_ms = loop_wall_us(job->settings.loop) / 1000u,
        .action = action,
        .uuid = job->report.uuid,
        .realm = job->realm,
        .fqdn = activation_report_suffix(&job->report),
        .user = "admin",
        .password = &job->password,
        .mebx_password = action == ACTIVATION_BARE_METAL ? mebx_text : NULL,
        .certificate_hash = root.len == 0 ? NULL : text_chars(&root),
        .hash_type =
            job->hash != NULL && job->hash->type == ACTIVATION_HASH_SHA1 ? "sha1" : "sha256",
        .peer = job->report.peer,
        .group = job->settings.group,
        .host_name = job->report.host_name,
        .client = job->report.client[0] == '\0' ? NULL : job->report.client,
        .version = job->report.version,
    };
    enum amt_err err = job->settings.activation_log == NULL
                           ? amt_diag_set(&diag, AMT_ESYS, "there is no activation log")
                           : activation_log_append(job->settings.activation_log, &entry, &diag);
    amt_wipe(mebx_text, sizeof mebx_text);
    text_fini(&root);
    if (err != AMT_OK) {
        job_fail(job, ACT_F_LOG_NOT_WRITABLE, "Unable to log operation. %s", diag.text);
        return false;
    }
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&job->report.uuid, uuid);
    LOG(job->settings.log, LOG_INFO, "activation.logged", log_text("uuid", uuid),
        log_text("action", activation_action_name(action)));
    return true;
}

void job_set_mebx_password(struct activation_job *job,
                           void (*answer)(struct activation_job *job,
                                          const struct wsman_outcome *outcome))
{
    const struct secret *own = &job->settings.policy->mebx_password;
    const struct secret *password = own->len > 0 ? own : &job->password;
    struct wsman_instance *input = job_input(job);
    char *text = arena_text(&job->call_arena, (const char *)password->bytes, password->len);
    wsman_set(input, "Password", text == NULL ? "" : text);
    job->has_set_mebx = true;
    job_invoke(job, "AMT_SetupAndConfigurationService", "SetMEBxPassword", input, answer);
}
