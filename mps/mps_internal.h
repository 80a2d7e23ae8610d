/* Shared by the files of the server. */
#ifndef AMTLAB_MPS_MPS_INTERNAL_H
#define AMTLAB_MPS_MPS_INTERNAL_H

#include "base/hash.h"

#include "mps/activation/service.h"
#include "mps/api/api.h"
#include "mps/cira/attempts.h"
#include "mps/cira/credentials.h"
#include "mps/cira/duplicates.h"
#include "mps/mps.h"
#include "mps/store/store.h"
#include "runtime/http.h"
#include "runtime/tls.h"

#define MPS_LISTENERS_MAX 16u
#define MPS_SNIFF_BYTES   5u
#define MPS_ADDRESS_BYTES 64u

struct channel_stream;

/* Connections of one address that have not logged in. */
struct address_count {
    char address[MPS_ADDRESS_BYTES];
    uint32_t count;
    UT_hash_handle hh;
};

/* One accepted connection, from TCP to its end. */
struct connection {
    struct mps *mps;
    struct connection *previous, *next; /* all connections, in order of arrival */
    struct stream *stream;              /* what APF or HTTP runs over; NULL once closed */
    struct timer timer;                 /* the earliest deadline of everything below */
    uint64_t accepted_us;
    char address[MPS_ADDRESS_BYTES]; /* peer without its port */
    uint8_t sniff[MPS_SNIFF_BYTES];
    uint8_t sniff_len;
    bool is_open; /* TLS done, or plain */
    bool counts_as_unauthenticated;
    bool is_dying;      /* freed by the reaper at the end of the turn */
    bool is_registered; /* in mps->devices */
    bool is_online;     /* device.online was told */
    bool was_replaced;
    bool is_too_slow; /* its send queue overflowed */
    struct http_server_connection *http;
    struct text mesh_head; /* greeting, MeshCentral mode: the request head so far */
    bool is_mesh_http;

    /* APF */
    struct apf_mps_session *session;
    struct uuid uuid;
    char *user;
    char group[65];
    uint32_t trigger, major, minor;
    uint32_t keepalive_interval_s;
    uint64_t online_at_us; /* when forwards will have settled; UINT64_MAX if not waiting */
    uint64_t login_at_us;  /* when a delayed verdict is due */
    uint64_t connected_us;
    struct session_look displaced;  /* how the session looked whose place it took */
    struct channel_stream *streams; /* open or waiting for a slot, oldest first */
    uint64_t retry_at_us;           /* when waiting channels try again */
    UT_hash_handle hh;              /* by uuid */
};

struct mps {
    struct loop *loop;
    const struct mps_config *config;
    struct log *log;
    struct apf_mps_config apf;
    struct tls_context *tls;
    struct capture *capture; /* NULL: off */
    struct listener *listeners[MPS_LISTENERS_MAX];
    uint32_t listener_count;
    enum mps_mode mode; /* in effect */
    struct connection *connections, *last_connection;
    struct connection *devices; /* hash by uuid, in order of login */
    struct address_count *addresses;
    struct attempts *attempts;
    struct duplicates *duplicates;
    struct credentials credentials;
    struct store *store;
    struct api *api;
    struct pki_identity *identity; /* its own; NULL with offload */
    struct activation_service *activation;
    struct timer flush; /* the store's batch */
    struct loop_task reap;
    struct mps_statistics statistics, answer;
    bool is_stopping;
    bool is_being_freed; /* sockets are cut */
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
};

/* connection.c */
void connection_accept(struct mps *mps, struct stream *s);
/* Closes what is open (flushing unless cut) and frees the connection at the end of the turn. */
void connection_end(struct connection *c, bool is_cut);
void connection_set_timer(struct connection *c);
/* Looks at all deadlines in the next turn: something outside the session's own calls has changed. */
void connection_look_again(struct connection *c);
void connection_logged_in(struct connection *c); /* no longer counts as unauthenticated */
void connections_reap(void *ctx);

/* session.c: APF on a connection */
void session_start(struct connection *c, const uint8_t *in, uint32_t len);
void session_input(struct connection *c, const uint8_t *in, uint32_t len);
uint64_t session_deadline_us(const struct connection *c);
void session_tick(struct connection *c);
void session_transport_ended(struct connection *c);
struct connection *mps_find_connection(struct mps *mps, const struct uuid *uuid);
/* Adds what the session's channels counted. */
void session_count_mux(const struct connection *c, struct mps_statistics *all);

/* greeting.c: HTTP on a CIRA port */
/* first: all bytes that have arrived. */
void greeting_start(struct connection *c, const struct text *first);
void greeting_input(struct connection *c, const uint8_t *in, uint32_t len); /* MeshCentral mode */

/* relay/channel_stream.c */
void channel_streams_retry(struct connection *c);
void channel_streams_end(struct connection *c, const char *why);
/* Callbacks of the session's mux; ctx is the connection. */
void channel_opened(void *ctx, struct apf_channel *channel);
void channel_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len);
void channel_drain(void *ctx, struct apf_channel *channel);
void channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end, uint32_t reason);

#endif
