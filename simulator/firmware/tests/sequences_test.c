/* WSM-107: what clients do in a row (wsman.md 6) ends without an unexpected answer, on every profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wsman/names.h"
#include "simulator/device.h"
#include "simulator/firmware/embedded.h"
#include "simulator/firmware/tests/captures_compare.h"
#include "simulator/firmware/tests/captures_device.h"

enum verb {
    GET,
    LIST,   /* Enumerate and Pull to the end */
    CALL,   /* a method */
    BACK,   /* Get, change one text, Put: as clients that read, modify and write */
    REMOVE, /* Delete */
    WAIT    /* seconds, as text in name */
};
struct step {
    enum verb verb;
    const char *class_name;
    const char *name;      /* method; BACK: text to change, NULL for none */
    const char *body;      /* input parameters; BACK: what it becomes */
    const char *selectors; /* inner XML */
    bool may_lack;         /* 400 is an answer too: the class or instance may not be there */
};

#define SELECTOR(name, text) "<c:Selector Name=\"" name "\">" text "</c:Selector>"
#define EPR(uri, selectors)                                                                  \
    "<b:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing</b:Address>"                \
    "<b:ReferenceParameters><c:ResourceURI>" uri "</c:ResourceURI><c:SelectorSet>" selectors \
    "</c:SelectorSet></b:ReferenceParameters>"
#define MANAGED_SYSTEM EPR(WSMAN_NS_CIM "CIM_ComputerSystem", SELECTOR("Name", "ManagedSystem"))
#define BOOT_CONFIG                           \
    EPR(WSMAN_NS_CIM "CIM_BootConfigSetting", \
        SELECTOR("InstanceID", "Intel(r) AMT: Boot Configuration 0"))

/* 6.1, from the first Get to the power state; no policy asks for TLS. */
static const struct step k_meshcentral[] = {
    { .verb = GET, .class_name = "AMT_GeneralSettings" },
    { .verb = GET, .class_name = "IPS_HostBasedSetupService" },
    { .verb = CALL,
      .class_name = "AMT_TimeSynchronizationService",
      .name = "GetLowAccuracyTimeSynch" },
    { .verb = CALL,
      .class_name = "AMT_TimeSynchronizationService",
      .name = "SetHighAccuracyTimeSynch",
      .body = "<p:Ta0>1767225700</p:Ta0><p:Tm1>1767225700</p:Tm1><p:Tm2>1767225700</p:Tm2>" },
    { .verb = LIST, .class_name = "AMT_PublicKeyCertificate" },
    { .verb = LIST, .class_name = "AMT_PublicPrivateKeyPair" },
    { .verb = LIST, .class_name = "AMT_TLSSettingData" },
    { .verb = LIST, .class_name = "AMT_TLSCredentialContext" },
    { .verb = GET, .class_name = "AMT_8021XProfile" },
    { .verb = LIST, .class_name = "CIM_WiFiEndpointSettings", .may_lack = true },
    { .verb = GET, .class_name = "AMT_WiFiPortConfigurationService", .may_lack = true },
    { .verb = GET, .class_name = "CIM_WiFiPort", .may_lack = true },
    { .verb = LIST, .class_name = "CIM_IEEE8021xSettings" },
    { .verb = GET, .class_name = "AMT_GeneralSettings" },
    { .verb = GET, .class_name = "AMT_RedirectionService" },
    { .verb = GET, .class_name = "CIM_KVMRedirectionSAP", .may_lack = true },
    { .verb = BACK,
      .class_name = "IPS_OptInService",
      .name = "OptInRequired>4294967295<",
      .body = "OptInRequired>0<" },
    { .verb = CALL,
      .class_name = "AMT_RedirectionService",
      .name = "RequestStateChange",
      .body = "<p:RequestedState>32771</p:RequestedState>" },
    { .verb = BACK,
      .class_name = "AMT_RedirectionService",
      .name = "ListenerEnabled>false<",
      .body = "ListenerEnabled>true<" },
    { .verb = CALL,
      .class_name = "CIM_KVMRedirectionSAP",
      .name = "RequestStateChange",
      .body = "<p:RequestedState>2</p:RequestedState>",
      .may_lack = true },
    { .verb = GET, .class_name = "CIM_ComputerSystemPackage" },
    { .verb = LIST, .class_name = "CIM_SystemPackaging" },
    { .verb = GET, .class_name = "CIM_Chassis" },
    { .verb = LIST, .class_name = "CIM_Chip" },
    { .verb = GET, .class_name = "CIM_Card" },
    { .verb = GET, .class_name = "CIM_BIOSElement" },
    { .verb = LIST, .class_name = "CIM_Processor" },
    { .verb = LIST, .class_name = "CIM_PhysicalMemory" },
    { .verb = LIST, .class_name = "CIM_MediaAccessDevice" },
    { .verb = LIST, .class_name = "CIM_PhysicalPackage" },
    { .verb = LIST, .class_name = "AMT_EthernetPortSettings" },
    { .verb = LIST, .class_name = "CIM_ServiceAvailableToElement" },
    { .verb = GET, .class_name = "IPS_PowerManagementService", .may_lack = true },
};

#define MPS_SAP                                         \
    EPR(WSMAN_NS_AMT "AMT_ManagementPresenceRemoteSAP", \
        SELECTOR("Name", "Intel(r) AMT:Management Presence Server 0"))

/* 6.5: unconfiguration, network, features, CIRA. */
static const struct step k_rps[] = {
    { .verb = GET, .class_name = "AMT_GeneralSettings" },
    { .verb = LIST, .class_name = "AMT_EthernetPortSettings" },
    { .verb = GET, .class_name = "IPS_IEEE8021xSettings", .may_lack = true },
    { .verb = LIST, .class_name = "CIM_WiFiEndpointSettings", .may_lack = true },
    { .verb = LIST, .class_name = "IPS_HTTPProxyAccessPoint", .may_lack = true },
    { .verb = REMOVE,
      .class_name = "AMT_RemoteAccessPolicyRule",
      .selectors = SELECTOR("PolicyRuleName", "User Initiated"),
      .may_lack = true },
    { .verb = REMOVE,
      .class_name = "AMT_RemoteAccessPolicyRule",
      .selectors = SELECTOR("PolicyRuleName", "Periodic"),
      .may_lack = true },
    { .verb = LIST, .class_name = "AMT_ManagementPresenceRemoteSAP" },
    { .verb = LIST, .class_name = "AMT_TLSSettingData" },
    { .verb = LIST, .class_name = "AMT_TLSCredentialContext" },
    { .verb = BACK, .class_name = "AMT_EnvironmentDetectionSettingData" },
    { .verb = BACK,
      .class_name = "AMT_GeneralSettings",
      .name = "SharedFQDN>false<",
      .body = "SharedFQDN>true<" },
    { .verb = BACK,
      .class_name = "AMT_EthernetPortSettings",
      .selectors = SELECTOR("InstanceID", "Intel(r) AMT Ethernet Port Settings 0") },
    { .verb = BACK,
      .class_name = "AMT_WiFiPortConfigurationService",
      .may_lack = true,
      .name = "localProfileSynchronizationEnabled>0<",
      .body = "localProfileSynchronizationEnabled>1<" },
    { .verb = CALL,
      .class_name = "CIM_WiFiPort",
      .name = "RequestStateChange",
      .body = "<p:RequestedState>32769</p:RequestedState>",
      .may_lack = true },
    { .verb = CALL,
      .class_name = "AMT_RemoteAccessService",
      .name = "AddMpServer",
      .body = "<p:AccessInfo>mps.example.com</p:AccessInfo><p:InfoFormat>201</p:InfoFormat>"
              "<p:Port>4433</p:Port><p:AuthMethod>2</p:AuthMethod><p:Username>admin</p:Username>"
              "<p:Password>P@ssw0rd1</p:Password><p:CN>mps.example.com</p:CN>" },
    { .verb = LIST, .class_name = "AMT_ManagementPresenceRemoteSAP" },
    { .verb = CALL,
      .class_name = "AMT_RemoteAccessService",
      .name = "AddRemoteAccessPolicyRule",
      .body = "<p:Trigger>2</p:Trigger><p:TunnelLifeTime>0</p:TunnelLifeTime>"
              "<p:ExtendedData>AAAAAAAAABk=</p:ExtendedData><p:MpServer>" MPS_SAP "</p:MpServer>" },
    { .verb = CALL,
      .class_name = "AMT_RemoteAccessService",
      .name = "AddRemoteAccessPolicyRule",
      .body = "<p:Trigger>0</p:Trigger><p:TunnelLifeTime>300</p:TunnelLifeTime>"
              "<p:ExtendedData></p:ExtendedData><p:MpServer>" MPS_SAP "</p:MpServer>" },
    { .verb = LIST, .class_name = "AMT_RemoteAccessPolicyAppliesToMPS" },
    { .verb = CALL,
      .class_name = "AMT_UserInitiatedConnectionService",
      .name = "RequestStateChange",
      .body = "<p:RequestedState>32771</p:RequestedState>" },
    { .verb = BACK,
      .class_name = "AMT_EnvironmentDetectionSettingData",
      .name = "<g:ElementName>",
      .body = "<g:DetectionStrings>2b14eacc.com</g:DetectionStrings><g:ElementName>" },
    { .verb = REMOVE,
      .class_name = "AMT_RemoteAccessPolicyRule",
      .selectors = SELECTOR("PolicyRuleName", "User Initiated") },
    { .verb = REMOVE,
      .class_name = "AMT_RemoteAccessPolicyRule",
      .selectors = SELECTOR("PolicyRuleName", "Periodic") },
    { .verb = REMOVE,
      .class_name = "AMT_ManagementPresenceRemoteSAP",
      .selectors = SELECTOR("Name", "Intel(r) AMT:Management Presence Server 0") },
};

/* 6.4: features, a boot into BIOS setup with a power cycle, logs, alarm, link. */
static const struct step k_mps[] = {
    { .verb = LIST, .class_name = "CIM_SoftwareIdentity" },
    { .verb = GET, .class_name = "AMT_SetupAndConfigurationService" },
    { .verb = GET, .class_name = "AMT_RedirectionService" },
    { .verb = GET, .class_name = "IPS_OptInService" },
    { .verb = GET, .class_name = "CIM_KVMRedirectionSAP", .may_lack = true },
    { .verb = GET, .class_name = "CIM_BootService" },
    { .verb = LIST, .class_name = "CIM_BootSourceSetting" },
    { .verb = GET, .class_name = "AMT_BootCapabilities" },
    { .verb = BACK,
      .class_name = "IPS_OptInService",
      .name = "OptInRequired>4294967295<",
      .body = "OptInRequired>0<" },
    { .verb = CALL,
      .class_name = "CIM_BootConfigSetting",
      .name = "ChangeBootOrder",
      .body = "",
      .selectors = SELECTOR("InstanceID", "Intel(r) AMT: Boot Configuration 0") },
    { .verb = BACK,
      .class_name = "AMT_BootSettingData",
      .name = "BIOSSetup>false<",
      .body = "BIOSSetup>true<" },
    { .verb = CALL,
      .class_name = "CIM_BootService",
      .name = "SetBootConfigRole",
      .body = "<p:BootConfigSetting>" BOOT_CONFIG "</p:BootConfigSetting><p:Role>1</p:Role>" },
    { .verb = CALL,
      .class_name = "CIM_PowerManagementService",
      .name = "RequestPowerStateChange",
      .body = "<p:PowerState>10</p:PowerState><p:ManagedElement>" MANAGED_SYSTEM
              "</p:ManagedElement>" },
    { .verb = WAIT, .name = "60" },
    { .verb = LIST, .class_name = "CIM_ServiceAvailableToElement" },
    { .verb = CALL,
      .class_name = "AMT_AuditLog",
      .name = "ReadRecords",
      .body = "<p:StartIndex>1</p:StartIndex>" },
    { .verb = CALL, .class_name = "AMT_MessageLog", .name = "PositionToFirstRecord", .body = "" },
    { .verb = CALL,
      .class_name = "AMT_MessageLog",
      .name = "GetRecords",
      .body = "<p:IterationIdentifier>1</p:IterationIdentifier>"
              "<p:MaxReadRecords>390</p:MaxReadRecords>" },
    { .verb = LIST, .class_name = "IPS_AlarmClockOccurrence", .may_lack = true },
    { .verb = LIST, .class_name = "CIM_ConcreteDependency" },
    { .verb = LIST, .class_name = "CIM_CredentialContext" },
    { .verb = CALL,
      .class_name = "AMT_EthernetPortSettings",
      .name = "SetLinkPreference",
      .body = "<p:LinkPreference>1</p:LinkPreference><p:Timeout>60</p:Timeout>",
      .selectors = SELECTOR("InstanceID", "Intel(r) AMT Ethernet Port Settings 1"),
      .may_lack = true },
};

/* 6.7 */
static const struct step k_meshcommander[] = {
    { .verb = LIST, .class_name = "CIM_SoftwareIdentity" },
    { .verb = GET, .class_name = "AMT_SetupAndConfigurationService" },
    { .verb = LIST, .class_name = "CIM_ServiceAvailableToElement" },
    { .verb = GET, .class_name = "AMT_GeneralSettings" },
    { .verb = LIST, .class_name = "AMT_EthernetPortSettings" },
    { .verb = GET, .class_name = "AMT_RedirectionService" },
    { .verb = LIST, .class_name = "CIM_ElementSettingData" },
    { .verb = GET, .class_name = "AMT_BootCapabilities" },
    { .verb = LIST, .class_name = "IPS_IPv6PortSettings" },
    { .verb = GET, .class_name = "CIM_KVMRedirectionSAP", .may_lack = true },
    { .verb = GET, .class_name = "IPS_OptInService" },
    { .verb = GET, .class_name = "IPS_KVMRedirectionSettingData", .may_lack = true },
    { .verb = GET, .class_name = "IPS_ScreenConfigurationService", .may_lack = true },
    { .verb = GET, .class_name = "IPS_PowerManagementService", .may_lack = true },
    { .verb = GET, .class_name = "CIM_BootService" },
    { .verb = GET, .class_name = "AMT_8021XProfile" },
};

/* --- walking --- */

static void send_operation(struct captures_device *device, enum wsman_operation operation,
                           const struct step *step, const char *body)
{
    (void)captures_post(device, captures_envelope(device, wsman_operation_action(operation),
                                                  step->class_name, "3", step->selectors, body));
}

static void send_list(struct captures_device *device, const struct step *step)
{
    send_operation(device, WSMAN_ENUMERATE, step, "<n:Enumerate></n:Enumerate>");
    const char *context = strstr(device->body, "EnumerationContext>");
    while (device->status == 200 && context != NULL) { /* MeshCentral pulls while there is one */
        struct text body = { 0 };
        context += strlen("EnumerationContext>");
        text_printf(&body,
                    "<n:Pull><n:EnumerationContext>%.*s</n:EnumerationContext>"
                    "<n:MaxElements>999</n:MaxElements></n:Pull>",
                    (int)strcspn(context, "<"), context);
        send_operation(device, WSMAN_PULL, step, text_chars(&body));
        text_fini(&body);
        context = strstr(device->body, "EnumerationContext>");
    }
}

static void send_call(struct captures_device *device, const struct step *step)
{
    struct text action = { 0 }, body = { 0 };
    text_printf(&action, "%s%s/%s", wsman_class_namespace(step->class_name), step->class_name,
                step->name);
    text_printf(&body, "<p:%s_INPUT>%s</p:%s_INPUT>", step->name,
                step->body == NULL ? "" : step->body, step->name);
    (void)captures_post(device, captures_envelope(device, text_chars(&action), step->class_name,
                                                  "3", step->selectors, text_chars(&body)));
    text_fini(&action);
    text_fini(&body);
}

/* What was read, with one text changed, under the prefixes it came with. */
static void send_back(struct captures_device *device, const struct step *step)
{
    send_operation(device, WSMAN_GET, step, "");
    const char *start = strstr(device->body, "<a:Body>"), *end = strstr(device->body, "</a:Body>");
    if (device->status != 200 || start == NULL || end == NULL) {
        return;
    }
    start += strlen("<a:Body>");
    const char *instance = arena_text(&device->arena, start, (size_t)(end - start));
    const char *changed = step->name == NULL ? NULL : strstr(instance, step->name);
    struct text envelope = { 0 };
    text_printf(&envelope,
                "<a:Envelope %s><a:Header><b:Action>%s</b:Action><b:To>/wsman</b:To>"
                "<c:ResourceURI>%s%s</c:ResourceURI><b:MessageID>4</b:MessageID>"
                "<b:ReplyTo><b:Address>%s</b:Address></b:ReplyTo>"
                "<c:OperationTimeout>PT60.000S</c:OperationTimeout><c:SelectorSet>%s"
                "</c:SelectorSet></a:Header><a:Body>",
                written_read(&device->arena, device->body)->attributes,
                wsman_operation_action(WSMAN_PUT), wsman_class_namespace(step->class_name),
                step->class_name, WSMAN_ANONYMOUS, step->selectors == NULL ? "" : step->selectors);
    if (changed == NULL) {
        text_puts(&envelope, instance);
    } else {
        text_append(&envelope, instance, (size_t)(changed - instance));
        text_printf(&envelope, "%s%s", step->body, changed + strlen(step->name));
    }
    text_puts(&envelope, "</a:Body></a:Envelope>");
    (void)captures_post(device, text_chars(&envelope));
    text_fini(&envelope);
}

static void take(struct captures_device *device, const struct step *step)
{
    switch (step->verb) {
    case GET:
        send_operation(device, WSMAN_GET, step, "");
        break;
    case LIST:
        send_list(device, step);
        break;
    case CALL:
        send_call(device, step);
        break;
    case BACK:
        send_back(device, step);
        break;
    case REMOVE:
        send_operation(device, WSMAN_DELETE, step, "");
        break;
    case WAIT:
        captures_wait(device, 60 * (uint64_t)US_PER_SECOND);
        device->status = 200;
        device->body = "";
        break;
    }
}

static uint32_t walk(struct captures_device *device, const char *profile, const struct step *steps,
                     size_t count)
{
    uint32_t problems = 0;
    for (size_t i = 0; i < count; i++) {
        take(device, &steps[i]);
        const char *value = strstr(device->body, "ReturnValue>");
        bool is_good = device->status == 200 || (device->status == 400 && steps[i].may_lack);
        if (!is_good || (value != NULL && strncmp(value, "ReturnValue>0<", 14) != 0)) {
            print_error("%s: step %zu, %s %s: %d %s\n", profile, i,
                        steps[i].class_name == NULL ? "" : steps[i].class_name,
                        steps[i].verb == CALL ? steps[i].name : "", device->status,
                        strstr(device->body, "Body>"));
            problems++;
        }
    }
    return problems;
}

static void on_every_profile(const struct step *steps, size_t count)
{
    uint32_t problems = 0;
    for (const struct embedded_file *file = k_embedded_profiles; file->name != NULL; file++) {
        struct device_config config = { 0 };
        struct captures_profile profile = { .document = NULL };
        struct captures_device device;
        struct amt_diag_list errors = { 0 };
        assert_int_equal(device_config_load(file->name, NULL, NULL, &config, &errors), AMT_OK);
        profile.profile = firmware_profile_new(&config.firmware, file->name, &errors);
        assert_non_null(profile.profile);
        captures_device_init(&device, &profile);
        problems += walk(&device, file->name, steps, count);
        captures_device_fini(&device);
        firmware_profile_free(profile.profile);
        device_config_fini(&config);
        amt_diag_list_fini(&errors);
    }
    assert_int_equal(problems, 0);
}

#define WALK(steps) on_every_profile(steps, sizeof(steps) / sizeof *(steps))

static void test_meshcentral_connects(void **state)
{
    (void)state;
    WALK(k_meshcentral);
}

static void test_rps_configures(void **state)
{
    (void)state;
    WALK(k_rps);
}

static void test_mps_routes(void **state)
{
    (void)state;
    WALK(k_mps);
}

static void test_meshcommander_connects(void **state)
{
    (void)state;
    WALK(k_meshcommander);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meshcentral_connects),
        cmocka_unit_test(test_rps_configures),
        cmocka_unit_test(test_mps_routes),
        cmocka_unit_test(test_meshcommander_connects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
