/*
 * The operator API of the MPS: HTTP/1.1 on a port of its own, loopback by default, a bearer token
 * required. docs/api.md lists the calls.
 *
 *   GET  /healthz                              alive (no token)
 *   GET  /readyz                               listening and the store can be written (no token)
 *   GET  /metrics                              Prometheus text
 *   GET  /api/v1/devices                       every known device with its connection state
 *   POST /api/v1/devices                       adds one of the local network by hand
 *   GET  /api/v1/devices/UUID                  one
 *   GET  /api/v1/devices/UUID/events           its connection events, newest first
 *   POST /api/v1/devices/UUID/disconnect       ends its tunnel (DISCONNECT 11)
 *   GET  /api/v1/groups                        groups: name, user, kind
 *   GET  /api/v1/groups/NAME                   the ways into one, with commands to paste
 *   GET  /api/v1/devices/UUID/channels/PORT    with "Upgrade: amtlab-tcp": 101, then raw bytes
 */
#ifndef AMTLAB_MPS_API_API_H
#define AMTLAB_MPS_API_API_H

#include "mps/mps.h"
#include "mps/store/store.h"

struct api;
/* Listens on every address of `listen`. store may be NULL (laboratory: no token can be checked, so
 * only /healthz and /readyz answer). Borrows mps, store and log until api_stop. */
struct api *api_start(struct loop *loop, struct mps *mps, struct store *store,
                      const struct config_texts *listen, struct log *log, struct amt_diag *diag);
/* Of the first listener. */
void api_address(const struct api *api, struct address *address);
/* Cuts connections and relays. NULL is allowed. */
void api_stop(struct api *api);

#endif
