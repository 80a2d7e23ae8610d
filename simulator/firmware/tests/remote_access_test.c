/* Remote access as configured over WS-Man: limits, names, associations, triggers (wsman.md 4.7). */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/tests/remote_access_fixture.h"

#define SAP      "AMT_ManagementPresenceRemoteSAP"
#define LOGIN    "AMT_MPSUsernamePassword"
#define CONTEXT  "AMT_RemoteAccessCredentialContext"
#define RULE     "AMT_RemoteAccessPolicyRule"
#define LINK     "AMT_RemoteAccessPolicyAppliesToMPS"
#define SERVICE  "AMT_RemoteAccessService"
#define USER     "AMT_UserInitiatedConnectionService"
#define EVERY_25 "AAAAAAAAABk="
#define AT_13_30 "AAAAAQAAAA0AAAAe"

static void init(struct remote_access_fixture *f)
{
    remote_access_fixture_init(f, "16.1.25.2124", FIRMWARE_ADMIN_CONTROL);
}

static uint32_t add_server(struct remote_access_fixture *f, const char *host, const char *format,
                           const char *cn)
{
    return remote_access_method(
        f, SERVICE, "AddMpServer",
        remote_access_in(f, "AddMpServer_INPUT", REMOTE_ACCESS_SERVER(host, format, cn)));
}

/* A server, a periodic policy for it, and a domain: the device is outside and may call. */
static void configure(struct remote_access_fixture *f)
{
    assert_int_equal(remote_access_add_mps(f, "mps.example.org"), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(f, "2", EVERY_25, "0", NULL), PT_SUCCESS);
    assert_int_equal(remote_access_set_domain(f, "a1b2c3.example"), WSMAN_OK);
}

/* --- servers --- */

/* WSM-079 */
static void a_server_is_three_instances_with_the_names_of_devices(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(add_server(&f, "192.168.0.208", "3", "192.168.0.208"), PT_SUCCESS);
    const struct wsman_ref *made = wsman_get_ref(f.out, "MpServer");
    assert_string_equal(made->class_name, SAP);
    assert_string_equal(wsman_ref_selector(made, "Name"),
                        "Intel(r) AMT:Management Presence Server 0");
    assert_string_equal(wsman_ref_selector(made, "SystemName"), "Intel(r) AMT");
    const struct wsman_instance *sap = remote_access_list(&f, SAP);
    assert_string_equal(wsman_get(sap, "AccessInfo"), "192.168.0.208");
    assert_string_equal(wsman_get(sap, "CN"), "192.168.0.208");
    assert_string_equal(wsman_get(sap, "InfoFormat"), "3");
    assert_string_equal(wsman_get(sap, "Port"), "4433");
    assert_string_equal(wsman_get(sap, "ElementName"), "Intel(r) AMT:Management Presence Server");
    assert_string_equal(wsman_get(sap, "SystemCreationClassName"), "CIM_ComputerSystem");
    const struct wsman_instance *login = remote_access_list(&f, LOGIN);
    assert_string_equal(wsman_get(login, "InstanceID"), "Intel(r) AMT:MPS Username Password 0");
    assert_string_equal(wsman_get(login, "RemoteID"), "user");
    const struct wsman_instance *context = remote_access_list(&f, CONTEXT);
    assert_string_equal(
        wsman_ref_selector(wsman_get_ref(context, "ElementInContext"), "InstanceID"),
        "Intel(r) AMT:MPS Username Password 0");
    assert_string_equal(
        wsman_ref_selector(wsman_get_ref(context, "ElementProvidingContext"), "Name"),
        "Intel(r) AMT:Management Presence Server 0");
    assert_int_equal(remote_access_count(&f, "CIM_RemoteAccessAvailableToElement"), 1);
    remote_access_fixture_fini(&f);
}

static void a_password_is_never_read_back(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_add_mps(&f, "mps.example.org"), PT_SUCCESS);
    const struct wsman_instance *login = remote_access_list(&f, LOGIN);
    for (const struct wsman_property *p = login->first; p != NULL; p = p->next) {
        assert_string_not_equal(p->values->text, "P@ssw0rd");
    }
    remote_access_fixture_fini(&f);
}

/* WSM-080 */
static void the_same_server_again_is_a_duplicate_with_the_empty_reference(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_add_mps(&f, "mps.example.org"), PT_SUCCESS);
    assert_int_equal(remote_access_add_mps(&f, "MPS.example.org"), PT_DUPLICATE);
    assert_string_equal(wsman_get_ref(f.out, "MpServer")->class_name, "");
    assert_int_equal(remote_access_count(&f, SAP), 1);
    remote_access_fixture_fini(&f);
}

/* WSM-080 */
static void the_profile_limits_the_servers(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    uint32_t most = (uint32_t)wsman_get_u64(remote_access_list(&f, "AMT_RemoteAccessCapabilities"),
                                            "MaxTotalMpServers", 0);
    assert_in_range(most, 4, 8);
    for (uint32_t i = 0; i < most; i++) {
        char host[32];
        (void)snprintf(host, sizeof host, "mps%u.example.org", i);
        assert_int_equal(remote_access_add_mps(&f, host), PT_SUCCESS);
    }
    assert_int_equal(remote_access_add_mps(&f, "one.more.example.org"), PT_MAX_LIMIT_REACHED);
    assert_int_equal(remote_access_count(&f, SAP), most);
    remote_access_fixture_fini(&f);
}

static void a_server_that_is_not_whole_is_an_invalid_parameter(void **state)
{
    static const struct {
        const char *property, *value;
    } k_changes[] = {
        { "AccessInfo", "" },
        { "AccessInfo", "no host" },
        { "InfoFormat", "3" },
        { "InfoFormat", "4" },
        { "InfoFormat", "5" },
        { "Port", "0" },
        { "AuthMethod", "0" },
        { "AuthMethod", "3" },
        { "AuthMethod", "1" },
        { "Username", "" },
        { "Username", "a b" },
        { "Password", "" },
        { "Username", "0123456789012345678901234567890123456789012345678901234567890123456789" },
        { "Password", "0123456789012345678901234567890123456789012345678901234567890123456789" },
    };
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    for (size_t i = 0; i < sizeof k_changes / sizeof k_changes[0]; i++) {
        struct wsman_instance *in = remote_access_in(
            &f, "AddMpServer_INPUT", REMOTE_ACCESS_SERVER("mps.example.org", "201", ""));
        wsman_set(in, k_changes[i].property, k_changes[i].value);
        assert_int_equal(remote_access_method(&f, SERVICE, "AddMpServer", in),
                         PT_INVALID_PARAMETER);
    }
    assert_int_equal(add_server(&f, "192.0.2.7", "3", ""), PT_INVALID_PARAMETER); /* needs a CN */
    assert_int_equal(remote_access_count(&f, SAP), 0);
    remote_access_fixture_fini(&f);
}

/* FF-156 */
static void the_profile_says_how_long_user_and_password_may_be(void **state)
{
    static const struct {
        const char *user, *password;
        uint32_t status;
    } k_cases[] = { { "ABCDEFGHIJKLMNOP", "0123456789abcdef", PT_SUCCESS },
                    { "ABCDEFGHIJKLMNOPQ", "0123456789abcdef", PT_INVALID_PARAMETER },
                    { "ABCDEFGHIJKLMNOP", "0123456789abcdefg", PT_INVALID_PARAMETER } };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (int is_strict = 0; is_strict < 2; is_strict++) {
            struct remote_access_fixture f;
            init(&f);
            f.profile->config.mps_login_max = is_strict == 1 ? 16 : 64;
            struct wsman_instance *in =
                remote_access_in(&f, "INPUT", REMOTE_ACCESS_SERVER("mps.example.org", "201", ""));
            wsman_set(in, "Username", k_cases[i].user);
            wsman_set(in, "Password", k_cases[i].password);
            assert_int_equal(remote_access_method(&f, SERVICE, "AddMpServer", in),
                             is_strict == 1 ? k_cases[i].status : PT_SUCCESS);
            remote_access_fixture_fini(&f);
        }
    }
}

static void all_three_address_formats_are_taken(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(add_server(&f, "192.0.2.7", "3", "mps"), PT_SUCCESS);
    assert_int_equal(add_server(&f, "2001:db8::7", "4", "mps"), PT_SUCCESS);
    assert_int_equal(add_server(&f, "mps.example.org", "201", ""), PT_SUCCESS);
    assert_false(wsman_has(remote_access_list(&f, SAP)->next->next, "CN"));
    remote_access_fixture_fini(&f);
}

static void a_put_of_the_login_changes_user_and_password(void **state)
{
    struct remote_access_fixture f;
    struct remote_access_target target;
    (void)state;
    init(&f);
    configure(&f);
    const struct wsman_instance *login = remote_access_list(&f, LOGIN);
    assert_int_equal(remote_access_put(&f, login, "RemoteID", "other"), WSMAN_OK);
    assert_true(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    assert_string_equal(target.user, "other");
    assert_string_equal(target.password, "P@ssw0rd");
    assert_int_equal(remote_access_put(&f, login, "Secret", "N3w!"), WSMAN_OK);
    assert_true(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    assert_string_equal(target.password, "N3w!");
    assert_int_equal(remote_access_put(&f, login, "RemoteID", ""), WSMAN_INVALID_REPRESENTATION);
    remote_access_fixture_fini(&f);
}

/* WSM-084 */
static void a_server_in_use_cannot_be_deleted_until_its_policy_is(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    configure(&f);
    assert_int_equal(wsman_fault_status(remote_access_delete(&f, remote_access_list(&f, SAP))),
                     400);
    assert_int_equal(remote_access_count(&f, SAP), 1);
    assert_int_equal(remote_access_delete(&f, remote_access_list(&f, RULE)), WSMAN_OK);
    assert_int_equal(remote_access_count(&f, LINK), 0);
    assert_int_equal(remote_access_delete(&f, remote_access_list(&f, SAP)), WSMAN_OK);
    assert_int_equal(remote_access_count(&f, SAP), 0);
    assert_int_equal(remote_access_count(&f, LOGIN), 0);
    assert_int_equal(remote_access_count(&f, CONTEXT), 0);
    remote_access_fixture_fini(&f);
}

static void a_freed_number_is_used_again(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_add_mps(&f, "a.example"), PT_SUCCESS);
    assert_int_equal(remote_access_add_mps(&f, "b.example"), PT_SUCCESS);
    assert_int_equal(remote_access_delete(&f, remote_access_list(&f, SAP)), WSMAN_OK);
    assert_int_equal(remote_access_add_mps(&f, "c.example"), PT_SUCCESS);
    assert_string_equal(wsman_get(remote_access_list(&f, SAP), "Name"),
                        "Intel(r) AMT:Management Presence Server 0");
    assert_string_equal(wsman_get(remote_access_list(&f, SAP), "AccessInfo"), "c.example");
    remote_access_fixture_fini(&f);
}

/* --- policies --- */

/* WSM-081 WSM-082 */
static void policies_are_named_by_trigger_and_joined_in_order(void **state)
{
    static const char *const k_names[] = { "Periodic", "Periodic", "User Initiated" };
    static const char *const k_order[] = { "0", "1", "0" };
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_add_mps(&f, "a.example"), PT_SUCCESS);
    assert_int_equal(remote_access_add_mps(&f, "b.example"), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "2", EVERY_25, "1", "0"), PT_SUCCESS);
    assert_string_equal(wsman_ref_selector(wsman_get_ref(f.out, "PolicyRule"), "PolicyRuleName"),
                        "Periodic");
    assert_int_equal(remote_access_add_rule(&f, "0", "", "0", NULL), PT_SUCCESS);
    const struct wsman_instance *link = remote_access_list(&f, LINK);
    for (size_t i = 0; i < 3; i++, link = link->next) {
        assert_string_equal(wsman_ref_selector(wsman_get_ref(link, "PolicySet"), "PolicyRuleName"),
                            k_names[i]);
        assert_string_equal(wsman_get(link, "OrderOfAccess"), k_order[i]);
        assert_string_equal(wsman_get(link, "MpsType"), "0");
    }
    assert_null(link);
    const struct wsman_instance *rule = remote_access_list(&f, RULE);
    assert_string_equal(wsman_get(rule, "ElementName"), "Inte(r) AMT:Remote Access Policy");
    assert_string_equal(wsman_get(rule, "ExtendedData"), EVERY_25);
    assert_string_equal(wsman_get(rule, "Trigger"), "2");
    assert_string_equal(wsman_get(rule, "TunnelLifeTime"), "0");
    assert_false(wsman_has(rule->next, "ExtendedData"));
    remote_access_fixture_fini(&f);
}

static void a_second_policy_of_a_trigger_is_a_duplicate_and_three_are_the_most(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_add_mps(&f, "a.example"), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "0", "", "0", NULL), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "0", "", "0", NULL), PT_DUPLICATE);
    assert_string_equal(wsman_get_ref(f.out, "PolicyRule")->class_name, "");
    assert_int_equal(remote_access_add_rule(&f, "1", "", "0", NULL), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "2", EVERY_25, "0", NULL), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "3", "", "0", NULL), PT_MAX_LIMIT_REACHED);
    remote_access_fixture_fini(&f);
}

static void a_policy_that_is_not_whole_is_an_invalid_parameter(void **state)
{
    static const struct {
        const char *trigger, *data, *first, *second;
    } k_cases[] = {
        { "4", "", "0", NULL },                 /* no such trigger */
        { "2", "", "0", NULL },                 /* periodic without a time */
        { "2", "AAAAAAAAAAA=", "0", NULL },     /* every 0 seconds */
        { "2", "AAAAAgAAABk=", "0", NULL },     /* kind 2 */
        { "2", "AAAAAQAAABgAAAAA", "0", NULL }, /* 24:00 */
        { "2", "AAAAAQAAAAAAAAA8", "0", NULL }, /* 00:60 */
        { "2", "AAAAAAAAABl=", "0", NULL },     /* padding bits (WSM-057) */
        { "0", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "0", NULL }, /* 33 bytes */
        { "0", "", "7", NULL },                                             /* no such server */
        { "0", "", "0", "0" },                                              /* one server twice */
    };
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_add_mps(&f, "a.example"), PT_SUCCESS);
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        assert_int_equal(remote_access_add_rule(&f, k_cases[i].trigger, k_cases[i].data,
                                                k_cases[i].first, k_cases[i].second),
                         PT_INVALID_PARAMETER);
    }
    const struct wsman_instance *in =
        remote_access_in(&f, "INPUT", "Trigger", "0", "TunnelLifeTime", "0", NULL);
    assert_int_equal(remote_access_method(&f, SERVICE, "AddRemoteAccessPolicyRule", in),
                     PT_INVALID_PARAMETER);
    assert_int_equal(remote_access_count(&f, RULE), 0);
    remote_access_fixture_fini(&f);
}

static void an_internal_server_has_type_1_and_needs_release_11_6(void **state)
{
    static const char *const k_versions[] = { "11.0.25.3001", "16.1.25.2124" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct remote_access_fixture f;
        remote_access_fixture_init(&f, k_versions[i], FIRMWARE_ADMIN_CONTROL);
        assert_int_equal(remote_access_add_mps(&f, "a.example"), PT_SUCCESS);
        struct wsman_instance *in =
            remote_access_in(&f, "INPUT", "Trigger", "0", "TunnelLifeTime", "0", NULL);
        wsman_add_ref(
            in, "InternalMpServer",
            wsman_ref_new(&f.arena, SAP, 1, "Name", "Intel(r) AMT:Management Presence Server 0"));
        uint32_t status = remote_access_method(&f, SERVICE, "AddRemoteAccessPolicyRule", in);
        assert_int_equal(status, i == 0 ? PT_INVALID_PARAMETER : PT_SUCCESS);
        if (i == 1) {
            assert_string_equal(wsman_get(remote_access_list(&f, LINK), "MpsType"), "1");
        }
        remote_access_fixture_fini(&f);
    }
}

static void a_put_of_a_policy_changes_time_and_lifetime_and_nothing_bad(void **state)
{
    struct remote_access_fixture f;
    uint64_t wait_us = 0;
    (void)state;
    init(&f);
    configure(&f);
    const struct wsman_instance *rule = remote_access_list(&f, RULE);
    assert_int_equal(remote_access_put(&f, rule, "ExtendedData", "AAAAAAAAAAo="), WSMAN_OK);
    assert_true(remote_access_periodic_wait(f.firmware, &wait_us));
    assert_int_equal(wait_us, 10 * US_PER_SECOND);
    assert_int_equal(remote_access_put(&f, rule, "TunnelLifeTime", "300"), WSMAN_OK);
    assert_string_equal(wsman_get(remote_access_list(&f, RULE), "TunnelLifeTime"), "300");
    assert_int_equal(wsman_fault_status(remote_access_put(&f, rule, "ExtendedData", "AAAA")), 400);
    assert_int_equal(wsman_fault_status(remote_access_put(&f, rule, "Trigger", "1")), 400);
    remote_access_fixture_fini(&f);
}

/* WSM-083 */
static void a_put_of_the_association_sets_type_and_order(void **state)
{
    struct remote_access_fixture f;
    struct remote_access_target target;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_add_mps(&f, "a.example"), PT_SUCCESS);
    assert_int_equal(remote_access_add_mps(&f, "b.example"), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "2", EVERY_25, "0", "1"), PT_SUCCESS);
    assert_int_equal(remote_access_set_domain(&f, "x.example"), WSMAN_OK);
    const struct wsman_instance *link = remote_access_list(&f, LINK);
    assert_int_equal(remote_access_put(&f, link, "MpsType", "2"), WSMAN_OK);
    assert_string_equal(wsman_get(remote_access_list(&f, LINK), "MpsType"), "2");
    assert_int_equal(remote_access_put(&f, link, "OrderOfAccess", "5"), WSMAN_OK);
    assert_true(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    assert_string_equal(target.access_info, "b.example");
    assert_true(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 1, &target));
    assert_string_equal(target.access_info, "a.example");
    assert_int_equal(wsman_fault_status(remote_access_put(&f, link, "MpsType", "3")), 400);
    remote_access_fixture_fini(&f);
}

/* --- environment --- */

/* WSM-085 */
static void domains_are_kept_replaced_and_emptied(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_set_domain(&f, "one.example"), WSMAN_OK);
    assert_int_equal(remote_access_set_domain(&f, "two.example"), WSMAN_OK);
    const struct wsman_instance *data =
        remote_access_list(&f, "AMT_EnvironmentDetectionSettingData");
    assert_string_equal(wsman_get(data, "DetectionStrings"), "two.example");
    assert_null(wsman_get_values(data, "DetectionStrings")->next);
    assert_int_equal(remote_access_set_domain(&f, ""), WSMAN_OK);
    data = remote_access_list(&f, "AMT_EnvironmentDetectionSettingData");
    assert_null(wsman_get_values(data, "DetectionStrings"));
    remote_access_fixture_fini(&f);
}

static void a_bad_or_long_domain_is_400_and_changes_nothing(void **state)
{
    char text[192];
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    memset(text, 'a', sizeof text);
    text[190] = '\0';
    assert_int_equal(remote_access_set_domain(&f, text), WSMAN_OK);
    text[190] = 'a';
    text[191] = '\0';
    assert_int_equal(wsman_fault_status(remote_access_set_domain(&f, text)), 400);
    assert_int_equal(wsman_fault_status(remote_access_set_domain(&f, "a domain")), 400);
    const struct wsman_instance *data =
        remote_access_list(&f, "AMT_EnvironmentDetectionSettingData");
    assert_int_equal(strlen(wsman_get(data, "DetectionStrings")), 190);
    struct wsman_instance *six = wsman_instance_copy(&f.arena, data);
    for (int i = 0; i < 5; i++) {
        wsman_add(six, "DetectionStrings", "x.example");
    }
    assert_int_equal(wsman_fault_status(remote_access_put(&f, six, "None", "")), 400);
    assert_int_equal(wsman_fault_status(remote_access_put(&f, data, "DetectionAlgorithm", "1")),
                     400);
    assert_int_equal(remote_access_put(&f, data, "DetectionIPv6LocalPrefixes", "2001:db8::/32"),
                     WSMAN_OK);
    assert_int_equal(
        wsman_fault_status(remote_access_put(&f, data, "DetectionIPv6LocalPrefixes", "db8/32")),
        400);
    remote_access_fixture_fini(&f);
}

/* APF-DEV-047 */
static void the_suffix_of_the_network_decides_inside_or_outside(void **state)
{
    struct remote_access_fixture f;
    struct remote_access_target target;
    uint64_t wait_us = 0;
    (void)state;
    init(&f);
    configure(&f);
    assert_true(remote_access_is_outside(f.firmware)); /* no suffix at all matches nothing */
    remote_access_set_network(f.firmware, "cafe.example");
    assert_true(remote_access_is_outside(f.firmware));
    assert_true(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    remote_access_set_network(f.firmware, "A1B2C3.example");
    assert_false(remote_access_is_outside(f.firmware));
    assert_false(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    assert_false(remote_access_periodic_wait(f.firmware, &wait_us));
    assert_int_equal(remote_access_put(&f, remote_access_list(&f, LINK), "MpsType", "1"), WSMAN_OK);
    assert_true(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    remote_access_set_network(f.firmware, "cafe.example");
    assert_false(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    remote_access_fixture_fini(&f);
}

static void without_domains_nobody_is_outside_and_no_server_is_called(void **state)
{
    struct remote_access_fixture f;
    struct remote_access_target target;
    (void)state;
    init(&f);
    configure(&f);
    assert_int_equal(remote_access_put(&f, remote_access_list(&f, LINK), "MpsType", "2"), WSMAN_OK);
    assert_int_equal(remote_access_set_domain(&f, ""), WSMAN_OK);
    f.changed = 0;
    remote_access_answered(&f);
    assert_int_equal(f.changed, 1); /* so the caller can end a tunnel that is up */
    assert_false(remote_access_is_outside(f.firmware));
    assert_false(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    remote_access_fixture_fini(&f);
}

/* FF-152 */
static void a_domain_is_home_when_it_is_the_suffix_or_a_parent_of_it(void **state)
{
    static const struct {
        const char *domain;
        bool is_outside;
    } k_cases[] = {
        { "corp.example.com", false },
        { "example.com", false },
        { "CORP.EXAMPLE.COM", false },
        { "random.example", true },
        { "ample.com", true },
        { "a.corp.example.com", true },
        { "com", false },
        { "xcorp.example.com", true },
    };
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    remote_access_set_network(f.firmware, "corp.example.com");
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        assert_int_equal(remote_access_set_domain(&f, k_cases[i].domain), WSMAN_OK);
        assert_int_equal(remote_access_is_outside(f.firmware), k_cases[i].is_outside);
    }
    remote_access_fixture_fini(&f);
}

static void the_last_of_five_domains_counts_like_the_first(void **state)
{
    static const char *const k_more[] = { "two.example", "three.example", "four.example",
                                          "five.example" };
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    remote_access_set_network(f.firmware, "five.example");
    assert_int_equal(remote_access_set_domain(&f, "one.example"), WSMAN_OK);
    struct wsman_instance *five = remote_access_list(&f, "AMT_EnvironmentDetectionSettingData");
    for (size_t i = 0; i < 4; i++) {
        assert_true(remote_access_is_outside(f.firmware));
        wsman_add(five, "DetectionStrings", k_more[i]);
        assert_int_equal(remote_access_put(&f, five, "None", ""), WSMAN_OK);
    }
    assert_false(remote_access_is_outside(f.firmware));
    remote_access_fixture_fini(&f);
}

/* FF-153: detection does not run with a static address */
static void a_static_address_leaves_the_call_to_the_user_or_to_servers_for_both(void **state)
{
    static const struct {
        const char *type;
        bool periodic, user;
    } k_cases[] = { { "0", false, true }, { "1", false, false }, { "2", true, true } };
    struct remote_access_fixture f;
    struct remote_access_target target;
    (void)state;
    init(&f);
    configure(&f);
    assert_int_equal(remote_access_add_rule(&f, "0", "", "0", NULL), PT_SUCCESS);
    assert_int_equal(network_set_static(f.firmware, true), AMT_OK);
    assert_int_equal(remote_access_place(f.firmware), REMOTE_ACCESS_UNKNOWN);
    for (size_t i = 0; i < 3; i++) {
        const struct wsman_instance *link = remote_access_list(&f, LINK);
        assert_int_equal(remote_access_put(&f, link, "MpsType", k_cases[i].type), WSMAN_OK);
        assert_int_equal(remote_access_put(&f, link->next, "MpsType", k_cases[i].type), WSMAN_OK);
        assert_int_equal(remote_access_target(f.firmware, REMOTE_ACCESS_PERIODIC, 0, &target),
                         k_cases[i].periodic);
        assert_int_equal(remote_access_target(f.firmware, REMOTE_ACCESS_USER, 0, &target),
                         k_cases[i].user);
    }
    assert_int_equal(network_set_static(f.firmware, false), AMT_OK);
    assert_int_equal(remote_access_place(f.firmware), REMOTE_ACCESS_OUTSIDE);
    remote_access_fixture_fini(&f);
}

/* FF-153: reports disagree */
static void a_static_address_may_count_as_outside_by_the_profile(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    configure(&f);
    assert_int_equal(network_set_static(f.firmware, true), AMT_OK);
    f.profile->config.static_is_outside = true;
    assert_true(remote_access_is_outside(f.firmware));
    remote_access_fixture_fini(&f);
}

/* FF-153: a static address that is shared and synchronised with the host has the host's suffix */
static void a_shared_static_address_is_detected_like_dhcp(void **state)
{
    static const char k_class[] = "AMT_EthernetPortSettings";
    static const char k_port[] = "Intel(r) AMT Ethernet Port Settings 0";
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    configure(&f);
    assert_int_equal(network_set_static(f.firmware, true), AMT_OK);
    assert_int_equal(settings_set(f.firmware, k_class, k_port, "SharedStaticIp", "true"), AMT_OK);
    assert_int_equal(settings_set(f.firmware, k_class, k_port, "IpSyncEnabled", "false"), AMT_OK);
    assert_int_equal(remote_access_place(f.firmware), REMOTE_ACCESS_UNKNOWN);
    assert_int_equal(settings_set(f.firmware, k_class, k_port, "IpSyncEnabled", "true"), AMT_OK);
    assert_int_equal(remote_access_place(f.firmware), REMOTE_ACCESS_OUTSIDE);
    remote_access_fixture_fini(&f);
}

/* --- triggers --- */

static void an_interval_and_an_hour_of_the_day_tell_when_to_call(void **state)
{
    struct remote_access_fixture f;
    uint64_t wait_us = 0;
    (void)state;
    init(&f);
    configure(&f);
    assert_true(remote_access_periodic_wait(f.firmware, &wait_us));
    assert_int_equal(wait_us, 25 * US_PER_SECOND);
    assert_false(remote_access_is_daily(f.firmware));
    assert_int_equal(remote_access_put(&f, remote_access_list(&f, RULE), "ExtendedData", AT_13_30),
                     WSMAN_OK);
    assert_true(remote_access_is_daily(f.firmware));
    assert_true(remote_access_periodic_wait(f.firmware, &wait_us));
    uint64_t then_s = (firmware_time_s(f.firmware) + wait_us / US_PER_SECOND) % 86400;
    assert_int_equal(then_s, 13 * 3600 + 30 * 60);
    assert_in_range(wait_us, 1, 86400 * (uint64_t)US_PER_SECOND);
    remote_access_fixture_fini(&f);
}

static void the_target_carries_everything_that_was_configured(void **state)
{
    struct remote_access_fixture f;
    struct remote_access_target target;
    (void)state;
    init(&f);
    assert_int_equal(add_server(&f, "192.0.2.7", "3", "mps.example.org"), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "1", "", "0", NULL), PT_SUCCESS);
    assert_int_equal(remote_access_put(&f, remote_access_list(&f, RULE), "TunnelLifeTime", "77"),
                     WSMAN_OK);
    assert_int_equal(remote_access_set_domain(&f, "x.example"), WSMAN_OK);
    assert_true(remote_access_target(f.firmware, REMOTE_ACCESS_ALERT, 0, &target));
    assert_string_equal(target.access_info, "192.0.2.7");
    assert_string_equal(target.common_name, "mps.example.org");
    assert_string_equal(target.user, "user");
    assert_string_equal(target.password, "P@ssw0rd");
    assert_int_equal(target.port, 4433);
    assert_int_equal(target.lifetime_s, 77);
    assert_false(target.is_mutual);
    assert_false(remote_access_target(f.firmware, REMOTE_ACCESS_ALERT, 1, &target));
    assert_false(remote_access_target(f.firmware, REMOTE_ACCESS_USER, 0, &target));
    remote_access_fixture_fini(&f);
}

static void an_alert_calls_home_only_without_a_tunnel(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    configure(&f);
    remote_access_alert(f.firmware);
    assert_int_equal(f.calls, 0); /* no policy for it */
    assert_int_equal(remote_access_add_rule(&f, "1", "", "0", NULL), PT_SUCCESS);
    remote_access_alert(f.firmware);
    assert_int_equal(f.calls, 1);
    assert_int_equal(f.last_trigger, REMOTE_ACCESS_ALERT);
    remote_access_tunnel_changed(f.firmware, true);
    remote_access_alert(f.firmware);
    assert_int_equal(f.calls, 1);
    remote_access_fixture_fini(&f);
}

static enum amt_err user(struct remote_access_fixture *f, const char *interfaces, bool from_bios)
{
    const struct wsman_instance *in =
        remote_access_in(f, "INPUT", "RequestedState", interfaces, NULL);
    assert_int_equal(remote_access_method(f, USER, "RequestStateChange", in), 0);
    return remote_access_user_connect(f->firmware, from_bios);
}

static void the_user_may_call_over_the_interfaces_that_are_enabled(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    configure(&f);
    assert_int_equal(user(&f, "32771", false), AMT_ESTATE); /* no policy for it */
    assert_int_equal(remote_access_add_rule(&f, "0", "", "0", NULL), PT_SUCCESS);
    assert_int_equal(user(&f, "32768", false), AMT_ESTATE);
    assert_int_equal(user(&f, "32768", true), AMT_ESTATE);
    assert_int_equal(user(&f, "32769", false), AMT_ESTATE);
    assert_int_equal(user(&f, "32770", true), AMT_ESTATE);
    assert_int_equal(f.calls, 0);
    assert_int_equal(user(&f, "32769", true), AMT_OK);
    assert_int_equal(user(&f, "32770", false), AMT_OK);
    assert_int_equal(user(&f, "32771", true), AMT_OK);
    assert_int_equal(f.calls, 3);
    assert_int_equal(f.last_trigger, REMOTE_ACCESS_USER);
    assert_string_equal(wsman_get(remote_access_list(&f, USER), "EnabledState"), "32771");
    assert_int_equal(remote_access_method(&f, USER, "RequestStateChange",
                                          remote_access_in(&f, "I", "RequestedState", "3", NULL)),
                     0);
    assert_string_equal(wsman_get(remote_access_list(&f, USER), "EnabledState"), "32768");
    assert_int_equal(remote_access_method(&f, USER, "RequestStateChange",
                                          remote_access_in(&f, "I", "RequestedState", "7", NULL)),
                     5);
    remote_access_fixture_fini(&f);
}

static void a_network_outside_fires_the_home_trigger(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_add_mps(&f, "a.example"), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "3", "", "0", NULL), PT_SUCCESS);
    assert_int_equal(remote_access_set_domain(&f, "corp.example"), WSMAN_OK);
    remote_access_set_network(f.firmware, "corp.example");
    assert_int_equal(f.calls, 0);
    remote_access_set_network(f.firmware, "home.example");
    assert_int_equal(f.calls, 1);
    assert_int_equal(f.last_trigger, REMOTE_ACCESS_HOME);
    remote_access_fixture_fini(&f);
}

static void triggers_have_the_numbers_of_apf_on_the_wire(void **state)
{
    (void)state;
    assert_int_equal(remote_access_apf_reason(REMOTE_ACCESS_USER), 1);
    assert_int_equal(remote_access_apf_reason(REMOTE_ACCESS_ALERT), 2);
    assert_int_equal(remote_access_apf_reason(REMOTE_ACCESS_HOME), 3);
    assert_int_equal(remote_access_apf_reason(REMOTE_ACCESS_PERIODIC), 4);
}

/* --- what is shown of the tunnel --- */

static void the_service_shows_the_tunnel_and_the_last_trigger(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    const struct wsman_instance *service = remote_access_list(&f, SERVICE);
    assert_string_equal(wsman_get(service, "IsRemoteTunnelConnected"), "false");
    assert_string_equal(wsman_get(service, "RemoteTunnelKeepAliveTimeout"), "4294967295");
    assert_false(wsman_has(remote_access_list(&f, "AMT_RemoteAccessCapabilities"),
                           "LastRemoteAccessTrigger"));
    remote_access_call_started(f.firmware, REMOTE_ACCESS_ALERT, 0);
    remote_access_tunnel_changed(f.firmware, true);
    remote_access_set_keepalive(f.firmware, 30);
    service = remote_access_list(&f, SERVICE);
    assert_string_equal(wsman_get(service, "IsRemoteTunnelConnected"), "true");
    assert_string_equal(wsman_get(service, "RemoteTunnelKeepAliveTimeout"), "30");
    assert_string_equal(wsman_get(remote_access_list(&f, "AMT_RemoteAccessCapabilities"),
                                  "LastRemoteAccessTrigger"),
                        "Alert");
    remote_access_tunnel_changed(f.firmware, false);
    service = remote_access_list(&f, SERVICE);
    assert_string_equal(wsman_get(service, "RemoteTunnelKeepAliveTimeout"), "4294967295");
    remote_access_fixture_fini(&f);
}

static void a_tunnel_is_closed_after_the_answer_has_left(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(remote_access_method(&f, SERVICE, "CloseRemoteAccessConnection",
                                          remote_access_in(&f, "I", NULL)),
                     PT_SUCCESS);
    assert_int_equal(f.closed, 0);
    remote_access_answered(&f);
    assert_int_equal(f.closed, 1);
    remote_access_fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_three_instances_with_the_names_of_devices),
        cmocka_unit_test(a_password_is_never_read_back),
        cmocka_unit_test(the_same_server_again_is_a_duplicate_with_the_empty_reference),
        cmocka_unit_test(the_profile_limits_the_servers),
        cmocka_unit_test(a_server_that_is_not_whole_is_an_invalid_parameter),
        cmocka_unit_test(the_profile_says_how_long_user_and_password_may_be),
        cmocka_unit_test(all_three_address_formats_are_taken),
        cmocka_unit_test(a_put_of_the_login_changes_user_and_password),
        cmocka_unit_test(a_server_in_use_cannot_be_deleted_until_its_policy_is),
        cmocka_unit_test(a_freed_number_is_used_again),
        cmocka_unit_test(policies_are_named_by_trigger_and_joined_in_order),
        cmocka_unit_test(a_second_policy_of_a_trigger_is_a_duplicate_and_three_are_the_most),
        cmocka_unit_test(a_policy_that_is_not_whole_is_an_invalid_parameter),
        cmocka_unit_test(an_internal_server_has_type_1_and_needs_release_11_6),
        cmocka_unit_test(a_put_of_a_policy_changes_time_and_lifetime_and_nothing_bad),
        cmocka_unit_test(a_put_of_the_association_sets_type_and_order),
        cmocka_unit_test(domains_are_kept_replaced_and_emptied),
        cmocka_unit_test(a_bad_or_long_domain_is_400_and_changes_nothing),
        cmocka_unit_test(the_suffix_of_the_network_decides_inside_or_outside),
        cmocka_unit_test(without_domains_nobody_is_outside_and_no_server_is_called),
        cmocka_unit_test(a_domain_is_home_when_it_is_the_suffix_or_a_parent_of_it),
        cmocka_unit_test(the_last_of_five_domains_counts_like_the_first),
        cmocka_unit_test(a_static_address_leaves_the_call_to_the_user_or_to_servers_for_both),
        cmocka_unit_test(a_static_address_may_count_as_outside_by_the_profile),
        cmocka_unit_test(a_shared_static_address_is_detected_like_dhcp),
        cmocka_unit_test(an_interval_and_an_hour_of_the_day_tell_when_to_call),
        cmocka_unit_test(the_target_carries_everything_that_was_configured),
        cmocka_unit_test(an_alert_calls_home_only_without_a_tunnel),
        cmocka_unit_test(the_user_may_call_over_the_interfaces_that_are_enabled),
        cmocka_unit_test(a_network_outside_fires_the_home_trigger),
        cmocka_unit_test(triggers_have_the_numbers_of_apf_on_the_wire),
        cmocka_unit_test(the_service_shows_the_tunnel_and_the_last_trigger),
        cmocka_unit_test(a_tunnel_is_closed_after_the_answer_has_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
