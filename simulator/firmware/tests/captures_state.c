#include "simulator/firmware/tests/captures_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "protocol/wsman/names.h"

#define ANONYMOUS "<b:Address>" WSMAN_ANONYMOUS "</b:Address>"
#define EPR(uri, selectors)                                \
    ANONYMOUS "<b:ReferenceParameters><c:ResourceURI>" uri \
              "</c:ResourceURI><c:SelectorSet>" selectors  \
              "</c:SelectorSet></b:ReferenceParameters>"
#define SELECTOR(name, text) "<c:Selector Name=\"" name "\">" text "</c:Selector>"
#define WIFI_ENDPOINT        EPR(WSMAN_NS_CIM "CIM_WiFiEndpoint", SELECTOR("Name", "WiFi Endpoint 0"))
#define WIFI_SETTINGS(ssid)                                                              \
    "<p:WiFiEndpointSettingsInput xmlns:q=\"" WSMAN_NS_CIM "CIM_WiFiEndpointSettings\">" \
    "<q:ElementName>home</q:ElementName>"                                                \
    "<q:InstanceID>Intel(r) AMT:WiFi Endpoint Settings home</q:InstanceID>"              \
    "<q:AuthenticationMethod>6</q:AuthenticationMethod>"                                 \
    "<q:EncryptionMethod>4</q:EncryptionMethod><q:SSID>" ssid "</q:SSID>"                \
    "<q:Priority>1</q:Priority><q:PSKPassPhrase>P@ssw0rd</q:PSKPassPhrase>"              \
    "</p:WiFiEndpointSettingsInput>"
#define ALARM                                                                    \
    "<p:AlarmTemplate xmlns:q=\"" WSMAN_NS_IPS "IPS_AlarmClockOccurrence\">"     \
    "<q:InstanceID>Alarm 1</q:InstanceID><q:ElementName>Alarm 1</q:ElementName>" \
    "<q:StartTime><h:Datetime>2030-01-01T06:00:00Z</h:Datetime></q:StartTime>"   \
    "<q:DeleteOnCompletion>true</q:DeleteOnCompletion></p:AlarmTemplate>"
#define MPS(address, format)                                                           \
    "<p:AccessInfo>" address "</p:AccessInfo><p:InfoFormat>" format "</p:InfoFormat>"  \
    "<p:Port>4433</p:Port><p:AuthMethod>2</p:AuthMethod><p:Username>test</p:Username>" \
    "<p:Password>P@ssw0rd1</p:Password><p:CN>" address "</p:CN>"
#define MPS_REF                                         \
    EPR(WSMAN_NS_AMT "AMT_ManagementPresenceRemoteSAP", \
        SELECTOR("Name", "Intel(r) AMT:Management Presence Server 0"))
#define POLICY                                                       \
    "<p:Trigger>2</p:Trigger><p:TunnelLifeTime>0</p:TunnelLifeTime>" \
    "<p:ExtendedData>AAAAAAAAABk=</p:ExtendedData><p:MpServer>" MPS_REF "</p:MpServer>"
#define PROXY                                                                        \
    "<p:AccessInfo>proxy.example.com</p:AccessInfo><p:InfoFormat>201</p:InfoFormat>" \
    "<p:Port>1080</p:Port><p:NetworkDnsSuffix>example.com</p:NetworkDnsSuffix>"
#define MANAGED_SYSTEM EPR(WSMAN_NS_CIM "CIM_ComputerSystem", SELECTOR("Name", "ManagedSystem"))
#define COLLECTION                                        \
    EPR(WSMAN_NS_AMT "AMT_TLSProtocolEndpointCollection", \
        SELECTOR("ElementName", "TLSProtocolEndpointInstances Collection"))
#define CERTIFICATE(handle)                      \
    EPR(WSMAN_NS_AMT "AMT_PublicKeyCertificate", \
        SELECTOR("InstanceID", "Intel(r) AMT Certificate: Handle: " handle))
#define TLS_CONTEXT(handle)                                                   \
    "<p:AMT_TLSCredentialContext><p:ElementInContext>" CERTIFICATE(           \
        handle) "</p:ElementInContext><p:ElementProvidingContext>" COLLECTION \
                "</p:ElementProvidingContext></p:AMT_TLSCredentialContext>"

/* --- states --- */

static void with_mps(struct captures_device *device, const struct written *capture)
{
    const struct written *address = written_find(capture, "AccessInfo");
    const struct written *user = written_find(capture, "RemoteID");
    struct text body = { 0 };
    text_printf(&body,
                "<p:AccessInfo>%s</p:AccessInfo><p:InfoFormat>3</p:InfoFormat><p:Port>4433</p:Port>"
                "<p:AuthMethod>2</p:AuthMethod><p:Username>%s</p:Username>"
                "<p:Password>P@ssw0rd1</p:Password><p:CN>%s</p:CN>",
                address == NULL ? "192.168.0.208" : address->text,
                user == NULL ? "test" : user->text,
                address == NULL ? "192.168.0.208" : address->text);
    captures_call(device, "AMT_RemoteAccessService", "AddMpServer", NULL, body.chars);
    text_fini(&body);
}

static void with_policy(struct captures_device *device, const struct written *capture)
{
    with_mps(device, capture);
    captures_call(device, "AMT_RemoteAccessService", "AddRemoteAccessPolicyRule", NULL, POLICY);
}

#define POLICY_REF                                                        \
    EPR(WSMAN_NS_AMT "AMT_RemoteAccessPolicyRule",                        \
        SELECTOR("CreationClassName", "AMT_RemoteAccessPolicyRule")       \
            SELECTOR("PolicyRuleName", "Periodic")                        \
                SELECTOR("SystemCreationClassName", "CIM_ComputerSystem") \
                    SELECTOR("SystemName", "Intel(r) AMT"))
#define MPS_REF_FULL                                                      \
    EPR(WSMAN_NS_AMT "AMT_ManagementPresenceRemoteSAP",                   \
        SELECTOR("CreationClassName", "AMT_ManagementPresenceRemoteSAP")  \
            SELECTOR("Name", "Intel(r) AMT:Management Presence Server 0") \
                SELECTOR("SystemCreationClassName", "CIM_ComputerSystem") \
                    SELECTOR("SystemName", "Intel(r) AMT"))
#define APPLIES(type)                                                                        \
    "<p:AMT_RemoteAccessPolicyAppliesToMPS><p:ManagedElement>" MPS_REF_FULL                  \
    "</p:ManagedElement><p:MpsType>" type "</p:MpsType><p:OrderOfAccess>0</p:OrderOfAccess>" \
    "<p:PolicySet>" POLICY_REF "</p:PolicySet></p:AMT_RemoteAccessPolicyAppliesToMPS>"

static void with_policy_for_both(struct captures_device *device, const struct written *capture)
{
    with_policy(device, capture);
    const char *envelope =
        captures_envelope(device, wsman_operation_action(WSMAN_PUT),
                          "AMT_RemoteAccessPolicyAppliesToMPS", "1", "", APPLIES("2"));
    device->has_trouble = captures_post(device, envelope) != 200 || device->has_trouble;
}

static void add_certificate(struct captures_device *device, const char *blob, bool is_root)
{
    struct text body = { 0 };
    text_printf(&body, "<p:CertificateBlob>%s</p:CertificateBlob>", blob);
    captures_call(device, "AMT_PublicKeyManagementService",
                  is_root ? "AddTrustedRootCertificate" : "AddCertificate", NULL, body.chars);
    text_fini(&body);
}

/* The captured certificates: trusted roots as such. */
static void with_certificates(struct captures_device *device, const struct written *capture)
{
    const struct written *items = written_find(capture, "Items");
    const struct written *instance =
        items != NULL ? items->first : written_find(capture, "AMT_PublicKeyCertificate");
    for (; instance != NULL; instance = instance->next) {
        bool is_root = strcmp(written_find(instance, "TrustedRootCertficate")->text, "true") == 0;
        add_certificate(device, written_find(instance, "X509Certificate")->text, is_root);
    }
}

/* X509Certificate of the captured certificate number at. */
static const char *captured_certificate(struct captures_device *device, uint32_t at)
{
    const struct written *root = written_read(
        &device->arena,
        captures_file(&device->arena, "wsman-responses/AMT_PublicKeyCertificate/pull.xml"));
    const struct written *instance = written_find(root, "Items")->first;
    for (; at > 0; at--) {
        instance = instance->next;
    }
    return written_find(instance, "X509Certificate")->text;
}

static void with_one_certificate(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    add_certificate(device, captured_certificate(device, 0), true);
}

static void with_two_certificates(struct captures_device *device, const struct written *capture)
{
    with_one_certificate(device, capture);
    add_certificate(device, captured_certificate(device, 1), true);
}

static const char *next_certificate(struct captures_device *device, uint32_t at)
{
    struct text body = { 0 };
    text_printf(&body, "<p:CertificateBlob>%s</p:CertificateBlob>",
                captured_certificate(device, at));
    const char *kept = arena_text(&device->arena, text_chars(&body), body.len);
    text_fini(&body);
    return kept;
}

static const char *second_certificate(struct captures_device *device)
{
    return next_certificate(device, 1);
}

static const char *third_certificate(struct captures_device *device)
{
    return next_certificate(device, 2);
}

/* --- a key and certificates of our own: the captured ones came without their keys --- */

static EVP_PKEY *own_key(void)
{
    static EVP_PKEY *key; /* made once: that takes its time */
    if (key == NULL) {
        key = EVP_RSA_gen(2048);
    }
    assert_non_null(key);
    return key;
}

static const char *base64_in(struct arena *arena, const uint8_t *der, int len)
{
    char *text = arena_alloc(arena, (size_t)len * 2 + 8);
    assert_true(len > 0 && text != NULL);
    (void)EVP_EncodeBlock((unsigned char *)text, der, len);
    return text;
}

static const char *own_key_blob(struct captures_device *device)
{
    unsigned char *der = NULL;
    int len = i2d_PrivateKey(own_key(), &der);
    struct text body = { 0 };
    text_printf(&body, "<p:KeyBlob>%s</p:KeyBlob>", base64_in(&device->arena, der, len));
    const char *kept = arena_text(&device->arena, text_chars(&body), body.len);
    text_fini(&body);
    OPENSSL_free(der);
    return kept;
}

static void add_own_certificate(struct captures_device *device, int serial)
{
    X509 *certificate = X509_new();
    unsigned char *der = NULL;
    X509_NAME *name = X509_get_subject_name(certificate);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"device", -1,
                                     -1, 0);
    (void)X509_set_issuer_name(certificate, name);
    (void)X509_set_pubkey(certificate, own_key());
    assert_true(X509_sign(certificate, own_key(), EVP_sha256()) > 0);
    int len = i2d_X509(certificate, &der);
    add_certificate(device, base64_in(&device->arena, der, len), false);
    OPENSSL_free(der);
    X509_free(certificate);
}

/* Handles 0 to 2 are the captured ones, 3 and 4 have a key. */
static void with_own_certificates(struct captures_device *device)
{
    captures_call(device, "AMT_PublicKeyManagementService", "AddKey", NULL, own_key_blob(device));
    for (uint32_t at = 0; at < 3; at++) {
        add_certificate(device, captured_certificate(device, at), true);
    }
    add_own_certificate(device, 3);
    add_own_certificate(device, 4);
}

static void with_leaf(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    with_own_certificates(device);
}

static void with_tls_context(struct captures_device *device, const struct written *capture)
{
    with_leaf(device, capture);
    const char *envelope =
        captures_envelope(device, wsman_operation_action(WSMAN_CREATE), "AMT_TLSCredentialContext",
                          "1", NULL, TLS_CONTEXT("3"));
    device->has_trouble = captures_post(device, envelope) != 200 || device->has_trouble;
}

static void generate_key(struct captures_device *device)
{
    captures_call(device, "AMT_PublicKeyManagementService", "GenerateKeyPair", NULL,
                  "<p:KeyAlgorithm>0</p:KeyAlgorithm><p:KeyLength>2048</p:KeyLength>");
}

static void with_key_pairs(struct captures_device *device, const struct written *capture)
{
    const struct written *items = written_find(capture, "Items");
    generate_key(device);
    if (items != NULL) {
        generate_key(device);
    }
}

static void with_user(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    captures_call(device, "AMT_AuthorizationService", "AddUserAclEntryEx", NULL,
                  "<p:DigestUsername>operator</p:DigestUsername>"
                  "<p:DigestPassword>tnEEhfhuYXTMp0BFGN9W2g==</p:DigestPassword>"
                  "<p:AccessPermission>2</p:AccessPermission><p:Realms>5</p:Realms>");
}

static void with_alarm(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    captures_call(device, "AMT_AlarmClockService", "AddAlarm", NULL, ALARM);
}

static void with_three_proxies(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    for (int i = 0; i < 3; i++) {
        struct text body = { 0 };
        text_printf(
            &body,
            "<p:AccessInfo>proxy%d.example.com</p:AccessInfo><p:InfoFormat>201</p:InfoFormat>"
            "<p:Port>1080</p:Port><p:NetworkDnsSuffix>example.com</p:NetworkDnsSuffix>",
            i);
        captures_call(device, "IPS_HTTPProxyService", "AddProxyAccessPoint", NULL, body.chars);
        text_fini(&body);
    }
}

static void with_time(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    captures_call(device, "AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", NULL,
                  "<p:Ta0>1704586865</p:Ta0><p:Tm1>1704586865</p:Tm1><p:Tm2>1704586865</p:Tm2>");
}

/* Two records of what a user administrator does. */
static void with_audit(struct captures_device *device, const struct written *capture)
{
    with_user(device, capture);
    captures_call(device, "AMT_AuthorizationService", "RemoveUserAclEntry", NULL,
                  "<p:Handle>2</p:Handle>");
}

/* A reset, and what the machine tells while it starts. */
static void with_events(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    captures_call(device, "CIM_PowerManagementService", "RequestPowerStateChange", NULL,
                  "<p:PowerState>10</p:PowerState><p:ManagedElement>" MANAGED_SYSTEM
                  "</p:ManagedElement>");
    captures_wait(device, 60 * (uint64_t)US_PER_SECOND);
    captures_call(device, "AMT_MessageLog", "PositionToFirstRecord", NULL, "");
}

static void with_proxy(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    captures_call(device, "IPS_HTTPProxyService", "AddProxyAccessPoint", NULL, PROXY);
}

static void with_wireless(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    captures_call(device, "AMT_WiFiPortConfigurationService", "AddWiFiSettings", NULL,
                  "<p:WiFiEndpoint>" WIFI_ENDPOINT "</p:WiFiEndpoint>" WIFI_SETTINGS("net"));
}

/* A wireless profile with 802.1X by a client certificate, as the captured settings say. */
static void with_wireless_8021x(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    with_own_certificates(device);
    captures_call(device, "AMT_WiFiPortConfigurationService", "AddWiFiSettings", NULL,
                  "<p:WiFiEndpoint>" WIFI_ENDPOINT "</p:WiFiEndpoint>"
                  "<p:WiFiEndpointSettingsInput xmlns:q=\"" WSMAN_NS_CIM
                  "CIM_WiFiEndpointSettings\"><q:ElementName>Wifi8021xTLS</q:ElementName>"
                  "<q:InstanceID>Intel(r) AMT:WiFi Endpoint Settings Wifi8021xTLS</q:InstanceID>"
                  "<q:AuthenticationMethod>7</q:AuthenticationMethod>"
                  "<q:EncryptionMethod>4</q:EncryptionMethod><q:SSID>net</q:SSID>"
                  "<q:Priority>1</q:Priority></p:WiFiEndpointSettingsInput>"
                  "<p:IEEE8021xSettingsInput xmlns:q=\"" WSMAN_NS_CIM "CIM_IEEE8021xSettings\">"
                  "<q:ElementName>Wifi8021xTLS</q:ElementName>"
                  "<q:InstanceID>Intel(r) AMT:IEEE 802.1x Settings Wifi8021xTLS</q:InstanceID>"
                  "<q:AuthenticationProtocol>0</q:AuthenticationProtocol>"
                  "<q:Username>iME$amt16$</q:Username></p:IEEE8021xSettingsInput>"
                  "<p:ClientCredential>" CERTIFICATE("3") "</p:ClientCredential>");
}

static void put_settings(struct captures_device *device, const char *class_name, const char *inner)
{
    struct text body = { 0 };
    text_printf(&body, "<p:%s>%s</p:%s>", class_name, inner, class_name);
    assert_int_equal(
        captures_post(device, captures_envelope(device, wsman_operation_action(WSMAN_PUT),
                                                class_name, "1", NULL, body.chars)),
        200);
    text_fini(&body);
}

static void with_detection_strings(struct captures_device *device, const struct written *capture)
{
    struct text inner = { 0 };
    text_puts(&inner, "<p:DetectionAlgorithm>0</p:DetectionAlgorithm>");
    const struct written *string = written_find(capture, "DetectionStrings");
    for (; string != NULL && strcmp(written_local(string), "DetectionStrings") == 0;
         string = string->next) {
        text_printf(&inner, "<p:DetectionStrings>%s</p:DetectionStrings>", string->text);
    }
    text_puts(&inner, "<p:ElementName>Intel(r) AMT Environment Detection Settings</p:ElementName>"
                      "<p:InstanceID>Intel(r) AMT Environment Detection Settings</p:InstanceID>");
    put_settings(device, "AMT_EnvironmentDetectionSettingData", inner.chars);
    text_fini(&inner);
}

static void with_user_initiated(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    captures_call(device, "AMT_UserInitiatedConnectionService", "RequestStateChange", NULL,
                  "<p:RequestedState>32771</p:RequestedState>");
}

static void without_consent(struct captures_device *device, const struct written *capture)
{
    (void)capture;
    put_settings(device, "IPS_OptInService",
                 "<p:CanModifyOptInPolicy>1</p:CanModifyOptInPolicy>"
                 "<p:CreationClassName>IPS_OptInService</p:CreationClassName>"
                 "<p:ElementName>Intel(r) AMT OptIn Service</p:ElementName>"
                 "<p:Name>Intel(r) AMT OptIn Service</p:Name>"
                 "<p:OptInCodeTimeout>120</p:OptInCodeTimeout>"
                 "<p:OptInDisplayTimeout>300</p:OptInDisplayTimeout>"
                 "<p:OptInRequired>0</p:OptInRequired><p:OptInState>0</p:OptInState>"
                 "<p:SystemCreationClassName>CIM_ComputerSystem</p:SystemCreationClassName>"
                 "<p:SystemName>Intel(r) AMT</p:SystemName>");
}

static const struct captures_case k_cases[] = {
    { .file = "AMT_AlarmClockService/AddAlarm.xml", .body = ALARM },
    { .file = "AMT_AuditLog/ReadRecords.xml",
      .prepare = with_audit,
      .body = "<p:StartIndex>1</p:StartIndex>" },
    { .file = "AMT_AuditLog/", .prepare = with_audit },
    { .file = "AMT_AuthorizationService/EnumerateUserAclEntries.xml",
      .prepare = with_user,
      .body = "<p:StartIndex>1</p:StartIndex>" },
    { .file = "AMT_AuthorizationService/GetAclEnabledState.xml", .body = "<p:Handle>1</p:Handle>" },
    { .file = "AMT_AuthorizationService/GetUserAclEntryEx.xml", .body = "<p:Handle>1</p:Handle>" },
    { .file = "AMT_AuthorizationService/RemoveUserAclEntry.xml",
      .prepare = with_user,
      .body = "<p:Handle>2</p:Handle>" },
    { .file = "AMT_AuthorizationService/SetAclEnabledState.xml",
      .body = "<p:Handle>1</p:Handle><p:Enabled>true</p:Enabled>" },
    { .file = "AMT_AuthorizationService/SetAdminAclEntryEx.xml",
      .body = "<p:Username>admin</p:Username>"
              "<p:DigestPassword>tnEEhfhuYXTMp0BFGN9W2g==</p:DigestPassword>" },
    { .file = "AMT_EnvironmentDetectionSettingData/get.xml", .prepare = with_detection_strings },
    { .file = "AMT_EnvironmentDetectionSettingData/pull.xml", .prepare = with_detection_strings },
    { .file = "AMT_MPSUsernamePassword/put.xml",
      .prepare = with_mps,
      .is_made = true,
      .body = "<p:AMT_MPSUsernamePassword><p:InstanceID>Intel(r) AMT:MPS Username Password 0"
              "</p:InstanceID><p:RemoteID>test</p:RemoteID><p:Secret>P@ssw0rd2</p:Secret>"
              "</p:AMT_MPSUsernamePassword>" },
    { .file = "AMT_MPSUsernamePassword/", .prepare = with_mps, .is_made = true },
    { .file = "AMT_ManagementPresenceRemoteSAP/delete.xml",
      .prepare = with_mps,
      .is_made = true,
      .selectors = SELECTOR("Name", "Intel(r) AMT:Management Presence Server 0") },
    { .file = "AMT_ManagementPresenceRemoteSAP/", .prepare = with_mps, .is_made = true },
    { .file = "AMT_MessageLog/GetRecords.xml",
      .prepare = with_events,
      .body = "<p:IterationIdentifier>1</p:IterationIdentifier>"
              "<p:MaxReadRecords>390</p:MaxReadRecords>" },
    { .file = "AMT_PublicKeyCertificate/delete.xml",
      .prepare = with_one_certificate,
      .selectors = SELECTOR("InstanceID", "Intel(r) AMT Certificate: Handle: 0") },
    { .file = "AMT_PublicKeyCertificate/enumerate.xml", .prepare = with_one_certificate },
    { .file = "AMT_PublicKeyCertificate/", .prepare = with_certificates },
    { .file = "AMT_PublicKeyManagementService/AddCertificate.xml",
      .prepare = with_one_certificate,
      .make_body = second_certificate },
    { .file = "AMT_PublicKeyManagementService/AddKey.xml",
      .prepare = with_key_pairs,
      .make_body = own_key_blob },
    { .file = "AMT_PublicKeyManagementService/AddTrustedRootCertificate.xml",
      .prepare = with_two_certificates,
      .make_body = third_certificate },
    { .file = "AMT_PublicKeyManagementService/GenerateKeyPair.xml",
      .body = "<p:KeyAlgorithm>0</p:KeyAlgorithm><p:KeyLength>2048</p:KeyLength>" },
    { .file = "AMT_PublicPrivateKeyPair/delete.xml",
      .prepare = with_key_pairs,
      .selectors = SELECTOR("InstanceID", "Intel(r) AMT Key: Handle: 0") },
    { .file = "AMT_PublicPrivateKeyPair/", .prepare = with_key_pairs },
    { .file = "AMT_RedirectionService/RequestStateChange.xml",
      .body = "<p:RequestedState>32771</p:RequestedState>" },
    { .file = "AMT_RemoteAccessPolicyAppliesToMPS/put.xml",
      .prepare = with_policy,
      .is_made = true,
      .body = APPLIES("2") },
    { .file = "AMT_RemoteAccessPolicyAppliesToMPS/get.xml",
      .prepare = with_policy_for_both,
      .is_made = true },
    { .file = "AMT_RemoteAccessPolicyAppliesToMPS/", .prepare = with_policy, .is_made = true },
    { .file = "AMT_RemoteAccessPolicyRule/delete.xml",
      .prepare = with_policy,
      .is_made = true,
      .selectors = SELECTOR("PolicyRuleName", "Periodic") },
    { .file = "AMT_RemoteAccessPolicyRule/", .prepare = with_policy, .is_made = true },
    { .file = "AMT_RemoteAccessService/AddMpServer.xml", .body = MPS("192.168.0.208", "3") },
    { .file = "AMT_RemoteAccessService/AddRemoteAccessPolicyRule.xml",
      .prepare = with_mps,
      .is_made = true,
      .body = POLICY },
    { .file = "AMT_SetupAndConfigurationService/SetMEBxPassword.xml",
      .body = "<p:Password>P@ssw0rd1</p:Password>" },
    { .file = "AMT_TLSCredentialContext/create.xml",
      .prepare = with_leaf,
      .body = TLS_CONTEXT("3") },
    { .file = "AMT_TLSCredentialContext/", .prepare = with_tls_context },
    { .file = "AMT_TimeSynchronizationService/GetLowAccuracyTimeSynch.xml", .prepare = with_time },
    { .file = "AMT_TimeSynchronizationService/SetHighAccuracyTimeSynch.xml",
      .body = "<p:Ta0>1704586865</p:Ta0><p:Tm1>1704586866</p:Tm1><p:Tm2>1704586866</p:Tm2>" },
    { .file = "AMT_UserInitiatedConnectionService/RequestStateChange.xml",
      .body = "<p:RequestedState>32771</p:RequestedState>" },
    { .file = "AMT_UserInitiatedConnectionService/", .prepare = with_user_initiated },
    { .file = "AMT_WiFiPortConfigurationService/AddWiFiSettings.xml",
      .body = "<p:WiFiEndpoint>" WIFI_ENDPOINT "</p:WiFiEndpoint>" WIFI_SETTINGS("net") },
    { .file = "AMT_WiFiPortConfigurationService/UpdateWiFiSettings.xml",
      .prepare = with_wireless,
      .body = "<p:WiFiEndpointSettings>" EPR(
          WSMAN_NS_CIM "CIM_WiFiEndpointSettings",
          SELECTOR("InstanceID", "Intel(r) AMT:WiFi Endpoint Settings home")) "</"
                                                                              "p:"
                                                                              "WiFiEndpointSettings"
                                                                              ">" WIFI_SETTINGS(
                                                                                  "other") },
    { .file = "CIM_BootService/RequestStateChange.xml",
      .body = "<p:RequestedState>32769</p:RequestedState>" },
    { .file = "CIM_IEEE8021xSettings/pull.xml", .prepare = with_wireless_8021x },
    { .file = "CIM_PowerManagementService/RequestPowerStateChange.xml",
      .body = "<p:PowerState>10</p:PowerState><p:ManagedElement>" MANAGED_SYSTEM
              "</p:ManagedElement>" },
    { .file = "CIM_WiFiPort/RequestStateChange.xml",
      .body = "<p:RequestedState>32769</p:RequestedState>" },
    { .file = "IPS_AlarmClockOccurrence/delete.xml",
      .prepare = with_alarm,
      .selectors = SELECTOR("InstanceID", "Alarm 1") },
    { .file = "IPS_HTTPProxyService/AddProxyAccessPoint.2058.xml",
      .prepare = with_proxy,
      .body = PROXY },
    { .file = "IPS_HTTPProxyService/AddProxyAccessPoint.xml",
      .prepare = with_three_proxies,
      .body = PROXY },
    { .file = "IPS_OptInService/SendOptInCode.xml",
      .prepare = without_consent,
      .body = "<p:OptInCode>123456</p:OptInCode>" },
    { .file = "IPS_OptInService/", .prepare = without_consent },
    { .file = "IPS_PowerManagementService/RequestOSPowerSavingStateChange.xml",
      .body = "<p:OSPowerSavingState>2</p:OSPowerSavingState><p:ManagedElement>" MANAGED_SYSTEM
              "</p:ManagedElement>" },
};

const struct captures_case *captures_case_of(const char *file)
{
    const struct captures_case *best = NULL;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        size_t len = strlen(k_cases[i].file);
        if (strncmp(k_cases[i].file, file, len) == 0 &&
            (best == NULL || len > strlen(best->file))) {
            best = &k_cases[i];
        }
    }
    return best;
}

const char *captures_settings(const char *file)
{
    if (strcmp(file, "CIM_BootService/RequestStateChange.xml") == 0) {
        return "version: 16.1.25.2124\n" /* one-click recovery can be switched */
               "instances:\n"
               "  AMT_BootCapabilities:\n"
               "  - {ElementName: 'Intel(r) AMT: Boot Capabilities', ForceUEFIHTTPSBoot: true,\n"
               "     InstanceID: 'Intel(r) AMT:BootCapabilities 0'}\n";
    }
    if (strncmp(file, "AMT_PublicPrivateKeyPair/", 25) == 0) {
        return "version: 12.0.67.1579\nder_key: pkcs1\n";
    }
    return "version: 12.0.67.1579\n"; /* as CIM_SoftwareIdentity was captured */
}
