/* Provisioning certificates, from files or our own server's configuration, against the device: every check
 * of activation.md 2, the name, the root; and the log of that configuration. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/doctor_activation.h"
#include "cli/secret_file.h"
#include "mps/activation/certificates.h"
#include "mps/activation/config.h"

#define STRICT_FROM 16u /* AMT 16 refuses SHA-1 and short keys; before, they are only unwise */

static bool depends_on_version(enum activation_failure failure)
{
    return failure == ACT_F_SHA1_NOT_SUPPORTED || failure == ACT_F_KEY_TOO_SHORT;
}

/* One line for each thing that is wrong with a set. What the server takes for a warning, the device refuses. */
static void report_problems(struct doctor *d, const struct doctor_device *device,
                            const struct amt_diag_list *problems)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        const struct amt_diag *diag = &problems->items[i];
        enum activation_failure failure = diag->requirement == NULL
                                              ? ACTIVATION_NO_FAILURE
                                              : activation_failure_find(diag->requirement);
        bool is_harmless = diag->err == AMT_OK && depends_on_version(failure) &&
                           device->major != 0 && device->major < STRICT_FROM;
        enum doctor_verdict verdict = is_harmless ? DOCTOR_UNKNOWN : DOCTOR_FAILED;
        const char *file =
            strrchr(diag->file, '/') == NULL ? diag->file : strrchr(diag->file, '/') + 1;
        doctor_check(d, verdict, "certificate", activation_failure_code(failure), diag->hint,
                     "%s%s%s", file, file[0] == '\0' ? "" : ": ", diag->text);
    }
}

static void report_sets(struct doctor *d, const struct activation_certificates *set)
{
    uint32_t count = activation_certificates_count(set);
    if (count == 0) {
        doctor_failure(d, DOCTOR_FAILED, "certificates", ACT_F_NO_CERTIFICATES,
                       "no certificate can be used");
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct activation_certificate *certificate = activation_certificates_at(set, i);
        doctor_check(d, DOCTOR_OK, "certificates", "ACT-F-01", "",
                     "set \"%s\" stands for %s, %u certificates", certificate->label,
                     certificate->name, certificate->chain_count);
    }
}

/* The server goes by the suffix it hears, the device by its own (activation.md 3.4). */
static void check_match(struct doctor *d, const struct doctor_device *device,
                        struct activation_certificates *set)
{
    struct activation_report report = device->report;
    const struct activation_hash *hash = NULL;
    enum activation_failure failure = ACTIVATION_NO_FAILURE;
    struct text facts = { 0 };
    report.dns_suffix = device->told_suffix;
    const struct activation_certificate *chosen =
        activation_certificates_choose(set, &report, &hash, &failure, &facts);
    if (chosen == NULL) {
        doctor_failure(d, DOCTOR_FAILED, "certificate-match", failure, "%s", text_chars(&facts));
    } else {
        doctor_check(d, DOCTOR_OK, "certificate-match", "ACT-F-07", "",
                     "set \"%s\" covers \"%s\", and the device trusts its root (%s)", chosen->label,
                     device->told_suffix,
                     hash == NULL || hash->name[0] == '\0' ? "no name" : hash->name);
    }
    text_fini(&facts);
    if (chosen == NULL || device->own_suffix[0] == '\0') {
        return;
    }
    char own[ACTIVATION_SUFFIX_BYTES];
    activation_suffix_clean(device->own_suffix, own);
    bool is_mebx = device->trusted_suffix[0] != '\0';
    if (activation_name_covers(chosen->name, own)) {
        doctor_check(d, DOCTOR_OK, "device-name-match", "ACT-F-12", "",
                     "it covers the device's own \"%s\" too", own);
    } else {
        doctor_failure(d, DOCTOR_FAILED, "device-name-match",
                       is_mebx ? ACT_F_MEBX_SUFFIX_WRONG : ACT_F_SUFFIX_DIFFERS,
                       "the certificate stands for %s, the device goes by \"%s\"", chosen->name,
                       own);
    }
}

static void check_set(struct doctor *d, const struct doctor_device *device,
                      struct activation_certificates *set, const struct amt_diag_list *problems)
{
    report_problems(d, device, problems);
    report_sets(d, set);
    if (activation_certificates_count(set) > 0 && device->has_report) {
        check_match(d, device, set);
    }
}

/* --- files ------------------------------------------------------------------------------------- */

static int check_files(struct doctor *d, const struct doctor_device *device)
{
    const struct doctor_options *o = d->options;
    struct amt_diag diag = { .err = AMT_OK };
    struct amt_diag_list problems = { .count = 0 };
    struct secret password = { .len = 0 };
    char pfx_password[SECRET_MAX_BYTES + 1] = "";
    const char **paths = amt_alloc_array(o->certificates.count + 1, sizeof *paths);
    struct activation_certificates *set = activation_certificates_new();
    int result = paths == NULL || set == NULL ? CLI_INTERNAL : CLI_OK;
    if (result == CLI_OK && o->pfx != NULL) {
        enum amt_err err =
            cli_secret(o->pfx_password_file, "AMTLAB_PFX_PASSWORD", &password, &diag);
        memcpy(pfx_password, password.bytes, password.len);
        result = err == AMT_OK || err == AMT_EUNKNOWN ? CLI_OK : CLI_USAGE;
    }
    if (result == CLI_OK) {
        for (uint32_t i = 0; i < o->certificates.count; i++) {
            paths[i] = o->certificates.items[i];
        }
        const struct activation_certificate_source source = {
            .label = o->pfx == NULL ? "files" : o->pfx,
            .pfx_path = o->pfx,
            .pfx_password = o->pfx == NULL ? NULL : pfx_password,
            .cert_paths = o->pfx == NULL ? paths : NULL,
            .key_path = o->key,
        };
        enum amt_err err =
            activation_certificates_load(set, &source, (uint64_t)time(NULL), &problems);
        d->has_no_memory = d->has_no_memory || err == AMT_ENOMEM;
        check_set(d, device, set, &problems);
    } else if (diag.text[0] != '\0') {
        (void)fputs("amtlab doctor: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    amt_wipe(pfx_password, sizeof pfx_password);
    secret_fini(&password);
    amt_diag_list_fini(&problems);
    activation_certificates_free(set);
    amt_free(paths);
    return result;
}

/* --- our own configuration --------------------------------------------------------------------- */

/* Without opening it: that would make the file. */
static void check_log(struct doctor *d, const char *path)
{
    struct stat status;
    char folder[1024];
    bool is_there = stat(path, &status) == 0;
    (void)snprintf(folder, sizeof folder, "%s", path);
    if (is_there && !S_ISREG(status.st_mode)) {
        doctor_failure(d, DOCTOR_FAILED, "log", ACT_F_LOG_NOT_WRITABLE, "%s is no file", path);
    } else if (is_there && (status.st_mode & 077) != 0) {
        doctor_failure(d, DOCTOR_FAILED, "log", ACT_F_LOG_NOT_WRITABLE,
                       "others can read %s (mode %03o), so the server refuses it: chmod 600", path,
                       (unsigned)(status.st_mode & 0777));
    } else if (access(is_there ? path : dirname(folder), W_OK) != 0) {
        doctor_failure(d, DOCTOR_FAILED, "log", ACT_F_LOG_NOT_WRITABLE, "%s: %s", path,
                       strerror(errno));
    } else {
        doctor_check(d, DOCTOR_OK, "log", "ACT-F-46", "", "%s can be written", path);
    }
}

static void check_policy(struct doctor *d, const struct activation_config *config)
{
    const struct doctor_options *o = d->options;
    if (o->profile == NULL) {
        return;
    }
    const struct activation_policy *policy = activation_config_policy(config, o->profile);
    if (policy == NULL || policy->type == ACTIVATION_POLICY_NONE) {
        doctor_failure(d, DOCTOR_FAILED, "policy", ACT_F_POLICY_NONE,
                       "the configuration has no activation policy for \"%s\"", o->profile);
    } else {
        doctor_check(d, DOCTOR_OK, "policy", "ACT-F-52", "", "\"%s\" has one", o->profile);
    }
}

static void check_configured(struct doctor *d, const struct doctor_device *device,
                             const struct mps_config *mps, const struct activation_config *config)
{
    struct amt_diag_list problems = { .count = 0 };
    struct activation_certificates *set =
        activation_config_certificates(config, mps, (uint64_t)time(NULL), &problems);
    struct text log = { 0 };
    if (config->log_path != NULL) {
        text_puts(&log, config->log_path);
    } else {
        text_printf(&log, "%s/amtactivation.log", mps->data == NULL ? "amtlab-data" : mps->data);
    }
    check_log(d, text_chars(&log));
    check_policy(d, config);
    if (set == NULL) {
        d->has_no_memory = true;
    } else if (!d->options->is_client_mode) {
        check_set(d, device, set, &problems);
    }
    text_fini(&log);
    activation_certificates_free(set);
    amt_diag_list_fini(&problems);
}

static int check_config(struct doctor *d, const struct doctor_device *device)
{
    const char *path = d->options->config;
    struct mps_config mps = { .data = NULL };
    struct amt_diag_list errors = { .count = 0 };
    struct activation_config *config = amt_alloc(sizeof *config);
    struct yaml_document *document = yaml_load_file(path, &errors);
    int result = config == NULL ? CLI_INTERNAL : CLI_INVALID;
    if (config != NULL && document != NULL &&
        config_read(mps_config_keys, yaml_root(document), path, &mps, &errors) == AMT_OK &&
        activation_config_read(mps.activation_node, path, config, &errors) == AMT_OK) {
        check_configured(d, device, &mps, config);
        result = CLI_OK;
    }
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    if (config != NULL) {
        activation_config_fini(config);
    }
    config_fini(mps_config_keys, &mps);
    yaml_free(document);
    amt_free(config);
    return result;
}

int doctor_certificates_check(struct doctor *doctor, const struct doctor_device *device)
{
    const struct doctor_options *o = doctor->options;
    if (o->config != NULL) {
        return check_config(doctor, device);
    }
    if (o->is_client_mode) {
        return CLI_OK;
    }
    if (o->pfx != NULL || o->certificates.count > 0) {
        return check_files(doctor, device);
    }
    doctor_check(doctor, DOCTOR_UNKNOWN, "certificates", "ACT-F-01",
                 "give --pfx, --certificate and --key, or --config, to look at them",
                 o->url == NULL ? "none were given" : "they are the server's: it says below");
    return CLI_OK;
}
