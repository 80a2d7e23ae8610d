/* Remote access: its proxies, what it keeps over a power cut, and what it does without memory. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/firmware/tests/remote_access_fixture.h"

#define SAP      "AMT_ManagementPresenceRemoteSAP"
#define LOGIN    "AMT_MPSUsernamePassword"
#define CONTEXT  "AMT_RemoteAccessCredentialContext"
#define RULE     "AMT_RemoteAccessPolicyRule"
#define LINK     "AMT_RemoteAccessPolicyAppliesToMPS"
#define USER     "AMT_UserInitiatedConnectionService"
#define EVERY_25 "AAAAAAAAABk="

static void init(struct remote_access_fixture *f)
{
    remote_access_fixture_init(f, "16.1.25.2124", FIRMWARE_ADMIN_CONTROL);
}

/* A server, a periodic policy for it, and a domain: the device is outside and may call. */
static void configure(struct remote_access_fixture *f)
{
    assert_int_equal(remote_access_add_mps(f, "mps.example.org"), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(f, "2", EVERY_25, "0", NULL), PT_SUCCESS);
    assert_int_equal(remote_access_set_domain(f, "a1b2c3.example"), WSMAN_OK);
}

static enum amt_err user(struct remote_access_fixture *f, const char *interfaces, bool from_bios)
{
    const struct wsman_instance *in =
        remote_access_in(f, "INPUT", "RequestedState", interfaces, NULL);
    assert_int_equal(remote_access_method(f, USER, "RequestStateChange", in), 0);
    return remote_access_user_connect(f->firmware, from_bios);
}

/* --- proxies --- */

static struct wsman_instance *proxy(struct remote_access_fixture *f, const char *host)
{
    return remote_access_in(f, "INPUT", "AccessInfo", host, "InfoFormat", "201", "Port", "1080",
                            "NetworkDnsSuffix", "example.com", NULL);
}

static uint32_t add_proxy(struct remote_access_fixture *f, const char *host)
{
    return remote_access_method(f, "IPS_HTTPProxyService", "AddProxyAccessPoint", proxy(f, host));
}

/* WSM-105 */
static void a_proxy_again_is_a_duplicate_with_the_empty_reference(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    assert_int_equal(add_proxy(&f, "proxy.example.com"), PT_SUCCESS);
    assert_string_equal(wsman_ref_selector(wsman_get_ref(f.out, "ProxyAccessPoint"), "Name"),
                        "Intel(r) ME:HTTP Proxy Access Point 0");
    assert_int_equal(add_proxy(&f, "proxy.example.com"), PT_DUPLICATE);
    assert_string_equal(wsman_get_ref(f.out, "ProxyAccessPoint")->class_name, "");
    struct wsman_instance *bad = proxy(&f, "other.example.com");
    wsman_set(bad, "Port", "0");
    assert_int_equal(remote_access_method(&f, "IPS_HTTPProxyService", "AddProxyAccessPoint", bad),
                     PT_INVALID_PARAMETER);
    assert_int_equal(remote_access_count(&f, "IPS_HTTPProxyAccessPoint"), 1);
    remote_access_fixture_fini(&f);
}

static void proxies_have_a_limit_an_order_and_can_be_deleted(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    uint32_t most = (uint32_t)wsman_get_u64(remote_access_list(&f, "AMT_RemoteAccessCapabilities"),
                                            "MaxTotalProxyEntryPoints", 0);
    assert_int_equal(most, 15);
    for (uint32_t i = 0; i < most; i++) {
        char host[32];
        (void)snprintf(host, sizeof host, "proxy%u.example.com", i);
        assert_int_equal(add_proxy(&f, host), PT_SUCCESS);
    }
    assert_int_equal(add_proxy(&f, "more.example.com"), PT_MAX_LIMIT_REACHED);
    const struct wsman_instance *second = remote_access_list(&f, "IPS_HTTPProxyAccessPoint")->next;
    assert_string_equal(wsman_get(second, "Priority"), "1");
    assert_int_equal(
        remote_access_method_of(&f, second, "UpdatePriority", remote_access_in(&f, "I", NULL)),
        PT_SUCCESS);
    const struct wsman_instance *first = remote_access_list(&f, "IPS_HTTPProxyAccessPoint");
    assert_string_equal(wsman_get(first, "AccessInfo"), "proxy1.example.com");
    assert_string_equal(wsman_get(first, "Priority"), "0");
    assert_int_equal(remote_access_delete(&f, first), WSMAN_OK);
    assert_int_equal(remote_access_delete(&f, first), WSMAN_DESTINATION_UNREACHABLE);
    assert_int_equal(remote_access_count(&f, "IPS_HTTPProxyAccessPoint"), most - 1);
    remote_access_fixture_fini(&f);
}

/* --- state --- */

static void what_was_configured_outlives_a_power_cut(void **state)
{
    struct remote_access_fixture f;
    struct remote_access_fixture g;
    struct remote_access_target target;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    init(&f);
    init(&g);
    configure(&f);
    assert_int_equal(add_proxy(&f, "proxy.example.com"), PT_SUCCESS);
    assert_int_equal(remote_access_add_rule(&f, "0", "", "0", NULL), PT_SUCCESS);
    assert_int_equal(user(&f, "32769", true), AMT_OK);
    json_t *saved = k_remote_access_part.save(f.firmware);
    assert_non_null(saved);
    assert_int_equal(remote_access_add_mps(&g, "born.example"), PT_SUCCESS); /* is replaced */
    assert_int_equal(k_remote_access_part.load(g.firmware, saved, &diag), AMT_OK);
    json_t *again = k_remote_access_part.save(g.firmware);
    assert_true(json_equal(saved, again));
    json_decref(saved);
    json_decref(again);
    assert_true(remote_access_target(g.firmware, REMOTE_ACCESS_PERIODIC, 0, &target));
    assert_string_equal(target.password, "P@ssw0rd");
    assert_string_equal(wsman_get(remote_access_list(&g, USER), "EnabledState"), "32769");
    assert_int_equal(remote_access_count(&g, "IPS_HTTPProxyAccessPoint"), 1);
    remote_access_fixture_fini(&f);
    remote_access_fixture_fini(&g);
}

static void a_state_that_save_cannot_have_written_is_refused(void **state)
{
    static const char *const k_states[] = {
        "{\"servers\": [{\"host\": \"a\", \"format\": 201, \"port\": 1}]}",
        "{\"servers\": [{\"number\": 8, \"host\": \"a\", \"format\": 201, \"port\": 1}]}",
        "{\"servers\": [{\"number\": 0, \"host\": \"a\", \"format\": 201, \"port\": 0}]}",
        "{\"policies\": [{\"trigger\": 0, \"servers\": []}]}",
        "{\"policies\": [{\"trigger\": 4, \"servers\": []}]}",
        "{\"policies\": [{\"trigger\": 0, \"servers\": [{\"server\": 0}]}]}",
        "{\"domains\": [1]}",
        "{\"domains\": [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]}",
        "{\"user_interfaces\": 4}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_states / sizeof k_states[0]; i++) {
        struct remote_access_fixture f;
        struct amt_diag diag = { .err = AMT_OK };
        init(&f);
        json_t *bad = json_loads(k_states[i], 0, NULL);
        assert_non_null(bad);
        assert_int_not_equal(k_remote_access_part.load(f.firmware, bad, &diag), AMT_OK);
        json_decref(bad);
        remote_access_fixture_fini(&f);
    }
}

/* WSM-077 */
static void unprovisioning_forgets_everything_and_closes_the_tunnel(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    init(&f);
    configure(&f);
    assert_int_equal(add_proxy(&f, "proxy.example.com"), PT_SUCCESS);
    k_remote_access_part.unprovision(f.firmware, false);
    assert_int_equal(f.closed, 1);
    assert_int_equal(remote_access_count(&f, SAP), 0);
    assert_int_equal(remote_access_count(&f, RULE), 0);
    assert_int_equal(remote_access_count(&f, "IPS_HTTPProxyAccessPoint"), 0);
    assert_false(remote_access_is_outside(f.firmware));
    remote_access_fixture_fini(&f);
}

static void nothing_can_be_written_before_provisioning(void **state)
{
    struct remote_access_fixture f;
    (void)state;
    remote_access_fixture_init(&f, "16.1.25.2124", FIRMWARE_NOT_PROVISIONED);
    assert_int_not_equal(remote_access_add_mps(&f, "mps.example.org"), PT_SUCCESS);
    assert_int_not_equal(add_proxy(&f, "proxy.example.com"), PT_SUCCESS);
    assert_int_not_equal(remote_access_set_domain(&f, "x.example"), WSMAN_OK);
    assert_int_equal(remote_access_count(&f, SAP), 0);
    remote_access_fixture_fini(&f);
}

/* --- memory --- */

/* Everything once, with allocation k and all later ones failing: nothing crashes, nothing leaks, and
 * what says that it was done has been done. */
static bool configure_without_memory(struct remote_access_fixture *f, uint64_t k)
{
    amt_memory_fail_after(k);
    uint32_t server = remote_access_add_mps(f, "mps.example.org");
    uint32_t rule = remote_access_add_rule(f, "2", EVERY_25, "0", NULL);
    const struct wsman_instance *old = remote_access_list(f, "AMT_EnvironmentDetectionSettingData");
    enum wsman_fault domain = old == NULL
                                  ? WSMAN_INTERNAL_ERROR
                                  : remote_access_put(f, old, "DetectionStrings", "a1b2c3.example");
    uint32_t added = add_proxy(f, "proxy.example.com");
    (void)remote_access_list(f, CONTEXT);
    (void)remote_access_list(f, LOGIN);
    (void)remote_access_list(f, LINK);
    (void)remote_access_list(f, "CIM_RemoteAccessAvailableToElement");
    amt_memory_fail_after(0);
    assert_int_equal(remote_access_count(f, SAP), server == PT_SUCCESS);
    assert_int_equal(remote_access_count(f, RULE), rule == PT_SUCCESS);
    assert_int_equal(remote_access_count(f, "IPS_HTTPProxyAccessPoint"), added == PT_SUCCESS);
    return server == PT_SUCCESS && rule == PT_SUCCESS && domain == WSMAN_OK && added == PT_SUCCESS;
}

static void no_memory_at_any_place_is_survived(void **state)
{
    bool is_done = false;
    (void)state;
    for (uint64_t k = 1; k < 200 && !is_done; k++) {
        struct remote_access_fixture f;
        init(&f);
        is_done = configure_without_memory(&f, k);
        remote_access_fixture_fini(&f);
    }
    assert_true(is_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_again_is_a_duplicate_with_the_empty_reference),
        cmocka_unit_test(proxies_have_a_limit_an_order_and_can_be_deleted),
        cmocka_unit_test(what_was_configured_outlives_a_power_cut),
        cmocka_unit_test(a_state_that_save_cannot_have_written_is_refused),
        cmocka_unit_test(unprovisioning_forgets_everything_and_closes_the_tunnel),
        cmocka_unit_test(nothing_can_be_written_before_provisioning),
        cmocka_unit_test(no_memory_at_any_place_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
