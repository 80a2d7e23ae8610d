/* `amtlab activate` by MeshCentral's host protocol, in a WebSocket. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/activate.h"
#include "client/activation/mesh.h"

struct mesh_run {
    struct activate_run *run;
    struct mesh_host_client *client;
    uint32_t mode_before; /* control mode when it began */
    bool names_a_failure; /* amtlab's server begins the line with the code; MeshCentral has none */
};

static enum amt_err read_mode(const struct activate_run *run, uint32_t *mode, struct amt_diag *diag)
{
    struct arena arena = { 0 };
    struct activation_report report;
    enum amt_err err = host_read_report(&run->host, &arena, &report, diag);
    if (err == AMT_OK) {
        *mode = report.control_mode;
        activation_report_wipe(&report);
    }
    arena_fini(&arena);
    return err;
}

static void on_console(void *ctx, const char *text)
{
    struct mesh_run *m = ctx;
    m->names_a_failure = m->names_a_failure || strncmp(text, "ACT-F-", 6) == 0;
    activate_note(m->run, text);
}

/* `close` is all that the protocol says at the end, also of a failure, whose reason is in the lines
 * before (ACT-CLI-013): what became of the device tells. */
static void on_end(void *ctx, bool is_closed_by_server, const char *reason)
{
    static const char *const k_modes[] = { "is not activated", "is in client control mode",
                                           "is in admin control mode" };
    struct mesh_run *m = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    uint32_t mode = 0;
    char text[80];
    if (!is_closed_by_server) {
        activate_done(m->run, CLI_UNFINISHED, reason);
    } else if (read_mode(m->run, &mode, &diag) != AMT_OK) {
        activate_done(m->run, CLI_ENVIRONMENT, diag.text);
    } else {
        bool has_failed = m->names_a_failure || (mode == 0 && m->mode_before == 0);
        (void)snprintf(text, sizeof text, "the server is done; the device %s",
                       k_modes[mode < 3 ? mode : 0]);
        activate_done(m->run, has_failed ? CLI_FAILED : CLI_OK, text);
    }
}

static enum amt_err start(struct activate_run *run, struct stream *s, struct amt_diag *diag)
{
    const struct websocket_request request = activate_request(run);
    const struct websocket_settings websocket_settings = { .refuses_text = true };
    struct mesh_run *m = amt_alloc(sizeof *m);
    const struct mesh_client_settings settings = { .loop = run->loop,
                                                   .host = run->host,
                                                   .group_id = run->options->id,
                                                   .dns_suffix = run->options->dns_suffix,
                                                   .on_console = on_console,
                                                   .on_end = on_end,
                                                   .ctx = m };
    struct websocket *ws =
        m == NULL ? NULL
                  : websocket_connect(run->loop, s, &request, &websocket_settings, NULL, NULL);
    if (ws == NULL) {
        amt_free(m);
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    m->run = run;
    run->client = m;
    enum amt_err err = read_mode(run, &m->mode_before, diag);
    if (err != AMT_OK) {
        stream_close(websocket_stream(ws));
        return err;
    }
    m->client = mesh_host_client_new(&settings, websocket_stream(ws), diag);
    return m->client == NULL ? diag->err : AMT_OK;
}

static void stop(struct activate_run *run)
{
    struct mesh_run *m = run->client;
    mesh_host_client_free(m->client);
    amt_free(m);
    run->client = NULL;
}

const struct activate_conversation k_activate_mesh = { .name = "mesh",
                                                       .start = start,
                                                       .stop = stop };
