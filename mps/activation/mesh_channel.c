/* A port on the host's side of a device, as a stream. */
#include <stdio.h>

#include "base/memory.h"
#include "mps/activation/mesh_internal.h"

struct mesh_channel {
    struct apf_stream apf;
    struct mesh_client *client; /* NULL once the session has ended */
    struct mesh_channel *next;
};

static void unlink_channel(struct mesh_channel *m)
{
    if (m->client == NULL) {
        return;
    }
    struct mesh_channel **at = &m->client->channels;
    while (*at != m) {
        at = &(*at)->next;
    }
    *at = m->next;
    m->client = NULL;
}

static void on_release(struct apf_stream *apf)
{
    struct mesh_channel *m = (struct mesh_channel *)apf;
    if (m->client != NULL) {
        mesh_client_look_again(m->client);
    }
    unlink_channel(m);
    amt_free(m);
}

struct stream *mesh_channel_open(void *ctx, uint32_t port)
{
    struct mesh_client *c = ctx;
    struct loop *loop = c->server->settings.activation.loop;
    struct mesh_channel *m = c->is_dying ? NULL : amt_alloc(sizeof *m);
    struct apf_channel *channel = NULL;
    char peer[32];
    if (m == NULL) {
        return NULL;
    }
    (void)snprintf(peer, sizeof peer, "host:%u", port);
    apf_stream_init(&m->apf, loop, peer, on_release);
    m->client = c;
    m->next = c->channels;
    c->channels = m;
    if (apf_mps_session_open(c->session, port, loop_now_us(loop), &channel) == AMT_OK) {
        apf_stream_attach(&m->apf, channel);
        mesh_client_look_again(c);
    } else {
        apf_stream_end(&m->apf, STREAM_END_REFUSED, "the client does not offer this port");
    }
    return &m->apf.stream;
}

void mesh_channels_end(struct mesh_client *c, const char *why)
{
    while (c->channels != NULL) {
        struct mesh_channel *m = c->channels;
        unlink_channel(m);
        apf_stream_detach(&m->apf);
        apf_stream_end(&m->apf, STREAM_END_RESET, why);
    }
}

void mesh_channel_opened(void *ctx, struct apf_channel *channel)
{
    struct mesh_channel *m = apf_channel_ctx(channel);
    (void)ctx;
    if (m != NULL) {
        apf_stream_opened(&m->apf);
    }
}

void mesh_channel_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct mesh_channel *m = apf_channel_ctx(channel);
    (void)ctx;
    if (m != NULL) {
        apf_stream_data(&m->apf, in, len);
    }
}

void mesh_channel_drain(void *ctx, struct apf_channel *channel)
{
    struct mesh_channel *m = apf_channel_ctx(channel);
    (void)ctx;
    if (m != NULL) {
        apf_stream_drain(&m->apf);
    }
}

void mesh_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                      uint32_t reason)
{
    struct mesh_channel *m = apf_channel_ctx(channel);
    (void)ctx;
    if (m == NULL) {
        return;
    }
    apf_stream_detach(&m->apf);
    if (end == APF_CHANNEL_END_CLOSED && m->apf.is_open) {
        apf_stream_end(&m->apf, STREAM_END_FIN, "the host closed the channel");
    } else if (end == APF_CHANNEL_END_REFUSED) {
        char text[96];
        (void)snprintf(text, sizeof text, "the host refuses the port (reason %u)", reason);
        apf_stream_end(&m->apf, STREAM_END_REFUSED, text);
    } else {
        apf_stream_end(&m->apf, STREAM_END_RESET, "the channel has ended");
    }
}
