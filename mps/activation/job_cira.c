/* The activated device is told to call this server (wsman.md 6.2, activation.md 4.2 step 13). */
#include <stdio.h>
#include <string.h>

#include "mps/activation/job_internal.h"

static const char k_service[] = "AMT_RemoteAccessService";

static void next_step(struct activation_job *job);

static const struct activation_cira *cira_of(const struct activation_job *job)
{
    const struct activation_cira *own = job->settings.policy->cira;
    return own != NULL ? own : job->settings.cira;
}

static void fail_step(struct activation_job *job, const char *doing,
                      const struct wsman_outcome *outcome)
{
    job_fail(job, ACT_F_INTERNAL_ERROR,
             "the device is activated, but CIRA could not be set up: %s: %s %s", doing,
             wsman_result_name(outcome->result), outcome->diag.text);
}

/* 0, or 2058 where the object is there already. */
static bool is_good(const struct wsman_outcome *outcome)
{
    return outcome->result == WSMAN_DONE &&
           (!outcome->has_return_value || outcome->return_value == 0 ||
            outcome->return_value == 2058);
}

static void on_step(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (is_good(outcome)) {
        job->cira_step += 1;
        next_step(job);
    } else {
        fail_step(job, job->cira_doing, outcome);
    }
}

/* --- what was there goes first: policies, then servers, which policies hold --- */

static void delete_next(struct activation_job *job);

static void on_deleted(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE && outcome->result != WSMAN_FAULTED) {
        fail_step(job, job->cira_doing, outcome);
        return;
    }
    delete_next(job);
}

static void delete_next(struct activation_job *job)
{
    const struct wsman_instance *item = job->cira_items;
    if (item == NULL) {
        job->cira_step += 1;
        next_step(job);
        return;
    }
    const char *key =
        strcmp(item->class_name, "AMT_RemoteAccessPolicyRule") == 0 ? "PolicyRuleName" : "Name";
    const char *value = wsman_get(item, key);
    const struct wsman_selector *selectors = NULL;
    job->cira_items = item->next;
    if (wsman_selector_add(&job->call_arena, &selectors, key, value == NULL ? "" : value) !=
        AMT_OK) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the server is out of memory");
        return;
    }
    const struct wsman_call call = { .operation = WSMAN_DELETE,
                                     .class_name = item->class_name,
                                     .selectors = selectors };
    job_call(job, &call, on_deleted);
}

static void on_items(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE) {
        fail_step(job, job->cira_doing, outcome);
        return;
    }
    job->cira_items = outcome->items;
    delete_next(job);
}

static void clear_class(struct activation_job *job, const char *class_name)
{
    const struct wsman_call call = { .operation = WSMAN_ENUMERATE, .class_name = class_name };
    job_call(job, &call, on_items);
}

static void clear_policies(struct activation_job *job)
{
    clear_class(job, "AMT_RemoteAccessPolicyRule");
}

static void clear_servers(struct activation_job *job)
{
    clear_class(job, "AMT_ManagementPresenceRemoteSAP");
}

/* --- the server --- */

static void add_root(struct activation_job *job)
{
    struct wsman_instance *input = job_input(job);
    unsigned char *der = NULL;
    int len = i2d_X509(cira_of(job)->root, &der);
    wsman_set_base64(input, "CertificateBlob", der, len > 0 ? (size_t)len : 0);
    OPENSSL_free(der);
    job_invoke(job, "AMT_PublicKeyManagementService", "AddTrustedRootCertificate", input, on_step);
}

static void enable_user(struct activation_job *job)
{
    struct wsman_instance *input = job_input(job);
    wsman_set(input, "RequestedState", "32771");
    job_invoke(job, "AMT_UserInitiatedConnectionService", "RequestStateChange", input, on_step);
}

static void on_server(struct activation_job *job, const struct wsman_outcome *outcome)
{
    job->cira_server =
        is_good(outcome) ? wsman_get_ref(outcome->reply->instance, "MpServer") : NULL;
    if (job->cira_server == NULL) {
        fail_step(job, job->cira_doing, outcome);
    } else {
        on_step(job, outcome);
    }
}

/* InfoFormat 3 IPv4, 4 IPv6, 201 a name. */
static const char *format_of(const char *access_info)
{
    bool is_v4 = strspn(access_info, "0123456789.") == strlen(access_info);
    return strchr(access_info, ':') != NULL ? "4" : is_v4 ? "3" : "201";
}

static void add_server(struct activation_job *job)
{
    const struct activation_cira *cira = cira_of(job);
    struct wsman_instance *input = job_input(job);
    char *password =
        arena_text(&job->call_arena, (const char *)cira->password->bytes, cira->password->len);
    wsman_set(input, "AccessInfo", cira->access_info);
    wsman_set(input, "InfoFormat", format_of(cira->access_info));
    wsman_set_u64(input, "Port", cira->port);
    wsman_set(input, "AuthMethod", "2");
    wsman_set(input, "Username", cira->user);
    wsman_set(input, "Password", password == NULL ? "" : password);
    if (cira->common_name != NULL) {
        wsman_set(input, "CN", cira->common_name);
    }
    job_invoke(job, k_service, "AddMpServer", input, on_server);
}

static void add_policy(struct activation_job *job)
{
    static const uint8_t k_every_ten_seconds[8] = { 0, 0, 0, 0, 0, 0, 0, 10 };
    struct wsman_instance *input = job_input(job);
    wsman_set(input, "Trigger", "2");
    wsman_set(input, "TunnelLifeTime", "0");
    wsman_set_base64(input, "ExtendedData", k_every_ten_seconds, sizeof k_every_ten_seconds);
    wsman_set_ref(input, "MpServer", job->cira_server);
    job_invoke(job, k_service, "AddRemoteAccessPolicyRule", input, on_step);
}

/* Outside all home domains the device calls; a made-up domain is one it never is in. */
static void set_environment(struct activation_job *job)
{
    const char *const *domains = cira_of(job)->home_domains;
    struct wsman_instance *body =
        wsman_instance_new(&job->call_arena, "AMT_EnvironmentDetectionSettingData");
    char made_up[24];
    uint8_t random[6];
    loop_random(job->settings.loop, random, sizeof random);
    (void)snprintf(made_up, sizeof made_up, "%02x%02x%02x%02x%02x%02x", random[0], random[1],
                   random[2], random[3], random[4], random[5]);
    wsman_set(body, "DetectionAlgorithm", "0");
    wsman_set(body, "ElementName", "Intel(r) AMT Environment Detection Settings");
    wsman_set(body, "InstanceID", "Intel(r) AMT Environment Detection Settings");
    if (domains == NULL || domains[0] == NULL) {
        wsman_add(body, "DetectionStrings", made_up);
    }
    for (; domains != NULL && *domains != NULL; domains++) {
        wsman_add(body, "DetectionStrings", *domains);
    }
    const struct wsman_call call = { .operation = WSMAN_PUT,
                                     .class_name = "AMT_EnvironmentDetectionSettingData",
                                     .body = body };
    job_call(job, &call, on_step);
}

static const struct {
    const char *doing;
    void (*step)(struct activation_job *job);
} k_steps[] = {
    { "removing policies", clear_policies },
    { "removing servers", clear_servers },
    { "adding the root certificate", add_root },
    { "enabling user initiated calls", enable_user },
    { "AddMpServer", add_server },
    { "AddRemoteAccessPolicyRule", add_policy },
    { "environment detection", set_environment },
};
#define CLEAR_STEPS 2u

static void next_step(struct activation_job *job)
{
    uint32_t count = job->settings.policy->cira_setup == 1
                         ? CLEAR_STEPS
                         : (uint32_t)(sizeof k_steps / sizeof k_steps[0]);
    if (job->cira_step == count) {
        job_outfit(job);
        return;
    }
    job->cira_doing = k_steps[job->cira_step].doing;
    k_steps[job->cira_step].step(job);
}

void job_cira(struct activation_job *job)
{
    uint32_t setup = job->settings.policy->cira_setup;
    if (setup == 2 && cira_of(job) == NULL) {
        job_say(job, "CIRA is not set up: this server takes no CIRA connections.");
    }
    if (setup == 0 || (setup == 2 && cira_of(job) == NULL)) {
        job_outfit(job);
        return;
    }
    job->cira_step = 0;
    next_step(job);
}
