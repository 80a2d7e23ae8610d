/* Ports, wireless profiles and 802.1X: wsman.md 4.5, 4.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/wsman/names.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/tests/captures_compare.h"
#include "simulator/firmware/tests/captures_device.h"
#include "simulator/firmware/tests/pc.h"

#define PORTS "AMT_EthernetPortSettings"
#define WIRED "InstanceID=Intel(r) AMT Ethernet Port Settings 0"
#define RADIO "InstanceID=Intel(r) AMT Ethernet Port Settings 1"
#define WIFI  "AMT_WiFiPortConfigurationService"

static void put_port(struct pc *pc, const char *selector, const char *inner)
{
    struct text body = { 0 };
    text_printf(&body,
                "<r:" PORTS ">%s<r:ElementName>Intel(r) AMT Ethernet Port Settings"
                "</r:ElementName><r:%.10s>%s</r:InstanceID></r:" PORTS ">",
                inner, selector, selector + strlen("InstanceID="));
    (void)pc_wsman(pc, "Put", PORTS, selector, text_chars(&body));
    text_fini(&body);
}

static const char *port(struct pc *pc, const char *selector, const char *property)
{
    return pc_property(pc_get(pc, PORTS, selector), property);
}

/* --- addresses --- */

#define STATIC                                                                           \
    "<r:DHCPEnabled>false</r:DHCPEnabled><r:DefaultGateway>192.0.2.1</r:DefaultGateway>" \
    "<r:IPAddress>192.0.2.7</r:IPAddress><r:IpSyncEnabled>false</r:IpSyncEnabled>"       \
    "<r:PrimaryDNS>192.0.2.53</r:PrimaryDNS><r:SharedStaticIp>false</r:SharedStaticIp>"  \
    "<r:SubnetMask>255.255.255.0</r:SubnetMask>"

static void test_static_address(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    char lease[64];
    (void)snprintf(lease, sizeof lease, "%s", port(&pc, WIRED, "IPAddress"));
    put_port(&pc, WIRED, STATIC);
    assert_int_equal(pc.status, 200);
    assert_string_equal(port(&pc, WIRED, "IPAddress"), "192.0.2.7");
    assert_string_equal(port(&pc, WIRED, "PrimaryDNS"), "192.0.2.53");
    assert_string_equal(port(&pc, WIRED, "SecondaryDNS"), ""); /* absent: it was not given */
    /* static with the host: no addresses are given, those of the host are shown */
    put_port(&pc, WIRED,
             "<r:DHCPEnabled>false</r:DHCPEnabled><r:IpSyncEnabled>true</r:IpSyncEnabled>"
             "<r:SharedStaticIp>true</r:SharedStaticIp>");
    assert_int_equal(pc.status, 200);
    assert_string_equal(port(&pc, WIRED, "IPAddress"), lease);
    put_port(&pc, WIRED,
             "<r:DHCPEnabled>true</r:DHCPEnabled><r:SharedStaticIp>false</r:SharedStaticIp>");
    assert_int_equal(pc.status, 200);
    assert_string_equal(port(&pc, WIRED, "DHCPEnabled"), "true");
    assert_string_equal(port(&pc, WIRED, "IPAddress"), lease);
    pc_close(&pc);
}

static void test_refused_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *selector, *inner;
    } k_puts[] = {
        { WIRED, "<r:DHCPEnabled>true</r:DHCPEnabled><r:MACAddress>undefined</r:MACAddress>" },
        { WIRED, "<r:DHCPEnabled>true</r:DHCPEnabled><r:IPAddress></r:IPAddress>" },
        { WIRED, "<r:DHCPEnabled>false</r:DHCPEnabled><r:IpSyncEnabled>false</r:IpSyncEnabled>"
                 "<r:SharedStaticIp>false</r:SharedStaticIp>" },
        { WIRED, "<r:DHCPEnabled>false</r:DHCPEnabled><r:IPAddress>192.0.2.300</r:IPAddress>"
                 "<r:SharedStaticIp>false</r:SharedStaticIp>"
                 "<r:SubnetMask>255.255.255.0</r:SubnetMask>" },
        { WIRED, "<r:DHCPEnabled>false</r:DHCPEnabled><r:IPAddress>192.0.2.3</r:IPAddress>"
                 "<r:SharedStaticIp>false</r:SharedStaticIp>"
                 "<r:SubnetMask>255.0.255.0</r:SubnetMask>" },
        { WIRED, "<r:DHCPEnabled>true</r:DHCPEnabled><r:LinkPolicy>3</r:LinkPolicy>" },
        { RADIO, "<r:DHCPEnabled>false</r:DHCPEnabled>" },
    };
    struct pc pc;
    pc_open(&pc);
    for (size_t i = 0; i < sizeof k_puts / sizeof *k_puts; i++) {
        put_port(&pc, k_puts[i].selector, k_puts[i].inner);
        if (pc.status != 400) {
            fail_msg("%s: %d", k_puts[i].inner, pc.status);
        }
        assert_string_equal(pc_fault(&pc), "InvalidRepresentation");
    }
    assert_string_equal(port(&pc, WIRED, "DHCPEnabled"), "true");
    pc_close(&pc);
}

/* WSM-101 */
static void test_no_link_no_address(void **state)
{
    (void)state;
    static const char *const k_names[] = { "IPAddress", "SubnetMask", "DefaultGateway",
                                           "PrimaryDNS", "SecondaryDNS" };
    struct pc pc;
    pc_open(&pc);
    const struct xml_node *radio = pc_get(&pc, PORTS, RADIO);
    assert_string_equal(pc_property(radio, "LinkIsUp"), "false");
    for (size_t i = 0; i < sizeof k_names / sizeof *k_names; i++) {
        assert_null(xml_child(radio, NULL, k_names[i]));
    }
    pc_close(&pc);
}

static int prefer(struct pc *pc, const char *selector, const char *input)
{
    return pc_call(pc, PORTS, "SetLinkPreference", selector, input);
}

static void test_link_preference(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
#define ME(seconds) "<r:LinkPreference>1</r:LinkPreference><r:Timeout>" seconds "</r:Timeout>"
    assert_int_equal(prefer(&pc, WIRED, ME("60")), PT_INVALID_PARAMETER);
    assert_int_equal(prefer(&pc, RADIO, ME("0")), PT_INVALID_PARAMETER);
    assert_int_equal(prefer(&pc, RADIO, ME("65536")), PT_INVALID_PARAMETER);
    assert_int_equal(prefer(&pc, RADIO, "<r:LinkPreference>1</r:LinkPreference>"),
                     PT_INVALID_PARAMETER);
    assert_int_equal(prefer(&pc, RADIO, "<r:LinkPreference>3</r:LinkPreference>"),
                     PT_INVALID_PARAMETER);
    assert_int_equal(prefer(&pc, RADIO, ME("60")), PT_SUCCESS);
    assert_string_equal(port(&pc, RADIO, "LinkPreference"), "1");
    assert_string_equal(port(&pc, RADIO, "LinkControl"), "1");
    pc_run(&pc, 60 * (uint64_t)US_PER_SECOND);
    assert_string_equal(port(&pc, RADIO, "LinkPreference"), "2");
    assert_int_equal(prefer(&pc, RADIO, ME("600")), PT_SUCCESS);
    assert_int_equal(prefer(&pc, RADIO, "<r:LinkPreference>2</r:LinkPreference>"), PT_SUCCESS);
    assert_string_equal(port(&pc, RADIO, "LinkPreference"), "2");
    assert_int_equal(pc_call(&pc, PORTS, "CancelLinkProtection", RADIO, NULL), PT_SUCCESS);
    assert_string_equal(port(&pc, RADIO, "WLANLinkProtectionLevel"), "0");
    assert_int_equal(pc_call(&pc, PORTS, "RestoreLinkProtection", RADIO, NULL), PT_SUCCESS);
    assert_string_equal(port(&pc, RADIO, "WLANLinkProtectionLevel"), "1");
    assert_int_equal(pc_call(&pc, PORTS, "CancelLinkProtection", WIRED, NULL),
                     PT_INVALID_PARAMETER);
    pc_close(&pc);
}

/* --- wireless --- */

#define ENDPOINT                                                                        \
    "<r:WiFiEndpoint><a:Address>default</"                                              \
    "a:Address><a:ReferenceParameters><w:ResourceURI>" WSMAN_NS_CIM                     \
    "CIM_WiFiEndpoint</w:ResourceURI><w:SelectorSet>"                                   \
    "<w:Selector Name=\"Name\">%s</w:Selector></w:SelectorSet></a:ReferenceParameters>" \
    "</r:WiFiEndpoint>"

struct profile {
    const char *endpoint, *name, *authentication, *encryption, *ssid, *priority, *key;
    const char *more; /* further parameters, in XML */
};

static void put_settings(struct text *out, const struct profile *profile)
{
    text_printf(out,
                "<r:WiFiEndpointSettingsInput xmlns:q=\"" WSMAN_NS_CIM "CIM_WiFiEndpointSettings\">"
                "<q:ElementName>%s</q:ElementName>"
                "<q:InstanceID>Intel(r) AMT:WiFi Endpoint Settings %s</q:InstanceID>"
                "<q:AuthenticationMethod>%s</q:AuthenticationMethod>"
                "<q:EncryptionMethod>%s</q:EncryptionMethod><q:SSID>%s</q:SSID>"
                "<q:Priority>%s</q:Priority>",
                profile->name, profile->name, profile->authentication, profile->encryption,
                profile->ssid, profile->priority);
    if (profile->key != NULL) {
        text_printf(out, "<q:PSKPassPhrase>%s</q:PSKPassPhrase>", profile->key);
    }
    text_printf(out, "</r:WiFiEndpointSettingsInput>%s",
                profile->more == NULL ? "" : profile->more);
}

static int add(struct pc *pc, struct profile profile)
{
    struct text input = { 0 };
    text_printf(&input, ENDPOINT, profile.endpoint == NULL ? "WiFi Endpoint 0" : profile.endpoint);
    put_settings(&input, &profile);
    int value = pc_call(pc, WIFI, "AddWiFiSettings", NULL, text_chars(&input));
    text_fini(&input);
    return value;
}

#define HOME                                                                                  \
    .name = "home", .authentication = "6", .encryption = "4", .ssid = "net", .priority = "1", \
    .key = "P@ssw0rd"

#define WPA2(profile_name, net, rank, phrase, cipher)                                         \
    {                                                                                         \
        .name = (profile_name), .authentication = "6", .encryption = (cipher), .ssid = (net), \
        .priority = (rank), .key = (phrase)                                                   \
    }

static int update(struct pc *pc, const char *id, struct profile profile)
{
    struct text input = { 0 };
    text_printf(&input,
                "<r:WiFiEndpointSettings><a:Address>default</a:Address><a:ReferenceParameters>"
                "<w:ResourceURI>" WSMAN_NS_CIM "CIM_WiFiEndpointSettings</w:ResourceURI>"
                "<w:SelectorSet><w:Selector Name=\"InstanceID\">%s</w:Selector></w:SelectorSet>"
                "</a:ReferenceParameters></r:WiFiEndpointSettings>",
                id);
    put_settings(&input, &profile);
    int value = pc_call(pc, WIFI, "UpdateWiFiSettings", NULL, text_chars(&input));
    text_fini(&input);
    return value;
}

#define HOME_ID "Intel(r) AMT:WiFi Endpoint Settings home"

static void test_wireless_profiles(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    assert_int_equal(add(&pc, (struct profile){ HOME }), 0);
    const struct xml_node *kept = pc_get(&pc, "CIM_WiFiEndpointSettings", "InstanceID=" HOME_ID);
    assert_string_equal(pc_property(kept, "SSID"), "net");
    assert_string_equal(pc_property(kept, "ElementName"), "home");
    assert_null(xml_child(kept, NULL, "PSKPassPhrase")); /* never read back */
    assert_int_equal(update(&pc, HOME_ID,
                            (struct profile){ .name = "home",
                                              .authentication = "7",
                                              .encryption = "4",
                                              .ssid = "x",
                                              .priority = "1" }),
                     3); /* 802.1X without its settings */
    assert_int_equal(update(&pc, HOME_ID,
                            (struct profile){ .name = "home",
                                              .authentication = "6",
                                              .encryption = "4",
                                              .ssid = "other",
                                              .priority = "2" }),
                     0); /* the key stays */
    kept = pc_get(&pc, "CIM_WiFiEndpointSettings", "InstanceID=" HOME_ID);
    assert_string_equal(pc_property(kept, "SSID"), "other");
    assert_int_equal(
        update(&pc, "Intel(r) AMT:WiFi Endpoint Settings none", (struct profile){ HOME }), 4);
    (void)pc_wsman(&pc, "Put", "CIM_WiFiEndpointSettings", "InstanceID=" HOME_ID,
                   "<r:CIM_WiFiEndpointSettings><r:Priority>9</r:Priority>"
                   "</r:CIM_WiFiEndpointSettings>");
    assert_int_equal(pc.status, 200);
    (void)pc_wsman(&pc, "Put", "CIM_WiFiEndpointSettings", "InstanceID=" HOME_ID,
                   "<r:CIM_WiFiEndpointSettings><r:Priority>0</r:Priority>"
                   "</r:CIM_WiFiEndpointSettings>");
    assert_int_equal(pc.status, 400);
    (void)pc_wsman(&pc, "Delete", "CIM_WiFiEndpointSettings", "InstanceID=" HOME_ID, NULL);
    assert_int_equal(pc.status, 200);
    (void)pc_wsman(&pc, "Delete", "CIM_WiFiEndpointSettings", "InstanceID=" HOME_ID, NULL);
    assert_int_equal(pc.status, 400); /* WSM-054 */
    assert_int_equal(add(&pc, (struct profile){ HOME }), 0);
    assert_int_equal(pc_call(&pc, WIFI, "DeleteAllUserProfiles", NULL, NULL), 0);
    assert_int_equal(pc_count(&pc, "CIM_WiFiEndpointSettings"), 1);
    assert_int_equal(pc_call(&pc, WIFI, "DeleteAllITProfiles", NULL, NULL), 0);
    assert_int_equal(pc_count(&pc, "CIM_WiFiEndpointSettings"), 0);
    pc_close(&pc);
}

#define LONG_NAME "012345678901234567890123456789012" /* 33 */

static const struct {
    struct profile profile;
    int value;
} k_refused[] = {
    { { .endpoint = "WiFi Endpoint 1", HOME }, 4 },
    { WPA2("a", "n", "2", "P@ssw0rd", "2"), 3 }, /* with WEP */
    { { .name = "a", .authentication = "3", .encryption = "4", .ssid = "n", .priority = "2" }, 3 },
    { WPA2("a", LONG_NAME, "2", "P@ssw0rd", "4"), 3 },
    { WPA2("a", "n", "0", "P@ssw0rd", "4"), 3 },
    { WPA2("a", "n", "1", "P@ssw0rd", "4"), 3 }, /* the priority is taken */
    { WPA2("a", "n", "2", "short", "4"), 3 },
    { WPA2("a", "n", "2", NULL, "4"), 3 },
    { WPA2(LONG_NAME, "n", "2", "P@ssw0rd", "4"), 3 },
    { { HOME }, 3 }, /* the name is taken */
};

static void test_refused_wireless_profiles(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    assert_int_equal(add(&pc, (struct profile){ HOME }), 0);
    for (size_t i = 0; i < sizeof k_refused / sizeof *k_refused; i++) {
        int value = add(&pc, k_refused[i].profile);
        if (value != k_refused[i].value) {
            fail_msg("profile %zu: %d", i, value);
        }
    }
    pc_close(&pc);
}

static int add_open(struct pc *pc, int number)
{
    char name[16], priority[16];
    (void)snprintf(name, sizeof name, "p%d", number);
    (void)snprintf(priority, sizeof priority, "%d", number);
    return add(pc, (struct profile){ .name = name,
                                     .authentication = "32769",
                                     .encryption = "4",
                                     .ssid = "n",
                                     .priority = priority });
}

static void test_room_for_sixteen(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    for (int i = 1; i <= 16; i++) {
        assert_int_equal(add_open(&pc, i), 0);
    }
    assert_int_equal(add_open(&pc, 17), 2);
    pc_close(&pc);
}

static int wifi_state(struct pc *pc, const char *state)
{
    char input[64];
    (void)snprintf(input, sizeof input, "<r:RequestedState>%s</r:RequestedState>", state);
    return pc_call(pc, "CIM_WiFiPort", "RequestStateChange", NULL, input);
}

/* The link comes up with the port on and a profile, and with it the addresses. */
static void test_wireless_link(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    assert_int_equal(wifi_state(&pc, "2"), 5);
    assert_int_equal(wifi_state(&pc, "32769"), 0);
    assert_string_equal(pc_property(pc_get(&pc, "CIM_WiFiPort", NULL), "EnabledState"), "32769");
    assert_string_equal(port(&pc, RADIO, "LinkIsUp"), "false");
    assert_int_equal(add(&pc, (struct profile){ HOME }), 0);
    assert_string_equal(port(&pc, RADIO, "LinkIsUp"), "true");
    assert_true(strlen(port(&pc, RADIO, "IPAddress")) > 0);
    assert_string_equal(pc_property(pc_get(&pc, WIFI, NULL), "LastConnectedSsidUnderMeControl"),
                        "net");
    const struct xml_node *endpoint = pc_get(&pc, "CIM_WiFiEndpoint", NULL);
    assert_string_equal(pc_property(endpoint, "LANID"), "net");
    assert_string_equal(pc_property(endpoint, "Associated"), "true");
    /* 32768: only while the host is on */
    assert_int_equal(wifi_state(&pc, "32768"), 0);
    assert_string_equal(port(&pc, RADIO, "LinkIsUp"), "true");
    assert_int_equal(pc_call(&pc, "CIM_PowerManagementService", "RequestPowerStateChange", NULL,
                             "<r:PowerState>8</r:PowerState>"),
                     0);
    pc_run(&pc, 10 * (uint64_t)US_PER_SECOND);
    assert_string_equal(port(&pc, RADIO, "LinkIsUp"), "false");
    assert_int_equal(wifi_state(&pc, "3"), 0);
    assert_string_equal(pc_property(pc_get(&pc, "CIM_WiFiEndpoint", NULL), "Associated"), "false");
    pc_close(&pc);
}

static void put_wifi_service(struct pc *pc, const char *inner)
{
    struct text body = { 0 };
    text_printf(&body, "<r:" WIFI ">%s</r:" WIFI ">", inner);
    (void)pc_wsman(pc, "Put", WIFI, NULL, text_chars(&body));
    text_fini(&body);
}

static void test_profile_synchronization(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
#define SYNCHRONIZE(value) \
    "<r:localProfileSynchronizationEnabled>" value "</r:localProfileSynchronizationEnabled>"
    put_wifi_service(&pc, SYNCHRONIZE("3"));
    assert_int_equal(pc.status, 200);
    assert_string_equal(pc_property(pc_get(&pc, WIFI, NULL), "localProfileSynchronizationEnabled"),
                        "3");
    put_wifi_service(&pc, SYNCHRONIZE("2"));
    assert_int_equal(pc.status, 400);
    /* sharing with UEFI needs the capability (rps asks for it first) */
    put_wifi_service(&pc, "<r:UEFIWiFiProfileShareEnabled>true</r:UEFIWiFiProfileShareEnabled>");
    assert_int_equal(pc.status, 400);
    pc_close(&pc);
}

/* --- 802.1X --- */

/* The first captured certificate, as a trusted root: handle 0. */
static void add_root(struct pc *pc)
{
    struct arena arena = { 0 };
    struct text input = { 0 };
    const struct written *root = written_read(
        &arena, captures_file(&arena, "wsman-responses/AMT_PublicKeyCertificate/get.xml"));
    text_printf(&input, "<r:CertificateBlob>%s</r:CertificateBlob>",
                written_find(root, "X509Certificate")->text);
    assert_int_equal(pc_call(pc, "AMT_PublicKeyManagementService", "AddTrustedRootCertificate",
                             NULL, text_chars(&input)),
                     0);
    text_fini(&input);
    arena_fini(&arena);
}

#define CERTIFICATE(parameter, handle)                                                   \
    "<r:" parameter                                                                      \
    "><a:Address>default</a:Address><a:ReferenceParameters><w:ResourceURI>" WSMAN_NS_AMT \
    "AMT_PublicKeyCertificate</w:ResourceURI><w:SelectorSet>"                            \
    "<w:Selector Name=\"InstanceID\">Intel(r) AMT Certificate: Handle: " handle          \
    "</w:Selector></w:SelectorSet></a:ReferenceParameters></r:" parameter ">"
#define EAP(protocol)                                                              \
    "<r:IEEE8021xSettingsInput xmlns:q=\"" WSMAN_NS_CIM "CIM_IEEE8021xSettings\">" \
    "<q:ElementName>office</q:ElementName>"                                        \
    "<q:InstanceID>Intel(r) AMT:IEEE 802.1x Settings office</q:InstanceID>"        \
    "<q:AuthenticationProtocol>" protocol "</q:AuthenticationProtocol>"            \
    "<q:Username>pc</q:Username><q:Password>Secret1!</q:Password></r:IEEE8021xSettingsInput>"
#define OFFICE \
    .name = "office", .authentication = "7", .encryption = "4", .ssid = "office", .priority = "3"

static void test_wireless_8021x(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    assert_int_equal(add(&pc, (struct profile){ OFFICE }), 3);
    assert_int_equal(add(&pc, (struct profile){ OFFICE, .more = EAP("11") }), 3);
    assert_int_equal(add(&pc, (struct profile){ OFFICE, .more = EAP("0") }),
                     3); /* no certificate */
    assert_int_equal(
        add(&pc, (struct profile){ OFFICE, .more = EAP("2") CERTIFICATE("CACredential", "0") }),
        4); /* there is none */
    add_root(&pc);
    assert_int_equal(
        add(&pc, (struct profile){ OFFICE, .more = EAP("2") CERTIFICATE("CACredential", "0") }), 0);
    const struct xml_node *eap =
        pc_get(&pc, "CIM_IEEE8021xSettings", "InstanceID=Intel(r) AMT:IEEE 802.1x Settings office");
    assert_string_equal(pc_property(eap, "AuthenticationProtocol"), "2");
    assert_string_equal(pc_property(eap, "Username"), "pc");
    assert_null(xml_child(eap, NULL, "Password"));
    (void)pc_wsman(&pc, "Put", "CIM_IEEE8021xSettings",
                   "InstanceID=Intel(r) AMT:IEEE 802.1x Settings office",
                   "<r:CIM_IEEE8021xSettings><r:ElementName>office</r:ElementName>"
                   "<r:Username>other</r:Username></r:CIM_IEEE8021xSettings>");
    assert_int_equal(pc.status, 200);
    eap =
        pc_get(&pc, "CIM_IEEE8021xSettings", "InstanceID=Intel(r) AMT:IEEE 802.1x Settings office");
    assert_string_equal(pc_property(eap, "Username"), "other");
    assert_int_equal(pc_count(&pc, "AMT_8021xCredentialContext"), 1);
    (void)pc_wsman(&pc, "Delete", "AMT_PublicKeyCertificate",
                   "InstanceID=Intel(r) AMT Certificate: Handle: 0", NULL);
    assert_int_equal(pc.status, 400); /* WSM-098: in use */
    (void)pc_wsman(&pc, "Delete", "CIM_WiFiEndpointSettings",
                   "InstanceID=Intel(r) AMT:WiFi Endpoint Settings office", NULL);
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, "AMT_8021xCredentialContext"), 0);
    (void)pc_wsman(&pc, "Delete", "AMT_PublicKeyCertificate",
                   "InstanceID=Intel(r) AMT Certificate: Handle: 0", NULL);
    assert_int_equal(pc.status, 200);
    pc_close(&pc);
}

#define WIRED_8021X "IPS_IEEE8021xSettings"

static void put_wired_8021x(struct pc *pc, const char *inner)
{
    struct text body = { 0 };
    text_printf(&body,
                "<r:" WIRED_8021X "><r:ElementName>Intel(r) AMT: 8021X Settings</r:ElementName>"
                "<r:InstanceID>Intel(r) AMT: 8021X Settings</r:InstanceID>%s</r:" WIRED_8021X ">",
                inner);
    (void)pc_wsman(pc, "Put", WIRED_8021X, NULL, text_chars(&body));
    text_fini(&body);
}

/* As rps does it: Put, then SetCertificates. */
static void test_wired_8021x(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    put_wired_8021x(&pc, "<r:Enabled>5</r:Enabled>");
    assert_int_equal(pc.status, 400);
    put_wired_8021x(&pc, "<r:Enabled>2</r:Enabled>");
    assert_int_equal(pc.status, 400); /* which protocol? */
    put_wired_8021x(&pc, "<r:Enabled>2</r:Enabled>"
                         "<r:AuthenticationProtocol>2</r:AuthenticationProtocol>"
                         "<r:Username>pc</r:Username><r:Password>Secret1!</r:Password>");
    assert_int_equal(pc.status, 200);
    const struct xml_node *kept = pc_get(&pc, WIRED_8021X, NULL);
    assert_string_equal(pc_property(kept, "Enabled"), "2");
    assert_null(xml_child(kept, NULL, "Password"));
    assert_int_equal(pc_call(&pc, WIRED_8021X, "SetCertificates", NULL,
                             CERTIFICATE("ServerCertificateIssuer", "0")),
                     PT_INVALID_HANDLE);
    add_root(&pc);
    assert_int_equal(pc_call(&pc, WIRED_8021X, "SetCertificates", NULL,
                             CERTIFICATE("ServerCertificateIssuer", "0")),
                     0);
    assert_int_equal(pc_count(&pc, "IPS_8021xCredentialContext"), 1);
    put_wired_8021x(&pc, "<r:Enabled>3</r:Enabled>");
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, "IPS_8021xCredentialContext"), 0);
    pc_close(&pc);
}

#define CONTEXT "AMT_8021xCredentialContext"

/* The older profile gets its certificates by credential contexts. */
static void test_older_profile(void **state)
{
    (void)state;
    struct pc pc;
    static const char k_create[] = "<r:" CONTEXT ">" CERTIFICATE(
        "ElementInContext",
        "0") "<r:ElementProvidingContext><a:Address>default</a:Address><a:ReferenceParameters>"
             "<w:ResourceURI>" WSMAN_NS_AMT "AMT_8021XProfile</w:ResourceURI><w:SelectorSet>"
             "<w:Selector Name=\"InstanceID\">Intel(r) AMT 802.1x Profile 0</w:Selector>"
             "</w:SelectorSet></a:ReferenceParameters></r:ElementProvidingContext></r:" CONTEXT ">";
    pc_open(&pc);
    (void)pc_wsman(&pc, "Put", "AMT_8021XProfile", NULL,
                   "<r:AMT_8021XProfile><r:ElementName>Intel(r) AMT 802.1x Profile</r:ElementName>"
                   "<r:Enabled>true</r:Enabled></r:AMT_8021XProfile>");
    assert_int_equal(pc.status, 400);
    (void)pc_wsman(&pc, "Put", "AMT_8021XProfile", NULL,
                   "<r:AMT_8021XProfile><r:ElementName>Intel(r) AMT 802.1x Profile</r:ElementName>"
                   "<r:Enabled>true</r:Enabled>"
                   "<r:AuthenticationProtocol>0</r:AuthenticationProtocol>"
                   "<r:Password>Secret1!</r:Password></r:AMT_8021XProfile>");
    assert_int_equal(pc.status, 200);
    (void)pc_wsman(&pc, "Create", CONTEXT, NULL, k_create);
    assert_int_equal(pc.status, 400); /* no such certificate */
    add_root(&pc);
    (void)pc_wsman(&pc, "Create", CONTEXT, NULL, k_create);
    assert_int_equal(pc.status, 200); /* WSM-053 */
    (void)pc_wsman(&pc, "Create", CONTEXT, NULL, k_create);
    assert_string_equal(pc_fault(&pc), "AlreadyExists");
    const struct xml_node *profile = pc_get(&pc, "AMT_8021XProfile", NULL);
    assert_non_null(xml_child(profile, NULL, "ServerCertificateIssuer"));
    assert_null(xml_child(profile, NULL, "Password"));
    (void)pc_wsman(&pc, "Delete", CONTEXT, NULL, NULL);
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, CONTEXT), 0);
    pc_close(&pc);
}

/* --- IPv6 --- */

static void test_ipv6(void **state)
{
    (void)state;
    static const char k_id[] = "InstanceID=Intel(r) IPS IPv6 Settings 0";
    struct pc pc;
    pc_open(&pc);
    (void)pc_wsman(&pc, "Put", "IPS_IPv6PortSettings", k_id,
                   "<r:IPS_IPv6PortSettings><r:ElementName>Intel(r) IPS IPv6 Settings 0"
                   "</r:ElementName><r:IPv6Address>2001:db8::g</r:IPv6Address>"
                   "</r:IPS_IPv6PortSettings>");
    assert_int_equal(pc.status, 400);
    (void)pc_wsman(&pc, "Put", "IPS_IPv6PortSettings", k_id,
                   "<r:IPS_IPv6PortSettings><r:ElementName>Intel(r) IPS IPv6 Settings 0"
                   "</r:ElementName><r:IPv6Address>2001:db8::7</r:IPv6Address>"
                   "<r:DefaultRouter>2001:db8::1</r:DefaultRouter></r:IPS_IPv6PortSettings>");
    assert_int_equal(pc.status, 200);
    const struct xml_node *settings = pc_get(&pc, "IPS_IPv6PortSettings", k_id);
    assert_string_equal(pc_property(settings, "CurrentDefaultRouter"), "::");
    assert_null(xml_child(settings, NULL, "CurrentAddressInfo"));
    network_ipv6_switch(pc.firmware, 0, true);
    settings = pc_get(&pc, "IPS_IPv6PortSettings", k_id);
    assert_string_equal(pc_property(settings, "CurrentDefaultRouter"), "2001:db8::1");
    assert_int_equal(strncmp(pc_property(settings, "CurrentAddressInfo"), "fe80::", 6), 0);
    pc_close(&pc);
}

/* --- what lasts --- */

static void restart(struct pc *pc)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct firmware_settings settings = {
        .profile = pc->profile, .seed = 1, .log = pc->log, .state_dir = pc->state_dir
    };
    settings.uuid = pc->firmware->uuid;
    firmware_free(pc->firmware);
    pc->firmware = firmware_new(pc->loop, &settings, &diag);
    if (pc->firmware == NULL) {
        amt_diag_print(&diag, stderr);
    }
    assert_non_null(pc->firmware);
    pc->nonce[0] = '\0';
}

static void configure_all(struct pc *pc)
{
    add_root(pc);
    put_port(pc, WIRED, STATIC);
    assert_int_equal(wifi_state(pc, "32769"), 0);
    assert_int_equal(
        add(pc, (struct profile){ OFFICE, .more = EAP("2") CERTIFICATE("CACredential", "0") }), 0);
    assert_int_equal(pc_call(pc, WIRED_8021X, "SetCertificates", NULL,
                             CERTIFICATE("ServerCertificateIssuer", "0")),
                     0);
    assert_int_equal(pc_call(pc, PORTS, "CancelLinkProtection", RADIO, NULL), 0);
    network_ipv6_switch(pc->firmware, 1, true);
}

static void test_settings_outlive_a_power_cut(void **state)
{
    (void)state;
    char folder[] = "/tmp/network_test.XXXXXX";
    struct pc pc;
    assert_non_null(mkdtemp(folder));
    pc_init(&pc);
    pc.state_dir = folder;
    pc_start(&pc);
    configure_all(&pc);
    assert_int_equal(prefer(&pc, RADIO, "<r:LinkPreference>2</r:LinkPreference>"), 0);
    restart(&pc);
    assert_string_equal(port(&pc, WIRED, "IPAddress"), "192.0.2.7");
    assert_string_equal(port(&pc, RADIO, "LinkIsUp"), "true");
    assert_string_equal(port(&pc, RADIO, "WLANLinkProtectionLevel"), "0");
    assert_int_equal(pc_count(&pc, "IPS_8021xCredentialContext"), 1);
    assert_int_equal(pc_count(&pc, CONTEXT), 1);
    assert_true(network_ipv6_is_on(pc.firmware, 1));
    assert_true(network_uses_certificate(pc.firmware, "Intel(r) AMT Certificate: Handle: 0"));
    /* wsman.md 5.3: nothing of it is left after unprovisioning */
    firmware_unprovision(pc.firmware, false);
    assert_false(network_uses_certificate(pc.firmware, "Intel(r) AMT Certificate: Handle: 0"));
    assert_false(network_ipv6_is_on(pc.firmware, 1));
    char path[256];
    (void)snprintf(path, sizeof path, "%s", pc.firmware->state_path);
    pc_close(&pc);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* wsman.md 5.2: network and wireless writes need provisioning. */
static void test_nothing_before_provisioning(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    firmware_unprovision(pc.firmware, false);
    struct firmware_call call = { .firmware = pc.firmware };
    const struct firmware_behaviour *at = k_network_part.behaviours;
    for (; at->class_name != NULL; at++) {
        const struct firmware_method *method = at->methods;
        for (; method != NULL && method->name != NULL; method++) {
            call.fault = WSMAN_OK;
            assert_int_equal(method->fn(&call, NULL, NULL, NULL), PT_NOT_PERMITTED);
            assert_int_equal(call.fault, WSMAN_ACCESS_DENIED);
        }
        if (at->put != NULL) {
            struct wsman_request request = { .operation = WSMAN_PUT };
            call.request = &request;
            call.fault = WSMAN_OK;
            at->put(&call, NULL, NULL);
            assert_int_equal(call.fault, WSMAN_ACCESS_DENIED);
        }
    }
    pc_close(&pc);
}

/* A state file that somebody has changed is refused, not believed. */
static void test_damaged_states(void **state)
{
    (void)state;
    static const char *const k_states[] = {
        "{}",
        "[]",
        "{\"addresses\":[],\"wifi\":[],\"ipv6\":[true,false],\"wifi_state\":3,"
        "\"link_override\":false,\"wired\":{\"client\":\"\",\"root\":\"\"},"
        "\"profile\":{\"client\":\"\",\"root\":\"\"}}",
        "{\"addresses\":{},\"wifi\":[{}],\"ipv6\":[true,false],\"wifi_state\":3,"
        "\"link_override\":false,\"wired\":{\"client\":\"\",\"root\":\"\"},"
        "\"profile\":{\"client\":\"\",\"root\":\"\"}}",
        "{\"addresses\":{},\"wifi\":[{\"name\":\"012345678901234567890123456789012\","
        "\"settings\":{},\"client\":\"\",\"root\":\"\"}],\"ipv6\":[true,false],"
        "\"wifi_state\":3,\"link_override\":false,\"wired\":{\"client\":\"\",\"root\":\"\"},"
        "\"profile\":{\"client\":\"\",\"root\":\"\"}}",
        "{\"addresses\":{},\"wifi\":[],\"ipv6\":[true,false],\"wifi_state\":99999,"
        "\"link_override\":false,\"wired\":{\"client\":\"\",\"root\":\"\"},"
        "\"profile\":{\"client\":\"\",\"root\":\"\"}}",
    };
    struct pc pc;
    pc_open(&pc);
    for (size_t i = 0; i < sizeof k_states / sizeof *k_states; i++) {
        struct amt_diag diag = { 0 };
        json_t *damaged = json_loads(k_states[i], 0, NULL);
        assert_non_null(damaged);
        assert_int_equal(k_network_part.load(pc.firmware, damaged, &diag), AMT_ECONFIG);
        assert_true(diag.text[0] != '\0');
        json_decref(damaged);
    }
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_static_address),
        cmocka_unit_test(test_refused_addresses),
        cmocka_unit_test(test_no_link_no_address),
        cmocka_unit_test(test_link_preference),
        cmocka_unit_test(test_wireless_profiles),
        cmocka_unit_test(test_refused_wireless_profiles),
        cmocka_unit_test(test_room_for_sixteen),
        cmocka_unit_test(test_wireless_link),
        cmocka_unit_test(test_profile_synchronization),
        cmocka_unit_test(test_wireless_8021x),
        cmocka_unit_test(test_wired_8021x),
        cmocka_unit_test(test_older_profile),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_settings_outlive_a_power_cut),
        cmocka_unit_test(test_nothing_before_provisioning),
        cmocka_unit_test(test_damaged_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
