/* The device clock (wsman.md 4.4). */
#include "base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/firmware/clock.h"
#include "simulator/firmware/tests/pc.h"
#include "simulator/firmware/users.h"

#define SERVICE "AMT_TimeSynchronizationService"

static uint64_t device_time(struct pc *pc)
{
    assert_int_equal(pc_call(pc, SERVICE, "GetLowAccuracyTimeSynch", NULL, NULL), 0);
    const char *at = strstr(text_chars(&pc->body), "<g:Ta0>");
    assert_non_null(at);
    return strtoull(at + 7, NULL, 10);
}

static int set_time(struct pc *pc, uint64_t ta0, uint64_t tm1, uint64_t tm2)
{
    char input[160];
    (void)snprintf(input, sizeof input, "<r:Ta0>%llu</r:Ta0><r:Tm1>%llu</r:Tm1><r:Tm2>%llu</r:Tm2>",
                   (unsigned long long)ta0, (unsigned long long)tm1, (unsigned long long)tm2);
    return pc_call(pc, SERVICE, "SetHighAccuracyTimeSynch", NULL, input);
}

static void as_local_system(struct pc *pc)
{
    pc->user = "$$OsAdmin";
    pc->password = users_os_admin_password(pc->firmware);
    pc->door = FIRMWARE_LOCAL;
}

/* WSM-078. One exchange takes three seconds in this world. */
static void setting_the_time_moves_the_clock_and_the_date_header(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    uint64_t before = device_time(&pc);
    assert_int_equal(set_time(&pc, before, 1893456000, 1893456000), 0);
    uint64_t after = device_time(&pc);
    assert_in_range(after, 1893456000, 1893456010);
    assert_non_null(strstr(text_chars(&pc.raw), "\r\nDate: Tue, 01 Jan 2030 00:00:0"));
    assert_string_equal(pc_property(pc_get(&pc, SERVICE, NULL), "TimeSource"), "1");
    pc_close(&pc);
}

static void half_of_the_round_trip_is_added(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    uint64_t now = firmware_time_s(pc.firmware);
    /* Under way for 10 s by the device's clock, of which the client kept the message for 4 s. */
    uint64_t ta0 = now - 10;
    assert_int_equal(set_time(&pc, ta0, 1893456000, 1893456004), 0);
    assert_in_range(firmware_time_s(pc.firmware), 1893456004 + 3, 1893456004 + 3 + 9);
    pc_close(&pc);
}

static void times_before_2004_are_refused(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    uint64_t before = firmware_time_s(pc.firmware);
    assert_int_equal(set_time(&pc, 0, 1072915199, 1893456000), 36);
    assert_int_equal(set_time(&pc, 0, 1893456000, 1072915199), 36);
    assert_in_range(firmware_time_s(pc.firmware), before, before + 30);
    pc_close(&pc);
}

static void the_host_sets_the_time_until_it_is_forbidden(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    as_local_system(&pc);
    assert_int_equal(set_time(&pc, 0, 1893456000, 1893456000), 0);
    /* It cannot lift or lay the ban itself. */
    assert_int_equal(
        pc_call(&pc, SERVICE, "EnableLocalTimeSync", NULL, "<r:Enable>true</r:Enable>"), 16);
    pc.user = "admin";
    pc.password = PC_PASSWORD;
    assert_int_equal(
        pc_call(&pc, SERVICE, "EnableLocalTimeSync", NULL, "<r:Enable>false</r:Enable>"), 0);
    assert_string_equal(pc_property(pc_get(&pc, SERVICE, NULL), "LocalTimeSyncEnabled"), "2");
    as_local_system(&pc);
    assert_int_equal(set_time(&pc, 0, 1900000000, 1900000000), 16);
    assert_in_range(firmware_time_s(pc.firmware), 1893456000, 1893456600);
    pc_close(&pc);
}

static void the_clock_outlives_a_restart(void **state)
{
    char dir[] = "/tmp/amtlab-clock-XXXXXX";
    struct pc pc;
    (void)state;
    assert_non_null(mkdtemp(dir));
    pc_init(&pc);
    pc.state_dir = dir;
    pc_start(&pc);
    assert_int_equal(set_time(&pc, 0, 1893456000, 1893456000), 0);
    firmware_free(pc.firmware);
    firmware_profile_free(pc.profile);
    pc_start(&pc);
    assert_in_range(firmware_time_s(pc.firmware), 1893456000, 1893456060);
    pc_close(&pc);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/55e3ae13-bfd2-61bb-17a0-88aedd7037ea.json", dir);
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_the_time_moves_the_clock_and_the_date_header),
        cmocka_unit_test(half_of_the_round_trip_is_added),
        cmocka_unit_test(times_before_2004_are_refused),
        cmocka_unit_test(the_host_sets_the_time_until_it_is_forbidden),
        cmocka_unit_test(the_clock_outlives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
