/* Host power: what is legal when, and what comes of it (wsman.md 4.15). */
#include "simulator/firmware/power.h"

#include <string.h>

#include "base/unit.h"
#include "simulator/firmware/alarms_internal.h"
#include "simulator/firmware/boot.h"
#include "simulator/firmware/consent_internal.h"
#include "simulator/firmware/power_internal.h"
#include "simulator/firmware/tests/power_rig.h"

#define ASSOCIATION "CIM_AssociatedPowerManagementService"
#define SERVICE     "CIM_PowerManagementService"

static const char *available(struct power_rig *rig)
{
    return power_rig_list(rig, ASSOCIATION, "AvailableRequestedPowerStates");
}

static void assert_power(struct power_rig *rig, const char *state, const char *states)
{
    assert_string_equal(power_rig_read(rig, ASSOCIATION, "PowerState"), state);
    assert_string_equal(available(rig), states);
}

static void power_off_and_on_take_effect_after_the_delay(void **state) /* WSM-091 WSM-092 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_power(&rig, "2", "10 8 5 11 4 7 14 12");
    assert_int_equal(power_rig_request(&rig, 8), 0);
    assert_power(&rig, "2", "10 8 5 11 4 7 14 12"); /* not yet */
    power_rig_advance(&rig, 2);
    assert_power(&rig, "8", "2");
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    assert_int_equal(rig.host_changes, 1);

    assert_int_equal(power_rig_request(&rig, 2), 0);
    power_rig_advance(&rig, 2);
    assert_power(&rig, "2", "10 8 5 11"); /* nobody there to sleep or shut down gracefully */
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    power_rig_advance(&rig, 10);
    assert_power(&rig, "2", "10 8 5 11 4 7 14 12");
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    assert_int_equal(rig.host_changes, 3);
    assert_string_equal(rig.power_events, "s0-s5 disk s5-s0");
    power_rig_stop(&rig);
}

static void enumerating_services_gives_one_association_in_every_power_state(void **state)
{
    (void)state; /* WSM-045; the interface lives on while the host is off */
    struct power_rig rig;
    power_rig_start(&rig, "host: off");
    assert_int_equal(power_rig_count(&rig, "CIM_ServiceAvailableToElement"), 1);
    const struct xml_node *item = xml_child(rig.body->first, NULL, "Items")->first;
    assert_string_equal(item->name, ASSOCIATION);
    assert_string_equal(xml_child_text(item, NULL, "PowerState"), "8");
    power_rig_stop(&rig);
}

/* One row of the table of wsman.md 4.15: requests that are taken in a host state. */
struct row {
    const char *host;
    const char *state, *taken; /* of 2 4 5 7 8 10 11 12 14 */
};

static void each_request_is_taken_exactly_where_it_is_legal(void **state) /* WSM-091 WSM-092 */
{
    (void)state;
    static const struct row k_rows[] = {
        { "off", "8", "2" },          { "booting", "2", "5 8 10 11" },
        { "bios", "2", "5 8 10 11" }, { "os", "2", "4 5 7 8 10 11 12 14" },
        { "hung", "2", "5 8 10 11" }, { "asleep", "4", "2 8" },
        { "hibernated", "7", "2 8" },
    };
    static const uint32_t k_requests[] = { 2, 4, 5, 7, 8, 10, 11, 12, 14 };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct text taken = { 0 };
        for (size_t r = 0; r < sizeof k_requests / sizeof k_requests[0]; r++) {
            struct power_rig rig;
            char yaml[32];
            snprintf(yaml, sizeof yaml, "host: %s", k_rows[i].host);
            power_rig_start(&rig, yaml);
            assert_string_equal(power_rig_read(&rig, ASSOCIATION, "PowerState"), k_rows[i].state);
            uint64_t answer = power_rig_request(&rig, k_requests[r]);
            if (answer == 0) {
                text_printf(&taken, "%s%u", taken.len > 0 ? " " : "", k_requests[r]);
            } else {
                assert_int_equal(answer, 2);
            }
            power_rig_stop(&rig);
        }
        assert_string_equal(text_chars(&taken), k_rows[i].taken);
        text_fini(&taken);
    }
}

static void what_amt_does_not_know_is_refused_by_kind(void **state)
{
    (void)state;
    static const uint32_t k_unsupported[] = { 1, 3, 6, 9, 13, 15, 16, 17 };
    struct power_rig rig;
    power_rig_start(&rig, "");
    for (size_t i = 0; i < sizeof k_unsupported / sizeof k_unsupported[0]; i++) {
        assert_int_equal(power_rig_request(&rig, k_unsupported[i]), 1);
    }
    assert_int_equal(power_rig_request(&rig, 0), 5);
    assert_int_equal(power_rig_request(&rig, 18), 5);
    assert_int_equal(power_rig_call(&rig, SERVICE, "RequestPowerStateChange", "", ""), 5);
    power_rig_advance(&rig, 30);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    assert_int_equal(rig.host_changes, 0);
    power_rig_stop(&rig);
}

static void only_the_managed_system_can_be_switched(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    static const char k_amt[] =
        "<r:PowerState>8</r:PowerState><r:ManagedElement><a:Address>default</a:Address>"
        "<a:ReferenceParameters><w:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
        "CIM_ComputerSystem</w:ResourceURI><w:SelectorSet><w:Selector Name=\"Name\">Intel(r) AMT"
        "</w:Selector></w:SelectorSet></a:ReferenceParameters></r:ManagedElement>";
    assert_int_equal(power_rig_call(&rig, SERVICE, "RequestPowerStateChange", "", k_amt), 5);
    power_rig_stop(&rig);
}

static void sleep_and_graceful_requests_came_with_release_9(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "version: 8.1.40");
    assert_power(&rig, "2", "10 8 5 11");
    assert_int_equal(power_rig_request(&rig, 4), 1);
    assert_int_equal(power_rig_request(&rig, 12), 1);
    power_rig_stop(&rig);
    power_rig_start(&rig, "version: 9.0.2");
    assert_power(&rig, "2", "10 8 5 11 4 7 14 12");
    power_rig_stop(&rig);
}

static void a_second_request_is_refused_while_one_is_under_way(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(power_rig_request(&rig, 10), 0);
    assert_int_equal(power_rig_request(&rig, 8), 2);
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    assert_int_equal(power_rig_request(&rig, 8), 0);
    power_rig_stop(&rig);
}

static void a_power_cycle_goes_through_off(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(power_rig_request(&rig, 5), 0);
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    assert_int_equal(power_rig_request(&rig, 2), 2); /* it is coming up by itself */
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    assert_int_equal(boot_last(rig.firmware)->cause, BOOT_BY_REMOTE_CONTROL);
    power_rig_advance(&rig, 10);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    power_rig_stop(&rig);
}

static void sleep_hibernation_and_what_wakes_from_them(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(power_rig_request(&rig, 4), 0);
    power_rig_advance(&rig, 2);
    assert_power(&rig, "4", "8 2");
    assert_int_equal(power_rig_request(&rig, 2), 0);
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_OS); /* no boot out of S3 */
    assert_string_equal(power_rig_read(&rig, "IPS_HostBootReason", "PreviousSxState"), "5");

    assert_int_equal(power_rig_request(&rig, 7), 0);
    power_rig_advance(&rig, 2);
    assert_power(&rig, "7", "8 2");
    assert_int_equal(power_rig_request(&rig, 2), 0);
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    assert_string_equal(power_rig_read(&rig, "IPS_HostBootReason", "PreviousSxState"), "6");
    assert_string_equal(power_rig_value(&rig, "Reason"), "2");
    power_rig_stop(&rig);
}

static void graceful_requests_leave_a_host_alone_that_hangs_before_their_time(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(power_rig_request(&rig, 12), 0);
    assert_int_equal(power_host_event(rig.firmware, "hang"), AMT_OK);
    power_rig_advance(&rig, 5);
    assert_int_equal(power_host(rig.firmware), HOST_HUNG);
    assert_int_equal(power_rig_request(&rig, 14), 2);
    assert_int_equal(power_rig_request(&rig, 10), 0); /* the reset works */
    power_rig_advance(&rig, 12);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    assert_int_equal(power_rig_request(&rig, 12), 0);
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    power_rig_stop(&rig);
}

static void a_diagnostic_interrupt_stops_the_operating_system_alone(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(power_rig_request(&rig, 11), 0);
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_HUNG);
    assert_power(&rig, "2", "10 8 5 11");
    power_rig_stop(&rig);
    power_rig_start(&rig, "host: bios");
    assert_int_equal(power_rig_request(&rig, 11), 0);
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_BIOS);
    power_rig_stop(&rig);
}

static void an_open_session_keeps_power_from_being_cut(void **state) /* RED-075 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_SOL, NULL));
    assert_power(&rig, "2", "10 11 4 7 14 12");
    assert_int_equal(power_rig_request(&rig, 8), 2);
    assert_int_equal(power_rig_request(&rig, 5), 2);
    assert_int_equal(power_rig_request(&rig, 10), 0);
    power_rig_advance(&rig, 2);
    assert_true(redirection_is_open(rig.firmware, REDIRECTION_SOL)); /* it lives through a reset */
    redirection_session_ended(rig.firmware, REDIRECTION_SOL);
    assert_int_equal(power_rig_request(&rig, 8), 0);
    power_rig_stop(&rig);
}

static void the_front_panel_and_the_user_do_what_they_can(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: off");
    struct firmware *firmware = rig.firmware;
    assert_int_equal(power_host_event(firmware, "explode"), AMT_EUNKNOWN);
    assert_int_equal(power_host_event(firmware, "hang"), AMT_ESTATE);
    assert_int_equal(power_host_event(firmware, "reset-button"), AMT_ESTATE);
    assert_int_equal(power_host_event(firmware, "power-button"), AMT_OK);
    assert_int_equal(power_host(firmware), HOST_BOOTING);
    assert_int_equal(boot_last(firmware)->cause, BOOT_BY_OTHER);
    assert_int_equal(power_host_event(firmware, "boot-done"), AMT_OK);
    assert_int_equal(power_host(firmware), HOST_OS);
    assert_int_equal(power_host_event(firmware, "boot-done"), AMT_ESTATE);
    assert_int_equal(power_host_event(firmware, "wake"), AMT_ESTATE);
    assert_int_equal(power_host_event(firmware, "sleep"), AMT_OK);
    assert_int_equal(power_state(firmware), 4);
    assert_int_equal(power_host_event(firmware, "wake"), AMT_OK);
    assert_int_equal(power_host_event(firmware, "hibernate"), AMT_OK);
    assert_int_equal(power_state(firmware), 7);
    assert_int_equal(power_host_event(firmware, "wake"), AMT_OK);
    assert_int_equal(power_host(firmware), HOST_BOOTING);
    power_rig_advance(&rig, 10);
    assert_int_equal(power_host_event(firmware, "reboot"), AMT_OK);
    assert_int_equal(power_host_event(firmware, "reset-button"), AMT_OK);
    power_rig_advance(&rig, 10);
    assert_int_equal(power_host_event(firmware, "shutdown"), AMT_OK);
    assert_int_equal(power_state(firmware), 8);
    power_rig_stop(&rig);
}

static void a_reset_in_the_middle_of_a_boot_starts_it_anew(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: booting");
    power_rig_advance(&rig, 4);
    assert_false(power_has_posted(rig.firmware));
    power_rig_advance(&rig, 4);
    assert_true(power_has_posted(rig.firmware));
    const uint32_t before = rig.host_changes;
    assert_int_equal(power_host_event(rig.firmware, "reset-button"), AMT_OK);
    assert_true(rig.host_changes > before); /* who waits for the host hears of it */
    power_rig_advance(&rig, 8);
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    power_rig_advance(&rig, 2);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    power_rig_stop(&rig);
}

static uint64_t request_saving(struct power_rig *rig, const char *value)
{
    char parameters[100];
    snprintf(parameters, sizeof parameters, "<r:OSPowerSavingState>%s</r:OSPowerSavingState>",
             value);
    return power_rig_call(rig, "IPS_PowerManagementService", "RequestOSPowerSavingStateChange", "",
                          parameters);
}

static void the_operating_system_saves_power_on_request(void **state)
{
    (void)state;
    static const char k_class[] = "IPS_PowerManagementService";
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_string_equal(power_rig_read(&rig, k_class, "OSPowerSavingState"), "2");
    assert_int_equal(request_saving(&rig, "3"), 0);
    assert_string_equal(power_rig_read(&rig, k_class, "OSPowerSavingState"), "3");
    assert_string_equal(power_rig_read(&rig, ASSOCIATION, "PowerState"), "2");
    assert_int_equal(request_saving(&rig, "1"), 5);
    assert_int_equal(request_saving(&rig, "2"), 0);
    assert_string_equal(power_rig_read(&rig, k_class, "OSPowerSavingState"), "2");
    assert_int_equal(request_saving(&rig, "3"), 0);
    assert_int_equal(power_host_event(rig.firmware, "hang"), AMT_OK);
    assert_string_equal(power_rig_read(&rig, k_class, "OSPowerSavingState"), "2");
    assert_int_equal(request_saving(&rig, "3"), 2);
    power_rig_stop(&rig);
    power_rig_start(&rig, "version: 9.1.45"); /* before release 10 there is no such class */
    power_rig_get(&rig, k_class);
    assert_string_equal(power_rig_fault(&rig), "DestinationUnreachable");
    power_rig_stop(&rig);
}

/* The scheme that CIM_ElementSettingData marks as current. */
static uint32_t current_schemes(struct power_rig *rig, const char *scheme)
{
    uint32_t found = 0;
    (void)power_rig_count(rig, "CIM_ElementSettingData");
    const struct xml_node *items = xml_child(rig->body->first, NULL, "Items");
    const struct xml_node *item = items == NULL ? NULL : items->first;
    for (; item != NULL; item = item->next) {
        const char *current = xml_child_text(item, NULL, "IsCurrent");
        const struct xml_node *data = xml_child(item, NULL, "SettingData");
        const struct xml_node *set =
            xml_child(xml_child(data, NULL, "ReferenceParameters"), NULL, "SelectorSet");
        const struct xml_node *selector = set == NULL ? NULL : set->first;
        for (; selector != NULL; selector = selector->next) {
            found +=
                strcmp(selector->text, scheme) == 0 && current != NULL && strcmp(current, "1") == 0;
        }
    }
    return found;
}

static void a_power_scheme_is_put_in_force(void **state)
{
    (void)state;
    static const char k_first[] = "Intel(r) AMT: Power Scheme 0";
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_string_not_equal(power_scheme(rig.firmware), k_first);
    assert_int_equal(current_schemes(&rig, power_scheme(rig.firmware)), 1);
    assert_int_equal(power_rig_call(&rig, "AMT_SystemPowerScheme", "SetPowerScheme",
                                    "<w:Selector Name=\"InstanceID\">Intel(r) AMT: Power Scheme 0"
                                    "</w:Selector>",
                                    ""),
                     0);
    assert_string_equal(power_scheme(rig.firmware), k_first);
    assert_int_equal(current_schemes(&rig, k_first), 1);
    firmware_unprovision(rig.firmware, false);
    assert_string_not_equal(power_scheme(rig.firmware), k_first);
    power_rig_stop(&rig);
}

static void before_provisioning_nobody_switches_anything(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "control_mode: none");
    rig.door = FIRMWARE_LOCAL;
    assert_int_equal(power_rig_request(&rig, 8), RIG_FAULT);
    assert_string_equal(power_rig_fault(&rig), "AccessDenied");
    power_rig_stop(&rig);
    power_rig_start(&rig, "{ control_mode: none, denial: status }");
    rig.door = FIRMWARE_LOCAL;
    assert_int_equal(power_rig_request(&rig, 8), 16);
    power_rig_stop(&rig);
}

static void the_host_is_as_it_was_after_a_power_cut_of_the_firmware(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start_kept(&rig, "");
    assert_int_equal(power_rig_request(&rig, 7), 0);
    power_rig_advance(&rig, 2);
    power_rig_restart(&rig);
    assert_string_equal(power_rig_read(&rig, ASSOCIATION, "PowerState"), "7");
    assert_int_equal(power_rig_request(&rig, 2), 0);
    power_rig_advance(&rig, 3);
    power_rig_restart(&rig); /* in the middle of a boot: it goes on */
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    assert_string_equal(power_rig_read(&rig, "IPS_HostBootReason", "Reason"), "2");
    assert_int_equal(boot_last(rig.firmware)->time_s,
                     1767225604); /* four seconds after the start */
    power_rig_advance(&rig, 10);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    power_rig_stop(&rig);
}

static void remove_alarm(struct firmware *firmware)
{
    struct alarm *alarm = alarms_find(firmware, "a");
    if (alarm != NULL) {
        alarms_remove(firmware, alarm);
    }
}

static void forget_request(struct firmware *firmware)
{
    firmware->power->pending = 0;
}

static void cancel_opt_in(struct firmware *firmware)
{
    (void)consent_cancel(firmware);
}

static void without_memory_an_operation_fails_and_the_device_goes_on(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start_kept(&rig, "");
    power_rig_starve(&rig, SERVICE, "RequestPowerStateChange", "<r:PowerState>10</r:PowerState>",
                     forget_request);
    power_rig_starve(&rig, "AMT_BootSettingData", NULL, "<r:BIOSSetup>true</r:BIOSSetup>", NULL);
    power_rig_starve(&rig, "CIM_BootConfigSetting", "ChangeBootOrder", "", NULL);
    power_rig_starve(&rig, "IPS_OptInService", NULL, "<r:OptInRequired>1</r:OptInRequired>", NULL);
    power_rig_starve(&rig, "IPS_OptInService", "StartOptIn", "", cancel_opt_in);
    power_rig_starve(&rig, "AMT_RedirectionService", "RequestStateChange",
                     "<r:RequestedState>32769</r:RequestedState>", NULL);
    power_rig_starve(&rig, "IPS_KVMRedirectionSettingData", NULL,
                     "<r:ElementName>k</r:ElementName><r:DefaultScreen>2</r:DefaultScreen>", NULL);
    power_rig_starve(&rig, "IPS_ScreenSettingData", "ResetToDefault", "", NULL);
    power_rig_starve(
        &rig, "AMT_AlarmClockService", "AddAlarm",
        "<r:AlarmTemplate><s:InstanceID xmlns:s=\"http://intel.com/wbem/wscim/1/ips-schema/1/"
        "IPS_AlarmClockOccurrence\">a</s:InstanceID><s:StartTime xmlns:s=\"http://intel.com/wbem/"
        "wscim/1/ips-schema/1/IPS_AlarmClockOccurrence\"><c:Datetime>2026-01-02T00:00:00Z"
        "</c:Datetime></s:StartTime></r:AlarmTemplate>",
        remove_alarm);
    assert_int_equal(power_rig_count(&rig, "IPS_AlarmClockOccurrence"), 1);
    power_rig_stop(&rig);
}

static bool is_available(const struct firmware *firmware, uint32_t value)
{
    uint32_t states[POWER_STATES_MAX];
    const uint32_t count = power_available(firmware, states);
    for (uint32_t i = 0; i < count; i++) {
        if (states[i] == value) {
            return true;
        }
    }
    return false;
}

/* Any mix of requests, buttons, sessions and time: what is listed is taken and nothing else, and the
 * power state is always that of the host. */
static void what_is_listed_is_taken_and_nothing_else(void **state) /* WSM-091 WSM-092 */
{
    (void)state;
    static const char *const k_events[] = { "power-button", "reset-button", "hang",
                                            "shutdown",     "reboot",       "sleep",
                                            "hibernate",    "wake",         "boot-done" };
    struct power_rig rig;
    struct amt_random random;
    uint32_t taken = 0;
    power_rig_start(&rig, "{ power_delay: 1s, boot: 3s }");
    amt_random_seed(&random, 11, "power");
    struct firmware *firmware = rig.firmware;
    for (uint32_t step = 0; step < 20000; step++) {
        const uint32_t value = (uint32_t)amt_random_below(&random, 19);
        const bool is_legal = is_available(firmware, value) && firmware->power->pending == 0;
        switch (amt_random_below(&random, 5)) {
        case 0:
            assert_int_equal(power_request(firmware, value) == 0, is_legal);
            taken += is_legal;
            break;
        case 1:
            assert_true(power_host_event(firmware, k_events[amt_random_below(&random, 9)]) !=
                        AMT_EUNKNOWN);
            break;
        case 2:
            (void)redirection_session_began(firmware, REDIRECTION_SOL, NULL);
            break;
        case 3:
            redirection_session_ended(firmware, REDIRECTION_SOL);
            break;
        default:
            power_rig_advance(&rig, amt_random_below(&random, 4));
            break;
        }
        const enum firmware_host host = power_host(firmware);
        assert_int_equal(power_state(firmware), host == HOST_OFF          ? 8
                                                : host == HOST_ASLEEP     ? 4
                                                : host == HOST_HIBERNATED ? 7
                                                                          : 2);
        assert_int_equal(timer_is_running(&firmware->power->boot_timer), host == HOST_BOOTING);
    }
    assert_in_range(taken, 300, 20000); /* the walk goes somewhere */
    power_rig_stop(&rig);
}

/* What no part can have written is refused, and the part says which field it was. */
static void a_damaged_state_is_refused(void **state)
{
    (void)state;
    static const struct {
        const struct firmware_part *part;
        const char *state;
    } k_cases[] = {
        { &k_power_part, "{'host': 'dancing'}" },
        { &k_power_part, "{'host': 7}" },
        { &k_power_part, "{'host': 'a text that no host state is as long as'}" },
        { &k_power_part, "{'saves_power': 'yes'}" },
        { &k_boot_part, "{'options': {'BIOSSetup': 2}}" },
        { &k_boot_part, "{'parameters': 'xyz'}" },
        { &k_boot_part, "{'last': 99}" },
        { &k_boot_part, "{'cause': 4}" },
        { &k_boot_part, "{'bios_status': 65536}" },
        { &k_alarms_part, "{'alarms': [{}, {}, {}, {}, {}, {}]}" },
        { &k_alarms_part, "{'alarms': [{'interval_minutes': 4294967295}]}" },
        { &k_alarms_part, "{'alarms': [{'name': '123456789012345678901234567890123'}]}" },
        { &k_consent_part, "{'required': -1}" },
        { &k_consent_part, "{'code_timeout_s': 901}" },
        { &k_consent_part, "{'rfb_password': 'P@ssw0rds'}" },
        { &k_consent_part, "{'redirection_state': 70000}" },
    };
    struct power_rig rig;
    power_rig_start(&rig, "");
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        char text[100];
        struct amt_diag diag = { .err = AMT_OK };
        snprintf(text, sizeof text, "%s", k_cases[i].state);
        for (char *quote = strchr(text, '\''); quote != NULL; quote = strchr(quote, '\'')) {
            *quote = '"';
        }
        json_t *json = json_loads(text, 0, NULL);
        assert_non_null(json);
        assert_int_equal(k_cases[i].part->load(rig.firmware, json, &diag), AMT_ECONFIG);
        assert_true(diag.text[0] != '\0');
        json_decref(json);
    }
    power_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_off_and_on_take_effect_after_the_delay),
        cmocka_unit_test(enumerating_services_gives_one_association_in_every_power_state),
        cmocka_unit_test(each_request_is_taken_exactly_where_it_is_legal),
        cmocka_unit_test(what_amt_does_not_know_is_refused_by_kind),
        cmocka_unit_test(only_the_managed_system_can_be_switched),
        cmocka_unit_test(sleep_and_graceful_requests_came_with_release_9),
        cmocka_unit_test(a_second_request_is_refused_while_one_is_under_way),
        cmocka_unit_test(a_power_cycle_goes_through_off),
        cmocka_unit_test(sleep_hibernation_and_what_wakes_from_them),
        cmocka_unit_test(graceful_requests_leave_a_host_alone_that_hangs_before_their_time),
        cmocka_unit_test(a_diagnostic_interrupt_stops_the_operating_system_alone),
        cmocka_unit_test(an_open_session_keeps_power_from_being_cut),
        cmocka_unit_test(the_front_panel_and_the_user_do_what_they_can),
        cmocka_unit_test(a_reset_in_the_middle_of_a_boot_starts_it_anew),
        cmocka_unit_test(the_operating_system_saves_power_on_request),
        cmocka_unit_test(a_power_scheme_is_put_in_force),
        cmocka_unit_test(before_provisioning_nobody_switches_anything),
        cmocka_unit_test(without_memory_an_operation_fails_and_the_device_goes_on),
        cmocka_unit_test(what_is_listed_is_taken_and_nothing_else),
        cmocka_unit_test(a_damaged_state_is_refused),
        cmocka_unit_test(the_host_is_as_it_was_after_a_power_cut_of_the_firmware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
