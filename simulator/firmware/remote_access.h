/* Remote access (CIRA) as configured over WS-Man: wsman.md 4.7, 4.8. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_REMOTE_ACCESS_H
#define AMTLAB_SIMULATOR_FIRMWARE_REMOTE_ACCESS_H

#include "simulator/firmware/firmware_internal.h"

/* Triggers, as in policies and in the APF protocol. */
enum remote_access_trigger {
    REMOTE_ACCESS_USER,
    REMOTE_ACCESS_ALERT,
    REMOTE_ACCESS_PERIODIC,
    REMOTE_ACCESS_HOME
};
/* Where to call, for a trigger. Texts are borrowed until the next change. */
struct remote_access_target {
    const char *access_info, *common_name, *user, *password;
    uint16_t port;
    bool is_mutual;
    const char *certificate; /* InstanceID, for mutual authentication */
    uint32_t lifetime_s;     /* TunnelLifeTime, 0 = no limit */
};

extern const struct firmware_part k_remote_access_part;
/* The at-th MPS (0, 1) of the policy of a trigger; false if there is none. */
bool remote_access_target(const struct firmware *firmware, enum remote_access_trigger trigger,
                          uint32_t at, struct remote_access_target *target);
/* Environment detection: whether the device takes itself to be outside (then it may call home). */
bool remote_access_is_outside(const struct firmware *firmware);
/* The DNS suffix of the network it is in (scenarios change it); NULL: none. */
void remote_access_set_network(struct firmware *firmware, const char *dns_suffix);
/* User initiated (BIOS or OS), by interface state; AMT_ESTATE when disabled. */
enum amt_err remote_access_user_connect(struct firmware *firmware, bool from_bios) AMT_MUST_USE;
/* The tunnel tells its state, for RemoteAccessService.IsRemoteTunnelConnected. */
void remote_access_tunnel_changed(struct firmware *firmware, bool is_up);
bool remote_access_uses_certificate(const struct firmware *firmware, const char *instance_id);

#endif
