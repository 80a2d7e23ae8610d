/*
 * A simulated AMT device: identity, the tunnel it keeps by CIRA, its local services. Runs on the loop
 * it is given, real or virtual; thousands fit in one process.
 */
#ifndef AMTLAB_SIMULATOR_DEVICE_H
#define AMTLAB_SIMULATOR_DEVICE_H

#include "base/uuid.h"
#include "protocol/apf/device_session.h"
#include "runtime/capture.h"
#include "runtime/config.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/metrics.h"
#include "runtime/net.h"
#include "runtime/tls.h"
#include "simulator/firmware/firmware.h"

/* How messages are cut into writes (apf.md 4.6). */
enum device_send_mode { DEVICE_SEND_ALIGNED, DEVICE_SEND_COALESCED, DEVICE_SEND_DRIBBLE };

#define DEVICE_DOCUMENTS_MAX 8

/* What answers on forwarded ports. AUTO: the firmware on 16992 and 16993, echo elsewhere. HTTP: a small
 * web service on 16992 and 623 that shows what it was asked, echo elsewhere. */
enum device_service {
    DEVICE_SERVICE_AUTO,
    DEVICE_SERVICE_ECHO,
    DEVICE_SERVICE_HTTP,
    DEVICE_SERVICE_REFUSE,
    DEVICE_SERVICE_SILENT
};

/* When policies that were just configured are looked at (FF-157). */
enum device_start { DEVICE_START_ON_COMMIT, DEVICE_START_ON_LINK_EVENT };

/* How the HTTP service reads chunked bodies: STRICT as firmware that wants the last chunk whole. */
enum device_chunk_parser { DEVICE_CHUNK_TOLERANT, DEVICE_CHUNK_STRICT };

/* Bound from YAML (a profile file merged with command line or scenario) by device_config_keys. */
struct device_config {
    char *uuid; /* NULL: from the seed and the device's index */
    char *host_name;
    struct {
        char *to;          /* MPS address host:port */
        char *access_info; /* name or IP address as provisioned; default: host of `to` */
        char *common_name; /* expected CN when access_info is an IP or absent; NULL */
        char *user, *password;
        char *password_file;
        char *trust;             /* PEM of trusted roots; NULL with verify: nothing is trusted */
        bool verify;             /* true */
        char *certificate, *key; /* mutual TLS */
        uint64_t keepalive_us, keepalive_reply_limit_us, lifetime_us, connect_limit_us;
        bool keepalive_negotiable, keepalive_answers;
        uint32_t window_bytes, chunk_bytes, slots, first_number;
        int credit;  /* enum apf_credit_policy */
        int trigger; /* enum: none user alert provisioning periodic */
        int start;   /* enum device_start */
        uint64_t start_delay_us;
        uint64_t forgets_after_sleep_us; /* 0: never (FF-165) */
        int send_mode;
        bool service_request_first, pipelined_forwards, lenient, ignore_stray_close;
        struct {
            uint64_t after_us; /* another name of first_us; 0 = not given */
            uint64_t first_us; /* delay after the end of a tunnel: 10 s */
            uint32_t attempts; /* quick attempts; 0 = for ever (fixed interval) */
            uint64_t pause_us; /* then one attempt each pause: 15 min */
            uint32_t jitter_percent;
            uint64_t give_up_after_us;
            bool disabled;
        } reconnect;
    } cira;
    struct {
        int min_version, max_version; /* enum tls_version */
        char *ciphers;
        bool sends_sni, accepts_san, offload;
        char *key_log;
    } tls;
    struct firmware_config firmware;
    char *setup_file; /* setup.bin that the PC finds when it boots; NULL: none */
    char *state_dir;  /* folder that keeps what devices were told; NULL: nothing is kept */
    /* The device's own network ports. */
    struct {
        char *address; /* NULL: none */
        uint32_t plain_port, tls_port, presence_port;
        bool local; /* connections count as coming from the host */
    } direct;
    struct {
        char *interface; /* asks the DHCP server behind it; NULL: the network is the profile's */
    } dhcp;
    struct config_numbers forward; /* default 16993 16992 664 623 16995 16994 5900 */
    char *forward_address;
    struct {
        int kind; /* enum device_service */
        uint64_t delay_us;
        bool closes_first; /* "Connection: close" behaviour (FF-063) */
        int chunk_parser;  /* enum device_chunk_parser */
    } service;
    /* Of the profile files, for what points into them; owned. */
    struct yaml_document *documents[DEVICE_DOCUMENTS_MAX];
    struct firmware_profile *firmware_profile; /* fleets: made once by device_profile, shared */
    struct capture_config capture;
    struct stream_wrap wrap;             /* scenarios; not from YAML */
    struct tls_context *tls_context;     /* fleets: made once by device_tls_context, shared */
    struct capture *shared_capture;      /* fleets: one for all devices */
    const struct pki_trust *trust;       /* scenarios; not from YAML */
    const struct pki_identity *identity; /* scenarios; not from YAML */
};
extern const struct config_key device_config_keys[];

/* Reads a profile, a file (`amtlab-profile: 1`) or the name of a built-in one (profiles.h), then
 * `overlay` (NULL) on top of it; the caller keeps that one's document. */
enum amt_err device_config_load(const char *profile_path, const struct yaml_node *overlay,
                                const char *overlay_path, struct device_config *config,
                                struct amt_diag_list *errors) AMT_MUST_USE;
void device_config_fini(struct device_config *config);

struct device_statistics {
    uint64_t cira_attempts, cira_connects, cira_failures, keepalives_out, keepalive_replies_in;
    uint64_t channels_accepted, channels_refused, slots_used, window_overruns, cookie_mismatches;
    uint64_t data_in_bytes, data_out_bytes, stray_closes, unknown_channel;
};
extern const struct metric device_metrics[];

enum device_state { DEVICE_OFF, DEVICE_WAITING, DEVICE_CONNECTING, DEVICE_HANDSHAKE, DEVICE_UP };
const char *device_state_name(enum device_state state);

/* The connection log of apf.md 13.7; zero / "" where nothing happened yet. */
struct device_connection_log {
    uint64_t opened_us, closed_us, last_keepalive_us;
    uint32_t keepalive_interval_s, disconnect_reason, trigger;
    bool is_mutual_tls, closed_by_mps;
    int closure_reason; /* 0 user, 1 lifetime, 2 internal, 3 keepalive, 4 TCP, 5 invalid APF, 255 none */
    char server[ADDRESS_HOST_BYTES + 10];
    char failure[STREAM_TEXT_BYTES]; /* last connection failure: DNS, TCP, or TLS with its alert */
    int tls_alert;                   /* -1 */
};

/* The TLS settings of a configuration as a context: a device makes its own unless config has one. The
 * caller frees it. NULL with diag. */
struct tls_context *device_tls_context(const struct device_config *config, struct amt_diag *diag);

/* The firmware settings of a configuration as a profile: a device makes its own unless config has one.
 * The caller frees it. NULL with diag. */
struct firmware_profile *device_profile(const struct device_config *config, struct amt_diag *diag);

struct device;
/* Borrows config until free. index makes identity from the seed when config has none. Events go to
 * log: cira.connecting, cira.connected, cira.up, cira.failed, cira.closed, channel.opened ... each
 * with uuid. Does not connect by itself. */
struct device *device_new(struct loop *loop, const struct device_config *config, uint64_t seed,
                          uint32_t index, struct log *log, struct amt_diag *diag);
void device_free(struct device *device); /* cuts what is open; NULL is allowed */

/* Starts calling home, now, by trigger (0 = the config's); keeps the tunnel by the schedule. */
void device_connect(struct device *device, uint32_t trigger);
/* DISCONNECT reason, and no reconnect. */
void device_disconnect(struct device *device, uint32_t reason);
/* Network cable: false cuts silently and stops attempts; true tries at once (apf.md 13.5). */
void device_set_link(struct device *device, bool is_up);
/* The network it is plugged into, by the DNS suffix that it hands out (NULL: none), and whether its
 * address there is static: environment detection decides what that means (apf.md 13.4). AMT_ENOMEM,
 * AMT_ECONFIG with diag. */
enum amt_err device_set_network(struct device *device, const char *dns_suffix, bool is_static,
                                struct amt_diag *diag) AMT_MUST_USE;
/* With dhcp.interface: the suffix of the lease, "" when it has none; NULL without a lease. */
const char *device_lease_suffix(const struct device *device);
/* Whether an answer of a DHCP server is still to be expected soon: the cable is in, there is no lease, and
 * that nobody answers was not told yet. */
bool device_waits_for_lease(const struct device *device);
/* Host reboot or power loss: the tunnel vanishes without a word; connects again after delay. */
void device_reboot(struct device *device, uint64_t delay_us);
/* Opens direct-tcpip (event delivery, APF-DEV-048). */
enum amt_err device_open_direct(struct device *device, uint32_t port) AMT_MUST_USE;
enum device_state device_state(const struct device *device);
const struct uuid *device_uuid(const struct device *device);
const struct device_statistics *device_statistics(struct device *device);
const struct device_connection_log *device_connection_log(const struct device *device);
/* The transport of the present tunnel (tests, faults); NULL. */
struct stream *device_transport(struct device *device);
struct apf_device_session *device_session(struct device *device);

/* The firmware, made when it is first asked for (a channel, a port, a test); NULL with diag. */
struct firmware *device_firmware(struct device *device, struct amt_diag *diag);
/* Where a port of AMT (16992, 16993, and 623 on UDP) listens on this host; false while it is closed. */
bool device_direct_address(const struct device *device, uint32_t port, struct address *address);

/* Own service for a port, instead of the firmware: gets each channel as a stream, which it
 * takes. Without one, config.service answers. */
void device_serve(struct device *device, uint32_t port,
                  void (*on_stream)(void *ctx, struct stream *s), void *ctx);

#endif
