/* Simulated devices as a program. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/device_show.h"
#include "cli/secret_file.h"
#include "cli/service.h"
#include "simulator/fleet/fleet.h"

#define GOODBYE_LIMIT_US 100000u

struct device_options {
    const char *profile, *to, *uuid, *user, *password_file, *trust, *access_info, *common_name;
    const char *state, *listen, *setup_file, *dhcp;
    const char *forward, *trigger, *until, *log_levels, *log_format;
    struct cli_texts sets;
    uint64_t count, seed, deadline_us, stagger_us;
    const char *capture, *key_log;
    bool offload, print_config, capture_secrets;
};

static const struct cli_option k_options[] = {
    { "to", 0, CLI_TEXT, offsetof(struct device_options, to), "HOST:PORT", NULL,
      "address of the MPS [key cira.to]" },
    { "profile", 0, CLI_TEXT, offsetof(struct device_options, profile), "NAME", NULL,
      "built-in profile (amtlab profiles), or a file" },
    { "state", 0, CLI_TEXT, offsetof(struct device_options, state), "DIR", NULL,
      "keep in this folder what the devices were told; go on from there" },
    { "listen", 0, CLI_TEXT, offsetof(struct device_options, listen), "ADDRESS", NULL,
      "own network ports 16992 and 16993 on this address; further devices take the next ones" },
    { "dhcp", 0, CLI_TEXT, offsetof(struct device_options, dhcp), "INTERFACE", NULL,
      "ask the DHCP server behind this interface for address and domain [key dhcp.interface]" },
    { "setup-file", 0, CLI_TEXT, offsetof(struct device_options, setup_file), "FILE", NULL,
      "a USB key with this setup.bin is in the PC when it starts [key setup_file]" },
    { "uuid", 0, CLI_TEXT, offsetof(struct device_options, uuid), "UUID", NULL,
      "system UUID; made from the seed if absent" },
    { "user", 0, CLI_TEXT, offsetof(struct device_options, user), "NAME", NULL, "CIRA user name" },
    { "password-file", 0, CLI_TEXT, offsetof(struct device_options, password_file), "FILE", NULL,
      "first line is the CIRA password, - for standard input; or AMTLAB_PASSWORD" },
    { "trust", 0, CLI_TEXT, offsetof(struct device_options, trust), "FILE", NULL,
      "PEM file of trusted roots: the root.crt of the server" },
    { "access-info", 0, CLI_TEXT, offsetof(struct device_options, access_info), "NAME", NULL,
      "MPS name as provisioned [the host of --to]" },
    { "common-name", 0, CLI_TEXT, offsetof(struct device_options, common_name), "NAME", NULL,
      "Common Name expected when access-info is an IP address" },
    { "forward", 0, CLI_TEXT, offsetof(struct device_options, forward), "PORT,...", NULL,
      "ports to announce, in this order" },
    { "trigger", 0, CLI_TEXT, offsetof(struct device_options, trigger), "NAME", NULL,
      "user, alert, provisioning, periodic" },
    { "count", 0, CLI_NUMBER, offsetof(struct device_options, count), "N", "1",
      "how many devices; all but the first have UUIDs from the seed" },
    { "seed", 0, CLI_NUMBER, offsetof(struct device_options, seed), "N", "1",
      "seed of identities and jitter" },
    { "stagger", 0, CLI_DURATION, offsetof(struct device_options, stagger_us), "TIME", "1ms",
      "wait between the starts of two devices" },
    { "offload", 0, CLI_FLAG, offsetof(struct device_options, offload), "", NULL,
      "plain TCP, for an MPS behind a TLS terminator" },
    { "capture", 0, CLI_TEXT, offsetof(struct device_options, capture), "FILE|DIR/", NULL,
      "capture sessions, decrypted, as pcapng: all in a file, or one each device [key "
      "capture.file]" },
    { "capture-secrets", 0, CLI_FLAG, offsetof(struct device_options, capture_secrets), "", NULL,
      "keep passwords in captures instead of writing * over them" },
    { "keylog", 0, CLI_TEXT, offsetof(struct device_options, key_log), "FILE", NULL,
      "append the keys of TLS sessions, for Wireshark; a secret [key tls.key_log]" },
    { "set", 0, CLI_TEXTS, offsetof(struct device_options, sets), "KEY=VALUE", NULL,
      "any key of the profile, repeatable" },
    { "until", 0, CLI_TEXT, offsetof(struct device_options, until), "EVENT", NULL,
      "stop at: lease, up, failed, login-failed, closed" },
    { "deadline", 0, CLI_DURATION, offsetof(struct device_options, deadline_us), "TIME", "0",
      "give up after; 0 = never" },
    { "log-level", 0, CLI_TEXT, offsetof(struct device_options, log_levels), "LEVELS", "info",
      "error, warn, info, debug, trace; per component: info,cira=debug" },
    { "log-format", 0, CLI_TEXT, offsetof(struct device_options, log_format), "FORMAT", "logfmt",
      "logfmt or json, on standard error" },
    { "print-config", 0, CLI_FLAG, offsetof(struct device_options, print_config), "", NULL,
      "print every key of a profile with its default and exit" },
    { .name = NULL },
};

/* What --until waits for. */
enum until { UNTIL_NOTHING, UNTIL_LEASE, UNTIL_UP, UNTIL_FAILED, UNTIL_LOGIN_FAILED, UNTIL_CLOSED };
static const char *const k_until[] = {
    "", "lease", "up", "failed", "login-failed", "closed", NULL
};

struct run {
    struct loop *loop;
    struct log *log;
    struct device_config config;
    struct fleet *fleet;
    struct timer deadline;
    struct loop_task check;
    enum until until;
    bool has_failed, has_failed_login, has_been_up, has_closed;
    bool is_stopping;
    int result;
};

static enum amt_err set_key(struct run *run, const char *key, const char *value,
                            struct amt_diag *diag)
{
    return value == NULL ? AMT_OK : config_set(device_config_keys, key, value, &run->config, diag);
}

static enum amt_err set_forward(struct run *run, const char *ports, struct amt_diag *diag)
{
    if (ports == NULL) {
        return AMT_OK;
    }
    struct text list = { 0 };
    text_printf(&list, "[%s]", ports);
    enum amt_err err = set_key(run, "forward", text_chars(&list), diag);
    text_fini(&list);
    return err;
}

static enum amt_err set_password(struct run *run, const struct device_options *o,
                                 struct amt_diag *diag)
{
    struct secret password = { .len = 0 };
    enum amt_err err = cli_secret(o->password_file, "AMTLAB_PASSWORD", &password, diag);
    if (err == AMT_OK) {
        amt_free(run->config.cira.password);
        run->config.cira.password = amt_memdup(password.bytes, password.len);
        err = run->config.cira.password == NULL ? AMT_ENOMEM : AMT_OK;
    }
    secret_fini(&password);
    return err == AMT_EUNKNOWN ? AMT_OK : err;
}

static enum amt_err apply_options(struct run *run, const struct device_options *o,
                                  struct amt_diag *diag)
{
    TRY(set_key(run, "cira.to", o->to, diag));
    TRY(set_key(run, "state_dir", o->state, diag));
    TRY(set_key(run, "direct.address", o->listen, diag));
    TRY(set_key(run, "setup_file", o->setup_file, diag));
    TRY(set_key(run, "dhcp.interface", o->dhcp, diag));
    TRY(set_key(run, "uuid", o->uuid, diag));
    TRY(set_key(run, "cira.user", o->user, diag));
    TRY(set_key(run, "cira.trust", o->trust, diag));
    TRY(set_key(run, "cira.access_info", o->access_info, diag));
    TRY(set_key(run, "cira.common_name", o->common_name, diag));
    TRY(set_key(run, "cira.trigger", o->trigger, diag));
    TRY(set_key(run, "tls.offload", o->offload ? "true" : NULL, diag));
    TRY(set_key(run, "capture.file", o->capture, diag));
    TRY(set_key(run, "capture.secrets", o->capture_secrets ? "true" : NULL, diag));
    TRY(set_key(run, "tls.key_log", o->key_log, diag));
    TRY(set_forward(run, o->forward, diag));
    TRY(set_password(run, o, diag));
    return cli_apply_sets(device_config_keys, &o->sets, &run->config, diag);
}

static enum amt_err read_config(struct run *run, const struct device_options *o)
{
    struct amt_diag_list errors = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err = device_config_load(o->profile, NULL, NULL, &run->config, &errors);
    if (err == AMT_OK) {
        err = apply_options(run, o, &diag);
    }
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab device: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return err;
}

static void put_text(struct text *out, const char *name, const char *value)
{
    text_printf(out, ",\"%s\":", name);
    text_json(out, value, strlen(value));
}

/* The last line on standard output: the first device's connection log, and the fleet's sums. */
static void print_report(struct run *run)
{
    struct text line = { 0 };
    struct device_statistics sum;
    char uuid[UUID_TEXT_BYTES];
    struct device *device = fleet_device(run->fleet, 0);
    const struct device_connection_log *log = device_connection_log(device);
    uuid_format(device_uuid(device), uuid);
    text_printf(&line, "{\"event\":\"stopped\",\"uuid\":\"%s\"", uuid);
    put_text(&line, "server", log->server);
    put_text(&line, "failure", log->failure);
    text_printf(&line,
                ",\"opened_us\":%llu,\"closed_us\":%llu,\"last_keepalive_us\":%llu,"
                "\"trigger\":%u,\"mutual_tls\":%s,\"tls_alert\":%d,\"closure_reason\":%d,"
                "\"closed_by_mps\":%s,\"disconnect_reason\":%u,\"keepalive_interval_s\":%u",
                (unsigned long long)log->opened_us, (unsigned long long)log->closed_us,
                (unsigned long long)log->last_keepalive_us, log->trigger,
                log->is_mutual_tls ? "true" : "false", log->tls_alert, log->closure_reason,
                log->closed_by_mps ? "true" : "false", log->disconnect_reason,
                log->keepalive_interval_s);
    fleet_statistics(run->fleet, &sum);
    text_printf(&line,
                ",\"devices\":%u,\"attempts\":%llu,\"connects\":%llu,\"failures\":%llu,"
                "\"channels\":%llu}",
                fleet_count(run->fleet), (unsigned long long)sum.cira_attempts,
                (unsigned long long)sum.cira_connects, (unsigned long long)sum.cira_failures,
                (unsigned long long)sum.channels_accepted);
    (void)puts(text_chars(&line));
    (void)fflush(stdout);
    text_fini(&line);
}

static void stop(struct run *run, int result)
{
    if (run->is_stopping) {
        return;
    }
    run->is_stopping = true;
    run->result = result;
    timer_stop(&run->deadline);
    fleet_disconnect(run->fleet, APF_BY_APPLICATION);
    loop_stop(run->loop);
}

/* Ends without what --until asked for, and says why. */
static void give_up(struct run *run, int result, const char *what)
{
    const char *failure = device_connection_log(fleet_device(run->fleet, 0))->failure;
    (void)fprintf(
        stderr, "amtlab device: %s before --until %s came true; %u of %u devices are up\n", what,
        k_until[run->until], fleet_count_in(run->fleet, DEVICE_UP), fleet_count(run->fleet));
    if (failure[0] != '\0') {
        (void)fprintf(stderr, "    the first device's last failure: %s\n", failure);
    }
    stop(run, result);
}

static bool all_have_leases(const struct run *run)
{
    for (uint32_t i = 0; i < fleet_count(run->fleet); i++) {
        if (device_lease_suffix(fleet_device(run->fleet, i)) == NULL) {
            return false;
        }
    }
    return true;
}

static bool has_come(const struct run *run)
{
    switch (run->until) {
    case UNTIL_NOTHING:
        return false;
    case UNTIL_LEASE:
        return all_have_leases(run);
    case UNTIL_UP:
        return run->has_been_up && fleet_count_in(run->fleet, DEVICE_UP) == fleet_count(run->fleet);
    case UNTIL_FAILED:
        return run->has_failed;
    case UNTIL_LOGIN_FAILED:
        return run->has_failed_login;
    case UNTIL_CLOSED:
        return run->has_closed;
    }
    return false;
}

static void on_check(void *ctx)
{
    struct run *run = ctx;
    if (run->is_stopping) {
        return;
    }
    if (has_come(run)) {
        stop(run, CLI_OK);
    } else if (run->until != UNTIL_NOTHING && run->has_failed) {
        give_up(run, CLI_FAILED, "an attempt failed");
    }
}

static bool reason_is(const struct log_field *fields, const char *reason)
{
    for (; fields->kind != LOG_FIELD_END; fields++) {
        if (strcmp(fields->name, "reason") == 0 && fields->kind == LOG_FIELD_TEXT) {
            return fields->len == strlen(reason) && memcmp(fields->text, reason, fields->len) == 0;
        }
    }
    return false;
}

static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    struct run *run = ctx;
    (void)level;
    if (strcmp(name, "cira.up") == 0) {
        run->has_been_up = true;
    } else if (strcmp(name, "cira.failed") == 0) {
        run->has_failed = true;
        run->has_failed_login = run->has_failed_login || reason_is(fields, "auth_failed");
    } else if (strcmp(name, "cira.closed") == 0) {
        run->has_closed = run->has_closed || run->has_been_up;
    } else if (strcmp(name, "dhcp.lease") != 0) {
        return;
    }
    loop_task_post(&run->check); /* not from inside the device's own call */
}

static void on_deadline(void *ctx)
{
    struct run *run = ctx;
    if (run->until == UNTIL_NOTHING) {
        stop(run, CLI_DEADLINE);
    } else {
        give_up(run, CLI_DEADLINE, "the deadline passed");
    }
}

static void on_signal(void *ctx)
{
    stop(ctx, CLI_OK);
}

static enum amt_err set_until(struct run *run, const char *until, struct amt_diag *diag)
{
    for (int i = UNTIL_LEASE; until != NULL && k_until[i] != NULL; i++) {
        if (strcmp(until, k_until[i]) == 0) {
            run->until = (enum until)i;
        }
    }
    if (until != NULL && run->until == UNTIL_NOTHING) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "--until is lease, up, failed, login-failed or closed, not \"%s\"",
                            until);
    }
    return AMT_OK;
}

static int start_fleet(struct run *run, const struct device_options *o, struct amt_diag *diag)
{
    const struct fleet_settings settings = { .config = &run->config,
                                             .seed = o->seed,
                                             .count = (uint32_t)o->count,
                                             .stagger_us = o->stagger_us };
    char uuid[UUID_TEXT_BYTES];
    if (set_until(run, o->until, diag) != AMT_OK ||
        cli_open_log(run->log, o->log_levels, o->log_format, diag) != AMT_OK) {
        return CLI_USAGE;
    }
    run->fleet = fleet_new(run->loop, &settings, run->log, diag);
    if (run->fleet == NULL) { /* AMT_ESYS: a port is taken, or packets are not permitted */
        return diag->err == AMT_ESYS ? CLI_ENVIRONMENT : CLI_INVALID;
    }
    if (loop_on_signal(run->loop, SIGTERM, on_signal, run) != AMT_OK ||
        loop_on_signal(run->loop, SIGINT, on_signal, run) != AMT_OK) {
        return CLI_INTERNAL;
    }
    log_observe(run->log, on_event, run);
    if (o->deadline_us != 0) {
        timer_start(&run->deadline, o->deadline_us);
    }
    uuid_format(device_uuid(fleet_device(run->fleet, 0)), uuid);
    (void)printf("{\"event\":\"ready\",\"pid\":%ld,\"devices\":%u,\"uuid\":\"%s\"}\n",
                 (long)getpid(), fleet_count(run->fleet), uuid);
    (void)fflush(stdout);
    fleet_start(run->fleet);
    loop_run(run->loop);
    log_unobserve(run->log, on_event, run);
    print_report(run);
    return run->result;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

static int run_fleet(struct run *run, const struct device_options *o)
{
    struct amt_diag diag = { .err = AMT_OK };
    int result = CLI_ENVIRONMENT;
    run->loop = loop_new_uv(&diag);
    run->log = run->loop == NULL ? NULL : log_new(run->loop);
    if (run->log != NULL) {
        timer_init(&run->deadline, run->loop, on_deadline, run);
        loop_task_init(&run->check, run->loop, on_check, run);
        result = start_fleet(run, o, &diag);
        /* The goodbyes leave before the sockets are cut. */
        (void)loop_run_until(run->loop, never, NULL, loop_now_us(run->loop) + GOODBYE_LIMIT_US);
    }
    loop_task_cancel(&run->check);
    fleet_free(run->fleet);
    log_free(run->log);
    loop_free(run->loop);
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab device: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return result;
}

static int run_device(const void *options, int argument_count, char **arguments)
{
    const struct device_options *o = options;
    struct run run = { .loop = NULL };
    bool shows = argument_count > 0 && strcmp(arguments[0], "show") == 0;
    if (argument_count > 0 && !shows) {
        (void)fprintf(stderr, "amtlab device: unknown argument \"%s\"; did you mean show?\n",
                      arguments[0]);
        return CLI_USAGE;
    }
    if (o->print_config) {
        config_manual(device_config_keys, stdout);
        return CLI_OK;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    int result = CLI_INVALID;
    if (o->count < 1 || o->count > FLEET_MAX) {
        (void)fprintf(stderr, "amtlab device: --count is 1 to %u\n", FLEET_MAX);
        result = CLI_USAGE;
    } else if (read_config(&run, o) == AMT_OK) {
        result = shows ? cli_device_show(&run.config, o->uuid, argument_count - 1, arguments + 1)
                       : run_fleet(&run, o);
    }
    device_config_fini(&run.config);
    return result;
}

const struct cli_command k_command_device = {
    .name = "device",
    .arguments = "[show [CLASS]...]",
    .summary = "run simulated AMT devices, or show what one has become",
    .details =
        "Connects to an MPS by CIRA as firmware does, keeps the tunnel, and serves its ports.\n\n"
        "  amtlab device --to 127.0.0.1:4433 --user ABCDEFGHIJKLMNOP --password-file pw \\\n"
        "      --trust amtlab-data/root.crt --access-info mps.example.org\n"
        "  amtlab device --to 127.0.0.1:4433 ... --count 1000 --stagger 5ms\n"
        "  amtlab device --to 127.0.0.1:4433 ... --until up --deadline 30s\n\n"
        "  amtlab device --profile amt-16.1 --listen 127.0.0.2 --state devices\n"
        "  amtlab device show --state devices CIM_AssociatedPowerManagementService\n\n"
        "The firmware answers on 16992 and 16993 of the tunnel, and with --listen on the network.\n"
        "Without --to, a device calls the servers that it was told over WS-Man. `show` prints\n"
        "what a device in a state folder has become, without secrets.\n\n"
        "--dhcp makes the wired port one of a real network: the device asks the DHCP server there "
        "for\n"
        "an address and takes its DNS suffix from option 15; until it has a lease it calls "
        "nobody.\n"
        "This needs CAP_NET_RAW (root, or a network namespace of your own: unshare -Urn).\n\n"
        "--until ends the command at an event: lease (all devices have one), up (all devices are), "
        "failed\n"
        "(an attempt failed), login-failed (the MPS refused user and password), closed (a tunnel "
        "that\n"
        "was up ended).\n\n"
        "One JSON line on standard output when it starts, one with the connection log when it\n"
        "stops; events on standard error. SIGTERM sends DISCONNECT.\n\n"
        "Exit codes: 0 stopped or the event came, 1 an attempt failed and --until wanted "
        "something\n"
        "else, 2 usage, 3 profile or certificate, 4 environment, 124 --deadline passed.\n",
    .options = k_options,
    .options_bytes = sizeof(struct device_options),
    .arguments_min = 0,
    .arguments_max = 64,
    .run = run_device,
};
