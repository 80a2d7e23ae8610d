/*
 * CIRA set up over HTTP as management servers do it (wsman.md 6.2, 6.5), and the answers byte for byte as
 * devices give them (WSM-108: shared captures of remote access).
 */
#include <stdlib.h>
#include <string.h>

#include "base/unit.h"
#include "protocol/wsman/names.h"
#include "simulator/firmware/tests/pc.h"

#define SAP     "AMT_ManagementPresenceRemoteSAP"
#define RULE    "AMT_RemoteAccessPolicyRule"
#define LINK    "AMT_RemoteAccessPolicyAppliesToMPS"
#define SERVICE "AMT_RemoteAccessService"
#define DOMAINS "AMT_EnvironmentDetectionSettingData"

/* An EPR as clients of MeshCentral send it: any Address, some of the selectors. */
#define MPS_EPR                                                               \
    "<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing</a:Address>" \
    "<a:ReferenceParameters><w:ResourceURI>" WSMAN_NS_AMT SAP                 \
    "</w:ResourceURI><w:SelectorSet><w:Selector Name=\"Name\">"               \
    "Intel(r) AMT:Management Presence Server 0</w:Selector></w:SelectorSet>"  \
    "</a:ReferenceParameters>"
#define RULE_EPR(name)                                                                      \
    "<a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>" WSMAN_NS_AMT RULE \
    "</w:ResourceURI><w:SelectorSet><w:Selector Name=\"PolicyRuleName\">" name              \
    "</w:Selector></w:SelectorSet></a:ReferenceParameters>"

/* References as devices write them (captured). */
#define DEVICE_EPR(class_name, key, value)                                                      \
    "<b:Address>" WSMAN_ANONYMOUS                                                               \
    "</b:Address><b:ReferenceParameters><c:ResourceURI>" WSMAN_NS_AMT class_name                \
    "</c:ResourceURI><c:SelectorSet>"                                                           \
    "<c:Selector Name=\"CreationClassName\">" class_name "</c:Selector><c:Selector Name=\"" key \
    "\">" value "</c:Selector><c:Selector Name=\"SystemCreationClassName\">CIM_ComputerSystem"  \
    "</c:Selector><c:Selector Name=\"SystemName\">Intel(r) AMT</c:Selector></c:SelectorSet>"    \
    "</b:ReferenceParameters>"
#define DEVICE_MPS  DEVICE_EPR(SAP, "Name", "Intel(r) AMT:Management Presence Server 0")
#define DEVICE_RULE DEVICE_EPR(RULE, "PolicyRuleName", "Periodic")
#define NO_EPR                                                                             \
    "<b:Address>default</b:Address><b:ReferenceParameters><c:ResourceURI></c:ResourceURI>" \
    "<c:SelectorSet></c:SelectorSet></b:ReferenceParameters>"

#define ADD_MPS                                                                        \
    "<r:AccessInfo>192.168.0.208</r:AccessInfo><r:InfoFormat>3</r:InfoFormat>"         \
    "<r:Port>4433</r:Port><r:AuthMethod>2</r:AuthMethod><r:Username>test</r:Username>" \
    "<r:Password>P@ssw0rd</r:Password><r:CN>192.168.0.208</r:CN>"
#define ADD_PERIODIC                                                 \
    "<r:Trigger>2</r:Trigger><r:TunnelLifeTime>0</r:TunnelLifeTime>" \
    "<r:ExtendedData>AAAAAAAAABk=</r:ExtendedData><r:MpServer>" MPS_EPR "</r:MpServer>"

/* The Body of the last answer is exactly this. */
static void expect_body(struct pc *pc, const char *wanted)
{
    const char *body = strstr(text_chars(&pc->body), "<a:Body>");
    assert_int_equal(pc->status, 200);
    assert_non_null(body);
    const char *end = strstr(body, "</a:Body></a:Envelope>");
    assert_non_null(end);
    body += strlen("<a:Body>");
    if ((size_t)(end - body) != strlen(wanted) || strncmp(body, wanted, strlen(wanted)) != 0) {
        print_message("is     %.*s\nwanted %s\n", (int)(end - body), body, wanted);
        fail();
    }
}

static void add_mps(struct pc *pc)
{
    assert_int_equal(pc_call(pc, SERVICE, "AddMpServer", NULL, ADD_MPS), 0);
}

static void add_periodic(struct pc *pc)
{
    assert_int_equal(pc_call(pc, SERVICE, "AddRemoteAccessPolicyRule", NULL, ADD_PERIODIC), 0);
}

/* A Put with nested references as selectors, as rps and rpc-go send it. */
static void put_link(struct pc *pc, const char *rule_epr, const char *type)
{
    struct text out = { 0 };
    text_printf(&out,
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope xmlns=\"%s\" xmlns:a=\"%s\" "
                "xmlns:w=\"%s\" xmlns:r=\"%s%s\"><Header><a:Action>%s</a:Action><a:To>/wsman</a:To>"
                "<w:ResourceURI>%s%s</w:ResourceURI><a:MessageID>7</a:MessageID><a:ReplyTo>"
                "<a:Address>%s</a:Address></a:ReplyTo><w:SelectorSet>"
                "<w:Selector Name=\"ManagedElement\"><a:EndpointReference>%s</a:EndpointReference>"
                "</w:Selector><w:Selector Name=\"PolicySet\"><a:EndpointReference>%s"
                "</a:EndpointReference></w:Selector></w:SelectorSet></Header><Body>",
                WSMAN_NS_SOAP, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN, WSMAN_NS_AMT, LINK,
                wsman_operation_action(WSMAN_PUT), WSMAN_NS_AMT, LINK, WSMAN_ANONYMOUS, MPS_EPR,
                rule_epr);
    text_printf(&out,
                "<r:%s><r:ManagedElement>%s</r:ManagedElement><r:MpsType>%s</r:MpsType>"
                "<r:OrderOfAccess>0</r:OrderOfAccess><r:PolicySet>%s</r:PolicySet></r:%s></Body>"
                "</Envelope>",
                LINK, MPS_EPR, type, rule_epr, LINK);
    pc_post(pc, text_chars(&out));
    text_fini(&out);
}

/* WSM-108 */
static void servers_and_policies_answer_as_captured(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    add_mps(&pc);
    expect_body(&pc, "<g:AddMpServer_OUTPUT><g:MpServer>" DEVICE_MPS
                     "</g:MpServer><g:ReturnValue>0</g:ReturnValue></g:AddMpServer_OUTPUT>");
    add_periodic(&pc);
    expect_body(&pc, "<g:AddRemoteAccessPolicyRule_OUTPUT><g:PolicyRule>" DEVICE_RULE
                     "</g:PolicyRule><g:ReturnValue>0</g:ReturnValue>"
                     "</g:AddRemoteAccessPolicyRule_OUTPUT>");
    (void)pc_get(&pc, SAP, NULL);
    expect_body(&pc, "<g:" SAP "><g:AccessInfo>192.168.0.208</g:AccessInfo>"
                     "<g:CN>192.168.0.208</g:CN><g:CreationClassName>" SAP
                     "</g:CreationClassName><g:ElementName>Intel(r) AMT:Management Presence Server"
                     "</g:ElementName><g:InfoFormat>3</g:InfoFormat>"
                     "<g:Name>Intel(r) AMT:Management Presence Server 0</g:Name>"
                     "<g:Port>4433</g:Port>"
                     "<g:SystemCreationClassName>CIM_ComputerSystem</g:SystemCreationClassName>"
                     "<g:SystemName>Intel(r) AMT</g:SystemName></g:" SAP ">");
    (void)pc_get(&pc, RULE, "PolicyRuleName=Periodic");
    expect_body(&pc, "<g:" RULE "><g:CreationClassName>" RULE "</g:CreationClassName>"
                     "<g:ElementName>Inte(r) AMT:Remote Access Policy</g:ElementName>"
                     "<g:ExtendedData>AAAAAAAAABk=</g:ExtendedData>"
                     "<g:PolicyRuleName>Periodic</g:PolicyRuleName>"
                     "<g:SystemCreationClassName>CIM_ComputerSystem</g:SystemCreationClassName>"
                     "<g:SystemName>Intel(r) AMT</g:SystemName><g:Trigger>2</g:Trigger>"
                     "<g:TunnelLifeTime>0</g:TunnelLifeTime></g:" RULE ">");
    (void)pc_get(&pc, "AMT_MPSUsernamePassword", NULL);
    expect_body(&pc, "<g:AMT_MPSUsernamePassword>"
                     "<g:InstanceID>Intel(r) AMT:MPS Username Password 0</g:InstanceID>"
                     "<g:RemoteID>test</g:RemoteID></g:AMT_MPSUsernamePassword>");
    pc_close(&pc);
}

/* WSM-051 WSM-083 */
static void the_association_answers_as_captured_and_its_put_is_empty(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    add_mps(&pc);
    add_periodic(&pc);
    put_link(&pc, RULE_EPR("Periodic"), "2");
    expect_body(&pc, "");
    (void)pc_get(&pc, LINK, NULL);
    expect_body(&pc, "<g:" LINK "><g:ManagedElement>" DEVICE_MPS
                     "</g:ManagedElement><g:MpsType>2</g:MpsType>"
                     "<g:OrderOfAccess>0</g:OrderOfAccess><g:PolicySet>" DEVICE_RULE
                     "</g:PolicySet></g:" LINK ">");
    put_link(&pc, RULE_EPR("Alert"), "2");
    assert_int_equal(pc.status, 400);
    pc_close(&pc);
}

/* WSM-051 */
static void the_login_is_changed_with_an_empty_answer(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    add_mps(&pc);
    (void)pc_wsman(&pc, "Put", "AMT_MPSUsernamePassword",
                   "InstanceID=Intel(r) AMT:MPS Username Password 0",
                   "<r:AMT_MPSUsernamePassword><r:InstanceID>Intel(r) AMT:MPS Username Password 0"
                   "</r:InstanceID><r:RemoteID>other</r:RemoteID><r:Secret>N3w!pass</r:Secret>"
                   "</r:AMT_MPSUsernamePassword>");
    expect_body(&pc, "");
    (void)pc_get(&pc, "AMT_MPSUsernamePassword", NULL);
    expect_body(&pc, "<g:AMT_MPSUsernamePassword>"
                     "<g:InstanceID>Intel(r) AMT:MPS Username Password 0</g:InstanceID>"
                     "<g:RemoteID>other</g:RemoteID></g:AMT_MPSUsernamePassword>");
    pc_close(&pc);
}

static void put_domain(struct pc *pc, const char *strings)
{
    struct text body = { 0 };
    text_printf(&body,
                "<r:" DOMAINS "><r:DetectionAlgorithm>0</r:DetectionAlgorithm>%s"
                "<r:ElementName>Intel(r) AMT Environment Detection Settings</r:ElementName>"
                "<r:InstanceID>Intel(r) AMT Environment Detection Settings</r:InstanceID>"
                "</r:" DOMAINS ">",
                strings);
    (void)pc_wsman(pc, "Put", DOMAINS, "InstanceID=Intel(r) AMT Environment Detection Settings",
                   text_chars(&body));
    text_fini(&body);
}

/* WSM-085 */
static void environment_detection_answers_as_captured_and_can_be_emptied(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    put_domain(&pc, "<r:DetectionStrings>2b14eacc-7f20-4a11-99bc-fdc6a162160b.com"
                    "</r:DetectionStrings>");
    expect_body(&pc, "<g:" DOMAINS "><g:DetectionAlgorithm>0</g:DetectionAlgorithm>"
                     "<g:DetectionStrings>2b14eacc-7f20-4a11-99bc-fdc6a162160b.com"
                     "</g:DetectionStrings>"
                     "<g:ElementName>Intel(r) AMT Environment Detection Settings</g:ElementName>"
                     "<g:InstanceID>Intel(r) AMT Environment Detection Settings</g:InstanceID>"
                     "</g:" DOMAINS ">");
    put_domain(&pc, "");
    expect_body(&pc, "<g:" DOMAINS "><g:DetectionAlgorithm>0</g:DetectionAlgorithm>"
                     "<g:ElementName>Intel(r) AMT Environment Detection Settings</g:ElementName>"
                     "<g:InstanceID>Intel(r) AMT Environment Detection Settings</g:InstanceID>"
                     "</g:" DOMAINS ">");
    put_domain(&pc, "<r:DetectionStrings>no domain</r:DetectionStrings>");
    assert_int_equal(pc.status, 400);
    pc_close(&pc);
}

static void a_device_is_born_without_servers_policies_and_domains(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_count(&pc, SAP), 0);
    assert_int_equal(pc_count(&pc, "AMT_MPSUsernamePassword"), 0);
    assert_int_equal(pc_count(&pc, "AMT_RemoteAccessCredentialContext"), 0);
    assert_int_equal(pc_count(&pc, RULE), 0);
    assert_int_equal(pc_count(&pc, LINK), 0);
    assert_int_equal(pc_count(&pc, "IPS_HTTPProxyAccessPoint"), 0); /* WSM-102 */
    assert_string_equal(pc_property(pc_get(&pc, DOMAINS, NULL), "DetectionStrings"), "");
    (void)pc_get(&pc, SERVICE, NULL);
    expect_body(&pc, "<g:" SERVICE "><g:CreationClassName>" SERVICE
                     "</g:CreationClassName><g:ElementName>Intel(r) AMT Remote Access Service"
                     "</g:ElementName><g:IsRemoteTunnelConnected>false</g:IsRemoteTunnelConnected>"
                     "<g:Name>Intel(r) AMT Remote Access Service</g:Name>"
                     "<g:RemoteTunnelKeepAliveTimeout>4294967295</g:RemoteTunnelKeepAliveTimeout>"
                     "<g:SystemCreationClassName>CIM_ComputerSystem</g:SystemCreationClassName>"
                     "<g:SystemName>Intel(r) AMT</g:SystemName></g:" SERVICE ">");
    pc_close(&pc);
}

static void a_missing_parameter_is_refused_and_a_wrong_one_has_the_empty_reference(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_call(&pc, SERVICE, "AddMpServer", NULL, "<r:Port>4433</r:Port>"), -1);
    assert_int_equal(pc.status, 400);
    add_mps(&pc);
    assert_int_equal(pc_call(&pc, SERVICE, "AddMpServer", NULL, ADD_MPS), 2058); /* WSM-080 */
    expect_body(&pc, "<g:AddMpServer_OUTPUT><g:MpServer>" NO_EPR
                     "</g:MpServer><g:ReturnValue>2058</g:ReturnValue></g:AddMpServer_OUTPUT>");
    pc_close(&pc);
}

/* wsman.md 6.5: what rps does before and during CIRA set-up; absent policies give 400; WSM-107 */
static void the_sequence_of_rps_ends_with_a_device_that_calls(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    (void)pc_wsman(&pc, "Delete", RULE, "PolicyRuleName=User Initiated", NULL);
    assert_int_equal(pc.status, 400); /* WSM-054 */
    add_mps(&pc);
    assert_int_equal(pc_count(&pc, SAP), 1);
    add_periodic(&pc);
    assert_int_equal(pc_call(&pc, SERVICE, "AddRemoteAccessPolicyRule", NULL,
                             "<r:Trigger>0</r:Trigger><r:TunnelLifeTime>300</r:TunnelLifeTime>"
                             "<r:ExtendedData></r:ExtendedData><r:MpServer>" MPS_EPR
                             "</r:MpServer>"),
                     0);
    assert_int_equal(pc_count(&pc, LINK), 2);
    put_link(&pc, RULE_EPR("Periodic"), "2");
    expect_body(&pc, "");
    put_link(&pc, RULE_EPR("User Initiated"), "2");
    expect_body(&pc, "");
    assert_int_equal(pc_call(&pc, "AMT_UserInitiatedConnectionService", "RequestStateChange", NULL,
                             "<r:RequestedState>32771</r:RequestedState>"),
                     0);
    put_domain(&pc, "<r:DetectionStrings>random.example</r:DetectionStrings>");
    assert_int_equal(pc.status, 200);
    /* and back: policies first, then the server (WSM-084) */
    (void)pc_wsman(&pc, "Delete", SAP, "Name=Intel(r) AMT:Management Presence Server 0", NULL);
    assert_int_equal(pc.status, 400);
    (void)pc_wsman(&pc, "Delete", RULE, "PolicyRuleName=User Initiated", NULL);
    expect_body(&pc, "");
    (void)pc_wsman(&pc, "Delete", RULE, "PolicyRuleName=Periodic", NULL);
    expect_body(&pc, "");
    (void)pc_wsman(&pc, "Delete", SAP, "Name=Intel(r) AMT:Management Presence Server 0", NULL);
    expect_body(&pc, "");
    assert_int_equal(pc_count(&pc, LINK), 0);
    assert_int_equal(pc_count(&pc, "AMT_RemoteAccessCredentialContext"), 0);
    pc_close(&pc);
}

static int set_defense(struct pc *pc, const char *policy)
{
    struct text in = { 0 };
    text_printf(
        &in,
        "<r:Policy><a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>" WSMAN_NS_AMT
        "AMT_SystemDefensePolicy</w:ResourceURI><w:SelectorSet>"
        "<w:Selector Name=\"InstanceID\">%s</w:Selector></w:SelectorSet>"
        "</a:ReferenceParameters></r:Policy>",
        policy);
    int status = pc_call(pc, DOMAINS, "SetSystemDefensePolicy", NULL,
                         policy[0] == '\0' ? "" : text_chars(&in));
    text_fini(&in);
    return status;
}

static void a_defense_policy_can_be_set_for_the_outside(void **state)
{
    char id[80];
    struct pc pc;
    (void)state;
    pc_open(&pc);
    const struct xml_node *made =
        pc_wsman(&pc, "Create", "AMT_SystemDefensePolicy", NULL,
                 "<r:AMT_SystemDefensePolicy>"
                 "<r:InstanceID>new</r:InstanceID><r:PolicyName>guard</r:PolicyName>"
                 "<r:PolicyPrecedence>1</r:PolicyPrecedence>"
                 "<r:RxDefaultCount>false</r:RxDefaultCount>"
                 "<r:RxDefaultDrop>false</r:RxDefaultDrop>"
                 "<r:RxDefaultMatchEvent>false</r:RxDefaultMatchEvent>"
                 "<r:TxDefaultCount>false</r:TxDefaultCount>"
                 "<r:TxDefaultDrop>false</r:TxDefaultDrop>"
                 "<r:TxDefaultMatchEvent>false</r:TxDefaultMatchEvent>"
                 "</r:AMT_SystemDefensePolicy>");
    assert_non_null(made);
    if (pc.status != 200) {
        print_message("%s\n", text_chars(&pc.body));
    }
    assert_int_equal(pc.status, 200);
    const char *value = pc_property(pc_get(&pc, "AMT_SystemDefensePolicy", NULL), "InstanceID");
    assert_true(strlen(value) > 0 && strlen(value) < sizeof id);
    memcpy(id, value, strlen(value) + 1);
    assert_int_equal(pc_count(&pc, "AMT_EnvironmentDetectionInterfacePolicy"), 0);
    assert_int_equal(set_defense(&pc, "no such policy"), 36);
    assert_int_equal(set_defense(&pc, id), 0);
    assert_int_equal(pc_count(&pc, "AMT_EnvironmentDetectionInterfacePolicy"), 1);
    assert_non_null(strstr(text_chars(&pc.body), id));
    assert_int_equal(set_defense(&pc, ""), 0);
    assert_int_equal(pc_count(&pc, "AMT_EnvironmentDetectionInterfacePolicy"), 0);
    assert_int_equal(pc_call(&pc, DOMAINS, "EnableVpnRouting", NULL, "<r:Enable>true</r:Enable>"),
                     0);
    pc_close(&pc);
}

#define ADD_PROXY                                                                    \
    "<r:AccessInfo>proxy.example.com</r:AccessInfo><r:InfoFormat>201</r:InfoFormat>" \
    "<r:Port>1080</r:Port><r:NetworkDnsSuffix>example.com</r:NetworkDnsSuffix>"

/* WSM-105 */
static void proxies_answer_as_captured(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_call(&pc, "IPS_HTTPProxyService", "AddProxyAccessPoint", NULL, ADD_PROXY),
                     0);
    assert_int_equal(pc_call(&pc, "IPS_HTTPProxyService", "AddProxyAccessPoint", NULL, ADD_PROXY),
                     2058);
    expect_body(&pc, "<g:AddProxyAccessPoint_OUTPUT><g:ProxyAccessPoint>" NO_EPR
                     "</g:ProxyAccessPoint><g:ReturnValue>2058</g:ReturnValue>"
                     "</g:AddProxyAccessPoint_OUTPUT>");
    const struct xml_node *proxy = pc_get(&pc, "IPS_HTTPProxyAccessPoint", NULL);
    assert_string_equal(pc_property(proxy, "NetworkDnsSuffix"), "example.com");
    assert_string_equal(pc_property(proxy, "Name"), "Intel(r) ME:HTTP Proxy Access Point 0");
    (void)pc_wsman(&pc, "Delete", "IPS_HTTPProxyAccessPoint",
                   "Name=Intel(r) ME:HTTP Proxy Access Point 0", NULL);
    expect_body(&pc, "");
    assert_int_equal(pc_count(&pc, "IPS_HTTPProxyAccessPoint"), 0);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_and_policies_answer_as_captured),
        cmocka_unit_test(the_association_answers_as_captured_and_its_put_is_empty),
        cmocka_unit_test(the_login_is_changed_with_an_empty_answer),
        cmocka_unit_test(environment_detection_answers_as_captured_and_can_be_emptied),
        cmocka_unit_test(a_device_is_born_without_servers_policies_and_domains),
        cmocka_unit_test(a_missing_parameter_is_refused_and_a_wrong_one_has_the_empty_reference),
        cmocka_unit_test(the_sequence_of_rps_ends_with_a_device_that_calls),
        cmocka_unit_test(a_defense_policy_can_be_set_for_the_outside),
        cmocka_unit_test(proxies_answer_as_captured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
