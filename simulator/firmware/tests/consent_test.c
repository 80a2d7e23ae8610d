/* User consent, and what is switched on of redirection (wsman.md 4.12 to 4.14, redirection.md 9). */
#include "simulator/firmware/consent.h"

#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "simulator/firmware/boot.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/tests/power_rig.h"

#define OPT_IN      "IPS_OptInService"
#define REDIRECTION "AMT_RedirectionService"
#define KVM         "CIM_KVMRedirectionSAP"
#define KVM_DATA    "IPS_KVMRedirectionSettingData"
#define SCREENS     "IPS_ScreenConfigurationService"

static uint64_t start(struct power_rig *rig)
{
    return power_rig_call(rig, OPT_IN, "StartOptIn", "", "");
}

static uint64_t cancel(struct power_rig *rig)
{
    return power_rig_call(rig, OPT_IN, "CancelOptIn", "", "");
}

static uint64_t send_code(struct power_rig *rig, const char *code)
{
    char parameters[60];
    snprintf(parameters, sizeof parameters, "<r:OptInCode>%s</r:OptInCode>", code);
    return power_rig_call(rig, OPT_IN, "SendOptInCode", "", parameters);
}

/* A code that is not the one on the screen. */
static uint64_t send_wrong(struct power_rig *rig)
{
    const char *code = consent_code(rig->firmware);
    return send_code(rig, code != NULL && strcmp(code, "123456") == 0 ? "654321" : "123456");
}

static bool require(struct power_rig *rig, const char *value)
{
    char properties[80];
    snprintf(properties, sizeof properties, "<r:OptInRequired>%s</r:OptInRequired>", value);
    return power_rig_put(rig, OPT_IN, "", properties);
}

static const char *opt_in_state(struct power_rig *rig)
{
    return power_rig_read(rig, OPT_IN, "OptInState");
}

static void give_consent(struct power_rig *rig)
{
    assert_int_equal(start(rig), 0);
    power_rig_advance(rig, 2);
    assert_non_null(consent_code(rig->firmware));
    assert_int_equal(send_code(rig, consent_code(rig->firmware)), 0);
    assert_string_equal(opt_in_state(rig), "3");
}

static void without_a_policy_there_is_nothing_to_ask(void **state) /* WSM-089 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_string_equal(power_rig_read(&rig, OPT_IN, "OptInRequired"), "0");
    assert_int_equal(start(&rig), 2);
    assert_int_equal(cancel(&rig), 2);
    assert_int_equal(send_code(&rig, "123456"), 2);
    assert_true(consent_allows(rig.firmware));
    power_rig_stop(&rig);
}

static void the_opt_in_goes_from_request_to_received(void **state) /* WSM-089 RED-074 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(require(&rig, "4294967295"));
    assert_false(consent_allows(rig.firmware));
    assert_int_equal(start(&rig), 0);
    assert_string_equal(opt_in_state(&rig), "1");
    assert_null(consent_code(rig.firmware)); /* not on the screen yet */
    assert_int_equal(start(&rig), 2);
    power_rig_advance(&rig, 2);
    assert_string_equal(opt_in_state(&rig), "2");
    const char *code = consent_code(rig.firmware);
    assert_int_equal(strlen(code), 6);
    assert_int_equal(strspn(code, "0123456789"), 6);
    assert_int_equal(start(&rig), 2);
    assert_int_equal(send_wrong(&rig), 1);
    assert_string_equal(opt_in_state(&rig), "2");
    assert_int_equal(send_code(&rig, code), 0);
    assert_string_equal(opt_in_state(&rig), "3");
    assert_true(consent_allows(rig.firmware));
    assert_null(consent_code(rig.firmware));
    assert_int_equal(send_code(&rig, "123456"), 2);
    assert_int_equal(start(&rig), 2);
    assert_int_equal(cancel(&rig), 0);
    assert_string_equal(opt_in_state(&rig), "0");
    assert_false(consent_allows(rig.firmware));
    power_rig_stop(&rig);
}

static void three_wrong_codes_block_for_a_while(void **state) /* WSM-089 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(require(&rig, "1"));
    assert_int_equal(start(&rig), 0);
    power_rig_advance(&rig, 2);
    assert_int_equal(send_wrong(&rig), 1);
    assert_int_equal(send_code(&rig, "4294967295"), 1);
    assert_string_equal(opt_in_state(&rig), "2");
    assert_int_equal(send_wrong(&rig), 1);
    assert_string_equal(opt_in_state(&rig), "0");
    assert_int_equal(start(&rig), 3);
    power_rig_advance(&rig, 59);
    assert_int_equal(start(&rig), 3);
    power_rig_advance(&rig, 2);
    give_consent(&rig); /* with a new count */
    power_rig_stop(&rig);
}

static void codes_and_consent_run_out(void **state) /* RED-074 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(require(&rig, "4294967295"));
    assert_int_equal(start(&rig), 0);
    power_rig_advance(&rig, 119);
    assert_string_equal(opt_in_state(&rig), "2");
    power_rig_advance(&rig, 2);
    assert_string_equal(opt_in_state(&rig), "0");
    give_consent(&rig);
    power_rig_advance(&rig, 119); /* nobody opens a session */
    assert_string_equal(opt_in_state(&rig), "3");
    power_rig_advance(&rig, 2);
    assert_string_equal(opt_in_state(&rig), "0");
    power_rig_stop(&rig);
}

static void the_times_are_settings_within_limits(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(power_rig_put(&rig, OPT_IN, "",
                              "<r:OptInRequired>4294967295</r:OptInRequired>"
                              "<r:OptInCodeTimeout>600</r:OptInCodeTimeout>"
                              "<r:OptInDisplayTimeout>200</r:OptInDisplayTimeout>"));
    assert_int_equal(start(&rig), 0);
    power_rig_advance(&rig, 199);
    assert_string_equal(opt_in_state(&rig), "2"); /* the display ends first */
    power_rig_advance(&rig, 2);
    assert_string_equal(opt_in_state(&rig), "0");
    assert_false(power_rig_put(&rig, OPT_IN, "", "<r:OptInCodeTimeout>59</r:OptInCodeTimeout>"));
    assert_string_equal(power_rig_detail(&rig), "AMT-STATUS 36");
    assert_false(power_rig_put(&rig, OPT_IN, "", "<r:OptInCodeTimeout>901</r:OptInCodeTimeout>"));
    assert_false(require(&rig, "7"));
    assert_string_equal(power_rig_read(&rig, OPT_IN, "OptInCodeTimeout"), "600");
    power_rig_stop(&rig);
}

static void a_session_keeps_consent_alive(void **state) /* RED-074 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(require(&rig, "4294967295"));
    assert_false(redirection_has_consent(rig.firmware, REDIRECTION_SOL));
    give_consent(&rig);
    assert_true(redirection_has_consent(rig.firmware, REDIRECTION_SOL));
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, "192.0.2.9:4000"));
    assert_false(redirection_session_began(rig.firmware, REDIRECTION_KVM, "192.0.2.9:4001"));
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_SOL, "192.0.2.9:4002"));
    assert_string_equal(opt_in_state(&rig), "4");
    power_rig_advance(&rig, 3600);
    assert_string_equal(opt_in_state(&rig), "4");
    redirection_session_ended(rig.firmware, REDIRECTION_KVM);
    assert_string_equal(opt_in_state(&rig), "4");
    redirection_session_ended(rig.firmware, REDIRECTION_SOL);
    assert_string_equal(opt_in_state(&rig), "3");
    power_rig_advance(&rig, 121);
    assert_string_equal(opt_in_state(&rig), "0");
    power_rig_stop(&rig);
}

static void cancelling_ends_the_sessions(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(require(&rig, "1"));
    give_consent(&rig);
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, NULL));
    assert_int_equal(cancel(&rig), 0);
    assert_int_equal(rig.ended_sessions, 1u << REDIRECTION_KVM);
    assert_false(redirection_any_open(rig.firmware));
    assert_string_equal(opt_in_state(&rig), "0");
    power_rig_stop(&rig);
}

static void a_code_may_be_typed_into_the_session(void **state) /* RED-068 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(require(&rig, "1"));
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, NULL));
    assert_int_equal(start(&rig), 0);
    power_rig_advance(&rig, 2);
    uint64_t code = 0;
    assert_int_equal(text_parse_u64(consent_code(rig.firmware), 999999, &code), AMT_OK);
    assert_int_equal(consent_enter(rig.firmware, (uint32_t)code), 0);
    assert_string_equal(opt_in_state(&rig), "4");
    power_rig_stop(&rig);
}

static void kvm_alone_may_need_consent(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(require(&rig, "1"));
    assert_false(redirection_has_consent(rig.firmware, REDIRECTION_KVM));
    assert_true(redirection_has_consent(rig.firmware, REDIRECTION_IDER));
    assert_true(redirection_has_consent(rig.firmware, REDIRECTION_SOL));
    assert_true(consent_allows(rig.firmware));
    power_rig_stop(&rig);
}

static void a_dark_screen_shows_no_code(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "host: off");
    assert_true(require(&rig, "4294967295"));
    assert_int_equal(start(&rig), 0);
    power_rig_advance(&rig, 20);
    assert_string_equal(opt_in_state(&rig), "1");
    assert_int_equal(power_rig_request(&rig, POWER_ON), 0);
    power_rig_advance(&rig, 4);
    assert_string_equal(opt_in_state(&rig), "2");
    assert_int_equal(power_host_event(rig.firmware, "power-button"), AMT_OK);
    assert_string_equal(opt_in_state(&rig), "1");
    assert_null(consent_code(rig.firmware));
    power_rig_stop(&rig);
}

static void the_policy_is_read_only_in_client_control_mode(void **state) /* WSM-090 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "control_mode: client");
    assert_string_equal(power_rig_read(&rig, OPT_IN, "OptInRequired"), "4294967295");
    assert_false(require(&rig, "0"));
    assert_string_equal(power_rig_fault(&rig), "AccessDenied");
    assert_true(require(&rig, "4294967295")); /* carried back as it was read */
    give_consent(&rig);
    power_rig_stop(&rig);
}

static void the_policy_is_fixed_where_the_device_says_so(void **state) /* WSM-090 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "instances: { IPS_OptInService: [ { CanModifyOptInPolicy: 0, "
                          "CreationClassName: IPS_OptInService, Name: Intel(r) AMT OptIn Service, "
                          "OptInRequired: 1, OptInState: 0, SystemCreationClassName: "
                          "CIM_ComputerSystem, SystemName: Intel(r) AMT } ] }");
    assert_false(require(&rig, "0"));
    assert_string_equal(power_rig_fault(&rig), "AccessDenied");
    assert_string_equal(power_rig_read(&rig, OPT_IN, "OptInRequired"), "1");
    power_rig_stop(&rig);
}

static void activation_asks_for_consent_until_somebody_changes_that(void **state)
{
    (void)state; /* wsman.md 5.3 */
    struct power_rig rig;
    power_rig_start(&rig, "control_mode: none");
    rig.door = FIRMWARE_LOCAL;
    assert_int_equal(start(&rig), RIG_FAULT);
    assert_false(require(&rig, "1"));
    assert_string_equal(power_rig_fault(&rig), "AccessDenied");
    provisioning_activate(rig.firmware, FIRMWARE_ADMIN_CONTROL);
    assert_string_equal(power_rig_read(&rig, OPT_IN, "OptInRequired"), "4294967295");
    assert_true(require(&rig, "0"));
    power_rig_stop(&rig);
}

static uint64_t request_state(struct power_rig *rig, const char *class_name, const char *value)
{
    char parameters[80];
    snprintf(parameters, sizeof parameters, "<r:RequestedState>%s</r:RequestedState>", value);
    return power_rig_call(rig, class_name, "RequestStateChange", "", parameters);
}

static void redirection_is_switched_by_request_and_put(void **state) /* WSM-086 */
{
    (void)state;
    static const struct {
        const char *request, *state;
        bool has_ider, has_sol;
    } k_cases[] = {
        { "32768", "32768", false, false }, { "32769", "32769", true, false },
        { "32770", "32770", false, true },  { "32771", "32771", true, true },
        { "3", "32768", false, false },     { "2", "32771", true, true },
    };
    struct power_rig rig;
    power_rig_start(&rig, "");
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        assert_int_equal(request_state(&rig, REDIRECTION, k_cases[i].request), 0);
        assert_string_equal(power_rig_read(&rig, REDIRECTION, "EnabledState"), k_cases[i].state);
        assert_int_equal(redirection_is_enabled(rig.firmware, REDIRECTION_IDER),
                         k_cases[i].has_ider);
        assert_int_equal(redirection_is_enabled(rig.firmware, REDIRECTION_SOL), k_cases[i].has_sol);
    }
    assert_int_equal(request_state(&rig, REDIRECTION, "32772"), 5);
    assert_int_equal(request_state(&rig, REDIRECTION, "4"), 5);
    assert_true(power_rig_put(&rig, REDIRECTION, "",
                              "<r:EnabledState>32771</r:EnabledState>"
                              "<r:ListenerEnabled>false</r:ListenerEnabled>"));
    assert_string_equal(power_rig_value(&rig, "ListenerEnabled"), "false");
    assert_false(redirection_listens(rig.firmware));
    assert_false(power_rig_put(&rig, REDIRECTION, "", "<r:EnabledState>32768</r:EnabledState>"));
    assert_int_equal(rig.status, 400);
    assert_true(
        power_rig_put(&rig, REDIRECTION, "", "<r:ListenerEnabled>true</r:ListenerEnabled>"));
    assert_true(redirection_listens(rig.firmware));
    power_rig_stop(&rig);
}

static void switching_off_ends_what_runs(void **state) /* wsman.md 5.3 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_IDER, NULL));
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_SOL, NULL));
    assert_int_equal(request_state(&rig, REDIRECTION, "32770"), 0);
    assert_int_equal(rig.ended_sessions, 1u << REDIRECTION_IDER);
    assert_true(redirection_is_open(rig.firmware, REDIRECTION_SOL));
    assert_true(
        power_rig_put(&rig, REDIRECTION, "", "<r:ListenerEnabled>false</r:ListenerEnabled>"));
    assert_int_equal(rig.ended_sessions, 1u << REDIRECTION_IDER | 1u << REDIRECTION_SOL);
    assert_false(redirection_any_open(rig.firmware));
    power_rig_stop(&rig);
}

static uint64_t terminate(struct power_rig *rig, const char *type)
{
    char parameters[60];
    snprintf(parameters, sizeof parameters, "<r:SessionType>%s</r:SessionType>", type);
    return power_rig_call(rig, REDIRECTION, "TerminateSession", "", parameters);
}

static void sessions_can_be_terminated(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(terminate(&rig, "1"), 1); /* there is none */
    assert_int_equal(terminate(&rig, "2"), 36);
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_SOL, NULL));
    assert_int_equal(terminate(&rig, "1"), 0);
    assert_int_equal(rig.ended_sessions, 1u << REDIRECTION_SOL);
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, NULL));
    assert_int_equal(power_rig_call(&rig, KVM_DATA, "TerminateSession", "", ""), 16);
    rig.door = FIRMWARE_LOCAL; /* the user at the machine */
    assert_int_equal(power_rig_call(&rig, KVM_DATA, "TerminateSession", "", ""), 0);
    assert_int_equal(power_rig_call(&rig, KVM_DATA, "TerminateSession", "", ""), 1);
    power_rig_stop(&rig);
}

static void kvm_is_enabled_offline_or_in_session(void **state) /* WSM-087 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(request_state(&rig, KVM, "2"), 0);
    assert_string_equal(power_rig_read(&rig, KVM, "EnabledState"), "6");
    assert_string_equal(power_rig_value(&rig, "RequestedState"), "2");
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, NULL));
    assert_string_equal(power_rig_read(&rig, KVM, "EnabledState"), "2");
    assert_int_equal(request_state(&rig, KVM, "3"), 0);
    assert_string_equal(power_rig_read(&rig, KVM, "EnabledState"), "3");
    assert_string_equal(power_rig_value(&rig, "RequestedState"), "3");
    assert_false(redirection_is_enabled(rig.firmware, REDIRECTION_KVM));
    assert_int_equal(rig.ended_sessions, 1u << REDIRECTION_KVM);
    assert_int_equal(request_state(&rig, KVM, "4"), 5);
    assert_int_equal(request_state(&rig, "CIM_RedirectionService", "2"), 0);
    assert_string_equal(power_rig_read(&rig, "CIM_RedirectionService", "EnabledState"), "2");
    assert_string_equal(power_rig_read(&rig, KVM, "EnabledState"), "6");
    power_rig_stop(&rig);
}

static uint64_t host_writes(struct power_rig *rig, const char *base64)
{
    char parameters[80];
    snprintf(parameters, sizeof parameters, "<r:DataMessage>%s</r:DataMessage>", base64);
    return power_rig_call(rig, KVM_DATA, "DataChannelWrite", "", parameters);
}

static void console_and_host_talk_over_the_data_channel(void **state)
{
    (void)state;
    struct power_rig rig;
    static const uint8_t k_large[4097] = { 0 };
    power_rig_start(&rig, "");
    rig.door = FIRMWARE_LOCAL;
    assert_false(kvm_channel_from_console(rig.firmware, "hi", 2, 4));
    assert_int_equal(host_writes(&rig, "aGk="), 1);
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, NULL));
    assert_int_equal(power_rig_call(&rig, KVM_DATA, "DataChannelRead", "", ""), 1);
    assert_false(kvm_channel_from_console(rig.firmware, k_large, sizeof k_large, 4));
    assert_true(kvm_channel_from_console(rig.firmware, "hi", 2, 4));
    assert_false(kvm_channel_from_console(rig.firmware, "ho", 2, 4)); /* one in flight */
    assert_int_equal(power_rig_call(&rig, KVM_DATA, "DataChannelRead", "", ""), 0);
    assert_string_equal(power_rig_value(&rig, "DataMessage"), "aGk=");
    assert_string_equal(power_rig_value(&rig, "RealmsBitmap"), "4");
    assert_string_equal(power_rig_value(&rig, "MessageId"), "1");
    assert_string_equal(rig.kvm_messages, "()");
    assert_int_equal(host_writes(&rig, "aGVsbG8="), 0);
    assert_string_equal(rig.kvm_messages, "()hello");
    assert_true(kvm_channel_from_console(rig.firmware, "ho", 2, 4));
    redirection_session_ended(rig.firmware, REDIRECTION_KVM);
    assert_int_equal(power_rig_call(&rig, KVM_DATA, "DataChannelRead", "", ""), 1);
    power_rig_stop(&rig);
}

static void without_kvm_there_is_no_such_class(void **state) /* WSM-088 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "has_kvm: false");
    power_rig_get(&rig, KVM);
    assert_int_equal(rig.status, 400);
    assert_string_equal(power_rig_fault(&rig), "DestinationUnreachable");
    power_rig_stop(&rig);
}

static void kvm_settings_are_checked_and_the_password_is_never_read(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "version: 11.8.50.3425");
    assert_true(power_rig_put(&rig, KVM_DATA, "",
                              "<r:ElementName>Intel(r) KVM Redirection Settings</r:ElementName>"
                              "<r:DefaultScreen>2</r:DefaultScreen><r:SessionTimeout>0"
                              "</r:SessionTimeout><r:RFBPassword>P@ssw0rd</r:RFBPassword>"));
    assert_string_equal(power_rig_read(&rig, KVM_DATA, "DefaultScreen"), "2");
    assert_string_equal(power_rig_value(&rig, "SessionTimeout"), "0");
    assert_string_equal(power_rig_value(&rig, "RFBPassword"), "");
    static const char *const k_bad[] = { "P@ssw0r",  "P@ssw0rds", "password", "Passw0rd",
                                         "p@ssw0rd", "P@SSW0RD",  "P@ssword", "P,ssw0rd" };
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        char properties[200];
        snprintf(properties, sizeof properties,
                 "<r:ElementName>k</r:ElementName><r:RFBPassword>%s</r:RFBPassword>", k_bad[i]);
        assert_false(power_rig_put(&rig, KVM_DATA, "", properties));
    }
    assert_false(power_rig_put(&rig, KVM_DATA, "",
                               "<r:ElementName>k</r:ElementName><r:DefaultScreen>4"
                               "</r:DefaultScreen>"));
    assert_string_equal(power_rig_read(&rig, KVM_DATA, "DefaultScreen"), "2");
    assert_string_equal(power_rig_value(&rig, "ElementName"), "Intel(r) KVM Redirection Settings");
    power_rig_stop(&rig);
    power_rig_start(&rig, "version: 16.1.25.2124"); /* redirection.md 6.13 */
    assert_false(power_rig_put(&rig, KVM_DATA, "",
                               "<r:ElementName>k</r:ElementName><r:RFBPassword>P@ssw0rd"
                               "</r:RFBPassword>"));
    assert_string_equal(power_rig_detail(&rig), "AMT-STATUS 2066");
    power_rig_stop(&rig);
}

static void client_control_mode_keeps_the_kvm_consent(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "control_mode: client");
    assert_string_equal(power_rig_read(&rig, KVM_DATA, "OptInPolicy"), "true");
    assert_false(power_rig_put(&rig, KVM_DATA, "",
                               "<r:ElementName>k</r:ElementName><r:OptInPolicy>false"
                               "</r:OptInPolicy>"));
    assert_string_equal(power_rig_detail(&rig), "AMT-STATUS 16");
    power_rig_stop(&rig);
}

static uint64_t blank(struct power_rig *rig, uint32_t session_state, uint32_t reboots)
{
    char parameters[150];
    snprintf(parameters, sizeof parameters,
             "<r:SessionState>%u</r:SessionState><r:ConsecutiveRebootsNum>%u"
             "</r:ConsecutiveRebootsNum>",
             session_state, reboots);
    return power_rig_call(rig, SCREENS, "SetSessionState", "", parameters);
}

static void the_local_screen_is_blanked_during_a_session(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(blank(&rig, 1, 1), 1); /* no session */
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, NULL));
    assert_int_equal(blank(&rig, 2, 1), 36);
    assert_int_equal(blank(&rig, 1, 1), 0);
    assert_string_equal(power_rig_read(&rig, SCREENS, "CurrentState"), "1");
    assert_string_equal(power_rig_value(&rig, "RemainingConsecutiveRebootsNum"), "1");
    assert_int_equal(power_host_event(rig.firmware, "reboot"), AMT_OK);
    assert_string_equal(power_rig_read(&rig, SCREENS, "CurrentState"), "1");
    assert_string_equal(power_rig_value(&rig, "RemainingConsecutiveRebootsNum"), "0");
    assert_int_equal(power_host_event(rig.firmware, "reset-button"), AMT_OK);
    assert_string_equal(power_rig_read(&rig, SCREENS, "CurrentState"), "0");
    assert_int_equal(blank(&rig, 1, 0), 0);
    redirection_session_ended(rig.firmware, REDIRECTION_KVM);
    assert_string_equal(power_rig_read(&rig, SCREENS, "CurrentState"), "0");
    assert_int_equal(request_state(&rig, SCREENS, "3"), 0);
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, NULL));
    assert_int_equal(blank(&rig, 1, 0), 1); /* the service is off */
    assert_true(power_rig_put(&rig, SCREENS, "", "<r:EnabledState>2</r:EnabledState>"));
    assert_int_equal(blank(&rig, 1, 0), 0);
    assert_int_equal(blank(&rig, 0, 0), 0);
    assert_string_equal(power_rig_read(&rig, SCREENS, "CurrentState"), "0");
    power_rig_stop(&rig);
}

static void screen_settings_go_back_to_their_defaults(void **state)
{
    (void)state;
    static const char k_class[] = "IPS_ScreenSettingData";
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(power_rig_put(&rig, k_class, "",
                              "<r:ElementName>s</r:ElementName><r:PrimaryIndex>2"
                              "</r:PrimaryIndex><r:SecondaryIndex>1</r:SecondaryIndex>"));
    assert_string_equal(power_rig_read(&rig, k_class, "PrimaryIndex"), "2");
    assert_int_equal(power_rig_call(&rig, k_class, "ResetToDefault", "", ""), 0);
    assert_string_equal(power_rig_read(&rig, k_class, "PrimaryIndex"), "1");
    assert_string_equal(power_rig_value(&rig, "SecondaryIndex"), "2");
    power_rig_stop(&rig);
}

static void on_screen_messages_have_a_language_and_a_switch(void **state)
{
    (void)state;
    static const char k_class[] = "IPS_SecIOService";
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(power_rig_put(&rig, k_class, "", "<r:language>5</r:language><r:zoom>2</r:zoom>"));
    assert_string_equal(power_rig_read(&rig, k_class, "language"), "5");
    assert_string_equal(power_rig_value(&rig, "zoom"), "2");
    assert_int_equal(request_state(&rig, k_class, "3"), 0);
    assert_string_equal(power_rig_read(&rig, k_class, "EnabledState"), "3");
    assert_int_equal(request_state(&rig, k_class, "9"), 5);
    power_rig_stop(&rig);
}

static void settings_survive_a_power_cut_and_consent_does_not(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start_kept(&rig, "");
    assert_true(require(&rig, "1"));
    assert_int_equal(request_state(&rig, REDIRECTION, "32769"), 0);
    assert_int_equal(request_state(&rig, KVM, "3"), 0);
    assert_int_equal(start(&rig), 0);
    power_rig_restart(&rig);
    assert_string_equal(opt_in_state(&rig), "0");
    assert_string_equal(power_rig_value(&rig, "OptInRequired"), "1");
    assert_string_equal(power_rig_read(&rig, REDIRECTION, "EnabledState"), "32769");
    assert_string_equal(power_rig_read(&rig, KVM, "EnabledState"), "3");
    power_rig_stop(&rig);
}

static void unprovisioning_ends_sessions_and_resets(void **state) /* WSM-077 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(require(&rig, "1"));
    assert_int_equal(request_state(&rig, REDIRECTION, "32769"), 0);
    give_consent(&rig);
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_KVM, NULL));
    firmware_unprovision(rig.firmware, false);
    assert_int_equal(rig.ended_sessions, 1u << REDIRECTION_KVM);
    rig.door = FIRMWARE_LOCAL;
    assert_string_equal(opt_in_state(&rig), "0");
    assert_string_equal(power_rig_read(&rig, REDIRECTION, "EnabledState"), "32771");
    assert_false(redirection_listens(rig.firmware));
    assert_int_equal(request_state(&rig, REDIRECTION, "32769"), RIG_FAULT);
    assert_int_equal(request_state(&rig, KVM, "3"), RIG_FAULT);
    power_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_policy_there_is_nothing_to_ask),
        cmocka_unit_test(the_opt_in_goes_from_request_to_received),
        cmocka_unit_test(three_wrong_codes_block_for_a_while),
        cmocka_unit_test(codes_and_consent_run_out),
        cmocka_unit_test(the_times_are_settings_within_limits),
        cmocka_unit_test(a_session_keeps_consent_alive),
        cmocka_unit_test(cancelling_ends_the_sessions),
        cmocka_unit_test(a_code_may_be_typed_into_the_session),
        cmocka_unit_test(kvm_alone_may_need_consent),
        cmocka_unit_test(a_dark_screen_shows_no_code),
        cmocka_unit_test(the_policy_is_read_only_in_client_control_mode),
        cmocka_unit_test(the_policy_is_fixed_where_the_device_says_so),
        cmocka_unit_test(activation_asks_for_consent_until_somebody_changes_that),
        cmocka_unit_test(redirection_is_switched_by_request_and_put),
        cmocka_unit_test(switching_off_ends_what_runs),
        cmocka_unit_test(sessions_can_be_terminated),
        cmocka_unit_test(kvm_is_enabled_offline_or_in_session),
        cmocka_unit_test(console_and_host_talk_over_the_data_channel),
        cmocka_unit_test(without_kvm_there_is_no_such_class),
        cmocka_unit_test(kvm_settings_are_checked_and_the_password_is_never_read),
        cmocka_unit_test(client_control_mode_keeps_the_kvm_consent),
        cmocka_unit_test(the_local_screen_is_blanked_during_a_session),
        cmocka_unit_test(screen_settings_go_back_to_their_defaults),
        cmocka_unit_test(on_screen_messages_have_a_language_and_a_switch),
        cmocka_unit_test(settings_survive_a_power_cut_and_consent_does_not),
        cmocka_unit_test(unprovisioning_ends_sessions_and_resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
