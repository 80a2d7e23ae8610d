/* The client of an activation server, on a device. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/activate.h"
#include "cli/secret_file.h"
#include "cli/service.h"
#include "runtime/net.h"

#define ROW(name, kind, member, value, fallback, help)                                  \
    {                                                                                   \
        name, 0, kind, offsetof(struct activate_options, member), value, fallback, help \
    }

static const struct cli_option k_options[] = {
    ROW("url", CLI_TEXT, url, "URL", NULL, "the server: wss://HOST[:PORT]/PATH, or ws://"),
    ROW("profile", CLI_TEXT, profile, "NAME", NULL, "RPS: the profile to activate with"),
    ROW("id", CLI_TEXT, id, "ID", NULL, "MeshCentral's host protocol: the device group's id"),
    ROW("deactivate", CLI_FLAG, deactivate, "", NULL,
        "RPS: deactivate, with the password of --pass-file"),
    ROW("maintenance", CLI_TEXT, maintenance, "TASK", NULL,
        "RPS: on an activated device: clock, hostname, ip, password or info; needs --pass-file"),
    ROW("new-pass-file", CLI_TEXT, new_password_file, "FILE", NULL,
        "for --maintenance password: the new one [the server makes one]"),
    ROW("tls-tunnel", CLI_FLAG, tls_tunnel, "", NULL,
        "RPS: admin control mode by way of TLS on the local port, as rpc-go"),
    ROW("pass-file", CLI_TEXT, password_file, "FILE", NULL,
        "password of admin on an activated device, - for standard input; or AMTLAB_AMT_PASSWORD"),
    ROW("dns-suffix", CLI_TEXT, dns_suffix, "NAME", NULL,
        "say this suffix instead of the device's own"),
    ROW("tenant", CLI_TEXT, tenant, "ID", NULL, "RPS: tenant"),
    ROW("trust", CLI_TEXT, trust, "FILE", NULL, "PEM of the roots that sign the server"),
    ROW("serverhttpshash", CLI_TEXT, server_hash, "HEX", NULL,
        "the server's certificate must have this SHA-384, whoever signed it"),
    ROW("insecure", CLI_FLAG, insecure, "", NULL, "any certificate of the server will do"),
    ROW("device-profile", CLI_TEXT, device_profile, "NAME", NULL,
        "the simulated device this runs on: built-in profile, or a file"),
    ROW("device-state", CLI_TEXT, device_state, "DIR", NULL,
        "folder that keeps what the device has become; `amtlab device --state DIR` goes on there"),
    ROW("device-uuid", CLI_TEXT, device_uuid, "UUID", NULL, "its UUID; made from a seed if absent"),
    ROW("device-set", CLI_TEXTS, device_sets, "KEY=VALUE", NULL,
        "any key of its profile (amtlab device --print-config)"),
    ROW("dhcp", CLI_TEXT, dhcp, "INTERFACE", NULL,
        "its wired port is in the network behind this interface (amtlab device --dhcp)"),
    ROW("timeout", CLI_DURATION, timeout_us, "TIME", "10m", "give up after"),
    ROW("log-level", CLI_TEXT, log_levels, "LEVELS", "warn", "error, warn, info, debug, trace"),
    ROW("log-format", CLI_TEXT, log_format, "FORMAT", "logfmt", "logfmt or json"),
    { .name = NULL },
};

/* --- the end ----------------------------------------------------------------------------------- */

void activate_done(struct activate_run *run, int result, const char *text)
{
    char line[1024];
    if (run->is_done) {
        return;
    }
    struct text clean = { 0 };
    text_terminal(&clean, text, strlen(text));
    (void)snprintf(line, sizeof line, "%s", text_chars(&clean));
    text_fini(&clean);
    run->is_done = true;
    run->result = result;
    (void)fprintf(result == CLI_OK ? stdout : stderr, "%s%s\n",
                  result == CLI_OK ? "" : "amtlab activate: ", line);
    loop_stop(run->loop);
}

void activate_note(void *ctx, const char *text)
{
    struct text clean = { 0 };
    (void)ctx;
    text_terminal(&clean, text, strlen(text));
    (void)printf("%s\n", text_chars(&clean));
    (void)fflush(stdout);
    text_fini(&clean);
}

struct websocket_request activate_request(const struct activate_run *run)
{
    return (struct websocket_request){ .target = run->url.target, .host = run->url.host_header };
}

static void fail(struct activate_run *run, const struct amt_diag *diag)
{
    char text[2 * AMT_DIAG_TEXT_BYTES + 8];
    (void)snprintf(text, sizeof text, "%s%s%s", diag->text, diag->hint[0] == '\0' ? "" : "; ",
                   diag->hint);
    activate_done(run, diag->err == AMT_ECONFIG ? CLI_USAGE : CLI_ENVIRONMENT, text);
}

static void on_limit(void *ctx)
{
    activate_done(ctx, CLI_DEADLINE, "the time of --timeout is over");
}

static void on_signal(void *ctx)
{
    activate_done(ctx, CLI_INTERRUPTED, "interrupted");
}

/* --- the server -------------------------------------------------------------------------------- */

static void on_open(void *ctx, struct stream *s)
{
    struct activate_run *run = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    if (run->conversation->start(run, s, &diag) != AMT_OK) {
        fail(run, &diag);
    }
}

static void on_failed(void *ctx, enum activation_connect_failure failure, const char *text)
{
    struct activate_run *run = ctx;
    char line[ADDRESS_HOST_BYTES + STREAM_TEXT_BYTES + 120];
    (void)snprintf(line, sizeof line, "%s%s", text,
                   failure == ACTIVATION_CONNECT_UNTRUSTED
                       ? "; see --trust, --serverhttpshash and --insecure"
                       : "");
    activate_done(run, CLI_ENVIRONMENT, line);
}

/* Through TLS when the URL says so. */
static enum amt_err connect_server(struct activate_run *run, struct amt_diag *diag)
{
    const struct activate_options *o = run->options;
    struct pki_trust *trust = pki_trust_new();
    const struct activation_connect_settings settings = { .loop = run->loop,
                                                          .url = &run->url,
                                                          .trust = trust,
                                                          .server_hash = o->server_hash,
                                                          .is_insecure = o->insecure,
                                                          .on_open = on_open,
                                                          .on_failed = on_failed,
                                                          .ctx = run };
    enum amt_err err = trust == NULL ? amt_diag_set(diag, AMT_ENOMEM, "out of memory") : AMT_OK;
    if (err == AMT_OK && o->trust != NULL) {
        err = pki_trust_load(trust, o->trust, diag);
    }
    if (err == AMT_OK) {
        run->connect = activation_connect(&settings, diag);
        err = run->connect == NULL ? diag->err : AMT_OK;
    }
    pki_trust_free(trust);
    return err;
}

/* --- the command ------------------------------------------------------------------------------- */

static enum amt_err read_options(struct activate_run *run, struct amt_diag *diag)
{
    const struct activate_options *o = run->options;
    if (o->url == NULL) {
        return amt_diag_set(diag, AMT_ECONFIG, "--url is missing: the server to activate with");
    }
    if (o->device_profile == NULL && o->device_state == NULL) {
        return amt_diag_set(
            diag, AMT_ECONFIG,
            "--device-profile or --device-state is missing: the device to activate");
    }
    bool is_rps = o->profile != NULL || o->deactivate || o->maintenance != NULL;
    if ((o->id != NULL) == is_rps) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "either --profile (RPS) or --id (MeshCentral) says how to talk");
    }
    if (websocket_url_parse(o->url, &run->url, diag) != AMT_OK) {
        return AMT_ECONFIG;
    }
    run->conversation = is_rps ? &k_activate_rps : &k_activate_mesh;
    enum amt_err err = cli_secret(o->password_file, "AMTLAB_AMT_PASSWORD", &run->password, diag);
    TRY(err == AMT_EUNKNOWN ? AMT_OK : err);
    if (o->new_password_file != NULL) {
        TRY(cli_secret(o->new_password_file, "AMTLAB_NEW_PASSWORD", &run->new_password, diag));
    }
    return cli_open_log(run->log, o->log_levels, o->log_format, diag);
}

static void run_all(struct activate_run *run)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct activate_device *device = NULL;
    enum amt_err err = read_options(run, &diag);
    if (err != AMT_OK) {
        diag.err = err;
        fail(run, &diag);
        return;
    }
    device = activate_device_open(run->loop, run->log, run->options, &run->host, &diag);
    if (device == NULL || connect_server(run, &diag) != AMT_OK) {
        fail(run, &diag);
    } else if (loop_on_signal(run->loop, SIGTERM, on_signal, run) != AMT_OK ||
               loop_on_signal(run->loop, SIGINT, on_signal, run) != AMT_OK) {
        activate_done(run, CLI_INTERNAL, "signals cannot be handled");
    } else {
        timer_start(&run->limit, run->options->timeout_us);
        loop_run(run->loop);
    }
    timer_stop(&run->limit);
    if (run->client != NULL) {
        run->conversation->stop(run);
    }
    activation_connect_free(run->connect);
    if (run->result == CLI_OK && run->options->deactivate) {
        activate_device_settle(device);
    }
    activate_device_close(device);
}

static int run_command(const void *options, int argument_count, char **arguments)
{
    struct activate_run run = { .options = options, .result = CLI_INTERNAL };
    struct amt_diag diag = { .err = AMT_OK };
    (void)argument_count;
    (void)arguments;
    run.loop = loop_new_uv(&diag);
    run.log = run.loop == NULL ? NULL : log_new(run.loop);
    if (run.log == NULL) {
        (void)fprintf(stderr, "amtlab activate: %s\n",
                      diag.text[0] == '\0' ? "out of memory" : diag.text);
    } else {
        timer_init(&run.limit, run.loop, on_limit, &run);
        run_all(&run);
    }
    secret_fini(&run.password);
    secret_fini(&run.new_password);
    arena_fini(&run.arena);
    log_free(run.log);
    loop_free(run.loop);
    return run.result;
}

const struct cli_command k_command_activate = {
    .name = "activate",
    .arguments = "",
    .summary = "activate a device by a server, as its host would",
    .details =
        "Plays the program on the PC that activates AMT: tells the server who the device is and\n"
        "relays what it asks. Speaks to amtlab's own server, RPS and MeshCentral. The device is a\n"
        "simulated one; what it has become stays in --device-state.\n\n"
        "  amtlab activate --url ws://127.0.0.1:8080/activate --profile acmlab \\\n"
        "      --device-profile amt-16.1 --device-state pc1\n"
        "  amtlab activate --url wss://mesh.example.com/apf.ashx --id 'ABC...' \\\n"
        "      --serverhttpshash HEX --device-profile amt-16.1 --device-state pc1\n\n"
        "Passwords never stand on the command line.\n"
        "Exit codes: 0 done, 1 the server refuses, 2 usage, 4 the server or the device cannot be\n"
        "reached, 7 the server left before it said how it ended, 124 --timeout.\n",
    .options = k_options,
    .options_bytes = sizeof(struct activate_options),
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run_command,
};
