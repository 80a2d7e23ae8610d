/* Shared by the files of the simulated device. */
#ifndef AMTLAB_SIMULATOR_DEVICE_INTERNAL_H
#define AMTLAB_SIMULATOR_DEVICE_INTERNAL_H

#include "base/bytes.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/text.h"
#include "runtime/apf_stream.h"
#include "simulator/device.h"
#include "simulator/firmware/firmware.h"

#define DEVICE_SERVICES_MAX 8u

struct own_service {
    uint32_t port;
    void (*on_stream)(void *ctx, struct stream *s);
    void *ctx;
};

/* One attempt to call home, from TCP to its end. */
struct tunnel {
    struct device *device;
    struct stream *stream;
    struct apf_device_session *session;
    struct apf_device_config apf;
    struct bytes coalesced;  /* send mode coalesced: this turn's messages */
    struct loop_task settle; /* end of a turn in which something was sent */
    struct timer timer;
    struct text proxy_answer; /* until the proxy has made the connection */
    struct timer proxy_limit;
    struct tunnel *next; /* of device->ended */
    bool is_ended, was_up;
    bool is_cut_by_us; /* the MPS had no part in the end of the connection */
    bool has_lost;     /* a message could not be sent whole: the stream is of no use any more */
};

/* Calling home by the firmware's policies (cira/calls.c). */
struct device_calls {
    bool is_by_policy; /* the configuration names no server */
    bool has_next;
    bool is_cut_off;    /* from a server of the configuration, by AMTNetworkEnabled 0 */
    bool has_forgotten; /* the periodic policy (FF-165) */
    struct timer sleep; /* while the host sleeps, until that */
    bool is_link_event; /* what changes now is the network */
    int trigger,
        next;    /* enum remote_access_trigger: of this call, and of the one that displaces it */
    uint32_t at; /* which server of its policy */
    char name[ADDRESS_HOST_BYTES + 2], user[65];
};

struct device {
    struct loop *loop;
    const struct device_config *config;
    struct log *log;
    struct tls_context *tls; /* NULL when offloaded */
    bool owns_tls, is_mutual;
    struct capture *capture; /* NULL: off */
    bool owns_capture;
    struct uuid uuid;
    char uuid_text[UUID_TEXT_BYTES];
    struct secret password;
    struct address server;
    struct address proxy;      /* port 0: none, the server is called directly */
    const char *expected_name; /* Common Name of the MPS */
    const char *user;
    uint64_t lifetime_us;
    struct apf_forward *forwards;
    uint32_t forward_count;
    struct amt_random random;
    enum device_state state;
    bool wants_tunnel, has_link;
    uint32_t trigger;
    uint32_t attempts_since_up;
    uint64_t away_since_us;    /* without a tunnel since then */
    struct firmware *firmware; /* NULL before it is needed */
    struct device_calls calls;
    struct tunnel *tunnel;
    struct loop_task reap; /* frees ended tunnels, later than the callbacks on them */
    struct tunnel *ended;
    char direct_mark;      /* its address is the ctx of channels that we open (direct-tcpip) */
    struct stream *orphan; /* a connection that vanished: kept open, never used again */
    struct timer retry;
    struct own_service services[DEVICE_SERVICES_MAX];
    uint32_t service_count;
    struct device_statistics statistics, answer;
    struct device_connection_log connection_log;
    uint64_t seed;
    uint32_t index;
    struct firmware_profile *profile; /* ours; NULL: the config's, or not needed yet */
    struct direct *direct;            /* NULL without own ports */
    struct device_dhcp *dhcp;         /* NULL without a real network */
};

/* cira/tunnel.c */
void tunnel_start(struct device *device);
void tunnel_vanish(struct device *device); /* no FIN, no RST, no word */
void tunnel_cut(struct device *device);
void tunnels_reap(void *ctx);
void tunnel_set_timer(struct tunnel *tunnel);
/* TLS and APF over a connection to the server, which it takes; NULL without memory. */
struct stream *tunnel_secure(struct tunnel *tunnel, struct stream *s);
/* The connection is there (and TLS, when there is any): APF begins. */
void tunnel_opened(struct tunnel *tunnel);
void tunnel_stream_ended(struct tunnel *tunnel, const struct stream_end *end);

/* An attempt that fails before it begins, with the reason. */
void tunnel_refuse(struct device *device, const char *text);

/* cira/proxy.c: HTTP CONNECT before TLS */
void proxy_init(struct tunnel *tunnel);
void proxy_ask(struct tunnel *tunnel, struct stream *s);
void proxy_forget(struct tunnel *tunnel);

/* cira/schedule.c: an attempt or a tunnel has ended; when is the next? */
void schedule_next(struct device *device, bool was_up);
/* The next attempt after a wait, with jitter. */
void schedule_retry(struct device *device, uint64_t wait_us);

/* cira/calls.c: calling by the firmware's policies */
void calls_init(struct device *device);
void calls_fini(struct device *device);
void calls_set_hooks(struct device *device, struct firmware_hooks *hooks);
/* The power was gone: what was forgotten is known again. */
void calls_power_cut(struct device *device);
/* The device is on, or asked to call for a reason of APF (0: its own). */
void calls_start(struct device *device, uint32_t apf_reason);
/* The attempt that is due. */
void calls_begin(struct device *device);
void calls_next(struct device *device, bool was_up);
/* What the firmware shows of the tunnel; without firmware nothing. */
void calls_tunnel_changed(struct device *device, bool is_up);
void calls_keepalive_changed(struct device *device, uint32_t seconds);

/* The network has another suffix; NULL: none. There must be a firmware. */
void calls_network_changed(struct device *device, const char *dns_suffix);

/* device.c */
/* The network can be reached, or not any more: as device_set_link, without a word in the log. */
void device_go_online(struct device *device, bool is_online);
bool device_is_ip_address(const char *text);

/* cira/connection_log.c: fills the record of apf.md 13.7 */
void connection_log_open(struct device *device);
void connection_log_up(struct device *device, uint32_t keepalive_interval_s);
/* is_cut_by_us: the transport's end is our doing (cable, reboot, full send queue). */
void connection_log_close(struct device *device, const struct apf_end *end, bool is_cut_by_us);
void connection_log_failure(struct device *device, const char *text, int tls_alert);

/* direct.c: the device's own ports */
enum amt_err direct_start(struct device *device, struct amt_diag *diag) AMT_MUST_USE;
void direct_update(struct device *device); /* after settings changed */
void direct_stop(struct device *device);

/* dhcp.c: the lease of a real DHCP server; until it has one the device reaches nobody. device_new. */
enum amt_err device_dhcp_start(struct device *device, struct amt_diag *diag) AMT_MUST_USE;
void device_dhcp_stop(struct device *device);

/* services.c: who answers on a channel */
void service_request(struct device *device, struct apf_channel *channel, uint32_t port);
/* A connection into the server's network, through the tunnel (direct-tcpip); NULL when none can be
 * opened now. A refusal ends it (APF-DEV-048). */
struct stream *service_connect(struct device *device, const struct address *to);
/* Callbacks of the mux, for channels that have a stream. */
void device_channel_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len);
void device_channel_drain(void *ctx, struct apf_channel *channel);
void device_channel_opened(void *ctx, struct apf_channel *channel);
void device_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                        uint32_t reason);

#endif
