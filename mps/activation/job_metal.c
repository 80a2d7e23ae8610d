/*
 * Bare metal: a device that said hello is set up from the network, with the provisioning certificate as
 * the client's of TLS and nobody logging on (activation.md 11.2). A server that dies in the middle leaves
 * a device that says hello again, and each step may be done twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mps/activation/job_internal.h"

#define PORT_TLS            16993u
#define CLOCK_TOLERANCE_S   10
#define ALERT_BAD           42 /* TLS: bad_certificate */
#define ALERT_UNKNOWN_CA    48
#define STATUS_DATA_MISSING 2057u

static const char k_service[] = "AMT_SetupAndConfigurationService";
static const char k_clock[] = "AMT_TimeSynchronizationService";

struct metal_step {
    const char *doing;
    void (*run)(struct activation_job *job);
};
static const struct metal_step *step_of(const struct activation_job *job);

static void fail_step(struct activation_job *job, const struct wsman_outcome *outcome)
{
    job_fail_step(job, step_of(job)->doing, outcome);
}

static void next_step(struct activation_job *job);

static void on_step(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (job_is_good(outcome)) {
        next_step(job);
    } else {
        fail_step(job, outcome);
    }
}

/* --- what the device is --- */

static void on_general(struct activation_job *job, const struct wsman_outcome *outcome)
{
    const char *realm =
        outcome->result == WSMAN_DONE ? wsman_get(outcome->reply->instance, "DigestRealm") : NULL;
    if (outcome->result == WSMAN_REFUSED) {
        job_fail(job, ACT_F_PROVISIONING_HASH_DIFFERS,
                 "the device asks for a logon: it does not take this session for a setup");
    } else if (outcome->result != WSMAN_DONE) {
        fail_step(job, outcome);
    } else if (!job_realm_is_good(realm)) {
        job_fail(job, ACT_F_REALM_MALFORMED, "Could not get Intel AMT digest realm.");
    } else {
        (void)snprintf(job->realm, sizeof job->realm, "%s", realm);
        next_step(job);
    }
}

static void read_realm(struct activation_job *job)
{
    if (job_connect(job, PORT_TLS, NULL, NULL)) {
        job_get(job, "AMT_GeneralSettings", on_general);
    }
}

static void on_software(struct activation_job *job, const struct wsman_outcome *outcome)
{
    const char *version = NULL;
    for (const struct wsman_instance *at = outcome->items; at != NULL; at = at->next) {
        const char *id = wsman_get(at, "InstanceID");
        if (id != NULL && strcmp(id, "AMT") == 0) {
            version = wsman_get(at, "VersionString");
        }
    }
    if (outcome->result != WSMAN_DONE) {
        fail_step(job, outcome);
    } else if (version == NULL) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "Could not get Intel AMT version.");
    } else {
        char *copy = arena_text(&job->report_arena, version, strlen(version));
        job->report.version = copy == NULL ? "" : copy;
        next_step(job);
    }
}

static void read_version(struct activation_job *job)
{
    const struct wsman_call call = { .operation = WSMAN_ENUMERATE,
                                     .class_name = "CIM_SoftwareIdentity" };
    job_call(job, &call, on_software);
}

/* A hello can say anything; the log must name the device that is there. */
static void on_uuid(struct activation_job *job, const struct wsman_outcome *outcome)
{
    size_t len = 0;
    struct uuid uuid;
    char text[UUID_TEXT_BYTES];
    const uint8_t *wire = outcome->result == WSMAN_DONE
                              ? wsman_get_base64(outcome->reply->instance, "UUID", &len)
                              : NULL;
    if (wire == NULL || len != sizeof uuid.bytes) {
        fail_step(job, outcome);
        return;
    }
    uuid_from_wire(wire, &uuid);
    uuid_format(&uuid, text);
    if (uuid_equal(&uuid, &job->report.uuid)) {
        next_step(job);
    } else {
        job_fail(job, ACT_F_INTERNAL_ERROR,
                 "the device at this address is %s, another than the one that said hello", text);
    }
}

static void read_uuid(struct activation_job *job)
{
    job_invoke(job, k_service, "GetUuid", job_input(job), on_uuid);
}

/* ACT-SRV-031: before the first change, as for every other conversation. */
static void write_log(struct activation_job *job)
{
    if (job_prepare(job, ACTIVATION_BARE_METAL)) {
        job_say(job, "Performing bare-metal ACM activation...");
        next_step(job);
    }
}

/* --- passwords --- */

static void on_mebx_password(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE && outcome->return_value != 0) {
        job_fail(job, ACT_F_MEBX_PASSWORD_REQUIRED, "Failed to set MEBx password, status=%u.",
                 outcome->return_value);
    } else {
        on_step(job, outcome);
    }
}

static void set_mebx_password(struct activation_job *job)
{
    const struct secret *password = job->settings.mebx_password;
    struct wsman_instance *input = job_input(job);
    char *text = password == NULL
                     ? NULL
                     : arena_text(&job->call_arena, (const char *)password->bytes, password->len);
    wsman_set(input, "Password", text == NULL ? "" : text);
    job_invoke(job, k_service, "SetMEBxPassword", input, on_mebx_password);
    if (text != NULL) {
        amt_wipe(text, password->len);
    }
}

static void on_admin(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE && outcome->return_value != 0) {
        job_fail(job, ACT_F_PASSWORD_HASH_MALFORMED, "Failed to set admin password, status=%u.",
                 outcome->return_value);
    } else {
        on_step(job, outcome);
    }
}

static void set_admin(struct activation_job *job)
{
    job_set_admin(job, on_admin);
}

/* --- the clock: certificates are judged by it --- */

/* A device whose clock cannot be set is activated all the same. */
static void on_clock_set(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (!job_is_good(outcome)) {
        job_say(job, "The device's clock could not be set: %s", outcome->diag.text);
    }
    next_step(job);
}

static void on_clock(struct activation_job *job, const struct wsman_outcome *outcome)
{
    uint64_t now_s = loop_wall_us(job->settings.loop) / US_PER_SECOND;
    uint64_t device_s =
        job_is_good(outcome) ? wsman_get_u64(outcome->reply->instance, "Ta0", now_s) : now_s;
    uint64_t apart_s = now_s > device_s ? now_s - device_s : device_s - now_s;
    if (apart_s <= CLOCK_TOLERANCE_S) {
        next_step(job);
        return;
    }
    struct wsman_instance *input = job_input(job);
    wsman_set_u64(input, "Ta0", device_s);
    wsman_set_u64(input, "Tm1", now_s);
    wsman_set_u64(input, "Tm2", now_s);
    job_invoke(job, k_clock, "SetHighAccuracyTimeSynch", input, on_clock_set);
}

static void set_clock(struct activation_job *job)
{
    job_invoke(job, k_clock, "GetLowAccuracyTimeSynch", job_input(job), on_clock);
}

static void equip(struct activation_job *job)
{
    job_equip(job, false, next_step);
}

/* --- the end --- */

static void on_committed(struct activation_job *job, const struct wsman_outcome *outcome)
{
    bool has_answered = outcome->result == WSMAN_DONE && outcome->has_return_value;
    job->is_changing = false;
    if (has_answered && outcome->return_value != 0) {
        job_fail(job,
                 outcome->return_value == STATUS_DATA_MISSING ? ACT_F_MEBX_PASSWORD_REQUIRED
                                                              : ACT_F_INTERNAL_ERROR,
                 "CommitChanges: %u", outcome->return_value);
        return;
    }
    /* Also when the connection broke: the administrator's logon tells (ACT-SRV-051). */
    job->was_lost = !has_answered;
    job->control_mode = 2;
    job_verify(job);
}

static void commit(struct activation_job *job)
{
    job->is_changing = true;
    job_invoke(job, k_service, "CommitChanges", job_input(job), on_committed);
}

static const struct metal_step k_steps[] = {
    { "Get AMT_GeneralSettings over TLS", read_realm },
    { "reading the version", read_version },
    { "GetUuid", read_uuid },
    { "the activation log", write_log },
    { "SetMEBxPassword", set_mebx_password },
    { "SetAdminAclEntryEx", set_admin },
    { "setting the clock", set_clock },
    { "giving the device TLS", equip },
    { "CommitChanges", commit },
};

static const struct metal_step *step_of(const struct activation_job *job)
{
    return &k_steps[job->metal.step];
}

static void next_step(struct activation_job *job)
{
    job->metal.step += 1; /* the last one goes on by itself */
    step_of(job)->run(job);
}

static void on_shown(struct activation_job *job, const char *fingerprint)
{
    (void)fingerprint; /* a certificate of the factory, of which nothing is known */
    job->metal.step = 0;
    step_of(job)->run(job);
}

/* The device judges us in the handshake; its alert is all that it says. */
static void on_turned_away(struct activation_job *job, const struct stream_end *end)
{
    bool is_judged = end->kind == STREAM_END_TLS && !end->alert_is_ours;
    if (is_judged && end->tls_alert == ALERT_UNKNOWN_CA) {
        job_fail(job, ACT_F_ROOT_HASH_GONE, "the device refuses the chain: %s", end->text);
    } else if (is_judged && end->tls_alert == ALERT_BAD) {
        job_fail(job, ACT_F_SUFFIX_DIFFERS, "the device refuses the certificate: %s", end->text);
    } else if (end->kind == STREAM_END_TLS) {
        job_fail(job, ACT_F_PROVISIONING_HASH_DIFFERS, "no TLS session with the device: %s",
                 end->text);
    } else {
        job_fail(job, ACT_F_LOCAL_PORT_REFUSED, "port 16993 of the device: %s", end->text);
    }
}

void job_metal(struct activation_job *job)
{
    job->action = ACTIVATION_BARE_METAL;
    job_tls_probe(job, JOB_TLS_NETWORK, on_shown, on_turned_away);
}
