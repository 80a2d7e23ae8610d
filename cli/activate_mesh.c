/* `amtlab activate` by MeshCentral's host protocol, in a WebSocket. */
#include "base/memory.h"
#include "cli/activate.h"
#include "client/activation/mesh.h"

/* `close` is all that MeshCentral says at the end, also of a failure: what went wrong is in the lines
 * before (ACT-CLI-013). */
static void on_end(void *ctx, bool is_closed_by_server, const char *reason)
{
    activate_done(ctx, is_closed_by_server ? CLI_OK : CLI_UNFINISHED,
                  is_closed_by_server ? "the server is done" : reason);
}

static enum amt_err start(struct activate_run *run, struct stream *s, struct amt_diag *diag)
{
    const struct websocket_request request = activate_request(run);
    const struct websocket_settings websocket_settings = { .refuses_text = true };
    const struct mesh_client_settings settings = { .loop = run->loop,
                                                   .host = run->host,
                                                   .group_id = run->options->id,
                                                   .dns_suffix = run->options->dns_suffix,
                                                   .on_console = activate_note,
                                                   .on_end = on_end,
                                                   .ctx = run };
    struct websocket *ws =
        websocket_connect(run->loop, s, &request, &websocket_settings, NULL, NULL);
    if (ws == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    run->client = mesh_host_client_new(&settings, websocket_stream(ws), diag);
    return run->client == NULL ? diag->err : AMT_OK;
}

static void stop(struct activate_run *run)
{
    mesh_host_client_free(run->client);
    run->client = NULL;
}

const struct activate_conversation k_activate_mesh = { .name = "mesh",
                                                       .start = start,
                                                       .stop = stop };
