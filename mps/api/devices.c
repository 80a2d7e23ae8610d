/* Devices, events and metrics as the API shows them. */
#include <string.h>

#include "mps/api/api_internal.h"

struct listing {
    struct api *api;
    const struct uuid *only; /* NULL: all */
    struct text *out;
    uint32_t count;
};

static void put_text(struct text *out, const char *name, const char *value)
{
    text_printf(out, ",\"%s\":", name);
    text_json(out, value, strlen(value));
}

static void put_forwards(struct text *out, const struct mps_device_view *view)
{
    text_puts(out, ",\"ports\":[");
    for (uint32_t i = 0; i < view->forward_count; i++) {
        text_printf(out, "%s{\"port\":%u,\"address\":", i == 0 ? "" : ",", view->forwards[i].port);
        text_json(out, view->forwards[i].address, strlen(view->forwards[i].address));
        text_puts(out, "}");
    }
    text_puts(out, "]");
}

static void put_online(struct text *out, struct api *api, const struct mps_device_view *view)
{
    uint64_t now_us = loop_now_us(api->loop);
    put_text(out, "user", view->user);
    put_text(out, "peer", view->peer);
    put_text(out, "tls", view->tls);
    text_printf(out,
                ",\"trigger\":%u,\"connected_s\":%llu,\"silent_s\":%llu,"
                "\"keepalive_interval_s\":%u,\"channels\":%u",
                view->trigger, (unsigned long long)((now_us - view->connected_us) / US_PER_SECOND),
                (unsigned long long)((now_us - view->last_input_us) / US_PER_SECOND),
                view->keepalive_interval_s, view->channels);
    put_forwards(out, view);
}

static void begin_device(struct listing *listing, const struct uuid *uuid, bool is_online)
{
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid, text);
    text_printf(listing->out, "%s{\"uuid\":\"%s\",\"connected\":%s",
                listing->count++ == 0 ? "" : ",", text, is_online ? "true" : "false");
}

static void put_stored(void *ctx, const struct store_device *device)
{
    struct listing *listing = ctx;
    if (listing->only != NULL && !uuid_equal(listing->only, &device->uuid)) {
        return;
    }
    struct mps_device_view view;
    bool is_online = mps_find_device(listing->api->mps, &device->uuid, &view);
    begin_device(listing, &device->uuid, is_online);
    put_text(listing->out, "group", device->group);
    if (device->host[0] != '\0') {
        put_text(listing->out, "host", device->host);
    }
    text_printf(listing->out, ",\"own_password\":%s,\"first_seen_us\":%llu,\"last_seen_us\":%llu",
                device->has_own_password ? "true" : "false",
                (unsigned long long)device->first_seen_us,
                (unsigned long long)device->last_seen_us);
    if (is_online) {
        put_online(listing->out, listing->api, &view);
    }
    text_puts(listing->out, "}");
}

/* Online, but the store does not know it: its user stands in the configuration, or the disk is full. */
static void put_unstored(void *ctx, const struct mps_device_view *view)
{
    struct listing *listing = ctx;
    bool is_wanted = listing->only == NULL || uuid_equal(listing->only, &view->uuid);
    if (is_wanted && !store_has_device(listing->api->store, &view->uuid)) {
        begin_device(listing, &view->uuid, true);
        put_online(listing->out, listing->api, view);
        text_puts(listing->out, "}");
    }
}

bool api_devices_json(struct api *api, const struct uuid *uuid, struct text *out)
{
    struct listing listing = { .api = api, .only = uuid, .out = out };
    /* A device that came online this second is still in the store's queue. */
    mps_flush_store(api->mps);
    if (uuid == NULL) {
        text_puts(out, "{\"devices\":[");
    }
    enum amt_err err = store_each_device(api->store, put_stored, &listing, NULL);
    mps_each_device(api->mps, put_unstored, &listing);
    if (uuid == NULL) {
        text_puts(out, "]}");
    }
    text_puts(out, "\n");
    return err == AMT_OK && (uuid == NULL || listing.count > 0);
}

struct event_listing {
    struct text *out;
    uint32_t count;
};

static void put_event(void *ctx, uint64_t wall_us, const char *event, const char *detail)
{
    struct event_listing *listing = ctx;
    text_printf(listing->out, "%s{\"wall_us\":%llu", listing->count++ == 0 ? "" : ",",
                (unsigned long long)wall_us);
    put_text(listing->out, "event", event);
    put_text(listing->out, "detail", detail);
    text_puts(listing->out, "}");
}

#define EVENTS_SHOWN 200u

bool api_events_json(struct api *api, const struct uuid *uuid, struct text *out,
                     struct amt_diag *diag)
{
    struct event_listing listing = { .out = out };
    mps_flush_store(api->mps); /* what cannot be written waits; what is stored is shown */
    text_puts(out, "{\"events\":[");
    enum amt_err err = store_each_event(api->store, uuid, EVENTS_SHOWN, put_event, &listing, diag);
    text_puts(out, "]}\n");
    return err == AMT_OK;
}

void api_metrics_text(struct api *api, struct text *out)
{
    metrics_prometheus(mps_metrics, mps_statistics(api->mps), "amtlab_mps", out);
}
