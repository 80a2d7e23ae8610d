/*
 * When to call home again (apf.md 13.5). "firmware": some quick attempts, then a long pause before
 * each further one; a fixed interval otherwise. A link that comes up is a reason of its own.
 */
#include "simulator/device_internal.h"

static uint64_t with_jitter(struct device *device, uint64_t wait_us)
{
    uint64_t most_us = wait_us / 100 * device->config->cira.reconnect.jitter_percent;
    return wait_us + amt_random_below(&device->random, most_us + 1);
}

void schedule_retry(struct device *device, uint64_t wait_us)
{
    wait_us = with_jitter(device, wait_us);
    device->attempts_since_up += 1;
    LOG(device->log, LOG_INFO, "cira.retry", log_text("uuid", device->uuid_text),
        log_u64("in_us", wait_us), log_u64("attempt", device->attempts_since_up));
    timer_start(&device->retry, wait_us);
}

void schedule_next(struct device *device, bool was_up)
{
    uint32_t quick = device->config->cira.reconnect.attempts;
    if (!device->wants_tunnel || device->config->cira.reconnect.disabled) {
        device->wants_tunnel = false;
        device->state = DEVICE_OFF;
        return;
    }
    if (device->calls.is_by_policy) {
        calls_next(device, was_up);
        return;
    }
    if (was_up || device->attempts_since_up == 0) {
        device->away_since_us = loop_now_us(device->loop);
    }
    device->state = DEVICE_WAITING;
    if (!device->has_link) {
        return; /* APF-DEV-045: the link coming up starts the next attempt */
    }
    uint64_t first_us = device->config->cira.reconnect.after_us != 0
                            ? device->config->cira.reconnect.after_us
                            : device->config->cira.reconnect.first_us;
    uint64_t limit_us = device->config->cira.reconnect.give_up_after_us;
    uint64_t away_us = loop_now_us(device->loop) - device->away_since_us;
    if (limit_us != 0 && away_us >= limit_us) {
        LOG(device->log, LOG_INFO, "cira.given_up", log_text("uuid", device->uuid_text),
            log_u64("away_us", away_us), log_u64("attempts", device->attempts_since_up),
            log_u64("trigger", device->trigger));
        return; /* FF-004: only a link that comes up makes it call again */
    }
    bool is_quick = quick == 0 || device->attempts_since_up < quick;
    schedule_retry(device, is_quick ? first_us : device->config->cira.reconnect.pause_us);
}
