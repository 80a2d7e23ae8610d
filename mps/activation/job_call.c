/* WS-Man calls of a job, one at a time. */
#include <stdlib.h>
#include <string.h>

#include "mps/activation/job_internal.h"
#include "protocol/http/digest.h"
#include "runtime/tls.h"

#define FIRST_RELEASE_WITH_TLS 14u /* StartConfigurationHBased (activation.md 4.7) */

static struct stream *open_stream(void *ctx)
{
    struct activation_job *job = ctx;
    struct stream *s = job->channel.open_port(job->channel.ctx, job->port);
    if (s == NULL || job->tls == NULL) {
        return s;
    }
    static const struct stream_handler k_none = { .on_open = NULL };
    const struct tls_name_check check = { .name = NULL };
    return tls_connect(job->settings.loop, job->tls, &check, s, &k_none, NULL);
}

bool job_connect(struct activation_job *job, uint32_t port, const char *user,
                 const struct secret *password)
{
    const struct wsman_client_settings settings = { .loop = job->settings.loop,
                                                    .connect = open_stream,
                                                    .ctx = job,
                                                    .where = "the device",
                                                    .host = "127.0.0.1:16992",
                                                    .user = user,
                                                    .password = password,
                                                    .first_byte_limit_us =
                                                        30 * (uint64_t)US_PER_SECOND,
                                                    .limit_us = 60 * (uint64_t)US_PER_SECOND };
    wsman_client_free(job->client);
    job->port = port;
    job->client = wsman_client_new(&settings);
    if (job->client == NULL) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the server is out of memory");
    }
    return job->client != NULL;
}

bool job_connect_local(struct activation_job *job, const char *user, const struct secret *password)
{
    static const struct tls_settings k_tls = { .max_version = TLS_VERSION_1_2 };
    struct amt_diag diag = { .err = AMT_OK };
    if (!job->report.is_tls_enforced && !job->uses_tls) {
        return job_connect(job, 16992, user, password);
    }
    if (job->tls == NULL) {
        job->tls = tls_context_new(&k_tls, &diag);
    }
    if (job->tls == NULL) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the server is out of memory");
        return false;
    }
    return job_connect(job, 16993, user, password);
}

static void on_done(void *ctx, const struct wsman_outcome *outcome)
{
    struct activation_job *job = ctx;
    void (*answer)(struct activation_job * job, const struct wsman_outcome *outcome) = job->answer;
    job->answer = NULL;
    if (answer != NULL && !job->is_over) {
        answer(job, outcome);
    }
}

void job_call(struct activation_job *job, const struct wsman_call *call,
              void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome))
{
    job->answer = answer;
    if (wsman_client_call(job->client, call, &job->call_arena, on_done, job) != AMT_OK) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the server is out of memory");
    }
}

void job_get(struct activation_job *job, const char *class_name,
             void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome))
{
    const struct wsman_call call = { .operation = WSMAN_GET, .class_name = class_name };
    job_call(job, &call, answer);
}

struct wsman_instance *job_input(struct activation_job *job)
{
    return wsman_instance_new(&job->call_arena, "INPUT");
}

void job_invoke(struct activation_job *job, const char *class_name, const char *method,
                const struct wsman_instance *input,
                void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome))
{
    const struct wsman_call call = {
        .operation = WSMAN_METHOD, .class_name = class_name, .method = method, .body = input
    };
    if (input == NULL || input->failed) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the server is out of memory");
    } else {
        job_call(job, &call, answer);
    }
}

void job_set_admin(struct activation_job *job,
                   void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome))
{
    uint8_t hash[DIGEST_MD5_BYTES];
    struct wsman_instance *input = job_input(job);
    digest_ha1("admin", job->realm, (const char *)job->password.bytes, job->password.len, hash);
    wsman_set(input, "Username", "admin");
    wsman_set_base64(input, "DigestPassword", hash, sizeof hash); /* bytes, not hex text */
    amt_wipe(hash, sizeof hash);
    job_invoke(job, "AMT_AuthorizationService", "SetAdminAclEntryEx", input, answer);
}

/* F36, F38, F39, F57, F58 and what else may come of a read. */
static enum activation_failure failure_of(const struct activation_job *job,
                                          const struct wsman_outcome *outcome)
{
    switch (outcome->result) {
    case WSMAN_REFUSED:
        return ACT_F_LOCAL_ACCOUNT_REJECTED;
    case WSMAN_UNREACHABLE:
        return job->report.is_tls_enforced ? ACT_F_LOCAL_TLS_ENFORCED : ACT_F_LOCAL_PORT_REFUSED;
    case WSMAN_LATE:
        return ACT_F_DEVICE_TOO_SLOW;
    case WSMAN_GARBLED:
        return ACT_F_ANSWER_NOT_CHUNKED;
    case WSMAN_LOST:
        return ACT_F_LOCAL_PORT_REFUSED;
    case WSMAN_DONE:
    case WSMAN_FAULTED:
    case WSMAN_HTTP:
    case WSMAN_NO_MEMORY:
        break;
    }
    return ACT_F_INTERNAL_ERROR;
}

/* MeshCentral's protocol has no word for a device that takes TLS only: its plain port tells. */
static bool is_closed_to_plain(const struct activation_job *job,
                               const struct wsman_outcome *outcome)
{
    bool is_silent = outcome->result == WSMAN_UNREACHABLE || outcome->result == WSMAN_LOST;
    bool is_first = job->realm[0] == '\0';
    return is_silent && is_first && job->port == 16992 && job->certificate != NULL &&
           job->action == ACTIVATION_ACM && job->channel.start_tls_configuration != NULL &&
           !job->report.is_tls_enforced &&
           strtoul(job->report.version, NULL, 10) >= FIRST_RELEASE_WITH_TLS;
}

void job_fail_outcome(struct activation_job *job, const struct wsman_outcome *outcome,
                      const char *doing)
{
    if (is_closed_to_plain(job, outcome)) {
        job->report.is_tls_enforced = true;
        job->tls_is_guessed = true;
        job_note(job, ACT_F_LOCAL_TLS_ENFORCED);
        job_tls(job);
        return;
    }
    job_fail(job, failure_of(job, outcome), "%s: %s%s%s", doing, wsman_result_name(outcome->result),
             outcome->diag.text[0] == '\0' ? "" : ": ", outcome->diag.text);
}

bool job_is_good(const struct wsman_outcome *outcome)
{
    return outcome->result == WSMAN_DONE &&
           (!outcome->has_return_value || outcome->return_value == 0);
}

void job_fail_step(struct activation_job *job, const char *doing,
                   const struct wsman_outcome *outcome)
{
    bool is_late = outcome->result == WSMAN_LATE;
    bool is_lost = outcome->result == WSMAN_LOST || outcome->result == WSMAN_UNREACHABLE;
    job_fail(job,
             is_late   ? ACT_F_DEVICE_TOO_SLOW
             : is_lost ? ACT_F_REPLY_LOST
                       : ACT_F_INTERNAL_ERROR,
             "%s: %s %s", doing, wsman_result_name(outcome->result), outcome->diag.text);
}
