/* Step by step: what holds between a device and a server, and the first thing that does not. */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/service.h"

#define FACT_BYTES 1024

#define ROW(name, kind, member, value, fallback, help)                                \
    {                                                                                 \
        name, 0, kind, offsetof(struct doctor_options, member), value, fallback, help \
    }

static const struct cli_option k_options[] = {
    ROW("trust", CLI_TEXT, trust, "FILE", NULL,
        "PEM of the roots that sign the server: what the device, or the client, believes"),
    ROW("serverhttpshash", CLI_TEXT, server_hash, "HEX", NULL,
        "activation: the server's certificate must have this SHA-384"),
    ROW("insecure", CLI_FLAG, insecure, "", NULL,
        "activation: any certificate of the server will do"),
    ROW("user", CLI_TEXT, user, "NAME", NULL, "MPS: CIRA user name"),
    ROW("password-file", CLI_TEXT, password_file, "FILE", NULL,
        "MPS: first line is its password, - for standard input; or AMTLAB_PASSWORD"),
    ROW("access-info", CLI_TEXT, access_info, "NAME", NULL,
        "MPS: its name as devices were given it [the host of the target]"),
    ROW("common-name", CLI_TEXT, common_name, "NAME", NULL,
        "MPS: Common Name expected when that is an IP address"),
    ROW("watch", CLI_DURATION, watch_us, "TIME", "3s",
        "MPS: how long to look what it does once the device is up"),
    ROW("url", CLI_TEXT, url, "URL", NULL, "activation: the server, as for `amtlab activate`"),
    ROW("profile", CLI_TEXT, profile, "NAME", NULL, "activation: profile of RPS"),
    ROW("id", CLI_TEXT, id, "ID", NULL, "activation: group id of MeshCentral's protocol"),
    ROW("config", CLI_TEXT, config, "FILE", NULL,
        "activation: our own server's configuration: its certificates and log"),
    ROW("pfx", CLI_TEXT, pfx, "FILE", NULL, "activation: a provisioning certificate, PKCS#12"),
    ROW("pfx-password-file", CLI_TEXT, pfx_password_file, "FILE", NULL,
        "its password, - for standard input; or AMTLAB_PFX_PASSWORD"),
    ROW("certificate", CLI_TEXTS, certificates, "FILE", NULL,
        "activation: or PEM files, in any order, repeatable"),
    ROW("key", CLI_TEXT, key, "FILE", NULL, "with the private key of the first"),
    ROW("client-mode", CLI_FLAG, is_client_mode, "", NULL,
        "activation: into client control mode, which needs no certificate"),
    ROW("dns-suffix", CLI_TEXT, dns_suffix, "NAME", NULL,
        "activation: what the client would say instead of the device's own suffix"),
    ROW("device-profile", CLI_TEXT, device_profile, "NAME", NULL,
        "activation: the simulated device: built-in profile, or a file"),
    ROW("device-state", CLI_TEXT, device_state, "DIR", NULL,
        "activation: folder that keeps what the device has become; it is only read"),
    ROW("device-uuid", CLI_TEXT, device_uuid, "UUID", NULL, "which device of that folder"),
    ROW("device-set", CLI_TEXTS, device_sets, "KEY=VALUE", NULL,
        "any key of its profile (amtlab device --print-config)"),
    ROW("dhcp", CLI_TEXT, dhcp, "INTERFACE", NULL,
        "activation: ask the DHCP server behind this interface, as `amtlab device --dhcp`"),
    ROW("timeout", CLI_DURATION, timeout_us, "TIME", "10s", "wait no longer for each step"),
    ROW("json", CLI_FLAG, json, "", NULL, "one JSON object instead of lines"),
    ROW("log-level", CLI_TEXT, log_levels, "LEVELS", "error",
        "events on standard error: error, warn, info, debug, trace"),
    { .name = NULL },
};

static const char *const k_verdicts[] = { "ok", "FAILED", "unknown" };

static void add(struct doctor *doctor, enum doctor_verdict verdict, const char *name,
                const char *rule, const char *advice, const char *fact)
{
    struct text clean = { 0 };
    text_terminal(&clean, fact, strlen(fact));
    json_t *check =
        json_pack("{ss ss ss ss ss}", "check", name, "verdict",
                  verdict == DOCTOR_FAILED ? "failed" : k_verdicts[verdict], "fact",
                  text_chars(&clean), "rule", rule, "advice", verdict == DOCTOR_OK ? "" : advice);
    if (clean.failed || json_array_append_new(doctor->checks, check) != 0) {
        doctor->has_no_memory = true;
    }
    doctor->counts[verdict] += 1;
    if (!doctor->options->json) {
        (void)printf("%-8s %-22s %s\n", k_verdicts[verdict], name, text_chars(&clean));
        if (verdict != DOCTOR_OK && rule[0] != '\0') {
            (void)printf("%31s %s\n", "rule:", rule);
        }
        if (verdict != DOCTOR_OK && advice[0] != '\0') {
            (void)printf("%31s %s\n", "do:", advice);
        }
        (void)fflush(stdout);
    }
    text_fini(&clean);
}

void doctor_check(struct doctor *doctor, enum doctor_verdict verdict, const char *name,
                  const char *rule, const char *advice, const char *format, ...)
{
    char fact[FACT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fact, sizeof fact, format, arguments);
    va_end(arguments);
    add(doctor, verdict, name, rule, advice, fact);
}

void doctor_failure(struct doctor *doctor, enum doctor_verdict verdict, const char *name,
                    enum activation_failure failure, const char *format, ...)
{
    char fact[FACT_BYTES], rule[FACT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fact, sizeof fact, format, arguments);
    va_end(arguments);
    (void)snprintf(rule, sizeof rule, "%s: %s", activation_failure_code(failure),
                   activation_failure_cause(failure));
    add(doctor, verdict, name, rule, activation_failure_cure(failure), fact);
}

/* --- the command ------------------------------------------------------------------------------- */

static int print_result(const struct doctor *doctor, const char *target)
{
    const uint32_t *counts = doctor->counts;
    if (doctor->options->json) {
        json_t *all =
            json_pack("{ss sO sI sI sI}", "target", target, "checks", doctor->checks, "ok",
                      (json_int_t)counts[DOCTOR_OK], "failed", (json_int_t)counts[DOCTOR_FAILED],
                      "unknown", (json_int_t)counts[DOCTOR_UNKNOWN]);
        char *text = all == NULL ? NULL : json_dumps(all, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        (void)puts(text == NULL ? "" : text);
        free(text);
        json_decref(all);
    } else {
        (void)printf("%u ok, %u failed, %u unknown\n", counts[DOCTOR_OK], counts[DOCTOR_FAILED],
                     counts[DOCTOR_UNKNOWN]);
    }
    return counts[DOCTOR_FAILED] == 0 ? CLI_OK : CLI_FAILED;
}

static int run_checks(struct doctor *doctor, const char *target)
{
    struct amt_diag diag = { .err = AMT_OK };
    int result = CLI_ENVIRONMENT;
    doctor->loop = loop_new_uv(&diag);
    doctor->log = doctor->loop == NULL ? NULL : log_new(doctor->loop);
    if (doctor->log != NULL &&
        cli_open_log(doctor->log, doctor->options->log_levels, "logfmt", &diag) != AMT_OK) {
        result = CLI_USAGE;
    } else if (doctor->log != NULL) {
        result = strcmp(target, "activation") == 0 ? doctor_activation(doctor)
                                                   : doctor_mps(doctor, target);
    }
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab doctor: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return result;
}

static int run_command(const void *options, int argument_count, char **arguments)
{
    struct doctor doctor = { .options = options, .checks = json_array() };
    (void)argument_count;
    int result = doctor.checks == NULL ? CLI_INTERNAL : run_checks(&doctor, arguments[0]);
    if (doctor.has_no_memory) {
        (void)fputs("amtlab doctor: out of memory\n", stderr);
        result = CLI_INTERNAL;
    } else if (result == CLI_OK) {
        result = print_result(&doctor, arguments[0]);
    }
    log_free(doctor.log);
    loop_free(doctor.loop);
    json_decref(doctor.checks);
    return result;
}

const struct cli_command k_command_doctor = {
    .name = "doctor",
    .arguments = "activation | HOST[:PORT]",
    .summary = "why does an activation fail, why does CIRA not connect?",
    .details =
        "Makes the checks of an activation, or of calling home, one after the other, and says of\n"
        "each: ok, FAILED or unknown, what was found, the rule, and what to do. Nothing is "
        "changed:\n"
        "a device is only read, and an activation server is left when it would begin to act.\n\n"
        "  amtlab doctor mps.example.com --trust root.crt --user NAME --password-file pw\n"
        "  amtlab doctor activation --device-profile amt-16.1 --device-state pcs \\\n"
        "      --url wss://mps.example.com:8443/activate --profile acm --trust root.crt\n"
        "  amtlab doctor activation --device-profile amt-16.1 --pfx provisioning.pfx \\\n"
        "      --pfx-password-file pw --dhcp eth0\n"
        "  amtlab doctor activation --device-profile amt-16.1 --config mps.yaml\n\n"
        "HOST[:4433] is a Management Presence Server: name, TCP, TLS, its certificate as firmware\n"
        "judges it, APF, login, ports, keepalive, and what it does with a device. What goes wrong\n"
        "before APF is one of: timeout, refused, closed before TLS, TLS timeout, TLS refused.\n"
        "activation looks at the device, then at certificates (from files, or from our own\n"
        "server's configuration), then at the server. The device is a simulated one. The server\n"
        "gets no password of the device, and sees an attempt that ends at once.\n\n"
        "Exit codes: 0 nothing has failed (what is unknown does not count), 1 something has,\n"
        "2 usage, 3 a profile, configuration or trust file, 4 the checks cannot be made here.\n",
    .options = k_options,
    .options_bytes = sizeof(struct doctor_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_command,
};
