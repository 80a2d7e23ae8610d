/* Unprovisioning, commit and what the device says it is (wsman.md 4.1, 4.2, 5.3). */
#include "base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/firmware/tests/provisioning_setup.h"
#include "simulator/firmware/users_internal.h"

static uint32_t tunnels_closed, listeners_told;

static void close_tunnel(void *ctx)
{
    (void)ctx;
    tunnels_closed++;
}

static void listeners_changed(void *ctx)
{
    (void)ctx;
    listeners_told++;
}

static void open_with_hooks(struct pc *pc)
{
    pc_open(pc);
    pc->firmware->hooks.close_tunnel = close_tunnel;
    pc->firmware->hooks.listeners_changed = listeners_changed;
    tunnels_closed = 0;
    listeners_told = 0;
}

static const char *output(struct pc *pc, const char *name)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct xml_node *root = xml_parse(&pc->arena, pc->body.chars, pc->body.len, &diag);
    return pc_property(xml_child(root, NULL, "Body")->first, name);
}

/* WSM-077, ACT-DEV-030 */
static void unprovisioning_answers_first_and_then_forgets(void **state)
{
    struct pc pc;
    char realm[48];
    uint8_t nonce[NONCE_BYTES];
    char os_password[OS_ADMIN_PASSWORD_BYTES];
    (void)state;
    open_with_hooks(&pc);
    struct user_entry entry = { .name = "guest", .access = ACCESS_ANY, .realms = 8 };
    uint32_t handle = 0;
    assert_int_equal(users_add(pc.firmware, &entry, &handle), PT_SUCCESS);
    (void)snprintf(realm, sizeof realm, "%s", provisioning_realm(pc.firmware));
    (void)snprintf(os_password, sizeof os_password, "%s", users_os_admin_password(pc.firmware));
    memcpy(nonce, pc.firmware->provisioning->nonce, sizeof nonce);
    assert_true(firmware_port_is_open(pc.firmware, 16992, FIRMWARE_CIRA));
    assert_int_equal(pc_call(&pc, CONFIGURATION, "Unprovision", NULL,
                             "<r:ProvisioningMode>1</r:ProvisioningMode>"),
                     0);
    pc_run(&pc, UINT64_C(5) * US_PER_SECOND);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_NOT_PROVISIONED);
    assert_int_equal(provisioning_state(pc.firmware), PROVISIONING_PRE);
    assert_int_equal(tunnels_closed, 1);
    assert_true(listeners_told > 0);
    assert_false(firmware_port_is_open(pc.firmware, 16992, FIRMWARE_CIRA)); /* WSM-061 */
    assert_true(firmware_port_is_open(pc.firmware, 16992, FIRMWARE_LOCAL));
    assert_string_not_equal(provisioning_realm(pc.firmware), realm);
    assert_memory_not_equal(pc.firmware->provisioning->nonce, nonce, sizeof nonce);
    assert_string_not_equal(users_os_admin_password(pc.firmware), os_password);
    assert_int_equal(pc.firmware->users->count, 1);
    setup_as_admin(&pc, PC_PASSWORD);
    (void)pc_wsman(&pc, "Get", CONFIGURATION, NULL, NULL);
    assert_int_equal(pc.status, 401);
    pc_close(&pc);
}

static void partial_unprovisioning_keeps_the_administrator_and_the_name(void **state)
{
    struct pc pc;
    char realm[48];
    (void)state;
    open_with_hooks(&pc);
    (void)snprintf(realm, sizeof realm, "%s", provisioning_realm(pc.firmware));
    (void)pc_wsman(&pc, "Put", "AMT_GeneralSettings", NULL,
                   "<r:AMT_GeneralSettings><r:HostName>kept</r:HostName>"
                   "<r:IdleWakeTimeout>5</r:IdleWakeTimeout></r:AMT_GeneralSettings>");
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_call(&pc, CONFIGURATION, "PartialUnprovision", NULL, NULL), 0);
    pc_run(&pc, UINT64_C(5) * US_PER_SECOND);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_NOT_PROVISIONED);
    assert_string_equal(provisioning_realm(pc.firmware), realm);
    assert_true(pc.firmware->users->has_admin);
    setup_as_host(&pc);
    const struct xml_node *settings = pc_get(&pc, "AMT_GeneralSettings", NULL);
    assert_string_equal(pc_property(settings, "HostName"), "kept");
    assert_string_not_equal(pc_property(settings, "IdleWakeTimeout"), "5");
    pc_close(&pc);
}

static void only_administrators_unprovision(void **state)
{
    struct pc pc;
    (void)state;
    open_with_hooks(&pc);
    setup_as_host(&pc);
    assert_int_equal(pc_call(&pc, CONFIGURATION, "Unprovision", NULL, NULL), 16);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    pc_close(&pc);
    setup_open(&pc, NULL);
    assert_int_equal(pc_call(&pc, CONFIGURATION, "Unprovision", NULL, NULL), 32);
    pc_close(&pc);
}

/* ACT-DEV-029 */
static void the_host_ends_client_control_but_not_admin_control(void **state)
{
    struct pc pc;
    (void)state;
    open_with_hooks(&pc);
    assert_int_equal(provisioning_host_unprovision(pc.firmware), AMT_ESTATE);
    pc_close(&pc);
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_CLIENT_CONTROL;
    pc_start(&pc);
    assert_int_equal(provisioning_host_unprovision(pc.firmware), AMT_OK);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_NOT_PROVISIONED);
    assert_int_equal(provisioning_host_unprovision(pc.firmware), AMT_OK);
    pc_close(&pc);
}

static void an_auditor_blocks_it_before_release_12(void **state)
{
    static const char k_lock[] =
        "<r:LockTimeoutInSeconds>60</r:LockTimeoutInSeconds><r:Flag>1</r:Flag>";
    static const struct {
        const char *version;
        int result;
    } k_cases[] = { { "11.8.50.3425", 2075 }, { "12.0.67.1579", 0 } };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pc pc;
        pc_init(&pc);
        amt_free(pc.config.version);
        pc.config.version = amt_strdup(k_cases[i].version);
        pc_start(&pc);
        assert_int_equal(pc_call(&pc, "AMT_AuditLog", "SetAuditLock", NULL, k_lock), 0);
        assert_int_equal(pc_call(&pc, CONFIGURATION, "Unprovision", NULL, NULL), k_cases[i].result);
        pc_close(&pc);
    }
}

/* ACT-DEV-033 */
static void the_mebx_password_must_be_strong(void **state)
{
    static const struct {
        const char *password;
        int result;
    } k_cases[] = { { "P@ssw0r", 2054 },
                    { "P@ssw0rd", 0 },
                    { "P@ssword", 2054 },
                    { "p@ssw0rd", 2054 },
                    { "P@SSW0RD", 2054 },
                    { "Passw0rd_", 2054 },
                    { "P@ss,w0rd", 2054 },
                    { "P@ss:w0rd", 2054 },
                    { "P@ssw0rdP@ssw0rdP@ssw0rdP@ssw0rd", 0 },
                    { "P@ssw0rdP@ssw0rdP@ssw0rdP@ssw0rd1", 2054 } };
    struct pc pc;
    (void)state;
    pc_open(&pc);
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        char input[128];
        (void)snprintf(input, sizeof input, "<r:Password>%s</r:Password>", k_cases[i].password);
        assert_int_equal(pc_call(&pc, CONFIGURATION, "SetMEBxPassword", NULL, input),
                         k_cases[i].result);
    }
    pc_close(&pc);
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_CLIENT_CONTROL;
    pc_start(&pc);
    assert_int_equal(
        pc_call(&pc, CONFIGURATION, "SetMEBxPassword", NULL, "<r:Password>P@ssw0rd</r:Password>"),
        16);
    pc_close(&pc);
}

/* ACT-DEV-032 */
static void release_19_commits_only_with_a_mebx_password(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, "19.0.0.1800");
    assert_int_equal(pc_call(&pc, CONFIGURATION, "CommitChanges", NULL, NULL), 2057);
    assert_int_equal(
        pc_call(&pc, CONFIGURATION, "SetMEBxPassword", NULL, "<r:Password>P@ssw0rd</r:Password>"),
        0);
    assert_int_equal(pc_call(&pc, CONFIGURATION, "CommitChanges", NULL, NULL), 0);
    pc_close(&pc);
    pc_open(&pc);
    assert_int_equal(pc_call(&pc, CONFIGURATION, "CommitChanges", NULL, NULL), 0);
    setup_as_host(&pc);
    assert_int_equal(pc_call(&pc, CONFIGURATION, "CommitChanges", NULL, NULL), 16);
    pc_close(&pc);
}

/* WSM-106: UUID 55e3ae13-bfd2-61bb-17a0-88aedd7037ea */
static void the_uuid_is_the_same_everywhere(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_string_equal(pc_property(pc_get(&pc, "CIM_ComputerSystemPackage", NULL), "PlatformGUID"),
                        "13AEE355D2BFBB6117A088AEDD7037EA");
    assert_int_equal(pc_call(&pc, CONFIGURATION, "GetUuid", NULL, NULL), 0);
    assert_string_equal(output(&pc, "UUID"), "E67jVdK/u2EXoIiu3XA36g==");
    pc_close(&pc);
}

/* WSM-072 */
static void software_identity_follows_the_version(void **state)
{
    static const struct {
        const char *version, *amt, *build;
    } k_cases[] = { { "16.1.25.2124", "16.1.25", "2124" }, { "7.1.91", "7.1.91", "0" } };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pc pc;
        pc_init(&pc);
        amt_free(pc.config.version);
        pc.config.version = amt_strdup(k_cases[i].version);
        pc_start(&pc);
        assert_string_equal(
            pc_property(pc_get(&pc, "CIM_SoftwareIdentity", "InstanceID=AMT"), "VersionString"),
            k_cases[i].amt);
        assert_string_equal(
            pc_property(pc_get(&pc, "CIM_SoftwareIdentity", "InstanceID=Build Number"),
                        "VersionString"),
            k_cases[i].build);
        assert_string_equal(
            pc_property(pc_get(&pc, "CIM_SoftwareIdentity", "InstanceID=Sku"), "VersionString"),
            "16392");
        pc_close(&pc);
    }
}

static int put_general(struct pc *pc, const char *property, const char *value)
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "<r:AMT_GeneralSettings><r:%s>%s</r:%s></r:AMT_GeneralSettings>", property,
                   value, property);
    (void)pc_wsman(pc, "Put", "AMT_GeneralSettings", NULL, body);
    return pc->status;
}

static void general_settings_take_what_is_writable_and_valid(void **state)
{
    static const struct {
        const char *property, *value;
        int status;
        const char *stored;
    } k_cases[] = {
        { "HostName", "pc-17", 200, "pc-17" },
        { "DomainName", "corp.example.com", 200, "corp.example.com" },
        { "DDNSPeriodicUpdateInterval", "19", 500, "1440" },
        { "DDNSPeriodicUpdateInterval", "20", 200, "20" },
        { "DDNSPeriodicUpdateInterval", "0", 200, "0" },
        { "PresenceNotificationInterval", "14", 500, "0" },
        { "PresenceNotificationInterval", "15", 200, "15" },
        { "PrivacyLevel", "2", 200, "0" }, /* read only: carried back, not taken */
        { "SharedFQDN", "false", 200, "false" },
        { "HostName", "a-name-that-is-longer-than-any-host-name-may-be-because-it-has-64", 500,
          "pc-17" },
    };
    struct pc pc;
    (void)state;
    pc_open(&pc);
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        assert_int_equal(put_general(&pc, k_cases[i].property, k_cases[i].value),
                         k_cases[i].status);
        assert_string_equal(
            pc_property(pc_get(&pc, "AMT_GeneralSettings", NULL), k_cases[i].property),
            k_cases[i].stored);
    }
    assert_int_equal(put_general(&pc, "DigestRealm", "Digest:0"), 200);
    assert_string_equal(pc_property(pc_get(&pc, "AMT_GeneralSettings", NULL), "DigestRealm"),
                        provisioning_realm(pc.firmware));
    pc_close(&pc);
}

static void the_network_is_switched_off_but_not_the_host(void **state)
{
    struct pc pc;
    (void)state;
    open_with_hooks(&pc);
    assert_int_equal(put_general(&pc, "AMTNetworkEnabled", "2"), 500);
    assert_int_equal(put_general(&pc, "AMTNetworkEnabled", "0"), 200); /* the answer still comes */
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(tunnels_closed, 1);
    assert_true(listeners_told > 0);
    assert_false(firmware_port_is_open(pc.firmware, 16992, FIRMWARE_CIRA));
    assert_false(firmware_port_is_open(pc.firmware, 16992, FIRMWARE_NETWORK));
    assert_true(firmware_port_is_open(pc.firmware, 16992, FIRMWARE_LOCAL));
    pc.door = FIRMWARE_LOCAL;
    assert_int_equal(put_general(&pc, "AMTNetworkEnabled", "1"), 200);
    assert_true(firmware_port_is_open(pc.firmware, 16992, FIRMWARE_CIRA));
    pc_close(&pc);
}

static void realms_have_the_form_of_the_profile(void **state)
{
    struct pc pc;
    (void)state;
    pc_init(&pc);
    pc.config.realm = 0; /* short */
    pc_start(&pc);
    assert_int_equal(strlen(provisioning_realm(pc.firmware)), 39);
    assert_string_equal(provisioning_realm(pc.firmware) + 11, "0000000000000000000000000000");
    pc_close(&pc);
}

static void the_one_time_password_is_hidden_outside_a_session(void **state)
{
    static const char k_put[] =
        "<r:AMT_SetupAndConfigurationService><r:ConfigurationServerFQDN>setup.example.com"
        "</r:ConfigurationServerFQDN><r:ProvisioningServerOTP>AQIDBAUGBwg="
        "</r:ProvisioningServerOTP></r:AMT_SetupAndConfigurationService>";
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    (void)pc_wsman(&pc, "Put", CONFIGURATION, NULL, k_put);
    assert_int_equal(pc.status, 200);
    const struct xml_node *service = pc_get(&pc, CONFIGURATION, NULL);
    assert_string_equal(pc_property(service, "ConfigurationServerFQDN"), "setup.example.com");
    assert_string_equal(pc_property(service, "ProvisioningServerOTP"),
                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_int_equal(provisioning_start(pc.firmware), AMT_OK);
    assert_string_equal(pc_property(pc_get(&pc, CONFIGURATION, NULL), "ProvisioningServerOTP"),
                        "AQIDBAUGBwg=");
    pc_close(&pc);
    pc_open(&pc);
    setup_as_host(&pc); /* a provisioned device is the administrator's */
    (void)pc_wsman(&pc, "Put", CONFIGURATION, NULL, k_put);
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    pc_close(&pc);
}

static void a_device_goes_on_where_it_was(void **state)
{
    char dir[] = "/tmp/amtlab-provisioning-XXXXXX", path[128], realm[48];
    struct pc pc;
    (void)state;
    assert_non_null(mkdtemp(dir));
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_NOT_PROVISIONED;
    pc.state_dir = dir;
    pc_start(&pc);
    setup_as_host(&pc);
    struct text input = { 0 };
    text_printf(&input,
                "<r:NetAdminPassEncryptionType>2</r:NetAdminPassEncryptionType>"
                "<r:NetworkAdminPassword>%s</r:NetworkAdminPassword>",
                setup_hash(&pc, "N3w-Passw0rd"));
    assert_int_equal(pc_call(&pc, HOST_SETUP, "Setup", NULL, text_chars(&input)), 0);
    text_fini(&input);
    (void)snprintf(realm, sizeof realm, "%s", provisioning_realm(pc.firmware));
    uint8_t nonce[NONCE_BYTES];
    memcpy(nonce, pc.firmware->provisioning->nonce, sizeof nonce);
    firmware_free(pc.firmware);
    firmware_profile_free(pc.profile);
    pc.nonce[0] = '\0';
    pc_start(&pc);
    setup_as_admin(&pc, "N3w-Passw0rd");
    assert_string_equal(pc_property(pc_get(&pc, HOST_SETUP, NULL), "CurrentControlMode"), "1");
    assert_string_equal(provisioning_realm(pc.firmware), realm);
    assert_memory_not_equal(pc.firmware->provisioning->nonce, nonce,
                            sizeof nonce); /* ACT-DEV-004 */
    assert_int_equal(pc_count(&pc, "IPS_ClientProvisioningRecord"), 1);
    pc_close(&pc);
    (void)snprintf(path, sizeof path, "%s/55e3ae13-bfd2-61bb-17a0-88aedd7037ea.json", dir);
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(dir), 0);
}

static void saved_state_that_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *key;
        const char *json;
    } k_cases[] = { { "mode", "1" },
                    { "mode", "9" },
                    { "state", "\"x\"" },
                    { "realm", "7" },
                    { "records", "[{\"kind\": 7}]" } };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct pc pc;
        struct amt_diag diag = { .err = AMT_OK };
        setup_open(&pc, NULL);
        json_t *saved = k_provisioning_part.save(pc.firmware);
        json_object_set_new(saved, k_cases[i].key,
                            json_loads(k_cases[i].json, JSON_DECODE_ANY, NULL));
        assert_int_equal(k_provisioning_part.load(pc.firmware, saved, &diag), AMT_ECONFIG);
        json_decref(saved);
        pc_close(&pc);
    }
}

static void a_born_device_was_provisioned_by_hand(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_count(&pc, "IPS_ManualProvisioningRecord"), 1);
    assert_int_equal(pc_count(&pc, "CIM_ComputerSystem"), 2);
    assert_int_equal(pc_call(&pc, "IPS_ProvisioningRecordLog", "ClearLog", NULL, NULL), 0);
    assert_int_equal(pc_count(&pc, "IPS_ProvisioningAuditRecord"), 0);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unprovisioning_answers_first_and_then_forgets),
        cmocka_unit_test(partial_unprovisioning_keeps_the_administrator_and_the_name),
        cmocka_unit_test(only_administrators_unprovision),
        cmocka_unit_test(the_host_ends_client_control_but_not_admin_control),
        cmocka_unit_test(an_auditor_blocks_it_before_release_12),
        cmocka_unit_test(the_mebx_password_must_be_strong),
        cmocka_unit_test(release_19_commits_only_with_a_mebx_password),
        cmocka_unit_test(the_uuid_is_the_same_everywhere),
        cmocka_unit_test(software_identity_follows_the_version),
        cmocka_unit_test(general_settings_take_what_is_writable_and_valid),
        cmocka_unit_test(the_network_is_switched_off_but_not_the_host),
        cmocka_unit_test(realms_have_the_form_of_the_profile),
        cmocka_unit_test(the_one_time_password_is_hidden_outside_a_session),
        cmocka_unit_test(a_device_goes_on_where_it_was),
        cmocka_unit_test(saved_state_that_cannot_be_is_refused),
        cmocka_unit_test(a_born_device_was_provisioned_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
