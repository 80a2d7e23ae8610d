/* Verbs of devices: cira.*, device.*. */
#include <string.h>

#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/verb.h"
#include "simulator/firmware/power.h"

#define TRIGGER_NAMES 5u

static uint32_t trigger_of(struct strand *strand)
{
    static const char *const k_names[TRIGGER_NAMES] = { "none", "user", "alert", "provisioning",
                                                        "periodic" };
    const char *name = step_text(strand, "trigger", "none");
    for (uint32_t i = 0; i < TRIGGER_NAMES; i++) {
        if (strcmp(k_names[i], name) == 0) {
            return i;
        }
    }
    return 0;
}

/* Waits for the tunnel unless `wait: false`; what passes until then is no matter of expectations. */
enum step_state verb_cira_connect_start(struct strand *strand)
{
    struct device *device = actor_device(strand->step.actor);
    uint64_t *failures = pool_alloc(&strand->run->pool, sizeof *failures);
    strand->step.state = failures;
    *failures = device_statistics(device)->cira_failures;
    device_connect(device, trigger_of(strand));
    return step_bool(strand, "wait", true) ? STEP_WAITS : STEP_DONE;
}

enum step_state verb_cira_connect_poll(struct strand *strand)
{
    struct actor *actor = strand->step.actor;
    struct device *device = actor_device(actor);
    const struct device_connection_log *log = device_connection_log(device);
    if (device_state(device) == DEVICE_UP) {
        actor_skip_items(actor);
        return STEP_DONE;
    }
    if (device_statistics(device)->cira_failures > *(const uint64_t *)strand->step.state) {
        return step_fail(strand, "connect", "the device could not connect: %s",
                         log->failure[0] == '\0' ? "no reason is known" : log->failure);
    }
    return step_is_late(strand)
               ? step_fail(strand, "timeout", "the device did not connect in time (%s)",
                           device_state_name(device_state(device)))
               : STEP_WAITS;
}

static bool parse_reason(const char *text, uint32_t *reason)
{
    static const struct reason_name {
        const char *name;
        uint32_t reason;
    } k_names[] = { { "by_application", APF_BY_APPLICATION },
                    { "protocol_error", APF_PROTOCOL_ERROR },
                    { "connection_lost", APF_CONNECTION_LOST },
                    { "too_many_connections", APF_TOO_MANY_CONNECTIONS },
                    { "connection_timed_out", APF_CONNECTION_TIMED_OUT } };
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        if (strcmp(k_names[i].name, text) == 0) {
            *reason = k_names[i].reason;
            return true;
        }
    }
    if (text_parse_u64(text, UINT32_MAX, &number) != AMT_OK) {
        return false;
    }
    *reason = (uint32_t)number;
    return true;
}

enum step_state verb_cira_disconnect(struct strand *strand)
{
    struct actor *actor = strand->step.actor;
    uint32_t reason = APF_BY_APPLICATION;
    const char *text = step_text(strand, "reason", "by_application");
    if (!parse_reason(text, &reason)) {
        return step_fail(strand, "setup",
                         "'reason' is '%s'; wanted by_application, protocol_error, "
                         "connection_lost, too_many_connections, connection_timed_out or a number",
                         text);
    }
    if (actor->kind == &k_actor_mps) {
        struct uuid uuid;
        if (uuid_parse(step_text(strand, "device", ""), &uuid) != AMT_OK ||
            mps_disconnect_device(actor_mps_server(actor), &uuid, reason) != AMT_OK) {
            return step_fail(strand, "setup", "the device '%s' is not online",
                             step_text(strand, "device", ""));
        }
        return STEP_DONE;
    }
    device_disconnect(actor_device(actor), reason);
    return STEP_DONE;
}

enum step_state verb_cira_keepalive_start(struct strand *strand)
{
    struct device *device = actor_device(strand->step.actor);
    if (device_state(device) != DEVICE_UP) {
        return step_fail(strand, "setup", "the device has no tunnel");
    }
    uint64_t *replies = pool_alloc(&strand->run->pool, sizeof *replies);
    strand->step.state = replies;
    *replies = device_statistics(device)->keepalive_replies_in;
    apf_device_session_keepalive(device_session(device), loop_now_us(strand->run->loop));
    return STEP_WAITS;
}

enum step_state verb_cira_keepalive_poll(struct strand *strand)
{
    const uint64_t *replies = strand->step.state;
    struct device *device = actor_device(strand->step.actor);
    if (device_statistics(device)->keepalive_replies_in > *replies) {
        return STEP_DONE;
    }
    return step_is_late(strand) ? step_fail(strand, "timeout", "the keepalive was not answered")
                                : STEP_WAITS;
}

/* Announces the ports given; those in `cancel` are taken back. */
enum step_state verb_cira_rebind(struct strand *strand)
{
    struct device *device = actor_device(strand->step.actor);
    const struct value *ports = step_argument(strand, "ports"),
                       *cancel = step_argument(strand, "cancel");
    const struct value *const lists_of[] = { ports, cancel };
    if (device_state(device) != DEVICE_UP) {
        return step_fail(strand, "setup", "the device has no tunnel");
    }
    for (uint32_t i = 0; i < 2; i++) {
        for (const struct value *at = lists_of[i] == NULL ? NULL : lists_of[i]->first; at != NULL;
             at = at->next) {
            if (apf_device_session_forward(device_session(device), (uint32_t)at->number, i == 0,
                                           loop_now_us(strand->run->loop)) != AMT_OK) {
                return step_fail(strand, "setup", "port %lld cannot be announced now",
                                 (long long)at->number);
            }
        }
    }
    return STEP_DONE;
}

enum step_state verb_device_unplug(struct strand *strand)
{
    device_set_link(actor_device(strand->step.actor), false);
    return STEP_DONE;
}

enum step_state verb_device_plug(struct strand *strand)
{
    device_set_link(actor_device(strand->step.actor), true);
    return STEP_DONE;
}

enum step_state verb_device_reboot(struct strand *strand)
{
    device_reboot(actor_device(strand->step.actor), step_duration(strand, "after", 30000000));
    return STEP_DONE;
}

enum step_state verb_device_network(struct strand *strand)
{
    struct amt_diag diag = { .err = AMT_OK };
    const char *suffix = step_text(strand, "dns_suffix", "");
    bool is_static = strcmp(step_text(strand, "ip", "dhcp"), "static") == 0;
    if (device_set_network(actor_device(strand->step.actor), suffix[0] == '\0' ? NULL : suffix,
                           is_static, &diag) != AMT_OK) {
        return step_fail(strand, "setup", "%s", diag.text);
    }
    return STEP_DONE;
}

/* The wall clock of the whole virtual world: one world, one clock. */
enum step_state verb_device_clock(struct strand *strand)
{
    const char *text = step_text(strand, "skew", "0");
    bool is_back = text[0] == '-';
    uint64_t us = 0;
    if (text_parse_duration(is_back ? text + 1 : text, &us) != AMT_OK || us > INT64_MAX) {
        return step_fail(strand, "setup", "'skew' is '%s'; wanted a duration such as 3h or -1d",
                         text);
    }
    if (!loop_is_virtual(strand->run->loop)) {
        return step_fail(strand, "setup", "the clock can only be moved in virtual time");
    }
    loop_wall_shift(strand->run->loop, is_back ? -(int64_t)us : (int64_t)us);
    return STEP_DONE;
}

/* What happens at the machine: a button, the operating system, a boot that ends. */
enum step_state verb_power_set(struct strand *strand)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct firmware *firmware = device_firmware(actor_device(strand->step.actor), &diag);
    const char *event = step_text(strand, "event", "");
    if (firmware == NULL) {
        return step_fail(strand, "setup", "there is no firmware: %s", diag.text);
    }
    enum amt_err err = power_host_event(firmware, event);
    if (err == AMT_OK) {
        return STEP_DONE;
    }
    return err == AMT_EUNKNOWN
               ? step_fail(strand, "setup",
                           "'event' is '%s'; wanted power-button, reset-button, hang, shutdown, "
                           "reboot, sleep, hibernate, wake or boot-done",
                           event)
               : step_fail(strand, "setup", "the host cannot do '%s' now: it is %s", event,
                           firmware_host_name(power_host(firmware)));
}
