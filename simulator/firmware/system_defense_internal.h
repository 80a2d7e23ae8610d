/* Shared by the files of system defense. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_SYSTEM_DEFENSE_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_SYSTEM_DEFENSE_INTERNAL_H

#include "simulator/firmware/system_defense.h"

/* What was made, as texts: each entry has its number `handle`, from which its InstanceID is made. */
struct system_defense {
    json_t *filters;  /* [{class, handle, settings}] */
    json_t *policies; /* [{handle, settings, timeout, ports: [{class, id, enabled}]}] */
    uint32_t next_handle;
    uint64_t reset_s; /* when the statistics were last reset */
};

struct system_defense *defense_state(const struct firmware *firmware);
/* System defense is for Admin Control Mode alone (wsman.md 5.2): sets the fault else. */
bool defense_is_legal(struct firmware_call *call);
void defense_fail(struct firmware_call *call, enum wsman_fault fault, const char *detail);
/* Fields of an entry; "" for a text that is not there. */
uint32_t defense_handle(const json_t *entry);
const char *defense_text(const json_t *entry, const char *key);
/* InstanceID of an entry: "... Filter 3", "... Policy 3". */
void defense_format_id(const json_t *entry, bool is_filter, char id[static 64]);
/* Index of the entry with that InstanceID; -1. */
int defense_find(const json_t *entries, bool is_filter, const char *instance_id);

/* system_defense_rules.c */
struct wsman_instance *defense_filter(struct firmware_call *call, const json_t *entry);
struct wsman_instance *defense_policy(struct firmware_call *call, const json_t *entry);
/* Whether the policy lists the filter among its FilterCreationHandles. */
bool defense_policy_has_filter(const json_t *policy, uint32_t handle);
struct wsman_instance *defense_list_hdr8021(struct firmware_call *call);
struct wsman_instance *defense_list_ip(struct firmware_call *call);
const struct wsman_ref *defense_create_filter(struct firmware_call *call,
                                              const struct wsman_instance *instance);
void defense_remove_filter(struct firmware_call *call, const struct wsman_instance *instance);
struct wsman_instance *defense_list_policies(struct firmware_call *call);
const struct wsman_ref *defense_create_policy(struct firmware_call *call,
                                              const struct wsman_instance *instance);
void defense_put_policy(struct firmware_call *call, const struct wsman_instance *old,
                        const struct wsman_instance *changed);
void defense_remove_policy(struct firmware_call *call, const struct wsman_instance *instance);
extern const struct firmware_method k_defense_policy_methods[];

/* system_defense_ports.c */
/* Whether the reference is to a port of this machine. */
bool defense_is_port(struct firmware_call *call, const struct wsman_ref *ref);
struct wsman_instance *defense_list_bindings(struct firmware_call *call);
const struct wsman_ref *defense_create_binding(struct firmware_call *call,
                                               const struct wsman_instance *instance);
void defense_remove_binding(struct firmware_call *call, const struct wsman_instance *instance);
struct wsman_instance *defense_list_statistics(struct firmware_call *call);
struct wsman_instance *defense_list_filters_in_policies(struct firmware_call *call);

#endif
