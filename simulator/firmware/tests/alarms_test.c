/* The alarm clock (wsman.md 4.20). The virtual world starts at 2026-01-01T00:00:00Z. */
#include "simulator/firmware/alarms.h"

#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "simulator/firmware/alarms_internal.h"
#include "simulator/firmware/boot.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/tests/power_rig.h"

#define SERVICE    "AMT_AlarmClockService"
#define OCCURRENCE "IPS_AlarmClockOccurrence"
#define S          "http://intel.com/wbem/wscim/1/ips-schema/1/IPS_AlarmClockOccurrence"

static uint64_t add(struct power_rig *rig, const char *name, const char *start,
                    const char *interval, bool deletes_itself)
{
    char parameters[900];
    snprintf(parameters, sizeof parameters,
             "<r:AlarmTemplate><s:InstanceID xmlns:s=\"" S "\">%s</s:InstanceID>"
             "<s:ElementName xmlns:s=\"" S "\">%s</s:ElementName>"
             "<s:StartTime xmlns:s=\"" S "\"><c:Datetime>%s</c:Datetime></s:StartTime>"
             "<s:Interval xmlns:s=\"" S "\"><c:Interval>%s</c:Interval></s:Interval>"
             "<s:DeleteOnCompletion xmlns:s=\"" S "\">%s</s:DeleteOnCompletion></r:AlarmTemplate>",
             name, name, start, interval, deletes_itself ? "true" : "false");
    return power_rig_call(rig, SERVICE, "AddAlarm", "", parameters);
}

static void an_alarm_turns_the_host_on_and_is_the_boot_reason(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: off");
    assert_int_equal(add(&rig, "Alarm 1", "2026-01-01T00:05:00Z", "P0DT0H0M", true), 0);
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 1);
    power_rig_advance(&rig, 299);
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    power_rig_advance(&rig, 4); /* the alarm, and the delay of a power request */
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    assert_string_equal(power_rig_read(&rig, "IPS_HostBootReason", "Reason"), "3");
    assert_string_equal(power_rig_value(&rig, "PreviousSxState"), "7");
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 0); /* DeleteOnCompletion */
    power_rig_stop(&rig);
}

static void the_answer_to_add_alarm_is_the_default_reference(void **state) /* WSM-104 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(add(&rig, "Alarm 1", "2026-01-01T00:05:00Z", "P1DT2H3M", false), 0);
    const struct xml_node *ref = xml_child(rig.body->first, NULL, "AlarmClock");
    assert_non_null(ref);
    assert_string_equal(xml_child_text(ref, NULL, "Address"), "default");
    const struct xml_node *parameters = xml_child(ref, NULL, "ReferenceParameters");
    assert_string_equal(xml_child_text(parameters, NULL, "ResourceURI"), "");
    power_rig_get(&rig, OCCURRENCE);
    assert_string_equal(power_rig_value(&rig, "InstanceID"), "Alarm 1");
    assert_string_equal(power_rig_value(&rig, "Interval"), "P1DT2H3M");
    assert_string_equal(power_rig_value(&rig, "StartTime"), "2026-01-01T00:05:00Z");
    assert_string_equal(power_rig_value(&rig, "DeleteOnCompletion"), "false");
    power_rig_stop(&rig);
}

static void the_sixth_alarm_is_too_many_and_names_are_used_once(void **state) /* WSM-104 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    for (char name[] = "1"; name[0] <= '5'; name[0]++) {
        assert_int_equal(add(&rig, name, "2026-01-02T00:00:00Z", "P0DT0H0M", false), 0);
        if (name[0] == '1') {
            assert_int_equal(add(&rig, "1", "2026-01-02T00:00:00Z", "P0DT0H0M", false), RIG_FAULT);
            assert_int_equal(rig.status, 400);
            assert_string_equal(power_rig_fault(&rig), "InvalidRepresentation");
            assert_non_null(strstr(power_rig_detail(&rig), "MissingValues"));
        }
    }
    assert_int_equal(add(&rig, "6", "2026-01-02T00:00:00Z", "P0DT0H0M", false), RIG_FAULT);
    assert_string_equal(power_rig_fault(&rig), "QuotaLimit");
    assert_true(
        power_rig_delete(&rig, OCCURRENCE, "<w:Selector Name=\"InstanceID\">3</w:Selector>"));
    assert_false(
        power_rig_delete(&rig, OCCURRENCE, "<w:Selector Name=\"InstanceID\">3</w:Selector>"));
    assert_int_equal(rig.status, 400);
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 4);
    assert_int_equal(add(&rig, "6", "2026-01-02T00:00:00Z", "P0DT0H0M", false), 0);
    power_rig_stop(&rig);
}

static void values_that_are_none_are_refused(void **state) /* WSM-104 */
{
    (void)state;
    static const struct {
        const char *name, *start, *interval;
    } k_cases[] = {
        { "", "2026-01-02T00:00:00Z", "P0DT0H0M" },
        { "123456789012345678901234567890123", "2026-01-02T00:00:00Z", "P0DT0H0M" },
        { "a", "2026-01-01T00:00:00Z", "P0DT0H0M" }, /* now is not the future */
        { "a", "2025-12-31T00:00:00Z", "P0DT0H0M" },
        { "a", "2026-01-02T00:00:30Z", "P0DT0H0M" }, /* seconds */
        { "a", "2026-01-02T00:00:00Z", "P0DT24H0M" },
        { "a", "2026-01-02T00:00:00Z", "P0DT0H60M" },
    };
    struct power_rig rig;
    power_rig_start(&rig, "");
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        assert_int_equal(add(&rig, k_cases[i].name, k_cases[i].start, k_cases[i].interval, false),
                         RIG_FAULT);
        assert_int_equal(rig.status, 400);
    }
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 0);
    assert_int_equal(
        add(&rig, "12345678901234567890123456789012", "2026-01-01T00:01:00Z", "P0DT23H59M", false),
        0);
    power_rig_stop(&rig);
}

static void an_interval_rings_again_and_again(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: off");
    assert_int_equal(add(&rig, "nightly", "2026-01-01T02:00:00Z", "P1DT0H0M", true), 0);
    for (int night = 0; night < 3; night++) {
        power_rig_advance(&rig, 2 * 3600 + 30);
        assert_int_equal(power_host(rig.firmware), HOST_OS);
        assert_int_equal(boot_last(rig.firmware)->cause, BOOT_BY_ALARM);
        assert_int_equal(power_host_event(rig.firmware, "shutdown"), AMT_OK);
        power_rig_advance(&rig, 22 * 3600 - 30);
        assert_int_equal(power_host(rig.firmware), HOST_OFF);
    }
    assert_string_equal(power_rig_read(&rig, OCCURRENCE, "StartTime"), "2026-01-04T02:00:00Z");
    power_rig_stop(&rig);
}

static void one_shot_alarms_without_deletion_stay_and_do_not_ring_again(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: off");
    assert_int_equal(add(&rig, "once", "2026-01-01T00:01:00Z", "P0DT0H0M", false), 0);
    power_rig_advance(&rig, 80);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    assert_int_equal(power_host_event(rig.firmware, "shutdown"), AMT_OK);
    power_rig_advance(&rig, 7200);
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 1);
    /* a Put with a new time winds it up again */
    assert_true(power_rig_put(&rig, OCCURRENCE, "<w:Selector Name=\"InstanceID\">once</w:Selector>",
                              "<r:StartTime><c:Datetime>2026-01-01T03:00:00Z</c:Datetime>"
                              "</r:StartTime>"));
    power_rig_advance(&rig, 3600);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    power_rig_stop(&rig);
}

static void a_host_that_is_on_stays_as_it_is(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: hung");
    assert_int_equal(add(&rig, "a", "2026-01-01T00:01:00Z", "P0DT0H0M", true), 0);
    power_rig_advance(&rig, 80);
    assert_int_equal(power_host(rig.firmware), HOST_HUNG);
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 0);
    power_rig_stop(&rig);
}

static void alarms_follow_the_device_clock(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: off");
    assert_int_equal(add(&rig, "a", "2026-01-02T00:00:00Z", "P0DT0H0M", true), 0);
    power_rig_advance(&rig, 10);
    /* a day minus half a minute forward: found within a minute, at once with the call */
    loop_wall_shift(rig.loop, (int64_t)86360 * US_PER_SECOND);
    alarms_clock_changed(rig.firmware);
    power_rig_advance(&rig, 29);
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    power_rig_advance(&rig, 4);
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    power_rig_stop(&rig);
}

static void setting_the_clock_moves_the_alarms(void **state) /* WSM-078 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: off");
    assert_int_equal(add(&rig, "a", "2026-01-02T00:00:00Z", "P0DT0H0M", true), 0);
    power_rig_advance(&rig, 10);
    /* 20 seconds before the alarm */
    assert_int_equal(power_rig_call(&rig, "AMT_TimeSynchronizationService",
                                    "SetHighAccuracyTimeSynch", "",
                                    "<r:Ta0>1767225610</r:Ta0><r:Tm1>1767311980</r:Tm1>"
                                    "<r:Tm2>1767311980</r:Tm2>"),
                     0);
    power_rig_advance(&rig, 19);
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    power_rig_advance(&rig, 4);
    assert_int_equal(power_host(rig.firmware), HOST_BOOTING);
    power_rig_stop(&rig);
}

static void alarms_survive_a_power_cut_but_not_unprovisioning(void **state) /* WSM-077 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start_kept(&rig, "host: off");
    assert_int_equal(add(&rig, "soon", "2026-01-01T00:05:00Z", "P0DT0H0M", true), 0);
    assert_int_equal(add(&rig, "daily", "2026-01-01T00:02:00Z", "P1DT0H0M", true), 0);
    power_rig_restart(&rig);
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 2);
    loop_wall_shift(rig.loop, (int64_t)1800 * US_PER_SECOND);
    power_rig_restart(&rig); /* half an hour without power: too late for both */
    power_rig_advance(&rig, 60);
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 1);
    assert_string_equal(power_rig_read(&rig, OCCURRENCE, "StartTime"), "2026-01-02T00:02:00Z");
    firmware_unprovision(rig.firmware, true);
    rig.door = FIRMWARE_LOCAL;
    assert_int_equal(power_rig_count(&rig, OCCURRENCE), 0);
    assert_int_equal(add(&rig, "a", "2026-01-02T00:05:00Z", "P0DT0H0M", true), RIG_FAULT);
    assert_string_equal(power_rig_fault(&rig), "AccessDenied");
    power_rig_stop(&rig);
}

static void older_releases_have_the_one_alarm_of_the_service(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "{ version: 7.1.91, host: off }");
    assert_true(power_rig_put(&rig, SERVICE, "",
                              "<r:AMTAlarmClockInterval><c:Interval>P0DT1H0M</c:Interval>"
                              "</r:AMTAlarmClockInterval><r:NextAMTAlarmTime><c:Datetime>"
                              "2026-01-01T00:01:00Z</c:Datetime></r:NextAMTAlarmTime>"));
    assert_string_equal(power_rig_value(&rig, "NextAMTAlarmTime"), "2026-01-01T00:01:00Z");
    power_rig_advance(&rig, 80);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    assert_string_equal(power_rig_read(&rig, SERVICE, "NextAMTAlarmTime"), "2026-01-01T01:01:00Z");
    assert_string_equal(power_rig_value(&rig, "AMTAlarmClockInterval"), "P0DT1H0M");
    power_rig_get(&rig, OCCURRENCE);
    assert_string_equal(power_rig_fault(&rig), "DestinationUnreachable");
    power_rig_stop(&rig);
}

static void times_are_read_to_the_day(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t unix_s;
    } k_good[] = {
        { "1970-01-01T00:00:00Z", 0 },          { "2000-02-29T12:00:00Z", 951825600 },
        { "2024-12-31T23:59:59Z", 1735689599 }, { "2030-01-01T06:00:00Z", 1893477600 },
        { "2100-03-01T00:00:00Z", 4107542400 },
    };
    static const char *const k_bad[] = { "",
                                         "2030-01-01T06:00:00",
                                         "2030-01-01 06:00:00Z",
                                         "2030-13-01T06:00:00Z",
                                         "2030-02-29T06:00:00Z",
                                         "2100-02-29T06:00:00Z",
                                         "2030-01-01T24:00:00Z",
                                         "2030-01-01T06:00:00.000Z",
                                         "1969-12-31T23:59:59Z",
                                         "20x0-01-01T06:00:00Z" };
    uint64_t unix_s = 0;
    for (size_t i = 0; i < sizeof k_good / sizeof k_good[0]; i++) {
        assert_true(alarm_time_parse(k_good[i].text, &unix_s));
        assert_int_equal(unix_s, k_good[i].unix_s);
    }
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        assert_false(alarm_time_parse(k_bad[i], &unix_s));
    }
}

static void intervals_are_read_with_parts_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t minutes;
    } k_good[] = {
        { "P1DT23H59M", 2879 }, { "P0DT0H0M", 0 }, { "P1D", 1440 },
        { "PT5M", 5 },          { "PT1H", 60 },    { "P0DT0H0M0S", 0 },
    };
    static const char *const k_bad[] = { "",      "P",          "PT",        "1D",
                                         "P1",    "P1DT",       "P1DT24H0M", "P1DT0H60M",
                                         "PT5M3", "P1DT0H0M5S", "P9999999D", "P1M" };
    uint32_t minutes = 0;
    char text[ALARM_INTERVAL_BYTES];
    for (size_t i = 0; i < sizeof k_good / sizeof k_good[0]; i++) {
        assert_true(alarm_interval_parse(k_good[i].text, &minutes));
        assert_int_equal(minutes, k_good[i].minutes);
    }
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        assert_false(alarm_interval_parse(k_bad[i], &minutes));
    }
    alarm_interval_format(2879, text);
    assert_string_equal(text, "P1DT23H59M");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alarm_turns_the_host_on_and_is_the_boot_reason),
        cmocka_unit_test(the_answer_to_add_alarm_is_the_default_reference),
        cmocka_unit_test(the_sixth_alarm_is_too_many_and_names_are_used_once),
        cmocka_unit_test(values_that_are_none_are_refused),
        cmocka_unit_test(an_interval_rings_again_and_again),
        cmocka_unit_test(one_shot_alarms_without_deletion_stay_and_do_not_ring_again),
        cmocka_unit_test(a_host_that_is_on_stays_as_it_is),
        cmocka_unit_test(alarms_follow_the_device_clock),
        cmocka_unit_test(setting_the_clock_moves_the_alarms),
        cmocka_unit_test(alarms_survive_a_power_cut_but_not_unprovisioning),
        cmocka_unit_test(older_releases_have_the_one_alarm_of_the_service),
        cmocka_unit_test(times_are_read_to_the_day),
        cmocka_unit_test(intervals_are_read_with_parts_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
