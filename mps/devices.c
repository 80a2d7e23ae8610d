/* The devices that are online, for operators. */
#include <string.h>

#include "mps/mps_internal.h"

static void fill_view(const struct connection *c, struct mps_device_view *view)
{
    memset(view, 0, sizeof *view);
    view->uuid = c->uuid;
    view->user = c->user;
    stream_peer_name(c->stream, view->peer);
    view->trigger = c->trigger;
    view->forwards = apf_mps_session_forwards(c->session, &view->forward_count);
    view->connected_us = c->connected_us;
    view->last_input_us = apf_mps_session_last_input_us(c->session);
    view->keepalive_interval_s = c->keepalive_interval_s;
    const struct apf_mux *mux = apf_mps_session_mux(c->session);
    view->channels = mux == NULL ? 0 : apf_mux_channel_count(mux);
    tls_describe(c->stream, view->tls, sizeof view->tls);
}

void mps_each_device(struct mps *mps, void (*fn)(void *ctx, const struct mps_device_view *view),
                     void *ctx)
{
    for (const struct connection *c = mps->devices; c != NULL; c = c->hh.next) {
        struct mps_device_view view;
        if (!c->is_dying && c->stream != NULL) {
            fill_view(c, &view);
            fn(ctx, &view);
        }
    }
}

bool mps_find_device(struct mps *mps, const struct uuid *uuid, struct mps_device_view *view)
{
    const struct connection *c = mps_find_connection(mps, uuid);
    if (c == NULL || c->is_dying || c->stream == NULL) {
        return false;
    }
    fill_view(c, view);
    return true;
}

enum amt_err mps_disconnect_device(struct mps *mps, const struct uuid *uuid, uint32_t reason)
{
    struct connection *c = mps_find_connection(mps, uuid);
    if (c == NULL) {
        return AMT_EUNKNOWN;
    }
    apf_mps_session_disconnect(c->session, reason, loop_now_us(mps->loop));
    return AMT_OK;
}
