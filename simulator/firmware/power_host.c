#include <string.h>

#include "simulator/firmware/consent.h"
#include "simulator/firmware/event_log.h"
#include "simulator/firmware/power_internal.h"
#include "simulator/firmware/watchdogs.h"

/* IPS_HostBootReason.PreviousSxState. */
enum { SLEEP_STATE_S0 = 2, SLEEP_STATE_S3 = 5, SLEEP_STATE_S4 = 6, SLEEP_STATE_S5 = 7 };

struct host_facts {
    const char *name, *sleep_name;
    uint32_t power_state, sleep_state;
};
static const struct host_facts k_hosts[] = {
    [HOST_OFF] = { "off", "s5", POWER_OFF, SLEEP_STATE_S5 },
    [HOST_BOOTING] = { "booting", "s0", POWER_ON, SLEEP_STATE_S0 },
    [HOST_BIOS] = { "bios", "s0", POWER_ON, SLEEP_STATE_S0 },
    [HOST_OS] = { "os", "s0", POWER_ON, SLEEP_STATE_S0 },
    [HOST_HUNG] = { "hung", "s0", POWER_ON, SLEEP_STATE_S0 },
    [HOST_ASLEEP] = { "asleep", "s3", POWER_SLEEP, SLEEP_STATE_S3 },
    [HOST_HIBERNATED] = { "hibernated", "s4", POWER_HIBERNATE, SLEEP_STATE_S4 },
};

const char *firmware_host_name(enum firmware_host host)
{
    return k_hosts[host].name;
}

enum firmware_host power_host(const struct firmware *firmware)
{
    return firmware->power->host;
}

uint32_t power_state(const struct firmware *firmware)
{
    return k_hosts[firmware->power->host].power_state;
}

bool power_is_on(const struct firmware *firmware)
{
    return power_state(firmware) == POWER_ON;
}

bool power_has_posted(const struct firmware *firmware)
{
    const struct power *power = firmware->power;
    return power->host == HOST_BOOTING ? power->has_posted
                                       : power->host == HOST_OS || power->host == HOST_HUNG;
}

void power_set_host(struct firmware *firmware, enum firmware_host host)
{
    struct power *power = firmware->power;
    const struct host_facts *from = &k_hosts[power->host], *to = &k_hosts[host];
    if (host != HOST_BOOTING) {
        timer_stop(&power->boot_timer);
    }
    if (host == power->host) {
        return;
    }
    if (host != HOST_OS) {
        power->saves_power = false;
    }
    power->host = host;
    LOG(firmware->log, LOG_DEBUG, "power.host", log_text("uuid", firmware->uuid_text),
        log_text("from", from->name), log_text("to", to->name));
    if (strcmp(from->sleep_name, to->sleep_name) != 0) {
        LOG(firmware->log, LOG_INFO, "power.changed", log_text("uuid", firmware->uuid_text),
            log_text("from", from->sleep_name), log_text("to", to->sleep_name));
    }
    consent_host_changed(firmware);
    watchdogs_host_changed(firmware);
    if (firmware->hooks.host_changed != NULL) {
        firmware->hooks.host_changed(firmware->hooks.ctx);
    }
    firmware_changed(firmware);
}

void power_boot_again(struct firmware *firmware)
{
    struct power *power = firmware->power;
    power->has_posted = false;
    timer_start(&power->boot_timer, firmware->profile->config.boot_us / 2);
}

void power_boot(struct firmware *firmware, enum boot_cause cause)
{
    boot_begin(firmware, cause, k_hosts[firmware->power->host].sleep_state);
    consent_boot_began(firmware);
    LOG(firmware->log, LOG_INFO, "power.boot", log_text("uuid", firmware->uuid_text),
        log_text("into", firmware_boot_name(boot_last(firmware)->boot)));
    if (firmware->power->host == HOST_BOOTING) {
        /* A reset in the middle of a boot: the same state, yet the host side starts anew. */
        power_set_host(firmware, HOST_OFF);
    }
    power_set_host(firmware, HOST_BOOTING);
    event_log_boot(firmware, "started");
    power_boot_again(firmware);
}

/* The event that the BIOS logs when it hands over to what it boots; NULL: nothing to say. */
static const char *boot_event(enum firmware_boot boot)
{
    static const char *const k_events[BOOT_COUNT_] = {
        [BOOT_DISK] = "disk",
        [BOOT_BIOS_SETUP] = "bios",
        [BOOT_BIOS_PAUSE] = "bios",
        [BOOT_IDER_FLOPPY] = "floppy",
        [BOOT_IDER_CD] = "cd",
        [BOOT_FORCED_DISK] = "disk",
        [BOOT_SAFE_MODE] = "disk",
        [BOOT_PXE] = "pxe",
        [BOOT_CD] = "cd",
        [BOOT_DIAGNOSTIC] = "diagnostic",
        [BOOT_UEFI_HTTPS] = "https",
        [BOOT_WINRE] = "disk",
        [BOOT_PBA] = "disk",
        [BOOT_UEFI_OPTION] = "disk",
    };
    return k_events[boot];
}

static bool stays_in_bios(enum firmware_boot boot)
{
    return boot == BOOT_BIOS_SETUP || boot == BOOT_BIOS_PAUSE || boot == BOOT_ERASE;
}

void power_boot_timer(void *ctx)
{
    struct firmware *firmware = ctx;
    struct power *power = firmware->power;
    if (power->has_posted) {
        power_set_host(firmware, HOST_OS);
        event_log_boot(firmware, "os");
        return;
    }
    power->has_posted = true;
    const enum firmware_boot boot = boot_last(firmware)->boot;
    boot_post_done(firmware);
    if (boot_event(boot) != NULL) {
        event_log_boot(firmware, boot_event(boot));
    }
    if (stays_in_bios(boot)) {
        power_set_host(firmware, HOST_BIOS);
        return;
    }
    timer_start(&power->boot_timer,
                firmware->profile->config.boot_us - firmware->profile->config.boot_us / 2);
}

void power_wake(struct firmware *firmware, enum boot_cause cause)
{
    if (firmware->power->host == HOST_ASLEEP) {
        boot_resumed(firmware, cause, SLEEP_STATE_S3);
        event_log_boot(firmware, "wake");
        power_set_host(firmware, HOST_OS);
        return;
    }
    power_boot(firmware, cause);
}

static enum amt_err power_button(struct firmware *firmware)
{
    const struct power *power = firmware->power;
    const bool in_bios = power->host == HOST_BOOTING || power->host == HOST_BIOS;
    if (in_bios && boot_last(firmware)->locks_power_button) {
        return AMT_ESTATE;
    }
    if (power_is_on(firmware)) {
        power_set_host(firmware, HOST_OFF);
    } else {
        power_wake(firmware, BOOT_BY_OTHER);
    }
    return AMT_OK;
}

static enum amt_err reset_button(struct firmware *firmware)
{
    const struct power *power = firmware->power;
    const bool in_bios = power->host == HOST_BOOTING || power->host == HOST_BIOS;
    if (!power_is_on(firmware) || (in_bios && boot_last(firmware)->locks_reset_button)) {
        return AMT_ESTATE;
    }
    power_boot(firmware, BOOT_BY_OTHER);
    return AMT_OK;
}

static enum amt_err wake(struct firmware *firmware)
{
    if (power_is_on(firmware)) {
        return AMT_ESTATE;
    }
    power_wake(firmware, BOOT_BY_OTHER);
    return AMT_OK;
}

static enum amt_err boot_done(struct firmware *firmware)
{
    struct power *power = firmware->power;
    if (power->host != HOST_BOOTING && power->host != HOST_BIOS) {
        return AMT_ESTATE;
    }
    if (power->host == HOST_BOOTING && !power->has_posted) {
        boot_post_done(firmware);
    }
    power_set_host(firmware, HOST_OS);
    event_log_boot(firmware, "os");
    return AMT_OK;
}

/* What the operating system does by itself. */
static enum amt_err from_os(struct firmware *firmware, enum firmware_host host)
{
    if (firmware->power->host != HOST_OS) {
        return AMT_ESTATE;
    }
    power_set_host(firmware, host);
    return AMT_OK;
}

static enum amt_err hang(struct firmware *firmware)
{
    return from_os(firmware, HOST_HUNG);
}

static enum amt_err shutdown(struct firmware *firmware)
{
    return from_os(firmware, HOST_OFF);
}

static enum amt_err fall_asleep(struct firmware *firmware)
{
    return from_os(firmware, HOST_ASLEEP);
}

static enum amt_err hibernate(struct firmware *firmware)
{
    return from_os(firmware, HOST_HIBERNATED);
}

static enum amt_err reboot(struct firmware *firmware)
{
    if (firmware->power->host != HOST_OS) {
        return AMT_ESTATE;
    }
    power_boot(firmware, BOOT_BY_OTHER);
    return AMT_OK;
}

enum amt_err power_host_event(struct firmware *firmware, const char *event)
{
    static const struct {
        const char *name;
        enum amt_err (*fn)(struct firmware *firmware);
    } k_events[] = {
        { "power-button", power_button },
        { "reset-button", reset_button },
        { "hang", hang },
        { "shutdown", shutdown },
        { "reboot", reboot },
        { "sleep", fall_asleep },
        { "hibernate", hibernate },
        { "wake", wake },
        { "boot-done", boot_done },
    };
    for (size_t i = 0; i < sizeof k_events / sizeof k_events[0]; i++) {
        if (strcmp(event, k_events[i].name) == 0) {
            return k_events[i].fn(firmware);
        }
    }
    return AMT_EUNKNOWN;
}
