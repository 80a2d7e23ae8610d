/* Shared by the files of the bare-metal conversation. */
#ifndef AMTLAB_MPS_ACTIVATION_HELLO_INTERNAL_H
#define AMTLAB_MPS_ACTIVATION_HELLO_INTERNAL_H

#include "base/bytes.h"
#include "mps/activation/hello.h"
#include "protocol/provisioning/hello.h"

#define HELLO_LISTENERS_MAX 8u
#define HELLO_REFUSALS_MAX  64u /* addresses that are remembered */

struct hello_guest;

/* A device that is being set up. */
struct hello_device {
    struct hello_server *server;
    struct hello_device *next;
    struct uuid uuid;
    struct address address;                                 /* it is connected to there */
    char peer[STREAM_NAME_BYTES], host[ADDRESS_HOST_BYTES]; /* where the hello came from */
    struct activation_policy policy;
    struct activation_job *job;
    struct loop_task reap;
};

struct hello_refusal {
    char host[ADDRESS_HOST_BYTES];
    uint64_t until_us;
};

struct hello_server {
    struct hello_server_settings settings;
    struct listener *listeners[HELLO_LISTENERS_MAX];
    uint32_t listener_count;
    struct hello_guest *guests;
    uint32_t guest_count;
    struct hello_device *devices;
    uint32_t device_count;
    struct hello_refusal refusals[HELLO_REFUSALS_MAX]; /* a ring: the oldest gives way */
    uint32_t refusal_next;
};

/* hello.c */
void hello_server_take(struct hello_server *server, const struct hello_packet *packet,
                       const uint8_t *bytes, const char *peer, const char *host);
/* Nothing is said to that address for a while. */
void hello_server_shun(struct hello_server *server, const char *host);
bool hello_server_shuns(const struct hello_server *server, const char *host);

/* hello_guest.c: a connection until its packet is whole. Takes the stream. */
void hello_guest_new(struct hello_server *server, struct stream *s);
void hello_guests_end(struct hello_server *server);

#endif
