/* Agent presence: watchdogs that local agents keep alive, and what happens when they do not. */
#include <string.h>

#include "simulator/firmware/event_log.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/subscriptions.h"
#include "simulator/firmware/watchdogs_internal.h"

#define SENSOR_SYSTEM_EVENT 0x12
#define SENSOR_SPECIFIC     0x6f
#define SOURCE_FIRMWARE     0x68
#define AGENT_EVENT         0xaa
#define ENTITY_MANAGEMENT   0x26
#define GUID_BYTES_TOLD     6u

/* The alert of a state: iAMT0002 not started to iAMT0006 suspended. */
static const char *message_of(enum watchdog_state state)
{
    switch (state) {
    case WATCHDOG_NOT_STARTED:
        return "iAMT0002";
    case WATCHDOG_STOPPED:
        return "iAMT0003";
    case WATCHDOG_RUNNING:
        return "iAMT0004";
    case WATCHDOG_EXPIRED:
        return "iAMT0005";
    case WATCHDOG_SUSPENDED:
        return "iAMT0006";
    }
    return "iAMT0002";
}

static void tell(struct watchdog *watchdog)
{
    struct event_record record = { .device_address = 0xff,
                                   .sensor_type = SENSOR_SYSTEM_EVENT,
                                   .type = SENSOR_SPECIFIC,
                                   .source_type = SOURCE_FIRMWARE,
                                   .severity = watchdog->state == WATCHDOG_EXPIRED ? 0x10 : 0x01,
                                   .sensor_number = 0xff,
                                   .entity = ENTITY_MANAGEMENT,
                                   .data = { AGENT_EVENT } };
    memcpy(record.data + 1, watchdog->guid, GUID_BYTES_TOLD);
    record.data[1 + GUID_BYTES_TOLD] = (uint8_t)watchdog->state;
    event_log_add(watchdog->firmware, &record);
    subscriptions_alert(watchdog->firmware, message_of(watchdog->state),
                        (const char *const[]){ "0" }, 1, 2); /* as captured */
}

void watchdog_enter(struct watchdog *watchdog, enum watchdog_state state)
{
    enum watchdog_state before = watchdog->state;
    watchdog->state = state;
    if (before == state) {
        return;
    }
    for (uint32_t i = 0; i < watchdog->action_count; i++) {
        const struct watchdog_action *action = &watchdog->actions[i];
        if (action->tells && (action->old_states & before) != 0 &&
            (action->new_states & state) != 0) {
            tell(watchdog);
            break; /* one transition is one event */
        }
    }
}

static void on_timeout(void *ctx)
{
    watchdog_enter(ctx, WATCHDOG_EXPIRED);
}

void watchdog_start(struct watchdog *watchdog)
{
    watchdog_enter(watchdog, WATCHDOG_NOT_STARTED);
    if (watchdog->startup_s > 0) {
        timer_start(&watchdog->timer, watchdog->startup_s * (uint64_t)US_PER_SECOND);
    }
}

static void host_changed(struct watchdog *watchdog, enum firmware_host host)
{
    switch (host) {
    case HOST_BOOTING:
        timer_stop(&watchdog->timer);
        watchdog_start(watchdog);
        break;
    case HOST_OFF:
        timer_stop(&watchdog->timer);
        watchdog_enter(watchdog, WATCHDOG_NOT_STARTED);
        break;
    case HOST_ASLEEP:
    case HOST_HIBERNATED:
        timer_stop(&watchdog->timer);
        if (watchdog->state == WATCHDOG_RUNNING) {
            watchdog_enter(watchdog, WATCHDOG_SUSPENDED);
        }
        break;
    case HOST_OS:
        if (watchdog->state == WATCHDOG_SUSPENDED) {
            watchdog_enter(watchdog, WATCHDOG_RUNNING);
            timer_start(&watchdog->timer, watchdog->timeout_s * (uint64_t)US_PER_SECOND);
        }
        break;
    case HOST_BIOS:
    case HOST_HUNG: /* agents fall silent: they expire by themselves */
        break;
    }
}

void watchdogs_host_changed(struct firmware *firmware)
{
    for (uint32_t i = 0; firmware->watchdogs != NULL && i < firmware->watchdogs->count; i++) {
        host_changed(firmware->watchdogs->items[i], power_host(firmware));
    }
}

struct watchdog *watchdogs_find(const struct firmware *firmware,
                                const uint8_t guid[static WATCHDOG_GUID_BYTES])
{
    const struct watchdogs *watchdogs = firmware->watchdogs;
    for (uint32_t i = 0; i < watchdogs->count; i++) {
        if (memcmp(watchdogs->items[i]->guid, guid, WATCHDOG_GUID_BYTES) == 0) {
            return watchdogs->items[i];
        }
    }
    return NULL;
}

struct watchdog *watchdogs_new(struct firmware *firmware)
{
    struct watchdogs *watchdogs = firmware->watchdogs;
    struct watchdog *watchdog =
        watchdogs->count == WATCHDOGS_MAX ? NULL : amt_alloc(sizeof *watchdog);
    if (watchdog != NULL) {
        watchdog->firmware = firmware;
        watchdog->state = WATCHDOG_NOT_STARTED;
        timer_init(&watchdog->timer, firmware->loop, on_timeout, watchdog);
        watchdogs->items[watchdogs->count++] = watchdog;
    }
    return watchdog;
}

void watchdogs_remove(struct firmware *firmware, struct watchdog *watchdog)
{
    struct watchdogs *watchdogs = firmware->watchdogs;
    uint32_t at = 0;
    while (watchdogs->items[at] != watchdog) {
        at++;
    }
    watchdogs->count--;
    for (uint32_t i = at; i < watchdogs->count; i++) {
        watchdogs->items[i] = watchdogs->items[i + 1];
    }
    timer_stop(&watchdog->timer);
    amt_free(watchdog);
    firmware_changed(firmware);
}

static enum amt_err watchdogs_init(struct firmware *firmware)
{
    firmware->watchdogs = amt_alloc(sizeof *firmware->watchdogs);
    return firmware->watchdogs == NULL ? AMT_ENOMEM : AMT_OK;
}

static void remove_all(struct firmware *firmware)
{
    while (firmware->watchdogs->count > 0) {
        watchdogs_remove(firmware, firmware->watchdogs->items[0]);
    }
}

static void watchdogs_fini(struct firmware *firmware)
{
    if (firmware->watchdogs != NULL) {
        remove_all(firmware);
    }
    amt_free(firmware->watchdogs);
    firmware->watchdogs = NULL;
}

static void watchdogs_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    remove_all(firmware);
    firmware_changed(firmware);
}

static json_t *save_action(const struct watchdog_action *action)
{
    return json_pack("{s:I,s:I,s:b,s:b,s:I,s:b}", "old", (json_int_t)action->old_states, "new",
                     (json_int_t)action->new_states, "tells", action->tells, "has_policy",
                     action->has_policy, "policy", (json_int_t)action->policy, "eac", action->eac);
}

static json_t *save_one(const struct watchdog *watchdog)
{
    json_t *object = json_object(), *actions = json_array();
    bool is_whole = true;
    for (uint32_t i = 0; i < watchdog->action_count; i++) {
        is_whole &= json_array_append_new(actions, save_action(&watchdog->actions[i])) == 0;
    }
    is_whole &= json_object_set_new(object, "actions", actions) == 0;
    is_whole &= state_put_hex(object, "guid", watchdog->guid, sizeof watchdog->guid) &&
                state_put_text(object, "description", watchdog->description) &&
                state_put_u64(object, "startup", watchdog->startup_s) &&
                state_put_u64(object, "timeout", watchdog->timeout_s);
    if (!is_whole) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* What is watched, not how far it is: agents register anew. */
static json_t *watchdogs_save(struct firmware *firmware)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < firmware->watchdogs->count; i++) {
        if (json_array_append_new(list, save_one(firmware->watchdogs->items[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum amt_err load_action(const json_t *object, struct watchdog_action *action,
                                struct amt_diag *diag)
{
    TRY(state_get_u32(object, "old", WATCHDOG_STATES, &action->old_states, diag));
    TRY(state_get_u32(object, "new", WATCHDOG_STATES, &action->new_states, diag));
    TRY(state_get_bool(object, "tells", &action->tells, diag));
    TRY(state_get_bool(object, "has_policy", &action->has_policy, diag));
    TRY(state_get_u32(object, "policy", 1, &action->policy, diag));
    return state_get_bool(object, "eac", &action->eac, diag);
}

static enum amt_err load_one(struct watchdog *watchdog, const json_t *object, struct amt_diag *diag)
{
    const json_t *actions = json_object_get(object, "actions");
    TRY(state_get_hex(object, "guid", watchdog->guid, sizeof watchdog->guid, diag));
    TRY(state_get_text(object, "description", watchdog->description, sizeof watchdog->description,
                       diag));
    TRY(state_get_u32(object, "startup", UINT16_MAX, &watchdog->startup_s, diag));
    TRY(state_get_u32(object, "timeout", UINT32_MAX, &watchdog->timeout_s, diag));
    for (size_t i = 0; i < json_array_size(actions) && i < WATCHDOG_ACTIONS_MAX; i++) {
        TRY(load_action(json_array_get(actions, i), &watchdog->actions[watchdog->action_count++],
                        diag));
    }
    return AMT_OK;
}

static enum amt_err watchdogs_load(struct firmware *firmware, const json_t *state,
                                   struct amt_diag *diag)
{
    if (json_array_size(state) > WATCHDOGS_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "saved state: more watchdogs than there is room for");
    }
    remove_all(firmware);
    for (size_t i = 0; i < json_array_size(state); i++) {
        struct watchdog *watchdog = watchdogs_new(firmware);
        if (watchdog == NULL) {
            return AMT_ENOMEM;
        }
        TRY(load_one(watchdog, json_array_get(state, i), diag));
        watchdog_start(watchdog);
    }
    return AMT_OK;
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_AgentPresenceCapabilities", .list = watchdogs_list_capabilities },
    { .class_name = "AMT_AgentPresenceWatchdog",
      .write_realm = REALM_AGENT_PRESENCE_LOCAL, /* methods of agents; the rest asks for more */
      .list = watchdogs_list,
      .put = watchdogs_put,
      .create = watchdogs_create,
      .remove = watchdogs_delete,
      .methods = k_watchdog_methods },
    { .class_name = "AMT_AgentPresenceWatchdogAction",
      .list = watchdogs_list_actions,
      .methods = k_watchdog_action_methods },
    { .class_name = "AMT_StateTransitionCondition",
      .read_realm = REALM_AGENT_PRESENCE_REMOTE,
      .list = watchdogs_list_conditions },
    { .class_name = NULL },
};

const struct firmware_part k_watchdogs_part = { .name = "watchdogs",
                                                .init = watchdogs_init,
                                                .fini = watchdogs_fini,
                                                .unprovision = watchdogs_unprovision,
                                                .save = watchdogs_save,
                                                .load = watchdogs_load,
                                                .behaviours = k_behaviours };
