/* An operator's connection joined to a device's channel. */
#include "base/memory.h"
#include "mps/api/api_internal.h"

struct api_relay {
    struct api *api;
    struct api_connection *connection; /* until the upgrade */
    struct stream *channel;            /* until the join */
    struct join *join;
    struct uuid uuid;
    uint32_t port;
    uint64_t early_bytes; /* came with the request; not seen by the join */
    char operator_name[65];
    struct api_relay *previous, *next;
};

static void relay_free(struct api_relay *relay)
{
    if (relay->previous != NULL) {
        relay->previous->next = relay->next;
    } else {
        relay->api->relays = relay->next;
    }
    if (relay->next != NULL) {
        relay->next->previous = relay->previous;
    }
    amt_free(relay);
}

static void on_join_done(void *ctx, uint64_t to_operator, uint64_t to_device)
{
    struct api_relay *relay = ctx;
    char text[UUID_TEXT_BYTES];
    uuid_format(&relay->uuid, text);
    LOG(relay->api->log, LOG_INFO, "relay.closed", log_text("uuid", text),
        log_u64("port", relay->port), log_text("operator", relay->operator_name),
        log_u64("to_device_bytes", to_device + relay->early_bytes),
        log_u64("to_operator_bytes", to_operator));
    relay_free(relay);
}

static void on_channel_open(void *ctx)
{
    struct api_relay *relay = ctx;
    struct api_connection *connection = relay->connection;
    struct stream *channel = relay->channel;
    char text[UUID_TEXT_BYTES];
    uuid_format(&relay->uuid, text);
    LOG(relay->api->log, LOG_INFO, "relay.opened", log_text("uuid", text),
        log_u64("port", relay->port), log_text("operator", relay->operator_name));

    struct text early = { 0 };
    connection->relay = NULL;
    relay->connection = NULL;
    relay->channel = NULL;
    struct stream *operator_side =
        http_upgrade(connection->http, "Upgrade: amtlab-tcp\r\nConnection: Upgrade\r\n", &early);
    enum amt_err err = operator_side == NULL ? AMT_ECLOSED : AMT_OK;
    if (err == AMT_OK && early.len > 0) {
        err = stream_write(channel, early.chars, (uint32_t)early.len);
    }
    relay->early_bytes = early.len;
    text_fini(&early);
    if (err != AMT_OK) {
        stream_close(operator_side);
        stream_close(channel);
        relay_free(relay);
        return;
    }
    struct join_side device = { .stream = channel, .cannot_half_close = true };
    struct join_side person = { .stream = operator_side };
    relay->join = join_streams(relay->api->loop, device, person, 0, on_join_done, relay);
    if (relay->join == NULL) {
        relay_free(relay);
    }
}

static void on_channel_end(void *ctx, const struct stream_end *end)
{
    struct api_relay *relay = ctx;
    struct api_connection *connection = relay->connection;
    connection->relay = NULL;
    int status = end->kind == STREAM_END_TIMEOUT ? 504 : 502;
    api_error(connection, status, end->text);
    stream_close(relay->channel);
    relay_free(relay);
}

static const struct stream_handler k_waiting = { .on_open = on_channel_open,
                                                 .on_end = on_channel_end };

void api_relay_start(struct api_connection *connection, const struct uuid *uuid, uint32_t port,
                     const char *operator_name)
{
    struct api *api = connection->api;
    struct api_relay *relay = amt_alloc(sizeof *relay);
    if (relay == NULL) {
        api_error(connection, 503, "out of memory");
        return;
    }
    relay->api = api;
    relay->connection = connection;
    relay->uuid = *uuid;
    relay->port = port;
    (void)snprintf(relay->operator_name, sizeof relay->operator_name, "%s", operator_name);
    relay->next = api->relays;
    if (relay->next != NULL) {
        relay->next->previous = relay;
    }
    api->relays = relay;
    connection->relay = relay;
    relay->channel = mps_open_channel(api->mps, uuid, port, &k_waiting, relay);
    if (relay->channel == NULL) {
        connection->relay = NULL;
        relay_free(relay);
        api_error(connection, 503, "out of memory");
    }
}

void api_relay_abandon(struct api_relay *relay)
{
    stream_close(relay->channel);
    relay_free(relay);
}

void api_relays_stop(struct api *api)
{
    while (api->relays != NULL) {
        struct api_relay *relay = api->relays;
        join_cut(relay->join);
        stream_close(relay->channel);
        relay_free(relay);
    }
}
