/* The way from an activation client to its server: TCP, TLS, and whether it is the server that was meant. */
#ifndef AMTLAB_CLIENT_ACTIVATION_CONNECT_H
#define AMTLAB_CLIENT_ACTIVATION_CONNECT_H

#include "base/diag.h"
#include "runtime/loop.h"
#include "runtime/pki.h"
#include "runtime/stream.h"
#include "runtime/websocket.h"

enum activation_connect_failure {
    ACTIVATION_CONNECT_LOST,      /* no connection, or no TLS */
    ACTIVATION_CONNECT_UNTRUSTED, /* a certificate that its trust does not cover */
    ACTIVATION_CONNECT_OTHER_HASH /* not the certificate of server_hash */
};

struct activation_connect_settings {
    struct loop *loop;
    const struct websocket_url *url; /* read during the call */
    const struct pki_trust *trust;   /* roots of the server; NULL: none */
    const char
        *server_hash; /* SHA-384 of its certificate in hex, whoever signed it; NULL. Copied */
    bool is_insecure; /* any certificate will do */
    /* Nothing was written on the stream yet; whoever takes it sets its handler. */
    void (*on_open)(void *ctx, struct stream *s);
    void (*on_failed)(void *ctx, enum activation_connect_failure failure, const char *text);
    void *ctx;
};

struct activation_connect;
/* Exactly one callback comes, never from inside this call; after it there is nothing to stop, only to
 * free. NULL with diag. */
struct activation_connect *activation_connect(const struct activation_connect_settings *settings,
                                              struct amt_diag *diag);
/* Without a callback if none came. NULL is allowed. Not from inside a callback. */
void activation_connect_free(struct activation_connect *connect);

/* Has the server at the other end of this TLS stream the certificate with that SHA-384, in hex? ACT-CLI-009 */
bool activation_connect_has_hash(const struct stream *s, const char *hash_hex);

#endif
