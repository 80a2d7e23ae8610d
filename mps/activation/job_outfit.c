/* What a device gets besides its mode and its server: Wi-Fi profiles, and TLS with a certificate of the root
 * that is configured (activation.md 8.2; wsman.md 4.7, 4.10). */
#include <stdio.h>
#include <string.h>

#include "mps/activation/job_internal.h"

#define WIFI_PREFIX "Intel(r) AMT:WiFi Endpoint Settings "
#define SETTLE_US   (10u * (uint64_t)US_PER_SECOND) /* TLS begins; the connection may break */

static void next_step(struct activation_job *job);

/* --- Wi-Fi --- */

static void add_next_profile(struct activation_job *job);

static void on_profile(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (!job_is_good(outcome)) {
        job_fail_step(job, job->outfit_doing, outcome);
        return;
    }
    job->wifi_at += 1;
    add_next_profile(job);
}

static void set_secret(struct activation_job *job, struct wsman_instance *to, const char *name,
                       const struct secret *secret)
{
    char *text = arena_text(&job->call_arena, (const char *)secret->bytes, secret->len);
    wsman_set(to, name, text == NULL ? "" : text);
}

static void add_next_profile(struct activation_job *job)
{
    const struct activation_equipment *equipment = job->settings.equipment;
    if (job->wifi_at == equipment->wifi_count) {
        job->outfit_step += 1;
        next_step(job);
        return;
    }
    const struct activation_wifi *wifi = &equipment->wifi[job->wifi_at];
    struct wsman_instance *settings =
        wsman_instance_new(&job->call_arena, "CIM_WiFiEndpointSettings");
    struct wsman_instance *input = job_input(job);
    struct wsman_value *value = arena_alloc(&job->call_arena, sizeof *value);
    char id[sizeof WIFI_PREFIX + 64];
    (void)snprintf(id, sizeof id, WIFI_PREFIX "%s", wifi->name);
    wsman_set(settings, "ElementName", wifi->name);
    wsman_set(settings, "InstanceID", id);
    wsman_set_u64(settings, "AuthenticationMethod", wifi->authentication);
    wsman_set_u64(settings, "EncryptionMethod", wifi->encryption);
    wsman_set(settings, "SSID", wifi->ssid);
    wsman_set_u64(settings, "Priority", job->wifi_at + 1u);
    if (wifi->password.len > 0) {
        set_secret(job, settings, "PSKPassPhrase", &wifi->password);
    }
    wsman_set_ref(
        input, "WiFiEndpoint",
        wsman_ref_new(&job->call_arena, "CIM_WiFiEndpoint", 1, "Name", "WiFi Endpoint 0"));
    if (value != NULL) {
        *value = (struct wsman_value){ .kind = WSMAN_EMBEDDED, .embedded = settings };
        wsman_set_values(input, "WiFiEndpointSettingsInput", value);
    }
    job_invoke(job, "AMT_WiFiPortConfigurationService", "AddWiFiSettings", input, on_profile);
}

/* A machine without Wi-Fi has no port to configure: nothing is wrong with that. */
static void on_wifi_port(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_FAULTED) {
        job_say(job, "This device has no Wi-Fi: its profiles are left out.");
        job->outfit_step += 1; /* and over the profiles */
    }
    if (outcome->result == WSMAN_FAULTED || job_is_good(outcome)) {
        job->outfit_step += 1;
        next_step(job);
    } else {
        job_fail_step(job, job->outfit_doing, outcome);
    }
}

/* On while the machine is, and while it is off with power. */
static void enable_wifi(struct activation_job *job)
{
    struct wsman_instance *input = job_input(job);
    job->wifi_at = 0;
    wsman_set(input, "RequestedState", "32769");
    job_invoke(job, "CIM_WiFiPort", "RequestStateChange", input, on_wifi_port);
}

/* --- TLS --- */

/* The certificate that the device shows from now on is the one that it was given. */
static void on_shown(struct activation_job *job, const char *fingerprint)
{
    if (job->outfit_hash[0] != '\0' && strcmp(fingerprint, job->outfit_hash) != 0) {
        job_fail(job, ACT_F_INTERNAL_ERROR,
                 "the device is activated, but shows another TLS certificate than it was given");
        return;
    }
    job->outfit_step += 1;
    next_step(job);
}

static void on_turned_away(struct activation_job *job, const struct stream_end *end)
{
    job_fail(job, ACT_F_INTERNAL_ERROR,
             "the device is activated, but its port 16993 has no TLS: %s", end->text);
}

static void look(struct activation_job *job)
{
    job_tls_probe(job, JOB_TLS_ANONYMOUS, on_shown, on_turned_away);
}

static void on_committed(struct activation_job *job, const struct wsman_outcome *outcome)
{
    bool was_cut = outcome->result == WSMAN_LOST; /* TLS begins with the very answer */
    if (!was_cut && !job_is_good(outcome)) {
        job_fail_step(job, job->outfit_doing, outcome);
        return;
    }
    job_hold(job, SETTLE_US, look);
}

static void commit(struct activation_job *job)
{
    (void)snprintf(job->outfit_hash, sizeof job->outfit_hash, "%s", job->tls_hash);
    job_invoke(job, "AMT_SetupAndConfigurationService", "CommitChanges", job_input(job),
               on_committed);
}

static void switch_tls_on(struct activation_job *job)
{
    job_equip(job, true, commit);
}

/* --- one after the other --- */

enum outfit_part { OUTFIT_WIFI, OUTFIT_TLS };
static const struct {
    enum outfit_part part;
    const char *doing;
    void (*step)(struct activation_job *job);
} k_steps[] = {
    { OUTFIT_WIFI, "switching Wi-Fi on", enable_wifi },
    { OUTFIT_WIFI, "adding a Wi-Fi profile", add_next_profile },
    { OUTFIT_TLS, "committing the TLS settings", switch_tls_on },
};
#define STEP_COUNT ((uint32_t)(sizeof k_steps / sizeof k_steps[0]))

static bool is_wanted(const struct activation_equipment *equipment, enum outfit_part part)
{
    return equipment != NULL &&
           (part == OUTFIT_WIFI ? equipment->wifi_count > 0 : equipment->switches_tls_on);
}

static void next_step(struct activation_job *job)
{
    while (job->outfit_step < STEP_COUNT &&
           !is_wanted(job->settings.equipment, k_steps[job->outfit_step].part)) {
        job->outfit_step += 1;
    }
    if (job->outfit_step == STEP_COUNT) {
        job_say(job, "Done.");
        job_succeed(job, ACTIVATION_DONE);
        return;
    }
    job->outfit_doing = k_steps[job->outfit_step].doing;
    k_steps[job->outfit_step].step(job);
}

void job_outfit(struct activation_job *job)
{
    job->outfit_step = 0;
    next_step(job);
}
