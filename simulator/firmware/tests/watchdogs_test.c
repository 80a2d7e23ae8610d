/* Agent presence (wsman.md 4.21). */
#include "base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/firmware/event_log_internal.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/tests/pc.h"
#include "simulator/firmware/users.h"
#include "simulator/firmware/watchdogs_internal.h"

#define WATCHDOG "AMT_AgentPresenceWatchdog"
#define GUID     "AQIDBAUGBwgJCgsMDQ4PEA==" /* bytes 1 to 16 */

static void create(struct pc *pc, const char *guid)
{
    char body[640];
    (void)snprintf(body, sizeof body,
                   "<r:" WATCHDOG "><r:CreationClassName>0</r:CreationClassName><r:DeviceID>%s"
                   "</r:DeviceID><r:MonitoredEntityDescription>Agent</r:MonitoredEntityDescription>"
                   "<r:StartupInterval>120</r:StartupInterval><r:SystemCreationClassName>0"
                   "</r:SystemCreationClassName><r:SystemName>0</r:SystemName>"
                   "<r:TimeoutInterval>60</r:TimeoutInterval></r:" WATCHDOG ">",
                   guid);
    (void)pc_wsman(pc, "Create", WATCHDOG, NULL, body);
}

static void as_agent(struct pc *pc)
{
    pc->user = "$$OsAdmin";
    pc->password = users_os_admin_password(pc->firmware);
    pc->door = FIRMWARE_LOCAL;
}

static void as_operator(struct pc *pc)
{
    pc->user = "admin";
    pc->password = PC_PASSWORD;
    pc->door = FIRMWARE_CIRA;
}

static uint32_t state_of(struct pc *pc)
{
    return (uint32_t)pc->firmware->watchdogs->items[0]->state;
}

static uint32_t register_agent(struct pc *pc)
{
    assert_int_equal(pc_call(pc, WATCHDOG, "RegisterAgent", "DeviceID=" GUID, NULL), 0);
    const char *at = strstr(text_chars(&pc->body), "<g:SessionSequenceNumber>");
    assert_non_null(at);
    assert_non_null(strstr(at, "</g:SessionSequenceNumber><g:TimeoutInterval>60"));
    return (uint32_t)strtoul(at + strlen("<g:SessionSequenceNumber>"), NULL, 10);
}

static int call_with(struct pc *pc, const char *method, uint32_t sequence)
{
    char input[80];
    (void)snprintf(input, sizeof input, "<r:SequenceNumber>%u</r:SequenceNumber>", sequence);
    return pc_call(pc, WATCHDOG, method, "DeviceID=" GUID, input);
}

static void a_watchdog_is_created_with_all_its_keys(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    create(&pc, GUID);
    assert_int_equal(pc.status, 200);
    assert_non_null(strstr(text_chars(&pc.body),
                           "<c:Selector Name=\"CreationClassName\">AMT_AgentPresenceWatchdog"
                           "</c:Selector><c:Selector Name=\"DeviceID\">" GUID "</c:Selector>"
                           "<c:Selector Name=\"SystemCreationClassName\">CIM_ComputerSystem"
                           "</c:Selector><c:Selector Name=\"SystemName\">Intel(r) AMT"));
    const struct xml_node *watchdog = pc_get(&pc, WATCHDOG, NULL);
    assert_string_equal(pc_property(watchdog, "CurrentState"), "1");
    assert_string_equal(pc_property(watchdog, "TimeoutInterval"), "60");
    create(&pc, GUID);
    assert_string_equal(pc_fault(&pc), "AlreadyExists");
    create(&pc, "AQID");
    assert_string_equal(pc_fault(&pc), "InvalidRepresentation");
    pc_close(&pc);
}

static void an_agent_that_asserts_itself_runs(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    create(&pc, GUID);
    as_agent(&pc);
    uint32_t sequence = register_agent(&pc);
    assert_int_equal(state_of(&pc), WATCHDOG_RUNNING);
    for (uint32_t n = 1; n <= 4; n++) {
        pc_run(&pc, UINT64_C(40) * US_PER_SECOND);
        assert_int_equal(call_with(&pc, "AssertPresence", sequence + n), 0);
    }
    assert_int_equal(call_with(&pc, "AssertPresence", sequence + 4), 36); /* already used */
    assert_int_equal(call_with(&pc, "AssertShutdown", sequence + 5), 0);
    assert_int_equal(state_of(&pc), WATCHDOG_STOPPED);
    pc_run(&pc, UINT64_C(300) * US_PER_SECOND);
    assert_int_equal(state_of(&pc), WATCHDOG_STOPPED);
    pc_close(&pc);
}

static void a_silent_agent_expires_and_the_event_is_told(void **state)
{
    struct pc pc;
    struct event_record record;
    uint32_t time_s = 0;
    (void)state;
    pc_open(&pc);
    create(&pc, GUID);
    assert_int_equal(pc_call(&pc, WATCHDOG, "AddAction", "DeviceID=" GUID,
                             "<r:OldState>4</r:OldState><r:NewState>8</r:NewState>"
                             "<r:EventOnTransition>true</r:EventOnTransition>"),
                     0);
    as_agent(&pc);
    uint32_t sequence = register_agent(&pc);
    event_log_clear(pc.firmware);
    pc_run(&pc, UINT64_C(61) * US_PER_SECOND);
    assert_int_equal(state_of(&pc), WATCHDOG_EXPIRED);
    assert_int_equal(event_log_count(pc.firmware->event_log), 1);
    event_record_decode(event_log_record(pc.firmware->event_log, 1), &record, &time_s);
    assert_int_equal(record.sensor_type, 18);
    assert_memory_equal(record.data, "\xaa\1\2\3\4\5\6\x08", 8);
    assert_int_equal(call_with(&pc, "AssertPresence", sequence + 1), 36); /* registers anew */
    (void)register_agent(&pc);
    assert_int_equal(state_of(&pc), WATCHDOG_RUNNING);
    assert_int_equal(event_log_count(pc.firmware->event_log), 1); /* no action for that */
    pc_close(&pc);
}

static void an_agent_that_never_comes_expires(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    create(&pc, GUID);
    pc_run(&pc, UINT64_C(115) * US_PER_SECOND);
    assert_int_equal(state_of(&pc), WATCHDOG_NOT_STARTED);
    pc_run(&pc, UINT64_C(6) * US_PER_SECOND);
    assert_int_equal(state_of(&pc), WATCHDOG_EXPIRED);
    pc_close(&pc);
}

static void agents_sleep_and_start_with_the_host(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    create(&pc, GUID);
    as_agent(&pc);
    (void)register_agent(&pc);
    assert_int_equal(power_host_event(pc.firmware, "sleep"), AMT_OK);
    assert_int_equal(state_of(&pc), WATCHDOG_SUSPENDED);
    pc_run(&pc, UINT64_C(600) * US_PER_SECOND);
    assert_int_equal(state_of(&pc), WATCHDOG_SUSPENDED);
    assert_int_equal(power_host_event(pc.firmware, "wake"), AMT_OK);
    pc_run(&pc, UINT64_C(20) * US_PER_SECOND);
    assert_int_equal(state_of(&pc), WATCHDOG_RUNNING);
    assert_int_equal(power_host_event(pc.firmware, "reboot"), AMT_OK);
    pc_run(&pc, UINT64_C(20) * US_PER_SECOND);
    assert_int_equal(state_of(&pc), WATCHDOG_NOT_STARTED);
    pc_close(&pc);
}

static void rights_are_split_between_operators_and_agents(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    create(&pc, GUID);
    as_operator(&pc); /* not on the host */
    assert_int_equal(pc_call(&pc, WATCHDOG, "RegisterAgent", "DeviceID=" GUID, NULL), 16);
    as_agent(&pc);
    create(&pc, "EBESExQVFhcYGRobHB0eHw==");
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    assert_int_equal(pc_call(&pc, WATCHDOG, "DeleteAllActions", "DeviceID=" GUID, NULL), 16);
    (void)pc_wsman(&pc, "Delete", WATCHDOG, "DeviceID=" GUID, NULL);
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    as_operator(&pc);
    (void)pc_wsman(&pc, "Delete", WATCHDOG, "DeviceID=" GUID, NULL);
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, WATCHDOG), 0);
    pc_close(&pc);
}

static void actions_are_shown_as_rules(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    create(&pc, GUID);
    assert_int_equal(pc_call(&pc, WATCHDOG, "AddAction", "DeviceID=" GUID,
                             "<r:OldState>0</r:OldState><r:NewState>8</r:NewState>"
                             "<r:EventOnTransition>true</r:EventOnTransition>"),
                     36);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pc_call(&pc, WATCHDOG, "AddAction", "DeviceID=" GUID,
                                 "<r:OldState>5</r:OldState><r:NewState>10</r:NewState>"
                                 "<r:EventOnTransition>true</r:EventOnTransition>"
                                 "<r:ActionSd>1</r:ActionSd><r:ActionEac>true</r:ActionEac>"),
                         0);
    }
    assert_int_equal(pc_call(&pc, WATCHDOG, "AddAction", "DeviceID=" GUID,
                             "<r:OldState>5</r:OldState><r:NewState>10</r:NewState>"
                             "<r:EventOnTransition>true</r:EventOnTransition>"),
                     23);
    assert_int_equal(pc_count(&pc, "AMT_AgentPresenceWatchdogAction"), 10);
    const struct xml_node *condition =
        pc_get(&pc, "AMT_StateTransitionCondition", "PolicyConditionName=3");
    assert_string_equal(pc_property(condition, "OldState"), "5");
    assert_string_equal(pc_property(condition, "NewState"), "10");
    assert_int_equal(
        pc_call(&pc, "AMT_AgentPresenceWatchdogAction", "GetActionEac", "PolicyActionName=3", NULL),
        0);
    assert_non_null(strstr(text_chars(&pc.body), "<g:ActionEac>true</g:ActionEac>"));
    assert_int_equal(pc_call(&pc, WATCHDOG, "DeleteAllActions", "DeviceID=" GUID, NULL), 0);
    assert_int_equal(pc_count(&pc, "AMT_StateTransitionCondition"), 0);
    pc_close(&pc);
}

static void there_is_room_for_sixteen(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    for (uint32_t i = 0; i < 17; i++) {
        char guid[] = "AAIDBAUGBwgJCgsMDQ4PEA==";
        guid[0] = (char)('A' + i);
        create(&pc, guid);
        assert_int_equal(pc.status, i < 16 ? 200 : 400);
    }
    assert_string_equal(pc_fault(&pc), "QuotaLimit");
    pc_close(&pc);
}

static void watchdogs_outlive_a_restart_but_agents_register_anew(void **state)
{
    struct pc pc;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    pc_open(&pc);
    create(&pc, GUID);
    assert_int_equal(pc_call(&pc, WATCHDOG, "AddAction", "DeviceID=" GUID,
                             "<r:OldState>4</r:OldState><r:NewState>8</r:NewState>"
                             "<r:EventOnTransition>true</r:EventOnTransition>"),
                     0);
    as_agent(&pc);
    (void)register_agent(&pc);
    json_t *saved = k_watchdogs_part.save(pc.firmware);
    k_watchdogs_part.unprovision(pc.firmware, false);
    assert_int_equal(pc.firmware->watchdogs->count, 0);
    assert_int_equal(k_watchdogs_part.load(pc.firmware, saved, &diag), AMT_OK);
    assert_int_equal(state_of(&pc), WATCHDOG_NOT_STARTED);
    assert_int_equal(pc.firmware->watchdogs->items[0]->action_count, 1);
    (void)register_agent(&pc);
    json_decref(saved);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watchdog_is_created_with_all_its_keys),
        cmocka_unit_test(an_agent_that_asserts_itself_runs),
        cmocka_unit_test(a_silent_agent_expires_and_the_event_is_told),
        cmocka_unit_test(an_agent_that_never_comes_expires),
        cmocka_unit_test(agents_sleep_and_start_with_the_host),
        cmocka_unit_test(rights_are_split_between_operators_and_agents),
        cmocka_unit_test(actions_are_shown_as_rules),
        cmocka_unit_test(there_is_room_for_sixteen),
        cmocka_unit_test(watchdogs_outlive_a_restart_but_agents_register_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
