/*
 * Power requests: what is legal when (wsman.md 4.15), and what comes of it a moment later. WS-Man and
 * the tunnel live on whatever the host does.
 */
#include "simulator/firmware/power.h"

#include <string.h>

#include "simulator/firmware/consent.h"
#include "simulator/firmware/power_internal.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/user_alerts.h"

#define HOST_BIT(host) (1u << (host))
#define HOSTS_ON \
    (HOST_BIT(HOST_BOOTING) | HOST_BIT(HOST_BIOS) | HOST_BIT(HOST_OS) | HOST_BIT(HOST_HUNG))
#define HOSTS_SLEEPING   (HOST_BIT(HOST_ASLEEP) | HOST_BIT(HOST_HIBERNATED))
#define VALUES_KNOWN_MAX 17u /* of CIM_PowerManagementService; larger ones are reserved */

struct request_rule {
    uint32_t value;
    uint32_t since;          /* release */
    uint32_t hosts;          /* mask of HOST_BIT where it is legal */
    bool refused_in_session; /* while a redirection session is open (RED-075) */
};
/* In the order in which a device lists them as available. Sleep, hibernation and the graceful forms
 * are done by an agent in the operating system. */
static const struct request_rule k_rules[] = {
    { POWER_RESET, 0, HOSTS_ON, false },
    { POWER_OFF, 0, HOSTS_ON | HOSTS_SLEEPING, true },
    { POWER_CYCLE, 0, HOSTS_ON, true },
    { POWER_NMI, 0, HOSTS_ON, false },
    { POWER_SLEEP, 900, HOST_BIT(HOST_OS), false },
    { POWER_HIBERNATE, 900, HOST_BIT(HOST_OS), false },
    { POWER_RESET_GRACEFUL, 900, HOST_BIT(HOST_OS), false },
    { POWER_OFF_GRACEFUL, 900, HOST_BIT(HOST_OS), false },
    { POWER_ON, 0, HOST_BIT(HOST_OFF) | HOSTS_SLEEPING, false },
};
_Static_assert(sizeof k_rules / sizeof k_rules[0] == POWER_STATES_MAX, "POWER_STATES_MAX");

static const struct request_rule *find_rule(const struct firmware *firmware, uint32_t value)
{
    for (size_t i = 0; i < POWER_STATES_MAX; i++) {
        if (k_rules[i].value == value && firmware_is_release(firmware, k_rules[i].since)) {
            return &k_rules[i];
        }
    }
    return NULL;
}

static bool is_legal(const struct firmware *firmware, const struct request_rule *rule)
{
    return (rule->hosts & HOST_BIT(firmware->power->host)) != 0 &&
           !(rule->refused_in_session && redirection_any_open(firmware));
}

/* WSM-092 */
uint32_t power_available(const struct firmware *firmware, uint32_t states[static POWER_STATES_MAX])
{
    uint32_t count = 0;
    for (size_t i = 0; i < POWER_STATES_MAX; i++) {
        if (firmware_is_release(firmware, k_rules[i].since) && is_legal(firmware, &k_rules[i])) {
            states[count++] = k_rules[i].value;
        }
    }
    return count;
}

static void apply(struct firmware *firmware, uint32_t value, enum boot_cause cause)
{
    switch ((enum power_value)value) {
    case POWER_ON:
        power_wake(firmware, cause);
        break;
    case POWER_SLEEP:
        power_set_host(firmware, HOST_ASLEEP);
        break;
    case POWER_HIBERNATE:
        power_set_host(firmware, HOST_HIBERNATED);
        break;
    case POWER_OFF:
    case POWER_OFF_GRACEFUL:
    case POWER_CYCLE:
        power_set_host(firmware, HOST_OFF);
        break;
    case POWER_RESET:
    case POWER_RESET_GRACEFUL:
        power_boot(firmware, cause);
        break;
    case POWER_NMI:
        /* A diagnostic interrupt stops an operating system; a BIOS does not care. */
        if (firmware->power->host == HOST_OS) {
            power_set_host(firmware, HOST_HUNG);
        }
        break;
    }
}

static void take_effect(void *ctx)
{
    struct firmware *firmware = ctx;
    struct power *power = firmware->power;
    const uint32_t value = power->pending;
    if (power->is_cycling) {
        power->is_cycling = false;
        power->pending = 0;
        if (power->host == HOST_OFF) {
            power_boot(firmware, power->cause);
        }
        return;
    }
    power->pending = 0;
    const struct request_rule *rule = find_rule(firmware, value);
    if (rule == NULL || (rule->hosts & HOST_BIT(power->host)) == 0) {
        return; /* the host went elsewhere meanwhile: somebody pressed a button */
    }
    if (value == POWER_CYCLE) {
        power->pending = value;
        power->is_cycling = true;
        timer_start(&power->request_timer, firmware->profile->config.power_delay_us);
    }
    apply(firmware, value, power->cause);
}

/* Graceful requests go to the host's service, which has the operating system do it. */
static void tell_host(struct firmware *firmware, uint32_t value)
{
    switch (value) {
    case POWER_OFF_GRACEFUL:
        user_alert(firmware, USER_ALERT_SHUTDOWN);
        break;
    case POWER_RESET_GRACEFUL:
        user_alert(firmware, USER_ALERT_REBOOT);
        break;
    case POWER_SLEEP:
        user_alert(firmware, USER_ALERT_SLEEP);
        break;
    case POWER_HIBERNATE:
        user_alert(firmware, USER_ALERT_HIBERNATE);
        break;
    default:
        break;
    }
}

static uint32_t request(struct firmware *firmware, uint32_t value, enum boot_cause cause)
{
    struct power *power = firmware->power;
    const struct request_rule *rule = find_rule(firmware, value);
    if (rule == NULL) {
        return value == 0 || value > VALUES_KNOWN_MAX ? STATE_CHANGE_INVALID_PARAMETER
                                                      : STATE_CHANGE_NOT_SUPPORTED;
    }
    if (power->pending != 0 || !is_legal(firmware, rule)) {
        return STATE_CHANGE_FAILED;
    }
    power->pending = value;
    power->cause = cause;
    timer_start(&power->request_timer, firmware->profile->config.power_delay_us);
    tell_host(firmware, value);
    LOG(firmware->log, LOG_INFO, "power.requested", log_text("uuid", firmware->uuid_text),
        log_u64("state", value));
    return STATE_CHANGE_DONE;
}

/* WSM-091 */
uint32_t power_request(struct firmware *firmware, uint32_t requested_state)
{
    return request(firmware, requested_state, BOOT_BY_REMOTE_CONTROL);
}

void power_alarm(struct firmware *firmware)
{
    /* A host that is on stays as it is. */
    (void)request(firmware, POWER_ON, BOOT_BY_ALARM);
}

const char *power_scheme(const struct firmware *firmware)
{
    const struct power *power = firmware->power;
    if (power->scheme[0] != '\0') {
        return power->scheme;
    }
    /* Delivered with the last one, which keeps the engine on in all sleep states. */
    const struct profile_class *schemes =
        firmware_profile_class(firmware->profile, "AMT_SystemPowerScheme");
    const struct wsman_instance *at = schemes == NULL ? NULL : schemes->instances;
    while (at != NULL && at->next != NULL) {
        at = at->next;
    }
    const char *id = wsman_get(at, "InstanceID");
    return id == NULL ? "" : id;
}

static enum amt_err power_init(struct firmware *firmware)
{
    struct power *power = amt_alloc(sizeof *power);
    if (power == NULL) {
        return AMT_ENOMEM;
    }
    firmware->power = power;
    power->firmware = firmware;
    power->cause = BOOT_BY_OTHER;
    timer_init(&power->request_timer, firmware->loop, take_effect, firmware);
    timer_init(&power->boot_timer, firmware->loop, power_boot_timer, firmware);
    power->host = (enum firmware_host)firmware->profile->config.host;
    if (power->host == HOST_BOOTING) {
        power_boot_again(firmware);
    }
    return AMT_OK;
}

static void power_fini(struct firmware *firmware)
{
    if (firmware->power != NULL) {
        timer_stop(&firmware->power->request_timer);
        timer_stop(&firmware->power->boot_timer);
    }
    amt_free(firmware->power);
    firmware->power = NULL;
}

static void power_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    firmware->power->scheme[0] = '\0';
    firmware_changed(firmware);
}

static json_t *power_save(struct firmware *firmware)
{
    const struct power *power = firmware->power;
    json_t *state = json_object();
    const bool is_whole = state_put_text(state, "host", firmware_host_name(power->host)) &&
                          state_put_bool(state, "saves_power", power->saves_power) &&
                          state_put_text(state, "scheme", power->scheme);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err power_load(struct firmware *firmware, const json_t *state,
                               struct amt_diag *diag)
{
    struct power *power = firmware->power;
    char name[16] = "";
    TRY(state_get_text(state, "host", name, sizeof name, diag));
    TRY(state_get_bool(state, "saves_power", &power->saves_power, diag));
    TRY(state_get_text(state, "scheme", power->scheme, sizeof power->scheme, diag));
    if (name[0] == '\0') {
        return AMT_OK;
    }
    for (uint32_t host = HOST_OFF; host <= HOST_HIBERNATED; host++) {
        if (strcmp(name, firmware_host_name((enum firmware_host)host)) == 0) {
            power->host = (enum firmware_host)host;
            timer_stop(&power->boot_timer);
            if (power->host == HOST_BOOTING) {
                power_boot_again(firmware);
            }
            return AMT_OK;
        }
    }
    return amt_diag_set(diag, AMT_ECONFIG, "saved state: unknown host state '%s'", name);
}

const struct firmware_part k_power_part = { .name = "power",
                                            .init = power_init,
                                            .fini = power_fini,
                                            .unprovision = power_unprovision,
                                            .save = power_save,
                                            .load = power_load,
                                            .behaviours = k_power_behaviours };
