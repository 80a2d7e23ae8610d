/*
 * MeshCentral's host protocol, the client's side (activation.md 6): reports the device, lends its local
 * ports, and does on the host what the server asks for. For our server and for MeshCentral.
 */
#ifndef AMTLAB_CLIENT_ACTIVATION_MESH_H
#define AMTLAB_CLIENT_ACTIVATION_MESH_H

#include "client/activation/host.h"
#include "protocol/activation/report.h"
#include "runtime/loop.h"
#include "runtime/stream.h"

struct mesh_client_settings {
    struct loop *loop;
    struct activation_host host; /* copied; its texts are borrowed */
    const char *group_id;        /* --id; quotes around it are removed */
    const char *dns_suffix;      /* --dnssuffix: instead of the reported one; NULL */
    void (*on_console)(void *ctx, const char *text);
    /* For scenarios: what is reported instead of what the host says; NULL. Texts must last. */
    void (*edit_report)(void *ctx, struct activation_report *report);
    /* Once, at the end: was the server done (`close`), or why not. */
    void (*on_end)(void *ctx, bool is_closed_by_server, const char *reason);
    void *ctx;
};

struct mesh_host_client;
/* Takes the stream (binary messages of a WebSocket as bytes), which may still be connecting. NULL with
 * diag: the report cannot be read, the group id is too short, no memory; the stream is closed then. */
struct mesh_host_client *mesh_host_client_new(const struct mesh_client_settings *settings,
                                              struct stream *s, struct amt_diag *diag);
/* NULL is allowed; no callbacks. */
void mesh_host_client_free(struct mesh_host_client *client);

#endif
