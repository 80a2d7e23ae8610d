/* A host-side client that activates a device of a scenario against a server, by one of its conversations. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTIVATION_CLIENT_H
#define AMTLAB_SCENARIOS_ENGINE_ACTIVATION_CLIENT_H

#include "scenarios/engine/actor.h"
#include "scenarios/engine/device_host.h"

enum activation_via { ACTIVATION_VIA_MESH, ACTIVATION_VIA_RPS };

/* Texts live in the case's pool. */
struct activation_client_settings {
    enum activation_via via;
    struct address server;
    bool is_tls;
    const char *server_hash;      /* SHA-384 in hex; NULL: any certificate */
    const char *target;           /* path of the URL */
    const char *group_id;         /* mesh */
    const char *command;          /* rps: "activate --profile acm" */
    const char *password;         /* rps: of admin, for a device that is activated; NULL */
    const char *dns_suffix;       /* what an operator says instead of the device; NULL */
    const char *protocol_version; /* rps; NULL: ours */
    const struct value *lies;     /* `report`: what is said instead of the truth; NULL */
    const char *os_suffix, *host_name;
};

struct activation_client_end {
    bool is_over;
    const char *result;  /* "done", "failed", "unreachable", "closed" */
    const char *code;    /* ACT-F-nn as the person at the PC has read it, or "" */
    const char *message; /* the last line, or why */
    struct value *lines; /* LIST of texts: all of them */
};

struct activation_client;
/* Begins; its end is the event activation.ended of the device. NULL with diag. */
struct activation_client *activation_client_start(struct actor *device,
                                                  const struct activation_client_settings *settings,
                                                  struct amt_diag *diag);
const struct activation_client_end *activation_client_end(const struct activation_client *client);
void activation_clients_free(struct activation_client **list);

/* Keys of `report`. */
extern const struct key_def k_activation_report_keys[];

struct activation_steps;
void activation_steps_free(struct activation_steps *steps); /* NULL is allowed */

#endif
