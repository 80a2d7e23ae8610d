/* The built-in profiles: what each generation says of itself, and what makes machines differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wsman/names.h"
#include "simulator/device.h"
#include "simulator/firmware/embedded.h"
#include "simulator/firmware/identity.h"
#include "simulator/firmware/tests/captures_device.h"

/* A device of a built-in profile. */
struct built {
    struct device_config config;
    struct captures_profile profile; /* only its profile is used */
    struct captures_device device;
};

static void built_init(struct built *built, const char *name)
{
    struct amt_diag_list errors = { 0 };
    *built = (struct built){ 0 };
    enum amt_err err = device_config_load(name, NULL, NULL, &built->config, &errors);
    if (err == AMT_OK) {
        built->profile.profile = firmware_profile_new(&built->config.firmware, name, &errors);
    }
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    assert_non_null(built->profile.profile);
    captures_device_init(&built->device, &built->profile);
}

static void built_fini(struct built *built)
{
    captures_device_fini(&built->device);
    firmware_profile_free(built->profile.profile);
    device_config_fini(&built->config);
}

/* Get; the status. selector: "Name=value" as inner XML, NULL for none. */
static int ask(struct built *built, const char *class_name, const char *selector)
{
    return captures_post(&built->device,
                         captures_envelope(&built->device, wsman_operation_action(WSMAN_GET),
                                           class_name, "7", selector, ""));
}

static bool answers(const struct built *built, const char *text)
{
    return strstr(built->device.body, text) != NULL;
}

static void assert_version(struct built *built, const char *instance, const char *version)
{
    char selector[96], expected[96];
    (void)snprintf(selector, sizeof selector, "<c:Selector Name=\"InstanceID\">%s</c:Selector>",
                   instance);
    (void)snprintf(expected, sizeof expected, ":VersionString>%s</", version);
    assert_int_equal(ask(built, "CIM_SoftwareIdentity", selector), 200);
    if (!answers(built, expected)) {
        fail_msg("%s is not %s: %s", instance, version, built->device.body);
    }
}

/* WSM-008, WSM-072: the version of the head and of CIM_SoftwareIdentity fit together. */
static void test_each_tells_its_release(void **state)
{
    (void)state;
    static const struct {
        const char *name, *server, *version, *build, *realm_end;
        bool offers_auth_int, has_proxies, has_qop_setting, has_recovery, has_erase, has_snmp;
    } k_profiles[] = {
        { "amt-7.1", "7.1.91", "7.1.91", "3272", "0000", false, false, false, false, false, true },
        { "amt-9.1", "9.1.45", "9.1.45", "3000", "0000", false, false, false, false, false, true },
        { "amt-11.8", "11.8.50.3425", "11.8.50", "3425", "0000", false, false, false, false, false,
          true },
        { "amt-12.0", "12.0.67.1579", "12.0.67", "1579", "", false, true, false, false, false,
          true },
        { "amt-14.0", "14.0.39.1339", "14.0.39", "1339", "", false, true, true, false, false,
          true },
        { "amt-15.0", "15.0.23.1706", "15.0.23", "1706", "", false, true, true, true, false, true },
        { "amt-16.1", "16.1.25.2124", "16.1.25", "2124", "", true, true, true, true, true, true },
        { "amt-18.0", "18.0.5.2141", "18.0.5", "2141", "", true, true, true, true, true, false },
        { "amt-19.0", "19.0.0.1854", "19.0.0", "1854", "", true, true, true, true, true, false },
    };
    for (size_t i = 0; i < sizeof k_profiles / sizeof *k_profiles; i++) {
        struct built built;
        char server[80];
        built_init(&built, k_profiles[i].name);
        (void)snprintf(server, sizeof server, "Intel(R) Active Management Technology %s",
                       k_profiles[i].server);
        assert_version(&built, "AMT", k_profiles[i].version);
        assert_version(&built, "Build Number", k_profiles[i].build);
        assert_string_equal(captures_header(&built.device, "Server"), server);
        assert_true((strstr(built.device.challenge, "auth-int") != NULL) ==
                    k_profiles[i].offers_auth_int);
        assert_non_null(strstr(built.device.challenge, k_profiles[i].realm_end));
        assert_true((ask(&built, "IPS_HTTPProxyService", NULL) == 200) ==
                    k_profiles[i].has_proxies);
        assert_int_equal(ask(&built, "AMT_AuthorizationService", NULL), 200);
        assert_true(answers(&built, "AllowHttpQopAuthOnly") == k_profiles[i].has_qop_setting);
        assert_int_equal(ask(&built, "AMT_BootCapabilities", NULL), 200);
        assert_true(answers(&built, "ForceUEFIHTTPSBoot>true<") == k_profiles[i].has_recovery);
        assert_true(answers(&built, "PlatformErase>") == k_profiles[i].has_erase);
        assert_true((firmware_profile_class(built.profile.profile, "AMT_SNMPEventSubscriber") !=
                     NULL) == k_profiles[i].has_snmp);
        built_fini(&built);
    }
}

/* WSM-071 and the singletons that inventories read; no brace of a template is left over. */
static void test_each_has_an_inventory(void **state)
{
    (void)state;
    static const char *const k_classes_read[] = { "AMT_GeneralSettings",
                                                  "IPS_HostBasedSetupService",
                                                  "CIM_ComputerSystemPackage",
                                                  "CIM_Chassis",
                                                  "CIM_Card",
                                                  "CIM_BIOSElement",
                                                  "CIM_Processor",
                                                  "CIM_Chip",
                                                  "CIM_EthernetPort" };
    for (const struct embedded_file *file = k_embedded_profiles; file->name != NULL; file++) {
        struct built built;
        built_init(&built, file->name);
        for (size_t i = 0; i < sizeof k_classes_read / sizeof *k_classes_read; i++) {
            if (ask(&built, k_classes_read[i], NULL) != 200 || answers(&built, "{")) {
                fail_msg("%s: %s: %s", file->name, k_classes_read[i], built.device.body);
            }
        }
        built_fini(&built);
    }
}

#define PORT(number) \
    "<c:Selector Name=\"InstanceID\">Intel(r) AMT Ethernet Port Settings " number "</c:Selector>"

/* rps #633 */
static void test_wifi_only(void **state)
{
    (void)state;
    struct built built;
    built_init(&built, "amt-16.1-wifi-only");
    assert_int_equal(ask(&built, "AMT_EthernetPortSettings", PORT("0")), 200);
    assert_true(answers(&built, "MACAddress>00-00-00-00-00-00<"));
    assert_false(answers(&built, "PhysicalConnectionType"));
    assert_false(answers(&built, "IPAddress"));
    assert_int_equal(ask(&built, "AMT_EthernetPortSettings", PORT("1")), 200);
    assert_true(answers(&built, "PhysicalConnectionType>3<"));
    assert_true(answers(&built, "LinkIsUp>true<"));
    assert_true(answers(&built, "IPAddress>10."));
    assert_int_equal(ask(&built, "IPS_IEEE8021xSettings", NULL), 400);
    assert_int_equal(ask(&built, "CIM_WiFiPort", NULL), 200);
    assert_int_equal(ask(&built, "CIM_PhysicalPackage", NULL), 200); /* the battery */
    assert_true(answers(&built, "PackageType>11<"));
    built_fini(&built);
}

static void test_desktop(void **state)
{
    (void)state;
    struct built built;
    built_init(&built, "amt-16.1-desktop");
    assert_int_equal(ask(&built, "AMT_EthernetPortSettings", NULL), 200); /* the only one */
    assert_true(answers(&built, "PhysicalConnectionType>0<"));
    assert_int_equal(ask(&built, "CIM_WiFiPort", NULL), 400);
    assert_int_equal(ask(&built, "AMT_WiFiPortConfigurationService", NULL), 400);
    assert_int_equal(ask(&built, "IPS_IEEE8021xSettings", NULL), 200); /* WSM-102 */
    built_fini(&built);
}

/* WSM-088, wsman.md 1.4 */
static void test_standard_manageability(void **state)
{
    (void)state;
    struct built built;
    built_init(&built, "amt-16.1-standard");
    assert_int_equal(ask(&built, "CIM_KVMRedirectionSAP", NULL), 400);
    assert_string_equal(captures_header(&built.device, "Server"),
                        "Intel(R) Standard Manageability 16.1.25.2124");
    assert_version(&built, "Sku", "16400");
    built_fini(&built);
}

/* wsman.md 4.16: one-click recovery from 15, remote platform erase from 16 on. */
static void test_recovery_can_be_switched(void **state)
{
    (void)state;
    static const struct {
        const char *name, *state;
        bool is_good;
    } k_cases[] = {
        { "amt-16.1", "32771", true },  { "amt-19.0", "32768", true },
        { "amt-15.0", "32769", true },  { "amt-15.0", "32770", false },
        { "amt-14.0", "32769", false }, { "amt-7.1", "32768", false },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct built built;
        char input[64];
        built_init(&built, k_cases[i].name);
        (void)snprintf(input, sizeof input, "<p:RequestedState>%s</p:RequestedState>",
                       k_cases[i].state);
        captures_call(&built.device, "CIM_BootService", "RequestStateChange", NULL, input);
        assert_true(built.device.has_trouble != k_cases[i].is_good);
        built_fini(&built);
    }
}

/* --- identity --- */

static bool is_new(char seen[][64], uint32_t count, const char *text)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(seen[i], text) == 0) {
            return false;
        }
    }
    (void)snprintf(seen[count], 64, "%s", text);
    return true;
}

#define DEVICES 1000u

static void test_a_thousand_devices_differ(void **state)
{
    (void)state;
    static char serials[DEVICES][64], macs[DEVICES][64], addresses[DEVICES][64];
    struct amt_random random;
    amt_random_seed(&random, 7, "uuids");
    for (uint32_t i = 0; i < DEVICES; i++) {
        struct arena arena = { 0 };
        struct firmware firmware = { 0 };
        amt_random_uuid(&random, firmware.uuid.bytes);
        struct wsman_instance *instance = wsman_instance_new(&arena, "CIM_Chassis");
        wsman_set(instance, "SerialNumber", "PC{serial:8}");
        wsman_set(instance, "Model", "{mac}");
        wsman_set(instance, "Version", "{ip}");
        identity_expand(&firmware, instance);
        assert_true(is_new(serials, i, wsman_get(instance, "SerialNumber")));
        assert_true(is_new(macs, i, wsman_get(instance, "Model")));
        (void)is_new(addresses, i, wsman_get(instance, "Version")); /* networks may overlap */
        arena_fini(&arena);
    }
}

static void test_templates(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct firmware firmware = { 0 };
    assert_int_equal(uuid_parse("55e3ae13-bfd2-61bb-17a0-88aedd7037ea", &firmware.uuid), AMT_OK);
    struct wsman_instance *instance = wsman_instance_new(&arena, "CIM_Chassis");
    wsman_set(instance, "Model", "{guid}"); /* WSM-106 */
    wsman_set(instance, "Version", "{serial:33} {nothing} {serial:x} {digits:3");
    wsman_add(instance, "OperationalStatus", "{digits:5}");
    wsman_add(instance, "OperationalStatus", "0");
    identity_expand(&firmware, instance);
    assert_string_equal(wsman_get(instance, "Model"), "13AEE355D2BFBB6117A088AEDD7037EA");
    assert_string_equal(wsman_get(instance, "Version"),
                        "{serial:33} {nothing} {serial:x} {digits:3");
    const struct wsman_value *values = wsman_get_values(instance, "OperationalStatus");
    assert_int_equal(strspn(values->text, "0123456789"), 5);
    assert_string_equal(values->next->text, "0");
    /* the same device, the same values */
    struct wsman_instance *again = wsman_instance_new(&arena, "CIM_Chassis");
    wsman_set(again, "SerialNumber", "{serial:8}");
    struct wsman_instance *same = wsman_instance_copy(&arena, again);
    identity_expand(&firmware, again);
    identity_expand(&firmware, same);
    assert_string_equal(wsman_get(again, "SerialNumber"), wsman_get(same, "SerialNumber"));
    identity_expand(&firmware, NULL);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_tells_its_release),
        cmocka_unit_test(test_each_has_an_inventory),
        cmocka_unit_test(test_wifi_only),
        cmocka_unit_test(test_desktop),
        cmocka_unit_test(test_standard_manageability),
        cmocka_unit_test(test_recovery_can_be_switched),
        cmocka_unit_test(test_a_thousand_devices_differ),
        cmocka_unit_test(test_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
