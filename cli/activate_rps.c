/* `amtlab activate` by the RPS protocol. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/activate.h"
#include "client/activation/rps.h"

/* ACT-CLI-018: the server's leaving has an exit code of its own. */
static void on_end(void *ctx, const struct rps_host_end *end)
{
    static const int k_results[] = { [RPS_HOST_SUCCESS] = CLI_OK,
                                     [RPS_HOST_ERROR] = CLI_FAILED,
                                     [RPS_HOST_DEVICE] = CLI_ENVIRONMENT,
                                     [RPS_HOST_CLOSED] = CLI_UNFINISHED };
    activate_done(ctx, k_results[end->result], end->text);
}

/* Names for people, and those of RPS (activation.md 7.3). */
static const char *task_of(const char *name)
{
    static const char *const k_tasks[][2] = { { "clock", "synctime" },
                                              { "hostname", "synchostname" },
                                              { "ip", "syncip" },
                                              { "password", "changepassword" },
                                              { "info", "syncdeviceinfo" } };
    for (size_t i = 0; i < sizeof k_tasks / sizeof k_tasks[0]; i++) {
        if (strcmp(name, k_tasks[i][0]) == 0) {
            return k_tasks[i][1];
        }
    }
    return NULL;
}

static enum amt_err maintenance_line(const struct activate_run *run, struct text *line,
                                     struct amt_diag *diag)
{
    const char *task = task_of(run->options->maintenance);
    if (task == NULL) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "--maintenance is clock, hostname, ip, password or info");
    }
    if (run->password.len == 0) {
        return amt_diag_set(diag, AMT_ECONFIG, "--maintenance needs --pass-file");
    }
    text_puts(line, "maintenance --password ");
    text_append(line, (const char *)run->password.bytes, run->password.len);
    text_printf(line, " --%s", task);
    if (strcmp(task, "changepassword") == 0 && run->new_password.len > 0) {
        text_puts(line, " ");
        text_append(line, (const char *)run->new_password.bytes, run->new_password.len);
    }
    return line->failed ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err command_line(const struct activate_run *run, struct text *line,
                                 struct amt_diag *diag)
{
    const struct activate_options *o = run->options;
    if (o->maintenance != NULL) {
        return maintenance_line(run, line, diag);
    }
    if (!o->deactivate && strpbrk(o->profile, " \t") != NULL) {
        return amt_diag_set(diag, AMT_ECONFIG, "a profile of RPS has no blanks in its name");
    }
    if (!o->deactivate) {
        text_printf(line, "activate --profile %s", o->profile);
    } else if (run->password.len == 0) {
        return amt_diag_set(diag, AMT_ECONFIG, "--deactivate needs --pass-file");
    } else {
        text_puts(line, "deactivate --password ");
        text_append(line, (const char *)run->password.bytes, run->password.len);
    }
    return line->failed ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err begin(struct activate_run *run, struct stream *s, const char *line,
                          struct amt_diag *diag)
{
    struct activation_report report = { .wired_link = -1 };
    enum amt_err err = host_read_report(&run->host, &run->arena, &report, diag);
    if (err != AMT_OK) {
        stream_close(s);
        return err;
    }
    if (run->options->dns_suffix != NULL) {
        report.dns_suffix = run->options->dns_suffix;
    }
    if (report.control_mode != 0 && run->password.len == 0) {
        activate_note(run, "the device is activated: --pass-file gives its admin password");
    }
    const struct websocket_request request = activate_request(run);
    const struct rps_host_settings settings = {
        .loop = run->loop,
        .host = run->host,
        .report = &report,
        .command = line,
        .ip = { .is_dhcp = true },
        .is_tls_tunnel = run->options->tls_tunnel,
        .password = run->password.len == 0 ? NULL : &run->password,
        .version = "amtlab",
        .tenant = run->options->tenant,
        .on_note = activate_note,
        .on_end = on_end,
        .ctx = run,
    };
    run->client = rps_host_client_new(&settings, s, &request, diag);
    activation_report_wipe(&report);
    return run->client == NULL ? diag->err : AMT_OK;
}

static enum amt_err start(struct activate_run *run, struct stream *s, struct amt_diag *diag)
{
    struct text line = { 0 };
    enum amt_err err = command_line(run, &line, diag);
    if (err == AMT_OK) {
        err = begin(run, s, line.chars, diag);
    } else {
        stream_close(s);
    }
    if (line.chars != NULL) {
        amt_wipe(line.chars, line.len);
    }
    text_fini(&line);
    return err;
}

static void stop(struct activate_run *run)
{
    rps_host_client_free(run->client);
    run->client = NULL;
}

const struct activate_conversation k_activate_rps = { .name = "rps", .start = start, .stop = stop };
