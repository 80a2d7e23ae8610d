/* Two TLS streams over one memory pair in the virtual world, each with a tap on its ciphertext. */
#ifndef AMTLAB_RUNTIME_TESTS_TLS_FIXTURE_H
#define AMTLAB_RUNTIME_TESTS_TLS_FIXTURE_H

#include "base/bytes.h"
#include "runtime/loop.h"
#include "runtime/stream_class.h"
#include "runtime/tls.h"

/* Certificates are made once per test program: they are the slow part. */
struct tls_pki {
    struct pki_identity *root, *server, *other_root, *client, *stranger;
    struct pki_trust *trust, *other_trust;
};
extern struct tls_pki pki;
int make_pki(void **state);
int free_pki(void **state);
struct pki_identity *issue(const char *name, bool is_authority, bool for_server,
                           const struct pki_identity *issuer);

/* Stands between TLS and the network; looks at, cuts, joins or spoils what TLS sends. */
struct tap {
    struct stream stream;
    struct stream *inner;
    struct loop_task flush;
    struct bytes gathered;
    uint32_t records[256]; /* sent, by content type */
    uint8_t header[5];
    uint32_t header_len, record_left;
    uint32_t sent_bytes;
    bool dribbles;      /* one byte per segment */
    bool gathers;       /* one segment per turn */
    bool spoils;        /* flips a bit at the end of the next write */
    uint32_t cut_after; /* bytes after which nothing but FIN is sent; 0 = never */
};

struct side {
    struct stream *stream;
    struct tap *tap;
    uint64_t received_bytes, sum;
    uint32_t deliveries, largest, drains;
    bool pauses_on_data, closes_on_open, closes_on_data, closes_on_end;
    bool is_open, has_ended;
    struct stream_end end;
};

struct fixture {
    struct loop *loop;
    struct side client, server;
    struct tls_settings server_settings, client_settings;
    struct tls_name_check check;
    struct tls_context *server_context, *client_context;
};

extern const struct stream_handler k_side;
uint64_t sum_bytes(uint64_t sum, const uint8_t *bytes, uint32_t len);

void fixture_init(struct fixture *f);
/* Both streams exist, nothing has run. */
void fixture_start(struct fixture *f);
void fixture_connect(struct fixture *f);
void fixture_fini(struct fixture *f);
/* Takes inner. */
struct tap *tap_new(struct loop *loop, struct stream *inner);

#endif
