/* Where a device calls home, and when (wsman.md 4.7). */
#ifndef AMTLAB_CLIENT_CIRA_H
#define AMTLAB_CLIENT_CIRA_H

#include "base/secret.h"
#include "client/device.h"

struct client_cira_state {
    struct wsman_instance *servers, *policies, *links; /* SAPs, rules, which applies to which */
    const struct wsman_instance *environment, *service, *user_initiated; /* NULL: absent */
};
bool client_cira_read(struct client_device *device, struct client_cira_state *state);

struct client_cira {
    const char *host;        /* name or address of the MPS */
    uint32_t port;           /* 4433 */
    const char *common_name; /* with an address: CN of its certificate */
    const char *user;
    const struct secret *password;
    const uint8_t *root; /* DER of the root that signs the MPS; NULL: is there already */
    uint32_t root_bytes;
    uint32_t interval_s;     /* of the periodic policy; 0: no such policy */
    bool user_initiated;     /* policy for the person at the machine */
    const char *home_suffix; /* DNS suffix inside which no tunnel is wanted; NULL: always call */
};
/* Takes the policies, servers and detection strings away: policies first, because a server in use
 * cannot go. What is not there is no error. */
bool client_cira_clear(struct client_device *device);
/* The root certificate, the server, the policies, the buttons and environment detection, in the order
 * of activation servers (wsman.md 6.5). */
bool client_cira_set(struct client_device *device, const struct client_cira *cira);

#endif
