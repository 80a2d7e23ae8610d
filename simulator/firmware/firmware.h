/*
 * The firmware of one simulated device: a model of its state that is changed only by operations which
 * enforce the rules of wsman.md 5, and the doors to it (HTTP on a stream).
 */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_FIRMWARE_H
#define AMTLAB_SIMULATOR_FIRMWARE_FIRMWARE_H

#include "base/random.h"
#include "base/text.h"
#include "base/uuid.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/net.h"
#include "runtime/stream.h"
#include "simulator/firmware/profile.h"

enum firmware_mode { FIRMWARE_NOT_PROVISIONED, FIRMWARE_CLIENT_CONTROL, FIRMWARE_ADMIN_CONTROL };
/* Where a request comes from (wsman.md 3.2). CIRA counts as network. */
enum firmware_door { FIRMWARE_NETWORK, FIRMWARE_CIRA, FIRMWARE_LOCAL };

struct firmware;

/* What the firmware needs from its surroundings, all called from the loop. Any may be NULL. */
struct firmware_hooks {
    /* The remote access settings have changed or a trigger fired: call home, or stop doing so. */
    void (*remote_access_changed)(void *ctx);
    void (*call_home)(void *ctx, uint32_t trigger);
    void (*close_tunnel)(void *ctx);
    /* A connection into the network of the server that the tunnel leads to; NULL: none now. */
    struct stream *(*connect)(void *ctx, const struct address *to);
    /* The TLS or listener settings have changed (CommitChanges, Unprovision, activation). */
    void (*listeners_changed)(void *ctx);
    /* Host side: the operating system goes down or comes up. */
    void (*host_changed)(void *ctx);
    /* Redirection sessions must end: kinds is a mask of 1 << enum redirection_kind (consent.h). */
    void (*end_redirection)(void *ctx, uint32_t kinds);
    /* The data channel of KVM: what the host says to the console; NULL: it has read a message. */
    void (*kvm_message)(void *ctx, const void *bytes, size_t len);
    void *ctx;
};

struct firmware_settings {
    const struct firmware_profile *profile; /* borrowed until free */
    struct uuid uuid;
    uint64_t seed;
    uint32_t index;
    const char *state_dir; /* NULL: nothing is kept */
    struct log *log;
    struct firmware_hooks hooks;
};
/* A device's firmware; with a state directory it goes on where it was. NULL with diag. */
struct firmware *firmware_new(struct loop *loop, const struct firmware_settings *settings,
                              struct amt_diag *diag);
void firmware_free(struct firmware *firmware);

/* Serves HTTP on a stream, which it takes: /wsman and the web pages (wsman.md 1). */
void firmware_serve(struct firmware *firmware, struct stream *s, enum firmware_door door);
/* The same on 16993: TLS first, as the TLS settings say. Closes s when TLS is off. */
void firmware_serve_tls(struct firmware *firmware, struct stream *s, enum firmware_door door);

enum firmware_mode firmware_mode(const struct firmware *firmware);
/* Whether a port (16992, 16993) is open at a door now. */
bool firmware_port_is_open(const struct firmware *firmware, uint32_t port, enum firmware_door door);
/* Appends all instances of a class as text for people. AMT_EUNKNOWN: the device has no such class;
 * AMT_ENOMEM. */
enum amt_err firmware_show(struct firmware *firmware, const char *class_name,
                           struct text *out) AMT_MUST_USE;
/* Back to the factory: everything but identity is forgotten. */
void firmware_reset(struct firmware *firmware);

#endif
