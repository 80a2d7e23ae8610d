/*
 * Bare metal (activation.md 11): devices that were never set up say hello on port 9971; the server connects
 * back over TLS with a provisioning certificate and activates them from the network.
 *
 * A hello can come from anybody: it costs one connection of limited time and size; an address whose hello led
 * to nothing is not listened to for a while; the number of devices worked on at once is limited.
 */
#ifndef AMTLAB_MPS_ACTIVATION_HELLO_H
#define AMTLAB_MPS_ACTIVATION_HELLO_H

#include "mps/activation/job.h"
#include "runtime/net.h"

/* A value of 0 stands for its default. */
struct hello_limits {
    uint32_t connections;             /* 100 */
    uint32_t connections_per_address; /* 4 */
    uint32_t devices;                 /* worked on at once; 20 */
    uint64_t time_us;                 /* until a packet is whole; 10 s */
    uint64_t pause_us; /* after a hello that led to nothing; 60 s: devices wait 3 min */
};

struct hello_server_settings {
    /* policy and group are filled for each device; the others hold for all, mebx_password and tls_issuer
     * among them. */
    struct activation_settings activation;
    /* The group of the devices: its policy, and a name that is borrowed while a job runs. False: there is
     * none. */
    bool (*find_group)(void *ctx, struct activation_policy *policy, const char **group);
    /* A job has ended; may be NULL. */
    void (*on_result)(void *ctx, const struct uuid *uuid, const struct activation_result *result);
    void *ctx;
    const char *trusted_fqdn; /* the domain that devices were told; borrowed */
    const char *device_host;  /* NULL: where the hello came from; borrowed */
    uint16_t device_port;     /* 0: 16993 */
    struct hello_limits limits;
};

struct hello_server;
/* NULL without memory. settings is copied. */
struct hello_server *hello_server_new(const struct hello_server_settings *settings);
/* Ends all connections and jobs. NULL is allowed. */
void hello_server_free(struct hello_server *server);
/* May be called several times. AMT_ESYS, AMT_ELIMIT (eight addresses), with diag. */
enum amt_err hello_server_listen(struct hello_server *server, const struct address *address,
                                 struct amt_diag *diag) AMT_MUST_USE;
/* Of the first listener, with the port that was picked. False: it does not listen. */
bool hello_server_address(const struct hello_server *server, struct address *address);
/* Devices that are worked on now. */
uint32_t hello_server_count(const struct hello_server *server);

#endif
