/* Remote access (CIRA) as configured over WS-Man: wsman.md 4.7, 4.8. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_REMOTE_ACCESS_H
#define AMTLAB_SIMULATOR_FIRMWARE_REMOTE_ACCESS_H

#include "simulator/firmware/firmware_internal.h"

/* Triggers, numbered as in policies; the APF protocol numbers them otherwise (apf.md 13.2). */
enum remote_access_trigger {
    REMOTE_ACCESS_USER,
    REMOTE_ACCESS_ALERT,
    REMOTE_ACCESS_PERIODIC,
    REMOTE_ACCESS_HOME,
    REMOTE_ACCESS_TRIGGER_COUNT_
};
/* The reason that APF carries for a trigger. */
uint32_t remote_access_apf_reason(enum remote_access_trigger trigger);
/* Where to call, for a trigger. Texts are borrowed until the next change. */
struct remote_access_target {
    const char *access_info, *common_name, *user, *password;
    uint16_t port;
    bool is_mutual;
    const char *certificate; /* InstanceID, for mutual authentication */
    uint32_t lifetime_s;     /* TunnelLifeTime, 0 = no limit */
};

extern const struct firmware_part k_remote_access_part;
/* The at-th MPS (0, 1) that the policy of a trigger names for the network the device is in now: an
 * external one outside, an internal one inside (apf.md 13.4). False if there is none. */
bool remote_access_target(const struct firmware *firmware, enum remote_access_trigger trigger,
                          uint32_t at, struct remote_access_target *target);
/* Environment detection (apf.md 13.4; FF-152, FF-153): where the device takes itself to be. Unknown with
 * a static address of its own, which has no suffix. */
enum remote_access_place { REMOTE_ACCESS_INSIDE, REMOTE_ACCESS_OUTSIDE, REMOTE_ACCESS_UNKNOWN };
enum remote_access_place remote_access_place(const struct firmware *firmware);
/* Whether it takes itself to be outside. */
bool remote_access_is_outside(const struct firmware *firmware);
/* The network settings have changed: detection runs again once the answer has left. */
void remote_access_network_changed(struct firmware_call *call);
/* The DNS suffix of the network it is in (scenarios change it); NULL: none. Detection runs again. */
void remote_access_set_network(struct firmware *firmware, const char *dns_suffix);
/* The HTTP proxy of the network the device is in: the first whose NetworkDnsSuffix is the network's
 * (wsman.md 4.8). False if there is none. */
bool remote_access_proxy(const struct firmware *firmware, struct address *proxy);
/* How long after now the periodic policy calls: its interval, or the time until its hour. False when
 * it does not call: no such policy, or no server of it that may be called from here. */
bool remote_access_periodic_wait(const struct firmware *firmware, uint64_t *wait_us);
/* Whether the periodic policy calls at an hour of the day, not after an interval. */
bool remote_access_is_daily(const struct firmware *firmware);
/* An event is to go to a network address: calls home when the alert policy wants it (apf.md 13.3). */
void remote_access_alert(struct firmware *firmware);
/* A connection for an event: through the tunnel when the device is outside and has one. NULL with
 * *is_later: the alert policy is setting one up, ask again; NULL otherwise: it cannot be made. */
struct stream *remote_access_connect(struct firmware *firmware, const struct address *to,
                                     uint64_t limit_us, bool *is_later);
/* User initiated (BIOS or OS), by interface state; AMT_ESTATE when disabled, or when no policy names a
 * server for it. */
enum amt_err remote_access_user_connect(struct firmware *firmware, bool from_bios) AMT_MUST_USE;
/* The caller tells what it does: an attempt for a trigger begins, at the
 * at-th server of its policy; the tunnel is up, gone or failed; its
 * keepalive interval (seconds). Shown by RemoteAccessService and RemoteAccessCapabilities. */
void remote_access_call_started(struct firmware *firmware, enum remote_access_trigger trigger,
                                uint32_t at);
void remote_access_tunnel_changed(struct firmware *firmware, bool is_up);
void remote_access_set_keepalive(struct firmware *firmware, uint32_t seconds);
bool remote_access_uses_certificate(const struct firmware *firmware, const char *instance_id);

#endif
