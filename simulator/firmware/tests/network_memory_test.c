/* Network, system defense, associations and identity with every allocation failing in turn: an answer
 * that is a fault, never a crash or a leak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "protocol/wsman/names.h"
#include "simulator/firmware/exchange.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/tests/captures_compare.h"
#include "simulator/firmware/tests/captures_device.h"

#define TRIES_MAX 2000u

static void on_reply(void *ctx, int status, const struct text *envelope)
{
    (void)envelope;
    *(int *)ctx = status;
}

/* One try: memory ends at the k-th allocation. The status. */
static int send_starved(struct captures_device *device, const char *envelope, uint64_t k)
{
    static const struct firmware_user k_admin = { .name = "admin", .is_admin = true };
    int status = 0;
    amt_memory_fail_after(k);
    (void)firmware_exchange(device->firmware, &k_admin, FIRMWARE_NETWORK, "192.0.2.7:5000",
                            envelope, strlen(envelope), on_reply, &status);
    amt_memory_fail_after(0);
    return status;
}

/* Sends until it is answered with 200, each time with one allocation more before memory ends. */
static void starve(struct captures_device *device, const char *envelope)
{
    uint64_t k = 1;
    while (send_starved(device, envelope, k) != 200) {
        k++;
        assert_true(k < TRIES_MAX);
    }
}

static void starve_operation(struct captures_device *device, enum wsman_operation operation,
                             const char *class_name, const char *selectors, const char *body)
{
    starve(device, captures_envelope(device, wsman_operation_action(operation), class_name, "1",
                                     selectors, body));
}

static void starve_method(struct captures_device *device, const char *class_name,
                          const char *method, const char *selectors, const char *input)
{
    char action[256];
    struct text body = { 0 };
    (void)snprintf(action, sizeof action, "%s%s/%s", wsman_class_namespace(class_name), class_name,
                   method);
    text_printf(&body, "<p:%s_INPUT>%s</p:%s_INPUT>", method, input, method);
    starve(device, captures_envelope(device, action, class_name, "1", selectors, body.chars));
    text_fini(&body);
}

/* A Pull that failed has used up its context: each try enumerates anew. */
static void starve_list(struct captures_device *device, const char *class_name)
{
    int status = 0;
    for (uint64_t k = 1; status != 200; k++) {
        struct text body = { 0 };
        const char *enumerate =
            captures_envelope(device, wsman_operation_action(WSMAN_ENUMERATE), class_name, "1",
                              NULL, "<n:Enumerate></n:Enumerate>");
        assert_int_equal(captures_post(device, enumerate), 200);
        const char *context = strstr(device->body, "EnumerationContext>");
        context += strlen("EnumerationContext>");
        text_printf(&body, "<n:Pull><n:EnumerationContext>%.*s</n:EnumerationContext></n:Pull>",
                    (int)strcspn(context, "<"), context);
        status = send_starved(device,
                              captures_envelope(device, wsman_operation_action(WSMAN_PULL),
                                                class_name, "1", NULL, body.chars),
                              k);
        text_fini(&body);
        assert_true(k < TRIES_MAX);
    }
}

#define SELECTOR(name, text) "<c:Selector Name=\"" name "\">" text "</c:Selector>"
#define EPR(uri, selectors)                                                    \
    "<b:Address>default</b:Address><b:ReferenceParameters><c:ResourceURI>" uri \
    "</c:ResourceURI><c:SelectorSet>" selectors "</c:SelectorSet></b:ReferenceParameters>"
#define FILTER                                                                     \
    "<p:AMT_IPHeadersFilter><p:ActionEventOnMatch>true</p:ActionEventOnMatch>"     \
    "<p:FilterDirection>1</p:FilterDirection><p:FilterProfile>4</p:FilterProfile>" \
    "<p:HdrIPVersion>4</p:HdrIPVersion></p:AMT_IPHeadersFilter>"
#define POLICY                                                                           \
    "<p:AMT_SystemDefensePolicy><p:FilterCreationHandles>1</p:FilterCreationHandles>"    \
    "<p:PolicyName>a</p:PolicyName><p:PolicyPrecedence>1</p:PolicyPrecedence>"           \
    "<p:RxDefaultCount>false</p:RxDefaultCount><p:RxDefaultDrop>true</p:RxDefaultDrop>"  \
    "<p:RxDefaultMatchEvent>false</p:RxDefaultMatchEvent>"                               \
    "<p:TxDefaultCount>false</p:TxDefaultCount><p:TxDefaultDrop>false</p:TxDefaultDrop>" \
    "<p:TxDefaultMatchEvent>false</p:TxDefaultMatchEvent></p:AMT_SystemDefensePolicy>"
#define WIFI                                                                                       \
    "<p:WiFiEndpoint>" EPR(                                                                        \
        WSMAN_NS_CIM "CIM_WiFiEndpoint",                                                           \
        SELECTOR(                                                                                  \
            "Name",                                                                                \
            "WiFi Endpoint 0")) "</p:WiFiEndpoint>"                                                \
                                "<p:WiFiEndpointSettingsInput xmlns:q=\"" WSMAN_NS_CIM             \
                                "CIM_WiFiEndpointSettings\">"                                      \
                                "<q:ElementName>office</q:ElementName>"                            \
                                "<q:InstanceID>Intel(r) AMT:WiFi Endpoint Settings "               \
                                "office</q:InstanceID>"                                            \
                                "<q:AuthenticationMethod>7</q:AuthenticationMethod>"               \
                                "<q:EncryptionMethod>4</q:EncryptionMethod><q:SSID>office</"       \
                                "q:SSID>"                                                          \
                                "<q:Priority>3</q:Priority></p:WiFiEndpointSettingsInput>"         \
                                "<p:IEEE8021xSettingsInput xmlns:q=\"" WSMAN_NS_CIM                \
                                "CIM_IEEE8021xSettings\">"                                         \
                                "<q:ElementName>office</q:ElementName><q:AuthenticationProtocol>2" \
                                "</q:AuthenticationProtocol></p:IEEE8021xSettingsInput>"

#define ROOT                                     \
    EPR(WSMAN_NS_AMT "AMT_PublicKeyCertificate", \
        SELECTOR("InstanceID", "Intel(r) AMT Certificate: Handle: 0"))

static void add_root(struct captures_device *device)
{
    struct text body = { 0 };
    const struct written *root = written_read(
        &device->arena, captures_file(&device->arena, "wsman-responses/"
                                                      "AMT_PublicKeyCertificate/get.xml"));
    text_printf(&body, "<p:CertificateBlob>%s</p:CertificateBlob>",
                written_find(root, "X509Certificate")->text);
    captures_call(device, "AMT_PublicKeyManagementService", "AddTrustedRootCertificate", NULL,
                  body.chars);
    text_fini(&body);
}

static void fill(struct captures_device *device)
{
    add_root(device);
    starve_method(device, "AMT_WiFiPortConfigurationService", "AddWiFiSettings", NULL,
                  WIFI "<p:CACredential>" ROOT "</p:CACredential>");
    starve_method(device, "IPS_IEEE8021xSettings", "SetCertificates", NULL,
                  "<p:ServerCertificateIssuer>" ROOT "</p:ServerCertificateIssuer>");
    starve_method(device, "CIM_WiFiPort", "RequestStateChange", NULL,
                  "<p:RequestedState>32769</p:RequestedState>");
    starve_operation(device, WSMAN_CREATE, "AMT_IPHeadersFilter", NULL, FILTER);
    (void)captures_post(device, captures_envelope(device, wsman_operation_action(WSMAN_CREATE),
                                                  "AMT_SystemDefensePolicy", "1", NULL, POLICY));
    (void)captures_post(
        device, captures_envelope(
                    device, wsman_operation_action(WSMAN_CREATE),
                    "AMT_NetworkPortSystemDefensePolicy", "1", NULL,
                    "<p:AMT_NetworkPortSystemDefensePolicy><p:Antecedent>" EPR(
                        WSMAN_NS_CIM "CIM_EthernetPort",
                        SELECTOR("DeviceID",
                                 "Intel(r) AMT Ethernet Port 0")) "</"
                                                                  "p:Antecedent><p:"
                                                                  "Dependent>" EPR(
                                                                      WSMAN_NS_AMT "AMT_"
                                                                                   "SystemDefens"
                                                                                   "ePolicy",
                                                                      SELECTOR("Instance"
                                                                               "ID",
                                                                               "Intel(r)"
                                                                               " AMT "
                                                                               "System "
                                                                               "Defense "
                                                                               "Policy "
                                                                               "2")) "</"
                                                                                     "p:"
                                                                                     "De"
                                                                                     "pe"
                                                                                     "nd"
                                                                                     "en"
                                                                                     "t>"
                                                                                     "</"
                                                                                     "p:"
                                                                                     "AM"
                                                                                     "T_"
                                                                                     "Ne"
                                                                                     "tw"
                                                                                     "or"
                                                                                     "kP"
                                                                                     "or"
                                                                                     "tS"
                                                                                     "ys"
                                                                                     "te"
                                                                                     "mD"
                                                                                     "ef"
                                                                                     "en"
                                                                                     "se"
                                                                                     "Po"
                                                                                     "li"
                                                                                     "cy"
                                                                                     ">"));
    network_ipv6_switch(device->firmware, 0, true);
}

static void test_every_allocation_fails(void **state)
{
    (void)state;
    static const char *const k_lists[] = {
        "AMT_EthernetPortSettings",   "CIM_EthernetPort",
        "IPS_IPv6PortSettings",       "CIM_WiFiEndpointSettings",
        "CIM_WiFiEndpoint",           "CIM_IEEE8021xSettings",
        "AMT_8021XProfile",           "AMT_IPHeadersFilter",
        "AMT_SystemDefensePolicy",    "AMT_NetworkPortSystemDefensePolicy",
        "AMT_ActiveFilterStatistics", "AMT_FilterInSystemDefensePolicy",
        "CIM_ElementSettingData",     "CIM_HostedService",
        "CIM_PhysicalMemory",
    };
    struct captures_profile profile;
    struct captures_device device;
    captures_profile_init(&profile, "");
    captures_device_init(&device, &profile);
    fill(&device);
    for (size_t i = 0; i < sizeof k_lists / sizeof *k_lists; i++) {
        starve_list(&device, k_lists[i]);
    }
    starve_operation(&device, WSMAN_PUT, "AMT_EthernetPortSettings",
                     SELECTOR("InstanceID", "Intel(r) AMT Ethernet Port Settings 0"),
                     "<p:AMT_EthernetPortSettings><p:DHCPEnabled>false</p:DHCPEnabled>"
                     "<p:ElementName>Intel(r) AMT Ethernet Port Settings</p:ElementName>"
                     "<p:IPAddress>192.0.2.7</p:IPAddress>"
                     "<p:SubnetMask>255.255.255.0</p:SubnetMask></p:AMT_EthernetPortSettings>");
    captures_device_fini(&device);
    captures_profile_fini(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_allocation_fails) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
