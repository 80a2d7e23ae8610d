/*
 * A server in the virtual world with everything it logs noted, and peers that say raw bytes to it.
 * Each test builds a world of its own; nothing is shared but the certificates of the program.
 */
#ifndef AMTLAB_MPS_TESTS_WORLD_H
#define AMTLAB_MPS_TESTS_WORLD_H

#include "base/bytes.h"
#include "base/text.h"
#include "mps/mps.h"
#include "runtime/tls.h"

#define SECOND_US UINT64_C(1000000)
#define MS_US     UINT64_C(1000)

/* The users of every world: one for any device, one for the device with uuid_of_number(7) alone. */
#define USER           "ABCDEFGHIJKLMNOP"
#define PASSWORD       "P@ssw0rd-one"
#define OWNER          "only7"
#define OWNER_PASSWORD "P@ssw0rd-two"

struct world {
    struct loop *loop;
    struct mps_config config;
    struct log *log;
    struct mps *mps;
    struct text events; /* one line per event: name field=value ... */
    bool is_tls;
    const struct pki_identity *client_identity; /* what peers present; NULL: nothing */
    const struct pki_trust *client_trust;       /* what peers trust; NULL: the program's root */
    struct tls_context *client;                 /* made at the first connection */
    bool is_stopped;
};

/* Certificates for TLS worlds: group setup and teardown of every program. */
int world_make_pki(void **state);
int world_free_pki(void **state);
struct world_pki {
    struct pki_identity *root, *server, *client, *stranger; /* client: CN is uuid_of_number(7) */
    struct pki_trust *trust;
};
const struct world_pki *world_pki(void);

/* A configuration with defaults, the users above and one listener; not started. */
void world_init(struct world *w, bool is_tls);
/* The same on a loop that the world takes. */
void world_init_on(struct world *w, struct loop *loop, bool is_tls);
void world_set(struct world *w, const char *key, const char *value);
void world_start(struct world *w);
/* Frees server and loop; the peers must be closed before. */
void world_fini(struct world *w);
void world_run(struct world *w, uint64_t us);
uint64_t world_now_us(const struct world *w);
/* Number of events of that name so far. */
uint32_t world_count(const struct world *w, const char *event);
/* Fails the test unless the latest event of that name contains text ("" for any). */
void world_expect_event(const struct world *w, const char *event, const char *text);
void world_forget_events(struct world *w);
/* A connection to the first listener, over TLS if it has that. */
struct stream *world_connect(struct world *w, const struct stream_handler *handler, void *ctx);
/* Runs test(false) and test(true): plain TCP and TLS must not differ (APF-MPS-070). */
void world_both(void (*test)(bool is_tls));

/* A peer on a connection of its own. */
struct peer {
    struct world *world;
    struct stream *stream;
    struct bytes received;
    uint32_t reads; /* pieces in which it came: one per TLS record */
    enum apf_request pending;
    bool is_open, has_ended;
    struct stream_end end;
};
/* Connected (TLS: shaken hands) when it returns, or has_ended. */
void peer_connect(struct world *w, struct peer *p);
/* As peer_connect, but nothing has run yet. */
void peer_begin(struct world *w, struct peer *p);
void peer_close(struct peer *p);
/* Writes and lets it arrive. */
void peer_send(struct peer *p, const void *bytes, uint32_t len);
/* The same in pieces of the given size, each on its own. */
void peer_send_pieces(struct peer *p, const void *bytes, uint32_t len, uint32_t piece);

/* Next whole message; false when there is none. Its views refer to bytes that are gone. */
bool peer_take(struct peer *p, struct apf_message *message);
struct apf_message peer_expect(struct peer *p, enum apf_type type);
void peer_expect_bytes(struct peer *p, const void *bytes, uint32_t len);
void peer_expect_silence(const struct peer *p);
/* DISCONNECT with that reason is the last message and the connection has ended. */
void peer_expect_disconnect(struct peer *p, uint32_t reason);

/* Messages, appended to out. */
struct uuid uuid_of_number(uint32_t number);
void say_version(struct bytes *out, uint32_t number);
void say_service(struct bytes *out, const char *service);
void say_userauth(struct bytes *out, const char *user, const char *method, const char *password);
void say_request(struct bytes *out, enum apf_request request, uint32_t port);
void say_keepalive(struct bytes *out, uint32_t cookie);
void say_plain(struct bytes *out, const struct apf_message *message);
/* Sends what was said and empties out. */
void peer_say(struct peer *p, struct bytes *out);

/* A whole login; the answers are checked and taken. */
void peer_hello(struct peer *p, uint32_t number);
void peer_log_in(struct peer *p, uint32_t number, const char *user, const char *password);
/* Login, pfwd, one forward, and the 300 ms until the server calls the device online. */
void peer_go_online(struct peer *p, uint32_t number, uint32_t port);
bool is_online(struct world *w, uint32_t number);

#endif
