/*
 * TLS by OpenSSL over any stream, through a custom BIO: an idle connection holds no record buffers.
 * One stream_write is one TLS record (up to 16 KiB), so aligned senders stay aligned (apf.md 4.6);
 * that holds also for writes before on_open, which are queued. A stream closed before on_open drops
 * them. Nothing is resumed: every login is a full handshake, whose certificates are judged anew.
 */
#ifndef AMTLAB_RUNTIME_TLS_H
#define AMTLAB_RUNTIME_TLS_H

#include "base/diag.h"
#include "runtime/loop.h"
#include "runtime/pki.h"
#include "runtime/stream.h"

enum tls_version {
    TLS_VERSION_DEFAULT,
    TLS_VERSION_1_0,
    TLS_VERSION_1_1,
    TLS_VERSION_1_2,
    TLS_VERSION_1_3
};
/* "1.0" ... ; AMT_EMALFORMED */
enum amt_err tls_version_parse(const char *text, enum tls_version *version) AMT_MUST_USE;

/* What a server does about the client's certificate. */
enum tls_client_certificate {
    TLS_CLIENT_ASKED,     /* asks with an empty list of issuers, requires none, accepts any in the
                           * handshake (APF-MPS-003); judge it with tls_peer_is_trusted */
    TLS_CLIENT_NOT_ASKED, /* sends no request, as a server without mutual authentication */
    TLS_CLIENT_REQUIRED,  /* the handshake fails without a client's certificate under `trust` */
    TLS_CLIENT_JUDGED     /* and here without one that `judge` accepts, whatever its roots */
};

/* Looks at a client's certificate in the handshake: leaf, and all that it sent. NULL: it is let in; else why
 * not, static text; *alert gets the TLS alert that says so: 42 bad_certificate, 48 unknown_ca. */
struct x509_st;
struct stack_st_X509;
typedef const char *tls_judge_fn(void *ctx, struct x509_st *leaf, const struct stack_st_X509 *sent,
                                 int *alert);

/* A list of revoked certificates as AMT keeps it: those that name url as the place of their revocation
 * list, with these serial numbers (hexadecimal, leading zeros and case do not count). */
struct tls_revoked {
    const char *url;
    const char *const *serials; /* NULL-terminated */
};

struct tls_settings {
    bool is_server;
    const struct pki_identity *identity; /* own certificate; NULL for a client without one */
    bool sends_chain;                    /* intermediates and root of identity too (APF-MPS-007) */
    enum tls_version min_version, max_version; /* default: 1.2 .. 1.3, legacy 1.0 .. 1.3 */
    bool legacy;         /* TLS 1.0/1.1 and security level 0 ciphers (apf.md 6.1) */
    const char *ciphers; /* OpenSSL list, NULL for the default */
    bool verifies_peer;  /* client: verify the server, or accept any */
    enum tls_client_certificate client_certificate; /* server */
    /* TLS_CLIENT_REQUIRED: the client's Common Name is one of these names or ends with "." and one
     * of them; NULL-terminated, NULL or empty: any name. Copied. */
    const char *const *client_names;
    /* TLS_CLIENT_REQUIRED: certificates that are not accepted, the client's or above it. Copied. */
    const struct tls_revoked *revoked;
    uint32_t revoked_count;
    tls_judge_fn *judge; /* TLS_CLIENT_JUDGED; its context outlives the handshakes */
    void *judge_ctx;
    const struct pki_trust *trust; /* roots, or NULL */
    const char *key_log_path;      /* NSS key log for Wireshark, or NULL */
};

struct tls_context;
/* Keeps what it needs (certificates are reference counted). NULL with diag: AMT_ECONFIG
 * (versions the wrong way round), AMT_ECERT (ciphers, certificate or key not usable), AMT_ESYS
 * (key log), AMT_ENOMEM. A context and its streams belong to one thread. */
struct tls_context *tls_context_new(const struct tls_settings *settings, struct amt_diag *diag);
/* Streams keep their context alive. NULL is allowed. */
void tls_context_free(struct tls_context *context);

/* Both take lower and report through the handler: on_open after the handshake, or on_end with kind
 * TLS. NULL without memory (lower is closed then). */
struct stream *tls_accept(struct loop *loop, struct tls_context *context, struct stream *lower,
                          const struct stream_handler *handler, void *ctx);

/* The device's name check (apf.md 6.3): Common Name equals; or_san also accepts a SAN. */
struct tls_name_check {
    const char *name; /* NULL: not checked */
    bool or_san;
    const char *sni; /* server name to send, or NULL */
};
struct stream *tls_connect(struct loop *loop, struct tls_context *context,
                           const struct tls_name_check *check, struct stream *lower,
                           const struct stream_handler *handler, void *ctx);

/* On a server, after the handshake: is the client's certificate chain valid now, as a client's,
 * under the context's trust, with keys and digests of the connection's security level
 * (APF-MPS-004)? False without a certificate. diag says why. */
bool tls_peer_is_trusted(const struct stream *s, struct amt_diag *diag);
/* Subject CN of the peer's certificate into out; "" without one. */
void tls_peer_common_name(const struct stream *s, char *out, size_t cap);
/* Does a SAN of the peer's certificate (DNS name or IP address) repeat this name (APF-MPS-006)? */
bool tls_peer_has_alternative(const struct stream *s, const char *name);
/* SHA-256 of the peer's certificate in hex (64 + 1), "" without one. */
void tls_peer_fingerprint(const struct stream *s, char out[static 65]);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
void tls_describe(const struct stream *s, char *out, size_t cap);
/* FIN without close_notify, for scenarios; the caller still closes s. False if s is not TLS
 * itself. */
bool tls_drop_without_close(struct stream *s);

#endif
