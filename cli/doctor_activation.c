/* `amtlab doctor activation`: the device, the certificates, the server, in that order. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "cli/doctor_activation.h"

#define FIRST_GOOD_YEAR_S 1704067200 /* 2024-01-01: a clock before that was never set */

/* Certificates, tokens and the log go by this computer's clock. */
static void check_clock(struct doctor *doctor)
{
    time_t now = time(NULL);
    struct tm parts = { 0 };
    char text[32] = "?";
    if (gmtime_r(&now, &parts) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    doctor_check(doctor, now >= FIRST_GOOD_YEAR_S ? DOCTOR_OK : DOCTOR_FAILED, "clock", "",
                 "set the clock of this computer", "it is %s here", text);
}

static int usage(const char *text)
{
    (void)fprintf(stderr, "amtlab doctor: %s. See: amtlab doctor --help\n", text);
    return CLI_USAGE;
}

static int check_options(const struct doctor_options *o)
{
    bool has_files = o->pfx != NULL || o->certificates.count > 0;
    if (o->device_profile == NULL && o->device_state == NULL) {
        return usage("--device-profile or --device-state is missing: the device");
    }
    if (o->url != NULL && (o->profile == NULL) == (o->id == NULL)) {
        return usage("with --url, either --profile (RPS) or --id (MeshCentral) says how to talk");
    }
    if (o->pfx != NULL && o->certificates.count > 0) {
        return usage("either --pfx or --certificate, not both");
    }
    if (has_files && o->config != NULL) {
        return usage("either --config or certificate files, not both");
    }
    if ((o->certificates.count > 0) != (o->key != NULL)) {
        return usage("--certificate and --key belong together");
    }
    return CLI_OK;
}

static int check_trust(const char *path)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_trust *trust = pki_trust_new();
    int result = trust == NULL ? CLI_INTERNAL : CLI_OK;
    if (trust != NULL && path != NULL && pki_trust_load(trust, path, &diag) != AMT_OK) {
        (void)fputs("amtlab doctor: ", stderr);
        amt_diag_print(&diag, stderr);
        result = CLI_INVALID;
    }
    pki_trust_free(trust);
    return result;
}

int doctor_activation(struct doctor *doctor)
{
    const struct doctor_options *o = doctor->options;
    int result = check_options(o);
    result = result == CLI_OK ? check_trust(o->trust) : result;
    struct doctor_device *device = result == CLI_OK ? amt_alloc(sizeof *device) : NULL;
    if (device == NULL) {
        return result == CLI_OK ? CLI_INTERNAL : result;
    }
    result = doctor_device_open(doctor, device);
    if (result == CLI_OK) {
        check_clock(doctor);
        doctor_device_check(doctor, device);
        result = doctor_certificates_check(doctor, device);
    }
    if (result == CLI_OK && o->url != NULL) {
        doctor_server_check(doctor, device);
    } else if (result == CLI_OK) {
        doctor_check(doctor, DOCTOR_UNKNOWN, "server", "", "give --url to look at a server",
                     "no server was named");
    }
    doctor_device_close(device);
    amt_free(device);
    return result;
}
