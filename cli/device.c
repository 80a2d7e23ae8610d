/* Simulated devices as a program. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/secret_file.h"
#include "cli/service.h"
#include "simulator/device.h"

struct device_options {
    const char *profile, *to, *uuid, *user, *password_file, *trust, *access_info, *common_name;
    const char *forward, *trigger, *until, *log_levels, *log_format;
    struct cli_texts sets;
    uint64_t count, seed, deadline_us, stagger_us;
    bool offload, print_config;
};

static const struct cli_option k_options[] = {
    { "to", 0, CLI_TEXT, offsetof(struct device_options, to), "HOST:PORT", NULL,
      "address of the MPS [key cira.to]" },
    { "profile", 0, CLI_TEXT, offsetof(struct device_options, profile), "FILE", NULL,
      "profile file (scenarios/profiles/*.yaml)" },
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
    { "set", 0, CLI_TEXTS, offsetof(struct device_options, sets), "KEY=VALUE", NULL,
      "any key of the profile, repeatable" },
    { "until", 0, CLI_TEXT, offsetof(struct device_options, until), "EVENT", NULL,
      "stop at: up (all are), failed (one attempt failed)" },
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

struct fleet {
    struct loop *loop;
    struct log *log;
    struct tls_context *tls;
    struct device_config config;
    struct device **devices;
    uint32_t count, started, up;
    uint64_t seed, stagger_us;
    struct timer start, deadline;
    struct loop_task check;
    bool stops_when_up, stops_when_failed;
    bool has_failed, is_stopping;
    int result;
};

static enum amt_err set_key(struct fleet *fleet, const char *key, const char *value,
                            struct amt_diag *diag)
{
    return value == NULL ? AMT_OK
                         : config_set(device_config_keys, key, value, &fleet->config, diag);
}

static enum amt_err set_forward(struct fleet *fleet, const char *ports, struct amt_diag *diag)
{
    if (ports == NULL) {
        return AMT_OK;
    }
    struct text list = { 0 };
    text_printf(&list, "[%s]", ports);
    enum amt_err err = set_key(fleet, "forward", text_chars(&list), diag);
    text_fini(&list);
    return err;
}

static enum amt_err set_password(struct fleet *fleet, const struct device_options *o,
                                 struct amt_diag *diag)
{
    struct secret password = { .len = 0 };
    enum amt_err err = cli_secret(o->password_file, "AMTLAB_PASSWORD", &password, diag);
    if (err == AMT_OK) {
        amt_free(fleet->config.cira.password);
        fleet->config.cira.password = amt_memdup(password.bytes, password.len);
        err = fleet->config.cira.password == NULL ? AMT_ENOMEM : AMT_OK;
    }
    secret_fini(&password);
    return err == AMT_EUNKNOWN ? AMT_OK : err;
}

static enum amt_err apply_options(struct fleet *fleet, const struct device_options *o,
                                  struct amt_diag *diag)
{
    TRY(set_key(fleet, "cira.to", o->to, diag));
    TRY(set_key(fleet, "uuid", o->uuid, diag));
    TRY(set_key(fleet, "cira.user", o->user, diag));
    TRY(set_key(fleet, "cira.trust", o->trust, diag));
    TRY(set_key(fleet, "cira.access_info", o->access_info, diag));
    TRY(set_key(fleet, "cira.common_name", o->common_name, diag));
    TRY(set_key(fleet, "cira.trigger", o->trigger, diag));
    TRY(set_key(fleet, "tls.offload", o->offload ? "true" : NULL, diag));
    TRY(set_forward(fleet, o->forward, diag));
    TRY(set_password(fleet, o, diag));
    return cli_apply_sets(device_config_keys, &o->sets, &fleet->config, diag);
}

static enum amt_err read_config(struct fleet *fleet, const struct device_options *o)
{
    struct amt_diag_list errors = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err = device_config_load(o->profile, NULL, NULL, &fleet->config, &errors);
    if (err == AMT_OK) {
        err = apply_options(fleet, o, &diag);
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
static void print_report(struct fleet *fleet)
{
    struct device *device = fleet->started > 0 ? fleet->devices[0] : NULL;
    struct text line = { 0 };
    if (device == NULL) {
        return;
    }
    char uuid[UUID_TEXT_BYTES];
    const struct device_connection_log *log = device_connection_log(device);
    uuid_format(device_uuid(device), uuid);
    text_printf(&line, "{\"event\":\"stopped\",\"uuid\":\"%s\"", uuid);
    put_text(&line, "server", log->server);
    put_text(&line, "failure", log->failure);
    text_printf(&line,
                ",\"tls_alert\":%d,\"closure_reason\":%d,\"closed_by_mps\":%s,"
                "\"disconnect_reason\":%u,\"keepalive_interval_s\":%u",
                log->tls_alert, log->closure_reason, log->closed_by_mps ? "true" : "false",
                log->disconnect_reason, log->keepalive_interval_s);
    struct device_statistics sum = { .cira_attempts = 0 };
    for (uint32_t i = 0; i < fleet->started; i++) {
        const struct device_statistics *one = device_statistics(fleet->devices[i]);
        sum.cira_attempts += one->cira_attempts;
        sum.cira_connects += one->cira_connects;
        sum.cira_failures += one->cira_failures;
        sum.channels_accepted += one->channels_accepted;
    }
    text_printf(&line,
                ",\"devices\":%u,\"attempts\":%llu,\"connects\":%llu,\"failures\":%llu,"
                "\"channels\":%llu}",
                fleet->started, (unsigned long long)sum.cira_attempts,
                (unsigned long long)sum.cira_connects, (unsigned long long)sum.cira_failures,
                (unsigned long long)sum.channels_accepted);
    (void)puts(text_chars(&line));
    (void)fflush(stdout);
    text_fini(&line);
}

static void stop(struct fleet *fleet, int result)
{
    if (fleet->is_stopping) {
        return;
    }
    fleet->is_stopping = true;
    fleet->result = result;
    timer_stop(&fleet->start);
    timer_stop(&fleet->deadline);
    print_report(fleet);
    for (uint32_t i = 0; i < fleet->started; i++) {
        device_disconnect(fleet->devices[i], APF_BY_APPLICATION);
    }
    loop_stop(fleet->loop);
}

static void on_check(void *ctx)
{
    struct fleet *fleet = ctx;
    bool has_come = (fleet->stops_when_failed && fleet->has_failed) ||
                    (fleet->stops_when_up && fleet->up == fleet->count);
    if (has_come) {
        stop(fleet, CLI_OK);
    } else if (fleet->stops_when_up && fleet->has_failed) {
        stop(fleet, CLI_FAILED);
    }
}

static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    struct fleet *fleet = ctx;
    (void)level;
    (void)fields;
    if (strcmp(name, "cira.up") == 0) {
        fleet->up += 1;
    } else if (strcmp(name, "cira.failed") == 0) {
        fleet->has_failed = true;
    }
    loop_task_post(&fleet->check); /* not from inside the device's own call */
}

static void on_start(void *ctx)
{
    struct fleet *fleet = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    struct device *device =
        device_new(fleet->loop, &fleet->config, fleet->seed, fleet->started, fleet->log, &diag);
    if (device == NULL) {
        (void)fputs("amtlab device: ", stderr);
        amt_diag_print(&diag, stderr);
        stop(fleet, CLI_INVALID);
        return;
    }
    fleet->devices[fleet->started++] = device;
    device_connect(device, 0);
    if (fleet->started == 1 && fleet->config.uuid != NULL) {
        amt_free(fleet->config.uuid); /* the others' come from the seed */
        fleet->config.uuid = NULL;
    }
    if (fleet->started < fleet->count) {
        timer_start(&fleet->start, fleet->stagger_us);
    }
}

static void on_deadline(void *ctx)
{
    stop(ctx, CLI_DEADLINE);
}

static void on_signal(void *ctx)
{
    stop(ctx, CLI_OK);
}

static bool set_until(struct fleet *fleet, const char *until)
{
    if (until == NULL) {
        return true;
    }
    fleet->stops_when_up = strcmp(until, "up") == 0;
    fleet->stops_when_failed = strcmp(until, "failed") == 0;
    return fleet->stops_when_up || fleet->stops_when_failed;
}

static int start_fleet(struct fleet *fleet, const struct device_options *o, struct amt_diag *diag)
{
    fleet->count = (uint32_t)o->count;
    fleet->seed = o->seed;
    fleet->stagger_us = o->stagger_us;
    fleet->devices = amt_alloc_array(fleet->count, sizeof(struct device *));
    if (fleet->devices == NULL || !set_until(fleet, o->until)) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "--until is up or failed, not \"%s\"",
                           o->until == NULL ? "" : o->until);
        return CLI_USAGE;
    }
    if (cli_open_log(fleet->log, o->log_levels, o->log_format, diag) != AMT_OK) {
        return CLI_USAGE;
    }
    if (!fleet->config.tls.offload) {
        fleet->tls = device_tls_context(&fleet->config, diag);
        fleet->config.tls_context = fleet->tls;
        if (fleet->tls == NULL) {
            return CLI_INVALID;
        }
    }
    if (loop_on_signal(fleet->loop, SIGTERM, on_signal, fleet) != AMT_OK ||
        loop_on_signal(fleet->loop, SIGINT, on_signal, fleet) != AMT_OK) {
        return CLI_INTERNAL;
    }
    log_observe(fleet->log, on_event, fleet);
    if (o->deadline_us != 0) {
        timer_start(&fleet->deadline, o->deadline_us);
    }
    timer_start(&fleet->start, 0);
    (void)printf("{\"event\":\"ready\",\"pid\":%ld,\"devices\":%u}\n", (long)getpid(),
                 fleet->count);
    (void)fflush(stdout);
    loop_run(fleet->loop);
    return fleet->result;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

static int run_fleet(struct fleet *fleet, const struct device_options *o)
{
    struct amt_diag diag = { .err = AMT_OK };
    int result = CLI_ENVIRONMENT;
    fleet->loop = loop_new_uv(&diag);
    fleet->log = fleet->loop == NULL ? NULL : log_new(fleet->loop);
    if (fleet->log != NULL) {
        timer_init(&fleet->start, fleet->loop, on_start, fleet);
        timer_init(&fleet->deadline, fleet->loop, on_deadline, fleet);
        loop_task_init(&fleet->check, fleet->loop, on_check, fleet);
        result = start_fleet(fleet, o, &diag);
        log_unobserve(fleet->log, on_event, fleet);
        /* The goodbyes leave before the sockets are cut. */
        (void)loop_run_until(fleet->loop, never, NULL, loop_now_us(fleet->loop) + 100000);
    }
    for (uint32_t i = 0; i < fleet->started; i++) {
        device_free(fleet->devices[i]);
    }
    amt_free(fleet->devices);
    tls_context_free(fleet->tls);
    log_free(fleet->log);
    loop_free(fleet->loop);
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab device: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return result;
}

static int run_device(const void *options, int argument_count, char **arguments)
{
    const struct device_options *o = options;
    struct fleet fleet = { .loop = NULL };
    (void)argument_count;
    (void)arguments;
    if (o->print_config) {
        config_manual(device_config_keys, stdout);
        return CLI_OK;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    int result = CLI_INVALID;
    if (o->count < 1 || o->count > 100000) {
        (void)fputs("amtlab device: --count is 1 to 100000\n", stderr);
        result = CLI_USAGE;
    } else if (read_config(&fleet, o) == AMT_OK) {
        result = run_fleet(&fleet, o);
    }
    device_config_fini(&fleet.config);
    return result;
}

const struct cli_command k_command_device = {
    .name = "device",
    .arguments = "",
    .summary = "run simulated AMT devices that call home",
    .details =
        "Connects to an MPS by CIRA as firmware does, keeps the tunnel, and serves its ports.\n\n"
        "  amtlab device --to 127.0.0.1:4433 --user ABCDEFGHIJKLMNOP --password-file pw \\\n"
        "      --trust amtlab-data/root.crt --access-info mps.example.org\n"
        "  amtlab device --to 127.0.0.1:4433 ... --count 1000 --stagger 5ms\n"
        "  amtlab device --to 127.0.0.1:4433 ... --until up --deadline 30s\n\n"
        "One JSON line on standard output when it starts, one with the connection log when it\n"
        "stops. SIGTERM sends DISCONNECT.\n\n"
        "Exit codes: 0 stopped or the event came, 1 --until up and a device failed, 2 usage,\n"
        "3 profile or certificate, 4 environment, 124 --deadline passed.\n",
    .options = k_options,
    .options_bytes = sizeof(struct device_options),
    .run = run_device,
};
