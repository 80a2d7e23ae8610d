/*
 * MeshCentral's host protocol, the server's side (activation.md 6): APF over a stream, JSON objects
 * beside it, and an activation job that reaches the device through the host's ports.
 */
#ifndef AMTLAB_MPS_ACTIVATION_MESH_H
#define AMTLAB_MPS_ACTIVATION_MESH_H

#include "mps/activation/job.h"

struct mesh_server;
struct mesh_server_settings {
    /* policy and group are filled for each client; the others hold for all. */
    struct activation_settings activation;
    /* The group of a login (user: the first 16 characters of its id, `@` and `$` may be X). False: why gets
     * the text of activation.md 6.2 for the client; never a password. group is borrowed while it runs. */
    bool (*find_group)(void *ctx, const char *user, const struct secret *password,
                       struct activation_policy *policy, const char **group, struct text *why);
    /* A job has ended; may be NULL. */
    void (*on_result)(void *ctx, const struct uuid *uuid, const struct activation_result *result);
    void *ctx;
    uint64_t start_delay_us; /* between login and management; 0 = 300 ms */
};

/* NULL without memory. settings is copied. */
struct mesh_server *mesh_server_new(const struct mesh_server_settings *settings);
/* Ends all conversations. NULL is allowed. */
void mesh_server_free(struct mesh_server *server);
/* Serves one client on a stream of APF bytes (a WebSocket's binary messages), which it takes. */
void mesh_server_serve(struct mesh_server *server, struct stream *s);
uint32_t mesh_server_count(const struct mesh_server *server);

#endif
