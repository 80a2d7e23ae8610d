/* Shared by the files of the operator API. */
#ifndef AMTLAB_MPS_API_API_INTERNAL_H
#define AMTLAB_MPS_API_API_INTERNAL_H

#include "mps/api/api.h"
#include "runtime/http.h"
#include "runtime/join.h"

#define API_LISTENERS_MAX 8u

struct api_connection {
    struct api *api;
    struct http_server_connection *http;
    struct api_connection *previous, *next;
    /* A token check that runs on a worker; the request is answered afterwards. */
    struct api_check *check;
    struct api_relay *relay;
};

struct api {
    struct loop *loop;
    struct mps *mps;
    struct store *store;
    struct log *log;
    struct listener *listeners[API_LISTENERS_MAX];
    uint32_t listener_count;
    struct api_connection *connections;
    struct api_relay *relays;
};

/* One authorised request. */
struct api_request {
    const char *method, *target, *body; /* body: "" without one */
    bool is_upgrade;
    const char *operator_name;
};
void api_answer(struct api_connection *connection, const struct api_request *request);
void api_error(struct api_connection *connection, int status, const char *message);

/* JSON answers (api_devices.c). uuid NULL: all. False when there is no such device. */
bool api_devices_json(struct api *api, const struct uuid *uuid, struct text *out);
bool api_events_json(struct api *api, const struct uuid *uuid, struct text *out,
                     struct amt_diag *diag);
void api_metrics_text(struct api *api, struct text *out);

/* groups.c; segment: the rest of the path, percent-encoded. */
void api_groups(struct api_connection *connection);
void api_group(struct api_connection *connection, const char *segment);
void api_device_add(struct api_connection *connection, const char *json, const char *operator_name);

/* Opens the channel and, when it stands, upgrades the connection and couples both (api_relay.c). */
void api_relay_start(struct api_connection *connection, const struct uuid *uuid, uint32_t port,
                     const char *operator_name);
/* The connection is going away while its relay waits for the channel. */
void api_relay_abandon(struct api_relay *relay);
void api_relays_stop(struct api *api);

#endif
