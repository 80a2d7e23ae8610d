/* What RPS tests of the first message before it asks the device anything (activation.md 7.4). */
#include <stdlib.h>
#include <string.h>

#include "mps/activation/rps_internal.h"

#define OLDEST_VERSION 7.0
#define SOUND_BUILD    3000

/* Also what every command needs: a UUID of 36 characters. */
static bool check_uuid(const struct rps_client *c, struct text *why)
{
    const struct rps_device *device = &c->device;
    if (device->uuid[0] == '\0') {
        text_printf(why, "%s - Missing uuid from payload", c->id);
    } else if (strlen(device->uuid) != UUID_TEXT_BYTES - 1) {
        text_printf(why, "%s - uuid not valid length", c->id);
    } else if (!device->is_uuid) {
        text_printf(why, "%s - uuid is not a UUID", c->id);
    } else {
        return true;
    }
    return false;
}

static bool is_weak_version(double version)
{
    static const double k_versions[] = {
        7.0, 7.1, 8.0, 8.1, 9.0, 9.1, 9.5, 10.0, 11.0, 11.5, 11.6
    };
    for (size_t i = 0; i < sizeof k_versions / sizeof *k_versions; i++) {
        if (version > k_versions[i] - 0.001 && version < k_versions[i] + 0.001) {
            return true;
        }
    }
    return false;
}

static bool check_version(const struct rps_client *c, const char *action, struct text *why)
{
    const struct activation_report *report = &c->device.report;
    double version = strtod(report->version, NULL); /* major.minor; the rest is passed over */
    if (is_weak_version(version)) {
        if (strtol(report->build, NULL, 10) >= SOUND_BUILD) {
            return true;
        }
        text_printf(why, "Device %s %s failed. Please check with your OEM for a firmware update.",
                    c->device.uuid, action);
        return false;
    }
    if (version < OLDEST_VERSION) {
        text_printf(why,
                    "Device %s %s failed. AMT version: %s. Version less than 7 cannot be remotely "
                    "configured ",
                    c->device.uuid, action, report->version);
        return false;
    }
    return true;
}

static bool wants_admin(const struct activation_policy *policy)
{
    return policy->type == ACTIVATION_POLICY_ADMIN;
}

/* Whether a certificate stands for the suffix at all; roots are the job's business (F7). */
static bool has_domain(const struct rps_client *c, const char *suffix)
{
    const struct activation_certificates *set = c->server->settings.activation.certificates;
    for (uint32_t i = 0; set != NULL && i < activation_certificates_count(set); i++) {
        const struct activation_certificate *certificate = activation_certificates_at(set, i);
        if (strcmp(certificate->name, "*") == 0 ||
            activation_name_covers(certificate->name, suffix)) {
            return true;
        }
    }
    return false;
}

/* RPS has one text for all of them; the code says more. */
static void find_failure(struct rps_client *c)
{
    const struct activation_report *report = &c->device.report;
    struct activation_certificates *set = c->server->settings.activation.certificates;
    const struct activation_hash *hash = NULL;
    char suffix[ACTIVATION_SUFFIX_BYTES];
    c->failure = ACT_F_NO_CERTIFICATES;
    if (set != NULL) {
        activation_suffix_clean(report->dns_suffix, suffix);
        const struct activation_refused_set *refused = activation_certificates_refused(set, suffix);
        (void)activation_certificates_choose(set, report, &hash, &c->failure, NULL);
        c->reason = refused != NULL && refused->failure == c->failure ? refused->reason : NULL;
    }
}

static bool check_admin(struct rps_client *c, struct text *why)
{
    const struct activation_report *report = &c->device.report;
    bool is_admin = report->control_mode == 2;
    if (!c->device.has_hashes) {
        c->failure = ACT_F_NO_HASHES;
        text_printf(why, "Device %s activation failed. Missing certificate hashes from the device.",
                    c->device.uuid);
    } else if (report->dns_suffix[0] == '\0' && !is_admin) {
        c->failure = ACT_F_NO_SUFFIX;
        text_printf(why, "Device %s activation failed. Missing DNS Suffix.", c->device.uuid);
    } else if (!is_admin && !has_domain(c, report->dns_suffix)) {
        find_failure(c);
        text_printf(why,
                    "Device %s activation failed. Specified AMT domain suffix: %s does not match "
                    "list of available AMT domain suffixes.",
                    c->device.uuid, report->dns_suffix);
    } else {
        return true;
    }
    return false;
}

/* is_needed: a password that nobody has stored does not fit either. */
static bool check_stored(struct rps_client *c, bool is_needed, struct text *why)
{
    const struct rps_server_settings *settings = &c->server->settings;
    const struct secret *said = &c->device.report.local_password;
    struct secret stored = { .len = 0 };
    if (settings->find_password == NULL) {
        return true;
    }
    bool is_known = settings->find_password(settings->ctx, &c->device.report.uuid, &stored);
    bool fits = is_known ? secret_equal(&stored, said->bytes, said->len) : !is_needed;
    secret_fini(&stored);
    if (!fits) {
        c->failure = ACT_F_LOGIN_REFUSED;
        text_printf(why, "AMT password DOES NOT match stored version for Device %s",
                    c->device.uuid);
    }
    return fits;
}

static bool check_mode(struct rps_client *c, struct text *why)
{
    switch (c->device.report.control_mode) {
    case 0:
        return true;
    case 1:
        return check_stored(c, false, why);
    case 2:
        if (wants_admin(&c->policy) || c->policy.type == ACTIVATION_POLICY_AUTOMATIC) {
            return check_stored(c, false, why);
        }
        c->failure = ACT_F_ALREADY_ADMIN_MODE;
        text_printf(why, "Device %s already enabled in admin control mode.", c->device.uuid);
        return false;
    default:
        text_printf(why, "Device %s activation failed. It is in unknown mode.", c->device.uuid);
        return false;
    }
}

bool rps_check_activation(struct rps_client *c, const struct rps_command *command, struct text *why)
{
    const struct rps_server_settings *settings = &c->server->settings;
    if (!check_uuid(c, why) || !check_version(c, "activation", why)) {
        return false;
    }
    if (c->device.report.local_password.len == 0) {
        c->failure = ACT_F_NO_HOST_ACCESS;
        text_printf(why, "Device %s activation failed. Missing password.", c->device.uuid);
        return false;
    }
    if (command->profile[0] == '\0' ||
        !settings->find_profile(settings->ctx, command->profile, &c->policy, &c->group)) {
        c->failure = ACT_F_PROFILE_MISSING;
        text_printf(why,
                    "Device %s activation failed. %s does not match list of available AMT "
                    "profiles.",
                    c->device.uuid, command->profile);
        return false;
    }
    return check_mode(c, why) && (!wants_admin(&c->policy) || check_admin(c, why));
}

bool rps_check_deactivation(struct rps_client *c, const struct rps_command *command,
                            struct text *why)
{
    uint32_t mode = c->device.report.control_mode;
    if (!check_uuid(c, why)) {
        return false;
    }
    if (mode == 0) {
        text_printf(why, "Device %s is in pre-provisioning mode.", c->device.uuid);
        return false;
    }
    if (mode > 2 && mode != RPS_MODE_MISSING) {
        text_printf(why, "Device %s deactivation failed. It is in unknown mode: %u.",
                    c->device.uuid, mode);
        return false;
    }
    return check_version(c, "deactivation", why) &&
           (command->is_forced || check_stored(c, true, why));
}

bool rps_check_maintenance(struct rps_client *c, const struct rps_command *command,
                           struct text *why)
{
    uint32_t mode = c->device.report.control_mode;
    if (!check_uuid(c, why)) {
        return false;
    }
    if (mode != 1 && mode != 2) {
        text_printf(why,
                    mode == 0 ? "Device %s is in pre-provisioning mode."
                              : "Device %s maintenance failed. It is in unknown mode.",
                    c->device.uuid);
        return false;
    }
    if (command->task == RPS_NO_TASK) {
        text_printf(why,
                    "Device %s maintenance failed. No task: synctime, synchostname, syncip, "
                    "changepassword or syncdeviceinfo.",
                    c->device.uuid);
        return false;
    }
    if (c->device.report.local_password.len == 0) {
        c->failure = ACT_F_NO_HOST_ACCESS;
        text_printf(why, "Device %s maintenance failed. Missing password.", c->device.uuid);
        return false;
    }
    return check_version(c, "maintenance", why) &&
           (command->is_forced || check_stored(c, true, why));
}
