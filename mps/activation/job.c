#include "mps/activation/job_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/tls.h"

const char *activation_outcome_event(enum activation_outcome outcome)
{
    static const char *const k_events[] = { "activation.done", "activation.nothing",
                                            "activation.failed" };
    return k_events[outcome];
}

/* A word: that of harness.md 9.3 where it has one, else the name: chain_broken. */
static void write_reason(const struct activation_result *result, char out[static 64])
{
    const char *name = result->reason != NULL ? result->reason
                       : result->failure == ACT_F_NO_CERTIFICATE_FOR_SUFFIX
                           ? "dns_suffix_mismatch"
                           : activation_failure_name(result->failure);
    (void)snprintf(out, 64, "%s", name);
    for (char *at = out; *at != '\0'; at++) {
        if (*at == '-') {
            *at = '_';
        }
    }
}

void activation_result_log(struct log *log, const struct uuid *uuid,
                           const struct activation_result *result)
{
    char text[UUID_TEXT_BYTES];
    char reason[64];
    uuid_format(uuid, text);
    write_reason(result, reason);
    LOG(log, result->outcome == ACTIVATION_FAILED ? LOG_WARN : LOG_INFO,
        activation_outcome_event(result->outcome), log_text("uuid", text),
        log_text("code", activation_failure_code(result->failure)), log_text("reason", reason),
        log_text("cause", activation_failure_cause(result->failure)),
        log_text("detail", result->detail), log_u64("control_mode", result->control_mode));
}

#define SECOND (uint64_t) US_PER_SECOND

static const char *copy(struct activation_job *job, const char *text)
{
    const char *from = text == NULL ? "" : text;
    char *made = arena_text(&job->report_arena, from, strlen(from));
    return made == NULL ? "" : made;
}

static void take_report(struct activation_job *job, const struct activation_report *report)
{
    activation_report_wipe(&job->report);
    arena_fini(&job->report_arena);
    job->report = *report;
    struct activation_report *r = &job->report;
    r->version = copy(job, report->version);
    r->build = copy(job, report->build);
    r->sku = copy(job, report->sku);
    r->host_name = copy(job, report->host_name);
    r->dns_suffix = copy(job, report->dns_suffix);
    r->os_dns_suffix = copy(job, report->os_dns_suffix);
    r->local_user = copy(job, report->local_user);
    r->profile = copy(job, report->profile);
    r->client = copy(job, report->client);
    r->peer = copy(job, report->peer);
    for (uint32_t i = 0; i < r->hash_count; i++) {
        r->hashes[i].name = copy(job, report->hashes[i].name);
    }
    job->control_mode = report->control_mode;
}

/* Why first: the facts can be long. */
static void write_detail(const struct activation_job *job, char *out, size_t cap)
{
    const char *facts = text_chars(&job->facts);
    bool is_said = strncmp(facts, job->why, strlen(job->why)) == 0; /* the facts are why */
    (void)snprintf(out, cap, "%s%s%s", is_said ? "" : job->why,
                   is_said || facts[0] == '\0' ? "" : "; ", facts);
}

static void finish(struct activation_job *job, enum activation_outcome outcome)
{
    if (job->is_over) {
        return;
    }
    job->is_over = true;
    timer_stop(&job->timer);
    struct activation_result result = { .outcome = outcome,
                                        .failure = job->failure,
                                        .control_mode = job->control_mode,
                                        .reason = job->reason };
    write_detail(job, result.detail, sizeof result.detail);
    if (job->password.len > 0 && outcome == ACTIVATION_DONE) {
        result.user = "admin";
        result.password = &job->password;
    }
    activation_result_log(job->settings.log, &job->report.uuid, &result);
    job->done(job->ctx, &result);
}

void job_note(const struct activation_job *job, enum activation_failure failure)
{
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&job->report.uuid, uuid);
    LOG(job->settings.log, LOG_INFO, "activation.note", log_text("uuid", uuid),
        log_text("code", activation_failure_code(failure)),
        log_text("cause", activation_failure_cause(failure)));
}

void job_fail(struct activation_job *job, enum activation_failure failure, const char *format, ...)
{
    char line[400];
    va_list arguments;
    if (job->is_over) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    job->failure = failure;
    if (job->tls_tries > 0 && job->channel.stop_configuration != NULL) {
        job->channel.stop_configuration(job->channel.ctx); /* ACT-SRV-052 */
    }
    (void)snprintf(job->why, sizeof job->why, "%s", line);
    if (job->undoes_client_mode) {
        job->undoes_client_mode = false;
        job_secure_undo(job);
    } else {
        job_give_up(job);
    }
}

void job_give_up(struct activation_job *job)
{
    enum activation_failure failure = job->failure;
    job_say(job, "%s: %s. %s. (%s)", activation_failure_code(failure),
            activation_failure_cause(failure), activation_failure_cure(failure), job->why);
    finish(job, ACTIVATION_FAILED);
}

void job_succeed(struct activation_job *job, enum activation_outcome outcome)
{
    finish(job, outcome);
}

void job_say(struct activation_job *job, const char *format, ...)
{
    char line[900];
    va_list arguments;
    if (job->channel.say == NULL) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    job->channel.say(job->channel.ctx, line);
}

static void on_timer(void *ctx)
{
    struct activation_job *job = ctx;
    void (*next)(struct activation_job * job) = job->after_hold;
    job->after_hold = NULL;
    if (next != NULL && !job->is_over) {
        next(job);
    }
}

void job_hold(struct activation_job *job, uint64_t us, void (*next)(struct activation_job *job))
{
    job->after_hold = next;
    timer_start(&job->timer, job->settings.hold_us != 0 ? job->settings.hold_us : us);
}

void job_wait(struct activation_job *job, uint64_t us, void (*late)(struct activation_job *job))
{
    job->after_hold = late;
    timer_start(&job->timer, us);
}

void job_stop_waiting(struct activation_job *job)
{
    job->after_hold = NULL;
    timer_stop(&job->timer);
}

/* --- the decision --- */

static bool wants_admin(const struct activation_policy *policy)
{
    return policy->type == ACTIVATION_POLICY_ADMIN || policy->type == ACTIVATION_POLICY_AUTOMATIC;
}

static bool wants_client(const struct activation_policy *policy)
{
    return policy->type == ACTIVATION_POLICY_CLIENT ||
           policy->type == ACTIVATION_POLICY_AUTOMATIC ||
           (policy->type == ACTIVATION_POLICY_ADMIN && policy->fallback == ACTIVATION_USE_CLIENT);
}

static void on_no_answer(struct activation_job *job)
{
    static const char *const k_names[] = { "",           "stopConfiguration",
                                           "deactivate", "startTlsHostConfig",
                                           "the state",  "port_switch" };
    job_fail(job, ACT_F_DEVICE_TOO_SLOW, "the client did not answer %s", k_names[job->wait]);
}

/* A host command; its answer is waited for, not for ever. */
static void wait_for(struct activation_job *job, enum job_wait wait)
{
    job->wait = wait;
    job_wait(job, 120 * SECOND, on_no_answer);
}

static void after_clearing(struct activation_job *job)
{
    if (job->channel.read_state_again == NULL) {
        job_admin(job);
        return;
    }
    wait_for(job, WAIT_REPORT);
    job->channel.read_state_again(job->channel.ctx);
}

static void stop_configuration(struct activation_job *job)
{
    if (job->channel.stop_configuration == NULL) {
        job_admin(job);
        return;
    }
    wait_for(job, WAIT_STOP);
    job->channel.stop_configuration(job->channel.ctx);
}

/* RPS has no host commands, but can follow the device to another port (4.5). */
static bool is_secure(const struct activation_job *job)
{
    return job->channel.switch_port != NULL &&
           (job->report.is_tls_enforced || job->settings.uses_tunnel);
}

static void start_admin(struct activation_job *job)
{
    job_say(job, "Getting ready for ACM activation...");
    if (is_secure(job)) {
        if (job->report.is_tls_enforced) {
            job_note(job, ACT_F_LOCAL_TLS_ENFORCED);
        }
        job_secure(job);
        return;
    }
    if (job->report.is_tls_enforced) {
        if (job->settings.refuses_tls) {
            job_fail(job, ACT_F_LOCAL_TLS_ENFORCED,
                     "activation by TLS is switched off (tls: false)");
        } else if (job->channel.start_tls_configuration == NULL) {
            job_fail(job, ACT_F_LOCAL_TLS_ENFORCED, "this conversation has no TLS configuration");
        } else {
            job_note(job, ACT_F_LOCAL_TLS_ENFORCED);
            job_tls(job);
        }
        return;
    }
    stop_configuration(job);
}

static void deactivate(struct activation_job *job)
{
    if (job->channel.unprovision_client_mode == NULL) {
        job_fail(job, ACT_F_CLIENT_MODE_PRESENT, "this conversation cannot deactivate");
        return;
    }
    job_say(job, "Deactivating CCM...");
    if (job->settings.policy->type != ACTIVATION_POLICY_DEACTIVATE) {
        job_note(job, ACT_F_CLIENT_MODE_PRESENT);
    }
    job->action = ACTIVATION_DEACTIVATE;
    wait_for(job, WAIT_UNPROVISION);
    job->channel.unprovision_client_mode(job->channel.ctx);
}

/* CCM with ACM in reach: upgraded where the administrator is known, else deactivated first. */
static void leave_client_mode(struct activation_job *job)
{
    if (job->settings.prefers_upgrade && job->settings.policy->password.len > 0) {
        job->password = job->settings.policy->password;
        job->action = ACTIVATION_UPGRADE;
        if (is_secure(job)) {
            job_secure(job);
        } else {
            job_admin(job);
        }
    } else {
        deactivate(job);
    }
}

/* Of a set that could not be loaded. */
static void take_reason(struct activation_job *job, enum activation_failure failure)
{
    char suffix[ACTIVATION_SUFFIX_BYTES];
    activation_suffix_clean(activation_report_suffix(&job->report), suffix);
    const struct activation_refused_set *refused =
        activation_certificates_refused(job->settings.certificates, suffix);
    job->reason = refused != NULL && refused->failure == failure ? refused->reason : NULL;
}

static void choose_admin(struct activation_job *job, enum activation_failure failure)
{
    const struct activation_policy *policy = job->settings.policy;
    bool is_mesh = job->report.conversation == ACTIVATION_BY_MESH;
    if (job->certificate == NULL) {
        if (job->control_mode == 1 && policy->fallback == ACTIVATION_CLEAR_CLIENT) {
            deactivate(job);
        } else if (job->control_mode == 0 && wants_client(policy)) {
            job_client(job);
        } else if (job->control_mode == 1) {
            job_succeed(job, ACTIVATION_NOTHING_TO_DO);
        } else {
            take_reason(job, failure);
            job_fail(job, failure, "%s", text_chars(&job->facts));
        }
    } else if (is_mesh && !job->report.has_core_version) {
        job_fail(job, ACT_F_CLIENT_TOO_OLD,
                 "This software is to old to support ACM activation, "
                 "pleasse update and try again.");
    } else if (job->control_mode == 1) {
        leave_client_mode(job);
    } else {
        start_admin(job);
    }
}

/* From the network there is only admin control mode (activation.md 8.4, 11.2). */
static void decide_bare_metal(struct activation_job *job)
{
    enum activation_failure failure = ACTIVATION_NO_FAILURE;
    if (job->settings.group == NULL) {
        job_fail(job, ACT_F_POLICY_NONE, "Invalid device group for Intel AMT activation.");
        return;
    }
    if (!wants_admin(job->settings.policy)) {
        job_fail(job, ACT_F_POLICY_NONE, "Device group does not have ACM activation policy.");
        return;
    }
    job->certificate = activation_certificates_choose(job->settings.certificates, &job->report,
                                                      &job->hash, &failure, &job->facts);
    if (job->certificate == NULL) {
        job_fail(job, failure, "Unable to find a matching ACM activation certificate.");
    } else {
        job_metal(job);
    }
}

void job_decide(struct activation_job *job)
{
    const struct activation_policy *policy = job->settings.policy;
    enum activation_failure failure = ACTIVATION_NO_FAILURE;
    job->certificate = NULL;
    job->action = ACTIVATION_ACM;
    if (job->report.conversation == ACTIVATION_BY_BARE_METAL) {
        decide_bare_metal(job);
    } else if (policy->type == ACTIVATION_POLICY_NONE) {
        job_fail(job, ACT_F_POLICY_NONE, "group \"%s\"",
                 job->settings.group == NULL ? "" : job->settings.group);
    } else if (job->report.local_user[0] == '\0') {
        job_fail(job, ACT_F_NO_HOST_ACCESS, "no local account was reported");
    } else if (policy->type == ACTIVATION_POLICY_DEACTIVATE) {
        if (job->control_mode == 1) {
            deactivate(job);
        } else {
            job_succeed(job, ACTIVATION_NOTHING_TO_DO);
        }
    } else if (job->control_mode == 2) {
        job->failure = ACT_F_ALREADY_ADMIN_MODE;
        job_succeed(job, ACTIVATION_NOTHING_TO_DO);
    } else if (wants_admin(policy)) {
        job->certificate = activation_certificates_choose(job->settings.certificates, &job->report,
                                                          &job->hash, &failure, &job->facts);
        choose_admin(job, failure);
    } else if (job->control_mode == 1) {
        job_succeed(job, ACTIVATION_NOTHING_TO_DO);
    } else {
        job_client(job);
    }
}

/* --- what the conversation answers --- */

static void after_stop(struct activation_job *job, int status)
{
    if (status == 0) {
        job->was_cleared = true;
        job_note(job, ACT_F_IN_PROVISIONING);
        job_say(job, "Cleared in-provisioning state. Holding 30 seconds prior to getting Intel AMT "
                     "MEI state...");
        job_hold(job, 30 * SECOND, after_clearing);
        return;
    }
    if (status != 3) { /* 3: there was no provisioning session */
        job_say(job, "Unknown stopConfiguration() state of %d. Continuing with ACM activation...",
                status);
    }
    job_admin(job);
}

static void after_unprovision(struct activation_job *job, int status)
{
    if (status != 0) {
        job_fail(job, ACT_F_DEACTIVATION_REFUSED, "host unprovision answered %d", status);
    } else if (job->settings.policy->type == ACTIVATION_POLICY_DEACTIVATE) {
        job->control_mode = 0;
        job_say(job, "Deactivation successful.");
        job_succeed(job, ACTIVATION_DONE);
    } else {
        job_hold(job, 60 * SECOND, after_clearing);
    }
}

void activation_job_host_done(struct activation_job *job, int status, const char *hash_hex)
{
    enum job_wait wait = job->wait;
    (void)hash_hex;
    if (job->is_over || (wait != WAIT_STOP && wait != WAIT_UNPROVISION && wait != WAIT_START_TLS)) {
        return; /* ACT-SRV-042 */
    }
    job->wait = WAIT_NOTHING;
    timer_stop(&job->timer);
    if (wait == WAIT_STOP) {
        after_stop(job, status);
    } else if (wait == WAIT_UNPROVISION) {
        after_unprovision(job, status);
    } else {
        job_tls_started(job, status, hash_hex);
    }
}

void activation_job_port_switched(struct activation_job *job)
{
    if (!job->is_over && job->wait == WAIT_SWITCH) {
        job->wait = WAIT_NOTHING;
        job_stop_waiting(job);
        job_secure_switched(job);
    }
}

void activation_job_report_changed(struct activation_job *job,
                                   const struct activation_report *report)
{
    if (job->is_over || job->wait != WAIT_REPORT) {
        return;
    }
    job->wait = WAIT_NOTHING;
    timer_stop(&job->timer);
    take_report(job, report);
    if (job->was_cleared) {
        job->was_cleared = false;
        job_say(job, "Got new Intel AMT MEI state. Holding 40 seconds prior to ACM activation...");
        job_hold(job, 40 * SECOND, job_admin);
    } else {
        job_decide(job); /* after a deactivation: from the beginning */
    }
}

/* --- life --- */

static void log_start(const struct activation_job *job)
{
    static const char *const k_conversations[] = { "mesh", "rps", "bare metal" };
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&job->report.uuid, uuid);
    LOG(job->settings.log, LOG_INFO, "activation.started", log_text("uuid", uuid),
        log_text("conversation", k_conversations[job->report.conversation]),
        log_text("group", job->settings.group == NULL ? "" : job->settings.group),
        log_u64("control_mode", job->report.control_mode));
}

struct activation_job *activation_job_new(const struct activation_settings *settings,
                                          const struct activation_report *report,
                                          const struct activation_channel *channel,
                                          activation_done_fn *done, void *ctx)
{
    struct activation_job *job = amt_alloc(sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    job->settings = *settings;
    job->channel = *channel;
    job->done = done;
    job->ctx = ctx;
    timer_init(&job->timer, settings->loop, on_timer, job);
    take_report(job, report);
    log_start(job);
    job->after_hold = job_decide;
    timer_start(&job->timer, 0);
    return job;
}

void activation_job_free(struct activation_job *job)
{
    if (job == NULL) {
        return;
    }
    timer_stop(&job->timer);
    wsman_client_free(job->client);
    stream_close(job->tls_probe);
    tls_context_free(job->tls);
    arena_fini(&job->call_arena);
    activation_report_wipe(&job->report);
    arena_fini(&job->report_arena);
    secret_fini(&job->password);
    text_fini(&job->facts);
    amt_free(job);
}
