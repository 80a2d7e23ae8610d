/*
 * Whom to call home to, and when, by the policies that were configured over WS-Man (apf.md 13.3 to
 * 13.5): the triggers and their priority, two servers per policy, and the tunnel's end when nothing
 * asks for it any more. Used by devices whose configuration names no server.
 */
#include <string.h>
#include <strings.h>

#include "simulator/cira/target.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/remote_access.h"

static bool is_active(const struct device *device)
{
    return device->calls.is_by_policy && device->wants_tunnel;
}

static enum remote_access_trigger trigger_of(const struct device *device)
{
    return (enum remote_access_trigger)device->calls.trigger;
}

/* apf.md 13.3: the user before alerts before the clock. */
static int priority(enum remote_access_trigger trigger)
{
    switch (trigger) {
    case REMOTE_ACCESS_USER:
        return 3;
    case REMOTE_ACCESS_ALERT:
        return 2;
    case REMOTE_ACCESS_HOME:
        return 1;
    case REMOTE_ACCESS_PERIODIC:
    case REMOTE_ACCESS_TRIGGER_COUNT_:
        break;
    }
    return 0;
}

static uint64_t lifetime_us(const struct remote_access_target *target)
{
    return target->lifetime_s * (uint64_t)US_PER_SECOND;
}

/* FF-165: firmware may forget its periodic policy while the host sleeps. */
static bool periodic_wait(const struct device *device, uint64_t *wait_us)
{
    return !device->calls.has_forgotten && remote_access_periodic_wait(device->firmware, wait_us);
}

static void on_slept_long(void *ctx)
{
    struct device *device = ctx;
    LOG(device->log, LOG_INFO, "cira.forgotten", log_text("uuid", device->uuid_text));
    device->calls.has_forgotten = true;
    if (device->tunnel == NULL) {
        timer_stop(&device->retry);
        device->state = DEVICE_OFF;
    }
}

static void on_host_changed(void *ctx)
{
    struct device *device = ctx;
    enum firmware_host host = power_host(device->firmware);
    bool is_asleep = host == HOST_ASLEEP || host == HOST_HIBERNATED;
    uint64_t limit_us = device->config->cira.forgets_after_sleep_us;
    if (!is_asleep) {
        timer_stop(&device->calls.sleep);
    } else if (device->calls.is_by_policy && limit_us != 0 &&
               !timer_is_running(&device->calls.sleep)) {
        timer_start(&device->calls.sleep, limit_us);
    }
}

void calls_init(struct device *device)
{
    timer_init(&device->calls.sleep, device->loop, on_slept_long, device);
}

void calls_fini(struct device *device)
{
    timer_stop(&device->calls.sleep);
}

void calls_power_cut(struct device *device)
{
    device->calls.has_forgotten = false;
}

/* No server may be called now: the next call is the periodic policy's, if there is one. */
static void wait_for_period(struct device *device)
{
    uint64_t wait_us = 0;
    uint32_t quick = device->config->cira.reconnect.attempts;
    device->calls.trigger = REMOTE_ACCESS_PERIODIC;
    device->calls.at = 0;
    if (!periodic_wait(device, &wait_us)) {
        device->state = DEVICE_OFF;
        return;
    }
    device->state = DEVICE_WAITING;
    if (!device->has_link) {
        return; /* APF-DEV-045: the link coming up starts the next attempt */
    }
    if (quick != 0 && device->attempts_since_up >= quick &&
        wait_us < device->config->cira.reconnect.pause_us) {
        wait_us = device->config->cira.reconnect.pause_us;
    }
    schedule_retry(device, wait_us);
}

void calls_begin(struct device *device)
{
    struct remote_access_target target;
    struct amt_diag diag = { .err = AMT_OK };
    bool is_forgotten = device->calls.has_forgotten && trigger_of(device) == REMOTE_ACCESS_PERIODIC;
    if (is_forgotten ||
        !remote_access_target(device->firmware, trigger_of(device), device->calls.at, &target)) {
        wait_for_period(device);
        return;
    }
    device->trigger = remote_access_apf_reason(trigger_of(device));
    enum amt_err err = target_set(device, &target, &diag);
    remote_access_call_started(device->firmware, trigger_of(device), device->calls.at);
    if (err != AMT_OK) {
        tunnel_refuse(device, diag.text);
        return;
    }
    tunnel_start(device);
}

void calls_next(struct device *device, bool was_up)
{
    struct device_calls *calls = &device->calls;
    struct remote_access_target target;
    if (!device->wants_tunnel) {
        calls->has_next = false;
        device->state = DEVICE_OFF;
        return;
    }
    if (calls->has_next) { /* a trigger of higher priority has displaced the tunnel */
        calls->has_next = false;
        calls->trigger = calls->next;
        calls->at = 0;
    } else if (!was_up &&
               remote_access_target(device->firmware, trigger_of(device), calls->at + 1, &target)) {
        calls->at += 1; /* the first cannot be reached: the alternative, at once (APF-DEV-046) */
    } else {
        wait_for_period(device);
        return;
    }
    device->state = DEVICE_WAITING;
    timer_start(&device->retry, 0);
}

static void end_tunnel(struct device *device)
{
    if (device->tunnel->session != NULL) {
        apf_device_session_disconnect(device->tunnel->session, APF_BY_APPLICATION,
                                      loop_now_us(device->loop)); /* APF-DEV-044 */
    } else {
        tunnel_cut(device);
    }
}

static bool is_same_server(const struct device *device, const struct remote_access_target *target)
{
    return device->server.port == target->port &&
           strcasecmp(device->server.host, target->access_info) == 0;
}

/* APF-DEV-046: a higher trigger for another server drops the tunnel; else it stays, and may live as
 * long as the longer of the two lifetimes. */
static void judge_trigger(struct device *device, enum remote_access_trigger trigger,
                          const struct remote_access_target *target)
{
    bool is_higher = priority(trigger) > priority(trigger_of(device));
    if (is_higher && !is_same_server(device, target)) {
        device->calls.has_next = true;
        device->calls.next = (int)trigger;
        end_tunnel(device);
        return;
    }
    if (is_higher) {
        device->calls.trigger = (int)trigger;
        device->calls.at = 0;
        remote_access_call_started(device->firmware, trigger, 0);
    }
    uint64_t longer_us = lifetime_us(target);
    if (device->lifetime_us != 0 && (longer_us == 0 || longer_us > device->lifetime_us)) {
        device->lifetime_us = longer_us;
    }
    if (device->tunnel->session != NULL) {
        apf_device_session_extend(device->tunnel->session, longer_us, loop_now_us(device->loop));
        tunnel_set_timer(device->tunnel);
    }
}

static void on_call_home(void *ctx, uint32_t trigger)
{
    struct device *device = ctx;
    struct remote_access_target target;
    if (!is_active(device) || !device->has_link ||
        !remote_access_target(device->firmware, (enum remote_access_trigger)trigger, 0, &target)) {
        return;
    }
    if (device->tunnel != NULL) {
        judge_trigger(device, (enum remote_access_trigger)trigger, &target);
        return;
    }
    timer_stop(&device->retry);
    device->calls.trigger = (int)trigger;
    device->calls.at = 0;
    device->attempts_since_up = 0;
    calls_begin(device);
}

/* apf.md 13.5: a new policy or environment is tried at once, unless the policy names an hour. */
static void call_or_wait(struct device *device)
{
    uint64_t wait_us = 0;
    timer_stop(&device->retry);
    device->attempts_since_up = 0;
    device->calls.trigger = REMOTE_ACCESS_PERIODIC;
    device->calls.at = 0;
    if (!periodic_wait(device, &wait_us)) {
        device->state = DEVICE_OFF;
    } else if (remote_access_is_daily(device->firmware)) {
        wait_for_period(device);
    } else {
        calls_begin(device);
    }
}

/* FF-157: what was just configured is looked at now, later, or at the next event of the link. */
static void start_new_policies(struct device *device)
{
    uint64_t delay_us = device->config->cira.start_delay_us;
    bool is_link_event = device->calls.is_link_event;
    uint64_t wait_us = 0;
    bool may_call = periodic_wait(device, &wait_us);
    if (device->config->cira.start == DEVICE_START_ON_LINK_EVENT && !is_link_event) {
        return; /* a call that was waiting goes on waiting */
    }
    if (delay_us == 0 || is_link_event || !may_call || remote_access_is_daily(device->firmware)) {
        call_or_wait(device);
    } else if (!timer_is_running(&device->retry)) {
        device->state = DEVICE_WAITING;
        timer_start(&device->retry, delay_us);
    }
}

/* The settings or the network have changed. A tunnel that is up stays as it is as long as its policy
 * still has a server that may be called from here (wsman.md 5.3). */
static void on_changed(void *ctx)
{
    struct device *device = ctx;
    struct remote_access_target target;
    if (device->calls.is_cut_off && provisioning_network_is_on(device->firmware)) {
        device->calls.is_cut_off = false;
        device_connect(device, 0);
        return;
    }
    if (!is_active(device)) {
        return;
    }
    if (device->tunnel == NULL) {
        if (device->has_link) {
            start_new_policies(device);
        }
    } else if (!remote_access_target(device->firmware, trigger_of(device), 0, &target)) {
        end_tunnel(device); /* APF-DEV-047 */
    }
}

/* CloseRemoteAccessConnection; or the end of provisioning, or of all networking: then nobody calls. */
static void on_close_tunnel(void *ctx)
{
    struct device *device = ctx;
    bool is_cut_off = !provisioning_network_is_on(device->firmware);
    bool is_over = firmware_mode(device->firmware) == FIRMWARE_NOT_PROVISIONED || is_cut_off;
    if (!device->calls.is_by_policy && is_over) {
        device->calls.is_cut_off = is_cut_off && device->wants_tunnel;
        device_disconnect(device, APF_BY_APPLICATION);
    } else if (device->tunnel != NULL) {
        end_tunnel(device);
    }
}

static struct stream *on_connect(void *ctx, const struct address *to)
{
    return service_connect(ctx, to);
}

void calls_set_hooks(struct device *device, struct firmware_hooks *hooks)
{
    hooks->remote_access_changed = on_changed;
    hooks->call_home = on_call_home;
    hooks->close_tunnel = on_close_tunnel;
    hooks->connect = on_connect;
    hooks->host_changed = on_host_changed;
    hooks->ctx = device;
}

void calls_network_changed(struct device *device, const char *dns_suffix)
{
    device->calls.is_link_event = true;
    remote_access_set_network(device->firmware, dns_suffix);
    device->calls.is_link_event = false;
}

enum amt_err device_set_network(struct device *device, const char *dns_suffix, bool is_static,
                                struct amt_diag *diag)
{
    if (device_firmware(device, diag) == NULL) {
        return AMT_ECONFIG;
    }
    LOG(device->log, LOG_INFO, "device.network", log_text("uuid", device->uuid_text),
        log_text("dns_suffix", dns_suffix == NULL ? "" : dns_suffix),
        log_bool("is_static", is_static));
    if (network_set_static(device->firmware, is_static) != AMT_OK) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    calls_network_changed(device, dns_suffix);
    return AMT_OK;
}

void calls_start(struct device *device, uint32_t apf_reason)
{
    struct remote_access_target target;
    enum amt_err err = AMT_OK;
    if (apf_reason == remote_access_apf_reason(REMOTE_ACCESS_USER)) {
        err = remote_access_user_connect(device->firmware, false);
    } else if (apf_reason == remote_access_apf_reason(REMOTE_ACCESS_ALERT)) {
        remote_access_alert(device->firmware);
    } else if (remote_access_is_outside(device->firmware) &&
               remote_access_target(device->firmware, REMOTE_ACCESS_HOME, 0, &target)) {
        on_call_home(device, REMOTE_ACCESS_HOME);
    } else if (device->tunnel == NULL && device->has_link) {
        call_or_wait(device);
    }
    if (err != AMT_OK) {
        LOG(device->log, LOG_WARN, "cira.not_allowed", log_text("uuid", device->uuid_text),
            log_u64("trigger", apf_reason));
    }
}

/* The trigger of a call that the configuration asked for, by its number in APF. */
static void tell_trigger(const struct device *device)
{
    for (int i = 0; i < REMOTE_ACCESS_TRIGGER_COUNT_; i++) {
        if (remote_access_apf_reason((enum remote_access_trigger)i) == device->trigger) {
            remote_access_call_started(device->firmware, (enum remote_access_trigger)i, 0);
        }
    }
}

void calls_tunnel_changed(struct device *device, bool is_up)
{
    if (device->firmware == NULL) {
        return;
    }
    remote_access_tunnel_changed(device->firmware, is_up);
    if (is_up && !device->calls.is_by_policy) {
        tell_trigger(device);
        calls_keepalive_changed(device, device->connection_log.keepalive_interval_s);
    }
}

void calls_keepalive_changed(struct device *device, uint32_t seconds)
{
    if (device->firmware != NULL) {
        remote_access_set_keepalive(device->firmware, seconds);
    }
}
