/* Boot control: options for one boot, boot sources, and what comes of them (wsman.md 4.16). */
#include "simulator/firmware/boot.h"

#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "simulator/firmware/boot_internal.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/event_log_internal.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/tests/power_rig.h"

#define SETTINGS "AMT_BootSettingData"

/* A platform with one-click recovery and remote erase, as from release 15 and 16 on. */
static const char k_recovery[] =
    "version: 16.1.25.2124\n"
    "instances:\n"
    "  AMT_BootCapabilities:\n"
    "    - InstanceID: \"Intel(r) AMT:BootCapabilities 0\"\n"
    "      ElementName: \"Intel(r) AMT: Boot Capabilities\"\n"
    "      ForceUEFIHTTPSBoot: true\n"
    "      ForceWinREBoot: true\n"
    "      ForceHardDriveBoot: true\n"
    "      ForceHardDriveSafeModeBoot: true\n"
    "      PlatformErase: 3\n"
    "      PowerButtonLock: true\n"
    "      ResetButtonLock: true\n"
    "      BIOSSetup: true\n"
    "      VerbosityQuiet: true\n"
    "  CIM_BootService:\n"
    "    - CreationClassName: CIM_BootService\n"
    "      EnabledState: 32769\n"
    "      Name: Intel(r) AMT Boot Service\n"
    "      SystemCreationClassName: CIM_ComputerSystem\n"
    "      SystemName: Intel(r) AMT\n"
    "  CIM_BootSourceSetting:\n"
    "    - { ElementName: Source, InstanceID: \"Intel(r) AMT: Force Hard-drive Boot\" }\n"
    "    - { ElementName: Source, InstanceID: \"Intel(r) AMT: Force OCR UEFI HTTPS Boot\" }\n"
    "    - { ElementName: Source, InstanceID: \"Intel(r) AMT: Force OCR UEFI Boot Option 1\" }\n"
    "    - { ElementName: Source, InstanceID: \"Intel(r) AMT: Force OCR UEFI Boot Option 2\", "
    "BIOSBootString: WinRe }\n"
    "    - { ElementName: Source, InstanceID: \"Intel(r) AMT: Force OCR UEFI Boot Option 3\", "
    "BIOSBootString: PBA }\n";

/* A Put of what changes, and nothing else (WSM-051). */
static bool put(struct power_rig *rig, const char *changes)
{
    return power_rig_put(rig, SETTINGS, "", changes);
}

static void reset(struct power_rig *rig)
{
    assert_int_equal(power_rig_request(rig, POWER_RESET), 0);
    power_rig_advance(rig, 2);
    assert_int_equal(power_host(rig->firmware), HOST_BOOTING);
}

static enum firmware_boot last(const struct power_rig *rig)
{
    return boot_last(rig->firmware)->boot;
}

static void options_apply_to_one_boot_and_are_cleared(void **state) /* WSM-093 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_string_equal(power_rig_read(&rig, SETTINGS, "OptionsCleared"), "true");
    assert_true(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup><r:UseSOL>true</r:UseSOL>"));
    assert_string_equal(power_rig_value(&rig, "BIOSSetup"), "true");
    assert_string_equal(power_rig_value(&rig, "OptionsCleared"), "false");
    assert_string_equal(power_rig_list(&rig, SETTINGS, "BIOSLastStatus"), "2 0");
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_BIOS_SETUP);
    assert_true(boot_last(rig.firmware)->uses_sol);
    assert_string_equal(power_rig_list(&rig, SETTINGS, "BIOSLastStatus"), "1 0");
    assert_string_equal(power_rig_read(&rig, SETTINGS, "BIOSSetup"), "false");
    assert_string_equal(power_rig_value(&rig, "UseSOL"), "false");
    assert_string_equal(power_rig_value(&rig, "OptionsCleared"), "true");
    power_rig_advance(&rig, 60);
    assert_int_equal(power_host(rig.firmware), HOST_BIOS); /* it waits for the user */
    assert_string_equal(power_rig_list(&rig, SETTINGS, "BIOSLastStatus"), "0 0");
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_DISK);
    assert_false(boot_last(rig.firmware)->uses_sol);
    power_rig_advance(&rig, 10);
    assert_int_equal(power_host(rig.firmware), HOST_OS);
    power_rig_stop(&rig);
}

static void boots_that_amt_did_not_cause_leave_the_options(void **state) /* WSM-093 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup>"));
    assert_int_equal(power_host_event(rig.firmware, "reboot"), AMT_OK);
    assert_int_equal(last(&rig), BOOT_DISK);
    assert_string_equal(power_rig_read(&rig, "IPS_HostBootReason", "Reason"), "1");
    assert_string_equal(power_rig_read(&rig, SETTINGS, "BIOSSetup"), "true");
    assert_int_equal(power_rig_request(&rig, POWER_OFF), 0); /* no boot: they wait on */
    power_rig_advance(&rig, 2);
    assert_string_equal(power_rig_read(&rig, SETTINGS, "BIOSSetup"), "true");
    assert_int_equal(power_rig_request(&rig, POWER_ON), 0);
    power_rig_advance(&rig, 2);
    assert_int_equal(last(&rig), BOOT_BIOS_SETUP);
    assert_string_equal(power_rig_read(&rig, "IPS_HostBootReason", "Reason"), "2");
    assert_string_equal(power_rig_value(&rig, "PreviousSxState"), "7");
    power_rig_stop(&rig);
}

static void a_source_counts_for_one_boot_and_with_the_role(void **state) /* WSM-093 WSM-094 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(power_rig_boot_source(&rig, "PXE Boot"), 0);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_DISK); /* without the role it has no effect */
    assert_int_equal(power_rig_boot_source(&rig, "PXE Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_PXE);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_DISK);
    assert_int_equal(power_rig_boot_source(&rig, "CD/DVD Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    assert_int_equal(power_rig_boot_source(&rig, NULL), 0); /* clears it */
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_DISK);
    assert_int_equal(power_rig_boot_source(&rig, "CD/DVD Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    assert_int_equal(power_rig_boot_role(&rig, 32768), 0); /* not next after all */
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_DISK);
    assert_int_equal(power_rig_boot_source(&rig, "Hard-drive Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_FORCED_DISK);
    power_rig_stop(&rig);
}

static void sources_and_roles_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(power_rig_count(&rig, "CIM_BootSourceSetting") >= 2); /* WSM-095 */
    assert_int_equal(power_rig_boot_source(&rig, "Tape Boot"), 4);
    assert_int_equal(power_rig_boot_role(&rig, 0), 1);
    assert_int_equal(power_rig_boot_role(&rig, 2), 1);
    assert_int_equal(power_rig_boot_role(&rig, 7), 5);
    power_rig_stop(&rig);
}

/* The progress codes that the event log has got, oldest first. */
static const char *progress_codes(struct power_rig *rig)
{
    struct text codes = { 0 };
    const uint8_t *record = NULL;
    for (uint64_t n = 1; (record = event_log_record(rig->firmware->event_log, n)) != NULL; n++) {
        text_printf(&codes, "%s%02x", codes.len > 0 ? " " : "", record[14]);
    }
    const char *kept = arena_text(&rig->arena, text_chars(&codes), codes.len);
    text_fini(&codes);
    return kept;
}

static void the_event_log_tells_what_was_booted(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_int_equal(power_rig_boot_source(&rig, "PXE Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig);
    power_rig_advance(&rig, 10);
    assert_string_equal(progress_codes(&rig), "01 08 13");
    assert_true(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup>"));
    reset(&rig);
    power_rig_advance(&rig, 10);
    assert_string_equal(progress_codes(&rig), "01 08 13 01 05");
    power_rig_stop(&rig);
}

static void ider_boots_need_a_session(void **state) /* RED-076 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(put(&rig, "<r:IDERBootDevice>1</r:IDERBootDevice><r:UseIDER>true</r:UseIDER>"));
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_DISK);
    assert_string_equal(power_rig_read(&rig, SETTINGS, "UseIDER"), "false"); /* consumed */
    assert_true(redirection_session_began(rig.firmware, REDIRECTION_IDER, NULL));
    assert_true(put(&rig, "<r:IDERBootDevice>1</r:IDERBootDevice><r:UseIDER>true</r:UseIDER>"));
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_IDER_CD);
    assert_true(put(&rig, "<r:UseIDER>true</r:UseIDER>"));
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_IDER_FLOPPY);
    power_rig_stop(&rig);
}

static void options_the_platform_lacks_are_refused_by_status(void **state)
{
    (void)state;
    static const struct {
        const char *change, *detail;
    } k_cases[] = {
        { "<r:SecureErase>true</r:SecureErase>", "AMT-STATUS 2050" },
        { "<r:LockPowerButton>true</r:LockPowerButton>", "AMT-STATUS 2050" },
        { "<r:FirmwareVerbosity>2</r:FirmwareVerbosity>", "AMT-STATUS 2050" },
        { "<r:FirmwareVerbosity>9</r:FirmwareVerbosity>", "AMT-STATUS 36" },
        { "<r:IDERBootDevice>2</r:IDERBootDevice>", "AMT-STATUS 36" },
        { "<r:RSEPassword>123456789012345678901234567890123</r:RSEPassword>", "AMT-STATUS 36" },
        { "<r:UefiBootNumberOfParams>1</r:UefiBootNumberOfParams>", "AMT-STATUS 36" },
    };
    struct power_rig rig;
    power_rig_start(&rig, "");
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        assert_false(put(&rig, k_cases[i].change));
        assert_int_equal(rig.status, 500);
        assert_string_equal(power_rig_fault(&rig), "InternalError");
        assert_string_equal(power_rig_detail(&rig), k_cases[i].detail);
    }
    assert_string_equal(power_rig_read(&rig, SETTINGS, "OptionsCleared"), "true");
    power_rig_stop(&rig);
}

static void whole_objects_are_put_back_as_clients_do(void **state) /* WSM-051 */
{
    (void)state;
    static const char *const k_names[] = { SETTINGS, "AMT_RedirectionService", "IPS_OptInService",
                                           "IPS_KVMRedirectionSettingData", "IPS_SecIOService" };
    struct power_rig rig;
    power_rig_start(&rig, "");
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        assert_true(power_rig_put_back(&rig, k_names[i], NULL, NULL));
    }
    assert_string_equal(power_rig_read(&rig, SETTINGS, "OptionsCleared"), "true");
    assert_true(power_rig_put_back(&rig, SETTINGS, "BIOSSetup", "true"));
    assert_true(power_rig_put_back(&rig, SETTINGS, "UseSOL", "true"));
    assert_string_equal(power_rig_value(&rig, "BIOSSetup"), "true");
    assert_true(power_rig_put_back(&rig, "AMT_RedirectionService", "ListenerEnabled", "false"));
    assert_true(power_rig_put_back(&rig, "IPS_OptInService", "OptInRequired", "1"));
    power_rig_stop(&rig);
}

static void a_put_without_news_leaves_the_options_cleared(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(put(&rig, "<r:BIOSSetup>false</r:BIOSSetup><r:OptionsCleared>false"
                          "</r:OptionsCleared><r:RSEPassword></r:RSEPassword>"));
    assert_string_equal(power_rig_value(&rig, "OptionsCleared"), "true"); /* read only */
    power_rig_stop(&rig);
}

static void in_client_control_mode_boot_options_need_consent(void **state) /* wsman.md 5.2 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "control_mode: client");
    assert_false(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup>"));
    assert_string_equal(power_rig_detail(&rig), "AMT-STATUS 2081");
    assert_true(put(&rig, "<r:BIOSSetup>false</r:BIOSSetup>")); /* what every power action does */
    assert_true(put(&rig, "<r:ForcedProgressEvents>true</r:ForcedProgressEvents>"
                          "<r:IDERBootDevice>1</r:IDERBootDevice>"));
    assert_int_equal(power_rig_boot_source(&rig, "PXE Boot"), 6);
    assert_int_equal(power_rig_boot_source(&rig, NULL), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig); /* plain power needs none */
    power_rig_advance(&rig, 10);
    assert_int_equal(power_rig_call(&rig, "IPS_OptInService", "StartOptIn", "", ""), 0);
    power_rig_advance(&rig, 2);
    char code[60];
    snprintf(code, sizeof code, "<r:OptInCode>%s</r:OptInCode>", consent_code(rig.firmware));
    assert_int_equal(power_rig_call(&rig, "IPS_OptInService", "SendOptInCode", "", code), 0);
    assert_true(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup>"));
    assert_int_equal(power_rig_boot_source(&rig, "PXE Boot"), 0);
    /* and what it allowed does not outlive it (redirection.md 9.3) */
    power_rig_advance(&rig, 130);
    assert_string_equal(power_rig_read(&rig, SETTINGS, "BIOSSetup"), "false");
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_DISK);
    power_rig_stop(&rig);
}

static void in_admin_control_mode_the_policy_decides(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, "");
    assert_true(power_rig_put(&rig, "IPS_OptInService", "",
                              "<r:OptInRequired>4294967295</r:OptInRequired>"));
    assert_false(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup>"));
    assert_true(
        power_rig_put(&rig, "IPS_OptInService", "", "<r:OptInRequired>1</r:OptInRequired>"));
    assert_true(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup>")); /* KVM alone needs it */
    power_rig_stop(&rig);
}

static void locked_buttons_do_nothing_while_the_bios_runs(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, k_recovery);
    assert_true(put(&rig, "<r:LockPowerButton>true</r:LockPowerButton>"
                          "<r:LockResetButton>true</r:LockResetButton>"
                          "<r:FirmwareVerbosity>1</r:FirmwareVerbosity>"));
    reset(&rig);
    assert_int_equal(boot_last(rig.firmware)->verbosity, 1);
    assert_int_equal(power_host_event(rig.firmware, "power-button"), AMT_ESTATE);
    assert_int_equal(power_host_event(rig.firmware, "reset-button"), AMT_ESTATE);
    power_rig_advance(&rig, 10);
    assert_int_equal(power_host_event(rig.firmware, "reset-button"), AMT_OK);
    assert_int_equal(power_host_event(rig.firmware, "power-button"), AMT_OK);
    assert_int_equal(power_host(rig.firmware), HOST_OFF);
    power_rig_stop(&rig);
}

static uint64_t switch_service(struct power_rig *rig, const char *value)
{
    char parameters[80];
    snprintf(parameters, sizeof parameters, "<r:RequestedState>%s</r:RequestedState>", value);
    return power_rig_call(rig, "CIM_BootService", "RequestStateChange", "", parameters);
}

/* Vendor 0x8086, type, length, data; the first is a network device path, the second a file path. */
#define PARAMETERS_WITH_PATH    "hoABAAQAAABodHRwhoACAAEAAAAB"
#define PARAMETERS_WITHOUT_PATH "hoACAAEAAAAB"

static void one_click_recovery_boots_what_its_parameters_name(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, k_recovery);
    assert_true(put(&rig, "<r:UefiBootNumberOfParams>2</r:UefiBootNumberOfParams>"
                          "<r:UefiBootParametersArray>" PARAMETERS_WITH_PATH
                          "</r:UefiBootParametersArray>"));
    assert_string_equal(power_rig_value(&rig, "UefiBootParametersArray"), PARAMETERS_WITH_PATH);
    assert_int_equal(power_rig_boot_source(&rig, "OCR UEFI HTTPS Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_UEFI_HTTPS);
    power_rig_advance(&rig, 10);
    assert_string_equal(power_rig_list(&rig, SETTINGS, "BIOSLastStatus"), "0 0");
    assert_string_equal(power_rig_read(&rig, SETTINGS, "UefiBootParametersArray"), "");

    assert_true(put(&rig, "<r:UefiBootNumberOfParams>1</r:UefiBootNumberOfParams>"
                          "<r:UefiBootParametersArray>" PARAMETERS_WITHOUT_PATH
                          "</r:UefiBootParametersArray>"));
    assert_int_equal(power_rig_boot_source(&rig, "OCR UEFI HTTPS Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_DISK); /* nowhere to go */
    power_rig_advance(&rig, 10);
    assert_string_equal(power_rig_list(&rig, SETTINGS, "BIOSLastStatus"), "65535 1");

    assert_int_equal(power_rig_boot_source(&rig, "OCR UEFI Boot Option 1"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_UEFI_OPTION);
    assert_int_equal(power_rig_boot_source(&rig, "OCR UEFI Boot Option 2"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_WINRE);
    assert_int_equal(power_rig_boot_source(&rig, "OCR UEFI Boot Option 3"), 1); /* no PBA here */
    power_rig_stop(&rig);
}

static void malformed_parameters_are_refused(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, k_recovery);
    assert_false(put(&rig, "<r:UefiBootNumberOfParams>1</r:UefiBootNumberOfParams>"
                           "<r:UefiBootParametersArray>" PARAMETERS_WITH_PATH
                           "</r:UefiBootParametersArray>")); /* there are two */
    assert_false(put(&rig, "<r:UefiBootNumberOfParams>1</r:UefiBootNumberOfParams>"
                           "<r:UefiBootParametersArray>hoACAAIAAAAB</r:UefiBootParametersArray>"));
    assert_string_equal(power_rig_detail(&rig), "AMT-STATUS 36"); /* a length beyond the end */
    power_rig_stop(&rig);
}

static void the_parameter_list_is_walked_within_its_bounds(void **state)
{
    (void)state;
    static const uint8_t k_list[] = { 0x86, 0x80, 1,    0, 2, 0,    0,    0, 'a',
                                      'b',  0x86, 0x80, 5, 0, 0xff, 0xff, 0, 0 };
    uint32_t count = 9;
    bool has_type = true;
    assert_true(boot_parameters_read(k_list, 0, 1, &count, &has_type));
    assert_int_equal(count, 0);
    assert_false(has_type);
    assert_true(boot_parameters_read(k_list, 10, 1, &count, &has_type));
    assert_int_equal(count, 1);
    assert_true(has_type);
    for (size_t len = 1; len < sizeof k_list; len++) {
        assert_int_equal(boot_parameters_read(k_list, len, 1, &count, &has_type), len == 10);
    }
    assert_false(boot_parameters_read(k_list, sizeof k_list, 1, &count, &has_type));
}

static void recovery_and_erase_are_switched_by_the_boot_service(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, k_recovery);
    assert_false(put(&rig, "<r:PlatformErase>true</r:PlatformErase>")); /* 32769: erase is off */
    assert_string_equal(power_rig_detail(&rig), "AMT-STATUS 2050");
    assert_int_equal(switch_service(&rig, "32770"), 0);
    assert_string_equal(power_rig_read(&rig, "CIM_BootService", "EnabledState"), "32770");
    assert_string_equal(power_rig_read(&rig, SETTINGS, "RPEEnabled"), "true");
    assert_int_equal(power_rig_boot_source(&rig, "OCR UEFI HTTPS Boot"), 1);
    assert_int_equal(switch_service(&rig, "2"), 5);
    assert_int_equal(switch_service(&rig, "32772"), 5);
    assert_true(put(&rig, "<r:PlatformErase>true</r:PlatformErase>"));
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_ERASE);
    power_rig_advance(&rig, 60);
    assert_int_equal(power_host(rig.firmware), HOST_BIOS); /* nothing is left to boot */
    power_rig_stop(&rig);
    power_rig_start(&rig, ""); /* no such capability: older firmware */
    assert_int_equal(switch_service(&rig, "32771"), 1);
    assert_int_equal(switch_service(&rig, "32768"), 1);
    assert_string_equal(power_rig_read(&rig, "CIM_BootService", "EnabledState"), "2");
    power_rig_stop(&rig);
}

static void safe_mode_is_a_way_to_boot_the_disk(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, k_recovery);
    assert_true(put(&rig, "<r:UseSafeMode>true</r:UseSafeMode>"));
    assert_int_equal(power_rig_boot_source(&rig, "Hard-drive Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_SAFE_MODE);
    power_rig_stop(&rig);
}

static void what_waits_for_the_next_boot_survives_a_power_cut(void **state)
{
    (void)state;
    struct power_rig rig;
    power_rig_start_kept(&rig, "");
    assert_true(put(&rig, "<r:BIOSPause>false</r:BIOSPause><r:UseSOL>true</r:UseSOL>"));
    assert_int_equal(power_rig_boot_source(&rig, "PXE Boot"), 0);
    assert_int_equal(power_rig_boot_role(&rig, 1), 0);
    power_rig_restart(&rig);
    assert_string_equal(power_rig_read(&rig, SETTINGS, "UseSOL"), "true");
    assert_string_equal(power_rig_value(&rig, "OptionsCleared"), "false");
    reset(&rig);
    assert_int_equal(last(&rig), BOOT_PXE);
    assert_true(boot_last(rig.firmware)->uses_sol);
    power_rig_restart(&rig);
    assert_int_equal(last(&rig), BOOT_PXE);
    assert_string_equal(power_rig_read(&rig, SETTINGS, "OptionsCleared"), "true");
    power_rig_stop(&rig);
}

static void unprovisioning_drops_what_waits(void **state) /* WSM-077 */
{
    (void)state;
    struct power_rig rig;
    power_rig_start(&rig, k_recovery);
    assert_true(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup>"));
    assert_int_equal(switch_service(&rig, "32771"), 0);
    firmware_unprovision(rig.firmware, false);
    rig.door = FIRMWARE_LOCAL;
    assert_string_equal(power_rig_read(&rig, SETTINGS, "BIOSSetup"), "false");
    assert_string_equal(power_rig_read(&rig, "CIM_BootService", "EnabledState"), "32769");
    assert_false(put(&rig, "<r:BIOSSetup>true</r:BIOSSetup>"));
    assert_string_equal(power_rig_fault(&rig), "AccessDenied");
    assert_int_equal(power_rig_boot_source(&rig, NULL), RIG_FAULT);
    assert_int_equal(power_rig_boot_role(&rig, 1), RIG_FAULT);
    power_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_apply_to_one_boot_and_are_cleared),
        cmocka_unit_test(boots_that_amt_did_not_cause_leave_the_options),
        cmocka_unit_test(a_source_counts_for_one_boot_and_with_the_role),
        cmocka_unit_test(sources_and_roles_that_do_not_exist_are_refused),
        cmocka_unit_test(the_event_log_tells_what_was_booted),
        cmocka_unit_test(ider_boots_need_a_session),
        cmocka_unit_test(options_the_platform_lacks_are_refused_by_status),
        cmocka_unit_test(whole_objects_are_put_back_as_clients_do),
        cmocka_unit_test(a_put_without_news_leaves_the_options_cleared),
        cmocka_unit_test(in_client_control_mode_boot_options_need_consent),
        cmocka_unit_test(in_admin_control_mode_the_policy_decides),
        cmocka_unit_test(locked_buttons_do_nothing_while_the_bios_runs),
        cmocka_unit_test(one_click_recovery_boots_what_its_parameters_name),
        cmocka_unit_test(malformed_parameters_are_refused),
        cmocka_unit_test(the_parameter_list_is_walked_within_its_bounds),
        cmocka_unit_test(recovery_and_erase_are_switched_by_the_boot_service),
        cmocka_unit_test(safe_mode_is_a_way_to_boot_the_disk),
        cmocka_unit_test(what_waits_for_the_next_boot_survives_a_power_cut),
        cmocka_unit_test(unprovisioning_drops_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
