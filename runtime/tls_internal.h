/* Shared by the files of the TLS stream. */
#ifndef AMTLAB_RUNTIME_TLS_INTERNAL_H
#define AMTLAB_RUNTIME_TLS_INTERNAL_H

#include <stdio.h>

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "runtime/pki_internal.h"
#include "runtime/stream_class.h"
#include "runtime/tls.h"

struct tls_context {
    SSL_CTX *ssl;
    struct pki_trust *trust;
    FILE *key_log;
    uint32_t references;
    bool is_server, verifies_peer;
    tls_judge_fn *judge; /* or NULL */
    void *judge_ctx;
    char **client_names; /* NULL-terminated, or NULL */
    char **revoked;      /* url, serial, url, serial, ..., NULL; or NULL */
};

struct tls_stream {
    struct stream stream;
    struct loop *loop;
    struct tls_context *context;
    struct stream *lower;
    SSL *ssl;
    const uint8_t *in; /* ciphertext in hand, borrowed during the lower stream's callback */
    uint32_t in_len;
    struct bytes kept;  /* ciphertext that came while paused */
    struct bytes early; /* written before the handshake was complete: lengths and plaintext */
    struct loop_task pump;
    uint32_t write_limit;
    uint32_t depth; /* calls in progress: freeing waits */
    bool is_open, is_paused, has_ended, is_closed;
    bool wants_shutdown;   /* no more writes; close_notify follows the handshake */
    bool has_sent_close;   /* close_notify was sent, or shall not be */
    bool is_lower_ended;   /* by an error: nothing can be sent */
    bool has_lower_fin;    /* the peer finished; reported behind what is kept */
    bool has_failed_write; /* a record was sent in part: the connection is of no use */
    int alert;             /* last alert other than close_notify, -1 for none */
    bool alert_is_ours;
    char *expected_name;
    bool accepts_san;
    char why[STREAM_TEXT_BYTES]; /* a verification failure in words */
};

/* The BIO between SSL and the lower stream; its data is a tls_stream. */
BIO *tls_bio_new(struct tls_stream *t);
/* The certificate verification callback of clients. */
int tls_verify_server(int is_ok, X509_STORE_CTX *store);
/* And that of servers that require a client's certificate. */
int tls_verify_client(int is_ok, X509_STORE_CTX *store);
/* In place of OpenSSL's own verification: context->judge. */
int tls_judge_client(X509_STORE_CTX *store, void *context);
/* NULL when s is not a TLS stream. */
struct tls_stream *tls_of(struct stream *s);

#endif
