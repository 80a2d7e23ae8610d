/*
 * The Management Presence Server: listeners, sessions, devices, operators. One struct per process or
 * per scenario actor; it runs on the loop it is given, real or virtual.
 */
#ifndef AMTLAB_MPS_MPS_H
#define AMTLAB_MPS_MPS_H

#include "base/uuid.h"
#include "protocol/apf/mps_session.h"
#include "runtime/capture.h"
#include "runtime/config.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/metrics.h"
#include "runtime/net.h"
#include "runtime/pki.h"

/* Where credentials come from: CONFIG = `users` of the config alone (scenarios); STORE = groups and
 * devices of the store; ANY and DENY for the laboratory (apf.md 8.4). */
enum mps_auth_mode { MPS_AUTH_CONFIG, MPS_AUTH_STORE, MPS_AUTH_ANY, MPS_AUTH_DENY };

struct mps_user {
    const char *name;        /* NULL when group is given */
    const char *group;       /* MeshCentral group id: its first 16 characters, @ and $ as X */
    const char *password;    /* NULL: any password, as MeshCentral without mpsPass */
    const char *uuid;        /* NULL: any device */
    const char *certificate; /* SHA-256 of a client certificate that logs in by method none */
};

/* Where devices are: HYBRID both; LAN on the local network only: no CIRA; WAN elsewhere only: nothing is
 * looked for on a local network (activation.md 8.3). */
enum mps_mode { MPS_MODE_HYBRID, MPS_MODE_LAN, MPS_MODE_WAN };

/* Bound from YAML by mps_config_keys; the manual of every key is there. */
struct mps_config {
    char *name;                 /* the MPS name: CN and SAN of its certificate */
    struct config_texts names;  /* further SANs */
    struct config_texts listen; /* CIRA addresses */
    int mode;                   /* enum mps_mode; LANonly, WANonly of a config.json count too */
    char *data;                 /* data directory; NULL in scenarios: nothing is stored */
    int tls;                    /* enum mps_tls_mode */
    int key;                    /* enum pki_key */
    bool sends_chain;
    char *key_log;
    struct capture_config capture;
    char *client_roots;                 /* PEM of roots for client certificates, or NULL */
    int auth;                           /* enum mps_auth_mode */
    const struct yaml_node *users_node; /* `users` of the YAML: a list of mps_user */
    const struct mps_user *users;       /* scenarios: instead of users_node; not from YAML */
    uint32_t user_count;
    bool lenient;
    bool echo_protocol_version, failure_15_bytes, json_control;
    int duplicates; /* enum mps_duplicates */
    int greeting;   /* enum mps_greeting */
    char *greeting_text;
    uint32_t window_bytes, chunk_bytes, max_channels, queue_bytes, unknown_channel_max;
    uint64_t idle_limit_us, pre_auth_limit_us, open_limit_us, close_limit_us;
    int keepalive_rule; /* enum apf_keepalive_rule */
    uint64_t keepalive_quiet_us, keepalive_interval_us, keepalive_timeout_us;
    uint32_t auth_failures_per_session;
    uint32_t auth_failures_per_address,
        auth_failures_per_user; /* in auth_failure_window; 0 = off */
    uint64_t auth_failure_window_us, auth_failure_delay_us;
    uint32_t max_sessions, max_unauthenticated, max_unauthenticated_per_address;
    uint32_t send_queue_bytes;             /* per session; a peer that does not read is closed */
    struct config_texts api_listen;        /* operator API addresses; empty: none */
    struct config_texts activation_listen; /* addresses of the activation server; empty: none */
    /* `activation` of the YAML (mps/activation/config.h), or NULL */
    const struct yaml_node *activation_node;
    struct stream_wrap wrap;              /* scenarios: fault and trace filters; not from YAML */
    const struct pki_identity *identity;  /* scenarios: certificate given; not from YAML */
    const struct pki_trust *client_trust; /* scenarios */
};
enum mps_tls_mode { MPS_TLS_DEFAULT, MPS_TLS_LEGACY, MPS_TLS_OFFLOAD };
enum mps_duplicates { MPS_DUPLICATES_NEWEST, MPS_DUPLICATES_FIRST, MPS_DUPLICATES_NONE };
enum mps_greeting { MPS_GREETING_STANDARD, MPS_GREETING_MESHCENTRAL };
#define MPS_CIRA_PORT 4433u /* where an address names none (APF-MPS-001) */

extern const struct config_key mps_config_keys[];
/* Checks what the key table cannot: users, addresses, the file of client roots, keys that need each
 * other. All errors are added to errors; path names the file in them. AMT_OK or AMT_ECONFIG. */
enum amt_err mps_config_check(const struct mps_config *config, const char *path,
                              struct amt_diag_list *errors) AMT_MUST_USE;

struct mps_statistics {
    uint64_t connections, open_sockets, unauthenticated, sessions, logins, login_failures;
    uint64_t login_lockouts, keepalives_in, messages_in_bytes, messages_out_bytes;
    uint64_t channels_opened, channels_refused, channels_open, window_overruns;
    uint64_t window_adjusts_in, window_adjusts_out, unknown_channel, stray_closes;
    uint64_t idle_timeouts, protocol_errors, replaced_sessions, http_requests, refused_connections;
    uint64_t zombie_sessions, duplicate_ids;
};
extern const struct metric mps_metrics[];

struct mps;
/* Borrows config until mps_free. Listens when it returns. Events (docs/events.md) go to log:
 * device.online, device.offline, device.forward, login.failed, session.ended, mps.listening ... */
struct mps *mps_start(struct loop *loop, const struct mps_config *config, struct log *log,
                      struct amt_diag *diag);
/* Number of CIRA listeners, and the address of one (the port is real after :0). */
uint32_t mps_listener_count(const struct mps *mps);
enum mps_mode mps_mode(const struct mps *mps);
/* Its data directory; "" without one. */
const char *mps_data(const struct mps *mps);
void mps_listener_address(const struct mps *mps, uint32_t index, struct address *address);
/* false when there is no API listener */
bool mps_api_address(const struct mps *mps, struct address *address);
/* The same for the activation server. */
bool mps_activation_address(const struct mps *mps, struct address *address);
/* And where devices say hello. */
bool mps_hello_address(const struct mps *mps, struct address *address);
const struct mps_statistics *mps_statistics(struct mps *mps);

/* Writes the events that wait into the store, now instead of within a second; logs when that begins to
 * fail and when it works again. */
void mps_flush_store(struct mps *mps);

/* Closes the listeners and sends DISCONNECT 11 to every device (APF-MPS-069). on_stopped comes when
 * no connection is left; their last bytes go out behind it, as stream_close says. */
void mps_stop(struct mps *mps, void (*on_stopped)(void *ctx), void *ctx);
/* After on_stopped, or at once (then sockets are cut). NULL is allowed. */
void mps_free(struct mps *mps);

struct mps_device_view {
    struct uuid uuid;
    const char *user;
    char peer[STREAM_NAME_BYTES];
    uint32_t trigger;
    const struct apf_forward *forwards;
    uint32_t forward_count;
    uint64_t connected_us, last_input_us;
    uint32_t keepalive_interval_s, channels;
    char tls[64];
};
/* Online devices in order of login. */
void mps_each_device(struct mps *mps, void (*fn)(void *ctx, const struct mps_device_view *view),
                     void *ctx);
bool mps_find_device(struct mps *mps, const struct uuid *uuid, struct mps_device_view *view);
/* AMT_EUNKNOWN when it is not online. */
enum amt_err mps_disconnect_device(struct mps *mps, const struct uuid *uuid,
                                   uint32_t reason) AMT_MUST_USE;
/* Opens a channel to a forwarded port and returns it as a stream: on_open after CONFIRMATION, or
 * on_end (kind REFUSED with the reason in text, TIMEOUT, RESET when the device goes). Always answers
 * through the handler; the device not being online is REFUSED "device is not online". Retries
 * resource shortage (reasons 2 and 4) by queueing until a slot is free, within open_limit. */
struct stream *mps_open_channel(struct mps *mps, const struct uuid *uuid, uint32_t port,
                                const struct stream_handler *handler, void *ctx);

#endif
