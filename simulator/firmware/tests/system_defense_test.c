/* Filters, policies and the ports they are on: wsman.md 4.22. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wsman/names.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/system_defense.h"
#include "simulator/firmware/tests/pc.h"

#define POLICY  "AMT_SystemDefensePolicy"
#define BINDING "AMT_NetworkPortSystemDefensePolicy"

/* A Create; the number in the reference that comes back, 0 when it is refused. */
static unsigned create(struct pc *pc, const char *class_name, const char *inner)
{
    struct text body = { 0 };
    unsigned handle = 0;
    text_printf(&body, "<r:%s>%s</r:%s>", class_name, inner, class_name);
    (void)pc_wsman(pc, "Create", class_name, NULL, text_chars(&body));
    text_fini(&body);
    const char *at = pc->status != 200 ? NULL : strstr(text_chars(&pc->body), "System Defense ");
    at = at == NULL ? NULL : strpbrk(at, "0123456789");
    for (; at != NULL && *at >= '0' && *at <= '9'; at++) {
        handle = handle * 10 + (unsigned)(*at - '0');
    }
    return handle;
}

#define FILTER(extra)                                                                           \
    "<r:ActionEventOnMatch>true</r:ActionEventOnMatch><r:FilterDirection>1</r:FilterDirection>" \
    "<r:Name>icmp</r:Name>" extra
#define IP_FILTER                                                                   \
    FILTER("<r:FilterProfile>4</r:FilterProfile><r:HdrIPVersion>4</r:HdrIPVersion>" \
           "<r:HdrProtocolID>1</r:HdrProtocolID>")
#define ARP_FILTER                                         \
    FILTER("<r:FilterProfile>2</r:FilterProfile>"          \
           "<r:FilterProfileData>10</r:FilterProfileData>" \
           "<r:HdrProtocolID8021>2054</r:HdrProtocolID8021>")

static unsigned add_policy(struct pc *pc, const char *name, const char *handles)
{
    struct text inner = { 0 };
    text_printf(&inner,
                "%s<r:PolicyName>%s</r:PolicyName><r:PolicyPrecedence>1</r:PolicyPrecedence>"
                "<r:RxDefaultCount>false</r:RxDefaultCount><r:RxDefaultDrop>true</r:RxDefaultDrop>"
                "<r:RxDefaultMatchEvent>false</r:RxDefaultMatchEvent>"
                "<r:TxDefaultCount>false</r:TxDefaultCount><r:TxDefaultDrop>false</r:TxDefaultDrop>"
                "<r:TxDefaultMatchEvent>false</r:TxDefaultMatchEvent>",
                handles, name);
    unsigned handle = create(pc, POLICY, text_chars(&inner));
    text_fini(&inner);
    return handle;
}

#define PORT(device)                                                                       \
    "<a:Address>default</a:Address><a:ReferenceParameters><w:ResourceURI>" WSMAN_NS_CIM    \
    "CIM_EthernetPort</w:ResourceURI><w:SelectorSet><w:Selector Name=\"DeviceID\">" device \
    "</w:Selector></w:SelectorSet></a:ReferenceParameters>"

static unsigned bind_policy(struct pc *pc, const char *device, unsigned policy)
{
    struct text inner = { 0 };
    text_printf(&inner,
                "<r:Antecedent><a:Address>default</a:Address><a:ReferenceParameters>"
                "<w:ResourceURI>" WSMAN_NS_CIM "CIM_EthernetPort</w:ResourceURI><w:SelectorSet>"
                "<w:Selector Name=\"DeviceID\">%s</w:Selector></w:SelectorSet>"
                "</a:ReferenceParameters></r:Antecedent><r:Dependent><a:Address>default</a:Address>"
                "<a:ReferenceParameters><w:ResourceURI>" WSMAN_NS_AMT POLICY "</w:ResourceURI>"
                "<w:SelectorSet><w:Selector Name=\"InstanceID\">Intel(r) AMT System Defense Policy "
                "%u</w:Selector></w:SelectorSet></a:ReferenceParameters></r:Dependent>"
                "<r:Enabled>true</r:Enabled>",
                device, policy);
    unsigned handle = create(pc, BINDING, text_chars(&inner));
    text_fini(&inner);
    return handle;
}

#define WIRED "Intel(r) AMT Ethernet Port 0"

static void delete_one(struct pc *pc, const char *class_name, const char *kind, unsigned handle)
{
    char selector[96];
    (void)snprintf(selector, sizeof selector, "InstanceID=Intel(r) AMT System Defense %s %u", kind,
                   handle);
    (void)pc_wsman(pc, "Delete", class_name, selector, NULL);
}

/* Filters first, then a policy that lists them, then the port (MeshCommander). */
static void test_from_filter_to_port(void **state)
{
    (void)state;
    struct pc pc;
    char handles[160];
    pc_open(&pc);
    unsigned ip = create(&pc, "AMT_IPHeadersFilter", IP_FILTER);
    unsigned arp = create(&pc, "AMT_Hdr8021Filter", ARP_FILTER);
    assert_true(ip > 0 && arp > ip);
    (void)snprintf(handles, sizeof handles,
                   "<r:FilterCreationHandles>%u</r:FilterCreationHandles>"
                   "<r:FilterCreationHandles>%u</r:FilterCreationHandles>",
                   ip, arp);
    unsigned policy = add_policy(&pc, "quarantine", handles);
    assert_true(policy > arp);
    assert_int_equal(bind_policy(&pc, WIRED, policy), policy);
    assert_int_equal(bind_policy(&pc, WIRED, policy), 0);
    assert_string_equal(pc_fault(&pc), "AlreadyExists");
    assert_int_equal(pc_count(&pc, BINDING), 1);
    assert_int_equal(pc_count(&pc, "AMT_ActiveFilterStatistics"), 2);
    assert_int_equal(pc_count(&pc, "AMT_FilterInSystemDefensePolicy"), 2);
    assert_int_equal(pc_count(&pc, "AMT_ComplexFilterEntryBase"), 2); /* the abstract base */
    /* what is used stays */
    delete_one(&pc, "AMT_IPHeadersFilter", "Filter", ip);
    assert_int_equal(pc.status, 400);
    delete_one(&pc, POLICY, "Policy", policy);
    assert_int_equal(pc.status, 400);
    (void)pc_wsman(&pc, "Delete", BINDING, NULL, NULL);
    assert_int_equal(pc.status, 200);
    delete_one(&pc, POLICY, "Policy", policy);
    assert_int_equal(pc.status, 200);
    delete_one(&pc, "AMT_IPHeadersFilter", "Filter", ip);
    assert_int_equal(pc.status, 200);
    delete_one(&pc, "AMT_Hdr8021Filter", "Filter", arp);
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, "AMT_ComplexFilterEntryBase"), 0);
    pc_close(&pc);
}

static void test_refusals(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    assert_int_equal(create(&pc, "AMT_IPHeadersFilter",
                            FILTER("<r:FilterProfile>4</r:FilterProfile>"
                                   "<r:HdrIPVersion>5</r:HdrIPVersion>")),
                     0);
    assert_int_equal(create(&pc, "AMT_Hdr8021Filter",
                            FILTER("<r:FilterProfile>4</r:FilterProfile>"
                                   "<r:HdrProtocolID8021>2055</r:HdrProtocolID8021>")),
                     0);
    assert_int_equal(create(&pc, "AMT_IPHeadersFilter",
                            FILTER("<r:FilterProfile>2</r:FilterProfile>"
                                   "<r:HdrIPVersion>4</r:HdrIPVersion>")),
                     0); /* which rate? */
    assert_int_equal(add_policy(&pc, "a", "<r:FilterCreationHandles>9</r:FilterCreationHandles>"),
                     0);
    assert_int_equal(add_policy(&pc, "a name of 17 char", ""), 0);
    unsigned policy = add_policy(&pc, "a", "");
    assert_true(policy > 0);
    assert_int_equal(add_policy(&pc, "a", ""), 0);
    assert_string_equal(pc_fault(&pc), "AlreadyExists");
    assert_int_equal(bind_policy(&pc, "Intel(r) AMT Ethernet Port 9", policy), 0);
    assert_int_equal(bind_policy(&pc, WIRED, policy + 1), 0);
    for (int i = 0; i < 32; i++) {
        assert_true(create(&pc, "AMT_IPHeadersFilter", IP_FILTER) > 0);
    }
    assert_int_equal(create(&pc, "AMT_IPHeadersFilter", IP_FILTER), 0);
    assert_string_equal(pc_fault(&pc), "QuotaLimit");
    pc_close(&pc);
}

static void test_policy_methods(void **state)
{
    (void)state;
    struct pc pc;
    pc_open(&pc);
    unsigned policy = add_policy(&pc, "a", "");
    assert_true(policy > 0);
    assert_int_equal(pc_call(&pc, POLICY, "SetTimeout", NULL, "<r:Timeout>60</r:Timeout>"), 0);
    assert_int_equal(pc_call(&pc, POLICY, "GetTimeout", NULL, NULL), 0);
    assert_non_null(strstr(text_chars(&pc.body), ":Timeout>60<"));
    assert_int_equal(
        pc_call(&pc, POLICY, "UpdateStatistics", NULL,
                "<r:NetworkInterface>" PORT(WIRED) "</r:NetworkInterface>"
                                                   "<r:ResetOnRead>true</r:ResetOnRead>"),
        0);
    assert_int_equal(
        pc_call(&pc, POLICY, "UpdateStatistics", NULL,
                "<r:NetworkInterface>" PORT("none") "</r:NetworkInterface>"
                                                    "<r:ResetOnRead>true</r:ResetOnRead>"),
        PT_INVALID_PARAMETER);
    pc_close(&pc);
}

/* wsman.md 5.2: not available in Client Control Mode. */
static void test_client_control_mode(void **state)
{
    (void)state;
    struct pc pc;
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_CLIENT_CONTROL;
    pc_start(&pc);
    assert_int_equal(create(&pc, "AMT_IPHeadersFilter", IP_FILTER), 0);
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    assert_int_equal(add_policy(&pc, "a", ""), 0);
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    pc_close(&pc);
}

static void test_state(void **state)
{
    (void)state;
    static const char *const k_damaged[] = {
        "{}",
        "{\"filters\":{},\"policies\":[],\"next_handle\":1,\"reset_s\":0}",
        "{\"filters\":[{\"class\":\"No\",\"handle\":1,\"settings\":{}}],\"policies\":[],"
        "\"next_handle\":1,\"reset_s\":0}",
        "{\"filters\":[],\"policies\":[{\"handle\":1,\"settings\":{}}],\"next_handle\":1,"
        "\"reset_s\":0}",
        "{\"filters\":[],\"policies\":[],\"next_handle\":0,\"reset_s\":0}",
    };
    struct pc pc;
    struct amt_diag diag = { 0 };
    pc_open(&pc);
    unsigned ip = create(&pc, "AMT_IPHeadersFilter", IP_FILTER);
    json_t *saved = k_system_defense_part.save(pc.firmware);
    k_system_defense_part.unprovision(pc.firmware, false);
    assert_int_equal(pc_count(&pc, "AMT_IPHeadersFilter"), 0);
    assert_int_equal(k_system_defense_part.load(pc.firmware, saved, &diag), AMT_OK);
    json_decref(saved);
    assert_int_equal(pc_count(&pc, "AMT_IPHeadersFilter"), 1);
    assert_true(create(&pc, "AMT_IPHeadersFilter", IP_FILTER) > ip);
    for (size_t i = 0; i < sizeof k_damaged / sizeof *k_damaged; i++) {
        json_t *damaged = json_loads(k_damaged[i], 0, NULL);
        assert_int_equal(k_system_defense_part.load(pc.firmware, damaged, &diag), AMT_ECONFIG);
        json_decref(damaged);
    }
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_filter_to_port),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_policy_methods),
        cmocka_unit_test(test_client_control_mode),
        cmocka_unit_test(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
