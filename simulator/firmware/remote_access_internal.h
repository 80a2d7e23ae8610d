/* Shared by the files of remote access: what was configured, and helpers. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_REMOTE_ACCESS_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_REMOTE_ACCESS_INTERNAL_H

#include "simulator/firmware/remote_access.h"

/* Limits of the simulator; what a device takes is in its AMT_RemoteAccessCapabilities. */
#define REMOTE_ACCESS_SERVERS_MAX  8u
#define REMOTE_ACCESS_POLICIES_MAX ((uint32_t)REMOTE_ACCESS_TRIGGER_COUNT_)
#define REMOTE_ACCESS_LINKS_MAX    2u
#define REMOTE_ACCESS_PROXIES_MAX  16u
#define REMOTE_ACCESS_DOMAINS_MAX  5u   /* apf.md 13.1 */
#define REMOTE_ACCESS_DOMAIN_BYTES 190u /* wsman.md 4.7 */
#define REMOTE_ACCESS_HOST_BYTES   255u /* of a name in the DNS */
#define REMOTE_ACCESS_USER_BYTES   64u
#define REMOTE_ACCESS_DATA_BYTES   32u

/* InfoFormat */
#define REMOTE_ACCESS_IPV4 3u
#define REMOTE_ACCESS_IPV6 4u
#define REMOTE_ACCESS_NAME 201u

/* EnabledState of AMT_UserInitiatedConnectionService: two bits above this. */
#define USER_INTERFACES_NONE 32768u
#define USER_INTERFACE_BIOS  1u
#define USER_INTERFACE_OS    2u

enum remote_access_mps_type { MPS_EXTERNAL, MPS_INTERNAL, MPS_BOTH };

/* A management presence server with its credential: three instances over WS-Man (WSM-079). */
struct remote_access_server {
    char access_info[REMOTE_ACCESS_HOST_BYTES + 1];
    char common_name[REMOTE_ACCESS_HOST_BYTES + 1]; /* "" without one */
    uint32_t format;
    uint16_t port;
    bool is_mutual;
    char user[REMOTE_ACCESS_USER_BYTES + 1], password[REMOTE_ACCESS_USER_BYTES + 1];
    char certificate[REMOTE_ACCESS_HOST_BYTES + 1]; /* InstanceID, when is_mutual */
};
/* A server of a policy. */
struct remote_access_link {
    uint32_t server; /* index into servers */
    uint32_t mps_type, order;
};
struct remote_access_policy {
    enum remote_access_trigger trigger;
    uint32_t lifetime_s;
    uint8_t data[REMOTE_ACCESS_DATA_BYTES]; /* ExtendedData */
    uint32_t data_len;
    struct remote_access_link links[REMOTE_ACCESS_LINKS_MAX];
    uint32_t link_count;
};
struct remote_access_proxy {
    char access_info[REMOTE_ACCESS_HOST_BYTES + 1], suffix[REMOTE_ACCESS_DOMAIN_BYTES + 1];
    uint32_t format, number; /* of its name */
    uint16_t port;
};
/* A list of texts that a Put replaces as a whole. */
struct remote_access_texts {
    char *items[REMOTE_ACCESS_DOMAINS_MAX];
    uint32_t count;
};

struct remote_access {
    /* The index is the N of their names; NULL: free. */
    struct remote_access_server *servers[REMOTE_ACCESS_SERVERS_MAX];
    struct remote_access_policy *policies[REMOTE_ACCESS_POLICIES_MAX]; /* as created; no gaps */
    struct remote_access_proxy *proxies[REMOTE_ACCESS_PROXIES_MAX];    /* by priority; no gaps */
    uint32_t policy_count, proxy_count;
    struct remote_access_texts domains, prefixes; /* of environment detection */
    bool syncs_proxies, routes_vpn;
    char defense_policy[REMOTE_ACCESS_USER_BYTES + 1]; /* InstanceID, for the outside; "" without */
    uint32_t user_interfaces;                          /* mask of USER_INTERFACE_… */
    bool user_asked_from_bios, has_user_asked;
    char *network; /* DNS suffix the network hands out; NULL: none. Not kept: it is outside */
    bool is_tunnel_up, is_calling, has_called;
    enum remote_access_trigger last_trigger;
    uint32_t last_at;     /* which server of its policy */
    uint32_t keepalive_s; /* 0: none */
};

/* remote_access.c */
/* A limit that the profile states in AMT_RemoteAccessCapabilities, at most `most`. */
uint32_t remote_access_limit(const struct firmware *firmware, const char *property, uint32_t most);
/* The configuration has changed: kept, and the caller is told once the answer has left. */
void remote_access_changed(struct firmware_call *call);
void remote_access_tell_caller(struct firmware *firmware);
/* The event that says what detection has found, and why (FF-152). */
void remote_access_log_place(const struct firmware *firmware);
bool remote_access_host_is_valid(const char *text, uint32_t format);
/* Copies a text into a field of its size; false when it is too long. */
bool remote_access_copy(char *out, size_t cap, const char *text);

/* remote_access_servers.c */
/* Index of the server that a reference to AMT_ManagementPresenceRemoteSAP names, or -1. */
int remote_access_server_of(const struct firmware *firmware, const struct wsman_ref *ref);
const struct wsman_ref *remote_access_server_ref(struct firmware_call *call, uint32_t server);
void remote_access_server_free(struct remote_access_server *server);
struct wsman_instance *remote_access_list_servers(struct firmware_call *call);
void remote_access_remove_server(struct firmware_call *call, const struct wsman_instance *instance);
struct wsman_instance *remote_access_list_logins(struct firmware_call *call);
void remote_access_put_login(struct firmware_call *call, const struct wsman_instance *old,
                             const struct wsman_instance *changed);
struct wsman_instance *remote_access_list_contexts(struct firmware_call *call);
/* CIM_RemoteAccessAvailableToElement */
struct wsman_instance *remote_access_list_available(struct firmware_call *call);
firmware_method_fn remote_access_add_server;

/* remote_access_policies.c */
/* A number of ExtendedData: four bytes in network order. */
uint32_t remote_access_word(const uint8_t *bytes);
bool remote_access_policy_is_valid(enum remote_access_trigger trigger, const uint8_t *data,
                                   size_t len);
struct wsman_instance *remote_access_list_policies(struct firmware_call *call);
void remote_access_put_policy(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed);
void remote_access_remove_policy(struct firmware_call *call, const struct wsman_instance *instance);
struct wsman_instance *remote_access_list_links(struct firmware_call *call);
void remote_access_put_link(struct firmware_call *call, const struct wsman_instance *old,
                            const struct wsman_instance *changed);
firmware_method_fn remote_access_add_policy;
struct remote_access_policy *remote_access_policy(const struct firmware *firmware,
                                                  enum remote_access_trigger trigger);

/* By PolicyRuleName; NULL. */
struct remote_access_policy *remote_access_policy_named(const struct firmware *firmware,
                                                        const char *name);

/* remote_access_born.c */
/* Servers, policies, domains and proxies of the profile's instances; what does not fit is left out with
 * an event. AMT_ENOMEM. */
enum amt_err remote_access_born(struct firmware *firmware) AMT_MUST_USE;

/* remote_access_environment.c */
void remote_access_fill_environment(struct firmware_call *call, struct wsman_instance *instance);
void remote_access_put_environment(struct firmware_call *call, const struct wsman_instance *old,
                                   const struct wsman_instance *changed);
void remote_access_texts_clear(struct remote_access_texts *texts);
/* Appends a copy. AMT_ENOMEM, AMT_ELIMIT. */
enum amt_err remote_access_texts_add(struct remote_access_texts *texts,
                                     const char *text) AMT_MUST_USE;
firmware_method_fn remote_access_enable_vpn, remote_access_set_defense;
/* AMT_EnvironmentDetectionInterfacePolicy */
struct wsman_instance *remote_access_list_defense(struct firmware_call *call);

/* remote_access_proxies.c */
struct wsman_instance *remote_access_list_proxies(struct firmware_call *call);
void remote_access_remove_proxy(struct firmware_call *call, const struct wsman_instance *instance);
void remote_access_fill_proxy_service(struct firmware_call *call, struct wsman_instance *instance);
void remote_access_put_proxy_service(struct firmware_call *call, const struct wsman_instance *old,
                                     const struct wsman_instance *changed);
firmware_method_fn remote_access_add_proxy, remote_access_raise_proxy;

/* remote_access_state.c: save and load */
json_t *remote_access_save(struct firmware *firmware);
enum amt_err remote_access_load(struct firmware *firmware, const json_t *state,
                                struct amt_diag *diag);
void remote_access_clear(struct remote_access *remote_access);

#endif
