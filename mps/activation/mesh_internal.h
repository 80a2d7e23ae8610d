/* Shared by the files of the mesh conversation. */
#ifndef AMTLAB_MPS_ACTIVATION_MESH_INTERNAL_H
#define AMTLAB_MPS_ACTIVATION_MESH_INTERNAL_H

#include "mps/activation/mesh.h"
#include "protocol/activation/mesh.h"
#include "protocol/apf/mps_session.h"
#include "runtime/apf_stream.h"

struct mesh_channel;

struct mesh_client {
    struct mesh_server *server;
    struct mesh_client *next;
    struct stream *stream;
    struct apf_mps_session *session;
    struct timer deadline, start;
    struct loop_task reap;
    struct mesh_channel *channels;
    struct activation_job *job;
    struct arena arena; /* texts of reports and messages */
    struct activation_report report;
    struct activation_policy policy;
    const char *group;
    int connection_type; /* connType; 0 until it came */
    bool has_report, is_dying;
    char peer[STREAM_NAME_BYTES];
};

struct mesh_server {
    struct mesh_server_settings settings;
    struct mesh_client *first;
    uint32_t count;
};

/* mesh.c */
void mesh_client_send(struct mesh_client *c, struct text *json); /* takes json */
void mesh_client_look_again(struct mesh_client *c); /* something may have set a deadline */

/* mesh_channel.c: a port of the host as a stream; for activation_channel.open_port */
struct stream *mesh_channel_open(void *ctx, uint32_t port);
void mesh_channels_end(struct mesh_client *c, const char *why);
void mesh_channel_opened(void *ctx, struct apf_channel *channel);
void mesh_channel_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len);
void mesh_channel_drain(void *ctx, struct apf_channel *channel);
void mesh_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                      uint32_t reason);

#endif
