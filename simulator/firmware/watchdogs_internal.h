/* Shared by the files of agent presence. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_WATCHDOGS_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_WATCHDOGS_INTERNAL_H

#include "simulator/firmware/watchdogs.h"

#define WATCHDOGS_MAX            16u
#define WATCHDOG_ACTIONS_MAX     10u /* of one watchdog */
#define WATCHDOG_GUID_BYTES      16u
#define WATCHDOG_DESCRIPTION_MAX 16u
#define WATCHDOG_STATES          31u /* all bits of enum watchdog_state */

/* CurrentState, and bits of the masks of actions. */
enum watchdog_state {
    WATCHDOG_NOT_STARTED = 1,
    WATCHDOG_STOPPED = 2,
    WATCHDOG_RUNNING = 4,
    WATCHDOG_EXPIRED = 8,
    WATCHDOG_SUSPENDED = 16
};

struct watchdog_action {
    uint32_t old_states, new_states;
    bool tells; /* EventOnTransition */
    bool has_policy;
    uint32_t policy; /* ActionSd: activate or deactivate the system defense policy */
    bool eac;
};
struct watchdog {
    struct firmware *firmware;
    uint8_t guid[WATCHDOG_GUID_BYTES];
    char description[WATCHDOG_DESCRIPTION_MAX + 1];
    uint32_t startup_s, timeout_s;
    enum watchdog_state state;
    uint32_t sequence; /* the next that AssertPresence must bring */
    struct timer timer;
    struct watchdog_action actions[WATCHDOG_ACTIONS_MAX];
    uint32_t action_count;
};
struct watchdogs {
    struct watchdog *items[WATCHDOGS_MAX]; /* owned */
    uint32_t count;
};

void watchdog_enter(struct watchdog *watchdog, enum watchdog_state state);
/* Waits for the agent to register, as after a boot. */
void watchdog_start(struct watchdog *watchdog);
struct watchdog *watchdogs_find(const struct firmware *firmware,
                                const uint8_t guid[static WATCHDOG_GUID_BYTES]);
/* NULL without memory or room. */
struct watchdog *watchdogs_new(struct firmware *firmware);
void watchdogs_remove(struct firmware *firmware, struct watchdog *watchdog);

/* watchdogs_classes.c */
struct wsman_instance *watchdogs_list(struct firmware_call *call);
struct wsman_instance *watchdogs_list_actions(struct firmware_call *call);
struct wsman_instance *watchdogs_list_conditions(struct firmware_call *call);
struct wsman_instance *watchdogs_list_capabilities(struct firmware_call *call);
void watchdogs_put(struct firmware_call *call, const struct wsman_instance *old,
                   const struct wsman_instance *changed);
const struct wsman_ref *watchdogs_create(struct firmware_call *call,
                                         const struct wsman_instance *instance);
void watchdogs_delete(struct firmware_call *call, const struct wsman_instance *instance);
extern const struct firmware_method k_watchdog_methods[], k_watchdog_action_methods[];

#endif
