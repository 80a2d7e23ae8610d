/*
 * Calling home by the policies of the firmware: triggers and their priority, servers in order, the
 * environment, lifetimes (apf.md 13.3 to 13.5; APF-DEV-044 to 047).
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/settings.h"
#include "simulator/profiles.h"
#include "simulator/tests/home.h"

static void a_periodic_policy_calls_with_what_was_configured(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    home_expect_up(&h, "a.example:4433", 4);
    assert_string_equal(h.w.password, "secret");
    assert_int_equal(h.firmware->remote_access->last_trigger, REMOTE_ACCESS_PERIODIC);
    assert_int_equal(h.firmware->remote_access->keepalive_s, 30);
    home_fini(&h);
}

static void an_attempt_is_seen_until_it_succeeds_or_fails(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    const struct remote_access *shown = h.firmware->remote_access;
    device_connect(h.w.device, 0);
    assert_true(shown->is_calling);
    home_run(&h, 1);
    assert_false(shown->is_calling); /* nobody listens */
    home_listen_a(&h);
    home_run(&h, 25);
    assert_false(shown->is_calling);
    assert_true(shown->is_tunnel_up);
    home_fini(&h);
}

static void the_next_call_comes_after_the_interval(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    world_drop(&h.w);
    home_run(&h, 24);
    assert_int_equal(h.w.connects, 1);
    assert_false(h.firmware->remote_access->is_tunnel_up);
    home_run(&h, 3);
    assert_int_equal(h.w.connects, 2);
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

/* APF-DEV-045 */
static void firmware_gives_up_quick_attempts_after_two(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "firmware", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    device_connect(h.w.device, 0);
    home_run(&h, 120);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 3);
    home_run(&h, 900);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 4);
    home_fini(&h);
}

static void a_daily_policy_calls_at_its_hour(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", AT_13_30, TO_A)));
    uint64_t until_s = (13 * 3600 + 30 * 60 + 86400 - firmware_time_s(h.firmware) % 86400) % 86400;
    assert_int_equal(h.w.connects, 0);
    home_run(&h, until_s - 5);
    assert_int_equal(h.w.connects, 0);
    home_run(&h, 7);
    assert_int_equal(h.w.connects, 1);
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

static void without_a_policy_nobody_is_called(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(""));
    home_run(&h, 3600);
    assert_int_equal(h.w.connects, 0);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    home_change_state(&h,
                      STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A))); /* then it is tried at once */
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

/* APF-DEV-046 */
static void the_alternative_is_called_at_once_when_the_first_cannot_be_reached(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A "," TO_B)));
    home_listen_b(&h);
    device_connect(h.w.device, 0);
    home_run(&h, 2);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 2);
    home_expect_up(&h, "b.example:4433", 4);
    home_listen_a(&h);
    world_drop(&h.w);
    home_run(&h, 27); /* the order begins anew */
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

static void when_both_fail_the_interval_passes(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A "," TO_B)));
    device_connect(h.w.device, 0);
    home_run(&h, 20);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 2);
    home_run(&h, 20);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 4);
    home_fini(&h);
}

/* APF-DEV-046 */
static void the_user_displaces_a_tunnel_to_another_server(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default",
            STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A) "," POLICY(USER, "0", "", TO_B)));
    home_expect_up(&h, "a.example:4433", 4);
    assert_int_equal(remote_access_user_connect(h.firmware, true), AMT_OK);
    home_run(&h, 1);
    home_expect_up(&h, "b.example:4433", 1);
    assert_int_equal(world_count(&h.w, "cira.closed"), 1);
    assert_int_equal(world_count(&h.w, "code=11"), 1); /* APF-DEV-044 */
    home_fini(&h);
}

/* APF-DEV-046 */
static void the_user_keeps_a_tunnel_to_the_same_server(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default",
            STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A) "," POLICY(USER, "0", "", TO_A)));
    assert_int_equal(remote_access_user_connect(h.firmware, false), AMT_OK);
    home_run(&h, 60);
    assert_int_equal(h.w.connects, 1);
    assert_int_equal(h.firmware->remote_access->last_trigger, REMOTE_ACCESS_USER);
    home_fini(&h);
}

/* APF-DEV-046: the tunnel of the user stays, whatever asks for less */
static void a_lower_trigger_displaces_nothing_but_lengthens_the_life(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(USER, "60", "", TO_A) "," POLICY(HOME, "300", "", TO_B)));
    home_listen_a(&h);
    home_listen_b(&h);
    device_connect(h.w.device, 1);
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 1);
    remote_access_set_network(h.firmware, "home.example"); /* home provisioning */
    home_run(&h, 200);
    assert_int_equal(h.w.connects, 1);
    home_expect_up(&h, "a.example:4433", 1);
    home_run(&h, 120);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    home_fini(&h);
}

/* APF-DEV-044 */
static void a_lifetime_ends_the_tunnel_and_the_interval_begins(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "60", EVERY_25, TO_A)));
    home_run(&h, 61);
    assert_int_equal(device_connection_log(h.w.device)->closure_reason, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_WAITING);
    home_run(&h, 25);
    assert_int_equal(h.w.connects, 2);
    home_fini(&h);
}

static void a_user_call_that_fails_is_not_repeated(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(USER, "0", "", TO_A)));
    device_connect(h.w.device, 1);
    home_run(&h, 600);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    home_fini(&h);
}

/* APF-DEV-047 */
static void inside_nobody_is_called_and_a_tunnel_ends(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    home_listen_a(&h);
    remote_access_set_network(h.firmware, "corp.example");
    device_connect(h.w.device, 0);
    home_run(&h, 600);
    assert_int_equal(h.w.connects, 0);
    remote_access_set_network(h.firmware, "cafe.example");
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 4);
    remote_access_set_network(h.firmware, "corp.example");
    home_run(&h, 600);
    assert_int_equal(h.w.connects, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    assert_int_equal(world_count(&h.w, "code=11"), 1);
    /* FF-152: the log tells why */
    assert_int_equal(world_count(&h.w, "verdict=inside why=the suffix is that of a domain "
                                       "dns_suffix=corp.example domains=corp.example"),
                     2);
    assert_int_equal(world_count(&h.w, "verdict=outside why=the suffix is of none"), 1);
    home_fini(&h);
}

/* wsman.md 5.3: a tunnel that is up is not touched by other servers' data */
static void a_change_that_does_not_concern_the_tunnel_leaves_it(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    home_change_state(&h, STATE(POLICY(PERIODIC, "0", EVERY_25, TO_B)));
    home_run(&h, 60);
    assert_int_equal(h.w.connects, 1);
    home_expect_up(&h, "a.example:4433", 4);
    home_change_state(&h, STATE(""));
    home_run(&h, 60);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    home_fini(&h);
}

/* FF-157: some firmware looks at its policies only when something happens on the network */
static void new_policies_may_have_to_wait_for_a_link_event(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(""));
    world_set(&h.w, "cira.start", "on_link_event");
    home_listen_a(&h);
    device_connect(h.w.device, 0);
    home_change_state(&h, STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    home_run(&h, 120);
    assert_int_equal(h.w.connects, 0);
    device_set_link(h.w.device, false);
    home_run(&h, 5);
    device_set_link(h.w.device, true);
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

/* FF-157 */
static void another_network_is_a_link_event(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(""));
    world_set(&h.w, "cira.start", "on_link_event");
    home_listen_a(&h);
    device_connect(h.w.device, 0);
    home_change_state(&h, STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    home_run(&h, 1);
    assert_int_equal(device_set_network(h.w.device, "cafe.example", false, NULL), AMT_OK);
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

/* FF-157 */
static void new_policies_may_have_to_wait_for_a_timer(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(""));
    world_set(&h.w, "cira.start_delay", "600s");
    home_listen_a(&h);
    device_connect(h.w.device, 0);
    home_change_state(&h, STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    home_run(&h, 300);
    home_change_state(&h, STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    home_run(&h, 298);
    assert_int_equal(h.w.connects, 0);
    home_run(&h, 3);
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

/* FF-165: the user's trigger, as a service on the host fires it, still works */
static void a_long_sleep_may_make_it_forget_its_period(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default",
              STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A) "," POLICY(USER, "0", "", TO_A)));
    world_set(&h.w, "cira.forgets_after_sleep", "24h");
    home_listen_a(&h);
    device_connect(h.w.device, 0);
    home_run(&h, 1);
    assert_int_equal(power_host_event(h.firmware, "sleep"), AMT_OK);
    home_run(&h, 23 * 3600);
    world_drop(&h.w);
    home_run(&h, 60);
    assert_int_equal(h.w.connects, 2); /* not long enough */
    home_run(&h, 2 * 3600);
    world_drop(&h.w);
    home_run(&h, 3600);
    assert_int_equal(h.w.connects, 2);
    assert_int_equal(power_host_event(h.firmware, "wake"), AMT_OK);
    home_run(&h, 3600);
    assert_int_equal(h.w.connects, 2);
    device_set_link(h.w.device, false);
    device_set_link(h.w.device, true);
    home_run(&h, 60);
    assert_int_equal(h.w.connects, 2);
    assert_int_equal(remote_access_user_connect(h.firmware, false), AMT_OK);
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 1);
    device_reboot(h.w.device, 5 * SECOND);
    home_run(&h, 40);
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

/* FF-165 */
static void a_sleep_that_ends_in_time_forgets_nothing(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    world_set(&h.w, "cira.forgets_after_sleep", "24h");
    home_listen_a(&h);
    device_connect(h.w.device, 0);
    home_run(&h, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(power_host_event(h.firmware, "sleep"), AMT_OK);
        home_run(&h, 23 * 3600);
        assert_int_equal(power_host_event(h.firmware, "wake"), AMT_OK);
        home_run(&h, 60);
    }
    world_drop(&h.w);
    home_run(&h, 30);
    assert_int_equal(h.w.connects, 2);
    home_fini(&h);
}

static void an_alert_calls_when_no_tunnel_is_up(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(ALERT, "10", "", TO_B)));
    assert_int_equal(h.w.connects, 0);
    remote_access_alert(h.firmware);
    home_run(&h, 1);
    home_expect_up(&h, "b.example:4433", 2);
    home_fini(&h);
}

static void the_home_trigger_fires_at_the_start_outside(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(HOME, "0", "", TO_A)));
    home_expect_up(&h, "a.example:4433", 3);
    home_fini(&h);
}

static void a_closed_connection_is_called_again_after_the_interval(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    h.firmware->hooks.close_tunnel(h.firmware->hooks.ctx);
    home_run(&h, 20);
    assert_int_equal(h.w.ends, 1);
    assert_int_equal(device_connection_log(h.w.device)->closure_reason, 0);
    assert_int_equal(device_state(h.w.device), DEVICE_WAITING);
    home_run(&h, 10);
    assert_int_equal(h.w.connects, 2);
    home_fini(&h);
}

/* WSM-077 APF-DEV-044 */
static void unprovisioning_ends_the_tunnel_for_good(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    firmware_unprovision(h.firmware, false);
    home_run(&h, 600);
    assert_int_equal(h.w.connects, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    assert_int_equal(world_count(&h.w, "code=11"), 1);
    home_fini(&h);
}

/* wsman.md 4.1: AMTNetworkEnabled; only the host can switch it on again */
static void switch_network(struct home *h, const char *value)
{
    const struct firmware_hooks *hooks = &h->firmware->hooks;
    assert_int_equal(
        settings_set(h->firmware, "AMT_GeneralSettings", "", "AMTNetworkEnabled", value), AMT_OK);
    if (strcmp(value, "0") == 0) {
        hooks->close_tunnel(hooks->ctx);
    }
    hooks->remote_access_changed(hooks->ctx);
}

static void without_networking_nobody_is_called(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    switch_network(&h, "0");
    home_run(&h, 600);
    assert_int_equal(h.w.connects, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    switch_network(&h, "1");
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

static void without_networking_a_server_of_the_configuration_is_not_called_either(void **state)
{
    struct home h;
    (void)state;
    memset(&h, 0, sizeof h);
    world_init(&h.w, "default");
    world_up(&h.w);
    h.firmware = device_firmware(h.w.device, NULL);
    assert_non_null(h.firmware);
    switch_network(&h, "0");
    home_run(&h, 600);
    assert_int_equal(h.w.connects, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    switch_network(&h, "1");
    home_run(&h, 1);
    assert_int_equal(h.w.connects, 2);
    assert_int_equal(device_state(h.w.device), DEVICE_UP);
    home_fini(&h);
}

static void a_call_that_the_policies_do_not_allow_is_said(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(""));
    device_connect(h.w.device, 1);
    home_run(&h, 60);
    assert_int_equal(h.w.connects, 0);
    assert_int_equal(world_count(&h.w, "cira.not_allowed"), 1);
    home_fini(&h);
}

/* APF-DEV-045 */
static void a_link_that_comes_up_is_tried_at_once(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    device_set_link(h.w.device, false);
    home_run(&h, 600);
    assert_int_equal(h.w.connects, 1);
    device_set_link(h.w.device, true);
    home_run(&h, 1);
    assert_int_equal(h.w.connects, 2);
    home_expect_up(&h, "a.example:4433", 4);
    device_disconnect(h.w.device, 11);
    home_run(&h, 600);
    assert_int_equal(h.w.connects, 2);
    home_fini(&h);
}

/* With TLS on, a mutual login needs the key: the attempt fails with a reason, and time goes on. */
static void a_certificate_that_is_gone_fails_the_call_with_a_reason(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default",
              "{\"servers\":[{\"number\":0,\"host\":\"a.example\",\"format\":201,\"port\":4433,"
              "\"mutual\":true,\"certificate\":\"gone\"}],\"policies\":[" POLICY(
                  PERIODIC, "0", EVERY_25, TO_A) "],\"domains\":[\"corp.example\"]}");
    h.w.config.tls.offload = false;
    home_listen_a(&h);
    device_connect(h.w.device, 0);
    home_run(&h, 30);
    assert_int_equal(h.w.connects, 0);
    assert_int_equal(device_statistics(h.w.device)->cira_failures, 2);
    assert_non_null(strstr(device_connection_log(h.w.device)->failure, "gone"));
    home_fini(&h);
}

/* A server that the configuration names is shown as well, also to a firmware that is made later. */
static void the_firmware_sees_a_tunnel_of_the_configuration(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, "default");
    world_up(&w);
    const struct firmware *firmware = device_firmware(w.device, NULL);
    assert_non_null(firmware);
    assert_true(firmware->remote_access->is_tunnel_up);
    assert_int_equal(firmware->remote_access->keepalive_s, 30);
    assert_true(firmware->remote_access->has_called);
    assert_int_equal(firmware->remote_access->last_trigger, REMOTE_ACCESS_PERIODIC);
    world_drop(&w);
    world_run(&w, 2 * SECOND);
    assert_false(firmware->remote_access->is_tunnel_up);
    world_fini(&w);
}

#define SAP_REF                                                   \
    "{ ref: AMT_ManagementPresenceRemoteSAP, selectors: { Name: " \
    "'Intel(r) AMT:Management Presence Server 0' } }"
#define BORN                                                                                \
    "firmware:\n"                                                                           \
    "  instances:\n"                                                                        \
    "    AMT_ManagementPresenceRemoteSAP:\n"                                                \
    "      - { Name: 'Intel(r) AMT:Management Presence Server 0', AccessInfo: a.example,\n" \
    "          InfoFormat: 201, Port: 4433 }\n"                                             \
    "    AMT_MPSUsernamePassword:\n"                                                        \
    "      - { InstanceID: 'Intel(r) AMT:MPS Username Password 0', RemoteID: born,\n"       \
    "          Secret: secret }\n"                                                          \
    "    AMT_RemoteAccessPolicyRule:\n"                                                     \
    "      - { PolicyRuleName: Periodic, Trigger: 2, TunnelLifeTime: 0,\n"                  \
    "          ExtendedData: AAAAAAAAABk= }\n"                                              \
    "    AMT_RemoteAccessPolicyAppliesToMPS:\n"                                             \
    "      - ManagedElement: " SAP_REF "\n"                                                 \
    "        PolicySet: { ref: AMT_RemoteAccessPolicyRule, selectors: { PolicyRuleName: "   \
    "Periodic } }\n"                                                                        \
    "    AMT_EnvironmentDetectionSettingData:\n"                                            \
    "      - { DetectionAlgorithm: 0, DetectionStrings: [corp.example],\n"                  \
    "          InstanceID: Intel(r) AMT Environment Detection Settings }\n"

/* WSM-108: a profile of a PC that somebody has set up before */
static void a_device_may_be_born_with_servers_and_policies(void **state)
{
    struct home h;
    struct amt_diag diag = { .err = AMT_OK };
    struct amt_diag_list errors = { .count = 0 };
    (void)state;
    memset(&h, 0, sizeof h);
    world_init(&h.w, "default");
    struct yaml_document *document = yaml_load_text(BORN, "born", &errors);
    assert_non_null(document);
    assert_int_equal(profile_overlay_map(yaml_root(document), "born", &h.w.config, &errors),
                     AMT_OK);
    amt_free(h.w.config.cira.to);
    h.w.config.cira.to = NULL;
    home_listen_a(&h);
    h.w.device = device_new(h.w.loop, &h.w.config, 1, 0, h.w.log, &diag);
    if (h.w.device == NULL) {
        fail_msg("%s", diag.text);
    }
    h.firmware = device_firmware(h.w.device, &diag);
    device_connect(h.w.device, 0);
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 4);
    assert_string_equal(h.w.password, "secret");
    assert_int_equal(world_count(&h.w, "device.instance_left_out"), 0);
    home_fini(&h);
    yaml_free(document);
    amt_diag_list_fini(&errors);
}

static void instances_that_do_not_fit_are_left_out_and_said(void **state)
{
    static const char *const k_lines[] = {
        "class=AMT_MPSUsernamePassword why=its server is not there",
        "class=AMT_RemoteAccessPolicyAppliesToMPS why=its policy or server is not there",
        "class=AMT_RemoteAccessPolicyRule why=it has no server",
    };
    struct home h;
    struct amt_diag diag = { .err = AMT_OK };
    struct amt_diag_list errors = { .count = 0 };
    struct text lonely = { 0 };
    (void)state;
    memset(&h, 0, sizeof h);
    world_init(&h.w, "default");
    const char *logins = strstr(BORN, "    AMT_MPSUsernamePassword");
    assert_non_null(logins);
    text_printf(&lonely, "firmware:\n  instances:\n%s", logins);
    struct yaml_document *document = yaml_load_text(text_chars(&lonely), "lonely", &errors);
    assert_non_null(document);
    assert_int_equal(profile_overlay_map(yaml_root(document), "lonely", &h.w.config, &errors),
                     AMT_OK);
    h.w.device = device_new(h.w.loop, &h.w.config, 1, 0, h.w.log, &diag);
    assert_non_null(h.w.device);
    assert_non_null(device_firmware(h.w.device, &diag));
    assert_int_equal(world_count(&h.w, "device.instance_left_out"), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(world_count(&h.w, k_lines[i]), 1);
    }
    home_fini(&h);
    yaml_free(document);
    text_fini(&lonely);
    amt_diag_list_fini(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_periodic_policy_calls_with_what_was_configured),
        cmocka_unit_test(an_attempt_is_seen_until_it_succeeds_or_fails),
        cmocka_unit_test(the_next_call_comes_after_the_interval),
        cmocka_unit_test(firmware_gives_up_quick_attempts_after_two),
        cmocka_unit_test(a_daily_policy_calls_at_its_hour),
        cmocka_unit_test(without_a_policy_nobody_is_called),
        cmocka_unit_test(the_alternative_is_called_at_once_when_the_first_cannot_be_reached),
        cmocka_unit_test(when_both_fail_the_interval_passes),
        cmocka_unit_test(the_user_displaces_a_tunnel_to_another_server),
        cmocka_unit_test(the_user_keeps_a_tunnel_to_the_same_server),
        cmocka_unit_test(a_lower_trigger_displaces_nothing_but_lengthens_the_life),
        cmocka_unit_test(a_lifetime_ends_the_tunnel_and_the_interval_begins),
        cmocka_unit_test(a_user_call_that_fails_is_not_repeated),
        cmocka_unit_test(inside_nobody_is_called_and_a_tunnel_ends),
        cmocka_unit_test(a_change_that_does_not_concern_the_tunnel_leaves_it),
        cmocka_unit_test(new_policies_may_have_to_wait_for_a_link_event),
        cmocka_unit_test(another_network_is_a_link_event),
        cmocka_unit_test(new_policies_may_have_to_wait_for_a_timer),
        cmocka_unit_test(a_long_sleep_may_make_it_forget_its_period),
        cmocka_unit_test(a_sleep_that_ends_in_time_forgets_nothing),
        cmocka_unit_test(an_alert_calls_when_no_tunnel_is_up),
        cmocka_unit_test(the_home_trigger_fires_at_the_start_outside),
        cmocka_unit_test(a_closed_connection_is_called_again_after_the_interval),
        cmocka_unit_test(unprovisioning_ends_the_tunnel_for_good),
        cmocka_unit_test(without_networking_nobody_is_called),
        cmocka_unit_test(without_networking_a_server_of_the_configuration_is_not_called_either),
        cmocka_unit_test(a_call_that_the_policies_do_not_allow_is_said),
        cmocka_unit_test(a_link_that_comes_up_is_tried_at_once),
        cmocka_unit_test(a_certificate_that_is_gone_fails_the_call_with_a_reason),
        cmocka_unit_test(the_firmware_sees_a_tunnel_of_the_configuration),
        cmocka_unit_test(a_device_may_be_born_with_servers_and_policies),
        cmocka_unit_test(instances_that_do_not_fit_are_left_out_and_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
