/* A naked connection: bytes and messages as the scenario says, no behaviour of its own. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTOR_WIRE_H
#define AMTLAB_SCENARIOS_ENGINE_ACTOR_WIRE_H

#include "base/bytes.h"
#include "runtime/tls.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/apf_flow.h"

struct wire {
    struct actor *actor;
    struct stream *stream;  /* the top one; NULL: none or gone */
    struct stream *waiting; /* accepted, not taken by tcp.accept yet */
    struct listener *listener;
    struct address to;
    struct apf_flow flow;
    struct bytes joined;   /* wire: { coalesce: true } waits for the next send */
    struct bytes received; /* codec none: all of this connection */
    bool is_server, is_tls, is_open, is_secure, has_ended, is_raw;
    struct stream_end end;
    const char *peer;
    struct pki_identity *identity; /* of a server that a target calls; NULL: one made for the run */
    /* What it answers by itself, as a server would (`answers`): written on the next turn of the loop. */
    bool answers_forwards, answers_keepalives;
    struct bytes answers;
    struct loop_task answering;
};

/* A message came: notes its answer if that is one that the wire gives by itself. */
void wire_answer(struct wire *wire, const struct apf_message *message);

/* Starts connecting; the stream is there at once. */
void wire_connect(struct wire *wire);
/* Listens at an address (text), "127.0.0.1:0" for a free port. */
enum amt_err wire_listen(struct wire *wire, const char *at, struct amt_diag *diag);
/* Takes the connection that waits; false when there is none. */
bool wire_accept(struct wire *wire);
/* Puts TLS over the connection, as its end demands. */
enum amt_err wire_secure(struct wire *wire, const struct tls_settings *settings, const char *sni,
                         struct amt_diag *diag);
/* Notes what is sent and sends it. */
enum amt_err wire_write(struct wire *wire, const uint8_t *bytes, uint32_t len);
/* Which way our messages travel. */
enum apf_direction wire_direction(const struct wire *wire);
/* RST; expectations see it as closed by us. */
void wire_reset(struct wire *wire);

#endif
