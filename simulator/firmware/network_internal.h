/* Shared by the files of the network part. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_NETWORK_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_NETWORK_INTERNAL_H

#include "simulator/firmware/network.h"

#define NETWORK_PORTS         2u /* 0 wired, 1 wireless */
#define NETWORK_HANDLE_BYTES  64u
#define NETWORK_WIFI_NAME_MAX 32u

/* Certificates that an 802.1X setting names, by InstanceID; "" for none. */
struct network_certificates {
    char client[NETWORK_HANDLE_BYTES], root[NETWORK_HANDLE_BYTES];
};

enum network_wifi_state {
    NETWORK_WIFI_OFF = 3,
    NETWORK_WIFI_ON_S0 = 32768,
    NETWORK_WIFI_ON_SX = 32769
};

struct network {
    json_t *addresses; /* of the wired port: property name -> text, as the last Put gave them */
    bool ipv6[NETWORK_PORTS];
    uint64_t link_me_until_us; /* the management engine keeps the wireless link; 0: the host does */
    bool link_override;        /* CancelLinkProtection */
    bool is_unplugged;         /* the cable of the wired port is out */
    uint32_t wifi_state;       /* enum network_wifi_state */
    /* [{name, settings: {Property: text}, ieee8021x: {Property: text}, client, root}], as added */
    json_t *wifi;
    struct network_wire wire;
    bool has_wire;                              /* wire counts */
    struct network_certificates wired, profile; /* IPS_IEEE8021xSettings, AMT_8021XProfile */
};

/* Refuses with AccessDenied what is not legal before provisioning (wsman.md 5.2). */
bool network_may_write(struct firmware_call *call);
/* Port number at the end of an InstanceID or Name; 0 when there is none. */
uint32_t network_port_of(const struct wsman_instance *instance);
/* Takes away what is never read back. */
void network_hide_secrets(struct wsman_instance *instance);
/* The InstanceID of a reference to an existing certificate, copied; false for anything else. A NULL
 * reference is none: "". */
bool network_take_certificate(const struct firmware *firmware, const struct wsman_ref *ref,
                              char handle[static NETWORK_HANDLE_BYTES]);

/* network_ports.c */
void network_fill_port(struct firmware_call *call, struct wsman_instance *instance);
void network_put_port(struct firmware_call *call, const struct wsman_instance *old,
                      const struct wsman_instance *changed);
struct wsman_instance *network_list_ports(struct firmware_call *call);
extern const struct firmware_method k_network_port_methods[];
void network_fill_ethernet(struct firmware_call *call, struct wsman_instance *instance);
struct wsman_instance *network_list_ipv6(struct firmware_call *call);
void network_put_ipv6(struct firmware_call *call, const struct wsman_instance *old,
                      const struct wsman_instance *changed);
/* Whether the port has a link now. */
bool network_link_is_up(const struct firmware *firmware, uint32_t port);

/* network_wifi.c */
struct wsman_instance *network_list_wifi(struct firmware_call *call);
void network_put_wifi(struct firmware_call *call, const struct wsman_instance *old,
                      const struct wsman_instance *changed);
void network_remove_wifi(struct firmware_call *call, const struct wsman_instance *instance);
void network_fill_wifi_service(struct firmware_call *call, struct wsman_instance *instance);
void network_put_wifi_service(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed);
extern const struct firmware_method k_network_wifi_methods[];
void network_fill_wifi_endpoint(struct firmware_call *call, struct wsman_instance *instance);
void network_fill_wifi_port(struct firmware_call *call, struct wsman_instance *instance);
extern const struct firmware_method k_network_wifi_port_methods[];
/* The profile the wireless link uses: the one of the highest priority; NULL: the link is down. */
const json_t *network_wifi_active(const struct firmware *firmware);
/* InstanceID of the profile's settings, for references. */
const char *network_wifi_id(struct arena *arena, const char *prefix, const json_t *profile);
#define NETWORK_WIFI_PREFIX "Intel(r) AMT:WiFi Endpoint Settings "
#define NETWORK_EAP_PREFIX  "Intel(r) AMT:IEEE 802.1x Settings "

/* network_8021x.c */
struct wsman_instance *network_list_eap(struct firmware_call *call);
void network_put_eap(struct firmware_call *call, const struct wsman_instance *old,
                     const struct wsman_instance *changed);
void network_fill_wired_8021x(struct firmware_call *call, struct wsman_instance *instance);
void network_put_wired_8021x(struct firmware_call *call, const struct wsman_instance *old,
                             const struct wsman_instance *changed);
extern const struct firmware_method k_network_wired_8021x_methods[];
void network_fill_profile_8021x(struct firmware_call *call, struct wsman_instance *instance);
void network_put_profile_8021x(struct firmware_call *call, const struct wsman_instance *old,
                               const struct wsman_instance *changed);
struct wsman_instance *network_list_contexts(struct firmware_call *call);
const struct wsman_ref *network_create_context(struct firmware_call *call,
                                               const struct wsman_instance *instance);
void network_remove_context(struct firmware_call *call, const struct wsman_instance *instance);
struct wsman_instance *network_list_wired_contexts(struct firmware_call *call);

#endif
