/* Channels that a console actor has opened. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTOR_CONSOLE_H
#define AMTLAB_SCENARIOS_ENGINE_ACTOR_CONSOLE_H

#include "base/uuid.h"
#include "client/wsman.h"
#include "runtime/tls.h"
#include "scenarios/engine/actor.h"

struct console_channel {
    struct actor *actor;
    const char *name; /* `as` of the step that opened it */
    struct stream *stream;
    struct text received;
    bool is_open, has_ended;
    struct stream_end end;
    struct console_channel *next; /* older */
};
/* Whom a WS-Management client speaks to, and as whom. */
struct console_client_key {
    struct uuid device;
    uint32_t port;
    const char *user, *password; /* NULL: none */
    const char *connection;      /* name, "" for the usual one */
};
struct console_client {
    struct actor *actor;
    struct console_client_key key;
    struct wsman_client *client;
    struct tls_context *tls; /* port 16993 */
    struct console_client *next;
};
struct console {
    struct console_channel *channels; /* newest first */
    struct console_client *clients;
};

#define CONSOLE_PORT_HTTP 16992u
#define CONSOLE_PORT_TLS  16993u

/* The UUID of the device a step speaks to: as given, else that of the console's `device`; zero for one
 * that is reached directly. False with *why in the pool when there is none. */
bool console_device(struct actor *actor, const char *given, struct uuid *uuid, const char **why);
/* A stream to a port of the device: a channel of its tunnel, or a connection. NULL without memory. */
struct stream *console_connect(struct actor *actor, const struct uuid *device, uint32_t port,
                               const struct stream_handler *handler, void *ctx);
/* The same with TLS around it if the device is a target that speaks TLS: for bytes and plain requests. */
struct stream *console_connect_secure(struct actor *actor, const struct uuid *device, uint32_t port,
                                      const struct stream_handler *handler, void *ctx);
/* Is TLS spoken on that port? */
bool console_speaks_tls(struct actor *actor, uint32_t port);

struct console_channel *console_open(struct actor *actor, const char *name,
                                     const struct uuid *device, uint32_t port);
/* The newest open channel of that name, or the newest still opening; NULL. */
struct console_channel *console_find(struct actor *actor, const char *name);
/* The client of that key; made when it is asked for the first time. */
struct console_client *console_client(struct actor *actor, const struct console_client_key *key);
/* Its connection ends, and a call under way gets no answer; the next step makes a new one. */
void console_client_drop(struct console_client *client);

#endif
