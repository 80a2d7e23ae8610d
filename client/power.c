#include "client/power.h"

#include <string.h>

#define WAIT_STEP_US    US_PER_SECOND
#define OS_POWER_SAVING 3u
#define OS_FULL_POWER   2u

static const struct power_word {
    const char *word;
    uint32_t number;
} k_words[] = { { "on", 2 },        { "sleep", 4 },     { "cycle", 5 },
                { "hibernate", 7 }, { "off", 8 },       { "reset", 10 },
                { "nmi", 11 },      { "soft-off", 12 }, { "soft-reset", 14 } };
const char *const k_client_power_words[] = { "on",    "sleep", "cycle",    "hibernate",  "off",
                                             "reset", "nmi",   "soft-off", "soft-reset", NULL };

uint32_t client_power_number(const char *word)
{
    for (size_t i = 0; i < sizeof k_words / sizeof k_words[0]; i++) {
        if (strcmp(k_words[i].word, word) == 0) {
            return k_words[i].number;
        }
    }
    return 0;
}

const char *client_power_state_name(uint32_t state)
{
    static const char *const k_names[] = { "unknown", "other", "on",         "light sleep", "sleep",
                                           "cycling", "off",   "hibernated", "off (soft)" };
    return state < sizeof k_names / sizeof k_names[0] ? k_names[state] : "in transition";
}

bool client_power_read(struct client_device *d, struct client_power *power)
{
    struct wsman_instance *items = NULL;
    *power = (struct client_power){ .possible = NULL };
    if (!client_enumerate(d, "CIM_ServiceAvailableToElement", &items)) {
        return false;
    }
    const struct wsman_instance *service = items;
    while (service != NULL && !wsman_has(service, "PowerState")) {
        service = service->next;
    }
    if (service == NULL) {
        return client_fail(d, WSMAN_GARBLED,
                           "CIM_ServiceAvailableToElement lists nothing with a PowerState");
    }
    power->state = (uint32_t)wsman_get_u64(service, "PowerState", 0);
    power->possible = wsman_get_values(service, "AvailableRequestedPowerStates");
    const struct wsman_instance *os = client_get(d, "IPS_PowerManagementService", NULL, NULL);
    if (os == NULL && !client_is_absent(d)) {
        return false;
    }
    power->os_saving = (uint32_t)wsman_get_u64(os, "OSPowerSavingState", 0);
    return true;
}

static const struct wsman_ref *managed_system(struct client_device *d)
{
    return wsman_ref_new(d->arena, "CIM_ComputerSystem", 2, "CreationClassName",
                         "CIM_ComputerSystem", "Name", "ManagedSystem");
}

static bool wake_system(struct client_device *d)
{
    const struct wsman_instance *os = client_get(d, "IPS_PowerManagementService", NULL, NULL);
    if (os == NULL) {
        return client_is_absent(d);
    }
    if (wsman_get_u64(os, "OSPowerSavingState", 0) != OS_POWER_SAVING) {
        return true;
    }
    struct wsman_instance *input = client_input(d);
    wsman_set_u64(input, "OSPowerSavingState", OS_FULL_POWER);
    wsman_set_ref(input, "ManagedElement", managed_system(d));
    return client_invoke(d, "IPS_PowerManagementService", "RequestOSPowerSavingStateChange", input);
}

bool client_power_request(struct client_device *d, uint32_t requested)
{
    if (requested == 2 && !wake_system(d)) {
        return false;
    }
    struct wsman_instance *input = client_input(d);
    wsman_set_u64(input, "PowerState", requested);
    wsman_set_ref(input, "ManagedElement", managed_system(d));
    if (client_invoke(d, "CIM_PowerManagementService", "RequestPowerStateChange", input)) {
        return true;
    }
    if (d->outcome.result == WSMAN_DONE) {
        (void)amt_diag_hint(
            &d->outcome.diag,
            "the host is not in a state for that, a redirection session is open, or "
            "a change is under way: see `amtlab power show`");
    }
    return false;
}

static void let_pass(struct loop *loop)
{
    (void)loop_run_until(loop, NULL, NULL, loop_now_us(loop) + WAIT_STEP_US);
}

bool client_power_wait(struct client_device *d, struct loop *loop, bool is_on, uint64_t limit_us)
{
    uint64_t deadline = loop_now_us(loop) + limit_us;
    struct client_power power;
    for (;;) {
        bool is_known = client_power_read(d, &power);
        if (is_known && (power.state == 2) == is_on) {
            return true;
        }
        /* The tunnel may go for a while when the host changes its power (FF-115). */
        bool is_gone = d->outcome.result == WSMAN_UNREACHABLE || d->outcome.result == WSMAN_LOST;
        if (!is_known && !is_gone) {
            return false;
        }
        if (loop_now_us(loop) >= deadline) {
            return is_known ? client_fail(d, WSMAN_LATE, "the host is still %s",
                                          client_power_state_name(power.state))
                            : false;
        }
        let_pass(loop);
    }
}
