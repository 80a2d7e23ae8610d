/* Associations follow from the classes they join: wsman.md 4.23, 4.25, 4.26. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wsman/names.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/tests/pc.h"

/* All instances of a class, pages joined, as one text. */
static void all(struct pc *pc, const char *class_name, struct text *out)
{
    const struct xml_node *answer = pc_wsman(pc, "Enumerate", class_name, NULL, "<n:Enumerate/>");
    assert_int_equal(pc->status, 200);
    const char *context = xml_child_text(answer->first, NULL, "EnumerationContext");
    while (context != NULL) {
        char pull[256];
        (void)snprintf(pull, sizeof pull,
                       "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext></n:Pull>", context);
        answer = pc_wsman(pc, "Pull", class_name, NULL, pull);
        assert_int_equal(pc->status, 200);
        text_puts(out, text_chars(&pc->body));
        context = xml_child_text(answer->first, NULL, "EnumerationContext");
    }
}

static bool joins(struct pc *pc, const char *class_name, const char *text)
{
    struct text found = { 0 };
    all(pc, class_name, &found);
    bool is_there = strstr(text_chars(&found), text) != NULL;
    text_fini(&found);
    return is_there;
}

static void test_devices_and_services(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    assert_true(joins(&pc, "CIM_SystemDevice", "CIM_Processor</"));
    assert_true(joins(&pc, "CIM_SystemDevice", "CIM_WiFiPort</"));
    assert_true(joins(&pc, "CIM_HostedService", "AMT_TimeSynchronizationService</"));
    assert_true(joins(&pc, "CIM_HostedService", "IPS_HostBasedSetupService</"));
    assert_true(joins(&pc, "CIM_HostedAccessPoint", "CIM_KVMRedirectionSAP</"));
    assert_true(joins(&pc, "CIM_SystemBIOS", "CIM_BIOSElement</"));
    assert_true(joins(&pc, "CIM_ElementCapabilities", "AMT_BootCapabilities</"));
    assert_int_equal(pc_count(&pc, "CIM_OrderedComponent"), 3); /* one for each boot source */
    /* the base class shows those of its subclasses */
    assert_true(joins(&pc, "CIM_Dependency", "CIM_HostedService>"));
    assert_true(joins(&pc, "CIM_SystemPackaging", "CIM_ComputerSystemPackage>"));
    assert_true(joins(&pc, "CIM_PhysicalPackage", "CIM_Chassis>"));
    pc_close(&pc);
}

/* References lead to instances that are there. */
static void test_references_lead_somewhere(void **state)
{
    (void)state;
    static const char *const k_classes_joining[] = {
        "CIM_SystemDevice",           "CIM_HostedService",       "CIM_HostedAccessPoint",
        "CIM_ElementSettingData",     "CIM_ElementCapabilities", "CIM_InstalledSoftwareIdentity",
        "CIM_DeviceSAPImplementation"
    };
    struct pc pc;
    pc_open(&pc);
    for (size_t i = 0; i < sizeof k_classes_joining / sizeof *k_classes_joining; i++) {
        struct arena arena = { 0 };
        struct firmware_user user = { .is_admin = true };
        struct wsman_request request = { .operation = WSMAN_GET };
        struct firmware_call call = {
            .firmware = pc.firmware, .arena = &arena, .user = &user, .request = &request
        };
        const struct wsman_instance *joined = firmware_instances(&call, k_classes_joining[i]);
        uint32_t count = 0;
        for (; joined != NULL; joined = joined->next) {
            for (const struct wsman_property *p = joined->first; p != NULL; p = p->next) {
                const struct wsman_ref *ref = p->values->ref;
                if (p->values->kind == WSMAN_REF) {
                    count++;
                    assert_non_null(firmware_select(firmware_instances(&call, ref->class_name),
                                                    ref->selectors));
                }
            }
        }
        assert_true(count > 0);
        arena_fini(&arena);
    }
    pc_close(&pc);
}

/* One power scheme is current (MeshCommander looks for IsCurrent 1). */
static void test_one_power_scheme_is_current(void **state)
{
    (void)state;
    struct pc pc;
    struct text found = { 0 };
    pc_open(&pc);
    all(&pc, "CIM_ElementSettingData", &found);
    uint32_t current = 0;
    for (const char *at = text_chars(&found); (at = strstr(at, "IsCurrent>1<")) != NULL; at++) {
        const char *end = strstr(at, "CIM_ElementSettingData>");
        const char *scheme = strstr(at, "AMT_SystemPowerScheme</");
        current += scheme != NULL && scheme < end ? 1 : 0;
    }
    assert_int_equal(current, 1);
    text_fini(&found);
    pc_close(&pc);
}

static void put_setting(struct pc *pc, const char *setting_class, const char *id, const char *next)
{
    struct text envelope = { 0 };
    text_printf(&envelope,
                "<Envelope xmlns=\"%s\" xmlns:a=\"%s\" xmlns:w=\"%s\" "
                "xmlns:r=\"" WSMAN_NS_CIM "CIM_ElementSettingData\"><Header>"
                "<a:Action>%s</a:Action><a:To>/wsman</a:To><w:ResourceURI>" WSMAN_NS_CIM
                "CIM_ElementSettingData</w:ResourceURI><a:MessageID>1</a:MessageID>"
                "<a:ReplyTo><a:Address>%s</a:Address></a:ReplyTo><w:SelectorSet>"
                "<w:Selector Name=\"SettingData\"><a:EndpointReference><a:Address>default"
                "</a:Address><a:ReferenceParameters><w:ResourceURI>%s%s</w:ResourceURI>"
                "<w:SelectorSet><w:Selector Name=\"InstanceID\">%s</w:Selector></w:SelectorSet>"
                "</a:ReferenceParameters></a:EndpointReference></w:Selector></w:SelectorSet>"
                "</Header><Body><r:CIM_ElementSettingData><r:IsNext>%s</r:IsNext>"
                "</r:CIM_ElementSettingData></Body></Envelope>",
                WSMAN_NS_SOAP, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN,
                wsman_operation_action(WSMAN_PUT), WSMAN_ANONYMOUS,
                wsman_class_namespace(setting_class), setting_class, id, next);
    pc_post(pc, text_chars(&envelope));
    text_fini(&envelope);
}

/* IPv6 is switched by making its settings current. */
static void test_ipv6_is_switched(void **state)
{
    (void)state;
    static const char k_id[] = "Intel(r) IPS IPv6 Settings 0";
    struct pc pc;
    pc_open(&pc);
    put_setting(&pc, "IPS_IPv6PortSettings", k_id, "1");
    assert_int_equal(pc.status, 200);
    assert_non_null(strstr(text_chars(&pc.body), "IsCurrent>1<"));
    const struct xml_node *settings =
        pc_get(&pc, "IPS_IPv6PortSettings", "InstanceID=Intel(r) IPS IPv6 Settings 0");
    assert_non_null(xml_child(settings, NULL, "CurrentAddressInfo"));
    put_setting(&pc, "IPS_IPv6PortSettings", k_id, "2");
    assert_int_equal(pc.status, 200);
    put_setting(&pc, "IPS_IPv6PortSettings", k_id, "3");
    assert_int_equal(pc.status, 400);
    /* other settings are what they are */
    put_setting(&pc, "AMT_GeneralSettings", "Intel(r) AMT: General Settings", "2");
    assert_int_equal(pc.status, 400);
    put_setting(&pc, "AMT_GeneralSettings", "Intel(r) AMT: General Settings", "1");
    assert_int_equal(pc.status, 200);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices_and_services),
        cmocka_unit_test(test_references_lead_somewhere),
        cmocka_unit_test(test_one_power_scheme_is_current),
        cmocka_unit_test(test_ipv6_is_switched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
